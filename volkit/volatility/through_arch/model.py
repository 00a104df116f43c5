"""Models that the engine of `Garch` lacks, estimated through arch behind the same `fit`.

Decimals go in and come out; arch sees returns divided by a power of two near their standard deviation. Several starts
are climbed, the best end is polished, and a fit whose derivatives do not show an optimum says so.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_positive, check_returns
from volkit.errors import ArgumentError, ConvergenceWarning, NearIntegratedWarning, SmallSampleWarning
from volkit.parallel import one_blas_thread
from volkit.results import Provenance, freeze
from volkit.volatility.distributions import Distribution
from volkit.volatility.engine.codes import LAW_PARAMETERS, Law
from volkit.volatility.fit import Certificate
from volkit.volatility.recursion import NEAR_INTEGRATED
from volkit.volatility.through_arch._equations import KINDS, ArchStartUp, Equation, Kind
from volkit.volatility.through_arch._likelihood import ArchLikelihood
from volkit.volatility.through_arch._search import ArchOptimum, maximise
from volkit.volatility.through_arch.filter import ArchFilter
from volkit.volatility.through_arch.fit import ArchFit

__all__ = ["ThroughArch"]

_MINIMUM = 100
_COMFORTABLE = 500
# What each kind can be told, and what it is when it is told nothing.
_DEFAULTS: dict[Kind, dict[str, object]] = {
    "figarch": {"p": 1, "q": 1, "power": 2.0, "truncation": 1000},
    "harch": {"lags": (1, 5, 22)},
    "midas": {"m": 22, "asymmetry": False},
    "garch": {"p": 1, "o": 0, "q": 1, "power": 2.0},
    "egarch": {"p": 1, "o": 1, "q": 1},
    "aparch": {"p": 1, "o": 1, "q": 1, "power": None},
    "ewma": {},
    "riskmetrics": {},
}
_OPTIONS = ("p", "o", "q", "power", "lags", "m", "asymmetry", "truncation")
_EXPONENTIAL: tuple[Kind, ...] = ("ewma", "riskmetrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughArch:
    """A model that arch estimates.

    Attributes
    ----------
    kind : {"figarch", "harch", "midas", "garch", "egarch", "aparch", "ewma", "riskmetrics"}
        The variance; see Notes.
    distribution : {"normal", "t", "skewt", "ged"}
        Law of the innovations, of unit variance.
    mean : {"zero", "constant", "ar"}
        Mean of the returns.
    mean_lags : int
        Lags of the "ar" mean.
    start_up : {"backcast", "sample"}
        The variance before the first return: arch's weighted mean of the first 75 squares (its own of each component
        for RiskMetrics 2006), or the mean square of the OLS residuals.
    p, o, q : int, optional
        Lags of shocks, of falls and of the variance: of garch (1, 0, 1), egarch (1, 1, 1), aparch (1, 1, 1) and, p and
        q no more than 1, figarch (1, 1). With q=0 a garch is an ARCH(p).
    power : float, optional
        Fixed power of the volatility: of garch and figarch (2) and of aparch (estimated).
    lags : tuple of int, optional
        Periods over which harch takes means of squares: (1, 5, 22).
    m : int, optional
        Periods that midas looks back: 22.
    asymmetry : bool, optional
        Whether falls weigh differently in midas: False.
    truncation : int, optional
        Periods that figarch looks back: 1000.

    Notes
    -----
    With residual e, variance v, z = e / sqrt(v):

    * figarch v' = omega / (1 - beta) + sum of lambda_i(phi, d, beta) abs(e)^2, weights that fall like i^(-1-d)
      (Baillie, Bollerslev and Mikkelsen 1996);
    * harch v' = omega + sum over lags k of alpha[k] mean(e^2 of the last k) (Mueller et al. 1997);
    * midas v' = omega + (alpha + gamma 1[e < 0]) weighted mean of the last m squares, weights hyperbolic in theta;
    * garch, egarch and aparch as in `Garch`, of any order;
    * ewma: its decay "lam" is estimated; riskmetrics: a fixed mixture of 14 decays (Zumbach 2007).

    For garch, egarch and aparch of one lag use `Garch`, which is faster and has exact derivatives. Needs 100 returns
    and what the variance looks back; below 500 a warning says that the parameters are rough.

    Examples
    --------
    >>> from volkit.sources.bundled import BundledSource
    >>> from volkit.returns import simple_returns
    >>> close = BundledSource().load_bars("SPX").frame["close"].rename("SPX")
    >>> returns = simple_returns(close).iloc[-1500:]
    >>> fit = ThroughArch(kind="harch").fit(returns, periods_per_year=252)
    >>> fit
    <ArchFit: SPX, HARCH(1, 5, 22)-t, converged, next volatility 34.6 % a year, as of 2018-12-31>
    >>> fit.certificate.gain < 1e-6
    True
    """

    kind: Kind
    distribution: Law = "t"
    mean: Literal["zero", "constant", "ar"] = "constant"
    mean_lags: int = 1
    start_up: ArchStartUp = "backcast"
    p: int | None = None
    o: int | None = None
    q: int | None = None
    power: float | None = None
    lags: tuple[int, ...] | None = None
    m: int | None = None
    asymmetry: bool | None = None
    truncation: int | None = None

    def __post_init__(self) -> None:
        check_choice(self.kind, argument="kind", choices=KINDS)
        check_choice(self.distribution, argument="distribution", choices=tuple(LAW_PARAMETERS))
        check_choice(self.mean, argument="mean", choices=("zero", "constant", "ar"))
        check_choice(self.start_up, argument="start_up", choices=("backcast", "sample"))
        check_count(self.mean_lags, argument="mean_lags", unit="lags")
        known = _DEFAULTS[self.kind]
        for name in _OPTIONS:
            value = getattr(self, name)
            if value is not None and name not in known:
                options = ", ".join(known) or "no options"
                raise ArgumentError(
                    name, f"must be left out for {self.kind}, which has {options}", repr(value), "leave it out"
                )
        self._check_options()

    def _check_options(self) -> None:
        for name in ("p", "o", "q", "m", "truncation"):
            if (value := getattr(self, name)) is not None:
                check_count(value, argument=name, minimum=0 if name in ("p", "o", "q") else 1, unit="lags")
        if self.power is not None:
            check_positive(self.power, argument="power", unit="of the volatility")
        e = self.equation
        got = f"p={e.p}, o={e.o}, q={e.q}"
        if self.kind == "figarch" and max(e.p, e.q) > 1:
            raise ArgumentError("p and q", "must be 0 or 1 for figarch", got, "leave them out")
        if self.kind in ("garch", "egarch") and e.p + e.o == 0:
            raise ArgumentError("p", "must be at least 1 where o is 0", got, "pass p=1")
        if self.kind == "aparch" and (e.p < 1 or e.o > e.p):
            raise ArgumentError("p", "must be at least 1 and at least o for aparch", got, "pass p=1, o=1")
        if self.kind == "aparch" and self.power is not None and not 0.05 < self.power < 4.0:
            raise ArgumentError("power", "must lie between 0.05 and 4 for aparch", f"{self.power:g}", "leave it out")
        if self.kind == "harch" and (
            not isinstance(e.lags, tuple)
            or not e.lags
            or any(b <= a for a, b in zip((0, *e.lags), e.lags, strict=False))
        ):
            raise ArgumentError("lags", "must be a tuple of rising numbers of periods", repr(e.lags), "pass (1, 5, 22)")

    @property
    def equation(self) -> Equation:
        """Mean, variance and law with every option filled in."""
        options = _DEFAULTS[self.kind] | {
            name: getattr(self, name) for name in _DEFAULTS[self.kind] if getattr(self, name) is not None
        }
        return Equation(
            kind=self.kind,
            law=self.distribution,
            has_constant=self.mean != "zero",
            n_mean_lags=self.mean_lags if self.mean == "ar" else 0,
            start_up=self.start_up,
            **options,  # type: ignore[arg-type]
        )

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters in their order."""
        return self.equation.names

    @property
    def words(self) -> str:
        """The model in words."""
        e, law = self.equation, {"skewt": "skew-t"}.get(self.distribution, self.distribution)
        orders = {
            "figarch": f"FIGARCH({e.p}, d, {e.q})",
            "harch": f"HARCH({', '.join(map(str, e.lags))})",
            "midas": f"{'asymmetric ' if e.asymmetry else ''}MIDAS({e.m})",
            "garch": f"GARCH({e.p}, {e.o}, {e.q})" if e.o else f"GARCH({e.p}, {e.q})" if e.q else f"ARCH({e.p})",
            "egarch": f"EGARCH({e.p}, {e.o}, {e.q})",
            "aparch": f"APARCH({e.p}, {e.o}, {e.q})",
            "ewma": "estimated EWMA",
            "riskmetrics": "RiskMetrics 2006",
        }
        power = f" of power {self.power:g}" if self.power is not None else ""
        lags = f"AR({self.mean_lags})-" if self.mean == "ar" else ""
        return f"{lags}{orders[self.kind]}{power}-{law}"

    @property
    def minimum_observations(self) -> int:
        """Least number of returns."""
        return _MINIMUM + self.equation.n_mean_lags + self.equation.memory

    def fit(self, returns: pd.Series, *, periods_per_year: float, provenance: Provenance | None = None) -> ArchFit:
        """Return the model fitted to decimal returns, shape (n_obs,), on UTC times.

        Parameters
        ----------
        returns : Series, shape (n_obs,)
            Decimal returns, no NaN.
        periods_per_year : float
            365 for UTC days, 252 for exchange sessions.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For what `volkit.checks.check_returns` refuses (at least `minimum_observations` returns are needed).

        Warns
        -----
        ConvergenceWarning
            When derivatives at the end do not show an optimum, or all residuals have one sign; the status says so too.
        NearIntegratedWarning
            When the persistence is at one though it was free: the long-run level is not identified.
        SmallSampleWarning
            Below 500 returns.
        """
        checked = check_returns(returns, minimum=self.minimum_observations)
        with one_blas_thread():
            likelihood, unit = ArchLikelihood.of_returns(self.equation, checked.to_numpy())
            optimum = maximise(likelihood)
        fit = self._result(likelihood, optimum, unit, checked, periods_per_year, provenance or Provenance(()))
        _warn(fit)
        return fit

    def _result(
        self,
        likelihood: ArchLikelihood,
        optimum: ArchOptimum,
        unit: float,
        returns: pd.Series,
        periods_per_year: float,
        provenance: Provenance,
    ) -> ArchFit:
        equation = self.equation
        theta, J = equation.rescaled(optimum.theta, unit)
        residuals, variance = likelihood.filtered(optimum.theta)
        covariances = J @ optimum.covariances @ J.T
        covariances.flags.writeable = False
        index, name = returns.index[equation.n_mean_lags :], returns.name
        _, _, shape = likelihood.split(theta)
        status: Literal["converged", "not converged"] = "converged" if optimum.converged else "not converged"
        steps = ArchFilter(equation, theta, returns.to_numpy())
        return ArchFit(
            asset=str(name or "asset"),
            spec=self.words,
            equation=equation,
            distribution=Distribution(self.distribution, *shape.tolist()),
            parameters=freeze(pd.Series(theta, index=list(equation.names), dtype=np.float64)),
            covariances=covariances,
            variance=freeze(pd.Series(variance[:-1] * unit**2, index=index, name=name)),
            standardized=freeze(pd.Series(residuals / np.sqrt(variance[:-1]), index=index, name=name)),
            next_variance=float(variance[-1]) * unit**2,
            next_mean=steps.next_mean(returns.to_numpy()),
            returns=freeze(returns),
            log_likelihood=optimum.log_likelihood - len(residuals) * float(np.log(unit)),
            certificate=_certificate(optimum) if len(theta) else None,
            status=status if len(theta) else "closed form",
            as_of=index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance,
        )


