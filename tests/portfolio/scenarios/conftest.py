"""A small market, its contracts and simulated samples of scenarios."""

import numpy as np
import pandas as pd
import pytest

from volkit.instruments import Coin, Future, MarketState, Option, Perpetual
from volkit.portfolio.scenarios import ScenarioGrid, risk_array_of_profits

NOW = pd.Timestamp("2026-01-01", tz="UTC")
NEAR, FAR = pd.Timestamp("2026-01-01 12:00", tz="UTC"), pd.Timestamp("2026-03-27 08:00", tz="UTC")
SPOT = {"BTC": 80_000.0, "ETH": 2_500.0}


@pytest.fixture(scope="session")
def market():
    forwards = {
        (coin, expiry): spot * factor for coin, spot in SPOT.items() for expiry, factor in ((NEAR, 1.0001), (FAR, 1.02))
    }

    def smile(coin, expiry, strikes):
        return 0.55 + 0.2 * np.log(strikes / SPOT[coin]) ** 2 + (0.1 if coin == "ETH" else 0.0)

    return MarketState(as_of=NOW, spot=pd.Series(SPOT), forwards=pd.Series(forwards), volatility=smile)


@pytest.fixture(scope="session")
def contracts():
    return [
        Coin("BTC"),
        Perpetual("BTC"),
        Perpetual("BTC", "inverse"),
        Future("BTC", FAR),
        Future("BTC", FAR, "inverse"),
        Option("BTC", FAR, 80_000.0, True),
        Option("BTC", FAR, 70_000.0, False, "inverse"),
        Option("BTC", NEAR, 85_000.0, False),
        Option("ETH", FAR, 3_000.0, True),
        Perpetual("ETH"),
    ]


def sample_grid(n, *, seed=0, days=1.0):
    """Return simulated equally likely scenarios of one coin's price and volatility."""
    rng = np.random.default_rng(seed)
    price = np.clip(0.05 * rng.standard_t(4, n), -0.9, 5.0)
    table = pd.DataFrame({"price": price, "volatility": np.maximum(-1.5 * price, -0.8)})
    for name in ("skew", "wing", "basis", "carry"):
        table[name] = 0.0
    table = table.assign(days=days, weight=1.0).set_axis(pd.Index([f"draw {i}" for i in range(n)]), axis=0)
    return ScenarioGrid(scenarios=table, equally_likely=True, method="simulated")


@pytest.fixture(scope="session")
def sample():
    return sample_grid(1000)


def simulated_array(n_instruments, n_scenarios, *, seed=0):
    profits = np.random.default_rng(seed).standard_t(4, (n_instruments, n_scenarios))
    names = [f"contract {i}" for i in range(n_instruments)]
    return risk_array_of_profits(pd.DataFrame(profits, index=names), equally_likely=True)
