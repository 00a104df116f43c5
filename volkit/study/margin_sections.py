"""The tables of a study file on margins: the policy, and what is worked out beside it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from volkit.margin import CANDIDATES, MarginMethod
from volkit.margin.validate import REGIME_CUTOFFS, REGIME_NAMES
from volkit.study.sections import Confidence, Count, Fraction, ModelName, Section

__all__ = [
    "AssetMargin",
    "BridgeSection",
    "FrontierSection",
    "MarginSection",
    "OverrideEntry",
    "RegimeSection",
    "TierSection",
]

MarginPart = Literal["regimes", "frontier", "procyclicality", "tiers", "replay", "bridge", "live"]


class RegimeSection(Section):
    """Fixed cut-offs of the volatility forecast known before each period."""

    cutoffs: list[Annotated[float, Field(gt=0)]] = Field(
        default=list(REGIME_CUTOFFS), min_length=1, description="volatility per period, decimal, rising"
    )
    names: list[str] = Field(default=list(REGIME_NAMES), description="one more than the cut-offs")


class FrontierSection(Section):
    """Which policies stand beside the chosen one, and what a choice must keep."""

    methods: list[MarginMethod] = Field(
        default=["historical", "weighted_historical", "filtered_historical", "fitted_law"]
    )
    confidences: list[Confidence] = Field(default=[0.98, 0.985, 0.99, 0.995])
    expanding: list[bool] = Field(default=[True, False])
    half_life: Annotated[float, Field(gt=0)] = Field(250.0, description="of weighted_historical, periods")
    max_procyclicality: Annotated[float, Field(gt=1)] | None = Field(None, description="largest peak over trough")
    rise_periods: Count = Field(5, description="periods of the largest rise")


class TierSection(Section):
    """Position sizes of the tiers, and what closing a position out costs."""

    bounds: list[Annotated[float, Field(ge=0)]] = Field(
        default=[0.0, 1e6, 5e6, 2e7, 5e7, 1e8], min_length=2, description="notional, quote currency; 0 first, cap last"
    )
    buffer: Annotated[float, Field(gt=0, lt=1)] = Field(0.02, description="initial less maintenance rate")
    rounding: Annotated[float, Field(gt=0, le=0.1)] = Field(0.0025, description="rates go up to a multiple")
    half_spread: Fraction = Field(0.0005, description="fraction of the price; an assumption")
    impact: Annotated[float, Field(ge=0)] = Field(1.0, description="constant of the square-root law; an assumption")
    volume_days: Count = Field(90, description="periods of the median traded notional")


class BridgeSection(Section):
    """Which macro series make the state that margins are conditioned on."""

    levels: list[str] = Field(default=["VIX"], description="series whose level counts")
    moves: list[str] = Field(default=["DXY", "US10Y"], description="series whose move over five periods counts")


class OverrideEntry(Section):
    """A rate set by hand."""

    asset: str
    parameter: str
    value: Annotated[float, Field(gt=0)]
    who: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    when: Annotated[str, Field(description="an instant with its zone, 2024-01-31T09:00:00Z")]


class AssetMargin(Section):
    """What differs for one asset."""

    lookback: Annotated[int, Field(ge=100)] | None = None
    refit_every: Count | None = None
    floor: Fraction | None = None
    current: dict[str, Annotated[float, Field(gt=0)]] = Field(default={}, description="parameters in force, by name")


class MarginSection(Section):
    """The margin policy, its candidates, and what is in force."""

    assets: list[str] = Field(min_length=1)
    methods: list[MarginMethod] = Field(default=list(CANDIDATES), min_length=1)
    method: MarginMethod | None = Field(None, description="recommended for every asset; chosen by asset otherwise")
    model: ModelName = "GARCH-t"
    measure: Literal["value_at_risk", "expected_shortfall"] = "value_at_risk"
    confidence: Confidence = 0.99
    margin_period_of_risk: Count = Field(1, description="periods")
    lookback: Annotated[int, Field(ge=100)] = Field(365, description="returns behind the first rate")
    expanding: bool = Field(True, description="whether the look-back grows to the whole history")
    refit_every: Count = Field(21, description="periods")
    floor: Fraction = Field(0.0, description="least maintenance margin, fraction of notional")
    buffer: Annotated[float, Field(ge=0.0)] = Field(0.25, description="initial over maintenance margin, less one")
    rounding: Annotated[float, Field(gt=0.0, le=0.1)] = Field(
        0.001, description="recommended rates go up to a multiple"
    )
    validity_days: Count = 30
    parts: list[MarginPart] = Field(default=[], description="what is worked out beside the rates and their tests")
    by_asset: dict[str, AssetMargin] = Field(default={}, description="other values for single assets")
    regimes: RegimeSection = RegimeSection()
    frontier: FrontierSection = FrontierSection()
    tiers: TierSection = TierSection()
    bridge: BridgeSection = BridgeSection()
    overrides: list[OverrideEntry] = Field(default=[], description="rates set by hand, with who and why")

    @model_validator(mode="after")
    def _method_is_a_candidate(self) -> "MarginSection":
        if self.method is not None and self.method not in self.methods:
            raise ValueError(f"method {self.method} must stand in methods")
        if unknown := sorted({o.asset for o in self.overrides} - set(self.assets)):
            raise ValueError(f"overrides name {', '.join(unknown)}, which is not among the assets")
        return self
