import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, SeriesProvenance
from volkit.scenarios import historical_scenarios
from volkit.solvency.lending import (
    LendingBook,
    collateral_quality,
    health_distribution,
    health_factor,
    lending_response,
    liquidation_curve,
    liquidation_effect,
    liquidation_map,
    oracle_gap,
    toxic_ltv,
)

TERMS = pd.DataFrame(
    {
        "asset": ["BTC", "ETH", "USDC"],
        "price": [80_000.0, 2500.0, 1.0],
        "liquidation_threshold": [0.78, 0.825, 0.85],
        "liquidation_bonus": [0.06, 0.05, 0.045],
        "oracle": ["btc-usd", "eth-usd", "usdc-usd"],
    }
)
ASSETS = TERMS["asset"].tolist()
PRICES = dict(zip(TERMS["asset"], TERMS["price"], strict=True))
ROWS = st.tuples(
    st.sampled_from("ABCDE"), st.sampled_from(ASSETS), st.floats(1.0, 1e5), st.sampled_from(ASSETS), st.floats(1.0, 1e5)
)
BOOKS = st.lists(ROWS, min_size=1, max_size=10)


def book_of(rows, **kwargs):
    """Return the book of (account, collateral asset, its USD, debt asset, its USD)."""
    frame = pd.DataFrame(
        [(a, c, usd / PRICES[c], d, debt / PRICES[d]) for a, c, usd, d, debt in rows],
        columns=["account", "collateral_asset", "collateral_quantity", "debt_asset", "debt_quantity"],
    )
    return LendingBook.from_frames(frame, TERMS, **kwargs)


def by_hand(rows, factors):
    """Return liquidatable debt, accounts, bad debt and underwater debt, account by account."""
    terms = TERMS.set_index("asset")
    totals = np.zeros(4)
    for account in {row[0] for row in rows}:
        own = [row for row in rows if row[0] == account]
        debt = sum(usd * factors.get(asset, 1.0) for *_, asset, usd in own)
        held = [(asset, usd * factors.get(asset, 1.0)) for _, asset, usd, _, _ in own]
        counted = sum(usd * terms.loc[asset, "liquidation_threshold"] for asset, usd in held)
        totals[3] += max(0.0, debt - sum(usd for _, usd in held))
        if debt > 0.0 and counted / debt < 1.0:
            sold = sum(usd / (1.0 + terms.loc[asset, "liquidation_bonus"]) for asset, usd in held)
            totals[:3] += debt, 1.0, max(0.0, debt - sold)
    return totals


@given(rows=BOOKS, moves=st.dictionaries(st.sampled_from(ASSETS), st.floats(-0.95, 1.0), min_size=1))
@settings(max_examples=60)
def test_response_is_that_of_a_loop_over_accounts(rows, moves):
    found = lending_response(book_of(rows), pd.DataFrame([moves], index=["s"])).table.loc["s"]
    expected = by_hand(rows, {asset: 1.0 + move for asset, move in moves.items()})

    got = found[["liquidatable_debt", "n_liquidatable", "bad_debt", "underwater"]].to_numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-6)


@given(rows=BOOKS)
@settings(max_examples=30)
def test_health_is_that_of_the_formula_and_shares_rise_with_the_level(rows):
    found = health_distribution(book_of(rows))
    thresholds = TERMS.set_index("asset")["liquidation_threshold"]
    for account, row in found.accounts.iterrows():
        own = [r for r in rows if r[0] == account]
        formula = health_factor([r[2] for r in own], thresholds[[r[1] for r in own]].to_numpy(), sum(r[4] for r in own))
        assert row["health_factor"] == pytest.approx(formula)
    assert found.table["debt_share"].is_monotonic_increasing
    assert found.accounts["health_factor"].is_monotonic_increasing
    assert found.table.loc[1.0, "debt"] == pytest.approx(by_hand(rows, {})[0])


def test_published_example_of_the_health_factor():
    assert health_factor([10 * 2000, 5000 * 1], [0.825, 0.78], 14_000) == pytest.approx(1.457142857142857, abs=1e-12)
    assert np.isinf(health_factor([1.0], [0.8], 0.0))
    with pytest.raises(DataError, match="as many values as thresholds"):
        health_factor([1.0, 2.0], [0.8], 1.0)
    with pytest.raises(DataError, match="not negative"):
        health_factor([1.0], [0.8], -1.0)


