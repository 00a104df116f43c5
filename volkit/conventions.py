"""Units, clock, sign and annualisation, written once.

* Time is ``datetime64[us, UTC]``. The index `time` labels a bar by its open instant; `close_time` is the
  instant at which the bar was known, and it alone decides joins and look-ahead.
* Returns are decimals (0.05 is five per cent). Losses, Value at Risk, expected shortfall and margin rates
  are positive. Volatility is per period unless its name begins with ``annualized_``.
* The number of periods per year belongs to the clock of the returns, not to the asset.
"""

from datetime import datetime
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError

__all__ = [
    "BASIS_POINTS_PER_PERCENT",
    "CONTEMPORANEOUS_TOLERANCE",
    "CRYPTO_DAYS_PER_YEAR",
    "CRYPTO_HOURS_PER_YEAR",
    "SESSIONS_PER_YEAR",
    "SIDES",
    "TIME_DTYPE",
    "Side",
    "annualize",
    "in_span",
    "losses",
    "spoken_periods",
    "to_utc",
    "utc_day",
]

Scalable = TypeVar("Scalable", float, pd.Series, pd.DataFrame)
Signed = TypeVar("Signed", float, np.ndarray, pd.Series, pd.DataFrame)

Side = Literal["long", "short"]
SIDES: tuple[Side, Side] = ("long", "short")

CRYPTO_DAYS_PER_YEAR = 365
SESSIONS_PER_YEAR = 252
CRYPTO_HOURS_PER_YEAR = 8760
BASIS_POINTS_PER_PERCENT = 100.0
TIME_DTYPE = "datetime64[us, UTC]"

# Two markets are paired when their closes lie at most this far apart: a UTC-day crypto bar closes 3 to 4
# hours after the New York cash session of the same date (7 after an early close in July) and 17 hours or
# more before the next one.
CONTEMPORANEOUS_TOLERANCE = pd.Timedelta(hours=8)


def annualize(volatility: Scalable, *, periods_per_year: float) -> Scalable:
    """Return per-period volatility scaled to one year by the square root of time.

    Parameters
    ----------
    volatility : float, Series or DataFrame
        Volatility per period, decimal.
    periods_per_year : float
        Periods of the returns' clock in a year: 365 for UTC days, 252 for exchange sessions.

    Returns
    -------
    float, Series or DataFrame
        Annualised volatility, decimal, same shape.

    Notes
    -----
    Exact for uncorrelated returns only; a GARCH forecast over a horizon aggregates variances instead.

    Examples
    --------
    >>> round(annualize(0.04, periods_per_year=365), 4)
    0.7642
    """
    return volatility * float(np.sqrt(periods_per_year))


def in_span(times: pd.DatetimeIndex, start: pd.Timestamp | None, end: pd.Timestamp | None) -> np.ndarray:
    """Return which times (UTC) lie from `start`, inclusive, to `end`, exclusive; None leaves a side open.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> in_span(days, days[1], None).tolist()
    [False, True, True]
    """
    inside = np.ones(len(times), dtype=bool)
    if start is not None:
        inside &= np.asarray(times >= start)
    if end is not None:
        inside &= np.asarray(times < end)
    return inside


def losses(simple_returns: Signed, *, side: Side) -> Signed:
    """Return the losses of a position of one unit of notional, positive when money is lost.

    Parameters
    ----------
    simple_returns : float, ndarray, Series or DataFrame
        Simple (not log) returns of the instrument over the holding period, decimals.
    side : {"long", "short"}
        Side of the position in a linear contract.

    Returns
    -------
    float, ndarray, Series or DataFrame
        Loss as a fraction of the notional at the start of the period, same shape.

    Raises
    ------
    ArgumentError
        For another side.

    Examples
    --------
    >>> losses(-0.395, side="long"), losses(-0.395, side="short")
    (0.395, -0.395)
    """
    if side not in SIDES:
        raise ArgumentError("side", "must be long or short", repr(side), "choose one of these")
    return -simple_returns if side == "long" else +simple_returns


def to_utc(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return aware times as UTC at microsecond resolution (shape unchanged).

    Examples
    --------
    >>> str(to_utc(pd.DatetimeIndex(["2024-07-01 16:00"], tz="America/New_York"))[0])
    '2024-07-01 20:00:00+00:00'
    """
    return times.tz_convert("UTC").as_unit("us")


def spoken_periods(count: int) -> str:
    """Return a number of periods in words.

    Examples
    --------
    >>> spoken_periods(1), spoken_periods(10)
    ('1 period', '10 periods')
    """
    return f"{count} period" if count == 1 else f"{count} periods"


def utc_day(text: str) -> pd.Timestamp:
    """Return the first instant (UTC) of a day written as 2024-01-31.

    Raises
    ------
    ArgumentError
        When it is no text, or no such day.

    Examples
    --------
    >>> str(utc_day("2024-01-31"))
    '2024-01-31 00:00:00+00:00'
    """
    try:
        return pd.Timestamp(datetime.strptime(text, "%Y-%m-%d"), tz="UTC").as_unit("us")
    except (TypeError, ValueError) as error:
        raise ArgumentError("day", "must be a UTC day", repr(text), "write it as 2024-01-31") from error
