"""A plain loop over accounts in the order of the rules, and random books to put it beside the engine."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from volkit.contagion.cross import CrossAccounts
from volkit.impact.laws import LinearImpact, PoolImpact, SquareRootImpact

ASSETS = ("BTC", "ETH", "SOL")
PRICE = pd.Series({"BTC": 100.0, "ETH": 10.0, "SOL": 2.0})


def random_accounts(seed, n, *, coins=True, long_only=False):
    rng = np.random.default_rng(seed)
    held = rng.random((n, 3)) < 0.6
    held[np.arange(n), rng.integers(0, 3, n)] = True
    side = 1.0 if long_only else np.where(rng.random((n, 3)) < 0.7, 1.0, -1.0)
    notional = held * side * rng.lognormal(3.0, 1.0, (n, 3))
    index = pd.Index([f"a{i}" for i in range(n)])
    quantity = pd.DataFrame(notional / PRICE.to_numpy(), index=index, columns=list(ASSETS))
    entry = PRICE.to_numpy() * rng.uniform(0.9, 1.1, (n, 3))
    collateral = (rng.random((n, 3)) < 0.3) * rng.lognormal(1.0, 1.0, (n, 3)) / PRICE.to_numpy() * coins
    earned = (quantity.to_numpy() * (PRICE.to_numpy() - entry)).sum(axis=1)
    equity = np.abs(notional).sum(axis=1) / np.exp(rng.uniform(np.log(1.0), np.log(30.0), n))
    return CrossAccounts(
        quantity=quantity,
        cost=quantity * entry,
        cash=pd.Series(equity - earned, index=index),
        coins=pd.DataFrame(collateral, index=index, columns=list(ASSETS)),
        maintenance_rate=pd.DataFrame(rng.uniform(0.005, 0.03, (n, 3)), index=index, columns=list(ASSETS)),
        haircut=pd.Series([0.05, 0.1, 0.3], index=list(ASSETS)),
        price=PRICE,
    )


def laws(accounts, strength=1.0):
    open_interest = accounts.quantity.abs().sum() + 1.0
    return {
        "BTC": LinearImpact(strength * 0.5 / open_interest["BTC"]),
        "ETH": SquareRootImpact(constant=strength, volatility=0.2, volume=float(open_interest["ETH"])),
        "SOL": PoolImpact(base_reserve=4.0 * float(open_interest["SOL"]) / strength, quote_reserve=1.0, fee=0.001),
    }


def _signed(law, x):
    if x == 0.0:
        return 0.0
    return -law.displacement(x) if x > 0.0 else law.displacement(x)


@pytest.fixture(scope="session")
def cross():
    return SimpleNamespace(accounts=random_accounts, laws=laws, loop=loop, price=PRICE)


def loop(accounts, venue, shock, *, max_rounds=500):
    """Return lists by round of the accounts closed, prices and ledger, account by account."""
    q, cost, c = (frame.to_numpy().copy() for frame in (accounts.quantity, accounts.cost, accounts.coins))
    cash = accounts.cash.to_numpy().copy()
    m, h = accounts.maintenance_rate.to_numpy(), accounts.haircut.to_numpy()
    names, stands = accounts.assets, np.ones(len(q), dtype=bool)
    moved = accounts.price.to_numpy() * (1.0 + np.array([shock.get(a, 0.0) for a in names]))
    depth = np.ones(len(names)) if venue.depth is None else venue.depth[list(names)].to_numpy()
    cross = np.zeros((len(names),) * 2) if venue.cross_impact is None else venue.cross_impact.to_numpy()
    cross = cross - np.diag(np.diag(cross))
    x, fund, given, rounds = np.zeros(len(names)), venue.fund, 0.0, []

    def own(x):
        return np.array([_signed(venue.impact[a], x[k] / depth[k]) for k, a in enumerate(names)])

    price = moved.copy()
    for _ in range(max_rounds):
        equity = cash - cost.sum(axis=1) + (q * price).sum(axis=1) + (c * (1.0 - h) * price).sum(axis=1)
        margin = (m * np.abs(q) * price).sum(axis=1)
        below = np.flatnonzero(stands & (equity < margin))
        if not len(below):
            break
        what = {}
        for i in below:
            results = [q[i, k] * price[k] - cost[i, k] if q[i, k] else np.inf for k in range(len(names))]
            single = venue.closing == "worst_asset_first" and min(results) < np.inf
            what[i] = [int(np.argmin(results))] if single else None
        sold = np.zeros(len(names))
        for i, only in what.items():
            sold += q[i] + c[i] if only is None else q[i] * (np.arange(len(names)) == only[0])
        after = x + sold
        fills = price.copy()
        for k, a in enumerate(names):
            if sold[k]:
                start = x[k] / depth[k]
                law = venue.impact[a]
                mean = law.average_price(sold[k] / depth[k], start=start)
                others = 0.5 * (cross @ own(x) + cross @ own(after))
                fills[k] = moved[k] * mean * np.exp(others[k])
        before, x = price, after
        price = moved * np.exp(own(x) + cross @ own(x))
        line = dict.fromkeys(("notional", "shortfall", "fees", "left"), 0.0)
        for i, only in what.items():
            if only is None:
                worth = cash[i] - cost[i].sum() + ((q[i] + c[i]) * fills).sum()
                size = (np.abs(q[i]) * fills).sum()
                fee = min(venue.liquidation_fee * size, max(worth, 0.0))
                line["shortfall"] += max(-worth, 0.0)
                line["left"] += max(worth, 0.0) - fee
                stands[i] = False
            else:
                k = only[0]
                size = abs(q[i, k]) * fills[k]
                cash[i] += q[i, k] * fills[k] - cost[i, k]
                q[i, k] = cost[i, k] = 0.0
                worth = cash[i] - cost[i].sum() + ((q[i] + c[i]) * before).sum()
                fee = min(venue.liquidation_fee * size, max(worth, 0.0))
                cash[i] -= fee
            line["notional"] += size
            line["fees"] += fee
        kept = line["left"] if venue.leftover == "fund" else 0.0
        fund += line["fees"] + kept
        paid = min(fund, line["shortfall"])
        fund -= paid
        profits = np.maximum((q * price - cost).sum(axis=1), 0.0)[stands].sum()
        taken = min(line["shortfall"] - paid, max(profits - given, 0.0))
        given += taken
        rounds.append(
            {
                **line, "from_fund": paid, "deleveraged": taken, "socialised": line["shortfall"] - paid - taken,
                "fund": fund, "n": len(below), "price": price.copy(), "fills": fills, "closed": set(below),
            }
        )  # fmt: skip
    return rounds, price, stands
