"""A shock that is made up and says so: a correlation matrix moved towards an extreme one."""

import numpy as np
import pandas as pd

from volkit.checks import check_fraction, real_number
from volkit.correlation.bounds.rows import check_weights
from volkit.correlation.matrix.repair import condition_number
from volkit.errors import ArgumentError, DataError
from volkit.results import freeze

__all__ = ["check_correlation", "stressed_correlation"]

# Of a unit diagonal and of the smallest eigenvalue: what rounding leaves of a matrix of any source.
_ROUNDING = 1e-8


def stressed_correlation(
    matrix: pd.DataFrame, *, severity: float, towards: float | pd.Series | pd.DataFrame = 1.0
) -> pd.DataFrame:
    """Return a correlation matrix moved by a share of the way towards an extreme one.

    Parameters
    ----------
    matrix : DataFrame, shape (n_assets, n_assets)
        A correlation matrix.
    severity : float
        Share of the way, from 0 (as it is) to 1 (the extreme itself).
    towards : float, Series or DataFrame
        1.0 for all pairs at 1. -1.0 for all pairs at -1 / (n_assets - 1), the lowest that all pairs can share: -1 for
        two series. Any number between for all pairs at it. A Series of signs by name (+1 or -1) for two blocs that move
        against each other, 1 within and -1 between. A DataFrame for another correlation matrix of the same names.

    Returns
    -------
    DataFrame, shape (n_assets, n_assets)
        (1 - severity) matrix + severity extreme: positive semi-definite as both are, without a repair.

    Raises
    ------
    ArgumentError
        For a severity outside 0 to 1 or a number outside -1 to 1.
    DataError
        For a matrix (given or extreme) that is not square, named alike, finite, symmetric, of unit diagonal and
        positive semi-definite; other names; signs that are not +1 or -1.

    Examples
    --------
    >>> now = pd.DataFrame([[1.0, 0.4], [0.4, 1.0]], index=["BTC", "SPX"], columns=["BTC", "SPX"])
    >>> float(stressed_correlation(now, severity=0.5).loc["BTC", "SPX"].round(3))
    0.7
    """
    given = check_correlation(matrix, argument="matrix")
    share = check_fraction(severity, argument="severity")
    extreme = _extreme(towards, matrix.index)
    moved = (1.0 - share) * given + share * extreme
    return freeze(pd.DataFrame(moved, index=matrix.index, columns=matrix.columns))


def check_correlation(matrix: pd.DataFrame, *, argument: str) -> np.ndarray:
    """Return the values of a correlation matrix, shape (n_assets, n_assets), symmetric to the last bit.

    Raises
    ------
    DataError
        For anything that is not square, named alike on both sides, finite, symmetric, of unit diagonal, and positive
        semi-definite to 1e-8.

    Examples
    --------
    >>> check_correlation(pd.DataFrame([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]), argument="matrix")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: matrix must be positive semi-definite; got a smallest eigenvalue of -0.414; repair it by \
name first: nearest_correlation(matrix).correlation.
    """
    # Called for what it refuses: shape, names, gaps and asymmetry.
    condition_number(matrix)
    values = matrix.to_numpy(dtype=np.float64)
    values = np.asarray(0.5 * (values + values.T))
    gap = float(np.abs(np.diag(values) - 1.0).max())
    if gap > _ROUNDING:
        remedy = "divide a covariance by its standard deviations first"
        raise DataError(argument, "must have ones on its diagonal", f"a value {gap:.3g} away", remedy)
    np.fill_diagonal(values, 1.0)
    smallest = float(np.linalg.eigvalsh(values)[0])
    if smallest < -_ROUNDING:
        got = f"a smallest eigenvalue of {smallest:.3g}"
        remedy = f"repair it by name first: nearest_correlation({argument}).correlation"
        raise DataError(argument, "must be positive semi-definite", got, remedy)
    return values


def _extreme(towards: float | pd.Series | pd.DataFrame, labels: pd.Index) -> np.ndarray:
    if isinstance(towards, pd.DataFrame):
        if set(towards.index) != set(labels) or towards.index.has_duplicates:
            got = ", ".join(map(str, towards.index)) or "none"
            raise DataError("towards", "must have the names of the matrix", got, "order does not matter, names do")
        return check_correlation(towards.loc[labels, labels], argument="towards")
    if isinstance(towards, pd.Series):
        signs = check_weights(towards, labels, argument="towards")
        if (np.abs(signs) != 1.0).any():
            raise DataError("towards", "must hold signs", f"{towards.to_dict()}", "pass +1 or -1 for every name")
        return np.outer(signs, signs)
    value = real_number(towards, argument="towards")
    if not -1.0 <= value <= 1.0:
        remedy = "pass 1.0, -1.0, a Series of signs or a correlation matrix"
        raise ArgumentError("towards", "must lie from -1 to 1", f"{towards!r}", remedy)
    # All pairs below -1 / (n - 1) together are no correlations of anything.
    lowest = -1.0 / max(len(labels) - 1, 1)
    equal = np.full((len(labels), len(labels)), max(value, lowest))
    np.fill_diagonal(equal, 1.0)
    return equal
