"""Adjusted p-values of a family of hypotheses: plain arrays in, plain arrays out.

Of many true hypotheses some p-value is small by chance. `benjamini_yekutieli` holds under any dependence and is the
default for pairs of one sample; `romano_wolf` learns the dependence from bootstrap draws, and loses less power.
"""

import numpy as np

from volkit.errors import ArgumentError, DataError

__all__ = ["benjamini_hochberg", "benjamini_yekutieli", "holm", "romano_wolf"]


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for the chance of any false rejection, under any dependence.

    Parameters
    ----------
    p_values : ndarray, shape (n_hypotheses,)
        From 0 to 1; NaN is no hypothesis and stays NaN.

    Returns
    -------
    ndarray, shape (n_hypotheses,)
        From 0 to 1, in the order given.

    Raises
    ------
    DataError
        For a p-value outside 0 to 1 or an array of another shape.

    Notes
    -----
    For p_(1) <= ... <= p_(m): max over j <= i of (m - j + 1) p_(j) [1]_.

    References
    ----------
    .. [1] Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p, order, known = _in_order(p_values)
    steps = np.maximum.accumulate(p * np.arange(len(p), 0, -1))
    return _put_back(steps, order, known)


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for the share of false rejections, under independence or positive dependence.

    Parameters
    ----------
    p_values : ndarray, shape (n_hypotheses,)
        From 0 to 1; NaN is no hypothesis and stays NaN.

    Returns
    -------
    ndarray, shape (n_hypotheses,)
        From 0 to 1, in the order given.

    Raises
    ------
    DataError
        As `holm`.

    Notes
    -----
    min over j >= i of m p_(j) / j [1]_.

    References
    ----------
    .. [1] Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57(1), 289-300.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p, order, known = _in_order(p_values)
    return _put_back(_step_up(p), order, known)


def benjamini_yekutieli(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for the share of false rejections, under any dependence.

    Parameters
    ----------
    p_values : ndarray, shape (n_hypotheses,)
        From 0 to 1; NaN is no hypothesis and stays NaN.

    Returns
    -------
    ndarray, shape (n_hypotheses,)
        From 0 to 1, in the order given.

    Raises
    ------
    DataError
        As `holm`.

    Notes
    -----
    Benjamini and Hochberg's times 1 + 1/2 + ... + 1/m [1]_.

    References
    ----------
    .. [1] Benjamini and Yekutieli (2001), Annals of Statistics 29(4), 1165-1188, theorem 1.3.

    Examples
    --------
    >>> benjamini_yekutieli(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.055, 0.0733, 0.0733]
    """
    p, order, known = _in_order(p_values)
    return _put_back(_step_up(p) * np.sum(1.0 / np.arange(1, len(p) + 1)), order, known)


def romano_wolf(statistics: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return step-down p-values adjusted for the chance of any false rejection, with the dependence of the draws.

    Parameters
    ----------
    statistics : ndarray, shape (n_hypotheses,)
        Studentised, larger is stronger evidence (absolute values for two sides); NaN is no hypothesis.
    draws : ndarray, shape (n_draws, n_hypotheses)
        The same statistics in a world where every hypothesis is true: bootstrap draws, centred at the estimate.

    Returns
    -------
    ndarray, shape (n_hypotheses,)
        From 1 / (n_draws + 1) to 1, in the order given; NaN where the statistic is.

    Raises
    ------
    ArgumentError
        When the draws do not fit the statistics, or are missing where a statistic is not.

    Notes
    -----
    With the hypotheses in order of falling statistic t_(1) >= ..., p_(i) = max over j <= i of
    (1 + #{draws: max over k >= j of t*_(k) >= t_(j)}) / (n_draws + 1) [1]_.

    References
    ----------
    .. [1] Romano and Wolf (2005), Econometrica 73(4), 1237-1282; (2016), Statistics & Probability Letters 113,
       38-40, algorithm 2.1.

    Examples
    --------
    >>> draws = np.abs(np.random.default_rng(1).standard_normal((999, 3)))
    >>> romano_wolf(np.array([4.0, 1.0, 0.2]), draws).round(2).tolist()
    [0.0, 0.54, 0.84]
    """
    t, null = np.asarray(statistics, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    known = np.isfinite(t)
    if null.ndim != 2 or null.shape[1:] != t.shape or not len(null) or not np.isfinite(null[:, known]).all():
        remedy = "pass one column of finite draws a hypothesis"
        raise ArgumentError("draws", f"must have shape (n_draws, {t.size})", f"shape {null.shape}", remedy)
    order = np.argsort(-t[known], kind="stable")
    ordered, null = t[known][order], null[:, known][:, order]
    # From the weakest hypothesis up: the largest statistic among those not yet rejected, draw by draw.
    largest = np.maximum.accumulate(null[:, ::-1], axis=1)[:, ::-1]
    p = (1.0 + (largest >= ordered).sum(axis=0)) / (len(null) + 1.0)
    return _put_back(np.maximum.accumulate(p), order, known)


def _step_up(p: np.ndarray) -> np.ndarray:
    m = len(p)
    scaled = p * m / np.arange(1, m + 1)
    return np.asarray(np.minimum.accumulate(scaled[::-1])[::-1])


def _in_order(p_values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    if p.ndim != 1 or ((p[known] < 0.0) | (p[known] > 1.0)).any():
        got = f"shape {p.shape}" if p.ndim != 1 else f"{p[known].min():g} to {p[known].max():g}"
        raise DataError("p_values", "must be one row of numbers from 0 to 1", got, "pass p-values, not statistics")
    order = np.argsort(p[known], kind="stable")
    return p[known][order], order, known


def _put_back(adjusted: np.ndarray, order: np.ndarray, known: np.ndarray) -> np.ndarray:
    inner = np.empty(len(order))
    inner[order] = np.minimum(adjusted, 1.0)
    outer = np.full(len(known), np.nan)
    outer[known] = inner
    return outer
