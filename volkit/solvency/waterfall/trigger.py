"""When auto-deleveraging starts and stops: an empty fund, or a contract that cost the pool too much in some hours.

Profits that the pool made of a contract and balances of the pool (USD, by time) enter; the state at each time leaves.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_times
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.inputs import Floats

__all__ = ["AdlRule", "AdlTriggerPath", "adl_trigger"]

_EIGHT_HOURS = pd.Timedelta("8h")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdlRule:
    """Levels at which auto-deleveraging starts and stops.

    Attributes
    ----------
    trigger_ratio : float
        Starts when the contract's loss from its best point in the window, over the pool's largest balance in it, falls
        below this negative decimal: -0.30.
    stop_ratio : float
        Stops when the ratio rises above this one, at least `trigger_ratio` and below 0: -0.25.
    least_balance : float
        The drawdown counts only while the balance is above it, USD.
    window : Timedelta
        Over which the best point and the largest balance are looked for: 8 hours.

    Raises
    ------
    ArgumentError
        For ratios out of order, a negative balance or a window that is not positive.

    Notes
    -----
    Defaults are those of Bybit's documentation (Get ADL Alert, page read in 2025): trigger -0.3, stop -0.25 in its
    sample message, window 8 hours; its threshold of the balance is 1 in the worked scenario and 10,000 in the message.

    Examples
    --------
    >>> AdlRule().trigger_ratio
    -0.3
    """

    trigger_ratio: float = -0.30
    stop_ratio: float = -0.25
    least_balance: float = 1.0
    window: pd.Timedelta = _EIGHT_HOURS

    def __post_init__(self) -> None:
        if not -np.inf < self.trigger_ratio <= self.stop_ratio < 0.0:
            got = f"trigger_ratio {self.trigger_ratio:g} and stop_ratio {self.stop_ratio:g}"
            rule = "must lie from trigger_ratio to below 0"
            raise ArgumentError("stop_ratio", rule, got, "pass for example -0.30 and -0.25")
        if not 0.0 <= self.least_balance < np.inf:
            raise ArgumentError("least_balance", "must be at least 0 USD", f"{self.least_balance!r}", "pass 0 for none")
        if not self.window > pd.Timedelta(0):
            raise ArgumentError("window", "must be positive", f"{self.window}", "pass pd.Timedelta('8h')")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class AdlTriggerPath(ResultDisplay):
    """Whether auto-deleveraging was on, at each time of a path.

    Attributes
    ----------
    frame : DataFrame
        By time (UTC): profit, balance (USD), largest_balance (of the window), ratio (decimal, at most 0), drawdown (on
        for the contract's loss), empty (on for the pool's balance), active (either), subsidy (USD that winners owe so
        that the ratio stays at the trigger; 0 while the drawdown rule is off).
    rule : AdlRule
        Levels.
    provenance : Provenance
        Of the path.
    """

    frame: pd.DataFrame
    rule: AdlRule
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def as_of(self) -> pd.Timestamp:
        """Last time, UTC."""
        return pd.Timestamp(self.frame.index[-1])

    @property
    def spans(self) -> pd.DataFrame:
        """Start and end (UTC, both inclusive, of the observations) and cause of each stretch that was on."""
        active = self.frame["active"].to_numpy()
        edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
        rows = [
            {
                "start": self.frame.index[a],
                "end": self.frame.index[b - 1],
                "cause": "empty fund" if self.frame["empty"].iloc[a] else "drawdown",
            }
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
        return pd.DataFrame(rows, columns=["start", "end", "cause"])

    @property
    def headline(self) -> str:
        """How often it was on, and the lowest ratio."""
        frame = self.frame
        return (
            f"auto-deleveraging on at {int(frame['active'].sum()):,} of {len(frame):,} times in {len(self.spans)} "
            f"stretches, lowest ratio {percent_to(frame['ratio'].min())} (trigger "
            f"{percent_to(self.rule.trigger_ratio, 0)})"
        )

    def summary(self) -> pd.DataFrame:
        """Return counts and extremes, units in the labels."""
        frame = self.frame
        rows = {
            "times on": float(frame["active"].sum()),
            "times on for the drawdown": float(frame["drawdown"].sum()),
            "times on for an empty fund": float(frame["empty"].sum()),
            "stretches": float(len(self.spans)),
            "lowest ratio (decimal)": float(frame["ratio"].min()),
            "lowest balance (USD)": float(frame["balance"].min()),
            "largest subsidy (USD)": float(frame["subsidy"].max()),
        }
        return pd.DataFrame({"value": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the path."""
        return self.frame


