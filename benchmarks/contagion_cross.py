"""Times of cascades on a shared margin: ``python -m benchmarks.contagion_cross``.

100,000 simulated accounts in five assets, each shock followed to its end with the fund and winners' profits tracked.
Beside it a plain compiled loop that looks at every account in every round (the peer), and this package's own engine
without its screen. All one thread, in the same run, and they agree. Processor seconds a set of shocks, by size of the
shock, the sorting of accounts into blocks included; what that costs alone is printed, and so is how many accounts were
looked at. The peer runs a sample of the shocks, scaled to all of them.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from numba import njit

from benchmarks.table import Line, Row, compare, run_table
from benchmarks.timing import median_seconds
from volkit.contagion.cross import CrossAccounts, CrossVenue, compile_cross, cross_cascade_scenarios
from volkit.contagion.cross.engine import _Job
from volkit.impact._kernels import log_displacement, mean_fill
from volkit.impact.laws import LinearImpact

__all__ = ["lines", "simulated_accounts"]

ASSETS = ("BTC", "ETH", "SOL", "XRP", "DOGE")
PRICE = pd.Series({"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 150.0, "XRP": 2.0, "DOGE": 0.2})
# The peer runs a sample of the shocks, and its time is scaled.
N_ACCOUNTS, N_SHOCKS, SAMPLE = 100_000, 1_000, 100
# Sizes of the fall of BTC; the others fall by about as much times their beta.
SIZES = (0.02, 0.1, 0.3)
BETA = np.array([1.0, 1.2, 1.5, 1.3, 1.6])
FLOOR, AIM = 1.0, 5.0


def simulated_accounts(n: int, rng: np.random.Generator) -> CrossAccounts:
    """Return simulated accounts in one to five assets, two thirds long, at 1.5 to 50 times leverage."""
    held = rng.random((n, 5)) < rng.choice([0.25, 0.5, 0.9], size=(n, 1))
    held[np.arange(n), rng.integers(0, 5, n)] = True
    side = np.where(rng.random((n, 1)) < 0.67, 1.0, -1.0) * np.where(rng.random((n, 5)) < 0.85, 1.0, -1.0)
    notional = held * side * np.exp(rng.normal(8.0, 1.8, (n, 5)))
    leverage = np.exp(rng.uniform(np.log(1.5), np.log(50.0), n))
    entry = PRICE.to_numpy() * np.exp(rng.normal(0.0, 0.05, (n, 5)))
    quantity = notional / PRICE.to_numpy()
    # What entry prices earned so far lies in the equity; the cash makes up for it.
    cash = np.abs(notional).sum(axis=1) / leverage + (quantity * (entry - PRICE.to_numpy())).sum(axis=1)
    index = pd.RangeIndex(n)
    table = pd.DataFrame(quantity, index=index, columns=list(ASSETS))
    return CrossAccounts(
        quantity=table,
        cost=table * entry,
        cash=pd.Series(cash, index=index),
        coins=table * 0.0,
        maintenance_rate=table * 0.0 + 0.005,
        haircut=PRICE * 0.0,
        price=PRICE,
    )


def simulated_venue(accounts: CrossAccounts) -> CrossVenue:
    """Return a venue whose log prices fall by 0.15 when as much as the open interest of an asset is sold."""
    open_interest = accounts.quantity.abs().sum()
    laws = {a: LinearImpact.from_depth(open_interest[a], displacement=0.15) for a in ASSETS}
    return CrossVenue(impact=laws, fund=1e7, liquidation_fee=0.005, max_rounds=500)


def simulated_shocks(size: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return falls of a size with some noise by asset."""
    moves = np.expm1(np.log1p(-size) * BETA * (1.0 + 0.3 * rng.standard_normal((N_SHOCKS, 5))))
    return pd.DataFrame(moves, columns=list(ASSETS))


