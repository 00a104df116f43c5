"""Run a cascade: one shock, round by round; or many paths, with what each of them comes to."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from volkit.checks import check_count, check_floats, check_kind, real_number
from volkit.contagion.cascade._state import MARKET_SIZE, ROUND_COLUMNS, SERIES, TOTAL_COLUMNS
from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.contagion.cascade.ladder import Book, LiquidationLadder, provenance_of
from volkit.contagion.cascade.paths import CascadePaths
from volkit.contagion.cascade.run import CascadeRun
from volkit.contagion.cascade.settings import Venue
from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels
from volkit.results import Provenance
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["cascade_paths", "run_cascade"]

Floats = npt.NDArray[np.float64]
_CALLS = ("volkit.impact",)
_FIRST_ROUNDS = 4_096


def run_cascade(accounts: Book, venue: Venue, *, shock: float, steps: int = 1) -> CascadeRun:
    """Return the cascade that a shock sets off, round by round.

    Parameters
    ----------
    accounts : LeveragedAccounts or LiquidationLadder
        Who may be liquidated. A ladder will do unless liquidation is partial or margins are dynamic.
    venue : Venue
        Impact, fund, rules and mitigations.
    shock : float
        Exogenous move of the price in the first step, decimal above -1: -0.1 is a fall of 10 %.
    steps : int
        Steps in all; nothing exogenous happens in the later ones, but impact decays and mitigations act.

    Returns
    -------
    CascadeRun

    Raises
    ------
    ArgumentError
        For a shock out of range, or a ladder where accounts are needed.

    Notes
    -----
    A step: impact decays, the exogenous return moves the reference price, and then rounds follow. In a round all
    accounts whose liquidation price the price has reached are closed as one batch, longs before shorts, at the mean
    fill of the batch; the price moves on along the impact law. Rounds end when nobody is reached. A loss beyond the
    collateral of the closed falls on the venue's skin in the game, then the fund (which first receives what the batch
    leaves), then the unrealised profit of the open winners of both sides (at the price after the batch, less what they
    gave before), then on all. Accounts whose liquidation price lies beyond the venue's price at the start are closed in
    the first round. Where the impact law has no coins left for a batch, its side waits for a trade of the other side or
    for the next step. The book is what is given: who stands on the other side and is not in it has no profit to take.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> levels = np.exp(-(np.arange(10_000) + 0.5) / 10_000)
    >>> ladder = LiquidationLadder.from_levels(liquidation_price=levels, bankruptcy_price=0.99 * levels,
    ...                                        quantity=np.full(10_000, 1e-4))
    >>> run = run_cascade(ladder, Venue(price=1.0, impact=LinearImpact(0.5)), shock=np.exp(-0.1) - 1.0)
    >>> round(run.amplification, 2), run.status
    (2.0, 'ended')
    """
    check_kind(venue, Venue, argument="venue")
    move = _log_shock(shock)
    returns = np.zeros(check_count(steps, argument="steps", unit="steps"))
    returns[0] = move
    totals, series, rounds, sides = _one_path(accounts, venue, returns)
    return CascadeRun.made(
        totals, series, rounds, venue=venue, shock=float(shock), sides=sides, provenance=provenance_of(accounts)
    )


def cascade_paths(
    accounts: Book, venue: Venue, paths: PathSet | npt.ArrayLike, *, asset: str | None = None, series: bool = True
) -> CascadePaths:
    """Return what cascades come to on many exogenous price paths.

    Parameters
    ----------
    accounts : LeveragedAccounts or LiquidationLadder
        Who may be liquidated; all paths begin with the whole book.
    venue : Venue
        Impact, fund, rules and mitigations.
    paths : PathSet, or array-like of shape (n_paths, n_steps)
        Exogenous prices over the starting price at the end of each step, the start left out.
    asset : str, optional
        Which asset of a `PathSet` of several.
    series : bool
        Whether price, fund, bad debt, income and liquidated notional are kept by step (8 bytes each a step and path).

    Returns
    -------
    CascadePaths

    Raises
    ------
    ArgumentError
        For an asset that the paths do not have, or a ladder where accounts are needed.
    DataError
        For paths that are not positive and finite.

    Notes
    -----
    `run_cascade` says what happens in a step. What comes after a step never changes it.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1_000.0, leverage=[5, 10, 20], side="long",
    ...                                        maintenance_rate=0.005)
    >>> found = cascade_paths(book, Venue(price=100.0, impact=LinearImpact(0.001)), [[0.97, 0.91], [1.01, 1.0]])
    >>> found.totals["long_accounts"].tolist()
    [2.0, 0.0]
    """
    check_kind(venue, Venue, argument="venue")
    values, weights, provenance = _path_values(paths, asset)
    logs = np.log(values)
    returns = np.ascontiguousarray(np.diff(logs, axis=1, prepend=0.0))
    totals, kept = _many_paths(accounts, venue, returns, keep=series)
    return CascadePaths.made(
        totals,
        kept,
        venue=venue,
        weights=weights,
        step=paths.step if isinstance(paths, PathSet) else None,
        as_of=paths.as_of if isinstance(paths, PathSet) else None,
        provenance=Provenance((*provenance_of(accounts).series, *provenance.series)),
    )


class _Sides(NamedTuple):
    """Accounts and coins of both sides."""

    accounts: Floats
    coins: Floats


def _one_path(accounts: Book, venue: Venue, returns: Floats) -> tuple[Floats, Floats, Floats, _Sides]:
    totals, series = np.zeros(len(TOTAL_COLUMNS)), np.zeros((len(returns), len(SERIES)))
    rounds = np.zeros((_FIRST_ROUNDS, len(ROUND_COLUMNS)))
    ladder = _ladder(accounts, venue)
    work = _work(accounts, ladder, venue, len(returns))
    n_rounds = work.one(returns, totals, series, rounds)
    if n_rounds > len(rounds):
        rounds = np.zeros((n_rounds, len(ROUND_COLUMNS)))
        work.one(returns, totals, series, rounds)
    held = (ladder.long, ladder.short)
    sides = _Sides(np.array([s.level.size for s in held], float), np.array([s.sums[-1, 0] for s in held]))
    return totals, series, rounds[:n_rounds], sides


def _many_paths(accounts: Book, venue: Venue, returns: Floats, *, keep: bool) -> tuple[Floats, Floats | None]:
    n_paths, n_steps = returns.shape
    totals = np.zeros((n_paths, len(TOTAL_COLUMNS)))
    series = np.zeros((n_paths if keep else 1, n_steps, len(SERIES)))
    _work(accounts, _ladder(accounts, venue), venue, n_steps).many(returns, totals, series)
    return totals, series if keep else None


class _Work(NamedTuple):
    """Kernels with the arguments that all paths share."""

    path: Any
    paths: Any
    head: tuple[Any, ...]
    scratch: tuple[Any, ...]

    def one(self, returns: Floats, totals: Floats, series: Floats, rounds: Floats) -> int:
        return int(self.path(returns, *self.head, *self.scratch, totals, series, rounds))

    def many(self, returns: Floats, totals: Floats, series: Floats) -> None:
        none = np.zeros((0, len(ROUND_COLUMNS)))
        self.paths(returns, *self.head, *self.scratch, totals, series, none)


def _sorted_work(ladder: LiquidationLadder, venue: Venue) -> _Work:
    kernels = load_kernels("volkit.contagion.cascade._kernels", calls=_CALLS)
    # Without the order, which the kernels do not read.
    head = (venue.numbers(), *venue.impact.kernel_form(), *ladder.long[:4], *ladder.short[:4])
    scratch = (np.zeros(MARKET_SIZE), np.zeros(len(ROUND_COLUMNS)))
    return _Work(kernels.sorted_path, kernels.sorted_paths, head, scratch)


def _account_work(accounts: LeveragedAccounts, venue: Venue, n_steps: int) -> _Work:
    kernels = load_kernels("volkit.contagion.cascade._accounts", calls=_CALLS)
    q, n = accounts.quantity, len(accounts.table)
    terms = (accounts.table["maintenance_rate"].to_numpy(), accounts.table["maintenance_amount"].to_numpy())
    prices = (np.sign(q) * accounts.liquidation_price, np.sign(q) * accounts.bankruptcy_price)
    side = (q < 0.0).astype(np.int64)
    book = (side, np.abs(q), accounts.entry_price, accounts.collateral, *terms, *prices)
    work = (*(np.zeros(n) for _ in range(4)), np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n))
    t = accounts.tiers
    tiers = tuple(
        np.array(x, dtype=np.float64) for x in ((t.floors, t.maintenance_rates, t.amounts) if t else [()] * 3)
    )
    head = (venue.numbers(), *venue.impact.kernel_form(), tuple(np.array(x) for x in book), work, tiers)
    scratch = (np.zeros(n), np.zeros(n_steps), np.zeros(2), np.zeros(MARKET_SIZE), np.zeros(len(ROUND_COLUMNS)))
    return _Work(kernels.account_path, kernels.account_paths, head, scratch)


def _work(accounts: Book, ladder: LiquidationLadder, venue: Venue, n_steps: int) -> _Work:
    if isinstance(accounts, LeveragedAccounts) and (venue.partial is not None or venue.dynamic_margin is not None):
        return _account_work(accounts, venue, n_steps)
    return _sorted_work(ladder, venue)


def _ladder(accounts: Book, venue: Venue) -> LiquidationLadder:
    if isinstance(accounts, LiquidationLadder):
        if venue.partial is not None or venue.dynamic_margin is not None:
            rule = "must be LeveragedAccounts where liquidation is partial or margins are dynamic"
            raise ArgumentError("accounts", rule, "a ladder", "pass the accounts, whose margins can change")
        return accounts
    if not isinstance(accounts, LeveragedAccounts):
        rule = "must be LeveragedAccounts or a LiquidationLadder"
        raise ArgumentError("accounts", rule, type(accounts).__name__, "use LeveragedAccounts.from_frame")
    return LiquidationLadder.from_accounts(accounts)


def _log_shock(shock: float) -> float:
    s = real_number(shock, argument="shock")
    if not -1.0 < s < np.inf:
        rule, remedy = "must be a finite move above -1", "pass decimals: -0.1 for a fall of 10 %"
        raise ArgumentError("shock", rule, f"{shock!r}", remedy)
    return float(np.log1p(s))


def _path_values(paths: PathSet | npt.ArrayLike, asset: str | None) -> tuple[Floats, Floats | None, Provenance]:
    if isinstance(paths, PathSet):
        name = asset if asset is not None or len(paths.assets) > 1 else paths.assets[0]
        if name not in paths.assets:
            got, known = repr(asset), ", ".join(paths.assets)
            raise ArgumentError("asset", "must be one of the paths", got, f"choose from {known}")
        values = paths.values[:, :, paths.assets.index(str(name))]
        weights = None if paths.log_weights is None else paths.weights
        provenance = paths.provenance
    else:
        values, weights, provenance = np.atleast_2d(check_floats(paths, argument="paths")), None, Provenance(())
    if values.ndim != 2 or not values.size or not (np.isfinite(values).all() and (values > 0.0).all()):
        raise DataError(
            "paths", "must be positive finite prices over the starting price, shape (n_paths, n_steps)",
            f"shape {values.shape} with {int((~(np.isfinite(values) & (values > 0.0))).sum())} others",
            "pass a PathSet or an array without the start",
        )  # fmt: skip
    return values, weights, provenance
