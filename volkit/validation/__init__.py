"""Validation on plain arrays: tests of coverage and independence, the traffic light, exact size and power.

Hits (loss strictly above margin) or counts of them enter; frozen results leave. No stage is known here.
"""

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
from volkit.validation.power import SIGNIFICANCE, kupiec_power, kupiec_region, kupiec_size, kupiec_statistic
from volkit.validation.traffic import TrafficLight, traffic_light

__all__ = [
    "SIGNIFICANCE",
    "CoverageTest",
    "TrafficLight",
    "TransitionCounts",
    "binomial_from_counts",
    "binomial_test",
    "christoffersen_from_counts",
    "christoffersen_independence_test",
    "christoffersen_test",
    "independence_from_counts",
    "kupiec_from_counts",
    "kupiec_power",
    "kupiec_region",
    "kupiec_size",
    "kupiec_statistic",
    "kupiec_test",
    "traffic_light",
    "transition_counts",
]
