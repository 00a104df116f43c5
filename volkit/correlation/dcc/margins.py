"""What the correlation step asks of the margins: residuals, their place in their law, and scores by period."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import VolatilityFit
from volkit.volatility.garch import Garch

__all__ = ["MarginView", "signed_tail", "value_of_tail"]


def signed_tail(law: Distribution, z: np.ndarray) -> np.ndarray:
    """Return the probability below z, negative, for falls and the one above z for rises, any shape.

    So both tails keep their digits, where a probability near one has lost them.

    Examples
    --------
    >>> signed_tail(Distribution(), np.array([-2.0, 2.0])).round(4)
    array([-0.0228,  0.0228])
    """
    falls = z < 0.0
    below, above = law.probabilities(np.where(falls, z, 0.0)), law.mirrored.probabilities(np.where(falls, 0.0, -z))
    return np.where(falls, -below, above)


def value_of_tail(law: Distribution, tail: np.ndarray) -> np.ndarray:
    """Return the z of which `signed_tail` is `tail`, any shape.

    Examples
    --------
    >>> value_of_tail(Distribution(), np.array([-0.0228, 0.0228])).round(2)
    array([-2.,  2.])
    """
    size = np.abs(tail)
    return np.asarray(np.where(tail < 0.0, law.quantiles(size), -law.mirrored.quantiles(size)))


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
        return np.asarray(self.model.law_of(theta).log_density(z) - 0.5 * np.log(variance))
