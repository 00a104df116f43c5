import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from volkit.errors import ArgumentError, DataError
from volkit.instruments import MarketState, Option, Perpetual
from volkit.portfolio.scenarios import (
    ScenarioGrid,
    risk_array,
    risk_array_of_profits,
    scan_margin,
    scenario_grid,
    shortfall_margin,
)
from volkit.report.plots_portfolio import plot_margin_contributions, plot_risk_array
from volkit.results import Provenance, SeriesProvenance

NOW, EXPIRY = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-03-27 08:00", tz="UTC")
MARKET = MarketState(
    as_of=NOW,
    spot=pd.Series({"BTC": 80_000.0}),
    forwards=pd.Series({("BTC", EXPIRY): 81_000.0}),
    volatility=lambda _coin, _expiry, strikes: np.full(len(strikes), 0.5),
)
LEGS = [Perpetual("BTC"), Option("BTC", EXPIRY, 90_000.0, True), Option("BTC", EXPIRY, 60_000.0, False)]
UNITS = {LEGS[0].name: 0.5, LEGS[1].name: -2.0, LEGS[2].name: -3.0}
GRID = scenario_grid([-0.15, 0.0, 0.15], [-0.25, 0.0, 0.4], days=[1.0]).with_tails(
    [-0.5, 0.5], constant=0.16, volatilities=[0.4]
)
SIMULATED = Provenance(
    (SeriesProvenance(name="BTC", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4)).subplots()


@pytest.fixture
def array():
    return risk_array(LEGS, MARKET, GRID)


def by_id(ax):
    return {line.get_gid(): line for line in ax.lines}


def test_lines_are_profits_by_state_of_volatility(ax, array):
    plot_risk_array(array, UNITS, ax=ax)

    lines, profits = by_id(ax), array.portfolio(UNITS)
    assert {"volatility--0.25", "volatility-+0", "volatility-+0.4"} <= set(lines)
    chosen = profits[(GRID.scenarios["volatility"] == 0.4) & (GRID.scenarios["weight"] == 1.0)]
    assert lines["volatility-+0.4"].get_ydata().tolist() == pytest.approx(chosen.tolist())
    far = profits[GRID.scenarios["weight"] < 1.0]
    assert lines["weighted-+0.4"].get_ydata().tolist() == pytest.approx((0.32 * far).tolist())
    assert ax.get_ylabel() == "profit and loss (USD)" and ax.get_xlabel() == "move of the price (per cent)"


def test_the_ring_is_on_the_worst_scenario(ax, array):
    plot_risk_array(array, UNITS, ax=ax)

    worst, ring = array.worst(UNITS), by_id(ax)["worst"]
    assert ring.get_ydata()[0] == pytest.approx(-worst.loss)
    assert ring.get_xdata()[0] == GRID.scenarios.loc[worst.scenario, "price"]
    (note,) = [t.get_text() for t in ax.texts if t.get_gid() == "volkit-note"]
    assert note.startswith("ring, the worst of 11 scenarios: price −50 %, volatility +40 %, 1 day on; loses")


def test_where_more_moves_the_least_profit_is_drawn(ax):
    grid = scenario_grid([-0.1, 0.1], days=[0.0, 5.0], skews=[-0.2, 0.2])
    array = risk_array(LEGS, MARKET, grid)

    plot_risk_array(array, UNITS, ax=ax)

    least = array.portfolio(UNITS).groupby(grid.scenarios["price"]).min()
    assert by_id(ax)["volatility-+0"].get_ydata().tolist() == pytest.approx(least.tolist())


def test_simulated_scenarios_are_marked(ax):
    grid = ScenarioGrid(scenarios=GRID.scenarios, provenance=SIMULATED)

    plot_risk_array(risk_array(LEGS, MARKET, grid), UNITS, ax=ax)

    assert ax.figure.get_suptitle() == "SIMULATED"


def test_arrays_that_have_no_curve_are_refused(ax, array):
    with pytest.raises(ArgumentError, match=r"must be on a grid .* got profits without one"):
        plot_risk_array(risk_array_of_profits(array.profits), UNITS, ax=ax)
    sample = ScenarioGrid(scenarios=GRID.scenarios.assign(weight=1.0), equally_likely=True)
    with pytest.raises(ArgumentError, match="got a sample"):
        plot_risk_array(risk_array(LEGS, MARKET, sample), UNITS, ax=ax)
    many = risk_array(LEGS, MARKET, scenario_grid([0.1], np.linspace(-0.3, 0.3, 7)))
    with pytest.raises(ArgumentError, match="at most 6 states of volatility; got 7"):
        plot_risk_array(many, UNITS, ax=ax)
    with pytest.raises(DataError, match="must be of instruments in the risk array"):
        plot_risk_array(array, {"X": 1.0}, ax=ax)


def test_bars_are_contributions_and_marks_margins_alone(ax, array):
    margin = scan_margin(UNITS, array)

    plot_margin_contributions(margin, ax=ax)

    widths = dict(zip([t.get_text() for t in ax.get_yticklabels()], [p.get_width() for p in ax.patches], strict=True))
    assert widths == pytest.approx(margin.legs["contribution"].to_dict())
    assert sum(widths.values()) == pytest.approx(margin.loss)
    assert sorted(by_id(ax)["standalone"].get_xdata()) == pytest.approx(sorted(margin.legs["standalone"]))


@pytest.mark.parametrize("width", [8.6, 3.6])
def test_others_are_one_bar(width):
    ax = Figure(figsize=(width, 4)).subplots()
    profits = pd.DataFrame(np.random.default_rng(0).standard_normal((9, 500)), index=[f"leg {i}" for i in range(9)])
    array = risk_array_of_profits(profits, equally_likely=True)
    margin = shortfall_margin(dict.fromkeys(profits.index, 1.0), array, confidence=0.975)

    plot_margin_contributions(margin, most=4, ax=ax)

    assert len(ax.patches) == 5
    assert ax.get_yticklabels()[-1].get_text() == "5 others"
    assert sum(p.get_width() for p in ax.patches) == pytest.approx(margin.loss)
    (note,) = [t.get_text() for t in ax.texts if t.get_gid() == "volkit-note"]
    assert "expected shortfall 97.5 %" in note
    with pytest.raises(ArgumentError, match="most"):
        plot_margin_contributions(margin, most=0, ax=ax)
