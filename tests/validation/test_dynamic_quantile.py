import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.validation.dynamic_quantile import dynamic_quantile_test


def slow_statistic(hits, margins, p, lags):
    """Hit' X (X'X)^+ X' Hit / (p (1 - p)), row by row."""
    rows, y = [], []
    for t in range(lags, len(hits)):
        past = [hits[t - j] for j in range(1, lags + 1)]
        if any(h is None for h in [*past, hits[t]]):
            continue
        rows.append([1.0, margins[t], *(h - p for h in past)])
        y.append(hits[t] - p)
    X, y = np.array(rows), np.array(y)
    return float(y @ X @ np.linalg.pinv(X.T @ X) @ X.T @ y / (p * (1 - p))), int(np.linalg.matrix_rank(X))


@pytest.mark.parametrize("model", ["garchN", "const"])
def test_oracle_series_matches_reference(oracle, model):
    inputs, expected, tolerance = oracle.case(f"dq_{model}_0.05")
    margins = oracle.margins(inputs)
    squares = np.concatenate([[np.nan], oracle.returns[:-1] ** 2])
    common = {"confidence": 1 - inputs["alpha"], "lags": inputs["lags"], "margins": margins}

    plain = dynamic_quantile_test(-oracle.returns > margins, **common)
    gas = dynamic_quantile_test(-oracle.returns > margins, **common, instruments=squares)

    assert plain.statistic == pytest.approx(expected["stat_const_var_lags"], **tolerance)
    assert (plain.n_columns, plain.rank) == (expected["ncol"], expected["rank"])
    assert plain.p_value == pytest.approx(expected["p_value_df_rank"], **tolerance)
    assert stats.chi2.sf(plain.statistic, plain.n_columns) == pytest.approx(expected["p_value_df_ncol"], **tolerance)
    assert gas.statistic == pytest.approx(expected["stat_with_y2"], **tolerance)
    assert gas.degrees_of_freedom == plain.rank + 1


def test_constant_margin_adds_no_degree_of_freedom_at_975(oracle):
    # The set of the 2.5 % tail: p = 0.0659 with six degrees of freedom, 0.0372 with the rank.
    margins = oracle.margins({"model": "const", "alpha": 0.025})
    hits = -oracle.returns > margins

    test = dynamic_quantile_test(hits, confidence=0.975, margins=margins)
    bare = dynamic_quantile_test(hits, confidence=0.975)

    assert test.p_value == pytest.approx(0.0372, abs=5e-5)
    assert stats.chi2.sf(test.statistic, test.n_columns) == pytest.approx(0.0659, abs=5e-5)
    assert bare.statistic == pytest.approx(test.statistic, rel=1e-9)
    assert bare.degrees_of_freedom == test.degrees_of_freedom == 5
    assert "constant margin" in test.summary().loc["rank (count)", "note"]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0, 1, 4]), st.booleans())
def test_statistic_matches_a_slow_loop_with_holes(seed, lags, constant):
    rng = np.random.default_rng(seed)
    hits = [None if rng.random() < 0.05 else bool(rng.random() < 0.2) for _ in range(120)]
    margins = np.full(120, 0.03) if constant else 0.03 * np.exp(rng.normal(size=120) * 0.2)

    test = dynamic_quantile_test(hits, confidence=0.9, margins=margins, lags=lags)

    if not test.reason:
        assert test.statistic == pytest.approx(slow_statistic(hits, margins, 0.1, lags)[0], rel=1e-6)


def test_unit_of_the_margin_does_not_matter():
    rng = np.random.default_rng(3)
    hits, margins = rng.random(500) < 0.05, 0.03 * np.exp(rng.normal(size=500) * 0.3)

    one, other = (dynamic_quantile_test(hits, confidence=0.95, margins=m) for m in (margins, 1e6 * margins))

    assert other.statistic == pytest.approx(one.statistic, rel=1e-9)
    assert other.rank == one.rank == 6


def test_rows_that_touch_a_hole_are_left_out():
    hits = np.zeros(100)
    hits[::7] = 1.0
    hits[50] = np.nan

    test = dynamic_quantile_test(hits, confidence=0.9, lags=4)

    assert (test.n_obs, test.n_missing) == (100 - 4 - 5, 1)


def test_hits_that_the_margin_foresees_are_found():
    rng = np.random.default_rng(4)
    margins = 1.0 + (rng.random(2000) < 0.5)
    hits = rng.random(2000) < np.where(margins > 1.5, 0.02, 0.08)

    blind = dynamic_quantile_test(hits, confidence=0.95)
    seeing = dynamic_quantile_test(hits, confidence=0.95, margins=margins)

    assert blind.p_value > 0.01
    assert seeing.p_value < 1e-4


def test_right_margins_are_rejected_at_the_nominal_rate():
    rng = np.random.default_rng(20240601)
    p_values = [dynamic_quantile_test(hits, confidence=0.95).p_value for hits in rng.random((1000, 2000)) < 0.05]

    # Four standard errors of 1,000 draws, plus 0.01 for a law that holds in long samples only.
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 1000) + 0.01)


@pytest.mark.parametrize(
    ("hits", "reason"),
    [
        ([False] * 50, "no exceptions among the rows"),
        ([True] * 50, "nothing but exceptions"),
        ([True] + [False] * 60, "no exceptions among the rows"),
        ([True, False, True, False, True, False], "2 rows with known lags for 5 columns"),
    ],
)
def test_degenerate_rows_give_the_reason(hits, reason):
    test = dynamic_quantile_test(hits, confidence=0.95)

    assert np.isnan([test.statistic, test.p_value]).all()
    assert reason in test.reason


def test_mistakes_are_answered():
    hits = [True, False] * 30
    with pytest.raises(DataError, match=r"margins must be 60 numbers, one a hit; got shape \(59,\)"):
        dynamic_quantile_test(hits, confidence=0.95, margins=np.ones(59))
    with pytest.raises(DataError, match="instruments must be 60 rows"):
        dynamic_quantile_test(hits, confidence=0.95, instruments=np.ones((2, 60)))
    with pytest.raises(DataError, match="margins must be finite or missing"):
        dynamic_quantile_test(hits, confidence=0.95, margins=np.full(60, np.inf))
    with pytest.raises(ArgumentError, match=r"confidence=0\.95"):
        dynamic_quantile_test(hits, confidence=0.05)
    with pytest.raises(ArgumentError, match="n_draws must be 0 with instruments"):
        dynamic_quantile_test(hits, confidence=0.95, instruments=np.ones(60), n_draws=1000)
