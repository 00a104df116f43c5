"""How unequally a burden is spread: Lorenz curve and Gini coefficient of amounts."""

import numpy as np
import numpy.typing as npt

from volkit.errors import DataError
from volkit.solvency.default.inputs import Floats, check_losses

__all__ = ["gini_coefficient", "lorenz_curve"]


def gini_coefficient(amounts: npt.ArrayLike) -> float:
    """Return the Gini coefficient of amounts that are at least 0.

    Parameters
    ----------
    amounts : array-like, shape (n,)
        In any unit, at least 0.

    Returns
    -------
    float
        0 when all bear the same (or nobody anything), 1 - 1/n when one bears all.

    Raises
    ------
    DataError
        For no amount, or one that is negative or missing.

    Notes
    -----
    G = sum (2 i - n - 1) x_i / (n sum x) over amounts in rising order: the mean difference of two of them (with
    replacement) over twice their mean.

    Examples
    --------
    >>> gini_coefficient([1.0, 1.0, 1.0]), gini_coefficient([0.0, 0.0, 0.0, 8.0])
    (0.0, 0.75)
    """
    values, _ = check_losses(amounts, argument="amounts")
    total = float(values.sum())
    if total == 0.0:
        return 0.0
    n = len(values)
    ranks = 2.0 * np.arange(1, n + 1) - n - 1.0
    return max(float(ranks @ np.sort(values)) / (n * total), 0.0)


def lorenz_curve(amounts: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the share of the bearers and the share of the total that the least burdened of them bear.

    Parameters
    ----------
    amounts : array-like, shape (n,)
        In any unit, at least 0, not all 0.

    Returns
    -------
    tuple of ndarray, each of shape (n + 1,)
        From 0 to 1, decimals.

    Raises
    ------
    DataError
        For amounts that are negative, missing or all 0.

    Examples
    --------
    >>> [x.tolist() for x in lorenz_curve([3.0, 1.0])]
    [[0.0, 0.5, 1.0], [0.0, 0.25, 1.0]]
    """
    values, _ = check_losses(amounts, argument="amounts")
    total = float(values.sum())
    if total == 0.0:
        raise DataError("amounts", "must not all be 0", f"{len(values)} zeros", "draw the curve where somebody pays")
    shares = np.concatenate([[0.0], np.cumsum(np.sort(values)) / total])
    shares[-1] = 1.0
    return np.linspace(0.0, 1.0, len(values) + 1), shares
