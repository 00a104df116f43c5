"""Exponentially weighted variance: one number of memory, no estimation."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from volkit.checks import check_count, check_positive, check_returns
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import Recursion, VolatilityFit

__all__ = ["Ewma", "decay_of", "half_life_of"]


def decay_of(half_life: float) -> float:
    """Return the weight ratio of one period to the next for a half-life in periods.

    Raises
    ------
    ArgumentError
        When the half-life is not a positive number.

    Examples
    --------
    >>> round(decay_of(11.2), 4)  # RiskMetrics' 0.94
    0.94
    """
    return float(0.5 ** (1.0 / check_positive(half_life, argument="half_life", unit="periods")))


def half_life_of(decay: float) -> float:
    """Return the half-life in periods of a decay between 0 and 1 (a fraction).

    Raises
    ------
    ArgumentError
        When the decay does not lie between 0 and 1, both exclusive.

    Examples
    --------
    >>> round(half_life_of(0.97), 2)
    22.76
    """
    if not 0.0 < decay < 1.0:
        raise ArgumentError("decay", "must lie between 0 and 1", repr(decay), "pass for example decay=0.94")
    return float(np.log(0.5) / np.log(decay))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ewma:
    """Exponentially weighted variance with zero mean.

    Attributes
    ----------
    half_life : float
        In periods; 11.2 is RiskMetrics' decay of 0.94.
    start_observations : int
        First returns whose mean square starts the recursion.

    Notes
    -----
    v_{t+1} = decay v_t + (1 - decay) r_t^2, v_1 the mean square of the first returns (RiskMetrics Technical
    Document, 4th ed., 1996, equation 5.3). The variances of the first `start_observations` periods know
    returns after them; use the later ones where that matters.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> returns = pd.Series([0.01, -0.01] * 30, index=times, name="BTC")
    >>> Ewma(half_life=11.2).fit(returns, periods_per_year=365)
    <VolatilityFit: BTC, EWMA half-life 11.2, closed form, next volatility 19.1% a year, as of 2024-02-29>
    """

    half_life: float = 11.2
    start_observations: int = 50

    def __post_init__(self) -> None:
        check_positive(self.half_life, argument="half_life", unit="periods")
        check_count(self.start_observations, argument="start_observations", minimum=2, unit="returns")

    @property
    def words(self) -> str:
        """The model in words."""
        return f"EWMA half-life {self.half_life:g}"

    @property
    def minimum_observations(self) -> int:
        """Least number of returns."""
        return self.start_observations + 1

    def fit(
        self, returns: pd.Series, *, periods_per_year: float, provenance: Provenance | None = None
    ) -> VolatilityFit:
        """Return the variances of a series of decimal returns, shape (n_obs,), on UTC times.

        Raises
        ------
        DataError
            For what `volkit.checks.check_returns` refuses, and when the first `start_observations` returns are all
            zero: there is no variance to start from.
        """
        checked = check_returns(returns, minimum=self.minimum_observations)
        decay = decay_of(self.half_life)
        squares = checked.to_numpy() ** 2
        first = squares[: self.start_observations].mean()
        if first == 0.0:
            raise DataError(
                f"returns of {checked.name}",
                "must move in the periods that start the recursion",
                f"{self.start_observations} zeros to {checked.index[self.start_observations - 1].date()}",
                "start where trading does, or raise start_observations",
            )
        later, _ = lfilter([1.0 - decay], [1.0, -decay], squares, zi=np.array([decay * first]))
        variance = pd.Series(np.concatenate([[first], later[:-1]]), index=checked.index, name=checked.name)
        return VolatilityFit(
            asset=str(checked.name or "asset"),
            spec=self.words,
            recursion=Recursion(0.0, 0.0, 1.0 - decay, 0.0, decay),
            distribution=Distribution(),
            standard_errors=pd.Series(dtype="float64"),
            variance=freeze(variance),
            standardized=freeze(checked / np.sqrt(variance)),
            next_variance=float(later[-1]),
            log_likelihood=float("nan"),
            status="closed form",
            as_of=checked.index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance or Provenance(()),
        )
