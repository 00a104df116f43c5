"""What an event study gives: measures by kind of event, the profile around it, and every event that was left out."""

from dataclasses import dataclass

import pandas as pd

from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, clock_words
from volkit.results import Provenance, ResultDisplay

__all__ = ["MEASURE_COLUMNS", "EventStudy"]

MEASURE_COLUMNS = ["event", "baseline", "effect", "lower", "upper", "standard_error", "t"]
MEASURE_COLUMNS += ["p_value", "adjusted_p_value"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class EventStudy(ResultDisplay):
    """Moves, volatility and correlation on the rows of dated events beside matched rows without one.

    Attributes
    ----------
    asset, other : str
        Names; `other` is empty without a correlation.
    table : DataFrame, shape (n_kinds n_measures, 9)
        By `kind` and `measure`: `event` and `baseline` in the measure's unit (mean move: unit of the input, not there
        for variances; absolute move: mean, unit of the input, the root for a variance; volatility: root mean square,
        likewise; correlation: none), `effect` (difference; for the volatility the ratio) with `lower` and `upper`,
        `standard_error` and `t` of the difference (of the log ratio, of the difference of atanh), `p_value`
        (permutation, two-sided) and `adjusted_p_value` (Holm over the kinds of each measure).
    counts : DataFrame, shape (n_kinds, 5)
        By kind: `given`, `used`, `overlapping`, `left_out` for any reason (overlaps included), and `controls`, the
        matched rows.
    profile : DataFrame, shape (n_kinds n_offsets, 5 or 11)
        By `kind` and `offset` (rows from the event's): `event` and `baseline` volatility, their `ratio`, `lower` and
        `upper`; unless variances were studied also the `abnormal` move, the mean move less that of the baseline, and
        the `cumulative` one from the first offset on, each with `_lower` and `_upper` (unit of the input). Pointwise.
    used : DataFrame, shape (n_used, 4)
        By event: `kind`, `time` (UTC), `row` (label of the row that holds it, UTC) and `value` there.
    excluded : DataFrame, shape (n_excluded, 3)
        Events left out: `kind`, `time` (UTC) and `reason`.
    method : str
        Baseline, window and inference in words.
    window : tuple of int
        Rows around an event.
    confidence : float
        Of each two-sided interval, fraction.
    n_boot : int
        Draws of the bootstrap, and shuffles of the permutation test.
    n_obs, n_missing : int
        Rows with a value, and rows without.
    as_of : Timestamp
        Last label (UTC) of the sample.
    synchrony : Synchrony or None
        Clocks of the two series of the correlation; None when not stated.
    provenance : Provenance
        Series behind it.
    """

    asset: str
    other: str
    table: pd.DataFrame
    counts: pd.DataFrame
    profile: pd.DataFrame
    used: pd.DataFrame
    excluded: pd.DataFrame
    method: str
    window: tuple[int, int]
    confidence: float
    n_boot: int
    n_obs: int
    n_missing: int
    as_of: pd.Timestamp
    synchrony: Synchrony | None
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Asset, volatility ratio and events by kind in one line."""
        ratios = self.table.xs("volatility", level="measure")
        parts = [
            f"{kind} volatility x{row['effect']:.2f} (p {row['adjusted_p_value']:.3g}, {self.counts.at[kind, 'used']})"
            for kind, row in ratios.iterrows()
        ]
        return f"{self.asset} on event rows: {', '.join(parts)}, to {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return the table with the events used and the matched rows; method and clocks in the title."""
        level = percent_to(self.confidence, 0)
        names = {"lower": f"{level} lower", "upper": f"{level} upper", "adjusted_p_value": "p-value (Holm)"}
        shown = self.table.drop(columns="p_value").rename(columns=names)
        kinds = shown.index.get_level_values("kind")
        shown = shown.assign(events=self.counts["used"].loc[kinds].to_numpy())
        shown = shown.assign(controls=self.counts["controls"].loc[kinds].to_numpy())
        clocks = f"; {clock_words(self.synchrony)}" if self.other else ""
        return shown.rename_axis(columns=f"{self.method}{clocks}")

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: kind, measure, event, baseline, effect, interval, p-values."""
        return self.table.reset_index()
