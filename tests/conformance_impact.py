"""Reference methods of price impact and execution that volkit answers."""

from collections.abc import Callable
from typing import Any

from conformance_series import Case

from volkit.impact.execution import ExecutionMarket, almgren_cost, execution_schedule
from volkit.impact.laws import PoolImpact
from volkit.impact.pool import constant_product_swap

__all__ = ["IMPACT_METHODS"]


def almgren_impact(case: Case) -> dict[str, Any]:
    """Return permanent impacts and realised costs, basis points, as printed and in full."""
    answers: dict[str, Any] = {}
    for stock in ("IBM", "DRI"):
        terms = case.inputs[stock]
        costs = [
            almgren_cost(
                case.inputs["X_over_V"] * terms["V"],
                volume=terms["V"], volatility=terms["sigma"], days=days, outstanding=terms["Theta"],
            )
            for days in case.inputs["T"]
        ]  # fmt: skip
        permanent, realized = costs[0].permanent * 1e4, [cost.realized * 1e4 for cost in costs]
        answers |= {
            f"{stock}_I_unrounded": permanent,
            f"{stock}_J_unrounded": realized,
        }
        answers |= {f"{stock}_I": round(permanent), f"{stock}_J": [round(j) for j in realized]}
    return answers


def almgren_chriss_frontier(case: Case) -> dict[str, dict[str, Any]]:
    """Return cost (millions), variance (its square), penalty and, as printed, the time constant by aversion."""
    i = case.inputs
    market = ExecutionMarket(volatility=i["sigma"], half_spread=i["epsilon"], permanent=i["gamma"], temporary=i["eta"])
    answers = {}
    for key in case.expected:
        aversion = float(key.removeprefix("lambda_").replace("e_", "e-").replace("_e", "e"))
        found = execution_schedule(i["X"], market, horizon=i["T"], n_steps=i["N"], risk_aversion=aversion)
        answers[key] = {
            "E": found.expected_cost / 1e6,
            "V": found.variance / 1e12,
            "penalty": found.penalty / 1e6,
            "inv_kappa": round(1.0 / found.urgency, 2),
            "x": found.path["holding"].tolist(),
        }
    return answers


def constant_product_pool(case: Case) -> dict[str, float]:
    """Return what a sale fetches."""
    i = case.inputs
    pool = PoolImpact(base_reserve=i["x"], quote_reserve=i["y"], fee=i["fee"])
    swap = constant_product_swap(pool, i["dx"])
    return {
        "out": swap.money,
        "avg_price": swap.average_price,
        "mid_before": swap.mid_before,
        "mid_after": swap.mid_after,
        "slippage": swap.slippage,
    }


IMPACT_METHODS: dict[str, Callable[[Case], Any]] = {
    "almgren_impact": almgren_impact,
    "almgren_chriss_frontier": almgren_chriss_frontier,
    "constant_product_pool": constant_product_pool,
}
