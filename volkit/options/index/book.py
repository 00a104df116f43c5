"""What an option book gives to the index and the exposures: forwards, times and prices in dollars, row by row.

Any object with `quotes`, `settlement`, `underlying` and `as_of` will do: an `OptionChain` or a chain prepared by
`volkit.options.chain`. Coin prices times the forward are dollar prices.
"""

from typing import Literal, Protocol

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import DataError
from volkit.options.chain.parity import parity_forwards
from volkit.results import Provenance, SeriesProvenance, content_hash

__all__ = ["ForwardRule", "QuotedBook", "book_provenance", "dollar_quotes"]

ForwardRule = Literal["quoted", "parity"]

_NEEDED = ("expiry", "strike", "is_call")
_YEAR = pd.Timedelta(days=365)


class QuotedBook(Protocol):
    """An option chain as a venue quotes it, or as it was prepared."""

    @property
    def quotes(self) -> pd.DataFrame:
        """One row an option, columns as in `volkit.sources.exchange.OptionChain`."""
        ...

    @property
    def settlement(self) -> str:
        """``coin`` or ``usd``."""
        ...

    @property
    def underlying(self) -> str:
        """The coin."""
        ...

    @property
    def as_of(self) -> pd.Timestamp:
        """Instant (UTC) of the quotes."""
        ...


def dollar_quotes(book: QuotedBook, *, forward: ForwardRule = "quoted") -> pd.DataFrame:
    """Return a book's options with time, forward and prices in dollars.

    Parameters
    ----------
    book : QuotedBook
        Not changed.
    forward : {"quoted", "parity"}
        The venue's own, the median of an expiry's rows; or that of put-call parity over all two-sided pairs of strikes
        (`volkit.options.chain.parity.parity_forwards`, undiscounted).

    Returns
    -------
    DataFrame, shape (n_options, 12)
        By expiry, strike and side: instrument, expiry (UTC), strike (USD), is_call, time (years of 365 days), minutes,
        forward (USD, NaN where there is none), bid, ask, mark (USD; NaN where none, or
        where there is no forward to translate a coin price), volatility (of the mark, decimal per year, NaN where
        none), open_interest (units of the underlying, NaN where none).

    Raises
    ------
    DataError
        For a missing column, options that have expired, an option twice, strikes or volatilities that are not
        positive, or negative prices; the first row is named.
    ArgumentError
        For a forward of another name.
    """
    check_choice(forward, argument="forward", choices=("quoted", "parity"))
    quotes = book.quotes
    missing = [c for c in _NEEDED if c not in quotes.columns]
    if missing:
        raise DataError(
            "quotes", f"must have {', '.join(_NEEDED)}", f"none named {', '.join(missing)}", "pass an option chain"
        )
    level = _forwards(quotes, book.settlement, forward)
    scale = level if book.settlement == "coin" else 1.0
    table = pd.DataFrame(
        {
            "instrument": _column(quotes, "instrument").astype("str"),
            "expiry": quotes["expiry"],
            "strike": quotes["strike"].astype("float64"),
            "is_call": quotes["is_call"].astype("bool"),
            "time": (quotes["expiry"] - book.as_of) / _YEAR,
            "minutes": (quotes["expiry"] - book.as_of) / pd.Timedelta(minutes=1),
            "forward": level,
            **{side: _column(quotes, side).astype("float64") * scale for side in ("bid", "ask", "mark")},
            "volatility": _volatility(quotes),
            "open_interest": _column(quotes, "open_interest").astype("float64"),
        }
    )
    _refuse(table, table["minutes"] <= 0.0, "must be of options that live", "drop the expired ones first")
    _refuse(table, table.duplicated(list(_NEEDED)), "must hold each option once", "decide which row is right")
    wrong = ~(table["strike"] > 0.0) | (table[["forward", "volatility"]] <= 0.0).any(axis=1)
    _refuse(table, wrong, "must have positive strikes, forwards and volatilities", "correct or drop the row")
    _refuse(table, (table[["bid", "ask", "mark"]] < 0.0).any(axis=1), "must not be negative", "correct or drop the row")
    return table.sort_values(list(_NEEDED), ignore_index=True)


def book_provenance(book: QuotedBook, given: Provenance | None) -> Provenance:
    """Return the provenance given, else that of the book, else none; a simulated chain is known by its source."""
    if given is not None:
        return given
    own = getattr(book, "provenance", None)
    if isinstance(own, Provenance):
        return own
    source = str(getattr(book, "metadata", {}).get("source", ""))
    if not source.startswith("simulated"):
        return Provenance(())
    numbers = book.quotes[["strike", "implied_volatility"]].set_axis(pd.DatetimeIndex(book.quotes["expiry"]))
    series = SeriesProvenance(
        name=f"{book.underlying} options",
        source=source,
        sha256=content_hash(numbers),
        unit=book.settlement,
        close_rule="instant of the quotes",
        simulated=True,
    )
    return Provenance((series,))


def _column(quotes: pd.DataFrame, *names: str) -> pd.Series:
    """Return the first of the named columns that there is, else one of NaN."""
    found = next((name for name in names if name in quotes), None)
    return pd.Series(np.nan, index=quotes.index) if found is None else quotes[found]


def _volatility(quotes: pd.DataFrame) -> pd.Series:
    """Return the venue's volatility of the mark, else that of the mark's price.

    The venue's comes first: rounded marks far in the money say little of volatility.
    """
    own = _column(quotes, "implied_volatility").astype("float64")
    return own.fillna(_column(quotes, "mark_volatility").astype("float64"))


def _forwards(quotes: pd.DataFrame, settlement: str, rule: ForwardRule) -> pd.Series:
    if rule == "parity":
        return quotes["expiry"].map(parity_forwards(quotes, settlement=settlement)["parity_forward"])
    rows = _column(quotes, "forward", "underlying_price").astype("float64")
    return rows.groupby(quotes["expiry"]).transform("median")


def _refuse(table: pd.DataFrame, wrong: pd.Series, rule: str, remedy: str) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        side = "call" if row["is_call"] else "put"
        got = f"{int(wrong.sum())} rows that break this, first {row['instrument']} ({side} at {row['strike']:g}, "
        raise DataError("quotes", rule, got + f"{row['expiry']:%Y-%m-%d %H:%M})", remedy)
