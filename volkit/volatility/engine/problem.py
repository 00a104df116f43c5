"""From returns to the arrays of the engine, and back to parameters in natural units.

The engine sees returns divided by their standard deviation, so that a search goes the same way in every unit.
"""

from dataclasses import dataclass, replace

import numpy as np

from volkit.volatility.engine.design import Design, unit_starts
from volkit.volatility.engine.kernels import load_kernels
from volkit.volatility.engine.search import Optimum, Problem, maximise, return_to

__all__ = [
    "Batch",
    "Solution",
    "filtered",
    "fit_stretches",
    "mean_regressors",
    "no_hills",
    "solve",
    "standardize_windows",
]

# Starts of each kind that are followed: all hills in reach for one fit to so many observations at most; where many fits
# are made, or the likelihood is sharp, one start of a kind, and none that begins this much lower than the best.
_THOROUGH, _THOROUGH_STARTS, _QUICK_WORTH = 3000, 4, 3.0
# Log-likelihood by which another hill must be higher to count.
_HIGHER = 1e-9
# Tops of other hills that re-fits remember.
_MOST_HILLS = 6
Hills = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Solution:
    """What the engine found, in natural units.

    Attributes
    ----------
    theta : ndarray, shape (K,)
        Parameters in the order of the design's names.
    log_likelihood : float
        Of the returns as given.
    covariances : ndarray, shape (5, K, K)
        Hessian, outer product, information, Bollerslev-Wooldridge, Hessian sandwich.
    variance : ndarray, shape (n + 1,)
        Conditional variances; the last is that of the next period.
    residuals : ndarray, shape (n,)
        Returns less their mean.
    optimum : Optimum
        Where and how the search ended.
    active : tuple of str
        Constraints in force at the optimum.
    """

    theta: np.ndarray
    log_likelihood: float
    covariances: np.ndarray
    variance: np.ndarray
    residuals: np.ndarray
    optimum: Optimum
    active: tuple[str, ...]


