"""Draws of a simulated venue's balance sheet, of lending positions and of protocols with shared collateral."""

import numpy as np
import pandas as pd

__all__ = ["HEALTH_RANGE", "LENDING_TERMS", "PRICES", "draw_balance_sheet", "draw_lending", "draw_protocols"]

PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0, "LST": 3_150.0, "USDX": 1.0, "USD": 1.0, "VNT": 4.0}
# Debt lies uniformly along the log health factor between these.
HEALTH_RANGE = (0.98, 4.0)
_TERMS = {
    # asset: liquidation threshold, liquidation bonus, oracle
    "BTC": (0.78, 0.06, "btc-feed"),
    "ETH": (0.80, 0.05, "eth-feed"),
    "LST": (0.75, 0.075, "eth-feed"),
    "SOL": (0.65, 0.10, "sol-feed"),
    "USDX": (0.85, 0.045, "usd-feed"),
}
_DEBTS = {"USDX": 0.8, "ETH": 0.2}
_OWN_TOKEN_COINS = 60e6
_TWO_COLLATERALS = 0.2
_PROTOCOLS = ("lender-1", "lender-2", "lender-3", "stable-1", "vault-1", "vault-2", "perps-1", "restake-1")
_HELD = ("BTC", "ETH", "SOL", "LST", "USDX")

LENDING_TERMS = pd.DataFrame(
    [(a, PRICES[a], *terms) for a, terms in _TERMS.items()],
    columns=["asset", "price", "liquidation_threshold", "liquidation_bonus", "oracle"],
)


def draw_balance_sheet(rng: np.random.Generator, *, fund: float) -> pd.DataFrame:
    """Return entity, side, asset, quantity, price (USD), own_token and liquid, of a venue and of its lending arm."""
    wobble = iter(rng.uniform(0.97, 1.03, 6))
    # Customers' coins against what is held of them: short of ETH, long of the own token.
    rows = [
        ("venue", "asset", "BTC", 21_400 * next(wobble), False, True),
        ("venue", "asset", "ETH", 188_000 * next(wobble), False, True),
        ("venue", "asset", "USDX", 640e6 * next(wobble), False, True),
        ("venue", "asset", "USD", 150e6 + fund, False, True),
        ("venue", "asset", "VNT", _OWN_TOKEN_COINS, True, False),
        ("venue", "asset", "loan to arm", 110e6, False, False),
        ("venue", "liability", "BTC", 21_000.0, False, True),
        ("venue", "liability", "ETH", 205_000.0, False, True),
        ("venue", "liability", "USDX", 610e6, False, True),
        ("venue", "liability", "USD", 120e6, False, True),
        ("arm", "asset", "SOL", 900_000 * next(wobble), False, True),
        ("arm", "asset", "VNT", _OWN_TOKEN_COINS / 3.0, True, False),
        ("arm", "asset", "venture stakes", 45e6 * next(wobble), False, False),
        ("arm", "liability", "USDX", 60e6, False, True),
        ("arm", "liability", "loan from venue", 110e6, False, False),
    ]
    frame = pd.DataFrame(rows, columns=["entity", "side", "asset", "quantity", "own_token", "liquid"])
    frame["quantity"] = frame["quantity"].round(0)
    frame.insert(4, "price", [PRICES.get(a, 1.0) for a in frame["asset"]])
    return frame


def draw_lending(rng: np.random.Generator, n_accounts: int) -> pd.DataFrame:
    """Return positions: account, collateral_asset, collateral_quantity, debt_asset, debt_quantity.

    Every fifth account has two rows, one a collateral; its health factor counts both.
    """
    debt = np.exp(rng.normal(np.log(8_000.0), 1.6, n_accounts))
    low, high = np.log(HEALTH_RANGE)
    health = np.exp(low + (high - low) * (np.cumsum(debt) - 0.5 * debt) / debt.sum())
    names = list(_TERMS)
    first = rng.choice(names, n_accounts, p=[0.3, 0.3, 0.2, 0.12, 0.08])
    owed = rng.choice(list(_DEBTS), n_accounts, p=list(_DEBTS.values()))
    second = rng.choice(names, n_accounts)
    split = np.where(
        (rng.random(n_accounts) < _TWO_COLLATERALS) & (second != first), rng.uniform(0.2, 0.8, n_accounts), 1.0
    )
    order = rng.permutation(n_accounts)
    label = np.array([f"L{i:05d}" for i in range(n_accounts)])
    parts = []
    for asset, weight in ((first, split), (second, 1.0 - split)):
        term = np.array([PRICES[a] * _TERMS[a][0] for a in asset])
        part = pd.DataFrame(
            {
                "account": label,
                "collateral_asset": asset[order],
                "collateral_quantity": (health * debt * weight / term)[order],
                "debt_asset": owed[order],
                "debt_quantity": (debt * weight / np.array([PRICES[a] for a in owed]))[order],
            }
        )
        parts.append(part[part["collateral_quantity"] > 0.0])
    return pd.concat(parts).sort_values("account", kind="stable", ignore_index=True)


def draw_protocols(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return holdings (protocol, asset, quantity) and debts (protocol, debt in USD), two to six times levered."""
    held, debts = [], []
    for protocol in _PROTOCOLS:
        assets = float(np.exp(rng.normal(np.log(400e6), 0.8)))
        for asset, weight in zip(_HELD, rng.dirichlet(np.full(len(_HELD), 0.8)), strict=True):
            if weight > 0.02:
                held.append((protocol, asset, round(weight * assets / PRICES[asset], 3)))
        value = sum(q * PRICES[a] for p, a, q in held if p == protocol)
        debts.append((protocol, round(value * (1.0 - 1.0 / rng.uniform(2.0, 6.0)), 2)))
    return (
        pd.DataFrame(held, columns=["protocol", "asset", "quantity"]),
        pd.DataFrame(debts, columns=["protocol", "debt"]),
    )
