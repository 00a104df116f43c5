"""Stressed windows against a plain loop, and shocks that stay correlation matrices for all inputs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.correlation.bounds import stressed_correlation, stressed_window
from volkit.correlation.inference import devolatilize
from volkit.errors import ArgumentError, DataError, SmallSampleWarning

NAMES = ["BTC", "ETH", "SPX"]


def frame_of(values, names=NAMES):
    times = pd.date_range("2020-01-01", periods=len(values), tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=names)


def planted(seed=1, *, n=600, start=300, length=90):
    """Simulated changes, independent but for one span with a common factor and twice the volatility."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, 3))
    values[start : start + length] = values[start : start + length] + 3.0 * rng.standard_normal((length, 1))
    return frame_of(values)


def matrix_of(values, names=NAMES):
    return pd.DataFrame(np.asarray(values, dtype=float), index=names, columns=names)


@st.composite
def correlation_matrices(draw, size=None):
    size = size or draw(st.integers(2, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # From full rank to rank one, the singular ones too.
    rank = draw(st.integers(1, size))
    factor = rng.standard_normal((size, rank))
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)
    return matrix_of(factor @ factor.T, [f"S{i}" for i in range(size)])


def test_a_planted_stress_is_found():
    found = stressed_window(planted(), window=90)

    # To a sixth of the window: at its ends few rows decide.
    assert abs((found.bounds.start - planted().index[300]).days) <= 15
    assert found.correlation.loc["BTC", "SPX"] > 0.7
    assert found.scores.median() < 0.2 < found.score
    assert found.bounds.n_obs == found.window == 90
    assert found.bounds.as_of < found.as_of == planted().index[-1]


@pytest.mark.parametrize(
    ("rule", "extra"),
    [
        ("highest", {}),
        ("lowest", {}),
        ("factor", {"factor": "SPX"}),
        ("portfolio", {"weights": pd.Series({"BTC": 1, "SPX": -2, "ETH": 0.5})}),
    ],
)
def test_scores_are_those_of_a_plain_loop(rule, extra):
    moves = planted(2, n=250, start=100)
    moves.iloc[[40, 41, 130], 1] = np.nan

    found = stressed_window(moves, window=60, rule=rule, clip=np.inf, **extra)

    shocks = devolatilize(moves).dropna()
    raw = moves.loc[shocks.index]
    expected = []
    for end in range(60, len(shocks) + 1):
        corr = shocks.iloc[end - 60 : end].corr()
        if rule == "portfolio":
            expected.append(float((raw.iloc[end - 60 : end] @ extra["weights"][NAMES]).var(ddof=0)))
        elif rule == "factor":
            expected.append(corr.loc["SPX", ["BTC", "ETH"]].mean())
        else:
            expected.append((corr.loc["BTC", "ETH"] + corr.loc["BTC", "SPX"] + corr.loc["ETH", "SPX"]) / 3)
    np.testing.assert_allclose(found.scores, expected, atol=1e-10)
    worst = int(np.argmin(expected) if rule == "lowest" else np.argmax(expected))
    assert (found.bounds.start, found.bounds.as_of) == (shocks.index[worst], shocks.index[worst + 59])
    np.testing.assert_allclose(found.correlation, shocks.iloc[worst : worst + 60].corr(), atol=1e-10)


def test_later_rows_change_no_score():
    moves = planted(3)
    changed = moves.copy()
    changed.iloc[400:] = np.random.default_rng(9).standard_normal((200, 3)) * 50

    whole, prefix = stressed_window(changed, window=90), stressed_window(moves.iloc[:400], window=90)

    np.testing.assert_array_equal(whole.scores.loc[prefix.scores.index], prefix.scores)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["highest", "lowest"]))
def test_every_stressed_matrix_is_positive_definite_with_gaps(seed, rule):
    rng = np.random.default_rng(seed)
    # A triangular mix keeps the estimate away from singular ones, which are refused.
    values = rng.standard_t(3, (140, 4)) @ (np.eye(4) + np.triu(rng.standard_normal((4, 4)), k=1))
    values[rng.random((140, 4)) < 0.05] = np.nan

    found = stressed_window(frame_of(values, list("ABCD")), window=60, rule=rule, half_life=None)

    for matrix in (found.bounds.lower, found.correlation, found.bounds.upper):
        assert np.linalg.eigvalsh(matrix)[0] > 0.0


