"""Pareto tails of several confidences from one fit a state: the fit is what takes time, not the quantile."""

import warnings
from collections.abc import Sequence

import numpy as np

from volkit.errors import VolkitWarning
from volkit.volatility import VolatilityState
from volkit.volatility.tails import fit_pareto_tail

__all__ = ["shared_pareto_tails"]


def shared_pareto_tails(
    states: Sequence[VolatilityState], *, confidences: Sequence[float], tail_share: float
) -> list[np.ndarray]:
    """Return, for each confidence, what `pareto_tails` does, fitting each tail once.

    Parameters
    ----------
    states : sequence of VolatilityState
        From a walk.
    confidences : sequence of float
        Beyond the threshold.
    tail_share : float
        Of the shocks beyond the threshold, fraction.

    Returns
    -------
    list of ndarray, each of shape (n_states, 4)
        Value at Risk and expected shortfall of long positions, then of short ones, fractions of the notional.

    Raises
    ------
    DataError, ConvergenceError
        As `fit_pareto_tail`.

    Warns
    -----
    VolkitWarning
        Once for all fits that warned.

    Examples
    --------
    >>> import pandas as pd
    >>> from volkit.volatility import Ewma, walk_forward
    >>> times = pd.date_range("2024-01-01", periods=402, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).standard_t(4, 402) / 50, index=times)
    >>> states = list(walk_forward(Ewma(), returns, window=400))
    >>> [tails.shape for tails in shared_pareto_tails(states, confidences=[0.99, 0.999], tail_share=0.1)]
    [(3, 4), (3, 4)]
    """
    rows = np.empty((len(confidences), len(states), 4))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", VolkitWarning)
        for i, state in enumerate(states):
            scale = np.sqrt(state.next_variance)
            for side, sign in enumerate((-1.0, 1.0)):
                tail = fit_pareto_tail(sign * state.standardized, tail_share=tail_share)
                for k, confidence in enumerate(confidences):
                    unit = np.array([tail.value_at_risk(confidence), tail.expected_shortfall(confidence)])
                    rows[k, i, 2 * side : 2 * side + 2] = scale * unit + sign * state.next_mean
    if caught:
        said = f"{len(caught)} of {2 * len(states)} Pareto tails warned, the last: {caught[-1].message}"
        warnings.warn(said, caught[-1].category, stacklevel=2)
    return list(rows)
