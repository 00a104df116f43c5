import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from volkit.correlation.change import breakdown_alarm, change_points, correlation_break_test, structural_breaks
from volkit.correlation.inference import correlation_change
from volkit.errors import ArgumentError, AsynchronousWarning, DataError
from volkit.prices import Synchrony
from volkit.report.plots_change import (
    plot_breakdown_alarm,
    plot_change_points,
    plot_correlation_breaks,
    plot_correlation_change,
    plot_structural_breaks,
)
from volkit.results import Provenance, SeriesProvenance

LATE = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.8, attenuation=0.85)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def pair():
    x, e = np.random.default_rng(1).standard_normal((2, 600))
    times = pd.date_range("2020-01-01", periods=600, tz="UTC", name="time")
    # Nothing in common before row 300, nearly everything after it.
    share = np.repeat([0.0, 0.9], 300)
    y = share * x + np.sqrt(1.0 - share**2) * e
    return pd.Series(x, index=times, name="BTC"), pd.Series(y, index=times, name="SPX")


@pytest.fixture(scope="module")
def alarm(pair):
    end = pd.Timestamp("2020-08-31", tz="UTC")
    return breakdown_alarm(*pair, reference_end=end, horizon=500, rng=np.random.default_rng(1), n_draws=199)


@pytest.fixture(scope="module")
def fluctuation(pair):
    return correlation_break_test(*pair)


@pytest.fixture(scope="module")
def level():
    times = pd.date_range("2020-01-01", periods=300, tz="UTC", name="time")
    values = np.repeat([0.0, -2.0, 1.0], 100) + np.random.default_rng(1).standard_normal(300)
    return pd.Series(values, index=times, name="spread")


@pytest.fixture(scope="module")
def breaks(level):
    return structural_breaks(level, rng=np.random.default_rng(1), n_draws=199)


def note_of(ax):
    return next(t.get_text().replace("\n", " ") for t in ax.texts if t.get_gid() == "volkit-note")


def simulated(result):
    source = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)
    return dataclasses.replace(result, provenance=Provenance((source,)))


def lines_of(ax, gid):
    return [line for line in ax.lines if line.get_gid() == gid]


def labels_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_alarm_shows_live_line_band_reference_and_date(ax, alarm):
    plot_breakdown_alarm(alarm, ax=ax)

    known = alarm.path.loc[alarm.path["correlation"].first_valid_index() :]
    np.testing.assert_array_equal(lines_of(ax, "live")[0].get_ydata(), known["correlation"])
    assert [line.get_ydata()[0] for line in lines_of(ax, "boundary")] == [alarm.lower, alarm.upper]
    assert alarm.reference in [line.get_ydata()[0] for line in ax.lines]
    assert alarm.alarm_time is not None
    np.testing.assert_array_equal(
        lines_of(ax, "alarmed")[0].get_ydata(), alarm.path.loc[alarm.alarm_time :, "correlation"]
    )
    assert lines_of(ax, "date")[0].get_xdata()[0] == alarm.alarm_time
    assert f"alarm {alarm.alarm_time.date()}" in [t.get_text() for t in ax.texts]
    sides = f"band {alarm.lower:.2f} to {alarm.upper:.2f}".replace("-", "\u2212")
    assert [w for w in labels_of(ax) if w[:4] != "refe"] == ["live correlation", "since the alarm", sides]
    note = note_of(ax)
    for words in ("BTC and SPX: alarm", "5 % false alarms over 500 pairs", "window 60 rows", f"n = {alarm.n_obs:,}"):
        assert words in note
    assert f"reference of {alarm.n_reference:,} pairs" in note


def test_quiet_watch_has_no_date(ax, alarm):
    plot_breakdown_alarm(dataclasses.replace(alarm, alarm_time=None), ax=ax)

    assert not lines_of(ax, "date")
    assert not lines_of(ax, "alarmed")
    assert "BTC and SPX: no alarm" in note_of(ax)


def test_side_that_is_not_watched_has_no_boundary(ax, alarm):
    plot_breakdown_alarm(dataclasses.replace(alarm, lower=-1.0), ax=ax)

    assert [line.get_ydata()[0] for line in lines_of(ax, "boundary")] == [alarm.upper]


def test_watch_without_a_full_window_is_refused(ax, alarm):
    with pytest.raises(DataError, match="live correlation must have at least one value to draw"):
        plot_breakdown_alarm(dataclasses.replace(alarm, path=alarm.path * np.nan), ax=ax)


def test_fluctuation_stands_against_the_law_of_kolmogorov(ax, fluctuation):
    plot_correlation_breaks(fluctuation, ax=ax)

    np.testing.assert_array_equal(lines_of(ax, "fluctuation")[0].get_ydata(), fluctuation.path)
    # Critical values of the Kolmogorov statistic at 5 % and 1 %, in print since Smirnov (1948).
    assert lines_of(ax, "critical")[0].get_ydata()[0] == pytest.approx(1.358, abs=5e-4)
    (peak,) = lines_of(ax, "peak")
    assert (peak.get_xdata()[0], peak.get_ydata()[0]) == (fluctuation.break_time, fluctuation.statistic)
    assert lines_of(ax, "date")[0].get_xdata()[0] == fluctuation.break_time
    note = note_of(ax)
    assert "correlation of BTC and SPX: constancy refused" in note
    assert "p < 0.001" in note
    assert "n = 600" in note


