"""Named stress windows replayed: what a unit position lost, what margin stood against it, and which calls came.

A schedule, the returns that it was made from and the dated windows enter; a `StressReplay` leaves. No magnitude is
typed in anywhere: all are computed from the returns.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_kind, check_returns
from volkit.conventions import SIDES, losses
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.margin.schedule import MarginSchedule
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios import compound
from volkit.sources import Events

__all__ = ["StressReplay", "stress_replay"]

_CALLS = ("window", "side", "price", "equity", "maintenance_margin", "initial_margin", "call", "is_insolvent")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StressReplay(ResultDisplay):
    """What each stress window did to a position of one unit of notional, long and short.

    Attributes
    ----------
    asset : str
        Name of the series.
    table : DataFrame, shape (2 n_windows, 18)
        Index (window, side). `first` and `last` period (UTC labels), `n_periods`; fractions of the notional at entry:
        `price_move`, `profit_and_loss` over the window, `worst_loss` over a margin period of risk, the
        `margin_at_worst` held against it, `worst_excess` (largest loss less margin; positive: not covered),
        `worst_loss_over_margin` (largest ratio), `exceptions` (losses strictly above the maintenance margin),
        `margin_at_start`, `peak_margin` (maintenance) and `margin_rise` (peak over start, less one); of an account that
        opened with the initial margin: `calls`, `first_call` (UTC label), `call_total`, `largest_call`,
        `lowest_equity`.
    calls : DataFrame, shape (n_calls, 8)
        Index time (UTC label): window, side, price (1 at entry), equity before the call, maintenance_margin,
        initial_margin and call (all in units of the notional at entry), is_insolvent (equity below zero).
    periods : DataFrame
        Index (window, time): losses and maintenance margins of both sides at the end of each margin period of risk.
    left_out : Series of str
        Windows without margins for the whole of them, and why.
    policy : str
        In words.
    as_of : Timestamp
        Label (UTC) of the last return.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    table: pd.DataFrame
    calls: pd.DataFrame
    periods: pd.DataFrame
    left_out: pd.Series
    policy: str
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Periods in all windows."""
        return int(self.table["n_periods"].xs("long", level="side").sum())

    @property
    def headline(self) -> str:
        """Windows, exceptions and calls by side, and the largest excess in one line."""
        by_side = self.table.groupby(level="side")[["exceptions", "calls"]].sum()
        words = ", ".join(
            f"{side} {by_side.loc[side, 'exceptions']:.0f} exceptions and {by_side.loc[side, 'calls']:.0f} calls"
            for side in SIDES
        )
        window, side = self.table["worst_excess"].idxmax()
        excess = self.table["worst_excess"].max()
        ending = f"{percent_to(excess)} not covered ({window}, {side})" if excess > 0.0 else "every loss covered"
        return f"{self.asset}, {len(self.table) // 2} stress windows, {words}; {ending}"

    def summary(self) -> pd.DataFrame:
        """Return the table (fractions of the notional at entry)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table as tidy rows."""
        return self.table.reset_index()


def stress_replay(
    schedule: MarginSchedule, events: Events, *, returns: pd.Series, provenance: Provenance | None = None
) -> StressReplay:
    """Return the stress windows replayed against the margins of a schedule.

    Parameters
    ----------
    schedule : MarginSchedule
        From `margin_schedule`.
    events : Events
        From `load_events`; its stress windows count by UTC day of the periods' labels, both ends inclusive.
    returns : Series, shape (n_obs,)
        Simple returns, decimals: those that the schedule was made from.
    provenance : Provenance, optional
        Default that of the schedule.

    Returns
    -------
    StressReplay
        Two rows a window that has margins from the close before it to its end.

    Raises
    ------
    DataError
        For returns that are not those of the schedule, and when no window is covered.

    Notes
    -----
    The position opens at the close before the window, one unit of notional at price 1, with the initial margin of that
    close as its collateral. At each close the maintenance margin due is the rate known there times the notional; an
    account strictly below it is called up to the initial margin and pays before the next close. Losses over a margin
    period of risk count where all of it lies inside the window. Where a venue liquidates instead of calling, the first
    call is the liquidation.

    Examples
    --------
    >>> from volkit.margin import MarginPolicy, margin_schedule
    >>> from volkit.returns import simple_returns
    >>> from volkit.sources import load_events
    >>> from volkit.sources.bundled import BundledSource
    >>> returns = simple_returns(BundledSource().load_bars("SPX").frame["close"]).rename("SPX")
    >>> policy = MarginPolicy(method="historical", lookback=500, buffer=0.1)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=252)
    >>> replay = stress_replay(schedule, load_events(), returns=returns)
    >>> replay.table.loc[("US downgrade", "long"), ["worst_loss", "exceptions", "calls"]].round(3).tolist()
    [0.067, 3.0, 4.0]
    """
    check_kind(schedule, MarginSchedule, argument="schedule", remedy="pass what margin_schedule returns")
    check_kind(events, Events, argument="events", remedy="pass what load_events returns")
    checked = check_returns(returns)
    _require_same(schedule, checked)
    rows, calls, periods, left_out = {}, [], {}, {}
    for name, window in events.stress.iterrows():
        if why := _why_not(schedule, checked, window["first"], window["last"]):
            left_out[str(name)] = why
            continue
        days = checked.index.normalize()
        inside = checked[(days >= window["first"]) & (days <= window["last"])]
        held, ended = _rates(schedule, checked, inside)
        periods[str(name)] = ended
        for side in SIDES:
            account, log = _account(held, inside, side)
            calls += [(time, str(name), side, *entry) for time, *entry in log]
            rows[(str(name), side)] = _row(held, ended, inside, side) | account
    if not rows:
        got = "; ".join(f"{name}: {why}" for name, why in left_out.items()) or "no window"
        raise DataError("events", "must have a window that the schedule covers", got, "start the schedule earlier")
    table = pd.DataFrame.from_dict(rows, orient="index")
    # Without any call the column has no zone of its own.
    table["first_call"] = pd.to_datetime(table["first_call"], utc=True).dt.as_unit("us")
    table.index = pd.MultiIndex.from_tuples(rows, names=["window", "side"])
    log = pd.DataFrame(calls, columns=["time", *_CALLS]).astype({"is_insolvent": bool})
    return StressReplay(
        asset=schedule.asset,
        table=freeze(table),
        calls=freeze(log.set_index(pd.DatetimeIndex(log.pop("time"), name="time"))),
        periods=freeze(pd.concat(periods, names=["window", "time"])),
        left_out=pd.Series(left_out, dtype="str", name="why"),
        policy=schedule.policy.words,
        as_of=checked.index[-1],
        provenance=provenance or schedule.provenance,
    )


def _require_same(schedule: MarginSchedule, returns: pd.Series) -> None:
    frame, horizon = schedule.frame, schedule.policy.margin_period_of_risk
    remedy = "pass the returns that went into margin_schedule"
    if not frame.index.isin(returns.index).all() or frame.index[-1] != returns.index[-1]:
        got = f"{returns.index[0]} to {returns.index[-1]}"
        raise DataError("returns", f"must end at {frame.index[-1]} and hold every row of the schedule", got, remedy)
    ahead = compound(returns.to_numpy()[-len(frame) + 1 :], horizon)
    known = frame["loss_long"].dropna().to_numpy()
    if not np.allclose(losses(ahead, side="long"), known, rtol=0.0, atol=1e-12):
        raise DataError("returns", "must give the losses of the schedule", "others", remedy)


def _why_not(schedule: MarginSchedule, returns: pd.Series, first: pd.Timestamp, last: pd.Timestamp) -> str:
    start, end = schedule.frame.index[0].normalize(), returns.index[-1].normalize()
    if first <= start:
        return f"margins begin on {start.date()}"
    if first > end:
        return f"returns end on {end.date()}"
    if last > end:
        return f"returns end inside it, on {end.date()}"
    days = returns.index.normalize()
    n = int(((days >= first) & (days <= last)).sum())
    horizon = schedule.policy.margin_period_of_risk
    return "" if n >= horizon else f"{n} periods of a margin period of risk of {horizon}"


def _rates(schedule: MarginSchedule, returns: pd.Series, inside: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rates known at the close before the window and at each close in it; and losses that lie inside beside theirs."""
    entry = returns.index[returns.index.get_loc(inside.index[0]) - 1]
    held = schedule.frame.loc[entry : inside.index[-1]]
    ended = held[(held["until"] <= inside.index[-1]).to_numpy()]
    columns = [f"{what}_{side}" for side in SIDES for what in ("loss", "maintenance_margin")]
    return held, ended.set_index(pd.DatetimeIndex(ended["until"], name="time"))[columns]


