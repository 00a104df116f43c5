"""Health factors of lending accounts, and how much of the debt stands near liquidation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_kind, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.ratios import ratio
from volkit.solvency.lending.book import LendingBook

__all__ = ["HEALTH_LEVELS", "HealthDistribution", "health_distribution", "health_factor"]

Floats = npt.NDArray[np.float64]
HEALTH_LEVELS = (1.0, 1.05, 1.25)


def health_factor(collateral: npt.ArrayLike, thresholds: npt.ArrayLike, debt: float) -> float:
    """Return the health factor of one account: collateral that counts over debt.

    Parameters
    ----------
    collateral : array_like, shape (n_assets,)
        Value of each collateral, USD, not negative.
    thresholds : array_like, shape (n_assets,)
        Liquidation threshold of each, fraction.
    debt : float
        USD, not negative.

    Returns
    -------
    float
        Below 1 the account can be liquidated; infinite without debt.

    Raises
    ------
    DataError
        For values that are missing, infinite or negative, or shapes that differ.

    Notes
    -----
    sum_i c_i LT_i / D, as the Aave protocol defines it (Aave v3 technical paper, "health factor").

    Examples
    --------
    >>> round(health_factor([20_000.0, 5_000.0], [0.825, 0.78], 14_000.0), 4)
    1.4571
    """
    values, shares = np.asarray(collateral, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    together = np.concatenate([values.ravel(), shares.ravel(), [debt]])
    if values.shape != shares.shape or not (np.isfinite(together) & (together >= 0.0)).all():
        got = f"{values.tolist()}, {shares.tolist()}, {debt}"
        rule = "must be as many values as thresholds, finite and not negative"
        raise DataError("collateral", rule, got, "correct or drop it")
    return float(ratio((values * shares).sum(), debt))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class HealthDistribution(ResultDisplay):
    """Health factors of all accounts.

    Attributes
    ----------
    accounts : DataFrame, shape (n_accounts, 4)
        Index account, weakest first: health_factor (infinite without debt), collateral and debt (USD), loan_to_value
        (debt over collateral, infinite without collateral).
    table : DataFrame, shape (n_levels, 3)
        Index level (health factor): debt_share (of the debt, with a health factor strictly below the level), debt (USD)
        and n_accounts below it.
    as_of : Timestamp or None
        Of the book (UTC).
    provenance : Provenance
        Of the book.
    """

    accounts: pd.DataFrame
    table: pd.DataFrame
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def total_debt(self) -> float:
        """USD."""
        return float(self.accounts["debt"].sum())

    @property
    def weighted_quantiles(self) -> pd.Series:
        """Health factor that a share of the debt (0.01, 0.05, 0.25, 0.5) does not exceed."""
        owing = self.accounts[self.accounts["debt"] > 0.0]
        shares = owing["debt"].cumsum() / owing["debt"].sum()
        wanted = pd.Index([0.01, 0.05, 0.25, 0.5], name="share of debt")
        # A share that rounding leaves just short of the quantile counts as reached.
        at = shares.searchsorted(np.asarray(wanted) - 1e-12)
        return pd.Series(owing["health_factor"].to_numpy()[at], index=wanted, name="health_factor")

    @property
    def headline(self) -> str:
        """Debt shares below each level and the median by debt in one line."""
        shares = ", ".join(
            f"{percent_to(share, 2)} below {level:g}" for level, share in self.table["debt_share"].items()
        )
        half = self.weighted_quantiles.loc[0.5]
        return (
            f"{self.total_debt:,.0f} USD debt of {len(self.accounts):,} accounts: {shares}; median by debt {half:.3g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return debt (USD), its share and accounts below each level."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the accounts as tidy rows."""
        return self.accounts.reset_index()


def health_distribution(book: LendingBook, *, levels: Sequence[float] = HEALTH_LEVELS) -> HealthDistribution:
    """Return the health factor of every account and the share of the debt below some levels.

    Parameters
    ----------
    book : LendingBook
        Positions and terms.
    levels : sequence of float
        Health factors, positive and rising.

    Returns
    -------
    HealthDistribution

    Raises
    ------
    ArgumentError
        For levels that are not positive or do not rise.
    DataError
        For a book without any debt.

    Examples
    --------
    >>> positions = pd.DataFrame({"account": ["A", "B"], "collateral_asset": "ETH", "collateral_quantity": [10.0, 1.0],
    ...     "debt_asset": "USDC", "debt_quantity": [12_000.0, 1_590.0]})
    >>> terms = pd.DataFrame({"asset": ["ETH", "USDC"], "price": [2000.0, 1.0], "liquidation_threshold": [0.8, 0.78],
    ...     "liquidation_bonus": 0.05, "oracle": ["eth-usd", "usdc-usd"]})
    >>> health_distribution(LendingBook.from_frames(positions, terms)).table["debt_share"].round(3).tolist()
    [0.0, 0.117, 0.117]
    """
    check_kind(book, LendingBook, argument="book")
    steps = [check_positive(level, argument="levels", unit="health factor") for level in levels]
    if not steps or sorted(set(steps)) != steps:
        raise ArgumentError("levels", "must rise", repr(list(levels)), "sort them and drop repeated ones")
    sums = book.values()
    debt, collateral = sums.debt.sum(axis=1), sums.collateral.sum(axis=1)
    if not debt.sum() > 0.0:
        raise DataError("book", "must have debt", "none", "pass positions with a debt_quantity above 0")
    accounts = pd.DataFrame(
        {
            "health_factor": ratio(sums.collateral @ sums.thresholds, debt),
            "collateral": collateral,
            "debt": debt,
            "loan_to_value": np.where(debt > 0.0, ratio(debt, collateral), 0.0),
        },
        index=sums.accounts,
    )
    below = accounts["health_factor"].to_numpy()[:, None] < np.asarray(steps)
    owed = debt @ below
    table = {"debt_share": owed / debt.sum(), "debt": owed, "n_accounts": below.sum(axis=0)}
    return HealthDistribution(
        accounts=freeze(accounts.sort_values("health_factor", kind="stable")),
        table=freeze(pd.DataFrame(table, index=pd.Index(steps, name="level"))),
        as_of=book.as_of,
        provenance=book.provenance,
    )
