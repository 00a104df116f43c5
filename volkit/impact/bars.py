"""Bars with volumes as every estimate of impact reads them: moves, coins, money, gaps and bars without a trade."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_floats, check_table, check_times
from volkit.errors import DataError
from volkit.results import Provenance
from volkit.sources.protocol import Bars
from volkit.validation.blocks import block_starts

__all__ = ["TradedBars", "VolumeUnit", "block_sums", "check_flow", "read_bars"]

Floats = npt.NDArray[np.float64]
VolumeUnit = Literal["coins", "money"]
_FEWEST = 100
# Blocks drawn at once: many short ones would fill the memory.
_MOST_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedBars:
    """Arrays of the bars of one market, shape (n_obs,) each.

    Attributes
    ----------
    times : DatetimeIndex
        Open instants, UTC.
    start, end : ndarray
        Log of open and close.
    coins, money : ndarray
        Traded in the bar; 0 where nothing was.
    step : Timedelta
        Of the bars: the shortest distance of two.
    provenance : Provenance
        Of the bars; empty for a plain frame.
    """

    times: pd.DatetimeIndex
    start: Floats
    end: Floats
    coins: Floats
    money: Floats
    step: pd.Timedelta
    provenance: Provenance

    @property
    def moves(self) -> Floats:
        """Log of close over open."""
        return self.end - self.start

    @property
    def is_traded(self) -> npt.NDArray[np.bool_]:
        """Whether anything was traded."""
        return self.coins > 0.0

    @property
    def minutes(self) -> float:
        """Length of a bar in minutes."""
        return float(self.step / pd.Timedelta("1min"))


def read_bars(bars: Bars | pd.DataFrame, *, volume_unit: VolumeUnit, longest: pd.Timedelta | None = None) -> TradedBars:
    """Return the arrays of bars with volumes.

    Parameters
    ----------
    bars : Bars or DataFrame
        Columns open, close (positive) and volume (0 or more), without gaps in a row; index of UTC times.
    volume_unit : {"coins", "money"}
        What the volume counts: units of the asset, or the currency of the prices.
    longest : Timedelta, optional
        Refuse bars with a longer step.

    Raises
    ------
    DataError
        For missing columns, fewer than 100 bars, prices or volumes that are missing, not positive or negative, bars
        in which nothing was ever traded, or too long a step.
    ArgumentError
        For an unknown unit.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=100, freq="1min", tz="UTC")
    >>> frame = pd.DataFrame({"open": 100.0, "close": 101.0, "volume": 2.0}, index=times)
    >>> float(read_bars(frame, volume_unit="coins").money[0])
    202.0
    """
    check_choice(volume_unit, argument="volume_unit", choices=("coins", "money"))
    frame = bars.frame if isinstance(bars, Bars) else check_table(bars, argument="bars")
    missing = [name for name in ("open", "close", "volume") if name not in frame.columns]
    if missing or len(frame) < _FEWEST:
        got = f"no {', '.join(missing)}" if missing else f"{len(frame)} bars"
        raise DataError(
            "bars", f"must be at least {_FEWEST} with open, close and volume", got, "pass more complete bars"
        )
    times = check_times(frame.index, argument="bars")
    start, end, volume = (check_floats(frame[name], argument=f"bars ({name})") for name in ("open", "close", "volume"))
    bad = ~((start > 0.0) & (end > 0.0) & (volume >= 0.0) & np.isfinite(start + end + volume))
    if bad.any() or not volume.any():
        got = f"{int(bad.sum())} others, first at {times[bad][0]}" if bad.any() else "no volume at all"
        raise DataError(
            "bars", "must have positive prices and volumes of at least 0", got, "drop these rows and say so"
        )
    step = pd.Timedelta(int(np.diff(times.asi8).min()), unit=times.unit)
    if longest is not None and step > longest:
        raise DataError("bars", f"must have a step of at most {longest}", str(step), "pass shorter bars")
    coins, money = (volume, volume * end) if volume_unit == "coins" else (volume / end, volume)
    return TradedBars(
        times=times,
        start=np.log(start),
        end=np.log(end),
        coins=coins,
        money=money,
        step=step,
        provenance=Provenance((bars.provenance,) if isinstance(bars, Bars) else ()),
    )


def check_flow(flow: pd.Series, read: TradedBars) -> Floats:
    """Return net coins sold on the times of bars, shape (n_obs,).

    Raises
    ------
    DataError
        When times differ, a value is not finite, or there is no flow in traded bars.
    """
    index = check_times(flow.index, argument="flow")
    q: Floats = flow.to_numpy(dtype=np.float64, na_value=np.nan)
    if not index.equals(read.times) or not np.isfinite(q).all():
        rule, got = "must have a finite number on each time of the bars", f"{len(flow)} rows for {len(read.times)} bars"
        raise DataError("flow", rule, got, "align it with the bars first")
    if not np.any(q[read.is_traded]):
        raise DataError("flow", "must not be 0 throughout", "no flow", "leave it out to fit to volumes")
    return q


def block_sums(columns: Floats, *, block: int, n_draws: int, rng: np.random.Generator) -> Floats:
    """Return the sums of columns over circular block resamples of their length.

    Parameters
    ----------
    columns : ndarray, shape (n_columns, n_obs)
    block : int
        Rows in a block.
    n_draws : int
    rng : Generator

    Returns
    -------
    ndarray, shape (n_draws, n_columns)

    Examples
    --------
    >>> block_sums(np.ones((1, 7)), block=3, n_draws=2, rng=np.random.default_rng(1)).tolist()
    [[7.0], [7.0]]
    """
    n = columns.shape[1]
    wrapped = np.concatenate([np.zeros((len(columns), 1)), np.cumsum(np.tile(columns, 2), axis=1)], axis=1)
    lengths = np.full(-(-n // block), block)
    lengths[-1] = n - block * (len(lengths) - 1)
    sums = np.empty((n_draws, len(columns)))
    rows = max(1, _MOST_AT_ONCE // len(lengths))
    for first in range(0, n_draws, rows):
        starts = block_starts(n, block_length=block, n_draws=min(rows, n_draws - first), rng=rng)
        sums[first : first + rows] = (wrapped[:, starts + lengths] - wrapped[:, starts]).sum(axis=2).T
    return sums
