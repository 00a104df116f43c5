"""A folder of CSV or Parquet files: how people bring their own data.

Layout: one series a file, found under the catalogue's file id (``daily/SPX_1d``) or as ``NAME.csv`` at the
top of the folder, with the ending ``.csv``, ``.csv.gz`` or ``.parquet``. A file has a `time` column and
either OHLC(V) columns or `close` or `value`. A bare date in `time` is a session label, read as 00:00 UTC
of that day; instants are ISO 8601 with ``Z`` or an offset. Every label is the bar's open. A
``series.toml`` in the folder adds series, or changes the packaged catalogue's entries.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from volkit.checks import floats_or_nan
from volkit.errors import ArgumentError, SeriesNotFoundError, SourceError
from volkit.sources.catalogue import STEPS, Catalogue, Interval, load_catalogue
from volkit.sources.opening import read_parquet_table, read_text_table
from volkit.sources.protocol import BAR_COLUMNS, Bars, Holding, make_bars

__all__ = ["FilesSource"]

_ENDINGS = (".csv.gz", ".csv", ".parquet")
_DATE = r"\d{4}-\d\d-\d\d"
_INSTANT = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)"


class FilesSource:
    """A folder of price files.

    Parameters
    ----------
    argument : str
        The folder, as in ``files:prices``.

    Raises
    ------
    ArgumentError
        When no folder is named.
    SourceError
        When it does not exist.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "BTC.csv").write_text("time,close\\n2024-01-01,42000\\n2024-01-02,43000\\n")
    >>> FilesSource(str(folder)).load_bars("BTC").frame["close"].tolist()
    [42000.0, 43000.0]
    """

    def __init__(self, argument: str | None = None) -> None:
        if not argument:
            raise ArgumentError("source", "must name a folder", "'files'", "write files:FOLDER")
        self.folder = Path(argument).expanduser()
        self.name = f"files:{argument}"
        if not self.folder.is_dir():
            raise SourceError(f"source {self.name!r}: there is no folder {self.folder}; give the path of one.")
        own = self.folder / "series.toml"
        catalogue = load_catalogue()
        self.catalogue: Catalogue = catalogue.updated(load_catalogue(own)) if own.is_file() else catalogue

    def holdings(self) -> tuple[Holding, ...]:
        """Return every series and interval that has a file here."""
        found = []
        for spec in self.catalogue:
            for interval in STEPS:
                path = self._find(spec.name, interval)
                if path is not None:
                    found.append(Holding(spec.name, interval, spec.title, str(path.relative_to(self.folder))))
        return tuple(found)

    def load_bars(self, name: str, *, interval: Interval = "1d") -> Bars:
        """Return the bars of one series (UTC labels, shape (n_obs, n_columns)).

        Raises
        ------
        SeriesNotFoundError
            When there is no file for the name and interval.
        SourceError
            When the file cannot be read: names the file, the row and the column.
        """
        path = self._find(name, interval) if name in self.catalogue else None
        if path is None:
            wanted = name if interval == "1d" else f"{name} {interval}"
            raise SeriesNotFoundError(self.name, (wanted,), tuple(f"{h.name} {h.interval}" for h in self.holdings()))
        table = _read_table(path)
        frame = _numbers(table, path)
        frame.index = _labels(table["time"], path)
        return make_bars(
            frame,
            self.catalogue[name],
            interval=interval,
            source=f"files: {path.relative_to(self.folder)}",
        )

    def _find(self, name: str, interval: Interval) -> Path | None:
        stems = [self.folder / name] if interval == "1d" else []
        file_id = self.catalogue[name].ids.files.get(interval)
        if file_id:
            stems.insert(0, self.folder / file_id)
        candidates = [stem.with_name(stem.name + ending) for stem in stems for ending in _ENDINGS]
        return next((c for c in candidates if c.is_file()), None)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            table = read_parquet_table(path)
        else:
            table = read_text_table(path)
    except SourceError:
        raise
    except Exception as error:  # parsers raise a dozen unrelated types for a damaged file
        fault = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise SourceError(f"file {path} cannot be read: {fault}; fetch it again, or remove it.") from error
    if table.index.name == "time" and "time" not in table.columns:
        table = table.reset_index()
    if "time" not in table.columns:
        raise SourceError(
            f"file {path} has no column 'time', only {', '.join(map(str, table.columns)):.200}; "
            "add one with the open of each bar."
        )
    if table.empty:
        raise SourceError(f"file {path} has a header and no rows; remove it or fill it.")
    return table


def _numbers(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    if "close" not in table.columns and "value" not in table.columns:
        has = ", ".join(map(str, table.columns))
        raise SourceError(f"file {path} has neither 'close' nor 'value', only {has:.200}; rename the column of prices.")
    named = table.rename(columns={"value": "close"}) if "close" not in table.columns else table
    columns = {}
    for column in (c for c in BAR_COLUMNS if c in named.columns):
        numbers = floats_or_nan(named[column]).to_numpy()
        unreadable = np.isnan(numbers) & named[column].notna().to_numpy()
        if unreadable.any():
            row = int(np.argmax(unreadable))
            raise SourceError(
                f"file {path}, line {table.index[row] + 2}, column {column!r}: {named[column].iloc[row]!r} is not a "
                "number; correct it, or leave the field empty for a missing value."
            )
        columns[column] = numbers
    return pd.DataFrame(columns)


def _labels(times: pd.Series, path: Path) -> pd.DatetimeIndex:
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        return pd.DatetimeIndex(times).tz_convert("UTC").as_unit("us")
    text = times.astype("str")
    readable = text.str.fullmatch(_DATE) | text.str.fullmatch(_INSTANT)
    parsed = pd.to_datetime(text.where(readable), utc=True, format="ISO8601", errors="coerce")
    if parsed.isna().any():
        row = int(np.argmax(parsed.isna().to_numpy()))
        raise SourceError(
            f"file {path}, line {times.index[row] + 2}, column 'time': {text.iloc[row]!r} is neither a date "
            "(2024-01-31) nor an instant with its zone (2024-01-31T16:00:00Z); add the zone, e.g. a Z for UTC."
        )
    return pd.DatetimeIndex(parsed).as_unit("us")
