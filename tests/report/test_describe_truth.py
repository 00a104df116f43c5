"""Alternative texts against the results, where colours or strokes stand for something else than the number."""

import numpy as np
import plot_cases_contagion as contagion
import plot_cases_margin as margin
import pytest
from matplotlib.figure import Figure

from volkit import report
from volkit.report.captions import share_words
from volkit.report.describe import describe_axes, say
from volkit.report.style import figure_style


def told(draw):
    with figure_style():
        ax = Figure(figsize=(8.6, 4.3), layout="constrained").subplots()
        draw(ax)
    return describe_axes(ax)


def result_of(name):
    return contagion.CASES[name][0]()


def test_policies_tell_money_and_not_the_flag_of_the_colour():
    needed = result_of("plot_policies").required_fund.to_numpy()
    words = told(contagion.drawing_of("plot_policies"))

    assert f"Least {needed.min() / 1e3:.0f} thousand USD" in words
    assert f"greatest {needed.max() / 1e3:.0f} thousand USD, short at" in words


def test_phase_diagram_tells_shocks_and_not_their_logarithms():
    shocks = 100.0 * result_of("plot_phase_diagram").shocks
    words = told(contagion.drawing_of("plot_phase_diagram"))

    assert f"Least {np.nanmin(shocks):.1f} % at" in words
    assert f"greatest {np.nanmax(shocks):.1f} % at" in words


def test_tiers_tell_the_effective_rate_apart_from_that_of_the_tier():
    table = margin.tiers()
    words = told(margin.CASES["plot_tiers"])
    end = words.split(" in force: first ")[1].split(" %, least")[0]

    first, last = (float(one.removesuffix(" %")) for one in end.split(", last "))
    assert first == pytest.approx(100.0 * table.maintenance_rate(2e4), rel=0.01)
    assert last == pytest.approx(100.0 * table.maintenance_rate(5e7), rel=0.01)
    assert last < 100.0 * max(table.maintenance_rates)


def test_event_study_tells_each_kind_by_itself():
    profile = result_of("plot_event_study").profile["ratio"]
    words = told(contagion.drawing_of("plot_event_study"))

    for kind in ("cpi", "fomc"):
        of_kind = profile.xs(kind, level="kind")
        assert f"{kind.upper()}: first {of_kind.iloc[0]:.3g}, last {of_kind.iloc[-1]:.3g}" in words
        assert f"greatest {of_kind.max():.3g} at" in words
    assert "haded" not in words


def test_coverage_tells_rates_and_not_the_region_of_the_test():
    words = told(margin.CASES["plot_coverage"])

    for backtest in margin.calibrated().backtests.values():
        for side in ("long", "short"):
            count = backtest.coverage[side].n_exceptions
            assert f"{side} {share_words(count / backtest.n_obs)} ({count} in {backtest.n_obs:,}" in words


def test_exposure_network_tells_nodes_and_not_places_on_the_ring():
    network, state = contagion.network()
    words = told(contagion.drawing_of("plot_exposure_network"))

    unpaid = 1.0 - state.recovery_rates
    assert f"{network.n_nodes} nodes on a ring, {int(state.defaults.sum())} in default" in words
    assert f"greatest {share_words(unpaid.max())} ({unpaid.idxmax()})" in words


def test_stress_replay_tells_each_loss_with_its_own_margin():
    table = margin.stress().table
    words = told(margin.CASES["plot_stress_replay"])

    for side in ("long", "short"):
        rows = table.xs(side, level="side")
        row = rows.loc[rows["worst_loss"].idxmax()]
        assert f"{side.capitalize()}: greatest loss {share_words(row['worst_loss'])} ({row.name})" in words
        assert f"held against it {share_words(row['margin_at_worst'])}; a loss above its margin in" in words
        assert f"in {int((rows['worst_excess'] > 0.0).sum())} of {len(rows)} windows" in words


def test_what_a_drawing_says_goes_when_its_axes_are_cleared():
    ax = Figure().subplots()
    say(ax, "Ring of 3 nodes.")
    ax.clear()
    ax.plot([1.0, 2.0], [3.0, 4.0], label="a")

    assert describe_axes(ax).startswith("Line chart")


@pytest.mark.parametrize("draw", [report.plot_arbitrage, report.plot_density_factor])
def test_arbitrage_that_the_range_does_not_show_is_pointed_at(draw):
    surface = margin.surface()
    ax = Figure(figsize=(8.6, 4.3), layout="constrained").subplots()
    draw(surface, ax=ax)

    edges = [line for line in ax.lines if line.get_gid() == "beyond"]
    note = " ".join(ax.texts[-1].get_text().split())
    assert edges and "outside the range drawn (8 standard deviations)" in note
    assert all(line.get_marker() == "<" and line.get_xdata()[0] == -8.0 for line in edges)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "negative" not in names
