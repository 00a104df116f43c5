"""The likelihood of the correlation step, its scores by period, and its derivatives by the data and the target.

Parameters come as one array in the order a, b, g (asymmetric), 1 / nu (t laws): the inverse of the degrees of
freedom, in which the likelihood is smooth down to the normal law.
"""

from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np
from scipy import special

from volkit.correlation.dcc.margins import value_of_tail
from volkit.kernels import load_kernels
from volkit.volatility.distributions import Distribution

__all__ = [
    "CONVENTIONS",
    "Convention",
    "CorrelationProblem",
    "Evaluation",
    "Reflection",
    "Series",
    "copula_law",
    "copula_quantiles",
]

Convention = Literal["volkit", "rmgarch", "tsmarch"]
CONVENTIONS: tuple[Convention, ...] = ("volkit", "rmgarch", "tsmarch")
_PACKAGE = "volkit.correlation.dcc"
# Step in 1 / nu of central differences, where the data themselves are quantiles of the t law.
_STEP = 1e-4


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """The series that drive the correlations.

    Attributes
    ----------
    x : ndarray, shape (T, N)
    target, lean : ndarray, shape (N, N)
        Qbar and Nbar.
    log_margins : ndarray, shape (T, N), or None
        Log-densities that a copula divides by.
    """

    x: np.ndarray
    target: np.ndarray
    lean: np.ndarray
    log_margins: np.ndarray | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """The log-likelihood at a point: its value, its terms, shape (T,), scores, shape (K, T), and their sums, (K,)."""

    value: float
    terms: np.ndarray
    scores: np.ndarray
    gradient: np.ndarray


@dataclass(frozen=True, eq=False, slots=True)
class Reflection:
    """Derivatives of the log-likelihood at a point.

    Attributes
    ----------
    gradient : ndarray, shape (K,)
    by_series : ndarray, shape (T, N)
        By each x, what it does to the targets included.
    by_target, by_lean : ndarray, shape (N, N)
        By Qbar and Nbar, symmetric: the sum over both entries is the derivative by the pair of them.
    """

    gradient: np.ndarray
    by_series: np.ndarray
    by_target: np.ndarray
    by_lean: np.ndarray


