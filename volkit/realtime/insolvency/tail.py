"""The far tail of losses along paths: the smallest margin for a probability, its interval, and back again.

Losses of paths enter, with weights where paths were drawn by importance sampling; margins and probabilities leave.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from volkit.checks import check_choice
from volkit.errors import ArgumentError, DataError, SmallSampleWarning
from volkit.validation.proportion import exact_interval
from volkit.volatility.tails import ParetoTail, fit_pareto_tail

__all__ = [
    "LEAST_EVENTS",
    "LossTail",
    "TailMethod",
    "check_weights",
    "loss_tail",
    "probability_interval",
    "rank_of",
    "ranks_around",
]

Floats = npt.NDArray[np.float64]
TailMethod = Literal["auto", "empirical", "pareto"]
_METHODS = ("auto", "empirical", "pareto")
# Expected insolvent paths below which an order statistic says too little: its relative error is then about a third.
LEAST_EVENTS = 10
# Share of the losses that the Pareto law is fitted to, losses that it needs, and how far it may reach beyond the
# sample: a level that one path in `n_paths * 10` exceeds is an extrapolation by a factor of ten.
_TAIL_SHARE, _LEAST_PEAKS, _LEAST_EXPECTED = 0.05, 50, 0.1
_SMALLEST_TARGET = 1e-15
_REPLICATIONS = 400
_SEED = 8
# n p is a whole number more often than its floating point shows.
_ROUNDING = 1e-9
# Standard errors that the mean weight may lie from 1.
_WEIGHT_ERRORS = 6.0


def check_weights(log_weights: Floats | None) -> Floats | None:
    """Return likelihood ratios of paths, shape (n_paths,), refusing logs that are no log likelihood ratios.

    Raises
    ------
    DataError
        When the mean ratio is not 1 within six standard errors.
    """
    if log_weights is None:
        return None
    w = np.exp(log_weights)
    mean, error = float(w.mean()), float(w.std() / len(w) ** 0.5)
    if not (np.isfinite(mean) and abs(mean - 1.0) <= _WEIGHT_ERRORS * error + 1e-9):
        got = f"{mean:.4g} with a standard error of {error:.2g}"
        remedy = "pass log likelihood ratios of the model over the law that was drawn from"
        raise DataError("log_weights", "must have exponentials with mean 1", got, remedy)
    return np.asarray(w)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LossTail:
    """Losses in falling order, and what is needed to read margins from them.

    Attributes
    ----------
    losses : ndarray, shape (n_paths,)
        USD, the largest first.
    weights : ndarray, shape (n_paths,), or None
        Likelihood ratios in that order, mean 1.
    pareto : ParetoTail or None
        Law beyond its threshold, where one was fitted.
    """

    losses: Floats
    weights: Floats | None
    pareto: ParetoTail | None

    @property
    def n_paths(self) -> int:
        """Paths behind the losses."""
        return len(self.losses)

    def margin(self, probability: float) -> float:
        """Return the smallest margin that is exceeded with at most the probability, USD."""
        law = self.law_at(probability)
        if law is not None:
            return law.value_at_risk(1.0 - probability)
        return float(self.losses[min(self._rank(probability), self.n_paths - 1)])

    def law_at(self, probability: float) -> ParetoTail | None:
        """Return the fitted law where the margin at a probability comes from it."""
        return self.pareto if self.pareto is not None and probability < self.pareto.exceedance_rate else None

    def events(self, probability: float) -> float:
        """Return equally likely paths' worth of losses beyond the margin: n p, or less where weights differ."""
        if self.weights is None:
            return self.n_paths * probability
        w = self.weights[: self._rank(probability)]
        return float(w.sum() ** 2 / (w @ w)) if len(w) else 0.0

    def intervals(self, probabilities: Floats, coverage: float) -> list[tuple[float, float]]:
        """Return ends of intervals for margins, USD: order statistics, bootstrap of weighted ones, or profiles."""
        return [self._interval(float(p), coverage) for p in probabilities]

    def _interval(self, p: float, coverage: float) -> tuple[float, float]:
        law = self.law_at(p)
        if law is not None:
            ends = law.value_at_risk_interval(1.0 - p, coverage=coverage)
            # So sharply bounded a law has no likelihood interval; the margin lies between its two ends.
            return ends if np.isfinite(ends[0]) else (law.threshold, max(law.endpoint, float(self.losses[0])))
        if self.weights is not None:
            return self._bootstrap(p, self.weights, coverage)
        # Order statistics that hold the quantile: as many losses lie above it as a binomial variable says.
        few, many = ranks_around(self.n_paths, p, coverage=coverage)
        high = float(self.losses[few - 1]) if few > 0 else float("inf")
        low = float(self.losses[many]) if many < self.n_paths else -float("inf")
        return low, high

    def _rank(self, probability: float) -> int:
        """Return how many of the largest losses may lie above a margin."""
        if self.weights is None:
            return rank_of(self.n_paths, probability)
        mass = np.cumsum(self.weights) / self.n_paths
        return int(np.searchsorted(mass, probability * (1.0 + _ROUNDING), side="right"))

    def _bootstrap(self, p: float, weights: Floats, coverage: float) -> tuple[float, float]:
        """Percentiles over resampled paths; a fixed seed, so that the same paths give the same interval."""
        n, rng = self.n_paths, np.random.default_rng(_SEED)
        # Only losses that some resample can need are drawn; in a large sample each comes a Poisson number of times.
        kept = min(self._rank(min(3.0 * p, 1.0)) + LEAST_EVENTS, n)
        draws = np.empty(_REPLICATIONS)
        for b in range(_REPLICATIONS):
            mass = np.cumsum(rng.poisson(1.0, kept) * weights[:kept]) / n
            at = int(np.searchsorted(mass, p * (1.0 + _ROUNDING), side="right"))
            draws[b] = self.losses[min(at, kept - 1)]
        tail = 0.5 * (1.0 - coverage)
        return float(np.quantile(draws, tail)), float(np.quantile(draws, 1.0 - tail))


