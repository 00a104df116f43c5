"""Event rows beside matched rows, on plain arrays: measures, bootstrap errors and permutation p-values.

Values and `Matched` rows enter; three numbers a measure leave, with error and p-value. The measures are the mean
absolute move (difference), the volatility (logarithm of the ratio) and the correlation (difference of atanh).
"""

from dataclasses import dataclass

import numpy as np

from volkit.correlation.intervals import ON_A_LINE
from volkit.correlation.macro.matching import Matched

__all__ = ["EventValues", "Measure", "bootstrap_errors", "error_freedom", "measure", "permutation_p_values"]


@dataclass(frozen=True, eq=False, slots=True)
class EventValues:
    """What is measured, by row of the sample.

    Attributes
    ----------
    magnitude, square : ndarray, shape (n_rows,)
        Absolute move (or root of a variance) and its square.
    x, y : ndarray, shape (n_rows,), or None
        The two series of a correlation.
    """

    magnitude: np.ndarray
    square: np.ndarray
    x: np.ndarray | None = None
    y: np.ndarray | None = None

    def columns(self, rows: np.ndarray, shift: int) -> np.ndarray:
        """Return magnitude and square of the rows `shift` after these, and with a pair x, y, xx, yy, xy; (n, q)."""
        at = rows + shift
        columns = [self.magnitude[at], self.square[at]]
        if self.x is not None and self.y is not None:
            x, y = self.x[at], self.y[at]
            columns += [x, y, x * x, y * y, x * y]
        return np.column_stack(columns)

    def over(self, volatility: np.ndarray, other_volatility: np.ndarray) -> "EventValues":
        """Return the values over the volatilities before them, shape (n_rows,) each: without clusters."""
        x = None if self.x is None else self.x / volatility
        y = None if self.y is None else self.y / other_volatility
        return EventValues(self.magnitude / volatility, self.square / volatility**2, x, y)

    @property
    def names(self) -> list[str]:
        """Names of the measures."""
        return ["absolute move", "volatility", *(["correlation"] if self.x is not None else [])]


@dataclass(frozen=True, eq=False, slots=True)
class Measure:
    """Measures of event rows beside the baseline, arrays of shape (..., n_measures).

    Attributes
    ----------
    event, baseline : ndarray
        Mean absolute move, volatility, correlation.
    contrast : ndarray
        Difference of means, log ratio of volatilities, difference of atanh.
    """

    event: np.ndarray
    baseline: np.ndarray
    contrast: np.ndarray


def measure(event: np.ndarray, baseline: np.ndarray) -> Measure:
    """Return the measures from mean columns of events and baseline, each of shape (..., q)."""
    sides = [_moments(event), _moments(baseline)]
    columns = [sides[0][..., 0] - sides[1][..., 0], np.log(sides[0][..., 1] / sides[1][..., 1])]
    if event.shape[-1] > 2:
        columns.append(np.arctanh(sides[0][..., 2]) - np.arctanh(sides[1][..., 2]))
    return Measure(sides[0], sides[1], np.stack(columns, axis=-1))


