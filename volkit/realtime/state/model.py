"""What runs in a live state: the parameters of a fitted model, as numbers that a kernel and a file can hold."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_positive
from volkit.errors import ArgumentError, ConvergenceError
from volkit.realtime.state.season import IntradaySeason
from volkit.volatility import Distribution, HarFit, VolatilityFit

__all__ = ["LiveModel", "ReturnKind", "model_of_fit", "model_of_har"]

ReturnKind = Literal["simple", "log"]
_FORMS = ("variance", "log", "root")
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LiveModel:
    """Parameters of one factor's variance, per bar.

    Attributes
    ----------
    asset, words : str
        Name of the series, and the model in words.
    kind : {"recursion", "har"}
        Whether every bar moves the variance, or the end of every period.
    step, max_gap : Timedelta
        From one bar to the next, and the longest hole that a return may bridge.
    returns : {"simple", "log"}
        Kind of the returns that were fitted.
    core : ndarray
        Recursion: mu, omega, alpha, gamma, beta. HAR: constant, correction of the form, lowest and highest forecast
        let through, what stands instead, bars in a period, slopes.
    slope : float
        Share of the variance that is left a bar later, in expectation (1 for HAR: its rate is held).
    law : Distribution
        Of the standardised returns.
    periods_per_year : float
        Bars in a year.
    season : IntradaySeason or None
        Factors by slot of the day.
    lags : tuple of int
        Of HAR, periods.
    form : {"variance", "log", "root"}
        Of HAR.
    period : Timedelta
        Of HAR; a day for a recursion, which does not use it.
    least_bars : int
        Bars that a HAR period must have.
    """

    asset: str
    words: str
    kind: Literal["recursion", "har"]
    step: pd.Timedelta
    max_gap: pd.Timedelta
    returns: ReturnKind
    core: np.ndarray
    slope: float
    law: Distribution
    periods_per_year: float
    season: IntradaySeason | None = None
    lags: tuple[int, ...] = ()
    form: Literal["variance", "log", "root"] = "variance"
    period: pd.Timedelta = _DAY
    least_bars: int = 0

    @property
    def omega(self) -> float:
        """Constant of the expected variance, per bar (0 for HAR)."""
        return float(self.core[1]) if self.kind == "recursion" else 0.0

    @property
    def factors(self) -> np.ndarray:
        """Seasonal factors, shape (n_slots,); a single one where there is no season."""
        return np.ones(1) if self.season is None else self.season.values

    @property
    def grid(self) -> np.ndarray:
        """Whole numbers for the kernels, shape (6,): see there."""
        slot = _DAY if self.season is None else self.season.slot
        kind = 0 if self.returns == "simple" else 1
        return np.array([self.step.value, self.max_gap.value, slot.value, kind, self.period.value, self.least_bars])

    @property
    def form_code(self) -> int:
        """Number of the HAR form in the kernels."""
        return _FORMS.index(self.form)

    def to_record(self) -> dict[str, Any]:
        """Return the model as plain values that JSON can hold."""
        season = None
        if self.season is not None:
            season = {"slot": self.season.slot.value, "factors": self.season.values.tolist()}
        return {
            "asset": self.asset,
            "words": self.words,
            "kind": self.kind,
            "step": self.step.value,
            "max_gap": self.max_gap.value,
            "returns": self.returns,
            "core": [_json_number(x) for x in self.core],
            "slope": self.slope,
            "law": [self.law.name, _json_number(self.law.degrees_of_freedom), self.law.skew],
            "periods_per_year": self.periods_per_year,
            "season": season,
            "lags": list(self.lags),
            "form": self.form,
            "period": self.period.value,
            "least_bars": self.least_bars,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "LiveModel":
        """Return the model of a record made by `to_record`."""
        plain = dict(record)
        for name in ("step", "max_gap", "period"):
            plain[name] = _length(plain[name])
        plain["core"] = np.array([float(x) for x in plain["core"]])
        name, degrees, skew = plain["law"]
        plain["law"] = Distribution(name, float(degrees), skew)
        plain["lags"] = tuple(plain["lags"])
        if plain["season"] is not None:
            slot = _length(plain["season"]["slot"])
            factors = plain["season"]["factors"]
            starts = pd.TimedeltaIndex([i * slot for i in range(len(factors))], name="after midnight")
            plain["season"] = IntradaySeason(factors=pd.Series(factors, index=starts), slot=slot)
        return cls(**plain)


def _length(nanoseconds: object) -> pd.Timedelta:
    if not isinstance(nanoseconds, int) or isinstance(nanoseconds, bool):
        raise TypeError(f"{nanoseconds!r:.40} is no number of nanoseconds")
    return pd.Timedelta(nanoseconds, unit="ns")


def model_of_fit(
    fit: VolatilityFit,
    *,
    step: pd.Timedelta,
    max_gap: pd.Timedelta,
    returns: ReturnKind,
    season: IntradaySeason | None,
) -> LiveModel:
    """Return the live model of a fitted recursion in squares: GARCH, GJR, IGARCH or EWMA.

    Raises
    ------
    ArgumentError
        For a recursion that is not in squares, a mean with lags, or regressors.
    ConvergenceError
        When the fit did not converge.
    """
    r = fit.recursion
    check_choice(returns, argument="returns", choices=("simple", "log"))
    if fit.status == "not converged":
        raise ConvergenceError(f"{fit.spec} on {fit.asset} did not converge; a live state needs a fit that did.")
    if r.kind != "additive" or r.power != 2.0 or r.ar or r.weights:
        raise ArgumentError(
            "fit",
            "must be a recursion in squares with a constant mean and no regressors",
            fit.spec,
            'fit Garch(family="gjr", distribution="t"), or Ewma()',
        )
    return LiveModel(
        asset=fit.asset,
        words=fit.spec,
        kind="recursion",
        step=step,
        max_gap=max_gap,
        returns=returns,
        core=np.array([r.mu, r.omega, r.alpha, r.gamma, r.beta]),
        slope=float(r.persistence_under(fit.distribution)),
        law=fit.distribution,
        periods_per_year=float(fit.periods_per_year),
        season=season,
    )


def model_of_har(
    fit: HarFit,
    *,
    step: pd.Timedelta,
    max_gap: pd.Timedelta,
    returns: ReturnKind,
    law: Distribution,
    season: IntradaySeason | None,
    min_share: float,
) -> LiveModel:
    """Return the live model of a HAR regression on variances realised from the same bars.

    Raises
    ------
    ArgumentError
        For a jump model, a direct horizon, or a step that does not divide the regression's period.
    """
    spec = fit.spec
    check_choice(returns, argument="returns", choices=("simple", "log"))
    if spec.jumps != "none" or spec.horizon != 1:
        raise ArgumentError(
            "fit", "must be HAR without jumps, one period ahead", spec.words, "fit Har(lags=(1, 7, 30))"
        )
    period = pd.Timedelta(np.median(np.diff(fit.realized_variance.index.as_unit("ns").asi8)), unit="ns")
    if period % step != pd.Timedelta(0):
        raise ArgumentError("step", f"must divide the period of {spec.words}, {period}", str(step), 'pass step="1h"')
    bars = int(period / step)
    sample = fit.realized_variance
    guards = {"lower": (sample.min(), np.inf, sample.min()), "both": (sample.min(), sample.max(), sample.mean())}
    if spec.insanity_filter == "none" and spec.form == "variance":
        remedy = 'use form="log", or insanity_filter="lower"'
        raise ArgumentError("fit", "must not be able to forecast a variance below zero", spec.words, remedy)
    numbers = [float(fit.coefficients.iloc[0]), _correction(fit), *guards.get(spec.insanity_filter, (0.0, np.inf, 0.0))]
    return LiveModel(
        asset=fit.asset,
        words=spec.words,
        kind="har",
        step=step,
        max_gap=max_gap,
        returns=returns,
        core=np.array([*numbers, float(bars), *fit.coefficients.iloc[1:]]),
        slope=1.0,
        law=law,
        periods_per_year=check_positive(fit.periods_per_year, argument="periods_per_year", unit="periods") * bars,
        season=season,
        lags=spec.lags,
        form=spec.form,
        period=period,
        least_bars=int(np.ceil(min_share * bars - 1e-9)),
    )


def _correction(fit: HarFit) -> float:
    """What the form adds when it returns to variances: to the logarithm, or to the square of the root."""
    errors = fit.residuals.to_numpy()
    one = fit.spec.to_variance(np.zeros(1), np.ones(1), residuals=errors, residual_variance=fit.residual_variance)
    return float(np.log(one[0])) if fit.spec.form == "log" else float(one[0])


def _json_number(value: float) -> float | str:
    # JSON has no infinity; a text that float() reads stands for it.
    return float(value) if np.isfinite(value) else str(float(value))
