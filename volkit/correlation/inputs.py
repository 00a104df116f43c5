"""What every correlation asks of its data: one clock, changes rather than levels, enough complete pairs.

Values may have any unit (decimal returns, basis points, index points), so little is said about their
scale: squares must neither vanish nor overflow. A missing value is left where it is; a row counts when both
sides have one.
"""

import warnings
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_times, refuse_odd_scale
from volkit.correlation.guards import find_carried_forward, find_random_walk
from volkit.errors import DataError, SmallSampleWarning

__all__ = [
    "MINIMUM_PAIRS",
    "PairedChanges",
    "check_changes",
    "check_frame",
    "check_pair",
    "check_same_times",
    "require_pairs",
    "warn_small",
]

MINIMUM_PAIRS = 20
# Below this many pairs a 95 % interval spans half of what is possible and a change cannot be seen.
_SMALL = 60


@dataclass(frozen=True, eq=False, slots=True)
class PairedChanges:
    """Two series on the same times, as arrays of shape (n_rows,).

    Attributes
    ----------
    index : DatetimeIndex
        UTC times.
    x, y : ndarray
        Changes in any unit, NaN where missing.
    names : tuple of str
        Of x and y.
    """

    index: pd.DatetimeIndex
    x: np.ndarray
    y: np.ndarray
    names: tuple[str, str]

    @property
    def complete(self) -> np.ndarray:
        """Rows with both values, bool."""
        return np.asarray(np.isfinite(self.x) & np.isfinite(self.y))

    @property
    def last(self) -> pd.Timestamp:
        """Time (UTC) of the last row with both values: what comes after it says nothing of the two."""
        return self.index[np.flatnonzero(self.complete)[-1]]

    @property
    def label(self) -> str:
        """The two names in one phrase."""
        return f"{self.names[0]} and {self.names[1]}"

    def rows(self, keep: np.ndarray) -> "PairedChanges":
        """Return the rows where `keep`, a bool array of shape (n_rows,), is true."""
        return PairedChanges(self.index[keep], self.x[keep], self.y[keep], self.names)


def check_changes(changes: pd.Series, *, argument: str) -> pd.Series:
    """Return changes of one series as float64 on UTC times.

    Parameters
    ----------
    changes : Series, shape (n_obs,)
        Returns or differences in any unit; NaN may stay.
    argument : str
        Name of the argument for messages.

    Returns
    -------
    Series, shape (n_obs,)
        Named as before.

    Raises
    ------
    DataError
        For anything but a Series, bad times, an infinite value, values whose squares are zero or infinite, values
        that look like levels (all positive, or a random walk), and closes that were carried forward over closed hours.

    Examples
    --------
    >>> close = pd.Series(range(100, 130), index=pd.date_range("2024-01-01", periods=30, tz="UTC"), name="SPX")
    >>> check_changes(close, argument="x")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: x (SPX) must be changes of both signs; got only positive values around 114.5, which \
look like levels; take changes first, e.g. volkit.log_returns(close) or volkit.changes(panel).
    """
    if not isinstance(changes, pd.Series):
        remedy = f'pass one column, e.g. {argument}=frame["BTC"], or the whole frame to correlation_matrix'
        raise DataError(argument, "must be a Series of one asset", type(changes).__name__, remedy)
    named = argument if changes.name is None else f"{argument} ({changes.name})"
    index = check_times(changes.index, argument=named)
    values = check_floats(changes, argument=named)
    infinite = np.isinf(values)
    if infinite.any():
        got = f"{int(infinite.sum())} infinite values, first at {index[infinite][0]}"
        raise DataError(named, "must be finite", got, "repair the prices, or set these to NaN")
    finite = values[np.isfinite(values)]
    refuse_odd_scale(finite, argument=named)
    if len(finite) >= MINIMUM_PAIRS and finite.min() > 0:
        raise DataError(
            named,
            "must be changes of both signs",
            f"only positive values around {np.median(finite):g}, which look like levels",
            "take changes first, e.g. volkit.log_returns(close) or volkit.changes(panel)",
        )
    if walk := find_random_walk(values):
        raise DataError(named, "must be changes rather than levels", walk.got, walk.remedy)
    if filled := find_carried_forward(values, index):
        raise DataError(named, "must not carry a price forward", filled.got, filled.remedy)
    return pd.Series(values, index=index, name=changes.name)


