"""Solvency of a balance sheet: ratios and surplus by entity and by asset."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_fraction, check_kind
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.sheet import ALL, BalanceSheet

__all__ = ["DOLLARS", "Solvency", "ratio", "solvency_ratios"]

# What stays at its price where prices of other assets move.
DOLLARS = ("USD", "USDC", "USDT")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Solvency(ResultDisplay):
    """Whether entities can pay what they owe, at the prices of the sheet.

    Attributes
    ----------
    table : DataFrame, shape (n_entities + 1, 7)
        By entity, and "all" of them; USD: assets (own tokens less their haircut), own_token_assets (of them),
        liabilities and surplus; ratios: solvency_ratio (assets over liabilities), collateralisation (assets without own
        tokens over liabilities) and liquid_share (of the assets). A ratio to no liabilities is infinite.
    by_asset : DataFrame, shape (n_assets, 5)
        Over all entities; USD: assets, own_token_assets, liabilities, surplus; and coverage (assets over liabilities of
        the same asset).
    own_token_haircut : float
        Taken off own tokens, fraction.
    as_of : Timestamp or None
        Of the sheet (UTC).
    source : str
        Of the sheet.
    provenance : Provenance
        Of the sheet.
    """

    table: pd.DataFrame
    by_asset: pd.DataFrame
    own_token_haircut: float
    as_of: pd.Timestamp | None
    source: str
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def insolvent(self) -> pd.Index:
        """Entities that owe more than they own."""
        entities = self.table.drop(index=ALL)
        return entities.index[entities["surplus"] < 0.0]

    @property
    def headline(self) -> str:
        """Ratio with and without own tokens, surplus and insolvent entities in one line."""
        total, n = self.table.loc[ALL], len(self.table) - 1
        failed = ", ".join(self.insolvent) or "none"
        return (
            f"solvency ratio {total['solvency_ratio']:.3g}, {total['collateralisation']:.3g} without own tokens, "
            f"surplus {total['surplus']:,.0f} USD, insolvent: {failed} (of {n})"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table by entity (USD and ratios)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table as tidy rows."""
        return self.table.reset_index()


def ratio(assets: npt.ArrayLike, liabilities: npt.ArrayLike) -> Floats:
    """Return assets over liabilities, infinite where nothing is owed (any shape; the same unit on both sides).

    Examples
    --------
    >>> ratio([3.0, 0.0], [2.0, 0.0]).tolist()
    [1.5, inf]
    """
    above, below = np.broadcast_arrays(np.asarray(assets, dtype=np.float64), np.asarray(liabilities, dtype=np.float64))
    found: Floats = np.divide(above, below, out=np.full(above.shape, np.inf), where=below > 0.0)
    return found


def solvency_ratios(sheet: BalanceSheet, *, own_token_haircut: float = 0.0) -> Solvency:
    """Return ratios and surplus of a balance sheet by entity, in total and by asset.

    Parameters
    ----------
    sheet : BalanceSheet
        What is owned and owed.
    own_token_haircut : float
        Taken off the value of tokens that their owner issued, fraction; what is owed in them stays at its price.

    Returns
    -------
    Solvency

    Raises
    ------
    ArgumentError
        For a haircut that is no fraction.

    Notes
    -----
    The sum over entities nets nothing: a surplus of one does not pay for another unless it is bound to.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "asset", "liability"], "asset": ["BTC", "VEN", "BTC"],
    ...     "quantity": [9.0, 1e6, 10.0], "price": [80_000.0, 0.2, 80_000.0],
    ...     "own_token": [False, True, False], "liquid": [True, False, True]}))
    >>> solvency_ratios(sheet)
    <Solvency: solvency ratio 1.15, 0.9 without own tokens, surplus 120,000 USD, insolvent: none (of 1)>
    >>> solvency_ratios(sheet, own_token_haircut=0.75).insolvent.tolist()
    ['Venue']
    """
    check_kind(sheet, BalanceSheet, argument="sheet")
    kept = 1.0 - check_fraction(own_token_haircut, argument="own_token_haircut")
    sums = sheet.values()
    owned, own, owed = (part.sum(axis=1) for part in (sums.owned, kept * sums.own_tokens, sums.owed))
    liquid = _liquid(sheet, kept)
    columns = {"owned": owned, "own": own, "owed": owed, "liquid": liquid.reindex(sums.entities).to_numpy()}
    by_entity = pd.DataFrame(columns, index=sums.entities)
    by_entity.loc[ALL] = by_entity.sum()
    assets = by_entity["owned"] + by_entity["own"]
    table = pd.DataFrame(
        {
            "assets": assets,
            "own_token_assets": by_entity["own"],
            "liabilities": by_entity["owed"],
            "surplus": assets - by_entity["owed"],
            "solvency_ratio": ratio(assets, by_entity["owed"]),
            "collateralisation": ratio(by_entity["owned"], by_entity["owed"]),
            "liquid_share": np.divide(by_entity["liquid"], assets, out=np.zeros(len(assets)), where=assets > 0.0),
        }
    )
    return Solvency(
        table=freeze(table),
        by_asset=freeze(_by_asset(sheet, kept)),
        own_token_haircut=1.0 - kept,
        as_of=sheet.as_of,
        source=sheet.source,
        provenance=sheet.provenance,
    )


def _liquid(sheet: BalanceSheet, kept: float) -> pd.Series:
    rows = sheet.rows
    usd = rows["quantity"] * rows["price"] * np.where(rows["own_token"], kept, 1.0)
    counted = usd.where(rows["liquid"] & (rows["side"] == "asset"), 0.0)
    return counted.groupby(rows["entity"]).sum()


def _by_asset(sheet: BalanceSheet, kept: float) -> pd.DataFrame:
    sums = sheet.values()
    owned, own, owed = (part.sum(axis=0) for part in (sums.owned, kept * sums.own_tokens, sums.owed))
    return pd.DataFrame(
        {
            "assets": owned + own,
            "own_token_assets": own,
            "liabilities": owed,
            "surplus": owned + own - owed,
            "coverage": ratio(owned + own, owed),
        },
        index=sums.assets,
    )
