"""The volatility cone: how high volatility has been over windows of each length, and where it stands now.

A history (returns, or bars with a range estimator) enters, a `VolatilityCone` leaves. `percentile_rank` gives the
same standing through time, each value among those before it only.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_floats, check_fraction, check_positive, check_series, check_times
from volkit.conventions import annualize
from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.measured.realized import close_to_close_volatility

__all__ = ["VolatilityCone", "WindowEstimator", "percentile_rank", "volatility_cone"]

Number = TypeVar("Number", int, float)

_QUANTILES = (0.0, 0.10, 0.25, 0.50, 0.75, 0.90, 1.0)
# Below this many windows without a day in common, the ends of the cone are single episodes.
_FEW_WINDOWS = 5


class WindowEstimator(Protocol):
    """What measures volatility over windows: `close_to_close_volatility`, `yang_zhang_volatility`, or your own."""

    def __call__(self, data: pd.Series | pd.DataFrame, /, *, window: int) -> pd.Series:
        """Return the volatility per period (decimal) at each UTC time, NaN until the window is full."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VolatilityCone(ResultDisplay):
    """Quantiles of past volatility by length of window, and where the latest value stands.

    Attributes
    ----------
    asset : str
        Name of the series.
    table : DataFrame, shape (n_windows, n_quantiles)
        Annualised volatility (decimal). Index `window` (periods), columns `quantile` (fractions; 0 is the lowest, 1
        the highest).
    standing : DataFrame, shape (n_windows, 4)
        `current` (annualised, decimal), `percentile_rank` (share of the earlier values below it), `n_estimates`
        (windows, overlapping) and `n_independent` (windows without a period in common). Index `window`.
    estimator : str
        Name of the estimator.
    periods_per_year : float
        Of the history's clock.
    as_of : Timestamp
        Label (UTC) of the last period used.
    n_obs : int
        Rows of the history.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    table: pd.DataFrame
    standing: pd.DataFrame
    estimator: str
    periods_per_year: float
    as_of: pd.Timestamp
    n_obs: int
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Asset, windows, and where the shortest stands, in one line."""
        window, now = self.standing.index[0], self.standing.iloc[0]
        return (
            f"{self.asset}, windows of {', '.join(map(str, self.table.index))} periods, latest {window}-period "
            f"volatility {percent_to(now['current'])} a year, above {percent_to(now['percentile_rank'], 0)} of "
            f"earlier ones, as of {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a window: quantiles and the latest value (annualised, decimal), its rank, and counts."""
        words = {0.0: "lowest", 0.5: "median", 1.0: "highest"}
        named = self.table.rename(columns=lambda q: words.get(q, f"{100.0 * q:g} % quantile"))
        counts = self.standing.rename(
            columns={
                "current": "latest",
                "percentile_rank": "share of earlier values below",
                "n_estimates": "windows (overlapping)",
                "n_independent": "windows (without overlap)",
            }
        )
        return named.join(counts).rename_axis("window (periods); volatility a year, decimal")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a window and quantile: volatility (annualised, decimal)."""
        return self.table.stack().rename("annualized_volatility").reset_index()


def volatility_cone(
    data: pd.Series | pd.DataFrame,
    *,
    windows: Sequence[int],
    periods_per_year: float,
    quantiles: Sequence[float] = _QUANTILES,
    estimator: WindowEstimator = close_to_close_volatility,
    asset: str | None = None,
    provenance: Provenance | None = None,
) -> VolatilityCone:
    """Return the quantiles of past volatility for each window, and where the latest value stands.

    Parameters
    ----------
    data : Series or DataFrame, shape (n_obs, ...)
        What `estimator` takes, on UTC times: decimal returns by default, bars for a range estimator.
    windows : sequence of int
        Lengths in periods, rising, each at least 2.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    quantiles : sequence of float
        Rising fractions; 0 and 1 are the lowest and the highest value.
    estimator : callable
        Takes `data` and `window`, returns volatility per period by time. `close_to_close_volatility` by default.
    asset : str, optional
        What the history is of; the name of a series by default.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    VolatilityCone
        Annualised volatilities (decimal).

    Raises
    ------
    ArgumentError, DataError
        For no window, windows or quantiles that do not rise, a quantile outside 0 to 1, fewer than two estimates of a
        window, a latest estimate that is missing, and for what the estimator refuses.

    Warns
    -----
    SmallSampleWarning
        When fewer than five windows of some length have no period in common.

    Notes
    -----
    Quantiles are of type 6 (Weibull) over all windows that end up to `as_of`, the latest included [1]_. Windows that
    overlap tell the same story: 500 windows of 250 periods in 749 are no more than 2 independent ones (the counts are
    in `standing`), and the extremes of long windows are those of an episode or two. A cone is a record, no forecast.

    References
    ----------
    .. [1] Burghardt, G. and Lane, M. (1990), How to tell if options are cheap, Journal of Portfolio Management 16(2),
       72-78.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import log_returns
    >>> returns = log_returns(BundledSource().load_bars("SPX").frame["close"]).rename("SPX")
    >>> cone = volatility_cone(returns, windows=[10, 21, 63], periods_per_year=252)
    >>> cone.table.loc[21, [0.0, 0.5, 1.0]].round(3).tolist()
    [0.035, 0.141, 0.854]
    """
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    lengths = _rising([check_count(w, argument="windows", minimum=2) for w in windows], "windows", "10, 30, 90")
    shares = _rising([check_fraction(q, argument="quantiles") for q in quantiles], "quantiles", "0.1, 0.5, 0.9")
    paths = {w: annualize(estimator(data, window=w), periods_per_year=periods_per_year) for w in lengths}
    standing = pd.DataFrame.from_dict({w: _standing(path, w) for w, path in paths.items()}, orient="index")
    table = pd.DataFrame.from_dict(
        {w: np.quantile(path.dropna().to_numpy(), shares, method="weibull") for w, path in paths.items()},
        orient="index",
        columns=pd.Index(shares, name="quantile"),
    )
    few = standing.index[standing["n_independent"] < _FEW_WINDOWS].tolist()
    if few:
        warnings.warn(
            f"windows of {', '.join(map(str, few))} periods: fewer than {_FEW_WINDOWS} have no period in common; read "
            "their quantiles as single episodes, or pass a longer history.",
            SmallSampleWarning,
            stacklevel=2,
        )
    longest = paths[lengths[-1]]
    return VolatilityCone(
        asset=asset or str(getattr(data, "name", None) or "asset"),
        table=freeze(table.rename_axis("window")),
        standing=freeze(standing.rename_axis("window")),
        estimator=getattr(estimator, "__name__", type(estimator).__name__),
        periods_per_year=periods_per_year,
        as_of=longest.index[-1],
        n_obs=len(longest),
        provenance=provenance or Provenance(()),
    )


def percentile_rank(series: pd.Series, *, window: int) -> pd.Series:
    """Return the share of the `window` values before each value that lie below it.

    Parameters
    ----------
    series : Series, shape (n_obs,)
        Any level by UTC time, such as volatility or an index of it; NaN where there is none.
    window : int
        Number of earlier values, at least 2.

    Returns
    -------
    Series, shape (n_obs,)
        Fractions from 0 (below all) to 1 (above all), equal values counted half. NaN for the first `window` values,
        and where the value or one of the window is missing.

    Raises
    ------
    ArgumentError, DataError
        For a window below 2 or not below the length of the series, bad times, or infinite values.

    Notes
    -----
    (number below + number equal / 2) / window, over the values before only: nothing after a time changes its rank. A
    volatility measured over m periods shares m - 1 of them with the value before, so ranks move slowly.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=5, tz="UTC")
    >>> percentile_rank(pd.Series([1.0, 2.0, 4.0, 3.0, 3.0], index=times), window=2).tolist()
    [nan, nan, 1.0, 0.5, 0.25]
    """
    width = check_count(window, argument="window", minimum=2, unit="values")
    index = check_times(check_series(series, argument="series").index, argument="series")
    values = check_floats(series, argument="series")
    if np.isinf(values).any():
        got = f"{int(np.isinf(values).sum())} infinite values, first at {index[np.isinf(values)][0]}"
        raise DataError("series", "must be finite or missing (NaN)", got, "set them to missing and count them")
    if width >= len(values):
        got, remedy = f"window={width} for {len(values)} values", "pass a longer history or a smaller window"
        raise DataError("series", "must have more values than the window", got, remedy)
    before = np.lib.stride_tricks.sliding_window_view(values[:-1], width)
    now = values[width:, None]
    rank = ((before < now).sum(axis=1) + 0.5 * (before == now).sum(axis=1)) / width
    known = np.isfinite(before).all(axis=1) & np.isfinite(now[:, 0])
    ranks = np.concatenate([np.full(width, np.nan), np.where(known, rank, np.nan)])
    return pd.Series(ranks, index=index, name=series.name)


def _standing(path: pd.Series, window: int) -> dict[str, float]:
    values = path.to_numpy()
    ends = np.flatnonzero(np.isfinite(values))
    if len(ends) < 2:
        remedy = "pass a longer history or smaller windows"
        raise DataError("data", f"must give at least 2 estimates over {window} periods", str(len(ends)), remedy)
    if ends[-1] != len(values) - 1:
        remedy = "end the history where prices do, or repair the last window"
        raise DataError("data", "must have a latest estimate", f"none after {path.index[ends[-1]]}", remedy)
    now, earlier = values[-1], values[ends[:-1]]
    return {
        "current": now,
        "percentile_rank": float(((earlier < now).sum() + 0.5 * (earlier == now).sum()) / len(earlier)),
        "n_estimates": len(ends),
        "n_independent": _disjoint(ends, window),
    }


def _disjoint(ends: np.ndarray, window: int) -> int:
    """Return how many windows that end at `ends` can be taken without a period in common."""
    count, at = 0, 0
    while at < len(ends):
        count += 1
        at = int(np.searchsorted(ends, ends[at] + window))
    return count


def _rising(values: list[Number], argument: str, example: str) -> list[Number]:
    if not values or any(b <= a for a, b in pairwise(values)):
        raise ArgumentError(
            argument, "must be given, rising and unequal", f"{values!r}", f"pass for example [{example}]"
        )
    return values
