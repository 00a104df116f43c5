"""What macro moves do to an asset: betas, risk split, volatility, event days and hedges, each with its error."""

from volkit.correlation.macro.betas import MacroBetas
from volkit.correlation.macro.directional import DirectionalBetas, directional_betas
from volkit.correlation.macro.rolling import RollingBetas, rolling_betas
from volkit.correlation.macro.static import macro_betas
from volkit.correlation.macro.systematic import RiskSplit, systematic_share

__all__ = [
    "DirectionalBetas",
    "MacroBetas",
    "RiskSplit",
    "RollingBetas",
    "directional_betas",
    "macro_betas",
    "rolling_betas",
    "systematic_share",
]
