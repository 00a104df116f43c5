"""Cover-k: what the k members with the largest uncovered losses take from a fund in the worst of the scenarios.

Losses of member groups by scenario (USD) enter; covers with the scenarios and members that make them leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count, check_positive, real_floats
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.inputs import Floats, check_amount

__all__ = ["CoverK", "check_member_losses", "cover_k"]

_SHOWN = 5


def check_member_losses(losses: npt.ArrayLike | pd.DataFrame, *, argument: str, signed: bool = False) -> pd.DataFrame:
    """Return losses with scenarios as rows and member groups as columns, as float64.

    Parameters
    ----------
    losses : array-like or DataFrame, shape (n_scenarios, n_members)
        USD, at least 0.
    argument : str
        Name of the argument for messages.
    signed : bool
        Whether gains, negative numbers, may stand among them.

    Raises
    ------
    DataError
        For anything but a table of finite numbers of at least 0, or members that are not unique.

    Examples
    --------
    >>> check_member_losses([[1.0, 2.0]], argument="uncovered").columns.tolist()
    ['member 0', 'member 1']
    """
    try:
        values = real_floats(losses)
    except (TypeError, ValueError) as error:
        remedy = "pass one row a scenario and one column a member group"
        raise DataError(argument, "must be a table of numbers", str(error), remedy) from error
    if values.ndim != 2 or 0 in values.shape:
        got, remedy = f"shape {values.shape}", "pass one row a scenario and one column a member group"
        raise DataError(argument, "must have scenarios and members", got, remedy)
    if isinstance(losses, pd.DataFrame):
        rows, members = losses.index, losses.columns
    else:
        rows = pd.RangeIndex(values.shape[0], name="scenario")
        members = pd.Index([f"member {i}" for i in range(values.shape[1])], name="member")
    if members.has_duplicates:
        got = f"{members[members.duplicated()][0]} twice"
        raise DataError(argument, "must have unique members", got, "add up the accounts of a group first")
    bad = ~(np.isfinite(values) & (signed | (values >= 0.0)))
    if bad.any():
        named = ", ".join(str(name) for name in members[bad.any(axis=0)][:_SHOWN])
        got = f"{int(bad.sum())} other values for {named}"
        rule = "must be finite" if signed else "must be finite and at least 0"
        raise DataError(argument, rule, got, "pass losses as positive numbers, and repair what is missing")
    return pd.DataFrame(values, index=rows, columns=members)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CoverK(ResultDisplay):
    """The largest joint losses of k members, and how much of them a fund covers.

    Attributes
    ----------
    table : DataFrame
        By k: cover (USD), scenarios (all with the largest loss, a tuple), members (a tuple, largest loss first, in the
        first of these scenarios), share (of the loss of all members there, decimal) and coverage (fund over cover,
        infinite without a loss; NaN without a fund).
    by_scenario : DataFrame, shape (n_scenarios, n_k)
        USD: the k largest losses of each scenario.
    fund : float or None
        USD.
    as_of : Timestamp or None
        Of the members' positions, UTC.
    provenance : Provenance
        Of the scenarios.
    """

    table: pd.DataFrame
    by_scenario: pd.DataFrame
    fund: float | None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def cover(self, k: int) -> float:
        """Return Cover-k, USD.

        Raises
        ------
        ArgumentError
            For a k that was not asked for.
        """
        if k not in self.table.index:
            known = ", ".join(str(one) for one in self.table.index)
            raise ArgumentError("k", f"must be one of {known}", f"{k}", "pass it to cover_k")
        return float(self.table.loc[k, "cover"])

    def required_fund(self, k: int = 2, *, coverage: float = 1.0) -> float:
        """Return the fund that covers a multiple of Cover-k, USD.

        Raises
        ------
        ArgumentError
            For a coverage that is not positive, or a k that was not asked for.
        """
        return check_positive(coverage, argument="coverage", unit="times the cover") * self.cover(k)

    @property
    def headline(self) -> str:
        """Cover of each k, its worst scenario and its members."""
        parts = []
        for k, row in self.table.iterrows():
            held = "" if self.fund is None else f", fund covers {row['coverage']:.2f} times"
            names = ", ".join(str(name) for name in row["members"][:_SHOWN])
            parts.append(f"Cover-{k} {row['cover']:,.6g} USD in {row['scenarios'][0]} ({names}){held}")
        return "; ".join(parts)

    def summary(self) -> pd.DataFrame:
        """Return the table, units in the labels, and the coverage that is aimed at."""
        named = self.table.rename(columns={"cover": "cover (USD)", "coverage": "coverage (times)"})
        return named.assign(target=1.0)

    def to_frame(self) -> pd.DataFrame:
        """Return the k largest losses by scenario."""
        return self.by_scenario


def cover_k(
    uncovered: npt.ArrayLike | pd.DataFrame,
    k: int | Sequence[int] = (1, 2),
    *,
    fund: float | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> CoverK:
    """Return the largest loss that the default of k member groups leaves uncovered.

    Parameters
    ----------
    uncovered : array-like or DataFrame, shape (n_scenarios, n_members)
        Loss of each group beyond its own margin and share of the fund (`margin_shortfall`), USD, at least 0. Group
        affiliates first: they default together.
    k : int or sequence of int
        Members that default together.
    fund : float, optional
        USD, to be compared.
    as_of : Timestamp, optional
        Of the members' positions, UTC.
    provenance : Provenance, optional
        Of the scenarios.

    Returns
    -------
    CoverK

    Raises
    ------
    DataError
        For losses that are negative or missing.
    ArgumentError
        For a k below 1 or above the number of members, or a negative fund.

    Notes
    -----
    CPMI-IOSCO, Principles for financial market infrastructures (2012), principle 4, and EMIR articles 42, 43: Cover-1
    for every central counterparty, Cover-2 for those of systemic importance in several jurisdictions. It says nothing
    about how likely the scenarios are; `required_fund` does.

    Examples
    --------
    >>> found = cover_k([[10, 4, 0, 7, 2], [3, 9, 8, 1, 0], [5, 5, 5, 5, 5]], fund=20.0)
    >>> found.table["cover"].to_dict(), found.table.loc[2, "scenarios"], found.table.loc[2, "members"]
    ({1: 10.0, 2: 17.0}, (0, 1), ('member 0', 'member 3'))
    """
    table = check_member_losses(uncovered, argument="uncovered")
    held = None if fund is None else check_amount(fund, argument="fund")
    wanted = sorted({check_count(size, argument="k", unit="members") for size in np.atleast_1d(k).tolist()})
    if not wanted or wanted[-1] > table.shape[1]:
        rule, got = f"must be 1 to the {table.shape[1]} members", f"{wanted[-1]}" if wanted else "nothing"
        raise ArgumentError("k", rule, got, "pass for example (1, 2)")
    values = table.to_numpy()
    falling = np.argsort(-values, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(values, falling, axis=1), axis=1)
    rows = {size: _row(table, falling, sums[:, size - 1], size, held) for size in wanted}
    by_scenario = pd.DataFrame(
        sums[:, [size - 1 for size in wanted]], index=table.index, columns=pd.Index(wanted, name="k")
    )
    return CoverK(
        table=freeze(pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")), by_scenario=freeze(by_scenario),
        fund=held, as_of=as_of, provenance=provenance or Provenance(()),
    )  # fmt: skip


def _row(
    table: pd.DataFrame, falling: npt.NDArray[np.intp], sums: Floats, size: int, fund: float | None
) -> dict[str, object]:
    cover = float(sums.max())
    worst = np.flatnonzero(sums == cover)
    total = float(table.to_numpy()[worst[0]].sum())
    if fund is None:
        coverage = float("nan")
    else:
        coverage = fund / cover if cover > 0.0 else float("inf")
    return {
        "cover": cover,
        "scenarios": tuple(table.index[worst].tolist()),
        "members": tuple(table.columns[falling[worst[0], :size]].tolist()),
        "share": cover / total if total > 0.0 else 0.0,
        "coverage": coverage,
    }
