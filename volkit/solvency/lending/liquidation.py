"""What liquidating an account does to it, and from which loan-to-value on it makes things worse."""

from dataclasses import dataclass, field
from typing import overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_fraction
from volkit.errors import ArgumentError
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.ratios import ratio
from volkit.solvency.lending.book import LendingBook, LendingValues

__all__ = ["LiquidationEffect", "liquidation_effect", "toxic_ltv"]

Floats = npt.NDArray[np.float64]


@overload
def toxic_ltv(bonus: float) -> float: ...
@overload
def toxic_ltv(bonus: pd.Series) -> pd.Series: ...
def toxic_ltv(bonus: float | pd.Series) -> float | pd.Series:
    """Return the loan-to-value above which a liquidation worsens the account: 1 / (1 + bonus).

    Parameters
    ----------
    bonus : float or Series
        What the liquidator gets on top of what he repays, fraction, not negative.

    Returns
    -------
    float or Series
        Debt over collateral, fraction.

    Raises
    ------
    ArgumentError
        For a bonus that is negative or missing.

    Notes
    -----
    Repaying x takes x (1 + b) of collateral: (D - x) / (C - x (1 + b)) rises in x when D (1 + b) > C (Warmuz, Chaudhary
    and Pinna 2022, Toxic liquidation spirals). The health factor of an account with one collateral falls in the same
    case. An asset whose liquidation threshold exceeds this is toxic as soon as it can be liquidated.

    Examples
    --------
    >>> round(toxic_ltv(0.05), 4)
    0.9524
    """
    if not (np.asarray(bonus, dtype=np.float64) >= 0.0).all():
        raise ArgumentError("bonus", "must be fractions that are not negative", repr(bonus), "write 0.05 for 5 %")
    return 1.0 / (1.0 + bonus)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiquidationEffect(ResultDisplay):
    """One liquidation of every account that can be liquidated.

    Attributes
    ----------
    table : DataFrame, shape (n_liquidatable, 12)
        Index account. USD: collateral and debt before, repaid (by the liquidator) and seized (collateral that he gets);
        asset (seized; "none" where the account has no collateral); health_before, health_after, ltv_before, ltv_after
        (infinite where nothing is left of the denominator); toxic_ltv of the asset (NaN without one); worsens (whether
        the health factor falls) and bad_debt (USD, of the account once all its collateral has been sold with the
        bonus).
    toxic_from_start : Index
        Assets whose liquidation threshold lies above their toxic loan-to-value.
    close_factor : float
        Largest share of the debt that is repaid at once.
    total_debt : float
        USD of all accounts, liquidatable or not.
    as_of : Timestamp or None
        Of the book (UTC).
    provenance : Provenance
        Of the book.
    """

    table: pd.DataFrame
    toxic_from_start: pd.Index
    close_factor: float
    total_debt: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Liquidatable and worsened accounts, repaid debt and bad debt in one line."""
        t = self.table
        return (
            f"{len(t):,} accounts with {t['debt'].sum():,.0f} of {self.total_debt:,.0f} USD debt can be liquidated, "
            f"{int(t['worsens'].sum()):,} get worse by it; {t['repaid'].sum():,.0f} USD repaid, "
            f"{t['bad_debt'].sum():,.0f} USD bad debt"
        )

    def summary(self) -> pd.DataFrame:
        """Return sums by seized asset (USD and counts)."""
        groups = self.table.groupby("asset")
        table = groups[["debt", "repaid", "seized", "bad_debt"]].sum().add_suffix(" (USD)")
        return table.assign(accounts=groups.size(), **{"made worse": groups["worsens"].sum()})

    def to_frame(self) -> pd.DataFrame:
        """Return the accounts as tidy rows."""
        return self.table.reset_index()


def liquidation_effect(book: LendingBook, *, close_factor: float = 0.5) -> LiquidationEffect:
    """Return what one liquidation does to each account with a health factor below 1.

    Parameters
    ----------
    book : LendingBook
        Positions and terms.
    close_factor : float
        Largest share of the debt that is repaid at once, above 0 to 1.

    Returns
    -------
    LiquidationEffect
        Without rows where no account can be liquidated.

    Raises
    ------
    ArgumentError
        For a close factor outside its range.

    Notes
    -----
    The liquidator takes the largest collateral and repays the close factor of the debt, or as much as that collateral
    pays for. Bad debt is what remains when all collateral is sold so: max(0, D - sum c_i / (1 + b_i)); prices do not
    move in between.

    Examples
    --------
    >>> positions = pd.DataFrame({"account": ["A", "B"], "collateral_asset": "ETH", "collateral_quantity": 10.0,
    ...     "debt_asset": "USDC", "debt_quantity": [17_000.0, 19_500.0]})
    >>> terms = pd.DataFrame({"asset": ["ETH", "USDC"], "price": [2000.0, 1.0], "liquidation_threshold": [0.8, 0.78],
    ...     "liquidation_bonus": 0.05, "oracle": ["eth-usd", "usdc-usd"]})
    >>> effect = liquidation_effect(LendingBook.from_frames(positions, terms))
    >>> effect.table[["ltv_before", "ltv_after", "worsens"]].round(3).values.tolist()
    [[0.85, 0.767, False], [0.975, 0.999, True]]
    """
    share = check_fraction(close_factor, argument="close_factor")
    if share == 0.0:
        raise ArgumentError("close_factor", "must be above 0", "0", "pass for example close_factor=0.5")
    sums = book.values()
    debt, counted = sums.debt.sum(axis=1), sums.collateral @ sums.thresholds
    rows = np.flatnonzero(counted < debt)
    bonuses = book.terms["liquidation_bonus"]
    early = book.terms["liquidation_threshold"] > toxic_ltv(bonuses)
    return LiquidationEffect(
        table=freeze(_table(sums, rows, share)),
        toxic_from_start=book.assets[early.to_numpy()],
        close_factor=share,
        total_debt=float(debt.sum()),
        as_of=book.as_of,
        provenance=book.provenance,
    )


def _table(sums: LendingValues, rows: npt.NDArray[np.intp], close_factor: float) -> pd.DataFrame:
    collateral, debt = sums.collateral[rows], sums.debt[rows].sum(axis=1)
    at = collateral.argmax(axis=1)
    largest = collateral.max(axis=1)
    bonus = sums.bonuses[at]
    repaid = np.minimum(close_factor * debt, largest / (1.0 + bonus))
    seized = repaid * (1.0 + bonus)
    held, counted = collateral.sum(axis=1), collateral @ sums.thresholds
    before, after = ratio(counted, debt), ratio(counted - seized * sums.thresholds[at], debt - repaid)
    sold = collateral @ (1.0 / (1.0 + sums.bonuses))
    table = {
        "asset": np.where(largest > 0.0, sums.assets.to_numpy()[at], "none"),
        "collateral": held,
        "debt": debt,
        "repaid": repaid,
        "seized": seized,
        "health_before": before,
        "health_after": after,
        "ltv_before": ratio(debt, held),
        "ltv_after": np.where(debt > repaid, ratio(debt - repaid, held - seized), 0.0),
        "toxic_ltv": np.where(largest > 0.0, 1.0 / (1.0 + bonus), np.nan),
        "worsens": after < before,
        "bad_debt": np.maximum(0.0, debt - sold),
    }
    return pd.DataFrame(table, index=sums.accounts[rows]).astype({"asset": "str"})
