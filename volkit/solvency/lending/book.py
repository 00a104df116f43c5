"""Lending positions: collateral and debt by account and asset, with the terms on which collateral is liquidated."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import DataError
from volkit.instruments.contracts import utc_instant
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.tables import TableReader, read_table

__all__ = ["LendingBook", "LendingValues", "read_lending_book"]

Floats = npt.NDArray[np.float64]
_POSITIONS = ("account", "collateral_asset", "collateral_quantity", "debt_asset", "debt_quantity")
_TERMS = ("asset", "price", "liquidation_threshold", "liquidation_bonus", "oracle")


@dataclass(frozen=True, slots=True)
class LendingValues:
    """A lending book as matrices in USD, one row an account and one column an asset.

    Attributes
    ----------
    accounts, assets : Index
        Labels of rows and columns.
    collateral, debt : ndarray, shape (n_accounts, n_assets)
        USD at the prices of the terms.
    thresholds, bonuses : ndarray, shape (n_assets,)
        Liquidation thresholds and bonuses, fractions.
    """

    accounts: pd.Index
    assets: pd.Index
    collateral: Floats
    debt: Floats
    thresholds: Floats
    bonuses: Floats


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LendingBook(ResultDisplay):
    """Over-collateralised loans of many accounts.

    Attributes
    ----------
    positions : DataFrame, shape (n_rows, 5)
        account, collateral_asset, collateral_quantity, debt_asset, debt_quantity (units of the asset). All rows of an
        account count together; where positions are kept apart, each is an account of its own.
    terms : DataFrame, shape (n_assets, 4)
        Index asset: price (USD, as the oracle has it), liquidation_threshold (fraction of the collateral that counts),
        liquidation_bonus (what a liquidator gets on top, fraction), oracle (its name).
    as_of : Timestamp or None
        Instant (UTC) that the book shows; None where not told.
    source : str
        File or origin, in words.
    provenance : Provenance
        Sources and hashes, when given.

    Examples
    --------
    >>> positions = pd.DataFrame({"account": ["A", "A"], "collateral_asset": ["ETH", "USDC"],
    ...     "collateral_quantity": [10.0, 5000.0], "debt_asset": "USDC", "debt_quantity": [14_000.0, 0.0]})
    >>> terms = pd.DataFrame({"asset": ["ETH", "USDC"], "price": [2000.0, 1.0], "liquidation_threshold": [0.825, 0.78],
    ...     "liquidation_bonus": [0.05, 0.045], "oracle": ["eth-usd", "usdc-usd"]})
    >>> LendingBook.from_frames(positions, terms)
    <LendingBook: 1 account, 25,000 USD collateral in 2 assets, 14,000 USD debt, 2 oracles, no time told>
    """

    positions: pd.DataFrame
    terms: pd.DataFrame
    as_of: pd.Timestamp | None
    source: str
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @classmethod
    def from_frames(
        cls,
        positions: pd.DataFrame,
        terms: pd.DataFrame,
        *,
        as_of: pd.Timestamp | None = None,
        source: str = "positions",
        provenance: Provenance | None = None,
    ) -> "LendingBook":
        """Return the book of a table of positions and a table of terms.

        Parameters
        ----------
        positions : DataFrame
            Columns as in the attribute; quantities are not negative. An account with two collaterals has two rows, and
            its debt stands once: the second row has a debt_quantity of 0.
        terms : DataFrame
            Columns asset, price, liquidation_threshold, liquidation_bonus and oracle, one row an asset.
        as_of : Timestamp, optional
            Instant (UTC) that the book shows.
        source : str
            Of the positions, named in messages.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For missing or unknown columns, no rows, a quantity that is no finite number or negative, a price that is
            not above zero, a threshold that is no fraction, a negative bonus, an asset that stands twice in the terms,
            and an asset of a position without terms.
        """
        of_assets = _checked_terms(terms)
        reader = TableReader(positions, required=_POSITIONS, source=source, label=("account",))
        remedy = "write collateral and debt as positive quantities"
        table = pd.DataFrame(
            {
                "account": reader.text("account"),
                "collateral_asset": reader.text("collateral_asset"),
                "collateral_quantity": reader.numbers("collateral_quantity", bound="not negative", remedy=remedy),
                "debt_asset": reader.text("debt_asset"),
                "debt_quantity": reader.numbers("debt_quantity", bound="not negative", remedy=remedy),
            }
        ).astype({"account": "str", "collateral_asset": "str", "debt_asset": "str"})
        for name in ("collateral_asset", "debt_asset"):
            rule = f"must have terms ({', '.join(of_assets.index)})"
            reader.refuse(name, ~table[name].isin(of_assets.index), rule, "add a row of terms with its price")
        return cls(
            positions=freeze(table),
            terms=freeze(of_assets),
            as_of=None if as_of is None else utc_instant(as_of, argument="as_of"),
            source=source,
            provenance=provenance or Provenance(()),
        )

    @property
    def assets(self) -> pd.Index:
        """Assets that have terms."""
        return self.terms.index

    @property
    def collateral_values(self) -> pd.Series:
        """USD of collateral by asset, all accounts together."""
        used = self.positions
        usd = used["collateral_quantity"] * used["collateral_asset"].map(self.terms["price"])
        return usd.groupby(used["collateral_asset"]).sum().reindex(self.assets, fill_value=0.0).rename("collateral")

    @property
    def debt_values(self) -> pd.Series:
        """USD of debt by asset, all accounts together."""
        used = self.positions
        usd = used["debt_quantity"] * used["debt_asset"].map(self.terms["price"])
        return usd.groupby(used["debt_asset"]).sum().reindex(self.assets, fill_value=0.0).rename("debt")

    def values(self) -> LendingValues:
        """Return collateral and debt in USD as matrices by account and asset."""
        rows, prices = self.positions, self.terms["price"].to_numpy()
        codes, accounts = pd.factorize(rows["account"])
        parts = {}
        for what in ("collateral", "debt"):
            at = self.assets.get_indexer(rows[f"{what}_asset"])
            total = np.zeros((len(accounts), len(self.assets)))
            np.add.at(total, (codes, at), rows[f"{what}_quantity"].to_numpy() * prices[at])
            parts[what] = total
        return LendingValues(
            accounts=pd.Index(accounts, name="account"),
            assets=self.assets,
            collateral=parts["collateral"],
            debt=parts["debt"],
            thresholds=self.terms["liquidation_threshold"].to_numpy(),
            bonuses=self.terms["liquidation_bonus"].to_numpy(),
        )

    @property
    def headline(self) -> str:
        """Accounts, collateral and debt (USD) in one line."""
        n, held = self.positions["account"].nunique(), self.collateral_values
        oracles, used = self.terms["oracle"].nunique(), int((held > 0.0).sum())
        when = f"{self.as_of:%Y-%m-%d %H:%M} UTC" if self.as_of is not None else "no time told"
        return (
            f"{n:,} account{'s' * (n != 1)}, {held.sum():,.0f} USD collateral in {used} asset{'s' * (used != 1)}, "
            f"{self.debt_values.sum():,.0f} USD debt, {oracles} oracle{'s' * (oracles != 1)}, {when}"
        )

    def summary(self) -> pd.DataFrame:
        """Return collateral and debt (USD) and terms by asset."""
        return pd.DataFrame({"collateral (USD)": self.collateral_values, "debt (USD)": self.debt_values}).join(
            self.terms
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the positions as `from_frames` reads them."""
        return self.positions


