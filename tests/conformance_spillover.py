"""Reference methods of fire sales and of systemic risk in market prices that volkit answers."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from conformance_series import Case

from volkit.contagion.firesale import greenwood_landier_thesmar
from volkit.contagion.measures import (
    gaussian_covar,
    gaussian_marginal_expected_shortfall,
    long_run_shortfall,
    long_run_shortfall_from_beta,
    srisk,
)

__all__ = ["SPILLOVER_METHODS"]


def fire_sale(case: Case) -> dict[str, Any]:
    """Return aggregate vulnerability and its parts."""
    i = case.inputs
    weights = pd.DataFrame(i["weights"])
    found = greenwood_landier_thesmar(
        weights,
        assets=pd.Series(i["assets"]),
        debt_to_equity=pd.Series(i["debt_to_equity"]),
        impact=pd.Series(i["price_impact_per_unit"]),
        shock=pd.Series(i["asset_shock"]),
    )
    return {
        "AV": found.aggregate_vulnerability,
        "IV": found.indirect_vulnerability.tolist(),
        "systemicness": found.systemicness.tolist(),
        "second_round_loss": found.second_round_loss.tolist(),
    }


def covar_normal(case: Case) -> dict[str, float]:
    """Return CoVaR of normal returns, as the file has it: returns, not losses."""
    i = case.inputs
    found = gaussian_covar(
        correlation=i["rho"],
        system_volatility=i["sigma_system"],
        institution_volatility=i["sigma_inst"],
        confidence=1.0 - i["q"],
    )
    return {"CoVaR": -found.covar, "CoVaR_median": -found.covar_median, "DeltaCoVaR": -found.delta_covar}


def capital_shortfall(case: Case) -> dict[str, float]:
    """Return marginal expected shortfall, both long-run ones, and SRISK from the one by beta."""
    i = case.inputs
    mes = gaussian_marginal_expected_shortfall(
        correlation=i["rho"], volatility=i["sigma_inst"], confidence=1.0 - i["alpha"]
    )
    by_beta = long_run_shortfall_from_beta(i["rho"] * i["sigma_inst"] / i["sigma_mkt"], decline=i["d"])
    missing = srisk({"x": i["D"]}, equity={"x": i["W"]}, long_run_shortfall={"x": by_beta}, prudential_ratio=i["k"])
    return {"MES": mes, "LRMES_18": long_run_shortfall(mes), "LRMES_beta": by_beta, "SRISK": missing.total}


SPILLOVER_METHODS: dict[str, Callable[[Case], Any]] = {
    "greenwood_landier_thesmar": fire_sale,
    "covar_gaussian": covar_normal,
    "mes_srisk_gaussian": capital_shortfall,
}
