"""Discounted scenario margin of a portfolio: price by volatility, tails, skew, basis, discounting and contingencies.

A `ScenarioAccount` and a file's `ScenarioPortfolioParameters` enter; a `ScenarioPortfolioMargin` leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_kind
from volkit.portfolio.venues.charges import naked_short_quantity
from volkit.portfolio.venues.scenario_account import (
    BasisContingency,
    Charges,
    Discounting,
    ExpiryHolding,
    ScenarioAccount,
    ScenarioPortfolioParameters,
    SkewShocks,
)
from volkit.portfolio.venues.shocks import Scenario, VolatilityScaling, scenario_words, shocked_volatility, worst_of
from volkit.portfolio.venues.unit import Floats, RuleMargin, rule_margin
from volkit.results import ResultDisplay, freeze

__all__ = ["ScenarioPortfolioMargin", "scenario_portfolio_margin"]

# Options settle at the average of the last thirty minutes: what is averaged already cannot move any more.
_WINDOW = 1_800.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ScenarioPortfolioMargin(ResultDisplay):
    """The margin of an account under the discounted scenario rule.

    Attributes
    ----------
    margin : RuleMargin
        Components of the requirement (USD), which sum to the margins.
    profits : DataFrame, shape (n_scenarios, 2)
        Indexed by scenario in words; columns ``kind`` (regular, tail, skew, basis) and ``profit`` (USD, weighted).
    mark_to_market : float
        Value of options, collateral and what the perpetual has not paid yet, USD.
    cash : float
        Settlement coin.
    """

    margin: RuleMargin
    profits: pd.DataFrame
    mark_to_market: float
    cash: float

    @property
    def initial_margin(self) -> float:
        """Equity (USD) that the account must hold to open positions."""
        return self.margin.initial_margin

    @property
    def maintenance_margin(self) -> float:
        """Equity (USD) below which it is liquidated."""
        return self.margin.maintenance_margin

    @property
    def equity(self) -> float:
        """Mark to market and cash, USD."""
        return self.mark_to_market + self.cash

    @property
    def initial_excess(self) -> float:
        """Equity less the initial margin, USD: what the venue calls its initial margin."""
        return self.equity - self.initial_margin

    @property
    def maintenance_excess(self) -> float:
        """Equity less the maintenance margin, USD: the account is liquidated below 0."""
        return self.equity - self.maintenance_margin

    def worst_loss(self, kind: str) -> float:
        """Return the largest loss among the scenarios of a kind: regular, tail, skew or basis (USD, 0 without one)."""
        profits = self.profits.loc[self.profits["kind"] == kind, "profit"]
        return -float(profits.min()) if len(profits) else 0.0

    @property
    def headline(self) -> str:
        """Margins, equity and worst scenario in one line."""
        return (
            f"initial {self.initial_margin:,.2f}, maintenance {self.maintenance_margin:,.2f} USD on an equity of "
            f"{self.equity:,.2f}; worst: {self.margin.worst_scenario}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the components of both margins (USD)."""
        return self.margin.components

    def to_frame(self) -> pd.DataFrame:
        """Return the profit (USD, weighted) of every scenario, with its kind."""
        return self.profits


