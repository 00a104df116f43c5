import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.contagion.cross import CrossAccounts, CrossVenue, cross_cascade
from volkit.contagion.options import ConstantGamma, UniformLiquidations, split_by_dealer_sign
from volkit.impact.laws import LinearImpact
from volkit.report.figures import save_figure
from volkit.report.plots_flows import (
    cross_figures,
    flow_figures,
    plot_cross_liquidations,
    plot_cross_prices,
    plot_forced_flow,
)
from volkit.results import Provenance, SeriesProvenance

MADE = Provenance(
    (SeriesProvenance(name="SIM", source="simulated", sha256="0", unit="USD", close_rule="none", simulated=True),)
)


@pytest.fixture(scope="module")
def signs():
    return split_by_dealer_sign(
        [UniformLiquidations(3_000.0)], ConstantGamma(-3_000.0), LinearImpact(1e-4), price=100.0, shock=-0.05,
        provenance=MADE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(2)
    quantity = pd.DataFrame(rng.lognormal(0.0, 1.0, (200, 2)), columns=["BTC", "ETH"])
    price = pd.Series({"BTC": 100.0, "ETH": 10.0})
    leverage = pd.Series(np.exp(rng.uniform(0.5, 3.0, 200)))
    accounts = CrossAccounts.from_leverage(quantity, leverage=leverage, price=price, maintenance_rate=0.01)
    venue = CrossVenue(impact={"BTC": LinearImpact(0.001), "ETH": LinearImpact(0.001)}, fund=5.0)
    return cross_cascade(accounts, venue, pd.Series({"BTC": -0.1}))


def axes(width=8.6):
    return Figure(figsize=(width, 4.3)).subplots()


def test_bars_add_up_to_the_flow_of_both_signs(signs):
    ax = plot_forced_flow(signs, ax=axes())
    heights = sum(bar.get_height() for bar in ax.patches)
    total = (signs.assumed.flows.to_numpy().sum() + signs.opposite.flows.to_numpy().sum()) * 100.0

    assert heights == pytest.approx(total)
    assert {bar.get_hatch() for bar in ax.patches} == {"", "////"}
    assert ax.get_ylabel() == "forced sales (USD)"


def test_late_rounds_stand_in_one_bar(signs):
    labels = [text.get_text() for text in plot_forced_flow(signs, ax=axes(3.6)).get_xticklabels()]

    assert labels == ["1", "2", "3", "4", f"5 to {signs.assumed.n_rounds}"]


def test_prices_start_at_the_shock_and_end_at_the_move(run):
    ax = plot_cross_prices(run, ax=axes())
    lines = {line.get_color(): line.get_ydata() for line in ax.lines[:2]}

    assert sorted(line[0] for line in lines.values()) == pytest.approx([-0.1, 0.0])
    assert sorted(line[-1] for line in lines.values()) == pytest.approx(sorted(run.moves))


def test_liquidations_stand_upon_one_another(run):
    ax = plot_cross_liquidations(run, ax=axes())

    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(run.notional.to_numpy().sum())
    top = max(bar.get_y() + bar.get_height() for bar in ax.patches)
    assert top == pytest.approx(run.rounds["notional"].max())


def test_captions_say_what_happened(signs, run):
    assert "becomes" in flow_figures(signs)[0].caption
    assert "ETH fell without a shock of their own" in cross_figures(run)[0].caption


def test_quiet_markets_can_be_drawn():
    quiet = split_by_dealer_sign(
        [UniformLiquidations(0.0)], ConstantGamma(0.0), LinearImpact(1e-4), price=100.0, shock=-0.05
    )
    assert not plot_forced_flow(quiet, ax=axes()).patches


def test_figures_can_be_saved_and_say_that_they_are_simulated(signs, run, tmp_path):
    for spec in (*flow_figures(signs), *cross_figures(run)):
        save_figure(spec, tmp_path, simulated=True)

    assert b"SIMULATED" in (tmp_path / "forced-flow.svg").read_bytes() or (tmp_path / "forced-flow.png").is_file()
