"""Probability that a margin is exhausted at any time within the margin period of risk, in closed form.

Margin on crypto venues is watched continuously, so that the lowest price on the way counts and not the last one: with
80 % volatility a year and 5 % margin over a day a long is exhausted with probability 22.6 %, and at the end of the
day with 11.4 %. Enters one position's margin with the volatility of its price; leaves a `TouchProbability`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_positive, real_number
from volkit.conventions import Side
from volkit.errors import ArgumentError
from volkit.margin.horizon.clock import Horizon, check_interval, read_horizon, spoken_time
from volkit.margin.horizon.contracts import (
    Contract,
    check_contract,
    exhausting_move,
    losses_of_moves,
)
from volkit.margin.horizon.passage import DISCRETE_SHIFT, Passage, bisect
from volkit.results import ResultDisplay

__all__ = [
    "TouchProbability",
    "check_probability",
    "touch_margin",
    "touch_move",
    "touch_probability",
]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TouchProbability(ResultDisplay):
    """Probability that the loss of a position reaches its margin within a horizon.

    Attributes
    ----------
    probability : float
        That it does so at some time (touch).
    end_probability : float
        That it does so at the end.
    margin : float
        Fraction of the notional at entry, in the currency of settlement.
    side : {"long", "short"}
        Side of the position.
    contract : {"linear", "inverse"}
        How it settles.
    horizon : Horizon
        Periods and their length.
    volatility : float
        Of the log price over the whole horizon, decimal; NaN where it varies by path.
    method : str
        Closed form or the kind of simulation, in words.
    monitoring : Timedelta or None
        Time between two looks at the price; None for continuous watch.
    n_paths : int
        Simulated paths, 0 in closed form.
    standard_error, end_standard_error : float
        Monte Carlo errors of the two probabilities, 0 in closed form.
    as_of : Timestamp or None
        Label (UTC) of the last return behind the volatility, where there is one.
    """

    probability: float
    end_probability: float
    margin: float
    side: Side
    contract: Contract
    horizon: Horizon
    volatility: float
    method: str
    monitoring: pd.Timedelta | None = None
    n_paths: int = 0
    standard_error: float = 0.0
    end_standard_error: float = 0.0
    as_of: pd.Timestamp | None = None

    @property
    def watched(self) -> str:
        """How often the price is looked at, in words."""
        return "continuously" if self.monitoring is None else f"every {spoken_time(self.monitoring)}"

    @property
    def headline(self) -> str:
        """Margin, horizon and probability in one line."""
        error = f" +- {self.standard_error:.2g}" if self.n_paths else ""
        return (
            f"{self.margin:.4g} margin, {self.contract} {self.side}, {self.horizon}, watched {self.watched}: touched "
            f"with probability {self.probability:.4g}{error}, {self.end_probability:.4g} at the end ({self.method})"
        )

    def summary(self) -> pd.DataFrame:
        """Return both probabilities with their Monte Carlo errors."""
        return pd.DataFrame(
            {
                "probability": [self.probability, self.end_probability],
                "Monte Carlo error (probability)": [self.standard_error, self.end_standard_error],
                "paths": self.n_paths,
            },
            index=pd.Index([f"touch, watched {self.watched}", "end of horizon"], name=str(self.horizon)),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row with every number."""
        return pd.DataFrame(
            [
                {
                    "side": self.side,
                    "contract": self.contract,
                    "margin": self.margin,
                    "periods": self.horizon.periods,
                    "interval": self.horizon.interval,
                    "touch_probability": self.probability,
                    "end_probability": self.end_probability,
                    "standard_error": self.standard_error,
                    "n_paths": self.n_paths,
                    "method": self.method,
                }
            ]
        )


