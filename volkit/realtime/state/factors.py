"""Many factors brought up to date together: one call of the kernel for all of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels
from volkit.realtime.state.bars import SkippedBar, reason_words, skipped_table
from volkit.realtime.state.live import LiveVolatility

__all__ = ["LiveFactors"]

_TAKEN, _ABSENT = 0, 7


class LiveFactors:
    """Live states of many factors on one clock.

    Parameters
    ----------
    states : sequence of LiveVolatility
        Recursions (GARCH, GJR, EWMA), one an asset, all after the same bar; they are copied. A HAR state renews once a
        period and is kept by itself.

    Raises
    ------
    ArgumentError
        For no states, two of one asset, HAR, or states after different bars.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, freq="1h", tz="UTC")
    >>> def state(name):
    ...     fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name=name), periods_per_year=8760)
    ...     return LiveVolatility.from_fit(fit, last_close=100.0)
    >>> factors = LiveFactors([state("BTC"), state("ETH")])
    >>> factors.update(pd.Timestamp("2024-01-03 12:00", tz="UTC"), [103.0, 100.0]).round(7).tolist()
    [0.000148, 9.4e-05]
    """

    __slots__ = ("_clocks", "_cores", "_factors", "_grids", "_n_slots", "_numbers", "_skipped", "assets", "models")

    def __init__(self, states: Sequence[LiveVolatility]) -> None:
        names = [s.model.asset for s in states]
        _check_states(states, names)
        self.assets = tuple(names)
        self.models = tuple(s.model for s in states)
        self._grids = np.stack([m.grid for m in self.models])
        self._cores = np.stack([m.core for m in self.models])
        self._n_slots = np.array([len(m.factors) for m in self.models])
        self._factors = np.ones((len(states), int(self._n_slots.max())))
        for row, model in zip(self._factors, self.models, strict=True):
            row[: len(model.factors)] = model.factors
        self._numbers = np.array([[s.level, s.last_close, 0.0] for s in states])
        self._clocks = np.array([[s.as_of.as_unit("ns").value, s.n_obs, 0, 0] for s in states])
        self._skipped: list[list[SkippedBar]] = [[] for _ in states]

    @property
    def as_of(self) -> pd.Series:
        """Label (UTC) of the last bar taken, by asset."""
        times = pd.to_datetime(self._clocks[:, 0], unit="ns", utc=True)
        return pd.Series(times.as_unit("us"), index=list(self.assets), name="as_of")

    @property
    def level(self) -> pd.Series:
        """Variance of each factor's next bar without season, decimal squared."""
        return pd.Series(self._numbers[:, 0].copy(), index=list(self.assets), name="level")

    def skipped(self, asset: str) -> pd.DataFrame:
        """Return bars of one asset that were left out: time, reason, value, last good bar."""
        return skipped_table(self._skipped[self.assets.index(asset)])

    def update(self, time: pd.Timestamp, closes: npt.ArrayLike) -> np.ndarray:
        """Take one bar of every asset, and return the variances of the next ones without season, shape (n_assets,).

        Parameters
        ----------
        time : Timestamp
            Open of the bar, UTC.
        closes : array_like, shape (n_assets,)
            In the order of `assets`; NaN where an asset has no bar. A price that cannot be used leaves that asset's
            state as it was and is in `skipped`; the others go on.

        Raises
        ------
        DataError
            For a naive time or another number of closes.
        """
        if time.tzinfo is None:
            raise DataError("time", "must be in UTC", f"the naive time {time}", 'pass time.tz_localize("UTC")')
        values = np.asarray(closes, dtype=np.float64)
        if values.shape != (len(self.assets),):
            raise DataError(
                "closes", f"must be {len(self.assets)} prices", f"shape {values.shape}", "pass one an asset"
            )
        return self._run(np.array([time.value]), np.ascontiguousarray(values[:, None]))[:, 0]

    def follow(self, close: pd.DataFrame) -> pd.DataFrame:
        """Take a table of closes, and return the variances known after each row, without season.

        Parameters
        ----------
        close : DataFrame, shape (n_bars, n_assets)
            Index: opens of the bars (UTC); a column an asset; NaN where it has no bar.

        Returns
        -------
        DataFrame, shape (n_bars, n_assets)
            Decimal squared, per bar.

        Raises
        ------
        DataError
            For missing assets or an index that is not of UTC times.
        """
        if missing := [a for a in self.assets if a not in close.columns]:
            raise DataError("close", "must have a column an asset", f"none of {', '.join(missing)}", "add them")
        index = close.index
        if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
            remedy = 'label the bars by their opens, e.g. close.tz_localize("UTC")'
            raise DataError("close", "must be labelled by UTC times", f"an index of {index.dtype}", remedy)
        values = np.ascontiguousarray(close[list(self.assets)].to_numpy(dtype=np.float64).T)
        levels = self._run(index.as_unit("ns").asi8, values)
        return pd.DataFrame(levels.T, index=index, columns=list(self.assets))

    def _run(self, times: np.ndarray, values: np.ndarray) -> np.ndarray:
        levels, status = np.empty(values.shape), np.empty(values.shape, dtype=np.int64)
        before = self._clocks[:, 0].copy()
        load_kernels("volkit.realtime.state._kernels").follow_many(
            times, values, self._grids, self._cores, self._factors, self._n_slots, self._numbers, self._clocks, levels,
            status,
        )  # fmt: skip
        for a, i in zip(*np.nonzero((status != _TAKEN) & (status != _ABSENT)), strict=True):
            taken = times[:i][status[a, :i] == _TAKEN]
            last = int(taken[-1]) if len(taken) else int(before[a])
            stamps = [pd.Timestamp(int(t), unit="ns", tz="UTC") for t in (times[i], last)]
            self._skipped[a].append(SkippedBar(stamps[0], reason_words(status[a, i]), float(values[a, i]), stamps[1]))
        return levels


def _check_states(states: Sequence[LiveVolatility], names: list[str]) -> None:
    if not states or len(set(names)) < len(names):
        got = ", ".join(names) or "none"
        raise ArgumentError("states", "must be one an asset", got, "pass a state of each asset")
    if har := [s.model.asset for s in states if s.model.kind != "recursion"]:
        raise ArgumentError("states", "must be recursions", f"HAR of {', '.join(har)}", "update that state by itself")
    if len({s.as_of for s in states}) > 1:
        got = ", ".join(f"{s.model.asset} after {s.as_of}" for s in states)
        raise ArgumentError("states", "must stand after the same bar", got, "bring them to one bar first")