def scenario_portfolio_margin(
    account: ScenarioAccount, parameters: ScenarioPortfolioParameters
) -> ScenarioPortfolioMargin:
    """Return the margin of an account from its worst discounted scenario and its contingencies.

    Parameters
    ----------
    account : ScenarioAccount
        Holdings on one underlying, with their feeds.
    parameters : ScenarioPortfolioParameters
        Of a dated file.

    Returns
    -------
    ScenarioPortfolioMargin
        Requirements are positive, USD.

    Notes
    -----
    Profit of a scenario = weight x [perpetual + sum over expiries (discount x shocked value - value) + collateral that
    cancels risk]; a skew scenario takes minus the modulus of each expiry instead. The worst is the least of all
    scenarios and the basis contingency. Maintenance = factor x worst loss + maintenance charges; initial = (factor +
    de-peg charge) x worst loss + initial and maintenance charges. A shocked value V >= 0 is worth
    V B exp(-t (r k + a)); V < 0 counts V min(1 / df, B exp(t (r k + a))), with r the rate or 0 if that is more, and
    df = exp(-r t).

    References
    ----------
    .. [1] Derive, Portfolio margin (second version); numbers of its published test portfolios.

    Examples
    --------
    >>> from volkit.portfolio.venues import load_venue_rules
    >>> from volkit.portfolio.venues.scenario_account import PerpetualHolding
    >>> rules = load_venue_rules("derive-portfolio")
    >>> account = ScenarioAccount(spot=3_000, perpetual=PerpetualHolding(quantity=1.0, price=3_100, unrealised=10))
    >>> margin = scenario_portfolio_margin(account, rules.parameters)
    >>> round(margin.initial_excess, 2), round(margin.maintenance_excess, 2)
    (-608.0, -481.4)
    """
    check_kind(account, ScenarioAccount, argument="account")
    check_kind(parameters, ScenarioPortfolioParameters, argument="parameters")
    bases = [float(_values(e, np.zeros(1), e.options.volatility[None, :])[0]) for e in account.expiries]
    coins = [c.amount * c.price / account.stable_price for c in account.collateral]
    moving = sum(v for v, c in zip(coins, account.collateral, strict=True) if c.cancels_risk)
    profits = pd.concat(
        [
            _scan(account, parameters.regular, parameters, bases, moving, kind="regular"),
            _scan(account, parameters.tail, parameters, bases, moving, kind="tail"),
            _skew(account.expiries, parameters.skew, parameters.discounting, bases),
            _basis(account.expiries, parameters.basis, bases),
        ]
    )
    lowest = worst_of(-profits["profit"].to_numpy())
    worst = -float(profits["profit"].min())
    rows = [
        ("worst scenario", parameters.initial_factor * worst, parameters.maintenance_factor * worst),
        ("de-peg", _depeg_rate(account.stable_price, parameters.charges) * worst, 0.0),
        *_charges(account, parameters.charges),
        *_haircuts(account, coins),
        ("confidence", _confidence_charge(account, parameters.charges, coins), 0.0),
    ]
    perpetual = account.perpetual.unrealised if account.perpetual else 0.0
    return ScenarioPortfolioMargin(
        margin=rule_margin(rows, worst_scenario=str(profits.index[lowest])),
        profits=freeze(profits),
        mark_to_market=sum(bases) + sum(coins) + perpetual,
        cash=float(account.cash),
    )


def _values(expiry: ExpiryHolding, moves: Floats, volatility: Floats) -> Floats:
    """Return the value of an expiry, discounted at its own rate (USD), shape (n_scenarios,)."""
    o = expiry.options
    fixed = o.forward * max(_WINDOW - expiry.seconds, 0.0) / _WINDOW
    forwards = (o.forward - fixed) * (1.0 + moves[:, None]) + fixed
    discount = np.exp(-max(expiry.rate, 0.0) * expiry.time)
    return np.asarray(discount * (o.prices(forward=forwards, volatility=volatility) @ o.quantity), dtype=float)


def _discounted(values: Floats, expiry: ExpiryHolding, d: Discounting) -> Floats:
    r, t = max(expiry.rate, 0.0), expiry.time
    asset = d.positive_factor * np.exp(-t * (r * d.positive_rate_multiple + d.positive_rate_addition))
    debt = d.negative_factor * np.exp(t * (r * d.negative_rate_multiple + d.negative_rate_addition))
    return np.asarray(values * np.where(values >= 0.0, asset, min(np.exp(r * t), debt)), dtype=float)


def _scan(
    account: ScenarioAccount,
    scenarios: Sequence[Scenario],
    parameters: ScenarioPortfolioParameters,
    bases: Sequence[float],
    moving: float,
    *,
    kind: str,
) -> pd.DataFrame:
    moves = np.array([s.spot for s in scenarios], dtype=float)
    weights = np.array([s.weight for s in scenarios], dtype=float)
    linear = account.perpetual.quantity * account.perpetual.price if account.perpetual else 0.0
    profits = (linear + moving) * moves
    for expiry, base in zip(account.expiries, bases, strict=True):
        volatility = _volatilities(expiry, scenarios, parameters.volatility)
        values = _discounted(_values(expiry, moves, volatility), expiry, parameters.discounting)
        profits = profits + (values - base)
    return _frame([scenario_words(s) for s in scenarios], kind, weights * profits)


