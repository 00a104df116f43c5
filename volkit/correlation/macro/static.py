"""What a macro move does to an asset: betas to each factor alone and to all of them together.

An asset's returns and the factors' changes on the same rows enter; `MacroBetas` leaves, with errors that
allow for heteroskedastic and autocorrelated residuals.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from volkit.checks import check_confidence
from volkit.correlation.inputs import warn_small
from volkit.correlation.macro.betas import BETA_COLUMNS, MacroBetas
from volkit.correlation.macro.inputs import check_clocks, check_factors, check_lags
from volkit.correlation.macro.regression import Fits, least_squares, t_table
from volkit.prices.synchrony import Synchrony
from volkit.results import Provenance, freeze

__all__ = ["macro_betas"]


def macro_betas(
    asset_returns: pd.Series,
    factor_changes: pd.DataFrame,
    *,
    units: Mapping[str, str],
    lags: int | None = None,
    confidence: float = 0.95,
    synchrony: Mapping[str, Synchrony] | None = None,
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
    synchrony : mapping of str to Synchrony, optional
        By factor, e.g. ``{"SPX": panel.synchrony("BTC", "SPX")}``; carried on the result.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    MacroBetas
        Betas as return per unit of each factor, with standard errors, t, p, interval, R squared, residuals.

    Raises
    ------
    ArgumentError
        For a factor without a unit, a bad number of lags or confidence, the synchrony of no factor.
    DataError
        For returns that `check_returns` refuses, factors that are levels, infinite or constant, no factor,
        different times, too few complete rows, yields in per cent, and collinear factors, which are named.

    Warns
    -----
    SmallSampleWarning
        With fewer than 60 complete rows.
    AsynchronousWarning
        For a factor with less than 95 % of a period in common.

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
    panel = check_factors(asset_returns, factor_changes, units)
    y, x, condition = panel.complete_rows()
    n = len(y)
    depth = check_lags(lags, n=n)
    asset = str(panel.asset.name)
    clocks = check_clocks(synchrony, panel.names, asset=asset)
    warn_small(n, what=f"the regression of {asset}")
    joint, joint_table = _regress(y, x, lags=depth, confidence=level)
    alone = [_regress(y, x[[factor]], lags=depth, confidence=level) for factor in panel.names]
    univariate = pd.concat([table for _, table in alone]).assign(r_squared=[fit.r_squared[0] for fit, _ in alone])
    return MacroBetas(
        asset=asset,
        univariate=freeze(univariate),
        joint=freeze(joint_table),
        labels=panel.labels,
        intercept=float(joint.coefficients[0, 0]),
        r_squared=float(joint.r_squared[0]),
        residual_volatility=float(np.sqrt(joint.residual_variance[0])),
        residuals=freeze(pd.Series(joint.residuals[0], index=y.index, name=y.name)),
        condition_number=condition,
        lags=depth,
        degrees_of_freedom=joint.degrees_of_freedom,
        confidence=level,
        n_obs=n,
        n_dropped=len(panel.asset) - n,
        as_of=y.index[-1],
        synchrony=clocks,
        provenance=provenance or Provenance(()),
    )


def _regress(y: pd.Series, x: pd.DataFrame, *, lags: int, confidence: float) -> tuple[Fits, pd.DataFrame]:
    fit = least_squares(x.to_numpy()[None], y.to_numpy()[None], lags=lags)
    beta, error = fit.coefficients[0, 1:], fit.standard_errors[0, 1:]
    table = t_table(beta, error, degrees_of_freedom=fit.degrees_of_freedom, confidence=confidence)
    return fit, pd.DataFrame(table, index=pd.Index(x.columns, name="factor"))[BETA_COLUMNS]
