"""Amihud's illiquidity: how far a price moves per unit of money traded."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count
from volkit.formatting import length_words, percent_to, time_words
from volkit.impact.bars import VolumeUnit, block_sums, read_bars
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.sources.protocol import Bars

__all__ = ["Illiquidity", "amihud_illiquidity"]

_MILLION = 1e6


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Illiquidity(ResultDisplay):
    """Mean of the absolute return over the money traded.

    Attributes
    ----------
    value : float
        Decimal return per unit of money (currency of the prices).
    low, high : float
        Interval by block bootstrap, same unit.
    confidence : float
        Of the interval.
    by_day : DataFrame
        By UTC day: illiquidity (same unit), money (traded), n_bars.
    step : Timedelta
        Of the bars: the value depends on it.
    n_obs, n_empty : int
        Bars used, and bars without a trade, which are left out.
    block : int
        Bars in a block.
    as_of : Timestamp
        Last bar used, UTC.
    provenance : Provenance
        Of the bars.
    """

    value: float
    low: float
    high: float
    confidence: float
    by_day: pd.DataFrame
    step: pd.Timedelta
    n_obs: int
    n_empty: int
    block: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Value, interval and bars in one line."""
        value, low, high = (x * _MILLION * 1e4 for x in (self.value, self.low, self.high))
        empty = f", {self.n_empty} without a trade left out" if self.n_empty else ""
        return (
            f"{value:,.4g} bp per million traded ({low:,.4g} to {high:,.4g}, {percent_to(self.confidence, 0)}), "
            f"{self.n_obs} bars of {length_words(self.step)}{empty}, {time_words(self.as_of)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the value and its interval in basis points per million of money."""
        names = ("value", "low", "high")
        rows = {f"{name} (bp per million)": getattr(self, name) * _MILLION * 1e4 for name in names}
        return pd.DataFrame({"illiquidity": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the days."""
        return self.by_day


def amihud_illiquidity(
    bars: Bars | pd.DataFrame,
    *,
    volume_unit: VolumeUnit,
    rng: np.random.Generator,
    confidence: float = 0.95,
    block: int | None = None,
    n_bootstrap: int = 2_000,
) -> Illiquidity:
    """Return Amihud's illiquidity of bars, with an interval by block bootstrap.

    Parameters
    ----------
    bars : Bars or DataFrame
        Columns open, close and volume; index of UTC times.
    volume_unit : {"coins", "money"}
        What the volume counts.
    rng : Generator
        For the bootstrap.
    confidence : float
        Of the interval.
    block : int, optional
        Bars in a block; those of a day by default, and at most a tenth of all.
    n_bootstrap : int
        Resamples.

    Returns
    -------
    Illiquidity

    Raises
    ------
    DataError
        For bars that cannot be read, see `read_bars`.
    ArgumentError
        For an unknown unit, a bad confidence, or a block or count below 1.

    Notes
    -----
    ILLIQ = mean of abs(P_close / P_open - 1) / money. It counts every move as impact, news and noise too, and weighs
    quiet bars as busy ones: a bound from above on the impact of a small trade, to rank markets and hours by, and no
    law: the value falls as bars get longer, since moves add up slower than volumes. `fit_impact` gives a law.

    References
    ----------
    .. [1] Amihud (2002), Illiquidity and stock returns, Journal of Financial Markets 5(1), equation 1.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=200, freq="1min", tz="UTC")
    >>> frame = pd.DataFrame({"open": 100.0, "close": [100.1, 99.9] * 100, "volume": 5.0}, index=times)
    >>> found = amihud_illiquidity(frame, volume_unit="coins", rng=np.random.default_rng(1))
    >>> round(found.value * 1e6, 6)
    2.000002
    """
    check_confidence(confidence)
    read = read_bars(bars, volume_unit=volume_unit)
    traded = read.is_traded
    ratios = np.abs(np.expm1(read.moves[traded])) / read.money[traded]
    n = len(ratios)
    width = block_of(read.step, n) if block is None else check_count(block, argument="block", unit="bars")
    draws = check_count(n_bootstrap, argument="n_bootstrap", unit="resamples")
    means = block_sums(ratios[None, :], block=min(width, n), n_draws=draws, rng=rng)[:, 0] / n
    low, high = np.quantile(means, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    times = read.times[traded]
    table = pd.DataFrame({"illiquidity": ratios, "money": read.money[traded], "n_bars": 1}, index=times)
    days = table.groupby(times.floor("1D")).agg({"illiquidity": "mean", "money": "sum", "n_bars": "sum"})
    return Illiquidity(
        value=float(ratios.mean()),
        low=float(low),
        high=float(high),
        confidence=confidence,
        by_day=freeze(days),
        step=read.step,
        n_obs=n,
        n_empty=int((~traded).sum()),
        block=min(width, n),
        as_of=times[-1],
        provenance=read.provenance,
    )


def block_of(step: pd.Timedelta, n_obs: int) -> int:
    """Return the bars of a day, at least 1 and at most a tenth of all.

    Examples
    --------
    >>> block_of(pd.Timedelta("1min"), 45_000)
    1440
    """
    return int(max(1, min(pd.Timedelta("1D") / step, n_obs // 10)))
