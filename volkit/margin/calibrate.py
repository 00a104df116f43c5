"""From a policy and a history to parameters that somebody can put in force, with the reason.

Every method is walked forward over the same history and tested. The recommendation comes from the method
with the lowest mean quantile loss among those not rejected for too many exceptions; when all are rejected,
from the one with the highest rate, and the reason says so. Or the method is given, and tested all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_kind, check_positive, check_returns
from volkit.conventions import SIDES, Side, spoken_periods
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.backtest import MarginBacktest, backtest_margin
from volkit.margin.intervals import rate_interval
from volkit.margin.measures.walk import walk_of
from volkit.margin.policy import METHODS, MarginMethod, MarginPolicy
from volkit.margin.rates import TailRisk
from volkit.margin.schedule import MarginSchedule, margin_schedule
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation import CoverageTest

__all__ = ["CANDIDATES", "CalibratedParameters", "calibrate_margin"]

# What a calibration tries by default: the plain one, and both uses of a volatility model.
CANDIDATES: tuple[MarginMethod, ...] = ("historical", "filtered_historical", "fitted_law")
_LAYERS = ("maintenance_margin", "initial_margin")
_PARAMETERS = tuple(f"{name}_{side}" for side in SIDES for name in (*_LAYERS, "max_leverage"))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CalibratedParameters(ResultDisplay):
    """Margin parameters of one asset, ready for a parameter file.

    Attributes
    ----------
    asset : str
        Name of the series.
    table : DataFrame, shape (n_parameters, 7)
        Index `parameter`; columns current (NaN: not given), recommended, low, mid, high, unit, reason.
    drivers : DataFrame
        What moved the numbers: driver, value, meaning.
    policy : MarginPolicy
        With the method chosen.
    schedules : dict of method to MarginSchedule
        By method.
    backtests : dict of method to MarginBacktest
        By method.
    as_of, valid_until : Timestamp
        Last return used (UTC label) and the end of validity.
    n_obs : int
        Returns used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes.
    """

    asset: str
    table: pd.DataFrame
    drivers: pd.DataFrame
    policy: MarginPolicy
    schedules: dict[MarginMethod, MarginSchedule]
    backtests: dict[MarginMethod, MarginBacktest]
    as_of: pd.Timestamp
    valid_until: pd.Timestamp
    n_obs: int
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def schedule(self) -> MarginSchedule:
        """The schedule of the method chosen."""
        return self.schedules[self.policy.method]

    @property
    def backtest(self) -> MarginBacktest:
        """The back-test of the method chosen."""
        return self.backtests[self.policy.method]

    @property
    def headline(self) -> str:
        """Asset and recommended rates in one line."""
        rate = self.table["recommended"]
        return (
            f"{self.asset}, initial margin {percent_to(rate['initial_margin_long'])} long and "
            f"{percent_to(rate['initial_margin_short'])} short, {self.policy.method}, valid to "
            f"{self.valid_until.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table (units in their column)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the asset as first index level."""
        return pd.concat({self.asset: self.table}, names=["asset"])


