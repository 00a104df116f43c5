"""What a study works out of all its series together: spillovers, Granger tests, offsets for margin."""

from dataclasses import dataclass
from functools import partial

import pandas as pd

from volkit.correlation import (
    Connectedness,
    ConnectednessPath,
    GrangerNetwork,
    granger_network,
    rolling_connectedness,
)
from volkit.correlation.bounds import OffsetVerdicts, ThroughTheCycle, offset_verdicts, through_the_cycle
from volkit.correlation.connectedness import connectedness
from volkit.prices import PricePanel
from volkit.returns import changes, complete_rows
from volkit.study.correlation.estimates import eras_in
from volkit.study.correlation.pairs import attempt
from volkit.study.notes import Notes
from volkit.study.spec import StudySpec

__all__ = ["SystemParts", "study_system"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemParts:
    """The parts of all series together; None where not asked for or impossible.

    Attributes
    ----------
    spillovers : Connectedness or None
        Of changes over the whole sample.
    spillovers_by_era : dict of str to Connectedness
        The same in each era.
    spillover_path : ConnectednessPath or None
        In a moving window.
    granger : GrangerNetwork or None
        Who comes first.
    offsets : OffsetVerdicts or None
        Which pairs may offset margin.
    cycle : ThroughTheCycle or None
        Correlations with a floor through the cycle.
    """

    spillovers: Connectedness | None = None
    spillovers_by_era: dict[str, Connectedness]
    spillover_path: ConnectednessPath | None = None
    granger: GrangerNetwork | None = None
    offsets: OffsetVerdicts | None = None
    cycle: ThroughTheCycle | None = None


def study_system(panel: PricePanel, spec: StudySpec, notes: Notes) -> SystemParts:
    """Return the parts of all series together that the study asks for."""
    wanted: set[str] = set(spec.correlation.parts)
    if not wanted & {"spillovers", "lead_lag", "offsets"}:
        return SystemParts(spillovers_by_era={})
    return _SystemStudy(panel, spec, notes).parts(wanted)


class _SystemStudy:
    """The rows that all series of the spillover section have."""

    def __init__(self, panel: PricePanel, spec: StudySpec, notes: Notes) -> None:
        section = spec.correlation
        names = section.spillovers.series or [*section.assets, *section.factors]
        known = [n for n in dict.fromkeys(names) if n in panel.close.columns]
        moves = changes(panel)[known]
        # From the first row that every series has: the youngest coin decides.
        begins = max(moves[n].first_valid_index() for n in known)
        rows = complete_rows(moves.loc[begins:], max_loss=section.max_loss)
        if rows.n_dropped:
            notes.add("correlation", f"spillovers: {rows.n_dropped} of {rows.n_before} rows incomplete, left out")
        self.rows, self.panel, self.spec, self.notes = rows.frame, panel, spec, notes
        self.provenance = panel.provenance.of(known)

    def parts(self, wanted: set[str]) -> SystemParts:
        chosen, spill = self.spec.correlation, self.spec.correlation.spillovers
        spillovers, path, granger, offsets, cycle = None, None, None, None, None
        by_era: dict[str, Connectedness] = {}
        if "spillovers" in wanted:
            spillovers = attempt("spillovers", lambda: self._connectedness(self.rows, "whole"), self.notes)
            for name, (start, end) in eras_in(chosen, pd.DatetimeIndex(self.rows.index)).items():
                era = self.rows[(self.rows.index >= start) & (self.rows.index < end)]
                found = attempt(f"spillovers in {name}", partial(self._connectedness, era, name), self.notes)
                by_era |= {} if found is None else {name: found}
            path = attempt("rolling spillovers", self._path, self.notes)
        if "lead_lag" in wanted:
            granger = attempt(
                "Granger tests",
                lambda: granger_network(self.rows, lags=spill.lags, provenance=self.provenance),
                self.notes,
            )
        if "offsets" in wanted:
            offsets = attempt("offsets", self._offsets, self.notes)
            cycle = attempt("the floor through the cycle", self._cycle, self.notes)
        return SystemParts(
            spillovers=spillovers,
            spillovers_by_era=by_era,
            spillover_path=path,
            granger=granger,
            offsets=offsets,
            cycle=cycle,
        )

    def _connectedness(self, rows: pd.DataFrame, word: str) -> Connectedness:
        spill = self.spec.correlation.spillovers
        return connectedness(
            rows,
            lags=spill.lags,
            horizon=spill.horizon,
            confidence=self.spec.correlation.confidence,
            rng=self.spec.generator("spillovers", word),
            provenance=self.provenance,
        )

    def _path(self) -> ConnectednessPath:
        spill = self.spec.correlation.spillovers
        return rolling_connectedness(
            self.rows,
            window=spill.window,
            lags=spill.lags,
            horizon=spill.horizon,
            confidence=self.spec.correlation.confidence,
            rng=self.spec.generator("spillovers", "rolling"),
            provenance=self.provenance,
        )

    def _offsets(self) -> OffsetVerdicts:
        names = list(self.rows)
        pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
        return offset_verdicts(
            self.rows,
            window=self.spec.correlation.window,
            rng=self.spec.generator("offsets"),
            eras=eras_in(self.spec.correlation, pd.DatetimeIndex(self.rows.index)) or None,
            confidence=self.spec.correlation.confidence,
            synchrony={pair: self.panel.synchrony(*pair) for pair in pairs},
            provenance=self.provenance,
        )

    def _cycle(self) -> ThroughTheCycle:
        return through_the_cycle(self.rows, confidence=self.spec.correlation.confidence, provenance=self.provenance)
