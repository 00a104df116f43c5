"""Collateral haircuts over a liquidation horizon, given that the position it stands for loses (wrong-way risk).

A volatility, a correlation and a cost of selling enter (or joint losses); a `CollateralHaircut` leaves. Haircuts are
fractions of the collateral's value today.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import integrate, special
from scipy.optimize import brentq

from volkit.checks import check_choice, check_confidence, check_positive, real_number
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.formatting import percent_to
from volkit.margin.rates import require_tail, tail_of_losses
from volkit.results import ResultDisplay

__all__ = ["CollateralHaircut", "collateral_haircut", "haircut_of_losses"]

Measure = Literal["value_at_risk", "expected_shortfall"]
_MEASURES = ("value_at_risk", "expected_shortfall")
# Standard units within which a quantile is looked for: far out in the tail of a t with barely two degrees.
_FARTHEST = 1e12
_PANELS = 30


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CollateralHaircut(ResultDisplay):
    """A haircut with what it is made of, fractions of the collateral's value.

    Attributes
    ----------
    value_at_risk, expected_shortfall : float
        Of the collateral over the horizon, given that the position loses.
    unconditional_value_at_risk, unconditional_expected_shortfall : float
        The same without the condition.
    cost : float
        Of selling the collateral, fraction of what it is then worth.
    measure : {"value_at_risk", "expected_shortfall"}
        The one that the haircut is made from.
    confidence : float
        Of the measure.
    trigger : float
        Confidence of the position's loss beyond which the condition holds; 0.5 for any loss of a symmetric law.
    correlation : float
        Of the losses of collateral and position.
    method : str
        Law or data, in words.
    n_obs : int
        Scenarios in the condition; 0 for a law.
    """

    value_at_risk: float
    expected_shortfall: float
    unconditional_value_at_risk: float
    unconditional_expected_shortfall: float
    cost: float
    measure: Measure
    confidence: float
    trigger: float
    correlation: float
    method: str
    n_obs: int

    @property
    def haircut(self) -> float:
        """1 - (1 - loss)(1 - cost): what a sale at the tail price brings less than today's value."""
        return _with_cost(getattr(self, self.measure), self.cost)

    @property
    def unconditional_haircut(self) -> float:
        """The haircut that does not ask whether the position loses."""
        return _with_cost(getattr(self, f"unconditional_{self.measure}"), self.cost)

    @property
    def wrong_way_add_on(self) -> float:
        """Haircut less the unconditional one."""
        return self.haircut - self.unconditional_haircut

    @property
    def headline(self) -> str:
        """Haircut, its wrong-way part and the law in one line."""
        return (
            f"haircut {percent_to(self.haircut, 2)} at {self.confidence:.4g}, of which wrong-way "
            f"{percent_to(self.wrong_way_add_on, 2, signed=True)} "
            f"(correlation {self.correlation:.2f}); {self.method}"
        )

    def summary(self) -> pd.DataFrame:
        """Return tail measures, cost and haircuts (fractions), given that the position loses and without that."""
        rows = {
            "value at risk (fraction)": (self.value_at_risk, self.unconditional_value_at_risk),
            "expected shortfall (fraction)": (self.expected_shortfall, self.unconditional_expected_shortfall),
            "cost of selling (fraction)": (self.cost, self.cost),
            "haircut (fraction)": (self.haircut, self.unconditional_haircut),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["position loses", "unconditional"])

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def collateral_haircut(
    *,
    volatility: float,
    correlation: float,
    horizon: float,
    confidence: float,
    trigger: float = 0.5,
    cost: float = 0.0,
    degrees_of_freedom: float | None = None,
    measure: Measure = "value_at_risk",
) -> CollateralHaircut:
    """Return the haircut of a collateral whose log price and the position's loss are jointly normal or t.

    Parameters
    ----------
    volatility : float
        Of the collateral's log price per period, decimal.
    correlation : float
        Of the losses of collateral and position, above -1 and below 1; positive is wrong-way.
    horizon : float
        Liquidation horizon, periods; volatility grows with its root.
    confidence : float
        Of the collateral's tail given the condition.
    trigger : float
        Confidence of the position's loss beyond which it counts as losing, from 0.5: 0.99 for a liquidated one.
    cost : float
        Of selling the amount into the depth that is there, fraction from 0 to below 1.
    degrees_of_freedom : float, optional
        Of a bivariate t, above 2, scaled to the volatility; normal by default. A t has tail dependence: even without
        correlation its collateral falls farther when the position does.
    measure : {"value_at_risk", "expected_shortfall"}
        Behind the haircut.

    Returns
    -------
    CollateralHaircut
        Haircut below 1 by construction (log price).

    Raises
    ------
    ArgumentError
        For a number out of range.
    ConvergenceError
        When the quantile is not found.

    Notes
    -----
    With X the collateral's and Y the position's loss in standard units, correlation rho, and l the quantile of Y at
    the trigger p, the conditional tail is

    .. math:: P(X > x \\mid Y > l) = \\frac{1}{1 - p} \\int_l^\\infty f(y)\\, \\bar F\\!\\left(
        \\frac{x - \\rho y}{s(y)}\\right) dy

    with f normal, F normal and s^2 = 1 - rho^2; or f the t density with nu degrees of freedom, F that with nu + 1 and
    s^2 = (1 - rho^2)(nu + y^2)/(nu + 1). At a trigger of 0.5 the normal case is the skew normal with shape
    rho / sqrt(1 - rho^2) [1]_. The loss is 1 - exp(-sigma sqrt(h) x) with x the root at 1 - confidence, and the
    expected shortfall integrates the tail above it.

    References
    ----------
    .. [1] Azzalini (1985), A class of distributions which includes the normal ones, Scandinavian Journal of
       Statistics 12, 171-178.

    Examples
    --------
    >>> collateral_haircut(volatility=0.04, correlation=0.8, horizon=2, confidence=0.99, cost=0.005)
    <CollateralHaircut: haircut 13.99 % at 0.99, of which wrong-way +1.22 % (correlation 0.80); bivariate normal>
    """
    sigma = check_positive(volatility, argument="volatility", unit="decimal per period") * float(
        np.sqrt(check_positive(horizon, argument="horizon", unit="periods"))
    )
    level, start = check_confidence(confidence), check_confidence(trigger, argument="trigger")
    check_choice(measure, argument="measure", choices=_MEASURES)
    paid = _check_cost(cost)
    rho = real_number(correlation, argument="correlation")
    if not -1.0 < rho < 1.0:
        got, remedy = f"{correlation!r}", "pass for example 0.99 for a collateral that moves with the position"
        raise ArgumentError("correlation", "must be above -1 and below 1", got, remedy)
    law = _Law(rho, start, degrees_of_freedom)
    at_risk, shortfall = _measures(law.survival, level, sigma * law.unit)
    plain_risk, plain_shortfall = _measures(law.plain_survival, level, sigma * law.unit)
    return CollateralHaircut(
        value_at_risk=at_risk,
        expected_shortfall=shortfall,
        unconditional_value_at_risk=plain_risk,
        unconditional_expected_shortfall=plain_shortfall,
        cost=paid,
        measure=measure,
        confidence=level,
        trigger=start,
        correlation=rho,
        method="bivariate normal" if degrees_of_freedom is None else f"bivariate t, {degrees_of_freedom:g} degrees",
        n_obs=0,
    )


