"""Where the numbers of a result came from, and the hash that says which numbers they were."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Provenance", "SeriesProvenance", "content_hash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesProvenance:
    """Where one series came from, and what is known of its clock.

    Attributes
    ----------
    name : str
        Catalogue name.
    source : str
        The source's own description, e.g. ``bundled: arch.data.sp500``.
    sha256 : str
        Hash of the values as loaded (`content_hash`).
    unit : str
        Unit of the values, e.g. ``USD`` or ``percent``.
    close_rule : str
        How `close_time` was set, in words.
    close_estimated : bool
        Whether `close_time` is an estimate rather than a documented instant.
    simulated : bool
        Whether the values are simulated.
    licence : str
        Licence or terms note.
    note : str
        Known bias or blemish.
    """

    name: str
    source: str
    sha256: str
    unit: str
    close_rule: str
    close_estimated: bool = False
    simulated: bool = False
    licence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The series that a result was made from.

    Examples
    --------
    >>> Provenance(()).simulated
    False
    """

    series: tuple[SeriesProvenance, ...]

    @property
    def simulated(self) -> bool:
        """Whether any series behind the result is simulated."""
        return any(s.simulated for s in self.series)

    @property
    def sha256(self) -> str:
        """One hash over the hashes of all series, in order of name."""
        joined = "\n".join(f"{s.name} {s.sha256}" for s in sorted(self.series, key=lambda s: s.name))
        return hashlib.sha256(joined.encode()).hexdigest()

    def of(self, names: Iterable[str]) -> "Provenance":
        """Return the provenance of the named series only, in their order."""
        by_name = {s.name: s for s in self.series}
        return Provenance(tuple(by_name[n] for n in names if n in by_name))

    def joined(self, *others: "Provenance") -> "Provenance":
        """Return these series and those of others, each once, in order.

        Examples
        --------
        >>> Provenance(()).joined(Provenance(())).series
        ()
        """
        return Provenance(tuple(dict.fromkeys(s for one in (self, *others) for s in one.series)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a series: source, unit, close rule, simulated, hash, note."""
        rows = [
            {
                "series": s.name,
                "source": s.source,
                "unit": s.unit,
                "closes": s.close_rule + (" (estimated)" if s.close_estimated else ""),
                "simulated": s.simulated,
                "sha-256": s.sha256,
                "licence": s.licence,
                "note": s.note,
            }
            for s in self.series
        ]
        return pd.DataFrame(rows)


def content_hash(frames: Mapping[str, pd.DataFrame] | pd.DataFrame) -> str:
    """Return the sha-256 of times, column names and values, independent of how they were stored.

    Parameters
    ----------
    frames : DataFrame or mapping of DataFrame
        Indexed by time; every column a number or a time. NaN hashes as one canonical NaN.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=2, tz="UTC", name="time")
    >>> content_hash(pd.DataFrame({"close": [1.0, 2.0]}, index=times))[:12]
    '61a31419ea67'
    """
    digest = hashlib.sha256()
    items = frames.items() if isinstance(frames, Mapping) else [("", frames)]
    for key, frame in items:
        names = ",".join(str(c).replace("\\", r"\\").replace(",", r"\,") for c in frame.columns)
        digest.update(f"{key}|{frame.shape}|{names}".encode())
        for column in [frame.index.to_series(), *(frame[c] for c in frame.columns)]:
            if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
                values = column.dt.as_unit("us").astype("int64").to_numpy()
            else:
                values = column.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0  # -0.0 hashes as 0.0
                values = np.where(np.isnan(values), np.nan, values)
            digest.update(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
