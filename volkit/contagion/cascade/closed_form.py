"""Cascades in closed form: liquidation levels of uniform density under linear and square-root impact."""

from typing import NamedTuple

import numpy as np

from volkit.checks import check_positive
from volkit.errors import ArgumentError

__all__ = ["ClosedCascade", "linear_cascade", "square_root_cascade"]


class ClosedCascade(NamedTuple):
    """Where a cascade ends.

    Attributes
    ----------
    drop : float
        Total fall of the log price; infinite when nothing stops it.
    amplification : float
        Drop over the shock.
    liquidated_share : float
        Share of the coins within the span that is liquidated.
    """

    drop: float
    amplification: float
    liquidated_share: float


def linear_cascade(shock: float, *, feedback: float, span: float = np.inf) -> ClosedCascade:
    """Return the end of a cascade under linear impact.

    Parameters
    ----------
    shock : float
        Exogenous fall of the log price, positive.
    feedback : float
        Log move per coin times coins liquidated per unit of log price: lambda rho, 0 or more.
    span : float
        Log distance over which the levels lie, from the price down; infinite by default.

    Returns
    -------
    ClosedCascade

    Raises
    ------
    ArgumentError
        For numbers out of range.

    Notes
    -----
    Each fall d liquidates rho d coins, which move the price by lambda rho d more: a geometric series with the sum
    s / (1 - lambda rho). From lambda rho = 1 on any shock liquidates everybody; the fall is then s + lambda rho x span.

    Examples
    --------
    >>> linear_cascade(0.1, feedback=0.5, span=1.0)
    ClosedCascade(drop=0.2, amplification=2.0, liquidated_share=0.2)
    >>> linear_cascade(0.01, feedback=1.2, span=1.0).drop
    1.21
    """
    s, k = _check_shock(shock), float(feedback)
    if not 0.0 <= k < np.inf:
        raise ArgumentError("feedback", "must be a finite number of at least 0", f"{feedback!r}", "pass lambda x rho")
    length = _check_span(span)
    drop = s / (1.0 - k) if k < 1.0 else np.inf
    if drop > length:
        drop = s + k * length
    return ClosedCascade(float(drop), float(drop / s), _share(drop, length))


def square_root_cascade(shock: float, *, coefficient: float, density: float, span: float = np.inf) -> ClosedCascade:
    """Return the end of a cascade under the square-root law.

    Parameters
    ----------
    shock : float
        Exogenous fall of the log price, positive.
    coefficient : float
        Log move per root of a coin, Y sigma / sqrt(V): `SquareRootImpact.coefficient`, 0 or more.
    density : float
        Coins liquidated per unit of log price, positive.
    span : float
        Log distance over which the levels lie, from the price down; infinite by default.

    Returns
    -------
    ClosedCascade

    Raises
    ------
    ArgumentError
        For numbers out of range.

    Notes
    -----
    The fall d solves d = s + c sqrt(rho d), a quadratic in sqrt(d). Unlike under linear impact there is always an end,
    as a doubled sale moves the price less than twice as far.

    Examples
    --------
    >>> round(square_root_cascade(0.05, coefficient=0.04 / 100_000**0.5, density=30_000).drop, 6)
    0.055145
    """
    s, c = _check_shock(shock), float(coefficient)
    if not 0.0 <= c < np.inf:
        rule = "must be a finite number of at least 0"
        raise ArgumentError("coefficient", rule, f"{coefficient!r}", "pass SquareRootImpact(...).coefficient")
    rho = check_positive(density, argument="density", unit="coins per unit of log price")
    length, b = _check_span(span), c * np.sqrt(rho)
    drop = (0.5 * (b + np.sqrt(b * b + 4.0 * s))) ** 2
    if drop > length:
        drop = s + c * np.sqrt(rho * length)
    return ClosedCascade(float(drop), float(drop / s), _share(drop, length))


def _check_shock(shock: float) -> float:
    return check_positive(shock, argument="shock", unit="fall of the log price")


def _check_span(span: float) -> float:
    if not float(span) > 0.0:
        raise ArgumentError("span", "must be a positive log distance", f"{span!r}", "leave it out where it has no end")
    return float(span)


def _share(drop: float, span: float) -> float:
    return float(min(drop / span, 1.0)) if span < np.inf else float(np.isinf(drop))
