"""Losses of a position over the margin period of risk: at its end, and at the worst price on the way.

Bars of one symbol (daily, hourly, minute) or simulated paths enter; a `HorizonLosses` leaves. A touch loss takes the
lows of the bars for a long and the highs for a short, which is what a venue's continuous watch sees.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_fraction, real_number
from volkit.conventions import Side
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.horizon.clock import Horizon, read_horizon, spoken_time, usual_interval
from volkit.margin.horizon.contracts import Contract, check_contract, losses_of_moves
from volkit.margin.rates import TailRisk, tail_of_losses
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.measured.bars import check_bars

__all__ = ["Event", "HorizonLosses", "horizon_losses"]

Event = Literal["touch", "end"]
EVENTS: tuple[Event, Event] = ("touch", "end")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class HorizonLosses(ResultDisplay):
    """Losses over windows of one horizon, fractions of the notional at entry, positive when money is lost.

    Attributes
    ----------
    asset : str
        Name of the series.
    losses : DataFrame, shape (n_places, 2)
        Columns touch and end. Of bars: index by the last bar of the window (UTC), entry at the close `horizon` bars
        before; NaN where a bar is missing from the window, so that rows keep their distance in time. Of paths: one
        row a path, complete. A touch loss is at least 0 and at least the loss at the end.
    side : {"long", "short"}
        Side of the position.
    contract : {"linear", "inverse"}
        How it settles.
    horizon : Horizon
        Periods and their length.
    source : {"bars", "paths"}
        Whether rows are overlapping windows in time or independent paths.
    method : str
        How the path between two periods was seen, in words.
    n_dropped : int
        Windows that were not formed because a bar is missing.
    as_of : Timestamp or None
        Label (UTC) of the last observation used.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    losses: pd.DataFrame
    side: Side
    contract: Contract
    horizon: Horizon
    source: Literal["bars", "paths"]
    method: str
    n_dropped: int
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Windows or paths with a loss."""
        return int(self.losses["end"].notna().sum())

    @property
    def n_independent(self) -> int:
        """Windows that do not overlap (of bars), or paths."""
        return self.n_obs if self.source == "paths" else max(1, self.n_obs // self.horizon.periods)

    def values(self, event: Event = "touch") -> npt.NDArray[np.float64]:
        """Return the losses that exist, shape (n_obs,).

        Raises
        ------
        ArgumentError
            For an unknown event.
        """
        check_choice(event, argument="event", choices=EVENTS)
        values: npt.NDArray[np.float64] = self.losses[event].dropna().to_numpy(dtype=np.float64)
        return values

    def tail_risk(self, *, confidence: float, event: Event = "touch") -> TailRisk:
        """Return the loss that is not exceeded with the confidence, and the mean from there on.

        Raises
        ------
        ArgumentError
            For a confidence outside 0.5 to 1, an unknown event, or when fewer than one of the windows that do not
            overlap lies beyond the confidence: neighbours that overlap are no further evidence.
        """
        level = check_confidence(confidence)
        values = self.values(event)
        if self.n_independent * (1.0 - level) < 1.0 - 1e-9:
            needed = int(np.ceil(1.0 / (1.0 - level) - 1e-9))
            raise ArgumentError(
                "confidence",
                f"must leave at least one scenario in the tail ({needed} that do not overlap for {level:g})",
                f"{self.n_independent} of {len(values)} {self.source}",
                "pass a longer history, a shorter horizon, a lower confidence, or fit a tail",
            )
        at_risk, shortfall = tail_of_losses(values, confidence=level)
        return TailRisk(float(at_risk), float(shortfall))

    def exceeds(self, margin: float | pd.Series, *, event: Event = "touch") -> pd.Series:
        """Return 1.0 where the loss is strictly above the margin, 0.0 where not, NaN where there is no window.

        Parameters
        ----------
        margin : float or Series
            Fraction of the notional: one for all windows, or one a window on the index of `losses`.
        event : {"touch", "end"}
            Which loss.

        Raises
        ------
        ArgumentError
            For an unknown event.
        DataError
            For margins on another clock.
        """
        check_choice(event, argument="event", choices=EVENTS)
        lost = self.losses[event]
        if isinstance(margin, pd.Series) and not margin.index.equals(lost.index):
            both = len(margin.index.intersection(lost.index))
            raise DataError(
                "margin",
                "must be on the clock of the losses (the last bar of each window)",
                f"{len(margin)} times, of which {both} are among the {len(lost)} of the losses",
                "reindex the margin known at each window's entry on losses.losses.index",
            )
        if not isinstance(margin, pd.Series):
            margin = real_number(margin, argument="margin")
            if not np.isfinite(margin):
                raise ArgumentError("margin", "must be finite (fraction of the notional)", f"{margin}", "pass a number")
        hits = (lost > margin).astype(np.float64)
        known = lost.notna() & (margin.notna() if isinstance(margin, pd.Series) else True)
        return hits.where(known).rename("exceeds")

    @property
    def headline(self) -> str:
        """Asset, side, horizon and the worst losses in one line."""
        overlapping = "overlapping windows" if self.horizon.periods > 1 else "windows"
        windows = "paths" if self.source == "paths" else overlapping
        return (
            f"{self.asset}, {self.contract} {self.side}, {self.horizon}, {self.n_obs} {windows}, worst touch "
            f"{percent_to(self.losses['touch'].max(), 2)}, worst end {percent_to(self.losses['end'].max(), 2)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return quantiles of the losses (fractions of the notional), and counts."""
        levels = [0.5, 0.9, 0.99]
        table = self.losses.quantile(levels).set_axis(
            [f"{percent_to(level, 0)} quantile (decimal)" for level in levels]
        )
        table.loc["mean (decimal)"] = self.losses.mean()
        table.loc["windows"] = float(self.n_obs)
        table.loc["windows that do not overlap"] = float(self.n_independent)
        table.loc["windows not formed"] = float(self.n_dropped)
        return table.rename_axis(f"{self.side}, {self.horizon}")

    def to_frame(self) -> pd.DataFrame:
        """Return touch and end losses (decimal) by window or path."""
        return self.losses


