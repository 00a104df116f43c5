"""The margin period of risk on a clock: a count of periods whose length is stated, and holes in the clock found."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.conventions import spoken_periods
from volkit.errors import ArgumentError, DataError

__all__ = ["Horizon", "check_interval", "read_horizon", "spoken_time", "usual_interval"]

# A second length of step that is this common is a second clock and no hole.
_SECOND_CLOCK_FROM = 0.05


@dataclass(frozen=True, slots=True)
class Horizon:
    """A margin period of risk as whole periods of one length.

    Attributes
    ----------
    periods : int
        Periods ahead, at least 1.
    interval : Timedelta
        Length of a period.

    Examples
    --------
    >>> print(Horizon(8, pd.Timedelta("1h")))
    8 periods of 1 h
    """

    periods: int
    interval: pd.Timedelta

    @property
    def length(self) -> pd.Timedelta:
        """Periods times interval."""
        return self.interval * self.periods

    def __str__(self) -> str:
        return f"{spoken_periods(self.periods)} of {spoken_time(self.interval)}"


def read_horizon(horizon: int | pd.Timedelta, *, interval: pd.Timedelta, argument: str = "horizon") -> Horizon:
    """Return a margin period of risk in whole periods of a clock.

    Parameters
    ----------
    horizon : int or Timedelta
        A count of periods, or a length that is a whole number of them.
    interval : Timedelta
        Length of a period.
    argument : str
        Name for messages.

    Returns
    -------
    Horizon
        At least one period.

    Raises
    ------
    ArgumentError
        For 0 or less, a count that is not whole, or a length that is not a whole number of intervals.

    Examples
    --------
    >>> read_horizon(pd.Timedelta("1D"), interval=pd.Timedelta("1h")).periods
    24
    """
    step = check_interval(interval)
    if not isinstance(horizon, pd.Timedelta):
        return Horizon(check_count(horizon, argument=argument), step)
    periods, rest = divmod(horizon, step)
    if periods < 1 or rest != pd.Timedelta(0):
        remedy = "use finer data or a longer horizon" if pd.Timedelta(0) < horizon < step else "pass a multiple of it"
        raise ArgumentError(
            argument, f"must be a positive whole number of intervals of {spoken_time(step)}", str(horizon), remedy
        )
    return Horizon(int(periods), step)


def check_interval(interval: pd.Timedelta, *, argument: str = "interval") -> pd.Timedelta:
    """Return a positive length of time.

    Raises
    ------
    ArgumentError
        When it is no Timedelta, missing, zero or negative.

    Examples
    --------
    >>> check_interval(pd.Timedelta("5min"))
    Timedelta('0 days 00:05:00')
    """
    if not isinstance(interval, pd.Timedelta) or not interval > pd.Timedelta(0):
        remedy = f'pass for example {argument}=pd.Timedelta("1h")'
        raise ArgumentError(argument, "must be a positive pandas Timedelta", repr(interval), remedy)
    return interval


def usual_interval(
    times: pd.DatetimeIndex, *, interval: pd.Timedelta | None = None, argument: str = "bars"
) -> pd.Timedelta:
    """Return the length of a period of sorted times (UTC), which may have holes.

    Parameters
    ----------
    times : DatetimeIndex, shape (n_obs,)
        Sorted and unique.
    interval : Timedelta, optional
        The length as stated; by default the most frequent step. Give it where more than a twentieth of the steps
        lead over holes of one length.
    argument : str
        Name for messages.

    Returns
    -------
    Timedelta
        Every step is a whole number of it.

    Raises
    ------
    DataError
        For fewer than two times, for steps that are no multiple of the interval, and for a second step as common as
        that of another clock (say an hourly history that begins with days).

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> usual_interval(days.delete([5, 6]))
    Timedelta('1 days 00:00:00')
    """
    if len(times) < 2:
        raise DataError(argument, "must have at least 2 rows", str(len(times)), "pass a longer history")
    lengths, counts = np.unique(np.diff(times.as_unit("ns").asi8), return_counts=True)
    usual = pd.Timedelta(lengths[counts.argmax()], "ns") if interval is None else check_interval(interval)
    odd = lengths % usual.as_unit("ns").value != 0
    common = (lengths != usual.as_unit("ns").value) & (counts > _SECOND_CLOCK_FROM * counts.sum())
    if odd.any() or (interval is None and common.any()):
        found = ", ".join(
            f"{int(count)} of {spoken_time(pd.Timedelta(length, 'ns'))}"
            for length, count in sorted(zip(lengths, counts, strict=True), key=lambda pair: -pair[1])[:3]
        )
        raise DataError(
            argument,
            "must be on one clock",
            f"steps of several lengths ({found})",
            "bring them to one interval first; where longer steps are holes, say interval= or count the periods",
        )
    return usual


def spoken_time(length: pd.Timedelta) -> str:
    """Return a length of time in the largest unit that divides it.

    Examples
    --------
    >>> spoken_time(pd.Timedelta("90min")), spoken_time(pd.Timedelta("1D"))
    ('90 min', '1 d')
    """
    for unit, name in (("1D", "d"), ("1h", "h"), ("1min", "min"), ("1s", "s")):
        count, rest = divmod(length, pd.Timedelta(unit))
        if count >= 1 and rest == pd.Timedelta(0):
            return f"{count} {name}"
    return str(length)
