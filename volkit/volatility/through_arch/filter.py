"""The variance of a model that arch estimated, followed over returns after the fit.

Such a variance depends on more of the past than one number, and so has no `Recursion`.
"""

from dataclasses import dataclass

import numpy as np

from volkit.errors import ArgumentError
from volkit.volatility.through_arch._equations import Equation
from volkit.volatility.through_arch._likelihood import ArchLikelihood

__all__ = ["ArchFilter"]


@dataclass(frozen=True, eq=False, slots=True)
class ArchFilter:
    """An equation with its parameters and the returns that it was fitted to: what a walk through time asks of a fit.

    Attributes
    ----------
    equation : Equation
        Mean, variance and law.
    parameters : ndarray, shape (K,)
        In the equation's order, decimal, per period.
    returns : ndarray, shape (n,)
        Decimal returns of the fit.
    weights : tuple
        Of regressors; always empty.

    Examples
    --------
    >>> returns = np.random.default_rng(1).normal(0.0, 0.01, 200)
    >>> equation = Equation(kind="harch", lags=(1, 2), has_constant=False)
    >>> steps = ArchFilter(equation, np.array([4e-5, 0.4, 0.2]), returns[:150])
    >>> variances = steps.follow(returns[150:], 1e-4, earlier=returns[:150])
    >>> expected = 4e-5 + 0.5 * returns[150] ** 2 + 0.1 * returns[149] ** 2
    >>> len(variances), bool(abs(variances[1] - expected) < 1e-18)
    (51, True)
    """

    equation: Equation
    parameters: np.ndarray
    returns: np.ndarray
    weights: tuple[float, ...] = ()

    @property
    def mu(self) -> float:
        """Constant of the mean, decimal."""
        return float(self.parameters[0]) if self.equation.has_constant else 0.0

    @property
    def ar(self) -> tuple[float, ...]:
        """Weights of earlier returns in the mean, the latest first."""
        return tuple(self.parameters[self.equation.has_constant : self.equation.n_mean].tolist())

    def next_mean(self, earlier: np.ndarray) -> float:
        """Return the expected return of the next period from returns up to now, the latest last, shape (n,)."""
        return self.mu + sum(weight * float(earlier[-1 - i]) for i, weight in enumerate(self.ar))

    def follow(
        self,
        values: np.ndarray,
        variance: float,
        *,
        earlier: np.ndarray | None = None,
        pushes: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the variances from that of values[0] to that of the period after the last, shape (n + 1,).

        Parameters
        ----------
        values : ndarray, shape (n,)
            Decimal returns after `earlier`.
        variance : float
            Of values[0], decimal squared; returned where there are no values.
        earlier : ndarray
            Returns before the values, those of the fit among them and the latest last; by default the fit's own.
        pushes : None
            There are no regressors.

        Raises
        ------
        ArgumentError
            When the fit's returns are not among the earlier ones (the variance needs all of them), or pushes come.
        """
        if not len(values):
            return np.array([variance])
        before = self.returns if earlier is None else np.asarray(earlier, dtype=np.float64)
        if pushes is not None:
            raise ArgumentError(
                "pushes", "must be left out: the model has no regressors", repr(pushes), "leave them out"
            )
        later = np.concatenate([before[self._end_in(before) :], np.asarray(values, dtype=np.float64)])
        likelihood, unit = ArchLikelihood.of_returns(self.equation, self.returns)
        theta, _ = self.equation.rescaled(self.parameters, 1.0 / unit)
        _, variances = likelihood.filtered(theta, later=later / unit)
        return variances[len(variances) - len(values) - 1 :] * unit**2

    def _end_in(self, before: np.ndarray) -> int:
        """Where the fit's returns end among others."""
        n = len(self.returns)
        for end in range(len(before), n - 1, -1):
            if before[end - 1] == self.returns[-1] and np.array_equal(before[end - n : end], self.returns):
                return end
        raise ArgumentError(
            "earlier",
            "must hold the returns of the fit: its variance depends on all of them",
            f"{len(before)} returns without them",
            "pass every return from the first of the fit on",
        )

    def simulate(
        self,
        next_variance: float,
        shocks: np.ndarray,
        *,
        earlier: np.ndarray | None = None,
        pushes: np.ndarray | None = None,  # noqa: ARG002 - asked of by `RunningRecursion`
    ) -> tuple[np.ndarray, np.ndarray]:
        """Refuse: paths of such a variance need the whole past, which only the fit has.

        Raises
        ------
        ArgumentError
            Always; `ArchFit.simulate_paths` makes the paths.
        """
        n = 0 if earlier is None else len(earlier)
        raise ArgumentError(
            "model",
            "must be one whose next variance says all of the past, such as Garch, where paths start from a state",
            f"{self.equation.kind}, a next variance of {next_variance:.3g} and {n} returns for {shocks.shape[0]} paths",
            "use ArchFit.simulate_paths on a fit",
        )
