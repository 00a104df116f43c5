"""Dated events: stress windows, and announcement days of the Federal Reserve and the price index.

`load_events` reads ``data/events.toml``. Only dates and the time of day of a release stand there: what a window cost
is computed from prices. A table of one's own with `dates`, `time` and `zone` is a kind of announcement, too.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from volkit.checks import check_choice
from volkit.errors import ArgumentError, SourceError
from volkit.resources import data_folder
from volkit.results import ResultDisplay

__all__ = ["Events", "load_events"]

# Tables of the file that hold no announcements.
_OTHER_TABLES = ("stress",)
# Whom a stress window befell.
_ALL, _CRYPTO = "all", "crypto"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Events(ResultDisplay):
    """Stress windows and announcements.

    Attributes
    ----------
    stress : DataFrame, shape (n_windows, 2)
        Index `name`; first and last UTC day, both inclusive.
    announcements : DataFrame, shape (n_announcements, 2)
        `kind` (the table's name, as fomc or cpi) and `is_scheduled`; index `time`, the instant in UTC.
    crypto_only : frozenset of str
        Names of the windows that befell crypto alone.
    """

    stress: pd.DataFrame
    announcements: pd.DataFrame
    crypto_only: frozenset[str] = frozenset()

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

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of announcements, in order of name."""
        return tuple(sorted(self.announcements["kind"].unique().tolist()))

    def select(
        self,
        *kinds: str,
        is_scheduled: bool | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return the announcements of some kinds, as in `announcements`.

        Parameters
        ----------
        *kinds : str
            Kinds; all without any.
        is_scheduled : bool, optional
            Only those that were on the calendar (True), or only the others; all by default.
        start, end : Timestamp, optional
            First instant (inclusive) and last (exclusive), UTC.

        Returns
        -------
        DataFrame, shape (n_selected, 2)
            `kind` and `is_scheduled` by instant (UTC).

        Raises
        ------
        ArgumentError
            For a kind that is not there, and an instant without a time zone.

        Examples
        --------
        >>> load_events().select("fomc", is_scheduled=False).index.strftime("%Y-%m-%d %H:%M").tolist()
        ['2020-03-03 15:00', '2020-03-15 21:00']
        """
        for kind in kinds:
            check_choice(kind, argument="kinds", choices=self.kinds)
        for name, instant in (("start", start), ("end", end)):
            if instant is not None and instant.tzinfo is None:
                raise ArgumentError(name, "must have a time zone", str(instant), f'pass {name}.tz_localize("UTC")')
        found = self.announcements
        keep = found["kind"].isin(kinds or self.kinds).to_numpy()
        if is_scheduled is not None:
            keep = keep & (found["is_scheduled"] == is_scheduled).to_numpy()
        if start is not None:
            keep = keep & (found.index >= start)
        if end is not None:
            keep = keep & (found.index < end)
        return found[keep]

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
        scopes = {w["name"]: w.get("scope", _ALL) for w in tables["stress"]}
        kinds = [name for name in tables if name not in _OTHER_TABLES]
        announcements = pd.concat([_announcements(kind, tables[kind]) for kind in kinds])
    except (OSError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise SourceError(f"events file {path} cannot be read: {type(error).__name__}: {error}.") from error
    backward = [name for name, days in windows.items() if len(days) != 2 or days[0] > days[1]]
    if backward:
        raise SourceError(f"events file {path}: {backward[0]!r} must be a first and a last day, in this order.")
    if odd := [name for name, scope in scopes.items() if scope not in (_ALL, _CRYPTO)]:
        raise SourceError(f"events file {path}: the scope of {odd[0]!r} must be {_ALL!r} (or left out) or {_CRYPTO!r}.")
    stress = pd.DataFrame.from_dict(windows, orient="index", columns=["first", "last"]).rename_axis("name")
    return Events(
        stress=stress,
        announcements=announcements.sort_index(kind="stable"),
        crypto_only=frozenset(name for name, scope in scopes.items() if scope == _CRYPTO),
    )


def _announcements(kind: str, table: dict[str, Any]) -> pd.DataFrame:
    if not isinstance(table, dict) or not isinstance(table.get("times", {}), dict):
        raise TypeError(f"{kind} must be a table, and its times as well")
    special: dict[str, str] = table.get("times", {})
    if strangers := [day for day in (*special, *table.get("unscheduled", [])) if day not in table["dates"]]:
        raise ValueError(f"{kind} has a time or note for {strangers[0]}, which is none of its dates")
    wall = pd.DatetimeIndex([pd.Timestamp(f"{day} {special.get(day, table['time'])}") for day in table["dates"]])
    times = wall.tz_localize(table["zone"]).tz_convert("UTC").as_unit("us").rename("time")
    scheduled = [day not in table.get("unscheduled", []) for day in table["dates"]]
    return pd.DataFrame({"kind": kind, "is_scheduled": scheduled}, index=times)
