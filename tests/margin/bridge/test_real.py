import numpy as np
import pandas as pd
import pytest

import volkit
from volkit.margin.bridge import (
    CONDITIONAL_METHODS,
    bridge_proof,
    conditional_tails,
    level_variable,
    macro_day_margins,
    macro_state,
    move_variable,
    regime_variable,
    stress_replay,
)

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def source(real_data):
    return volkit.open_source(f"files:{real_data}")


@pytest.fixture(scope="module")
def market(source):
    bars = {name: source.load_bars(name) for name in ("BTC", "SPX", "VIX", "DXY", "US10Y")}
    returns = volkit.simple_returns(bars["BTC"].frame["close"]).rename("BTC")
    end = pd.Timestamp("2024-01-01", tz="UTC")
    return bars, returns[returns.index < end]


@pytest.mark.slow
def test_macro_state_does_not_help_bitcoin_margins_to_2023(source, market):
    bars, returns = market
    panel = volkit.load_prices(source, ["SPX", "BTC"])
    moves = volkit.complete_rows(volkit.changes(panel)[["BTC", "SPX"]], max_loss=0.9).frame
    high = regime_variable(moves, known=panel.close_time.max(axis=1).loc[moves.index], periods_per_year=252)
    variables = [level_variable(bars["VIX"]), move_variable(bars["DXY"]), move_variable(bars["US10Y"])]
    at = bars["BTC"].frame["close_time"].loc[returns.index]

    for chosen, least in ((variables, 1_800), ([*variables, high], 1_000)):
        state = macro_state(chosen, at=at)
        proof = bridge_proof({m: conditional_tails(returns, state.frame, method=m) for m in CONDITIONAL_METHODS})

        assert state.age_hours.max().max() < 24 * 5
        assert proof.n_obs >= least
        assert not proof.helps and proof.sentence.startswith("does not help: ")


def test_stress_windows_of_bitcoin(market):
    _, returns = market
    schedule = volkit.margin_schedule(returns, policy=volkit.MarginPolicy(lookback=365), periods_per_year=365)

    replay = stress_replay(schedule, volkit.load_events(), returns=returns)

    assert replay.table.index.get_level_values("window").nunique() == 7
    covid = replay.table.loc[("Covid liquidity crisis", "long")]
    # Close of 2020-03-12: 4,800.00, down 39.50 %.
    assert covid["worst_loss"] == pytest.approx(0.395, abs=5e-5)
    assert covid["first_call"] == pd.Timestamp("2020-03-12", tz="UTC") and covid["lowest_equity"] < 0.0
    assert covid["worst_excess"] == pytest.approx(covid["worst_loss"] - covid["margin_at_worst"])
    assert replay.table.xs("short", level="side")["exceptions"].sum() == 0


def test_stressed_macro_day_of_bitcoin(source):
    names = ["SPX", "VIX", "DXY", "US10Y"]
    units = dict.fromkeys(names, "log return") | {"US10Y": "basis points"}
    panel = volkit.load_prices(source, ["SPX", "BTC", *names[1:]])
    moves = volkit.complete_rows(volkit.changes(panel)[["BTC", *names]], max_loss=0.9).frame
    worst = volkit.worst_factor_move(moves[names], factor="SPX", n_days=5)

    day = macro_day_margins(moves, asset="BTC", factor_move=worst, units=units, driver="SPX", periods_per_year=252)

    table = day.table["value_at_risk_long"]
    assert np.isfinite(day.table.to_numpy()).all()
    assert table["betas"] > table["ordinary day"] and table["tail dependence"] > table["ordinary day"]
