"""Position files that bring their own market: spot, forwards, volatilities or marks in columns, or from option chains.

A CSV or Parquet file enters; a `PositionBook` and the `MarketState` to value it leave, with what was filled.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from volkit.checks import floats_or_nan
from volkit.conventions import to_utc
from volkit.errors import ArgumentError, DataError, SourceError
from volkit.instruments import Future, Instrument, MarketState, Option, Perpetual, PositionBook, instrument_of
from volkit.options.black76 import implied_volatility
from volkit.options.chain import read_option_chain
from volkit.options.chain.table import read_table
from volkit.sources.exchange import OptionChain
from volkit.sources.exchange.instruments import parse_instrument

__all__ = ["POSITION_COLUMNS", "ValuedBook", "read_valued_book"]

POSITION_COLUMNS = {
    "account": "who holds it; one account by default",
    "instrument": "venue's name: BTC_USDC-PERPETUAL, BTC-26MAR27, BTC-26MAR27-90000-C, BTC/USDT:USDT",
    "quantity": "units of the underlying, negative when sold; dollars for cash, coins for collateral",
    "entry_price": "optional, USD (coins for coin-settled options)",
    "kind": "optional: position (default), cash (instrument USD) or collateral (instrument BTC)",
    "spot": "optional, USD: index price of the underlying",
    "forward": "optional, USD: price of the underlying at the contract's expiry; mark of a perpetual",
    "volatility": "optional, decimal per year, of an option",
    "mark": "optional, USD per unit: price of an option, from which its volatility is implied",
}
_MARKET = ("spot", "forward", "volatility", "mark")
_DEFAULT_ACCOUNT = "main"
# A decimal volatility above this is no market but a percentage.
_PERCENT_FROM = 5.0
# No forward is so many times its spot.
_FURTHEST = 3.0


class ValuedBook(NamedTuple):
    """A book and the market that it is valued in."""

    book: PositionBook
    market: MarketState


def read_valued_book(
    path: str | Path,
    *,
    as_of: pd.Timestamp | None = None,
    spot: Mapping[str, float] | None = None,
    chains: Sequence[str | Path] = (),
) -> ValuedBook:
    """Return the book of a position file and the market of its columns, of option chains, or of both.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet with the columns of `POSITION_COLUMNS`; only instrument and quantity are needed.
    as_of : Timestamp, optional
        Instant (UTC) of the prices; the last quote of the chains by default.
    spot : mapping of str to float, optional
        USD by underlying; goes before the file's column and the chains.
    chains : sequence of path
        Files that `volkit.options.chain.read_option_chain` reads. What they do not tell the columns may.

    Returns
    -------
    ValuedBook
        A forward that nothing tells is the spot, and `market.filled` says so.

    Raises
    ------
    SourceError
        For a file that cannot be read.
    ArgumentError
        When neither `as_of` nor a chain tells the time.
    DataError
        For rows that cannot be used, prices that contradict each other, or an option without volatility and mark;
        names the row and the remedy.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "positions.csv"
    >>> _ = file.write_text("instrument,quantity,spot,forward,volatility\\n"
    ...                     "BTC_USDC-PERPETUAL,1,90000,,\\nBTC-26MAR27-100000-C,-1,,92000,0.5\\n")
    >>> read_valued_book(file, as_of=pd.Timestamp("2026-11-28", tz="UTC")).market
    <MarketState: BTC 90,000 USD, 1 forwards, 1 volatilities, nothing filled, 2026-11-28 00:00 UTC>
    """
    file = Path(path)
    if not file.is_file():
        raise SourceError(f"there is no position file {file}; give the path of a CSV or Parquet file.")
    table = read_table(file, required=("instrument", "quantity"))
    table.index = table.index - 2
    if "account" not in table:
        table["account"] = _DEFAULT_ACCOUNT
    columns = _market_columns(table, file.name)
    own = table.drop(columns=[c for c in _MARKET if c in table])
    held = PositionBook.from_frame(own, source=file.name)
    coins = sorted({c.underlying for c in held.instruments.values()} | set(held.collateral["coin"]))
    found = _chains(coins, chains, as_of)
    now = as_of if as_of is not None else max((c.as_of for c in found), default=None)
    if now is None:
        raise ArgumentError("as_of", "must be told without a chain", "nothing", 'pass pd.Timestamp(..., tz="UTC")')
    now = to_utc(pd.DatetimeIndex([now]))[0]
    book = PositionBook.from_frame(own, as_of=now, source=file.name)
    rows = _contracts(table, columns)
    base = MarketState.from_chains(found, spot=_of(spot, [c.underlying for c in found])) if found else None
    return ValuedBook(book, _market(rows, base, coins=coins, spot=dict(spot or {}), as_of=now, source=file.name))


def _market_columns(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the market columns as numbers, NaN where blank, refused by row."""
    values = pd.DataFrame(np.nan, index=table.index, columns=list(_MARKET))
    for name in _MARKET:
        if name not in table:
            continue
        number = floats_or_nan(table[name])
        _refuse(
            table,
            number.isna() & table[name].notna(),
            name,
            "must be a number",
            source,
            "correct it, or leave it blank",
        )
        _refuse(table, number <= 0.0, name, "must be positive", source, "correct it, or leave it blank")
        values[name] = number
    percent = values["volatility"] > _PERCENT_FROM
    _refuse(table, percent, "volatility", "must be a decimal per year", source, "divide by 100")
    return values


