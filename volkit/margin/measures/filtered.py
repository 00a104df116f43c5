"""Tail risks from shocks at today's volatility: past ones, drawn from the fitted law, or with a Pareto tail.

States of a volatility model's walk enter; one row a period leaves, as in `sampled`.
"""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from volkit.errors import VolkitWarning
from volkit.margin.measures.sampled import tails_of_samples
from volkit.margin.rates import require_tail
from volkit.scenarios import simulate_returns
from volkit.volatility import Distribution, VolatilityState
from volkit.volatility.tails import fit_pareto_tail

__all__ = ["filtered_tails", "law_tails", "pareto_tails"]


def filtered_tails(
    states: Sequence[VolatilityState], *, confidence: float, horizon: int, n_paths: int, seed: int
) -> np.ndarray:
    """Return the tails of past shocks at each state's volatility, shape (n_states, 4).

    Over one period every past shock is a scenario (Hull and White 1998); over more, shocks are drawn and run through
    the variance recursion, with the same draws at every state: a rate moves because the market did.

    Raises
    ------
    ArgumentError
        As `require_tail`.
    """
    pools = [state.standardized for state in states]
    require_tail(n_paths if horizon > 1 else min(len(pool) for pool in pools), confidence)
    if horizon > 1:
        uniforms = np.random.default_rng(seed).random((n_paths, horizon))
        return _simulated(
            ((s, pool[(uniforms * len(pool)).astype(np.intp)]) for s, pool in zip(states, pools, strict=True)),
            confidence,
        )
    means = np.array([state.next_mean for state in states])
    scales = np.sqrt([state.next_variance for state in states])
    if len({len(pool) for pool in pools}) == 1:
        # A linear price cannot fall below zero, whatever a wild state says.
        return tails_of_samples(np.stack(pools), confidence=confidence, means=means, scales=scales, least=-1.0)
    return np.concatenate(
        [
            tails_of_samples(
                pool[None, :], confidence=confidence, means=means[i : i + 1], scales=scales[i : i + 1], least=-1.0
            )
            for i, pool in enumerate(pools)
        ]
    )


def law_tails(
    states: Sequence[VolatilityState], *, confidence: float, horizon: int, n_paths: int, seed: int
) -> np.ndarray:
    """Return the tails of each state's fitted law, shape (n_states, 4): in closed form for one period, else simulated.

    Raises
    ------
    ArgumentError
        As `require_tail`, for the paths.
    """
    if horizon > 1:
        require_tail(n_paths, confidence)
        uniforms = np.random.default_rng(seed).random((n_paths, horizon))
        return _simulated(_drawn(states, uniforms), confidence)
    rows = np.empty((len(states), 4))
    law: Distribution | None = None
    tail = 1.0 - confidence
    for i, state in enumerate(states):
        if state.distribution != law:
            # Quantiles of a t are slow, and the law changes at fits only.
            law = state.distribution
            unit = np.array(
                [-law.quantile(tail), -law.tail_mean(tail), law.quantile(confidence), law.upper_tail_mean(tail)]
            )
        rows[i] = np.sqrt(state.next_variance) * unit + state.next_mean * np.array([-1.0, -1.0, 1.0, 1.0])
    return rows


def pareto_tails(
    states: Sequence[VolatilityState], *, confidences: Sequence[float], tail_share: float
) -> list[np.ndarray]:
    """Return, for each confidence, tails with a generalised Pareto law beyond a threshold of the shocks.

    McNeil and Frey (2000, Journal of Empirical Finance 7, equations 13 to 16): the shocks beyond their 1 - tail_share
    quantile are fitted on either side, once for all confidences, and scaled by the volatility forecast. No confidence
    is too high for it; one inside the threshold is refused.

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
    ArgumentError
        When a confidence lies inside the threshold.
    DataError, ConvergenceError
        As `fit_pareto_tail`: too few excesses, no mean in the tail, no optimum.

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
    >>> [tails.shape for tails in pareto_tails(states, confidences=[0.99, 0.999], tail_share=0.1)]
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
    # One warning for them all, not one a period.
    if caught:
        said = f"{len(caught)} of {2 * len(states)} Pareto tails warned, the last: {caught[-1].message}"
        warnings.warn(said, caught[-1].category, stacklevel=3)
    return list(rows)


def _drawn(states: Sequence[VolatilityState], uniforms: np.ndarray) -> Iterator[tuple[VolatilityState, np.ndarray]]:
    law: Distribution | None = None
    for state in states:
        if state.distribution != law:
            law = state.distribution
            drawn = law.quantiles(uniforms)
        yield state, drawn


def _simulated(shocked: Iterator[tuple[VolatilityState, np.ndarray]], confidence: float) -> np.ndarray:
    return np.concatenate(
        [tails_of_samples(simulate_returns(state, shocks)[None, :], confidence=confidence) for state, shocks in shocked]
    )
