"""One expiry's smile: one quote a strike, volatility at any delta or log-moneyness between the outermost strikes.

A `PreparedChain` and an expiry enter; a `SmileSlice` leaves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq
from scipy.special import ndtr

from volkit.checks import check_choice, check_kind
from volkit.errors import ArgumentError, DataError
from volkit.options.chain.prepared import PreparedChain
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["NAMED_POINTS", "Interpolation", "SmileSlice", "VolatilityOf", "smile"]

Interpolation = Literal["log_moneyness", "delta"]
VolatilityOf = Literal["mark", "mid"]
Curve = Callable[[ArrayLike], np.ndarray]

# Of a volatility that stands in from the side in the money: half a point.
MOST_ERROR = 0.005
NAMED_POINTS = ("atm_forward", "delta_neutral", "put_25", "call_25", "put_10", "call_10")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SmileSlice(ResultDisplay):
    """Volatility of one expiry by strike and by delta.

    Attributes
    ----------
    points : DataFrame, shape (n_obs, 11)
        One row a strike, ascending: instrument, strike (USD), is_call, is_otm (whether the row is the
        out-of-the-money side, preferred; else the other side stands in), forward (USD), log_moneyness, volatility,
        bid_volatility, ask_volatility (decimal per year; NaN where nothing is quoted), call_delta (forward delta of
        the call at this strike and volatility, from 0 to 1), sides.
    left_out : DataFrame
        Strikes without a volatility: strike, reason. An option in the money stands in for the missing one out of the
        money only where its price tells the volatility to half a point (volatility_error of the book).
    expiry, as_of : Timestamp
        UTC.
    time : float
        Years of 365 days.
    forward : float
        USD, median of the points.
    volatility_of : {"mark", "mid"}
        Which price the volatilities are of.
    interpolation : {"log_moneyness", "delta"}
        Abscissa of the monotone cubic (PCHIP) through the volatilities.
    underlying, venue : str
    provenance : Provenance
    """

    points: pd.DataFrame
    left_out: pd.DataFrame
    expiry: pd.Timestamp
    as_of: pd.Timestamp
    time: float
    forward: float
    volatility_of: VolatilityOf
    interpolation: Interpolation
    underlying: str
    venue: str
    provenance: Provenance

    @property
    def n_obs(self) -> int:
        """Strikes."""
        return len(self.points)

    @property
    def spec(self) -> dict[str, str]:
        """What the slice was made with."""
        return {"volatility_of": self.volatility_of, "interpolation": self.interpolation}

    @property
    def headline(self) -> str:
        """Expiry, strikes and range of volatility in one line."""
        low, high = self.points["volatility"].min(), self.points["volatility"].max()
        days = self.time * 365.0
        return (
            f"{self.underlying} {self.venue}, {self.expiry:%Y-%m-%d} ({days:.1f} days), {self.n_obs} strikes, "
            f"{self.volatility_of} volatility {100 * low:.1f} to {100 * high:.1f} %, {self.as_of:%Y-%m-%d %H:%M} UTC"
        )

    def summary(self) -> pd.DataFrame:
        """Return volatility (decimal per year) at the named points; where the strikes do not reach, why."""
        found, missing = self.named_volatilities()
        index = pd.Index([name.replace("_", " ") for name in found], name="point")
        reasons = [missing.get(name, "") for name in found]
        columns = {"volatility (decimal per year)": list(found.values()), "not reached": reasons}
        return pd.DataFrame(columns, index=index)

    def named_volatilities(self) -> tuple[dict[str, float], dict[str, str]]:
        """Return volatility (decimal per year) by named point, NaN where the strikes do not reach; and why not.

        Names: atm_forward, delta_neutral, put_25, call_25, put_10, call_10 (forward delta in hundredths).
        """
        found, missing = {}, {}
        for name in NAMED_POINTS:
            try:
                found[name] = self._named(name)
            except ArgumentError as error:
                found[name] = np.nan
                missing[name] = f"{error.got}: {error.argument} {error.requirement}"
        return found, missing

    def _named(self, name: str) -> float:
        if name == "atm_forward":
            return self.atm_forward_volatility
        if name == "delta_neutral":
            return self.delta_neutral_volatility
        side, hundredths = name.split("_")
        return self.volatility_at_delta(int(hundredths) / 100.0, is_call=side == "call")

    def to_frame(self) -> pd.DataFrame:
        """Return `points` with expiry, time and underlying beside each."""
        return self.points.assign(expiry=self.expiry, time=self.time, underlying=self.underlying)

    def volatility_at(self, log_moneyness: float | np.ndarray) -> np.ndarray:
        """Return volatility (decimal per year) at log-moneyness ln(strike / forward), same shape.

        Raises
        ------
        ArgumentError
            Outside the outermost strikes: nothing is extrapolated.
        """
        k = np.asarray(log_moneyness, dtype=np.float64)
        known = self.points["log_moneyness"].to_numpy()
        if not ((k >= known[0]) & (k <= known[-1])).all():
            requirement = f"must lie between the outermost strikes, {known[0]:.4g} to {known[-1]:.4g}"
            got = f"{k.min():.4g}" if k.min() == k.max() else f"{k.min():.4g} to {k.max():.4g}"
            raise ArgumentError("log_moneyness", requirement, got, "fit a surface to go beyond the quotes")
        curve = self._curve()
        if self.interpolation == "log_moneyness":
            return np.asarray(curve(k))
        high, low = self.points["call_delta"].to_numpy()[[0, -1]]
        deltas = [self._delta_of(at, curve, low, high) for at in k.ravel()]
        return np.asarray(curve(deltas)).reshape(k.shape)

    def volatility_at_delta(self, delta: float, *, is_call: bool) -> float:
        """Return volatility (decimal per year) where the option's own forward delta has this size.

        Parameters
        ----------
        delta : float
            Absolute forward delta, undiscounted and not premium-adjusted, between 0 and 1; 0.25 for the 25-delta put
            or call.
        is_call : bool
            Whether the call's delta is meant; the put of the same strike has 1 less.

        Raises
        ------
        ArgumentError
            For a delta outside 0 to 1, or beyond the outermost strikes.
        """
        if not 0.0 < delta < 1.0:
            raise ArgumentError("delta", "must lie between 0 and 1", f"{delta!r}", "pass its size, e.g. delta=0.25")
        wanted = delta if is_call else 1.0 - delta
        high, low = self.points["call_delta"].to_numpy()[[0, -1]]
        if not low <= wanted <= high:
            requirement = f"must be within the call deltas of the outermost strikes, {low:.3f} to {high:.3f}"
            got = f"a call delta of {wanted:.3f}"
            raise ArgumentError("delta", requirement, got, "ask for a delta nearer to 0.5, or fit a surface")
        curve = self._curve()
        if self.interpolation == "delta":
            return float(curve(wanted))
        first, last = self.points["log_moneyness"].to_numpy()[[0, -1]]
        return float(curve(_root(lambda k: self._call_delta(k, curve(k)) - wanted, first, last)))

    @property
    def atm_forward_volatility(self) -> float:
        """Volatility (decimal per year) where the strike is the forward.

        Raises
        ------
        ArgumentError
            When all strikes lie on one side of the forward.
        """
        return float(self.volatility_at(0.0))

    @property
    def delta_neutral_volatility(self) -> float:
        """Volatility (decimal per year) of the straddle without forward delta, strike F exp(v^2 t / 2).

        Raises
        ------
        ArgumentError
            When the strikes do not reach a call delta of one half.
        """
        return self.volatility_at_delta(0.5, is_call=True)

    def _curve(self) -> Curve:
        abscissa = "log_moneyness" if self.interpolation == "log_moneyness" else "call_delta"
        ordered = self.points.sort_values(abscissa)
        x, volatility = ordered[abscissa].to_numpy(), ordered["volatility"].to_numpy()
        if len(x) == 1:
            return lambda at: np.full(np.shape(at), volatility[0])
        curve: Curve = PchipInterpolator(x, volatility)
        return curve

    def _delta_of(self, log_moneyness: float, curve: Curve, low: float, high: float) -> float:
        """Return the call delta at which a curve in delta has a strike."""
        return _root(lambda delta: self._call_delta(log_moneyness, curve(delta)) - delta, low, high)

    def _call_delta(self, log_moneyness: float, volatility: np.ndarray) -> float:
        deviation = float(volatility) * np.sqrt(self.time)
        return float(ndtr(-log_moneyness / deviation + deviation / 2.0))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function is zero between two ends, or the end where it is so but for rounding."""
    ends = {low: function(low), high: function(high)}
    if np.sign(ends[low]) == np.sign(ends[high]):
        return min(ends, key=lambda end: abs(ends[end]))
    return float(brentq(function, low, high, xtol=1e-15, rtol=4e-15))


