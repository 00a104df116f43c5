"""The result of rolling correlations of many series."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.results import Provenance, ResultDisplay

__all__ = ["RollingCorrelations"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RollingCorrelations(ResultDisplay):
    """Correlations of every pair of series through time, each value with its count.

    Attributes
    ----------
    values : DataFrame, shape (n_obs, n_pairs)
        Correlations, no unit, by `time` (UTC) and columns (`first`, `second`), each from the window that ends at its
        row. NaN before the first full window, below the minimum, and while a side is constant.
    n : DataFrame of int, shape (n_obs, n_pairs)
        Complete pairs in each window, also where it is not yet full.
    method : str
        Estimator and window in words.
    window : int
        Rows (periods) in a window.
    minimum : int
        Complete pairs that a value needs.
    as_of : Timestamp
        Last time (UTC) used.
    n_obs : int
        Rows of the sample.
    periods_per_year : float
        Of the clock of the changes.
    provenance : Provenance
        Series behind it.

    Examples
    --------
    >>> from volkit.correlation.windows.rolling import rolling_correlations
    >>> times = pd.date_range("2024-01-01", periods=100, tz="UTC")
    >>> moves = np.random.default_rng(1).standard_normal((100, 2))
    >>> rolling_correlations(pd.DataFrame(moves, index=times, columns=["A", "B"]), window=90, periods_per_year=365)
    <RollingCorrelations: 2 series, 1 pairs, Pearson, 90 periods, latest strongest A and B -0.14, as of 2024-04-09>
    """

    values: pd.DataFrame
    n: pd.DataFrame
    method: str
    window: int
    minimum: int
    as_of: pd.Timestamp
    n_obs: int
    periods_per_year: float
    provenance: Provenance

    @property
    def names(self) -> list[str]:
        """Names of the series, in their order."""
        pairs = self.values.columns
        return [str(pairs[0][0]), *(str(second) for _, second in pairs[: _size_of(len(pairs)) - 1])]

    @property
    def latest(self) -> pd.Series:
        """The last value of every pair (no unit)."""
        return self.values.iloc[-1].rename("correlation")

    @property
    def headline(self) -> str:
        """Size, method, strongest latest pair and time in one line."""
        latest = self.latest.dropna()
        words = "latest all missing"
        if len(latest):
            first, second = latest.abs().idxmax()
            words = f"latest strongest {first} and {second} {latest[first, second]:.2f}"
        size = f"{len(self.names)} series, {self.values.shape[1]} pairs"
        return f"{size}, {self.method}, {words}, as of {self.as_of.date()}"

    def pair(self, first: str, second: str) -> pd.DataFrame:
        """Return one pair, named in either order: `correlation` (no unit) and `n` by time, shape (n_obs, 2).

        Raises
        ------
        ArgumentError
            For an unknown name, or one name twice.
        """
        for argument, name in (("first", first), ("second", second)):
            check_choice(name, argument=argument, choices=self.names)
        if first == second:
            raise ArgumentError("second", "must be another series than the first", repr(second), "name two series")
        place = (first, second) if self.names.index(first) < self.names.index(second) else (second, first)
        return pd.DataFrame({"correlation": self.values[place], "n": self.n[place]})

    def matrix(self, at: pd.Timestamp | None = None) -> pd.DataFrame:
        """Return the symmetric matrix of correlations at a time of the sample, by default the last.

        Shape (n_series, n_series), no unit, ones on the diagonal. With missing values it need not be positive
        semi-definite, since each pair has its own rows.

        Raises
        ------
        ArgumentError
            When the sample has no such time.
        """
        time = self.as_of if at is None else at
        if time not in self.values.index:
            got = str(time)
            raise ArgumentError("at", "must be a time (UTC) of the sample", got, "choose one of values.index")
        size = len(self.names)
        table = np.eye(size)
        upper = np.triu_indices(size, k=1)
        table[upper] = table.T[upper] = self.values.loc[time].to_numpy()
        return pd.DataFrame(table, index=self.names, columns=self.names)

    def summary(self) -> pd.DataFrame:
        """Return by pair the latest, lowest, median and highest value (no unit), and the latest count."""
        return pd.DataFrame(
            {
                "latest": self.latest,
                "lowest": self.values.min(),
                "median": self.values.median(),
                "highest": self.values.max(),
                "n, latest (complete pairs)": self.n.iloc[-1],
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows, one a time and pair: time, first, second, correlation, n."""
        n_obs, n_pairs = self.values.shape
        pairs = self.values.columns
        return pd.DataFrame(
            {
                "time": self.values.index.repeat(n_pairs),
                "first": np.tile(pairs.get_level_values("first").to_numpy(), n_obs),
                "second": np.tile(pairs.get_level_values("second").to_numpy(), n_obs),
                "correlation": self.values.to_numpy().ravel(),
                "n": self.n.to_numpy().ravel(),
            }
        )


def _size_of(n_pairs: int) -> int:
    """Series that have so many pairs."""
    return (1 + math.isqrt(1 + 8 * n_pairs)) // 2
