"""Pearson, Spearman or Kendall correlations of many series in a moving window, every pair with its count."""

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_positive
from volkit.correlation.inputs import check_frame, warn_small
from volkit.correlation.windows.paths import Method, window_correlations
from volkit.correlation.windows.result import RollingCorrelations
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance

__all__ = ["check_window", "rolling_correlations"]

_SHORTEST_WINDOW = 10
_LEAST_SHARE = 0.5
_WORDS = {"pearson": "Pearson", "spearman": "Spearman (average ranks)", "kendall": "Kendall tau-b"}


def rolling_correlations(
    changes: pd.DataFrame,
    *,
    window: int,
    periods_per_year: float,
    method: Method = "pearson",
    minimum: int | None = None,
    provenance: Provenance | None = None,
) -> RollingCorrelations:
    """Return the correlations of every pair of columns in each window of rows, with counts.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_series)
        Changes, each column in its own unit, UTC times. A row counts for a pair when both have a value; one without
        keeps its place in the window.
    window : int
        Rows (periods of the clock) in a window, at least 10; 90 is the usual choice, and 30 shows mostly noise.
    periods_per_year : float
        Of the clock: 365 for UTC days, 252 for exchange sessions; carried on the result.
    method : {"pearson", "spearman", "kendall"}
        Pearson; Spearman with average ranks for ties; Kendall as tau-b.
    minimum : int, optional
        Complete pairs that a value needs, from 10 to `window`; by default half of the window, which weekday data
        on a clock of calendar days have.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    RollingCorrelations
        Values (no unit) and counts, shape (n_obs, n_pairs), each from the window that ends at its row. NaN before the
        first full window, below the minimum, and where a side is constant over the complete pairs.

    Raises
    ------
    ArgumentError
        For an unknown method, a window below 10 or longer than the sample, a bad minimum or number of periods.
    DataError
        For fewer than two columns, a name twice, levels, infinities, bad times, and when no pair has the minimum of
        complete rows in any window.

    Warns
    -----
    SmallSampleWarning
        For a window below 60.

    Notes
    -----
    Values only, for maps, screens and margin; a line that is to be shown or judged needs its interval
    (`rolling_correlation` of one pair). See `paths.window_correlations` for the arithmetic and its error.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"]))
    >>> rolling_correlations(moves, window=90, method="kendall", periods_per_year=252).latest.round(2).to_list()
    [0.79, -0.65, -0.63]
    """
    kind: Method = check_choice(method, argument="method", choices=_WORDS)  # type: ignore[assignment]
    per_year = check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    columns = check_frame(changes)
    index = pd.DatetimeIndex(columns[0].index)
    width, least = check_window(window, minimum, len(index))
    values = np.column_stack([column.to_numpy() for column in columns])
    found, counts = window_correlations(values, window=width, minimum=least, method=kind)
    most = counts[width - 1 :].max()
    if most < least:
        got = f"at most {most} in {width} rows"
        raise DataError("changes", f"must have {least} complete pairs in some window", got, "pass a smaller minimum")
    warn_small(width, what="each value of these rolling correlations")
    names = [column.name for column in columns]
    first, second = np.triu_indices(len(names), k=1)
    pairs = pd.MultiIndex.from_arrays(
        [[names[i] for i in first], [names[j] for j in second]], names=["first", "second"]
    )
    found.flags.writeable = counts.flags.writeable = False
    return RollingCorrelations(
        values=pd.DataFrame(found, index=index, columns=pairs, copy=False),
        n=pd.DataFrame(counts, index=index, columns=pairs, copy=False),
        method=f"{_WORDS[kind]}, {width} periods",
        window=width,
        minimum=least,
        as_of=index[-1],
        n_obs=len(index),
        periods_per_year=per_year,
        provenance=provenance or Provenance(()),
    )


def check_window(window: int, minimum: int | None, n_rows: int) -> tuple[int, int]:
    """Return a window and the complete pairs that a value in it needs, by default half of the window.

    Raises
    ------
    ArgumentError
        For a window below 10 or longer than the `n_rows` of the sample, a minimum below 10 or above the window.

    Examples
    --------
    >>> check_window(90, None, 1000)
    (90, 45)
    """
    width = check_count(window, argument="window", minimum=_SHORTEST_WINDOW)
    if width > n_rows:
        remedy = f"pass window={n_rows} or less, or a longer history"
        raise ArgumentError("window", f"must fit into the {n_rows} rows of the sample", str(width), remedy)
    if minimum is None:
        return width, max(_SHORTEST_WINDOW, int(np.ceil(_LEAST_SHARE * width)))
    least = check_count(minimum, argument="minimum", minimum=_SHORTEST_WINDOW, unit="complete pairs")
    if least > width:
        raise ArgumentError("minimum", f"must fit into the window of {width}", str(least), f"pass minimum={width}")
    return width, least
