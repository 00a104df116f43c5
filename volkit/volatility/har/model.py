"""HAR models: the variance of the next period from measured variances of a day, a week and a month.

Realised variances (decimal squared, per period) and, for the jump models, their jump parts go in; a frozen
`HarFit` comes out, with errors that allow for correlation through time (Newey and West 1987).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_kind, check_positive
from volkit.errors import ArgumentError, DataError, NearIntegratedWarning, SmallSampleWarning
from volkit.results import Provenance, freeze
from volkit.volatility._variance_inputs import check_components, check_realized_variance
from volkit.volatility.har._regression import newey_west, solve
from volkit.volatility.har._terms import HarTerms
from volkit.volatility.har.fit import HarFit, warn_replaced
from volkit.volatility.recursion import NEAR_INTEGRATED
from volkit.volatility.rolling_results import RollingForecast

__all__ = ["CRYPTO_LAGS", "SESSION_LAGS", "Har", "rolling_har_forecast"]

SESSION_LAGS = (1, 5, 22)  # a session, a week and a month of an exchange
CRYPTO_LAGS = (1, 7, 30)  # the same on a clock that never stops

_COMFORTABLE_ROWS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Har(HarTerms):
    """Heterogeneous autoregression of realised variance.

    Attributes
    ----------
    lags : tuple of int
        Periods over which the regressors are means, rising from 1: `SESSION_LAGS` (1, 5, 22) for exchange
        sessions, `CRYPTO_LAGS` (1, 7, 30) for days that never stop. No default: the clock decides.
    form : {"variance", "log", "root"}
        What is regressed: the variance, its logarithm or its root.
    jumps : {"none", "added", "split"}
        "added" puts the latest jump part beside the variances (HAR-J), "split" replaces the variances by
        their continuous and jump parts over all lags (HAR-CJ).
    horizon : int
        Periods whose mean variance is regressed (a direct forecast); 1 is iterated for longer horizons.
    retransformation : {"smearing", "lognormal"}
        How the log form returns to variances: with the mean of the exponentiated residuals (Duan 1983), or as
        if they were normal. The other forms need no law.
    insanity_filter : {"lower", "both", "none"}
        What becomes of a forecast outside the variances of the sample. "lower": below the lowest, it becomes
        the lowest. "both": outside on either side, it becomes the mean (Bollerslev, Patton and Quaedvlieg
        2016); this hides a crisis larger than any before. "none": a forecast at or below zero is an error.
    hac_lags : int, optional
        Lags of the Newey-West errors; by default 4 (n / 100)^(2/9), and at least twice a direct horizon.

    Notes
    -----
    y_{t+1} = b_0 + sum_l b_l (y_t + ... + y_{t-l+1}) / l + e_{t+1} (Corsi 2009), with y the variance, its root
    or its logarithm. The means are of y, so that the model is an autoregression of order max(lags) with closed
    forms for every horizon: E[v_{T+k}] is m_k, m_k^2 + s^2 sum_j psi_j^2 for the root, and for the logarithm
    exp(m_k) prod_j E[exp(psi_j e)], with psi_j the moving-average weights. HAR-J adds J_t, HAR-CJ uses C = v - J
    and J in place of v (Andersen, Bollerslev and Diebold 2007, who take the log of the mean instead); J enters
    as itself, its root, or log(1 + J). Jumps ahead have no model: iterate HAR only, regress HAR-J directly.
    Not for variances of single daily returns, whose noise hides the dynamics; use `Garch`.

    References
    ----------
    .. [1] F. Corsi, "A simple approximate long-memory model of realized volatility", Journal of Financial
       Econometrics 7, 2009. T. Andersen, T. Bollerslev and F. Diebold, "Roughing it up", Review of Economics
       and Statistics 89, 2007. N. Duan, "Smearing estimate", Journal of the American Statistical Association
       78, 1983. T. Bollerslev, A. Patton and R. Quaedvlieg, "Exploiting the errors", Journal of Econometrics
       192, 2016.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> bars = BundledSource().load_bars("SPX").frame
    >>> parkinson = (np.log(bars["high"] / bars["low"]) ** 2 / (4 * np.log(2))).rename("SPX")
    >>> Har(lags=SESSION_LAGS, form="log").fit(parkinson.iloc[-2000:], periods_per_year=252)
    <HarFit: SPX, log HAR (1, 5, 22), closed form, next volatility 20.9 % a year, as of 2018-12-31>
    """

    def fit(
        self,
        realized_variance: pd.Series,
        *,
        jumps: pd.Series | None = None,
        periods_per_year: float,
        provenance: Provenance | None = None,
    ) -> HarFit:
        """Return the regression fitted to realised variances, shape (n_obs,), decimal squared, on UTC times.

        Parameters
        ----------
        realized_variance : Series, shape (n_obs,)
            Positive, no NaN; every row is taken as one period after the row before.
        jumps : Series, shape (n_obs,), optional
            Jump part of each variance, from zero to below the whole; for the jump models only.
        periods_per_year : float
            365 for UTC days, 252 for exchange sessions.
        provenance : Provenance, optional
            Handed on.

        Returns
        -------
        HarFit
            With `next_variance`, decimal squared per period.

        Raises
        ------
        ArgumentError
            For jumps without a jump model, or a jump model without jumps.
        DataError
            For variances that are missing, not positive, constant, too few or in per cent; for jumps that do
            not belong to them; for regressors that determine each other; and for a forecast at or below zero
            under ``insanity_filter="none"``.

        Warns
        -----
        DataQualityWarning
            When the insanity filter replaced the next variance.
        NearIntegratedWarning
            When the slopes sum to one or more: forecasts do not return to a level.
        SmallSampleWarning
            Below 250 rows of the regression.
        """
        variance, jump_part = self.checked(realized_variance, jumps)
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        fit = self._fitted(variance, jump_part, float(periods_per_year), provenance or Provenance(()))
        _warn(fit)
        return fit

    def checked(self, realized_variance: pd.Series, jumps: pd.Series | None) -> tuple[pd.Series, pd.Series]:
        """Return checked variances and jump parts (decimal squared; zeros for plain HAR).

        Raises
        ------
        ArgumentError, DataError
            As `fit`.
        """
        if (jumps is None) != (self.jumps == "none"):
            got, remedy = ("none", "pass jumps=") if jumps is None else ("jumps", "drop them, or set Har(jumps=...)")
            raise ArgumentError("jumps", f"must be given for a jump model only ({self.words})", got, remedy)
        variance = check_realized_variance(realized_variance, minimum=self.minimum_observations)
        return variance, 0.0 * variance if jumps is None else check_components(jumps, variance)

    def _fitted(
        self, variance: pd.Series, jump_part: pd.Series, periods_per_year: float, provenance: Provenance
    ) -> HarFit:
        v, j = variance.to_numpy(), jump_part.to_numpy()
        X, Y = self.design(v, j)[: -self.horizon], self.target(v)
        b = solve(X, Y, self.names)
        e = Y - X @ b
        hac_lags = self._hac_lags(len(Y))
        covariance = newey_west(X, Y, lags=hac_lags)
        asset = str(variance.name or "asset")
        next_variance, replaced = self.one_ahead(v, j, coefficients=b, residuals=e, asset=asset)
        index = variance.index[max(self.lags) : max(self.lags) + len(Y)]
        return HarFit(
            asset=asset,
            spec=self,
            coefficients=freeze(pd.Series(b, index=self.names)),
            covariance=freeze(pd.DataFrame(covariance, index=self.names, columns=self.names)),
            hac_lags=hac_lags,
            r_squared=1.0 - float(e @ e) / float(((Y - Y.mean()) ** 2).sum()),
            fitted=freeze(pd.Series(X @ b, index=index, name=variance.name)),
            residuals=freeze(pd.Series(e, index=index, name=variance.name)),
            realized_variance=freeze(variance),
            next_variance=next_variance,
            next_is_replaced=replaced,
            status="closed form",
            as_of=variance.index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance,
        )

    def one_ahead(
        self,
        variance: np.ndarray,
        jump_part: np.ndarray,
        *,
        coefficients: np.ndarray,
        residuals: np.ndarray,
        asset: str,
    ) -> tuple[float, bool]:
        """Return the expected variance after the last period (decimal squared), and whether it was replaced.

        Raises
        ------
        DataError
            When it is not positive under ``insanity_filter="none"``.
        """
        mean = np.array([self.newest_row(variance, jump_part) @ coefficients])
        s2 = float(residuals @ residuals) / (len(residuals) - len(coefficients))
        raw = self.to_variance(mean, np.ones(1), residuals=residuals, residual_variance=s2)
        guarded, replaced = self.guarded(raw, variance, asset=asset)
        return float(guarded[0]), bool(replaced)

    def _hac_lags(self, rows: int) -> int:
        if self.hac_lags is not None:
            return self.hac_lags
        plugin = int(4.0 * (rows / 100.0) ** (2.0 / 9.0))
        return plugin if self.horizon == 1 else max(plugin, 2 * self.horizon)


def rolling_har_forecast(
    model: Har,
    realized_variance: pd.Series,
    *,
    window: int,
    periods_per_year: float,
    jumps: pd.Series | None = None,
    refit_every: int = 1,
    provenance: Provenance | None = None,
) -> RollingForecast:
    """Return variance forecasts made after each period, each from its own past only.

    Parameters
    ----------
    model : Har
        What is fitted.
    realized_variance : Series, shape (n_obs,)
        Decimal squared, positive, on UTC times, no NaN.
    window : int
        Variances in each fit.
    periods_per_year : float
        365 for UTC days, 252 for exchange sessions.
    jumps : Series, shape (n_obs,), optional
        Jump parts, for the jump models only.
    refit_every : int
        Periods between fits; the regressors are renewed at every period.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    RollingForecast
        Shape (n_obs - window + 1,): variance of the `model.horizon` periods after `time`, per period, decimal
        squared; `nu` is NaN, as no law of returns is estimated; `status` is "replaced" where the insanity
        filter acted.

    Raises
    ------
    ArgumentError, DataError
        As `Har.fit`, and for a window below the model's minimum or above the history.

    Warns
    -----
    DataQualityWarning
        When the insanity filter replaced forecasts; says how many.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=400, tz="UTC")
    >>> variance = pd.Series(np.exp(np.sin(np.arange(400.0) ** 1.5) - 7), index=times, name="BTC")
    >>> model = Har(lags=CRYPTO_LAGS, form="log")
    >>> rolling_har_forecast(model, variance, window=300, periods_per_year=365).n_obs
    101
    """
    check_kind(model, Har, argument="model")
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    width = check_count(window, argument="window", minimum=model.minimum_observations)
    every = check_count(refit_every, argument="refit_every")
    variance, jump_part = model.checked(realized_variance, jumps)
    if len(variance) < width:
        remedy = "pass a longer history or a shorter window"
        raise DataError("realized_variance", f"must have at least {width} observations", str(len(variance)), remedy)
    v, j, asset = variance.to_numpy(), jump_part.to_numpy(), str(variance.name or "asset")
    rows: list[tuple[float, pd.Timestamp, str]] = []
    for end in range(width, len(v) + 1):
        if (end - width) % every == 0:
            seen = slice(end - width, end)
            X, Y = model.design(v[seen], j[seen])[: -model.horizon], model.target(v[seen])
            b, fitted_as_of = solve(X, Y, model.names), variance.index[end - 1]
            e = Y - X @ b
        now = model.one_ahead(v[end - width : end], j[end - width : end], coefficients=b, residuals=e, asset=asset)
        rows.append((now[0], fitted_as_of, "replaced" if now[1] else "closed form"))
    path = pd.DataFrame(rows, columns=["variance", "fitted_as_of", "status"], index=variance.index[width - 1 :])
    path.insert(1, "nu", float("nan"))
    path.insert(0, "mean", float("nan"))
    replaced = int((path["status"] == "replaced").sum())
    warn_replaced(model, asset, replaced=replaced, total=len(path), stacklevel=2)
    return RollingForecast(
        asset=asset,
        spec=model.words,
        path=freeze(path),
        window=width,
        refit_every=every,
        periods_per_year=periods_per_year,
        provenance=provenance or Provenance(()),
    )


def _warn(fit: HarFit) -> None:
    label = f"{fit.spec.words} on {fit.asset}"
    warn_replaced(fit.spec, fit.asset, replaced=int(fit.next_is_replaced), total=1, stacklevel=3)
    if fit.spec.jumps == "none" and fit.persistence >= NEAR_INTEGRATED:
        warnings.warn(
            f"{label} has slopes that sum to {fit.persistence:.5f}: iterated forecasts do not return to a level. "
            "Forecasts of a few periods are usable.",
            NearIntegratedWarning,
            stacklevel=3,
        )
    if len(fit.residuals) < _COMFORTABLE_ROWS:
        warnings.warn(
            f"{label} rests on {len(fit.residuals)} rows; below {_COMFORTABLE_ROWS} its slopes are rough.",
            SmallSampleWarning,
            stacklevel=3,
        )
