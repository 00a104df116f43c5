import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.correlation import rolling_correlation
from volkit.correlation.dcc import Dcc
from volkit.errors import ArgumentError, ConvergenceError
from volkit.prices import Synchrony
from volkit.report.plots_dcc import plot_correlation_forecast, plot_dcc_path
from volkit.results import Provenance, SeriesProvenance

LATE = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.85)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def returns():
    rng = np.random.default_rng(3)
    size = np.exp(0.4 * np.sin(np.arange(900) / 40.0))[:, None]
    a, b, c = (0.01 * size * rng.standard_normal((900, 3))).T
    share = 0.5 + 0.35 * np.sin(np.arange(900) / 60.0)
    times = pd.date_range("2021-01-01", periods=900, tz="UTC", name="time")
    return pd.DataFrame({"BTC": a, "SPX": share * a + np.sqrt(1.0 - share**2) * b, "GOLD": c}, index=times)


@pytest.fixture(scope="module")
def fit(returns):
    return Dcc().fit(returns, periods_per_year=365)


@pytest.fixture(scope="module")
def forecast(fit):
    return fit.forecast(10)


@pytest.fixture(scope="module")
def paths(fit):
    return [fit.simulate(h, n_paths=200, rng=np.random.default_rng(h)) for h in (10, 5)]


def note_of(ax):
    return next(t.get_text().replace("\n", " ") for t in ax.texts if t.get_gid() == "volkit-note")


def simulated(result):
    source = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)
    return dataclasses.replace(result, provenance=Provenance((source,)))


def line_of(ax, label):
    (line,) = [one for one in ax.lines if one.get_label() == label]
    return line


def test_path_and_interval_are_those_of_the_fit(ax, fit):
    plot_dcc_path(fit, "BTC", "SPX", confidence=0.9, ax=ax)

    path = fit.correlation("BTC", "SPX", confidence=0.9).path
    np.testing.assert_array_equal(line_of(ax, "DCC-normal").get_ydata(), path["correlation"])
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (corners.min(), corners.max()) == (path["lower"].min(), path["upper"].max())
    assert ax.get_ylim() == (-1.0, 1.0)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["DCC-normal", "90 % interval, each period alone"]


def test_note_has_model_parameters_rows_and_span(ax, fit):
    plot_dcc_path(fit, "BTC", "SPX", ax=ax)

    note = note_of(ax)
    assert f"BTC and SPX: {fit.spec} on 3 series" in note
    for name in ("a", "b"):
        assert f"{name} {fit.parameters[name]:.3g} (s.e. {fit.standard_errors[name]:.3g})" in note
    assert "known only from the whole sample" in note
    assert "n = 900, 2021-01-01 to 2023-06-19" in note


def test_clocks_stand_in_the_note_and_drawing_does_not_warn(ax, fit):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_dcc_path(fit, "BTC", "SPX", synchrony=LATE, ax=ax)

    assert LATE.words in note_of(ax)


def test_rolling_estimate_is_dotted_from_the_first_fitted_period(ax, fit, returns):
    rolling = rolling_correlation(returns["BTC"], returns["SPX"], window=90, periods_per_year=365)
    plot_dcc_path(fit, "BTC", "SPX", rolling=rolling, ax=ax)

    dotted = line_of(ax, "rolling, window 90")
    np.testing.assert_array_equal(dotted.get_ydata(), rolling.path.loc[fit.path.index[0] :, "correlation"])
    assert dotted.get_linestyle() == ":"


def test_rolling_estimate_of_another_pair_is_refused(ax, fit, returns):
    other = rolling_correlation(returns["BTC"], returns["GOLD"], window=90, periods_per_year=365)
    with pytest.raises(ArgumentError, match="rolling must be of BTC and SPX; got BTC and GOLD"):
        plot_dcc_path(fit, "BTC", "SPX", rolling=other, ax=ax)


