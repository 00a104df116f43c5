"""Rounds of liquidations over accounts that margin several assets together, compiled.

Accounts stand in blocks of neighbours. A block is looked at only when its worst account can be below its margin at the
prices of the round; otherwise it sleeps until prices have moved far enough. Buffers belong to the caller.

Arrays stand block by block, (n_blocks, n_assets, BLOCK) or (n_blocks, BLOCK), the last block filled up with accounts
that hold nothing and cannot be below: loops of a fixed length become vector instructions.
"""

from math import exp, inf, isfinite

import numpy as np
from numba import njit

from volkit.contagion.cross._layout import BLOCK
from volkit.impact._kernels import log_displacement, mean_fill

__all__ = ["FUND", "N_COLUMNS", "run_scenario", "run_scenarios"]

# Columns of the record of a round.
(ACCOUNTS, NOTIONAL, SHORTFALL, PAID, DELEVERAGED, SOCIALISED, FEES, KEPT, RETURNED, FUND, CHECKED) = range(11)
N_COLUMNS = 11
SETTLED, UNFINISHED, NO_DEPTH = 0, 1, 2
# Far above the rounding of sums of a few terms of size one, far below any move of a price.
_SAFETY = 1e-9


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"nnan", "nsz"})
def scan_block(base, edge, inverse, price, buffer):
    """Fill buffer with what the block's accounts have above their margins, and return the least, over exposure."""
    for j in range(BLOCK):
        buffer[j] = base[j]
    for k in range(len(price)):
        p = price[k]
        for j in range(BLOCK):
            buffer[j] += edge[k, j] * p
    least = inf
    for j in range(BLOCK):
        least = min(least, buffer[j] * inverse[j])
    return least


@njit(cache=True, error_model="numpy", nogil=True)
def find_below(base, edge, inverse, box, wake, move, travelled, price, screened, buffer, below, hit):
    """Mark in below the accounts under their margin, list in hit the blocks that have any; return blocks and looks.

    Outside the blocks listed below says nothing.
    """
    n_hit = n_looked = 0
    n_assets = len(move)
    for b in range(len(wake)):
        # A block with an account that changed has left its box, and is looked at in every round.
        asleep = screened and wake[b] > -inf
        if asleep:
            if travelled < wake[b]:
                continue
            bound = box[b, 0]
            for k in range(n_assets):
                x = move[k]
                bound += box[b, 1 + k] * x if x > 0.0 else box[b, 1 + n_assets + k] * x
            if bound > _SAFETY:
                wake[b] = travelled + bound - _SAFETY
                continue
        n_looked += 1
        least = scan_block(base[b], edge[b], inverse[b], price, buffer)
        if least < 0.0:
            mark = below[b]
            for j in range(BLOCK):
                mark[j] = 1.0 if buffer[j] < 0.0 else 0.0
            hit[n_hit] = b
            n_hit += 1
        if asleep:
            wake[b] = travelled + least - _SAFETY
    return n_hit, n_looked


@njit(cache=True, error_model="numpy", nogil=True)
def set_prices(reference, shock, codes, parameters, offsets, cross, state, own, price):
    """Fill price with the references after the shock, displaced by the states."""
    for k in range(len(state)):
        own[k] = log_displacement(codes[k], parameters[offsets[k] : offsets[k + 1]], state[k])
    finite = True
    for k in range(len(state)):
        total = own[k]
        for j in range(len(state)):
            if j != k and cross[k, j] != 0.0:
                total += cross[k, j] * own[j]
        finite = finite and isfinite(total)
        price[k] = reference[k] * (1.0 + shock[k]) * exp(total)
    return finite


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def block_profit(held, cost, price, gone, profit):
    """Return the profits of the accounts of a block that still stand and have one."""
    for j in range(BLOCK):
        profit[j] = 0.0
    for k in range(len(price)):
        p = price[k]
        for j in range(BLOCK):
            profit[j] += held[k, j] * p - cost[k, j]
    total = 0.0
    for j in range(BLOCK):
        total += max(profit[j], 0.0) if gone[j] < 0 else 0.0
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def winners_profit(held, cost, price, gone, buffer, wanted):
    """Return the profits of all who still stand and have one, or wanted when there is at least so much."""
    total = 0.0
    for b in range(len(held)):
        total += block_profit(held[b], cost[b], price, gone[b], buffer)
        if total >= wanted:
            return wanted
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def worst_asset(held, cost, price, j):
    """Return the asset whose open position has lost the most, -1 where none is open."""
    worst, least = -1, inf
    for k in range(len(price)):
        if held[k, j] != 0.0 and held[k, j] * price[k] - cost[k, j] < least:
            worst, least = k, held[k, j] * price[k] - cost[k, j]
    return worst


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def add_block(flows, mark, sold):
    """Add the net coins that the marked accounts of a block sell; marks are 1, others 0."""
    for k in range(len(sold)):
        total = 0.0
        for j in range(BLOCK):
            total += mark[j] * flows[k, j]
        sold[k] += total


