"""Full revaluation of contracts in every scenario: profit and loss of one unit, in dollars."""

from dataclasses import dataclass

import numpy as np

from volkit.instruments import ContractTerms
from volkit.instruments.market import SECONDS_PER_YEAR
from volkit.options.black76 import price_grid
from volkit.portfolio.scenarios.grid import ScenarioGrid

__all__ = ["GroupShock", "group_shock", "groups_of", "shocked_volatility", "unit_profits"]

_DAYS_PER_YEAR = SECONDS_PER_YEAR / 86_400.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GroupShock:
    """Shocks of the contracts of one underlying and expiry, shape (n_scenarios,) each.

    Attributes
    ----------
    spot, forward : ndarray
        Shocked prices, USD.
    time : ndarray
        Years left to expiry.
    change : ndarray
        Factor on volatility.
    rises : ndarray of bool
        Where volatility rises, so that a floor applies.
    """

    spot: np.ndarray
    forward: np.ndarray
    time: np.ndarray
    change: np.ndarray
    rises: np.ndarray


def groups_of(terms: ContractTerms) -> list[np.ndarray]:
    """Return the rows of contracts that share coin, forward and time: all that the scenarios move alike."""
    keys: dict[tuple[object, ...], list[int]] = {}
    for i in range(len(terms)):
        keys.setdefault((terms.underlyings[i], terms.forward[i], terms.time[i], terms.is_coin[i]), []).append(i)
    return [np.array(rows) for rows in keys.values()]


def group_shock(terms: ContractTerms, row: int, grid: ScenarioGrid) -> GroupShock:
    """Return the shocked prices, times and volatility factors of the group that a contract stands for.

    A dated forward slides down its carry as time passes and meets spot at expiry; a scenario that lies beyond the
    expiry leaves the option its intrinsic value.
    """
    table, coin = grid.scenarios, str(terms.underlyings[row])
    S, F, time = terms.spot[row], terms.forward[row], terms.time[row]
    spot = S * (1.0 + grid.price_moves(coin))
    left = np.maximum(time - table["days"].to_numpy() / _DAYS_PER_YEAR, 0.0)
    basis, carry = table["basis"].to_numpy(), table["carry"].to_numpy()
    if terms.is_coin[row]:
        forward = spot
    elif time > 0.0:
        # At expiry the forward is the spot, whatever the shock of the basis.
        moved = np.where(left > 0.0, 1.0 + basis, 1.0) * np.exp(carry * left)
        forward = spot * (F / S) ** (left / time) * moved
    else:
        forward = spot * (F / S) * (1.0 + basis)
    shock = grid.volatility_changes(coin)
    days = np.array(time * _DAYS_PER_YEAR)
    up = float(grid.up_term.factor(days)) if grid.up_term is not None else 1.0
    down = float(grid.down_term.factor(days)) if grid.down_term is not None else 1.0
    change = np.maximum(1.0 + shock * np.where(shock > 0.0, up, down), 0.0)
    return GroupShock(spot=spot, forward=forward, time=left, change=change, rises=shock > 0.0)


def shocked_volatility(terms: ContractTerms, rows: np.ndarray, shock: GroupShock, grid: ScenarioGrid) -> np.ndarray:
    """Return volatilities of the options of a group, shape (n_rows, n_scenarios), decimal per year."""
    sigma = terms.volatility[rows, None]
    moved = sigma * shock.change
    if grid.volatility_floor > 0.0 and shock.rises.any():
        moved = np.where(shock.rises, np.maximum(moved, grid.volatility_floor), moved)
    skew, wing = grid.scenarios["skew"].to_numpy(), grid.scenarios["wing"].to_numpy()
    if skew.any() or wing.any():
        width = grid.skew_width * terms.volatility[rows] * np.sqrt(terms.time[rows])
        k = np.log(terms.strike[rows] / terms.forward[rows])
        # With no time left every strike off the forward is far out.
        far = np.divide(k, width, out=np.sign(k), where=width > 0.0)
        held = np.clip(far, -1.0, 1.0)[:, None]
        moved = moved * np.maximum(1.0 + skew * held + wing * np.abs(held), 0.0)
    return np.asarray(moved)


def unit_profits(terms: ContractTerms, grid: ScenarioGrid) -> np.ndarray:
    """Return profit and loss of one unit, shape (n_contracts, n_scenarios), USD.

    A linear contract earns the change of its value. One unit of an inverse future is the contract of F dollars: it
    earns F (1/F - 1/F') coins at the shocked spot S', which is S' (1 - F/F'). An inverse option is worth its
    Black-76 value times spot over forward.
    """
    profits = np.empty((len(terms), grid.n_scenarios))
    values = terms.values
    # Group by group: the working arrays of an expiry fit the cache, those of a whole book do not.
    for rows in groups_of(terms):
        shock = group_shock(terms, rows[0], grid)
        plain = rows[~terms.is_option[rows]]
        inverse = terms.is_inverse[plain]
        F = terms.forward[rows[0]]
        profits[plain[~inverse]] = shock.forward - F
        profits[plain[inverse]] = shock.spot * (1.0 - F / shock.forward)
        options = rows[terms.is_option[rows]]
        if len(options):
            first, last = options[0], options[-1] + 1
            together = last - first == len(options)
            # Neighbours are priced in place.
            price = profits[first:last] if together else np.empty((len(options), grid.n_scenarios))
            _fill_option_values(price, terms, options, shock, grid)
            price -= values[options, None]
            if not together:
                profits[options] = price
    return profits


def _fill_option_values(
    price: np.ndarray, terms: ContractTerms, rows: np.ndarray, shock: GroupShock, grid: ScenarioGrid
) -> None:
    volatility = shocked_volatility(terms, rows, shock, grid)
    alike = bool((shock.time == shock.time[0]).all())
    time = np.full(len(rows), shock.time[0]) if alike else shock.time[None, :]
    price_grid(shock.forward, terms.strike[rows], time, volatility, terms.is_call[rows], out=price)
    inverse = terms.is_inverse[rows]
    if inverse.any():
        price[inverse] *= shock.spot / shock.forward
