"""Correlation matrices for margin: an estimate, a lower and an upper one, each of them a correlation matrix."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence
from volkit.correlation.bounds.path import LEAST_EIGENVALUE, LevelPath, furthest_level
from volkit.correlation.bounds.rows import CLIP, ShockRows, shock_rows
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE
from volkit.correlation.inputs import warn_small
from volkit.correlation.intervals import ewc_band
from volkit.correlation.matrix.family import symmetric
from volkit.correlation.matrix.repair import nearest_correlation
from volkit.errors import DataError, SmallSampleWarning
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CorrelationBounds", "bounds_of_rows", "correlation_bounds"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CorrelationBounds(ResultDisplay):
    """Correlations of many series with bounds that are correlation matrices too.

    Attributes
    ----------
    estimate, lower, upper : DataFrame, shape (n_assets, n_assets)
        No unit; symmetric, diagonal one, positive definite; lower <= estimate <= upper in every entry.
    pairwise_lower, pairwise_upper : DataFrame, shape (n_assets, n_assets)
        Each pair's own interval at `confidence`; need not be a correlation matrix.
    standard_error, degrees_of_freedom : DataFrame, shape (n_assets, n_assets)
        Of atanh(estimate) and of the t quantile; NaN on the diagonal.
    confidence : float
        Two-sided level that was asked for, fraction.
    lower_level, upper_level : float
        Level at which `lower` and `upper` stand, fraction: that of `confidence` when the pairs' bounds fit together,
        less when they do not.
    lower_distance, upper_distance : float
        Frobenius distance of the pairs' bounds from the nearest correlation matrix (Higham); 0 when they fit.
    half_life : float or None
        Of the volatility that changes were divided by, in periods; None for changes as they are.
    method : str
        Estimator and interval in words.
    n_obs, n_missing : int
        Rows that every series has, and rows left out (a value missing, or no volatility yet).
    start, as_of : Timestamp
        First and last time (UTC) used, both inclusive.
    provenance : Provenance
        Series behind it.
    """

    estimate: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    pairwise_lower: pd.DataFrame
    pairwise_upper: pd.DataFrame
    standard_error: pd.DataFrame
    degrees_of_freedom: pd.DataFrame
    confidence: float
    lower_level: float
    upper_level: float
    lower_distance: float
    upper_distance: float
    half_life: float | None
    method: str
    n_obs: int
    n_missing: int
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def is_reached(self) -> bool:
        """Whether both matrices stand at the level that was asked for."""
        return min(self.lower_level, self.upper_level) >= self.confidence

    @property
    def level_words(self) -> str:
        """The levels in a clause, for a caption."""
        if self.is_reached:
            return f"bounds at {self.confidence:.4g}"
        return (
            f"bounds asked for at {self.confidence:.4g} do not fit together: lower at {self.lower_level:.3g}, "
            f"upper at {self.upper_level:.3g}"
        )

    @property
    def headline(self) -> str:
        """Size, levels, rows and span in one line."""
        span = f"{self.start.date()}..{self.as_of.date()}"
        return f"{len(self.estimate)} series, {self.level_words}, {self.n_obs} rows {span}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        smallest = [np.linalg.eigvalsh(m.to_numpy())[0] for m in (self.lower, self.estimate, self.upper)]
        half_life = "none" if self.half_life is None else f"{self.half_life:g}"
        facts = {
            "level asked for, two-sided": f"{self.confidence:.4g}",
            "level of the lower, upper matrix": f"{self.lower_level:.4g}, {self.upper_level:.4g}",
            "smallest eigenvalue of lower, estimate, upper": ", ".join(f"{value:.3g}" for value in smallest),
            "Higham distance of the pairs' bounds": f"{self.lower_distance:.3g}, {self.upper_distance:.3g}",
            "method": self.method,
            "half-life of the volatility (periods)": half_life,
            "complete rows": str(self.n_obs),
            "left out, missing or without a volatility (rows)": str(self.n_missing),
            "first time (UTC)": f"{self.start:%Y-%m-%d %H:%M}",
            "last time (UTC)": f"{self.as_of:%Y-%m-%d %H:%M}",
        }
        return pd.Series(facts, name="value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a pair: first, second, n, estimate, lower, upper and the pair's own bounds (no unit)."""
        names = list(self.estimate.columns)
        matrices = {
            "estimate": self.estimate,
            "lower": self.lower,
            "upper": self.upper,
            "pairwise_lower": self.pairwise_lower,
            "pairwise_upper": self.pairwise_upper,
        }
        rows = [
            (names[i], names[j], self.n_obs, *(float(m.iat[i, j]) for m in matrices.values()))
            for i, j in zip(*np.triu_indices(len(names), k=1), strict=True)
        ]
        return pd.DataFrame(rows, columns=["first", "second", "n", *matrices])


