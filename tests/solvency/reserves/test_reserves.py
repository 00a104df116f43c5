import numpy as np
import pandas as pd
import pytest
from drawn_sheets import drawn_sheets, sheet_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from volkit.errors import ArgumentError, DataError
from volkit.margin import MarginPolicy, margin_schedule
from volkit.margin.measures import tails_through_time
from volkit.results import Provenance, SeriesProvenance
from volkit.scenarios import ScenarioSet, filtered_historical_scenarios
from volkit.solvency.balance import BalanceSheet
from volkit.solvency.reserves import (
    liquidity_coverage,
    liquidity_coverage_ratio,
    margin_reserve,
    required_reserve,
    reserve_ratios,
    reserves_through_time,
    sheet_reserve_ratios,
)
from volkit.volatility import Ewma

NOW = pd.Timestamp("2026-01-01", tz="UTC")
SHORT = sheet_of(("V", "asset", "USD", 2e5), ("V", "asset", "BTC", 8.0), ("V", "liability", "BTC", 10.0))
MIXED = sheet_of(
    ("V", "asset", "USD", 2e5), ("V", "asset", "BTC", 8.0), ("V", "asset", "ETH", 40.0), ("V", "liability", "BTC", 10.0)
)
MADE = SeriesProvenance(name="S", source="simulated", sha256="0", unit="USD", close_rule="bar", simulated=True)


def scenarios_of(returns, columns=("BTC",)):
    frame = pd.DataFrame(np.asarray(returns), columns=list(columns))
    return ScenarioSet(returns=frame, horizon=1, method="drawn", as_of=NOW, n_obs=len(frame), periods_per_year=365.0)


def prices(n=330, seed=5, crash=()):
    rng = np.random.default_rng(seed)
    common = rng.standard_t(5, n) * 0.015
    times = pd.date_range("2024-01-01", periods=n, tz="UTC", name="time")
    moves = {"BTC": common + 0.01 * rng.standard_normal(n), "ETH": 1.2 * common + 0.02 * rng.standard_normal(n)}
    frame = pd.DataFrame({name: np.exp(np.cumsum(move)) for name, move in moves.items()}, index=times)
    frame.loc[times[list(crash)]] *= 0.7
    return frame * pd.Series({"BTC": 80_000.0, "ETH": 2500.0})


def test_published_example_of_liquidity_coverage():
    assert liquidity_coverage_ratio(120, outflows=150, inflows=130) == pytest.approx(3.2, abs=1e-12)
    assert liquidity_coverage_ratio(120, outflows=150, inflows=60) == pytest.approx(4 / 3, abs=1e-12)
    assert np.isinf(liquidity_coverage_ratio(1.0, outflows=0.0))


@pytest.mark.parametrize(
    "amounts", [{"outflows": -1.0}, {"outflows": float("nan")}, {"outflows": 1.0, "inflows": -1.0}]
)
def test_flows_that_cannot_be_are_refused(amounts):
    with pytest.raises(DataError, match="must be finite and not negative"):
        liquidity_coverage_ratio(1.0, **amounts)


@given(
    assets=st.floats(0, 1e9), out=st.floats(1.0, 1e9), flows=st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)).map(sorted)
)
def test_inflows_never_lower_coverage_nor_count_beyond_the_cap(assets, out, flows):
    low, high = (liquidity_coverage_ratio(assets, outflows=out, inflows=f) for f in flows)

    assert low <= high * (1.0 + 1e-12)
    assert high <= assets / (0.25 * out) * (1.0 + 1e-12)


def test_coverage_of_a_sheet_leaves_own_tokens_and_illiquid_assets_out():
    sheet = sheet_of(("V", "asset", "BTC", 5.0), ("V", "asset", "VEN", 1e9), ("V", "liability", "USD", 1e6),
                     ("V", "liability", "BTC", 1.0))  # fmt: skip
    found = liquidity_coverage(sheet, outflow_rates={"USD": 0.3, "BTC": 0.5}, haircuts={"BTC": 0.1}, inflows=1e5)

    assert found.liquid_assets == pytest.approx(0.9 * 4e5)
    assert found.outflows == pytest.approx(3e5 + 4e4)
    assert found.coverage == pytest.approx(3.6e5 / 2.4e5)
    with pytest.raises(DataError, match="must name every asset that is owed; got none for BTC"):
        liquidity_coverage(sheet, outflow_rates={"USD": 0.3})
    with pytest.raises(DataError, match="haircuts must name assets of the sheet"):
        liquidity_coverage(sheet, outflow_rates=0.1, haircuts={"SOL": 0.1})
    with pytest.raises(ArgumentError, match="outflow_rates must be a fraction"):
        liquidity_coverage(sheet, outflow_rates=30.0)


