import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.correlation.regimes import CorrelationRegimes, simulate_correlation_regimes
from volkit.errors import ArgumentError
from volkit.report.plots_correlation_regimes import plot_regime_correlation, plot_regime_probabilities
from volkit.results import Provenance, SeriesProvenance


def fit_of(*, simulated=False):
    R = np.array([[[1.0, 0.1], [0.1, 1.0]], [[1.0, 0.8], [0.8, 1.0]]])
    P = np.array([[0.98, 0.02], [0.03, 0.97]])
    z, _ = simulate_correlation_regimes(800, correlations=R, transition=P, rng=np.random.default_rng(3))
    times = pd.date_range("2021-01-01", periods=800, tz="UTC")
    source = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
    frame = pd.DataFrame(0.01 * z, times, ["BTC", "SPX"])
    return CorrelationRegimes(n_starts=2).fit(frame, periods_per_year=365, provenance=Provenance((source,)))


@pytest.fixture(scope="module")
def fit():
    return fit_of()


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


def test_high_correlation_stands_on_the_axis(ax, fit):
    plot_regime_probabilities(fit, ax=ax)

    drawn = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isin(fit.probabilities["high"].to_numpy().round(12), drawn.round(12)).all()
    assert ax.get_ylim() == (0.0, 1.0)
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == [f"high, {fit.states.averages[1]:.2f}", f"low, {fit.states.averages[0]:.2f}".replace("-", "−")]


def test_hindsight_is_drawn_by_name_and_said(ax, fit):
    plot_regime_probabilities(fit, hindsight=True, ax=ax)
    other = plot_regime_probabilities(fit, ax=Figure().subplots())

    drawn = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isin(fit.hindsight_probabilities["high"].to_numpy().round(12), drawn.round(12)).all()
    assert "in hindsight, from all changes" in ax.texts[-1].get_text().replace("\n", " ")
    assert "as known at the end of each period" in other.texts[-1].get_text().replace("\n", " ")


def test_line_is_the_expected_correlation_between_the_states(ax, fit):
    plot_regime_correlation(fit, "SPX", "BTC", ax=ax, linewidth=2.5)

    line = ax.lines[-1]
    np.testing.assert_array_equal(line.get_ydata(), fit.path[("BTC", "SPX")].to_numpy())
    assert line.get_linewidth() == 2.5
    assert [one.get_ydata()[0] for one in ax.lines[:2]] == pytest.approx(fit.state_correlations[:, 0, 1])


def test_unknown_pair_is_refused(ax, fit):
    with pytest.raises(ArgumentError, match="must be two of BTC, SPX; got 'BTC' and 'ETH'"):
        plot_regime_correlation(fit, "BTC", "ETH", ax=ax)


def test_only_simulated_results_are_marked(fit):
    mock = fit_of(simulated=True)
    for draw in (plot_regime_probabilities, lambda one, ax: plot_regime_correlation(one, "BTC", "SPX", ax=ax)):
        assert draw(fit, ax=Figure().subplots()).get_figure()._suptitle is None
        assert draw(mock, ax=Figure().subplots()).get_figure()._suptitle.get_text() == "SIMULATED"
