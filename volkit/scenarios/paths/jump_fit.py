"""Merton's jump diffusion fitted to returns by maximum likelihood."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special

from volkit.checks import check_positive, check_returns
from volkit.errors import ConvergenceError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay
from volkit.scenarios.paths.jumps import JumpDiffusion, Jumps

__all__ = ["JumpFit", "jump_diffusion_of"]

Floats = npt.NDArray[np.float64]
_LEAST = 250
# Jumps counted in one period; at two expected ones the rest has probability 1e-13.
_COUNTS = np.arange(21.0)
_LOG_FACTORIALS = special.gammaln(_COUNTS + 1.0)
# Mean, log deviation of the diffusion, log intensity, mean and log deviation of a jump; returns of unit variance. The
# likelihood is infinite where the diffusion vanishes at one return (Honore 1998), which the second bound keeps out.
_BOUNDS = (
    (-1.0, 1.0),
    (np.log(0.1), np.log(1.5)),
    (np.log(1e-4), np.log(2.0)),
    (-10.0, 10.0),
    (np.log(0.05), np.log(20.0)),
)
_STARTS = (
    (0.0, 0.8, 0.05, 0.0, 2.0),
    (0.0, 0.6, 0.3, 0.0, 1.0),
    (0.0, 0.8, 0.05, -1.0, 2.0),
    (0.0, 0.8, 0.05, 1.0, 2.0),
)
_FLAT = 1e-4


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class JumpFit(ResultDisplay):
    """A jump diffusion fitted to log returns.

    Attributes
    ----------
    asset : str
        Name of the series.
    jumps : Jumps
        Estimates, per year.
    standard_errors : Series, shape (4,)
        Of volatility, intensity, mean and deviation, from outer products of the scores; NaN on a bound.
    log_likelihood, normal_log_likelihood : float
        Of the decimal log returns, with jumps and without.
    on_bound : tuple of str
        Parameters that the bounds of the search hold.
    n_obs : int
        Returns used.
    as_of : Timestamp
        Label (UTC) of the last return used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    jumps: Jumps
    standard_errors: pd.Series
    log_likelihood: float
    normal_log_likelihood: float
    on_bound: tuple[str, ...]
    n_obs: int
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Asset and estimates in one line."""
        j = self.jumps
        size = f"mean {percent_to(j.mean, 2)}, deviation {percent_to(j.deviation, 2)}"
        return f"{self.asset}, diffusion {percent_to(j.volatility)} a year, {j.intensity:.1f} jumps a year ({size})"

    def summary(self) -> pd.DataFrame:
        """Return the estimates with standard errors (per year, decimal), and what follows."""
        j = self.jumps
        estimates = {"volatility": j.volatility, "intensity": j.intensity, "mean": j.mean, "deviation": j.deviation}
        table = pd.DataFrame({"estimate": pd.Series(estimates), "standard error": self.standard_errors})
        derived = {
            "volatility with jumps (annualised, decimal)": j.total_volatility,
            "log-likelihood": self.log_likelihood,
            "log-likelihood without jumps": self.normal_log_likelihood,
            "observations": float(self.n_obs),
        }
        held = f", on a bound: {', '.join(self.on_bound)}" if self.on_bound else ""
        return pd.concat([table, pd.DataFrame({"estimate": derived})]).rename_axis(
            f"{self.asset}, jump diffusion{held}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()

    def engine(self, *, step: pd.Timedelta, drift: float = 0.0) -> JumpDiffusion:
        """Return the path engine of the estimates for steps of any length; drift per year, decimal.

        Raises
        ------
        ArgumentError
            For a bad step or drift.
        """
        return JumpDiffusion(
            jumps={self.asset: self.jumps}, step=step, drift=drift, as_of=self.as_of, provenance=self.provenance
        )


def jump_diffusion_of(
    log_returns: pd.Series, *, periods_per_year: float, provenance: Provenance | None = None
) -> JumpFit:
    """Return the jump diffusion that log returns are likeliest under.

    Parameters
    ----------
    log_returns : Series, shape (n_obs,)
        Log returns per period, decimal, UTC times, no NaN; at least 250.
    periods_per_year : float
        365 for UTC days.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    JumpFit
        Estimates with standard errors.

    Raises
    ------
    DataError
        What `volkit.checks.check_returns` refuses.
    ConvergenceError
        When no search ends where the likelihood is flat.

    Notes
    -----
    A return is a Poisson mixture of normals, of mean m + k mean and variance s^2 + k deviation^2 for k jumps. The
    intensity is at most two a period and s at least a tenth of the returns' deviation: below, the likelihood has no
    maximum (Honore 1998, Pitfalls in estimating jump-diffusion models). Shocks of a volatility that moves look like
    jumps, too: fit the standardised returns where that matters.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> values = 0.02 * rng.standard_normal(2000) + rng.poisson(0.05, 2000) * rng.normal(-0.05, 0.05, 2000)
    >>> times = pd.date_range("2018-01-01", periods=2000, tz="UTC")
    >>> fit = jump_diffusion_of(pd.Series(values, index=times, name="simulated"), periods_per_year=365)
    >>> bool(10 < fit.jumps.intensity < 30), bool(abs(fit.jumps.volatility / 365**0.5 - 0.02) < 0.001)
    (True, True)
    """
    checked = check_returns(log_returns, argument="log_returns", minimum=_LEAST)
    year = check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    centre, unit = float(checked.mean()), float(checked.std(ddof=0))
    x = (checked.to_numpy() - centre) / unit
    theta, value = _maximised(x)
    bounds = np.array(_BOUNDS)
    at_bound = (np.abs(theta[:, None] - bounds) < 1e-6).any(axis=1)
    names = np.array(["drift", "volatility", "intensity", "mean", "deviation"])
    scale = np.array([unit, unit * np.sqrt(year), year, unit, unit])
    natural = _natural(theta)
    estimates, errors = natural * scale, _errors(x, theta, ~at_bound) * scale
    return JumpFit(
        asset=str(checked.name or "asset"),
        jumps=Jumps(**{str(n): float(v) for n, v in zip(names[1:], estimates[1:], strict=True)}),
        standard_errors=pd.Series(errors[1:], index=names[1:]),
        log_likelihood=value - len(x) * float(np.log(unit)),
        normal_log_likelihood=-0.5 * len(x) * float(np.log(2.0 * np.pi * unit**2) + 1.0),
        on_bound=tuple(names[at_bound]),
        n_obs=len(x),
        as_of=checked.index[-1],
        periods_per_year=year,
        provenance=provenance or Provenance(()),
    )


def _natural(theta: Floats) -> Floats:
    return np.array([theta[0], np.exp(theta[1]), np.exp(theta[2]), theta[3], np.exp(theta[4])])


def _scores(x: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Return log densities, shape (n,), and their slopes by the natural parameters, shape (n, 5)."""
    m, s, rate, mean, deviation = _natural(theta)
    variance = s**2 + _COUNTS * deviation**2
    off = x[:, None] - m - _COUNTS * mean
    prior = _COUNTS * np.log(rate) - rate - _LOG_FACTORIALS
    terms = prior - 0.5 * (np.log(2.0 * np.pi * variance) + off**2 / variance)
    density = special.logsumexp(terms, axis=1)
    share = np.exp(terms - density[:, None])
    by_mean, by_variance = share * off / variance, 0.5 * share * (off**2 / variance - 1.0) / variance
    slopes = [
        by_mean.sum(axis=1),
        2.0 * s * by_variance.sum(axis=1),
        (share * (_COUNTS / rate - 1.0)).sum(axis=1),
        (by_mean * _COUNTS).sum(axis=1),
        2.0 * deviation * (by_variance * _COUNTS).sum(axis=1),
    ]
    return density, np.stack(slopes, axis=1)


