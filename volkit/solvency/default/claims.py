"""Ruin of a fund under any law of claims: bounds by a recursion for ever, simulation with an interval to a horizon.

A fund, its income and claims (a sample, or a law) enter; the probability and its two ends leave.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import fftconvolve

from volkit.checks import check_confidence, check_count, check_positive
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay
from volkit.solvency.default.inputs import Floats, check_amount, check_losses
from volkit.solvency.default.survival import integrals_beyond, integrals_of_cells
from volkit.validation.proportion import exact_interval

__all__ = ["ClaimLaw", "FundRuin", "fund_ruin"]

_COARSEST, _FINEST = 256, 262144
# Claims of a simulated path drawn at a time.
_BLOCK = 256
_MOST_CLAIMS = 2e9
# Distance of the bounds that is left by rounding alone: both are 1 less a sum of probabilities.
_SMALLEST = 1e-12
# Rounding of that sum, which both are moved out by.
_ROUNDED = 1e-13
# Most of the mean claim that the integrals of a law may miss.
_MISSED = 1e-6


@runtime_checkable
class ClaimLaw(Protocol):
    """A law of claims, as a frozen distribution of scipy.stats: positive, with a mean."""

    def mean(self) -> float:
        """Return the mean claim, USD."""
        ...

    def sf(self, x: npt.ArrayLike) -> Floats:
        """Return the probability of a claim above each of x (USD)."""
        ...

    def rvs(self, size: int, random_state: np.random.Generator) -> Floats:
        """Return drawn claims, USD."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FundRuin(ResultDisplay):
    """Probability that claims use up a fund.

    Attributes
    ----------
    probability, lower, upper : float
        Between bounds that hold the truth ("bounds"), or the estimate of a simulation and its interval ("simulation").
    method : {"bounds", "simulation", "certain"}
        How it was found; "certain" where income does not exceed expected claims for ever.
    fund : float
        USD.
    income : float
        A period, USD.
    claim_rate : float
        Expected claims a period, number.
    mean_claim : float
        USD.
    horizon : float or None
        Periods; None for ever.
    steps : int
        Cells of the fund ("bounds"), or paths ("simulation").
    coverage : float
        Of the interval of a simulation, decimal; 1 for bounds.
    as_of : Timestamp or None
        Of the fund, UTC.
    provenance : Provenance
        Of the claims.
    """

    probability: float
    lower: float
    upper: float
    method: Literal["bounds", "simulation", "certain"]
    fund: float
    income: float
    claim_rate: float
    mean_claim: float
    horizon: float | None
    steps: int
    coverage: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def loading(self) -> float:
        """Income over expected claims less 1, decimal."""
        return self.income / (self.claim_rate * self.mean_claim) - 1.0

    @property
    def headline(self) -> str:
        """Probability with its ends, fund and horizon."""
        when = "for ever" if self.horizon is None else f"within {self.horizon:g} periods"
        return (
            f"fund of {self.fund:,.6g} USD used up {when} with probability {self.probability:.4g} ({self.lower:.4g} to "
            f"{self.upper:.4g}, {self.method}), loading {percent_to(self.loading)}"
        )

    def summary(self) -> pd.DataFrame:
        """Return inputs and the probability, units in the labels."""
        rows = {
            "ruin probability": self.probability,
            "lower end": self.lower,
            "upper end": self.upper,
            "fund (USD)": self.fund,
            "income (USD a period)": self.income,
            "claims (number a period)": self.claim_rate,
            "mean claim (USD)": self.mean_claim,
            "loading (decimal)": self.loading,
            "horizon (periods)": np.inf if self.horizon is None else self.horizon,
        }
        return pd.DataFrame({"value": rows}).rename_axis(self.method)

    def to_frame(self) -> pd.DataFrame:
        """Return one row with the probability, its ends and the method."""
        row = {"probability": self.probability, "lower": self.lower, "upper": self.upper, "method": self.method}
        return pd.DataFrame([row])


