"""A venue as a folder of tables: accounts and order books, and what is known of its balance, lenders and debts."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from volkit.checks import check_positive, floats_or_nan
from volkit.errors import DataError, SourceError, VolkitError
from volkit.portfolio import parse_instant
from volkit.results import Provenance, ResultDisplay, SeriesProvenance, freeze
from volkit.solvency.balance import DOLLARS
from volkit.sources.exchange.book import OrderBook, make_order_book
from volkit.sources.opening import open_text, read_parquet_table, refuse_surplus
from volkit.sources.venue import VENUE_FILES, SimulatedVenue, load_demo_venue

__all__ = ["DEMO_VENUE", "VenueTables", "open_venue", "read_venue", "venue_files"]

# Name of the frozen simulated venue where a folder could stand.
DEMO_VENUE = "demo"
_TERMS_FILE = "fund.toml"
_TERMS = ("asset", "price", "fund")
_OPTIONAL_TERMS = ("half_life", "permanent_share", "maintenance_rate", "as_of", "simulated", "fixed")
# Further keys of the simulated venue's terms, which are its truth and not settings.
_TRUTH = ("open_interest", "lowest_leverage", "highest_leverage", "impact", "seed")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "accounts": ("account", "quantity", "entry_price", "collateral"),
    "books": ("venue", "side", "price", "amount"),
    "balance_sheet": ("entity", "side", "asset", "quantity", "price"),
    "lending_positions": ("account", "collateral_asset", "collateral_quantity", "debt_asset", "debt_quantity"),
    "lending_terms": ("asset", "price", "liquidation_threshold", "liquidation_bonus", "oracle"),
    "exposures": ("debtor", "creditor", "amount"),
    "external": ("node", "assets", "liabilities"),
}
_NEEDED = ("accounts", "books")
_TOGETHER = (("lending_positions", "lending_terms"), ("exposures", "external"))
_NAMES = {"account", "asset", "collateral_asset", "creditor", "debt_asset", "debtor", "entity", "node", "oracle"}
_WORDS = _NAMES | {"side", "venue"}
_BOOK_SIDES = ("bid", "ask")
_SHOWN = 3


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VenueTables(ResultDisplay):
    """Tables and terms of one venue in one linear perpetual.

    Attributes
    ----------
    tables : Mapping of str to DataFrame
        accounts and books always; balance_sheet, lending_positions and lending_terms, exposures and external where the
        folder has them. Columns as in ``data/demo/stress/README.md``.
    asset : str
        Coin of the perpetual.
    price : float
        Reference price, USD per coin.
    fund : float
        Insurance fund, USD.
    half_life : float or None
        Of the depth after a sweep, minutes; None where the terms do not tell it.
    permanent_share : float
        Of an impact that decays, the share that stays; 0 where not told.
    fixed : tuple of str
        Assets that keep their price when all others fall; dollars where not told.
    as_of : Timestamp or None
        Instant (UTC) that the tables show.
    provenance : Provenance
        One entry a table.
    """

    tables: Mapping[str, pd.DataFrame]
    asset: str
    price: float
    fund: float
    half_life: float | None
    permanent_share: float
    fixed: tuple[str, ...]
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Accounts, open interest and fund in one line."""
        accounts = self.tables["accounts"]
        interest = float(accounts["quantity"].clip(lower=0.0).sum()) * self.price
        return (
            f"{len(accounts):,} accounts of {self.asset} at {self.price:,.0f} USD, "
            f"{interest / 1e6:,.0f} million USD long, fund {self.fund / 1e6:,.2f} million USD"
        )

    def order_books(self) -> tuple[OrderBook, ...]:
        """Return one order book a venue, prices in USD."""
        made = []
        for venue, levels in self.tables["books"].groupby("venue", sort=False):
            sides = {side: levels.loc[levels["side"] == side, ["price", "amount"]] for side in ("bid", "ask")}
            bids, asks = (sides[side].to_numpy(dtype=float).tolist() for side in ("bid", "ask"))
            stamp = self.as_of if self.as_of is not None else pd.Timestamp(0, tz="UTC")
            symbol = f"{self.asset}/USD:USD"
            made.append(make_order_book(bids, asks, venue=str(venue), symbol=symbol, quote="USD", as_of=stamp))
        return tuple(made)

    def summary(self) -> pd.DataFrame:
        """Return rows and columns of each table."""
        return pd.DataFrame(
            {
                "rows": {name: len(table) for name, table in self.tables.items()},
                "columns": {name: ", ".join(map(str, table.columns)) for name, table in self.tables.items()},
            }
        ).rename_axis("table")

    def to_frame(self) -> pd.DataFrame:
        """Return the accounts."""
        return self.tables["accounts"]


