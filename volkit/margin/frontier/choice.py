"""The pick among policies under stated constraints, with the reason, or an error that says which constraint binds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_kind, real_number
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.margin.frontier.frontier import PolicyFrontier
from volkit.margin.frontier.grid import effective_parameters
from volkit.margin.policy import MarginPolicy
from volkit.results import ResultDisplay, freeze

__all__ = ["Minimised", "NoPolicyError", "PolicyChoice", "choose_policy"]

Minimised = Literal["cost", "exceedance", "worst_exceedance", "quantile_loss", "procyclicality", "rise"]
_MINIMISED = ("cost", "exceedance", "worst_exceedance", "quantile_loss", "procyclicality", "rise")
# Constraint by argument: the column of the table that it limits.
_COLUMNS = {
    "max_exceedance": "worst_exceedance",
    "max_cost": "cost",
    "max_procyclicality": "procyclicality",
    "max_rise": "rise",
    "max_cells_rejected": "n_too_many",
}
_FRACTIONS = ("worst_exceedance", "exceedance", "cost", "rise")
_SAID = {
    "worst_exceedance": "exceedance of the worst cell", "n_too_many": "cells rejected", "rise": "largest rise",
    "quantile_loss": "quantile loss", "exceedance": "mean exceedance",
}  # fmt: skip
# Equal policies: the cheaper, then the safer, then the steadier one, then the first.
_TIES = ["cost", "exceedance", "procyclicality"]


class NoPolicyError(ArgumentError):
    """Constraints that no policy of a frontier meets together.

    Attributes
    ----------
    argument, requirement, got, remedy : str
        The parts of the message.
    table : DataFrame, one row a constraint
        limit; n_met (policies that meet it alone); least (of any policy); needed (least of the policies that meet all
        the others, NaN when none does); excess (needed less limit); binds.
    """

    def __init__(
        self, argument: str, requirement: str, got: str, remedy: str, *, table: pd.DataFrame | None = None
    ) -> None:
        super().__init__(argument, requirement, got, remedy)
        self.table = pd.DataFrame() if table is None else table


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PolicyChoice(ResultDisplay):
    """A policy picked, and why.

    Attributes
    ----------
    name : str
        In the frontier.
    frontier : PolicyFrontier
        What was chosen from.
    constraints : DataFrame, one row a constraint
        limit, value (of the pick), slack (limit less value), n_met (policies that meet it alone), without (the pick if
        it were dropped), binds (whether that is another policy). Units as in the frontier's table.
    sensitivity : DataFrame, one row a policy that differs from the pick in one parameter
        Index (parameter, value); policy, differences in exceedance, cost and quantile_loss (fractions, with bands) and
        in procyclicality and rise, meets (whether it keeps all constraints).
    minimise : str
        The column that decides.
    n_met : int
        Policies that keep all constraints.
    reason : str
        In words.
    """

    name: str
    frontier: PolicyFrontier
    constraints: pd.DataFrame
    sensitivity: pd.DataFrame
    minimise: Minimised
    n_met: int
    reason: str

    @property
    def policy(self) -> MarginPolicy:
        """The policy picked."""
        return self.frontier.policies[self.name]

    @property
    def as_of(self) -> pd.Timestamp:
        """Last return (UTC) used."""
        return self.frontier.as_of

    @property
    def headline(self) -> str:
        """Pick, cost and exceedance in one line."""
        row = self.frontier.table.loc[self.name]
        return (
            f"{self.name}: cost {percent_to(row['cost'], 2)}, exceedance {percent_to(row['exceedance'], 2)} "
            f"({percent_to(row['worst_exceedance'], 2)} in the worst cell), to {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the constraints beside what the pick has (units as in the frontier's table)."""
        return self.constraints

    def to_frame(self) -> pd.DataFrame:
        """Return the pick's cells, tidy (fractions of the notional, probabilities)."""
        return self.frontier.cells.loc[[self.name]].reset_index()


