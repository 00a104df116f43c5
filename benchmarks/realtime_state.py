"""Times of the live state beside plain loops: ``python -m benchmarks.realtime_state``.

Simulated minute bars of one asset, and of a hundred. Ours and the peer take the same bars in turns, and agree.
"""

import sys
import time
from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.table import ROUNDS, Line, compare, run_table, timed
from benchmarks.timing import median_seconds
from volkit.kernels import load_kernels
from volkit.realtime.online import QuantileTracker
from volkit.realtime.replay import LiveMargin, policy_from_law, replay
from volkit.realtime.state import LiveBar, LiveFactors, LiveVolatility
from volkit.volatility import CRYPTO_LAGS, Garch, Har

__all__ = ["lines"]

N_BARS, N_LOOP, N_STREAM, N_ASSETS = 1_000_000, 20_000, 20_000, 100
# Accepted by the issue: bars a second inside the kernel, seconds a bar through the public call.
LEAST_BARS, MOST_SECONDS = 5e6, 20e-6


def simulated_closes(n: int) -> pd.Series:
    """Return simulated minute closes."""
    rng = np.random.default_rng(1)
    times = pd.date_range("2023-01-01", periods=n, freq="1min", tz="UTC", name="time")
    return pd.Series(100.0 * np.exp(np.cumsum(5e-4 * rng.standard_normal(n))), index=times, name="SIM")


def loop_over_numpy(state: LiveVolatility, times: np.ndarray, closes: np.ndarray) -> float:
    """Return the last variance by a plain loop over numpy arrays, with the same checks."""
    mu, omega, alpha, gamma, beta = state.model.core
    v, last, before = state.level, state.last_close, state.as_of.value
    for i in range(len(times)):
        if times[i] - before != 60_000_000_000 or not closes[i] > 0.0:
            continue
        e = closes[i] / last - 1.0 - mu
        v = omega + (alpha + gamma if e < 0.0 else alpha) * e * e + beta * v
        last, before = closes[i], times[i]
    return float(v)


def har_state(closes: pd.Series) -> tuple[LiveVolatility, pd.Series]:
    """Return a HAR state after 300 simulated days, and the bars that follow."""
    squares = np.log(closes).diff() ** 2
    daily = squares.groupby(closes.index.floor("1D")).sum().iloc[:300].rename("SIM")
    fit = Har(lags=CRYPTO_LAGS, form="log").fit(daily, periods_per_year=365)
    later = closes[daily.index[-1] + pd.Timedelta("1D") :]
    return LiveVolatility.from_har(fit, last_close=100.0, step="1min"), later


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    closes = simulated_closes(N_BARS)
    fit = Garch(family="gjr", distribution="t").fit(closes.pct_change().iloc[1:5001], periods_per_year=525_600)
    state = LiveVolatility.from_fit(fit, last_close=float(closes.iloc[5000]))
    later = closes.iloc[5001:]
    yield from kernel_rows(state, later)
    har, har_later = har_state(closes)
    for word, live, bars in (("recursion", state, later), ("HAR", har, har_later)):
        table = bars.to_frame("close")
        seconds = [median_seconds(lambda live=live, table=table: live.copy().follow(table), repeats=1)]
        yield f"{word}, public table call: {len(table) / seconds[0] / 1e6:.1f} M bars/s"
        yield timed(f"live state, {word}, one bar through the public call", streaming(live, bars), most=MOST_SECONDS)
    yield panel_words(state, later)
    yield from replay_rows(state, later)


def kernel_rows(state: LiveVolatility, later: pd.Series) -> Iterator[Line]:
    """Yield the rows of the recursion's kernel, after a look that it agrees with a loop."""
    times, values = later.index.as_unit("ns").asi8, later.to_numpy()
    level, status = np.empty(len(values)), np.empty(len(values), dtype=np.int64)
    kernels, model = load_kernels("volkit.realtime.state._kernels"), state.model

    def kernel(n: int) -> None:
        numbers = np.array([state.level, state.last_close, 0.0])
        clock = np.array([state.as_of.as_unit("ns").value, 0, 0, 0])
        kernels.follow_recursion(
            times[:n], values[:n], model.grid, model.core, model.factors, numbers, clock, level[:n], status[:n]
        )

    kernel(N_LOOP)
    assert abs(level[N_LOOP - 1] / loop_over_numpy(state, times[:N_LOOP], values[:N_LOOP]) - 1.0) < 1e-9
    loop = partial(loop_over_numpy, state, times[:N_LOOP], values[:N_LOOP])
    yield compare(f"live state, recursion kernel, {N_LOOP:,} bars", partial(kernel, N_LOOP), loop, peer="numpy loop")
    seconds = [median_seconds(partial(kernel, len(values)), repeats=1) / len(values) for _ in range(ROUNDS)]
    yield timed("live state, recursion kernel, one bar", seconds, most=1.0 / LEAST_BARS)


def streaming(state: LiveVolatility, later: pd.Series) -> list[float]:
    """Return the median seconds of one public update, once a round."""
    bars = [LiveBar(t, c) for t, c in later.iloc[:N_STREAM].items()]
    medians = []
    for _ in range(ROUNDS):
        live, spent = state.copy(), np.empty(len(bars))
        for i, bar in enumerate(bars):
            start = time.perf_counter()
            live.update(bar)
            spent[i] = time.perf_counter() - start
        medians.append(float(np.median(spent)))
    return medians


def panel_words(state: LiveVolatility, later: pd.Series) -> str:
    """Return the time of one bar of many assets in words."""
    states = []
    for i in range(N_ASSETS):
        record = state.model.to_record() | {"asset": f"SIM{i}"}
        model = type(state.model).from_record(record)
        numbers = np.array([state.level, state.last_close, 0.0])
        clock = np.array([state.as_of.as_unit("ns").value, 0, 0, 0])
        states.append(LiveVolatility(model, numbers=numbers, clock=clock, ring=np.empty(0), skipped=[]))
    factors = LiveFactors(states)
    stamps, prices = list(later.index[:2000]), np.repeat(later.to_numpy()[:2000, None], N_ASSETS, axis=1)
    factors.update(stamps[0], prices[0])
    start = time.perf_counter()
    for i in range(1, 2000):
        factors.update(stamps[i], prices[i])
    one = (time.perf_counter() - start) / 1999
    return f"live state of {N_ASSETS} assets: {1e6 * one:.2f} us a bar, {1e6 * one / N_ASSETS:.3f} us an asset"


def replay_rows(state: LiveVolatility, later: pd.Series) -> Iterator[Line]:
    """Yield the rows of a replay, and of a margin bar by bar."""
    policy = policy_from_law(state)
    tracker = QuantileTracker(confidence=0.995)
    bars = later.iloc[:45_000].to_frame("close")
    work = partial(replay, bars, state, policy, calibrator=tracker)
    yield timed("replay of 45,000 minutes", [median_seconds(work, repeats=1) for _ in range(ROUNDS)])
    stamps = [LiveBar(t, c) for t, c in later.iloc[:5000].items()]
    spent = []
    for _ in range(ROUNDS):
        live = LiveMargin(state, policy, calibrator=tracker)
        start = time.perf_counter()
        for bar in stamps:
            live.update(bar)
        spent.append((time.perf_counter() - start) / len(stamps))
    yield timed("live margin, one bar", spent)


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.realtime_state", lines))
