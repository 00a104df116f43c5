"""Times of rolling connectedness beside its peers: ``python -m benchmarks.correlation_connectedness``.

Processor seconds of one thread, ours and theirs in turns. Ten simulated series, 2,000 days, windows of 200, two lags,
ten periods ahead; the peers do a sample of the windows, which is multiplied. The exit status is 1 below the floor.
"""

import sys
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers import find_package
from benchmarks.table import ROUNDS, Line, compare, run_table, timed
from benchmarks.timing import cpu_seconds
from volkit.correlation.connectedness import rolling_connectedness, tvp_var_connectedness

__all__ = ["lines"]

N_SERIES, N_DAYS, WINDOW, LAGS, HORIZON = 10, 2000, 200, 2, 10
# Windows that a peer does: its first rows, so many that import and set-up do not count.
SAMPLE = 100
FLOOR, AIM = 100.0, 300.0


def simulated() -> pd.DataFrame:
    """Return simulated series of autocorrelated changes that share a factor."""
    rng = np.random.default_rng(1)
    shocks = rng.standard_t(6, (N_DAYS, N_SERIES)) + rng.standard_t(6, (N_DAYS, 1))
    values = np.zeros_like(shocks)
    for t in range(1, N_DAYS):
        values[t] = 0.35 * values[t - 1] + shocks[t]
    times = pd.date_range("2018-01-01", periods=N_DAYS, tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=[f"s{k}" for k in range(N_SERIES)])


def diebold_yilmaz_loop(package: ModuleType, moves: pd.DataFrame) -> None:
    """Estimate every window of a sample anew with diebold-yilmaz."""
    values = moves.to_numpy()
    for end in range(WINDOW, len(values) + 1):
        psi, sigma, _ = package.fit_var(values[end - WINDOW : end], p=LAGS, horizon=HORIZON)
        package.connectedness(psi, sigma)


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    moves = simulated()
    few = moves.iloc[: WINDOW + SAMPLE - 1]
    terms: dict[str, Any] = {"window": WINDOW, "lags": LAGS, "horizon": HORIZON}
    ours = partial(rolling_connectedness, moves, adjust=False, **terms)
    row = partial(compare, "rolling connectedness, 1,801 windows", ours, scale=(N_DAYS - WINDOW + 1) / SAMPLE, calls=5)
    if peer := find_package("pyconnectedness"):
        theirs = partial(peer.dynamic_connectedness, few, window=WINDOW, horizon=HORIZON, lags=LAGS)
        yield row(theirs, peer="pyconnectedness", floor=FLOOR, aim=AIM)
    else:
        yield "rolling connectedness over pyconnectedness: left out, the package is not installed"
    if peer := find_package("diebold_yilmaz"):
        yield row(partial(diebold_yilmaz_loop, peer, few), peer="diebold-yilmaz")
    else:
        yield "rolling connectedness over diebold-yilmaz: left out, the package is not installed"
    full = partial(rolling_connectedness, moves, adjust=True, **terms)
    banded = partial(rolling_connectedness, moves, rng=np.random.default_rng(1), **terms)
    varying = partial(tvp_var_connectedness, moves.iloc[:371, :8], lags=1, prior_window=200)
    for task, work in (
        ("rolling connectedness with adjustment and floor", full),
        ("and bands of 199 draws a window", banded),
        ("TVP-VAR, 371 rows of 8 series", varying),
    ):
        yield timed(task, [cpu_seconds(work) for _ in range(ROUNDS)])


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.correlation_connectedness", lines))
