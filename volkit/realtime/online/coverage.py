"""How a calibrated margin did: exceedance rates with exact intervals, by year or regime, and the worst window."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count
from volkit.errors import DataError
from volkit.validation.multiplicity import holm
from volkit.validation.proportion import exact_interval

__all__ = ["ALL", "LocalGap", "coverage_by_group", "full_years", "local_gap"]

ALL = "all"
_INTERVAL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGap:
    """The windows in which the exceedance rate lay farthest from its target.

    Attributes
    ----------
    window : int
        Scores, missing ones left out.
    above, below : float
        Largest excess and largest shortfall of a window's rate, decimal; NaN when there are fewer scores.
    above_end, below_end : Timestamp or None
        Label of the last score of that window.
    """

    window: int
    above: float
    below: float
    above_end: pd.Timestamp | None
    below_end: pd.Timestamp | None

    @property
    def largest(self) -> float:
        """The larger of the two, decimal."""
        return max(self.above, self.below)


def coverage_by_group(exceeded: pd.Series, groups: pd.Series | None = None, *, confidence: float) -> pd.DataFrame:
    """Return exceedance rates beside their target, overall and by group, with exact binomial tests.

    Parameters
    ----------
    exceeded : Series, shape (n,)
        1, 0, or NaN where there was no score.
    groups : Series, shape (n,), optional
        A label for each row (regime, year) on the same index; a missing label leaves the row out of the groups.
    confidence : float
        Target of the margin.

    Returns
    -------
    DataFrame
        Index ``all`` and the labels; columns `n_obs`, `exceedances` (counts), `rate`, `target`, `lower`, `upper`
        (decimals; exact 95 % interval of the rate), `allowed` (largest count that a right margin exceeds with
        probability at most 5 %), `p_above`, `p_below` (probability of so many, so few) and both after Holm over the
        groups, `p_above_holm` and `p_below_holm` (NaN for ``all``, which is one hypothesis of its own).

    Raises
    ------
    DataError
        When nothing is known, or the labels have another index.

    Examples
    --------
    >>> hits = pd.Series([1.0] * 9 + [0.0] * 991)
    >>> coverage_by_group(hits, confidence=0.995).loc["all", ["rate", "allowed"]].tolist()
    [0.009, 9.0]
    """
    target = 1.0 - check_confidence(confidence)
    known = exceeded.dropna()
    if not len(known):
        raise DataError("exceeded", "must hold a known exceedance", "none", "pass a path with scores")
    rows = {ALL: _row(known, target)}
    if groups is not None:
        if not groups.index.equals(exceeded.index):
            raise DataError(
                "groups", "must have the index of the scores", "another one", "pass groups.reindex(scores.index)"
            )
        rows |= {label: _row(part, target) for label, part in known.groupby(groups.loc[known.index], observed=True)}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    for side in ("p_above", "p_below"):
        frame[f"{side}_holm"] = np.append(np.nan, holm(frame[side].to_numpy()[1:]))
    return frame


def full_years(index: pd.DatetimeIndex) -> pd.Series:
    """Return the year of each label (text) where the labels cover the whole of it, and None elsewhere.

    A year is whole when labels begin in its first two days and end in its last two (UTC).

    Examples
    --------
    >>> full_years(pd.date_range("2019-07-01", "2021-03-01", freq="D", tz="UTC")).dropna().unique().tolist()
    ['2020']
    """
    years = pd.Series(index.year, index=index)
    days = pd.Timedelta("2D")
    whole = {
        year
        for year, labels in index.to_series().groupby(years)
        if labels.min() < pd.Timestamp(year, 1, 1, tz="UTC") + days
        and labels.max() >= pd.Timestamp(year + 1, 1, 1, tz="UTC") - days
    }
    return years.astype(str).where(years.isin(whole))


def local_gap(exceeded: pd.Series, *, confidence: float, window: int = 500) -> LocalGap:
    """Return the largest distance of the exceedance rate from its target over any window of scores.

    Parameters
    ----------
    exceeded : Series, shape (n,)
        1, 0, or NaN where there was no score, by time.
    confidence : float
        Target of the margin.
    window : int
        Scores a window holds.

    Raises
    ------
    ArgumentError
        For a window below one score or a confidence outside 0.5 to 1.

    Examples
    --------
    >>> hits = pd.Series([0.0, 0.0, 1.0, 1.0], index=pd.date_range("2024-01-01", periods=4, tz="UTC"))
    >>> gap = local_gap(hits, confidence=0.5, window=2)
    >>> gap.above, gap.below, gap.above_end.day
    (0.5, 0.5, 4)
    """
    target = 1.0 - check_confidence(confidence)
    width = check_count(window, argument="window", unit="scores")
    known = exceeded.dropna()
    if len(known) < width:
        return LocalGap(window=width, above=np.nan, below=np.nan, above_end=None, below_end=None)
    counts = np.cumsum(np.append(0.0, known.to_numpy()))
    gaps = (counts[width:] - counts[:-width]) / width - target
    ends = known.index[width - 1 :]
    return LocalGap(
        window=width,
        above=float(max(gaps.max(), 0.0)),
        below=float(max(-gaps.min(), 0.0)),
        above_end=ends[int(gaps.argmax())],
        below_end=ends[int(gaps.argmin())],
    )


def _row(exceeded: pd.Series, target: float) -> dict[str, float]:
    from scipy import stats

    n, x = len(exceeded), int(exceeded.sum())
    lower, upper = exact_interval(x, n, coverage=_INTERVAL)
    return {
        "n_obs": n,
        "exceedances": x,
        "rate": x / n,
        "target": target,
        "lower": float(lower),
        "upper": float(upper),
        "allowed": int(stats.binom.ppf(_INTERVAL, n, target)),
        "p_above": float(stats.binom.sf(x - 1, n, target)),
        "p_below": float(stats.binom.cdf(x, n, target)),
    }
