"""Betas of one asset to macro factors, as a result: tables, residuals, and the asset move of a macro move."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_floats
from volkit.correlation.macro.inputs import clock_column
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony
from volkit.results import Provenance, ResultDisplay

__all__ = ["BETA_COLUMNS", "MacroBetas"]

BETA_COLUMNS = ["beta", "standard_error", "t", "p_value", "lower", "upper"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MacroBetas(ResultDisplay):
    """Betas of one asset to macro factors.

    Attributes
    ----------
    asset : str
        Name of the asset.
    univariate : DataFrame, shape (n_factors, 7)
        By factor, from a regression on it alone: `beta`, `standard_error`, `lower`, `upper` (as in
        `labels`), `t`, `p_value`, `r_squared` (no unit).
    joint : DataFrame, shape (n_factors, 6)
        The same from one regression on all factors, without `r_squared`.
    labels : mapping of str to str
        Unit of each factor's betas, e.g. ``return per basis point``.
    intercept : float
        Of the joint regression: return per period (decimal) when no factor moves.
    r_squared : float
        Of the joint regression.
    residual_volatility : float
        Of the joint regression, per period, decimal (n - factors - 1 in the divisor).
    residuals : Series, shape (n_obs,)
        Of the joint regression, decimal, by `time` (UTC).
    condition_number : float
        Of the standardised factor changes; 1 when they are uncorrelated.
    lags : int
        Autocovariances in the errors (Bartlett weights).
    degrees_of_freedom : float
        Of the t law of the joint betas.
    confidence : float
        Of each two-sided interval, fraction.
    n_obs, n_dropped : int
        Rows used, and rows left out because a value was missing.
    as_of : Timestamp
        Last time (UTC) used.
    synchrony : mapping of str to Synchrony
        Clocks of the asset and a factor, overlap share and attenuation, by factor; empty when not stated.
    provenance : Provenance
        Series behind it.
    """

    asset: str
    univariate: pd.DataFrame
    joint: pd.DataFrame
    labels: Mapping[str, str]
    intercept: float
    r_squared: float
    residual_volatility: float
    residuals: pd.Series
    condition_number: float
    lags: int
    degrees_of_freedom: float
    confidence: float
    n_obs: int
    n_dropped: int
    as_of: pd.Timestamp
    synchrony: Mapping[str, Synchrony]
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Asset, factors, joint R squared and rows in one line."""
        factors = ", ".join(self.joint.index)
        return f"{self.asset} on {factors}, R2 {self.r_squared:.2f}, {self.n_obs} rows to {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return by factor: unit, the beta alone, the joint one with interval and p-value, and the clocks."""
        level = percent_to(self.confidence, 0)
        return pd.DataFrame(
            {
                "unit": pd.Series(self.labels),
                "beta alone": self.univariate["beta"],
                "R2 alone": self.univariate["r_squared"],
                "joint beta": self.joint["beta"],
                f"{level} lower": self.joint["lower"],
                f"{level} upper": self.joint["upper"],
                "p-value": self.joint["p_value"],
                "clocks": clock_column(self.synchrony, list(self.joint.index)),
            }
        ).loc[list(self.joint.index)]

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: factor, unit, regression (alone or joint), beta, standard error, t, p, interval."""
        tables = {"alone": self.univariate[BETA_COLUMNS], "joint": self.joint}
        tidy = pd.concat(tables, names=["regression", "factor"]).reset_index()
        tidy.insert(2, "unit", tidy["factor"].map(self.labels))
        return tidy

    def asset_move(self, factor_moves: pd.Series) -> float:
        """Return the asset return that goes with one joint move of the factors, without the drift.

        Parameters
        ----------
        factor_moves : Series, shape (n_factors,)
            By factor name, in the units of the changes that were fitted; 0 for a factor that stays put.

        Returns
        -------
        float
            Decimal return, of the kind that was fitted (simple or log): sum of joint beta times move.

        Raises
        ------
        ArgumentError
            When a factor is missing, unknown, twice there or not a finite number.

        Examples
        --------
        >>> from volkit.correlation.macro import macro_betas
        >>> rng = np.random.default_rng(7)
        >>> times = pd.date_range("2023-01-01", periods=250, tz="UTC")
        >>> rates = pd.DataFrame({"US10Y": rng.normal(0, 6, 250)}, index=times)
        >>> asset = (-0.001 * rates["US10Y"] + rng.normal(0, 0.0001, 250)).rename("BTC")
        >>> betas = macro_betas(asset, rates, units={"US10Y": "basis points"})
        >>> round(betas.asset_move(pd.Series({"US10Y": 25.0})), 3)
        -0.025
        """
        return float(self.asset_moves(factor_moves.to_frame().T).iloc[0])

    def asset_moves(self, factor_moves: pd.DataFrame) -> pd.Series:
        """Return the asset return that goes with each of many joint factor moves, without the drift.

        Parameters
        ----------
        factor_moves : DataFrame, shape (n_scenarios, n_factors)
            One joint move a row, as for `asset_move`.

        Returns
        -------
        Series, shape (n_scenarios,)
            Decimal returns by the rows' labels, named after the asset.

        Raises
        ------
        ArgumentError
            As `asset_move`.
        """
        factors = list(self.joint.index)
        if sorted(map(str, factor_moves.columns)) != sorted(factors):
            got = ", ".join(map(str, factor_moves.columns)) or "none"
            remedy = "pass 0 for a factor that stays put, and fit again to add one"
            raise ArgumentError("factor_moves", f"must name {', '.join(factors)}, each once", got, remedy)
        moves = check_floats(factor_moves.rename(columns=str)[factors], argument="factor_moves")
        if not np.isfinite(moves).all():
            factor = factors[int(np.argmin(np.isfinite(moves).all(axis=0)))]
            got = f"{int((~np.isfinite(moves)).sum())} that are not, first in {factor}"
            raise ArgumentError("factor_moves", "must be finite numbers", got, "pass 0 for a factor that stays put")
        return pd.Series(moves @ self.joint["beta"].to_numpy(), index=factor_moves.index, name=self.asset)
