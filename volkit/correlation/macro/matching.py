"""The rows that event rows are compared with: same weekday (and hour), same volatility state, away from events."""

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.correlation.inference.devolatilize import past_volatility
from volkit.correlation.macro.placing import PlacedEvents
from volkit.errors import DataError, SmallSampleWarning
from volkit.volatility.ewma import decay_of

__all__ = ["Matched", "match_rows", "require_events", "volatility_before", "volatility_states"]

# Below the first nothing can be said, below the second little.
_LEAST_EVENTS, _FEW_EVENTS = 8, 20
_NEW_YORK = "America/New_York"
# First words of the reasons, as counted in messages.
_WORDS = {
    "outside": "outside the sample",
    "window": "at its edge",
    "overlaps": "overlapping another",
    "a": "with a value missing",
    "no": "without a volatility state",
    "only": "without enough matched rows",
}
# Bars shorter than this have an hour of the day to match.
_DAILY = pd.Timedelta(hours=12)


@dataclass(frozen=True, eq=False, slots=True)
class Matched:
    """Event rows and their baseline, by stratum.

    Attributes
    ----------
    events : ndarray of int, shape (n_events,)
        Rows of the events.
    controls : ndarray of int, shape (n_controls,)
        Rows of the baseline.
    event_strata, control_strata : ndarray of int
        Stratum of each, from 0.
    """

    events: np.ndarray
    controls: np.ndarray
    event_strata: np.ndarray
    control_strata: np.ndarray

    @property
    def n_strata(self) -> int:
        """Number of strata with an event."""
        return int(self.event_strata.max()) + 1

    @property
    def weights(self) -> np.ndarray:
        """Weight of each control, shape (n_controls,), sum 1: its stratum's share of events over its controls."""
        shares = np.bincount(self.event_strata, minlength=self.n_strata) / len(self.events)
        return np.asarray((shares / np.bincount(self.control_strata, minlength=self.n_strata))[self.control_strata])


def volatility_before(values: np.ndarray, *, half_life: float, lead: int) -> np.ndarray:
    """Return the exponentially weighted volatility of the rows before row t - lead, shape (n_rows,), NaN at the start.

    An event's own window then says nothing about it.

    Examples
    --------
    >>> volatility_before(np.full(12, 0.01), half_life=3.0, lead=1)[[10, 11]].round(4).tolist()
    [nan, 0.01]
    """
    past = past_volatility(values, decay_of(half_life))
    return np.concatenate([np.full(lead, np.nan), past[: len(past) - lead]])


def volatility_states(past: np.ndarray, *, n_states: int, usable: np.ndarray) -> np.ndarray:
    """Return the volatility state of each row, shape (n_rows,): 0 (calm) to n_states - 1, -1 where unknown.

    The bounds are quantiles of `past`, from `volatility_before`, over the usable rows.

    Examples
    --------
    >>> past = np.array([np.nan, 0.01, 0.01, 0.05])
    >>> volatility_states(past, n_states=2, usable=np.ones(4, dtype=bool)).tolist()
    [-1, 0, 0, 1]
    """
    known = np.isfinite(past)
    if not (known & usable).any():
        return np.full(len(past), -1)
    bounds = np.quantile(past[known & usable], np.arange(1, n_states) / n_states)
    return np.where(known, np.searchsorted(bounds, np.where(known, past, 0.0), side="left"), -1)


def match_rows(
    placed: PlacedEvents,
    kind: str,
    *,
    index: pd.DatetimeIndex,
    usable: np.ndarray,
    states: np.ndarray,
    window: tuple[int, int],
    minimum_controls: int,
) -> tuple[Matched | None, np.ndarray]:
    """Return the matched rows of one kind of event (None without any), and the reasons of all events so far.

    Parameters
    ----------
    placed : PlacedEvents
        All events, also of other kinds: none of them may lie near a row of the baseline.
    kind : str
        The kind to match.
    index : DatetimeIndex, shape (n_rows,)
        Labels of the rows.
    usable : ndarray of bool, shape (n_rows,)
        Rows whose whole window has values.
    states : ndarray of int, shape (n_rows,)
        From `volatility_states`.
    window : tuple of int
        Rows around an event.
    minimum_controls : int
        Rows that a stratum needs.
    """
    reasons = placed.reasons.copy()
    own = np.flatnonzero((placed.kinds == kind) & (reasons == ""))
    reasons[own[~usable[placed.rows[own]]]] = "a value is missing in its window"
    own = own[usable[placed.rows[own]]]
    reasons[own[states[placed.rows[own]] < 0]] = "no volatility state yet"
    own = own[states[placed.rows[own]] >= 0]
    keys = _calendar_keys(index) * (states.max() + 2) + states
    quiet = usable & (states >= 0) & ~_near_events(placed, len(index), max(-window[0], window[1]))
    available = pd.Series(keys[quiet]).value_counts().reindex(keys[placed.rows[own]], fill_value=0).to_numpy()
    scarce = available < minimum_controls
    for i, n in zip(own[scarce], available[scarce], strict=True):
        reasons[i] = f"only {n} matched rows"
    rows = placed.rows[own[~scarce]]
    if len(rows) == 0:
        return None, reasons
    strata, event_strata = np.unique(keys[rows], return_inverse=True)
    controls = np.flatnonzero(quiet & np.isin(keys, strata))
    return Matched(rows, controls, event_strata, np.searchsorted(strata, keys[controls])), reasons


def require_events(placed: PlacedEvents, kind: str, matched: Matched | None, reasons: np.ndarray) -> Matched:
    """Return the matched rows of a kind when they are enough, shape as before.

    Raises
    ------
    DataError
        For fewer than 8 usable events; with the reasons of the others.

    Warns
    -----
    SmallSampleWarning
        For fewer than 20.
    """
    used = 0 if matched is None else len(matched.events)
    if matched is None or used < _LEAST_EVENTS:
        why = Counter(reason.partition(" ")[0] for reason in reasons[(placed.kinds == kind) & (reasons != "")])
        lost = ", ".join(f"{n} {_WORDS.get(first, first)}" for first, n in why.items())
        got = f"{used} of {int((placed.kinds == kind).sum())} {kind}{f' ({lost})' if lost else ''}"
        remedy = "pass a longer history, a shorter window, or kinds without it"
        raise DataError("events", f"must leave at least {_LEAST_EVENTS} of each kind", got, remedy)
    if used < _FEW_EVENTS:
        warnings.warn(
            f"the study of {kind} rests on {used} events, fewer than {_FEW_EVENTS}: read the interval, not the effect.",
            SmallSampleWarning,
            stacklevel=4,
        )
    return matched


def _near_events(placed: PlacedEvents, n_rows: int, reach: int) -> np.ndarray:
    near = np.zeros(n_rows, dtype=bool)
    for row in placed.rows[placed.rows >= 0]:
        near[max(0, row - reach) : row + reach + 1] = True
    return near


def _calendar_keys(index: pd.DatetimeIndex) -> np.ndarray:
    """Return the weekday of each row, shape (n_rows,), and on bars within the day the New York weekday and hour."""
    usual = pd.Timedelta(int(np.median(np.diff(index.asi8))), unit=index.unit)
    if usual >= _DAILY:
        return np.asarray(index.day_of_week, dtype=np.int64)
    # Releases keep New York time through summer and winter, so their hour is matched there.
    local = index.tz_convert(_NEW_YORK)
    return np.asarray(local.day_of_week * 24 + local.hour, dtype=np.int64)
