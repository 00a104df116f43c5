"""The market of a cascade and who pays, on plain numbers: steps, trades, halts and the waterfall. Compiled.

A market `m` is an array of numbers (places `M_...`), a batch `b` one row of `ROUND_COLUMNS`, `code` and `law` an impact
law. Buffers belong to the caller.
"""

from math import exp, inf, isfinite, log, sqrt

from numba import njit

from volkit.contagion.cascade._state import (
    ADL,
    EVAPORATION,
    EXHAUSTED,
    FUND,
    HALT_DROP,
    HALT_FROZEN,
    HALT_LENGTH,
    HALT_WITHIN,
    HALTED,
    KEPT,
    LEAST_DEPTH,
    MARKET_SIZE,
    MEMORY,
    NO_DEPTH,
    PERMANENT,
    PRICE,
    R_ACCOUNTS,
    R_ADL,
    R_BAD,
    R_BANKRUPT,
    R_BEFORE,
    R_DEPTH,
    R_FILL,
    R_FUND,
    R_FUND_PAID,
    R_INCOME,
    R_PRICE,
    R_QUANTITY,
    R_RETURNED,
    R_SIDE,
    R_SKIN,
    R_SOCIAL,
    R_STATE,
    S_BAD,
    S_DRAWDOWN,
    S_FUND,
    S_INCOME,
    S_NOTIONAL,
    S_PRICE,
    SKIN,
    T_ACCOUNTS,
    T_ADL,
    T_BAD,
    T_BANKRUPT,
    T_DEFICIT,
    T_END,
    T_EXO_HIGH,
    T_EXO_LOW,
    T_FUND_END,
    T_FUND_LOW,
    T_FUND_PAID,
    T_HALTED,
    T_HIGH,
    T_INCOME,
    T_LOW,
    T_MOST,
    T_NOTIONAL,
    T_OVERDUE,
    T_QUANTITY,
    T_RETURNED,
    T_ROUNDS,
    T_SKIN,
    T_SOCIAL,
    T_STATUS,
    UNFINISHED,
    VOLATILITY,
)
from volkit.impact._kernels import log_displacement, mean_fill

__all__ = [
    "MARKET_SIZE",
    "add_batch",
    "begin",
    "close_path",
    "close_step",
    "has_fallen",
    "note_stuck",
    "open_step",
    "pay_first",
    "pay_rest",
    "trade",
]

(
    M_REFERENCE, M_STATE, M_VARIANCE, M_DEPTH, M_FUND, M_SKIN, M_ADL, M_PRICE, M_OPEN, M_HALTED_TO, M_RESET, M_BASE,
    M_EXOGENOUS,
) = range(MARKET_SIZE)  # fmt: skip
_ROUNDING = 1e-12


@njit(cache=True, error_model="numpy", nogil=True)
def begin(settings, m, totals):
    """Set market and totals to the start of a path."""
    m[:] = 0.0
    totals[:] = 0.0
    price = settings[PRICE]
    m[M_REFERENCE] = m[M_EXOGENOUS] = log(price)
    m[M_PRICE] = m[M_OPEN] = m[M_BASE] = price
    m[M_VARIANCE] = settings[VOLATILITY] ** 2
    m[M_DEPTH] = 1.0
    m[M_FUND], m[M_SKIN] = settings[FUND], settings[SKIN]
    m[M_HALTED_TO] = m[M_RESET] = -1.0
    totals[T_LOW] = totals[T_HIGH] = totals[T_EXO_LOW] = totals[T_EXO_HIGH] = price
    totals[T_FUND_LOW] = settings[FUND]


@njit(cache=True, error_model="numpy", nogil=True)
def open_step(t, move, settings, code, law, m, totals):
    """Let impact decay, move the reference by an exogenous log return, and follow volatility and depth."""
    x, kept = m[M_STATE], settings[KEPT]
    if kept < 1.0 and x != 0.0:
        if settings[PERMANENT] > 0.0:
            recovers = log_displacement(code, law, x) - log_displacement(code, law, kept * x)
            m[M_REFERENCE] += settings[PERMANENT] * recovers
        m[M_STATE] = kept * x
    m[M_REFERENCE] += move
    m[M_EXOGENOUS] += move
    if settings[HALT_FROZEN] == 0.0 or t > m[M_HALTED_TO]:
        m[M_PRICE] = exp(m[M_REFERENCE] + log_displacement(code, law, m[M_STATE]))
    if t == m[M_RESET] + 1.0 and t > 0:
        # Trade opens again: falls count from here.
        m[M_BASE] = m[M_PRICE]
    if settings[VOLATILITY] > 0.0:
        seen = log(m[M_PRICE] / m[M_OPEN])
        m[M_VARIANCE] = settings[MEMORY] * m[M_VARIANCE] + (1.0 - settings[MEMORY]) * seen * seen
        m[M_OPEN] = m[M_PRICE]
        calm = sqrt(m[M_VARIANCE]) / settings[VOLATILITY]
        m[M_DEPTH] = max(exp(-settings[EVAPORATION] * (calm - 1.0)), settings[LEAST_DEPTH])
    outside = exp(m[M_EXOGENOUS])
    totals[T_EXO_LOW] = min(totals[T_EXO_LOW], outside)
    totals[T_EXO_HIGH] = max(totals[T_EXO_HIGH], outside)
    note_price(m[M_PRICE], totals)


@njit(cache=True, error_model="numpy", nogil=True)
def note_price(price, totals):
    """Widen the range of prices seen."""
    totals[T_LOW] = min(totals[T_LOW], price)
    totals[T_HIGH] = max(totals[T_HIGH], price)


