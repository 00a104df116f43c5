"""Volatility measured from realised returns over a window."""

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_returns

__all__ = ["close_to_close_volatility", "zero_mean_volatility"]


def close_to_close_volatility(returns: pd.Series, *, window: int) -> pd.Series:
    """Return the sample standard deviation of the last `window` returns, per period.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal returns on UTC times; NaN allowed, a window that holds one is NaN.
    window : int
        Number of returns, at least 2.

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period; NaN until `window` returns are there.

    Raises
    ------
    ArgumentError, DataError
        For a window below 2, and for what `volkit.checks.check_returns` refuses.

    Notes
    -----
    s_t^2 = sum_i (r_{t-i} - mean)^2 / (window - 1). Unbiased for the variance under any drift; noisier
    than range estimators when highs and lows are there.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import log_returns
    >>> returns = log_returns(BundledSource().load_bars("SPX").frame["close"])
    >>> round(close_to_close_volatility(returns, window=21).loc["2008-10-31"].item() * 252**0.5, 3)
    0.83
    """
    width = check_count(window, argument="window", minimum=2)
    checked = check_returns(returns, minimum=width, allow_missing=True)
    # On sliding views rather than pandas' running sums: a bad print must not leave a trace after it.
    views = np.lib.stride_tricks.sliding_window_view(checked.to_numpy(), width)
    values = np.concatenate([np.full(width - 1, np.nan), views.std(axis=1, ddof=1)])
    return pd.Series(values, index=checked.index, name=checked.name)


def zero_mean_volatility(returns: pd.Series, *, window: int) -> pd.Series:
    """Return the root mean square of the last `window` returns, per period.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Decimal returns on UTC times; NaN allowed, a window that holds one is NaN.
    window : int
        Number of returns, at least 2.

    Returns
    -------
    Series, shape (n_obs,)
        Decimal volatility per period; NaN until `window` returns are there.

    Raises
    ------
    ArgumentError, DataError
        For a window below 2, and for what `volkit.checks.check_returns` refuses.

    Notes
    -----
    s_t^2 = sum_i r_{t-i}^2 / window. Lower variance than the demeaned form at daily steps, where the drift
    is far smaller than its own estimation error.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> zero_mean_volatility(pd.Series([0.03, -0.04, 0.03, -0.04], index=times), window=2).round(5).tolist()
    [nan, 0.03536, 0.03536, 0.03536]
    """
    width = check_count(window, argument="window", minimum=2)
    checked = check_returns(returns, minimum=width, allow_missing=True)
    views = np.lib.stride_tricks.sliding_window_view(checked.to_numpy(), width)
    values = np.concatenate([np.full(width - 1, np.nan), np.sqrt((views**2).mean(axis=1))])
    return pd.Series(values, index=checked.index, name=checked.name)
