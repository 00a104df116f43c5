"""Compile the kernels of this package."""

from dataclasses import replace

from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.contagion.cascade.engine import cascade_paths, run_cascade
from volkit.contagion.cascade.settings import DynamicMargin, Venue
from volkit.impact.laws import LinearImpact

__all__ = ["compile_cascade"]


def compile_cascade() -> None:
    """Run one shock and one path through both engines.

    Examples
    --------
    >>> compile_cascade()
    """
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1_000.0, leverage=[10.0, 20.0], side=["long", "short"], maintenance_rate=0.005
    )
    calm = Venue(price=100.0, impact=LinearImpact(1e-4), volatility=0.01)
    for venue in (calm, replace(calm, dynamic_margin=DynamicMargin())):
        run_cascade(book, venue, shock=-0.1)
        cascade_paths(book, venue, [[0.9, 1.1]])
