"""The tail risks of a policy at every period, by whichever method it names."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError
from volkit.margin.measures.filtered import filtered_tails, law_tails, pareto_tails
from volkit.margin.measures.sampled import cornish_fisher_tails, historical_tails, weighted_tails
from volkit.margin.measures.stressed import stressed_tails
from volkit.margin.policy import MarginPolicy
from volkit.scenarios import compound
from volkit.volatility import VolatilityState, walk_forward

__all__ = ["tails_through_time", "walk_of"]


def walk_of(policy: MarginPolicy, returns: pd.Series, *, n_jobs: int = 1) -> list[VolatilityState]:
    """Return the states of the policy's model after each period from the first look-back on."""
    walk = walk_forward(
        policy.model,
        returns,
        window=policy.lookback,
        refit_every=policy.refit_every,
        expanding=policy.expanding,
        n_jobs=n_jobs,
    )
    return list(walk)


def tails_through_time(
    returns: pd.Series,
    policy: MarginPolicy,
    *,
    states: Sequence[VolatilityState] | None = None,
    n_jobs: int = 1,
) -> np.ndarray:
    """Return Value at Risk and expected shortfall after each period from the first look-back on.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Simple returns, decimals, checked (`check_returns`).
    policy : MarginPolicy
        Method, confidence, margin period of risk and look-back; floor and buffer play no part.
    states : sequence of VolatilityState, optional
        From `walk_of`, to share them between methods.
    n_jobs : int
        Threads for the fits.

    Returns
    -------
    ndarray, shape (n_obs - lookback + 1, 4)
        Value at Risk and expected shortfall of long positions, then of short ones, over the margin period of risk,
        fractions of the notional. No row knows a return after its period.

    Raises
    ------
    ArgumentError
        When the look-back holds too few scenarios for the confidence; when `states` are not of these periods.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    >>> policy = MarginPolicy(method="weighted_historical", confidence=0.95, lookback=200, half_life=60)
    >>> tails_through_time(returns, policy).shape
    (101, 4)
    """
    if policy.method == "stressed_historical":
        return _stressed(returns, policy)
    current = _current(returns, policy, states, n_jobs)
    if policy.stress_weight == 0.0:
        return current
    return policy.stress_weight * _stressed(returns, policy) + (1.0 - policy.stress_weight) * current


def _current(
    returns: pd.Series, policy: MarginPolicy, states: Sequence[VolatilityState] | None, n_jobs: int
) -> np.ndarray:
    """Tails by the policy's method, unmixed."""
    confidence, horizon = policy.confidence, policy.margin_period_of_risk
    if not policy.is_filtered:
        windows = _windows(returns.to_numpy(), policy)
        if policy.method == "historical":
            return historical_tails(windows, confidence=confidence)
        if policy.method == "weighted_historical":
            return weighted_tails(windows, confidence=confidence, half_life=policy.half_life)
        return cornish_fisher_tails(windows, confidence=confidence)
    walked = walk_of(policy, returns, n_jobs=n_jobs) if states is None else states
    _check_states(walked, pd.DatetimeIndex(returns.index[policy.lookback - 1 :]))
    if policy.method == "conditional_pareto":
        return pareto_tails(walked, confidences=[confidence], tail_share=policy.tail_share)[0]
    simulate = filtered_tails if policy.method == "filtered_historical" else law_tails
    return simulate(walked, confidence=confidence, horizon=horizon, n_paths=policy.n_paths, seed=policy.seed)


def _stressed(returns: pd.Series, policy: MarginPolicy) -> np.ndarray:
    """Tails of the worst window among the returns known at each period."""
    horizon = policy.margin_period_of_risk
    held = compound(returns.to_numpy(), horizon)
    known = np.arange(policy.lookback - horizon + 1, len(held) + 1)
    return stressed_tails(held, known, width=policy.stress_window - horizon + 1, confidence=policy.confidence)


def _windows(values: np.ndarray, policy: MarginPolicy) -> list[np.ndarray]:
    """Returns over the margin period of risk inside each look-back, one array a period."""
    held = compound(values, policy.margin_period_of_risk)
    width = policy.lookback - policy.margin_period_of_risk + 1
    if policy.expanding:
        return [held[:end] for end in range(width, len(held) + 1)]
    return list(np.lib.stride_tricks.sliding_window_view(held, width))


def _check_states(states: Sequence[VolatilityState], times: pd.DatetimeIndex) -> None:
    if len(states) != len(times) or states[0].as_of != times[0] or states[-1].as_of != times[-1]:
        span = f"{len(states)}" + (f" from {states[0].as_of} to {states[-1].as_of}" if states else "")
        raise ArgumentError(
            "states",
            f"must have one entry for each of the {len(times)} periods from {times[0]} to {times[-1]}",
            span,
            "make them with walk_forward on the same returns and the policy's look-back",
        )
