import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError
from volkit.margin import MarginPolicy
from volkit.margin.frontier import choose_policy, policy_frontier
from volkit.report.plots_frontier import plot_frontier
from volkit.report.style import figure_style
from volkit.results import Provenance, SeriesProvenance

BASE = {"method": "historical", "lookback": 200}
POLICIES = {
    **{f"plain {c}": MarginPolicy(confidence=c, **BASE) for c in (0.95, 0.975, 0.99)},
    "short memory": MarginPolicy(method="historical", confidence=0.95, lookback=100),
    "fading": MarginPolicy(method="weighted_historical", confidence=0.95, lookback=200, half_life=40.0),
}


def make(**arguments):
    times = pd.date_range("2022-01-01", periods=600, tz="UTC", name="time")
    returns = pd.Series(0.02 * np.random.default_rng(1).standard_t(4, 600), index=times, name="BTC")
    terms = {"periods_per_year": 365, "rng": np.random.default_rng(2), "confidence": 0.95, "n_draws": 100}
    return policy_frontier({"BTC": returns}, POLICIES, **{**terms, **arguments})


@pytest.fixture(scope="module")
def frontier():
    return make()


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 4.3)).subplots()


def points(ax, gid):
    (found,) = [c for c in ax.collections if c.get_gid() == gid]
    return found


def test_every_policy_is_a_point_of_exceedance_and_cost(ax, frontier):
    plot_frontier(frontier, ax=ax)

    for gid, rows in (("efficient", True), ("dominated", False)):
        table = frontier.table[frontier.table["is_efficient"] == rows]
        expected = table[["exceedance", "cost"]].to_numpy()
        assert np.asarray(points(ax, gid).get_offsets()).tolist() == expected.tolist()
    assert ax.get_ylabel() == "mean maintenance margin (per cent)"
    assert ax.get_xlabel() == "losses above the margin (per cent, left is safer)"


def test_marker_size_rises_with_the_peak_to_trough(ax, frontier):
    plot_frontier(frontier, ax=ax)

    sizes, ratios = [], []
    for gid, rows in (("efficient", True), ("dominated", False)):
        sizes += points(ax, gid).get_sizes().tolist()
        ratios += frontier.table.loc[frontier.table["is_efficient"] == rows, "procyclicality"].tolist()
    assert np.argsort(sizes).tolist() == np.argsort(ratios).tolist()
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert f"most peak to trough, {max(ratios):.1f}" in words


def test_chosen_and_current_are_marked_with_their_bands(ax, frontier):
    choice = choose_policy(frontier, max_exceedance=0.04)

    plot_frontier(frontier, chosen=choice, current="short memory", ax=ax)

    marked = [c for c in ax.collections if c.get_gid() == "marked"]
    found = [np.asarray(c.get_offsets())[0].tolist() for c in marked]
    assert found == [frontier.table.loc[n, ["exceedance", "cost"]].tolist() for n in ("short memory", choice.name)]
    (note,) = [t.get_text().replace("\n", " ") for t in ax.texts]
    assert f"chosen: {choice.name}; in force: short memory" in note and "90 % bands" in note
    row = frontier.table.loc[choice.name]
    ends = [seg for c in ax.collections if hasattr(c, "get_segments") for seg in c.get_segments()]
    assert any(np.allclose(s[:, 0], row[["exceedance_lower", "exceedance_upper"]].to_numpy(float)) for s in ends)


def test_promise_is_a_line(ax, frontier):
    plot_frontier(frontier, ax=ax)

    assert [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"] == [pytest.approx(0.05)]


def test_point_keywords_reach_the_points(ax, frontier):
    plot_frontier(frontier, ax=ax, alpha=0.5)

    assert points(ax, "efficient").get_alpha() == 0.5 and points(ax, "dominated").get_alpha() == 0.9


def test_simulated_data_are_marked(ax):
    one = SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True)

    plot_frontier(make(provenance=Provenance((one,))), ax=ax)

    assert ax.get_figure().get_suptitle() == "SIMULATED"


@pytest.mark.parametrize("argument", ["chosen", "current"])
def test_unknown_policy_is_refused(argument, ax, frontier):
    with pytest.raises(ArgumentError, match=f"{argument} must be one of plain 0.95"):
        plot_frontier(frontier, ax=ax, **{argument: "magic"})


@pytest.mark.parametrize("width", [8.6, 3.6])
def test_texts_fit_the_figure(width, frontier):
    with figure_style(narrow=width < 5):
        figure = Figure(figsize=(width, 4.0), layout="constrained")
        ax = plot_frontier(frontier, chosen="fading", current="short memory", ax=figure.subplots())
        figure.draw_without_rendering()

    for text in (*ax.texts, ax.xaxis.label, ax.yaxis.label, *ax.get_legend().get_texts()):
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1