def _certificate(optimum: ArchOptimum) -> Certificate:
    return Certificate(
        gain=optimum.gain,
        kkt_residual=optimum.kkt,
        active=optimum.active,
        n_pinned=optimum.n_pinned,
        n_modes=optimum.n_modes,
        n_passes=optimum.n_passes,
    )


def _warn(fit: ArchFit) -> None:
    if fit.status == "not converged":
        gain = fit.certificate.gain if fit.certificate else float("nan")
        warnings.warn(
            f"{fit.spec} on {fit.asset} did not converge from several starts ({gain:.2g} of log-likelihood still to "
            "gain); its numbers are not an optimum. Use a longer history, or a simpler model such as Ewma().",
            ConvergenceWarning,
            stacklevel=3,
        )
    if fit.equation.kind not in _EXPONENTIAL and fit.persistence >= NEAR_INTEGRATED:
        warnings.warn(
            f"{fit.spec} on {fit.asset} has persistence {fit.persistence:.5f}: shocks do not die out and the "
            "long-run volatility is not identified. Forecasts of a few periods are usable.",
            NearIntegratedWarning,
            stacklevel=3,
        )
    if fit.n_obs < _COMFORTABLE and len(fit.parameters):
        warnings.warn(
            f"{fit.spec} on {fit.asset} rests on {fit.n_obs} returns; below {_COMFORTABLE} its parameters are rough.",
            SmallSampleWarning,
            stacklevel=3,
        )
