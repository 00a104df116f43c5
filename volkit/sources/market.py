"""A simulated crypto and macro market with known truth, for tests, examples and work offline.

`simulate_market` draws joint hourly shocks and gives daily and hourly bars of three coins and seven macro
series, together with everything that an estimator would have to find out: GARCH parameters, conditional
volatilities, correlations by era, jumps and gaps. The frozen copy that the source ``simulated`` reads lies in
``data/demo``; the constants are in `volkit.sources.market_design`, the draws in
`market_draws`, the recursions in `market_paths`, and the bars are put together in `market_bars`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.errors import ArgumentError
from volkit.results import ResultDisplay, freeze
from volkit.sources.market_bars import coin_bars, daily_bars, hourly_bars, macro_bars
from volkit.sources.market_design import COINS, DEGREES_OF_FREEDOM, VIX_DESIGN, garch_parameters, target_correlations
from volkit.sources.market_draws import draw_market, split_eras
from volkit.sources.market_paths import HourGrid, overlap_factors

__all__ = ["DEMO_SEED", "GENERATOR_VERSION", "MarketTruth", "SimulatedMarket", "simulate_market"]

# Chosen among four hundred for price levels and largest moves that look familiar, not for how well the truth is found.
DEMO_SEED = 20240878
# Raised whenever the same seed gives other numbers; then data/demo must be rebuilt.
GENERATOR_VERSION = 1
_LEAST_DAYS = 180


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarketTruth(ResultDisplay):
    """What the simulated market was made from.

    Attributes
    ----------
    parameters : DataFrame, shape (9, 9)
        GJR-GARCH-t parameters by asset, see `volkit.sources.market_design.garch_parameters`; crypto per UTC day,
        macro per New York session. VIX has none of its own.
    vix : Mapping of str to float
        Log premium of VIX over the expected volatility: `mean`, `persistence` and `deviation` (shock) per session,
        and `sessions`, how far ahead that expectation looks.
    eras : DataFrame, shape (5, 2)
        `start` (inclusive) and `end` (exclusive) of each era, UTC.
    correlations : Mapping of str to DataFrame, each of shape (10, 10)
        Target correlation by era of daily returns sampled together at the New York close, without jumps. The rows
        of VIX speak of the shock to its premium; the index itself moves closer to SPX.
    overlap_factor : float
        Target over the correlation of the hourly shocks, for one coin and one macro series.
    utc_day_overlap_factor : float
        The same for the coin's UTC-day close of the same date: how far daily bars dilute the correlation.
    volatility : DataFrame, shape (n_days, 9)
        True conditional volatility per period: log return, basis points for US10Y; NaN where no session trades.
    jumps : DataFrame, shape (n_jumps, 10)
        `scope` (``crypto`` or ``joint``) and size by asset: log return, basis points for US10Y, zero where it was not
        hit. Index `time`: open instant of the hour.
    gaps : DataFrame, shape (n_gaps, 2)
        `name` and `time` (label) of the daily bars that were left out, with the hourly ones of the same date.
    synchronous_close : DataFrame, shape (n_sessions, 10)
        Levels of all series at the New York close, without gaps. Index `time`: session date.
    """

    parameters: pd.DataFrame
    vix: Mapping[str, float]
    eras: pd.DataFrame
    correlations: Mapping[str, pd.DataFrame]
    overlap_factor: float
    utc_day_overlap_factor: float
    volatility: pd.DataFrame
    jumps: pd.DataFrame
    gaps: pd.DataFrame
    synchronous_close: pd.DataFrame

    @property
    def headline(self) -> str:
        """Number of assets, eras and jumps in one line."""
        return (
            f"GJR-GARCH-t of {len(self.parameters)} assets, correlations of {len(self.eras)} eras, "
            f"{len(self.jumps)} jumps, {len(self.gaps)} gaps"
        )

    def summary(self) -> pd.DataFrame:
        """Return the GARCH parameters, units in the column labels (basis points for US10Y)."""
        return self.parameters.rename(
            columns={
                "omega": "omega (unit squared per period)",
                "nu": "nu (degrees of freedom)",
                "mu": "mu (unit per period)",
                "annualized_volatility": "annualized volatility (unit, without jumps)",
            }
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SimulatedMarket(ResultDisplay):
    """Bars of a simulated market, and its truth.

    Attributes
    ----------
    daily : Mapping of str to DataFrame
        Bars by catalogue name: `open`, `high`, `low`, `close` in the unit of the series, `volume` (coins) for
        crypto, `close_time` (UTC). Index `time`: UTC days for crypto, New York sessions for macro.
    hourly : Mapping of str to DataFrame
        The same by the hour for the last year; macro in trading hours only.
    truth : MarketTruth
        What the bars were made from.
    seed : int
        Seed of the generator.
    """

    daily: Mapping[str, pd.DataFrame]
    hourly: Mapping[str, pd.DataFrame]
    truth: MarketTruth
    seed: int

    @property
    def headline(self) -> str:
        """Number of series, span and seed in one line."""
        days = self.daily[COINS[0]].index
        return f"SIMULATED, {len(self.daily)} series {days[0].date()}..{days[-1].date()}, seed {self.seed}"

    def summary(self) -> pd.DataFrame:
        """Return number of daily and hourly bars, and first, lowest, highest and last close (unit of the series)."""
        rows = {
            name: {
                "daily bars": len(bars),
                "hourly bars": len(self.hourly[name]),
                "first close": bars["close"].iloc[0],
                "lowest close": bars["close"].min(),
                "highest close": bars["close"].max(),
                "last close": bars["close"].iloc[-1],
            }
            for name, bars in self.daily.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("series (simulated)")


def simulate_market(
    *,
    seed: int = DEMO_SEED,
    start: str | pd.Timestamp = "2015-01-01",
    end: str | pd.Timestamp = "2025-01-01",
    jumps: bool = True,
) -> SimulatedMarket:
    """Return a simulated crypto and macro market whose truth is known.

    Parameters
    ----------
    seed : int
        Not negative. The same seed and span give the same market; 20240878 is the one in ``data/demo``.
    start, end : str or Timestamp
        First UTC day (inclusive) and last (exclusive); at least 180 days. A naive time is read as UTC. A market
        with another span is another market, not a longer or shorter piece of the same one.
    jumps : bool
        Whether the stress days, about twelve in ten years, happen. Without them all else is drawn the same, and
        returns are exactly GJR-GARCH-t; with them a fit finds fatter tails than `nu` says (BTC: 4.2, not 5).

    Returns
    -------
    SimulatedMarket
        Daily bars of ten series, hourly bars of the last year, and the truth.

    Raises
    ------
    ArgumentError
        When the seed is not a whole number from 0, or the span is not one of at least 180 days.

    Notes
    -----
    A coin's log return in UTC day `d` is ``mu + sigma_d m_d sum_h sqrt(1/24) eps_h`` plus jumps; a macro return from
    one New York close to the next is ``mu + sigma_s m_s sum_h sqrt(w_h) eps_h`` plus jumps, with 70 % of the variance
    in trading hours (9:30 to the close, early closes included) and the rest spread over the other hours. The mixing
    variable ``m`` of a day is shared by all assets and makes each innovation a unit-variance Student t; ``sigma``
    follows a GJR-GARCH recursion that jumps enter too. The Gaussian shocks ``eps`` are correlated across assets, with
    one matrix an era. US10Y moves in basis points and reverts to a long-run level. VIX is the annualised volatility of
    SPX expected over 21 sessions times a premium. Not a market to learn economics from: no trend, spread or season.

    Examples
    --------
    >>> market = simulate_market(seed=7, start="2023-01-01", end="2024-01-01")
    >>> market
    <SimulatedMarket: SIMULATED, 10 series 2023-01-01..2023-12-31, seed 7>
    >>> len(market.daily["BTC"]), len(market.daily["SPX"])
    (365, 250)
    """
    first, last = _check_span(start, end)
    rng = np.random.default_rng(check_count(seed, argument="seed", minimum=0, unit="as a seed"))
    grid = HourGrid.between(first, last)
    eras = split_eras(first, last)
    factors = overlap_factors(grid, nu=DEGREES_OF_FREEDOM)
    draws = draw_market(grid, eras, overlap_factor=factors[0], rng=rng)
    draws = draws if jumps else draws.without_jumps()
    coins, coin_volatility = coin_bars(grid, draws, rng=rng)
    macro, macro_volatility = macro_bars(grid, draws, rng=rng)
    hourly = coins | macro
    synchronous = pd.DataFrame({name: bars["close"].to_numpy()[grid.last_hour] for name, bars in hourly.items()})
    truth = MarketTruth(
        parameters=freeze(garch_parameters()),
        vix=dict(VIX_DESIGN),
        eras=eras,
        correlations=dict(zip(eras.index, map(freeze, target_correlations()), strict=True)),
        overlap_factor=factors[0],
        utc_day_overlap_factor=factors[1],
        volatility=freeze(coin_volatility.join(macro_volatility)),
        jumps=freeze(draws.jumps),
        gaps=freeze(draws.gaps),
        synchronous_close=freeze(synchronous.set_index(grid.sessions)),
    )
    recent = max(first, last - pd.DateOffset(years=1))
    return SimulatedMarket(
        daily={name: daily_bars(bars, grid, draws.gaps, name=name) for name, bars in hourly.items()},
        hourly={name: hourly_bars(bars, grid, draws.gaps, name=name, start=recent) for name, bars in hourly.items()},
        truth=truth,
        seed=int(seed),
    )


def _check_span(start: str | pd.Timestamp, end: str | pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    ends = []
    for argument, value in (("start", start), ("end", end)):
        try:
            time = pd.Timestamp(value)
        except ValueError as error:
            raise ArgumentError(argument, "must be a date", repr(value), "write it as YYYY-MM-DD") from error
        if time is pd.NaT or not isinstance(value, (str, pd.Timestamp)):
            raise ArgumentError(argument, "must be a date", repr(value), "write it as YYYY-MM-DD")
        ends.append((time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")).normalize())
    if (ends[1] - ends[0]).days < _LEAST_DAYS:
        got = f"{ends[0].date()} to {ends[1].date()}"
        raise ArgumentError("end", f"must lie at least {_LEAST_DAYS} days after start", got, "pass a longer span")
    return ends[0], ends[1]
