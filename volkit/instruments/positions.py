"""Position books: who holds how much of which contract, in cash and in coins; rows that cannot be used are named."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from volkit.checks import floats_or_nan
from volkit.errors import DataError, SourceError
from volkit.instruments.contracts import Instrument, instrument_of, utc_instant
from volkit.results import ResultDisplay, freeze
from volkit.sources.opening import read_parquet_table, read_text_table

__all__ = ["PositionBook", "read_position_book"]

_REQUIRED = ("account", "instrument", "quantity")
_OPTIONAL = ("entry_price", "kind")
_KINDS = ("position", "cash", "collateral")
_DOLLARS = ("USD", "USDC", "USDT")
_SHOWN = 5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PositionBook(ResultDisplay):
    """Positions, cash and coins of accounts.

    Attributes
    ----------
    positions : DataFrame, shape (n_positions, 4)
        account, instrument (name in Deribit's manner), quantity (signed, units of the underlying; of an inverse
        future dollars over `entry_price`), entry_price (as the venue quotes it: USD, coins for inverse options;
        NaN where not told).
    cash : Series
        USD by account; accounts without a row hold none.
    collateral : DataFrame
        account, coin, quantity (coins).
    instruments : dict
        Contract by name.
    as_of : Timestamp or None
        Instant (UTC) that the book shows; None where not told.
    source : str
        File or origin, in words.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC-PERPETUAL", "BTC-27MAR26-90000-P"],
    ...                       "quantity": [-1.0, 2.0]})
    >>> PositionBook.from_frame(frame)
    <PositionBook: 2 positions in 2 instruments of 1 account, 0 USD cash, no collateral, no time told>
    """

    positions: pd.DataFrame
    cash: pd.Series
    collateral: pd.DataFrame
    instruments: dict[str, Instrument]
    as_of: pd.Timestamp | None
    source: str

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, as_of: pd.Timestamp | None = None, source: str = "frame"
    ) -> "PositionBook":
        """Return the book of a table.

        Parameters
        ----------
        frame : DataFrame
            Columns account, instrument, quantity, and optionally entry_price and kind: "position" (the default),
            "cash" (instrument USD, USDC or USDT, quantity in dollars) or "collateral" (instrument the coin).
        as_of : Timestamp, optional
            Instant (UTC) that the book shows; contracts that expired by then are refused.
        source : str
            Named in messages.

        Raises
        ------
        DataError
            For missing or unknown columns, no rows, or rows with an unknown instrument, no account, a quantity or
            price that is no number, a contract that has expired, or an account that names a contract twice.
        """
        table = _checked_columns(frame, source)
        kind = table["kind"]
        held = _positions(table[kind == "position"], source)
        instruments = dict(zip(held["instrument"], held["contract"], strict=True))
        stamp = None if as_of is None else utc_instant(as_of, argument="as_of")
        if stamp is not None:
            _refuse_expired(held, stamp, source)
        _refuse_twice(held, source)
        cash = table[kind == "cash"]
        _refuse(cash, ~cash["instrument"].isin(_DOLLARS), "must be in USD, USDC or USDT on rows of cash", source,
                "write coins as kind=collateral", show="instrument")  # fmt: skip
        coins = table[kind == "collateral"]
        _refuse(coins, ~coins["instrument"].str.fullmatch(r"[A-Z0-9]+"), "must name a coin on rows of collateral",
                source, "write BTC", show="instrument")  # fmt: skip
        _refuse_twice(coins, source)
        collateral = coins.rename(columns={"instrument": "coin"})[["account", "coin", "quantity"]]
        return cls(
            positions=freeze(held[["account", "instrument", "quantity", "entry_price"]].reset_index(drop=True)),
            cash=cash.groupby("account")["quantity"].sum().rename("cash"),
            collateral=freeze(collateral.reset_index(drop=True)),
            instruments=instruments,
            as_of=stamp,
            source=source,
        )

    @property
    def accounts(self) -> pd.Index:
        """Names of all accounts, sorted."""
        names = [self.positions["account"], self.collateral["account"], pd.Series(self.cash.index, dtype="str")]
        return pd.Index(sorted(set(pd.concat(names))), name="account")

    @property
    def n_positions(self) -> int:
        """Rows of positions."""
        return len(self.positions)

    @property
    def headline(self) -> str:
        """Positions, cash and collateral in one line."""
        n = len(self.accounts)
        coins = self.collateral["coin"].unique()
        held = f"collateral in {', '.join(coins)}" if len(coins) else "no collateral"
        when = f"{self.as_of:%Y-%m-%d %H:%M} UTC" if self.as_of is not None else "no time told"
        return (
            f"{self.n_positions} positions in {len(self.instruments)} instruments of {n} account{'s' * (n != 1)}, "
            f"{self.cash.sum():,.0f} USD cash, {held}, {when}"
        )

    def summary(self) -> pd.DataFrame:
        """Return counts of positions and quantities (units of the underlying) by underlying and kind."""
        contracts = [self.instruments[name] for name in self.positions["instrument"]]
        table = pd.DataFrame(
            {
                "underlying": [c.underlying for c in contracts],
                "kind": [type(c).__name__.lower() for c in contracts],
                "quantity": self.positions["quantity"].to_numpy(),
            }
        )
        groups = table.groupby(["underlying", "kind"])["quantity"]
        gross = table["quantity"].abs().groupby([table["underlying"], table["kind"]]).sum()
        return pd.DataFrame({"positions": groups.size(), "net quantity": groups.sum(), "gross quantity": gross})

    def to_frame(self) -> pd.DataFrame:
        """Return all rows as `from_frame` reads them."""
        parts = [
            self.positions.assign(kind="position"),
            pd.DataFrame({"account": self.cash.index, "instrument": "USD", "quantity": self.cash.to_numpy()}).assign(
                entry_price=np.nan, kind="cash"
            ),
            self.collateral.rename(columns={"coin": "instrument"}).assign(entry_price=np.nan, kind="collateral"),
        ]
        return pd.concat([p for p in parts if len(p)], ignore_index=True)


def read_position_book(path: str | Path, *, as_of: pd.Timestamp | None = None) -> PositionBook:
    """Return the position book of a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        Columns account, instrument, quantity (signed, units of the underlying), optionally entry_price and kind; see
        `PositionBook.from_frame`.
    as_of : Timestamp, optional
        Instant (UTC) that the book shows; contracts that expired by then are refused.

    Returns
    -------
    PositionBook

    Raises
    ------
    SourceError
        When the file is not there or cannot be read.
    DataError
        For rows that cannot be used; rows are counted from 1 below the header.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "book.csv"
    >>> _ = file.write_text("account,instrument,quantity\\nA,BTC-PERPETUAL,1\\nA,BTC-PERP,x\\n")
    >>> read_position_book(file)
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: quantity in book.csv must be a finite number; got row 2 (A, BTC-PERP): 'x'; correct it.
    """
    file = Path(path)
    if not file.is_file():
        raise SourceError(f"there is no position book {file}; give the path of a CSV or Parquet file.")
    try:
        table = read_parquet_table(file) if file.suffix == ".parquet" else read_text_table(file)
    except SourceError:
        raise
    except Exception as error:  # parsers raise a dozen unrelated types for a damaged file
        raise SourceError(f"position book {file} cannot be read: {type(error).__name__}: {error}.") from error
    return PositionBook.from_frame(table, as_of=as_of, source=file.name)


def _checked_columns(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    missing = [c for c in _REQUIRED if c not in frame.columns]
    unknown = [str(c) for c in frame.columns if c not in (*_REQUIRED, *_OPTIONAL)]
    if missing or unknown:
        got = f"no {', '.join(missing)}" if missing else f"also {', '.join(unknown)}"
        known = f"{', '.join(_REQUIRED)} and optionally {', '.join(_OPTIONAL)}"
        raise DataError(f"columns of {source}", f"must be {known}", got, "rename or drop columns")
    if not len(frame):
        raise DataError(source, "must have at least one row", "none", "write account,instrument,quantity")
    # Row numbers count from 1 below the header, also where blank lines were dropped.
    rows = frame.index + 1 if pd.api.types.is_integer_dtype(frame.index) else np.arange(1, len(frame) + 1)
    table = pd.DataFrame({"row": np.asarray(rows)})
    for name in ("account", "instrument"):
        table[name] = frame[name].astype("str").str.strip().where(frame[name].notna(), "").to_numpy()
    given = frame["kind"] if "kind" in frame else pd.Series("position", index=frame.index)
    table["kind"] = given.fillna("position").astype("str").str.strip().replace("", "position").to_numpy()
    _refuse(table, table["account"] == "", "must be named on every row", source, "name it", show="account")
    _refuse(table, ~table["kind"].isin(_KINDS), f"must be one of {', '.join(_KINDS)}", source, "correct it",
            show="kind")  # fmt: skip
    table["quantity"] = _numbers(table, frame["quantity"], source, optional=False)
    prices = frame["entry_price"] if "entry_price" in frame else pd.Series(np.nan, index=frame.index)
    table["entry_price"] = _numbers(table, prices, source, optional=True)
    _refuse(table, table["entry_price"] <= 0.0, "must be positive", source, "leave it blank where it is not known",
            show="entry_price")  # fmt: skip
    return table


def _numbers(table: pd.DataFrame, column: pd.Series, source: str, *, optional: bool) -> np.ndarray:
    values: np.ndarray = floats_or_nan(column).to_numpy()
    bad = ~np.isfinite(values) & (column.notna().to_numpy() if optional else True)
    name = str(column.name or "entry_price")
    shown = table.assign(**{name: column.to_numpy()})
    _refuse(shown, bad, "must be a finite number", source, "correct it", show=name)
    return values


def _positions(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    contracts: list[Instrument | None] = []
    for name in rows["instrument"]:
        try:
            contracts.append(instrument_of(name))
        except DataError:
            contracts.append(None)
    unknown = np.array([c is None for c in contracts], dtype=bool)
    remedy = "write BTC-27MAR26-90000-C, BTC-27MAR26 or BTC_USDC-PERPETUAL; cash and coins need a column kind"
    _refuse(rows, unknown, "must be a venue's name of a contract", source, remedy, show="instrument")
    names = np.array([c.name for c in contracts if c is not None], dtype="object")
    return rows.assign(contract=contracts, instrument=names.astype("str") if len(names) else names)


def _refuse_expired(held: pd.DataFrame, as_of: pd.Timestamp, source: str) -> None:
    gone = np.array(
        [getattr(c, "expiry", None) is not None and c.expiry <= as_of for c in held["contract"]], dtype=bool
    )
    rule = f"must expire after {as_of:%Y-%m-%d %H:%M} UTC"
    _refuse(held, gone, rule, source, "settle it to cash and drop the row", show="instrument")


def _refuse_twice(rows: pd.DataFrame, source: str) -> None:
    twice = rows.duplicated(["account", "instrument"])
    _refuse(rows, twice.to_numpy(), "must stand once by account", source, "add the quantities up", show="instrument")


def _refuse(
    table: pd.DataFrame, bad: np.ndarray | pd.Series, rule: str, source: str, remedy: str, *, show: str
) -> None:
    marked = table[np.asarray(bad, dtype=bool)]
    if not len(marked):
        return
    told = [_row_words(row, show) for row in marked.head(_SHOWN).to_dict("records")]
    more = f" and {len(marked) - _SHOWN} more rows" if len(marked) > _SHOWN else ""
    raise DataError(f"{show} in {source}", rule, ", ".join(told) + more, remedy)


def _row_words(row: dict[str, object], show: str) -> str:
    if show == "instrument":
        return f"row {row['row']} ({row['account']}): {row['instrument']!r}"
    return f"row {row['row']} ({row['account']}, {row['instrument']}): {row[show]!r}"
