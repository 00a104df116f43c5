"""The results of correlation estimates: one number, a path, a matrix, or one row an era."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.correlation.inference.constancy import ConstancyTest
from volkit.correlation.inputs import PairedChanges
from volkit.correlation.intervals import CorrelationBand
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, clock_words
from volkit.results import Provenance, ResultDisplay

__all__ = ["CorrelationEstimate", "CorrelationInterval", "CorrelationMatrix", "EraCorrelations", "interval_of"]


def _interval_words(correlation: float, lower: float, upper: float) -> str:
    return "missing" if np.isnan(correlation) else f"{correlation:.2f} ({lower:.2f} to {upper:.2f})"


class _OnTwoClocks(ResultDisplay):
    """A result of one pair, which may know the clocks of its two series."""

    __slots__ = ()
    synchrony: Synchrony | None

    @property
    def overlap_share(self) -> float:
        """Share of a period that the two markets have in common (no unit); NaN when the clocks are not stated."""
        return float("nan") if self.synchrony is None else self.synchrony.overlap_share


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CorrelationInterval(_OnTwoClocks):
    """One correlation and its interval.

    Attributes
    ----------
    correlation, lower, upper : float
        No unit, from -1 to 1.
    pair : tuple of str
        Names of the two series.
    n_obs : int
        Complete pairs.
    n_missing : int
        Rows left out because a value was missing.
    standard_error : float
        Of atanh(correlation).
    degrees_of_freedom : float
        Of the t quantile in the interval.
    confidence : float
        Of the interval, fraction.
    method : str
        Estimator and interval in words.
    start, as_of : Timestamp
        First and last time (UTC) used, both inclusive.
    synchrony : Synchrony or None
        What the two clocks have in common; None when they were not stated.
    provenance : Provenance
        Series behind it.
    """

    correlation: float
    lower: float
    upper: float
    pair: tuple[str, str]
    n_obs: int
    n_missing: int
    standard_error: float
    degrees_of_freedom: float
    confidence: float
    method: str
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance
    synchrony: Synchrony | None = None

    @property
    def headline(self) -> str:
        """Pair, correlation with interval, and count in one line."""
        words = _interval_words(self.correlation, self.lower, self.upper)
        span = f"{self.start.date()}..{self.as_of.date()}"
        return f"{self.pair[0]} and {self.pair[1]}, {words}, {self.n_obs} pairs {span}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        facts = {
            "correlation (no unit)": f"{self.correlation:.4f}",
            f"{percent_to(self.confidence, 0)} interval": f"{self.lower:.4f} to {self.upper:.4f}",
            "method": self.method,
            "complete pairs (rows)": str(self.n_obs),
            "left out, a value missing (rows)": str(self.n_missing),
            "standard error of atanh(correlation)": f"{self.standard_error:.4f}",
            "degrees of freedom": f"{self.degrees_of_freedom:.1f}",
            "first time (UTC)": f"{self.start:%Y-%m-%d %H:%M}",
            "last time (UTC)": f"{self.as_of:%Y-%m-%d %H:%M}",
            "clocks": clock_words(self.synchrony),
        }
        return pd.Series(facts, name=f"{self.pair[0]} and {self.pair[1]}").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row: first, second, start, as_of, n, correlation, lower, upper."""
        values = (*self.pair, self.start, self.as_of, self.n_obs, self.correlation, self.lower, self.upper)
        return pd.DataFrame(
            [values], columns=["first", "second", "start", "as_of", "n", "correlation", "lower", "upper"]
        )