@dataclass(slots=True)
class CorrelationProblem:
    """One estimation of the correlation step.

    Attributes
    ----------
    residuals : ndarray, shape (T, N)
        Standardised residuals; for a copula the tail probabilities with the sign of the residual.
    asymmetric : bool
        Whether there is a g.
    law : {"normal", "t"}
        Of the residuals, or of the copula.
    copula : bool
    convention : str
        Of the start and the target.
    pairs : ndarray, shape (n_pairs, 2), or None
        Of the composite likelihood. Two series have their own pair, of which the likelihood is the whole one.
    """

    residuals: np.ndarray
    asymmetric: bool
    law: Literal["normal", "t"]
    copula: bool
    convention: Convention
    pairs: np.ndarray | None = None
    passes: int = 0
    _cache: dict[float, tuple[Series, tuple[np.ndarray, ...]]] = field(default_factory=dict)
    _work: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.residuals.shape[1] == 2:
            self.pairs = np.array([[1, 0]])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, the last one inverted for t laws."""
        return ("a", "b", *(("g",) if self.asymmetric else ()), *(("nu",) if self.law == "t" else ()))

    @property
    def shock(self) -> float:
        """Size of the shock before the sample; below zero for none."""
        if self.convention != "rmgarch":
            return -1.0
        return 0.0 if self.copula else 1.0

    def split(self, theta: np.ndarray) -> tuple[float, float, float, float]:
        """Return a, b, g and 1 / nu, zero where there is none."""
        g = float(theta[2]) if self.asymmetric else 0.0
        return float(theta[0]), float(theta[1]), g, float(theta[-1]) if self.law == "t" else 0.0

    def series(self, inverse_nu: float = 0.0) -> Series:
        """Return the series under a t copula's 1 / nu, which other laws do not ask for."""
        return self._prepared(inverse_nu)[0]

    def evaluate(self, theta: np.ndarray) -> Evaluation | None:
        """Return the log-likelihood at parameters of shape (K,), None where a matrix is not definite."""
        a, b, g, inverse_nu = self.split(theta)
        found = self._forward(a, b, g, inverse_nu, keep=False)
        if found is None:
            return None
        terms, by_nu, scores, _ = found
        if self.law == "t":
            if self.copula:
                ends = [self._forward(a, b, g, inverse_nu + s, keep=False) for s in (-_STEP, _STEP)]
                if ends[0] is None or ends[1] is None:
                    return None
                by_inverse = (ends[1][0] - ends[0][0]) / (2.0 * _STEP)
            else:
                by_inverse = -by_nu / inverse_nu**2
            scores = np.vstack([scores, by_inverse])
        return Evaluation(float(terms.sum()), terms, scores, scores.sum(axis=1))

    def reflect(self, theta: np.ndarray) -> Reflection:
        """Return the derivatives by parameters, series and targets at parameters where `evaluate` has a value."""
        a, b, g, inverse_nu = self.split(theta)
        found = self._forward(a, b, g, inverse_nu, keep=True)
        if found is None:
            raise FloatingPointError("a correlation matrix is not definite")
        _, by_nu, scores, kept = found
        series = self.series(inverse_nu)
        direct, by_target, by_lean = self._backward(a, b, g, inverse_nu, kept)
        gradient = scores.sum(axis=1)
        if self.law == "t":
            last = self.evaluate(theta).gradient[-1] if self.copula else -by_nu.sum() / inverse_nu**2  # type: ignore[union-attr]
            gradient = np.append(gradient, last)
        if self.copula:
            direct -= self._counts * self._margin_slopes(series.x, inverse_nu)
        centred, shrink = self._centring(series.x)
        falls, _ = self._centring(np.minimum(series.x, 0.0))
        direct += 2.0 * shrink * centred @ by_target
        if self.asymmetric:
            direct += 2.0 * shrink * np.where(series.x < 0.0, falls @ by_lean, 0.0)
        return Reflection(gradient, direct, by_target, by_lean)

    def whole(self) -> "CorrelationProblem":
        """Return the problem with the full likelihood, shape (T, N) as before."""
        return CorrelationProblem(self.residuals, self.asymmetric, self.law, self.copula, self.convention)

    @property
    def _counts(self) -> np.ndarray:
        """How often each margin is in the likelihood, shape (N,)."""
        n = self.residuals.shape[1]
        return np.ones(n) if self.pairs is None else np.bincount(self.pairs.ravel(), minlength=n).astype(float)

    def _centring(self, x: np.ndarray) -> tuple[np.ndarray, float]:
        if self.convention == "volkit":
            return x, 1.0 / len(x)
        return x - x.mean(axis=0), 1.0 / (len(x) - 1)

    def _prepared(self, inverse_nu: float) -> tuple[Series, tuple[np.ndarray, ...]]:
        key = inverse_nu if self.copula and self.law == "t" else 0.0
        if key not in self._cache:
            if len(self._cache) > 6:
                self._cache.clear()
            x, log_margins = self._quantiles(key) if self.copula else (self.residuals, None)
            (centred, shrink), (falls, _) = self._centring(x), self._centring(np.minimum(x, 0.0))
            series = Series(x, shrink * centred.T @ centred, shrink * falls.T @ falls, log_margins)
            self._cache[key] = series, self._arrays(series)
        return self._cache[key]

    def _quantiles(self, inverse_nu: float) -> tuple[np.ndarray, np.ndarray]:
        x = copula_quantiles(self.residuals, inverse_nu)
        return x, copula_law(inverse_nu).log_density(x)

    def _margin_slopes(self, x: np.ndarray, inverse_nu: float) -> np.ndarray:
        if self.law == "normal":
            return np.asarray(-x)
        nu = 1.0 / inverse_nu
        return np.asarray(-(nu + 1.0) * x / (nu - 2.0 + x * x))

    def _arrays(self, series: Series) -> tuple[np.ndarray, ...]:
        if self.pairs is not None:
            return (np.ascontiguousarray(series.x.T),)
        lanes, (n_obs, n) = load_kernels(f"{_PACKAGE}._full").LANES, series.x.shape
        blocks = np.zeros((-(-n_obs // lanes) * lanes, n))
        blocks[:n_obs] = series.x
        lower = np.tril_indices(n)
        stacked = np.ascontiguousarray(blocks.reshape(-1, lanes, n).transpose(0, 2, 1))
        return stacked, np.ascontiguousarray(series.target[lower]), np.ascontiguousarray(series.lean[lower])

    def _forward(
        self, a: float, b: float, g: float, inverse_nu: float, *, keep: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, ...]] | None:
        """Terms, their derivative by nu, scores by a, b and g, and what `_backward` needs."""
        self.passes += 1
        nu = 1.0 / inverse_nu if self.law == "t" else np.inf
        run = self._run_full if self.pairs is None else self._run_pairs
        found = run(a, b, g, inverse_nu, keep=keep)
        if found is None:
            return None
        log_det, form, share, scores, kept = found
        size, copies = (2, len(self.pairs)) if self.pairs is not None else (self.residuals.shape[1], 1)
        if self.law == "normal":
            by_nu = share
            terms = -0.5 * (copies * size * np.log(2.0 * np.pi) + log_det + form)
        else:
            if self.pairs is None:
                form, share = np.log1p(form / (nu - 2.0)), form / (nu - 2.0 + form)
            constant, slope = _t_constant(nu, size)
            terms = copies * constant - 0.5 * log_det - 0.5 * (nu + size) * form
            by_nu = copies * slope - 0.5 * form + 0.5 * (nu + size) / (nu - 2.0) * share
        log_margins = self.series(inverse_nu).log_margins
        if log_margins is not None:
            terms = terms - log_margins @ self._counts
        return terms, by_nu, scores[: 2 + self.asymmetric], kept

    def _run_full(
        self, a: float, b: float, g: float, inverse_nu: float, *, keep: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, ...]] | None:
        kernels, (Z, target, lean) = load_kernels(f"{_PACKAGE}._full"), self._prepared(inverse_nu)[1]
        n_obs, (blocks, n, lanes) = len(self.residuals), Z.shape
        if self._work is None:
            self._work = np.zeros((4, len(target), lanes))
        log_det, form, scores = np.empty(n_obs), np.empty(n_obs), np.zeros((3, n_obs))
        kept = tuple(np.zeros((blocks if keep else 0, rows, lanes)) for rows in (n, len(target)))
        nu = 1.0 / inverse_nu if self.law == "t" else 0.0
        ok = kernels.forward(
            Z, n_obs, target, lean, self.shock, self.asymmetric, a, b, g, nu, self._work, log_det, form, scores, *kept
        )
        return (log_det, form, np.zeros(0), scores, kept) if ok else None

    def _run_pairs(
        self, a: float, b: float, g: float, inverse_nu: float, *, keep: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, ...]] | None:
        series, (z,) = self._prepared(inverse_nu)
        pairs = cast("np.ndarray", self.pairs)  # None takes the other run
        n, n_obs = z.shape
        sums = np.empty((8, n_obs))
        kept = tuple(np.zeros((rows if keep else 0, n_obs)) for rows in (n, len(pairs), n))
        nu = 1.0 / inverse_nu if self.law == "t" else 0.0
        ok = load_kernels(f"{_PACKAGE}._pairs").forward_pairs(
            z, pairs, series.target, series.lean, self.shock, self.asymmetric, a, b, g, nu, sums, *kept
        )
        if not ok:
            return None
        log_det, form = sums[4] + np.log(sums[3]), sums[6]
        if nu > 0.0:
            form = form + np.log(sums[5])
        return log_det, form, sums[7], sums[:3], kept

    def _backward(
        self, a: float, b: float, g: float, inverse_nu: float, kept: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n_obs, n = self.residuals.shape
        if self.pairs is not None:
            matrices = np.zeros((n, n)), np.zeros((n, n))
            (z,) = self._prepared(inverse_nu)[1]
            load_kernels(f"{_PACKAGE}._pairs").backward_pairs(
                z, self.pairs, self.shock, self.asymmetric, a, b, g, *kept, *matrices
            )
            direct = np.ascontiguousarray(kept[0].T)
        else:
            Z, target, _ = self._prepared(inverse_nu)[1]
            packed = np.zeros(len(target)), np.zeros(len(target))
            load_kernels(f"{_PACKAGE}._full").backward(Z, self.shock, self.asymmetric, a, b, g, *kept, *packed)
            direct = kept[0].transpose(0, 2, 1).reshape(-1, n)[:n_obs].copy()
            matrices = np.zeros((n, n)), np.zeros((n, n))
            for matrix, values in zip(matrices, packed, strict=True):
                matrix[np.tril_indices(n)] = values
        return direct, _halved(matrices[0]), _halved(matrices[1])


def copula_law(inverse_nu: float) -> Distribution:
    """Return the margins' law of a copula: normal for a 1 / nu of zero, else t.

    Examples
    --------
    >>> copula_law(0.0).name
    'normal'
    """
    return Distribution("t", 1.0 / inverse_nu) if inverse_nu > 0.0 else Distribution()


def copula_quantiles(signed: np.ndarray, inverse_nu: float) -> np.ndarray:
    """Return the copula's quantiles at signed tail probabilities, any shape, in standard deviations.

    Examples
    --------
    >>> copula_quantiles(np.array([-0.0228]), 0.0).round(2)
    array([-2.])
    """
    return value_of_tail(copula_law(inverse_nu), signed)


def _halved(lower: np.ndarray) -> np.ndarray:
    """A derivative by pairs of entries, shared between the two."""
    return np.asarray(0.5 * (lower + lower.T))


def _t_constant(nu: float, size: int) -> tuple[float, float]:
    """The constant of the log-density of a t of unit variance in `size` dimensions, and its slope in nu."""
    constant = special.gammaln(0.5 * (nu + size)) - special.gammaln(0.5 * nu) - 0.5 * size * np.log(np.pi * (nu - 2.0))
    slope = 0.5 * (special.digamma(0.5 * (nu + size)) - special.digamma(0.5 * nu) - size / (nu - 2.0))
    return float(constant), float(slope)
