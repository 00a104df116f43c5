"""Losses of variance forecasts against what was realised, and the checks of every score.

Plain arrays (or Series) of forecasts and proxies enter, one entry a period and row by row the same period;
one loss a period leaves. Which forecast belongs to which proxy is settled before: see
`volkit.volatility.evaluation`. Both losses rank forecasts by a noisy but unbiased proxy as the true variance
would (Patton 2011); most others, such as the absolute error of volatility, do not.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_positive, real_floats, refuse_overflow
from volkit.errors import DataError

__all__ = ["Sign", "Values", "check_pair", "check_rows", "check_values", "hac_lags", "qlike_loss", "squared_error_loss"]

Values: TypeAlias = Sequence[float] | npt.NDArray[np.generic] | pd.Series
Sign: TypeAlias = Literal["any", "non-negative", "positive"]


def check_values(values: Values, *, argument: str, sign: Sign = "any", minimum: int = 1) -> npt.NDArray[np.float64]:
    """Return finite numbers of the wanted sign as an array of float64, shape (n_obs,).

    Parameters
    ----------
    values : sequence, ndarray or Series, shape (n_obs,)
        In order of time. NaN and infinities are refused, none is dropped.
    argument : str
        Name of the argument for messages.
    sign : {"any", "non-negative", "positive"}
        What is allowed.
    minimum : int
        Least number of values.

    Returns
    -------
    ndarray of float64, shape (n_obs,)
        The same values.

    Raises
    ------
    DataError
        For text, a second dimension, too few values, NaN or infinities, or the wrong sign; with the count and the
        first place (its label for a Series).

    Examples
    --------
    >>> check_values([4e-4, float("nan")], argument="proxy")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: proxy must be finite; got 1 NaN or infinite values, first at position 1; drop these \
rows from every argument and count them.
    """
    try:
        array = real_floats(pd.Series(values))
    except (TypeError, ValueError) as error:
        remedy = "pass one number a period"
        raise DataError(argument, "must be one-dimensional numbers", str(error), remedy) from error
    if len(array) < minimum:
        raise DataError(argument, f"must have at least {minimum} values", str(len(array)), "pass a longer history")
    if (bad := ~np.isfinite(array)).any():
        got = f"{int(bad.sum())} NaN or infinite values, first at {_place(values, bad)}"
        raise DataError(argument, "must be finite", got, "drop these rows from every argument and count them")
    refuse_overflow(array, argument=argument)
    wrong = array < 0.0 if sign == "non-negative" else array <= 0.0 if sign == "positive" else np.zeros(1, dtype=bool)
    if wrong.any():
        got = f"{int(wrong.sum())} other values, first {array[wrong][0]:g} at {_place(values, wrong)}"
        raise DataError(argument, f"must be {sign}", got, "pass variances (decimal squared), not returns")
    return np.asarray(array, dtype=np.float64)


def check_rows(first: Values, second: Values, *, arguments: tuple[str, str]) -> None:
    """Refuse two arguments whose rows are not the same periods: other lengths, or Series with other indices.

    Raises
    ------
    DataError
        When lengths differ, or both are Series and their indices differ.

    Examples
    --------
    >>> check_rows([1.0, 2.0], [1.0], arguments=("forecast", "proxy"))
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: forecast and proxy must have the same rows; got 2 and 1; align them first, nothing is \
matched here.
    """
    got = ""
    if len(first) != len(second):
        got = f"{len(first)} and {len(second)}"
    elif isinstance(first, pd.Series) and isinstance(second, pd.Series) and not first.index.equals(second.index):
        k = int(np.argmax(np.asarray(first.index != second.index)))
        got = f"{first.index[k]} and {second.index[k]} at position {k}"
    if got:
        remedy = "align them first, nothing is matched here"
        raise DataError(" and ".join(arguments), "must have the same rows", got, remedy)


def check_pair(
    forecast_variance: Values, proxy: Values, *, minimum: int = 1
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return forecasts (positive) and proxies (not negative) of the same periods, decimal squared, shape (n_obs,) each.

    Raises
    ------
    DataError
        As `check_values` and `check_rows`.

    Examples
    --------
    >>> check_pair([4e-4], [0.0])
    (array([0.0004]), array([0.]))
    """
    check_rows(forecast_variance, proxy, arguments=("forecast_variance", "proxy"))
    h = check_values(forecast_variance, argument="forecast_variance", sign="positive", minimum=minimum)
    return h, check_values(proxy, argument="proxy", sign="non-negative", minimum=minimum)


