"""Joint scenarios of what instruments may return over a horizon."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.errors import DataError
from volkit.results import Provenance, ResultDisplay

__all__ = ["ScenarioSet"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ScenarioSet(ResultDisplay):
    """Equally likely joint scenarios of simple returns over one horizon.

    Attributes
    ----------
    returns : DataFrame, shape (n_scenarios, n_assets)
        Simple returns over the whole horizon, decimals; the index says where each scenario comes from (its
        first period in UTC, or a running number of a path).
    horizon : int
        Periods.
    method : str
        How they were made, in words.
    as_of : Timestamp
        Label (UTC) of the last return used.
    n_obs : int
        Returns behind the scenarios.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    returns: pd.DataFrame
    horizon: int
    method: str
    as_of: pd.Timestamp
    n_obs: int
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def __post_init__(self) -> None:
        values = self.returns.to_numpy()
        if not len(values) or not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            raise DataError(
                "returns",
                "must hold at least one scenario, all finite",
                f"{len(values)} with {bad} not finite",
                "drop rows with missing values first",
            )

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.returns)

    @property
    def headline(self) -> str:
        """Assets, count and method in one line."""
        assets = ", ".join(map(str, self.returns.columns))
        count = f"{self.n_scenarios} scenarios over {self.horizon} periods"
        return f"{assets}, {count}, {self.method}, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return quantiles of the simple returns (decimal) by asset."""
        return self.returns.quantile([0.01, 0.05, 0.5, 0.95, 0.99]).rename_axis("quantile of the return (decimal)")

    def to_frame(self) -> pd.DataFrame:
        """Return the scenarios (simple returns, decimal)."""
        return self.returns
