"""Times of rolling correlations beside other packages: ``python -m benchmarks.correlation_rolling [--json FILE]``.

Processor seconds of one thread, ours and theirs in turns; the median of three rounds. 30 simulated series are 435
pairs of 2,500 days. Ours is the public function with its checks and counts. Peers without a rolling rank correlation
are looped over windows; a loop is timed on some windows, evenly over the span, and the rest multiplied. A row below
its floor says so, and the exit status is 1 when it was below in every round.
"""

import statistics
import sys
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.peers import find_package
from benchmarks.table import ROUNDS, Line, Row, compare, run_table
from benchmarks.timing import alternate
from volkit.correlation.windows import rolling_correlations
from volkit.correlation.windows.paths import Method

__all__ = ["rows"]

N_SERIES, N_DAYS = 30, 2500
WINDOWS = (30, 90, 250)
PAIRS = list(zip(*np.triu_indices(N_SERIES, k=1), strict=True))
# Windows of a loop that are timed.
SAMPLE: dict[Method, int] = {"spearman": 12, "kendall": 2}
# Of all nine sets of lines over pandas.
FLOOR, AIM = 100.0, 160.0

Task = Callable[[], object]


def simulated_moves() -> pd.DataFrame:
    """Return changes with one common factor and t5 shocks, shape (2500, 30)."""
    rng = np.random.default_rng(20240601)
    values = 0.02 * (rng.standard_t(5, (N_DAYS, 1)) + rng.standard_t(5, (N_DAYS, N_SERIES)))
    times = pd.date_range("2018-01-01", periods=N_DAYS, tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=[f"S{i:02d}" for i in range(N_SERIES)])


def ours(moves: pd.DataFrame, method: Method, window: int) -> Task:
    """Return the work of all pairs by this package."""
    return partial(rolling_correlations, moves, window=window, method=method, minimum=window, periods_per_year=365)


def pandas_pairwise(moves: pd.DataFrame, window: int) -> object:
    """Return Pearson's correlations by pandas in one call, both triangles."""
    return moves.rolling(window).corr(pairwise=True)


def pandas_by_pair(moves: pd.DataFrame, window: int) -> object:
    """Return Pearson's correlations by pandas, pair by pair."""
    columns = [moves.iloc[:, i] for i in range(N_SERIES)]
    return [columns[i].rolling(window).corr(columns[j]) for i, j in PAIRS]


def pandas_windows(moves: pd.DataFrame, method: Method, window: int) -> object:
    """Return a matrix by pandas for each of some windows."""
    ends = np.linspace(window, N_DAYS, SAMPLE[method]).astype(int)
    return [moves.iloc[end - window : end].corr(method=method) for end in ends]


def scipy_windows(values: np.ndarray, window: int) -> object:
    """Return Spearman's matrix by scipy's ranks for each of some windows."""
    ends = np.linspace(window, N_DAYS, SAMPLE["spearman"]).astype(int)
    return [np.corrcoef(stats.rankdata(values[end - window : end], axis=0), rowvar=False) for end in ends]


def bottleneck_moments(values: np.ndarray, window: int) -> object:
    """Return Pearson's correlations from moving means of values, squares and products."""
    mean = partial(find_package("bottleneck").move_mean, window=window, axis=0)
    first, second = np.triu_indices(N_SERIES, k=1)
    m = mean(values)
    deviation = np.sqrt(mean(values * values) - m * m)
    products = mean(values[:, first] * values[:, second]) - m[:, first] * m[:, second]
    return products / (deviation[:, first] * deviation[:, second])


def polars_pairs(values: np.ndarray, window: int) -> object:
    """Return Pearson's correlations by polars, one expression a pair."""
    polars = find_package("polars")
    frame = polars.DataFrame(values, schema=[str(i) for i in range(N_SERIES)])
    expressions = [polars.rolling_corr(str(i), str(j), window_size=window).alias(f"{i} {j}") for i, j in PAIRS]
    return frame.select(expressions)


def pearson_rows(moves: pd.DataFrame, window: int) -> Iterator[Line]:
    """Yield Pearson's rows over each peer."""
    values = np.ascontiguousarray(moves.to_numpy())
    task = f"Pearson, {len(PAIRS)} pairs x {N_DAYS:,} days, window {window}"
    peers: dict[str, tuple[Task, float | None]] = {
        "pandas rolling().corr()": (partial(pandas_pairwise, moves, window), None),
        "pandas, per pair": (partial(pandas_by_pair, moves, window), None),
        "bottleneck moments": (partial(bottleneck_moments, values, window), 1.0),
        "polars rolling_corr": (partial(polars_pairs, values, window), 1.0),
    }
    for peer, (work, floor) in peers.items():
        package = peer.split()[0].rstrip(",")
        if find_package(package) is None:
            yield f"{task}: {package} left out, not installed"
            continue
        yield compare(task, ours(moves, "pearson", window), work, peer=peer, floor=floor)


def rank_rows(moves: pd.DataFrame, window: int) -> Iterator[Row]:
    """Yield the rows of the rank correlations over loops."""
    values = np.ascontiguousarray(moves.to_numpy())
    n_windows = N_DAYS - window + 1
    for method, word in (("spearman", "Spearman"), ("kendall", "Kendall tau-b")):
        task = f"{word}, {len(PAIRS)} pairs x {N_DAYS:,} days, window {window}"
        scale = n_windows / SAMPLE[method]
        work = partial(pandas_windows, moves, method, window)
        yield compare(task, ours(moves, method, window), work, peer="pandas window loop", scale=scale)
        if method == "spearman":
            loop = partial(scipy_windows, values, window)
            yield compare(task, ours(moves, method, window), loop, peer="scipy window loop", scale=scale)


def all_sets_row(moves: pd.DataFrame) -> Row:
    """Return the row of all nine sets of lines over pandas."""
    rounds = np.zeros((ROUNDS, 2))
    for window in WINDOWS:
        peers: list[tuple[Method, Task, float]] = [("pearson", partial(pandas_pairwise, moves, window), 1.0)]
        for method, count in SAMPLE.items():
            work = partial(pandas_windows, moves, method, window)
            peers.append((method, work, (N_DAYS - window + 1) / count))
        for method, theirs, scale in peers:
            rounds += np.array(alternate(ours(moves, method, window), theirs, rounds=ROUNDS, calls=3)) * [1.0, scale]
    a, b = (statistics.median(column) for column in rounds.T)
    task = f"Pearson, Spearman and Kendall, {len(PAIRS)} pairs, windows 30, 90, 250"
    return Row(task, "pandas", a, b, tuple(rounds[:, 1] / rounds[:, 0]), FLOOR, AIM)


def rows() -> Iterator[Line]:
    """Yield the rows of the table."""
    moves = simulated_moves()
    for window in WINDOWS:
        yield from pearson_rows(moves, window)
    for window in WINDOWS:
        yield from rank_rows(moves, window)
    yield all_sets_row(moves)


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.correlation_rolling", rows))
