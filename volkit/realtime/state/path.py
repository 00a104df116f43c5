"""The volatility known after each bar of a table."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.conventions import annualize
from volkit.formatting import percent_to
from volkit.realtime.state.model import LiveModel
from volkit.results import Provenance, ResultDisplay

__all__ = ["LivePath"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LivePath(ResultDisplay):
    """Variances of a live state along a table of bars.

    Attributes
    ----------
    asset, words : str
        Name of the series, and the model.
    frame : DataFrame, shape (n_bars, 3)
        Index time (UTC, as the bars came); `close`, `level` (variance of the next bar without season, decimal squared,
        known at the end of this one), `status` (0 for a bar that was taken; see `skipped` for the others).
    skipped : DataFrame
        Bars left out: time, reason, value, last good bar before it.
    model : LiveModel
        Parameters.
    as_of : Timestamp
        Label (UTC) of the last bar taken.
    provenance : Provenance
        Of the bars, when given.
    """

    asset: str
    words: str
    frame: pd.DataFrame
    skipped: pd.DataFrame
    model: LiveModel
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def variance(self) -> pd.Series:
        """Variance of the bar after each, decimal squared, season included."""
        factors = self.model.factors
        slot = int(self.model.grid[2])
        times = pd.DatetimeIndex(self.frame.index).as_unit("ns").asi8 + self.model.step.value
        return (self.frame["level"] * factors[times // slot % len(factors)] ** 2).rename("variance")

    @property
    def headline(self) -> str:
        """Bars, last volatility and what was skipped in one line."""
        year = annualize(float(self.variance.iloc[-1] ** 0.5), periods_per_year=self.model.periods_per_year)
        return (
            f"{self.asset}, {self.words}, {len(self.frame):,} bars, {percent_to(year)} a year as of "
            f"{self.as_of:%Y-%m-%d %H:%M}, {len(self.skipped)} skipped"
        )

    def summary(self) -> pd.DataFrame:
        """Return how many bars were taken, and skipped by reason."""
        taken = int((self.frame["status"] == 0).sum())
        return pd.DataFrame({"bars": {"taken": taken, **self.skipped["reason"].value_counts().to_dict()}})

    def to_frame(self) -> pd.DataFrame:
        """Return close, variance and volatility (per bar, decimal) by time (UTC)."""
        variance = self.variance
        return pd.DataFrame({"close": self.frame["close"], "variance": variance, "volatility": np.sqrt(variance)})
