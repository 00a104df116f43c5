"""What limits a hedge: bounds, liquidity, costs, lots and delta bands, by name, checked once at the door."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linprog

from volkit.checks import check_floats
from volkit.errors import DataError
from volkit.portfolio.netting.inputs import Floats, check_pnl

__all__ = ["ByHedge", "HedgeTerms", "hedge_terms"]

# One number for all hedges, one each in order, or by name.
ByHedge: TypeAlias = float | Sequence[float] | npt.NDArray[np.float64] | pd.Series
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HedgeTerms:
    """Checked terms of hedges.

    Attributes
    ----------
    names : Index, shape (n_hedges,)
    pnl : ndarray, shape (n_hedges, n_scenarios)
        Profit of one unit.
    lower, upper : ndarray, shape (n_hedges,)
        Bounds within liquidity, finite.
    by_liquidity : ndarray of bool, shape (n_hedges, 2)
        Whether liquidity and not the given bound sets each end.
    costs : ndarray, shape (n_hedges,)
    lots : ndarray or None
    bands : DataFrame, shape (n_bands, 3)
        `before` (the book's own), `low`, `high` of the sum.
    deltas : ndarray, shape (n_bands, n_hedges)
    """

    names: pd.Index
    pnl: Floats
    lower: Floats
    upper: Floats
    by_liquidity: npt.NDArray[np.bool_]
    costs: Floats
    lots: Floats | None
    bands: pd.DataFrame
    deltas: Floats


def hedge_terms(
    hedges: npt.ArrayLike | pd.DataFrame,
    *,
    bounds: tuple[ByHedge, ByHedge] | pd.DataFrame,
    costs: ByHedge,
    liquidity: ByHedge | None = None,
    lots: ByHedge | None = None,
    deltas: pd.DataFrame | None = None,
    book_delta: pd.Series | None = None,
    delta_bands: pd.DataFrame | None = None,
    names: Sequence[Hashable] | None = None,
) -> HedgeTerms:
    """Return the terms of hedges, checked; parameters as in `hedge_programme`.

    Raises
    ------
    DataError
        For hedges that `check_pnl` refuses; terms that are missing, not finite, of the wrong sign or named otherwise;
        bounds that cross; bands without deltas, or that no quantities within the bounds reach (by name).

    Examples
    --------
    >>> hedge_terms([[1.0, -1.0]], bounds=(-2.0, 5.0), costs=0.1, liquidity=3.0).upper.tolist()
    [3.0]
    """
    menu = check_pnl(hedges, names=names, argument="hedges")
    if isinstance(bounds, pd.DataFrame):
        missing = [column for column in ("low", "high") if column not in bounds]
        if missing:
            got, remedy = f"no {' and '.join(missing)}", "pass a frame by hedge with the columns low and high"
            raise DataError("bounds", "must have the columns low and high", got, remedy)
        bounds = (bounds["low"], bounds["high"])
    if len(bounds) != 2:
        raise DataError("bounds", "must be a low and a high end", f"{len(bounds)} of them", "pass (low, high)")
    low, high = (
        _by_hedge(end, menu.names, f"bounds ({side})") for end, side in zip(bounds, ("low", "high"), strict=True)
    )
    crossed = np.flatnonzero(low > high)
    if len(crossed):
        j = crossed[0]
        got = f"{low[j]:g} above {high[j]:g} for {menu.names[j]}"
        raise DataError("bounds", "must have low ends at or below the high ones", got, "swap the two")
    reach = np.full(len(low), np.inf) if liquidity is None else _not_negative(liquidity, menu.names, "liquidity")
    lower, upper = np.maximum(low, -reach), np.minimum(high, reach)
    unreachable = np.flatnonzero(lower > upper)
    if len(unreachable):
        j = unreachable[0]
        got = f"{reach[j]:g} with bounds {low[j]:g} to {high[j]:g} for {menu.names[j]}"
        raise DataError("liquidity", "must reach into the bounds", got, "lower the least quantity of this hedge")
    size = None if lots is None else _by_hedge(lots, menu.names, "lots")
    if size is not None and (size <= 0.0).any():
        j = int(np.argmax(size <= 0.0))
        raise DataError("lots", "must be positive", f"{size[j]:g} for {menu.names[j]}", "pass the size of one lot")
    bands, matrix = _bands(deltas, book_delta, delta_bands, menu.names)
    terms = HedgeTerms(
        names=menu.names,
        pnl=menu.values,
        lower=lower,
        upper=upper,
        by_liquidity=np.column_stack([-reach > low, reach < high]),
        costs=_not_negative(costs, menu.names, "costs"),
        lots=size,
        bands=bands,
        deltas=matrix,
    )
    _require_room(terms)
    return terms


def _by_hedge(values: ByHedge, names: pd.Index, argument: str) -> Floats:
    if isinstance(values, pd.Series):
        missing = [str(name) for name in names if name not in values.index]
        unknown = [str(name) for name in values.index if name not in names]
        if missing or unknown or values.index.has_duplicates:
            got = f"none for {', '.join(missing)}" if missing else f"{', '.join(unknown) or 'a name twice'}"
            raise DataError(argument, "must name every hedge once", got, f"index it by {', '.join(map(str, names))}")
        values = values.reindex(names)
    found = check_floats(values, argument=argument)
    if found.shape not in ((), (len(names),)):
        got, remedy = f"shape {found.shape} for {len(names)} hedges", "pass one number, one a hedge, or a Series"
        raise DataError(argument, "must have one number a hedge", got, remedy)
    found = np.broadcast_to(found, (len(names),)).copy()
    bad = [str(name) for name in names[~np.isfinite(found)]]
    if bad:
        got, remedy = f"missing or infinite for {', '.join(bad)}", "state how much can be traded at most"
        raise DataError(argument, "must be finite", got, remedy)
    return found


def _not_negative(values: ByHedge, names: pd.Index, argument: str) -> Floats:
    found = _by_hedge(values, names, argument)
    if (found < 0.0).any():
        j = int(np.argmin(found))
        raise DataError(argument, "must not be negative", f"{found[j]:g} for {names[j]}", "pass a size, without a sign")
    return found


def _bands(
    deltas: pd.DataFrame | None, book_delta: pd.Series | None, delta_bands: pd.DataFrame | None, names: pd.Index
) -> tuple[pd.DataFrame, Floats]:
    if delta_bands is None:
        empty = pd.DataFrame(columns=["before", "low", "high"], dtype=np.float64).rename_axis("band")
        return empty, np.empty((0, len(names)))
    if deltas is None or book_delta is None:
        absent = "deltas" if deltas is None else "book_delta"
        remedy = f"pass {absent} too, by the names of the bands"
        raise DataError("delta_bands", "must come with deltas and book_delta", f"no {absent}", remedy)
    missing = [c for c in ("low", "high") if c not in delta_bands]
    without = [str(b) for b in delta_bands.index if b not in deltas.index or b not in book_delta.index]
    unknown = [str(name) for name in names if name not in deltas.columns]
    if missing or without or unknown or delta_bands.index.has_duplicates:
        words = [f"no column {', '.join(missing)}" if missing else "", f"no delta for {', '.join(without)}" if without
                 else "", f"no delta of {', '.join(unknown)}" if unknown else ""]  # fmt: skip
        remedy = "pass bands (low, high), deltas (bands by hedges) and book_delta with the same names"
        raise DataError("delta_bands", "must fit to deltas", "; ".join(filter(None, words)) or "a band twice", remedy)
    matrix = deltas.loc[delta_bands.index, list(names)].to_numpy(dtype=np.float64)
    before = book_delta.reindex(delta_bands.index).to_numpy(dtype=np.float64)
    low, high = (delta_bands[side].to_numpy(dtype=np.float64) for side in ("low", "high"))
    bad = ~(np.isfinite(matrix).all(axis=1) & np.isfinite(before)) | np.isnan(low) | np.isnan(high) | (low > high)
    if bad.any():
        got = ", ".join(map(str, delta_bands.index[bad]))
        raise DataError("delta_bands", "must have finite deltas and a low end below the high one", got, "repair these")
    table = pd.DataFrame({"before": before, "low": low, "high": high}, index=delta_bands.index.rename("band"))
    return table, matrix


def _require_room(terms: HedgeTerms) -> None:
    """Refuse bands that no quantities within the bounds meet, with the least breach of each."""
    if not len(terms.bands):
        return
    n, m = len(terms.names), len(terms.bands)
    before = terms.bands["before"].to_numpy()
    size = np.maximum(np.abs(terms.deltas) @ np.maximum(np.abs(terms.lower), np.abs(terms.upper)), 1e-300)
    size = np.maximum(size, np.abs(before))
    A, eye = terms.deltas / size[:, None], np.eye(m)
    rows, ends = [], []
    for sign, end in ((1.0, terms.bands["high"].to_numpy()), (-1.0, terms.bands["low"].to_numpy())):
        held = np.isfinite(end)
        rows.append(np.hstack([sign * A, -eye])[held])
        ends.append((sign * (end - before) / size)[held])
    limits = np.column_stack([np.r_[terms.lower, np.zeros(m)], np.r_[terms.upper, np.full(m, np.inf)]])
    solved = linprog(
        np.r_[np.zeros(n), np.ones(m)], A_ub=np.vstack(rows), b_ub=np.concatenate(ends), bounds=limits, method="highs"
    )
    breach = np.zeros(m) if solved.x is None else solved.x[n:] * size
    if solved.status != 0 or (breach > _ROUNDING * size).any():
        named = ", ".join(f"{terms.bands.index[i]} by {breach[i]:g}" for i in np.flatnonzero(breach > _ROUNDING * size))
        remedy = "widen these bands or the bounds of hedges that move them"
        raise DataError("delta_bands", "must be reachable within the bounds", f"a breach of {named} at best", remedy)
