"""What overlapping windows are worth: exceedance rates with errors that know the overlap.

Losses over windows of h periods, one beginning every period, share h - 1 periods with their neighbours. Counted as if
independent, their errors are too small by up to the root of h, and a chi-squared test rejects true margins.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count, check_kind
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.horizon.clock import Horizon
from volkit.margin.horizon.losses import Event, HorizonLosses
from volkit.results import ResultDisplay
from volkit.validation.blocks import block_indices
from volkit.validation.proportion import exact_interval

__all__ = ["ExceedanceRate", "effective_size", "exceedance_rate", "overlap_variance"]

Floats = npt.NDArray[np.float64]
_FEWEST_REPLICATIONS = 100
# Hits (numbers) drawn at a time by the bootstrap.
_CHUNK = 4_000_000


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ExceedanceRate(ResultDisplay):
    """Share of windows whose loss is strictly above the margin, with errors that allow for their overlap.

    Attributes
    ----------
    rate : float
        Of all windows, probability.
    target : float
        1 - confidence, probability.
    n_obs, n_hits : int
        Windows, and those above the margin.
    n_independent : int
        Windows that do not overlap.
    effective_size : float
        Independent windows that would give the same error.
    standard_error : float
        By autocovariances up to h - 1 windows (HAC); the one that interval and test use. NaN without a hit.
    bootstrap_error : float
        By circular block bootstrap; NaN when none was asked for.
    offset_rates : ndarray, shape (h,)
        Rate of each of the h series of windows that do not overlap, by offset; NaN for an empty one.
    low, high : float
        Ends of the interval of the rate.
    interval_confidence : float
        Of the interval.
    p_value : float
        Of the target, two-sided; NaN with a reason where the data cannot say.
    confidence : float
        Of the margin.
    event : {"touch", "end"}
        Which loss.
    horizon : Horizon
        Periods and their length.
    reason : str
        Why a number is NaN, else empty.
    as_of : Timestamp or None
        Label (UTC) of the last window.
    """

    rate: float
    target: float
    n_obs: int
    n_hits: int
    n_independent: int
    effective_size: float
    standard_error: float
    bootstrap_error: float
    offset_rates: Floats
    low: float
    high: float
    interval_confidence: float
    p_value: float
    confidence: float
    event: Event
    horizon: Horizon
    reason: str
    as_of: pd.Timestamp | None

    @property
    def offset_average(self) -> float:
        """Mean of the rates of the series that do not overlap."""
        return float(np.nanmean(self.offset_rates))

    @property
    def offset_error(self) -> float:
        """Standard error of one series that does not overlap: more than that of their average."""
        p, n = self.offset_average, max(self.n_independent, 1)
        return float(np.sqrt(p * (1.0 - p) / n))

    @property
    def headline(self) -> str:
        """Rate, interval, target and worth of the windows in one line."""
        verdict = self.reason or f"p {self.p_value:.3g}"
        return (
            f"{self.event}, {self.horizon}: {percent_to(self.rate, 3)} above the margin ({percent_to(self.low, 3)} "
            f"to {percent_to(self.high, 3)}), "
            f"target {self.target:g}, {self.n_obs} windows worth {self.effective_size:.0f}, {verdict}"
        )

    def summary(self) -> pd.DataFrame:
        """Return rate, errors and interval (probabilities) beside the target, and counts."""
        rows = {
            "rate (probability)": self.rate,
            "target (probability)": self.target,
            f"low, {percent_to(self.interval_confidence, 0)} interval": self.low,
            f"high, {percent_to(self.interval_confidence, 0)} interval": self.high,
            "p-value (probability)": self.p_value,
            "HAC error (probability)": self.standard_error,
            "block bootstrap error (probability)": self.bootstrap_error,
            "error of one series without overlap (probability)": self.offset_error,
            "windows": float(self.n_obs),
            "windows that do not overlap": float(self.n_independent),
            "effective size (windows)": self.effective_size,
            "windows above the margin": float(self.n_hits),
        }
        return pd.DataFrame({self.event: rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the rate (probability) of each offset's series without overlap."""
        index = pd.RangeIndex(len(self.offset_rates), name="offset (periods)")
        return pd.DataFrame({"rate": self.offset_rates}, index=index)


