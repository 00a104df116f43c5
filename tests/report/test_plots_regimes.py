import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from volkit.report.plots_regimes import plot_regimes
from volkit.results import Provenance, SeriesProvenance
from volkit.volatility.regimes.model import VolatilityRegimes


def fit_of(*, n_regimes=2, simulated=False):
    rng, times = np.random.default_rng(1), pd.date_range("2021-01-01", periods=1200, tz="UTC")
    levels = np.tile(np.repeat([0.01, 0.02, 0.05], 100), 4)
    returns = pd.Series(levels * rng.standard_normal(1200), index=times, name="BTC")
    source = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
    model = VolatilityRegimes(n_regimes=n_regimes, n_starts=3)
    return model.fit(returns, periods_per_year=365, provenance=Provenance((source,)))


@pytest.fixture(scope="module")
def regimes():
    return fit_of()


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


def heights_of(area):
    box = area.get_paths()[0].get_extents()
    return box.y0, box.y1


def test_turbulent_probability_stands_on_the_axis(ax, regimes):
    plot_regimes(regimes, ax=ax)

    lowest = ax.collections[0]
    drawn = lowest.get_paths()[0].vertices[:, 1]
    assert np.isin(regimes.probabilities["turbulent"].to_numpy().round(12), drawn.round(12)).all()
    assert to_hex(lowest.get_facecolor()[0]) == "#8b0021"
    assert heights_of(ax.collections[1])[1] == pytest.approx(1.0)
    assert ax.get_ylim() == (0.0, 1.0)


def test_legend_gives_the_volatility_of_each_regime(ax):
    regimes = fit_of(n_regimes=3)

    plot_regimes(regimes, ax=ax)

    year = regimes.annualized_volatilities
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == [f"{label}, {100 * year[label]:.0f} % a year" for label in ("turbulent", "normal", "calm")]


def test_note_says_what_was_known(regimes):
    axes = [plot_regimes(regimes, hindsight=one, ax=Figure().subplots()) for one in (False, True)]

    notes = [one.texts[0].get_text().replace("\n", " ") for one in axes]
    assert "as known at the end of each period" in notes[0]
    assert "in hindsight, from all returns" in notes[1]
    assert "1,200 returns up to 2024-04-14" in notes[0]


def test_hindsight_draws_the_smoothed_probabilities(ax, regimes):
    plot_regimes(regimes, hindsight=True, ax=ax)

    drawn = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isin(regimes.hindsight_probabilities["turbulent"].to_numpy().round(12), drawn.round(12)).all()


def test_keywords_reach_the_areas(ax, regimes):
    plot_regimes(regimes, ax=ax, alpha=0.5)

    assert all(area.get_alpha() == 0.5 for area in ax.collections)


def test_only_simulated_results_are_marked(regimes):
    real = plot_regimes(regimes, ax=Figure().subplots())
    mock = plot_regimes(fit_of(simulated=True), ax=Figure().subplots())

    assert real.get_figure()._suptitle is None
    assert mock.get_figure()._suptitle.get_text() == "SIMULATED"


def test_drawing_leaves_the_result_as_it_was(ax, regimes):
    before = regimes.probabilities.copy(deep=True)

    plot_regimes(regimes, ax=ax)

    pd.testing.assert_frame_equal(regimes.probabilities, before)
