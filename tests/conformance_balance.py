"""Reference methods of balance sheets and lending that volkit answers."""

from collections.abc import Callable
from typing import Any

from conformance_series import Case

from volkit.solvency.lending import health_factor, toxic_ltv
from volkit.solvency.reserves import liquidity_coverage_ratio

__all__ = ["BALANCE_METHODS"]


def liquidity_coverage(case: Case) -> dict[str, list[float]]:
    """Return ratios, one for each amount of inflows."""
    i = case.inputs
    return {"LCR": [liquidity_coverage_ratio(i["HQLA"], outflows=i["outflows"], inflows=flow) for flow in i["inflows"]]}


def lending_health(case: Case) -> dict[str, float]:
    """Return the health factor of an account with several collaterals."""
    amounts, prices, thresholds = zip(*case.inputs["collateral"], strict=True)
    values = [amount * price for amount, price in zip(amounts, prices, strict=True)]
    return {"HF": health_factor(values, thresholds, case.inputs["debt"])}


def toxic_loan_to_value(case: Case) -> dict[str, list[float]]:
    """Return loan-to-values above which liquidations worsen an account."""
    return {"ltv": [toxic_ltv(bonus) for bonus in case.inputs["incentive"]]}


BALANCE_METHODS: dict[str, Callable[[Case], Any]] = {
    "liquidity_coverage_ratio": liquidity_coverage,
    "health_factor": lending_health,
    "toxic_ltv": toxic_loan_to_value,
}
