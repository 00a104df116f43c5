import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from volkit.correlation.bounds import correlation_bounds, offset_verdicts, stressed_window
from volkit.errors import DataError
from volkit.report.plots_bounds import plot_correlation_bounds
from volkit.results import Provenance, SeriesProvenance


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture(scope="module")
def moves():
    rng = np.random.default_rng(1)
    a, e, g = rng.standard_normal((3, 700))
    times = pd.date_range("2020-01-01", periods=700, tz="UTC", name="time")
    return pd.DataFrame({"BTC": a, "ETH": 0.8 * a + 0.6 * e, "GOLD": g}, index=times)


@pytest.fixture(scope="module")
def bounds(moves):
    return correlation_bounds(moves)


@pytest.fixture(scope="module")
def verdicts(moves):
    return offset_verdicts(moves, window=90, rng=np.random.default_rng(1), n_draws=99)


@pytest.fixture(scope="module")
def stressed(moves):
    return stressed_window(moves, window=90)


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def labels_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_each_pair_has_a_dot_and_its_interval(ax, bounds):
    plot_correlation_bounds(bounds, ax=ax)

    tidy = bounds.to_frame().sort_values("estimate", ascending=False)
    assert ax.get_yticklabels()[0].get_text() == "BTC and ETH"
    for container, row in zip(ax.containers, tidy.itertuples(), strict=True):
        dot, _, (line,) = container.lines
        assert dot.get_xdata()[0] == row.estimate
        np.testing.assert_allclose(np.ravel(line.get_segments()[0])[::2], [row.lower, row.upper], atol=1e-12)
    assert ax.get_xlim() == (-1.0, 1.0)
    assert ax.get_xlabel() == "correlation (no unit), bounds at 95 %"
    assert texts_of(ax).count("690") == 3
    assert not [line for line in ax.lines if line.get_marker() in ("D", "|")]
    assert ax.get_legend() is None


def test_verdicts_are_told_without_colour(ax, verdicts):
    plot_correlation_bounds(verdicts, ax=ax)

    dots = [container.lines[0] for container in ax.containers]
    widths = [container.lines[2][0].get_linewidths()[0] for container in ax.containers]
    faces = [to_hex(dot.get_markerfacecolor()) for dot in dots]
    assert faces[0] != "#ffffff"
    assert faces[1:] == ["#ffffff", "#ffffff"]
    assert widths[0] > 2.0 * widths[1]
    bars = [line for line in ax.lines if line.get_marker() == "|"]
    assert [bar.get_xdata()[0] for bar in bars] == [verdicts.table["offset"].iloc[0]]
    assert labels_of(ax) == ["significant and reliable", "refused", "admissible correlation"]
    assert any("6 hypotheses, adjusted" in text.replace("\n", " ") for text in texts_of(ax))


def test_the_stressed_window_is_a_diamond_with_its_dates(ax, bounds, stressed):
    plot_correlation_bounds(bounds, stressed=stressed, ax=ax)

    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    assert diamonds[0].get_xdata()[0] == stressed.correlation.loc["BTC", "ETH"]
    assert len(diamonds) == 3
    span = f"{stressed.bounds.start.date()} to {stressed.bounds.as_of.date()}, n = 90"
    assert any(span in text.replace("\n", " ") for text in texts_of(ax))
    assert labels_of(ax) == ["estimate", "stressed window"]


@pytest.mark.filterwarnings("ignore::volkit.errors.SmallSampleWarning")
def test_bounds_that_do_not_fit_together_say_so(ax):
    values = np.random.default_rng(0).standard_normal((40, 5))
    values[:, 1:] += 1.5 * values[:, :1] * np.array([1, -1, 1, -1])
    times = pd.date_range("2020-01-01", periods=40, tz="UTC", name="time")
    found = correlation_bounds(pd.DataFrame(values, index=times, columns=list("ABCDE")), half_life=None)

    plot_correlation_bounds(found, ax=ax)

    assert any("bounds that fit together: lower" in text for text in texts_of(ax))


def test_a_window_of_other_series_is_refused(ax, bounds, moves):
    other = stressed_window(moves[["BTC", "ETH"]], window=90)

    with pytest.raises(DataError, match="stressed must have the series of the bounds"):
        plot_correlation_bounds(bounds, stressed=other, ax=ax)


def test_simulated_series_are_marked(ax, moves):
    simulated = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)

    plot_correlation_bounds(correlation_bounds(moves, provenance=Provenance((simulated,))), ax=ax)

    assert any(text.get_text() == "SIMULATED" for text in ax.figure.findobj(lambda a: hasattr(a, "get_text")))


def test_a_new_figure_is_as_high_as_its_pairs_need(verdicts, stressed):
    drawn = plot_correlation_bounds(verdicts, stressed=stressed)

    assert drawn.get_figure().get_figheight() == pytest.approx(3.2)


def test_drawing_keywords_reach_the_points(ax, bounds):
    plot_correlation_bounds(bounds, ax=ax, markersize=9)

    assert ax.containers[0].lines[0].get_markersize() == 9
