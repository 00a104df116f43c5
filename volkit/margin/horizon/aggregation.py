"""Volatility and tails over a horizon: what a model of one period says of many.

Variances of a GARCH process return to their long-run level, so that the volatility over ten days is not the one of
tomorrow times the root of ten. Square-root time is here under its own name and says by how much it is off.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError, VolkitWarning
from volkit.formatting import percent_to
from volkit.margin.horizon.clock import Horizon
from volkit.margin.horizon.fitted import check_fit_horizon
from volkit.results import Provenance, ResultDisplay
from volkit.volatility import VolatilityFit, simulate_paths
from volkit.volatility.forecasts import ForecastMethod

__all__ = ["HorizonVolatility", "SquareRootTimeWarning", "horizon_volatility", "scale_tail", "square_root_volatility"]


class SquareRootTimeWarning(VolkitWarning):
    """Volatility was scaled by the square root of time although the model says otherwise."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class HorizonVolatility(ResultDisplay):
    """Volatility of the return over a whole horizon.

    Attributes
    ----------
    asset, spec : str
        Series and model.
    volatility : float
        Over the horizon, decimal.
    next_volatility : float
        Of the next period, decimal.
    horizon : Horizon
        Periods and their length.
    method : str
        How the periods were put together.
    n_paths : int
        0 in closed form.
    standard_error : float
        Monte Carlo error of the volatility, decimal; 0 in closed form.
    as_of : Timestamp
        Label (UTC) of the last return used.
    provenance : Provenance
        Sources and hashes behind the fit.
    """

    asset: str
    spec: str
    volatility: float
    next_volatility: float
    horizon: Horizon
    method: str
    n_paths: int
    standard_error: float
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def square_root_of_time(self) -> float:
        """Next period's volatility times the root of the periods, decimal: right only when variances stay put."""
        return self.next_volatility * float(np.sqrt(self.horizon.periods))

    @property
    def headline(self) -> str:
        """Asset, horizon and volatility in one line."""
        error = f" +- {self.standard_error:.2g}" if self.n_paths else ""
        return (
            f"{self.asset}, {self.spec}, {self.horizon}: volatility {self.volatility:.4g}{error} ({self.method}), "
            f"square-root time {self.square_root_of_time:.4g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the volatility over the horizon (decimal) beside square-root time, and their ratio."""
        ratio = self.square_root_of_time / self.volatility
        rows = {
            "volatility over the horizon (decimal)": self.volatility,
            "Monte Carlo error (decimal)": self.standard_error,
            "square-root time (decimal)": self.square_root_of_time,
            "square-root time / volatility (ratio)": ratio,
        }
        return pd.DataFrame({str(self.horizon): rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def horizon_volatility(
    fit: VolatilityFit,
    *,
    horizon: int | pd.Timedelta,
    method: ForecastMethod = "closed form",
    n_paths: int = 10_000,
    rng: np.random.Generator | None = None,
) -> HorizonVolatility:
    """Return the volatility of the sum of the returns over a horizon, variances added up period by period.

    Parameters
    ----------
    fit : VolatilityFit
        Converged.
    horizon : int or Timedelta
        Periods of the fit's clock, or a whole number of them as a length.
    method : {"closed form", "simulation", "bootstrap"}
        Expected variances in closed form, over paths of the fitted law, or over paths of past shocks (filtered
        historical simulation).
    n_paths : int
        Of the last two.
    rng : Generator, optional
        Needed for the last two.

    Returns
    -------
    HorizonVolatility
        Of log returns added up; compounded simple returns differ in the second order.

    Raises
    ------
    ArgumentError
        For a bad horizon, an unknown method, no generator where one is needed, and closed form for a model whose mean
        has lags or whose expected variance has none.
    ConvergenceError
        When the fit did not converge.

    Notes
    -----
    For GARCH(1,1) the closed form is h V + (1 - p^h) / (1 - p) (s - V) with the long-run variance V, persistence p
    and next variance s; returns of different periods are uncorrelated, so that variances add.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> print(horizon_volatility(fit, horizon=pd.Timedelta("4D")).headline)
    BTC, EWMA half-life 11.2, 4 periods of 1 d: volatility 0.02 (closed form), square-root time 0.02
    """
    over = check_fit_horizon(fit, horizon)
    if method == "closed form":
        if fit.recursion.ar:
            raise ArgumentError(
                "method",
                "must be simulation or bootstrap where the mean has lags, whose returns are correlated",
                "closed form",
                'pass method="simulation", rng=numpy.random.default_rng(seed)',
            )
        variance, error, count = fit.forecast(horizon=over.periods).variance.sum(), 0.0, 0
    else:
        paths = simulate_paths(fit, horizon=over.periods, rng=rng, n_paths=n_paths, method=method)
        # Variances along a path are less noisy than squared returns, but know nothing of lags in the mean.
        sums = (
            (paths.returns.sum(axis=1) - paths.returns.sum(axis=1).mean()) ** 2
            if fit.recursion.ar
            else paths.variances.sum(axis=1)
        )
        variance, count = sums.mean(), len(sums)
        error = float(sums.std(ddof=1) / np.sqrt(count) / (2.0 * np.sqrt(variance)))
    return _result(fit, over, float(np.sqrt(variance)), method, count, error)


def square_root_volatility(fit: VolatilityFit, *, horizon: int | pd.Timedelta) -> HorizonVolatility:
    """Return next period's volatility times the root of the periods, and warn by how much the model disagrees.

    Parameters
    ----------
    fit, horizon
        As in `horizon_volatility`.

    Returns
    -------
    HorizonVolatility
        Method "square root of time".

    Raises
    ------
    ArgumentError, ConvergenceError
        As `horizon_volatility` in closed form.

    Warns
    -----
    SquareRootTimeWarning
        With the measured ratio, whenever it is off by more than 0.1 %.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> round(square_root_volatility(fit, horizon=4).volatility, 4)  # EWMA is a model for which it holds
    0.02
    """
    added = horizon_volatility(fit, horizon=horizon)
    scaled, right = added.square_root_of_time, added.volatility
    if abs(scaled / right - 1.0) > 1e-3:
        warnings.warn(
            f"square-root time gives {scaled:.4g} over {added.horizon} where the variances of {fit.spec} add up to "
            f"{right:.4g}: {percent_to(abs(scaled / right - 1.0))} too {'high' if scaled > right else 'low'}. Use "
            "horizon_volatility.",
            SquareRootTimeWarning,
            stacklevel=2,
        )
    return _result(fit, added.horizon, scaled, "square root of time", 0, 0.0)


def scale_tail(loss: float, *, periods: int | float, shape: float) -> float:
    """Return a far quantile of the loss over several periods from that of one, for independent heavy tails.

    Parameters
    ----------
    loss : float
        Quantile of one period, fraction of the notional, positive.
    periods : float
        Periods in the horizon, at least 1.
    shape : float
        Tail shape xi = 1 / tail index, above 0 and below 0.5 for a finite variance.

    Returns
    -------
    float
        loss x periods^xi, fraction of the notional.

    Raises
    ------
    ArgumentError
        For a loss that is not positive, fewer than one period, or a shape outside (0, 0.5).

    Notes
    -----
    Sums of independent variables with P(loss > x) ~ x^(-1/xi) have h times that tail, so that a far enough quantile
    grows with h^xi, more slowly than the root (Danielsson and de Vries 2000, Value-at-risk and extreme returns,
    section 4.4). At 99 % and below, and where volatility clusters, it does not hold: simulate.

    Examples
    --------
    >>> round(scale_tail(0.10, periods=10, shape=1 / 3), 4)
    0.2154
    """
    one = check_positive(loss, argument="loss", unit="fraction of the notional")
    h, xi = float(periods), float(shape)
    if not 1.0 <= h < np.inf:
        raise ArgumentError("periods", "must be at least 1", f"{periods!r}", "pass the periods in the horizon")
    if not 0.0 < xi < 0.5:
        remedy = f"pass 1 / tail index: shape={1.0 / xi:.3g}" if xi > 2.0 else "use horizon_volatility or simulate"
        raise ArgumentError("shape", "must be above 0 and below 0.5", f"{shape!r}", remedy)
    return float(one * h**xi)


def _result(
    fit: VolatilityFit, over: Horizon, volatility: float, method: str, n_paths: int, error: float
) -> HorizonVolatility:
    return HorizonVolatility(
        asset=fit.asset,
        spec=fit.spec,
        volatility=volatility,
        next_volatility=float(np.sqrt(fit.next_variance)),
        horizon=over,
        method=method,
        n_paths=n_paths,
        standard_error=error,
        as_of=fit.as_of,
        provenance=fit.provenance,
    )
