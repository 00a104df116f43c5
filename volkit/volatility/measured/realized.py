"""Volatility measured from realised returns: over a window of them, or within a period from intraday ones."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_positive, check_returns
from volkit.conventions import annualize
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.measured.intraday import block_returns
from volkit.volatility.measured.kernel import kernel_bandwidth, realized_kernel
from volkit.volatility.measured.multipower import bipower_variation, median_variance, minimum_variance, sum_of_squares

__all__ = ["RealizedVariance", "close_to_close_volatility", "realized_variance", "zero_mean_volatility"]

_MEASURES = ["realized_variance", "bipower_variation", "median_variance", "minimum_variance", "realized_kernel"]
# Barndorff-Nielsen, Hansen, Lunde and Shephard (2009) measure the variance without noise on such a step.
_SPARSE = pd.Timedelta(minutes=20)


def close_to_close_volatility(returns: pd.Series, *, window: int) -> pd.Series:
    """Return the sample standard deviation of the last `window` returns, per period.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal returns on UTC times; NaN allowed, a window that holds one is NaN.
    window : int
        Number of returns, at least 2.

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period; NaN until `window` returns are there.

    Raises
    ------
    ArgumentError, DataError
        For a window below 2, and for what `volkit.checks.check_returns` refuses.

    Notes
    -----
    s_t^2 = sum_i (r_{t-i} - mean)^2 / (window - 1). Unbiased for the variance under any drift; noisier
    than range estimators when highs and lows are there.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import log_returns
    >>> returns = log_returns(BundledSource().load_bars("SPX").frame["close"])
    >>> round(close_to_close_volatility(returns, window=21).loc["2008-10-31"].item() * 252**0.5, 3)
    0.83
    """
    width = check_count(window, argument="window", minimum=2)
    checked = check_returns(returns, minimum=width, allow_missing=True)
    # On sliding views rather than pandas' running sums: a bad print must not leave a trace after it.
    views = np.lib.stride_tricks.sliding_window_view(checked.to_numpy(), width)
    values = np.concatenate([np.full(width - 1, np.nan), views.std(axis=1, ddof=1)])
    return pd.Series(values, index=checked.index, name=checked.name)


def zero_mean_volatility(returns: pd.Series, *, window: int) -> pd.Series:
    """Return the root mean square of the last `window` returns, per period.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal returns on UTC times; NaN allowed, a window that holds one is NaN.
    window : int
        Number of returns, at least 2.

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period; NaN until `window` returns are there.

    Raises
    ------
    ArgumentError, DataError
        For a window below 2, and for what `volkit.checks.check_returns` refuses.

    Notes
    -----
    s_t^2 = sum_i r_{t-i}^2 / window. Lower variance than the demeaned form at daily steps, where the drift
    is far smaller than its own estimation error.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> zero_mean_volatility(pd.Series([0.03, -0.04, 0.03, -0.04], index=times), window=2).round(5).tolist()
    [nan, 0.03536, 0.03536, 0.03536]
    """
    width = check_count(window, argument="window", minimum=2)
    checked = check_returns(returns, minimum=width, allow_missing=True)
    views = np.lib.stride_tricks.sliding_window_view(checked.to_numpy(), width)
    values = np.concatenate([np.full(width - 1, np.nan), np.sqrt((views**2).mean(axis=1))])
    return pd.Series(values, index=checked.index, name=checked.name)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RealizedVariance(ResultDisplay):
    """Realised measures of each period, from the returns within it.

    Attributes
    ----------
    asset : str
        Name of the series.
    table : DataFrame, shape (n_periods, 8)
        `realized_variance`, `bipower_variation`, `median_variance`, `minimum_variance`, `realized_kernel` (decimal
        squared per period; NaN where the period is blank), `kernel_bandwidth` (returns), `n_returns`, `n_missing`.
        Index `time` (UTC): the first instant of the period.
    period : str
        Length of a period.
    returns_per_period : int
        Returns in a full period.
    max_missing : float
        Share of them that may be missing; a period that lacks more is blank.
    periods_per_year : float
        Of the periods, not of the returns within them.
    as_of : Timestamp
        Label (UTC) of the last return used.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    table: pd.DataFrame
    period: str
    returns_per_period: int
    max_missing: float
    periods_per_year: float
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Periods measured."""
        return len(self.table) - self.n_blank

    @property
    def n_blank(self) -> int:
        """Periods that lack more returns than the budget allows."""
        return int(self.table["realized_variance"].isna().sum())

    @property
    def annualized_volatility(self) -> pd.DataFrame:
        """Root of each measure scaled to a year (decimal), shape (n_periods, 5), by UTC time."""
        return annualize(np.sqrt(self.table[_MEASURES]), periods_per_year=self.periods_per_year)

    @property
    def headline(self) -> str:
        """Asset, periods and mean volatility in one line."""
        mean = annualize(self.table["realized_variance"].mean() ** 0.5, periods_per_year=self.periods_per_year)
        return (
            f"{self.asset}, {self.n_obs} periods of {self.period} ({self.n_blank} blank), root mean realised variance "
            f"{percent_to(mean)} a year, as of {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a measure: volatility (annualised, decimal), and its variance beside the realised one."""
        volatility, variance = self.annualized_volatility, self.table[_MEASURES]
        return pd.DataFrame(
            {
                "median volatility (annualised, decimal)": volatility.median(),
                "highest volatility (annualised, decimal)": volatility.max(),
                "mean variance over mean realised variance": variance.mean() / variance["realized_variance"].mean(),
            }
        ).rename_axis(f"{self.asset}, {self.n_obs} periods of {self.period}")

    def to_frame(self) -> pd.DataFrame:
        """Return the table (decimal squared per period, by UTC time)."""
        return self.table


