from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from volkit.correlation import exceedance_correlation
from volkit.correlation.dependence import rolling_tail_dependence, tail_dependence
from volkit.errors import DataError
from volkit.report.plots_dependence import plot_exceedance, plot_tail_dependence
from volkit.results import Provenance, SeriesProvenance


def provenance_of(*, simulated):
    series = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
    return Provenance((series,))


def pair_of(n=600):
    rng = np.random.default_rng(5)
    times = pd.date_range("2021-01-01", periods=n, tz="UTC", name="time")
    x = pd.Series(rng.standard_t(5, n), index=times, name="BTC")
    return x, (0.6 * x + rng.standard_t(5, n)).rename("SPX")


def tail_of(**changed):
    settings = {"rng": np.random.default_rng(1), "other_levels": (0.1, 0.2), "n_draws": 99, **changed}
    return tail_dependence(*pair_of(), **settings)


def rolling_of(**changed):
    return rolling_tail_dependence(*pair_of(), window=250, rng=np.random.default_rng(1), n_draws=99, **changed)


def exceedance_of(**changed):
    return exceedance_correlation(*pair_of(), **changed)


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def words_of(ax):
    return ax.texts[-1].get_text().replace("\n", " ")


def line_of(ax, gid):
    return next(line for line in ax.lines if line.get_gid() == gid)


def bars_of(ax):
    # A value without limits has an empty bar.
    bars = [[s for s in c.lines[2][0].get_segments() if len(s)] for c in ax.containers]
    return [(*c.lines[0].get_data(), np.array(b)) for c, b in zip(ax.containers, bars, strict=True)]


def test_tail_by_level_is_the_table_beside_independence(ax):
    found = tail_of()

    plot_tail_dependence(found, ax=ax)

    ((levels, chi, bars),) = bars_of(ax)
    np.testing.assert_array_equal(levels, [0.05, 0.1, 0.2])
    np.testing.assert_array_equal(chi, found.table["chi"])
    np.testing.assert_allclose(bars[:, :, 1], found.table[["lower", "upper"]], rtol=1e-12)
    x, y = line_of(ax, "independent").get_data()
    np.testing.assert_array_equal(x, y)
    assert max(x) == ax.get_xlim()[1] >= 0.2


def test_a_single_level_shows_its_interval(ax):
    found = tail_of(other_levels=())

    plot_tail_dependence(found, ax=ax)

    ((_, _, bars),) = bars_of(ax)
    np.testing.assert_allclose(bars[0, :, 1], found.latest[["lower", "upper"]].to_numpy(float), rtol=1e-12)
    assert ax.get_xlim()[0] == 0.0 < 0.05 < ax.get_xlim()[1]
    assert ax.get_ylim()[1] > found.latest["upper"]


def test_note_of_a_tail_names_pair_side_value_and_sample(ax):
    found = tail_of(tail="upper")

    words = words_of(plot_tail_dependence(found, ax=ax))

    row = found.latest
    assert words.startswith(
        f"BTC and SPX, upper tail: {row['chi']:.2f} ({row['lower']:.2f} to {row['upper']:.2f}) at 5 %"
    )
    assert "block bootstrap of 99 draws" in words
    assert words.endswith("n = 600, to 2022-08-23")


def test_tail_through_time_is_a_line_with_its_band(ax):
    found = rolling_of()

    plot_tail_dependence(found, ax=ax)

    np.testing.assert_array_equal(line_of(ax, "chi").get_ydata(), found.table["chi"])
    drawn = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isin(found.table[["lower", "upper"]].to_numpy().round(12), drawn.round(12)).all()
    np.testing.assert_array_equal(line_of(ax, "independent").get_ydata(), [0.1, 0.1])
    row = found.latest
    said = f"lower tail of 10 %: {row['chi']:.2f} ({row['lower']:.2f} to {row['upper']:.2f}) in the last window"
    assert said in words_of(ax)
    assert "windows of 250 pairs" in words_of(ax)


def test_a_tail_without_values_is_refused(ax):
    found = rolling_of()
    empty = replace(found, table=found.table * np.nan)

    with pytest.raises(
        DataError, match="the tail coefficient must have at least one value to draw; got 17 rows, all NaN"
    ):
        plot_tail_dependence(empty, ax=ax)


def test_exceedance_mirrors_falls_at_the_left(ax):
    found = exceedance_of()

    plot_exceedance(found, ax=ax)

    for (x, value, bars), tail, sign in zip(bars_of(ax), ("lower", "upper"), (-1.0, 1.0), strict=True):
        rows = found.table[found.table["tail"] == tail]
        np.testing.assert_allclose(x[1:], sign * rows["threshold"].to_numpy()[1:])
        assert 0.0 < sign * x[0] < 0.1  # beside zero, where both tails begin
        np.testing.assert_array_equal(value, rows["correlation"])
        known = rows["correlation"].notna().to_numpy()
        np.testing.assert_allclose(bars[:, :, 1], rows.loc[known, ["lower", "upper"]], rtol=1e-12)
        np.testing.assert_array_equal(line_of(ax, f"normal-{tail}").get_ydata(), rows["normal"])


def test_tails_differ_in_marker_and_colour(ax):
    plot_exceedance(exceedance_of(), ax=ax)

    down, up = (container.lines[0] for container in ax.containers)
    assert (down.get_marker(), up.get_marker()) == ("v", "^")
    assert to_hex(down.get_color()) != to_hex(up.get_color())


def test_counts_stand_below_every_threshold_also_without_a_value(ax):
    found = exceedance_of(thresholds=(0.0, 1.0, 2.5))

    plot_exceedance(found, ax=ax)

    shown = [text.get_text() for text in ax.texts[:-1]]
    by_tail = [found.table.loc[found.table["tail"] == tail, "n"] for tail in ("lower", "upper")]
    assert shown == [f"{n:,}" for n in pd.concat(by_tail)]
    assert found.table["correlation"].isna().any()
    assert ax.get_ylim()[0] < found.table["lower"].min()


def test_note_of_exceedance_has_overall_p_and_span(ax):
    found = exceedance_of()

    words = words_of(plot_exceedance(found, ax=ax))

    assert words.startswith(f"BTC and SPX, overall {found.correlation:.2f}; equal tails, smallest adjusted: p = ")
    assert f"p = {found.p_value:.3f}" in words
    assert "n = 600, 2021-01-01 to 2022-08-23" in words


def test_exceedance_without_values_is_refused(ax):
    found = exceedance_of()
    empty = replace(found, table=found.table.assign(correlation=np.nan))

    with pytest.raises(DataError, match="exceedance correlations must have at least one value"):
        plot_exceedance(empty, ax=ax)


@pytest.mark.parametrize(
    ("draw", "make"),
    [(plot_tail_dependence, tail_of), (plot_tail_dependence, rolling_of), (plot_exceedance, exceedance_of)],
)
def test_only_simulated_results_are_marked(draw, make):
    for simulated, mark in ((False, None), (True, "SIMULATED")):
        found = make(provenance=provenance_of(simulated=simulated))
        heading = draw(found, ax=Figure().subplots()).get_figure()._suptitle
        assert (heading and heading.get_text()) == mark
