"""Margins that grow with size in other ways than tiers, on one interface: open interest, root of size, skew scale.

Every rule, `TierTable` among them, answers two questions of a notional: `maintenance_margin` and `initial_margin`, in
the currency of settlement. Rules that count coins also need the price.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from volkit.checks import check_not_negative, check_positive
from volkit.errors import ArgumentError
from volkit.margin.tiers.table import check_notional

__all__ = [
    "MarginRule",
    "OpenInterestMargin",
    "SizeWeights",
    "SkewScaleMargin",
    "SquareRootMargin",
    "open_interest_rate",
    "size_weights",
]


@runtime_checkable
class MarginRule(Protocol):
    """What an account asks of the margin rule of a position."""

    def maintenance_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return the maintenance margin of a notional (without sign) at a price, USD per coin."""
        ...

    def initial_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return the initial margin of a notional (without sign) at a price, USD per coin."""
        ...


def open_interest_rate(base: float, *, lower: float, upper: float, open_interest: float) -> float:
    """Return an initial rate that rises from its base to 1 as the open interest of the market does.

    Parameters
    ----------
    base : float
        Initial rate below the lower bound, fraction above 0 to 1.
    lower, upper : float
        Open interest (currency of the notional) from which, and up to which, the rate rises.
    open_interest : float
        Of the market now, same currency, at least 0.

    Returns
    -------
    float
        min(1, base + max(0, (OI - lower) / (upper - lower)) (1 - base)).

    Raises
    ------
    ArgumentError
        For a base that is no fraction above 0, bounds that do not rise, or a negative open interest.

    References
    ----------
    .. [1] dYdX v4-chain, liquidity tiers (their test prints parts per million, rounded down).

    Examples
    --------
    >>> round(open_interest_rate(0.2, lower=1e6, upper=2e6, open_interest=1_234_567), 6)
    0.387654
    """
    m = _rate(base, "base")
    if not 0.0 <= lower < upper < float("inf"):
        raise ArgumentError("upper", "must be above lower, which is at least 0", f"{lower!r}, {upper!r}", "swap them")
    OI = check_notional(open_interest)
    return min(1.0, m + max(0.0, (OI - lower) / (upper - lower)) * (1.0 - m))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterestMargin:
    """Margin whose initial rate rises with the open interest of the market, the maintenance rate fixed.

    Attributes
    ----------
    base, lower, upper, open_interest : float
        As in `open_interest_rate`.
    maintenance_rate : float
        Fraction of the notional, above 0 and at most the base.

    Raises
    ------
    ArgumentError
        As `open_interest_rate`, and for a maintenance rate above the base.

    Examples
    --------
    >>> rule = OpenInterestMargin(base=0.2, lower=1e6, upper=2e6, open_interest=1.5e6, maintenance_rate=0.1)
    >>> round(rule.initial_margin(1_000), 2), rule.maintenance_margin(1_000)
    (600.0, 100.0)
    """

    base: float
    lower: float
    upper: float
    open_interest: float
    maintenance_rate: float

    def __post_init__(self) -> None:
        m = _rate(self.maintenance_rate, "maintenance_rate")
        if m > _rate(self.base, "base"):
            raise ArgumentError("maintenance_rate", "must be at most the base", f"{m:g}", "lower it, or raise the base")
        _ = self.initial_rate

    @property
    def initial_rate(self) -> float:
        """Fraction of the notional at the open interest."""
        return open_interest_rate(self.base, lower=self.lower, upper=self.upper, open_interest=self.open_interest)

    def maintenance_margin(self, notional: float, *, price: float = 1.0) -> float:  # noqa: ARG002
        """Return the fixed maintenance rate times the notional."""
        return self.maintenance_rate * check_notional(notional)

    def initial_margin(self, notional: float, *, price: float = 1.0) -> float:  # noqa: ARG002
        """Return the rate at the open interest times the notional."""
        return self.initial_rate * check_notional(notional)


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareRootMargin:
    """Margin whose rate rises with the root of the size in coins: max(base, factor sqrt(size)), at most 1.

    Attributes
    ----------
    initial_rate, maintenance_rate : float
        Base rates, fractions above 0 to 1, the second at most the first.
    factor : float
        Per root of a coin, at least 0; of the initial rate.
    maintenance_share : float
        Share of the factor that the maintenance rate has, 0 to 1.

    Raises
    ------
    ArgumentError
        For a rate, share or factor out of range.

    Notes
    -----
    The form of FTX (history); Drift's is `size_weights`. Size is notional / price.

    Examples
    --------
    >>> rule = SquareRootMargin(initial_rate=0.05, maintenance_rate=0.03, factor=0.002, maintenance_share=0.6)
    >>> rule.initial_margin(100.0), round(rule.initial_margin(2_500.0 * 50_000, price=50_000) / (2_500 * 50_000), 6)
    (5.0, 0.1)
    """

    initial_rate: float
    maintenance_rate: float
    factor: float
    maintenance_share: float

    def __post_init__(self) -> None:
        if _rate(self.maintenance_rate, "maintenance_rate") > _rate(self.initial_rate, "initial_rate"):
            got = f"{self.maintenance_rate:g} above {self.initial_rate:g}"
            raise ArgumentError("maintenance_rate", "must be at most the initial rate", got, "swap them")
        check_not_negative(self.factor, argument="factor")
        if not 0.0 <= self.maintenance_share <= 1.0:
            got, remedy = f"{self.maintenance_share!r}", "pass a decimal such as 0.6"
            raise ArgumentError("maintenance_share", "must be a fraction from 0 to 1", got, remedy)

    def maintenance_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return max(maintenance rate, share factor sqrt(size)), at most 1, times the notional."""
        return self._margin(notional, price, self.maintenance_rate, self.maintenance_share * self.factor)

    def initial_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return max(initial rate, factor sqrt(size)), at most 1, times the notional."""
        return self._margin(notional, price, self.initial_rate, self.factor)

    @staticmethod
    def _margin(notional: float, price: float, base: float, factor: float) -> float:
        N = check_notional(notional)
        return min(1.0, max(base, factor * float(np.sqrt(_coins(N, price))))) * N


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewScaleMargin:
    """Margin whose rate rises in line with the size over the market's skew scale, at most 1.

    Attributes
    ----------
    skew_scale : float
        Coins, positive: the depth of the market.
    slope : float
        Initial rate per skew scale, at least 0.
    minimum_rate : float
        Initial rate of a small position, fraction above 0 to 1.
    maintenance_share : float
        Maintenance over initial rate, above 0 to 1.
    minimum_margin : float
        Fixed amount added to both margins of an open position, currency of the notional, at least 0; default 0.

    Raises
    ------
    ArgumentError
        For a number out of range.

    Notes
    -----
    Synthetix v3 perpetuals: initial ratio = abs(size) / skew scale x slope + minimum. A fixed amount makes one
    position cheaper than its parts.

    Examples
    --------
    >>> rule = SkewScaleMargin(skew_scale=1_000, slope=0.5, minimum_rate=0.02, maintenance_share=0.5)
    >>> round(rule.initial_margin(100 * 2_000, price=2_000), 6)
    14000.0
    """

    skew_scale: float
    slope: float
    minimum_rate: float
    maintenance_share: float
    minimum_margin: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.skew_scale, argument="skew_scale", unit="coins")
        check_not_negative(self.slope, argument="slope")
        check_not_negative(self.minimum_margin, argument="minimum_margin")
        _rate(self.minimum_rate, "minimum_rate")
        _rate(self.maintenance_share, "maintenance_share")

    def maintenance_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return the maintenance share of the initial ratio times the notional, and the fixed amount."""
        return self._margin(notional, price, self.maintenance_share)

    def initial_margin(self, notional: float, *, price: float = 1.0) -> float:
        """Return the initial ratio, at most 1, times the notional, and the fixed amount."""
        return self._margin(notional, price, 1.0)

    def _margin(self, notional: float, price: float, share: float) -> float:
        N = check_notional(notional)
        ratio = min(1.0, _coins(N, price) / self.skew_scale * self.slope + self.minimum_rate)
        return share * ratio * N + (self.minimum_margin if N > 0.0 else 0.0)


