"""Liquidity velocity: the money a minute that a venue takes for ever without the price leaving a cap.

Forced flow displaces the state x (net coins sold); the venue refills, so that x decays with a half-life. A law of
impact and a half-life enter; rates, and what a window or a time can take, leave. Caps are on the middle, without half
spread or fee; money is what trades are filled at, with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_kind, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.impact.depth import DEFAULT_CAPS
from volkit.impact.law import TRADES, ImpactLaw, Trade
from volkit.impact.law_depth import EffectiveDepth, effective_depth
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["LiquidityVelocity", "liquidity_velocity"]

_MINUTE = pd.Timedelta("1min")
# Share of the coins of a state that counts as its last one.
_LAST = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiquidityVelocity(ResultDisplay):
    """Rates at which a venue takes forced flow, by cap on the displacement.

    Attributes
    ----------
    caps : tuple of float
        Displacements, rising.
    half_life : Timedelta
        Of the state: of what is missing, half has been refilled by then.
    law : ImpactLaw
        Displacement by state.
    price : float
        Reference, money per coin.
    trade : {"sale", "purchase"}
        Direction of the forced flow.
    as_of : Timestamp or None
        Of the law, if known.
    provenance : Provenance
        Of what the law was made from.
    """

    caps: tuple[float, ...]
    half_life: pd.Timedelta
    law: ImpactLaw
    price: float
    trade: Trade
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def refill(self) -> float:
        """kappa = ln 2 / half-life: share of what is missing that comes back, per minute."""
        return float(np.log(2.0) / (self.half_life / _MINUTE))

    @property
    def table(self) -> pd.DataFrame:
        """By cap: depth_coins, depth_money (at once), coins_per_minute, money_per_minute (for ever)."""
        rows = []
        for cap in self.caps:
            depth, rate = self.at(cap), self.per_minute(cap)
            rows.append((depth.coins, depth.money, rate, rate * self._fill_at(depth.coins)))
        columns = ["depth_coins", "depth_money", "coins_per_minute", "money_per_minute"]
        return freeze(pd.DataFrame(rows, columns=columns, index=pd.Index(self.caps, name="cap")))

    @property
    def headline(self) -> str:
        """Rate at the cap nearest to 2 % and half-life in one line."""
        cap = min(self.caps, key=lambda one: abs(one - 0.02))
        row = self.table.loc[cap]
        return (
            f"{self.trade}s of {row['money_per_minute']:.4g} a minute for ever within {percent_to(cap, 2)}, and "
            f"{row['depth_money']:.4g} at once; half-life {self.half_life / _MINUTE:.3g} min"
        )

    def at(self, cap: float) -> EffectiveDepth:
        """Return what can be traded at once within a cap; see `effective_depth`."""
        return effective_depth(self.law, cap, price=self.price, trade=self.trade)

    def per_minute(self, cap: float, *, window: pd.Timedelta | None = None) -> float:
        """Return the largest constant rate that keeps the price within a cap, coins a minute.

        Parameters
        ----------
        cap : float
            Displacement, 0 or more.
        window : Timedelta, optional
            How long it goes on; for ever by default.

        Returns
        -------
        float
            kappa D / (1 - exp(-kappa window)): depth over window for a short one, kappa D for ever.

        Raises
        ------
        ArgumentError
            For a negative cap or a window that is not positive.
        """
        sustained = self.refill * self.at(cap).coins
        if window is None:
            return sustained
        return float(sustained / -np.expm1(-self.refill * _minutes(window, "window")))

    def per_step(self, cap: float, *, step: pd.Timedelta) -> float:
        """Return the coins that can be sold in one go every step, for ever, within a cap: D (1 - exp(-kappa step)).

        Raises
        ------
        ArgumentError
            For a negative cap or a step that is not positive.
        """
        return float(self.at(cap).coins * -np.expm1(-self.refill * _minutes(step, "step")))

    def absorbed(self, cap: float, *, window: pd.Timedelta) -> EffectiveDepth:
        """Return the most that can be traded within a window and a cap: the depth at once, then all that comes back.

        Raises
        ------
        ArgumentError
            For a negative cap or a window that is not positive.

        Notes
        -----
        D (1 + kappa window) coins: from x' = flow - kappa x and x <= D, the whole flow is x(end) + kappa times the
        integral of x, and no more than that with x = D throughout.
        """
        depth = self.at(cap)
        later = self.refill * _minutes(window, "window") * depth.coins
        coins, money = depth.coins + later, depth.money + later * self._fill_at(depth.coins)
        return EffectiveDepth(coins=coins, money=money, average_price=money / coins if coins > 0.0 else self.price)

    def time_to_cap(self, flow: float, *, cap: float) -> pd.Timedelta | None:
        """Return how long the price stays within a cap under a constant forced flow; None for ever.

        Parameters
        ----------
        flow : float
            Coins a minute, positive.
        cap : float
            Displacement, 0 or more.

        Returns
        -------
        Timedelta or None
            -ln(1 - kappa D / flow) / kappa.

        Raises
        ------
        ArgumentError
            For a flow that is not positive or a negative cap.
        """
        rate = check_positive(flow, argument="flow", unit="coins per minute")
        share = self.per_minute(cap) / rate
        if share >= 1.0:
            return None
        return _MINUTE * float(-np.log1p(-share) / self.refill)

    def to_forced_flow(self, money_per_minute: float) -> pd.Series:
        """Return velocity over a forced flow by cap: below 1 the price leaves the cap in the end.

        Raises
        ------
        ArgumentError
            For a flow that is not positive.
        """
        flow = check_positive(money_per_minute, argument="money_per_minute", unit="money per minute")
        return (self.table["money_per_minute"] / flow).rename("velocity_to_forced_flow")

    def summary(self) -> pd.DataFrame:
        """Return the table, with units."""
        units = {
            "depth_coins": "depth (coins)",
            "depth_money": "depth (money)",
            "coins_per_minute": "velocity (coins per minute)",
            "money_per_minute": "velocity (money per minute)",
        }
        return self.table.rename(columns=units)

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def _fill_at(self, coins: float) -> float:
        """Return what the last of the coins that reach a state is filled at, half spread or fee included."""
        end = coins if self.trade == "sale" else -coins
        return float(self.price * self.law.average_price(_LAST * end, start=(1.0 - _LAST) * end))


def liquidity_velocity(
    law: ImpactLaw,
    *,
    price: float,
    half_life: pd.Timedelta,
    caps: Sequence[float] = DEFAULT_CAPS,
    trade: Trade = "sale",
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> LiquidityVelocity:
    """Return the rates at which a venue takes forced flow without the price leaving each cap.

    Parameters
    ----------
    law : ImpactLaw
        Displacement by state: net coins sold since equilibrium.
    price : float
        Reference, money per coin.
    half_life : Timedelta
        Of the state; `depth_half_life` and `impact_half_life` estimate it.
    caps : sequence of float
        Displacements of the price, positive; at least one.
    trade : {"sale", "purchase"}
        Direction of the forced flow.
    as_of : Timestamp, optional
        Instant of the law (UTC).
    provenance : Provenance, optional
        Of what the law was made from.

    Returns
    -------
    LiquidityVelocity

    Raises
    ------
    ArgumentError
        For a price, half-life or cap that is not positive, an unknown trade, or a law without impact.
    DataError
        Without a cap.

    Notes
    -----
    Definition. With x' = flow - kappa x, kappa = ln 2 / half-life, a constant flow ends at x = flow / kappa. The price
    stays within a cap c for ever if and only if flow <= kappa D(c), where D(c) = g^-1(c) is the depth: kappa D(c) is
    the velocity in coins a minute, and kappa D(c) price exp(-c) that in money (exp(c) for purchases), all of it
    executed at the cap, less half the spread or the fee (plus it for purchases). The cap counts from the reference as
    it then stands: where a share f of what decays stays in the reference, that moves by f kappa g'(D) D a minute
    (f kappa c for a linear law, half of it for a square root).

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> found = liquidity_velocity(LinearImpact(1e-5), price=100.0, half_life=pd.Timedelta("10min"), caps=[0.02])
    >>> round(found.per_minute(0.02), 2), round(found.table["money_per_minute"].iloc[0])
    (138.63, 13588)
    """
    check_kind(law, ImpactLaw, argument="law", remedy="pass a law, e.g. LinearImpact(...)")
    check_choice(trade, argument="trade", choices=TRADES)
    reference = check_positive(price, argument="price", unit="money per coin")
    _minutes(half_life, "half_life")
    if not len(caps):
        raise DataError("caps", "must have at least one value", "none", "pass for example caps=(0.02,)")
    levels = tuple(sorted(check_positive(cap, argument="caps", unit="log move") for cap in caps))
    if not np.isfinite(law.coins_for(levels[-1], trade=trade)):
        raise ArgumentError(
            "law", "must move the price", "one without impact", "pass a law with a positive coefficient"
        )
    return LiquidityVelocity(
        caps=levels,
        half_life=half_life,
        law=law,
        price=reference,
        trade=trade,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def _minutes(length: pd.Timedelta, argument: str) -> float:
    if not isinstance(length, pd.Timedelta) or not length > pd.Timedelta(0):
        raise ArgumentError(argument, "must be a positive Timedelta", repr(length), 'pass pd.Timedelta("10min")')
    return float(length / _MINUTE)
