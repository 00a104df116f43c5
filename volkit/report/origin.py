"""The end of a drawing: its note with source and date, and the mark of simulated data."""

import re
from collections.abc import Sequence
from typing import Protocol

import pandas as pd
from matplotlib.axes import Axes

from volkit.report.marks import finish
from volkit.report.style import is_narrow
from volkit.results import Provenance

__all__ = ["conclude", "currency_words", "origin_words"]

_MOST_SOURCES = 2
# A phone's figure has room for about four lines of note; its page says the source below it.
_LONGEST_NARROW = 190


class SourcedResult(Protocol):
    """A result that knows its sources; its date is looked up where it has one."""

    @property
    def provenance(self) -> Provenance: ...


def origin_words(provenance: Provenance) -> str:
    """Return where the data come from in words, "" where nothing is known.

    Parameters
    ----------
    provenance : Provenance
        Series behind a result.

    Returns
    -------
    str
        The sources' own descriptions, each once, at most two of them.

    Examples
    --------
    >>> from volkit.results import SeriesProvenance
    >>> series = [
    ...     SeriesProvenance(name=name, source=f"bundled: {name}.csv", sha256="0" * 64, unit="USD", close_rule="UTC")
    ...     for name in ("a", "b", "c")
    ... ]
    >>> origin_words(Provenance(tuple(series)))
    'source: bundled a.csv, bundled b.csv and 1 more'
    """
    described = dict.fromkeys(one.source.replace("simulated: ", "").replace(": ", " ") for one in provenance.series)
    named = [words for words in described if words]
    if not named:
        return ""
    shown, hidden = named[:_MOST_SOURCES], len(named) - _MOST_SOURCES
    rest = f" and {hidden} more" if hidden > 0 else ""
    return f"source: {', '.join(shown)}{rest}"


def currency_words(provenance: Provenance) -> str:
    """Return the currency that all series behind a result are in, else "units of account".

    Examples
    --------
    >>> currency_words(Provenance(()))
    'units of account'
    """
    units = {one.unit for one in provenance.series}
    currency = next(iter(units), "") if len(units) == 1 else ""
    return currency if re.fullmatch(r"[A-Z]{3,5}", currency) else "units of account"


def conclude(ax: Axes, note: Sequence[str], result: SourcedResult) -> Axes:
    """Write the note's clauses with date and source above the axes, mark simulated data, and return the axes.

    Parameters
    ----------
    ax : Axes
        With everything else drawn.
    note : sequence of str
        Clauses; empty ones are left out.
    result : object
        What is drawn; its `as_of` is told where the clauses do not tell it yet.

    Returns
    -------
    Axes
        The same.
    """
    said = "; ".join(part.rstrip(".") for part in note if part)
    as_of = getattr(result, "as_of", None)
    day = f"{as_of:%Y-%m-%d}" if isinstance(as_of, pd.Timestamp) else ""
    ending = [f"as of {day}" if day and day not in said else "", origin_words(result.provenance)]
    if is_narrow(ax) and len("; ".join([said, *ending])) > _LONGEST_NARROW:
        ending = ending[:1]
    return finish(ax, [said, *ending], result.provenance)
