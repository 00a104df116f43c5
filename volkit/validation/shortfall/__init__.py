"""Back-tests and scores of expected shortfall, on plain arrays.

Losses and the two forecasts of their tail enter, all positive and in one unit; frozen results leave. Tests with a law
in closed form give it, the others simulate theirs under the predictive law that made the forecasts. No stage is known
here.
"""

from volkit.validation.shortfall.acerbi_szekely import (
    acerbi_szekely_z1_test,
    acerbi_szekely_z2_test,
    acerbi_szekely_z3_test,
)
from volkit.validation.shortfall.acerbi_szekely_laws import acerbi_szekely_critical, acerbi_szekely_draws
from volkit.validation.shortfall.du_escanciano import (
    du_escanciano_conditional_from_statistic,
    du_escanciano_conditional_test,
    du_escanciano_from_statistic,
    du_escanciano_test,
)
from volkit.validation.shortfall.es_regression import (
    ShortfallRegression,
    auxiliary_es_regression_test,
    strict_es_regression_test,
)
from volkit.validation.shortfall.exceedance_residual import (
    exceedance_residual_bootstrap_test,
    exceedance_residual_test,
)
from volkit.validation.shortfall.laws import (
    ScenarioLaw,
    TailLaw,
    empirical_law,
    given_law,
    normal_law,
    student_law,
)
from volkit.validation.shortfall.minimum_bias import minimum_bias_test, relative_minimum_bias_test
from volkit.validation.shortfall.murphy import MurphyDiagram, murphy_diagram
from volkit.validation.shortfall.nolde_ziegel import nolde_ziegel_general_test, nolde_ziegel_test
from volkit.validation.shortfall.outcome import ShortfallTest
from volkit.validation.shortfall.power import SHORTFALL_TESTS, ShortfallPower, shortfall_power
from volkit.validation.shortfall.ranking import TailRanking, rank_tail_forecasts
from volkit.validation.shortfall.scores import (
    elementary_quantile_scores,
    elementary_shortfall_scores,
    fz0_score,
    quantile_score,
)

__all__ = [
    "SHORTFALL_TESTS",
    "MurphyDiagram",
    "ScenarioLaw",
    "ShortfallPower",
    "ShortfallRegression",
    "ShortfallTest",
    "TailLaw",
    "TailRanking",
    "acerbi_szekely_critical",
    "acerbi_szekely_draws",
    "acerbi_szekely_z1_test",
    "acerbi_szekely_z2_test",
    "acerbi_szekely_z3_test",
    "auxiliary_es_regression_test",
    "du_escanciano_conditional_from_statistic",
    "du_escanciano_conditional_test",
    "du_escanciano_from_statistic",
    "du_escanciano_test",
    "elementary_quantile_scores",
    "elementary_shortfall_scores",
    "empirical_law",
    "exceedance_residual_bootstrap_test",
    "exceedance_residual_test",
    "fz0_score",
    "given_law",
    "minimum_bias_test",
    "murphy_diagram",
    "nolde_ziegel_general_test",
    "nolde_ziegel_test",
    "normal_law",
    "quantile_score",
    "rank_tail_forecasts",
    "relative_minimum_bias_test",
    "shortfall_power",
    "strict_es_regression_test",
    "student_law",
]