class SizeWeights(NamedTuple):
    """Weights of a spot balance: what an asset counts for, and a liability.

    Attributes
    ----------
    asset : float
        Share of its value that a holding counts for.
    liability : float
        Multiple of its value that a debt counts for.
    """

    asset: float
    liability: float


def size_weights(size: float, *, factor: float, asset_weight: float, liability_weight: float) -> SizeWeights:
    """Return the weights of a spot balance after its size.

    Parameters
    ----------
    size : float
        Coins, at least 0.
    factor : float
        Per root of a coin, at least 0.
    asset_weight : float
        Of a small holding, fraction above 0 to 1.
    liability_weight : float
        Of a small debt, at least 1.

    Returns
    -------
    SizeWeights
        min(w, 1.1 / (1 + f sqrt(size))) and max(w, 0.8 w + f sqrt(size)).

    Raises
    ------
    ArgumentError
        For a number out of range.

    References
    ----------
    .. [1] Drift protocol v2, size discount and size premium of spot weights.

    Examples
    --------
    >>> weights = size_weights(1000, factor=0.01, asset_weight=0.9, liability_weight=1.1)
    >>> round(weights.asset, 4), round(weights.liability, 4)
    (0.8357, 1.1962)
    """
    root = check_not_negative(factor, argument="factor") * float(np.sqrt(check_not_negative(size, argument="size")))
    w = _rate(asset_weight, "asset_weight")
    if not 1.0 <= liability_weight < float("inf"):
        raise ArgumentError("liability_weight", "must be at least 1", f"{liability_weight!r}", "pass for example 1.1")
    return SizeWeights(min(w, 1.1 / (1.0 + root)), max(float(liability_weight), 0.8 * liability_weight + root))


def _coins(notional: float, price: float) -> float:
    return notional / check_positive(price, argument="price", unit="USD per coin")


def _rate(value: float, name: str) -> float:
    rate = float(value)
    if not 0.0 < rate <= 1.0:
        remedy = f"pass a decimal: {name}={rate / 100:g}" if 1.0 < rate <= 100.0 else "pass a decimal fraction"
        raise ArgumentError(name, "must be a fraction above 0 and at most 1", f"{value!r}", remedy)
    return rate
