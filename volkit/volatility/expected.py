"""Expected variances of the periods ahead, whatever model of measured variances or regimes made them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.conventions import annualize, spoken_periods
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay

__all__ = ["ExpectedVariance"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ExpectedVariance(ResultDisplay):
    """Expected variances of the periods after a model's last observation.

    Attributes
    ----------
    asset, spec : str
        Series and model, in words.
    variance : ndarray, shape (horizon,)
        Expected variance of each period ahead: decimal squared, per period.
    n_replaced : int
        Forecasts that the model's insanity filter replaced; 0 where it has none.
    as_of : Timestamp
        Label (UTC) of the last observation used.
    periods_per_year : float
        Of the observations' clock.
    provenance : Provenance
        Sources and hashes, when given.

    Examples
    --------
    >>> day = pd.Timestamp("2024-01-31", tz="UTC")
    >>> one = np.array([4e-4, 5e-4])
    >>> ExpectedVariance(asset="BTC", spec="HAR", variance=one, as_of=day, periods_per_year=365)
    <ExpectedVariance: BTC, HAR, 2 periods from 2024-01-31, next volatility 38.2 % a year>
    """

    asset: str
    spec: str
    variance: np.ndarray
    n_replaced: int = 0
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def volatility(self) -> np.ndarray:
        """Root of the expected variance of each period ahead, decimal."""
        return np.asarray(np.sqrt(self.variance))

    @property
    def horizon_volatility(self) -> float:
        """Volatility of the sum of uncorrelated returns over the whole horizon, decimal."""
        return float(np.sqrt(self.variance.sum()))

    @property
    def headline(self) -> str:
        """Asset, model, horizon and next volatility in one line."""
        year = annualize(float(self.volatility[0]), periods_per_year=self.periods_per_year)
        ahead = spoken_periods(len(self.variance))
        return f"{self.asset}, {self.spec}, {ahead} from {self.as_of.date()}, next volatility {percent_to(year)} a year"

    def summary(self) -> pd.DataFrame:
        """Return volatility per period and annualised (decimals) by period ahead."""
        return self.to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return variance and volatility by period ahead (decimal)."""
        year = annualize(1.0, periods_per_year=self.periods_per_year)
        columns = {
            "variance (per period)": self.variance,
            "volatility (per period)": self.volatility,
            "volatility (annualised)": self.volatility * year,
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(1, len(self.variance) + 1, name="periods ahead"))
