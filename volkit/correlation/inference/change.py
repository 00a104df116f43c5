"""Did the correlation differ between two named spans? The difference with an interval and a p-value."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE, shocks_of
from volkit.correlation.inputs import PairedChanges, check_pair, require_pairs, warn_small
from volkit.correlation.intervals import CorrelationBand, ewc_band
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, warn_asynchronous
from volkit.results import Provenance, ResultDisplay

__all__ = ["CorrelationChange", "correlation_change"]

Span = tuple[pd.Timestamp | None, pd.Timestamp | None]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CorrelationChange(ResultDisplay):
    """The correlation of one pair's shocks in two spans of time, and its difference.

    Attributes
    ----------
    before, after : float
        Correlations of shocks (changes over their volatility of the moment), no unit.
    before_interval, after_interval : tuple of float
        Lower and upper limit of each, no unit.
    difference, lower, upper : float
        After less before, and its limits, no unit, from -2 to 2.
    statistic : float
        Difference of atanh over its standard error, no unit.
    degrees_of_freedom : float
        Of the t law of the statistic.
    p_value : float
        Of an equal correlation, two-sided.
    pair : tuple of str
        Names of the two series.
    n_before, n_after : int
        Shocks with both values in each span.
    half_life : float
        Of the volatility that changes are divided by, in periods.
    confidence : float
        Of each interval, fraction.
    method : str
        Test in words.
    start, as_of : Timestamp
        First and last time (UTC) used, both inclusive.
    provenance : Provenance
        Series behind it.
    synchrony : Synchrony or None
        What the two clocks have in common; None when they were not stated.
    """

    before: float
    after: float
    before_interval: tuple[float, float]
    after_interval: tuple[float, float]
    difference: float
    lower: float
    upper: float
    statistic: float
    degrees_of_freedom: float
    p_value: float
    pair: tuple[str, str]
    n_before: int
    n_after: int
    half_life: float
    confidence: float
    method: str
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance
    synchrony: Synchrony | None = None

    @property
    def is_rejected(self) -> bool:
        """Whether an equal correlation is refused at this confidence."""
        return self.p_value <= 1.0 - self.confidence

    @property
    def verdict(self) -> str:
        """What may be said, in words."""
        if not self.is_rejected:
            return "no change shown"
        return "higher after" if self.difference > 0.0 else "lower after"

    @property
    def headline(self) -> str:
        """Pair, both values, difference with interval, p-value and verdict in one line."""
        name = f"{self.pair[0]} and {self.pair[1]}, {self.before:.2f} to {self.after:.2f}"
        reach = f"difference {self.difference:.2f} ({self.lower:.2f} to {self.upper:.2f})"
        return f"{name}, {reach}, p = {self.p_value:.3f}: {self.verdict}"

    def summary(self) -> pd.DataFrame:
        """Return both spans and the difference: value, interval (no unit), pairs; p-value of the difference."""
        level = percent_to(self.confidence, 0)
        return pd.DataFrame(
            {
                "correlation of shocks (no unit)": [self.before, self.after, self.difference],
                f"{level} lower": [self.before_interval[0], self.after_interval[0], self.lower],
                f"{level} upper": [self.before_interval[1], self.after_interval[1], self.upper],
                "n (pairs)": [self.n_before, self.n_after, self.n_before + self.n_after],
                "p-value": [np.nan, np.nan, self.p_value],
                "verdict": ["", "", self.verdict],
            },
            index=["before", "after", "difference"],
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row: first, second, before, after, difference, lower, upper, p_value, n_before, n_after."""
        values = (
            *self.pair, self.before, self.after, self.difference, self.lower, self.upper, self.p_value,
            self.n_before, self.n_after,
        )  # fmt: skip
        names = ["first", "second", "before", "after", "difference", "lower", "upper", "p_value"]
        return pd.DataFrame([values], columns=[*names, "n_before", "n_after"])