def touch_probability(
    margin: float,
    *,
    side: Side,
    volatility: float,
    horizon: int | pd.Timedelta,
    interval: pd.Timedelta,
    drift: float = 0.0,
    contract: Contract = "linear",
    monitoring: pd.Timedelta | None = None,
) -> TouchProbability:
    """Return the probability that the loss reaches the margin within a horizon, for a log-normal price.

    Parameters
    ----------
    margin : float
        Fraction of the notional, above 0.
    side : {"long", "short"}
        A long is touched at the lowest price on the way, a short at the highest.
    volatility : float
        Of the log price per interval, decimal: 0.8 / sqrt(365) a day for 80 % a year.
    horizon : int or Timedelta
        Whole intervals, or any length of time.
    interval : Timedelta
        What volatility and drift refer to.
    drift : float
        Growth rate of the expected price per interval, decimal; 0 for a fair game.
    contract : {"linear", "inverse"}
        Settlement in the quote currency or in the coin.
    monitoring : Timedelta, optional
        Time between two looks at the price; None for continuous watch.

    Returns
    -------
    TouchProbability
        With the probability at the end of the horizon beside it.

    Raises
    ------
    ArgumentError
        For a bad margin, side, contract, volatility, drift, interval, a horizon of 0 or less, or looks that are
        further apart than the horizon is long.

    Notes
    -----
    With b the log move that exhausts the margin (ln(1 - m) for a linear long), mu = drift - sigma^2 / 2 and a
    mirrored sign for a short,

    .. math:: P = \\Phi\\left(\\frac{b - \\mu T}{\\sigma\\sqrt T}\\right)
        + e^{2 \\mu b / \\sigma^2}\\, \\Phi\\left(\\frac{b + \\mu T}{\\sigma\\sqrt T}\\right)

    (reflection principle). Looks at intervals dt see it as if b were 0.5826 sigma sqrt(dt) further away [1]_; beside
    quadrature, hourly looks at a day's touch come out 1.2 % too rare and quarter-hourly ones 0.3 %. Normal returns: on
    fat tails use `horizon_losses` of bars or `simulate_touch_of_fit`.

    References
    ----------
    .. [1] Broadie, Glasserman and Kou (1997), A continuity correction for discrete barrier options, Mathematical
       Finance 7(4), 325-349, theorem 1.1.

    Examples
    --------
    >>> day = pd.Timedelta("1D")
    >>> found = touch_probability(0.05, side="long", volatility=0.8 / 365**0.5, horizon=1, interval=day)
    >>> round(found.probability, 6), round(found.end_probability, 6)
    (0.226297, 0.114293)
    """
    over, passage = read_passage(
        side=side, volatility=volatility, horizon=horizon, interval=interval, drift=drift, monitoring=monitoring
    )
    move = exhausting_move(margin, side=side, contract=contract)
    return TouchProbability(
        probability=passage.probability(move),
        end_probability=passage.end_probability(move),
        margin=float(margin),
        side=side,
        contract=contract,
        horizon=over,
        volatility=passage.deviation,
        method="closed form",
        monitoring=monitoring,
    )


def touch_margin(
    probability: float,
    *,
    side: Side,
    volatility: float,
    horizon: int | pd.Timedelta,
    interval: pd.Timedelta,
    drift: float = 0.0,
    contract: Contract = "linear",
    monitoring: pd.Timedelta | None = None,
) -> TouchProbability:
    """Return the margin whose touch probability is the one given, with that probability computed again from it.

    Parameters
    ----------
    probability : float
        Of a touch within the horizon, from above 0 to below 1: 0.01.
    side, volatility, horizon, interval, drift, contract, monitoring
        As in `touch_probability`.

    Returns
    -------
    TouchProbability
        `margin` is the answer, a fraction of the notional.

    Raises
    ------
    ArgumentError
        As `touch_probability`, and for a probability outside (0, 1) or one that discrete watch does not reach
        however small the margin.

    Notes
    -----
    Bisection on the log distance of the barrier, in which the probability falls.

    Examples
    --------
    >>> found = touch_margin(0.01, side="short", volatility=0.04, horizon=1, interval=pd.Timedelta("1D"))
    >>> round(found.margin, 4), round(found.probability, 10)
    (0.1077, 0.01)
    """
    market = {"volatility": volatility, "horizon": horizon, "interval": interval, "drift": drift}
    move = touch_move(probability, side=side, monitoring=monitoring, **market)
    check_contract(side, contract)
    margin = float(losses_of_moves(np.array(move), side=side, contract=contract))
    return touch_probability(margin, side=side, contract=contract, monitoring=monitoring, **market)


