"""What is estimated, as the engine sees it: layout of the parameters, constraints and start points."""

from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Literal

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

__all__ = ["Design", "unit_starts"]

# Bounds of the shape parameters: those of arch, so that optima can be compared.
_SHAPE_BOUNDS = {
    "normal": (),
    "t": ((2.05, 500.0),),
    "skewt": ((2.05, 300.0), (-0.999, 0.999)),
    "ged": ((1.01, 500.0),),
}
_SHAPE_STARTS: dict[str, tuple[tuple[float, ...], ...]] = {
    "normal": ((),),
    "t": ((6.0,),),
    "skewt": ((6.0, -0.05),),
    "ged": ((1.4,),),
}
_KINDS: tuple[Literal["additive", "aparch", "egarch"], ...] = ("additive", "aparch", "egarch")
_LEANING_BOUND = 0.9997
_POWER_BOUNDS = (0.05, 4.0)
# With the unconditional variance as start, the persistence must stay below one by this much.
_UNCONDITIONAL_GAP = 1e-5
_FREE = 1e3
_ALPHAS = (0.03, 0.08, 0.18)
_PERSISTENCES = (0.1, 0.5, 0.85, 0.95, 0.995)
_EGARCH_BETAS = (0.5, 0.9, 0.97, 0.995)
_POWER_STARTS = (0.2, 0.6, 1.0, 1.5, 2.0, 3.0)
_MEMORY_KICKS = (0.0, 0.5, 0.8, 0.95)
_POWER_KICKS = (0.1, 0.2, 0.6, 1.3, 2.5)


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
    def kind(self) -> Literal["additive", "aparch", "egarch"]:
        """How the state moves."""
        return _KINDS[self.code]

    @property
    def n_state(self) -> int:
        """Parameters of mean and variance."""
        return len(self.names) - len(LAW_PARAMETERS[self.law])

    def place(self, name: str) -> int:
        """Return the place of a parameter."""
        return self.names.index(name)

    @property
    def kinked(self) -> bool:
        """Whether the likelihood has kinks, or infinite curvature, in the mean."""
        return self.n_mean > 0 and (self.code != 0 or self.power != 2.0 or self.law == "ged")

    def configuration(self, n: int) -> np.ndarray:
        """Return the kernels' description of the problem with n observations."""
        entries = [
            self.code, LAW_CODES[self.law], self.n_mean, self.n_x, self.asymmetric, START_CODES[self.start_up], n,
            self.power is None, self.n_state, len(self.names), self.kinked,
        ]  # fmt: skip
        return np.array(entries, dtype=np.int64)

    def constraints(self, variance: float) -> tuple[np.ndarray, np.ndarray, int, tuple[str, ...]]:
        """Return rows C, bounds d, their number of equations, which come first, and names: C theta >= d, scaled."""
        C, bound, n_equal, words = _constraints(self)
        C = C.copy()
        if self.targeting:
            C[self.target_row, self.place("omega")] = 1.0 / variance
        return C, bound.copy(), n_equal, words

    @property
    def target_row(self) -> int:
        """Row of the equation of variance targeting; -1 without it."""
        return 0 if self.targeting else -1

    def _constraint_rows(self) -> tuple[np.ndarray, np.ndarray, int, tuple[str, ...]]:
        rows: list[tuple[dict[str, float], float, str]] = []
        half = {"gamma": 0.5} if self.asymmetric and self.code == 0 else {}
        persistence = {"beta": 1.0, **({} if self.code == 2 else {"alpha": 1.0, **half})}
        if self.targeting:
            rows.append(({"omega": 1.0, **persistence}, 1.0, "variance targeting"))
        if self.family in ("igarch", "ewma"):
            rows.append((persistence, 1.0, "persistence = 1"))
        if self.family == "ewma":
            rows.append(({"omega": 1.0}, 0.0, "omega = 0"))
        n_equal = len(rows)
        if self.family != "ewma" and self.code != 2:
            rows.append(({"omega": 1.0}, 0.0, "omega >= 0"))
        # EGARCH's alpha is free unless `solve` closes it.
        rows.append(({"alpha": 1.0}, 0.0 if self.code != 2 else -_FREE, "alpha >= 0"))
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

    def starts(self, mean: np.ndarray, variance: float) -> tuple[np.ndarray, np.ndarray]:
        """Return start points, shape (n_starts, K), in scaled units, and the kind of market that each stands for."""
        points, kinds = unit_starts(self)
        starts = points.copy()
        starts[:, : self.n_mean] = mean
        omega = self.place("omega")
        if self.code == 2:
            starts[:, omega] = (1.0 - starts[:, self.place("beta")]) * np.log(variance)
        else:
            power = starts[:, self.place("delta")] if self.power is None else self.power
            starts[:, omega] *= variance ** (0.5 * power)
        return starts, kinds

    def kicks(self, optimum: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return start points beside an optimum, shape (n_starts, K), each a kind of its own, or None.

        The rest of an optimum on one hill is a good guess for another hill, which grids of starts may miss: memory and
        power are moved far away, one at a time. Scaled units.
        """
        if self.code == 2 or self.targeting or self.family in ("igarch", "ewma") or not np.isfinite(optimum).all():
            return None
        omega, beta, starts = self.place("omega"), self.place("beta"), []
        half = 0.5 * optimum[self.place("gamma")] if self.asymmetric and self.code == 0 else 0.0
        weight = optimum[self.place("alpha")] + half
        for memory in _MEMORY_KICKS:
            start = optimum.copy()
            start[beta] = max(min(memory, 0.999 - weight), 0.0)
            start[omega] = max(1.0 - weight - start[beta], 1e-3)
            starts.append(start)
        for power in _POWER_KICKS if self.power is None else ():
            start = optimum.copy()
            start[self.place("delta")] = power
            starts.append(start)
        return np.array(starts), np.arange(len(starts))

    def _unit_starts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return start points for a mean of zero and a variance of one, and their kinds.

        Kinds differ in how long shocks last and, with a free power, in the power: optima of different kinds may be
        hills of their own.
        """
        points: list[tuple[int, dict[str, float]]] = []
        if self.code == 2:
            for kind, beta in enumerate(_EGARCH_BETAS):
                points += [
                    (kind, {"alpha": alpha, "beta": beta, "gamma": gamma})
                    for alpha, gamma in product((0.1, 0.25), (0.0, -0.08))
                ]
        else:
            powers = _POWER_STARTS if self.power is None else (self.power,)
            leanings = (-0.8, -0.2, 0.3, 0.9) if self.asymmetric and self.code == 1 else (0.0,)
            kinds = product(powers, (0.5, 0.95, 0.999) if self.code == 1 else _PERSISTENCES)
            for kind, (power, persistence) in enumerate(kinds):
                for alpha, gamma in product(_ALPHAS if self.code == 0 else _ALPHAS[::2], leanings):
                    # Shocks that matter less the longer they last.
                    weight = min(alpha if persistence < 0.98 else 0.4 * alpha, persistence)
                    beta = max(persistence - weight, 0.0)
                    point = {"alpha": weight, "gamma": gamma, "beta": beta, "delta": power}
                    if self.asymmetric and self.code == 0:
                        # The same weight on average, from shocks of both signs and nearly from falls alone.
                        point = {"alpha": 0.2 * weight, "gamma": 1.6 * weight, "beta": beta}
                        points.append((kind, {"alpha": 0.8 * weight, "gamma": 0.4 * weight, "beta": beta}))
                    points.append((kind, point))
            # No shocks: a variance that only goes from where it began to its level, in time and hardly at all.
            last = points[-1][0]
            for kind, beta, omega in ((last + 1, 0.99, 0.01), (last + 2, 0.9995, 5e-4), (last + 3, 0.998, 1e-4)):
                point = {"omega": omega, "alpha": 1e-4, "gamma": 0.0, "beta": beta, "delta": 1.5}
                points.append((kind, point))
        starts, kinds_of = [], []
        for (kind, point), shape in product(points, _SHAPE_STARTS[self.law]):
            theta = np.zeros(len(self.names))
            for name, number in point.items():
                if name in self.names:
                    theta[self.place(name)] = number
            theta[self.n_state :] = shape
            if "omega" not in point or self.targeting or self.family in ("igarch", "ewma"):
                self._balance(theta)
            starts.append(theta)
            kinds_of.append(kind)
        return np.array(starts), np.array(kinds_of)

    def _balance(self, theta: np.ndarray) -> None:
        """Set omega so that the long-run variance is one, within the equations of the family."""
        alpha, beta = theta[self.place("alpha")], theta[self.place("beta")]
        omega = self.place("omega")
        if self.family in ("igarch", "ewma"):
            theta[self.place("beta")] = 1.0 - alpha
            theta[omega] = 0.0 if self.family == "ewma" else 0.01
        elif self.code != 2:
            half = 0.5 * theta[self.place("gamma")] if self.asymmetric and self.code == 0 else 0.0
            theta[omega] = max(1.0 - alpha - half - beta, 1e-4)
            if self.targeting:
                theta[self.place("beta")] = 1.0 - alpha - half - theta[omega]


@cache
def unit_starts(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Return start points, shape (n_starts, K), for a mean of zero and a variance of one, and their kinds."""
    return design._unit_starts()


@cache
def _constraints(design: Design) -> tuple[np.ndarray, np.ndarray, int, tuple[str, ...]]:
    return design._constraint_rows()
