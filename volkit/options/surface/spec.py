"""How a surface is fitted: which smile, to which volatilities, with which limits."""

from dataclasses import dataclass
from typing import Literal

from volkit.checks import check_choice

__all__ = ["SurfaceSpec"]

Limit = Literal["report", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceSpec:
    """Choices behind a `VolatilitySurface`.

    Parameters
    ----------
    model : {"svi_spline", "svi"}
        An SVI curve an expiry with a smooth factor on it, or the curve alone.
    target : {"mark", "mid"}
        What to meet: the venue's own volatility (`implied_volatility` where the book has it, else that of the mark,
        else that of the mid), or that of the mid.
    quotes : {"two_sided", "all"}
        Which quotes to use; the others count as skipped. Quotes without two sides weigh as if their half-spread were a
        twentieth of their volatility.
    limits : {"report", "refuse"}
        Whether arbitrage is only reported, or kept out of every smile and from one expiry to the next.
    detail : {"strikes", "smooth"}, optional
        How the factor is made: with a knot at every strike, to meet the target strike by strike (the default for marks
        whose arbitrage is only reported), or on at most 16 knots, as rough as leaves density non-negative between the
        quotes (the default otherwise). By strikes the marks of a venue are met so nearly that Greeks agree as well, but
        what arbitrage they have between neighbouring strikes is met too, and reported.

    Raises
    ------
    ArgumentError
        For an unknown choice.

    Examples
    --------
    >>> SurfaceSpec(model="svi").target
    'mark'
    """

    model: Literal["svi_spline", "svi"] = "svi_spline"
    target: Literal["mark", "mid"] = "mark"
    quotes: Literal["two_sided", "all"] = "two_sided"
    limits: Limit = "report"
    detail: Literal["smooth", "strikes"] | None = None

    def __post_init__(self) -> None:
        check_choice(self.model, argument="model", choices=("svi_spline", "svi"))
        check_choice(self.target, argument="target", choices=("mark", "mid"))
        check_choice(self.quotes, argument="quotes", choices=("two_sided", "all"))
        check_choice(self.limits, argument="limits", choices=("report", "refuse"))
        if self.detail is None:
            # Margins revalue a book at its marks: meeting them comes first, and the report says what they contain.
            by_strike = self.target == "mark" and self.limits == "report"
            object.__setattr__(self, "detail", "strikes" if by_strike else "smooth")
        check_choice(str(self.detail), argument="detail", choices=("smooth", "strikes"))

    @property
    def least_smoothing(self) -> float:
        """Where the search for the smoothing begins: a mid carries the noise of its quotes, a mark hardly any."""
        return 0.1 if self.target == "mid" else 1e-3
