"""The log-likelihood that arch evaluates, as a function of all parameters, with arch's bounds and constraints."""

from typing import Any

import numpy as np

from volkit.volatility.through_arch._equations import Equation

__all__ = ["ArchLikelihood"]

_LOOSE = np.array([[0.0, np.inf]])


class ArchLikelihood:
    """The log-likelihood of returns near unit size under a model of arch's.

    Parameters
    ----------
    equation : Equation
        The model.
    values : ndarray, shape (n_mean_lags + n,)
        Returns, those that start the lags of the mean first.

    Attributes
    ----------
    ols : ndarray, shape (n_mean,)
        Least-squares mean; its residuals, shape (n,), set the start-up and arch's bounds of the variance.
    square : float
        Their mean square.
    """

    def __init__(self, equation: Equation, values: np.ndarray) -> None:
        self.equation = equation
        self.observed, self.regressors = self._mean_parts(values)
        self.volatility, self.law = equation.process(), equation.law_in_arch()
        self.ols = np.linalg.lstsq(self.regressors.T, self.observed, rcond=None)[0]
        self.first = self.observed - self.ols @ self.regressors
        self.square = float(np.mean(self.first**2))
        self.backcast: Any = (
            self.volatility.backcast(self.first)
            if equation.start_up == "backcast"
            else self.volatility.backcast_transform(self.square)
        )
        self.bounds = self.volatility.variance_bounds(self.first)
        self._variance = np.empty(len(self.first))

    @classmethod
    def of_returns(cls, equation: Equation, returns: np.ndarray) -> tuple["ArchLikelihood", float]:
        """Return the likelihood of decimal returns, shape (n_mean_lags + n,), in a unit of their size, and that unit.

        The unit is a power of two, which changes the exponent of a number and none of its digits.
        """
        unit = float(2.0 ** np.round(np.log2(returns.std())))
        return cls(equation, returns / unit), unit

    def _mean_parts(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lags = self.equation.n_mean_lags
        n = len(values) - lags
        rows = [np.ones(n)] if self.equation.has_constant else []
        rows += [values[lags - i : len(values) - i] for i in range(1, lags + 1)]
        return values[lags:], np.array(rows).reshape(len(rows), n)

    def split(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the parameters of the mean, of the variance and of the law."""
        first, last = self.equation.n_mean, len(theta) - self.equation.n_shape
        return theta[:first], theta[first:last], theta[last:]

    def loss(self, theta: np.ndarray) -> float:
        """Return minus the log-likelihood at parameters of shape (K,); infinite where arch finds no number."""
        mean, variance, law = self.split(theta)
        e = self.observed - mean @ self.regressors
        with np.errstate(all="ignore"):
            self.volatility.compute_variance(variance, e, self._variance, self.backcast, self.bounds)
            value = -float(self.law.loglikelihood(law, e, self._variance))
        return value if np.isfinite(value) else float("inf")

    def losses(self, theta: np.ndarray) -> np.ndarray:
        """Return minus the log-likelihood of each return, shape (n,)."""
        mean, variance, law = self.split(theta)
        e = self.observed - mean @ self.regressors
        self.volatility.compute_variance(variance, e, self._variance, self.backcast, self.bounds)
        return -np.asarray(self.law.loglikelihood(law, e, self._variance, individual=True))

    def filtered(self, theta: np.ndarray, *, later: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals, shape (n,), and variances with the next period's, shape (n + 1,).

        `later`: returns after the values, to go on with; n counts them too.
        """
        mean, variance, _ = self.split(theta)
        observed, X, n_later = self.observed, self.regressors, 0
        if later is not None and len(later):
            lags, n_later = self.equation.n_mean_lags, len(later)
            before = observed[len(observed) - lags :] if lags else observed[:0]
            more, X_later = self._mean_parts(np.concatenate([before, later]))
            observed, X = np.concatenate([observed, more]), np.concatenate([X, X_later], axis=1)
        e = observed - mean @ X
        out = np.empty(len(e) + 1)
        bounds = np.ascontiguousarray(np.concatenate([self.bounds, np.repeat(_LOOSE, n_later + 1, axis=0)]))
        if self.equation.kind == "riskmetrics":
            bounds = self.volatility.variance_bounds(np.append(e, 0.0))
        self.volatility.compute_variance(variance, np.append(e, 0.0), out, self.backcast, bounds)
        return e, out

    def constraints(self) -> tuple[np.ndarray, np.ndarray]:
        """Return arch's bounds and constraints as rows C and limits d with C theta >= d."""
        n_mean, n_all = self.equation.n_mean, len(self.equation.names)
        standardized = self.first / np.sqrt(self.square)
        rows: list[tuple[np.ndarray, float]] = []
        parts = (
            (n_mean, self.volatility.bounds(self.first), self.volatility.constraints()),
            (n_all - self.equation.n_shape, self.law.bounds(standardized), self.law.constraints()),
        )
        for offset, bounds, (A, b) in parts:
            for i, (low, high) in enumerate(bounds):
                unit = np.eye(n_all)[offset + i]
                rows += [(unit, float(low)), (-unit, -float(high))]
            for weights, limit in zip(A, b, strict=True):
                row = np.zeros(n_all)
                row[offset : offset + len(weights)] = weights
                rows.append((row, float(limit)))
        tightest: dict[bytes, tuple[np.ndarray, float]] = {}
        for row, limit in rows:
            key = (row + 0.0).tobytes()
            if row.any() and np.isfinite(limit) and (key not in tightest or limit > tightest[key][1]):
                tightest[key] = (row, limit)
        kept = list(tightest.values())
        return np.array([row for row, _ in kept]).reshape(len(kept), n_all), np.array([limit for _, limit in kept])

    def starts(self) -> list[np.ndarray]:
        """Return arch's own start, then points of other markets, each of shape (K,)."""
        own = self.volatility.starting_values(self.first)
        standardized = self.first / np.sqrt(self.square)
        first = np.concatenate([self.ols, own, self.law.starting_values(standardized)])
        return [first, *self.equation.starts(self.ols, self.square)]
