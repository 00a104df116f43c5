"""Times of two ways to do the same work, taken in turns so that a busy moment hits both."""

import statistics
import time
from collections.abc import Callable

__all__ = ["alternate", "cpu_seconds", "median_seconds"]

Work = Callable[[], object]


def cpu_seconds(work: Work, *, calls: int = 1) -> float:
    """Return the median processor seconds of a call; other processes do not count in them."""
    times = []
    for _ in range(calls):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def median_seconds(work: Work, *, repeats: int, warm_up: bool = True) -> float:
    """Return the median wall seconds of `repeats` calls, after one that is not counted."""
    if warm_up:
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def alternate(ours: Work, theirs: Work, *, rounds: int, calls: int) -> list[tuple[float, float]]:
    """Return processor seconds of both in each round: ours the median of `calls`, theirs of one call.

    Both run once before, so that nothing is compiled or imported while the clock runs.
    """
    ours()
    theirs()
    return [(cpu_seconds(ours, calls=calls), cpu_seconds(theirs)) for _ in range(rounds)]
