"""Drawings of portfolio margin: what stands where, in which unit, and that simulated data say so."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.portfolio.efficiency import hedge_programme
from volkit.portfolio.netting import insolvency_neutrality, margin_modes
from volkit.report.plots_netting import plot_hedge_programme, plot_margin_modes, plot_neutrality
from volkit.report.style import percent_words
from volkit.results import Provenance, SeriesProvenance

SIMULATED = Provenance(
    (SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)
PNL = np.random.default_rng(1).standard_t(4, (4, 800)) * np.array([[9e5], [7e5], [5e5], [3e5]])


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


def modes_of(accounts, **options):
    return margin_modes(PNL, group=list("aabb"), account=accounts, confidence=0.95, cost_of_capital=0.1, **options)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_bars_stack_accounts_up_to_the_margin_of_the_mode(ax):
    modes = modes_of(["x", "x", "y", "y"])

    plot_margin_modes(modes, ax=ax)

    heights = np.array([bar.get_height() for bar in ax.patches]).reshape(2, 3)
    assert heights.sum(axis=0) == pytest.approx(modes.total["margin"].to_numpy())
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["isolated", "cross", "portfolio"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["x", "y"]
    assert ax.get_ylabel() == "margin (units of account)" and ax.get_ylim()[0] == 0.0
    share = modes.total["share_of_isolated"]["portfolio"]
    assert any(text.endswith(f"{percent_words(share, digits=2)} of isolated") for text in texts(ax))


def test_one_account_needs_no_legend(ax):
    plot_margin_modes(modes_of(None), ax=ax)

    assert ax.get_legend() is None and len(ax.patches) == 3


def test_rules_stand_side_by_side_with_their_intervals(ax):
    found = insolvency_neutrality(PNL, confidence=0.95, account=list("xxyy"))

    plot_neutrality(found, ax=ax)

    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names == [f"{a}: {r}" for a in "xy" for r in ("gross, isolated", "gross, pooled", "net")]
    ends = [collection.get_segments()[0][:, 0] for collection in ax.collections]
    wanted = 100.0 * found.table[["low", "high"]].to_numpy()
    assert np.array(ends) == pytest.approx(wanted)
    assert any("95 % exact interval" in text for text in texts(ax)) and "5 %" in texts(ax)


def test_tails_before_and_after_cross_their_margins(ax):
    found = hedge_programme(-PNL.sum(axis=0), -PNL[:2], confidence=0.95, bounds=(0, 0.8), costs=100.0)

    plot_hedge_programme(found, ax=ax)

    drawn = {line.get_gid(): line for line in ax.lines if line.get_gid()}
    assert set(drawn) == {"before", "after"} and ax.get_yscale() == "log"
    assert drawn["after"].get_xdata()[0] == found.losses["after"].max()
    assert drawn["before"].get_ydata()[-1] == 1.0
    dashed = [line.get_xdata()[0] for line in ax.lines if not line.get_gid()]
    assert dashed == [found.before, found.after]
    assert any("in force: position 0 (high), position 1 (high)" in text.replace("\n", " ") for text in texts(ax))


@pytest.mark.parametrize("width", [8.0, 3.6])
def test_simulated_data_say_so(width):
    book = pd.DataFrame(PNL)
    results = {
        plot_margin_modes: modes_of(None, provenance=SIMULATED),
        plot_neutrality: insolvency_neutrality(book, confidence=0.95, provenance=SIMULATED),
        plot_hedge_programme: hedge_programme(
            -PNL.sum(axis=0), PNL[:1], confidence=0.95, bounds=(-1, 1), provenance=SIMULATED
        ),
    }
    for plot, result in results.items():
        figure = Figure(figsize=(width, 3.6))
        plot(result, ax=figure.subplots())
        assert figure.get_suptitle() == "SIMULATED" and "SIMULATED" in repr(result)
