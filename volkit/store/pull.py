"""One pull of a series into the store: the last bars again, and what is new."""

from dataclasses import dataclass, replace

import pandas as pd

from volkit.errors import SourceError
from volkit.sources.catalogue import Interval, SeriesSpec
from volkit.sources.feeds import Feeds, route_of
from volkit.sources.pulling.coverage import Coverage
from volkit.store.errors import DamagedFileError
from volkit.store.holdings import UpdateReport
from volkit.store.keys import SeriesKey
from volkit.store.store import Store

__all__ = ["PullOutcome", "key_of_series", "pull_series"]


@dataclass(frozen=True, slots=True)
class PullOutcome:
    """What one pull brought, and what it did to the store.

    Attributes
    ----------
    name : str
        Catalogue name.
    coverage : Coverage
        Asked and got.
    update : UpdateReport
        Added, revised, held.
    remark : str
        What happened on the way: a damaged file moved aside.
    """

    name: str
    coverage: Coverage
    update: UpdateReport
    remark: str = ""


def key_of_series(spec: SeriesSpec, *, interval: Interval = "1d", venue: str = "binance") -> SeriesKey | None:
    """Return under which key a series is stored, or None when no client has it.

    Parameters and choice as in `volkit.sources.feeds.route_of` (no unit).

    Examples
    --------
    >>> from volkit.sources.catalogue import load_catalogue
    >>> print(key_of_series(load_catalogue()["BTC"], interval="1h"))
    exchange binance BTC/USDT 1h bars
    """
    route = route_of(spec, interval=interval, venue=venue)
    return None if route is None else SeriesKey(route.client, route.venue, route.symbol, interval)


def pull_series(
    spec: SeriesSpec,
    *,
    store: Store,
    feeds: Feeds,
    since: pd.Timestamp,
    interval: Interval = "1d",
    venue: str = "binance",
) -> PullOutcome:
    """Bring a series up to date in the store: its last ten bars are fetched again, and what is new.

    Parameters
    ----------
    spec : SeriesSpec
        The catalogue entry.
    store : Store
        Where the bars are kept.
    feeds : Feeds
        Where they come from.
    since : Timestamp
        First label (UTC) wanted when nothing is held, or when nobody asked so far back yet.
    interval : {"1d", "1h", "1m"}
        Step of the bars.
    venue : str
        Exchange of crypto series.

    Returns
    -------
    PullOutcome
        Coverage of the pull, and bars added and revised.

    Raises
    ------
    SourceError
        When no client has the series or the pull fails; what is held stays as it was.
    """
    route = route_of(spec, interval=interval, venue=venue)
    if route is None:
        raise SourceError(f"no client brings {spec.name} at {interval}; bring it as a file with files:FOLDER.")
    key = SeriesKey(route.client, route.venue, route.symbol, interval)
    remark = ""
    try:
        start = _start(store, key, since)
    except DamagedFileError as damage:
        # It was moved aside with its reason; the whole history is asked for again.
        remark, start = str(damage), since
    pulled = feeds.pull(route, spec, start=start, interval=interval)
    # Yahoo and FRED say who publishes a series, which is not part of its key and may change its spelling.
    words = {**pulled.metadata, "publisher": pulled.metadata.get("venue", ""), "venue": key.venue}
    pulled = replace(pulled, metadata=words)
    return PullOutcome(spec.name, pulled.coverage, store.update(key, pulled), remark)


def _start(store: Store, key: SeriesKey, since: pd.Timestamp) -> pd.Timestamp:
    again = store.refetch_from(key)
    if again is None or since < store.read(key).asked["first"].min():
        return since
    return again
