"""Realized GARCH: returns and realised variances in one likelihood.

Decimal returns and the realised variances of the same periods go in, a frozen `RealizedGarchFit` comes out. The
optimum is certified by exact first and second derivatives; a fit without certificate says so and warns.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_positive, check_returns
from volkit.errors import ConvergenceWarning, NearIntegratedWarning, SmallSampleWarning
from volkit.parallel import one_blas_thread
from volkit.results import Provenance, freeze
from volkit.volatility._variance_inputs import check_realized_variance, check_same_times
from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import FitStatus
from volkit.volatility.realized_garch._likelihood import (
    NAMES,
    Optimum,
    best_of,
    hessian,
    log_likelihood,
    log_variance,
    maximize,
    scores,
    starts,
)
from volkit.volatility.realized_garch.fit import RealizedGarchFit, RealizedGarchParameters
from volkit.volatility.recursion import NEAR_INTEGRATED

__all__ = ["RealizedGarch"]

_MINIMUM = 200
_COMFORTABLE = 500
# A t with more degrees of freedom is normal in every history at hand, and the likelihood is flat.
_LARGEST_NU = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RealizedGarch:
    """Log-linear Realized GARCH(1,1) with a leverage function in the measurement equation.

    Attributes
    ----------
    distribution : {"normal", "t"}
        Law of the standardised returns.
    mean : {"zero", "constant"}
        Mean of the returns.

    Notes
    -----
    r_t = mu + sqrt(h_t) z_t, log h_t = omega + beta log h_{t-1} + gamma log x_{t-1}, log x_t = xi + phi log h_t
    + tau1 z_t + tau2 (z_t^2 - 1) + u_t, u_t normal [1]_. The realised variance x may cover a part of the period
    only (a session without the night): xi and phi take up the difference. The variance of the first period is the
    mean square of the returns. Six starts; each search is Newton's with exact derivatives and ends when the
    log-likelihood still to be had is below 1e-10. Not for fewer than 200 periods, nor for realised measures
    that can be zero.

    References
    ----------
    .. [1] P. Hansen, Z. Huang and H. Shek, "Realized GARCH: a joint model for returns and realized measures of
       volatility", Journal of Applied Econometrics 27, 2012 (log-linear specification).

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import log_returns
    >>> bars = BundledSource().load_bars("SPX").frame.iloc[-2001:]
    >>> returns = log_returns(bars["close"].rename("SPX"))
    >>> parkinson = (np.log(bars["high"] / bars["low"]) ** 2 / (4 * np.log(2))).iloc[1:]
    >>> RealizedGarch().fit(returns, parkinson, periods_per_year=252)
    <RealizedGarchFit: SPX, Realized GARCH-normal, converged, next volatility 22.7 % a year, as of 2018-12-31>
    """

    distribution: Literal["normal", "t"] = "normal"
    mean: Literal["zero", "constant"] = "constant"

    def __post_init__(self) -> None:
        check_choice(self.distribution, argument="distribution", choices=("normal", "t"))
        check_choice(self.mean, argument="mean", choices=("zero", "constant"))

    @property
    def words(self) -> str:
        """The model in words."""
        return f"Realized GARCH-{self.distribution}"

    @property
    def minimum_observations(self) -> int:
        """Least number of periods."""
        return _MINIMUM

    def fit(
        self,
        returns: pd.Series,
        realized_variance: pd.Series,
        *,
        periods_per_year: float,
        provenance: Provenance | None = None,
    ) -> RealizedGarchFit:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        returns : Series, shape (n_obs,)
            Decimal returns on UTC times, no NaN.
        realized_variance : Series, shape (n_obs,)
            Variance measured within the same periods, decimal squared, positive, no NaN, on the same times.
        periods_per_year : float
            365 for UTC days, 252 for exchange sessions.
        provenance : Provenance, optional
            Handed on.

        Returns
        -------
        RealizedGarchFit
            Variances per period, decimal squared.

        Raises
        ------
        DataError
            For what `volkit.checks.check_returns` refuses; for variances that are missing, not positive, constant
            or in per cent; for other times; and for fewer than 200 periods.

        Warns
        -----
        ConvergenceWarning
            When no search ends in a certified optimum; the status says so too, and standard errors are NaN.
        NearIntegratedWarning
            When the persistence is at one: the long-run level is not identified.
        SmallSampleWarning
            Below 500 periods.
        """
        checked = check_returns(returns, minimum=_MINIMUM)
        measured = check_realized_variance(realized_variance, minimum=_MINIMUM)
        check_same_times(checked.index, measured.index, argument="returns")
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        # The searches run on returns of mean square one and centred logarithms, whatever the unit was.
        scale, centre = float(np.sqrt(np.mean(checked**2))), float(np.log(measured).mean())
        r, y = checked.to_numpy() / scale, np.log(measured.to_numpy()) - centre
        with one_blas_thread():
            best, agreeing, free = self._search(r, y)
            covariances = _covariances(best, r, y, free, scale, centre)
        fit = self._unscaled(
            best,
            checked,
            y=y,
            scale=scale,
            centre=centre,
            covariances=covariances,
            agreeing=agreeing,
            periods_per_year=float(periods_per_year),
            provenance=provenance or Provenance(()),
        )
        _warn(fit)
        return fit

    def _search(self, r: np.ndarray, y: np.ndarray) -> tuple[Optimum, int, np.ndarray]:
        student = self.distribution == "t"
        free = np.array([self.mean == "constant", *[True] * 8, student])
        firsts = starts(r, y, constant=self.mean == "constant", student=student)
        best, agreeing = best_of([maximize(one, r, y, free=free) for one in firsts])
        if student and 2.0 + np.exp(best.theta[-1]) > _LARGEST_NU:
            free[-1] = False
            firsts = [np.append(one[:-1], np.inf) for one in firsts]
            best, agreeing = best_of([maximize(one, r, y, free=free) for one in firsts])
        return best, agreeing, free

    def _unscaled(
        self,
        best: Optimum,
        returns: pd.Series,
        *,
        y: np.ndarray,
        scale: float,
        centre: float,
        covariances: tuple[pd.DataFrame, pd.DataFrame],
        agreeing: int,
        periods_per_year: float,
        provenance: Provenance,
    ) -> RealizedGarchFit:
        natural = _natural(best.theta, scale, centre)
        nu = natural.pop("nu")
        p = RealizedGarchParameters(**natural)
        index, name = returns.index, returns.name
        variance = pd.Series(np.exp(log_variance(best.theta, y)) * scale**2, index=index, name=name)
        errors = y + centre - p.xi - p.phi * np.log(variance)
        total, of_returns = log_likelihood(best.theta, returns.to_numpy() / scale, y)
        change_of_unit = len(returns) * float(np.log(scale))
        status: FitStatus = "converged" if best.converged else "not converged"
        return RealizedGarchFit(
            asset=str(name or "asset"),
            spec=self.words,
            parameters=p,
            distribution=Distribution("t", nu) if np.isfinite(nu) else Distribution(),
            covariance=covariances[0],
            hessian_covariance=covariances[1],
            at_bound=("nu",) if self.distribution == "t" and not np.isfinite(nu) else (),
            variance=freeze(variance),
            standardized=freeze((returns - p.mu) / np.sqrt(variance)),
            measurement_errors=freeze(errors),
            next_variance=p.next_variance(float(variance.iloc[-1]), float(np.exp(y[-1] + centre))),
            log_likelihood=total - change_of_unit,
            return_log_likelihood=of_returns - change_of_unit,
            decrement=best.decrement,
            n_agreeing=agreeing,
            status=status,
            as_of=index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance,
        )


