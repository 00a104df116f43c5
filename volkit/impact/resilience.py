"""How fast a venue refills: the half-life of what is missing, from depths of books or from moves after busy bars.

The state of a venue is what its depth lacks since forced trades; it decays with a half-life. Paths of depths, or bars
with volumes, enter; a half-life with its interval leaves.
"""

from dataclasses import dataclass
from typing import Literal
from warnings import warn

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from volkit.checks import check_confidence, check_count, check_positive, check_times
from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.formatting import percent_to, time_words
from volkit.impact.bars import TradedBars, VolumeUnit, check_flow, read_bars
from volkit.impact.decay import fit_decay
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources.protocol import Bars

__all__ = ["HalfLife", "depth_half_life", "impact_half_life"]

Floats = npt.NDArray[np.float64]
_MINUTE = pd.Timedelta("1min")
_FEWEST_DEPTHS = 30
_FEWEST_EVENTS = 20


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class HalfLife(ResultDisplay):
    """Half-life of what a venue lacks after forced trades.

    Attributes
    ----------
    minutes : float
        Of the state (coins that the depth lacks).
    low, high : float
        Interval, minutes; high may be infinite.
    confidence : float
        Of the interval.
    p_value : float
        Of no decay at all: small where a decay is seen.
    permanent_share : float
        Share of the first move that stays; NaN for depths, which do not tell.
    curve : DataFrame
        Index lag (minutes); value and fitted: autocorrelation of the depth, or log move since before the bar in its
        direction.
    method : {"depth", "moves"}
        What it was estimated from.
    n_obs : int
        Depths, or busy bars.
    as_of : Timestamp
        Last time used, UTC.
    provenance : Provenance
        Of the bars; empty for depths.
    """

    minutes: float
    low: float
    high: float
    confidence: float
    p_value: float
    permanent_share: float
    curve: pd.DataFrame
    method: Literal["depth", "moves"]
    n_obs: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def is_seen(self) -> bool:
        """Whether a decay is told from none at the confidence."""
        return self.p_value < 1.0 - self.confidence

    @property
    def half_life(self) -> pd.Timedelta:
        """The estimate as a length of time."""
        return _MINUTE * self.minutes

    @property
    def headline(self) -> str:
        """Half-life, interval and whether a decay is seen in one line."""
        seen = "" if self.is_seen else ", not told from none"
        return (
            f"half-life {self.minutes:.3g} min ({self.low:.3g} to {self.high:.3g}, "
            f"{percent_to(self.confidence, 0)}) by "
            f"{self.method}, {self.n_obs} observations, p {self.p_value:.2g}{seen}, {time_words(self.as_of)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return half-life, interval, p-value and what stays."""
        rows = {
            "half-life (minutes)": self.minutes,
            "low (minutes)": self.low,
            "high (minutes)": self.high,
            "p-value of no decay": self.p_value,
            "permanent share": self.permanent_share,
        }
        return pd.DataFrame({"value": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the curve."""
        return self.curve


def depth_half_life(depth: pd.Series, *, confidence: float = 0.95) -> HalfLife:
    """Return the half-life with which a depth comes back to its mean.

    Parameters
    ----------
    depth : Series, shape (n_obs,)
        Coins or money within a cap, evenly spaced on UTC times: a column of `depth_path`. At least 30, no NaN.
    confidence : float
        Of the interval.

    Returns
    -------
    HalfLife
        p_value: of a unit root under a normal law, which is too small by a little.

    Raises
    ------
    DataError
        For too few depths, uneven times, values that are missing or negative, or a depth without memory or return.
    ArgumentError
        For a bad confidence.

    Notes
    -----
    A first-order autoregression by least squares, phi raised by (1 + 3 phi) / n for its bias in small samples
    (Kendall 1954); half-life = -ln 2 / ln phi steps; interval from phi +- z sqrt((1 - phi^2) / n). Noise in single
    snapshots makes phi, and so the half-life, too small: average the books of a minute, or take a wider cap.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4_000, freq="1min", tz="UTC")
    >>> draw = np.random.default_rng(1)
    >>> missing = pd.Series(draw.normal(0, 1, 4_000)).ewm(alpha=1 - 0.9, adjust=False).mean()  # simulated
    >>> found = depth_half_life(pd.Series(100.0 + missing.to_numpy(), index=times))
    >>> found.low < 6.58 < found.high
    True
    """
    check_confidence(confidence)
    index = check_times(depth.index, argument="depth")
    values = depth.to_numpy(dtype=np.float64, na_value=np.nan)
    n = len(values)
    if n < _FEWEST_DEPTHS or not (np.isfinite(values) & (values >= 0.0)).all():
        got = f"{n} values" if n < _FEWEST_DEPTHS else "missing or negative ones"
        raise DataError("depth", f"must be at least {_FEWEST_DEPTHS} finite values of at least 0", got, "pass more")
    steps = np.diff(index.asi8)
    if steps.min() != steps.max() or values.min() == values.max():
        got = "a constant" if values.min() == values.max() else "uneven times"
        raise DataError("depth", "must vary and be evenly spaced", got, "resample the books to one step")
    raw = _autocorrelation(values, 1)
    phi = raw + (1.0 + 3.0 * raw) / n
    error = float(np.sqrt(max(1.0 - phi * phi, 0.0) / n))
    if not 0.0 < phi < 1.0:
        got = f"a first-order coefficient of {phi:.3f}"
        raise DataError("depth", "must return to its mean, slower than at once", got, "pass a longer or finer path")
    z = float(norm.ppf(0.5 + confidence / 2.0))
    minutes = pd.Timedelta(int(steps[0]), unit=index.unit) / _MINUTE
    lags = np.arange(min(n // 4, int(5 * _to_half_life(phi)) + 2))
    curve = pd.DataFrame(
        {"value": [_autocorrelation(values, int(k)) for k in lags], "fitted": phi**lags},
        index=pd.Index(lags * minutes, name="lag"),
    )
    return HalfLife(
        minutes=_to_half_life(phi) * minutes,
        low=_to_half_life(phi - z * error) * minutes,
        high=_to_half_life(phi + z * error) * minutes,
        confidence=confidence,
        p_value=float(norm.sf((1.0 - phi) / error)),
        permanent_share=np.nan,
        curve=freeze(curve),
        method="depth",
        n_obs=n,
        as_of=index[-1],
        provenance=Provenance(()),
    )


def impact_half_life(
    bars: Bars | pd.DataFrame,
    *,
    volume_unit: VolumeUnit,
    rng: np.random.Generator,
    power: float = 0.5,
    quantile: float = 0.99,
    n_lags: int = 60,
    flow: pd.Series | None = None,
    confidence: float = 0.95,
    n_bootstrap: int = 1_000,
) -> HalfLife:
    """Return the half-life with which moves of busy bars come back.

    Parameters
    ----------
    bars : Bars or DataFrame
        Columns open, close and volume; index of UTC times; of an hour or less.
    volume_unit : {"coins", "money"}
        What the volume counts.
    rng : Generator
        For resamples and signs.
    power : float
        Of the law of impact: 0.5 for a square root, 1 for a line. The displacement is a power of the state and so
        decays slower: its half-life is 1 / power of the state's.
    quantile : float
        A bar is busy where its volume exceeds this quantile.
    n_lags : int
        Bars after it; a busy bar counts only where none came in as many bars before.
    flow : Series, optional
        Net coins sold on the times of the bars: gives the direction; without it the move of the bar does.
    confidence : float
        Of the interval.
    n_bootstrap : int
        Draws of random signs, for the interval and the p-value.

    Returns
    -------
    HalfLife

    Raises
    ------
    DataError
        For bars that cannot be read (see `read_bars`) or fewer than 20 busy bars.
    ArgumentError
        For a power, quantile or confidence out of range, fewer than 5 lags or no resamples.

    Warns
    -----
    SmallSampleWarning
        When a decay is not told from none: moves that only wander have a half-life by this estimate too.

    Notes
    -----
    The mean move after a busy bar and until the next, in its direction, is fitted by T 2^(-lag / h) through its
    increments, whose errors are independent where the price else wanders: `fit_decay`. A move that is news
    and no impact does not come back and counts as permanent, and a bounce between bid and ask comes back within a bar
    and counts as a fast decay.

    Examples
    --------
    >>> draw = np.random.default_rng(2)
    >>> times = pd.date_range("2024-01-01", periods=20_000, freq="1min", tz="UTC")
    >>> sold = np.where(np.arange(20_000) % 100 == 0, draw.choice([-1.0, 1.0], 20_000), 0.0)
    >>> state = pd.Series(sold).ewm(halflife=5, adjust=False).mean().to_numpy() / (1 - 2 ** (-1 / 5))  # simulated
    >>> log_price = np.concatenate([[0.0], -0.01 * state + draw.normal(0, 1e-4, 20_000).cumsum()])
    >>> frame = pd.DataFrame({"open": np.exp(log_price[:-1]), "close": np.exp(log_price[1:]),
    ...                       "volume": 1.0 + 100.0 * abs(sold)}, index=times)
    >>> found = impact_half_life(frame, volume_unit="coins", power=1.0, rng=draw, n_lags=40)
    >>> round(found.minutes), found.is_seen
    (5, True)
    """
    check_confidence(confidence)
    check_count(n_lags, argument="n_lags", minimum=5, unit="bars")
    draws = check_count(n_bootstrap, argument="n_bootstrap", unit="resamples")
    check_positive(power, argument="power", unit="of the law")
    if not 0.5 <= quantile < 1.0:
        raise ArgumentError("quantile", "must be from 0.5 to below 1", f"{quantile!r}", "pass for example 0.99")
    read = read_bars(bars, volume_unit=volume_unit, longest=pd.Timedelta("1h"))
    rows, seen = _busy(read, quantile, n_lags)
    signs = np.sign(read.moves[rows]) if flow is None else -np.sign(check_flow(flow, read)[rows])
    rows, seen, signs = rows[signs != 0.0], seen[signs != 0.0], signs[signs != 0.0]
    m = len(rows)
    if m < _FEWEST_EVENTS:
        rule = f"must have at least {_FEWEST_EVENTS} busy bars that stand alone for {n_lags} bars"
        raise DataError("bars", rule, str(m), "pass more bars, a lower quantile or fewer lags")
    after = seen * signs[:, None] * np.diff(read.end[rows[:, None] + np.arange(n_lags + 1)], axis=1)
    first = signs * read.moves[rows]
    decay = fit_decay(after, seen, confidence=confidence, n_draws=draws, rng=rng)
    scale = power * read.minutes
    lags = np.arange(n_lags + 1)
    means = after.sum(axis=0) / np.maximum(seen.sum(axis=0), 1.0)
    curve = pd.DataFrame(
        {
            "value": first.mean() + np.concatenate([[0.0], means.cumsum()]),
            # The first move lasts a bar: T counts from its end.
            "fitted": first.mean() - decay.size * (1.0 - np.exp2(-lags / decay.half_life)),
        },
        index=pd.Index(lags * read.minutes, name="lag"),
    )
    found = HalfLife(
        minutes=decay.half_life * scale,
        low=decay.low * scale,
        high=decay.high * scale,
        confidence=confidence,
        p_value=decay.p_value,
        permanent_share=float(np.clip(1.0 - decay.size / first.mean(), 0.0, 1.0)) if first.mean() > 0.0 else np.nan,
        curve=freeze(curve),
        method="moves",
        n_obs=m,
        as_of=read.times[rows[-1] + n_lags],
        provenance=read.provenance,
    )
    if not found.is_seen:
        words = f"no decay is told from none after {m} busy bars (p {decay.p_value:.2g}): the half-life is a guess"
        warn(SmallSampleWarning(words), stacklevel=2)
    return found


def _busy(read: TradedBars, quantile: float, n_lags: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return rows of busy bars with none in n_lags bars before and an unbroken run of n_lags after.

    Beside them, shape (n_rows, n_lags), 1 for each bar after it up to the next busy one, whose own impact would mix in.
    """
    step = read.step.as_unit(read.times.unit)._value
    busy = np.flatnonzero(read.coins > np.quantile(read.coins, quantile))
    before = np.diff(busy, prepend=-n_lags - 1)
    until = np.diff(busy, append=len(read.times) + n_lags) - 1
    fits = busy + n_lags < len(read.times)
    ends = read.times.asi8[np.where(fits, busy + n_lags, busy)]
    whole = fits & (ends - read.times.asi8[busy] == n_lags * step) & (before > n_lags)
    seen = (np.arange(n_lags) < until[whole][:, None]).astype(np.float64)
    return busy[whole], seen


def _autocorrelation(values: Floats, lag: int) -> float:
    """Return the slope of the values on those so many steps before."""
    before, now = values[: len(values) - lag], values[lag:]
    away = before - before.mean()
    return float(away @ (now - now.mean()) / (away @ away))


def _to_half_life(phi: float) -> float:
    if phi <= 0.0:
        return 0.0
    return float(-np.log(2.0) / np.log(phi)) if phi < 1.0 else np.inf
