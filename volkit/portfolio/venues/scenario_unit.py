"""The discounted scenario margin of a `RiskUnit`: its expiries with the file's rate, its feeds as given."""

import numpy as np

from volkit.errors import DataError
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.scenario_account import (
    SECONDS_PER_YEAR,
    CollateralHolding,
    ExpiryHolding,
    PerpetualHolding,
    ScenarioAccount,
    ScenarioPortfolioParameters,
)
from volkit.portfolio.venues.scenario_portfolio import scenario_portfolio_margin
from volkit.portfolio.venues.unit import RiskUnit, RuleMargin, rule_margin

__all__ = ["scenario_unit_margin"]


def scenario_unit_margin(unit: RiskUnit, parameters: ScenarioPortfolioParameters, feeds: Feeds) -> RuleMargin:
    """Return the discounted scenario margin of a risk unit, its coins as collateral that cancels risk.

    Parameters
    ----------
    unit : RiskUnit
        Perpetual and options on one underlying.
    parameters : ScenarioPortfolioParameters
        Of a venue; its `rate` is that of every expiry.
    feeds : Feeds
        Confidence of every price, price of the settlement coin.

    Returns
    -------
    RuleMargin
        USD. To the venue options are worth their discounted value and coins their value in its settlement coin, to the
        equity here the plain ones; the difference is the component ``discount``.

    Raises
    ------
    DataError
        For dated futures, which the rule does not know.
    """
    if len(unit.futures):
        raise DataError("futures", "must be none", f"{len(unit.futures)}", "margin them under another rule")
    o, expiries = unit.options, []
    for time in np.unique(o.time):
        rows = o.time == time
        holding = ExpiryHolding.of(
            seconds=float(time) * SECONDS_PER_YEAR,
            forward=float(o.forward[rows][0]),
            quantity=o.quantity[rows],
            strike=o.strike[rows],
            is_call=o.is_call[rows],
            volatility=o.volatility[rows],
            rate=parameters.rate,
            confidence=feeds.confidence,
        )
        expiries.append(holding)
    perpetual = PerpetualHolding(quantity=unit.perpetual, price=unit.perpetual_price, confidence=feeds.confidence)
    account = ScenarioAccount(
        spot=unit.spot,
        spot_confidence=feeds.confidence,
        stable_price=feeds.stable_price,
        perpetual=perpetual if unit.perpetual else None,
        expiries=tuple(expiries),
        collateral=_coins(unit, parameters, feeds),
    )
    result = scenario_portfolio_margin(account, parameters)
    coins = sum(c.amount * c.price for c in account.collateral)
    gap = float(o.value().sum()) + coins - result.mark_to_market
    rows = [*result.margin.components.itertuples(name=None), ("discount", gap, gap)]
    return rule_margin(rows, worst_scenario=result.margin.worst_scenario)


def _coins(unit: RiskUnit, parameters: ScenarioPortfolioParameters, feeds: Feeds) -> tuple[CollateralHolding, ...]:
    if unit.coins <= 0.0:
        return ()
    held = CollateralHolding(
        name=unit.underlying,
        amount=unit.coins,
        price=unit.spot,
        confidence=feeds.confidence,
        cancels_risk=True,
        maintenance_haircut=parameters.coin_maintenance_haircut,
        initial_haircut=parameters.coin_initial_haircut,
    )
    return (held,)