def test_other_level_moves_the_line(ax, fluctuation):
    plot_correlation_breaks(fluctuation, confidence=0.99, ax=ax)

    assert lines_of(ax, "critical")[0].get_ydata()[0] == pytest.approx(1.628, abs=5e-4)
    with pytest.raises(ArgumentError, match="confidence"):
        plot_correlation_breaks(fluctuation, confidence=1.0, ax=ax)


def test_clocks_stand_in_the_note(ax, pair):
    with pytest.warns(AsynchronousWarning):
        late = correlation_break_test(*pair, synchrony=LATE)
    plot_correlation_breaks(late, ax=ax)

    assert LATE.words in note_of(ax)


def test_segments_have_their_level_and_dates_their_interval(ax, breaks, level):
    plot_structural_breaks(breaks, values=level, ax=ax)

    means = breaks.segments["intercept"].to_numpy()
    assert [line.get_ydata()[0] for line in lines_of(ax, "level")] == means.tolist()
    assert [line.get_xdata()[0] for line in lines_of(ax, "level")] == breaks.segments["start"].tolist()
    spans = [p.get_extents().transformed(ax.transData.inverted()) for p in ax.patches if p.get_gid() == "date-interval"]
    for span, row in zip(spans, breaks.breaks.itertuples(), strict=True):
        np.testing.assert_allclose((span.x0, span.x1), date2num([row.lower_time, row.upper_time]), atol=1e-3)
    assert [line.get_xdata()[0] for line in lines_of(ax, "date")] == breaks.breaks["time"].tolist()
    written = [t.get_text().replace("\u2212", "-") for t in ax.texts]
    assert all(f"{mean:.3g}" in written for mean in means)
    np.testing.assert_array_equal(lines_of(ax, "values")[0].get_ydata(), level)
    note = note_of(ax)
    assert note.startswith(f"{breaks.n_breaks} breaks; test of no break (UDmax): p = ")
    assert "hatched: 95 % interval of each date" in note
    assert "n = 300, 2020-01-01 to 2020-10-26" in note


def test_values_beyond_the_axis_are_counted(ax, breaks, level):
    far = level.copy()
    far.iloc[[10, 20]] = [500.0, -500.0]
    plot_structural_breaks(breaks, values=far, ax=ax)

    low, high = ax.get_ylim()
    assert -20.0 < low < high < 20.0
    assert "2 of 300 values lie beyond the axis" in note_of(ax)


def test_sample_without_break_is_one_level(ax, level):
    calm = structural_breaks(level, rng=np.random.default_rng(1), n_draws=99, choose=0)
    plot_structural_breaks(calm, ax=ax)

    assert len(lines_of(ax, "level")) == 1
    assert not lines_of(ax, "date")
    assert note_of(ax).startswith("0 breaks")
    assert "hatched" not in note_of(ax)


def test_unknown_coefficient_is_refused(ax, breaks):
    with pytest.raises(ArgumentError, match="coefficient must be among intercept; got 'slope'"):
        plot_structural_breaks(breaks, coefficient="slope", ax=ax)


def test_change_points_have_means_and_no_interval(ax, level):
    points = change_points(level)
    plot_change_points(points, values=level, ax=ax)

    assert [line.get_ydata()[0] for line in lines_of(ax, "level")] == points.segments["mean"].tolist()
    assert [line.get_xdata()[0] for line in lines_of(ax, "date")] == points.points["time"].tolist()
    assert f"{len(points.points)} change points, dates without interval and without test" in note_of(ax)


def test_change_shows_both_spans_and_their_difference(ax, pair):
    start, middle, end = (pd.Timestamp(day, tz="UTC") for day in ("2020-01-01", "2020-10-27", "2021-08-23"))
    change = correlation_change(*pair, before=(start, middle), after=(middle, end))
    plot_correlation_change(change, ax=ax)

    dots = [container.lines[0].get_xdata()[0] for container in ax.containers]
    assert dots == [change.before, change.after, change.difference]
    drawn = [np.ravel(container.lines[2][0].get_segments()[0])[::2] for container in ax.containers]
    expected = [change.before_interval, change.after_interval, (change.lower, change.upper)]
    np.testing.assert_allclose(drawn, expected)
    assert f"BTC and SPX: {change.verdict}" in note_of(ax)


def test_only_simulated_results_are_marked(alarm, fluctuation, breaks, level):
    drawings = (
        (plot_breakdown_alarm, alarm),
        (plot_correlation_breaks, fluctuation),
        (plot_structural_breaks, breaks),
        (plot_change_points, change_points(level)),
    )
    for draw, result in drawings:
        assert draw(result, ax=Figure().subplots()).get_figure()._suptitle is None
        assert draw(simulated(result), ax=Figure().subplots()).get_figure()._suptitle.get_text() == "SIMULATED"
