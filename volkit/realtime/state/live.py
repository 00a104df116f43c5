"""The live state of one factor's volatility: brought up to date with every bar, in constant time.

A fit enters; a `LiveVolatility` leaves, which takes bars one by one or a table at once, by the same compiled code. It
refuses bars that it cannot use, goes on from the last good one, and remembers what it left out.
"""

import copy
import math
from pathlib import Path

import numpy as np
import pandas as pd

from volkit.checks import check_fraction, check_positive
from volkit.conventions import annualize
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.kernels import load_kernels
from volkit.realtime.state import files
from volkit.realtime.state.bars import ClosingBar, SkippedBar, bar_arrays, reason_words, refusal, skipped_table
from volkit.realtime.state.model import LiveModel, ReturnKind, model_of_fit, model_of_har
from volkit.realtime.state.path import LivePath
from volkit.realtime.state.running import KERNELS, runner, steps_ahead
from volkit.realtime.state.season import IntradaySeason
from volkit.results import freeze
from volkit.sources import Bars
from volkit.volatility import Distribution, HarFit, VolatilityFit

__all__ = ["LiveVolatility"]

_TAKEN, _RESTARTED, _SHORT_PERIOD, _ABSENT = 0, 5, 6, 7
_RETURNS, _GIVEN = 3, 2


