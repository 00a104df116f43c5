"""The numbers of a model of correlation states, and the free parameters that stand for them.

Free parameters are logits of the transition probabilities against the last state, atanh of the correlations state by
state (pairs row by row of the upper triangle), and for a t law log(2 / (nu - 2)).
"""

from dataclasses import dataclass

import numpy as np

from volkit.volatility.regimes import _values as chain

__all__ = ["CorrelationStates", "ordered", "pack", "pairs_of", "unpack"]


@dataclass(frozen=True, eq=False, slots=True)
class CorrelationStates:
    """Values of the model.

    Attributes
    ----------
    transition : ndarray, shape (k, k)
        P(next state = column | state = row).
    correlations : ndarray, shape (k, n_assets, n_assets)
        Of each state, diagonal one.
    nu : float or None
        Degrees of freedom of a t law; None for a normal one.
    """

    transition: np.ndarray
    correlations: np.ndarray
    nu: float | None = None

    @property
    def shares(self) -> np.ndarray:
        """Unconditional probabilities of the states, shape (k,)."""
        return chain.stationary(self.transition)

    @property
    def averages(self) -> np.ndarray:
        """Mean correlation over the pairs by state, shape (k,)."""
        i, j = pairs_of(self.correlations.shape[1])
        return np.asarray(self.correlations[:, i, j].mean(axis=1))


def pairs_of(n_assets: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column of the pairs, each of shape (n_pairs,).

    Examples
    --------
    >>> [one.tolist() for one in pairs_of(3)]
    [[0, 0, 1], [1, 2, 2]]
    """
    i, j = np.triu_indices(n_assets, 1)
    return i, j


def ordered(states: CorrelationStates) -> CorrelationStates:
    """Return the states from the lowest to the highest average correlation, so that labels do not switch.

    Examples
    --------
    >>> R = np.array([[[1.0, 0.8], [0.8, 1.0]], [[1.0, 0.1], [0.1, 1.0]]])
    >>> ordered(CorrelationStates(np.array([[0.9, 0.1], [0.3, 0.7]]), R)).transition.tolist()
    [[0.7, 0.3], [0.1, 0.9]]
    """
    order = np.argsort(states.averages, kind="stable")
    return CorrelationStates(states.transition[np.ix_(order, order)], states.correlations[order], states.nu)


def pack(states: CorrelationStates) -> np.ndarray:
    """Return the free parameters, shape (m,): the inverse of `unpack`, with probabilities from 1e-8 up.

    Examples
    --------
    >>> R = np.array([[[1.0, 0.5], [0.5, 1.0]]])
    >>> pack(CorrelationStates(np.ones((1, 1)), R, nu=4.0)).round(4).tolist()
    [0.5493, 0.0]
    """
    k, n_assets = states.correlations.shape[:2]
    i, j = pairs_of(n_assets)
    head = chain.pack(chain.RegimeValues(states.transition, np.zeros(k), np.ones(k)), mean="zero")[: k * (k - 1)]
    tail = [] if states.nu is None else [np.log(2.0 / (states.nu - 2.0))]
    return np.concatenate([head, np.arctanh(states.correlations[:, i, j]).ravel(), tail])


def unpack(theta: np.ndarray, *, n_states: int, n_assets: int) -> CorrelationStates:
    """Return the values that free parameters stand for; a t law when there is one parameter more.

    Examples
    --------
    >>> unpack(np.array([0.0, 0.0, 0.0, 0.5493]), n_states=2, n_assets=2).correlations[:, 0, 1].round(2).tolist()
    [0.0, 0.5]
    """
    k, (i, j) = n_states, pairs_of(n_assets)
    n_logits, n_pairs = k * (k - 1), len(i)
    head = np.append(theta[:n_logits], np.zeros(k))
    R = np.tile(np.eye(n_assets), (k, 1, 1))
    R[:, i, j] = np.tanh(theta[n_logits : n_logits + k * n_pairs].reshape(k, n_pairs))
    R[:, j, i] = R[:, i, j]
    rest = theta[n_logits + k * n_pairs :]
    nu = 2.0 + 2.0 * float(np.exp(-rest[0])) if len(rest) else None
    return CorrelationStates(chain.unpack(head, n_regimes=k, mean="zero").transition, R, nu)
