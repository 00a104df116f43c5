import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.options.chain import prepare_chain, simulate_chain
from volkit.options.surface import RawSVI, fit_surface
from volkit.report.plots_surface import plot_arbitrage, plot_density_factor, plot_surface, plot_surface_smiles

AS_OF = pd.Timestamp("2024-01-01", tz="UTC")
VOGT = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


def vogt_quotes(times=(1.0, 1.1)):
    k = np.linspace(-1.0, 1.5, 30)
    rows = [pd.DataFrame({"log_moneyness": k, "time": t, "w": VOGT.total_variance(k) * (2.0 - t)}) for t in times]
    table = pd.concat(rows, ignore_index=True)
    volatility = np.sqrt(table["w"] / table["time"])
    return table.assign(
        expiry=AS_OF + pd.to_timedelta(365.0 * table["time"], unit="D"),
        forward=100.0,
        is_call=table["log_moneyness"] > 0,
        strike=100.0 * np.exp(table["log_moneyness"]),
        mark_volatility=volatility,
        bid_volatility=volatility - 0.002,
        ask_volatility=volatility + 0.002,
    )


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def vogt():
    return fit_surface(vogt_quotes())


@pytest.fixture(scope="module")
def simulated():
    return fit_surface(prepare_chain(simulate_chain(underlying="BTC", forward=90_000.0)))


def words(axes):
    return " ".join(text.get_text() for text in axes.get_figure(root=True).findobj(lambda a: hasattr(a, "get_text")))


def test_smiles_are_drawn_at_the_fitted_volatility(vogt, ax):
    axes = plot_surface_smiles(vogt, ax=ax)

    line = axes.get_lines()[0]
    smile = vogt.slices[0]
    unit = np.sqrt(smile.total_variance(0.0))
    np.testing.assert_allclose(line.get_ydata(), smile.volatility(line.get_xdata() * unit), rtol=1e-9)
    assert len(axes.collections) == 2
    assert len(axes.collections[0].get_segments()) > 10


def test_asked_expiries_are_drawn_and_unknown_ones_refused(vogt, ax):
    axes = plot_surface_smiles(vogt, expiries=[vogt.slices[1].expiry], ax=ax)

    assert len(axes.get_lines()) == 1
    with pytest.raises(ArgumentError, match="expiries must be among 2024-12-31"):
        plot_surface_smiles(vogt, expiries=[AS_OF], ax=ax)


def test_map_is_the_surface_and_white_outside(vogt, ax):
    axes = plot_surface(vogt, ax=ax)

    values = axes.collections[0].get_array()
    assert np.nanmax(np.ma.filled(values, np.nan)) < 0.6
    assert np.ma.is_masked(values) or np.isnan(values).any() or vogt.slices[0].low <= -1.0
    assert axes.get_yscale() == "log"


def test_map_of_one_expiry_is_refused(ax):
    one = fit_surface(vogt_quotes(times=(1.0,)))

    with pytest.raises(ArgumentError, match="two expiries"):
        plot_surface(one, ax=ax)


def test_negative_density_is_drawn_where_it_is(vogt, ax):
    axes = plot_density_factor(vogt, ax=ax)

    lows = [np.nanmin(line.get_ydata()) for line in axes.get_lines() if np.isfinite(line.get_ydata()).any()]
    assert min(lows) < 0.0
    assert "Negative density in" in words(axes)


def test_rows_show_density_and_calendar(vogt, ax):
    axes = plot_arbitrage(vogt, ax=ax)

    colours = {patch.get_facecolor() for patch in axes.patches}
    assert len(colours) == 3
    assert [t.get_text() for t in axes.get_yticklabels()] == ["31 Dec 2024", "05 Feb 2025"]


@pytest.mark.parametrize("plot", [plot_surface_smiles, plot_surface, plot_density_factor, plot_arbitrage])
def test_simulated_quotes_are_marked(simulated, ax, plot):
    assert "SIMULATED" in words(plot(simulated, ax=ax))
