"""A study's bars, cut to its span."""

from volkit.conventions import in_span, utc_day
from volkit.errors import StudyError
from volkit.prices import BarSet, load_bars
from volkit.sources import Bars, PriceSource
from volkit.study.notes import Notes
from volkit.study.spec import DataSection, StudySpec

__all__ = ["cut_to_span", "load_study_bars"]


def load_study_bars(source: PriceSource, spec: StudySpec, notes: Notes) -> BarSet:
    """Return the study's bars (UTC) cut to its span; missing optional series go into the notes.

    Raises
    ------
    SeriesNotFoundError
        When a required series is missing.
    StudyError
        When a required series has no bar in the span; an optional one is left out and noted.
    """
    with notes.recording("data"):
        loaded = load_bars(source, spec.data.required, optional=spec.data.optional)
    if loaded.missing_optional:
        notes.add("data", f"optional series not in {source.name}: {', '.join(loaded.missing_optional)}")
    cut = {n: cut_to_span(b, spec.data) for n, b in loaded.bars.items()}
    for name in [n for n, b in cut.items() if b.frame.empty]:
        said = f"{name} has no bar from {spec.data.start or 'its first'} to {spec.data.end or 'its last'}"
        if name in spec.data.required:
            raise StudyError(f"study {spec.name}: {said}; the source has {loaded.bars[name].headline}.")
        notes.add("data", f"{said}; left out")
        del cut[name]
    return BarSet(cut, loaded.missing_optional)


def cut_to_span(bars: Bars, data: DataSection) -> Bars:
    """Return the bars (UTC) inside the study's span."""
    start, end = (None if day is None else utc_day(day) for day in (data.start, data.end))
    inside = bars.frame[in_span(bars.frame.index, start, end)]
    return Bars(frame=inside, spec=bars.spec, interval=bars.interval, provenance=bars.provenance)
