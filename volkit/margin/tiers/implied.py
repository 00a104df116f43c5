"""Reverse margin: the confidence and the horizon that published tiers imply on present data.

A tier table and bars enter; out comes, by side, tier and horizon, how often the price moved by no more than the margin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_kind
from volkit.conventions import SIDES
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.margin.horizon.clock import spoken_time
from volkit.margin.horizon.contracts import Contract
from volkit.margin.horizon.losses import Event, HorizonLosses, horizon_losses
from volkit.margin.horizon.overlap import exceedance_rate
from volkit.margin.tiers.table import TierTable
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ImpliedMargin", "implied_margin"]

Layer = Literal["maintenance_margin", "initial_margin"]
_LAYERS = ("maintenance_margin", "initial_margin")
_SIZES = 9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ImpliedMargin(ResultDisplay):
    """Confidence of a table's margins by side, tier and horizon.

    Attributes
    ----------
    table : TierTable
        The tiers.
    frame : DataFrame
        Index side, tier (from 1) and horizon (Timedelta); columns notional (the weakest size of the tier), rate (margin
        less impact there, fraction), confidence (share of windows whose loss is not strictly above the rate), low and
        high (its interval), n_obs, n_hits, effective_size (windows) and reason (why a number is missing).
    layer : {"maintenance_margin", "initial_margin"}
        Which margin stands against the loss.
    event : {"touch", "end"}
        Which loss.
    target : float
        Confidence that implied horizons are read at.
    interval_confidence : float
        Of low and high.
    n_dropped : int
        Windows of the longest horizon that were not formed because a bar is missing, one side.
    as_of : Timestamp
        Label (UTC) of the last bar.
    provenance : Provenance
        Of the bars, when given.
    """

    table: TierTable
    frame: pd.DataFrame
    layer: Layer
    event: Event
    target: float
    interval_confidence: float
    n_dropped: int
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def horizons(self) -> pd.DataFrame:
        """Longest horizon asked for, up to which the target is met at all shorter ones.

        Returns
        -------
        DataFrame
            Index side and tier; columns implied_horizon (by the estimate) and sure_horizon (by the low end of the
            interval), Timedelta, NaT where already the shortest horizon falls short.
        """
        groups = dict(list(self.frame.groupby(level=["side", "tier"])))
        columns = {
            name: pd.to_timedelta([_longest(one[ends], self.target) for one in groups.values()]).as_unit("us")
            for name, ends in (("implied_horizon", "confidence"), ("sure_horizon", "low"))
        }
        return pd.DataFrame(columns, index=pd.MultiIndex.from_tuples(groups, names=["side", "tier"]))

    @property
    def headline(self) -> str:
        """First tier, shortest horizon, worse side in one line."""
        first = self.frame.xs(1, level="tier")
        horizon = first.index.unique("horizon").min()
        side = first["confidence"].xs(horizon, level="horizon").idxmin()
        worst = first.loc[(side, horizon)]
        return (
            f"{self.table.asset or 'tiers'}, tier 1, {self.layer.replace('_', ' ')} {percent_to(worst['rate'], 3)}: "
            f"confidence {percent_to(worst['confidence'], 2)} ({percent_to(worst['low'], 2)} to "
            f"{percent_to(worst['high'], 2)}) over {spoken_time(horizon)}, {side}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the implied confidence (share of windows), one column a horizon."""
        return self.frame["confidence"].unstack("horizon")

    def to_frame(self) -> pd.DataFrame:
        """Return confidence, interval and counts by side, tier and horizon."""
        return self.frame