def open_venue(name: str | Path) -> VenueTables:
    """Return the venue of a folder, or the frozen simulated one under the name ``demo``.

    Raises
    ------
    SourceError
        When there is neither.

    Examples
    --------
    >>> open_venue("demo").headline
    '20,000 accounts of BTC at 60,000 USD, 1,500 million USD long, fund 9.00 million USD'
    """
    return _of_simulated(load_demo_venue()) if str(name) == DEMO_VENUE else read_venue(name)


def read_venue(folder: str | Path) -> VenueTables:
    """Return the venue whose tables are the files of a folder.

    Parameters
    ----------
    folder : str or Path
        With ``accounts`` and ``order_books`` (CSV or Parquet) and ``fund.toml`` (asset, price, fund; optionally
        half_life in minutes, permanent_share, maintenance_rate of accounts without their own, as_of, fixed (names of
        assets that keep their price), simulated = true); other tables as
        in ``data/demo/stress`` are read when they are there.

    Returns
    -------
    VenueTables
        Prices in USD, quantities in coins.

    Raises
    ------
    SourceError
        When the folder or a file that is needed is missing or cannot be read.
    DataError
        For unknown or missing terms, missing columns, or one of two tables that go together.
    """
    path = Path(folder)
    if not path.is_dir():
        raise SourceError(f"there is no folder {path}; give a folder with accounts, order_books and {_TERMS_FILE}.")
    terms = _read_terms(path / _TERMS_FILE)
    tables, series = {}, []
    simulated = _flag(terms, "simulated")
    for name in _COLUMNS:
        stem = Path(VENUE_FILES[name]).stem
        found = _find(path, stem)
        if found is None:
            if name in _NEEDED:
                raise SourceError(f"there is no {stem}.csv or {stem}.parquet in {path}; a venue needs it.")
            continue
        tables[name] = freeze(_read_table(found, name))
        series.append(_origin(found, name, simulated=simulated))
    for pair in _TOGETHER:
        held = [name for name in pair if name in tables]
        if len(held) == 1:
            raise DataError(f"tables in {path}", f"must have {' and '.join(pair)} together", held[0], "add the other")
    accounts = tables["accounts"]
    if "maintenance_rate" not in accounts.columns:
        if "maintenance_rate" not in terms:
            rule = "must have a column maintenance_rate, or a rate in the terms"
            raise DataError("accounts", rule, "neither", f"write maintenance_rate = 0.005 into {_TERMS_FILE}")
        tables["accounts"] = freeze(accounts.assign(maintenance_rate=_number(terms, "maintenance_rate")))
    return VenueTables(
        tables=MappingProxyType(tables),
        asset=str(terms["asset"]),
        price=check_positive(_number(terms, "price"), argument=f"price in {_TERMS_FILE}", unit="USD per coin"),
        fund=_number(terms, "fund"),
        half_life=_number(terms, "half_life") if "half_life" in terms else None,
        permanent_share=_number(terms, "permanent_share") if "permanent_share" in terms else 0.0,
        fixed=_names(terms, "fixed", default=DOLLARS),
        as_of=_instant(terms, "as_of"),
        provenance=Provenance(tuple(series)),
    )


def venue_files(folder: Path) -> list[Path]:
    """Return the files of a venue's folder that `read_venue` reads; none where there is no folder."""
    found = [_find(folder, Path(VENUE_FILES[name]).stem) for name in _COLUMNS]
    terms = folder / _TERMS_FILE
    return [path for path in (terms if terms.is_file() else None, *found) if path is not None]


def _of_simulated(venue: SimulatedVenue) -> VenueTables:
    return VenueTables(
        tables=MappingProxyType({name: table for name, table in venue.tables().items() if name in _COLUMNS}),
        asset=venue.asset,
        price=venue.price,
        fund=venue.fund,
        half_life=venue.truth.half_life,
        permanent_share=venue.truth.permanent_share,
        fixed=tuple(venue.terms["fixed"]),
        as_of=venue.as_of,
        provenance=venue.provenance,
    )


