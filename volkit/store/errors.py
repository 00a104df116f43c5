"""What can go wrong between a series and its file, each fault with a type and its facts.

Faults of the file or the disk are `SourceError` (the store cannot deliver); faults of what a pull hands over
are `DataError` (writing it would make the store lie). In every case the content held before stays as it was.
"""

from pathlib import Path

import pandas as pd

from volkit.errors import DataError, SourceError

__all__ = [
    "ContradictingUpdateError",
    "DamagedFileError",
    "NewerFormatError",
    "OfflineError",
    "ShrinkingUpdateError",
    "StalePullError",
    "StoreAccessError",
    "StoreLockedError",
]


class DamagedFileError(SourceError):
    """A file that does not hold what was written to it.

    Attributes
    ----------
    path : Path
        The file, where it was found.
    reason : str
        What gave it away.
    moved_to : Path or None
        Where the store put it aside; None when it still lies at `path`.

    Examples
    --------
    >>> print(DamagedFileError(Path("1d.bars.parquet"), "it is empty"))
    1d.bars.parquet is damaged: it is empty; fetch the series again.
    """

    def __init__(self, path: Path, reason: str, moved_to: Path | None = None) -> None:
        super().__init__(path, reason, moved_to)
        self.path = path
        self.reason = reason
        self.moved_to = moved_to

    def __str__(self) -> str:
        if self.moved_to is None:
            return f"{self.path} is damaged: {self.reason}; fetch the series again."
        return (
            f"{self.path} is damaged: {self.reason}; it was moved aside as {self.moved_to.name}, "
            "and the next pull fetches the series again from its start."
        )


class NewerFormatError(SourceError):
    """A sound file that a newer volkit wrote.

    Attributes
    ----------
    path : Path
        The file; it stays where it is.
    found, known : int
        Format version of the file, and the newest that this volkit reads.

    Examples
    --------
    >>> print(NewerFormatError(Path("1d.bars.parquet"), 3, 1))
    1d.bars.parquet has format 3, this volkit reads up to format 1; update volkit, or use another store folder.
    """

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(path, found, known)
        self.path = path
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return (
            f"{self.path} has format {self.found}, this volkit reads up to format {self.known}; "
            "update volkit, or use another store folder."
        )


class StoreLockedError(SourceError):
    """A series that another process kept locked for longer than we wait.

    Attributes
    ----------
    path : Path
        The lock file.
    waited : float
        Seconds.
    """

    def __init__(self, path: Path, waited: float) -> None:
        super().__init__(path, waited)
        self.path = path
        self.waited = waited

    def __str__(self) -> str:
        return (
            f"{self.path} was locked by another process for more than {self.waited:g} seconds; "
            "wait for it to finish and try again."
        )


class StoreAccessError(SourceError):
    """A folder or file that the operating system does not let us read or write: full disk, no permission.

    Attributes
    ----------
    path : Path
        The file or folder.
    action : str
        What was tried: read, write, lock.
    cause : str
        The system's own words.
    """

    def __init__(self, path: Path, action: str, cause: str) -> None:
        super().__init__(path, action, cause)
        self.path = path
        self.action = action
        self.cause = cause

    def __str__(self) -> str:
        return (
            f"the store cannot {self.action} {self.path}: {self.cause}; nothing held was changed; "
            "check space and permissions, or choose another folder with VOLKIT_STORE."
        )


class OfflineError(SourceError):
    """Series that would need the network while it is forbidden.

    Attributes
    ----------
    missing : tuple of str
        Series that are not held.
    stale : tuple of str
        Series that are held but older than allowed.

    Examples
    --------
    >>> print(OfflineError(("binance BTC/USDT 1d",), ()))
    offline, and not in the store: binance BTC/USDT 1d; fetch once with network, or leave these series out.
    """

    def __init__(self, missing: tuple[str, ...], stale: tuple[str, ...]) -> None:
        super().__init__(missing, stale)
        self.missing = missing
        self.stale = stale

    def __str__(self) -> str:
        named = (("not in the store", self.missing), ("too old in the store", self.stale))
        parts = [f"{words}: {', '.join(names)}" for words, names in named if names]
        return f"offline, and {'; '.join(parts)}; fetch once with network, or leave these series out."


class ContradictingUpdateError(DataError):
    """A pull that says something else about the series than the store does (unit, symbol, meaning)."""


class ShrinkingUpdateError(DataError):
    """A pull without values that the store holds in the span that it covers.

    Attributes
    ----------
    times : DatetimeIndex
        Labels (UTC) of the bars concerned.
    """

    def __init__(self, argument: str, requirement: str, got: str, remedy: str) -> None:
        super().__init__(argument, requirement, got, remedy)
        self.times = pd.DatetimeIndex([], tz="UTC")

    @classmethod
    def of(cls, times: pd.DatetimeIndex, *, series: str, what: str) -> "ShrinkingUpdateError":
        """Return the error for bars at `times`, of which the pull lacks `what`."""
        error = cls(
            f"pull of {series}",
            "must have every value that the store holds in its span",
            f"{len(times)} held bars without {what}, first {times[0]}",
            "pull again; if the venue has withdrawn them, update(..., keep_absent=True) keeps the held ones",
        )
        error.times = times
        return error


class StalePullError(DataError):
    """A pull that is older than the last one and disagrees with it: which value is right is not known."""