def _volatilities(expiry: ExpiryHolding, scenarios: Sequence[Scenario], scaling: VolatilityScaling) -> Floats:
    o = expiry.options
    rows = [shocked_volatility(o.volatility, o.time, s.volatility, scaling) for s in scenarios]
    return np.array(rows, dtype=float).reshape(len(scenarios), len(o))


def _skew(expiries: Sequence[ExpiryHolding], skew: SkewShocks, d: Discounting, bases: Sequence[float]) -> pd.DataFrame:
    losses = np.zeros(2)
    for expiry, base in zip(expiries, bases, strict=True):
        o, root = expiry.options, np.sqrt(expiry.time)
        k = np.log(o.strike / o.forward)
        width = max(skew.minimum_width, root * skew.width_scale * (skew.width_static + skew.width_slope * root))
        factors = []
        for distance, c0, c1 in (
            (k, skew.linear_cap_base, skew.linear_cap_slope),
            (np.abs(k), skew.absolute_cap_base, skew.absolute_cap_slope),
        ):
            cap = c0 + c1 * root
            factors.append(1.0 + np.clip(distance * cap / width, -abs(cap), abs(cap)))
        # A tilt so steep that it turns a volatility negative leaves none.
        volatility = o.volatility * np.maximum(np.array(factors), 0.0)
        values = _discounted(_values(expiry, np.zeros(2), volatility), expiry, d)
        losses += np.abs(values - base)
    weights = np.array([skew.linear_weight, skew.absolute_weight])
    return _frame(["smile tilted", "smile bent"], "skew", -weights * losses)


def _basis(expiries: Sequence[ExpiryHolding], basis: BasisContingency, bases: Sequence[float]) -> pd.DataFrame:
    total, moves = 0.0, np.array([basis.spot_up, basis.spot_down])
    for expiry, base in zip(expiries, bases, strict=True):
        volatility = np.stack([expiry.options.volatility] * 2)
        worst = min(float((_values(expiry, moves, volatility) - base).min()), 0.0)
        total += worst * (basis.addition + basis.per_year * expiry.time)
    return _frame(["forwards against spot"], "basis", np.array([total]))


def _frame(words: Sequence[str], kind: str, profits: Floats) -> pd.DataFrame:
    index = pd.Index(list(words), name="scenario", dtype=object)
    return pd.DataFrame({"kind": kind, "profit": profits}, index=index)


def _depeg_rate(stable_price: float, c: Charges) -> float:
    return max(0.0, c.stable_threshold - stable_price) * c.stable_factor


def _charges(account: ScenarioAccount, c: Charges) -> list[tuple[str, float, float]]:
    perpetuals = abs(account.perpetual.quantity) * account.spot if account.perpetual else 0.0
    naked = sum(naked_short_quantity(e.options) for e in account.expiries) * account.spot
    return [
        (
            "perpetual",
            perpetuals * (c.perpetual_initial + c.perpetual_maintenance),
            perpetuals * c.perpetual_maintenance,
        ),
        ("naked shorts", naked * (c.option_initial + c.option_maintenance), naked * c.option_maintenance),
    ]


def _haircuts(account: ScenarioAccount, coins: Sequence[float]) -> list[tuple[str, float, float]]:
    held = list(zip(account.collateral, coins, strict=True))
    maintenance = sum(c.maintenance_haircut * v for c, v in held)
    return [("haircuts", maintenance + sum(c.initial_haircut * v for c, v in held), maintenance)]


def _confidence_charge(account: ScenarioAccount, c: Charges, coins: Sequence[float]) -> float:
    def shortfall(confidence: float) -> float:
        return (1.0 - confidence) * c.confidence_scale if confidence < c.confidence_threshold else 0.0

    # The spot backs everything; a poor price of the perpetual also taints the options, but never the collateral.
    spot, perpetual = account.spot_confidence, account.perpetual
    holds = perpetual is not None and perpetual.quantity != 0.0
    traded = min(spot, perpetual.confidence) if perpetual is not None and holds else spot
    total = sum(shortfall(min(x.confidence, spot)) * v for x, v in zip(account.collateral, coins, strict=True))
    if perpetual is not None:
        total += shortfall(traded) * abs(perpetual.quantity) * account.spot
    for expiry in account.expiries:
        held = float(np.abs(expiry.options.quantity).sum())
        total += shortfall(min(expiry.confidence, traded)) * held * account.spot
    return total
