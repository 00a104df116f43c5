"""What mitigations change: the same book and shocks with each of them, beside none."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_kind, check_named_kinds
from volkit.contagion.cascade._state import STATUSES
from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.contagion.cascade.engine import cascade_paths, run_cascade
from volkit.contagion.cascade.losses import unpaid_losses
from volkit.contagion.cascade.paths import CascadePaths
from volkit.contagion.cascade.run import CascadeRun, usd_words
from volkit.contagion.cascade.settings import DynamicMargin, PartialLiquidation, TradingHalt, Venue
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["Mitigation", "MitigationComparison", "compare_mitigations"]

Mitigation = TradingHalt | PartialLiquidation | DynamicMargin
_FIELDS: dict[type, str] = {
    TradingHalt: "halt",
    PartialLiquidation: "partial",
    DynamicMargin: "dynamic_margin",
}
_TOTALS = ("rounds", "bad_debt", "open_deficit", "deleveraged", "socialised", "fund_end")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MitigationComparison(ResultDisplay):
    """Effects of mitigations, each on its own.

    Attributes
    ----------
    table : DataFrame
        Index mitigation, "none" first. drop (deepest fall of the price, fraction of the start), liquidated (USD),
        rounds, bad_debt, open_deficit (of accounts still open that should be closed), deleveraged, socialised, fund_end
        (USD); means over paths where there are several. Then depleted (share of paths, `CascadePaths.is_depleted`),
        status (with shares where paths differ), and drop_change, bad_debt_change and loss_change (bad debt and open
        deficit) against none (in the same units; negative: less).
    results : dict of str to CascadeRun or CascadePaths
        Behind the rows.
    as_of : Timestamp or None
        Of the paths.
    provenance : Provenance
        Of accounts and paths.
    """

    table: pd.DataFrame
    results: dict[str, CascadeRun | CascadePaths]
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def losses(self) -> pd.Series:
        """Bad debt and open deficit together, USD, by mitigation."""
        return (self.table["bad_debt"] + self.table["open_deficit"]).rename("loss")

    @property
    def best(self) -> str:
        """The mitigation with the least bad debt and open deficit."""
        return str(self.losses.drop("none").idxmin())

    @property
    def headline(self) -> str:
        """What helps most against bad debt and open deficit, in one line."""
        before, after = self.table.loc["none"], self.table.loc[self.best]
        return (
            f"bad debt and open deficit {usd_words(self.losses['none'])} without ({before['status']}), "
            f"{usd_words(self.losses[self.best])} with {self.best} ({after['status']}); "
            f"deepest fall {percent_to(before['drop'], 2)} without, {percent_to(after['drop'], 2)} with"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table


def compare_mitigations(
    accounts: LeveragedAccounts,
    venue: Venue,
    *,
    mitigations: Mapping[str, Mitigation],
    shock: float | None = None,
    steps: int = 1,
    paths: PathSet | npt.ArrayLike | None = None,
) -> MitigationComparison:
    """Return what each mitigation does to the same cascade.

    Parameters
    ----------
    accounts : LeveragedAccounts
        The book.
    venue : Venue
        Its own mitigations stay on in all rows, unless one of the same kind takes their place.
    mitigations : mapping of str to TradingHalt, PartialLiquidation or DynamicMargin
        By the name to show.
    shock, steps
        One exogenous move, as in `run_cascade`.
    paths
        Many, as in `cascade_paths`, in place of a shock.

    Returns
    -------
    MitigationComparison

    Raises
    ------
    ArgumentError
        For neither or both of shock and paths, no mitigation, one called "none", or one of another kind.

    Examples
    --------
    >>> from volkit.impact.laws import LinearImpact
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1_000.0, leverage=[4, 8, 16, 32], side="long",
    ...                                        maintenance_rate=0.005)
    >>> found = compare_mitigations(book, Venue(price=100.0, impact=LinearImpact(0.005)), shock=-0.1, steps=3,
    ...                             mitigations={"halt": TradingHalt(drop=0.1, within=2, length=2)})
    >>> found.table["rounds"].tolist()
    [2.0, 0.0]
    """
    check_kind(venue, Venue, argument="venue")
    if (shock is None) == (paths is None):
        got = "neither" if shock is None else "both"
        raise ArgumentError("shock and paths", "must be one of the two", got, "pass shock=-0.1, or paths")
    _check_mitigations(mitigations)
    # Any: the field that a mitigation takes is known by its class.
    changes: dict[str, dict[str, Any]] = {name: {_FIELDS[type(m)]: m} for name, m in mitigations.items()}
    venues = {"none": venue, **{name: replace(venue, **change) for name, change in changes.items()}}
    results: dict[str, CascadeRun | CascadePaths] = {
        name: run_cascade(accounts, rules, shock=shock, steps=steps)
        if shock is not None
        else cascade_paths(accounts, rules, paths if paths is not None else [], series=False)
        for name, rules in progress(list(venues.items()), label="mitigations")
    }
    rows = {name: _row(result) for name, result in results.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("mitigation")
    for name in ("drop", "bad_debt"):
        table[f"{name}_change"] = table[name] - table.loc["none", name]
    table["loss_change"] = table["bad_debt_change"] + table["open_deficit"] - table.loc["none", "open_deficit"]
    first = results["none"]
    return MitigationComparison(table=freeze(table), results=results, as_of=first.as_of, provenance=first.provenance)


def _row(result: CascadeRun | CascadePaths) -> dict[str, float | str]:
    if isinstance(result, CascadeRun):
        totals, status = result.totals, result.status
        depleted = float(status == "no depth" or float(unpaid_losses(totals, result.venue)) > 0.0)
    else:
        totals, depleted, status = result.summary()["mean"], result.depleted_share, _status_words(result)
    return {
        "drop": 1.0 - float(totals["low_price"]) / result.venue.price,
        "liquidated": float(totals["long_notional"] + totals["short_notional"]),
        **{name: float(totals[name]) for name in _TOTALS},
        "depleted": depleted,
        "status": status,
    }


def _status_words(paths: CascadePaths) -> str:
    weights = np.ones(paths.n_paths) if paths.weights is None else paths.weights
    share = pd.Series(weights).groupby(paths.totals["status"].to_numpy()).sum() / weights.sum()
    if len(share) == 1:
        return str(share.index[0])
    return ", ".join(f"{name} {percent_to(share[name])}" for name in STATUSES if name in share.index)


def _check_mitigations(mitigations: Mapping[str, Mitigation]) -> None:
    check_named_kinds(mitigations, *_FIELDS, argument="mitigations")
    if not mitigations or "none" in mitigations:
        got = "one called none" if mitigations else "no mitigation"
        raise ArgumentError("mitigations", "must be one at least, called otherwise than none", got, "name them")