def test_windows_and_rules_that_cannot_be_used_are_refused():
    moves = planted()

    with pytest.raises(ArgumentError, match="window must be a whole number of at least 20"):
        stressed_window(moves, window=10)
    with pytest.raises(ArgumentError, match="window must fit into 590 complete rows"):
        stressed_window(moves, window=591)
    with pytest.raises(ArgumentError, match="rule must be one of highest, lowest, factor, portfolio"):
        stressed_window(moves, window=90, rule="worst")
    with pytest.raises(ArgumentError, match="factor must be given with rule='factor'"):
        stressed_window(moves, window=90, rule="factor")
    with pytest.raises(ArgumentError, match="weights must be given with rule='portfolio', and with no other; got it"):
        stressed_window(moves, window=90, weights=pd.Series({"BTC": 1.0, "ETH": 0.0, "SPX": 0.0}))
    with pytest.raises(ArgumentError, match="factor must be a column of changes; got 'VIX'"):
        stressed_window(moves, window=90, rule="factor", factor="VIX")
    with pytest.raises(DataError, match="weights must name every series"):
        stressed_window(moves, window=90, rule="portfolio", weights=pd.Series({"BTC": 1.0}))


def test_a_series_that_stood_still_for_a_window_is_named_by_time():
    moves = planted()
    moves.iloc[200:330, 2] = 0.0

    with pytest.raises(DataError, match="must vary in every window; got a constant series in the one to 2020-"):
        stressed_window(moves, window=60)


def test_a_short_window_is_warned_of():
    with pytest.warns(SmallSampleWarning, match="rests on 30"):
        stressed_window(planted(), window=30)


@given(correlation_matrices(), st.floats(0.0, 1.0), st.floats(-1.0, 1.0), st.integers(0, 2**32 - 1))
def test_a_shocked_matrix_is_a_correlation_matrix(matrix, severity, level, seed):
    names = matrix.index
    signs = pd.Series(np.random.default_rng(seed).choice([-1.0, 1.0], len(names)), index=names)

    for towards in (1.0, -1.0, level, signs):
        shocked = stressed_correlation(matrix, severity=severity, towards=towards)

        assert np.linalg.eigvalsh(shocked)[0] > -1e-12
        assert (np.diag(shocked) == 1.0).all()
        assert (shocked.abs() <= 1.0 + 1e-12).all(axis=None)


@given(correlation_matrices(size=4), correlation_matrices(size=4), st.floats(0.0, 1.0))
def test_a_shock_towards_a_matrix_is_the_convex_combination(matrix, other, severity):
    shuffled = other.iloc[::-1, ::-1]

    shocked = stressed_correlation(matrix, severity=severity, towards=shuffled)

    np.testing.assert_allclose(shocked, (1 - severity) * matrix + severity * other, atol=1e-15)


def test_severity_is_monotone_and_ends_at_the_extreme():
    matrix = matrix_of([[1, 0.4, 0.1], [0.4, 1, -0.2], [0.1, -0.2, 1]])
    path = [stressed_correlation(matrix, severity=s).to_numpy() for s in np.linspace(0, 1, 11)]

    assert (np.diff(path, axis=0) >= 0.0).all()
    np.testing.assert_array_equal(path[0], matrix)
    np.testing.assert_array_equal(path[-1], np.ones((3, 3)))
    # The lowest correlation that three series can share.
    lowest = stressed_correlation(matrix, severity=1.0, towards=-1.0).loc["BTC", "ETH"]
    assert lowest == -0.5
    blocs = stressed_correlation(matrix, severity=1.0, towards=pd.Series({"BTC": 1, "ETH": 1, "SPX": -1}))
    assert blocs.loc["BTC"].tolist() == [1.0, 1.0, -1.0]


def test_matrices_that_are_none_are_refused_by_name():
    good = matrix_of(np.eye(3))
    bad = matrix_of([[1, 1, 0], [1, 1, 1], [0, 1, 1]])

    with pytest.raises(DataError, match=r"matrix must be positive semi-definite; got .* -0\.414; repair it by name"):
        stressed_correlation(bad, severity=0.5)
    with pytest.raises(DataError, match="towards must be positive semi-definite"):
        stressed_correlation(good, severity=0.5, towards=bad)
    with pytest.raises(DataError, match="matrix must have ones on its diagonal"):
        stressed_correlation(2.0 * good, severity=0.5)
    with pytest.raises(DataError, match="matrix must be finite"):
        stressed_correlation(good.replace(0.0, np.nan), severity=0.5)
    with pytest.raises(DataError, match="matrix must be symmetric"):
        stressed_correlation(matrix_of([[1, 0.2, 0], [0, 1, 0], [0, 0, 1]]), severity=0.5)
    with pytest.raises(DataError, match="towards must have the names of the matrix"):
        stressed_correlation(good, severity=0.5, towards=matrix_of(np.eye(3), ["A", "B", "C"]))


def test_shocks_that_cannot_be_used_are_refused():
    good = matrix_of(np.eye(3))

    with pytest.raises(ArgumentError, match="severity must be a fraction from 0 to 1"):
        stressed_correlation(good, severity=1.5)
    with pytest.raises(ArgumentError, match="towards must lie from -1 to 1"):
        stressed_correlation(good, severity=0.5, towards=np.nan)
    with pytest.raises(DataError, match="towards must hold signs"):
        stressed_correlation(good, severity=0.5, towards=pd.Series({"BTC": 1, "ETH": 0.5, "SPX": 1}))
