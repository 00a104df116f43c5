"""How volatility moves within the day, before any model: one factor for each slot of the UTC day."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_returns
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.formatting import length_words
from volkit.results import ResultDisplay, freeze

__all__ = ["IntradaySeason", "fit_season"]

_DAY = pd.Timedelta(days=1)
_LEAST = 20
_ROUNDS, _CLOSE_ENOUGH = 500, 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class IntradaySeason(ResultDisplay):
    """Factors of volatility by slot of the day.

    Attributes
    ----------
    factors : Series, shape (n_slots,)
        Volatility of the slot over that of the day (no unit), index: start of the slot after midnight UTC. Their mean
        square is one.
    slot : Timedelta
        Length of a slot.
    as_of : Timestamp or None
        Label (UTC) of the last return used.
    """

    factors: pd.Series
    slot: pd.Timedelta
    as_of: pd.Timestamp | None = None

    @property
    def values(self) -> np.ndarray:
        """The factors, shape (n_slots,)."""
        return np.array(self.factors.to_numpy(dtype=np.float64))

    @property
    def headline(self) -> str:
        """Slots and extremes in one line."""
        low, high = self.factors.idxmin(), self.factors.idxmax()
        return (
            f"{len(self.factors)} slots of {length_words(self.slot)}, volatility {self.factors.min():.2f} times the "
            f"day's from {_clock(low)}, {self.factors.max():.2f} times from {_clock(high)} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return the factor of each slot (no unit)."""
        return self.to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return one row a slot."""
        return self.factors.rename("volatility over the day's").to_frame()

    def remove(self, returns: pd.Series) -> pd.Series:
        """Return returns (decimal) over the factor of their slot; labels are the bars' opens (UTC)."""
        return returns / self.values[_slots(pd.DatetimeIndex(returns.index), self.slot)]


def fit_season(returns: pd.Series, *, slot: str = "1h") -> IntradaySeason:
    """Return the factors of volatility by slot of the UTC day.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal returns within the day, labelled by the bars' opens (UTC), no NaN.
    slot : str
        Length of a slot; divides the day.

    Returns
    -------
    IntradaySeason
        Mean square one.

    Raises
    ------
    ArgumentError
        For a slot that does not divide a day.
    DataError
        For what `volkit.checks.check_returns` refuses, and a slot with fewer than 20 returns or without a move.
    ConvergenceError
        When the factors do not settle.

    Notes
    -----
    Taylor and Xu (1997, section 3) take the share of each slot in the squares of all days. Here each day is divided by
    its own mean square without season first, so that a wild day weighs no more than a calm one: the factors s are the
    fixed point of s^2 = mean over days of r^2 / v, with v the day's mean of r^2 / s^2. The clock alone is estimated:
    news at fixed hours is in it, news at other hours is not.

    References
    ----------
    .. [1] S. Taylor and X. Xu, "The incremental volatility information in one million foreign exchange quotations",
       Journal of Empirical Finance 4, 1997.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=24 * 60, freq="1h", tz="UTC", name="time")
    >>> busy = np.where(times.hour >= 12, 0.02, 0.01)
    >>> fit_season(pd.Series(busy * (-1.0) ** np.arange(len(times)), index=times), slot="12h").factors.round(4).tolist()
    [0.6325, 1.2649]
    """
    length = pd.Timedelta(slot)
    if not (pd.Timedelta(0) < length <= _DAY and _DAY % length == pd.Timedelta(0)):
        raise ArgumentError("slot", "must divide a day", repr(slot), 'pass for example "1h"')
    checked = check_returns(returns)
    index, squares = pd.DatetimeIndex(checked.index), checked.to_numpy() ** 2
    slots, n = _slots(index, length), int(_DAY / length)
    days = np.unique(index.normalize().asi8, return_inverse=True)[1]
    counts = np.bincount(slots, minlength=n)
    means = _fixed_point(squares, days, slots, np.maximum(counts, 1))
    if counts.min() < _LEAST or means.min() <= 0.0:
        worst = int(np.argmin(np.where(means > 0.0, counts, -1)))
        got = f"{counts[worst]} in the slot from {_clock(worst * length)}"
        raise DataError(
            "returns", f"must have {_LEAST} moves in each slot", got, "pass a longer history, or long slots"
        )
    starts = pd.TimedeltaIndex([i * length for i in range(n)], name="after midnight")
    return IntradaySeason(factors=freeze(pd.Series(np.sqrt(means), index=starts)), slot=length, as_of=checked.index[-1])


def _fixed_point(squares: np.ndarray, days: np.ndarray, slots: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return squared factors of mean one, shape (n_slots,); a slot without a move has zero."""
    factors = np.ones(len(counts))
    per_day = np.bincount(days)
    for _ in range(_ROUNDS):
        free = squares / np.where(factors > 0.0, factors, 1.0)[slots]
        level = (np.bincount(days, free) / per_day)[days]
        ratio = np.divide(squares, level, out=np.zeros_like(squares), where=level > 0.0)
        means = np.bincount(slots, ratio, minlength=len(counts)) / counts
        renewed: np.ndarray = means / means.mean()
        if np.abs(renewed - factors).max() < _CLOSE_ENOUGH:
            return renewed
        factors = renewed
    raise ConvergenceError("the factors of the day did not settle; use longer slots, e.g. slot='4h'.")


def _slots(index: pd.DatetimeIndex, slot: pd.Timedelta) -> np.ndarray:
    return np.asarray((index.as_unit("ns").asi8 % _DAY.value) // slot.value)


def _clock(after_midnight: pd.Timedelta) -> str:
    minutes = int(after_midnight / pd.Timedelta(minutes=1))
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
