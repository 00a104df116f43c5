"""Correlations of the periods ahead: each state's matrix, weighted by the probability of the state."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.correlation.regimes.values import pairs_of
from volkit.results import Provenance, ResultDisplay

__all__ = ["RegimeCorrelationForecast"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RegimeCorrelationForecast(ResultDisplay):
    """Expected correlations of the periods after the last one known.

    Attributes
    ----------
    assets : tuple of str
        Names of the series.
    correlation : ndarray, shape (horizon, n_assets, n_assets)
        No unit, positive definite; read-only.
    probabilities : DataFrame, shape (horizon, k)
        Of the states, by periods ahead.
    spec : str
        The model in words.
    as_of : Timestamp
        Label (UTC) of the last period used.
    n_obs : int
        Periods used.
    periods_per_year : float
        Of the clock.
    provenance : Provenance
        Series behind it.
    """

    assets: tuple[str, ...]
    correlation: np.ndarray
    probabilities: pd.DataFrame
    spec: str
    as_of: pd.Timestamp
    n_obs: int
    periods_per_year: float
    provenance: Provenance

    @property
    def horizon(self) -> int:
        """Periods ahead."""
        return len(self.correlation)

    @property
    def headline(self) -> str:
        """Model, horizon and the first pair's first and last correlation in one line."""
        first, last = self.correlation[0, 0, 1], self.correlation[-1, 0, 1]
        pair = f"{self.assets[0]} and {self.assets[1]} {first:.2f}, then {last:.2f}"
        return f"{self.spec}, {self.horizon} periods from {self.as_of.date()}, {pair}"

    def summary(self) -> pd.DataFrame:
        """Return the correlations (no unit) of every pair, one column a pair, by period ahead."""
        i, j = pairs_of(len(self.assets))
        columns = pd.MultiIndex.from_arrays([np.array(self.assets)[i], np.array(self.assets)[j]], names=_PAIR)
        return pd.DataFrame(self.correlation[:, i, j], index=self.probabilities.index, columns=columns)

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: periods ahead, first, second, correlation (no unit)."""
        table = self.summary()
        return table.stack(_PAIR).rename("correlation").reset_index()


_PAIR = ["first", "second"]