def exceedance_rate(
    losses: HorizonLosses,
    margin: float | pd.Series,
    *,
    confidence: float,
    event: Event = "touch",
    interval_confidence: float = 0.95,
    rng: np.random.Generator | None = None,
    n_bootstrap: int = 1000,
) -> ExceedanceRate:
    """Return how often losses exceed a margin, with an interval and a test that allow for overlap.

    Parameters
    ----------
    losses : HorizonLosses
        Of bars (overlapping windows) or of paths (independent).
    margin : float or Series
        Fraction of the notional: one, or one a window on its index, known at its entry.
    confidence : float
        That the margin is meant to have: 0.99.
    event : {"touch", "end"}
        Which loss is compared; a hit is a loss strictly above the margin.
    interval_confidence : float
        Of the interval: 0.95.
    rng : Generator, optional
        For the block bootstrap; without it there is none.
    n_bootstrap : int
        Replications, at least 100.

    Returns
    -------
    ExceedanceRate
        NaN with a reason where there is no hit to learn the dependence from.

    Raises
    ------
    ArgumentError
        For a confidence outside 0.5 to 1 and an unknown event.
    DataError
        For margins on another clock, or fewer than two windows that do not overlap.

    Notes
    -----
    The variance of the rate is the sum of autocovariances to lag h - 1 [1]_, complete pairs only, plain or with
    Bartlett weights, whichever is larger. n_eff = p (1 - p) / variance, at most n. Interval and p-value are
    Clopper-Pearson with p n_eff of n_eff hits [2]_, which keeps its coverage at small rates where a normal interval
    does not.

    In 300 simulated histories of 500 days of hours and windows of a day, the true margin is rejected at 5 % in 4 %
    (95 % margins) and 7 % (99 %), where chi-squared on all windows rejects it in 56 and 59 %; with GARCH(0.05, 0.94)
    hours in 10 and 13 %, chi-squared in 64 and 66 %. Volatility clusters beyond the horizon are not in the sum of
    autocovariances; the bootstrap, with blocks of max(2 h, n^(1/3)) windows, takes in more of them.

    References
    ----------
    .. [1] Hansen and Hodrick (1980), Forward exchange rates as optimal predictors of future spot rates, Journal of
       Political Economy 88(5), 829-853.
    .. [2] Korn and Graubard (1998), Confidence intervals for proportions with small expected number of positive
       counts estimated from survey data, Survey Methodology 24(2), 193-201.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 5001)))
    >>> times = pd.date_range("2024-01-01", periods=5001, freq="1h", tz="UTC")
    >>> bars = pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, index=times)
    >>> from volkit.margin.horizon.losses import horizon_losses
    >>> lost = horizon_losses(bars, side="long", horizon=24)
    >>> found = exceedance_rate(lost, 0.0621, confidence=0.9, event="end")
    >>> found.n_obs, found.n_independent, bool(found.low < 0.1 < found.high)
    (4977, 207, True)
    """
    check_kind(losses, HorizonLosses, argument="losses", remedy="pass what horizon_losses returns")
    level = check_confidence(confidence)
    width = check_confidence(interval_confidence, argument="interval_confidence")
    hits = losses.exceeds(margin, event=event).to_numpy()
    h = losses.horizon.periods if losses.source == "bars" else 1
    known = hits[np.isfinite(hits)]
    n, n_hits = len(known), int(known.sum())
    if n < 2 * h:
        remedy = "pass a longer history or a shorter horizon"
        raise DataError("losses", "must have at least 2 windows that do not overlap", f"{n} of {h} periods", remedy)
    p, independent = n_hits / n, n // h
    variance = overlap_variance(hits, horizon=h)
    size = effective_size(hits, horizon=h)
    low, high = exact_interval(p * size, size, coverage=width)
    p_value = _beta_p_value(p * size, size, 1.0 - level)
    reason = ""
    if n_hits in (0, n):
        reason = f"{'no' if n_hits == 0 else 'every'} loss is above the margin: no standard error"
    if n_hits == 0 and p_value >= 1.0:
        p_value = float("nan")
        reason = f"no hit, and {independent} windows that do not overlap are too few to expect one"
    return ExceedanceRate(
        rate=p,
        target=1.0 - level,
        n_obs=n,
        n_hits=n_hits,
        n_independent=independent,
        effective_size=size,
        standard_error=float(np.sqrt(variance)) if 0 < n_hits < n else float("nan"),
        bootstrap_error=_bootstrap_error(hits, h, rng, n_bootstrap),
        offset_rates=_offset_rates(hits, h),
        low=low,
        high=high,
        interval_confidence=width,
        p_value=p_value,
        confidence=level,
        event=event,
        horizon=losses.horizon,
        reason=reason,
        as_of=losses.as_of,
    )


