"""The cascade account by account, for margins that change and positions that are closed in part. Compiled.

A book is a tuple of arrays, shape (n_accounts,): side (0 long, 1 short), size (coins), entry and collateral (USD),
maintenance rate and amount, and signed liquidation and bankruptcy prices (those of shorts with a minus). Open accounts
are a second set of size, collateral, both prices, step of the last liquidation, and rate and amount of the tier that
holds, which is written over. Tiers are floors, rates and amounts, shape (n_tiers,): none where rates are the accounts'.
"""

from math import inf, sqrt

import numpy as np
from numba import njit

from volkit.contagion.cascade._market import (
    M_PRICE,
    M_VARIANCE,
    add_batch,
    begin,
    close_path,
    close_step,
    has_fallen,
    note_stuck,
    open_step,
    pay_first,
    pay_rest,
    trade,
)
from volkit.contagion.cascade._state import (
    ADL,
    BUFFER,
    CAP,
    FEE,
    LEAST,
    MAX_ROUNDS,
    NOTICE,
    PARTIAL,
    R_ACCOUNTS,
    R_BAD,
    R_BANKRUPT,
    R_COLLATERAL,
    R_FILL,
    R_INCOME,
    R_KEPT,
    R_PROFIT,
    R_RETURNED,
    R_ROUND,
    R_SIDE,
    R_STEP,
    R_WINNERS,
    ROUND_LIMIT,
    SHARE,
    TO_FUND,
    VOLATILITY,
)

__all__ = ["account_path", "account_paths"]

# A remainder this small against the position as it was opened is closed with it.
_DUST = 1e-12


@njit(cache=True, error_model="numpy", nogil=True)
def find_tier(i, scale, book, work, tiers):
    """Set rate and amount of account i to those at its level when margins are multiplied by a scale.

    As in `volkit.contagion.cascade.tier_terms`: the sign of equity less margin where the notional crosses a floor tells
    the tier, for the position as it was opened.
    """
    side, size, entry, collateral = book[0][i], book[1][i], book[2][i], book[3][i]
    rate, amount = work[5], work[6]
    floors, rates, amounts = tiers
    sign = 1.0 - 2.0 * side
    tier = floors.shape[0] - 1
    for j in range(1, floors.shape[0]):
        margin = scale * (rates[j] * floors[j] - amounts[j])
        excess = collateral + sign * (floors[j] - size * entry) - margin
        if (excess >= 0.0) if side == 0 else (excess < 0.0):
            tier = j - 1
            break
    rate[i], amount[i] = rates[tier], amounts[tier]


@njit(cache=True, error_model="numpy", nogil=True)
def level_of(i, scale, book, work):
    """Return the signed liquidation price of account i when maintenance margins are multiplied by a scale."""
    side, entry = book[0], book[2]
    size, collateral, _, _, _, rate, amount = work
    sign = 1.0 - 2.0 * side[i]
    below = 1.0 - sign * (scale * rate[i])
    if below <= 0.0:
        return inf
    return sign * ((entry[i] - sign * (collateral[i] + scale * amount[i]) / size[i]) / below)


@njit(cache=True, error_model="numpy", nogil=True)
def find_next(t, once, book, work, nearest):
    """Put the next liquidation price of each side that is still to come in step t into nearest."""
    side, (size, _, level, _, last, _, _) = book[0], work
    nearest[:] = -inf
    for i in range(side.shape[0]):
        if size[i] > 0.0 and not (once and last[i] == t):
            nearest[side[i]] = max(nearest[side[i]], level[i])


@njit(cache=True, error_model="numpy", nogil=True)
def coins_to_close(i, price, scale, settings, book, work):
    """Return how many coins of account i are closed at a signed price that has reached it."""
    opened, entry = book[1], book[2]
    size, collateral, _, _, _, rate, amount = work
    if settings[PARTIAL] == 0.0:
        return size[i]
    sign = 1.0 - 2.0 * book[0][i]
    equity = collateral[i] + size[i] * (price - sign * entry[i])
    if equity <= 0.0:
        return size[i]
    if settings[SHARE] > 0.0:
        coins = settings[SHARE] * opened[i]
    else:
        wanted = (1.0 + settings[BUFFER]) * scale
        left = (equity / wanted + amount[i]) / (rate[i] * sign * price)
        coins = max(size[i] - left, settings[LEAST] * opened[i])
    return size[i] if coins >= size[i] - _DUST * opened[i] else coins


