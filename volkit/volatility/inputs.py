"""Returns and regressors, checked and brought onto one clock before a model sees them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_returns, check_times
from volkit.errors import ArgumentError, DataError
from volkit.results import freeze

__all__ = ["FitInputs", "read_inputs"]

# Squares of smaller returns lose their digits.
_LEAST_SIZE = 1e-140


@dataclass(frozen=True, slots=True)
class FitInputs:
    """What a model is fitted to.

    Attributes
    ----------
    returns : Series, shape (n,)
        Decimal, UTC.
    values : ndarray, shape (n,)
        The same as an array of its own.
    regressors : DataFrame, shape (n + 1, n_x), or None
        A row for each return and for the period after the last.
    pushes : ndarray, shape (n_x, n + 1)
        The same as an array.
    """

    returns: pd.Series
    values: np.ndarray
    regressors: pd.DataFrame | None
    pushes: np.ndarray


def read_inputs(
    returns: pd.Series, regressors: pd.DataFrame | None, *, names: tuple[str, ...], minimum: int
) -> FitInputs:
    """Return checked returns, shape (n,), and regressors of the variance on the returns' clock.

    Raises
    ------
    DataError
        For what `check_returns` refuses; for regressors with missing rows or columns, NaN, no row after the last
        return, or no variation.
    ArgumentError
        When regressors come for a model that has none, or none for a model that has.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> returns = pd.Series([0.01, -0.02, 0.01], index=times[:3])
    >>> weekend = pd.DataFrame({"weekend": (times.day_of_week > 1) * 1.0}, index=times)
    >>> read_inputs(returns, weekend, names=("weekend",), minimum=2).pushes
    array([[0., 0., 1., 1.]])
    """
    checked = check_returns(returns, minimum=minimum)
    values = np.array(checked.to_numpy())
    spread = float(np.abs(values).max())
    if not spread > _LEAST_SIZE:
        raise DataError(
            f"returns of {checked.name}",
            "must be large enough for their squares to be numbers",
            f"none above {spread:.2g}",
            "give them another unit, or check that the series was traded at all",
        )
    if not names:
        if regressors is not None:
            raise ArgumentError(
                "regressors",
                "must be left out for a model without regressors",
                f"columns {', '.join(map(str, regressors.columns))}",
                "name them in the model, e.g. Garch(regressors=('weekend',))",
            )
        return FitInputs(checked, values, None, np.zeros((0, len(values) + 1)))
    if regressors is None:
        raise ArgumentError(
            "regressors",
            f"must be given: the model asks for {', '.join(names)}",
            "None",
            "pass a frame with a row a period, the next one included",
        )
    frame = _on_clock(regressors, checked.index, names)
    # A writable array of its own: kernels are compiled again for read-only ones.
    return FitInputs(checked, values, freeze(frame), np.array(frame.to_numpy().T, order="C"))


def _on_clock(regressors: pd.DataFrame, times: pd.DatetimeIndex, names: tuple[str, ...]) -> pd.DataFrame:
    if missing := [n for n in names if n not in regressors.columns]:
        raise DataError(
            "regressors", f"must have columns {', '.join(names)}", f"none named {', '.join(missing)}", "add them"
        )
    index = check_times(regressors.index, argument="regressors")
    frame = regressors[list(names)].astype(np.float64).set_axis(index)
    absent = times.difference(index)
    if len(absent):
        raise DataError(
            "regressors",
            "must have a row for every return",
            f"none for {len(absent)} of {len(times)}, first {absent[0]}",
            "reindex them on the returns' times and say what a missing value is",
        )
    later = index[index > times[-1]]
    if not len(later):
        raise DataError(
            "regressors",
            "must reach one period beyond the last return, whose variance is forecast",
            f"a last row at {index[-1]}",
            "add the row of the next period; what is in it must be known before",
        )
    frame = frame.loc[times.append(later[:1])]
    bad = ~np.isfinite(frame.to_numpy())
    if bad.any():
        first = frame.index[bad.any(axis=1)][0]
        raise DataError(
            "regressors", "must be finite", f"{int(bad.sum())} NaN or infinite values, first at {first}", "repair them"
        )
    for name in names:
        if np.ptp(frame[name].to_numpy()[: len(times)]) == 0.0:
            raise DataError(
                f"regressor {name}",
                "must vary: a constant cannot be told from omega",
                f"{len(times)} times the value {frame[name].iloc[0]:g}",
                "leave it out",
            )
    return frame
