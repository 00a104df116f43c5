"""Several tests read together: p-values that hold for the whole family."""

import numpy as np

__all__ = ["holm"]


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for a family, shape (m,): Holm's step-down, valid under any dependence.

    NaN stays NaN and is no member of the family.

    References
    ----------
    .. [1] Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    members = np.flatnonzero(np.isfinite(p_values))
    order = members[np.argsort(p_values[members], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