def test_own_tokens_do_not_count_though_they_can_be_sold():
    rows = sheet_of(("V", "asset", "BTC", 5.0), ("V", "asset", "VEN", 1e9), ("V", "liability", "USD", 1e6)).rows
    sheet = BalanceSheet.from_frame(rows.assign(liquid=True))

    assert liquidity_coverage(sheet, outflow_rates=0.5).liquid_assets == 4e5


def test_weakest_asset_is_named_and_customers_alone_prove_nothing():
    found = reserve_ratios({"BTC": 95.0, "USDC": 500.0, "SOL": 3.0}, {"BTC": 100.0, "USDC": 100.0, "ETH": 1.0})

    assert found.weakest == "ETH"
    assert found.minimum == 0.0
    assert found.table["shortfall"].to_dict() == {"ETH": 1.0, "BTC": 5.0, "USDC": 0.0, "SOL": 0.0}
    assert np.isinf(found.table.loc["SOL", "reserve_ratio"])
    assert "no proof of solvency" in repr(found)


def test_sheet_holds_all_liabilities_so_the_flag_is_off():
    found = sheet_reserve_ratios(MIXED)

    assert found.weakest == "BTC"
    assert found.minimum == pytest.approx(0.8)
    assert found.warning == ""
    assert "solvency" not in repr(found)


@pytest.mark.parametrize(
    ("reserves", "liabilities", "said"),
    [
        ({"BTC": -1.0}, {"BTC": 1.0}, "reserves must be finite and not negative; got -1.0 of BTC"),
        ({"BTC": 1.0}, {"BTC": np.nan}, "liabilities must be finite and not negative; got nan of BTC"),
        ({"BTC": 1.0}, {}, "liabilities must owe something"),
        (pd.Series([50.0, 50.0], index=["BTC", "BTC"]), {"BTC": 100.0}, "reserves must name every asset once; got BTC"),
    ],
)
def test_reserves_that_cannot_be_are_refused(reserves, liabilities, said):
    with pytest.raises(DataError, match=said):
        reserve_ratios(reserves, liabilities)


def test_required_reserve_of_normal_returns_is_the_closed_form():
    returns = 0.03 * norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    found = required_reserve(SHORT, scenarios_of(returns[:, None]), confidence=0.99)

    # Two coins are owed without being held: a short position of 160,000 USD.
    assert found.value_at_risk == pytest.approx(160_000 * 0.03 * norm.ppf(0.99), rel=1e-4)
    assert found.expected_shortfall == pytest.approx(160_000 * 0.03 * norm.pdf(norm.ppf(0.99)) / 0.01, rel=1e-3)
    assert found.coverage == pytest.approx(40_000 / found.expected_shortfall)
    assert found.insolvency_share == pytest.approx(norm.sf(0.25 / 0.03), abs=1e-6)


@given(sheet=drawn_sheets(), seed=st.integers(0, 50), factor=st.floats(0.5, 4.0))
@settings(max_examples=20)
def test_reserve_adds_up_by_asset_scales_and_diversifies(sheet, seed, factor):
    rng = np.random.default_rng(seed)
    moves = np.maximum(-1.0, rng.standard_t(4, (199, 3)) * 0.05)
    columns = ("BTC", "ETH", "VEN")
    found = required_reserve(sheet, scenarios_of(moves, columns), confidence=0.99)
    size = found.by_asset["exposure"].abs().sum() + 1e-9

    assert found.by_asset["tail_loss"].sum() == pytest.approx(found.expected_shortfall, abs=1e-9 * size)
    assert found.required <= found.by_asset["standalone"].sum() + 1e-9 * size
    assert found.value_at_risk <= found.expected_shortfall + 1e-9 * size
    assert found.held == pytest.approx(found.by_asset["exposure"].sum(), abs=1e-9 * size)
    assert 0.0 <= found.insolvency_share <= 1.0
    bigger = type(sheet).from_frame(sheet.rows.assign(quantity=sheet.rows["quantity"] * factor))
    scaled = required_reserve(bigger, scenarios_of(moves, columns), confidence=0.99)
    assert scaled.required == pytest.approx(factor * found.required, abs=1e-9 * size)


