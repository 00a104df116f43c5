"""What it costs to trade a size over time: measured impact (Almgren et al. 2005) and the optimal schedule (2000).

Sizes, market parameters and an aversion to risk enter; costs, schedules and the frontier between cost and risk leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from volkit.checks import check_confidence, check_count, check_kind, check_not_negative, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.results import ResultDisplay, freeze

__all__ = [
    "AlmgrenCost",
    "ExecutionMarket",
    "ExecutionSchedule",
    "almgren_cost",
    "execution_frontier",
    "execution_schedule",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlmgrenCost:
    """Impact of a trade, decimals of the price before it; positive is against the trader.

    Attributes
    ----------
    permanent : float
        I: where the price stays.
    temporary : float
        K: what is paid on top while trading.
    realized : float
        J = I / 2 + K: mean fill against the price before.
    """

    permanent: float
    temporary: float
    realized: float


def almgren_cost(
    quantity: float,
    *,
    volume: float,
    volatility: float,
    days: float,
    outstanding: float,
    permanent: float = 0.314,
    temporary: float = 0.142,
) -> AlmgrenCost:
    """Return permanent and temporary impact of a trade spread evenly over part of a day or over days.

    Parameters
    ----------
    quantity : float
        Coins or shares, positive.
    volume : float
        Traded on an average day, same unit.
    volatility : float
        Of the price per day, decimal.
    days : float
        Trading time that it takes, in days of the volume.
    outstanding : float
        Shares outstanding; for a coin the circulating supply, for a perpetual nothing is established: a choice.
    permanent, temporary : float
        gamma and eta of the paper, fitted to orders in large US stocks; 0 or more.

    Returns
    -------
    AlmgrenCost

    Raises
    ------
    ArgumentError
        For a size, volume, volatility, time or number outstanding that is not positive, or a negative coefficient.

    Notes
    -----
    I = gamma sigma (X / V) (Theta / V)^(1/4); K = eta sigma (X / (V T))^(3/5); J = I / 2 + K. The paper's sample has
    sizes up to some tens of per cent of a day's volume: forced sales in a thin hour lie outside of it.

    References
    ----------
    .. [1] Almgren, Thum, Hauptmann and Li (2005), Direct estimation of equity market impact, Risk 18(7), table of the
       worked example.

    Examples
    --------
    >>> cost = almgren_cost(656_100, volume=6_561_000, volatility=0.0157, days=0.5, outstanding=1.728e9)
    >>> round(cost.permanent * 1e4), round(cost.realized * 1e4)
    (20, 18)
    """
    X = check_positive(quantity, argument="quantity", unit="coins")
    V = check_positive(volume, argument="volume", unit="coins per day")
    sigma = check_positive(volatility, argument="volatility", unit="decimal per day")
    T = check_positive(days, argument="days", unit="days")
    theta = check_positive(outstanding, argument="outstanding", unit="coins")
    gamma, eta = (
        check_not_negative(permanent, argument="permanent"),
        check_not_negative(temporary, argument="temporary"),
    )
    lasting = gamma * sigma * (X / V) * (theta / V) ** 0.25
    passing = eta * sigma * (X / (V * T)) ** 0.6
    return AlmgrenCost(permanent=lasting, temporary=passing, realized=lasting / 2.0 + passing)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionMarket:
    """A market with linear impact, in money per coin.

    Attributes
    ----------
    volatility : float
        Of the price per root of a period, money per coin, positive.
    half_spread : float
        Paid on every coin, 0 or more.
    permanent : float
        gamma: lasting fall of the price per coin sold, 0 or more.
    temporary : float
        eta: fall while selling one coin per period, positive.
    """

    volatility: float
    half_spread: float
    permanent: float
    temporary: float

    def __post_init__(self) -> None:
        check_positive(self.volatility, argument="volatility", unit="money per root of a period")
        check_positive(self.temporary, argument="temporary", unit="money per coin and period")
        for name in ("half_spread", "permanent"):
            check_not_negative(getattr(self, name), argument=name)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ExecutionSchedule(ResultDisplay):
    """How fast to sell a holding.

    Attributes
    ----------
    path : DataFrame, shape (n_steps + 1, 2)
        holding (coins after the step) and trade (coins sold in the step, 0 at the start); index time, in periods.
    expected_cost : float
        E: money lost on average against selling all at the price before.
    variance : float
        V of that loss, money squared.
    risk_aversion : float
        lambda, per unit of money.
    urgency : float
        kappa, per period: the holding falls by 1 - 1 / e in 1 / kappa periods; 0 for even sales.
    market : ExecutionMarket
        What it was made for.
    """

    path: pd.DataFrame
    expected_cost: float
    variance: float
    risk_aversion: float
    urgency: float
    market: ExecutionMarket

    @property
    def penalty(self) -> float:
        """E + lambda V, money: what the schedule makes least."""
        return self.expected_cost + self.risk_aversion * self.variance

    @property
    def headline(self) -> str:
        """Size, time, cost and risk in one line."""
        return (
            f"{self.path['holding'].iloc[0]:g} coins over {self.path.index[-1]:g} periods in {len(self.path) - 1} "
            f"steps: expected cost {self.expected_cost:.6g}, standard deviation {self.variance**0.5:.6g}"
        )

    def cost_at(self, confidence: float) -> float:
        """Return the cost that is not exceeded with a probability, in money; normal price changes.

        Raises
        ------
        ArgumentError
            For a confidence outside 0.5 to 1.
        """
        return float(self.expected_cost + norm.ppf(check_confidence(confidence)) * np.sqrt(self.variance))

    def summary(self) -> pd.DataFrame:
        """Return cost, risk and speed."""
        rows = {
            "expected cost (money)": self.expected_cost,
            "standard deviation (money)": float(np.sqrt(self.variance)),
            "cost at 95 % (money)": self.cost_at(0.95),
            "time constant (periods)": 1.0 / self.urgency if self.urgency > 0.0 else np.inf,
            "first step (share)": float(self.path["trade"].iloc[1] / self.path["holding"].iloc[0]),
        }
        return pd.DataFrame({"value": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the path."""
        return self.path


