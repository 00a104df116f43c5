"""The tools against procyclicality on a plain series of rates: buffer, mix, floor and speed limit.

Rates through time enter, treated rates leave; a rate knows the rates before it and none after. What needs the returns
behind the rates (stressed windows, long look-backs, volatility) is in `history`.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from volkit.checks import check_count, check_floats, check_fraction
from volkit.errors import ArgumentError, DataError

__all__ = ["LEAST_BUFFER", "BufferedRates", "apply_floor", "check_rates", "limit_speed", "mix_rates", "release_buffer"]

Floats = npt.NDArray[np.float64]

# Article 28(1)(a) and (b) of Commission Delegated Regulation (EU) No 153/2013: both are "at least 25 %".
LEAST_BUFFER = 0.25


class BufferedRates(NamedTuple):
    """Rates with a buffer that is released while they rise.

    Attributes
    ----------
    rates : ndarray, shape (n,)
        (1 + state) times the rate that entered.
    state : ndarray, shape (n,)
        What is left of the buffer, fraction of the rate, from 0 to its size.
    """

    rates: Floats
    state: Floats


def release_buffer(
    rates: npt.ArrayLike,
    *,
    size: float = LEAST_BUFFER,
    rebuild_periods: int = 60,
    significant_rise: float = 0.0,
    rise_periods: int = 1,
) -> BufferedRates:
    """Return rates with a buffer on top that is used up while they rise (EMIR, Article 28(1)(a)).

    Parameters
    ----------
    rates : array_like, shape (n,)
        Calculated margin rates, fractions of the notional, above zero.
    size : float
        Of the full buffer, fraction of the rate; the article asks for at least 0.25.
    rebuild_periods : int
        Periods in which an empty buffer is full again when the rate does not rise.
    significant_rise : float
        The rate is rising when it is above its value `rise_periods` ago by more than this fraction. With 0 every rise
        may use the buffer.
    rise_periods : int
        See `significant_rise`; in the first periods the first rate is compared with.

    Returns
    -------
    BufferedRates
        What is charged and what is left of the buffer, each of shape (n,).

    Raises
    ------
    ArgumentError
        For a size or a rise that is no fraction, a count below 1.
    DataError
        For rates that are missing or not above zero.

    Notes
    -----
    With the rate r and the charge c = (1 + b) r, b starting full: while r rises, b_t = clip(c_{t-1} / r_t - 1, 0,
    size), so that the charge stands still as long as the buffer lasts. At other times b_t is at least b_{t-1} + size /
    rebuild_periods and at least what keeps the charge where it was, never above size. So r <= c <= (1 + size) r
    always. The article names buffer and release and leaves the rule to the clearing house; this one is ours.

    Examples
    --------
    >>> buffered = release_buffer([0.10, 0.11, 0.14, 0.13], rebuild_periods=10)
    >>> buffered.rates.round(4).tolist(), buffered.state.round(4).tolist()
    ([0.125, 0.125, 0.14, 0.14], [0.25, 0.1364, 0.0, 0.0769])
    """
    values = check_rates(rates, positive=True)
    full = check_fraction(size, argument="size")
    threshold = 1.0 + check_fraction(significant_rise, argument="significant_rise")
    step = full / check_count(rebuild_periods, argument="rebuild_periods")
    back = check_count(rise_periods, argument="rise_periods")
    state = np.empty(len(values))
    left = state[0] = full
    charged = (1.0 + full) * values[0]
    for t in range(1, len(values)):
        rate = values[t]
        left_if_held = charged / rate - 1.0
        if rate > threshold * values[max(t - back, 0)]:
            left = min(max(left_if_held, 0.0), full)
        else:
            left = min(max(left_if_held, left + step), full)
        state[t] = left
        charged = (1.0 + left) * rate
    return BufferedRates((1.0 + state) * values, state)


def mix_rates(rates: npt.ArrayLike, stressed: npt.ArrayLike, *, weight: float = LEAST_BUFFER) -> Floats:
    """Return (1 - weight) rates + weight stressed, shape (n,): stress weight as a mix of rates (Article 28(1)(b)).

    Parameters
    ----------
    rates, stressed : array_like, shape (n,)
        Margin rates as calculated and under stress, fractions of the notional.
    weight : float
        Of the stressed rate, fraction; the article asks for at least 0.25.

    Raises
    ------
    ArgumentError
        For a weight that is no fraction, or rates of different lengths.
    DataError
        For missing rates.

    Notes
    -----
    The article weighs observations; a mix of two margins is the reading of clearing houses that calculate a stressed
    margin apart. The literal reading is `mixed_tail`. Where the rate is above the stressed one the mix lowers it.

    Examples
    --------
    >>> mix_rates([100.0], [180.0]).tolist()
    [120.0]
    """
    values, under_stress = _pair(rates, stressed, "stressed")
    share = check_fraction(weight, argument="weight")
    return (1.0 - share) * values + share * under_stress


def apply_floor(rates: npt.ArrayLike, floor: npt.ArrayLike) -> Floats:
    """Return the larger of rate and floor, shape (n,) (Article 28(1)(c) when the floor has a ten-year look-back).

    Raises
    ------
    ArgumentError
        For rates and floors of different lengths; one floor for all is a single number.
    DataError
        For missing rates.

    Examples
    --------
    >>> apply_floor([0.10, 0.15], [0.12, 0.12]).tolist()
    [0.12, 0.15]
    """
    values, least = _pair(rates, floor, "floor")
    return np.maximum(values, least)


def limit_speed(
    rates: npt.ArrayLike, *, largest_fall: float | None = None, largest_rise: float | None = None
) -> Floats:
    """Return rates that move no faster than the limits, from the first rate on.

    Parameters
    ----------
    rates : array_like, shape (n,)
        Margin rates, fractions of the notional, above zero.
    largest_fall, largest_rise : float, optional
        Per period, fraction of the rate charged the period before; None for no limit.

    Returns
    -------
    ndarray, shape (n,)
        Without a limit on rises never below the rates that entered; with one, below them until it has caught up.

    Raises
    ------
    ArgumentError
        For a fall that is no fraction, or a rise that is not above zero.
    DataError
        For rates that are missing or not above zero.

    Examples
    --------
    >>> limit_speed([0.20, 0.10, 0.10], largest_fall=0.1).round(4).tolist()
    [0.2, 0.18, 0.162]
    """
    values = check_rates(rates, positive=True)
    fall, rise = check_limits(largest_fall, largest_rise)
    limited = np.empty(len(values))
    charged = limited[0] = values[0]
    for t in range(1, len(values)):
        charged = limited[t] = min(max(values[t], charged * (1.0 - fall)), charged * (1.0 + rise))
    return limited


def check_limits(largest_fall: float | None, largest_rise: float | None) -> tuple[float, float]:
    """Return both limits as numbers: 1 stands for any fall, infinity for any rise.

    Raises
    ------
    ArgumentError
        For a fall that is no fraction, or a rise that is not above zero.
    """
    fall = 1.0 if largest_fall is None else check_fraction(largest_fall, argument="largest_fall")
    rise = np.inf if largest_rise is None else float(largest_rise)
    if not rise > 0.0:
        got, remedy = repr(largest_rise), "pass a decimal such as 0.1, or None for no limit"
        raise ArgumentError("largest_rise", "must be above zero (fraction per period)", got, remedy)
    return fall, rise


def check_rates(
    rates: npt.ArrayLike, *, argument: str = "rates", positive: bool = False, allow_missing: bool = False
) -> Floats:
    """Return rates as a new array of numbers, shape (n,).

    Raises
    ------
    DataError
        When there are none, they are no line of numbers, missing or infinite (unless `allow_missing`: NaN may stay), or
        not above zero where they must be.

    Examples
    --------
    >>> check_rates([0.1, 0.2]).tolist()
    [0.1, 0.2]
    """
    values = check_floats(rates, argument="rates")
    if values.ndim != 1 or not len(values):
        raise DataError(argument, "must be a line of rates", f"shape {values.shape}", "pass one side of one asset")
    bad = np.isinf(values) if allow_missing else ~np.isfinite(values)
    if bad.any():
        got = f"{int(bad.sum())} missing or infinite rates, first at position {int(bad.argmax())}"
        raise DataError(argument, "must be finite", got, "treat the spans on either side of a hole apart")
    if positive and not (values[np.isfinite(values)] > 0.0).all():
        got = f"a lowest rate of {np.nanmin(values):g}"
        raise DataError(argument, "must be above zero", got, "set a floor in the MarginPolicy")
    return values


def _pair(rates: npt.ArrayLike, other: npt.ArrayLike, name: str) -> tuple[Floats, Floats]:
    values = check_rates(rates)
    beside = check_rates(np.broadcast_to(other, values.shape) if np.ndim(other) == 0 else other, argument=name)
    if len(beside) != len(values):
        got = f"{len(beside)} beside {len(values)} rates"
        raise ArgumentError(name, "must have one value for each rate", got, "take both over the same periods")
    return values, beside