@njit(cache=True, error_model="numpy", nogil=True)
def settle_whole(i, fill, settings, book, work, b):
    """Book account i as closed whole at a signed fill."""
    size, collateral, _, bankruptcy, _, _, _ = work
    b[R_COLLATERAL] += collateral[i]
    b[R_PROFIT] += size[i] * (fill - (1.0 - 2.0 * book[0][i]) * book[2][i])
    left = size[i] * (fill - bankruptcy[i])
    if bankruptcy[i] > fill:
        b[R_BANKRUPT] += 1.0
        b[R_BAD] -= left
    elif settings[TO_FUND] != 0.0:
        b[R_INCOME] += left
    else:
        fee = min(settings[FEE] * b[R_FILL] * size[i], left)
        b[R_INCOME] += fee
        b[R_RETURNED] += left - fee
    size[i] = 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def settle_part(i, coins, fill, scale, settings, book, work, b):
    """Book some coins of account i as closed at a signed fill; the loss and the fee come out of its collateral."""
    size, collateral, level, bankruptcy, _, _, _ = work
    entry = (1.0 - 2.0 * book[0][i]) * book[2][i]
    profit = coins * (fill - entry)
    b[R_COLLATERAL] += collateral[i]
    b[R_PROFIT] += profit
    size[i] -= coins
    collateral[i] += profit
    equity = collateral[i] + size[i] * (fill - entry)
    fee = min(settings[FEE] * b[R_FILL] * coins, max(equity, 0.0))
    collateral[i] -= fee
    b[R_INCOME] += fee
    b[R_KEPT] += collateral[i]
    level[i] = level_of(i, scale, book, work)
    bankruptcy[i] = entry - collateral[i] / size[i]


@njit(cache=True, error_model="numpy", nogil=True)
def close_reached(t, k, price, scale, settings, code, law, book, work, closing, m, b):
    """Close what a signed price has reached on side k as one batch; return False where the market has nothing left."""
    side, (size, _, level, _, last, _, _) = book[0], work
    once = settings[SHARE] > 0.0
    coins = 0.0
    for i in range(side.shape[0]):
        closing[i] = 0.0
        if side[i] == k and size[i] > 0.0 and level[i] >= price and not (once and last[i] == t):
            closing[i] = coins_to_close(i, price, scale, settings, book, work)
            coins += closing[i]
    if not trade((1.0 - 2.0 * k) * coins, code, law, m, b):
        return False
    fill = (1.0 - 2.0 * k) * b[R_FILL]
    for i in range(side.shape[0]):
        if closing[i] > 0.0:
            b[R_ACCOUNTS] += 1.0 if last[i] < 0 else 0.0
            last[i] = t
            if closing[i] == size[i]:
                settle_whole(i, fill, settings, book, work, b)
            else:
                settle_part(i, closing[i], fill, scale, settings, book, work, b)
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def open_profit(price, book, size):
    """Return the unrealised profit (USD) of open accounts that have one."""
    side, entry = book[0], book[2]
    profit = 0.0
    for i in range(side.shape[0]):
        if size[i] > 0.0:
            profit += max((1.0 - 2.0 * side[i]) * size[i] * (price - entry[i]), 0.0)
    return profit


@njit(cache=True, error_model="numpy", nogil=True)
def margin_scale(t, settings, m, scales):
    """Note what margins are multiplied by from the volatility of step t, and return what holds in it."""
    scales[t] = 1.0
    if settings[CAP] > 1.0:
        scales[t] = min(max(sqrt(m[M_VARIANCE]) / settings[VOLATILITY], 1.0), settings[CAP])
    seen = t - int(settings[NOTICE])
    return scales[seen] if seen >= 0 else 1.0


@njit(cache=True, error_model="numpy", nogil=True)
def still_open(price, book, work):
    """Return whether a side is closed whole, how many open accounts a price has reached, and what they owe (USD)."""
    side, (size, _, level, bankruptcy, _, _, _) = book[0], work
    overdue, deficit = 0.0, 0.0
    held, kept = np.zeros(2), np.zeros(2)
    for i in range(side.shape[0]):
        held[side[i]] += 1.0
        kept[side[i]] += size[i]
        signed = (1.0 - 2.0 * side[i]) * price
        if size[i] > 0.0 and level[i] >= signed:
            overdue += 1.0
            deficit += size[i] * max(bankruptcy[i] - signed, 0.0)
    is_exhausted = (held[0] > 0.0 and kept[0] == 0.0) or (held[1] > 0.0 and kept[1] == 0.0)
    return is_exhausted, overdue, deficit