@njit(cache=True, error_model="numpy", nogil=True)
def choose_assets(held, flows, cost, mark, price, chosen, sold):
    """Choose for marked accounts the asset that they close, -1 for all that is left, and add what they sell."""
    for j in range(BLOCK):
        if mark[j] > 0.0:
            a = worst_asset(held, cost, price, j)
            chosen[j] = a
            for k in range(len(sold)):
                if a == k:
                    sold[k] += held[k, j]
                elif a < 0:
                    sold[k] += flows[k, j]


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def close_block(base, held, flows, mark, fill, rate, keeps, worth, sizes, line, notional):
    """Close all that the marked accounts of a block have, and settle them."""
    count = 0.0
    for j in range(BLOCK):
        # Accounts that are gone stand at infinity, and infinity times a mark of nought is no number.
        worth[j] = base[j] if mark[j] > 0.0 else 0.0
        base[j] = inf if mark[j] > 0.0 else base[j]
        sizes[j] = 0.0
        count += mark[j]
    for k in range(len(fill)):
        p, total = fill[k], 0.0
        for j in range(BLOCK):
            closed = mark[j] * abs(held[k, j]) * p
            worth[j] += mark[j] * flows[k, j] * p
            sizes[j] += closed
            total += closed
        notional[k] += total
    closed = fees = missing = left = 0.0
    for j in range(BLOCK):
        fee = min(rate * sizes[j], max(worth[j], 0.0))
        closed += sizes[j]
        fees += fee
        missing += max(-worth[j], 0.0)
        left += max(worth[j] - fee, 0.0)
    line[ACCOUNTS] += count
    line[NOTIONAL] += closed
    line[FEES] += fees
    line[SHORTFALL] += missing
    line[KEPT if keeps else RETURNED] += left


@njit(cache=True, error_model="numpy", nogil=True)
def close_asset(j, a, base, edge, held, flows, cost, coins, counted, price, fill, rate, line, notional):
    """Close one position of an account of a block, which stays with what is left."""
    size = abs(held[a, j]) * fill[a]
    base[j] += held[a, j] * fill[a]
    flows[a, j] = coins[a, j]
    held[a, j] = 0.0
    cost[a, j] = 0.0
    edge[a, j] = coins[a, j] * counted[a]
    worth = base[j]
    for k in range(len(price)):
        worth += flows[k, j] * price[k]
    fee = min(rate * size, max(worth, 0.0))
    base[j] -= fee
    line[ACCOUNTS] += 1.0
    line[NOTIONAL] += size
    line[FEES] += fee
    notional[a] += size


@njit(cache=True, error_model="numpy", nogil=True)
def pay(line, fund, held, cost, price, gone, buffer, deleveraged):
    """Share a round's shortfall over the fund, winners' profits and everybody; return the fund after it."""
    fund += line[FEES] + line[KEPT]
    line[PAID] = min(fund, line[SHORTFALL])
    left = line[SHORTFALL] - line[PAID]
    if left > 0.0:
        wanted = deleveraged + left
        there = winners_profit(held, cost, price, gone, buffer, wanted)
        # Where they have enough, it is all of it and not what rounding leaves of a difference.
        line[DELEVERAGED] = left if there >= wanted else min(left, max(there - deleveraged, 0.0))
        line[SOCIALISED] = left - line[DELEVERAGED]
    line[FUND] = fund - line[PAID]
    return line[FUND]


@njit(cache=True, error_model="numpy", nogil=True)
def fill_prices(before, after, start, codes, parameters, offsets, own, price, sold, fill):
    """Fill the mean prices of a round's trades; fill holds the prices before the round, price those after."""
    for k in range(len(sold)):
        if sold[k] != 0.0:
            law = parameters[offsets[k] : offsets[k + 1]]
            # Half of what the other assets add in the round: they trade at the same time.
            was = fill[k] / start[k] / exp(log_displacement(codes[k], law, before[k]))
            full = price[k] / start[k] / exp(own[k])
            fill[k] = start[k] * mean_fill(codes[k], law, before[k], after[k]) * (full * was) ** 0.5


@njit(cache=True, error_model="numpy", nogil=True)
def leave(gone, mark, r):
    """Write the round of the marked accounts, and return how many of them had stood whole."""
    count = 0
    for j in range(BLOCK):
        count += 1 if mark[j] > 0.0 and gone[j] == -1 else 0
        gone[j] = r if mark[j] > 0.0 else gone[j]
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def restore(book, work, touched, n, changed):
    """Put back what the accounts of the touched blocks had."""
    base0, edge0, _, held0, flows0, cost0, _, _ = book
    base, edge, held, flows, cost = work[:5]
    seen = work[11]
    for t in range(n):
        b = touched[t]
        base[b] = base0[b]
        seen[b] = False
        if changed:
            edge[b] = edge0[b]
            held[b] = held0[b]
            flows[b] = flows0[b]
            cost[b] = cost0[b]


