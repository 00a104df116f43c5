"""The smallest shock that breaks a venue, found by scan and search."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_count, check_kind, check_positive, real_number
from volkit.contagion.cascade import LeveragedAccounts, LiquidationLadder, Venue
from volkit.contagion.cascade.ladder import Book, provenance_of
from volkit.contagion.fracture.response import (
    FARTHEST,
    MOVES,
    Direction,
    check_shocks,
    check_steps,
    prepare_book,
    shock_range,
    shock_responses,
    sign_of,
)
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CRITERIA", "Criterion", "FractureThreshold", "fracture_threshold"]

Floats = npt.NDArray[np.float64]
Criterion = Literal["fund_exhausted", "bad_debt", "amplification", "all_liquidated"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
_WORDS = {
    "fund_exhausted": "losses beyond the fund",
    "bad_debt": "bad debt above the fund",
    "amplification": "amplification of {:g}x",
    "all_liquidated": "whole side liquidated",
}
# What still grows when the last account is reached: the farther the price, the less their coins fetch.
_GROWING = ("fund_exhausted", "bad_debt")
# Beyond the last account nothing new happens: shocks of the scan there, as a part of those before.
_SPARSER = 4
# Shocks tried at once within a bracket.
_SECTIONS = 16
_MOST_SEARCHES = 60
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class FractureThreshold(ResultDisplay):
    """The smallest shock found to break a venue.

    Attributes
    ----------
    criterion : str
        What counts as breaking, see `fracture_threshold`.
    amplification : float
        That counts as breaking under the criterion of that name; not used by the others.
    direction : {"down", "up"}
        Of the shock.
    status : {"found", "always", "none"}
        ``always``: broken without a shock. ``none``: no shock up to `largest` breaks it.
    shock : float
        Size of the smallest breaking shock, decimal of the price: the upper end of the bracket. 0 for ``always``, NaN
        for ``none``.
    safe : float
        Lower end of the bracket: the next smaller shock that was tried and did not break it; NaN for ``always``.
    largest : float
        Size up to which was searched.
    steps, over : int
        From the start to the end, and those over which the shock came: 1 is a gap, more a slide.
    scan : DataFrame
        All shocks tried, in order: as the frame of `AmplificationCurve`, with is_broken.
    venue : Venue
        Rules and start.
    as_of : Timestamp or None
        Of the accounts.
    provenance : Provenance
        Of the accounts.
    """

    criterion: Criterion
    amplification: float
    direction: Direction
    status: Literal["found", "always", "none"]
    shock: float
    safe: float
    largest: float
    steps: int
    over: int
    scan: pd.DataFrame
    venue: Venue
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def words(self) -> str:
        """The criterion in words."""
        return _WORDS[self.criterion].format(self.amplification)

    @property
    def log_shock(self) -> float:
        """The shock as a log move of the price, positive."""
        z = sign_of(self.direction)
        return float(z * np.log1p(z * self.shock))

    @property
    def is_monotone(self) -> bool:
        """Whether every larger shock that was tried breaks the venue too."""
        broken = self.scan["is_broken"].to_numpy()
        return bool(np.all(np.diff(broken.astype(np.int8)) >= 0))

    @property
    def at(self) -> pd.Series:
        """What the threshold shock comes to: row of the scan; the largest shock's for ``none``."""
        return self.scan.loc[self.largest if self.status == "none" else self.shock]

    @property
    def headline(self) -> str:
        """Criterion, shock and bracket in one line."""
        word = MOVES[self.direction] + (f" over {self.over} steps" if self.over > 1 else "")
        if self.status == "none":
            return f"{self.words}: no {word} up to {self.largest:.4g} does it"
        if self.status == "always":
            return f"{self.words}: without a shock"
        hint = "" if self.is_monotone else ", though some larger shocks do not"
        return (
            f"{self.words}: from a {word} of {percent_to(self.shock, 4)} on (safe at {percent_to(self.safe, 4)}){hint}"
        )

    def summary(self) -> pd.DataFrame:
        """Return shock, bracket and what the shock comes to, units in the labels."""
        at = self.at
        rows = {
            "status": self.status,
            "smallest breaking shock (decimal)": self.shock,
            "largest smaller shock tried (decimal)": self.safe,
            "searched to (decimal)": self.largest,
            "steps of the shock": self.over,
            "steps in all": self.steps,
            "larger shocks break too": self.is_monotone,
            "farthest price (USD per coin)": at["price"],
            "amplification (ratio)": at["amplification"],
            "liquidated share of the side": at["liquidated_share"],
            "bad debt (USD)": at["bad_debt"],
            "deficit of accounts left open (USD)": at["open_deficit"],
            "unpaid by fund and skin (USD)": at["unpaid"],
        }
        return pd.Series(rows, name="value", dtype=object).rename_axis(self.words).to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return all shocks that were tried."""
        return self.scan


def fracture_threshold(
    accounts: Book,
    venue: Venue,
    *,
    criterion: Criterion = "fund_exhausted",
    direction: Direction = "down",
    amplification: float = 2.0,
    largest: float | None = None,
    also: npt.ArrayLike = (),
    n_scan: int = 128,
    tolerance: float = 1e-7,
    steps: int | None = None,
    over: int = 1,
) -> FractureThreshold:
    """Return the smallest shock that breaks a venue.

    Parameters
    ----------
    accounts : LeveragedAccounts or LiquidationLadder
        Who may be liquidated.
    venue : Venue
        Impact, fund, rules and mitigations.
    criterion : str
        ``fund_exhausted``: losses go beyond skin in the game and fund, which also takes in what liquidations leave.
        ``bad_debt``: losses exceed skin and fund as they were at the start. Losses are bad debt, and what accounts that
        are still open at the end and should be closed owe then. ``amplification``: the log move of the price is at
        least `amplification` times the shock's. ``all_liquidated``: all coins of the side are liquidated. A market
        with nothing left to trade counts as broken under each.
    direction : {"down", "up"}
        Of the shock.
    amplification : float
        Above 1, for the criterion of that name.
    largest : float, optional
        Largest size tried, decimal; by default that which reaches the last account, and under ``fund_exhausted`` and
        ``bad_debt``, where losses grow beyond it, 0.99 down and 9 up.
    also : array-like, optional
        Sizes to be tried besides, decimals.
    n_scan : int
        Shocks tried first, in equal steps of the log price from the first account to the last; beyond that a quarter
        as many more.
    tolerance : float
        Width to which the bracket is narrowed, decimal of the price.
    steps : int, optional
        From the start to the end, at least `over`, which is the default.
    over : int
        Steps over which the shock comes in equal log moves: 1 is a gap, more a slide.

    Returns
    -------
    FractureThreshold

    Raises
    ------
    ArgumentError
        For a value out of range.
    DataError
        When the direction liquidates nobody.

    Notes
    -----
    A larger shock is not always worse: it closes more accounts in the first batch, at a price that their own sale has
    moved less than halfway, and leaves fewer for later. So the scan comes first, and the search narrows the gap below
    the first broken shock of the scan. A broken interval narrower than a step of the scan may be missed; `is_monotone`
    says whether the scan saw such things above the threshold.

    Examples
    --------
    >>> from volkit.contagion.cascade import LiquidationLadder
    >>> from volkit.impact.laws import LinearImpact
    >>> levels = np.exp(-0.5 * (np.arange(10_000) + 0.5) / 10_000)
    >>> ladder = LiquidationLadder.from_levels(liquidation_price=levels, bankruptcy_price=0.99 * levels,
    ...                                        quantity=np.full(10_000, 1e-4))
    >>> found = fracture_threshold(ladder, Venue(price=1.0, impact=LinearImpact(0.25)), criterion="all_liquidated")
    >>> round(found.log_shock, 3), found.status  # farthest less feedback times width: 0.5 - 0.5 x 0.5
    (0.25, 'found')
    """
    check_kind(accounts, LeveragedAccounts, LiquidationLadder, argument="accounts")
    check_kind(venue, Venue, argument="venue")
    check_choice(criterion, argument="criterion", choices=CRITERIA)
    check_count(n_scan, argument="n_scan", minimum=2, unit="shocks")
    check_positive(tolerance, argument="tolerance", unit="decimal of the price")
    steps = check_steps(steps, over)
    if not real_number(amplification, argument="amplification") > 1.0:
        raise ArgumentError("amplification", "must be above 1", f"{amplification!r}", "pass for example 2.0")
    book = prepare_book(accounts, venue)
    nearest, farthest = shock_range(book, venue, direction)
    grows = criterion in _GROWING
    end = (FARTHEST[direction] if grows else farthest) if largest is None else _check_largest(largest, direction)
    besides = check_shocks(also, direction) if np.size(also) else np.zeros(0)
    end = max([end, *besides])
    search = _Search(book, venue, criterion, amplification, direction, steps, over)
    tried = search.responses(np.unique([0.0, *_scan_sizes(nearest, farthest, end, direction, n_scan), *besides]))
    broken = np.flatnonzero(tried["is_broken"].to_numpy())
    status: Literal["found", "always", "none"] = "found"
    if not broken.size:
        status, shock, safe = "none", np.nan, end
    elif broken[0] == 0:
        status, shock, safe = "always", 0.0, np.nan
    else:
        safe, shock = (float(tried.index[broken[0] - 1]), float(tried.index[broken[0]]))
        more, safe, shock = search.narrow(safe, shock, tolerance)
        tried = pd.concat([tried, more]).sort_index()
    return FractureThreshold(
        criterion=criterion,
        amplification=float(amplification),
        direction=direction,
        status=status,
        shock=shock,
        safe=safe,
        largest=end,
        steps=steps,
        over=over,
        scan=freeze(tried),
        venue=venue,
        as_of=accounts.as_of if isinstance(accounts, LeveragedAccounts) else None,
        provenance=provenance_of(accounts),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """Shocks tried on one venue under one criterion."""

    book: Book
    venue: Venue
    criterion: Criterion
    amplification: float
    direction: Direction
    steps: int
    over: int

    def responses(self, sizes: Floats) -> pd.DataFrame:
        frame = shock_responses(
            self.book, self.venue, sizes, direction=self.direction, steps=self.steps, over=self.over
        )
        return frame.assign(is_broken=self.is_broken(frame))

    def is_broken(self, frame: pd.DataFrame) -> Floats:
        if self.criterion == "fund_exhausted":
            hit = frame["unpaid"] > 0.0
        elif self.criterion == "bad_debt":
            hit = frame["bad_debt"] + frame["open_deficit"] > self.venue.fund + self.venue.skin_in_the_game
        elif self.criterion == "amplification":
            hit = frame["amplification"] >= self.amplification
        else:
            hit = frame["liquidated_share"] >= 1.0 - _ROUNDING
        return np.asarray(hit | (frame["status"] == "no depth"))

    def narrow(self, safe: float, broken: float, tolerance: float) -> tuple[pd.DataFrame, float, float]:
        """Return the shocks tried, and the bracket narrowed below its first broken shock."""
        parts = []
        for _ in range(_MOST_SEARCHES):
            inside = np.linspace(safe, broken, _SECTIONS + 2)[1:-1]
            if broken - safe <= tolerance or inside[0] <= safe or inside[-1] >= broken:
                break
            tried = self.responses(inside)
            hit = np.flatnonzero(tried["is_broken"].to_numpy())
            first = int(hit[0]) if hit.size else len(inside)
            broken = float(inside[first]) if hit.size else broken
            safe = float(inside[first - 1]) if first else safe
            parts.append(tried)
        return pd.concat(parts) if parts else pd.DataFrame(), safe, broken


def _scan_sizes(nearest: float, farthest: float, end: float, direction: Direction, n_scan: int) -> Floats:
    """Return sizes from the first account to the last, and on to the end, in equal steps of the log price."""
    z = sign_of(direction)
    last = min(farthest, end)
    start, last, most = (z * np.log1p(z * x) for x in (min(nearest, 0.5 * last), last, end))
    beyond = np.linspace(last, most, n_scan // _SPARSER + 2) if most > last else np.zeros(0)
    return np.append(z * np.expm1(z * np.append(np.linspace(start, last, n_scan), beyond)), end)


def _check_largest(largest: float, direction: Direction) -> float:
    size, most = float(largest), 1.0 if sign_of(direction) < 0.0 else np.inf
    if not 0.0 < size < most:
        rule = "must be a size above 0 and below 1" if most == 1.0 else "must be a finite size above 0"
        raise ArgumentError("largest", rule, f"{largest!r}", "pass a decimal without a sign, e.g. 0.5")
    return size
