"""Draws of leveraged accounts and order books whose liquidation quantity and depth are uniform in the log price.

Sizes are random and heavy-tailed; places are not: every account stands where the coins before it say, so that the
density holds for any seed.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.sources.venue_truth import Direction

__all__ = ["draw_accounts", "draw_books", "draw_recovery", "leverage_range"]

Floats = npt.NDArray[np.float64]
_SIZE_DEVIATION = 1.7  # of the log size
_LARGEST_SHARE = 0.004  # of a side, in one account
_ENTRY_DEVIATION = 0.04  # of the log entry price around the reference
_COIN_STEP = 0.001
_TICK = 0.1
_LEVELS = 240
_SWEEPS = 6
_MINUTES = 90
_DEPTH_NOISE = 0.03


def leverage_range(direction: Direction, leverages: tuple[float, float], rate: float) -> tuple[float, float]:
    """Return the log distances of the liquidation prices of the highest and of the lowest leverage.

    Examples
    --------
    >>> [round(d, 4) for d in leverage_range("down", (2.0, 50.0), 0.005)]
    [0.0152, 0.6881]
    """
    lowest, highest = leverages
    z = -1.0 if direction == "down" else 1.0
    near, far = (float(z * np.log((1.0 + z / x) / (1.0 + z * rate))) for x in (highest, lowest))
    return near, far


def draw_accounts(
    rng: np.random.Generator,
    n_accounts: int,
    *,
    price: float,
    coins: float,
    leverages: tuple[float, float],
    rate: float,
) -> pd.DataFrame:
    """Return longs and shorts of so many coins each, as account, quantity, entry_price, collateral and leverage."""
    n_longs = round(0.55 * n_accounts)
    sides: Mapping[Direction, int] = {"down": n_longs, "up": n_accounts - n_longs}
    frames = [
        _draw_side(rng, n, direction, price=price, coins=coins, leverages=leverages, rate=rate)
        for direction, n in sides.items()
    ]
    accounts = pd.concat(frames, ignore_index=True).iloc[rng.permutation(n_accounts)].reset_index(drop=True)
    accounts.insert(0, "account", [f"A{i:06d}" for i in range(n_accounts)])
    return accounts


def _draw_side(
    rng: np.random.Generator,
    n: int,
    direction: Direction,
    *,
    price: float,
    coins: float,
    leverages: tuple[float, float],
    rate: float,
) -> pd.DataFrame:
    z = -1.0 if direction == "down" else 1.0
    size = _sizes(rng, n, coins)
    near, far = leverage_range(direction, leverages, rate)
    bankruptcy = price * (1.0 + z * rate) * np.exp(z * _places(size, near, far))
    # Nobody entered at more than the venue's highest leverage: the entry keeps its distance from bankruptcy.
    closest = bankruptcy / (1.0 + z / leverages[1])
    drawn = price * np.exp(_ENTRY_DEVIATION * rng.standard_normal(n))
    entry = np.maximum(drawn, closest) if direction == "down" else np.minimum(drawn, closest)
    # Rounded away from bankruptcy, so that no tick lifts the leverage above the highest one.
    entry = (np.ceil if direction == "down" else np.floor)(entry / _TICK) * _TICK
    return pd.DataFrame(
        {
            "quantity": -z * size,
            "entry_price": entry.round(1),
            "collateral": size * z * (bankruptcy - entry.round(1)),
            "leverage": price / np.abs(price - bankruptcy),
            "maintenance_rate": rate,
        }
    )


def _sizes(rng: np.random.Generator, n: int, coins: float) -> Floats:
    """Return sizes in whole steps that add up to the coins, none above its share."""
    size = np.exp(_SIZE_DEVIATION * rng.standard_normal(n))
    cap = max(_LARGEST_SHARE, 4.0 / n) * coins
    for _ in range(50):
        size *= coins / size.sum()
        size = np.minimum(size, cap)
    steps = np.maximum(np.rint(size / _COIN_STEP), 1.0)
    steps[np.argmax(steps)] += np.rint(coins / _COIN_STEP) - steps.sum()
    return steps * _COIN_STEP


def _places(size: Floats, near: float, far: float) -> Floats:
    """Return the log distance at which the middle of each size lies when all are laid end to end."""
    return np.asarray(near + (far - near) * (np.cumsum(size) - 0.5 * size) / size.sum())


def draw_books(
    rng: np.random.Generator, *, price: float, impact: float, shares: Mapping[str, float], reach: float
) -> pd.DataFrame:
    """Return levels of bids and asks by venue: venue, side, price, amount; together as deep as 1 / impact."""
    frames = []
    for venue, share in shares.items():
        for side, z in (("bid", -1.0), ("ask", 1.0)):
            amount = rng.gamma(2.0, 1.0, _LEVELS)
            # The whole reach holds reach / impact coins over all venues.
            amount = np.round(amount * share * reach / impact / amount.sum(), 3).clip(_COIN_STEP)
            levels = price * np.exp(z * _places(amount, 0.0, reach))
            frame = pd.DataFrame({"venue": venue, "side": side, "price": levels.round(2), "amount": amount})
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def draw_recovery(rng: np.random.Generator, *, depth: float, half_life: float) -> pd.DataFrame:
    """Return the depth after sweeps that took half to nine tenths of it: sweep, minute, depth (coins within 1 %)."""
    minute = np.arange(_MINUTES + 1, dtype=np.float64)
    frames = []
    for sweep in range(_SWEEPS):
        taken = rng.uniform(0.5, 0.9)
        left = 1.0 - taken * np.exp(-np.log(2.0) * minute / half_life)
        noisy = depth * left * np.exp(_DEPTH_NOISE * rng.standard_normal(minute.size))
        frames.append(pd.DataFrame({"sweep": sweep + 1, "minute": minute, "depth": noisy.round(3)}))
    return pd.concat(frames, ignore_index=True)
