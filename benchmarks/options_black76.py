"""Times of Black-76 beside other packages: ``python -m benchmarks.options_black76``.

A grid of 1,000 options in 1,000 scenarios, whose volatility moves too; and implied volatilities of a million options.
Processor seconds, so that a peer's threads count. lbriv takes the options of one forward and one side at a time and
gets a million calls of one forward. QuantLib prices one option a call, here 100,000 of the million.
"""

import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from benchmarks.peers import find_package
from benchmarks.table import Line, Row, compare, run_table
from volkit.options.black76 import black76_greeks, black76_price, implied_volatility, price_grid

__all__ = ["lines"]

N_OPTIONS = N_SCENARIOS = 1_000
N_QUOTES, N_SCALAR = 1_000_000, 100_000


class Grid(NamedTuple):
    """Simulated options (rows) and scenarios (columns)."""

    forward: np.ndarray
    strike: np.ndarray
    time: np.ndarray
    volatility: np.ndarray
    is_call: np.ndarray


class Quotes(NamedTuple):
    """Simulated options with a time value that their price can carry."""

    price: np.ndarray
    forward: np.ndarray
    strike: np.ndarray
    time: np.ndarray
    is_call: np.ndarray


def simulated_grid() -> Grid:
    """Return calls and puts from a fifth of the forward to five times it, an hour to two years."""
    rng = np.random.default_rng(1)
    volatility = rng.uniform(0.1, 3.0, (N_OPTIONS, 1)) * np.exp(0.2 * rng.standard_normal((1, N_SCENARIOS)))
    return Grid(
        forward=60_000 * np.exp(0.2 * rng.standard_normal(N_SCENARIOS)),
        strike=60_000 * np.exp(rng.uniform(np.log(0.2), np.log(5.0), N_OPTIONS)),
        time=np.exp(rng.uniform(np.log(1 / 8760), np.log(2.0), N_OPTIONS)),
        volatility=volatility,
        is_call=rng.random(N_OPTIONS) < 0.5,
    )


def simulated_quotes(*, one_forward: bool = False) -> Quotes:
    """Return out-of-the-money options of many forwards, or calls of one."""
    rng = np.random.default_rng(2)
    n = 4 * N_QUOTES
    forward = np.full(n, 60_000.0) if one_forward else 60_000 * np.exp(0.5 * rng.standard_normal(n))
    strike = forward * np.exp(rng.uniform(0.0 if one_forward else np.log(0.2), np.log(5.0), n))
    time = np.exp(rng.uniform(np.log(1 / 8760), np.log(2.0), n))
    is_call = strike >= forward
    price = black76_price(forward, strike, time, rng.uniform(0.1, 3.0, n), is_call)
    kept = np.flatnonzero(price > 1e-12 * forward)[:N_QUOTES]
    return Quotes(*(column[kept] for column in (price, forward, strike, time, is_call)))


def with_ndtr(grid: Grid) -> np.ndarray:
    """Return prices with numpy and scipy's normal distribution function."""
    forward, sign = grid.forward[None, :], np.where(grid.is_call, 1.0, -1.0)[:, None]
    strike = grid.strike[:, None]
    s = grid.volatility * np.sqrt(grid.time)[:, None]
    d = np.log(forward / strike) / s + 0.5 * s
    return sign * (forward * ndtr(sign * d) - strike * ndtr(sign * (d - s)))


def quantlib_loop(flat: list[tuple[float, ...]]) -> list[float]:
    """Return prices of QuantLib's Black formula, one option a call."""
    ql = find_package("QuantLib")
    call, put, formula = ql.Option.Call, ql.Option.Put, ql.blackFormula
    return [formula(call if is_call else put, k, f, s) for f, k, s, is_call in flat]


def grid_rows() -> Iterator[Line]:
    """Yield the rows of prices in scenarios."""
    grid, out = simulated_grid(), np.empty((N_OPTIONS, N_SCENARIOS))
    ours = partial(price_grid, *grid, out=out)
    task = f"price_grid, {N_OPTIONS:,} x {N_SCENARIOS:,}"
    yield compare(task, ours, lambda: with_ndtr(grid), peer="numpy + ndtr", floor=5, aim=8, calls=15)
    columns = (grid.forward[None, :], grid.strike[:, None], grid.time[:, None], grid.volatility, grid.is_call[:, None])
    yield compare(
        "black76_price, the same grid, to the last digit",
        lambda: black76_price(*columns),
        lambda: with_ndtr(grid),
        peer="numpy + ndtr",
        calls=9,
    )
    f, k, t, v, c = (np.ascontiguousarray(a).ravel() for a in np.broadcast_arrays(*columns))
    if fast := find_package("fast_vollib"):
        flags, rate = np.where(c, "c", "p"), np.zeros_like(f)
        for backend, bounds in (("numpy", {"floor": 12, "aim": 20}), ("numba", {"floor": 12, "aim": 20})):
            theirs = partial(fast.fast_black, flags, f, k, t, rate, v, return_as="numpy", backend=backend)
            yield compare(task, ours, theirs, peer=f"fast-vollib, {backend}", calls=9, **bounds)
    else:
        yield f"{task} over fast-vollib: left out, the package is not installed"
    if find_package("QuantLib"):
        few = slice(None, None, len(f) // N_SCALAR)
        flat = list(zip(*(a[few].tolist() for a in (f, k, v * np.sqrt(t), c)), strict=True))
        scale, loop = len(f) / len(flat), partial(quantlib_loop, flat)
        yield compare(task, ours, loop, peer="QuantLib, scalar", scale=scale, floor=30, aim=50, calls=9)
    else:
        yield f"{task} over QuantLib: left out, the package is not installed"


def implied_rows() -> Iterator[Line]:
    """Yield the rows of implied volatility, and of Greeks."""
    task = f"implied_volatility, {N_QUOTES:,} puts and calls, any forward"
    if find_package("pyvolr"):
        from pyvolr import black76

        q = simulated_quotes()
        flags = np.where(q.is_call, "c", "p")
        theirs = partial(black76.implied_vol, q.price, flags, q.forward, q.strike, q.time, 0.0, on_error="ignore")
        yield compare(task, lambda: implied_volatility(*q), theirs, peer="pyvolr", floor=1, aim=2.5)
    else:
        yield f"{task} over pyvolr: left out, the package is not installed"
    if lbriv := find_package("lbriv"):
        q = simulated_quotes(one_forward=True)
        theirs = partial(lbriv.vectorized_implied_vol_strikes, q.price, q.forward[0], q.strike, 1)
        task = f"implied_volatility, {N_QUOTES:,} calls of one forward"
        yield compare(task, lambda: implied_volatility(*q), theirs, peer="lbriv", aim=1)
    else:
        yield f"{task} over lbriv: left out, the package is not installed"


def greek_row() -> Row:
    """Return the row of all Greeks, over prices alone with numpy and scipy."""
    grid = simulated_grid()
    columns = (grid.forward[None, :], grid.strike[:, None], grid.time[:, None], grid.volatility, grid.is_call[:, None])
    return compare(
        "black76_greeks, 8 numbers an option", lambda: black76_greeks(*columns), lambda: with_ndtr(grid),
        peer="numpy + ndtr, price",
    )  # fmt: skip


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    os.environ["RAYON_NUM_THREADS"] = "1"
    yield from grid_rows()
    yield from implied_rows()
    yield greek_row()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.options_black76", lines))
