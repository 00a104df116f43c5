"""When one series helped to predict another: Granger tests in moving windows, their number counted.

A frame of changes enters; a `RollingGranger` leaves, whose adjusted p-values do not change as history grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_choice, check_count
from volkit.correlation.leadlag.granger import Covariance, check_granger, granger_test
from volkit.correlation.leadlag.regression import COVARIANCES, lagged_design, wald_test
from volkit.errors import ArgumentError
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["RollingGranger", "rolling_granger"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RollingGranger(ResultDisplay):
    """Granger tests in moving windows, watched until a stated number of rows.

    Attributes
    ----------
    path : DataFrame, shape (n_windows, 4)
        By `time` (UTC) of the last row of each window: `statistic` (F), `p_value`, `adjusted_p_value` over all windows
        of the horizon, `n` rows used. Each from that window only.
    caused : str
        Series that is predicted.
    causing : tuple of str
        Series whose past is tested.
    window, every, horizon : int
        Rows in a window, between windows, and to be watched in all.
    lags : int
        Periods of past.
    method : str
        In words.
    n_obs : int
        Rows of the sample.
    as_of : Timestamp
        Last time (UTC) of the sample.
    provenance : Provenance
        Series behind it.
    """

    path: pd.DataFrame
    caused: str
    causing: tuple[str, ...]
    window: int
    every: int
    horizon: int
    lags: int
    method: str
    n_obs: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Who to whom, and the windows that stay below 5 % after adjustment."""
        found = int((self.path["adjusted_p_value"] <= 0.05).sum())
        return f"{', '.join(self.causing)} to {self.caused}, {found} of {len(self.path)} windows below 0.05 adjusted"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        last = self.path.iloc[-1]
        facts = {
            "windows": str(len(self.path)),
            "smallest adjusted p-value": f"{self.path['adjusted_p_value'].min():.4f}",
            "latest p-value": f"{last['p_value']:.4f}",
            "latest adjusted p-value": f"{last['adjusted_p_value']:.4f}",
            "window, step, horizon (rows)": f"{self.window}, {self.every}, {self.horizon}",
            "method": self.method,
            "last time (UTC)": f"{self.as_of:%Y-%m-%d %H:%M}",
        }
        return pd.Series(facts, name=f"{', '.join(self.causing)} to {self.caused}").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the path as a tidy frame."""
        return self.path.reset_index()


def rolling_granger(
    changes: pd.DataFrame,
    *,
    caused: str,
    causing: str | Sequence[str],
    lags: int,
    window: int,
    horizon: int,
    rng: np.random.Generator,
    every: int = 1,
    covariance: Covariance = "robust",
    n_draws: int = 1999,
    provenance: Provenance | None = None,
) -> RollingGranger:
    """Return Granger tests in moving windows with p-values adjusted over all windows of a stated horizon.

    Parameters
    ----------
    changes, caused, causing, lags, covariance, provenance
        As in `granger_test`.
    window : int
        Rows in a window.
    horizon : int
        Rows until when the line is watched, at least those of the sample: the family is stated beforehand, so that
        a longer history does not change earlier p-values.
    rng : Generator
        For the law of the largest statistic; the same state gives the same p-values whatever the sample.
    every : int
        Rows between the ends of windows.
    n_draws : int
        Draws of that law.

    Returns
    -------
    RollingGranger
        Each value from its own window.

    Raises
    ------
    ArgumentError
        For an unknown choice, a bad count, a horizon below the rows of the sample or a window above them.
    DataError
        As `granger_test`, in every window.

    Notes
    -----
    Without causality the Wald statistics of windows of share w of the horizon tend to |B(s) - B(s - w)|^2 / w, B
    being as many Brownian motions as there are coefficients tested. The adjusted p-value is the chance that the
    largest of them over the horizon, at the same steps, exceeds the window's own, brought to that chi-squared
    scale by its p-value. Overlapping windows are hence not counted as if they were independent.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal((400, 2))
    >>> moves = pd.DataFrame(noise, index=pd.date_range("2022-01-01", periods=400, tz="UTC"), columns=["BTC", "SPX"])
    >>> rng = np.random.default_rng(2)
    >>> rolling_granger(
    ...     moves, caused="SPX", causing="BTC", lags=1, window=100, every=20, horizon=400, rng=rng, covariance="hac"
    ... )
    <RollingGranger: BTC to SPX, 0 of 16 windows below 0.05 adjusted>
    """
    names, values, index = check_granger(changes)
    width = check_count(window, argument="window", minimum=lags + 10, unit="rows")
    step = check_count(every, argument="every", unit="rows")
    total = check_count(horizon, argument="horizon", unit="rows")
    kind = check_choice(covariance, argument="covariance", choices=COVARIANCES)
    n_rows = len(index)
    if not width <= n_rows <= total:
        got = f"window {width}, {n_rows} rows, horizon {total}"
        raise ArgumentError("window and horizon", "must enclose the rows of the sample", got, "pass a longer horizon")
    # The first window decides whether the columns exist and can be told apart.
    first = granger_test(changes.iloc[:width], caused=caused, causing=causing, lags=lags, covariance=covariance)
    target, sources = names.index(caused), [names.index(name) for name in first.causing]
    ends = np.arange(width, n_rows + 1, step)
    tests, counts = [], []
    for end in ends:
        design = lagged_design(values[end - width : end], lags)
        tests.append(wald_test(design, target, design.columns_of(sources), covariance=kind, bandwidth=None))
        counts.append(len(design.rows))
    p_values = np.array([test.p_value for test in tests])
    m = len(sources) * lags
    law = _largest_window(m, width, step, total, check_count(n_draws, argument="n_draws", minimum=99), rng)
    scale = stats.chi2.isf(p_values, m)
    adjusted = (1.0 + (law[:, None] >= scale).sum(axis=0)) / (len(law) + 1.0)
    columns = {
        "statistic": [test.statistic for test in tests],
        "p_value": p_values,
        "adjusted_p_value": np.maximum(adjusted, p_values),
        "n": np.array(counts, dtype=np.float64),
    }
    return RollingGranger(
        path=freeze(pd.DataFrame(columns, index=index[ends - 1])),
        caused=caused,
        causing=first.causing,
        window=width,
        every=step,
        horizon=total,
        lags=lags,
        method=f"{first.method}; largest of the windows of {total} rows by {n_draws} draws of its law",
        n_obs=n_rows,
        as_of=index[-1],
        provenance=provenance or Provenance(()),
    )


def _largest_window(
    m: int, window: int, every: int, horizon: int, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the largest chi-squared statistic over all windows of the horizon, shape (n_draws,)."""
    largest = np.empty(n_draws)
    ends = np.arange(window, horizon + 1, every)
    batches = np.array_split(np.arange(n_draws), max(1, n_draws * horizon * m // 4_000_000))
    for rows in progress(batches, label="simulated critical values"):
        path = np.zeros((len(rows), m, horizon + 1))
        np.cumsum(rng.standard_normal((len(rows), m, horizon)), axis=2, out=path[:, :, 1:])
        moved = path[:, :, ends] - path[:, :, ends - window]
        largest[rows] = (moved**2).sum(axis=1).max(axis=1) / window
    return largest
