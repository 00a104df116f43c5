"""Option books from files: rows as a recorder of Deribit's public interface writes them.

A CSV (plain or gzipped) or Parquet file enters, with one row an instrument; the `OptionChain` of one underlying leaves,
with the venue's own Greeks beside it where the file has them. What is left out is counted by reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import DataError, SourceError
from volkit.options.chain.table import check_scale, instants, numbers, read_table
from volkit.results import freeze
from volkit.sources.exchange import OptionChain
from volkit.sources.exchange.instruments import Contract, Settlement, is_future, parse_instrument

__all__ = ["VENUE_COLUMNS", "read_option_chain"]

VENUE_COLUMNS = ("delta", "vega_per_point", "index_price")

_NUMBERS = {
    "bid": ("bid_price",),
    "ask": ("ask_price",),
    "mark": ("mark_price",),
    "implied_volatility": ("implied_volatility",),
    "underlying_price": ("futures_price", "underlying"),
    "open_interest": ("open_interest",),
    "volume": ("volume",),
    "delta": ("delta",),
    "vega_per_point": ("vega",),
    "index_price": ("index_price",),
}
_FORWARD_NAMES = ("futures_instrument_name", "underlying_name")
_COLUMNS = [
    *("instrument", "expiry", "strike", "is_call", "bid", "ask", "mid", "mark", "implied_volatility"),
    *("underlying_price", "is_synthetic_forward", "open_interest", "volume", "quoted_at"),
]
# In the words of `volkit.sources.exchange.chain`, and two that only files need.
_UNNAMED = "unreadable instrument name"
_FOREIGN = "another underlying or settlement"
_EXPIRED = "expired"
_UNUSABLE = "negative, infinite or garbled number"
_LATER = "quoted after as_of"
_SUPERSEDED = "superseded by a later row"


def read_option_chain(
    path: str | PathLike[str],
    *,
    underlying: str,
    as_of: pd.Timestamp | None = None,
    settlement: Settlement | None = None,
    venue: str = "deribit",
) -> OptionChain:
    """Return the option chain of one coin from a file of quotes.

    Parameters
    ----------
    path : str or path
        ``.csv``, ``.csv.gz`` or ``.parquet`` with columns instrument_name, bid_price, ask_price, timestamp (UTC,
        with ``Z`` or an offset), and where known mark_price, futures_price (the forward, USD; also read from
        underlying), futures_instrument_name (``SYN.`` when no listed future stands behind the forward),
        implied_volatility (decimal per year), delta, vega (per volatility point), index_price (USD), open_interest,
        volume. Prices are in coin for options settled in coin. An empty field is a missing value.
    underlying : str
        The coin, e.g. ``BTC``; a file may hold several.
    as_of : Timestamp, optional
        Rows quoted after it are left out; the time of the last row by default.
    settlement : {"coin", "usd"}, optional
        Which options; None takes those settled in coin where the file has them, those in dollars elsewhere.
    venue : str
        Name of the venue for the record.

    Returns
    -------
    OptionChain
        `quotes` has the columns of every chain and, where the file has them, delta, vega_per_point (USD per 0.01 of
        volatility) and index_price (USD). A price of zero stays zero: `prepare_chain` judges it. `metadata` names the
        first line left out for each reason.

    Raises
    ------
    SourceError
        When the file cannot be read, or lacks a column; names line, column and value of a garbled field.
    DataError
        When the file has no row of this coin, an instrument comes twice at one instant, a name disagrees with the
        row's own strike, type or expiry, or volatilities or prices are in another unit.
    ArgumentError
        For a settlement of another name.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "book.csv"
    >>> head = "timestamp,instrument_name,bid_price,ask_price,mark_price,futures_price\\n"
    >>> row = "2026-01-05T12:00:00Z,BTC-30JAN26-90000-C,0.0310,0.0320,0.0314,91000\\n"
    >>> _ = path.write_text(head + row + row.replace("BTC", "ETH"))
    >>> read_option_chain(path, underlying="BTC").dropped
    {'another underlying or settlement': 1}
    """
    if settlement is not None:
        check_choice(settlement, argument="settlement", choices=("coin", "usd"))
    file = Path(path).expanduser()
    rows = _rows(read_table(file, required=("instrument_name", "bid_price", "ask_price")), file, as_of)
    chosen = settlement or _settlement(rows, underlying)
    kept, dropped, first = _sift(rows, underlying=underlying, settlement=chosen)
    if not len(kept):
        raise _nothing(rows, file, underlying, chosen, dropped)
    _refuse_duplicates(rows.frame.loc[kept], file)
    quotes = _quotes(rows, kept)
    check_scale(quotes, settlement=chosen, file=file)
    unit = "+".join(sorted({rows.contracts[row].settle for row in kept}))  # type: ignore[union-attr]
    return OptionChain(
        quotes=quotes,
        venue=venue,
        underlying=underlying,
        settlement=chosen,
        quote_unit=unit,
        as_of=rows.as_of,
        dropped=dropped,
        metadata={
            "source": f"file: {file.name}",
            "venue": venue,
            "underlying": underlying,
            "settlement": chosen,
            "unit": unit,
            "strike_unit": "USD",
            "volatility_unit": "decimal per year, of the mark",
            "rows_received": str(len(rows.frame)),
            "rows_dropped": str(sum(dropped.values())),
            **{f"first {reason}": words for reason, words in first.items()},
            "pandas": version("pandas"),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The file's rows by line number, with the contract that each name says."""

    frame: pd.DataFrame
    contracts: dict[int, Contract | None]
    as_of: pd.Timestamp


