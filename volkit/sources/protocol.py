"""What a source is, and what it hands out.

A source has a name, says which series it holds, and loads the bars of one series. It neither repairs nor
drops rows: `volkit.prices` checks them. Third parties register a factory under the entry-point group
``volkit.sources``; see `volkit.sources.open_source`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pandas as pd

from volkit.conventions import to_utc
from volkit.errors import DataError
from volkit.results import ResultDisplay, SeriesProvenance, content_hash, freeze
from volkit.sources.catalogue import Catalogue, Interval, SeriesSpec

__all__ = ["BAR_COLUMNS", "Bars", "Holding", "PriceSource", "make_bars"]

BAR_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Holding:
    """One series that a source holds.

    Attributes
    ----------
    name : str
        Catalogue name.
    interval : {"1d", "1h", "1m"}
        Step of the bars.
    title : str
        What it is, for a reader.
    note : str
        Span, origin or known blemish, as far as the source says it without loading.
    """

    name: str
    interval: Interval
    title: str
    note: str = ""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Bars(ResultDisplay):
    """Bars of one series, as the source has them.

    Attributes
    ----------
    frame : DataFrame, shape (n_obs, n_columns)
        Some of open, high, low, close, volume (close always) and `close_time`, UTC; `release_time` when the
        series is published later than it closes. Index `time`: the bars' open instants, UTC.
    spec : SeriesSpec
        The catalogue entry.
    interval : {"1d", "1h", "1m"}
        Step of the bars.
    provenance : SeriesProvenance
        Source, hash, clock, licence.
    """

    frame: pd.DataFrame
    spec: SeriesSpec
    interval: Interval
    provenance: SeriesProvenance

    @property
    def name(self) -> str:
        """Catalogue name."""
        return self.spec.name

    @property
    def headline(self) -> str:
        """Name, span and source in one line."""
        if self.frame.empty:
            return f"{self.name} {self.interval}, empty"
        first, last = self.frame.index[0].date(), self.frame.index[-1].date()
        return f"{self.name} {self.interval}, {len(self.frame)} bars {first}..{last}, {self.provenance.source}"

    def summary(self) -> pd.DataFrame:
        """Return count, minimum, median and maximum of each numeric column (unit of the series)."""
        numbers = self.frame.select_dtypes("number")
        table = numbers.agg(["count", "min", "median", "max"]).T
        return table.rename_axis(f"{self.name} ({self.spec.unit})")


@runtime_checkable
class PriceSource(Protocol):
    """What a source must offer.

    `name` is how the user asked for it; `catalogue` holds the entries of what it has.
    """

    @property
    def name(self) -> str:
        """How the source is called, e.g. ``files:prices``."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """Entries of the series."""
        ...

    def holdings(self) -> tuple[Holding, ...]:
        """Return what can be loaded."""
        ...

    def load_bars(self, name: str, *, interval: Interval = "1d") -> Bars:
        """Return the bars of one series (UTC); raise `SourceError` when that cannot be done."""
        ...


def make_bars(
    frame: pd.DataFrame,
    spec: SeriesSpec,
    *,
    interval: Interval,
    source: str,
    simulated: bool = False,
    close_times: pd.DatetimeIndex | None = None,
    close_rule: str | None = None,
    close_estimated: bool = False,
    licence: str | None = None,
    notes: Iterable[str] = (),
) -> Bars:
    """Return bars with `close_time`, `release_time` and provenance from raw columns.

    Parameters
    ----------
    frame : DataFrame, shape (n_obs, n_columns)
        Numeric columns, `close` among them, on open instants with a time zone.
    spec : SeriesSpec
        The catalogue entry.
    interval : {"1d", "1h", "1m"}
        Step of the bars.
    source : str
        Description of the origin, for provenance.
    simulated : bool
        Whether the values are simulated.
    close_times : DatetimeIndex, optional
        Instants (UTC) when the source knows better than the catalogue; then say so in `close_rule`.
    close_rule : str, optional
        Words for `close_times`.
    close_estimated : bool
        Whether `close_times` are an estimate.
    licence : str, optional
        Replaces the catalogue's licence note.
    notes : iterable of str
        Added to the catalogue's note.

    Returns
    -------
    Bars
        Read-only bars; index and close_time in UTC.

    Raises
    ------
    DataError
        When there is no close, or the index is naive or not made of times.

    Examples
    --------
    >>> from volkit.sources.catalogue import load_catalogue
    >>> times = pd.date_range("2024-01-01", periods=2, tz="UTC")
    >>> bars = make_bars(pd.DataFrame({"close": [42000.0, 43000.0]}, index=times), load_catalogue()["BTC"],
    ...                  interval="1d", source="typed in")
    >>> str(bars.frame["close_time"].iloc[0])
    '2024-01-02 00:00:00+00:00'
    """
    columns = [c for c in BAR_COLUMNS if c in frame.columns]
    if "close" not in columns:
        has = ", ".join(map(str, frame.columns)) or "no columns"
        raise DataError(f"bars of {spec.name}", "must have a close", has, "rename the column of prices to close")
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise DataError(
            f"bars of {spec.name}",
            "must be labelled by their open instants in UTC",
            f"an index of {frame.index.dtype}",
            'say what zone the times are in, e.g. frame.tz_localize("UTC")',
        )
    bars = frame[columns].astype("float64")
    bars.index = to_utc(frame.index).rename("time")
    closes = spec.close_times(bars.index, interval) if close_times is None else close_times
    bars["close_time"] = closes.as_unit("us")
    release = spec.release_times(bars.index)
    if release is not None:
        bars["release_time"] = release
    provenance = SeriesProvenance(
        name=spec.name,
        source=source,
        sha256=content_hash(bars),
        unit=spec.unit,
        close_rule=close_rule or (spec.close.words if interval == "1d" else "end of the bar"),
        close_estimated=close_estimated,
        simulated=simulated,
        licence=spec.licence if licence is None else licence,
        note="; ".join(n for n in (spec.note, *notes) if n),
    )
    return Bars(frame=freeze(bars), spec=spec, interval=interval, provenance=provenance)
