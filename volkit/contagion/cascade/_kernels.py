"""The cascade on a sorted ladder: a round costs two searches and a few differences of running sums. Compiled.

A side is four arrays, as `LadderSide` gives them; prices of shorts carry a minus, so that one code serves both. Arrays
are handed on as they are, and what is called in every round is written in place of its call: to take arrays out of
tuples, or to hand them to a function, costs more than what is done with them.
"""

from numba import njit

from volkit.contagion.cascade._market import (
    M_PRICE,
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
    FEE,
    MAX_ROUNDS,
    R_ACCOUNTS,
    R_BAD,
    R_BANKRUPT,
    R_COLLATERAL,
    R_FILL,
    R_INCOME,
    R_PROFIT,
    R_RETURNED,
    R_ROUND,
    R_SIDE,
    R_STEP,
    R_WINNERS,
    ROUND_LIMIT,
    TO_FUND,
)

__all__ = ["sorted_path", "sorted_paths", "winners_profit"]

_BLOCK = 64
# Rows of keys, and columns of sums and of entries in their own order.
_LEVEL, _BANKRUPTCY, _ENTRY, _SIZE = 0, 1, 2, 3
_COINS, _COLLATERAL, _LOWEST_ENTRY = 0, 3, 4


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def first_below(keys, start, price):
    """Return the first place from start on whose liquidation price lies below a signed price."""
    stop = keys.shape[1]
    # The next account is mostly safe, and a batch mostly small: look near before far.
    low, width = start, 1
    while low + width <= stop and keys[_LEVEL, low + width - 1] >= price:
        low += width
        width *= 2
    high = min(low + width - 1, stop)
    while low < high:
        middle = (low + high) // 2
        if keys[_LEVEL, middle] >= price:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract", "nsz", "reassoc"})
def scan(keys, row, start, stop, high, low):
    """Return count, coins and coins x key of those whose key lies above high, and coins and coins x key above low.

    Without a branch, and in any order of adding up: which side an account lies on is not to be guessed.
    """
    count, coins, worth, more_coins, more_worth = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(start, stop):
        key, size = keys[row, j], keys[_SIZE, j]
        held = size if key > high else 0.0
        more = size if key > low else 0.0
        count += 1.0 if key > high else 0.0
        coins += held
        worth += held * key
        more_coins += more
        more_worth += more * key
    return count, coins, worth, more_coins, more_worth


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def beyond(keys, sums, bounds, row, start, stop, high, low):
    """Return what `scan` does, blocks whose keys lie on one side of both prices being passed over.

    The least and the largest key of a block stand in columns of bounds; low is at most high.
    """
    count, coins, worth, more_coins, more_worth = 0.0, 0.0, 0.0, 0.0, 0.0
    least = 2 * (row - _BANKRUPTCY)
    i = start
    while i < stop:
        block = i // _BLOCK
        end = min((block + 1) * _BLOCK, stop)
        if bounds[block, least] > high:
            some_coins, some_worth = sums[end, _COINS] - sums[i, _COINS], sums[end, row] - sums[i, row]
            count += end - i
            coins += some_coins
            worth += some_worth
            more_coins += some_coins
            more_worth += some_worth
        elif bounds[block, least + 1] > low:
            found = scan(keys, row, i, end, high, low)
            count += found[0]
            coins += found[1]
            worth += found[2]
            more_coins += found[3]
            more_worth += found[4]
        i = end
    return count, coins, worth, more_coins, more_worth


