"""The catalogue of series: names, units, clocks, and the ids under which each source keeps them.

`load_catalogue` reads ``data/series.toml``; a user's folder may add or change entries with a
``series.toml`` of its own in the same format.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from volkit.conventions import to_utc
from volkit.errors import SourceError
from volkit.resources import data_folder
from volkit.sources.calendars import session_closes

__all__ = ["STEPS", "Catalogue", "CloseRule", "Interval", "ReleaseRule", "SeriesIds", "SeriesSpec", "load_catalogue"]

Interval = Literal["1d", "1h", "1m"]
STEPS: dict[Interval, pd.Timedelta] = {
    "1d": pd.Timedelta(days=1),
    "1h": pd.Timedelta(hours=1),
    "1m": pd.Timedelta(minutes=1),
}


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError("must name a time zone such as America/New_York") from error
    return zone


ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
ZoneName = Annotated[str, AfterValidator(_known_zone)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CloseRule(_Entry):
    """When a bar was known: ``step``, ``session`` (plus minutes) or ``local`` (time and zone)."""

    rule: Literal["step", "session", "local"]
    minutes: int = 0
    time: ClockTime = "00:00"
    zone: ZoneName = "UTC"

    @property
    def words(self) -> str:
        """The rule in a reader's words."""
        if self.rule == "step":
            return "end of the bar"
        if self.rule == "session":
            return "New York cash close" + (f" + {self.minutes} min" if self.minutes else "")
        return f"{self.time} {self.zone}"


class ReleaseRule(_Entry):
    """When a value was published, counted from its label, at a local time."""

    months: int = 0
    weekdays: int = 0
    days: int = 0
    time: ClockTime
    zone: ZoneName


class SeriesIds(_Entry):
    """Where each source keeps the series."""

    files: dict[str, str] = {}
    bundled: str | None = None
    ccxt: str | None = None
    yahoo: str | None = None
    fred: str | None = None


class SeriesSpec(_Entry):
    """One entry of the catalogue.

    Attributes
    ----------
    name : str
        Catalogue name, e.g. ``BTC``.
    transform : {"log", "basis_points", "difference"}
        How changes are taken; ``basis_points`` multiplies differences of a per-cent value by 100.
    calendar : str
        ``24/7``, ``XNYS``, ``weekdays``, ``weekly``, ``monthly`` or ``release``.
    """

    name: str
    title: str
    kind: Literal["crypto", "index", "fund", "future", "yield", "rate", "level"]
    unit: str
    transform: Literal["log", "basis_points", "difference"]
    calendar: Literal["24/7", "XNYS", "weekdays", "weekly", "monthly", "release"]
    close: CloseRule
    release: ReleaseRule | None = None
    ids: SeriesIds = SeriesIds()
    licence: str = ""
    note: str = ""

    @property
    def change_unit(self) -> str:
        """Unit of a change, e.g. ``log return`` or ``basis points``."""
        return {"log": "log return", "basis_points": "basis points", "difference": self.unit}[self.transform]

    def close_times(self, labels: pd.DatetimeIndex, interval: Interval = "1d") -> pd.DatetimeIndex:
        """Return the instants at which the bars with these labels were known.

        Parameters
        ----------
        labels : DatetimeIndex, shape (n_obs,)
            Open instants in UTC; a daily bar is labelled by its session date at 00:00 UTC.
        interval : {"1d", "1h", "1m"}
            Below a day every bar closes one step after its label.

        Returns
        -------
        DatetimeIndex
            UTC, shape (n_obs,), named ``close_time``.

        Examples
        --------
        >>> spx = load_catalogue()["SPX"]
        >>> str(spx.close_times(pd.DatetimeIndex(["2018-07-03"], tz="UTC"))[0])  # an early close
        '2018-07-03 17:00:00+00:00'
        """
        if self.close.rule == "step" or interval != "1d":
            closes = labels + STEPS[interval]
        elif self.close.rule == "session":
            closes = session_closes(labels) + pd.Timedelta(minutes=self.close.minutes)
        else:
            closes = _local_instants(labels, self.close.time, self.close.zone)
        return to_utc(closes).rename("close_time")

    def release_times(self, labels: pd.DatetimeIndex) -> pd.DatetimeIndex | None:
        """Return when the values with these labels were published (UTC), or None when at the close."""
        if self.release is None:
            return None
        rule = self.release
        days = labels + pd.DateOffset(months=rule.months, days=rule.days)
        if rule.weekdays:
            days = days + pd.offsets.BusinessDay(rule.weekdays)
        return to_utc(_local_instants(pd.DatetimeIndex(days), rule.time, rule.zone)).rename("release_time")


def _local_instants(labels: pd.DatetimeIndex, time: str, zone: str) -> pd.DatetimeIndex:
    wall = labels.tz_localize(None) + pd.Timedelta(f"{time}:00")
    return wall.tz_localize(zone)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Series specifications by name.

    Examples
    --------
    >>> load_catalogue()["US10Y"].change_unit
    'basis points'
    """

    specs: dict[str, SeriesSpec]

    def __getitem__(self, name: str) -> SeriesSpec:
        """Return the specification of a series; raises `SourceError` for an unknown name."""
        if name not in self.specs:
            raise SourceError(f"the catalogue has no series {name!r}; it has {', '.join(sorted(self.specs))}.")
        return self.specs[name]

    def __contains__(self, name: str) -> bool:
        return name in self.specs

    def __iter__(self) -> Iterator[SeriesSpec]:
        return iter(self.specs.values())

    def updated(self, other: "Catalogue") -> "Catalogue":
        """Return this catalogue with the other's entries added or put in place."""
        return Catalogue({**self.specs, **other.specs})


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Return the catalogue from a TOML file, the packaged one by default.

    Parameters
    ----------
    path : Path, optional
        A file in the format of ``data/series.toml``.

    Returns
    -------
    Catalogue
        One `SeriesSpec` a table; shape and units as each entry says.

    Raises
    ------
    SourceError
        When the file cannot be read or an entry does not fit; names the file, the entry and the key.

    Examples
    --------
    >>> load_catalogue()["BTC"].calendar
    '24/7'
    """
    path = path or data_folder() / "series.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"catalogue {path} cannot be read: {error}.") from error
    specs = {}
    for name, table in tables.items():
        try:
            specs[name] = SeriesSpec.model_validate({**table, "name": name})
        except (ValidationError, TypeError) as error:
            raise SourceError(f"catalogue {path}, series {name}: {_first_fault(error)}.") from error
    return Catalogue(specs)


def _first_fault(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "must be a table of keys"
    fault = error.errors()[0]
    if fault["type"] == "extra_forbidden":
        *_, part, key = ("", *map(str, fault["loc"]))
        parts: dict[str, type[_Entry]] = {"close": CloseRule, "release": ReleaseRule, "ids": SeriesIds}
        known = [k for k in parts.get(part, SeriesSpec).model_fields if k != "name"]
        return f"unknown key {key!r} (value {fault['input']!r}); known are {', '.join(known)}"
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']} (got {fault['input']!r})"
