"""Losses of scenarios and their weights, checked once at the door of default, fund and waterfall."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_not_negative, real_floats
from volkit.errors import DataError

__all__ = ["Floats", "LossSample", "check_amount", "check_losses", "check_scenario_weights"]

Floats: TypeAlias = npt.NDArray[np.float64]
LossSample: TypeAlias = npt.ArrayLike | pd.Series


def check_losses(
    losses: LossSample, *, argument: str = "losses", minimum: int = 1, signed: bool = False
) -> tuple[Floats, pd.Index]:
    """Return losses of scenarios as float64, shape (n_scenarios,), and their labels.

    Parameters
    ----------
    losses : array-like or Series, shape (n_scenarios,)
        USD, positive.
    argument : str
        Name of the argument for messages.
    minimum : int
        Least number of scenarios.
    signed : bool
        Whether gains, negative numbers, may stand among them.

    Raises
    ------
    DataError
        For anything but one column of finite numbers, too few of them, or a gain where none may be.

    Examples
    --------
    >>> check_losses([0.0, 5.0])[0].tolist()
    [0.0, 5.0]
    """
    label = losses.index if isinstance(losses, pd.Series) else None
    try:
        if isinstance(losses, pd.Series):
            values = losses.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = real_floats(losses)
    except (TypeError, ValueError) as error:
        raise DataError(argument, "must be numbers", str(error), "convert them to numbers first") from error
    if values.ndim != 1:
        got, remedy = f"{values.ndim} dimensions", "pass the total loss of each scenario"
        raise DataError(argument, "must be one number a scenario", got, remedy)
    if len(values) < minimum:
        rule = f"must have at least {minimum} scenario{'s' if minimum > 1 else ''}"
        raise DataError(argument, rule, str(len(values)), "simulate more of them")
    bad = ~np.isfinite(values)
    if bad.any():
        got = f"{int(bad.sum())} NaN or infinite of {len(values)}, first at scenario {int(bad.argmax())}"
        raise DataError(argument, "must be finite", got, "find out what could not be valued in these scenarios")
    if not signed and (values < 0.0).any():
        got = f"{int((values < 0.0).sum())} negative of {len(values)}, least {values.min():g}"
        raise DataError(argument, "must be at least 0", got, "pass losses as positive numbers, and gains as 0")
    return values, pd.RangeIndex(len(values)) if label is None else label


def check_scenario_weights(weights: npt.ArrayLike | None, n_scenarios: int) -> Floats | None:
    """Return weights of scenarios scaled to mean 1, shape (n_scenarios,), or None for equal ones.

    Parameters
    ----------
    weights : array-like, shape (n_scenarios,), optional
        Likelihood ratios or any other relative weights, at least 0.
    n_scenarios : int
        Number expected.

    Raises
    ------
    DataError
        For a wrong number, a negative or missing weight, or nothing but zeros.

    Examples
    --------
    >>> check_scenario_weights([1.0, 3.0], 2)
    array([0.5, 1.5])
    """
    if weights is None:
        return None
    w = np.array(weights, dtype=np.float64)
    if w.shape != (n_scenarios,):
        rule, got = "must be one a scenario", f"shape {w.shape} for {n_scenarios} scenarios"
        raise DataError("weights", rule, got, "pass the weights of the same scenarios")
    if not (np.isfinite(w).all() and (w >= 0.0).all() and w.sum() > 0.0):
        got = f"values from {w.min():g} to {w.max():g}"
        raise DataError("weights", "must be finite, at least 0 and not all 0", got, "pass likelihood ratios")
    return np.asarray(w / w.mean())


def check_amount(value: float, *, argument: str, unit: str = "USD") -> float:
    """Return a finite amount of at least 0.

    Raises
    ------
    ArgumentError
        When it is negative, NaN or infinite.

    Examples
    --------
    >>> check_amount(0, argument="fund")
    0.0
    """
    return check_not_negative(value, argument=argument, unit=unit)