def calibrate_margin(
    returns: pd.Series,
    *,
    policy: MarginPolicy,
    periods_per_year: float,
    methods: Sequence[MarginMethod] = CANDIDATES,
    method: MarginMethod | None = None,
    current: Mapping[str, float] | None = None,
    stressed: Mapping[Side, TailRisk] | None = None,
    rounding: float = 0.001,
    validity_days: int = 30,
    n_jobs: int = 1,
    provenance: Provenance | None = None,
) -> CalibratedParameters:
    """Return recommended margins with their range, the reason and the drivers.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Simple returns, decimals, no NaN, UTC times.
    policy : MarginPolicy
        Everything but the method, which is chosen among `methods`.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    methods : sequence of str
        Candidates.
    method : str, optional
        The one of them to recommend whatever the others do: one policy for several assets. By default it is chosen.
    current : mapping of str to float, optional
        Parameters in force, by name as in the table, fractions of the notional.
    stressed : mapping of side to TailRisk, optional
        Tail risk on a stressed macro day; raises the high end.
    rounding : float
        Recommended rates are rounded up to a multiple of this.
    validity_days : int
        Days from the last return to the end of validity.
    n_jobs : int
        Processes for the fits.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CalibratedParameters
        Rates as fractions of the notional; low and high are the ends of a 90 % block-bootstrap interval of
        the rate, the high end at least the stressed macro day's.

    Raises
    ------
    ArgumentError
        For no method, one to recommend that is not among them, an unknown name in `current`, a bad rounding.
    DataError, ConvergenceError
        As `margin_schedule`.

    Examples
    --------
    >>> times = pd.date_range("2023-01-01", periods=400, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 400), index=times, name="BTC")
    >>> policy = MarginPolicy(confidence=0.95, lookback=200)
    >>> calibrate_margin(returns, policy=policy, periods_per_year=365, methods=["historical"])
    <CalibratedParameters: BTC, initial margin 6.1 % long and 5.4 % short, historical, valid to 2024-03-05>
    """
    check_kind(policy, MarginPolicy, argument="policy")
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    check_positive(rounding, argument="rounding", unit="decimal fraction")
    days = check_count(validity_days, argument="validity_days", unit="days")
    if unknown := set(current or {}) - set(_PARAMETERS):
        raise ArgumentError(
            "current", f"may name {', '.join(_PARAMETERS)}", ", ".join(sorted(unknown)), "use these names"
        )
    if method is not None and method not in methods:
        raise ArgumentError("method", f"must be one of methods: {', '.join(methods)}", method, "add it to methods")
    checked = check_returns(returns)
    schedules = _schedules(checked, policy, periods_per_year, methods, n_jobs, provenance or Provenance(()))
    backtests = {method: backtest_margin(schedule) for method, schedule in schedules.items()}
    picked, reason = _choose(schedules, backtests) if method is None else (method, _kept(backtests[method]))
    chosen = schedules[picked]
    table = _table(chosen, backtests[picked], checked, current or {}, stressed or {}, rounding, reason)
    return CalibratedParameters(
        asset=chosen.asset,
        table=freeze(table),
        drivers=freeze(_drivers(chosen, checked, stressed or {})),
        policy=chosen.policy,
        schedules=schedules,
        backtests=backtests,
        as_of=chosen.as_of,
        valid_until=chosen.as_of + pd.Timedelta(days=days),
        n_obs=len(checked),
        periods_per_year=periods_per_year,
        provenance=provenance or Provenance(()),
    )


def _schedules(
    returns: pd.Series,
    policy: MarginPolicy,
    periods_per_year: float,
    methods: Sequence[MarginMethod],
    n_jobs: int,
    provenance: Provenance,
) -> dict[MarginMethod, MarginSchedule]:
    if not methods:
        raise ArgumentError("methods", "must name at least one method", "none", f"choose among {', '.join(METHODS)}")
    policies = {method: replace(policy, method=method) for method in methods}
    needed = policy.lookback + policy.margin_period_of_risk
    if len(returns) < needed + 50:
        raise DataError(
            f"returns of {returns.name}",
            f"must leave at least 50 periods to test after the look-back ({needed + 50} returns)",
            str(len(returns)),
            f"shorten the look-back (now {policy.lookback}) or pass a longer history",
        )
    states = None
    if any(one.is_filtered for one in policies.values()):
        states = walk_of(policy, returns, n_jobs=n_jobs)
    return {
        method: margin_schedule(
            returns, policy=one, periods_per_year=periods_per_year, states=states, provenance=provenance
        )
        for method, one in progress(list(policies.items()), label="margin schedules")
    }


def _choose(
    schedules: Mapping[MarginMethod, MarginSchedule], backtests: Mapping[MarginMethod, MarginBacktest]
) -> tuple[MarginMethod, str]:
    held = [m for m, b in backtests.items() if not b.under_margined]
    if held:
        method = min(held, key=lambda m: backtests[m].quantile_loss)
        why = f"lowest quantile loss of {len(held)} of {len(backtests)} methods not rejected for too many exceptions"
    else:
        method = max(schedules, key=lambda m: sum(schedules[m].latest[f"value_at_risk_{side}"] for side in SIDES))
        why = "every method is rejected for too many exceptions; this one has the highest rates now"
    return method, why


