"""Capital that margin ties up: margin over exposure, time-weighted, and what it costs a year at a stated rate."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_floats, check_series, check_times
from volkit.conventions import SIDES, Side, to_utc
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.margin import MarginSchedule
from volkit.portfolio.netting.inputs import Floats, check_cost_of_capital
from volkit.results import Provenance, ResultDisplay

__all__ = ["CapitalEfficiency", "book_efficiency", "capital_efficiency", "schedule_efficiency"]

_YEAR = pd.Timedelta(days=365)
Layer = Literal["initial_margin", "maintenance_margin"]
_LAYERS: tuple[Layer, ...] = ("initial_margin", "maintenance_margin")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CapitalEfficiency(ResultDisplay):
    """Margin over exposure, and its cost.

    Attributes
    ----------
    margin, exposure : float
        Means, weighted by time, money.
    highest_ratio : float
        Largest margin over exposure at any time, fraction.
    cost_of_capital : float
        Per year, decimal.
    years : float
        Length of time, years of 365 days; 0 for a book at one instant.
    start, as_of : Timestamp or None
        First time and end (UTC); None for a book at one instant.
    provenance : Provenance
        Series behind it.
    """

    margin: float
    exposure: float
    highest_ratio: float
    cost_of_capital: float
    years: float
    start: pd.Timestamp | None
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def ratio(self) -> float:
        """Margin over exposure, fraction: lower is more efficient."""
        return self.margin / self.exposure

    @property
    def leverage(self) -> float:
        """Exposure over margin; infinite without margin."""
        return self.exposure / self.margin if self.margin > 0.0 else np.inf

    @property
    def annual_drag(self) -> float:
        """Cost of capital times mean margin, money a year."""
        return self.cost_of_capital * self.margin

    @property
    def drag_rate(self) -> float:
        """Annual drag over exposure, decimal a year."""
        return self.cost_of_capital * self.ratio

    @property
    def paid(self) -> float:
        """Cost over the time, money, simple interest; 0 for a book at one instant."""
        return self.annual_drag * self.years

    @property
    def headline(self) -> str:
        """Ratio, drag and rate in one line."""
        return (
            f"margin {percent_to(self.ratio, 2)} of exposure; drag {self.annual_drag:,.6g} a year, "
            f"{percent_to(self.drag_rate, 2)} of exposure, at {self.cost_of_capital:.4g} a year"
        )

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        facts = {
            "mean margin, time-weighted (money)": self.margin,
            "mean exposure, time-weighted (money)": self.exposure,
            "margin over exposure (fraction)": self.ratio,
            "highest margin over exposure (fraction)": self.highest_ratio,
            "leverage (exposure over margin)": self.leverage,
            "cost of capital (decimal a year)": self.cost_of_capital,
            "drag (money a year)": self.annual_drag,
            "drag (decimal of exposure a year)": self.drag_rate,
            "time (years of 365 days)": self.years,
            "paid over the time (money)": self.paid,
        }
        return pd.Series(facts, name="value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def capital_efficiency(
    margin: pd.Series,
    exposure: pd.Series,
    *,
    cost_of_capital: float,
    end: pd.Timestamp,
    provenance: Provenance | None = None,
) -> CapitalEfficiency:
    """Return margin over exposure through time and its annual cost.

    Parameters
    ----------
    margin, exposure : Series, shape (n_times,)
        Money, not negative, on the same UTC times; each value holds until the next time, the last until `end`.
    cost_of_capital : float
        Per year, decimal.
    end : Timestamp
        UTC, after the last time.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CapitalEfficiency
        Weighted by the time that each value holds: gaps do not count less.

    Raises
    ------
    DataError
        For times that `check_times` refuses or that differ, an end that is not later, values that are missing or
        negative, no exposure at all, margin without exposure, or a cost of capital outside 0 to 1.

    Notes
    -----
    ratio = integral of margin over integral of exposure, not the mean of ratios: a small book at a high ratio ties up
    little.

    Examples
    --------
    >>> times = pd.DatetimeIndex(["2024-01-01", "2024-01-04"], tz="UTC")
    >>> margin, exposure = pd.Series([10.0, 30.0], index=times), pd.Series([100.0, 200.0], index=times)
    >>> found = capital_efficiency(margin, exposure, cost_of_capital=0.1, end=pd.Timestamp("2024-01-05", tz="UTC"))
    >>> found.margin, found.exposure, found.ratio
    (15.0, 125.0, 0.12)
    """
    rate = check_cost_of_capital(cost_of_capital)
    times = check_times(check_series(margin, argument="margin").index, argument="margin")
    others = check_times(check_series(exposure, argument="exposure").index, argument="exposure")
    if not len(times) or not times.equals(others):
        got, remedy = f"{len(margin)} and {len(exposure)} times, not the same", "reindex one by the other"
        raise DataError("margin and exposure", "must be on the same times", got, remedy)
    if not isinstance(end, pd.Timestamp) or end.tzinfo is None or end <= times[-1]:
        raise DataError("end", "must be a UTC time after the last one", str(end), f"pass a time after {times[-1]}")
    m, e = _amounts(margin, "margin"), _amounts(exposure, "exposure")
    _require_exposure(m, e, times)
    edges = times.append(to_utc(pd.DatetimeIndex([end])))
    seconds = np.diff(edges.asi8) / 1e6
    held = e > 0.0
    return CapitalEfficiency(
        margin=float(seconds @ m / seconds.sum()),
        exposure=float(seconds @ e / seconds.sum()),
        highest_ratio=float((m[held] / e[held]).max()),
        cost_of_capital=rate,
        years=float(pd.Timedelta(seconds=seconds.sum()) / _YEAR),
        start=times[0],
        as_of=edges[-1],
        provenance=provenance or Provenance(()),
    )


def schedule_efficiency(
    schedule: MarginSchedule,
    *,
    side: Side,
    exposure: float | pd.Series,
    cost_of_capital: float,
    layer: Layer = "initial_margin",
) -> CapitalEfficiency:
    """Return what a margin schedule ties up for a position, and its annual cost.

    Parameters
    ----------
    schedule : MarginSchedule
        Rates by time; each holds for one period after its return is known.
    side : {"long", "short"}
        Of the position.
    exposure : float or Series
        Notional, money: one number, or by the times of the schedule.
    cost_of_capital : float
        Per year, decimal.
    layer : {"initial_margin", "maintenance_margin"}
        Which rate.

    Returns
    -------
    CapitalEfficiency
        As `capital_efficiency`; the last rate holds as long as the median of those before.

    Raises
    ------
    ArgumentError
        For an unknown side or layer.
    DataError
        As `capital_efficiency`, and for a schedule with one rate only.

    Examples
    --------
    >>> from volkit.margin import MarginPolicy, margin_schedule
    >>> times = pd.date_range("2024-01-01", periods=300, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 300), index=times, name="BTC")
    >>> policy = MarginPolicy(method="historical", confidence=0.95, lookback=200)
    >>> schedule = margin_schedule(returns, policy=policy, periods_per_year=365)
    >>> schedule_efficiency(schedule, side="long", exposure=1e6, cost_of_capital=0.1).leverage > 10.0
    True
    """
    check_choice(side, argument="side", choices=SIDES)
    check_choice(layer, argument="layer", choices=_LAYERS)
    rates = schedule.frame[f"{layer}_{side}"]
    if len(rates) < 2:
        raise DataError("schedule", "must have at least two rates", str(len(rates)), "pass a longer history")
    notional = exposure if isinstance(exposure, pd.Series) else pd.Series(float(exposure), index=rates.index)
    missing = rates.index.difference(notional.index)
    if len(missing):
        got = f"none for {len(missing)} times, first {missing[0]}"
        raise DataError("exposure", "must be known at every time of the schedule", got, "carry the position forward")
    held = notional.reindex(rates.index)
    period = pd.Series(rates.index).diff().median()
    return capital_efficiency(
        rates * held, held, cost_of_capital=cost_of_capital, end=rates.index[-1] + period,
        provenance=schedule.provenance,
    )  # fmt: skip


def book_efficiency(margin: float, exposure: float, *, cost_of_capital: float) -> CapitalEfficiency:
    """Return margin over exposure of a book at one instant, and what it costs a year if it stays so.

    Parameters
    ----------
    margin, exposure : float
        Money; the exposure e.g. the sum of absolute notionals, positive.
    cost_of_capital : float
        Per year, decimal.

    Raises
    ------
    DataError
        For a margin that is negative, an exposure that is not positive, or a cost of capital outside 0 to 1.

    Examples
    --------
    >>> book_efficiency(12_000.0, 200_000.0, cost_of_capital=0.08)
    <CapitalEfficiency: margin 6.00 % of exposure; drag 960 a year, 0.48 % of exposure, at 0.08 a year>
    """
    rate = check_cost_of_capital(cost_of_capital)
    if not (np.isfinite(margin) and margin >= 0.0 and np.isfinite(exposure) and exposure > 0.0):
        got, remedy = f"{margin!r} on {exposure!r}", "pass the sum of absolute notionals as exposure"
        raise DataError("margin", "must not be negative, and the exposure positive", got, remedy)
    return CapitalEfficiency(
        margin=float(margin), exposure=float(exposure), highest_ratio=float(margin / exposure), cost_of_capital=rate,
        years=0.0, start=None, as_of=None, provenance=Provenance(()),
    )  # fmt: skip


def _amounts(values: pd.Series, argument: str) -> Floats:
    found = check_floats(values, argument=argument)
    bad = ~(np.isfinite(found) & (found >= 0.0))
    if bad.any():
        got = f"{found[bad][0]:g} at {values.index[bad][0]}"
        raise DataError(argument, "must be finite and not negative", got, "pass money without a sign")
    return np.asarray(found)


def _require_exposure(margin: Floats, exposure: Floats, times: pd.DatetimeIndex) -> None:
    stray = (margin > 0.0) & (exposure == 0.0)
    if stray.any() or not exposure.any():
        got = f"margin without exposure at {times[stray][0]}" if stray.any() else "no exposure at all"
        raise DataError("exposure", "must stand behind the margin", got, "pass the notional of the positions")
