"""Reference methods of margins at an insolvency probability that volkit answers."""

from collections.abc import Callable
from typing import Any

from conformance_series import Case

from volkit.realtime.insolvency import garch_t_margin, reflection_margin

__all__ = ["INSOLVENCY_METHODS"]


def reflection(case: Case) -> dict[str, list[float]]:
    """Return margins by probability, at the end and at any time."""
    i = case.inputs
    deviation = i["sigma_annual"] * (i["days"] / i["year"]) ** 0.5
    events = {"terminal": "terminal", "continuous": "path minimum"}
    return {
        name: [reflection_margin(p, volatility=deviation, event=event) for p in i["p"]]
        for name, event in events.items()
    }


def garch_t(case: Case) -> dict[str, float]:
    """Return the variance over the horizon, and margin and shortfall of the next period."""
    i = case.inputs
    state = {name: i[name] for name in ("omega", "alpha", "beta")}
    terms = {**state, "variance_next": i["h_next"], "degrees_of_freedom": i["nu"]}
    target = 1.0 - i["conf"]
    day, whole = (garch_t_margin(target, **terms, horizon=h) for h in (1, i["H"]))
    return {"var_2d": whole.variance, "margin_1d": day.margin, "ES_1d": day.expected_shortfall}


INSOLVENCY_METHODS: dict[str, Callable[[Case], Any]] = {
    "margin_reflection": reflection,
    "margin_garch_t": garch_t,
}
