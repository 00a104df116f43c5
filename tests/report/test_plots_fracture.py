"""Drawings of fracture: what they show is what the results hold."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from volkit.contagion.cascade import LeveragedAccounts, Venue
from volkit.contagion.fracture import (
    MarginTerms,
    amplification_curve,
    fracture_threshold,
    liquidation_heat_map,
    phase_diagram,
    policies_in_cascade,
)
from volkit.impact.laws import LinearImpact
from volkit.report.figures import save_figure
from volkit.report.plots_fracture import (
    fracture_figures,
    plot_amplification,
    plot_bad_debt_curve,
    plot_liquidation_heat_map,
    plot_phase_diagram,
)
from volkit.report.plots_policies import plot_policies
from volkit.sources.venue import simulate_venue


@pytest.fixture(scope="module")
def simulated():
    return simulate_venue(n_accounts=1_000)


@pytest.fixture(scope="module")
def accounts(simulated):
    return LeveragedAccounts.from_frame(simulated.accounts, provenance=simulated.provenance)


@pytest.fixture(scope="module")
def venue(simulated):
    impact = LinearImpact(simulated.truth.impact)
    return Venue(price=simulated.price, impact=impact, fund=simulated.fund, leftover="returned")


@pytest.fixture(scope="module")
def curve(accounts, venue):
    return amplification_curve(accounts, venue, n_shocks=40)


def axes(width=8.6):
    return Figure(figsize=(width, 0.6 * width), layout="constrained").subplots()


def words_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def is_marked(ax):
    figure = ax.get_figure(root=True)
    return figure._suptitle is not None and figure._suptitle.get_text() == "SIMULATED"


def test_amplification_line_is_the_curve_and_the_threshold_lies_on_it(curve, accounts, venue):
    found = fracture_threshold(accounts, venue)
    never = replace(found, status="none")

    ax = plot_amplification(curve, thresholds=[found, never], ax=axes())

    np.testing.assert_allclose(ax.lines[0].get_ydata(), curve.frame["amplification"])
    mark = next(line for line in ax.lines if line.get_marker() == "o")
    assert mark.get_xdata()[0] == found.shock
    assert sum("losses beyond the fund" in w for w in words_of(ax)) == 1
    assert "final over initial move" in ax.get_ylabel()
    assert is_marked(ax)


def test_bad_debt_is_drawn_against_the_fund(curve, venue):
    ax = plot_bad_debt_curve(curve, ax=axes())

    np.testing.assert_allclose(ax.lines[0].get_ydata(), curve.frame["bad_debt"])
    assert ax.lines[1].get_ydata()[0] == venue.fund
    assert ax.get_ylabel() == "bad debt (USD)"


def test_phase_cells_name_the_threshold_and_what_never_breaks(accounts, venue):
    diagram = phase_diagram(accounts, venue, leverages=[5, 50], depths=[0.5, 2.0])
    ax = plot_phase_diagram(diagram, ax=axes())
    words = {text.get_text() for text in ax.texts}

    assert {f"{100 * x:.1f}" for x in diagram.shocks.to_numpy().ravel()} <= words
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["50x", "5x"]

    unbreakable = phase_diagram(accounts, replace(venue, fund=1e12), leverages=[5], depths=[1.0])
    assert "none" in {text.get_text() for text in plot_phase_diagram(unbreakable, ax=axes()).texts}


def test_heat_map_colours_hold_the_notional(accounts, simulated):
    heat = liquidation_heat_map(accounts, price=simulated.price)
    ax = plot_liquidation_heat_map(heat, ax=axes())

    drawn = ax.collections[0].get_array()
    assert float(drawn.sum()) == pytest.approx(heat.frame["notional"].sum())
    assert ax.get_yscale() == "log"
    assert ax.lines[0].get_xdata()[0] == simulated.price


def test_policies_say_short_where_the_fund_is_too_small(accounts, venue):
    policies = {
        "50x": MarginTerms.both(maintenance=0.005, initial=0.02),
        "5x": MarginTerms.both(maintenance=0.005, initial=0.2),
    }
    found = policies_in_cascade(accounts, venue, policies, shocks=[0.05, 0.15])
    cells = [t.get_text() for t in plot_policies(found, ax=axes()).texts if t.get_text()[:1].isdigit()]

    marked = [text.endswith(" short") for text in cells]
    assert marked == (~found.survival.astype(bool)).to_numpy().ravel().tolist()


def test_figures_are_drawn_for_a_page_and_for_a_phone(curve, accounts, venue, tmp_path):
    found = [fracture_threshold(accounts, venue)]
    diagram = phase_diagram(accounts, venue, leverages=[5, 50], depths=[0.5, 2.0])
    heat = liquidation_heat_map(accounts, price=venue.price)

    specs = fracture_figures(curve, found, diagram, heat)
    files = save_figure(specs[0], tmp_path, simulated=True)

    assert [spec.name for spec in specs] == ["amplification", "bad_debt", "phase", "heat_map"]
    assert "beyond the fund: from a fall of 8.3 % on." in specs[0].caption
    assert specs[2].caption == (
        "The venue breaks first with leverage up to 50x and 0.5 times today's depth: a fall of 2.8 % is enough. "
        "With leverage up to 5x and 0.5 times today's depth it takes 19.6 %."
    )
    assert len(files.png) > 5_000
    assert len(files.narrow_png) > 5_000
