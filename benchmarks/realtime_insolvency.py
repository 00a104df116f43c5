"""Times of margins at an insolvency probability: ``python -m benchmarks.realtime_insolvency``.

Margins of 10,000 simulated accounts with 20 positions each, out of 1,000 options, over 1,000 paths of 24 steps: the
lowest point of every account on every path, contracts valued anew for each path and step. Beside it the same contracts'
profits, scipy's sparse product, numpy's minimum and partition, in the same run; both agree, and both value. Then one
account's margin after a price tick, beside numpy on the same arrays. Processor seconds; wall seconds are printed too.
"""

import sys
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.table import Line, Row, compare, run_table
from volkit.instruments import MarketState, Option, PositionBook, contract_terms
from volkit.portfolio.scenarios import AccountUnits
from volkit.realtime.insolvency import LiveInsolvencyMargin, compile_insolvency, insolvency_margins
from volkit.realtime.insolvency.profits import profits_along
from volkit.scenarios.paths import GeometricBrownian, PathSet, simulate_path_set

__all__ = ["lines"]

N_ACCOUNTS, N_POSITIONS, N_PATHS, N_STEPS, TARGET = 10_000, 20, 1_000, 24, 0.01
RANK = 10
TICKS = 2_000
NOW = pd.Timestamp("2026-01-01", tz="UTC")
SPOT = 88_000.0
# Most that the issue allows, in wall seconds.
MOST_SECONDS, MOST_TICK = 10.0, 100e-6


def simulated_job() -> tuple[AccountUnits, list[Option], MarketState, PathSet]:
    """Return simulated accounts in options of ten expiries, their market and paths."""
    rng = np.random.default_rng(1)
    expiries = [NOW + pd.Timedelta(days=days, hours=8) for days in (1, 2, 3, 7, 14, 30, 60, 90, 180, 360)]
    strikes = np.linspace(50_000.0, 150_000.0, 50).round()
    contracts = [Option("BTC", e, float(k), side) for e in expiries for k in strikes for side in (True, False)]
    market = MarketState(
        as_of=NOW,
        spot=pd.Series({"BTC": SPOT}),
        forwards=pd.Series({("BTC", e): SPOT * (1.0 + 1e-4 * i) for i, e in enumerate(expiries)}),
        volatility=lambda _coin, _expiry, strike: 0.5 + 0.1 * np.log(strike / SPOT) ** 2,
    )
    held = np.concatenate([rng.choice(len(contracts), N_POSITIONS, replace=False) for _ in range(N_ACCOUNTS)])
    starts = np.arange(0, held.size + 1, N_POSITIONS)
    units = sparse.csr_array((rng.standard_normal(held.size), held, starts), shape=(N_ACCOUNTS, len(contracts)))
    names = pd.Index([c.name for c in contracts])
    accounts = AccountUnits(accounts=pd.RangeIndex(N_ACCOUNTS), instruments=names, units=units)
    engine = GeometricBrownian(volatility={"BTC": 0.6}, step=pd.Timedelta("1h"))
    return accounts, contracts, market, simulate_path_set(engine, horizon=N_STEPS, n_paths=N_PATHS, rng=rng)


def by_product(accounts: AccountUnits, contracts: list[Option], market: MarketState, paths: PathSet) -> np.ndarray:
    """Return margins by the same profits, a sparse product by step and a partition."""
    lowest = np.zeros((len(accounts), paths.n_paths))
    terms = contract_terms(contracts, market)
    for profits, _ in profits_along(terms, paths, response=None, rows=slice(0, paths.n_paths)):
        np.minimum(lowest, accounts.units @ profits, out=lowest)
    return -np.partition(lowest, RANK, axis=1)[:, RANK]


def account_rows() -> list[Row]:
    """Return the rows of all accounts' margins, after a look that both ways agree, and print wall seconds."""
    accounts, contracts, market, paths = simulated_job()

    def ours(precision: str = "double", n_jobs: int = 1) -> np.ndarray:
        found = insolvency_margins(accounts, market, paths, target=TARGET, precision=precision, n_jobs=n_jobs)
        return found.margins["margin"].to_numpy()

    def theirs() -> np.ndarray:
        return by_product(accounts, contracts, market, paths)

    np.testing.assert_allclose(ours(), theirs(), rtol=1e-9, atol=1e-6)
    for precision, n_jobs in (("double", 1), ("double", 2), ("single", 2)):
        ours(precision, n_jobs)
        start = time.perf_counter()
        ours(precision, n_jobs)
        spent = time.perf_counter() - start
        print(f"all accounts, {precision}, {n_jobs} threads: {spent:.2f} s of wall clock (at most {MOST_SECONDS:g})")
    size = f"{N_ACCOUNTS:,} x {N_POSITIONS} x {N_PATHS:,} x {N_STEPS}"
    return [
        compare(f"margin of the path minimum, {size}", ours, theirs, peer="sparse product, minimum"),
        compare(
            f"the same in single precision, {size}", lambda: ours("single"), theirs, peer="sparse product, minimum"
        ),
    ]


def tick_row() -> Row:
    """Return the row of ticks of one account, and print how long one takes."""
    _, contracts, market, paths = simulated_job()
    table = pd.DataFrame({"account": "A", "instrument": [c.name for c in contracts[::50]], "quantity": -1.0})
    live = LiveInsolvencyMargin(PositionBook.from_frame(table), market, paths, target=TARGET)
    spots = SPOT * (1.0 + 0.015 * np.sin(np.arange(TICKS)))
    nodes = live._nodes[0]

    def ours() -> list[float]:
        return [live.tick("BTC", spot).margin for spot in spots]

    def theirs() -> list[float]:
        found = []
        for x in (spots / SPOT - 1.0) / 0.02:
            shares = np.array([0.5 * x * (x - 1.0), 1.0 - x * x, 0.5 * x * (x + 1.0)])
            lowest = np.tensordot(shares, nodes, axes=1).min(axis=0)
            found.append(max(-np.partition(lowest, RANK)[RANK], 0.0))
        return found

    np.testing.assert_allclose(ours(), theirs(), rtol=1e-9)
    row = compare(
        f"{TICKS:,} ticks of one account, {N_PATHS:,} paths x {N_STEPS}", ours, theirs, peer="numpy", floor=1.2
    )
    spent = []
    for spot in spots:
        start = time.perf_counter_ns()
        live.tick("BTC", spot)
        spent.append(time.perf_counter_ns() - start)
    middle, late = np.median(spent) / 1e3, np.quantile(spent, 0.99) / 1e3
    print(f"one tick: {middle:.1f} microseconds, 99 % within {late:.1f} (wall clock; at most {MOST_TICK * 1e6:g})")
    return row


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield from account_rows()
    yield tick_row()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.realtime_insolvency", lines, prepare=compile_insolvency))
