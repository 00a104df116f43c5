from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.correlation import macro_hedge
from volkit.report.plots_hedge import plot_hedge_effectiveness
from volkit.results import Provenance, SeriesProvenance


def hedge_of(**changed):
    rng = np.random.default_rng(3)
    times = pd.date_range("2021-01-01", periods=500, tz="UTC", name="time")
    spx, own = 0.01 * rng.standard_normal((2, 500))
    moves = pd.DataFrame({"SPX": spx}, index=times)
    asset = pd.Series(spx + own, index=times, name="BTC")
    settings = {"window": 120, "periods_per_year": 365, "rng": np.random.default_rng(1), "n_boot": 99, **changed}
    return macro_hedge(asset, moves, **settings)


@pytest.fixture(scope="module")
def hedge():
    table = pd.DataFrame(
        {"out_of_sample": [0.31, -0.05], "lower": [0.22, -0.12], "upper": [0.38, 0.01], "in_sample": [0.44, 0.27]},
        index=pd.Index(["variance", "expected shortfall"], name="measure"),
    )
    # No two numbers alike: each stands for one place of the drawing.
    return replace(hedge_of(), table=table)


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def intervals_of(ax):
    """Value of each mark and the limits of its interval, without any for a mark alone."""
    return [
        (c.lines[0].get_xdata()[0], *(c.lines[2][0].get_segments()[0][:, 0] if c.lines[2] else ()))
        for c in ax.containers
    ]


def words_of(ax):
    return ax.texts[-1].get_text().replace("\n", " ").replace("\u2212", "-")


def test_shares_out_of_sample_have_intervals_and_those_in_sample_stand_beside(ax, hedge):
    plot_hedge_effectiveness(hedge, ax=ax)

    out, inside, out_shortfall, inside_shortfall = intervals_of(ax)
    np.testing.assert_allclose(out, (0.31, 0.22, 0.38), atol=1e-12)
    np.testing.assert_allclose(inside, (0.44,))
    np.testing.assert_allclose(out_shortfall, (-0.05, -0.12, 0.01), atol=1e-12)
    np.testing.assert_allclose(inside_shortfall, (0.27,))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["variance", "expected shortfall"]


def test_in_sample_is_hollow_and_square_as_the_legend_says(ax, hedge):
    plot_hedge_effectiveness(hedge, ax=ax)

    marks = [c.lines[0] for c in ax.containers]
    assert [mark.get_marker() for mark in marks] == ["o", "s", "o", "s"]
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False, True, False, True]
    legend = ax.get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["out of sample, 95 % interval", "in sample"]
    assert [h.get_marker() for h in legend.legend_handles] == ["o", "s"]


def test_zero_and_unit_are_marked(ax, hedge):
    plot_hedge_effectiveness(hedge, ax=ax)

    assert [0.0, 0.0] in [list(line.get_xdata()) for line in ax.lines]
    assert ax.get_xlabel() == "share of risk removed (per cent of the unhedged)"


def test_note_has_both_shares_and_the_memory(ax, hedge):
    words = words_of(plot_hedge_effectiveness(hedge, ax=ax))

    assert words.startswith(
        "BTC hedged with SPX: variance removed 31 % out of sample (95 % interval 22 % to 38 %), 44 % in sample; "
        "OLS, window 120 rows, fitted every 22"
    )
    assert words.endswith("n = 500, to 2022-05-15")


def test_half_life_of_a_weighted_hedge_is_said(ax):
    words = words_of(plot_hedge_effectiveness(hedge_of(method="ewma", half_life=40.0), ax=ax))

    assert "; EWMA, half-life 40, window 120 rows" in words


def test_only_simulated_hedges_are_marked():
    for simulated, mark in ((False, None), (True, "SIMULATED")):
        source = SeriesProvenance(
            name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated
        )
        found = hedge_of(provenance=Provenance((source,)))
        heading = plot_hedge_effectiveness(found, ax=Figure().subplots()).get_figure()._suptitle
        assert (heading and heading.get_text()) == mark
