"""Schedules side by side: what a treatment costs, how procyclical what is left is, and whether it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from volkit.checks import check_confidence, check_count, check_named_kinds
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.procyclicality.metrics import HORIZONS, procyclicality_metrics
from volkit.margin.procyclicality.recursions import check_rates
from volkit.margin.procyclicality.treated import FLOORS, TreatedSchedule
from volkit.margin.schedule import MarginSchedule
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation.blocks import block_indices

__all__ = ["ProcyclicalityTable", "TreatmentCost", "procyclicality_table", "treatment_cost"]

# Rates follow the volatility, which takes months to come back: an eighth of the schedule keeps its swings whole.
_BLOCKS = 8
_REPLICATIONS = 1000
# Rows of bootstrap indices at a time, which bounds the memory for hourly schedules.
_CHUNK = 50


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TreatmentCost(ResultDisplay):
    """What a treatment costs, with an interval.

    Attributes
    ----------
    cost : float
        Mean treated over mean untreated rate, less one.
    lower, upper : float
        Ends of the bootstrap interval, decimals.
    coverage : float
        Of the interval.
    block : int
        Periods in a block.
    n_obs : int
        Pairs of rates.
    """

    cost: float
    lower: float
    upper: float
    coverage: float
    block: int
    n_obs: int

    @property
    def headline(self) -> str:
        """Cost and interval in one line."""
        span = (
            f"{percent_to(self.coverage, 0)} interval {percent_to(self.lower, signed=True)} to "
            f"{percent_to(self.upper, signed=True)}"
        )
        return f"cost {percent_to(self.cost, signed=True)}, {span}, {self.n_obs} rates"

    def summary(self) -> pd.DataFrame:
        """Return cost and interval (decimals) in one row."""
        return pd.DataFrame({"cost": [self.cost], "lower": [self.lower], "upper": [self.upper]}, index=["margin"])

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def treatment_cost(
    treated: npt.ArrayLike,
    untreated: npt.ArrayLike,
    *,
    coverage: float = 0.90,
    block: int | None = None,
    rng: np.random.Generator,
) -> TreatmentCost:
    """Return mean treated over mean untreated margin, less one, with a block bootstrap interval.

    Parameters
    ----------
    treated, untreated : array_like, shape (n,)
        Margin rates of one side over the same periods, fractions of the notional.
    coverage : float
        Of the interval.
    block : int, optional
        Periods in a block, at most a third of the rates; pairs of neighbouring rates stay together. An eighth of them
        by default.
    rng : Generator
        Randomness.

    Returns
    -------
    TreatmentCost
        Decimals.

    Raises
    ------
    ArgumentError
        For rates of different lengths, a coverage outside 0.5 to 1, blocks that are longer than a third of the rates.
    DataError
        For missing rates, or untreated ones that are not above zero.

    Notes
    -----
    Percentiles of 1,000 circular block bootstrap samples (Politis and Romano 1992) of pairs, spread from the cost by
    the ratio of Student's quantile with n / block - 1 degrees of freedom to the normal one, since blocks are few. The
    interval takes the rates as they are and asks how the cost would vary over other spans of the same kind of market.
    On 400 simulated paths of log rates that forget half of a shock in 20 periods, with a floor at the median, the 90 %
    interval held the true cost 83 times in 100 with 750 rates, 86 with 1,500 and 88 with 3,000.

    Examples
    --------
    >>> untreated = 0.10 + 0.02 * np.sin(np.arange(900) / 50)
    >>> treatment_cost(np.maximum(untreated, 0.10), untreated, rng=np.random.default_rng(1))
    <TreatmentCost: cost +6.3 %, 90 % interval +2.6 % to +10.5 %, 900 rates>
    """
    after, before = (
        check_rates(treated, argument="treated"),
        check_rates(untreated, argument="untreated", positive=True),
    )
    if len(after) != len(before):
        got, remedy = f"{len(after)} and {len(before)}", "take both over the same periods"
        raise ArgumentError("treated", "must have as many rates as untreated", got, remedy)
    n, level = len(before), check_confidence(coverage, argument="coverage")
    length = max(n // _BLOCKS, 1) if block is None else check_count(block, argument="block")
    if 3 * length > n:
        remedy = "pass a smaller block or a longer schedule"
        raise ArgumentError("block", f"must go three times into {n} rates", str(length), remedy)
    ratios = []
    for _ in range(_REPLICATIONS // _CHUNK):
        rows = block_indices(n, block=length, n_replications=_CHUNK, rng=rng)
        ratios.append(after[rows].mean(axis=1) / before[rows].mean(axis=1))
    cost = float(after.mean() / before.mean()) - 1.0
    upper_tail = 0.5 + 0.5 * level
    ends = np.quantile(np.concatenate(ratios), [1.0 - upper_tail, upper_tail]) - 1.0
    ends = cost + special.stdtrit(n / length - 1.0, upper_tail) / special.ndtri(upper_tail) * (ends - cost)
    return TreatmentCost(
        cost=cost,
        lower=float(ends[0]),
        upper=float(ends[1]),
        coverage=level,
        block=length,
        n_obs=n,
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ProcyclicalityTable(ResultDisplay):
    """Treatments side by side.

    Attributes
    ----------
    table : DataFrame
        Index (name, side). Columns: ``mean rate`` (fraction of the notional), ``cost`` with ``cost lower`` and ``cost
        upper``, ``peak to trough``, for n of the horizons ``largest rise n``, ``99 % rise n`` and ``99 % shortfall n``
        (decimals), ``exceptions`` of the maintenance margin, ``exceptions before``, ``expected``, ``periods`` tested,
        ``time at floor`` and ``time in force`` of any tool (shares of periods).
    asset : str
        Name of the series.
    horizons : tuple of int
        Periods over which rises are taken.
    coverage : float
        Of the interval of the cost.
    n_obs : int
        Rates in the first schedule.
    as_of : Timestamp
        Last label (UTC) of the first schedule.
    provenance : Provenance
        Sources and hashes of the first schedule.
    """

    table: pd.DataFrame
    asset: str
    horizons: tuple[int, ...]
    coverage: float
    n_obs: int
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Asset, number of schedules and span of costs in one line."""
        costs = self.table["cost"]
        names = self.table.index.get_level_values("name").nunique()
        return (
            f"{self.asset}, {names} schedules, costs {percent_to(costs.min(), signed=True)} to "
            f"{percent_to(costs.max(), signed=True)}, {self.n_obs} rates to {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table


def procyclicality_table(
    schedules: Mapping[str, MarginSchedule | TreatedSchedule],
    *,
    horizons: Sequence[int] = HORIZONS,
    coverage: float = 0.90,
    block: int | None = None,
    rng: np.random.Generator,
) -> ProcyclicalityTable:
    """Return cost, procyclicality and exceptions of schedules side by side.

    Parameters
    ----------
    schedules : mapping of str to MarginSchedule or TreatedSchedule
        By name, over the same times. A treated one is compared with its own untreated schedule; an untreated one with
        itself, so that its cost is 0.
    horizons : sequence of int
        Periods over which rises are taken.
    coverage, block : float, int or None
        Of the interval of the cost, as in `treatment_cost`.
    rng : Generator
        Randomness of the interval; every row has the same draws, so that rows can be compared.

    Returns
    -------
    ProcyclicalityTable
        Rates are maintenance margins.

    Raises
    ------
    ArgumentError
        For no schedule, and as `treatment_cost` and `procyclicality_metrics`.
    DataError
        For schedules over different times or of different assets, or rates that are not above zero.

    Notes
    -----
    An exception is a loss strictly above the maintenance margin; over several periods every h-th loss counts, as in
    `backtest_margin`.

    Examples
    --------
    >>> from volkit.margin.policy import MarginPolicy
    >>> from volkit.margin.schedule import margin_schedule
    >>> times = pd.date_range("2024-01-01", periods=600, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 600), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    >>> procyclicality_table({"none": schedule}, rng=np.random.default_rng(1))
    <ProcyclicalityTable: BTC, 1 schedules, costs +0.0 % to +0.0 %, 401 rates to 2025-08-22>
    """
    first = _check_alike(schedules)
    seed = int(rng.integers(2**63))
    rows = {
        (name, side): _row(one, side, tuple(horizons), coverage, block, np.random.default_rng(seed))
        for name, one in schedules.items()
        for side in SIDES
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    counts = ["exceptions", "exceptions before", "periods"]
    table.index = pd.MultiIndex.from_tuples(table.index, names=["name", "side"])
    return ProcyclicalityTable(
        table=freeze(table.astype(dict.fromkeys(counts, "int64"))),
        asset=first.asset,
        horizons=tuple(horizons),
        coverage=coverage,
        n_obs=len(first.frame),
        as_of=first.as_of,
        provenance=first.provenance,
    )


def _check_alike(schedules: Mapping[str, MarginSchedule | TreatedSchedule]) -> MarginSchedule:
    remedy = "pass what margin_schedule returns, treated or not"
    check_named_kinds(schedules, MarginSchedule, TreatedSchedule, argument="schedules", remedy=remedy)
    if not schedules:
        remedy = "pass for example {'untreated': schedule}"
        raise ArgumentError("schedules", "must hold at least one schedule", "none", remedy)
    plain = {name: _after(one) for name, one in schedules.items()}
    first_name, first = next(iter(plain.items()))
    for name, one in plain.items():
        if one.asset != first.asset or not one.frame.index.equals(first.frame.index):
            got = (
                f"{name} ({one.asset}, {len(one.frame)} rates) beside {first_name} ({first.asset}, {len(first.frame)})"
            )
            raise DataError("schedules", "must be of one asset over the same times", got, "make a table for each")
    return first


def _after(one: MarginSchedule | TreatedSchedule) -> MarginSchedule:
    return one.schedule if isinstance(one, TreatedSchedule) else one


def _row(
    one: MarginSchedule | TreatedSchedule,
    side: Side,
    horizons: tuple[int, ...],
    coverage: float,
    block: int | None,
    rng: np.random.Generator,
) -> dict[str, float]:
    after, before = _after(one), one.untreated if isinstance(one, TreatedSchedule) else one
    rates = [s.frame[f"maintenance_margin_{side}"].to_numpy() for s in (after, before)]
    cost = treatment_cost(*rates, coverage=coverage, block=block, rng=rng)
    metrics = procyclicality_metrics(rates[0], horizons=horizons, confidences=(0.99,))
    named = {"largest": "largest rise", "quantile 99 %": "99 % rise", "shortfall 99 %": "99 % shortfall"}
    rises = {f"{word} {n}": float(metrics.rises.loc[n, c]) for c, word in named.items() for n in horizons}
    exceptions, periods = _exceptions(after, side)
    share = one.time_in_force()[side] if isinstance(one, TreatedSchedule) else pd.Series({"none": 1.0})
    return {
        "mean rate": float(rates[0].mean()),
        "cost": cost.cost,
        "cost lower": cost.lower,
        "cost upper": cost.upper,
        "peak to trough": metrics.peak_to_trough,
        **rises,
        "exceptions": exceptions,
        "exceptions before": _exceptions(before, side)[0],
        "expected": (1.0 - after.policy.confidence) * periods,
        "periods": periods,
        "time at floor": float(share.reindex(FLOORS).fillna(0.0).sum()),
        "time in force": 1.0 - float(share["none"]),
    }


def _exceptions(schedule: MarginSchedule, side: Side) -> tuple[int, int]:
    done = schedule.frame[schedule.frame[f"loss_{side}"].notna()].iloc[:: schedule.policy.margin_period_of_risk]
    return int((done[f"loss_{side}"] > done[f"maintenance_margin_{side}"]).sum()), len(done)
