"""Closes of many series on one clock; what two of the clocks have in common is `PricePanel.synchrony`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from volkit.errors import ArgumentError
from volkit.prices.quality import GapReport
from volkit.prices.synchrony import Synchrony, synchrony_of
from volkit.results import Provenance, ResultDisplay
from volkit.sources.catalogue import SeriesSpec

__all__ = ["PricePanel"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PricePanel(ResultDisplay):
    """Closes of many series on one clock.

    Attributes
    ----------
    close : DataFrame, shape (n_obs, n_series)
        Closes in each series' unit; NaN where no close lies within the tolerance. Index `time` (UTC): the
        labels of the clock series.
    close_time : DataFrame, shape (n_obs, n_series)
        The instant (UTC) of each close used, NaT where missing.
    clock : str
        Name of the series whose closes set the rows.
    periods_per_year : int
        Rows of this clock in a year: 365 UTC days, 8760 hours, 252 exchange sessions (1764 session hours), 52
        weeks, 12 months.
    specs : mapping of str to SeriesSpec
        Catalogue entries by column.
    gap_report : GapReport
        What was found in the bars, before alignment.
    provenance : Provenance
        Sources and hashes.
    missing_optional : tuple of str
        Optional series that the source does not have.
    """

    close: pd.DataFrame
    close_time: pd.DataFrame
    clock: str
    periods_per_year: int
    specs: Mapping[str, SeriesSpec]
    gap_report: GapReport
    provenance: Provenance
    missing_optional: tuple[str, ...] = ()

    @property
    def mismatch(self) -> pd.DataFrame:
        """Hours from the clock's close to each series' close (positive: later), shape of `close`."""
        clock = self.close_time[self.clock]
        return self.close_time.apply(lambda t: (t - clock) / pd.Timedelta(hours=1))

    @property
    def overlap_share(self) -> pd.Series:
        """Share of the clock's usual period that each series' period has in common with it.

        With news that flows evenly, a true correlation is multiplied by about this share.
        """
        usual_step = self.close_time[self.clock].diff().median() / pd.Timedelta(hours=1)
        return (1.0 - self.mismatch.abs().median() / usual_step).clip(lower=0.0).rename("overlap share")

    def synchrony(self, first: str, second: str) -> Synchrony:
        """Return what the clocks of any two series of the panel have in common.

        Parameters
        ----------
        first, second : str
            Columns of the panel.

        Returns
        -------
        Synchrony
            Overlap share and attenuation (no unit) from the instants of the closes that were paired, so that
            daylight saving and early closes count; the mismatch in hours.

        Raises
        ------
        ArgumentError
            For a name that is not in the panel.
        DataError
            When no two rows in succession have both closes.

        Examples
        --------
        >>> from volkit import load_prices, open_source
        >>> panel = load_prices(open_source("bundled"), ["SPX", "NASDAQ"])
        >>> panel.synchrony("SPX", "NASDAQ").attenuation
        1.0
        """
        for argument, name in (("first", first), ("second", second)):
            if name not in self.close_time.columns:
                known = ", ".join(map(str, self.close_time.columns))
                raise ArgumentError(argument, f"must name one of {known}", repr(name), "choose one of these")
        clocks = (self._clock_words(first), self._clock_words(second))
        return synchrony_of(self.close_time[first], self.close_time[second], clocks=clocks)

    def _clock_words(self, name: str) -> str:
        known = {p.name: p for p in self.provenance.series}
        instants = self.close_time[name].dropna()
        if name != self.clock and (instants == self.close_time.loc[instants.index, self.clock]).all():
            return f"{name} at the close of {self.clock}"
        if (instants == instants.dt.normalize()).all():
            rule = "00:00 UTC"
        else:
            rule = known[name].close_rule if name in known else "close rule unknown"
        return f"{name} at {rule}" + (" (estimated)" if name in known and known[name].close_estimated else "")

    @property
    def as_of(self) -> pd.Timestamp:
        """The last instant (UTC) that any close in the panel was known."""
        return self.close_time.max().max()

    @property
    def headline(self) -> str:
        """Series, rows and clock in one line."""
        span = f"{self.close.index[0].date()}..{self.close.index[-1].date()}"
        return f"{self.close.shape[1]} series, {len(self.close)} rows {span} on the {self.clock} clock"

    def summary(self) -> pd.DataFrame:
        """Return, by series: rows with a price, missing ones, mismatch in hours, overlap share, close rule."""
        mismatch = self.mismatch
        rules = {p.name: p.close_rule + (" (estimated)" if p.close_estimated else "") for p in self.provenance.series}
        return pd.DataFrame(
            {
                "prices": self.close.notna().sum(),
                "missing": self.close.isna().sum(),
                "median mismatch (hours)": mismatch.median().round(2),
                "largest mismatch (hours)": mismatch.abs().max().round(2),
                "overlap share": self.overlap_share.round(3),
                "closes": pd.Series(rules),
            }
        ).loc[list(self.close.columns)]
