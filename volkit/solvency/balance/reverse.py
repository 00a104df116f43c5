"""Reverse stress: the smallest price shock that uses the surplus up, found exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_fraction
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.ratios import DOLLARS
from volkit.solvency.balance.sheet import ALL, BalanceSheet

__all__ = ["Direction", "ReverseStress", "reverse_stress"]

Floats = npt.NDArray[np.float64]
Direction = Literal["fall", "rise"]
ShockStatus = Literal["break-even", "insolvent without shock", "solvent throughout"]
_STEPS = 101
# A rise of the market is looked at up to this multiple of its price.
_LARGEST_RISE = 10.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ReverseStress(ResultDisplay):
    """The shock at which nothing is left, by entity.

    Attributes
    ----------
    table : DataFrame, shape (n_entities + 1, 5)
        By entity, and "all": shock (smallest fall or rise of the market with a surplus of zero, fraction; NaN where
        there is none), status ("break-even", "insolvent without shock" or "solvent throughout"), surplus without shock,
        lowest_surplus (USD) up to the largest shock looked at, and its shock lowest_at.
    curve : DataFrame, shape (n_points, n_entities + 1)
        Surplus (USD) by shock; straight between the points.
    betas : Series
        Move of each asset over that of the market; 0 for those that stay.
    direction : {"fall", "rise"}
        Of the market.
    largest : float
        Largest shock looked at, fraction.
    own_token_haircut : float
        Fraction.
    as_of : Timestamp or None
        Of the sheet (UTC).
    provenance : Provenance
        Of the sheet.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    betas: pd.Series
    direction: Direction
    largest: float
    own_token_haircut: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def is_uniform(self) -> bool:
        """Whether all assets that move do so alike."""
        return set(self.betas) <= {0.0, 1.0}

    @property
    def headline(self) -> str:
        """Break-even of all entities together and the first of them to fail in one line."""
        total = self.table.loc[ALL]
        kind = "of all prices but fixed ones" if self.is_uniform else "of the market, by beta"
        told = (
            f"surplus is zero at a {self.direction} {kind} by {percent_to(total['shock'])}"
            if total["status"] == "break-even"
            else f"{total['status']} for a {self.direction} {kind} up to {percent_to(self.largest, 0)}"
        )
        entities = self.table.drop(index=ALL)
        failed = entities[entities["status"] == "insolvent without shock"].index
        if len(failed):
            return f"{told}; insolvent without shock: {', '.join(failed)}"
        found = entities["shock"].dropna()
        first = f"; first {found.idxmin()} at {percent_to(found.min())}" if len(found) and len(entities) > 1 else ""
        return told + first

    def summary(self) -> pd.DataFrame:
        """Return the table by entity (fractions and USD)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the curve as tidy rows: shock, entity, surplus (USD)."""
        return self.curve.stack().rename("surplus").reset_index()


