"""Schedules of several instruments against all tests of exceptions, by side and by regime of volatility."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_named_kinds, check_returns
from volkit.conventions import SIDES
from volkit.errors import ArgumentError, DataError
from volkit.margin.measures.walk import walk_of
from volkit.margin.policy import MarginPolicy
from volkit.margin.schedule import MarginSchedule
from volkit.validation import CoverageBattery, coverage_battery
from volkit.volatility import VolatilityState

__all__ = ["REGIME_CUTOFFS", "REGIME_NAMES", "validate_schedules", "volatility_regimes"]

# Of one day of a coin, decimal: fixed in advance, and not fitted to any span.
REGIME_CUTOFFS = (0.03, 0.05)
REGIME_NAMES = ("calm", "normal", "crisis")


def volatility_regimes(
    returns: pd.Series,
    *,
    policy: MarginPolicy | None = None,
    cutoffs: Sequence[float] = REGIME_CUTOFFS,
    names: Sequence[str] = REGIME_NAMES,
    states: Sequence[VolatilityState] | None = None,
    n_jobs: int = 1,
) -> pd.Series:
    """Return the regime that each period begins in, by the volatility forecast known before it.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Simple returns, decimals, no NaN, UTC times.
    policy : MarginPolicy, optional
        Its model, look-back and re-fits make the forecast; the default policy otherwise.
    cutoffs : sequence of float, shape (n_regimes - 1,)
        Volatility per period, decimal, rising; a forecast on a cut-off belongs to the regime above it.
    names : sequence of str, shape (n_regimes,)
        From the lowest volatility to the highest.
    states : sequence of VolatilityState, optional
        From `walk_forward` on the same returns, when they are there already.
    n_jobs : int
        Processes for the fits.

    Returns
    -------
    Series of str, shape (n_obs - lookback + 1,)
        Index: last return known (UTC), as in a schedule; the label is that of the period after it.

    Raises
    ------
    ArgumentError
        For cut-offs that do not rise above zero, or names of another number or used twice.
    DataError
        For cut-offs that are no numbers, and as `margin_schedule`.
    ConvergenceError
        As `margin_schedule`.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=400, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.02, 400), index=times, name="BTC")
    >>> volatility_regimes(returns, cutoffs=(0.01, 0.04)).value_counts().to_dict()
    {'normal': 36}
    """
    numbers = check_floats(cutoffs, argument="cutoffs")
    limits = numbers.tolist()
    if numbers.ndim != 1 or not limits or limits != sorted(set(limits)) or not 0.0 < limits[0] <= limits[-1] < np.inf:
        got = str(list(cutoffs))
        raise ArgumentError("cutoffs", "must rise from above zero", got, "pass for example (0.03, 0.05) for a day")
    if len(set(names)) != len(limits) + 1 or len(names) != len(limits) + 1:
        got = f"{list(names)} for {len(limits)} cut-offs"
        raise ArgumentError("names", "must be different and one more than the cut-offs", got, "name every regime")
    checked, chosen = check_returns(returns), policy or MarginPolicy()
    walked = walk_of(chosen, checked, n_jobs=n_jobs) if states is None else states
    forecast = np.sqrt([state.next_variance for state in walked])
    labels = np.asarray(names, dtype=object)[np.searchsorted(limits, forecast, side="right")]
    times = pd.DatetimeIndex([state.as_of for state in walked], name="time")
    return pd.Series(labels, index=times, name=checked.name, dtype=object)


def validate_schedules(
    schedules: Mapping[str, MarginSchedule],
    *,
    regimes: Mapping[str, pd.Series] | None = None,
    lags: int = 4,
    n_draws: int = 10_000,
    seed: int = 0,
) -> CoverageBattery:
    """Return every test of the exceptions of several schedules, corrected for their number.

    Parameters
    ----------
    schedules : mapping of str to MarginSchedule
        By instrument, of one confidence, margin period of risk and clock. Maintenance margins are tested.
    regimes : mapping of str to Series of str, optional
        By instrument, from `volatility_regimes`: each regime is a cell of its own.
    lags, n_draws, seed
        As in `coverage_battery`.

    Returns
    -------
    CoverageBattery
        Cells by instrument, side and regime.

    Raises
    ------
    ArgumentError
        For no schedule, or regimes of an instrument that is not there.
    DataError
        For schedules of several confidences, margin periods of risk or clocks, and as `coverage_battery`.

    Notes
    -----
    A history that starts later than another has missing hits before, which are never joined.

    Examples
    --------
    >>> from volkit.margin.schedule import margin_schedule
    >>> times = pd.date_range("2023-01-01", periods=600, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 600), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    >>> validate_schedules({"BTC": schedule}, n_draws=0)
    <CoverageBattery: 2 cells at 0.95: exceptions not rejected anywhere; 0 of 18 tests reject at 5 % (Holm)>
    """
    remedy = "pass what margin_schedule returns"
    check_named_kinds(schedules, MarginSchedule, argument="schedules", remedy=remedy)
    if not schedules:
        raise ArgumentError("schedules", "must hold at least one schedule", "none", "pass {name: schedule}")
    if unknown := sorted(set(regimes or {}) - set(schedules)):
        got = ", ".join(unknown)
        raise ArgumentError("regimes", f"may name {', '.join(schedules)}", got, "use the names of the schedules")
    confidence, horizon = _one_promise(schedules)
    clock = _one_clock(schedules)
    losses, margins = {}, {}
    for name, schedule in schedules.items():
        for side in SIDES:
            losses[(name, side)] = schedule.frame[f"loss_{side}"].reindex(clock)
            margins[(name, side)] = schedule.frame[f"maintenance_margin_{side}"].reindex(clock)
    labels = pd.DataFrame({name: found.reindex(clock) for name, found in (regimes or {}).items()}, index=clock)
    return coverage_battery(
        pd.DataFrame(losses),
        pd.DataFrame(margins),
        confidence=confidence,
        horizon=horizon,
        regimes=labels if len(labels.columns) else None,
        lags=lags,
        n_draws=n_draws,
        seed=seed,
    )


def _one_promise(schedules: Mapping[str, MarginSchedule]) -> tuple[float, int]:
    promises = {n: (s.policy.confidence, s.policy.margin_period_of_risk) for n, s in schedules.items()}
    if len(set(promises.values())) > 1:
        got = "; ".join(f"{n}: {c:g} over {h}" for n, (c, h) in promises.items())
        rule = "must promise one confidence over one margin period of risk"
        raise DataError("schedules", rule, got, "validate each group by itself")
    return next(iter(promises.values()))


def _one_clock(schedules: Mapping[str, MarginSchedule]) -> pd.DatetimeIndex:
    years = {n: s.periods_per_year for n, s in schedules.items()}
    if len(set(years.values())) > 1:
        got = ", ".join(f"{n}: {y:g} periods a year" for n, y in years.items())
        raise DataError("schedules", "must be on one clock", got, "validate each group by itself")
    clock = pd.DatetimeIndex([])
    for schedule in schedules.values():
        clock = schedule.frame.index if clock.empty else clock.union(schedule.frame.index)
    return clock
