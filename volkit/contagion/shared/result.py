"""What a run over shared collateral left: losses by protocol, the order of defaults, and every event."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.contagion.cascade.run import usd_words
from volkit.results import Provenance, ResultDisplay

__all__ = ["SharedCollateralRun"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SharedCollateralRun(ResultDisplay):
    """One path through a book of lenders with common feeds and a common market.

    Attributes
    ----------
    by_protocol : DataFrame, shape (n_protocols, 9)
        debt_before, repaid, bad_debt (written off), open_shortfall (debt above collateral at the last prices of those
        that nobody closed), loss (both), reserve, liquidator_income (USD), n_liquidations, default_step (-1 for never).
    steps : DataFrame, shape (n_steps, 9)
        sold (what the market paid), repaid, liquidators, returned, bad_debt, open_shortfall, debt (USD, at the end of
        the step), n_liquidated, n_held_back (worth less to a liquidator than what he would have to repay).
    prices : DataFrame, shape (n_steps + 1, n_assets)
        USD in the market at the end of each step; row 0 the initial ones.
    reports : DataFrame, shape (n_steps + 1, n_feeds)
        USD, columns (feed, asset).
    fills : DataFrame
        step, asset, coins, price_before, mean_fill, price_after: one row a batch.
    events : DataFrame
        step, protocol, account, event (liquidation, default), health_factor, share_seized, proceeds, repaid,
        liquidators, returned, written_off, debt_left (USD); of a default only bad debt and open shortfall so far, under
        written_off.
    settlement : str
        ``auction`` or ``fixed``.
    provenance : Provenance
        Series behind it.
    """

    by_protocol: pd.DataFrame
    steps: pd.DataFrame
    prices: pd.DataFrame
    reports: pd.DataFrame
    fills: pd.DataFrame
    events: pd.DataFrame
    settlement: str
    provenance: Provenance

    @property
    def bad_debt(self) -> float:
        """Written off by all, USD."""
        return float(self.by_protocol["bad_debt"].sum())

    @property
    def open_shortfall(self) -> float:
        """Debt above collateral at the last prices of loans that nobody closed, USD."""
        return float(self.by_protocol["open_shortfall"].sum())

    @property
    def loss(self) -> float:
        """Bad debt and open shortfall, USD."""
        return self.bad_debt + self.open_shortfall

    @property
    def order_of_default(self) -> pd.Series:
        """Step of default by protocol, the first first; those that did not default are left out."""
        steps = self.by_protocol["default_step"]
        return steps[steps >= 0].sort_values(kind="stable")

    @property
    def residual(self) -> float:
        """Largest break of a ledger over the steps, share of the debt: what came in less where it went."""
        s, before = self.steps, self.by_protocol["debt_before"].sum()
        income = self.settlement_gap.abs().max() if len(s) else 0.0
        debts = np.diff(s["debt"].to_numpy(), prepend=before) + s["repaid"] + s["bad_debt"]
        largest = max(float(income), float(debts.abs().max()) if len(s) else 0.0)
        return largest / float(before) if before > 0.0 else largest

    @property
    def settlement_gap(self) -> pd.Series:
        """Sold less repaid, liquidators' income and what was returned (USD), by step; zero up to rounding."""
        s = self.steps
        return s["sold"] - s["repaid"] - s["liquidators"] - s["returned"]

    @property
    def as_of(self) -> object:
        """Label of the last step."""
        return self.prices.index[-1]

    @property
    def headline(self) -> str:
        """Loss, defaults and sales in one line."""
        first = self.order_of_default
        words = f"first {first.index[0]} at step {first.iloc[0]}" if len(first) else "none defaults"
        lost = f"{usd_words(self.loss)} lost ({usd_words(self.bad_debt)} written off)"
        defaults = f"{len(first)} of {len(self.by_protocol)} protocols in default ({words})"
        return f"{lost}, {defaults}, {usd_words(self.steps['sold'].sum())} of collateral sold"

    def summary(self) -> pd.DataFrame:
        """Return debt, loss, reserve (USD) and step of default by protocol, the largest loss first."""
        words = {
            "debt_before": "debt before (USD)",
            "repaid": "repaid (USD)",
            "bad_debt": "written off (USD)",
            "open_shortfall": "open shortfall (USD)",
            "reserve": "reserve (USD)",
            "default_step": "default at step",
        }
        ranked = self.by_protocol.sort_values("loss", ascending=False, kind="stable")
        return ranked[list(words)].rename(columns=words)

    def to_frame(self) -> pd.DataFrame:
        """Return the events."""
        return self.events.copy()
