"""Financial turbulence: how unusual a row of returns is, given those before it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_count
from volkit.contagion.measures.samples import check_panel
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["TurbulencePath", "turbulence"]

Floats = npt.NDArray[np.float64]
_SINGULAR = 1e-10
# Windows at a time: each is a copy of its rows.
_CHUNK = 256
# A row with a larger share of a series' squares makes a covariance singular alone.
_OUTWEIGHS = 0.9999


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TurbulencePath(ResultDisplay):
    """Squared Mahalanobis distances of returns from the rows before them.

    Attributes
    ----------
    path : DataFrame, shape (n_rows, 4)
        By time (UTC): turbulence (squared distance over the number of series: about 1 on a usual day), magnitude (the
        same without correlations), correlation_surprise (their ratio: above 1 when series moved against their habit),
        tail_probability (of a distance as large, were returns normal).
    assets : tuple of str
        Names of the series.
    window : int or None
        Rows before each; None for all.
    as_of : Timestamp
        Label (UTC) of the last row used.
    n_obs : int
        Rows used.
    provenance : Provenance
        Series behind it.
    """

    path: pd.DataFrame
    assets: tuple[str, ...]
    window: int | None
    as_of: pd.Timestamp
    n_obs: int
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Latest and highest value in one line."""
        values = self.path["turbulence"]
        top = values.idxmax()
        return (
            f"turbulence of {len(self.assets)} series {values.iloc[-1]:.2f} as of {self.as_of.date()} (usual about 1), "
            f"highest {values.max():.1f} on {top.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the five most turbulent rows, the highest first."""
        return self.path.nlargest(5, "turbulence")

    def to_frame(self) -> pd.DataFrame:
        """Return the path."""
        return self.path.copy()


def turbulence(
    returns: pd.DataFrame,
    *,
    window: int | None = None,
    minimum: int = 250,
    provenance: Provenance | None = None,
) -> TurbulencePath:
    """Return how far each row of returns lies from the rows before it, in units of their covariance.

    Parameters
    ----------
    returns : DataFrame, shape (n_obs, n_assets)
        Returns, or changes each in its own unit, on UTC times without NaN; at least two series.
    window : int, optional
        Rows before each that mean and covariance come from; all by default.
    minimum : int
        With all rows: how many must lie before the first result. At least twice the series plus two.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    TurbulencePath
        The first result is that of the row after `window` or `minimum`. No row enters its own mean and covariance, and
        none after it does.

    Raises
    ------
    DataError
        For fewer than two series, missing values, too few rows, and series of which one follows from the others.
    ArgumentError
        For a window out of range.

    Notes
    -----
    d = (r - m)' S^-1 (r - m) / N [1]_; the original has moments of the whole sample, which look ahead. With m and S
    from n earlier normal rows, d n (n - N) / (n^2 - 1) has an F law with N and n - N degrees of freedom, whose tail is
    `tail_probability`. Returns have fat tails: 1e-4 is then far from rare. Magnitude and correlation surprise are those
    of [2]_.

    References
    ----------
    .. [1] Kritzman and Li (2010), Skulls, financial turbulence, and risk management, Financial Analysts Journal 66(5),
       30-41.
    .. [2] Kinlaw and Turkington (2014), Correlation surprise, Journal of Asset Management 14, 385-399.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2022-01-01", periods=600, tz="UTC")
    >>> frame = pd.DataFrame(0.01 * rng.standard_normal((600, 3)), index=times, columns=list("abc"))
    >>> path = turbulence(frame).path
    >>> len(path), round(float(path["turbulence"].mean()), 1)
    (350, 1.1)
    """
    if not isinstance(returns, pd.DataFrame) or returns.shape[1] < 2:
        got = f"{returns.shape[1]} columns" if isinstance(returns, pd.DataFrame) else type(returns).__name__
        raise DataError("returns", "must be a frame of at least two series", got, "pass two or more")
    k = returns.shape[1]
    argument = "minimum" if window is None else "window"
    first = check_count(minimum if window is None else window, argument=argument, unit="rows")
    if first < 2 * k + 2:
        got, remedy = f"{first} for {k} series", f"pass at least {2 * k + 2}"
        raise ArgumentError(argument, "must be long enough", got, remedy)
    frame = check_panel(returns, list(returns.columns), minimum=first + 1, any_unit=True)
    values = frame.to_numpy()
    n, mean, covariance = _moments_before(values, first, is_rolling=window is not None)
    _require_definite(covariance, values, frame, first=first, is_rolling=window is not None)
    away = values[first:] - mean
    squared = (away * np.linalg.solve(covariance, away[:, :, None])[:, :, 0]).sum(axis=1)
    plain = (away**2 / np.diagonal(covariance, axis1=1, axis2=2)).sum(axis=1)
    tail = stats.f.sf(squared / k * n * (n - k) / (n**2 - 1.0), k, n - k)
    columns = {
        "turbulence": squared / k,
        "magnitude": plain / k,
        "correlation_surprise": np.divide(squared, plain, out=np.ones(len(plain)), where=plain > 0.0),
        "tail_probability": tail,
    }
    return TurbulencePath(
        path=freeze(pd.DataFrame(columns, index=frame.index[first:])),
        assets=tuple(map(str, frame.columns)),
        window=window,
        as_of=frame.index[-1],
        n_obs=len(frame),
        provenance=Provenance(()) if provenance is None else provenance,
    )


def _moments_before(values: Floats, first: int, *, is_rolling: bool) -> tuple[Floats, Floats, Floats]:
    """Return number, mean and covariance of the rows before each from `first` on."""
    if is_rolling:
        return _moments_of_windows(values[:-1], first)
    # Less a constant that is known before the first result, so that sums of squares do not cancel.
    origin = values[:first].mean(axis=0)
    y = values - origin
    n = np.arange(first, len(values), dtype=np.float64)
    mean = np.cumsum(y, axis=0)[first - 1 : -1] / n[:, None]
    square = np.cumsum(y[:, :, None] * y[:, None, :], axis=0)[first - 1 : -1]
    spread = square - n[:, None, None] * mean[:, :, None] * mean[:, None, :]
    return n, mean + origin, spread / (n - 1.0)[:, None, None]


def _moments_of_windows(values: Floats, length: int) -> tuple[Floats, Floats, Floats]:
    """Return the same for windows, each summed anew: in a running sum one huge row would outlive its window."""
    views = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
    mean = np.empty(views.shape[:2])
    spread = np.empty((*views.shape[:2], views.shape[1]))
    for start in range(0, len(views), _CHUNK):
        part = slice(start, start + _CHUNK)
        mean[part] = views[part].mean(axis=2)
        away = views[part] - mean[part, :, None]
        spread[part] = away @ away.swapaxes(1, 2) / (length - 1.0)
    return np.full(len(views), float(length)), mean, spread


def _require_definite(covariance: Floats, values: Floats, frame: pd.DataFrame, *, first: int, is_rolling: bool) -> None:
    root = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    if (root > 0.0).all():
        smallest = np.linalg.eigvalsh(covariance / (root[:, :, None] * root[:, None, :]))[:, 0]
    else:
        smallest = np.where((root > 0.0).all(axis=1), 1.0, 0.0)
    if not (smallest < _SINGULAR).any():
        return
    at = first + int(np.argmax(smallest < _SINGULAR))
    rows = values[at - first if is_rolling else 0 : at]
    away = (rows - np.median(rows, axis=0)) ** 2
    total = away.sum(axis=0)
    share = np.divide(away.max(axis=0), total, out=np.zeros_like(total), where=total > 0.0)
    told = f"a singular covariance of the rows before {frame.index[at].date()}"
    if share.max() > _OUTWEIGHS:
        k = int(share.argmax())
        which = at - len(rows) + int(away[:, k].argmax())
        got = f"{told}: {values[which, k]:g} of {frame.columns[k]} on {frame.index[which].date()} outweighs all others"
        raise DataError("returns", "must not hang on one row", got, "repair or leave out that row")
    raise DataError("returns", "must be series of which none follows from the others", told, "leave one of them out")
