"""Losses above a threshold: which they are, how they cluster, and one peak for each cluster.

Losses in any unit enter, large when bad: fire claims, or returns through `volkit.conventions.losses`. What leaves are
the exceedances that the models of the tail are fitted to.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count, check_times, real_floats, real_number, refuse_odd_scale
from volkit.errors import ArgumentError, DataError
from volkit.results import ResultDisplay, freeze

__all__ = ["ClusterPeaks", "Losses", "check_losses", "decluster", "extremal_index", "tail_threshold"]

Losses: TypeAlias = npt.ArrayLike | pd.Series


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ClusterPeaks(ResultDisplay):
    """The largest loss of each cluster of exceedances.

    Attributes
    ----------
    peaks : Series, shape (n_peaks,)
        Largest losses, in the unit of the losses, by the time or place at which they stood.
    sizes : Series, shape (n_peaks,)
        Exceedances in each cluster, same index.
    threshold : float
        Exceedances lie strictly above it.
    run_length : int
        Losses in a row at or below the threshold that end a cluster.
    n_obs : int
        Losses looked through.
    """

    peaks: pd.Series
    sizes: pd.Series
    threshold: float
    run_length: int
    n_obs: int

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Time (UTC) of the last peak, None where the losses have no times."""
        return self.peaks.index[-1] if isinstance(self.peaks.index, pd.DatetimeIndex) else None

    @property
    def n_exceedances(self) -> int:
        """Losses above the threshold."""
        return int(self.sizes.sum())

    @property
    def n_peaks(self) -> int:
        """Clusters."""
        return len(self.peaks)

    @property
    def extremal_index(self) -> float:
        """Clusters over exceedances: the runs estimate of the extremal index (no unit)."""
        return self.n_peaks / self.n_exceedances

    @property
    def headline(self) -> str:
        """Counts and the extremal index in one line."""
        return (
            f"{self.n_peaks} clusters of {self.n_exceedances} exceedances above {self.threshold:g} in {self.n_obs:,}, "
            f"run length {self.run_length}, extremal index {self.extremal_index:.2f}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the counts (no unit) and the size of the clusters (exceedances)."""
        rows = {
            "losses": self.n_obs,
            "exceedances": self.n_exceedances,
            "clusters": self.n_peaks,
            "extremal index (runs estimate)": self.extremal_index,
            "largest cluster (exceedances)": int(self.sizes.max()),
        }
        return pd.DataFrame({"value": rows}).rename_axis(f"above {self.threshold:g}, run length {self.run_length}")

    def to_frame(self) -> pd.DataFrame:
        """Return peak (unit of the losses) and size (exceedances) of each cluster."""
        return pd.DataFrame({"peak": self.peaks, "size": self.sizes})


def check_losses(losses: Losses, *, argument: str = "losses", minimum: int = 20) -> pd.Series:
    """Return losses as a float64 Series, refusing what would silently give a wrong tail.

    Parameters
    ----------
    losses : array_like or Series, shape (n_obs,)
        Positive where money is lost, any unit; a Series indexed by time must be in UTC and sorted.
    argument : str
        Name for messages.
    minimum : int
        Least number of losses.

    Returns
    -------
    Series, shape (n_obs,)
        Index: UTC times where there were any, else the positions from 0.

    Raises
    ------
    DataError
        For more than one column, text, NaN or infinity (with their count), too few losses, no variation, or losses
        whose squares are zero or infinite.

    Examples
    --------
    >>> check_losses([3.0, float("nan")], minimum=1)
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: losses must be finite; got 1 NaN or infinite values, first at 1; drop them and count them.
    """
    name = f"{argument} of {losses.name}" if isinstance(losses, pd.Series) and losses.name is not None else argument
    if np.ndim(losses) != 1:
        got = f"{np.ndim(losses)} dimensions"
        raise DataError(name, "must be one column of losses", got, f"pass one column, e.g. {argument}['BTC']")
    try:
        values = real_floats(losses)
    except (TypeError, ValueError) as error:
        raise DataError(name, "must be numbers", type(losses).__name__, "convert them to numbers first") from error
    index: pd.Index = pd.RangeIndex(len(values), name="position")
    if isinstance(losses, pd.Series) and isinstance(losses.index, pd.DatetimeIndex):
        index = check_times(losses.index, argument=name)
    bad = ~np.isfinite(values)
    if bad.any():
        got = f"{int(bad.sum())} NaN or infinite values, first at {index[bad][0]}"
        raise DataError(name, "must be finite", got, "drop them and count them")
    if len(values) < minimum:
        raise DataError(name, f"must have at least {minimum} observations", str(len(values)), "pass a longer history")
    if np.ptp(values) == 0.0:
        raise DataError(name, "must vary", f"{len(values)} times the value {values[0]:g}", "check where they come from")
    refuse_odd_scale(values, argument=name)
    return pd.Series(values, index=index, name=losses.name if isinstance(losses, pd.Series) else None)


def tail_threshold(losses: Losses, *, tail_share: float) -> float:
    """Return the loss above which a share of all losses lies.

    Parameters
    ----------
    losses : array_like or Series, shape (n_obs,)
        Any unit.
    tail_share : float
        Fraction of the losses above, above 0 and at most 0.5.

    Returns
    -------
    float
        The largest loss but k, with k = floor(tail_share n_obs): k losses lie above it, fewer where losses
        are equal to it.

    Raises
    ------
    ArgumentError, DataError
        For a share outside these limits, and for what `check_losses` refuses.

    Examples
    --------
    >>> tail_threshold(range(1, 101), tail_share=0.05)
    95.0
    """
    if not 0.0 < real_number(tail_share, argument="tail_share") <= 0.5:
        remedy = f"pass tail_share={tail_share / 100 if 0.5 < tail_share <= 50 else 0.05:g}"
        raise ArgumentError("tail_share", "must be a fraction above 0 and at most 0.5", f"{tail_share!r}", remedy)
    values = check_losses(losses).to_numpy()
    k = int(np.floor(tail_share * len(values)))
    return float(np.sort(values)[len(values) - 1 - k])


def decluster(losses: Losses, *, threshold: float, run_length: int) -> ClusterPeaks:
    """Return the largest loss of each cluster of exceedances (runs declustering).

    Parameters
    ----------
    losses : array_like or Series, shape (n_obs,)
        Any unit, in order of time.
    threshold : float
        In the unit of the losses; exceedances lie strictly above.
    run_length : int
        Observations in a row at or below the threshold after which a cluster has ended, at least 1.

    Returns
    -------
    ClusterPeaks
        The earlier one where two losses of a cluster are equal.

    Raises
    ------
    ArgumentError, DataError
        For a run length below 1, a threshold that no loss exceeds, and for what `check_losses` refuses.

    Notes
    -----
    Coles [1]_, section 5.3.2. The extremal index estimated by clusters over exceedances depends on the run
    length; `extremal_index` does not, and its inverse is the mean size of a cluster to aim at.

    References
    ----------
    .. [1] Coles, S. (2001). An Introduction to Statistical Modeling of Extreme Values. Springer.

    Examples
    --------
    >>> losses = [0.0, 5.0, 6.0, 0.0, 0.0, 7.0, 0.0, 8.0, 0.0, 0.0]
    >>> decluster(losses * 3, threshold=1.0, run_length=2).peaks.tolist()
    [6.0, 8.0, 6.0, 8.0, 6.0, 8.0]
    """
    gap = check_count(run_length, argument="run_length", unit="observations")
    checked = check_losses(losses)
    values = checked.to_numpy()
    above = _positions_above(values, threshold)
    # A gap of r observations below the threshold puts r + 1 steps between two exceedances.
    starts = np.concatenate([[0], np.flatnonzero(np.diff(above) > gap) + 1])
    ends = np.append(starts[1:], len(above))
    peaks = [above[a:b][np.argmax(values[above[a:b]])] for a, b in zip(starts, ends, strict=True)]
    largest = checked.iloc[peaks]
    return ClusterPeaks(
        peaks=freeze(largest),
        sizes=freeze(pd.Series(ends - starts, index=largest.index, name="size")),
        threshold=float(threshold),
        run_length=gap,
        n_obs=len(values),
    )


def extremal_index(losses: Losses, *, threshold: float) -> float:
    """Return the extremal index by the intervals estimator: one over the mean size of a cluster.

    Parameters
    ----------
    losses : array_like or Series, shape (n_obs,)
        Any unit, in order of time, at equal steps.
    threshold : float
        In the unit of the losses.

    Returns
    -------
    float
        From near 0 (long clusters) to 1 (no clusters), no unit.

    Raises
    ------
    ArgumentError, DataError
        For a threshold that fewer than three losses exceed, and for what `check_losses` refuses.

    Notes
    -----
    With the times T_i between the N exceedances, theta = 2 (sum (T_i - 1))^2 / ((N - 1) sum (T_i - 1)(T_i - 2)),
    or 2 (sum T_i)^2 / ((N - 1) sum T_i^2) when no T_i is above 2, and at most 1 [1]_. It needs no run length.
    Not for series with gaps in time: a gap counts as one step.

    References
    ----------
    .. [1] Ferro, C. A. T. and Segers, J. (2003). Inference for clusters of extreme values. Journal of the
       Royal Statistical Society B 65, 545-556.

    Examples
    --------
    >>> extremal_index(np.random.default_rng(1).pareto(3, 5000), threshold=1.0) > 0.9
    True
    """
    above = _positions_above(check_losses(losses).to_numpy(), threshold, at_least=3)
    T = np.diff(above).astype(np.float64)
    if T.max() <= 2:
        theta = 2.0 * T.sum() ** 2 / (len(T) * (T**2).sum())
    else:
        theta = 2.0 * (T - 1.0).sum() ** 2 / (len(T) * ((T - 1.0) * (T - 2.0)).sum())
    return float(min(1.0, theta))


def _positions_above(values: np.ndarray, threshold: float, *, at_least: int = 1) -> np.ndarray:
    above = np.flatnonzero(values > threshold)
    if len(above) < at_least:
        raise ArgumentError(
            "threshold",
            f"must lie below at least {at_least} of the losses",
            f"{threshold:g} with {len(above)} above it (largest loss {values.max():g})",
            "pass a lower threshold, e.g. tail_threshold(losses, tail_share=0.05)",
        )
    return above
