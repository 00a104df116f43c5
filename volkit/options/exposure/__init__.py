"""What an option book does to its holders: dealers' gamma and its flips, hedging feedback, and where profit came from.

`gamma_exposure` reads a book under a stated assumption about dealers; `attribute_path` and `attribute_between_chains`
split the profit of a delta-hedged book into buckets that sum to it.
"""

from volkit.options.exposure.attribution import PnlAttribution, attribute_between_chains, attribute_path
from volkit.options.exposure.feedback import feedback_volatility, hedging_feedback
from volkit.options.exposure.gamma import GammaExposure, gamma_exposure
from volkit.options.exposure.positions import DEALER_ASSUMPTIONS, DealerAssumption

__all__ = [
    "DEALER_ASSUMPTIONS",
    "DealerAssumption",
    "GammaExposure",
    "PnlAttribution",
    "attribute_between_chains",
    "attribute_path",
    "feedback_volatility",
    "gamma_exposure",
    "hedging_feedback",
]
