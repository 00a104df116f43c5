"""The multiplier that each level asks for, by a law: what the rules on levels read when they do not use past scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from volkit.checks import check_confidence, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels

__all__ = ["LevelCurve"]

_N_KNOTS = 2048
_LOWEST = 1e-8


@dataclass(frozen=True, eq=False, slots=True)
class LevelCurve:
    """Multipliers by level (target exceedance probability): straight lines between knots.

    Attributes
    ----------
    levels : ndarray, shape (n,)
        Probabilities from above or at 0 to at most 1, ascending.
    multipliers : ndarray, shape (n,)
        Quantile of the score at 1 - level, descending. Below the first level and above the last they stay as they are;
        at 0 the multiplier is infinite.

    Examples
    --------
    >>> round(LevelCurve.student_t(confidence=0.995, degrees_of_freedom=4).at(0.001), 3)
    1.558
    """

    levels: npt.NDArray[np.float64]
    multipliers: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        pair = np.array([self.levels, self.multipliers], dtype=np.float64)
        if pair.ndim != 2 or pair.shape[1] < 2 or not np.isfinite(pair).all():
            remedy = "pass two lines of finite numbers of the same length"
            raise DataError("levels and multipliers", "must hold at least two knots", f"shape {pair.shape}", remedy)
        if pair[0, 0] < 0.0 or pair[0, -1] > 1.0 or (np.diff(pair[0]) <= 0.0).any() or (np.diff(pair[1]) > 0.0).any():
            got = f"levels {pair[0, 0]:g} to {pair[0, -1]:g}, multipliers {pair[1, 0]:g} to {pair[1, -1]:g}"
            remedy = "sort the levels; a smaller level needs a larger multiplier"
            raise DataError("levels", "must rise from 0 to 1 while multipliers do not", got, remedy)
        pair.flags.writeable = False
        object.__setattr__(self, "levels", pair[0])
        object.__setattr__(self, "multipliers", pair[1])

    @classmethod
    def from_quantile(cls, quantile: Callable[[float], float], *, confidence: float) -> Self:
        """Return the curve of a law of losses, scaled to 1 at the model's own confidence.

        Parameters
        ----------
        quantile : callable
            Quantile of the loss (any unit) at a probability.
        confidence : float
            Of the model's margin.

        Raises
        ------
        ArgumentError
            When the quantile at `confidence` is not above zero.

        Notes
        -----
        2,048 knots, evenly in log level from 1e-8 to 0.5, one at 1 - confidence.
        """
        target = 1.0 - check_confidence(confidence)
        levels = np.unique(np.append(np.geomspace(_LOWEST, 0.5, _N_KNOTS), target))
        unit = float(quantile(1.0 - target))
        if not unit > 0.0:
            remedy = "pass the quantile of the loss, losses positive"
            raise ArgumentError("quantile", f"must be above zero at {confidence:g}", f"{unit:g}", remedy)
        values = np.array([float(quantile(1.0 - level)) for level in levels]) / unit
        return cls(levels, np.minimum.accumulate(values))

    @classmethod
    def student_t(cls, *, confidence: float, degrees_of_freedom: float) -> Self:
        """Return the curve of a Student t with its degrees of freedom, whatever its scale."""
        from scipy import stats

        nu = check_positive(degrees_of_freedom, argument="degrees_of_freedom", unit="degrees")
        return cls.from_quantile(lambda p: float(stats.t.ppf(p, nu)), confidence=confidence)

    @classmethod
    def normal(cls, *, confidence: float) -> Self:
        """Return the curve of a normal law, whatever its scale."""
        from scipy import stats

        return cls.from_quantile(lambda p: float(stats.norm.ppf(p)), confidence=confidence)

    def at(self, level: float) -> float:
        """Return the multiplier at a level: infinite at 0 and below, minus infinite at 1 and above."""
        knots = np.array([self.levels, self.multipliers])
        return float(load_kernels("volkit.realtime.online._kernels").level_multiplier(knots, np.zeros((2, 0)), level))
