"""Probability that an insurance fund is used up: closed forms, and any law of claims with bounds or an interval.

A fund, its income and the claims on it (USD) enter; probabilities leave. `fund_ruin` takes a sample of claims.
"""

import numpy as np
from scipy import special

from volkit.checks import check_positive
from volkit.errors import ArgumentError
from volkit.solvency.default.inputs import check_amount

__all__ = ["exponential_claims_ruin", "ruin_probability"]


def ruin_probability(fund: float, *, income: float, volatility: float, horizon: float | None = None) -> float:
    """Return the probability that a fund in Brownian motion with drift is used up.

    Parameters
    ----------
    fund : float
        USD, at least 0.
    income : float
        Net income a period, USD; may be negative.
    volatility : float
        Standard deviation of the fund's change over a period, USD, positive.
    horizon : float, optional
        Periods; None for ever.

    Returns
    -------
    float
        Of reaching 0 at any time up to the horizon.

    Raises
    ------
    ArgumentError
        For a negative fund, a volatility or horizon that is not positive, or an income that is not finite.

    Notes
    -----
    With b the fund, mu income and s volatility, P(T) = N((-b - mu T) / (s sqrt T)) + exp(-2 mu b / s^2)
    N((-b + mu T) / (s sqrt T)), the first passage of Brownian motion (inverse Gaussian) [1]_, and for ever
    exp(-2 mu b / s^2), or 1 without positive income. Claims come in jumps: for few and large ones use `fund_ruin`.

    References
    ----------
    .. [1] Borodin and Salminen (2002), Handbook of Brownian Motion, 2nd ed., part II, 2.0.2.

    Examples
    --------
    >>> round(ruin_probability(100.0, income=20.0, volatility=80.0, horizon=1.0), 6)
    0.151729
    >>> round(ruin_probability(100.0, income=20.0, volatility=80.0), 6)
    0.535261
    """
    b = check_amount(fund, argument="fund")
    s = check_positive(volatility, argument="volatility", unit="USD a period")
    mu = float(income)
    if not np.isfinite(mu):
        raise ArgumentError("income", "must be a finite number (USD a period)", f"{income!r}", "pass 0.0 for none")
    if horizon is None:
        return float(np.exp(-2.0 * max(mu, 0.0) * b / s**2))
    T = check_positive(horizon, argument="horizon", unit="periods")
    root = s * T**0.5
    # The exponential may overflow where the normal probability beside it underflows: their logarithms add.
    reflected = np.exp(-2.0 * mu * b / s**2 + special.log_ndtr((-b + mu * T) / root))
    return float(min(special.ndtr((-b - mu * T) / root) + reflected, 1.0))


def exponential_claims_ruin(fund: float, *, loading: float, mean_claim: float) -> float:
    """Return the probability that exponential claims ever use up a fund (Cramer and Lundberg).

    Parameters
    ----------
    fund : float
        USD, at least 0.
    loading : float
        Income over expected claims less 1, decimal; at 0 and below ruin is certain.
    mean_claim : float
        USD, positive.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        For a negative fund, a mean claim that is not positive, or a loading that is not finite.

    Notes
    -----
    psi(u) = exp(-theta u / ((1 + theta) m)) / (1 + theta) for Poisson claims, whatever their rate [1]_.

    References
    ----------
    .. [1] Asmussen and Albrecher (2010), Ruin Probabilities, 2nd ed., corollary IV.3.2.

    Examples
    --------
    >>> round(exponential_claims_ruin(10.0, loading=0.2, mean_claim=1.0), 6)
    0.157396
    """
    u = check_amount(fund, argument="fund")
    m = check_positive(mean_claim, argument="mean_claim", unit="USD")
    theta = float(loading)
    if not -1.0 <= theta < np.inf:
        raise ArgumentError("loading", "must be a finite decimal of at least -1", f"{loading!r}", "pass 0.2 for 20 %")
    if theta <= 0.0:
        return 1.0
    return float(np.exp(-theta * u / ((1.0 + theta) * m)) / (1.0 + theta))
