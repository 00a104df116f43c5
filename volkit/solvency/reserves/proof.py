"""Reserve ratios by asset, as a proof of reserves shows them, and what they do not show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_floats
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance import BalanceSheet
from volkit.solvency.balance.ratios import ratio

__all__ = ["ReserveRatios", "reserve_ratios", "sheet_reserve_ratios"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ReserveRatios(ResultDisplay):
    """What is held of each asset over what is owed of it.

    Attributes
    ----------
    table : DataFrame, shape (n_assets, 4)
        Index asset, weakest first: reserves and liabilities (units of the asset), reserve_ratio (infinite where nothing
        is owed), shortfall (units, 0 where covered).
    includes_all_liabilities : bool
        Whether the liabilities are all that is owed, not those to customers alone.
    as_of : Timestamp or None
        UTC, where told.
    provenance : Provenance
        When given.
    """

    table: pd.DataFrame
    includes_all_liabilities: bool
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def owed(self) -> pd.DataFrame:
        """Rows of assets that are owed."""
        return self.table[self.table["liabilities"] > 0.0]

    @property
    def weakest(self) -> str:
        """Asset with the lowest ratio."""
        return str(self.owed.index[0])

    @property
    def minimum(self) -> float:
        """Lowest ratio; an average would hide it."""
        return float(self.owed["reserve_ratio"].iloc[0])

    @property
    def warning(self) -> str:
        """What the ratios do not say; empty where all liabilities are in them."""
        if self.includes_all_liabilities:
            return ""
        return "no proof of solvency: not all that is owed is in it"

    @property
    def headline(self) -> str:
        """Lowest ratio and its asset, how many are not covered, and what is not proved in one line."""
        short = int((self.owed["reserve_ratio"] < 1.0).sum())
        told = f"; {self.warning}" if self.warning else ""
        lowest = f"lowest reserve ratio {percent_to(self.minimum)} ({self.weakest})"
        return f"{lowest}, {short} of {len(self.owed)} assets below 100 %{told}"

    def summary(self) -> pd.DataFrame:
        """Return the table (units of each asset, fractions)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table as tidy rows."""
        return self.table.reset_index()


def reserve_ratios(
    reserves: Mapping[str, float] | pd.Series,
    liabilities: Mapping[str, float] | pd.Series,
    *,
    includes_all_liabilities: bool = False,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> ReserveRatios:
    """Return reserve ratios by asset.

    Parameters
    ----------
    reserves : mapping or Series
        Verified holdings by asset, units of the asset.
    liabilities : mapping or Series
        What is owed by asset, the same units. An asset that is missing on one side counts 0 there.
    includes_all_liabilities : bool
        True only where the liabilities are everything that is owed: loans, creditors and taxes besides customers.
    as_of : Timestamp, optional
        UTC.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    ReserveRatios

    Raises
    ------
    DataError
        For amounts that are missing, infinite or negative, an asset that stands twice, and where nothing is owed.

    Notes
    -----
    The minimum is what counts: customers are owed each asset, and one in excess pays for another only at a price. A
    proof of reserves covers what customers are owed at one instant; reserves may be borrowed for it.

    Examples
    --------
    >>> reserve_ratios({"BTC": 95.0, "USDC": 130.0}, {"BTC": 100.0, "USDC": 100.0})
    <ReserveRatios: lowest reserve ratio 95.0 % (BTC), 1 of 2 assets below 100 %; no proof of solvency: not all that \
is owed is in it>
    """
    held, owed = (_amounts(part, name) for part, name in ((reserves, "reserves"), (liabilities, "liabilities")))
    if not owed.sum() > 0.0:
        raise DataError("liabilities", "must owe something", f"a sum of {owed.sum():g}", "pass what customers are owed")
    assets = owed.index.union(held.index, sort=False).rename("asset")
    held, owed = held.reindex(assets, fill_value=0.0), owed.reindex(assets, fill_value=0.0)
    table = pd.DataFrame(
        {
            "reserves": held,
            "liabilities": owed,
            "reserve_ratio": ratio(held, owed),
            "shortfall": np.maximum(0.0, owed - held),
        }
    )
    return ReserveRatios(
        table=freeze(table.sort_values("reserve_ratio", kind="stable")),
        includes_all_liabilities=includes_all_liabilities,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def sheet_reserve_ratios(sheet: BalanceSheet, *, leave_out: Sequence[str] = ()) -> ReserveRatios:
    """Return reserve ratios of a balance sheet, all entities together, in units of each asset.

    Parameters
    ----------
    sheet : BalanceSheet
        With everything that is owed; use `BalanceSheet.of` for one entity.
    leave_out : sequence of str
        What is not owed in kind, such as loans. Where some of it is owed, the ratios are not of all liabilities any
        more, and the result says so.

    Returns
    -------
    ReserveRatios

    Raises
    ------
    DataError
        Where nothing is owed, and for names that the sheet does not have.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "liability", "liability"], "asset": ["BTC", "BTC", "loan"],
    ...     "quantity": [9.9, 10.0, 5e4], "price": [80_000.0, 80_000.0, 1.0], "own_token": False, "liquid": True}))
    >>> sheet_reserve_ratios(sheet).weakest
    'loan'
    >>> found = sheet_reserve_ratios(sheet, leave_out=["loan"])
    >>> found.weakest, found.minimum, found.includes_all_liabilities
    ('BTC', 0.99, False)
    """
    sheet.require_known(leave_out, argument="leave_out")
    rows, out = sheet.rows, sheet.rows["asset"].isin(list(leave_out))
    owes = rows["side"] == "liability"
    held, owed = (rows[chosen & ~out].groupby("asset", sort=False)["quantity"].sum() for chosen in (~owes, owes))
    whole = not bool((rows["quantity"] > 0.0)[owes & out].any())
    return reserve_ratios(held, owed, includes_all_liabilities=whole, as_of=sheet.as_of, provenance=sheet.provenance)


def _amounts(given: Mapping[str, float] | pd.Series, name: str) -> pd.Series:
    if isinstance(given, pd.Series) and given.index.has_duplicates:
        twice = given.index[given.index.duplicated()][0]
        raise DataError(name, "must name every asset once", f"{twice} twice", "add up its amounts first")
    plain = pd.Series(dict(given), dtype=object)
    series = pd.Series(check_floats(plain, argument=name), index=plain.index)
    bad = ~(np.isfinite(series) & (series >= 0.0))
    if bad.any():
        got = f"{series[bad].iloc[0]} of {series[bad].index[0]}"
        raise DataError(name, "must be finite and not negative", got, "correct or drop it")
    return series
