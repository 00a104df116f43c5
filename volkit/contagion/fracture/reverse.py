"""Reverse stress: the smallest shocks, down and up, whose bad debt exceeds the fund."""

from dataclasses import dataclass

import pandas as pd

from volkit.contagion.cascade import Venue
from volkit.contagion.cascade.ladder import Book
from volkit.contagion.fracture.response import DIRECTIONS, Direction, prepare_book, shock_range, sign_of
from volkit.contagion.fracture.threshold import FractureThreshold, fracture_threshold
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay

__all__ = ["FractureThresholds", "fracture_thresholds"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FractureThresholds(ResultDisplay):
    """The smallest shocks whose bad debt, open deficit included, exceeds what a venue holds against it, down and up.

    Attributes
    ----------
    thresholds : dict of direction to FractureThreshold
        Under the criterion ``bad_debt``; a direction that liquidates nobody is left out.
    """

    thresholds: dict[Direction, FractureThreshold]

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Of the accounts."""
        return next(iter(self.thresholds.values())).as_of

    @property
    def provenance(self) -> Provenance:
        """Of the accounts."""
        return next(iter(self.thresholds.values())).provenance

    @property
    def headline(self) -> str:
        """Both shocks in one line."""
        held = next(iter(self.thresholds.values())).venue
        words = [
            f"{direction} {percent_to(t.shock, 2)}" if t.status == "found" else f"{direction} {t.status}"
            for direction, t in self.thresholds.items()
        ]
        return f"bad debt above {held.fund + held.skin_in_the_game:,.0f} USD from a move of: {', '.join(words)}"

    def summary(self) -> pd.DataFrame:
        """Return one row a direction: shock and price where it breaks, and what it comes to."""
        rows = {}
        for direction, t in self.thresholds.items():
            at = t.at
            rows[direction] = {
                "status": t.status,
                "shock (decimal)": t.shock,
                "safe (decimal)": t.safe,
                "price after the shock (USD)": t.venue.price * (1.0 + sign_of(direction) * t.shock),
                "farthest price (USD)": at["price"],
                "amplification": at["amplification"],
                "liquidated share": at["liquidated_share"],
                "bad debt (USD)": at["bad_debt"],
                "deficit of accounts left open (USD)": at["open_deficit"],
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("direction")

    def to_frame(self) -> pd.DataFrame:
        """Return the same as `summary`."""
        return self.summary()


def fracture_thresholds(
    accounts: Book, venue: Venue, *, tolerance: float = 1e-7, steps: int | None = None, over: int = 1
) -> FractureThresholds:
    """Return the smallest shocks in both directions whose bad debt exceeds the fund.

    Parameters
    ----------
    accounts, venue, tolerance, steps, over
        As in `fracture_threshold`.

    Returns
    -------
    FractureThresholds
        Directions that can liquidate somebody.

    Raises
    ------
    DataError
        When neither direction can.

    Examples
    --------
    >>> from volkit.contagion.cascade import LeveragedAccounts
    >>> from volkit.impact.laws import LinearImpact
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1e4, leverage=[5, 10, 20], side="long",
    ...                                        maintenance_rate=0.005)
    >>> fracture_thresholds(book, Venue(price=100.0, impact=LinearImpact(1e-6), fund=500.0))
    <FractureThresholds: bad debt above 500 USD from a move of: down 9.99 %>
    """
    ladder = prepare_book(accounts, venue)
    found: dict[Direction, FractureThreshold] = {}
    sides = [d for d in DIRECTIONS if _has_side(ladder, venue, d)]
    # Nobody on either side: the first direction's refusal says so.
    for direction in sides or DIRECTIONS[:1]:
        found[direction] = fracture_threshold(
            accounts, venue, criterion="bad_debt", direction=direction, tolerance=tolerance, steps=steps, over=over
        )
    return FractureThresholds(thresholds=found)


def _has_side(book: Book, venue: Venue, direction: Direction) -> bool:
    try:
        shock_range(book, venue, direction)
    except ArgumentError:
        return False
    return True
