"""Profits and losses of positions in scenarios, as arrays or frames, checked once at the door."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import real_floats, real_number
from volkit.errors import DataError

__all__ = ["Floats", "Labels", "Pnl", "check_cost_of_capital", "check_labels", "check_pnl", "check_probabilities"]

Floats: TypeAlias = npt.NDArray[np.float64]
# Of each position: a level of the frame's index, in the order of the rows, or by name.
Labels: TypeAlias = str | Sequence[Hashable] | pd.Series | Mapping[Hashable, Hashable]
_SHOWN = 5


@dataclass(frozen=True, eq=False, slots=True)
class Pnl:
    """Checked profits and losses.

    Attributes
    ----------
    values : ndarray, shape (n_positions, n_scenarios)
        Profit (positive) or loss (negative) over the horizon, in money.
    names : Index, shape (n_positions,)
        Of the positions, unique.
    scenarios : Index, shape (n_scenarios,)
        Labels of the scenarios.
    """

    values: Floats
    names: pd.Index
    scenarios: pd.Index

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return int(self.values.shape[1])


def check_pnl(
    pnl: npt.ArrayLike | pd.DataFrame, *, names: Sequence[Hashable] | None = None, argument: str = "pnl"
) -> Pnl:
    """Return profits and losses with a name for each position.

    Parameters
    ----------
    pnl : array or DataFrame, shape (n_positions, n_scenarios)
        In money (USD), profits positive; a frame has positions as its index and scenarios as columns.
    names : sequence, optional
        Of the positions; the index of a frame, or "position 0", "position 1", ... by default.
    argument : str
        Name of the argument for messages.

    Raises
    ------
    DataError
        For anything but a table of numbers with at least one position and one scenario, a value that is not finite
        (a position without a price, by name), or names that are too few or not unique.

    Examples
    --------
    >>> check_pnl([[1.0, -2.0], [0.5, 0.0]]).names.tolist()
    ['position 0', 'position 1']
    >>> check_pnl(pd.DataFrame([[1.0, np.nan]], index=["BTC-PERP"]))
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: pnl must be finite in every scenario; got 1 of 2 values missing or infinite for BTC-PERP; \
price the position in every scenario, or leave it out by name.
    """
    frame = pnl if isinstance(pnl, pd.DataFrame) else None
    try:
        values = real_floats(pnl if frame is None else frame).copy()
    except (TypeError, ValueError) as error:
        remedy = "pass one row a position and one column a scenario, in money"
        raise DataError(argument, "must be a table of numbers", str(error), remedy) from error
    if values.ndim != 2 or 0 in values.shape:
        remedy = "pass one row a position and one column a scenario; a single position is pnl[None, :]"
        raise DataError(argument, "must have shape (n_positions, n_scenarios)", f"shape {values.shape}", remedy)
    given = names if names is not None or frame is None else frame.index
    index = _check_names(given, len(values), argument)
    bad = ~np.isfinite(values)
    if bad.any():
        counts = [f"{int(n)} of {values.shape[1]} values missing or infinite for {index[i]}"
                  for i, n in enumerate(bad.sum(axis=1)) if n]  # fmt: skip
        remedy = "price the position in every scenario, or leave it out by name"
        raise DataError(argument, "must be finite in every scenario", _some(counts), remedy)
    values.flags.writeable = False
    return Pnl(values, index, pd.RangeIndex(values.shape[1]) if frame is None else frame.columns)


def check_labels(labels: Labels | None, names: pd.Index, *, argument: str) -> pd.Series | None:
    """Return one label a position, indexed by the positions' names, or None.

    Parameters
    ----------
    labels : str, sequence, Series or mapping, optional
        A string names a level of the positions' index; a Series or mapping is read by name, a sequence in the order of
        the positions.
    names : Index
        Of the positions.
    argument : str
        Name of the argument for messages.

    Raises
    ------
    DataError
        For a position without a label, a Series with a name twice, or a level that the index does not have.

    Examples
    --------
    >>> check_labels({"b": 2, "a": 1}, pd.Index(["a", "b"]), argument="account").tolist()
    [1, 2]
    """
    if labels is None:
        return None
    if isinstance(labels, str):
        return _level(labels, names, argument)
    if isinstance(labels, Mapping):
        labels = pd.Series(dict(labels), dtype=object)
    if isinstance(labels, pd.Series):
        if labels.index.has_duplicates:
            twice = labels.index[labels.index.duplicated()].unique()
            remedy = "keep one label for each position"
            raise DataError(argument, "must name every position once", f"{_some(list(twice))} more than once", remedy)
        missing = [name for name in names if name not in labels.index]
        found = labels.reindex(names)
    else:
        listed = list(labels)
        if len(listed) != len(names):
            got, remedy = f"{len(listed)} labels for {len(names)} positions", "pass one for each row of pnl"
            raise DataError(argument, "must have one label a position", got, remedy)
        missing, found = [], pd.Series(listed, index=names, dtype=object)
    missing = missing or list(names[found.isna().to_numpy()])
    if missing:
        remedy = "say which one these positions belong to"
        raise DataError(argument, "must label every position", f"none for {_some(missing)}", remedy)
    return found.astype(object)


def check_probabilities(probabilities: npt.ArrayLike | pd.Series | None, n_scenarios: int) -> Floats | None:
    """Return the probabilities of scenarios, shape (n_scenarios,), or None for equally likely ones.

    Raises
    ------
    DataError
        For another number of them, one that is negative or not finite, or a sum that is not 1 to 1e-9.

    Examples
    --------
    >>> check_probabilities([0.25, 0.75], 2).tolist()
    [0.25, 0.75]
    """
    if probabilities is None:
        return None
    values = np.array(probabilities, dtype=np.float64)
    if values.shape != (n_scenarios,):
        got, remedy = f"shape {values.shape} for {n_scenarios} scenarios", "pass one for each column of pnl"
        raise DataError("probabilities", "must have one number a scenario", got, remedy)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
    if len(bad):
        got = f"{values[bad[0]]:g} for scenario {bad[0]}"
        raise DataError("probabilities", "must be finite and not negative", got, "pass 0 for a scenario to leave out")
    total = float(values.sum())
    if abs(total - 1.0) > 1e-9:
        raise DataError("probabilities", "must sum to 1", f"{total:.12g}", "divide them by their sum")
    return values


def check_cost_of_capital(rate: float) -> float:
    """Return a yearly cost of capital as a decimal from 0 to 1.

    Raises
    ------
    DataError
        For a rate outside; per cent are recognised and answered.

    Examples
    --------
    >>> check_cost_of_capital(0.08)
    0.08
    """
    value = real_number(rate, argument="cost_of_capital")
    if not 0.0 <= value <= 1.0:
        remedy = f"pass a decimal: {value / 100:g}" if 1.0 < value <= 100.0 else "pass for example 0.10 for 10 % a year"
        raise DataError("cost_of_capital", "must be a decimal per year from 0 to 1", f"{rate!r}", remedy)
    return value


def _level(level: str, names: pd.Index, argument: str) -> pd.Series:
    if level not in names.names:
        known = ", ".join(str(name) for name in names.names)
        remedy = f"choose one of {known}, or pass a label for each position"
        raise DataError(argument, "must be a level of the positions' index", repr(level), remedy)
    return pd.Series(names.get_level_values(level), index=names, dtype=object)


def _check_names(names: Sequence[Hashable] | pd.Index | None, n: int, argument: str) -> pd.Index:
    if names is None:
        return pd.Index([f"position {i}" for i in range(n)], name="position")
    index = names if isinstance(names, pd.Index) else pd.Index(list(names), tupleize_cols=False)
    index = index if isinstance(index, pd.MultiIndex) or index.name is not None else index.rename("position")
    if len(index) != n:
        got, remedy = f"{len(index)} names for {n} rows", "pass one name for each row"
        raise DataError("names", f"must name every row of {argument}", got, remedy)
    if index.has_duplicates:
        rows = [f"{name!r} in rows {', '.join(str(i) for i, other in enumerate(index) if other == name)}"
                for name in index[index.duplicated()].unique()]  # fmt: skip
        remedy = "add up positions of one name, or name them apart, e.g. by account"
        raise DataError("names", "must be unique", _some(rows), remedy)
    return index


def _some(words: Sequence[Hashable]) -> str:
    shown = ", ".join(map(str, words[:_SHOWN]))
    return shown if len(words) <= _SHOWN else f"{shown} and {len(words) - _SHOWN} more"
