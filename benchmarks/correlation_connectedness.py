"""Times of rolling connectedness beside its peers: ``python -m benchmarks.correlation_connectedness``.

Processor seconds of one thread, ours and theirs in turns. Ten simulated series, 2,000 days, windows of 200, two lags,
ten periods ahead; the peers do a sample of the windows, which is multiplied. The exit status is 1 below the floor.
"""

import statistics
import sys

import numpy as np
import pandas as pd

from benchmarks.peers import find_package
from benchmarks.timing import alternate, cpu_seconds
from volkit.correlation.connectedness import rolling_connectedness, tvp_var_connectedness

__all__ = ["main"]

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


def main() -> int:
    """Print the table; return 1 when the floor was missed in every round."""
    moves = simulated()
    few = moves.iloc[: WINDOW + SAMPLE - 1]
    scale = (N_DAYS - WINDOW + 1) / SAMPLE

    def ours(adjust: bool = False) -> object:
        return rolling_connectedness(moves, window=WINDOW, lags=LAGS, horizon=HORIZON, adjust=adjust)

    peers = {}
    if py := find_package("pyconnectedness"):
        peers["pyconnectedness"] = lambda: py.dynamic_connectedness(few, window=WINDOW, horizon=HORIZON, lags=LAGS)
    if dy := find_package("diebold_yilmaz"):

        def loop() -> None:
            values = few.to_numpy()
            for end in range(WINDOW, len(values) + 1):
                psi, sigma, _ = dy.fit_var(values[end - WINDOW : end], p=LAGS, horizon=HORIZON)
                dy.connectedness(psi, sigma)

        peers["diebold-yilmaz"] = loop
    failed = False
    for name, theirs in peers.items():
        rounds = [b * scale / a for a, b in alternate(ours, theirs, rounds=3, calls=5)]
        ratio = statistics.median(rounds)
        bounds = f"accepted {FLOOR:g}x, aimed at {AIM:g}x" if name == "pyconnectedness" else ""
        failed = failed or (name == "pyconnectedness" and max(rounds) < FLOOR)
        print(f"rolling connectedness, 1,801 windows, over {name:<18}{ratio:>8.0f}x  {bounds}")
    print(f"rolling connectedness, without adjustment        {cpu_seconds(ours, calls=5):>8.3f} s")
    print(f"with adjustment and floor                        {cpu_seconds(lambda: ours(True), calls=3):>8.3f} s")
    rng = np.random.default_rng(1)
    bands = cpu_seconds(lambda: rolling_connectedness(moves, window=WINDOW, lags=LAGS, horizon=HORIZON, rng=rng))
    print(f"and bands of 199 draws a window                  {bands:>8.3f} s")
    tvp_var_connectedness(moves.iloc[:300, :8], lags=1, prior_window=200)
    tvp = cpu_seconds(lambda: tvp_var_connectedness(moves.iloc[:371, :8], lags=1, prior_window=200), calls=3)
    print(f"TVP-VAR, 371 rows of 8 series                    {tvp:>8.3f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
