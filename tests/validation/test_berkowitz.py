import numpy as np
import pytest
from scipy import optimize, stats

from volkit.errors import ArgumentError, DataError
from volkit.validation.berkowitz import berkowitz_tail_test

# vartests 0.4.1, berkowitz_tail_test on the series of the oracle: mean, standard deviation, statistic in return space.
VARTESTS = {
    ("garchN", 0.05): (2.949245844615408, 2.6217603595362364, 94.84659350142005),
    ("garchN", 0.01): (7.6177864142876714, 4.456004587440113, 101.55739697301311),
    ("const", 0.05): (2.7653534957688866, 2.5351268975977788, 87.16907018280085),
    ("const", 0.01): (7.665939524681125, 4.48267747592031, 97.19684104873869),
}


@pytest.mark.parametrize("case", VARTESTS)
def test_oracle_series_matches_vartests(oracle, case):
    model, alpha = case
    mean, deviation, statistic = VARTESTS[case]

    test = berkowitz_tail_test(oracle.pit({"model": model}), confidence=1 - alpha)

    # In return space the mean has the other sign; the search of vartests stops at 1e-8 of it.
    assert (-test.mean, test.standard_deviation) == pytest.approx((mean, deviation), rel=1e-6)
    assert test.statistic == pytest.approx(statistic, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_maximum_matches_a_slow_search(n):
    rng = np.random.default_rng(n)
    tail = 0.05 * rng.random(n)
    z, c, below = stats.norm.isf(tail), stats.norm.ppf(0.95), 20 * n

    def negative(x):
        a = (c - x[0]) / np.exp(x[1])
        return -stats.norm.logpdf(z, x[0], np.exp(x[1])).sum() - below * stats.norm.logcdf(a)

    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 50_000, "maxfev": 50_000}
    best = optimize.minimize(negative, [0.0, 0.0], method="Nelder-Mead", options=options)

    test = berkowitz_tail_test(np.concatenate([tail, np.full(below, 0.5)]), confidence=0.95)

    assert test.statistic == pytest.approx(2 * (negative([0.0, 0.0]) - best.fun), rel=1e-7, abs=1e-9)


def test_what_lies_within_the_margin_counts_by_number_only():
    tail = [0.001, 0.01, 0.03]

    one = berkowitz_tail_test([*tail, *[0.5] * 57], confidence=0.95)
    other = berkowitz_tail_test([*np.linspace(0.06, 1.0, 57), *tail, np.nan], confidence=0.95)

    assert one.statistic == pytest.approx(other.statistic, rel=1e-12)
    assert (other.n_obs, other.n_exceptions, other.n_missing) == (60, 3, 1)


def test_scale_of_wide_losses_is_recovered():
    losses = 1.5 * np.random.default_rng(6).standard_normal(100_000)

    test = berkowitz_tail_test(stats.norm.sf(losses), confidence=0.95)

    assert test.standard_deviation == pytest.approx(1.5, abs=0.06)
    assert test.mean == pytest.approx(0.0, abs=0.15)
    assert test.p_value == 0.0


def test_right_model_is_rejected_at_the_nominal_rate():
    rng = np.random.default_rng(7)
    p_values = [berkowitz_tail_test(pit, confidence=0.95).p_value for pit in rng.random((2000, 1000))]

    # Four standard errors of 2,000 draws, plus 0.005 for a law that holds in long samples only.
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000) + 0.005)


def test_simulated_law_counts_the_same_samples():
    test = berkowitz_tail_test([0.004, *[0.5] * 249], confidence=0.99, n_draws=20_000)

    assert test.undefined_share == pytest.approx(0.99**250, abs=0.01)
    assert test.power_heavy_tail > test.size
    assert 0.0 < test.exact_p_value <= 1.0


def test_nothing_beyond_the_level_gives_the_reason():
    test = berkowitz_tail_test([0.5] * 100, confidence=0.99)

    assert np.isnan([test.statistic, test.p_value, test.mean, test.standard_deviation]).all()
    assert test.reason == "no loss lies beyond the level"


def test_extreme_losses_keep_their_digits():
    # 1 - cdf would be 0 from 8.3 standard deviations on; the survival function is not.
    pit = stats.norm.sf(np.concatenate([[12.0, 30.0], np.zeros(500)]))

    assert np.isfinite(berkowitz_tail_test(pit, confidence=0.99).statistic)


def test_mistakes_are_answered():
    with pytest.raises(DataError, match="pit must be above 0; got 1 values of 0; take the survival function"):
        berkowitz_tail_test([0.0, 0.5], confidence=0.99)
    with pytest.raises(DataError, match="pit must be probabilities"):
        berkowitz_tail_test([1.5], confidence=0.99)
    with pytest.raises(ArgumentError, match=r"confidence=0\.99"):
        berkowitz_tail_test([0.5], confidence=99)
    with pytest.raises(ArgumentError, match="n_draws"):
        berkowitz_tail_test([0.5], confidence=0.99, n_draws=5)
