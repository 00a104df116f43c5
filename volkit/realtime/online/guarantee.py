"""What a calibrator promises about any sequence of scores, and when the promise is empty."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from volkit.formatting import percent_to
from volkit.results import ResultDisplay

__all__ = ["Guarantee", "length_for"]

_LONGEST = 10**12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Guarantee(ResultDisplay):
    """How far the exceedance rate can lie from its target over the next scores, whatever they are.

    Attributes
    ----------
    n : int
        Scores ahead, missing ones not counted.
    target : float
        Exceedance rate aimed at, decimal.
    above : float or None
        Most that the rate can exceed the target by, decimal; None where no bound holds.
    below : float or None
        Most that it can fall short by, decimal; None where no bound holds.
    published : float or None
        The two-sided bound as printed in the source, decimal: never below the larger of the two above.
    needed, needed_published : int or None
        Scores from which on `above`, and `published`, lie below the target; None where no bound holds.
    condition : str
        What must be true of the scores.
    lost : tuple of str
        Why a side is lost, one reason each.
    source : str
        Where the bound is proven.
    """

    n: int
    target: float
    above: float | None
    below: float | None
    published: float | None
    needed: int | None
    needed_published: int | None
    condition: str
    lost: tuple[str, ...]
    source: str

    @property
    def sides(self) -> str:
        """Which side is bounded: ``both``, ``above``, ``below`` or ``none``."""
        if self.above is None:
            return "none" if self.below is None else "below"
        return "above" if self.below is None else "both"

    @property
    def largest_rate(self) -> float:
        """Largest exceedance rate that the bound leaves, decimal, at most 1."""
        return 1.0 if self.above is None else min(self.target + self.above, 1.0)

    @property
    def smallest_rate(self) -> float:
        """Smallest exceedance rate that the bound leaves, decimal, at least 0."""
        return 0.0 if self.below is None else max(self.target - self.below, 0.0)

    @property
    def is_empty(self) -> bool:
        """Whether the bound above is none or not below the target, so that twice the target stays possible."""
        return self.above is None or self.above >= self.target

    @property
    def words(self) -> str:
        """The promise in plain words, with its condition and what it does not cover."""
        if self.above is None:
            first = f"No bound on exceedances in {self.n:,} scores"
        else:
            first = (
                f"At most {percent_to(self.largest_rate, 2)} exceedances in {self.n:,} scores (target "
                f"{percent_to(self.target, 2)})"
            )
        parts = [first + self._emptiness()]
        if self.below is not None:
            least = f"at least {percent_to(self.smallest_rate, 2)}"
            parts.append(least if self.smallest_rate > 0.0 else "from below the bound says nothing yet")
        if self.above is not None or self.below is not None:
            parts.append(f"holds {self.condition}")
        if self.published is not None and self.published >= self.target:
            two_sided = f"the published two-sided bound, {percent_to(self.published, 2)} around the target"
            parts.append(f"{two_sided}, is empty before {self.needed_published:,} scores")
        return "; ".join([*parts, *self.lost]) + "."

    @property
    def headline(self) -> str:
        """The first part of the words."""
        return self.words.partition(";")[0].rstrip(".")

    def summary(self) -> pd.DataFrame:
        """Return the rates the bound leaves beside the target (decimal), one row a side, and the published distance."""
        rows = {
            "exceedance rate, at most (decimal)": (self.largest_rate, self.above is not None),
            "exceedance rate, at least (decimal)": (self.smallest_rate, self.below is not None),
            "distance from the target, as published (decimal)": (self.published, self.published is not None),
        }
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=["bound", "is_bounded"])
        return frame.assign(target=self.target)

    def to_frame(self) -> pd.DataFrame:
        """Return one row: length, target, both gaps and the published bound (decimals)."""
        row = {"n": self.n, "target": self.target, "above": self.above, "below": self.below}
        return pd.DataFrame(
            [row | {"published": self.published, "needed": self.needed, "needed_published": self.needed_published}]
        )

    def _emptiness(self) -> str:
        if self.above is None or self.needed is None or not self.is_empty:
            return ""
        says = "says nothing" if self.target + self.above >= 1.0 else "is empty: not below twice the target"
        return f", which {says} before {self.needed:,} scores"


def length_for(bound: Callable[[int], float], target: float) -> int:
    """Return the fewest scores from which a bound lies below the target, for a bound that falls with length.

    Examples
    --------
    >>> length_for(lambda n: 2.0 / n, 0.005)
    401
    """
    high = 1
    while bound(high) >= target and high < _LONGEST:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if bound(middle) < target else (middle, high)
    return high
