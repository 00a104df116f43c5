"""The law of an estimated break date: how far the least-squares date may lie from the true one.

Scaled shifts and errors on both sides of the break enter; quantiles of the distance in scaled rows leave.
"""

import numpy as np
from scipy import optimize, special

__all__ = ["break_date_probability", "break_date_quantile"]


def break_date_probability(distance: float, *, slope_ratio: float = 1.0, scale_ratio: float = 1.0) -> float:
    """Return the chance that the scaled distance of the estimated from the true break is at most `distance`.

    Parameters
    ----------
    distance : float
        Scaled rows, positive after the true break.
    slope_ratio : float
        xi = d'Q2 d / d'Q1 d, how much more the regressors say after the break than before.
    scale_ratio : float
        phi2^2 / phi1^2 with phi_i^2 = d'Omega_i d / d'Q_i d: variance of the errors after over before.

    Notes
    -----
    The distance is the argmax of V(s) = W1(-s) - |s| / 2 for s <= 0 and
    sqrt(xi) (phi2 / phi1) W2(s) - xi s / 2 for s > 0 (Bai 1997, proposition 3). A Brownian motion with drift -1/2
    has an exponential maximum M of rate 1 that is independent of the path after it, so the side of the argmax and
    its distance t follow from P(M2 < M1, t < T_M1) = A(t, 0) - A(t, beta), with T_m the time to reach m,
    A(t, beta) = int_0^inf e^(-beta m) P(t < T_m < inf) dm in closed form, and 1 / beta the mean of the other side's
    maximum. Equal sides give the familiar 11.03 at 97.5 %.

    References
    ----------
    .. [1] Bai (1997), Review of Economics and Statistics 79(4), 551-563.

    Examples
    --------
    >>> round(break_date_probability(11.03), 4)
    0.975
    """
    # In units where its own drift is -1/2 and variance 1, the other side's maximum is exponential of rate beta.
    beta = 1.0 / scale_ratio
    if distance <= 0.0:
        return _beyond(-distance, beta)
    return 1.0 - _beyond(slope_ratio * beta * distance, 1.0 / beta)


def break_date_quantile(probability: float, *, slope_ratio: float = 1.0, scale_ratio: float = 1.0) -> float:
    """Return the scaled distance, in rows, that is exceeded with chance 1 - `probability`.

    Examples
    --------
    >>> round(break_date_quantile(0.95), 2)
    7.69
    """
    far = 400.0 * max(1.0, scale_ratio / slope_ratio)

    def excess(distance: float) -> float:
        return break_date_probability(distance, slope_ratio=slope_ratio, scale_ratio=scale_ratio) - probability

    return float(optimize.brentq(excess, -400.0, far, xtol=1e-10))


def _beyond(t: float, beta: float) -> float:
    """Return P(own maximum is the higher one and is reached after t)."""
    return _integral(t, 0.0) - _integral(t, beta)


def _integral(t: float, beta: float) -> float:
    # int e^(-beta m) [e^(-m) - P(T_m <= t)] dm,
    # where P(T_m <= t) = N(-(m + t/2) / sqrt t) + e^-m N((t/2 - m) / sqrt t).
    root = np.sqrt(t)
    rate = beta + 1.0
    # e^((rate^2 - rate) t / 2) N(root / 2 - rate root), through logarithms: the first factor is huge.
    second = special.ndtr(0.5 * root) - np.exp(0.5 * (rate * rate - rate) * t + special.log_ndtr((0.5 - rate) * root))
    if beta == 0.0:
        first = root * (np.exp(-t / 8.0) / np.sqrt(2.0 * np.pi) - 0.5 * root * special.ndtr(-0.5 * root))
    else:
        tilted = np.exp(0.5 * (beta * beta + beta) * t + special.log_ndtr(-(0.5 + beta) * root))
        first = (special.ndtr(-0.5 * root) - tilted) / beta
    return float(1.0 / rate - first - second / rate)
