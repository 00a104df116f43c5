"""Which pairs may offset each other's margin: a verdict each, with its reasons, and how much."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, check_fraction
from volkit.correlation.bounds.estimates import CorrelationBounds, bounds_of_rows
from volkit.correlation.bounds.path import furthest_share
from volkit.correlation.bounds.rows import CLIP, ShockRows, shock_rows
from volkit.correlation.bounds.spans import span_bounds, stress_spans, thirds
from volkit.correlation.bounds.stress import check_window_rows
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE
from volkit.correlation.inference.family import ConstancyFamily, constancy_tests
from volkit.correlation.matrix.family import ADJUSTMENTS, Adjustment, adjust, pair_p_values, symmetric
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, clock_words
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ADMITTED", "LEAST_POWER", "OffsetVerdicts", "offset_verdicts"]

# Below it a test that finds no change has not looked.
LEAST_POWER = 0.5
ADMITTED = "significant and reliable"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OffsetVerdicts(ResultDisplay):
    """Verdicts "significant and reliable" of all pairs.

    Attributes
    ----------
    table : DataFrame, shape (n_pairs, 16)
        `first`, `second`, `n` complete rows; `correlation`, `lower`, `upper` of the whole sample (the bounds' matrices,
        no unit); `p_adjusted` of a zero correlation and `constancy_p_adjusted` of a constant one, each for its family
        of pairs; `least` and `least_in`, the smallest conservative bound of the sample's sign over all spans (negative
        when the sign is not sure) and where; `is_significant`, `is_reliable`, `verdict`; `offset`, the admissible
        correlation (no unit, 0 if refused); `reasons` in words; `clocks` in words.
    offsets : DataFrame, shape (n_assets, n_assets)
        Correlation matrix of the offsets, positive definite: they are all multiplied by one factor, 1 when they fit
        together as they are.
    spans : DataFrame, shape (n_pairs * n_spans, 7)
        `first`, `second`, `span`, `n`, `correlation`, `lower`, `upper` (each pair's own interval, no unit).
    bounds : CorrelationBounds
        Of the whole sample.
    constancy : ConstancyFamily
        The tests of a constant correlation, with their power.
    threshold : float
        Absolute correlation that every span must bound away from, where constancy is refused, no unit.
    minimum : int
        Complete rows that a verdict needs.
    least_power : float
        Of the test of constancy, fraction.
    adjustment : str
        Of the p-values of a zero correlation, in words.
    confidence : float
        One less the significance of both families, and the level of the intervals, fraction.
    as_of : Timestamp
        Last time (UTC) used.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    offsets: pd.DataFrame
    spans: pd.DataFrame
    bounds: CorrelationBounds
    constancy: ConstancyFamily
    threshold: float
    minimum: int
    least_power: float
    adjustment: str
    confidence: float
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def n_hypotheses(self) -> int:
        """Hypotheses tested: a zero and a constant correlation of every pair."""
        return 2 * len(self.table)

    @property
    def admitted(self) -> pd.DataFrame:
        """The rows of the pairs that are significant and reliable."""
        return self.table[self.table["verdict"] == ADMITTED]

    @property
    def headline(self) -> str:
        """Pairs admitted, hypotheses, rows and power in one line."""
        counts = f"{len(self.admitted)} of {len(self.table)} pairs {ADMITTED}"
        test = f"{self.constancy.window}-row test of constancy with power {percent_to(self.constancy.power, 0)}"
        return f"{counts}, {self.n_hypotheses} hypotheses, {self.bounds.n_obs} rows, {test}"

    def summary(self) -> pd.DataFrame:
        """Return by pair: correlation, bounds and offset (no unit), adjusted p-values, verdict and reasons."""
        table = self.table
        shown = {
            "correlation": table["correlation"].round(3),
            "lower": table["lower"].round(3),
            "upper": table["upper"].round(3),
            f"p of zero, one of {len(table)}": table["p_adjusted"].round(4),
            f"p of constant, one of {len(table)}": table["constancy_p_adjusted"].round(3),
            "verdict": table["verdict"],
            "admissible correlation": table["offset"].round(3),
            "reasons": table["reasons"],
            "clocks": table["clocks"],
        }
        return pd.DataFrame(shown).set_axis(pd.Index(table["first"] + " and " + table["second"], name="pair"), axis=0)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, one row a pair."""
        return self.table.copy()


def offset_verdicts(
    changes: pd.DataFrame,
    *,
    window: int,
    rng: np.random.Generator,
    eras: Mapping[str, tuple[pd.Timestamp, pd.Timestamp]] | None = None,
    threshold: float = 0.1,
    minimum: int = 250,
    least_power: float = LEAST_POWER,
    adjustment: Adjustment = "benjamini-yekutieli",
    confidence: float = 0.95,
    n_draws: int = 999,
    half_life: float = DEFAULT_HALF_LIFE,
    clip: float = CLIP,
    synchrony: Mapping[tuple[str, str], Synchrony] | None = None,
    provenance: Provenance | None = None,
) -> OffsetVerdicts:
    """Return for every pair whether its correlation is significant and reliable, and the offset that it admits.

    Parameters
    ----------
    changes : DataFrame, shape (n_rows, n_assets)
        Changes on one clock, UTC times. Only rows that every column has are used, taken as if adjacent.
    window : int
        Complete rows in a window of the test of constancy and of the stressed windows. 30 has no power and is refused;
        90 or more has.
    rng : Generator
        Draws the resampled histories of the test of constancy.
    eras : mapping of str to (start, end), optional
        Spans of time, start inclusive, end exclusive, chosen before a look at the data; by default thirds of the rows.
    threshold : float
        Absolute correlation that every span must bound away from where constancy is refused, from 0 to 1.
    minimum : int
        Complete rows that a verdict needs; 250 sessions are about the twelve months of Article 25.
    least_power : float
        That the test of constancy must have, fraction.
    adjustment : {"benjamini-yekutieli", "holm"}
        Of the p-values of a zero correlation for the number of pairs.
    confidence : float
        One less the significance, and the two-sided level of the bounds, fraction.
    n_draws, half_life
        As in `constancy_tests`.
    clip : float
        As in `correlation_bounds`; the test of constancy has its own.
    synchrony : mapping of (first, second) to Synchrony, optional
        What the clocks of a pair have in common, either way round; stated, not used.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    OffsetVerdicts
        One row a pair, refusals with their reasons.

    Raises
    ------
    ArgumentError
        For arguments that cannot be used; for eras as `correlation_by_era`.
    DataError
        As `correlation_bounds` and `constancy_tests`; for an era with fewer than 20 complete rows.

    Notes
    -----
    Significant: the p-value of a zero correlation, adjusted for the family of pairs, is at most one less the
    confidence. Reliable: enough rows, a test of constancy with enough power, and either constancy not refused in its
    family (Romano and Wolf) or, in every era and both stressed windows (lowest and highest average correlation), a
    bound of the sample's sign beyond the threshold. All spans must pass, so that their number needs no correction.

    The offset of an admitted pair is the bound nearer to zero: of the bounds' matrix where constancy stands, of the
    worst span where only the threshold does. A correlation that is not refused is not proved constant: see the power.

    Article 27(1) of Commission Delegated Regulation (EU) No 153/2013 asks for a significant and reliable correlation,
    or an equivalent measure of dependence; 27(2) for its existence over the lookback, resilience in stressed scenarios,
    and an economic rationale. The last is not tested here.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])).tail(1250)
    >>> found = offset_verdicts(moves, window=90, rng=np.random.default_rng(1), n_draws=99)
    >>> found.n_hypotheses, found.table["verdict"].tolist()[0]
    (6, 'significant and reliable')
    """
    level, limit = check_confidence(confidence), check_fraction(threshold, argument="threshold")
    least_rows = check_count(minimum, argument="minimum", minimum=20, unit="complete rows")
    power = check_fraction(least_power, argument="least_power")
    # Romano-Wolf would resample rows once more for the same family; it is not worth a second generator.
    check_choice(adjustment, argument="adjustment", choices=("benjamini-yekutieli", "holm"))
    rows = shock_rows(changes, half_life=half_life, clip=clip)
    width = check_window_rows(window, rows)
    bounds = bounds_of_rows(rows, confidence=level, provenance=provenance)
    constancy = constancy_tests(
        changes, window=width, rng=rng, confidence=level, n_draws=n_draws, half_life=half_life, provenance=provenance
    )
    chosen = (thirds(rows) if eras is None else dict(eras)) | stress_spans(rows, width)
    spans = span_bounds(rows, chosen, confidence=level)
    limits = _Limits(level, limit, least_rows, power)
    table = _table(bounds, constancy, spans, limits, _p_adjusted(bounds, rows, adjustment))
    pairs = zip(table["first"], table["second"], strict=True)
    table["clocks"] = [clock_words(_of_pair(synchrony, pair)) for pair in pairs]
    return OffsetVerdicts(
        table=freeze(table),
        offsets=freeze(_offset_matrix(table["offset"].to_numpy(), rows.labels)),
        spans=freeze(spans),
        bounds=bounds,
        constancy=constancy,
        threshold=limit,
        minimum=least_rows,
        least_power=power,
        adjustment=ADJUSTMENTS[adjustment],
        confidence=level,
        as_of=rows.index[-1],
        provenance=provenance or Provenance(()),
    )


@dataclass(frozen=True, slots=True)
class _Limits:
    confidence: float
    threshold: float
    minimum: int
    power: float

    @property
    def significance(self) -> float:
        return 1.0 - self.confidence + 1e-12


def _p_adjusted(bounds: CorrelationBounds, rows: ShockRows, adjustment: Adjustment) -> np.ndarray:
    cells = np.triu_indices(len(rows.labels), k=1)
    numbers = (m.to_numpy()[cells] for m in (bounds.estimate, bounds.standard_error, bounds.degrees_of_freedom))
    return adjust(rows.values, pair_p_values(*numbers), adjustment=adjustment, n_draws=99, rng=None)


def _table(
    bounds: CorrelationBounds, constancy: ConstancyFamily, spans: pd.DataFrame, limits: _Limits, p_adjusted: np.ndarray
) -> pd.DataFrame:
    tidy = bounds.to_frame()[["first", "second", "n", "estimate", "lower", "upper"]]
    table = tidy.rename(columns={"estimate": "correlation"})
    table["p_adjusted"] = p_adjusted
    table["constancy_p_adjusted"] = constancy.table["adjusted"].to_numpy()
    sign = np.where(table["correlation"] >= 0.0, 1.0, -1.0)
    names = list(dict.fromkeys(spans["span"]))
    # Rows of spans are ordered by pair, then by span.
    low, high = (spans[side].to_numpy().reshape(len(table), len(names)) for side in ("lower", "upper"))
    nearer = np.where(sign[:, None] > 0.0, low, -high)
    table["least"] = nearer.min(axis=1)
    table["least_in"] = [names[k] for k in nearer.argmin(axis=1)]
    judged = [_judged(row, constancy, limits) for row in table.to_dict("records")]
    verdicts = pd.DataFrame(judged, columns=["is_significant", "is_reliable", "verdict", "offset", "reasons"])
    return pd.concat([table, verdicts], axis=1)


# Any: a row of a table as pandas hands it on.
def _judged(row: dict[Hashable, Any], test: ConstancyFamily, limits: _Limits) -> tuple[bool, bool, str, float, str]:
    is_significant = row["p_adjusted"] <= limits.significance
    is_constant = row["constancy_p_adjusted"] > limits.significance
    unreliable = _unreliable(row, is_constant, test, limits)
    against = unreliable if is_significant else [f"not significant: adjusted p {row['p_adjusted']:.3f}", *unreliable]
    if against:
        return is_significant, not unreliable, "refused", 0.0, "; ".join(against)
    sign = 1.0 if row["correlation"] >= 0.0 else -1.0
    whole = row["lower"] if sign > 0.0 else -row["upper"]
    # Significant after adjustment puts zero outside the pair's interval, so that the bound has the sample's sign.
    bound = max(whole if is_constant else min(whole, row["least"]), 0.0)
    words = f"no change shown (adjusted p {row['constancy_p_adjusted']:.3f})"
    if not is_constant:
        words = f"changed, but at least {row['least']:.2f} in every span (least in {row['least_in']})"
    return True, True, ADMITTED, sign * bound, words


def _unreliable(row: dict[Hashable, Any], is_constant: bool, test: ConstancyFamily, limits: _Limits) -> list[str]:
    against = []
    if row["n"] < limits.minimum:
        against.append(f"too few rows: {row['n']}, fewer than {limits.minimum}")
    if test.power < limits.power:
        seen = (
            f"sees a change from 0.4 to 0.7 with {percent_to(test.power, 0)}, less than {percent_to(limits.power, 0)}"
        )
        against.append(f"too little power: a {test.window}-row test of constancy {seen}")
    if not is_constant and row["least"] < limits.threshold:
        changed = f"changed (adjusted p {row['constancy_p_adjusted']:.3f})"
        against.append(f"{changed} and not shown to be beyond {limits.threshold:g} in {row['least_in']}")
    return against


def _offset_matrix(offsets: np.ndarray, labels: pd.Index) -> pd.DataFrame:
    wanted = symmetric(offsets, labels, diagonal=1.0).to_numpy()
    none = np.eye(len(labels))
    matrix = none + furthest_share(none, wanted) * (wanted - none)
    return pd.DataFrame(matrix, index=labels, columns=labels)


def _of_pair(synchrony: Mapping[tuple[str, str], Synchrony] | None, pair: tuple[str, str]) -> Synchrony | None:
    known = synchrony or {}
    return known.get(pair, known.get((pair[1], pair[0])))
