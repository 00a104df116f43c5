"""Reference methods of online calibration that volkit answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from conformance_series import Case

from volkit.realtime.online import (
    AdaptiveConformal,
    DynamicallyTunedAdaptiveConformal,
    LevelCurve,
    QuantileTracker,
    calibrate_online,
)

__all__ = ["ONLINE_METHODS"]

# Levels that are themselves the scores: the multiplier at a level is one minus it.
_UNIFORM = LevelCurve(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
_HALF = 1000


def lehmer_levels() -> np.ndarray:
    """Return the levels of the entries: Lehmer's generator, the later half squared."""
    x, levels = 12345, []
    for _ in range(2 * _HALF):
        x = 16807 * x % 2147483647
        levels.append(x / 2147483647)
    return np.array(levels) ** np.repeat([1.0, 2.0], _HALF)


def _run(calibrator: Any, scores: np.ndarray) -> Any:
    times = pd.date_range("2020-01-01", periods=len(scores), tz="UTC")
    return calibrate_online(pd.Series(scores, index=times), calibrator)


def adaptive(case: Case) -> dict[str, Any]:
    """Return errors and last level of ACI."""
    i, levels = case.inputs, lehmer_levels()
    rule = AdaptiveConformal(confidence=1.0 - i["alpha"], gamma=i["gamma"], curve=_UNIFORM, may_shrink=True)
    ran = _run(rule, 1.0 - levels)
    return {
        "n_errors": ran.n_exceedances,
        "final_alpha": ran.calibrator.level,
        "err_second_half": ran.exceeded.iloc[_HALF:].mean(),
        "beta_1_3": levels[:3].tolist(),
    }


def dynamically_tuned(case: Case) -> dict[str, Any]:
    """Return mean levels and errors of DtACI."""
    i = case.inputs
    rule = DynamicallyTunedAdaptiveConformal(
        confidence=1.0 - i["alpha"], gammas=i["gammas"], sigma=1e-3, eta=2.72, curve=_UNIFORM, may_shrink=True
    )
    ran = _run(rule, 1.0 - lehmer_levels())
    return {
        "mean_alpha_at": {t: ran.path["level"].iloc[int(t) - 1] for t in case.expected["mean_alpha_at"]},
        "mean_err": ran.rate,
        "mean_err_second_half": ran.exceeded.iloc[_HALF:].mean(),
    }


def tracked(case: Case) -> dict[str, Any]:
    """Return multipliers of quantile tracking."""
    i = case.inputs
    rule = QuantileTracker(confidence=1.0 - i["alpha"], step=i["eta"], start=i["q1"], may_shrink=True)
    ran = _run(rule, np.array(i["s"], dtype=float))
    return {"q": ran.multipliers.tolist(), "q_next": ran.calibrator.multiplier}


def bound(case: Case) -> dict[str, Any]:
    """Return the published bound of ACI."""
    i = case.inputs
    rule = AdaptiveConformal(confidence=1.0 - i["alpha"], gamma=i["gamma"], curve=_UNIFORM, may_shrink=True)
    return {"bound": rule.guarantee(i["T"], scores_within=(0.0, 1.0)).published}


ONLINE_METHODS: dict[str, Callable[[Case], Any]] = {
    "adaptive_conformal": adaptive,
    "dynamically_tuned_adaptive_conformal": dynamically_tuned,
    "conformal_p_control": tracked,
    "property:aci.bound": bound,
}
