"""Times of portfolio margins beside the ways to do without: ``python -m benchmarks.portfolio_margin``.

99 % expected shortfall of 10,000 simulated accounts with 20 positions each, out of 1,000 options, in 1,000 scenarios;
one thread, double precision; every way works out all prices from the market, and all agree. Then one order's check.
"""

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numba import njit
from scipy import sparse

from benchmarks.table import Line, Row, compare, run_table
from volkit.instruments import Instrument, MarketState, Option, contract_terms
from volkit.portfolio.scenarios import (
    AccountState,
    AccountUnits,
    RiskArray,
    ScenarioGrid,
    expected_shortfall_margin,
    risk_array,
)

__all__ = ["lines"]

N_ACCOUNTS, N_POSITIONS, N_SCENARIOS, CONFIDENCE = 10_000, 20, 1_000, 0.99
WORST = 10
# Accounts whose every position is priced in every scenario; the rest is multiplied.
SAMPLE = 100
CHECKS = 1_000
NOW = pd.Timestamp("2026-01-01", tz="UTC")
SPOT = 88_000.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """Simulated accounts, their contracts, market and scenarios."""

    contracts: list[Instrument]
    market: MarketState
    grid: ScenarioGrid
    accounts: AccountUnits

    def array(self) -> RiskArray:
        """Return the risk array, from the market."""
        return risk_array(self.contracts, self.market, self.grid)

    def ours(self, precision: str = "double") -> np.ndarray:
        """Return margins as the package works them out."""
        found = expected_shortfall_margin(self.accounts, self.array(), confidence=CONFIDENCE, precision=precision)
        return found.margins["expected_shortfall"].to_numpy()

    def by_product(self) -> np.ndarray:
        """Return margins by our grid, scipy's sparse product and numpy's partition."""
        profits = self.accounts.units @ self.array().profits.to_numpy()
        return -np.partition(profits, WORST - 1, axis=1)[:, :WORST].mean(axis=1)

    def by_position(self, n_accounts: int = SAMPLE) -> np.ndarray:
        """Return margins of the first accounts, every position priced in every scenario."""
        terms, table = contract_terms(self.contracts, self.market), self.grid.scenarios
        left = np.maximum(terms.time - table["days"].iloc[0] / 365.0, 0.0)
        units = self.accounts.units[:n_accounts]
        profits = np.empty((n_accounts, N_SCENARIOS))
        price_positions(
            units.indptr, units.indices, units.data, terms.forward / SPOT, terms.strike, terms.time, left,
            terms.volatility, terms.is_call, terms.values, SPOT * (1.0 + table["price"].to_numpy()),
            1.0 + table["volatility"].to_numpy(), profits,
        )  # fmt: skip
        return -np.partition(profits, WORST - 1, axis=1)[:, :WORST].mean(axis=1)


@njit(error_model="numpy")
def price_positions(starts, indices, units, carry, strike, time, left, sigma, is_call, value, spots, changes, profits):
    """Fill profits of accounts by Black-76 with erfc, position by position."""
    for a in range(profits.shape[0]):
        profits[a] = 0.0
        for j in range(starts[a], starts[a + 1]):
            i = indices[j]
            K = strike[i]
            sign = 1.0 if is_call[i] else -1.0
            slide, root = carry[i] ** (left[i] / time[i]), math.sqrt(left[i])
            for k in range(profits.shape[1]):
                F = spots[k] * slide
                s = sigma[i] * changes[k] * root
                if s > 0.0:
                    d = math.log(F / K) / s + 0.5 * s
                    upper = 0.5 * math.erfc(-sign * d / math.sqrt(2.0))
                    lower = 0.5 * math.erfc(-sign * (d - s) / math.sqrt(2.0))
                    price = sign * (F * upper - K * lower)
                else:
                    price = max(sign * (F - K), 0.0)
                profits[a, k] += units[j] * (price - value[i])


