"""One series, one Parquet file: written whole or not at all, and never read wrong.

Three guards stand one behind the other. The *seal* is the SHA-256 of every byte of the file, written into its
own footer; it is checked before a byte is parsed, so that damage to the footer cannot mislead the parser.
Page checksums protect readers that know nothing of seals. The content hash says that the values came back.
A newer format may change all but the seal and the ``volkit`` key.
"""

import contextlib
import hashlib
import io
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from volkit.checks import check_times
from volkit.conventions import TIME_DTYPE
from volkit.errors import DataError
from volkit.results import content_hash
from volkit.store.errors import DamagedFileError, NewerFormatError, StoreAccessError

__all__ = ["FORMAT", "TEMPORARY_SUFFIX", "make_folder", "read_series", "sync_folder", "write_series"]

FORMAT = 1
TEMPORARY_SUFFIX = ".tmp"
_METADATA = b"volkit"
_SEAL = b"volkit.seal"
_DIGITS = 64
# Thrift's compact protocol writes a key, then 0x18 (a text follows), its length, and the text itself.
_SEAL_MARK = _SEAL + b"\x18" + bytes([len(b"sha256:") + _DIGITS]) + b"sha256:"
_MAGIC = b"PAR1"
_TIME = pa.timestamp("us", tz="UTC")
_NOT_A_TIME = np.iinfo(np.int64).min


def write_series(path: Path, frame: pd.DataFrame, *, metadata: Mapping[str, Any]) -> str:
    """Write a frame and what is known of it to `path` in one step that cannot be seen half done.

    Parameters
    ----------
    path : Path
        Where the file goes; its folder must exist. What lies there is replaced.
    frame : DataFrame, shape (n_rows, n_columns)
        float64 or UTC time columns; index of UTC times in any order. NaN is written as NaN, bit by bit.
    metadata : mapping
        What JSON can hold. `format` and `content_hash` are added.

    Returns
    -------
    str
        Content hash of the frame.

    Raises
    ------
    DataError
        When a column or the index is of another type.
    StoreAccessError
        When the disk is full or the folder cannot be written; then `path` is as before, and no temporary
        file stays.
    """
    digest = content_hash(frame)
    words = json.dumps({**metadata, "format": FORMAT, "content_hash": digest}, sort_keys=True, allow_nan=False)
    data = _sealed(_to_table(frame), words)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        # Whether anything was there to remove depends on where it failed; the first error is the one to tell.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreAccessError(path, "write", str(error)) from error
    return digest


