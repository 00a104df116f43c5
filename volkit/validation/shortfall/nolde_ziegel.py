"""Conditional calibration of Value at Risk and expected shortfall together (Nolde and Ziegel).

Both tests ask whether the identification functions of the pair are zero on average. Losses and forecasts are positive
here; in returns r = -L, v = -V, e = -E the functions are the same numbers.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.errors import DataError
from volkit.validation.power import SIGNIFICANCE
from volkit.validation.scoring import Values
from volkit.validation.shortfall.inputs import TailRows, check_optional, check_significance, check_tail
from volkit.validation.shortfall.outcome import ShortfallTest

__all__ = ["check_volatility", "nolde_ziegel_general_test", "nolde_ziegel_test"]

Floats = npt.NDArray[np.float64]


def nolde_ziegel_test(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    *,
    confidence: float,
    significance: float = SIGNIFICANCE,
) -> ShortfallTest:
    """Return the simple test of conditional calibration, of both forecasts at once.

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost, not overlapping; NaN where unknown.
    value_at_risk, expected_shortfall : sequence, ndarray or Series, shape (n_rows,)
        Forecasts in the same unit, positive.
    confidence : float
        Of both forecasts.
    significance : float
        Probability of a false alarm, at most 0.2.

    Returns
    -------
    ShortfallTest
        Chi-squared with 2 degrees of freedom for long samples; degenerate with fewer than two exceptions.

    Raises
    ------
    DataError
        As `check_tail`.
    ArgumentError
        For levels that cannot be used.

    Notes
    -----
    n m' O^-1 m with m = mean of (p - I, V - E + I (L - V) / p), I = 1 for L > V, and O the mean of its outer products
    ([1]_, section 2.2.2 with test functions equal to one). Too eager in short samples: see `shortfall_power`.

    References
    ----------
    .. [1] Nolde and Ziegel (2017), Elicitability and backtesting: perspectives for banking regulation, Annals of
       Applied Statistics 11.

    Examples
    --------
    >>> losses = np.random.default_rng(1).standard_normal(1000)
    >>> nolde_ziegel_test(losses, np.full(1000, 1.645), np.full(1000, 2.063), confidence=0.95)
    <ShortfallTest: Nolde-Ziegel simple: p = 0.839, statistic 0.351, 48 exceptions in 1000 (50 expected)>
    """
    rows = check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence)
    return _test("Nolde-Ziegel simple", identification(rows, confidence), rows, confidence, significance)


def nolde_ziegel_general_test(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    *,
    volatility: Values,
    confidence: float,
    significance: float = SIGNIFICANCE,
) -> ShortfallTest:
    """Return the general test of conditional calibration: of the expected shortfall, whatever the exception rate.

    Parameters
    ----------
    losses, value_at_risk, expected_shortfall, confidence, significance
        As in `nolde_ziegel_test`.
    volatility : sequence, ndarray or Series, shape (n_rows,)
        Forecast for the same rows, positive, in any unit: periods are weighed by its inverse.

    Returns
    -------
    ShortfallTest
        Chi-squared with 1 degree of freedom for long samples; degenerate with fewer than two exceptions.

    Raises
    ------
    DataError
        As `check_tail`, and for volatilities at or below zero.
    ArgumentError
        For levels that cannot be used.

    Notes
    -----
    The test function ((E - V) / p, 1) / volatility ([1]_, section 2.2.2) turns the two identification functions into
    I (L - E) / (p volatility): the exceedance residual of McNeil and Frey, zero where there is no exception.

    References
    ----------
    .. [1] Nolde and Ziegel (2017), Elicitability and backtesting: perspectives for banking regulation, Annals of
       Applied Statistics 11.

    Examples
    --------
    >>> losses, ones = np.random.default_rng(1).standard_normal(1000), np.ones(1000)
    >>> test = nolde_ziegel_general_test(losses, 1.645 * ones, 2.063 * ones, volatility=ones, confidence=0.95)
    >>> round(test.p_value, 3)
    0.623
    """
    rows, s = check_volatility(losses, value_at_risk, expected_shortfall, volatility, confidence=confidence)
    residual = rows.hits * (rows.loss - rows.expected_shortfall) / s
    return _test("Nolde-Ziegel general", residual[:, None], rows, confidence, significance)


def identification(rows: TailRows, confidence: float) -> Floats:
    """Return the identification functions of both forecasts, shape (n_obs, 2), zero on average when right."""
    p = 1.0 - confidence
    excess = np.maximum(rows.loss - rows.value_at_risk, 0.0)
    return np.column_stack([p - rows.hits, rows.value_at_risk - rows.expected_shortfall + excess / p])


def check_volatility(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    volatility: Values | None,
    *,
    confidence: float,
) -> tuple[TailRows, Floats]:
    """Return the rows that are complete with a volatility too, and that volatility (ones without one).

    Raises
    ------
    DataError
        As `check_tail`, and for volatilities at or below zero.

    Examples
    --------
    >>> check_volatility([0.1, 0.2], [0.1] * 2, [0.2] * 2, [0.05, None], confidence=0.99)[1]
    array([0.05])
    """
    if volatility is None:
        rows = check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence)
        return rows, np.ones(len(rows.loss))
    s = check_optional(volatility, losses, argument="volatility")
    if (s <= 0.0).any():
        got = f"{int((s <= 0.0).sum())} other values, first {s[s <= 0.0][0]:g}"
        raise DataError("volatility", "must be positive", got, "pass the forecast, not a return")
    L = check_optional(losses, losses, argument="losses")
    rows = check_tail(np.where(np.isnan(s), np.nan, L), value_at_risk, expected_shortfall, confidence=confidence)
    as_of = losses.index[-1] if isinstance(losses, pd.Series) else None
    return rows._replace(as_of=as_of), s[rows.known]


def _test(name: str, values: Floats, rows: TailRows, confidence: float, significance: float) -> ShortfallTest:
    """Return the Wald test that the columns of values, shape (n_obs, k), are zero on average."""
    n, k = values.shape
    mean, spread = values.mean(axis=0), values.T @ values / n
    facts = rows.facts(confidence)
    reason = "" if rows.hits.sum() > 1 else "fewer than two exceptions"
    if not reason and np.linalg.matrix_rank(spread, hermitian=True) < k:
        reason = "the identification functions do not vary"
    value = np.nan if reason else float(n * mean @ np.linalg.solve(spread, mean))
    return ShortfallTest(
        name=name,
        statistic=value,
        p_value=float(stats.chi2.sf(value, k)),
        expected=float(k),
        acceptance=(-np.inf, float(stats.chi2.isf(check_significance(significance), k))),
        alternative="greater",
        law="chi-squared",
        degrees_of_freedom=k,
        significance=significance,
        reason=reason,
        **facts,  # type: ignore[arg-type]
    )
