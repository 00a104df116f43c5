"""Returns side by side, checked, and the blocks in which they are drawn again."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_returns, check_times
from volkit.errors import DataError

__all__ = ["check_panel", "default_block", "percentile_limits"]

Floats = npt.NDArray[np.float64]


def check_panel(returns: pd.DataFrame, names: Sequence[str], *, minimum: int, any_unit: bool = False) -> pd.DataFrame:
    """Return the named columns as float64 on UTC times, complete.

    Parameters
    ----------
    returns : DataFrame
        Indexed by aware times.
    names : sequence of str
        Columns.
    minimum : int
        Least number of rows.
    any_unit : bool
        Whether changes of any unit will do, or decimal returns are meant.

    Raises
    ------
    DataError
        For a missing or repeated name, missing values, too few rows, prices or per cent.
    """
    if not isinstance(returns, pd.DataFrame):
        raise DataError("returns", "must be a frame of several series", type(returns).__name__, "pass a frame")
    if returns.columns.has_duplicates:
        twice = returns.columns[returns.columns.duplicated()][0]
        raise DataError("returns", "must name each series once", f"{twice} twice", "rename or drop one of them")
    lacking = [name for name in names if name not in returns.columns]
    if lacking:
        known = ", ".join(map(str, returns.columns))
        raise DataError("returns", f"must have a column {lacking[0]}", f"{known}", "pass the name of a column")
    chosen = returns[list(names)]
    incomplete = chosen.isna().any(axis=1)
    if incomplete.any():
        got = f"{int(incomplete.sum())} of {len(chosen)} rows with a missing value, first {chosen.index[incomplete][0]}"
        raise DataError("returns", "must have every series on every row", got, "use volkit.returns.complete_rows")
    if not any_unit:
        return pd.concat([check_returns(chosen[name], minimum=minimum) for name in names], axis=1)
    values = chosen.astype(np.float64).set_axis(check_times(chosen.index, argument="returns"))
    if not np.isfinite(values.to_numpy()).all():
        raise DataError("returns", "must be finite", "infinite values", "repair the prices")
    if len(values) < minimum:
        raise DataError("returns", f"must have at least {minimum} rows", f"{len(values)}", "pass a longer history")
    return values


def default_block(n_obs: int) -> float:
    """Return the mean length of a bootstrap block, n^(1/3) rows.

    Examples
    --------
    >>> round(default_block(1_000), 6)
    10.0
    """
    return float(np.cbrt(n_obs))


def percentile_limits(draws: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return both limits of the central part of draws along their first axis."""
    low, high = np.quantile(draws, [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence], axis=0)
    return np.asarray(low), np.asarray(high)
