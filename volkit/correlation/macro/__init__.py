"""What macro moves do to an asset: betas, risk split, volatility, event days and hedges, each with its error."""

from volkit.correlation.macro.betas import MacroBetas
from volkit.correlation.macro.directional import DirectionalBetas, directional_betas
from volkit.correlation.macro.event_results import EventStudy
from volkit.correlation.macro.event_study import event_study, variance_event_study
from volkit.correlation.macro.hedge import macro_hedge
from volkit.correlation.macro.hedge_results import MacroHedge
from volkit.correlation.macro.response import VolatilityResponse, volatility_response
from volkit.correlation.macro.rolling import RollingBetas, rolling_betas
from volkit.correlation.macro.static import macro_betas
from volkit.correlation.macro.systematic import RiskSplit, systematic_share
from volkit.correlation.macro.transmission import VolatilityTransmission, volatility_transmission

__all__ = [
    "DirectionalBetas",
    "EventStudy",
    "MacroBetas",
    "MacroHedge",
    "RiskSplit",
    "RollingBetas",
    "VolatilityResponse",
    "VolatilityTransmission",
    "directional_betas",
    "event_study",
    "macro_betas",
    "macro_hedge",
    "rolling_betas",
    "systematic_share",
    "variance_event_study",
    "volatility_response",
    "volatility_transmission",
]
