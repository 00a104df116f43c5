"""The expected shortfall regression tests of Bayer and Dimitriadis: is the forecast its own best predictor?

The expected shortfall of the losses is regressed on a constant and its forecast; a right forecast has intercept 0 and
slope 1. Losses and forecasts are positive here; with returns r = -L and e = -E the slope is the same and the intercept
changes its sign.
"""

from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_choice
from volkit.results import ResultDisplay, freeze
from volkit.validation.power import SIGNIFICANCE
from volkit.validation.scoring import Values
from volkit.validation.shortfall.inputs import TailRows, check_significance, check_tail
from volkit.validation.shortfall.joint_regression import Covariance, JointRegression, fit_joint_regression
from volkit.validation.shortfall.outcome import ShortfallTest

__all__ = ["ShortfallRegression", "auxiliary_es_regression_test", "strict_es_regression_test"]

Floats = npt.NDArray[np.float64]

# Below five exceptions two coefficients of the tail say nothing.
_FEWEST_EXCEPTIONS = 5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ShortfallRegression(ResultDisplay):
    """Regression of expected shortfall on its forecast, and the test that intercept is 0 and slope 1.

    Attributes
    ----------
    test : ShortfallTest
        Wald test, chi-squared with 2 degrees of freedom for long samples.
    coefficients : DataFrame, shape (4, 3)
        Value, standard error and target of the quantile's and the shortfall's intercept (unit of the losses) and
        slope (no unit); the quantile has no standard error here, because the test does not need its density.
    covariance : ndarray, shape (2, 2)
        Sandwich covariance of the shortfall's intercept and slope; NaN when degenerate.
    loss : float
        Mean loss that was minimised (FZ0 of shifted losses); NaN when degenerate.
    certificate : float
        Largest slope downwards that is left at the optimum, without unit; NaN when degenerate.
    """

    test: ShortfallTest
    coefficients: pd.DataFrame
    covariance: Floats
    loss: float
    certificate: float

    @property
    def headline(self) -> str:
        """The test, and the shortfall's intercept and slope."""
        a, b = self.coefficients["value"].iloc[2:]
        return f"{self.test.headline}, intercept {a:.3g}, slope {b:.3g}"

    @property
    def p_value(self) -> float:
        """Probability under the chi-squared law; NaN when degenerate."""
        return self.test.p_value

    @property
    def as_of(self) -> object:
        """Last label of the losses when they came as a Series; None otherwise."""
        return self.test.as_of

    def summary(self) -> pd.DataFrame:
        """Return the coefficients below the test: value, target (or NaN) and note."""
        notes = [f"standard error {e:.3g}" if np.isfinite(e) else "" for e in self.coefficients["standard error"]]
        below = self.coefficients[["value", "target"]].assign(note=notes)
        return pd.concat([self.test.summary(), below]).rename_axis(self.test.name)

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficients, tidy: coefficient, value, standard error, target."""
        return freeze(self.coefficients.rename_axis("coefficient").reset_index())


def strict_es_regression_test(
    losses: Values,
    expected_shortfall: Values,
    *,
    confidence: float,
    covariance: Covariance = "scale",
    significance: float = SIGNIFICANCE,
) -> ShortfallRegression:
    """Return the strict regression test, which needs forecasts of the expected shortfall alone.

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost, not overlapping; NaN where unknown.
    expected_shortfall : sequence, ndarray or Series, shape (n_rows,)
        Forecasts in the same unit, positive.
    confidence : float
        Of the forecasts.
    covariance : {"scale", "robust"}
        Of the coefficients, see `fit_joint_regression`.
    significance : float
        Probability of a false alarm, at most 0.2.

    Returns
    -------
    ShortfallRegression
        Degenerate, with the reason, for forecasts that never change or a tail of fewer than five periods.
        `n_exceptions` counts losses above the fitted quantile, for want of a forecast of it.

    Raises
    ------
    DataError
        As `check_tail`.
    ArgumentError
        For levels that cannot be used.
    ConvergenceError
        When no certified optimum is found.

    Notes
    -----
    Quantile and shortfall are both regressed on a constant and E; the test is on the shortfall's two coefficients
    ([1]_, section 2.2). Too eager in short samples: with normal
    losses at 97.5 % the nominal 5 % test rejects right forecasts in 20 % of samples of 250 periods, 9 % of 1,000 and
    5 % of 2,500; with the robust covariance in 45, 17 and 12 % (400 simulated samples each; see `shortfall_power`).

    References
    ----------
    .. [1] Bayer and Dimitriadis (2022), Regression-based expected shortfall backtesting, Journal of Financial
       Econometrics 20.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scale = np.exp(0.5 * rng.standard_normal(2000))
    >>> strict_es_regression_test(scale * rng.standard_normal(2000), 1.5 * scale, confidence=0.95).test.is_rejected
    True
    """
    rows = check_tail(losses, expected_shortfall, expected_shortfall, confidence=confidence)
    return _regress("strict ES regression", rows, rows.expected_shortfall, confidence, covariance, significance)


def auxiliary_es_regression_test(
    losses: Values,
    value_at_risk: Values,
    expected_shortfall: Values,
    *,
    confidence: float,
    covariance: Covariance = "scale",
    significance: float = SIGNIFICANCE,
) -> ShortfallRegression:
    """Return the auxiliary regression test: the quantile is regressed on the Value at Risk.

    Parameters
    ----------
    losses, expected_shortfall, confidence, covariance, significance
        As in `strict_es_regression_test`.
    value_at_risk : sequence, ndarray or Series, shape (n_rows,)
        Forecasts of the quantile, in the unit of the losses.

    Returns
    -------
    ShortfallRegression
        As `strict_es_regression_test`. Only the shortfall's coefficients are tested.

    Raises
    ------
    DataError, ArgumentError, ConvergenceError
        As `strict_es_regression_test`.

    Notes
    -----
    Bayer and Dimitriadis (2022), section 2.3. When both forecasts are one scale times two constants it is the strict
    test.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scale = np.exp(0.5 * rng.standard_normal(2000))
    >>> losses = scale * rng.standard_normal(2000)
    >>> round(auxiliary_es_regression_test(losses, 1.645 * scale, 2.063 * scale, confidence=0.95).p_value, 2)
    0.92
    """
    rows = check_tail(losses, value_at_risk, expected_shortfall, confidence=confidence)
    return _regress("auxiliary ES regression", rows, rows.value_at_risk, confidence, covariance, significance)


def _regress(
    name: str, rows: TailRows, predictor: Floats, confidence: float, covariance: Covariance, significance: float
) -> ShortfallRegression:
    check_choice(covariance, argument="covariance", choices=get_args(Covariance))
    level = check_significance(significance)
    fit, reason = None, _undefined(rows, predictor, confidence)
    Z, X = (np.column_stack([np.ones(len(rows.loss)), values]) for values in (predictor, rows.expected_shortfall))
    if not reason:
        fit = fit_joint_regression(rows.loss, Z, X, confidence=confidence, covariance=covariance)
        if np.linalg.matrix_rank(fit.covariance, hermitian=True) < 2:
            reason = "the covariance of the coefficients is singular"
    facts = rows.facts(confidence)
    if fit is not None and predictor is rows.expected_shortfall:
        facts["n_exceptions"] = int((rows.loss > Z @ fit.quantile + 1e-12 * np.abs(rows.loss).max()).sum())
    value = np.nan
    if fit is not None and not reason:
        gap = fit.shortfall - [0.0, 1.0]
        value = float(gap @ np.linalg.solve(fit.covariance, gap))
    test = ShortfallTest(
        name=name,
        statistic=value,
        p_value=float(stats.chi2.sf(value, 2)),
        expected=2.0,
        acceptance=(-np.inf, float(stats.chi2.isf(level, 2))),
        alternative="greater",
        law="chi-squared",
        degrees_of_freedom=2,
        significance=level,
        reason=reason,
        **facts,  # type: ignore[arg-type]
    )
    return ShortfallRegression(
        test=test,
        coefficients=_table(fit),
        covariance=np.full((2, 2), np.nan) if fit is None else fit.covariance,
        loss=np.nan if fit is None else fit.loss,
        certificate=np.nan if fit is None else fit.certificate,
    )


def _undefined(rows: TailRows, predictor: Floats, confidence: float) -> str:
    for values, word in ((predictor, "quantile's"), (rows.expected_shortfall, "shortfall's")):
        if np.ptp(values) <= 1e-9 * np.abs(values).max():
            return f"the {word} forecasts never change"
    tail = len(rows.loss) * (1.0 - confidence)
    if tail < _FEWEST_EXCEPTIONS:
        return f"the tail holds {tail:.3g} periods, fewer than {_FEWEST_EXCEPTIONS}"
    return ""


def _table(fit: JointRegression | None) -> pd.DataFrame:
    labels = [
        f"{part} {term}" for part in ("quantile", "shortfall") for term in ("intercept (unit of losses)", "slope")
    ]
    empty = np.full(2, np.nan)
    value = np.full(4, np.nan) if fit is None else np.concatenate([fit.quantile, fit.shortfall])
    error = np.concatenate([empty, empty if fit is None else np.sqrt(np.diag(fit.covariance))])
    target = np.array([np.nan, np.nan, 0.0, 1.0])
    return freeze(pd.DataFrame({"value": value, "standard error": error, "target": target}, index=labels))
