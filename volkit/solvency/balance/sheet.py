"""Balance sheets: what entities own and owe by asset, at prices that are told; rows that cannot be used are named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import ArgumentError, DataError
from volkit.instruments.contracts import utc_instant
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.tables import TableReader, read_table

__all__ = ["ALL", "BalanceSheet", "SheetValues", "read_balance_sheet"]

# The row of a table that adds all entities up.
ALL = "all"
SIDES = ("asset", "liability")
COLUMNS = ("entity", "side", "asset", "quantity", "price", "own_token", "liquid")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SheetValues:
    """A balance sheet as matrices in USD, one row an entity and one column an asset.

    Attributes
    ----------
    entities, assets : Index
        Labels of rows and columns.
    owned, own_tokens, owed : ndarray, shape (n_entities, n_assets)
        USD: assets that are not the entity's own token, its own token, and liabilities.
    """

    entities: pd.Index
    assets: pd.Index
    owned: Floats
    own_tokens: Floats
    owed: Floats

    def net(self, own_token_haircut: float = 0.0) -> Floats:
        """Return assets less liabilities, shape (n_entities, n_assets), own tokens less the haircut (fraction)."""
        return self.owned + (1.0 - own_token_haircut) * self.own_tokens - self.owed


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class BalanceSheet(ResultDisplay):
    """What entities own and owe.

    Attributes
    ----------
    rows : DataFrame, shape (n_rows, 7)
        entity; side ("asset" or "liability"); asset; quantity (units of the asset, never negative); price (USD);
        own_token (whether the entity issued it); liquid (whether it can be sold within the horizon in mind).
    as_of : Timestamp or None
        Instant (UTC) that the sheet shows; None where not told.
    source : str
        File or origin, in words.
    provenance : Provenance
        Sources and hashes, when given.

    Examples
    --------
    >>> BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "asset", "liability"], "asset": ["BTC", "VEN", "BTC"],
    ...     "quantity": [9.0, 1e6, 10.0], "price": [80_000.0, 0.2, 80_000.0],
    ...     "own_token": [False, True, False], "liquid": [True, False, True]}))
    <BalanceSheet: 1 entity, 2 assets, 920,000 USD owned (200,000 in own tokens), 800,000 USD owed, no time told>
    """

    rows: pd.DataFrame
    as_of: pd.Timestamp | None
    source: str
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        as_of: pd.Timestamp | None = None,
        source: str = "frame",
        provenance: Provenance | None = None,
    ) -> "BalanceSheet":
        """Return the balance sheet of a table.

        Parameters
        ----------
        frame : DataFrame
            Columns entity, side ("asset" or "liability"), asset, quantity, price (USD), own_token and liquid. The two
            flags may be blank on liabilities, where they say nothing.
        as_of : Timestamp, optional
            Instant (UTC) that it shows.
        source : str
            Named in messages.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For missing or unknown columns, no rows, a quantity or price that is no finite number or negative, another
            side, a flag that is neither true nor false, an asset with two prices, and an entity named "all".

        Notes
        -----
        A debt is written as a liability, not as a negative asset, and the other way round: netting hides both. What
        entities owe each other stays in the sums of all of them.
        """
        reader = TableReader(frame, required=COLUMNS, source=source, label=("entity", "side", "asset"))
        side = reader.text("side", choices=SIDES)
        other = "write what is owned with side asset and what is owed with side liability, both positive"
        owes = side == "liability"
        table = pd.DataFrame(
            {
                "entity": reader.text("entity"),
                "side": side,
                "asset": reader.text("asset"),
                "quantity": reader.numbers("quantity", bound="not negative", remedy=other),
                "price": reader.numbers("price", bound="not negative", remedy="give the price in USD"),
            }
        ).astype({"entity": "str", "side": "str", "asset": "str"})
        for name in ("own_token", "liquid"):
            blank = reader.flags(name, blank=False)
            told = frame[name].notna().to_numpy() & (frame[name].astype("str").str.strip() != "").to_numpy()
            reader.refuse(name, ~told & ~owes, "must be told for every asset that is owned", "write true or false")
            table[name] = blank & ~owes if name == "own_token" else blank
        reader.refuse("entity", table["entity"] == ALL, "must not be 'all', the name of the sum", "rename it")
        several = table.groupby("asset")["price"].transform("nunique") > 1
        reader.refuse("price", several, "must be the same wherever an asset stands", "value each asset at one price")
        return cls(
            rows=freeze(table),
            as_of=None if as_of is None else utc_instant(as_of, argument="as_of"),
            source=source,
            provenance=provenance or Provenance(()),
        )

    @property
    def entities(self) -> pd.Index:
        """Names of the entities, in the order of the sheet."""
        return pd.Index(self.rows["entity"].unique(), name="entity")

    @property
    def assets(self) -> pd.Index:
        """Names of the assets, in the order of the sheet."""
        return pd.Index(self.rows["asset"].unique(), name="asset")

    @property
    def prices(self) -> pd.Series:
        """USD by asset."""
        return self.rows.drop_duplicates("asset").set_index("asset")["price"]

    @property
    def own_tokens(self) -> pd.Index:
        """Assets that some entity of the sheet issued."""
        return pd.Index(self.rows.loc[self.rows["own_token"], "asset"].unique(), name="asset")

    def of(self, entity: str) -> "BalanceSheet":
        """Return the sheet of one entity.

        Raises
        ------
        ArgumentError
            When the sheet has no such entity.
        """
        if entity not in self.entities:
            known = ", ".join(self.entities)
            raise ArgumentError("entity", f"must be one of {known}", repr(entity), "choose one of these")
        return replace(self, rows=freeze(self.rows[self.rows["entity"] == entity].reset_index(drop=True)))

    def at_prices(
        self, prices: Mapping[str, float] | pd.Series, *, as_of: pd.Timestamp | None = None
    ) -> "BalanceSheet":
        """Return the same quantities at other prices (USD by asset); what is not named keeps its price.

        Raises
        ------
        DataError
            For a price that is no finite number or negative, or of an asset that the sheet does not have.
        """
        given = dict(prices)
        self.require_known(given, argument="prices")
        found = self.rows["asset"].map(given)
        named = self.rows["asset"].isin(list(given))
        changed = self.rows.assign(price=found.where(named, self.rows["price"]))
        return BalanceSheet.from_frame(
            changed, as_of=self.as_of if as_of is None else as_of, source=self.source, provenance=self.provenance
        )

    def values(self) -> SheetValues:
        """Return assets, own tokens and liabilities in USD as matrices by entity and asset."""
        rows, entities, assets = self.rows, self.entities, self.assets
        at = entities.get_indexer(rows["entity"]), assets.get_indexer(rows["asset"])
        usd = (rows["quantity"] * rows["price"]).to_numpy()
        owes, own = (rows["side"] == "liability").to_numpy(), rows["own_token"].to_numpy()

        def added(chosen: npt.NDArray[np.bool_]) -> Floats:
            total = np.zeros((len(entities), len(assets)))
            np.add.at(total, (at[0][chosen], at[1][chosen]), usd[chosen])
            return total

        return SheetValues(entities, assets, added(~owes & ~own), added(own), added(owes))

    def require_known(self, names: Iterable[str], *, argument: str) -> None:
        """Refuse names of assets that the sheet does not have.

        Raises
        ------
        DataError
            When there are such.
        """
        unknown = [str(name) for name in names if name not in self.assets]
        if unknown:
            rule = f"must name assets of the sheet ({', '.join(self.assets)})"
            raise DataError(argument, rule, ", ".join(unknown), "correct the names or leave them out")

    @property
    def headline(self) -> str:
        """Counts and sums (USD) in one line."""
        sums = self.values()
        owned, own, owed = sums.owned.sum(), sums.own_tokens.sum(), sums.owed.sum()
        n, m = len(self.entities), len(self.assets)
        tokens = f" ({own:,.0f} in own tokens)" if own else ""
        when = f"{self.as_of:%Y-%m-%d %H:%M} UTC" if self.as_of is not None else "no time told"
        return (
            f"{n} entit{'y' if n == 1 else 'ies'}, {m} asset{'s' * (m != 1)}, {owned + own:,.0f} USD owned{tokens}, "
            f"{owed:,.0f} USD owed, {when}"
        )

    def summary(self) -> pd.DataFrame:
        """Return owned, of it own tokens, and owed (USD) by entity."""
        sums = self.values()
        own = sums.own_tokens.sum(axis=1)
        table = {
            "owned (USD)": sums.owned.sum(axis=1) + own,
            "of it own tokens (USD)": own,
            "owed (USD)": sums.owed.sum(axis=1),
        }
        return pd.DataFrame(table, index=sums.entities)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as `from_frame` reads them."""
        return self.rows


def read_balance_sheet(
    path: str | Path, *, as_of: pd.Timestamp | None = None, provenance: Provenance | None = None
) -> BalanceSheet:
    """Return the balance sheet of a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        Columns entity, side (asset or liability), asset, quantity, price (USD), own_token and liquid (true or false);
        see `BalanceSheet.from_frame`.
    as_of : Timestamp, optional
        Instant (UTC) that the sheet shows.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    BalanceSheet

    Raises
    ------
    SourceError
        When the file is not there or cannot be read.
    DataError
        For rows that cannot be used; rows are counted from 1 below the header.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "sheet.csv"
    >>> _ = file.write_text("entity,side,asset,quantity,price,own_token,liquid\\nV,liability,BTC,-1,80000,,\\n")
    >>> read_balance_sheet(file)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: quantity in sheet.csv must not be negative; got row 1 (V, liability, BTC): '-1'; write ...
    """
    table = read_table(path, what="balance sheet")
    return BalanceSheet.from_frame(table, as_of=as_of, source=Path(path).name, provenance=provenance)
