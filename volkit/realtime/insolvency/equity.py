"""What one account earns along paths: its lowest point, its end, and its distance to the margin requirements."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from volkit.errors import ArgumentError
from volkit.instruments import Coin, ContractTerms, MarketState, PositionBook, book_value, contract_terms
from volkit.instruments.market import SECONDS_PER_YEAR
from volkit.parallel import progress
from volkit.portfolio.scenarios import account_units
from volkit.realtime.insolvency.closed_form import Event
from volkit.realtime.insolvency.profits import Response, check_coins, path_blocks, profits_along
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["AccountPosition", "EquityPaths", "account_position", "equity_paths"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AccountPosition:
    """One account's contracts, units and equity today.

    Attributes
    ----------
    name : Hashable
        Account.
    terms : ContractTerms
        Of its contracts and coins.
    units : ndarray, shape (n_contracts,)
        Signed units of the underlying.
    equity : float
        USD today: cash, coins, results since entry and options.
    """

    name: Hashable
    terms: ContractTerms
    units: Floats
    equity: float


def account_position(book: PositionBook, market: MarketState, account: Hashable | None) -> AccountPosition:
    """Return one account of a book.

    Raises
    ------
    ArgumentError
        For an account that is not in the book, none named where there are several, or one without positions.
    DataError
        For a contract that cannot be priced.
    """
    names = list(book.accounts)
    if account is None and len(names) > 1:
        rule, got = "must be named where a book has several", f"none of {len(names)}"
        raise ArgumentError("account", rule, got, "pass account=, or call insolvency_margins for all of them")
    chosen = names[0] if account is None else account
    if chosen not in names:
        shown = ", ".join(map(str, names[:5])) + (", ..." if len(names) > 5 else "")
        raise ArgumentError("account", f"must be one of {shown}", repr(account), "choose one of these")
    held = account_units(book, market)
    row = held.units[[held.accounts.get_loc(chosen)]].tocoo()
    columns = row.coords[1][row.data != 0.0]
    if not len(columns):
        got = f"{chosen!r} with cash alone"
        raise ArgumentError("account", "must hold a position or a coin", got, "cash needs no margin")
    contracts = [book.instruments.get(name) or Coin(name) for name in held.instruments[columns]]
    equity = float(book_value(book, market).accounts["equity"].loc[chosen])
    terms = contract_terms(contracts, market)
    return AccountPosition(name=chosen, terms=terms, units=row.data[row.data != 0.0], equity=equity)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EquityPaths:
    """Profit of an account along paths, shape (n_paths,) each, USD since the start.

    Attributes
    ----------
    lowest : ndarray
        Least profit on the way, at most 0: the start counts.
    end : ndarray
        Profit after the last step.
    above : dict of str to ndarray
        Least of profit less the requirement by the requirement's name, the start included.
    end_above : dict of str to ndarray
        The same after the last step.
    step_variance : ndarray
        Variance of a step's profit about its mean on that path, USD squared; NaN with one step.
    """

    lowest: Floats
    end: Floats
    above: dict[str, Floats]
    end_above: dict[str, Floats]
    step_variance: Floats

    def losses(self, event: Event) -> Floats:
        """Return the loss that decides on insolvency, USD."""
        return np.asarray(-(self.lowest if event == "path minimum" else self.end))

    def shortfalls(self, requirement: str, event: Event) -> Floats:
        """Return the equity at the start below which a requirement is broken, USD."""
        return np.asarray(-(self.above if event == "path minimum" else self.end_above)[requirement])


def equity_paths(
    position: AccountPosition, paths: PathSet, *, response: Response | None, rates: dict[str, float], event: Event
) -> EquityPaths:
    """Return profits of an account along paths; `rates` are requirements by name, on the gross notional at spot.

    Raises
    ------
    DataError
        For a coin without paths or response.
    """
    check_coins(position.terms, paths, response)
    n = paths.n_paths
    found = EquityPaths(
        lowest=np.zeros(n), end=np.empty(n), above={name: np.empty(n) for name in rates},
        end_above={name: np.empty(n) for name in rates}, step_variance=np.full(n, np.nan),
    )  # fmt: skip
    for rows in progress(list(path_blocks(paths)), label="blocks of paths"):
        _fill(found, position, paths, response, rates, rows, last_only=event == "terminal")
    return found


def _fill(
    found: EquityPaths, position: AccountPosition, paths: PathSet, response: Response | None,
    rates: dict[str, float], rows: slice, *, last_only: bool,
) -> None:  # fmt: skip
    terms, units = position.terms, position.units
    gross = np.where(terms.is_coin, 0.0, np.abs(units))
    for name, rate in rates.items():
        found.above[name][rows] = -rate * float(gross @ terms.spot)
    n_steps = paths.n_steps
    before, squares = np.zeros(rows.stop - rows.start), np.zeros(rows.stop - rows.start)
    first = n_steps - 1 if last_only else 0
    steps = profits_along(terms, paths, response=response, rows=rows, last_only=last_only)
    for k, (profits, spots) in enumerate(steps, start=first):
        total = units @ profits
        squares += (total - before) ** 2
        before = total
        np.minimum(found.lowest[rows], total, out=found.lowest[rows])
        elapsed = (k + 1) * paths.step.total_seconds() / SECONDS_PER_YEAR
        # What has been settled needs no margin any more.
        live = np.where((terms.time > 0.0) & (terms.time <= elapsed * (1.0 + 1e-12)), 0.0, gross)
        notional = live @ spots
        for name, rate in rates.items():
            found.end_above[name][rows] = total - rate * notional
            np.minimum(found.above[name][rows], found.end_above[name][rows], out=found.above[name][rows])
    found.end[rows] = before
    if n_steps > 1 and not last_only:
        found.step_variance[rows] = np.maximum(squares - before**2 / n_steps, 0.0) / (n_steps - 1)
