"""Reference methods of the margin period of risk that volkit answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from conformance_series import Case

from volkit.margin.horizon import (
    concentration_factor,
    correlated_margin,
    liquidity_cascade,
    tail_expected_excess,
    touch_probability,
)

__all__ = ["HORIZON_METHODS"]


def first_passage(case: Case) -> dict[str, float]:
    """Return the probabilities that a price path uses up a margin, on the way and at the end."""
    i = case.inputs
    volatility = i["annual_vol"] * i["horizon_years"] ** 0.5
    found = touch_probability(
        i["margin"], side=i["side"], volatility=volatility, horizon=1, interval=pd.Timedelta("1D")
    )
    return {"touch": found.probability, "end_only": found.end_probability}


def cascade(case: Case) -> dict[str, float]:
    """Return the expected shortfall over staggered liquidity horizons."""
    i = case.inputs
    return {"es_total": liquidity_cascade(i["es"], liquidity_horizons=i["lh"], base=i["base"])}


def concentration(case: Case) -> dict[str, float]:
    """Return a margin raised for concentration."""
    i = case.inputs
    factor = concentration_factor(i["sensitivity"], threshold=i["threshold"])
    return {"margin": i["sensitivity"] * i["weight"] * factor}


def aggregation(case: Case) -> dict[str, float]:
    """Return the margin of two correlated sensitivities."""
    i = case.inputs
    correlation = np.array([[1.0, i["rho"]], [i["rho"], 1.0]])
    return {"margin": correlated_margin([i["weight"] * s for s in i["sensitivities"]], correlation)}


def expected_excess(case: Case) -> dict[str, float]:
    """Return the expected loss beyond a margin under a Pareto tail."""
    i = case.inputs
    excess = tail_expected_excess(
        i["margin"], threshold=i["u"], shape=i["xi"], scale=i["beta"], n_exceedances=i["n_exceed"], n_obs=i["n"]
    )
    return {"expected_excess": excess}


HORIZON_METHODS: dict[str, Callable[[Case], Any]] = {
    "margin_exhaustion_first_passage": first_passage,
    "liquidity_horizon_cascade": cascade,
    "concentration_sqrt": concentration,
    "correlated_aggregation": aggregation,
    "expected_loss_beyond_margin": expected_excess,
}
