"""What one shock sets off: rounds, price, who pays, and the ledger."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.contagion.cascade._state import ROUND_COLUMNS, SERIES, STATUSES, TOTAL_COLUMNS
from volkit.contagion.cascade.settings import Venue
from volkit.conventions import SIDES
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CascadeRun", "usd_words"]

Floats = npt.NDArray[np.float64]
_COUNTS = ("step", "round", "accounts", "bankrupt_accounts")
_SOURCES = ("collateral", "profit", "skin_paid", "fund_paid", "deleveraged", "socialised")
_USES = ("fund_income", "returned", "kept")


class Sides(Protocol):
    """Accounts and coins of both sides, shape (2,) each."""

    @property
    def accounts(self) -> Floats:
        """Number of longs and shorts."""
        ...

    @property
    def coins(self) -> Floats:
        """Coins of longs and shorts."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CascadeRun(ResultDisplay):
    """A cascade round by round.

    Attributes
    ----------
    rounds : DataFrame, shape (n_batches, 23)
        step and round (from 1), side, accounts closed, quantity (coins), price_before, fill (mean) and price after
        (USD per coin), net_sold (coins since equilibrium after the batch), depth (share of calm), collateral seized and
        profit realised by the closed (USD, negative for a loss), bankrupt_accounts, bad_debt (USD, beyond collateral),
        skin_paid, fund_paid, deleveraged, socialised (USD: who paid the bad debt), fund_income and returned and kept
        (USD: what collateral was left, in the fund, with the trader, in a position that stays open in part), fund after
        the batch (USD), and winners_profit (USD; filled only where it was asked for).
    steps : DataFrame, shape (n_steps, 6)
        Index step; price (USD per coin) and fund (USD) at its end, bad_debt, fund_income, liquidated notional and
        drawdown in it (USD), as in `CascadePaths`.
    totals : Series
        Sums of the run; USD, coins and counts by name, as in `CascadePaths`.
    shock : float
        Exogenous move, decimal.
    status : {"ended", "exhausted", "unfinished", "halted", "round limit", "no depth"}
        Nobody more is reached; a side was liquidated whole; accounts are still open that should be closed; trading is
        halted at the end; rounds of some step were cut off; the impact law had no coins left to buy in some step.
    liquidated_share : Series
        Share of the coins of each side that was liquidated.
    venue : Venue
        Rules and start.
    as_of : Timestamp or None
        Not told: a run has no clock of its own.
    provenance : Provenance
        Of the accounts.
    """

    rounds: pd.DataFrame
    steps: pd.DataFrame
    totals: pd.Series
    shock: float
    status: str
    liquidated_share: pd.Series
    venue: Venue
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @classmethod
    def made(
        cls,
        totals: Floats,
        series: Floats,
        rounds: Floats,
        *,
        venue: Venue,
        shock: float,
        sides: Sides,
        provenance: Provenance,
    ) -> "CascadeRun":
        """Return the result of what the kernels filled."""
        table = pd.DataFrame(rounds, columns=list(ROUND_COLUMNS))
        table["side"] = np.array(SIDES, dtype="object")[table["side"].to_numpy(dtype=np.int64)]
        table["side"] = table["side"].astype("str")
        for name in _COUNTS:
            table[name] = table[name].astype(np.int64)
        table["step"] += 1
        sums = pd.Series(totals, index=list(TOTAL_COLUMNS), name="total")
        quantity = sums[["long_quantity", "short_quantity"]].to_numpy()
        share = quantity / np.where(sides.coins > 0.0, sides.coins, 1.0)
        steps = pd.DataFrame(series, columns=list(SERIES), index=pd.RangeIndex(1, len(series) + 1, name="step"))
        return cls(
            rounds=freeze(table),
            steps=freeze(steps),
            totals=freeze(sums.drop("status")),
            shock=shock,
            status=STATUSES[int(sums["status"])],
            liquidated_share=freeze(pd.Series(share, index=pd.Index(SIDES, name="side"), name="share")),
            venue=venue,
            provenance=provenance,
        )

    @property
    def total_move(self) -> float:
        """Log of the farthest price in the shock's direction over the start."""
        farthest = self.totals["low_price"] if self.shock <= 0.0 else self.totals["high_price"]
        return float(np.log(farthest / self.venue.price))

    @property
    def amplification(self) -> float:
        """Farthest move over the shock, both in logs; 1 for a shock of zero that moves nothing."""
        alone = float(np.log1p(self.shock))
        if alone == 0.0:
            return 1.0 if self.total_move == 0.0 else float("inf")
        return self.total_move / alone

    @property
    def price_path(self) -> pd.Series:
        """Price (USD per coin) at the start, after the shock, and after every batch."""
        after = [self.venue.price, self.venue.price * (1.0 + self.shock), *self.rounds["price"]]
        return pd.Series(after, index=pd.RangeIndex(len(after), name="batch"), name="price")

    @property
    def ledger(self) -> pd.DataFrame:
        """Who gave and who got in every batch (USD), with the difference, which is rounding.

        What collateral, realised profit and the payers of the bad debt bring goes to the fund, to traders, or stays in
        positions that are open in part.
        """
        table = self.rounds[["step", "round", "side", *_SOURCES, *_USES]].copy()
        table["difference"] = table[list(_SOURCES)].sum(axis=1) - table[list(_USES)].sum(axis=1)
        return table

    @property
    def headline(self) -> str:
        """Move, amplification, liquidations and loss in one line."""
        t = self.totals
        accounts = int(t["long_accounts"] + t["short_accounts"])
        notional = t["long_notional"] + t["short_notional"]
        factor = f" ({self.amplification:.3g}x)" if np.isfinite(self.amplification) else ""
        hole = f", {usd_words(t['open_deficit'])} in accounts left open" if t["open_deficit"] > 0.0 else ""
        return (
            f"shock {percent_to(self.shock, 2, signed=True)} ends at "
            f"{percent_to(np.expm1(self.total_move), 2, signed=True)}{factor}, "
            f"{accounts:,} accounts and {usd_words(notional)} liquidated in {int(t['rounds'])} rounds, "
            f"bad debt {usd_words(t['bad_debt'])}{hole}, {self.status}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the totals (USD, coins, counts) with amplification."""
        extra = pd.Series({"amplification": self.amplification})
        return pd.concat([extra, self.totals]).rename("value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the rounds."""
        return self.rounds


def usd_words(amount: float) -> str:
    """Return an amount with its currency: whole dollars, small ones with four digits.

    Examples
    --------
    >>> usd_words(1_234_567.8), usd_words(0.12345)
    ('1,234,568 USD', '0.1235 USD')
    """
    value = float(amount)
    return f"{value:,.0f} USD" if abs(value) >= 1_000.0 else f"{value:.4g} USD"