def fund_ruin(
    fund: float,
    *,
    claims: npt.ArrayLike | pd.Series | ClaimLaw,
    claim_rate: float,
    income: float,
    horizon: float | None = None,
    tolerance: float = 5e-3,
    n_paths: int = 20_000,
    rng: np.random.Generator | None = None,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> FundRuin:
    """Return the probability that Poisson claims of any size use up a fund with steady income.

    Parameters
    ----------
    fund : float
        USD, at least 0.
    claims : array-like, Series or frozen scipy law
        Sizes of single claims (shortfalls that the fund paid), USD, at least 0, drawn again with equal chance; or a law
        with mean, sf and rvs.
    claim_rate : float
        Expected number of claims a period.
    income : float
        A period, USD, positive.
    horizon : float, optional
        Periods; None for ever.
    tolerance : float
        Of the bounds for ever: their distance, relative to the upper one.
    n_paths : int
        Simulated for a horizon.
    rng : Generator, optional
        Needed for a horizon.
    coverage : float
        Of the simulation's interval (Clopper and Pearson), decimal.
    as_of : Timestamp, optional
        Of the fund, UTC.
    provenance : Provenance, optional
        Of the claims.

    Returns
    -------
    FundRuin

    Raises
    ------
    ArgumentError
        For inputs out of range, a horizon without a generator, or more simulated claims than can be.
    DataError
        For claims that are negative, missing or all 0.
    ConvergenceError
        When the finest grid leaves the bounds further apart than the tolerance, or the sf of a law does not integrate
        to its mean.

    Notes
    -----
    For ever, ruin is that a geometric number of ladder heights exceeds the fund: psi(u) = P(L > u), with P(n steps) =
    (1 - q) q^n, q = expected claims over income, and heights of density P(claim > x) / mean [1]_. Heights rounded down
    and up to a grid give a lower and an upper bound by Panjer's recursion [2]_; the grid is refined until they agree.
    The law's sf is integrated at its own scale below the fund and beyond it: what both leave of the mean widens the
    bounds. Probabilities below 1e-13 are not told from 0.
    Until a horizon ruin can only fall on a claim: paths of claim instants and sizes are exact, not stepped.

    References
    ----------
    .. [1] Asmussen and Albrecher (2010), Ruin Probabilities, 2nd ed., theorem IV.2.1 (Pollaczek and Khinchine).
    .. [2] Dickson (1995), A review of Panjer's recursion formula and its applications, British Actuarial Journal 1(1),
       107-124; De Vylder and Goovaerts (1984) for the two roundings.

    Examples
    --------
    >>> from scipy import stats
    >>> found = fund_ruin(10.0, claims=stats.expon(), claim_rate=1.0, income=1.2)
    >>> bool(found.lower <= 0.15739633 <= found.upper), found.method
    (True, 'bounds')
    """
    u, c = check_amount(fund, argument="fund"), check_positive(income, argument="income", unit="USD a period")
    rate = check_positive(claim_rate, argument="claim_rate", unit="claims a period")
    share = check_confidence(coverage, argument="coverage")
    law = claims if isinstance(claims, ClaimLaw) else _SampleLaw.of(claims)
    mean = float(law.mean())
    if float(law.sf(-np.finfo(float).tiny)) < 1.0:
        raise DataError(
            "claims", "must be a law of positive sizes", "one that goes below 0", "cut it at 0, or shift it"
        )
    if not 0.0 < mean < np.inf:
        raise DataError("claims", "must have a finite mean above 0", f"{mean:g} USD", "pass claims that the fund paid")
    method: Literal["bounds", "simulation", "certain"]
    if horizon is None:
        q = rate * mean / c
        method = "bounds" if q < 1.0 else "certain"
        lower, upper, steps = _bounds(u, law, mean, q, tolerance) if q < 1.0 else (1.0, 1.0, 0)
        probability, share = 0.5 * (lower + upper), 1.0
    else:
        method, steps = "simulation", check_count(n_paths, argument="n_paths", unit="paths")
        T = check_positive(horizon, argument="horizon", unit="periods")
        ruined = _simulate(u, law, rate, c, T, steps, rng)
        probability, (lower, upper) = ruined / steps, exact_interval(ruined, steps, coverage=share)
    return FundRuin(
        probability=probability, lower=lower, upper=upper, method=method, fund=u, income=c, claim_rate=rate,
        mean_claim=mean, horizon=None if horizon is None else float(horizon), steps=steps, coverage=share, as_of=as_of,
        provenance=provenance or Provenance(()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _SampleLaw:
    """Claims drawn from a sample with equal chance."""

    sizes: Floats

    @classmethod
    def of(cls, claims: npt.ArrayLike | pd.Series) -> "_SampleLaw":
        values, _ = check_losses(claims, argument="claims")
        return cls(np.sort(values))

    def mean(self) -> float:
        return float(self.sizes.mean())

    def excess(self, x: Floats) -> Floats:
        """Return E(claim - x)+ at each x."""
        n = len(self.sizes)
        at = np.searchsorted(self.sizes, x, side="right")
        above = np.concatenate([np.cumsum(self.sizes[::-1])[::-1], [0.0]])[at]
        return np.asarray((above - x * (n - at)) / n)

    def sf(self, x: npt.ArrayLike) -> Floats:
        at = np.searchsorted(self.sizes, np.asarray(x, dtype=np.float64), side="right")
        return np.asarray(1.0 - at / len(self.sizes))

    def rvs(self, size: int, random_state: np.random.Generator) -> Floats:
        return np.asarray(random_state.choice(self.sizes, size))


def _ladder_heights(law: ClaimLaw, mean: float, edges: Floats) -> tuple[Floats, float]:
    """Return the probability that a ladder height is at most each edge, and by how much it may be wrong.

    Raises
    ------
    ConvergenceError
        When the parts of the mean below and above the last edge do not add up to it.
    """
    if isinstance(law, _SampleLaw):
        return np.asarray(1.0 - law.excess(edges) / mean), 0.0
    inside, missed = integrals_of_cells(law.sf, edges, mean)
    beyond, missed_beyond = integrals_beyond(law.sf, float(edges[-1]), mean)
    whole = float(inside.sum()) + beyond
    error = (abs(whole - mean) + missed + missed_beyond) / mean
    if not error <= _MISSED:
        got = f"{whole:.10g} of a mean claim of {mean:.10g} USD"
        raise ConvergenceError(
            f"the law's sf must integrate to its mean, got {got}; check both, or pass a sample of it"
        )
    return np.minimum(np.concatenate([[0.0], np.cumsum(inside)]) / mean, 1.0), error


def _bounds(u: float, law: ClaimLaw, mean: float, q: float, tolerance: float) -> tuple[float, float, int]:
    wanted = check_positive(tolerance, argument="tolerance", unit="relative")
    if u == 0.0:
        return q, q, 0
    cells = _COARSEST
    while True:
        held, error = _ladder_heights(law, mean, np.linspace(0.0, u, cells + 1))
        # Rounded down, cell k of heights counts as k steps, and up as k + 1. Ruin is to exceed the fund. What the law
        # may be wrong by is of no height for the lower bound, and exceeds the fund for the upper.
        low = np.diff(np.minimum(held[1:] + error, 1.0), prepend=0.0)
        high = np.diff(np.maximum(held - error, 0.0), prepend=0.0)
        lower, upper = 1.0 - _compound(low, q, cells), 1.0 - _compound(high, q, cells)
        got = f"{lower:.4g} to {upper:.4g} with {cells} cells"
        if lower > upper + _SMALLEST:
            raise ConvergenceError(f"the bounds cross: {got}; pass fund and claims of nearer sizes")
        if upper - lower <= max(wanted * upper, _SMALLEST):
            return max(lower - _ROUNDED, 0.0), min(max(upper, 0.0) + _ROUNDED, 1.0), cells
        if cells >= _FINEST:
            raise ConvergenceError(
                f"the bounds stay further apart than {wanted:g} of the upper, got {got}; pass a wider tolerance"
            )
        cells *= 4


def _compound(mass: Floats, q: float, cells: int) -> float:
    """Return P(L <= cells) for a geometric number of steps with the given probabilities."""
    series = np.zeros(cells + 1)
    series[: min(len(mass), cells + 1)] = -q * mass[: cells + 1]
    series[0] += 1.0
    # Panjer's recursion (1 - q f(z)) g(z) = 1 - q is a division of power series: Newton's doubling takes n log n.
    inverse = np.array([1.0 / series[0]])
    while len(inverse) < cells + 1:
        n = min(2 * len(inverse), cells + 1)
        error = -fftconvolve(series[:n], inverse)[:n]
        error[0] += 2.0
        inverse = fftconvolve(error, inverse)[:n]
    return float((1.0 - q) * inverse.sum())


def _simulate(
    u: float, law: ClaimLaw, rate: float, income: float, horizon: float, n_paths: int, rng: np.random.Generator | None
) -> int:
    """Return how many of n_paths are ruined by the horizon."""
    if rng is None:
        raise ArgumentError("rng", "must be a generator for a horizon", "None", "pass np.random.default_rng(1)")
    expected = n_paths * rate * horizon
    if expected > _MOST_CLAIMS:
        rule = f"must keep the simulated claims below {_MOST_CLAIMS:g}"
        raise ArgumentError("n_paths", rule, f"{expected:g}", "pass fewer paths or a shorter horizon")
    ruined, time, claimed = 0, np.zeros(n_paths), np.zeros(n_paths)
    width = int(min(max(rate * horizon, 1.0), _BLOCK))
    while len(time):
        # Waiting times and sizes of the next claims of every path that is neither ruined nor at its end.
        when = time[:, None] + np.cumsum(rng.exponential(1.0 / rate, (len(time), width)), axis=1)
        sizes = np.asarray(law.rvs(len(time) * width, random_state=rng)).reshape(len(time), width)
        total = claimed[:, None] + np.cumsum(sizes, axis=1)
        hit = ((total - income * when > u) & (when <= horizon)).any(axis=1)
        ruined += int(hit.sum())
        going = ~hit & (when[:, -1] < horizon)
        time, claimed = when[going, -1], total[going, -1]
    return ruined
