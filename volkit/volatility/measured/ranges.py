"""Volatility measured from bars over a window: highs and lows tell more than closes.

Bars of one symbol enter, one volatility a period leaves: NaN until the window is full, and NaN while the window
holds a bar that lacks a price. Definitions are those of the R package TTR, so that numbers can be compared.
"""

from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count
from volkit.volatility.measured.bars import bar_variances, check_bars

__all__ = [
    "RangeEstimator",
    "garman_klass_volatility",
    "garman_klass_yang_zhang_volatility",
    "parkinson_volatility",
    "range_volatility",
    "rogers_satchell_volatility",
    "yang_zhang_volatility",
]

RangeEstimator: TypeAlias = Literal[
    "close_to_close",
    "parkinson",
    "garman_klass",
    "rogers_satchell",
    "garman_klass_yang_zhang",
    "yang_zhang",
]

# Rows of windows in one piece of work: 30-period windows then fill 8 MB, not the memory.
_CELLS = 1_000_000


def range_volatility(bars: pd.DataFrame, *, estimator: RangeEstimator, window: int) -> pd.Series:
    """Return the volatility of the last `window` bars by a named estimator, per period.

    Parameters
    ----------
    bars : DataFrame, shape (n_obs, n_columns)
        Prices in the columns open, high, low, close, on UTC times; NaN where there is no price.
    estimator : {"close_to_close", "parkinson", "garman_klass", "rogers_satchell", "garman_klass_yang_zhang", \
"yang_zhang"}
        What is measured.
    window : int
        Number of bars. `close_to_close` takes the window - 1 returns between its closes, as TTR does, and needs 3
        bars; `close_to_close_volatility` counts returns instead.

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period, named after the estimator.

    Raises
    ------
    ArgumentError, DataError
        For another estimator, a window too small for it, and for what `volkit.volatility.bars.check_bars` refuses.

    Notes
    -----
    Without drift and without gaps between bars (crypto), Garman-Klass is the sharpest; with drift Rogers-Satchell;
    with gaps (exchange sessions) Yang-Zhang. `volkit.volatility.measured.efficiency` measures each of these statements.
    Highs and lows of thin markets are seen too seldom: every range estimator is then too low.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> names = ("close_to_close", "parkinson", "yang_zhang")
    >>> [round(range_volatility(bars, estimator=n, window=30).iloc[-1].item() * 252**0.5, 4) for n in names]
    [0.2689, 0.2247, 0.2439]
    """
    check_choice(estimator, argument="estimator", choices=get_args(RangeEstimator))
    if estimator == "yang_zhang":
        return yang_zhang_volatility(bars, window=window)
    if estimator != "close_to_close":
        return _root_of_mean(bars, estimator, window)
    width = check_count(window, argument="window", minimum=3, unit="bars")
    close = check_bars(bars, minimum=width)["close"]
    returns = np.log(close).diff().to_numpy()
    return pd.Series(np.sqrt(_windowed(returns, width - 1, "variance")), index=close.index, name=estimator)


def parkinson_volatility(bars: pd.DataFrame, *, window: int) -> pd.Series:
    """Return Parkinson's volatility of the last `window` bars, per period.

    Parameters
    ----------
    bars : DataFrame, shape (n_obs, n_columns)
        Prices in the columns open, high, low, close, on UTC times; NaN where there is no price.
    window : int
        Number of bars, at least 1.

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period.

    Raises
    ------
    ArgumentError, DataError
        For a window below 1, and for what `volkit.volatility.bars.check_bars` refuses.

    Notes
    -----
    s^2 = mean of ln(high/low)^2 / (4 ln 2); 4.9 times as efficient as squared returns [1]_. Too high under drift,
    and blind to gaps between bars.

    References
    ----------
    .. [1] Parkinson, M. (1980), The extreme value method for estimating the variance of the rate of return,
       Journal of Business 53(1), 61-65.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> round(parkinson_volatility(bars, window=10).iloc[-1].item() * 252**0.5, 4)
    0.2988
    """
    return _root_of_mean(bars, "parkinson", window)


def garman_klass_volatility(bars: pd.DataFrame, *, window: int) -> pd.Series:
    """Return Garman and Klass's volatility of the last `window` bars, per period.

    Parameters
    ----------
    bars, window
        As in `parkinson_volatility`: prices by UTC time, and a number of bars (at least 1).

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period.

    Raises
    ------
    ArgumentError, DataError
        As `parkinson_volatility`.

    Notes
    -----
    s^2 = mean of ln(high/low)^2 / 2 - (2 ln 2 - 1) ln(close/open)^2, the practical form of [1]_; 7.4
    times as efficient as squared returns. Wrong under drift, and blind to gaps between bars.

    References
    ----------
    .. [1] Garman, M. B. and Klass, M. J. (1980), On the estimation of security price volatilities from historical
       data, Journal of Business 53(1), 67-78.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> round(garman_klass_volatility(bars, window=10).iloc[-1].item() * 252**0.5, 4)
    0.2942
    """
    return _root_of_mean(bars, "garman_klass", window)


