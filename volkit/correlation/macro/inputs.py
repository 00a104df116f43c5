"""What every macro regression asks of its data: one asset, named factors with units, one clock, no collinearity."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_returns
from volkit.correlation.inputs import MINIMUM_PAIRS, check_changes, check_same_times
from volkit.correlation.macro.regression import LARGEST_CONDITION, default_lags
from volkit.errors import ArgumentError, DataError
from volkit.prices.synchrony import Synchrony, warn_asynchronous

__all__ = ["FactorPanel", "check_basis_points", "check_clocks", "check_factors", "check_lags", "clock_column"]

# A factor takes part in a collinearity when its weight in the vanishing combination is at least this.
_LOADING = 0.1
# A yield is quoted to a tenth of a basis point or coarser, so typical moves below this are percentage points.
_LEAST_BASIS_POINTS = 0.2
_WORDS = {"log return": "unit log return", "basis points": "basis point"}


@dataclass(frozen=True, eq=False, slots=True)
class FactorPanel:
    """One asset and its factors on the same rows.

    Attributes
    ----------
    asset : Series, shape (n_rows,)
        Decimal returns, NaN where missing.
    factors : DataFrame, shape (n_rows, n_factors)
        Changes in each factor's own unit, NaN where missing.
    labels : mapping of str to str
        Unit of each factor's beta, e.g. ``return per basis point``.
    """

    asset: pd.Series
    factors: pd.DataFrame
    labels: Mapping[str, str]

    @property
    def complete(self) -> np.ndarray:
        """Rows with all values, bool."""
        return np.asarray(np.isfinite(self.asset.to_numpy()) & np.isfinite(self.factors.to_numpy()).all(axis=1))

    @property
    def names(self) -> list[str]:
        """Names of the factors."""
        return list(self.factors.columns)

    def complete_rows(self) -> tuple[pd.Series, pd.DataFrame, float]:
        """Return the asset and the factors where all have a value, and the condition number of the factors.

        Raises
        ------
        DataError
            For fewer than 20 rows (or 5 a coefficient), a constant column, and collinear factors, by name.
        """
        y, x = self.asset[self.complete], self.factors[self.complete]
        _require_rows(y, x, len(self.asset))
        return y, x, _check_condition(x)


def check_factors(
    asset_returns: pd.Series,
    factor_changes: pd.DataFrame,
    units: Mapping[str, str],
    *,
    argument: str = "factor_changes",
) -> FactorPanel:
    """Return an asset and its factors on one clock, shapes (n_rows,) and (n_rows, n_factors), with their units.

    Raises
    ------
    ArgumentError
        For a factor without a unit.
    DataError
        For returns that `check_returns` refuses, no factor, a name twice, levels, infinities, different times, and
        factors said to be in basis points that move by hundredths of one.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=20, tz="UTC")
    >>> asset, moves = pd.Series([0.01, -0.02] * 10, index=times), pd.DataFrame({"US10Y": [4.0, -3] * 10}, index=times)
    >>> check_factors(asset, moves, {"US10Y": "basis points"}).labels
    {'US10Y': 'return per basis point'}
    """
    asset = check_returns(asset_returns, argument="asset_returns", minimum=MINIMUM_PAIRS, allow_missing=True)
    if not isinstance(factor_changes, pd.DataFrame) or factor_changes.shape[1] == 0:
        got = "no column" if isinstance(factor_changes, pd.DataFrame) else type(factor_changes).__name__
        raise DataError(
            argument, "must be a frame of at least one factor", got, 'pass for example changes[["SPX", "US10Y"]]'
        )
    if factor_changes.columns.has_duplicates:
        twice = factor_changes.columns[factor_changes.columns.duplicated()][0]
        raise DataError(argument, "must name each factor once", f"{twice} twice", "rename or drop one of them")
    names = [str(name) for name in factor_changes.columns]
    missing = [name for name in names if name not in units]
    if missing:
        remedy = f'pass for example units={{"{missing[0]}": "basis points"}}'
        raise ArgumentError("units", "must name the unit of every factor", f"none for {', '.join(missing)}", remedy)
    columns = {name: check_changes(factor_changes[name], argument=argument) for name in factor_changes.columns}
    factors = pd.DataFrame(columns).set_axis(names, axis=1)
    check_same_times(asset.index, factors.index, arguments=f"asset_returns and {argument}")
    for name in names:
        if units[name] == "basis points":
            check_basis_points(factors[name], argument=argument)
    labels = {name: f"return per {_WORDS.get(units[name], units[name])}" for name in names}
    return FactorPanel(asset.rename(str(asset.name) if asset.name is not None else "asset"), factors, labels)


def check_basis_points(factor: pd.Series, *, argument: str) -> None:
    """Check that the moves of a factor, shape (n_obs,), said to be in basis points, are not per cent or decimals.

    Raises
    ------
    DataError
        When at least 20 of them are not zero and half of these are below 0.2.

    Examples
    --------
    >>> check_basis_points(pd.Series([4.0, -3.0] * 10, name="US10Y"), argument="moves")
    """
    moves = np.abs(factor.to_numpy()[np.isfinite(factor.to_numpy()) & (factor.to_numpy() != 0.0)])
    if len(moves) >= MINIMUM_PAIRS and np.median(moves) < _LEAST_BASIS_POINTS:
        raise DataError(
            f"{argument} ({factor.name})",
            "must be in basis points, as its unit says",
            f"a typical move of {np.median(moves):.3g}, which looks like percentage points or decimals",
            "use volkit.changes(panel), or multiply differences of per cent by 100",
        )


def check_lags(lags: int | None, *, n: int) -> int:
    """Return the autocovariances of the errors of `n` rows, by default 1.3 sqrt(n).

    Raises
    ------
    ArgumentError
        For a negative number, or n and more.

    Examples
    --------
    >>> check_lags(None, n=400), check_lags(5, n=400)
    (26, 5)
    """
    depth = default_lags(n) if lags is None else check_count(lags, argument="lags", minimum=0)
    if depth >= n:
        raise ArgumentError("lags", f"must be below the {n} complete rows", str(depth), "leave it out for 1.3 sqrt(n)")
    return depth


def check_clocks(
    synchrony: Mapping[str, Synchrony] | None, names: list[str], *, asset: str, stacklevel: int = 4
) -> dict[str, Synchrony]:
    """Return what is known of the clocks of an asset and each factor, by name; empty when nothing is.

    Raises
    ------
    ArgumentError
        For the synchrony of a series that is no factor.

    Warns
    -----
    AsynchronousWarning
        For each factor with less than 95 % of a period in common.

    Examples
    --------
    >>> check_clocks(None, ["SPX"], asset="BTC")
    {}
    """
    known = dict(synchrony or {})
    strangers = [name for name in known if name not in names]
    if strangers:
        remedy = f'pass for example synchrony={{"{names[0]}": panel.synchrony("{asset}", "{names[0]}")}}'
        raise ArgumentError("synchrony", f"must be of {', '.join(names)}", f"one of {', '.join(strangers)}", remedy)
    for name, clocks in known.items():
        warn_asynchronous(clocks, what=f"the regression of {asset} on {name}", stacklevel=stacklevel)
    return known


def clock_column(synchrony: Mapping[str, Synchrony], names: list[str]) -> pd.Series:
    """Return for each factor both clocks, the overlap and the attenuation in words, shape (n_factors,).

    Examples
    --------
    >>> clock_column({}, ["SPX"]).to_dict()
    {'SPX': 'not stated'}
    """
    return pd.Series({name: synchrony[name].words if name in synchrony else "not stated" for name in names})


def _require_rows(asset: pd.Series, factors: pd.DataFrame, n_rows: int) -> None:
    needed = max(MINIMUM_PAIRS, 5 * (factors.shape[1] + 1))
    if len(asset) < needed:
        got = f"{len(asset)} of {n_rows}"
        remedy = "pass a longer history, or leave out the factor with most missing values"
        raise DataError("factor_changes", f"must leave at least {needed} complete rows", got, remedy)
    for name, column in (("asset_returns", asset), *factors.items()):
        if np.ptp(column.to_numpy()) == 0.0:
            got = f"{len(column)} times the value {column.iloc[0] + 0.0:g} in {name}"
            raise DataError("the complete rows", "must vary in every column", got, f"leave {name} out")


def _check_condition(factors: pd.DataFrame) -> float:
    values = factors.to_numpy()
    deviation = values - values.mean(axis=0)
    _, singular, combinations = np.linalg.svd(deviation / np.linalg.norm(deviation, axis=0), full_matrices=False)
    condition = float(singular[0] / singular[-1]) if singular[-1] > 0.0 else float("inf")
    if condition > LARGEST_CONDITION:
        together = [str(n) for n, w in zip(factors.columns, combinations[-1], strict=True) if abs(w) > _LOADING]
        got = f"a condition number of {condition:.3g}: {' and '.join(together)} move together"
        remedy = f"leave {together[-1]} out, or use a difference of the two"
        raise DataError("factor_changes", f"must have a condition number up to {LARGEST_CONDITION:g}", got, remedy)
    return condition