def touch_move(
    probability: float,
    *,
    side: Side,
    volatility: float,
    horizon: int | pd.Timedelta,
    interval: pd.Timedelta,
    drift: float = 0.0,
    monitoring: pd.Timedelta | None = None,
) -> float:
    """Return the log price move that is touched with the probability: negative for a long, positive for a short.

    Parameters
    ----------
    probability, side, volatility, horizon, interval, drift, monitoring
        As in `touch_margin`.

    Raises
    ------
    ArgumentError
        As there.

    Examples
    --------
    >>> round(touch_move(0.01, side="long", volatility=0.04, horizon=1, interval=pd.Timedelta("1D")), 4)
    -0.1037
    """
    target = check_probability(probability)
    _, passage = read_passage(
        side=side, volatility=volatility, horizon=horizon, interval=interval, drift=drift, monitoring=monitoring
    )
    if passage.probability(0.0) <= target:
        raise ArgumentError(
            "probability",
            f"must be below {passage.probability(0.0):.4g}, that of a touch at the smallest margin",
            f"{target:g}",
            "ask for a smaller probability, or watch more often",
        )
    far = passage.deviation + abs(passage.drift)
    while passage.probability(far) > target:
        far *= 2.0
    distance = bisect(lambda d: target - passage.probability(d), 0.0, far)
    return -distance if side == "long" else distance


def read_passage(
    *,
    side: Side,
    volatility: float,
    horizon: int | pd.Timedelta,
    interval: pd.Timedelta,
    drift: float,
    monitoring: pd.Timedelta | None,
) -> tuple[Horizon, Passage]:
    """Return the checked horizon and the mirrored law of the log price over it.

    Raises
    ------
    ArgumentError
        As `touch_probability`.

    Examples
    --------
    >>> day = pd.Timedelta("1D")
    >>> terms = {"volatility": 0.04, "horizon": 4, "interval": day, "drift": 0.0, "monitoring": None}
    >>> round(read_passage(side="long", **terms)[1].deviation, 4)
    0.08
    """
    check_contract(side, "linear")
    sigma = check_positive(volatility, argument="volatility", unit="decimal per interval")
    step = check_interval(interval)
    # A length of time need not be whole intervals here: it is a horizon of one period of its own.
    over = read_horizon(1, interval=check_interval(horizon, argument="horizon")) if (
        isinstance(horizon, pd.Timedelta) and horizon % step != pd.Timedelta(0)
    ) else read_horizon(horizon, interval=step)  # fmt: skip
    growth = real_number(drift, argument="drift")
    if not np.isfinite(growth):
        raise ArgumentError(
            "drift", "must be a finite growth rate per interval", f"{drift!r}", "pass 0 for a fair game"
        )
    T = over.length / step
    toward_gain = (growth - 0.5 * sigma**2) * T * (1.0 if side == "long" else -1.0)
    return over, Passage(toward_gain, sigma * T**0.5, _shift_of(monitoring, over, step, sigma))


def check_probability(probability: float, *, argument: str = "probability") -> float:
    """Return a probability strictly between 0 and 1.

    Raises
    ------
    ArgumentError
        When it lies outside.

    Examples
    --------
    >>> check_probability(0.01)
    0.01
    """
    value = real_number(probability, argument=argument)
    if not 0.0 < value < 1.0:
        remedy = f"pass a decimal: {argument}={value / 100:g}" if 1.0 < value < 100.0 else "pass for example 0.01"
        raise ArgumentError(argument, "must be above 0 and below 1", f"{probability!r}", remedy)
    return value


def _shift_of(monitoring: pd.Timedelta | None, over: Horizon, step: pd.Timedelta, sigma: float) -> float:
    if monitoring is None:
        return 0.0
    if check_interval(monitoring, argument="monitoring") > over.length:
        raise ArgumentError(
            "monitoring", f"must be at most the horizon, {over}", str(monitoring), "pass None for continuous watch"
        )
    return DISCRETE_SHIFT * sigma * float((monitoring / step) ** 0.5)
