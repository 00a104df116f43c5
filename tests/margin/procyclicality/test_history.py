import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin import tail_risk
from volkit.margin.measures.stressed import worst_windows
from volkit.margin.procyclicality import matching_confidence, mixed_tail
from volkit.margin.procyclicality.history import (
    ewma_volatility,
    long_run_volatility,
    trailing_tails,
)

HELD = np.random.default_rng(3).standard_t(4, 400) * 0.03


def test_trailing_tail_is_that_of_the_last_scenarios_known():
    known = np.array([120, 250, 400])

    tails = trailing_tails(HELD, known, width=200, confidence=0.95)

    for row, (begin, end) in enumerate([(0, 120), (50, 250), (200, 400)]):
        for first, side in ((0, "long"), (2, "short")):
            risk = tail_risk(HELD[begin:end], confidence=0.95, side=side)
            expected = [risk.value_at_risk, risk.expected_shortfall]
            assert tails[row, first : first + 2] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_worst_window_is_found_by_looking_at_each(column):
    known = np.arange(60, 401)
    side, measure = ("long", "short")[column // 2], ("value_at_risk", "expected_shortfall")[column % 2]

    worst = worst_windows(HELD, known, width=60, confidence=0.95, column=column)

    ranked = [getattr(tail_risk(HELD[i : i + 60], confidence=0.95, side=side), measure) for i in range(341)]
    assert worst.tails[:, column % 2] == pytest.approx(np.maximum.accumulate(ranked), rel=1e-12)
    assert np.array(ranked)[worst.starts] == pytest.approx(np.maximum.accumulate(ranked), rel=1e-12)
    assert (worst.starts + 60 <= known).all()


def test_long_histories_are_cut_without_a_seam(monkeypatch):
    known = np.arange(60, 401)
    whole = worst_windows(HELD, known, width=60, confidence=0.95, column=0)

    monkeypatch.setattr("volkit.margin.measures.stressed._CHUNK", 37)
    cut = worst_windows(HELD, known, width=60, confidence=0.95, column=0)

    assert cut.starts.tolist() == whole.starts.tolist()
    assert cut.tails.tolist() == whole.tails.tolist()


def test_window_that_the_first_rate_does_not_know_is_refused():
    with pytest.raises(DataError, match=r"must hold a whole stressed window at the first rate; got 100 of 250"):
        worst_windows(HELD, np.array([100, 400]), width=250, confidence=0.95, column=0)
    with pytest.raises(ArgumentError, match=r"\(100 scenarios for 0.99\); got 60 scenarios"):
        worst_windows(HELD, np.array([100, 400]), width=60, confidence=0.99, column=0)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.975])
def test_tail_without_weight_is_the_empirical_one(confidence):
    mixed = mixed_tail(-HELD, np.ones(50), confidence=confidence, weight=0.0)

    risk = tail_risk(HELD, confidence=confidence, side="long")
    assert mixed.value_at_risk == pytest.approx(risk.value_at_risk, rel=1e-12)
    assert mixed.expected_shortfall == pytest.approx(risk.expected_shortfall, rel=1e-12)


def test_weighted_tail_has_the_stated_weight_beyond_it():
    rng = np.random.default_rng(5)
    calm, stressed = 0.02 * rng.standard_normal(20_000), 0.08 * rng.standard_normal(20_000)

    at_risk = mixed_tail(calm, stressed, confidence=0.99, weight=0.25).value_at_risk

    # Effective sample 64,000 / 1.25: the order statistics leave a rounding of 1 / 32,000 in the probability.
    beyond = 0.75 * np.mean(calm > at_risk) + 0.25 * np.mean(stressed > at_risk)
    assert beyond == pytest.approx(0.01, abs=6e-5)
    assert at_risk > np.quantile(calm, 0.99)


@given(shift=st.floats(0.0, 0.2), weight=st.floats(0.05, 0.6))
@settings(max_examples=30)
def test_more_stress_never_lowers_the_weighted_tail(shift, weight):
    lost = np.sort(HELD[:200])

    lower = mixed_tail(lost, HELD[200:], confidence=0.95, weight=weight).value_at_risk
    higher = mixed_tail(lost, HELD[200:] + shift, confidence=0.95, weight=weight).value_at_risk

    assert higher >= lower - 1e-15


def test_few_heavy_scenarios_are_refused():
    with pytest.raises(ArgumentError, match="must leave at least one scenario in the tail"):
        mixed_tail(HELD, [0.3, 0.4], confidence=0.99, weight=0.9)


@given(st.floats(0.02, 0.98))
def test_matching_confidence_is_the_inverse_of_the_quantile(position):
    target = float(np.quantile(HELD, position))

    matched = matching_confidence(HELD, target=target)

    assert np.quantile(HELD, matched, method="weibull") == pytest.approx(target, rel=1e-9, abs=1e-12)


def test_target_beyond_the_stressed_losses_is_refused():
    with pytest.raises(DataError, match=r"a target of 2 beside losses from -0\.\d+ to 0\.\d+; pass a longer stressed"):
        matching_confidence(HELD, target=2.0)


def test_ewma_volatility_is_the_recursion_after_each_return():
    times = pd.date_range("2024-01-01", periods=len(HELD), tz="UTC", name="time")
    decay = 0.5 ** (1 / 20)

    volatility = ewma_volatility(pd.Series(HELD, index=times), half_life=20, start=30)

    variance = np.mean(HELD[:30] ** 2)
    for i, value in enumerate(HELD):
        variance = decay * variance + (1 - decay) * value**2
        assert volatility[i] == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_long_run_volatility_is_the_root_mean_square():
    volatility = long_run_volatility(HELD, lookback=100)

    for i in (0, 57, 99, 100, 399):
        assert volatility[i] == pytest.approx(np.sqrt(np.mean(HELD[max(0, i - 99) : i + 1] ** 2)), rel=1e-10)
