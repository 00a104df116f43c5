"""Reference methods of the room volatility: fits, forecasts, range estimators and Pareto tails.

Estimates are converted from volkit's decimals to the unit of the entry, standard errors with them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from conformance_series import Case, in_decimals, read_series, read_table

from volkit.volatility import ERROR_KINDS, Ewma, Garch, VolatilityFit, half_life_of, range_volatility
from volkit.volatility.garch import FAMILIES
from volkit.volatility.tails.peaks import fit_pareto_tail
from volkit.volatility.through_arch import ThroughArch
from volkit.volatility.through_arch.fit import ArchFit

__all__ = ["VOLATILITY_METHODS"]

_LAWS = {"gaussian": "normal", "studentst": "t", "student": "t", "std": "t", "skewstudent": "skewt", "sstd": "skewt"}
_ERRORS = {"robust": "qmle", "white": "qmle", "classic": "hessian", "outer_product": "opg"}
_OPTIONS = {"delta": "power", "asym": "asymmetry"}
_KINDS = {"midashyperbolic": "midas", "riskmetrics2006": "riskmetrics"}
_METHODS = {"analytic": "closed form", "closed_form": "closed form"}
_RANGE_COLUMNS = {"Open": "open", "High": "high", "Low": "low", "Close": "close"}


@dataclass(frozen=True)
class Estimated:
    """A fit and the number by which the entry's values were divided before it."""

    fit: VolatilityFit | ArchFit
    divisor: float

    @property
    def parameters(self) -> dict[str, float]:
        """Estimates in the entry's unit, by its names."""
        return _entry_names(_in_unit(self.fit, self.divisor)[0])

    def errors(self, kind: str) -> dict[str, float]:
        """Standard errors of one kind in the entry's unit, by its names; NaN on a bound."""
        _, J = _in_unit(self.fit, self.divisor)
        variances = pd.Series(np.diag(J @ self.fit.covariance(kind).to_numpy() @ J.T), index=self.fit.parameters.index)
        return _entry_names(np.sqrt(variances.where(variances > 0.0)))

    @property
    def log_likelihood(self) -> float:
        """Of the values in the entry's unit."""
        return self.fit.log_likelihood - self.fit.n_obs * np.log(self.divisor)


def _in_unit(fit: VolatilityFit | ArchFit, c: float) -> tuple[pd.Series, np.ndarray]:
    """Parameters of the values times c, and their derivatives by volkit's, shape (K, K)."""
    values, names = fit.parameters.copy(), fit.parameters.index
    if isinstance(fit, ArchFit):
        moved, J = fit.equation.rescaled(values.to_numpy(), c)
        return pd.Series(moved, index=names), J
    slopes = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    if "mu" in names:
        values["mu"] *= c
        slopes.loc["mu", "mu"] = c
    if fit.recursion.kind == "egarch":  # log of c^2 v
        values["omega"] += (1.0 - values["beta"]) * 2.0 * np.log(c)
        slopes.loc["omega", "beta"] = -2.0 * np.log(c)
        return values, slopes.to_numpy()
    unit = c**fit.recursion.power
    for name in ("omega", *(() if fit.regressors is None else fit.regressors.columns)):
        values[name] *= unit
        slopes.loc[name, name] = unit
        if "delta" in names:
            slopes.loc[name, "delta"] = np.log(c) * values[name]
    return values, slopes.to_numpy()


def _entry_names(values: pd.Series) -> dict[str, float]:
    """Values by volkit's names and by those that entries use."""
    named = {}
    for name, value in values.items():
        others = {"mu": "Const", "beta": "lam"}.get(name, name), name.replace("ar[", "y["), f"{name}[1]"
        named |= dict.fromkeys((name, *others), float(value))
    return named


def garch_fit(case: Case) -> dict[str, Any]:
    """Return log-likelihood, parameters and standard errors of a fit in the entry's unit."""
    return _facts(_fit(case), case.inputs)


def _facts(estimated: Estimated, inputs: dict[str, Any]) -> dict[str, Any]:
    fit, log_likelihood = estimated.fit, estimated.log_likelihood
    kinds = {kind: estimated.errors(kind) for kind in ERROR_KINDS} if len(fit.covariances) else {}
    kinds |= {alias: kinds[kind] for alias, kind in _ERRORS.items() if kind in kinds}
    k, deviance = len(fit.parameters), -2.0 * log_likelihood
    return {
        "loglikelihood": log_likelihood,
        "loglikelihood_at_least": log_likelihood,
        "params": estimated.parameters,
        # Errors that are asked for without a kind are the robust ones.
        "standard_errors": kinds | kinds.get(_ERRORS.get(inputs.get("errors"), "qmle"), {}),
        "persistence": fit.persistence,
        "n_obs": fit.n_obs,
        "next_variance": fit.next_variance * estimated.divisor**2,
        "aic": deviance + 2.0 * k,
        "bic": deviance + np.log(fit.n_obs) * k,
    }


def garch_forecast(case: Case) -> dict[str, Any]:
    """Return the expected variances of the next periods in the entry's unit squared."""
    estimated, inputs = _fit(case), case.inputs
    method = inputs.get("method", "closed form")
    forecast = estimated.fit.forecast(
        int(inputs.get("horizon", 1)),
        method=_METHODS.get(method, method),
        n_paths=int(inputs.get("n_paths", inputs.get("simulations", 100_000))),
        rng=np.random.default_rng(inputs.get("seed", 1)),
    )
    variance = forecast.variance * estimated.divisor**2
    return {"variance": variance.tolist(), "volatility": np.sqrt(variance).tolist(), **_facts(estimated, inputs)}


