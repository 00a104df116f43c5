"""Rolling correlations of resampled pairs: one set of block starts for all windows and pairs that are compared.

Pairs are kept together, so a resampled history has one constant correlation, that of the whole sample, and the
serial dependence that fits into a block.
"""

from dataclasses import dataclass

import numpy as np

from volkit.checks import check_count
from volkit.errors import ArgumentError
from volkit.kernels import load_kernels

__all__ = [
    "BLOCK_LENGTH",
    "CLIP",
    "LineExtremes",
    "atanh_of",
    "check_test_window",
    "critical_value",
    "draw_extremes",
    "line_extremes",
    "p_value",
    "running_sums",
]

# Devolatilised changes are close to independent: longer blocks cost size and power, shorter ones keep no cluster.
BLOCK_LENGTH = 5
# In standard deviations; one larger shock would set the line of its whole window.
CLIP = 3.0
_SHORTEST_WINDOW = 10
_KERNELS = "volkit.correlation.inference._bootstrap"
# A correlation nearer to one than this is one: atanh stays finite, at 14.
_NEAR_ONE = 1.0 - 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class LineExtremes:
    """Lowest and highest value of a rolling correlation, arrays of shape (..., n_windows), no unit.

    Attributes
    ----------
    lowest, highest : ndarray
        Infinite (the wrong way round) where every window has a constant side.
    """

    lowest: np.ndarray
    highest: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Range of atanh(correlation), shape (..., n_windows)."""
        return np.asarray(atanh_of(self.highest) - atanh_of(self.lowest))

    def farthest_from(self, correlation: float) -> np.ndarray:
        """Largest distance on the line from a correlation, both through atanh; shape (..., n_windows)."""
        centre = atanh_of(np.asarray(correlation))
        return np.asarray(np.maximum(atanh_of(self.highest) - centre, centre - atanh_of(self.lowest)))


def atanh_of(correlation: np.ndarray) -> np.ndarray:
    """Return atanh of correlations (no unit, any shape), kept finite at 1 and -1.

    Examples
    --------
    >>> atanh_of(np.array([0.0, 1.0])).round(2)
    array([ 0.  , 14.16])
    """
    return np.asarray(np.arctanh(np.clip(correlation, -_NEAR_ONE, _NEAR_ONE)))


def running_sums(x: np.ndarray, y: np.ndarray, *, extra: int = 0) -> np.ndarray:
    """Return running sums of x, y, x^2, y^2, xy of the standardised pairs, shape (5, n + extra + 1).

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Complete changes in any unit.
    extra : int
        Rows from the beginning that are put behind the end, to close the circle.

    Examples
    --------
    >>> running_sums(np.array([1.0, -1.0]), np.array([2.0, -2.0])).tolist()[4]
    [0.0, 1.0, 2.0]
    """
    u, v = ((a - a.mean()) / a.std() for a in (x, y))
    u, v = (np.concatenate([a, a[:extra]]) for a in (u, v))
    products = np.stack([u, v, u * u, v * v, u * v])
    return np.ascontiguousarray(np.pad(np.cumsum(products, axis=1), ((0, 0), (1, 0))))


def line_extremes(x: np.ndarray, y: np.ndarray, windows: np.ndarray) -> LineExtremes:
    """Return the extremes of the rolling correlation of complete pairs, shape (n,), for each window length.

    Examples
    --------
    >>> x = np.random.default_rng(1).standard_normal(100)
    >>> line_extremes(x, x, np.array([30])).lowest.round(6).tolist()
    [1.0]
    """
    out = np.empty((len(windows), 2))
    load_kernels(_KERNELS).line_extremes(running_sums(x, y), np.array(windows, dtype=np.int64), out)
    return LineExtremes(out[:, 0], out[:, 1])


def draw_extremes(
    x: np.ndarray, y: np.ndarray, windows: np.ndarray, starts: np.ndarray, *, block_length: int
) -> LineExtremes:
    """Return the extremes of the rolling correlation of each circular block draw, shape (n_draws, n_windows).

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Complete changes in any unit.
    windows : ndarray of int, shape (n_windows,)
        Pairs in a window.
    starts : ndarray of int, shape (n_draws, n_blocks)
        From `validation.blocks.block_starts`.
    block_length : int
        Pairs in a block.

    Examples
    --------
    >>> from volkit.validation.blocks import block_starts
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.standard_normal((2, 100))
    >>> starts = block_starts(100, block_length=5, n_draws=99, rng=rng)
    >>> draw_extremes(x, y, np.array([30, 60]), starts, block_length=5).lowest.shape
    (99, 2)
    """
    out = np.empty((len(starts), len(windows), 2))
    sums, chosen = running_sums(x, y, extra=block_length), np.array(windows, dtype=np.int64)
    load_kernels(_KERNELS).draw_extremes(sums, starts, block_length, len(x), chosen, out)
    return LineExtremes(out[..., 0], out[..., 1])


def check_test_window(window: int, n: int) -> int:
    """Return a window of at least 10 of n pairs and at most half of them.

    Raises
    ------
    ArgumentError
        For any other.

    Examples
    --------
    >>> check_test_window(90, 1500)
    90
    """
    width = check_count(window, argument="window", minimum=_SHORTEST_WINDOW)
    if 2 * width > n:
        remedy = f"pass window={n // 2} or less, or a longer history"
        raise ArgumentError("window", f"must fit twice into the {n} pairs of the test", str(width), remedy)
    return width


def p_value(statistic: float, drawn: np.ndarray) -> float:
    """Return (1 + the number of draws, shape (n_draws,), at least as large as a statistic) / (n_draws + 1).

    Examples
    --------
    >>> p_value(2.5, np.arange(4.0))
    0.4
    """
    return float((1 + np.count_nonzero(drawn >= statistic)) / (len(drawn) + 1))


def critical_value(drawn: np.ndarray, confidence: float) -> float:
    """Return the value above which `p_value` is at most one less the confidence; draws have shape (n_draws,).

    Examples
    --------
    >>> critical_value(np.arange(99.0), 0.95)
    94.0
    """
    rank = int((1.0 - confidence) * (len(drawn) + 1) + 1e-9)
    return float(np.sort(drawn)[-max(rank, 1)])
