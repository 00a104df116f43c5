"""Times of correlation intervals: ``python -m benchmarks.correlation_inference``.

Processor seconds of one thread, ours and arch's bootstrap in turns; the median of three rounds. arch's loop is timed on
a few windows and multiplied. A row below its floor in every round makes the exit status 1.
"""

import sys
from collections.abc import Iterator
from functools import partial

import numpy as np
from arch.bootstrap import MovingBlockBootstrap

from benchmarks.table import Line, Row, compare, run_table, timed
from benchmarks.timing import cpu_seconds
from volkit.correlation.inference import bootstrap_band
from volkit.correlation.inference.windows import window_bands

__all__ = ["lines"]

ROWS, DRAWS, ROUNDS = 2500, 999, 3
N_SERIES = 30
# Windows of arch's loop that are timed.
SAMPLE = 5


def arch_band(x: np.ndarray, y: np.ndarray, window: int, block: int) -> None:
    """Make percentile limits for a few windows with arch's moving-block bootstrap."""
    data = np.stack([x, y], axis=1)
    for end in np.linspace(window, len(x), SAMPLE).astype(int):
        draws = MovingBlockBootstrap(block, data[end - window : end], seed=1)
        draws.conf_int(lambda a: np.corrcoef(a, rowvar=False)[0, 1], reps=DRAWS, method="percentile")


def bootstrap_row(window: int, block: int) -> Row:
    """Return the row of percentile limits in every window over arch's loop."""
    x, y = np.random.default_rng(1).standard_t(5, (2, ROWS))
    rng = np.random.default_rng(2)
    return compare(
        f"bootstrap limits of a rolling correlation, window {window}, block {block}, {DRAWS} draws",
        lambda: bootstrap_band(x, y, window=window, block_length=block, n_draws=DRAWS, rng=rng),
        partial(arch_band, x, y, window, block),
        peer="arch MovingBlockBootstrap",
        scale=(ROWS - window + 1) / SAMPLE,
        floor=500,
        aim=3000,
    )


def interval_row(window: int) -> Row:
    """Return the row of cosine intervals of all pairs of 30 series in every window."""
    values = np.random.default_rng(3).standard_t(5, (N_SERIES, ROWS))
    pairs = np.array(np.triu_indices(N_SERIES, k=1)).T
    work = partial(window_bands, values, pairs, window=window, minimum=window // 2, confidence=0.95)
    work()
    seconds = tuple(cpu_seconds(work) for _ in range(ROUNDS))
    task = f"cosine intervals, {len(pairs)} pairs, {ROWS} rows, window {window}"
    return timed(task, seconds, most=1.0, aim=0.7)


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    for window in (30, 90, 250):
        yield interval_row(window)
    yield bootstrap_row(90, 6)
    yield bootstrap_row(250, 10)


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.correlation_inference", lines))
