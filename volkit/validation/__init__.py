"""Validation on plain arrays: of margins by their exceptions, of forecasts by their losses.

Hits (loss strictly above margin), counts of them, or variance forecasts beside what was realised enter; frozen results
leave. No stage is known here.
"""

from volkit.validation.comparison import DieboldMarianoTest, diebold_mariano_test
from volkit.validation.confidence_set import ModelConfidenceSet, model_confidence_set
from volkit.validation.coverage import (
    CoverageTest,
    binomial_from_counts,
    binomial_test,
    kupiec_from_counts,
    kupiec_test,
)
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
from volkit.validation.power import SIGNIFICANCE, kupiec_power, kupiec_region, kupiec_size, kupiec_statistic
from volkit.validation.scoring import qlike_loss, squared_error_loss
from volkit.validation.traffic import TrafficLight, traffic_light

__all__ = [
    "SIGNIFICANCE",
    "CoverageTest",
    "DieboldMarianoTest",
    "MincerZarnowitzTest",
    "ModelConfidenceSet",
    "TrafficLight",
    "TransitionCounts",
    "binomial_from_counts",
    "binomial_test",
    "christoffersen_from_counts",
    "christoffersen_independence_test",
    "christoffersen_test",
    "diebold_mariano_test",
    "independence_from_counts",
    "kupiec_from_counts",
    "kupiec_power",
    "kupiec_region",
    "kupiec_size",
    "kupiec_statistic",
    "kupiec_test",
    "log_mincer_zarnowitz_test",
    "mincer_zarnowitz_test",
    "model_confidence_set",
    "qlike_loss",
    "squared_error_loss",
    "traffic_light",
    "transition_counts",
    "weighted_mincer_zarnowitz_test",
]
