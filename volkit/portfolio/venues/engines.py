"""The rule engines by name: which parameters each takes, and the function that computes its margin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from volkit.portfolio.venues.entry import Entry
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.risk_sums import RiskSumParameters, risk_sum_margin
from volkit.portfolio.venues.scan import ScanParameters, SpanStyleParameters, scan_table_margin, span_style_margin
from volkit.portfolio.venues.scenario_account import ScenarioPortfolioParameters
from volkit.portfolio.venues.scenario_unit import scenario_unit_margin
from volkit.portfolio.venues.sizes import (
    ConcentrationParameters,
    OpenInterestParameters,
    SizePremiumParameters,
    SkewScaleParameters,
    SquareRootParameters,
    TierParameters,
    concentration_margin,
    size_margin,
)
from volkit.portfolio.venues.standard import StandardParameters, standard_margin
from volkit.portfolio.venues.unit import RiskUnit, RuleMargin

__all__ = ["ENGINES", "Engine"]


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to compute a margin.

    Attributes
    ----------
    name : str
        As a rule file names it.
    parameters : type of Entry
        What the file must hold.
    margin : callable
        Of a `RiskUnit`, the parameters and the `Feeds`.
    """

    name: str
    parameters: type[Entry]
    margin: Callable[[RiskUnit, Any, Feeds], RuleMargin]


ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine("concentration", ConcentrationParameters, concentration_margin),
        Engine("open-interest", OpenInterestParameters, size_margin),
        Engine("risk-sums", RiskSumParameters, risk_sum_margin),
        Engine("scan", ScanParameters, scan_table_margin),
        Engine("scenario-portfolio", ScenarioPortfolioParameters, scenario_unit_margin),
        Engine("size-premium", SizePremiumParameters, size_margin),
        Engine("skew-scale", SkewScaleParameters, size_margin),
        Engine("span-style", SpanStyleParameters, span_style_margin),
        Engine("square-root", SquareRootParameters, size_margin),
        Engine("standard", StandardParameters, standard_margin),
        Engine("tiers", TierParameters, size_margin),
    )
}