def interval_of(
    band: CorrelationBand,
    pair: PairedChanges,
    *,
    confidence: float,
    method: str,
    synchrony: Synchrony | None,
    provenance: Provenance | None,
) -> CorrelationInterval:
    """Return the result of one band, arrays of shape (1,), that rests on the complete rows of a pair.

    Examples
    --------
    >>> from volkit.correlation.intervals import atanh_band
    >>> times = pd.date_range("2024-01-01", periods=20, tz="UTC")
    >>> pair = PairedChanges(times, np.ones(20), np.ones(20), ("BTC", "SPX"))
    >>> band = atanh_band(np.array([0.4]), np.array([0.1]), degrees_of_freedom=8.0, confidence=0.95)
    >>> interval_of(band, pair, confidence=0.95, method="by hand", synchrony=None, provenance=None)
    <CorrelationInterval: BTC and SPX, 0.40 (0.19 to 0.57), 20 pairs 2024-01-01..2024-01-20>
    """
    used = pair.index[pair.complete]
    return CorrelationInterval(
        correlation=float(band.correlation[0]),
        lower=float(band.lower[0]),
        upper=float(band.upper[0]),
        pair=pair.names,
        n_obs=len(used),
        n_missing=len(pair.index) - len(used),
        standard_error=float(band.standard_error[0]),
        degrees_of_freedom=float(band.degrees_of_freedom[0]),
        confidence=confidence,
        method=method,
        start=used[0],
        as_of=used[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CorrelationEstimate(_OnTwoClocks):
    """A correlation through time, each value with its interval and count.

    Attributes
    ----------
    path : DataFrame, shape (n_rows, 4) or (n_rows, 6)
        `correlation`, `lower`, `upper` (no unit) and `n` by `time` (UTC), each from that row and earlier
        ones only; `n` is the count of complete pairs in the window, or the effective count of a weighted
        estimate. NaN before the first full window, below the minimum count, and while a side is constant.
        `band_lower` and `band_upper`, where they were asked for, hold for all rows at once; they are widened
        by what the whole sample shows, so later rows change them.
    pair : tuple of str
        Names of the two series.
    method : str
        Estimator, memory and interval in words.
    confidence : float
        Of each interval (pointwise), fraction.
    window : int or None
        In periods, when the memory is a window.
    half_life : float or None
        In periods, when the memory is exponential.
    as_of : Timestamp
        Last time (UTC) used.
    n_obs : int
        Complete pairs in the whole sample.
    periods_per_year : float
        Of the clock of the changes.
    synchrony : Synchrony or None
        What the two clocks have in common; None when they were not stated.
    constancy : ConstancyTest or None
        The test of a constant correlation behind this path, with a `headline`; None when it was not made.
    provenance : Provenance
        Series behind it.
    """

    path: pd.DataFrame
    pair: tuple[str, str]
    method: str
    confidence: float
    window: int | None
    half_life: float | None
    as_of: pd.Timestamp
    n_obs: int
    periods_per_year: float
    provenance: Provenance
    synchrony: Synchrony | None = None
    constancy: ConstancyTest | None = None

    @property
    def latest(self) -> pd.Series:
        """The row of the path at `as_of`: correlation, lower, upper, n (no unit)."""
        return self.path.loc[: self.as_of].iloc[-1]

    @property
    def headline(self) -> str:
        """Pair, latest value with interval, method and time in one line."""
        last = self.latest
        words = _interval_words(last["correlation"], last["lower"], last["upper"])
        name = f"{self.pair[0]} and {self.pair[1]}"
        return f"{name}, latest {words}, {self.method}, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return the latest, lowest and highest value (no unit) with time, interval and count."""
        known = self.path["correlation"].dropna()
        chosen = {"latest": self.latest.name}
        if len(known):
            chosen |= {"lowest": known.idxmin(), "highest": known.idxmax()}
        level = percent_to(self.confidence, 0)
        labels = {
            "time": "time (UTC)",
            "lower": f"{level} lower",
            "upper": f"{level} upper",
            "n": "n (complete pairs)" if self.half_life is None else "n (effective)",
            "band_lower": f"{level} lower, all rows at once",
            "band_upper": f"{level} upper, all rows at once",
        }
        table = self.path.loc[list(chosen.values())].rename_axis("time").reset_index()
        return table.rename(columns=labels).set_axis(list(chosen), axis=0)

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: time, first, second, correlation, lower, upper, n."""
        tidy = self.path.reset_index()
        tidy.insert(1, "first", self.pair[0])
        tidy.insert(2, "second", self.pair[1])
        return tidy


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CorrelationMatrix(ResultDisplay):
    """Correlations of many series, pair by pair.

    Attributes
    ----------
    correlation, lower, upper : DataFrame, shape (n_assets, n_assets)
        No unit, symmetric. Each pair uses its own complete rows, so with missing values the matrix need not
        be positive semi-definite; the limits are pointwise and never are a correlation matrix by promise.
    n : DataFrame, shape (n_assets, n_assets)
        Complete pairs.
    p_value : DataFrame, shape (n_assets, n_assets)
        Of a correlation of zero, two-sided, as if the pair were the only one; NaN on the diagonal.
    p_adjusted : DataFrame, shape (n_assets, n_assets)
        The same for the family of all pairs: the one to quote; NaN on the diagonal.
    adjustment : str
        How, in words.
    method : str
        Estimator and interval in words.
    confidence : float
        Of each interval, fraction.
    n_obs : int
        Rows.
    start, as_of : Timestamp
        First and last time (UTC), both inclusive.
    provenance : Provenance
        Series behind it.
    """

    correlation: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    n: pd.DataFrame
    p_value: pd.DataFrame
    p_adjusted: pd.DataFrame
    adjustment: str
    method: str
    confidence: float
    n_obs: int
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def n_hypotheses(self) -> int:
        """Pairs that the adjusted p-values allow for."""
        return len(self.correlation) * (len(self.correlation) - 1) // 2

    @property
    def headline(self) -> str:
        """Size, strongest pair and span in one line."""
        tidy = self.to_frame()
        top = tidy.loc[tidy["correlation"].abs().idxmax()]
        words = _interval_words(top["correlation"], top["lower"], top["upper"])
        span = f"{self.start.date()}..{self.as_of.date()}"
        size = f"{len(self.correlation)} series, {self.n_obs} rows {span}"
        return f"{size}, strongest {top['first']} and {top['second']} {words}"

    def summary(self) -> pd.DataFrame:
        """Return the matrix in words, no unit: each cell the correlation and its interval."""
        cells = [
            [
                "1" if i == j else _interval_words(r, self.lower.iat[i, j], self.upper.iat[i, j])
                for j, r in enumerate(row)
            ]
            for i, row in enumerate(self.correlation.to_numpy())
        ]
        return pd.DataFrame(cells, index=self.correlation.index, columns=self.correlation.columns)

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a pair: first, second, correlation, lower, upper, n, p_value, p_adjusted."""
        names = list(self.correlation.columns)
        matrices = {
            "correlation": self.correlation,
            "lower": self.lower,
            "upper": self.upper,
            "n": self.n,
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
        }
        rows = [
            (names[i], names[j], *(m.iat[i, j] for m in matrices.values()))
            for i, j in zip(*np.triu_indices(len(names), k=1), strict=True)
        ]
        return pd.DataFrame(rows, columns=["first", "second", *matrices])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class EraCorrelations(_OnTwoClocks):
    """One pair's correlation in each of several spans of time.

    Attributes
    ----------
    table : DataFrame, shape (n_eras, 7)
        `era`, `first` and `last` time used (UTC, both inclusive), `n` complete pairs, `correlation`,
        `lower`, `upper` (no unit), in the order of the eras given.
    pair : tuple of str
        Names of the two series.
    method : str
        Estimator and interval in words.
    confidence : float
        Of each interval, fraction.
    n_obs : int
        Complete pairs in the whole sample.
    as_of : Timestamp
        Last time (UTC) used in any era.
    synchrony : Synchrony or None
        What the two clocks have in common; None when they were not stated.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    pair: tuple[str, str]
    method: str
    confidence: float
    n_obs: int
    as_of: pd.Timestamp
    provenance: Provenance
    synchrony: Synchrony | None = None

    @property
    def headline(self) -> str:
        """Pair, and the range of the eras' correlations in one line."""
        values = self.table["correlation"]
        reach = f"{values.min():.2f} to {values.max():.2f}"
        return f"{self.pair[0]} and {self.pair[1]}, {len(values)} eras, correlations {reach}"

    def summary(self) -> pd.DataFrame:
        """Return by era: first and last day, complete pairs, correlation (no unit) and interval."""
        table = self.table
        return pd.DataFrame(
            {
                "first day (UTC)": table["first"].dt.date,
                "last day (UTC)": table["last"].dt.date,
                "n (complete pairs)": table["n"],
                "correlation": table["correlation"].round(3),
                f"{percent_to(self.confidence, 0)} lower": table["lower"].round(3),
                f"{percent_to(self.confidence, 0)} upper": table["upper"].round(3),
            }
        ).set_axis(pd.Index(table["era"], name="era"), axis=0)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, one row an era."""
        return self.table.copy()
