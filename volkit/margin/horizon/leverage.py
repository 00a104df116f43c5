"""The largest leverage at which a margin call or a liquidation has a given probability."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, real_number
from volkit.conventions import Side
from volkit.errors import ArgumentError
from volkit.margin.horizon.clock import Horizon
from volkit.margin.horizon.contracts import Contract, check_contract
from volkit.margin.horizon.touch import read_passage, touch_move
from volkit.results import ResultDisplay

__all__ = ["LargestLeverage", "largest_leverage"]

Event = Literal["liquidation", "call"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LargestLeverage(ResultDisplay):
    """The leverage at which an event has the probability asked for.

    Attributes
    ----------
    leverage : float
        Notional over collateral at entry; infinite where even a position without collateral beyond the margin rate
        is safe enough.
    probability : float
        Of the event within the horizon.
    event : {"liquidation", "call"}
        What the margin rate stands for.
    margin_rate : float
        Fraction of the notional at the touched price at which the event happens.
    price_ratio : float
        Price of the event over the entry price.
    side, contract : str
        Of the position.
    horizon : Horizon
        Periods and their length.
    monitoring : Timedelta or None
        Time between two looks; None for continuous watch.
    """

    leverage: float
    probability: float
    event: Event
    margin_rate: float
    price_ratio: float
    side: Side
    contract: Contract
    horizon: Horizon
    monitoring: pd.Timedelta | None

    @property
    def headline(self) -> str:
        """Leverage, event, probability and horizon in one line."""
        return (
            f"{self.leverage:.3g}x, {self.contract} {self.side}: {self.event} with probability {self.probability:.4g} "
            f"within {self.horizon}"
        )

    def summary(self) -> pd.DataFrame:
        """Return leverage (times), initial margin and price of the event by what was asked."""
        values = {
            "leverage (times)": self.leverage,
            "initial margin (fraction of the notional)": 1.0 / self.leverage,
            f"price of the {self.event} / entry price": self.price_ratio,
            f"{self.event} probability": self.probability,
        }
        return pd.DataFrame({"value": values})

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def largest_leverage(
    probability: float,
    *,
    side: Side,
    margin_rate: float,
    volatility: float,
    horizon: int | pd.Timedelta,
    interval: pd.Timedelta,
    event: Event = "liquidation",
    drift: float = 0.0,
    contract: Contract = "linear",
    monitoring: pd.Timedelta | None = None,
) -> LargestLeverage:
    """Return the leverage at entry whose call or liquidation has the probability within a horizon.

    Parameters
    ----------
    probability : float
        Of the event at any time within the horizon, from above 0 to below 1.
    side : {"long", "short"}
        Side of the position.
    margin_rate : float
        Fraction of the notional, from 0 to below 1, at which the event happens: the maintenance margin rate for a
        liquidation, the rate below which the venue or broker calls for a call, 0 for bankruptcy.
    volatility, horizon, interval, drift, monitoring
        As in `touch_probability`.
    event : {"liquidation", "call"}
        Name of what happens.
    contract : {"linear", "inverse"}
        Collateral in the quote currency or in the coin.

    Returns
    -------
    LargestLeverage
        A position with it has its event at `price_ratio`.

    Raises
    ------
    ArgumentError
        As `touch_margin`, and for a rate outside 0 to 1 or an unknown event.

    Notes
    -----
    With R the price ratio that is touched with the probability, r the rate and s = +1 long, -1 short, equity equals
    the margin at R when 1/L = s + R (r - s) (linear) and 1/L = (r + s)/R - s (inverse): `liquidation_price` and
    `inverse_liquidation_price` solved for the collateral, first tier. Slippage and fees are not in it.

    Examples
    --------
    >>> terms = {"volatility": 0.04, "horizon": 1, "interval": pd.Timedelta("1D")}
    >>> largest_leverage(0.01, side="long", margin_rate=0.005, **terms)
    <LargestLeverage: 9.7x, linear long: liquidation with probability 0.01 within 1 period of 1 d>
    """
    check_contract(side, contract)
    check_choice(event, argument="event", choices=("liquidation", "call"))
    r = real_number(margin_rate, argument="margin_rate")
    if not 0.0 <= r < 1.0:
        remedy = f"pass a decimal: margin_rate={r / 100:g}" if 1.0 <= r < 100.0 else "pass a decimal fraction"
        raise ArgumentError("margin_rate", "must be a fraction from 0 to below 1", f"{margin_rate!r}", remedy)
    market = {"volatility": volatility, "horizon": horizon, "interval": interval, "drift": drift}
    move = touch_move(probability, side=side, monitoring=monitoring, **market)
    over, _ = read_passage(side=side, monitoring=monitoring, **market)
    R, s = float(np.exp(move)), 1.0 if side == "long" else -1.0
    collateral = s + R * (r - s) if contract == "linear" else (r + s) / R - s
    return LargestLeverage(
        leverage=1.0 / collateral,
        probability=float(probability),
        event=event,
        margin_rate=r,
        price_ratio=R,
        side=side,
        contract=contract,
        horizon=over,
        monitoring=monitoring,
    )
