"""Tier tables: bounds, maintenance and initial rates by notional, and the deduction that keeps the margin continuous.

A `TierTable` is a specification: made by hand, read from a venue (`from_leverage_tiers`) or designed (`design_tiers`).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.tiers.refusals import FallingRateError
from volkit.results import ResultDisplay

__all__ = ["TierTable", "check_notional"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TierTable(ResultDisplay):
    """Margin rates by notional.

    Attributes
    ----------
    asset : str
        Name of the instrument.
    floors : tuple of float, shape (n_tiers,)
        Notional at which each tier begins, the first 0, rising; in the currency of settlement (the coin for an
        inverse contract).
    maintenance_rates : tuple of float, shape (n_tiers,)
        Fraction of the notional above the tier's floor, above 0 and below 1, never falling.
    initial_rates : tuple of float, shape (n_tiers,)
        Fraction of the whole notional of a position in the tier, one over the largest leverage; at least the
        maintenance rate, at most 1, never falling.
    cap : float
        Largest notional that may be opened; infinite by default. Margin beyond it follows the last tier.
    currency : str
        Of the notional.
    as_of : Timestamp or None
        When the table was in force (UTC).

    Raises
    ------
    DataError
        For no tier, unequal lengths, floors that do not rise from 0, a cap inside the tiers, or a rate out of range.
    FallingRateError
        For a rate below that of the tier before it.

    Notes
    -----
    With rates m_n and floors L_n the deduction amounts are a_0 = 0, a_n = a_{n-1} + L_n (m_n - m_{n-1}), and the
    maintenance margin of a notional N in tier n is N m_n - a_n: continuous, convex, and never less for the whole than
    for its parts, MM(N1) + MM(N2) <= MM(N1 + N2). Binance calls a_n the maintenance amount, Hyperliquid the
    maintenance deduction [1]_. The initial margin is the rate of the tier times the whole notional and jumps at a
    floor, as venues cap leverage by tier.

    References
    ----------
    .. [1] Hyperliquid documentation, Margin tiers.

    Examples
    --------
    >>> btc = TierTable.from_leverages(floors=(0, 150e6), leverages=(40, 20), maintenance_share=0.5, asset="BTC")
    >>> btc.amounts, btc.maintenance_margin(200e6)
    ((0.0, 1875000.0), 3125000.0)
    """

    asset: str = ""
    floors: tuple[float, ...]
    maintenance_rates: tuple[float, ...]
    initial_rates: tuple[float, ...]
    cap: float = float("inf")
    currency: str = "USD"
    as_of: pd.Timestamp | None = None

    def __post_init__(self) -> None:
        for name in ("floors", "maintenance_rates", "initial_rates"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        if len({len(self.floors), len(self.maintenance_rates), len(self.initial_rates)}) > 1:
            got = f"{len(self.floors)}, {len(self.maintenance_rates)} and {len(self.initial_rates)}"
            raise DataError("floors, maintenance_rates and initial_rates", "must be as many", got, "pass one a tier")
        _check_floors(self.floors, self.cap)
        _check_rates(self.maintenance_rates, "maintenance_rates", "below 1", np.nextafter(1.0, 0.0))
        _check_rates(self.initial_rates, "initial_rates", "at most 1", 1.0)
        for k, (m, i) in enumerate(zip(self.maintenance_rates, self.initial_rates, strict=True), start=1):
            if i < m:
                raise DataError(
                    "initial_rates", "must be at least the maintenance rate", f"{i:g} below {m:g} in tier {k}",
                    "raise the initial rate, or lower the largest leverage",
                )  # fmt: skip

    @classmethod
    def from_leverages(
        cls,
        *,
        floors: Sequence[float],
        leverages: Sequence[float],
        maintenance_share: float,
        asset: str = "",
        currency: str = "USD",
    ) -> "TierTable":
        """Return the table of a venue whose maintenance rate is a share of the initial rate 1 / leverage.

        Parameters
        ----------
        floors : sequence of float
            Notional at which each tier begins.
        leverages : sequence of float
            Largest leverage of each tier, at least 1.
        maintenance_share : float
            Maintenance over initial rate, above 0 to 1: 0.5 at Hyperliquid.
        asset, currency : str
            Of the table.

        Raises
        ------
        ArgumentError
            For a leverage below 1 or a share that is no fraction above 0.
        DataError, FallingRateError
            As `TierTable`.
        """
        share = float(maintenance_share)
        if not 0.0 < share <= 1.0:
            rule, remedy = "must be a fraction above 0 and at most 1", "pass 0.5 for half of the initial rate"
            raise ArgumentError("maintenance_share", rule, f"{share!r}", remedy)
        largest = _numbers(leverages, "leverages")
        if low := [x for x in largest if x < 1.0]:
            raise ArgumentError("leverages", "must be at least 1", f"{low[0]:g}", "pass notional over margin, e.g. 40")
        return cls(
            asset=asset,
            floors=tuple(floors),
            maintenance_rates=tuple(share / x for x in largest),
            initial_rates=tuple(1.0 / x for x in largest),
            currency=currency,
        )

    @property
    def amounts(self) -> tuple[float, ...]:
        """Deduction amount of each tier, currency of the notional."""
        rises = [
            L * (m - before) for L, (before, m) in zip(self.floors[1:], pairwise(self.maintenance_rates), strict=True)
        ]
        return tuple(float(a) for a in np.cumsum([0.0, *rises]))

    @property
    def max_leverages(self) -> tuple[float, ...]:
        """Largest leverage of each tier, times."""
        return tuple(1.0 / i for i in self.initial_rates)

    def tier_of(self, notional: float) -> int:
        """Return the position of the tier of a notional, from 0; a floor belongs to the tier below it.

        Raises
        ------
        ArgumentError
            For a negative or infinite notional.
        """
        N = check_notional(notional)
        return max(bisect_right(self.floors, N) - 1 - (N in self.floors), 0)

    def maintenance_margin(self, notional: float, *, price: float = 1.0) -> float:  # noqa: ARG002
        """Return the maintenance margin of a notional, same currency.

        Parameters
        ----------
        notional : float
            Size of the position without sign, currency of settlement.
        price : float
            Not used: tiers count notional. Rules that count coins need it.

        Raises
        ------
        ArgumentError
            For a negative or infinite notional.
        """
        N = check_notional(notional)
        margin, rates = 0.0, self.maintenance_rates
        # By layers, which is the same as N m - a without its cancellation.
        for n in range(self.tier_of(N) + 1):
            upper = self.floors[n + 1] if n + 1 < len(self.floors) else N
            margin += rates[n] * (min(N, upper) - self.floors[n])
        return margin

    def initial_margin(self, notional: float, *, price: float = 1.0) -> float:  # noqa: ARG002
        """Return the initial margin of a notional: the rate of its tier times the whole.

        Parameters
        ----------
        notional, price
            As in `maintenance_margin`.

        Raises
        ------
        ArgumentError
            For a negative or infinite notional.
        """
        N = check_notional(notional)
        return self.initial_rates[self.tier_of(N)] * N

    def maintenance_rate(self, notional: float) -> float:
        """Return the maintenance margin over the notional, the rate of the first tier at 0.

        Raises
        ------
        ArgumentError
            For a negative or infinite notional.
        """
        N = check_notional(notional)
        return self.maintenance_margin(N) / N if N > 0.0 else self.maintenance_rates[0]

    def max_leverage(self, notional: float) -> float:
        """Return the largest leverage at which a notional may be opened, times.

        Raises
        ------
        ArgumentError
            For a negative notional, or one above the cap.
        """
        N = check_notional(notional)
        if self.cap < N:
            raise ArgumentError(
                "notional", f"must be at most the cap of the table, {self.cap:g}", f"{N:g}", "split it over accounts"
            )
        return 1.0 / self.initial_rates[self.tier_of(N)]

    @property
    def headline(self) -> str:
        """Asset, number of tiers and range of rates in one line."""
        m = self.maintenance_rates
        return (
            f"{self.asset or 'tiers'}, {len(m)} tiers to {self.cap:,.0f} {self.currency}: maintenance "
            f"{percent_to(m[0], 4)} to "
            f"{percent_to(m[-1], 4)}, leverage {self.max_leverages[0]:g}x to {self.max_leverages[-1]:g}x"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a tier: bounds and amount (currency of the notional), rates (fractions), leverage (times)."""
        return pd.DataFrame(
            {
                "floor": self.floors,
                "cap": (*self.floors[1:], self.cap),
                "maintenance_rate": self.maintenance_rates,
                "amount": self.amounts,
                "initial_rate": self.initial_rates,
                "max_leverage": self.max_leverages,
            },
            index=pd.RangeIndex(1, len(self.floors) + 1, name="tier"),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def check_notional(notional: float) -> float:
    """Return a finite size of at least 0.

    Raises
    ------
    ArgumentError
        For a negative or infinite one.

    Examples
    --------
    >>> check_notional(5)
    5.0
    """
    N = float(notional)
    if not 0.0 <= N < float("inf"):
        rule, remedy = "must be a finite number of at least 0", "pass the size, without a sign"
        raise ArgumentError("notional", rule, f"{notional!r}", remedy)
    return N


def _numbers(values: Sequence[float], name: str) -> tuple[float, ...]:
    numbers = tuple(float(v) for v in values)
    if not numbers or not np.isfinite(numbers).all():
        got = "none" if not numbers else ", ".join(f"{v:g}" for v in numbers)
        raise DataError(name, "must hold at least one finite number", got, "pass one a tier")
    return numbers


def _check_floors(floors: tuple[float, ...], cap: float) -> None:
    if floors[0] != 0.0:
        raise DataError("floors", "must begin at 0", f"{floors[0]:g}", "let the first tier begin at 0")
    for before, after in pairwise((*floors, float(cap))):
        if not after > before:
            raise DataError(
                "floors and cap", "must rise", f"{after:g} after {before:g}", "sort the tiers and drop empty ones"
            )


def _check_rates(rates: tuple[float, ...], name: str, words: str, highest: float) -> None:
    for k, rate in enumerate(rates, start=1):
        if not 0.0 < rate <= highest:
            remedy = f"pass decimals: {rate / 100:g}" if 1.0 <= rate < 100.0 else "pass decimal fractions"
            raise DataError(name, f"must be above 0 and {words}", f"{rate:g} in tier {k}", remedy)
    for k, (before, rate) in enumerate(pairwise(rates), start=2):
        if rate < before:
            raise FallingRateError(
                name, "must not fall as the notional rises", f"{rate:g} in tier {k} after {before:g}",
                "sort the tiers by notional, or correct the rate",
            )  # fmt: skip
