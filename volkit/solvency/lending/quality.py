"""How good collateral is: what it is made of, how concentrated, how volatile, and what is left after haircuts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CollateralQuality", "collateral_quality"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CollateralQuality(ResultDisplay):
    """Composition and quality of collateral.

    Attributes
    ----------
    composition : DataFrame, shape (n_assets, 6)
        Index asset, largest first: value (USD), share (fraction), haircut (fraction), annualized_volatility (decimal),
        and the flags is_own_token and is_illiquid.
    volatile_above : float
        Annualised volatility from which an asset counts as volatile, decimal.
    provenance : Provenance
        When given.
    """

    composition: pd.DataFrame
    volatile_above: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def value(self) -> float:
        """USD."""
        return float(self.composition["value"].sum())

    @property
    def after_haircuts(self) -> float:
        """USD, each asset less its haircut."""
        return float((self.composition["value"] * (1.0 - self.composition["haircut"])).sum())

    @property
    def concentration(self) -> float:
        """Herfindahl-Hirschman index: sum of squared shares, 1 / n_assets to 1."""
        return float((self.composition["share"] ** 2).sum())

    @property
    def own_token_share(self) -> float:
        """Fraction of the value."""
        return self._share(self.composition["is_own_token"])

    @property
    def illiquid_share(self) -> float:
        """Fraction of the value."""
        return self._share(self.composition["is_illiquid"])

    @property
    def volatile_share(self) -> float:
        """Fraction of the value."""
        return self._share(self.composition["annualized_volatility"] >= self.volatile_above)

    def _share(self, chosen: pd.Series) -> float:
        return float(self.composition.loc[chosen, "share"].sum())

    @property
    def headline(self) -> str:
        """Largest asset, effective number, and shares in one line."""
        first = self.composition["share"].iloc[0]
        return (
            f"{self.value:,.0f} USD, {percent_to(first, 0)} {self.composition.index[0]}, as good as "
            f"{1 / self.concentration:.1f} "
            f"equal assets; {percent_to(self.own_token_share, 0)} own tokens, {percent_to(self.illiquid_share, 0)} "
            "illiquid, "
            f"{percent_to(self.volatile_share, 0)} volatile; {percent_to(self.after_haircuts / self.value, 0)} "
            "after haircuts"
        )

    def summary(self) -> pd.DataFrame:
        """Return the measures, one a row (USD, fractions, index)."""
        rows = {
            "value (USD)": self.value,
            "after haircuts (USD)": self.after_haircuts,
            "after haircuts (fraction)": self.after_haircuts / self.value,
            "concentration (Herfindahl-Hirschman)": self.concentration,
            "effective number of assets": 1.0 / self.concentration,
            "own tokens (fraction)": self.own_token_share,
            "illiquid (fraction)": self.illiquid_share,
            f"volatility of {percent_to(self.volatile_above, 0)} a year or more (fraction)": self.volatile_share,
        }
        return pd.Series(rows, name="collateral").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the composition as tidy rows."""
        return self.composition.reset_index()


def collateral_quality(
    values: pd.Series,
    *,
    haircuts: Mapping[str, float] | pd.Series,
    annualized_volatility: Mapping[str, float] | pd.Series,
    own_tokens: Sequence[str] = (),
    illiquid: Sequence[str] = (),
    volatile_above: float = 0.5,
    provenance: Provenance | None = None,
) -> CollateralQuality:
    """Return what collateral is made of and how good it is.

    Parameters
    ----------
    values : Series
        USD by asset, not negative: `LendingBook.collateral_values`, or the assets of a balance sheet.
    haircuts : mapping or Series
        By asset, fractions; for a lending book 1 less the liquidation threshold.
    annualized_volatility : mapping or Series
        By asset, decimal; 0 for dollars.
    own_tokens, illiquid : sequence of str
        Assets that the borrower or the venue issued; assets that cannot be sold in the horizon in mind.
    volatile_above : float
        Annualised volatility from which an asset counts as volatile, decimal.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CollateralQuality

    Raises
    ------
    DataError
        For values that are missing or negative or sum to nothing, an asset without haircut or volatility, and names
        that are not among the assets.
    ArgumentError
        For a bound of volatility that is not positive.

    Examples
    --------
    >>> values = pd.Series({"BTC": 600.0, "USDC": 300.0, "VEN": 100.0})
    >>> collateral_quality(values, haircuts={"BTC": 0.2, "USDC": 0.1, "VEN": 0.6}, own_tokens=["VEN"],
    ...                    annualized_volatility={"BTC": 0.55, "USDC": 0.0, "VEN": 1.2}, illiquid=["VEN"])
    <CollateralQuality: 1,000 USD, 60 % BTC, as good as 2.2 equal assets; 10 % own tokens, 10 % illiquid, \
70 % volatile; 79 % after haircuts>
    """
    check_positive(volatile_above, argument="volatile_above", unit="decimal per year")
    usd = values.astype(np.float64)
    bad = ~(np.isfinite(usd) & (usd >= 0.0))
    if bad.any() or not usd.sum() > 0.0 or usd.index.has_duplicates:
        got = f"{usd[bad].iloc[0]} of {usd[bad].index[0]}" if bad.any() else f"a sum of {usd.sum():g}"
        raise DataError("values", "must be USD once an asset, not negative and not all zero", got, "correct them")
    for name, listed in (("own_tokens", own_tokens), ("illiquid", illiquid)):
        unknown = [asset for asset in listed if asset not in usd.index]
        if unknown:
            raise DataError(name, "must be among the assets", ", ".join(unknown), "leave them out or add their value")
    table = pd.DataFrame(
        {
            "value": usd,
            "share": usd / usd.sum(),
            "haircut": _by_asset(haircuts, usd.index, "haircuts", 1.0),
            "annualized_volatility": _by_asset(annualized_volatility, usd.index, "annualized_volatility", np.inf),
            "is_own_token": usd.index.isin(list(own_tokens)),
            "is_illiquid": usd.index.isin(list(illiquid)),
        },
        index=usd.index.rename("asset"),
    ).sort_values("value", ascending=False, kind="stable")
    return CollateralQuality(
        composition=freeze(table), volatile_above=volatile_above, provenance=provenance or Provenance(())
    )


def _by_asset(given: Mapping[str, float] | pd.Series, assets: pd.Index, name: str, most: float) -> pd.Series:
    found = pd.Series(dict(given), dtype=np.float64).reindex(assets)
    bad = ~(np.isfinite(found) & (found >= 0.0) & (found <= most))
    if bad.any():
        got = f"{found[bad].iloc[0]} for {found[bad].index[0]}"
        rule = "must be a fraction for every asset" if most == 1.0 else "must be a decimal for every asset"
        raise DataError(name, rule, got, "add it")
    return found
