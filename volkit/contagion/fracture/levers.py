"""What a venue can turn: leverage caps re-applied to accounts, and depth of the market as a multiple of today's."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_positive
from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.errors import ArgumentError, DataError
from volkit.impact.law import ImpactLaw
from volkit.impact.laws import BookImpact, LinearImpact, PoolImpact, SquareRootImpact
from volkit.results import Provenance, ResultDisplay

__all__ = ["CAPPING", "Capping", "LeverageCap", "cap_leverage", "scale_depth"]

Floats = npt.NDArray[np.float64]
Capping = Literal["post", "cut"]
CAPPING: tuple[Capping, Capping] = ("post", "cut")
# A cap of exactly today's leverage must not touch the account over a rounding error.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LeverageCap(ResultDisplay):
    """Accounts after a leverage cap, and what it took.

    Attributes
    ----------
    accounts : LeveragedAccounts
        None above the cap.
    how : {"post", "cut"}
        Whether accounts above the cap posted more collateral or cut their position.
    n_capped : int
        Accounts that were above it.
    posted : float
        Collateral that they posted, USD.
    cut : float
        Coins that they closed, longs and shorts added up without sign.
    """

    accounts: LeveragedAccounts
    how: Capping
    n_capped: int
    posted: float
    cut: float

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Instant (UTC) of the accounts, when given."""
        return self.accounts.as_of

    @property
    def provenance(self) -> Provenance:
        """Of the accounts."""
        return self.accounts.provenance

    @property
    def headline(self) -> str:
        """How many accounts were above the cap and what they did, in one line."""
        did = f"posted {self.posted:,.0f} USD" if self.how == "post" else f"closed {self.cut:,.6g} coins"
        return f"{self.n_capped:,} of {len(self.accounts.table):,} accounts above the cap {did}"

    def summary(self) -> pd.DataFrame:
        """Return counts, USD and coins in one column."""
        rows = {"accounts above the cap": self.n_capped, "posted (USD)": self.posted, "closed (coins)": self.cut}
        return pd.Series(rows, name="value", dtype=float).rename_axis("leverage cap").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the accounts."""
        return self.accounts.to_frame()


def cap_leverage(
    accounts: LeveragedAccounts, leverage: npt.ArrayLike, *, price: float, how: Capping = "post"
) -> LeverageCap:
    """Return accounts none of which has more leverage at a price than a cap.

    Parameters
    ----------
    accounts : LeveragedAccounts
        Each with equity above zero at the price.
    leverage : float or array-like, shape (n_accounts,)
        Largest notional over equity at the price, at least 1; one for all, or one an account.
    price : float
        USD per coin.
    how : {"post", "cut"}
        ``post``: an account above the cap adds collateral until it stands at it. ``cut``: it closes part of its
        position at the price, without impact, and keeps its equity; open interest of the sides then differs. A short
        that lost so much that its collateral would exceed its notional at entry books part of that loss: its entry
        price rises to where both are equal, its equity at any price stays.

    Returns
    -------
    LeverageCap
        Accounts below the cap are as they were.

    Raises
    ------
    ArgumentError
        For a cap below 1, a price that is not positive, or an unknown way.
    DataError
        For accounts without equity at the price, or a cap for each of another number of accounts.

    Examples
    --------
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1_000.0, leverage=[5, 20], side="long",
    ...                                        maintenance_rate=0.005)
    >>> cap_leverage(book, 10, price=100.0)
    <LeverageCap: 1 of 2 accounts above the cap posted 50 USD>
    >>> cap_leverage(book, 10, price=100.0, how="cut").accounts.quantity.tolist()
    [10.0, 5.0]
    """
    P = check_positive(price, argument="price", unit="USD per coin")
    check_choice(how, argument="how", choices=CAPPING)
    cap = _check_caps(leverage, len(accounts.table))
    q, C = accounts.quantity, accounts.collateral
    equity, notional = accounts.equity(P), np.abs(q) * P
    if (equity <= 0.0).any():
        n = int((equity <= 0.0).sum())
        remedy = "drop them, or run the cascade at that price first"
        raise DataError("accounts", "must have equity at the price of the cap", f"{n} without", remedy)
    above = notional > cap * equity * (1.0 + _ROUNDING)
    if how == "post":
        posted = np.where(above, notional / cap - equity, 0.0)
        return _capped(accounts, how, q, C + posted, above, posted=float(posted.sum()), cut=0.0)
    kept = np.where(above, np.sign(q) * cap * equity / P, q)
    # The part that is closed realises its profit or loss, so that equity stays.
    collateral = C + (q - kept) * (P - accounts.entry_price)
    return _capped(accounts, how, kept, collateral, above, posted=0.0, cut=float(np.abs(q - kept).sum()))


def _check_caps(leverage: npt.ArrayLike, n: int) -> Floats:
    cap = np.asarray(leverage, dtype=np.float64)
    if cap.ndim and cap.shape != (n,):
        raise DataError("leverage", "must be one cap, or one an account", f"shape {cap.shape}", f"pass {n} of them")
    if not (cap >= 1.0).all():
        low = np.min(cap) if not np.isnan(cap).any() else np.nan
        raise ArgumentError("leverage", "must be at least 1", f"{low:g}", "pass notional over equity, e.g. 20")
    return cap


def _capped(
    accounts: LeveragedAccounts,
    how: Capping,
    quantity: Floats,
    collateral: Floats,
    above: npt.NDArray[np.bool_],
    *,
    posted: float,
    cut: float,
) -> LeverageCap:
    # A short that lost since entry may hold more than its notional was at entry, where leverage of one is the least:
    # entry and collateral move together, so that the sum of collateral and notional at entry stays.
    entry, size = accounts.entry_price, np.abs(quantity)
    is_booked = above & (quantity < 0.0) & (collateral > size * entry)
    half = 0.5 * (collateral + size * entry)
    table = accounts.table.assign(
        quantity=quantity,
        entry_price=np.where(is_booked, half / size, entry),
        collateral=np.where(is_booked, half, collateral),
    )
    changed = rebuilt(accounts, table)
    return LeverageCap(accounts=changed, how=how, n_capped=int(above.sum()), posted=posted, cut=cut)


def rebuilt(accounts: LeveragedAccounts, table: pd.DataFrame) -> LeveragedAccounts:
    """Return accounts of a changed table under the rates or tiers of the old ones."""
    plain = table.drop(columns=["maintenance_amount"])
    return LeveragedAccounts.from_frame(
        plain.drop(columns=["maintenance_rate"]) if accounts.tiers is not None else plain,
        tiers=accounts.tiers,
        as_of=accounts.as_of,
        provenance=accounts.provenance,
    )


def scale_depth(law: ImpactLaw, depth: float) -> ImpactLaw:
    """Return a law under which a multiple of the coins moves the price as far as before.

    Parameters
    ----------
    law : LinearImpact, SquareRootImpact, BookImpact or PoolImpact
        Today's.
    depth : float
        Multiple of today's depth, positive: 0.5 halves it.

    Raises
    ------
    ArgumentError
        For a depth that is not positive, or another kind of law.

    Examples
    --------
    >>> scale_depth(LinearImpact(1e-5), 0.5)
    LinearImpact(coefficient=2e-05)
    """
    D = check_positive(depth, argument="depth", unit="multiple of today's")
    if isinstance(law, LinearImpact):
        return replace(law, coefficient=law.coefficient / D)
    if isinstance(law, SquareRootImpact):
        return replace(law, volume=law.volume * D)
    if isinstance(law, PoolImpact):
        return replace(law, base_reserve=law.base_reserve * D, quote_reserve=law.quote_reserve * D)
    if isinstance(law, BookImpact):
        return replace(law, bids=law.bids * [1.0, D], asks=law.asks * [1.0, D])
    known = "LinearImpact, SquareRootImpact, BookImpact or PoolImpact"
    raise ArgumentError("law", f"must be {known}", type(law).__name__, "pass one of these")
