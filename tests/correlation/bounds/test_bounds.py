"""Bounds that are correlation matrices: what they promise for all data, closed forms, slow twins, coverage."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from volkit.correlation import pearson_correlation
from volkit.correlation.bounds import correlation_bounds
from volkit.correlation.bounds.path import LEAST_EIGENVALUE, LevelPath, furthest_level, furthest_share
from volkit.correlation.inference import devolatilize
from volkit.correlation.matrix import nearest_correlation
from volkit.errors import ArgumentError, DataError, SmallSampleWarning

# Rounding of a quantile and of tanh, on numbers up to one.
ROUNDING = 1e-12

# Most data here are short on purpose, so that the bounds of pairs do not fit together.
pytestmark = pytest.mark.filterwarnings("ignore::volkit.errors.SmallSampleWarning")


def frame_of(values, names="ABCDEFGH"):
    times = pd.date_range("2020-01-01", periods=len(values), tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=list(names[: values.shape[1]]))


def tangled(seed, *, n=40, size=5):
    """Changes of mixed signs on few rows: bounds of pairs that seldom fit together."""
    values = np.random.default_rng(seed).standard_normal((n, size))
    values[:, 1:] += 1.5 * values[:, :1] * np.array([1, -1, 1, -1, 1, -1, 1])[: size - 1]
    return frame_of(values)


def smallest_eigenvalue(matrix):
    return np.linalg.eigvalsh(np.asarray(matrix))[0]


@st.composite
def changes_of_any_kind(draw):
    size = draw(st.integers(2, 6))
    n = draw(st.integers(60, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tail = draw(st.sampled_from([3.0, 30.0]))
    mix = rng.standard_normal((size, size)) * draw(st.sampled_from([0.0, 0.5, 2.0])) + np.eye(size)
    values = rng.standard_t(tail, (n, size)) @ mix
    return frame_of(values * rng.uniform(1e-3, 1e3, size))


@given(changes_of_any_kind(), st.floats(0.5, 0.999))
def test_bounds_are_ordered_correlation_matrices(moves, confidence):
    bounds = correlation_bounds(moves, confidence=confidence, half_life=None)

    for matrix in (bounds.lower, bounds.estimate, bounds.upper):
        assert (np.diag(matrix) == 1.0).all()
        np.testing.assert_array_equal(matrix, matrix.T)
        # Less the rounding of the eigenvalue itself.
        assert smallest_eigenvalue(matrix) >= LEAST_EIGENVALUE - 1e-14
    steps = (bounds.pairwise_lower, bounds.lower, bounds.estimate, bounds.upper, bounds.pairwise_upper)
    for low, high in pairwise(steps):
        assert (low.to_numpy() <= high.to_numpy() + ROUNDING).all()


@given(changes_of_any_kind(), st.floats(0.5, 0.999), st.floats(0.5, 0.999))
def test_a_higher_level_never_narrows_a_bound(moves, one, other):
    low, high = sorted([one, other])
    narrow = correlation_bounds(moves, confidence=low, half_life=None)
    wide = correlation_bounds(moves, confidence=high, half_life=None)

    assert (wide.lower <= narrow.lower + ROUNDING).all(axis=None)
    assert (wide.upper >= narrow.upper - ROUNDING).all(axis=None)
    assert wide.lower_level >= narrow.lower_level - ROUNDING


@given(changes_of_any_kind(), st.randoms(use_true_random=False))
def test_the_order_of_columns_does_not_matter(moves, random):
    order = list(moves.columns)
    random.shuffle(order)

    given_order, shuffled = (correlation_bounds(m, half_life=None) for m in (moves, moves[order]))

    # The end of the walk is found to 1e-9 of an eigenvalue, and eigenvalues round otherwise in another order.
    for side in ("lower", "estimate", "upper"):
        expected = getattr(given_order, side).loc[order, order]
        np.testing.assert_allclose(getattr(shuffled, side), expected, atol=1e-6)


@given(changes_of_any_kind())
def test_the_unit_of_a_column_does_not_matter(moves):
    plain, scaled = (correlation_bounds(m, half_life=None) for m in (moves, moves * 4096.0))

    np.testing.assert_allclose(scaled.lower, plain.lower, atol=1e-10)


def test_neither_higham_nor_a_straight_line_keeps_these_promises():
    # Why the walk is there at all: on the same data both alternatives break order or monotonicity.
    levels = np.linspace(0.5, 0.99, 12)
    found = [correlation_bounds(tangled(0), confidence=c, half_life=None) for c in levels]
    estimate = found[0].estimate.to_numpy()
    higham = [nearest_correlation(b.pairwise_lower).correlation.to_numpy() for b in found]
    corners = [b.pairwise_lower.to_numpy() for b in found]
    straight = [estimate + furthest_share(estimate, c) * (c - estimate) for c in corners]
    walked = [b.lower.to_numpy() for b in found]

    assert max((h - estimate).max() for h in higham) > 0.01
    assert max(np.diff(higham, axis=0).max(), 0.0) > 0.005
    assert np.diff(straight, axis=0).max() > 0.001
    assert np.diff(walked, axis=0).max() <= ROUNDING
    assert max((w - estimate).max() for w in walked) <= ROUNDING


def test_bounds_that_do_not_fit_say_at_which_level_they_stand():
    bounds = correlation_bounds(tangled(0), confidence=0.99, half_life=None)

    assert 0.0 < bounds.lower_level < 0.99
    assert not bounds.is_reached
    assert "do not fit together: lower at" in bounds.headline
    assert bounds.lower_distance > 0.0
    assert smallest_eigenvalue(bounds.pairwise_lower) < 0.0
    # At the boundary, not short of it.
    assert smallest_eigenvalue(bounds.lower) < 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_the_walk_ends_where_a_fine_grid_of_levels_first_leaves(seed):
    bounds = correlation_bounds(tangled(seed), confidence=0.99, half_life=None)

    # The slow twin: every matrix on a grid, in numpy and scipy only.
    z = np.arctanh(bounds.estimate.to_numpy() - np.eye(5))
    error, freedom = (m.fillna(1.0).to_numpy() for m in (bounds.standard_error, bounds.degrees_of_freedom))
    grid = np.linspace(0.0, 0.99, 2000)
    inside = 0.0
    for level in grid:
        matrix = np.tanh(z - stats.t.ppf(0.5 + 0.5 * level, freedom) * error)
        np.fill_diagonal(matrix, 1.0)
        if smallest_eigenvalue(matrix) < 0.0:
            break
        inside = level

    assert bounds.lower_level == pytest.approx(inside, abs=grid[1] * 1.01)


def test_equal_correlations_stop_at_minus_one_half():
    # Closed form: three equal correlations r are a correlation matrix down to -1/2.
    size = np.ones((3, 3))
    start = np.full((3, 3), -0.2)
    np.fill_diagonal(start, 1.0)
    path = LevelPath(start, 0.2 * size, 12.0 * size, -size)

    matrix, level = furthest_level(path, confidence=0.999)

    quantile = (np.arctanh(0.5) - np.arctanh(0.2)) / 0.2
    assert level == pytest.approx(2.0 * stats.t.cdf(quantile, 12.0) - 1.0, abs=1e-7)
    assert matrix[0, 1] == pytest.approx(-0.5, abs=1e-7)


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_the_furthest_share_is_the_one_that_bisection_finds(size, seed):
    rng = np.random.default_rng(seed)
    start = np.corrcoef(rng.standard_normal((size, 60)))
    target = np.clip(start + rng.uniform(-1.5, 1.5, (size, size)), -1.0, 1.0)
    target = np.tril(target, -1) + np.tril(target, -1).T + np.eye(size)

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if smallest_eigenvalue(start + middle * (target - start)) >= LEAST_EIGENVALUE:
            low = middle
        else:
            high = middle

    assert furthest_share(start, target) == pytest.approx(low, abs=1e-6)


def test_a_pair_has_the_interval_of_its_shocks():
    moves = frame_of(np.random.default_rng(3).standard_t(5, (300, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]]))

    bounds = correlation_bounds(moves, confidence=0.9, clip=np.inf)

    shocks = devolatilize(moves)
    expected = pearson_correlation(shocks["A"], shocks["B"], confidence=0.9)
    for side, value in (("lower", expected.lower), ("estimate", expected.correlation), ("upper", expected.upper)):
        assert getattr(bounds, side).loc["A", "B"] == pytest.approx(value, abs=1e-12)
    assert (bounds.n_obs, bounds.n_missing) == (290, 10)
    assert bounds.is_reached


def test_clipping_keeps_one_day_from_setting_the_matrix():
    values = np.random.default_rng(4).standard_normal((400, 2))
    values[200] = 60.0
    moves = frame_of(values)

    clipped, not_clipped = correlation_bounds(moves), correlation_bounds(moves, clip=np.inf)

    assert abs(clipped.estimate.loc["A", "B"]) < 0.2
    assert not_clipped.estimate.loc["A", "B"] > 0.7


def test_only_rows_that_every_column_has_are_used():
    values = np.random.default_rng(5).standard_normal((120, 3))
    values[10:30, 2] = np.nan
    moves = frame_of(values)

    gaps, complete = correlation_bounds(moves, half_life=None), correlation_bounds(moves.dropna(), half_life=None)

    np.testing.assert_array_equal(gaps.estimate, complete.estimate)
    assert (gaps.n_obs, gaps.n_missing) == (100, 20)


def test_columns_on_their_own_days_are_refused_by_name():
    values = np.random.default_rng(6).standard_normal((100, 3))
    values[15:, 1] = np.nan

    with pytest.raises(DataError, match="B has values on 15"):
        correlation_bounds(frame_of(values))


def test_a_sum_of_others_is_refused_as_singular():
    values = np.random.default_rng(7).standard_normal((200, 3))
    values[:, 2] = values[:, 0] + values[:, 1]

    with pytest.raises(DataError, match="correlation matrix of full rank"):
        correlation_bounds(frame_of(values), half_life=None)


def test_more_series_than_rows_are_refused_as_singular():
    times = pd.date_range("2020-01-01", periods=30, tz="UTC")
    moves = pd.DataFrame(np.random.default_rng(8).standard_normal((30, 40)), index=times)

    with pytest.raises(DataError, match="pass more rows than series"):
        correlation_bounds(moves.add_prefix("S"), half_life=None)


def test_the_same_series_twice_is_refused_with_its_names():
    values = np.random.default_rng(9).standard_normal((200, 3))
    values[:, 2] = 3.0 * values[:, 0]

    with pytest.raises(DataError, match=r"1\.000000, A and C"):
        correlation_bounds(frame_of(values), half_life=None)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95.0, 0.05])
def test_a_level_outside_the_range_is_refused(confidence):
    with pytest.raises(ArgumentError, match="confidence must be a fraction from"):
        correlation_bounds(frame_of(np.random.default_rng(1).standard_normal((90, 2))), confidence=confidence)


@pytest.mark.parametrize("clip", [0.0, -1.0, np.nan])
def test_a_clip_that_is_not_positive_is_refused(clip):
    with pytest.raises(ArgumentError, match="clip must be a positive number"):
        correlation_bounds(frame_of(np.random.default_rng(1).standard_normal((90, 2))), clip=clip)


def test_levels_a_constant_and_few_rows_are_refused():
    values = np.random.default_rng(1).standard_normal((90, 2))
    prices, halted = frame_of(100.0 + np.abs(values.cumsum(axis=0))), frame_of(values * np.array([1.0, 0.0]))

    with pytest.raises(DataError, match="look like levels"):
        correlation_bounds(prices)
    with pytest.raises(DataError, match="must vary; got 90 times the value 0 in B"):
        correlation_bounds(halted)
    with pytest.raises(DataError, match="at least 20 rows"):
        correlation_bounds(frame_of(values[:15]))


def test_few_rows_are_warned_of():
    with pytest.warns(SmallSampleWarning, match="40 complete pairs"):
        correlation_bounds(frame_of(np.random.default_rng(1).standard_normal((50, 2))))


def test_bounds_that_do_not_fit_are_warned_of():
    values = np.random.default_rng(0).standard_normal((90, 20)) + 0.8 * np.random.default_rng(1).standard_normal(
        (90, 1)
    )
    times = pd.date_range("2020-01-01", periods=90, tz="UTC")

    with pytest.warns(SmallSampleWarning, match=r"at 0\.95 do not fit together.*pairs' own box of netting_benefit"):
        correlation_bounds(pd.DataFrame(values, index=times).add_prefix("S"))


def test_result_is_frozen_and_tidy():
    bounds = correlation_bounds(frame_of(np.random.default_rng(1).standard_normal((90, 3))))

    assert bounds.to_frame().columns.tolist()[:6] == ["first", "second", "n", "estimate", "lower", "upper"]
    assert len(bounds.to_frame()) == 3
    assert "Higham distance of the pairs' bounds" in bounds.summary().index
    with pytest.raises(ValueError, match="read-only"):
        bounds.lower.iloc[0, 1] = 0.0


def garch_market(rng, *, n, correlation):
    """Simulated changes: GARCH(0.10, 0.87) each, multivariate t5 shocks with the given correlation."""
    warm = 250
    shocks = rng.standard_normal((warm + n, len(correlation))) @ np.linalg.cholesky(correlation).T
    shocks *= np.sqrt(3.0 / rng.chisquare(5.0, (warm + n, 1)))
    variance = np.ones(len(correlation))
    for row in shocks:
        row *= np.sqrt(variance)
        variance = 0.03 + 0.10 * row**2 + 0.87 * variance
    return frame_of(shocks[warm:])


@pytest.mark.slow
def test_entries_cover_the_truth_as_often_as_they_say():
    truth = np.array([[1.0, 0.8, 0.4, -0.3], [0.8, 1.0, 0.4, -0.2], [0.4, 0.4, 1.0, 0.0], [-0.3, -0.2, 0.0, 1.0]])
    pairs = np.triu_indices(4, k=1)
    rng = np.random.default_rng(1)
    covered, reached = [], 0
    for _ in range(600):
        bounds = correlation_bounds(garch_market(rng, n=260, correlation=truth))
        reached += bounds.is_reached
        inside = (bounds.lower.to_numpy() <= truth) & (truth <= bounds.upper.to_numpy())
        covered.append(inside[pairs])

    # Six pairs at a nominal 95 %: 600 draws have a standard error of 0.9 points each, 3 of them, and what the
    # interval itself is known to miss (92.5 to 96.5 %).
    assert reached > 590
    rates = np.mean(covered, axis=0)
    assert (rates > 0.925).all()
    assert (rates < 0.98).all()
    assert 0.94 < rates.mean() < 0.97


@pytest.mark.real
def test_real_markets_fit_together(real_data):
    close = pd.concat(
        {
            name: pd.read_csv(real_data / "daily" / f"{file}_1d.csv.gz", index_col="time")["close"]
            for name, file in {
                "BTC": "BTC-USDT_binance",
                "ETH": "ETH-USDT_binance",
                "SPX": "SPX",
                "GOLD": "GOLD",
            }.items()
        },
        axis=1,
    ).dropna()
    close.index = pd.to_datetime(close.index, utc=True)

    bounds = correlation_bounds(np.log(close).diff().iloc[1:])

    assert bounds.is_reached
    assert 0.7 < bounds.lower.loc["BTC", "ETH"] < bounds.upper.loc["BTC", "ETH"] < 0.9
    assert 0.05 < bounds.lower.loc["BTC", "SPX"] < bounds.upper.loc["BTC", "SPX"] < 0.4