def correlation_bounds(
    changes: pd.DataFrame,
    *,
    confidence: float = 0.95,
    half_life: float | None = DEFAULT_HALF_LIFE,
    clip: float = CLIP,
    provenance: Provenance | None = None,
) -> CorrelationBounds:
    """Return the correlation matrix of many series with a lower and an upper matrix, all positive definite.

    Parameters
    ----------
    changes : DataFrame, shape (n_rows, n_assets)
        Changes on one clock, each column in its own unit, UTC times. Only rows that every column has are used, taken as
        if adjacent: one sample, and so one positive semi-definite estimate.
    confidence : float
        Two-sided level of each pair, fraction; no correction for the number of pairs.
    half_life : float or None
        Of the volatility that changes are divided by, in periods (`devolatilize`); None to take them as they are.
    clip : float
        Shocks are cut off here, in standard deviations; infinite for none.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationBounds
        Shape (n_assets, n_assets), no unit.

    Raises
    ------
    ArgumentError
        For a bad confidence, half-life or clip.
    DataError
        For levels, infinities, bad times, a name twice, fewer than 20 complete rows, a constant column, and a singular
        estimate (as many series as rows, one a sum of others), from which no bound can be reached.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 complete rows, and when the bounds of the pairs do not fit together at `confidence`.

    Notes
    -----
    Each pair's interval is `intervals.ewc_band` of the shocks: tanh(atanh r -+ t(level) se), the t quantile with the
    pair's own degrees of freedom (Lazarus, Lewis, Stock and Watson, JBES 2018). In simulation (GARCH(0.10, 0.87), t5,
    0.4 and 0.8) 95 % intervals cover 96 % at 90, 95 % at 250 and 94 % at 1,500 rows. The lower matrix is on the path
    R(level) = all pairs' lower bounds at one level, which begins with the estimate at level 0, and stands at the
    requested level or, if it is less, at the first level where R is no longer positive definite
    (`bounds.path.furthest_level`). So does the upper one. For all data,

    (a) every matrix has a unit diagonal and no eigenvalue below 1e-8, so that it has a Cholesky factor;
    (b) pairwise_lower <= lower <= estimate <= upper <= pairwise_upper in every entry, to rounding;
    (c) a higher confidence never raises an entry of `lower` nor reduces one of `upper`;
    (d) columns in another order give the same matrices in that order, to the 1e-9 of an eigenvalue where a walk ends.

    Higham's nearest matrix to the pairs' bounds promises (a) only: it moves entries back beyond the estimate and, as
    the level grows, back and forth; its distance is reported. A straight line from the estimate to the bounds keeps
    (a), (b) and (d), but its direction changes with the level and (c) fails. An entry of a matrix that stands below the
    requested level bounds less than was asked: `lower_level` says so, and `netting_benefit` shows the pairs' own box.

    A correlation of shocks is one of changes whose volatility is known; a margin brings its own volatilities.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])).tail(1250)
    >>> bounds = correlation_bounds(moves)
    >>> bounds
    <CorrelationBounds: 3 series, bounds at 0.95, 1240 rows 2014-01-29..2018-12-31>
    >>> bounds.to_frame()[["lower", "estimate", "upper"]].round(2).iloc[1].tolist()
    [-0.86, -0.82, -0.78]
    """
    level = check_confidence(confidence)
    rows = shock_rows(changes, half_life=half_life, clip=clip)
    warn_small(len(rows.index), what="this matrix of correlations")
    bounds = bounds_of_rows(rows, confidence=level, provenance=provenance)
    if not bounds.is_reached:
        warnings.warn(
            f"{bounds.level_words}: take more history, fewer series, or the pairs' own box of netting_benefit.",
            SmallSampleWarning,
            stacklevel=2,
        )
    return bounds


