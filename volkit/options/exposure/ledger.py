"""The account of a hedged option book along a path: plain arrays in, profit by bucket out."""

from typing import NamedTuple

import numpy as np

from volkit.options.black76 import black76_greeks, black76_price

__all__ = ["BUCKETS", "HEDGE_COLUMNS", "HedgeRule", "Ledger", "Path", "run_ledger"]

_OPTION_BUCKETS = ("delta", "gamma", "theta", "vega", "vanna", "volga")
BUCKETS = (*_OPTION_BUCKETS, "hedge", "funding", "interest", "cost", "residual")
HEDGE_COLUMNS = ("position", "trade", "notional", "cost", "variation", "cash")


class Path(NamedTuple):
    """Market by time and option, shape (n_times, n_options), and the options, shape (n_options,)."""

    forward: np.ndarray
    volatility: np.ndarray
    time: np.ndarray
    strike: np.ndarray
    is_call: np.ndarray
    quantity: np.ndarray


class HedgeRule(NamedTuple):
    """Steps between trades (0: no hedge), funding a year by step, interest, cost of trading, length of the steps."""

    every: int
    funding: np.ndarray
    rate: float
    cost: float
    years: np.ndarray


class Ledger(NamedTuple):
    """Option buckets by step and option; steps by bucket with the total last; hedge by step."""

    options: dict[str, np.ndarray]
    steps: np.ndarray
    hedge: np.ndarray


def run_ledger(path: Path, rule: HedgeRule) -> Ledger:
    """Return the profit of every step in buckets, and the cash flows of the hedge.

    Parameters
    ----------
    path : Path
        USD, decimal per year, years; options whose time has come to 0 are paid out there.
    rule : HedgeRule
        How the delta is hedged.

    Returns
    -------
    Ledger
        USD.

    Examples
    --------
    >>> column = lambda *x: np.array(x)[:, None]
    >>> path = Path(column(100.0, 101.0), column(0.5, 0.5), column(0.1, 0.09), np.array([100.0]), np.array([True]),
    ...             np.array([1.0]))
    >>> none = HedgeRule(every=0, funding=np.zeros(1), rate=0.0, cost=0.0, years=np.array([0.01]))
    >>> run_ledger(path, none).steps[0, [0, 1, -1]].round(3).tolist()
    [0.532, 0.013, 0.22]
    """
    value, delta, options = _option_buckets(path)
    position = _hedge_positions(path, delta, rule.every)
    move = np.diff(path.forward, axis=0)
    flow = np.where(position != 0.0, position * move, 0.0).sum(axis=1)
    held = np.where(position != 0.0, position * path.forward[:-1], 0.0).sum(axis=1)
    before = np.vstack([np.zeros_like(position[:1]), position[:-1]])
    # An option that was paid out takes its hedge with it: the forward settles at the same price, at no cost.
    trade = np.where(path.time[:-1] > 0.0, position - before, 0.0)
    notional = np.where(trade != 0.0, np.abs(trade) * path.forward[:-1], 0.0).sum(axis=1)
    cost, funding = rule.cost * notional, held * rule.funding * rule.years
    alive = np.where(path.time > 0.0, value, 0.0).sum(axis=1)
    paid = np.where((path.time[:-1] > 0.0) & (path.time[1:] <= 0.0), value[1:], 0.0).sum(axis=1)
    interest, cash = _cash(-alive[0], rule, flows=flow - funding + paid, costs=cost)
    total = np.diff(alive) + paid + flow - funding - cost + interest
    columns = {name: array.sum(axis=1) for name, array in options.items()}
    columns |= {"hedge": flow, "funding": -funding, "interest": interest, "cost": -cost}
    steps = np.column_stack([*(columns[name] for name in BUCKETS), total])
    hedge = np.column_stack([position.sum(axis=1), trade.sum(axis=1), notional, cost, flow, cash])
    return Ledger(options, steps, hedge)


def _option_buckets(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return values of the positions at all times, their deltas and buckets by step; 0 once paid out."""
    q, living = path.quantity, path.time > 0.0
    T = np.where(living, path.time, 0.0)
    sigma = np.where(living, path.volatility, 0.0)
    # Paid-out options keep some price, so that every call of the formula has a valid argument.
    F = np.where(np.isfinite(path.forward) & (path.forward > 0.0), path.forward, path.strike)
    value = q * black76_price(F, path.strike, T, sigma, path.is_call)
    start = living[:-1]
    g = black76_greeks(F[:-1], path.strike, T[:-1], np.where(start, sigma[:-1], 1.0), path.is_call)
    dF, dt = np.diff(F, axis=0), -np.diff(T, axis=0)
    dv = np.where(living[1:], np.diff(sigma, axis=0), 0.0)  # at its expiry an option has no volatility to change
    raw = {
        "delta": g.delta * dF, "gamma": 0.5 * g.gamma * dF**2, "theta": g.theta * dt, "vega": g.vega * dv,
        "vanna": g.vanna * dF * dv, "volga": 0.5 * g.volga * dv**2,
    }  # fmt: skip
    buckets = {name: np.where(start, q * array, 0.0) for name, array in raw.items()}
    buckets["residual"] = np.where(start, np.diff(value, axis=0), 0.0) - sum(buckets.values())
    return value, np.where(start, q * g.delta, 0.0), buckets


def _hedge_positions(path: Path, delta: np.ndarray, every: int) -> np.ndarray:
    """Return forwards held over each step against each option, shape (n_steps, n_options)."""
    if every == 0:
        return np.zeros_like(delta)
    last = np.arange(len(delta)) // every * every
    return np.where(path.time[:-1] > 0.0, -delta[last], 0.0)


def _cash(start: float, rule: HedgeRule, *, flows: np.ndarray, costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    interest, cash, balance = np.empty_like(flows), np.empty_like(flows), start
    for t in range(len(flows)):  # each balance needs the one before
        balance -= costs[t]
        interest[t] = balance * np.expm1(rule.rate * rule.years[t])
        balance += interest[t] + flows[t]
        cash[t] = balance
    return interest, cash
