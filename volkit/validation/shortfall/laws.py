"""Predictive laws of losses, under which the laws of test statistics are simulated.

A `TailLaw` is one law of standardised losses: the loss of period t is a known scale times a draw from it, and the
forecasts are the same scale times the law's own tail measures, so that the scale drops out of ratios of losses to
forecasts. A `ScenarioLaw` gives every period its own equally likely losses, as filtered historical simulation does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from volkit.checks import check_confidence
from volkit.errors import ArgumentError, ConvergenceError, DataError

__all__ = ["Law", "ScenarioLaw", "TailLaw", "empirical_law", "given_law", "normal_law", "student_law"]

Floats = npt.NDArray[np.float64]
Quantile = Callable[[Floats], Floats]

# A tail of fewer losses than this has no law of its own.
_FEWEST = 50
# Gauss-Legendre nodes in panels of width one, shape (200, 10).
_GAUSS_NODES, _GAUSS_WEIGHTS = 0.5 + 0.5 * special.roots_legendre(10)[0], 0.5 * special.roots_legendre(10)[1]
_EXPONENTS = np.arange(200.0)[:, None] + _GAUSS_NODES


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TailLaw:
    """One law of standardised losses, positive when money is lost.

    Attributes
    ----------
    name : str
        In words.
    upper_quantile : callable
        Loss that is exceeded with the given probabilities (ndarray in, ndarray out); no unit.
    exceedance : callable
        Probability of a loss above the given ones.
    shortfall : callable
        Mean loss in the tail of the given probability.
    """

    name: str
    upper_quantile: Quantile
    exceedance: Callable[[Floats], Floats]
    shortfall: Callable[[float], float]

    def value_at_risk(self, confidence: float) -> float:
        """Return the quantile of the standardised losses, no unit.

        Raises
        ------
        ArgumentError
            For a confidence outside 0.5 to 1.
        """
        return float(self.upper_quantile(np.array([1.0 - check_confidence(confidence)]))[0])

    def expected_shortfall(self, confidence: float) -> float:
        """Return the mean standardised loss beyond the quantile, no unit.

        Raises
        ------
        ArgumentError
            For a confidence outside 0.5 to 1.
        """
        return float(self.shortfall(1.0 - check_confidence(confidence)))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ScenarioLaw:
    """Equally likely losses of every period.

    Attributes
    ----------
    name : str
        In words.
    scenarios : ndarray, shape (n_rows, n_scenarios)
        Predicted losses in the unit of the losses that are tested, each row in falling order; NaN rows only where
        the loss or a forecast is missing too.
    """

    name: str
    scenarios: Floats

    @classmethod
    def of(cls, scenarios: npt.ArrayLike, *, name: str = "scenarios of each period") -> "ScenarioLaw":
        """Return the law from predicted losses, shape (n_rows, n_scenarios), in any order.

        Raises
        ------
        DataError
            For another shape or fewer than 50 scenarios.

        Examples
        --------
        >>> ScenarioLaw.of(np.random.default_rng(1).normal(size=(2, 100))).scenarios.shape
        (2, 100)
        """
        values = np.asarray(scenarios, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] < _FEWEST:
            remedy = "pass one row a period with its predicted losses"
            rule = f"must be a table with at least {_FEWEST} losses a row"
            raise DataError("scenarios", rule, f"shape {values.shape}", remedy)
        falling = -np.sort(-values, axis=1)
        falling.flags.writeable = False
        return cls(name=name, scenarios=falling)


Law = TailLaw | ScenarioLaw


def normal_law() -> TailLaw:
    """Return the standard normal law.

    Examples
    --------
    >>> round(normal_law().value_at_risk(0.975), 4), round(normal_law().expected_shortfall(0.975), 4)
    (1.96, 2.3378)
    """
    return TailLaw(
        name="normal",
        upper_quantile=lambda p: np.asarray(-special.ndtri(p)),
        exceedance=lambda z: np.asarray(special.ndtr(-z)),
        shortfall=lambda p: float(np.exp(-0.5 * special.ndtri(p) ** 2) / (np.sqrt(2.0 * np.pi) * p)),
    )


def student_law(degrees_of_freedom: float) -> TailLaw:
    """Return Student's law, not scaled to unit variance (ratios to the forecasts do not depend on a scale).

    Parameters
    ----------
    degrees_of_freedom : float
        Above 1: below that there is no expected shortfall.

    Returns
    -------
    TailLaw
        Expected shortfall in closed form (McNeil, Frey and Embrechts 2015, example 2.15).

    Raises
    ------
    ArgumentError
        For one degree of freedom or less.

    Examples
    --------
    >>> round(student_law(3).expected_shortfall(0.975), 4)
    5.0396
    """
    nu = float(degrees_of_freedom)
    if not (np.isfinite(nu) and nu > 1.0):
        remedy = "pass for example 4, or normal_law() for infinitely many"
        raise ArgumentError("degrees_of_freedom", "must be above 1 and finite", f"{degrees_of_freedom!r}", remedy)
    constant = np.exp(special.gammaln((nu + 1.0) / 2.0) - special.gammaln(nu / 2.0)) / np.sqrt(nu * np.pi)

    def shortfall(p: float) -> float:
        q = float(special.stdtrit(nu, p))
        density = constant * (1.0 + q * q / nu) ** (-(nu + 1.0) / 2.0)
        return float(density / p * (nu + q * q) / (nu - 1.0))

    return TailLaw(
        name=f"Student t({nu:g})",
        upper_quantile=lambda p: np.asarray(-special.stdtrit(nu, p)),
        exceedance=lambda z: np.asarray(special.stdtr(nu, -np.asarray(z))),
        shortfall=shortfall,
    )


def given_law(upper_quantile: Quantile, exceedance: Callable[[Floats], Floats], *, name: str) -> TailLaw:
    """Return a law of standardised losses from its quantile and its tail function, e.g. scipy's `isf` and `sf`.

    Parameters
    ----------
    upper_quantile, exceedance : callable
        See `TailLaw`. The expected shortfall is integrated from the quantile.
    name : str
        In words.

    Returns
    -------
    TailLaw
        For losses without unit; one law at all times.

    Raises
    ------
    ConvergenceError
        When the expected shortfall is asked for and is not finite.

    Examples
    --------
    >>> from scipy import stats
    >>> law = given_law(stats.norm.isf, stats.norm.sf, name="normal by scipy")
    >>> round(law.expected_shortfall(0.975), 4)
    2.3378
    """

    def shortfall(p: float) -> float:
        # Over the exponent the integrand is smooth, however heavy the tail is; the last panels show what is cut off.
        with np.errstate(all="ignore"):
            panels = (np.asarray(upper_quantile(p * np.exp(-_EXPONENTS))) * np.exp(-_EXPONENTS)) @ _GAUSS_WEIGHTS
            value = panels.sum()
        if not np.isfinite(value) or np.abs(panels[-len(panels) // 4 :]).sum() > 1e-9 * abs(value):
            raise ConvergenceError(f"the expected shortfall of {name} at {1.0 - p:g} could not be integrated.")
        return float(value)

    return TailLaw(name=name, upper_quantile=upper_quantile, exceedance=exceedance, shortfall=shortfall)


def empirical_law(standardized_losses: npt.ArrayLike) -> TailLaw:
    """Return the law of a sample of standardised losses, for example of a model's residuals times -1.

    Parameters
    ----------
    standardized_losses : sequence or ndarray, shape (n,)
        At least 50, finite; losses divided by the volatility that was forecast for them.

    Returns
    -------
    TailLaw
        Quantiles join neighbouring order statistics (type 7), so that a draw lies between two of the sample.

    Raises
    ------
    DataError
        For fewer, a second dimension, or values that are not finite.

    Examples
    --------
    >>> sample = np.random.default_rng(1).standard_normal(2000)
    >>> round(empirical_law(sample).value_at_risk(0.975), 2)
    2.01
    """
    values = np.asarray(standardized_losses, dtype=np.float64)
    if values.ndim != 1 or len(values) < _FEWEST or not np.isfinite(values).all():
        rule = f"must be at least {_FEWEST} finite numbers"
        raise DataError("standardized_losses", rule, f"shape {values.shape}", "pass a model's residuals times -1")
    falling = -np.sort(-values)
    m = len(falling)
    places = np.arange(m) / (m - 1.0)
    # Integral of the quantile from 0 to each order statistic's place.
    area = np.append(0.0, np.cumsum(0.5 * (falling[1:] + falling[:-1])) / (m - 1.0))

    def shortfall(p: float) -> float:
        k = min(int(p * (m - 1.0)), m - 2)
        rest = p - places[k]
        end = np.interp(p, places, falling)
        return float((area[k] + 0.5 * (falling[k] + end) * rest) / p)

    return TailLaw(
        name=f"empirical, {m} losses",
        upper_quantile=lambda p: np.interp(p, places, falling),
        exceedance=lambda z: np.interp(-np.asarray(z), -falling, places, left=0.0, right=1.0),
        shortfall=shortfall,
    )
