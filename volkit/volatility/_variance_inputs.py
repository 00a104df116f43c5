"""Checks of realised variances: what a model of measured variances cannot see by itself."""

import numpy as np
import pandas as pd

from volkit.checks import check_times, real_floats
from volkit.errors import DataError
from volkit.formatting import percent_to

__all__ = ["check_components", "check_realized_variance", "check_same_times"]

# A typical move of a tenth per period: no liquid market has it, every one has it in per cent (as in `checks`).
_TYPICAL_MOVE_FROM = 0.10


def check_realized_variance(realized_variance: pd.Series, *, minimum: int) -> pd.Series:
    """Return positive decimal variances as float64 on UTC times.

    Parameters
    ----------
    realized_variance : Series, shape (n_obs,)
        Variance measured within each period, decimal squared, positive, no NaN.
    minimum : int
        Least number of periods.

    Returns
    -------
    Series, shape (n_obs,)
        The same values, index in ``datetime64[us, UTC]``.

    Raises
    ------
    DataError
        For a bad index, text, NaN or inf, too few rows, values at or below zero, a constant series, or per cent.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> check_realized_variance(pd.Series([4e-4, 0.0, 9e-4], index=times), minimum=3)
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: realized_variance must be positive; got 1 values at or below zero, first 0 at \
2024-01-02 00:00:00+00:00; drop periods without trades and count them.
    """
    checked, name = _finite_series(realized_variance, "realized_variance")
    values = checked.to_numpy()
    if len(values) < minimum:
        raise DataError(name, f"must have at least {minimum} observations", str(len(values)), "pass a longer history")
    if (values <= 0.0).any():
        remedy = "drop periods without trades and count them"
        _refuse(checked, values <= 0.0, name, "must be positive", "at or below zero", remedy)
    if np.ptp(values) == 0.0:
        got = f"{len(values)} times the value {values[0]:g}"
        raise DataError(name, "must vary", got, "check that the series was traded at all")
    typical = float(np.sqrt(np.median(values)))
    if typical > _TYPICAL_MOVE_FROM:
        raise DataError(
            name,
            "must be a decimal variance (0.0004 is two per cent squared)",
            f"a typical value of {typical**2:.3g}, a move of {percent_to(typical, 0)} per period",
            "divide per cent squared by 10,000, or square a volatility",
        )
    return checked


def check_components(jumps: pd.Series, realized_variance: pd.Series) -> pd.Series:
    """Return the jump part of checked variances, from zero to below the whole (decimal squared).

    Parameters
    ----------
    jumps : Series, shape (n_obs,)
        Jump part of each period's variance, on the same times.
    realized_variance : Series, shape (n_obs,)
        Checked by `check_realized_variance`.

    Returns
    -------
    Series, shape (n_obs,)
        As float64.

    Raises
    ------
    DataError
        For other times, NaN or inf, negative jumps, or jumps that leave no continuous part.

    Examples
    --------
    >>> whole = pd.Series([4e-4, 9e-4], index=pd.date_range("2024-01-01", periods=2, tz="UTC"))
    >>> check_components(0.25 * whole, whole).tolist()
    [0.0001, 0.000225]
    """
    checked, name = _finite_series(jumps, "jumps")
    check_same_times(checked.index, realized_variance.index, argument=name)
    if (checked < 0.0).any():
        remedy = "set what a jump test did not find to zero"
        _refuse(checked, (checked < 0.0).to_numpy(), name, "must not be negative", "below zero", remedy)
    whole = (checked >= realized_variance).to_numpy()
    if whole.any():
        remedy = "take both from the same returns"
        _refuse(checked, whole, name, "must be less than the realised variance", "at or above it", remedy)
    return checked


def check_same_times(times: pd.Index, realized_times: pd.Index, *, argument: str) -> None:
    """Refuse times (UTC) that are not those of the realised variance, one by one.

    Raises
    ------
    DataError
        When the two differ; says how many times only one of them has, and the first.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> check_same_times(days, days, argument="returns")
    """
    if times.equals(realized_times):
        return
    lonely = times.symmetric_difference(realized_times)
    raise DataError(
        argument,
        "must have the times of realized_variance",
        f"{len(lonely)} times that only one of them has, first {lonely[0]}",
        "pair them first, e.g. with pd.concat([returns, realized_variance], axis=1, join='inner')",
    )


def _finite_series(data: pd.Series, argument: str) -> tuple[pd.Series, str]:
    if not isinstance(data, pd.Series):
        raise DataError(argument, "must be a Series of one asset", type(data).__name__, "pass one column")
    name = f"{argument} of {data.name}" if isinstance(data.name, str) else argument
    index = check_times(data.index, argument=name)
    try:
        values = real_floats(data)
    except (TypeError, ValueError) as error:
        raise DataError(name, "must be numbers", f"a column of {data.dtype}", "use pd.to_numeric first") from error
    bad = ~np.isfinite(values)
    if bad.any():
        got = f"{int(bad.sum())} NaN or infinite values, first at {index[bad][0]}"
        raise DataError(name, "must be finite", got, "drop them and count them, or measure these periods again")
    return pd.Series(values, index=index, name=data.name), name


def _refuse(data: pd.Series, bad: np.ndarray, name: str, requirement: str, where: str, remedy: str) -> None:
    first = data[bad]
    got = f"{int(bad.sum())} values {where}, first {first.iloc[0]:g} at {first.index[0]}"
    raise DataError(name, requirement, got, remedy)