def test_distribution_weighs_by_debt_and_names_levels():
    rows = [
        ("A", "ETH", 1000.0, "USDC", 830.0),
        ("B", "ETH", 1000.0, "USDC", 800.0),
        ("C", "ETH", 9000.0, "USDC", 370.0),
    ]
    found = health_distribution(book_of(rows))

    assert found.table["debt_share"].tolist() == pytest.approx([0.415, 0.815, 0.815])
    assert found.table["n_accounts"].tolist() == [1, 2, 2]
    assert found.weighted_quantiles[0.5] == pytest.approx(0.825 / 0.8)
    assert "41.50 % below 1, 81.50 % below 1.05, 81.50 % below 1.25" in repr(found)
    with pytest.raises(ArgumentError, match="levels must rise"):
        health_distribution(book_of(rows), levels=[1.25, 1.0])


def test_account_exactly_at_a_level_does_not_stand_below_it():
    rows = [("A", "USDC", 1000.0, "USDC", 850.0), ("B", "USDC", 1000.0, "USDC", 900.0)]
    found = health_distribution(book_of(rows))

    assert found.accounts.loc["A", "health_factor"] == 1.0
    assert found.table["n_accounts"].tolist() == [1, 2, 2]
    assert lending_response(book_of(rows), pd.DataFrame({"ETH": [0.0]})).table["n_liquidatable"].tolist() == [1]


def test_account_without_debt_is_healthy_and_a_book_without_is_refused():
    rows = [("A", "ETH", 1000.0, "USDC", 0.0), ("B", "ETH", 0.0, "USDC", 5.0)]
    accounts = health_distribution(book_of(rows)).accounts

    assert np.isinf(accounts.loc["A", "health_factor"])
    assert accounts.loc["A", "loan_to_value"] == 0.0
    assert np.isinf(accounts.loc["B", "loan_to_value"])
    with pytest.raises(DataError, match="book must have debt"):
        health_distribution(book_of(rows[:1]))


def test_toxic_loan_to_value_of_published_incentives():
    expected = [0.9569377990430623, 0.9523809523809523, 0.9090909090909091, 0.8695652173913044]

    assert [toxic_ltv(b) for b in (0.045, 0.05, 0.1, 0.15)] == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ArgumentError, match="not negative"):
        toxic_ltv(-0.1)
    with pytest.raises(ArgumentError, match="not negative"):
        toxic_ltv(float("nan"))


@given(ltv=st.floats(0.83, 1.2), close_factor=st.floats(0.01, 0.9), asset=st.sampled_from(["BTC", "ETH"]))
@settings(max_examples=50)
def test_liquidation_worsens_an_account_just_above_its_toxic_loan_to_value(ltv, close_factor, asset):
    row = liquidation_effect(
        book_of([("A", asset, 1000.0, "USDC", 1000.0 * ltv)]), close_factor=close_factor
    ).table.iloc[0]
    if abs(ltv - row["toxic_ltv"]) < 1e-6:
        return

    assert row["worsens"] == (ltv > row["toxic_ltv"])
    if row["seized"] < row["collateral"] * (1.0 - 1e-9):
        assert (row["ltv_after"] > row["ltv_before"]) == (ltv > row["toxic_ltv"])


@given(rows=BOOKS, close_factor=st.floats(0.01, 1.0))
@settings(max_examples=40)
def test_liquidator_gets_his_bonus_and_nothing_else_is_lost(rows, close_factor):
    table = liquidation_effect(book_of(rows), close_factor=close_factor).table
    bonus = TERMS.set_index("asset")["liquidation_bonus"].reindex(table["asset"]).to_numpy()

    np.testing.assert_allclose(table["seized"], table["repaid"] * (1.0 + bonus), rtol=1e-12)
    assert (table["repaid"] <= close_factor * table["debt"] * (1.0 + 1e-12)).all()
    assert (table["seized"] <= table["collateral"] * (1.0 + 1e-12)).all()
    assert table["bad_debt"].sum() == pytest.approx(by_hand(rows, {})[2], abs=1e-6)
    assert table["debt"].sum() == pytest.approx(by_hand(rows, {})[0], abs=1e-6)


def test_repeated_liquidations_end_at_the_bad_debt():
    # Toxic: each step leaves less behind each dollar owed; the sum of what was repaid is all that the collateral pays.
    collateral, debt, bonus = 1000.0, 980.0, 0.05
    for _ in range(200):
        repaid = min(0.5 * debt, collateral / (1.0 + bonus))
        collateral, debt = collateral - repaid * (1.0 + bonus), debt - repaid
    row = liquidation_effect(book_of([("A", "ETH", 1000.0, "USDC", 980.0)])).table.iloc[0]

    assert row["bad_debt"] == pytest.approx(debt)


def test_effect_without_liquidatable_accounts_and_early_toxic_terms():
    effect = liquidation_effect(book_of([("A", "ETH", 1000.0, "USDC", 10.0)]))
    assert len(effect.table) == 0
    assert effect.headline.startswith("0 accounts with 0 of 10 USD debt")
    assert not len(effect.toxic_from_start)
    steep = TERMS.assign(liquidation_bonus=[0.06, 0.25, 0.045])
    book = LendingBook.from_frames(book_of([("A", "ETH", 1000.0, "USDC", 10.0)]).positions, steep)
    assert liquidation_effect(book).toxic_from_start.tolist() == ["ETH"]
    with pytest.raises(ArgumentError, match="close_factor must be above 0"):
        liquidation_effect(book, close_factor=0.0)


