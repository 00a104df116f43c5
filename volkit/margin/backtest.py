"""Would the margins have held? Exceptions and coverage tests of a schedule, by side and layer.

Three layers are tested: the model's Value at Risk (is the model right?), the maintenance margin (did the
close-out cost more than was held?) and the initial margin (was a new position exhausted?). An exception is
a loss strictly above the rate.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_kind
from volkit.conventions import SIDES, Side
from volkit.errors import DataError
from volkit.margin.schedule import MarginSchedule
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation import (
    CoverageTest,
    christoffersen_independence_test,
    christoffersen_test,
    kupiec_test,
    traffic_light,
)

__all__ = ["LAYERS", "MarginBacktest", "backtest_margin"]

LAYERS = ("value_at_risk", "maintenance_margin", "initial_margin")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginBacktest(ResultDisplay):
    """Exceptions of a margin schedule and what the coverage tests say of them.

    Attributes
    ----------
    asset : str
        Name of the series.
    table : DataFrame, shape (6, n_columns)
        Index (side, layer): counts, rates and targets (fractions), p-values, size and power of the Kupiec
        test at 5 % (power against twice the target rate), traffic light, mean and largest loss beyond the
        rate (fraction of the notional), mean quantile loss.
    exceptions : DataFrame
        One row for each loss above the Value at Risk: set at, until (UTC), side, loss and the rates.
    coverage : dict of side to CoverageTest
        Kupiec's test of the Value at Risk by side.
    confidence : float
        Target of the tests.
    n_obs : int
        Periods tested; every `step`-th when the margin period of risk has several periods.
    step : int
        Distance of the tested periods, so that their losses do not overlap.
    as_of : Timestamp
        Last label (UTC) of the schedule.
    provenance : Provenance
        Sources and hashes.
    """

    asset: str
    table: pd.DataFrame
    exceptions: pd.DataFrame
    coverage: dict[Side, CoverageTest]
    confidence: float
    n_obs: int
    step: int
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def under_margined(self) -> bool:
        """Whether the Value at Risk of either side is rejected at 5 % for too many exceptions."""
        return any(t.p_value < 0.05 and t.n_exceptions > t.expected_exceptions for t in self.coverage.values())

    @property
    def over_margined(self) -> tuple[str, ...]:
        """The sides whose Value at Risk is rejected at 5 % for too few exceptions."""
        tests = self.coverage.items()
        return tuple(s for s, t in tests if t.p_value < 0.05 and t.n_exceptions < t.expected_exceptions)

    @property
    def quantile_loss(self) -> float:
        """Sum over both sides of the mean quantile loss of the Value at Risk: lower is better."""
        return float(sum(self.table.loc[(side, "value_at_risk"), "mean quantile loss"] for side in SIDES))

    @property
    def headline(self) -> str:
        """Asset and exceptions of both sides in one line."""
        counts = " and ".join(f"{self.coverage[s].n_exceptions} {s}" for s in SIDES)
        expected = self.coverage["long"].expected_exceptions
        return f"{self.asset}, {counts} exceptions in {self.n_obs} periods, {expected:.1f} expected a side"

    def summary(self) -> pd.DataFrame:
        """Return the table (fractions of the notional, p-values)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the exceptions (UTC, fractions of the notional)."""
        return self.exceptions


def backtest_margin(schedule: MarginSchedule) -> MarginBacktest:
    """Return the exceptions of a schedule and tests of their rate and independence.

    Parameters
    ----------
    schedule : MarginSchedule
        From `margin_schedule`.

    Returns
    -------
    MarginBacktest
        Table by side and layer, exceptions (UTC), tests.

    Raises
    ------
    DataError
        When no margin period of risk in the schedule is over.

    Notes
    -----
    Over h periods neighbouring losses overlap and no test for independent hits holds; every h-th period is
    tested then, and every exception is listed.

    Examples
    --------
    >>> from volkit.margin.policy import MarginPolicy
    >>> from volkit.margin.schedule import margin_schedule
    >>> times = pd.date_range("2024-01-01", periods=600, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 600), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> backtest_margin(margin_schedule(returns, policy=policy, periods_per_year=365))
    <MarginBacktest: BTC, 19 long and 25 short exceptions in 400 periods, 20.0 expected a side>
    """
    check_kind(schedule, MarginSchedule, argument="schedule", remedy="pass what margin_schedule returns")
    done = schedule.frame[schedule.frame["loss_long"].notna()]
    if done.empty:
        raise DataError("schedule", "must hold a margin period of risk that is over", "none", "pass a longer history")
    step = schedule.policy.margin_period_of_risk
    tested = done.iloc[::step]
    rows: dict[tuple[str, str], dict[str, object]] = {}
    coverage: dict[Side, CoverageTest] = {}
    for side in SIDES:
        for layer in LAYERS:
            rows[(side, layer)], test = _layer(tested, side, layer, schedule.policy.confidence)
            if layer == "value_at_risk":
                coverage[side] = test
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["side", "layer"])
    return MarginBacktest(
        asset=schedule.asset,
        table=freeze(table),
        exceptions=freeze(_exceptions(done)),
        coverage=coverage,
        confidence=schedule.policy.confidence,
        n_obs=len(tested),
        step=step,
        as_of=schedule.as_of,
        provenance=schedule.provenance,
    )


def _layer(tested: pd.DataFrame, side: str, layer: str, confidence: float) -> tuple[dict[str, object], CoverageTest]:
    loss, rate = tested[f"loss_{side}"].to_numpy(), tested[f"{layer}_{side}"].to_numpy()
    hits = loss > rate
    beyond = (loss - rate)[hits]
    kupiec = kupiec_test(hits, confidence=confidence)
    row: dict[str, object] = {
        "periods": len(hits),
        "exceptions": int(hits.sum()),
        "expected": (1.0 - confidence) * len(hits),
        "rate": float(hits.mean()),
        "target rate": 1.0 - confidence,
        "Kupiec p": kupiec.p_value,
        "independence p": christoffersen_independence_test(hits).p_value,
        "Christoffersen p": christoffersen_test(hits, confidence=confidence).p_value,
        "size at 5 %": kupiec.size,
        "power at twice the rate": kupiec.power,
        "traffic light": traffic_light(int(hits.sum()), len(hits), confidence=confidence).zone,
        "mean beyond": float(beyond.mean()) if len(beyond) else 0.0,
        "largest beyond": float(beyond.max()) if len(beyond) else 0.0,
        "mean rate": float(rate.mean()),
        "mean quantile loss": float(np.mean((hits - (1.0 - confidence)) * (loss - rate))),
    }
    return row, kupiec


def _exceptions(done: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for side in SIDES:
        hit = done[done[f"loss_{side}"] > done[f"value_at_risk_{side}"]]
        columns = {layer: hit[f"{layer}_{side}"] for layer in LAYERS}
        part = pd.DataFrame({"until": hit["until"], "side": side, "loss": hit[f"loss_{side}"], **columns})
        parts.append(part.rename_axis("set at").reset_index())
    listed = pd.concat(parts, ignore_index=True)
    return listed.sort_values(["until", "side"], ignore_index=True)
