"""Drawings of the claim about velocity: what they show is what the result holds."""

import pytest
from matplotlib.figure import Figure

from volkit.contagion.fracture import velocity_claim
from volkit.errors import ArgumentError
from volkit.report.plots_claim import plot_claim_roc, plot_claim_scores


@pytest.fixture(scope="module")
def claim():
    return velocity_claim(n_venues=60, n_paths=30, n_replications=20)


def axes(width=8.6):
    return Figure(figsize=(width, 0.6 * width), layout="constrained").subplots()


def words_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_scores_and_curves_are_those_of_the_claim(claim):
    ax = plot_claim_scores(claim, ax=axes())
    assert len(ax.containers) == len(claim.scores)
    assert "200 venues" not in ax.texts[0].get_text()
    assert "30 test venues of 30 paths" in ax.texts[0].get_text()

    ax = plot_claim_roc(claim, fracture="exhausted", ax=axes())
    auc = claim.scores.loc[("exhausted", "velocity_to_forced_flow"), "auc"]
    assert f"velocity / forced flow {auc:.2f}" in words_of(ax)
    with pytest.raises(ArgumentError, match="fracture must be one of dislocated, exhausted"):
        plot_claim_roc(claim, fracture="broken", ax=axes())