def haircut_of_losses(
    collateral_losses: npt.ArrayLike,
    position_losses: npt.ArrayLike,
    *,
    confidence: float,
    trigger: float | None = None,
    cost: float = 0.0,
    measure: Measure = "value_at_risk",
) -> CollateralHaircut:
    """Return the haircut from joint losses over the liquidation horizon, history or scenarios.

    Parameters
    ----------
    collateral_losses : array, shape (n_obs,)
        Fractions of the collateral's value, positive when it falls.
    position_losses : array, shape (n_obs,)
        Of the position over the same windows, any unit.
    confidence : float
        Of the collateral's tail given the condition.
    trigger : float, optional
        Confidence of the position's loss beyond which (strictly) it counts as losing; any loss above 0 by default.
    cost, measure
        As in `collateral_haircut`.

    Returns
    -------
    CollateralHaircut
        `n_obs` scenarios in the condition.

    Raises
    ------
    ArgumentError
        For a number out of range, or too few scenarios in the condition for the confidence.
    DataError
        For arrays of different length, missing numbers, or a loss above 1.

    Examples
    --------
    >>> both = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 20_000) * 0.05
    >>> found = haircut_of_losses(-np.expm1(-both[:, 0]), both[:, 1], confidence=0.99)
    >>> round(found.haircut, 2), found.n_obs
    (0.12, 10070)
    """
    level = check_confidence(confidence)
    check_choice(measure, argument="measure", choices=_MEASURES)
    paid = _check_cost(cost)
    C, L = (np.asarray(values, dtype=np.float64) for values in (collateral_losses, position_losses))
    if C.ndim != 1 or C.shape != L.shape or not (np.isfinite(C).all() and np.isfinite(L).all()):
        got = f"shapes {C.shape} and {L.shape}, or missing numbers"
        raise DataError("collateral_losses and position_losses", "must be finite and as long", got, "pair them first")
    if len(C) and C.max() > 1.0:
        raise DataError("collateral_losses", "must be fractions of at most 1", f"{C.max():g}", "divide by the value")
    require_tail(len(C), level)
    start = 0.0 if trigger is None else float(np.quantile(L, check_confidence(trigger, argument="trigger")))
    given = C[start < L]
    require_tail(len(given), level)
    at_risk, shortfall = tail_of_losses(given, confidence=level)
    plain_risk, plain_shortfall = tail_of_losses(C, confidence=level)
    return CollateralHaircut(
        value_at_risk=float(at_risk),
        expected_shortfall=float(shortfall),
        unconditional_value_at_risk=float(plain_risk),
        unconditional_expected_shortfall=float(plain_shortfall),
        cost=paid,
        measure=measure,
        confidence=level,
        trigger=float(np.mean(start >= L)) if trigger is None else float(trigger),
        correlation=float(np.corrcoef(C, L)[0, 1]),
        method=f"{len(given):,} of {len(C):,} joint losses",
        n_obs=len(given),
    )


