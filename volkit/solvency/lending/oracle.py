"""Oracle price against redemption value: what a price that is off makes liquidatable, or hides."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.lending.book import LendingBook, require_positive
from volkit.solvency.lending.health import health_distribution
from volkit.solvency.lending.response import lending_response

__all__ = ["OracleGap", "oracle_gap"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OracleGap(ResultDisplay):
    """A lending book at oracle prices and at redemption values.

    Attributes
    ----------
    assets : DataFrame, shape (n_assets, 5)
        Index asset: oracle (name), oracle_price and redemption_value (USD), gap (oracle price over redemption value,
        less one; fraction), collateral (USD at the oracle's price).
    table : DataFrame, shape (2, 4)
        Index "oracle price" and "redemption value": liquidatable_debt, n_liquidatable, bad_debt, underwater, as in
        `LendingResponse` (USD and accounts).
    accounts : DataFrame, shape (n_accounts, 3)
        Index account: health_at_oracle, health_at_redemption, debt (USD at the oracle's price).
    as_of : Timestamp or None
        Of the book (UTC).
    provenance : Provenance
        Of the book.
    """

    assets: pd.DataFrame
    table: pd.DataFrame
    accounts: pd.DataFrame
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def spurious(self) -> pd.DataFrame:
        """Accounts that the oracle's price makes liquidatable and redemption value does not."""
        return self.accounts[(self.accounts["health_at_oracle"] < 1.0) & (self.accounts["health_at_redemption"] >= 1.0)]

    @property
    def hidden(self) -> pd.DataFrame:
        """Accounts that redemption value makes liquidatable and the oracle's price does not."""
        return self.accounts[(self.accounts["health_at_oracle"] >= 1.0) & (self.accounts["health_at_redemption"] < 1.0)]

    @property
    def headline(self) -> str:
        """Largest gap, and what is liquidatable by the oracle only or hidden by it, in one line."""
        asset = self.assets["gap"].abs().idxmax()
        return (
            f"largest gap {percent_to(self.assets.loc[asset, 'gap'], signed=True)} ({asset}); liquidatable by the "
            f"oracle only {self.spurious['debt'].sum():,.0f} USD debt of {len(self.spurious):,} accounts, hidden by it "
            f"{self.hidden['debt'].sum():,.0f} USD of {len(self.hidden):,}"
        )

    def summary(self) -> pd.DataFrame:
        """Return what is liquidatable and bad at either price (USD and accounts)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the accounts as tidy rows."""
        return self.accounts.reset_index()


def oracle_gap(book: LendingBook, redemption_values: Mapping[str, float] | pd.Series) -> OracleGap:
    """Return a lending book at its oracle prices beside the same at redemption values.

    Parameters
    ----------
    book : LendingBook
        Priced as the oracles say.
    redemption_values : mapping or Series
        USD for which an asset can be redeemed, by asset: a staked coin's coins, a dollar token's dollar. Assets that
        are not named are worth what the oracle says.

    Returns
    -------
    OracleGap

    Raises
    ------
    DataError
        For a value that is not above zero, of an asset that the book does not have, and a book without debt.

    Examples
    --------
    >>> positions = pd.DataFrame({"account": ["A", "B"], "collateral_asset": "wETH", "collateral_quantity": 10.0,
    ...     "debt_asset": "USDC", "debt_quantity": [10_000.0, 13_000.0]})
    >>> terms = pd.DataFrame({"asset": ["wETH", "USDC"], "price": [1500.0, 1.0], "liquidation_threshold": [0.8, 0.78],
    ...     "liquidation_bonus": 0.05, "oracle": ["venue price", "usdc-usd"]})
    >>> oracle_gap(LendingBook.from_frames(positions, terms), {"wETH": 2000.0})
    <OracleGap: largest gap −25.0 % (wETH); liquidatable by the oracle only 13,000 USD debt of 1 accounts, hidden by \
it 0 USD of 0>
    """
    given = require_positive(pd.Series(dict(redemption_values), dtype=np.float64), argument="redemption_values")
    unknown = [str(a) for a in given.index if a not in book.assets]
    if unknown or given.empty:
        rule = f"must name assets of the book ({', '.join(book.assets)})"
        raise DataError("redemption_values", rule, ", ".join(unknown) or "none", "correct the names")
    oracle = book.terms["price"]
    worth = given.reindex(book.assets).fillna(oracle)
    redeemed = replace(book, terms=freeze(book.terms.assign(price=worth)))
    here, there = (health_distribution(b).accounts for b in (book, redeemed))
    moves = pd.DataFrame([np.zeros(len(oracle)), (worth / oracle - 1.0).to_numpy()],
                         index=["oracle price", "redemption value"], columns=book.assets)  # fmt: skip
    assets = pd.DataFrame(
        {
            "oracle": book.terms["oracle"],
            "oracle_price": oracle,
            "redemption_value": worth,
            "gap": oracle / worth - 1.0,
            "collateral": book.collateral_values,
        }
    )
    accounts = {
        "health_at_oracle": here["health_factor"],
        "health_at_redemption": there["health_factor"].reindex(here.index),
        "debt": here["debt"],
    }
    return OracleGap(
        assets=freeze(assets),
        table=freeze(lending_response(book, moves).table.drop(columns="debt").rename_axis("valued at")),
        accounts=freeze(pd.DataFrame(accounts)),
        as_of=book.as_of,
        provenance=book.provenance,
    )
