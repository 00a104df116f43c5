"""How a venue liquidates: impact and its decay, depth that evaporates, who pays, and the mitigations as switches."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from volkit.checks import check_choice, check_count, check_fraction, check_not_negative, check_positive
from volkit.errors import ArgumentError
from volkit.impact.law import ImpactLaw

__all__ = ["DynamicMargin", "Leftover", "PartialLiquidation", "TradingHalt", "Venue"]

Leftover = Literal["fund", "returned"]
_LEFTOVERS: tuple[Leftover, Leftover] = ("fund", "returned")
_DURING = ("moving", "frozen")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingHalt:
    """A pause: after a fall, nobody is liquidated for some steps.

    Attributes
    ----------
    drop : float
        Fall of the price from its highest end of step that starts a halt, decimal, above 0 and below 1.
    within : int
        Steps over which the highest price is looked for; prices before the last reopening do not count, whose own price
        stands in place of the start's.
    length : int
        Whole steps without liquidation, after what is left of the step in which the price fell.
    during : {"moving", "frozen"}
        Exogenous moves show in the price at once, or stand still and come together at the reopening. Impact decays
        either way.

    Examples
    --------
    >>> TradingHalt(drop=0.1, within=12, length=6).during
    'moving'
    """

    drop: float
    within: int
    length: int
    during: Literal["moving", "frozen"] = "moving"

    def __post_init__(self) -> None:
        if not 0.0 < float(self.drop) < 1.0:
            raise ArgumentError("drop", "must be a fraction above 0 and below 1", f"{self.drop!r}", "pass 0.1 for 10 %")
        check_count(self.within, argument="within", unit="steps")
        check_count(self.length, argument="length", unit="steps")
        check_choice(self.during, argument="during", choices=_DURING)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialLiquidation:
    """A liquidation that closes part of a position; the rest stays open with what collateral is left.

    Attributes
    ----------
    share : float or None
        Share of the position as it was opened, closed at most once a step. None closes what restores the margin.
    buffer : float
        With None: equity after it, at the price that triggered it, is 1 + buffer times the maintenance margin.
    least : float
        With None: smallest share of the position as it was opened, so that rounds come to an end.

    Notes
    -----
    An account whose equity is nil or less at the triggering price is closed whole. Rate and deduction of the tier stay
    those of the position as it was opened.

    Examples
    --------
    >>> PartialLiquidation(share=0.2), PartialLiquidation().buffer
    (PartialLiquidation(share=0.2, buffer=0.5, least=0.05), 0.5)
    """

    share: float | None = None
    buffer: float = 0.5
    least: float = 0.05

    def __post_init__(self) -> None:
        for name in ("share", "least"):
            value = getattr(self, name)
            if value is not None and not 0.0 < float(value) <= 1.0:
                raise ArgumentError(name, "must be a fraction above 0 and at most 1", f"{value!r}", "pass 0.2 for 20 %")
        if not 0.0 <= float(self.buffer) < np.inf:
            raise ArgumentError("buffer", "must be a finite number of at least 0", f"{self.buffer!r}", "pass 0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicMargin:
    """Maintenance margins that rise with volatility.

    Attributes
    ----------
    cap : float
        Most that they are multiplied by, at least 1.
    notice : int
        Steps from the volatility that is seen to the margin that follows from it.

    Notes
    -----
    All maintenance margins are multiplied by the volatility over that of the venue's calm, within 1 and the cap.
    Accounts on a table of tiers are in the tier that holds at the price where the multiplied margin is reached. Where
    the multiplied rate of a tier reaches 1, a rise alone closes no long.

    Examples
    --------
    >>> DynamicMargin(cap=2.0, notice=12).notice
    12
    """

    cap: float = 2.0
    notice: int = 0

    def __post_init__(self) -> None:
        if not 1.0 <= float(self.cap) < np.inf:
            raise ArgumentError("cap", "must be a finite number of at least 1", f"{self.cap!r}", "pass cap=2.0")
        check_count(self.notice, argument="notice", minimum=0, unit="steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """A market in one linear perpetual and the rules by which it liquidates.

    Attributes
    ----------
    price : float
        At the start, USD per coin.
    impact : ImpactLaw
        Of `volkit.impact.laws`: coins sold or bought since equilibrium to log displacement.
    half_life : float or None
        Steps after which half of the coins sold count no longer; None: impact stays.
    permanent_share : float
        Of the displacement that decays, the share that stays in the price for good.
    volatility : float or None
        Of the log price a step in calm times, decimal; needed for evaporation and dynamic margin.
    evaporation : float
        eta: depth is multiplied by exp(-eta (sigma / volatility - 1)), sigma being followed along the path.
    volatility_memory : float
        Weight of the past in the exponentially weighted variance of a step, 0 to below 1.
    least_depth : float
        Below this share of calm depth it does not fall, above 0 to 1.
    fund : float
        Insurance fund at the start, USD.
    skin_in_the_game : float
        USD of the venue's own that pay before the fund.
    liquidation_fee : float
        Fraction of the notional closed that goes to the fund, as far as collateral is left.
    leftover : {"fund", "returned"}
        Where collateral goes that is left after a whole position is closed (and after the fee).
    auto_deleverage : bool
        Whether winners' unrealised profit pays after the fund, before the loss is shared by all.
    halt, partial, dynamic_margin : TradingHalt, PartialLiquidation, DynamicMargin, or None
        Mitigations; None is off.
    max_rounds : int
        Most rounds a step; then the rest waits for the next step, and the status says so.

    Raises
    ------
    ArgumentError
        For numbers out of range, or evaporation or dynamic margin without a volatility.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> Venue(price=100.0, impact=LinearImpact(1e-6), fund=1e6, half_life=12).kept
    0.9438743126816935
    """

    price: float
    impact: ImpactLaw
    half_life: float | None = None
    permanent_share: float = 0.0
    volatility: float | None = None
    evaporation: float = 0.0
    volatility_memory: float = 0.94
    least_depth: float = 0.01
    fund: float = 0.0
    skin_in_the_game: float = 0.0
    liquidation_fee: float = 0.0
    leftover: Leftover = "fund"
    auto_deleverage: bool = True
    halt: TradingHalt | None = None
    partial: PartialLiquidation | None = None
    dynamic_margin: DynamicMargin | None = None
    max_rounds: int = 10_000

    def __post_init__(self) -> None:
        check_positive(self.price, argument="price", unit="USD per coin")
        if not isinstance(self.impact, ImpactLaw):
            got, remedy = type(self.impact).__name__, "pass for example LinearImpact(1e-6) of volkit.impact.laws"
            raise ArgumentError("impact", "must be a law of price impact", got, remedy)
        if self.half_life is not None:
            check_positive(self.half_life, argument="half_life", unit="steps")
        if self.volatility is not None:
            check_positive(self.volatility, argument="volatility", unit="decimal a step")
        elif self.evaporation or self.dynamic_margin is not None:
            rule = "must be told for evaporation and for dynamic margin"
            raise ArgumentError("volatility", rule, "None", "pass that of a calm step, decimal")
        check_fraction(self.permanent_share, argument="permanent_share")
        if check_positive(self.least_depth, argument="least_depth", unit="share of calm depth") > 1.0:
            raise ArgumentError(
                "least_depth", "must be at most 1", f"{self.least_depth!r}", "pass a share such as 0.01"
            )
        if check_fraction(self.volatility_memory, argument="volatility_memory") == 1.0:
            raise ArgumentError("volatility_memory", "must be below 1", "1.0", "pass for example 0.94")
        if check_fraction(self.liquidation_fee, argument="liquidation_fee") == 1.0:
            raise ArgumentError("liquidation_fee", "must be below 1", "1.0", "pass a decimal such as 0.005")
        for name in ("evaporation", "fund", "skin_in_the_game"):
            check_not_negative(getattr(self, name), argument=name)
        check_choice(self.leftover, argument="leftover", choices=_LEFTOVERS)
        check_count(self.max_rounds, argument="max_rounds", unit="rounds")

    @property
    def kept(self) -> float:
        """Share of the coins sold that still counts a step later."""
        return 1.0 if self.half_life is None else float(0.5 ** (1.0 / self.half_life))

    def numbers(self) -> npt.NDArray[np.float64]:
        """Return what the kernels read, in the order of `volkit.contagion.cascade._state`."""
        halt, partial, dynamic = self.halt, self.partial, self.dynamic_margin
        return np.array(
            [
                self.price,
                self.kept,
                self.permanent_share,
                self.evaporation,
                self.volatility or 0.0,
                self.volatility_memory,
                self.least_depth,
                self.fund,
                self.skin_in_the_game,
                self.liquidation_fee,
                self.leftover == "fund",
                self.auto_deleverage,
                self.max_rounds,
                halt.drop if halt else 0.0,
                halt.within if halt else 0,
                halt.length if halt else 0,
                halt is not None and halt.during == "frozen",
                partial is not None,
                (partial.share or 0.0) if partial else 0.0,
                partial.buffer if partial else 0.0,
                partial.least if partial else 0.0,
                dynamic.cap if dynamic else 1.0,
                dynamic.notice if dynamic else 0,
            ],
            dtype=np.float64,
        )
