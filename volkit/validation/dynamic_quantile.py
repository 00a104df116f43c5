"""Can exceptions be foreseen? The dynamic quantile test of Engle and Manganelli.

Hits enter in order of time (True where the loss was strictly above the margin), beside what was known before them; a
`DynamicQuantileTest` leaves. A row whose lags touch a missing hit is not used.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from volkit.checks import check_confidence, check_count, check_floats
from volkit.errors import DataError
from volkit.validation.coverage import Hits, check_hits
from volkit.validation.exact import exception_law, with_law
from volkit.validation.outcome import MarginTest, known_runs

__all__ = ["DynamicQuantileTest", "dynamic_quantile_test"]

# Singular values of columns of unit length below this are rounding.
_SPAN = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class DynamicQuantileTest(MarginTest):
    """Outcome of the dynamic quantile test; what `MarginTest` has, and the design.

    Attributes
    ----------
    n_columns : int
        Columns of the design: constant, margin, instruments, lagged hits.
    rank : int
        Columns that say something of their own; the degrees of freedom.
    lags : int
        Lagged hits among the columns, in periods.
    """

    n_columns: int
    rank: int
    lags: int

    def _details(self) -> dict[str, tuple[float, float, str]]:
        words = "" if self.rank == self.n_columns else "some columns follow from others, e.g. a constant margin"
        return {"columns (count)": (self.n_columns, np.nan, ""), "rank (count)": (self.rank, np.nan, words)}


def dynamic_quantile_test(
    hits: Hits,
    *,
    confidence: float,
    lags: int = 4,
    margins: npt.ArrayLike | None = None,
    instruments: npt.ArrayLike | None = None,
    n_draws: int = 0,
    seed: int = 0,
) -> DynamicQuantileTest:
    """Return Engle and Manganelli's test that hits cannot be foreseen.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time.
    confidence : float
        Target of the margin.
    lags : int
        Lagged hits in the design, in periods.
    margins : array, shape (n,), optional
        Margin of each period, in any unit, known before its loss. A constant margin adds a column and no degree of
        freedom.
    instruments : array, shape (n,) or (n, k), optional
        More that was known before each loss, e.g. the square of the return before.
    n_draws : int
        Simulated samples of the same length, holes and margins behind `exact_p_value`, size and power; 0 for none.
        Not with instruments.
    seed : int
        Of the draws.

    Returns
    -------
    DynamicQuantileTest
        Chi-squared with as many degrees of freedom as the design has rank. NaN with the reason when the rows hold no
        exception or nothing else, or are no more than the columns.

    Raises
    ------
    DataError
        When hits are not flags, none is known, or margins or instruments have other rows or infinities.
    ArgumentError
        For a confidence outside 0.5 to 1, negative lags, from 1 to 99 draws, or draws with instruments.

    Notes
    -----
    With Hit = I - p, p = 1 - confidence and X the design ([1]_, theorem 4 for forecasts out of sample),

    .. math:: DQ = Hit' X (X'X)^+ X' Hit / (p (1 - p)).

    The pseudo-inverse gives the same number whichever columns are redundant, and the rank counts those that are not.
    Where the degrees of freedom are the number of columns, a constant margin moves the p-value (0.066 for 0.037).
    A row with a missing hit, lag, margin or instrument is left out; `n_missing` counts missing hits alone.

    References
    ----------
    .. [1] Engle, R. and Manganelli, S. (2004), CAViaR: conditional autoregressive value at risk by regression
       quantiles, Journal of Business & Economic Statistics 22(4), 367-381.

    Examples
    --------
    >>> hits = np.arange(1, 401) % 19 == 0
    >>> test = dynamic_quantile_test(hits, confidence=0.95, margins=np.full(400, 0.03))
    >>> round(test.statistic, 3), test.degrees_of_freedom, test.n_columns
    (6.105, 5, 6)
    """
    values = check_hits(hits)
    p = 1.0 - check_confidence(confidence)
    n_lags = check_count(lags, argument="lags", minimum=0)
    if n_draws and instruments is not None:
        raise DataError("n_draws", "must be 0 with instruments", str(n_draws), "draws know the margins only")
    margin = _columns(margins, len(values), "margins")
    known = [margin, _columns(instruments, len(values), "instruments")]
    lagged = [np.concatenate([np.full(min(j, len(values)), np.nan), values[:-j]]) for j in range(1, n_lags + 1)]
    X = np.column_stack([np.ones(len(values)), *known, *lagged])
    rows = ~np.isnan(values) & ~np.isnan(X).any(axis=1)
    X, hit = X[rows], values[rows]
    reason = _degenerate(hit, X.shape[1])
    statistic, rank = (np.nan, 0) if reason else _projected(X, hit - p)
    statistic /= p * (1.0 - p)
    test = DynamicQuantileTest(
        name="Engle-Manganelli dynamic quantile",
        statistic=statistic,
        degrees_of_freedom=rank,
        p_value=float(stats.chi2.sf(statistic, rank)) if rank else np.nan,
        n_obs=len(hit),
        n_exceptions=int(hit.sum()),
        confidence=float(confidence),
        n_missing=int(np.isnan(values).sum()),
        reason=reason,
        n_columns=X.shape[1],
        rank=rank,
        lags=n_lags,
    )
    if not n_draws:
        return test
    # A hit without a margin cannot enter a row, and cuts the sample as a missing hit does.
    usable = np.where(np.isnan(margin).any(axis=1), np.nan, values)
    law = exception_law(
        [len(run) for run in known_runs(usable)],
        confidence=confidence,
        margins=margin[~np.isnan(usable), 0] if margin.shape[1] else None,
        lags=n_lags,
        n_draws=n_draws,
        seed=seed,
    )
    return with_law(test, "dynamic_quantile", law)


def _columns(data: npt.ArrayLike | None, n: int, argument: str) -> npt.NDArray[np.float64]:
    if data is None:
        return np.empty((n, 0))
    values = check_floats(data, argument=argument)
    if len(values.shape) not in (1, 2) or len(values) != n or (argument == "margins" and values.ndim != 1):
        rows = "rows" if argument == "instruments" else "numbers"
        raise DataError(argument, f"must be {n} {rows}, one a hit", f"shape {values.shape}", "align them with the hits")
    if np.isinf(values).any():
        raise DataError(argument, "must be finite or missing", f"{int(np.isinf(values).sum())} infinite", "mend them")
    return values.reshape(n, -1)


def _degenerate(hit: npt.NDArray[np.float64], n_columns: int) -> str:
    if len(hit) <= n_columns:
        return f"{len(hit)} rows with known lags for {n_columns} columns"
    if hit.min() == hit.max():
        return f"{'nothing but' if hit[0] else 'no'} exceptions among the rows"
    return ""


def _projected(design: npt.NDArray[np.float64], hit: npt.NDArray[np.float64]) -> tuple[float, int]:
    """Return the squared length of the projection of the hits on the columns, and the rank of the columns."""
    length = np.sqrt(np.sum(design**2, axis=0))
    U, s, _ = np.linalg.svd(design[:, length > 0] / length[length > 0], full_matrices=False)
    rank = int((s > _SPAN).sum())
    return float(np.sum((U[:, :rank].T @ hit) ** 2)), rank
