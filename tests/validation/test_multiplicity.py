"""Adjusted p-values against statsmodels, their definitions, and the rate of false rejections they promise."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from volkit.errors import ArgumentError, DataError
from volkit.validation.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm, romano_wolf

METHODS = {"holm": holm, "fdr_bh": benjamini_hochberg, "fdr_by": benjamini_yekutieli}


def slow_romano_wolf(statistics, draws):
    """Plain twin: one hypothesis after the other, from the strongest down."""
    order = np.argsort(-statistics, kind="stable")
    adjusted, worst = np.empty(len(order)), 0.0
    for position, hypothesis in enumerate(order):
        remaining = order[position:]
        reached = sum(draw[remaining].max() >= statistics[hypothesis] for draw in draws)
        worst = max(worst, (1 + reached) / (len(draws) + 1))
        adjusted[hypothesis] = worst
    return adjusted


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 17, 435])
def test_adjusted_values_are_those_of_statsmodels(method, n):
    p = np.random.default_rng(n).random(n) ** 3
    p[n // 2] = p[0]

    np.testing.assert_allclose(METHODS[method](p), multipletests(p, method=method)[1], rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_order_is_kept_and_missing_values_are_no_hypotheses(method):
    p = np.array([0.04, np.nan, 0.001, 0.03])

    found = METHODS[method](p)

    assert np.isnan(found[1])
    np.testing.assert_array_equal(found[[0, 2, 3]], METHODS[method](p[[0, 2, 3]]))
    assert (found[[0, 2, 3]] >= p[[0, 2, 3]]).all()


def test_romano_wolf_matches_a_slow_loop():
    rng = np.random.default_rng(3)
    draws = np.abs(rng.standard_normal((199, 12)) + rng.standard_normal((199, 1)))
    statistics = np.abs(rng.standard_normal(12)) * 2

    np.testing.assert_array_equal(romano_wolf(statistics, draws), slow_romano_wolf(statistics, draws))


def test_romano_wolf_learns_that_hypotheses_are_one():
    # Twenty copies of one test are one test: no price for the number of them.
    draws = np.abs(np.random.default_rng(4).standard_normal((1999, 1)))

    alone, copied = romano_wolf(np.array([2.0]), draws), romano_wolf(np.full(20, 2.0), np.repeat(draws, 20, axis=1))

    assert (copied == alone[0]).all()


def test_romano_wolf_rejects_a_true_family_at_the_stated_rate():
    # 2,000 families of ten true, correlated hypotheses: any rejection at 5 % in 5 %, two standard errors are 1 %.
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(2000):
        shared = rng.standard_normal((200, 1))
        draws = np.abs(0.7 * shared + 0.7 * rng.standard_normal((200, 10)))
        rejected += romano_wolf(draws[0], draws[1:]).min() <= 0.05
    assert 0.04 <= rejected / 2000 <= 0.06


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: holm(np.array([0.5, 2.3])),
            DataError,
            "p_values must be one row of numbers from 0 to 1; got 0.5 to 2.3",
        ),
        (lambda: benjamini_hochberg(np.ones((2, 2))), DataError, r"got shape \(2, 2\)"),
        (lambda: romano_wolf(np.ones(3), np.ones((9, 2))), ArgumentError, r"shape \(n_draws, 3\); got shape \(9, 2\)"),
        (lambda: romano_wolf(np.ones(2), np.full((9, 2), np.nan)), ArgumentError, "one column of finite draws"),
    ],
)
def test_refusal_names_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()
