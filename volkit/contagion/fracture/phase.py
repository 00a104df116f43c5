"""Leverage against depth: the fracture threshold in every cell, and where the phases meet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_floats, check_kind, check_positive
from volkit.contagion.cascade import LeveragedAccounts, Venue
from volkit.contagion.fracture.levers import cap_leverage, scale_depth
from volkit.contagion.fracture.response import Direction, prepare_book
from volkit.contagion.fracture.threshold import Criterion, fracture_threshold
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["PhaseDiagram", "phase_diagram", "post_to_cap"]

Floats = npt.NDArray[np.float64]
Lever = Callable[[LeveragedAccounts, float, float], LeveragedAccounts]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PhaseDiagram(ResultDisplay):
    """Fracture thresholds by leverage and depth.

    Attributes
    ----------
    frame : DataFrame, shape (n_leverages x n_depths, 8)
        leverage, depth (multiple of today's), status and shock of the threshold (`FractureThreshold`; shock is 0 for
        ``always`` and NaN for ``none``), largest (size up to which was searched), oi_to_depth (coins of the side over
        the coins that move the log price by 1 %), and bad_debt (USD) and liquidated_share of the side at the threshold.
    criterion : str
        What counts as breaking.
    direction : {"down", "up"}
        Of the shocks.
    venue : Venue
        With today's depth.
    as_of : Timestamp or None
        Of the accounts.
    provenance : Provenance
        Of the accounts.
    """

    frame: pd.DataFrame
    criterion: Criterion
    direction: Direction
    venue: Venue
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def shocks(self) -> pd.DataFrame:
        """Threshold (decimal; NaN for none) by leverage (rows) and depth (columns)."""
        return self.frame.pivot(index="leverage", columns="depth", values="shock")

    @property
    def states(self) -> pd.DataFrame:
        """Status of the threshold by leverage (rows) and depth (columns)."""
        return self.frame.pivot(index="leverage", columns="depth", values="status")

    def state_at(self, shock: float) -> pd.DataFrame:
        """Return whether a shock (size, decimal) breaks the venue, by leverage (rows) and depth (columns).

        A venue that a smaller shock breaks counts as broken. NaN, then the values are objects: the shock is larger than
        all that were tried, none of which broke the venue.
        """
        size = check_positive(shock, argument="shock", unit="decimal")
        broken = self.shocks <= size
        unknown = ~broken & (self.frame.pivot(index="leverage", columns="depth", values="largest") < size)
        return broken.astype(object).mask(unknown, np.nan) if unknown.to_numpy().any() else broken

    @property
    def headline(self) -> str:
        """Range of thresholds and their places in one line."""
        found = self.frame.dropna(subset=["shock"])
        if found.empty:
            return f"{len(self.frame)} cells, none breaks"
        ends = (found.loc[found["shock"].idxmin()], found.loc[found["shock"].idxmax()])
        words = [f"{percent_to(r['shock'], 2)} at leverage {r['leverage']:g} and {r['depth']:g}x depth" for r in ends]
        move = "fall" if self.direction == "down" else "rise"
        return f"{len(self.frame)} cells, smallest {move} that breaks: from {words[0]} to {words[1]}"

    def summary(self) -> pd.DataFrame:
        """Return thresholds (decimal) by leverage (rows) and depth (columns)."""
        return self.shocks

    def to_frame(self) -> pd.DataFrame:
        """Return one row a cell."""
        return self.frame


def post_to_cap(accounts: LeveragedAccounts, leverage: float, price: float) -> LeveragedAccounts:
    """Return the accounts after those above a cap posted collateral: `cap_leverage`."""
    return cap_leverage(accounts, leverage, price=price).accounts


def phase_diagram(
    accounts: LeveragedAccounts,
    venue: Venue,
    *,
    leverages: Sequence[float],
    depths: Sequence[float],
    criterion: Criterion = "fund_exhausted",
    direction: Direction = "down",
    amplification: float = 2.0,
    lever: Lever = post_to_cap,
    n_scan: int = 64,
    tolerance: float = 1e-5,
) -> PhaseDiagram:
    """Return the fracture threshold for every leverage and depth.

    Parameters
    ----------
    accounts : LeveragedAccounts
        Today's, with equity at the venue's price.
    venue : Venue
        With today's impact law and fund; the fund does not move with leverage or depth.
    leverages : sequence of float
        Rising, at least 1: by default caps, to which accounts above them post collateral.
    depths : sequence of float
        Multiples of today's depth, rising, positive.
    criterion, direction, amplification, n_scan, tolerance
        As in `fracture_threshold`.
    lever : callable
        (accounts, leverage, price) to accounts: what a leverage does to the book.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ArgumentError
        For leverages or depths that do not rise or are out of range.
    DataError
        As `cap_leverage` and `fracture_threshold`.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1e4, leverage=np.linspace(2, 50, 200), side="long",
    ...                                        maintenance_rate=0.005)
    >>> venue = Venue(price=100.0, impact=LinearImpact(1e-6), fund=1e4, leftover="returned")
    >>> diagram = phase_diagram(book, venue, leverages=[5, 50], depths=[0.5, 1.0, 2.0])
    >>> diagram.shocks.round(3).to_numpy().tolist()
    [[0.196, 0.198, 0.202], [0.026, 0.032, 0.035]]
    """
    check_kind(accounts, LeveragedAccounts, argument="accounts")
    check_kind(venue, Venue, argument="venue")
    caps = _check_rising(leverages, "leverages", 1.0)
    multiples = _check_rising(depths, "depths", 0.0)
    today = venue.impact
    rows: list[dict[str, object]] = []
    for cap in progress(caps, label="leverages"):
        book = lever(accounts, cap, venue.price)
        coins = float(np.abs(book.quantity[book.quantity * (1.0 if direction == "down" else -1.0) > 0.0]).sum())
        ladder = prepare_book(book, venue)
        for depth in multiples:
            law = scale_depth(today, depth)
            found = fracture_threshold(
                ladder, replace(venue, impact=law), criterion=criterion, direction=direction,
                amplification=amplification, n_scan=n_scan, tolerance=tolerance,
            )  # fmt: skip
            near = law.coins_for(0.01, trade="sale" if direction == "down" else "purchase")
            rows.append(
                {
                    "leverage": cap,
                    "depth": depth,
                    "status": found.status,
                    "shock": found.shock,
                    "largest": found.largest,
                    "oi_to_depth": coins / near if near > 0.0 else np.inf,
                    "bad_debt": found.at["bad_debt"],
                    "liquidated_share": found.at["liquidated_share"],
                }
            )
    return PhaseDiagram(
        frame=freeze(pd.DataFrame(rows)),
        criterion=criterion,
        direction=direction,
        venue=venue,
        as_of=accounts.as_of,
        provenance=accounts.provenance,
    )


def _check_rising(values: Sequence[float], argument: str, least: float) -> list[float]:
    numbers = check_floats(values, argument=argument)
    low = numbers >= least if least else numbers > least
    if numbers.ndim != 1 or not numbers.size or not (low & np.isfinite(numbers)).all() or (np.diff(numbers) <= 0).any():
        rule = f"must be rising finite numbers of at least {least:g}" if least else "must be rising positive numbers"
        got = ", ".join(f"{x:g}" for x in numbers.ravel()[:5]) or "none"
        raise ArgumentError(argument, rule, got, "sort them and leave out what is out of range")
    return [float(x) for x in numbers]
