import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.instruments import MarketState, PositionBook
from volkit.realtime.insolvency import insolvency_margin
from volkit.report.plots_insolvency import plot_equity_fan, plot_insolvency_curve
from volkit.results import Provenance, SeriesProvenance
from volkit.scenarios.paths import PathSet

MARKET = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 80_000.0}))
SIMULATED = Provenance(
    (SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)


def book_of(cash=5_000.0, accounts=("A",)):
    rows = [(a, "BTC_USDC-PERPETUAL", -1.0, 80_000.0, "position") for a in accounts]
    rows += [(a, "USD", cash, np.nan, "cash") for a in accounts]
    return PositionBook.from_frame(
        pd.DataFrame(rows, columns=["account", "instrument", "quantity", "entry_price", "kind"])
    )


def paths_of(**more):
    shocks = np.random.default_rng(1).standard_t(5, (3_000, 12, 1))
    return PathSet(
        values=np.exp(np.cumsum(0.006 * shocks, axis=1)), step=pd.Timedelta("2h"), assets=("BTC",), engine="t walk",
        seed="1", **more,
    )  # fmt: skip


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def found(ax, gid):
    return next(one for one in (*ax.lines, *ax.collections) if one.get_gid() == gid)


def test_the_curve_its_band_and_its_target_are_those_of_the_margin(ax):
    margin = insolvency_margin(book_of(), MARKET, paths_of(), target=0.002)

    plot_insolvency_curve(margin, ax=ax)

    assert found(ax, "curve").get_ydata().tolist() == margin.curve["margin"].tolist()
    corners = found(ax, "band").get_paths()[0].vertices[:, 1]
    assert set(margin.curve["lower"]) | set(margin.curve["upper"]) <= set(corners)
    fitted = margin.curve["tail"] == "pareto"
    assert fitted.any() and found(ax, "pareto").get_xdata().tolist() == margin.curve.index[fitted].tolist()
    diamond = next(c for c in ax.containers).lines[0]
    assert (diamond.get_xdata()[0], diamond.get_ydata()[0]) == (0.002, margin.margin)
    assert ax.get_xscale() == "log" and ax.get_xlim()[0] > ax.get_xlim()[1]
    assert [t.get_text() for t in ax.get_legend().get_texts()][-1] == "equity today"


def test_an_equity_far_above_the_curve_is_told_and_not_drawn(ax):
    plot_insolvency_curve(insolvency_margin(book_of(1e6), MARKET, paths_of(), target=0.01), ax=ax)

    assert "equity today" not in [t.get_text() for t in ax.get_legend().get_texts()]
    assert "equity 1M" in ax.texts[-1].get_text().replace("\n", " ")


def test_the_fan_holds_its_shares_of_the_paths(ax):
    paths = paths_of()

    plot_equity_fan(book_of(), MARKET, paths, ax=ax)

    equity = 5_000.0 - 80_000.0 * (paths.values[:, :, 0] - 1.0)
    assert found(ax, "median").get_ydata()[1:] == pytest.approx(np.median(equity, axis=0))
    widest = found(ax, "fan-98").get_paths()[0].vertices
    at_end = widest[widest[:, 0] == 24.0][:, 1]
    assert (at_end.min(), at_end.max()) == pytest.approx(tuple(np.quantile(equity[:, -1], [0.01, 0.99])))
    lost = 100.0 * (np.minimum(equity.min(axis=1), 5_000.0) < 0.0).mean()
    assert f"on {round(lost, 2):g} % of 3,000 simulated paths" in ax.texts[-1].get_text().replace("\n", " ")


def test_weights_of_paths_are_respected(ax):
    half = np.full(3_000, -700.0)
    half[:1_500] = np.log(2.0)
    weighted, plain = paths_of(log_weights=half), paths_of()

    plot_equity_fan(book_of(), MARKET, weighted, ax=ax)

    equity = np.sort(5_000.0 - 80_000.0 * (plain.values[:1_500, -1, 0] - 1.0))
    assert found(ax, "median").get_ydata()[-1] == pytest.approx(equity[749])


def test_a_book_of_several_accounts_needs_a_name(ax):
    with pytest.raises(ArgumentError, match="account"):
        plot_equity_fan(book_of(accounts=("A", "B")), MARKET, paths_of(), ax=ax)


@pytest.mark.parametrize("width", [8.6, 3.6])
def test_paths_from_simulated_data_are_stamped(width):
    for plot in (plot_equity_fan, lambda *a, ax: plot_insolvency_curve(insolvency_margin(*a, target=0.01), ax=ax)):
        figure = Figure(figsize=(width, 4.0))
        plot(book_of(), MARKET, paths_of(provenance=SIMULATED), ax=figure.subplots())

        assert figure.get_suptitle() == "SIMULATED"
