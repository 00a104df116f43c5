"""Margin policies inside the cascade: which rates survive which shock, and with what fund.

Accounts, a venue and policies (tier tables, calibrated parameters, schedules or plain rates) enter; what each policy
asks of the accounts, the fund that it needs at each shock and whether it survives leave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_kind, check_named_kinds
from volkit.contagion.cascade import LeveragedAccounts, LiquidationLadder, Venue, cascade_paths
from volkit.contagion.cascade.run import usd_words
from volkit.contagion.fracture.levers import Capping, LeverageCap, cap_leverage
from volkit.contagion.fracture.response import (
    Direction,
    check_shocks,
    check_steps,
    prepare_book,
    shock_paths,
    shock_responses,
)
from volkit.contagion.fracture.threshold import fracture_threshold
from volkit.conventions import SIDES
from volkit.errors import ArgumentError
from volkit.margin.calibrate import CalibratedParameters
from volkit.margin.schedule import MarginSchedule
from volkit.margin.tiers.table import TierTable
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["MarginTerms", "PoliciesInCascade", "Policy", "apply_policy", "policies_in_cascade"]

Floats = npt.NDArray[np.float64]
_PARAMETERS = tuple(f"{layer}_{side}" for side in SIDES for layer in ("maintenance_margin", "initial_margin"))
# A fund that no cascade uses up, in multiples of the collateral: what it loses on the way is what was needed.
_AMPLE = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTerms:
    """Margin rates by side, for accounts of all sizes.

    Attributes
    ----------
    maintenance_margin_long, initial_margin_long, maintenance_margin_short, initial_margin_short : float
        Fractions of the notional, above 0 and at most 1; initial at least maintenance.

    Examples
    --------
    >>> MarginTerms.both(maintenance=0.01, initial=0.05).initial_margin_short
    0.05
    """

    maintenance_margin_long: float
    initial_margin_long: float
    maintenance_margin_short: float
    initial_margin_short: float

    def __post_init__(self) -> None:
        for side in SIDES:
            maintenance, initial = (float(getattr(self, f"{x}_margin_{side}")) for x in ("maintenance", "initial"))
            if not 0.0 < maintenance <= initial <= 1.0 or maintenance == 1.0:
                rule = "must be above 0, and the initial margin at least the maintenance margin and at most 1"
                got = f"{maintenance:g} and {initial:g}"
                raise ArgumentError(f"margins of {side}s", rule, got, "pass decimals: 0.05 for 5 %")

    @classmethod
    def both(cls, *, maintenance: float, initial: float) -> "MarginTerms":
        """Return the same rates for longs and shorts."""
        return cls(
            maintenance_margin_long=maintenance,
            initial_margin_long=initial,
            maintenance_margin_short=maintenance,
            initial_margin_short=initial,
        )


Policy: TypeAlias = TierTable | CalibratedParameters | MarginSchedule | MarginTerms


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PoliciesInCascade(ResultDisplay):
    """What margin policies come to when the price moves and liquidations feed on each other.

    Attributes
    ----------
    frame : DataFrame, shape (n_policies x n_shocks, 10)
        policy, shock (size, decimal), required_fund (USD: smallest fund at the start that pays every loss when it falls
        due, with what liquidations pay in, and at the end what accounts owe that are still open and should be closed;
        infinite where the market has nothing left to trade), survives (whether fund and skin in the game hold that
        much), bad_debt and open_deficit (USD), amplification, liquidated_share of the side, price
        (farthest, USD per coin) and status.
    terms : DataFrame, shape (n_policies, 9)
        Index policy: n_capped accounts above the leverage cap, posted (USD) and cut (coins) because of it, collateral
        (USD, of all, after that) and its ratio to the open notional, mean maintenance_rate and initial_rate (weighted
        by notional), and threshold and threshold_status of the smallest shock that exhausts the fund.
    how : {"post", "cut"}
        What accounts above a cap did.
    direction : {"down", "up"}
        Of the shocks.
    venue : Venue
        Rules, depth and fund, the same for all.
    as_of : Timestamp or None
        Of the accounts.
    provenance : Provenance
        Of the accounts.
    """

    frame: pd.DataFrame
    terms: pd.DataFrame
    how: Capping
    direction: Direction
    venue: Venue
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def survival(self) -> pd.DataFrame:
        """Whether each policy (rows) survives each shock (columns) with the venue's fund."""
        return self.frame.pivot(index="policy", columns="shock", values="survives").reindex(self.terms.index)

    @property
    def required_fund(self) -> pd.DataFrame:
        """Fund (USD) that each policy (rows) needs at each shock (columns)."""
        return self.frame.pivot(index="policy", columns="shock", values="required_fund").reindex(self.terms.index)

    @property
    def headline(self) -> str:
        """Largest shock that each policy survives, in one line."""
        table = self.survival
        words = []
        for name, row in table.iterrows():
            failed = row.index[~row.to_numpy(dtype=bool)]
            held = row.index if not len(failed) else row.index[row.index < failed.min()]
            words.append(f"{name} to {held.max():.4g}" if len(held) else f"{name} none")
        held_fund = self.venue.fund + self.venue.skin_in_the_game
        return f"shocks {self.direction} survived with {usd_words(held_fund)}: {', '.join(words)}"

    def summary(self) -> pd.DataFrame:
        """Return the fund needed (USD) by policy and shock, beside the terms."""
        needed = self.required_fund.add_prefix("fund (USD) needed at ")
        return self.terms.join(needed)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a policy and shock."""
        return self.frame


def apply_policy(accounts: LeveragedAccounts, policy: Policy, *, price: float, how: Capping = "post") -> LeverageCap:
    """Return accounts under the margins of a policy, their leverage within its caps.

    Parameters
    ----------
    accounts : LeveragedAccounts
        Each with equity at the price.
    policy : TierTable, CalibratedParameters, MarginSchedule or MarginTerms
        Maintenance margins replace those of the accounts; the cap of an account is one over the initial rate of its
        notional at the price. Of calibrated parameters the recommended rates count, of a schedule the last ones.
    price : float
        USD per coin.
    how : {"post", "cut"}
        What an account above its cap does: post collateral, or close part of its position at the price. Under ``cut``
        the cap is that of the notional before.

    Returns
    -------
    LeverageCap

    Raises
    ------
    ArgumentError
        For another kind of policy.
    DataError
        For accounts without equity at the price.

    Examples
    --------
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1_000.0, leverage=[5, 20], side="long",
    ...                                        maintenance_rate=0.005)
    >>> apply_policy(book, MarginTerms.both(maintenance=0.05, initial=0.1), price=100.0)
    <LeverageCap: 1 of 2 accounts above the cap posted 50 USD>
    """
    notional = np.abs(accounts.quantity) * price
    plain = accounts.table.drop(columns=["maintenance_rate", "maintenance_amount"])
    make = partial(LeveragedAccounts.from_frame, as_of=accounts.as_of, provenance=accounts.provenance)
    if isinstance(policy, TierTable):
        # A floor belongs to the tier below it: `TierTable.tier_of`.
        tier = np.searchsorted(np.array(policy.floors), notional, side="left") - 1
        caps = 1.0 / np.array(policy.initial_rates)[tier]
        return cap_leverage(make(plain, tiers=policy), caps, price=price, how=how)
    terms = _terms_of(policy)
    is_long = accounts.quantity > 0.0
    rate = np.where(is_long, terms.maintenance_margin_long, terms.maintenance_margin_short)
    initial = np.where(is_long, terms.initial_margin_long, terms.initial_margin_short)
    changed = make(plain.assign(maintenance_rate=rate))
    return cap_leverage(changed, 1.0 / initial, price=price, how=how)


def policies_in_cascade(
    accounts: LeveragedAccounts,
    venue: Venue,
    policies: Mapping[str, Policy],
    *,
    shocks: npt.ArrayLike,
    direction: Direction = "down",
    how: Capping = "post",
    steps: int | None = None,
    over: int = 1,
) -> PoliciesInCascade:
    """Return which margin policy survives which shock, and the fund that each needs.

    Parameters
    ----------
    accounts : LeveragedAccounts
        As they are today; each policy's margins and caps are applied to them first (`apply_policy`).
    venue : Venue
        Impact, fund and rules, the same under every policy.
    policies : mapping of str to policy
        At least one.
    shocks : array-like
        Rising sizes, decimals of the price.
    direction : {"down", "up"}
        Of the shocks.
    how : {"post", "cut"}
        What accounts above a policy's leverage cap do before the shock.
    steps : int, optional
        From the start to the end, at least `over`, which is the default.
    over : int
        Steps over which each shock comes in equal log moves. A gap (1) leaves the maintenance margin little to do: most
        accounts are beyond it when the first batch trades. A slide is what it is made for.

    Returns
    -------
    PoliciesInCascade

    Raises
    ------
    ArgumentError
        Without a policy, or for shocks out of range.
    DataError
        For accounts without equity at the venue's price.

    Notes
    -----
    The fund changes nothing about prices, so that one run with an ample fund tells what any fund must hold: its start
    less its lowest level. A stricter policy is not always safer for the venue: caps that many accounts stand at put
    their liquidation prices in one place, and a higher maintenance margin liquidates more coins earlier, each farther
    from bankruptcy.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1e4, leverage=np.linspace(2, 50, 200), side="long",
    ...                                        maintenance_rate=0.005)
    >>> venue = Venue(price=100.0, impact=LinearImpact(1e-6), fund=1e4)
    >>> found = policies_in_cascade(book, venue, {"today": MarginTerms.both(maintenance=0.005, initial=0.02),
    ...                                           "strict": MarginTerms.both(maintenance=0.02, initial=0.1)},
    ...                             shocks=[0.02, 0.08, 0.2])
    >>> found.survival.to_numpy().tolist()
    [[True, False, False], [True, True, False]]
    """
    check_kind(accounts, LeveragedAccounts, argument="accounts")
    check_kind(venue, Venue, argument="venue")
    check_named_kinds(policies, *get_args(Policy), argument="policies")
    if not policies:
        raise ArgumentError("policies", "must have at least one", "none", "pass a mapping of names to policies")
    clock = (check_steps(steps, over), over)
    sizes = check_shocks(shocks, direction)
    frames, terms = [], {}
    for name, policy in progress(list(policies.items()), label="policies in a cascade"):
        capped = apply_policy(accounts, policy, price=venue.price, how=how)
        book = prepare_book(capped.accounts, venue)
        frames.append(_responses(book, venue, sizes, direction, clock).assign(policy=name))
        terms[name] = _terms_row(capped, policy, venue, sizes, direction, clock)
    columns = [
        "policy", "shock", "required_fund", "survives", "bad_debt", "open_deficit", "amplification",
        "liquidated_share", "price", "status",
    ]  # fmt: skip
    return PoliciesInCascade(
        frame=freeze(pd.concat(frames).reset_index()[columns]),
        terms=freeze(pd.DataFrame.from_dict(terms, orient="index").rename_axis("policy")),
        how=how,
        direction=direction,
        venue=venue,
        as_of=accounts.as_of,
        provenance=accounts.provenance,
    )


def _terms_of(policy: Policy) -> MarginTerms:
    if isinstance(policy, MarginTerms):
        return policy
    if isinstance(policy, CalibratedParameters):
        rates = policy.table["recommended"]
    elif isinstance(policy, MarginSchedule):
        rates = policy.latest
    else:
        known = "a TierTable, CalibratedParameters, MarginSchedule or MarginTerms"
        raise ArgumentError("policy", f"must be {known}", type(policy).__name__, "pass one of these")
    return MarginTerms(**{name: float(rates[name]) for name in _PARAMETERS})


def _responses(
    book: LeveragedAccounts | LiquidationLadder,
    venue: Venue,
    sizes: Floats,
    direction: Direction,
    clock: tuple[int, int],
) -> pd.DataFrame:
    steps, over = clock
    frame = shock_responses(book, venue, sizes, direction=direction, steps=steps, over=over)
    ample = replace(venue, fund=_AMPLE * venue.price * _coins(book), skin_in_the_game=0.0)
    paths = shock_paths(sizes, direction=direction, steps=steps, over=over)
    totals = cascade_paths(book, ample, paths, series=False).totals
    needed = ample.fund - np.minimum(totals["fund_low"], totals["fund_end"] - totals["open_deficit"]).to_numpy()
    # Rounding of the ample fund: a loss below it is none.
    needed[needed < 1e-9 * ample.fund / _AMPLE] = 0.0
    is_stuck = (frame["status"] == "no depth").to_numpy()
    needed[is_stuck] = np.inf
    return frame.assign(required_fund=needed, survives=(frame["unpaid"].to_numpy() == 0.0) & ~is_stuck)


def _coins(book: LeveragedAccounts | LiquidationLadder) -> float:
    if isinstance(book, LeveragedAccounts):
        return float(np.abs(book.quantity).sum())
    return float(book.long.sums[-1, 0] + book.short.sums[-1, 0])


def _terms_row(
    capped: LeverageCap, policy: Policy, venue: Venue, sizes: Floats, direction: Direction, clock: tuple[int, int]
) -> dict[str, float | str]:
    book = capped.accounts
    notional = np.abs(book.quantity) * venue.price
    if isinstance(policy, TierTable):
        initial = np.array([policy.initial_margin(float(x)) for x in notional]) / notional
    else:
        rates = _terms_of(policy)
        initial = np.where(book.quantity > 0.0, rates.initial_margin_long, rates.initial_margin_short)
    maintenance = book.maintenance_margin(venue.price) / notional
    # The shocks of the table are tried too: none that breaks the venue lies below the threshold.
    found = fracture_threshold(
        book, venue, direction=direction, also=sizes, steps=clock[0], over=clock[1], tolerance=1e-6
    )
    return {
        "n_capped": capped.n_capped,
        "posted": capped.posted,
        "cut": capped.cut,
        "collateral": float(book.collateral.sum()),
        "collateral_to_notional": float(book.collateral.sum() / notional.sum()),
        "maintenance_rate": float(np.average(maintenance, weights=notional)),
        "initial_rate": float(np.average(initial, weights=notional)),
        "threshold": found.shock,
        "threshold_status": found.status,
    }
