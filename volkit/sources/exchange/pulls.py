"""From an open connection to a `Pulled`: walk the span, check the grid, report what is missing."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pandas as pd

from volkit.errors import SourceError
from volkit.parallel import progress
from volkit.sources.exchange.connection import Connection
from volkit.sources.exchange.funding import expected_payments, per_eight_hours
from volkit.sources.pulling.coverage import Pulled
from volkit.sources.pulling.span import Span, cover, make_frame
from volkit.sources.pulling.windows import RawRow, Walk, Windows, tidy_page

__all__ = ["Ask", "describe_market", "pull_grid", "pull_payments"]

Ask = Callable[[int, int], Sequence[RawRow]]

_MS = pd.Timedelta(milliseconds=1)
_HOUR = 3_600_000
_MINUTE = 60_000
# A venue states its time in whole seconds, and an answer may be a few seconds old when it comes.
_SAME_TIME = pd.Timedelta(seconds=5)
_TRUSTED = pd.Timedelta(days=1)


def describe_market(market: Mapping[str, Any], interval: str) -> dict[str, str]:
    """Return what a reader must know of a market: symbol, kind, interval, unit, contract size.

    Examples
    --------
    >>> describe_market({"symbol": "BTC/USDT", "type": "spot", "quote": "USDT", "id": "BTCUSDT"}, "1d")["unit"]
    'USDT'
    """
    facts = {
        "symbol": str(market["symbol"]),
        "venue_symbol": str(market["id"]),
        "market": str(market["type"]),
        "interval": interval,
        "unit": str(market["quote"]),
    }
    if market.get("contractSize"):
        facts["contract_size"] = str(market["contractSize"])
    return facts


def pull_grid(
    connection: Connection, ask: Ask, *, span: Span, limit: int, columns: Sequence[str], facts: Mapping[str, str]
) -> Pulled:
    """Return rows whose labels lie on the UTC grid of the span's step.

    Parameters
    ----------
    connection : Connection
        To the venue.
    ask : callable
        Takes first and last ms (both inclusive), returns rows of time and values.
    span : Span
        What is asked for.
    limit : int
        Rows of one answer at most.
    columns : sequence of str
        Names of the values.
    facts : mapping of str to str
        Goes into the metadata.

    Raises
    ------
    SourceError
        When the venue fails, its labels leave the grid, or nothing came although rows are expected.
    """
    what = f"{facts['symbol']} {facts['price_kind']} {facts['interval']}"
    step = int(span.step // _MS)
    windows = Windows(stride=step, tolerance=step, width=step * limit, limit=limit)
    walk, retries = _walk(connection, ask, span=span, windows=windows, what=what)
    span, behind = _by_the_venues_clock(connection, span)
    expected = span.labels
    received = make_frame(walk, columns)
    off = received.index[received.index != received.index.floor(span.step)]
    if len(off):
        raise SourceError(
            f"{connection.venue}, asked for {what}, labels rows at {off[0]:%Y-%m-%d %H:%M:%S} UTC, not on the "
            f"UTC grid of {facts['interval']}: its days begin at another hour; choose another venue, or pull 1h bars."
        )
    frame = span.keep(received)
    if frame.empty and len(expected):
        raise _nothing_came(connection, walk, span=span, what=what)
    coverage = cover(span, frame.index, walk, expected=expected, retries=retries, venue=connection.venue)
    coverage = replace(coverage, remarks=(*coverage.remarks, *behind))
    return Pulled(frame=frame, coverage=coverage, metadata=_metadata(connection, facts))


def _by_the_venues_clock(connection: Connection, span: Span) -> tuple[Span, tuple[str, ...]]:
    """Return the span as of the venue's own time where this computer's clock runs ahead of it, and a remark.

    Else the bar that is still open at the venue would count as closed.
    """
    sent = connection.venue_time
    if sent is None or span.as_of - sent <= _SAME_TIME:
        return span, ()
    ahead = span.as_of - sent
    if ahead > _TRUSTED:
        raise SourceError(
            f"{connection.venue} says that it is {sent:%Y-%m-%d %H:%M} UTC, this computer {span.as_of:%Y-%m-%d %H:%M}: "
            "which bars have closed cannot be told; set this computer's clock, or look at what stands in between."
        )
    words = f"this computer's clock is {ahead.total_seconds():.0f} s ahead of {connection.venue}'s, which decided"
    return replace(span, as_of=sent), (f"{words} which bars have closed",)


def pull_payments(
    connection: Connection, ask: Ask, *, span: Span, limit: int, stated: set[str], facts: Mapping[str, str]
) -> Pulled:
    """Return funding payments, which come at the venue's own intervals, per eight hours.

    Parameters
    ----------
    connection : Connection
        To the venue.
    ask : callable
        Takes first and last ms (both inclusive), returns rows of time and rate.
    span : Span
        What is asked for; its step is the minute.
    limit : int
        Rows of one answer at most.
    stated : set of str
        Filled by `ask` with the intervals that the venue states for its rates, e.g. ``8h``.
    facts : mapping of str to str
        Goes into the metadata.

    Raises
    ------
    SourceError
        When the venue fails or nothing came.
    """
    what = f"{facts['symbol']} {facts['price_kind']}"
    windows = Windows(
        stride=_MINUTE,
        tolerance=_HOUR,
        width=8 * _HOUR * limit,
        limit=limit,
    )
    walk, retries = _walk(connection, _to_the_minute(ask), span=span, windows=windows, what=what)
    rates = span.keep(make_frame(walk, ("rate",)))["rate"]
    if rates.empty:
        raise _nothing_came(connection, walk, span=span, what=what)
    # A rate covers the interval that the venue states, where it states one.
    hours = pd.Timedelta(next(iter(stated))) / pd.Timedelta(hours=1) if len(stated) == 1 else None
    frame = per_eight_hours(rates, stated_hours=hours)
    expected = expected_payments(frame.index, frame["interval_hours"].to_numpy(), first=span.first, end=span.closed_end)
    coverage = cover(span, frame.index, walk, expected=expected, retries=retries, venue=connection.venue)
    spoken = ", ".join(f"{h:g}" for h in sorted(frame["interval_hours"].unique()))
    metadata = _metadata(connection, {**facts, "unit": "decimal per 8 hours", "funding_interval_hours": spoken})
    return Pulled(frame=frame, coverage=coverage, metadata=metadata)


def _to_the_minute(ask: Ask) -> Ask:
    # Payments are stamped some ms beside their minute: asked for with a margin, labelled by the minute.
    def rounded(first: int, last: int) -> Sequence[RawRow]:
        rows = ask(first - _MINUTE, last + _MINUTE)
        return [(None if time is None else round(time / _MINUTE) * _MINUTE, *values) for time, *values in rows]

    return rounded


def _walk(connection: Connection, ask: Ask, *, span: Span, windows: Windows, what: str) -> tuple[Walk, int]:
    before = connection.retries
    start, end = span.bounds_ms
    walk = Walk(
        ask=lambda first, last: connection.call(lambda: tidy_page(ask(first, last)), what=what),
        start=start,
        end=end,
        windows=windows,
    )
    total = math.ceil(max(end - start, 0) / windows.width)
    for _ in progress(walk.steps(), label=f"{connection.venue} {what}", total=total):
        pass
    return walk, connection.retries - before


def _nothing_came(connection: Connection, walk: Walk, *, span: Span, what: str) -> SourceError:
    pages = "1 page" if walk.pages == 1 else f"{walk.pages} pages"
    return SourceError(
        f"{connection.venue}, asked for {what} from {span.first:%Y-%m-%d %H:%M} to {span.last:%Y-%m-%d %H:%M} UTC, "
        f"answered {pages} without a row; ask for a later span, or choose another symbol or venue."
    )


def _metadata(connection: Connection, facts: Mapping[str, str]) -> dict[str, str]:
    versions = {name: version(name) for name in ("ccxt", "pandas")}
    return {"source": "exchange", "venue": connection.venue, **facts, **versions}
