"""Pearson correlation in a moving window, each value with its interval and count, each line with a band and a test."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count, check_positive
from volkit.correlation.estimates import CorrelationEstimate
from volkit.correlation.inference.bands import simultaneous_width
from volkit.correlation.inference.constancy import ConstancyTest, constancy_test
from volkit.correlation.inference.devolatilize import devolatilize, shocks_of
from volkit.correlation.inference.windows import window_bands
from volkit.correlation.inputs import MINIMUM_PAIRS, PairedChanges, check_frame, check_pair, warn_small
from volkit.correlation.windows.rolling import check_window
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["RollingBands", "rolling_bands", "rolling_correlation"]

_SHORTEST_WINDOW = 10
# Draws are repeatable unless a generator is handed in.
_SEED = 0
_COLUMNS = ["correlation", "lower", "upper", "n"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RollingBands(ResultDisplay):
    """Correlations of every pair of series through time, each value with its interval and count.

    Attributes
    ----------
    correlation, lower, upper : DataFrame, shape (n_rows, n_pairs)
        No unit, by `time` (UTC) and columns (`first`, `second`), each from the window that ends at its row. NaN
        before the first full window, below the minimum count, and while a side is constant. Intervals are pointwise.
    n : DataFrame, shape (n_rows, n_pairs)
        Complete pairs in each window; NaN before the first full one.
    method : str
        Estimator, window and interval in words.
    confidence : float
        Of each interval, fraction.
    window : int
        In periods.
    as_of : Timestamp
        Last time (UTC) used.
    n_obs : int
        Rows of the sample.
    periods_per_year : float
        Of the clock of the changes.
    provenance : Provenance
        Series behind it.
    """

    correlation: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    n: pd.DataFrame
    method: str
    confidence: float
    window: int
    as_of: pd.Timestamp
    n_obs: int
    periods_per_year: float
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Number of pairs, method and time in one line."""
        return f"{self.correlation.shape[1]} pairs, {self.method}, as of {self.as_of.date()}"

    def pair(self, first: str, second: str) -> pd.DataFrame:
        """Return the path of one pair, named in the order of the columns, shape (n_rows, 4), no unit."""
        frames = (self.correlation, self.lower, self.upper, self.n)
        return pd.DataFrame({name: f[(first, second)] for name, f in zip(_COLUMNS, frames, strict=True)})

    def summary(self) -> pd.DataFrame:
        """Return by pair the latest correlation, its limits (no unit) and its count."""
        level = percent_to(self.confidence, 0)
        return pd.DataFrame(
            {
                "correlation": self.correlation.iloc[-1],
                f"{level} lower": self.lower.iloc[-1],
                f"{level} upper": self.upper.iloc[-1],
                "n (complete pairs)": self.n.iloc[-1],
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows, one a time and pair: time, first, second, correlation, lower, upper, n."""
        frames = (self.correlation, self.lower, self.upper, self.n)
        wide = [f.stack(["first", "second"], future_stack=True) for f in frames]
        return pd.concat(wide, axis=1, keys=_COLUMNS).reset_index()


def rolling_correlation(
    x: pd.Series,
    y: pd.Series,
    *,
    window: int,
    periods_per_year: float,
    confidence: float = 0.95,
    minimum: int | None = None,
    devolatilized: bool = False,
    rng: np.random.Generator | None = None,
    n_draws: int = 999,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> CorrelationEstimate:
    """Return the Pearson correlation of each window of rows, with interval, count, band and test of constancy.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times. A row with a NaN on either side keeps its place in the
        window and does not count.
    window : int
        Rows (periods of the clock) in a window, at least 10; 90 is the usual choice, and 30 shows mostly noise.
    periods_per_year : float
        Of the clock: 365 for UTC days, 252 for exchange sessions; carried on the result.
    confidence : float
        Of each interval, of the band and of the test, fraction.
    minimum : int, optional
        Complete pairs that a value needs, from 10 to `window`; by default half of the window, which
        weekday data on a clock of calendar days have.
    devolatilized : bool
        False for the correlation of the changes as they are, which is what the field publishes. True for that of
        the shocks, changes over their volatility of the moment (`inference.devolatilize`).
    rng : Generator, optional
        Draws the resampled histories of band and test; by default one of its own with a fixed seed.
    n_draws : int
        Resampled histories, at least 99; 0 leaves band and test out.
    synchrony : Synchrony, optional
        What the two clocks have in common (`PricePanel.synchrony`); carried on the result, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationEstimate
        Its path has the rows of x (UTC). `correlation`, `lower`, `upper` and `n` are each from the window that ends
        there: NaN before the first full window, below the minimum, and where a side is constant over the window.
        `band_lower` and `band_upper` hold for the whole line at once and know all of the sample, later rows too;
        `constancy` is the test of one correlation throughout. Both need two windows of complete pairs: a shorter
        sample has neither.

    Raises
    ------
    ArgumentError
        For a window below 10 or longer than the sample, a bad minimum, confidence or number of draws.
    DataError
        As `pearson_correlation`, and when no window has the minimum of complete pairs.

    Warns
    -----
    SmallSampleWarning
        For a window below 60.
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    Per window the interval of `intervals.ewc_band`. Each holds for its own window: that two of them do not
    overlap somewhere on a long line is no evidence of change, `constancy` is. The band is tanh(atanh(r_t) +- c) with
    the c of `inference.simultaneous_width`, times sqrt(m / n_t) where the window has n_t complete pairs and the
    median window m.

    Changes whose volatilities move apart have a smaller correlation than their shocks. In simulation (shocks of a
    correlation of 0.4) 95 % intervals on changes cover 0.4 in 93.5 to 96 % of windows of 30 to 250, on shocks also;
    in windows of 1,000, where 0.36 and 0.40 are told apart, only `devolatilized` ones cover 0.40.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "VIX"]))
    >>> estimate = rolling_correlation(moves["SPX"], moves["VIX"], window=90, periods_per_year=252)
    >>> estimate.latest.round(2).to_dict()
    {'correlation': -0.83, 'lower': -0.88, 'upper': -0.77, 'n': 90.0, 'band_lower': -0.94, 'band_upper': -0.58}
    """
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    level = check_confidence(confidence)
    draws = n_draws if n_draws == 0 else check_count(n_draws, argument="n_draws", minimum=99, unit="histories")
    raw = check_pair(x, y)
    pair = shocks_of(raw) if devolatilized else raw
    width, least = check_window(window, minimum, len(pair.index))
    bands = window_bands(np.stack([pair.x, pair.y]), np.array([[0, 1]]), window=width, minimum=least, confidence=level)
    path = _from_first(np.vstack([bands.correlation, bands.lower, bands.upper, bands.n]).T, pair.index, width)
    path.columns = pd.Index(_COLUMNS)
    if not (path["n"] >= least).any():
        got = f"at most {path['n'].max():.0f} in {width} rows of {pair.label}"
        raise DataError("x and y", f"must have {least} complete pairs in some window", got, "pass a smaller minimum")
    warn_small(width, what=f"each value of this rolling correlation of {pair.label}")
    warn_asynchronous(synchrony, what=f"the rolling correlation of {pair.label}")
    constancy = None
    if draws:
        generator = np.random.default_rng(_SEED) if rng is None else rng
        path, constancy = _with_test(raw, pair, path, level, generator, draws)
    return CorrelationEstimate(
        path=freeze(path),
        pair=pair.names,
        method=f"Pearson{' of shocks' if devolatilized else ''}, {width} periods, EWC-HAR interval",
        confidence=level,
        window=width,
        half_life=None,
        as_of=pair.last,
        n_obs=int(pair.complete.sum()),
        periods_per_year=periods_per_year,
        synchrony=synchrony,
        constancy=constancy,
        provenance=provenance or Provenance(()),
    )


def rolling_bands(
    changes: pd.DataFrame,
    *,
    window: int,
    periods_per_year: float,
    confidence: float = 0.95,
    minimum: int | None = None,
    devolatilized: bool = False,
    provenance: Provenance | None = None,
) -> RollingBands:
    """Return the Pearson correlations of every pair of columns in each window, with intervals and counts.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_series)
        Changes, each column in its own unit, UTC times. A row counts for a pair when both have a value.
    window, periods_per_year, confidence, minimum, devolatilized, provenance
        As in `rolling_correlation`.

    Returns
    -------
    RollingBands
        Frames of shape (n_obs, n_pairs), no unit.

    Raises
    ------
    ArgumentError
        As `rolling_correlation`.
    DataError
        For fewer than two columns, a name twice, bad columns.

    Warns
    -----
    SmallSampleWarning
        For a window below 60.

    Notes
    -----
    The numbers of `rolling_correlation` for all pairs at once. Intervals are pointwise and for each pair alone;
    `constancy_tests` says for the family which correlations changed.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"]))
    >>> rolling_bands(moves, window=90, periods_per_year=252)
    <RollingBands: 3 pairs, Pearson, 90 periods, EWC-HAR interval, as of 2018-12-31>
    """
    level = check_confidence(confidence)
    per_year = check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    columns = check_frame(changes)
    width, least = check_window(window, minimum, len(changes))
    warn_small(width, what="each value of these rolling correlations")
    used = [devolatilize(c) for c in columns] if devolatilized else columns
    size, names = len(columns), [c.name for c in columns]
    pairs = np.array(np.triu_indices(size, k=1)).T
    bands = window_bands(np.stack([c.to_numpy() for c in used]), pairs, window=width, minimum=least, confidence=level)
    labels = pd.MultiIndex.from_tuples([(names[i], names[j]) for i, j in pairs], names=["first", "second"])
    index = pd.DatetimeIndex(columns[0].index).rename("time")
    frames = [
        freeze(_from_first(values.T, index, width).set_axis(labels, axis=1))
        for values in (bands.correlation, bands.lower, bands.upper, bands.n)
    ]
    return RollingBands(
        correlation=frames[0],
        lower=frames[1],
        upper=frames[2],
        n=frames[3],
        method=f"Pearson{' of shocks' if devolatilized else ''}, {width} periods, EWC-HAR interval",
        confidence=level,
        window=width,
        as_of=index[-1],
        n_obs=len(index),
        periods_per_year=per_year,
        provenance=provenance or Provenance(()),
    )


def _from_first(table: np.ndarray, index: pd.DatetimeIndex, window: int) -> pd.DataFrame:
    """A table with one row a window as one with all rows, NaN before the first full window."""
    return pd.DataFrame(np.vstack([np.full((window - 1, table.shape[1]), np.nan), table]), index=index)


def _with_test(
    raw: PairedChanges,
    pair: PairedChanges,
    path: pd.DataFrame,
    confidence: float,
    rng: np.random.Generator,
    n_draws: int,
) -> tuple[pd.DataFrame, ConstancyTest | None]:
    """Add the band of the whole line to a path, and test constancy on windows of as many pairs as is usual there."""
    kept = pair.rows(pair.complete)
    typical = int(path["n"][path["correlation"].notna()].median()) if path["correlation"].notna().any() else 0
    # The test is on shocks, which the first rows have none of.
    n_tested = int(shocks_of(raw).complete.sum())
    if typical < _SHORTEST_WINDOW or min(len(kept.index), n_tested) < max(2 * typical, MINIMUM_PAIRS):
        return path, None
    width = simultaneous_width(
        kept.x, kept.y, window=typical, rng=rng, confidence=confidence, n_draws=n_draws,
    )  # fmt: skip
    inner = path["correlation"].clip(-1.0, 1.0)
    reach = width * np.sqrt(typical / path["n"])
    with np.errstate(divide="ignore"):
        middle = np.arctanh(inner)
    path = path.assign(band_lower=np.tanh(middle - reach), band_upper=np.tanh(middle + reach))
    x, y = (pd.Series(v, index=raw.index, name=n) for v, n in zip((raw.x, raw.y), raw.names, strict=True))
    return path, constancy_test(x, y, window=typical, rng=rng, confidence=confidence, n_draws=n_draws)