@njit(cache=True, error_model="numpy", nogil=True)
def account_path(
    returns, settings, code, law, book, work, tiers, closing, scales, nearest, m, b, totals, series, rounds
):
    """Run one path and return the number of its batches; rounds keeps as many of them as it has rows.

    returns, shape (n_steps,), are exogenous log returns. work, closing (n_accounts,), scales (n_steps,), nearest (2,),
    m, b, totals and series (n_steps, 6) are filled.
    """
    side = book[0]
    size, collateral, level, bankruptcy, last, rate, amount = work
    size[:], collateral[:], level[:], bankruptcy[:] = book[1], book[3], book[6], book[7]
    rate[:], amount[:] = book[4], book[5]
    last[:] = -1
    begin(settings, m, totals)
    series[:] = 0.0
    once = settings[SHARE] > 0.0
    n_batches, status, scale = 0, 0, 1.0
    is_stuck = np.zeros(2, dtype=np.bool_)
    find_next(0, once, book, work, nearest)
    for t in range(returns.shape[0]):
        open_step(t, returns[t], settings, code, law, m, totals)
        wanted = margin_scale(t, settings, m, scales)
        if wanted != scale:
            scale = wanted
            for i in range(side.shape[0]):
                if size[i] > 0.0:
                    if tiers[0].shape[0] > 1:
                        find_tier(i, scale, book, work, tiers)
                    level[i] = level_of(i, scale, book, work)
            find_next(t, once, book, work, nearest)
        elif once:
            find_next(t, once, book, work, nearest)
        n_rounds = 0
        # A side that the market has nothing left for waits for the next step, or for a trade of the other side.
        is_stuck[:] = False
        while True:
            price = m[M_PRICE]
            is_crossed = (not is_stuck[0] and nearest[0] >= price) or (not is_stuck[1] and nearest[1] >= -price)
            if has_fallen(t, settings, m, series) or not is_crossed:
                break
            if n_rounds >= settings[MAX_ROUNDS]:
                status = max(status, ROUND_LIMIT)
                break
            n_rounds += 1
            before = n_batches
            for k in range(2):
                signed = (1.0 - 2.0 * k) * price
                if is_stuck[k] or nearest[k] < signed:
                    continue
                b[:] = 0.0
                b[R_STEP], b[R_ROUND], b[R_SIDE] = t, n_rounds, k
                if not close_reached(t, k, signed, scale, settings, code, law, book, work, closing, m, b):
                    is_stuck[k], status = True, note_stuck(t, series)
                    continue
                is_stuck[1 - k] = False
                rest = pay_first(m, b)
                if rest > 0.0:
                    if settings[ADL] != 0.0:
                        b[R_WINNERS] = open_profit(m[M_PRICE], book, size)
                    pay_rest(rest, b[R_WINNERS], settings, m, b)
                add_batch(t, b, m, totals, series)
                if n_batches < rounds.shape[0]:
                    rounds[n_batches] = b
                n_batches += 1
            if n_batches == before:
                # Nothing could be traded: no round.
                n_rounds -= 1
            find_next(t, once, book, work, nearest)
        close_step(t, n_rounds, m, totals, series)
    is_exhausted, overdue, deficit = still_open(m[M_PRICE], book, work)
    close_path(returns.shape[0] - 1, status, is_exhausted, overdue, deficit, settings, m, totals, series)
    return n_batches


@njit(cache=True, error_model="numpy", nogil=True)
def account_paths(
    returns, settings, code, law, book, work, tiers, closing, scales, nearest, m, b, totals, series, rounds
):
    """Run paths, shape (n_paths, n_steps); series, shape (n_paths or 1, n_steps, 6), is kept or written over."""
    for p in range(returns.shape[0]):
        kept = series[p] if series.shape[0] > 1 else series[0]
        account_path(
            returns[p], settings, code, law, book, work, tiers, closing, scales, nearest, m, b, totals[p], kept, rounds
        )
