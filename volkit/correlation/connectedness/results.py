"""The result of one table of connectedness: who moves whom, in per cent of forecast-error variance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.results import Provenance, ResultDisplay

__all__ = ["Connectedness", "off_diagonal"]


def off_diagonal(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table, shape (K, K), with zeros on its diagonal.

    Examples
    --------
    >>> off_diagonal(pd.DataFrame([[60.0, 40.0], [10.0, 90.0]])).to_numpy().tolist()
    [[0.0, 40.0], [10.0, 0.0]]
    """
    return table.where(~np.eye(len(table), dtype=bool), 0.0)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Connectedness(ResultDisplay):
    """A table of connectedness.

    Attributes
    ----------
    table : DataFrame, shape (K, K)
        Per cent of the row's forecast-error variance due to the column: rows receive, columns send. Rows add up
        to 100.
    adjusted_table : DataFrame, shape (K, K)
        The same less the share that estimation noise adds. Entries may be a little below zero, as an adjusted
        R-squared may; NaN where nothing was estimated.
    decomposition : str
        How shocks are told apart: "generalised" (no order of the series matters), "cholesky" (it does) or "joint".
    lags : int
        Of the vector autoregression.
    horizon : int
        Periods ahead, H: responses after 0, ..., H - 1 periods are counted.
    n_obs : int
        Usable rows; 0 when a known system was decomposed.
    n_missing : int
        Rows left out because a value was missing.
    is_stable : bool
        Whether all roots lie inside the unit circle. Shares of an explosive system are of its H periods only.
    floor : float
        Index (per cent) that series of these own dynamics with nothing in common would show on average; NaN
        when unknown.
    lower, upper : float
        Bootstrap limits of the adjusted index, per cent; NaN without an `rng`.
    confidence : float
        Of these limits, fraction.
    as_of : Timestamp or None
        Last time (UTC) used; None for a known system.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    adjusted_table: pd.DataFrame
    decomposition: str
    lags: int
    horizon: int
    n_obs: int
    n_missing: int
    is_stable: bool
    floor: float
    lower: float
    upper: float
    confidence: float
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def total(self) -> float:
        """Total connectedness index, per cent: mean share of variance that comes from others. Biased upward."""
        return float(self.from_others.mean())

    @property
    def corrected_total(self) -> float:
        """The index times K / (K - 1), per cent: over the share that others could have at most."""
        n = len(self.table)
        return self.total * n / (n - 1)

    @property
    def adjusted_total(self) -> float:
        """The index less what estimation noise adds, per cent, at least 0; NaN where nothing was estimated."""
        return float(np.maximum(off_diagonal(self.adjusted_table).to_numpy().sum() / len(self.table), 0.0))

    @property
    def from_others(self) -> pd.Series:
        """Per cent of each series' variance that comes from the others, shape (K,)."""
        return off_diagonal(self.table).sum(axis=1).rename("from")

    @property
    def to_others(self) -> pd.Series:
        """Sum over the others of the per cent of their variance that comes from each series, shape (K,)."""
        return off_diagonal(self.table).sum(axis=0).rename("to")

    @property
    def net(self) -> pd.Series:
        """To less from, per cent, shape (K,): positive for a series that sends more than it receives; adds up to 0."""
        return (self.to_others - self.from_others).rename("net")

    @property
    def net_pairwise(self) -> pd.DataFrame:
        """Per cent, shape (K, K): what the row's series sends to the column's, less what it receives from it."""
        return self.table.T - self.table

    @property
    def headline(self) -> str:
        """Index, adjusted index, floor and specification in one line."""
        known = f", adjusted {self.adjusted_total:.1f} %, floor {self.floor:.1f} %" if np.isfinite(self.floor) else ""
        when = f", as of {self.as_of.date()}" if self.as_of is not None else ""
        mark = "" if self.is_stable else ", EXPLOSIVE"
        system = f"{len(self.table)} series, {self.decomposition}, {self.lags} lags, {self.horizon} periods"
        return f"total {self.total:.1f} %{known}, {system}{mark}{when}"

    def summary(self) -> pd.DataFrame:
        """Return the table with `from`, `to` and `net`, per cent; rows receive, net above 0 sends more than it gets."""
        frame = self.table.copy()
        frame["from others (%)"] = self.from_others
        frame["adjusted from (%)"] = off_diagonal(self.adjusted_table).sum(axis=1, skipna=False)
        frame["to others (%)"] = self.to_others
        frame["net (%), above 0 sends"] = self.net
        return frame.round(2)

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a pair: receiver, sender, share and adjusted share (per cent)."""
        names = list(self.table.columns)
        rows = [
            (receiver, sender, self.table.iat[i, j], self.adjusted_table.iat[i, j])
            for i, receiver in enumerate(names)
            for j, sender in enumerate(names)
        ]
        return pd.DataFrame(rows, columns=["receiver", "sender", "share", "adjusted_share"])
