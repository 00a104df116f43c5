"""A folder of series that outlives the pulls, and cannot lie about them.

There is no index beside the files: a series' path gives its key and its file says the key again, with
everything else that is known. One file is replaced in one step, so that bars, log of revisions and provenance
always belong together, at whatever moment a process dies; an index would be a second truth that could
disagree.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from platformdirs import user_data_path

from volkit.checks import check_count
from volkit.errors import ArgumentError, DataError, SeriesNotFoundError, SourceError
from volkit.results import freeze
from volkit.sources.pulling.coverage import Pulled
from volkit.store.errors import DamagedFileError, NewerFormatError, OfflineError, StoreAccessError
from volkit.store.files import make_folder, write_series
from volkit.store.holdings import StoredSeries, StoreStatus, UpdateReport
from volkit.store.keys import FILE_SUFFIX, SeriesKey, key_of_path, path_of_key
from volkit.store.merge import Merged, check_bars, list_revisions, merge_versions, served
from volkit.store.records import (
    as_utc,
    merge_claims,
    merge_records,
    pack_coverage,
    step_of,
    unpack_coverage,
    unpack_runs,
)
from volkit.store.shelf import ASIDE, locked, open_locked, open_series

__all__ = ["Store"]

_VARIABLE = "VOLKIT_STORE"
# A pull's clock may run ahead of ours by this much; a pull from further ahead would make all later ones stale.
_CLOCK_TOLERANCE = pd.Timedelta(hours=1)
_KEY_FIELDS = tuple(f.name for f in fields(SeriesKey))


def _utc_now() -> pd.Timestamp:
    return pd.Timestamp.now("UTC")


class Store:
    """Series in Parquet files below one folder, safe against crashes, damage and each other's writers.

    Parameters
    ----------
    root : Path, optional
        The folder; default is the environment's VOLKIT_STORE, else ``store`` in the user's data folder. It is
        made when something is first written.
    now : callable
        Gives the current instant (UTC), for ages and against pulls from the future.
    lock_timeout : float
        Seconds to wait for another process that updates the same series.

    Examples
    --------
    >>> Store(Path("nowhere")).keys()
    ()
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        now: Callable[[], pd.Timestamp] = _utc_now,
        lock_timeout: float = 30.0,
    ) -> None:
        named = os.environ.get(_VARIABLE)
        self.root = Path(root or named or user_data_path("volkit", appauthor=False) / "store")
        self._now = now
        self._lock_timeout = lock_timeout

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    def update(self, key: SeriesKey, pulled: Pulled, *, keep_absent: bool = False) -> UpdateReport:
        """Merge a pull into a series and return what that changed.

        Parameters
        ----------
        key : SeriesKey
            Which series.
        pulled : Pulled
            Closed bars on sorted, unique UTC times, with their coverage. New values win over held ones, which
            go into the log of revisions.
        keep_absent : bool
            Whether to keep held values that the pull lacks in its span, instead of refusing the pull.

        Returns
        -------
        UpdateReport
            Bars added, revised, repeated, kept.

        Raises
        ------
        DataError
            When the pull is empty, has naive, unsorted or duplicate times, only NaN closes, or bars after its
            own instant, or comes from the future; as `ContradictingUpdateError`, `ShrinkingUpdateError` or
            `StalePullError` when it does not fit what is held. The held series stays as it was.
        DamagedFileError
            When the held file is damaged; it is moved aside, and the whole series must be pulled.
        StoreLockedError, StoreAccessError, NewerFormatError
            When the file cannot be had; it stays as it was.
        """
        rows = check_bars(pulled.frame, kind=key.kind, series=str(key))
        pulled = replace(pulled, coverage=unpack_coverage(pack_coverage(pulled.coverage)))  # in UTC, or refused
        as_of = self._check_instant(key, pulled, rows)
        path = self._path(key)
        make_folder(path.parent)
        with locked(path, timeout=self._lock_timeout):
            held = open_locked(key, path)
            record = held[1] if held else None
            last = pd.Timestamp(record["last_pull"]["as_of"]) if record else None
            claims = merge_claims(record["claims"] if record else {}, pulled, key=key)
            merged = merge_versions(
                held[0] if held else None,
                rows,
                as_of=as_of,
                last_as_of=last,
                expected_to=_expected_to(key, pulled, rows),
                keep_absent=keep_absent,
                series=str(key),
            )
            metadata = merge_records(
                record, pulled.coverage, key=key, claims=claims, times=served(merged.versions).index, now=self._now()
            )
            write_series(path, merged.versions, metadata=metadata)
        return _report(key, as_of, merged)

    def read(self, key: SeriesKey) -> StoredSeries:
        """Return a series with its revisions and provenance.

        Parameters
        ----------
        key : SeriesKey
            Which series.

        Returns
        -------
        StoredSeries
            Exactly what was written, newest values first.

        Raises
        ------
        SeriesNotFoundError
            When the store does not hold it.
        DamagedFileError
            When its file is damaged; the store moves the file aside (``NAME.damaged-N``).
        NewerFormatError
            When a newer volkit wrote the file.
        StoreAccessError
            When the system does not let us read it.
        """
        path = self._path(key)
        held = open_series(key, path, timeout=self._lock_timeout)
        if held is None:
            known = tuple(str(k) for k in self.keys())[:20]
            raise SeriesNotFoundError(f"store {self.root}", (str(key),), known)
        return _stored(key, *held)

    def keys(self) -> tuple[SeriesKey, ...]:
        """Return the series that have a file, sorted; files of other programs are passed over."""
        return tuple(sorted({key for key, _ in self._found(f"*{FILE_SUFFIX}")}))

    def status(self) -> StoreStatus:
        """Return what is held of every series, read and verified.

        Returns
        -------
        StoreStatus
            One row a series; one that cannot be read says why in `state` instead of stopping the look, and a
            damaged file is moved aside as `read` does. Series of which only such files are left are listed.
        """
        now = as_utc(self._now(), argument="now")
        present = self.keys()
        rows = {key: self._status_row(key, now) for key in present}
        aside = [key for key, _ in self._found(f"*{FILE_SUFFIX}{ASIDE}*")]  # after the reads, which add to them
        rows |= {key: {"bars": 0, "state": "damaged, fetch again"} for key in aside if key not in rows}
        table = [{**asdict(key), **rows[key], "set_aside": aside.count(key)} for key in sorted(rows)]
        columns = [*_KEY_FIELDS, "held_from", "held_to", "bars", "missing_bars", "spans", "last_pull", "age"]
        series = pd.DataFrame(table, columns=[*columns, "revisions", "set_aside", "state"])
        times = dict.fromkeys(("held_from", "held_to", "last_pull"), "datetime64[us, UTC]")
        counts = dict.fromkeys(("bars", "missing_bars", "spans", "revisions", "set_aside"), "Int64")
        return StoreStatus(root=str(self.root), as_of=now, series=series.astype({**times, **counts, "age": "m8[us]"}))

    def refetch_from(self, key: SeriesKey, sessions: int = 10) -> pd.Timestamp | None:
        """Return the label from which the next pull should start.

        Parameters
        ----------
        key : SeriesKey
            Which series.
        sessions : int
            Last bars to fetch again: venues revise and backfill them.

        Returns
        -------
        Timestamp or None
            UTC; None when nothing is held and the whole history is wanted.

        Raises
        ------
        ArgumentError
            When `sessions` is below one.
        SourceError
            As `read` does; after a damaged file was moved aside, the next call returns None.
        """
        check_count(sessions, argument="sessions", unit="bars")
        try:
            times = self.read(key).frame.index
        except SeriesNotFoundError:
            return None
        start: pd.Timestamp = times[max(len(times) - sessions, 0)]
        return start

    def check_held(self, keys: Iterable[SeriesKey], *, max_age: pd.Timedelta | None = None) -> None:
        """Check that a run without network has every series.

        Parameters
        ----------
        keys : iterable of SeriesKey
            What the run needs.
        max_age : Timedelta, optional
            Longest time since the last pull; default is any.

        Raises
        ------
        OfflineError
            Naming the series that are missing and those that are too old.
        SourceError
            As `read` does.
        """
        now = as_utc(self._now(), argument="now")
        missing, stale = [], []
        for key in keys:
            try:
                as_of = self.read(key).as_of
            except SeriesNotFoundError:
                missing.append(str(key))
            else:
                if max_age is not None and now - as_of > max_age:
                    stale.append(f"{key} (as of {as_of:%Y-%m-%d %H:%M}Z)")
        if missing or stale:
            raise OfflineError(tuple(missing), tuple(stale))

    def _path(self, key: SeriesKey) -> Path:
        path = self.root / path_of_key(key)
        # The root may be a link; one inside it would have the store write into somebody else's folder.
        if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(self.root)):
            raise StoreAccessError(path, "use", "a link in the store leads out of it")
        return path

    def _found(self, pattern: str) -> Iterator[tuple[SeriesKey, Path]]:
        for path in self.root.rglob(pattern):
            name = path.name.split(ASIDE)[0]
            try:
                yield key_of_path(path.with_name(name).relative_to(self.root)), path
            except ArgumentError:
                continue  # not ours

    def _check_instant(self, key: SeriesKey, pulled: Pulled, rows: pd.DataFrame) -> pd.Timestamp:
        as_of = pulled.coverage.as_of
        now = as_utc(self._now(), argument="now")
        if as_of > now + _CLOCK_TOLERANCE:
            raise DataError(f"pull of {key}", f"must not come from after now ({now})", f"{as_of}", "check the clock")
        if rows.index[-1] > as_of:
            got = f"a bar of {rows.index[-1]}"
            raise DataError(
                f"pull of {key}", f"must have no bar after its own instant ({as_of})", got, "drop open bars"
            )
        return as_of

    def _status_row(self, key: SeriesKey, now: pd.Timestamp) -> dict[str, Any]:
        try:
            held = self.read(key)
        except DamagedFileError as error:
            return {"bars": 0, "state": f"damaged, fetch again: {error.reason}"}
        except NewerFormatError as error:
            return {"bars": 0, "state": f"format {error.found}, known up to {error.known}"}
        except SourceError as error:
            return {"bars": 0, "state": str(error)}
        return {
            "held_from": held.frame.index[0],
            "held_to": held.frame.index[-1],
            "bars": held.n_obs,
            "missing_bars": held.n_missing,
            "spans": len(held.asked),
            "last_pull": held.as_of,
            "age": now - held.as_of,
            "revisions": len(held.revisions),
            "state": "ok",
        }


