"""Value at Risk and expected shortfall as margin rates: always both, long and short apart."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_floats, check_kind
from volkit.conventions import SIDES, Side, losses
from volkit.errors import ArgumentError, DataError
from volkit.scenarios import ScenarioSet
from volkit.volatility import Distribution

__all__ = [
    "QuantileMethod",
    "TailRisk",
    "margin_rates",
    "parametric_tail_risk",
    "require_tail",
    "tail_of_losses",
    "tail_risk",
]

QuantileMethod = Literal["weibull", "linear"]


@dataclass(frozen=True, slots=True)
class TailRisk:
    """Both tail measures of one side, as fractions of the notional.

    Attributes
    ----------
    value_at_risk : float
        Loss not exceeded with the confidence, decimal, positive for a loss.
    expected_shortfall : float
        Mean loss from there on, decimal.
    """

    value_at_risk: float
    expected_shortfall: float


def tail_risk(
    simple_returns: np.ndarray, *, confidence: float, side: Side, quantile_method: QuantileMethod = "weibull"
) -> TailRisk:
    """Return empirical Value at Risk and expected shortfall of equally likely returns.

    Parameters
    ----------
    simple_returns : ndarray, shape (n_scenarios,)
        Simple returns over the holding period, decimals.
    confidence : float
        For example 0.99.
    side : {"long", "short"}
        Side of the position.
    quantile_method : {"weibull", "linear"}
        Type 6 or type 7 of Hyndman and Fan (1996).

    Returns
    -------
    TailRisk
        Losses as fractions of the notional.

    Raises
    ------
    ArgumentError
        When fewer than one scenario lies beyond the confidence: the quantile would be made up.
    DataError
        When a scenario is missing or infinite.

    Notes
    -----
    Value at Risk is the sample quantile; expected shortfall is the mean of the losses at or beyond it. With
    independent returns the next loss exceeds the type 6 quantile with probability 1 - confidence: exactly where
    (n + 1) confidence is whole, nearly so between. Type 7, the default of numpy and pandas, is exceeded more
    often: about (1 + (n - 1)(1 - confidence)) / (n + 1), which is 1.2 % instead of 1 % for 500 scenarios and
    1.4 % for 250. Use it to reproduce other programs.

    Examples
    --------
    >>> risk = tail_risk(np.linspace(-0.10, 0.10, 201), confidence=0.95, side="long")
    >>> round(risk.value_at_risk, 6), round(risk.expected_shortfall, 6)
    (0.0909, 0.0955)
    """
    level = check_confidence(confidence)
    check_choice(side, argument="side", choices=SIDES)
    check_choice(quantile_method, argument="quantile_method", choices=get_args(QuantileMethod))
    values = check_floats(simple_returns, argument="simple_returns")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise DataError(
            "simple_returns", "must be finite", f"{bad} missing or infinite scenarios", "drop and count them first"
        )
    require_tail(len(values), level)
    at_risk, shortfall = tail_of_losses(losses(values, side=side), confidence=level, quantile_method=quantile_method)
    return TailRisk(float(at_risk), float(shortfall))


def require_tail(n_scenarios: float, confidence: float) -> None:
    """Refuse scenarios of which none would lie beyond the confidence.

    Raises
    ------
    ArgumentError
        When fewer than one scenario lies beyond the confidence: the quantile would be made up.

    Examples
    --------
    >>> require_tail(100, 0.99)
    """
    # 1 - 0.9 is not quite 0.1 in binary: the tolerance keeps 10 scenarios enough for 90 %.
    if n_scenarios * (1.0 - confidence) < 1.0 - 1e-9:
        needed = int(np.ceil(1.0 / (1.0 - confidence) - 1e-9))
        raise ArgumentError(
            "confidence",
            f"must leave at least one scenario in the tail ({needed} scenarios for {confidence:g})",
            f"{n_scenarios:.0f} scenarios",
            "pass more scenarios or a lower confidence, or fit the tail (method conditional_pareto)",
        )


def tail_of_losses(
    lost: np.ndarray, *, confidence: float, quantile_method: QuantileMethod = "weibull"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the quantile of each row of losses and the mean from there on, unchecked.

    Parameters
    ----------
    lost : ndarray, shape (..., n_scenarios)
        Losses, decimals, finite.
    confidence : float
        For example 0.99.
    quantile_method : {"weibull", "linear"}
        As in `tail_risk`, which checks what this takes on trust.

    Returns
    -------
    tuple of ndarray, each of shape (...)
        Value at Risk and expected shortfall, decimals.

    Examples
    --------
    >>> at_risk, shortfall = tail_of_losses(np.arange(199.0).reshape(1, -1), confidence=0.99)
    >>> at_risk.tolist(), shortfall.tolist()
    ([197.0], [197.5])
    """
    at_risk = np.quantile(lost, confidence, axis=-1, method=quantile_method)
    # Interpolation may land one rounding above the order statistic that it stands on.
    beyond = lost >= at_risk[..., None] - 1e-15
    return at_risk, np.where(beyond, lost, 0.0).sum(axis=-1) / beyond.sum(axis=-1)