def reverse_stress(
    sheet: BalanceSheet,
    *,
    betas: Mapping[str, float] | pd.Series | None = None,
    fixed: Sequence[str] = DOLLARS,
    direction: Direction = "fall",
    largest: float | None = None,
    own_token_haircut: float = 0.0,
) -> ReverseStress:
    """Return the smallest shock of the market at which the surplus of each entity is zero.

    Parameters
    ----------
    sheet : BalanceSheet
        What is owned and owed.
    betas : mapping or Series, optional
        Move of an asset's price over that of the market, by asset, any sign; assets that are not named stay. By default
        every asset but the `fixed` ones moves alike (beta 1).
    fixed : sequence of str
        Assets that keep their price in a uniform shock; without effect where `betas` are given.
    direction : {"fall", "rise"}
        A venue that owes more coins than it holds fails when prices rise.
    largest : float, optional
        Largest shock looked at, fraction; a whole fall (1) by default, and a rise by 10.
    own_token_haircut : float
        Taken off own tokens besides the shock, fraction.

    Returns
    -------
    ReverseStress

    Raises
    ------
    DataError
        For a beta that is not finite, or of an asset that the sheet does not have.
    ArgumentError
        For another direction, a largest shock that is not positive or above 1 for a fall, and when no asset moves.

    Notes
    -----
    The price of an asset with beta b after a fall by s is P max(0, 1 - b s): no price is below zero. The surplus is
    then made of straight pieces with a knot at s = 1 / b of each asset, so its first zero is found exactly, by looking
    at the knots and at one line between two of them. It need not fall all the way: where an entity owes coins, more of
    a fall may help it, and the smallest zero is told.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "asset", "liability"], "asset": ["BTC", "VEN", "USD"],
    ...     "quantity": [10.0, 1e6, 7e5], "price": [80_000.0, 0.2, 1.0],
    ...     "own_token": [False, True, False], "liquid": [True, False, True]}))
    >>> reverse_stress(sheet)
    <ReverseStress: surplus is zero at a fall of all prices but fixed ones by 30.0 %>
    >>> float(reverse_stress(sheet, betas={"BTC": 1.0, "VEN": 3.0}).table.loc["all", "shock"].round(6))
    0.214286
    """
    check_choice(direction, argument="direction", choices=("fall", "rise"))
    kept = check_fraction(own_token_haircut, argument="own_token_haircut")
    end = _largest(largest, direction)
    loads = _betas(sheet, betas, fixed)
    sums = sheet.values()
    net, owed = (np.vstack([part, part.sum(axis=0)]) for part in (sums.net(kept), sums.owed))
    names = pd.Index([*sums.entities, ALL], name="entity")
    slope = loads.to_numpy() * (-1.0 if direction == "fall" else 1.0)
    knots = _knots(slope, end)
    at_knots = _after(net, slope, knots)
    # Where everything is worthless, nothing is owed either: that is no break-even.
    failed = (at_knots < 0.0) | ((at_knots == 0.0) & (_after(owed, slope, knots) > 0.0))
    rows = [_first_zero(knots, line, gone) for line, gone in zip(at_knots, failed, strict=True)]
    lowest = at_knots.argmin(axis=1)
    table = pd.DataFrame(
        {
            "shock": [shock for shock, _ in rows],
            "status": pd.array([status for _, status in rows], dtype="str"),
            "surplus": at_knots[:, 0],
            "lowest_surplus": at_knots[np.arange(len(names)), lowest],
            "lowest_at": knots[lowest],
        },
        index=names,
    )
    points = np.unique(np.concatenate([np.linspace(0.0, end, _STEPS), knots, table["shock"].dropna().to_numpy()]))
    curve = pd.DataFrame(_after(net, slope, points).T, index=pd.Index(points, name="shock"), columns=names)
    return ReverseStress(
        table=freeze(table),
        curve=freeze(curve),
        betas=freeze(loads),
        direction=direction,
        largest=end,
        own_token_haircut=kept,
        as_of=sheet.as_of,
        provenance=sheet.provenance,
    )


def _largest(largest: float | None, direction: str) -> float:
    most = 1.0 if direction == "fall" else np.inf
    if largest is None:
        return 1.0 if direction == "fall" else _LARGEST_RISE
    if not (np.isfinite(largest) and 0.0 < largest <= most):
        rule = "must be above 0" + (" and at most 1 for a fall" if direction == "fall" else "")
        raise ArgumentError("largest", rule, repr(largest), "pass a fraction, e.g. largest=0.8")
    return float(largest)


def _betas(sheet: BalanceSheet, betas: Mapping[str, float] | pd.Series | None, fixed: Sequence[str]) -> pd.Series:
    if betas is None:
        loads = pd.Series(np.where(sheet.assets.isin(list(fixed)), 0.0, 1.0), index=sheet.assets, name="beta")
    else:
        given = {str(name): float(value) for name, value in dict(betas).items()}
        sheet.require_known(given, argument="betas")
        bad = [f"{name}: {value}" for name, value in given.items() if not np.isfinite(value)]
        if bad:
            raise DataError("betas", "must be finite", ", ".join(bad), "estimate them or leave the asset out")
        loads = pd.Series([given.get(a, 0.0) for a in sheet.assets], index=sheet.assets, name="beta")
    if not loads.any():
        got = f"none of {', '.join(sheet.assets)} does"
        raise ArgumentError("betas", "must move at least one asset of the sheet", got, "pass betas={...}")
    return loads


def _knots(slope: Floats, end: float) -> Floats:
    """Shocks at which a price reaches zero, between 0 and the largest."""
    falling = slope[slope < 0.0]
    zero = -1.0 / falling
    return np.unique(np.concatenate([[0.0, end], zero[zero < end]]))


def _after(values: Floats, slope: Floats, shocks: Floats) -> Floats:
    """Values in USD, shape (n_entities, n_assets), added up after each shock, shape (n_entities, n_shocks)."""
    return np.asarray(values @ np.maximum(0.0, 1.0 + slope[:, None] * shocks))


def _first_zero(knots: Floats, surplus: Floats, failed: npt.NDArray[np.bool_]) -> tuple[float, ShockStatus]:
    """Smallest shock with no surplus on a line that is straight between the knots."""
    if surplus[0] < 0.0:
        return float("nan"), "insolvent without shock"
    if not failed.any():
        return float("nan"), "solvent throughout"
    k = int(failed.argmax())
    if k == 0:
        return 0.0, "break-even"
    share = surplus[k - 1] / (surplus[k - 1] - surplus[k])
    return float(knots[k - 1] + share * (knots[k] - knots[k - 1])), "break-even"
