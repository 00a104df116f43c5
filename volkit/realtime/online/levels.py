"""Calibrators that move the level at which a law or past scores are read: ACI and DtACI."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from volkit.checks import check_fraction, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels
from volkit.realtime.online.calibrator import KERNELS, OnlineCalibrator
from volkit.realtime.online.curve import LevelCurve

__all__ = ["AdaptiveConformal", "DynamicallyTunedAdaptiveConformal"]

Floats = npt.NDArray[np.float64]
# The published experts are for a target of 0.1; a level must not cross a smaller target in one step either.
_GAMMAS, _THEIR_TARGET = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128), 0.1
# Share of the target that one score moves the level of a single expert by.
_GAMMA = 0.2
# Scores over which the weights are tuned to have least regret, as published.
_INTERVAL = 500


@dataclass(kw_only=True, eq=False, repr=False, slots=True)
class _OnLevels(OnlineCalibrator):
    """What both rules on levels share: where a level's multiplier is read.

    Attributes
    ----------
    curve : LevelCurve, optional
        Multiplier of each level by a law: the model's own, scaled to 1 at its confidence.
    past_scores : array_like, shape (n,), optional
        Scores before the first one to come, the latest last, no NaN. Their number is the window of the empirical
        quantile: each new score takes the place of the oldest.
    """

    curve: LevelCurve | None = None
    past_scores: npt.ArrayLike | None = None
    kernel: ClassVar[str] = "level"

    @property
    def level(self) -> float:
        """Level of the next multiplier: an exceedance probability, at or below 0 when only `largest` will do."""
        return float(self._head[load_kernels(KERNELS).LEVEL])

    def _check(self) -> None:
        if (self.curve is None) == (self.past_scores is None):
            got = "neither" if self.curve is None else "both"
            remedy = "pass curve=LevelCurve.student_t(...), the model's law, or past_scores"
            raise ArgumentError("curve and past_scores", "must be one of the two", got, remedy)
        if self.past_scores is not None:
            self.past_scores = _checked_past(self.past_scores, self.target)

    def _prepare(self, k: Any) -> None:
        gammas = np.atleast_1d(np.asarray(self._gammas(), dtype=np.float64))
        n = len(gammas)
        self._experts = np.array([np.full(n, self.target), np.full(n, 1.0 / n), np.zeros(n), gammas])
        self._settings[k.FLOOR_LEVEL] = np.inf
        if self.curve is not None:
            self._curve = np.array([self.curve.levels, self.curve.multipliers])
            if not self.may_shrink and self._curve[1, -1] < 1.0:
                self._settings[k.FLOOR_LEVEL] = self._curve[0, np.argmax(self._curve[1] < 1.0)]
        else:
            past = np.asarray(self.past_scores, dtype=np.float64)
            self._history = np.array([past, np.sort(past)])
        self._head[k.LEVEL] = self.target
        wanted = max(k.level_multiplier(self._curve, self._history, self.target), self._settings[k.FLOOR])
        self._head[k.CHARGED] = wanted
        self._head[k.MULTIPLIER] = min(max(wanted, 0.0), self.largest)

    def _gammas(self) -> Sequence[float]:
        raise NotImplementedError


@dataclass(kw_only=True, eq=False, repr=False, slots=True)
class AdaptiveConformal(_OnLevels):
    """Adaptive conformal inference (ACI): level + gamma (target - 1[s > q]), read off a law or past scores.

    Attributes
    ----------
    gamma : float, optional
        How far an exceedance moves the level, as probability per score; by default a fifth of the target: five
        exceedances in a row take the level to 0 and the multiplier to `largest`.
    curve, past_scores
        One of the two. A `LevelCurve` is the model's own law, scaled to 1 at its confidence. Past scores, at least
        1 / target of them, the latest last and no NaN, are an empirical law whose window moves with every score.
    confidence, may_shrink, largest, largest_rise, largest_fall, asset
        See `OnlineCalibrator`.

    Notes
    -----
    The rate of any n scores lies within (max(level, 1 - level) + gamma) / (n gamma) of the target [1]_. From above the
    recursion says far more, because the level starts near 0: (level + gamma (1 - target)) / (n gamma), and this side
    stays when the multiplier is held at 1 (the level then stops rising) or falls slowly. On the simulated histories of
    `QuantileTracker` the default gamma never had too many exceedances either, at a mean multiplier of 1.32; but a level
    near 0 asks for a far tail, and one score in a hundred met a multiplier above 4. Track the quantile where capital
    matters.

    References
    ----------
    .. [1] Gibbs, I. and Candes, E. (2021), Adaptive conformal inference under distribution shift, NeurIPS 34,
       proposition 4.1.

    Examples
    --------
    >>> law = LevelCurve.student_t(confidence=0.99, degrees_of_freedom=4)
    >>> aci = AdaptiveConformal(confidence=0.99, gamma=0.005, curve=law)
    >>> aci.update(1.4)
    >>> round(aci.level, 5), round(aci.multiplier, 3)
    (0.00505, 1.225)
    >>> print(aci.guarantee(1000).words)
    At most 1.20 % exceedances in 1,000 scores (target 1.00 %); holds for any scores up to 10; no bound from below: \
