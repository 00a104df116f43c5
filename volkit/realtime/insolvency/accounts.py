"""Margins at a target insolvency probability of many accounts at once: contracts valued once for each path and step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from volkit.checks import check_choice, check_confidence, check_kind
from volkit.errors import DataError
from volkit.instruments import Coin, ContractTerms, Instrument, MarketState, PositionBook, contract_terms, instrument_of
from volkit.kernels import load_kernels
from volkit.margin.horizon.clock import spoken_time
from volkit.margin.horizon.touch import check_probability
from volkit.parallel import map_tasks
from volkit.portfolio.scenarios import AccountUnits, account_units
from volkit.portfolio.scenarios.accounts import Precision
from volkit.realtime.insolvency.closed_form import EVENTS, Event
from volkit.realtime.insolvency.profits import Response, check_coins, profits_along, volatility_words
from volkit.realtime.insolvency.tail import check_weights, loss_tail, rank_of, ranks_around
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["InsolvencyMargins", "insolvency_margins"]

_KERNELS = "volkit.realtime.insolvency._kernels"
# In double or in single precision.
Array = npt.NDArray[Any]
# Paths whose profits at all steps are held at a time: 24 steps of a thousand contracts are then 50 MB.
_PATHS_HELD = 256
# Losses held for weighted paths, whose tail may be most of them; accounts are worked on in parts that fit.
_LOSSES_HELD = 20_000_000


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class InsolvencyMargins(ResultDisplay):
    """Margins of many accounts at one target insolvency probability.

    Attributes
    ----------
    margins : DataFrame, shape (n_accounts, 3)
        USD by account: margin, lower, upper (ends of the Monte Carlo interval).
    target : float
        Probability of insolvency over the horizon.
    event : {"path minimum", "terminal"}
        Equity below zero at any time, or at the end.
    coverage : float
        Of the intervals.
    horizon : Timedelta
        Of the paths.
    n_paths : int
        Behind the margins.
    method : str
        Paths, volatilities of options and what is left out, in words.
    as_of : Timestamp or None
        Of the market, UTC.
    provenance : Provenance
        Of the paths.
    """

    margins: pd.DataFrame
    target: float
    event: Event
    coverage: float
    horizon: pd.Timedelta
    n_paths: int
    method: str
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Accounts, sum, target and paths in one line."""
        return (
            f"{len(self.margins):,} accounts, {self.margins['margin'].sum():,.6g} USD in all for insolvency "
            f"{100.0 * self.target:g} % each over {spoken_time(self.horizon)}, {self.event} of {self.n_paths:,} paths"
        )

    def summary(self) -> pd.DataFrame:
        """Return sums and quantiles over the accounts, USD."""
        told = self.margins.quantile([0.05, 0.5, 0.95]).rename(index=lambda q: f"quantile {q:g} (USD)")
        return pd.concat([self.margins.sum().rename("sum (USD)").to_frame().T, told])

    def to_frame(self) -> pd.DataFrame:
        """Return the margins by account, USD."""
        return self.margins


def insolvency_margins(
    accounts: PositionBook | AccountUnits,
    market: MarketState,
    paths: PathSet,
    *,
    target: float = 0.01,
    event: Event = "path minimum",
    response: Response | None = None,
    coverage: float = 0.95,
    precision: Precision = "double",
    n_jobs: int = 1,
) -> InsolvencyMargins:
    """Return the smallest equity of every account with which it becomes insolvent with at most a target probability.

    Parameters
    ----------
    accounts : PositionBook or AccountUnits
        Who holds how much of what; the columns of units are names of contracts and coins.
    market : MarketState
        Today's.
    paths : PathSet
        Of every coin, from today's state; weights are respected.
    target : float
        Probability of insolvency over the horizon.
    event : {"path minimum", "terminal"}
        Whether equity counts after every step, or at the end alone.
    response : VolatilityResponse or mapping, optional
        Of implied volatility; see `insolvency_margin`.
    coverage : float
        Of the intervals, fraction.
    precision : {"double", "single"}
        Numbers that profits are added in; "single" leaves about seven digits of the gross profits.
    n_jobs : int
        Threads that share the accounts; the margins do not depend on it.

    Returns
    -------
    InsolvencyMargins
        In the order of the accounts. The margin of an account is that of `insolvency_margin` with an empirical tail and
        a watch at the steps.

    Raises
    ------
    ArgumentError
        For fewer than ten paths expected beyond the target (fit a tail by account with `insolvency_margin`), or a
        choice that is not known.
    DataError
        For a coin without paths or a contract without a price.

    Notes
    -----
    Contracts are valued once for each path and step, a few paths at a time; every account is then a sparse row times
    these profits, of which the running minimum over the steps is kept, and of that the worst paths. Memory grows with
    the accounts, not with paths.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": ["A", "B"], "instrument": "BTC_USDC-PERPETUAL", "quantity": [-1.0, 2.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    >>> ends = np.linspace(0.8, 1.2, 1001)[:, None, None]
    >>> paths = PathSet(values=ends, step=pd.Timedelta("1D"), assets=("BTC",), engine="given", seed="none")
    >>> insolvency_margins(PositionBook.from_frame(frame), market, paths, target=0.02).margins["margin"].round(2)
    account
    A    19.2
    B    38.4
    Name: margin, dtype: float64
    """
    check_kind(accounts, PositionBook, AccountUnits, argument="accounts")
    check_kind(market, MarketState, argument="market")
    check_kind(paths, PathSet, argument="paths", remedy="pass what simulate_path_set returns")
    p, share = check_probability(target, argument="target"), check_confidence(coverage, argument="coverage")
    check_choice(event, argument="event", choices=EVENTS)
    check_choice(precision, argument="precision", choices=("double", "single"))
    held = account_units(accounts, market) if isinstance(accounts, PositionBook) else accounts
    terms = contract_terms([_contract_of(name, accounts) for name in held.instruments], market)
    check_coins(terms, paths, response)
    weights = check_weights(paths.log_weights)
    kind = np.float64 if precision == "double" else np.float32
    work = partial(_minima, terms=terms, paths=paths, response=response, event=event, kind=kind, n_jobs=n_jobs)
    if weights is None:
        # Refuses a target that the sample cannot tell before any work is done.
        loss_tail(np.zeros(paths.n_paths), None, target=p, method="empirical")
        table = _from_least(work, held.units, paths.n_paths, p, share)
    else:
        table = _from_all(work, held.units, weights, p, share)
    # A loss of -0 is none.
    frame = pd.DataFrame(table + 0.0, index=held.accounts, columns=["margin", "lower", "upper"])
    return InsolvencyMargins(
        margins=freeze(frame), target=p, event=event, coverage=share, horizon=paths.horizon, n_paths=paths.n_paths,
        method=f"{paths.engine}, {volatility_words(terms, paths, response)}, no funding", as_of=market.as_of,
        provenance=paths.provenance.joined(market.provenance),
    )  # fmt: skip