def _expected_to(key: SeriesKey, pulled: Pulled, rows: pd.DataFrame) -> pd.Timestamp:
    """Return the last label that the pull had to bring when the store holds it."""
    coverage = pulled.coverage
    newest: pd.Timestamp = rows.index[-1]
    step = step_of(key.interval)
    if step is None:
        return newest
    # A bar that was still open at the pull is rightly absent, and so is one outside the span asked for.
    closed = min(coverage.as_of - step, coverage.asked_last - pd.Timedelta(microseconds=1))
    return max(newest, closed)


def _report(key: SeriesKey, as_of: pd.Timestamp, merged: Merged) -> UpdateReport:
    log = list_revisions(merged.versions)
    current = merged.versions[merged.versions["replaced"].isna()]
    return UpdateReport(
        key=key,
        as_of=as_of,
        n_obs=len(current),
        n_added=len(merged.added),
        n_revised=len(merged.revised),
        n_repeated=merged.n_repeated,
        kept=merged.kept,
        revisions=log[(log["replaced"] == as_of) & log["time"].isin(merged.revised)].reset_index(drop=True),
    )


def _stored(key: SeriesKey, versions: pd.DataFrame, record: dict[str, Any]) -> StoredSeries:
    return StoredSeries(
        key=key,
        frame=freeze(served(versions)),
        first_seen=versions.loc[versions["replaced"].isna(), "first_seen"],
        metadata=MappingProxyType(record["claims"]),
        revisions=list_revisions(versions),
        last_pull=unpack_coverage(record["last_pull"]),
        asked=pd.DataFrame(record["asked"], columns=["first", "last"]).astype("datetime64[us, UTC]"),
        missing=unpack_runs(record["missing"]),
    )
