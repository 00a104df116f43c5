"""What every law of price impact shares: its protocol, the methods that its kernels give, and its checks.

The state is the net number of coins sold since equilibrium. At x coins sold the middle is reference x exp(-g(x)), at x
coins bought reference x exp(g(x)), with g(0) = 0 and rising: g is the displacement. Half a spread or a fee does not
stand in it: it is paid in the direction of the trade, so that a sale is filled below the middle and a purchase above
it whatever was traded before, and a state that has decayed leaves the price at the reference.
"""

from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.kernels import load_kernels

__all__ = ["TRADES", "ImpactLaw", "KernelLaw", "Trade", "check_coins", "check_displacement", "impact_curve"]

Floats = npt.NDArray[np.float64]
Trade = Literal["sale", "purchase"]
TRADES: tuple[Trade, Trade] = ("sale", "purchase")
_KERNELS = "volkit.impact._kernels"


@runtime_checkable
class ImpactLaw(Protocol):
    """What a cascade asks of a law."""

    def displacement(self, coins: float) -> float:
        """Return abs(log(middle / reference)) after coins sold (positive) or bought (negative), without the spread."""
        ...

    def average_price(self, coins: float, start: float = 0.0) -> float:
        """Return the mean fill over the reference of coins traded from the state start on, spread or fee included."""
        ...

    def coins_for(self, displacement: float, *, trade: Trade = "sale") -> float:
        """Return how many coins move the log of the middle by a displacement."""
        ...

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code and the parameters that the kernels read."""
        ...


class KernelLaw:
    """The methods that follow from the kernels."""

    __slots__ = ()

    def kernel_form(self) -> tuple[int, Floats]:
        """Return the code and the parameters that the kernels read."""
        raise NotImplementedError

    def displacement(self, coins: float) -> float:
        """Return the displacement of the middle after a net trade from equilibrium, without half spread or fee.

        Parameters
        ----------
        coins : float
            Net number sold: positive for sales, negative for purchases.

        Returns
        -------
        float
            abs(log(middle / reference)), 0 or more.

        Raises
        ------
        ArgumentError
            For coins that are not finite.
        """
        x = check_coins(coins, "coins")
        return abs(float(load_kernels(_KERNELS).log_displacement(*self.kernel_form(), x)))

    def average_price(self, coins: float, start: float = 0.0) -> float:
        """Return the mean fill over the reference of a trade, half spread or fee included.

        Parameters
        ----------
        coins : float
            Traded: positive for sales, negative for purchases; 0 gives the middle.
        start : float
            State before it: net number of coins sold since equilibrium.

        Returns
        -------
        float
            1 is the reference price. The half spread or fee goes by the trade: below the middle for a sale, above it
            for a purchase, whatever the sign of start.

        Raises
        ------
        ArgumentError
            For coins or a start that are not finite.
        """
        x, before = check_coins(coins, "coins"), check_coins(start, "start")
        return float(load_kernels(_KERNELS).mean_fill(*self.kernel_form(), before, before + x))


def impact_curve(law: ImpactLaw, coins: npt.ArrayLike) -> pd.DataFrame:
    """Return displacement and mean cost over trades from equilibrium.

    Parameters
    ----------
    law : ImpactLaw
        Any of this module.
    coins : array-like, shape (n,)
        Positive for sales, negative for purchases; finite.

    Returns
    -------
    DataFrame, shape (n, 2)
        displacement (of the middle after the trade, log, without half spread or fee) and cost (of the mean fill, both
        included, fraction of the reference, 0 or more), index coins.

    Raises
    ------
    ArgumentError
        For coins that are not finite.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> impact_curve(LinearImpact(0.001), [0.0, 10.0]).round(6).to_numpy().tolist()
    [[0.0, 0.0], [0.01, 0.004983]]
    """
    sizes = np.atleast_1d(np.asarray(coins, dtype=np.float64))
    moved = [law.displacement(float(x)) for x in sizes]
    cost = [np.sign(x) * (1.0 - law.average_price(float(x))) if x else 0.0 for x in sizes]
    return pd.DataFrame({"displacement": moved, "cost": cost}, index=pd.Index(sizes, name="coins"))


def check_coins(coins: float, argument: str) -> float:
    """Return a finite number of coins of either sign.

    Raises
    ------
    ArgumentError
        When it is not finite.
    """
    x = float(coins)
    if not np.isfinite(x):
        raise ArgumentError(argument, "must be a finite number of coins", f"{coins!r}", "pass sales as positive")
    return x


def check_displacement(displacement: float, trade: str) -> float:
    """Return a finite displacement of at least 0, of a known trade.

    Raises
    ------
    ArgumentError
        When it is not, or for another trade.
    """
    check_choice(trade, argument="trade", choices=TRADES)
    g = float(displacement)
    if not 0.0 <= g < np.inf:
        raise ArgumentError(
            "displacement", "must be a finite log move of at least 0", f"{displacement!r}", "pass 0.02 for 2 %"
        )
    return g
