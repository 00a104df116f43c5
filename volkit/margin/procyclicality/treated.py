"""A schedule under tools against procyclicality: the rates charged, and what each tool added to them."""

from dataclasses import dataclass, field

import pandas as pd

from volkit.checks import check_choice
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.margin.schedule import MarginSchedule
from volkit.results import Provenance, ResultDisplay

__all__ = ["FLOORS", "STEPS", "TreatedSchedule", "step_words"]

# The order in which the tools work on the maintenance margin.
STEPS = (
    "volatility_floor",
    "stress_weight",
    "buffer",
    "long_floor",
    "stress_floor",
    "cap",
    "speed_limit",
)
FLOORS = ("long_floor", "stress_floor")


def step_words(step: str) -> str:
    """Return the name of a tool as one reads it.

    Examples
    --------
    >>> step_words("long_floor")
    'long floor'
    """
    return step.replace("_", " ")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TreatedSchedule(ResultDisplay):
    """Margin rates through time under tools against procyclicality.

    Attributes
    ----------
    schedule : MarginSchedule
        With the treated maintenance margin, and the initial margin that follows from it by the policy's buffer. Value
        at Risk, expected shortfall and losses are the untreated schedule's. For `backtest_margin` and drawings.
    untreated : MarginSchedule
        That entered.
    words : str
        The tools in words, in their order.
    components : DataFrame, shape (n_rates, 18)
        Columns (side, component): ``untreated``, what each of `STEPS` added (fractions of the notional, negative where
        it lowered), and ``treated``, their sum. Index `time` (UTC).
    states : DataFrame, shape (n_rates, 6)
        Columns (side, state): ``buffer``, what is left of it, fraction of the rate; ``stress_start``, first return
        (UTC) of the stress floor's window; ``stress_confidence``, at which it is read. NaN and NaT without the tool.
    provenance : Provenance
        Sources and hashes.
    """

    schedule: MarginSchedule
    untreated: MarginSchedule
    words: str
    components: pd.DataFrame
    states: pd.DataFrame
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def asset(self) -> str:
        """Name of the series."""
        return self.schedule.asset

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last return used."""
        return self.schedule.as_of

    @property
    def n_obs(self) -> int:
        """Rates with a realised loss beside them."""
        return self.schedule.n_obs

    @property
    def cost(self) -> pd.Series:
        """Mean treated over mean untreated maintenance margin, less one, by side."""
        costs = {side: self._mean(side, "treated") / self._mean(side, "untreated") - 1.0 for side in SIDES}
        return pd.Series(costs, name="cost").rename_axis("side")

    def in_force(self, *, side: Side) -> pd.Series:
        """Return the tool that set the rate at each time, shape (n_rates,): the last that changed it, or ``none``.

        Raises
        ------
        ArgumentError
            For an unknown side.
        """
        check_choice(side, argument="side", choices=SIDES)
        acted = self.components[side][list(STEPS)].ne(0.0)
        last = acted[list(STEPS[::-1])].idxmax(axis=1)
        return last.where(acted.any(axis=1), "none").rename("in force")

    def time_in_force(self) -> pd.DataFrame:
        """Return the share of periods in which each tool set the rate, index the tools and ``none``, by side."""
        shares = {side: self.in_force(side=side).value_counts(normalize=True) for side in SIDES}
        return pd.DataFrame(shares).reindex([*STEPS, "none"]).fillna(0.0).rename_axis("in force")

    @property
    def headline(self) -> str:
        """Asset, cost and tools in one line."""
        cost = self.cost
        return (
            f"{self.asset}, margin {percent_to(cost['long'], signed=True)} long and "
            f"{percent_to(cost['short'], signed=True)} short; {self.words}"
        )

    def summary(self) -> pd.DataFrame:
        """Return by side and tool the mean addition (fraction of the notional) and the share of periods it set."""
        means = self.components.mean().rename("mean (fraction of notional)")
        shares = self.time_in_force().unstack().rename_axis(["side", "component"])
        table = means.rename_axis(["side", "component"]).to_frame()
        return table.assign(**{"time in force (share)": shares.reindex(table.index)})

    def to_frame(self) -> pd.DataFrame:
        """Return the components (UTC, fractions of the notional)."""
        return self.components

    def _mean(self, side: str, component: str) -> float:
        mean = float(self.components[(side, component)].mean())
        if component == "untreated" and not mean > 0.0:
            remedy = "set a floor in the MarginPolicy"
            raise ArgumentError("schedule", "must have a mean margin above zero", f"{mean:g} ({side})", remedy)
        return mean
