"""Laws of standardised innovations: mean zero, variance one."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import special

__all__ = ["Distribution"]

LawName = Literal["normal", "t", "skewt", "ged"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Law of the standardised innovations: mean zero, variance one.

    Attributes
    ----------
    name : {"normal", "t", "skewt", "ged"}
        Normal, Student t, Hansen's (1994) skewed t, generalised error distribution (Nelson 1991).
    degrees_of_freedom : float
        Of the t and the skewed t; the shape nu of the generalised error law, 2 for the normal and 1 for Laplace's.
        Infinite for the normal.
    skew : float
        Hansen's lambda, from -1 (long left tail) to 1; zero for the other laws.

    Examples
    --------
    >>> round(Distribution("t", 4.0).quantile(0.01), 4)
    -2.6495
    >>> left = Distribution("skewt", 4.0, -0.2)
    >>> round(left.quantile(0.01), 4), round(left.quantile(0.99), 4)
    (-3.0182, 2.2163)
    """

    name: LawName = "normal"
    degrees_of_freedom: float = float("inf")
    skew: float = 0.0

    @property
    def is_symmetric(self) -> bool:
        """Whether rises and falls of one size are equally likely."""
        return self.skew == 0.0

    @property
    def _scale(self) -> float:
        nu = self.degrees_of_freedom
        return float(np.sqrt((nu - 2.0) / nu))

    @property
    def _hansen(self) -> tuple[float, float]:
        """The constants a and b of Hansen's (1994) equation 10."""
        nu, skew = self.degrees_of_freedom, self.skew
        c = np.exp(special.gammaln((nu + 1.0) / 2.0) - special.gammaln(nu / 2.0)) / np.sqrt(np.pi * (nu - 2.0))
        a = 4.0 * skew * c * (nu - 2.0) / (nu - 1.0)
        return float(a), float(np.sqrt(1.0 + 3.0 * skew**2 - a**2))

    @property
    def _ged_scale(self) -> float:
        nu = self.degrees_of_freedom
        return float(2.0 ** (-1.0 / nu) * np.exp(0.5 * (special.gammaln(1.0 / nu) - special.gammaln(3.0 / nu))))

    def quantiles(self, probabilities: np.ndarray | np.float64) -> np.ndarray:
        """Return the quantiles at fractions of any shape, in standard deviations."""
        p = np.asarray(probabilities, dtype=np.float64)
        if self.name == "normal":
            return np.asarray(special.ndtri(p))
        if self.name == "t":
            return np.asarray(special.stdtrit(self.degrees_of_freedom, p)) * self._scale
        if self.name == "ged":
            half = special.gammaincinv(1.0 / self.degrees_of_freedom, np.abs(2.0 * p - 1.0))
            size = self._ged_scale * (2.0 * half) ** (1.0 / self.degrees_of_freedom)
            return np.asarray(np.sign(p - 0.5) * size)
        a, b = self._hansen
        low = 0.5 * (1.0 - self.skew)
        left = p < low
        share = np.where(left, p / (1.0 - self.skew), 0.5 + (p - low) / (1.0 + self.skew))
        side = np.where(left, 1.0 - self.skew, 1.0 + self.skew)
        return np.asarray((side * special.stdtrit(self.degrees_of_freedom, share) * self._scale - a) / b)

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """Return the probabilities of lying below values of any shape, given in standard deviations.

        Examples
        --------
        >>> law = Distribution("skewt", 4.0, -0.2)
        >>> law.probabilities(law.quantiles(np.array([0.01, 0.6]))).round(12).tolist()
        [0.01, 0.6]
        """
        z, nu = np.asarray(values, dtype=np.float64), self.degrees_of_freedom
        if self.name == "normal":
            return np.asarray(special.ndtr(z))
        if self.name == "t":
            return np.asarray(special.stdtr(nu, z / self._scale))
        if self.name == "ged":
            tail = 0.5 * special.gammaincc(1.0 / nu, 0.5 * np.abs(z / self._ged_scale) ** nu)
            return np.asarray(np.where(z < 0.0, tail, 1.0 - tail))
        a, b = self._hansen
        x = (b * z + a) / self._scale
        low = (1.0 - self.skew) * special.stdtr(nu, np.minimum(x, 0.0) / (1.0 - self.skew))
        high = (1.0 + self.skew) * (special.stdtr(nu, np.maximum(x, 0.0) / (1.0 + self.skew)) - 0.5)
        return np.asarray(low + high)

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return the log-density at values of any shape, given in standard deviations.

        Examples
        --------
        >>> Distribution().log_density(np.zeros(1)).round(4).tolist()
        [-0.9189]
        """
        z, nu = np.asarray(values, dtype=np.float64), self.degrees_of_freedom
        if self.name == "normal":
            return np.asarray(-0.5 * (np.square(z) + np.log(2.0 * np.pi)))
        if self.name == "ged":
            c = self._ged_scale
            constant = np.log(nu) - np.log(c) - (1.0 + 1.0 / nu) * np.log(2.0) - special.gammaln(1.0 / nu)
            return np.asarray(constant - 0.5 * np.abs(z / c) ** nu)
        a, b = self._hansen if self.name == "skewt" else (0.0, 1.0)
        x = b * z + a
        side = np.where(x < 0.0, 1.0 - self.skew, 1.0 + self.skew)
        constant = special.gammaln(0.5 * (nu + 1.0)) - special.gammaln(0.5 * nu) - 0.5 * np.log(np.pi * (nu - 2.0))
        return np.asarray(np.log(b) + constant - 0.5 * (nu + 1.0) * np.log1p(np.square(x / side) / (nu - 2.0)))

    @property
    def mirrored(self) -> "Distribution":
        """The law of the innovations' negatives."""
        return Distribution(self.name, self.degrees_of_freedom, -self.skew)

    def quantile(self, probability: float) -> float:
        """Return the quantile of the unit-variance law at a fraction, in standard deviations."""
        return float(self.quantiles(np.float64(probability)))

    def tail_mean(self, probability: float) -> float:
        """Return the mean below the quantile at a fraction, in standard deviations (negative).

        For the t: -f(q) (nu + q^2) / ((nu - 1) p), scaled to unit variance (McNeil, Frey and Embrechts,
        Quantitative Risk Management, 2nd ed., Example 2.15); the skewed t joins two of them, and the generalised
        error law has an incomplete gamma integral.
        """
        p = probability
        if self.name == "normal":
            return -float(_normal_density(special.ndtri(p))) / p
        if self.name == "t":
            return -self._partial_mean(p) * self._scale / p
        if self.name == "ged":
            nu = self.degrees_of_freedom
            half = float(special.gammaincinv(1.0 / nu, abs(2.0 * p - 1.0)))
            outside = special.gammaincc(2.0 / nu, half) * np.exp(special.gammaln(2.0 / nu) - special.gammaln(1.0 / nu))
            return -float(0.5 * self._ged_scale * 2.0 ** (1.0 / nu) * outside) / p
        a, b = self._hansen
        low = 0.5 * (1.0 - self.skew)
        if p < low:
            share, side, mass = p / (1.0 - self.skew), 1.0 - self.skew, p
        else:
            # The mean is zero: what lies below the quantile balances what lies above.
            share, side, mass = 1.0 - (0.5 + (p - low) / (1.0 + self.skew)), 1.0 + self.skew, 1.0 - p
            return -float(side**2 * self._partial_mean(share) * self._scale - a * mass) / b / p
        return float(-(side**2) * self._partial_mean(share) * self._scale - a * mass) / b / p

    def upper_tail_mean(self, probability: float) -> float:
        """Return the mean above the quantile at 1 - `probability`, in standard deviations (positive)."""
        return -self.mirrored.tail_mean(probability)

    def _partial_mean(self, p: float) -> float:
        """The mean of minus a plain t below its quantile at p, times p."""
        nu = self.degrees_of_freedom
        q = float(special.stdtrit(nu, p))
        return float(_student_density(q, nu)) * (nu + q * q) / (nu - 1.0)

    def expectation_nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return points and weights, both of shape (n_nodes,), with E[g(z)] = sum of weights times g(points).

        Made for functions that grow like powers below the law's degrees of freedom and may have a kink at zero.
        """
        return _nodes(self)

    @property
    def downside_variance(self) -> float:
        """E[z^2; z < 0], a fraction of the variance: one half for symmetric laws."""
        if self.is_symmetric:
            return 0.5
        points, weights = self.expectation_nodes()
        return float(weights @ (points**2 * (points < 0.0)))


@cache
def _nodes(law: Distribution) -> tuple[np.ndarray, np.ndarray]:
    # Double-exponential quadrature on both sides of zero, where shock terms have their kink.
    u = np.linspace(-3.9, 3.9, 400)
    distance = np.exp(0.5 * np.pi * np.sinh(u))
    weight = (u[1] - u[0]) * 0.5 * np.pi * np.cosh(u) * distance
    near = distance < 1e9
    points = np.concatenate([-distance[near], distance[near]])
    weights = np.concatenate([weight[near], weight[near]]) * np.exp(law.log_density(points))
    kept = weights > 0.0
    return points[kept], weights[kept]


def _normal_density(z: np.ndarray | float) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * np.square(z)) / np.sqrt(2.0 * np.pi))


def _student_density(x: np.ndarray | float, nu: float) -> np.ndarray:
    log_c = special.gammaln(0.5 * (nu + 1.0)) - special.gammaln(0.5 * nu) - 0.5 * np.log(nu * np.pi)
    return np.asarray(np.exp(log_c - 0.5 * (nu + 1.0) * np.log1p(np.square(x) / nu)))
