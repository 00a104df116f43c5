"""Correlations of many pairs in a moving window, each value with an interval that covers."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from volkit.correlation.intervals import cosine_terms
from volkit.kernels import load_kernels

__all__ = ["WindowBands", "window_bands"]

# Degree of the polynomial that stands for the t quantile: its largest relative error is 2e-13.
_DEGREE = 30


@dataclass(frozen=True, eq=False, slots=True)
class WindowBands:
    """Correlations of pairs by window, arrays of shape (n_pairs, n_windows), no unit.

    Attributes
    ----------
    correlation, lower, upper : ndarray
        NaN with too few complete pairs and where a side is constant.
    n : ndarray
        Complete pairs in the window.
    """

    correlation: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    n: np.ndarray


def window_bands(values: np.ndarray, pairs: np.ndarray, *, window: int, minimum: int, confidence: float) -> WindowBands:
    """Return the correlation of each pair of series in each window, with the interval of `intervals.ewc_band`.

    Parameters
    ----------
    values : ndarray, shape (n_series, n_rows)
        Changes in any unit, NaN where missing.
    pairs : ndarray of int, shape (n_pairs, 2)
        Rows of `values` that belong together.
    window : int
        Rows in a window, at most n_rows.
    minimum : int
        Complete pairs that a value needs, at least 3.
    confidence : float
        Of the two-sided interval, fraction.

    Returns
    -------
    WindowBands
        Column k belongs to the window that ends with row window - 1 + k.

    Notes
    -----
    Every window is computed from its own values, so no rounding is carried from one to the next and a longer
    history does not change a bit of the earlier windows.

    Examples
    --------
    >>> values = np.random.default_rng(1).standard_normal((3, 100))
    >>> pairs = np.array([[0, 1], [0, 2], [1, 2]])
    >>> window_bands(values, pairs, window=60, minimum=30, confidence=0.95).correlation.shape
    (3, 41)
    """
    terms = np.array([cosine_terms(max(n, 1)) for n in range(window + 1)])
    low = 1.0 / terms[window]

    nodes = np.polynomial.chebyshev.chebpts1(_DEGREE + 1)
    inverse = 0.5 * (nodes * (1.0 - low) + 1.0 + low)
    quantiles = stats.t.ppf(0.5 * (1.0 + confidence), 1.0 / inverse)
    coefficients = np.polynomial.chebyshev.chebfit(nodes, quantiles, _DEGREE)
    out = np.empty((len(pairs), 4, values.shape[1] - window + 1))
    kernels = load_kernels("volkit.correlation.inference._ewc")
    kernels.window_bands(
        np.array(values, dtype=np.float64, order="C"),
        np.array(pairs, dtype=np.int64, order="C"),
        window,
        minimum,
        terms,
        coefficients,
        low,
        out,
    )
    return WindowBands(correlation=out[:, 0], lower=out[:, 1], upper=out[:, 2], n=out[:, 3])
