"""Standard errors that hold on volatility clusters: from the influence function of a statistic.

A statistic is, to first order, a mean of its influence function; the long-run variance of that mean is
estimated with equal-weighted cosines, as for correlations.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["MeanError", "cosine_error"]


class MeanError(NamedTuple):
    """Standard error of a mean, in its unit, and the degrees of freedom of a t interval with it.

    Attributes
    ----------
    standard_error : float
        Of the mean.
    degrees_of_freedom : int
        Cosine terms.
    """

    standard_error: float
    degrees_of_freedom: int


def cosine_error(influence: np.ndarray) -> MeanError:
    """Return the standard error of the mean of serially dependent values.

    Parameters
    ----------
    influence : ndarray, shape (n,)
        In order of time, any unit.

    Returns
    -------
    MeanError
        With max(3, 0.4 n^(2/3)) terms.

    Notes
    -----
    The mean square of sqrt(2/n) sum_t x_t cos(pi j (t - 1/2) / n) over j estimates the long-run variance [1]_;
    independent values are the special case.

    References
    ----------
    .. [1] Lazarus, E., Lewis, D. J., Stock, J. H. and Watson, M. W. (2018). HAR inference: recommendations for
       practice. Journal of Business & Economic Statistics 36, 541-559.

    Examples
    --------
    >>> error = cosine_error(np.random.default_rng(1).normal(size=10_000))
    >>> round(100 * error.standard_error, 1), error.degrees_of_freedom
    (0.9, 185)
    """
    n = len(influence)
    terms = max(3, int(0.4 * n ** (2.0 / 3.0) + 1e-9))
    j = np.arange(1, terms + 1)[:, None]
    cosines = np.cos(np.pi * j * (np.arange(n) + 0.5) / n)
    projections = np.sqrt(2.0 / n) * (cosines @ influence)
    return MeanError(float(np.sqrt((projections**2).mean() / n)), terms)
