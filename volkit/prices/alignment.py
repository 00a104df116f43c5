"""Many series loaded and paired on one clock, into a `PricePanel`.

`align` takes the close instants of one series as the clock and pairs every other series by its nearest
close; 24/7 crypto and weekday macro then share rows, with the remaining mismatch stated. Prices are paired
first and returns taken afterwards, so a crypto return between Friday's and Monday's session covers the
weekend, and nothing is ever filled. The other join, the value that had been published by an instant, is in
`vintages` and `releases`.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_kind, check_kinds
from volkit.conventions import (
    CONTEMPORANEOUS_TOLERANCE,
    CRYPTO_DAYS_PER_YEAR,
    CRYPTO_HOURS_PER_YEAR,
    SESSIONS_PER_YEAR,
    in_span,
)
from volkit.errors import ArgumentError, AsynchronousWarning, DataError, SeriesNotFoundError
from volkit.formatting import percent_to
from volkit.prices.panel import PricePanel
from volkit.prices.quality import inspect_bars
from volkit.results import Provenance, freeze
from volkit.sources.catalogue import Interval
from volkit.sources.protocol import Bars, PriceSource

__all__ = ["BarSet", "align", "load_bars", "load_prices"]

# Below this share of common time a correlation says more about clocks than about markets.
_OVERLAP_WARNING = 0.75


@dataclass(frozen=True, slots=True)
class BarSet:
    """Bars by name, and the optional series that the source does not have.

    Attributes
    ----------
    bars : mapping of str to Bars
        In the order asked for.
    missing_optional : tuple of str
        Optional names that were not there.
    """

    bars: Mapping[str, Bars]
    missing_optional: tuple[str, ...] = ()


def load_bars(
    source: PriceSource,
    required: Sequence[str],
    *,
    optional: Sequence[str] = (),
    intervals: Mapping[str, Interval] | None = None,
) -> BarSet:
    """Return the bars of the named series from a source.

    Parameters
    ----------
    source : PriceSource
        From `volkit.open_source`.
    required : sequence of str
        Names that must be there.
    optional : sequence of str
        Names that may be missing; those that are stand in the result.
    intervals : mapping of str to {"1d", "1h", "1m"}, optional
        Step by name; daily by default.

    Returns
    -------
    BarSet
        Bars by name (times in UTC), and the optional ones missing.

    Raises
    ------
    ArgumentError
        For one text in place of a list of names, or an interval of a series that was not asked for.
    SeriesNotFoundError
        When a required series is missing; lists what the source has.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> load_bars(BundledSource(), ["SPX"], optional=["GOLD"]).missing_optional
    ('GOLD',)
    """
    check_kind(source, PriceSource, argument="source", remedy="pass what open_source returns")
    steps = dict(intervals or {})
    for argument, given in (("required", required), ("optional", optional)):
        if isinstance(given, str):
            raise ArgumentError(argument, "must be a list of names", repr(given), f"pass [{given!r}]")
    names = list(dict.fromkeys([*required, *optional]))
    if unused := [n for n in steps if n not in names]:
        raise ArgumentError(
            "intervals", f"must be of {', '.join(names)}", ", ".join(unused), "ask for the series too, or leave it out"
        )
    held = {(h.name, h.interval) for h in source.holdings()}
    absent = [n for n in names if (n, steps.get(n, "1d")) not in held]
    if any(n in required for n in absent):
        lacking = tuple(n if n not in steps else f"{n} {steps[n]}" for n in absent if n in required)
        available = tuple(h.name if h.interval == "1d" else f"{h.name} {h.interval}" for h in source.holdings())
        raise SeriesNotFoundError(source.name, lacking, available)
    bars = {n: source.load_bars(n, interval=steps.get(n, "1d")) for n in names if n not in absent}
    return BarSet(bars, tuple(absent))


def align(
    bars: Sequence[Bars],
    *,
    clock: str | None = None,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    tolerance: pd.Timedelta = CONTEMPORANEOUS_TOLERANCE,
) -> PricePanel:
    """Return the closes of several series on one clock, each paired by its nearest close.

    Parameters
    ----------
    bars : sequence of Bars
        One entry a series. With hourly crypto the price at the clock's very close is taken.
    clock : str, optional
        Name of the series whose close instants set the rows; by default the first that keeps exchange sessions
        or weekdays, else the first.
    start, end : Timestamp, optional
        First (inclusive) and last (exclusive) label of the clock, UTC.
    tolerance : Timedelta
        Largest distance of two paired closes; eight hours by default, so that the early closes of July still
        pair with the UTC day.

    Returns
    -------
    PricePanel
        Shape (n_obs, n_series); NaN where nothing lies within the tolerance, never a filled price.

    Raises
    ------
    ArgumentError
        For no bars, a name twice, an unknown clock, a naive start or end, an empty span.
    DataError
        For bars that `inspect_bars` refuses, or a tolerance so wide that a bar would be used twice.

    Warns
    -----
    AsynchronousWarning
        When a series shares less than 75 % of its period with the clock, or has no close within the tolerance.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> source = BundledSource()
    >>> panel = align([source.load_bars("SPX"), source.load_bars("NASDAQ")])
    >>> panel.clock, panel.periods_per_year, panel.close.shape
    ('SPX', 252, (5031, 2))
    """
    bars = check_kinds(bars, Bars, argument="bars", remedy="pass what load_bars returns")
    by_name = {b.name: b for b in bars}
    if not bars or len(by_name) != len(bars):
        names = [b.name for b in bars]
        raise ArgumentError(
            "bars", "must hold each series once, and at least one", str(names), "pass one Bars a series"
        )
    report = inspect_bars(bars)
    chosen = clock or next((b.name for b in bars if b.spec.calendar in ("XNYS", "weekdays")), bars[0].name)
    if chosen not in by_name:
        raise ArgumentError("clock", f"must name one of {', '.join(by_name)}", repr(chosen), "choose one of these")
    instants = _clock_instants(by_name[chosen], start, end)
    paired = {name: _pair(instants, one, tolerance) for name, one in by_name.items()}
    labels = instants.index
    panel = PricePanel(
        close=freeze(pd.DataFrame({n: p[0] for n, p in paired.items()}, index=labels)),
        close_time=pd.DataFrame({n: p[1] for n, p in paired.items()}, index=labels),
        clock=chosen,
        periods_per_year=_periods_per_year(by_name[chosen]),
        specs={n: b.spec for n, b in by_name.items()},
        gap_report=report,
        provenance=Provenance(tuple(b.provenance for b in bars)),
    )
    _warn_asynchronous(panel, tolerance)
    return panel


def load_prices(
    source: PriceSource,
    names: Sequence[str],
    *,
    clock: str | None = None,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    intervals: Mapping[str, Interval] | None = None,
    tolerance: pd.Timedelta = CONTEMPORANEOUS_TOLERANCE,
) -> PricePanel:
    """Return the named series of a source on one clock: `load_bars`, then `align`.

    Parameters
    ----------
    source : PriceSource
        From `volkit.open_source`.
    names : sequence of str
        Catalogue names, all required.
    clock, start, end, tolerance
        As in `align`.
    intervals : mapping of str to {"1d", "1h", "1m"}, optional
        As in `load_bars`.

    Returns
    -------
    PricePanel
        Shape (n_obs, n_series), times in UTC.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> load_prices(BundledSource(), ["SPX", "NASDAQ"])
    <PricePanel: 2 series, 5031 rows 1999-01-04..2018-12-31 on the SPX clock>
    """
    check_kind(source, PriceSource, argument="source", remedy="pass what open_source returns")
    loaded = load_bars(source, names, intervals=intervals)
    return align(list(loaded.bars.values()), clock=clock, start=start, end=end, tolerance=tolerance)


def _clock_instants(bars: Bars, start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.Series:
    instants = bars.frame["close_time"]
    for argument, bound in (("start", start), ("end", end)):
        if bound is not None and pd.Timestamp(bound).tz is None:
            remedy = f'pass pd.Timestamp("{bound}", tz="UTC")'
            raise ArgumentError(argument, "must be a time in UTC", f"the naive {bound}", remedy)
    inside = in_span(instants.index, start, end)
    if not inside.any():
        span = f"{instants.index[0].date()}..{instants.index[-1].date()}" if len(instants) else "no bars"
        raise ArgumentError("start and end", f"must leave bars of {bars.name}", f"{start} to {end}", f"it has {span}")
    return instants[inside]


def _pair(instants: pd.Series, bars: Bars, tolerance: pd.Timedelta) -> tuple[np.ndarray, pd.DatetimeIndex]:
    if not isinstance(tolerance, pd.Timedelta) or not tolerance >= pd.Timedelta(0):
        raise ArgumentError(
            "tolerance", "must be a length of time of at least 0", f"{tolerance!r}", 'pass pd.Timedelta("8h")'
        )
    left = pd.DataFrame({"clock": instants.reset_index(drop=True)})
    right = bars.frame[["close", "close_time"]].dropna(subset=["close"]).reset_index(drop=True)
    joined = pd.merge_asof(
        left, right, left_on="clock", right_on="close_time", direction="nearest", tolerance=tolerance
    )
    used = joined["close_time"].dropna()
    if used.duplicated().any():
        raise DataError(
            "tolerance",
            "must not let one bar stand for two periods",
            f"{tolerance}, with which {used[used.duplicated()].nunique()} bars of {bars.name} are used more than once",
            f"pass less than half the distance of its closes, or choose {bars.name} as the clock",
        )
    return joined["close"].to_numpy(), pd.DatetimeIndex(joined["close_time"])


def _periods_per_year(bars: Bars) -> int:
    if bars.spec.calendar in ("weekly", "monthly"):
        return 52 if bars.spec.calendar == "weekly" else 12
    if bars.spec.calendar == "24/7":
        return {"1d": CRYPTO_DAYS_PER_YEAR, "1h": CRYPTO_HOURS_PER_YEAR, "1m": 60 * CRYPTO_HOURS_PER_YEAR}[
            bars.interval
        ]
    # A cash session of six and a half hours touches seven hours of the clock.
    return SESSIONS_PER_YEAR * {"1d": 1, "1h": 7, "1m": 390}[bars.interval]


def _warn_asynchronous(panel: PricePanel, tolerance: pd.Timedelta) -> None:
    for name in panel.close.columns[panel.close.isna().all().to_numpy()]:
        warnings.warn(
            f"{name} has no close within {tolerance / pd.Timedelta(hours=1):g} hours of any on the {panel.clock} "
            "clock: its column is empty. Compare spans and close times, use hourly bars, or pass a larger tolerance.",
            AsynchronousWarning,
            stacklevel=3,
        )
    shares = panel.overlap_share
    for name in shares.index[(shares < _OVERLAP_WARNING).to_numpy()]:
        warnings.warn(
            f"{name} and the {panel.clock} clock have {percent_to(shares[name], 0)} of a period in common: a "
            "correlation is multiplied by about that share. Use hourly bars, or read it as a lower bound.",
            AsynchronousWarning,
            stacklevel=3,
        )