def read_series(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the frame and the metadata of a file, exactly as they were written.

    Parameters
    ----------
    path : Path
        A file of `write_series`.

    Returns
    -------
    frame : DataFrame, shape (n_rows, n_columns)
        float64 and UTC time columns on the index `time` (UTC, us).
    metadata : dict
        What was written, with `format` and `content_hash`.

    Raises
    ------
    StoreAccessError
        When the file is not there or the system does not let us read it.
    DamagedFileError
        When anything in it is not as it was written, or it was not written by `write_series`.
    NewerFormatError
        When a newer volkit wrote it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreAccessError(path, "read", str(error)) from error
    _check_seal(path, data)
    try:
        table = pq.read_table(io.BytesIO(data), page_checksum_verification=True, use_threads=False)
        metadata: dict[str, Any] = json.loads((table.schema.metadata or {})[_METADATA])
        found = int(metadata["format"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedFileError(path, f"it cannot be parsed ({type(error).__name__}: {error})") from error
    if found > FORMAT:
        raise NewerFormatError(path, found, FORMAT)
    frame = _to_frame(path, table)
    if content_hash(frame) != metadata.get("content_hash"):
        raise DamagedFileError(path, "its values do not match their hash")
    return frame, metadata


def make_folder(folder: Path) -> None:
    """Make a folder with its parents, and have the disk remember each.

    Raises
    ------
    StoreAccessError
        When the system does not allow it, or a file is in its place.
    """
    try:
        new = [f for f in (folder, *folder.parents) if not f.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for made in new:
            sync_folder(made.parent)
    except OSError as error:
        raise StoreAccessError(folder, "make the folder", str(error)) from error


def sync_folder(folder: Path) -> None:
    """Have the disk remember the names in a folder: without it a power cut may bring back the old file."""
    if os.name == "nt":  # Windows opens no folders, and writes its directory entries through
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sealed(table: pa.Table, words: str) -> bytes:
    blank = b"sha256:" + b"0" * _DIGITS
    sink = io.BytesIO()
    # No dictionaries: theirs take NaNs of different bits for one. No stored schema: it would repeat the seal.
    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", use_dictionary=False, write_page_checksum=True, store_schema=False
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_METADATA: words.encode(), _SEAL: blank})
    data = sink.getvalue()
    start = data.rindex(_SEAL_MARK) + len(_SEAL_MARK)
    return data[:start] + hashlib.sha256(data).hexdigest().encode() + data[start + _DIGITS :]


def _check_seal(path: Path, data: bytes) -> None:
    if not data:
        raise DamagedFileError(path, "it is empty")
    if not data.startswith(_MAGIC):
        raise DamagedFileError(path, "it is not a Parquet file")
    if not data.endswith(_MAGIC):
        raise DamagedFileError(path, "its end is missing")
    # The last one: the footer comes last, and JSON escapes the byte 0x18, so that no text can look like it.
    start = data.rfind(_SEAL_MARK) + len(_SEAL_MARK)
    if start < len(_SEAL_MARK):
        raise DamagedFileError(path, "it has no seal")
    digest = hashlib.sha256(data[:start] + b"0" * _DIGITS + data[start + _DIGITS :]).hexdigest()
    if data[start : start + _DIGITS] != digest.encode():
        raise DamagedFileError(path, "its bytes do not match its seal")


def _to_table(frame: pd.DataFrame) -> pa.Table:
    if str(frame.index.dtype) != TIME_DTYPE or frame.index.hasnans:
        check_times(frame.index, argument="frame")  # says what is wrong, when it is something it knows
        raise DataError("frame", f"must be indexed by {TIME_DTYPE}", str(frame.index.dtype), "use as_unit('us')")
    columns = {"time": pa.array(frame.index.asi8, pa.int64()).cast(_TIME)}
    for name, column in frame.items():
        if not isinstance(name, str) or name == "time" or name in columns:
            raise DataError("frame", "must have unique names of columns, none of them time", repr(name), "rename it")
        columns[name] = _to_array(name, column)
    return pa.table(columns)


def _to_array(name: str, column: pd.Series) -> pa.Array:
    if column.dtype == np.float64:
        return pa.array(column.to_numpy(), pa.float64(), from_pandas=False)
    if str(column.dtype) == TIME_DTYPE:
        return pa.array(pd.DatetimeIndex(column).asi8, pa.int64(), mask=column.isna().to_numpy()).cast(_TIME)
    raise DataError(f"column {name}", f"must be float64 or {TIME_DTYPE}", str(column.dtype), "convert it first")


def _to_frame(path: Path, table: pa.Table) -> pd.DataFrame:
    names = table.column_names
    if not names or names[0] != "time" or table.schema.field(0).type != _TIME or table.column(0).null_count:
        raise DamagedFileError(path, "it has no time column as the store writes it")
    columns = {}
    for name in names[1:]:
        column = table.column(name)
        if column.type == pa.float64() and column.null_count == 0:
            columns[name] = column.to_numpy()
        elif column.type == _TIME:
            columns[name] = _to_times(column)
        else:
            raise DamagedFileError(path, f"its column {name} is of type {column.type}")
    return pd.DataFrame(columns, index=_to_times(table.column(0)).rename("time"), columns=pd.Index(names[1:]))


def _to_times(column: pa.ChunkedArray) -> pd.DatetimeIndex:
    counts = column.cast(pa.int64()).fill_null(_NOT_A_TIME).to_numpy()
    return pd.DatetimeIndex(counts.view("datetime64[us]")).tz_localize("UTC")
