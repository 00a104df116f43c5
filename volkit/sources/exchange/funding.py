"""Funding rates on one basis: a decimal per eight hours, whatever the venue's interval of payment."""

import numpy as np
import pandas as pd

__all__ = ["expected_payments", "per_eight_hours"]

_HOURS = 8.0


def per_eight_hours(rate: pd.Series, *, stated_hours: float | None = None) -> pd.DataFrame:
    """Return funding per eight hours beside the rate as stated.

    Parameters
    ----------
    rate : Series, shape (n_obs,)
        Decimal as the venue states it, at sorted instants of payment (UTC).
    stated_hours : float, optional
        Hours that a rate covers where the venue says so; by default the time since the payment before.

    Returns
    -------
    DataFrame, shape (n_obs, 3)
        close (decimal per 8 hours), rate (decimal), interval_hours (from payment to payment), same index.

    Notes
    -----
    close = rate · 8 / hours. The interval of a row is the time since the row before it; where that is longer
    than the next one and agrees with neither neighbour, a payment is missing there and the next interval
    stands in. No interval is taken for longer than eight hours. On the very last row a missing payment cannot
    be told from a longer interval: look at `rate` there.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=3, freq="4h", tz="UTC")
    >>> per_eight_hours(pd.Series(0.0001, index=times))["close"].tolist()
    [0.0002, 0.0002, 0.0002]
    """
    hours = _intervals(rate.index)
    covered = hours if stated_hours is None else np.full(len(rate), stated_hours)
    return pd.DataFrame(
        {"close": rate.to_numpy() * _HOURS / covered, "rate": rate.to_numpy(), "interval_hours": hours},
        index=rate.index,
    )


def _intervals(times: pd.DatetimeIndex) -> np.ndarray:
    if len(times) < 2:
        return np.full(len(times), _HOURS)
    gaps = np.asarray((times[1:] - times[:-1]) / pd.Timedelta(hours=1), dtype=np.float64)
    before = np.concatenate([gaps[:1], gaps])
    after = np.append(before[1:], before[-1])
    earlier = np.concatenate([before[:1], before[:-1]])
    lonely = (before != after) & (before != earlier) & (before > after)
    hours = np.where(lonely, after, before)
    return np.where(hours > _HOURS, np.minimum(earlier, _HOURS), hours)


def expected_payments(
    times: pd.DatetimeIndex, hours: np.ndarray, *, first: pd.Timestamp, end: pd.Timestamp
) -> pd.DatetimeIndex:
    """Return the instants at which payments are expected: those received and those that fit around them.

    Parameters
    ----------
    times : DatetimeIndex, shape (n_obs,)
        Instants received, sorted, UTC; at least one.
    hours : ndarray, shape (n_obs,)
        Hours from the payment before, as it should be.
    first, end : Timestamp
        Span (UTC), end exclusive.

    Returns
    -------
    DatetimeIndex
        Sorted, unique, UTC.

    Examples
    --------
    >>> times = pd.DatetimeIndex(["2024-01-01 08:00", "2024-01-02 00:00"], tz="UTC")
    >>> days = pd.date_range("2024-01-01", periods=2, tz="UTC")
    >>> len(expected_payments(times, np.array([8.0, 8.0]), first=days[0], end=days[1] + pd.Timedelta(hours=9)))
    5
    """
    # Just before the span, so that a payment at its first instant fits in.
    previous = first - pd.Timedelta(microseconds=1)
    everything = times
    for time, step in zip(times, pd.to_timedelta(hours, unit="h"), strict=True):
        if time - previous > step:
            between = pd.date_range(end=time, freq=step, periods=int((time - previous) / step) + 1, unit="us")
            everything = everything.union(between[between > previous])
        previous = time
    step = pd.Timedelta(hours=float(hours[-1]))
    return everything.union(pd.date_range(times[-1], end, freq=step, inclusive="left", unit="us"))
