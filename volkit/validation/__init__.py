"""Validation on plain arrays: of margins by their exceptions, of forecasts by their losses.

Hits (loss strictly above margin), counts of them, or variance forecasts beside what was realised enter; frozen results
leave. No stage is known here.
"""

from volkit.validation.battery import ALL_PERIODS, BATTERY_TESTS, CoverageBattery, coverage_battery
from volkit.validation.berkowitz import BerkowitzTest, berkowitz_tail_test
from volkit.validation.comparison import DieboldMarianoTest, diebold_mariano_test
from volkit.validation.confidence_set import ModelConfidenceSet, model_confidence_set
from volkit.validation.coverage import (
    CoverageTest,
    binomial_from_counts,
    binomial_test,
    kupiec_from_counts,
    kupiec_test,
)
from volkit.validation.durations import DurationTest, duration_test
from volkit.validation.dynamic_quantile import DynamicQuantileTest, dynamic_quantile_test
from volkit.validation.exact import ExceptionLaw, exception_law, kupiec_exact_p_value
from volkit.validation.independence import (
    TransitionCounts,
    christoffersen_from_counts,
    christoffersen_independence_test,
    christoffersen_test,
    independence_from_counts,
    transition_counts,
)
from volkit.validation.mincer_zarnowitz import (
    MincerZarnowitzTest,
    log_mincer_zarnowitz_test,
    mincer_zarnowitz_test,
    weighted_mincer_zarnowitz_test,
)
from volkit.validation.multinomial import MultinomialTest, multinomial_from_counts, multinomial_test
from volkit.validation.outcome import MarginTest
from volkit.validation.power import SIGNIFICANCE, kupiec_power, kupiec_region, kupiec_size, kupiec_statistic
from volkit.validation.scoring import qlike_loss, squared_error_loss
from volkit.validation.time_between import (
    TimeBetweenTest,
    time_between_from_ratio,
    time_between_test,
    times_between,
    tuff_from_first_failure,
    tuff_test,
)
from volkit.validation.traffic import TrafficLight, traffic_light

__all__ = [
    "ALL_PERIODS",
    "BATTERY_TESTS",
    "SIGNIFICANCE",
    "BerkowitzTest",
    "CoverageBattery",
    "CoverageTest",
    "DieboldMarianoTest",
    "DurationTest",
    "DynamicQuantileTest",
    "ExceptionLaw",
    "MarginTest",
    "MincerZarnowitzTest",
    "ModelConfidenceSet",
    "MultinomialTest",
    "TimeBetweenTest",
    "TrafficLight",
    "TransitionCounts",
    "berkowitz_tail_test",
    "binomial_from_counts",
    "binomial_test",
    "christoffersen_from_counts",
    "christoffersen_independence_test",
    "christoffersen_test",
    "coverage_battery",
    "diebold_mariano_test",
    "duration_test",
    "dynamic_quantile_test",
    "exception_law",
    "independence_from_counts",
    "kupiec_exact_p_value",
    "kupiec_from_counts",
    "kupiec_power",
    "kupiec_region",
    "kupiec_size",
    "kupiec_statistic",
    "kupiec_test",
    "log_mincer_zarnowitz_test",
    "mincer_zarnowitz_test",
    "model_confidence_set",
    "multinomial_from_counts",
    "multinomial_test",
    "qlike_loss",
    "squared_error_loss",
    "time_between_from_ratio",
    "time_between_test",
    "times_between",
    "traffic_light",
    "transition_counts",
    "tuff_from_first_failure",
    "tuff_test",
    "weighted_mincer_zarnowitz_test",
]
