"""Exchange sessions: which dates trade, and when each closes (early closes included)."""

import warnings
from functools import lru_cache
from typing import Any

import pandas as pd

__all__ = ["session_closes", "sessions_between"]


@lru_cache(maxsize=8)
def _calendar(first_year: int, last_year: int) -> Any:
    import exchange_calendars  # a third of a second: only when sessions are asked for

    with warnings.catch_warnings():
        # The library writes into read-only views, which pandas 4 will refuse and pandas 3 copies.
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        return exchange_calendars.get_calendar("XNYS", start=f"{first_year}-01-01", end=f"{last_year}-12-31")


def sessions_between(first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the New York cash sessions from `first` to `last`, both inclusive.

    Parameters
    ----------
    first, last : Timestamp
        Session dates at 00:00 UTC.

    Returns
    -------
    DatetimeIndex
        Session dates at 00:00 UTC, shape (n_sessions,).

    Examples
    --------
    >>> len(sessions_between(pd.Timestamp("2018-12-03", tz="UTC"), pd.Timestamp("2018-12-07", tz="UTC")))
    4
    """
    calendar = _calendar(first.year, last.year)
    sessions = calendar.sessions.tz_localize("UTC").as_unit("us")
    return sessions[(sessions >= first) & (sessions <= last)]


def session_closes(labels: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the New York cash close of each session date, in UTC.

    Parameters
    ----------
    labels : DatetimeIndex, shape (n_obs,)
        Session dates at 00:00 UTC; a date without a session closes at 16:00 New York.

    Returns
    -------
    DatetimeIndex
        UTC instants, shape (n_obs,).

    Examples
    --------
    >>> str(session_closes(pd.DatetimeIndex(["2018-12-24"], tz="UTC"))[0])
    '2018-12-24 18:00:00+00:00'
    """
    usual = (labels.tz_localize(None).normalize() + pd.Timedelta(hours=16)).tz_localize("America/New_York")
    usual = usual.tz_convert("UTC").as_unit("us")
    if not len(labels):
        return usual
    calendar = _calendar(labels.min().year, labels.max().year)
    closes = calendar.closes.set_axis(calendar.sessions.tz_localize("UTC").as_unit("us"))
    known = pd.DatetimeIndex(closes.reindex(labels)).as_unit("us")
    return known.where(known.notna(), usual)
