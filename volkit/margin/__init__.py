"""Margin parameters for one instrument: rates, policy, schedule, back-test, calibration, liquidation."""

from volkit.margin.backtest import LAYERS, MarginBacktest, backtest_margin
from volkit.margin.calibrate import CANDIDATES, CalibratedParameters, calibrate_margin
from volkit.margin.intervals import rate_interval
from volkit.margin.liquidation import (
    bankruptcy_price,
    inverse_bankruptcy_price,
    inverse_liquidation_price,
    liquidation_price,
)
from volkit.margin.policy import METHODS, MarginMethod, MarginPolicy
from volkit.margin.rates import TailRisk, margin_rates, parametric_tail_risk, tail_risk
from volkit.margin.schedule import MarginSchedule, margin_schedule
from volkit.margin.validate import validate_schedules, volatility_regimes
from volkit.validation.blocks import block_indices

__all__ = [
    "CANDIDATES",
    "LAYERS",
    "METHODS",
    "CalibratedParameters",
    "MarginBacktest",
    "MarginMethod",
    "MarginPolicy",
    "MarginSchedule",
    "TailRisk",
    "backtest_margin",
    "bankruptcy_price",
    "block_indices",
    "calibrate_margin",
    "inverse_bankruptcy_price",
    "inverse_liquidation_price",
    "liquidation_price",
    "margin_rates",
    "margin_schedule",
    "parametric_tail_risk",
    "rate_interval",
    "tail_risk",
    "validate_schedules",
    "volatility_regimes",
]
