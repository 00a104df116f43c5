"""Bars checked, and the variance that each bar shows on its own.

A frame with open, high, low and close on UTC times enters; the same numbers leave checked, or one variance
a bar and estimator. `volkit.volatility.measured.ranges` averages them over windows.
"""

import numpy as np
import pandas as pd

from volkit.checks import check_times, real_floats
from volkit.errors import DataError

__all__ = ["bar_variances", "check_bars"]

_PRICES = ["open", "high", "low", "close"]


def check_bars(bars: pd.DataFrame, *, argument: str = "bars", minimum: int = 1) -> pd.DataFrame:
    """Return open, high, low and close as float64 on UTC times, after checking their order.

    Parameters
    ----------
    bars : DataFrame, shape (n_obs, n_columns)
        Prices in the columns open, high, low, close, any unit; other columns are left out. NaN means that there
        is no such price.
    argument : str
        Name of the argument for messages.
    minimum : int
        Least number of complete bars.

    Returns
    -------
    DataFrame, shape (n_obs, 4)
        Same values; a bar that lacks one of its four prices lacks them all, so that every estimator leaves out
        the same bars.

    Raises
    ------
    DataError
        For a missing column, bad times, text, an infinite price or one of zero or less, a high below or a low above
        another price of its bar, or too few complete bars.

    Notes
    -----
    Prices are not repaired. A settlement outside the day's range is a fact of some sources
    (`volkit.inspect_bars` counts them), but no range estimator is defined on it.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=1, tz="UTC")
    >>> bars = pd.DataFrame({"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 3.0}, index=times)
    >>> check_bars(bars).columns.tolist()
    ['open', 'high', 'low', 'close']
    """
    absent = [c for c in _PRICES if not isinstance(bars, pd.DataFrame) or c not in bars.columns]
    if absent:
        got = type(bars).__name__ if not isinstance(bars, pd.DataFrame) else f"no {', '.join(absent)}"
        raise DataError(argument, f"must be a frame with {', '.join(_PRICES)}", got, "pass the bars of one symbol")
    index = check_times(bars.index, argument=argument)
    try:
        values = real_floats(bars[_PRICES])
    except (TypeError, ValueError) as error:
        raise DataError(argument, "must be numbers", "a column of text", "use pd.to_numeric first") from error
    repair = "correct them, or set these bars to missing (a window that holds one is NaN)"
    for wrong, requirement, what in (
        (np.isinf(values).any(axis=1), "must be finite", "with an infinite price"),
        ((values <= 0.0).any(axis=1), "must have positive prices", "with a price of zero or less"),
        (_disordered(values), "must have low <= open, close <= high", "out of order"),
    ):
        if wrong.any():
            got = f"{int(wrong.sum())} bars {what}, first at {index[wrong][0]}"
            raise DataError(argument, requirement, got, repair)
    incomplete = np.isnan(values).any(axis=1)
    if (complete := int((~incomplete).sum())) < minimum:
        remedy = "pass a longer history or a smaller window"
        raise DataError(argument, f"must have at least {minimum} complete bars", str(complete), remedy)
    return pd.DataFrame(np.where(incomplete[:, None], np.nan, values), index=index, columns=_PRICES)


def bar_variances(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the variance that each bar shows, by estimator (decimal squared, per period).

    Parameters
    ----------
    bars : DataFrame, shape (n_obs, n_columns)
        As in `check_bars`.

    Returns
    -------
    DataFrame, shape (n_obs, 5)
        `close_to_close` (the squared log return), `parkinson`, `garman_klass`, `rogers_satchell` and
        `garman_klass_yang_zhang`. NaN for a bar that lacks a price; the first and the last also where the close
        before is missing, and so in the first row.

    Raises
    ------
    DataError
        For what `check_bars` refuses.

    Notes
    -----
    With u = ln(high/open), d = ln(low/open), c = ln(close/open) and g = ln(open/close before):
    close-to-close (g + c)^2; Parkinson (u - d)^2 / (4 ln 2) [1]_; Garman-Klass (u - d)^2 / 2 - (2 ln 2 - 1) c^2
    [2]_; Rogers-Satchell u (u - c) + d (d - c) [3]_; with the gap, g^2 + Garman-Klass [4]_. One bar says little:
    the standard deviation of these numbers is 0.5 to 1.4 times their mean. Parkinson, Garman-Klass and
    Rogers-Satchell do not see the gap between bars.

    References
    ----------
    .. [1] Parkinson, M. (1980), The extreme value method for estimating the variance of the rate of return,
       Journal of Business 53(1), 61-65.
    .. [2] Garman, M. B. and Klass, M. J. (1980), On the estimation of security price volatilities from historical
       data, Journal of Business 53(1), 67-78.
    .. [3] Rogers, L. C. G. and Satchell, S. E. (1991), Estimating variance from high, low and closing prices,
       Annals of Applied Probability 1(4), 504-512.
    .. [4] Yang, D. and Zhang, Q. (2000), Drift-independent volatility estimation based on high, low, open, and
       close prices, Journal of Business 73(3), 477-492.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> bar_variances(bars).mean().mul(252).round(4).tolist()
    [0.0365, 0.0253, 0.022, 0.0214, 0.0227]
    """
    checked = check_bars(bars)
    previous = checked["close"].shift(1)
    g = np.log(checked["open"] / previous)
    u, d, c = (np.log(checked[name] / checked["open"]) for name in ("high", "low", "close"))
    garman_klass = 0.5 * (u - d) ** 2 - (2.0 * np.log(2.0) - 1.0) * c**2
    return pd.DataFrame(
        {
            "close_to_close": np.log(checked["close"] / previous) ** 2,
            "parkinson": (u - d) ** 2 / (4.0 * np.log(2.0)),
            "garman_klass": garman_klass,
            # Both products are of one sign; a logarithm's last digit must not make them negative.
            "rogers_satchell": np.maximum(u * (u - c), 0.0) + np.maximum(d * (d - c), 0.0),
            "garman_klass_yang_zhang": g**2 + garman_klass,
        }
    )


def _disordered(values: np.ndarray) -> np.ndarray:
    opened, high, low, close = values.T
    # Comparisons with NaN are false: what is missing is not out of order.
    return np.asarray((high < opened) | (high < close) | (low > opened) | (low > close) | (high < low))
