"""Values of contracts and books in dollars: what a unit is worth, what was earned, and units at risk by account."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.instruments.contracts import Coin, Future, Instrument, Option, Perpetual
from volkit.instruments.market import MarketState
from volkit.instruments.positions import PositionBook
from volkit.options.black76 import black76_price
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["BookValue", "ContractTerms", "book_units", "book_value", "contract_terms"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ContractTerms:
    """Contracts and their market as arrays, shape (n_contracts,) each.

    Attributes
    ----------
    names, underlyings : ndarray of str
        Contract and coin.
    is_coin, is_option, is_inverse, is_call : ndarray of bool
        Kind; neither coin nor option is a future or perpetual.
    spot, forward : ndarray
        USD; the forward of a perpetual is its mark (spot where none is given), of a coin the spot.
    strike, time, volatility : ndarray
        USD, years of 365 days and decimal per year; 1, 0 and 0 where it does not apply (time also of futures).
    """

    names: np.ndarray
    underlyings: np.ndarray
    is_coin: np.ndarray
    is_option: np.ndarray
    is_inverse: np.ndarray
    is_call: np.ndarray
    spot: np.ndarray
    forward: np.ndarray
    strike: np.ndarray
    time: np.ndarray
    volatility: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    @property
    def values(self) -> np.ndarray:
        """Dollars that one unit is worth by the model; of futures and perpetuals the price, inverse ones alike.

        An inverse option pays coins, and a coin is worth the spot: Black-76 times spot over forward.
        """
        worth = self.forward.copy()
        o = self.is_option
        price = black76_price(self.forward[o], self.strike[o], self.time[o], self.volatility[o], self.is_call[o])
        worth[o] = np.where(self.is_inverse[o], price * self.spot[o] / self.forward[o], price)
        return worth


def contract_terms(instruments: Sequence[Instrument], market: MarketState) -> ContractTerms:
    """Return the contracts' terms with the market's prices beside them.

    Raises
    ------
    DataError
        For a contract without spot, forward or volatility, or one that has expired: names it and the remedy.

    Examples
    --------
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 88_000.0}))
    >>> contract_terms([Perpetual("BTC"), Coin("BTC")], market).values.tolist()
    [88000.0, 88000.0]
    """
    contracts = list(instruments)
    names = [c.name for c in contracts]
    strike = np.array([c.strike if isinstance(c, Option) else 1.0 for c in contracts])
    forward, time, volatility = (np.zeros(len(contracts)) for _ in range(3))
    # Expiries are looked up once each: a book has many options and few of them.
    dated: dict[tuple[str, pd.Timestamp], list[int]] = {}
    for i, contract in enumerate(contracts):
        if isinstance(contract, Option | Future):
            dated.setdefault((contract.underlying, contract.expiry), []).append(i)
        else:
            forward[i] = _undated_price(contract, market)
    is_option = np.array([isinstance(c, Option) for c in contracts], dtype=bool)
    for (coin, expiry), group in dated.items():
        rows = np.array(group)
        time[rows] = market.years_to(expiry, of=names[group[0]])
        forward[rows] = market.forward_of(coin, expiry, of=names[group[0]])
        options = rows[is_option[rows]]
        if len(options):
            volatility[options] = market.volatilities(coin, expiry, strike[options])
        for i in rows[~is_option[rows]]:
            # The venue's mark of a future comes before the forward of its expiry.
            forward[i] = market.marks.get(names[i], forward[i])
    return ContractTerms(
        names=np.array(names, dtype="object"),
        underlyings=np.array([c.underlying for c in contracts], dtype="object"),
        is_coin=np.array([isinstance(c, Coin) for c in contracts], dtype=bool),
        is_option=is_option,
        is_inverse=np.array([getattr(c, "settlement", "linear") == "inverse" for c in contracts], dtype=bool),
        is_call=np.array([isinstance(c, Option) and c.is_call for c in contracts], dtype=bool),
        spot=_spots(contracts, market),
        forward=forward,
        strike=strike,
        time=time,
        volatility=volatility,
    )


def _spots(contracts: Sequence[Instrument], market: MarketState) -> np.ndarray:
    spot = {coin: market.spot_of(coin) for coin in dict.fromkeys(c.underlying for c in contracts)}
    return np.array([spot[c.underlying] for c in contracts])


def _undated_price(contract: Instrument, market: MarketState) -> float:
    spot = market.spot_of(contract.underlying)
    return float(market.marks.get(contract.name, spot)) if isinstance(contract, Perpetual) else spot


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class BookValue(ResultDisplay):
    """What a book is worth.

    Attributes
    ----------
    positions : DataFrame, shape (n_positions, 7)
        account, instrument, quantity, entry_price, price (as the venue quotes it), value (USD: of options what they
        are worth, of futures and perpetuals the result since entry, 0 where no entry is told), profit (USD since
        entry, NaN where no entry is told).
    accounts : DataFrame, shape (n_accounts, 5)
        USD: cash, collateral, futures, options, and their sum equity.
    as_of : Timestamp
        Of the market, UTC.
    provenance : Provenance
        Series behind the numbers, as the market knows them.
    """

    positions: pd.DataFrame
    accounts: pd.DataFrame
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Equity, accounts and time in one line."""
        n = len(self.accounts)
        without = int(self.positions["profit"].isna().sum())
        told = f", {without} positions without entry price" if without else ""
        return (
            f"equity {self.accounts['equity'].sum():,.0f} USD in {n} account{'s' * (n != 1)}{told}, "
            f"{self.as_of:%Y-%m-%d %H:%M} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return USD by account."""
        return self.accounts.rename(columns=lambda name: f"{name} (USD)")

    def to_frame(self) -> pd.DataFrame:
        """Return the positions with their values."""
        return self.positions


def book_value(book: PositionBook, market: MarketState) -> BookValue:
    """Return what a book is worth and what its positions earned, in dollars.

    Parameters
    ----------
    book : PositionBook
        Quantities in units of the underlying.
    market : MarketState
        Marks come before model values.

    Returns
    -------
    BookValue

    Raises
    ------
    DataError
        For a position that cannot be priced.

    Notes
    -----
    With quantity q, entry E and price P: linear q (P - E). Inverse future: q E (1/E - 1/P) coins, which at the spot S
    are dollars; q is the face in dollars over E. Inverse option: q (P - E) coins with P and E in coins.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC-PERPETUAL"], "quantity": [2.0],
    ...                       "entry_price": [80_000.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 88_000.0}))
    >>> book_value(PositionBook.from_frame(frame), market)
    <BookValue: equity 16,000 USD in 1 account, 2026-01-01 00:00 UTC>
    """
    rows = book.positions
    terms = contract_terms(list(book.instruments.values()), market)
    at = pd.Index(terms.names).get_indexer(rows["instrument"])
    spot, inverse, option = terms.spot[at], terms.is_inverse[at], terms.is_option[at]
    marks = market.marks.reindex(rows["instrument"]).to_numpy(dtype=np.float64)
    model = terms.values[at] / np.where(inverse & option, spot, 1.0)
    price = np.where(np.isfinite(marks), marks, model)
    q, entry = rows["quantity"].to_numpy(), rows["entry_price"].to_numpy()
    coin = np.where(inverse, spot, 1.0)
    profit = np.where(inverse & ~option, q * (1.0 - entry / price) * coin, q * (price - entry) * coin)
    value = np.where(option, q * price * coin, np.where(np.isnan(profit), 0.0, profit))
    table = rows.assign(price=price, value=value, profit=profit)
    return BookValue(
        positions=freeze(table),
        accounts=_by_account(book, market, table, option),
        as_of=market.as_of,
        provenance=market.provenance,
    )


def _by_account(book: PositionBook, market: MarketState, table: pd.DataFrame, option: np.ndarray) -> pd.DataFrame:
    coins = book.collateral.assign(
        value=[q * market.spot_of(c) for c, q in zip(book.collateral["coin"], book.collateral["quantity"], strict=True)]
    )
    parts = {
        "cash": book.cash,
        "collateral": coins.groupby("account")["value"].sum(),
        "futures": table[~option].groupby("account")["value"].sum(),
        "options": table[option].groupby("account")["value"].sum(),
    }
    accounts = pd.DataFrame({name: part.reindex(book.accounts, fill_value=0.0) for name, part in parts.items()})
    return freeze(accounts.astype(np.float64).assign(equity=accounts.sum(axis=1)))


def book_units(book: PositionBook, market: MarketState) -> pd.DataFrame:
    """Return the units at risk by account and contract, coins included.

    Parameters
    ----------
    book : PositionBook
        With its collateral in coins.
    market : MarketState
        Needed for inverse futures with an entry price: the face in dollars counts at today's price, and what was
        earned since entry is a holding of coins.

    Returns
    -------
    DataFrame
        Columns account, instrument (contract, or the coin), units; one row an account and contract, sorted.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC-PERPETUAL"], "quantity": [2.0],
    ...                       "entry_price": [80_000.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100_000.0}))
    >>> book_units(PositionBook.from_frame(frame), market)["units"].round(9).tolist()
    [0.4, 1.6]
    """
    rows = book.positions
    terms = contract_terms(list(book.instruments.values()), market)
    at = pd.Index(terms.names).get_indexer(rows["instrument"])
    q, entry = rows["quantity"].to_numpy(), rows["entry_price"].to_numpy()
    faced = terms.is_inverse[at] & ~terms.is_option[at] & np.isfinite(entry)
    ratio = np.where(faced, entry / terms.forward[at], 1.0)
    parts = [
        pd.DataFrame({"account": rows["account"], "instrument": rows["instrument"], "units": q * ratio}),
        pd.DataFrame(
            {
                "account": rows["account"][faced],
                "instrument": terms.underlyings[at][faced],
                "units": (q * (1.0 - ratio))[faced],
            }
        ),
        book.collateral.rename(columns={"coin": "instrument", "quantity": "units"}),
    ]
    table = pd.concat(parts).groupby(["account", "instrument"], as_index=False)["units"].sum()
    return table.sort_values(["account", "instrument"], ignore_index=True)