@njit(cache=True, error_model="numpy", nogil=True)
def has_fallen(t, settings, m, series):
    """Return whether trade is halted at step t, starting a halt when the price has fallen far enough."""
    if settings[HALT_DROP] == 0.0:
        return False
    if t <= m[M_HALTED_TO]:
        return True
    # What the start is to the first step, the price of the reopening is to the step that it falls in.
    reset, first = int(m[M_RESET]), t - int(settings[HALT_WITHIN])
    peak = m[M_BASE] if first <= reset else 0.0
    for u in range(max(first, reset + 1), t):
        peak = max(peak, series[u, S_PRICE])
    # A fall of ten per cent, made from logs and back, must count as one of ten per cent.
    if m[M_PRICE] > (1.0 - settings[HALT_DROP]) * peak * (1.0 + _ROUNDING):
        return False
    m[M_HALTED_TO] = m[M_RESET] = t + settings[HALT_LENGTH]
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def trade(coins, code, law, m, b):
    """Sell coins (buy where negative): set fill and price of the batch; return False where nothing is left to trade."""
    start = m[M_STATE]
    end = start + coins / m[M_DEPTH]
    scale = exp(m[M_REFERENCE])
    fill = scale * mean_fill(code, law, start, end)
    price = scale * exp(log_displacement(code, law, end))
    if not (isfinite(fill) and isfinite(price) and price > 0.0):
        return False
    b[R_BEFORE], b[R_FILL], b[R_PRICE] = m[M_PRICE], fill, price
    b[R_STATE], b[R_DEPTH], b[R_QUANTITY] = end, m[M_DEPTH], abs(coins)
    m[M_STATE], m[M_PRICE] = end, price
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def pay_first(m, b):
    """Book the batch's income and let the venue's own money and the fund pay; return the loss that is left."""
    rest = b[R_BAD]
    b[R_SKIN] = min(rest, m[M_SKIN])
    m[M_SKIN] -= b[R_SKIN]
    rest -= b[R_SKIN]
    m[M_FUND] += b[R_INCOME]
    b[R_FUND_PAID] = min(rest, m[M_FUND])
    m[M_FUND] -= b[R_FUND_PAID]
    b[R_FUND] = m[M_FUND]
    return rest - b[R_FUND_PAID]


@njit(cache=True, error_model="numpy", nogil=True)
def pay_rest(rest, profit, settings, m, b):
    """Take the rest from winners' profit as far as there is any that was not taken before, and share what remains."""
    taken = min(rest, max(profit - m[M_ADL], 0.0)) if settings[ADL] != 0.0 else 0.0
    m[M_ADL] += taken
    b[R_ADL] = taken
    b[R_SOCIAL] = rest - taken


@njit(cache=True, error_model="numpy", nogil=True)
def add_batch(t, b, m, totals, series):
    """Add a batch to the totals of its path and its step."""
    side = int(b[R_SIDE])
    notional = b[R_QUANTITY] * b[R_FILL]
    totals[T_ACCOUNTS + side] += b[R_ACCOUNTS]
    totals[T_QUANTITY + side] += b[R_QUANTITY]
    totals[T_NOTIONAL + side] += notional
    totals[T_BANKRUPT] += b[R_BANKRUPT]
    totals[T_BAD] += b[R_BAD]
    totals[T_SKIN] += b[R_SKIN]
    totals[T_FUND_PAID] += b[R_FUND_PAID]
    totals[T_ADL] += b[R_ADL]
    totals[T_SOCIAL] += b[R_SOCIAL]
    totals[T_INCOME] += b[R_INCOME]
    totals[T_RETURNED] += b[R_RETURNED]
    totals[T_FUND_LOW] = min(totals[T_FUND_LOW], m[M_FUND])
    note_price(b[R_PRICE], totals)
    series[t, S_BAD] += b[R_BAD]
    series[t, S_INCOME] += b[R_INCOME]
    series[t, S_NOTIONAL] += notional
    series[t, S_DRAWDOWN] = max(series[t, S_DRAWDOWN], series[t, S_BAD] - series[t, S_INCOME])


@njit(cache=True, error_model="numpy", nogil=True)
def close_step(t, rounds, m, totals, series):
    """Note how a step ended."""
    series[t, S_PRICE], series[t, S_FUND] = m[M_PRICE], m[M_FUND]
    totals[T_ROUNDS] += rounds
    totals[T_MOST] = max(totals[T_MOST], rounds)
    totals[T_END], totals[T_FUND_END] = m[M_PRICE], m[M_FUND]
    if t <= m[M_HALTED_TO]:
        totals[T_HALTED] += 1.0


@njit(cache=True, error_model="numpy", nogil=True)
def note_stuck(t, series):
    """Note that the market had nothing left to trade in a step: no fund outlasts that."""
    series[t, S_DRAWDOWN] = inf
    return NO_DEPTH


@njit(cache=True, error_model="numpy", nogil=True)
def close_path(t, status, is_exhausted, overdue, deficit, settings, m, totals, series):
    """Note how a path ended in its last step t, and who is still open (USD below zero) that should be closed."""
    totals[T_OVERDUE], totals[T_DEFICIT] = overdue, deficit
    if deficit > 0.0:
        owed = series[t, S_BAD] - series[t, S_INCOME] + deficit
        series[t, S_DRAWDOWN] = max(series[t, S_DRAWDOWN], owed)
    if has_fallen(t, settings, m, series):
        status = max(status, HALTED)
    if is_exhausted:
        status = max(status, EXHAUSTED)
    if overdue > 0.0:
        status = max(status, UNFINISHED)
    totals[T_STATUS] = status
