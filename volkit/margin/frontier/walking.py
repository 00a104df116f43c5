"""Margins of many policies through time: one walk for each model and look-back, one tail for each measure of it.

Returns of one or more assets and policies enter; one `WalkedPolicies` an asset leaves. Policies that differ only in
floor, buffer or measure share their tails; those that differ in confidence or method too, the walk of the model.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.conventions import SIDES, losses
from volkit.margin.frontier.grid import effective_parameters
from volkit.margin.measures.filtered import pareto_tails
from volkit.margin.measures.walk import tails_through_time, walk_of
from volkit.margin.policy import MarginPolicy
from volkit.parallel import map_tasks
from volkit.scenarios import compound
from volkit.volatility import VolatilityState

__all__ = ["WalkedPolicies", "walk_policies"]

_Key = tuple[object, ...]
_Caught = list[tuple[type[Warning], str]]
# Sides of the tails' columns: Value at Risk and expected shortfall of long positions, then of short ones.
_MEASURES = {"value_at_risk": 0, "expected_shortfall": 1}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WalkedPolicies:
    """Margins of every policy on one asset, on the periods that all of them have.

    Attributes
    ----------
    times : DatetimeIndex, shape (n_periods,)
        Last return known (UTC).
    maintenance, initial : ndarray, shape (n_policies, 2, n_periods)
        Margins of long and short positions, fractions of the notional.
    losses : ndarray, shape (2, n_periods)
        Of both sides over the margin period of risk after `times`, fractions; NaN where it is not over.
    """

    times: pd.DatetimeIndex
    maintenance: np.ndarray
    initial: np.ndarray
    losses: np.ndarray


def walk_policies(
    returns: Mapping[str, pd.Series], policies: Sequence[MarginPolicy], *, n_jobs: int = 1
) -> dict[str, WalkedPolicies]:
    """Return the margins of every policy on every asset, walking forward without look-ahead.

    Parameters
    ----------
    returns : mapping of asset to Series, shape (n_obs,)
        Simple returns, decimals, checked (`check_returns`).
    policies : sequence of MarginPolicy
        Of one margin period of risk.
    n_jobs : int
        Processes; the numbers are the same for any.

    Returns
    -------
    dict of asset to WalkedPolicies
        From the longest look-back of the policies on.

    Raises
    ------
    ArgumentError, DataError, ConvergenceError
        As `margin_schedule`.

    Warns
    -----
    VolkitWarning
        What walks and tails warn of, each once an asset.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    >>> policies = [MarginPolicy(method="historical", confidence=c, lookback=200) for c in (0.95, 0.99)]
    >>> walk_policies({"BTC": returns}, policies)["BTC"].maintenance.shape
    (2, 2, 101)
    """
    groups = _groups(policies)
    tasks = [(series, group) for series in returns.values() for group in groups]
    done = map_tasks(_tails_of_group, tasks, n_jobs=n_jobs, label="policies")
    walked = {}
    for position, (asset, series) in enumerate(returns.items()):
        mine = done[position * len(groups) : (position + 1) * len(groups)]
        _warn_again(asset, [caught for _, caught in mine])
        tails = {_tail_key(p): t for group, (found, _) in zip(groups, mine, strict=True)
                 for p, t in zip(group, found, strict=True)}  # fmt: skip
        walked[asset] = _margins(series, policies, tails)
    return walked


def _tail_key(policy: MarginPolicy) -> _Key:
    free = ("floor", "buffer", "measure")
    return tuple(item for item in effective_parameters(policy).items() if item[0] not in free)


def _walk_key(policy: MarginPolicy) -> _Key:
    # Methods without a model have no walk to share; small groups of them keep all processes busy.
    if policy.is_filtered:
        return (policy.model, policy.lookback, policy.refit_every, policy.expanding)
    return (policy.method, policy.lookback, policy.expanding)


def _groups(policies: Sequence[MarginPolicy]) -> list[tuple[MarginPolicy, ...]]:
    """One policy for each tail, those of one walk together."""
    groups: dict[_Key, dict[_Key, MarginPolicy]] = {}
    for policy in policies:
        groups.setdefault(_walk_key(policy), {}).setdefault(_tail_key(policy), policy)
    return [tuple(group.values()) for group in groups.values()]


def _tails_of_group(task: tuple[pd.Series, tuple[MarginPolicy, ...]]) -> tuple[list[np.ndarray], _Caught]:
    returns, group = task
    # Warnings do not leave a process by themselves.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        states = walk_of(group[0], returns) if group[0].is_filtered else None
        found = _tails(returns, group, states)
    return found, [(w.category, str(w.message)) for w in caught]


def _tails(
    returns: pd.Series, group: Sequence[MarginPolicy], states: Sequence[VolatilityState] | None
) -> list[np.ndarray]:
    """The tails of each policy of a group; Pareto tails of one threshold are fitted once for all confidences."""
    shared: dict[float, list[float]] = {}
    for policy in group:
        if policy.method == "conditional_pareto":
            shared.setdefault(policy.tail_share, []).append(policy.confidence)
    fitted: dict[tuple[float, float], np.ndarray] = {}
    for tail_share, confidences in shared.items():
        rows = pareto_tails(states or (), confidences=confidences, tail_share=tail_share)
        fitted |= {(tail_share, c): row for c, row in zip(confidences, rows, strict=True)}
    return [
        fitted[policy.tail_share, policy.confidence]
        if policy.method == "conditional_pareto"
        else tails_through_time(returns, policy, states=states)
        for policy in group
    ]


def _warn_again(asset: str, caught: Sequence[_Caught]) -> None:
    for category, message in dict.fromkeys(w for group in caught for w in group):
        warnings.warn(f"{asset}: {message}", category, stacklevel=4)


def _margins(returns: pd.Series, policies: Sequence[MarginPolicy], tails: Mapping[_Key, np.ndarray]) -> WalkedPolicies:
    start = max(policy.lookback for policy in policies)
    horizon = policies[0].margin_period_of_risk
    n_periods = len(returns) - start + 1
    maintenance = np.empty((len(policies), 2, n_periods))
    initial = np.empty_like(maintenance)
    for i, policy in enumerate(policies):
        risk = tails[_tail_key(policy)][-n_periods:, _MEASURES[policy.measure] :: 2].T
        maintenance[i] = np.maximum(policy.floor, risk)
        initial[i] = maintenance[i] * (1.0 + policy.buffer)
    # As `MarginPolicy.margins` does one rate at a time: a long position cannot lose more than its notional.
    for margins in (maintenance, initial):
        np.minimum(margins[:, 0], 1.0, out=margins[:, 0])
    ahead = np.append(compound(returns.to_numpy()[start:], horizon), np.full(horizon, np.nan))
    return WalkedPolicies(
        times=pd.DatetimeIndex(returns.index[start - 1 :]),
        maintenance=maintenance,
        initial=initial,
        losses=np.stack([losses(ahead, side=side) for side in SIDES]),
    )
