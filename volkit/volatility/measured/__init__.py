"""Volatility as measured: from highs and lows, from returns within the day, and where it stands in its own past."""

from volkit.volatility.measured.bars import bar_variances, check_bars
from volkit.volatility.measured.cone import VolatilityCone, WindowEstimator, percentile_rank, volatility_cone
from volkit.volatility.measured.efficiency import (
    RangeEfficiency,
    compare_range_estimators,
    simulate_range_efficiency,
)
from volkit.volatility.measured.jumps import JumpTest, RobustMeasure, jump_test
from volkit.volatility.measured.ranges import (
    RangeEstimator,
    garman_klass_volatility,
    garman_klass_yang_zhang_volatility,
    parkinson_volatility,
    range_volatility,
    rogers_satchell_volatility,
    yang_zhang_volatility,
)
from volkit.volatility.measured.realized import (
    RealizedVariance,
    close_to_close_volatility,
    realized_variance,
    zero_mean_volatility,
)

__all__ = [
    "JumpTest",
    "RangeEfficiency",
    "RangeEstimator",
    "RealizedVariance",
    "RobustMeasure",
    "VolatilityCone",
    "WindowEstimator",
    "bar_variances",
    "check_bars",
    "close_to_close_volatility",
    "compare_range_estimators",
    "garman_klass_volatility",
    "garman_klass_yang_zhang_volatility",
    "jump_test",
    "parkinson_volatility",
    "percentile_rank",
    "range_volatility",
    "realized_variance",
    "rogers_satchell_volatility",
    "simulate_range_efficiency",
    "volatility_cone",
    "yang_zhang_volatility",
    "zero_mean_volatility",
]