def choose_policy(
    frontier: PolicyFrontier,
    *,
    max_exceedance: float | None = None,
    max_cost: float | None = None,
    max_procyclicality: float | None = None,
    max_rise: float | None = None,
    max_cells_rejected: int | None = 0,
    minimise: Minimised = "cost",
) -> PolicyChoice:
    """Return the policy that is best in one column among those that keep every constraint.

    Parameters
    ----------
    frontier : PolicyFrontier
        From `policy_frontier`.
    max_exceedance : float, optional
        Most exceptions on any asset and side, fraction.
    max_cost : float, optional
        Highest mean margin, fraction of the notional.
    max_procyclicality : float, optional
        Largest peak-to-trough on any asset and side, no unit.
    max_rise : float, optional
        Largest rise over the frontier's `rise_periods` on any asset and side, decimal.
    max_cells_rejected : int or None
        Cells that the exact test may reject for too many exceptions (5 %, Holm); None for any.
    minimise : str
        cost, exceedance, worst_exceedance, quantile_loss, procyclicality or rise.

    Returns
    -------
    PolicyChoice
        Ties go to the cheaper, then the safer, then the steadier policy.

    Raises
    ------
    NoPolicyError
        When no policy keeps all constraints: which one binds, and by how much.
    ArgumentError
        For a limit that is negative or no number, or an unknown column.

    Notes
    -----
    The pick is the best of many on one history, and looks better there than it will do later; `sensitivity` shows how
    much of its lead is inside the bands.

    Examples
    --------
    >>> from volkit.margin.frontier.frontier import policy_frontier
    >>> times = pd.date_range("2023-01-01", periods=500, tz="UTC")
    >>> returns = pd.Series(np.random.default_rng(1).normal(0, 0.03, 500), index=times, name="A")
    >>> policies = [MarginPolicy(method="historical", confidence=c, lookback=200) for c in (0.95, 0.99)]
    >>> frontier = policy_frontier(
    ...     {"A": returns}, policies, periods_per_year=365, rng=np.random.default_rng(2), confidence=0.95
    ... )
    >>> choose_policy(frontier, max_exceedance=0.03).name
    'historical, 0.99'
    """
    check_kind(frontier, PolicyFrontier, argument="frontier", remedy="pass what policy_frontier returns")
    check_choice(minimise, argument="minimise", choices=_MINIMISED)
    given = {
        "max_exceedance": max_exceedance,
        "max_cost": max_cost,
        "max_procyclicality": max_procyclicality,
        "max_rise": max_rise,
        "max_cells_rejected": max_cells_rejected,
    }
    limits = {name: _check_limit(name, value) for name, value in given.items() if value is not None}
    met = _met(frontier.table, limits)
    if not met.all(axis=1).any():
        raise _no_policy(frontier.table, limits, met)
    name = _best(frontier.table[met.all(axis=1)], minimise)
    constraints = _constraints(frontier.table, limits, met, name, minimise)
    return PolicyChoice(
        name=name,
        frontier=frontier,
        constraints=freeze(constraints),
        sensitivity=freeze(_sensitivity(frontier, name, met.all(axis=1))),
        minimise=minimise,
        n_met=int(met.all(axis=1).sum()),
        reason=_reason(frontier, name, constraints, met, minimise),
    )


def _check_limit(argument: str, value: float) -> float:
    limit = real_number(value, argument=argument)
    if not limit >= 0.0:
        remedy = "pass a limit in the unit of the frontier's table, or None for none"
        raise ArgumentError(argument, "must be a number of at least 0", repr(value), remedy)
    return limit


def _met(table: pd.DataFrame, limits: Mapping[str, float]) -> pd.DataFrame:
    # A hair of room: 12 exceptions in 1,200 are 1 % in any binary.
    columns = {name: table[_COLUMNS[name]] <= limit + 1e-12 for name, limit in limits.items()}
    return pd.DataFrame(columns, index=table.index, dtype=bool)


def _best(table: pd.DataFrame, minimise: str) -> str:
    columns = [minimise, *(c for c in _TIES if c != minimise)]
    return str(table.sort_values(columns, kind="stable").index[0])


