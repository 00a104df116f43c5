"""Profit of one unit of each contract after every step of simulated paths, by full revaluation.

Contracts with their market and paths enter; arrays in dollars leave, one step at a time, so that the memory needed
depends neither on the number of steps nor on the number of paths.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import DataError
from volkit.instruments import ContractTerms
from volkit.instruments.market import SECONDS_PER_YEAR
from volkit.portfolio.scenarios import ScenarioGrid, VolatilityResponse
from volkit.portfolio.scenarios.grid import COLUMNS
from volkit.portfolio.scenarios.revalue import unit_profits
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["PATH_BLOCK", "Response", "check_coins", "path_blocks", "profits_along", "volatility_words"]

Floats = npt.NDArray[np.float64]
Response = VolatilityResponse | Mapping[str, VolatilityResponse]
# Paths valued at a time: large enough for the pricing kernel, small enough for a thousand contracts in little memory.
PATH_BLOCK = 1024
# A rise so large that a falling response would take all volatility leaves a thousandth of it, as in sampled grids.
_LEAST_CHANGE = 1e-3 - 1.0
_SECONDS_PER_DAY = 86_400.0


def check_coins(terms: ContractTerms, paths: PathSet, response: Response | None) -> None:
    """Refuse contracts whose coin has no path, or no response where responses are told by coin.

    Raises
    ------
    DataError
        Names the coins.
    """
    coins = [str(c) for c in dict.fromkeys(terms.underlyings)]
    missing = [c for c in coins if c not in paths.assets]
    if missing:
        got = f"{', '.join(paths.assets)}, without {', '.join(missing)}"
        raise DataError("paths", "must hold every coin of the book", got, "simulate the coins jointly")
    optioned = {str(c) for c in terms.underlyings[terms.is_option]}
    if isinstance(response, Mapping) and not optioned <= set(response):
        got = f"none of {', '.join(sorted(optioned - set(response)))}"
        raise DataError("response", "must be told for every coin with options", got, "add them")


def volatility_words(terms: ContractTerms, paths: PathSet, response: Response | None) -> str:
    """Return how volatilities of options move along the paths, in words."""
    if not terms.is_option.any():
        return "no options"
    if response is not None:
        return "options keep their strike's volatility times its response to the coin's return"
    if paths.volatility is not None:
        return "options' volatilities move with the volatility on the path, relative to its mean after the first step"
    return "options keep their strike's volatility"


def path_blocks(paths: PathSet) -> Iterator[slice]:
    """Yield slices of at most PATH_BLOCK paths."""
    for start in range(0, paths.n_paths, PATH_BLOCK):
        yield slice(start, min(start + PATH_BLOCK, paths.n_paths))


def profits_along(
    terms: ContractTerms, paths: PathSet, *, response: Response | None, rows: slice, last_only: bool = False
) -> Iterator[tuple[Floats, Floats]]:
    """Yield profit of one unit and spots after each step.

    Parameters
    ----------
    terms : ContractTerms
        Contracts in today's market.
    paths : PathSet
        Of all their coins.
    response : VolatilityResponse, mapping or None
        Of implied volatility to the coin's return since the start; None follows the volatility on the paths where they
        carry one, else each option keeps the volatility of its strike.
    rows : slice
        Paths to value.
    last_only : bool
        Yield the last step only; contracts that expire before it are still settled on their way.

    Yields
    ------
    tuple of ndarray, shape (n_contracts, n_rows) each
        Profit in USD since the start, and spot of the contract's coin in USD.

    Notes
    -----
    Time to expiry decays with the steps. A contract whose expiry falls on or before the end of a step is settled at the
    price there; a linear one then keeps its dollars, an inverse one its coins, which go on moving with the spot.
    """
    coins = [paths.assets.index(str(c)) for c in terms.underlyings]
    reference = None if paths.volatility is None or response is not None else _first_volatility(paths, paths.volatility)
    book = _Settled(terms)
    for k in range(paths.n_steps):
        elapsed = (k + 1) * paths.step.total_seconds() / SECONDS_PER_YEAR
        if last_only and k < paths.n_steps - 1 and not book.settles(elapsed):
            continue
        grid = _grid_at(paths, k, rows, response, reference)
        spots = terms.spot[:, None] * paths.values[rows, k, :].T[coins]
        profits = unit_profits(terms, grid)
        book.hold(profits, spots, elapsed)
        if not last_only or k == paths.n_steps - 1:
            yield profits, spots


class _Settled:
    """Contracts that have expired on the way, and what they left behind."""

    __slots__ = ("_base", "_left", "_over", "_terms")

    def __init__(self, terms: ContractTerms) -> None:
        self._terms = terms
        self._over = np.zeros(len(terms), dtype=bool)
        # Dollars of a linear contract, coins of an inverse one, by row.
        self._left: dict[int, Floats] = {}
        # An inverse option is paid for in full at the start, an inverse future is not.
        self._base = np.where(terms.is_option, terms.values, 0.0)

    def settles(self, elapsed: float) -> bool:
        return bool((self._due(elapsed) & ~self._over).any())

    def _due(self, elapsed: float) -> npt.NDArray[np.bool_]:
        time = self._terms.time
        # Expiries at the end of a step are met although seconds over seconds round.
        return np.asarray((time > 0.0) & (time <= elapsed * (1.0 + 1e-12)))

    def hold(self, profits: Floats, spots: Floats, elapsed: float) -> None:
        due = self._due(elapsed)
        for i in np.flatnonzero(due):
            inverse = bool(self._terms.is_inverse[i])
            if not self._over[i]:
                worth = (profits[i] + self._base[i]) / spots[i] if inverse else profits[i].copy()
                self._left[int(i)] = worth
            left = self._left[int(i)]
            profits[i] = left * spots[i] - self._base[i] if inverse else left
        self._over = due


def _first_volatility(paths: PathSet, volatility: Floats) -> Floats:
    """Return the mean volatility after the first step by asset, shape (n_assets,)."""
    mean = np.average(volatility[:, 0], axis=0, weights=paths.weights)
    if not (mean > 0.0).all():
        name = paths.assets[int(np.argmin(mean))]
        raise DataError("paths", "must have volatility after the first step", f"none of {name}", "pass a response")
    return np.asarray(mean)


def _grid_at(paths: PathSet, k: int, rows: slice, response: Response | None, reference: Floats | None) -> ScenarioGrid:
    moves = paths.values[rows, k] - 1.0
    names = pd.RangeIndex(len(moves))
    days = (k + 1) * paths.step.total_seconds() / _SECONDS_PER_DAY
    table = pd.DataFrame(0.0, index=names, columns=list(COLUMNS)).assign(days=days, weight=1.0)
    changes = _changes(paths, k, rows, moves, response, reference)
    columns = list(paths.assets)
    return ScenarioGrid(
        scenarios=table,
        moves=pd.DataFrame(moves, index=names, columns=columns),
        volatility_moves=None if changes is None else pd.DataFrame(changes, index=names, columns=columns),
        equally_likely=True,
        method=paths.engine,
    )


def _changes(
    paths: PathSet, k: int, rows: slice, moves: Floats, response: Response | None, reference: Floats | None
) -> Floats | None:
    if response is not None:
        by_coin = dict.fromkeys(paths.assets, response) if isinstance(response, VolatilityResponse) else response
        told = [by_coin[c].changes(moves[:, j]) if c in by_coin else np.zeros(len(moves))
                for j, c in enumerate(paths.assets)]  # fmt: skip
        return np.asarray(np.maximum(np.column_stack(told), _LEAST_CHANGE))
    if reference is None or paths.volatility is None:
        return None
    return np.asarray(np.maximum(paths.volatility[rows, k] / reference - 1.0, _LEAST_CHANGE))
