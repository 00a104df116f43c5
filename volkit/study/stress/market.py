"""How a study's venue trades: its accounts, the market that takes their orders, and price paths to come."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.contagion.cascade import LeveragedAccounts, Venue
from volkit.impact.depth import MarketDepth, market_depth
from volkit.prices import align
from volkit.returns import complete_rows, mask_not_positive, simple_returns
from volkit.scenarios.paths import ConditionalVolatility, PathSet, simulate_path_set
from volkit.sources import Bars
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.venue_files import VenueTables
from volkit.study.words import percent
from volkit.volatility import Garch

__all__ = ["VenueMarket", "build_market", "draw_paths"]

_MINUTE = pd.Timedelta("1min")
_STEPS = {"1d": pd.Timedelta("1D"), "1h": pd.Timedelta("1h")}


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueMarket:
    """Accounts and market of a venue.

    Attributes
    ----------
    accounts : LeveragedAccounts
        In one linear perpetual.
    depth : MarketDepth
        All order books merged.
    venue : Venue
        Rules, fund and the impact of walking the merged book; a step is one of the price paths.
    half_life : Timedelta or None
        In which half of an impact goes; None: it stays.
    """

    accounts: LeveragedAccounts
    depth: MarketDepth
    venue: Venue
    half_life: pd.Timedelta | None

    @property
    def reach_words(self) -> str:
        """How far from the price orders were seen."""
        book, price = self.depth.book, self.venue.price
        low, high = float(book.bids["price"].iloc[-1]), float(book.asks["price"].iloc[-1])
        return f"{percent(1.0 - low / price)} below and {percent(high / price - 1.0)} above the price"


def build_market(tables: VenueTables, section: StressSection, *, volatility: float | None, notes: Notes) -> VenueMarket:
    """Return accounts and market of a venue.

    Parameters
    ----------
    tables : VenueTables
        As read.
    section : StressSection
        Settings.
    volatility : float or None
        Of the log price per step of the paths in calm times, decimal; without one depth does not evaporate.
    notes : Notes
        Takes what had to be assumed.

    Returns
    -------
    VenueMarket
    """
    accounts = LeveragedAccounts.from_frame(
        tables.tables["accounts"], as_of=tables.as_of, provenance=tables.provenance, source="accounts of the venue"
    )
    depth = market_depth(tables.order_books(), reference=tables.price, provenance=tables.provenance)
    half_life = _half_life(tables, section, notes)
    if volatility is None and section.evaporation:
        notes.add("stress", "depth does not evaporate: no volatility of the asset is at hand")
    share = tables.permanent_share if section.permanent_share is None else section.permanent_share
    venue = Venue(
        price=tables.price,
        impact=depth.law(),
        half_life=None if half_life is None else half_life / _STEPS[section.interval],
        permanent_share=share,
        volatility=volatility,
        evaporation=section.evaporation if volatility is not None else 0.0,
        fund=tables.fund,
        skin_in_the_game=section.skin_in_the_game,
        leftover="returned",
    )
    return VenueMarket(accounts=accounts, depth=depth, venue=venue, half_life=half_life)


def draw_paths(bars: Bars, section: StressSection, *, rng: np.random.Generator) -> tuple[PathSet, float]:
    """Return price paths from the last state of the asset's volatility, and the median volatility of a step.

    Parameters
    ----------
    bars : Bars
        Of the asset, at the interval of the section.
    section : StressSection
        Horizon and number of paths.
    rng : Generator
        Of the draws.

    Returns
    -------
    PathSet
        GJR-t with the law's shocks, from the last bar on.
    float
        Median over the sample of the fitted volatility, per step, decimal: that of calm times.
    """
    panel, _ = mask_not_positive(align([bars]))
    returns = complete_rows(simple_returns(panel.close[bars.name]).to_frame(), max_loss=0.10).frame[bars.name]
    fit = Garch(family="gjr", distribution="t").fit(
        returns, periods_per_year=panel.periods_per_year, provenance=panel.provenance
    )
    engine = ConditionalVolatility.of_fits({bars.name: fit})
    paths = simulate_path_set(engine, horizon=section.horizon, n_paths=section.n_paths, rng=rng)
    return paths, float(np.sqrt(fit.variance.median()))


def _half_life(tables: VenueTables, section: StressSection, notes: Notes) -> pd.Timedelta | None:
    if section.half_life is not None:
        return section.half_life * _MINUTE
    if tables.half_life is not None:
        return tables.half_life * _MINUTE
    notes.add("stress", "impact does not decay: neither settings nor the venue's tables tell a half-life")
    return None