def _refuse(table: pd.DataFrame, bad: pd.Series, name: str, rule: str, source: str, remedy: str) -> None:
    if bad.any():
        first = bad.index[bad.to_numpy(dtype=bool)][0]
        got = f"row {first + 1} ({table['instrument'][first]}): {table[name][first]!r}"
        raise DataError(f"{name} in {source}", rule, got, remedy)


def _chains(coins: Sequence[str], paths: Sequence[str | Path], as_of: pd.Timestamp | None) -> list[OptionChain]:
    """Return the chain of each coin from the first file that has one; a coin without is left to the columns."""
    found: dict[str, OptionChain] = {}
    for path in paths:
        names = read_table(Path(path).expanduser(), required=("instrument_name",))["instrument_name"].dropna().unique()
        held = {contract.underlying for name in names if (contract := parse_instrument(str(name))) is not None}
        if not held & set(coins):
            got, needed = ", ".join(sorted(held)) or "no readable option", ", ".join(coins)
            raise DataError(f"chain {Path(path).name}", f"must quote options on {needed}", got, "leave the file out")
        for coin in coins:
            if coin in held and coin not in found:
                found[coin] = read_option_chain(path, underlying=coin, as_of=as_of)
    return list(found.values())


def _of(spot: Mapping[str, float] | None, coins: Sequence[str]) -> dict[str, float]:
    return {coin: float(price) for coin, price in (spot or {}).items() if coin in coins}


