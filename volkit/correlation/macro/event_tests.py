"""Event rows beside matched rows, on plain arrays: measures, bootstrap errors and permutation p-values.

Values and `Matched` rows enter; contrasts leave, with error and p-value. The measures are the mean move and the mean
absolute move (differences), the volatility (logarithm of the ratio) and the correlation (difference of atanh).
"""

from dataclasses import dataclass

import numpy as np

from volkit.correlation.change.freedom import variance_freedom
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
    x : ndarray, shape (n_rows,), or None
        The move with its sign; None for variances.
    y : ndarray, shape (n_rows,), or None
        The other series of a correlation.
    """

    magnitude: np.ndarray
    square: np.ndarray
    x: np.ndarray | None = None
    y: np.ndarray | None = None

    def columns(self, rows: np.ndarray, shift: int) -> np.ndarray:
        """Return magnitude, square, x, y, yy and xy (as far as there are any) of the rows `shift` after; (n, q)."""
        at = rows + shift
        columns = [self.magnitude[at], self.square[at]]
        if self.x is not None:
            columns.append(self.x[at])
        if self.x is not None and self.y is not None:
            x, y = self.x[at], self.y[at]
            columns += [y, y * y, x * y]
        return np.column_stack(columns)

    def over(self, volatility: np.ndarray, other_volatility: np.ndarray) -> "EventValues":
        """Return the values over the volatilities before them, shape (n_rows,) each: without clusters."""
        x = None if self.x is None else self.x / volatility
        y = None if self.y is None else self.y / other_volatility
        return EventValues(self.magnitude / volatility, self.square / volatility**2, x, y)

    @property
    def names(self) -> list[str]:
        """Names of the measures, in the order of `measure`."""
        signed = [] if self.x is None else ["mean move"]
        return ["absolute move", "volatility", *signed, *([] if self.y is None else ["correlation"])]


@dataclass(frozen=True, eq=False, slots=True)
class Measure:
    """Measures of event rows beside the baseline, arrays of shape (..., n_measures).

    Attributes
    ----------
    event, baseline : ndarray
        Mean absolute move, volatility, mean move, correlation, as far as there are columns.
    contrast : ndarray
        Difference of means, log ratio of volatilities, difference of means, difference of atanh.
    """

    event: np.ndarray
    baseline: np.ndarray
    contrast: np.ndarray


def measure(event: np.ndarray, baseline: np.ndarray) -> Measure:
    """Return the measures from mean columns of events and baseline, each of shape (..., q)."""
    sides = [_moments(event), _moments(baseline)]
    columns = [sides[0][..., 0] - sides[1][..., 0], np.log(sides[0][..., 1] / sides[1][..., 1])]
    if event.shape[-1] > 2:
        columns.append(sides[0][..., 2] - sides[1][..., 2])
    if event.shape[-1] > 3:
        columns.append(np.arctanh(sides[0][..., 3]) - np.arctanh(sides[1][..., 3]))
    return Measure(sides[0], sides[1], np.stack(columns, axis=-1))


def _moments(means: np.ndarray) -> np.ndarray:
    columns = [means[..., 0], np.sqrt(means[..., 1]), *([means[..., 2]] if means.shape[-1] > 2 else [])]
    if means.shape[-1] > 3:
        xx, mx, my, yy, xy = np.moveaxis(means[..., 1:], -1, 0)
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
    has no baseline for them. Of B blocks that hold an event the draws show the variance of a mean times (B - 1) / B,
    which is put right.
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
    n_held = len(np.unique(blocks[0]))
    return np.asarray(_spread(contrast) * np.sqrt(n_held / (n_held - 1.0)))


def _spread(draws: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the finite draws of each column; NaN with fewer than half of them."""
    finite = np.isfinite(draws)
    enough = finite.sum(axis=0) > 0.5 * len(draws)
    spread = np.full(draws.shape[1], np.nan)
    for i in np.flatnonzero(enough):
        spread[i] = draws[finite[:, i], i].std(ddof=1)
    return spread


def error_freedom(events: np.ndarray, n_blocks: int) -> np.ndarray:
    """Return the degrees of freedom of each contrast's standard error, shape (n_measures,), from 1 to n - 1.

    Parameters
    ----------
    events : ndarray, shape (n_events, q)
        Columns of `EventValues.columns`.
    n_blocks : int
        Blocks of time that hold an event, at least 2: what they say of an error has one degree of freedom less.

    Notes
    -----
    `variance_freedom` of the influences of the events, |x|, x^2, x, and u v - r (u^2 + v^2) / 2, and no more than
    n_blocks - 1.
    """
    influences = [events[:, 0], events[:, 1], *([events[:, 2]] if events.shape[1] > 2 else [])]
    if events.shape[1] > 3:
        u, v = ((events[:, i] - events[:, i].mean()) / events[:, i].std() for i in (2, 3))
        influences.append(u * v - 0.5 * np.mean(u * v) * (u**2 + v**2))
    return np.asarray(np.minimum(variance_freedom(np.column_stack(influences)), n_blocks - 1.0))


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
    p = 2 min(p_up, p_down) with (1 + hits) / (1 + shuffles) each, at most 1 [1]_. The contrasts of the mean move and
    of the correlation are over their own standard errors in every shuffle, so that volatility that differs between
    events and baseline does not count as a move or a correlation [2]_.

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
        variance = _mean_variance(pool, event) + _mean_variance(pool, baseline)
        statistics[:, 2] /= np.sqrt(variance)
    if pool.shape[1] > 3:
        variance = _variance(pool, event, found.event[:, 3]) + _variance(pool, baseline, found.baseline[:, 3])
        statistics[:, 3] /= np.sqrt(variance)
    return statistics


def _mean_variance(pool: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the variance of the weighted mean move under independence, shape (n_shuffles,)."""
    deviation = pool[:, 2] - (weights @ pool[:, 2])[:, None]
    return np.asarray((weights**2 * deviation**2).sum(axis=1))


def _variance(pool: np.ndarray, weights: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return the variance of atanh(r) under independence, shape (n_shuffles,), from its influence function."""
    xx, mx, my, yy = (means[:, None] for means in (weights @ pool[:, 1:5]).T)
    u, v = (pool[:, 2] - mx) / np.sqrt(xx - mx**2), (pool[:, 3] - my) / np.sqrt(yy - my**2)
    psi = (u * v - 0.5 * r[:, None] * (u**2 + v**2)) / (1.0 - r**2)[:, None]
    return np.asarray((weights**2 * psi**2).sum(axis=1))