def implied_margin(
    tiers: TierTable,
    bars: pd.DataFrame,
    *,
    horizons: Sequence[int | pd.Timedelta],
    layer: Layer = "maintenance_margin",
    event: Event = "touch",
    target: float = 0.99,
    impact: Callable[[float], float] | None = None,
    contract: Contract = "linear",
    interval_confidence: float = 0.95,
    interval: pd.Timedelta | None = None,
    provenance: Provenance | None = None,
) -> ImpliedMargin:
    """Return the confidence that a venue's tiers imply, by side, tier and horizon of the close-out.

    Parameters
    ----------
    tiers : TierTable
        In force now, or under examination.
    bars : DataFrame, shape (n_obs, n_columns)
        Columns open, high, low, close on UTC times; the shorter the bars, the shorter the horizons.
    horizons : sequence of int or Timedelta
        From the trigger to the end of the close-out, in bars or as a length.
    layer : {"maintenance_margin", "initial_margin"}
        Maintenance margin is what is left at the trigger of a liquidation; initial margin at the opening.
    event : {"touch", "end"}
        Worst price on the way, or price at the end.
    target : float
        Confidence at which implied horizons are read.
    impact : callable, optional
        Cost of closing out a notional, fraction of it; none by default.
    contract : {"linear", "inverse"}
        How the position settles.
    interval_confidence : float
        Of the interval, which knows the overlap of windows.
    interval : Timedelta, optional
        Length of a bar; by default the most frequent step.
    provenance : Provenance, optional
        Of the bars.

    Returns
    -------
    ImpliedMargin
        For the weakest of nine sizes in each tier: without impact its floor, where the effective rate is least.

    Raises
    ------
    ArgumentError
        For no horizon, an unknown layer, event or contract, a confidence outside 0.5 to 1, or a horizon of 0.
    DataError
        As `horizon_losses` and `exceedance_rate`.

    Notes
    -----
    Confidence = 1 - `exceedance_rate` of losses strictly above (margin / notional - impact). A margin that no impact
    leaves anything of has confidence 0.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.004, 3001)))
    >>> times = pd.date_range("2024-01-01", periods=3001, freq="1h", tz="UTC")
    >>> bars = pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, index=times)
    >>> tiers = TierTable(floors=(0.0, 1e6), maintenance_rates=(0.004, 0.02), initial_rates=(0.008, 0.04), asset="BTC")
    >>> found = implied_margin(tiers, bars, horizons=[1, 4])
    >>> found.summary().loc[("long", 1)].round(2).tolist()  # one standard deviation in one bar
    [0.84, 0.55]
    """
    check_kind(tiers, TierTable, argument="tiers")
    check_choice(layer, argument="layer", choices=_LAYERS)
    check_choice(event, argument="event", choices=("touch", "end"))
    level = check_confidence(target, argument="target")
    check_confidence(interval_confidence, argument="interval_confidence")
    if not len(horizons):
        raise ArgumentError("horizons", "must hold at least one", "none", "pass for example [1, 8, 24]")
    weakest = [_weakest(tiers, k, layer, impact) for k in range(len(tiers.floors))]
    rows: list[dict[str, object]] = []
    n_dropped, last = 0, None
    for side in SIDES:
        for horizon in horizons:
            lost = horizon_losses(bars, side=side, horizon=horizon, interval=interval, contract=contract)
            n_dropped, last = max(n_dropped, lost.n_dropped), lost.as_of
            rows += [
                {"side": side, "tier": k, "horizon": lost.horizon.length, "notional": N}
                | _confidence(lost, rate, event=event, target=level, width=interval_confidence)
                for k, (N, rate) in enumerate(weakest, start=1)
            ]
    frame = pd.DataFrame(rows).set_index(["side", "tier", "horizon"])
    if frame.index.has_duplicates:
        raise ArgumentError("horizons", "must differ", "the same length twice", "leave one out")
    return ImpliedMargin(
        table=tiers,
        frame=freeze(frame.sort_index()),
        layer=layer,
        event=event,
        target=level,
        interval_confidence=interval_confidence,
        n_dropped=n_dropped,
        as_of=last,
        provenance=provenance or Provenance(()),
    )


def _confidence(
    lost: HorizonLosses, rate: float, *, event: Event, target: float, width: float
) -> dict[str, float | int | str]:
    if rate <= 0.0:
        reason = "the impact is as large as the margin"
        none = float("nan")
        return {
            "rate": rate, "confidence": 0.0, "low": none, "high": none, "n_obs": lost.n_obs, "n_hits": lost.n_obs,
            "effective_size": none, "reason": reason,
        }  # fmt: skip
    found = exceedance_rate(lost, rate, confidence=target, event=event, interval_confidence=width)
    return {
        "rate": rate, "confidence": 1.0 - found.rate, "low": 1.0 - found.high, "high": 1.0 - found.low,
        "n_obs": found.n_obs, "n_hits": found.n_hits, "effective_size": found.effective_size, "reason": found.reason,
    }  # fmt: skip


def _weakest(
    tiers: TierTable, position: int, layer: Layer, impact: Callable[[float], float] | None
) -> tuple[float, float]:
    """Return the size of a tier whose margin less impact is the smallest fraction, and that fraction."""
    floor = tiers.floors[position]
    bounds = (*tiers.floors[1:], tiers.cap)
    # An open tier is looked at up to twice its floor, a table of one open tier at its rate alone.
    cap = bounds[position] if np.isfinite(bounds[position]) else 2.0 * floor
    sizes = np.linspace(floor, cap, _SIZES)
    if layer == "maintenance_margin":
        rates = np.array([tiers.maintenance_rate(N) for N in sizes])
    else:
        rates = np.full(_SIZES, tiers.initial_rates[position])
    net = rates - np.array([impact(float(N)) if impact is not None else 0.0 for N in sizes])
    least = int(np.argmin(net))
    return float(sizes[least]), float(net[least])


def _longest(confidence: pd.Series, target: float) -> pd.Timedelta:
    by_horizon = confidence.droplevel(["side", "tier"]).sort_index()
    met = (by_horizon >= target).cumprod().astype(bool)
    return by_horizon.index[met.to_numpy()].max() if met.any() else pd.NaT