def _read_terms(path: Path) -> dict[str, Any]:
    try:
        terms = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        words = f"write one with {', '.join(_TERMS)} and optionally {', '.join(_OPTIONAL_TERMS)}"
        raise SourceError(f"there are no terms of the venue, {path}; {words}.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourceError(f"the terms of the venue, {path}, cannot be read: {error}.") from error
    known = {*_TERMS, *_OPTIONAL_TERMS, *_TRUTH}
    missing, unknown = [k for k in _TERMS if k not in terms], sorted(set(terms) - known)
    if missing or unknown:
        got = f"no {', '.join(missing)}" if missing else f"also {', '.join(unknown)}"
        rule = f"must hold {', '.join(_TERMS)} and optionally {', '.join(_OPTIONAL_TERMS)}"
        raise DataError(path.name, rule, got, "rename or drop keys")
    return terms


def _number(terms: Mapping[str, Any], key: str) -> float:
    value = terms[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= float(value) < float("inf"):
        raise DataError(f"{key} in {_TERMS_FILE}", "must be a number of at least 0", repr(value), "correct it")
    return float(value)


def _flag(terms: Mapping[str, Any], key: str) -> bool:
    value = terms.get(key, False)
    if not isinstance(value, bool):
        raise DataError(f"{key} in {_TERMS_FILE}", "must be true or false", repr(value), "write it without quotes")
    return value


def _names(terms: Mapping[str, Any], key: str, *, default: tuple[str, ...]) -> tuple[str, ...]:
    value = terms.get(key, list(default))
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise DataError(f"{key} in {_TERMS_FILE}", "must be a list of names", repr(value), 'write ["USD", "USDC"]')
    return tuple(value)


def _instant(terms: Mapping[str, Any], key: str) -> pd.Timestamp | None:
    if key not in terms:
        return None
    try:
        return parse_instant(str(terms[key]))
    except VolkitError as error:
        got, remedy = repr(terms[key]), "write 2024-12-31T00:00:00Z"
        raise DataError(f"{key} in {_TERMS_FILE}", "must be an instant in UTC", got, remedy) from error


def _find(folder: Path, stem: str) -> Path | None:
    return next((folder / f"{stem}{end}" for end in (".parquet", ".csv") if (folder / f"{stem}{end}").is_file()), None)


def _read_table(path: Path, name: str) -> pd.DataFrame:
    try:
        table = read_parquet_table(path) if path.suffix == ".parquet" else pd.read_csv(open_text(path))
        if path.suffix != ".parquet":
            refuse_surplus(table, path)
    except SourceError:
        raise
    except Exception as error:  # parsers raise a dozen unrelated types for a damaged file
        raise SourceError(f"{path} cannot be read: {type(error).__name__}: {error}.") from error
    missing = [c for c in _COLUMNS[name] if c not in table.columns]
    if missing or not len(table):
        got = f"no {', '.join(missing)}" if missing else "no rows"
        raise DataError(path.name, f"must have rows, and the columns {', '.join(_COLUMNS[name])}", got, "correct it")
    return _checked(table, path.name, name)


def _checked(table: pd.DataFrame, file: str, name: str) -> pd.DataFrame:
    """Return the table with names as text and all other needed columns as numbers; rows that have neither are named."""
    made = table.copy()
    for column in (*_COLUMNS[name], "maintenance_rate"):
        if column not in table.columns:
            continue
        if column in _WORDS:
            text = table[column].astype("str").str.strip()
            _refuse(table[column].isna() | (text == ""), table[column], file, "must be named on every row")
            made[column] = text
        else:
            _refuse(~np.isfinite(floats_or_nan(table[column])), table[column], file, "must be a finite number")
            # Whole numbers stay whole.
            made[column] = pd.to_numeric(table[column])
    if name == "books":
        _refuse(~made["side"].isin(_BOOK_SIDES), table["side"], file, "must be bid or ask")
    return made


def _refuse(bad: pd.Series, column: pd.Series, file: str, rule: str) -> None:
    rows = np.flatnonzero(bad.to_numpy())
    if len(rows):
        told = ", ".join(f"row {row + 1}: {column.iloc[row]!r}" for row in rows[:_SHOWN])
        more = f" and {len(rows) - _SHOWN} more rows" if len(rows) > _SHOWN else ""
        raise DataError(f"{column.name} in {file}", rule, told + more, "correct it; rows count from 1 below the header")


def _origin(path: Path, name: str, *, simulated: bool) -> SeriesProvenance:
    return SeriesProvenance(
        name=f"venue {name}",
        source=f"file {path.name}",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        unit="coins and USD",
        close_rule="one instant",
        simulated=simulated,
        licence="the user's own",
    )
