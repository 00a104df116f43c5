"""What the index would show if the series had nothing in common: each keeps its own dynamics, ties are cut."""

from typing import Literal

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from volkit.checks import check_count
from volkit.correlation.connectedness.system import Decomposition, Kind, System, check_lags, check_system, kind_code
from volkit.correlation.connectedness.var import fit_var
from volkit.correlation.connectedness.windows import block_offsets, measure_windows
from volkit.parallel import progress

__all__ = ["independent_totals"]


def independent_totals(
    changes: pd.DataFrame,
    *,
    lags: int,
    rng: np.random.Generator,
    horizon: int = 10,
    decomposition: Decomposition = "generalised",
    n_draws: int = 199,
    kind: Kind = "changes",
    missing: Literal["raise", "drop"] = "raise",
) -> np.ndarray:
    """Return indices of simulated independent series with the own dynamics of these, per cent, shape (n_draws,).

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, K)
        As for `connectedness`.
    lags, horizon, decomposition, kind, missing
        As for `connectedness`.
    rng : Generator
        Draws the shocks.
    n_draws : int
        Simulated systems, at least 39.

    Returns
    -------
    ndarray
        Sorted. The mean is what `Connectedness.floor` works out in closed form; an index above the 95 % quantile is
        more than such series show by chance.

    Raises
    ------
    ArgumentError, DataError
        As `connectedness`.

    Notes
    -----
    Each series gets an autoregression of its own with `lags` lags; blocks of its residuals (n^(1/3) rows), drawn for
    each series apart, run through it. Blocks keep volatility clusters and lose what series share in them.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2024-01-01", periods=500, tz="UTC")
    >>> moves = pd.DataFrame(rng.standard_normal((500, 2)) @ [[1.0, 0.8], [0.0, 0.6]], times, ["BTC", "ETH"])
    >>> bool(independent_totals(moves, lags=1, rng=rng).mean() < 1.0)
    True
    """
    code, steps = kind_code(decomposition), check_count(horizon, argument="horizon")
    system = check_system(changes, kind=kind, missing=missing)
    n_rows, K = system.values.shape
    usable = n_rows - check_count(lags, argument="lags")
    p = check_lags(lags, usable, K, where="the sample")
    own = [fit_var(System(system.index, system.values[:, [k]], system.names[[k]], 0), p).A[:, 0, 0] for k in range(K)]
    filters = [np.concatenate([[1.0], -a]) for a in own]
    residuals = []
    for k, a in enumerate(filters):
        shocks = lfilter(a, [1.0], system.values[:, k] - system.values[:, k].mean())[p:]
        residuals.append(shocks - shocks.mean())
    starts = [block_offsets(rng, n_draws, usable) for _ in range(K)]
    # As many rows again run in before those that are kept, so that the start does not matter.
    none, totals = np.zeros((0, 1), dtype=np.int64), np.empty(n_draws)
    for b in progress(range(n_draws), label="histories of independent series"):
        columns = []
        for k in range(K):
            offsets, length = starts[k]
            rows = (offsets[b][:, None] + np.arange(length)).ravel() % usable
            shocks = residuals[k][np.resize(rows, 2 * n_rows)]
            columns.append(lfilter([1.0], filters[k], shocks)[n_rows:])
        drawn = System(system.index, np.column_stack(columns), system.names, 0)
        found = measure_windows(
            drawn, lags=p, usable=usable, horizon=steps, code=code, adjust=False, offsets=none, length=1
        )
        totals[b] = 100.0 * (1.0 - np.trace(found.tables[0]) / K)
    return np.sort(totals)
