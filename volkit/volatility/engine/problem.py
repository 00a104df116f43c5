"""From a specification and returns to the arrays of the engine, and back to parameters in natural units.

The engine sees returns divided by a power of two near their standard deviation. A power of two changes the exponent
of a number and none of its digits, so that scaling there and back loses nothing.
"""

from dataclasses import dataclass, field
from itertools import product

import numpy as np

from volkit.volatility.engine.codes import (
    FAMILY_CODES,
    LAW_CODES,
    LAW_PARAMETERS,
    START_CODES,
    Family,
    Law,
    StartUp,
)
from volkit.volatility.engine.kernels import load_kernels
from volkit.volatility.engine.search import Optimum, Problem, maximise

__all__ = ["Design", "Solution", "solve"]

# Bounds of the shape parameters: those of arch, so that optima can be compared.
_SHAPE_BOUNDS = {"normal": (), "t": ((2.05, 500.0),), "skewt": ((2.05, 300.0), (-0.999, 0.999)), "ged": ((1.01, 500.0),)}
_SHAPE_STARTS: dict[str, tuple[tuple[float, ...], ...]] = {
    "normal": ((),),
    "t": ((5.0,), (10.0,)),
    "skewt": ((6.0, -0.05),),
    "ged": ((1.4,),),
}
_LEANING_BOUND = 0.9997
_POWER_BOUNDS = (0.05, 4.0)
# With the unconditional variance as start, the persistence must stay below one by this much.
_UNCONDITIONAL_GAP = 1e-5
_ALPHAS = (0.02, 0.05, 0.10, 0.20)
_PERSISTENCES = (0.5, 0.85, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Design:
    """What is estimated: family, law, mean, constraints. Codes and layout follow from the words.

    Attributes
    ----------
    family, law, start_up
        See `codes`.
    n_mean : int
        Regressors of the mean, the constant among them.
    has_constant : bool
        Whether the first of them is the constant.
    n_x : int
        Regressors of the variance.
    asymmetric : bool
        Whether gamma is there.
    power : float or None
        Fixed power of the volatility; None when it is estimated (APARCH).
    targeting : bool
        Whether omega follows from the sample variance.
    nonnegative : bool
        Whether regressors of the variance may only raise it.
    """

    family: Family
    law: Law
    start_up: StartUp
    n_mean: int
    has_constant: bool
    n_x: int
    asymmetric: bool
    power: float | None
    targeting: bool
    nonnegative: bool
    names: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        mean = ["mu"] if self.has_constant else []
        mean += [f"ar[{i}]" for i in range(1, self.n_mean - len(mean) + 1)]
        core = ["omega", "alpha", *(["gamma"] if self.asymmetric else []), "beta"]
        core += ["delta"] if self.power is None else []
        core += [f"x[{i}]" for i in range(self.n_x)]
        object.__setattr__(self, "names", (*mean, *core, *LAW_PARAMETERS[self.law]))

    @property
    def code(self) -> int:
        """Code of the family inside the kernels."""
        return FAMILY_CODES[self.family]

    @property
    def n_state(self) -> int:
        """Parameters of mean and variance."""
        return len(self.names) - len(LAW_PARAMETERS[self.law])

    def place(self, name: str) -> int:
        """Return the place of a parameter."""
        return self.names.index(name)

    def configuration(self, n: int) -> np.ndarray:
        """Return the kernels' description of the problem with n observations."""
        kinked = self.n_mean > 0 and (self.code != 0 or self.power != 2.0 or self.law == "ged")
        entries = [
            self.code, LAW_CODES[self.law], self.n_mean, self.n_x, self.asymmetric, START_CODES[self.start_up], n,
            self.power is None, self.n_state, len(self.names), kinked,
        ]  # fmt: skip
        return np.array(entries, dtype=np.int64)

    def constraints(self, variance: float) -> tuple[np.ndarray, np.ndarray, int, tuple[str, ...]]:
        """Return rows C, bounds d and names with C theta >= d in scaled units; the first rows are equations."""
        rows: list[tuple[dict[str, float], float, str]] = []
        half = {"gamma": 0.5} if self.asymmetric and self.code == 0 else {}
        persistence = {"beta": 1.0, **({} if self.code == 2 else {"alpha": 1.0, **half})}
        if self.family in ("igarch", "ewma"):
            rows.append((persistence, 1.0, "persistence = 1"))
        if self.family == "ewma":
            rows.append(({"omega": 1.0}, 0.0, "omega = 0"))
        if self.targeting:
            rows.append(({"omega": 1.0 / variance, **persistence}, 1.0, "variance targeting"))
        n_equal = len(rows)
        if self.family != "ewma" and self.code != 2:
            rows.append(({"omega": 1.0}, 0.0, "omega >= 0"))
        if self.code != 2:
            rows.append(({"alpha": 1.0}, 0.0, "alpha >= 0"))
        if half:
            rows.append(({"alpha": 1.0, "gamma": 1.0}, 0.0, "alpha + gamma >= 0"))
        rows.append(({"beta": 1.0}, 0.0, "beta >= 0"))
        if self.family not in ("igarch", "ewma"):
            ceiling = 1.0 - (_UNCONDITIONAL_GAP if self.start_up == "unconditional" else 0.0)
            rows.append(({k: -v for k, v in persistence.items()}, -ceiling, "persistence <= 1"))
        if self.code == 1 and self.asymmetric:
            rows.append(({"gamma": 1.0}, -_LEANING_BOUND, "gamma > -1"))
            rows.append(({"gamma": -1.0}, -_LEANING_BOUND, "gamma < 1"))
        if self.power is None:
            rows.append(({"delta": 1.0}, _POWER_BOUNDS[0], f"delta >= {_POWER_BOUNDS[0]}"))
            rows.append(({"delta": -1.0}, -_POWER_BOUNDS[1], f"delta <= {_POWER_BOUNDS[1]}"))
        if self.nonnegative:
            rows += [({f"x[{i}]": 1.0}, 0.0, f"x[{i}] >= 0") for i in range(self.n_x)]
        for name, (low, high) in zip(LAW_PARAMETERS[self.law], _SHAPE_BOUNDS[self.law], strict=True):
            rows.append(({name: 1.0}, low, f"{name} >= {low}"))
            rows.append(({name: -1.0}, -high, f"{name} <= {high}"))
        C = np.zeros((len(rows), len(self.names)))
        for i, (weights, _, _) in enumerate(rows):
            for name, weight in weights.items():
                C[i, self.place(name)] = weight
        return C, np.array([bound for _, bound, _ in rows]), n_equal, tuple(words for *_, words in rows)

    def starts(self, mean: np.ndarray, variance: float) -> np.ndarray:
        """Return start points, shape (n_starts, K), in scaled units, from calm and lasting to jumpy and short."""
        dynamics: list[dict[str, float]] = []
        if self.code == 2:
            for alpha, beta, gamma in product((0.1, 0.25), (0.5, 0.9, 0.97, 0.99), (0.0, -0.08)):
                dynamics.append({"alpha": alpha, "beta": beta, "gamma": gamma})
        else:
            powers = (1.0, 1.5, 2.0) if self.power is None else (self.power,)
            leanings = (0.0, 0.5) if self.asymmetric and self.code == 1 else (0.0,)
            for alpha, persistence, power, gamma in product(_ALPHAS, _PERSISTENCES, powers, leanings):
                beta = max(persistence - alpha, 0.0)
                if self.asymmetric and self.code == 0:
                    dynamics.append({"alpha": 0.5 * alpha, "gamma": alpha, "beta": beta})
                else:
                    dynamics.append({"alpha": alpha, "gamma": gamma, "beta": beta, "delta": power})
        starts = []
        for point, shape in product(dynamics, _SHAPE_STARTS[self.law]):
            theta = np.zeros(len(self.names))
            theta[: self.n_mean] = mean
            for name, number in point.items():
                if name in self.names:
                    theta[self.place(name)] = number
            theta[self.n_state :] = shape
            self._balance(theta, variance)
            starts.append(theta)
        return np.array(starts)

    def _balance(self, theta: np.ndarray, variance: float) -> None:
        """Set omega so that the long-run variance is the sample's, within the equations of the family."""
        alpha, beta = theta[self.place("alpha")], theta[self.place("beta")]
        omega = self.place("omega")
        if self.family in ("igarch", "ewma"):
            theta[self.place("beta")] = 1.0 - alpha
            theta[omega] = 0.0 if self.family == "ewma" else 0.01 * variance
        elif self.code == 2:
            theta[omega] = (1.0 - beta) * np.log(variance)
        else:
            half = 0.5 * theta[self.place("gamma")] if self.asymmetric and self.code == 0 else 0.0
            power = theta[self.place("delta")] if self.power is None else self.power
            theta[omega] = max(1.0 - alpha - half - beta, 1e-4) * variance ** (0.5 * power)
            if self.targeting:
                theta[self.place("beta")] = 1.0 - alpha - half - theta[omega] / variance


@dataclass(frozen=True, slots=True)
class Solution:
    """What the engine found, in natural units.

    Attributes
    ----------
    theta : ndarray, shape (K,)
        Parameters in the order of the design's names.
    log_likelihood : float
        Of the returns as given.
    covariances : ndarray, shape (5, K, K)
        Hessian, outer product, information, Bollerslev-Wooldridge, Hessian sandwich.
    variance : ndarray, shape (n + 1,)
        Conditional variances; the last is that of the next period.
    residuals : ndarray, shape (n,)
        Returns less their mean.
    optimum : Optimum
        Where and how the search ended, in scaled units.
    active : tuple of str
        Constraints in force at the optimum.
    """

    theta: np.ndarray
    log_likelihood: float
    covariances: np.ndarray
    variance: np.ndarray
    residuals: np.ndarray
    optimum: Optimum
    active: tuple[str, ...]


def mean_regressors(values: np.ndarray, *, n_lags: int, has_constant: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the values after the lags, shape (n,), and their regressors, shape (n_mean, n), in the values' unit."""
    n = len(values) - n_lags
    rows = ([np.ones(n)] if has_constant else []) + [values[n_lags - i : len(values) - i] for i in range(1, n_lags + 1)]
    return np.ascontiguousarray(values[n_lags:]), np.array(rows).reshape(len(rows), n)


def solve(
    design: Design, values: np.ndarray, X: np.ndarray, V: np.ndarray, *, start: np.ndarray | None = None
) -> Solution:
    """Return the maximum-likelihood solution for values, shape (n,), with regressors of mean and variance.

    Parameters
    ----------
    design : Design
        What is estimated.
    values : ndarray, shape (n,)
        Returns after the lags of the mean.
    X : ndarray, shape (n_mean, n)
        Regressors of the mean.
    V : ndarray, shape (n_x, n + 1)
        Regressors of the variance, the next period's last.
    start : ndarray, optional
        Natural parameters to start from instead of the grid.
    """
    units, n, n_all = load_kernels("_units"), len(values), len(design.names)
    conf, fixed = design.configuration(n), np.array([design.power or 0.0, 0.0, 0.0])
    r, X_scaled, V_scaled, mean = np.empty(n), np.empty_like(X), np.empty_like(V), np.zeros(design.n_mean)
    scale = units.prepare(values, X, V, 0, n, conf, design.has_constant, fixed, r, X_scaled, V_scaled, mean)
    square = float(fixed[2])
    C, bound, n_equal, words = design.constraints(square)
    natural, J = np.empty(n_all), np.empty((n_all, n_all))
    starts = design.starts(mean, square)
    if start is not None:
        units.rescale(start, conf, fixed, design.has_constant, 1.0 / scale, natural, J)
        starts = np.vstack([natural, starts])
    problem = Problem(
        conf=conf, fixed=fixed, r=r, X=X_scaled, V=V_scaled, C=C, bound=bound, n_equal=n_equal
    )
    optimum = maximise(problem, starts)
    out = np.full((5, n_all, n_all), np.nan)
    if np.isfinite(optimum.log_likelihood):
        load_kernels("_covariance").covariances(
            optimum.theta, conf, fixed, X_scaled, C, problem.active, problem.work, problem.hessian, out
        )
    units.rescale(optimum.theta, conf, fixed, design.has_constant, scale, natural, J)
    recursions = load_kernels("_recursions")
    return Solution(
        theta=natural,
        log_likelihood=optimum.log_likelihood - n * float(np.log(scale)),
        covariances=J @ out @ J.T,
        variance=problem.work[recursions.H, : n + 1] * scale**2,
        residuals=problem.work[recursions.E, :n] * scale,
        optimum=optimum,
        active=tuple(w for w, a in zip(words, problem.active, strict=True) if a),
    )
