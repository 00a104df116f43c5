"""The stage that puts a venue under stress: its market, its fund, its balance and its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.contagion.fracture import Policy
from volkit.margin import CalibratedParameters
from volkit.results import Provenance
from volkit.sources import PriceSource
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.spec import StudySpec
from volkit.study.stress.balance import BalanceParts, stress_balance
from volkit.study.stress.cascade import CascadeParts, stress_market, venue_policies
from volkit.study.stress.fund import FundParts, stress_fund
from volkit.study.stress.market import VenueMarket, build_market, draw_paths
from volkit.study.stress.network import NetworkParts, stress_network
from volkit.study.venue_files import VenueTables, open_venue

__all__ = ["StressParts", "stress_study", "stress_venue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StressParts:
    """A venue under stress.

    Attributes
    ----------
    section : StressSection
        Settings.
    tables : VenueTables
        As read.
    market : VenueMarket
        Accounts and market made of them.
    cascade : CascadeParts
        Shocks and what they set off.
    fund : FundParts or None
        On simulated price paths; None without prices of the asset.
    balance : BalanceParts
        Solvency and lending.
    network : NetworkParts or None
        None without a table of exposures.
    """

    section: StressSection
    tables: VenueTables
    market: VenueMarket
    cascade: CascadeParts
    fund: FundParts | None
    balance: BalanceParts
    network: NetworkParts | None

    @property
    def provenance(self) -> Provenance:
        """Of the venue's tables and of the prices behind the paths."""
        series = {one.sha256: one for one in self.tables.provenance.series}
        if self.fund is not None:
            series |= {one.sha256: one for one in self.fund.paths.provenance.series}
        return Provenance(tuple(series.values()))

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Instant (UTC) that the tables show."""
        return self.tables.as_of


def stress_venue(
    tables: VenueTables,
    section: StressSection,
    *,
    source: PriceSource | None,
    rng: np.random.Generator,
    policies: Mapping[str, Policy],
    notes: Notes,
) -> StressParts:
    """Return a venue under stress.

    Parameters
    ----------
    tables : VenueTables
        From `open_venue`.
    section : StressSection
        Settings.
    source : PriceSource or None
        Of the asset's bars at the section's interval; without one there are no paths.
    rng : Generator
        Of the paths.
    policies : mapping of str to Policy
        Margin policies of one's own to compare beside the section's tier tables.
    notes : Notes
        Takes what is left out.

    Returns
    -------
    StressParts
        Falls as decimals, amounts in USD.
    """
    drawn = None
    if source is not None:
        asset, interval = tables.asset, section.interval
        drawn = notes.attempt(
            "stress",
            f"price paths of {asset}",
            lambda: draw_paths(source.load_bars(asset, interval=interval), section, rng=rng),
        )
    volatility = None if drawn is None else drawn[1]
    market = build_market(tables, section, volatility=volatility, notes=notes)
    cascade = stress_market(market, section, {**policies, **venue_policies(section, tables.asset, notes)}, notes)
    _note_unseen(market, cascade, notes)
    return StressParts(
        section=section,
        tables=tables,
        market=market,
        cascade=cascade,
        fund=None if drawn is None else stress_fund(market, drawn[0], section, notes),
        balance=stress_balance(tables, section, notes),
        network=stress_network(tables, notes),
    )


def _note_unseen(market: VenueMarket, cascade: CascadeParts, notes: Notes) -> None:
    book, totals = market.depth.book, cascade.run.totals
    if totals["low_price"] < book.bids["price"].iloc[-1] or totals["high_price"] > book.asks["price"].iloc[-1]:
        words = "beyond them as many orders a unit of price are assumed as were seen on average"
        notes.add("stress", f"the shown move goes beyond the orders that were seen, {market.reach_words}; {words}")
    q, price = market.accounts.quantity, market.venue.price
    broke = (np.sign(q) * (market.accounts.bankruptcy_price - price) > 0.0).sum()
    if broke:
        notes.add("stress", f"{int(broke)} accounts are under water at the venue's price before any move")


def stress_study(
    source: PriceSource, spec: StudySpec, parameters: Mapping[str, CalibratedParameters], notes: Notes
) -> StressParts | None:
    """Return the study's venue under stress, or None where it has none.

    The rates that the study recommends for the venue's asset are one of the policies compared.
    """
    if spec.stress is None:
        return None
    tables = open_venue(spec.stress.venue)
    policies: dict[str, Policy] = {}
    if tables.asset in parameters:
        policies["rates of this study"] = parameters[tables.asset]
    else:
        notes.add("stress", f"the study sets no margins for {tables.asset}: its rates are not compared in the cascade")
    return stress_venue(
        tables,
        spec.stress,
        source=source,
        rng=spec.generator("stress", tables.asset),
        policies=policies,
        notes=notes,
    )
