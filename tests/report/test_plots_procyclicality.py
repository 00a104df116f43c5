import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.text import Text

from volkit.errors import ArgumentError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.procyclicality import AntiProcyclicality, Buffer, LongFloor, SpeedLimit, StressWeight
from volkit.report.plots_procyclicality import TOOL_COLOURS, plot_treated_margin
from volkit.report.style import figure_style
from volkit.results import Provenance, SeriesProvenance

TOOLS = {"stress_weight": StressWeight(window=60), "buffer": Buffer(), "long_floor": LongFloor()}


def treated_by(simulated=False, **tools):
    n = 400
    waves = 0.03 * np.exp(0.8 * np.sin(np.arange(n) / 25.0))
    times = pd.date_range("2022-01-01", periods=n, tz="UTC", name="time")
    returns = pd.Series(waves * np.random.default_rng(1).standard_normal(n), index=times, name="BTC")
    origin = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=simulated)
    policy = MarginPolicy(expanding=False, method="historical", confidence=0.95, lookback=60, floor=0.01)
    schedule = margin_schedule(returns, policy=policy, periods_per_year=365, provenance=Provenance((origin,)))
    return AntiProcyclicality(**tools).apply(schedule, returns)


@pytest.fixture(scope="module")
def treated():
    return treated_by(**TOOLS)


@pytest.fixture
def ax():
    with figure_style():
        yield Figure(figsize=(8.6, 4.3), layout="constrained").subplots()


def artist(ax, gid):
    return next(one for one in ax.get_children() if one.get_gid() == gid)


def test_both_rates_are_drawn_as_they_are(ax, treated):
    plot_treated_margin(treated, side="short", ax=ax)

    for component in ("untreated", "treated"):
        drawn = artist(ax, component).get_ydata()
        assert drawn.tolist() == treated.components[("short", component)].tolist()


def test_bars_cover_the_times_at_which_a_tool_set_the_rate(ax, treated):
    plot_treated_margin(treated, ax=ax)

    in_force = treated.in_force(side="long")
    times = date2num(in_force.index)
    assert in_force.nunique() > 1
    for tool in set(in_force) - {"none"}:
        boxes = [path.get_extents() for path in artist(ax, f"in-force-{tool}").get_paths()]
        inside = np.any([(times >= b.x0 - 1e-6) & (times < b.x1 - 1e-6) for b in boxes], axis=0)
        assert inside.tolist() == (in_force == tool).tolist()


def test_each_tool_has_a_row_of_its_own_with_its_share(ax, treated):
    plot_treated_margin(treated, ax=ax)

    shares = treated.time_in_force()["long"]
    set_by = [tool for tool in TOOLS if shares[tool] > 0]
    heights = [artist(ax, f"in-force-{tool}").get_paths()[0].get_extents().y0 for tool in set_by]
    # In the order in which they work, from the top.
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == len(set_by) > 1
    texts = [text.get_text() for text in ax.texts]
    for tool in set_by:
        assert f"{tool.replace('_', ' ')} {100 * shares[tool]:.0f} %" in texts


def test_rows_stand_below_zero_and_ticks_above(ax, treated):
    plot_treated_margin(treated, ax=ax)

    low, high = ax.get_ylim()
    n_rows = sum(gid.startswith("in-force") for gid in (one.get_gid() or "" for one in ax.get_children()))
    top_of_rows = max(
        path.get_extents().y1
        for one in ax.get_children()
        if (one.get_gid() or "").startswith("in-force")
        for path in one.get_paths()
    )
    assert n_rows > 1
    assert low + top_of_rows * (high - low) < 0.0
    assert min(ax.get_yticks()) >= 0.0


def test_what_a_limit_on_rises_takes_away_is_hatched(ax):
    plot_treated_margin(treated_by(speed_limit=SpeedLimit(largest_rise=0.01)), ax=ax)

    assert artist(ax, "lowered").get_hatch() == "////"
    ax.figure.savefig(io.BytesIO(), format="svg")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["untreated", "treated", "added", "taken away"]


def test_words_and_units(ax):
    plot_treated_margin(treated_by(buffer=Buffer()), ax=ax)

    assert ax.get_ylabel() == "maintenance margin (per cent of notional)"
    assert ax.get_xlabel() == "last return known (UTC)"
    assert any("by buffer 25 %, rebuilt in 60 periods; bars below" in t.get_text().replace("\n", " ") for t in ax.texts)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["untreated", "treated", "added"]


def test_narrow_figure_keeps_every_word_inside(treated):
    with figure_style(narrow=True):
        figure = Figure(figsize=(3.6, 3.3), layout="constrained")
        axes = plot_treated_margin(treated, ax=figure.subplots())
        figure.draw_without_rendering()

    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert all(box.x1 <= figure.bbox.x1 + 1 and box.x0 >= -1 for box in boxes)


def test_line_keywords_reach_the_treated_margin(ax, treated):
    plot_treated_margin(treated, ax=ax, color="#112233")

    assert artist(ax, "treated").get_color() == "#112233"


def test_simulated_rates_are_marked(ax):
    plot_treated_margin(treated_by(simulated=True, buffer=Buffer()), ax=ax)

    assert ax.get_figure().get_suptitle() == "SIMULATED"


def test_every_tool_has_a_colour_and_an_unknown_side_is_refused(ax, treated):
    assert len(set(TOOL_COLOURS.values())) == 7

    with pytest.raises(ArgumentError, match="side must be one of long, short"):
        plot_treated_margin(treated, side="both", ax=ax)
