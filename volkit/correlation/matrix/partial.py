"""Correlation of two series beyond what they share with all the others."""

from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence
from volkit.correlation.estimates import CorrelationMatrix
from volkit.correlation.inputs import MINIMUM_PAIRS, warn_small
from volkit.correlation.intervals import ewc_band
from volkit.correlation.matrix.complete import check_complete
from volkit.correlation.matrix.family import ADJUSTMENTS, adjust, pair_p_values, symmetric
from volkit.errors import DataError
from volkit.results import Provenance, freeze

__all__ = ["partial_correlations"]

# Beyond this condition number of the correlation matrix its inverse has no eight digits left.
_LARGEST_CONDITION = 1e8


def partial_correlations(
    changes: pd.DataFrame,
    *,
    confidence: float = 0.95,
    adjustment: Literal["benjamini-yekutieli", "holm"] = "benjamini-yekutieli",
    provenance: Provenance | None = None,
) -> CorrelationMatrix:
    """Return the correlation of every pair given all other columns, with intervals and adjusted p-values.

    Parameters
    ----------
    changes : DataFrame, shape (n_obs, n_assets)
        Changes of three series or more, each column in its own unit. Rows with a missing value are left out.
    confidence : float
        Of each two-sided interval, fraction.
    adjustment : {"benjamini-yekutieli", "holm"}
        Of the p-values for the number of pairs.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CorrelationMatrix
        Shape (n_assets, n_assets), no unit; `n` is the count of complete rows.

    Raises
    ------
    ArgumentError
        For a bad confidence or adjustment.
    DataError
        As `check_complete`; for two series; when the rows are fewer than the series and 20 more; when one series
        is (nearly) a sum of others.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 rows more than there are other series.

    Notes
    -----
    With P the inverse of the correlation matrix, -P_ij / sqrt(P_ii P_jj), which is the correlation of the
    residuals of both on all others. The interval is that of `intervals.ewc_band` on these residuals, its standard
    error times sqrt(n / (n - n_assets + 2)) for the coefficients that were estimated. "Given the others" is no cause.

    References
    ----------
    .. [1] Anderson (2003), An Introduction to Multivariate Statistical Analysis, 3rd ed., section 4.3.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=500, tz="UTC")
    >>> market, a, b = np.random.default_rng(1).standard_normal((3, 500))
    >>> moves = pd.DataFrame({"SPX": market, "BTC": market + a, "ETH": market + b}, index=times)
    >>> partial_correlations(moves).summary().loc["BTC", "ETH"]
    '0.09 (0.01 to 0.17)'
    """
    level = check_confidence(confidence)
    check_choice(adjustment, argument="adjustment", choices=("benjamini-yekutieli", "holm"))
    data = check_complete(changes)
    n, size = data.values.shape
    if size < 3 or n < size + MINIMUM_PAIRS:
        got = f"{n} complete rows of {size} series"
        remedy = "pass a longer history or fewer series, or read the inverse of shrunk_correlation(changes)"
        raise DataError("changes", f"must hold three series and {MINIMUM_PAIRS} rows more than series", got, remedy)
    warn_small(n - size + 2, what=f"the partial correlations of {size} series")
    u = data.values - data.values.mean(axis=0)
    u = u / np.abs(u).max(axis=0)
    u = u / np.sqrt((u**2).mean(axis=0))
    precision = _inverse(u.T @ u / n, data.labels)
    residuals = u @ precision
    i, j = np.triu_indices(size, k=1)
    bands = [
        ewc_band(*_pair_residuals(residuals, precision, int(a), int(b)), confidence=level)
        for a, b in zip(i.tolist(), j.tolist(), strict=True)
    ]
    fields = ("correlation", "standard_error", "degrees_of_freedom")
    r, se, freedom = (np.array([getattr(band, field)[0] for band in bands]) for field in fields)
    inflation = np.sqrt(n / (n - size + 2.0))
    p = pair_p_values(r, se * inflation, freedom)
    adjusted = adjust(data.values, p, adjustment=adjustment, n_draws=0, rng=None)
    lower, upper = (
        np.tanh(np.arctanh(r) + inflation * (np.arctanh([getattr(b, side)[0] for b in bands]) - np.arctanh(r)))
        for side in ("lower", "upper")
    )
    frames = [symmetric(v, data.labels, diagonal=1.0) for v in (r, lower, upper)]
    return CorrelationMatrix(
        correlation=freeze(frames[0]),
        lower=freeze(frames[1]),
        upper=freeze(frames[2]),
        n=freeze(symmetric(np.full(len(r), n), data.labels, diagonal=n)),
        p_value=freeze(symmetric(p, data.labels, diagonal=np.nan)),
        p_adjusted=freeze(symmetric(adjusted, data.labels, diagonal=np.nan)),
        adjustment=ADJUSTMENTS[adjustment],
        method=f"partial Pearson given the {size - 2} other series, EWC-HAR interval",
        confidence=level,
        n_obs=len(changes),
        start=data.index[0],
        as_of=data.index[-1],
        provenance=provenance or Provenance(()),
    )


def _inverse(correlation: np.ndarray, labels: pd.Index) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(correlation)
    if eigenvalues[0] * _LARGEST_CONDITION <= eigenvalues[-1]:
        named = labels[np.argsort(-np.abs(vectors[:, 0]))[:3]]
        got = f"a singular correlation matrix; {', '.join(map(str, named))} determine one another"
        remedy = "leave one of them out, or use shrunk_correlation, which always has an inverse"
        raise DataError("changes", "must have no series that is a sum of others", got, remedy)
    return np.asarray((vectors / eigenvalues) @ vectors.T)


def _pair_residuals(residuals: np.ndarray, precision: np.ndarray, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the residuals of two series on all others, each of shape (1, n)."""
    block = precision[np.ix_([i, j], [i, j])]
    both = np.linalg.solve(block, residuals[:, [i, j]].T)
    return both[:1], both[1:]