def rogers_satchell_volatility(bars: pd.DataFrame, *, window: int) -> pd.Series:
    """Return Rogers and Satchell's volatility of the last `window` bars, per period.

    Parameters
    ----------
    bars, window
        As in `parkinson_volatility`: prices by UTC time, and a number of bars (at least 1).

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period.

    Raises
    ------
    ArgumentError, DataError
        As `parkinson_volatility`.

    Notes
    -----
    s^2 = mean of ln(high/open) ln(high/close) + ln(low/open) ln(low/close) [1]_; right under any drift, 6.0 times as
    efficient as squared returns without one. Blind to gaps between bars.

    References
    ----------
    .. [1] Rogers, L. C. G. and Satchell, S. E. (1991), Estimating variance from high, low and closing prices,
       Annals of Applied Probability 1(4), 504-512.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> round(rogers_satchell_volatility(bars, window=10).iloc[-1].item() * 252**0.5, 4)
    0.2903
    """
    return _root_of_mean(bars, "rogers_satchell", window)


def garman_klass_yang_zhang_volatility(bars: pd.DataFrame, *, window: int) -> pd.Series:
    """Return Garman and Klass's volatility with the gaps between bars added, per period.

    Parameters
    ----------
    bars, window
        As in `parkinson_volatility`: prices by UTC time, and a number of bars (at least 1).

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period; NaN for one row more than the others, since a gap needs the close before.

    Raises
    ------
    ArgumentError, DataError
        As `parkinson_volatility`; one complete bar more is needed.

    Notes
    -----
    s^2 = mean of ln(open/close before)^2 plus the terms of `garman_klass_volatility` ([1]_, after Garman and Klass).
    Wrong under drift; Yang and Zhang's own estimator is right under it.

    References
    ----------
    .. [1] Yang, D. and Zhang, Q. (2000), Drift-independent volatility estimation based on high, low, open, and
       close prices, Journal of Business 73(3), 477-492.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> round(garman_klass_yang_zhang_volatility(bars, window=10).iloc[-1].item() * 252**0.5, 4)
    0.3059
    """
    return _root_of_mean(bars, "garman_klass_yang_zhang", window)


def yang_zhang_volatility(bars: pd.DataFrame, *, window: int) -> pd.Series:
    """Return Yang and Zhang's volatility of the last `window` bars, per period.

    Parameters
    ----------
    bars : DataFrame, shape (n_obs, n_columns)
        Prices in the columns open, high, low, close, on UTC times; NaN where there is no price.
    window : int
        Number of bars, at least 2.

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period; NaN for one row more than Parkinson's, since a gap needs the close before.

    Raises
    ------
    ArgumentError, DataError
        For a window below 2, for fewer than window + 1 complete bars, and for what
        `volkit.volatility.bars.check_bars` refuses.

    Notes
    -----
    s^2 = s_gap^2 + k s_c^2 + (1 - k) s_rs^2, k = 0.34 / (1.34 + (n + 1) / (n - 1)) [1]_, with n
    the window, s_gap^2 and s_c^2 the sample variances of ln(open/close before) and ln(close/open), and s_rs^2
    Rogers and Satchell's. Right under drift and with gaps; a market without gaps gains nothing from it.

    References
    ----------
    .. [1] Yang, D. and Zhang, Q. (2000), Drift-independent volatility estimation based on high, low, open, and
       close prices, Journal of Business 73(3), 477-492.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> round(yang_zhang_volatility(bars, window=10).iloc[-1].item() * 252**0.5, 4)
    0.3077
    """
    n = check_count(window, argument="window", minimum=2, unit="bars")
    checked = check_bars(bars, minimum=n + 1)
    gap = np.log(checked["open"] / checked["close"].shift(1)).to_numpy()
    c = np.log(checked["close"] / checked["open"]).to_numpy()
    rs = bar_variances(checked)["rogers_satchell"].to_numpy()
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    variance = _windowed(gap, n, "variance") + k * _windowed(c, n, "variance") + (1.0 - k) * _windowed(rs, n, "mean")
    return pd.Series(np.sqrt(variance), index=checked.index, name="yang_zhang")


def _root_of_mean(bars: pd.DataFrame, estimator: RangeEstimator, window: int) -> pd.Series:
    width = check_count(window, argument="window", unit="bars")
    checked = check_bars(bars, minimum=width + (estimator == "garman_klass_yang_zhang"))
    variance = bar_variances(checked)[estimator]
    return pd.Series(np.sqrt(_windowed(variance.to_numpy(), width, "mean")), index=checked.index, name=estimator)


def _windowed(values: np.ndarray, width: int, statistic: Literal["mean", "variance"]) -> np.ndarray:
    # On windows rather than running sums: a bad bar must not leave a trace after it.
    views = np.lib.stride_tricks.sliding_window_view(values, width)
    result = np.full(len(values), np.nan)
    rows = max(1, _CELLS // width)
    for first in range(0, len(views), rows):
        block = np.ascontiguousarray(views[first : first + rows])
        numbers = block.mean(axis=1) if statistic == "mean" else block.var(axis=1, ddof=1)
        result[first + width - 1 : first + width - 1 + len(block)] = numbers
    return result