def _kept(backtest: MarginBacktest) -> str:
    return "rejected for too many exceptions" if backtest.under_margined else "the policy in use for every asset"


def _table(
    schedule: MarginSchedule,
    backtest: MarginBacktest,
    returns: pd.Series,
    current: Mapping[str, float],
    stressed: Mapping[Side, TailRisk],
    rounding: float,
    why: str,
) -> pd.DataFrame:
    rows: dict[str, tuple[float, float, float, float, str, str]] = {}
    for side in SIDES:
        reason = _reason(schedule, backtest.coverage[side], side, why)
        ends = rate_interval(schedule, returns, side=side)
        for layer, scale in zip(_LAYERS, (1.0, 1.0 + schedule.policy.buffer), strict=True):
            mid = float(schedule.latest[f"{layer}_{side}"])
            cap = 1.0 if side == "long" else np.inf
            low, high = (min(max(end, schedule.policy.floor) * scale, cap) for end in ends)
            if side in stressed:
                high = max(high, schedule.policy.margins(stressed[side], side=side)[layer == "initial_margin"])
            # A hair below, so that a rate on the grid already is not pushed one step up.
            recommended = min(round(np.ceil(mid / rounding - 1e-9) * rounding, 12), cap)
            rows[f"{layer}_{side}"] = (recommended, min(low, mid), mid, max(high, mid), "fraction of notional", reason)
        initial = rows[f"initial_margin_{side}"]
        recommended, low, mid, high = (np.inf if rate == 0 else 1.0 / rate for rate in initial[:4])
        rows[f"max_leverage_{side}"] = (recommended, high, mid, low, "times", "one over the initial margin")
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["recommended", "low", "mid", "high", "unit", "reason"]
    )
    table.insert(0, "current", [float(current.get(name, np.nan)) for name in table.index])
    return table.rename_axis("parameter")


def _reason(schedule: MarginSchedule, test: CoverageTest, side: Side, why: str) -> str:
    floor = schedule.policy.floor
    raised = float(schedule.latest[f"maintenance_margin_{side}"]) <= floor and floor > 0
    verdict = f"p {test.p_value:.2f}" if np.isfinite(test.p_value) else test.reason
    text = (
        f"{schedule.policy.method.replace('_', ' ')}: {test.n_exceptions} exceptions in {test.n_obs} periods "
        f"({percent_to(test.exception_rate, 2)} against {percent_to(1 - schedule.policy.confidence, 2)}, Kupiec "
        f"{verdict}); {why}"
    )
    return text + ("; the floor is active" if raised else "")


def _drivers(schedule: MarginSchedule, returns: pd.Series, stressed: Mapping[Side, TailRisk]) -> pd.DataFrame:
    rate = schedule.frame["value_at_risk_long"]
    recent = float(returns.iloc[-schedule.policy.lookback :].std())
    horizon = schedule.policy.margin_period_of_risk
    rows = [
        ("latest over median rate", rate.iloc[-1] / rate.median(), "above 1: the market is wilder now than usual"),
        ("highest over lowest rate", rate.max() / rate.min(), "how far the rate has moved: procyclicality"),
        (
            "tail multiple",
            rate.iloc[-1] / (recent * np.sqrt(horizon)),
            f"long rate in standard deviations over {spoken_periods(horizon)}; a normal law has 2.33 at 99 %",
        ),
        (
            "shortfall over value at risk",
            schedule.latest["expected_shortfall_long"] / schedule.latest["value_at_risk_long"],
            "how deep the tail goes beyond the rate; 1.15 for a normal law at 99 %",
        ),
    ]
    rows += [
        (
            f"stressed macro day over rate, {side}",
            getattr(risk, schedule.policy.measure) / schedule.latest[f"maintenance_margin_{side}"],
            "above 1: a bad day in the macro market needs more than the margin",
        )
        for side, risk in stressed.items()
    ]
    return pd.DataFrame(rows, columns=["driver", "value", "meaning"])