def mean_regressors(values: np.ndarray, *, n_lags: int, has_constant: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the values after the lags, shape (n,), and their regressors, shape (n_mean, n), in the values' unit."""
    n = len(values) - n_lags
    rows = ([np.ones(n)] if has_constant else []) + [values[n_lags - i : len(values) - i] for i in range(1, n_lags + 1)]
    return np.ascontiguousarray(values[n_lags:]), np.array(rows).reshape(len(rows), n)


@dataclass(frozen=True, slots=True)
class Batch:
    """Fits of one design to many stretches, natural units; rows from `n_done` on are empty.

    Attributes
    ----------
    n_done : int
        Fits made: all, unless a fit that began at the one before it has to be done afresh.
    estimates, errors : ndarray, shape (n_fits, K)
    summary : ndarray, shape (n_fits, N_SUMMARY)
        See `_fit`.
    matrices : ndarray, shape (n_fits, 5, K, K)
        Covariances, where all kinds were asked for.
    theta : ndarray, shape (K,)
        The last optimum.
    scale : float
        That the last stretch was divided by.
    work : ndarray
        The kernels' arrays after the last fit, scaled.
    """

    n_done: int
    estimates: np.ndarray
    errors: np.ndarray
    summary: np.ndarray
    matrices: np.ndarray
    theta: np.ndarray
    scale: float
    work: np.ndarray


def no_hills(n_all: int) -> Hills:
    """Return room for the tops of other hills, shape (6, n_all) in natural units, and how many there are."""
    return np.zeros((_MOST_HILLS, n_all)), np.zeros(1, dtype=np.int64)


def fit_stretches(
    design: Design,
    values: np.ndarray,
    X: np.ndarray,
    V: np.ndarray,
    *,
    begins: np.ndarray,
    counts: np.ndarray,
    cold: np.ndarray,
    theta: np.ndarray | None = None,
    kind: int = -1,
    polish: bool = True,
    closed: bool = False,
    thorough: bool = False,
    starts: tuple[np.ndarray, np.ndarray] | None = None,
    hills: Hills | None = None,
) -> Batch:
    """Return the fits to stretches of values, shape (n,), one after the other, for designs without kinks.

    `cold`: how each fit begins, as WARM, FIRST or AFRESH of the kernel; `theta`: the optimum before the first; `hills`:
    other tops, which a FIRST fit fills and those AFRESH try. `kind`: of the standard errors, -1 for covariances of all
    kinds. `closed`: keeps EGARCH's alpha from turning negative. `thorough`: whether every hill is looked for; `starts`:
    for a variance of one, with kinds, for the usual.
    """
    kernels, n_fits, n_all = load_kernels("_fit"), len(begins), len(design.names)
    conf, fixed = design.configuration(int(counts[0])), np.array([design.power or 0.0, 0.0, 0.0])
    C, bound, n_equal, words = design.constraints(1.0)
    if closed:
        bound[words.index("alpha >= 0")] = 0.0
    points, kinds = starts or unit_starts(design)
    n_rows = load_kernels("_likelihood").n_work_rows(design.n_state)
    work = np.zeros((n_rows, int(counts.max()) + 2))
    estimates, errors = np.full((n_fits, n_all), np.nan), np.full((n_fits, n_all), np.nan)
    summary, scales = np.full((n_fits, kernels.N_SUMMARY), np.nan), np.ones(n_fits)
    matrices = np.full((n_fits if kind < 0 else 1, 5, n_all, n_all), np.nan)
    moving = np.zeros(n_all) if theta is None else np.array(theta, dtype=np.float64)
    done = kernels.fit_many(
        values, X, V, begins, counts, cold, conf, design.has_constant, fixed, C, bound, n_equal, design.target_row,
        points, kinds, _THOROUGH_STARTS if thorough else 1, np.inf if thorough else _QUICK_WORTH,
        moving, work, np.empty(n_all),
        np.zeros((n_all, n_all)), np.zeros(len(bound), dtype=np.int64), scales, estimates, errors, summary, matrices,
        kind, polish, *(hills or no_hills(n_all)),
    )  # fmt: skip
    last = max(int(done) - 1, 0)
    return Batch(int(done), estimates, errors, summary, matrices, moving, float(scales[last]), work)


def solve(
    design: Design, values: np.ndarray, X: np.ndarray, V: np.ndarray, *, start: np.ndarray | None = None
) -> Solution:
    """Return the maximum-likelihood solution for values, shape (n,), with regressors of mean and variance.

    Parameters
    ----------
    design : Design
        What is estimated.
    values : ndarray, shape (n,)
        Returns after the lags of the mean.
    X : ndarray, shape (n_mean, n)
        Regressors of the mean.
    V : ndarray, shape (n_x, n + 1)
        Regressors of the variance, the next period's last.
    start : ndarray, optional
        Natural parameters to start from instead of the grid.
    """
    if design.kinked:
        return _solve_on_kinks(design, values, X, V, start)
    kernels = load_kernels("_fit")
    batch = _fit_whole(design, values, X, V, start=start)
    if not batch.n_done:
        batch = _fit_whole(design, values, X, V)
    if start is None and len(values) <= _THOROUGH and (kicks := design.kicks(_unit_optimum(design, batch))):
        again = _fit_whole(design, values, X, V, starts=kicks)
        if again.summary[0, kernels.LOG_LIKELIHOOD] > batch.summary[0, kernels.LOG_LIKELIHOOD] + _HIGHER:
            batch = again
    if design.code == 2 and not batch.summary[0, kernels.ENDED]:
        # The climb ran into parameters whose filter does not forget its start: close the way there.
        batch = _fit_whole(design, values, X, V, closed=True)
    row = batch.summary[0]
    optimum = Optimum(
        theta=batch.estimates[0].copy(),
        log_likelihood=float(row[kernels.LOG_LIKELIHOOD]),
        converged=bool(row[kernels.ENDED]),
        gain=float(row[kernels.PROMISED]),
        kkt=float(row[kernels.RESIDUAL]),
        pins=np.zeros(design.n_mean),
        passes=int(row[kernels.N_PASSES]),
        modes=int(row[kernels.N_MODES]),
    )
    bits = int(row[kernels.BITS])
    active = np.array([bits >> k & 1 for k in range(len(design.constraints(1.0)[3]))])
    return _solution(design, batch.matrices[0], optimum, active, batch.work, batch.scale, len(values))


def _unit_optimum(design: Design, batch: Batch) -> np.ndarray:
    theta: np.ndarray = batch.estimates[0].copy()
    if design.code != 2:
        power = theta[design.place("delta")] if design.power is None else design.power
        theta[design.place("omega")] /= batch.scale**power
    return theta


def _fit_whole(
    design: Design,
    values: np.ndarray,
    X: np.ndarray,
    V: np.ndarray,
    *,
    start: np.ndarray | None = None,
    closed: bool = False,
    starts: tuple[np.ndarray, np.ndarray] | None = None,
) -> Batch:
    return fit_stretches(
        design,
        values,
        X,
        V,
        begins=np.array([0]),
        counts=np.array([len(values)]),
        cold=np.array([int(start is None)]),
        theta=start,
        closed=closed,
        thorough=len(values) <= _THOROUGH,
        starts=starts,
    )


def _solve_on_kinks(
    design: Design, values: np.ndarray, X: np.ndarray, V: np.ndarray, start: np.ndarray | None
) -> Solution:
    units, n, n_all = load_kernels("_units"), len(values), len(design.names)
    conf, fixed = design.configuration(n), np.array([design.power or 0.0, 0.0, 0.0])
    r, X_scaled, V_scaled, mean = np.empty(n), np.empty_like(X), np.empty_like(V), np.zeros(design.n_mean)
    scale = units.prepare(values, X, V, 0, n, conf, design.has_constant, fixed, r, X_scaled, V_scaled, mean)
    C, bound, n_equal, words = design.constraints(float(fixed[2]))
    natural, J = np.empty(n_all), np.empty((n_all, n_all))
    starts, kinds = design.starts(mean, float(fixed[2]))
    if start is not None:
        units.rescale(start, conf, fixed, design.has_constant, 1.0 / scale, natural, J)
        starts, kinds = (natural[None, :].copy(), np.array([0]))
    problem = Problem(conf=conf, fixed=fixed, r=r, X=X_scaled, V=V_scaled, C=C, bound=bound, n_equal=n_equal)
    per_kind = 2 if n <= _THOROUGH else 1
    optimum = maximise(problem, starts, kinds, per_kind=per_kind)
    if start is None and n <= _THOROUGH and (kicks := design.kicks(optimum.theta)):
        again = maximise(problem, np.vstack([optimum.theta, kicks[0]]), np.append(kicks[1], len(kicks[1])))
        if again.log_likelihood > optimum.log_likelihood and again.converged >= optimum.converged:
            optimum = again
        else:
            return_to(problem, optimum)
    if design.code == 2 and not optimum.converged:
        # As in `solve`.
        problem.bound[words.index("alpha >= 0")] = 0.0
        starts[:, design.place("alpha")] = np.maximum(starts[:, design.place("alpha")], 0.0)
        optimum = maximise(problem, starts, kinds, per_kind=per_kind)
    out = np.full((5, n_all, n_all), np.nan)
    if np.isfinite(optimum.log_likelihood):
        load_kernels("_covariance").covariances(
            optimum.theta, conf, fixed, X_scaled, C, problem.active, problem.work, problem.hessian, out, -1
        )
    units.rescale(optimum.theta, conf, fixed, design.has_constant, scale, natural, J)
    found = replace(optimum, theta=natural, log_likelihood=optimum.log_likelihood - n * float(np.log(scale)))
    return _solution(design, J @ out @ J.T, found, problem.active, problem.work, scale, n)


def _solution(
    design: Design,
    covariances: np.ndarray,
    optimum: Optimum,
    active: np.ndarray,
    work: np.ndarray,
    scale: float,
    n: int,
) -> Solution:
    recursions, words = load_kernels("_recursions"), design.constraints(1.0)[3]
    covariances.flags.writeable = False
    return Solution(
        theta=optimum.theta,
        log_likelihood=optimum.log_likelihood,
        covariances=covariances,
        variance=work[recursions.H, : n + 1] * scale**2,
        residuals=work[recursions.E, :n] * scale,
        optimum=optimum,
        active=tuple(w for w, a in zip(words, active, strict=True) if a),
    )


def filtered(
    design: Design, values: np.ndarray, theta: np.ndarray, *, n_lags: int, pushes: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return standardised returns, shape (n - n_lags,), and the next variance under natural parameters."""
    recursions, units = load_kernels("_recursions"), load_kernels("_units")
    used, X = mean_regressors(values, n_lags=n_lags, has_constant=design.has_constant)
    n, n_all = len(used), len(design.names)
    conf, fixed = design.configuration(n), np.array([design.power or 0.0, 0.0, 0.0])
    r, X_scaled, V_scaled = np.empty(n), np.empty_like(X), np.empty((design.n_x, n + 1))
    mean, scaled, J = np.zeros(design.n_mean), np.empty(n_all), np.empty((n_all, n_all))
    V = np.ascontiguousarray(pushes)
    scale = units.prepare(used, X, V, 0, n, conf, design.has_constant, fixed, r, X_scaled, V_scaled, mean)
    units.rescale(np.ascontiguousarray(theta), conf, fixed, design.has_constant, 1.0 / scale, scaled, J)
    work = np.zeros((load_kernels("_likelihood").n_work_rows(design.n_state), n + 2))
    recursions.value(scaled, conf, fixed, r, X_scaled, V_scaled, np.zeros(design.n_mean), work)
    h = work[recursions.H]
    return np.asarray(work[recursions.E, :n] / np.sqrt(h[:n])), float(h[n] * scale**2)


def standardize_windows(
    design: Design,
    values: np.ndarray,
    thetas: np.ndarray,
    *,
    begins: np.ndarray,
    counts: np.ndarray,
    n_lags: int,
    pushes: np.ndarray,
) -> list[np.ndarray]:
    """Return the standardised returns of windows of values, shape (n,), each under its row of natural parameters.

    `begins` counts from the first value after the lags of the mean; `pushes`, shape (n_x, n - n_lags + 1).
    """
    used, X = mean_regressors(values, n_lags=n_lags, has_constant=design.has_constant)
    n, n_all, longest = len(used), len(design.names), int(counts.max())
    conf, fixed = design.configuration(n), np.array([design.power or 0.0, 0.0, 0.0])
    rows = load_kernels("_likelihood").n_work_rows(design.n_state)
    out = np.empty(int(counts.sum()))
    load_kernels("_windows").standardize_windows(
        used, X, np.ascontiguousarray(pushes), begins, counts, conf, design.has_constant, fixed,
        np.ascontiguousarray(thetas), np.empty(longest), np.empty((design.n_mean, longest)),
        np.empty((design.n_x, longest + 1)), np.zeros(design.n_mean), np.zeros(design.n_mean), np.empty(n_all),
        np.empty((n_all, n_all)), np.zeros((rows, longest + 2)), out,
    )  # fmt: skip
    return np.split(out, np.cumsum(counts)[:-1])