@njit(cache=True, error_model="numpy", nogil=True)
def full_scan(shocks, base, edge, held, cost, reference, codes, parameters, offsets, fund0, totals):
    """Look at every account in every round; totals: accounts, notional, shortfall, fund, deleveraged, rounds."""
    n, k = held.shape
    below, price, after, fill, state = (
        np.empty(n, dtype=np.int64), np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    )  # fmt: skip
    stands = np.empty(n, dtype=np.bool_)
    for s in range(shocks.shape[0]):
        stands[:] = True
        state[:] = 0.0
        fund, taken, rounds = fund0, 0.0, 0
        count, closed, missing = 0.0, 0.0, 0.0
        for a in range(k):
            price[a] = reference[a] * (1.0 + shocks[s, a])
        while True:
            found = 0
            for i in range(n):
                if stands[i]:
                    excess = base[i]
                    for a in range(k):
                        excess += edge[i, a] * price[a]
                    if excess < 0.0:
                        below[found] = i
                        found += 1
            if found == 0:
                break
            for a in range(k):
                sold = 0.0
                for f in range(found):
                    sold += held[below[f], a]
                law = parameters[offsets[a] : offsets[a + 1]]
                start = reference[a] * (1.0 + shocks[s, a])
                after[a] = state[a] + sold
                fill[a] = start * mean_fill(codes[a], law, state[a], after[a])
                price[a] = start * np.exp(log_displacement(codes[a], law, after[a]))
                state[a] = after[a]
            shortfall = 0.0
            for f in range(found):
                i = below[f]
                stands[i] = False
                worth, notional = base[i], 0.0
                for a in range(k):
                    worth += held[i, a] * fill[a]
                    notional += abs(held[i, a]) * fill[a]
                closed += notional
                shortfall += max(-worth, 0.0)
                # Fee or not: what is left goes to the fund.
                fund += max(worth, 0.0)
            paid = min(fund, shortfall)
            fund -= paid
            left = shortfall - paid
            if left > 0.0:
                profits = 0.0
                for i in range(n):
                    if stands[i]:
                        profit = 0.0
                        for a in range(k):
                            profit += held[i, a] * price[a] - cost[i, a]
                        profits += max(profit, 0.0)
                        if profits >= taken + left:
                            break
                taken += min(left, max(profits - taken, 0.0))
            missing += shortfall
            count += found
            rounds += 1
        totals[s, 0], totals[s, 1], totals[s, 2], totals[s, 3], totals[s, 4], totals[s, 5] = (
            count, closed, missing, fund, taken, rounds
        )  # fmt: skip


def scanner(accounts: CrossAccounts, venue: CrossVenue, shocks: pd.DataFrame) -> Callable[[], np.ndarray]:
    """Return the plain loop on arrays in the accounts' own order."""
    price = accounts.price.to_numpy()
    reference, codes, parameters, offsets, _, _ = venue.market_of(accounts.assets, price)
    moves = np.ascontiguousarray(shocks.to_numpy())

    def run() -> np.ndarray:
        base, edge = accounts.base, np.ascontiguousarray(accounts.edge)
        held, cost = (np.ascontiguousarray(f.to_numpy()) for f in (accounts.quantity, accounts.cost))
        totals = np.empty((len(moves), 6))
        full_scan(
            moves,
            base,
            edge,
            held,
            cost,
            reference,
            codes,
            parameters,
            offsets,
            venue.fund,
            totals,
        )
        return totals

    return run


def rows() -> list[Row]:
    """Return two rows a size of shock, after a look that all three agree, and print what was looked at."""
    rng = np.random.default_rng(9)
    accounts = simulated_accounts(N_ACCOUNTS, rng)
    venue = simulated_venue(accounts)
    spent = median_seconds(lambda: _Job.of(accounts, venue), repeats=3)
    print(f"accounts into blocks: {1e3 * spent:.0f} ms of wall clock, once for all shocks (in the times below)")
    table = []
    for size in SIZES:
        shocks = simulated_shocks(size, rng)

        few = shocks.iloc[:SAMPLE]

        def ours(shocks: pd.DataFrame = shocks, screened: bool = True) -> pd.DataFrame:
            return cross_cascade_scenarios(accounts, venue, shocks, screened=screened).totals

        def unscreened(few: pd.DataFrame = few) -> pd.DataFrame:
            return cross_cascade_scenarios(accounts, venue, few, screened=False).totals

        theirs = scanner(accounts, venue, few)
        plain, found = theirs(), ours(few)
        columns = ["liquidated", "notional", "shortfall", "fund", "deleveraged", "rounds"]
        np.testing.assert_allclose(found[columns].to_numpy(dtype=np.float64), plain, rtol=1e-8, atol=1e-3)
        np.testing.assert_array_equal(found["liquidated"], unscreened()["liquidated"])
        looked = found["checked"].sum() / (N_ACCOUNTS * (found["rounds"] + 1).sum())
        print(
            f"fall of {size:.0%}: {found['rounds'].mean():.1f} rounds, {found['liquidated'].mean():,.0f} accounts "
            f"liquidated, {looked:.1%} of account-rounds looked at, statuses {set(found['status'])}"
        )
        task, scale = f"shocks of {size:.0%}, 5 x {N_ACCOUNTS:,}", N_SHOCKS / SAMPLE
        gated = compare(
            f"{N_SHOCKS:,} {task}",
            ours,
            theirs,
            peer="full scan a round",
            scale=scale,
            floor=FLOOR,
            aim=AIM,
            calls=1,
        )
        own = compare(f"{SAMPLE} {task}", partial(ours, few), unscreened, peer="own engine unscreened", calls=1)
        print(
            f"of the gated {gated.value:.1f}x over the full scan, {own.value:.1f}x is the screen (over our own engine "
            f"without it, on {SAMPLE} shocks, blocks made anew); the rest is memory layout: accounts in blocks by asset"
        )
        table += [gated, own]
    return table


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield from rows()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.contagion_cross", lines, prepare=compile_cross))
