"""The joint regression beside other programs, and the tests that rest on it."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.validation.shortfall import auxiliary_es_regression_test, strict_es_regression_test
from volkit.validation.shortfall.joint_regression import fit_joint_regression


def design(values):
    return np.column_stack([np.ones(len(values)), values])


def shifted_loss(b, c, losses, z, x, p):
    """Mean FZ0 of losses moved up by their smallest, written out."""
    s = -losses.min()
    V, E = z @ b + s, x @ c + s
    if (E <= 0).any():
        return np.inf
    return ((V + np.maximum(losses + s - V, 0.0) / p) / E + np.log(E)).mean()


@pytest.mark.parametrize("seed", range(5))
def test_quantile_line_is_that_of_a_linear_program(seed):
    rng = np.random.default_rng(seed)
    n, level = 150, 0.9
    z, w = np.exp(rng.standard_normal(n)), rng.uniform(0.2, 3.0, n)
    y = 1.0 + 2.0 * z + z * rng.standard_t(3, n)
    kernels = load_kernels("volkit.validation.shortfall._regression")
    found = np.empty(2)

    left = kernels.quantile_line(np.ones(n), z, y, w, level, np.array([0, 1]), found, 1000)

    program = optimize.linprog(
        np.concatenate([[0, 0], level * w, (1 - level) * w]),
        A_eq=np.hstack([design(z), np.eye(n), -np.eye(n)]),
        b_eq=y,
        bounds=[(None, None)] * 2 + [(0, None)] * (2 * n),
    )
    u = y - design(z) @ found
    assert (w * np.where(u > 0, level * u, (level - 1) * u)).sum() == pytest.approx(program.fun, rel=1e-10)
    assert left > -1e-12


def test_quantile_line_without_weights_is_that_of_statsmodels():
    rng = np.random.default_rng(7)
    z = np.exp(rng.standard_normal(400))
    y = z * rng.standard_normal(400)
    kernels = load_kernels("volkit.validation.shortfall._regression")
    found = np.empty(2)

    kernels.quantile_line(np.ones(400), z, y, np.ones(400), 0.95, np.array([0, 1]), found, 1000)

    assert found == pytest.approx(sm.QuantReg(y, design(z)).fit(q=0.95, max_iter=5000, p_tol=1e-12).params, rel=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_optimum_is_not_beaten_by_a_general_minimiser(sample, seed):
    losses, V, E = sample(600, confidence=0.95, seed=seed)
    Z, X = design(V), design(E)

    fit = fit_joint_regression(losses, Z, X, confidence=0.95)

    own = shifted_loss(fit.quantile, fit.shortfall, losses, Z, X, 0.05)
    rng = np.random.default_rng(seed)
    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000}
    others = [
        optimize.minimize(
            lambda x: shifted_loss(x[:2], x[2:], losses, Z, X, 0.05),
            np.array([0.0, 1.0, 0.0, 1.0]) + rng.normal(0.0, 0.2, 4),
            method="Nelder-Mead",
            options=options,
        )
        for _ in range(5)
    ]
    best = min(others, key=lambda other: other.fun)
    assert fit.loss == pytest.approx(own, abs=1e-12)
    assert own <= best.fun + 1e-12
    assert fit.certificate < 1e-8
    assert best.x == pytest.approx([*fit.quantile, *fit.shortfall], abs=2e-3)


def test_no_direction_leads_down_from_the_optimum(sample):
    losses, V, E = sample(400, confidence=0.95)
    Z, X = design(V), design(E)
    fit = fit_joint_regression(losses, Z, X, confidence=0.95)
    at = np.concatenate([fit.quantile, fit.shortfall])
    base = shifted_loss(at[:2], at[2:], losses, Z, X, 0.05)
    rng = np.random.default_rng(1)

    for _ in range(300):
        moved = at + 1e-5 * rng.standard_normal(4)
        assert shifted_loss(moved[:2], moved[2:], losses, Z, X, 0.05) >= base - 1e-13


def test_regression_recovers_the_truth(sample):
    losses, V, E = sample(40_000, confidence=0.95)

    fit = fit_joint_regression(losses, design(1.1 * V + 0.2), design(E / 2.0 + 0.3), confidence=0.95)

    errors = np.sqrt(np.diag(fit.covariance))
    assert np.all(np.abs(fit.shortfall - [-0.6, 2.0]) < 3 * errors)
    assert np.all(errors < 0.15)
    assert fit.quantile == pytest.approx([-0.2 / 1.1, 1 / 1.1], abs=0.08)


@given(st.floats(1e-4, 1e4), st.integers(0, 20))
def test_unit_of_the_losses_does_not_matter(unit, seed):
    rng = np.random.default_rng(seed)
    scale = np.exp(0.5 * rng.standard_normal(300))
    losses, E = scale * rng.standard_normal(300), 2.063 * scale

    one = strict_es_regression_test(losses, E, confidence=0.95)
    other = strict_es_regression_test(unit * losses, unit * E, confidence=0.95)

    assert other.test.statistic == pytest.approx(one.test.statistic, rel=1e-6)
    assert other.coefficients["value"].to_numpy() == pytest.approx(
        one.coefficients["value"].to_numpy() * [unit, 1.0, unit, 1.0], rel=1e-6
    )


def test_covariance_is_the_sandwich_of_the_scores(sample):
    losses, V, E = sample(500, confidence=0.95)
    Z, X, s = design(V), design(E), -losses.min()

    robust, scale = (
        fit_joint_regression(losses, Z, X, confidence=0.95, covariance=kind) for kind in ("robust", "scale")
    )

    v, e = Z @ robust.quantile, X @ robust.shortfall
    C = v + np.maximum(losses - v, 0.0) / 0.05
    bread, meat, model = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))
    k = np.mean([(e[t] - C[t]) ** 2 / E[t] ** 2 for t in range(500)])
    for t in range(500):
        outer = np.outer(X[t], X[t])
        bread += outer / (e[t] + s) ** 2
        meat += outer * (e[t] - C[t]) ** 2 / (e[t] + s) ** 4
        model += outer * k * E[t] ** 2 / (e[t] + s) ** 4
    inverse = np.linalg.inv(bread)
    assert robust.covariance == pytest.approx(inverse @ meat @ inverse, rel=1e-6)
    assert scale.covariance == pytest.approx(inverse @ model @ inverse, rel=1e-6)


def test_wald_statistic_follows_from_what_is_shown(sample):
    losses, V, E = sample(800)
    found = auxiliary_es_regression_test(losses, V, E, confidence=0.975)

    gap = found.coefficients["value"].to_numpy()[2:] - [0.0, 1.0]

    assert found.test.statistic == pytest.approx(gap @ np.linalg.inv(found.covariance) @ gap, rel=1e-9)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.test.statistic, 2), rel=1e-12)
    assert found.to_frame().shape == (4, 4) and "shortfall slope" in found.summary().index
    assert "slope" in repr(found) and found.as_of is None


def test_strict_and_auxiliary_agree_when_forecasts_are_proportional(sample):
    losses, V, E = sample(800)

    strict = strict_es_regression_test(losses, E, confidence=0.975)
    auxiliary = auxiliary_es_regression_test(losses, V, E, confidence=0.975)

    assert strict.test.statistic == pytest.approx(auxiliary.test.statistic, rel=1e-6)
    assert strict.test.n_exceptions == pytest.approx(20, abs=2)


def test_regression_finds_losses_a_half_larger(sample):
    losses, V, E = sample(1000, inflation=1.5)

    assert strict_es_regression_test(losses, E, confidence=0.975).p_value < 1e-3
    assert auxiliary_es_regression_test(losses, V, E, confidence=0.975).p_value < 1e-3


def test_forecasts_that_never_change_have_no_regression(sample):
    losses, *_ = sample(400)

    found = strict_es_regression_test(losses, np.full(400, 2.3), confidence=0.975)

    assert "never change" in found.test.reason and np.isnan(found.p_value) and np.isnan(found.covariance).all()
    assert "undefined" in repr(found)


def test_tail_of_few_periods_has_no_regression(sample):
    losses, _, E = sample(100)

    assert strict_es_regression_test(losses, E, confidence=0.99).test.reason == "the tail holds 1 periods, fewer than 5"


def test_last_label_is_kept(sample):
    losses, _, E = sample(400)
    times = pd.date_range("2024-01-01", periods=400, tz="UTC")

    found = strict_es_regression_test(pd.Series(losses, index=times), pd.Series(E, index=times), confidence=0.975)

    assert found.as_of == times[-1]


def test_unknown_covariance_is_refused(sample):
    losses, _, E = sample(400)

    with pytest.raises(ArgumentError, match="covariance must be one of scale, robust"):
        strict_es_regression_test(losses, E, confidence=0.975, covariance="iid")


@pytest.mark.slow
@pytest.mark.parametrize(("n", "low", "high"), [(250, 0.15, 0.26), (1000, 0.06, 0.12), (2500, 0.03, 0.08)])
def test_size_is_what_the_docstring_says(sample, n, low, high):
    rejected = [
        strict_es_regression_test(losses, E, confidence=0.975).test.is_rejected
        for losses, _, E in (sample(n, seed=seed) for seed in range(1000))
    ]

    assert low < np.mean(rejected) < high
