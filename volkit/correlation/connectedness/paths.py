"""The result of connectedness through time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.correlation.connectedness.system import System
from volkit.correlation.connectedness.windows import SINGULAR, STATUS, percent_frame
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ConnectednessPath", "assemble_path"]

_NUMBERS = ["total", "corrected", "adjusted", "lower", "upper", "floor"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ConnectednessPath(ResultDisplay):
    """Connectedness through time, each row from that row and earlier ones only.

    Attributes
    ----------
    total : DataFrame, shape (n_rows, 7)
        By `time` (UTC), per cent: `total`, the index, biased upward; `corrected`, it times K / (K - 1); `adjusted`,
        the index less what estimation noise adds, at least 0, with its limits `lower` and `upper`; `floor`, the
        index that the same own dynamics with nothing in common would show; and `status`: "ok", "explosive",
        "noisy" (too much noise to take off), "singular" or "not started". NaN where something was not worked out.
    to_others, from_others, net : DataFrame, shape (n_rows, K)
        Per cent; net is to less from: above 0 sends more than it receives, and each row adds up to 0.
    mean_table : DataFrame, shape (K, K)
        Mean of the tables of all rows with a value, per cent: rows receive, columns send.
    method : str
        Decomposition and memory in words.
    lags, horizon : int
        Of the autoregression, and periods ahead H (responses after 0, ..., H - 1 periods).
    window : int
        Rows in a window, or in the prior.
    confidence : float
        Of each interval (pointwise), fraction.
    n_obs : int
        Complete rows.
    n_missing : int
        Rows left out because a value was missing.
    as_of : Timestamp
        Last time (UTC) used.
    provenance : Provenance
        Series behind it.
    """

    total: pd.DataFrame
    to_others: pd.DataFrame
    from_others: pd.DataFrame
    net: pd.DataFrame
    mean_table: pd.DataFrame
    method: str
    lags: int
    horizon: int
    window: int
    confidence: float
    n_obs: int
    n_missing: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def latest(self) -> pd.Series:
        """The last row of `total`, per cent, with its status."""
        return self.total.iloc[-1]

    @property
    def n_singular(self) -> int:
        """Rows without a value because a series was constant or depended on others in their window."""
        return int((self.total["status"] == "singular").sum())

    @property
    def n_explosive(self) -> int:
        """Rows whose autoregression has a root on or outside the unit circle."""
        return int((self.total["status"] == "explosive").sum())

    @property
    def n_noisy(self) -> int:
        """Rows whose noise is too large to be taken off."""
        return int((self.total["status"] == "noisy").sum())

    @property
    def mean_total(self) -> float:
        """Mean of the index over all rows with a value, per cent."""
        return float(self.total["total"].mean())

    @property
    def headline(self) -> str:
        """Latest index, what it is worth, method and time in one line."""
        last = self.latest
        bound = "" if np.isnan(last["lower"]) else f" ({last['lower']:.1f} to {last['upper']:.1f})"
        worth = (
            ""
            if np.isnan(last["adjusted"])
            else f", adjusted {last['adjusted']:.1f} %{bound}, floor {last['floor']:.1f} %"
        )
        mark = "" if last["status"] == "ok" else f", {last['status'].upper()}"
        value = "missing" if np.isnan(last["total"]) else f"{last['total']:.1f} %"
        return f"latest total {value}{worth}{mark}, {self.method}, as of {self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return the latest, lowest and highest index (per cent) with time, adjusted index, floor and status."""
        known = self.total["total"].dropna()
        chosen = {"latest": self.total.index[-1]}
        if len(known):
            chosen |= {"lowest": known.idxmin(), "highest": known.idxmax()}
        table = self.total.loc[list(chosen.values())].reset_index()
        level = percent_to(self.confidence, 0)
        names = ["total (%)", "corrected (%)", "adjusted (%)", f"{level} lower (%)", f"{level} upper (%)", "floor (%)"]
        table.columns = pd.Index(["time (UTC)", *names, "status"])
        return table.set_axis(list(chosen), axis=0)

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: time, series, to, from and net of each series, and the total (per cent)."""
        columns = {"to": self.to_others, "from": self.from_others, "net": self.net}
        tidy = pd.DataFrame({name: frame.stack() for name, frame in columns.items()})
        tidy = tidy.rename_axis(["time", "series"]).reset_index()
        return tidy.merge(self.total["total"].reset_index(), on="time")


def assemble_path(
    system: System,
    *,
    tables: np.ndarray,
    first: int,
    status: np.ndarray,
    adjusted: np.ndarray,
    floor: np.ndarray,
    band: tuple[np.ndarray, np.ndarray],
    method: str,
    lags: int,
    horizon: int,
    window: int,
    confidence: float,
    provenance: Provenance | None,
) -> ConnectednessPath:
    """Return the path of tables, shape (n, K, K), as fractions, whose first belongs to row `first` of the system.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    >>> system = System(times, np.zeros((3, 2)), pd.Index(["BTC", "SPX"]), 0)
    >>> none, tables = np.full(2, np.nan), np.full((2, 2, 2), 0.5)
    >>> assemble_path(
    ...     system, tables=tables, first=1, status=np.zeros(2, dtype=np.int64), adjusted=none, floor=none,
    ...     band=(none, none), method="", lags=1, horizon=1, window=2, confidence=0.95, provenance=None,
    ... ).total["total"].tolist()
    [nan, 50.0, 50.0]
    """
    n_rows, K = len(system.index), tables.shape[1]
    own = np.diagonal(tables, axis1=1, axis2=2)
    received, sent = tables.sum(axis=2) - own, tables.sum(axis=1) - own
    total = received.mean(axis=1)
    index = system.index.rename("time")

    def rows_of(values: np.ndarray, columns: list[str] | pd.Index) -> pd.DataFrame:
        padded = np.full((n_rows, values.shape[1]), np.nan)
        padded[first:] = 100.0 * values
        return pd.DataFrame(padded, index=index, columns=columns)

    numbers = np.column_stack([total, total * K / (K - 1), adjusted, *band, floor])
    path = rows_of(numbers, _NUMBERS)
    words = np.array([*STATUS, "not started"], dtype=object)
    path["status"] = words[np.concatenate([np.full(first, len(STATUS)), status])]
    known = tables[status != SINGULAR]
    return ConnectednessPath(
        total=freeze(path),
        to_others=freeze(rows_of(sent, system.names)),
        from_others=freeze(rows_of(received, system.names)),
        net=freeze(rows_of(sent - received, system.names)),
        mean_table=percent_frame(known.mean(axis=0) if len(known) else np.full((K, K), np.nan), system.names),
        method=method,
        lags=lags,
        horizon=horizon,
        window=window,
        confidence=confidence,
        n_obs=n_rows,
        n_missing=system.n_missing,
        as_of=system.index[-1],
        provenance=provenance or Provenance(()),
    )