def rank_of(n_paths: int, probability: float) -> int:
    """Return how many of n equally likely losses may lie above a margin: floor(n p).

    Examples
    --------
    >>> rank_of(1000, 0.01), rank_of(1050, 0.01)
    (10, 10)
    """
    return int(np.floor(n_paths * probability + _ROUNDING))


def ranks_around(n_paths: int, probability: float, *, coverage: float) -> tuple[int, int]:
    """Return how many losses lie above a quantile at least and at most, with the coverage.

    Examples
    --------
    >>> ranks_around(1000, 0.01, coverage=0.95)
    (4, 17)
    """
    tail = 0.5 * (1.0 - coverage)
    few, many = stats.binom.ppf([tail, 1.0 - tail], n_paths, probability)
    return int(few), int(many)


def loss_tail(losses: Floats, weights: Floats | None, *, target: float, method: TailMethod) -> LossTail:
    """Return the tail of losses, with a Pareto law where the target lies too far out for the sample.

    Parameters
    ----------
    losses : ndarray, shape (n_paths,)
        USD.
    weights : ndarray, shape (n_paths,), or None
        Likelihood ratios; see `check_weights`.
    target : float
        Probability that must be read from the tail.
    method : {"auto", "empirical", "pareto"}
        "empirical" reads order statistics and refuses fewer than ten expected events; "pareto" fits the largest
        5 per cent; "auto" fits only where "empirical" would refuse.

    Raises
    ------
    ArgumentError
        When even the fit would rest on too few paths, for a fit of weighted paths, or an unknown method.
    """
    check_choice(method, argument="tail", choices=_METHODS)
    order = np.argsort(-losses, kind="stable")
    plain = LossTail(losses=losses[order], weights=None if weights is None else weights[order], pareto=None)
    events = plain.events(target)
    if method == "empirical" or (method == "auto" and events >= LEAST_EVENTS):
        if events < LEAST_EVENTS:
            _refuse(plain, target, events, fitting="tail='pareto', or ")
        return plain
    if weights is not None:
        _refuse(plain, target, events, fitting="")
    n = len(losses)
    if n * _TAIL_SHARE < _LEAST_PEAKS or n * target < _LEAST_EXPECTED or not target < _TAIL_SHARE:
        _refuse(plain, target, events, fitting="", fitted=True)
    return LossTail(losses=plain.losses, weights=None, pareto=_fitted(plain.losses))


