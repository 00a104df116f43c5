"""What correlations do to a portfolio: closed forms, and the worst over the box against matrices drawn from it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.correlation.bounds import adverse_correlation, correlation_bounds, netting_benefit
from volkit.errors import ArgumentError, DataError

# Bounds that do not fit together are what the worst case is about.
pytestmark = pytest.mark.filterwarnings("ignore::volkit.errors.SmallSampleWarning")


def frame_of(values):
    times = pd.date_range("2020-01-01", periods=len(values), tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=list("ABCDEFGH"[: values.shape[1]]))


def bounds_of(seed, *, size=4, n=120, confidence=0.95):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, size)) @ (np.eye(size) + rng.standard_normal((size, size)))
    return correlation_bounds(frame_of(values), confidence=confidence, half_life=None)


def series_of(values, bounds):
    return pd.Series(values, index=bounds.estimate.columns, dtype=float)


def benefit_of(bounds, positions, volatilities=None, **options):
    volatilities = np.ones(len(positions)) if volatilities is None else volatilities
    return netting_benefit(
        bounds, positions=series_of(positions, bounds), volatilities=series_of(volatilities, bounds), **options
    )


def test_two_positions_have_the_closed_form():
    bounds = bounds_of(1, size=2)

    hedge = benefit_of(bounds, [100.0, -80.0], [0.02, 0.03])

    for name in ("estimate", "lower", "upper"):
        rho = getattr(bounds, name).iloc[0, 1]
        expected = np.sqrt(2.0**2 + 2.4**2 - 2 * 2.0 * 2.4 * rho)
        assert hedge.table.loc[name, "standard_deviation"] == pytest.approx(expected, rel=1e-12)
        assert hedge.table.loc[name, "benefit"] == pytest.approx(1.0 - expected / 4.4, rel=1e-12)
    assert hedge.gross == pytest.approx(4.4)
    assert hedge.table["standard_deviation"].idxmin() == "upper"


def test_which_bound_is_worse_depends_on_the_signs():
    bounds = bounds_of(1, size=2)

    hedge, long_only = benefit_of(bounds, [1.0, -1.0]).table, benefit_of(bounds, [1.0, 1.0]).table

    deviation = "standard_deviation"
    assert hedge.loc["adverse", deviation] == pytest.approx(hedge.loc["lower", deviation], rel=1e-12)
    assert long_only.loc["adverse", deviation] == pytest.approx(long_only.loc["upper", deviation], rel=1e-12)


@given(st.integers(0, 2**32 - 1), st.lists(st.floats(-5, 5), min_size=4, max_size=4).filter(any))
def test_nothing_between_the_bounds_is_worse_than_the_box(seed, positions):
    bounds = bounds_of(seed)

    deviations = benefit_of(bounds, positions).table["standard_deviation"]

    box = deviations["pairs' own box"]
    assert (deviations <= box * (1.0 + 1e-9) + 1e-12).all()
    assert deviations["adverse"] >= deviations["estimate"] * (1.0 - 1e-9) - 1e-12
    # Correlation matrices of which all entries lie within the pairs' bounds, drawn by chance.
    rng = np.random.default_rng(seed)
    low, high = bounds.pairwise_lower.to_numpy(), bounds.pairwise_upper.to_numpy()
    exposure = np.array(positions)
    for _ in range(30):
        entries = np.tril(rng.uniform(low, high), -1)
        matrix = entries + entries.T + np.eye(4)
        if np.linalg.eigvalsh(matrix)[0] >= 0.0:
            assert np.sqrt(max(exposure @ matrix @ exposure, 0.0)) <= box * (1.0 + 1e-9) + 1e-12


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from([-1.0, 1.0]), min_size=4, max_size=4))
def test_the_adverse_matrix_turns_with_the_signs(seed, signs):
    # A short position in X is a long position in -X: the same portfolio has the same worst matrix.
    rng = np.random.default_rng(seed)
    moves = frame_of(rng.standard_normal((120, 4)) @ (np.eye(4) + rng.standard_normal((4, 4))))
    turned = np.array(signs)
    given_, flipped = (correlation_bounds(m, half_life=None) for m in (moves, moves * turned))

    one, level = adverse_correlation(given_, positions=series_of(turned, given_))
    other, other_level = adverse_correlation(flipped, positions=series_of(np.ones(4), flipped))

    assert level == pytest.approx(other_level, abs=1e-5)
    np.testing.assert_allclose(one, other * np.outer(turned, turned), atol=1e-6)
    assert np.linalg.eigvalsh(one)[0] > 0.0


def test_the_adverse_matrix_of_a_long_book_is_the_upper_one():
    bounds = bounds_of(3)

    matrix, level = adverse_correlation(bounds, positions=series_of([1, 2, 3, 4], bounds))

    np.testing.assert_array_equal(matrix, bounds.upper)
    assert level == bounds.upper_level


def test_no_more_than_the_granted_share_is_taken_off():
    bounds = bounds_of(1, size=2)

    found = benefit_of(bounds, [1.0, -1.0])
    without_limit = benefit_of(bounds, [1.0, -1.0], most_reduction=1.0)

    worst = found.table["standard_deviation"].max()
    assert found.allowed == pytest.approx(2.0 - 0.8 * (2.0 - worst), rel=1e-12)
    assert without_limit.allowed == pytest.approx(worst, rel=1e-12)
    assert benefit_of(bounds, [1.0, -1.0], most_reduction=0.0).allowed == pytest.approx(2.0)


def test_other_matrices_count_in_any_order_of_names():
    bounds = bounds_of(4)
    other = bounds.upper.iloc[::-1, ::-1]

    found = benefit_of(bounds, [1, 2, -3, 4], others={"stressed": other}).table["standard_deviation"]

    assert found["stressed"] == pytest.approx(found["upper"], rel=1e-12)


def test_positions_that_cannot_be_used_are_refused():
    bounds = bounds_of(5)
    bad = pd.DataFrame([[1.0, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]], list("ABCD"), list("ABCD"))

    with pytest.raises(DataError, match="positions must name every series of the matrix once"):
        netting_benefit(bounds, positions=pd.Series({"A": 1.0}), volatilities=series_of([1, 1, 1, 1], bounds))
    with pytest.raises(DataError, match="positions must be finite"):
        benefit_of(bounds, [1, np.nan, 1, 1])
    with pytest.raises(DataError, match="positions must not all be zero"):
        benefit_of(bounds, [0, 0, 0, 0])
    with pytest.raises(DataError, match="volatilities must be positive; got -1 for B"):
        benefit_of(bounds, [1, 1, 1, 1], [1, -1, 1, 1])
    with pytest.raises(ArgumentError, match="most_reduction must be a fraction"):
        benefit_of(bounds, [1, 1, 1, 1], most_reduction=80)
    with pytest.raises(DataError, match=r"others\['shock'\] must be positive semi-definite"):
        benefit_of(bounds, [1, 1, 1, 1], others={"shock": bad})
    with pytest.raises(DataError, match=r"others\['lower'\] must have a name of its own"):
        benefit_of(bounds, [1, 1, 1, 1], others={"lower": bounds.lower})
    with pytest.raises(DataError, match=r"others\['shock'\] must have the names of the bounds"):
        benefit_of(bounds, [1, 1, 1, 1], others={"shock": bad.iloc[:2, :2]})


def test_the_result_says_the_worst():
    found = benefit_of(bounds_of(6), [1, -1, 1, -1])

    assert found.worst in found.headline
    assert "benefit (share of gross)" in found.summary().columns
    assert found.to_frame().columns.tolist() == ["matrix", "standard_deviation", "benefit"]
