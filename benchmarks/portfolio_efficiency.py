"""Times of hedge programmes beside the whole linear programme: ``python -m benchmarks.portfolio_efficiency``.

Both sides minimise the 99 % expected shortfall plus costs over the same simulated scenarios and menu of hedges; the
peer hands HiGHS the programme of Rockafellar and Uryasev with a row for every scenario. The optimum is compared first:
to 1e-8 of its size, or the row is not printed.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from benchmarks.table import Line, Row, compare, run_table
from volkit.portfolio.efficiency import hedge_programme
from volkit.portfolio.netting import shortfall_contributions

__all__ = ["lines"]

CONFIDENCE, MOST, COST = 0.99, 3.0, 0.05
SAME = 1e-8


def market(n_scenarios: int, n_hedges: int) -> tuple[np.ndarray, np.ndarray]:
    """Return simulated losses of a book and profits of hedges on eight fat-tailed factors and noise of their own."""
    rng = np.random.default_rng(1)
    factors = rng.standard_t(4, (n_scenarios, 8))
    book = 10.0 * factors @ rng.normal(size=8) + rng.standard_t(4, n_scenarios)
    return book, (factors @ rng.normal(size=(8, n_hedges)) + 0.7 * rng.standard_t(4, (n_scenarios, n_hedges))).T


def whole_programme(losses: np.ndarray, hedges: np.ndarray) -> float:
    """Return the optimum of the programme with a row for every scenario."""
    n_hedges, n = hedges.shape
    rows = sparse.hstack([-np.ones((n, 1)), -sparse.eye(n), -hedges.T, hedges.T]).tocsr()
    weights = np.r_[1.0, np.full(n, 1.0 / ((1.0 - CONFIDENCE) * n)), np.full(2 * n_hedges, COST)]
    bounds = [(None, None), *[(0.0, None)] * n, *[(0.0, MOST)] * (2 * n_hedges)]
    return float(linprog(weights, A_ub=rows, b_ub=-losses, bounds=bounds, method="highs").fun)


def active_programme(losses: np.ndarray, hedges: np.ndarray) -> float:
    """Return the optimum of volkit's programme, with all its checks."""
    found = hedge_programme(losses, hedges, confidence=CONFIDENCE, bounds=(-MOST, MOST), costs=COST)
    return found.objective


def hedge_row(n_scenarios: int, n_hedges: int, *, floor: float | None = None, aim: float | None = None) -> Row:
    """Return the row of one size."""
    losses, hedges = market(n_scenarios, n_hedges)
    ours, theirs = active_programme(losses, hedges), whole_programme(losses, hedges)
    if abs(ours - theirs) > SAME * abs(theirs):
        raise SystemExit(f"the optima differ: {ours!r} and {theirs!r}")
    return compare(
        f"hedge programme, {n_scenarios:,} scenarios x {n_hedges} hedges",
        lambda: active_programme(losses, hedges),
        lambda: whole_programme(losses, hedges),
        peer="direct HiGHS",
        floor=floor,
        aim=aim,
    )


def contributions_row(n_positions: int = 500, n_scenarios: int = 10_000) -> Row:
    """Return the row of incremental and standalone shortfalls of a book, beside a loop over pandas columns."""
    pnl = np.random.default_rng(2).standard_t(4, (n_positions, n_scenarios))
    columns = pd.DataFrame(pnl.T)
    kept = round(n_scenarios * (1.0 - CONFIDENCE))

    def loop() -> float:
        total = columns.sum(axis=1)
        return sum(
            float(-(total - columns[i]).nsmallest(kept).mean() - columns[i].nsmallest(kept).mean()) for i in columns
        )

    return compare(
        f"shortfall contributions, {n_positions} positions x {n_scenarios:,} scenarios",
        lambda: shortfall_contributions(pnl, confidence=CONFIDENCE),
        loop,
        peer="pandas loop",
    )


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield hedge_row(10_000, 50, floor=2, aim=4.7)
    yield hedge_row(1_000, 20)
    yield contributions_row()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.portfolio_efficiency", lines))
