"""How well a number known beforehand tells events from non-events: area under the ROC curve and logistic log loss."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from volkit.errors import ConvergenceError, DataError

__all__ = ["LogisticFit", "area_under_curve", "fit_logistic", "log_loss", "roc_curve"]

Floats = npt.NDArray[np.float64]
_STEPS = 100
_SETTLED = 1e-10
# Of the coefficients of standardised predictors: keeps them finite where the events are separable.
_RIDGE = 1e-3
_CLIP = 1e-9


def area_under_curve(score: Floats, events: Floats, trials: Floats) -> float:
    """Return the probability that an event had a higher score than a non-event, ties counting half.

    Parameters
    ----------
    score : ndarray, shape (n_groups,)
        Known beforehand; higher means likelier.
    events, trials : ndarray, shape (n_groups,)
        Events among the trials of each group, which share its score.

    Returns
    -------
    float
        0.5 for no discrimination; NaN where there are only events or none.

    Notes
    -----
    The Mann-Whitney statistic over the product of both numbers (Hanley and McNeil 1982).

    Examples
    --------
    >>> area_under_curve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 1.0]), np.ones(3))
    1.0
    """
    others = trials - events
    order = np.argsort(score, kind="stable")
    value, hit, miss = score[order], events[order], others[order]
    starts = np.flatnonzero(np.diff(value, prepend=-np.inf) > 0.0)
    hits, misses = np.add.reduceat(hit, starts), np.add.reduceat(miss, starts)
    below = np.cumsum(misses) - misses
    pairs = events.sum() * others.sum()
    return float((hits * (below + 0.5 * misses)).sum() / pairs) if pairs else np.nan


def roc_curve(score: Floats, events: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Return shares of non-events and of events above each threshold of the score, from (0, 0) to (1, 1).

    Examples
    --------
    >>> [x.tolist() for x in roc_curve(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.ones(2))]
    [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    order = np.argsort(-score, kind="stable")
    value, hit, miss = score[order], events[order], (trials - events)[order]
    last = np.append(np.flatnonzero(np.diff(value) < 0.0), len(value) - 1)
    caught, false = np.cumsum(hit)[last], np.cumsum(miss)[last]
    return np.append(0.0, false / max(false[-1], 1.0)), np.append(0.0, caught / max(caught[-1], 1.0))


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """Probability of an event, 1 / (1 + exp(-(constant + slopes . z))), z the standardised predictors.

    Attributes
    ----------
    coefficients : ndarray, shape (n_predictors + 1,)
        Constant first, then one a standard deviation of each predictor.
    centre, scale : ndarray, shape (n_predictors,)
        Mean and standard deviation of the predictors in the sample of the fit.
    """

    coefficients: Floats
    centre: Floats
    scale: Floats

    def score(self, predictors: Floats) -> Floats:
        """Return the log odds, shape (n,), of predictors of shape (n, n_predictors)."""
        return np.asarray(self.coefficients[0] + ((predictors - self.centre) / self.scale) @ self.coefficients[1:])

    def probability(self, predictors: Floats) -> Floats:
        """Return probabilities, shape (n,), of predictors of shape (n, n_predictors)."""
        return np.asarray(stats.logistic.cdf(self.score(predictors)))


def fit_logistic(predictors: Floats, events: Floats, trials: Floats) -> LogisticFit:
    """Return the logistic regression of events among trials on predictors, with a slight ridge on the slopes.

    Parameters
    ----------
    predictors : ndarray, shape (n, n_predictors)
        Finite, none constant.
    events, trials : ndarray, shape (n,)
        Counts.

    Raises
    ------
    DataError
        For a constant predictor.
    ConvergenceError
        When Newton's method does not settle.

    Examples
    --------
    >>> x = np.linspace(-2.0, 2.0, 201)[:, None]
    >>> trials = np.full(201, 1e6)
    >>> fit = fit_logistic(x, np.round(trials / (1.0 + np.exp(-(0.5 + x[:, 0])))), trials)
    >>> (fit.coefficients[1:] / fit.scale).round(3).tolist()
    [1.0]
    """
    centre, scale = predictors.mean(axis=0), predictors.std(axis=0)
    if not (scale > 0.0).all():
        raise DataError("predictors", "must vary", f"{int((scale <= 0.0).sum())} constant", "drop what is constant")
    X = np.column_stack([np.ones(len(predictors)), (predictors - centre) / scale])
    ridge = _RIDGE * np.append(0.0, np.ones(X.shape[1] - 1))
    beta = np.zeros(X.shape[1])
    for _ in range(_STEPS):
        p = stats.logistic.cdf(X @ beta)
        gradient = X.T @ (events - trials * p) - ridge * beta
        curvature = (X * (trials * p * (1.0 - p))[:, None]).T @ X + np.diag(ridge) + _SETTLED * np.eye(len(beta))
        step = np.linalg.solve(curvature, gradient)
        # Far from the optimum a full step overshoots.
        beta = beta + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) < _SETTLED:
            return LogisticFit(beta, centre, scale)
    raise ConvergenceError(f"the logistic regression did not settle in {_STEPS} steps; drop predictors that separate.")


def log_loss(probability: Floats, events: Floats, trials: Floats) -> float:
    """Return the mean logarithmic loss of probabilities, nats a trial.

    Examples
    --------
    >>> round(log_loss(np.array([0.5]), np.array([1.0]), np.array([2.0])), 4)
    0.6931
    """
    p = np.clip(probability, _CLIP, 1.0 - _CLIP)
    return float(-(events * np.log(p) + (trials - events) * np.log1p(-p)).sum() / trials.sum())
