"""The GARCH family by maximum likelihood, estimated by volkit's own engine and certified.

Decimals go in and come out. The optimum comes with a certificate; a fit that cannot be certified says so in its
status, and a warning is given.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_positive, check_times
from volkit.errors import ArgumentError, ConvergenceWarning, DataError, NearIntegratedWarning, SmallSampleWarning
from volkit.results import Provenance, frozen_series
from volkit.volatility.distributions import Distribution
from volkit.volatility.engine.codes import Family, Law, StartUp
from volkit.volatility.engine.design import Design
from volkit.volatility.engine.problem import Solution, filtered, mean_regressors, solve
from volkit.volatility.fit import Certificate, VolatilityFit
from volkit.volatility.inputs import FitInputs, read_inputs
from volkit.volatility.recursion import NEAR_INTEGRATED, Recursion

__all__ = ["FAMILIES", "Garch"]

FAMILIES: tuple[Family, ...] = ("garch", "gjr", "tarch", "egarch", "aparch", "igarch", "ewma")
LAWS: tuple[Law, ...] = ("normal", "t", "skewt", "ged")
START_UPS: tuple[StartUp, ...] = ("backcast", "sample", "fcp", "unconditional", "rugarch")
_MINIMUM = 100
_COMFORTABLE = 500
_WORDS: dict[Family, str] = {
    "garch": "GARCH",
    "gjr": "GJR",
    "tarch": "TARCH",
    "egarch": "EGARCH",
    "aparch": "APARCH",
    "igarch": "IGARCH",
    "ewma": "estimated EWMA",
}
_LEANING: tuple[Family, ...] = ("gjr", "tarch", "egarch", "aparch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Garch:
    """A model of the GARCH family with one lag of each kind.

    Attributes
    ----------
    family : {"garch", "gjr", "tarch", "egarch", "aparch", "igarch", "ewma"}
        The recursion; see Notes.
    distribution : {"normal", "t", "skewt", "ged"}
        Law of the innovations, of unit variance.
    mean : {"zero", "constant", "ar"}
        Mean of the returns.
    mean_lags : int
        Lags of the "ar" mean.
    asymmetry : bool, optional
        Whether falls and rises weigh differently; by default as the family has it.
    power : float, optional
        Fixed power of the volatility; by default 2 (1 for TARCH), and estimated for APARCH.
    targeting : bool
        Variance targeting: omega follows from the sample variance (additive families of power 2).
    start_up : {"backcast", "sample", "fcp", "unconditional", "rugarch"}
        The state before the first return: arch's weighted mean of the first 75; the mean square of the OLS
        residuals; the same at the current mean (Fiorentini, Calzolari and Panattoni 1996); the long-run variance;
        rugarch's, where the mean square is the first variance itself.
    regressors : tuple of str
        Columns of the frame of regressors that enter the variance.
    regressor_sign : {"nonnegative", "free"}
        Whether a regressor may only raise the variance. Free signs are the rule for EGARCH, whose logarithm cannot
        turn negative.

    Notes
    -----
    With residual e, variance v, z = e / sqrt(v) and the regressors x of the period to come:

    * garch v' = omega + alpha e^2 + beta v + pi'x (Bollerslev 1986); igarch with alpha + beta = 1, ewma with omega = 0
      besides;
    * gjr adds gamma 1[e < 0] e^2 (Glosten, Jagannathan and Runkle 1993); tarch is the same in absolute residuals and
      volatilities (Zakoian 1994);
    * egarch log v' = omega + alpha (abs(z) - sqrt(2 / pi)) + gamma z + beta log v (Nelson 1991);
    * aparch s' = omega + alpha (abs(e) - gamma e)^delta + beta s with s = v^(delta / 2) (Ding, Granger and Engle 1993).

    Estimated under omega, alpha, beta >= 0, alpha + gamma >= 0 and alpha + gamma / 2 + beta <= 1 (arch's set, also for
    skewed laws: `VolatilityFit.persistence` tells the law's own). Needs 100 returns; below 500 a warning says that
    alpha, beta and nu are rough. Derivatives are exact, and where the likelihood has kinks in the mean (tarch, egarch,
    aparch, ged) they are one-sided limits, so that no standard error depends on a step. Not for several lags,
    long memory or components: those are estimated through arch by `ThroughArch`.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import simple_returns
    >>> close = BundledSource().load_bars("SPX").frame["close"].rename("SPX")
    >>> fit = Garch(distribution="t").fit(simple_returns(close).iloc[-2000:], periods_per_year=252)
    >>> fit
    <VolatilityFit: SPX, GARCH-t, converged, next volatility 32.1 % a year, as of 2018-12-31>
    >>> fit.certificate.gain < 1e-9
    True
    """

    family: Family = "garch"
    distribution: Law = "t"
    mean: Literal["zero", "constant", "ar"] = "constant"
    mean_lags: int = 1
    asymmetry: bool | None = None
    power: float | None = None
    targeting: bool = False
    start_up: StartUp = "backcast"
    regressors: tuple[str, ...] = ()
    regressor_sign: Literal["nonnegative", "free"] = "nonnegative"

    def __post_init__(self) -> None:
        check_choice(self.family, argument="family", choices=FAMILIES)
        check_choice(self.distribution, argument="distribution", choices=LAWS)
        check_choice(self.mean, argument="mean", choices=("zero", "constant", "ar"))
        check_choice(self.start_up, argument="start_up", choices=START_UPS)
        check_choice(self.regressor_sign, argument="regressor_sign", choices=("nonnegative", "free"))
        check_count(self.mean_lags, argument="mean_lags", unit="lags")
        if self.power is not None:
            check_positive(self.power, argument="power", unit="of the volatility")
        self._check_combination()

    def _check_combination(self) -> None:
        squares = self.design.power == 2.0 and self.family not in ("egarch", "aparch")
        if self.power is not None and self.family in ("egarch", "igarch", "ewma"):
            raise ArgumentError(
                "power", f"must be left out for {self.family}", f"{self.power:g}", 'choose family="garch" or "aparch"'
            )
        if self.asymmetry and self.family in ("igarch", "ewma"):
            raise ArgumentError("asymmetry", f"must be left out for {self.family}", "True", 'choose family="gjr"')
        if self.targeting and (not squares or self.family in ("igarch", "ewma") or self.regressors):
            raise ArgumentError(
                "targeting",
                "must be off: only a recursion in squares without regressors has the sample variance as its level",
                f"True with {self.words}",
                'choose family="garch" or "gjr"',
            )
        if self.start_up == "unconditional" and (
            not (squares or self.family == "egarch") or self.family in ("igarch", "ewma")
        ):
            raise ArgumentError(
                "start_up",
                f"must be backcast, sample, fcp or rugarch for {self.words}",
                "unconditional",
                "this recursion has no long-run variance in closed form",
            )
        if isinstance(self.regressors, str):
            raise ArgumentError("regressors", "must be a tuple of names", repr(self.regressors), "pass (name,)")

    @property
    def n_mean_lags(self) -> int:
        """Returns that only start the lags of the mean."""
        return self.mean_lags if self.mean == "ar" else 0

    @property
    def design(self) -> Design:
        """The engine's view of the model."""
        return _design_of(self)

    def _make_design(self) -> Design:
        has_constant = self.mean != "zero"
        leaning = self.family in _LEANING if self.asymmetry is None else self.asymmetry
        power = {"tarch": 1.0, "aparch": None}.get(self.family, 2.0) if self.power is None else self.power
        return Design(
            family="gjr" if self.family == "garch" and leaning else self.family,
            law=self.distribution,
            start_up=self.start_up,
            n_mean=has_constant + self.n_mean_lags,
            has_constant=has_constant,
            n_x=len(self.regressors),
            asymmetric=leaning,
            power=power,
            targeting=self.targeting,
            nonnegative=self.regressor_sign == "nonnegative" and self.family != "egarch",
        )

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters in their order."""
        names = list(self.design.names)
        for i, name in enumerate(self.regressors):
            names[names.index(f"x[{i}]")] = name
        return tuple(names)

    @property
    def words(self) -> str:
        """The model in words."""
        leaning, natural = self.asymmetry, self.family in _LEANING
        word = _WORDS[self.family] if not (self.family == "garch" and leaning) else "GJR"
        if leaning is False and natural:
            word = f"symmetric {word}"
        if self.power is not None:
            word = f"{word} of power {self.power:g}"
        law = {"skewt": "skew-t"}.get(self.distribution, self.distribution)
        extra = f" with {', '.join(self.regressors)}" if self.regressors else ""
        lags = f"AR({self.mean_lags})-" if self.mean == "ar" else ""
        target = ", variance targeted" if self.targeting else ""
        return f"{lags}{word}-{law}{extra}{target}"

    @property
    def minimum_observations(self) -> int:
        """Least number of returns."""
        return _MINIMUM

    def fit(
        self,
        returns: pd.Series,
        *,
        periods_per_year: float,
        regressors: pd.DataFrame | None = None,
        start: pd.Series | None = None,
        provenance: Provenance | None = None,
    ) -> VolatilityFit:
        """Return the model fitted to decimal returns, shape (n_obs,), on UTC times.

        Parameters
        ----------
        returns : Series, shape (n_obs,)
            Decimal returns, no NaN.
        periods_per_year : float
            365 for UTC days, 252 for exchange sessions.
        regressors : DataFrame, optional
            The model's regressors by time (UTC): a row for every return and one for the period after the last. A row
            must be known before its period begins; a value that is known only afterwards has to be shifted.
        start : Series, optional
            Parameters by name to start from, instead of the search over several starts: the optimum of the hill that
            they stand on.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For what `volkit.checks.check_returns` refuses (at least 100 returns are needed), and for regressors that
            are missing, late, not finite or constant.
        ArgumentError
            When `start` lacks a parameter.

        Warns
        -----
        ConvergenceWarning
            When the optimum could not be certified; the status says so too.
        NearIntegratedWarning
            When the persistence is at one: the long-run level is not identified.
        SmallSampleWarning
            Below 500 returns.
        """
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        inputs = read_inputs(returns, regressors, names=self.regressors, minimum=_MINIMUM + self.n_mean_lags)
        values, X = mean_regressors(inputs.values, n_lags=self.n_mean_lags, has_constant=self.mean != "zero")
        solution = solve(self.design, values, X, inputs.pushes[:, self.n_mean_lags :], start=self._start_values(start))
        fit = self._result(solution, inputs, periods_per_year, provenance or Provenance(()))
        _warn(fit)
        return fit

    def _start_values(self, start: pd.Series | None) -> np.ndarray | None:
        if start is None:
            return None
        if missing := [n for n in self.parameter_names if n not in start.index]:
            raise ArgumentError(
                "start",
                f"must name every parameter of {self.words}",
                f"none for {', '.join(missing)}",
                "pass the parameters of an earlier fit of this model",
            )
        return np.array(start[list(self.parameter_names)], dtype=np.float64)

    def recursion_of(self, theta: np.ndarray) -> Recursion:
        """Return the recursion with parameters in the order of `parameter_names`, shape (K,)."""
        design, named = self.design, dict(zip(self.design.names, theta.tolist(), strict=True))
        return Recursion(
            named.get("mu", 0.0),
            named["omega"],
            named["alpha"],
            named.get("gamma", 0.0),
            named["beta"],
            kind=design.kind,
            power=named.get("delta", design.power or 2.0),
            ar=tuple(named[f"ar[{i}]"] for i in range(1, self.n_mean_lags + 1)),
            weights=tuple(named[f"x[{i}]"] for i in range(design.n_x)),
        )

    def law_of(self, theta: np.ndarray) -> Distribution:
        """Return the law with parameters in the order of `parameter_names`, shape (K,)."""
        shape = [float(v) for v in theta[self.design.n_state :]]
        return Distribution(self.distribution, *shape)

    def _named(self, words: str) -> str:
        """A constraint with the regressors called by their names."""
        for i, name in enumerate(self.regressors):
            words = words.replace(f"x[{i}]", name)
        return words

    def is_feasible(self, theta: np.ndarray) -> bool:
        """Return whether natural parameters, shape (K,), keep the model's inequalities (equations set aside)."""
        C, bound, n_equal, _ = self.design.constraints(1.0)
        return bool((C[n_equal:] @ theta >= bound[n_equal:] - 1e-12).all())

    def next_variance_under(self, values: np.ndarray, theta: np.ndarray, *, pushes: np.ndarray) -> float:
        """Return the variance of the period after the values (decimal squared) under given parameters, unchecked.

        values, theta, pushes: as in `standardize`.
        """
        return filtered(self.design, values, theta, n_lags=self.n_mean_lags, pushes=pushes)[1]

    def refit(self, fit: VolatilityFit, later: pd.Series, *, regressors: pd.DataFrame | None = None) -> VolatilityFit:
        """Return the model fitted again with later returns appended, from the optimum that it had.

        Parameters
        ----------
        fit : VolatilityFit
            Of this model.
        later : Series
            Decimal returns after the fit's last one (UTC).
        regressors : DataFrame, optional
            Of the variance, for all returns and the period after.

        Raises
        ------
        DataError
            When the later returns do not begin after the fit's last one, and as `fit`.
        ArgumentError
            When the fit is of another model.

        Warns
        -----
        ConvergenceWarning, NearIntegratedWarning, SmallSampleWarning
            As `fit`.
        """
        longer = self._appended(fit, later)
        return self.fit(
            longer,
            periods_per_year=fit.periods_per_year,
            regressors=regressors,
            start=fit.parameters,
            provenance=fit.provenance,
        )

    def _appended(self, fit: VolatilityFit, later: pd.Series) -> pd.Series:
        if fit.spec != self.words:
            raise ArgumentError("fit", f"must be one of {self.words}", fit.spec, "use the model that made it")
        times = check_times(later.index, argument="later")
        if not len(times) or times[0] <= fit.as_of:
            raise DataError(
                "later",
                f"must begin after the fit's last return, {fit.as_of}",
                "no returns" if not len(times) else f"a first one at {times[0]}",
                "pass only the returns that the fit has not seen",
            )
        return pd.concat([fit.returns, later.set_axis(times).rename(fit.returns.name)])

    def standardize(self, values: np.ndarray, theta: np.ndarray, *, pushes: np.ndarray) -> np.ndarray:
        """Return the standardised returns under given parameters, shape (n - lags of the mean,), unchecked.

        values, shape (n,): decimal returns, those that start the lags first. theta, shape (K,): in the order of
        `parameter_names`. pushes, shape (n_x, n - lags + 1): regressors of the variance.
        """
        return filtered(self.design, values, theta, n_lags=self.n_mean_lags, pushes=pushes)[0]

    def _result(
        self, solution: Solution, inputs: FitInputs, periods_per_year: float, provenance: Provenance
    ) -> VolatilityFit:
        optimum, name = solution.optimum, inputs.returns.name
        index = inputs.returns.index[self.n_mean_lags :] if self.n_mean_lags else inputs.returns.index
        recursion, variance = self.recursion_of(solution.theta), solution.variance
        with np.errstate(invalid="ignore", divide="ignore"):
            # Where a search came to nothing, and says so, there may be no variance.
            standardized = solution.residuals / np.sqrt(variance[:-1])
        return VolatilityFit(
            asset=str(name or "asset"),
            spec=self.words,
            recursion=recursion,
            distribution=self.law_of(solution.theta),
            parameters=frozen_series(solution.theta, _parameter_index(self)),
            covariances=solution.covariances,
            variance=frozen_series(variance[:-1], index, name),
            standardized=frozen_series(standardized, index, name),
            next_variance=float(variance[-1]),
            next_mean=recursion.next_mean(inputs.values),
            returns=frozen_series(inputs.values, inputs.returns.index, name),
            regressors=inputs.regressors,
            log_likelihood=solution.log_likelihood,
            certificate=Certificate(
                gain=optimum.gain,
                kkt_residual=optimum.kkt,
                active=tuple(self._named(w) for w in solution.active),
                n_pinned=int((optimum.pins != 0.0).sum()),
                n_modes=optimum.modes,
                n_passes=optimum.passes,
            ),
            status="converged" if optimum.converged else "not converged",
            as_of=index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance,
        )


@cache
def _parameter_index(model: Garch) -> pd.Index:
    # pandas takes a third of a millisecond to make an index of words.
    return pd.Index(model.parameter_names)


@cache
def _design_of(model: Garch) -> Design:
    return model._make_design()


def _warn(fit: VolatilityFit) -> None:
    if fit.status == "not converged":
        gain = fit.certificate.gain if fit.certificate else float("nan")
        warnings.warn(
            f"{fit.spec} on {fit.asset} did not converge from several starts ({gain:.2g} of log-likelihood still to "
            "gain); its numbers are not an optimum. Use a longer history, or a simpler model such as Ewma().",
            ConvergenceWarning,
            stacklevel=3,
        )
    if fit.persistence >= NEAR_INTEGRATED:
        warnings.warn(
            f"{fit.spec} on {fit.asset} has persistence {fit.persistence:.5f}: shocks do not die out and the "
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
