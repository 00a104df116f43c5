"""Regressors of an asset's log variance: its own past beside macro moves and levels, on one clock."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_times
from volkit.correlation.inputs import MINIMUM_PAIRS, check_changes, check_same_times
from volkit.correlation.macro.inputs import check_basis_points
from volkit.correlation.stationarity import StationarityReport, require_no_unit_root, stationarity_report
from volkit.errors import ArgumentError, DataError
from volkit.volatility.har import Har
from volkit.volatility.outcomes import check_variances

__all__ = ["VarianceRows", "check_variance_rows", "macro_terms", "own_terms"]


@dataclass(frozen=True, eq=False, slots=True)
class VarianceRows:
    """An asset's variances and macro columns on the same rows.

    Attributes
    ----------
    asset : str
        Name of the asset.
    variance : Series, shape (n_rows,)
        Per period, decimal squared, positive; NaN where missing.
    terms : DataFrame, shape (n_rows, n_terms)
        Macro regressors known at each row's close, NaN where missing.
    labels : mapping of str to str
        Unit of each term.
    stationarity : StationarityReport or None
        Tests of the levels; None without any.
    """

    asset: str
    variance: pd.Series
    terms: pd.DataFrame
    labels: Mapping[str, str]
    stationarity: StationarityReport | None


def check_variance_rows(
    variance: pd.Series,
    moves: pd.DataFrame,
    units: Mapping[str, str],
    *,
    levels: pd.DataFrame | None = None,
    level_units: Mapping[str, str] | None = None,
    accept_unit_roots: bool = False,
) -> VarianceRows:
    """Return variances and macro terms on one clock, shapes (n_rows,) and (n_rows, n_terms).

    Raises
    ------
    ArgumentError
        For a column without a unit.
    DataError
        For variances that are not positive, moves that are levels or said to be in basis points but are not, a name
        twice, infinite or constant values, other times, and levels with a unit root unless they are accepted.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=20, tz="UTC")
    >>> moves = pd.DataFrame({"US10Y": [4.0, -3.0] * 10}, index=times)
    >>> check_variance_rows(pd.Series(4e-4, index=times), moves, {"US10Y": "basis points"}).labels
    {'|US10Y|': 'basis points', 'US10Y': 'basis points'}
    """
    checked = check_variances(variance, argument="variance")
    if not isinstance(moves, pd.DataFrame) or moves.shape[1] == 0:
        got = "no column" if isinstance(moves, pd.DataFrame) else type(moves).__name__
        raise DataError("moves", "must be a frame of at least one factor", got, 'pass for example changes[["SPX"]]')
    _require_names(moves, "moves")
    columns = {str(name): check_changes(moves[name], argument="moves") for name in moves.columns}
    terms = macro_terms(columns)
    labels: dict[str, str] = {}
    for name in columns:
        labels |= dict.fromkeys((f"|{name}|", name), _unit_of(name, units, argument="units"))
        if units[name] == "basis points":
            check_basis_points(columns[name], argument="moves")
    check_same_times(checked.index, next(iter(columns.values())).index, arguments="variance and moves")
    report = None
    if levels is not None:
        known = _check_levels(levels, checked.index)
        for name in known.columns:
            labels[f"{name} level"] = _unit_of(name, level_units or {}, argument="level_units")
        terms = terms.join(known.add_suffix(" level"))
    for name, column in terms.items():
        _require_variation(str(name), column.to_numpy())
    if levels is not None:
        report = stationarity_report(known)
        if not accept_unit_roots:
            remedy = "pass its changes as a move, or accept_unit_roots=True and read the forecasts, not the p-values"
            require_no_unit_root(report, argument="levels", remedy=remedy)
    asset = str(variance.name) if variance.name is not None else "asset"
    return VarianceRows(asset, checked, terms, labels, report)


def macro_terms(columns: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return the absolute and the signed move of each factor, shape (n_rows, 2 n_factors), in its unit.

    Examples
    --------
    >>> macro_terms({"SPX": pd.Series([0.01, -0.02])}).to_dict("list")
    {'|SPX|': [0.01, 0.02], 'SPX': [0.01, -0.02]}
    """
    terms: dict[str, pd.Series] = {}
    for name, column in columns.items():
        terms |= {f"|{name}|": column.abs(), name: column}
    return pd.DataFrame(terms)


def own_terms(variance: np.ndarray, spec: Har) -> np.ndarray:
    """Return the log HAR terms known after each row, shape (n_rows, n_lags); NaN where the past is too short.

    Examples
    --------
    >>> own_terms(np.exp(np.arange(4.0)), Har(lags=(1, 2), form="log")).tolist()
    [[nan, nan], [1.0, 0.5], [2.0, 1.5], [3.0, 2.5]]
    """
    rows = np.full((len(variance), len(spec.lags)), np.nan)
    rows[max(spec.lags) - 1 :] = spec.design(variance, np.zeros(len(variance)))[:, 1:]
    return rows


def _check_levels(levels: pd.DataFrame, times: pd.Index) -> pd.DataFrame:
    if not isinstance(levels, pd.DataFrame) or levels.shape[1] == 0:
        got = "no column" if isinstance(levels, pd.DataFrame) else type(levels).__name__
        raise DataError("levels", "must be a frame of at least one level", got, "leave it out, or pass frame[[name]]")
    _require_names(levels, "levels")
    known = levels.set_axis(check_times(levels.index, argument="levels")).astype(np.float64)
    check_same_times(times, known.index, arguments="variance and levels")
    return known.set_axis(known.columns.astype(str), axis=1)


def _require_names(frame: pd.DataFrame, argument: str) -> None:
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(argument, "must name each column once", f"{twice} twice", "rename or drop one of them")


def _unit_of(name: str, units: Mapping[str, str], *, argument: str) -> str:
    if name not in units:
        remedy = f'pass for example {argument}={{"{name}": "basis points"}}'
        raise ArgumentError(argument, "must name the unit of every column", f"none for {name}", remedy)
    return units[name]


def _require_variation(name: str, values: np.ndarray) -> None:
    known = values[~np.isnan(values)]
    if np.isinf(known).any():
        raise DataError(name, "must be finite", f"{int(np.isinf(known).sum())} infinite values", "set them to NaN")
    if len(known) < MINIMUM_PAIRS:
        raise DataError(name, f"must have at least {MINIMUM_PAIRS} values", str(len(known)), f"leave {name} out")
    if np.ptp(known) == 0.0:
        raise DataError(name, "must vary", f"{len(known)} times the value {known[0]:g}", f"leave {name} out")
