"""What the store hands out: a stored series, the report of an update, and the state of the whole store."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from volkit.results import ResultDisplay, content_hash
from volkit.sources.pulling.coverage import Coverage
from volkit.store.keys import SeriesKey

__all__ = ["StoreStatus", "StoredSeries", "UpdateReport"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StoredSeries(ResultDisplay):
    """One series as the store holds it.

    Attributes
    ----------
    key : SeriesKey
        Which series.
    frame : DataFrame, shape (n_obs, n_columns)
        Newest value of every bar, in the unit that `metadata` names; index `time` (UTC, us), read-only.
    first_seen : Series, shape (n_obs,)
        Instant (UTC) of the pull that first had the bar as it is served.
    metadata : mapping of str to str
        source, venue, symbol, interval, unit, price_kind, close_rule, simulated, library versions.
    revisions : DataFrame, columns time, column, old, new, first_seen, replaced
        Values that were replaced, newest first; times in UTC.
    last_pull : Coverage
        Of the latest pull.
    asked : DataFrame, columns first, last
        Spans ever asked for (start inclusive, end exclusive, UTC); nobody asked between two of them.
    missing : DataFrame, columns first, last, count
        Runs (UTC) without a bar in these spans.
    """

    key: SeriesKey
    frame: pd.DataFrame
    first_seen: pd.Series
    metadata: Mapping[str, str]
    revisions: pd.DataFrame
    last_pull: Coverage
    asked: pd.DataFrame
    missing: pd.DataFrame

    @property
    def as_of(self) -> pd.Timestamp:
        """Instant (UTC) of the latest pull."""
        return self.last_pull.as_of

    @property
    def n_obs(self) -> int:
        """Number of bars."""
        return len(self.frame)

    @property
    def n_missing(self) -> int:
        """Number of bars that the venue did not have when asked."""
        return int(self.missing["count"].sum())

    @property
    def sha256(self) -> str:
        """Hash of the served values."""
        return content_hash(self.frame)

    @property
    def headline(self) -> str:
        """Name, span and time of the last pull in one line."""
        first, last = self.frame.index[0].date(), self.frame.index[-1].date()
        return f"{self.key}, {self.n_obs} bars {first}..{last}, as of {self.as_of:%Y-%m-%d %H:%M}Z"

    def summary(self) -> pd.DataFrame:
        """Return span, counts and metadata (times in UTC)."""
        rows = {
            "held from": self.frame.index[0],
            "held to": self.frame.index[-1],
            "bars": self.n_obs,
            "missing bars": self.n_missing,
            "revised values": len(self.revisions),
            "last pull": self.as_of,
            **self.metadata,
        }
        return pd.DataFrame({str(self.key): rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the bars (unit of the series)."""
        return self.frame


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class UpdateReport(ResultDisplay):
    """What an update did to a series.

    Attributes
    ----------
    key : SeriesKey
        Which series.
    as_of : Timestamp
        Instant (UTC) of the pull.
    n_obs : int
        Bars held now.
    n_added, n_revised, n_repeated : int
        Bars that are new, that have another value than before, and that came as they were held.
    kept : DatetimeIndex
        Labels (UTC) of held bars that the pull lacked, or had NaN for; only with ``keep_absent=True``.
    revisions : DataFrame, columns time, column, old, new, first_seen, replaced
        Of this update only.
    """

    key: SeriesKey
    as_of: pd.Timestamp
    n_obs: int
    n_added: int
    n_revised: int
    n_repeated: int
    kept: pd.DatetimeIndex
    revisions: pd.DataFrame

    @property
    def headline(self) -> str:
        """Bars added and revised, and bars held now, in one line."""
        return f"{self.key}, {self.n_added} added, {self.n_revised} revised, {self.n_obs} bars held"

    def summary(self) -> pd.DataFrame:
        """Return the counts (bars)."""
        rows = {
            "added": self.n_added,
            "revised": self.n_revised,
            "repeated": self.n_repeated,
            "kept although absent": len(self.kept),
            "held": self.n_obs,
        }
        return pd.DataFrame({"bars": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the revisions of this update (times in UTC, values in the unit of the series)."""
        return self.revisions


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StoreStatus(ResultDisplay):
    """What the store holds, and how old it is.

    Attributes
    ----------
    root : str
        Folder of the store.
    as_of : Timestamp
        Instant (UTC) of the look.
    series : DataFrame, one row a series
        source, venue, symbol, interval, kind, held_from, held_to (UTC), bars, missing_bars, spans (times asked
        apart from each other), last_pull (UTC), age (since the last pull), revisions (values), set_aside
        (damaged files), state (``ok`` or what is wrong, in words).
    """

    root: str
    as_of: pd.Timestamp
    series: pd.DataFrame

    @property
    def n_series(self) -> int:
        """Number of series that can be read."""
        return int((self.series["state"] == "ok").sum())

    @property
    def headline(self) -> str:
        """Series that can be read, bars, and series that cannot, in one line."""
        bad = len(self.series) - self.n_series
        return f"{self.n_series} series, {int(self.series['bars'].sum())} bars, {bad} not readable, in {self.root}"

    def summary(self) -> pd.DataFrame:
        """Return one row a series (times in UTC, age in days)."""
        age = (self.series["age"] / pd.Timedelta(days=1)).round(1)
        return self.series.drop(columns="age").assign(**{"age (days)": age})

    def to_frame(self) -> pd.DataFrame:
        """Return one row a series, the age as a time difference."""
        return self.series
