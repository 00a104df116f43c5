"""Rank and threshold correlations of plain arrays, with what each row does to them.

The influence function is what an interval needs: the variance of its mean is that of the estimate, also where rows
depend on each other.
"""

from dataclasses import dataclass

import numpy as np

from volkit.errors import DataError
from volkit.kernels import load_kernels

__all__ = ["Influence", "gerber_influence", "kendall_influence", "spearman_influence"]


@dataclass(frozen=True, eq=False, slots=True)
class Influence:
    """An estimate and what each row does to it.

    Attributes
    ----------
    correlation : float
        No unit, from -1 to 1.
    influence : ndarray, shape (n,)
        Of each row on the correlation, with any constant added; its mean's variance is that of the estimate.
    """

    correlation: float
    influence: np.ndarray


def spearman_influence(x: np.ndarray, y: np.ndarray) -> Influence:
    """Return Spearman's correlation with the influence of each row.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Complete changes in any unit, neither constant.

    Returns
    -------
    Influence
        No unit.

    Notes
    -----
    With centred average ranks a and b over n, C = mean(a b), A = mean(a^2), B = mean(b^2), r = C / sqrt(A B).
    A row moves C as a pair of ranks and by moving the ranks of all others,
    psi_C = a b + E[sign(X - x) b(Y)] / 2 + E[sign(Y - y) a(X)] / 2, and A likewise,
    psi_A = a^2 + E[sign(X - x) a(X)], which is constant without ties. The influence on r is
    psi_C / sqrt(A B) - r / 2 (psi_A / A + psi_B / B).

    Examples
    --------
    >>> x = np.array([0.1, -0.2, 0.4, 0.3])
    >>> round(spearman_influence(x, np.array([0.2, -0.1, 0.1, 0.3])).correlation, 3)
    0.4
    """
    a, b = _centred_ranks(x), _centred_ranks(y)
    A, B, C = (a * a).mean(), (b * b).mean(), (a * b).mean()
    r = C / np.sqrt(A * B)
    psi_C = a * b + _mean_sign_above(x, b) / 2.0 + _mean_sign_above(y, a) / 2.0
    psi_A, psi_B = a * a + _mean_sign_above(x, a), b * b + _mean_sign_above(y, b)
    return Influence(_within_one(r), psi_C / np.sqrt(A * B) - 0.5 * r * (psi_A / A + psi_B / B))


def kendall_influence(x: np.ndarray, y: np.ndarray) -> Influence:
    """Return Kendall's tau-b with the influence of each row.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Complete changes in any unit, neither constant.

    Returns
    -------
    Influence
        No unit.

    Notes
    -----
    tau-b = S / sqrt(U V), S the mean over pairs of rows of sign(x_i - x_k) sign(y_i - y_k), U and V the shares of
    pairs that differ in x and in y. Each is a U-statistic: with s_i the mean of its kernel over the pairs of row i,
    its influence is 2 s_i (Hoeffding's projection), and that on tau-b 2 s / sqrt(U V) - tau (u / U + v / V).

    Examples
    --------
    >>> x = np.array([0.1, -0.2, 0.4, 0.3])
    >>> round(kendall_influence(x, np.array([0.2, -0.1, 0.1, 0.3])).correlation, 3)
    0.333
    """
    n = len(x)
    codes_x, counts_x = np.unique(x, return_inverse=True, return_counts=True)[1:]
    codes_y, counts_y = np.unique(y, return_inverse=True, return_counts=True)[1:]
    concordance = load_kernels("volkit.correlation.windows._concordance").concordance
    s = np.zeros(n, dtype=np.int64)
    order = np.argsort(codes_x, kind="stable")
    for sign, rows in ((1, order), (-1, np.ascontiguousarray(order[::-1]))):
        concordance(codes_x, codes_y, rows, sign, np.zeros(len(counts_y) + 1, dtype=np.int64), s)
    u, v = n - counts_x[codes_x], n - counts_y[codes_y]
    S, U, V = s.mean(), u.mean(), v.mean()
    tau = S / np.sqrt(U * V)
    return Influence(_within_one(tau), 2.0 * s / np.sqrt(U * V) - tau * (u / U + v / V))


def gerber_influence(x: np.ndarray, y: np.ndarray, *, threshold: float) -> Influence:
    """Return the Gerber statistic with the influence of each row.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Complete changes in any unit, neither constant.
    threshold : float
        In standard deviations (n - 1 in the denominator) of each series, about zero.

    Returns
    -------
    Influence
        No unit.

    Raises
    ------
    DataError
        When no row reaches the threshold on either side.

    Notes
    -----
    A change is up (U) from +c s on, down (D) from -c s on, else neutral (N). With d = 1 on rows UU and DD, -1 on UD
    and DU, and m = 0 on NN, else 1,

        g = (n_UU + n_DD - n_UD - n_DU) / (T - n_NN) = sum d / sum m,

    the statistic of [1]_. (Earlier drafts divide by n_UU + n_DD + n_UD + n_DU, which is larger in size.) Its
    influence is that of a ratio, (d - g m) / mean(m), with the thresholds taken as known.

    References
    ----------
    .. [1] Gerber, Markowitz, Ernst, Miao, Javid and Sargen (2022), "The Gerber statistic: a robust co-movement
       measure for portfolio optimization", Journal of Portfolio Management 48(3), 87-102.

    Examples
    --------
    >>> x = np.array([2.0, -2.0, 0.1, 2.0, 0.0, -2.0])
    >>> y = np.array([1.0, -1.0, 1.0, -1.0, 0.0, -1.0])
    >>> gerber_influence(x, y, threshold=0.5).correlation  # (3 - 1) / (6 - 1)
    0.4
    """
    up_down = [np.sign(a) * (np.abs(a) >= threshold * a.std(ddof=1)) for a in (x, y)]
    d = up_down[0] * up_down[1]
    m = (up_down[0] != 0.0) | (up_down[1] != 0.0)
    if not m.any():
        got = f"no row of {len(x)} beyond {threshold:g} standard deviations"
        raise DataError("threshold", "must be reached by some row", got, "pass threshold=0.5")
    g = d.sum() / m.sum()
    return Influence(float(g), (d - g * m) / m.mean())


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Average ranks over n, less their mean, shape (n,): from -1/2 to 1/2."""
    n = len(values)
    codes, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    doubled = 2 * np.cumsum(counts) - counts - n
    return np.asarray(doubled[codes] / (2.0 * n))


def _mean_sign_above(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each row the mean over all rows k of sign(values_k - value) weights_k, shape (n,)."""
    codes = np.unique(values, return_inverse=True)[1]
    sums = np.bincount(codes, weights)
    below_or_equal = np.cumsum(sums)
    above, below = below_or_equal[-1] - below_or_equal, below_or_equal - sums
    return np.asarray((above - below)[codes] / len(values))


def _within_one(correlation: float) -> float:
    return float(min(max(correlation, -1.0), 1.0))
