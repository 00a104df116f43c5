"""P-values of every pair of a matrix, adjusted for how many pairs there are."""

from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_choice, check_count
from volkit.errors import ArgumentError
from volkit.parallel import progress
from volkit.validation.blocks import block_indices
from volkit.validation.multiplicity import benjamini_yekutieli, holm, romano_wolf

__all__ = ["ADJUSTMENTS", "Adjustment", "adjust", "bootstrap_scores", "pair_p_values", "symmetric"]

Adjustment = Literal["benjamini-yekutieli", "holm", "romano-wolf"]
ADJUSTMENTS: dict[str, str] = {
    "benjamini-yekutieli": "Benjamini-Yekutieli",
    "holm": "Holm",
    "romano-wolf": "Romano-Wolf, circular block bootstrap",
}


def pair_p_values(correlation: np.ndarray, standard_error: np.ndarray, degrees_of_freedom: np.ndarray) -> np.ndarray:
    """Return two-sided p-values of a correlation of zero, shape (n_pairs,); 0 where the pairs lie on a line.

    Examples
    --------
    >>> pair_p_values(np.array([0.2, 1.0]), np.array([0.1, 0.0]), np.array([15, 15])).round(3).tolist()
    [0.061, 0.0]
    """
    on_a_line = standard_error == 0.0
    inside = np.where(on_a_line, 0.0, correlation)
    statistic = np.abs(np.arctanh(inside)) / np.where(on_a_line, 1.0, standard_error)
    return np.where(on_a_line, 0.0, 2.0 * stats.t.sf(statistic, degrees_of_freedom))


def adjust(
    values: np.ndarray, p_values: np.ndarray, *, adjustment: Adjustment, n_draws: int, rng: np.random.Generator | None
) -> np.ndarray:
    """Return the p-values of all pairs adjusted for their number, shape (n_pairs,).

    Parameters
    ----------
    values : ndarray, shape (n_obs, n_assets)
        The changes, NaN where missing; looked at by Romano-Wolf only.
    p_values : ndarray, shape (n_pairs,)
        In the order of `numpy.triu_indices`.
    adjustment : {"benjamini-yekutieli", "holm", "romano-wolf"}
        Share of false discoveries, chance of any, and the latter with the dependence of the pairs.
    n_draws : int
        Of the bootstrap.
    rng : Generator or None
        Needed by Romano-Wolf.

    Raises
    ------
    ArgumentError
        For another adjustment, or Romano-Wolf without a generator.

    Notes
    -----
    Romano-Wolf compares normal scores of the p-values with `bootstrap_scores`: each pair's own size comes from its
    interval, which knows how uncertain a standard error is, and the draws bring the dependence of the pairs only.

    Examples
    --------
    >>> p = np.array([0.01, 0.04, 0.03])
    >>> adjust(np.zeros((0, 3)), p, adjustment="holm", n_draws=999, rng=None).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    check_choice(adjustment, argument="adjustment", choices=ADJUSTMENTS)
    if adjustment != "romano-wolf":
        return (holm if adjustment == "holm" else benjamini_yekutieli)(p_values)
    if rng is None:
        remedy = "pass for example rng=numpy.random.default_rng(1)"
        raise ArgumentError("rng", "must be a generator for Romano-Wolf's bootstrap", "None", remedy)
    draws = check_count(n_draws, argument="n_draws", minimum=99, unit="draws")
    # A pair on a line has a p-value of 0, no score and no draws: it is certain, and takes no part in the others'.
    certain = p_values == 0.0
    scores = np.where(certain, np.nan, stats.norm.isf(0.5 * p_values))
    adjusted = romano_wolf(scores, bootstrap_scores(values, n_draws=draws, rng=rng))
    return np.where(certain, 1.0 / (draws + 1.0), adjusted)


def bootstrap_scores(values: np.ndarray, *, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return |atanh r* - atanh r| over its root mean square, of rows drawn in blocks, shape (n_draws, n_pairs).

    Notes
    -----
    Circular blocks of n^(1/3) rows, the same for all series, so that the dependence of the pairs stays. Each pair
    uses the drawn rows that both series have. NaN for pairs on a line.

    Examples
    --------
    >>> x = np.random.default_rng(1).standard_normal((100, 3))
    >>> scores = bootstrap_scores(x, n_draws=99, rng=np.random.default_rng(1))
    >>> scores.shape, float((scores**2).mean().round(12))
    ((99, 3), 1.0)
    """
    n, size = values.shape
    length = max(1, round(n ** (1.0 / 3.0)))
    deviation = values - np.nanmean(values, axis=0)
    deviation = deviation / np.nanmax(np.abs(deviation), axis=0)
    seen = np.isfinite(deviation)
    filled, mask = np.where(seen, deviation, 0.0), seen.astype(np.float64)
    cells = np.triu_indices(size, k=1)
    shifts = np.empty((n_draws, len(cells[0])))
    for draw in progress(range(n_draws), label="resampled matrices"):
        rows = block_indices(n, block=length, n_replications=1, rng=rng)[0]
        shifts[draw] = _pairwise(filled[rows], mask[rows])[cells]
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = np.abs(np.arctanh(shifts) - np.arctanh(_pairwise(filled, mask)[cells]))
        return np.asarray(shifts / np.sqrt((shifts**2).mean(axis=0)))


def symmetric(pairs: np.ndarray, labels: pd.Index, *, diagonal: np.ndarray | float) -> pd.DataFrame:
    """Return a symmetric frame from one value a pair, in the order of `numpy.triu_indices`.

    Examples
    --------
    >>> symmetric(np.array([0.5]), pd.Index(["a", "b"]), diagonal=1.0).to_numpy().tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    size = len(labels)
    values = np.zeros((size, size), dtype=np.result_type(pairs, np.asarray(diagonal)))
    values[np.triu_indices(size, k=1)] = pairs
    values = values + values.T
    values[np.diag_indices(size)] = diagonal
    return pd.DataFrame(values, index=labels, columns=labels)


def _pairwise(filled: np.ndarray, mask: np.ndarray) -> np.ndarray:
    count = mask.T @ mask
    mean = filled.T @ mask / count
    variance = (filled**2).T @ mask / count - mean**2
    covariance = filled.T @ filled / count - mean * mean.T
    return np.asarray(np.clip(covariance / np.sqrt(variance * variance.T), -1.0, 1.0))
