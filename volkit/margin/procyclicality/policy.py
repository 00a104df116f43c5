"""The tools composed in one order and put upon a schedule, walking forward."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError
from volkit.margin.procyclicality.known import KnownReturns
from volkit.margin.procyclicality.recursions import apply_floor
from volkit.margin.procyclicality.tools import (
    Buffer,
    LongFloor,
    SpeedLimit,
    StressFloor,
    StressWeight,
    VolatilityFloor,
)
from volkit.margin.procyclicality.treated import STEPS, TreatedSchedule
from volkit.margin.schedule import MarginSchedule
from volkit.results import freeze

__all__ = ["AntiProcyclicality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AntiProcyclicality:
    """Which tools work on the maintenance margin, in the order of their attributes.

    Attributes
    ----------
    volatility_floor : VolatilityFloor, optional
        First: the volatility behind the rate.
    stress_weight : StressWeight, optional
        Then the weight on stress; it may lower a rate that is above the stressed one.
    buffer : Buffer, optional
        On the calculated rate that comes of both.
    long_floor : LongFloor, optional
        The larger of it and the rate so far.
    stress_floor : StressFloor, optional
        Likewise.
    cap : float, optional
        Largest rate, fraction of the notional; it goes before floors. A long position's rate stops at 1 in any case.
    speed_limit : SpeedLimit, optional
        Last, on what is charged. A limit on rises goes before floors; one on falls keeps them.

    Raises
    ------
    ArgumentError
        For no tool at all, a cap that is not above zero, or a stress weight on scenarios (which have no volatility
        model) together with a volatility floor, at construction.

    Notes
    -----
    Guarantees, whatever the returns: without a cap or a limit on rises the treated rate is at least both floors;
    without a stress weight and these, at least the untreated one. It is never above the cap, moves no faster than the
    speed limit, and later returns change no earlier rate. The parts of the article are alternatives: one of buffer,
    stress weight and long floor is enough for it. Whether a setting satisfies a supervisor is not for a program to say.

    References
    ----------
    Commission Delegated Regulation (EU) No 153/2013, Article 28(1)(a) to (c). Murphy, Vasios and Vause (2016), "A
    comparative analysis of tools to limit the procyclicality of initial margin requirements", Bank of England Staff
    Working Paper 597.

    Examples
    --------
    >>> from volkit.margin.policy import MarginPolicy
    >>> from volkit.margin.schedule import margin_schedule
    >>> times = pd.date_range("2024-01-01", periods=600, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 600), index=times, name="BTC")
    >>> policy = MarginPolicy(expanding=False, method="historical", confidence=0.95, lookback=200)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    >>> AntiProcyclicality(long_floor=LongFloor()).apply(schedule, returns)
    <TreatedSchedule: BTC, margin +2.6 % long and +0.2 % short; floor of 10 years>
    """

    volatility_floor: VolatilityFloor | None = None
    stress_weight: StressWeight | None = None
    buffer: Buffer | None = None
    long_floor: LongFloor | None = None
    stress_floor: StressFloor | None = None
    cap: float | None = None
    speed_limit: SpeedLimit | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, step) is None for step in STEPS):
            remedy = "pass for example buffer=Buffer()"
            raise ArgumentError("AntiProcyclicality", "must have at least one tool", "none", remedy)
        if self.cap is not None:
            check_positive(self.cap, argument="cap", unit="fraction of the notional")
        by_scenarios = self.stress_weight is not None and self.stress_weight.reading == "scenarios"
        if by_scenarios and self.volatility_floor is not None:
            got, remedy = "a volatility_floor beside it", "use reading='rates'"
            raise ArgumentError("stress_weight", "on scenarios must stand without volatility floor", got, remedy)

    @property
    def words(self) -> str:
        """The tools in words, in their order."""
        tools = [getattr(self, step) for step in STEPS]
        return "; ".join(
            f"cap {100 * tool:.3g} %" if isinstance(tool, float | int) else tool.words
            for tool in tools
            if tool is not None
        )

    def apply(self, schedule: MarginSchedule, returns: pd.Series) -> TreatedSchedule:
        """Return the schedule under the tools, with what each added.

        Parameters
        ----------
        schedule : MarginSchedule
            Untreated.
        returns : Series, shape (n_obs,)
            The simple returns (decimal, UTC) behind it. Earlier ones lengthen what floors and stress know; later ones
            are not looked at.

        Returns
        -------
        TreatedSchedule
            Rates and components over the schedule's times (UTC), fractions of the notional.

        Raises
        ------
        ArgumentError
            When too few scenarios are known for the confidence; for a stress weight on scenarios with a method that
            has none.
        DataError
            When the returns are not those of the schedule, do not hold a stressed window at its first rate, or when a
            rate is not above zero.
        """
        known = KnownReturns.of(schedule, returns)
        if self.stress_weight is not None and self.stress_weight.reading == "scenarios":
            _check_historical(schedule)
        parts, states = {}, {}
        for side in SIDES:
            parts[side], states[side] = self._side(known, side)
        components = pd.concat(parts, axis=1, names=["side", "component"])
        return TreatedSchedule(
            schedule=replace(schedule, frame=freeze(_with_rates(schedule, components))),
            untreated=schedule,
            words=self.words,
            components=freeze(components),
            states=freeze(pd.concat(states, axis=1, names=["side", "state"])),
            provenance=schedule.provenance,
        )

    def _side(self, known: "KnownReturns", side: Side) -> tuple[pd.DataFrame, pd.DataFrame]:
        frame = known.schedule.frame
        rate = frame[f"maintenance_margin_{side}"].to_numpy()
        parts = {"untreated": rate}
        states: dict[str, object] = {"buffer": np.nan, "stress_start": pd.NaT, "stress_confidence": np.nan}
        for step in STEPS:
            after = rate
            tool = getattr(self, step)
            if step == "cap":
                most = min(np.inf if self.cap is None else self.cap, 1.0 if side == "long" else np.inf)
                after = np.minimum(rate, most)
            elif tool is None:
                pass
            elif step == "buffer":
                after, states["buffer"] = known.buffered(tool, rate)
            elif step == "stress_floor":
                floor, states["stress_start"], states["stress_confidence"] = known.stress_floor(tool, side)
                after = apply_floor(rate, floor)
            else:
                after = known.treated_by(tool, rate, side)
            parts[step], rate = after - rate, after
        index = frame.index
        table = pd.DataFrame({**parts, "treated": rate}, index=index)
        state = pd.DataFrame(states, index=index)
        starts = pd.to_datetime(state["stress_start"], utc=True).dt.as_unit("us")
        return table, state.assign(stress_start=starts)


def _check_historical(schedule: MarginSchedule) -> None:
    if schedule.policy.method != "historical":
        remedy = "use reading='rates', which mixes the rates of any method"
        raise ArgumentError(
            "stress_weight", "on scenarios must meet the method historical", schedule.policy.method, remedy
        )


def _with_rates(schedule: MarginSchedule, components: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for side in SIDES:
        maintenance = components[(side, "treated")]
        initial = maintenance * (1.0 + schedule.policy.buffer)
        columns[f"maintenance_margin_{side}"] = maintenance
        columns[f"initial_margin_{side}"] = initial.clip(upper=1.0) if side == "long" else initial
    return schedule.frame.assign(**columns)
