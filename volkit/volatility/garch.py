"""GARCH and GJR-GARCH by maximum likelihood, estimated through `arch`.

Decimals go in and come out. The returns are scaled to unit variance for the optimiser and the estimates
scaled back; a fit that does not converge is tried again from other starting values, and if none converges
the result says so and a warning is given.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_returns
from volkit.errors import ArgumentError, ConvergenceWarning, NearIntegratedWarning, SmallSampleWarning
from volkit.parallel import one_blas_thread
from volkit.results import Provenance, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.fit import NEAR_INTEGRATED, FitStatus, Recursion, VolatilityFit

__all__ = ["Garch"]

_MINIMUM = 100
_COMFORTABLE = 500
# (alpha, gamma, beta) of the second and later attempts: calm, usual and jumpy markets.
_OTHER_STARTS = ((0.05, 0.02, 0.90), (0.10, 0.05, 0.80), (0.03, 0.01, 0.96), (0.20, 0.05, 0.60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Garch:
    """GARCH(1,1), or GJR-GARCH(1,1,1) with `asymmetry`.

    Attributes
    ----------
    asymmetry : {0, 1}
        1 adds gamma, the extra weight of a squared negative residual (GJR).
    distribution : {"normal", "t"}
        Law of the innovations.
    mean : {"zero", "constant"}
        Mean of the returns.

    Notes
    -----
    v_{t+1} = omega + (alpha + gamma 1[e_t < 0]) e_t^2 + beta v_t (Bollerslev 1986; Glosten, Jagannathan and
    Runkle 1993). The variance before the first return is arch's backcast. Not for fewer than 100 returns;
    below 500 the estimates of alpha, beta and nu are rough and a warning says so.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import simple_returns
    >>> close = BundledSource().load_bars("SPX").frame["close"].rename("SPX")
    >>> Garch(distribution="t").fit(simple_returns(close).iloc[-2000:], periods_per_year=252)
    <VolatilityFit: SPX, GARCH-t, converged, next volatility 32.1% a year, as of 2018-12-31>
    """

    asymmetry: Literal[0, 1] = 0
    distribution: Literal["normal", "t"] = "t"
    mean: Literal["zero", "constant"] = "constant"

    def __post_init__(self) -> None:
        if self.asymmetry not in (0, 1):
            raise ArgumentError("asymmetry", "must be 0 (GARCH) or 1 (GJR)", repr(self.asymmetry), "pass 0 or 1")
        check_choice(self.distribution, argument="distribution", choices=("normal", "t"))
        check_choice(self.mean, argument="mean", choices=("zero", "constant"))

    @property
    def words(self) -> str:
        """The model in words."""
        return f"{'GJR' if self.asymmetry else 'GARCH'}-{self.distribution}"

    @property
    def minimum_observations(self) -> int:
        """Least number of returns."""
        return _MINIMUM

    def fit(
        self, returns: pd.Series, *, periods_per_year: float, provenance: Provenance | None = None
    ) -> VolatilityFit:
        """Return the model fitted to decimal returns, shape (n_obs,), on UTC times.

        Raises
        ------
        DataError
            For what `volkit.checks.check_returns` refuses; at least 100 returns are needed.

        Warns
        -----
        ConvergenceWarning
            When no start converges; the status says so too.
        NearIntegratedWarning
            When the persistence is at one: the long-run level is not identified.
        SmallSampleWarning
            Below 500 returns.
        """
        checked = check_returns(returns, minimum=_MINIMUM)
        scale = float(checked.std())
        with one_blas_thread():
            best = self._best_of_starts(checked.to_numpy() / scale)
            fit = self._unscaled(best, checked, scale, periods_per_year, provenance or Provenance(()))
        _warn(fit)
        return fit

    def _model(self, values: np.ndarray) -> Any:
        from arch import arch_model  # three seconds: only when a model is fitted

        mean: Literal["Zero", "Constant"] = "Zero" if self.mean == "zero" else "Constant"
        return arch_model(
            values, mean=mean, vol="GARCH", p=1, o=self.asymmetry, q=1, dist=self.distribution, rescale=False
        )

    def _best_of_starts(self, values: np.ndarray) -> Any:
        model = self._model(values)
        with warnings.catch_warnings():
            # arch warns by text; the status carries the same fact, and is checked below.
            warnings.simplefilter("ignore")
            result = model.fit(disp="off", show_warning=False)
            if _is_optimum(result):
                return result
            tries = [result]
            tries += [
                model.fit(disp="off", show_warning=False, starting_values=start)
                for start in self._starts(float(values.mean()))
            ]
        converged = [t for t in tries if _is_optimum(t)]
        return max(converged or tries, key=lambda t: t.loglikelihood)

    def _starts(self, mean: float) -> list[np.ndarray]:
        starts = []
        for alpha, gamma, beta in _OTHER_STARTS:
            dynamics = [alpha, gamma, beta] if self.asymmetry else [alpha, beta]
            omega = 1.0 - alpha - beta - (0.5 * gamma if self.asymmetry else 0.0)
            law = [6.0] if self.distribution == "t" else []
            starts.append(np.array(([mean] if self.mean == "constant" else []) + [omega, *dynamics] + law))
        return starts

    def _unscaled(
        self, result: Any, returns: pd.Series, scale: float, periods_per_year: float, provenance: Provenance
    ) -> VolatilityFit:
        names = {"alpha[1]": "alpha", "gamma[1]": "gamma", "beta[1]": "beta"}
        units = {"mu": scale, "omega": scale**2}
        estimate = result.params.rename(names)
        estimate = estimate * [units.get(n, 1.0) for n in estimate.index]
        errors = result.std_err.rename(names)
        errors = errors * [units.get(n, 1.0) for n in errors.index]
        p = estimate.to_dict()
        recursion = Recursion(p.get("mu", 0.0), p["omega"], p["alpha"], p.get("gamma", 0.0), p["beta"])
        variance = pd.Series(
            (np.asarray(result.conditional_volatility) * scale) ** 2, index=returns.index, name=returns.name
        )
        status: FitStatus = "converged" if _is_optimum(result) else "not converged"
        law = Distribution("t", p["nu"]) if self.distribution == "t" else Distribution()
        return VolatilityFit(
            asset=str(returns.name or "asset"),
            spec=self.words,
            recursion=recursion,
            distribution=law,
            standard_errors=freeze(errors),
            variance=freeze(variance),
            standardized=freeze((returns - recursion.mu) / np.sqrt(variance)),
            next_variance=recursion.next_variance(float(returns.iloc[-1]), float(variance.iloc[-1])),
            log_likelihood=float(result.loglikelihood) - len(returns) * float(np.log(scale)),
            status=status,
            as_of=returns.index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance,
        )


def _is_optimum(result: Any) -> bool:
    """Whether the optimiser says so and has not run off: a mean beyond every return is no estimate."""
    if "mu" not in result.params:
        return bool(result.convergence_flag == 0)
    # Residuals of both signs: the mean lies among the returns.
    return bool(result.convergence_flag == 0 and result.resid.min() <= 0.0 <= result.resid.max())


def _warn(fit: VolatilityFit) -> None:
    if fit.status == "not converged":
        warnings.warn(
            f"{fit.spec} on {fit.asset} did not converge from {len(_OTHER_STARTS) + 1} starts; its numbers are not an "
            "optimum. Use a longer history, or a simpler model such as Ewma().",
            ConvergenceWarning,
            stacklevel=3,
        )
    if fit.recursion.persistence >= NEAR_INTEGRATED:
        warnings.warn(
            f"{fit.spec} on {fit.asset} has persistence {fit.recursion.persistence:.5f}: shocks do not die out and the "
            "long-run volatility is not identified. Forecasts of a few periods are usable.",
            NearIntegratedWarning,
            stacklevel=3,
        )
    if fit.n_obs < _COMFORTABLE:
        warnings.warn(
            f"{fit.spec} on {fit.asset} rests on {fit.n_obs} returns; below {_COMFORTABLE} its parameters are rough.",
            SmallSampleWarning,
            stacklevel=3,
        )
