import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from volkit.correlation.leadlag import cross_correlogram, granger_network, rolling_granger
from volkit.errors import ArgumentError, AsynchronousWarning, DataError
from volkit.prices import Synchrony
from volkit.report.plots_leadlag import plot_cross_correlogram, plot_granger_network, plot_rolling_granger
from volkit.results import Provenance, SeriesProvenance

LATE = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.85)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def moves():
    noise = np.random.default_rng(1).standard_normal((500, 3))
    times = pd.date_range("2022-01-01", periods=500, tz="UTC", name="time")
    frame = pd.DataFrame(noise, index=times, columns=["BTC", "ETH", "SPX"])
    # BTC leads ETH by two periods.
    frame["ETH"] += 0.6 * frame["BTC"].shift(2, fill_value=0.0)
    return frame


@pytest.fixture(scope="module")
def correlogram(moves):
    return cross_correlogram(moves["BTC"], moves["ETH"], max_lag=4, n_draws=199, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def network(moves):
    return granger_network(moves, lags=2)


@pytest.fixture(scope="module")
def rolling(moves):
    rng = np.random.default_rng(1)
    return rolling_granger(
        moves, caused="ETH", causing="BTC", lags=2, window=100, every=20, horizon=500, n_draws=199, rng=rng
    )


def note_of(ax):
    return next(t.get_text().replace("\n", " ") for t in ax.texts if t.get_gid() == "volkit-note")


def simulated(result):
    source = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)
    return dataclasses.replace(result, provenance=Provenance((source,)))


def limits_of(ax, gid):
    (found,) = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_gid() == gid]
    return np.array([segment[:, 1] for segment in found.get_segments()])


def test_bars_and_both_intervals_are_those_of_the_table(ax, correlogram):
    plot_cross_correlogram(correlogram, ax=ax)

    table = correlogram.table
    bars = ax.patches
    np.testing.assert_array_equal([bar.get_height() for bar in bars], table["correlation"])
    np.testing.assert_allclose([bar.get_x() + 0.5 * bar.get_width() for bar in bars], table.index, atol=1e-12)
    np.testing.assert_array_equal(limits_of(ax, "pointwise"), table[["lower", "upper"]])
    np.testing.assert_array_equal(limits_of(ax, "simultaneous"), table[["simultaneous_lower", "simultaneous_upper"]])


def test_best_lag_is_hatched_and_who_leads_is_said(ax, correlogram):
    plot_cross_correlogram(correlogram, ax=ax)

    hatched = [round(bar.get_x() + 0.5 * bar.get_width()) for bar in ax.patches if bar.get_hatch()]
    assert hatched == [correlogram.best_lag] == [2]
    sides = {t.get_text(): t.get_position()[0] for t in ax.texts if "leads" in t.get_text() and t.get_gid() is None}
    assert sides["\u2190 ETH leads"] < 0.5 < sides["BTC leads \u2192"]
    assert "best lag 2 (BTC leads by 2)" in note_of(ax)
    assert f"survives the search over 9 lags, p = {correlogram.p_value:.3f}" in note_of(ax)
    assert "n = 500, to 2023-05-15" in note_of(ax)


def test_lag_that_does_not_survive_is_said(ax, moves):
    quiet = cross_correlogram(moves["BTC"], moves["SPX"], max_lag=4, n_draws=199, rng=np.random.default_rng(1))
    plot_cross_correlogram(quiet, ax=ax)

    assert quiet.p_value > 0.05
    assert f"does not survive the search over 9 lags, p = {quiet.p_value:.3f};" in note_of(ax)


def test_interval_and_p_that_disagree_are_said(ax, correlogram):
    table = correlogram.table.copy()
    table["adjusted_p_value"] = 0.08
    plot_cross_correlogram(dataclasses.replace(correlogram, table=table), ax=ax)

    assert "does not survive the search over 9 lags, p = 0.080 (p decides, not the intervals)" in note_of(ax)


def test_clocks_stand_in_the_note(ax, moves):
    with pytest.warns(AsynchronousWarning):
        late = cross_correlogram(
            moves["BTC"], moves["ETH"], max_lag=4, n_draws=99, rng=np.random.default_rng(1), synchrony=LATE
        )
    plot_cross_correlogram(late, ax=ax)

    assert LATE.words in note_of(ax)


