"""The Mincer-Zarnowitz regression: is a variance forecast right on average, at every height?

Plain arrays (or Series) of forecasts and proxies enter, row by row the same period; a `MincerZarnowitzTest` leaves.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_count
from volkit.errors import ArgumentError
from volkit.results import ResultDisplay
from volkit.validation.scoring import Values, check_pair, check_values, hac_lags

__all__ = [
    "MincerZarnowitzForm",
    "MincerZarnowitzTest",
    "log_mincer_zarnowitz_test",
    "mincer_zarnowitz_test",
    "weighted_mincer_zarnowitz_test",
]

MincerZarnowitzForm: TypeAlias = Literal["levels", "weighted", "logs"]

# Below ten rows no long-run variance is worth its name.
_MINIMUM = 10
# A spread below this share of the values themselves is rounding, not information.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MincerZarnowitzTest(ResultDisplay):
    """Regression of what was realised on the forecast, and the joint test of intercept 0 and slope 1.

    Attributes
    ----------
    form : {"levels", "weighted", "logs"}
        What was regressed: variances, variances divided by the forecast, or their logarithms.
    intercept, slope : float
        Estimates; the intercept in decimal squared, in logs without unit. NaN when the test is degenerate.
    intercept_error, slope_error : float
        Newey-West standard errors.
    statistic : float
        Wald statistic, chi-squared with 2 degrees of freedom for long samples; NaN when degenerate.
    p_value : float
        Probability under that law; NaN when degenerate.
    r_squared : float
        Squared correlation of forecast and proxy (in logs: of their logarithms), a fraction: weights do not enter.
    lags : int
        Of the Bartlett kernel, in periods.
    n_obs : int
        Periods used.
    reason : str
        Why the statistic is NaN; empty otherwise.
    """

    form: MincerZarnowitzForm
    intercept: float
    slope: float
    intercept_error: float
    slope_error: float
    statistic: float
    p_value: float
    r_squared: float
    lags: int
    n_obs: int
    reason: str = ""

    @property
    def headline(self) -> str:
        """Line, p-value or reason, and count."""
        words = f"undefined ({self.reason})" if self.reason else f"p = {self.p_value:.3g}"
        line = f"{self.intercept:.3g} + {self.slope:.3g} forecast ({self.form})"
        return f"{words}, {line}, R\u00b2 {self.r_squared:.3g}, {self.n_obs} periods"

    def summary(self) -> pd.DataFrame:
        """Return estimates with target and standard error, then the joint test (units in the labels)."""
        unit = "no unit" if self.form == "logs" else "decimal squared"
        rows = {
            f"intercept ({unit})": (self.intercept, 0.0, self.intercept_error),
            "slope (no unit)": (self.slope, 1.0, self.slope_error),
            "statistic (chi-squared, 2 df)": (self.statistic, np.nan, np.nan),
            "p-value (probability)": (self.p_value, np.nan, np.nan),
            "R squared (fraction)": (self.r_squared, np.nan, np.nan),
            "lags (periods)": (self.lags, np.nan, np.nan),
            "observations (count)": (self.n_obs, np.nan, np.nan),
        }
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "target", "standard error"])
        return table.rename_axis(f"Mincer-Zarnowitz, {self.form}" + (f": {self.reason}" if self.reason else ""))


def mincer_zarnowitz_test(
    forecast_variance: Values, proxy: Values, *, horizon: int = 1, lags: int | None = None
) -> MincerZarnowitzTest:
    """Return the Mincer-Zarnowitz test of variances: is the forecast right on average, at every height?

    Parameters
    ----------
    forecast_variance, proxy : sequence, ndarray or Series, shape (n_obs,)
        As in `qlike_loss`; zero proxies are welcome. At least 10.
    horizon : int
        Periods that one forecast covers.
    lags : int, optional
        Of the Bartlett kernel, in periods; default `hac_lags`.

    Returns
    -------
    MincerZarnowitzTest
        Degenerate, with the reason, for a constant forecast or a perfect line.

    Raises
    ------
    DataError
        For NaN, infinities, forecasts at or below zero, negative proxies, other rows, fewer than 10.
    ArgumentError
        For a horizon below 1, negative lags, or lags of n_obs or more.

    Notes
    -----
    p_t = a + b h_t + e_t by least squares [1]_, covariance of Newey and West with n / (n - 2), and the Wald
    statistic of (a, b) = (0, 1). An unbiased proxy leaves the test right however noisy it is; the R squared however
    measures the proxy's noise too. Do not test with squared returns as proxies: their errors are so uneven that, of
    right forecasts for 1,000 periods of a GARCH market, the test at 5 % rejects 12 % with normal and 32 % with t(5)
    shocks (simulated). `weighted_mincer_zarnowitz_test` rejects 6 % and 11 % there.

    References
    ----------
    .. [1] Mincer and Zarnowitz (1969), The evaluation of economic forecasts, NBER; Newey and West (1987),
       Econometrica 55.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> variance = 4e-4 * np.exp(0.5 * rng.standard_normal(2000))
    >>> mincer_zarnowitz_test(variance, variance * rng.chisquare(10, 2000) / 10)
    <MincerZarnowitzTest: p = 0.731, 1.06e-05 + 0.969 forecast (levels), R² 0.514, 2000 periods>
    """
    h, p = check_pair(forecast_variance, proxy, minimum=_MINIMUM)
    return _regressed(h, p, form="levels", horizon=horizon, lags=lags)


def weighted_mincer_zarnowitz_test(
    forecast_variance: Values, proxy: Values, *, horizon: int = 1, lags: int | None = None
) -> MincerZarnowitzTest:
    """Return the Mincer-Zarnowitz test with each period divided by its forecast: the one for noisy proxies.

    Parameters
    ----------
    forecast_variance, proxy : sequence, ndarray or Series, shape (n_obs,)
        As in `mincer_zarnowitz_test`.
    horizon, lags : int
        As in `mincer_zarnowitz_test`.

    Returns
    -------
    MincerZarnowitzTest
        The same line p = a + b h, intercept in decimal squared.

    Raises
    ------
    DataError, ArgumentError
        As `mincer_zarnowitz_test`.

    Notes
    -----
    p_t / h_t = a / h_t + b + u_t [1]_. The error of a proxy is about proportional to the variance; divided by it,
    calm and wild periods weigh the same.

    References
    ----------
    .. [1] Patton and Sheppard (2009), Evaluating volatility and correlation forecasts, in Handbook of Financial Time
       Series, section on augmented regressions estimated by generalised least squares.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> variance = 4e-4 * np.exp(0.5 * rng.standard_normal(2000))
    >>> weighted_mincer_zarnowitz_test(1.5 * variance, variance * rng.chisquare(1, 2000))
    <MincerZarnowitzTest: p = 1.08e-53, 2.3e-05 + 0.627 forecast (weighted), R² 0.0928, 2000 periods>
    """
    h, p = check_pair(forecast_variance, proxy, minimum=_MINIMUM)
    return _regressed(h, p, form="weighted", horizon=horizon, lags=lags)


def log_mincer_zarnowitz_test(
    forecast_variance: Values, proxy: Values, *, horizon: int = 1, lags: int | None = None
) -> MincerZarnowitzTest:
    """Return the Mincer-Zarnowitz test of log variances, which large periods do not dominate.

    Parameters
    ----------
    forecast_variance, proxy : sequence, ndarray or Series, shape (n_obs,)
        As in `mincer_zarnowitz_test`, the proxy positive.
    horizon, lags : int
        As in `mincer_zarnowitz_test`.

    Returns
    -------
    MincerZarnowitzTest
        Without units.

    Raises
    ------
    DataError, ArgumentError
        As `mincer_zarnowitz_test`, and for a proxy of zero.

    Notes
    -----
    ln p_t = a + b ln h_t + e_t. The logarithm of a noisy proxy is biased: with squared normal returns a right
    forecast has a = -1.27. Use it with precise proxies (realised variances of many returns) only.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> variance = 4e-4 * np.exp(0.5 * rng.standard_normal(2000))
    >>> round(log_mincer_zarnowitz_test(variance, variance * rng.chisquare(288, 2000) / 288).slope, 2)
    1.0
    """
    h, p = check_pair(forecast_variance, proxy, minimum=_MINIMUM)
    check_values(proxy, argument="proxy", sign="positive")
    return _regressed(np.log(h), np.log(p), form="logs", horizon=horizon, lags=lags)


def _regressed(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    *,
    form: MincerZarnowitzForm,
    horizon: int,
    lags: int | None,
) -> MincerZarnowitzTest:
    n = len(y)
    steps = check_count(horizon, argument="horizon")
    chosen = hac_lags(n, horizon=steps) if lags is None else check_count(lags, argument="lags", minimum=0)
    if chosen >= n:
        raise ArgumentError("lags", f"must be fewer than the {n} periods", str(chosen), "pass a longer history")
    known = {"form": form, "lags": chosen, "n_obs": n}
    if np.ptp(x) <= _ROUNDING * np.abs(x).max():
        return MincerZarnowitzTest(**known, **_undefined("the forecast is constant"))  # type: ignore[arg-type]
    weights = 1.0 / x if form == "weighted" else np.ones_like(x)
    return MincerZarnowitzTest(**known, **_line(x, y, weights, chosen))  # type: ignore[arg-type]


def _undefined(reason: str, **known: float) -> dict[str, float | str]:
    names = ("intercept", "slope", "intercept_error", "slope_error", "statistic", "p_value", "r_squared")
    return {**dict.fromkeys(names, np.nan), **known, "reason": reason}


def _line(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], lags: int
) -> dict[str, float | str]:
    from statsmodels.regression.linear_model import OLS  # a second and a half: only when a line is fitted

    # Variances are small numbers: in units of their own size no digit is lost beside the column of ones.
    scale, w = float(np.sqrt(np.mean(x**2))), weights / float(np.sqrt(np.mean(weights**2)))
    X, Y = np.column_stack([w, w * x / scale]), w * y / scale
    fit = OLS(Y, X).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    (a, b), V = fit.params, np.asarray(fit.cov_params())
    if np.sqrt(np.mean(fit.resid**2)) <= _ROUNDING * np.sqrt(np.mean(Y**2)):
        return _undefined("forecast and proxy lie on a line", intercept=float(a) * scale, slope=float(b))
    gap = np.array([a, b - 1.0])
    wald = float(gap @ np.linalg.solve(V, gap))
    return {
        "intercept": float(a) * scale,
        "slope": float(b),
        "intercept_error": float(np.sqrt(V[0, 0])) * scale,
        "slope_error": float(np.sqrt(V[1, 1])),
        "statistic": wald,
        "p_value": float(stats.chi2.sf(wald, 2)),
        "r_squared": float(np.corrcoef(x, y)[0, 1] ** 2),
    }