def smile(
    prepared: PreparedChain,
    expiry: pd.Timestamp | str,
    *,
    volatility_of: VolatilityOf = "mark",
    interpolation: Interpolation = "log_moneyness",
) -> SmileSlice:
    """Return the smile of one expiry, from one quote a strike.

    Parameters
    ----------
    prepared : PreparedChain
        From `prepare_chain`.
    expiry : Timestamp or str
        UTC instant, or a day such as ``"2026-01-30"`` on which one expiry falls.
    volatility_of : {"mark", "mid"}
        Volatility of the venue's mark, or of the middle of bid and ask (strikes without both are left out).
    interpolation : {"log_moneyness", "delta"}
        Abscissa of the monotone cubic between strikes.

    Returns
    -------
    SmileSlice
        At each strike the out-of-the-money side (put below the forward, call from it on), or the other where that one
        has no volatility and the other's price tells it to half a point.

    Raises
    ------
    ArgumentError
        For an expiry that the book does not have (lists those it has), or an unknown choice.
    DataError
        When no strike has a volatility, or when the deltas of the strikes do not fall and are to be the abscissa.

    Notes
    -----
    Deltas are forward deltas, N(d1) of the call, undiscounted and not adjusted for premium in coin: the convention
    that the venue's own column follows (`compare_with_venue`).

    Examples
    --------
    >>> from volkit.options.chain import prepare_chain, simulate_chain
    >>> slice_ = smile(prepare_chain(simulate_chain(days=[30.0])), "2026-02-05")
    >>> round(slice_.atm_forward_volatility, 4)
    0.6
    """
    check_kind(prepared, PreparedChain, argument="prepared", remedy="pass what prepare_chain returns")
    check_choice(volatility_of, argument="volatility_of", choices=("mark", "mid"))
    check_choice(interpolation, argument="interpolation", choices=("log_moneyness", "delta"))
    chosen = _find_expiry(prepared, expiry)
    rows = prepared.quotes[prepared.quotes["expiry"] == chosen]
    points, left_out = _one_a_strike(rows, f"{volatility_of}_volatility")
    if points.empty:
        got = f"none of {len(left_out)} strikes of {chosen:%Y-%m-%d}"
        raise DataError("prepared", f"must have a {volatility_of} volatility", got, "choose the other volatility_of")
    if interpolation == "delta" and (np.diff(points["call_delta"]) >= 0.0).any():
        at = points["strike"].iloc[int(np.argmax(np.diff(points["call_delta"]) >= 0.0)) + 1]
        remedy = 'use interpolation="log_moneyness", or a stricter filter'
        raise DataError("prepared", "must have call deltas that fall with the strike", f"a rise at {at:g}", remedy)
    return SmileSlice(
        points=freeze(points),
        left_out=freeze(left_out),
        expiry=chosen,
        as_of=prepared.as_of,
        time=float(rows["time"].iloc[0]),
        forward=float(points["forward"].median()),
        volatility_of=volatility_of,
        interpolation=interpolation,
        underlying=prepared.underlying,
        venue=prepared.venue,
        provenance=prepared.provenance,
    )


