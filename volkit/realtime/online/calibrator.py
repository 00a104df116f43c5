"""What the online calibrators share: a multiplier, one score at a time, counts, limits, and a state to keep."""

import copy
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from volkit.checks import check_confidence, check_count, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.kernels import load_kernels
from volkit.realtime.online.guarantee import Guarantee, length_for
from volkit.realtime.online.state_files import read_state, write_state

__all__ = ["KERNELS", "OnlineCalibrator"]

KERNELS = "volkit.realtime.online._kernels"
Floats = npt.NDArray[np.float64]

HELD_UP = "no bound from below: the multiplier is held at 1 (may_shrink=False)"
CAPPED_FALL = "no bound from below: largest_fall lets the multiplier fall less than the rule asks"
CAPPED_RISE = "no bound from above: largest_rise lets the multiplier rise less than the rule asks"


@dataclass(kw_only=True, eq=False, repr=False, slots=True)
class OnlineCalibrator:
    """Base of the online calibrators: a multiplier of the model's margin, repaired by the scores that it meets.

    A score is loss over the model's margin, before the multiplier: an exceedance is a score above the multiplier. NaN
    (no trade, a missing bar) changes nothing and is counted. The multiplier in force is known before its score.

    Attributes
    ----------
    confidence : float
        Coverage aimed at, from 0.5; the target exceedance rate is 1 - confidence.
    may_shrink : bool
        Whether the multiplier may fall below 1, so that the margin charged lies below the model's.
    largest : float
        Largest multiplier. Scores above it are exceedances that no rule here prevents.
    largest_rise, largest_fall : float, optional
        Most that the multiplier moves per score, in multiplier points (0.1 is a tenth of the model's margin); None for
        no limit. A limit on rises costs the bound from above.
    asset : str
        Whose scores these are; a saved state says it and is refused for another.
    """

    confidence: float
    may_shrink: bool = False
    largest: float = 10.0
    largest_rise: float | None = None
    largest_fall: float | None = None
    asset: str = ""
    _settings: Floats = field(init=False)
    _curve: Floats = field(init=False)
    _head: Floats = field(init=False)
    _experts: Floats = field(init=False)
    _history: Floats = field(init=False)
    _step_kernel: Any = field(init=False)

    kernel: ClassVar[str]

    def __post_init__(self) -> None:
        check_confidence(self.confidence)
        check_positive(self.largest, argument="largest", unit="multiplier")
        if self.largest < 1.0 and not self.may_shrink:
            got, remedy = repr(self.largest), "raise it, or pass may_shrink=True"
            raise ArgumentError("largest", "must be at least 1", got, remedy)
        for name in ("largest_rise", "largest_fall"):
            if getattr(self, name) is not None:
                check_positive(getattr(self, name), argument=name, unit="multiplier points per score")
        self._check()
        self._step_kernel = getattr(load_kernels(KERNELS), f"{self.kernel}_step")
        self.reset()

    @property
    def target(self) -> float:
        """Exceedance rate aimed at, decimal."""
        return 1.0 - self.confidence

    @property
    def multiplier(self) -> float:
        """What the next margin of the model is multiplied by."""
        return float(self._head[load_kernels(KERNELS).MULTIPLIER])

    @property
    def n_updates(self) -> int:
        """Scores taken, missing ones not counted."""
        return int(self._head[load_kernels(KERNELS).N_TAKEN])

    @property
    def n_exceedances(self) -> int:
        """Scores above the multiplier that they met."""
        return int(self._head[load_kernels(KERNELS).EXCEEDED])

    @property
    def n_skipped(self) -> int:
        """Missing scores, which changed nothing."""
        return int(self._head[load_kernels(KERNELS).SKIPPED])

    def update(self, score: float) -> None:
        """Take one score: loss over the model's margin, without unit; NaN is counted and changes nothing.

        Raises
        ------
        DataError
            For an infinite score: a margin of zero has no multiple that covers a loss.
        """
        score = float(score)
        if score in (np.inf, -np.inf):
            remedy = "a margin of zero has no score: pass NaN for the period and look at the model"
            raise DataError("score", "must be finite, or NaN for a period without one", repr(score), remedy)
        self._step_kernel(self._settings, self._curve, self._head, self._experts, self._history, score)

    def reset(self) -> None:
        """Go back to the start, as if no score had been taken."""
        k = load_kernels(KERNELS)
        self._settings = np.zeros(k.N_SETTINGS)
        self._settings[k.TARGET] = self.target
        self._settings[k.FLOOR] = -np.inf if self.may_shrink else 1.0
        self._settings[k.LARGEST] = self.largest
        self._settings[k.RISE] = np.inf if self.largest_rise is None else self.largest_rise
        self._settings[k.FALL] = np.inf if self.largest_fall is None else self.largest_fall
        self._curve, self._history, self._experts = np.zeros((2, 0)), np.zeros((2, 0)), np.zeros((4, 0))
        self._head = np.zeros(k.N_HEAD)
        self._head[k.LEVEL] = np.nan
        self._prepare(k)

    def copy(self) -> Self:
        """Return a calibrator of its own with the same state."""
        other = copy.copy(self)
        for name in ("_head", "_experts", "_history"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def guarantee(self, n: int, *, scores_within: tuple[float, float] | None = None) -> Guarantee:
        """Return how far the exceedance rate of the next scores can lie from the target, whatever they are.

        Parameters
        ----------
        n : int
            Scores ahead, missing ones not counted.
        scores_within : tuple of float, optional
            Lowest and highest score to come; by default from 0 to `largest`.

        Returns
        -------
        Guarantee
            From the present state.

        Raises
        ------
        ArgumentError
            For fewer than one score, or a range that is none or goes beyond `largest`.
        """
        count = check_count(n, argument="n", unit="scores")
        low, high = (0.0, self.largest) if scores_within is None else map(float, scores_within)
        if not low <= high <= self.largest:
            got, remedy = (
                f"{low:g} to {high:g}",
                f"scores above {self.largest:g} are covered by no bound: count them apart",
            )
            raise ArgumentError("scores_within", f"must be a range up to largest={self.largest:g}", got, remedy)
        above, below = self._above(count, low, high), self._below(count, low, high)
        published = None if above is None or below is None else self._published(count, low, high)
        return Guarantee(
            n=count,
            target=self.target,
            above=above,
            below=below,
            published=published,
            needed=None if above is None else self._needed(self._above, low, high),
            needed_published=None if published is None else self._needed(self._published, low, high),
            condition=self._condition(low, high),
            lost=self._lost(),
            source=self._source(),
        )

    def save(self, path: str | Path) -> None:
        """Write settings and state as JSON with version, asset and hash; the file is replaced in one step."""
        write_state(path, self)

    @classmethod
    def load(cls, path: str | Path, *, asset: str) -> Self:
        """Return the calibrator that `save` wrote, which goes on with the same bits.

        Raises
        ------
        DataError
            For a file of another version, kind or asset, or one that was changed since it was written.
        """
        return read_state(path, {cls.__name__: cls}, asset=asset)

    def __repr__(self) -> str:
        counts = f"{self.n_exceedances} exceedances in {self.n_updates:,} scores"
        skipped = f", {self.n_skipped:,} skipped" if self.n_skipped else ""
        return (
            f"<{type(self).__name__}: {self.asset or 'no asset'}, multiplier {self.multiplier:.4g}, {counts}{skipped}>"
        )

    def _needed(self, bound: Callable[[int, float, float], float | None], low: float, high: float) -> int:
        return length_for(lambda n: bound(n, low, high) or 0.0, self.target)

    @property
    def _holds_above(self) -> bool:
        return self.largest_rise is None

    @property
    def _holds_below(self) -> bool:
        return self.may_shrink and self.largest_fall is None

    def _lost(self) -> tuple[str, ...]:
        reasons = (
            (self._holds_above, CAPPED_RISE),
            (self.may_shrink, HELD_UP),
            (self.largest_fall is None, CAPPED_FALL),
        )
        return tuple(words for holds, words in reasons if not holds)

    def _condition(self, low: float, high: float) -> str:  # noqa: ARG002 (the rules on levels do not ask for the lowest)
        spared = ", none at or below 0 while the multiplier is 0" if self.may_shrink else ""
        return f"for any scores up to {high:g}{spared}"

    @abstractmethod
    def _check(self) -> None: ...

    @abstractmethod
    def _prepare(self, k: Any) -> None: ...

    @abstractmethod
    def _above(self, n: int, low: float, high: float) -> float | None: ...

    @abstractmethod
    def _below(self, n: int, low: float, high: float) -> float | None: ...

    @abstractmethod
    def _published(self, n: int, low: float, high: float) -> float | None: ...

    @abstractmethod
    def _source(self) -> str: ...