def test_an_account_without_collateral_names_no_asset_and_keeps_its_bad_debt():
    book = book_of([("A", "BTC", 6e4, "USDC", 100.0), ("B", "ETH", 0.0, "USDC", 500.0)])
    effect = liquidation_effect(book)

    assert effect.table["asset"].to_dict() == {"B": "none"}
    assert np.isnan(effect.table.loc["B", "toxic_ltv"]) and not effect.table.loc["B", "worsens"]
    assert effect.summary().loc["none", "bad_debt (USD)"] == 500.0


def test_a_shock_that_stands_twice_is_refused():
    book = book_of([("A", "ETH", 1000.0, "USDC", 10.0)])
    with pytest.raises(DataError, match="shocks must have one column an asset; got ETH twice"):
        lending_response(book, pd.DataFrame([[-0.3, -0.5]], columns=["ETH", "ETH"]))


@given(rows=BOOKS)
@settings(max_examples=30)
def test_more_of_a_fall_of_collateral_never_helps_dollar_debts(rows):
    rows = [(a, c if c != "USDC" else "ETH", usd, "USDC", debt) for a, c, usd, _, debt in rows]
    table = liquidation_curve(book_of(rows), np.linspace(0.0, 1.0, 21)).table

    for name in ("liquidatable_debt", "bad_debt", "underwater"):
        assert (np.diff(table[name]) >= -1e-9).all()
    assert table["bad_debt"].iloc[-1] == pytest.approx(table["debt"].iloc[-1])


def test_map_is_the_response_to_each_asset_alone():
    rng = np.random.default_rng(8)
    rows = [
        (f"A{i}", ASSETS[rng.integers(3)], 1000.0, ASSETS[rng.integers(3)], rng.uniform(100, 900)) for i in range(60)
    ]
    book, steps = book_of(rows), [0.0, 0.1, 0.4, 1.0]
    found = liquidation_map(book, steps)

    for asset in ASSETS:
        alone = liquidation_curve(book, steps, betas={asset: 1.0}).table
        assert found.liquidatable_debt.loc[asset].tolist() == pytest.approx(alone["liquidatable_debt"].tolist())
        assert found.bad_debt.loc[asset].tolist() == pytest.approx(alone["bad_debt"].tolist())
    assert len(found.to_frame()) == 12
    assert found.headline.startswith("a fall by 100 %: most liquidatable debt with")
    with pytest.raises(DataError, match="assets must be of BTC, ETH, USDC; got SOL"):
        liquidation_map(book, steps, assets=["SOL"])
    with pytest.raises(ArgumentError, match="falls from 0 to 1 that rise"):
        liquidation_map(book, [0.0, 30.0])


def test_chunks_of_scenarios_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    book = book_of([(f"A{i}", "ETH", 1000.0, "USDC", rng.uniform(100, 900)) for i in range(20)])
    whole = liquidation_curve(book, np.linspace(0, 1, 31)).table
    monkeypatch.setattr("volkit.solvency.lending.response._AT_ONCE", 100)

    pd.testing.assert_frame_equal(liquidation_curve(book, np.linspace(0, 1, 31)).table, whole)


def test_joint_scenarios_and_what_they_leave_out():
    times = pd.date_range("2024-01-01", periods=60, tz="UTC", name="time")
    returns = pd.DataFrame(
        {"ETH": np.random.default_rng(3).normal(0, 0.1, 60), "SOL": 0.001 * np.arange(60.0)}, index=times
    )
    found = lending_response(
        book_of([("A", "ETH", 1000.0, "USDC", 790.0)]), historical_scenarios(returns, periods_per_year=365)
    )

    assert found.unshocked == ("BTC", "USDC")
    assert found.table["n_liquidatable"].tolist() == (825.0 * (1.0 + returns["ETH"]) < 790.0).astype(int).tolist()
    assert found.summary().index.name == "quantile over scenarios"


def test_betas_are_checked_and_prices_do_not_fall_below_zero():
    book = book_of([("A", "ETH", 1000.0, "USDC", 790.0)])

    assert liquidation_curve(book, [1.0], betas={"ETH": 3.0}).table["bad_debt"].tolist() == [790.0]
    with pytest.raises(DataError, match="betas must be finite, of assets of the book"):
        liquidation_curve(book, [0.1], betas={"SOL": 1.0})


