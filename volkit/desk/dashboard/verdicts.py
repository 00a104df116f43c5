"""What the tests say of the maintenance margin's exceptions, one side at a time, with one p-value a test."""

import math
from dataclasses import dataclass

import pandas as pd

from volkit.conventions import SIDES, Side
from volkit.margin import CalibratedParameters
from volkit.validation.battery import ALL_PERIODS, CoverageBattery

__all__ = ["SideVerdict", "judge", "p_origin"]

_SIGNIFICANT = 0.05
# Below these a test hardly rejects a margin that is exceeded twice as often as promised.
_LEAST_EXPECTED, _LEAST_POWER = 1.0, 0.2
_COLUMNS = [
    "periods", "exceptions", "expected", "rate", "target rate", "Kupiec p", "independence p", "joint p",
    "traffic light", "largest beyond", "mean margin",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SideVerdict:
    """The exceptions of one side's maintenance margin and what follows.

    Attributes
    ----------
    side : {"long", "short"}
        Of the position.
    periods, exceptions : int
        Tested, without overlap, and strictly above the margin.
    expected : float
        Exceptions that the confidence promises.
    is_above : bool
        Whether there are more than that, overlapping periods included.
    rate_p, independence_p, joint_p : float
        Of Kupiec's test of the rate, of independence, and of both together; NaN where not defined.
    power : float
        Of Kupiec's test against twice the promised rate.
    light : str
        Zone of the traffic light.
    """

    side: Side
    periods: int
    exceptions: int
    expected: float
    is_above: bool
    rate_p: float
    independence_p: float
    joint_p: float
    power: float
    light: str

    @property
    def is_rejected(self) -> bool:
        """Whether Kupiec's test rejects the rate at 5 %."""
        return self.rate_p < _SIGNIFICANT

    @property
    def is_too_many(self) -> bool:
        """Whether it does so for too many exceptions."""
        return self.is_rejected and self.is_above

    @property
    def is_open(self) -> bool:
        """Whether there are too few periods to say anything: not rejected, and hardly able to be."""
        return not self.is_rejected and (self.expected < _LEAST_EXPECTED or self.power < _LEAST_POWER)

    @property
    def is_clustered(self) -> bool:
        """Whether the test of independence rejects at 5 %."""
        return self.independence_p < _SIGNIFICANT

    @property
    def clustering(self) -> str:
        """What is known of clusters, in words."""
        if self.is_clustered:
            return "in clusters"
        if math.isnan(self.independence_p):
            return "clustering not tested"
        return "clustering not shown" if self.exceptions > 1 else "too few for clusters"


def judge(found: CalibratedParameters, tests: CoverageBattery) -> tuple[dict[Side, SideVerdict], pd.DataFrame]:
    """Return the verdict by side and the table behind them: counts of the back-test, p-values of the battery."""
    table = found.backtest.table.loc[[(side, "maintenance_margin") for side in SIDES]].droplevel("layer")
    table = table.rename(columns={"mean rate": "mean margin"})
    verdicts: dict[Side, SideVerdict] = {}
    for side in SIDES:
        key = (found.schedule.asset, side, ALL_PERIODS)
        used = tests.table["p_used"].loc[key]
        cell, row = tests.cells.loc[key], table.loc[side]
        verdicts[side] = SideVerdict(
            side=side,
            periods=int(row["periods"]),
            exceptions=int(row["exceptions"]),
            expected=float(row["expected"]),
            is_above=bool(cell["exception_rate"] > cell["target_rate"]),
            rate_p=float(used["kupiec"]),
            independence_p=float(used["independence"]),
            joint_p=float(used["conditional_coverage"]),
            power=float(row["power at twice the rate"]),
            light=str(row["traffic light"]),
        )
    table["Kupiec p"] = [verdicts[side].rate_p for side in SIDES]
    table["independence p"] = [verdicts[side].independence_p for side in SIDES]
    table["joint p"] = [verdicts[side].joint_p for side in SIDES]
    return verdicts, table[_COLUMNS]


def p_origin(horizon: int) -> str:
    """Return which p-values these are, in words."""
    kind = "p-values are exact where there is an exact law, else those of the law for long samples"
    if horizon == 1:
        return f"{kind}; not corrected for their number"
    ways = f"of the {horizon} series of every {horizon}th period"
    return f"{kind}; each is twice the mean {ways}, none of which overlaps; not corrected for their number"
