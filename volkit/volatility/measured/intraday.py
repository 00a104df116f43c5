"""Intraday returns cut into periods, and what is missing in each of them counted.

A series of log returns enters, a `ReturnBlocks` leaves: one row a period, which the measures on plain arrays take.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count, check_fraction, check_returns
from volkit.errors import ArgumentError, DataLossError

__all__ = ["ReturnBlocks", "block_returns"]

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReturnBlocks:
    """Intraday returns by period.

    Attributes
    ----------
    asset : str
        Name of the series.
    starts : DatetimeIndex, shape (n_periods,)
        First instants (UTC) of the periods that have at least one row, named `time`.
    values : ndarray, shape (n_periods, returns_per_period)
        Decimal log returns in order of time, NaN where missing. Rows that are absent altogether move the later ones
        forward, so that the NaN they leave stand at the end.
    n_returns : ndarray of int, shape (n_periods,)
        Returns that are there.
    is_blank : ndarray of bool, shape (n_periods,)
        Whether a period lacks more than the budget.
    returns_per_period : int
        Returns in a full period.
    step : Timedelta
        Usual time from one row to the next.
    as_of : Timestamp
        Label (UTC) of the last return.
    """

    asset: str
    starts: pd.DatetimeIndex
    values: npt.NDArray[np.float64]
    n_returns: npt.NDArray[np.int64]
    is_blank: npt.NDArray[np.bool_]
    returns_per_period: int
    step: pd.Timedelta
    as_of: pd.Timestamp

    @property
    def n_missing(self) -> npt.NDArray[np.int64]:
        """Returns that a full period has and this one lacks, shape (n_periods,)."""
        return self.returns_per_period - self.n_returns

    def blanked(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return one value a period, shape (n_periods,), NaN where the period is blank."""
        return np.where(self.is_blank, np.nan, values)


def block_returns(
    returns: pd.Series, *, returns_per_period: int, period: str = "1D", max_missing: float = 0.0
) -> ReturnBlocks:
    """Return intraday returns cut into periods, with the missing ones counted.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal log returns, labelled by UTC times (the open of the bar in which they happened); NaN is missing.
    returns_per_period : int
        Returns in a full period: 288 for days of five-minute bars around the clock, at least 3.
    period : str
        Length of a period: a part of a day that divides it, or whole days, e.g. ``"8h"``; counted from midnight UTC.
    max_missing : float
        Largest share of a period's returns that may be missing; a period that lacks more is blank.

    Returns
    -------
    ReturnBlocks
        One row a period.

    Raises
    ------
    ArgumentError, DataError
        For a period that does not fit days, a period with more rows than `returns_per_period`, and for what
        `volkit.checks.check_returns` refuses.
    DataLossError
        When every period is blank.

    Notes
    -----
    A period without any row is not there at all: reindex to the full clock first to see it. Where rows are absent and
    returns were taken between the rows around the gap, nothing of the price's way is lost, only its detail; where
    returns are NaN, it is. So no measure is scaled up for what is missing.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=36, freq="1h", tz="UTC")
    >>> blocks = block_returns(pd.Series([0.01, -0.01, 0.02] * 12, index=times), returns_per_period=24)
    >>> blocks.n_returns.tolist(), blocks.is_blank.tolist()
    ([24, 12], [False, True])
    """
    full = check_count(returns_per_period, argument="returns_per_period", minimum=3, unit="returns")
    budget = check_fraction(max_missing, argument="max_missing")
    length = _check_period(period)
    checked = check_returns(returns, minimum=3, allow_missing=True)
    labels = checked.index.floor(length)
    starts, sizes = np.unique(labels.asi8, return_counts=True)
    if (sizes > full).any():
        worst = int(sizes.argmax())
        first = labels[int(sizes[:worst].sum())]
        got = f"{int(sizes[worst])} in the period from {first}"
        remedy = f"pass returns_per_period={int(sizes[worst])} if that is a full period"
        raise ArgumentError("returns_per_period", f"must be the most rows in a period, here {full}", got, remedy)
    values = np.full((len(starts), full), np.nan)
    row = np.repeat(np.arange(len(starts)), sizes)
    values[row, np.arange(len(checked)) - np.repeat(np.cumsum(sizes) - sizes, sizes)] = checked.to_numpy()
    there = np.isfinite(values).sum(axis=1)
    # The small number keeps a share that is met exactly on the right side of its rounding.
    is_blank = (full - there) > budget * full + 1e-9
    if is_blank.all():
        got = f"{int(there.max())} of {full} returns in the fullest of {len(starts)} periods"
        remedy = "check returns_per_period, or pass a larger max_missing"
        raise DataLossError("returns", f"may lack at most {budget:.3g} of a period", got, remedy)
    return ReturnBlocks(
        asset=str(checked.name or "asset"),
        starts=pd.DatetimeIndex(labels[np.cumsum(sizes) - sizes], name="time"),
        values=values,
        n_returns=there,
        is_blank=is_blank,
        returns_per_period=full,
        step=pd.Timedelta(np.median(np.diff(checked.index.asi8)), unit=checked.index.unit),
        as_of=checked.index[-1],
    )


def _check_period(period: str) -> pd.Timedelta:
    try:
        length = pd.Timedelta(period)
    except ValueError:
        length = pd.Timedelta(0)
    fits = length > pd.Timedelta(0) and (_DAY % length == pd.Timedelta(0) or length % _DAY == pd.Timedelta(0))
    if not fits:
        raise ArgumentError("period", "must divide a day or be whole days", repr(period), 'pass for example "1D"')
    return length
