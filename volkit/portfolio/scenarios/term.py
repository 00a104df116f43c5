"""Growth of shocks of volatility towards expiry."""

from dataclasses import dataclass

import numpy as np

from volkit.checks import check_positive
from volkit.errors import ArgumentError

__all__ = ["VolatilityTerm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityTerm:
    """How a relative shock of volatility, stated for `reference_days`, grows towards expiry.

    Attributes
    ----------
    short_power, long_power : float
        The shock counts (reference_days / max(days to expiry, floor_days)) to the power: the short one up to
        `reference_days`, the long one beyond.
    floor_days : float
        Expiries nearer than this are treated as this near.
    reference_days : float
        Days to expiry at which a shock counts as stated.

    Raises
    ------
    ArgumentError
        For days that are not positive, or negative powers.

    Examples
    --------
    >>> VolatilityTerm(short_power=0.3, long_power=0.13).factor(np.array([0.2, 1.0, 30.0, 90.0])).round(4)
    array([2.7742, 2.7742, 1.    , 0.8669])
    """

    short_power: float
    long_power: float
    floor_days: float = 1.0
    reference_days: float = 30.0

    def __post_init__(self) -> None:
        check_positive(self.floor_days, argument="floor_days", unit="days")
        check_positive(self.reference_days, argument="reference_days", unit="days")
        for name in ("short_power", "long_power"):
            power = getattr(self, name)
            if not (np.isfinite(power) and power >= 0.0):
                raise ArgumentError(name, "must be at least 0", f"{power}", "0 leaves shocks as they are")

    def factor(self, days: np.ndarray) -> np.ndarray:
        """Return the factor on a shock by days to expiry, same shape."""
        power = np.where(days <= self.reference_days, self.short_power, self.long_power)
        return np.asarray((self.reference_days / np.maximum(days, self.floor_days)) ** power)
