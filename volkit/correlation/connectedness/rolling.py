"""Connectedness in a moving window, each value with its floor, its adjustment, its limits and a status."""

from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count
from volkit.correlation.connectedness.paths import ConnectednessPath, assemble_path
from volkit.correlation.connectedness.system import Decomposition, Kind, check_lags, check_system, kind_code
from volkit.correlation.connectedness.windows import NOISY, band_of, block_offsets, measure_windows
from volkit.errors import ArgumentError
from volkit.results import Provenance

__all__ = ["rolling_connectedness"]

# Noise, in floors, above which it is not known: it usually is below one floor, and five in the months of one huge day.
_MOST_NOISE = 2.0


def rolling_connectedness(
    changes: pd.DataFrame,
    *,
    window: int,
    lags: int,
    horizon: int = 10,
    decomposition: Decomposition = "generalised",
    kind: Kind = "changes",
    missing: Literal["raise", "drop"] = "raise",
    adjust: bool = True,
    confidence: float = 0.95,
    n_draws: int = 199,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> ConnectednessPath:
    """Return total and directional connectedness of each window of rows.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, K)
        As for `connectedness`.
    window : int
        Rows in a window. Its first `lags` rows only start the lags, so window - lags are usable: the convention
        of R's ConnectednessApproach. For N usable rows pass window=N + lags.
    lags, horizon, decomposition, kind, missing
        As for `connectedness`.
    adjust : bool
        Whether to work out the adjusted index and the floor, which takes most of the time.
    confidence : float
        Of each pointwise interval, fraction.
    n_draws : int
        Bootstrap draws for each window, the same block starts in all of them.
    rng : Generator, optional
        For the limits; without it they are NaN.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ConnectednessPath
        Frames with the rows of `changes` that are complete (UTC), per cent; NaN before the first full window and
        where a window is singular (a constant series), which `total["status"]` says and `n_singular` counts.

    Raises
    ------
    ArgumentError
        For a window longer than the sample or too short for the lags, a bad horizon, confidence or choice, or an
        interval without the adjustment it is about.
    DataError
        As `connectedness`.

    Notes
    -----
    Each value is that of `connectedness` on the window alone, so nothing later changes it. An explosive window
    keeps its value (shares of H periods exist for any roots) and says so in `status`. Sums are carried from window
    to window and made afresh every 64 windows, and before that where a large value left or a pivot got small.

    Where estimation noise comes out above two floors, mostly because one huge day makes the window, the adjusted index
    and its limits are blank and the status is "noisy": taken off, it would leave nothing of an index of 50 %.

    Intervals hold for one window each: that the line leaves another window's interval is no evidence of change.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=400, tz="UTC")
    >>> moves = pd.DataFrame(rng.standard_normal((400, 2)) @ [[1.0, 0.8], [0.0, 0.6]], times, ["BTC", "ETH"])
    >>> path = rolling_connectedness(moves, window=200, lags=1)
    >>> path.latest[["total", "adjusted", "floor"]].astype(float).round(1).to_dict()
    {'total': 38.6, 'adjusted': 38.5, 'floor': 1.0}
    """
    code, level = kind_code(decomposition), check_confidence(confidence)
    steps, rows = check_count(horizon, argument="horizon"), check_count(window, argument="window")
    system = check_system(changes, kind=kind, missing=missing)
    n_rows, K = system.values.shape
    if rows > n_rows:
        remedy = f"pass window={n_rows} or less, or a longer history"
        raise ArgumentError("window", f"must fit into the {n_rows} complete rows of the sample", str(rows), remedy)
    if rng is not None and not adjust:
        raise ArgumentError("adjust", "must be True for limits, which are of the adjusted index", "False", "drop rng")
    p = check_lags(lags, rows - check_count(lags, argument="lags"), K, where=f"the window of {rows} rows")
    offsets, length = block_offsets(rng, n_draws, rows - p)
    found = measure_windows(
        system, lags=p, usable=rows - p, horizon=steps, code=code, adjust=adjust, offsets=offsets, length=length
    )
    raw, adjusted = (1.0 - np.diagonal(t, axis1=1, axis2=2).sum(axis=1) / K for t in (found.tables, found.adjusted))
    lower, upper = band_of(found, level)
    # NaN, where nothing was adjusted, compares as not noisy.
    noisy = raw - adjusted > _MOST_NOISE * found.floors
    for values in (adjusted, lower, upper):
        values[noisy] = np.nan
    return assemble_path(
        system,
        tables=found.tables,
        first=rows - 1,
        status=np.where(noisy & (found.status == 0), NOISY, found.status),
        adjusted=np.maximum(adjusted, 0.0),
        floor=found.floors,
        band=(lower, upper),
        method=f"{decomposition}, {rows} periods ({rows - p} usable)",
        lags=p,
        horizon=steps,
        window=rows,
        confidence=level,
        provenance=provenance,
    )