def _contracts(table: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of contracts with their parts beside the market columns, by row number."""
    kind = table["kind"].fillna("position").str.strip() if "kind" in table else pd.Series("position", index=table.index)
    rows = columns[kind.isin(["position", ""])].copy()
    contracts: list[Instrument] = [instrument_of(name) for name in table.loc[rows.index, "instrument"]]
    rows["contract"] = contracts
    rows["underlying"] = [c.underlying for c in contracts]
    rows["expiry"] = [c.expiry if isinstance(c, Future | Option) else pd.NaT for c in contracts]
    return rows


def _market(
    rows: pd.DataFrame,
    base: MarketState | None,
    *,
    coins: Sequence[str],
    spot: Mapping[str, float],
    as_of: pd.Timestamp,
    source: str,
) -> MarketState:
    notes = list(base.filled) if base else []
    spots = {**_spots(rows, source), **(dict(base.spot) if base else {}), **spot}
    is_perpetual = np.array([isinstance(c, Perpetual) for c in rows["contract"]], dtype=bool)
    perpetuals = rows.loc[is_perpetual].dropna(subset="forward")
    marks = pd.Series(
        {c.name: f for c, f in zip(perpetuals["contract"], perpetuals["forward"], strict=True)}, dtype=float
    )
    for coin in coins:
        if coin not in spots:
            remedy = f"add a column spot, or pass --spot {coin}=PRICE (spot={{'{coin}': ...}})"
            raise DataError(f"spot of {coin}", "must be known", "none", remedy)
    forwards = {**_forwards(rows, source), **(dict(base.forwards) if base else {})}
    for coin, expiry in sorted({(r.underlying, r.expiry) for r in rows.dropna(subset="expiry").itertuples()}):
        if (coin, expiry) not in forwards and not any(key[0] == coin for key in forwards):
            forwards[coin, expiry] = spots[coin]
            notes.append(
                f"forward of {coin} {expiry:%Y-%m-%d} taken at the spot, {spots[coin]:,.6g} USD: none is given"
            )
    _check_near_spot(rows, spots, forwards, base, source)
    own = MarketState(as_of=as_of, spot=pd.Series(spots, dtype=float), forwards=_keyed(forwards), marks=marks)
    own = own.fill_forwards(rows["contract"])
    volatility = _volatilities(rows, own, base, notes, source)
    return MarketState(
        as_of=as_of,
        spot=own.spot,
        forwards=own.forwards,
        volatility=volatility,
        marks=marks if base is None else pd.concat([base.marks, marks[~marks.index.isin(base.marks.index)]]),
        filled=(*notes, *own.filled),
        provenance=own.provenance if base is None else base.provenance,
    )


def _check_near_spot(
    rows: pd.DataFrame,
    spots: Mapping[str, float],
    forwards: Mapping[tuple[str, pd.Timestamp], float],
    base: MarketState | None,
    source: str,
) -> None:
    """Refuse prices of one coin that cannot be those of one market: a digit too few, or another unit."""
    known = dict(base.spot) if base is not None else {}
    told = [(f"forward of {coin} in {source}", price, spots[coin]) for (coin, _), price in forwards.items()]
    told += [(f"spot of {coin}", price, known[coin]) for coin, price in spots.items() if coin in known]
    marks = rows.dropna(subset="forward")
    told += [
        (f"forward in row {i + 1} of {source}", price, spots[coin])
        for i, coin, price in zip(marks.index, marks["underlying"], marks["forward"], strict=True)
    ]
    for name, price, spot in told:
        if not 1.0 / _FURTHEST < price / spot < _FURTHEST:
            got, remedy = f"{price:,.6g} beside {spot:,.6g} USD", "give all prices in USD per coin, of one instant"
            raise DataError(name, f"must lie within {_FURTHEST:g} times the spot, either way", got, remedy)


def _spots(rows: pd.DataFrame, source: str) -> dict[str, float]:
    told = rows.dropna(subset="spot")
    return {str(coin): _one(part["spot"], f"spot of {coin} in {source}") for coin, part in told.groupby("underlying")}


def _forwards(rows: pd.DataFrame, source: str) -> dict[tuple[str, pd.Timestamp], float]:
    told, forwards = rows.dropna(subset=["expiry", "forward"]), {}
    for coin, of_coin in told.groupby("underlying"):
        for expiry, part in of_coin.groupby("expiry"):
            name = f"forward of {coin} {pd.Timestamp(str(expiry)):%Y-%m-%d} in {source}"
            forwards[str(coin), part["expiry"].iloc[0]] = _one(part["forward"], name)
    return forwards


def _one(values: pd.Series, name: str) -> float:
    first = values.iloc[0]
    other = values[values != first]
    if len(other):
        got = f"{first:g} in row {values.index[0] + 1}, {other.iloc[0]:g} in row {other.index[0] + 1}"
        raise DataError(name, "must be the same on every row", got, "write one price, or leave the others blank")
    return float(first)


def _keyed(values: Mapping[tuple[str, pd.Timestamp], float]) -> pd.Series:
    index = pd.MultiIndex.from_tuples(list(values), names=["underlying", "expiry"]) if values else None
    if index is None:
        index = pd.MultiIndex.from_arrays([[], []], names=["underlying", "expiry"])
    return pd.Series(list(values.values()), index=index, dtype=float).sort_index()


def _volatilities(
    rows: pd.DataFrame, market: MarketState, base: MarketState | None, notes: list[str], source: str
) -> pd.Series | None:
    known: dict[tuple[str, pd.Timestamp, float], float] = {}
    if base is not None and isinstance(base.volatility, pd.Series):
        known.update({(str(k[0]), k[1], float(k[2])): float(v) for k, v in base.volatility.items()})
    options = rows[[isinstance(c, Option) for c in rows["contract"]]]
    told: dict[tuple[str, pd.Timestamp, float], list[float]] = {}
    for row in options.itertuples():
        key = (row.underlying, row.expiry, row.contract.strike)
        if key in known:
            continue
        told.setdefault(key, []).append(_volatility(row, market, source))
    for key, values in told.items():
        known[key] = float(np.mean(values))
        if max(values) > min(values):
            shown = " and ".join(f"{v:.4g}" for v in values)
            notes.append(f"volatility of {key[0]} {key[1]:%Y-%m-%d} {key[2]:g} is the mean of {shown}")
    if not known:
        return None
    index = pd.MultiIndex.from_tuples(list(known), names=["underlying", "expiry", "strike"])
    return pd.Series(list(known.values()), index=index, dtype=float)


def _volatility(row: object, market: MarketState, source: str) -> float:
    contract: Option = row.contract  # type: ignore[attr-defined]
    number, told, mark = row.Index + 1, float(row.volatility), float(row.mark)  # type: ignore[attr-defined]
    if np.isfinite(told):
        return told
    where = f"volatility of row {number} ({contract.name}) in {source}"
    if not np.isfinite(mark):
        remedy = "fill the column volatility or mark, or pass a chain that quotes it"
        raise DataError(where, "must be known for every option", "neither volatility nor mark", remedy)
    forward = float(market.forwards[contract.underlying, contract.expiry])
    implied = implied_volatility(mark, forward, contract.strike, market.years_to(contract.expiry), contract.is_call)
    value = float(np.ravel(implied.volatility)[0])
    if not value > 0.0:
        got = f"a mark of {mark:g} with a forward of {forward:g}"
        raise DataError(where, "must follow from its mark", got, "correct the mark (USD per unit), or give volatility")
    return value
