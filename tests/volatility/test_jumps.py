import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError, DataLossError
from volkit.volatility.measured.jumps import jump_test
from volkit.volatility.measured.multipower import (
    bipower_variation,
    median_quarticity,
    median_variance,
    sum_of_squares,
    tripower_quarticity,
)

BOTH = pytest.mark.parametrize("measure", ["bipower", "median"])


def intraday(seed, days, *, per_day=288, sigma=0.03):
    times = pd.date_range("2020-01-01", periods=days * per_day, freq=pd.Timedelta(days=1) / per_day, tz="UTC")
    values = np.random.default_rng(seed).normal(0, sigma / np.sqrt(per_day), days * per_day)
    return pd.Series(values, index=times, name="BTC")


def with_jumps(returns, days, size, per_day=288):
    jumped = returns.copy()
    jumped.iloc[np.asarray(days) * per_day + per_day // 2] += size
    return jumped


def test_statistic_is_the_papers_formula():
    returns = with_jumps(intraday(1, 3), [1], 0.006)
    day = returns.iloc[288:576].to_numpy()

    bipower = jump_test(returns, returns_per_period=288).table.iloc[1]
    median = jump_test(returns, returns_per_period=288, measure="median").table.iloc[1]

    rv, bv, tq = sum_of_squares(day), bipower_variation(day), tripower_quarticity(day)
    z = (1 - bv / rv) / np.sqrt((np.pi**2 / 4 + np.pi - 5) / 288 * max(1, tq / bv**2))
    assert bipower["statistic"] == pytest.approx(z, rel=1e-12)
    assert bipower["p_value"] == pytest.approx(stats.norm.sf(z), rel=1e-9, abs=0)
    assert 1e-6 < bipower["p_value"] < 0.5
    assert bipower["jump_share"] == pytest.approx(1 - bv / rv, rel=1e-12)
    mv, mq = median_variance(day), median_quarticity(day)
    assert median["statistic"] == pytest.approx((1 - mv / rv) / np.sqrt(0.96 / 288 * max(1, mq / mv**2)), rel=1e-12)


@BOTH
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_quiet_days_are_rejected_as_often_as_promised(measure, confidence):
    days = 3_000

    found = jump_test(intraday(2, days), returns_per_period=288, measure=measure, confidence=confidence)

    # The law for long samples is off by up to a fifth at 288 returns; the rest is four binomial standard errors.
    expected = days * (1 - confidence)
    assert found.n_jumps == pytest.approx(expected, abs=0.2 * expected + 4 * np.sqrt(expected))
    assert found.table["statistic"].std() == pytest.approx(1.0, abs=0.05 + 4 / np.sqrt(2 * days))


@BOTH
def test_large_jumps_are_found_and_measured(measure):
    days, jumped = 200, np.arange(0, 200, 10)
    returns = with_jumps(intraday(3, days), jumped, 0.03)

    found = jump_test(returns, returns_per_period=288, measure=measure)

    # A jump as large as the day's volatility doubles the realised variance; 18 of 20 with sqrt(2 n) = 24 to 1.
    assert found.is_jump.iloc[jumped].sum() >= 18
    assert found.is_jump.sum() - found.is_jump.iloc[jumped].sum() <= 3
    # Twenty jumps of 0.03^2 among 220 such units, each known to about sqrt(2.6 / 288) of a day's variance.
    assert found.jump_share == pytest.approx(20 / 220, abs=0.03)


@BOTH
@given(power=st.integers(-8, 2))
def test_statistic_does_not_know_the_unit(measure, power):
    returns = with_jumps(intraday(4, 3, per_day=48), [1], 0.02, 48)

    plain, scaled = (
        jump_test(r, returns_per_period=48, measure=measure).table for r in (returns, returns * 2.0**power)
    )

    assert scaled["statistic"].to_numpy() == pytest.approx(plain["statistic"].to_numpy(), rel=1e-10)


@BOTH
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_later_days_change_nothing_before(measure, seed):
    returns = intraday(seed, 4, per_day=48)
    other = returns.copy()
    other.iloc[96:] *= 3.0

    before, after = (jump_test(r, returns_per_period=48, measure=measure).table.iloc[:2] for r in (returns, other))

    pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_jump_share_is_never_negative():
    assert (jump_test(intraday(5, 50), returns_per_period=288).table["jump_share"] >= 0).all()


def test_days_without_a_move_or_with_holes_are_not_tested():
    returns = intraday(6, 5)
    returns.iloc[288:576] = 0.0
    returns.iloc[600] = np.nan

    found = jump_test(returns, returns_per_period=288)

    assert found.table["p_value"].isna().tolist() == [False, True, True, False, False]
    assert found.is_jump.dtype == bool
    assert found.n_obs == 3
    assert np.isfinite(found.jump_share)


def test_summary_sets_the_jumps_beside_those_of_chance():
    found = jump_test(with_jumps(intraday(7, 100), [5], 0.05), returns_per_period=288)

    summary = found.summary()

    assert summary.loc["periods with a jump (count)", "value"] >= 1
    assert summary.loc["periods with a jump (count)", "target"] == pytest.approx(0.1)
    assert "with a jump at 0.999" in repr(found)
    with pytest.raises(ValueError, match="read-only"):
        found.table.iloc[0, 0] = 1.0


def test_unknown_measure_is_answered_with_the_known_ones():
    with pytest.raises(ArgumentError, match="measure must be one of bipower, median; got 'minimum'"):
        jump_test(intraday(1, 2), returns_per_period=288, measure="minimum")


def test_tail_probability_for_confidence_is_recognised():
    with pytest.raises(ArgumentError, match=r"confidence=0\.999"):
        jump_test(intraday(1, 2), returns_per_period=288, confidence=0.001)


def test_history_without_a_full_day_is_refused():
    with pytest.raises(DataLossError, match="may lack at most 0 of a period"):
        jump_test(intraday(1, 1).iloc[:200], returns_per_period=288)


def test_naive_times_are_refused():
    with pytest.raises(DataError, match="must have times in UTC"):
        jump_test(intraday(1, 2).tz_localize(None), returns_per_period=288)
