"""Times of path engines beside a numpy step loop that keeps the same paths: ``python -m benchmarks.realtime_paths``.

Ten thousand paths of 24 one-hour steps, every price and every volatility kept, one thread. The last rows are of one
engine with importance sampling: seconds at equal standard error of a touch with probability 0.1 %.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.table import Line, Row, compare, run_table
from volkit.scenarios.paths import (
    ConditionalVolatility,
    FilteredHistory,
    GeometricBrownian,
    PathEngine,
    Tilt,
    simulate_path_set,
)
from volkit.volatility import Distribution, Recursion

__all__ = ["lines"]

N_PATHS, STEPS = 10_240, 24
HOUR = pd.Timedelta("1h")
RULE, LAW, VARIANCE = Recursion(0.0, 2e-6, 0.08, 0.02, 0.88), Distribution("t", 5.0), 1e-4
POOL = np.random.default_rng(5).standard_t(5, 2000) * np.sqrt(3 / 5)


class State:
    """What an engine asks of a state."""

    recursion, next_variance, distribution, earlier = RULE, VARIANCE, LAW, np.empty(0)


ENGINES: dict[str, PathEngine] = {
    "log-normal": GeometricBrownian(volatility={"BTC": 0.9}, step=HOUR),
    "GJR-t": ConditionalVolatility(states={"BTC": State()}, step=HOUR),
    "filtered historical": FilteredHistory(states={"BTC": State()}, pool=POOL[:, None], step=HOUR),
}


def loop(name: str) -> np.ndarray:
    """Return the paths of a step loop over all paths at a time, shape (n_paths, n_steps, 2)."""
    rng, out = np.random.default_rng(1), np.empty((N_PATHS, STEPS, 2))
    price, variance = np.ones(N_PATHS), np.full(N_PATHS, VARIANCE)
    for k in range(STEPS):
        if name == "log-normal":
            deviation = 0.9 / 8760**0.5
            price = price * np.exp(deviation * rng.standard_normal(N_PATHS) - 0.5 * deviation**2)
            out[:, k, 1] = 0.9
        else:
            fat = name == "GJR-t"
            z = rng.standard_t(5.0, N_PATHS) * np.sqrt(0.6) if fat else POOL[rng.integers(len(POOL), size=N_PATHS)]
            news = np.sqrt(variance) * z
            price = price * np.maximum(1.0 + news, 0.0)
            variance = RULE.omega + (RULE.alpha + RULE.gamma * (news < 0.0)) * news**2 + RULE.beta * variance
            out[:, k, 1] = np.sqrt(variance * 8760)
        out[:, k, 0] = price
    return out


def plain_row(name: str) -> Row:
    """Return the row of one engine, path for path."""
    engine = ENGINES[name]
    return compare(
        f"{name}, {N_PATHS:,} paths x {STEPS} steps",
        lambda: simulate_path_set(engine, horizon=STEPS, n_paths=N_PATHS, rng=np.random.default_rng(1)),
        lambda: loop(name),
        peer="numpy step loop",
        calls=21,
    )


def tilted_row(name: str) -> Row:
    """Return the row of one engine with importance sampling, at equal error of a touch of one in a thousand."""
    engine, tilt = ENGINES[name], Tilt(direction={"BTC": 1.0})
    many = simulate_path_set(engine, horizon=STEPS, n_paths=40 * N_PATHS, rng=np.random.default_rng(2))
    level = np.quantile(many.minimum(), 0.001)
    terms = {"horizon": STEPS, "n_paths": N_PATHS, "tilt": tilt}
    paths = simulate_path_set(engine, rng=np.random.default_rng(1), **terms)
    gain = 0.001 * 0.999 / (paths.weights * (paths.minimum()[:, 0] <= level)).var()
    return compare(
        f"{name}, importance sampling ({gain:.0f} times less variance), equal error",
        lambda: simulate_path_set(engine, rng=np.random.default_rng(1), **terms),
        lambda: loop(name),
        peer="numpy step loop",
        scale=gain,
        calls=21,
    )


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    for measure in (plain_row, tilted_row):
        for name in ENGINES:
            yield measure(name)


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.realtime_paths", lines))
