import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from volkit.margin.bridge.estimators import fit_quantile_plane, nearness_weights, weighted_tail
from volkit.margin.rates import tail_of_losses

SAMPLES = hnp.arrays(np.float64, st.integers(20, 80), elements=st.floats(-1.0, 1.0).map(lambda x: round(x, 6)))


def check_loss(y, design, b, level):
    u = y - design @ b
    return np.where(u > 0, level * u, (level - 1) * u).sum()


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_plane_is_that_of_statsmodels(seed, level):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(800), rng.standard_normal((800, 3))])
    y = 0.02 * (1.0 + 0.3 * np.abs(X[:, 1])) * rng.standard_t(5, 800) + 0.01 * X[:, 2]

    found = fit_quantile_plane(X, y, level=level)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = sm.QuantReg(y, X).fit(q=level, max_iter=20_000, p_tol=1e-10).params

    # The peer's weighted least squares end near a vertex; the exact one is never worse.
    assert check_loss(y, X, found, level) <= check_loss(y, X, peer, level) * (1.0 + 1e-12)
    assert check_loss(y, X, found, level) == pytest.approx(check_loss(y, X, peer, level), rel=1e-5)
    assert found == pytest.approx(peer, abs=2e-4)


def test_plane_passes_through_as_many_losses_as_it_has_terms_and_leaves_the_right_share_above():
    rng = np.random.default_rng(5)
    X = np.column_stack([np.ones(500), rng.standard_normal((500, 2))])
    y = rng.standard_normal(500)

    u = y - X @ fit_quantile_plane(X, y, level=0.97)

    # Koenker (2005), theorem 2.2: n+ <= n (1 - level) <= n+ + n0.
    above, on = (u > 1e-9).sum(), (np.abs(u) <= 1e-9).sum()
    assert on == 3
    assert above <= 500 * 0.03 <= above + on


def test_plane_moves_with_the_losses_and_their_unit():
    rng = np.random.default_rng(6)
    X = np.column_stack([np.ones(300), rng.standard_normal(300)])
    y, shift = rng.standard_normal(300), np.array([0.4, -0.3])
    found = fit_quantile_plane(X, y, level=0.9)

    # Equivariance, Koenker and Bassett (1978), theorem 3.2.
    assert fit_quantile_plane(X, 1e-3 * y, level=0.9) == pytest.approx(1e-3 * found, rel=1e-8)
    assert fit_quantile_plane(X, y + X @ shift, level=0.9) == pytest.approx(found + shift, rel=1e-8)


@given(SAMPLES, st.floats(0.05, 1.0))
def test_weights_count_as_many_scenarios_as_asked_unless_more_tie(values, share):
    d = np.abs(values)
    w = nearness_weights(d, effective=share * len(d))

    assert w.sum() == pytest.approx(1.0)
    assert (np.diff(w[np.argsort(d, kind="stable")]) <= 1e-15).all()
    ties = (d == d.min()).sum()
    counted = 1.0 / (w**2).sum()
    assert counted >= min(max(share * len(d), ties, 1.0), len(d)) * (1.0 - 1e-3) or ties == len(d)
    if d.max() > d.min() + 1e-3 and ties < share * len(d):
        assert counted == pytest.approx(max(share * len(d), 1.0), rel=1e-3)


@given(SAMPLES, st.sampled_from([0.5, 0.9, 0.95]))
def test_equal_weights_give_the_quantile_of_type_six_and_the_mean_beyond(values, confidence):
    found = weighted_tail(values, np.full(len(values), 1.0 / len(values)), confidence=confidence)
    at_risk, shortfall = tail_of_losses(values, confidence=confidence)

    assert found[0] == pytest.approx(at_risk, abs=1e-12)
    # One loss may lie within rounding of the quantile.
    if not np.isclose(values, at_risk, rtol=0, atol=1e-9).any():
        assert found[1] == pytest.approx(shortfall, abs=1e-9)
    assert found[1] >= found[0]


def test_unequal_weights_follow_the_definition_term_by_term():
    lost, w = np.array([0.05, 0.01, 0.09, 0.02]), np.array([0.2, 0.5, 0.1, 0.2])
    m = 1.0 / (0.04 + 0.25 + 0.01 + 0.04)
    p = [0.1 * m / (m + 1), 0.3 * m / (m + 1)]  # of 0.09 and 0.05
    at = 0.09 + (0.15 - p[0]) / (p[1] - p[0]) * (0.05 - 0.09)

    assert weighted_tail(lost, w, confidence=0.85) == pytest.approx((at, 0.09), abs=1e-12)
