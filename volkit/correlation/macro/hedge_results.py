"""What a walk-forward hedge gives: ratios, returns, the risk it took away, turnover and cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pandas as pd

from volkit.correlation.macro.inputs import clock_column
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony
from volkit.results import Provenance, ResultDisplay

__all__ = ["HedgeMethod", "MacroHedge"]

HedgeMethod: TypeAlias = Literal["ols", "ewma"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MacroHedge(ResultDisplay):
    """A walk-forward hedge of one asset and what it did.

    Attributes
    ----------
    asset : str
        Name of the asset.
    ratios : DataFrame, shape (n_fits, n_hedges)
        Hedge sold short for one unit of notional of the asset, by the last row each fit used (`time`, UTC).
    returns : DataFrame, shape (n_periods, 3)
        By `time` (UTC), decimal: `unhedged`, `hedged`, and `net` of the cost of trading.
    table : DataFrame, shape (2, 4)
        By `measure` (variance, expected shortfall): share removed `out_of_sample` with `lower` and `upper`, and
        `in_sample`, where one ratio was fitted to the very periods it is judged on. Negative when the hedge adds risk.
    turnover : float
        Hedge traded a year, entry included, in notional of the asset.
    cost_rate : float
        Cost of that a year, decimal of the asset's notional.
    in_sample_ratio : Series, shape (n_hedges,)
        The ratio of `in_sample`.
    method : {"ols", "ewma"}
        How the ratios were fitted.
    window, refit_every : int
        Periods of a fit, and between fits.
    half_life : float or None
        Of the weights of "ewma", in periods.
    tail_confidence : float
        Of the expected shortfall of the long position, fraction.
    confidence : float
        Of each two-sided interval, fraction.
    block_length : int
        Periods of a block of the bootstrap.
    n_obs, n_dropped : int
        Complete rows, and rows left out because a value was missing.
    periods_per_year : float
        Of the rows' clock.
    as_of : Timestamp
        Last time (UTC) used.
    synchrony : mapping of str to Synchrony
        Clocks of the asset and a hedge, by hedge; empty when not stated.
    provenance : Provenance
        Series behind it.
    """

    asset: str
    ratios: pd.DataFrame
    returns: pd.DataFrame
    table: pd.DataFrame
    turnover: float
    cost_rate: float
    in_sample_ratio: pd.Series
    method: HedgeMethod
    window: int
    refit_every: int
    half_life: float | None
    tail_confidence: float
    confidence: float
    block_length: int
    n_obs: int
    n_dropped: int
    periods_per_year: float
    as_of: pd.Timestamp
    synchrony: Mapping[str, Synchrony]
    provenance: Provenance

    @property
    def effectiveness(self) -> float:
        """Share of the variance removed out of sample, no unit."""
        return float(self.table.at["variance", "out_of_sample"])

    @property
    def is_effective(self) -> bool:
        """Whether the whole interval of the share of variance removed lies above zero."""
        return bool(self.table.at["variance", "lower"] > 0.0)

    @property
    def headline(self) -> str:
        """Asset, hedges, effectiveness out of and in sample, and periods in one line."""
        row = self.table.loc["variance"]
        out = f"{percent_to(row['out_of_sample'], 0)} ({percent_to(row['lower'], 0)} to {percent_to(row['upper'], 0)})"
        hedges = ", ".join(self.ratios.columns)
        judged = f"{len(self.returns)} periods to {self.as_of.date()}"
        return (
            f"{self.asset} with {hedges}, variance removed {out}, in sample {percent_to(row['in_sample'], 0)}, {judged}"
        )

    def summary(self) -> pd.DataFrame:
        """Return shares removed in and out of sample, then ratios, turnover and cost (units in the labels)."""
        level = percent_to(self.confidence, 0)
        measures = {
            "variance": "variance removed (share)",
            "expected shortfall": f"expected shortfall {percent_to(self.tail_confidence, 0)} removed (share)",
        }
        shown = self.table.rename(index=measures).set_axis(
            ["out of sample", f"{level} lower", f"{level} upper", "in sample"], axis=1
        )
        rows = {f"ratio of {name} (notional)": value for name, value in self.ratios.iloc[-1].items()}
        rows |= {"turnover (notional a year)": self.turnover, "cost (decimal a year)": self.cost_rate}
        extra = pd.DataFrame({"out of sample": rows})
        clocks = clock_column(self.synchrony, list(self.ratios.columns))
        title = "; ".join(f"{name}: {words}" for name, words in clocks.items())
        return pd.concat([shown, extra]).rename_axis(title)

    def to_frame(self) -> pd.DataFrame:
        """Return the returns by time (UTC), decimal: unhedged, hedged, net."""
        return self.returns
