"""The three tests of Acerbi and Szekely: is the expected shortfall understated?

Each statistic is zero on average when the forecasts are right and negative when they are too low. Losses and forecasts
are positive here; with returns r = -L and forecasts v = -V, e = -E the ratios r / e and L / E are the same number, so
that the statistics are those of the paper.
"""

import numpy as np

from volkit.validation.power import SIGNIFICANCE
from volkit.validation.scoring import Values
from volkit.validation.shortfall.acerbi_szekely_laws import AcerbiSzekely, drawn_by, from_sums
from volkit.validation.shortfall.inputs import TailRows, check_tail
from volkit.validation.shortfall.laws import Law
from volkit.validation.shortfall.outcome import ShortfallTest
from volkit.validation.shortfall.simulation import (
    INFLATION,
    N_DRAWS,
    check_law,
    check_simulation,
    simulated_test,
    tail_count,
    tail_mean_ratio,
)

__all__ = ["acerbi_szekely_z1_test", "acerbi_szekely_z2_test", "acerbi_szekely_z3_test"]


def acerbi_szekely_z1_test(
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
    """Return test Z1: are losses beyond the margin larger than the expected shortfall says?

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost, one period each, not overlapping; NaN where unknown.
    value_at_risk, expected_shortfall : sequence, ndarray or Series, shape (n_rows,)
        Forecasts in the same unit, positive. An exception is a loss strictly above the Value at Risk.
    confidence : float
        Of both forecasts, 0.975 for a tail of 2.5 %.
    law : TailLaw or ScenarioLaw
        That made the forecasts: `normal_law`, `student_law`, `empirical_law`, `given_law`, or scenarios of each period.
    rng : Generator
        Of the simulation; the same seed gives the same p-value.
    n_draws : int
        Simulated samples, at least 1,000.
    significance : float
        Probability of a false alarm, at most 0.2.
    inflation : float
        Factor of the losses for which `power` is stated.

    Returns
    -------
    ShortfallTest
        Without exceptions degenerate, with the reason. Samples without exceptions are left out of its law.

    Raises
    ------
    DataError
        As `check_tail`.
    ArgumentError
        For a confidence outside 0.5 to 1, no law, or terms of the simulation that cannot be used.

    Warns
    -----
    DataQualityWarning
        When Value at Risk over expected shortfall is not that of the law.

    Notes
    -----
    Z1 = 1 - mean over exceptions of L / E ([1]_, equation 5). It does not see how many exceptions there are; test that
    apart or use Z2.

    References
    ----------
    .. [1] Acerbi and Szekely (2014), Backtesting expected shortfall, Risk, December.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> law = normal_law()
    >>> margins = [np.full(500, m) for m in (law.value_at_risk(0.975), law.expected_shortfall(0.975))]
    >>> acerbi_szekely_z1_test(1.5 * rng.standard_normal(500), *margins, confidence=0.975, law=law, rng=rng)
    <ShortfallTest: Acerbi-Szekely Z1: p = 0.00119, statistic -0.173, 33 exceptions in 500 (12.5 expected)>
    """
    return _test(
        "Z1", check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence),
        confidence=confidence, law=law, rng=rng, n_draws=n_draws, significance=significance, inflation=inflation,
    )  # fmt: skip


def acerbi_szekely_z2_test(
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
    """Return test Z2: are there too many, or too large, losses beyond the margin?

    Parameters
    ----------
    losses, value_at_risk, expected_shortfall, confidence, law, rng, n_draws, significance, inflation
        As in `acerbi_szekely_z1_test`.

    Returns
    -------
    ShortfallTest
        Defined without exceptions too, where it is 1.

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
    Z2 = 1 - sum over exceptions of L / E / (n (1 - confidence)) ([1]_, equation 7). At 97.5 % and 250 periods the 5 %
    critical value is near -0.70 for all but the heaviest tails.

    References
    ----------
    .. [1] Acerbi and Szekely (2014), Backtesting expected shortfall, Risk, December.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> law = normal_law()
    >>> margins = [np.full(500, m) for m in (law.value_at_risk(0.975), law.expected_shortfall(0.975))]
    >>> test = acerbi_szekely_z2_test(rng.standard_normal(500), *margins, confidence=0.975, law=law, rng=rng)
    >>> test
    <ShortfallTest: Acerbi-Szekely Z2: p = 0.661, statistic 0.128, 11 exceptions in 500 (12.5 expected)>
    >>> round(test.critical_value, 2), round(test.power, 2)
    (-0.48, 0.99)
    """
    return _test(
        "Z2", check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence),
        confidence=confidence, law=law, rng=rng, n_draws=n_draws, significance=significance, inflation=inflation,
    )  # fmt: skip


def acerbi_szekely_z3_test(
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
    """Return test Z3: are the largest losses, by their ranks in the predictive law, larger than that law says?

    Parameters
    ----------
    losses, value_at_risk, expected_shortfall, confidence, law, rng, n_draws, significance, inflation
        As in `acerbi_szekely_z1_test`. Under a `TailLaw` the scale of a period is its expected shortfall over that of
        the law; scenarios give the ranks themselves.

    Returns
    -------
    ShortfallTest
        Degenerate when the tail holds less than one period.

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
    Z3 = 1 - mean over t of ES(P_t^-1(U)) / E[ES(P_t^-1(V))], ES the mean of the floor(n (1 - confidence)) largest, U
    the ranks that were seen and V uniform ([1]_, equation 8; the expectation in closed form). With one law up to scale
    every period has the same ratio. Under scenarios a loss takes one of m + 1 ranks among m of them.

    References
    ----------
    .. [1] Acerbi and Szekely (2014), Backtesting expected shortfall, Risk, December.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> law = normal_law()
    >>> margins = [np.full(500, m) for m in (law.value_at_risk(0.975), law.expected_shortfall(0.975))]
    >>> acerbi_szekely_z3_test(1.5 * rng.standard_normal(500), *margins, confidence=0.975, law=law, rng=rng).p_value
    9.99990000099999e-06
    """
    return _test(
        "Z3", check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence),
        confidence=confidence, law=law, rng=rng, n_draws=n_draws, significance=significance, inflation=inflation,
    )  # fmt: skip


def _test(
    statistic: AcerbiSzekely,
    rows: TailRows,
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
    n, name, facts = len(rows.loss), f"Acerbi-Szekely {statistic}", rows.facts(confidence)
    if statistic == "Z3" and not tail_count(n, confidence):
        return ShortfallTest(
            name=name, statistic=np.nan, p_value=np.nan, expected=0.0, acceptance=(np.nan, np.inf), alternative="less",
            law=f"simulated, {law.name}", significance=significance, **facts,  # type: ignore[arg-type]
            reason=f"the tail holds {n * (1.0 - confidence):.3g} periods, less than one",
        )  # fmt: skip
    ratio = (rows.loss / rows.expected_shortfall)[rows.hits]
    reason = "no exceptions" if statistic == "Z1" and not len(ratio) else ""
    if statistic == "Z3":
        value = 1.0 - tail_mean_ratio(kept, rows, confidence=confidence)
    else:
        sums = np.array([ratio.sum()]), np.array([len(ratio)])
        value = float(from_sums(statistic, *sums, n * (1.0 - confidence))[0])
    return simulated_test(
        name, value, drawn_by(statistic, kept, n, rows, confidence, n_draws, rng), n_draws=n_draws,
        significance=significance, law=law.name, facts=facts, reason=reason, inflation=inflation,
    )  # fmt: skip
