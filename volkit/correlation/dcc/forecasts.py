"""Correlations and covariances of the periods ahead, and simulated paths of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.results import Provenance, ResultDisplay

__all__ = ["CorrelatedPaths", "CorrelationForecast", "ForecastRule", "expected_correlations"]

ForecastRule = Literal["R", "Q"]
FORECAST_RULES: tuple[ForecastRule, ...] = ("R", "Q")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CorrelationForecast(ResultDisplay):
    """Expected correlations and covariances of the periods after a fit's last one.

    Attributes
    ----------
    assets : tuple of str
        Names of the series.
    correlation : ndarray, shape (horizon, n_assets, n_assets)
        No unit, positive semi-definite; read-only.
    covariance : ndarray, shape (horizon, n_assets, n_assets)
        Decimal squared, per period; read-only.
    rule : {"R", "Q"}
        What is taken to decay towards its long-run level: the correlation matrix or Q.
    spec : str
        The model in words.
    as_of : Timestamp
        Label (UTC) of the last period used.
    n_obs : int
        Periods used.
    periods_per_year : float
        Of the clock.
    provenance : Provenance
        Series behind it.
    """

    assets: tuple[str, ...]
    correlation: np.ndarray
    covariance: np.ndarray
    rule: ForecastRule
    spec: str
    as_of: pd.Timestamp
    n_obs: int
    periods_per_year: float
    provenance: Provenance

    @property
    def horizon(self) -> int:
        """Periods ahead."""
        return len(self.correlation)

    @property
    def horizon_covariance(self) -> pd.DataFrame:
        """Covariance of the sums of the returns over the horizon, decimal squared, shape (n_assets, n_assets)."""
        names = list(self.assets)
        return pd.DataFrame(self.covariance.sum(axis=0), index=names, columns=names)

    @property
    def headline(self) -> str:
        """Model, horizon and the first pair's first and last correlation in one line."""
        first, last = self.correlation[0, 0, 1], self.correlation[-1, 0, 1]
        pair = f"{self.assets[0]} and {self.assets[1]} {first:.2f}, then {last:.2f}"
        return f"{self.spec}, {self.horizon} periods from {self.as_of.date()} ({self.rule} decays), {pair}"

    def summary(self) -> pd.DataFrame:
        """Return the correlations (no unit) of every pair, one column a pair, by period ahead."""
        tidy = self.to_frame()
        return tidy.pivot_table(index="periods ahead", columns=["first", "second"], values="correlation")

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: periods ahead, first, second, correlation (no unit), covariance (decimal squared)."""
        i, j = np.triu_indices(len(self.assets), k=1)
        names, steps = np.array(self.assets, dtype=object), np.arange(1, self.horizon + 1)
        return pd.DataFrame(
            {
                "periods ahead": np.repeat(steps, len(i)),
                "first": np.tile(names[i], self.horizon),
                "second": np.tile(names[j], self.horizon),
                "correlation": self.correlation[:, i, j].ravel(),
                "covariance": self.covariance[:, i, j].ravel(),
            }
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CorrelatedPaths:
    """Simulated returns of several series, from the period after the last on.

    Attributes
    ----------
    returns : ndarray, shape (n_paths, horizon, n_assets)
        Decimal, per period.
    correlation : ndarray, shape (n_paths, n_assets, n_assets)
        Of the last period, given the path before it.
    assets : tuple of str
        Names of the series.
    as_of : Timestamp
        Label (UTC) of the last period used.
    """

    returns: np.ndarray
    correlation: np.ndarray
    assets: tuple[str, ...]
    as_of: pd.Timestamp


def expected_correlations(
    first: np.ndarray, target: np.ndarray, *, decay: float, horizon: int, rule: ForecastRule
) -> np.ndarray:
    """Return expected correlation matrices, shape (horizon, N, N), from the first Q and its target, shape (N, N).

    Notes
    -----
    With the decay k = a + b (falls are taken to keep weighing what they weigh on average, E n n' = Nbar), R takes
    R_(t+h) = Rbar + k^(h-1) (R_(t+1) - Rbar), Q the same of Q, made a correlation matrix afterwards (Engle and
    Sheppard 2001, section 5). Neither is exact, since Q has the mean of x x' only as long as its diagonal is one;
    R has the smaller bias in their simulations.

    Examples
    --------
    >>> Q = np.array([[1.0, 0.8], [0.8, 1.0]])
    >>> expected_correlations(Q, np.eye(2), decay=0.5, horizon=3, rule="R")[:, 0, 1].round(3)
    array([0.8, 0.4, 0.2])
    """
    if rule == "R":
        first, target = _normalised(first), _normalised(target)
    weights = decay ** np.arange(horizon)[:, None, None]
    return _normalised(target + weights * (first - target))


def _normalised(Q: np.ndarray) -> np.ndarray:
    root = np.sqrt(np.diagonal(Q, axis1=-2, axis2=-1))
    R = Q / (root[..., :, None] * root[..., None, :])
    diagonal = np.arange(Q.shape[-1])
    R[..., diagonal, diagonal] = 1.0
    return np.asarray(R)