def test_unknown_series_are_refused(ax, fit, forecast):
    with pytest.raises(ArgumentError, match="ETH"):
        plot_dcc_path(fit, "BTC", "ETH", ax=ax)
    with pytest.raises(ArgumentError, match="must be two of BTC, SPX, GOLD; got 'BTC' and 'ETH'"):
        plot_correlation_forecast(forecast, "BTC", "ETH", ax=ax)
    with pytest.raises(ArgumentError, match="got 'BTC' and 'BTC'"):
        plot_correlation_forecast(forecast, "BTC", "BTC", ax=ax)


def test_fit_that_did_not_converge_is_refused(ax, fit):
    with pytest.raises(ConvergenceError, match="did not converge; fit it again"):
        plot_dcc_path(dataclasses.replace(fit, status="not converged"), "BTC", "SPX", ax=ax)


def test_forecast_without_paths_is_a_line_and_says_so(ax, forecast):
    plot_correlation_forecast(forecast, "SPX", "BTC", ax=ax)

    line = line_of(ax, "expected")
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 11))
    np.testing.assert_array_equal(line.get_ydata(), forecast.correlation[:, 0, 1])
    assert ax.get_legend() is None
    assert "without an interval: no simulated paths were given" in note_of(ax)
    assert "n = 900, to 2023-06-19" in note_of(ax)
    assert ax.get_xlabel() == "periods after 2023-06-19"


def test_cone_holds_its_share_of_the_paths_and_begins_in_the_next_period(ax, forecast, paths):
    plot_correlation_forecast(forecast, "BTC", "SPX", paths=paths, long_run=0.4, confidence=0.8, ax=ax)

    corners = ax.collections[0].get_paths()[0].vertices
    for one in paths:
        horizon = one.returns.shape[1]
        expected = np.quantile(one.correlation[:, 0, 1], (0.1, 0.9))
        heights = corners[corners[:, 0] == horizon, 1]
        np.testing.assert_allclose((heights.min(), heights.max()), expected)
    np.testing.assert_allclose(corners[corners[:, 0] == 1, 1], forecast.correlation[0, 0, 1])
    legend = [t.get_text() for t in ax.get_legend().get_texts()]
    assert legend == ["expected", "80 % of 200 simulated paths", "long run"]
    assert "the cone holds the parameters fixed" in note_of(ax)


def test_one_period_ahead_every_path_has_the_expected_correlation(fit, forecast):
    one = fit.simulate(1, n_paths=50, rng=np.random.default_rng(1))

    np.testing.assert_allclose(one.correlation[:, 0, 1], forecast.correlation[0, 0, 1], atol=1e-12)


def test_paths_of_another_fit_are_refused(ax, forecast, paths):
    other = dataclasses.replace(paths[0], assets=("BTC", "SPX", "ETH"))
    with pytest.raises(ArgumentError, match="paths must be of BTC, SPX, GOLD from 2023-06-19; got BTC, SPX, ETH"):
        plot_correlation_forecast(forecast, "BTC", "SPX", paths=[other], ax=ax)
    with pytest.raises(ArgumentError, match="confidence"):
        plot_correlation_forecast(forecast, "BTC", "SPX", confidence=0.0, ax=ax)


def test_paths_from_another_last_period_are_refused(ax, forecast, paths):
    earlier = dataclasses.replace(paths[1], as_of=forecast.as_of - pd.Timedelta(days=1))
    said = "paths must be of BTC, SPX, GOLD from 2023-06-19; got BTC, SPX, GOLD from 2023-06-18"
    with pytest.raises(ArgumentError, match=said):
        plot_correlation_forecast(forecast, "BTC", "SPX", paths=[paths[0], earlier], ax=ax)


def test_only_simulated_results_are_marked(fit, forecast):
    for draw, result in ((plot_dcc_path, fit), (plot_correlation_forecast, forecast)):
        assert draw(result, "BTC", "SPX", ax=Figure().subplots()).get_figure()._suptitle is None
        marked = draw(simulated(result), "BTC", "SPX", ax=Figure().subplots())
        assert marked.get_figure()._suptitle.get_text() == "SIMULATED"
