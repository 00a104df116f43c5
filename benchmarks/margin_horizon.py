"""Times of touch probabilities beside a step loop of a million paths: ``python -m benchmarks.margin_horizon``.

A touch within 24 hours of one-hour steps. Both sides are brought to one standard error: the loop's time is multiplied
by its squared error over ours. The loop counts touches at the ends of hours, ours watches continuously; the loop needs
no more time for its own, smaller answer. The GARCH rows have no floor: their paths must be walked by both sides.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from benchmarks.table import Line, Row, compare, run_table
from volkit.margin.horizon import simulate_touch, simulate_touch_of_fit, touch_probability
from volkit.volatility import Garch, Recursion, VolatilityFit

__all__ = ["lines"]

N_LOOP = 1_000_000
STEPS = 24
HOUR = pd.Timedelta("1h")
VOLATILITY = 0.8 / 8760**0.5
MARGIN = 0.05


def walk(step: Callable[[np.ndarray, int], np.ndarray]) -> float:
    """Return the share of a million paths of log prices that touch the margin, one step of all paths at a time."""
    price, lowest = np.zeros(N_LOOP), np.zeros(N_LOOP)
    for k in range(STEPS):
        price += step(price, k)
        np.minimum(lowest, price, out=lowest)
    return float((lowest <= np.log1p(-MARGIN)).mean())


def normal_loop() -> float:
    """Return the share of log-normal paths that touch."""
    rng = np.random.default_rng(1)
    drift = -0.5 * VOLATILITY**2
    return walk(lambda price, _: drift + VOLATILITY * rng.standard_normal(len(price)))


def garch_loop(fit: VolatilityFit) -> float:
    """Return the share of GARCH paths that touch."""
    rng, rule, law = np.random.default_rng(1), fit.recursion, fit.distribution
    nu = law.degrees_of_freedom
    variance = np.full(N_LOOP, fit.next_variance)

    def step(price: np.ndarray, _: int) -> np.ndarray:
        n = len(price)
        z = rng.standard_t(nu, n) * np.sqrt((nu - 2.0) / nu) if law.name == "t" else rng.standard_normal(n)
        news = np.sqrt(variance) * z
        variance[:] = rule.omega + rule.alpha * news * news + rule.beta * variance
        return np.log1p(np.maximum(rule.mu + news, -0.9999))

    return walk(step)


def simulated_fit(law: str) -> VolatilityFit:
    """Return GARCH fitted to simulated hourly returns with fat tails."""
    z = np.random.default_rng(3).standard_t(5, (1, 4000)) * np.sqrt(3 / 5)
    returns = Recursion(0.0, 1e-6, 0.08, 0.0, 0.90).simulate(5e-5, z)[0][0]
    times = pd.date_range("2023-01-01", periods=4000, freq="1h", tz="UTC")
    return Garch(distribution=law).fit(pd.Series(returns, index=times, name="simulated"), periods_per_year=8760)


def error_of_loop(share: float) -> float:
    """Return the standard error of a share of the loop's paths."""
    return float(np.sqrt(share * (1.0 - share) / N_LOOP))


def closed_row() -> Row:
    """Return the row of the closed form, which has no error: the loop's time as it is."""
    terms = {"side": "long", "volatility": VOLATILITY, "horizon": STEPS, "interval": HOUR, "monitoring": HOUR}
    return compare(
        "log-normal, closed form at hourly looks, loop as it is",
        lambda: touch_probability(MARGIN, **terms),
        normal_loop,
        peer="numpy step loop",
        floor=5,
        aim=20,
        calls=21,
    )


def normal_row(method: str, n_paths: int) -> Row:
    """Return the row of one estimator on a log-normal price, at equal standard error."""
    terms = {"side": "long", "volatility": VOLATILITY, "horizon": STEPS, "interval": HOUR, "method": method}
    rng = np.random.default_rng(2)
    ours = simulate_touch(MARGIN, rng=rng, n_paths=n_paths, **terms)
    return compare(
        f"log-normal, {ours.method}, {n_paths:,} paths, equal error",
        lambda: simulate_touch(MARGIN, rng=rng, n_paths=n_paths, **terms),
        normal_loop,
        peer="numpy step loop",
        scale=(error_of_loop(normal_loop()) / ours.standard_error) ** 2,
        floor=5,
        aim=20,
        calls=21,
    )


def garch_row(law: str, n_paths: int = 50_000) -> Row:
    """Return the row of a fitted model, at equal standard error."""
    fit, rng = simulated_fit(law), np.random.default_rng(2)
    terms = {"side": "long", "horizon": STEPS, "rng": rng, "n_paths": n_paths, "tilt": 1.0}
    ours = simulate_touch_of_fit(fit, MARGIN, **terms)
    return compare(
        f"GARCH-{law}, stratified bridges, {n_paths:,} paths, equal error",
        lambda: simulate_touch_of_fit(fit, MARGIN, **terms),
        lambda: garch_loop(fit),
        peer="numpy step loop",
        scale=(error_of_loop(garch_loop(fit)) / ours.standard_error) ** 2,
    )


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield closed_row()
    yield normal_row("bridge", 100_000)
    yield normal_row("stratified", 1_000)
    yield garch_row("normal")
    yield garch_row("t")


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.margin_horizon", lines))
