"""The stage that puts one book under every rule set and under joint scenarios of the study's own returns."""

from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd

from volkit.instruments import Coin, Instrument, MarketState, PositionBook, book_units
from volkit.portfolio.netting import (
    InsolvencyNeutrality,
    MarginModes,
    StressedMargin,
    insolvency_neutrality,
    margin_modes,
    scenario_stressed_margin,
)
from volkit.portfolio.scenarios import (
    PortfolioMargin,
    RiskArray,
    VolatilityResponse,
    grid_of_scenarios,
    risk_array,
    scenario_grid,
    tail_margin,
)
from volkit.portfolio.venues import MarginUnderRules, margin_under_rules, read_valued_book
from volkit.prices import BarSet
from volkit.results import Provenance
from volkit.returns import complete_rows
from volkit.scenarios import historical_scenarios
from volkit.study.notes import Notes
from volkit.study.sections import PortfolioSection
from volkit.study.spec import StudySpec
from volkit.study.stages import own_returns

__all__ = ["BookScenarios", "PortfolioParts", "margin_book"]

# Correlation under stress: underlyings that lose every offset, or move as one.
_STRESSES = {"nothing offsets (0)": 0.0, "moves as one (0.99)": 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookScenarios:
    """The book in joint past returns of its underlyings.

    Attributes
    ----------
    profits : DataFrame, shape (n_positions, n_scenarios)
        USD; index (account, instrument).
    margin : PortfolioMargin
        Expected shortfall, all accounts netted.
    modes : MarginModes
        Isolated, cross (by underlying) and portfolio, by account.
    neutrality : InsolvencyNeutrality
        Share of scenarios with a loss above margin, gross and net.
    stressed : StressedMargin or None
        Under other correlations of the underlyings; None with one underlying.
    """

    profits: pd.DataFrame
    margin: PortfolioMargin
    modes: MarginModes
    neutrality: InsolvencyNeutrality
    stressed: StressedMargin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioParts:
    """One book, valued and margined.

    Attributes
    ----------
    book : PositionBook
        As read.
    market : MarketState
        That values it.
    rules : MarginUnderRules
        Under every rule set asked for.
    array : RiskArray
        On a grid of price and volatility.
    units : Series
        Units at risk by contract, accounts netted.
    scenarios : BookScenarios or None
        None where the study has no returns of an underlying.
    """

    book: PositionBook
    market: MarketState
    rules: MarginUnderRules
    array: RiskArray
    units: pd.Series
    scenarios: BookScenarios | None


def margin_book(bars: BarSet, spec: StudySpec, notes: Notes) -> PortfolioParts | None:
    """Return the book of a study under rules and scenarios, or None where the study has none."""
    section = spec.portfolio
    if section is None:
        return None
    valued = read_valued_book(
        Path(section.positions),
        as_of=pd.Timestamp(section.as_of) if section.as_of else None,
        chains=[Path(chain) for chain in section.chains],
    )
    book, market = valued
    for line in market.filled:
        notes.add("portfolio", line)
    rules = margin_under_rules(book, market, rules=section.rules)
    held = book_units(book, market)
    units = held.groupby("instrument")["units"].sum()
    instruments = [book.instruments.get(name, Coin(name)) for name in units.index]
    moves = np.linspace(-section.price_range, section.price_range, 9)
    grid = scenario_grid(moves.tolist(), [section.volatility_range, 0.0, -section.volatility_range / 2.0])
    return PortfolioParts(
        book=book,
        market=market,
        rules=rules,
        array=risk_array(instruments, market, grid),
        units=units,
        scenarios=notes.attempt(
            "portfolio",
            "scenarios of the book",
            lambda: _scenarios(bars, spec, section, held, instruments, market, notes),
        ),
    )


def _scenarios(
    bars: BarSet,
    spec: StudySpec,
    section: PortfolioSection,
    held: pd.DataFrame,
    instruments: list[Instrument],
    market: MarketState,
    notes: Notes,
) -> BookScenarios | None:
    names = sorted({one.underlying for one in instruments})
    if missing := [name for name in names if name not in bars.bars]:
        notes.add("portfolio", f"no scenarios of the book, for want of the series {', '.join(missing)}")
        return None
    own = {name: own_returns(bars.bars[name], notes, log=False) for name in names}
    returns = complete_rows(pd.DataFrame({n: r for n, (r, _) in own.items()}), max_loss=1.0).frame
    sample = historical_scenarios(
        returns,
        horizon=spec.margin.margin_period_of_risk,
        periods_per_year=next(iter(own.values()))[1].periods_per_year,
        provenance=reduce(Provenance.joined, (panel.provenance for _, panel in own.values())),
    )
    response = VolatilityResponse(fall=section.volatility_fall, rise=section.volatility_rise)
    array = risk_array(instruments, market, grid_of_scenarios(sample, response=response))
    underlying = dict(zip(sorted(held["instrument"].unique()), (one.underlying for one in instruments), strict=True))
    keys = pd.MultiIndex.from_frame(held[["account", "instrument"]])
    unit_profits = array.profits.loc[held["instrument"]].to_numpy()
    profits = pd.DataFrame(held["units"].to_numpy()[:, None] * unit_profits, index=keys, columns=array.profits.columns)
    groups = [underlying[name] for name in held["instrument"]]
    confidence = section.confidence
    return BookScenarios(
        profits=profits,
        margin=tail_margin(
            held.groupby("instrument")["units"].sum(), array, confidence=confidence, method="expected_shortfall"
        ),
        modes=margin_modes(
            profits,
            group=groups,
            account=list(held["account"]),
            confidence=confidence,
            cost_of_capital=section.cost_of_capital,
            as_of=market.as_of,
            provenance=array.provenance,
        ),
        neutrality=insolvency_neutrality(
            profits,
            account=list(held["account"]),
            confidence=confidence,
            as_of=market.as_of,
            provenance=array.provenance,
        ),
        stressed=_stressed(profits, groups, sample.returns, confidence, array) if len(names) > 1 else None,
    )


def _stressed(
    profits: pd.DataFrame, groups: list[str], returns: pd.DataFrame, confidence: float, array: RiskArray
) -> StressedMargin:
    names = list(dict.fromkeys(groups))
    matrices = {
        words: pd.DataFrame(np.where(np.eye(len(names)) == 1.0, 1.0, level), index=names, columns=names)
        for words, level in _STRESSES.items()
    }
    drivers = returns[names].T.set_axis(profits.columns, axis=1)
    return scenario_stressed_margin(
        profits,
        group=groups,
        stressed=matrices,
        drivers=drivers,
        confidence=confidence,
        as_of=array.as_of,
        provenance=array.provenance,
    )
