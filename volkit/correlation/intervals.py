"""Intervals of a correlation that hold on fat tails and volatility clusters: plain arrays in, plain arrays out.

Fisher's interval takes the pairs for independent and normal; on daily crypto returns its 95 % cover about
80 %. Here the variance of atanh(r) is estimated from its influence function instead.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = [
    "ON_A_LINE",
    "CorrelationBand",
    "atanh_band",
    "cosine_terms",
    "ewc_band",
    "ewc_freedom",
    "ewc_variance",
    "standardize",
]

# 1 - r^2 below this is rounding: the pairs lie on a line, and the influence function is 0 / 0.
ON_A_LINE = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class CorrelationBand:
    """Correlations and their limits, arrays of shape (n_windows,), no unit; NaN where a side is constant.

    Attributes
    ----------
    correlation, lower, upper : ndarray
        From -1 to 1.
    standard_error : ndarray
        Of atanh(correlation).
    degrees_of_freedom : ndarray
        Of the t quantile.
    """

    correlation: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    standard_error: np.ndarray
    degrees_of_freedom: np.ndarray


def cosine_terms(n: int) -> int:
    """Return the number of cosine terms of n observations, 0.4 n^(2/3) rounded down and at least 3.

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
    influence function of atanh(r). A large pair pulls r towards itself and so hides part of its influence: of the
    share h_t = (x_t^2 + y_t^2) / (2 n), half is put back, psi_t (1 + h_t / 2), as the correction HC2 does in a
    regression. `ewc_variance` of that is the squared standard error, and the interval
    atanh(r) +- t se, brought back [1]_. The t quantile has `ewc_freedom` degrees of freedom, which fat tails make
    fewer than the cosine terms. Rows on a line (r = +-1) have a standard error of 0.

    In simulation (r = 0.4, 8,000 draws, n of 30, 90 and 250) 95 % intervals cover 95.4 to 95.7 % on independent
    normal changes, 95.7 to 96.0 % on t5 and 94.0 to 95.8 % on GARCH(0.10, 0.87) with t5, where Fisher's cover 95,
    80 to 89 and 80 to 90 %. Not for a window with a single large move: that one pair then sets both value and width.

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
    (0.35, 0.46, 0.56)
    """
    u, v = standardize(x), standardize(y)
    r = np.clip((u * v).mean(axis=-1), -1.0, 1.0)
    on_a_line = 1.0 - r**2 < ON_A_LINE
    slack = np.where(on_a_line, 1.0, 1.0 - r**2)
    psi = (u * v - 0.5 * r[:, None] * (u**2 + v**2)) / slack[:, None]
    psi = psi * (1.0 + 0.25 * (u**2 + v**2) / x.shape[-1])
    standard_error = np.where(on_a_line, 0.0, np.sqrt(ewc_variance(psi)))
    return atanh_band(r, standard_error, degrees_of_freedom=ewc_freedom(psi), confidence=confidence)


def ewc_variance(influence: np.ndarray, *, terms: int | None = None) -> np.ndarray:
    """Return the equal-weighted-cosine variance of the mean of each row's influence function.

    Parameters
    ----------
    influence : ndarray, shape (..., n)
        Influence of each observation on the estimate, in order of time, any unit; complete.
    terms : int, optional
        Cosines; by default `cosine_terms(n)`.

    Returns
    -------
    ndarray, shape (...)
        Squared unit of the influence: the squared standard error, with `cosine_terms(n)` degrees of freedom for the
        t quantile. NaN where a value is NaN.

    Notes
    -----
    With nu = 0.4 n^(2/3) cosine terms Lambda_j = sqrt(2/n) sum_t psi_t cos(pi j (t - 1/2) / n), the long-run
    variance is Omega = mean Lambda_j^2 and the variance of the mean Omega / n (Lazarus, Lewis, Stock and Watson,
    JBES 2018, equations 3 and 4). The level of psi drops out: cosines sum to zero.

    Examples
    --------
    >>> psi = np.random.default_rng(1).standard_normal(1000)
    >>> float(np.sqrt(ewc_variance(psi)).round(3))  # 1 / sqrt(1000) is 0.032
    0.032
    """
    n = influence.shape[-1]
    nu = cosine_terms(n) if terms is None else terms
    cosines = np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(1, nu + 1)) / n)
    omega = (2.0 / n) * ((influence @ cosines) ** 2).mean(axis=-1)
    return np.asarray(omega / n)


def ewc_freedom(influence: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom that `ewc_variance` of each row has.

    Parameters
    ----------
    influence : ndarray, shape (..., n)
        Influence of each observation on the estimate, any unit; complete.

    Returns
    -------
    ndarray, shape (...)
        From 1 to the number of cosine terms; a row of equal values has as many as there are terms.

    Notes
    -----
    A chi-squared law with as many degrees of freedom as cosine terms holds for normal influences. Of independent
    ones with excess kurtosis k, the mean of the squared terms has the relative variance
    2 / nu + k / n (1 + 1 / (2 nu)); matched to that of a chi-squared law (Satterthwaite), the degrees of freedom are
    2 over it. The influence on a correlation is a product and far from normal: k is 6 for normal changes with r = 0
    and has no limit on fat tails.

    Examples
    --------
    >>> spiked = np.zeros(250)
    >>> spiked[100] = 1.0
    >>> float(ewc_freedom(spiked).round(1)), cosine_terms(250)
    (1.7, 15)
    """
    n = influence.shape[-1]
    nu = cosine_terms(n)
    deviation = influence - influence.mean(axis=-1, keepdims=True)
    square = (deviation**2).mean(axis=-1)
    flat = square == 0.0
    excess = np.where(flat, 0.0, (deviation**4).mean(axis=-1) / np.where(flat, 1.0, square) ** 2 - 3.0)
    relative_variance = 2.0 / nu + np.maximum(excess, 0.0) / n * (1.0 + 0.5 / nu)
    return np.asarray(np.maximum(2.0 / relative_variance, 1.0))


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
        degrees_of_freedom=np.where(missing, np.nan, degrees_of_freedom),
    )


def standardize(values: np.ndarray) -> np.ndarray:
    """Return values (any unit, shape (..., n)) over their standard deviation along the last axis, less their mean.

    NaN where they are constant.

    Examples
    --------
    >>> standardize(np.array([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    """
    # Constancy is asked of the raw values: their deviations from a rounded mean may be tiny but not zero.
    constant = np.ptp(values, axis=-1, keepdims=True) == 0.0
    deviation = values - values.mean(axis=-1, keepdims=True)
    # Divided by the largest one first, so that squares neither overflow nor vanish whatever the unit.
    largest = np.abs(deviation).max(axis=-1, keepdims=True)
    deviation = deviation / np.where(constant, np.nan, largest)
    return np.asarray(deviation / np.sqrt((deviation**2).mean(axis=-1, keepdims=True)))
