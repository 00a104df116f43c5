"""Simulated price paths of several assets, with the volatility that stands on each and their weights."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import ArgumentError, DataError
from volkit.formatting import length_words, time_words
from volkit.results import Provenance, ResultDisplay

__all__ = ["PathSet"]

Floats = npt.NDArray[np.float64]
_QUANTILES = (0.01, 0.05, 0.5, 0.95, 0.99)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PathSet(ResultDisplay):
    """Joint price paths over one horizon, equally likely unless they carry weights.

    Attributes
    ----------
    values : ndarray, shape (n_paths, n_steps, n_assets)
        Price over the starting price at the end of each step; the start, which is 1, is left out. Read-only.
    volatility : ndarray, shape (n_paths, n_steps, n_assets), or None
        Annualised volatility (decimal) as it stands at the end of each step, for the time after it. Read-only.
    log_weights : ndarray, shape (n_paths,), or None
        Log of how much likelier a path is under the model than where it was drawn (importance sampling); the mean
        of exp is 1 up to sampling error. None: all paths are equally likely. Read-only.
    step : Timedelta
        Length of a step.
    assets : tuple of str
        Names, in the order of the last axis.
    engine : str
        How the paths were made, in words.
    seed : str
        What fixes the random numbers, in words; the same words give the same bits.
    as_of : Timestamp or None
        Label (UTC) of the last observation used; None for a model whose parameters were given.
    provenance : Provenance
        Sources and hashes, when given.

    Examples
    --------
    >>> values = np.array([[[0.9], [1.1]], [[1.0], [0.8]]])
    >>> paths = PathSet(values=values, step=pd.Timedelta("1h"), assets=("BTC",), engine="given", seed="none")
    >>> paths.minimum().ravel().tolist(), paths.terminal().ravel().tolist()
    ([0.9, 0.8], [1.1, 0.8])
    """

    values: Floats
    step: pd.Timedelta
    assets: tuple[str, ...]
    engine: str
    seed: str
    volatility: Floats | None = None
    log_weights: Floats | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def __post_init__(self) -> None:
        if not isinstance(self.step, pd.Timedelta) or self.step <= pd.Timedelta(0):
            remedy = 'pass for example pd.Timedelta("1h")'
            raise ArgumentError("step", "must be a Timedelta above zero", repr(self.step), remedy)
        if len(set(self.assets)) < len(self.assets):
            raise ArgumentError("assets", "must have names of their own", ", ".join(self.assets), "rename one")
        shape = np.shape(self.values)
        if len(shape) != 3 or not self.values.size or shape[2] != len(self.assets):
            raise DataError(
                "values",
                "must have the shape (n_paths, n_steps, n_assets), none of them 0",
                f"{shape} for {len(self.assets)} assets",
                "give one asset an axis of its own with values[:, :, None]",
            )
        self._check("values", self.values, shape)
        first = np.median(self.values[:, 0, :], axis=0)
        if not ((first > 0.1) & (first < 10.0)).all():
            got = f"a median of {first[np.argmax(np.abs(np.log(np.maximum(first, 1e-300))))]:g} after the first step"
            raise DataError("values", "must be prices over the starting price", got, "divide by the starting prices")
        if self.volatility is not None:
            self._check("volatility", self.volatility, shape)
        if self.log_weights is not None:
            self._check("log_weights", self.log_weights, shape[:1])

    @staticmethod
    def _check(name: str, values: Floats, shape: tuple[int, ...]) -> None:
        signed = name == "log_weights"
        # A sum is not finite where an entry is not, and the minimum sees the sign: two passes without a copy.
        if values.shape != shape or not np.isfinite(values.sum()) or (not signed and values.min() < 0.0):
            raise DataError(
                name,
                f"must have the shape {shape} and be finite" + ("" if signed else " and at least 0"),
                f"shape {values.shape} with {int((~np.isfinite(values)).sum())} not finite",
                "simulate from a model with finite moments, and check its parameters",
            )
        values.flags.writeable = False

    @property
    def n_paths(self) -> int:
        """Number of paths."""
        return len(self.values)

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return int(self.values.shape[1])

    @property
    def horizon(self) -> pd.Timedelta:
        """Length of the whole path."""
        return self.step * self.n_steps

    @property
    def weights(self) -> Floats:
        """Weights of the paths, shape (n_paths,); their mean is 1 up to sampling error."""
        return np.ones(self.n_paths) if self.log_weights is None else np.asarray(np.exp(self.log_weights))

    @property
    def effective_paths(self) -> float:
        """Equally likely paths that know as much of a mean: (sum of weights) squared over the sum of squares."""
        w = self.weights
        return float(w.sum() ** 2 / (w @ w))

    def minimum(self, *, with_start: bool = False) -> Floats:
        """Return each path's lowest price over the starting price by asset, shape (n_paths, n_assets).

        The start (1) counts only `with_start`.
        """
        lowest = self.values.min(axis=1)
        return np.asarray(np.minimum(lowest, 1.0) if with_start else lowest)

    def maximum(self, *, with_start: bool = False) -> Floats:
        """Return each path's highest price over the starting price by asset, shape (n_paths, n_assets).

        The start (1) counts only `with_start`.
        """
        highest = self.values.max(axis=1)
        return np.asarray(np.maximum(highest, 1.0) if with_start else highest)

    def terminal(self) -> Floats:
        """Return the price at the end over the starting price, shape (n_paths, n_assets)."""
        return np.asarray(self.values[:, -1])

    @property
    def headline(self) -> str:
        """Assets, counts and engine in one line."""
        when = "" if self.as_of is None else f", as of {time_words(self.as_of)}"
        known = "" if self.log_weights is None else f" (worth {self.effective_paths:,.0f} equally likely)"
        count = f"{self.n_paths:,} paths{known} of {self.n_steps} steps of {length_words(self.step)}"
        return f"{', '.join(self.assets)}, {count}, {self.engine}{when}"

    def summary(self) -> pd.DataFrame:
        """Return weighted quantiles of the terminal price and of the lowest price by asset (over the start)."""
        columns: dict[tuple[str, str], list[float]] = {}
        for words, table in (("end", self.terminal()), ("lowest", self.minimum()), ("highest", self.maximum())):
            for name, values in zip(self.assets, table.T, strict=True):
                columns[name, words] = self._quantiles(values)
        frame = pd.DataFrame(columns, index=pd.Index(_QUANTILES, name="quantile of price / starting price"))
        return frame.sort_index(axis=1, level=0, sort_remaining=False)

    def _quantiles(self, values: Floats) -> list[float]:
        order, weights = np.argsort(values, kind="stable"), self.weights
        mass = np.cumsum(weights[order])
        places = np.searchsorted(mass, np.array(_QUANTILES) * mass[-1])
        return [float(v) for v in values[order][np.minimum(places, len(values) - 1)]]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a path and asset: end, lowest and highest price over the start, and the path's weight."""
        index = pd.MultiIndex.from_product([range(self.n_paths), self.assets], names=["path", "asset"])
        columns = {"end": self.terminal(), "lowest": self.minimum(), "highest": self.maximum()}
        frame = pd.DataFrame({words: table.ravel() for words, table in columns.items()}, index=index)
        return frame.assign(weight=np.repeat(self.weights, len(self.assets)))
