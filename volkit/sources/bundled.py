"""Real series that come with the packages: always there, offline.

S&P 500, Nasdaq Composite, VIX and WTI spot from `arch.data`; one year of Bitcoin in US dollars from the
MIT-licensed package ``@visx/mock-data``, kept in ``data/bundled``.
"""

import hashlib
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from volkit.errors import ArgumentError, SeriesNotFoundError, SourceError
from volkit.resources import data_folder
from volkit.sources.catalogue import Catalogue, Interval, load_catalogue
from volkit.sources.protocol import Bars, Holding, make_bars

__all__ = ["BundledSource"]

_ARCH_SPANS = {
    "SPX": "1999-01-04..2018-12-31, open high low close volume",
    "NASDAQ": "1999-01-04..2018-12-31, open high low close volume",
    "VIX": "2014-01-03..2019-01-03, close, some days missing",
    "WTI_SPOT": "1986-01-02..2019-01-03, close",
}
_ARCH_NAMES = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
    "DCOILWTICO": "close",
    "vix": "close",
}
_BTC_CLOSE_RULE = "07:00 UTC of the labelled date"
_BTC_NOTE = (
    "the package does not say when in the day a value was taken; compared with another feed it lies near 07:00 UTC of "
    "the labelled date, so the close time is an estimate"
)


class BundledSource:
    """Five real daily series, offline.

    Parameters
    ----------
    argument : str, optional
        Not used by this source; anything but None is refused.
    folder : Path, optional
        Folder of the packaged data, the one that comes with volkit by default.

    Raises
    ------
    ArgumentError
        When an argument is given.

    Examples
    --------
    >>> BundledSource().load_bars("SPX").headline
    'SPX 1d, 5031 bars 1999-01-04..2018-12-31, bundled: arch.data.sp500 (arch 8.0.0)'
    """

    name = "bundled"

    def __init__(self, argument: str | None = None, *, folder: Path | None = None) -> None:
        if argument is not None:
            raise ArgumentError("source", "must be 'bundled' alone", f"'bundled:{argument}'", "leave the colon out")
        specs = {s.name: s for s in load_catalogue() if s.ids.bundled}
        self.catalogue = Catalogue(specs)
        self._folder = folder or data_folder()

    def holdings(self) -> tuple[Holding, ...]:
        """Return the five daily series with their spans (UTC dates)."""
        spans = {**_ARCH_SPANS, "BTC": "2016-07-04..2017-07-03, close, taken at about 07:00 UTC (estimated)"}
        return tuple(Holding(s.name, "1d", s.title, spans[s.name]) for s in self.catalogue)

    def load_bars(self, name: str, *, interval: Interval = "1d") -> Bars:
        """Return the daily bars of a series (UTC labels, shape (n_obs, n_columns)).

        Raises
        ------
        SeriesNotFoundError
            When the name or the interval is not there.
        SourceError
            When the file of Bitcoin differs from the manifest.
        """
        if name not in self.catalogue or interval != "1d":
            wanted = name if interval == "1d" else f"{name} {interval}"
            raise SeriesNotFoundError(self.name, (wanted,), tuple(h.name for h in self.holdings()))
        return self._bitcoin() if name == "BTC" else self._from_arch(name)

    def _from_arch(self, name: str) -> Bars:
        spec = self.catalogue[name]
        raw = import_module(f"arch.data.{spec.ids.bundled}").load()
        raw = raw[[c for c in raw.columns if c in _ARCH_NAMES]].rename(columns=_ARCH_NAMES)
        # arch labels sessions by a naive date: a session label, read as 00:00 UTC of that day.
        raw.index = pd.DatetimeIndex(raw.index).tz_localize("UTC")
        return make_bars(
            raw,
            spec,
            interval="1d",
            source=f"bundled: arch.data.{spec.ids.bundled} (arch {version('arch')})",
            licence="distributed with arch (NCSA licence)",
        )

    def _bitcoin(self) -> Bars:
        spec = self.catalogue["BTC"]
        path, listed = self._folder / "bundled" / f"{spec.ids.bundled}.csv", self._folder / "manifest.toml"
        expected = tomllib.loads(listed.read_text(encoding="utf-8"))["bundled"][path.name]["sha256"]
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise SourceError(f"bundled file {path} differs from {listed}; restore it or run data/bundled/rebuild.py.")
        raw = pd.read_csv(path, index_col="time")
        raw.index = pd.DatetimeIndex(pd.to_datetime(raw.index, utc=True)).as_unit("us")
        return make_bars(
            raw,
            spec,
            interval="1d",
            source="bundled: @visx/mock-data 4.0.0, bitcoinPrice",
            close_times=raw.index + pd.Timedelta(hours=7),
            close_rule=_BTC_CLOSE_RULE,
            close_estimated=True,
            licence="MIT (data/bundled/LICENSE-visx-mock-data.txt)",
            notes=(_BTC_NOTE,),
        )
