"""A schedule beside the returns behind it: what each rate could know, put to each tool."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_returns
from volkit.conventions import SIDES, Side, losses
from volkit.errors import DataError
from volkit.margin.measures.stressed import worst_windows
from volkit.margin.procyclicality.history import (
    ewma_volatility,
    long_run_volatility,
    matching_confidence,
    mixed_tail,
    trailing_tails,
)
from volkit.margin.procyclicality.recursions import apply_floor, limit_speed, mix_rates, release_buffer
from volkit.margin.procyclicality.tools import Buffer, LongFloor, SpeedLimit, StressFloor, StressWeight, VolatilityFloor
from volkit.margin.schedule import MarginSchedule
from volkit.scenarios import compound

__all__ = ["KnownReturns"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KnownReturns:
    """A schedule beside its returns.

    Attributes
    ----------
    schedule : MarginSchedule
        Untreated.
    returns : Series, shape (n_known,)
        Simple returns (decimal, UTC) up to the last rate.
    held : ndarray, shape (n_held,)
        The same over the margin period of risk, overlapping.
    rows : ndarray of int, shape (n_rates,)
        Position of the last return that each rate knows.
    """

    schedule: MarginSchedule
    returns: pd.Series
    held: Floats
    rows: npt.NDArray[np.int64]

    @classmethod
    def of(cls, schedule: MarginSchedule, returns: pd.Series) -> "KnownReturns":
        """Return both together.

        Raises
        ------
        DataError
            When the returns are not those behind the schedule.
        """
        checked = check_returns(returns)
        places = checked.index.get_indexer(schedule.frame.index)
        if (places < 0).any() or (np.diff(places) != 1).any():
            _refuse_other(f"{int((places < 0).sum())} of {len(places)} times without a return, or others between them")
        horizon = schedule.policy.margin_period_of_risk
        held = compound(checked.to_numpy(), horizon)
        lost = schedule.frame["loss_long"].to_numpy()
        over = np.isfinite(lost) & (places + 1 < len(held))
        if not np.allclose(losses(held[places[over] + 1], side="long"), lost[over], rtol=0.0, atol=1e-9):
            _refuse_other("returns that give other losses")
        last = int(places[-1]) + 1
        return cls(schedule, checked.iloc[:last], held[: max(last - horizon + 1, 1)], places)

    @property
    def n_held(self) -> npt.NDArray[np.int64]:
        """Scenarios over the margin period of risk that each row knows."""
        return self.rows + 2 - self.schedule.policy.margin_period_of_risk

    def lookback(self, years: float) -> int:
        """Returns in so many years, and no fewer than the policy's look-back."""
        return max(round(years * self.schedule.periods_per_year), self.schedule.policy.lookback)

    def column(self, side: Side) -> int:
        """Column of the policy's measure among the four tails."""
        return 2 * SIDES.index(side) + (self.schedule.policy.measure == "expected_shortfall")

    def scenarios(self, n_returns: int) -> int:
        """Scenarios that so many returns give."""
        return max(n_returns - self.schedule.policy.margin_period_of_risk + 1, 1)

    def buffered(self, tool: Buffer, rate: Floats) -> tuple[Floats, Floats]:
        """Rates with the buffer, and what is left of it."""
        return release_buffer(
            rate,
            size=tool.size,
            rebuild_periods=tool.rebuild_periods,
            significant_rise=tool.significant_rise,
            rise_periods=tool.rise_periods,
        )

    def treated_by(
        self, tool: VolatilityFloor | StressWeight | LongFloor | SpeedLimit, rate: Floats, side: Side
    ) -> Floats:
        """Rates under a tool without a state to report."""
        if isinstance(tool, SpeedLimit):
            return limit_speed(rate, largest_fall=tool.largest_fall, largest_rise=tool.largest_rise)
        if isinstance(tool, LongFloor):
            return apply_floor(rate, self.long_tails(tool.years)[:, self.column(side)])
        if isinstance(tool, StressWeight):
            return self.stress_weighted(tool, rate, side)
        start = min(50, int(self.rows[0]) + 1)
        now = ewma_volatility(self.returns, half_life=tool.half_life, start=start)[self.rows]
        least = long_run_volatility(self.returns.to_numpy(), lookback=self.lookback(tool.years))[self.rows]
        return rate * np.maximum(1.0, tool.share * least / now)

    def long_tails(self, years: float) -> Floats:
        """Tails of the long look-back, as `trailing_tails`."""
        width, confidence = self.scenarios(self.lookback(years)), self.schedule.policy.confidence
        return trailing_tails(self.held, self.n_held, width=width, confidence=confidence)

    def stress_weighted(self, tool: StressWeight, rate: Floats, side: Side) -> Floats:
        """Rates with the weight on the worst window, by the tool's reading."""
        policy, width = self.schedule.policy, self.scenarios(tool.window)
        column = self.column(side)
        worst = worst_windows(self.held, self.n_held, width=width, confidence=policy.confidence, column=column)
        if tool.reading == "rates":
            return mix_rates(rate, worst.tails[:, column % 2], weight=tool.weight)
        lost = losses(self.held, side=side)
        recent = len(lost) if policy.expanding else self.scenarios(policy.lookback)
        tails = [
            mixed_tail(
                lost[max(0, end - recent) : end],
                lost[start : start + width],
                confidence=policy.confidence,
                weight=tool.weight,
            )
            for end, start in zip(self.n_held.tolist(), worst.starts.tolist(), strict=True)
        ]
        return np.maximum([getattr(tail, policy.measure) for tail in tails], policy.floor)

    def stress_floor(self, tool: StressFloor, side: Side) -> tuple[Floats, pd.DatetimeIndex, Floats]:
        """The floor at each row, the first return of its window, and the confidence at which it is read."""
        first = 2 * SIDES.index(side)
        width, confidence = self.scenarios(tool.window), self.schedule.policy.confidence
        worst = worst_windows(self.held, self.n_held, width=width, confidence=confidence, column=first)
        target = self.long_tails(tool.years)[:, first]
        every = tool.recalibrate_every or max(1, round(self.schedule.periods_per_year))
        lost = losses(self.held, side=side)
        floor, read_at = np.empty(len(self.rows)), np.empty(len(self.rows))
        matched, value = np.nan, np.nan
        for row, start in enumerate(worst.starts.tolist()):
            is_due = row % every == 0
            if is_due or start != worst.starts[row - 1]:
                window = lost[start : start + width]
                matched = matching_confidence(window, target=float(target[row])) if is_due else matched
                value = float(np.quantile(window, matched, method="weibull"))
            floor[row], read_at[row] = value, matched
        return floor, pd.DatetimeIndex(self.returns.index[worst.starts]), read_at


def _refuse_other(got: str) -> None:
    raise DataError("returns", "must be the returns behind the schedule", got, "pass the series it was made from")
