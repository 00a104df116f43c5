"""What gives away a series that is no series of changes: a random walk, or closes carried forward.

Plain arrays enter; a `Suspicion` in words, or None, leaves. The checks are so strict that real changes pass:
they ask for a unit root that a Dickey-Fuller test cannot reject, or for zeros that follow the calendar.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Suspicion", "find_carried_forward", "find_random_walk"]

# Observations from which a lag-one autocorrelation near one is no accident.
_WALK_FROM = 60
_LEAST_AUTOCORRELATION = 0.9
# 5 % point of n (rho - 1) under a unit root with a constant (Fuller 1976, table 8.5.1).
_DICKEY_FULLER = -13.7
# A slot of the week (a weekday, or a weekday and an hour) is dead when nearly all of its changes are zero, alive
# when most are not; a closed market has both kinds, and a series that rounds to zero now and then has neither.
_DEAD, _ALIVE = 0.95, 0.5
_LEAST_IN_SLOT = 8
_LEAST_DEAD_ROWS = 0.15
# A monthly value on daily rows: hardly any change, again and again.
_STEPS, _LEAST_RUNS, _LEAST_RUN = 0.8, 10, 3


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What was found and what to do, as clauses of an error message."""

    got: str
    remedy: str


def find_random_walk(values: np.ndarray) -> Suspicion | None:
    """Return what makes an array of shape (n_obs,) look like levels, NaN left out; None for changes.

    Notes
    -----
    A series is refused from 60 adjacent pairs when its lag-one autocorrelation rho is above 0.9 and
    n (rho - 1) > -13.7, so that Dickey and Fuller's test cannot reject a unit root at 5 % (Fuller 1976,
    "Introduction to Statistical Time Series", table 8.5.1). Independent changes never come near.

    Examples
    --------
    >>> walk = np.random.default_rng(1).standard_normal(500).cumsum()
    >>> find_random_walk(walk).got, find_random_walk(np.diff(walk)) is None
    ('a lag-one autocorrelation of 1.00, as a random walk has', True)
    """
    before, after = values[:-1], values[1:]
    adjacent = np.isfinite(before) & np.isfinite(after)
    n = int(adjacent.sum())
    if n < _WALK_FROM:
        return None
    before, after = before[adjacent], after[adjacent]
    # Divided first, so that the squares of a bad print do not overflow.
    first, second = before - before.mean(), after - after.mean()
    largest = np.abs(first).max(), np.abs(second).max()
    if min(largest) == 0.0:
        return None
    first, second = first / largest[0], second / largest[1]
    # Over the size of both, so that one large last value is no trend.
    autocorrelation = float(first @ second / np.sqrt((first @ first) * (second @ second)))
    if autocorrelation < _LEAST_AUTOCORRELATION or n * (autocorrelation - 1.0) < _DICKEY_FULLER:
        return None
    return Suspicion(
        f"a lag-one autocorrelation of {autocorrelation:.2f}, as a random walk has",
        "take changes first, e.g. volkit.changes(panel); two random walks correlate by chance alone",
    )


def find_carried_forward(values: np.ndarray, index: pd.DatetimeIndex) -> Suspicion | None:
    """Return the run of zeros that gives away closes carried forward; None where there is no such pattern.

    Parameters
    ----------
    values : ndarray, shape (n_obs,)
        Changes; NaN is no zero.
    index : DatetimeIndex, shape (n_obs,)
        UTC.

    Notes
    -----
    Two patterns count: slots of the week in which at least 95 % of changes are zero while most others are not (a
    market that closes, on a clock that does not), and 80 % of zeros in ten or more runs of at least three rows (a
    monthly value on daily rows). A single halt or a currency peg is neither.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=140, tz="UTC")
    >>> filled = np.where(days.day_of_week >= 5, 0.0, np.random.default_rng(1).standard_normal(140))
    >>> find_carried_forward(filled, days).got
    '40 of 140 changes exactly zero, again and again at the same times of the week, first from 2024-01-06 to 2024-01-07'
    """
    zero = values == 0.0
    share = zero.mean() if len(zero) else 0.0
    if share < _LEAST_DEAD_ROWS:
        return None
    remedy = "do not forward-fill: leave closed hours missing, or align on the clock of the market that closes"
    dead = _dead_rows(zero, index)
    if dead.mean() >= _LEAST_DEAD_ROWS:
        return Suspicion(f"{_first_run(zero & dead, index, zero)}", remedy)
    starts, lengths = _runs(zero)
    long = lengths >= _LEAST_RUN
    if share >= _STEPS and long.sum() >= _LEAST_RUNS:
        first, last = index[starts[long][0]], index[starts[long][0] + lengths[long][0] - 1]
        got = f"{zero.sum()} of {len(zero)} changes exactly zero, in {long.sum()} runs, first from {first} to {last}"
        return Suspicion(got, "do not forward-fill: keep the rows with a release only, or use an event study")
    return None


def _dead_rows(zero: np.ndarray, index: pd.DatetimeIndex) -> np.ndarray:
    slot = np.asarray(index.day_of_week) * 24 + np.asarray(index.hour)
    count = np.bincount(slot, minlength=168)
    share = np.bincount(slot, weights=zero, minlength=168) / np.maximum(count, 1)
    used = count >= _LEAST_IN_SLOT
    dead = used & (share >= _DEAD)
    rest = ~dead[slot]
    # Without living slots beside the dead ones the series is halted, not filled.
    if not dead.any() or not rest.any() or zero[rest].mean() > _ALIVE:
        return np.zeros(len(zero), dtype=bool)
    return np.asarray(dead[slot])


def _first_run(run: np.ndarray, index: pd.DatetimeIndex, zero: np.ndarray) -> str:
    starts, lengths = _runs(run)
    first, last = index[starts[0]], index[starts[0] + lengths[0] - 1]
    words = (first.date(), last.date()) if first.normalize() == first and last.normalize() == last else (first, last)
    return (
        f"{int(zero.sum())} of {len(zero)} changes exactly zero, again and again at the same times of the week, "
        f"first from {words[0]} to {words[1]}"
    )


def _runs(flag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edges = np.flatnonzero(np.diff(np.r_[False, flag, False]))
    return edges[::2], edges[1::2] - edges[::2]
