"""Reserve held over required, and how it is said where nothing is required."""

import numpy as np
import numpy.typing as npt

__all__ = ["coverage_words", "reserve_coverage"]

Floats = npt.NDArray[np.float64]


def reserve_coverage(held: npt.ArrayLike, required: npt.ArrayLike) -> Floats:
    """Return the reserve held over that required (any shape; the same unit on both sides).

    Where nothing is required it is infinite, or minus infinite where the surplus held is negative: a reserve that is
    missing already covers nothing.

    Examples
    --------
    >>> reserve_coverage([3.0, 0.0, -4.0], [2.0, 0.0, 0.0]).tolist()
    [1.5, inf, -inf]
    """
    have, need = np.broadcast_arrays(np.asarray(held, dtype=np.float64), np.asarray(required, dtype=np.float64))
    nothing = np.where(have < 0.0, -np.inf, np.inf)
    return np.asarray(np.divide(have, need, out=nothing, where=need > 0.0))


def coverage_words(coverage: float) -> str:
    """Return a coverage for a headline.

    Examples
    --------
    >>> coverage_words(1.5), coverage_words(-np.inf)
    ('1.5', 'none (negative surplus, nothing required)')
    """
    if np.isinf(coverage):
        return "infinite (nothing required)" if coverage > 0.0 else "none (negative surplus, nothing required)"
    return f"{coverage:.3g}"
