"""The test of McNeil and Frey: are losses beyond the margin larger than the expected shortfall, on average?

Residuals are (L - E) / volatility over exceptions; in returns r = -L and e = -E they are (e - r) / volatility. A
positive mean says that the expected shortfall is too low.
"""

import numpy as np
import numpy.typing as npt
from scipy import stats

from volkit.checks import check_choice, check_count
from volkit.validation.power import SIGNIFICANCE
from volkit.validation.scoring import Values
from volkit.validation.shortfall.inputs import TailRows, check_rng, check_significance
from volkit.validation.shortfall.nolde_ziegel import check_volatility
from volkit.validation.shortfall.outcome import ShortfallTest

__all__ = ["exceedance_residual_bootstrap_test", "exceedance_residual_test"]

Floats = npt.NDArray[np.float64]

_FEWEST_DRAWS = 1000


def exceedance_residual_test(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    *,
    confidence: float,
    volatility: Values | None = None,
    law: str = "t",
    significance: float = SIGNIFICANCE,
) -> ShortfallTest:
    """Return the t test that exceedance residuals have mean zero, against a positive mean.

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost, not overlapping; NaN where unknown.
    value_at_risk, expected_shortfall : sequence, ndarray or Series, shape (n_rows,)
        Forecasts in the same unit, positive.
    confidence : float
        Of both forecasts.
    volatility : sequence, ndarray or Series, shape (n_rows,), optional
        Forecast that residuals are divided by, positive; by default they keep the unit of the losses.
    law : {"t", "normal"}
        Of the p-value: Student with one degree of freedom less than exceptions, or normal as in R's rugarch.
    significance : float
        Probability of a false alarm, at most 0.2.

    Returns
    -------
    ShortfallTest
        Mean residual over its standard error; degenerate with fewer than two exceptions, or equal residuals.

    Raises
    ------
    DataError
        As `check_tail`, and for volatilities at or below zero.
    ArgumentError
        For another law or levels that cannot be used.

    Notes
    -----
    Only exceptions enter, so that their number is not tested ([1]_, section 4.2). Residuals of a right model are
    skewed to the right: with few exceptions the t test rejects too seldom.

    References
    ----------
    .. [1] McNeil and Frey (2000), Estimation of tail-related risk measures for heteroscedastic financial time series,
       Journal of Empirical Finance 7.

    Examples
    --------
    >>> losses = np.random.default_rng(1).standard_t(3, 1000)
    >>> exceedance_residual_test(losses, np.full(1000, 2.35), np.full(1000, 2.5), confidence=0.95)
    <ShortfallTest: exceedance residuals, t: p = 1.32e-05, statistic 4.68, 46 exceptions in 1000 (50 expected)>
    """
    check_choice(law, argument="law", choices=("t", "normal"))
    level = check_significance(significance)
    rows, x = _residuals(losses, value_at_risk, expected_shortfall, volatility, confidence)
    reason = _undefined(x)
    value = np.nan if reason else _student(x)
    shape = stats.t(max(len(x) - 1, 1)) if law == "t" else stats.norm()
    return ShortfallTest(
        name=f"exceedance residuals, {law}",
        statistic=value,
        p_value=float(shape.sf(value)),
        expected=0.0,
        acceptance=(-np.inf, float(shape.isf(level))),
        alternative="greater",
        law=law,
        degrees_of_freedom=len(x) - 1 if law == "t" and not reason else None,
        significance=level,
        reason=reason,
        **rows.facts(confidence),  # type: ignore[arg-type]
    )


def exceedance_residual_bootstrap_test(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    *,
    confidence: float,
    rng: np.random.Generator,
    volatility: Values | None = None,
    n_draws: int = 10_000,
    significance: float = SIGNIFICANCE,
) -> ShortfallTest:
    """Return the bootstrap test that exceedance residuals have mean zero, against a positive mean.

    Parameters
    ----------
    losses, value_at_risk, expected_shortfall, confidence, volatility, significance
        As in `exceedance_residual_test`.
    rng : Generator
        Of the bootstrap.
    n_draws : int
        Samples, at least 1,000.

    Returns
    -------
    ShortfallTest
        Needs no law of the residuals, as the paper has it; degenerate as `exceedance_residual_test`.

    Raises
    ------
    DataError, ArgumentError
        As `exceedance_residual_test`, or for too few draws.

    Notes
    -----
    Residuals less their mean are drawn with replacement; the p-value is the share of samples whose mean over its
    standard error is at least that of the data (Efron and Tibshirani 1993, algorithm 16.2). A sample of one residual
    throughout has no standard error and counts as infinite, with the sign of its mean.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> margins = np.full(1000, 2.35), np.full(1000, 2.5)
    >>> exceedance_residual_bootstrap_test(rng.standard_t(3, 1000), *margins, confidence=0.95, rng=rng).p_value < 0.01
    True
    """
    check_rng(rng)
    B = check_count(n_draws, argument="n_draws", minimum=_FEWEST_DRAWS, unit="draws")
    level = check_significance(significance)
    rows, x = _residuals(losses, value_at_risk, expected_shortfall, volatility, confidence)
    reason = _undefined(x)
    value, p, critical = np.nan, np.nan, np.nan
    if not reason:
        value = _student(x)
        drawn = _resampled(x - x.mean(), B, rng)
        p = float((1 + (drawn >= value).sum()) / (1 + B))
        critical = float(np.quantile(drawn, 1.0 - level, method="higher"))
    return ShortfallTest(
        name="exceedance residuals, bootstrap",
        statistic=value,
        p_value=p,
        expected=0.0,
        acceptance=(-np.inf, critical),
        alternative="greater",
        law="bootstrap",
        significance=level,
        n_draws=B,
        reason=reason,
        **rows.facts(confidence),  # type: ignore[arg-type]
    )


def _residuals(
    losses: Values, value_at_risk: Values, expected_shortfall: Values, volatility: Values | None, confidence: float
) -> tuple[TailRows, Floats]:
    rows, s = check_volatility(losses, value_at_risk, expected_shortfall, volatility, confidence=confidence)
    return rows, ((rows.loss - rows.expected_shortfall) / s)[rows.hits]


def _undefined(x: Floats) -> str:
    if len(x) < 2:
        return "fewer than two exceptions"
    return "all residuals are equal" if np.ptp(x) <= 1e-12 * np.abs(x).max() else ""


def _student(x: Floats) -> float:
    return float(x.mean() / (x.std(ddof=1) / np.sqrt(len(x))))


def _resampled(centred: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
    """Return means over standard errors of samples with replacement, shape (n_draws,)."""
    n = len(centred)
    found = np.empty(n_draws)
    block = max(1, 2_000_000 // n)  # samples held at a time
    for start in range(0, n_draws, block):
        x = centred[rng.integers(0, n, (min(block, n_draws - start), n))]
        mean, error = x.mean(axis=1), x.std(axis=1, ddof=1) / np.sqrt(n)
        same = np.where(mean == 0.0, 0.0, np.copysign(np.inf, mean))
        found[start : start + block] = np.divide(mean, error, where=error > 1e-15 * np.abs(mean), out=same)
    return found
