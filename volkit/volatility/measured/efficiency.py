"""How good the range estimators are: bias and efficiency, where the truth is known and on real bars.

Simulated days or bars enter, a `RangeEfficiency` leaves: the mean of each estimator's variance beside the truth, and
how much less it scatters than squared returns do.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count, check_positive, real_number
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import ResultDisplay, freeze
from volkit.volatility.measured.bars import bar_variances, check_bars
from volkit.volatility.measured.ranges import RangeEstimator, range_volatility

__all__ = ["RangeEfficiency", "compare_range_estimators", "simulate_range_efficiency"]

_Floats = npt.NDArray[np.float64]

_WINDOWED: tuple[RangeEstimator, ...] = ("close_to_close", "yang_zhang")
_BATCHES = 20
# Steps drawn at once: 32 MB, whatever the number of days.
_STEPS_AT_ONCE = 4_000_000
# A price is exp of it; 64-bit numbers end at 709.
_LARGEST_LOG = 600.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RangeEfficiency(ResultDisplay):
    """Bias and efficiency of range estimators against squared close-to-close returns.

    Attributes
    ----------
    table : DataFrame, one row an estimator
        `bars_per_estimate` (1, or the window of those that need one), `bias` (mean variance over the truth, 1 is
        right), `efficiency` (variance of the squared return, or of its mean over the window, over the estimator's
        own), and their standard errors `bias_error`, `efficiency_error`.
    truth : str
        What `bias` is measured against.
    n_obs : int
        Bars.
    window : int
        Bars of an estimate that needs several.
    spec : str
        How the bars came about.
    """

    table: pd.DataFrame
    truth: str
    n_obs: int
    window: int
    spec: str

    @property
    def headline(self) -> str:
        """Bars, and bias and efficiency of Garman and Klass, in one line."""
        best = self.table.loc["garman_klass"]
        return (
            f"{self.spec}, {self.n_obs} bars, Garman-Klass has {best['bias']:.3f} of {self.truth} "
            f"and {best['efficiency']:.1f} times the efficiency of squared returns"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row an estimator: bias and efficiency as ratios without unit; the target of the bias is 1."""
        labels = {
            "bars_per_estimate": "bars an estimate",
            "bias": f"mean over {self.truth} (ratio)",
            "bias_error": "standard error of the mean",
            "efficiency": "efficiency (ratio of variances)",
            "efficiency_error": "standard error of the efficiency",
        }
        return self.table.rename(columns=labels).assign(target=1.0).rename_axis(self.spec)

    def to_frame(self) -> pd.DataFrame:
        """Return the table (ratios without unit)."""
        return self.table


def compare_range_estimators(bars: pd.DataFrame, *, window: int = 10) -> RangeEfficiency:
    """Return how the range estimators compare with squared returns on the bars of one symbol.

    Parameters
    ----------
    bars : DataFrame, shape (n_obs, n_columns)
        Prices in the columns open, high, low, close, on UTC times; NaN where there is no price. At least 20 bars for
        each period of the window.
    window : int
        Bars of an estimate that needs several (Yang-Zhang and the sample variance), at least 3.

    Returns
    -------
    RangeEfficiency
        `bias` against the mean squared close-to-close return of the same bars.

    Raises
    ------
    ArgumentError, DataError
        For a window below 3, and for what `volkit.volatility.bars.check_bars` refuses.

    Notes
    -----
    Real volatility moves, and its movement is in the variance of every estimator, so that efficiencies are not those of
    simulation. An estimator that is too low scatters less for that alone: multiply by bias^2 to compare on one
    scale. A bias below 1 is the gap between bars for those that do not see it, highs and lows that were missed, or
    returns that lean against each other within the bar. Standard errors are from 20 batches of consecutive bars.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> found = compare_range_estimators(BundledSource().load_bars("SPX").frame)
    >>> found.table.loc[["parkinson", "yang_zhang"], "bias"].round(2).tolist()
    [0.69, 0.65]
    """
    width = check_count(window, argument="window", minimum=3, unit="bars")
    checked = check_bars(bars, minimum=_BATCHES * width)
    table = _compare(checked, width, truth=None)
    return RangeEfficiency(
        table=freeze(table), truth="the mean squared return", n_obs=len(checked), window=width, spec="bars as given"
    )


