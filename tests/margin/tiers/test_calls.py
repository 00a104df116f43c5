import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin.tiers import TierTable, margin_calls, tiered_liquidation_price

RULE = TierTable(floors=(0.0, 5e3), maintenance_rates=(0.05, 0.08), initial_rates=(0.1, 0.2))


def prices_of(values):
    times = pd.date_range("2024-01-01", periods=len(values), freq="1h", tz="UTC")
    return pd.Series(np.asarray(values, dtype=float), index=times, name="BTC")


def random_path(seed=1, n=400):
    return prices_of(100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, n))))


def log_of(prices, **changes):
    return margin_calls(prices, **{"rule": RULE, "side": "long", "size": 10.0, "wallet": 100.0, **changes})


@given(seed=st.integers(0, 100), side=st.sampled_from(["long", "short"]), size=st.floats(1.0, 100.0))
def test_log_agrees_with_a_plain_loop(seed, side, size):
    prices = random_path(seed)
    wallet = 1.5 * RULE.maintenance_margin(100.0 * size * 1.1)

    log = log_of(prices, side=side, size=size, wallet=wallet)

    paid, calls = wallet, []
    for before, price in zip(prices, prices.iloc[1:], strict=False):
        paid += (1 if side == "long" else -1) * size * (price - before)
        N = size * price
        maintenance = 0.05 * N if N <= 5e3 else 0.08 * N - 150.0
        if paid < maintenance:
            calls.append((0.1 if N <= 5e3 else 0.2) * N - paid)
            paid += calls[-1]
    assert log.calls["call"].tolist() == pytest.approx(calls)
    assert log.final_equity == pytest.approx(paid)
    assert log.total == pytest.approx(sum(calls)) and log.n_calls == len(calls)


@pytest.mark.parametrize("side", ["long", "short"])
def test_first_call_comes_beyond_the_liquidation_price_and_not_before(side):
    P = tiered_liquidation_price(RULE, side=side, entry_price=100.0, size=10.0, wallet=100.0)
    beyond = 1e-9 * (-1 if side == "long" else 1)

    assert log_of(prices_of([100.0, P * (1 - beyond)]), side=side).n_calls == 0
    assert log_of(prices_of([100.0, P * (1 + beyond)]), side=side).n_calls == 1


def test_log_to_a_time_does_not_change_with_later_prices():
    prices = random_path()

    whole, early = log_of(prices), log_of(prices.iloc[:200])

    pd.testing.assert_frame_equal(whole.calls[whole.calls.index <= prices.index[199]], early.calls)
    assert early.n_calls > 0


def test_missing_prices_are_not_looked_at():
    log = log_of(prices_of([100.0, np.nan, 99.0, np.nan]))

    assert (log.n_obs, log.n_missing, log.n_calls) == (2, 2, 0)
    assert log.largest == 0.0 and log.summary().loc["calls (count)", "value"] == 0.0


def test_negative_equity_is_marked():
    log = log_of(prices_of([100.0, 80.0]))

    assert log.calls["is_insolvent"].tolist() == [True]
    assert log.calls["call"].iloc[0] == pytest.approx(0.1 * 800 + 100)


def test_trigger_above_the_initial_margin_restores_the_trigger():
    log = log_of(prices_of([100.0, 93.0, 93.0]), trigger=3.0, wallet=200.0)

    assert log.calls["call"].tolist() == pytest.approx([3 * 46.5 - 130.0])


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"side": "flat"}, "side"),
        ({"size": 0.0}, "size"),
        ({"wallet": 50.0}, "wallet"),
        ({"trigger": 0.5}, "trigger"),
    ],
)
def test_accounts_out_of_range_are_refused(changes, argument):
    with pytest.raises(ArgumentError) as caught:
        log_of(prices_of([100.0, 99.0]), **changes)

    assert caught.value.argument == argument


@pytest.mark.parametrize("values", [[100.0], [np.nan, 100.0, 99.0], [100.0, -1.0], [100.0, np.inf]])
def test_paths_that_are_no_prices_are_refused(values):
    with pytest.raises(DataError, match="prices"):
        log_of(prices_of(values))


def test_naive_times_are_refused():
    with pytest.raises(DataError, match="UTC"):
        log_of(pd.Series([100.0, 99.0], index=pd.date_range("2024-01-01", periods=2)))
