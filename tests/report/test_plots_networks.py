import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from volkit.contagion.networks import (
    LiabilityNetwork,
    clear_samples,
    clearing_vector,
    debtrank,
    sample_networks,
    systemic_ranking,
)
from volkit.errors import ArgumentError
from volkit.report.drawn import NOTE_ID
from volkit.report.figures import save_figure
from volkit.report.plots_network_graph import plot_exposure_network
from volkit.report.plots_networks import network_figures, plot_recovery, plot_sampled_defaults, plot_systemic_ranking
from volkit.report.style import figure_style
from volkit.results import Provenance, SeriesProvenance

MADE = SeriesProvenance(name="net", source="simulated", sha256="0", unit="USD", close_rule="", simulated=True)


def network_of(n, seed=1):
    rng = np.random.default_rng(seed)
    table = rng.lognormal(1.0, 1.0, (n, n)) * (rng.random((n, n)) < 0.5)
    np.fill_diagonal(table, 0.0)
    assets = np.maximum(table.sum(axis=1) - table.sum(axis=0), 0.0) * rng.uniform(0.5, 1.0, n) + 0.3
    names = [f"node {i}" for i in range(n)]
    return LiabilityNetwork.from_matrix(table, nodes=names, external_assets=assets, provenance=Provenance((MADE,)))


@pytest.fixture(scope="module")
def network():
    return network_of(12)


@pytest.fixture(scope="module")
def clearing(network):
    return clearing_vector(network)


@pytest.fixture(scope="module")
def ranking(network):
    return systemic_ranking(network, buffer=0.8 * network.claims + 1.0)


@pytest.fixture(scope="module")
def sampled(network):
    owed, owes = network.claims, network.obligations
    drawn = sample_networks(owed, owes, n_samples=30, rng=1, provenance=network.provenance)
    return clear_samples(drawn, external_assets=network.external_assets)


def axes():
    return Figure(figsize=(8.6, 4.3)).subplots()


def words(ax):
    return " ".join(" ".join(text.get_text() for text in ax.texts).split())


def marked(ax):
    return any("SIMULATED" in text.get_text() for text in ax.figure.texts)


def test_every_liability_is_an_arrow_from_debtor_to_creditor(network, clearing):
    ax = plot_exposure_network(network, clearing, ax=axes())

    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == min(network.liabilities.nnz, 60)
    # The widest is the largest liability.
    wide = max(arrows, key=lambda a: a.get_linewidth())
    largest = network.to_frame().nlargest(1, "amount").iloc[0]
    places = dict(zip(network.nodes, ax.collections[0].get_offsets(), strict=True))
    ends = wide._posA_posB
    np.testing.assert_allclose(ends, [places[largest["debtor"]], places[largest["creditor"]]])
    assert f"{clearing.n_defaults} of them in default" in words(ax) and marked(ax)


def test_size_is_what_is_lost(network):
    state = debtrank(network, "node 0", buffer=network.claims + 1.0)
    ax = plot_exposure_network(network, state, ax=axes())

    sizes = ax.collections[0].get_sizes()
    assert np.argsort(sizes).tolist() == np.argsort(state.stress.to_numpy(), kind="stable").tolist()
    assert len(ax.collections[1].get_offsets()) == state.defaults.sum()


def test_a_large_network_shows_its_largest_liabilities_and_no_names():
    large = network_of(45)
    ax = plot_exposure_network(large, clearing_vector(large), ax=axes())

    assert "the largest 60 drawn" in words(ax) and "node 3" not in words(ax)
    with pytest.raises(ArgumentError, match="state must be of the nodes of the network"):
        plot_exposure_network(large, clearing_vector(network_of(4)))


def test_ranking_draws_a_bar_for_each_of_the_first(ranking):
    ax = plot_systemic_ranking(ranking, most=5, ax=axes())

    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], ranking.table["additional_stress"].head(5))
    assert [label.get_text() for label in ax.get_yticklabels()] == ranking.table.index[:5].tolist()
    # All twelve of them take everything with them.
    assert "7 more nodes do no more" in words(ax) and marked(ax)
    assert "node 0 (or of any of 11 that tie with it)" in words(ax)


def test_ranking_without_ties_names_the_first():
    chain = LiabilityNetwork.from_matrix([[0, 3, 0], [0, 0, 2], [0, 0, 0]], nodes=["A", "B", "C"])

    ax = plot_systemic_ranking(systemic_ranking(chain, buffer=[1.0, 2.0, 4.0]), most=2, ax=axes())

    assert "the default of A takes" in words(ax) and "1 more nodes do less" in words(ax)


def test_recovery_shows_defaults_alone_worst_first(clearing):
    ax = plot_recovery(clearing, ax=axes())

    rates = clearing.recovery_rates[clearing.defaults].sort_values()
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], rates)
    assert f"{clearing.n_defaults} of 12 nodes default" in words(ax) and "Eisenberg-Noe" in words(ax)


def test_recovery_without_a_default_says_so(network):
    rich = clearing_vector(network.with_external_assets(network.obligations))
    ax = plot_recovery(rich, ax=axes())

    assert "0 of 12 nodes default" in words(ax) and not ax.patches


def test_sampled_defaults_add_up_to_all(sampled):
    ax = plot_sampled_defaults(sampled, ax=axes())

    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1.0)
    assert ax.lines[0].get_xdata()[0] == sampled.maximum_entropy_defaults
    assert "30 networks with the same totals" in words(ax)


def test_figures_are_written_in_both_widths(network, clearing, ranking, sampled, tmp_path):
    for spec in network_figures(network, clearing, ranking, sampled):
        save_figure(spec, tmp_path, simulated=False)

    names = {path.stem for path in tmp_path.glob("*.png")}
    assert names == {"exposure_network", "systemic_ranking", "recovery", "sampled_defaults"}


def test_picture_cut_to_what_is_drawn_keeps_the_whole_note(network, clearing):
    with figure_style():
        figure = Figure(figsize=(8.6, 4.3), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        ax = plot_exposure_network(network, clearing, ax=figure.subplots())
        canvas.draw()

    renderer = canvas.get_renderer()
    note = next(text for text in ax.texts if text.get_gid() == NOTE_ID).get_window_extent(renderer)
    kept = figure.get_tightbbox(renderer)
    # Notebooks cut pictures so, and leave a tenth of an inch around.
    assert 100.0 * (kept.x0 - 0.1) <= note.x0 and note.x1 <= 100.0 * (kept.x1 + 0.1)
