"""Standard errors of the correlation step: what each period does to the estimates, and the covariance of that."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from volkit.correlation.dcc.estimation import Estimation
from volkit.correlation.dcc.likelihood import CorrelationProblem
from volkit.correlation.dcc.margins import MarginView

__all__ = ["DCC_ERROR_KINDS", "DccErrorKind", "Influence", "covariances", "long_run_covariance"]

DccErrorKind = Literal["naive", "robust", "two_step", "targeted"]
DCC_ERROR_KINDS: tuple[DccErrorKind, ...] = ("naive", "robust", "two_step", "targeted")
# Bandwidth of Newey and West in roots of the sample (Lazarus, Lewis, Stock and Watson 2018).
_BANDWIDTH = 1.3


@dataclass(frozen=True, eq=False, slots=True)
class Influence:
    """What each period does to the estimates.

    Attributes
    ----------
    covariances : ndarray, shape (4, K, K)
        Of the estimates a, b, g, nu, by kind.
    by_period : ndarray, shape (T, K)
        Of the targeted kind: the estimates' errors are its sum.
    """

    covariances: np.ndarray
    by_period: np.ndarray


def long_run_covariance(influence: np.ndarray) -> np.ndarray:
    """Return the covariance of the sum of influences, shape (T, K), that may lean on each other in time.

    Newey and West (1987) with 1.3 sqrt(T) lags.

    Examples
    --------
    >>> long_run_covariance(np.array([[1.0], [-1.0], [1.0], [-1.0]])).round(3).tolist()
    [[1.333]]
    """
    T = len(influence)
    centred = influence - influence.mean(axis=0)
    lags = int(_BANDWIDTH * np.sqrt(T))
    # The kernel's smoother as a convolution with the triangle, taken over by the cumulative sum of two boxes.
    total = centred.T @ centred
    for lag in range(1, min(lags, T - 1) + 1):
        shared = centred[lag:].T @ centred[:-lag]
        total = total + (1.0 - lag / (lags + 1.0)) * (shared + shared.T)
    return np.asarray(total)


def covariances(
    problem: CorrelationProblem,
    estimation: Estimation,
    margins: list[MarginView],
    slopes: list[np.ndarray],
    turns: list[np.ndarray] | None = None,
) -> Influence:
    """Return the covariances of all kinds and the influence by period.

    Parameters
    ----------
    problem : CorrelationProblem
    estimation : Estimation
        Of that problem.
    margins : list of MarginView
        By series.
    slopes : list of ndarray, shape (T, K_i)
        Derivatives of each series by the parameters of its margin.
    turns : list of ndarray, shape (K_i,), optional
        For a t copula, what 1 / nu does to these derivatives, weighed with the likelihood's slopes.

    Notes
    -----
    With scores s_t, curvature H and influences of the margins I_it, the errors of the estimates are
    H^-1 sum psi_t: naive inverts H; robust has psi = s; two_step psi_t = s_t + sum_i C_i I_it with C_i the derivative
    of the scores by the margin's parameters, what they do to the targets included (Engle and Sheppard 2001,
    theorem 2); targeted adds the errors of the targets themselves, D (x_t x_t' - Qbar) / T, which lean on each other
    in time, so that its covariance is Newey and West's. For a composite likelihood robust is Godambe's sandwich.

    rmgarch 1.4-2 prints smaller errors (by 14 to 19 % on sp500 and nasdaq): it multiplies A^-1 B A^-1 for the
    covariance of both steps, where A is block triangular and the second factor should be transposed, so that what
    the margins' own errors add is missing and their product with the scores counts half. The tests rebuild its
    numbers that way to 0.3 %. In 500 simulations (two series, 2,000 periods, a = 0.05, b = 0.90, GARCH(1,1) margins
    with a constant), 95 % intervals from two_step errors held a and b in 94.4 and 94.2 % of normal samples and in
    92.4 and 92.4 % of t samples with 7 degrees of freedom, fitted as normal; robust ones in 93.8 and 93.6, 92.2 and
    92.4 %.
    """
    optimum = estimation.optimum
    scores = optimum.evaluation.scores.T
    _, _, _, inverse_nu = problem.split(optimum.theta)
    stepped = scores.copy()
    for i, (margin, slope) in enumerate(zip(margins, slopes, strict=True)):
        mixed = np.einsum("kt,tm->km", estimation.by_series[:, :, i], slope)
        if turns is not None:
            mixed[-1] += turns[i]
        stepped += margin.influence() @ mixed.T
    targeted = stepped + _target_terms(problem, estimation, inverse_nu)
    inverse = _inverse_on_free(problem, optimum.curvature, optimum.active)
    J = np.eye(len(problem.names))
    if problem.law == "t":
        J[-1, -1] = -1.0 / inverse_nu**2
    inside = (
        np.linalg.pinv(inverse, hermitian=True),
        scores.T @ scores,
        stepped.T @ stepped,
        long_run_covariance(targeted),
    )
    return Influence(
        np.array([J @ inverse @ B @ inverse @ J.T for B in inside]),
        targeted @ inverse @ J.T,
    )


def _target_terms(problem: CorrelationProblem, estimation: Estimation, inverse_nu: float) -> np.ndarray:
    series = problem.series(inverse_nu)
    x, T = series.x, len(series.x)
    terms = np.column_stack([((x @ D) * x).sum(axis=1) - (D * series.target).sum() for D in estimation.by_target])
    if problem.asymmetric:
        n = np.minimum(x, 0.0)
        terms += np.column_stack([((n @ D) * n).sum(axis=1) - (D * series.lean).sum() for D in estimation.by_lean])
    return np.asarray(terms / T)


def _inverse_on_free(problem: CorrelationProblem, H: np.ndarray, active: tuple[str, ...]) -> np.ndarray:
    """The inverse curvature along the directions that the constraints in force leave free."""
    K, names = len(H), problem.names
    held = []
    for word in active:
        row = np.zeros(K)
        for name in names if word.startswith("a + b") else (word.split()[0],):
            row[names.index(name)] = 1.0 if name != "nu" or not word.startswith("a + b") else 0.0
        held.append(row)
    if held:
        _, sizes, basis = np.linalg.svd(np.array(held))
        free = basis[int((sizes > 1e-12).sum()) :].T
    else:
        free = np.eye(K)
    if not free.size:
        return np.zeros((K, K))
    return np.asarray(free @ np.linalg.pinv(free.T @ H @ free, hermitian=True) @ free.T)
