"""Tail measures by method: against slow twins, closed forms and known laws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from volkit.errors import ArgumentError, SmallSampleWarning
from volkit.margin import MarginPolicy, tail_risk
from volkit.margin.measures import tails_through_time
from volkit.margin.measures.sampled import (
    cornish_fisher_tails,
    historical_tails,
    tails_of_samples,
    weighted_tails,
)
from volkit.volatility import Garch

# Whole hundredths, so that ties are common.
SAMPLES = st.lists(st.integers(-50, 50), min_size=100, max_size=180).map(lambda v: np.array(v) / 100.0)


def slow_tails(returns, confidence):
    """Sorted losses, type 6 quantile by its definition, mean of all losses from there on."""
    row = []
    for sign in (-1.0, 1.0):
        lost = np.sort(sign * returns)
        at = (len(lost) + 1) * confidence
        k = min(int(at), len(lost))
        quantile = lost[k - 1] + (at - k) * (lost[min(k, len(lost) - 1)] - lost[k - 1])
        row += [quantile, np.mean([v for v in lost if v >= quantile - 1e-15])]
    return row


def market(n=900, seed=3):
    rng = np.random.default_rng(seed)
    variance, values = 4e-4, []
    for z in rng.standard_t(5, n) * np.sqrt(0.6):
        values.append(np.sqrt(variance) * z)
        variance = 8e-6 + 0.08 * values[-1] ** 2 + 0.90 * variance
    return pd.Series(values, index=pd.date_range("2020-01-01", periods=n, tz="UTC", name="time"), name="BTC")


@settings(max_examples=200, deadline=None)
@given(returns=SAMPLES, confidence=st.sampled_from([0.9, 0.95, 0.975, 0.99]))
def test_compiled_tails_are_those_of_the_definition(returns, confidence):
    assert tails_of_samples(returns[None, :], confidence=confidence)[0].tolist() == pytest.approx(
        slow_tails(returns, confidence), abs=1e-14
    )


def test_tails_move_and_scale_and_stop_at_the_least_return():
    pool = np.random.default_rng(1).standard_t(3, (3, 400))
    means, scales = np.array([0.001, -0.002, 0.0]), np.array([0.02, 0.05, 0.9])

    found = tails_of_samples(pool, confidence=0.99, means=means, scales=scales, least=-1.0)

    for i in range(3):
        assert found[i].tolist() == pytest.approx(slow_tails(np.maximum(means[i] + scales[i] * pool[i], -1.0), 0.99))
    assert found[2, 1] <= 1.0


@settings(max_examples=60, deadline=None)
@given(returns=SAMPLES, scale=st.floats(0.1, 3.0))
def test_every_measure_scales_with_the_returns_and_shortfall_is_beyond_the_quantile(returns, scale):
    if np.ptp(returns) == 0.0:
        return
    for measure in (
        lambda w: historical_tails([w], confidence=0.95),
        lambda w: weighted_tails([w], confidence=0.95, half_life=80.0),
        lambda w: cornish_fisher_tails([w], confidence=0.95),
    ):
        one, other = measure(returns)[0], measure(scale * returns)[0]
        assert other.tolist() == pytest.approx((scale * one).tolist(), abs=1e-12)
        assert one[1] >= one[0] - 1e-12 and one[3] >= one[2] - 1e-12


def test_weights_that_hardly_fall_give_the_plain_quantile_of_inverted_probabilities():
    returns = np.random.default_rng(2).standard_normal(500)

    found = weighted_tails([returns], confidence=0.95, half_life=1e12)[0]

    # Equal weights of 1/500: the 26th largest loss is the first whose weights add up to more than 5 %.
    lost = np.sort(-returns)[::-1]
    assert found[:2].tolist() == pytest.approx([lost[25], lost[:25].mean()])


def test_weighted_tail_follows_a_slow_loop():
    returns = np.random.default_rng(4).standard_t(4, 400) / 50

    found = weighted_tails([returns], confidence=0.97, half_life=90.0)[0]

    weights = 0.5 ** ((399 - np.arange(400)) / 90.0)
    weights /= weights.sum()
    for side, sign in enumerate((-1.0, 1.0)):
        left, total, quantile = 0.03, 0.0, None
        for loss, weight in sorted(zip((sign * returns).tolist(), weights.tolist(), strict=True), reverse=True):
            total += min(weight, left) * loss
            quantile, left = loss, left - weight
            if left < 0.0:
                break
        assert found[2 * side : 2 * side + 2].tolist() == pytest.approx([quantile, total / 0.03], rel=1e-10)


def test_recent_losses_weigh_more():
    calm, wild = np.full(300, 0.001), np.tile([0.05, -0.05], 50)
    calm[::2] *= -1.0
    recent, past = np.concatenate([calm, wild]), np.concatenate([wild, calm])

    now, then = (weighted_tails([w], confidence=0.9, half_life=40.0)[0, 0] for w in (recent, past))

    assert now == 0.05 and then == 0.001


def test_cornish_fisher_is_the_expansion_and_its_integral_where_it_rises():
    returns = np.random.default_rng(5).standard_t(12, 3000) / 40 + 0.001
    u = (returns - returns.mean()) / returns.std()
    s, k = (u**3).mean(), (u**4).mean() - 3.0

    def quantile(p, skew):
        z = stats.norm.ppf(p)
        bent = (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
        return z + bent

    found = cornish_fisher_tails([returns], confidence=0.99)[0]

    for side, sign in enumerate((1.0, -1.0)):
        mean = integrate.quad(lambda p, skew=sign * s: quantile(p, skew), 0.0, 0.01)[0] / 0.01
        drift, scale = -sign * returns.mean(), returns.std()
        assert found[2 * side] == pytest.approx(drift - scale * quantile(0.01, sign * s), rel=1e-12)
        assert found[2 * side + 1] == pytest.approx(drift - scale * mean, rel=2e-3)


def test_cornish_fisher_stays_in_order_where_the_expansion_turns_back():
    # One crash in 300 days: the expansion is far outside its range.
    returns = np.append(np.random.default_rng(6).standard_normal(300) / 100, -0.5)

    levels = [cornish_fisher_tails([returns], confidence=c)[0] for c in (0.9, 0.95, 0.975, 0.99, 0.995)]

    assert (np.diff(np.array(levels), axis=0) >= -1e-12).all()


@pytest.mark.parametrize("method", ["filtered_historical", "fitted_law", "conditional_pareto"])
def test_filtered_measures_recover_the_next_tail_of_a_known_process(method):
    returns = market(3000)
    policy = MarginPolicy(expanding=False, method=method, lookback=2000, refit_every=500, model=Garch(mean="zero"))

    found = tails_through_time(returns, policy)

    variance, ahead = 4e-4, []
    for r in returns:
        variance = 8e-6 + 0.08 * r**2 + 0.90 * variance
        ahead.append(variance)
    truth = np.sqrt(ahead[1999:]) * stats.t.ppf(0.99, 5) * np.sqrt(0.6)
    assert np.median(found[:, 0] / truth) == pytest.approx(1.0, abs=0.06)
    assert np.median(found[:, 2] / truth) == pytest.approx(1.0, abs=0.06)


def test_pareto_tail_reaches_beyond_the_scenarios_where_history_refuses():
    returns = market(1200)
    policy = MarginPolicy(
        expanding=False, method="historical", confidence=0.9995, lookback=500, model=Garch(mean="zero")
    )

    with pytest.raises(ArgumentError, match=r"2000 scenarios for 0.9995.*got 500 scenarios.*method conditional_pareto"):
        tails_through_time(returns, policy)
    found = tails_through_time(returns, replace(policy, method="conditional_pareto", lookback=1000))

    assert (found[:, 0] > 0.0).all() and (found[:, 1] > found[:, 0]).all()


def test_few_excesses_are_warned_of_once():
    policy = MarginPolicy(
        expanding=False, method="conditional_pareto", lookback=250, tail_share=0.08, model=Garch(mean="zero")
    )

    with pytest.warns(SmallSampleWarning, match=r"622 of 622 Pareto tails warned, the last: 20 peaks") as caught:
        tails_through_time(market(560), policy)

    assert len(caught) == 1


def test_skewed_law_gives_each_side_its_own_tail():
    returns = market(800)
    policy = MarginPolicy(
        expanding=False, method="fitted_law", lookback=600, refit_every=200, model=Garch(distribution="skewt")
    )

    found = tails_through_time(returns, policy)

    fit = Garch(distribution="skewt").fit(returns.iloc[:600], periods_per_year=365)
    law, scale, mean = fit.distribution, np.sqrt(fit.next_variance), fit.recursion.mu
    expected = [
        -mean - scale * law.quantile(0.01),
        -mean - scale * law.tail_mean(0.01),
        mean + scale * law.quantile(0.99),
        mean + scale * law.upper_tail_mean(0.01),
    ]
    assert found[0].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("method", ["historical", "weighted_historical", "cornish_fisher", "filtered_historical"])
def test_expanding_look_back_keeps_its_first_return(method):
    returns = market(420)
    policy = MarginPolicy(method=method, lookback=300, expanding=True, refit_every=40, confidence=0.95)

    grown, fixed = (tails_through_time(returns, replace(policy, expanding=e)) for e in (True, False))

    assert len(grown) == 121
    np.testing.assert_allclose(grown[0], fixed[0], rtol=1e-12)
    assert (grown[1:] != fixed[1:]).any()
    if method == "historical":
        risk = tail_risk(returns.to_numpy(), confidence=0.95, side="long")
        assert grown[-1, 0] == pytest.approx(risk.value_at_risk)
