"""The minimum-bias tests of Acerbi and Szekely: a wrong Value at Risk beside a right expected shortfall matters least.

Losses and forecasts are positive here; with returns r = -L and forecasts v = -V, e = -E the statistic
v - e - (v - r)+ / p of the literature is E - V - (L - V)+ / p.
"""

import numpy as np
import numpy.typing as npt

from volkit.validation.power import SIGNIFICANCE
from volkit.validation.scoring import Values
from volkit.validation.shortfall.inputs import TailRows, check_tail
from volkit.validation.shortfall.laws import Law, ScenarioLaw
from volkit.validation.shortfall.outcome import ShortfallTest
from volkit.validation.shortfall.simulation import (
    INFLATION,
    N_DRAWS,
    check_law,
    check_simulation,
    draw_exceptions,
    simulated_test,
)

__all__ = ["minimum_bias_test", "relative_minimum_bias_test"]

Floats = npt.NDArray[np.float64]


def minimum_bias_test(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    *,
    confidence: float,
    law: Law,
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    significance: float = SIGNIFICANCE,
    inflation: float = INFLATION,
) -> ShortfallTest:
    """Return the absolute minimum-bias test of expected shortfall, in the unit of the losses.

    Parameters
    ----------
    losses, value_at_risk, expected_shortfall, confidence, law, rng, n_draws, significance, inflation
        As in `acerbi_szekely_z1_test`.

    Returns
    -------
    ShortfallTest
        Zero on average when the forecasts are right, negative when the expected shortfall is too low. Periods with
        large forecasts weigh most. Defined without exceptions.

    Raises
    ------
    DataError, ArgumentError
        As `acerbi_szekely_z1_test`.

    Warns
    -----
    DataQualityWarning
        As `acerbi_szekely_z1_test`.

    Notes
    -----
    Mean of E - V - (L - V)+ / p, p = 1 - confidence ([1]_, [2]_). An error of V enters in second order only, and
    never towards acceptance: V + mean (L - V)+ / p is least at the true quantile.

    References
    ----------
    .. [1] Acerbi and Szekely (2017), General properties of backtestable statistics, section 4.
    .. [2] Acerbi and Szekely (2019), The minimally biased backtest for ES, Risk, September.

    Examples
    --------
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> rng = np.random.default_rng(1)
    >>> law = normal_law()
    >>> margins = [np.full(500, 0.02 * m) for m in (law.value_at_risk(0.975), law.expected_shortfall(0.975))]
    >>> losses = 0.03 * rng.standard_normal(500)
    >>> minimum_bias_test(losses, *margins, confidence=0.975, law=law, rng=rng).p_value
    9.99990000099999e-06
    """
    rows = check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence)
    return _test(
        "minimum bias", rows, rows.expected_shortfall, confidence=confidence, law=law, rng=rng, n_draws=n_draws,
        significance=significance, inflation=inflation,
    )  # fmt: skip


def relative_minimum_bias_test(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    *,
    confidence: float,
    law: Law,
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    significance: float = SIGNIFICANCE,
    inflation: float = INFLATION,
) -> ShortfallTest:
    """Return the relative minimum-bias test: every period's bias as a fraction of its expected shortfall.

    Parameters
    ----------
    losses, value_at_risk, expected_shortfall, confidence, law, rng, n_draws, significance, inflation
        As in `acerbi_szekely_z1_test`.

    Returns
    -------
    ShortfallTest
        No unit: -0.1 says that the expected shortfall was a tenth too low. Every period weighs the same.

    Raises
    ------
    DataError, ArgumentError
        As `acerbi_szekely_z1_test`.

    Warns
    -----
    DataQualityWarning
        As `acerbi_szekely_z1_test`.

    Notes
    -----
    Mean of (E - V - (L - V)+ / p) / E; sources as in `minimum_bias_test`.

    Examples
    --------
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> rng = np.random.default_rng(1)
    >>> law = normal_law()
    >>> margins = [np.full(500, 0.02 * m) for m in (law.value_at_risk(0.975), law.expected_shortfall(0.975))]
    >>> losses = 0.02 * rng.standard_normal(500)
    >>> round(relative_minimum_bias_test(losses, *margins, confidence=0.975, law=law, rng=rng).statistic, 3)
    0.028
    """
    rows = check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence)
    return _test(
        "relative minimum bias", rows, np.ones(len(rows.loss)), confidence=confidence, law=law, rng=rng,
        n_draws=n_draws, significance=significance, inflation=inflation,
    )  # fmt: skip


def _test(
    name: str,
    rows: TailRows,
    weights: Floats,
    *,
    confidence: float,
    law: Law,
    rng: np.random.Generator,
    n_draws: int,
    significance: float,
    inflation: float,
) -> ShortfallTest:
    check_simulation(n_draws, significance, inflation, rng)
    kept = check_law(law, rows, confidence=confidence)
    L, V, E = rows.loss, rows.value_at_risk, rows.expected_shortfall
    promised = len(L) * (1.0 - confidence)
    c = V / E if isinstance(kept, ScenarioLaw) else kept.value_at_risk(confidence) / kept.expected_shortfall(confidence)
    margin = float((weights * (1.0 - c)).mean())

    def draw(factor: float) -> Floats:
        sums = draw_exceptions(
            kept, weights, confidence=confidence, n_draws=n_draws, rng=rng, inflation=factor, rows=rows
        )
        return np.asarray(margin - (sums.loss - sums.value_at_risk) / promised)

    value = float((weights / E * (E - V)).mean() - (weights / E * np.maximum(L - V, 0.0)).sum() / promised)
    return simulated_test(
        name, value, draw, n_draws=n_draws, significance=significance, law=law.name, facts=rows.facts(confidence),
        inflation=inflation,
    )  # fmt: skip
