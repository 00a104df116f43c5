"""Plain twins: one path, one position, one step at a time, with formulas of their own."""

import math

import numpy as np

from tests.realtime.insolvency.conftest import FAR, NEAR, NOW, POSITIONS, SPOT, smile

YEAR = 365.0 * 86_400.0
CARRY = {NEAR: 1.0001, FAR: 1.02}


def black(forward, strike, left, sigma, is_call):
    sign = 1.0 if is_call else -1.0
    if left <= 0.0 or sigma <= 0.0:
        return max(sign * (forward - strike), 0.0)
    s = sigma * math.sqrt(left)
    d = math.log(forward / strike) / s + 0.5 * s
    upper, lower = (0.5 * math.erfc(-sign * x / math.sqrt(2.0)) for x in (d, d - s))
    return sign * (forward * upper - strike * lower)


def parse(name):
    """Return coin, expiry, strike, is_call and whether inverse, from a name in Deribit's manner."""
    base, *rest = name.split("-")
    coin, inverse = base.replace("_USDC", ""), "_USDC" not in base
    if not rest or rest == ["PERPETUAL"]:
        return coin, None, None, None, inverse
    expiry = {"1JAN26": NEAR, "27MAR26": FAR}[rest[0]]
    return (
        (coin, expiry, float(rest[1]), rest[2] == "C", inverse)
        if len(rest) > 1
        else (coin, expiry, *[None] * 2, inverse)
    )


def forward_at(coin, expiry, spot, time):
    if expiry is None:
        return spot
    whole = (expiry - NOW).total_seconds() / YEAR
    left = max((expiry - time).total_seconds() / YEAR, 0.0)
    return spot * CARRY[expiry] ** (left / whole)


def value_of(row, spots, times, ratios):
    """Return dollars that a row is worth after each step, and what the requirement counts of it.

    `spots` begin with today's and `ratios` are of volatility over today's.
    """
    _, name, quantity, entry, kind = row
    if kind == "cash":
        return [quantity] * len(spots), [0.0] * len(spots)
    if kind == "collateral":
        return [quantity * s for s in spots], [0.0] * len(spots)
    coin, expiry, strike, is_call, inverse = parse(name)
    worth, gross, settled = [], [], None
    for spot, time, ratio in zip(spots, times, ratios, strict=True):
        over = expiry is not None and time >= expiry
        gross.append(0.0 if over else abs(quantity) * spot)
        if settled is not None:
            worth.append(settled * spot if inverse else settled)
            continue
        forward = forward_at(coin, expiry, spot, time)
        if strike is not None:
            left = max((expiry - time).total_seconds() / YEAR, 0.0)
            sigma = float(smile(coin, expiry, np.array([strike]))[0]) * ratio
            price = black(forward, strike, left, sigma, is_call)
            paid = quantity * price / forward if inverse else quantity * price
        else:
            paid = quantity * entry * (1.0 / entry - 1.0 / forward) if inverse else quantity * (forward - entry)
        if over:
            settled = paid
        worth.append(paid * spot if inverse else paid)
    return worth, gross


def account_paths(account, paths, *, ratio=lambda _coin, _path, _step: 1.0, rows=POSITIONS):
    """Return equity (n_paths, n_steps + 1) and gross notional at spot of an account, the start included."""
    times = [NOW + k * paths.step for k in range(paths.n_steps + 1)]
    equity = np.zeros((paths.n_paths, paths.n_steps + 1))
    gross = np.zeros_like(equity)
    for row in rows:
        if row[0] != account:
            continue
        coin = parse(row[1])[0] if row[4] == "position" else row[1]
        for i in range(paths.n_paths):
            column = paths.assets.index(coin) if coin in paths.assets else 0
            spots = [SPOT.get(coin, 1.0) * v for v in [1.0, *paths.values[i, :, column]]]
            ratios = [1.0] + [ratio(column, i, k) for k in range(paths.n_steps)]
            worth, counted = value_of(row, spots, times, ratios)
            equity[i] += worth
            gross[i] += counted
    return equity, gross


def smallest_margin(losses, target, weights=None):
    """Return the least of the losses, or 0, that is exceeded with at most the target probability, by trying all."""
    w = np.ones(len(losses)) if weights is None else weights
    fits = [m for m in [0.0, *losses] if m >= 0.0 and w[losses > m].sum() / len(losses) <= target * (1 + 1e-9)]
    return min(fits)