def execution_schedule(
    quantity: float, market: ExecutionMarket, *, horizon: float, n_steps: int, risk_aversion: float
) -> ExecutionSchedule:
    """Return the schedule with the least sum of expected cost and risk_aversion times its variance.

    Parameters
    ----------
    quantity : float
        Coins to sell (or to buy back), positive.
    market : ExecutionMarket
        Volatility and linear impact.
    horizon : float
        Periods by whose end all is sold.
    n_steps : int
        Equal steps.
    risk_aversion : float
        lambda, per unit of money, 0 or more; 0 gives even sales.

    Returns
    -------
    ExecutionSchedule

    Raises
    ------
    ArgumentError
        For a quantity or horizon that is not positive, no steps, a negative aversion, or a permanent impact so large
        that selling in one go would gain (eta must exceed gamma tau / 2).

    Notes
    -----
    x_j = X sinh(kappa (T - t_j)) / sinh(kappa T) with 2 (cosh(kappa tau) - 1) / tau^2 = lambda sigma^2 / eta~, eta~ =
    eta - gamma tau / 2 ([1], equations 15 to 19). E = gamma X^2 / 2 + epsilon X + (eta~ / tau) sum n_k^2, V = sigma^2
    tau sum x_k^2. For a deadline that a liquidation cannot choose see the laws of `volkit.impact.laws` instead.

    References
    ----------
    .. [1] Almgren and Chriss (2000), Optimal execution of portfolio transactions, Journal of Risk 3(2).

    Examples
    --------
    >>> market = ExecutionMarket(volatility=0.95, half_spread=0.0625, permanent=2.5e-7, temporary=2.5e-6)
    >>> found = execution_schedule(1e6, market, horizon=5, n_steps=5, risk_aversion=1e-6)
    >>> found.path["holding"].round(1).tolist()
    [1000000.0, 541955.6, 289854.2, 147897.5, 62141.8, 0.0]
    """
    check_kind(market, ExecutionMarket, argument="market")
    X = check_positive(quantity, argument="quantity", unit="coins")
    T = check_positive(horizon, argument="horizon", unit="periods")
    N = check_count(n_steps, argument="n_steps", unit="steps")
    aversion = check_not_negative(risk_aversion, argument="risk_aversion")
    tau, sigma = T / N, market.volatility
    eta = market.temporary - 0.5 * market.permanent * tau
    if eta <= 0.0:
        rule = "must exceed half the permanent impact of a step, permanent x horizon / n_steps / 2"
        raise ArgumentError("market.temporary", rule, f"{market.temporary:g}", "take more steps")
    # cosh y - 1 = 2 sinh(y / 2)^2, which keeps its digits where y is small.
    kappa = 2.0 * float(np.arcsinh(0.5 * tau * sigma * np.sqrt(aversion / eta))) / tau
    left = T * (1.0 - np.arange(N + 1) / N)
    holding = X * _sinh_ratio(kappa, left, T)
    trade = -np.diff(holding, prepend=X)
    path = pd.DataFrame({"holding": holding, "trade": trade}, index=pd.Index(T - left, name="time"))
    cost = 0.5 * market.permanent * X**2 + market.half_spread * X + eta / tau * float(trade @ trade)
    return ExecutionSchedule(
        path=freeze(path),
        expected_cost=cost,
        variance=sigma**2 * tau * float(holding[1:] @ holding[1:]),
        risk_aversion=aversion,
        urgency=kappa,
        market=market,
    )


