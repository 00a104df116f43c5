"""The numbers of a Markov switching model, and the free parameters that stand for them.

Free parameters are logits of the transition probabilities against the last regime, means (none, one, or one a
regime), and logarithms of variances.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["RegimeValues", "pack", "stationary", "unpack"]


@dataclass(frozen=True, slots=True)
class RegimeValues:
    """Transition probabilities (rows from, columns to), means and variances by regime."""

    transition: np.ndarray
    means: np.ndarray
    variances: np.ndarray


def stationary(transition: np.ndarray) -> np.ndarray:
    """Return the unconditional probabilities of a chain, shape (k,).

    Examples
    --------
    >>> stationary(np.array([[0.9, 0.1], [0.2, 0.8]])).round(4).tolist()
    [0.6667, 0.3333]
    """
    k = len(transition)
    # The equations of balance with their sum of one added to each: a full system whenever the chain has one class.
    return np.asarray(np.linalg.solve((np.eye(k) - transition + 1.0).T, np.ones(k)))


def unpack(theta: np.ndarray, *, n_regimes: int, mean: str) -> RegimeValues:
    """Return the values that free parameters stand for.

    Examples
    --------
    >>> unpack(np.array([np.log(9.0), 0.0, 0.0, np.log(4.0)]), n_regimes=2, mean="zero").transition.round(2).tolist()
    [[0.9, 0.1], [0.5, 0.5]]
    """
    k = n_regimes
    logits = np.column_stack([theta[: k * (k - 1)].reshape(k, k - 1), np.zeros(k)])
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    middle = theta[k * (k - 1) : -k]
    means = np.zeros(k) if mean == "zero" else middle * np.ones(k)
    return RegimeValues(odds / odds.sum(axis=1, keepdims=True), means, np.exp(theta[-k:]))


def pack(values: RegimeValues, *, mean: str) -> np.ndarray:
    """Return the free parameters of values, shape (m,): the inverse of `unpack`, with probabilities from 1e-8 up."""
    P = np.maximum(values.transition, 1e-8)
    logits = np.log(P[:, :-1] / P[:, -1:])
    middle = {"zero": values.means[:0], "constant": values.means[:1], "switching": values.means}[mean]
    return np.concatenate([logits.ravel(), middle, np.log(values.variances)])
