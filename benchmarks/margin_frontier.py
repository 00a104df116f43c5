"""Times of walk-forward margins and of a policy frontier: ``python -m benchmarks.margin_frontier [--only WORD]``.

Filtered historical margins with daily re-fits stand beside the same loop written with arch, in processor seconds of one
thread. The frontier has no peer: its row is in wall seconds of one call on two processes, and needs two free cores.
Data are simulated GARCH returns with fat tails.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.peers import arch_fit
from benchmarks.table import Line, Row, compare, run_table, timed
from benchmarks.timing import median_seconds
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.frontier import PolicyGrid, policy_frontier, policy_grid
from volkit.volatility import Ewma, Garch, Recursion

__all__ = ["lines"]

N_ASSETS, WINDOW, DAYS = 10, 500, 2000
N_SAMPLED = 200
N_FRONTIER = 2
ROUNDS = 2


def simulated(n_assets: int, n_obs: int) -> dict[str, pd.Series]:
    """Return daily GARCH returns with t shocks, one Series an asset."""
    z = np.random.default_rng(20240601).standard_t(5, (n_assets, n_obs)) * np.sqrt(3 / 5)
    values = Recursion(0.0, 2e-5, 0.08, 0.0, 0.90).simulate(1e-3, z)[0]
    times = pd.date_range("2017-01-01", periods=n_obs, tz="UTC", name="time")
    return {f"A{i}": pd.Series(row, index=times, name=f"A{i}") for i, row in enumerate(values)}


def arch_margins(returns: pd.Series, *, every: int) -> list[tuple[float, float]]:
    """Return 99 % margins of both sides from a new fit of arch to every so many-th window."""
    found = []
    for end in range(WINDOW, len(returns) + 1, every):
        fit = arch_fit(returns.iloc[end - WINDOW : end], family="garch", distribution="t", mean="constant")
        ahead = fit.forecast(horizon=1)
        scale, mean = np.sqrt(ahead.variance.iloc[-1, 0]) / 100, ahead.mean.iloc[-1, 0] / 100
        low, high = np.quantile(fit.std_resid, [0.01, 0.99], method="weibull")
        found.append((-mean - scale * low, mean + scale * high))
    return found


def schedule_row() -> Row:
    """Return the row of filtered historical margins, re-fitted every day."""
    panel = simulated(N_ASSETS, WINDOW + DAYS - 1)
    policy = MarginPolicy(lookback=WINDOW, refit_every=1)
    return compare(
        f"FHS 99 % margins, daily re-fit, {N_ASSETS} assets x {DAYS:,} days",
        lambda: [margin_schedule(returns, policy=policy, periods_per_year=365) for returns in panel.values()],
        lambda: [arch_margins(returns, every=DAYS * N_ASSETS // N_SAMPLED) for returns in panel.values()],
        peer=f"arch loop, {N_SAMPLED} fits",
        scale=DAYS * N_ASSETS / N_SAMPLED,
        floor=100,
        aim=250,
        calls=1,
    )


def grid() -> PolicyGrid:
    """Return policies of all six methods."""
    return policy_grid(
        method=["historical", "weighted_historical", "cornish_fisher", "filtered_historical", "fitted_law",
                "conditional_pareto"],
        measure=["value_at_risk", "expected_shortfall"],
        confidence=[0.98, 0.99],
        half_life=[250.0],
        lookback=[WINDOW],
        floor=[0.0, 0.02, 0.03, 0.04, 0.05, 0.06],
        model=[Garch(distribution="t"), Ewma(half_life=33.0)],
    )  # fmt: skip


def frontier_row() -> Row:
    """Return the row of a frontier in one call."""
    panel, policies = simulated(N_FRONTIER, DAYS), grid().policies

    def work() -> object:
        rng = np.random.default_rng(1)
        return policy_frontier(panel, policies, periods_per_year=365, rng=rng, n_jobs=2)

    seconds = tuple(median_seconds(work, repeats=1, warm_up=False) for _ in range(ROUNDS))
    task = f"frontier, {len(policies)} policies x {N_FRONTIER} assets x {DAYS:,} days, wall seconds"
    return timed(task, seconds, most=60.0, aim=30.0)


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield schedule_row()
    yield frontier_row()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.margin_frontier", lines))