def _maximised(x: Floats) -> tuple[Floats, float]:
    def loss(theta: Floats) -> tuple[float, Floats]:
        density, slopes = _scores(x, theta)
        return -float(density.mean()), -slopes.mean(axis=0) * _inner(theta)

    ends = []
    for start in _STARTS:
        first = np.array([start[0], np.log(start[1]), np.log(start[2]), start[3], np.log(start[4])])
        ends.append(
            optimize.minimize(
                loss,
                first,
                jac=True,
                method="L-BFGS-B",
                bounds=_BOUNDS,
                options={"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-8},
            )
        )
    best = min(ends, key=lambda end: float(end.fun))
    low, high = np.array(_BOUNDS).T
    inward = np.clip(best.x - best.jac, low, high) - best.x
    if not np.abs(inward).max() < _FLAT:
        raise ConvergenceError(
            f"the jump diffusion did not converge: a slope of {np.abs(inward).max():.1e} is left. Use a longer history."
        )
    return np.asarray(best.x), -float(best.fun) * len(x)


def _inner(theta: Floats) -> Floats:
    """Slopes of the natural parameters by those of the search."""
    natural = _natural(theta)
    return np.array([1.0, natural[1], natural[2], 1.0, natural[4]])


def _errors(x: Floats, theta: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    _, slopes = _scores(x, theta)
    out = np.full(len(theta), np.nan)
    kept = slopes[:, free]
    out[free] = np.sqrt(np.diag(np.linalg.inv(kept.T @ kept)))
    return out
