"""Liquidity coverage: liquid assets over what may flow out, after the ratio of Basel III."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_fraction
from volkit.errors import DataError
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance import BalanceSheet
from volkit.solvency.balance.ratios import ratio

__all__ = ["LiquidityCoverage", "liquidity_coverage", "liquidity_coverage_ratio"]

_INFLOW_CAP = 0.75


def liquidity_coverage_ratio(
    liquid_assets: float, *, outflows: float, inflows: float = 0.0, inflow_cap: float = _INFLOW_CAP
) -> float:
    """Return liquid assets over net outflows, of which inflows may offset no more than a share.

    Parameters
    ----------
    liquid_assets, outflows, inflows : float
        USD over the same horizon, not negative.
    inflow_cap : float
        Largest share of the outflows that inflows offset, fraction.

    Returns
    -------
    float
        1 or more is covered; infinite where nothing flows out.

    Raises
    ------
    DataError
        For an amount that is missing, infinite or negative.
    ArgumentError
        For a cap that is no fraction.

    Notes
    -----
    H / (O - min(I, 0.75 O)), Basel Committee on Banking Supervision (2013), Basel III: The Liquidity Coverage Ratio and
    liquidity risk monitoring tools, paragraph 69. A venue's customers leave faster than a bank's thirty days.

    Examples
    --------
    >>> liquidity_coverage_ratio(120.0, outflows=150.0, inflows=130.0)
    3.2
    """
    cap = check_fraction(inflow_cap, argument="inflow_cap")
    for name, amount in (("liquid_assets", liquid_assets), ("outflows", outflows), ("inflows", inflows)):
        if not (np.isfinite(amount) and amount >= 0.0):
            raise DataError(name, "must be finite and not negative", repr(amount), "give USD over the horizon")
    return float(ratio(liquid_assets, outflows - min(inflows, cap * outflows)))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiquidityCoverage(ResultDisplay):
    """Liquid assets against outflows of a balance sheet.

    Attributes
    ----------
    table : DataFrame, shape (n_assets, 4)
        Index asset, USD: liquid_assets (own tokens and what is not liquid left out), after_haircut, liabilities,
        outflow.
    inflows, inflow_cap : float
        USD; largest share of the outflows that they offset.
    as_of : Timestamp or None
        Of the sheet (UTC).
    provenance : Provenance
        Of the sheet.
    """

    table: pd.DataFrame
    inflows: float
    inflow_cap: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def outflows(self) -> float:
        """USD."""
        return float(self.table["outflow"].sum())

    @property
    def liquid_assets(self) -> float:
        """USD, after haircuts."""
        return float(self.table["after_haircut"].sum())

    @property
    def coverage(self) -> float:
        """Liquid assets over net outflows."""
        return liquidity_coverage_ratio(
            self.liquid_assets, outflows=self.outflows, inflows=self.inflows, inflow_cap=self.inflow_cap
        )

    @property
    def headline(self) -> str:
        """Ratio, liquid assets and net outflows in one line."""
        net = self.outflows - min(self.inflows, self.inflow_cap * self.outflows)
        return (
            f"liquidity coverage {self.coverage:.3g}: {self.liquid_assets:,.0f} USD liquid after haircuts against "
            f"{net:,.0f} USD net outflows"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table by asset (USD)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table as tidy rows."""
        return self.table.reset_index()


def liquidity_coverage(
    sheet: BalanceSheet,
    *,
    outflow_rates: float | Mapping[str, float],
    haircuts: float | Mapping[str, float] = 0.0,
    inflows: float = 0.0,
    inflow_cap: float = _INFLOW_CAP,
) -> LiquidityCoverage:
    """Return liquid assets of a balance sheet over the outflows of a run.

    Parameters
    ----------
    sheet : BalanceSheet
        Its assets count where they are liquid and no own tokens.
    outflow_rates : float or mapping
        Share of the liabilities that is withdrawn over the horizon, for all or by asset; all assets that are owed must
        be named.
    haircuts : float or mapping
        Lost when liquid assets are sold, for all or by asset, fraction; assets that are not named lose nothing.
    inflows : float
        USD that is due over the horizon.
    inflow_cap : float
        Largest share of the outflows that inflows offset.

    Returns
    -------
    LiquidityCoverage

    Raises
    ------
    DataError
        For an asset that is owed without a rate, and names that the sheet does not have.
    ArgumentError
        For rates, haircuts or a cap that are no fractions.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "asset", "liability"], "asset": ["USD", "BTC", "USD"],
    ...     "quantity": [2e5, 5.0, 1e6], "price": [1.0, 80_000.0, 1.0], "own_token": False, "liquid": True}))
    >>> round(liquidity_coverage(sheet, outflow_rates=0.4, haircuts={"BTC": 0.25}).coverage, 4)
    1.25
    """
    rows = sheet.rows
    usd = rows["quantity"] * rows["price"]
    owes = rows["side"] == "liability"
    counts = ~owes & rows["liquid"] & ~rows["own_token"]
    liquid, owed = (
        usd.where(chosen, 0.0).groupby(rows["asset"]).sum().reindex(sheet.assets) for chosen in (counts, owes)
    )
    rates = _rates(sheet, outflow_rates, argument="outflow_rates")
    if (rates.isna() & (owed > 0.0)).any():
        names = ", ".join(owed.index[rates.isna() & (owed > 0.0)])
        raise DataError("outflow_rates", "must name every asset that is owed", f"none for {names}", "add its rate")
    lost = _rates(sheet, haircuts, argument="haircuts").fillna(0.0)
    table = pd.DataFrame(
        {
            "liquid_assets": liquid,
            "after_haircut": liquid * (1.0 - lost),
            "liabilities": owed,
            "outflow": owed * rates.fillna(0.0),
        }
    )
    liquidity_coverage_ratio(0.0, outflows=0.0, inflows=inflows, inflow_cap=inflow_cap)
    return LiquidityCoverage(
        table=freeze(table), inflows=inflows, inflow_cap=inflow_cap, as_of=sheet.as_of, provenance=sheet.provenance
    )


def _rates(sheet: BalanceSheet, given: float | Mapping[str, float], *, argument: str) -> pd.Series:
    if not isinstance(given, Mapping):
        return pd.Series(check_fraction(given, argument=argument), index=sheet.assets)
    sheet.require_known(given, argument=argument)
    for value in given.values():
        check_fraction(value, argument=argument)
    return pd.Series(dict(given), dtype=np.float64).reindex(sheet.assets)
