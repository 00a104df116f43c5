import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.impact import _kernels
from volkit.impact.laws import LinearImpact, PoolImpact, SquareRootImpact
from volkit.impact.velocity import liquidity_velocity
from volkit.results import Provenance, SeriesProvenance

LAWS = {
    "linear": LinearImpact(1e-4),
    "square root": SquareRootImpact(constant=1.0, volatility=0.04, volume=10_000.0),
    "pool": PoolImpact(base_reserve=5_000.0, quote_reserve=500_000.0),
}
laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
TEN = pd.Timedelta("10min")
CAP = 0.03


def simulate(law, flow, *, half_life, minutes, price=100.0, start=0.0, steps_per_minute=200):
    """Return displacements after each small step, and the money fetched, by the model of the cascade."""
    code, parameters = law.kernel_form()
    step = 1.0 / steps_per_minute
    keep, x, money, moved = 2.0 ** (-step / half_life), start, 0.0, []
    for _ in range(int(minutes * steps_per_minute)):
        after = x + flow * step
        money += price * (_kernels.filled(code, parameters, after) - _kernels.filled(code, parameters, x))
        moved.append(law.displacement(after))
        x = after * keep
    return np.array(moved), money


@laws
@pytest.mark.parametrize("trade", ["sale", "purchase"])
def test_price_stays_within_the_cap_up_to_the_velocity_and_leaves_it_beyond(law, trade):
    found = liquidity_velocity(law, price=100.0, half_life=TEN, caps=[CAP], trade=trade)
    sign = 1.0 if trade == "sale" else -1.0
    rate = found.per_minute(CAP)

    below, _ = simulate(law, 0.999 * sign * rate, half_life=10.0, minutes=200)
    above, _ = simulate(law, 1.02 * sign * rate, half_life=10.0, minutes=200)

    assert below.max() < CAP and below[-1] == pytest.approx(CAP, rel=0.01)
    assert above.max() > CAP


@laws
@given(excess=st.floats(1.3, 20.0))
def test_time_to_the_cap_is_that_of_the_simulated_state(law, excess):
    found = liquidity_velocity(law, price=100.0, half_life=TEN, caps=[CAP])
    flow = excess * found.per_minute(CAP)

    moved, _ = simulate(law, flow, half_life=10.0, minutes=22, steps_per_minute=50)

    first = (np.argmax(moved >= CAP) + 1) / 50
    assert found.time_to_cap(flow, cap=CAP) / pd.Timedelta("1min") == pytest.approx(first, abs=0.05)
    assert found.time_to_cap(found.per_minute(CAP) * 0.99, cap=CAP) is None


@laws
@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_rate_of_a_window_ends_at_the_cap(law, minutes):
    found = liquidity_velocity(law, price=100.0, half_life=TEN, caps=[CAP])
    rate = found.per_minute(CAP, window=pd.Timedelta(minutes=minutes))

    moved, _ = simulate(law, rate, half_life=10.0, minutes=minutes, steps_per_minute=2_000)

    assert moved[-1] == pytest.approx(CAP, rel=2e-3) and moved.max() <= CAP * (1 + 2e-3)


@laws
@pytest.mark.parametrize(("trade", "sign"), [("sale", 1.0), ("purchase", -1.0)])
def test_window_takes_the_depth_and_what_comes_back(law, trade, sign):
    found = liquidity_velocity(law, price=100.0, half_life=TEN, caps=[CAP], trade=trade)
    depth = found.at(CAP)

    rate, start = sign * found.per_minute(CAP), sign * depth.coins
    held, money = simulate(law, rate, half_life=10.0, minutes=30, start=start)
    money *= sign
    absorbed = found.absorbed(CAP, window=pd.Timedelta("30min"))

    # All at once, then at the rate at which it comes back: the price rests at the cap.
    np.testing.assert_allclose(held, CAP, rtol=2e-3)
    assert absorbed.coins == pytest.approx(depth.coins + 30 * found.per_minute(CAP))
    assert absorbed.money == pytest.approx(depth.money + money, rel=1e-4)
    assert absorbed.average_price == pytest.approx(absorbed.money / absorbed.coins)
    assert money / 30 == pytest.approx(found.table["money_per_minute"].iloc[0], rel=1e-4)


