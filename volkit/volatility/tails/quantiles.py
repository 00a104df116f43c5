"""Quantiles against quantiles: do observations follow a law, and where do they leave it?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_positive
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import ResultDisplay, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.tails.exceedances import Losses, check_losses

__all__ = ["QuantileComparison", "quantile_quantile"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class QuantileComparison(ResultDisplay):
    """Sorted observations beside the quantiles of a law.

    Attributes
    ----------
    asset : str
        Name of the observations.
    unit : str
        Of the observations: decimal for returns.
    distribution : Distribution
        The law, of mean 0 and variance 1.
    location, scale : float
        Of the line observation = location + scale times quantile, in the unit of the observations.
    table : DataFrame, shape (n_obs, 4)
        In ascending order: theoretical (standard deviations of the law); observed, lower, upper (unit of the
        observations).
    confidence : float
        Of the band at each point.
    as_of : Timestamp, optional
        Last label (UTC), None where the observations have no times.
    """

    asset: str
    unit: str
    distribution: Distribution
    location: float
    scale: float
    table: pd.DataFrame
    confidence: float
    as_of: pd.Timestamp | None = None

    @property
    def n_obs(self) -> int:
        """Observations."""
        return len(self.table)

    @property
    def law(self) -> str:
        """The distribution in words."""
        nu = self.distribution.degrees_of_freedom
        return "normal" if self.distribution.name == "normal" else f"t with {nu:.3g} degrees of freedom"

    @property
    def outside_share(self) -> float:
        """Share of the observations outside the band, a fraction: about 1 - confidence under the law."""
        table = self.table
        return float(((table["observed"] < table["lower"]) | (table["observed"] > table["upper"])).mean())

    @property
    def headline(self) -> str:
        """Name, law and what lies outside in one line."""
        band = f"{percent_to(self.outside_share)} outside the {percent_to(self.confidence, 0)} band"
        return f"{self.asset} against the {self.law}, n = {self.n_obs:,}, {band}"

    def summary(self) -> pd.DataFrame:
        """Return the extremes and quartiles: observed, expected, band (unit of the observations)."""
        n = self.n_obs
        places = {"lowest": 0, "lower quartile": n // 4, "median": n // 2, "upper quartile": 3 * n // 4, "highest": -1}
        rows = self.table.iloc[list(places.values())]
        expected = self.location + self.scale * rows["theoretical"]
        return rows.drop(columns="theoretical").assign(expected=expected).set_axis(list(places))

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def quantile_quantile(
    values: Losses,
    *,
    distribution: Distribution | None = None,
    location: float | None = None,
    scale: float | None = None,
    confidence: float = 0.95,
    unit: str = "unit of the observations",
) -> QuantileComparison:
    """Return sorted observations beside the quantiles of a law, with a pointwise band.

    Parameters
    ----------
    values : array_like or Series, shape (n_obs,)
        Returns (decimal), or standardised residuals; no NaN.
    distribution : Distribution, optional
        Law of mean 0 and variance 1, the normal by default.
    location, scale : float, optional
        Of the law, in the unit of the values; by default the line through the quartiles, which the tails do
        not move. Pass 0 and 1 for standardised residuals of the law they were fitted with.
    confidence : float
        Of the band at each point, fraction.
    unit : str
        For axes; "decimal" for returns, which are drawn in per cent.

    Returns
    -------
    QuantileComparison
        Plotting positions i / (n + 1), as for every quantile of volkit.

    Raises
    ------
    ArgumentError, DataError
        For one of location and scale alone, a scale that is not positive, quartiles that coincide, a bad
        confidence, and for what `check_losses` refuses.

    Notes
    -----
    The i-th of n independent observations has F(X_(i)) distributed as Beta(i, n + 1 - i), and the band is its
    central part. Each point has its own chance of 1 - confidence to lie outside, and neighbours go together;
    clusters of volatility widen the true band.

    Examples
    --------
    >>> from volkit.returns import log_returns
    >>> from volkit.sources.bundled import BundledSource
    >>> returns = log_returns(BundledSource().load_bars("SPX").frame["close"].rename("SPX"))
    >>> quantile_quantile(returns)
    <QuantileComparison: SPX against the normal, n = 5,030, 58.6 % outside the 95 % band>
    """
    level = check_confidence(confidence)
    checked = check_losses(values, argument="values")
    law = distribution or Distribution()
    observed = np.sort(checked.to_numpy())
    i = np.arange(1, len(observed) + 1)
    theoretical = law.quantiles(i / (len(observed) + 1.0))
    if (location is None) != (scale is None):
        missing = "scale" if scale is None else "location"
        raise ArgumentError(missing, "must come together with the other", "one alone", "pass both, or neither")
    if location is None or scale is None:
        location, scale = _quartile_line(observed, law)
    else:
        scale = check_positive(scale, argument="scale", unit="unit of the values")
    low, high = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    ends = [law.quantiles(stats.beta.ppf(p, i, len(observed) + 1 - i)) for p in (low, high)]
    table = pd.DataFrame(
        {
            "theoretical": theoretical,
            "observed": observed,
            "lower": location + scale * ends[0],
            "upper": location + scale * ends[1],
        }
    )
    return QuantileComparison(
        asset=str(checked.name) if checked.name is not None else "values",
        unit=unit,
        distribution=law,
        location=float(location),
        scale=float(scale),
        table=freeze(table),
        confidence=level,
        as_of=checked.index[-1] if isinstance(checked.index, pd.DatetimeIndex) else None,
    )


def _quartile_line(observed: np.ndarray, law: Distribution) -> tuple[float, float]:
    low, high = np.quantile(observed, [0.25, 0.75], method="weibull")
    if high <= low:
        got = f"both {low:g}"
        raise ArgumentError("values", "must have quartiles that differ", got, "pass location and scale")
    scale = float(high - low) / (2.0 * law.quantile(0.75))
    return float(0.5 * (low + high)), scale
