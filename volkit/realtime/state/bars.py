"""Bars as a live state takes them: what one is, what was skipped and why, and a table of them."""

from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from volkit.checks import check_floats
from volkit.errors import DataError
from volkit.results import Provenance
from volkit.sources import Bars

__all__ = ["LiveBar", "SkippedBar", "bar_arrays", "reason_words", "skipped_table"]

# By the status that a kernel gives; the empty ones skip nothing.
_REASONS = (
    "",
    "price not above zero",
    "repeated",
    "out of order",
    "off the clock",
    "first after a hole",
    "period with too few bars",
    "no price",
)
_RULES = (
    "",
    "must have a finite price above zero",
    "must come after the last bar, which has the same time",
    "must come after the last bar taken",
    "must lie whole steps after the last bar taken",
    "",
    "",
    "must have a price",
)


class LiveBar(NamedTuple):
    """One bar.

    Attributes
    ----------
    time : Timestamp
        Open of the bar, UTC.
    close : float
        Price at its end.
    """

    time: pd.Timestamp
    close: float


class SkippedBar(NamedTuple):
    """What a stream left out.

    Attributes
    ----------
    time : Timestamp
        Label (UTC) of the bar.
    reason : str
        Why: "first after a hole" means that the bar's price was taken and its return was not.
    value : float
        Its price (or return), as it came.
    last : Timestamp
        Label (UTC) of the last good bar before it, from which the state went on.
    """

    time: pd.Timestamp
    reason: str
    value: float
    last: pd.Timestamp


class ClosingBar(Protocol):
    """What `LiveVolatility.update` asks of a bar: `LiveBar`, or a row of ``itertuples`` with both names."""

    @property
    def time(self) -> pd.Timestamp: ...
    @property
    def close(self) -> float: ...


def reason_words(status: int) -> str:
    """Return why a bar was skipped, empty for one that was taken.

    Examples
    --------
    >>> reason_words(2)
    'repeated'
    """
    return _REASONS[status]


def refusal(asset: str, bar: SkippedBar, status: int) -> DataError:
    """Return the error for a bar that cannot be taken."""
    return DataError(
        f"bar of {asset} at {bar.time}",
        _RULES[status],
        f"{bar.value:g}, last bar taken {bar.last} ({bar.reason})",
        "leave it out: the state is that of the last good bar, and later bars go on from there",
    )


def bar_arrays(bars: Bars | pd.DataFrame, *, asset: str) -> tuple[pd.DatetimeIndex, np.ndarray, Provenance]:
    """Return labels, closes (float64) and provenance of a table of bars, in the order in which they came.

    Raises
    ------
    DataError
        For a table without a close or without UTC labels. Order, repeats and prices are the state's matter.
    """
    frame = bars.frame if isinstance(bars, Bars) else bars
    provenance = Provenance((bars.provenance,)) if isinstance(bars, Bars) else Provenance(())
    if not isinstance(frame, pd.DataFrame) or "close" not in frame.columns:
        got = (
            f"columns {', '.join(map(str, frame.columns))}" if isinstance(frame, pd.DataFrame) else type(frame).__name__
        )
        raise DataError(
            f"bars of {asset}", "must be a table with a column close", got, "pass Bars, or close.to_frame()"
        )
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None or index.hasnans:
        remedy = 'label the bars by their opens, e.g. bars.tz_localize("UTC")'
        raise DataError(f"bars of {asset}", "must be labelled by UTC times", f"an index of {index.dtype}", remedy)
    if not len(index):
        raise DataError(f"bars of {asset}", "must hold a bar", "an empty table", "pass a longer span")
    closes = check_floats(frame["close"], argument=f"closes of {asset}")
    return index.tz_convert("UTC").as_unit("us").rename("time"), closes, provenance


def skipped_table(skipped: list[SkippedBar]) -> pd.DataFrame:
    """Return skipped bars as a table, columns as the fields of `SkippedBar`.

    Examples
    --------
    >>> skipped_table([]).columns.tolist()
    ['time', 'reason', 'value', 'last']
    """
    table = pd.DataFrame(skipped, columns=list(SkippedBar._fields))
    times = {name: pd.to_datetime(table[name], utc=True).dt.as_unit("us") for name in ("time", "last")}
    return table.assign(**times, value=table["value"].astype("float64"), reason=table["reason"].astype("str"))
