"""The tests of Du and Escanciano: are the depths of losses in the tail uniform, and unpredictable?

Tail probabilities of the losses enter: for every period the predicted probability of a loss above the one that came,
1 - F(L). It is the lower tail probability u = F(r) of the return r = -L that the paper speaks of.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count
from volkit.errors import ArgumentError, DataError
from volkit.validation.power import SIGNIFICANCE
from volkit.validation.scoring import Values
from volkit.validation.shortfall.inputs import check_optional, check_significance
from volkit.validation.shortfall.outcome import ShortfallTest

__all__ = [
    "du_escanciano_conditional_from_statistic",
    "du_escanciano_conditional_test",
    "du_escanciano_from_statistic",
    "du_escanciano_test",
]

Floats = npt.NDArray[np.float64]


def du_escanciano_test(
    tail_probabilities: Values, *, confidence: float, significance: float = SIGNIFICANCE
) -> ShortfallTest:
    """Return the unconditional test of Du and Escanciano: is the tail as deep as predicted, on average?

    Parameters
    ----------
    tail_probabilities : sequence, ndarray or Series, shape (n_rows,)
        Predicted probability of a loss above the one that came, from 0 to 1; NaN where unknown. Under a normal law
        `scipy.stats.norm.sf(losses / volatility)`.
    confidence : float
        Of the expected shortfall, 0.975 for a tail of 2.5 %.
    significance : float
        Probability of a false alarm, at most 0.2.

    Returns
    -------
    ShortfallTest
        Its statistic is the mean cumulative violation; p / 2 is expected, more says that losses are too deep.

    Raises
    ------
    DataError
        For numbers outside 0 to 1, or none known.
    ArgumentError
        For a confidence outside 0.5 to 1 or a significance that cannot be used.

    Notes
    -----
    With p = 1 - confidence and H = (p - u) / p for u <= p, else 0: U = mean H has mean p / 2 and standard deviation
    sqrt(p (1 / 3 - p / 4) / n), and is normal for long samples ([1]_, section 3). The error of estimated parameters is
    not corrected for.

    References
    ----------
    .. [1] Du and Escanciano (2017), Backtesting expected shortfall: accounting for tail risk, Management Science 63.

    Examples
    --------
    >>> u = np.random.default_rng(1).random(1000)
    >>> du_escanciano_test(u, confidence=0.95)
    <ShortfallTest: Du-Escanciano unconditional: p = 0.397, statistic 0.0216, 47 exceptions in 1000 (50 expected)>
    """
    H, known, as_of = _violations(tail_probabilities, confidence)
    h = H[known]
    test = du_escanciano_from_statistic(float(h.mean()), len(h), confidence=confidence, significance=significance)
    return _counted(test, h, known, as_of)


def du_escanciano_from_statistic(
    statistic: float, n_obs: int, *, confidence: float, significance: float = SIGNIFICANCE
) -> ShortfallTest:
    """Return the unconditional test from a mean cumulative violation.

    Parameters
    ----------
    statistic : float
        Mean of H, no unit.
    n_obs : int
        Periods behind it.
    confidence, significance : float
        As in `du_escanciano_test`.

    Returns
    -------
    ShortfallTest
        Its exceptions are unknown and counted as 0.

    Raises
    ------
    ArgumentError
        For counts or levels that cannot be used.

    Examples
    --------
    >>> test = du_escanciano_from_statistic(0.028821, 1966, confidence=0.95)
    >>> round(test.p_value, 3), round(test.standard_error, 7)
    (0.181, 0.0028565)
    """
    n = check_count(n_obs, argument="n_obs")
    p = 1.0 - check_confidence(confidence)
    error = float(np.sqrt(p * (1.0 / 3.0 - p / 4.0) / n))
    reach = float(stats.norm.isf(0.5 * check_significance(significance))) * error
    return ShortfallTest(
        name="Du-Escanciano unconditional",
        statistic=float(statistic),
        p_value=float(2.0 * stats.norm.sf(abs(statistic - 0.5 * p) / error)),
        expected=0.5 * p,
        acceptance=(0.5 * p - reach, 0.5 * p + reach),
        alternative="two-sided",
        law="normal",
        n_obs=n,
        n_exceptions=0,
        confidence=float(confidence),
        significance=significance,
        standard_error=error,
    )


def du_escanciano_conditional_test(
    tail_probabilities: Values, *, lags: int, confidence: float, significance: float = SIGNIFICANCE
) -> ShortfallTest:
    """Return the conditional test of Du and Escanciano: do deep losses follow each other?

    Parameters
    ----------
    tail_probabilities, confidence, significance
        As in `du_escanciano_test`, in order of time on a clock without absent rows: put NaN where a period is missing.
    lags : int
        Autocorrelations that are looked at, in periods.

    Returns
    -------
    ShortfallTest
        Chi-squared with `lags` degrees of freedom; degenerate when no loss reached the tail, or when no pair of some
        lag is known.

    Raises
    ------
    DataError
        As `du_escanciano_test`.
    ArgumentError
        As `du_escanciano_test`, and for lags that reach the sample.

    Notes
    -----
    C = n sum_{j=1..m} (g_j / g_0)^2, g_j = sum (H_t - p / 2)(H_{t-j} - p / 2) / (n - j) ([1]_, equation 9: the
    theoretical mean p / 2, not that of the sample). A pair with a missing member is not formed; n - j is then the
    number of pairs.

    References
    ----------
    .. [1] Du and Escanciano (2017), Backtesting expected shortfall: accounting for tail risk, Management Science 63.

    Examples
    --------
    >>> u = np.random.default_rng(1).random(1000)
    >>> round(du_escanciano_conditional_test(u, lags=4, confidence=0.95).p_value, 3)
    0.783
    """
    H, known, as_of = _violations(tail_probabilities, confidence)
    m = check_count(lags, argument="lags", unit="lags")
    h, n = H[known], int(known.sum())
    if m >= n:
        raise ArgumentError("lags", f"must be fewer than the {n} periods", str(m), "pass a longer history")
    centred = np.where(known, H - 0.5 * (1.0 - confidence), 0.0)
    pairs = np.array([(known[j:] & known[: len(H) - j]).sum() for j in range(m + 1)])
    products = np.array([centred[j:] @ centred[: len(H) - j] for j in range(m + 1)])
    reason = "no loss reached the tail" if not (h > 0.0).any() else ""
    if not reason and not pairs.all():
        reason = f"no pair of periods {int(np.argmin(pairs))} apart is known"
    g = np.divide(products, pairs, where=pairs > 0, out=np.full(m + 1, np.nan))
    value = np.nan if reason else float(n * ((g[1:] / g[0]) ** 2).sum())
    test = du_escanciano_conditional_from_statistic(
        value, lags=m, n_obs=n, confidence=confidence, significance=significance, reason=reason
    )
    return _counted(test, h, known, as_of)


def du_escanciano_conditional_from_statistic(
    statistic: float,
    *,
    lags: int,
    n_obs: int,
    confidence: float,
    significance: float = SIGNIFICANCE,
    reason: str = "",
) -> ShortfallTest:
    """Return the conditional test from its statistic.

    Parameters
    ----------
    statistic : float
        C, no unit; NaN with a `reason`.
    lags, n_obs : int
        Autocorrelations and periods behind it.
    confidence, significance : float
        As in `du_escanciano_test`.
    reason : str
        Why there is no statistic.

    Returns
    -------
    ShortfallTest
        Its exceptions are unknown and counted as 0.

    Raises
    ------
    ArgumentError
        For counts or levels that cannot be used.

    Examples
    --------
    >>> test = du_escanciano_conditional_from_statistic(39.113, lags=2, n_obs=1966, confidence=0.95)
    >>> f"{test.p_value:.4e}", round(test.critical_value, 4)
    ('3.2116e-09', 5.9915)
    """
    m = check_count(lags, argument="lags", unit="lags")
    check_confidence(confidence)
    return ShortfallTest(
        name=f"Du-Escanciano conditional, {m} lags",
        statistic=float(statistic),
        p_value=float(stats.chi2.sf(statistic, m)),
        expected=float(m),
        acceptance=(-np.inf, float(stats.chi2.isf(check_significance(significance), m))),
        alternative="greater",
        law="chi-squared",
        degrees_of_freedom=m,
        n_obs=check_count(n_obs, argument="n_obs"),
        n_exceptions=0,
        confidence=float(confidence),
        significance=significance,
        reason=reason,
    )


def _violations(tail_probabilities: Values, confidence: float) -> tuple[Floats, npt.NDArray[np.bool_], object]:
    """Return cumulative violations (NaN where unknown), which are known, and the last label."""
    p = 1.0 - check_confidence(confidence)
    u = check_optional(tail_probabilities, tail_probabilities, argument="tail_probabilities")
    known = ~np.isnan(u)
    inside = u[known]
    remedy = "pass 1 - F(loss), e.g. scipy.stats.norm.sf(losses / volatility)"
    if not known.any():
        raise DataError("tail_probabilities", "must have a known value", f"{len(u)} values, none known", remedy)
    if (bad := (inside < 0.0) | (inside > 1.0)).any():
        got = f"{int(bad.sum())} other values, first {inside[bad][0]:g}"
        raise DataError("tail_probabilities", "must lie from 0 to 1", got, remedy)
    as_of = tail_probabilities.index[-1] if isinstance(tail_probabilities, pd.Series) else None
    return np.where(known, np.maximum(p - u, 0.0) / p, np.nan), known, as_of


def _counted(test: ShortfallTest, h: Floats, known: npt.NDArray[np.bool_], as_of: object) -> ShortfallTest:
    return replace(test, n_exceptions=int((h > 0.0).sum()), n_missing=int((~known).sum()), as_of=as_of)