def _fitted(losses: Floats) -> ParetoTail:
    if not losses[0] > losses[rank_of(len(losses), _TAIL_SHARE)]:
        got = f"a largest loss of {losses[0]:g} USD, met by 5 % of the paths"
        raise DataError("losses", "must vary in their tail", got, "check that the book is exposed to the paths")
    with warnings.catch_warnings():
        # The least number of peaks is ours, and above that of the warning.
        warnings.simplefilter("ignore", SmallSampleWarning)
        return fit_pareto_tail(losses, tail_share=_TAIL_SHARE, unit="USD")


def _refuse(tail: LossTail, target: float, events: float, *, fitting: str, fitted: bool = False) -> None:
    n = tail.n_paths
    target = max(target, _SMALLEST_TARGET)  # so that the number of paths can be said
    if tail.weights is not None:
        got = f"{events:.3g} of {n} weighted paths"
        remedy = "draw more paths, or tilt them further towards the loss"
        raise ArgumentError("paths", f"must have {LEAST_EVENTS} paths' worth of losses beyond the target", got, remedy)
    if fitted and target < _TAIL_SHARE:
        least = int(np.ceil(max(_LEAST_PEAKS / _TAIL_SHARE, _LEAST_EXPECTED / target)))
        rule = f"must be at least {least:,} for a Pareto tail at {target:g}"
        raise ArgumentError("paths", rule, f"{n:,}", "draw more paths, or draw them by importance sampling")
    if fitted and events >= LEAST_EVENTS:
        rule = f"must be read from the sample for a target of {_TAIL_SHARE:g} and more"
        raise ArgumentError("tail", rule, "'pareto'", "pass tail='auto'")
    least = int(np.ceil(LEAST_EVENTS / target))
    rule = f"must be at least {least:,} so that {LEAST_EVENTS} of them are expected beyond {target:g}"
    remedy = f"pass {fitting}draw more paths, or draw them by importance sampling"
    raise ArgumentError("paths", rule, f"{n:,}, with {events:.3g} expected", remedy)


def probability_interval(
    hits: npt.NDArray[np.bool_], weights: Floats | None, *, coverage: float
) -> tuple[float, float, float]:
    """Return a probability with Clopper and Pearson's interval.

    Parameters
    ----------
    hits : ndarray of bool, shape (n_paths,)
        Paths with the event.
    weights : ndarray, shape (n_paths,), or None
        Likelihood ratios. The interval then counts as many equally likely paths as have the same variance.
    coverage : float
        At least reached by equally likely paths, fraction.

    Returns
    -------
    tuple of float
        Probability, low, high.

    Examples
    --------
    >>> [round(x, 4) for x in probability_interval(np.arange(1000) < 10, None, coverage=0.95)]
    [0.01, 0.0048, 0.0183]
    """
    n = float(len(hits))
    marked = hits.astype(np.float64) if weights is None else hits * weights
    p = min(float(marked.mean()), 1.0)
    if weights is not None and 0.0 < p < 1.0:
        variance = float(marked.var())
        n = n * p * (1.0 - p) / variance if variance > 0.0 else n
    return p, *exact_interval(n * p, n, coverage=coverage)
