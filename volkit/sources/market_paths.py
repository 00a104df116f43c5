"""From shocks to paths: the clock, the variance recursion and the hourly levels of the simulated market.

Plain arrays on an hourly grid; `volkit.sources.market` draws the shocks and dresses the paths as bars.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.conventions import SESSIONS_PER_YEAR
from volkit.sources.calendars import session_closes, sessions_between
from volkit.sources.market_design import SESSION_SHARE, VIX_DESIGN

__all__ = [
    "HOURS_PER_DAY",
    "HourGrid",
    "autoregression",
    "bridge_extremes",
    "garch_residuals",
    "mean_mixing",
    "overlap_factors",
    "session_sums",
    "session_to_date",
    "vix_path",
]

HOURS_PER_DAY = 24
_SESSION_OPENS = pd.Timedelta(hours=9)  # New York; trade begins at 9:30, so that the first hour has half a weight


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HourGrid:
    """Hours of the market, and the macro session that each belongs to.

    Attributes
    ----------
    days : DatetimeIndex, shape (n_days,)
        UTC days.
    sessions, closes : DatetimeIndex, shape (n_sessions,)
        New York cash sessions by date, and the instants of their closes (early ones included), UTC.
    session : ndarray of int, shape (n_hours,)
        Number of the session whose return holds the hour; ``n_sessions`` after the last close.
    weight : ndarray, shape (n_hours,)
        Share of the session's variance in the hour; sums to one over a session.
    trades : ndarray of bool, shape (n_hours,)
        Whether the macro series trade in the hour.
    """

    days: pd.DatetimeIndex
    sessions: pd.DatetimeIndex
    closes: pd.DatetimeIndex
    session: np.ndarray
    weight: np.ndarray
    trades: np.ndarray

    @classmethod
    def between(cls, start: pd.Timestamp, end: pd.Timestamp) -> "HourGrid":
        """Return the grid of the UTC days from `start` (inclusive) to `end` (exclusive)."""
        days = pd.date_range(start, end, freq="D", inclusive="left", unit="us", name="time")
        sessions = sessions_between(days[0], days[-1]).rename("time")
        closes = session_closes(sessions)
        opens = (sessions.tz_localize(None) + _SESSION_OPENS).tz_localize("America/New_York").tz_convert("UTC")
        close_hour, open_hour = _hour_number(closes, start), _hour_number(opens, start)
        hour = np.arange(len(days) * HOURS_PER_DAY)
        session = np.searchsorted(close_hour, hour, side="right")
        opened = np.append(open_hour, hour[-1] + 1)[session]
        trades = hour >= opened
        units = np.where(hour == opened, 0.5, 1.0)
        traded = np.bincount(session, weights=units * trades, minlength=len(sessions) + 1)[session]
        rested = np.bincount(session, weights=~trades, minlength=len(sessions) + 1)[session]
        weight = np.where(trades, SESSION_SHARE * units / np.maximum(traded, 1.0), (1.0 - SESSION_SHARE) / rested)
        return cls(days=days, sessions=sessions, closes=closes, session=session, weight=weight, trades=trades)

    @property
    def hours(self) -> pd.DatetimeIndex:
        """Open instants of the hours, UTC, shape (n_hours,)."""
        return pd.date_range(self.days[0], periods=len(self.session), freq="h", unit="us", name="time")

    @property
    def day(self) -> np.ndarray:
        """Number of the UTC day of each hour, shape (n_hours,)."""
        return np.arange(len(self.session)) // HOURS_PER_DAY

    @property
    def session_day(self) -> np.ndarray:
        """Number of the UTC day of each session, shape (n_sessions,)."""
        return np.asarray(self.days.get_indexer(self.sessions))

    @property
    def n_closed(self) -> int:
        """Number of hours up to the last close."""
        return int(np.searchsorted(self.session, len(self.sessions)))

    @property
    def last_hour(self) -> np.ndarray:
        """Number of the last hour of each session, shape (n_sessions,)."""
        return np.searchsorted(self.session, np.arange(len(self.sessions)), side="right") - 1


def _hour_number(times: pd.DatetimeIndex, start: pd.Timestamp) -> np.ndarray:
    return np.asarray((times - start) // pd.Timedelta(hours=1))


def session_sums(values: np.ndarray, grid: HourGrid) -> np.ndarray:
    """Return sums over the hours of each session.

    Parameters
    ----------
    values : ndarray, shape (n_hours,) or (n_hours, k)
        Any unit.
    grid : HourGrid
        The clock.

    Returns
    -------
    ndarray, shape (n_sessions,) or (n_sessions, k)
        Same unit, without the hours after the last close.

    Examples
    --------
    >>> grid = HourGrid.between(pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-02-01", tz="UTC"))
    >>> bool(np.allclose(session_sums(grid.weight, grid), 1.0))
    True
    """
    first = np.concatenate([[0], grid.last_hour[:-1] + 1])
    return np.asarray(np.add.reduceat(values[: grid.n_closed], first, axis=0))


def session_to_date(values: np.ndarray, grid: HourGrid) -> np.ndarray:
    """Return running sums since the previous session's close, at the end of each hour.

    Parameters
    ----------
    values : ndarray, shape (n_hours,)
        Any unit.
    grid : HourGrid
        The clock.

    Returns
    -------
    ndarray, shape (n_hours,)
        Same unit.

    Examples
    --------
    >>> grid = HourGrid.between(pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-02-01", tz="UTC"))
    >>> bool(np.allclose(session_to_date(grid.weight, grid)[grid.last_hour], 1.0))
    True
    """
    total = np.cumsum(values)
    return np.asarray(total - np.concatenate([[0.0], total[grid.last_hour]])[grid.session])


def mean_mixing(nu: float) -> float:
    """Return the mean of the mixing variable of a unit-variance Student t.

    Parameters
    ----------
    nu : float
        Degrees of freedom, above 2.

    Returns
    -------
    float
        Mean of ``m = sqrt((nu - 2) / chi2(nu))``, dimensionless; ``m`` times a standard normal is a unit-variance t.

    Examples
    --------
    >>> round(mean_mixing(5.0), 4)
    0.9213
    """
    return math.sqrt((nu - 2.0) / 2.0) * math.exp(math.lgamma((nu - 1.0) / 2.0) - math.lgamma(nu / 2.0))


def overlap_factors(grid: HourGrid, *, nu: float) -> tuple[float, float]:
    """Return correlation of daily pairs over correlation of hourly shocks, for one coin and one macro series.

    Parameters
    ----------
    grid : HourGrid
        The clock.
    nu : float
        Degrees of freedom of the mixing variable, drawn once a UTC day.

    Returns
    -------
    synchronous, utc_day : float
        With the coin sampled at the macro close, and at its UTC-day close of the same date. At most 1.

    Notes
    -----
    At constant volatility a session's pair has covariance ``rho * sum_h sqrt(w_h / 24) E[m m']`` over shared hours;
    ``E[m m']`` is 1 on the session's own day, else ``E[m]**2``. The coin's variance is its hours over 24, the macro's
    is 1; moments are pooled. Clustering of volatility makes the sample correlation a few per cent smaller.

    Examples
    --------
    >>> grid = HourGrid.between(pd.Timestamp("2023-01-01", tz="UTC"), pd.Timestamp("2024-01-01", tz="UTC"))
    >>> [round(factor, 2) for factor in overlap_factors(grid, nu=5.0)]
    [0.81, 0.74]
    """
    session_day = np.append(grid.session_day, -1)[grid.session]
    previous_day = np.concatenate([[-1], grid.session_day])[grid.session]
    shared = np.sqrt(grid.weight / HOURS_PER_DAY) * np.where(grid.day == session_day, 1.0, mean_mixing(nu) ** 2)
    covariance = session_sums(shared, grid).mean()
    covariance_utc = session_sums(shared * (grid.day > previous_day), grid).mean()
    n_hours = session_sums(np.ones(len(shared)), grid).mean()
    deviation = np.sqrt(n_hours / HOURS_PER_DAY)
    return float(covariance / deviation), float(covariance_utc / deviation)


def garch_residuals(
    parameters: pd.DataFrame, shocks: np.ndarray, *, jumps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return GJR-GARCH residuals and the conditional volatility of each period.

    Parameters
    ----------
    parameters : DataFrame, shape (k, ...)
        Columns `omega`, `alpha`, `gamma`, `beta`, one row an asset.
    shocks : ndarray, shape (n_periods, k)
        Unit-variance innovations.
    jumps : ndarray, shape (n_periods, k)
        Added to the residual, and so in the next variance; unit of the returns.

    Returns
    -------
    residuals, volatility : ndarray, shape (n_periods, k)
        Per period, unit of the returns, from the long-run variance on.

    Examples
    --------
    >>> flat = pd.DataFrame({"omega": [1e-4], "alpha": [0.0], "gamma": [0.0], "beta": [0.0]})
    >>> residuals, volatility = garch_residuals(flat, np.ones((2, 1)), jumps=np.zeros((2, 1)))
    >>> float(volatility[1, 0])
    0.01
    """
    omega, alpha, gamma, beta = (parameters[name].to_numpy() for name in ("omega", "alpha", "gamma", "beta"))
    residuals, volatility = np.empty_like(shocks), np.empty_like(shocks)
    variance = omega / (1.0 - alpha - gamma / 2.0 - beta)
    for t in range(len(shocks)):
        volatility[t] = np.sqrt(variance)
        residuals[t] = volatility[t] * shocks[t] + jumps[t]
        variance = omega + (alpha + gamma * (residuals[t] < 0.0)) * residuals[t] ** 2 + beta * variance
    return residuals, volatility


def autoregression(shocks: np.ndarray, *, initial: float, persistence: float) -> np.ndarray:
    """Return the path of ``x_t = persistence * x_(t-1) + shock_t`` from `initial` on.

    Parameters
    ----------
    shocks : ndarray, shape (n_periods,)
        Innovations, any unit.
    initial : float
        The value before the first period, same unit.
    persistence : float
        Per period.

    Returns
    -------
    ndarray, shape (n_periods,)
        Same unit.

    Examples
    --------
    >>> autoregression(np.array([0.0, 1.0]), initial=4.0, persistence=0.5).tolist()
    [2.0, 2.0]
    """
    path, value = np.empty(len(shocks)), initial
    for t, shock in enumerate(shocks):
        value = persistence * value + shock
        path[t] = value
    return path


def vix_path(
    grid: HourGrid, spx: pd.Series, *, returns: np.ndarray, variance: np.ndarray, premium: np.ndarray
) -> np.ndarray:
    """Return the logarithm of VIX at the end of each hour, known from what has happened by then.

    Parameters
    ----------
    grid : HourGrid
        The clock.
    spx : Series
        GJR parameters of SPX: `omega`, `alpha`, `gamma`, `beta`.
    returns : ndarray, shape (n_hours,)
        Residual of SPX so far in the session at the end of the hour, log return.
    variance : ndarray, shape (n_hours,)
        Conditional variance of SPX in the hour's session.
    premium : ndarray, shape (n_hours,)
        Log premium over the expected volatility at the end of the hour.

    Returns
    -------
    ndarray, shape (n_hours,)
        Log of annualised per cent.

    Notes
    -----
    The next variance is expected as ``omega + (alpha + gamma [r < 0]) r**2 + beta v + (alpha + gamma / 2) (1 - W) v``
    with the return `r` and the share `W` of the session's variance so far: exact at the close. From there the
    variance decays to its long-run level over the sessions that VIX looks ahead.
    """
    gone = session_to_date(grid.weight, grid)
    arch = (spx["alpha"] + spx["gamma"] * (returns < 0.0)) * returns**2
    rest = (spx["alpha"] + spx["gamma"] / 2.0) * (1.0 - gone) * variance
    following = spx["omega"] + arch + rest + spx["beta"] * variance
    persistence = spx["alpha"] + spx["gamma"] / 2.0 + spx["beta"]
    long_run, sessions = spx["omega"] / (1.0 - persistence), VIX_DESIGN["sessions"]
    share = (1.0 - persistence**sessions) / (sessions * (1.0 - persistence))
    expected = long_run + (following - long_run) * share
    return np.asarray(np.log(100.0 * np.sqrt(SESSIONS_PER_YEAR * expected)) + premium)


def bridge_extremes(
    first: np.ndarray, last: np.ndarray, *, deviation: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a high and a low of a Brownian path between known ends.

    Parameters
    ----------
    first, last : ndarray, shape (n_hours,) or (n_hours, k)
        The path at the ends of the step.
    deviation : ndarray, same shape
        Standard deviation of the free path over the step, same unit.
    rng : Generator
        Two uniform draws an element.

    Returns
    -------
    high, low : ndarray, same shape
        Never inside the ends. Each has its exact distribution given the ends; the pair, drawn apart, has not.

    Notes
    -----
    ``P(high - first > h) = exp(-2 h (h - x) / s**2)`` with ``x = last - first``, inverted.

    Examples
    --------
    >>> high, low = bridge_extremes(np.zeros(3), np.zeros(3), deviation=np.ones(3), rng=np.random.default_rng(1))
    >>> bool((high > 0).all() and (low < 0).all())
    True
    """
    move = last - first
    reach = [np.sqrt(move**2 - 2.0 * deviation**2 * np.log1p(-rng.random(move.shape))) for _ in range(2)]
    return first + (move + reach[0]) / 2.0, first + (move - reach[1]) / 2.0
