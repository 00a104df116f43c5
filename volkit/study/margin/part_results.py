"""What a study's parts on margin came to, for each asset and for the frontier."""

from dataclasses import dataclass, field

from volkit.impact.cost import ImpactModel
from volkit.margin.bridge import (
    BridgeProof,
    ConditionalTails,
    StressReplay,
)
from volkit.margin.frontier import (
    PolicyChoice,
    PolicyFrontier,
    RiskLevels,
)
from volkit.margin.horizon import HorizonLosses
from volkit.margin.procyclicality import (
    ProcyclicalityTable,
    TreatedSchedule,
)
from volkit.margin.tiers import TierDesign
from volkit.realtime.replay import StaticDynamicComparison
from volkit.validation import CoverageBattery

__all__ = ["AssetMarginParts", "FrontierParts", "MarginParts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetMarginParts:
    """What was worked out for one asset.

    Attributes
    ----------
    treated : dict of str to TreatedSchedule
        By treatment.
    procyclicality : ProcyclicalityTable or None
        Of all treatments beside the untreated rates.
    losses : HorizonLosses or None
        Worst loss inside each margin period of risk, from lows or highs, of the side that needs more.
    impact : ImpactModel or None
        Of closing out.
    tiers : TierDesign or None
        Made of the two.
    replay : StressReplay or None
        Of the recommended policy.
    tails : dict of str to ConditionalTails
        Given the macro state, by method; over the volatility forecast.
    proof : BridgeProof or None
        Whether they beat those without the state.
    live : StaticDynamicComparison or None
        Of a static margin with one that follows the market.
    """

    treated: dict[str, TreatedSchedule] = field(default_factory=dict)
    procyclicality: ProcyclicalityTable | None = None
    losses: HorizonLosses | None = None
    impact: ImpactModel | None = None
    tiers: TierDesign | None = None
    replay: StressReplay | None = None
    tails: dict[str, ConditionalTails] = field(default_factory=dict)
    proof: BridgeProof | None = None
    live: StaticDynamicComparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierParts:
    """Policies of a group of assets on one clock.

    Attributes
    ----------
    frontier : PolicyFrontier
        All policies.
    recommended : str or None
        Name of the policy that the study recommends; None where it does not have one policy for all.
    levels : RiskLevels or None
        Picks at three levels of risk.
    """

    frontier: PolicyFrontier
    recommended: str | None
    levels: RiskLevels | None

    @property
    def choice(self) -> PolicyChoice | None:
        """The cheapest policy that kept the promise on every asset and side."""
        return None if self.levels is None else self.levels.choices["low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginParts:
    """What a study asked for beside rates and their tests (`margin.parts`).

    Attributes
    ----------
    assets : dict of str to AssetMarginParts
        By asset.
    batteries : tuple of CoverageBattery
        One a clock: the recommended schedules by side and regime.
    frontiers : tuple of FrontierParts
        One a clock.
    """

    assets: dict[str, AssetMarginParts]
    batteries: tuple[CoverageBattery, ...] = ()
    frontiers: tuple[FrontierParts, ...] = ()