@given(flows=st.lists(st.floats(0.0, 5.0), min_size=60, max_size=60))
def test_no_schedule_within_the_cap_trades_more(flows):
    found = liquidity_velocity(LAWS["linear"], price=100.0, half_life=TEN, caps=[CAP])
    depth, keep, x, total = found.at(CAP).coins, 0.5**0.1, 0.0, 0.0

    for share in flows:
        traded = min(share * depth, depth - x)
        total, x = total + traded, (x + traded) * keep

    assert total <= found.absorbed(CAP, window=pd.Timedelta("60min")).coins


def test_batch_of_a_step_can_be_repeated_for_ever():
    found = liquidity_velocity(LAWS["square root"], price=100.0, half_life=TEN, caps=[CAP])
    batch, x = found.per_step(CAP, step=pd.Timedelta("5min")), 0.0

    for _ in range(200):
        x = x * 0.5**0.5 + batch

    assert LAWS["square root"].displacement(x) == pytest.approx(CAP, rel=1e-9)


def test_velocity_scales_with_depth_and_speed():
    base = liquidity_velocity(LinearImpact(1e-4), price=100.0, half_life=TEN)
    slow = liquidity_velocity(LinearImpact(1e-4), price=100.0, half_life=2 * TEN)
    thin = liquidity_velocity(LinearImpact(4e-4), price=100.0, half_life=TEN)

    np.testing.assert_allclose(base.table["coins_per_minute"], 2 * slow.table["coins_per_minute"])
    np.testing.assert_allclose(base.table["coins_per_minute"], 4 * thin.table["coins_per_minute"])
    assert base.table["money_per_minute"].is_monotonic_increasing
    flow = base.table["money_per_minute"].iloc[2]
    assert base.to_forced_flow(flow).iloc[2] == pytest.approx(1.0)
    assert base.refill == pytest.approx(np.log(2) / 10)


def test_cap_is_on_the_middle_and_money_is_after_the_fee():
    pool, free = (PoolImpact(base_reserve=5_000.0, quote_reserve=500_000.0, fee=fee) for fee in (0.003, 0.0))
    caps = [0.001, 0.02]
    found, without = (liquidity_velocity(law, price=100.0, half_life=TEN, caps=caps).table for law in (pool, free))

    # What comes in is kept to 0.997, and moves the pool by that much less.
    np.testing.assert_allclose(found["coins_per_minute"], without["coins_per_minute"] / 0.997)
    np.testing.assert_allclose(found["money_per_minute"], without["money_per_minute"])
    bought = liquidity_velocity(pool, price=100.0, half_life=TEN, caps=caps, trade="purchase").table
    price = bought["money_per_minute"] / bought["coins_per_minute"]
    np.testing.assert_allclose(price, 100.0 * np.exp(caps) / 0.997)


def test_result_says_what_it_is():
    drawn = SeriesProvenance(name="x", source="drawn", sha256="", unit="USD", close_rule="", simulated=True)
    found = liquidity_velocity(LAWS["linear"], price=100.0, half_life=TEN, provenance=Provenance((drawn,)))

    assert "SIMULATED sales of" in repr(found) and "half-life 10 min" in repr(found)
    assert "velocity (money per minute)" in found.summary() and found.to_frame().equals(found.table)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"price": 0.0}, ArgumentError, "price must be"),
        ({"half_life": pd.Timedelta(0)}, ArgumentError, "half_life must be a positive Timedelta"),
        ({"half_life": 10}, ArgumentError, "half_life must be a positive Timedelta"),
        ({"caps": []}, DataError, "caps must have"),
        ({"caps": [-0.1]}, ArgumentError, "caps must be"),
        ({"trade": "both"}, ArgumentError, "trade must be one of"),
        ({"law": LinearImpact(0.0)}, ArgumentError, "law must move the price"),
    ],
)
def test_bad_velocities_are_named(change, error, words):
    terms = {"law": LAWS["linear"], "price": 100.0, "half_life": TEN} | change
    with pytest.raises(error, match=words):
        liquidity_velocity(terms.pop("law"), **terms)
    good = liquidity_velocity(LAWS["linear"], price=100.0, half_life=TEN)
    for call in (lambda: good.time_to_cap(0.0, cap=0.1), lambda: good.to_forced_flow(-1.0)):
        with pytest.raises(ArgumentError, match="must be a positive number"):
            call()
