"""How a venue answers shocks of many sizes: amplification, liquidations and bad debt against the shock."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_count, check_floats, check_kind
from volkit.contagion.cascade import LeveragedAccounts, LiquidationLadder, Venue, cascade_paths
from volkit.contagion.cascade.ladder import Book, provenance_of
from volkit.contagion.cascade.losses import unpaid_losses
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = [
    "DIRECTIONS",
    "FARTHEST",
    "MOVES",
    "AmplificationCurve",
    "Direction",
    "amplification_curve",
    "check_shocks",
    "check_steps",
    "prepare_book",
    "shock_paths",
    "shock_range",
    "shock_responses",
    "sign_of",
]

Floats = npt.NDArray[np.float64]
Direction = Literal["down", "up"]
DIRECTIONS: tuple[Direction, Direction] = ("down", "up")
MOVES: dict[Direction, str] = {"down": "fall", "up": "rise"}
# Sizes up to which is searched at all, decimals of the price.
FARTHEST: dict[Direction, float] = {"down": 0.99, "up": 9.0}
_BEYOND = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class AmplificationCurve(ResultDisplay):
    """What shocks of rising size come to.

    Attributes
    ----------
    frame : DataFrame, shape (n_shocks, 11)
        Index shock (size, decimal of the price). Columns price (farthest, USD per coin), amplification (its log move
        over the shock's), liquidated_share (of the coins of the side that the direction liquidates), accounts and
        notional (USD) liquidated, rounds, bad_debt (USD, beyond collateral), open_deficit (USD, what accounts that are
        still open at the end and should be closed owe beyond theirs), unpaid (USD, of both beyond fund and skin in the
        game), fund_end (USD), and status as in `CascadeRun`.
    direction : {"down", "up"}
        Of the shocks: down liquidates longs, up liquidates shorts.
    venue : Venue
        Rules and start.
    steps, over : int
        From the start to the end, and those over which the shock came.
    provenance : Provenance
        Of the accounts.
    """

    frame: pd.DataFrame
    direction: Direction
    venue: Venue
    steps: int
    over: int
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def most_amplified(self) -> float:
        """Size of the shock with the largest amplification, decimal."""
        return float(self.frame["amplification"].idxmax())

    @property
    def headline(self) -> str:
        """Largest amplification, where it is, and the largest loss in one line."""
        worst, frame = self.most_amplified, self.frame
        word = MOVES[self.direction]
        return (
            f"{len(frame)} shocks to a {word} of {frame.index.max():.3g}, amplification at most "
            f"{frame['amplification'].max():.3g}x (at {worst:.4g}), bad debt at most {frame['bad_debt'].max():,.4g} USD"
        )

    def summary(self) -> pd.DataFrame:
        """Return some ten of the shocks, units in the column labels."""
        rows = np.unique(np.linspace(0, len(self.frame) - 1, 10).astype(int))
        return self.frame.iloc[rows].rename(
            columns={
                "price": "price (USD per coin)",
                "notional": "notional (USD)",
                "bad_debt": "bad debt (USD)",
                "unpaid": "unpaid (USD)",
                "fund_end": "fund at the end (USD)",
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a shock."""
        return self.frame


def amplification_curve(
    accounts: Book,
    venue: Venue,
    *,
    shocks: npt.ArrayLike | None = None,
    direction: Direction = "down",
    n_shocks: int = 100,
    steps: int | None = None,
    over: int = 1,
) -> AmplificationCurve:
    """Return what shocks of rising size come to.

    Parameters
    ----------
    accounts : LeveragedAccounts or LiquidationLadder
        Who may be liquidated.
    venue : Venue
        Impact, fund, rules and mitigations.
    shocks : array-like, optional
        Sizes, decimals of the price, above 0 (and below 1 downwards), rising; by default equal steps of the log price
        up to the last liquidation price of the side.
    direction : {"down", "up"}
        Of the shocks.
    n_shocks : int
        Without `shocks`.
    steps : int, optional
        From the start to the end, at least `over`, which is the default; nothing exogenous happens after the shock.
    over : int
        Steps over which the shock comes in equal log moves: 1 is a gap, more a slide.

    Returns
    -------
    AmplificationCurve

    Raises
    ------
    ArgumentError
        For shocks out of range.
    DataError
        When the direction liquidates nobody.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> levels = np.exp(-(np.arange(10_000) + 0.5) / 10_000)
    >>> ladder = LiquidationLadder.from_levels(liquidation_price=levels, bankruptcy_price=0.99 * levels,
    ...                                        quantity=np.full(10_000, 1e-4))
    >>> curve = amplification_curve(ladder, Venue(price=1.0, impact=LinearImpact(0.5)), shocks=[0.05, 0.1])
    >>> curve.frame["amplification"].round(2).tolist()
    [2.0, 2.0]
    """
    check_kind(venue, Venue, argument="venue")
    check_count(n_shocks, argument="n_shocks", minimum=2, unit="shocks")
    book = prepare_book(accounts, venue)
    steps = check_steps(steps, over)
    if shocks is None:
        check_count(n_shocks, argument="n_shocks", minimum=2, unit="shocks")
        _, farthest = shock_range(book, venue, direction)
        z = sign_of(direction)
        sizes = z * np.expm1(np.linspace(0.0, z * np.log1p(z * farthest), n_shocks + 1)[1:] * z)
    else:
        sizes = check_shocks(shocks, direction)
    frame = shock_responses(book, venue, sizes, direction=direction, steps=steps, over=over)
    return AmplificationCurve(
        frame=freeze(frame),
        direction=direction,
        venue=venue,
        steps=steps,
        over=over,
        as_of=accounts.as_of if isinstance(accounts, LeveragedAccounts) else None,
        provenance=provenance_of(accounts),
    )


def sign_of(direction: Direction) -> float:
    """Return -1 for down and 1 for up.

    Raises
    ------
    ArgumentError
        For another direction.
    """
    return -1.0 if check_choice(direction, argument="direction", choices=DIRECTIONS) == "down" else 1.0


def prepare_book(accounts: Book, venue: Venue) -> Book:
    """Return the ladder of accounts where the engine can do with one, so that it is sorted once for many shocks."""
    needs_accounts = venue.partial is not None or venue.dynamic_margin is not None
    if isinstance(accounts, LeveragedAccounts) and not needs_accounts:
        return LiquidationLadder.from_accounts(accounts)
    return accounts


def shock_range(book: Book, venue: Venue, direction: Direction) -> tuple[float, float]:
    """Return the sizes of the shocks that reach the first and the last account of a side, decimals of the price.

    Accounts that no price liquidates do not count; a fall ends at 0.99, a rise at 9.

    Raises
    ------
    DataError
        When the direction liquidates nobody.
    """
    z = sign_of(direction)
    ladder = LiquidationLadder.from_accounts(book) if isinstance(book, LeveragedAccounts) else book
    levels = ladder.long.level if z < 0.0 else -ladder.short.level
    distances = z * (levels[levels > 0.0] / venue.price - 1.0)
    if not distances.size:
        side = "longs" if z < 0.0 else "shorts"
        raise DataError(
            "accounts", f"must have {side} that can be liquidated", "none", "choose the other direction, or add them"
        )
    # Just beyond the last one: a price on the level itself is a matter of rounding.
    reach = float(distances.max()) * (1.0 + _BEYOND) + _BEYOND
    return max(float(distances.min()), 0.0), min(max(reach, _BEYOND), FARTHEST[direction])


def check_steps(steps: int | None, over: int) -> int:
    """Return the steps in all, by default those over which a shock comes.

    Raises
    ------
    ArgumentError
        When one is not a whole number of at least 1, or there are fewer in all than the shock takes.
    """
    check_count(over, argument="over", unit="steps")
    if steps is None:
        return over
    if check_count(steps, argument="steps", unit="steps") < over:
        rule, remedy = f"must be at least over, {over}", "raise steps, or leave it out"
        raise ArgumentError("steps", rule, f"{steps}", remedy)
    return steps


def shock_paths(sizes: npt.ArrayLike, *, direction: Direction, steps: int, over: int) -> Floats:
    """Return exogenous prices over the start, shape (n_shocks, max(steps, over)): equal log moves, then nothing.

    Examples
    --------
    >>> shock_paths([0.19], direction="down", steps=3, over=2).round(3).tolist()
    [[0.9, 0.81, 0.81]]
    """
    move = np.log1p(sign_of(direction) * np.asarray(sizes, dtype=np.float64))
    done = np.minimum(np.arange(1, max(steps, over) + 1) / over, 1.0)
    return np.asarray(np.exp(move[:, None] * done))


def shock_responses(
    book: Book, venue: Venue, sizes: npt.ArrayLike, *, direction: Direction, steps: int = 1, over: int = 1
) -> pd.DataFrame:
    """Return the frame of an `AmplificationCurve` for sizes that were checked; 0 is allowed and amplifies 1.

    A cascade in which the market had nothing left to trade has an infinite amplification.
    """
    z = sign_of(direction)
    s = np.asarray(sizes, dtype=np.float64)
    paths = shock_paths(s, direction=direction, steps=steps, over=over)
    totals = cascade_paths(book, venue, paths, series=False).totals
    side, end = ("long", "low_price") if z < 0.0 else ("short", "high_price")
    move, alone = z * np.log(totals[end].to_numpy() / venue.price), z * np.log1p(z * s)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Without liquidations the two differ by rounding only.
        moved = (totals[f"{side}_accounts"].to_numpy() > 0.0) & (move > alone)
        ratio = np.where(moved, move / alone, 1.0)
    ratio[(totals["status"] == "no depth").to_numpy()] = np.inf
    coins = _coins(book, z)
    return pd.DataFrame(
        {
            "price": totals[end].to_numpy(),
            "amplification": ratio,
            "liquidated_share": np.minimum(totals[f"{side}_quantity"].to_numpy() / coins, 1.0),
            "accounts": totals[f"{side}_accounts"].to_numpy(),
            "notional": totals[f"{side}_notional"].to_numpy(),
            "rounds": totals["rounds"].to_numpy(),
            "bad_debt": totals["bad_debt"].to_numpy(),
            "open_deficit": totals["open_deficit"].to_numpy(),
            "unpaid": np.asarray(unpaid_losses(totals, venue)),
            "fund_end": totals["fund_end"].to_numpy(),
            "status": totals["status"].to_numpy(),
        },
        index=pd.Index(s, name="shock"),
    )


def _coins(book: Book, z: float) -> float:
    if isinstance(book, LeveragedAccounts):
        return float(np.abs(book.quantity[book.quantity * z < 0.0]).sum())
    side = book.long if z < 0.0 else book.short
    return float(side.sums[-1, 0])


def check_shocks(shocks: npt.ArrayLike, direction: Direction) -> Floats:
    """Return sizes of shocks that rise and lie in the range of a direction.

    Raises
    ------
    ArgumentError
        When they do not.
    """
    sizes = np.atleast_1d(check_floats(shocks, argument="shocks"))
    most = 1.0 if sign_of(direction) < 0.0 else np.inf
    fits = sizes.ndim == 1 and sizes.size > 0 and bool(((sizes > 0.0) & (sizes < most)).all())
    if not fits or (np.diff(sizes) <= 0.0).any():
        rule = f"must be rising sizes above 0 and below {most:g}" if most == 1.0 else "must be rising sizes above 0"
        got = ", ".join(f"{x:g}" for x in sizes.ravel()[:4]) or "none"
        raise ArgumentError("shocks", rule, got, "pass sizes without a sign, decimals: 0.1 for 10 %")
    return sizes
