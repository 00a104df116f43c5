"""A small market, a mixed book of two accounts and simulated paths."""

import numpy as np
import pandas as pd
import pytest

from volkit.instruments import MarketState, PositionBook
from volkit.scenarios.paths import PathSet

NOW = pd.Timestamp("2026-01-01", tz="UTC")
NEAR, FAR = pd.Timestamp("2026-01-01 08:00", tz="UTC"), pd.Timestamp("2026-03-27 08:00", tz="UTC")
SPOT = {"BTC": 80_000.0, "ETH": 2_500.0}
HOUR = pd.Timedelta("1h")

POSITIONS = [
    ("A", "BTC_USDC-PERPETUAL", 0.7, 79_000.0, "position"),
    ("A", "BTC-PERPETUAL", -0.5, 82_000.0, "position"),
    ("A", "BTC-27MAR26", 0.9, 75_000.0, "position"),
    ("A", "BTC_USDC-27MAR26", -0.4, 81_000.0, "position"),
    ("A", "BTC_USDC-27MAR26-80000-C", -1.0, 9_000.0, "position"),
    ("A", "BTC-27MAR26-70000-P", -2.0, 0.05, "position"),
    ("A", "BTC_USDC-1JAN26-79000-P", -3.0, 500.0, "position"),
    ("A", "BTC-1JAN26-81000-C", 1.5, 0.005, "position"),
    ("A", "BTC-1JAN26", 0.6, 80_500.0, "position"),
    ("A", "ETH_USDC-27MAR26-3000-C", 10.0, 100.0, "position"),
    ("A", "ETH_USDC-PERPETUAL", 5.0, 2_600.0, "position"),
    ("A", "BTC", 0.2, np.nan, "collateral"),
    ("A", "USD", 5_000.0, np.nan, "cash"),
    ("B", "BTC_USDC-PERPETUAL", -1.0, 80_000.0, "position"),
    ("B", "USD", 9_000.0, np.nan, "cash"),
]


def simulated_paths(n_paths, n_steps=24, *, seed=0, scale=0.008, volatility=False, step=HOUR):
    """Return simulated joint paths of both coins with heavy tails."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_t(5, (n_paths, n_steps, 2))
    shocks[:, :, 1] = 0.8 * shocks[:, :, 0] + 0.6 * shocks[:, :, 1]
    values = np.exp(np.cumsum(scale * shocks, axis=1))
    walk = np.exp(0.1 * np.cumsum(np.abs(shocks) - 0.9, axis=1)) if volatility else None
    return PathSet(
        values=values, volatility=None if walk is None else 0.6 * walk, step=step, assets=("BTC", "ETH"),
        engine="simulated", seed=str(seed),
    )  # fmt: skip


def random_walks(n_paths, n_steps, *, deviation, seed=0):
    """Return driftless arithmetic Brownian motions of a price with a deviation over the horizon, decimal."""
    moves = np.random.default_rng(seed).standard_normal((n_paths, n_steps, 1)) * deviation / n_steps**0.5
    step = pd.Timedelta("1D") / n_steps
    return PathSet(
        values=1.0 + np.cumsum(moves, axis=1), step=step, assets=("BTC",), engine="simulated", seed=str(seed)
    )


def book_of(rows):
    columns = ["account", "instrument", "quantity", "entry_price", "kind"]
    return PositionBook.from_frame(pd.DataFrame(rows, columns=columns))


def scaled_book(factor, *, account="A"):
    """Return one account with all that it holds times a factor."""
    return book_of([(a, name, q * factor, entry, kind) for a, name, q, entry, kind in POSITIONS if a == account])


def smile(coin, _expiry, strikes):
    return 0.55 + 0.2 * np.log(strikes / SPOT[coin]) ** 2 + (0.1 if coin == "ETH" else 0.0)


def market_at(spot):
    carry = {NEAR: 1.0001, FAR: 1.02}
    forwards = {(coin, expiry): price * factor for coin, price in spot.items() for expiry, factor in carry.items()}
    return MarketState(as_of=NOW, spot=pd.Series(spot), forwards=pd.Series(forwards), volatility=smile)


@pytest.fixture(scope="session")
def market():
    return market_at(SPOT)


@pytest.fixture(scope="session")
def book():
    return book_of(POSITIONS)


@pytest.fixture(scope="session")
def paths():
    return simulated_paths(1000)
