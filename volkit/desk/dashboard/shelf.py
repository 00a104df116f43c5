"""What a source has to offer: assets that can be margined, series to set beside them, and files that cannot be read."""

import numpy as np
import pandas as pd

from volkit.errors import SourceError, VolkitError
from volkit.sources import Bars, PriceSource, SeriesSpec
from volkit.study.words import sentence

__all__ = ["Shelf"]

_PRICES = ("crypto", "index", "fund", "future")
# Sources on this machine are read at once, so that nothing is offered that cannot be shown.
_LOCAL = ("files", "bundled", "simulated")
_NOT_DAILY = ("weekly", "monthly", "release")
# Days with both closes that a correlation in windows of 90 wants, and the longest step that is still a daily one.
_LEAST_PAIRS = 120
_LONGEST_STEP = np.timedelta64(4, "D")
_TWO_YEARS = 2 * 365


class Shelf:
    """The daily series of a source, each loaded once.

    Parameters
    ----------
    source : PriceSource
        From `volkit.open_source`.

    Attributes
    ----------
    source : PriceSource
        As given.
    assets : tuple of SeriesSpec
        What can be margined.
    unreadable : dict of str to str
        Series left out, and why, in a sentence each.

    Raises
    ------
    SourceError
        When it holds no daily prices of anything that can be margined.
    """

    def __init__(self, source: PriceSource) -> None:
        self.source = source
        self.unreadable: dict[str, str] = {}
        self._bars: dict[str, Bars] = {}
        self._is_local = source.name.partition(":")[0] in _LOCAL
        held = {holding.name for holding in source.holdings() if holding.interval == "1d"}
        self._series = tuple(spec for spec in source.catalogue if spec.name in held)
        self.assets: tuple[SeriesSpec, ...] = tuple(
            spec
            for spec in self._series
            if spec.kind in _PRICES and spec.transform == "log" and spec.name != "VIX"
            if not self._is_local or self._is_readable(spec.name)
        )
        if not self.assets:
            raise self._without_prices()

    @property
    def notes(self) -> tuple[str, ...]:
        """Series left out and why, a sentence each."""
        return tuple(f"{name} is left out. {why}" for name, why in self.unreadable.items())

    def bars(self, name: str) -> Bars:
        """Return the daily bars of a series (UTC), loaded once."""
        if name not in self._bars:
            self._bars[name] = self.source.load_bars(name)
        return self._bars[name]

    def first(self) -> str:
        """Return the first asset with two years of prices, else the first that can be read.

        Raises
        ------
        SourceError
            When none can be read.
        """
        readable = []
        for spec in self.assets:
            if self._is_readable(spec.name):
                if len(self.bars(spec.name).frame) >= _TWO_YEARS:
                    return spec.name
                readable.append(spec.name)
        if not readable:
            raise self._without_prices()
        return readable[0]

    def factors(self, asset: str) -> tuple[SeriesSpec, ...]:
        """Return what an asset can be correlated with day by day: macro series, then those of crypto, then crypto."""
        found = [spec for spec in self._series if spec.name != asset and self._meet(asset, spec)]
        return tuple(sorted(found, key=lambda spec: (spec.kind == "crypto", spec.calendar == "24/7")))

    def _meet(self, asset: str, spec: SeriesSpec) -> bool:
        if not self._is_local:
            return spec.calendar not in _NOT_DAILY and spec.name not in self.unreadable
        if not (self._is_readable(asset) and self._is_readable(spec.name)):
            return False
        first, second = (self.bars(name).frame["close"].dropna().index.normalize() for name in (asset, spec.name))
        common = pd.DatetimeIndex(first).intersection(second).unique().sort_values()
        return int((np.diff(common.to_numpy()) <= _LONGEST_STEP).sum()) >= _LEAST_PAIRS

    def _is_readable(self, name: str) -> bool:
        if name in self.unreadable:
            return False
        try:
            self.bars(name)
        except VolkitError as error:
            self.unreadable[name] = sentence(str(error))
            return False
        return True

    def _without_prices(self) -> SourceError:
        words = f"source {self.source.name!r} holds no daily prices; the dashboard needs one price series."
        return SourceError(" ".join([words, *self.notes]))
