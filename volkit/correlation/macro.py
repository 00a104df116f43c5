"""What a macro move does to an asset: betas to each factor alone and to all of them together.

An asset's returns and the factors' changes on the same rows enter; `MacroBetas` leaves, with errors that
allow for heteroskedastic and autocorrelated residuals.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count, check_returns
from volkit.correlation.betas import BETA_COLUMNS, MacroBetas
from volkit.correlation.inputs import MINIMUM_PAIRS, check_changes, check_same_times, warn_small
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, freeze

__all__ = ["macro_betas"]

_LARGEST_CONDITION = 1e4
# A factor takes part in a collinearity when its weight in the vanishing combination is at least this.
_LOADING = 0.1
_WORDS = {"log return": "unit log return", "basis points": "basis point"}


def macro_betas(
    asset_returns: pd.Series,
    factor_changes: pd.DataFrame,
    *,
    units: Mapping[str, str],
    lags: int | None = None,
    confidence: float = 0.95,
    provenance: Provenance | None = None,
) -> MacroBetas:
    """Return the betas of an asset to macro factors, each alone and all together.

    Parameters
    ----------
    asset_returns : Series, shape (n_obs,)
        Decimal returns on UTC times.
    factor_changes : DataFrame, shape (n_obs, n_factors)
        Changes on the same times, each column in its own unit. Rows with a NaN anywhere are left out of all
        regressions and counted, so that alone and joint speak of the same rows.
    units : mapping of str to str
        Unit of one change of each factor, e.g. `SeriesSpec.change_unit`: ``log return``, ``basis points``.
    lags : int, optional
        Autocovariances in the errors; by default 1.3 sqrt(n_obs), rounded down.
    confidence : float
        Of each two-sided interval, fraction.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    MacroBetas
        Betas as return per unit of each factor, with standard errors, t, p, interval, R squared, residuals.

    Raises
    ------
    ArgumentError
        For a factor without a unit, a bad number of lags or confidence.
    DataError
        For returns that `check_returns` refuses, factors that are levels, infinite or constant, no factor,
        different times, too few complete rows, and collinear factors, which are named.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 complete rows.

    Notes
    -----
    Least squares with an intercept; Newey-West covariance with Bartlett weights 1 - l / (L + 1), times
    n / (n - k - 1) [1]_. With L = 1.3 sqrt(n) lags [2]_ the error is itself uncertain, so t is compared with
    a t law of 3n / (2(L + 1)) degrees of freedom, the equivalent ones of Bartlett weights, at most n - k - 1:
    on independent normal data this covers 94 % where n - k - 1 covers 91 % (n = 90). Not for causes: a joint
    beta is what the factor adds given the other factors listed here.

    References
    ----------
    .. [1] Newey and West (1987), Econometrica 55(3), 703-708.
    .. [2] Lazarus, Lewis, Stock and Watson (2018), JBES 36(4), 541-559.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> panel = load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])
    >>> units = {name: panel.specs[name].change_unit for name in ("SPX", "VIX")}
    >>> moves = changes(panel)
    >>> macro_betas(moves["NASDAQ"], moves[["SPX", "VIX"]], units=units).joint["beta"].round(3).to_dict()
    {'SPX': 1.103, 'VIX': -0.004}
    """
    level = check_confidence(confidence)
    asset, factors, labels = _check_inputs(asset_returns, factor_changes, units)
    complete = np.isfinite(asset.to_numpy()) & np.isfinite(factors.to_numpy()).all(axis=1)
    y, x = asset[complete], factors[complete]
    n = len(y)
    _require_rows(y, x, len(asset))
    depth = math.floor(1.3 * math.sqrt(n)) if lags is None else check_count(lags, argument="lags", minimum=0)
    if depth >= n:
        raise ArgumentError("lags", f"must be below the {n} complete rows", str(depth), "leave it out for 1.3 sqrt(n)")
    condition = _check_condition(x)
    warn_small(n, what=f"the regression of {asset.name}")
    joint = _regress(y, x, lags=depth, confidence=level)
    alone = [_regress(y, x[[factor]], lags=depth, confidence=level) for factor in x.columns]
    univariate = pd.concat([fit.table for fit in alone]).assign(r_squared=[fit.r_squared for fit in alone])
    return MacroBetas(
        asset=str(asset.name),
        univariate=freeze(univariate),
        joint=freeze(joint.table),
        labels=labels,
        intercept=joint.intercept,
        r_squared=joint.r_squared,
        residual_volatility=float(np.sqrt((joint.residuals**2).sum() / (n - x.shape[1] - 1))),
        residuals=freeze(joint.residuals),
        condition_number=condition,
        lags=depth,
        degrees_of_freedom=joint.degrees_of_freedom,
        confidence=level,
        n_obs=n,
        n_dropped=len(asset) - n,
        as_of=y.index[-1],
        provenance=provenance or Provenance(()),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Regression:
    table: pd.DataFrame
    intercept: float
    r_squared: float
    residuals: pd.Series
    degrees_of_freedom: float


def _regress(y: pd.Series, x: pd.DataFrame, *, lags: int, confidence: float) -> _Regression:
    # Imported at first use: statsmodels costs more than the rest of the package together.
    import statsmodels.api as sm

    n, k = x.shape
    # Standardised inside and scaled back: beside a factor in trillions the pseudo-inverse would drop one in decimals.
    mean, scale = x.mean().to_numpy(), x.std().to_numpy()
    design = np.column_stack([np.ones(n), (x.to_numpy() - mean) / scale])
    fit = sm.OLS(y.to_numpy(), design).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    freedom = min(n - k - 1.0, 1.5 * n / (lags + 1.0))
    beta, error = fit.params[1:] / scale, fit.bse[1:] / scale
    half = float(stats.t.ppf(0.5 * (1.0 + confidence), freedom)) * error
    # An error of zero (an exact line) has an infinite t and a p-value of zero, as it should.
    with np.errstate(divide="ignore"):
        t = beta / error
    columns = dict(
        zip(BETA_COLUMNS, (beta, error, t, 2.0 * stats.t.sf(np.abs(t), freedom), beta - half, beta + half), strict=True)
    )
    return _Regression(
        table=pd.DataFrame(columns, index=pd.Index(x.columns, name="factor")),
        intercept=float(fit.params[0] - beta @ mean),
        r_squared=float(fit.rsquared),
        residuals=pd.Series(fit.resid, index=y.index, name=y.name),
        degrees_of_freedom=freedom,
    )


def _check_inputs(
    asset_returns: pd.Series, factor_changes: pd.DataFrame, units: Mapping[str, str]
) -> tuple[pd.Series, pd.DataFrame, dict[str, str]]:
    asset = check_returns(asset_returns, argument="asset_returns", minimum=MINIMUM_PAIRS, allow_missing=True)
    if not isinstance(factor_changes, pd.DataFrame) or factor_changes.shape[1] == 0:
        got = "no column" if isinstance(factor_changes, pd.DataFrame) else type(factor_changes).__name__
        remedy = 'pass for example changes[["SPX", "US10Y"]]'
        raise DataError("factor_changes", "must be a frame of at least one factor", got, remedy)
    if factor_changes.columns.has_duplicates:
        twice = factor_changes.columns[factor_changes.columns.duplicated()][0]
        raise DataError("factor_changes", "must name each factor once", f"{twice} twice", "rename or drop one of them")
    names = [str(name) for name in factor_changes.columns]
    missing = [name for name in names if name not in units]
    if missing:
        remedy = f'pass for example units={{"{missing[0]}": "basis points"}}'
        raise ArgumentError("units", "must name the unit of every factor", f"none for {', '.join(missing)}", remedy)
    columns = {name: check_changes(factor_changes[name], argument="factor_changes") for name in factor_changes.columns}
    factors = pd.DataFrame(columns).set_axis(names, axis=1)
    check_same_times(asset.index, factors.index, arguments="asset_returns and factor_changes")
    labels = {name: f"return per {_WORDS.get(units[name], units[name])}" for name in names}
    return asset.rename(str(asset.name) if asset.name is not None else "asset"), factors, labels


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
    if condition > _LARGEST_CONDITION:
        together = [str(n) for n, w in zip(factors.columns, combinations[-1], strict=True) if abs(w) > _LOADING]
        got = f"a condition number of {condition:.3g}: {' and '.join(together)} move together"
        remedy = f"leave {together[-1]} out, or use a difference of the two"
        raise DataError("factor_changes", f"must have a condition number up to {_LARGEST_CONDITION:g}", got, remedy)
    return condition
