"""Reference methods of option formulas that volkit answers."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from conformance_series import Case

from volkit.options.black76 import black76_price

__all__ = ["OPTION_METHODS"]


def black76(case: Case) -> dict[str, list[float]]:
    """Return undiscounted prices of cases (forward, strike, years as a fraction, volatility, C or P)."""
    prices = [
        float(black76_price(forward, strike, float(Fraction(years)), volatility, side == "C"))
        for forward, strike, years, volatility, side in case.inputs["cases"]
    ]
    return {"prices": prices}


OPTION_METHODS: dict[str, Callable[[Case], Any]] = {"black76": black76}
