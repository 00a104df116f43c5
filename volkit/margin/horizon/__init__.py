"""The margin period of risk: losses at its end and on the way, from minutes to days.

Bars, fitted models, paths or a volatility enter; losses, touch probabilities, leverages and close-out volatilities
leave, each with its horizon, interval and error.
"""

from volkit.margin.horizon.aggregation import (
    HorizonVolatility,
    SquareRootTimeWarning,
    horizon_volatility,
    scale_tail,
    square_root_volatility,
)
from volkit.margin.horizon.clock import Horizon, read_horizon
from volkit.margin.horizon.closeout import CloseOut, closeout_losses, linear_inventory, staged_closeout
from volkit.margin.horizon.excess import ExpectedExcess, expected_excess, tail_expected_excess
from volkit.margin.horizon.fitted import path_losses, simulate_touch_of_fit, simulated_losses
from volkit.margin.horizon.leverage import LargestLeverage, largest_leverage
from volkit.margin.horizon.liquidity import (
    ConcentrationAddOn,
    concentration_add_on,
    concentration_factor,
    correlated_margin,
    liquidity_cascade,
)
from volkit.margin.horizon.losses import HorizonLosses, horizon_losses
from volkit.margin.horizon.overlap import ExceedanceRate, effective_size, exceedance_rate
from volkit.margin.horizon.simulation import simulate_touch
from volkit.margin.horizon.touch import TouchProbability, touch_margin, touch_probability

__all__ = [
    "CloseOut",
    "ConcentrationAddOn",
    "ExceedanceRate",
    "ExpectedExcess",
    "Horizon",
    "HorizonLosses",
    "HorizonVolatility",
    "LargestLeverage",
    "SquareRootTimeWarning",
    "TouchProbability",
    "closeout_losses",
    "concentration_add_on",
    "concentration_factor",
    "correlated_margin",
    "effective_size",
    "exceedance_rate",
    "expected_excess",
    "horizon_losses",
    "horizon_volatility",
    "largest_leverage",
    "linear_inventory",
    "liquidity_cascade",
    "path_losses",
    "read_horizon",
    "scale_tail",
    "simulate_touch",
    "simulate_touch_of_fit",
    "simulated_losses",
    "square_root_volatility",
    "staged_closeout",
    "tail_expected_excess",
    "touch_margin",
    "touch_probability",
]
