"""The one market that all sell into, and paths of shocks to its prices."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_fraction, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.impact.law import ImpactLaw

__all__ = ["CollateralMarket", "crash_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralMarket:
    """Prices and depth of every collateral.

    Attributes
    ----------
    prices : mapping of float
        USD per coin by asset, positive; what the first reports say.
    laws : mapping of ImpactLaw
        By asset, from `volkit.impact.laws`.
    decay : float
        Share of the coins sold that still weighs on the price a step later, 0 to 1; 1 for impact that stays.
    permanent_share : float
        Share of the move that, when the rest decays, stays in the reference price, 0 to 1.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> CollateralMarket(prices={"ETH": 3_000.0}, laws={"ETH": LinearImpact(1e-5)}, decay=0.9).assets
    ('ETH',)
    """

    prices: Mapping[str, float]
    laws: Mapping[str, ImpactLaw]
    decay: float = 0.0
    permanent_share: float = 0.0
    assets: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, price in self.prices.items():
            check_positive(price, argument=f"prices of {name}", unit="USD per coin")
            if name not in self.laws:
                raise DataError("laws", "must name every asset that has a price", f"nothing for {name}", "add its law")
        check_fraction(self.decay, argument="decay")
        check_fraction(self.permanent_share, argument="permanent_share")
        object.__setattr__(self, "assets", tuple(self.prices))


def crash_path(
    falls: Mapping[str, float],
    *,
    n_steps: int,
    crash_steps: int,
    volatility: float = 0.0,
    rng: np.random.Generator | None = None,
) -> pd.DataFrame:
    """Return returns of a fall spread evenly over the first steps, with or without noise around it.

    Parameters
    ----------
    falls : mapping of float
        By asset: fall of the price over the crash (decimal, 0.4 for 40 %), below 1; negative for a rise.
    n_steps : int
        Length of the path.
    crash_steps : int
        Steps of the fall, at most `n_steps`; none later.
    volatility : float
        Of a log return common to all assets that comes on top in every step, decimal per step.
    rng : Generator, optional
        Draws it; needed with a volatility.

    Returns
    -------
    DataFrame, shape (n_steps, n_assets)
        Simple returns, decimal, index step from 1.

    Raises
    ------
    ArgumentError
        For a fall of 1 or more, a crash longer than the path, a volatility without generator.

    Examples
    --------
    >>> crash_path({"ETH": 0.19}, n_steps=3, crash_steps=2)["ETH"].round(3).tolist()
    [-0.1, -0.1, 0.0]
    """
    steps = check_count(n_steps, argument="n_steps", unit="steps")
    length = check_count(crash_steps, argument="crash_steps", unit="steps")
    if length > steps:
        raise ArgumentError("crash_steps", "must be at most n_steps", f"{length} of {steps}", "lengthen the path")
    for name, fall in falls.items():
        if not (np.isfinite(fall) and fall < 1.0):
            raise ArgumentError("falls", "must be below 1", f"{fall!r} for {name}", "pass 0.4 for 40 %")
    moves = np.zeros((steps, len(falls)))
    moves[:length] = np.log1p(-np.array(list(falls.values()))) / length
    if volatility:
        if rng is None:
            got, remedy = "no generator", "pass rng=np.random.default_rng(1)"
            raise ArgumentError("rng", "must be given with a volatility", got, remedy)
        sigma = check_positive(volatility, argument="volatility", unit="decimal per step")
        moves += sigma * rng.standard_normal((steps, 1))
    return pd.DataFrame(np.expm1(moves), index=pd.RangeIndex(1, steps + 1, name="step"), columns=list(falls))
