"""The source ``live``: the store first, then the network.

``live`` pulls what is missing or out of date; ``live:offline`` never asks the network and says what is missing
or stale; a venue may be named too, as in ``live:kraken`` or ``live:kraken,offline``.
"""

import warnings

import pandas as pd

from volkit.errors import DataQualityWarning, SeriesNotFoundError
from volkit.sources.catalogue import STEPS, Interval, SeriesSpec, load_catalogue
from volkit.sources.feeds import Feeds
from volkit.sources.protocol import Bars, Holding, make_bars
from volkit.store.errors import DamagedFileError, OfflineError
from volkit.store.holdings import StoredSeries
from volkit.store.keys import SeriesKey
from volkit.store.pull import key_of_series, pull_series
from volkit.store.store import Store

__all__ = ["FIRST_LABEL", "LiveSource"]

# How far back a first pull asks. Venues that begin later say so in the coverage.
FIRST_LABEL = pd.Timestamp("2015-01-01", tz="UTC")


class LiveSource:
    """Series from the store, brought up to date over the network unless that is forbidden.

    Parameters
    ----------
    argument : str, optional
        ``offline``, the name of an exchange, or both with a comma between.
    store : Store, optional
        The user's own by default.
    feeds : Feeds, optional
        The clients.

    Examples
    --------
    >>> LiveSource("kraken,offline").name
    'live:kraken,offline'
    """

    def __init__(self, argument: str | None = None, *, store: Store | None = None, feeds: Feeds | None = None) -> None:
        words = [word.strip() for word in (argument or "").split(",") if word.strip()]
        self.name = "live" + (f":{','.join(words)}" if words else "")
        self.is_offline = "offline" in words
        self._venue = next((word for word in words if word != "offline"), "binance")
        self._store = store or Store()
        self._feeds = feeds or Feeds()
        self.catalogue = load_catalogue()

    def __repr__(self) -> str:
        reach = "the store alone" if self.is_offline else "the store, completed from the network"
        return f"<LiveSource: {self.name}, {self._venue}, {reach}>"

    def holdings(self) -> tuple[Holding, ...]:
        """Return what can be loaded: every series that a client has, or offline what the store holds."""
        held = set(self._store.keys())
        found = []
        for spec in self.catalogue:
            for interval in STEPS:
                key = self._key(spec, interval)
                if key is not None and (key in held or not self.is_offline):
                    found.append(Holding(spec.name, interval, spec.title, f"{key}{', held' if key in held else ''}"))
        return tuple(found)

    def load_bars(self, name: str, *, interval: Interval = "1d") -> Bars:
        """Return the bars of a series (UTC), pulled first when the store lacks the newest.

        Raises
        ------
        SeriesNotFoundError
            When no client has the series at this interval.
        OfflineError
            When the network is forbidden and the store does not hold it.
        DamagedFileError
            When the network is forbidden and the stored file is damaged.
        SourceError
            When a pull fails.

        Warns
        -----
        DataQualityWarning
            When the network is forbidden and newer bars must exist; when a damaged file was moved aside and
            the series pulled again.
        """
        spec = self.catalogue[name]
        key = self._key(spec, interval)
        if key is None:
            raise SeriesNotFoundError(self.name, (f"{name} {interval}",), tuple(h.name for h in self.holdings()))
        stored = self._stored(key)
        if stored is None and self.is_offline:
            raise OfflineError((f"{name} ({key})",), ())
        if stored is None or self._is_stale(stored, spec, interval):
            if self.is_offline and stored is not None:
                warnings.warn(
                    f"{name} ends {stored.frame.index[-1].date()} in the store, pulled {stored.as_of:%Y-%m-%d %H:%M} "
                    "UTC; newer bars exist and the network is not asked (offline).",
                    DataQualityWarning,
                    stacklevel=2,
                )
            else:
                since = FIRST_LABEL if stored is None else stored.asked["first"].min()
                pull_series(
                    spec, store=self._store, feeds=self._feeds, since=since, interval=interval, venue=self._venue
                )
                stored = self._store.read(key)
        return _bars(stored, spec, interval)

    def _key(self, spec: SeriesSpec, interval: Interval) -> SeriesKey | None:
        return key_of_series(spec, interval=interval, venue=self._venue)

    def _stored(self, key: SeriesKey) -> StoredSeries | None:
        try:
            return self._store.read(key)
        except SeriesNotFoundError:
            return None
        except DamagedFileError as damage:
            if self.is_offline:
                raise
            # It was moved aside with its reason; the whole history is pulled again.
            warnings.warn(str(damage), DataQualityWarning, stacklevel=3)
            return None

    def _is_stale(self, stored: StoredSeries, spec: SeriesSpec, interval: Interval) -> bool:
        step, now = STEPS[interval], self._feeds.now()
        labels = pd.date_range(stored.frame.index[-1] + step, now, freq=step, unit="us")
        if spec.calendar != "24/7":
            labels = labels[labels.day_of_week < 5]
        closes = spec.close_times(labels, interval)
        return bool(((closes > stored.as_of) & (closes <= now)).any())


def _bars(stored: StoredSeries, spec: SeriesSpec, interval: Interval) -> Bars:
    notes = [f"{len(stored.revisions)} revised values"] if len(stored.revisions) else []
    if stored.n_missing:
        notes.append(f"{stored.n_missing} bars missing at the venue")
    if "price_kind" in stored.metadata:
        notes.append(f"price: {stored.metadata['price_kind']}")
    return make_bars(stored.frame, spec, interval=interval, source=f"live: {stored.key}", notes=notes)
