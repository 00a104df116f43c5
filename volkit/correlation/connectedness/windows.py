"""Connectedness of windows of rows: the bridge from checked data to the kernels, and bands of what they draw."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.correlation.connectedness.system import System
from volkit.kernels import load_kernels
from volkit.results import freeze

__all__ = ["NOISY", "SINGULAR", "STATUS", "Windows", "band_of", "block_offsets", "measure_windows", "percent_frame"]

STATUS = ("ok", "explosive", "singular", "noisy")
SINGULAR, NOISY = STATUS.index("singular"), STATUS.index("noisy")

_KERNELS = "volkit.correlation.connectedness._kernels"


@dataclass(frozen=True, eq=False, slots=True)
class Windows:
    """What the kernels find in each window, as fractions.

    Attributes
    ----------
    tables, adjusted : ndarray, shape (n_windows, K, K)
        Rows receive.
    floors : ndarray, shape (n_windows,)
        Index under independence.
    draws : ndarray, shape (n_windows, n_draws)
        Bootstrap totals.
    status : ndarray of int, shape (n_windows,)
        0 stable, 1 explosive, 2 singular.
    """

    tables: np.ndarray
    adjusted: np.ndarray
    floors: np.ndarray
    draws: np.ndarray
    status: np.ndarray


def measure_windows(
    system: System, *, lags: int, usable: int, horizon: int, code: int, adjust: bool, offsets: np.ndarray, length: int
) -> Windows:
    """Return tables of all windows of `usable` rows, shape (n_rows - lags - usable + 1, K, K).

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> values = np.random.default_rng(1).standard_normal((60, 2))
    >>> system = System(times, values, pd.Index(["BTC", "SPX"]), 0)
    >>> none = np.zeros((0, 1), dtype=np.int64)
    >>> measure_windows(system, lags=1, usable=50, horizon=2, code=0, adjust=True, offsets=none, length=1).tables.shape
    (10, 2, 2)
    """
    n_rows, K = system.values.shape
    count = n_rows - lags - usable + 1
    tables = np.empty((count, K, K))
    adjusted = np.full((count, K, K), np.nan)
    floors, status = np.full(count, np.nan), np.zeros(count, dtype=np.int64)
    draws = np.empty((count, len(offsets)))
    wide = np.empty((1 + K * (lags + 1), n_rows - lags))
    load_kernels(_KERNELS).roll(
        np.array(system.values), lags, usable, horizon, code, adjust, tables, adjusted, floors, status, wide, draws,
        offsets, length,
    )  # fmt: skip
    return Windows(tables, adjusted, floors, draws, status)


def block_offsets(rng: np.random.Generator | None, n_draws: int, usable: int) -> tuple[np.ndarray, int]:
    """Return the starts of bootstrap blocks, shape (n_draws, n_blocks), and their length; no draws without `rng`.

    Examples
    --------
    >>> starts, length = block_offsets(np.random.default_rng(1), 199, 200)
    >>> starts.shape, length
    ((199, 34), 6)
    """
    length = max(int(np.ceil(usable ** (1.0 / 3.0))), 1)
    if rng is None:
        return np.zeros((0, 1), dtype=np.int64), length
    check_count(n_draws, argument="n_draws", minimum=39, unit="draws")
    return rng.integers(0, usable, size=(n_draws, -(-usable // length))), length


def band_of(windows: Windows, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper limits of the adjusted totals, shape (n_windows,) each, as fractions.

    NaN without draws, and where any draw of a window was singular.

    Examples
    --------
    >>> shares = np.full((1, 2, 2), 0.5)
    >>> found = Windows(shares, shares, np.zeros(1), np.linspace(0.4, 0.6, 41)[None, :], np.zeros(1, dtype=np.int64))
    >>> [limit.round(3).tolist() for limit in band_of(found, 0.9)]
    [[0.41], [0.59]]
    """
    count, K, _ = windows.tables.shape
    if not windows.draws.shape[1]:
        return np.full(count, np.nan), np.full(count, np.nan)
    adjusted = 1.0 - np.diagonal(windows.adjusted, axis1=1, axis2=2).sum(axis=1) / K
    mean = windows.draws.mean(axis=1)
    # Noise in every cell flattens the draws: with own parts held, a total T moves by (1 - T)^2 a unit of the others'.
    steeper = ((1.0 - adjusted) / (1.0 - mean)) ** 2
    centred = steeper[:, None] * (windows.draws - mean[:, None])
    tail = 0.5 * (1.0 - confidence)
    limits = adjusted[:, None] + np.quantile(centred, [tail, 1.0 - tail], axis=1).T
    lower, upper = np.clip(limits, 0.0, 1.0).T
    return lower, upper


def percent_frame(shares: np.ndarray, names: pd.Index) -> pd.DataFrame:
    """Return a read-only frame, shape (K, K), of fractions in per cent: rows receive, columns send.

    Examples
    --------
    >>> percent_frame(np.array([[0.5, 0.5], [0.25, 0.75]]), pd.Index(["BTC", "SPX"])).loc["SPX", "BTC"]
    np.float64(25.0)
    """
    return freeze(pd.DataFrame(100.0 * shares, index=names.rename("receiver"), columns=names.rename("sender")))
