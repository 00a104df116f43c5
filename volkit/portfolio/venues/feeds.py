"""What a venue knows beside prices: how far it trusts them, and what its settlement coin is worth."""

from dataclasses import dataclass

from volkit.checks import check_fraction, check_positive

__all__ = ["Feeds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """State of a venue's feeds; as they should be, by default.

    Attributes
    ----------
    stable_price : float
        Of the settlement coin, USD.
    confidence : float
        Of every price, 0 to 1.

    Raises
    ------
    ArgumentError
        For a price that is not positive, or a confidence that is no fraction.

    Examples
    --------
    >>> Feeds(stable_price=0.95).stable_price
    0.95
    """

    stable_price: float = 1.0
    confidence: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self.stable_price, argument="stable_price", unit="USD")
        check_fraction(self.confidence, argument="confidence")