def check_frame(changes: pd.DataFrame) -> list[pd.Series]:
    """Return the columns of a frame of changes as float64 on UTC times.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_assets)
        Changes, each column in its own unit; NaN may stay.

    Returns
    -------
    list of Series
        One a column, shape (n_obs,), named as before.

    Raises
    ------
    DataError
        For anything but a frame of at least two columns, a name twice, and for each column what
        `check_changes` refuses.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> moves = pd.DataFrame({"BTC": [0.01, -0.02, 0.03], "SPX": [0.0, -0.01, 0.01]}, index=times)
    >>> [column.name for column in check_frame(moves)]
    ['BTC', 'SPX']
    """
    if not isinstance(changes, pd.DataFrame) or changes.shape[1] < 2:
        got = ", ".join(map(str, changes.columns)) if isinstance(changes, pd.DataFrame) else type(changes).__name__
        raise DataError("changes", "must be a frame of at least two series", got or "no column", "pass two or more")
    if changes.columns.has_duplicates:
        twice = changes.columns[changes.columns.duplicated()][0]
        raise DataError("changes", "must name each series once", f"{twice} twice", "rename or drop one of them")
    return [check_changes(changes[name], argument="changes") for name in changes.columns]


def check_same_times(left: pd.Index, right: pd.Index, *, arguments: str) -> None:
    """Check that two UTC indices (any shape) are the same.

    Raises
    ------
    DataError
        When they are not. A join here would pair changes over different spans: a crypto return of one day
        with an equity return over a weekend.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> check_same_times(times, times, arguments="x and y")
    """
    if not left.equals(right):
        shared = len(left.intersection(right))
        raise DataError(
            arguments,
            "must share their times",
            f"{len(left)} and {len(right)} rows with {shared} in common",
            "put the prices on one clock before taking changes: volkit.align, then volkit.changes",
        )


def check_pair(x: pd.Series, y: pd.Series) -> PairedChanges:
    """Return two series of changes on one clock, with enough complete pairs.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; NaN where missing.

    Returns
    -------
    PairedChanges
        Arrays of shape (n_obs,).

    Raises
    ------
    DataError
        For what `check_changes` refuses, different times, fewer than 20 complete pairs, a constant series.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> x = pd.Series([0.01, -0.02, 0.0] * 10, index=times, name="BTC")
    >>> check_pair(x, x.rename("ETH")).label
    'BTC and ETH'
    """
    left, right = check_changes(x, argument="x"), check_changes(y, argument="y")
    check_same_times(left.index, right.index, arguments="x and y")
    names = (_name_of(left.name, "x"), _name_of(right.name, "y"))
    pair = PairedChanges(pd.DatetimeIndex(left.index), left.to_numpy(), right.to_numpy(), names)
    require_pairs(pair, argument="x and y", remedy="pass a longer history")
    return pair


def require_pairs(pair: PairedChanges, *, argument: str, remedy: str) -> PairedChanges:
    """Return the complete rows of a pair, shape (n_complete,), when they carry a correlation.

    Raises
    ------
    DataError
        With fewer than 20 of them, or when one side is constant over them.

    Examples
    --------
    >>> values = np.array([0.01, np.nan, -0.01] * 10)
    >>> times = pd.date_range("2024-01-01", periods=30, tz="UTC")
    >>> len(require_pairs(PairedChanges(times, values, values, ("BTC", "ETH")), argument="x and y", remedy="").index)
    20
    """
    kept = pair.rows(pair.complete)
    n = len(kept.index)
    if n < MINIMUM_PAIRS:
        got = f"{n} of {len(pair.index)} rows with both {pair.label}"
        raise DataError(argument, f"must have at least {MINIMUM_PAIRS} complete pairs", got, remedy)
    for name, values in zip(kept.names, (kept.x, kept.y), strict=True):
        if np.ptp(values) == 0.0:
            got = f"{n} times the value {values[0] + 0.0:g} in {name}"
            raise DataError(argument, "must vary", got, f"check that {name} was traded at all, or leave it out")
    return kept


def warn_small(n: float, *, what: str, stacklevel: int = 3) -> None:
    """Warn with `SmallSampleWarning` when a value rests on fewer than 60 pairs (`n`, effective if weighted)."""
    if n < _SMALL:
        warnings.warn(
            f"{what} rests on {n:.0f} complete pairs, fewer than {_SMALL}: read the interval, not the value, and "
            "take more history before you speak of a change.",
            SmallSampleWarning,
            stacklevel=stacklevel,
        )


def _name_of(name: Hashable, fallback: str) -> str:
    return fallback if name is None else str(name)
