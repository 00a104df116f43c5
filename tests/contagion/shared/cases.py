"""Small books, markets and paths of lenders with common feeds."""

import numpy as np
import pandas as pd

from volkit.contagion.shared import CollateralMarket, ProtocolLending, crash_path
from volkit.impact.laws import LinearImpact
from volkit.results import Provenance, SeriesProvenance

SIMULATED = Provenance(
    (SeriesProvenance(name="loans", source="s", sha256="0" * 64, unit="USD", close_rule="r", simulated=True),)
)
TERMS = pd.DataFrame(
    {
        "asset": ["ETH", "LST"],
        "liquidation_threshold": [0.8, 0.75],
        "liquidation_bonus": [0.05, 0.08],
        "oracle": ["eth", "lst"],
    }
)
PRICES = {"ETH": 3_000.0, "LST": 3_100.0}


def one_loan(debt=20_000.0, coins=10.0, **options):
    positions = pd.DataFrame(
        {"protocol": ["A"], "account": ["x"], "collateral_asset": ["ETH"], "collateral_quantity": [coins],
         "debt": [debt]}
    )  # fmt: skip
    return ProtocolLending.from_frames(positions, TERMS, **options)


def market_of(coefficient=0.0, assets=("ETH", "LST"), **options):
    return CollateralMarket(
        prices={a: PRICES[a] for a in assets}, laws={a: LinearImpact(coefficient) for a in assets}, **options
    )


def book_of(seed, n=40, **options):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        for asset in ("ETH", "LST") if rng.random() < 0.4 else ("ETH",):
            coins = rng.uniform(1.0, 20.0)
            rows.append((f"P{i % 3}", f"a{i}", asset, coins, coins * PRICES[asset] * rng.uniform(0.4, 0.72)))
    columns = ["protocol", "account", "collateral_asset", "collateral_quantity", "debt"]
    reserve = {"P0": 1_000.0, "P1": 20_000.0}
    return ProtocolLending.from_frames(pd.DataFrame(rows, columns=columns), TERMS, reserve=reserve, **options)


def noisy_path(seed, n_steps=15):
    rng = np.random.default_rng(seed)
    return crash_path({"ETH": 0.45, "LST": 0.5}, n_steps=n_steps, crash_steps=8, volatility=0.02, rng=rng)
