"""What a cascade of forced flow leaves: who sold what in which round, and the same under both signs of dealers."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.formatting import percent_to
from volkit.options.exposure import feedback_volatility
from volkit.results import Provenance, ResultDisplay

__all__ = ["DealerSigns", "FlowSplit"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FlowSplit(ResultDisplay):
    """A cascade with its forced flow by source.

    Attributes
    ----------
    flows : DataFrame, shape (n_rounds, n_sources)
        Coins sold in each round, from 1; below 0 for purchases.
    prices : Series, shape (n_rounds + 1,)
        USD: row 0 after the shock alone, the others after each round.
    accounts : Series
        Accounts liquidated, by source.
    bad_debt : Series
        What liquidated accounts could not pay at the price of their round, USD by source; NaN where accounts without
        known bankruptcy prices were liquidated.
    start : float
        Price before the shock, USD.
    shock : float
        Simple return.
    status : {"settled", "fractured", "unfinished", "no depth"}
        Nobody trades any more; the price ran away; rounds ran out; trades for which the impact law has no price.
    dealer_gamma : float
        USD of delta that hedgers gain when the price rises by 1 %, at the start; 0 without hedgers.
    critical_gamma : float
        The gamma from which hedging alone would run away: minus the USD that move the price by 1 %; minus infinity for
        a law without impact, 0 for one that takes no coins within 1 %.
    volatility : float or None
        Without hedging, decimal per year, when told.
    words : str
        The assumption about dealers.
    provenance : Provenance
        Sources and hashes, when given.
    """

    flows: pd.DataFrame
    prices: pd.Series
    accounts: pd.Series
    bad_debt: pd.Series
    start: float
    shock: float
    status: str
    dealer_gamma: float
    critical_gamma: float
    volatility: float | None
    words: str
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_rounds(self) -> int:
        """Rounds in which somebody traded."""
        return len(self.flows)

    @property
    def move(self) -> float:
        """Simple return from before the shock to the end."""
        return float(self.prices.iloc[-1] / self.start - 1.0)

    @property
    def amplification(self) -> float:
        """Log move at the end over that of the shock; NaN without a shock."""
        return float(np.log1p(self.move) / np.log1p(self.shock)) if self.shock else float("nan")

    @property
    def shares(self) -> pd.Series:
        """Share of each source in all coins that changed hands, sales and purchases alike; NaN without any."""
        gross = self.flows.abs().sum()
        total = float(gross.sum())
        return (gross / total if total > 0.0 else gross * np.nan).rename("share")

    @property
    def feedback(self) -> float:
        """Share of a small move that hedging adds to it: gamma over the critical gamma.

        Where the law takes no coins within 1 %: infinite with dealers short gamma, minus infinity with dealers long
        gamma, 0 without any.
        """
        if self.dealer_gamma == 0.0:
            return 0.0
        if self.critical_gamma == 0.0:
            return float(-np.sign(self.dealer_gamma) * np.inf)
        return self.dealer_gamma / self.critical_gamma

    @property
    def feedback_volatility(self) -> float:
        """Volatility with hedging, decimal per year; infinite from a feedback of 1, NaN where none was told."""
        if self.volatility is None:
            return float("nan")
        if self.feedback == -np.inf:
            return 0.0
        return float(feedback_volatility(self.volatility, self.feedback)) if self.feedback < 1.0 else float("inf")

    @property
    def headline(self) -> str:
        """Shock, move, amplification and who traded in one line."""
        parts = [f"{name} {percent_to(share, 0)}" for name, share in self.shares.items() if share > 0.0]
        who = ", ".join(parts) or "nobody had to trade"
        thin = "; the law takes no coins within 1 %" if self.critical_gamma == 0.0 else ""
        return (
            f"{self.status} after {self.n_rounds} rounds, shock {percent_to(self.shock, signed=True)} became "
            f"{percent_to(self.move, signed=True)} ({self.amplification:.2f} times), {who}; {self.words}{thin}"
        )

    def summary(self) -> pd.DataFrame:
        """Return net and gross coins, share, accounts and bad debt (USD) by source."""
        return pd.DataFrame(
            {
                "net sold (coins)": self.flows.sum(),
                "gross (coins)": self.flows.abs().sum(),
                "share": self.shares,
                "accounts liquidated": self.accounts,
                "bad debt (USD)": self.bad_debt,
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a round: price after it (USD) and coins sold by source."""
        return self.flows.assign(price=self.prices.iloc[1:])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class DealerSigns(ResultDisplay):
    """The same cascade under both signs of what dealers hold.

    Attributes
    ----------
    assumed, opposite : FlowSplit
        With dealers as given, and on the other side of every option.
    """

    assumed: FlowSplit
    opposite: FlowSplit

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Of the book."""
        return self.assumed.as_of

    @property
    def provenance(self) -> Provenance:
        """Of the book."""
        return self.assumed.provenance

    @property
    def headline(self) -> str:
        """Both moves in one line."""
        a, b = self.assumed, self.opposite
        return (
            f"shock {percent_to(a.shock, signed=True)} becomes {percent_to(a.move, signed=True)} ({a.status}) with "
            f"{a.words}, {percent_to(b.move, signed=True)} ({b.status}) with dealers on the other side"
        )

    def summary(self) -> pd.DataFrame:
        """Return move, amplification, gamma and volatility, one column a sign."""
        rows = {
            "status": "status",
            "move": "move",
            "amplification": "amplification",
            "dealer gamma (USD per 1 %)": "dealer_gamma",
            "critical gamma (USD per 1 %)": "critical_gamma",
            "feedback": "feedback",
            "volatility with hedging (per year)": "feedback_volatility",
        }
        both = {"assumed": self.assumed, "opposite": self.opposite}
        table = {
            name: [*(getattr(split, fact) for fact in rows.values()), *split.shares] for name, split in both.items()
        }
        index = [*rows, *(f"share of {source}" for source in self.assumed.flows.columns)]
        return pd.DataFrame(table, index=index)

    def to_frame(self) -> pd.DataFrame:
        """Return the rounds of both, one after the other."""
        parts = {"assumed": self.assumed.to_frame(), "opposite": self.opposite.to_frame()}
        return pd.concat(parts, names=["dealers"]).reset_index()
