"""Correlation of two prices that are not observed at the same instants, and which of them moves first.

Bars with their close instants enter; a `HayashiYoshida` result leaves. No price is carried forward to a common clock,
so nothing is lost to stale prices (the Epps effect).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count, check_floats, check_times, real_number
from volkit.correlation.inputs import MINIMUM_PAIRS
from volkit.correlation.intervals import cosine_terms
from volkit.correlation.leadlag.simultaneous import null_t, sup_t_draws
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.kernels import load_kernels
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["HayashiYoshida", "hayashi_yoshida_correlation"]

_COLUMNS = ["correlation", "lower", "upper", "t", "p_value", "adjusted_p_value"]
_HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class HayashiYoshida(ResultDisplay):
    """Hayashi-Yoshida correlations at leads and lags.

    Attributes
    ----------
    table : DataFrame, shape (n_lags, 6)
        By `lag` in hours: `correlation` (no unit), `lower`, `upper` (this lag alone), `t`, `p_value`,
        `adjusted_p_value` (over all lags).
    pair : tuple of str
        First and second price.
    block : Timedelta
        Span whose sums are taken as one observation in the errors.
    n_blocks, degrees_of_freedom : int
        Blocks, and cosine terms of the errors.
    confidence : float
        Of the intervals, fraction.
    n_obs : tuple of int
        Returns of each price.
    n_missing : int
        Prices left out because they are missing, both series together.
    method : str
        In words.
    start, as_of : Timestamp
        First and last instant (UTC) used.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    pair: tuple[str, str]
    block: pd.Timedelta
    n_blocks: int
    degrees_of_freedom: int
    confidence: float
    n_obs: tuple[int, int]
    n_missing: int
    method: str
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def convention(self) -> str:
        """The sign of a lag in words."""
        return f"positive lag: {self.pair[0]} leads {self.pair[1]} by that many hours"

    @property
    def correlation(self) -> float:
        """Correlation without a shift, no unit."""
        return float(self.table.loc[0.0, "correlation"])

    @property
    def best_lag(self) -> float:
        """Lag (hours) of the largest absolute correlation, the lead-lag contrast; positive when the first leads."""
        return float(self.table["correlation"].abs().idxmax())

    @property
    def lead_lag_ratio(self) -> float:
        """Squared correlations at positive over those at negative lags, no unit: above 1 the first leads more."""
        squares = self.table["correlation"] ** 2
        behind = float(squares[squares.index < 0].sum())
        return float(squares[squares.index > 0].sum()) / behind if behind > 0.0 else float("nan")

    @property
    def headline(self) -> str:
        """Correlation with interval, and the best lag."""
        row = self.table.loc[0.0]
        words = f"{row['correlation']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"
        return f"{self.pair[0]} and {self.pair[1]}, {words}, best lag {self.best_lag:+g} h, n {self.n_obs}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        best, zero, ratio = self.table.loc[self.best_lag], self.table.loc[0.0], self.lead_lag_ratio
        facts = {
            "correlation (no unit)": f"{zero['correlation']:.4f}",
            f"{percent_to(self.confidence, 0)} interval": f"{zero['lower']:.4f} to {zero['upper']:.4f}",
            "best lag (hours)": f"{self.best_lag:+g}",
            "its correlation (no unit)": f"{best['correlation']:.4f}",
            f"its p-value over {len(self.table)} lags": f"{best['adjusted_p_value']:.4f}",
            "lead-lag ratio (no unit)": f"{ratio:.3f}" if np.isfinite(ratio) else "not available",
            "convention": self.convention,
            "method": self.method,
            "returns of each": f"{self.n_obs[0]} and {self.n_obs[1]}",
            "prices left out, missing": str(self.n_missing),
            "span (UTC)": f"{self.start:%Y-%m-%d %H:%M} to {self.as_of:%Y-%m-%d %H:%M}",
        }
        return pd.Series(facts, name=f"{self.pair[0]} and {self.pair[1]}").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a lag: first, second, lag (hours) and the columns of `table`."""
        return self.table.reset_index().assign(first=self.pair[0], second=self.pair[1])


# A table of more lags than this is no table.
_MOST_LAGS = 100_000


def hayashi_yoshida_correlation(
    first_bars: pd.DataFrame | pd.Series,
    second_bars: pd.DataFrame | pd.Series,
    *,
    rng: np.random.Generator,
    max_lag: float = 0.0,
    step: float = 1.0,
    block: float | None = None,
    confidence: float = 0.95,
    n_draws: int = 1999,
    names: tuple[str, str] = ("first", "second"),
    provenance: Provenance | None = None,
) -> HayashiYoshida:
    """Return the correlation of two prices with instants of their own, at leads and lags.

    Parameters
    ----------
    first_bars, second_bars : DataFrame or Series
        Bars with `close` and `close_time` (UTC), or prices as a Series by the instants at which they were known
        (UTC). Positive prices; missing ones are left out and counted, so that the return spans the gap.
    rng : Generator
        For the law of the largest t over the lags.
    max_lag, step : float
        Largest lag in each direction and the step between lags, hours; 0 gives lag 0 alone.
    block : float, optional
        Hours whose sums make one observation in the errors; by default a day or twice the largest lag, the longer.
    confidence : float
        Of the intervals, fraction.
    n_draws : int
        Draws of that law.
    names : tuple of str
        Words for the two, for bars, which have no name.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    HayashiYoshida
        Positive lags have the first price lead.

    Raises
    ------
    ArgumentError
        For a negative lag, a step or block that is not positive, a bad confidence or count.
    DataError
        For prices that are not positive, bad times, a constant price, spans that do not meet, fewer than 20 blocks.

    Notes
    -----
    r(l) = sum_ij x_i y_j 1{(s_{i-1} + l, s_i + l] meets (t_{j-1}, t_j]} / sqrt(sum x_i^2 sum y_j^2), log returns x, y
    [1]_; its largest absolute value over l is the lead-lag contrast of [2]_. Returns of the common span only. Errors
    are those of `intervals.ewc_band` on the sums per block. Not for prices at a bid or an ask: their bounce enlarges
    both variances and shrinks r.

    References
    ----------
    .. [1] Hayashi and Yoshida (2005), Bernoulli 11(2), 359-379, equation 2.1.
    .. [2] Hoffmann, Rosenbaum and Yoshida (2013), Bernoulli 19(2), 426-461, section 3.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=3000, freq="h", tz="UTC")
    >>> price = pd.Series(np.exp(0.01 * rng.standard_normal(3000).cumsum()), index=times, name="BTC")
    >>> hayashi_yoshida_correlation(price[::2], price[::3].rename("ETH"), rng=rng)
    <HayashiYoshida: BTC and ETH, 1.00 (0.94 to 1.00), best lag +0 h, n (1499, 999)>
    """
    level = check_confidence(confidence)
    draws = check_count(n_draws, argument="n_draws", minimum=99, unit="draws")
    lags = _check_lags(max_lag, step)
    span = max(24.0, 2.0 * max_lag) if block is None else float(block)
    if not span > 0.0 or not np.isfinite(span):
        raise ArgumentError("block", "must be a positive number of hours", repr(block), "leave it out for a day")
    if len(names) != 2:
        raise ArgumentError("names", "must be two names", f"{len(names)} of them", 'pass ("BTC", "ETH")')
    first, missing_first = _prices(first_bars, "first_bars", names[0])
    second, missing_second = _prices(second_bars, "second_bars", names[1])
    first, second = _common_span(first, second)
    sums = _block_sums(first, second, lags, span)
    table, freedom = _intervals(sums, lags, level, draws, rng)
    return HayashiYoshida(
        table=freeze(table),
        pair=(str(first.name), str(second.name)),
        block=pd.Timedelta(hours=span),
        n_blocks=len(sums),
        degrees_of_freedom=freedom,
        confidence=level,
        n_obs=(len(first) - 1, len(second) - 1),
        n_missing=missing_first + missing_second,
        method=f"Hayashi-Yoshida, EWC-HAR interval on sums of {span:g} hours",
        start=min(first.index[0], second.index[0]),
        as_of=max(first.index[-1], second.index[-1]),
        provenance=provenance or Provenance(()),
    )


def _check_lags(max_lag: float, step: float) -> np.ndarray:
    if not 0.0 <= real_number(max_lag, argument="max_lag") < np.inf:
        raise ArgumentError("max_lag", "must be a number of hours from 0", repr(max_lag), "pass for example max_lag=6")
    if not 0.0 < real_number(step, argument="step") < np.inf:
        raise ArgumentError("step", "must be a positive number of hours", repr(step), "pass for example step=1")
    if max_lag / step > _MOST_LAGS:
        got = f"{max_lag / step:.3g} steps each way"
        raise ArgumentError("max_lag", f"must be at most {_MOST_LAGS} steps", got, "pass a longer step")
    each_way = int(max_lag / step + 1e-9)
    return np.arange(-each_way, each_way + 1) * float(step)


def _prices(bars: pd.DataFrame | pd.Series, argument: str, name: str) -> tuple[pd.Series, int]:
    """Return positive prices by the instant at which they were known, and the count of missing ones."""
    if isinstance(bars, pd.DataFrame):
        if not {"close", "close_time"} <= set(bars.columns):
            got = ", ".join(map(str, bars.columns)) or "no column"
            raise DataError(argument, "must have close and close_time", got, "pass bars, or a Series by close instant")
        prices = pd.Series(bars["close"].to_numpy(), index=pd.DatetimeIndex(bars["close_time"]), name=name)
    elif isinstance(bars, pd.Series):
        prices = bars.rename(str(bars.name) if bars.name is not None else name)
    else:
        raise DataError(argument, "must be bars or a Series of prices", type(bars).__name__, "pass bars of one symbol")
    index = check_times(prices.index, argument=argument)
    values = check_floats(prices, argument=argument)
    wrong = np.isinf(values) | (values <= 0.0)
    if wrong.any():
        got = f"{int(wrong.sum())} that are not, first {values[wrong][0]:g} at {index[wrong][0]}"
        raise DataError(
            argument, "must be finite, positive prices", got, "pass prices, not returns, or set them to NaN"
        )
    seen = np.isfinite(values)
    if seen.sum() <= MINIMUM_PAIRS or np.ptp(values[seen]) == 0.0:
        got = f"{int(seen.sum())} prices" if seen.sum() <= MINIMUM_PAIRS else f"always {values[seen][0]:g}"
        raise DataError(argument, f"must have more than {MINIMUM_PAIRS} prices that vary", got, "pass a longer history")
    return pd.Series(values[seen], index=index[seen], name=prices.name), int((~seen).sum())


def _common_span(first: pd.Series, second: pd.Series) -> tuple[pd.Series, pd.Series]:
    start, end = max(first.index[0], second.index[0]), min(first.index[-1], second.index[-1])
    kept = []
    for prices in (first, second):
        # One price on either side of the span is kept: its return still overlaps with the other's.
        low = max(int(prices.index.searchsorted(start, side="right")) - 1, 0)
        high = int(prices.index.searchsorted(end, side="left")) + 1
        kept.append(prices.iloc[low:high])
    if start >= end or min(len(kept[0]), len(kept[1])) <= MINIMUM_PAIRS:
        got = f"{first.index[0]} to {first.index[-1]} and {second.index[0]} to {second.index[-1]}"
        requirement = f"must have more than {MINIMUM_PAIRS} prices each in a common span"
        raise DataError("first_bars and second_bars", requirement, got, "pull the same span")
    return kept[0], kept[1]


def _block_sums(first: pd.Series, second: pd.Series, lags: np.ndarray, span: float) -> np.ndarray:
    """Return sums of squares of both and of products at each lag, shape (n_blocks, 2 + n_lags)."""
    kernels = load_kernels("volkit.correlation.leadlag._kernels")
    s, t = (np.array(prices.index.as_unit("us").asi8) for prices in (first, second))
    x, y = (np.diff(np.log(prices.to_numpy())) for prices in (first, second))
    width = int(span * _HOUR.value // 1000)
    origin = min(s[1], t[1])
    place, other = (s[1:] - origin) // width, (t[1:] - origin) // width
    n_blocks = int(max(place[-1], other[-1])) + 1
    if n_blocks < MINIMUM_PAIRS:
        got = f"{n_blocks} blocks of {span:g} hours"
        raise DataError("the common span", f"must have at least {MINIMUM_PAIRS} blocks", got, "pass a shorter block")
    sums = np.empty((n_blocks, 2 + len(lags)))
    sums[:, 0] = np.bincount(place, weights=x**2, minlength=n_blocks)
    sums[:, 1] = np.bincount(other, weights=y**2, minlength=n_blocks)
    products = np.empty(len(x))
    for k, lag in enumerate(lags):
        kernels.overlapping_products(s, x, t, y, round(lag * _HOUR.value / 1000), products)
        sums[:, 2 + k] = np.bincount(place, weights=products, minlength=n_blocks)
    return sums


def _intervals(
    sums: np.ndarray, lags: np.ndarray, confidence: float, n_draws: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, int]:
    n = len(sums)
    nu = cosine_terms(n)
    u, v = (sums[:, i] / sums[:, i].sum() for i in (0, 1))
    products = sums[:, 2:] / np.sqrt(sums[:, 0].sum() * sums[:, 1].sum())
    r = products.sum(axis=0)
    # The estimate may leave [-1, 1] on few observations, where atanh is not defined: r itself has the interval.
    psi = products - 0.5 * r * (u + v)[:, None]
    cosines = np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(1, nu + 1)) / n)
    error = np.sqrt(2.0 * ((psi.T @ cosines) ** 2).mean(axis=1))
    t = null_t(products, degrees_of_freedom=nu)
    half = stats.t.ppf(0.5 * (1.0 + confidence), nu) * error
    law = sup_t_draws(products, degrees_of_freedom=nu, block=1, n_draws=n_draws, rng=rng)
    adjusted = (1.0 + (law[:, None] >= np.abs(t)).sum(axis=0)) / (n_draws + 1.0)
    limits = np.clip(r - half, -1.0, 1.0), np.clip(r + half, -1.0, 1.0)
    columns = (r, *limits, t, 2.0 * stats.t.sf(np.abs(t), nu), adjusted)
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)), index=pd.Index(lags, name="lag")), nu
