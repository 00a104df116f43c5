"""Regimes of volatility: calm and turbulent times that follow each other as a Markov chain.

Decimal returns go in, a frozen `RegimeFit` comes out. The optimum is searched from several starts and certified by
its exact score; statsmodels filters and smooths, and its log-likelihood has to agree with the search's.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_positive, check_returns
from volkit.errors import ArgumentError, ConvergenceWarning, SmallSampleWarning
from volkit.parallel import one_blas_thread
from volkit.results import Provenance, freeze
from volkit.volatility.fit import FitStatus
from volkit.volatility.regimes._values import RegimeValues, pack, unpack
from volkit.volatility.regimes.fit import RegimeFit, markov_model

__all__ = ["VolatilityRegimes"]

_MINIMUM = 200
_COMFORTABLE = 500
_FEWEST_PERIODS = 5.0
_AGREEMENT = 1e-6
# Below this a transition probability stands at zero: it has an estimate, but no standard error.
_AT_ZERO = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityRegimes:
    """Markov switching variance with two or three regimes.

    Attributes
    ----------
    n_regimes : {2, 3}
        calm and turbulent, or calm, normal and turbulent, in order of volatility.
    mean : {"constant", "zero", "switching"}
        Mean of the returns: one for all regimes, none, or one for each.
    n_starts : int
        Searches; the first from the usual picture, the others from random ones.

    Notes
    -----
    r_t = mu_{S_t} + sigma_{S_t} e_t, e_t standard normal, P(S_{t+1} = j | S_t = i) = p_ij [1]_; real-time
    probabilities by the filter of Hamilton 1994, equations 22.4.5 and 22.4.6, those in hindsight by the smoother of
    Kim, 22.4.14. The chain starts at its unconditional probabilities. Each start is improved by expectation
    maximisation, then by Newton's method, until the log-likelihood that may still be had is below 1e-8. Optima in
    which one regime collapses on a few equal returns, where the likelihood has no bound, are left aside. Not for
    series with many returns of exactly zero, nor for fewer than 200 returns.

    References
    ----------
    .. [1] J. Hamilton, "A new approach to the economic analysis of nonstationary time series and the business
       cycle", Econometrica 57, 1989; Time Series Analysis, Princeton, 1994, chapter 22. B. Hansen, "The likelihood
       ratio test under nonstandard conditions", Journal of Applied Econometrics 7, 1992.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import log_returns
    >>> returns = log_returns(BundledSource().load_bars("SPX").frame["close"].rename("SPX"))
    >>> regimes = VolatilityRegimes().fit(returns.iloc[-2000:], periods_per_year=252)
    >>> regimes.annualized_volatilities.round(3).to_dict(), regimes.expected_durations.round(0).to_dict()
    ({'calm': 0.083, 'turbulent': 0.224}, {'calm': 37.0, 'turbulent': 19.0})
    """

    n_regimes: Literal[2, 3] = 2
    mean: Literal["constant", "zero", "switching"] = "constant"
    n_starts: int = 8

    def __post_init__(self) -> None:
        if self.n_regimes not in (2, 3):
            raise ArgumentError(
                "n_regimes", "must be 2 or 3", repr(self.n_regimes), "more are not identified in returns"
            )
        check_choice(self.mean, argument="mean", choices=("constant", "zero", "switching"))
        check_count(self.n_starts, argument="n_starts", unit="starts")

    @property
    def words(self) -> str:
        """The model in words."""
        return f"{self.n_regimes} volatility regimes"

    @property
    def minimum_observations(self) -> int:
        """Least number of returns."""
        return _MINIMUM

    def fit(
        self,
        returns: pd.Series,
        *,
        periods_per_year: float,
        rng: np.random.Generator | None = None,
        provenance: Provenance | None = None,
    ) -> RegimeFit:
        """Return the regimes fitted to decimal returns, shape (n_obs,), on UTC times.

        Parameters
        ----------
        returns : Series, shape (n_obs,)
            Decimal, no NaN.
        periods_per_year : float
            365 for UTC days, 252 for exchange sessions.
        rng : Generator, optional
            For the random starts; by default one of seed 0, so that a fit repeats itself.
        provenance : Provenance, optional
            Handed on.

        Returns
        -------
        RegimeFit
            Variances per period, decimal squared.

        Raises
        ------
        DataError
            For what `volkit.checks.check_returns` refuses; at least 200 returns are needed.

        Warns
        -----
        ConvergenceWarning
            When the best end is no certified optimum, a regime occurs in fewer than five periods, or statsmodels
            finds another log-likelihood; the status says so too.
        SmallSampleWarning
            Below 500 returns.
        """
        checked = check_returns(returns, minimum=_MINIMUM)
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        fit = self._fitted(
            checked,
            periods_per_year=float(periods_per_year),
            rng=np.random.default_rng(0) if rng is None else rng,
            provenance=provenance or Provenance(()),
        )
        _warn(fit, self.n_starts)
        return fit

    def _fitted(
        self, returns: pd.Series, *, periods_per_year: float, rng: np.random.Generator, provenance: Provenance
    ) -> RegimeFit:
        from volkit.volatility.regimes._search import covariance, search  # compiled: only when a model is fitted

        # The search runs on returns of mean square one, whatever their unit.
        scale = float(np.sqrt(np.mean(returns**2)))
        x, k = returns.to_numpy() / scale, self.n_regimes
        with one_blas_thread():
            end = search(x, n_regimes=k, mean=self.mean, n_starts=self.n_starts, rng=rng)
            ordered = _by_volatility(unpack(end.theta, n_regimes=k, mean=self.mean))
            matrix = covariance(pack(ordered, mean=self.mean), x, n_regimes=k, mean=self.mean)
        errors = np.sqrt(np.maximum(np.diag(matrix), 0.0)) if end.converged else np.full(len(matrix), np.nan)
        values = RegimeValues(ordered.transition, ordered.means * scale, ordered.variances * scale**2)
        model, params = markov_model(returns.to_numpy(), values)
        smoothed = model.smooth(params)
        log_likelihood = end.log_likelihood - len(x) * float(np.log(scale))
        trouble = _trouble(end.converged, smoothed, log_likelihood)
        status: FitStatus = "not converged" if trouble else "converged"
        labels = ["calm", "turbulent"] if k == 2 else ["calm", "normal", "turbulent"]
        probabilities = _table(smoothed.filtered_marginal_probabilities, returns, labels)
        P = pd.DataFrame(values.transition, index=labels, columns=labels)
        return RegimeFit(
            asset=str(returns.name or "asset"),
            spec=self.words,
            transition=freeze(P),
            transition_errors=freeze(pd.DataFrame(errors[: k * k].reshape(k, k), labels, labels).where(_inside(P))),
            means=freeze(pd.Series(values.means, index=labels)),
            mean_errors=freeze(
                pd.Series(errors[k * k : -k] * (np.nan if self.mean == "zero" else scale), index=labels)
            ),
            variances=freeze(pd.Series(values.variances, index=labels)),
            volatility_errors=freeze(pd.Series(errors[-k:] * scale, index=labels)),
            probabilities=freeze(probabilities),
            hindsight_probabilities=freeze(_table(smoothed.smoothed_marginal_probabilities, returns, labels)),
            next_probabilities=freeze((probabilities.iloc[-1] @ P).rename(None)),
            log_likelihood=log_likelihood,
            one_regime_log_likelihood=_one_regime(returns.to_numpy(), zero_mean=self.mean == "zero"),
            n_parameters=len(end.theta),
            n_parameters_of_one=1 if self.mean == "zero" else 2,
            remaining=end.remaining,
            n_agreeing=end.n_agreeing,
            status=status,
            trouble=trouble,
            as_of=returns.index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance,
        )


def _by_volatility(values: RegimeValues) -> RegimeValues:
    order = np.argsort(values.variances)
    return RegimeValues(values.transition[np.ix_(order, order)], values.means[order], values.variances[order])


def _table(probabilities: np.ndarray, returns: pd.Series, labels: list[str]) -> pd.DataFrame:
    return pd.DataFrame(np.asarray(probabilities), index=returns.index, columns=labels)


def _inside(probabilities: pd.DataFrame) -> pd.DataFrame:
    return (probabilities > _AT_ZERO) & (probabilities < 1.0 - _AT_ZERO)


def _one_regime(values: np.ndarray, *, zero_mean: bool) -> float:
    variance = float(np.mean(values**2)) if zero_mean else float(np.var(values))
    return -0.5 * len(values) * (float(np.log(2.0 * np.pi * variance)) + 1.0)


def _trouble(is_certified: bool, smoothed: Any, log_likelihood: float) -> str:
    if not is_certified:
        return "the search ended where the likelihood still rises, or where a regime collapses on equal returns"
    if abs(float(smoothed.llf) - log_likelihood) > _AGREEMENT * max(1.0, abs(log_likelihood)):
        return f"statsmodels finds a log-likelihood of {smoothed.llf:.6f} in place of {log_likelihood:.6f}"
    fewest = float(np.asarray(smoothed.smoothed_marginal_probabilities).sum(axis=0).min())
    if fewest < _FEWEST_PERIODS:
        return f"one regime occurs in {fewest:.1f} periods only"
    return ""


def _warn(fit: RegimeFit, n_starts: int) -> None:
    if fit.trouble:
        warnings.warn(
            f"{fit.spec} on {fit.asset} did not converge from {n_starts} starts: {fit.trouble}. Use a longer history, "
            "fewer regimes, or returns without runs of zeros.",
            ConvergenceWarning,
            stacklevel=3,
        )
    if fit.n_obs < _COMFORTABLE:
        warnings.warn(
            f"{fit.spec} on {fit.asset} rest on {fit.n_obs} returns; below {_COMFORTABLE} they are rough.",
            SmallSampleWarning,
            stacklevel=3,
        )
