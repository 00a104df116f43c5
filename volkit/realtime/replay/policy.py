"""How a live volatility becomes a margin: a multiple of the horizon's volatility, by a law or by what happened."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_fraction, real_number
from volkit.conventions import SIDES, losses
from volkit.errors import ArgumentError
from volkit.margin.rates import tail_of_losses
from volkit.realtime.state import LiveVolatility
from volkit.realtime.state.path import LivePath
from volkit.realtime.state.running import variance_ahead
from volkit.sources import Bars

__all__ = [
    "GOOD",
    "LivePolicy",
    "check_target",
    "horizon_losses",
    "horizon_moves",
    "policy_from_history",
    "policy_from_law",
    "read_length",
]

# So many losses must lie beyond the margin for its quantile to be read off a history.
_BEYOND = 10.0
# Statuses of bars whose price stands, whether or not their return did.
GOOD = (0, 5, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePolicy:
    """Margin as a multiple of the volatility over a horizon.

    Attributes
    ----------
    target : float
        Probability that a loss over the horizon exceeds the margin.
    horizon : Timedelta
        Divides a day or is whole days; blocks are counted from 00:00 UTC.
    quantile_long, quantile_short : float
        Margin of each side over the volatility of the horizon's return.
    maintenance : float
        Share of the margin below which equity brings a call.
    floor : float
        Lowest margin rate, decimal.
    source : str
        Where the quantiles come from, in words.

    Examples
    --------
    >>> policy = LivePolicy(target=0.005, horizon=pd.Timedelta("8h"), quantile_long=3.0, quantile_short=2.8)
    >>> policy.rate(0.02, side="long")
    0.06
    """

    target: float
    horizon: pd.Timedelta
    quantile_long: float
    quantile_short: float
    maintenance: float = 0.8
    floor: float = 0.0
    source: str = "given"

    def __post_init__(self) -> None:
        check_target(self.target)
        check_fraction(self.maintenance, argument="maintenance")
        check_fraction(self.floor, argument="floor")
        day, zero = pd.Timedelta(days=1), pd.Timedelta(0)
        if self.horizon <= zero or (day % self.horizon != zero and self.horizon % day != zero):
            raise ArgumentError("horizon", "must divide a day or be whole days", str(self.horizon), 'pass "8h"')
        for side in SIDES:
            if not 0.0 < self.quantile(side) < np.inf:
                remedy = "take it from policy_from_law or policy_from_history"
                raise ArgumentError(f"quantile_{side}", "must be above zero", f"{self.quantile(side):g}", remedy)

    @property
    def words(self) -> str:
        """The policy in words."""
        hours = self.horizon / pd.Timedelta(hours=1)
        return (
            f"{100 * self.target:g} % per {hours:g} h, {self.quantile_long:.2f} (long) and {self.quantile_short:.2f} "
            f"(short) standard deviations, {self.source}"
        )

    def quantile(self, side: str) -> float:
        """Return the multiple of one side."""
        return self.quantile_long if side == "long" else self.quantile_short

    def rate(self, volatility: float, *, side: str) -> float:
        """Return the margin rate (fraction of the notional) at a volatility of the horizon, decimal."""
        return max(self.quantile(side) * volatility, self.floor)

    def rates(self, volatility: np.ndarray, *, side: str) -> np.ndarray:
        """Return margin rates, shape (n,), at volatilities of the horizon."""
        return np.maximum(self.quantile(side) * volatility, self.floor)


def check_target(target: float) -> float:
    """Return a target probability of exceedance, above 0 and below 0.5.

    Raises
    ------
    ArgumentError
        When it lies outside.
    """
    value = real_number(target, argument="target")
    if not 0.0 < value < 0.5:
        remedy = "pass for example 0.005 for 0.5 %"
        raise ArgumentError("target", "must be a probability above 0 and below 0.5", f"{target!r}", remedy)
    return value


def read_length(text: str, *, argument: str) -> pd.Timedelta:
    """Return a length of time above zero from words such as ``8h``.

    Raises
    ------
    ArgumentError
        When it is none.
    """
    try:
        # pandas only warns of units that it will not know one day, such as H.
        with warnings.catch_warnings(action="error"):
            length = pd.Timedelta(text)
    except (ValueError, Warning):
        length = pd.NaT
    if pd.isna(length) or length <= pd.Timedelta(0):
        raise ArgumentError(argument, "must be a length of time above zero", repr(text), 'pass for example "8h"')
    return pd.Timedelta(length)


def policy_from_law(
    state: LiveVolatility, *, target: float = 0.005, horizon: str = "8h", maintenance: float = 0.8, floor: float = 0.0
) -> LivePolicy:
    """Return the policy whose quantiles are those of the state's law.

    Parameters
    ----------
    state : LiveVolatility
        Its law of single bars stands for that of the horizon.
    target, horizon, maintenance, floor
        As `LivePolicy`.

    Notes
    -----
    A sum of returns whose variance moves has tails between the law's and the normal's: under a t law the margin errs on
    the safe side for more than one bar. `policy_from_history` reads the quantile off the past instead.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, freq="1h", tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=8760)
    >>> policy_from_law(LiveVolatility.from_fit(fit, last_close=42000.0)).words
    '0.5 % per 8 h, 2.58 (long) and 2.58 (short) standard deviations, normal law'
    """
    check_target(target)
    law = state.model.law
    degrees = f", {law.degrees_of_freedom:.3g} degrees of freedom" if law.name in ("t", "skewt") else ""
    return LivePolicy(
        target=target,
        horizon=read_length(horizon, argument="horizon"),
        quantile_long=-float(law.quantiles(np.float64(target))),
        quantile_short=float(law.quantiles(np.float64(1.0 - target))),
        maintenance=maintenance,
        floor=floor,
        source=f"{law.name} law{degrees}",
    )


def policy_from_history(
    state: LiveVolatility,
    bars: Bars | pd.DataFrame,
    *,
    target: float = 0.005,
    horizon: str = "8h",
    maintenance: float = 0.8,
    floor: float = 0.0,
) -> LivePolicy:
    """Return the policy whose quantiles covered past losses in units of the volatility known before them.

    Parameters
    ----------
    state : LiveVolatility
        As it stood before the bars; it is copied.
    bars : Bars or DataFrame
        Past bars: every bar starts a horizon, and they overlap.
    target, horizon, maintenance, floor
        As `LivePolicy`.

    Raises
    ------
    ArgumentError
        When fewer than ten losses would lie beyond the quantile.
    """
    length = pd.Timedelta(horizon)
    path = state.copy().follow(bars)
    found = horizon_losses(path, length)
    if len(found) * target < _BEYOND:
        got = f"{len(found)} horizons, of which {len(found) * target:.1f} would lie beyond"
        remedy = "pass a longer history, or use policy_from_law"
        raise ArgumentError("bars", f"must hold {_BEYOND:.0f} losses beyond the margin", got, remedy)
    quantiles = {}
    for side in SIDES:
        standardized = losses(found["return"].to_numpy(), side=side) / found["volatility"].to_numpy()
        quantiles[side] = float(tail_of_losses(standardized, confidence=1.0 - target)[0])
    return LivePolicy(
        target=target,
        horizon=length,
        quantile_long=quantiles["long"],
        quantile_short=quantiles["short"],
        maintenance=maintenance,
        floor=floor,
        source=f"from {len(found):,} overlapping horizons to {path.as_of:%Y-%m-%d}",
    )


def horizon_losses(path: LivePath, horizon: pd.Timedelta) -> pd.DataFrame:
    """Return the return over each whole horizon ahead and the volatility known before it, by start label (UTC).

    Horizons overlap; one whose last bar is missing is left out.
    """
    taken = path.frame[path.frame["status"].isin(GOOD)]
    rows, moves = horizon_moves(taken["close"], horizon)
    times = taken.index.as_unit("ns").asi8
    sums = variance_ahead(path.model, times, taken["level"].to_numpy(), horizon)
    return pd.DataFrame({"return": moves, "volatility": np.sqrt(sums[rows])}, index=taken.index[rows])


def horizon_moves(close: pd.Series, horizon: pd.Timedelta) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows from which a whole horizon can be seen, and the simple returns (decimal) over it.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, freq="1h", tz="UTC")
    >>> rows, moves = horizon_moves(pd.Series([100.0, 101.0, 102.0, 103.02], index=times), pd.Timedelta("2h"))
    >>> rows.tolist(), moves.round(6).tolist()
    ([0, 1], [0.02, 0.02])
    """
    times, values = pd.DatetimeIndex(close.index).as_unit("ns").asi8, close.to_numpy()
    ends = np.searchsorted(times, times + horizon.value)
    there = ends < len(times)
    there[there] = times[ends[there]] == times[there] + horizon.value
    rows = np.flatnonzero(there)
    return rows, np.asarray(values[ends[rows]] / values[rows] - 1.0)
