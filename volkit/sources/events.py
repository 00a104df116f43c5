"""Dated events: stress windows, and announcement days of the Federal Reserve and the price index.

`load_events` reads ``data/events.toml``. Only dates stand there: what a window cost is computed from prices.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from volkit.errors import SourceError
from volkit.resources import data_folder
from volkit.results import ResultDisplay

__all__ = ["Events", "load_events"]

# Announcement instants in New York; the two unscheduled statements of March 2020 came at other times.
_TIMES = {"fomc": "14:00", "cpi": "08:30"}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Events(ResultDisplay):
    """Stress windows and announcements.

    Attributes
    ----------
    stress : DataFrame, shape (n_windows, 2)
        Index `name`; first and last UTC day, both inclusive.
    announcements : DataFrame, shape (n_announcements, 2)
        `kind` (fomc or cpi) and `is_scheduled`; index `time`, the instant in UTC.
    """

    stress: pd.DataFrame
    announcements: pd.DataFrame

    @property
    def headline(self) -> str:
        """Counts in one line."""
        return f"{len(self.stress)} stress windows, {len(self.announcements)} announcements"

    def summary(self) -> pd.DataFrame:
        """Return the stress windows (UTC days)."""
        return self.stress

    def to_frame(self) -> pd.DataFrame:
        """Return the announcements (UTC)."""
        return self.announcements

    def window_of(self, times: pd.DatetimeIndex) -> pd.Series:
        """Return the name of the stress window that each time (UTC) falls into, empty text outside all.

        Examples
        --------
        >>> load_events().window_of(pd.DatetimeIndex(["2020-03-12", "2020-06-01"], tz="UTC")).tolist()
        ['Covid liquidity crisis', '']
        """
        names = pd.Series("", index=times, dtype="str")
        days = times.normalize()
        for name, window in self.stress.iterrows():
            names[(days >= window["first"]) & (days <= window["last"])] = str(name)
        return names


def load_events(path: Path | None = None) -> Events:
    """Return the dated events, the packaged ones by default.

    Parameters
    ----------
    path : Path, optional
        A file in the format of ``data/events.toml``.

    Returns
    -------
    Events
        Stress windows (UTC days) and announcements (UTC instants).

    Raises
    ------
    SourceError
        When the file cannot be read, or a date or window in it is wrong; names what is.

    Examples
    --------
    >>> load_events().announcements.loc["2018-12-19", "kind"].tolist()
    ['fomc']
    """
    path = path or data_folder() / "events.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        windows = {w["name"]: [pd.Timestamp(day, tz="UTC") for day in w["window"]] for w in tables["stress"]}
        announcements = pd.concat([_announcements(kind, tables[kind]) for kind in _TIMES])
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise SourceError(f"events file {path} cannot be read: {type(error).__name__}: {error}.") from error
    backward = [name for name, days in windows.items() if len(days) != 2 or days[0] > days[1]]
    if backward:
        raise SourceError(f"events file {path}: {backward[0]!r} must be a first and a last day, in this order.")
    stress = pd.DataFrame.from_dict(windows, orient="index", columns=["first", "last"]).rename_axis("name")
    return Events(stress=stress, announcements=announcements.sort_index())


def _announcements(kind: str, table: dict[str, list[str]]) -> pd.DataFrame:
    wall = pd.DatetimeIndex([pd.Timestamp(f"{day} {_TIMES[kind]}") for day in table["dates"]])
    times = wall.tz_localize("America/New_York").tz_convert("UTC").as_unit("us").rename("time")
    scheduled = [day not in table.get("unscheduled", []) for day in table["dates"]]
    return pd.DataFrame({"kind": kind, "is_scheduled": scheduled}, index=times)