def realized_variance(
    returns: pd.Series,
    *,
    returns_per_period: int,
    periods_per_year: float,
    period: str = "1D",
    max_missing: float = 0.0,
    provenance: Provenance | None = None,
) -> RealizedVariance:
    """Return the realised variance of each period and its robust relatives.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal log returns, labelled by UTC times (the open of the bar in which they happened); NaN is missing.
    returns_per_period : int
        Returns in a full period: 288 for days of five-minute bars around the clock, at least 3.
    periods_per_year : float
        Of the periods: 365 for UTC days.
    period : str
        Length of a period, e.g. ``"8h"``: a part of a day that divides it, or whole days, from midnight UTC.
    max_missing : float
        Largest share of a period's returns that may be missing; default none. A period that lacks more is NaN.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    RealizedVariance
        Five measures of variance (decimal squared per period) and counts, one row a period. The first and the last
        period are often incomplete, hence blank.

    Raises
    ------
    ArgumentError, DataError, DataLossError
        As `volkit.volatility.intraday.block_returns`, and for periods_per_year of zero or less.

    Notes
    -----
    Realised variance sums squares; bipower variation, medRV and minRV leave jumps out; the realised kernel
    leaves the noise of quotes out; their formulas stand in `volkit.volatility.measured.multipower` and
    `volkit.volatility.measured.kernel`. Nothing is scaled up for missing returns, and the kernel is NaN where a
    NaN stands between two returns. The relative standard error of the first is sqrt(2 / n) at best: with fewer
    than about 50 returns a period all are rough.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=3 * 288, freq="5min", tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.002, len(times)), index=times, name="BTC")
    >>> realized_variance(returns, returns_per_period=288, periods_per_year=365)
    <RealizedVariance: BTC, 3 periods of 1D (0 blank), root mean realised variance 64.0 % a year, as of 2024-01-03>
    """
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    blocks = block_returns(returns, returns_per_period=returns_per_period, period=period, max_missing=max_missing)
    bandwidth = kernel_bandwidth(blocks.values, sparse_step=max(1, round(_SPARSE / blocks.step)))
    measures = (
        sum_of_squares(blocks.values),
        bipower_variation(blocks.values),
        median_variance(blocks.values),
        minimum_variance(blocks.values),
        realized_kernel(blocks.values, bandwidth=bandwidth),
    )
    table = pd.DataFrame(
        {name: blocks.blanked(values) for name, values in zip(_MEASURES, measures, strict=True)}, index=blocks.starts
    ).assign(kernel_bandwidth=bandwidth, n_returns=blocks.n_returns, n_missing=blocks.n_missing)
    return RealizedVariance(
        asset=blocks.asset,
        table=freeze(table),
        period=period,
        returns_per_period=blocks.returns_per_period,
        max_missing=max_missing,
        periods_per_year=periods_per_year,
        as_of=blocks.as_of,
        provenance=provenance or Provenance(()),
    )