def correlation_change(
    x: pd.Series,
    y: pd.Series,
    *,
    before: Span,
    after: Span,
    confidence: float = 0.95,
    half_life: float = DEFAULT_HALF_LIFE,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> CorrelationChange:
    """Return the difference of a correlation between two spans of time, with interval and p-value.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; rows with a NaN on either side are left out.
    before, after : (start, end)
        Times with a zone, `start` inclusive, `end` exclusive; None reaches to the end of the sample. `after` begins
        where `before` ends, or later. One date that splits the sample is before=(None, date), after=(date, None).
    confidence : float
        Of each two-sided interval, fraction.
    half_life : float
        Of the volatility that changes are divided by, in periods.
    synchrony : Synchrony, optional
        What the two clocks have in common; carried on the result, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationChange
        Correlations of shocks, no unit.

    Raises
    ------
    ArgumentError
        For naive times, spans that end before they start or overlap, a bad confidence or half-life.
    DataError
        As `pearson_correlation`, and when a span has fewer than 20 pairs or a constant side.

    Warns
    -----
    SmallSampleWarning
        When a span has fewer than 60 pairs.
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    Volatility is estimated over the whole sample from past rows (`devolatilize`), so that a calm and a wild span are
    compared on the same footing; a rise that comes with volatility alone does not count. Each span has its
    cosine-HAR variance of atanh(r) (`intervals.ewc_band`); their difference over the root of the sum is referred to
    a t law with Welch's degrees of freedom. The interval of the difference takes the distances of the two intervals
    (Zou, Psychological Methods 12(4), 2007, equation 15), each at the quantile of that t law. Dates that were chosen
    after a look at the data make the p-value too small: `constancy_test` needs none.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves, day = changes(load_prices(BundledSource(), ["SPX", "VIX"])), pd.Timestamp("2018-01-01", tz="UTC")
    >>> correlation_change(moves["SPX"], moves["VIX"], before=(None, day), after=(day, None)).headline
    'SPX and VIX, -0.83 to -0.82, difference 0.01 (-0.06 to 0.09), p = 0.830: no change shown'
    """
    level = check_confidence(confidence)
    pair = check_pair(x, y)
    warn_asynchronous(synchrony, what=f"the change of correlation of {pair.label}")
    first, second = _check_spans(before, after)
    shocks = shocks_of(pair, half_life=half_life)
    parts = [_rows_of(shocks, span, name) for span, name in ((first, "before"), (second, "after"))]
    warn_small(min(len(p.index) for p in parts), what=f"the change of correlation of {pair.label}")
    old, new = (ewc_band(p.x[None], p.y[None], confidence=level) for p in parts)
    statistic, freedom = _welch(old, new)
    low, high = _difference_limits(old, new, stats.t.ppf(0.5 * (1.0 + level), freedom))
    return CorrelationChange(
        before=float(old.correlation[0]),
        after=float(new.correlation[0]),
        before_interval=(float(old.lower[0]), float(old.upper[0])),
        after_interval=(float(new.lower[0]), float(new.upper[0])),
        difference=float(new.correlation[0] - old.correlation[0]),
        lower=low,
        upper=high,
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=float(2.0 * stats.t.sf(abs(statistic), freedom)),
        pair=pair.names,
        n_before=len(parts[0].index),
        n_after=len(parts[1].index),
        half_life=float(half_life),
        confidence=level,
        method="difference of atanh(correlation) of shocks, EWC-HAR errors",
        start=parts[0].index[0],
        as_of=parts[1].index[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _welch(old: CorrelationBand, new: CorrelationBand) -> tuple[float, float]:
    """The t statistic of equal atanh and its degrees of freedom; spans on a line have no variance."""
    variance = np.array([float(band.standard_error[0]) ** 2 for band in (old, new)])
    freedom = np.array([float(band.degrees_of_freedom[0]) for band in (old, new)])
    if variance.sum() == 0.0:
        same = old.correlation[0] == new.correlation[0]
        return (0.0 if same else float(np.copysign(np.inf, new.correlation[0] - old.correlation[0]))), freedom.sum()
    gap = np.arctanh(new.correlation[0]) - np.arctanh(old.correlation[0])
    return float(gap / np.sqrt(variance.sum())), float(variance.sum() ** 2 / (variance**2 / freedom).sum())


def _difference_limits(old: CorrelationBand, new: CorrelationBand, quantile: float) -> tuple[float, float]:
    (r, s), (half_r, half_s) = (
        [float(band.correlation[0]) for band in (old, new)],
        [quantile * float(band.standard_error[0]) for band in (old, new)],
    )
    (low_r, high_r), (low_s, high_s) = (
        (np.tanh(np.arctanh(v) - half), np.tanh(np.arctanh(v) + half)) if half else (v, v)
        for v, half in ((r, half_r), (s, half_s))
    )
    lower = s - r - np.hypot(s - low_s, high_r - r)
    upper = s - r + np.hypot(high_s - s, r - low_r)
    return float(lower), float(upper)


def _check_spans(before: Span, after: Span) -> tuple[Span, Span]:
    for name, span in (("before", before), ("after", after)):
        if len(span) != 2:
            raise ArgumentError(name, "must be a start and an end", f"{len(span)} times", "pass (start, end)")
        for time in span:
            if time is not None and pd.Timestamp(time).tz is None:
                remedy = f'pass pd.Timestamp("{pd.Timestamp(time).date()}", tz="UTC") and the like'
                raise ArgumentError(name, "must have times in UTC", f"naive {time}", remedy)
        if span[0] is not None and span[1] is not None and span[0] >= span[1]:
            remedy = "pass (start, end) with start inclusive and end exclusive"
            raise ArgumentError(name, "must end after it starts", f"{span[0]} to {span[1]}", remedy)
    if before[1] is None or after[0] is None or before[1] > after[0]:
        remedy = "for one date that splits the sample pass before=(None, date), after=(date, None)"
        raise ArgumentError("after", "must begin where before ends, or later", f"{before} and {after}", remedy)
    return before, after


def _rows_of(shocks: PairedChanges, span: Span, name: str) -> PairedChanges:
    start, end = span
    inside = np.ones(len(shocks.index), dtype=bool)
    if start is not None:
        inside &= np.asarray(shocks.index >= start)
    if end is not None:
        inside &= np.asarray(shocks.index < end)
    return require_pairs(shocks.rows(inside), argument=name, remedy="make this span longer")
