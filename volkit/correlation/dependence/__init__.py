"""What a correlation does not say: joint tails, copulas, and correlation in a crisis.

Two series of changes on one clock enter; coefficients with intervals leave.
"""

from volkit.correlation.dependence.empirical import TailDependence, rolling_tail_dependence, tail_dependence
from volkit.correlation.dependence.forbes_rigobon import (
    ForbesRigobon,
    forbes_rigobon,
    forbes_rigobon_adjustment,
    interdependence_correlation,
)
from volkit.correlation.dependence.pair_copula import PairCopulaFit, fit_pair_copula
from volkit.correlation.dependence.t_copula import TCopulaFit, fit_t_copula, t_copula_tail_dependence

__all__ = [
    "ForbesRigobon",
    "PairCopulaFit",
    "TCopulaFit",
    "TailDependence",
    "fit_pair_copula",
    "fit_t_copula",
    "forbes_rigobon",
    "forbes_rigobon_adjustment",
    "interdependence_correlation",
    "rolling_tail_dependence",
    "t_copula_tail_dependence",
    "tail_dependence",
]
