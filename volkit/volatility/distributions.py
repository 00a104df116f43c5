"""Laws of standardised innovations: mean zero, variance one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

__all__ = ["Distribution"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Law of the standardised innovations: mean zero, variance one.

    Attributes
    ----------
    name : {"normal", "t"}
        Family.
    degrees_of_freedom : float
        Of the t; infinite for the normal.

    Examples
    --------
    >>> round(Distribution("t", 4.0).quantile(0.01), 4)
    -2.6495
    """

    name: Literal["normal", "t"] = "normal"
    degrees_of_freedom: float = float("inf")

    @property
    def _scale(self) -> float:
        nu = self.degrees_of_freedom
        return 1.0 if self.name == "normal" else float(np.sqrt((nu - 2.0) / nu))

    def quantiles(self, probabilities: np.ndarray | np.float64) -> np.ndarray:
        """Return the quantiles at fractions of any shape, in standard deviations."""
        if self.name == "normal":
            return np.asarray(stats.norm.ppf(probabilities))
        return np.asarray(stats.t.ppf(probabilities, self.degrees_of_freedom)) * self._scale

    def quantile(self, probability: float) -> float:
        """Return the quantile of the unit-variance law at a fraction, in standard deviations."""
        return float(self.quantiles(np.float64(probability)))

    def tail_mean(self, probability: float) -> float:
        """Return the mean below the quantile at a fraction, in standard deviations (negative).

        For the t: -f(q) (nu + q^2) / ((nu - 1) p), scaled to unit variance (McNeil, Frey and Embrechts,
        Quantitative Risk Management, 2nd ed., Example 2.15).
        """
        if self.name == "normal":
            return -float(stats.norm.pdf(stats.norm.ppf(probability))) / probability
        nu = self.degrees_of_freedom
        q = float(stats.t.ppf(probability, nu))
        return -float(stats.t.pdf(q, nu)) * (nu + q * q) / ((nu - 1.0) * probability) * self._scale
