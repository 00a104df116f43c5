"""Exponentially weighted variance: one number of memory, no estimation.

`Ewma.fit` takes a history at once; `Ewma.start` takes the same history into an `EwmaState`, which every later return
updates in constant time to the same numbers.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_positive, check_returns
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import VolatilityFit
from volkit.volatility.recursion import Recursion

__all__ = ["Ewma", "EwmaState", "decay_of", "half_life_of"]


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
    <VolatilityFit: BTC, EWMA half-life 11.2, closed form, next volatility 19.1 % a year, as of 2024-02-29>
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
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        checked = check_returns(returns, minimum=self.minimum_observations)
        decay = decay_of(self.half_life)
        first, later = self._variances(checked)
        variance = pd.Series(np.concatenate([[first], later[:-1]]), index=checked.index, name=checked.name)
        return VolatilityFit(
            asset=str(checked.name or "asset"),
            spec=self.words,
            recursion=Recursion(0.0, 0.0, 1.0 - decay, 0.0, decay),
            distribution=Distribution(),
            parameters=pd.Series(dtype="float64"),
            covariances=np.empty((5, 0, 0)),
            variance=freeze(variance),
            standardized=freeze(checked / np.sqrt(variance)),
            next_variance=float(later[-1]),
            next_mean=0.0,
            returns=freeze(checked),
            log_likelihood=float("nan"),
            status="closed form",
            as_of=checked.index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance or Provenance(()),
        )

    def start(self, returns: pd.Series) -> "EwmaState":
        """Return the state after the last of `returns`, to be updated with each later one.

        Parameters
        ----------
        returns : Series, shape (n_obs,)
            Decimal returns on UTC times, as for `fit`; the first `start_observations` start the recursion.

        Returns
        -------
        EwmaState
            With the next variance of `fit` on the same returns.

        Raises
        ------
        DataError
            As `fit`; here `start_observations` returns are enough.

        Examples
        --------
        >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
        >>> returns = pd.Series([0.01, -0.02] * 30, index=times, name="BTC")
        >>> streamed = Ewma().start(returns.iloc[:59]).update(-0.02)
        >>> streamed.variance == Ewma().fit(returns, periods_per_year=365).next_variance
        True
        """
        checked = check_returns(returns, minimum=self.start_observations)
        _, later = self._variances(checked)
        return EwmaState(
            half_life=self.half_life, variance=float(later[-1]), n_obs=len(checked), as_of=checked.index[-1]
        )

    def _variances(self, checked: pd.Series) -> tuple[float, np.ndarray]:
        """Return the variance of the first period, and of the period after each return, shape (n_obs,)."""
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
        from scipy.signal import lfilter  # a tenth of a second: only when a series is filtered

        later, _ = lfilter([1.0 - decay], [1.0, -decay], squares, zi=np.array([decay * first]))
        return first, later


@dataclass(frozen=True, slots=True, kw_only=True)
class EwmaState:
    """All that an exponentially weighted variance needs to remember.

    Attributes
    ----------
    half_life : float
        In periods.
    variance : float
        Of the next period, decimal squared.
    n_obs : int
        Returns seen.
    as_of : Timestamp or None
        Label (UTC) of the last return; None when the last update gave none.

    Notes
    -----
    A state is a value: keep an old one, and the returns after it can be taken again.

    Examples
    --------
    >>> state = EwmaState(half_life=11.2, variance=0.0004, n_obs=50)
    >>> round(state.update(0.05).volatility, 5)
    0.02294
    """

    half_life: float
    variance: float
    n_obs: int
    as_of: pd.Timestamp | None = None

    def __post_init__(self) -> None:
        check_positive(self.half_life, argument="half_life", unit="periods")
        check_positive(self.variance, argument="variance", unit="decimal squared per period")
        check_count(self.n_obs, argument="n_obs", minimum=0, unit="returns")

    @property
    def volatility(self) -> float:
        """Of the next period, decimal."""
        return float(self.variance**0.5)

    def update(self, value: float, *, time: pd.Timestamp | None = None) -> "EwmaState":
        """Return the state after one more return, in constant time.

        Parameters
        ----------
        value : float
            Decimal return of the period.
        time : Timestamp, optional
            Its label (UTC), which must come after `as_of`.

        Returns
        -------
        EwmaState
            With variance decay v + (1 - decay) value^2, the number that `Ewma.fit` gives for the longer history.

        Raises
        ------
        DataError
            For a value that is not finite, or a time that is naive or not after `as_of`.

        Examples
        --------
        >>> EwmaState(half_life=1.0, variance=0.0004, n_obs=50).update(0.0).variance
        0.0002
        """
        number = float(value)
        if not np.isfinite(number):
            remedy = "leave the period out: the variance stays as it is"
            raise DataError("value", "must be a finite decimal return", repr(value), remedy)
        as_of = None if time is None else _check_later(time, self.as_of)
        decay = decay_of(self.half_life)
        variance = (1.0 - decay) * number**2 + decay * self.variance
        return replace(self, variance=variance, n_obs=self.n_obs + 1, as_of=as_of)


def _check_later(time: pd.Timestamp, as_of: pd.Timestamp | None) -> pd.Timestamp:
    if time.tz is None:
        raise DataError("time", "must be in UTC", f"the naive time {time}", 'pass time.tz_localize("UTC")')
    if as_of is not None and time <= as_of:
        raise DataError("time", f"must come after {as_of}", str(time), "update in order of time, each period once")
    return time.tz_convert("UTC")
