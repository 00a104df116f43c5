"""What becomes of held bars when a pull brings more: new values win, old ones go into the log.

A *version* is a row with the instant at which a pull first had it (`first_seen`) and the instant at which
another value took its place (`replaced`, missing while it is served). All versions of a series lie in one
table and in one file, so that history and log cannot part. A pull that repeats what is held changes nothing,
which makes updates repeatable; pulls of separate spans may come in any order.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_times
from volkit.conventions import TIME_DTYPE
from volkit.errors import DataError
from volkit.store.errors import ContradictingUpdateError, ShrinkingUpdateError, StalePullError

__all__ = ["LOG_COLUMNS", "Merged", "check_bars", "list_revisions", "merge_versions", "served"]

LOG_COLUMNS = ["first_seen", "replaced"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Merged:
    """Versions after an update, and what the update did.

    Attributes
    ----------
    versions : DataFrame, shape (n_versions, n_columns + 2)
        Served rows by time, then the replaced ones by time.
    added, revised, kept : DatetimeIndex
        Labels (UTC) of new bars, of bars with another value than before, and of bars that the pull lacked
        or had NaN for although the store holds them.
    n_repeated : int
        Bars that came as they were held.
    """

    versions: pd.DataFrame
    added: pd.DatetimeIndex
    revised: pd.DatetimeIndex
    kept: pd.DatetimeIndex
    n_repeated: int


def check_bars(frame: pd.DataFrame, *, kind: str, series: str) -> pd.DataFrame:
    """Return pulled rows as the store keeps them: float64 or UTC times on sorted, unique UTC times.

    Parameters
    ----------
    frame : DataFrame, shape (n_obs, n_columns)
        As pulled; close always when `kind` is bars.
    kind : str
        Kind of the series' key.
    series : str
        Name for messages.

    Returns
    -------
    DataFrame
        Same shape and values; index `time`.

    Raises
    ------
    DataError
        When it is empty, the index is naive, unsorted or has duplicates, a column is not numeric or has a
        reserved name, close is absent, or close (any other kind: every column) is NaN on all rows.
    """
    argument = f"pull of {series}"
    if frame.empty:
        raise DataError(argument, "must have rows", "none", "check span and symbol; the store keeps what it has")
    index = check_times(frame.index, argument=argument)
    reserved = [c for c in frame.columns if not isinstance(c, str) or c in ("time", *LOG_COLUMNS)]
    if reserved or frame.columns.has_duplicates:
        got = f"the columns {', '.join(map(str, frame.columns))}"
        raise DataError(
            argument, f"must have unique column names, none of time, {', '.join(LOG_COLUMNS)}", got, "rename"
        )
    if kind == "bars" and "close" not in frame.columns:
        raise DataError(argument, "must have a close", ", ".join(frame.columns), "rename the column of prices to close")
    rows = pd.DataFrame({c: _column(frame[c], argument) for c in frame.columns}).set_axis(index)
    judged = rows[["close"]] if kind == "bars" else rows
    if judged.isna().all(axis=None):
        got = f"{len(rows)} rows of NaN"
        raise DataError(argument, "must have a value of " + "/".join(judged.columns), got, "pull again")
    return rows


def merge_versions(
    versions: pd.DataFrame | None,
    rows: pd.DataFrame,
    *,
    as_of: pd.Timestamp,
    last_as_of: pd.Timestamp | None,
    expected_to: pd.Timestamp,
    keep_absent: bool,
    series: str,
) -> Merged:
    """Return the versions of a series after a pull.

    Parameters
    ----------
    versions : DataFrame or None
        Held versions, None when nothing is held.
    rows : DataFrame, shape (n_obs, n_columns)
        From `check_bars`.
    as_of : Timestamp
        Instant (UTC) of the pull.
    last_as_of : Timestamp or None
        Latest pull merged so far.
    expected_to : Timestamp
        Held bars from the first row on and up to this label (inclusive, UTC) must be in `rows`.
    keep_absent : bool
        Keep held values that `rows` lack, instead of refusing.
    series : str
        Name for messages.

    Returns
    -------
    Merged
        Versions and counts.

    Raises
    ------
    ContradictingUpdateError
        When a column is lacking or has become another type.
    ShrinkingUpdateError
        When held values are absent and `keep_absent` is false.
    StalePullError
        When values differ and the pull is older than the last one.
    """
    if versions is None:
        none = pd.DatetimeIndex([], dtype=TIME_DTYPE, name="time")
        return Merged(versions=_stamp(rows, as_of), added=rows.index, revised=none, kept=none, n_repeated=0)
    held = versions[versions["replaced"].isna()]
    dtypes = _common_columns(held, rows, series)
    held, log = _conform(held, dtypes), _conform(versions[versions["replaced"].notna()], dtypes)
    rows = rows.reindex(columns=list(dtypes)).astype(dtypes)

    span = held.index[(held.index >= rows.index[0]) & (held.index <= expected_to)]
    both = held.index.intersection(rows.index)
    old, new = held.loc[both, list(dtypes)], rows.loc[both]
    blank = new.isna() & old.notna()
    kept = span.difference(rows.index).union(both[blank.any(axis=1)])
    if len(kept) and not keep_absent:
        raise ShrinkingUpdateError.of(kept, series=series, what="a row or a value")
    new = new.where(~blank, old)
    differs = ~((new == old) | (new.isna() & old.isna()))
    revised = both[differs.any(axis=1)]
    if len(revised) and last_as_of is not None and as_of < last_as_of:
        raise _stale(revised, as_of, last_as_of, series)

    added = rows.index.difference(held.index)
    fresh = _stamp(pd.concat([new.loc[revised], rows.loc[added]]), as_of)
    current = pd.concat([held.drop(revised), fresh]).sort_index()
    gone = held.loc[revised].assign(replaced=pd.Series(as_of, index=revised, dtype=TIME_DTYPE))
    log = pd.concat([log, gone]).sort_index(kind="stable")
    return Merged(
        versions=pd.concat([current, log]), added=added, revised=revised, kept=kept, n_repeated=len(both) - len(revised)
    )


def served(versions: pd.DataFrame) -> pd.DataFrame:
    """Return the newest value of every bar, without the columns of the log.

    Parameters
    ----------
    versions : DataFrame
        From `merge_versions`.

    Returns
    -------
    DataFrame, shape (n_obs, n_columns)
        Sorted, unique `time` (UTC).
    """
    return versions[versions["replaced"].isna()].drop(columns=LOG_COLUMNS)


def list_revisions(versions: pd.DataFrame) -> pd.DataFrame:
    """Return every value that was replaced, with the one that took its place.

    Parameters
    ----------
    versions : DataFrame
        From `merge_versions`.

    Returns
    -------
    DataFrame, columns time, column, old, new, first_seen, replaced
        Newest revision first; times in UTC, values in the series' unit. `old` is NaN where the bar was held
        without this value.
    """
    touched = versions[versions.index.isin(versions.index[versions["replaced"].notna()])].reset_index()
    # Stable, so that two revisions by pulls of one instant stay in the order in which they were made.
    chain = touched.sort_values(["time", "replaced", "first_seen"], na_position="last", kind="stable")
    after = chain.groupby("time").shift(-1)
    gone = chain["replaced"].notna()
    pieces = []
    for name in versions.columns.drop(LOG_COLUMNS):
        old, new = chain.loc[gone, name], after.loc[gone, name]
        differs = ~((old == new) | (old.isna() & new.isna()))
        facts = chain.loc[gone, ["time", *LOG_COLUMNS]][differs]
        if len(facts):
            pieces.append(facts.assign(column=name, old=old[differs], new=new[differs]))
    order = ["time", "column", "old", "new", *LOG_COLUMNS]
    if not pieces:
        types = dict(zip(order, [TIME_DTYPE, "str", "float64", "float64", TIME_DTYPE, TIME_DTYPE], strict=True))
        return pd.DataFrame(columns=order).astype(types)
    found = pd.concat(pieces)[order]
    return found.sort_values(["replaced", "time", "column"], ascending=[False, True, True], ignore_index=True)


def _column(column: pd.Series, argument: str) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.as_unit("us")
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        got = f"column {column.name} of {column.dtype}"
        raise DataError(argument, "must have columns of numbers or UTC times", got, "convert or drop the column")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if column.dtype.kind in "iu" and (np.abs(values) > 2**53).any():
        got = f"whole numbers beyond 2**53 in column {column.name}"
        raise DataError(argument, "must have numbers that float64 holds exactly", got, "scale or drop the column")
    return pd.Series(values, index=column.index, name=column.name)


def _stamp(rows: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    stamps = {"first_seen": as_of, "replaced": pd.NaT}
    return rows.assign(**{c: pd.Series(t, index=rows.index, dtype=TIME_DTYPE) for c, t in stamps.items()})


def _common_columns(held: pd.DataFrame, rows: pd.DataFrame, series: str) -> dict[str, np.dtype]:
    known = held.drop(columns=LOG_COLUMNS).dtypes.to_dict()
    changed = [c for c in known if c not in rows or rows[c].dtype != known[c]]
    if changed:
        got = ", ".join(f"{c} as {rows[c].dtype if c in rows else 'nothing'}" for c in changed)
        raise ContradictingUpdateError(
            f"pull of {series}",
            f"must have the held columns {', '.join(known)} in their types",
            got,
            "pull the same columns, or use another kind in the key",
        )
    return {**known, **rows.dtypes.to_dict()}


def _conform(versions: pd.DataFrame, dtypes: dict[str, np.dtype]) -> pd.DataFrame:
    return versions.reindex(columns=[*dtypes, *LOG_COLUMNS]).astype(dtypes)


def _stale(revised: pd.DatetimeIndex, as_of: pd.Timestamp, last: pd.Timestamp, series: str) -> StalePullError:
    return StalePullError(
        f"pull of {series}",
        f"must not be older than the last one ({last}) where they disagree",
        f"a pull as of {as_of} with {len(revised)} other values, first {revised[0]}",
        "pull again",
    )
