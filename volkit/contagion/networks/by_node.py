"""Names and amounts by node, read from whatever holds them, and words that name the ones at fault."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_floats, floats_or_nan
from volkit.errors import ArgumentError, DataError

__all__ = [
    "check_columns",
    "few_words",
    "node_amounts",
    "node_names",
    "node_values",
    "read_amounts",
    "read_external",
    "row_words",
]

Floats = npt.NDArray[np.float64]
_SHOWN = 5


def node_values(values: Any, nodes: pd.Index, argument: str) -> Floats:
    """Return finite numbers by node, shape (n_nodes,), from a Series by name, a mapping or numbers in order.

    Raises
    ------
    DataError
        For numbers of other nodes, too many or too few, missing or infinite.
    """
    if isinstance(values, dict):
        values = pd.Series(values)
    if isinstance(values, pd.Series):
        missing = nodes.difference(values.index, sort=False)
        unknown = values.index.difference(nodes, sort=False)
        if len(missing) or len(unknown) or values.index.has_duplicates:
            told = [f"none for {few_words(missing)}"] * bool(len(missing))
            told += [f"unknown {few_words(unknown)}"] * bool(len(unknown)) or ["a node twice"] * (not told)
            raise DataError(argument, "must have one number for every node", ", ".join(told), "pass a Series by node")
        values = values.reindex(nodes)
    numbers = check_floats(values, argument=argument)
    if numbers.shape != (len(nodes),):
        got = f"shape {numbers.shape} for {len(nodes)} nodes"
        raise DataError(argument, "must have one number for every node", got, "pass a Series by node")
    if (bad := ~np.isfinite(numbers)).any():
        got = f"{numbers[bad][0]} for {few_words(nodes[bad])}"
        raise DataError(argument, "must be finite", got, "fill in what is missing, or leave the nodes out")
    return numbers


def node_amounts(values: Any, nodes: pd.Index, argument: str) -> Floats:
    """Return amounts (USD, at least 0) by node, shape (n_nodes,), as `node_values` reads them; zeros for None.

    Raises
    ------
    DataError
        As `node_values`, and for an amount below 0.
    """
    if values is None:
        return np.zeros(len(nodes))
    numbers = node_values(values, nodes, argument)
    if (bad := numbers < 0.0).any():
        got = f"{numbers[bad][0]:g} for {few_words(nodes[bad])}"
        raise DataError(argument, "must be at least 0 USD", got, "enter a debt as a liability, an asset as an asset")
    return numbers


def read_external(external: pd.DataFrame) -> tuple[pd.Index, Floats, Floats]:
    """Return the names of nodes, and what each owns and owes outside (USD), from columns node, assets, liabilities.

    Raises
    ------
    ArgumentError
        For what is no frame.
    DataError
        For a missing column, and as `node_names` and `read_amounts`.
    """
    check_columns(external, ("node", "assets", "liabilities"), "external")
    nodes = node_names(external["node"], len(external))
    sides = [read_amounts(external[side], f"{side} of external").to_numpy() for side in ("assets", "liabilities")]
    assets, debts = (
        node_amounts(v, nodes, f"{side} of external") for side, v in zip(("assets", "liabilities"), sides, strict=True)
    )
    return nodes, assets, debts


def node_names(nodes: Any, n: int) -> pd.Index:
    """Return the names of n nodes as an index.

    Raises
    ------
    DataError
        For another count or none, a missing name, or one that comes twice.
    """
    names = pd.Index(nodes, name="node")
    if len(names) != n or n == 0:
        got, remedy = f"{len(names)} names for {n} nodes", "pass one name for every node"
        raise DataError("nodes", "must name every node, at least one", got, remedy)
    if names.hasnans or names.has_duplicates:
        got = "a missing name" if names.hasnans else f"{few_words(names[names.duplicated()].unique())} twice"
        raise DataError("nodes", "must have unique names", got, "rename or merge them")
    return names


def read_amounts(column: pd.Series, argument: str) -> pd.Series:
    """Return a column of finite amounts of at least 0 (USD); rows at fault are named.

    Raises
    ------
    DataError
        For an amount that is missing, infinite or negative.
    """
    numbers = floats_or_nan(column)
    if (bad := ~np.isfinite(numbers)).any():
        got = f"{column[bad].iloc[0]} in {row_words(column.index[bad])}"
        raise DataError(argument, "must be finite numbers (USD)", got, "fill in what is missing, or drop the rows")
    if (bad := numbers < 0.0).any():
        got = f"{numbers[bad].iloc[0]:g} in {row_words(column.index[bad])}"
        remedy = "a negative liability is a claim: swap debtor and creditor"
        raise DataError(argument, "must be at least 0 USD", got, remedy)
    return numbers


def check_columns(frame: pd.DataFrame, wanted: Sequence[str], argument: str) -> None:
    """Refuse what is no frame with the wanted columns.

    Raises
    ------
    ArgumentError
        For what is no frame.
    DataError
        For a missing column.
    """
    if not isinstance(frame, pd.DataFrame):
        got, remedy = type(frame).__name__, f"pass columns {', '.join(wanted)}"
        raise ArgumentError(argument, "must be a DataFrame", got, remedy)
    if missing := [c for c in wanted if c not in frame.columns]:
        got = ", ".join(map(str, frame.columns)) or "none"
        raise DataError(argument, f"must have the columns {', '.join(wanted)}", got, f"add {', '.join(missing)}")


def few_words(names: Any) -> str:
    """Return the first five names, and how many more there are."""
    listed = [str(n) for n in names]
    return ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")


def row_words(labels: pd.Index) -> str:
    """Return the first five labels as rows, and how many more there are."""
    return f"row{'s' if len(labels) > 1 else ''} {few_words(labels)}"
