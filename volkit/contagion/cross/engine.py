"""Cascades of accounts that margin several assets together: a loss in one asset sells the others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from volkit.checks import check_kind
from volkit.contagion.cross._layout import BLOCK
from volkit.contagion.cross.accounts import CrossAccounts
from volkit.contagion.cross.runs import LEDGER, STATUSES, CrossCascadeRun, CrossCascades
from volkit.contagion.cross.screen import blocks_of
from volkit.contagion.cross.tables import as_numbers, named_once
from volkit.contagion.cross.venue import CrossVenue
from volkit.errors import DataError
from volkit.kernels import load_kernels
from volkit.results import freeze

__all__ = ["cross_cascade", "cross_cascade_scenarios"]

_KERNELS, _CALLS = "volkit.contagion.cross._kernels", ("volkit.impact",)


def cross_cascade(
    accounts: CrossAccounts, venue: CrossVenue, shock: pd.Series, *, screened: bool = True
) -> CrossCascadeRun:
    """Return the cascade that a shock sets off, round by round.

    Parameters
    ----------
    accounts : CrossAccounts
        With prices before the shock.
    venue : CrossVenue
        With an impact law for every asset held.
    shock : Series
        Simple return by asset, decimals above -1; assets that it does not name do not move by themselves.
    screened : bool
        Whether blocks of accounts that cannot be below their margin are passed over; the result is the same.

    Returns
    -------
    CrossCascadeRun

    Raises
    ------
    DataError
        For shocks of unknown assets or of one twice, text, NaN or falls of all or more, or an asset without impact law.

    Notes
    -----
    In a round every account whose equity is below its maintenance margin at the prices of the round is closed in one
    batch: longs and coins are sold, shorts bought, at the mean price that the batch's net coins fetch on the way of
    the impact law. What is left after the fee goes to the fund or back to the owner; what is missing is paid by the
    fund, then by winners' profits at the prices after the round (auto-deleveraging, as an amount), then by everybody.
    Prices move, and the next round looks again. All happens at once: impact does not decay. Where assets impact one
    another, a round's trades are done halfway through what the others add in it.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> table = pd.DataFrame({"account": ["A", "A", "B"], "asset": ["BTC", "ETH", "ETH"], "quantity": [1.0, 10.0, 5.0]})
    >>> price = pd.Series({"BTC": 100.0, "ETH": 10.0})
    >>> cash = pd.Series({"A": 30.0, "B": 5.0})
    >>> held = CrossAccounts.from_frame(table, price=price, cash=cash, maintenance_rate=0.02)
    >>> venue = CrossVenue(impact={"BTC": LinearImpact(0.01), "ETH": LinearImpact(0.01)})
    >>> run = cross_cascade(held, venue, pd.Series({"BTC": -0.28}))
    >>> run.moves.round(4).to_dict(), run.closed.tolist()
    ({'BTC': -0.2872, 'ETH': -0.1393}, [1, 2])
    """
    check_kind(accounts, CrossAccounts, argument="accounts")
    check_kind(venue, CrossVenue, argument="venue")
    shocks = _shocks(named_once(shock, "shock").to_frame().T, accounts)
    job = _Job.of(accounts, venue)
    status, n, _, _ = load_kernels(_KERNELS, calls=_CALLS).run_scenario(
        shocks.to_numpy()[0], job.book, job.market, job.terms, job.box, job.wake, screened, job.work,
        job.gone, job.record,
    )  # fmt: skip
    lines, prices, fills, sold, notional = job.record
    index = pd.RangeIndex(1, n + 1, name="round")
    assets = accounts.quantity.columns
    closed = np.empty(len(job.order), dtype=np.int64)
    closed[job.order] = np.maximum(job.gone.ravel()[: len(job.order)], -1) + 1

    def by_asset(table: np.ndarray, rows: pd.RangeIndex = index) -> pd.DataFrame:
        return freeze(pd.DataFrame(table[: len(rows)], index=rows, columns=assets))

    return CrossCascadeRun(
        rounds=freeze(_counted(pd.DataFrame(lines[:n], index=index, columns=list(LEDGER)))),
        prices=by_asset(prices, pd.RangeIndex(n + 1, name="round")),
        fills=by_asset(fills),
        sold=by_asset(sold),
        notional=by_asset(notional),
        closed=pd.Series(closed, index=accounts.quantity.index, name="round"),
        start=accounts.price,
        shock=shocks.iloc[0].rename("shock"),
        status=STATUSES[status],
        as_of=accounts.as_of,
        provenance=accounts.provenance,
    )


def cross_cascade_scenarios(
    accounts: CrossAccounts, venue: CrossVenue, shocks: pd.DataFrame, *, screened: bool = True
) -> CrossCascades:
    """Return what each of many shocks sets off, in totals.

    Parameters
    ----------
    accounts, venue, screened
        As in `cross_cascade`.
    shocks : DataFrame, shape (n_scenarios, n_assets)
        Simple returns; assets without a column do not move by themselves. Each shock starts from the same accounts.

    Returns
    -------
    CrossCascades

    Raises
    ------
    DataError
        As `cross_cascade`.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> price = pd.Series({"BTC": 100.0})
    >>> quantity = pd.DataFrame({"BTC": [1.0, 1.0]}, index=["A", "B"])
    >>> held = CrossAccounts.from_leverage(
    ...     quantity, leverage=pd.Series({"A": 10.0, "B": 5.0}), price=price, maintenance_rate=0.02
    ... )
    >>> venue = CrossVenue(impact={"BTC": LinearImpact(0.01)})
    >>> found = cross_cascade_scenarios(held, venue, pd.DataFrame({"BTC": [-0.05, -0.1, -0.3]}))
    >>> found.totals["liquidated"].tolist()
    [0, 1, 2]
    """
    table = _shocks(shocks, accounts)
    job = _Job.of(accounts, venue)
    kernels = load_kernels(_KERNELS, calls=_CALLS)
    totals = np.empty((len(table), len(LEDGER) + 2))
    ends, notional = np.empty(table.shape), np.empty(table.shape)
    kernels.run_scenarios(
        np.ascontiguousarray(table.to_numpy()), job.book, job.market, job.terms, job.box, job.wake,
        screened, job.work, job.gone, job.record, totals, ends, notional,
    )  # fmt: skip
    amounts = _counted(pd.DataFrame(totals[:, :-2], index=table.index, columns=list(LEDGER)))
    names = np.array(STATUSES, dtype=object)[totals[:, -2].astype(np.int64)]
    moves = ends / accounts.price.to_numpy() - 1.0
    return CrossCascades(
        totals=freeze(amounts.assign(status=names, rounds=totals[:, -1].astype(np.int64))),
        shocks=freeze(table),
        moves=freeze(pd.DataFrame(moves, index=table.index, columns=table.columns)),
        notional=freeze(pd.DataFrame(notional, index=table.index, columns=table.columns)),
        as_of=accounts.as_of,
        provenance=accounts.provenance,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """Accounts and venue as arrays, accounts in blocks, with the buffers of the kernels."""

    order: np.ndarray
    box: np.ndarray
    wake: np.ndarray
    book: tuple[np.ndarray, ...]
    work: tuple[np.ndarray, ...]
    market: tuple[np.ndarray, ...]
    terms: tuple[Any, ...]
    gone: np.ndarray
    record: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, accounts: CrossAccounts, venue: CrossVenue) -> "_Job":
        price = accounts.price.to_numpy()
        k = accounts.quantity.shape[1]
        base, edge = accounts.base, accounts.edge
        blocks = blocks_of(base + edge @ price, edge * price)
        order = blocks.order
        held, coins, cost, by_place = (
            _by_block(table[order].T)
            for table in (accounts.quantity.to_numpy(), accounts.coins.to_numpy(), accounts.cost.to_numpy(), edge)
        )
        # Those who fill up the last block are never below.
        sorted_base = _by_block(base[order], fill=np.inf)
        counted, most = 1.0 - accounts.haircut.to_numpy(), venue.max_rounds
        # Without coins what is sold is what is held: one array less to read.
        flows = held + coins if coins.any() else held
        n_blocks = len(sorted_base)
        below, chosen = np.zeros((n_blocks, BLOCK)), np.empty((n_blocks, BLOCK), dtype=np.int64)
        hit, touched = np.empty(n_blocks, dtype=np.int64), np.empty(n_blocks, dtype=np.int64)
        seen = np.zeros(n_blocks, dtype=np.bool_)
        held_now = held.copy()
        flows_now = held_now if flows is held else flows.copy()
        changed = (sorted_base.copy(), by_place.copy(), held_now, flows_now, cost.copy())
        return cls(
            order=order,
            box=blocks.box,
            wake=np.empty(n_blocks),
            book=(sorted_base, by_place, _by_block(blocks.inverse, fill=1.0), held, flows, cost, coins, counted),
            work=(*changed, np.empty(BLOCK), np.empty(BLOCK), below, hit, chosen, touched, seen),
            market=venue.market_of(accounts.assets, price),
            terms=(
                float(venue.fund),
                float(venue.liquidation_fee),
                venue.leftover == "fund",
                venue.closing == "worst_asset_first",
                most,
            ),
            gone=np.full((n_blocks, BLOCK), -1, dtype=np.int64),
            record=(np.empty((most + 1, len(LEDGER))), *(np.empty((most + 1, k)) for _ in range(4))),
        )


def _by_block(values: np.ndarray, *, fill: float = 0.0) -> np.ndarray:
    """Return (n,) as (n_blocks, BLOCK), or (n_assets, n) as (n_blocks, n_assets, BLOCK), the end filled up."""
    rows = np.atleast_2d(values)
    n_blocks = -(-rows.shape[1] // BLOCK)
    padded = np.full((len(rows), n_blocks * BLOCK), fill)
    padded[:, : rows.shape[1]] = rows
    parts = padded.reshape(len(rows), n_blocks, BLOCK)
    return np.ascontiguousarray(parts[0] if values.ndim == 1 else parts.transpose(1, 0, 2))


def _shocks(shocks: pd.DataFrame, accounts: CrossAccounts) -> pd.DataFrame:
    if not isinstance(shocks, pd.DataFrame) or shocks.columns.has_duplicates:
        twice = isinstance(shocks, pd.DataFrame)
        got = f"{shocks.columns[shocks.columns.duplicated()][0]!r} twice" if twice else type(shocks).__name__
        raise DataError("shocks", "must be a DataFrame with a column an asset", got, "name every asset once")
    shocks = as_numbers(shocks, "shocks")
    strangers = [str(a) for a in shocks.columns if a not in accounts.quantity.columns]
    if strangers:
        got = f"also {', '.join(strangers)}"
        raise DataError("shocks", f"must be of the assets held, {', '.join(accounts.assets)}", got, "drop the others")
    values = shocks.to_numpy(dtype=np.float64)
    if not len(values) or not (np.isfinite(values) & (values > -1.0)).all():
        got = f"{int((~(np.isfinite(values) & (values > -1.0))).sum())} others" if len(values) else "none"
        raise DataError("shocks", "must be simple returns above -1", got, "pass -0.1 for a fall of 10 %")
    return shocks.reindex(columns=accounts.quantity.columns, fill_value=0.0).astype(np.float64)


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({"liquidated": np.int64, "checked": np.int64})
