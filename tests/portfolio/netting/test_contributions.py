"""Contributions to margin: published and closed-form numbers, sums that are exact, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.netting import (
    gaussian_offset,
    least_risk_weights,
    normal_multiplier,
    shortfall_contributions,
    tail_measure,
    tail_weights,
)

# Rockafellar and Uryasev (2000), Optimization of conditional value-at-risk, tables 1 to 4.
MEAN = [0.010111, 0.0043532, 0.0137058]
COVARIANCE = [
    [0.00324625, 0.00022983, 0.00420395],
    [0.00022983, 0.00049937, 0.00019247],
    [0.00420395, 0.00019247, 0.00764097],
]
LEAST_RISK = [0.452013, 0.115573, 0.432414]
TAILS = {0.90: (0.067847, 0.096975), 0.95: (0.090200, 0.115908), 0.99: (0.132128, 0.152977)}


def test_published_portfolio_of_least_tail_risk():
    w = least_risk_weights(MEAN, COVARIANCE, target_mean=0.011)

    # The paper's own optimiser left 2e-6.
    assert w.to_numpy() == pytest.approx(LEAST_RISK, abs=5e-6)
    assert w.sum() == pytest.approx(1.0, abs=1e-12) and w @ np.array(MEAN) == pytest.approx(0.011, abs=1e-14)


@pytest.mark.parametrize("confidence", TAILS)
def test_published_tails_of_that_portfolio(confidence):
    terms = {"confidence": confidence, "mean": MEAN}

    at_risk = gaussian_offset(COVARIANCE, LEAST_RISK, measure="value_at_risk", **terms).margin
    shortfall = gaussian_offset(COVARIANCE, LEAST_RISK, **terms).margin

    assert (at_risk, shortfall) == pytest.approx(TAILS[confidence], abs=5e-6)


def test_closed_form_offset_and_contributions():
    found = gaussian_offset(COVARIANCE, [1.0, -0.5, -0.4], confidence=0.99)

    # Closed form worked out elsewhere for these positions, to eight digits.
    assert found.margin == pytest.approx(0.08749235812919892, abs=1e-14)
    assert found.offset == pytest.approx(0.681639317787622, abs=1e-12)
    assert found.table["standalone"].to_numpy() == pytest.approx([0.1518529, 0.02977922, 0.09318937], abs=1e-8)
    assert found.table["euler"].to_numpy() == pytest.approx([0.11770333, 0.00393127, -0.03414223], abs=1e-8)
    wanted = [-0.013095584235804453, -0.001129329119769193, -0.06188481509108648]
    assert found.table["incremental"].to_numpy() == pytest.approx(wanted, abs=1e-12)


def test_euler_part_is_the_derivative_of_the_margin():
    x, step = np.array([1.0, -0.5, -0.4]), 1e-6

    found = gaussian_offset(COVARIANCE, x, confidence=0.975, mean=MEAN)

    for i in range(3):
        moved = [gaussian_offset(COVARIANCE, x + s * step * np.eye(3)[i], confidence=0.975, mean=MEAN).margin
                 for s in (1.0, -1.0)]  # fmt: skip
        assert found.table["euler"].iloc[i] == pytest.approx(x[i] * (moved[0] - moved[1]) / (2 * step), abs=1e-9)


def test_long_only_weights_meet_the_conditions_of_the_optimum_when_assets_are_left_out():
    rng = np.random.default_rng(3)
    for _ in range(20):
        A, mu = rng.normal(size=(7, 7)), rng.normal(size=7) * 0.01
        C = A @ A.T * 0.01

        w = least_risk_weights(mu, C, target_mean=float(np.quantile(mu, 0.6))).to_numpy()

        slope = C @ w
        held = w > 0.0
        E = np.column_stack([np.ones(7), mu])
        multipliers = np.linalg.lstsq(E[held], slope[held], rcond=None)[0]
        assert slope[held] == pytest.approx(E[held] @ multipliers, abs=1e-10)
        assert (slope - E @ multipliers)[~held].min(initial=0.0) > -1e-10 and w.min() >= 0.0


def test_a_tiny_weight_is_not_lost():
    w = least_risk_weights([0.0, 1.0], np.eye(2), target_mean=5e-8)

    # The mean alone sets both.
    assert w.to_numpy() == pytest.approx([1 - 5e-8, 5e-8], abs=1e-14)


@pytest.mark.parametrize("nu", [None, 3.0, 10.0])
def test_multiplier_is_the_mean_of_the_standardised_tail(nu):
    law = stats.norm() if nu is None else stats.t(nu, scale=np.sqrt((nu - 2.0) / nu))
    q = law.ppf(0.99)

    mean = law.expect(lambda x: x, lb=q, conditional=True)

    assert normal_multiplier(0.99, degrees_of_freedom=nu) == pytest.approx(mean, rel=1e-7)
    assert normal_multiplier(0.99, "value_at_risk", degrees_of_freedom=nu) == pytest.approx(q, rel=1e-12)


books = st.integers(0, 10_000).map(
    lambda seed: np.random.default_rng(seed).standard_t(3, (1 + seed % 6, 20 + seed % 77)).round(1 + seed % 3)
)


@settings(max_examples=60, deadline=None)
@given(books, st.sampled_from([0.5, 0.75, 0.9, 0.925]))
def test_sample_parts_sum_to_the_margin_and_netting_never_costs(pnl, confidence):
    found = shortfall_contributions(pnl, confidence=confidence)

    assert found.table["euler"].sum() == pytest.approx(found.margin, rel=1e-12, abs=1e-12)
    assert found.margin <= found.gross + 1e-12
    # Euler parts never exceed the standalone margin, and a position's removal saves at most its standalone margin.
    assert (found.table["euler"] <= found.table["standalone"] + 1e-12).all()
    assert (found.table["incremental"] <= found.table["standalone"] + 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(books, st.sampled_from([0.5, 0.8, 0.9, 0.93]), st.booleans())
def test_tail_is_the_minimum_of_rockafellar_and_uryasev(pnl, confidence, weighted):
    lost, n = -pnl[0], pnl.shape[1]
    p = np.random.default_rng(n).dirichlet(np.ones(n)) if weighted else np.full(n, 1.0 / n)

    slow = min(z + p @ np.maximum(lost - z, 0.0) / (1.0 - confidence) for z in lost)

    fast = tail_measure(lost, confidence=confidence, probabilities=p if weighted else None)
    weights = tail_weights(lost, confidence=confidence, probabilities=p if weighted else None)
    assert float(fast) == pytest.approx(slow, rel=1e-10, abs=1e-10)
    assert weights @ lost == pytest.approx(slow, rel=1e-10, abs=1e-10)
    assert weights.sum() == pytest.approx(1.0) and (weights <= p / (1.0 - confidence) + 1e-12).all()


def test_sample_incremental_and_standalone_are_plain_loops():
    pnl = np.random.default_rng(1).standard_t(4, (5, 400))

    found = shortfall_contributions(pd.DataFrame(pnl, index=list("abcde")), confidence=0.95)

    def mean_of_worst(lost):
        return np.sort(lost)[-20:].mean()

    for i, name in enumerate("abcde"):
        without = mean_of_worst(-np.delete(pnl, i, axis=0).sum(axis=0))
        assert found.table.loc[name, "incremental"] == pytest.approx(found.margin - without)
        assert found.table.loc[name, "standalone"] == pytest.approx(mean_of_worst(-pnl[i]))
    worst = np.argsort(pnl.sum(axis=0))[:20]
    assert found.table["euler"].to_numpy() == pytest.approx(-pnl[:, worst].mean(axis=1))


def test_scenarios_recover_the_closed_form():
    C = np.array(COVARIANCE)
    returns = np.random.default_rng(2).multivariate_normal(np.zeros(3), C, 400_000)
    x = np.array([1.0, -0.5, -0.4])

    found = shortfall_contributions((returns * x).T, confidence=0.99)

    law = gaussian_offset(C, x, confidence=0.99)
    # Standard error of a mean of 4,000 losses beyond the quantile, spread about a quarter of the margin.
    assert found.margin == pytest.approx(law.margin, rel=0.02)
    assert found.table["euler"].to_numpy() == pytest.approx(law.table["euler"].to_numpy(), abs=0.003)


def test_worst_measure_ignores_scenarios_of_probability_zero():
    assert (
        tail_measure(np.array([1.0, 9.0]), confidence=0.9, measure="worst", probabilities=np.array([1.0, 0.0])) == 1.0
    )


def test_value_at_risk_with_probabilities_is_the_smallest_loss_that_they_reach():
    found = tail_measure(
        np.array([3.0, 1.0, 2.0]), confidence=0.7, measure="value_at_risk", probabilities=np.array([0.2, 0.5, 0.3])
    )

    assert found == 2.0


def test_results_say_what_one_asks_first():
    found = gaussian_offset(pd.DataFrame(COVARIANCE, index=list("abc"), columns=list("abc")), [1.0, -0.5, -0.4],
                            confidence=0.99)  # fmt: skip

    assert repr(found) == (
        "<MarginContributions: margin 0.0874924 of 0.274821 gross, offset 68.2 %; largest part a with 0.117703; "
        "99 % expected shortfall, normal>"
    )
    assert found.summary().index.tolist() == ["a", "b", "c", "sum"]
    assert found.summary().loc["sum", "euler"] == pytest.approx(found.margin)
    with pytest.raises(ValueError, match="read-only"):
        found.table.to_numpy()[0, 0] = 1.0


@pytest.mark.parametrize(
    ("pnl", "message"),
    [
        ([[1.0, np.nan]], "1 of 2 values missing or infinite for position 0"),
        ([1.0, 2.0], r"shape \(2,\)"),
        ([[]], r"shape \(1, 0\)"),
        ([["a", "b"]], "must be a table of numbers"),
        (pd.DataFrame([[1.0], [2.0]], index=["x", "x"]), "'x' in rows 0, 1"),
    ],
)
def test_bad_books_are_named(pnl, message):
    with pytest.raises(DataError, match=message):
        shortfall_contributions(pnl, confidence=0.5)


def test_a_tail_without_a_scenario_is_refused():
    with pytest.raises(ArgumentError, match="must leave at least one scenario in the tail"):
        shortfall_contributions(np.ones((2, 50)), confidence=0.99)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [([0.5, 0.6], "got 1.1"), ([1.5, -0.5], "-0.5 for scenario 1"), ([1.0], "must have one number a scenario")],
)
def test_bad_probabilities_are_named(probabilities, message):
    with pytest.raises(DataError, match=message):
        shortfall_contributions([[1.0, -1.0]], confidence=0.5, probabilities=probabilities)


@pytest.mark.parametrize(
    ("covariance", "positions", "message"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], [1.0, 1.0], r"0.5 at \(0, 1\) and 0.4 at \(1, 0\)"),
        ([[1.0, 2.0], [2.0, 1.0]], [1.0, 1.0], "smallest eigenvalue of -1"),
        ([[1.0, 1.0], [1.0, 1.0]], [1.0, -1.0], "a variance above zero"),
        ([[1.0, 0.0], [0.0, 1.0]], [1.0], "must be 2 finite numbers"),
        ([[1.0, 0.0]], [1.0], "must be square"),
        (pd.DataFrame(np.eye(2), index=list("ab"), columns=list("ba")), [1.0, 1.0], "same names"),
        (pd.DataFrame(np.eye(2), index=list("ab"), columns=list("ab")), pd.Series({"a": 1.0, "c": 1.0}), "a, c"),
    ],
)  # fmt: skip
def test_bad_covariances_are_named(covariance, positions, message):
    with pytest.raises(DataError, match=message):
        gaussian_offset(covariance, positions, confidence=0.99)


def test_a_mean_out_of_reach_is_refused():
    with pytest.raises(DataError, match=r"0.02 with means from 0.0043532 to 0.0137058"):
        least_risk_weights(MEAN, COVARIANCE, target_mean=0.02)