@given(seed=st.integers(0, 200), confidence=st.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=30)
def test_value_at_risk_covers_the_surplus_exactly_where_the_share_says(seed, confidence):
    returns = np.random.default_rng(seed).standard_t(4, (999, 1)) * 0.05
    returns = np.maximum(returns, -1.0)
    found = required_reserve(SHORT, scenarios_of(returns), confidence=confidence, measure="value_at_risk")

    # The share of scenarios that use up the surplus is below 1 - confidence when it covers the reserve, and only then.
    assert (found.coverage >= 1.0) == (found.insolvency_share * 999 <= 1000 * (1.0 - confidence) - 1.0 + 1e-6)


def test_assets_without_scenarios_are_refused_and_a_hedged_sheet_needs_nothing():
    with pytest.raises(DataError, match="scenarios must have every asset of the sheet; got none for ETH"):
        required_reserve(MIXED, scenarios_of(np.zeros((200, 1))))
    with pytest.raises(ArgumentError, match="must leave at least one scenario"):
        required_reserve(SHORT, scenarios_of(np.zeros((20, 1))))
    hedged = sheet_of(("V", "asset", "BTC", 10.0), ("V", "asset", "USD", 1.0), ("V", "liability", "BTC", 10.0))
    found = required_reserve(hedged, scenarios_of(np.random.default_rng(1).normal(0, 0.1, (200, 1))))
    assert found.required == 0.0
    assert np.isinf(found.coverage)


def test_margin_reserve_takes_the_rate_of_the_side_that_is_open():
    close = prices()
    policy = MarginPolicy(method="historical", lookback=200, confidence=0.95)
    returns = close.pct_change().iloc[1:]
    schedules = {a: margin_schedule(returns[a], policy=policy, periods_per_year=365) for a in close}
    found = margin_reserve(MIXED, schedules)

    assert found.by_asset["side"].to_dict() == {"USD": "long", "BTC": "short", "ETH": "long"}
    expected = 160_000 * schedules["BTC"].latest["maintenance_margin_short"]
    expected += 100_000 * schedules["ETH"].latest["maintenance_margin_long"]
    assert found.required == pytest.approx(expected)
    assert found.held == pytest.approx(140_000)
    with pytest.raises(DataError, match="schedules must have every asset of the sheet; got none for ETH"):
        margin_reserve(MIXED, {"BTC": schedules["BTC"]})


@pytest.mark.parametrize("method", ["historical", "filtered_historical"])
@pytest.mark.parametrize("horizon", [1, 3])
def test_path_of_one_asset_is_its_margin_through_time(method, horizon):
    close = prices()[["BTC"]]
    policy = MarginPolicy(method=method, confidence=0.95, lookback=250, refit_every=20, model=Ewma(half_life=20),
                          margin_period_of_risk=horizon, n_paths=400)  # fmt: skip
    path = reserves_through_time(SHORT, close, policy=policy, periods_per_year=365, every=10)
    tails = tails_through_time(close["BTC"].pct_change().iloc[1:], policy)
    rows = (close.index[1:].get_indexer(path.frame.index)) - 249
    owed = 2.0 * close["BTC"].reindex(path.frame.index).to_numpy()

    np.testing.assert_allclose(path.frame["value_at_risk"], owed * tails[rows, 2], rtol=1e-9)
    np.testing.assert_allclose(path.frame["expected_shortfall"], owed * tails[rows, 3], rtol=1e-9)
    np.testing.assert_allclose(path.frame["required"], path.frame["required_by_margins"], rtol=1e-9)
    assert path.frame["loss"].isna().sum() == 1
    move = close["BTC"].shift(-horizon) - close["BTC"]
    np.testing.assert_allclose(path.tested["loss"], 2.0 * move.reindex(path.tested.index), rtol=1e-9)


def test_last_row_of_the_path_is_the_reserve_of_joint_filtered_scenarios():
    close = prices()
    returns = close.pct_change().iloc[1:]
    policy = MarginPolicy(confidence=0.95, lookback=300, refit_every=1, model=Ewma(half_life=20),
                          measure="expected_shortfall")  # fmt: skip
    path = reserves_through_time(MIXED, close, policy=policy, periods_per_year=365, every=100)
    fits = {a: Ewma(half_life=20).fit(returns[a], periods_per_year=365) for a in close}
    sheet = MIXED.at_prices(close.iloc[-1])
    found = required_reserve(sheet, filtered_historical_scenarios(fits), confidence=0.95)

    last = path.frame.iloc[-1]
    assert last["required"] == pytest.approx(found.required)
    assert last["coverage"] == pytest.approx(found.coverage)
    assert last["required_by_margins"] > last["required"]


