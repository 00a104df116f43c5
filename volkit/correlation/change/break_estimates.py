"""The result of a search for structural breaks: how many, when, with intervals, and what changed."""

from dataclasses import dataclass

import pandas as pd

from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay

__all__ = ["StructuralBreaks"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StructuralBreaks(ResultDisplay):
    """Breaks in the coefficients of a regression. All of it looks at the whole sample.

    Attributes
    ----------
    breaks : DataFrame, shape (n_breaks, 6)
        `position` (complete rows up to and with the last one before the break), `time` of that row, and the limits
        `lower`, `upper` (positions) and `lower_time`, `upper_time` of the date's interval.
    segments : DataFrame, shape (n_breaks + 1, ...)
        `start`, `end` (times, both inclusive), `n`, the coefficients by name and `residual_volatility`, in units of
        the values.
    criteria : DataFrame, shape (max_breaks + 1, 8)
        By `n_breaks`: `rss`, `bic`, `lwz`; `sup_f` of that number against none and its `p_value`; `sequential`, the
        sup F of one more break than in the row before, and its `sequential_p_value`; `positions` in words.
    double_maximum, double_maximum_p_value : float
        UDmax: largest F over one to `max_breaks` breaks, and its p-value.
    n_breaks : int
        Chosen number.
    chosen_by : str
        How.
    trim : float
        Shortest segment as a share of the sample.
    covariance : str
        Of the coefficients in F and in the intervals.
    confidence : float
        Of the intervals, fraction.
    label : str
        What was searched.
    n_obs, n_missing : int
        Complete rows, and rows left out.
    start, as_of : Timestamp
        First and last time (UTC), inclusive.
    provenance : Provenance
        Series behind it.
    """

    breaks: pd.DataFrame
    segments: pd.DataFrame
    criteria: pd.DataFrame
    double_maximum: float
    double_maximum_p_value: float
    n_breaks: int
    chosen_by: str
    trim: float
    covariance: str
    confidence: float
    label: str
    n_obs: int
    n_missing: int
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Number of breaks, their dates, and the p-value of any break at all."""
        dates = ", ".join(str(time.date()) for time in self.breaks["time"])
        found = f"{self.n_breaks} break{'' if self.n_breaks == 1 else 's'}{' after ' + dates if dates else ''}"
        return f"{self.label}, {found} by {self.chosen_by}, UDmax p {self.double_maximum_p_value:.3f}, n {self.n_obs}"

    def summary(self) -> pd.DataFrame:
        """Return one row a segment: span, coefficients, and the interval of the break that ends it."""
        table = self.segments.copy()
        words = [
            f"{row.time.date()} ({row.lower_time.date()} to {row.upper_time.date()})"
            for row in self.breaks.itertuples()
        ]
        table[f"last row before the break ({percent_to(self.confidence, 0)} interval)"] = [*words, "sample ends"]
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return the breaks as a tidy frame, one row each."""
        return self.breaks.reset_index(drop=True)
