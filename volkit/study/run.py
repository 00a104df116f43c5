"""A study run: the stages once, top to bottom."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from volkit.errors import StudyError
from volkit.formatting import percent_to
from volkit.margin import CalibratedParameters
from volkit.margin.frontier import OverriddenParameters
from volkit.parallel import one_blas_thread, progress_stages
from volkit.prices import BarSet, GapReport, PricePanel, inspect_bars
from volkit.results import Provenance, ResultDisplay
from volkit.sources import MarketTruth, PriceSource, SimulatedSource, open_source
from volkit.study.correlation import (
    AssetCorrelation,
    CorrelationParts,
    correlate_assets,
    pair_closes,
    study_parts,
)
from volkit.study.loading import load_study_bars
from volkit.study.margin import MarginParts, calibrate_assets, margin_parts, override_assets
from volkit.study.notes import Notes
from volkit.study.portfolio import PortfolioParts, margin_book
from volkit.study.spec import StudySpec, load_study
from volkit.study.stages import AssetVolatility, fit_assets
from volkit.study.stress import StressParts, stress_study

__all__ = ["StudyRun", "run_study"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StudyRun(ResultDisplay):
    """Everything that a study found.

    Attributes
    ----------
    spec : StudySpec
        The study.
    source : str
        Name of the source used.
    bars : BarSet
        What was loaded, cut to the study's span.
    gap_report : GapReport
        What was found in it.
    volatility : dict of str to AssetVolatility
        By asset.
    panel : PricePanel or None
        Closes on the common clock; None without a correlation.
    correlation : dict of str to AssetCorrelation
        By asset.
    parts : CorrelationParts
        What the study asked for beside.
    parameters : dict of str to CalibratedParameters
        By asset.
    overridden : dict of str to OverriddenParameters
        Of assets with a rate set by hand.
    margin : MarginParts
        What the study asked for beside.
    portfolio : PortfolioParts or None
        The study's book.
    stress : StressParts or None
        The study's venue.
    notes : tuple of (stage, text)
        Warnings, series left out, rows missing.
    truth : MarketTruth or None
        What a simulated market was drawn from; None for any other source.
    """

    spec: StudySpec
    source: str
    bars: BarSet
    gap_report: GapReport
    volatility: dict[str, AssetVolatility]
    panel: PricePanel | None
    correlation: dict[str, AssetCorrelation]
    parts: CorrelationParts
    parameters: dict[str, CalibratedParameters]
    overridden: dict[str, OverriddenParameters]
    margin: MarginParts
    portfolio: PortfolioParts | None
    stress: StressParts | None
    notes: tuple[tuple[str, str], ...]
    truth: MarketTruth | None = None

    @property
    def provenance(self) -> Provenance:
        """All series of the run, with those of another interval that the pairing used."""
        used = {s.provenance.sha256: s.provenance for s in self.bars.bars.values()}
        if self.panel is not None:
            used |= {s.sha256: s for s in self.panel.provenance.series}
        if self.stress is not None:
            used |= {s.sha256: s for s in self.stress.provenance.series}
        return Provenance(tuple(used.values()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last return behind any parameter."""
        return max(p.as_of for p in self.parameters.values())

    @property
    def headline(self) -> str:
        """Study, source and recommended rates in one line."""
        rates = "; ".join(
            f"{name} {percent_to(p.table.loc['initial_margin_long', 'recommended'])} long"
            for name, p in self.parameters.items()
        )
        return f"{self.spec.name} on {self.source}, initial margin {rates}, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return all recommended parameters (units in their column)."""
        return self.to_frame().drop(columns="reason")

    def to_frame(self) -> pd.DataFrame:
        """Return the parameter tables, one below the other."""
        return pd.concat([p.to_frame() for p in self.parameters.values()])


def run_study(study: StudySpec | str | Path, *, source: PriceSource | str | None = None, n_jobs: int = 1) -> StudyRun:
    """Return the results of a study.

    Parameters
    ----------
    study : StudySpec, str or Path
        A study, the path of its file, or a packaged name such as ``btc-margin``.
    source : PriceSource or str, optional
        Replaces the study's own, e.g. ``files:prices``.
    n_jobs : int
        Processes for the fits; the numbers do not depend on it.

    Returns
    -------
    StudyRun
        All stages' results; rates as fractions of the notional, times in UTC.

    Raises
    ------
    StudyError
        When the study does not fit its schema, or the source has none of the assets to margin.
    SourceError
        When the source or a required series is missing, or a file cannot be read.
    DataError
        When the data cannot be used as they are.
    """
    spec = study if isinstance(study, StudySpec) else load_study(study)
    chosen = source if source is not None else spec.data.source
    opened = open_source(chosen) if isinstance(chosen, str) else chosen
    notes = Notes()

    with one_blas_thread(), progress_stages(9, label=spec.name) as begin:
        begin("prices")
        bars = load_study_bars(opened, spec, notes)
        gap_report = inspect_bars(bars.bars.values())
        begin("volatility")
        volatility = fit_assets(bars, spec, notes, n_jobs=n_jobs)
        begin("common clock")
        panel = pair_closes(opened, bars, spec, notes)
        begin("correlation")
        correlation = correlate_assets(panel, spec, notes)
        begin("parts of the correlation")
        parts = study_parts(panel, correlation, spec, notes)
        begin("margin parameters")
        parameters = calibrate_assets(bars, correlation, spec, notes, n_jobs=n_jobs)
        begin("parts of the margin")
        margin = margin_parts(bars, parameters, spec, notes, n_jobs=n_jobs)
        begin("book")
        portfolio = margin_book(bars, spec, notes)
        begin("stress")
        stress = stress_study(opened, spec, parameters, notes)

    if not parameters:
        raise StudyError(f"study {spec.name}: {opened.name} has none of the assets {', '.join(spec.margin.assets)}.")
    return StudyRun(
        spec=spec,
        source=opened.name,
        bars=bars,
        gap_report=gap_report,
        volatility=volatility,
        panel=panel,
        correlation=correlation,
        parts=parts,
        parameters=parameters,
        overridden=override_assets(parameters, spec),
        margin=margin,
        portfolio=portfolio,
        stress=stress,
        notes=notes.entries,
        truth=opened.truth if isinstance(opened, SimulatedSource) else None,
    )
