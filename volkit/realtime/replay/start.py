"""What a live margin starts from: a model, its state, the policy and a static margin, all from one training window."""

import warnings
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pandas as pd

from volkit.checks import check_count, check_kind
from volkit.conventions import SIDES, Side, losses
from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.formatting import percent_to
from volkit.margin.rates import tail_of_losses
from volkit.realtime.replay.policy import LivePolicy, check_target, horizon_moves, policy_from_law, read_length
from volkit.realtime.state import LiveVolatility, fit_season
from volkit.realtime.state.bars import bar_arrays
from volkit.results import Provenance, ResultDisplay
from volkit.returns import simple_returns
from volkit.sources import Bars
from volkit.volatility import Garch, VolatilityFit

__all__ = ["LiveStart", "start_live", "training_bars"]

_YEAR = pd.Timedelta(days=365)


@runtime_checkable
class BarModel(Protocol):
    """What is fitted to the training window: `Garch` in squares, or `Ewma`."""

    def fit(self, returns: pd.Series, *, periods_per_year: float) -> VolatilityFit:
        """Return the model fitted to decimal returns."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiveStart(ResultDisplay):
    """A live margin before its first bar.

    Attributes
    ----------
    state : LiveVolatility
        After the training window.
    policy : LivePolicy
        Quantiles of the fitted law.
    fit : VolatilityFit
        Of the training window.
    static_long, static_short : float
        Margin rates (decimal) that exactly the target's share of the window's losses exceeded: a static percentage.
    later : DataFrame
        The bars after the window.
    n_obs : int
        Bars in the window.
    n_blocks : float
        Its length in horizons.
    as_of : Timestamp
        Label (UTC) of its last bar.
    provenance : Provenance
        Of the bars, when given.
    """

    state: LiveVolatility
    policy: LivePolicy
    fit: VolatilityFit
    static_long: float
    static_short: float
    later: pd.DataFrame
    n_obs: int
    n_blocks: float
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Model, window and static margins in one line."""
        return (
            f"{self.fit.asset}, {self.fit.spec} on {self.n_obs:,} bars to {self.as_of:%Y-%m-%d %H:%M}, static margin "
            f"{percent_to(self.static_long, 2)} long and {percent_to(self.static_short, 2)} short from "
            f"{self.n_blocks:.0f} horizons, {len(self.later):,} bars to come"
        )

    def summary(self) -> pd.DataFrame:
        """Return the policy and the static margins (decimals)."""
        rows = {
            "static margin": (self.static_long, self.static_short),
            "quantile (standard deviations)": (self.policy.quantile_long, self.policy.quantile_short),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(SIDES))

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def start_live(
    bars: Bars | pd.DataFrame,
    *,
    n_train: int,
    target: float = 0.005,
    horizon: str = "8h",
    model: BarModel | None = None,
    max_gap: str = "3h",
    season: str | None = None,
    asset: str | None = None,
) -> LiveStart:
    """Return state, policy and static margin from the first bars of a table.

    Parameters
    ----------
    bars : Bars or DataFrame
        With `close`, labelled by opens (UTC).
    n_train : int
        Bars in the training window; the rest is `later`.
    target : float
        Probability that a loss over the horizon exceeds the margin.
    horizon : str
        Divides a day or is whole days.
    model : BarModel, optional
        By default ``Garch(family="gjr", distribution="t")``.
    max_gap : str
        Longest hole that a return may bridge, at least one step.
    season : str, optional
        Length of the slots of the day, e.g. ``"1h"``, whose volatilities are told apart; none by default.
    asset : str, optional
        Name; by default that of the bars.

    Returns
    -------
    LiveStart
        Nothing in it knows the later bars.

    Raises
    ------
    ArgumentError
        For a target out of range, a window that is no whole number of bars, leaves none after it, or is shorter than
        a horizon.
    DataError, ConvergenceError
        As the model's fit, and for training bars out of order, repeated or without price.

    Warns
    -----
    NearIntegratedWarning, SmallSampleWarning
        As the model's fit.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=300, freq="1h", tz="UTC", name="time")
    >>> waves = pd.Series(range(300), index=times).mod(7)
    >>> start_live((100.0 + waves).to_frame("close"), n_train=200, target=0.05, model=Ewma(), asset="WAVE")
    <LiveStart: WAVE, EWMA half-life 11.2 on 200 bars to 2024-01-09 07:00, static margin 5.66 % long and 1.00 % short \
from 25 horizons, 100 bars to come>
    """
    check_target(target)
    if model is not None:
        check_kind(model, BarModel, argument="model", remedy="pass a model, e.g. Garch()")
    length = read_length(horizon, argument="horizon")
    name = asset or (bars.name if isinstance(bars, Bars) else "asset")
    index, closes, provenance = bar_arrays(bars, asset=name)
    if check_count(n_train, argument="n_train", minimum=2, unit="bars") >= len(index):
        got, remedy = f"{n_train} of {len(index)}", "leave bars to replay"
        raise ArgumentError("n_train", "must leave a bar after the window", got, remedy)
    close = pd.Series(closes, index=index, name=name)
    past = close.iloc[:n_train]
    if past.isna().any():
        got = f"{int(past.isna().sum())} rows without one"
        raise DataError(f"bars of {name}", "must have a price in the training window", got, "drop those rows")
    returns = simple_returns(past)
    step = pd.Timedelta(returns.index.to_series().diff().median())
    if length < step:
        got = f"{horizon} for bars of {step}"
        raise ArgumentError("horizon", "must hold at least one bar", got, "lengthen it, or pass finer bars")
    if n_train * step < length:
        got = f"{n_train} bars of {step} for {horizon}"
        raise ArgumentError("n_train", "must last at least one horizon", got, "pass a longer window or history")
    factors = None if season is None else fit_season(returns, slot=season)
    free = returns if factors is None else factors.remove(returns)
    fit = (model or Garch(family="gjr", distribution="t")).fit(free, periods_per_year=_YEAR / step)
    gap = max(read_length(max_gap, argument="max_gap"), step)
    last = float(past.iloc[-1])
    state = LiveVolatility.from_fit(fit, last_close=last, step=str(step), max_gap=str(gap), season=factors)
    policy = policy_from_law(state, target=target, horizon=horizon)
    static = _static(past, policy, horizon=horizon)
    n_blocks = n_train * step / policy.horizon
    if n_blocks * target < 1.0:
        warnings.warn(
            f"the static margin of {name} rests on {n_blocks:.0f} horizons of {horizon} that do not overlap: at a "
            f"target of {target:g} none is expected beyond it; take it for an example, or pass a longer window.",
            SmallSampleWarning,
            stacklevel=2,
        )
    return LiveStart(
        state=state,
        policy=policy,
        fit=fit,
        static_long=static["long"],
        static_short=static["short"],
        later=close.iloc[n_train:].to_frame("close"),
        n_obs=n_train,
        n_blocks=n_blocks,
        as_of=fit.as_of,
        provenance=provenance,
    )


def training_bars(bars: Bars | pd.DataFrame) -> int:
    """Return how many bars to train on where nobody says: a third of them, at most half a year.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=8760, freq="1h", tz="UTC", name="time")
    >>> training_bars(pd.DataFrame({"close": 100.0}, index=times))
    2920
    """
    index, _, _ = bar_arrays(bars, asset="the replay")
    third = len(index) // 3
    step = index[1:].to_series().diff().median() if len(index) > 2 else _YEAR
    return int(min(third, 0.5 * _YEAR / step))


def _static(past: pd.Series, policy: LivePolicy, *, horizon: str) -> dict[Side, float]:
    """Return the empirical quantile of the window's overlapping losses by side."""
    _, moves = horizon_moves(past, policy.horizon)
    found = {}
    for side in SIDES:
        lost = losses(moves, side=side)
        found[side] = float(tail_of_losses(lost, confidence=1.0 - policy.target)[0]) if len(lost) else 0.0
        if found[side] <= 0.0:
            got, remedy = f"{len(past)} bars without a loss beyond it ({side})", "pass a longer window"
            raise ArgumentError("n_train", f"must hold losses over {horizon}", got, remedy)
    return found