def bounds_of_rows(rows: ShockRows, *, confidence: float, provenance: Provenance | None) -> CorrelationBounds:
    """Return the bounds of checked shocks, shape (n_obs, n_assets); arguments as in `correlation_bounds`.

    Raises
    ------
    DataError
        For a singular estimate.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=90, tz="UTC")
    >>> moves = pd.DataFrame(np.random.default_rng(1).standard_normal((90, 2)), index=times, columns=["BTC", "SPX"])
    >>> rows = shock_rows(moves, half_life=None)
    >>> bounds_of_rows(rows, confidence=0.9, provenance=None).n_obs
    90
    """
    first, second = np.triu_indices(len(rows.labels), k=1)
    series = np.ascontiguousarray(rows.values.T)
    band = ewc_band(series[first], series[second], confidence=confidence)
    error, freedom = band.standard_error, band.degrees_of_freedom
    estimate, pair_lower, pair_upper = (
        symmetric(values, rows.labels, diagonal=1.0) for values in (band.correlation, band.lower, band.upper)
    )
    _require_full_rank(estimate, len(rows.index))
    widths = [symmetric(values, rows.labels, diagonal=np.nan) for values in (error, freedom)]
    lower, lower_level = bound_along(estimate, *widths, direction=-1.0, confidence=confidence)
    upper, upper_level = bound_along(estimate, *widths, direction=1.0, confidence=confidence)
    words = "changes" if rows.half_life is None else "shocks"
    clipped = f" clipped at {rows.clip:g} deviations" if rows.clip < np.inf else ""
    return CorrelationBounds(
        estimate=freeze(estimate),
        lower=freeze(lower),
        upper=freeze(upper),
        pairwise_lower=freeze(pair_lower),
        pairwise_upper=freeze(pair_upper),
        standard_error=freeze(widths[0]),
        degrees_of_freedom=freeze(widths[1]),
        confidence=confidence,
        lower_level=lower_level,
        upper_level=upper_level,
        lower_distance=nearest_correlation(pair_lower).distance,
        upper_distance=nearest_correlation(pair_upper).distance,
        half_life=rows.half_life,
        method=f"Pearson of {words}{clipped}, EWC-HAR interval, all pairs at one level",
        n_obs=len(rows.index),
        n_missing=rows.n_missing,
        start=rows.index[0],
        as_of=rows.index[-1],
        provenance=provenance or Provenance(()),
    )


def bound_along(
    estimate: pd.DataFrame,
    standard_error: pd.DataFrame,
    degrees_of_freedom: pd.DataFrame,
    *,
    direction: np.ndarray | float,
    confidence: float,
) -> tuple[pd.DataFrame, float]:
    """Return the matrix furthest along a direction up to a level, and the level reached.

    Parameters
    ----------
    estimate, standard_error, degrees_of_freedom : DataFrame, shape (n_assets, n_assets)
        As in `CorrelationBounds`.
    direction : float or ndarray, shape (n_assets, n_assets)
        Of each pair, -1 or 1.
    confidence : float
        Two-sided level, fraction.

    Examples
    --------
    >>> two = ["BTC", "SPX"]
    >>> given, error, freedom = (
    ...     pd.DataFrame([[diagonal, pair], [pair, diagonal]], index=two, columns=two)
    ...     for diagonal, pair in ((1.0, 0.5), (np.nan, 0.1), (np.nan, 8.0))
    ... )
    >>> matrix, level = bound_along(given, error, freedom, direction=-1.0, confidence=0.95)
    >>> float(matrix.loc["BTC", "SPX"].round(3)), level
    (0.308, 0.95)
    """
    # The diagonal does not move; any numbers do for its error and freedom.
    path = LevelPath(
        estimate.to_numpy(),
        standard_error.fillna(0.0).to_numpy(),
        degrees_of_freedom.fillna(1.0).to_numpy(),
        np.broadcast_to(direction, estimate.shape),
    )
    matrix, level = furthest_level(path, confidence=confidence)
    return pd.DataFrame(matrix, index=estimate.index, columns=estimate.columns), level


def _require_full_rank(estimate: pd.DataFrame, n_obs: int) -> None:
    smallest = float(np.linalg.eigvalsh(estimate.to_numpy())[0])
    # Ten times what the bounds keep, so that the path has room for a first step.
    if smallest > 10.0 * LEAST_EIGENVALUE:
        return
    beside = estimate.abs().to_numpy() * (1.0 - np.eye(len(estimate)))
    i, j = np.unravel_index(int(beside.argmax()), beside.shape)
    got = (
        f"a smallest eigenvalue of {smallest:.2g} with {len(estimate)} series on {n_obs} rows; largest correlation "
        f"{estimate.iat[i, j]:.6f}, {estimate.index[min(i, j)]} and {estimate.index[max(i, j)]}"
    )
    remedy = "leave out a series that follows from the others, or pass more rows than series"
    raise DataError("changes", "must have a correlation matrix of full rank", got, remedy)
