"""Shared oracles and shared collateral: lenders who price by the same lagging feeds and sell into the same market.

A `ProtocolLending` (who owes what against which coins, with the terms of each lender), a `CollateralMarket`, feeds and
a path of shocks enter `oracle_cascade`; a `SharedCollateralRun` leaves. `lag_sensitivity` repeats it by the feeds' lag.
"""

from volkit.contagion.shared.lags import LagSensitivity, lag_sensitivity
from volkit.contagion.shared.lending import ProtocolLending
from volkit.contagion.shared.market import CollateralMarket, crash_path
from volkit.contagion.shared.oracles import Distortion, OracleFeed
from volkit.contagion.shared.result import SharedCollateralRun
from volkit.contagion.shared.run import oracle_cascade

__all__ = [
    "CollateralMarket",
    "Distortion",
    "LagSensitivity",
    "OracleFeed",
    "ProtocolLending",
    "SharedCollateralRun",
    "crash_path",
    "lag_sensitivity",
    "oracle_cascade",
]