def simulate_range_efficiency(
    rng: np.random.Generator,
    *,
    n_days: int = 20_000,
    n_steps: int = 1_440,
    volatility: float = 0.03,
    drift: float = 0.0,
    gap_share: float = 0.0,
    window: int = 10,
) -> RangeEfficiency:
    """Return bias and efficiency of the range estimators on simulated days of known variance.

    Parameters
    ----------
    rng : Generator
        Draws the prices; the same seed gives the same table.
    n_days : int
        Days, at least 20 times the window.
    n_steps : int
        Prices seen within a day; high and low are the extremes among them and the open.
    volatility : float
        Of a day from close to close, decimal.
    drift : float
        Mean log return of a day, decimal, all of it while the market is open.
    gap_share : float
        Share of the day's variance that passes between close and next open, a fraction below 1.
    window : int
        Bars of an estimate that needs several (Yang-Zhang and the sample variance), at least 3.

    Returns
    -------
    RangeEfficiency
        `bias` against volatility squared. 20,000 days of 1,440 steps take one to two seconds.

    Raises
    ------
    ArgumentError
        For counts that are too small, a volatility of zero or less, a gap share outside 0 to below 1, or a drift that
        would carry the price beyond the range of numbers.

    Notes
    -----
    Days are Brownian motion in log price. In continuous time and without drift and gap the efficiencies are 4.9
    (Parkinson), 7.4 (Garman-Klass) and 6.0 (Rogers-Satchell) [1]_ [2]_; prices seen at n steps miss each extreme
    by about 0.58 standard deviations of a step, so that ranges, and the variances from them, come out too small.
    Standard errors are from 20 batches of days.

    References
    ----------
    .. [1] Garman, M. B. and Klass, M. J. (1980), On the estimation of security price volatilities from historical
       data, Journal of Business 53(1), 67-78.
    .. [2] Rogers, L. C. G. and Satchell, S. E. (1991), Estimating variance from high, low and closing prices,
       Annals of Applied Probability 1(4), 504-512.

    Examples
    --------
    >>> found = simulate_range_efficiency(np.random.default_rng(1), n_days=2_000, n_steps=390)
    >>> found.table.loc["garman_klass", ["bias", "efficiency"]].round(2).tolist()
    [0.92, 8.52]
    """
    width = check_count(window, argument="window", minimum=3, unit="bars")
    days = check_count(n_days, argument="n_days", minimum=_BATCHES * width, unit="days")
    steps = check_count(n_steps, argument="n_steps", minimum=1, unit="steps")
    sigma = check_positive(volatility, argument="volatility", unit="decimal per day")
    reach = abs(real_number(drift, argument="drift")) * days + 6.0 * sigma * np.sqrt(days)
    if not reach < _LARGEST_LOG:
        got = f"drift={drift:g} and volatility={sigma:g} over {days} days"
        raise ArgumentError("drift", f"must keep the log price within {_LARGEST_LOG:g}", got, "pass fewer days")
    if not 0.0 <= real_number(gap_share, argument="gap_share") < 1.0:
        raise ArgumentError("gap_share", "must be a fraction from 0 to below 1", repr(gap_share), "pass e.g. 0.3")
    bars = _simulated_bars(rng, days, steps, sigma, drift, gap_share)
    table = _compare(bars, width, truth=sigma**2)
    spec = (
        f"simulated, {steps} steps a day, drift {drift / sigma:g} daily volatilities, {percent_to(gap_share, 0)} of "
        "it in gaps"
    )
    return RangeEfficiency(table=freeze(table), truth="the true variance", n_obs=days, window=width, spec=spec)


def _simulated_bars(
    rng: np.random.Generator, days: int, steps: int, sigma: float, drift: float, gap_share: float
) -> pd.DataFrame:
    """Return bars of shape (days, 4); days are drawn in turn, so that the size of a piece leaves no trace."""
    gaps = sigma * np.sqrt(gap_share) * rng.standard_normal(days)
    move, spread = drift / steps, sigma * np.sqrt((1.0 - gap_share) / steps)
    extremes = np.empty((days, 3))
    at_once = max(1, _STEPS_AT_ONCE // steps)
    for first in range(0, days, at_once):
        path = rng.standard_normal((min(at_once, days - first), steps))
        path *= spread
        path += move
        np.cumsum(path, axis=1, out=path)
        extremes[first : first + len(path)] = np.column_stack(
            [np.maximum(path.max(axis=1), 0.0), np.minimum(path.min(axis=1), 0.0), path[:, -1]]
        )
    opened = np.concatenate([[0.0], np.cumsum(gaps[1:] + extremes[:-1, 2])])
    logs = np.column_stack([opened, opened[:, None] + extremes])
    times = pd.date_range("2000-01-01", periods=days, tz="UTC", unit="us", name="time")
    return pd.DataFrame(np.exp(logs), index=times, columns=["open", "high", "low", "close"])


def _compare(bars: pd.DataFrame, width: int, *, truth: float | None) -> pd.DataFrame:
    single = bar_variances(bars)
    squared = single["close_to_close"]
    rows = {name: _row(single[name], squared, 1, truth) for name in single.columns if name not in _WINDOWED}
    mean = squared.rolling(width).mean()
    for name in _WINDOWED:
        # One close more, for as many returns as the others have.
        bars_needed = width + (name == "close_to_close")
        rows[name] = _row(range_volatility(bars, estimator=name, window=bars_needed) ** 2, mean, width, truth)
    rows["squared_return"] = _row(squared, squared, 1, truth)
    order = ["squared_return", "close_to_close", *(n for n in single.columns if n not in _WINDOWED), "yang_zhang"]
    return pd.DataFrame.from_dict(rows, orient="index").loc[order].rename_axis("estimator")


def _row(estimate: pd.Series, benchmark: pd.Series, bars: int, truth: float | None) -> dict[str, float]:
    both = np.column_stack([estimate, benchmark])
    both = both[np.isfinite(both).all(axis=1)]
    cuts = np.linspace(0, len(both), _BATCHES + 1).astype(int)
    whole = _ratios(both, truth)
    spread = np.std([_ratios(both[a:b], truth) for a, b in pairwise(cuts)], axis=0, ddof=1) / np.sqrt(_BATCHES)
    return {
        "bars_per_estimate": bars,
        "bias": whole[0],
        "bias_error": spread[0],
        "efficiency": whole[1],
        "efficiency_error": spread[1],
    }


def _ratios(both: _Floats, truth: float | None) -> _Floats:
    estimate, benchmark = both.T
    level = benchmark.mean() if truth is None else truth
    return np.array([estimate.mean() / level, benchmark.var() / estimate.var()])