class _Law:
    """Tail of the collateral's standard loss, given that the position loses or not."""

    def __init__(self, rho: float, trigger: float, nu: float | None) -> None:
        if nu is not None and not 2.0 < nu < float("inf"):
            got, remedy = f"{nu!r}", "pass for example 4, or None for the normal"
            raise ArgumentError("degrees_of_freedom", "must be above 2", got, remedy)
        self.nu = nu
        # A t with nu degrees has variance nu / (nu - 2); volatility is the root of the variance.
        self.unit = 1.0 if nu is None else float(np.sqrt((nu - 2.0) / nu))
        # Nodes in the tail probability of Y: bounded in integrand and range. Its fourth root is even in the far tail.
        node, weight = _nodes()
        u = (1.0 - trigger) * node**4
        self.weight = weight * 4.0 * node**3
        y = -special.ndtri(u) if nu is None else -special.stdtrit(nu, u)
        self.mean = rho * y
        self.spread = np.sqrt((1.0 - rho**2) * (1.0 if nu is None else (nu + y * y) / (nu + 1.0)))

    def plain_survival(self, x: float) -> float:
        """Return P(X > x)."""
        return float(special.ndtr(-x) if self.nu is None else special.stdtr(self.nu, -x))

    def survival(self, x: float) -> float:
        """Return P(X > x given Y beyond its trigger)."""
        z = (self.mean - x) / self.spread
        return float(self.weight @ (special.ndtr(z) if self.nu is None else special.stdtr(self.nu + 1.0, z)))


def _nodes() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return Gauss-Legendre nodes and weights on panels of 0 to 1, narrow enough for a correlation near 1."""
    node, weight = np.polynomial.legendre.leggauss(32)
    panels = np.arange(_PANELS)[:, None]
    return ((panels + 0.5 * (node + 1.0)) / _PANELS).ravel(), np.tile(0.5 * weight / _PANELS, _PANELS)


def _measures(survival: Callable[[float], float], level: float, sigma: float) -> tuple[float, float]:
    """Return quantile and mean beyond it of 1 - exp(-sigma X), from the tail of X."""
    q = 1.0 - level
    high = 1.0
    while survival(high) > q:
        high *= 2.0
        if high > _FARTHEST:
            raise ConvergenceError(f"no quantile of the collateral's loss at {level:g} below {_FARTHEST:g} units")
    low = -1.0
    while survival(low) < q:
        low *= 2.0
    x = float(brentq(lambda z: survival(z) - q, low, high, xtol=1e-12, rtol=1e-12))
    beyond, _ = integrate.quad(
        lambda z: sigma * np.exp(-sigma * z) * survival(z), x, np.inf, epsabs=1e-11, epsrel=1e-8, limit=200
    )
    at_risk = float(-np.expm1(-sigma * x))
    return at_risk, at_risk + float(beyond) / q


def _check_cost(cost: float) -> float:
    value = real_number(cost, argument="cost")
    if not 0.0 <= value < 1.0:
        remedy = f"pass a decimal: cost={value / 100:g}" if 1.0 <= value < 100.0 else "pass a decimal such as 0.005"
        raise ArgumentError("cost", "must be a fraction from 0 to below 1", f"{cost!r}", remedy)
    return value


def _with_cost(loss: float, cost: float) -> float:
    return 1.0 - (1.0 - loss) * (1.0 - cost)
