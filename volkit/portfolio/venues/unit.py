"""What a margin rule sees of an account: all positions on one underlying, as plain arrays, and what it answers.

A `RiskUnit` holds the arrays; each rule engine turns one into a `RuleMargin`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from volkit.checks import check_positive
from volkit.errors import DataError
from volkit.options.black76 import black76_greeks, black76_price
from volkit.results import freeze

__all__ = ["Floats", "FutureLegs", "OptionLegs", "RiskUnit", "RuleMargin", "rule_margin"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, init=False, eq=False)
class OptionLegs:
    """Options on one underlying, one entry an option.

    Attributes
    ----------
    quantity : array, shape (n_options,)
        Units of the underlying, negative when sold.
    strike, forward : array, shape (n_options,)
        USD per unit.
    time : array, shape (n_options,)
        Years of 365 days to expiry, at least 0.
    volatility : array, shape (n_options,)
        Decimal per year.
    is_call : array of bool, shape (n_options,)

    Raises
    ------
    DataError
        For arrays of different lengths, a number that is not finite, a price that is not positive, a negative
        volatility, or an option past its expiry; the message names the row, from 1.

    Examples
    --------
    >>> call = OptionLegs(quantity=[-1], strike=[100], forward=[100], time=[1.0], volatility=[0.5], is_call=[True])
    >>> call.value().round(2)
    array([-19.74])
    """

    quantity: Floats
    strike: Floats
    forward: Floats
    time: Floats
    volatility: Floats
    is_call: NDArray[np.bool_]

    def __init__(
        self,
        *,
        quantity: ArrayLike,
        strike: ArrayLike,
        forward: ArrayLike,
        time: ArrayLike,
        volatility: ArrayLike,
        is_call: ArrayLike,
    ) -> None:
        given = {"quantity": quantity, "strike": strike, "forward": forward, "time": time, "volatility": volatility}
        for name, values in given.items():
            object.__setattr__(self, name, _column(values, f"{name} of options"))
        object.__setattr__(self, "is_call", np.atleast_1d(np.asarray(is_call, dtype=bool)))
        _same_length("options", *given, "is_call", owner=self)
        _all_above("strike of options", self.strike, 0.0, "a positive price (USD)", strict=True)
        _all_above("forward of options", self.forward, 0.0, "a positive price (USD)", strict=True)
        _all_above("volatility of options", self.volatility, 0.0, "at least 0 (decimal per year)")
        _all_above("time of options", self.time, 0.0, "at least 0 (years to expiry): drop options that have expired")

    def __len__(self) -> int:
        return len(self.quantity)

    def prices(self, *, forward: ArrayLike | None = None, volatility: ArrayLike | None = None) -> Floats:
        """Return prices (USD per unit, not discounted), shape (..., n_options), at other forwards or volatilities."""
        at = self.forward if forward is None else forward
        sigma = self.volatility if volatility is None else volatility
        return np.asarray(black76_price(at, self.strike, self.time, sigma, self.is_call), dtype=float)

    def value(self) -> Floats:
        """Return quantity times price (USD), shape (n_options,)."""
        return self.quantity * self.prices()

    def delta(self) -> Floats:
        """Return quantity times forward delta (units of the underlying), shape (n_options,)."""
        greeks = black76_greeks(self.forward, self.strike, self.time, self.volatility, self.is_call)
        return np.asarray(self.quantity * greeks.delta, dtype=float)

    def vega(self) -> Floats:
        """Return quantity times vega (USD per 1.00 of volatility), shape (n_options,)."""
        greeks = black76_greeks(self.forward, self.strike, self.time, self.volatility, self.is_call)
        return np.asarray(self.quantity * greeks.vega, dtype=float)


@dataclass(frozen=True, slots=True, init=False, eq=False)
class FutureLegs:
    """Dated futures on one underlying, one entry a contract.

    Attributes
    ----------
    quantity : array, shape (n_futures,)
        Units of the underlying, negative when sold.
    price : array, shape (n_futures,)
        Mark, USD per unit.
    time : array, shape (n_futures,)
        Years of 365 days to expiry, at least 0.

    Raises
    ------
    DataError
        As `OptionLegs`.
    """

    quantity: Floats
    price: Floats
    time: Floats

    def __init__(self, *, quantity: ArrayLike = (), price: ArrayLike = (), time: ArrayLike = ()) -> None:
        given = {"quantity": quantity, "price": price, "time": time}
        for name, values in given.items():
            object.__setattr__(self, name, _column(values, f"{name} of futures"))
        _same_length("futures", *given, owner=self)
        _all_above("price of futures", self.price, 0.0, "a positive price (USD)", strict=True)
        _all_above("time of futures", self.time, 0.0, "at least 0 (years to expiry): drop futures that have expired")

    def __len__(self) -> int:
        return len(self.quantity)


def _no_options() -> OptionLegs:
    return OptionLegs(quantity=[], strike=[], forward=[], time=[], volatility=[], is_call=[])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskUnit:
    """All positions of one account on one underlying.

    Attributes
    ----------
    underlying : str
        Name, e.g. ``BTC``.
    spot : float
        Index price, USD per unit.
    perpetual : float
        Units of the underlying, negative when sold.
    perpetual_price : float
        Mark of the perpetual, USD per unit; the spot by default (0).
    options : OptionLegs
    futures : FutureLegs
    coins : float
        Coins of the underlying held as collateral.

    Raises
    ------
    ArgumentError
        For a spot that is not positive.

    Examples
    --------
    >>> RiskUnit(underlying="BTC", spot=60_000, perpetual=-0.5).delta()
    -0.5
    """

    underlying: str
    spot: float
    perpetual: float = 0.0
    perpetual_price: float = 0.0
    options: OptionLegs = field(default_factory=_no_options)
    futures: FutureLegs = field(default_factory=FutureLegs)
    coins: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.spot, argument=f"spot of {self.underlying}", unit="USD per unit")
        if self.perpetual_price == 0.0:
            object.__setattr__(self, "perpetual_price", float(self.spot))

    @property
    def linear_quantity(self) -> Floats:
        """Units of the perpetual and each future, shape (1 + n_futures,)."""
        return np.concatenate([[self.perpetual], self.futures.quantity])

    @property
    def linear_price(self) -> Floats:
        """Marks of the perpetual and each future (USD per unit), shape (1 + n_futures,)."""
        return np.concatenate([[self.perpetual_price], self.futures.price])

    def delta(self) -> float:
        """Return the net delta (units of the underlying)."""
        return float(self.linear_quantity.sum() + self.options.delta().sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleMargin:
    """The margin of one risk unit under one rule.

    Attributes
    ----------
    components : DataFrame, shape (n_components, 2)
        Indexed by component; columns ``initial`` and ``maintenance`` (USD), which sum to the margins.
    worst_scenario : str
        The scenario that decides, in words; empty where the rule has none.
    """

    components: pd.DataFrame
    worst_scenario: str = ""

    @property
    def initial_margin(self) -> float:
        """Equity (USD, every position counted at its mark) that the account must hold to open."""
        return float(self.components["initial"].sum())

    @property
    def maintenance_margin(self) -> float:
        """Equity (USD, every position counted at its mark) below which the account is liquidated."""
        return float(self.components["maintenance"].sum())


def rule_margin(components: Sequence[tuple[str, float, float]], *, worst_scenario: str = "") -> RuleMargin:
    """Return a margin from rows of (component, initial, maintenance), USD."""
    frame = pd.DataFrame(list(components), columns=["component", "initial", "maintenance"]).set_index("component")
    return RuleMargin(components=freeze(frame.astype(float)), worst_scenario=worst_scenario)


def _column(values: ArrayLike, name: str) -> Floats:
    column = np.array(values, dtype=float, ndmin=1)
    if (bad := np.flatnonzero(~np.isfinite(column))).size:
        raise DataError(
            name, "must be finite", f"{column[bad[0]]} in row {bad[0] + 1}", "give the number, or drop the row"
        )
    column.flags.writeable = False
    return column


def _same_length(kind: str, *names: str, owner: object) -> None:
    lengths = {name: np.size(getattr(owner, name)) for name in names}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{n} {name}" for name, n in lengths.items())
        raise DataError(kind, "must have one entry a contract in every array", got, "pass arrays of one length")


def _all_above(name: str, values: Floats, bound: float, words: str, *, strict: bool = False) -> None:
    bad = np.flatnonzero(values <= bound if strict else values < bound)
    if bad.size:
        rule, _, remedy = words.partition(": ")
        got = f"{values[bad[0]]:g} in row {bad[0] + 1}"
        raise DataError(name, f"must be {rule}", got, remedy or "correct the row, or drop it")
