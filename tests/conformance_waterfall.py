"""Reference methods of default, insurance funds and auto-deleveraging that volkit answers."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from conformance_series import Case

from volkit.solvency.default import exponential_claims_ruin, merton_default, ruin_probability
from volkit.solvency.fund import cover_k
from volkit.solvency.waterfall import AdlRule, adl_queue_scores, adl_trigger, auto_deleverage

__all__ = ["WATERFALL_METHODS"]


def merton(case: Case) -> dict[str, Any]:
    """Return assets, distance, probability and loss, and the same as rounded in print."""
    i = case.inputs
    firm = merton_default(i["E"], equity_volatility=i["sigma_E"], debt=i["D"], rate=i["r"], horizon=i["T"])
    got = {
        "V": firm.asset_value,
        "sigma_V": firm.asset_volatility,
        "DD": firm.distance_to_default,
        "PD": firm.default_probability,
        "debt_value": firm.debt_value,
        "pv_debt": firm.riskless_debt,
        "expected_loss": firm.expected_loss,
    }
    printed = {"V": 1, "sigma_V": 4, "PD": 3, "debt": 1, "pv": 2, "EL": 3}
    longer = {"debt": "debt_value", "pv": "pv_debt", "EL": "expected_loss"}
    return {**got, "published_rounded": {k: round(got[longer.get(k, k)], digits) for k, digits in printed.items()}}


def ruin_brownian(case: Case) -> dict[str, float]:
    """Return ruin by a horizon and for ever."""
    i = case.inputs
    terms = {"income": i["mu"], "volatility": i["s"]}
    return {
        "P_T": ruin_probability(i["b"], horizon=i["T"], **terms),
        "P_inf": ruin_probability(i["b"], **terms),
    }


def ruin_cramer_lundberg(case: Case) -> dict[str, float]:
    """Return ruin for ever under exponential claims."""
    i = case.inputs
    return {"psi": exponential_claims_ruin(i["u"], loading=i["theta"], mean_claim=i["claim_mean"])}


def covers(case: Case) -> dict[str, Any]:
    """Return Cover-1, Cover-2 and its worst scenarios."""
    found = cover_k(case.inputs["uncovered"])
    worst = found.table.loc[2, "scenarios"]
    return {"cover1": found.cover(1), "cover2": found.cover(2), "worst_scenario_cover2": list(worst)}


def trigger_drawdown(case: Case) -> dict[str, Any]:
    """Return ratio, state and subsidy after a contract's loss."""
    i = case.inputs
    times = pd.date_range("2025-01-01", periods=2, freq="1h", tz="UTC")
    profit = pd.Series([0.0, -float(i["symbol_loss"])], index=times)
    balance = pd.Series([float(i["pool_8h_max"]), float(i["balance"])], index=times)
    rule = AdlRule(trigger_ratio=i["insurancePnlRatio"], least_balance=i["adlTriggerThreshold"])
    row = adl_trigger(profit, balance, rule=rule).frame.iloc[-1]
    return {
        "pnlRatio": float(row["ratio"]),
        "adl_triggered": bool(row["active"]),
        "user_subsidy": float(row["subsidy"]),
    }


def queue(case: Case) -> dict[str, list[float]]:
    """Return scores of shorts, their order, and what two policies close of 30 coins."""
    i = case.inputs
    shorts = pd.DataFrame({"entry_price": i["entry"], "collateral": i["margin"], "quantity": i["size"]})
    shorts["quantity"] *= -1
    scores = adl_queue_scores(shorts, mark=i["mark"])
    # Any price above the mark, at which all of them still gain, closes the same coins.
    closed = {
        policy: auto_deleverage(shorts, mark=i["mark"], bankruptcy_price=i["mark"] + 1.0, quantity=30.0, policy=policy)
        for policy in ("queue", "pro_rata")
    }
    return {
        "pnl": scores["profit"].tolist(),
        "eff_leverage": scores["effective_leverage"].tolist(),
        "score": scores["score"].tolist(),
        "order": scores["rank"].argsort().tolist(),
        "queue_closed_30": closed["queue"].table["closed"].tolist(),
        "prorata_closed_30": closed["pro_rata"].table["closed"].tolist(),
    }


WATERFALL_METHODS: dict[str, Callable[[Case], Any]] = {
    "merton": merton,
    "ruin_brownian": ruin_brownian,
    "ruin_cramer_lundberg": ruin_cramer_lundberg,
    "cover_k": covers,
    "adl_trigger_drawdown": trigger_drawdown,
    "adl_queue": queue,
}