def _rows(table: pd.DataFrame, file: Path, as_of: pd.Timestamp | None) -> _Rows:
    given = table["instrument_name"]
    names = given.astype("str").where(given.notna(), "").str.strip()
    frame = pd.DataFrame({"instrument": names}, index=table.index)
    for ours, theirs in _NUMBERS.items():
        column = next((name for name in theirs if name in table.columns), None)
        if column is not None:
            frame[ours] = numbers(table[column], file)
        elif ours not in VENUE_COLUMNS:
            frame[ours] = np.nan
    if "timestamp" in table.columns:
        frame["quoted_at"] = instants(table["timestamp"], file)
    elif as_of is None:
        has = ", ".join(map(str, table.columns))
        raise SourceError(f"file {file} has no column 'timestamp', only {has}; add one, or pass as_of.")
    else:
        frame["quoted_at"] = pd.Series(pd.NaT, index=table.index, dtype="datetime64[us, UTC]")
    frame["is_synthetic_forward"] = _is_synthetic(table)
    contracts = {line: parse_instrument(name) for line, name in names.items()}
    _refuse_disagreement(table, contracts, file)
    moment = frame["quoted_at"].max() if as_of is None else _check_instant(as_of)
    return _Rows(frame=frame, contracts=contracts, as_of=moment)


def _check_instant(as_of: pd.Timestamp) -> pd.Timestamp:
    moment = pd.Timestamp(as_of)
    if moment.tzinfo is None:
        raise DataError(
            "as_of", "must be an instant in UTC", f"{moment} without a zone", 'use as_of.tz_localize("UTC")'
        )
    return moment.tz_convert("UTC").as_unit("us")


def _is_synthetic(table: pd.DataFrame) -> pd.Series:
    column = next((name for name in _FORWARD_NAMES if name in table.columns), None)
    if column is None:
        return pd.Series(pd.NA, index=table.index, dtype="boolean")
    names = table[column]
    known = names.notna() & (names.astype("str").str.strip() != "")
    flags = names.fillna("").astype("str").str.strip().map(lambda name: not is_future(name)).astype("boolean")
    return flags.mask(~known)


def _refuse_disagreement(table: pd.DataFrame, contracts: dict[int, Contract | None], file: Path) -> None:
    """Refuse a row whose name says another option than its own columns."""
    said = pd.Series(contracts, dtype="object")
    known = said[said.notna()]
    read: dict[str, Callable[[pd.Series], pd.Series]] = {
        "strike": lambda column: numbers(column, file),
        "option_type": lambda column: column.str.lower().str[:1],
        "expiry_datetime": lambda column: instants(column, file, may_be_empty=True),
    }
    named = {
        "strike": known.map(lambda contract: contract.strike),
        "option_type": known.map(lambda contract: "c" if contract.is_call else "p"),
        "expiry_datetime": known.map(lambda contract: contract.expiry),
    }
    for column in (name for name in read if name in table.columns):
        row_says = read[column](table[column]).loc[known.index]
        differs = row_says.notna() & (row_says != named[column])
        if differs.any():
            line = differs.index[int(np.argmax(differs.to_numpy()))]
            got = f"{table.loc[line, column]!r} beside the name {table.loc[line, 'instrument_name']}"
            raise DataError(
                f"file {file}, line {line}, column {column!r}", "must agree with the name", got, "correct it"
            )


