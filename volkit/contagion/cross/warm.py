"""Compile the kernels of this package."""

import pandas as pd

from volkit.contagion.cross.accounts import CrossAccounts
from volkit.contagion.cross.engine import cross_cascade, cross_cascade_scenarios
from volkit.contagion.cross.venue import CrossVenue
from volkit.impact.laws import LinearImpact

__all__ = ["compile_cross"]


def compile_cross() -> None:
    """Liquidate one account, once and in scenarios.

    Examples
    --------
    >>> compile_cross()
    """
    price = pd.Series({"BTC": 100.0})
    quantity = pd.DataFrame({"BTC": [1.0]}, index=["A"])
    accounts = CrossAccounts.from_leverage(quantity, leverage=10.0, price=price, maintenance_rate=0.02)
    venue = CrossVenue(impact={"BTC": LinearImpact(0.01)})
    shock = pd.Series({"BTC": -0.2})
    cross_cascade(accounts, venue, shock)
    cross_cascade_scenarios(accounts, venue, shock.to_frame().T)
