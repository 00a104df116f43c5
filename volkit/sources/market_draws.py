"""The random draws of the simulated market: shocks, mixing variable, jumps and gaps."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from volkit.sources.market_design import (
    COINS,
    DEGREES_OF_FREEDOM,
    GAP_COUNTS,
    GARCH_ASSETS,
    JUMP_RANGES,
    JUMPS_PER_YEAR,
    MACRO,
    N_ERAS,
    target_correlations,
)
from volkit.sources.market_paths import HOURS_PER_DAY, HourGrid

__all__ = ["Draws", "draw_market", "split_eras"]

_QUIET_START = 60  # days without a jump or a gap, so that short estimates have something ordinary to begin with


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Draws:
    """Everything random that the bars are made from, but for what happens inside an hour.

    Attributes
    ----------
    shocks : DataFrame, shape (n_hours, 10)
        Standard normals, correlated across series.
    mixing : ndarray, shape (n_days,)
        Scale of the day, shared by all assets, which makes the innovations Student t of unit variance.
    jumps : DataFrame, shape (n_jumps, 10)
        `scope` and size by asset: log return, basis points for US10Y. Index `time`: open instant of the hour.
    gaps : DataFrame, shape (n_gaps, 2)
        `name` and `time` of the daily bars to leave out.
    """

    shocks: pd.DataFrame
    mixing: np.ndarray
    jumps: pd.DataFrame
    gaps: pd.DataFrame

    @property
    def hourly_jumps(self) -> pd.DataFrame:
        """Jumps on every hour of the grid, zero where there is none, shape (n_hours, 9)."""
        return self.jumps[list(GARCH_ASSETS)].reindex(self.shocks.index, fill_value=0.0)

    def without_jumps(self) -> "Draws":
        """Return the same draws with an empty table of jumps, shape (0, 10)."""
        return replace(self, jumps=self.jumps.iloc[:0])


def split_eras(first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Return five eras of equal length in whole months; the last takes what is left.

    Parameters
    ----------
    first, last : Timestamp
        First day (inclusive) and last (exclusive), UTC.

    Returns
    -------
    DataFrame, shape (5, 2)
        `start` (inclusive) and `end` (exclusive), UTC, indexed by ``era 1`` to ``era 5``.

    Examples
    --------
    >>> eras = split_eras(pd.Timestamp("2015-01-01", tz="UTC"), pd.Timestamp("2025-01-01", tz="UTC"))
    >>> str(eras.loc["era 2", "start"].date())
    '2017-01-01'
    """
    months = (last.year - first.year) * 12 + last.month - first.month
    starts = [first + pd.DateOffset(months=months * era // N_ERAS) for era in range(N_ERAS)]
    names = pd.Index([f"era {era + 1}" for era in range(N_ERAS)], name="era")
    return pd.DataFrame({"start": starts, "end": [*starts[1:], last]}, index=names)


def draw_market(grid: HourGrid, eras: pd.DataFrame, *, overlap_factor: float, rng: np.random.Generator) -> Draws:
    """Return the draws for a grid of hours.

    Parameters
    ----------
    grid : HourGrid
        The clock.
    eras : DataFrame, shape (5, 2)
        From `split_eras`.
    overlap_factor : float
        By which the crypto-macro targets are divided to give correlations of hourly shocks.
    rng : Generator
        Source of all draws.

    Returns
    -------
    Draws
        Shocks and jumps by hour, mixing variable by day.

    Examples
    --------
    >>> ends = pd.Timestamp("2023-01-01", tz="UTC"), pd.Timestamp("2024-01-01", tz="UTC")
    >>> grid = HourGrid.between(*ends)
    >>> draws = draw_market(grid, split_eras(*ends), overlap_factor=0.8, rng=np.random.default_rng(1))
    >>> draws.shocks.shape
    (8760, 10)
    """
    nu = DEGREES_OF_FREEDOM
    jumps = _draw_jumps(grid, eras, rng=rng)
    return Draws(
        jumps=jumps,
        gaps=_draw_gaps(grid, jumps, rng=rng),
        mixing=np.sqrt((nu - 2.0) / rng.chisquare(nu, len(grid.days))),
        shocks=_draw_shocks(grid, eras, overlap_factor=overlap_factor, rng=rng),
    )


def _draw_jumps(grid: HourGrid, eras: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Return jumps, one in each of equal blocks of days; in the first era crypto jumps alone."""
    n_days = len(grid.days)
    n_jumps = max(1, round(JUMPS_PER_YEAR * n_days / 365.25))
    edges = np.linspace(_QUIET_START, n_days, n_jumps + 1).astype(int)
    rows = {}
    for day in rng.integers(edges[:-1], edges[1:]):
        trading = np.flatnonzero(grid.trades & (grid.day == day))
        is_joint = len(trading) > 0 and grid.days[day] >= eras["start"].iloc[1]
        hour = rng.choice(trading) if is_joint else day * HOURS_PER_DAY + rng.integers(HOURS_PER_DAY)
        # Mild jumps are commoner than severe ones, and assets agree on the severity but for some noise.
        severity = np.clip(rng.beta(1.0, 2.0) + 0.1 * rng.standard_normal(len(GARCH_ASSETS)), 0.0, 1.0)
        sizes = {name: _jump_size(name, s) for name, s in zip(GARCH_ASSETS, severity, strict=True)}
        hit = {name: size if is_joint or name in COINS else 0.0 for name, size in sizes.items()}
        rows[grid.hours[hour]] = {"scope": "joint" if is_joint else "crypto", **hit}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("time")


def _jump_size(name: str, severity: float) -> float:
    mild, severe = JUMP_RANGES[name]
    size = mild + (severe - mild) * severity
    return float(size if name == "US10Y" else np.log1p(size))


def _draw_gaps(grid: HourGrid, jumps: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    # Never on or beside a jump: a gap there would hide it.
    days = jumps.index.normalize()
    around = days.union(days + pd.Timedelta(days=1)).union(days - pd.Timedelta(days=1))
    rows = []
    for name, count in GAP_COUNTS.items():
        labels = grid.days if name in COINS else grid.sessions
        ordinary = labels[(labels >= grid.days[_QUIET_START]) & (labels < labels[-1])].difference(around)
        rows += [{"name": name, "time": ordinary[i]} for i in sorted(rng.choice(len(ordinary), count, replace=False))]
    return pd.DataFrame(rows)


def _draw_shocks(
    grid: HourGrid, eras: pd.DataFrame, *, overlap_factor: float, rng: np.random.Generator
) -> pd.DataFrame:
    shocks = rng.standard_normal((len(grid.session), len(COINS) + len(MACRO)))
    for (_, era), matrix in zip(eras.iterrows(), target_correlations(overlap_factor=overlap_factor), strict=True):
        within = (grid.hours >= era["start"]) & (grid.hours < era["end"])
        shocks[within] = shocks[within] @ np.linalg.cholesky(matrix.to_numpy()).T
    return pd.DataFrame(shocks, columns=[*COINS, *MACRO], index=grid.hours)
