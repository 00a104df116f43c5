"""What the models estimated through arch are made of: their parts, the order of parameters, their units and starts.

The `arch` package is imported where a model is built: it takes seconds, and most users never need it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from volkit.volatility.distributions import Distribution
from volkit.volatility.engine.codes import LAW_PARAMETERS, Law

if TYPE_CHECKING:
    from arch.univariate.distribution import Distribution as ArchLaw
    from arch.univariate.mean import HARX
    from arch.univariate.volatility import VolatilityProcess

__all__ = ["KINDS", "ArchStartUp", "Equation", "Kind", "arch_model_of"]

Kind = Literal["figarch", "harch", "midas", "garch", "egarch", "aparch", "ewma", "riskmetrics"]
KINDS: tuple[Kind, ...] = ("figarch", "harch", "midas", "garch", "egarch", "aparch", "ewma", "riskmetrics")
ArchStartUp = Literal["backcast", "sample"]
_SHAPE_STARTS: dict[Law, tuple[float, ...]] = {"normal": (), "t": (6.0,), "skewt": (6.0, -0.05), "ged": (1.4,)}
_PERSISTENCES = (0.5, 0.8, 0.93, 0.985)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """Mean, variance and law of a model that arch estimates.

    Attributes
    ----------
    kind : str
        The variance.
    p, o, q : int
        Lags of shocks, of leaning shocks and of the variance.
    power : float or None
        Of the volatility; None when it is estimated.
    lags : tuple of int
        Periods over which HARCH takes means of squares.
    m : int
        Periods that MIDAS looks back.
    asymmetry : bool
        Whether falls weigh differently in MIDAS.
    truncation : int
        Periods that FIGARCH looks back.
    law : str
        Of the standardised returns.
    has_constant : bool
        Whether the mean has a constant.
    n_mean_lags : int
        Lags of the mean.
    start_up : {"backcast", "sample"}
        The variance before the first return.
    """

    kind: Kind
    p: int = 1
    o: int = 0
    q: int = 1
    power: float | None = 2.0
    lags: tuple[int, ...] = ()
    m: int = 22
    asymmetry: bool = False
    truncation: int = 1000
    law: Law = "normal"
    has_constant: bool = True
    n_mean_lags: int = 0
    start_up: ArchStartUp = "backcast"

    @property
    def n_mean(self) -> int:
        """Parameters of the mean."""
        return self.has_constant + self.n_mean_lags

    @property
    def n_shape(self) -> int:
        """Parameters of the law."""
        return len(LAW_PARAMETERS[self.law])

    @property
    def memory(self) -> int:
        """Periods before the first variance that is all data, where they are few enough to ask for (0: they decay)."""
        return max(self.lags) if self.kind == "harch" else self.m if self.kind == "midas" else 0

    @property
    def variance_names(self) -> tuple[str, ...]:
        """Names of the parameters of the variance, in arch's order."""
        if self.kind == "figarch":
            return ("omega", *(("phi",) if self.p else ()), "d", *(("beta",) if self.q else ()))
        if self.kind == "harch":
            return ("omega", *(f"alpha[{lag}]" for lag in self.lags))
        if self.kind == "midas":
            return ("omega", "alpha", *(("gamma",) if self.asymmetry else ()), "theta")
        if self.kind in ("ewma", "riskmetrics"):
            return ("lam",) if self.kind == "ewma" else ()
        orders = (("alpha", self.p), ("gamma", self.o), ("beta", self.q))
        names = [f"{word}[{i}]" for word, order in orders for i in range(1, order + 1)]
        return ("omega", *names, *(("delta",) if self.power is None else ()))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters: mean, variance, law."""
        mean = ("mu",) if self.has_constant else ()
        lags = (f"ar[{i}]" for i in range(1, self.n_mean_lags + 1))
        return (*mean, *lags, *self.variance_names, *LAW_PARAMETERS[self.law])

    @property
    def has_kinks(self) -> bool:
        """Whether the likelihood has kinks in the mean: absolute residuals, or leaning ones that are not squared."""
        if not self.n_mean:
            return False
        return self.law == "ged" or self.kind == "egarch" or self.power != 2.0

    def process(self) -> "VolatilityProcess":
        """Return arch's process of the variance."""
        from arch import univariate as arch

        if self.kind == "figarch":
            return arch.FIGARCH(p=self.p, q=self.q, power=self.power or 2.0, truncation=self.truncation)
        if self.kind == "harch":
            return arch.HARCH(lags=list(self.lags))
        if self.kind == "midas":
            return arch.MIDASHyperbolic(m=self.m, asym=self.asymmetry)
        if self.kind == "egarch":
            return arch.EGARCH(p=self.p, o=self.o, q=self.q)
        if self.kind == "aparch":
            return arch.APARCH(p=self.p, o=self.o, q=self.q, delta=self.power)
        if self.kind == "ewma":
            return arch.EWMAVariance(None)
        if self.kind == "riskmetrics":
            return arch.RiskMetrics2006()
        return arch.GARCH(p=self.p, o=self.o, q=self.q, power=self.power or 2.0)

    def law_in_arch(self) -> "ArchLaw":
        """Return arch's law of the standardised returns."""
        from arch import univariate as arch

        laws: dict[Law, Callable[[], ArchLaw]] = {
            "normal": arch.Normal,
            "t": arch.StudentsT,
            "skewt": arch.SkewStudent,
            "ged": arch.GeneralizedError,
        }
        return laws[self.law]()

    def rescaled(self, theta: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the parameters, shape (K,), of the returns times a factor, and the derivatives by the old ones.

        Exact for factors that are powers of two where the power of the volatility is a whole number.
        """
        out, J, at = theta.copy(), np.eye(len(theta)), self.names.index
        if self.has_constant:
            out[0] *= factor
            J[0, 0] = factor
        if "omega" not in self.variance_names:
            return out, J
        omega = at("omega")
        if self.kind == "egarch":
            # log(c^2 v)' = omega + ... + beta (log v + 2 log c), which leaves (1 - sum of betas) 2 log c to omega.
            betas = [at(f"beta[{i}]") for i in range(1, self.q + 1)]
            level = 2.0 * float(np.log(factor))
            out[omega] += (1.0 - theta[betas].sum()) * level
            J[omega, betas] = -level
            return out, J
        power = theta[at("delta")] if self.power is None else self.power
        unit = factor**power
        out[omega] *= unit
        J[omega, omega] = unit
        if self.power is None:
            J[omega, at("delta")] = float(np.log(factor)) * out[omega]
        return out, J

    def persistence(self, theta: np.ndarray, law: Distribution) -> float:
        """Return the share of a shock that is left a period later, summed over lags; NaN for long memory (no unit)."""
        if self.kind in ("figarch", "ewma", "riskmetrics"):
            return float("nan") if self.kind == "figarch" else 1.0
        by_name = dict(zip(self.names, theta.tolist(), strict=True))
        alphas, gammas, betas = (
            [value for name, value in by_name.items() if name.startswith(word)] for word in ("alpha", "gamma", "beta")
        )
        if self.kind == "egarch":
            return float(sum(betas))
        if self.power == 2.0 and self.kind != "aparch":
            return float(sum(alphas) + sum(gammas) * law.downside_variance + sum(betas))
        z, weights = law.expectation_nodes()
        power = by_name["delta"] if self.power is None else self.power
        total = sum(betas)
        for i, alpha in enumerate(alphas):
            lean = gammas[i] if self.kind == "aparch" and i < len(gammas) else 0.0
            total += alpha * float(weights @ (np.abs(z) - lean * z) ** power)
        if self.kind == "garch":
            total += sum(gammas) * float(weights @ (np.abs(z) ** power * (z < 0.0)))
        return float(total)

    def starts(self, mean: np.ndarray, square: float) -> list[np.ndarray]:
        """Return points to start from, each of shape (K,), for residuals with a given mean square."""
        points = []
        for values in self._variance_starts(square):
            point = np.array([values[name] for name in self.variance_names])
            points.append(np.concatenate([mean, point, _SHAPE_STARTS[self.law]]))
        return points

    def _variance_starts(self, square: float) -> list[dict[str, float]]:
        if self.kind == "figarch":
            grid = product((0.2, 0.45, 0.7), (0.2, 0.8), (0.4, 0.9))
            pairs = [(d, 0.5 * (1.0 - d) * share, ratio) for d, share, ratio in grid]
            level = 0.1 * square ** (0.5 * (self.power or 2.0))
            betas = [ratio * (d + (phi if self.p else 0.0)) if self.q else 0.0 for d, phi, ratio in pairs]
            return [
                {"omega": (1.0 - beta) * level, "phi": phi, "d": d, "beta": beta}
                for (d, phi, _), beta in zip(pairs, betas, strict=True)
            ]
        if self.kind == "midas":
            grid = product((0.6, 0.9), (0.2, 0.5, 0.9), (0.0, 1.0) if self.asymmetry else (0.0,))
            return [
                {"omega": (1.0 - total) * square, "alpha": total * (1.0 - 0.9 * lean), "gamma": 1.8 * lean * total,
                 "theta": theta}
                for total, theta, lean in grid
            ]  # fmt: skip
        if self.kind == "harch":
            shares = [np.full(len(self.lags), 1.0), *(1.0 + 8.0 * row for row in np.eye(len(self.lags)))]
            return [
                {"omega": (1.0 - total) * square}
                | {f"alpha[{lag}]": total * w / share.sum() for lag, w in zip(self.lags, share, strict=True)}
                for total, share in product((0.5, 0.9), shares)
            ]
        if self.kind in ("ewma", "riskmetrics"):
            return [{"lam": lam} for lam in (0.8, 0.94, 0.985)] if self.kind == "ewma" else [{}]
        return self._lagged_starts(square)

    def _lagged_starts(self, square: float) -> list[dict[str, float]]:
        """GARCH, EGARCH and APARCH of any order."""
        powers = (0.8, 1.3, 2.0) if self.power is None else (self.power,)
        splits = ("even", "first") if max(self.p, self.o, self.q) > 1 else ("even",)
        points = []
        for persistence, news, power, split in product(_PERSISTENCES, (0.06, 0.15), powers, splits):
            alpha = min(news, 0.5 * persistence) if self.q else 0.9 * persistence
            half = alpha if self.p == 0 else 0.5 * alpha if self.o else 0.0
            point = {"omega": (1.0 - persistence) * square ** (0.5 * power), "delta": power}
            parts = {"alpha": (self.p, alpha - half), "gamma": (self.o, 2.0 * half)}
            parts["beta"] = (self.q, persistence - alpha)
            if self.kind == "aparch":
                parts["alpha"], parts["gamma"] = (self.p, alpha), (self.o, 0.4 * self.o)
            if self.kind == "egarch":
                point["omega"] = (1.0 - persistence * (self.q > 0)) * float(np.log(square))
                parts = {"alpha": (self.p, news), "gamma": (self.o, -0.06), "beta": (self.q, persistence)}
            for word, (order, total) in parts.items():
                for i in range(1, order + 1):
                    share = 1.0 / order if split == "even" else float(i == 1)
                    point[f"{word}[{i}]"] = total * share
            points.append(point)
        return points


def arch_model_of(equation: Equation, returns: pd.Series) -> "HARX":
    """Return arch's model of returns, shape (n,), in their own unit."""
    from arch import univariate as arch

    variance, law = equation.process(), equation.law_in_arch()
    if equation.n_mean_lags:
        lags = list(range(1, equation.n_mean_lags + 1))
        return arch.ARX(returns, lags=lags, volatility=variance, distribution=law, rescale=False)
    mean = arch.ConstantMean if equation.has_constant else arch.ZeroMean
    return mean(returns, volatility=variance, distribution=law, rescale=False)
