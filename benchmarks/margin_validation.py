"""Times of simulated laws of shortfall statistics: ``python -m benchmarks.margin_validation [--json FILE]``.

Processor seconds of one thread, ours and theirs in turns; the median of three rounds. The peer draws one sample after
the other with numpy. A row below its floor says so, and the exit status is 1 when it was below in every round.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.table import Row, compare, run_table
from volkit.validation.shortfall import (
    TailLaw,
    acerbi_szekely_critical,
    normal_law,
    strict_es_regression_test,
    student_law,
)
from volkit.validation.shortfall.acerbi_szekely_laws import AcerbiSzekely

__all__ = ["rows"]

N_OBS, CONFIDENCE, N_DRAWS, SIGNIFICANCE = 250, 0.975, 100_000, 0.05
# Samples of a slow peer that are timed; the rest is multiplied.
SAMPLE = 10_000

Sampler = Callable[[np.random.Generator], np.ndarray]


def numpy_loop(law: TailLaw, sampler: Sampler, statistic: AcerbiSzekely, n_draws: int) -> float:
    """Return the critical value of a statistic by a loop over samples, each drawn whole."""
    rng = np.random.default_rng(1)
    v, e = law.value_at_risk(CONFIDENCE), law.expected_shortfall(CONFIDENCE)
    promised, k = N_OBS * (1.0 - CONFIDENCE), int(N_OBS * (1.0 - CONFIDENCE))
    found = np.empty(n_draws)
    for i in range(n_draws):
        losses = sampler(rng)
        if statistic == "Z2":
            found[i] = 1.0 - losses[losses > v].sum() / (promised * e)
        elif statistic == "Z1":
            hits = losses[losses > v]
            found[i] = 1.0 - hits.mean() / e if len(hits) else np.nan
        else:
            found[i] = np.partition(losses, N_OBS - k)[N_OBS - k :].mean()
    if statistic == "Z3":
        found = 1.0 - found / found.mean()
    return float(np.nanquantile(found, SIGNIFICANCE))


def critical_row(
    statistic: AcerbiSzekely, law: TailLaw, sampler: Sampler, *, floor: float | None = None, aim: float | None = None
) -> Row:
    """Return the row of a simulated critical value."""
    drawn = SAMPLE if statistic != "Z2" else N_DRAWS
    rng = np.random.default_rng(1)
    return compare(
        f"critical value of {statistic}, {law.name}, n = {N_OBS}, {N_DRAWS:,} draws",
        lambda: acerbi_szekely_critical(
            N_OBS, statistic=statistic, confidence=CONFIDENCE, law=law, rng=rng, n_draws=N_DRAWS
        ),
        lambda: numpy_loop(law, sampler, statistic, drawn),
        peer="numpy, a sample at a time",
        scale=N_DRAWS / drawn,
        floor=floor,
        aim=aim,
    )


def regression_row() -> Row:
    """Return the row of one expected shortfall regression over a general minimiser of the same loss."""
    from scipy import optimize

    rng = np.random.default_rng(1)
    scale = np.exp(0.5 * rng.standard_normal(1000))
    losses, E = scale * rng.standard_normal(1000), scale * normal_law().expected_shortfall(CONFIDENCE)
    shifted, shift, p = losses - losses.min(), -losses.min(), 1.0 - CONFIDENCE

    def loss(x: np.ndarray) -> float:
        V, S = x[0] + x[1] * E, x[2] + x[3] * E
        if (S <= 0.0).any():
            return 1e6
        return float(((V + np.maximum(shifted - V, 0.0) / p) / S + np.log(S)).mean())

    def theirs() -> object:
        start = np.array([shift, 0.8, shift, 1.0])
        options = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 10_000, "maxfev": 10_000}
        return optimize.minimize(loss, start, method="Nelder-Mead", options=options)

    return compare(
        "strict ES regression, 1,000 periods, certified, two searches",
        lambda: strict_es_regression_test(losses, E, confidence=CONFIDENCE),
        theirs,
        peer="scipy Nelder-Mead, one start",
    )


def rows() -> Iterator[Row]:
    """Yield the rows."""
    normal: Sampler = lambda rng: rng.standard_normal(N_OBS)  # noqa: E731
    student: Sampler = lambda rng: rng.standard_t(4, N_OBS)  # noqa: E731
    yield critical_row("Z2", normal_law(), normal, floor=20, aim=50)
    yield critical_row("Z2", student_law(4), student, floor=20, aim=50)
    yield critical_row("Z1", normal_law(), normal)
    yield critical_row("Z3", normal_law(), normal)
    yield regression_row()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.margin_validation", rows))