def _checked_terms(terms: pd.DataFrame) -> pd.DataFrame:
    reader = TableReader(terms, required=_TERMS, source="terms", label=("asset",))
    threshold, bonus = "liquidation_threshold", "liquidation_bonus"
    table = pd.DataFrame(
        {
            "asset": reader.text("asset"),
            "price": reader.numbers("price", bound="positive", remedy="give the oracle's price in USD"),
            threshold: reader.numbers(threshold, bound="not negative"),
            bonus: reader.numbers(bonus, bound="not negative"),
            "oracle": reader.text("oracle"),
        }
    ).astype({"asset": "str", "oracle": "str"})
    reader.refuse(threshold, table[threshold] > 1.0, "must be a fraction from 0 to 1", "write 0.8 for 80 %")
    reader.refuse(bonus, table[bonus] >= 1.0, "must be a fraction below 1", "write 0.05 for 5 %")
    reader.refuse("asset", table["asset"].duplicated(), "must stand once in the terms", "decide which row is right")
    return table.set_index("asset")


def read_lending_book(
    positions: str | Path,
    terms: str | Path,
    *,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> LendingBook:
    """Return the lending book of two CSV or Parquet files.

    Parameters
    ----------
    positions, terms : str or Path
        Columns as in `LendingBook.from_frames`.
    as_of : Timestamp, optional
        Instant (UTC) that the book shows.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    LendingBook

    Raises
    ------
    SourceError
        When a file is not there or cannot be read.
    DataError
        For rows that cannot be used; rows are counted from 1 below the header.

    Examples
    --------
    >>> read_lending_book("nowhere.csv", "terms.csv")
    Traceback (most recent call last):
        ...
    volkit.errors.SourceError: there is no lending book nowhere.csv; give the path of a CSV or Parquet file.
    """
    held = read_table(positions, what="lending book")
    of_assets = read_table(terms, what="table of terms")
    return LendingBook.from_frames(held, of_assets, as_of=as_of, source=Path(positions).name, provenance=provenance)


def require_positive(prices: pd.Series, *, argument: str) -> pd.Series:
    """Return prices (USD by asset) that are all finite and above zero.

    Raises
    ------
    DataError
        For one that is not.
    """
    values = prices.to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~(np.isfinite(values) & (values > 0.0))
    if bad.any():
        got = f"{values[bad][0]:g} of {prices.index[bad][0]}"
        raise DataError(argument, "must be finite and above zero", got, "give USD an asset")
    return prices.astype(np.float64)
