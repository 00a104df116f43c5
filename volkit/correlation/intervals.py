"""Intervals of a correlation that hold on fat tails and volatility clusters: plain arrays in, plain arrays out.

Fisher's interval takes the pairs for independent and normal; on daily crypto returns its 95 % cover about
80 %. Here the variance of atanh(r) is estimated from its influence function instead.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["CorrelationBand", "atanh_band", "cosine_terms", "ewc_band"]

# 1 - r^2 below this is rounding: the pairs lie on a line, and the influence function is 0 / 0.
_ON_A_LINE = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class CorrelationBand:
    """Correlations and their limits, arrays of shape (n_windows,), no unit; NaN where a side is constant.

    Attributes
    ----------
    correlation, lower, upper : ndarray
        From -1 to 1.
    standard_error : ndarray
        Of atanh(correlation).
    """

    correlation: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    standard_error: np.ndarray


def cosine_terms(n: int) -> int:
    """Return the number of cosine terms, 0.4 n^(2/3) rounded down and at least 3: the degrees of freedom.

    Examples
    --------
    >>> [cosine_terms(n) for n in (20, 30, 90, 250)]
    [3, 3, 8, 15]
    """
    # The small number keeps an exact power such as 1000^(2/3) = 100 from being rounded down to 99.99...
    return max(3, int(0.4 * n ** (2.0 / 3.0) + 1e-9))


def ewc_band(x: np.ndarray, y: np.ndarray, *, confidence: float) -> CorrelationBand:
    """Return Pearson correlations with equal-weighted-cosine intervals, one per row.

    Parameters
    ----------
    x, y : ndarray, shape (n_windows, n)
        Complete changes in any unit, in order of time.
    confidence : float
        Of the two-sided interval, fraction.

    Returns
    -------
    CorrelationBand
        Arrays of shape (n_windows,).

    Notes
    -----
    With the window's own standardised values, psi_t = (x_t y_t - r/2 (x_t^2 + y_t^2)) / (1 - r^2) is the
    influence function of atanh(r). With nu = 0.4 n^(2/3) cosine terms
    Lambda_j = sqrt(2/n) sum_t psi_t cos(pi j (t - 1/2) / n), its long-run variance is Omega = mean Lambda_j^2,
    and atanh(r) +- t_nu sqrt(Omega / n) the interval [1]_. Rows on a line (r = +-1) have a standard error of 0.

    In simulation (r = 0.4, 4,000 draws, n of 90 and 250) 95 % intervals cover 94 to 95 % on independent normal
    changes, 93 to 94 % on t5 and 91 to 93 % on GARCH(0.10, 0.87) with t5, where Fisher's cover 95, 81 to 83 and
    81 to 85 %. Not for a window with a single large move: that one pair then sets both value and width.

    References
    ----------
    .. [1] Lazarus, Lewis, Stock and Watson (2018), "HAR inference: recommendations for practice",
       Journal of Business & Economic Statistics 36(4), 541-559.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.standard_normal((2, 1, 250))
    >>> band = ewc_band(x, 0.4 * x + 0.9 * y, confidence=0.95)
    >>> round(float(band.lower[0]), 2), round(float(band.correlation[0]), 2), round(float(band.upper[0]), 2)
    (0.36, 0.46, 0.56)
    """
    n = x.shape[-1]
    nu = cosine_terms(n)
    u, v = _standardize(x), _standardize(y)
    r = np.clip((u * v).mean(axis=-1), -1.0, 1.0)
    on_a_line = 1.0 - r**2 < _ON_A_LINE
    slack = np.where(on_a_line, 1.0, 1.0 - r**2)
    psi = (u * v - 0.5 * r[:, None] * (u**2 + v**2)) / slack[:, None]
    cosines = np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(1, nu + 1)) / n)
    omega = (2.0 / n) * ((psi @ cosines) ** 2).mean(axis=-1)
    standard_error = np.where(on_a_line, 0.0, np.sqrt(omega / n))
    return atanh_band(r, standard_error, degrees_of_freedom=nu, confidence=confidence)


def atanh_band(
    correlation: np.ndarray, standard_error: np.ndarray, *, degrees_of_freedom: float | np.ndarray, confidence: float
) -> CorrelationBand:
    """Return tanh(atanh r +- t se): a symmetric interval of atanh(r), brought back.

    Parameters
    ----------
    correlation, standard_error : ndarray, shape (n_windows,)
        The second of atanh(r), 0 where r is -1 or 1.
    degrees_of_freedom : float or ndarray
        Of the t quantile.
    confidence : float
        Fraction, two-sided.

    Returns
    -------
    CorrelationBand
        Shape (n_windows,); NaN where the correlation is.

    Examples
    --------
    >>> band = atanh_band(np.array([0.0]), np.array([0.1]), degrees_of_freedom=8, confidence=0.95)
    >>> round(float(band.upper[0]), 4)
    0.2266
    """
    half = stats.t.ppf(0.5 * (1.0 + confidence), degrees_of_freedom) * standard_error
    # atanh(1) is infinite; such a row has no width, and the limits are the correlation itself.
    inside = np.where(np.abs(correlation) < 1.0, correlation, 0.0)
    flat = standard_error == 0.0
    lower = np.where(flat, correlation, np.tanh(np.arctanh(inside) - half))
    upper = np.where(flat, correlation, np.tanh(np.arctanh(inside) + half))
    missing = np.isnan(correlation)
    return CorrelationBand(
        correlation=correlation,
        lower=np.where(missing, np.nan, lower),
        upper=np.where(missing, np.nan, upper),
        standard_error=np.where(missing, np.nan, standard_error),
    )


def _standardize(values: np.ndarray) -> np.ndarray:
    # Constancy is asked of the raw values: their deviations from a rounded mean may be tiny but not zero.
    constant = np.ptp(values, axis=-1, keepdims=True) == 0.0
    deviation = values - values.mean(axis=-1, keepdims=True)
    # Divided by the largest one first, so that squares neither overflow nor vanish whatever the unit.
    largest = np.abs(deviation).max(axis=-1, keepdims=True)
    deviation = deviation / np.where(constant, np.nan, largest)
    return np.asarray(deviation / np.sqrt((deviation**2).mean(axis=-1, keepdims=True)))
