"""The file of one series between processes: locked while it is updated, set aside when it is damaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from volkit.store.errors import DamagedFileError, StoreAccessError, StoreLockedError
from volkit.store.files import TEMPORARY_SUFFIX, read_series, sync_folder
from volkit.store.keys import SeriesKey

__all__ = ["ASIDE", "Held", "locked", "open_locked", "open_series"]

ASIDE = ".damaged-"

Held = tuple[pd.DataFrame, dict[str, Any]]


@contextmanager
def locked(path: Path, *, timeout: float) -> Iterator[None]:
    """Hold the lock of a series' file, and remove what a writer that was killed had begun.

    Parameters
    ----------
    path : Path
        The file; the lock lies beside it. The system frees it when its holder dies.
    timeout : float
        Seconds to wait.

    Raises
    ------
    StoreLockedError
        When another process holds it for longer.
    StoreAccessError
        When the folder cannot be written.
    """
    lock = path.with_name(f"{path.name}.lock")
    guard = FileLock(lock, timeout=timeout)
    try:
        guard.acquire()
    except Timeout as error:
        raise StoreLockedError(lock, timeout) from error
    except OSError as error:
        raise StoreAccessError(lock, "lock", str(error)) from error
    try:
        _sweep(path)
        yield
    finally:
        guard.release()


def open_series(key: SeriesKey, path: Path, *, timeout: float) -> Held | None:
    """Return versions and record of a series, None when it has no file; needs no lock unless it is damaged.

    Parameters
    ----------
    key : SeriesKey
        What the file must say that it holds.
    path : Path
        The file.
    timeout : float
        Seconds to wait for the lock before a damaged file is moved.

    Raises
    ------
    DamagedFileError
        When the file is damaged; it is moved aside, unless the folder does not allow that.
    NewerFormatError, StoreAccessError
        As `read_series`.
    """
    try:
        return _load(key, path)
    except DamagedFileError as damage:
        try:
            with locked(path, timeout=timeout):
                return open_locked(key, path)  # a writer may have replaced it while we waited
        except (StoreAccessError, StoreLockedError):
            raise damage from None  # it stays where it is, and the damage is what there is to tell


def open_locked(key: SeriesKey, path: Path) -> Held | None:
    """Return what `open_series` does, for a caller that holds the lock.

    Raises
    ------
    DamagedFileError
        When the file is damaged; it is moved aside, unless the folder does not allow that.
    NewerFormatError, StoreAccessError
        As `read_series`.
    """
    try:
        return _load(key, path)
    except DamagedFileError as damage:
        raise _set_aside(path, damage) from damage


def _load(key: SeriesKey, path: Path) -> Held | None:
    try:
        versions, record = read_series(path)
    except StoreAccessError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    if record.get("key") != asdict(key):
        raise DamagedFileError(path, f"it lies where {key} belongs, and holds {record.get('key')}")
    return versions, record


def _set_aside(path: Path, damage: DamagedFileError) -> DamagedFileError:
    number = 1
    while (aside := path.with_name(f"{path.name}{ASIDE}{number}")).exists():
        number += 1
    try:
        path.rename(aside)
        sync_folder(path.parent)
    except OSError:
        return damage  # a folder that cannot be written: the file stays, and is refused at every read
    return DamagedFileError(path, damage.reason, aside)


def _sweep(path: Path) -> None:
    """Remove what a writer that was killed had begun: under the lock nobody else is writing."""
    for begun in path.parent.glob("*" + TEMPORARY_SUFFIX):
        if begun.name.startswith(f"{path.name}."):
            begun.unlink(missing_ok=True)
