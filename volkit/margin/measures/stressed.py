"""Tail risks of the worst window known so far: what stress asks, and nothing that came later.

Returns over the margin period of risk and the number of them known at each row enter; one row a period leaves.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from volkit.errors import DataError
from volkit.margin.measures.sampled import tails_of_samples
from volkit.margin.rates import require_tail

__all__ = ["WorstWindows", "stressed_tails", "worst_windows"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

# Rows of a sliding window copied at a time: keeps hourly histories within a few tens of megabytes.
_CHUNK = 8192


class WorstWindows(NamedTuple):
    """The worst window known at each row.

    Attributes
    ----------
    starts : ndarray of int, shape (n_rows,)
        Position of its first scenario.
    tails : ndarray, shape (n_rows, 2)
        Its Value at Risk and expected shortfall, fractions of the notional.
    """

    starts: Counts
    tails: Floats


def worst_windows(held: Floats, known: Counts, *, width: int, confidence: float, column: int) -> WorstWindows:
    """Return at each row the window of `width` scenarios with the highest tail among those known by then.

    Parameters
    ----------
    held : ndarray, shape (n_scenarios,)
        Simple returns over the margin period of risk, decimals, in order of time.
    known : ndarray of int, shape (n_rows,)
        Scenarios known at each row.
    confidence : float
        For example 0.99.
    width : int
        Scenarios of a window.
    column : int
        Measure by which windows are ranked: Value at Risk and expected shortfall of long positions, then of short
        ones; among equals the first counts.

    Returns
    -------
    WorstWindows
        Starts, shape (n_rows,), and tails of that side, shape (n_rows, 2).

    Raises
    ------
    ArgumentError
        When a window holds too few scenarios for the confidence.
    DataError
        When the first row does not know a whole window.

    Examples
    --------
    >>> held = np.r_[np.full(100, 0.01), np.full(100, -0.05), np.full(100, 0.02)]
    >>> worst_windows(held, np.array([150, 300]), width=100, confidence=0.99, column=0).starts.tolist()
    [2, 2]
    """
    require_tail(width, confidence)
    if known[0] < width:
        got, remedy = f"{known[0]} of {width}", "shorten the window, or pass returns from before the schedule"
        raise DataError("returns", "must hold a whole stressed window at the first rate", got, remedy)
    views = np.lib.stride_tricks.sliding_window_view(held[: known[-1]], width)
    parts = [tails_of_samples(views[i : i + _CHUNK], confidence=confidence) for i in range(0, len(views), _CHUNK)]
    tails = np.concatenate(parts)
    ranked = tails[:, column]
    is_record = ranked > np.r_[-np.inf, np.maximum.accumulate(ranked)[:-1]]
    latest_record = np.maximum.accumulate(np.where(is_record, np.arange(len(ranked)), 0))
    starts = latest_record[known - width]
    first = column - column % 2
    return WorstWindows(starts, tails[starts, first : first + 2])


def stressed_tails(held: Floats, known: Counts, *, width: int, confidence: float) -> Floats:
    """Return the tails of the worst window known at each row, shape (n_rows, 4), fractions of the notional.

    Parameters
    ----------
    held, known, width, confidence
        As in `worst_windows`; each side has the window with its own highest Value at Risk.

    Raises
    ------
    ArgumentError, DataError
        As `worst_windows`.

    Examples
    --------
    >>> held = np.r_[np.full(100, 0.01), np.full(100, -0.05), np.full(100, 0.02)]
    >>> stressed_tails(held, np.array([100, 300]), width=100, confidence=0.99).round(2).tolist()
    [[-0.01, -0.01, 0.01, 0.01], [0.05, 0.05, 0.02, 0.02]]
    """
    sides = [worst_windows(held, known, width=width, confidence=confidence, column=column) for column in (0, 2)]
    return np.hstack([side.tails for side in sides])