the multiplier is held at 1 (may_shrink=False).
    """

    gamma: float | None = None

    def _check(self) -> None:
        if self.gamma is not None:
            check_positive(self.gamma, argument="gamma", unit="probability per score")
        super(AdaptiveConformal, self)._check()

    def _gammas(self) -> Sequence[float]:
        return (self._gamma,)

    @property
    def _gamma(self) -> float:
        return _GAMMA * self.target if self.gamma is None else self.gamma

    def _above(self, n: int, low: float, high: float) -> float | None:  # noqa: ARG002
        room = max(self.level + self._gamma * (1.0 - self.target), 0.0)
        return room / (self._gamma * n) if self._holds_above else None

    def _below(self, n: int, low: float, high: float) -> float | None:  # noqa: ARG002
        room = max(1.0 - self.level + self._gamma * self.target, 0.0)
        return room / (self._gamma * n) if self._holds_below else None

    def _published(self, n: int, low: float, high: float) -> float:  # noqa: ARG002
        return (max(self.level, 1.0 - self.level) + self._gamma) / (n * self._gamma)

    def _source(self) -> str:
        return "Gibbs and Candes 2021, proposition 4.1"


@dataclass(kw_only=True, eq=False, repr=False, slots=True)
class DynamicallyTunedAdaptiveConformal(_OnLevels):
    """Dynamically tuned ACI (DtACI): experts with a gamma each, weighted by their past losses.

    Attributes
    ----------
    gammas : sequence of float, optional
        One an expert, probability per score; by default the eight published ones times target / 0.1, the target for
        which they were chosen.
    sigma : float
        Share of the weights that is spread evenly at every score, from 0 to 1.
    eta : float, optional
        Rate at which losses cost weight; by default the published one of least regret over 500 scores, which grows as
        losses shrink with the target: 2.72 at 0.1, 49 at 0.005.
    curve, past_scores
        See `AdaptiveConformal`.
    confidence, may_shrink, largest, largest_rise, largest_fall, asset
        See `OnlineCalibrator`.

    Notes
    -----
    The level is the weighted mean of the experts' levels [1]_, the deterministic form of the method. For fixed eta and
    sigma no bound holds for every sequence: the paper's is on the expectation over a randomly drawn expert, with eta
    and sigma that vanish. `guarantee` says so.

    References
    ----------
    .. [1] Gibbs, I. and Candes, E. (2022), Conformal inference for online prediction with arbitrary distribution
       shifts, algorithm 1 (DtACI).

    Examples
    --------
    >>> law = LevelCurve.student_t(confidence=0.99, degrees_of_freedom=4)
    >>> tuned = DynamicallyTunedAdaptiveConformal(confidence=0.99, curve=law)
    >>> tuned.update(1.4)
    >>> round(tuned.level, 6), round(tuned.multiplier, 4)
    (0.006844, 1.1211)
    """

    gammas: tuple[float, ...] | None = None
    sigma: float = 0.001
    eta: float | None = None

    def _check(self) -> None:
        if self.gammas is not None:
            if not len(self.gammas):
                raise ArgumentError("gammas", "must name at least one expert", "none", "pass for example (0.001, 0.01)")
            self.gammas = tuple(check_positive(g, argument="gammas", unit="probability per score") for g in self.gammas)
        check_fraction(self.sigma, argument="sigma")
        if self.eta is not None:
            check_positive(self.eta, argument="eta", unit="no unit")
        super(DynamicallyTunedAdaptiveConformal, self)._check()

    @property
    def weights(self) -> Floats:
        """Weights of the experts, shape (n_experts,), which sum to 1."""
        return np.array(self._experts[1])

    def _gammas(self) -> Sequence[float]:
        return [g * self.target / _THEIR_TARGET for g in _GAMMAS] if self.gammas is None else self.gammas

    @property
    def _eta(self) -> float:
        if self.eta is not None:
            return self.eta
        regret = log(2.0 * _INTERVAL * len(self._gammas())) + 1.0
        return sqrt(3.0 / _INTERVAL * regret) / (self.target * (1.0 - self.target))

    def _prepare(self, k: Any) -> None:
        super(DynamicallyTunedAdaptiveConformal, self)._prepare(k)
        self._settings[[k.SIGMA, k.ETA]] = self.sigma, self._eta

    def _above(self, n: int, low: float, high: float) -> float | None:  # noqa: ARG002
        return None

    def _below(self, n: int, low: float, high: float) -> float | None:  # noqa: ARG002
        return None

    def _published(self, n: int, low: float, high: float) -> float | None:  # noqa: ARG002
        return None

    def _lost(self) -> tuple[str, ...]:
        return ("fixed eta and sigma: the published bound is on a randomly drawn expert, with both vanishing",)

    def _source(self) -> str:
        return "Gibbs and Candes 2022"


def _checked_past(past_scores: npt.ArrayLike, target: float) -> Floats:
    past = np.array(past_scores, dtype=np.float64)
    needed = ceil(1.0 / target - 1e-9)
    if past.ndim != 1 or len(past) < needed:
        remedy = "pass more past scores, or curve=LevelCurve.student_t(...)"
        rule = f"must be a line of at least {needed} scores, fewer have no quantile at a rate of {target:g}"
        raise DataError("past_scores", rule, f"shape {past.shape}", remedy)
    if not np.isfinite(past).all():
        n_bad = int((~np.isfinite(past)).sum())
        raise DataError("past_scores", "must be finite", f"{n_bad} missing or infinite", "drop periods without a trade")
    past.flags.writeable = False
    return past