def _contract_of(name: str, accounts: PositionBook | AccountUnits) -> Instrument:
    if isinstance(accounts, PositionBook):
        return accounts.instruments.get(name) or Coin(name)
    try:
        return instrument_of(name)
    except DataError:
        # What no venue would call a contract is a coin, if it can be one.
        if str(name).isalnum() and str(name).isupper():
            return Coin(str(name))
        raise


def _from_least(work: partial[Iterator[Array]], units: sparse.csr_array, n: int, p: float, coverage: float) -> Array:
    """Return margins with intervals of equally likely paths: the worst paths of each account are all that is kept."""
    few, many = ranks_around(n, p, coverage=coverage)
    rank = rank_of(n, p)
    kind = work.keywords["kind"]
    least = np.full((units.shape[0], min(max(rank, many) + 1, n)), np.inf, dtype=kind)
    for minimum in work(units):
        load_kernels(_KERNELS).keep_least(minimum, least)
    losses = -least.astype(np.float64)
    at = [min(k, losses.shape[1] - 1) for k in (rank, many)]
    highest = losses[:, few - 1] if few > 0 else np.full(len(losses), np.inf)
    return np.column_stack([losses[:, at[0]], losses[:, at[1]], highest])


def _from_all(
    work: partial[Iterator[Array]], units: sparse.csr_array, weights: npt.NDArray[np.float64], p: float, coverage: float
) -> Array:
    """Return margins with intervals of weighted paths, for as many accounts at a time as losses may be held."""
    n, found = len(weights), []
    size = max(_LOSSES_HELD // n, 1)
    for start in range(0, units.shape[0], size):
        part = units[start : start + size]
        losses = -np.concatenate(list(work(part)), axis=1).astype(np.float64)
        for row in losses:
            tail = loss_tail(row, weights, target=p, method="empirical")
            found.append((tail.margin(p), *tail.intervals(np.array([p]), coverage)[0]))
    return np.array(found)


def _minima(
    units: sparse.csr_array, *, terms: ContractTerms, paths: PathSet, response: Response | None, event: Event,
    kind: type[np.float64] | type[np.float32], n_jobs: int,
) -> Iterator[Array]:  # fmt: skip
    """Yield the accounts' least profit along some paths at a time, shape (n_accounts, n_rows)."""
    last_only = event == "terminal"
    n_steps = 1 if last_only else paths.n_steps
    edges = np.linspace(0, units.shape[0], n_jobs + 1).astype(int)
    data = units.data.astype(kind, copy=False)
    for start in range(0, paths.n_paths, _PATHS_HELD):
        rows = slice(start, min(start + _PATHS_HELD, paths.n_paths))
        profits = np.empty((n_steps, len(terms), rows.stop - rows.start), dtype=kind)
        steps = profits_along(terms, paths, response=response, rows=rows, last_only=last_only)
        for k, (found, _) in enumerate(steps):
            profits[k] = found
        # The start counts as a profit of nothing; at the end no account needs less than nothing either.
        minimum = np.zeros((units.shape[0], profits.shape[2]), dtype=kind)
        lower = partial(_lower, profits=profits, units=units, data=data, minimum=minimum)
        map_tasks(lower, list(pairwise(edges)), n_jobs=n_jobs, label="accounts", threads=True)
        yield minimum


def _lower(part: tuple[int, int], *, profits: Array, units: sparse.csr_array, data: Array, minimum: Array) -> None:
    first, last = part
    starts, total = units.indptr[first : last + 1], np.empty(profits.shape[2], dtype=profits.dtype)
    load_kernels(_KERNELS).lower_minimum(profits, starts, units.indices, data, total, minimum[first:last])
