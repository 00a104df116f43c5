import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.volatility import Ewma, decay_of, half_life_of
from volkit.volatility.ewma import EwmaState


def series(values, name="BTC"):
    return pd.Series(values, index=pd.date_range("2020-01-01", periods=len(values), tz="UTC"), name=name)


@pytest.fixture(scope="module")
def returns():
    return series(np.random.default_rng(5).normal(0, 0.03, 300))


def test_variances_follow_the_recursion_of_riskmetrics(returns):
    decay, r = decay_of(11.2), returns.to_numpy()
    expected = [np.mean(r[:50] ** 2)]
    for value in r:
        expected.append(decay * expected[-1] + (1 - decay) * value**2)

    fit = Ewma(half_life=11.2).fit(returns, periods_per_year=365)

    # 300 steps of rounding, each of relative 1e-16.
    assert fit.variance.to_numpy() == pytest.approx(np.array(expected[:-1]), rel=1e-12)
    assert fit.next_variance == pytest.approx(expected[-1], rel=1e-12)
    assert fit.standardized.to_numpy() == pytest.approx(r / np.sqrt(expected[:-1]), rel=1e-12)


def test_recursion_of_the_result_continues_the_variances(returns):
    fit = Ewma().fit(returns, periods_per_year=365)

    again = fit.recursion.next_variance(returns.iloc[-1], fit.variance.iloc[-1])

    assert again == pytest.approx(fit.next_variance, rel=1e-12)


@given(st.floats(0.1, 1e4))
def test_decay_and_half_life_are_inverse(half_life):
    # A decay near one keeps 16 digits of itself, so 12 of its distance to one at ten thousand periods.
    assert half_life_of(decay_of(half_life)) == pytest.approx(half_life, rel=1e-10)


def test_weight_halves_after_the_half_life():
    assert decay_of(33.0) ** 33 == pytest.approx(0.5, rel=1e-12)


@given(power=st.integers(-6, 1))
def test_variance_scales_with_the_square_of_the_returns(power):
    r = series(np.random.default_rng(5).normal(0, 0.03, 120))

    plain, scaled = (Ewma().fit(r * c, periods_per_year=365) for c in (1.0, 2.0**power))

    assert scaled.variance.to_numpy() == pytest.approx(plain.variance.to_numpy() * 4.0**power, rel=1e-12)
    assert scaled.standardized.to_numpy() == pytest.approx(plain.standardized.to_numpy(), rel=1e-12)


def test_later_returns_do_not_change_earlier_variances(returns):
    other = returns.copy()
    other.iloc[200:] *= 3.0

    before, after = (Ewma().fit(r, periods_per_year=365).variance for r in (returns, other))

    assert before.iloc[:201].tolist() == after.iloc[:201].tolist()
    assert before.iloc[201] != after.iloc[201]


def test_ewma_finds_a_constant_variance():
    r = series(np.random.default_rng(11).normal(0, 0.02, 20_000))

    variance = Ewma(half_life=200).fit(r, periods_per_year=365).next_variance

    # Effective sample (1 + d) / (1 - d), about 577 squares: standard error sqrt(2 / 577) of the variance.
    assert variance == pytest.approx(0.02**2, rel=4 * np.sqrt(2 / 577))


def test_zeros_at_the_start_are_refused(returns):
    dead = returns.copy()
    dead.iloc[:50] = 0.0

    with pytest.raises(
        DataError, match=r"must move in the periods that start the recursion; got 50 zeros to 2020-02-19"
    ):
        Ewma().fit(dead, periods_per_year=365)


def test_half_life_must_be_positive():
    with pytest.raises(ArgumentError, match="half_life must be a positive number"):
        Ewma(half_life=0.0)


@pytest.mark.parametrize("decay", [0.0, 1.0, 94.0])
def test_decay_must_be_a_fraction(decay):
    with pytest.raises(ArgumentError, match="decay must lie between 0 and 1"):
        half_life_of(decay)


def test_history_must_be_longer_than_the_start(returns):
    with pytest.raises(DataError, match=r"at least 51 observations; got 40; pass a longer history"):
        Ewma().fit(returns.iloc[:40], periods_per_year=365)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), half_life=st.floats(1.0, 500.0), split=st.integers(50, 119))
def test_streaming_gives_the_numbers_of_the_batch(seed, half_life, split):
    r = series(np.random.default_rng(seed).normal(0, 0.03, 120))
    model = Ewma(half_life=half_life)

    state = model.start(r.iloc[:split])
    streamed = []
    for value in r.iloc[split:]:
        streamed.append(state.variance)
        state = state.update(value)

    batch = model.fit(r, periods_per_year=365)
    # The same products and one sum; a processor that fuses them may differ in the last digit of each of 70 steps.
    assert streamed == pytest.approx(batch.variance.iloc[split:].tolist(), rel=1e-13)
    assert state.variance == pytest.approx(batch.next_variance, rel=1e-13)
    assert state.n_obs == 120


def test_update_leaves_the_state_as_it_was(returns):
    state = Ewma().start(returns.iloc[:60])

    first, second = state.update(0.05), state.update(0.05)

    assert first == second
    assert state.n_obs == 60
    with pytest.raises(AttributeError):
        state.variance = 1.0


def test_state_halves_after_the_half_life_without_a_move():
    state = EwmaState(half_life=5.0, variance=0.0004, n_obs=100)

    for _ in range(5):
        state = state.update(0.0)

    assert state.variance == pytest.approx(0.0002, rel=1e-12)


def test_state_keeps_the_time_it_is_given(returns):
    state = Ewma().start(returns.iloc[:60])

    later = state.update(0.01, time=returns.index[60].tz_convert("Asia/Tokyo"))

    assert (state.as_of, later.as_of) == (returns.index[59], returns.index[60])
    assert str(later.as_of.tz) == "UTC"
    assert later.update(0.01).as_of is None


def test_return_that_is_missing_is_refused(returns):
    with pytest.raises(DataError, match=r"value must be a finite decimal return; got nan; leave the period out"):
        Ewma().start(returns).update(float("nan"))


def test_time_that_does_not_move_on_is_refused(returns):
    state = Ewma().start(returns)

    with pytest.raises(DataError, match="time must come after"):
        state.update(0.01, time=returns.index[-1])
    with pytest.raises(DataError, match="time must be in UTC; got the naive time"):
        state.update(0.01, time=pd.Timestamp("2030-01-01"))


def test_start_needs_the_first_returns_and_a_move(returns):
    with pytest.raises(DataError, match="at least 50 observations; got 49"):
        Ewma().start(returns.iloc[:49])
    dead = returns.copy()
    dead.iloc[:50] = 0.0
    with pytest.raises(DataError, match="must move in the periods that start the recursion"):
        Ewma().start(dead)


def test_state_without_variance_is_refused():
    with pytest.raises(ArgumentError, match="variance must be a positive number"):
        EwmaState(half_life=11.2, variance=0.0, n_obs=1)