def _moments(means: np.ndarray) -> np.ndarray:
    columns = [means[..., 0], np.sqrt(means[..., 1])]
    if means.shape[-1] > 2:
        mx, my, xx, yy, xy = np.moveaxis(means[..., 2:], -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            r = (xy - mx * my) / np.sqrt((xx - mx**2) * (yy - my**2))
        columns.append(np.where(1.0 - r**2 > ON_A_LINE, r, np.nan))
    return np.stack(columns, axis=-1)


def bootstrap_errors(
    events: np.ndarray,
    controls: np.ndarray,
    matched: Matched,
    blocks: tuple[np.ndarray, np.ndarray],
    *,
    n_boot: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return standard errors of the contrasts, shape (n_measures,), from resampled blocks of time.

    Parameters
    ----------
    events, controls : ndarray, shapes (n_events, q) and (n_controls, q)
        Columns of `EventValues.columns`.
    matched : Matched
        Strata.
    blocks : tuple of ndarray of int
        Block of time of each event and of each control: whole blocks are drawn, events and baseline together, so
        that clusters of volatility stay together.
    n_boot : int
        Draws.
    rng : Generator
        Randomness.

    Notes
    -----
    In each draw a stratum's baseline is weighted by the events drawn in it; its events are left out where the draw
    has no baseline for them.
    """
    _, inverse = np.unique(np.concatenate(blocks), return_inverse=True)
    n_blocks = int(inverse.max()) + 1
    E = _block_sums(events, inverse[: len(events)], matched.event_strata, n_blocks, matched.n_strata)
    C = _block_sums(controls, inverse[len(events) :], matched.control_strata, n_blocks, matched.n_strata)
    draws = rng.multinomial(n_blocks, np.full(n_blocks, 1.0 / n_blocks), size=n_boot).astype(np.float64)
    e, c = (np.tensordot(draws, sums, axes=1) for sums in (E, C))
    count = np.where(c[..., -1] > 0.0, e[..., -1], 0.0)
    total = count.sum(axis=1, keepdims=True)
    whole = total[:, 0] >= 3.0
    with np.errstate(divide="ignore", invalid="ignore"):
        event = (e[..., :-1] * (c[..., -1:] > 0.0)).sum(axis=1) / total
        baseline = (count[..., None] * np.nan_to_num(c[..., :-1] / c[..., -1:])).sum(axis=1) / total
        contrast = measure(event[whole], baseline[whole]).contrast
    return np.asarray(np.nanstd(np.where(np.isfinite(contrast), contrast, np.nan), axis=0, ddof=1))


def error_freedom(events: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom of each contrast's standard error, shape (n_measures,), from 1 to n - 1.

    Parameters
    ----------
    events : ndarray, shape (n_events, q)
        Columns of `EventValues.columns`.

    Notes
    -----
    The variance of a mean of n values with excess kurtosis k is itself known up to a relative variance of
    2 / (n - 1) + k / n; a chi-squared law matched to it (Satterthwaite) has 2 over that degrees of freedom. The
    values are the influences of the events: |x|, x^2, and u v - r (u^2 + v^2) / 2.
    """
    n = len(events)
    influences = [events[:, 0], events[:, 1]]
    if events.shape[1] > 2:
        u, v = ((events[:, i] - events[:, i].mean()) / events[:, i].std() for i in (2, 3))
        influences.append(u * v - 0.5 * np.mean(u * v) * (u**2 + v**2))
    deviation = np.column_stack(influences)
    deviation = deviation - deviation.mean(axis=0)
    excess = (deviation**4).mean(axis=0) / (deviation**2).mean(axis=0) ** 2 - 3.0
    return np.asarray(np.maximum(2.0 / (2.0 / (n - 1.0) + np.maximum(excess, 0.0) / n), 1.0))


def _block_sums(values: np.ndarray, block: np.ndarray, stratum: np.ndarray, n_blocks: int, n_strata: int) -> np.ndarray:
    """Return sums and counts by block and stratum, shape (n_blocks, n_strata, q + 1), the count last."""
    sums = np.zeros((n_blocks, n_strata, values.shape[1] + 1))
    np.add.at(sums, (block, stratum), np.column_stack([values, np.ones(len(values))]))
    return sums


def permutation_p_values(
    events: np.ndarray, controls: np.ndarray, matched: Matched, *, n_permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Return two-sided p-values, shape (n_measures,): who is an event is shuffled within each stratum.

    Parameters
    ----------
    events, controls : ndarray, shapes (n_events, q) and (n_controls, q)
        Columns of `EventValues.columns`.
    matched : Matched
        Strata.
    n_permutations : int
        Shuffles.
    rng : Generator
        Randomness.

    Notes
    -----
    p = 2 min(p_up, p_down) with (1 + hits) / (1 + shuffles) each, at most 1 [1]_. The correlation's contrast is over
    its own standard error in every shuffle, so that volatility that differs between events and baseline does not
    count as correlation [2]_.

    References
    ----------
    .. [1] Phipson and Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9(1).
    .. [2] DiCiccio and Romano (2017), Journal of the American Statistical Association 112.
    """
    pool, strata = np.vstack([events, controls]), np.concatenate([matched.event_strata, matched.control_strata])
    counts = np.bincount(matched.event_strata, minlength=matched.n_strata)
    is_event = np.zeros((n_permutations + 1, len(pool)), dtype=bool)
    is_event[0, : len(events)] = True  # the first row is what happened
    for stratum, n in enumerate(counts):
        members = np.flatnonzero(strata == stratum)
        order = np.argsort(rng.random((n_permutations, len(members))), axis=1)[:, :n]
        is_event[np.arange(1, n_permutations + 1)[:, None], members[order]] = True
    sizes = np.bincount(strata, minlength=matched.n_strata) - counts
    weights = ~is_event * (counts / sizes / len(events))[strata]
    statistics = _statistics(pool, is_event / len(events), weights)
    with np.errstate(invalid="ignore"):
        up = (1.0 + (statistics[1:] >= statistics[0]).sum(axis=0)) / (1.0 + n_permutations)
        down = (1.0 + (statistics[1:] <= statistics[0]).sum(axis=0)) / (1.0 + n_permutations)
    return np.asarray(np.where(np.isfinite(statistics[0]), np.minimum(2.0 * np.minimum(up, down), 1.0), np.nan))


def _statistics(pool: np.ndarray, event: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Return the statistic of each shuffle, shape (n_shuffles, n_measures), from weights that sum to one a row."""
    found = measure(event @ pool, baseline @ pool)
    statistics = found.contrast.copy()
    if pool.shape[1] > 2:
        variance = _variance(pool, event, found.event[:, 2]) + _variance(pool, baseline, found.baseline[:, 2])
        statistics[:, 2] /= np.sqrt(variance)
    return statistics


def _variance(pool: np.ndarray, weights: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return the variance of atanh(r) under independence, shape (n_shuffles,), from its influence function."""
    means = weights @ pool[:, 2:]
    mx, my = means[:, :1], means[:, 1:2]
    u = (pool[:, 2] - mx) / np.sqrt(means[:, 2:3] - mx**2)
    v = (pool[:, 3] - my) / np.sqrt(means[:, 3:4] - my**2)
    psi = (u * v - 0.5 * r[:, None] * (u**2 + v**2)) / (1.0 - r**2)[:, None]
    return np.asarray((weights**2 * psi**2).sum(axis=1))
