"""The floor through the cycle: calm rows never loosen it, and its first review is a closed form."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.correlation.bounds import through_the_cycle
from volkit.errors import ArgumentError

SIZE = 4


def frame_of(values):
    times = pd.date_range("2015-01-01", periods=len(values), tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=list("ABCDEFGH"[: values.shape[1]]))


def with_factor(rng, n, loading):
    """Simulated changes with one common factor; the correlation is loading^2 / (1 + loading^2)."""
    return rng.standard_normal((n, SIZE)) + loading * rng.standard_normal((n, 1))


def cycle_of(values, **options):
    chosen = {"window": 60, "recent": 100, "review": 40, "half_life": None, **options}
    return through_the_cycle(frame_of(values), **chosen)


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.integers(1, 120))
def test_appended_rows_never_loosen_the_floor(seed, before, after, n_appended):
    # Calm rows or not: no review that was made is undone by rows that come later.
    rng = np.random.default_rng(seed)
    history = with_factor(rng, 240, before)
    longer = np.vstack([history, with_factor(rng, n_appended, after)])

    then, now = cycle_of(history), cycle_of(longer)

    assert (now.floor <= then.floor).all(axis=None)
    assert (now.ceiling >= then.ceiling).all(axis=None)
    pd.testing.assert_frame_equal(now.reviews.iloc[: len(then.reviews)], then.reviews, check_freq=False)


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 3.0))
def test_every_matrix_is_ordered_and_positive_definite(seed, loading):
    cycle = cycle_of(with_factor(np.random.default_rng(seed), 260, loading))

    for matrix in (cycle.lower, cycle.floor, cycle.upper, cycle.ceiling):
        assert np.linalg.eigvalsh(matrix)[0] > 0.0
        assert (np.diag(matrix) == 1.0).all()
    assert (cycle.lower <= cycle.floor).all(axis=None)
    assert (cycle.upper >= cycle.ceiling).all(axis=None)
    assert (cycle.lower <= cycle.current.lower + cycle.shortfall + 1e-12).all(axis=None)
    assert (cycle.upper >= cycle.current.upper - cycle.shortfall - 1e-12).all(axis=None)


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 2.0), st.floats(0.5, 0.999), st.floats(0.5, 0.999))
def test_a_higher_level_never_narrows_what_fits_together(seed, loading, one, other):
    values = with_factor(np.random.default_rng(seed), 260, loading)

    low, high = (cycle_of(values, confidence=c) for c in sorted([one, other]))

    np.testing.assert_array_equal(low.floor, high.floor)
    if max(low.shortfall, high.shortfall) <= 1e-12:
        assert (high.lower <= low.lower + 1e-12).all(axis=None)
        assert (high.upper >= low.upper - 1e-12).all(axis=None)


def test_calm_times_do_not_give_back_what_a_crisis_took():
    # A crisis in which hedges fail (no correlation at all), then a long calm with a high one.
    rng = np.random.default_rng(1)
    crisis, calm = with_factor(rng, 120, 0.0), with_factor(rng, 600, 2.0)
    history = np.vstack([with_factor(rng, 300, 2.0), crisis])

    in_crisis, in_calm = cycle_of(history), cycle_of(np.vstack([history, calm]))

    assert in_calm.current.lower.iloc[0, 1] > 0.6
    assert in_calm.lower.iloc[0, 1] <= in_crisis.floor.iloc[0, 1] < 0.65
    assert in_calm.lower.iloc[0, 1] < in_calm.current.lower.iloc[0, 1]


def test_one_review_is_the_weighted_mean_of_history_and_window():
    values = with_factor(np.random.default_rng(2), 139, 1.0)

    cycle = cycle_of(values, review=120, stress_weight=0.4)

    known = frame_of(values[:120])
    windows = [known.iloc[k : k + 60].corr() for k in range(61)]
    average = [(w.to_numpy().sum() - SIZE) for w in windows]
    for matrix, worst in ((cycle.floor, np.argmin(average)), (cycle.ceiling, np.argmax(average))):
        np.testing.assert_allclose(matrix, 0.6 * known.corr() + 0.4 * windows[worst], atol=1e-12)
    assert len(cycle.reviews) == 1
    assert cycle.reviews["lowest_window"].iloc[0] == known.index[np.argmin(average)]


def test_a_review_lapses_after_the_lookback():
    rng = np.random.default_rng(3)
    history = np.vstack([with_factor(rng, 160, 0.0), with_factor(rng, 700, 2.0)])

    forever, recent = cycle_of(history), cycle_of(history, lookback=300)

    assert forever.floor.iloc[0, 1] < 0.25
    assert recent.floor.iloc[0, 1] > 0.6
    assert (recent.reviews["n"] <= 300).all()
    assert recent.reviews.index[0] > frame_of(history).index[-1] - pd.Timedelta(days=300)


def test_worst_values_that_do_not_fit_together_are_said():
    # Signs that turn: each pair's lowest value comes from another time, and no matrix has all of them.
    rng = np.random.default_rng(4)
    parts = [
        rng.standard_normal((200, 3)) * 0.3 + np.array(signs) * rng.standard_normal((200, 1))
        for signs in ([1, -1, 1], [1, 1, -1], [-1, 1, 1])
    ]

    cycle = cycle_of(np.vstack(parts), recent=100, window=60, stress_weight=1.0)

    assert cycle.shortfall > 0.05
    assert cycle.reviews["floor_share"].min() < 1.0
    assert np.linalg.eigvalsh(cycle.lower)[0] > 0.0


def test_spans_and_weights_that_cannot_be_used_are_refused():
    values = with_factor(np.random.default_rng(5), 200, 1.0)

    with pytest.raises(ArgumentError, match=r"stress_weight must be a fraction from 0\.25 .*Article 28"):
        cycle_of(values, stress_weight=0.2)
    with pytest.raises(ArgumentError, match="recent must fit into 200"):
        cycle_of(values, recent=201)
    with pytest.raises(ArgumentError, match="recent must be a whole number of at least 60"):
        cycle_of(values, recent=50)
    with pytest.raises(ArgumentError, match="review must come round once"):
        cycle_of(values, review=201)
    with pytest.raises(ArgumentError, match="lookback must be a whole number of at least 140"):
        cycle_of(values, lookback=120)


def test_the_result_says_its_reviews():
    cycle = cycle_of(with_factor(np.random.default_rng(6), 260, 1.0))

    assert cycle.headline.startswith("4 series, 4 reviews, stressed windows at 25 %, 260 rows 2015-01-01..")
    assert cycle.summary().index[0] == "A and B"
    assert cycle.to_frame().columns.tolist()[-2:] == ["lower", "upper"]
