"""Reference methods and properties of liquidation cascades that volkit answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from conformance_series import Case
from contagion.cascade.twin import mask_path

from volkit.contagion.cascade import (
    LeveragedAccounts,
    LiquidationLadder,
    Venue,
    cascade_paths,
    run_cascade,
    square_root_cascade,
)
from volkit.impact.laws import LinearImpact, SquareRootImpact

__all__ = ["CASCADE_METHODS"]

# Of the property: counts, and amounts that agree to this share of all that was liquidated.
_COUNTS = ("long_accounts", "short_accounts", "bankrupt_accounts", "rounds")
_AMOUNTS = ("bad_debt", "fund_end", "fund_low", "deleveraged", "socialised")
_ROUNDING = 1e-9


def uniform_cascade(case: Case, *, shock: str) -> dict[str, float]:
    """Return drop, amplification and liquidated share of levels at (i + 0.5) / N below the price."""
    i = case.inputs
    n, move = i["accounts"], i[shock]
    levels = np.exp(-(np.arange(n) + 0.5) / n)
    ladder = LiquidationLadder.from_levels(
        liquidation_price=levels, bankruptcy_price=levels, quantity=np.full(n, 1.0 / n)
    )
    run = run_cascade(ladder, Venue(price=1.0, impact=LinearImpact(i["kappa"])), shock=float(np.expm1(-move)))
    found = {
        "total_drop": -run.total_move,
        "amplification": -run.total_move / move,
        "liquidated_share": float(run.liquidated_share["long"]),
    }
    return {name: found[name] for name in case.expected}


def linear_impact(case: Case) -> dict[str, float]:
    """Return the end of a cascade under linear impact."""
    return uniform_cascade(case, shock="initial_log_shock")


def fracture(case: Case) -> dict[str, float]:
    """Return the end of a cascade that nothing stops."""
    return uniform_cascade(case, shock="shock")


def square_root(case: Case) -> dict[str, float]:
    """Return the end of a cascade under the square-root law."""
    i = case.inputs
    law = SquareRootImpact(constant=i["Y"], volatility=i["sigma_daily"], volume=i["V_daily"])
    end = square_root_cascade(i["s"], coefficient=law.coefficient, density=i["rho_units_per_log_drop"])
    return {"total_drop": end.drop, "amplification": end.amplification}


def equivalence(case: Case) -> dict[str, float]:
    """Return the largest difference of counts between the sorted engine and masks over all accounts.

    Amounts are held against each other as well: a difference beyond rounding counts as one.
    """
    i, rng = case.inputs, np.random.default_rng(20260101)
    n = i["accounts"]
    price = 100.0 * np.exp(0.03 * rng.standard_normal(n))
    book = LeveragedAccounts.from_leverage(
        price=price, notional=price * rng.lognormal(0.0, 1.0, n), leverage=np.exp(rng.uniform(0.7, 4.0, n)),
        side=np.where(rng.random(n) < 0.55, "long", "short"), maintenance_rate=rng.choice([0.004, 0.005, 0.01], n),
    )  # fmt: skip
    coins = float(np.abs(book.quantity).sum())
    venue = Venue(price=100.0, impact=LinearImpact(0.2 / coins), half_life=12.0, permanent_share=0.2, fund=coins)
    returns = 0.004 * rng.standard_normal((i["paths"], i["steps"]))
    found = cascade_paths(book, venue, np.exp(np.cumsum(returns, axis=1))).totals
    worst = 0.0
    for k, row in enumerate(returns):
        masks, scale = mask_path(book, venue, row), float(found.loc[k, ["long_notional", "short_notional"]].sum())
        worst = max(worst, *(abs(float(found.loc[k, name]) - masks[name]) for name in _COUNTS))
        apart = max(abs(float(found.loc[k, name]) - masks[name]) for name in _AMOUNTS)
        worst = max(worst, float(apart > _ROUNDING * scale))
    return {"max_abs_diff_counts": worst}


CASCADE_METHODS: dict[str, Callable[[Case], Any]] = {
    "cascade_linear_impact": linear_impact,
    "cascade_square_root_impact": square_root,
    "cascade_fracture": fracture,
    "property:cascade.equivalence": equivalence,
}