@njit(cache=True, error_model="numpy", nogil=True)
def run_scenario(shock, book, market, terms, box, wake, screened, work, gone, record):
    """Run one shock to its end; return status, rounds, accounts that closed something, and touched blocks.

    book holds base, edge, inverse, held, flows, cost, coins and counted as they are before the shock, work copies of
    base, edge, held, flows and cost that are changed and put back, and buffers. gone holds -1 for accounts that stand,
    -2 for those that closed something, and the round in which the others were closed; it is not put back.
    """
    inverse, coins, counted = book[2], book[6], book[7]
    reference, codes, parameters, offsets, depth, cross = market
    fund, rate, keeps, one_by_one, most = terms
    base, edge, held, flows, cost, buffer, sizes, below, hit, chosen, touched, seen = work
    lines, prices, fills, sold, notional = record
    n_assets = len(reference)
    state, own, after, price, move, last = np.zeros((6, n_assets))
    start = reference * (1.0 + shock)
    for b in range(len(wake)):
        wake[b] = box[b, 0] - _SAFETY
    travelled, deleveraged, status, n_touched, count, r = 0.0, 0.0, SETTLED, 0, 0, 0
    set_prices(reference, shock, codes, parameters, offsets, cross, state, own, price)
    while True:
        step = 0.0
        for k in range(n_assets):
            move[k] = price[k] / reference[k] - 1.0
            step = max(step, abs(move[k] - last[k]))
            last[k] = move[k]
        travelled += step
        lines[r, :] = 0.0
        prices[r, :] = price
        fills[r, :] = price
        sold[r, :] = 0.0
        notional[r, :] = 0.0
        n, looked = find_below(base, edge, inverse, box, wake, move, travelled, price, screened, buffer, below, hit)
        lines[r, CHECKED] = looked * BLOCK
        lines[r, FUND] = fund
        if n == 0 or r == most:
            status = SETTLED if n == 0 else UNFINISHED
            break
        for h in range(n):
            b = hit[h]
            if one_by_one:
                choose_assets(held[b], flows[b], cost[b], below[b], price, chosen[b], sold[r])
            else:
                add_block(flows[b], below[b], sold[r])
        for k in range(n_assets):
            after[k] = state[k] + sold[r, k] / depth[k]
        if not set_prices(reference, shock, codes, parameters, offsets, cross, after, own, price):
            sold[r, :] = 0.0
            status = NO_DEPTH
            break
        fill_prices(state, after, start, codes, parameters, offsets, own, price, sold[r], fills[r])
        state[:] = after
        for h in range(n):
            b = hit[h]
            if not seen[b]:
                seen[b] = True
                touched[n_touched] = b
                n_touched += 1
            if one_by_one:
                for j in range(BLOCK):
                    if below[b, j] > 0.0 and chosen[b, j] >= 0:
                        below[b, j] = 0.0
                        count += gone[b, j] == -1
                        gone[b, j] = -2
                        wake[b] = -inf
                        close_asset(
                            j, chosen[b, j], base[b], edge[b], held[b], flows[b], cost[b], coins[b], counted, prices[r],
                            fills[r], rate, lines[r], notional[r],
                        )  # fmt: skip
            count += leave(gone[b], below[b], r)
            close_block(
                base[b], held[b], flows[b], below[b], fills[r], rate, keeps, buffer, sizes, lines[r], notional[r]
            )
        fund = pay(lines[r], fund, held, cost, price, gone, buffer, deleveraged)
        deleveraged += lines[r, DELEVERAGED]
        r += 1
    restore(book, work, touched, n_touched, one_by_one)
    return status, r, count, n_touched


@njit(cache=True, error_model="numpy", nogil=True)
def run_scenarios(shocks, book, market, terms, box, wake, screened, work, gone, record, totals, ends, by_asset):
    """Run every shock; fill totals (sums of lines, fund at the end, status, rounds), last prices and notional."""
    lines, prices, _, _, notional = record
    touched = work[10]
    for s in range(shocks.shape[0]):
        status, rounds, closed, n_touched = run_scenario(
            shocks[s], book, market, terms, box, wake, screened, work, gone, record
        )
        for t in range(n_touched):
            gone[touched[t]] = -1
        totals[s, :] = 0.0
        by_asset[s, :] = 0.0
        for r in range(rounds + 1):
            for c in range(N_COLUMNS):
                totals[s, c] += lines[r, c]
            for k in range(shocks.shape[1]):
                by_asset[s, k] += notional[r, k]
        totals[s, FUND] = lines[rounds, FUND]
        # Accounts, not acts: one that closes asset by asset counts once.
        totals[s, ACCOUNTS] = closed
        totals[s, N_COLUMNS] = status
        totals[s, N_COLUMNS + 1] = rounds
        ends[s, :] = prices[rounds]