def hac_lags(n_obs: int, *, horizon: int = 1) -> int:
    """Return the lags of a Bartlett kernel, in periods: max(2 (horizon - 1), floor(4 (n_obs / 100)^(2/9))).

    The second is the rule of Newey and West (1994). The first covers the overlap of forecasts over `horizon`
    periods, whose errors are correlated over horizon - 1 of them; doubled, because the kernel weighs the last lags
    with almost nothing.

    Examples
    --------
    >>> hac_lags(1000), hac_lags(1000, horizon=22)
    (6, 42)
    """
    return min(max(2 * (horizon - 1), int(4.0 * (n_obs / 100.0) ** (2.0 / 9.0))), n_obs - 1)


def qlike_loss(forecast_variance: Values, proxy: Values, *, zero_floor: float | None = None) -> npt.NDArray[np.float64]:
    """Return the QLIKE loss of each period (no unit): zero for a perfect forecast, positive otherwise.

    Parameters
    ----------
    forecast_variance : sequence, ndarray or Series, shape (n_obs,)
        Positive, decimal squared.
    proxy : sequence, ndarray or Series, shape (n_obs,)
        Realised variance of the same periods, same unit, not negative: a squared return, a range-based or a
        realised variance.
    zero_floor : float, optional
        Variance (decimal squared) that stands for a proxy of zero inside the logarithm, and nowhere else. By
        default a zero is refused, because its loss is infinite whatever the forecast.

    Returns
    -------
    ndarray, shape (n_obs,)
        One loss a period. A row with a proxy of zero may be negative when the forecast is below e zero_floor.

    Raises
    ------
    DataError
        For NaN, infinities, forecasts at or below zero, negative proxies, zeros without a floor, other rows.
    ArgumentError
        For a floor at or below zero.

    Notes
    -----
    L = p / h - ln(p / h) - 1 for forecast h and proxy p. Of Patton's [1]_ robust losses the one (b = -2) that is
    free of the unit; its first form, ln h + p / h, differs by -ln p - 1, which no forecast can change. So the floor
    moves every model's loss by the same amount, and differences between models, hence all tests on them, do not
    depend on it. Too low a forecast costs more than one too high by the same factor.

    References
    ----------
    .. [1] Patton (2011), Volatility forecast comparison using imperfect volatility proxies, Journal of
       Econometrics 160, equations 24 and 27.

    Examples
    --------
    >>> qlike_loss([4e-4, 4e-4, 4e-4], [4e-4, 2e-4, 8e-4]).round(4).tolist()
    [0.0, 0.1931, 0.3069]
    """
    h, p = check_pair(forecast_variance, proxy)
    inside = p
    if (zero := p == 0.0).any():
        if zero_floor is None:
            got = f"{int(zero.sum())} zeros, first at {_place(proxy, zero)}"
            remedy = "pass zero_floor, e.g. the smallest positive proxy; differences between models do not depend on it"
            raise DataError("proxy", "must be positive for QLIKE", got, remedy)
        inside = np.where(zero, check_positive(zero_floor, argument="zero_floor", unit="decimal squared"), p)
    return np.asarray(p / h - np.log(inside / h) - 1.0)


def squared_error_loss(forecast_variance: Values, proxy: Values) -> npt.NDArray[np.float64]:
    """Return the squared error of each variance forecast (decimal to the fourth power).

    Parameters
    ----------
    forecast_variance : sequence, ndarray or Series, shape (n_obs,)
        Positive, decimal squared.
    proxy : sequence, ndarray or Series, shape (n_obs,)
        Realised variance of the same periods, not negative.

    Returns
    -------
    ndarray, shape (n_obs,)
        (p - h)^2.

    Raises
    ------
    DataError
        For NaN, infinities, forecasts at or below zero, negative proxies, other rows.

    Notes
    -----
    Robust to noise in the proxy like QLIKE, but a few wild periods decide its mean: prefer QLIKE where they exist.

    Examples
    --------
    >>> f"{squared_error_loss([4e-4], [1e-4])[0]:.1e}"
    '9.0e-08'
    """
    h, p = check_pair(forecast_variance, proxy)
    return np.asarray((p - h) ** 2)


def _place(values: Values, chosen: npt.NDArray[np.bool_]) -> str:
    k = int(np.argmax(chosen))
    return str(values.index[k]) if isinstance(values, pd.Series) else f"position {k}"
