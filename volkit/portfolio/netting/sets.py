"""Sets of positions that are margined together: their summed profits, and the margin of each. Plain arrays."""

import numpy as np
import numpy.typing as npt

from volkit.portfolio.netting.inputs import Floats
from volkit.portfolio.netting.measure import MarginMeasure, tail_measure

__all__ = ["margins_of_sets", "set_rows"]


def set_rows(values: Floats, sets: npt.NDArray[np.intp]) -> Floats:
    """Return the profits and losses summed within sets, shape (n_sets, n_scenarios), unchecked.

    Examples
    --------
    >>> set_rows(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0, 1, 0])).tolist()
    [[6.0, 8.0], [3.0, 4.0]]
    """
    out = np.zeros((int(sets.max()) + 1, values.shape[1]))
    np.add.at(out, sets, values)
    return out


def margins_of_sets(
    values: Floats,
    sets: npt.NDArray[np.intp],
    confidence: float,
    measure: MarginMeasure,
    probabilities: Floats | None = None,
) -> Floats:
    """Return the margin of each set of rows, shape (n_sets,), at least 0, unchecked.

    Examples
    --------
    >>> margins_of_sets(np.array([[1.0, -2.0], [3.0, 1.0]]), np.array([0, 1]), 0.5, "worst").tolist()
    [2.0, 0.0]
    """
    lost = -set_rows(values, sets)
    return np.maximum(tail_measure(lost, confidence=confidence, measure=measure, probabilities=probabilities), 0.0)
