"""The tables of a simulated venue in one frozen object, with their truth and provenance."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, SeriesProvenance, freeze
from volkit.sources.exchange.book import OrderBook, make_order_book
from volkit.sources.venue_accounts import leverage_range
from volkit.sources.venue_network import clear_exactly
from volkit.sources.venue_sheets import HEALTH_RANGE
from volkit.sources.venue_truth import Direction, SideTruth, VenueTruth

__all__ = ["VENUE_FILES", "VENUE_GENERATOR_VERSION", "SimulatedVenue", "put_together"]

# Raised whenever the same seed gives other numbers; then data/demo/stress must be rebuilt.
VENUE_GENERATOR_VERSION = 1
# Table: file. Accounts are many and go to Parquet, the others are read by people too.
VENUE_FILES: Mapping[str, str] = {
    "accounts": "accounts.parquet",
    "books": "order_books.csv",
    "recovery": "depth_recovery.csv",
    "balance_sheet": "balance_sheet.csv",
    "lending_positions": "lending_positions.csv",
    "lending_terms": "lending_terms.csv",
    "protocol_holdings": "protocol_holdings.csv",
    "protocol_debts": "protocol_debts.csv",
    "exposures": "exposures.csv",
    "external": "external.csv",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SimulatedVenue(ResultDisplay):
    """Tables of a simulated venue, and their truth.

    Attributes
    ----------
    accounts : DataFrame, shape (n_accounts, 6)
        account, quantity (coins, short below 0), entry_price (USD), collateral (USD), leverage (notional over equity
        at the reference price) and maintenance_rate, of one linear perpetual.
    books : DataFrame
        Levels of the order books: venue, side (bid, ask), price (USD), amount (coins).
    recovery : DataFrame
        sweep, minute and depth (coins within 1 %) after large orders had swept the book.
    balance_sheet : DataFrame
        entity, side (asset, liability), asset, quantity, price (USD), own_token, liquid.
    lending_positions : DataFrame
        account, collateral_asset, collateral_quantity, debt_asset, debt_quantity; an account may have several rows.
    lending_terms : DataFrame
        asset, price (USD), liquidation_threshold, liquidation_bonus, oracle.
    protocol_holdings, protocol_debts : DataFrame
        protocol, asset, quantity; and protocol, debt (USD).
    exposures, external : DataFrame
        debtor, creditor, amount (USD); and node, assets, liabilities (USD) outside the network.
    terms : Mapping
        What ``fund.toml`` holds: simulated, as_of, asset, price, open_interest, fund, maintenance_rate, the range of
        leverages, impact (log move per coin), half_life (minutes), permanent_share, fixed (assets that keep
        their price) and seed.
    truth : VenueTruth
        What the tables were made from.
    as_of : Timestamp
        Instant that the tables pretend to show, UTC.
    provenance : Provenance
        One entry a table; all simulated.
    """

    accounts: pd.DataFrame
    books: pd.DataFrame
    recovery: pd.DataFrame
    balance_sheet: pd.DataFrame
    lending_positions: pd.DataFrame
    lending_terms: pd.DataFrame
    protocol_holdings: pd.DataFrame
    protocol_debts: pd.DataFrame
    exposures: pd.DataFrame
    external: pd.DataFrame
    terms: Mapping[str, Any]
    truth: VenueTruth
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def asset(self) -> str:
        """Coin of the perpetual."""
        return str(self.terms["asset"])

    @property
    def price(self) -> float:
        """Reference price, USD per coin."""
        return float(self.terms["price"])

    @property
    def open_interest(self) -> float:
        """Coins of each side."""
        return float(self.terms["open_interest"])

    @property
    def fund(self) -> float:
        """Insurance fund, USD."""
        return float(self.terms["fund"])

    @property
    def maintenance_rate(self) -> float:
        """Maintenance margin of every account, a fraction of its notional."""
        return float(self.terms["maintenance_rate"])

    @property
    def seed(self) -> int:
        """Seed of the generator."""
        return int(self.terms["seed"])

    @property
    def headline(self) -> str:
        """Accounts, open interest and fund in one line."""
        interest = self.open_interest * self.price
        return (
            f"{len(self.accounts):,} accounts of {self.asset}, open interest {interest / 1e6:,.0f} million USD, "
            f"fund {percent_to(self.fund / interest, 2)} of it, seed {self.seed}"
        )

    def order_books(self) -> tuple[OrderBook, ...]:
        """Return one order book a venue; merge them with `volkit.sources.exchange.book.merge_order_books`."""
        made = []
        for venue, levels in self.books.groupby("venue", sort=False):
            sides = {side: levels.loc[levels["side"] == side, ["price", "amount"]] for side in ("bid", "ask")}
            bids, asks = (sides[side].to_numpy(dtype=np.float64).tolist() for side in ("bid", "ask"))
            symbol = f"{self.asset}/USD:USD"
            made.append(make_order_book(bids, asks, venue=str(venue), symbol=symbol, quote="USD", as_of=self.as_of))
        return tuple(made)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables by name."""
        return {name: getattr(self, name) for name in VENUE_FILES}

    def summary(self) -> pd.DataFrame:
        """Return `value` (USD unless the label says otherwise), index `of the venue (simulated)`."""
        long = self.accounts["quantity"] > 0.0
        rows: dict[str, float] = {
            "accounts (number)": len(self.accounts),
            "of them long (number)": int(long.sum()),
            "open interest": self.open_interest * self.price,
            "collateral": self.accounts["collateral"].sum(),
            "insurance fund": self.fund,
            "highest leverage (ratio)": self.accounts["leverage"].max(),
            "depth of bids within 1 %": sum(float(b.depth.loc[0.01, "bid_depth"]) for b in self.order_books()),
        }
        return pd.Series(rows, name="value", dtype=float).rename_axis("of the venue (simulated)").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the accounts."""
        return self.accounts


def put_together(tables: Mapping[str, pd.DataFrame], terms: Mapping[str, Any]) -> SimulatedVenue:
    """Return the venue of the tables (`VENUE_FILES` names them) and terms, with what is known of it."""
    frozen = {name: freeze(table) for name, table in tables.items()}
    source = f"simulated: volkit venue generator {VENUE_GENERATOR_VERSION}, seed {terms['seed']}"
    units = {"accounts": "coins and USD", "books": "USD and coins", "recovery": "coins"}
    series = [
        SeriesProvenance(
            name=f"venue {name}",
            source=source,
            sha256=_hash(table),
            unit=units.get(name, "units and USD"),
            close_rule="one instant",
            simulated=True,
            licence="simulated by volkit, no rights of others",
        )
        for name, table in frozen.items()
    ]
    return SimulatedVenue(
        **frozen,
        terms=MappingProxyType(dict(terms)),
        truth=_known(frozen, terms),
        as_of=pd.Timestamp(terms["as_of"]),
        provenance=Provenance(tuple(series)),
    )


def _hash(table: pd.DataFrame) -> str:
    return hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def _known(tables: Mapping[str, pd.DataFrame], terms: Mapping[str, Any]) -> VenueTruth:
    sides: dict[Direction, SideTruth] = {}
    directions: tuple[Direction, Direction] = ("down", "up")
    leverages = (terms["lowest_leverage"], terms["highest_leverage"])
    for direction in directions:
        near, far = leverage_range(direction, leverages, terms["maintenance_rate"])
        sides[direction] = SideTruth(
            direction=direction,
            price=terms["price"],
            density=terms["open_interest"] / (far - near),
            nearest=near,
            farthest=far,
            impact=terms["impact"],
            maintenance_rate=terms["maintenance_rate"],
        )
    sheet = tables["balance_sheet"]
    venue = sheet[sheet["entity"] == "venue"]
    value = venue["quantity"] * venue["price"]
    assets = float(value[venue["side"] == "asset"].sum())
    owed = float(value[venue["side"] == "liability"].sum())
    own = float(value[venue["own_token"] & (venue["side"] == "asset")].sum())
    return VenueTruth(
        long=sides["down"],
        short=sides["up"],
        impact=terms["impact"],
        half_life=terms["half_life"],
        permanent_share=terms["permanent_share"],
        fund=terms["fund"],
        own_token_share=own / assets,
        solvency_ratio=assets / owed,
        solvency_ratio_without_token=(assets - own) / owed,
        health_range=HEALTH_RANGE,
        clearing=_cleared(tables["exposures"], tables["external"]),
    )


def _cleared(exposures: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    payments = clear_exactly(exposures, external)
    inside = exposures.groupby("debtor")["amount"].sum().reindex(external["node"], fill_value=0).to_numpy()
    due = inside + external["liabilities"].to_numpy()
    frame = pd.DataFrame(
        {
            "obligation": due.astype(np.float64),
            "payment": [float(p) for p in payments],
            "payment_exact": [str(p) for p in payments],
            "defaults": [p < int(d) for p, d in zip(payments, due, strict=True)],
        },
        index=pd.Index(external["node"], name="node"),
    )
    return freeze(frame)
