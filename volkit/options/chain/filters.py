"""Which quotes of a book are fit for use: one rule a reason, applied in order, each row counted once."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError

__all__ = ["REASONS", "REMEDIES", "QuoteFilter"]

# In the order in which they apply, with what to do when the row is wanted.
REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "expired": "read an earlier book, or one whose as_of is before the expiry",
        "missing both": "pass QuoteFilter(keep_unquoted=True) to keep it for its mark",
        "zero": "leave the field empty where nothing is quoted",
        "crossed": "fetch the book again: bid and ask were not read at one instant",
        "no forward": "give underlying_price, or quotes of put and call at one strike for parity",
        "wide": "raise QuoteFilter(max_relative_spread=...)",
        "too near expiry": "lower QuoteFilter(min_hours=...)",
        "too far in delta": "lower QuoteFilter(min_delta=...)",
    }
)
REASONS = tuple(REMEDIES)
# Quotes are decimals in binary: an ask of exactly three bids must not be wide by the last bit.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteFilter:
    """Limits that a quote must keep to stay in a prepared book.

    Rows that have expired, are crossed, ask for nothing, or have no forward go whatever the limits. A bid without an
    ask, or an ask without a bid, stays; an ask with a bid of zero stays as an ask alone.

    Attributes
    ----------
    max_relative_spread : float or None
        Greatest spread over the mid of a two-sided quote; the default 1.0 lets the ask be three times the bid.
        None sets no limit.
    min_hours : float
        Least time to expiry, hours.
    min_delta : float
        Least absolute forward delta of the out-of-the-money side, from 0 (no limit) to below 0.5; 0.01 leaves out
        calls below a delta of 0.01 and above 0.99, and the puts of the same strikes. A row whose delta is not known,
        because none of its prices has a volatility, goes when this is above 0.
    keep_unquoted : bool
        Whether a row without bid and ask stays when it has a mark.

    Raises
    ------
    ArgumentError
        For a limit that is no such number.

    Examples
    --------
    >>> QuoteFilter(min_delta=0.02).max_relative_spread
    1.0
    """

    max_relative_spread: float | None = 1.0
    min_hours: float = 1.0
    min_delta: float = 0.0
    keep_unquoted: bool = False

    def __post_init__(self) -> None:
        if self.max_relative_spread is not None:
            check_positive(self.max_relative_spread, argument="max_relative_spread", unit="spread over mid")
        if not 0.0 <= self.min_hours < np.inf:
            raise ArgumentError("min_hours", "must be hours, 0 or more", repr(self.min_hours), "pass 0 for no limit")
        if not 0.0 <= self.min_delta < 0.5:
            got = repr(self.min_delta)
            raise ArgumentError("min_delta", "must be from 0 to below 0.5", got, "pass a decimal, e.g. min_delta=0.01")

    def reasons(self, quotes: pd.DataFrame) -> pd.Series:
        """Return the first reason against each row, "" where it stays, shape (n_quotes,).

        Parameters
        ----------
        quotes : DataFrame, shape (n_quotes, n_columns)
            Columns bid, ask, mark (one unit; NaN where none), time (years, negative once expired), forward (USD) and
            delta (forward delta of the row's own side; NaN where unknown).
        """
        bid, ask = quotes["bid"], quotes["ask"]
        unquoted = bid.isna() & ask.isna()
        wide = pd.Series(False, index=quotes.index)
        if self.max_relative_spread is not None:
            two_sided = (bid > 0.0) & (ask > 0.0)
            wide = two_sided & ((ask - bid) > self.max_relative_spread * (ask + bid) / 2.0 * (1.0 + _ROUNDING))
        size = quotes["delta"].abs()
        near = np.minimum(size, 1.0 - size)
        rules = {
            "expired": quotes["time"] <= 0.0,
            "missing both": unquoted & (quotes["mark"].isna() | (not self.keep_unquoted)),
            "zero": (ask == 0.0) | ((bid == 0.0) & ask.isna()),
            "crossed": bid > ask,
            "no forward": quotes["forward"].isna(),
            "wide": wide,
            "too near expiry": quotes["time"] * (365.0 * 24.0) < self.min_hours,
            "too far in delta": ~(near >= self.min_delta) if self.min_delta > 0.0 else pd.Series(False, quotes.index),
        }
        chosen = np.select([rules[reason].to_numpy() for reason in REASONS], REASONS, default="")
        return pd.Series(chosen, index=quotes.index, dtype="object")
