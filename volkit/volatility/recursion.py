"""The variance recursion with its parameters: one step, expectations of many steps, and paths.

A recursion is what is left of a fit when the data are put away: scenarios and margins run on it.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from volkit.errors import ArgumentError
from volkit.volatility.distributions import Distribution
from volkit.volatility.engine.codes import KIND_CODES
from volkit.volatility.engine.kernels import load_kernels

__all__ = ["NEAR_INTEGRATED", "Recursion", "RunningRecursion"]

# From here on shocks do not die out in any history at hand, and a long-run level would be made up.
NEAR_INTEGRATED = 0.9995
_ROOT_TWO_OVER_PI = float(np.sqrt(2.0 / np.pi))


class RunningRecursion(Protocol):
    """What a walk and a simulation ask of a recursion: `Recursion`, or a filter of another program."""

    @property
    def mu(self) -> float:
        """Constant of the mean, decimal."""
        ...

    @property
    def ar(self) -> tuple[float, ...]:
        """Weights of earlier returns in the mean, the latest first."""
        ...

    @property
    def weights(self) -> tuple[float, ...]:
        """Weights of the regressors of the variance."""
        ...

    def next_mean(self, earlier: np.ndarray) -> float:
        """Return the expected return of the next period from returns up to now, the latest last."""
        ...

    def follow(
        self,
        values: np.ndarray,
        variance: float,
        *,
        earlier: np.ndarray | None = None,
        pushes: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the variances from that of values[0], given, to that of the period after, shape (n + 1,)."""
        ...

    def simulate(
        self,
        next_variance: float,
        shocks: np.ndarray,
        *,
        earlier: np.ndarray | None = None,
        pushes: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return returns and variances of paths, each of shape (n_paths, horizon)."""
        ...


@dataclass(frozen=True, slots=True)
class Recursion:
    """The variance recursion with its parameters (decimal, per period).

    Attributes
    ----------
    mu, omega, alpha, gamma, beta : float
        Of the equations in `volkit.volatility.Garch`.
    kind : {"additive", "aparch", "egarch"}
        How the variance moves.
    power : float
        Of the volatility in additive and APARCH recursions.
    ar : tuple of float
        Weights of earlier returns in the mean, the latest first.
    weights : tuple of float
        Of the regressors of the variance.

    Examples
    --------
    >>> round(Recursion(0.0, 1e-6, 0.05, 0.10, 0.85).next_variance(-0.02, 1e-4), 8)
    0.000146
    """

    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    kind: Literal["additive", "aparch", "egarch"] = "additive"
    power: float = 2.0
    ar: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def persistence(self) -> float:
        """Share of a shock to the state that is left a period later, for a symmetric law (no unit).

        alpha + gamma / 2 + beta where the power is 2; beta for EGARCH; otherwise as `persistence_under` the normal.
        """
        return self.persistence_under(Distribution())

    def persistence_under(self, law: Distribution) -> float:
        """Return the share of a shock to the state that is left a period later under a law (no unit)."""
        if self.kind == "egarch":
            return self.beta
        if self.kind == "additive" and self.power == 2.0:
            return self.alpha + self.gamma * law.downside_variance + self.beta
        return self._mean_slope(law, 1)

    def _mean_slope(self, law: Distribution, order: int) -> float:
        """E of the order-th power of the next state's slope in this one."""
        points, weights = law.expectation_nodes()
        return float(weights @ (self.beta + self._shock_weight(points)) ** order)

    def _shock_weight(self, z: np.ndarray) -> np.ndarray:
        if self.kind == "aparch":
            return np.asarray(self.alpha * (np.abs(z) - self.gamma * z) ** self.power)
        return np.asarray((self.alpha + self.gamma * (z < 0.0)) * np.abs(z) ** self.power)

    def next_mean(self, earlier: np.ndarray) -> float:
        """Return the expected return of the next period from returns up to now, the latest last, shape (n,)."""
        return self.mu + sum(weight * float(earlier[-1 - i]) for i, weight in enumerate(self.ar))

    def next_variance(
        self, value: float, variance: float, *, mean: float | None = None, regressors: tuple[float, ...] = ()
    ) -> float:
        """Return the variance of the next period from this one's return and variance (decimal squared).

        `mean` is this period's expected return where it has lags; `regressors` are those of the next period.
        """
        residual = value - (self.mu if mean is None else mean)
        push = sum(w * x for w, x in zip(self.weights, regressors, strict=True)) if self.weights else 0.0
        constant = self.omega + push
        if self.kind == "egarch":
            z = residual / np.sqrt(variance)
            news = self.alpha * (abs(z) - _ROOT_TWO_OVER_PI) + self.gamma * z
            return float(np.exp(constant + news + self.beta * np.log(variance)))
        if self.kind == "additive" and self.power == 2.0:
            weight = self.alpha + (self.gamma if residual < 0 else 0.0)
            return constant + weight * residual * residual + self.beta * variance
        z, half = np.array([residual / variance**0.5]), 0.5 * self.power
        state = constant + (float(self._shock_weight(z)[0]) + self.beta) * variance**half
        return float(state ** (1.0 / half))

    def forecast(
        self, next_variance: float, horizon: int, *, law: Distribution | None = None, pushes: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the expected variances of the next periods, shape (horizon,), decimal squared.

        Closed forms: power 2 (any law), power 1, EGARCH with thin tails. `pushes`, shape (horizon,): the regressors'
        part of the variance by period.

        Raises
        ------
        NotImplementedError
            For other powers, and for EGARCH under a t, whose expected variance is infinite: simulate.
        """
        law = law or Distribution()
        push = np.append(0.0, self._pushes(pushes, horizon))[:horizon]
        if self.kind == "egarch":
            return self._forecast_egarch(next_variance, horizon, law, push)
        if self.kind == "additive" and self.power in (1.0, 2.0):
            return self._forecast_additive(next_variance, horizon, law, push)
        raise NotImplementedError(f"no closed form for {self.kind} with power {self.power:g}")

    def _forecast_additive(self, first: float, horizon: int, law: Distribution, push: np.ndarray) -> np.ndarray:
        expected = np.empty(horizon)
        expected[0] = first
        slope = self.persistence_under(law)
        if self.power == 2.0:
            for k in range(1, horizon):
                expected[k] = self.omega + push[k] + slope * expected[k - 1]
            return expected
        # With s' = c + s A, A independent of s: E s' = c + E s E A and E s'^2 = c^2 + 2 c E s E A + E s^2 E A^2.
        square, root = self._mean_slope(law, 2), float(np.sqrt(first))
        for k in range(1, horizon):
            c = self.omega + push[k]
            expected[k] = c * c + 2.0 * c * root * slope + expected[k - 1] * square
            root = c + root * slope
        return expected

    def _forecast_egarch(self, first: float, horizon: int, law: Distribution, push: np.ndarray) -> np.ndarray:
        if law.name in ("t", "skewt") or (law.name == "ged" and law.degrees_of_freedom <= 1.0):
            raise NotImplementedError(f"the expected variance of EGARCH is infinite under {law.name} innovations")
        points, weights = law.expectation_nodes()
        news = self.alpha * (np.abs(points) - _ROOT_TWO_OVER_PI) + self.gamma * points
        expected, level, factor = np.empty(horizon), float(np.log(first)), 0.0
        expected[0] = first
        for k in range(1, horizon):
            # One more shock, k - 1 periods old by then, and the level one period further.
            factor += float(np.log(weights @ np.exp(self.beta ** (k - 1) * news)))
            level = self.omega + push[k] + self.beta * level
            expected[k] = np.exp(level + factor)
        return expected

    def follow(
        self,
        values: np.ndarray,
        variance: float,
        *,
        earlier: np.ndarray | None = None,
        pushes: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the variances from that of values[0], given, to that of the period after, shape (n + 1,).

        `earlier`: returns before the values, the latest last; `pushes`, shape (n,): the regressors' part of each later
        period.
        """
        out = np.empty(len(values) + 1)
        load_kernels("_paths").follow(
            *self._code(), self._pushes(pushes, len(values)), self._earlier(earlier), np.array(values), variance, out
        )
        return out

    def simulate(
        self,
        next_variance: float,
        shocks: np.ndarray,
        *,
        earlier: np.ndarray | None = None,
        pushes: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return returns and variances of paths, each of the shape of the standardised shocks, (n_paths, horizon)."""
        shocks = np.ascontiguousarray(shocks, dtype=np.float64)
        returns, variances = np.empty_like(shocks), np.empty_like(shocks)
        load_kernels("_paths").simulate(
            *self._code(),
            self._pushes(pushes, shocks.shape[1]),
            self._earlier(earlier),
            next_variance,
            shocks,
            returns,
            variances,
        )
        return returns, variances

    def _code(self) -> tuple[int, float, float, np.ndarray, np.ndarray]:
        core = np.array([self.omega, self.alpha, self.gamma, self.beta])
        return KIND_CODES[self.kind], self.power, self.mu, np.array(self.ar, dtype=np.float64), core

    def _pushes(self, pushes: np.ndarray | None, n: int) -> np.ndarray:
        # A push belongs to a period; the kernels add it on the step into that period.
        if pushes is None:
            if self.weights and n > 1:
                raise ArgumentError(
                    "horizon",
                    "must be 1 where regressors move the variance and their later values are not given",
                    f"{n} periods",
                    "use simulate_paths or VolatilityFit.forecast with regressors for the periods ahead",
                )
            return np.zeros(n)
        return np.append(np.asarray(pushes, dtype=np.float64)[1:n], np.zeros(n))[:n]

    def _earlier(self, earlier: np.ndarray | None) -> np.ndarray:
        if not self.ar:
            return np.empty(0)
        return np.ascontiguousarray(np.asarray(earlier, dtype=np.float64)[::-1][: len(self.ar)])