def overlap_variance(values: Floats, *, horizon: int) -> float:
    """Return the variance of the mean of values of windows that overlap by all but one period.

    Parameters
    ----------
    values : ndarray, shape (n_places,)
        In order of time, one a period; NaN where there is no window, whose pairs are left out.
    horizon : int
        Periods in a window: values further apart are taken as uncorrelated.

    Returns
    -------
    float
        Unit of the values squared; 0 for equal values.

    Raises
    ------
    ArgumentError
        For a horizon below 1.

    Examples
    --------
    >>> overlap_variance(np.array([0.0, 1.0, 0.0, 1.0]), horizon=1)
    0.0625
    """
    h = check_count(horizon, argument="horizon")
    known = np.isfinite(values)
    n = int(known.sum())
    deviation = np.where(known, values - values[known].mean(), 0.0)
    # The sum of products by lag, all lags at once.
    size = 1 << (len(values) + h - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(deviation, size)) ** 2
    products = np.fft.irfft(spectrum, size)[:h]
    lags = np.arange(1, h)
    plain = products[0] + 2.0 * products[1:].sum()
    bartlett = products[0] + 2.0 * ((1.0 - lags / h) * products[1:]).sum()
    total = plain if plain > bartlett else bartlett
    return float(max(total, 0.0)) / n**2


def effective_size(values: Floats, *, horizon: int) -> float:
    """Return how many independent windows have as much to say about the mean as these that overlap.

    Parameters
    ----------
    values : ndarray, shape (n_places,)
        Losses or hits in order of time; NaN where there is no window.
    horizon : int
        Periods in a window.

    Returns
    -------
    float
        Windows, from 1 to their number; that of windows without overlap where all values are equal.

    Raises
    ------
    ArgumentError
        For a horizon below 1.
    DataError
        Without a value.

    Examples
    --------
    >>> steps = np.random.default_rng(1).standard_normal(20_000)
    >>> sums = np.convolve(steps, np.ones(10), "valid")
    >>> 1_500 < effective_size(sums, horizon=10) < 2_500
    True
    """
    h = check_count(horizon, argument="horizon")
    known = values[np.isfinite(values)]
    if not len(known):
        raise DataError("values", "must hold a number", "none", "pass a longer history")
    spread, variance = float(known.var()), overlap_variance(values, horizon=h)
    if spread == 0.0 or variance == 0.0:
        return float(max(1, len(known) // h))
    return float(np.clip(spread / variance, 1.0, len(known)))


def _offset_rates(hits: Floats, h: int) -> Floats:
    rates = np.full(h, np.nan)
    for k in range(h):
        own = hits[k::h]
        own = own[np.isfinite(own)]
        rates[k] = own.mean() if len(own) else np.nan
    rates.flags.writeable = False
    return rates


def _bootstrap_error(hits: Floats, h: int, rng: np.random.Generator | None, n_bootstrap: int) -> float:
    if rng is None:
        return float("nan")
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError("rng", "must be a random generator", type(rng).__name__, "pass np.random.default_rng(seed)")
    count = check_count(n_bootstrap, argument="n_bootstrap", minimum=_FEWEST_REPLICATIONS, unit="replications")
    n = len(hits)
    block = min(n, max(2 * h, round(n ** (1 / 3))))
    means: list[float] = []
    for first in range(0, count, size := max(1, _CHUNK // n)):
        rows = block_indices(n, block=block, n_replications=min(size, count - first), rng=rng)
        means.extend(np.nanmean(hits[rows], axis=1))
    return float(np.std(means, ddof=1))


def _beta_p_value(x: float, n: float, target: float) -> float:
    """Return twice the smaller exact tail: P(X >= x) and P(X <= x) of a binomial with n trials, whole or not."""
    above = float(stats.beta.cdf(target, x, n - x + 1.0)) if x > 0.0 else 1.0
    below = float(stats.beta.sf(target, x + 1.0, n - x)) if x < n else 1.0
    return min(1.0, 2.0 * min(above, below))
