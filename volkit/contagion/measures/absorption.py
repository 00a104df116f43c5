"""The absorption ratio: how much of all variance a few common factors take, through time."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_choice, check_confidence, check_count
from volkit.contagion.measures.samples import check_panel
from volkit.correlation.intervals import ewc_freedom, ewc_variance
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["AbsorptionPath", "absorption_ratio"]

Floats = npt.NDArray[np.float64]
Matrix = Literal["correlation", "covariance"]
# Windows at a time: each is a copy of its rows.
_CHUNK = 256
# Kritzman and co-authors take a fifth of the series as factors.
_FACTOR_SHARE = 0.2
_NOISE_LEVEL = 0.95


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class AbsorptionPath(ResultDisplay):
    """Share of variance in the first eigenvectors, by the end of its window. Decimals.

    Attributes
    ----------
    path : DataFrame, shape (n_windows, 3)
        ratio, lower, upper by the label (UTC) of the window's last row.
    assets : tuple of str
        Names of the series.
    window : int
        Rows.
    n_components : int
        Eigenvectors counted.
    matrix : {"correlation", "covariance"}
        Whose.
    noise, noise_upper : float
        Mean and 95 % quantile of the ratio of as many independent normal series over one window; NaN without draws.
    confidence : float
        Of the pointwise intervals.
    as_of : Timestamp
        Label (UTC) of the last row used.
    n_obs : int
        Rows used.
    provenance : Provenance
        Series behind it.
    """

    path: pd.DataFrame
    assets: tuple[str, ...]
    window: int
    n_components: int
    matrix: Matrix
    noise: float
    noise_upper: float
    confidence: float
    as_of: pd.Timestamp
    n_obs: int
    provenance: Provenance

    def shift(self, *, short: int = 15, long: int = 250) -> pd.Series:
        """Return the mean of the last `short` ratios less that of the last `long`, over the spread of the latter.

        Parameters
        ----------
        short, long : int
            Windows; the defaults are those of Kritzman and co-authors.

        Returns
        -------
        Series
            No unit, by time (UTC); NaN before `long` ratios are known.

        Raises
        ------
        ArgumentError
            For a short span that is not shorter.
        """
        few = check_count(short, argument="short", unit="windows")
        many = check_count(long, argument="long", minimum=2, unit="windows")
        if few >= many:
            raise ArgumentError("short", "must be below long", f"{few} and {many}", "pass for example 15 and 250")
        ratio = self.path["ratio"]
        slow = ratio.rolling(many)
        return ((ratio.rolling(few).mean() - slow.mean()) / slow.std()).rename("shift")

    @property
    def headline(self) -> str:
        """Latest ratio, its interval and what noise would give in one line."""
        last = self.path.iloc[-1]
        noise = f", {percent_to(self.noise)} under independence" if np.isfinite(self.noise) else ""
        return (
            f"{self.n_components} of {len(self.assets)} factors absorb {percent_to(last['ratio'])} "
            f"[{percent_to(last['lower'])}, {percent_to(last['upper'])}]{noise}; {self.window} rows to "
            f"{self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return lowest, median, highest and latest ratio (decimals) with their intervals."""
        ratio = self.path["ratio"]
        middle = (ratio - ratio.median()).abs().idxmin()
        rows = {"lowest": ratio.idxmin(), "median": middle, "highest": ratio.idxmax(), "latest": ratio.index[-1]}
        table = self.path.loc[list(rows.values())].set_axis(list(rows))
        table.insert(0, "as of", list(rows.values()))
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return the path."""
        return self.path.copy()


def absorption_ratio(
    returns: pd.DataFrame,
    *,
    window: int,
    n_components: int | None = None,
    matrix: Matrix = "correlation",
    confidence: float = 0.95,
    n_draws: int = 500,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> AbsorptionPath:
    """Return the share of variance that the first eigenvectors take, over rolling windows.

    Parameters
    ----------
    returns : DataFrame, shape (n_obs, n_assets)
        Returns, or changes each in its own unit, on UTC times without NaN; at least three series.
    window : int
        Rows, at least 20 and more than there are series; each ratio uses the rows up to its label and no later one.
    n_components : int, optional
        Eigenvectors; a fifth of the series, at least one, by default.
    matrix : {"correlation", "covariance"}
        The covariance lets the most volatile series dominate.
    confidence : float
        Of the pointwise intervals.
    n_draws : int
        Windows of independent normal series for the noise, with `rng`. For the covariance they have the volatilities of
        the whole sample.
    rng : Generator, optional
        Draws them; without it the noise is NaN.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    AbsorptionPath
        Decimals.

    Raises
    ------
    DataError
        For fewer than three series, missing values, too few rows, or a series that is constant over a window.
    ArgumentError
        For a window or a number of components out of range.

    Notes
    -----
    Kritzman, Li, Page and Rigobon (2011), Principal components as a measure of systemic risk, Journal of Portfolio
    Management 37(4), 112-126. With eigenvalues l_j and eigenvectors v_j, the influence of a row z (standardised) on the
    ratio of a correlation matrix is sum_j ((v_j'z)^2 - l_j sum_k v_jk^2 z_k^2) / N, and of a row y on that of a
    covariance sum_j ((v_j'y)^2 - AR y'y) / trace; their equal-weighted-cosine variance gives the interval (Lazarus,
    Lewis, Stock and Watson 2018). The largest eigenvalue of a sample is too large even under independence: compare with
    `noise`, not with n_components / n_assets.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> common = rng.standard_normal((600, 1))
    >>> times = pd.date_range("2022-01-01", periods=600, tz="UTC")
    >>> frame = pd.DataFrame(0.01 * (common + rng.standard_normal((600, 5))), index=times, columns=list("abcde"))
    >>> absorption_ratio(frame, window=250, rng=rng)
    <AbsorptionPath: 1 of 5 factors absorb 60.2 % [54.5 %, 65.9 %], 23.6 % under independence; 250 rows to 2023-08-23>
    """
    check_choice(matrix, argument="matrix", choices=("correlation", "covariance"))
    level = check_confidence(confidence)
    length = check_count(window, argument="window", minimum=20, unit="rows")
    if not isinstance(returns, pd.DataFrame) or returns.shape[1] < 3:
        got = f"{returns.shape[1]} columns" if isinstance(returns, pd.DataFrame) else type(returns).__name__
        raise DataError("returns", "must be a frame of at least three series", got, "pass three or more")
    frame = check_panel(returns, list(returns.columns), minimum=length, any_unit=True)
    n_obs, k = frame.shape
    if length <= k:
        raise ArgumentError("window", "must be above the number of series", f"{length} for {k}", "lengthen it")
    n = max(1, round(_FACTOR_SHARE * k)) if n_components is None else n_components
    if check_count(n, argument="n_components", unit="eigenvectors") >= k:
        raise ArgumentError("n_components", "must be below the number of series", f"{n} of {k}", "pass fewer")
    values = frame.to_numpy()
    parts = [_ratios(chunk, n, matrix) for chunk in _windows(values, length, frame.index)]
    ratio, error, freedom = (np.concatenate(part) for part in zip(*parts, strict=True))
    half = stats.t.ppf(0.5 + 0.5 * level, freedom) * error
    path = pd.DataFrame(
        {"ratio": ratio, "lower": np.maximum(ratio - half, 0.0), "upper": np.minimum(ratio + half, 1.0)},
        index=frame.index[length - 1 :],
    )
    noise, noise_upper = float("nan"), float("nan")
    if rng is not None:
        scale = values.std(axis=0) if matrix == "covariance" else np.ones(k)
        count = check_count(n_draws, argument="n_draws", unit="draws")
        drawn = _ratios(rng.standard_normal((count, length, k)) * scale, n, matrix)[0]
        noise, noise_upper = float(drawn.mean()), float(np.quantile(drawn, _NOISE_LEVEL))
    return AbsorptionPath(
        path=freeze(path),
        assets=tuple(map(str, frame.columns)),
        window=length,
        n_components=n,
        matrix=matrix,
        noise=noise,
        noise_upper=noise_upper,
        confidence=level,
        as_of=frame.index[-1],
        n_obs=n_obs,
        provenance=Provenance(()) if provenance is None else provenance,
    )


def _windows(values: Floats, length: int, times: pd.Index) -> list[Floats]:
    """Return stacks of windows, each of shape (n, length, n_assets)."""
    views = np.lib.stride_tricks.sliding_window_view(values, length, axis=0).swapaxes(1, 2)
    chunks = []
    for first in range(0, len(views), _CHUNK):
        chunk = views[first : first + _CHUNK]
        flat = np.ptp(chunk, axis=1) == 0.0
        if flat.any():
            i, k = np.argwhere(flat)[0]
            got = f"series {k} constant over the {length} rows to {times[first + i + length - 1].date()}"
            raise DataError("returns", "must vary in every window", got, "lengthen the window or leave the series out")
        chunks.append(chunk)
    return chunks


def _ratios(stack: Floats, n: int, matrix: str) -> tuple[Floats, Floats, Floats]:
    """Return ratio, standard error and degrees of freedom of windows, shape (n_windows, length, n_assets)."""
    y = stack - stack.mean(axis=1, keepdims=True)
    if matrix == "correlation":
        y = y / np.sqrt((y**2).mean(axis=1, keepdims=True))
    moments = y.swapaxes(1, 2) @ y / y.shape[1]
    values, vectors = np.linalg.eigh(moments)
    top, v = values[:, -n:], vectors[:, :, -n:]
    trace = values.sum(axis=1)
    ratio = top.sum(axis=1) / trace
    along = ((y @ v) ** 2).sum(axis=2)
    own = y**2
    if matrix == "correlation":
        pull = np.einsum("wn,wkn,wtk->wt", top, v**2, own)
    else:
        pull = ratio[:, None] * own.sum(axis=2)
    psi = (along - pull) / trace[:, None]
    return ratio, np.sqrt(ewc_variance(psi)), ewc_freedom(psi)
