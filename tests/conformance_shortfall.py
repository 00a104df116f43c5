"""Reference methods of expected shortfall's back-tests and scores that volkit answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from conformance_series import Case, generated
from scipy import stats

from volkit.validation import diebold_mariano_test
from volkit.validation.shortfall import (
    acerbi_szekely_draws,
    acerbi_szekely_z1_test,
    acerbi_szekely_z2_test,
    du_escanciano_conditional_from_statistic,
    du_escanciano_conditional_test,
    du_escanciano_from_statistic,
    du_escanciano_test,
    exceedance_residual_test,
    fz0_score,
    nolde_ziegel_general_test,
    nolde_ziegel_test,
    normal_law,
    student_law,
)

__all__ = ["SHORTFALL_METHODS"]

_SEED = 20240601
_MANY_DRAWS = 2_000_000


def unconditional_from_statistic(case: Case) -> dict[str, Any]:
    """Return error, p-value and acceptance interval of the mean cumulative violation."""
    i = case.inputs
    found = du_escanciano_from_statistic(i["statistic"], i["n"], confidence=1.0 - i["alpha"])
    return {"std": found.standard_error, "p_value": found.p_value, "ci95": list(found.acceptance)}


def conditional_from_statistic(case: Case) -> dict[str, float]:
    """Return the p-value of the statistic of serial dependence."""
    i = case.inputs
    found = du_escanciano_conditional_from_statistic(i["statistic"], lags=i["lags"], n_obs=1966, confidence=0.95)
    return {"p_value": found.p_value, "critical_5pct": found.critical_value}


def _forecasts(case: Case, alpha: float | None = None, model: str | None = None) -> dict[str, Any]:
    """Losses, normal Value at Risk and expected shortfall of the generated data, and what they were made of."""
    if model is not None:
        case = Case({**case.inputs, "model": model}, case.expected, case.folder, case.others)
    returns, volatility = generated(case)
    confidence = 1.0 - (case.inputs["alpha"] if alpha is None else alpha)
    law = normal_law()
    return {
        "losses": -returns,
        "value_at_risk": volatility * law.value_at_risk(confidence),
        "expected_shortfall": volatility * law.expected_shortfall(confidence),
        "volatility": volatility,
        "confidence": confidence,
    }


def _tail(f: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return f["losses"], f["value_at_risk"], f["expected_shortfall"]


def du_escanciano(case: Case) -> dict[str, float]:
    """Return both tests of cumulative violations on the generated data."""
    f = _forecasts(case)
    ranks = stats.norm.sf(f["losses"] / f["volatility"])
    mean = du_escanciano_test(ranks, confidence=f["confidence"])
    serial = du_escanciano_conditional_test(ranks, lags=case.inputs["lags"], confidence=f["confidence"])
    return {"u": mean.statistic, "p_u": mean.p_value, "c": serial.statistic, "p_c": serial.p_value}


def nolde_ziegel(case: Case) -> dict[str, float]:
    """Return both tests of conditional calibration."""
    f = _forecasts(case)
    simple = nolde_ziegel_test(*_tail(f), confidence=f["confidence"])
    general = nolde_ziegel_general_test(*_tail(f), volatility=f["volatility"], confidence=f["confidence"])
    return {
        "stat_simple": simple.statistic,
        "p_simple_two_sided": simple.p_value,
        "stat_general": general.statistic,
        "p_general_two_sided": general.p_value,
    }


def exceedance_residual(case: Case) -> dict[str, float]:
    """Return the p-value of the exceedance residuals."""
    f = _forecasts(case)
    return {"p_value": exceedance_residual_test(*_tail(f), confidence=f["confidence"], law="normal").p_value}


def acerbi_szekely(case: Case) -> dict[str, float]:
    """Return the first two statistics of Acerbi and Szekely."""
    f, rng = _forecasts(case), np.random.default_rng(_SEED)
    terms: dict[str, Any] = {"confidence": f["confidence"], "law": normal_law(), "rng": rng}
    z1, z2 = (test(*_tail(f), **terms) for test in (acerbi_szekely_z1_test, acerbi_szekely_z2_test))
    return {"z1": z1.statistic, "z2": z2.statistic}


def mean_score(case: Case) -> dict[str, float]:
    """Return the mean joint score."""
    f = _forecasts(case)
    return {"mean": float(fz0_score(*_tail(f), confidence=f["confidence"]).mean())}


def score_difference(case: Case) -> dict[str, float]:
    """Return the test of equal joint scores of two models."""
    scores = [fz0_score(*_tail(f), confidence=0.975) for f in (_forecasts(case, 0.025, m) for m in ("garchN", "const"))]
    found = diebold_mariano_test(*scores, lags=case.inputs["newey_west_lags"])
    return {
        "mean_diff": found.mean_difference,
        "stat": found.asymptotic_statistic,
        "p_value": found.asymptotic_p_value,
    }


def z2_critical(case: Case) -> dict[str, Any]:
    """Return critical values of the second statistic under normal and t laws."""
    n, rng = case.inputs["n"], np.random.default_rng(_SEED)

    def draws(law: Any, n_draws: int = 200_000) -> np.ndarray:
        confidence = 1.0 - case.inputs["alpha"]
        return acerbi_szekely_draws(n, statistic="Z2", confidence=confidence, law=law, rng=rng, n_draws=n_draws)

    normal = draws(normal_law(), _MANY_DRAWS)
    students = [float(np.quantile(draws(student_law(nu)), 0.05)) for nu in (5, 10, 30, 100)]
    return {
        "normal_5pct": float(np.quantile(normal, 0.05)),
        "normal_0_01pct": float(np.quantile(normal, 1e-4)),
        "t_nu5_to_100_5pct_range": [min(students), max(students)],
        "t3_5pct": float(np.quantile(draws(student_law(3)), 0.05)),
    }


def z2_of_student(case: Case) -> dict[str, float]:
    """Return critical value and p-value of the second statistic under t with three degrees of freedom."""
    i = case.inputs
    draws = acerbi_szekely_draws(
        i["n"],
        statistic="Z2",
        confidence=1.0 - i["alpha"],
        law=student_law(3),
        rng=np.random.default_rng(_SEED),
        n_draws=100_000,
    )
    return {"critical_1pct": float(np.quantile(draws, 0.01)), "p_value": float((draws <= i["statistic"]).mean())}


SHORTFALL_METHODS: dict[str, Callable[[Case], Any]] = {
    "du_escanciano_unconditional": unconditional_from_statistic,
    "du_escanciano_conditional_pvalue": conditional_from_statistic,
    "du_escanciano": du_escanciano,
    "nolde_ziegel_conditional_calibration": nolde_ziegel,
    "exceedance_residual_t": exceedance_residual,
    "acerbi_szekely_z1_z2": acerbi_szekely,
    "fz0_mean_loss": mean_score,
    "diebold_mariano": score_difference,
    "acerbi_szekely_z2_critical": z2_critical,
    "acerbi_szekely_z2": z2_of_student,
}
