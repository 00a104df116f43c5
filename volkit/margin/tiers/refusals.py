"""Errors of tier tables that do not fit together, each with a name of its own."""

from volkit.errors import DataError

__all__ = ["FallingRateError", "TierAmountError", "TierGapError", "TierOverlapError"]


class TierGapError(DataError):
    """Tiers that leave some notional without a rate."""


class TierOverlapError(DataError):
    """Tiers that give some notional two rates."""


class FallingRateError(DataError):
    """Rates that fall as the notional rises: splitting a position would need more margin than the whole."""


class TierAmountError(DataError):
    """A venue's own deduction amounts that are not those of its rates and bounds."""