@njit(cache=True, error_model="numpy", nogil=True)
def winners_profit(keys, sums, bounds, by_entry, pointer, price):
    """Return the unrealised profit (USD) of a side's open accounts that have one; price is signed."""
    low, high = 0, keys.shape[1]
    while low < high:
        middle = (low + high) // 2
        if by_entry[middle, 0] < price:
            low = middle + 1
        else:
            high = middle
    profit = price * by_entry[low, 1] - by_entry[low, 2]
    if sums[pointer, _LOWEST_ENTRY] < price:
        # Closed accounts that would have won are few: in a fall, longs are closed below their entries.
        _, coins, worth, _, _ = beyond(keys, sums, bounds, _ENTRY, 0, pointer, price, price)
        profit -= price * (sums[pointer, _COINS] - coins) - (sums[pointer, _ENTRY] - worth)
    return max(profit, 0.0)


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def close_batch(keys, sums, bounds, sign, start, stop, settings, code, law, m, b):
    """Close the accounts from start to stop at one fill; return False where the market has nothing left."""
    coins = sums[stop, _COINS] - sums[start, _COINS]
    if not trade(sign * coins, code, law, m, b):
        return False
    fill = sign * b[R_FILL]
    fee = settings[FEE] * b[R_FILL] if settings[TO_FUND] == 0.0 else 0.0
    broke, broke_coins, broke_worth, short_coins, short_worth = beyond(
        keys, sums, bounds, _BANKRUPTCY, start, stop, fill, fill - fee
    )
    worth = sums[stop, _BANKRUPTCY] - sums[start, _BANKRUPTCY]
    b[R_ACCOUNTS], b[R_BANKRUPT] = stop - start, broke
    b[R_COLLATERAL] = sums[stop, _COLLATERAL] - sums[start, _COLLATERAL]
    b[R_PROFIT] = fill * coins - (sums[stop, _ENTRY] - sums[start, _ENTRY])
    b[R_BAD] = max(broke_worth - fill * broke_coins, 0.0) if broke > 0.0 else 0.0
    left = max(fill * (coins - broke_coins) - (worth - broke_worth), 0.0) if broke < stop - start else 0.0
    if settings[TO_FUND] != 0.0:
        b[R_INCOME] = left
    else:
        # Whoever cannot pay the whole fee pays what is left.
        partly = fill * (short_coins - broke_coins) - (short_worth - broke_worth)
        b[R_INCOME] = min(max(fee * (coins - short_coins) + partly, 0.0), left)
        b[R_RETURNED] = left - b[R_INCOME]
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def still_open(keys, sums, bounds, start, price):
    """Return how many from start on a signed price has reached, and what these owe beyond their collateral (USD)."""
    stop = first_below(keys, start, price)
    if stop == start:
        return 0.0, 0.0
    broke, coins, worth, _, _ = beyond(keys, sums, bounds, _BANKRUPTCY, start, stop, price, price)
    return float(stop - start), max(worth - price * coins, 0.0) if broke > 0.0 else 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def sorted_path(
    returns, settings, code, law,
    long_keys, long_sums, long_bounds, long_entries, short_keys, short_sums, short_bounds, short_entries,
    m, b, totals, series, rounds,
):  # fmt: skip
    """Run one path and return the number of its batches; rounds keeps as many of them as it has rows.

    returns, shape (n_steps,), are exogenous log returns; m, b, totals and series, shape (n_steps, 6), are filled.
    """
    begin(settings, m, totals)
    series[:] = 0.0
    n_batches, status = 0, 0
    n_steps, n_long, n_short = returns.shape[0], long_keys.shape[1], short_keys.shape[1]
    long_next, short_next = 0, 0
    for t in range(n_steps):
        open_step(t, returns[t], settings, code, law, m, totals)
        n_rounds = 0
        # A side that the market has nothing left for waits for the next step, or for a trade of the other side.
        long_stuck, short_stuck = False, False
        while True:
            price = m[M_PRICE]
            is_crossed = (not long_stuck and long_next < n_long and long_keys[_LEVEL, long_next] >= price) or (
                not short_stuck and short_next < n_short and short_keys[_LEVEL, short_next] >= -price
            )
            # A halt is looked for also where nobody is crossed: the fall may come from outside.
            if has_fallen(t, settings, m, series) or not is_crossed:
                break
            if n_rounds >= settings[MAX_ROUNDS]:
                status = max(status, ROUND_LIMIT)
                break
            n_rounds += 1
            before = n_batches
            for k in range(2):
                if long_stuck if k == 0 else short_stuck:
                    continue
                start = long_next if k == 0 else short_next
                stop = first_below(long_keys, start, price) if k == 0 else first_below(short_keys, start, -price)
                if stop == start:
                    continue
                b[:] = 0.0
                b[R_STEP], b[R_ROUND], b[R_SIDE] = t, n_rounds, k
                if k == 0:
                    done = close_batch(long_keys, long_sums, long_bounds, 1.0, start, stop, settings, code, law, m, b)
                    long_next = stop if done else start
                else:
                    done = close_batch(
                        short_keys, short_sums, short_bounds, -1.0, start, stop, settings, code, law, m, b
                    )
                    short_next = stop if done else start
                if not done:
                    status = note_stuck(t, series)
                    long_stuck, short_stuck = long_stuck or k == 0, short_stuck or k == 1
                    continue
                long_stuck, short_stuck = long_stuck and k == 0, short_stuck and k == 1
                rest = pay_first(m, b)
                if rest > 0.0:
                    if settings[ADL] != 0.0:
                        now = m[M_PRICE]
                        b[R_WINNERS] = winners_profit(
                            long_keys, long_sums, long_bounds, long_entries, long_next, now
                        ) + winners_profit(short_keys, short_sums, short_bounds, short_entries, short_next, -now)
                    pay_rest(rest, b[R_WINNERS], settings, m, b)
                add_batch(t, b, m, totals, series)
                if n_batches < rounds.shape[0]:
                    rounds[n_batches] = b
                n_batches += 1
            if n_batches == before:
                # Nothing could be traded: no round.
                n_rounds -= 1
        close_step(t, n_rounds, m, totals, series)
    overdue, deficit = still_open(long_keys, long_sums, long_bounds, long_next, m[M_PRICE])
    more, owed = still_open(short_keys, short_sums, short_bounds, short_next, -m[M_PRICE])
    is_exhausted = (long_next == n_long and n_long > 0) or (short_next == n_short and n_short > 0)
    close_path(n_steps - 1, status, is_exhausted, overdue + more, deficit + owed, settings, m, totals, series)
    return n_batches


@njit(cache=True, error_model="numpy", nogil=True)
def sorted_paths(
    returns, settings, code, law,
    long_keys, long_sums, long_bounds, long_entries, short_keys, short_sums, short_bounds, short_entries,
    m, b, totals, series, rounds,
):  # fmt: skip
    """Run paths, shape (n_paths, n_steps); series, shape (n_paths or 1, n_steps, 6), is kept or written over."""
    for p in range(returns.shape[0]):
        kept = series[p] if series.shape[0] > 1 else series[0]
        sorted_path(
            returns[p], settings, code, law,
            long_keys, long_sums, long_bounds, long_entries, short_keys, short_sums, short_bounds, short_entries,
            m, b, totals[p], kept, rounds,
        )  # fmt: skip
