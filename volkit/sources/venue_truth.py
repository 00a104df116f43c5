"""What is known exactly of a simulated venue, its liquidation cascade in closed form first of all.

Liquidation quantity lies uniformly along the log price and the book is as deep at every price, so that a cascade is a
geometric series. Coins, USD and log distances enter; drops, bad debt and fracture thresholds leave.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.results import ResultDisplay

__all__ = ["Direction", "SideTruth", "VenueTruth"]

Direction = Literal["down", "up"]
_MOST_ROUNDS = 100_000
_SETTLED = 1e-13
_SCAN = 600
_BISECTIONS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SideTruth:
    """The accounts that one direction of the price liquidates, in the limit of many small accounts.

    Attributes
    ----------
    direction : {"down", "up"}
        Down liquidates longs, up liquidates shorts.
    price : float
        Reference price before the shock, USD per coin.
    density : float
        Coins to liquidate per unit of log price (rho).
    nearest, farthest : float
        Log distances of the first and of the last liquidation price from the reference.
    impact : float
        Log move per coin of the linear law (lambda).
    maintenance_rate : float
        Of every account, a fraction of its notional: the bankruptcy price is (1 - rate) of a long's liquidation price.

    Notes
    -----
    A shock s (positive, log) that reaches the nearest account ends at the displacement

    .. math:: d = (s - k d_0) / (1 - k), \\quad k = \\lambda \\rho < 1,

    with d_0 the nearest distance: each round liquidates k times the coins of the last. From k = 1 any such shock
    liquidates everybody. Nothing decays, nobody trades in between.

    Examples
    --------
    >>> side = SideTruth(direction="down", price=100.0, density=1000.0, nearest=0.0, farthest=0.5, impact=5e-4,
    ...                  maintenance_rate=0.005)
    >>> side.feedback, side.displacement(0.1), side.amplification(0.1), side.all_liquidated_at()
    (0.5, 0.2, 2.0, 0.25)
    """

    direction: Direction
    price: float
    density: float
    nearest: float
    farthest: float
    impact: float
    maintenance_rate: float

    @property
    def feedback(self) -> float:
        """Coins liquidated by the impact of one coin: lambda times rho, no unit."""
        return self.impact * self.density

    @property
    def quantity(self) -> float:
        """Coins of the side."""
        return self.density * (self.farthest - self.nearest)

    def displacement(self, shock: float) -> float:
        """Return the log displacement at which a shock (positive, log) ends."""
        if shock < self.nearest:
            return shock
        k = self.feedback
        reached = (shock - k * self.nearest) / (1.0 - k) if k < 1.0 else math.inf
        return reached if reached <= self.farthest else shock + self.impact * self.quantity

    def amplification(self, shock: float) -> float:
        """Return the displacement at which a shock ends over the shock."""
        return self.displacement(shock) / shock

    def liquidated(self, shock: float) -> float:
        """Return the share of the side's coins that a shock liquidates, from 0 to 1."""
        reached = min(self.displacement(shock), self.farthest)
        return max(0.0, reached - self.nearest) / (self.farthest - self.nearest)

    def all_liquidated_at(self) -> float:
        """Return the smallest shock (log) that liquidates the whole side."""
        return max(self.nearest, self.farthest - self.feedback * (self.farthest - self.nearest))

    def amplified_at(self, amplification: float) -> float:
        """Return the smallest shock (log) whose displacement is so many times the shock, or infinity.

        The displacement over the shock rises until the whole side is liquidated, and falls from there.
        """
        k = self.feedback
        slack = 1.0 - amplification * (1.0 - k)
        most = self.all_liquidated_at()
        if k >= 1.0:
            return most if self.amplification(most) >= amplification else math.inf
        if slack <= 0.0:
            return math.inf
        reached = k * self.nearest / slack
        return reached if reached <= most else math.inf

    def bad_debt(self, shock: float) -> float:
        """Return what the closed accounts owe beyond their collateral, USD, after a shock (positive, log).

        Round by round, as a batch at its mean price: integrals of exponentials over the distances crossed.
        """
        z = -1.0 if self.direction == "down" else 1.0
        bankrupt = self.price * (1.0 + z * self.maintenance_rate)
        sold, start, owed = 0.0, self.nearest, 0.0
        for _ in range(_MOST_ROUNDS):
            end = min(shock + self.impact * sold, self.farthest)
            if end - start <= _SETTLED:
                break
            batch = self.density * (end - start)
            fill = self.price * math.exp(z * shock) * _mean_exponential(z * self.impact, sold, sold + batch)
            # Those nearer than this were bankrupt at the price of the batch.
            last = min(end, z * math.log(fill / bankrupt))
            if last > start:
                owed += self.density * (
                    z * fill * (last - start) - bankrupt * (math.exp(z * last) - math.exp(z * start))
                )
            sold, start = sold + batch, end
        return owed

    def exhausted_at(self, fund: float) -> float:
        """Return the smallest shock (log) whose bad debt exceeds the fund (USD), or infinity."""
        shocks = np.linspace(self.nearest, self.farthest + 1.0, _SCAN)
        beyond = next((i for i, s in enumerate(shocks) if self.bad_debt(float(s)) > fund), None)
        if beyond is None:
            return math.inf
        low, high = float(shocks[max(beyond - 1, 0)]), float(shocks[beyond])
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if self.bad_debt(middle) > fund else (middle, high)
        return high

    def threshold(self, criterion: str, *, fund: float, amplification: float = 2.0) -> float:
        """Return the fracture threshold by criterion: smallest shock (positive, log), infinity for none.

        ``bad_debt`` (above the fund at the start), ``amplification`` and ``all_liquidated`` are those of
        `volkit.contagion.fracture.fracture_threshold`. ``fund_exhausted`` is the same number as ``bad_debt`` here,
        as it is for a venue whose fund takes in nothing (what liquidations leave is returned, no fee) and that puts in
        nothing of its own. Where the fund takes in money, it lasts longer than this says.

        Raises
        ------
        ArgumentError
            For an unknown criterion.
        """
        known = ("bad_debt", "fund_exhausted", "amplification", "all_liquidated")
        criterion = check_choice(criterion, argument="criterion", choices=known)
        if criterion in ("bad_debt", "fund_exhausted"):
            return self.exhausted_at(fund)
        return self.amplified_at(amplification) if criterion == "amplification" else self.all_liquidated_at()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class VenueTruth(ResultDisplay):
    """What the simulated venue was made from.

    Attributes
    ----------
    long, short : SideTruth
        Liquidation densities of both sides, and the closed forms of their cascades under the linear law.
    impact : float
        Log move per coin of the merged order book.
    half_life : float
        Minutes in which the depth after a sweep regains half of what it lost.
    permanent_share : float
        Share of an impact that stays when it decays.
    fund : float
        Insurance fund, USD.
    own_token_share : float
        Share of the venue's assets in its own token.
    solvency_ratio, solvency_ratio_without_token : float
        Assets over liabilities of the venue, with its own token at the price in the sheet and at zero.
    health_range : tuple of float
        Debt lies uniformly along the log health factor between these.
    clearing : DataFrame, shape (n_nodes, 4)
        Index node: obligation and payment (USD), payment as an exact fraction in text, and defaults.
    """

    long: SideTruth
    short: SideTruth
    impact: float
    half_life: float
    permanent_share: float
    fund: float
    own_token_share: float
    solvency_ratio: float
    solvency_ratio_without_token: float
    health_range: tuple[float, float]
    clearing: pd.DataFrame

    @property
    def headline(self) -> str:
        """Feedback of both sides and the shock whose bad debt exceeds the fund, in one line."""
        return (
            f"feedback {self.long.feedback:.3f} down and {self.short.feedback:.3f} up, bad debt above the fund from "
            f"a log shock of {self.threshold('bad_debt'):.4f} down, {int(self.clearing['defaults'].sum())} defaults in "
            "the network"
        )

    def side(self, direction: Direction) -> SideTruth:
        """Return the side that a direction liquidates."""
        return self.long if direction == "down" else self.short

    def threshold(self, criterion: str, *, direction: Direction = "down", amplification: float = 2.0) -> float:
        """Return the smallest log shock (positive) that fractures the venue, infinity for none: `SideTruth.threshold`.

        Raises
        ------
        ArgumentError
            For an unknown criterion.
        """
        return self.side(direction).threshold(criterion, fund=self.fund, amplification=amplification)

    def debt_share_below(self, health_factor: float) -> float:
        """Return the share of the debt whose health factor lies below a level, from 0 to 1."""
        low, high = np.log(self.health_range)
        return float(np.clip((np.log(health_factor) - low) / (high - low), 0.0, 1.0))

    def summary(self) -> pd.DataFrame:
        """Return what is known, with units: `value`, index `known`."""
        rows = {
            "impact (log move per coin)": self.impact,
            "half-life of depth (minutes)": self.half_life,
            "permanent share of impact": self.permanent_share,
            "insurance fund (USD)": self.fund,
            "own token over assets": self.own_token_share,
            "solvency ratio": self.solvency_ratio,
            "solvency ratio, own token at zero": self.solvency_ratio_without_token,
        }
        words = {"bad_debt": "bad debt above the fund", "all_liquidated": "whole side liquidated"}
        for direction, name in (("down", "longs"), ("up", "shorts")):
            side = self.long if direction == "down" else self.short
            rows[f"{name}: coins per unit of log price"] = side.density
            rows[f"{name}: feedback, lambda rho"] = side.feedback
            for criterion, what in words.items():
                rows[f"{name}: {what} (log shock)"] = side.threshold(criterion, fund=self.fund)
        return pd.Series(rows, name="value").rename_axis("known").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the same as `summary`."""
        return self.summary()


def _mean_exponential(rate: float, start: float, end: float) -> float:
    """Return the mean of exp(rate x) for x from start to end."""
    width = rate * (end - start)
    return math.exp(rate * start) * (math.expm1(width) / width if width else 1.0)
