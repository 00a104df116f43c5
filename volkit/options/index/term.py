"""A variance index: two strips brought to one horizon in minutes; and its smoothing through time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_kind, check_positive, check_times
from volkit.errors import ArgumentError, DataError
from volkit.options.index.strip import MINUTES_PER_YEAR, VarianceStrip
from volkit.results import Provenance, ResultDisplay, frozen_series

__all__ = ["VarianceIndex", "interpolated_variance", "smooth_index", "variance_index"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VarianceIndex(ResultDisplay):
    """Volatility over a fixed horizon, from the strips of two expiries.

    Attributes
    ----------
    near, next : VarianceStrip
        The earlier and the later expiry.
    target_minutes : float
        The horizon.
    near_weight : float
        Of the near total variance; the next has 1 less that. Outside 0 to 1 when extrapolated.
    variance : float
        Over the horizon, per year of 365 days, decimal squared.
    choices : dict of str to str
        What was decided on the way, in words.
    as_of : Timestamp or None
        UTC, where known.
    provenance : Provenance
        Sources and hashes, when given.
    """

    near: VarianceStrip
    next: VarianceStrip
    target_minutes: float
    near_weight: float
    variance: float
    choices: dict[str, str] = field(default_factory=dict)
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def annualized_volatility(self) -> float:
        """Decimal per year of 365 days."""
        return math.sqrt(self.variance)

    @property
    def index(self) -> float:
        """The volatility in points: 100 times the decimal."""
        return 100.0 * self.annualized_volatility

    @property
    def truncation_bound(self) -> float:
        """How far the missing tails can lift the index at most, in points; see `Truncation`."""
        return 100.0 * math.sqrt(self.variance + self._missing("bound")) - self.index

    @property
    def truncation_estimate(self) -> float:
        """How far they would lift it if volatility stayed flat beyond the last strikes, in points."""
        return 100.0 * math.sqrt(self.variance + self._missing("estimate")) - self.index

    def _missing(self, name: str) -> float:
        near, later = (getattr(strip.truncation, name) for strip in (self.near, self.next))
        ends = (self.near.minutes, near), (self.next.minutes, later)
        return max(interpolated_variance(*ends, minutes=self.target_minutes)[1], 0.0)

    @property
    def headline(self) -> str:
        """Index, horizon and the two expiries in one line."""
        days = [x / 1440.0 for x in (self.target_minutes, self.near.minutes, self.next.minutes)]
        when = f", as of {self.as_of:%Y-%m-%d %H:%M:%S} UTC" if self.as_of is not None else ""
        return (
            f"{self.index:.2f} points over {days[0]:g} days, from {days[1]:.2f} days "
            f"({self.near.n_strikes} strikes) and {days[2]:.2f} days ({self.next.n_strikes} strikes){when}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity, unit in the label: near, next and the index."""
        near, later = (strip.summary()["value"] for strip in (self.near, self.next))
        names = list(dict.fromkeys([*near.index[:-2], *later.index[:-2]]))
        table = pd.DataFrame({"near": near.reindex(names), "next": later.reindex(names)})
        counts = [name for name in names if name.startswith("left out")]
        table.loc[counts] = table.loc[counts].fillna(0.0)
        table["index"] = np.nan
        table.loc["time (minutes)", "index"] = self.target_minutes
        table.loc["weight of the total variance"] = [self.near_weight, 1.0 - self.near_weight, np.nan]
        table.loc["variance (per year)", "index"] = self.variance
        table.loc["volatility (per year)", "index"] = self.annualized_volatility
        for words, name in (("flat volatility", "estimate"), ("at most", "bound")):
            ends = [getattr(strip.truncation, name) for strip in (self.near, self.next)]
            table.loc[f"variance beyond the strikes, {words} (per year)"] = [*ends, self._missing(name)]
        return table.rename_axis("variance index")

    def to_frame(self) -> pd.DataFrame:
        """Return the strikes of both strips, with the strip's name beside each."""
        return pd.concat(
            [s.to_frame().assign(strip=name) for name, s in (("near", self.near), ("next", self.next))],
            ignore_index=True,
        )


