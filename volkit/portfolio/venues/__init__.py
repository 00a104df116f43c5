"""Venue rules: dated parameter files over a few margin engines, and one portfolio under all of them.

A `PositionBook` and a `MarketState` enter `margin_under_rules`; engines also work on plain arrays of a `RiskUnit`.
Parameters live in ``data/venues``; a number that no source at hand states is listed there as illustrative.
"""

from volkit.portfolio.venues.compare import MarginUnderRules, margin_under_rules
from volkit.portfolio.venues.engines import ENGINES, Engine
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.files import VenueRules, load_venue_rules, venue_rule_names
from volkit.portfolio.venues.positions import POSITION_COLUMNS, ValuedBook, read_valued_book
from volkit.portfolio.venues.printing import margin_lines, margin_record, parse_instant, parse_prices
from volkit.portfolio.venues.risk_sums import RiskAmounts, RiskSumParameters, aggregate_risk_amounts, risk_sum_margin
from volkit.portfolio.venues.scan import (
    ScanParameters,
    ScanRisk,
    SpanStyleParameters,
    scan_risk,
    scan_table_margin,
    span_style_margin,
)
from volkit.portfolio.venues.scenario_account import (
    CollateralHolding,
    ExpiryHolding,
    PerpetualHolding,
    ScenarioAccount,
    ScenarioPortfolioParameters,
    clipped_svi_volatility,
)
from volkit.portfolio.venues.scenario_portfolio import ScenarioPortfolioMargin, scenario_portfolio_margin
from volkit.portfolio.venues.shocks import ScanGrid, Scenario, VolatilityScaling, scenario_profits, shocked_volatility
from volkit.portfolio.venues.sizes import SizePremiumMargin, concentration_margin, size_margin
from volkit.portfolio.venues.standard import (
    ShortOptionRates,
    StandardParameters,
    expiry_margin,
    largest_expiry_loss,
    short_option_margin,
    standard_margin,
)
from volkit.portfolio.venues.unit import FutureLegs, OptionLegs, RiskUnit, RuleMargin
from volkit.portfolio.venues.units import HeldUnit, held_units

__all__ = [
    "ENGINES",
    "POSITION_COLUMNS",
    "CollateralHolding",
    "Engine",
    "ExpiryHolding",
    "Feeds",
    "FutureLegs",
    "HeldUnit",
    "MarginUnderRules",
    "OptionLegs",
    "PerpetualHolding",
    "RiskAmounts",
    "RiskSumParameters",
    "RiskUnit",
    "RuleMargin",
    "ScanGrid",
    "ScanParameters",
    "ScanRisk",
    "Scenario",
    "ScenarioAccount",
    "ScenarioPortfolioMargin",
    "ScenarioPortfolioParameters",
    "ShortOptionRates",
    "SizePremiumMargin",
    "SpanStyleParameters",
    "StandardParameters",
    "ValuedBook",
    "VenueRules",
    "VolatilityScaling",
    "aggregate_risk_amounts",
    "clipped_svi_volatility",
    "concentration_margin",
    "expiry_margin",
    "held_units",
    "largest_expiry_loss",
    "load_venue_rules",
    "margin_lines",
    "margin_record",
    "margin_under_rules",
    "parse_instant",
    "parse_prices",
    "read_valued_book",
    "risk_sum_margin",
    "scan_risk",
    "scan_table_margin",
    "scenario_portfolio_margin",
    "scenario_profits",
    "shocked_volatility",
    "short_option_margin",
    "size_margin",
    "span_style_margin",
    "standard_margin",
    "venue_rule_names",
]
