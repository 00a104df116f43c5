"""Discounted scenario margin: published portfolios, a plain loop, traps of the rule, and invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from volkit.errors import ArgumentError, DataError
from volkit.portfolio.venues import (
    CollateralHolding,
    ExpiryHolding,
    Feeds,
    OptionLegs,
    PerpetualHolding,
    RiskUnit,
    ScenarioAccount,
    clipped_svi_volatility,
    load_venue_rules,
    scenario_portfolio_margin,
)
from volkit.portfolio.venues.scenario_unit import scenario_unit_margin

YEAR = 31_536_000.0
# Numbers of Derive's published test portfolios (second portfolio margin).
CASES = (
    "derive_pmrm2_10_collateral_negative_margin_from_collateral",
    "derive_pmrm2_18_structures_OTM_call_spread",
    "derive_pmrm2_24_structures_short_box_capped",
    "derive_pmrm2_29_perps_basic_perp",
    "derive_pmrm2_32_perps_perp_hedging",
    "derive_pmrm2_41_skews_linear_as_worst_case_simple",
    "derive_pmrm2_55_discounting_negative_rate",
)
SETS = ("501087ef", "85fc4014", "2e9a3079", "6b32ccf6", "c107ab95", "7ad61b97")
RULES = load_venue_rules("derive-portfolio").parameters


def plain_price(forward, strike, t, v, call):
    sign = 1.0 if call else -1.0
    if t <= 0 or v <= 0:
        return max(sign * (forward - strike), 0.0)
    s = v * t**0.5
    d1 = np.log(forward / strike) / s + s / 2
    return sign * (forward * ndtr(sign * d1) - strike * ndtr(sign * (d1 - s)))


def plain_value(expiry, move, factor):
    o, t = expiry.options, expiry.seconds / YEAR
    F = o.forward[0]
    fixed = F * (1800 - expiry.seconds) / 1800 if expiry.seconds < 1800 else 0.0
    moved = (F - fixed) * (1 + move) + fixed
    total = sum(
        q * plain_price(moved, K, t, factor(v, np.log(K / F)), c)
        for q, K, v, c in zip(o.quantity, o.strike, o.volatility, o.is_call, strict=True)
    )
    return total * np.exp(-max(expiry.rate, 0) * t)


def plain_discount(expiry, value, d):
    r, t = max(expiry.rate, 0), expiry.seconds / YEAR
    if value >= 0:
        return value * d.positive_factor * np.exp(-t * (r * d.positive_rate_multiple + d.positive_rate_addition))
    return value * min(
        np.exp(r * t), d.negative_factor * np.exp(t * (r * d.negative_rate_multiple + d.negative_rate_addition))
    )


def plain_shock(expiry, shock, v):
    power = v.short_power if expiry.seconds <= 30 * 86_400 else v.long_power
    reach = (30 * 86_400 / max(expiry.seconds, v.floor_days * 86_400)) ** power
    if shock > 0:
        return lambda vol, _k: max(vol * (1 + shock * reach), v.minimum_up)
    return lambda vol, _k: vol * max(0, 1 + shock * reach)


def plain_skew(expiry, skew, kind):
    root = (expiry.seconds / YEAR) ** 0.5
    cap = getattr(skew, f"{kind}_cap_base") + getattr(skew, f"{kind}_cap_slope") * root
    width = max(skew.minimum_width, root * skew.width_scale * (skew.width_static + skew.width_slope * root))

    def factor(vol, k):
        k = k if kind == "linear" else abs(k)
        return vol * max(0, 1 + min(max(k * cap / width, -cap), cap))

    return factor


def plain_margins(a, p):
    """Return the excess equity over the initial and the maintenance margin, as a loop over scenarios."""
    same = plain_shock(a.expiries[0], 0.0, p.volatility)
    bases = [plain_value(e, 0.0, same) for e in a.expiries]
    coins = [c.amount * c.price / a.stable_price for c in a.collateral]
    moving = sum(v for v, c in zip(coins, a.collateral, strict=True) if c.cancels_risk)
    profits = []
    for s in (*p.regular, *p.tail):
        profit = a.perpetual.quantity * a.perpetual.price * s.spot + moving * s.spot
        for e, base in zip(a.expiries, bases, strict=True):
            value = plain_value(e, s.spot, plain_shock(e, s.volatility, p.volatility))
            profit += plain_discount(e, value, p.discounting) - base
        profits.append(s.weight * profit)
    for kind in ("linear", "absolute"):
        loss = sum(
            abs(plain_discount(e, plain_value(e, 0.0, plain_skew(e, p.skew, kind)), p.discounting) - b)
            for e, b in zip(a.expiries, bases, strict=True)
        )
        profits.append(-getattr(p.skew, f"{kind}_weight") * loss)
    basis = 0.0
    for e, b in zip(a.expiries, bases, strict=True):
        down = min(0.0, *(plain_value(e, m, same) - b for m in (p.basis.spot_up, p.basis.spot_down)))
        basis += down * (p.basis.addition + p.basis.per_year * e.seconds / YEAR)
    worst = min(*profits, basis)
    c, traded = p.charges, min(a.spot_confidence, a.perpetual.confidence)
    maintenance = abs(a.perpetual.quantity) * a.spot * c.perpetual_maintenance
    initial = abs(a.perpetual.quantity) * a.spot * c.perpetual_initial
    doubt = [(traded, abs(a.perpetual.quantity) * a.spot)]
    for e in a.expiries:
        net = {}
        for q, K in zip(e.options.quantity, e.options.strike, strict=True):
            net[K] = net.get(K, 0.0) + q
        naked = sum(max(0.0, -n) for n in net.values()) * a.spot
        maintenance, initial = maintenance + naked * c.option_maintenance, initial + naked * c.option_initial
        doubt.append((min(e.confidence, traded), sum(map(abs, e.options.quantity)) * a.spot))
    for v, held in zip(coins, a.collateral, strict=True):
        maintenance, initial = maintenance + v * held.maintenance_haircut, initial + v * held.initial_haircut
        doubt.append((min(held.confidence, a.spot_confidence), v))
    initial += sum((1 - k) * c.confidence_scale * v for k, v in doubt if k < c.confidence_threshold)
    equity = sum(bases) + sum(coins) + a.perpetual.unrealised + a.cash
    peg = max(0.0, c.stable_threshold - a.stable_price) * c.stable_factor
    return (
        (p.initial_factor + peg) * worst - initial - maintenance + equity,
        p.maintenance_factor * worst - maintenance + equity,
    )


def random_account(seed):
    rng = np.random.default_rng(seed)
    expiries = []
    for seconds in (600.0, 7_200.0, 20 * 86_400.0, 300 * 86_400.0):
        n = 4
        expiries.append(
            ExpiryHolding.of(
                seconds=seconds,
                forward=100.0 * (1.0 + 0.05 * rng.standard_normal()),
                quantity=rng.integers(-3, 4, n) * 1.0,
                strike=rng.choice([70.0, 90.0, 100.0, 110.0, 150.0], n),
                is_call=rng.random(n) < 0.5,
                volatility=rng.uniform(0.2, 1.5, n),
                rate=rng.uniform(-0.3, 0.3),
                confidence=rng.uniform(0.2, 1.0),
            )
        )
    coin = {"price": 105.0, "maintenance_haircut": 0.03, "initial_haircut": 0.02}
    return ScenarioAccount(
        spot=100.0,
        spot_confidence=rng.uniform(0.3, 1.0),
        stable_price=rng.uniform(0.9, 1.01),
        cash=rng.normal(0.0, 500.0),
        perpetual=PerpetualHolding(quantity=rng.normal(), price=101.0, confidence=rng.uniform(0.2, 1), unrealised=3.0),
        expiries=expiries,
        collateral=[
            CollateralHolding(name="X", amount=rng.uniform(0, 2), cancels_risk=True, confidence=0.4, **coin),
            CollateralHolding(name="Y", amount=rng.uniform(0, 2), cancels_risk=False, **coin),
        ],
    )


@pytest.mark.parametrize("name", CASES)
def test_published_portfolios(answer, name):
    got, entry = answer(name)

    # The tolerance of the reference: relative 1e-9, with the same floor for amounts that vanish.
    assert got == pytest.approx(entry["expected"], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_margins_of_a_plain_loop(parameter_sets, seed):
    account = random_account(seed)
    for name in SETS:
        found = scenario_portfolio_margin(account, parameter_sets[name])

        wanted = plain_margins(account, parameter_sets[name])
        assert (found.initial_excess, found.maintenance_excess) == pytest.approx(wanted, rel=1e-10, abs=1e-8)


def test_mark_volatilities_need_the_clip_of_log_moneyness(entries):
    worst_plain = 0.0
    for name in CASES:
        inputs = entries[name]["inputs"]
        for feed in inputs["feeds"]:
            a, b, rho, m, sigma, forward, time = map(float, feed["svi"])
            rows = [row for row in inputs["options"] if row[0] == feed["sec"]]
            strikes, marks = np.array([row[1] for row in rows]), np.array([row[4] for row in rows])
            smile = {"a": a, "b": b, "rho": rho, "m": m, "sigma": sigma, "forward": forward, "time": time}

            assert clipped_svi_volatility(strikes, **smile) == pytest.approx(marks, rel=1e-12)

            k = np.log(strikes / forward)
            plain = np.sqrt((a + b * (rho * (k - m) + np.sqrt((k - m) ** 2 + sigma**2))) / time)
            worst_plain = max(worst_plain, np.abs(plain - marks).max())
    # Unclipped, one strike of these portfolios is off by more than two volatility points.
    assert worst_plain == pytest.approx(0.0235, abs=1e-4)


def test_collateral_takes_the_confidence_of_spot_and_never_that_of_the_perpetual(parameter_sets):
    coin = CollateralHolding(name="LBTC", amount=1.0, price=100.0, cancels_risk=True)

    def charge(perpetual_confidence):
        perpetual = PerpetualHolding(quantity=-1.0, price=100.0, confidence=perpetual_confidence)
        account = ScenarioAccount(spot=100.0, spot_confidence=0.5, perpetual=perpetual, collateral=[coin])
        margin = scenario_portfolio_margin(account, parameter_sets["501087ef"]).margin
        return margin.components.loc["confidence", "initial"]

    # (1 - .5) of the coin in both, and (1 - .5) or (1 - .1) of the perpetual.
    assert charge(1.0) == pytest.approx(50.0 + 50.0)
    assert charge(0.1) == pytest.approx(50.0 + 90.0)


def test_a_perpetual_that_is_not_held_taints_nothing(parameter_sets):
    option = ExpiryHolding.of(
        seconds=86_400, forward=100, quantity=[1.0], strike=[100], is_call=[True], volatility=[0.5]
    )
    perpetual = PerpetualHolding(quantity=0.0, price=100.0, confidence=0.0, unrealised=5.0)
    account = ScenarioAccount(spot=100.0, perpetual=perpetual, expiries=[option])

    found = scenario_portfolio_margin(account, parameter_sets["501087ef"])

    assert found.margin.components.loc["confidence", "initial"] == 0.0
    assert found.mark_to_market == pytest.approx(5.0 + float(option.options.value().sum()))


def test_stable_coin_off_its_peg_raises_the_initial_margin_only(parameter_sets):
    perpetual = PerpetualHolding(quantity=1.0, price=100.0)

    def margins(stable_price):
        account = ScenarioAccount(spot=100.0, stable_price=stable_price, perpetual=perpetual)
        found = scenario_portfolio_margin(account, parameter_sets["501087ef"])
        return found.initial_margin, found.maintenance_margin

    # 18 USD worst loss; (.98 - .93) x 2 of it.
    assert np.subtract(margins(0.93), margins(1.0)) == pytest.approx([0.1 * 18.0, 0.0])


def test_inside_the_settlement_window_only_the_unaveraged_part_moves(parameter_sets):
    def call_loss(seconds):
        expiry = ExpiryHolding.of(
            seconds=seconds, forward=100, quantity=[1.0], strike=[1.0], is_call=[True], volatility=[0.1]
        )
        account = ScenarioAccount(spot=100.0, expiries=[expiry])
        return scenario_portfolio_margin(account, parameter_sets["501087ef"]).worst_loss("regular")

    # A call far in the money: value 99, discounted by B exp(-.08 t) after a fall of 18 % of what is not averaged.
    for seconds, share in ((1_800, 1.0), (900, 0.5), (0, 0.0)):
        shocked = (99.0 - 18.0 * share) * 0.95 * np.exp(-0.08 * seconds / YEAR)
        assert call_loss(seconds) == pytest.approx(99.0 - shocked, rel=1e-12)


def test_option_in_the_money_keeps_its_intrinsic_value_at_its_last_instant(parameter_sets):
    expiry = ExpiryHolding.of(seconds=0, forward=60, quantity=[-1.0], strike=[100], is_call=[False], volatility=[0.8])

    found = scenario_portfolio_margin(ScenarioAccount(spot=60.0, expiries=[expiry]), parameter_sets["501087ef"])

    assert found.mark_to_market == -40.0


def test_short_put_in_the_money_that_expires_soon_is_a_loss_and_not_a_gain():
    expiry = ExpiryHolding.of(
        seconds=43_200, forward=1_000, quantity=[-1.0], strike=[2_000], is_call=[False], volatility=[0.8]
    )

    found = scenario_portfolio_margin(ScenarioAccount(spot=1_000.0, expiries=[expiry]), RULES)

    assert found.mark_to_market == pytest.approx(-1_000.0, rel=1e-6)
    assert found.initial_excess < found.maintenance_excess < -1_000.0


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), size=st.floats(0.01, 100.0))
def test_margin_is_homogeneous_in_the_size_of_the_account(seed, size):
    account = random_account(seed)
    p = account.perpetual
    scaled = ScenarioAccount(
        spot=account.spot,
        spot_confidence=account.spot_confidence,
        stable_price=account.stable_price,
        perpetual=PerpetualHolding(quantity=size * p.quantity, price=p.price, confidence=p.confidence),
        expiries=[
            ExpiryHolding.of(
                seconds=e.seconds,
                forward=e.options.forward[0],
                quantity=size * e.options.quantity,
                strike=e.options.strike,
                is_call=e.options.is_call,
                volatility=e.options.volatility,
                rate=e.rate,
                confidence=e.confidence,
            )
            for e in account.expiries
        ],
        collateral=[
            CollateralHolding(
                name=c.name,
                amount=size * c.amount,
                price=c.price,
                confidence=c.confidence,
                cancels_risk=c.cancels_risk,
                maintenance_haircut=c.maintenance_haircut,
                initial_haircut=c.initial_haircut,
            )
            for c in account.collateral
        ],
    )

    one, other = (scenario_portfolio_margin(a, RULES) for a in (account, scaled))

    assert other.initial_margin == pytest.approx(size * one.initial_margin, rel=1e-9)
    assert other.maintenance_margin == pytest.approx(size * one.maintenance_margin, rel=1e-9)


def test_result_shows_margins_components_and_every_scenario():
    account = ScenarioAccount(spot=100.0, cash=50.0, perpetual=PerpetualHolding(quantity=1.0, price=100.0))

    found = scenario_portfolio_margin(account, RULES)

    assert "initial 20.00, maintenance 15.90 USD on an equity of 50.00; worst: price -18 %" in repr(found)
    assert found.summary()["initial"].sum() == pytest.approx(found.initial_margin)
    assert found.to_frame()["kind"].value_counts().to_dict() == {"regular": 23, "tail": 6, "skew": 2, "basis": 1}


def test_an_expiry_has_one_forward():
    first, second = (
        ExpiryHolding.of(seconds=1e6, forward=F, quantity=[1], strike=[100], is_call=[True], volatility=[0.5]).options
        for F in (100.0, 101.0)
    )
    legs = {n: np.r_[getattr(first, n), getattr(second, n)] for n in ("quantity", "strike", "forward", "time")}
    both = type(first)(**legs, volatility=[0.5, 0.5], is_call=[True, True])

    with pytest.raises(ArgumentError, match="must share one forward; got forwards from 100 to 101; split them by"):
        ExpiryHolding(seconds=1e6, options=both)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PerpetualHolding(quantity=1, price=0.0), "price of the perpetual must be a positive number"),
        (lambda: PerpetualHolding(quantity=1, price=1.0, confidence=55), "must be a fraction from 0 to 1; got 55"),
        (lambda: CollateralHolding(name="X", amount=-1, price=1.0), "amount of X must be at least 0 coins; got -1"),
        (lambda: ScenarioAccount(spot=float("nan")), "spot must be a positive number"),
        (
            lambda: ExpiryHolding.of(seconds=-1, forward=1, quantity=[1], strike=[1], is_call=[True], volatility=[0.1]),
            "time of options must be at least 0 .* row 1; drop options that have expired",
        ),
    ],
)
def test_holdings_that_cannot_be_are_refused(make, message):
    with pytest.raises((ArgumentError, DataError), match=message):
        make()


def test_a_risk_unit_needs_its_own_equity_less_what_the_venue_leaves_free():
    legs = {"strike": [100.0, 120.0], "is_call": [True, False], "volatility": [0.6, 0.7]}
    unit = RiskUnit(
        underlying="ETH",
        spot=100.0,
        perpetual=-0.5,
        coins=0.25,
        options=OptionLegs(quantity=[2.0, -1.0], forward=[101.0, 101.0], time=[0.5, 0.5], **legs),
    )
    expiry = ExpiryHolding.of(seconds=0.5 * YEAR, forward=101.0, quantity=[2.0, -1.0], rate=RULES.rate, **legs)
    coin = CollateralHolding(
        name="ETH",
        amount=0.25,
        price=100.0,
        cancels_risk=True,
        maintenance_haircut=RULES.coin_maintenance_haircut,
        initial_haircut=RULES.coin_initial_haircut,
    )
    perpetual = PerpetualHolding(quantity=-0.5, price=100.0)
    account = ScenarioAccount(spot=100.0, stable_price=0.99, perpetual=perpetual, expiries=[expiry], collateral=[coin])

    margin = scenario_unit_margin(unit, RULES, Feeds(stable_price=0.99))

    # Options undiscounted and the coin at its plain price, against what the venue counts.
    own = float(unit.options.value().sum()) + 25.0
    venue = scenario_portfolio_margin(account, RULES)
    assert own != pytest.approx(venue.equity)
    assert margin.initial_margin == pytest.approx(own - venue.initial_excess)
    assert margin.maintenance_margin == pytest.approx(own - venue.maintenance_excess)