def simulated_job() -> Job:
    """Return simulated accounts in options of ten expiries."""
    rng = np.random.default_rng(1)
    expiries = [NOW + pd.Timedelta(days=days, hours=8) for days in (1, 2, 3, 7, 14, 30, 60, 90, 180, 360)]
    strikes = np.linspace(50_000.0, 150_000.0, 50).round()
    contracts = [Option("BTC", e, float(k), side) for e in expiries for k in strikes for side in (True, False)]
    n = len(contracts)
    market = MarketState(
        as_of=NOW,
        spot=pd.Series({"BTC": SPOT}),
        forwards=pd.Series({("BTC", e): SPOT * (1.0 + 1e-4 * i) for i, e in enumerate(expiries)}),
        volatility=lambda _coin, _expiry, strike: 0.5 + 0.1 * np.log(strike / SPOT) ** 2,
    )
    price = np.clip(0.05 * rng.standard_t(4, N_SCENARIOS), -0.9, 5.0)
    zeros = dict.fromkeys(("skew", "wing", "basis", "carry"), 0.0)
    table = pd.DataFrame({"price": price, "volatility": np.maximum(-1.5 * price, -0.8), **zeros, "days": 1.0})
    names = pd.Index([f"draw {i}" for i in range(N_SCENARIOS)], name="scenario")
    grid = ScenarioGrid(
        scenarios=table.assign(weight=1.0).set_axis(names, axis=0), equally_likely=True, method="simulated"
    )
    held = np.concatenate([rng.choice(n, N_POSITIONS, replace=False) for _ in range(N_ACCOUNTS)])
    starts = np.arange(0, len(held) + 1, N_POSITIONS)
    units = sparse.csr_array((rng.standard_normal(len(held)), held, starts), shape=(N_ACCOUNTS, n))
    accounts = AccountUnits(
        accounts=pd.RangeIndex(N_ACCOUNTS), instruments=pd.Index([c.name for c in contracts]), units=units
    )
    return Job(contracts=contracts, market=market, grid=grid, accounts=accounts)


def margin_rows(job: Job) -> list[Row]:
    """Return the rows of all accounts' margins, after a look that all ways agree."""
    ours = job.ours()
    np.testing.assert_allclose(job.by_product(), ours, rtol=1e-9, atol=1e-6)
    # Per-position prices come from erfc, off by 1e-16 of the forward on each of twenty positions.
    np.testing.assert_allclose(job.by_position(), ours[:SAMPLE], rtol=1e-9, atol=1e-6)
    job.ours("single")
    size = f"{N_ACCOUNTS:,} accounts x {N_POSITIONS} x {N_SCENARIOS:,} with grid"
    product = partial(compare, theirs=job.by_product, peer="grid, sparse product, partition", calls=5)
    return [
        compare(
            f"ES margin, {size}", job.ours, job.by_position, peer="every position, numba erfc",
            scale=N_ACCOUNTS / SAMPLE, floor=40, aim=200, calls=5,
        ),
        product(f"ES margin, {size}", job.ours, floor=1.3, aim=2),
        product(f"ES margin, {size}, single precision", partial(job.ours, "single")),
    ]  # fmt: skip


def check_row(job: Job) -> Row:
    """Return the row of pre-trade checks, and print how long one takes."""
    array = job.array()
    first = job.accounts.units[[0]]
    held = dict(zip(array.instruments[first.indices], first.data, strict=True))
    account = AccountState(held, array, equity=1e6, confidence=CONFIDENCE)
    names = list(array.instruments[:CHECKS])
    profits, total = array.profits.to_numpy(), array.portfolio(held).to_numpy()

    def ours() -> list[float]:
        return [account.check(name, 1.0).margin for name in names]

    def theirs() -> list[float]:
        rows = range(len(names))
        return [-np.partition(total + 1.0 * profits[row], WORST - 1)[:WORST].mean() for row in rows]

    np.testing.assert_allclose(ours(), np.maximum(theirs(), 0.0), rtol=1e-9)
    row = compare(f"{CHECKS:,} pre-trade checks", ours, theirs, peer="numpy partition", floor=2, aim=5, calls=11)
    spent = []
    for name in names * 10:
        start = time.perf_counter_ns()
        account.check(name, 1.0)
        spent.append(time.perf_counter_ns() - start)
    mean, late = np.mean(spent) / 1e3, np.quantile(spent, 0.99) / 1e3
    print(f"one pre-trade check: {mean:.1f} microseconds on average, 99 % within {late:.1f} (wall clock)")
    return row


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    job = simulated_job()
    yield from margin_rows(job)
    yield check_row(job)


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.portfolio_margin", lines))