def test_path_does_not_know_what_comes_after():
    close, policy = prices(), MarginPolicy(confidence=0.95, lookback=250, refit_every=10, model=Ewma(half_life=20))
    whole = reserves_through_time(MIXED, close, policy=policy, periods_per_year=365).frame.drop(columns="loss")
    part = reserves_through_time(MIXED, close.iloc[:300], policy=policy, periods_per_year=365).frame.drop(
        columns="loss"
    )

    pd.testing.assert_frame_equal(whole.loc[: part.index[-1]], part)


def test_reserve_rises_with_volatility_and_exceptions_are_dated():
    close = prices(crash=(310,))
    policy = MarginPolicy(confidence=0.95, lookback=250, model=Ewma(half_life=5), measure="expected_shortfall")
    path = reserves_through_time(MIXED, close, policy=policy, periods_per_year=365, provenance=Provenance((MADE,)))
    required = path.frame["required"]

    assert required.iloc[-15] > 1.5 * required.loc[close.index[308]]
    assert close.index[310] in path.exceptions  # the rebound after the crash
    assert repr(path).startswith("<ReservePath: SIMULATED coverage")
    assert path.summary().columns.tolist() == ["lowest", "median", "highest", "last"]


def test_path_refuses_methods_without_joint_scenarios_and_short_histories():
    close = prices()
    for policy in (MarginPolicy(method="cornish_fisher"), MarginPolicy(stress_weight=0.25)):
        with pytest.raises(ArgumentError, match="policy must use historical or filtered_historical"):
            reserves_through_time(MIXED, close, policy=policy, periods_per_year=365)
    policy = MarginPolicy(method="historical", lookback=365)
    with pytest.raises(DataError, match="must have at least 366 observations"):
        reserves_through_time(MIXED, close, policy=policy, periods_per_year=365)
    with pytest.raises(DataError, match="close must be above zero"):
        reserves_through_time(
            MIXED, close * (close.index != close.index[7])[:, None], policy=policy, periods_per_year=365
        )
    with pytest.raises(DataError, match="prices must have a column for every asset of the sheet; got none of ETH"):
        reserves_through_time(MIXED, close[["BTC"]], policy=policy, periods_per_year=365)


def test_results_have_tables_and_words():
    scenarios = scenarios_of(np.random.default_rng(1).normal(0, 0.03, (200, 1)))
    for result in (required_reserve(SHORT, scenarios), sheet_reserve_ratios(SHORT),
                   liquidity_coverage(SHORT, outflow_rates=0.2)):  # fmt: skip
        assert len(result.summary()) and len(result.to_frame())
        assert result.headline
        assert not result.provenance.simulated


def test_a_deficit_that_needs_no_reserve_is_not_covered():
    hedged = [("V", "asset", "USD", 1e5), ("V", "asset", "BTC", 10.0), ("V", "liability", "BTC", 10.0)]
    deficit = sheet_of(*hedged, ("V", "liability", "USD", 5e5))
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=250)
    path = reserves_through_time(deficit, prices(), policy=policy, periods_per_year=365)
    found = required_reserve(deficit, scenarios_of(np.random.default_rng(1).normal(0, 0.1, (200, 1))))

    assert (path.frame["held"] < 0.0).all() and (path.frame["required"] == 0.0).all()
    assert (path.frame["coverage"] == -np.inf).all() and found.coverage == -np.inf
    n = len(path.frame)
    assert f"below 1 at {n} of {n} times" in path.headline
    assert "coverage none (negative surplus, nothing required)" in path.headline
    assert "coverage none (negative surplus, nothing required); insolvent in 100.00 %" in found.headline
    assert path.summary().loc["coverage"].tolist() == [-np.inf] * 4


def test_a_path_that_never_needs_a_reserve_has_a_summary():
    hedged = sheet_of(("V", "asset", "USD", 1e5), ("V", "asset", "BTC", 10.0), ("V", "liability", "BTC", 10.0))
    policy = MarginPolicy(method="historical", confidence=0.95, lookback=250)
    path = reserves_through_time(hedged, prices(), policy=policy, periods_per_year=365)

    assert path.summary().loc["coverage"].tolist() == [np.inf] * 4
    assert "coverage infinite (nothing required)" in path.headline