def _settlement(rows: _Rows, underlying: str) -> Settlement:
    kinds = {c.settlement for c in rows.contracts.values() if c is not None and c.underlying == underlying}
    return "coin" if "coin" in kinds or not kinds else "usd"


def _sift(rows: _Rows, *, underlying: str, settlement: Settlement) -> tuple[list[int], dict[str, int], dict[str, str]]:
    """Return the lines that stay, and the counts and the first of those that go, by reason."""
    frame = rows.frame
    reasons = pd.Series("", index=frame.index, dtype="object")
    quoted = frame.columns.intersection([*_NUMBERS]).difference(["delta"])
    numbers_ = frame[quoted]
    unusable = (numbers_ < 0.0).any(axis=1) | np.isinf(frame.select_dtypes("float64")).any(axis=1)
    for line, contract in rows.contracts.items():
        if contract is None:
            reasons[line] = _UNNAMED
        elif (contract.underlying, contract.settlement) != (underlying, settlement):
            reasons[line] = _FOREIGN
        elif frame.at[line, "quoted_at"] > rows.as_of:
            reasons[line] = _LATER
        elif contract.expiry <= rows.as_of:
            reasons[line] = _EXPIRED
        elif unusable[line]:
            reasons[line] = _UNUSABLE
    left = frame[reasons == ""]
    last = left.groupby("instrument")["quoted_at"].transform("max")
    reasons[left.index[left["quoted_at"] < last]] = _SUPERSEDED
    gone = reasons[reasons != ""]
    first = {
        str(r): f"line {lines[0]}: {frame.at[lines[0], 'instrument']!r}"
        for r, lines in gone.groupby(gone).groups.items()
    }
    counts = {str(reason): int(count) for reason, count in gone.value_counts().items()}
    return reasons.index[reasons == ""].tolist(), counts, first


def _refuse_duplicates(kept: pd.DataFrame, file: Path) -> None:
    twice = kept["instrument"].duplicated()
    if twice.any():
        name = kept.loc[twice, "instrument"].iloc[0]
        lines = ", ".join(str(line) for line in kept.index[kept["instrument"] == name])
        got = f"{int(twice.sum())} more than once, first {name} on lines {lines}"
        remedy = "decide which row is right and remove the other"
        raise DataError(f"file {file}", "must hold each instrument once at an instant", got, remedy)


def _nothing(rows: _Rows, file: Path, underlying: str, settlement: str, dropped: dict[str, int]) -> DataError:
    named = [c for c in rows.contracts.values() if c is not None]
    has = ", ".join(sorted({f"{c.underlying} settled in {c.settlement}" for c in named})) or "no readable name at all"
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return DataError(
        f"file {file}",
        f"must have live {underlying} options settled in {settlement} at {rows.as_of}",
        f"{len(rows.frame)} rows ({reasons}), of {has}",
        "choose another underlying, settlement or as_of",
    )


def _quotes(rows: _Rows, kept: list[int]) -> pd.DataFrame:
    frame = rows.frame.loc[kept]
    contracts = [rows.contracts[line] for line in kept]
    two_sided = (frame["bid"] > 0.0) & (frame["ask"] > 0.0)
    # As in chains from a venue: a volatility or a forward of zero is none given.
    never_zero = {name: frame[name].mask(frame[name] == 0.0) for name in ("implied_volatility", "underlying_price")}
    quotes = frame.assign(
        **never_zero,
        instrument=frame["instrument"].astype("str"),
        expiry=pd.DatetimeIndex([c.expiry for c in contracts], dtype="datetime64[us, UTC]"),  # type: ignore[union-attr]
        strike=[c.strike for c in contracts],  # type: ignore[union-attr]
        is_call=[c.is_call for c in contracts],  # type: ignore[union-attr]
        mid=((frame["bid"] + frame["ask"]) / 2.0).where(two_sided),
    )
    columns = [*_COLUMNS, *(name for name in VENUE_COLUMNS if name in quotes)]
    return freeze(quotes[columns].sort_values(["expiry", "strike", "is_call"], ignore_index=True))
