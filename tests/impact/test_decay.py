import numpy as np
import pytest
from scipy.optimize import minimize

from volkit.impact.decay import fit_decay

SEEN = np.ones((40, 30))


def draw_increments(seed, *, half_life=6.0, size=1.0, noise=0.1):
    rng = np.random.default_rng(seed)
    return size * np.diff(2.0 ** (-np.arange(31) / half_life)) + noise * rng.standard_normal((40, 30))


def fit(increments, seen=SEEN, n_draws=199):
    return fit_decay(increments, seen, confidence=0.95, n_draws=n_draws, rng=np.random.default_rng(1))


@pytest.mark.parametrize("seed", range(3))
def test_estimate_is_the_least_squares_one(seed):
    seen = (np.arange(30) < np.random.default_rng(seed).integers(3, 31, (40, 1))).astype(float)
    increments = draw_increments(seed) * seen

    def squares(p):
        fitted = p[0] * np.diff(2.0 ** (-np.arange(31) / np.exp(p[1])))
        return (seen * (increments - fitted) ** 2).sum()

    wanted = minimize(squares, [1.0, np.log(6.0)], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12})
    found = fit(increments, seen)

    assert found.half_life == pytest.approx(np.exp(wanted.x[1]), rel=2e-3)
    assert found.size == pytest.approx(wanted.x[0], rel=2e-3)


@pytest.mark.parametrize("noise", [0.02, 0.15])
def test_interval_covers_as_often_as_it_says(noise):
    found = [fit(draw_increments(seed, noise=noise)) for seed in range(200)]

    # 190 of 200 expected, with a standard deviation of 3.1.
    assert 181 <= sum(one.low < 6.0 < one.high for one in found) <= 199


def test_p_value_is_uniform_without_a_decay():
    p = np.array([fit(draw_increments(seed, size=0.0), n_draws=99).p_value for seed in range(200)])

    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.046) and p.mean() > 0.4


def test_moves_that_go_on_have_no_decay():
    found = fit(-draw_increments(1, noise=0.01))

    assert found.size == 0.0 and found.p_value > 0.9 and (found.low, found.high) == (0.0, np.inf)