def _find_expiry(prepared: PreparedChain, expiry: pd.Timestamp | str) -> pd.Timestamp:
    try:
        wanted = pd.Timestamp(expiry)
    except (TypeError, ValueError):
        wanted = pd.NaT
    known = prepared.expiries
    if pd.isna(wanted):
        found = known[:0]
    elif wanted.tzinfo is None:
        on_day = known[known.normalize() == wanted.normalize().tz_localize("UTC")]
        found = on_day if wanted == wanted.normalize() else on_day[on_day == wanted.tz_localize("UTC")]
    else:
        found = known[known == wanted]
    if len(found) != 1:
        listed = ", ".join(f"{at:%Y-%m-%d}" for at in known)
        raise ArgumentError("expiry", f"must be one of {listed}", repr(str(expiry)), "choose one of these")
    return pd.Timestamp(found[0])


def _one_a_strike(rows: pd.DataFrame, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the preferred row of each strike that has a volatility, and the strikes that have none."""
    sided = rows.assign(volatility=rows[column], is_otm=rows["is_call"] == (rows["strike"] >= rows["forward"]))
    # Where the out-of-the-money side is missing the other stands in, if its price tells the volatility at all.
    telling = (sided["volatility_error"] <= MOST_ERROR) & (sided["bid_volatility"].notna() | (column[:4] == "mark"))
    known = sided[sided["volatility"].notna() & (sided["is_otm"] | telling)]
    points = known.sort_values(["strike", "is_otm"]).drop_duplicates("strike", keep="last").reset_index(drop=True)
    deviation = points["volatility"] * np.sqrt(points["time"])
    points["call_delta"] = ndtr(-points["log_moneyness"] / deviation + deviation / 2.0)
    absent = sorted(set(rows["strike"]) - set(known["strike"]))
    left_out = pd.DataFrame({"strike": absent, "reason": f"no telling {column.replace('_', ' ')}"})
    columns = ["instrument", "strike", "is_call", "is_otm", "forward", "log_moneyness", "volatility"]
    return points[[*columns, "bid_volatility", "ask_volatility", "call_delta", "sides"]], left_out