def horizon_losses(
    bars: pd.DataFrame,
    *,
    side: Side,
    horizon: int | pd.Timedelta,
    interval: pd.Timedelta | None = None,
    contract: Contract = "linear",
    asset: str = "asset",
    max_missing: float = 0.05,
    provenance: Provenance | None = None,
) -> HorizonLosses:
    """Return touch and end losses over every window of a horizon in a history of bars.

    Parameters
    ----------
    bars : DataFrame, shape (n_obs, n_columns)
        Columns open, high, low, close on UTC times, any unit; NaN rows and absent rows are missing bars.
    side : {"long", "short"}
        A long is touched at lows, a short at highs.
    horizon : int or Timedelta
        Bars, or a length that is a whole number of them.
    interval : Timedelta, optional
        Length of a bar; by default the most frequent step.
    contract : {"linear", "inverse"}
        How the position settles.
    asset : str
        Name for display.
    max_missing : float
        Largest share of bars that may be missing.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    HorizonLosses
        Row at bar t: entry at the close of bar t - horizon, bars t - horizon + 1 to t. The rows in between bars that
        are absent are there, as NaN.

    Raises
    ------
    ArgumentError
        For a horizon of 0 or one that is no multiple of the interval, an unknown side or contract.
    DataError
        For what `check_bars` refuses (lows above closes among it), bars on several clocks, more missing bars than
        allowed, or no complete window.

    Notes
    -----
    Windows overlap by all but one bar and are not independent: `exceedance_rate` says what they are worth. A window
    with a missing bar is not formed, never bridged. In a market that closes at weekends a weekend is such a hole.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=3, freq="1h", tz="UTC")
    >>> close, low = [100.0, 95.0, 98.0], [99.0, 90.0, 94.0]
    >>> bars = pd.DataFrame({"open": close, "high": 101.0, "low": low, "close": close}, index=times)
    >>> horizon_losses(bars, side="long", horizon=pd.Timedelta("2h")).losses.iloc[-1].round(4).to_dict()
    {'touch': 0.1, 'end': 0.02}
    """
    check_contract(side, contract)
    checked = check_bars(bars, minimum=2)
    step = usual_interval(checked.index, interval=interval)
    over = read_horizon(horizon, interval=step)
    whole = _on_grid(checked, step, check_fraction(max_missing, argument="max_missing"))
    prices = np.log(whole[["high", "low", "close"]])
    entry = prices["close"].shift(over.periods)
    # A rolling extreme over NaN is NaN: that is what leaves incomplete windows out.
    reached = prices["low"].rolling(over.periods).min() if side == "long" else (
        prices["high"].rolling(over.periods).max()
    )  # fmt: skip
    end, touch = (
        losses_of_moves((moved - entry).to_numpy(), side=side, contract=contract)
        for moved in (prices["close"].where(reached.notna()), reached)
    )
    lost = pd.DataFrame({"touch": np.maximum(touch, 0.0), "end": end}, index=whole.index).iloc[over.periods :]
    n_dropped = int(lost["end"].isna().sum())
    if n_dropped == len(lost):
        raise DataError(
            "bars",
            f"must hold at least one window of {over.periods + 1} bars without a hole",
            f"{len(checked)} bars of {spoken_time(step)}",
            "pass a longer history or a shorter horizon",
        )
    return HorizonLosses(
        asset=asset,
        losses=freeze(lost),
        side=side,
        contract=contract,
        horizon=over,
        source="bars",
        method=f"{'lows' if side == 'long' else 'highs'} of bars of {spoken_time(step)}",
        n_dropped=n_dropped,
        as_of=checked.index[-1],
        provenance=provenance or Provenance(()),
    )


def _on_grid(bars: pd.DataFrame, step: pd.Timedelta, max_missing: float) -> pd.DataFrame:
    """Return the bars with a row of NaN for every one that is absent."""
    grid = pd.date_range(bars.index[0], bars.index[-1], freq=step).as_unit("us").rename("time")
    missing = len(grid) - int(bars["close"].notna().sum())
    if missing > max_missing * len(grid):
        raise DataError(
            "bars",
            f"must lack at most {percent_to(max_missing)} of their rows",
            f"{missing} of {len(grid)} missing",
            "cut the history at its holes, or pass a larger max_missing",
        )
    return bars.reindex(grid)
