"""Drawings of spillovers: what stands where, in which unit, and that simulated data say so."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.contagion.firesale import ProtocolBook, cont_schaanning, portfolio_overlaps
from volkit.contagion.shared import (
    CollateralMarket,
    OracleFeed,
    ProtocolLending,
    crash_path,
    lag_sensitivity,
    oracle_cascade,
)
from volkit.errors import ArgumentError
from volkit.impact.laws import LinearImpact
from volkit.report.plots_spillover import plot_default_timeline, plot_fire_sale, plot_lag_sensitivity, plot_overlaps
from volkit.results import Provenance, SeriesProvenance

SIMULATED = Provenance(
    (SeriesProvenance(name="X", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)
HELD = pd.DataFrame([[100.0, 0.0], [50.0, 50.0], [0.0, 80.0]], index=["X", "Y", "Z"], columns=["BTC", "ETH"])
BOOK = ProtocolBook(holdings=HELD, debt=pd.Series({"X": 80.0, "Y": 75.0, "Z": 10.0}), provenance=SIMULATED)
DEPTH = {"BTC": 400.0, "ETH": 400.0}
PATH = crash_path({"ETH": 0.4}, n_steps=14, crash_steps=8)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4), layout="constrained").subplots()


def words(ax):
    return " ".join(text.get_text() for text in ax.texts).replace("\n", " ")


def loans():
    rows = [(f"P{i % 3}", f"a{i}", "ETH", 10.0, 21_000.0 - 500.0 * i) for i in range(9)]
    columns = ["protocol", "account", "collateral_asset", "collateral_quantity", "debt"]
    terms = pd.DataFrame(
        {"asset": ["ETH"], "liquidation_threshold": [0.8], "liquidation_bonus": [0.05], "oracle": ["feed"]}
    )
    return ProtocolLending.from_frames(pd.DataFrame(rows, columns=columns), terms, provenance=SIMULATED)


MARKET = CollateralMarket(prices={"ETH": 3_000.0}, laws={"ETH": LinearImpact(1e-4)})


def test_bars_add_up_to_the_loss_over_equity(ax):
    run = cont_schaanning(BOOK, shock={"BTC": -0.1, "ETH": -0.05}, depth=DEPTH, maximum_leverage=5.0)

    plot_fire_sale(run, ax=ax)

    names = [tick.get_text() for tick in ax.get_yticklabels()]
    reach = {name: max(bar.get_x() + bar.get_width() for bar in ax.patches[i::3]) for i, name in enumerate(names)}
    wanted = run.losses.sum() / run.by_protocol["equity_before"]
    assert names == wanted.sort_values(ascending=False).index.tolist()
    # A round whose parts would be too small to see is left out.
    assert reach == pytest.approx(wanted.to_dict(), abs=2.5e-3)
    assert "% of equity" in ax.get_xlabel() and "insolvent" in words(ax)
    assert ax.figure.get_suptitle() == "SIMULATED"


def test_cells_are_overlaps_over_the_equity_of_the_row(ax):
    overlaps = portfolio_overlaps(BOOK, depth=DEPTH)

    plot_overlaps(overlaps, ax=ax)

    order = overlaps.risk_index.sort_values(ascending=False).index
    shown = [text.get_text() for text in ax.texts[:9]]
    share = 100.0 * overlaps.overlaps.loc[order, order].div(overlaps.equity[order], axis=0)
    assert shown == [("0" if v == 0.0 else f"{v:.0f}") for v in share.to_numpy().ravel()]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(order)
    assert ax.figure.get_suptitle() == "SIMULATED"


def test_a_line_a_settlement_against_the_lag(ax):
    runs = [lag_sensitivity(loans(), MARKET, PATH, lags=range(4), settlement=s) for s in ("auction", "fixed")]

    plot_lag_sensitivity(runs, ax=ax)

    for line, run in zip(ax.lines, runs, strict=True):
        assert line.get_xdata().tolist() == [0, 1, 2, 3]
        assert line.get_ydata() == pytest.approx(run.table["loss"].to_numpy())
    assert "USD" in ax.get_ylabel() and "steps" in ax.get_xlabel() and ax.get_legend() is not None
    assert ax.figure.get_suptitle() == "SIMULATED"
    with pytest.raises(ArgumentError, match="differ in their settlement"):
        plot_lag_sensitivity([runs[0], runs[0]])


def test_one_settlement_needs_no_legend(ax):
    plot_lag_sensitivity(lag_sensitivity(loans(), MARKET, PATH, lags=[0, 2]), ax=ax)

    assert ax.get_legend() is None and len(ax.lines) == 1


def test_defaults_stand_at_their_steps_in_order(ax):
    run = oracle_cascade(loans(), MARKET, PATH, feeds={"feed": OracleFeed(lag=3)}, settlement="fixed")

    plot_default_timeline(run, ax=ax)

    order = run.order_of_default
    assert len(order) > 0
    crosses = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "X"]
    assert crosses == [(step, y) for y, step in enumerate(order)]
    assert [tick.get_text() for tick in ax.get_yticklabels()][: len(order)] == list(order.index)
    assert "default" in words(ax) and ax.figure.get_suptitle() == "SIMULATED"


def test_a_run_without_liquidation_can_be_drawn(ax):
    run = oracle_cascade(loans(), MARKET, crash_path({"ETH": 0.0}, n_steps=3, crash_steps=1))

    plot_default_timeline(run, ax=ax)

    assert "no default" in words(ax)
