"""How uncertain a margin rate is: block bootstrap of the scenarios behind it."""

import numpy as np
import pandas as pd

from volkit.conventions import Side, losses
from volkit.margin.schedule import MarginSchedule
from volkit.scenarios import compound

__all__ = ["block_indices", "rate_interval"]

_REPLICATIONS = 1000


def block_indices(n_obs: int, *, block: int, n_replications: int, rng: np.random.Generator) -> np.ndarray:
    """Return row numbers of circular block bootstrap samples.

    Parameters
    ----------
    n_obs : int
        Rows in the sample.
    block : int
        Rows in a block (periods).
    n_replications : int
        Samples.
    rng : Generator
        Randomness.

    Returns
    -------
    ndarray of int, shape (n_replications, n_obs)
        Rows, in blocks of neighbours that wrap around the end (Politis and Romano 1992).

    Examples
    --------
    >>> block_indices(6, block=3, n_replications=1, rng=np.random.default_rng(0)).tolist()
    [[5, 0, 1, 3, 4, 5]]
    """
    n_blocks = -(-n_obs // block)
    starts = rng.integers(n_obs, size=(n_replications, n_blocks, 1))
    rows = (starts + np.arange(block)) % n_obs
    return rows.reshape(n_replications, -1)[:, :n_obs]


def rate_interval(
    schedule: MarginSchedule, returns: pd.Series, *, side: Side, coverage: float = 0.90
) -> tuple[float, float]:
    """Return the ends of an interval for the latest rate of a schedule.

    Parameters
    ----------
    schedule : MarginSchedule
        Its policy's measure is resampled.
    returns : Series, shape (n_obs,)
        The simple returns (decimal) behind it.
    side : {"long", "short"}
        Side of the position.
    coverage : float
        Of the interval, decimal.

    Returns
    -------
    tuple of float
        Low and high, fractions of the notional.

    Notes
    -----
    The look-back's returns over the margin period of risk are resampled in circular blocks of n^(1/3)
    periods (at least the margin period); the relative spread of the measure over 1,000 samples is put
    around the latest rate. Raw returns are resampled for the filtered methods too: clustering of volatility
    makes their interval wide, and the error of the volatility model's parameters is not added.

    Examples
    --------
    >>> from volkit.margin.policy import MarginPolicy
    >>> from volkit.margin.schedule import margin_schedule
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    >>> low, high = rate_interval(schedule, returns, side="long")
    >>> low < schedule.latest["value_at_risk_long"] < high
    np.True_
    """
    policy = schedule.policy
    horizon = policy.margin_period_of_risk
    lost = losses(compound(returns.to_numpy()[-policy.lookback :], horizon), side=side)
    block = max(horizon, round(len(lost) ** (1 / 3)))
    rng = np.random.default_rng(policy.seed)
    rows = block_indices(len(lost), block=block, n_replications=_REPLICATIONS, rng=rng)
    measures = _measure(lost[rows], policy.measure, policy.confidence)
    point = float(_measure(lost[None, :], policy.measure, policy.confidence)[0])
    latest = float(schedule.latest[f"{policy.measure}_{side}"])
    low, high = np.quantile(measures, [(1.0 - coverage) / 2.0, (1.0 + coverage) / 2.0])
    return latest * float(low) / point, latest * float(high) / point


def _measure(lost: np.ndarray, measure: str, confidence: float) -> np.ndarray:
    at_risk = np.quantile(lost, confidence, axis=1, method="weibull")
    if measure == "value_at_risk":
        return np.asarray(at_risk)
    beyond = np.where(lost >= at_risk[:, None] - 1e-15, lost, np.nan)
    return np.asarray(np.nanmean(beyond, axis=1))
