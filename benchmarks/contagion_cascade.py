"""Times of liquidation cascades beside masks over all accounts: ``python -m benchmarks.contagion_cascade``.

100,000 simulated accounts of both sides, 1,000 simulated paths of 288 steps; price impact that decays, an insurance
fund, deleveraging of winners and what is shared by all are tracked round by round. The peer is the definition written
down with numpy: in every round, the accounts whose equity is below their maintenance margin. It does four paths, which
are multiplied. A second row has a peer that works out liquidation prices once, before the paths. Sorting the accounts
counts as part of our time. All give the same counts and amounts. Processor seconds of one thread; the exit status is 1
below the floor.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from benchmarks.table import Line, Row, compare, run_table
from volkit.contagion.cascade import LeveragedAccounts, Venue, cascade_paths, compile_cascade
from volkit.impact.laws import LinearImpact

__all__ = ["lines"]

N_ACCOUNTS, N_PATHS, N_STEPS = 100_000, 1_000, 288
SAMPLE = 4
PRICE, HALF_LIFE, VOLATILITY = 100.0, 12.0, 0.003
FUND_SHARE, FEE = 0.02, 0.001
FLOOR, AIM = 500.0, 2_000.0
COUNTS = ("long_accounts", "short_accounts", "bankrupt_accounts", "rounds")
AMOUNTS = ("bad_debt", "fund_end", "deleveraged", "socialised")


def simulated_job() -> tuple[LeveragedAccounts, Venue, np.ndarray]:
    """Return simulated accounts, their venue and price paths over the start."""
    rng = np.random.default_rng(1)
    entry = PRICE * np.exp(0.03 * rng.standard_normal(N_ACCOUNTS))
    accounts = LeveragedAccounts.from_leverage(
        price=entry,
        notional=entry * rng.lognormal(0.0, 1.0, N_ACCOUNTS),
        leverage=np.exp(rng.uniform(np.log(2.0), np.log(50.0), N_ACCOUNTS)),
        side=np.where(rng.random(N_ACCOUNTS) < 0.55, "long", "short"),
        maintenance_rate=rng.choice([0.004, 0.005, 0.01], N_ACCOUNTS),
    )
    coins = float(np.abs(accounts.quantity).sum())
    venue = Venue(price=PRICE, impact=LinearImpact(0.2 / coins), half_life=HALF_LIFE, fund=FUND_SHARE * coins,
                  leftover="returned", liquidation_fee=FEE)  # fmt: skip
    steps = VOLATILITY * rng.standard_normal((N_PATHS, N_STEPS))
    return accounts, venue, np.exp(np.cumsum(steps, axis=1))


def by_equity(accounts: LeveragedAccounts) -> Callable[[float], np.ndarray]:
    """Return who is to be liquidated at a price: equity at most the maintenance margin."""
    q, E, C = accounts.quantity, accounts.entry_price, accounts.collateral
    rate = accounts.table["maintenance_rate"].to_numpy() * np.abs(q)
    return lambda price: C + q * (price - E) <= rate * price


def by_level(accounts: LeveragedAccounts) -> Callable[[float], np.ndarray]:
    """Return who is to be liquidated at a price: it has reached the liquidation price."""
    L = accounts.liquidation_price
    is_long = accounts.quantity > 0.0
    is_short = ~is_long
    return lambda price: (is_long & (price <= L)) | (is_short & (price >= L))


def by_masks(
    accounts: LeveragedAccounts, venue: Venue, values: np.ndarray, rule: Callable[[float], np.ndarray]
) -> pd.DataFrame:
    """Return counts and amounts of paths, every account looked at in every round."""
    slope, kept = venue.impact.coefficient, venue.kept
    q, E, B = accounts.quantity, accounts.entry_price, accounts.bankruptcy_price
    sides = (q > 0.0, q < 0.0)
    rows = []
    for path in np.diff(np.log(values), axis=1, prepend=0.0):
        is_open = np.ones(len(q), dtype=bool)
        row = dict.fromkeys((*COUNTS, *AMOUNTS), 0.0)
        reference, x, fund, given = np.log(venue.price), 0.0, venue.fund, 0.0
        for move in path:
            x *= kept
            reference += move
            price = np.exp(reference - slope * x)
            while (crossed := is_open & rule(price)).any():
                row["rounds"] += 1
                for name, side in zip(COUNTS, sides, strict=False):
                    batch = crossed & side
                    if not batch.any():
                        continue
                    sold = q[batch]
                    coins = sold.sum()
                    fill = np.exp(reference - slope * x) * -np.expm1(-slope * coins) / (slope * coins)
                    x += coins
                    price = np.exp(reference - slope * x)
                    is_open &= ~batch
                    equity = sold * (fill - B[batch])
                    bad, left = -equity[equity < 0.0].sum(), equity[equity > 0.0]
                    fund += np.minimum(left, venue.liquidation_fee * np.abs(sold[equity > 0.0]) * fill).sum()
                    paid = min(bad, fund)
                    fund -= paid
                    if bad > paid:
                        profit = np.maximum(q * (price - E), 0.0)[is_open].sum()
                        taken = min(bad - paid, max(profit - given, 0.0))
                        given += taken
                        row["socialised"] += bad - paid - taken
                    row[name] += len(sold)
                    row["bankrupt_accounts"] += (equity < 0.0).sum()
                    row["bad_debt"] += bad
        rows.append({**row, "fund_end": fund, "deleveraged": given})
    return pd.DataFrame(rows)


def cascade_rows() -> list[Row]:
    """Return the rows, after a look that all ways agree."""
    accounts, venue, values = simulated_job()
    ours = cascade_paths(accounts, venue, values).totals
    scale = (ours["long_notional"] + ours["short_notional"])[:SAMPLE]
    rules = {"equity": by_equity(accounts), "levels": by_level(accounts)}
    for rule in rules.values():
        masks = by_masks(accounts, venue, values[:SAMPLE], rule)
        for name in COUNTS:
            np.testing.assert_array_equal(ours[name][:SAMPLE], masks[name], err_msg=name)
        for name in AMOUNTS:
            np.testing.assert_array_less(np.abs(ours[name][:SAMPLE] - masks[name]), 1e-9 * scale, err_msg=name)
    closed, rounds = (float(ours[list(names)].sum().sum()) for names in (COUNTS[:2], COUNTS[3:]))
    beyond = float((ours["deleveraged"] + ours["socialised"] > 0.0).mean())
    print(f"{closed:,.0f} liquidations in {rounds:,.0f} rounds; the fund does not suffice on {beyond:.0%} of the paths")
    return [
        compare(
            f"cascades, {N_ACCOUNTS:,} accounts x {N_PATHS:,} paths x {N_STEPS} steps",
            lambda: cascade_paths(accounts, venue, values),
            lambda rule=rule: by_masks(accounts, venue, values[:SAMPLE], rule),
            peer=f"numpy masks by {name}",
            scale=N_PATHS / SAMPLE,
            floor=FLOOR if name == "equity" else None,
            aim=AIM if name == "equity" else None,
            calls=5,
        )
        for name, rule in rules.items()
    ]


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield from cascade_rows()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.contagion_cascade", lines, prepare=compile_cascade))
