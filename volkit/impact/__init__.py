"""Price impact: laws of forced trades, what execution costs, depth, and how fast it comes back.

Names are loaded when first used.
"""

from typing import TYPE_CHECKING

from volkit.lazy import names_on_demand

if TYPE_CHECKING:
    from volkit.impact.cost import (
        ImpactCalibration,
        ImpactModel,
        calibrate_impact,
    )
    from volkit.impact.depth import (
        DEFAULT_CAPS,
        EffectiveDepth,
        MarketDepth,
        coins_at_cost,
        depth_path,
        effective_depth,
        market_depth,
        open_interest_to_depth,
    )
    from volkit.impact.execution import (
        AlmgrenCost,
        ExecutionMarket,
        ExecutionSchedule,
        almgren_cost,
        execution_frontier,
        execution_schedule,
    )
    from volkit.impact.fitted import (
        ImpactFit,
        Shape,
        fit_impact,
    )
    from volkit.impact.illiquidity import (
        Illiquidity,
        amihud_illiquidity,
    )
    from volkit.impact.law import (
        ImpactLaw,
        impact_curve,
    )
    from volkit.impact.laws import (
        BookImpact,
        LinearImpact,
        PoolImpact,
        SquareRootImpact,
    )
    from volkit.impact.pool import (
        PoolSwap,
        constant_product_swap,
    )
    from volkit.impact.resilience import (
        HalfLife,
        depth_half_life,
        impact_half_life,
    )
    from volkit.impact.velocity import (
        LiquidityVelocity,
        liquidity_velocity,
    )

_HOMES = {
    "cost": (
        "ImpactCalibration",
        "ImpactModel",
        "calibrate_impact",
    ),
    "depth": (
        "DEFAULT_CAPS",
        "EffectiveDepth",
        "MarketDepth",
        "coins_at_cost",
        "depth_path",
        "effective_depth",
        "market_depth",
        "open_interest_to_depth",
    ),
    "execution": (
        "AlmgrenCost",
        "ExecutionMarket",
        "ExecutionSchedule",
        "almgren_cost",
        "execution_frontier",
        "execution_schedule",
    ),
    "fitted": (
        "ImpactFit",
        "Shape",
        "fit_impact",
    ),
    "illiquidity": (
        "Illiquidity",
        "amihud_illiquidity",
    ),
    "law": (
        "ImpactLaw",
        "impact_curve",
    ),
    "laws": (
        "LinearImpact",
        "SquareRootImpact",
        "BookImpact",
        "PoolImpact",
    ),
    "pool": (
        "PoolSwap",
        "constant_product_swap",
    ),
    "resilience": (
        "HalfLife",
        "depth_half_life",
        "impact_half_life",
    ),
    "velocity": (
        "LiquidityVelocity",
        "liquidity_velocity",
    ),
}

__all__ = [
    "DEFAULT_CAPS",
    "AlmgrenCost",
    "BookImpact",
    "EffectiveDepth",
    "ExecutionMarket",
    "ExecutionSchedule",
    "HalfLife",
    "Illiquidity",
    "ImpactCalibration",
    "ImpactFit",
    "ImpactLaw",
    "ImpactModel",
    "LinearImpact",
    "LiquidityVelocity",
    "MarketDepth",
    "PoolImpact",
    "PoolSwap",
    "Shape",
    "SquareRootImpact",
    "almgren_cost",
    "amihud_illiquidity",
    "calibrate_impact",
    "coins_at_cost",
    "constant_product_swap",
    "depth_half_life",
    "depth_path",
    "effective_depth",
    "execution_frontier",
    "execution_schedule",
    "fit_impact",
    "impact_curve",
    "impact_half_life",
    "liquidity_velocity",
    "market_depth",
    "open_interest_to_depth",
]


__getattr__ = names_on_demand(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
