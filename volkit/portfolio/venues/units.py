"""Risk units of an account: its positions on each underlying as arrays, from a position book and a market."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.instruments import ContractTerms, MarketState, PositionBook, book_units, contract_terms
from volkit.portfolio.venues.unit import FutureLegs, OptionLegs, RiskUnit

__all__ = ["HeldUnit", "held_units"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldUnit:
    """A risk unit with its account and the names of its contracts by kind.

    Attributes
    ----------
    account : str
    unit : RiskUnit
    names : mapping of str to tuple of str
        Contracts by kind: perpetual, future, option.
    """

    account: str
    unit: RiskUnit
    names: Mapping[str, tuple[str, ...]]


def held_units(book: PositionBook, market: MarketState) -> tuple[HeldUnit, ...]:
    """Return the risk units of a book, one an account and underlying.

    Parameters
    ----------
    book : PositionBook
        Quantities in units of the underlying.
    market : MarketState
        With a spot of every underlying, a forward of every expiry and a volatility of every option.

    Returns
    -------
    tuple of HeldUnit
        By account, then underlying. Inverse contracts count what they weigh in units today; what inverse futures have
        earned is a holding of coins.

    Raises
    ------
    DataError
        For a position that cannot be priced.
    """
    units = book_units(book, market)
    units = units[units["units"] != 0.0]
    contracts = list(book.instruments.values())
    terms = contract_terms(contracts, market)
    position = pd.Index(terms.names).get_indexer(units["instrument"])
    coin = (
        np.where(position >= 0, terms.underlyings[position], units["instrument"]) if len(terms) else units["instrument"]
    )
    table = units.assign(position=position, underlying=coin)
    return tuple(
        _held(str(account), str(underlying), rows, terms, market)
        for (account, underlying), rows in table.groupby(["account", "underlying"], sort=True)
    )


def _held(account: str, underlying: str, rows: pd.DataFrame, terms: ContractTerms, market: MarketState) -> HeldUnit:
    contracts = rows[rows["position"] >= 0]
    at, quantity = contracts["position"].to_numpy(), contracts["units"].to_numpy(dtype=float)
    names = contracts["instrument"].to_numpy()
    option = terms.is_option[at]
    perpetual = ~option & np.array([str(n).endswith("-PERPETUAL") for n in names], dtype=bool)
    future = ~option & ~perpetual
    o, f = at[option], at[future]
    size = float(quantity[perpetual].sum())
    return HeldUnit(
        account=account,
        unit=RiskUnit(
            underlying=underlying,
            spot=market.spot_of(underlying),
            perpetual=size,
            perpetual_price=_perpetual_price(terms.forward[at[perpetual]], quantity[perpetual]),
            options=OptionLegs(
                quantity=quantity[option],
                strike=terms.strike[o],
                forward=terms.forward[o],
                time=terms.time[o],
                volatility=terms.volatility[o],
                is_call=terms.is_call[o],
            ),
            futures=FutureLegs(quantity=quantity[future], price=terms.forward[f], time=terms.time[f]),
            coins=float(rows.loc[rows["position"] < 0, "units"].sum()),
        ),
        names={
            "perpetual": tuple(map(str, names[perpetual])),
            "future": tuple(map(str, names[future])),
            "option": tuple(map(str, names[option])),
        },
    )


def _perpetual_price(price: np.ndarray, quantity: np.ndarray) -> float:
    """Return the price of a coin's perpetuals, weighed by size where a linear and an inverse one are held."""
    weights = np.abs(quantity)
    return float(np.average(price, weights=weights)) if weights.sum() > 0.0 else 0.0