def _fit(case: Case) -> Estimated:
    inputs = case.inputs
    returns, divisor = in_decimals(read_series(inputs["series"], case.folder))
    model = _model(inputs)
    if isinstance(model, Garch):
        return Estimated(model.fit(returns, periods_per_year=1.0, regressors=_regressors(case, returns)), divisor)
    return Estimated(model.fit(returns, periods_per_year=1.0), divisor)


def _model(inputs: dict[str, Any]) -> Garch | ThroughArch:
    stated = dict(inputs["model"])
    family, law = stated.pop("family").lower(), inputs.get("distribution", "normal").lower()
    # JSON has lists where a specification has tuples.
    stated = {_OPTIONS.get(k, k): tuple(v) if isinstance(v, list) else v for k, v in stated.items()}
    if family in ("tarch", "zarch", "avgarch"):
        stated.setdefault("power", 1.0)
    own = "garch" if family in ("gjr", "tarch", "zarch", "avgarch") else _KINDS.get(family, family)
    if own in ("garch", "egarch", "aparch"):
        stated["o"] = int(stated.get("o", family not in ("garch", "avgarch")))
    if own in ("egarch", "igarch", "ewma"):
        stated.pop("power", None)
    mean, lags = inputs.get("mean", "constant"), inputs.get("mean_lags", inputs.get("lags", 1))
    common = {
        "distribution": _LAWS.get(law, law),
        "mean": mean.lower(),
        "mean_lags": len(lags) if isinstance(lags, list) else lags,
        "start_up": inputs.get("start_up", "backcast"),
    }
    if own not in FAMILIES or (stated.get("p", 1), stated.get("q", 1)) != (1, 1) or stated.get("o", 0) > 1:
        return ThroughArch(kind=own, **common, **stated)
    o = stated.pop("o", 0)
    stated = {k: v for k, v in stated.items() if k not in ("p", "q")}
    if own in ("garch", "egarch", "aparch"):
        stated["asymmetry"] = bool(o)
    regressors = tuple(inputs.get("variance_regressors", ()))
    sign = inputs.get("regressor_sign", "nonnegative")
    return Garch(family=own, **common, **stated, regressors=regressors, regressor_sign=sign)


def _regressors(case: Case, returns: pd.Series) -> pd.DataFrame | None:
    """A row for every return and one for the period after the last, which repeats the last."""
    stated = case.inputs.get("variance_regressors")
    if not stated:
        return None
    columns = {
        name: np.asarray(spec, dtype=float) if isinstance(spec, list) else read_series(spec, case.folder).to_numpy()
        for name, spec in stated.items()
    }
    frame = pd.DataFrame(columns)
    frame = pd.concat([frame, frame.iloc[[-1]]]) if len(frame) == len(returns) else frame
    return frame.set_axis(returns.index.append(returns.index[-1:] + pd.Timedelta(days=1)))


def ewma_volatility(case: Case) -> dict[str, Any]:
    """Return the next variance and volatility of an exponentially weighted mean of squares."""
    inputs = case.inputs
    decay = inputs.get("lambda", inputs.get("decay"))
    half_life = inputs["half_life"] if decay is None else half_life_of(decay)
    returns, divisor = in_decimals(read_series(inputs["series"], case.folder))
    model = Ewma(half_life=half_life, start_observations=inputs.get("start_observations", 50))
    variance = model.fit(returns, periods_per_year=1.0).next_variance * divisor**2
    annual = variance * inputs.get("periods_per_year", 1.0)
    return {"variance": variance, "volatility": variance**0.5, "annualized_volatility": annual**0.5}


def range_estimate(case: Case) -> dict[str, Any]:
    """Return the volatility of the last n bars up to a day, per period and annualised."""
    inputs = case.inputs
    bars = read_table(inputs["series"], case.folder).rename(columns=_RANGE_COLUMNS).loc[: inputs.get("end")]
    volatility = float(range_volatility(bars, estimator=inputs["estimator"], window=int(inputs["n"])).iloc[-1])
    annualized = volatility * float(inputs.get("periods_per_year", 1.0)) ** 0.5
    return {"volatility": volatility, "variance": volatility**2, "annualized_volatility": annualized}


def pareto_fit(case: Case) -> dict[str, Any]:
    """Return shape, scale, errors and tail measures of the losses above a threshold."""
    inputs = case.inputs
    losses = read_series(inputs.get("series", inputs), case.folder)
    tail = fit_pareto_tail(losses.to_numpy(), threshold=inputs["threshold"])
    levels = {key for name in ("quantile", "expected_shortfall") for key in case.expected.get(name, ())}
    return {
        "n_exceedances": tail.n_exceedances,
        "xi": tail.shape,
        "beta": tail.scale,
        "se_xi": float(tail.standard_errors["shape"]),
        "se_beta": float(tail.standard_errors["scale"]),
        "nll": tail.negative_log_likelihood,
        "quantile": {level: tail.value_at_risk(float(level)) for level in levels},
        "expected_shortfall": {level: tail.expected_shortfall(float(level)) for level in levels},
    }


VOLATILITY_METHODS: dict[str, Callable[[Case], Any]] = {
    "garch_fit": garch_fit,
    "garch_forecast": garch_forecast,
    "ewma_volatility": ewma_volatility,
    "range_volatility": range_estimate,
    "gpd_fit": pareto_fit,
}
