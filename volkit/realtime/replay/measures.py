"""What one margin did along blocks: coverage, shortfall episodes, capital and procyclicality."""

import numpy as np
import pandas as pd

from volkit.margin.procyclicality import procyclicality_metrics
from volkit.realtime.online import coverage_by_group, local_gap

__all__ = ["block_regimes", "measure_margin", "shortfall_episodes"]

REGIMES = ("calm", "usual", "wild")


def shortfall_episodes(margin: pd.Series, loss: pd.Series) -> pd.DataFrame:
    """Return runs of successive blocks whose loss exceeded the margin.

    Parameters
    ----------
    margin, loss : Series, shape (n_blocks,)
        Fractions of the notional, by start (UTC); a NaN loss ends a run.

    Returns
    -------
    DataFrame
        One row a run: `first`, `last` (starts of its blocks), `n_blocks`, `depth` (largest loss less margin) and
        `shortfall` (their sum), decimals.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=4, freq="8h", tz="UTC")
    >>> loss = pd.Series([0.1, 0.25, 0.0, 0.3], index=times)
    >>> shortfall_episodes(pd.Series(0.08, index=times), loss)[["n_blocks", "depth"]].round(2).values.tolist()
    [[2.0, 0.17], [1.0, 0.22]]
    """
    excess = (loss - margin).to_numpy()
    beyond = excess > 0.0
    run = np.cumsum(np.append(beyond[:1], beyond[1:] & ~beyond[:-1]))[beyond]
    table = pd.DataFrame({"start": margin.index[beyond], "excess": excess[beyond], "run": run})
    grouped = table.groupby("run")
    return pd.DataFrame(
        {
            "first": grouped["start"].min(),
            "last": grouped["start"].max(),
            "n_blocks": grouped.size(),
            "depth": grouped["excess"].max(),
            "shortfall": grouped["excess"].sum(),
        }
    ).reset_index(drop=True)


def measure_margin(
    margin: pd.Series,
    loss: pd.Series,
    *,
    target: float,
    groups: pd.Series,
    per_day: int,
    window: int,
) -> tuple[dict[str, float], pd.DataFrame, pd.DataFrame]:
    """Return the measures of one margin, its coverage by group, and its shortfall episodes.

    Parameters
    ----------
    margin, loss : Series, shape (n_blocks,)
        Fractions of the notional, by start (UTC).
    target : float
        Exceedance rate aimed at, decimal.
    groups : Series, shape (n_blocks,)
        Years, regimes or both have their own calls.
    per_day : int
        Blocks a day.
    window : int
        Blocks of the local gap.
    """
    confidence = 1.0 - target
    exceeded = (loss > margin).astype("float64").where(loss.notna())
    coverage = coverage_by_group(exceeded, groups, confidence=confidence)
    gap = local_gap(exceeded, confidence=confidence, window=window)
    episodes = shortfall_episodes(margin, loss)
    spans = [n for n in dict.fromkeys((1, per_day, 5 * per_day)) if n < len(margin)]
    cyclical = procyclicality_metrics(margin.to_numpy(), horizons=spans)
    overall = coverage.loc["all"]
    measures = {
        "blocks": overall["n_obs"],
        "exceedances": overall["exceedances"],
        "rate": overall["rate"],
        "allowed": overall["allowed"],
        "p_above": overall["p_above"],
        "p_below": overall["p_below"],
        "gap_above": gap.above,
        "gap_below": gap.below,
        "episodes": float(len(episodes)),
        "longest_episode": float(episodes["n_blocks"].max()) if len(episodes) else 0.0,
        "deepest": float(episodes["depth"].max()) if len(episodes) else 0.0,
        "shortfall": float(episodes["shortfall"].sum()),
        "mean_margin": float(margin.mean()),
        "exceedances_of_mean": float((loss > margin.mean()).sum()),
        "peak_to_trough": cyclical.peak_to_trough,
        "largest_rise": float(cyclical.rises["largest"].iloc[0]),
        "largest_rise_day": float(cyclical.rises["largest"].get(per_day, np.nan)),
    }
    return measures, coverage, episodes


def block_regimes(close: pd.Series, starts: pd.DatetimeIndex, *, lookback: pd.Timedelta) -> pd.Series:
    """Return calm, usual or wild for each block, by the thirds of the trailing volatility known at its start.

    Parameters
    ----------
    close : Series
        Prices by the instant at which they were known (UTC).
    starts : DatetimeIndex, shape (n_blocks,)
        Starts of the blocks.
    lookback : Timedelta
        Over which squared returns are averaged.

    Returns
    -------
    Series of str, shape (n_blocks,)
        The thirds are those of all blocks: they describe the past and are no forecast. None where the lookback is not
        filled.
    """
    squares = close.pct_change() ** 2
    trailing = squares.rolling(lookback).mean()
    trailing[trailing.index < close.index[0] + lookback] = np.nan
    known = trailing.reindex(starts, method="ffill")
    if known.notna().sum() < len(REGIMES):
        return pd.Series(None, index=starts, dtype="object")
    thirds = np.searchsorted(known.quantile([1 / 3, 2 / 3]).to_numpy(), known.to_numpy(), side="right")
    return pd.Series(np.array(REGIMES, dtype=object)[np.minimum(thirds, 2)], index=starts).where(known.notna())
