"""What cascades of several assets leave: one with its rounds, and many with their totals."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay

__all__ = ["LEDGER", "STATUSES", "CrossCascadeRun", "CrossCascades"]

STATUSES = ("settled", "unfinished", "no depth")
LEDGER = (
    "liquidated",
    "notional",
    "shortfall",
    "from_fund",
    "deleveraged",
    "socialised",
    "fees",
    "kept",
    "returned",
    "fund",
    "checked",
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CrossCascadeRun(ResultDisplay):
    """One shock and what it set off.

    Attributes
    ----------
    rounds : DataFrame, shape (n_rounds, 11)
        By round, from 1; accounts: liquidated (closed something in it), checked (looked at); USD: notional closed,
        shortfall (bad debt of the closed), which from_fund, deleveraged (winners' profits) and socialised add up to,
        fees and kept (to the fund), returned (to owners), fund (after the round).
    prices : DataFrame, shape (n_rounds + 1, n_assets)
        USD; row 0 after the shock alone, the others after each round.
    fills : DataFrame, shape (n_rounds, n_assets)
        Mean price at which a round's trades were done; the price before it where none were.
    sold : DataFrame, shape (n_rounds, n_assets)
        Net coins sold, collateral included.
    notional : DataFrame, shape (n_rounds, n_assets)
        Positions closed, USD.
    closed : Series, shape (n_accounts,)
        Round in which an account was closed, 0 where it still stands.
    start : Series
        Prices before the shock, USD.
    shock : Series
        Simple returns.
    status : {"settled", "unfinished", "no depth"}
        Nobody below their margin any more; rounds ran out; trades for which an impact law has no price.
    as_of : Timestamp or None
        Of the accounts.
    provenance : Provenance
        Of the accounts.
    """

    rounds: pd.DataFrame
    prices: pd.DataFrame
    fills: pd.DataFrame
    sold: pd.DataFrame
    notional: pd.DataFrame
    closed: pd.Series
    start: pd.Series
    shock: pd.Series
    status: str
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_rounds(self) -> int:
        """Rounds in which somebody was liquidated."""
        return len(self.rounds)

    @property
    def bad_debt(self) -> float:
        """Sum of the shortfalls of closed accounts, USD."""
        return float(self.rounds["shortfall"].sum())

    @property
    def moves(self) -> pd.Series:
        """Simple returns from before the shock to the end, by asset."""
        return (self.prices.iloc[-1] / self.start - 1.0).rename("move")

    @property
    def amplification(self) -> pd.Series:
        """Log move at the end over that of the shock, by asset; NaN where the shock is none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log1p(self.moves) / np.log1p(self.shock)
        return ratio.where(self.shock != 0.0).rename("amplification")

    @property
    def headline(self) -> str:
        """Status, rounds, accounts, notional and bad debt in one line."""
        table = self.rounds
        closed = int((self.closed > 0).sum())
        return (
            f"{self.status} after {self.n_rounds} rounds, {closed:,} of {len(self.closed):,} accounts closed, "
            f"{table['notional'].sum():,.0f} USD liquidated, bad debt {self.bad_debt:,.0f} USD, worst "
            f"{self.moves.idxmin()} {percent_to(self.moves.min(), signed=True)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return shock, move (decimals), amplification, notional (USD) and net coins sold by asset."""
        return pd.DataFrame(
            {
                "shock": self.shock,
                "move": self.moves,
                "amplification": self.amplification,
                "liquidated (USD)": self.notional.sum(),
                "sold (coins)": self.sold.sum(),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the rounds with prices (USD) by asset beside them."""
        return self.rounds.join(self.prices.add_prefix("price of "))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CrossCascades(ResultDisplay):
    """Many shocks on the same accounts.

    Attributes
    ----------
    totals : DataFrame, shape (n_scenarios, 13)
        Accounts liquidated (each once) and checked (looked at), the amounts of `CrossCascadeRun.rounds` summed (USD),
        fund at the end, status and rounds.
    shocks, moves : DataFrame, shape (n_scenarios, n_assets)
        Simple returns: of the shock, and from before it to the end.
    notional : DataFrame, shape (n_scenarios, n_assets)
        Positions closed, USD.
    as_of : Timestamp or None
        Of the accounts.
    provenance : Provenance
        Of the accounts.
    """

    totals: pd.DataFrame
    shocks: pd.DataFrame
    moves: pd.DataFrame
    notional: pd.DataFrame
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_scenarios(self) -> int:
        """Number of shocks."""
        return len(self.totals)

    @property
    def headline(self) -> str:
        """Scenarios, settled ones, and mean and worst bad debt in one line."""
        debt = self.totals["shortfall"]
        ended = int((self.totals["status"] == STATUSES[0]).sum())
        return (
            f"{self.n_scenarios:,} shocks, {ended:,} settled, mean {self.totals['liquidated'].mean():,.0f} accounts "
            f"liquidated, bad debt mean {debt.mean():,.0f} USD, worst {debt.max():,.0f} USD"
        )

    def summary(self) -> pd.DataFrame:
        """Return mean and worst of moves (decimals) and of the notional closed (USD) by asset."""
        return pd.DataFrame(
            {
                "mean shock": self.shocks.mean(),
                "mean move": self.moves.mean(),
                "lowest move": self.moves.min(),
                "mean liquidated (USD)": self.notional.mean(),
                "most liquidated (USD)": self.notional.max(),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the totals with shocks and moves by asset."""
        return self.totals.join(self.shocks.add_prefix("shock of ")).join(self.moves.add_prefix("move of "))
