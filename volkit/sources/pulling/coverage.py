"""What a pull over a network asked for and what it got."""

from dataclasses import dataclass, field

import pandas as pd

from volkit.results import ResultDisplay

__all__ = ["Coverage", "Pulled"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Coverage(ResultDisplay):
    """How much of the asked span a pull brought.

    Attributes
    ----------
    asked_first, asked_last : Timestamp
        First label (inclusive) and end (exclusive) of the span asked for, UTC.
    got_first, got_last : Timestamp or None
        First and last label received (UTC), None for nothing.
    n_expected, n_got : int
        Bars that the calendar expects in the span up to `as_of`, and bars received.
    missing : DataFrame
        Runs without a bar: first, last (UTC), count.
    pages, retries : int
        Answers read and requests repeated.
    as_of : Timestamp
        Instant (UTC) of the pull; bars that were still open then are not kept.
    remarks : tuple of str
        What a reader must know: the venue's own limit of history, listing after the start, repaired disorder.
    """

    asked_first: pd.Timestamp
    asked_last: pd.Timestamp
    got_first: pd.Timestamp | None
    got_last: pd.Timestamp | None
    n_expected: int
    n_got: int
    missing: pd.DataFrame
    pages: int
    retries: int
    as_of: pd.Timestamp
    remarks: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """Bars got of bars expected, pages and retries in one line."""
        holes = f"{len(self.missing)} holes" if len(self.missing) != 1 else "1 hole"
        return f"{self.n_got} of {self.n_expected} bars, {holes}, {self.pages} pages, {self.retries} retries"

    def summary(self) -> pd.DataFrame:
        """Return asked, got and counts (times in UTC)."""
        rows = {
            "asked from": self.asked_first,
            "asked to (exclusive)": self.asked_last,
            "got from": self.got_first,
            "got to": self.got_last,
            "expected bars": self.n_expected,
            "bars": self.n_got,
            "missing bars": int(self.missing["count"].sum()) if len(self.missing) else 0,
            "pages": self.pages,
            "retries": self.retries,
            "remarks": "; ".join(self.remarks),
        }
        return pd.DataFrame({"pull": rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the runs of missing bars (UTC)."""
        return self.missing


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pulled:
    """Closed bars of one series from one venue, with what is known of the pull.

    Attributes
    ----------
    frame : DataFrame, shape (n_obs, n_columns)
        open, high, low, close, volume or some of them (close always), float64; further numeric columns as the
        source has them (adjusted_close, vintage ...). Index `time` (UTC, us): open instants, sorted, unique.
    coverage : Coverage
        Asked and got.
    metadata : dict of str to str
        source, venue, symbol, interval, unit, price_kind (raw, adjusted ...), close_rule, library versions.
    """

    frame: pd.DataFrame
    coverage: Coverage
    metadata: dict[str, str] = field(default_factory=dict)
