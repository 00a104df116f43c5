"""Many fits of one model, window by window, each from the optimum before it.

The windows are cut into chunks at fixed places counted from the first. A chunk begins with a search over several
starts and goes on from optimum to optimum; where that search met more than one hill, every window of the chunk is
searched afresh. No window looks past its own end, chunks know nothing of each other, and so runs on one core and on
many give the same bits.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from volkit.parallel import map_tasks
from volkit.volatility.engine.design import Design
from volkit.volatility.engine.kernels import load_kernels
from volkit.volatility.engine.problem import Solution, fit_stretches, mean_regressors, no_hills, solve
from volkit.volatility.fit import ERROR_KINDS, ErrorKind

__all__ = ["Refits", "refit_windows"]

_CHUNK = 100


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Refits:
    """What was estimated on each window.

    Attributes
    ----------
    ends : ndarray of int, shape (n_fits,)
        Number of returns up to the end of each window.
    starts : ndarray of int, shape (n_fits,)
        Number of returns before each window, the lags of the mean not counted in it.
    estimates, errors : ndarray, shape (n_fits, K)
        Parameters and standard errors of one kind, natural units; NaN errors on a bound.
    next_variance : ndarray, shape (n_fits,)
        Of the period after each window, decimal squared.
    log_likelihood : ndarray, shape (n_fits,)
        Of each window's returns.
    gain : ndarray, shape (n_fits,)
        Log-likelihood that a further step promises: the certificate.
    converged : ndarray of bool, shape (n_fits,)
        Whether each optimum is certified.
    active : ndarray of int, shape (n_fits,)
        Constraints in force, as bits in the order of `constraint_names`.
    constraint_names : tuple of str
        Their names.
    """

    ends: np.ndarray
    starts: np.ndarray
    estimates: np.ndarray
    errors: np.ndarray
    next_variance: np.ndarray
    log_likelihood: np.ndarray
    gain: np.ndarray
    converged: np.ndarray
    active: np.ndarray
    constraint_names: tuple[str, ...]

    def words_of(self, bits: int) -> str:
        """Return constraints in force, given as bits, in words."""
        return ", ".join(name for k, name in enumerate(self.constraint_names) if bits >> k & 1)


@dataclass(frozen=True, slots=True)
class _Windows:
    """The data of all windows and how they are cut."""

    design: Design
    values: np.ndarray
    X: np.ndarray
    V: np.ndarray
    window: int
    every: int
    n_fits: int
    expanding: bool
    kind: ErrorKind

    def cut(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        end = self.window + i * self.every
        start = 0 if self.expanding else end - self.window
        return (
            np.ascontiguousarray(self.values[start:end]),
            np.ascontiguousarray(self.X[:, start:end]),
            np.ascontiguousarray(self.V[:, start : end + 1]),
        )


def refit_windows(
    design: Design,
    values: np.ndarray,
    *,
    n_lags: int,
    pushes: np.ndarray,
    window: int,
    every: int,
    expanding: bool = False,
    kind: ErrorKind = "qmle",
    n_jobs: int = 1,
    label: str = "fits",
) -> Refits:
    """Return the fits of a design on windows of returns, shape (n,), that end every `every` periods.

    Parameters
    ----------
    design : Design
        What is estimated.
    values : ndarray, shape (n,)
        Decimal returns.
    n_lags : int
        Lags of the mean: the first returns of a window start them and are not in the likelihood.
    pushes : ndarray, shape (n_x, n + 1)
        Regressors of the variance.
    window : int
        Returns in each window, or in the first one when `expanding`.
    every : int
        Periods between the ends of windows.
    expanding : bool
        Whether windows begin at the first return.
    kind : str
        Of the standard errors.
    n_jobs : int
        Threads.
    label : str
        Text of the progress bar.
    """
    used, X = mean_regressors(values, n_lags=n_lags, has_constant=design.has_constant)
    n_fits = (len(values) - window) // every + 1
    windows = _Windows(
        design, used, X, np.ascontiguousarray(pushes[:, n_lags:]), window - n_lags, every, n_fits, expanding, kind
    )
    chunks = [range(first, min(first + _CHUNK, n_fits)) for first in range(0, n_fits, _CHUNK)]
    load_kernels("_fit")
    parts = map_tasks(partial(_fit_chunk, windows), chunks, n_jobs=n_jobs, label=label, threads=True, anywhere=True)
    joined = [np.concatenate([part[k] for part in parts]) for k in range(len(parts[0]))]
    estimates, errors, next_variance, log_likelihood, gain, converged, active = joined
    ends = window + every * np.arange(n_fits)
    return Refits(
        ends=ends,
        starts=np.zeros(n_fits, dtype=np.int64) + n_lags if expanding else ends - window + n_lags,
        estimates=estimates,
        errors=errors,
        next_variance=next_variance,
        log_likelihood=log_likelihood,
        gain=gain,
        converged=converged.astype(bool),
        active=active,
        constraint_names=design.constraints(1.0)[3],
    )


def _fit_chunk(w: _Windows, chunk: range) -> tuple[np.ndarray, ...]:
    if w.design.kinked:
        return _fit_on_kinks(w, chunk)
    kernels, kind = load_kernels("_fit"), ERROR_KINDS.index(w.kind)
    ends = w.window + w.every * np.arange(chunk.start, chunk.stop)
    begins = np.zeros(len(chunk), dtype=np.int64) if w.expanding else ends - w.window
    cold = np.full(len(chunk), kernels.WARM)
    cold[0] = kernels.FIRST
    parts, done, theta, hills = [], 0, None, no_hills(len(w.design.names))
    while done < len(chunk):
        # The first fit alone, to see whether there is more than one hill; later the rest in one go, until a fit goes
        # far or does not end, which is then done afresh.
        stop = done + 1 if cold[done] and not cold.all() else len(chunk)
        rows = slice(done, stop)
        batch = fit_stretches(
            w.design, w.values, w.X, w.V, begins=begins[rows], counts=(ends - begins)[rows], cold=cold[rows],
            theta=theta, kind=kind, polish=False, hills=hills,
        )  # fmt: skip
        parts.append([table[: batch.n_done] for table in (batch.estimates, batch.errors, batch.summary)])
        if done == 0 and batch.summary[0, kernels.N_MODES] > 1:
            cold[1:] = kernels.AFRESH
        done, theta = done + batch.n_done, batch.theta
        if done < stop or (done < len(chunk) and batch.n_done and not batch.summary[batch.n_done - 1, kernels.ENDED]):
            cold[done] = kernels.AFRESH
    estimates, errors, summary = (np.concatenate([part[k] for part in parts]) for k in range(3))
    columns = [kernels.NEXT_VARIANCE, kernels.LOG_LIKELIHOOD, kernels.PROMISED, kernels.ENDED, kernels.BITS]
    next_variance, log_likelihood, gain, converged, active = (summary[:, k] for k in columns)
    failed = np.flatnonzero(converged == 0.0)
    for i in failed if w.design.code == 2 else ():
        # EGARCH has a second way; see `solve`.
        solution = solve(w.design, *w.cut(chunk.start + int(i)))
        _store(solution, int(i), w, (estimates, errors, next_variance, log_likelihood, gain, converged, active))
    return estimates, errors, next_variance, log_likelihood, gain, converged.astype(np.int64), active.astype(np.int64)


def _fit_on_kinks(w: _Windows, chunk: range) -> tuple[np.ndarray, ...]:
    """On kinks every fit is a search of its own, which begins at the optimum before where there is one hill."""
    size, n_all = len(chunk), len(w.design.names)
    tables = (np.empty((size, n_all)), np.empty((size, n_all)), *(np.empty(size) for _ in range(5)))
    theta: np.ndarray | None = None
    several = False
    for i in range(size):
        solution = solve(w.design, *w.cut(chunk.start + i), start=None if several else theta)
        several = several or solution.optimum.modes > 1
        theta = solution.theta.copy() if solution.optimum.converged else None
        _store(solution, i, w, tables)
    *numbers, converged, active = tables
    return (*numbers, converged.astype(np.int64), active.astype(np.int64))


def _store(solution: Solution, i: int, w: _Windows, tables: tuple[np.ndarray, ...]) -> None:
    estimates, errors, next_variance, log_likelihood, gain, converged, active = tables
    variances = np.diag(solution.covariances[ERROR_KINDS.index(w.kind)])
    estimates[i] = solution.theta
    with np.errstate(invalid="ignore"):
        errors[i] = np.where(variances > 0.0, np.sqrt(variances), np.nan)
    next_variance[i], log_likelihood[i] = solution.variance[-1], solution.log_likelihood
    gain[i], converged[i] = solution.optimum.gain, solution.optimum.converged
    names = w.design.constraints(1.0)[3]
    active[i] = sum(1 << k for k, word in enumerate(names) if word in solution.active)


def parameter_frame(refits: Refits, names: tuple[str, ...], times: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one row a fit: estimates, their errors, and the certificate, by the last return used (UTC)."""
    index = pd.DatetimeIndex(times[refits.ends - 1], name="time")
    frame = pd.DataFrame(refits.estimates, index=index, columns=list(names))
    for k, name in enumerate(names):
        frame[f"{name} error"] = refits.errors[:, k]
    frame["log-likelihood"] = refits.log_likelihood
    frame["gain"] = refits.gain
    words = {bits: refits.words_of(bits) for bits in np.unique(refits.active).tolist()}
    frame["constraints"] = [words[bits] for bits in refits.active.tolist()]
    frame["status"] = np.where(refits.converged, "converged", "not converged")
    return frame
