"""Marginal expected shortfall: what an asset loses on the days on which the market loses most."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from volkit.checks import check_confidence, check_correlation, check_count, check_positive
from volkit.contagion.measures.samples import check_panel, default_block, percentile_limits
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.margin.frontier.bands import stationary_weights
from volkit.margin.rates import require_tail
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay

__all__ = [
    "MarginalShortfall",
    "gaussian_marginal_expected_shortfall",
    "long_run_shortfall",
    "long_run_shortfall_from_beta",
    "marginal_expected_shortfall",
]

Floats = npt.NDArray[np.float64]
# Of V-Lab: 18 times a daily one for a fall of 40 % over half a year.
_LONG_RUN_MULTIPLE = 18.0
# Draws at a time: as many numbers as a hundred draws of ten years of days.
_CELLS = 400_000


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginalShortfall(ResultDisplay):
    """Expected loss of an asset given that the market is in its tail. Positive losses, decimals per period.

    Attributes
    ----------
    asset, market : str
        Names of the two series.
    shortfall : float
        The estimate; of a dynamic model for the period after the last.
    lower, upper : float
        Of its interval; NaN where there is none.
    market_shortfall : float
        The market's own, for scale.
    threshold : float
        Loss of the market from which on a period counts; of a dynamic model for the period after the last.
    beta : float
        Covariance over the market's variance; of a dynamic model for the period after the last.
    path : DataFrame or None
        Of a dynamic model: shortfall, market_volatility, asset_volatility, correlation by time (UTC).
    confidence, interval_confidence : float
        Of the market's tail (NaN for a fixed threshold) and of the interval.
    n_tail : int
        Periods in the tail; of a dynamic model without a fixed threshold each by that of its own volatility.
    method : str
        In words.
    as_of : Timestamp
        Label (UTC) of the last row used.
    n_obs : int
        Rows used.
    provenance : Provenance
        Series behind it.
    """

    asset: str
    market: str
    shortfall: float
    lower: float
    upper: float
    market_shortfall: float
    threshold: float
    beta: float
    path: pd.DataFrame | None
    confidence: float
    interval_confidence: float
    n_tail: int
    method: str
    as_of: pd.Timestamp
    n_obs: int
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Names, estimate and interval in one line."""
        reach = f" [{percent_to(self.lower, 2)}, {percent_to(self.upper, 2)}]" if np.isfinite(self.lower) else ""
        if self.path is not None and np.isfinite(self.confidence):
            # Every period has a threshold of its own; the one shown is the next one's.
            return (
                f"{self.asset} loses {percent_to(self.shortfall, 2)}{reach} in the next period when {self.market} "
                f"loses {percent_to(self.threshold, 2)} or more; {self.n_tail} of {self.n_obs:,} periods to "
                f"{self.as_of.date()} lost as much for their own volatility; {self.method}"
            )
        return (
            f"{self.asset} loses {percent_to(self.shortfall, 2)}{reach} when {self.market} loses "
            f"{percent_to(self.threshold, 2)} or more "
            f"({self.n_tail} of {self.n_obs:,} periods to {self.as_of.date()}); {self.method}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the measures (decimals) with the interval of the shortfall."""
        rows = {
            "marginal expected shortfall (decimal)": (self.shortfall, self.lower, self.upper),
            f"expected shortfall of {self.market} (decimal)": (self.market_shortfall, np.nan, np.nan),
            f"threshold, loss of {self.market} (decimal)": (self.threshold, np.nan, np.nan),
            "beta": (self.beta, np.nan, np.nan),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "lower", "upper"])

    def to_frame(self) -> pd.DataFrame:
        """Return the path of a dynamic model, else the summary."""
        return self.summary() if self.path is None else self.path.copy()


