"""Returns and changes: from closes to the numbers that models take.

Nothing is filled: a return exists where both prices do, and is NaN elsewhere. Simple returns are what a
position gains or loses (margins); log returns add up over time (volatility, correlation); yields change in
basis points.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_fraction, check_kind, check_table, check_times
from volkit.conventions import BASIS_POINTS_PER_PERCENT
from volkit.errors import DataError, DataLossError
from volkit.prices import PricePanel
from volkit.results import ResultDisplay, freeze

__all__ = ["CompleteRows", "changes", "complete_rows", "log_returns", "mask_not_positive", "simple_returns"]

Prices = TypeVar("Prices", pd.Series, pd.DataFrame)


def simple_returns(close: Prices) -> Prices:
    """Return simple returns (decimal) between successive rows, the first row left out.

    Parameters
    ----------
    close : Series or DataFrame, shape (n_obs, ...)
        Positive prices on UTC times; NaN where there is none.

    Returns
    -------
    Series or DataFrame, shape (n_obs - 1, ...)
        Decimals; NaN where either price is missing.

    Raises
    ------
    DataError
        For bad times, or a price of zero or less.

    Examples
    --------
    >>> close = pd.Series([7935.0, 4800.0], index=pd.date_range("2020-03-11", periods=2, tz="UTC"))
    >>> simple_returns(close).round(3).tolist()
    [-0.395]
    """
    checked = _check_prices(close)
    return checked.iloc[1:] / checked.shift(1).iloc[1:] - 1.0


def log_returns(close: Prices) -> Prices:
    """Return log returns (decimal) between successive rows, the first row left out.

    Parameters
    ----------
    close : Series or DataFrame, shape (n_obs, ...)
        Positive prices on UTC times; NaN where there is none.

    Returns
    -------
    Series or DataFrame, shape (n_obs - 1, ...)
        Decimals; NaN where either price is missing.

    Raises
    ------
    DataError
        For bad times, or a price of zero or less.

    Examples
    --------
    >>> close = pd.Series([100.0, 105.0], index=pd.date_range("2024-01-01", periods=2, tz="UTC"))
    >>> log_returns(close).round(5).tolist()
    [0.04879]
    """
    checked = _check_prices(close)
    return np.log(checked).diff().iloc[1:]


def changes(panel: PricePanel) -> pd.DataFrame:
    """Return each series' change in its own transform: log returns, basis points or differences.

    Parameters
    ----------
    panel : PricePanel
        From `align`.

    Returns
    -------
    DataFrame, shape (n_obs - 1, n_series)
        Log returns (decimal) for prices, basis points for yields, differences for other levels, as
        ``panel.specs[name].change_unit`` says. NaN where either price is missing.

    Raises
    ------
    DataError
        When a series of log returns has a price of zero or less: see `mask_not_positive`.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.sources.bundled import BundledSource
    >>> changes(load_prices(BundledSource(), ["SPX", "NASDAQ"])).shape
    (5030, 2)
    """
    check_kind(panel, PricePanel, argument="panel", remedy="pass what load_prices returns")
    columns = {}
    for name, spec in panel.specs.items():
        close = panel.close[name]
        if spec.transform == "log":
            columns[name] = log_returns(close)
        else:
            scale = BASIS_POINTS_PER_PERCENT if spec.transform == "basis_points" else 1.0
            columns[name] = close.diff().iloc[1:] * scale
    return pd.DataFrame(columns)


def mask_not_positive(panel: PricePanel) -> tuple[PricePanel, pd.Series]:
    """Return the panel with prices of zero or less set to missing, and how many were set, by series.

    Only series whose changes are log returns are touched: WTI settled at -37.63 on 2020-04-20, and no log
    return exists into or out of that day.

    Parameters
    ----------
    panel : PricePanel
        From `align`.

    Returns
    -------
    tuple of PricePanel and Series
        The panel (same shape, UTC) and the counts.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.sources.bundled import BundledSource
    >>> int(mask_not_positive(load_prices(BundledSource(), ["SPX"]))[1].sum())
    0
    """
    check_kind(panel, PricePanel, argument="panel", remedy="pass what load_prices returns")
    logs = [n for n, s in panel.specs.items() if s.transform == "log"]
    bad = panel.close[logs] <= 0
    if not bad.to_numpy().any():
        return panel, bad.sum()
    close = panel.close.copy()
    close[logs] = close[logs].mask(bad)
    return replace(panel, close=freeze(close)), bad.sum()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CompleteRows(ResultDisplay):
    """Rows without a missing value, and the count of the others.

    Attributes
    ----------
    frame : DataFrame, shape (n_obs, n_series)
        The complete rows.
    n_before : int
        Rows before.
    missing_by_series : Series
        Missing values by column, before.
    """

    frame: pd.DataFrame
    n_before: int
    missing_by_series: pd.Series

    @property
    def n_dropped(self) -> int:
        """Rows dropped."""
        return self.n_before - len(self.frame)

    @property
    def headline(self) -> str:
        """Rows kept and dropped in one line."""
        return f"{len(self.frame)} of {self.n_before} rows, {self.n_dropped} dropped"

    def summary(self) -> pd.DataFrame:
        """Return missing values by series (rows)."""
        return self.missing_by_series.rename("missing values (rows)").to_frame()


def complete_rows(frame: pd.DataFrame, *, max_loss: float = 0.10) -> CompleteRows:
    """Return the rows in which every series has a value, within a budget.

    Parameters
    ----------
    frame : DataFrame, shape (n_obs, n_series)
        Returns or changes, NaN where missing, UTC times.
    max_loss : float
        Largest share of rows that may go, decimal.

    Returns
    -------
    CompleteRows
        The rows and the counts.

    Raises
    ------
    DataLossError
        When more would be dropped; names the series with most missing values.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, tz="UTC")
    >>> frame = pd.DataFrame({"BTC": [0.01, 0.02, 0.0, -0.01], "SPX": [0.01, None, 0.0, 0.01]}, index=times)
    >>> complete_rows(frame, max_loss=0.25)
    <CompleteRows: 3 of 4 rows, 1 dropped>
    """
    budget = check_fraction(max_loss, argument="max_loss")
    missing = check_table(frame, argument="frame").isna().sum()
    kept = frame.dropna()
    lost = 1.0 - len(kept) / len(frame) if len(frame) else 1.0
    if lost > budget:
        worst, most = (missing.idxmax(), int(missing.max())) if len(missing) else ("no series", 0)
        raise DataLossError(
            "frame",
            f"may lose at most {budget:.3g} of its rows",
            f"{lost:.3g} ({len(frame) - len(kept)} of {len(frame)} rows with a missing value, most in {worst}: {most})",
            f"leave {worst} out, shorten the span, or pass a larger max_loss",
        )
    return CompleteRows(frame=kept, n_before=len(frame), missing_by_series=missing)


def _check_prices(close: Prices) -> Prices:
    if not isinstance(close, (pd.Series, pd.DataFrame)):
        raise DataError("close", "must be a Series or a DataFrame", type(close).__name__, "pass prices by time")
    index = check_times(close.index, argument="close")
    if len(close) < 2:
        raise DataError("close", "must have at least 2 rows", str(len(close)), "pass a longer history")
    values = check_floats(close, argument="close")
    rows = values.reshape(len(values), -1)
    for wrong, what in ((np.isinf(rows), "infinite"), (rows <= 0, "zero or negative")):
        if wrong.any():
            row = int(np.argmax(wrong.any(axis=1)))
            column = close.columns[int(np.argmax(wrong[row]))] if isinstance(close, pd.DataFrame) else close.name
            raise DataError(
                "close" if column is None else f"close of {column}",
                "must be positive and finite",
                f"{int(wrong.sum())} {what} prices, first {rows[row][wrong[row]][0]:g} at {index[row]}",
                "correct them, or set them to missing and count them (volkit.mask_not_positive)",
            )
    return close.set_axis(index, axis=0).astype("float64")