class LiveVolatility:
    """What is known of one factor's volatility after the last bar.

    Made by `from_fit`, `from_har` or `load`. Updates change the object; `copy` keeps an old state.

    Attributes
    ----------
    model : LiveModel
        Parameters; they do not change.

    Notes
    -----
    A recursion in squares moves with every bar: v' = omega + (alpha + gamma 1[e < 0]) e^2 + beta v, per bar. A return
    over k bars, where some are missing, counts as k returns of its size over sqrt(k): the squares add up to what the
    price did. A hole longer than `max_gap` is not bridged: the variance stays as it was, the first price after the hole
    is the new reference, and `skipped` says so. HAR sums squared returns within each period and renews its forecast
    when the period ends; a period with too few bars is left out.

    Not for a price that is quoted at irregular moments: make bars first.

    Examples
    --------
    >>> from volkit.realtime.state import LiveBar
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, freq="1h", tz="UTC")
    >>> returns = pd.Series([0.01, -0.01] * 30, index=times, name="BTC")
    >>> live = LiveVolatility.from_fit(Ewma().fit(returns, periods_per_year=8760), last_close=42000.0)
    >>> live
    <LiveVolatility: BTC, EWMA half-life 11.2, 93.6 % a year, as of 2024-01-03 11:00, 0 bars, 0 skipped>
    >>> round(live.update(LiveBar(pd.Timestamp("2024-01-03 12:00", tz="UTC"), 43260.0)) ** 0.5, 5)
    0.01217
    """

    __slots__ = (
        "_clock",
        "_close",
        "_factors",
        "_grid",
        "_level",
        "_numbers",
        "_ring",
        "_run",
        "_skipped",
        "_status",
        "_steps",
        "_sum_ahead",
        "_time",
        "model",
    )

    def __init__(
        self, model: LiveModel, *, numbers: np.ndarray, clock: np.ndarray, ring: np.ndarray, skipped: list[SkippedBar]
    ) -> None:
        self.model = model
        self._numbers, self._clock, self._ring, self._skipped = numbers, clock, ring, skipped
        self._grid = model.grid
        # One bar's worth of arrays, kept: making them anew would take longer than the step.
        self._time, self._close = np.zeros(1, dtype=np.int64), np.zeros(1)
        self._level, self._status = np.zeros(1), np.zeros(1, dtype=np.int64)
        self._run = runner(model, self._numbers, self._clock, self._ring)
        self._factors, self._sum_ahead = model.factors, load_kernels(KERNELS).sum_ahead
        self._steps: dict[object, int] = {}

    @classmethod
    def from_fit(
        cls,
        fit: VolatilityFit,
        *,
        last_close: float,
        step: str | None = None,
        max_gap: str = "3h",
        returns: ReturnKind = "simple",
        season: IntradaySeason | None = None,
    ) -> "LiveVolatility":
        """Return the state after a fit's last return.

        Parameters
        ----------
        fit : VolatilityFit
            Of `Garch` (families garch, gjr, igarch, ewma; any law) or `Ewma` on returns of the bars.
        last_close : float
            Price at the end of the fit's last bar; the next return is taken from it.
        step : str, optional
            From one bar to the next, e.g. ``"1m"``; by default the median step of the fitted returns.
        max_gap : str
            Longest distance between the labels of two bars that a return may bridge.
        returns : {"simple", "log"}
            Kind of the fitted returns.
        season : IntradaySeason, optional
            That was removed from the returns before the fit.

        Raises
        ------
        ArgumentError
            For a recursion that is not in squares or has a mean with lags, and a step or gap that makes no sense.
        ConvergenceError
            When the fit did not converge.
        """
        length = _check_step(step, fit.returns.index)
        gap = _check_gap(max_gap, length)
        model = model_of_fit(fit, step=length, max_gap=gap, returns=returns, season=season)
        numbers = np.array([fit.next_variance, check_positive(last_close, argument="last_close", unit="price"), 0.0])
        clock = np.array([fit.as_of.as_unit("ns").value, 0, 0, 0])
        return cls(model, numbers=numbers, clock=clock, ring=np.empty(0), skipped=[])

    @classmethod
    def from_har(
        cls,
        fit: HarFit,
        *,
        last_close: float,
        step: str,
        max_gap: str = "3h",
        returns: ReturnKind = "log",
        law: Distribution | None = None,
        season: IntradaySeason | None = None,
        min_share: float = 0.9,
    ) -> "LiveVolatility":
        """Return the state at the end of a HAR fit's last period.

        Parameters
        ----------
        fit : HarFit
            Of `Har` without jumps on variances realised from the bars, one period ahead.
        last_close : float
            Price at the end of the last period.
        step : str
            From one bar to the next; divides the period.
        max_gap, returns, season
            As `from_fit`; the season spreads the period's variance over its bars.
        law : Distribution, optional
            Of returns over the horizon in standard deviations; HAR has none of its own. Normal by default.
        min_share : float
            Share of a period's bars that must be there for it to count.

        Raises
        ------
        ArgumentError
            For a jump model, a direct horizon, a form that can turn negative, and a step that does not fit.
        """
        length = _check_step(step, fit.realized_variance.index)
        gap = _check_gap(max_gap, length)
        model = model_of_har(
            fit,
            step=length,
            max_gap=gap,
            returns=returns,
            law=law or Distribution(),
            season=season,
            min_share=check_fraction(min_share, argument="min_share"),
        )
        start = fit.as_of.as_unit("ns").value + model.period.value
        close = check_positive(last_close, argument="last_close", unit="price")
        numbers = np.array([fit.next_variance / model.core[5], close, 0.0])
        clock = np.array([start - length.value, 0, start // model.period.value, 0])
        ring = np.array(fit.realized_variance.to_numpy()[-max(model.lags) :])
        return cls(model, numbers=numbers, clock=clock, ring=ring, skipped=[])

    @property
    def as_of(self) -> pd.Timestamp:
        """Label (UTC) of the last bar taken."""
        return pd.Timestamp(int(self._clock[0]), unit="ns", tz="UTC").as_unit("us")

    @property
    def last_instant(self) -> int:
        """Close of the last bar taken, in nanoseconds since 1970 (UTC)."""
        return int(self._clock[0]) + int(self._grid[0])

    @property
    def n_obs(self) -> int:
        """Returns taken since the fit."""
        return int(self._clock[1])

    @property
    def last_close(self) -> float:
        """Price of the last bar taken."""
        return float(self._numbers[1])

    @property
    def skipped(self) -> pd.DataFrame:
        """Bars left out since the fit, in the order in which they came: time, reason, value, last good bar."""
        return skipped_table(self._skipped)

    @property
    def level(self) -> float:
        """Variance of the next bar without the season, decimal squared."""
        return float(self._numbers[0])

    @property
    def variance_next(self) -> float:
        """Variance of the next bar, decimal squared."""
        factors, slot = self._factors, int(self._grid[2])
        at = (int(self._clock[0]) + int(self._grid[0])) // slot % len(factors)
        return float(factors[at] ** 2 * self._numbers[0])

    def volatility(self, horizon: str | pd.Timedelta) -> float:
        """Return the volatility of the return over a horizon (whole bars) from the last close, decimal."""
        if (n := self._steps.get(horizon)) is None:
            n = self._steps[horizon] = steps_ahead(self.model, horizon)
        self._time[0], self._level[0] = self._clock[0], self._numbers[0]
        m = self.model
        self._sum_ahead(self._time, self._level, self._grid, m.omega, m.slope, self._factors, n, self._close)
        return math.sqrt(self._close[0])

    def annualized_volatility(self) -> float:
        """Return the volatility of the next bar, scaled to a year, decimal."""
        return float(annualize(self.variance_next**0.5, periods_per_year=self.model.periods_per_year))

    def update(self, bar: ClosingBar) -> float:
        """Take one bar, and return the variance of the next one (decimal squared).

        Parameters
        ----------
        bar : LiveBar
            Or any object with `time` (open of the bar, UTC) and `close`.

        Raises
        ------
        DataError
            For a bar that is out of order, repeated or off the clock, a price that is not above zero, and a naive time.
            The state stays that of the last good bar, and the bar is in `skipped`. A hole longer than `max_gap` is
            no error: see Notes of the class.
        """
        return self._step(bar.time, bar.close, self._grid)

    def update_return(self, time: pd.Timestamp, value: float) -> float:
        """Take one return (decimal, of the fitted kind), and return the variance of the next bar (decimal squared).

        Raises
        ------
        DataError
            As `update`; here for a return that is not finite, or not above -1.
        """
        grid = self._grid.copy()
        grid[_RETURNS] = _GIVEN
        return self._step(time, value, grid)

    def follow(self, bars: Bars | pd.DataFrame) -> LivePath:
        """Take a table of bars, and return the variance known after each.

        Parameters
        ----------
        bars : Bars or DataFrame
            With `close`, labelled by opens (UTC), in the order in which they came.

        Returns
        -------
        LivePath
            One row a bar. Bars that `update` would refuse are left out and counted, and the state goes on from the
            last good one.

        Raises
        ------
        DataError
            For a table without closes or UTC labels.
        """
        index, closes, provenance = bar_arrays(bars, asset=self.model.asset)
        times = index.as_unit("ns").asi8
        level, status = np.empty(len(times)), np.empty(len(times), dtype=np.int64)
        first = self._clock[0]
        self._run(times, closes, self._grid, level, status)
        skipped = self._log(times, closes, status, first)
        return LivePath(
            asset=self.model.asset,
            words=self.model.words,
            frame=freeze(pd.DataFrame({"close": closes, "level": level, "status": status}, index=index)),
            skipped=freeze(skipped_table(skipped)),
            model=self.model,
            as_of=self.as_of,
            provenance=provenance,
        )

    def copy(self) -> "LiveVolatility":
        """Return a state of its own that starts where this one is."""
        return type(self)(
            self.model,
            numbers=self._numbers.copy(),
            clock=self._clock.copy(),
            ring=self._ring.copy(),
            skipped=copy.copy(self._skipped),
        )

    def save(self, path: Path | str) -> None:
        """Write the state as JSON, with its version, asset and a hash over the content; replaces a file in one step."""
        record = {
            "model": self.model.to_record(),
            "numbers": self._numbers.tolist(),
            "clock": self._clock.tolist(),
            "ring": self._ring.tolist(),
            "skipped": [[b.time.value, b.reason, str(b.value), b.last.value] for b in self._skipped],
        }
        files.write_state(Path(path), record, asset=self.model.asset)

    @classmethod
    def load(cls, path: Path | str, *, asset: str | None = None) -> "LiveVolatility":
        """Return the state in a file written by `save`.

        Parameters
        ----------
        path : Path or str
            JSON.
        asset : str, optional
            Name that the state must have; any by default.

        Raises
        ------
        DataError
            For a file of another kind, version or asset, and one whose content does not match its hash.
        """
        record = files.read_state(Path(path), asset=asset)
        try:
            skipped = [SkippedBar(_instant(t), why, float(v), _instant(last)) for t, why, v, last in record["skipped"]]
            numbers, clock, ring = files.state_arrays(record)
            state = cls(
                LiveModel.from_record(record["model"]), numbers=numbers, clock=clock, ring=ring, skipped=skipped
            )
            if pd.isna(state.as_of) or not math.isfinite(state.annualized_volatility()):
                raise ValueError("no time or no volatility comes of it")
            return state
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
            # A seal says that nobody changed the file by accident, not that volkit wrote it.
            got, remedy = f"{type(error).__name__}: {error}", "save the state again"
            raise DataError(f"state file {Path(path).name}", "must hold what save writes", got, remedy) from error

    def __repr__(self) -> str:
        return (
            f"<LiveVolatility: {self.model.asset}, {self.model.words}, {percent_to(self.annualized_volatility())} a "
            f"year, as of {self.as_of:%Y-%m-%d %H:%M}, {self.n_obs} bars, {len(self._skipped)} skipped>"
        )

    def _step(self, time: pd.Timestamp, value: float, grid: np.ndarray) -> float:
        if time.tzinfo is None:
            raise DataError("time", "must be in UTC", f"the naive time {time}", 'pass time.tz_localize("UTC")')
        first = self._clock[0]
        self._time[0], self._close[0] = time.value, value
        self._run(self._time, self._close, grid, self._level, self._status)
        status = int(self._status[0])
        if status != _TAKEN:
            self._log(self._time, self._close, self._status, first)
            if status not in (_RESTARTED, _SHORT_PERIOD):
                raise refusal(self.model.asset, self._skipped[-1], status)
        return self.variance_next if self.model.season is not None else float(self._numbers[0])

    def _log(self, times: np.ndarray, values: np.ndarray, status: np.ndarray, first: int) -> list[SkippedBar]:
        """Remember bars left out, and return them; `first` is the last good time before all of these."""
        good = np.isin(status, (_TAKEN, _RESTARTED, _SHORT_PERIOD))
        latest = np.maximum.accumulate(np.where(good, np.arange(len(times)), -1))
        found = []
        for i in np.flatnonzero(status != _TAKEN):
            before = latest[i - 1] if i else -1
            last = _instant(first if before < 0 else times[before])
            found.append(SkippedBar(_instant(times[i]), reason_words(status[i]), float(values[i]), last))
        self._skipped.extend(found)
        return found


def _instant(nanoseconds: int) -> pd.Timestamp:
    return pd.Timestamp(int(nanoseconds), unit="ns", tz="UTC").as_unit("us")


def _check_step(step: str | None, index: pd.Index) -> pd.Timedelta:
    times = pd.DatetimeIndex(index).as_unit("ns").asi8
    length = pd.Timedelta(np.median(np.diff(times)), unit="ns") if step is None else pd.Timedelta(step)
    if length <= pd.Timedelta(0):
        raise ArgumentError("step", "must be a positive time", str(step), 'pass for example "1h"')
    return length


def _check_gap(max_gap: str, step: pd.Timedelta) -> pd.Timedelta:
    gap = pd.Timedelta(max_gap)
    if gap < step:
        raise ArgumentError("max_gap", f"must be at least one step, {step}", str(max_gap), "pass a longer gap")
    return gap
