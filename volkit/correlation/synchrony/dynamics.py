"""What one row's news says of the next row, for series that close at different instants: VMA(1) and VAR(1).

Plain arrays. The coefficients maximise the normal likelihood given zeros before the first row, with the covariance of
the news concentrated out.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from volkit.errors import ConvergenceError
from volkit.kernels import load_kernels

__all__ = ["Dynamics", "NewsModel", "fit_dynamics", "residuals_of", "synchronized_of"]

NewsModel = Literal["vma", "var"]

_STEPS = 200
# Log-likelihood that a further step may still promise.
_REMAINING = 1e-8


@dataclass(frozen=True, eq=False, slots=True)
class Dynamics:
    """A fitted model of the news.

    Attributes
    ----------
    matrix : ndarray, shape (N, N)
        M (or A): what the news (or change) of a column adds to a row's next change.
    residuals : ndarray, shape (n, N)
        News.
    covariance : ndarray, shape (N, N)
        Of the news.
    influence : ndarray, shape (n, N * N)
        What each row does to `matrix`, row by row; sums to about zero. Its mean square over n is the sandwich.
    log_likelihood, remaining : float
        Given the start at zero, and what a further step promises.
    """

    matrix: np.ndarray
    residuals: np.ndarray
    covariance: np.ndarray
    influence: np.ndarray
    log_likelihood: float
    remaining: float


def residuals_of(r: np.ndarray, matrix: np.ndarray, model: NewsModel) -> np.ndarray:
    """Return the news in deviations from the means, both of shape (n, N), from zeros before the first row.

    Examples
    --------
    >>> residuals_of(np.array([[1.0], [1.0], [1.0]]), np.array([[0.5]]), "vma").ravel().tolist()
    [1.0, 0.5, 0.75]
    """
    return _residuals_and_slopes(r, matrix, model, with_slopes=False)[0]


def synchronized_of(r: np.ndarray, matrix: np.ndarray, model: NewsModel) -> tuple[np.ndarray, np.ndarray]:
    """Return synchronised deviations and the expected part of the next row, both of shape (n, N).

    With m_t the expectation of row t + 1 given the rows up to t: r_t + m_t - m_{t-1}.

    Examples
    --------
    >>> synchronized_of(np.array([[1.0], [1.0], [1.0]]), np.array([[0.5]]), "vma")[0].ravel().tolist()
    [1.5, 0.75, 1.125]
    """
    source = residuals_of(r, matrix, model) if model == "vma" else r
    # A sum written out: a product of matrices may add in another order for fewer rows.
    expected = sum(source[:, [j]] * matrix[:, j] for j in range(r.shape[1]))
    before = np.vstack([np.zeros(r.shape[1]), expected[:-1]])
    return np.asarray(r + expected - before), np.asarray(expected)


def fit_dynamics(r: np.ndarray, model: NewsModel) -> Dynamics:
    """Return the model that is most likely for deviations from the means, shape (n, N).

    Raises
    ------
    ConvergenceError
        When the moving average cannot be certified.
    """
    N = r.shape[1]
    M = np.zeros((N, N))
    value, remaining = -np.inf, np.inf
    for _ in range(_STEPS):
        e, D = _residuals_and_slopes(r, M, model, with_slopes=True)
        value = _log_likelihood(e)
        S = e.T @ e / len(e)
        scores = -np.einsum("tpi,ti->tp", D, np.linalg.solve(S, e.T).T)
        H = np.einsum("tpi,ij,tqj->pq", D, np.linalg.inv(S), D, optimize=True)
        step = np.linalg.solve(H, scores.sum(axis=0))
        remaining = 0.5 * float(scores.sum(axis=0) @ step)
        if remaining < _REMAINING:
            influence = np.linalg.solve(H / len(e), scores.T).T
            return Dynamics(M, e, S, influence, value, remaining)
        moved = _ascend(r, M, step.reshape(N, N), value, model)
        if moved is None:
            break
        M = moved
    raise ConvergenceError(
        f"the {model} of {N} series did not converge: log-likelihood {value:.4f} with {remaining:.2g} still to gain. "
        "Use a longer history or fewer series."
    )


def _ascend(r: np.ndarray, matrix: np.ndarray, step: np.ndarray, value: float, model: NewsModel) -> np.ndarray | None:
    for length in 0.5 ** np.arange(30):
        trial: np.ndarray = matrix + length * step
        if model == "vma" and np.abs(np.linalg.eigvals(trial)).max() >= 1.0:
            continue
        if _log_likelihood(residuals_of(r, trial, model)) >= value - 1e-12 * abs(value):
            return trial
    return None


def _log_likelihood(e: np.ndarray) -> float:
    n, N = e.shape
    return float(-0.5 * n * (N * (np.log(2.0 * np.pi) + 1.0) + np.linalg.slogdet(e.T @ e / n)[1]))


def _residuals_and_slopes(
    r: np.ndarray, matrix: np.ndarray, model: NewsModel, *, with_slopes: bool
) -> tuple[np.ndarray, np.ndarray]:
    n, N = r.shape
    slopes = np.zeros((n if with_slopes else 0, N * N, N))
    if model == "vma":
        e = np.empty((n, N))
        load_kernels("volkit.correlation.synchrony._kernels").moving_average_residuals(
            np.ascontiguousarray(r), np.ascontiguousarray(matrix), e, slopes
        )
        return e, slopes
    before = np.vstack([np.zeros(N), r[:-1]])
    if with_slopes:
        for i in range(N):
            slopes[:, i * N : (i + 1) * N, i] = -before
    return r - before @ matrix.T, slopes
