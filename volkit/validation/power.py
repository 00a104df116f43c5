"""The likelihood ratio of Kupiec's test, its acceptance region, and the exact size and power of the test.

The chi-squared law of the ratio holds for long samples only. The number of exceptions is binomial when the
margin is right, so the probability of a rejection is a finite sum and needs no simulation: on 250 days at
99 % the nominal 5 % test rejects a right margin in 9.5 % of all samples, and finds a margin that is
exceeded twice too often in 24 %. Counts enter, probabilities leave.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from volkit.checks import check_confidence, check_count, check_fraction, real_number
from volkit.errors import ArgumentError

__all__ = ["SIGNIFICANCE", "kupiec_power", "kupiec_region", "kupiec_size", "kupiec_statistic"]

SIGNIFICANCE = 0.05
# Up to here at least one count is always accepted; the worst case is one observation at confidence 0.5,
# where both possible counts have a p-value of 0.239.
_LARGEST_SIGNIFICANCE = 0.2

Counts: TypeAlias = int | npt.NDArray[np.integer]


def kupiec_statistic(n_exceptions: Counts, n_obs: int, *, confidence: float) -> npt.NDArray[np.float64]:
    """Return the proportion-of-failures likelihood ratio for one or many counts.

    Parameters
    ----------
    n_exceptions : int or ndarray of int, any shape
        Numbers of exceptions, each from 0 to `n_obs`.
    n_obs : int
        Number of observations.
    confidence : float
        Target of the margin, 0.99 for an exception rate of 1 %.

    Returns
    -------
    ndarray of float64, shape of `n_exceptions`
        The ratio, without unit, at least 0; about chi-squared with one degree of freedom.

    Raises
    ------
    ArgumentError
        For a count that is not a whole number from 0 to `n_obs`, no observations, or a confidence outside
        0.5 to 1.

    Notes
    -----
    With x exceptions in n observations and p = 1 - confidence ([1]_, equation for LR of proportion of failures),

    .. math:: LR = 2 [x \\ln(x / (n p)) + (n - x) \\ln((n - x) / (n (1 - p)))], \\quad 0 \\ln 0 = 0.

    Sums of logarithms do not underflow, however long the sample.

    References
    ----------
    .. [1] Kupiec, P. (1995), Techniques for verifying the accuracy of risk measurement models,
       Journal of Derivatives 3(2), 73-84.

    Examples
    --------
    >>> kupiec_statistic(np.array([0, 17]), 1043, confidence=0.99).round(4)
    array([20.965 ,  3.5118])
    """
    n = check_count(n_obs, argument="n_obs", unit="observations")
    p = 1.0 - check_confidence(confidence)
    x = np.asarray(n_exceptions)
    if x.dtype.kind not in "iu" or np.any((x < 0) | (x > n)):
        raise ArgumentError(
            "n_exceptions",
            f"must be whole numbers from 0 to n_obs={n}",
            f"{n_exceptions!r}",
            "pass the number of exceptions first, then the number of observations",
        )
    ratio = 2.0 * (special.rel_entr(x, n * p) + special.rel_entr(n - x, n * (1.0 - p)))
    return np.maximum(np.asarray(ratio, dtype=np.float64), 0.0)  # rounding near x = n p can fall below zero


def kupiec_region(n_obs: int, *, confidence: float, significance: float = SIGNIFICANCE) -> tuple[int, int]:
    """Return the smallest and the largest number of exceptions that are not rejected.

    Parameters
    ----------
    n_obs : int
        Number of observations.
    confidence : float
        Target of the margin.
    significance : float
        Nominal significance of the test, above 0 and at most 0.2; default 0.05.

    Returns
    -------
    tuple of int
        Both ends belong to the region. Too few exceptions are rejected as well as too many.

    Raises
    ------
    ArgumentError
        For no observations, a confidence outside 0.5 to 1, or a significance outside its range.

    Notes
    -----
    The ratio is convex in the count, so that the region has no holes. Printed tables of the region
    (Jorion, Value at Risk, after Kupiec 1995, Table 3) give open ends: "4 < N < 17" is the region (5, 16).

    Examples
    --------
    >>> kupiec_region(250, confidence=0.99)
    (1, 6)
    """
    if not 0.0 < real_number(significance, argument="significance") <= _LARGEST_SIGNIFICANCE:
        raise ArgumentError(
            "significance",
            f"must be above 0 and at most {_LARGEST_SIGNIFICANCE}",
            f"{significance!r}",
            "pass for example significance=0.05",
        )
    n = check_count(n_obs, argument="n_obs", unit="observations")
    statistic = kupiec_statistic(np.arange(n + 1), n, confidence=confidence)
    accepted = np.flatnonzero(statistic <= stats.chi2.isf(significance, 1))
    return int(accepted[0]), int(accepted[-1])


def kupiec_size(n_obs: int, *, confidence: float, significance: float = SIGNIFICANCE) -> float:
    """Return the exact probability that the test rejects a margin that is right.

    Parameters
    ----------
    n_obs : int
        Number of observations.
    confidence : float
        Target of the margin, and its true coverage.
    significance : float
        Nominal significance, above 0 and at most 0.2; default 0.05.

    Returns
    -------
    float
        Probability. It differs from `significance` because counts are whole numbers.

    Raises
    ------
    ArgumentError
        As `kupiec_region`.

    Notes
    -----
    The sum of the binomial probabilities over the rejection region; exact for independent exceptions only.

    Examples
    --------
    >>> round(kupiec_size(250, confidence=0.99), 4)
    0.0948
    """
    return kupiec_power(n_obs, confidence=confidence, alternative=1.0 - confidence, significance=significance)


def kupiec_power(n_obs: int, *, confidence: float, alternative: float, significance: float = SIGNIFICANCE) -> float:
    """Return the exact probability that the test rejects when exceptions come at another rate.

    Parameters
    ----------
    n_obs : int
        Number of observations.
    confidence : float
        Target of the margin.
    alternative : float
        True exception rate, a fraction from 0 to 1; 0.02 is twice the nominal rate of a 99 % margin.
    significance : float
        Nominal significance, above 0 and at most 0.2; default 0.05.

    Returns
    -------
    float
        Probability of a rejection.

    Raises
    ------
    ArgumentError
        As `kupiec_region`, and for an alternative outside 0 to 1.

    Notes
    -----
    The sum of the binomial(n, alternative) probabilities over the rejection region; exact for independent
    exceptions only. Do not compare tests of different size by their power.

    Examples
    --------
    >>> round(kupiec_power(250, confidence=0.99, alternative=0.02), 4)
    0.2427
    """
    lower, upper = kupiec_region(n_obs, confidence=confidence, significance=significance)
    count = stats.binom(n_obs, check_fraction(alternative, argument="alternative"))
    return float(count.cdf(lower - 1) + count.sf(upper))
