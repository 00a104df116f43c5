"""Margin policies inside the cascade: the fund they need is the smallest that works."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from volkit.contagion.cascade import LeveragedAccounts, TradingHalt, Venue, run_cascade
from volkit.contagion.fracture import MarginTerms, apply_policy, fracture_threshold, policies_in_cascade
from volkit.errors import ArgumentError
from volkit.impact.laws import LinearImpact
from volkit.margin.policy import MarginPolicy
from volkit.margin.schedule import margin_schedule
from volkit.margin.tiers import TierTable

POLICIES = {
    "today": MarginTerms.both(maintenance=0.005, initial=0.02),
    "tiers": TierTable.from_leverages(floors=(0, 2.5e5, 1e6, 3e6), leverages=(50, 25, 10, 5), maintenance_share=0.5),
    "10x": MarginTerms.both(maintenance=0.01, initial=0.1),
}
SHOCKS = [0.05, 0.1, 0.2]


@pytest.fixture(scope="module")
def earning(venue):
    return replace(venue, leftover="fund", skin_in_the_game=1e6)


@pytest.fixture(scope="module")
def found(accounts, earning):
    return policies_in_cascade(accounts, earning, POLICIES, shocks=SHOCKS)


@pytest.mark.parametrize("name", POLICIES)
def test_required_fund_is_the_smallest_that_pays(found, accounts, earning, name):
    book = apply_policy(accounts, POLICIES[name], price=earning.price).accounts
    for shock in SHOCKS:
        needed = found.required_fund.loc[name, shock]
        if needed == 0.0:
            continue
        for factor, pays in ((1.0 + 1e-6, True), (1.0 - 1e-4, False)):
            run = run_cascade(book, replace(earning, fund=factor * needed, skin_in_the_game=0.0), shock=-shock)
            assert (run.totals["deleveraged"] + run.totals["socialised"] == 0.0) is np.bool_(pays)


def test_survival_is_a_fund_of_at_least_what_is_needed(found, earning):
    held = earning.fund + earning.skin_in_the_game

    assert (found.survival == (found.required_fund <= held)).all(axis=None)
    assert found.survival.to_numpy().any()
    assert not found.survival.to_numpy().all()


def test_policy_of_today_changes_nobody(found, accounts, simulated):
    terms = found.terms.loc["today"]

    assert terms["n_capped"] == 0
    assert terms["posted"] == 0.0
    assert terms["collateral"] == pytest.approx(accounts.collateral.sum())
    assert terms["maintenance_rate"] == pytest.approx(simulated.maintenance_rate)


def test_threshold_of_a_policy_is_that_of_its_accounts(found, accounts, earning):
    book = apply_policy(accounts, POLICIES["tiers"], price=earning.price).accounts

    alone = fracture_threshold(book, earning, tolerance=1e-6).shock
    assert found.terms.loc["tiers", "threshold"] == pytest.approx(alone, abs=2e-6)


def test_threshold_and_table_say_the_same():
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=100.0, leverage=[2.0, 2.2], side="long", maintenance_rate=0.005
    )
    venue = Venue(price=100.0, impact=LinearImpact(1e-6), fund=30.0, leftover="returned")
    halted = replace(venue, halt=TradingHalt(drop=0.05, within=1, length=1))
    policies = {"x": MarginTerms.both(maintenance=0.005, initial=0.1)}
    for rules in (venue, halted, replace(venue, fund=99.0)):
        told = policies_in_cascade(book, rules, policies, shocks=[0.3, 0.7, 0.9, 0.9999])
        threshold = told.terms["threshold"].item()
        assert told.frame["survives"].tolist() == [s < threshold for s in (0.3, 0.7, 0.9, 0.9999)]
        assert (told.frame["survives"] == (told.frame["required_fund"] <= rules.fund)).all()
    assert told.frame["survives"].tolist() == [True, True, True, False]


def test_tiers_cap_each_account_by_its_own_notional(accounts, earning):
    tiers = POLICIES["tiers"]
    book = apply_policy(accounts, tiers, price=earning.price).accounts
    notional = np.abs(book.quantity) * earning.price
    cap = np.array([1.0 / (tiers.initial_margin(x) / x) for x in notional[:300]])

    assert (notional[:300] / book.equity(earning.price)[:300] <= cap * (1 + 1e-9)).all()
    np.testing.assert_allclose(
        book.maintenance_margin(earning.price)[:300], [tiers.maintenance_margin(x) for x in notional[:300]]
    )


def test_account_at_a_floor_belongs_to_the_tier_that_the_table_says():
    tiers = TierTable.from_leverages(floors=(0, 1_000), leverages=(50, 10), maintenance_share=0.5)
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=[999.0, 1_000.0], leverage=40, side="long", maintenance_rate=0.005
    )

    capped = apply_policy(book, tiers, price=100.0).accounts

    rates = [tiers.initial_margin(x) / x for x in (999.0, 1_000.0)]
    np.testing.assert_allclose(capped.equity(100.0) / [999.0, 1_000.0], np.maximum(rates, 1 / 40))


def test_cut_positions_need_no_larger_fund_than_posted_collateral(accounts, earning):
    post, cut = (
        policies_in_cascade(accounts, earning, {"10x": POLICIES["10x"]}, shocks=SHOCKS, how=how)
        for how in ("post", "cut")
    )

    assert (cut.required_fund <= post.required_fund * (1 + 1e-9) + 1e-6).all(axis=None)
    assert cut.terms["cut"].iloc[0] > 0.0
    assert cut.terms["posted"].iloc[0] == 0.0


def test_maintenance_margin_does_more_in_a_slide_than_in_a_gap(accounts, earning):
    policies = {f"{m:g}": MarginTerms.both(maintenance=m, initial=0.05) for m in (0.005, 0.025)}
    gap, slide = (
        policies_in_cascade(accounts, earning, policies, shocks=[0.2], over=over).required_fund[0.2] for over in (1, 20)
    )

    assert gap["0.005"] < 1.05 * gap["0.025"]
    assert slide["0.005"] > 2.0 * slide["0.025"]


def test_schedule_counts_with_its_last_rates(accounts, earning):
    rng = np.random.default_rng(5)
    times = pd.date_range("2023-01-01", periods=400, tz="UTC", name="time")
    returns = pd.Series(0.03 * rng.standard_normal(400), index=times, name="BTC")
    policy = MarginPolicy(method="historical", lookback=250, confidence=0.95)
    schedule = margin_schedule(returns, policy=policy, periods_per_year=365)

    by_schedule = apply_policy(accounts, schedule, price=earning.price)

    last = schedule.latest
    names = [f"{layer}_margin_{side}" for side in ("long", "short") for layer in ("maintenance", "initial")]
    by_terms = apply_policy(accounts, MarginTerms(**{n: float(last[n]) for n in names}), price=earning.price)
    pd.testing.assert_frame_equal(by_schedule.accounts.table, by_terms.accounts.table)
    rates = by_schedule.accounts.table["maintenance_rate"].to_numpy()
    assert set(rates[accounts.quantity > 0.0]) == {float(last["maintenance_margin_long"])}


def test_result_says_what_each_policy_survives(found):
    assert repr(found).startswith("<PoliciesInCascade: SIMULATED shocks down survived with 10,000,000 USD: today to")
    assert list(found.summary().index) == list(POLICIES)


@pytest.mark.parametrize(
    ("policies", "shocks", "message"),
    [
        ({}, SHOCKS, "policies must have at least one"),
        ({"odd": 0.05}, SHOCKS, "must be a TierTable, a CalibratedParameters, a MarginSchedule or a MarginTerms"),
        ({"today": POLICIES["today"]}, [0.2, 0.1], "shocks must be rising sizes"),
    ],
)
def test_what_is_no_policy_is_refused(accounts, venue, policies, shocks, message):
    with pytest.raises(ArgumentError, match=message):
        policies_in_cascade(accounts, venue, policies, shocks=shocks)


@pytest.mark.parametrize(("maintenance", "initial"), [(0.0, 0.1), (0.2, 0.1), (0.1, 1.2), (np.nan, 0.1)])
def test_margins_out_of_range_are_refused(maintenance, initial):
    with pytest.raises(ArgumentError, match="margins of longs must be above 0, and the initial margin at least"):
        MarginTerms.both(maintenance=maintenance, initial=initial)
