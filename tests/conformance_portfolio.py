"""Reference methods of portfolio margin and its efficiency that volkit answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from conformance_series import Case

from volkit.portfolio.efficiency import compress_obligations, hedge_programme
from volkit.portfolio.netting import clearing_benefit, gaussian_offset, least_members, least_risk_weights

__all__ = ["PORTFOLIO_METHODS"]


def offset(case: Case) -> dict[str, Any]:
    """Return margin, offset and contributions of a normal portfolio."""
    i = case.inputs
    found = gaussian_offset(i["cov"], i["positions"], confidence=i["conf"])
    table = {name: found.table[name].tolist() for name in ("standalone", "euler", "incremental")}
    return {"portfolio": found.margin, "offset_ratio": found.offset, **table}


def least_risk(case: Case) -> dict[str, Any]:
    """Return the portfolio of least tail risk and its tails by level."""
    i, levels = case.inputs, case.expected
    w = least_risk_weights(i["mu"], i["cov"], target_mean=i["target_mean"])

    def tails(wanted: dict[str, float], measure: Any) -> dict[str, float]:
        return {
            key: gaussian_offset(i["cov"], w, confidence=float(key), measure=measure, mean=i["mu"]).margin
            for key in wanted
        }

    return {
        "w": w.tolist(),
        "w_exact": w.tolist(),
        "VaR": tails(levels.get("VaR", {}), "value_at_risk"),
        "CVaR": tails(levels.get("CVaR", {}), "expected_shortfall"),
    }


def shortfall_parts(case: Case) -> dict[str, Any]:
    """Return the Euler parts of the shortfall of a portfolio, that of another entry where one is named."""
    i = {**case.others[case.inputs["ref"]]["inputs"], **case.inputs} if "ref" in case.inputs else case.inputs
    w = i["w"] if "w" in i else least_risk_weights(i["mu"], i["cov"], target_mean=i["target_mean"])
    found = gaussian_offset(i["cov"], w, confidence=i["conf"], mean=i.get("mu"))
    return {"components": found.table["euler"].tolist(), "total": found.margin}


def hedge(case: Case) -> dict[str, float]:
    """Return the hedge of least shortfall at 0.5 and cost 0.1, from 0 to 3 units."""
    i = case.inputs
    found = hedge_programme(i["L0"], np.array([i["b"]]), confidence=0.5, bounds=(0.0, 3.0), costs=0.1)
    quantity = float(found.hedges["quantity"].iloc[0])
    return {"h": quantity, "objective": found.objective, "VaR": float(found.edge_after.iloc[0])}


def compression(case: Case) -> dict[str, Any]:
    """Return what compression leaves of obligations, in the order in which they stand in the matrix."""
    W = np.array(case.inputs["W_row_owes_col"], dtype=np.float64)
    found = compress_obligations(W)
    return {
        "gross": found.gross,
        "net": found.net.tolist(),
        "min_gross": found.least_gross,
        "excess": found.excess,
        "conservative": found.after.to_numpy()[np.nonzero(W)].tolist(),
        "conservative_gross": found.gross_after,
    }


def clearing(case: Case) -> dict[str, Any]:
    """Return least numbers of members and exposures with and without a counterparty."""
    exposures = {}
    for key in case.expected:
        if key.startswith("N") and "K" in key:
            members, classes = key[1:].split("K")
            found = clearing_benefit(int(members), n_classes=int(classes))
            exposures[key] = {"bilateral": found.bilateral, "with_ccp": found.with_ccp}
    return {"N_min": [least_members(k) for k in case.inputs["K"]], **exposures}


PORTFOLIO_METHODS: dict[str, Callable[[Case], Any]] = {
    "margin_offset": offset,
    "cvar_portfolio_normal": least_risk,
    "cvar_euler": shortfall_parts,
    "cvar_hedge": hedge,
    "compression": compression,
    "duffie_zhu": clearing,
}
