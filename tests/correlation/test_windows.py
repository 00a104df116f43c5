"""Rolling correlations of many series: values, hostile inputs, gaps, ties, look-ahead, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.correlation.windows import RollingCorrelations, rolling_correlations, window_correlations
from volkit.correlation.windows.blocks import pair_blocks
from volkit.errors import ArgumentError, DataError, SmallSampleWarning

METHODS = ("pearson", "spearman", "kendall")
HOSTILE = ("returns", "level 1e4", "level 1e6", "bad print 1e6", "bad print 1e10", "halt", "ties", "constant windows")


def exact_pearson(x, y):
    """Two passes in extended precision; NaN when a side is constant."""
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return np.nan
    u, v = (a.astype(np.longdouble) - a.astype(np.longdouble).mean() for a in (x, y))
    return float((u * v).sum() / np.sqrt((u * u).sum() * (v * v).sum()))


def slow_spearman(x, y):
    """Pearson of the average ranks, from the definition of a rank as a count."""
    ranks = [[(a < v).sum() + 0.5 * ((a == v).sum() + 1) for v in a] for a in (x, y)]
    return exact_pearson(*map(np.array, ranks))


def slow_kendall(x, y):
    """tau-b by its definition: every pair of rows."""
    s_x, s_y = (np.sign(a[:, None] - a[None, :]) for a in (x, y))
    n_x, n_y = (s_x**2).sum(), (s_y**2).sum()
    return np.nan if n_x * n_y == 0 else (s_x * s_y).sum() / np.sqrt(n_x * n_y)


SLOW = {"pearson": exact_pearson, "spearman": slow_spearman, "kendall": slow_kendall}


def returns_of(n_obs=400, n_series=5, *, seed=1, missing=0.0):
    rng = np.random.default_rng(seed)
    values = (rng.standard_t(5, (n_obs, n_series)) + rng.standard_t(5, (n_obs, 1))) * 0.02
    values[rng.random(values.shape) < missing] = np.nan
    return values


def hostile(kind, n_obs=500):
    """The inputs that break moving sums: levels, a bad print that comes and goes, a halt, ties, constants."""
    values = returns_of(n_obs)
    if kind.startswith("level"):
        values += float(kind.split()[1])
    elif kind.startswith("bad print"):
        values[170, 1] *= float(kind.split()[2])
    elif kind == "halt":
        values[200:300, 1] = 0.0
    elif kind == "ties":
        values = np.round(values * 50.0)
    elif kind == "constant windows":
        values[100:190, 0] = 0.01
        values[150:230, 1] = -3e-5
        values[240:330, :2] = 7.7
    return values


def expected(values, window, minimum, slow, ends):
    """A plain loop over windows and pairs."""
    rows = []
    for end in ends:
        part = values[end + 1 - window : end + 1]
        row = []
        for i, j in zip(*np.triu_indices(values.shape[1], k=1), strict=True):
            both = part[np.isfinite(part[:, [i, j]]).all(axis=1)]
            row.append(slow(both[:, i], both[:, j]) if len(both) >= minimum else np.nan)
        rows.append(row)
    return np.array(rows)


def frame_of(values, **names):
    times = pd.date_range("2022-01-01", periods=len(values), tz="UTC", name="time", unit="us")
    return pd.DataFrame(values, index=times, columns=[f"S{i}" for i in range(values.shape[1])])


# Values


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("method", METHODS)
def test_errors_stay_below_1e_12_on_hostile_inputs(method, kind):
    values, window = hostile(kind), 60
    ends = np.arange(window - 1, len(values)) if method == "pearson" else np.arange(window - 1, len(values), 9)

    found, _ = window_correlations(values, window=window, minimum=window, method=method)

    with np.errstate(invalid="ignore"):
        wanted = expected(values, window, window, SLOW[method], ends)
    np.testing.assert_allclose(found[ends], wanted, rtol=0.0, atol=1e-12)  # NaN equals NaN only
    assert not (np.abs(found) > 1.0).any()
    assert np.isnan(found[: window - 1]).all()
    if kind in ("halt", "constant windows"):
        assert np.isnan(found[window - 1 :]).any()


@pytest.mark.parametrize("window", [30, 90, 250])
def test_pearson_equals_extended_precision_on_returns(window):
    values = returns_of(700, 6, seed=2)
    ends = np.arange(window - 1, 700, 7)

    found, counts = window_correlations(values, window=window, minimum=window, method="pearson")

    np.testing.assert_allclose(found[ends], expected(values, window, window, exact_pearson, ends), rtol=0, atol=1e-14)
    assert (counts[window - 1 :] == window).all()


@pytest.mark.parametrize("scale", [1e-170, 1e-150, 1e150, 1e170])
def test_pearson_survives_units_whose_squares_do_not(scale):
    values = returns_of(200, 3)

    found, _ = window_correlations(values * np.array([1.0, scale, scale]), window=60, minimum=60, method="pearson")

    plain, _ = window_correlations(values, window=60, minimum=60, method="pearson")
    np.testing.assert_allclose(found, plain, rtol=0, atol=1e-13)


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_pearson_of_a_perfect_line_is_one_and_not_above(scale):
    x = returns_of(300, 1)[:, 0]

    found, _ = window_correlations(np.column_stack([x, scale * x, 3.0 - x]), window=40, minimum=40, method="pearson")

    np.testing.assert_allclose(found[39:], np.tile([1.0, -1.0, -1.0], (261, 1)), rtol=0, atol=1e-13)
    assert np.abs(found[39:]).max() <= 1.0


@pytest.mark.parametrize("method", ["spearman", "kendall"])
@pytest.mark.parametrize("window", [33, 100, 420])
def test_ranks_equal_scipy_with_and_without_ties(method, window):
    values = returns_of(900, 5, seed=3)
    values[:, 3:] = np.round(values[:, 3:], 2)
    ends = np.arange(window - 1, 900, 97)
    scipy = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}[method]

    found, _ = window_correlations(values, window=window, minimum=window, method=method)

    wanted = expected(values, window, window, lambda x, y: scipy(x, y).statistic, ends)
    np.testing.assert_allclose(found[ends], wanted, rtol=0, atol=1e-14)


# Gaps


def gappy(kind):
    values = returns_of(400, 5, seed=4)
    if kind == "random":
        values[np.random.default_rng(5).random(values.shape) < 0.15] = np.nan
    elif kind == "weekends":
        values[np.arange(400) % 7 >= 5, 2:] = np.nan
    elif kind == "listed one after another":
        for i, first in enumerate((0, 40, 40, 130, 260)):
            values[:first, i] = np.nan
    elif kind == "one row":
        values[250, 1] = np.nan
    return values


@pytest.mark.parametrize("kind", ["random", "weekends", "listed one after another", "one row"])
@pytest.mark.parametrize("method", METHODS)
def test_missing_rows_leave_each_pair_its_own_complete_rows(method, kind):
    values, window, minimum = gappy(kind), 50, 33
    ends = np.arange(window - 1, 400, 11)

    found, counts = window_correlations(values, window=window, minimum=minimum, method=method)

    np.testing.assert_allclose(found[ends], expected(values, window, minimum, SLOW[method], ends), rtol=0, atol=1e-12)
    seen = np.isfinite(values)
    for k, (i, j) in enumerate(zip(*np.triu_indices(5, k=1), strict=True)):
        both = pd.Series(seen[:, i] & seen[:, j]).rolling(window, min_periods=1).sum()
        np.testing.assert_array_equal(counts[:, k], both)


def test_pair_blocks_hold_every_pair_once_with_its_complete_rows():
    complete = np.isfinite(np.column_stack([gappy("weekends"), gappy("random")[:, :3], gappy("weekends")[:, :1]]))
    first, second = np.triu_indices(complete.shape[1], k=1)

    blocks = list(pair_blocks(complete))

    assert sorted(np.concatenate([block.places for block in blocks])) == list(range(len(first)))
    for block in blocks:
        for place in block.places:
            np.testing.assert_array_equal(block.rows, complete[:, first[place]] & complete[:, second[place]])


def test_a_halt_is_nan_for_its_own_pairs_only():
    values = hostile("halt")

    found, _ = window_correlations(values, window=60, minimum=60, method="pearson")

    inside = np.isnan(found[259:300])
    assert inside.tolist() == [[1 in pair for pair in zip(*np.triu_indices(5, k=1), strict=True)]] * 41
    assert not np.isnan(found[59:259]).any() and not np.isnan(found[300:]).any()


# Invariants and look-ahead


@pytest.mark.parametrize("method", METHODS)
def test_correlations_do_not_feel_order_sign_or_unit(method):
    values = gappy("random")
    rng = np.random.default_rng(6)
    for _ in range(5):
        order, signs, units = rng.permutation(5), rng.choice([-1.0, 1.0], 5), 10.0 ** rng.uniform(-6, 6, 5)

        found, counts = window_correlations((values * signs * units)[:, order], window=60, minimum=20, method=method)

        plain, plain_counts = window_correlations(values, window=60, minimum=20, method=method)
        square = np.zeros((5, 5), dtype=int)
        first, second = np.triu_indices(5, k=1)
        square[first, second] = square[second, first] = np.arange(10)
        places = square[order[first], order[second]]
        turned = signs[order[first]] * signs[order[second]]
        np.testing.assert_allclose(found, plain[:, places] * turned, rtol=0, atol=1e-13)
        np.testing.assert_array_equal(counts, plain_counts[:, places])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["random", "weekends", "one row", "halt", "bad print 1e10", "ties"])
def test_later_rows_change_no_bit(method, kind):
    values = hostile(kind) if kind in HOSTILE else gappy(kind)
    whole, counts = window_correlations(values, window=60, minimum=40, method=method)

    for end in (61, 137, 180, 249, 251, 333):
        cut, cut_counts = window_correlations(values[:end], window=60, minimum=40, method=method)

        np.testing.assert_array_equal(cut.view(np.int64), whole[:end].view(np.int64))
        np.testing.assert_array_equal(cut_counts, counts[:end])


@pytest.mark.parametrize("method", METHODS)
def test_earlier_rows_are_forgotten(method):
    values = hostile("bad print 1e10")
    whole, _ = window_correlations(values, window=60, minimum=60, method=method)

    late, _ = window_correlations(values[200:], window=60, minimum=60, method=method)

    np.testing.assert_allclose(late[59:], whole[259:], rtol=0, atol=1e-13)


# The public function


@pytest.mark.parametrize("method", METHODS)
def test_result_names_pairs_counts_and_clock(method):
    values = gappy("weekends")
    moves = frame_of(values)

    found = rolling_correlations(moves, window=70, method=method, periods_per_year=365)

    assert isinstance(found, RollingCorrelations)
    assert found.names == list(moves.columns)
    assert (found.window, found.minimum, found.n_obs, found.as_of) == (70, 35, 400, moves.index[-1])
    pair = found.pair("S3", "S1")
    assert pair["n"].iloc[-1] == np.isfinite(values[-70:, 3]).sum()
    np.testing.assert_array_equal(pair["correlation"], found.values["S1", "S3"])
    assert found.matrix().loc["S3", "S1"] == found.matrix().loc["S1", "S3"] == pair["correlation"].iloc[-1]
    assert found.to_frame().shape == (400 * 10, 5)
    row = found.to_frame().query("first == 'S1' and second == 'S3'").iloc[-1]
    assert (row["correlation"], row["n"]) == (pair["correlation"].iloc[-1], pair["n"].iloc[-1])
    assert found.summary().loc[("S1", "S3"), "latest"] == pair["correlation"].iloc[-1]
    assert repr(found).startswith("<RollingCorrelations: 5 series, 10 pairs, ")
    with pytest.raises(ValueError, match="read-only"):
        found.values.to_numpy()[0, 0] = 1.0


def test_pearson_equals_pandas_pairwise():
    moves = frame_of(returns_of())

    found = rolling_correlations(moves, window=90, periods_per_year=365)

    wanted = moves.rolling(90).corr(pairwise=True)
    np.testing.assert_allclose(found.values["S0", "S4"], wanted["S4"].xs("S0", level=1), rtol=0, atol=1e-12)


def test_a_short_window_warns():
    with pytest.warns(SmallSampleWarning, match="rests on 30"):
        rolling_correlations(frame_of(returns_of()), window=30, periods_per_year=365)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 5}, "window must be a whole number of at least 10 periods; got 5"),
        ({"window": 500}, "window must fit into the 400 rows of the sample; got 500"),
        ({"window": 60, "minimum": 70}, "minimum must fit into the window of 60; got 70"),
        ({"window": 60, "method": "gerber"}, "method must be one of pearson, spearman, kendall; got 'gerber'"),
        ({"window": 60, "periods_per_year": 0}, "periods_per_year must be a positive number"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        rolling_correlations(frame_of(returns_of()), **{"periods_per_year": 365, **arguments})


def test_levels_and_spans_without_overlap_are_refused():
    values = returns_of()
    levels = frame_of(100.0 + values)
    with pytest.raises(DataError, match="look like levels"):
        rolling_correlations(levels, window=60, periods_per_year=365)

    values = values[:, :2]
    values[:200, 0], values[200:, 1] = np.nan, np.nan
    with pytest.raises(DataError, match="must have 30 complete pairs in some window; got at most 0 in 60 rows"):
        rolling_correlations(frame_of(values), window=60, periods_per_year=365)


def test_unknown_names_and_times_are_named():
    found = rolling_correlations(frame_of(returns_of()), window=90, periods_per_year=365)
    with pytest.raises(ArgumentError, match="first must be one of S0, S1, S2, S3, S4; got 'BTC'"):
        found.pair("BTC", "S1")
    with pytest.raises(ArgumentError, match="second must be another series than the first"):
        found.pair("S1", "S1")
    with pytest.raises(ArgumentError, match="at must be a time"):
        found.matrix(pd.Timestamp("1999-01-01", tz="UTC"))