def _row(held: pd.DataFrame, ended: pd.DataFrame, inside: pd.Series, side: str) -> dict[str, object]:
    move = float(np.prod(1.0 + inside.to_numpy()) - 1.0)
    loss, margin = ended[f"loss_{side}"], ended[f"maintenance_margin_{side}"]
    rates = held[f"maintenance_margin_{side}"]
    return {
        "first": inside.index[0],
        "last": inside.index[-1],
        "n_periods": len(inside),
        "price_move": move,
        "profit_and_loss": move if side == "long" else -move,
        "worst_loss": float(loss.max()),
        "margin_at_worst": float(margin[loss.idxmax()]),
        "worst_excess": float((loss - margin).max()),
        "worst_loss_over_margin": float((loss / margin).max()),
        "exceptions": int((loss > margin).sum()),
        "margin_at_start": float(rates.iloc[0]),
        "peak_margin": float(rates.max()),
        "margin_rise": float(rates.max() / rates.iloc[0] - 1.0),
    }


def _account(held: pd.DataFrame, inside: pd.Series, side: str) -> tuple[dict[str, object], list[tuple[object, ...]]]:
    """Calls of a unit position that posted its initial margin; a recursion, because calls stay in the account."""
    sign = 1.0 if side == "long" else -1.0
    cash = float(held[f"initial_margin_{side}"].iloc[0])
    due = held.iloc[1:]
    lowest = cash
    log: list[tuple[object, ...]] = []
    prices = np.cumprod(1.0 + inside.to_numpy())
    rates = due[[f"maintenance_margin_{side}", f"initial_margin_{side}"]].to_numpy()
    for time, price, (maintenance, initial) in zip(due.index, prices.tolist(), rates.tolist(), strict=True):
        equity = cash + sign * (price - 1.0)
        lowest = min(lowest, equity)
        if equity < maintenance * price:
            call = initial * price - equity
            log.append((time, price, equity, maintenance * price, initial * price, call, equity < 0.0))
            cash += call
    sizes = [float(entry[5]) for entry in log]  # type: ignore[arg-type]
    account: dict[str, object] = {
        "calls": len(log),
        "first_call": log[0][0] if log else pd.NaT,
        "call_total": sum(sizes),
        "largest_call": max(sizes, default=0.0),
        "lowest_equity": lowest,
    }
    return account, log