def _natural(theta: np.ndarray, scale: float, centre: float) -> dict[str, float]:
    mu, omega, beta, gamma, xi, phi, tau1, tau2, s, law = map(float, theta)
    level = 2.0 * float(np.log(scale))
    return {
        "mu": mu * scale,
        "omega": omega + (1.0 - beta) * level - gamma * centre,
        "beta": beta,
        "gamma": gamma,
        "xi": xi + centre - phi * level,
        "phi": phi,
        "tau1": tau1,
        "tau2": tau2,
        "sigma_u": float(np.exp(0.5 * s)),
        "nu": float(2.0 + np.exp(law)),
    }


def _covariances(
    best: Optimum, r: np.ndarray, y: np.ndarray, free: np.ndarray, scale: float, centre: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sandwich and Hessian covariance of the natural parameters, by the (all but linear) change of unit."""
    natural = _natural(best.theta, scale, centre)
    J = np.eye(len(NAMES))
    at = {name: i for i, name in enumerate(natural)}
    level = 2.0 * np.log(scale)
    J[at["mu"], at["mu"]] = scale
    J[at["omega"], at["beta"]], J[at["omega"], at["gamma"]] = -level, -centre
    J[at["xi"], at["phi"]] = -level
    J[at["sigma_u"], at["sigma_u"]] = 0.5 * natural["sigma_u"]
    J[at["nu"], at["nu"]] = natural["nu"] - 2.0 if free[-1] else 0.0
    J = J[np.ix_(free, free)]
    names = [name for name, is_free in zip(natural, free, strict=True) if is_free]
    if best.converged:
        bread = np.linalg.inv(-hessian(best.theta, r, y, free))
        S = scores(best.theta, r, y)[:, free]
        pair = (J @ bread @ (S.T @ S) @ bread @ J.T, J @ bread @ J.T)
    else:
        pair = (np.full(J.shape, np.nan), np.full(J.shape, np.nan))
    sandwich, plain = (freeze(pd.DataFrame(one, index=names, columns=names)) for one in pair)
    return sandwich, plain


def _warn(fit: RealizedGarchFit) -> None:
    label = f"{fit.spec} on {fit.asset}"
    if fit.status == "not converged":
        warnings.warn(
            f"{label} did not converge from 6 starts; its numbers are not an optimum (the likelihood still rises at "
            f"beta {fit.parameters.beta:.4f}). Use a longer history, or a simpler model such as Har.",
            ConvergenceWarning,
            stacklevel=3,
        )
    if fit.parameters.persistence >= NEAR_INTEGRATED:
        warnings.warn(
            f"{label} has persistence {fit.parameters.persistence:.5f}: shocks do not die out and the long-run "
            "volatility is not identified. Forecasts of a few periods are usable.",
            NearIntegratedWarning,
            stacklevel=3,
        )
    if fit.n_obs < _COMFORTABLE:
        warnings.warn(
            f"{label} rests on {fit.n_obs} periods; below {_COMFORTABLE} its parameters are rough.",
            SmallSampleWarning,
            stacklevel=3,
        )
