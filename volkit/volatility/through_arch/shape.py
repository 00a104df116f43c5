"""Fits of volkit in the shape of arch's results, for code that was written for arch."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import OptimizeResult

from volkit.checks import check_choice, check_kind, check_positive
from volkit.errors import ArgumentError
from volkit.volatility.fit import ErrorKind, VolatilityFit
from volkit.volatility.through_arch._equations import ArchStartUp, Equation, Kind, arch_model_of
from volkit.volatility.through_arch._likelihood import ArchLikelihood
from volkit.volatility.through_arch.fit import ArchFit

if TYPE_CHECKING:
    from arch.univariate.base import ARCHModelResult

__all__ = ["to_arch_result"]

_KINDS: dict[str, Kind] = {"additive": "garch", "aparch": "aparch", "egarch": "egarch"}
# Another start-up moves the log-likelihood by more; rounding of a residual at a kink of APARCH moves it by 1e-5.
_SAME = 1e-4
_ERRORS: dict[str, ErrorKind] = {"robust": "qmle", "classic": "hessian"}


def to_arch_result(
    fit: VolatilityFit | ArchFit, *, scale: float = 100.0, cov_type: Literal["robust", "classic"] = "robust"
) -> "ARCHModelResult":
    """Return a fit as an `ARCHModelResult` of arch, with volkit's optimum and covariance.

    Parameters
    ----------
    fit : VolatilityFit or ArchFit
        Of `Garch` (every family but igarch, without regressors and targeting, started by "backcast" or "sample"), or
        of `ThroughArch`.
    scale : float
        Factor of the returns in the result: 100 for per cent, as arch's users have them; 1 for decimals.
    cov_type : {"robust", "classic"}
        arch's words for volkit's "qmle" and "hessian".

    Returns
    -------
    ARCHModelResult
        In the unit of `scale` times decimal: parameters under arch's names, conditional volatility, residuals and
        standardised residuals of shape (n_obs + lags of the mean,) (NaN where returns only start the lags), and all
        that arch works out from them: t-values, intervals, tests, plots, summaries, forecasts.

    Raises
    ------
    ArgumentError
        For models that arch does not have, for fits whose log-likelihood arch cannot reproduce (another start-up), and
        for a bad scale or kind of covariance.

    Notes
    -----
    arch's forecasts start from their own backcast at the fitted mean, which is gone after some hundred periods; those
    of FIGARCH keep a trace of it. arch 8 fails to forecast an asymmetric MIDAS in closed form from the last return
    alone (pass start=0), and takes half of the shocks to be falls under skewed laws too. A parameter on a bound of its
    own has no standard error (NaN).

    Examples
    --------
    >>> import pandas as pd
    >>> from volkit.volatility.garch import Garch
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=800, tz="UTC")
    >>> returns = pd.Series(0.02 * rng.standard_t(5, 800), index=times, name="BTC")
    >>> result = to_arch_result(Garch(distribution="t").fit(returns, periods_per_year=365))
    >>> list(result.params.index)
    ['mu', 'omega', 'alpha[1]', 'beta[1]', 'nu']
    >>> result.forecast(horizon=3, reindex=False).variance.shape
    (1, 3)
    """
    check_kind(fit, VolatilityFit, ArchFit, argument="fit", remedy="pass what fit returns")
    factor = check_positive(scale, argument="scale", unit="times decimal returns")
    check_choice(cov_type, argument="cov_type", choices=tuple(_ERRORS))
    equation, theta, covariance = _in_arch_order(fit, _ERRORS[cov_type])
    found = _filtered(fit, equation, theta)
    scaled, J = equation.rescaled(theta, factor)
    fixed = np.diag(covariance) == 0.0
    covariance = J @ covariance @ J.T
    covariance[fixed, :] = covariance[:, fixed] = np.nan
    return _result(fit, found, scaled, covariance, factor, cov_type)


def _in_arch_order(fit: VolatilityFit | ArchFit, kind: ErrorKind) -> tuple[Equation, np.ndarray, np.ndarray]:
    """The model in arch's terms, the parameters in arch's order and their covariance, in decimals."""
    parameters, covariance = fit.parameters, fit.covariance(kind)
    if isinstance(fit, ArchFit):
        return fit.equation, parameters.to_numpy(dtype=np.float64), covariance.to_numpy(dtype=np.float64, copy=True)
    equation = _equation_of(fit)
    ours = {"alpha[1]": "alpha", "gamma[1]": "gamma", "beta[1]": "beta", "lam": "beta"}
    names = [ours.get(name, name) for name in equation.names]
    values = covariance.loc[names, names].to_numpy(dtype=np.float64, copy=True)
    return equation, parameters[names].to_numpy(dtype=np.float64), values


def _equation_of(fit: VolatilityFit) -> Equation:
    recursion, names = fit.recursion, tuple(fit.parameters.index)
    held = fit.certificate.active if fit.certificate else ()
    kind, power = _KINDS[recursion.kind], None if "delta" in names else recursion.power
    if "omega = 0" in held and "persistence = 1" in held:
        kind = "ewma"
    elif not names or recursion.weights or "persistence = 1" in held or "variance targeting" in held:
        requirement = "must be of a model that arch has: no regressors, no targeting, not integrated, and estimated"
        raise ArgumentError("fit", requirement, fit.spec, "use the fit's own parameters, variance and forecast")
    return Equation(
        kind=kind,
        o=int("gamma" in names),
        power=2.0 if kind == "egarch" else power,
        law=fit.distribution.name,
        has_constant="mu" in names,
        n_mean_lags=len(recursion.ar),
    )


@dataclass(frozen=True, slots=True)
class _Filtered:
    """What arch's filter gives at the parameters of a fit, in decimals."""

    equation: Equation
    volatility: np.ndarray
    residuals: np.ndarray
    log_likelihood: float


