"""Which of several choices no other one beats in everything."""

import numpy as np

from volkit.errors import DataError

__all__ = ["non_dominated"]


def non_dominated(objectives: np.ndarray) -> np.ndarray:
    """Return which rows no other row dominates.

    Parameters
    ----------
    objectives : ndarray, shape (n, n_objectives)
        Smaller is better in every column; infinity is the worst. No NaN.

    Returns
    -------
    ndarray of bool, shape (n,)
        False where another row is at most as large everywhere and smaller somewhere. Equal rows stand together.

    Raises
    ------
    DataError
        For NaN or another shape.

    Examples
    --------
    >>> non_dominated(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0]])).tolist()
    [True, True, False]
    """
    values = np.asarray(objectives, dtype=np.float64)
    if values.ndim != 2 or np.isnan(values).any():
        got = f"shape {values.shape}" if values.ndim != 2 else f"{int(np.isnan(values).sum())} missing values"
        raise DataError("objectives", "must be a table of numbers without gaps", got, "pass one row a choice")
    kept = np.empty(len(values), dtype=bool)
    for i, row in enumerate(values):
        kept[i] = not ((values <= row).all(axis=1) & (values < row).any(axis=1)).any()
    return kept