def test_network_shows_adjusted_p_and_frames_the_survivors(ax, network):
    plot_granger_network(network, ax=ax)

    cells = np.array([t for t in ax.texts if t.get_gid() is None], dtype=object).reshape(3, 3)
    adjusted = network.adjusted_p_value
    for i in range(3):
        for j in range(3):
            words = cells[i, j].get_text()
            if i == j:
                assert words == ""
            elif words == "<.001":
                assert adjusted.iat[i, j] < 0.001
            else:
                assert float(words) == pytest.approx(adjusted.iat[i, j], abs=0.00051)
    frames = [(int(p.get_y()), int(p.get_x())) for p in ax.patches if isinstance(p, Rectangle)]
    names = list(adjusted.index)
    assert [(names[i], names[j]) for i, j in frames] == [("ETH", "BTC")]
    assert [(i, j) for i in range(3) for j in range(3) if cells[i, j].get_fontweight() == "bold"] == frames
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column sends: its past is tested", "row receives: is predicted")
    note = note_of(ax)
    assert "framed: 1 of 6 at 5 %" in note
    assert "Benjamini-Yekutieli over 6 tests; 2 lags" in note
    assert f"n = {network.n_obs}, to 2023-05-15" in note


def test_windows_are_drawn_small_p_up_and_those_that_pass_are_dotted(ax, rolling):
    plot_rolling_granger(rolling, ax=ax)

    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["adjusted for all windows"].get_ydata(), rolling.path["adjusted_p_value"])
    np.testing.assert_array_equal(lines["window alone"].get_ydata(), rolling.path["p_value"])
    (passed,) = [line for line in ax.lines if line.get_gid() == "passed"]
    below = rolling.path["adjusted_p_value"][rolling.path["adjusted_p_value"] <= 0.05]
    np.testing.assert_array_equal(passed.get_ydata(), below)
    assert len(below) > 0
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert 0.05 in [line.get_ydata()[0] for line in ax.lines]
    note = note_of(ax)
    assert f"BTC to ETH: {len(below)} of 21 windows pass, smallest adjusted p = " in note
    assert "window 100 rows every 20, watched for 500 rows" in note
    assert "n = 500, to 2023-05-15" in note


def test_line_to_cross_is_the_callers(ax, rolling):
    plot_rolling_granger(rolling, significance=0.2, ax=ax)

    assert 0.2 in [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    with pytest.raises(ArgumentError, match="significance"):
        plot_rolling_granger(rolling, significance=1.5, ax=ax)


@pytest.mark.parametrize(("significance", "n_passed"), [(0.05, 2), (0.1, 3), (0.02, 1)])
def test_windows_pass_up_to_the_level_itself_and_no_further(ax, rolling, significance, n_passed):
    path = rolling.path.iloc[:5].copy()
    path["adjusted_p_value"] = [0.02, 0.05, 0.07, 0.19, 0.8]
    plot_rolling_granger(dataclasses.replace(rolling, path=path), significance=significance, ax=ax)

    (passed,) = [line for line in ax.lines if line.get_gid() == "passed"]
    np.testing.assert_array_equal(passed.get_ydata(), path["adjusted_p_value"].iloc[:n_passed])
    assert f"BTC to ETH: {n_passed} of 5 windows pass, smallest adjusted p = 0.020" in note_of(ax)


def test_no_window_is_refused(ax, rolling):
    with pytest.raises(DataError, match="must have at least one value to draw; got no rows"):
        plot_rolling_granger(dataclasses.replace(rolling, path=rolling.path.iloc[:0]), ax=ax)


def test_only_simulated_results_are_marked(correlogram, network, rolling):
    drawings = ((plot_cross_correlogram, correlogram), (plot_granger_network, network), (plot_rolling_granger, rolling))
    for draw, result in drawings:
        assert draw(result, ax=Figure().subplots()).get_figure()._suptitle is None
        assert draw(simulated(result), ax=Figure().subplots()).get_figure()._suptitle.get_text() == "SIMULATED"