def test_depegged_oracle_price_liquidates_what_redemption_value_would_not():
    rows = [
        ("A", "ETH", 1000.0, "USDC", 850.0),
        ("B", "ETH", 1000.0, "USDC", 100.0),
        ("C", "BTC", 1000.0, "USDC", 750.0),
    ]
    gap = oracle_gap(book_of(rows), {"ETH": 3000.0, "BTC": 70_000.0})

    assert gap.spurious.index.tolist() == ["A"]
    assert gap.hidden.index.tolist() == ["C"]
    assert gap.assets["gap"].tolist() == pytest.approx([1 / 7, -1 / 6, 0.0])
    assert gap.table["liquidatable_debt"].tolist() == [850.0, 750.0]
    # At redemption value C has 875 dollars behind 750, and a liquidator gets 6 % on top.
    assert gap.table["bad_debt"].tolist() == [0.0, 0.0]
    with pytest.raises(DataError, match="redemption_values must be finite and above zero; got nan of ETH"):
        oracle_gap(book_of(rows), {"ETH": np.nan})
    with pytest.raises(DataError, match="must name assets of the book"):
        oracle_gap(book_of(rows), {"SOL": 1.0})


def test_same_prices_leave_no_gap():
    gap = oracle_gap(book_of([("A", "ETH", 1000.0, "USDC", 850.0)]), {"ETH": 2500.0})

    assert not len(gap.spurious)
    assert not len(gap.hidden)
    assert gap.table.loc["oracle price"].equals(gap.table.loc["redemption value"].rename("oracle price"))


WEIGHTS = st.dictionaries(st.sampled_from("ABCDEFGH"), st.floats(0.01, 1e6), min_size=1)


@given(values=WEIGHTS, haircut=st.floats(0.0, 1.0))
def test_concentration_lies_between_equal_shares_and_one(values, haircut):
    usd = pd.Series(values)
    found = collateral_quality(
        usd, haircuts=dict.fromkeys(values, haircut), annualized_volatility=dict.fromkeys(values, 0.6),
        own_tokens=list(values)[:1],
    )  # fmt: skip

    assert 1.0 / len(usd) - 1e-12 <= found.concentration <= 1.0 + 1e-12
    assert found.after_haircuts == pytest.approx((1.0 - haircut) * usd.sum())
    assert found.own_token_share == pytest.approx(usd.iloc[0] / usd.sum())
    assert found.volatile_share == pytest.approx(1.0)


def test_quality_of_a_lending_book():
    book = book_of(
        [("A", "ETH", 300.0, "USDC", 100.0), ("B", "BTC", 500.0, "USDC", 1.0), ("C", "USDC", 200.0, "ETH", 1.0)]
    )
    haircuts = 1.0 - book.terms["liquidation_threshold"]
    found = collateral_quality(
        book.collateral_values, haircuts=haircuts, annualized_volatility={"BTC": 0.5, "ETH": 0.8, "USDC": 0.0},
        illiquid=["ETH"], volatile_above=0.6,
    )  # fmt: skip

    assert found.composition.index.tolist() == ["BTC", "ETH", "USDC"]
    assert found.concentration == pytest.approx(0.25 + 0.09 + 0.04)
    assert (found.illiquid_share, found.volatile_share) == pytest.approx((0.3, 0.3))
    assert found.after_haircuts == pytest.approx(500 * 0.78 + 300 * 0.825 + 200 * 0.85)
    assert found.summary().loc["effective number of assets", "collateral"] == pytest.approx(1 / 0.38)


def test_quality_refuses_what_is_not_told():
    values = pd.Series({"ETH": 1.0, "BTC": 2.0})
    with pytest.raises(DataError, match="haircuts must be a fraction for every asset; got nan for BTC"):
        collateral_quality(values, haircuts={"ETH": 0.1}, annualized_volatility={"ETH": 0.1, "BTC": 0.1})
    with pytest.raises(DataError, match="own_tokens must be among the assets; got VEN"):
        collateral_quality(values, haircuts=values * 0, annualized_volatility=values, own_tokens=["VEN"])
    with pytest.raises(DataError, match="values must be USD once an asset"):
        collateral_quality(-values, haircuts=values * 0, annualized_volatility=values)


def test_simulated_book_marks_its_results():
    made = SeriesProvenance(name="L", source="simulated", sha256="0", unit="USD", close_rule="instant", simulated=True)
    book = book_of([("A", "ETH", 1000.0, "USDC", 850.0)], provenance=Provenance((made,)))
    shocks = pd.DataFrame({"ETH": [-0.1]})

    for result in (health_distribution(book), liquidation_effect(book), liquidation_map(book, [0.1]),
                   lending_response(book, shocks), oracle_gap(book, {"ETH": 2000.0})):  # fmt: skip
        assert "SIMULATED" in repr(result)
        assert result.as_of is None
        assert len(result.summary()) and len(result.to_frame())
