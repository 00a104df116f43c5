"""First passage of a Brownian log price, and the bisection that inverts it: plain numbers in, plain numbers out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

__all__ = ["DISCRETE_SHIFT", "Passage", "bisect"]

# -zeta(1/2) / sqrt(2 pi): how far, in standard deviations of a step, a discretely watched barrier seems away.
DISCRETE_SHIFT = 0.5825971579390107
# Halvings that bring any bracket of doubles to neighbours.
_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class Passage:
    """A Brownian log price over a horizon, mirrored so that the barrier lies below.

    Attributes
    ----------
    drift : float
        Expected move over the horizon towards a gain of the position, decimal.
    deviation : float
        Standard deviation of the move over the horizon, decimal.
    shift : float
        Distance added to every barrier for discrete watch, decimal.

    Examples
    --------
    >>> round(Passage(0.0, 1.0).probability(1.0), 6)  # twice the normal tail at -1
    0.317311
    """

    drift: float
    deviation: float
    shift: float = 0.0

    def probability(self, distance: float) -> float:
        """Return the probability that the price moves `distance` (log, positive) against the position on the way."""
        b, m, s = -(abs(distance) + self.shift), self.drift, self.deviation
        # In logs: for a strong drift the exponential overflows where the normal tail beside it vanishes.
        reflected = 2.0 * m * b / s**2 + special.log_ndtr((b + m) / s)
        return float(min(special.ndtr((b - m) / s) + np.exp(min(reflected, 0.0)), 1.0))

    def end_probability(self, distance: float) -> float:
        """Return the probability that the price lies `distance` against the position at the end."""
        return float(special.ndtr((-abs(distance) - self.drift) / self.deviation))


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function crosses zero between two points, to the last digit.

    Examples
    --------
    >>> round(bisect(lambda x: x * x - 2.0, 0.0, 2.0), 12)
    1.414213562373
    """
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if function(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)