def variance_index(
    near: VarianceStrip,
    next_strip: VarianceStrip,
    *,
    days: float = 30.0,
    extrapolate: bool = False,
    choices: Mapping[str, str] | None = None,
) -> VarianceIndex:
    """Return the index over `days` from the strips of two expiries.

    Parameters
    ----------
    near, next_strip : VarianceStrip
        The earlier expiry first.
    days : float
        Horizon.
    extrapolate : bool
        Whether the horizon may lie outside the two expiries.
    choices : mapping of str to str, optional
        Carried in the result.

    Returns
    -------
    VarianceIndex
        With both strips inside.

    Raises
    ------
    ArgumentError
        When the strips are not in order of time, or the horizon lies outside them and `extrapolate` is False.
    DataError
        When extrapolation gives a variance that is not positive.

    Notes
    -----
    With N minutes and T = N / 525600, the total variance T sigma^2 is linear in minutes between the expiries:
    index = 100 sqrt((T1 s1^2 (N2 - N) / (N2 - N1) + T2 s2^2 (N - N1) / (N2 - N1)) 525600 / N)
    (Cboe, VIX White Paper 2009, page 9).

    Examples
    --------
    >>> from volkit.options.black76 import black76_price
    >>> from volkit.options.index import variance_strip
    >>> def strip(days: float) -> VarianceStrip:
    ...     k = np.arange(20.0, 400.0, 2.0)
    ...     call, put = (black76_price(100.0, k, days / 365, 0.6, is_call) for is_call in (True, False))
    ...     quotes = pd.DataFrame({"strike": k, "call_bid": call, "call_ask": call, "put_bid": put, "put_ask": put})
    ...     return variance_strip(quotes, minutes=1440 * days, rate=0.0)
    >>> round(variance_index(strip(20), strip(48)).index, 1)
    60.1
    """
    check_kind(near, VarianceStrip, argument="near", remedy="pass what variance_strip returns")
    check_kind(next_strip, VarianceStrip, argument="next_strip", remedy="pass what variance_strip returns")
    target = 1440.0 * check_positive(days, argument="days", unit="days of the horizon")
    if not near.minutes < next_strip.minutes:
        got = f"{near.minutes:g} and {next_strip.minutes:g} minutes"
        raise ArgumentError("near and next_strip", "must expire one after the other", got, "pass the earlier one first")
    if not (extrapolate or near.minutes <= target <= next_strip.minutes):
        got = f"{days:g} days, strips of {near.minutes / 1440.0:.2f} and {next_strip.minutes / 1440.0:.2f}"
        raise ArgumentError("days", "must lie between the two expiries", got, "pass other strips, or extrapolate=True")
    ends = (near.minutes, near.variance), (next_strip.minutes, next_strip.variance)
    weight, variance = interpolated_variance(*ends, minutes=target)
    if not variance > 0.0:
        got = f"{variance:.6g} a year at {days:g} days"
        raise DataError("the extrapolated variance", "must be positive", got, "pass strips nearer to the horizon")
    return VarianceIndex(
        near=near,
        next=next_strip,
        target_minutes=target,
        near_weight=weight,
        variance=variance,
        choices=dict(choices or {}),
        as_of=near.as_of,
        provenance=near.provenance,
    )


def interpolated_variance(
    near: tuple[float, float], later: tuple[float, float], *, minutes: float
) -> tuple[float, float]:
    """Return the weight of the near total variance and the variance over `minutes`, per year.

    Parameters
    ----------
    near, later : tuple of float
        Minutes to the expiry and variance per year of 525,600 minutes.
    minutes : float
        Horizon; outside the two expiries the line between them is continued.

    Returns
    -------
    tuple of float
        Weight (no unit) and variance (decimal squared per year).

    Examples
    --------
    The term variances that the white paper of 2009 prints give its index:

    >>> weight, variance = interpolated_variance((12_960, 0.4727679), (53_280, 0.3668180), minutes=43_200)
    >>> weight, round(100 * variance**0.5, 2)
    (0.25, 61.22)
    """
    (n1, v1), (n2, v2) = near, later
    weight = (n2 - minutes) / (n2 - n1)
    total = n1 / MINUTES_PER_YEAR * v1 * weight + n2 / MINUTES_PER_YEAR * v2 * (1.0 - weight)
    return weight, total * MINUTES_PER_YEAR / minutes


def smooth_index(values: pd.Series, *, half_life_minutes: float) -> pd.Series:
    """Return an index smoothed exponentially in time, however far apart its values are.

    Parameters
    ----------
    values : Series, shape (n_obs,)
        Index (points) by UTC time, without gaps; the spacing may be irregular.
    half_life_minutes : float
        Minutes after which a value counts half.

    Returns
    -------
    Series, shape (n_obs,)
        Points, same index; the first value is the first value. No value depends on a later one.

    Raises
    ------
    DataError
        For bad times, NaN or infinities.
    ArgumentError
        For a half-life that is not positive.

    Notes
    -----
    s_t = x_t + 2^(-dt / half_life) (s_{t-1} - x_t), dt the minutes since the value before.

    Examples
    --------
    >>> times = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 00:10"], tz="UTC")
    >>> smooth_index(pd.Series([60.0, 70.0], index=times), half_life_minutes=10).tolist()
    [60.0, 65.0]
    """
    half = check_positive(half_life_minutes, argument="half_life_minutes", unit="minutes")
    index = check_times(values.index, argument="values")
    x = values.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(x).all():
        got = f"{int((~np.isfinite(x)).sum())} missing or infinite, first at {index[~np.isfinite(x)][0]}"
        raise DataError(
            "values", "must be finite", got, "drop these times: the smoothing knows the time between values"
        )
    apart = np.diff(index.as_unit("us").asi8) / 6e7
    kept = np.exp2(-apart / half)
    out = x.copy()
    for t in range(1, len(x)):  # a recursion: each value needs the one before
        out[t] = x[t] + kept[t - 1] * (out[t - 1] - x[t])
    return frozen_series(out, index, values.name)
