"""How the betas of an asset went through time: trailing windows, each with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count
from volkit.correlation.inputs import MINIMUM_PAIRS, warn_small
from volkit.correlation.macro.inputs import FactorPanel, check_clocks, check_factors, clock_column
from volkit.correlation.macro.regression import window_fits
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["RollingBetas", "check_windows", "rolling_betas"]

# A window with a tenth of its rows missing still speaks of its span.
_LEAST_SHARE = 0.9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RollingBetas(ResultDisplay):
    """Betas of one asset to macro factors over trailing windows.

    Attributes
    ----------
    asset : str
        Name of the asset.
    beta, standard_error, lower, upper : DataFrame, shape (n_obs, n_factors)
        By `time` (UTC, last row of the window), as in `labels`: from one regression on all factors. NaN before the
        first window, for windows with too few complete rows, and where a side is constant or factors are collinear.
    n : Series, shape (n_obs,)
        Complete rows of each window; NaN before the first.
    labels : mapping of str to str
        Unit of each factor's betas, e.g. ``return per basis point``.
    window, minimum : int
        Rows of a window, and complete ones that it needs.
    n_windows, n_blank : int
        Windows with betas, and windows without.
    confidence : float
        Of each two-sided interval, fraction; pointwise.
    n_obs, n_dropped : int
        Complete rows, and rows with a missing value.
    as_of : Timestamp
        Last time (UTC) of the sample.
    synchrony : mapping of str to Synchrony
        Clocks of the asset and a factor, by factor; empty when not stated.
    provenance : Provenance
        Series behind it.
    """

    asset: str
    beta: pd.DataFrame
    standard_error: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    n: pd.Series
    labels: Mapping[str, str]
    window: int
    minimum: int
    n_windows: int
    n_blank: int
    confidence: float
    n_obs: int
    n_dropped: int
    as_of: pd.Timestamp
    synchrony: Mapping[str, Synchrony]
    provenance: Provenance

    @property
    def latest(self) -> pd.DataFrame:
        """Beta, standard error and interval of the last window by factor, shape (n_factors, 4)."""
        names = ("beta", "standard_error", "lower", "upper")
        return pd.DataFrame({name: getattr(self, name).iloc[-1] for name in names}).rename_axis("factor")

    @property
    def headline(self) -> str:
        """Asset, factors, window and count in one line."""
        factors = ", ".join(self.beta.columns)
        return f"{self.asset} on {factors}, {self.n_windows} windows of {self.window} rows to {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return by factor: unit, latest beta with interval, range of the line, share of windows that exclude 0."""
        level, latest = percent_to(self.confidence, 0), self.latest
        apart = ((self.lower > 0.0) | (self.upper < 0.0)).sum() / max(self.n_windows, 1)
        return pd.DataFrame(
            {
                "unit": pd.Series(self.labels),
                "latest beta": latest["beta"],
                f"{level} lower": latest["lower"],
                f"{level} upper": latest["upper"],
                "lowest": self.beta.min(),
                "highest": self.beta.max(),
                "windows apart from 0 (share)": apart,
                "clocks": clock_column(self.synchrony, list(self.beta.columns)),
            }
        ).loc[list(self.beta.columns)]

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: time, factor, beta, standard error, interval (unit as in `labels`) and rows."""
        frames = {name: getattr(self, name) for name in ("beta", "standard_error", "lower", "upper")}
        tidy = pd.concat(frames, axis=1, names=["value", "factor"]).stack("factor", future_stack=True)
        return tidy.reset_index().merge(self.n.rename("n"), left_on="time", right_index=True)


def rolling_betas(
    asset_returns: pd.Series,
    factor_changes: pd.DataFrame,
    *,
    window: int,
    units: Mapping[str, str],
    minimum: int | None = None,
    lags: int | None = None,
    confidence: float = 0.95,
    synchrony: Mapping[str, Synchrony] | None = None,
    provenance: Provenance | None = None,
) -> RollingBetas:
    """Return the joint betas of an asset to its factors over trailing windows, with intervals.

    Parameters
    ----------
    asset_returns : Series, shape (n_obs,)
        Decimal returns on UTC times.
    factor_changes : DataFrame, shape (n_obs, n_factors)
        Changes on the same times, each in its own unit; a row with a NaN anywhere is missing in its windows.
    window : int
        Rows of a window.
    units : mapping of str to str
        Unit of one change of each factor, e.g. ``log return``, ``basis points``.
    minimum : int, optional
        Complete rows that a window needs; by default nine tenths of it.
    lags : int, optional
        Autocovariances in the errors; by default 1.3 sqrt(n) of each window's complete rows.
    confidence : float
        Of each two-sided interval, fraction.
    synchrony : mapping of str to Synchrony, optional
        By factor, e.g. ``{"SPX": panel.synchrony("BTC", "SPX")}``.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    RollingBetas
        Lines by factor; a row uses nothing after it.

    Raises
    ------
    ArgumentError
        As `macro_betas`, and for a window that is too short for its factors or longer than the sample.
    DataError
        As `macro_betas` over the whole sample.

    Warns
    -----
    SmallSampleWarning
        For a window below 60.
    AsynchronousWarning
        For a factor with less than 95 % of a period in common.

    Notes
    -----
    Each window is a regression as in `macro_betas`. The intervals hold one at a time: that a line leaves the band
    of another date is no test of change, and windows that share rows move together.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> times = pd.date_range("2023-01-01", periods=300, tz="UTC")
    >>> moves = pd.DataFrame({"US10Y": rng.normal(0, 6, 300)}, index=times)
    >>> asset = (-0.001 * moves["US10Y"] + rng.normal(0, 0.004, 300)).rename("BTC")
    >>> rolling_betas(asset, moves, window=90, units={"US10Y": "basis points"}).latest.round(4).loc["US10Y"].tolist()
    [-0.001, 0.0001, -0.0012, -0.0009]
    """
    level = check_confidence(confidence)
    panel = check_factors(asset_returns, factor_changes, units)
    panel.complete_rows()
    width, least = check_windows(window, minimum, panel)
    depth = None if lags is None else _check_window_lags(lags, least)
    asset = str(panel.asset.name)
    clocks = check_clocks(synchrony, panel.names, asset=asset)
    warn_small(width, what=f"each rolling beta of {asset}")
    lines, counts = _lines(panel, width, least, depth, level)
    has = int(np.isfinite(lines["beta"][:, 0]).sum())
    frames = {name: freeze(pd.DataFrame(v, panel.asset.index, panel.names)) for name, v in lines.items()}
    return RollingBetas(
        asset=asset,
        **frames,
        n=freeze(pd.Series(counts, index=panel.asset.index, name="n")),
        labels=panel.labels,
        window=width,
        minimum=least,
        n_windows=has,
        n_blank=len(panel.asset) - width + 1 - has,
        confidence=level,
        n_obs=int(panel.complete.sum()),
        n_dropped=int((~panel.complete).sum()),
        as_of=panel.asset.index[-1],
        synchrony=clocks,
        provenance=provenance or Provenance(()),
    )


def check_windows(window: int, minimum: int | None, panel: FactorPanel) -> tuple[int, int]:
    """Return the rows of a window and the complete ones that it needs, by default nine tenths.

    Raises
    ------
    ArgumentError
        For a window below 20 rows or five a coefficient, or beyond the sample, and a minimum that does not fit.
    DataError
        When no window has the minimum.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=200, tz="UTC")
    >>> moves = pd.Series([0.01, -0.02] * 100, index=times)
    >>> check_windows(90, None, FactorPanel(moves, moves.to_frame("SPX"), {}))
    (90, 81)
    """
    shortest = max(MINIMUM_PAIRS, 5 * (len(panel.names) + 1))
    width, n_rows = check_count(window, argument="window", minimum=shortest), len(panel.asset)
    if width > n_rows:
        remedy = f"pass window={n_rows} or less, or a longer history"
        raise ArgumentError("window", f"must fit into the {n_rows} rows of the sample", str(width), remedy)
    least = max(shortest, int(np.ceil(_LEAST_SHARE * width))) if minimum is None else minimum
    check_count(least, argument="minimum", minimum=shortest, unit="complete rows")
    if least > width:
        raise ArgumentError("minimum", f"must fit into the window of {width}", str(least), f"pass minimum={width}")
    fullest = int(np.convolve(panel.complete, np.ones(width), mode="valid").max())
    if fullest < least:
        remedy = "pass a smaller minimum, or leave out the factor with most missing values"
        raise DataError("factor_changes", f"must have {least} complete rows in a window", f"at most {fullest}", remedy)
    return width, least


def _check_window_lags(lags: int, least: int) -> int:
    depth = check_count(lags, argument="lags", minimum=0)
    if depth >= least:
        remedy = "leave it out for 1.3 sqrt(n)"
        raise ArgumentError("lags", f"must be below the {least} rows of a window", str(depth), remedy)
    return depth


def _lines(
    panel: FactorPanel, window: int, minimum: int, lags: int | None, confidence: float
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    y, x = panel.asset.to_numpy(), panel.factors.to_numpy()
    ends = np.arange(window - 1, len(y))
    lines = {name: np.full(x.shape, np.nan) for name in ("beta", "standard_error", "lower", "upper")}
    counts = np.full(len(y), np.nan)
    counts[ends] = np.convolve(panel.complete, np.ones(window), mode="valid").round()
    for rows, fits, _, _ in window_fits(y, x, window=window, minimum=minimum, ends=ends, lags=lags):
        at, beta, error = ends[rows], fits.coefficients[:, 1:], fits.standard_errors[:, 1:]
        half = float(stats.t.ppf(0.5 * (1.0 + confidence), fits.degrees_of_freedom)) * error
        lines["beta"][at], lines["standard_error"][at] = beta, error
        lines["lower"][at], lines["upper"][at] = beta - half, beta + half
    return lines, counts
