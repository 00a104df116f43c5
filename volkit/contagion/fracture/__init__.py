"""Liquidity fracture: the shock that breaks a venue, by search; leverage against depth; policies inside the cascade.

Leveraged accounts and a venue enter; thresholds, curves, phase diagrams, heat maps, what each margin policy survives,
and a test of whether liquidity velocity tells who breaks, leave.
"""

from volkit.contagion.fracture.claim import VelocityClaim, velocity_claim
from volkit.contagion.fracture.heat import LiquidationHeatMap, liquidation_heat_map
from volkit.contagion.fracture.levers import LeverageCap, cap_leverage, scale_depth
from volkit.contagion.fracture.phase import PhaseDiagram, phase_diagram
from volkit.contagion.fracture.policies import MarginTerms, PoliciesInCascade, Policy, apply_policy, policies_in_cascade
from volkit.contagion.fracture.population import VenuePopulation
from volkit.contagion.fracture.response import AmplificationCurve, amplification_curve
from volkit.contagion.fracture.reverse import FractureThresholds, fracture_thresholds
from volkit.contagion.fracture.threshold import CRITERIA, FractureThreshold, fracture_threshold

__all__ = [
    "CRITERIA",
    "AmplificationCurve",
    "FractureThreshold",
    "FractureThresholds",
    "LeverageCap",
    "LiquidationHeatMap",
    "MarginTerms",
    "PhaseDiagram",
    "PoliciesInCascade",
    "Policy",
    "VelocityClaim",
    "VenuePopulation",
    "amplification_curve",
    "apply_policy",
    "cap_leverage",
    "fracture_threshold",
    "fracture_thresholds",
    "liquidation_heat_map",
    "phase_diagram",
    "policies_in_cascade",
    "scale_depth",
    "velocity_claim",
]
