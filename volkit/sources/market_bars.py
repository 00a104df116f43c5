"""From draws to bars: hourly and daily bars of the simulated coins and macro series."""

import numpy as np
import pandas as pd

from volkit.results import freeze
from volkit.sources.market_design import (
    COINS,
    DECIMALS,
    GARCH_MACRO,
    MACRO,
    START_LEVELS,
    VIX_DESIGN,
    VOLUMES,
    YIELD_REVERSION,
    garch_parameters,
)
from volkit.sources.market_draws import Draws
from volkit.sources.market_paths import (
    HOURS_PER_DAY,
    HourGrid,
    autoregression,
    bridge_extremes,
    garch_residuals,
    session_sums,
    session_to_date,
    vix_path,
)

__all__ = ["coin_bars", "daily_bars", "hourly_bars", "macro_bars"]


def coin_bars(
    grid: HourGrid, draws: Draws, *, rng: np.random.Generator
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return hourly bars of the coins, and their true daily volatility.

    Parameters
    ----------
    grid : HourGrid
        The clock.
    draws : Draws
        Shocks, mixing variable and jumps.
    rng : Generator
        For what happens inside an hour and the volume.

    Returns
    -------
    bars : dict of str to DataFrame, each of shape (n_hours, 5)
        `open`, `high`, `low`, `close`, `volume` (coins) in the unit of the series, on all hours.
    volatility : DataFrame, shape (n_days, 3)
        Per period: log return.
    """
    names = list(COINS)
    parameters = garch_parameters().loc[names]
    shocks, jumps = draws.shocks[names].to_numpy() / np.sqrt(HOURS_PER_DAY), draws.hourly_jumps[names].to_numpy()
    by_day = (len(grid.days), HOURS_PER_DAY, len(names))
    innovations = draws.mixing[:, None] * shocks.reshape(by_day).sum(axis=1)
    _, volatility = garch_residuals(parameters, innovations, jumps=jumps.reshape(by_day).sum(axis=1))
    scale = (volatility * draws.mixing[:, None])[grid.day]
    moves = scale * shocks + jumps + parameters["mu"].to_numpy() / HOURS_PER_DAY
    bars = {}
    for i, name in enumerate(names):
        path = np.log(START_LEVELS[name]) + np.cumsum(moves[:, i])
        deviation = scale[:, i] / np.sqrt(HOURS_PER_DAY)
        bars[name] = _priced(path, deviation, grid, name=name, initial=np.log(START_LEVELS[name]), rng=rng)
        bars[name]["volume"] = _volume(moves[:, i], name=name, rng=rng)
    return bars, pd.DataFrame(volatility, index=grid.days, columns=names)


def _volume(moves: np.ndarray, *, name: str, rng: np.random.Generator) -> np.ndarray:
    noise = np.exp(0.4 * rng.standard_normal(len(moves)))
    size = np.abs(moves) / np.median(np.abs(moves))
    return np.asarray(np.round(VOLUMES[name] / HOURS_PER_DAY * noise * (0.5 + 0.4 * size), 1))


def macro_bars(
    grid: HourGrid, draws: Draws, *, rng: np.random.Generator
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return hourly bars of the macro series, and their true volatility a session.

    Parameters
    ----------
    grid : HourGrid
        The clock.
    draws : Draws
        Shocks, mixing variable and jumps.
    rng : Generator
        For what happens inside an hour.

    Returns
    -------
    bars : dict of str to DataFrame, each of shape (n_hours, 4)
        `open`, `high`, `low`, `close` in the unit of the series, on all hours.
    volatility : DataFrame, shape (n_sessions, 6)
        Per period: log return, basis points for US10Y.
    """
    names = list(GARCH_MACRO)
    parameters = garch_parameters().loc[names]
    root = np.sqrt(grid.weight)[:, None]
    jumps, mixing = draws.hourly_jumps[names].to_numpy(), draws.mixing[grid.session_day][:, None]
    shocks = root * draws.shocks[names].to_numpy()
    innovations, session_jumps = mixing * session_sums(shocks, grid), session_sums(jumps, grid)
    residuals, volatility = garch_residuals(parameters, innovations, jumps=session_jumps)
    session = np.minimum(grid.session, len(grid.sessions) - 1)  # hours after the last close never become bars
    scale = (volatility * mixing)[session]
    surprises = scale * shocks + jumps
    drift = np.tile(parameters["mu"].to_numpy(), (len(grid.sessions), 1))
    drift[:, names.index("US10Y")] = _yield_drift(residuals[:, names.index("US10Y")])
    moves = surprises + drift[session] * grid.weight[:, None]
    bars = {}
    for i, name in enumerate(names):
        initial = 100.0 * START_LEVELS[name] if name == "US10Y" else np.log(START_LEVELS[name])
        path = initial + np.cumsum(moves[:, i])
        bars[name] = _priced(path, scale[:, i] * root[:, 0], grid, name=name, initial=initial, rng=rng)
    bars["VIX"] = _vix_bars(grid, draws, surprises[:, 0], variance=volatility[session, 0] ** 2, rng=rng)
    order = {name: bars[name] for name in MACRO}
    return order, pd.DataFrame(volatility, index=grid.sessions, columns=names)


def _yield_drift(residuals: np.ndarray) -> np.ndarray:
    """Return the pull of each session towards the long-run yield, in basis points."""
    level, speed = 100.0 * YIELD_REVERSION["level"], YIELD_REVERSION["speed"]
    initial = 100.0 * START_LEVELS["US10Y"] - level
    distance = autoregression(residuals, initial=initial, persistence=1.0 - speed)
    return -speed * np.concatenate([[initial], distance[:-1]])


def _vix_bars(
    grid: HourGrid, draws: Draws, surprises: np.ndarray, *, variance: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Return hourly bars of VIX from the surprises of SPX and a premium of its own."""
    session = np.minimum(grid.session, len(grid.sessions) - 1)
    deviation = VIX_DESIGN["deviation"] * draws.mixing[grid.session_day][session] * np.sqrt(grid.weight)
    shocks = deviation * draws.shocks["VIX"].to_numpy()
    premium = autoregression(session_sums(shocks, grid), initial=0.0, persistence=VIX_DESIGN["persistence"])
    before = np.concatenate([[0.0], premium[:-1]])[session]
    gone = session_to_date(grid.weight, grid)
    now = before * (1.0 - (1.0 - VIX_DESIGN["persistence"]) * gone) + session_to_date(shocks, grid)
    path = vix_path(
        grid,
        garch_parameters().loc["SPX"],
        returns=session_to_date(surprises, grid),
        variance=variance,
        premium=VIX_DESIGN["mean"] + now,
    )
    return _priced(path, deviation, grid, name="VIX", initial=path[0], rng=rng)


def _priced(
    path: np.ndarray, deviation: np.ndarray, grid: HourGrid, *, name: str, initial: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Return hourly open, high, low and close in the unit of the series, rounded to its decimals."""
    before = np.concatenate([[initial], path[:-1]])
    high, low = bridge_extremes(before, path, deviation=deviation, rng=rng)
    levels = pd.DataFrame({"open": before, "high": high, "low": low, "close": path}, index=grid.hours)
    levels = levels / 100.0 if name == "US10Y" else np.exp(levels)
    return levels.round(DECIMALS[name])


def daily_bars(bars: pd.DataFrame, grid: HourGrid, gaps: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """Return daily bars from hourly ones: UTC days for a coin, New York sessions for a macro series.

    Parameters
    ----------
    bars : DataFrame, shape (n_hours, 4 or 5)
        On all hours of the grid.
    grid : HourGrid
        The clock.
    gaps : DataFrame
        `name` and `time` of the bars to leave out.
    name : str
        Catalogue name.

    Returns
    -------
    DataFrame
        The same columns and units, and `close_time` (UTC); read-only.
    """
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    rules = {column: rules[column] for column in bars.columns}
    if name in COINS:
        frame = bars.groupby(grid.days[grid.day]).agg(rules).round({"volume": 1})
        frame["close_time"] = frame.index + pd.Timedelta(days=1)
    else:
        frame = bars[grid.trades].groupby(grid.sessions[grid.session[grid.trades]]).agg(rules)
        frame["close_time"] = grid.closes
    missing = pd.DatetimeIndex(gaps.loc[gaps["name"] == name, "time"])
    return freeze(frame.rename_axis("time").drop(index=missing))


def hourly_bars(
    bars: pd.DataFrame, grid: HourGrid, gaps: pd.DataFrame, *, name: str, start: pd.Timestamp
) -> pd.DataFrame:
    """Return the hourly bars from a time on: all hours for a coin, trading hours for a macro series.

    Parameters
    ----------
    bars : DataFrame, shape (n_hours, 4 or 5)
        On all hours of the grid.
    grid : HourGrid
        The clock.
    gaps : DataFrame
        `name` and `time` of the daily bars whose hours are left out.
    name : str
        Catalogue name.
    start : Timestamp
        First hour, inclusive, UTC.

    Returns
    -------
    DataFrame
        The same columns and units, and `close_time` (UTC); read-only.
    """
    missing = pd.DatetimeIndex(gaps.loc[gaps["name"] == name, "time"])
    keep = (bars.index >= start) & ~bars.index.normalize().isin(missing)
    frame = bars[keep if name in COINS else keep & grid.trades]
    return freeze(frame.assign(close_time=frame.index + pd.Timedelta(hours=1)))
