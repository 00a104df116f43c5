"""Which client brings a series over the network, and the clients behind one call."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import pandas as pd

from volkit.sources.catalogue import Interval, SeriesSpec
from volkit.sources.exchange import ExchangeClient
from volkit.sources.fred import FredClient
from volkit.sources.pulling.coverage import Pulled
from volkit.sources.yahoo import YahooClient

if TYPE_CHECKING:
    import requests

__all__ = ["Feeds", "Route", "route_of"]

_PUBLISHED = ("yield", "rate", "level")


class Route(NamedTuple):
    """Where a series comes from: client, venue (an exchange, or nothing) and the venue's own symbol."""

    client: Literal["exchange", "yahoo", "fred"]
    venue: str
    symbol: str


def route_of(spec: SeriesSpec, *, interval: Interval = "1d", venue: str = "binance") -> Route | None:
    """Return where a series comes from, or None when no client has it.

    Parameters
    ----------
    spec : SeriesSpec
        The catalogue entry; its ids decide.
    interval : {"1d", "1h", "1m"}
        Below a day only exchanges have bars.
    venue : str
        Exchange of crypto series.

    Returns
    -------
    Route or None
        Crypto comes from the exchange, published values from FRED, the rest from Yahoo (no unit).

    Examples
    --------
    >>> from volkit.sources.catalogue import load_catalogue
    >>> tuple(route_of(load_catalogue()["US10Y"]))
    ('fred', '', 'DGS10')
    """
    ids = spec.ids
    if spec.kind == "crypto" and ids.ccxt:
        return Route("exchange", venue, ids.ccxt)
    if interval != "1d":
        return None
    if ids.fred and (spec.kind in _PUBLISHED or not ids.yahoo):
        return Route("fred", "", ids.fred)
    return Route("yahoo", "", ids.yahoo) if ids.yahoo else None


@dataclass(frozen=True, slots=True)
class Feeds:
    """The clients, with the session, clock and patience that they share.

    Attributes
    ----------
    session : requests.Session, optional
        Carries every request; each client's own by default.
    now : callable
        The present instant (UTC).
    sleep : callable
        Waits for a number of seconds before a repetition.
    rate_limit : bool
        Whether exchange requests are spaced as the venue asks.
    """

    session: "requests.Session | None" = None
    now: Callable[[], pd.Timestamp] = field(default=lambda: pd.Timestamp.now("UTC"))
    sleep: Callable[[float], None] = time.sleep
    rate_limit: bool = True

    def pull(self, route: Route, spec: SeriesSpec, *, start: pd.Timestamp, interval: Interval = "1d") -> Pulled:
        """Return the closed bars of a series from `start` (UTC) to now.

        Raises
        ------
        SourceError
            When the client cannot bring them; says why and what to do.
        """
        if route.client == "exchange":
            exchange = ExchangeClient(
                route.venue, session=self.session, now=self.now, sleep=self.sleep, rate_limit=self.rate_limit
            )
            return exchange.pull_bars(route.symbol, interval=interval, start=start)
        if route.client == "fred":
            fred = FredClient(session=self.session, now=self.now, sleep=self.sleep)
            return fred.pull_bars(route.symbol, start=start)
        yahoo = YahooClient(session=self.session, now=self.now, sleep=self.sleep)
        return yahoo.pull_bars(route.symbol, start=start, calendar=_yahoo_calendar(spec))


def _yahoo_calendar(spec: SeriesSpec) -> Literal["XNYS", "weekdays", "24/7"]:
    if spec.calendar == "24/7":
        return "24/7"
    return "XNYS" if spec.calendar == "XNYS" else "weekdays"
