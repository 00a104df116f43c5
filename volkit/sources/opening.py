"""Tables in files of text: read and unpacked within bounds, as a small file may hold a very long text or line."""

import gzip
import io
from pathlib import Path

import pandas as pd

from volkit.errors import SourceError

__all__ = ["open_text", "read_parquet_table", "read_text_table", "refuse_surplus"]

_CHUNK = 1 << 20
# Prices as text compress five to twenty times; what holds one byte over and over compresses a thousand times.
_FREE_BYTES = 8 << 20
_MOST_TIMES = 100
# pandas compares each name of a header with all before it: 200,000 of them take it ten minutes.
_MOST_FIELDS = 2_000
_LONGEST_HEADER = 1 << 20
_OTHER = (".bz2", ".tar", ".tgz", ".xz", ".zip", ".zst")


def open_text(path: Path) -> Path | io.BytesIO:
    """Return what pandas shall read for a file of text: the path itself, or the bytes inside a ``.gz``.

    Parameters
    ----------
    path : Path
        A file, plain or ``.gz``.

    Raises
    ------
    SourceError
        For another compression, for a file that holds more than 8 MiB and a hundred times its own size, and for a
        first line of more than 2,000 fields.
    OSError, EOFError, zlib.error
        When it is not there, or not what it says.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "BTC.csv"
    >>> _ = file.write_text("time,close\\n")
    >>> open_text(file).name
    'BTC.csv'
    """
    ending = path.suffix.lower()
    if ending in _OTHER:
        raise SourceError(f"{path.name} is compressed as {ending}; unpack it, or pack it as .gz.")
    if ending != ".gz":
        with path.open("rb") as plain:
            _refuse_wide_header(plain.readline(_LONGEST_HEADER), path)
        return path
    most = max(_FREE_BYTES, _MOST_TIMES * path.stat().st_size)
    held = io.BytesIO()
    with gzip.open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            held.write(chunk)
            if held.tell() > most:
                raise SourceError(
                    f"{path.name} holds more than {most >> 20:,} MiB in {path.stat().st_size:,} bytes, which no table "
                    "of prices does; unpack it if you trust it."
                )
    held.seek(0)
    _refuse_wide_header(held.readline(_LONGEST_HEADER), path)
    held.seek(0)
    return held


def _refuse_wide_header(line: bytes, path: Path) -> None:
    fields = line.count(b",") + 1
    if fields > _MOST_FIELDS or len(line) == _LONGEST_HEADER:
        raise SourceError(
            f"{path.name} has at least {fields:,} fields in its first line, which should name at most {_MOST_FIELDS:,} "
            "columns; see that its lines end."
        )


def read_text_table(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV file, plain or ``.gz``, as text; blank lines keep their number and are left out.

    Parameters
    ----------
    path : Path
        Fields are separated by commas; the first line names them.

    Raises
    ------
    SourceError
        As `open_text`; for rows with more fields than the header, which pandas would shift to the left in silence.
    Exception
        Whatever pandas raises for a damaged file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "BTC.csv"
    >>> _ = file.write_text("time,close\\n2024-01-01,1,5\\n")
    >>> read_text_table(file)
    Traceback (most recent call last):
        ...
    volkit.errors.SourceError: BTC.csv has rows with more fields than its header; write 1.5 for a decimal comma, and \
quote text with commas.
    """
    # Blank lines are read and then dropped, so that the row number still tells the line.
    table = pd.read_csv(open_text(path), dtype="str", skip_blank_lines=False)
    refuse_surplus(table, path)
    return table.dropna(how="all")


def read_parquet_table(path: Path) -> pd.DataFrame:
    """Return the table of a Parquet file.

    Raises
    ------
    SourceError
        For a column of bytes, which is neither a number nor a text.
    Exception
        Whatever the reader raises for a damaged file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "BTC.parquet"
    >>> pd.DataFrame({"close": [b"42000"]}).to_parquet(file)
    >>> read_parquet_table(file)
    Traceback (most recent call last):
        ...
    volkit.errors.SourceError: BTC.parquet has bytes in column 'close'; write it as numbers or as text.
    """
    table = pd.read_parquet(path)
    for name, column in table.items():
        if column.dtype == object and column.map(lambda item: isinstance(item, bytes)).any():
            raise SourceError(f"{path.name} has bytes in column {str(name)!r}; write it as numbers or as text.")
    return table


def refuse_surplus(table: pd.DataFrame, path: Path) -> None:
    """Refuse what pandas made of rows with more fields than the header: it takes the first ones for an index."""
    if not isinstance(table.index, pd.RangeIndex):
        raise SourceError(
            f"{path.name} has rows with more fields than its header; write 1.5 for a decimal comma, and quote text "
            "with commas."
        )
