"""Where liquidations wait: coins by price of liquidation and by size of the account."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_positive
from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.contagion.cascade.run import usd_words
from volkit.errors import ArgumentError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["LiquidationHeatMap", "liquidation_heat_map"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiquidationHeatMap(ResultDisplay):
    """Notional to liquidate by price and size.

    Attributes
    ----------
    frame : DataFrame, shape (n_cells, 6)
        side, price_low, price_high (USD), size_low, size_high (notional of the account at the reference price, USD),
        notional (USD at the reference price, of the accounts whose liquidation price lies in the cell) and accounts.
    price : float
        Reference, USD per coin.
    outside : float
        Notional whose liquidation price lies beyond the map, or nowhere, USD.
    as_of : Timestamp or None
        Of the accounts.
    provenance : Provenance
        Of the accounts.
    """

    frame: pd.DataFrame
    price: float
    outside: float
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Where most notional waits on either side, in one line."""
        words = []
        for side, group in self.frame.groupby("side", sort=False):
            by_price = group.groupby(["price_low", "price_high"])["notional"].sum()
            if by_price.max() > 0.0:
                low, high = by_price.idxmax()
                words.append(f"{side}s most between {low:,.6g} and {high:,.6g} USD ({usd_words(by_price.max())})")
        return "; ".join(words) or "nothing to liquidate within the map"

    def summary(self) -> pd.DataFrame:
        """Return notional (USD) by side and price, sizes added up, with the running sum away from the reference."""
        table = self.frame.groupby(["side", "price_low", "price_high"], sort=False)["notional"].sum().reset_index()
        distance = (0.5 * (table["price_low"] + table["price_high"]) - self.price).abs()
        table = table.assign(distance=distance).sort_values(["side", "distance"], ignore_index=True)
        table["running notional (USD)"] = table.groupby("side")["notional"].cumsum()
        return table.drop(columns="distance").rename(columns={"notional": "notional (USD)"})

    def to_frame(self) -> pd.DataFrame:
        """Return one row a cell."""
        return self.frame


def liquidation_heat_map(
    accounts: LeveragedAccounts, *, price: float, reach: float = 0.4, n_prices: int = 40, n_sizes: int = 12
) -> LiquidationHeatMap:
    """Return the notional that waits to be liquidated by price and by size of the account.

    Parameters
    ----------
    accounts : LeveragedAccounts
        Of one perpetual.
    price : float
        Reference, USD per coin.
    reach : float
        Distance of the outermost price from the reference, decimal below 1; cells are as wide everywhere.
    n_prices, n_sizes : int
        Cells from the lowest to the highest price, and from the smallest to the largest account (log steps).

    Returns
    -------
    LiquidationHeatMap
        All cells, empty ones too.

    Raises
    ------
    ArgumentError
        For a price that is not positive, a reach outside 0 to 1, or too few cells.

    Examples
    --------
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=[1e3, 1e5], leverage=[5, 20], side="long",
    ...                                        maintenance_rate=0.005)
    >>> liquidation_heat_map(book, price=100.0, n_prices=8)
    <LiquidationHeatMap: longs most between 90 and 100 USD (100,000 USD)>
    """
    P = check_positive(price, argument="price", unit="USD per coin")
    if not 0.0 < reach < 1.0:
        raise ArgumentError("reach", "must be a fraction above 0 and below 1", f"{reach!r}", "pass reach=0.4")
    check_count(n_prices, argument="n_prices", minimum=2, unit="cells")
    check_count(n_sizes, argument="n_sizes", unit="cells")
    prices = P * np.linspace(1.0 - reach, 1.0 + reach, n_prices + 1)
    notional, level = np.abs(accounts.quantity) * P, accounts.liquidation_price
    # The largest account belongs to the last cell.
    sizes = np.geomspace(notional.min(), notional.max() * (1.0 + 1e-9), n_sizes + 1)
    parts, inside = [], 0.0
    for side, sign in (("long", 1.0), ("short", -1.0)):
        chosen = accounts.quantity * sign > 0.0
        where = (level[chosen], notional[chosen])
        bins = [prices, sizes]
        weight = np.histogram2d(*where, bins=bins, weights=notional[chosen])[0]
        count = np.histogram2d(*where, bins=bins)[0]
        inside += float(weight.sum())
        low, small = np.meshgrid(prices[:-1], sizes[:-1], indexing="ij")
        high, large = np.meshgrid(prices[1:], sizes[1:], indexing="ij")
        cells = {"price_low": low, "price_high": high, "size_low": small, "size_high": large, "notional": weight}
        part = pd.DataFrame({name: values.ravel() for name, values in cells.items()})
        part.insert(0, "side", side)
        parts.append(part.assign(accounts=count.ravel().astype(np.int64)))
    return LiquidationHeatMap(
        frame=freeze(pd.concat(parts, ignore_index=True)),
        price=P,
        outside=float(notional.sum()) - inside,
        as_of=accounts.as_of,
        provenance=accounts.provenance,
    )
