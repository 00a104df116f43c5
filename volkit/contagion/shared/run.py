"""The run itself: prices move, feeds report, unhealthy loans are seized, coins are sold, prices move."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_floats, check_kind, real_number
from volkit.contagion.shared.lending import ProtocolLending
from volkit.contagion.shared.market import CollateralMarket
from volkit.contagion.shared.oracles import OracleFeed, Reports
from volkit.contagion.shared.result import SharedCollateralRun
from volkit.errors import ArgumentError, DataError
from volkit.results import freeze

__all__ = ["Settlement", "oracle_cascade"]

Floats = npt.NDArray[np.float64]
Settlement = Literal["auction", "fixed"]
_FLOWS = ("sold", "repaid", "liquidators", "returned", "bad_debt")
_STEP_COLUMNS = [*_FLOWS, "open_shortfall", "debt", "n_liquidated", "n_held_back"]
_FILL_COLUMNS = ["step", "asset", "coins", "price_before", "mean_fill", "price_after"]
_EVENT_NUMBERS = [
    "health_factor", "share_seized", "proceeds", "repaid", "liquidators", "returned", "written_off", "debt_left",
]  # fmt: skip
# Debts and losses below this share of the first debt are rounding.
_NEGLIGIBLE = 1e-12


def oracle_cascade(
    protocols: ProtocolLending,
    market: CollateralMarket,
    shocks: pd.DataFrame,
    *,
    feeds: Mapping[str, OracleFeed] | None = None,
    redemption: pd.DataFrame | None = None,
    settlement: Settlement = "auction",
    least_profit: float = 0.0,
) -> SharedCollateralRun:
    """Return what happens to lenders with common feeds and a common market on a path of shocks.

    Parameters
    ----------
    protocols : ProtocolLending
        Loans, terms and reserves.
    market : CollateralMarket
        Initial prices and the law of impact of every collateral.
    shocks : DataFrame, shape (n_steps, n_assets)
        Simple returns of the reference prices by step, decimal, above -1; from data, a `PathSet` or `crash_path`.
    feeds : mapping of OracleFeed, optional
        By name; a feed without lag for names that are not listed, none for names that price no collateral.
    redemption : DataFrame, shape (n_steps, n_assets), optional
        USD per coin for which tokens can be redeemed, by step, on the index of the shocks; needed by feeds that look at
        it. Before the first step it is that of the first.
    settlement : {"auction", "fixed"}
        Whether the protocol auctions what it seizes (the debt gets what the market pays, less the liquidator's share),
        or liquidators repay at the reported price, keep the coins, and come only when the market pays enough.
    least_profit : float
        With fixed settlement: what the coins must be worth above the repayment for a liquidator to come, decimal.

    Returns
    -------
    SharedCollateralRun
        Deterministic: the same arguments give the same bits.

    Raises
    ------
    DataError
        For collateral without price, law or shocks, NaN or returns of -1 and less, feeds that nobody uses, and
        redemption values that are missing or of other steps.
    ArgumentError
        For an unknown settlement or a profit out of range.

    Notes
    -----
    A step, in order. (1) Of the coins sold so far a share decays, part of their move staying in the reference. (2) The
    shock moves the reference. (3) Feeds report the price at the beginning of the step or an earlier one. (4) A loan
    with health factor sum(threshold x coins x report) / debt below 1 is called: the close factor's share R of its debt
    is asked for, all of it below `full_close_below`; the fraction min(1, R / sum(coins x report / (1 + bonus))) of
    every collateral is seized. (5) All coins of an asset are one sale at its mean fill. (6) In an auction the debt gets
    proceeds / (1 + bonus) up to what is owed, the liquidator bonus / (1 + bonus) of proceeds, and the borrower what is
    over. In fixed settlement the debt gets seized coins x report / (1 + bonus), the liquidator proceeds less that, and
    he does not come when the coins are worth less at the market price before the sale: a late report then protects
    nobody. (7) Debt that is left when the last of its collateral is sold is written off; a loan that had none from the
    start is no sale and stays an open shortfall. A protocol defaults at the first step at whose end what it wrote off
    and what its loans lack at market prices exceed its reserve.

    One sale an asset and step: a step is as long as the market and the feeds need to answer one another.

    Examples
    --------
    >>> from volkit.contagion.shared import crash_path
    >>> from volkit.impact.laws import LinearImpact
    >>> positions = pd.DataFrame(
    ...     {"protocol": ["A", "B"], "account": ["x", "y"], "collateral_asset": "ETH", "collateral_quantity": 10.0,
    ...      "debt": [20_000.0, 15_000.0]}
    ... )
    >>> terms = pd.DataFrame(
    ...     {"asset": ["ETH"], "liquidation_threshold": [0.8], "liquidation_bonus": [0.05], "oracle": ["feed"]}
    ... )
    >>> book = ProtocolLending.from_frames(positions, terms, full_close_below=1.0)
    >>> market = CollateralMarket(prices={"ETH": 3_000.0}, laws={"ETH": LinearImpact(0.01)}, decay=1.0)
    >>> oracle_cascade(book, market, crash_path({"ETH": 0.3}, n_steps=3, crash_steps=1))
    <SharedCollateralRun: 967.5 USD lost (967.5 USD written off), 1 of 2 protocols in default (first A at step 1), \
19,984 USD of collateral sold>
    """
    check_kind(protocols, ProtocolLending, argument="protocols")
    check_kind(market, CollateralMarket, argument="market")
    check_choice(settlement, argument="settlement", choices=("auction", "fixed"))
    if not 0.0 <= real_number(least_profit, argument="least_profit") < 1.0:
        raise ArgumentError(
            "least_profit", "must be a fraction from 0 to below 1", f"{least_profit!r}", "pass 0.01 for 1 %"
        )
    assets = protocols.assets
    known = _check_feeds(feeds, protocols)
    returns = _check_path(shocks, assets, "shocks", -1.0)
    backing = _check_redemption(redemption, protocols, known, shocks.index)
    lacking = [a for a in assets if a not in market.prices]
    if lacking:
        raise DataError("market.prices", "must name every collateral", f"nothing for {lacking[0]}", "add it")
    run = _Run(protocols, market, Reports(protocols.feeds, known, assets), settlement, float(least_profit))
    first = np.array([float(market.prices[a]) for a in assets])
    run.start(first, len(returns), first if backing is None else backing[0])
    for step, r in enumerate(returns, start=1):
        run.advance(step, r, None if backing is None else backing[step - 1])
    return run.result(shocks.index)


class _Run:
    """Loans, prices and ledgers between steps."""

    def __init__(
        self,
        book: ProtocolLending,
        market: CollateralMarket,
        reports: Reports,
        settlement: Settlement,
        least_profit: float,
    ) -> None:
        self.book, self.market, self.reports = book, market, reports
        self.settlement, self.least_profit = settlement, least_profit
        self.laws = [market.laws[a] for a in book.assets]
        self.row = book.thresholds.index.get_indexer(book.coins.index.get_level_values(0))
        self.threshold = book.thresholds.to_numpy(dtype=np.float64, na_value=0.0)[self.row]
        self.bonus = book.bonuses.to_numpy(dtype=np.float64, na_value=0.0)[self.row]
        self.coins, self.debt = book.coins.to_numpy().copy(), book.debt.to_numpy().copy()
        self.scale = float(self.debt.sum())
        place = {pair: j for j, pair in enumerate(reports.pairs)}
        self.feed_of = np.array(
            [[place.get((str(name), a), -1) for name, a in zip(names, book.assets, strict=True)]
             for names in book.oracles.to_numpy()]
        )  # fmt: skip
        n = len(book.protocols)
        self.by = {name: np.zeros(n) for name in ("repaid", "bad_debt", "liquidators", "open_shortfall")}
        self.count = np.zeros(n, dtype=np.int64)
        self.default_step = np.full(n, -1)
        self.rows: list[list[float]] = []
        self.fills: list[tuple[Any, ...]] = []
        self.events: list[pd.DataFrame] = []

    def start(self, prices: Floats, n_steps: int, backing: Floats) -> None:
        """Set the initial prices and make room for `n_steps`."""
        self.reference, self.sold = prices.copy(), np.zeros(len(prices))
        shape = (n_steps + 1, len(prices))
        self.opening, self.backing, self.closing = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.opening[0] = self.closing[0] = prices
        self.backing[0] = backing
        self.reports.start(prices, backing)
        self.reported = [self.reports.values.copy()]

    def advance(self, step: int, shock: Floats, backing: Floats | None) -> None:
        """Play one step."""
        self._decay()
        self.reference = self.reference * (1.0 + shock)
        price = self._price()
        self.opening[step] = price
        self.backing[step] = self.backing[step - 1] if backing is None else backing
        self.reports.renew(step, self.opening, self.backing)
        self.reported.append(self.reports.values.copy())
        flows = self._liquidate(step, price)
        self.closing[step] = price = self._price()
        lacking = np.maximum(self.debt - self.coins @ price, 0.0)
        self.by["open_shortfall"] = np.bincount(self.row, lacking, len(self.count)).astype(np.float64)
        self._note_defaults(step)
        self.rows.append([*(flows[name] for name in _FLOWS), float(lacking.sum()), float(self.debt.sum()),
                          flows["n_liquidated"], flows["n_held_back"]])  # fmt: skip

    def _decay(self) -> None:
        kept = self.market.decay * self.sold
        if self.market.permanent_share > 0.0:
            moved = self._moved(kept) - self._moved(self.sold)
            self.reference = self.reference * np.exp(self.market.permanent_share * moved)
        self.sold = kept

    def _moved(self, sold: Floats) -> Floats:
        """Return how far each market stands below its reference, in logs."""
        return np.array([law.displacement(float(x)) for law, x in zip(self.laws, sold, strict=True)])

    def _price(self) -> Floats:
        return np.asarray(self.reference * np.exp(-self._moved(self.sold)))

    def _liquidate(self, step: int, price: Floats) -> dict[str, float]:
        named = np.where(self.feed_of >= 0, self.reports.values[self.feed_of], 0.0)
        report = named[self.row]
        value = self.coins * report
        has_debt = self.debt > _NEGLIGIBLE * self.scale
        health = np.full(len(self.debt), np.inf)
        np.divide((value * self.threshold).sum(axis=1), self.debt, out=health, where=has_debt)
        called = np.flatnonzero((health < 1.0) & has_debt & (self.coins.sum(axis=1) > 0.0))
        flows = dict.fromkeys((*_FLOWS, "n_liquidated", "n_held_back"), 0.0)
        if not len(called):
            return flows
        asked = self.debt[called] * np.where(health[called] < self.book.full_close_below, 1.0, self.book.close_factor)
        payable = (value[called] / (1.0 + self.bonus[called])).sum(axis=1)
        share = np.minimum(1.0, asked / payable)
        share[share > 1.0 - _NEGLIGIBLE] = 1.0
        if self.settlement == "fixed":
            worth = share * (self.coins[called] @ price)
            comes = worth >= share * payable * (1.0 + self.least_profit)
            flows["n_held_back"] = float((~comes).sum())
            called, share, payable = called[comes], share[comes], payable[comes]
            if not len(called):
                return flows
        return flows | self._settle(step, called, share, share * payable, health[called], price)

    def _settle(
        self, step: int, who: npt.NDArray[np.intp], share: Floats, fixed: Floats, health: Floats, price: Floats
    ) -> dict[str, float]:
        seized = share[:, None] * self.coins[who]
        fill = self._sell(step, seized.sum(axis=0), price)
        proceeds = seized * fill
        total = proceeds.sum(axis=1)
        if self.settlement == "fixed":
            repaid = np.minimum(fixed, self.debt[who])
            liquidators, returned = total - repaid, np.zeros(len(who))
        else:
            net = (proceeds / (1.0 + self.bonus[who])).sum(axis=1)
            repaid = np.minimum(net, self.debt[who])
            liquidators, returned = total - net, net - repaid
        self.coins[who] = np.where(share[:, None] >= 1.0, 0.0, self.coins[who] - seized)
        left = self.debt[who] - repaid
        left[left <= _NEGLIGIBLE * self.scale] = 0.0
        repaid = self.debt[who] - left
        written = np.where(share >= 1.0, left, 0.0)
        self.debt[who] = left - written
        parts = {"proceeds": total, "repaid": repaid, "liquidators": liquidators, "returned": returned}
        self._book(step, who, health, share, parts | {"written_off": written})
        sums = {"sold": total, "repaid": repaid, "liquidators": liquidators, "returned": returned, "bad_debt": written}
        return {name: float(values.sum()) for name, values in sums.items()} | {"n_liquidated": float(len(who))}

    def _sell(self, step: int, coins: Floats, price: Floats) -> Floats:
        """Sell a batch of every asset; return the mean fills (USD)."""
        fill = np.zeros(len(coins))
        before = self.sold.copy()
        for k in np.flatnonzero(coins > 0.0):
            fill[k] = self.reference[k] * self.laws[k].average_price(float(coins[k]), float(before[k]))
        self.sold = before + coins
        after = self._price()
        for k in np.flatnonzero(coins > 0.0):
            self.fills.append((step, self.book.assets[k], coins[k], price[k], fill[k], after[k]))
        return fill

    def _book(
        self, step: int, who: npt.NDArray[np.intp], health: Floats, share: Floats, parts: dict[str, Floats]
    ) -> None:
        at, n = self.row[who], len(self.count)
        for name, part in (("repaid", "repaid"), ("bad_debt", "written_off"), ("liquidators", "liquidators")):
            self.by[name] += np.bincount(at, parts[part], n)
        self.count += np.bincount(at, minlength=n)
        keys = self.book.debt.index[who].to_frame(index=False)
        numbers = {"health_factor": health, "share_seized": share, **parts, "debt_left": self.debt[who]}
        self.events.append(keys.assign(step=step, event="liquidation", **numbers))

    def _note_defaults(self, step: int) -> None:
        lost = self.by["bad_debt"] + self.by["open_shortfall"]
        is_new = (lost > self.book.reserve.to_numpy() + _NEGLIGIBLE * self.scale) & (self.default_step < 0)
        self.default_step[is_new] = step
        for p in np.flatnonzero(is_new):
            row = {"step": step, "protocol": self.book.protocols[p], "account": "", "event": "default"}
            self.events.append(pd.DataFrame([row | {"written_off": lost[p]}]))

    def result(self, clock: pd.Index) -> SharedCollateralRun:
        """Put the ledgers together."""
        names = self.book.thresholds.index
        table = pd.DataFrame(
            {
                "debt_before": self.book.debt.groupby(level=0).sum().reindex(names),
                "repaid": self.by["repaid"],
                "bad_debt": self.by["bad_debt"],
                "open_shortfall": self.by["open_shortfall"],
                "loss": self.by["bad_debt"] + self.by["open_shortfall"],
                "reserve": self.book.reserve.reindex(names),
                "liquidator_income": self.by["liquidators"],
                "n_liquidations": self.count,
                "default_step": self.default_step,
            },
            index=names,
        )
        steps = pd.RangeIndex(1, len(clock) + 1, name="step")
        all_steps = pd.RangeIndex(len(clock) + 1, name="step")
        pairs = pd.MultiIndex.from_tuples(self.reports.pairs, names=["feed", "asset"])
        columns = ["step", "protocol", "account", "event", *_EVENT_NUMBERS]
        events = [frame.reindex(columns=columns) for frame in self.events]
        return SharedCollateralRun(
            by_protocol=freeze(table),
            steps=freeze(pd.DataFrame(self.rows, index=steps, columns=_STEP_COLUMNS)),
            prices=freeze(pd.DataFrame(self.closing, index=all_steps, columns=list(self.book.assets))),
            reports=freeze(pd.DataFrame(np.array(self.reported), index=all_steps, columns=pairs)),
            fills=freeze(pd.DataFrame(self.fills, columns=_FILL_COLUMNS)),
            events=freeze(_joined(events, columns)),
            settlement=self.settlement,
            provenance=self.book.provenance,
        )


def _joined(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=columns)
    numbers = {c: np.concatenate([f[c].to_numpy(dtype=np.float64) for f in frames]) for c in _EVENT_NUMBERS}
    words = {c: np.concatenate([f[c].to_numpy(dtype=object) for f in frames]) for c in columns[1:4]}
    step = np.concatenate([f["step"].to_numpy(dtype=np.int64) for f in frames])
    return pd.DataFrame({"step": step, **words, **numbers})


def _check_path(path: pd.DataFrame, assets: tuple[str, ...], argument: str, above: float) -> Floats:
    if not isinstance(path, pd.DataFrame) or path.empty:
        raise DataError(argument, "must be a frame of steps by assets", type(path).__name__, "pass at least one step")
    lacking = [a for a in assets if a not in path.columns]
    if lacking:
        raise DataError(argument, "must name every collateral", f"nothing for {lacking[0]}", "add its column")
    values = check_floats(path[list(assets)], argument=argument)
    bad = ~(np.isfinite(values) & (values > above))
    if bad.any():
        t, k = np.argwhere(bad)[0]
        got = f"{values[t, k]} for {assets[k]} in step {t + 1}"
        raise DataError(argument, f"must be finite and above {above:g}", got, "repair the path")
    return np.asarray(values)


def _check_feeds(feeds: Mapping[str, OracleFeed] | None, book: ProtocolLending) -> dict[str, OracleFeed]:
    used = {str(name) for name in np.unique(book.oracles.to_numpy()[book.oracles.notna().to_numpy()])}
    strangers = [str(name) for name in feeds or {} if name not in used]
    if strangers:
        got, remedy = f"{strangers[0]}; it has {', '.join(sorted(used))}", "correct the name or leave it out"
        raise DataError("feeds", "must price a collateral of the book", got, remedy)
    return {name: OracleFeed() for name, _ in book.feeds} | dict(feeds or {})


def _check_redemption(
    redemption: pd.DataFrame | None, book: ProtocolLending, feeds: Mapping[str, OracleFeed], steps: pd.Index
) -> Floats | None:
    used = [name for name, _ in book.feeds if feeds[name].source == "redemption"]
    if redemption is None:
        if used:
            raise DataError("redemption", "must be given for feeds that look at it", f"none for {used[0]}", "pass it")
        return None
    values = _check_path(redemption, book.assets, "redemption", 0.0)
    if len(values) != len(steps):
        got = f"{len(values)} for {len(steps)} steps"
        raise DataError("redemption", "must have a row a step", got, "reindex it to the shocks")
    if not redemption.index.equals(steps):
        at = int(np.argmin(redemption.index == steps)) if len(redemption.index) else 0
        got = f"{redemption.index[at]} where the shocks have {steps[at]}"
        raise DataError("redemption", "must be on the index of the shocks", got, "reindex it to the shocks")
    return values