def _constraints(
    table: pd.DataFrame, limits: Mapping[str, float], met: pd.DataFrame, name: str, minimise: str
) -> pd.DataFrame:
    rows = {}
    for argument, limit in limits.items():
        value = float(table.loc[name, _COLUMNS[argument]])
        without = _best(table[met.drop(columns=argument).all(axis=1)], minimise)
        rows[argument] = (limit, value, limit - value, int(met[argument].sum()), without, without != name)
    columns = ["limit", "value", "slack", "n_met", "without", "binds"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("constraint")


def _reason(
    frontier: PolicyFrontier, name: str, constraints: pd.DataFrame, met: pd.DataFrame, minimise: Minimised
) -> str:
    table, kept = frontier.table, met.all(axis=1)
    stated = [f"{_said(_COLUMNS[str(c)])} at most {_number(c, row['limit'])}" for c, row in constraints.iterrows()]
    under = f" that keep {', '.join(stated)}" if stated else ""
    words = [f"lowest {_said(minimise)} ({_number(minimise, table.loc[name, minimise])}) of {int(kept.sum())} of "
             f"{len(table)} policies{under}"]  # fmt: skip
    for argument, row in constraints[constraints["binds"].astype(bool)].iterrows():
        other = table.loc[row["without"], minimise]
        limit = _said(_COLUMNS[str(argument)])
        words.append(f"without the limit on {limit} it would be {row['without']} ({_number(minimise, other)})")
    rest = table[kept].drop(index=name)
    if len(rest):
        second = _best(rest, minimise)
        words.append(
            f"next is {second} ({_number(minimise, table.loc[second, minimise])}{_lead(frontier, name, second)})"
        )
    return "; ".join(words)


def _lead(frontier: PolicyFrontier, name: str, second: str) -> str:
    cost = frontier.difference(second, name).loc["cost"]
    share = f"{100 * frontier.coverage:g} %"
    return (
        f", cost {percent_to(cost['difference'], 2, signed=True)}, {share} band "
        f"{percent_to(cost['lower'], 2, signed=True)} to {percent_to(cost['upper'], 2, signed=True)}"
    )


def _sensitivity(frontier: PolicyFrontier, name: str, kept: pd.Series) -> pd.DataFrame:
    """Policies of the frontier that differ from the pick in one parameter."""
    own = effective_parameters(frontier.policies[name])
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for other, policy in frontier.policies.items():
        parameters = effective_parameters(policy)
        # A method brings parameters of its own: they go with it, those of both must agree.
        changed = [p for p in own if p in parameters and parameters[p] != own[p]]
        if len(changed) != 1 or (set(parameters) != set(own) and changed != ["method"]):
            continue
        rows[(changed[0], _value(parameters[changed[0]], other, rows, changed[0]))] = {
            "policy": other,
            **_differences(frontier, other, name),
            "meets": bool(kept[other]),
        }
    index = pd.MultiIndex.from_tuples(list(rows), names=["parameter", "value"]) if rows else None
    table = pd.DataFrame(list(rows.values()), index=index)
    return table if rows else pd.DataFrame(columns=["policy", "meets"]).rename_axis("parameter")


def _value(value: object, other: str, rows: Mapping[tuple[str, str], object], parameter: str) -> str:
    said = str(getattr(value, "words", value))
    return said if (parameter, said) not in rows else other


def _differences(frontier: PolicyFrontier, other: str, name: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for measure, row in frontier.difference(other, name).iterrows():
        found |= {str(measure): row["difference"], f"{measure}_lower": row["lower"], f"{measure}_upper": row["upper"]}
    for column in ("procyclicality", "rise"):
        two, one = (float(frontier.table.loc[n, column]) for n in (other, name))
        # Infinity less infinity is no number: neither has a trough above zero.
        found[column] = 0.0 if two == one else two - one
    return found


def _no_policy(table: pd.DataFrame, limits: Mapping[str, float], met: pd.DataFrame) -> NoPolicyError:
    rows = {}
    for argument, limit in limits.items():
        column = table[_COLUMNS[argument]]
        others = column[met.drop(columns=argument).all(axis=1)]
        needed = float(others.min()) if len(others) else np.nan
        rows[argument] = (limit, int(met[argument].sum()), float(column.min()), needed, needed - limit, len(others) > 0)
    columns = ["limit", "n_met", "least", "needed", "excess", "binds"]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("constraint")
    binding = found[found["binds"]] if found["binds"].any() else found[found["n_met"] < len(table)]
    got, remedy = _words_of_binding(table, limits, found)
    rule = f"must leave at least one of {len(table)} policies"
    return NoPolicyError(" and ".join(map(str, binding.index)), rule, got, remedy, table=found)


def _words_of_binding(table: pd.DataFrame, limits: Mapping[str, float], found: pd.DataFrame) -> tuple[str, str]:
    binding = found[found["binds"]]
    if len(binding):
        said = [
            f"{a} binds: the policies that keep the others have at least {_number(a, r['needed'])}, "
            f"{_number(a, r['excess'])} over the limit"
            for a, r in binding.iterrows()
        ]
        first = " or ".join(f"{a} to {_number(a, r['needed'])}" for a, r in binding.iterrows())
        return "; ".join(said), f"raise {first}, or widen the grid"
    # Several bind together: the policy whose largest excess is the smallest share of its limit.
    excess = pd.DataFrame(
        {a: (table[_COLUMNS[a]] - limit).clip(lower=0.0) / (limit or 1.0) for a, limit in limits.items()}
    )
    nearest = str(excess.max(axis=1).idxmin())
    over = [a for a in limits if excess.loc[nearest, a] > 0.0]
    said = [f"{a} by {_number(a, float(table.loc[nearest, _COLUMNS[a]]) - limits[a])}" for a in over]
    got = f"no single one: the nearest policy, {nearest}, exceeds {' and '.join(said)}"
    return got, f"raise {' and '.join(over)} together, or widen the grid"


def _said(column: str) -> str:
    return _SAID.get(column, column)


def _number(name: object, value: float) -> str:
    column = _COLUMNS.get(str(name), str(name))
    if column in _FRACTIONS:
        return percent_to(value, 2)
    return f"{value:.4g}"