def adl_trigger(
    profit: pd.Series, balance: pd.Series, *, rule: AdlRule | None = None, provenance: Provenance | None = None
) -> AdlTriggerPath:
    """Return whether auto-deleveraging is on at each time of a path.

    Parameters
    ----------
    profit : Series, shape (n_obs,)
        What the pool has made of the contract since any fixed time, USD, by aware times.
    balance : Series, shape (n_obs,)
        Of the pool, USD, at the same times.
    rule : AdlRule, optional
        Levels; those of `AdlRule` by default.
    provenance : Provenance, optional
        Of the path.

    Returns
    -------
    AdlTriggerPath
        Each state follows from the times up to it alone.

    Raises
    ------
    DataError
        For times that are naive, unsorted or differ between the two, or values that are not finite.

    Notes
    -----
    ratio = (profit - largest profit of the window) / largest balance of the window, the window ending at each time and
    including it. The drawdown rule starts while ratio < trigger_ratio and balance > least_balance, and stays on until
    ratio > stop_ratio; the other is on while balance <= 0. Without a positive balance in the window the ratio is 0: the
    second rule decides. The path is taken as it came: subsidies are reported, not put back into it.

    Examples
    --------
    >>> times = pd.date_range("2025-01-01", periods=3, freq="1h", tz="UTC")
    >>> made, held = pd.Series([0.0, -350e3, -240e3], index=times), pd.Series(1e6, index=times)
    >>> adl_trigger(made, held).frame[["ratio", "subsidy"]].iloc[1].tolist()
    [-0.35, 50000.0]
    """
    levels = AdlRule() if rule is None else rule
    times = check_times(profit.index, argument="profit")
    if not times.equals(check_times(balance.index, argument="balance")):
        got, remedy = f"{len(profit)} and {len(balance)} times that differ", "bring both on one clock"
        raise DataError("balance", "must have the times of profit", got, remedy)
    made, held = (_finite(series, name) for series, name in ((profit, "profit"), (balance, "balance")))
    paths = pd.DataFrame({"profit": made, "balance": held}, index=times)
    best = paths.rolling(levels.window, closed="both").max()
    largest = best["balance"].to_numpy()
    lost = made - best["profit"].to_numpy()
    ratio = np.divide(lost, largest, out=np.zeros_like(lost), where=largest > 0.0)
    on = _latched((ratio < levels.trigger_ratio) & (held > levels.least_balance), ratio > levels.stop_ratio)
    subsidy = np.where(on, np.maximum(-lost + levels.trigger_ratio * largest, 0.0), 0.0)
    frame = paths.assign(
        largest_balance=largest, ratio=ratio, drawdown=on, empty=held <= 0.0, active=on | (held <= 0.0), subsidy=subsidy
    )
    return AdlTriggerPath(frame=freeze(frame), rule=levels, provenance=provenance or Provenance(()))


def _finite(series: pd.Series, name: str) -> Floats:
    values = np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if not len(values) or not np.isfinite(values).all():
        got = f"{int((~np.isfinite(values)).sum())} missing of {len(values)}"
        raise DataError(name, "must be finite at every time, and not empty", got, "drop these times from both series")
    return values


def _latched(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return a state that a start turns on and a stop turns off, which never come together."""
    at = np.arange(len(starts))
    last_start = np.maximum.accumulate(np.where(starts, at, -1))
    last_stop = np.maximum.accumulate(np.where(stops, at, -1))
    return np.asarray(last_start > last_stop)
