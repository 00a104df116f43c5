"""Read-only frames and series."""

from typing import TypeVar

import numpy as np
import pandas as pd

__all__ = ["freeze", "frozen_series"]

Pandas = TypeVar("Pandas", pd.Series, pd.DataFrame)


def freeze(data: Pandas) -> Pandas:
    """Return a copy of a frame or series whose numbers cannot be changed in place.

    Parameters
    ----------
    data : Series or DataFrame
        Any dtypes; numpy-backed columns become read-only, extension columns are copied.

    Returns
    -------
    Series or DataFrame
        Same shape, labels and dtypes.

    Examples
    --------
    >>> frozen = freeze(pd.Series([1.0, 2.0]))
    >>> frozen.iloc[0] = 9.0
    Traceback (most recent call last):
        ...
    ValueError: assignment destination is read-only
    """
    if isinstance(data, pd.Series):
        return _freeze_column(data)
    kinds = set(data.dtypes)
    if len(kinds) == 1 and isinstance(next(iter(kinds)), np.dtype):
        block = np.array(data.to_numpy())
        block.flags.writeable = False
        return pd.DataFrame(block, index=data.index, columns=data.columns, copy=False)
    columns = [_freeze_column(data.iloc[:, i]) for i in range(data.shape[1])]
    frame = pd.concat(columns, axis=1) if columns else data.copy()
    frame.columns = data.columns
    return frame


def frozen_series(values: np.ndarray, index: pd.Index, name: object = None) -> pd.Series:
    """Return a series on an array of one's own, shape (len(index),), which becomes read-only and is not copied.

    Examples
    --------
    >>> frozen_series(np.array([1.0, 2.0]), pd.RangeIndex(2)).to_numpy().flags.writeable
    False
    """
    values.flags.writeable = False
    return pd.Series(values, index=index, name=name, copy=False)


def _freeze_column(column: pd.Series) -> pd.Series:
    if not isinstance(column.dtype, np.dtype):
        return column.copy(deep=True)
    values = np.array(column.to_numpy())
    values.flags.writeable = False
    return pd.Series(values, index=column.index, name=column.name, copy=False)
