"""Parameters and holdings of the discounted scenario margin: what its file states, and what an account holds.

The rule itself is in `scenario_portfolio`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from volkit.checks import check_fraction, check_positive
from volkit.errors import ArgumentError
from volkit.options.surface import RawSVI
from volkit.portfolio.venues.entry import Entry
from volkit.portfolio.venues.shocks import Move, NotNegative, Scenario, Share, VolatilityScaling
from volkit.portfolio.venues.unit import OptionLegs

__all__ = [
    "CollateralHolding",
    "ExpiryHolding",
    "PerpetualHolding",
    "ScenarioAccount",
    "ScenarioPortfolioParameters",
    "clipped_svi_volatility",
]

SECONDS_PER_YEAR = 31_536_000.0
# In log-moneyness the venue reads its smile only this many times sqrt(a + b sigma) from the forward.
_SMILE_WIDTHS = 4.0
_LARGEST_VARIANCE = 144.0


class SkewShocks(Entry):
    """A tilt and a bend of the smile: volatility times 1 + clip(k cap / k*, -cap, cap), with k or its modulus.

    cap = cap_base + cap_slope sqrt(time); k* = max(minimum_width, sqrt(time) width_scale (width_static + width_slope
    sqrt(time))).
    """

    linear_cap_base: float
    linear_cap_slope: float
    linear_weight: NotNegative = 1.0
    absolute_cap_base: float
    absolute_cap_slope: float
    absolute_weight: NotNegative = 1.0
    minimum_width: Annotated[float, Field(gt=0.0)]
    width_scale: float
    width_static: float
    width_slope: float


class Discounting(Entry):
    """How the shocked value of an expiry is discounted, by its sign; rates per year."""

    positive_factor: NotNegative
    positive_rate_multiple: float
    positive_rate_addition: float
    negative_factor: NotNegative
    negative_rate_multiple: float
    negative_rate_addition: float


class BasisContingency(Entry):
    """Loss of an expiry when only its forward moves, times addition + per_year x time."""

    spot_up: Move
    spot_down: Move
    addition: NotNegative
    per_year: NotNegative


class Charges(Entry):
    """Fractions of the notional at spot; the initial ones come on top of the maintenance ones."""

    perpetual_maintenance: NotNegative
    perpetual_initial: NotNegative
    option_maintenance: NotNegative
    option_initial: NotNegative
    confidence_threshold: NotNegative
    confidence_scale: NotNegative
    stable_threshold: NotNegative
    stable_factor: NotNegative


class ScenarioPortfolioParameters(Entry):
    """Parameters of the discounted scenario margin.

    Attributes
    ----------
    regular, tail : tuple of Scenario
        Price by volatility moves; the tails carry weights below 1.
    skew, volatility, discounting, basis, charges : tables
    maintenance_factor, initial_factor : float
        Times the worst loss.
    rate : float
        Interest rate per year of an expiry for which none is given.
    coin_maintenance_haircut, coin_initial_haircut : float
        Of coins of the underlying that are held as collateral; the initial one on top of the maintenance one.
    """

    regular: Annotated[tuple[Scenario, ...], Field(min_length=1)]
    tail: tuple[Scenario, ...] = ()
    skew: SkewShocks
    volatility: VolatilityScaling
    discounting: Discounting
    basis: BasisContingency
    charges: Charges
    maintenance_factor: NotNegative
    initial_factor: NotNegative
    rate: float = 0.0
    coin_maintenance_haircut: Share = 0.0
    coin_initial_haircut: Share = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualHolding:
    """A perpetual: units (negative when sold), mark price (USD), confidence of its price (0 to 1), USD not yet paid."""

    quantity: float
    price: float
    confidence: float = 1.0
    unrealised: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.price, argument="price of the perpetual", unit="USD per unit")
        check_fraction(self.confidence, argument="confidence of the perpetual")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralHolding:
    """Coins held as collateral.

    Attributes
    ----------
    name : str
    amount : float
        Coins, at least 0.
    price : float
        USD per coin.
    confidence : float
        Of the price, 0 to 1.
    cancels_risk : bool
        Whether its value moves with the underlying in the scenarios.
    maintenance_haircut, initial_haircut : float
        Shares of the value that do not count; the initial one on top of the maintenance one.
    """

    name: str
    amount: float
    price: float
    confidence: float = 1.0
    cancels_risk: bool = False
    maintenance_haircut: float = 0.0
    initial_haircut: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.price, argument=f"price of {self.name}", unit="USD per coin")
        check_fraction(self.confidence, argument=f"confidence of {self.name}")
        if not 0.0 <= self.amount < float("inf"):
            rule, remedy = "must be at least 0 coins", "put debts into the cash"
            raise ArgumentError(f"amount of {self.name}", rule, f"{self.amount!r}", remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryHolding:
    """The options of one expiry, with what its feeds say.

    Attributes
    ----------
    seconds : float
        To expiry, at least 0; inside the settlement window of 1,800 the averaged part of the price stands still.
    options : OptionLegs
        Strikes, quantities and volatilities; forward and time are those of the expiry.
    rate : float
        Per year, continuously compounded; below 0 counts as 0.
    confidence : float
        The least of its forward, volatility and rate feeds, 0 to 1.
    """

    seconds: float
    options: OptionLegs
    rate: float = 0.0
    confidence: float = 1.0

    def __post_init__(self) -> None:
        check_fraction(self.confidence, argument="confidence of an expiry")
        if self.options.forward.size and np.ptp(self.options.forward) > 0.0:
            got = f"forwards from {self.options.forward.min():g} to {self.options.forward.max():g}"
            raise ArgumentError("options of an expiry", "must share one forward", got, "split them by expiry")

    @classmethod
    def of(
        cls,
        *,
        seconds: float,
        forward: float,
        quantity: ArrayLike,
        strike: ArrayLike,
        is_call: ArrayLike,
        volatility: ArrayLike,
        rate: float = 0.0,
        confidence: float = 1.0,
    ) -> "ExpiryHolding":
        """Return the holding from one forward (USD) and arrays, shape (n_options,)."""
        ones = np.ones(np.size(quantity))
        legs = OptionLegs(
            quantity=quantity,
            strike=strike,
            forward=forward * ones,
            time=seconds / SECONDS_PER_YEAR * ones,
            volatility=volatility,
            is_call=is_call,
        )
        return cls(seconds=float(seconds), options=legs, rate=float(rate), confidence=float(confidence))

    @property
    def time(self) -> float:
        """Years of 365 days to expiry."""
        return self.seconds / SECONDS_PER_YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioAccount:
    """An account on one underlying.

    Attributes
    ----------
    spot : float
        USD per unit.
    spot_confidence : float
        0 to 1.
    stable_price : float
        Of the settlement coin, USD; collateral is counted in it.
    cash : float
        Units of the settlement coin.
    perpetual : PerpetualHolding or None
    expiries : sequence of ExpiryHolding
    collateral : sequence of CollateralHolding
    """

    spot: float
    spot_confidence: float = 1.0
    stable_price: float = 1.0
    cash: float = 0.0
    perpetual: PerpetualHolding | None = None
    expiries: Sequence[ExpiryHolding] = field(default=())
    collateral: Sequence[CollateralHolding] = field(default=())

    def __post_init__(self) -> None:
        check_positive(self.spot, argument="spot", unit="USD per unit")
        check_positive(self.stable_price, argument="stable_price", unit="USD")
        check_fraction(self.spot_confidence, argument="spot_confidence")


def clipped_svi_volatility(
    strike: ArrayLike, *, a: float, b: float, rho: float, m: float, sigma: float, forward: float, time: float
) -> np.ndarray:
    """Return the volatilities that the venue reads off its SVI smile, flat beyond its clip.

    Parameters
    ----------
    strike : array_like, shape (n,)
        USD.
    a, b, rho, m, sigma : float
        Raw SVI parameters of the total variance.
    forward : float
        USD, of the fit.
    time : float
        Years of 365 days of the fit, positive.

    Returns
    -------
    array, shape (n,)
        Decimal per year.

    Raises
    ------
    ArgumentError
        For a forward or time that is not positive.

    Notes
    -----
    w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)) with k = ln(strike / forward) clipped to +/- 4 sqrt(a + b
    sigma), at most 144; volatility = sqrt(w / time). Without the clip a far strike gets another volatility.

    Examples
    --------
    >>> smile = dict(a=0.0076, b=0.0567, rho=-0.55, m=-0.063, sigma=0.048, forward=2683.0, time=0.0252)
    >>> clipped_svi_volatility([2700.0, 4200.0, 9000.0], **smile).round(4)
    array([0.6368, 0.8845, 0.8845])
    """
    F = check_positive(forward, argument="forward", unit="USD")
    T = check_positive(time, argument="time", unit="years")
    width = _SMILE_WIDTHS * np.sqrt(max(a + b * sigma, 0.0))
    k = np.clip(np.log(np.asarray(strike, dtype=float) / F), -width, width)
    w = RawSVI(a=a, b=b, rho=rho, m=m, sigma=sigma).total_variance(k)
    return np.asarray(np.sqrt(np.clip(w, 0.0, _LARGEST_VARIANCE) / T), dtype=float)