def execution_frontier(
    quantity: float, market: ExecutionMarket, *, horizon: float, n_steps: int, risk_aversions: Sequence[float]
) -> pd.DataFrame:
    """Return expected cost and risk of the optimal schedules of several aversions.

    Parameters
    ----------
    quantity, market, horizon, n_steps
        As `execution_schedule`.
    risk_aversions : sequence of float
        Each 0 or more; at least one.

    Returns
    -------
    DataFrame, shape (n_aversions, 5)
        expected_cost, variance, standard_deviation, penalty (money) and time_constant (periods, 1 / kappa); index
        risk_aversion.

    Raises
    ------
    DataError
        Without an aversion.
    ArgumentError
        As `execution_schedule`.

    Examples
    --------
    >>> market = ExecutionMarket(volatility=0.95, half_spread=0.0625, permanent=2.5e-7, temporary=2.5e-6)
    >>> table = execution_frontier(1e6, market, horizon=5, n_steps=5, risk_aversions=[1e-9, 1e-6])
    >>> table["expected_cost"].round(-2).tolist()
    [662500.0, 911200.0]
    """
    if not len(risk_aversions):
        raise DataError("risk_aversions", "must have at least one value", "none", "pass for example [0.0, 1e-6]")
    found = [
        execution_schedule(quantity, market, horizon=horizon, n_steps=n_steps, risk_aversion=one)
        for one in risk_aversions
    ]
    rows = {
        "expected_cost": [one.expected_cost for one in found],
        "variance": [one.variance for one in found],
        "standard_deviation": [one.variance**0.5 for one in found],
        "penalty": [one.penalty for one in found],
        "time_constant": [1.0 / one.urgency if one.urgency > 0.0 else np.inf for one in found],
    }
    return pd.DataFrame(rows, index=pd.Index(risk_aversions, name="risk_aversion", dtype=np.float64))


def _sinh_ratio(kappa: float, left: Floats, total: float) -> Floats:
    """Return sinh(kappa left) / sinh(kappa total) without overflow, left / total at kappa 0."""
    if kappa * total < 1e-8:
        return left / total
    scale: Floats = np.exp(kappa * (left - total)) * np.expm1(-2.0 * kappa * left) / np.expm1(-2.0 * kappa * total)
    return scale
