"""Changes over their own volatility of the moment, known before each of them: what a clustering market leaves constant.

In a calm year and in a panic a return of the same size says different things about a correlation. Divided by a
volatility from earlier rows only, changes weigh alike, and intervals and tests on them hold where those on raw
changes do not.
"""

from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from volkit.checks import check_count
from volkit.correlation.inputs import PairedChanges, check_changes
from volkit.errors import DataError
from volkit.volatility.ewma import decay_of

__all__ = ["DEFAULT_HALF_LIFE", "START_ROWS", "devolatilize", "past_volatility", "shocks_of"]

# RiskMetrics' decay of 0.94.
DEFAULT_HALF_LIFE = 11.2
# Earlier values that a volatility needs; the ones before have none.
START_ROWS = 10

Pandas = TypeVar("Pandas", pd.Series, pd.DataFrame)


def devolatilize(changes: Pandas, *, half_life: float = DEFAULT_HALF_LIFE, start: int = START_ROWS) -> Pandas:
    """Return changes over their exponentially weighted volatility of the rows before them.

    Parameters
    ----------
    changes : Series or DataFrame, shape (n_obs,) or (n_obs, n_assets)
        Changes in any unit, UTC times. A NaN stays NaN and adds nothing to the volatility while older values
        age on.
    half_life : float
        Of the weights, in periods; 11.2 is RiskMetrics' decay of 0.94.
    start : int
        Earlier values of a series that its volatility needs, at least 1; 10 by default.

    Returns
    -------
    Series or DataFrame, shape of `changes`
        Without unit, of a variance near one. NaN where the change is NaN, for the first `start` values of each
        series, and where everything so far was zero.

    Raises
    ------
    ArgumentError
        For a half-life that is not positive or a start below 1.
    DataError
        For what `correlation.inputs.check_changes` refuses.

    Notes
    -----
    With decay d = 0.5^(1 / half_life), z_t = x_t / sqrt(v_t) and
    v_t = sum_{s < t} d^(t-1-s) x_s^2 / sum_{s < t} d^(t-1-s) over the rows with a value. The weights add up to one
    from the start on, so the estimate is an expanding mean square that turns into RiskMetrics' recursion
    (Technical Document, 4th ed., 1996, equation 5.3) without a look at later rows. Means are taken as zero.
    Not for levels or for a series with jumps of known date: one large move makes the next month look calm.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> x = pd.Series([0.01, -0.01] * 30, index=times, name="BTC")
    >>> devolatilize(x).tail(2).round(6).tolist()
    [1.0, -1.0]
    """
    rows = check_count(start, argument="start", minimum=1, unit="rows")
    decay = decay_of(half_life)
    if isinstance(changes, pd.DataFrame):
        columns = [_over_volatility(changes[name], decay, rows) for name in changes.columns]
        if not columns:
            raise DataError("changes", "must have a column", "none", "pass at least one series")
        return pd.concat(columns, axis=1)
    return _over_volatility(changes, decay, rows)


def past_volatility(values: np.ndarray, decay: float, start: int = START_ROWS) -> np.ndarray:
    """Return the weighted root mean square of the earlier rows, shape of `values`; time is the last axis.

    NaN with fewer than `start` earlier values and while all of them are zero.

    Examples
    --------
    >>> past_volatility(np.array([3.0, 4.0, 1.0]), 1.0, start=2).round(4)
    array([   nan,    nan, 3.5355])
    """
    seen = np.isfinite(values)
    weight = lfilter([0.0, 1.0], [1.0, -decay], seen.astype(np.float64), axis=-1)
    squares = lfilter([0.0, 1.0], [1.0, -decay], np.where(seen, values, 0.0) ** 2, axis=-1)
    earlier = np.cumsum(seen, axis=-1) - seen
    known = (earlier >= start) & (squares > 0.0)
    return np.asarray(np.sqrt(np.where(known, squares, np.nan) / np.where(known, weight, np.nan)))


def shocks_of(pair: PairedChanges, *, half_life: float = DEFAULT_HALF_LIFE) -> PairedChanges:
    """Return a pair of checked changes, shape (n_rows,), over their past volatility; half-life in periods.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> moves = np.array([0.01, -0.01] * 30)
    >>> float(shocks_of(PairedChanges(times, moves, moves, ("BTC", "ETH"))).x[-1].round(6))
    -1.0
    """
    decay = decay_of(half_life)
    x, y = (values / past_volatility(values, decay) for values in (pair.x, pair.y))
    return PairedChanges(pair.index, x, y, pair.names)


def _over_volatility(changes: pd.Series, decay: float, start: int) -> pd.Series:
    checked = check_changes(changes, argument="changes")
    values = checked.to_numpy()
    return pd.Series(values / past_volatility(values, decay, start), index=checked.index, name=checked.name)
