import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.volatility import Ewma, decay_of, half_life_of


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
