"""What the correlation step asks of the margins: residuals, their place in their law, and scores by period."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import VolatilityFit
from volkit.volatility.garch import Garch

__all__ = ["MarginView", "log_density", "signed_tail", "value_of_tail"]


def log_density(law: Distribution, z: np.ndarray) -> np.ndarray:
    """Return the log-density of a law of unit variance at z, any shape.

    Examples
    --------
    >>> log_density(Distribution(), np.zeros(1)).round(4)
    array([-0.9189])
    """
    nu = law.degrees_of_freedom
    if law.name == "normal":
        return np.asarray(-0.5 * (np.square(z) + np.log(2.0 * np.pi)))
    if law.name == "ged":
        size = np.log(nu) - np.log(law._ged_scale) - (1.0 + 1.0 / nu) * np.log(2.0) - special.gammaln(1.0 / nu)
        return np.asarray(size - 0.5 * np.abs(z / law._ged_scale) ** nu)
    centre, scale = law._hansen if law.name == "skewt" else (0.0, 1.0)
    x = scale * z + centre
    side = np.where(x < 0.0, 1.0 - law.skew, 1.0 + law.skew)
    constant = special.gammaln(0.5 * (nu + 1.0)) - special.gammaln(0.5 * nu) - 0.5 * np.log(np.pi * (nu - 2.0))
    return np.asarray(np.log(scale) + constant - 0.5 * (nu + 1.0) * np.log1p(np.square(x / side) / (nu - 2.0)))


def signed_tail(law: Distribution, z: np.ndarray) -> np.ndarray:
    """Return the probability below z, negative, for falls and the one above z for rises, any shape.

    So both tails keep their digits, where a probability near one has lost them.

    Examples
    --------
    >>> signed_tail(Distribution(), np.array([-2.0, 2.0])).round(4)
    array([-0.0228,  0.0228])
    """
    falls = z < 0.0
    return np.where(falls, -_below(law, np.where(falls, z, 0.0)), _below(_mirrored(law), np.where(falls, 0.0, -z)))


def value_of_tail(law: Distribution, tail: np.ndarray) -> np.ndarray:
    """Return the z of which `signed_tail` is `tail`, any shape.

    Examples
    --------
    >>> value_of_tail(Distribution(), np.array([-0.0228, 0.0228])).round(2)
    array([-2.,  2.])
    """
    size = np.abs(tail)
    return np.asarray(np.where(tail < 0.0, law.quantiles(size), -_mirrored(law).quantiles(size)))


def _mirrored(law: Distribution) -> Distribution:
    return Distribution(law.name, law.degrees_of_freedom, -law.skew)


def _below(law: Distribution, z: np.ndarray) -> np.ndarray:
    nu = law.degrees_of_freedom
    if law.name == "normal":
        return np.asarray(special.ndtr(z))
    if law.name == "ged":
        return np.asarray(0.5 * special.gammaincc(1.0 / nu, 0.5 * np.abs(z / law._ged_scale) ** nu))
    if law.name == "t":
        return np.asarray(special.stdtr(nu, z / law._scale))
    centre, scale = law._hansen
    x = (scale * z + centre) / law._scale
    low = (1.0 - law.skew) * special.stdtr(nu, np.minimum(x, 0.0) / (1.0 - law.skew))
    high = (1.0 + law.skew) * (special.stdtr(nu, np.maximum(x, 0.0) / (1.0 + law.skew)) - 0.5)
    return np.asarray(low + high)


@dataclass(frozen=True, eq=False, slots=True)
class MarginView:
    """A fitted margin under parameters of its own and close to them.

    Attributes
    ----------
    model : Garch
    fit : VolatilityFit
        Of that model.
    """

    model: Garch
    fit: VolatilityFit

    @property
    def theta(self) -> np.ndarray:
        """Estimates, shape (K,)."""
        return np.asarray(self.fit.parameters.to_numpy(dtype=np.float64))

    def nearby(self) -> Iterator[tuple[int, np.ndarray, np.ndarray, float]]:
        """Yield per free parameter its number, parameters below and above the estimate, and their distance."""
        errors = np.sqrt(np.maximum(np.diag(self.fit.covariance("hessian")), 0.0))
        for k, error in enumerate(errors):
            if np.isfinite(error) and error > 0.0:
                step = np.zeros(len(errors))
                # A thousandth of a standard error: the curvature over it is a millionth of the slope's own error.
                step[k] = 1e-3 * error
                yield k, self.theta - step, self.theta + step, 2.0 * step[k]

    def residuals(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return standardised residuals and variances, both of shape (n_obs,), under parameters of shape (K,)."""
        values, lags = self.fit.returns.to_numpy(), self.model.n_mean_lags
        recursion, used = self.model.recursion_of(theta), values[lags:]
        z = self.model.standardize(values, theta, pushes=np.empty((0, len(used) + 1)))
        mean = recursion.mu + sum(
            weight * values[lags - i : len(values) - i] for i, weight in enumerate(recursion.ar, start=1)
        )
        residual = used - mean
        # A residual of zero hides the variance; such a period keeps the fitted one.
        hidden = (z == 0.0) | (residual == 0.0)
        variance = np.where(hidden, self.fit.variance.to_numpy(), (residual / np.where(hidden, 1.0, z)) ** 2)
        return z, variance

    def scores(self) -> np.ndarray:
        """Return the scores by period and parameter, shape (n_obs, K); zero for parameters on a bound."""
        out = np.zeros((self.fit.n_obs, len(self.theta)))
        for k, below, above, distance in self.nearby():
            out[:, k] = (self._log_densities(above) - self._log_densities(below)) / distance
        return out

    def influence(self) -> np.ndarray:
        """Return what each period does to the estimates, shape (n_obs, K): inverse information times score."""
        inverse = self.fit.covariance("hessian").to_numpy()
        return np.asarray(self.scores() @ np.where(np.isfinite(inverse), inverse, 0.0))

    def _log_densities(self, theta: np.ndarray) -> np.ndarray:
        z, variance = self.residuals(theta)
        return np.asarray(log_density(self.model.law_of(theta), z) - 0.5 * np.log(variance))
