"""Times of the online calibrators beside step loops: ``python -m benchmarks.realtime_online``.

The peer of DtACI is the authors' recursion as a loop over scores with numpy over the experts, reading the same law as
ours with numpy.interp. The tracker has a loop in plain Python beside it.
"""

import sys
from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.table import Line, Row, compare, run_table
from benchmarks.timing import cpu_seconds
from volkit.kernels import load_kernels
from volkit.realtime.online import (
    AdaptiveConformal,
    DynamicallyTunedAdaptiveConformal,
    LevelCurve,
    OnlineCalibrator,
    ProportionalIntegral,
    QuantileTracker,
)

__all__ = ["lines"]

N, N_LOOP = 1_000_000, 20_000
CONFIDENCE = 0.99
GAMMAS = np.array([0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128])
LAW = LevelCurve.student_t(confidence=CONFIDENCE, degrees_of_freedom=4)
SCORES = np.random.default_rng(1).standard_t(4, N) / 3.7


def run(calibrator: OnlineCalibrator) -> np.ndarray:
    """Return the multipliers of a million simulated scores."""
    kernel = getattr(load_kernels("volkit.realtime.online._kernels"), f"{calibrator.kernel}_run")
    c, out = calibrator.copy(), np.empty(N)
    levels = (np.empty(N),) if calibrator.kernel == "level" else ()
    kernel(c._settings, c._curve, c._head, c._experts, c._history, SCORES, out, *levels)
    return out


def numpy_experts() -> float:
    """Return the last multiplier of the authors' recursion, one score at a time, read off the same law as ours."""
    target, sigma, eta, k = 1.0 - CONFIDENCE, 0.001, 2.72, len(GAMMAS)
    levels, weights, multiplier = np.full(k, target), np.full(k, 1.0 / k), 1.0
    rising, falling = LAW.multipliers[::-1].copy(), LAW.levels[::-1].copy()
    n_exceeded = 0
    for score in SCORES[:N_LOOP]:
        n_exceeded += score > multiplier
        beta = np.interp(score, rising, falling)
        losses = target * (beta - levels) - np.minimum(0.0, beta - levels)
        levels = levels + GAMMAS * (target - (levels > beta))
        bar = weights * np.exp(-eta * losses)
        weights = (1.0 - sigma) * bar / bar.sum() + sigma / k
        weights = weights / weights.sum()
        level = (weights * levels).sum()
        multiplier = np.interp(level, LAW.levels, LAW.multipliers) if level > 0.0 else 10.0
    return float(multiplier)


def plain_tracker() -> float:
    """Return the last multiplier of quantile tracking in plain Python."""
    target, q = 1.0 - CONFIDENCE, 1.0
    for score in SCORES[:N_LOOP].tolist():
        q = max(q + 0.3 * ((score > q) - target), 1.0)
    return q


def ratio_rows() -> list[Row]:
    """Return the rows with a peer, per score: the loops run over fewer scores."""
    scale = N / N_LOOP
    tuned = DynamicallyTunedAdaptiveConformal(confidence=CONFIDENCE, curve=LAW, gammas=tuple(GAMMAS), eta=2.72)
    row = partial(compare, scale=scale, calls=3)
    return [
        row("DtACI, 8 experts", partial(run, tuned), numpy_experts, peer="numpy step loop", floor=100, aim=500),
        row(
            "quantile tracker", partial(run, QuantileTracker(confidence=CONFIDENCE)), plain_tracker, peer="python loop"
        ),
    ]


def kernel_words(rule: OnlineCalibrator) -> str:
    """Return scores a second inside a kernel and microseconds of a live update."""
    read = "" if rule.kernel != "level" else " on past scores" if rule._history.size else " on a law"
    run(rule)
    speed = N / cpu_seconds(partial(run, rule), calls=3) / 1e6
    live = cpu_seconds(lambda: [rule.update(0.5) for _ in range(10_000)], calls=5) / 10_000 * 1e6
    return f"{type(rule).__name__ + read:<50}{speed:>10.1f} M scores/s{live:>10.2f} us a live update"


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield from ratio_rows()
    for rule in (
        QuantileTracker(confidence=CONFIDENCE),
        ProportionalIntegral(confidence=CONFIDENCE),
        AdaptiveConformal(confidence=CONFIDENCE, curve=LAW),
        AdaptiveConformal(confidence=CONFIDENCE, past_scores=SCORES[:1000]),
        DynamicallyTunedAdaptiveConformal(confidence=CONFIDENCE, curve=LAW),
    ):
        yield kernel_words(rule)


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.realtime_online", lines))