def marginal_expected_shortfall(
    returns: pd.DataFrame,
    *,
    asset: str,
    market: str,
    confidence: float = 0.95,
    interval_confidence: float = 0.95,
    n_draws: int = 999,
    mean_block: float | None = None,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> MarginalShortfall:
    """Return the mean loss of an asset over the market's worst periods.

    Parameters
    ----------
    returns : DataFrame, shape (n_obs, n_series)
        Decimal simple returns on UTC times without NaN; at least 100 rows.
    asset, market : str
        Columns.
    confidence : float
        Of the market's tail: 0.95 for its worst twentieth.
    interval_confidence : float
        Two-sided.
    n_draws, mean_block, rng
        Of a stationary bootstrap, as in `covar`; without `rng` the interval is that of the mean of the tail as if its
        periods were independent (t law).
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    MarginalShortfall
        Positive losses.

    Raises
    ------
    DataError
        For missing names or values.
    ArgumentError
        For the same name twice, or a confidence that leaves fewer than two rows in the tail.

    Notes
    -----
    Acharya, Pedersen, Philippon and Richardson (2017), Measuring systemic risk, Review of Financial Studies 30(1),
    2-47. The k = n (1 - confidence) worst rows count, the last of them in part.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> draws = rng.multivariate_normal([0, 0], [[4e-4, 3.6e-4], [3.6e-4, 9e-4]], 5_000)
    >>> times = pd.date_range("2010-01-01", periods=5_000, tz="UTC")
    >>> frame = pd.DataFrame(draws, index=times, columns=["M", "X"])
    >>> found = marginal_expected_shortfall(frame, asset="X", market="M")
    >>> exact = gaussian_marginal_expected_shortfall(correlation=0.6, volatility=0.03)
    >>> found.lower < exact < found.upper
    True
    """
    if asset == market:
        raise ArgumentError("asset", "must be another series than the market", repr(asset), "pass two different names")
    level, wide = check_confidence(confidence), check_confidence(interval_confidence, argument="interval_confidence")
    losses = -check_panel(returns, [asset, market], minimum=100)
    require_tail(0.5 * len(losses), level)
    x, m = losses[asset].to_numpy(), losses[market].to_numpy()
    # 200 (1 - 0.95) is a little more than 10 in binary, and would count an eleventh row.
    size = round(len(m) * (1.0 - level), 9)
    order = np.argsort(-m, kind="stable")
    share = _tail_weights(np.ones((1, len(m))), size)[0]
    value, own = float(share @ x[order]) / size, float(share @ m[order]) / size
    in_tail = share > 0.0
    if rng is None:
        spread = float(np.std(x[order][in_tail], ddof=1)) / float(np.sqrt(in_tail.sum()))
        half = float(stats.t.ppf(0.5 + 0.5 * wide, int(in_tail.sum()) - 1)) * spread
        lower, upper, how = value - half, value + half, "t interval"
    else:
        count = check_count(n_draws, argument="n_draws", unit="draws")
        block = default_block(len(m)) if mean_block is None else max(1.0, float(mean_block))
        draws = _redrawn(x[order], order, size, count, block, rng)
        lower, upper = (float(limit) for limit in percentile_limits(draws, wide))
        how = f"stationary bootstrap of {count:,}"
    return MarginalShortfall(
        asset=asset,
        market=market,
        shortfall=value,
        lower=lower,
        upper=upper,
        market_shortfall=own,
        threshold=float(m[order][in_tail][-1]),
        beta=float(np.cov(x, m)[0, 1] / np.var(m, ddof=1)),
        path=None,
        confidence=level,
        interval_confidence=wide,
        n_tail=int(in_tail.sum()),
        method=f"empirical, {how}",
        as_of=losses.index[-1],
        n_obs=len(losses),
        provenance=Provenance(()) if provenance is None else provenance,
    )


def gaussian_marginal_expected_shortfall(*, correlation: float, volatility: float, confidence: float = 0.95) -> float:
    """Return the marginal expected shortfall of normal returns without mean, positive, decimal.

    Parameters
    ----------
    correlation : float
        With the market, -1 to 1.
    volatility : float
        Of the asset, decimal per period.
    confidence : float
        Of the market's tail.

    Raises
    ------
    ArgumentError
        For a number out of range.

    Notes
    -----
    rho sigma phi(z) / (1 - confidence), z the normal quantile.

    Examples
    --------
    >>> round(gaussian_marginal_expected_shortfall(correlation=0.6, volatility=0.03), 6)
    0.037129
    """
    rho = check_correlation(correlation)
    sigma = check_positive(volatility, argument="volatility", unit="decimal per period")
    level = check_confidence(confidence)
    z = float(special.ndtri(level))
    return rho * sigma * float(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)) / (1.0 - level)


def long_run_shortfall(shortfall: float, *, multiple: float = _LONG_RUN_MULTIPLE) -> float:
    """Return the long-run loss that a daily marginal expected shortfall stands for, 1 - exp(-multiple MES).

    Parameters
    ----------
    shortfall : float
        Daily, positive for a loss, decimal.
    multiple : float
        18 is V-Lab's rule for a market fall of 40 % over six months.

    Returns
    -------
    float
        Decimal, below 1.

    Raises
    ------
    ArgumentError
        For a number that is not finite, or a multiple that is not positive.

    Examples
    --------
    >>> round(long_run_shortfall(0.037128830535133654), 6)
    0.48743
    """
    value = float(shortfall)
    if not np.isfinite(value):
        raise ArgumentError("shortfall", "must be finite (decimal)", f"{shortfall!r}", "pass a loss such as 0.03")
    return float(-np.expm1(-check_positive(multiple, argument="multiple", unit="days") * value))


def long_run_shortfall_from_beta(beta: float, *, decline: float = 0.4) -> float:
    """Return the loss of an asset in a market fall, 1 - exp(beta log(1 - decline)).

    Parameters
    ----------
    beta : float
        Of the asset's log return on the market's.
    decline : float
        Fall of the market over the long run, decimal, above 0 and below 1.

    Returns
    -------
    float
        Decimal, below 1; negative for a negative beta.

    Raises
    ------
    ArgumentError
        For a number out of range.

    Examples
    --------
    >>> round(long_run_shortfall_from_beta(0.9), 6)
    0.368554
    """
    if not 0.0 < float(decline) < 1.0:
        raise ArgumentError("decline", "must be a fraction above 0 and below 1", f"{decline!r}", "pass 0.4 for 40 %")
    if not np.isfinite(float(beta)):
        raise ArgumentError("beta", "must be finite", f"{beta!r}", "pass a slope such as 1.2")
    return float(-np.expm1(float(beta) * np.log1p(-float(decline))))


def _tail_weights(weights: Floats, size: float) -> Floats:
    """Return what of rows, sorted from the worst, lies within the first `size`; shape (n_draws, n_obs)."""
    before = np.cumsum(weights, axis=1) - weights
    return np.asarray(np.clip(size - before, 0.0, weights))


def _redrawn(
    ranked: Floats, order: npt.NDArray[np.intp], size: float, n_draws: int, block: float, rng: np.random.Generator
) -> Floats:
    step, values = max(1, _CELLS // len(ranked)), []
    for first in progress(range(0, n_draws, step), label="resampled histories"):
        count = min(step, n_draws - first)
        weights = stationary_weights(len(ranked), mean_block=block, n_draws=count, rng=rng)[:, order]
        values.append(_tail_weights(weights, size) @ ranked / size)
    return np.concatenate(values)