def parametric_tail_risk(
    mean: float, volatility: float, distribution: Distribution, *, confidence: float, side: Side
) -> TailRisk:
    """Return Value at Risk and expected shortfall of one period under a fitted law.

    Parameters
    ----------
    mean, volatility : float
        Of the simple return of the period, decimals.
    distribution : Distribution
        Law of the standardised return (symmetric).
    confidence : float
        For example 0.99.
    side : {"long", "short"}
        Side of the position.

    Returns
    -------
    TailRisk
        Losses as fractions of the notional.

    Raises
    ------
    ArgumentError
        For a confidence outside 0.5 to 1.

    Examples
    --------
    >>> risk = parametric_tail_risk(0.0, 0.04, Distribution("t", 4.0), confidence=0.99, side="long")
    >>> round(risk.value_at_risk, 4), round(risk.expected_shortfall, 4)
    (0.106, 0.1477)
    """
    tail = 1.0 - check_confidence(confidence)
    check_choice(side, argument="side", choices=SIDES)
    drift = -mean if side == "long" else mean
    return TailRisk(drift - volatility * distribution.quantile(tail), drift - volatility * distribution.tail_mean(tail))


def margin_rates(scenarios: ScenarioSet, *, confidence: float) -> pd.DataFrame:
    """Return Value at Risk and expected shortfall by asset and side.

    Parameters
    ----------
    scenarios : ScenarioSet
        Over the margin period of risk.
    confidence : float
        For example 0.99.

    Returns
    -------
    DataFrame, shape (2 n_assets, 2)
        Index (asset, side); columns value_at_risk and expected_shortfall, fractions of the notional.

    Raises
    ------
    ArgumentError
        As `tail_risk`.

    Examples
    --------
    >>> from volkit.scenarios import historical_scenarios
    >>> times = pd.date_range("2024-01-01", periods=200, tz="UTC")
    >>> returns = pd.Series(np.sin(np.arange(200.0)) / 50, index=times, name="BTC")
    >>> rates = margin_rates(historical_scenarios(returns, periods_per_year=365), confidence=0.99)
    >>> rates.loc[("BTC", "long")].round(4).to_dict()
    {'value_at_risk': 0.02, 'expected_shortfall': 0.02}
    """
    check_kind(scenarios, ScenarioSet, argument="scenarios", remedy="pass what historical_scenarios returns")
    rows = {}
    for asset in scenarios.returns.columns:
        for side in SIDES:
            risk = tail_risk(scenarios.returns[asset].to_numpy(), confidence=confidence, side=side)
            rows[(asset, side)] = (risk.value_at_risk, risk.expected_shortfall)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["value_at_risk", "expected_shortfall"])
    frame.index = pd.MultiIndex.from_tuples(frame.index, names=["asset", "side"])
    return frame