def _filtered(fit: VolatilityFit | ArchFit, equation: Equation, theta: np.ndarray) -> _Filtered:
    """The filter under the start-up with which arch's likelihood at the parameters is that of the fit."""
    reached: dict[ArchStartUp, float] = {}
    start_ups: tuple[ArchStartUp, ...] = ("backcast", "sample")
    for start_up in start_ups if isinstance(fit, VolatilityFit) else (equation.start_up,):
        candidate = replace(equation, start_up=start_up)
        likelihood, unit = ArchLikelihood.of_returns(candidate, fit.returns.to_numpy())
        scaled, _ = candidate.rescaled(theta, 1.0 / unit)
        reached[start_up] = -likelihood.loss(scaled) - fit.n_obs * float(np.log(unit))
        if abs(reached[start_up] - fit.log_likelihood) < _SAME:
            residuals, variance = likelihood.filtered(scaled)
            return _Filtered(candidate, np.sqrt(variance[:-1]) * unit, residuals * unit, reached[start_up])
    found = ", ".join(f"{value:.6f} from {name}" for name, value in reached.items())
    raise ArgumentError(
        "fit",
        "must have a log-likelihood that arch reproduces",
        f"{fit.log_likelihood:.6f} of {fit.spec}, where arch has {found}",
        'fit with start_up="backcast"',
    )


def _result(
    fit: VolatilityFit | ArchFit,
    found: _Filtered,
    theta: np.ndarray,
    covariance: np.ndarray,
    factor: float,
    cov_type: Literal["robust", "classic"],
) -> "ARCHModelResult":
    from arch.univariate.base import ARCHModelResult

    returns = (fit.returns * factor).rename(fit.asset)
    # Fixing parameters makes arch cut the sample to what follows the lags of the mean.
    model = arch_model_of(found.equation, returns).fix(theta).model
    n_lags = found.equation.n_mean_lags
    starting = np.full(n_lags, np.nan)
    log_likelihood = found.log_likelihood - fit.n_obs * float(np.log(factor))
    return ARCHModelResult(
        params=theta,
        param_cov=covariance,
        r2=_r_squared(fit.returns.to_numpy()[n_lags:], found),
        resid=np.concatenate([starting, found.residuals * factor]),
        volatility=np.concatenate([starting, found.volatility * factor]),
        cov_type=cov_type,
        dep_var=returns,
        names=[*model.parameter_names(), *model.volatility.parameter_names(), *model.distribution.parameter_names()],
        loglikelihood=log_likelihood,
        is_pandas=True,
        optim_output=_ending(fit, theta, log_likelihood),
        fit_start=n_lags,
        fit_stop=len(returns),
        model=model,
    )


def _r_squared(values: np.ndarray, found: _Filtered) -> float:
    """As arch has it: zero without regressors."""
    if not found.equation.n_mean_lags:
        return 0.0
    centred = values - values.mean() if found.equation.has_constant else values
    return float(1.0 - found.residuals @ found.residuals / (centred @ centred))


def _ending(fit: VolatilityFit | ArchFit, theta: np.ndarray, log_likelihood: float) -> OptimizeResult:
    converged = fit.status != "not converged"
    return OptimizeResult(
        x=theta,
        fun=-log_likelihood,
        success=converged,
        status=0 if converged else 8,
        message=f"volkit: {fit.status}",
        nfev=fit.certificate.n_passes if fit.certificate else 0,
    )
