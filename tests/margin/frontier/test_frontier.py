import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.errors import ArgumentError, DataError, VolkitWarning
from volkit.margin import MarginPolicy, backtest_margin, margin_schedule
from volkit.margin.frontier import WalkedPolicies, non_dominated, walk_policies
from volkit.margin.frontier.cells import largest_rise, measured_series, peak_to_trough
from volkit.validation import binomial_from_counts
from volkit.validation.multiplicity import holm
from volkit.volatility import Ewma


@pytest.fixture(scope="module")
def walked(returns, policies):
    return walk_policies(returns, list(policies.values()))


def test_every_policy_has_the_margins_of_its_own_schedule(returns, policies, walked):
    for asset, series in returns.items():
        for i, policy in enumerate(policies.values()):
            alone = margin_schedule(series, policy=policy, periods_per_year=365).frame.loc[walked[asset].times[0] :]
            for j, side in enumerate(("long", "short")):
                assert walked[asset].maintenance[i, j].tolist() == alone[f"maintenance_margin_{side}"].tolist()
                assert walked[asset].initial[i, j].tolist() == alone[f"initial_margin_{side}"].tolist()
                np.testing.assert_array_equal(walked[asset].losses[j], alone[f"loss_{side}"])


@pytest.mark.filterwarnings("ignore::volkit.errors.VolkitWarning")
def test_pareto_tails_fitted_once_are_those_of_each_schedule(returns):
    series = returns["BTC"].iloc[:260]
    base = MarginPolicy(expanding=False, method="conditional_pareto", lookback=200, model=Ewma(half_life=15.0))
    policies = [replace(base, confidence=0.99), replace(base, tail_share=0.15), replace(base, confidence=0.999)]

    walked = walk_policies({"BTC": series}, policies)["BTC"]

    for i, policy in enumerate(policies):
        alone = margin_schedule(series, policy=policy, periods_per_year=365).frame
        for j, side in enumerate(("long", "short")):
            assert walked.maintenance[i, j].tolist() == alone[f"maintenance_margin_{side}"].tolist()


def test_long_margins_stop_at_the_notional(returns):
    wild = MarginPolicy(expanding=False, method="historical", confidence=0.95, lookback=200, floor=0.9, buffer=0.5)

    walked = walk_policies({"BTC": returns["BTC"]}, [wild])["BTC"]

    assert (walked.initial[0, 0] == 1.0).all() and (walked.initial[0, 1] == 1.35).all()


def test_no_margin_knows_what_came_later(returns, policies, walked):
    early = walk_policies({a: r.iloc[:450] for a, r in returns.items()}, list(policies.values()))
    other = {a: pd.concat([r.iloc[:450], 4.0 * r.iloc[450:]]) for a, r in returns.items()}
    changed = walk_policies(other, list(policies.values()))

    for asset in returns:
        n = len(early[asset].times)
        for later in (walked, changed):
            assert (early[asset].maintenance == later[asset].maintenance[:, :, :n]).all()
            assert (early[asset].initial == later[asset].initial[:, :, :n]).all()


def test_two_processes_give_the_same_bits(frontier, make_frontier):
    again = make_frontier(n_jobs=2)

    pd.testing.assert_frame_equal(frontier.table, again.table, check_exact=True)
    pd.testing.assert_frame_equal(frontier.cells, again.cells, check_exact=True)
    assert all((frontier.draws[m] == again.draws[m]).all() for m in frontier.draws)


def test_order_of_policies_does_not_matter(frontier, make_frontier, policies):
    turned = make_frontier(chosen=dict(reversed(policies.items())))

    # Bands may differ by the order in which a product is added up.
    pd.testing.assert_frame_equal(turned.table.loc[frontier.table.index], frontier.table, rtol=1e-12)


def test_exceptions_and_loss_are_those_of_the_backtest(returns, make_frontier):
    policy = MarginPolicy(expanding=False, method="historical", confidence=0.95, lookback=200, margin_period_of_risk=3)

    cells = make_frontier(chosen={"one": policy}).cells

    for asset, series in returns.items():
        table = backtest_margin(margin_schedule(series, policy=policy, periods_per_year=365)).table
        for side in ("long", "short"):
            ours, theirs = cells.loc[("one", asset, side)], table.loc[(side, "maintenance_margin")]
            assert (ours["n_obs"], ours["n_exceptions"]) == (theirs["periods"], theirs["exceptions"])
            assert ours["cost"] == pytest.approx(theirs["mean rate"], rel=1e-12)
            assert ours["quantile_loss"] == pytest.approx(theirs["mean quantile loss"], rel=1e-12)


def test_loss_equal_to_the_margin_is_no_exception():
    margin = np.full((1, 2, 3), 0.1)
    times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    lost = np.array([[0.1, 0.2, np.nan], [0.1, -0.2, np.nan]])
    walked = WalkedPolicies(times=times, maintenance=margin, initial=margin, losses=lost)

    hits, _, loss = measured_series(walked, layer="maintenance_margin", confidence=0.99, step=1)

    assert hits[0].tolist() == [[0.0, 1.0], [0.0, 0.0]]
    assert loss[0].ravel().tolist() == pytest.approx([0.0, 0.99 * 0.1, 0.0, 0.01 * 0.3])


def test_interval_is_that_of_scipy_and_the_verdict_that_of_the_exact_test(frontier):
    for _, cell in frontier.cells.iterrows():
        x, n = int(cell["n_exceptions"]), int(cell["n_obs"])
        exact = stats.binomtest(x, n, 0.05).proportion_ci(0.95, method="exact")
        assert (cell["rate_lower"], cell["rate_upper"]) == pytest.approx((exact.low, exact.high), rel=1e-9)
        assert cell["p_value"] == binomial_from_counts(x, n, confidence=0.95).exact_p_value
        words = "not rejected" if cell["p_value"] >= 0.05 else "too many" if x / n > 0.05 else "too few"
        assert cell["verdict"] == words


def test_table_sums_up_the_cells(frontier):
    for name, row in frontier.table.iterrows():
        cells = frontier.cells.loc[name]
        assert row["exceedance"] == pytest.approx(cells["exceedance"].mean(), rel=1e-12)
        assert row["worst_exceedance"] == cells["exceedance"].max()
        assert row["cost"] == pytest.approx(cells["mean_maintenance"].iloc[:].mean(), rel=0.01)
        assert row["procyclicality"] == cells["peak_to_trough"].max()
        assert row["p_holm"] == holm(cells["p_value"].to_numpy()).min()
    objectives = frontier.table[["exceedance", "cost", "procyclicality"]].to_numpy()
    assert frontier.table["is_efficient"].tolist() == non_dominated(objectives).tolist()


def test_bands_hold_the_means_and_the_draws_centre_on_them(frontier):
    for measure in ("exceedance", "cost", "quantile_loss"):
        table = frontier.table
        assert (table[f"{measure}_lower"] <= table[measure]).all()
        assert (table[measure] <= table[f"{measure}_upper"]).all()
        error = frontier.draws[measure].std(axis=0) / np.sqrt(200)
        assert (np.abs(frontier.draws[measure].mean(axis=0) - frontier.cells[measure]) < 5 * error + 1e-15).all()


def test_difference_of_policies_that_move_together_is_sharper_than_either(frontier):
    found = frontier.difference("filtered", "law")

    apart = frontier.table.loc["filtered", "cost_upper"] - frontier.table.loc["filtered", "cost_lower"]
    assert found.loc["cost", "upper"] - found.loc["cost", "lower"] < 0.5 * apart
    assert (frontier.difference("law", "filtered")["difference"] == -found["difference"]).all()
    assert (frontier.difference("law", "law").to_numpy() == 0.0).all()


def test_procyclicality_metrics_of_a_toy_are_those_counted_by_hand():
    # Peak 0.18 over trough 0.10; rises over one, two and three periods by hand.
    margins = np.array([0.10, 0.11, 0.14, 0.12, 0.18, 0.15])

    assert peak_to_trough(margins) == pytest.approx(1.8)
    rises = [max(margins[i + k] / margins[i] - 1 for i in range(6 - k)) for k in (1, 2, 3)]
    assert [float(largest_rise(margins, periods=k)) for k in (1, 2, 3)] == pytest.approx(rises)


def test_margins_that_reach_zero_have_no_finite_ratio():
    assert peak_to_trough(np.array([0.0, 0.1])) == np.inf
    assert largest_rise(np.array([0.0, 0.1, 0.1]), periods=1) == np.inf
    assert largest_rise(np.array([0.2, 0.1, 0.1]), periods=1) == 0.0


def test_initial_margin_can_be_the_layer(frontier, make_frontier):
    initial = make_frontier(layer="initial_margin")

    assert (initial.table["exceedance"] <= frontier.table["exceedance"]).all()
    assert initial.table["cost"].to_numpy() == pytest.approx(1.25 * frontier.table["cost"].to_numpy())


def test_assets_with_other_histories_share_the_times_they_have(returns, make_frontier):
    late = {**returns, "SOL": returns["ETH"].iloc[150:].rename("SOL")}

    found = make_frontier(assets=late)

    assert found.spans["n_obs"].tolist() == [300, 300, 150]
    drawn = found.draws["cost"]
    cells = [found.cells.index.get_loc(("plain", asset, "long")) for asset in ("ETH", "SOL")]
    assert np.corrcoef(drawn[:, cells[0]], drawn[:, cells[1]])[0, 1] > 0.3


def test_warnings_of_the_walks_come_through_with_the_asset(returns, make_frontier):
    policy = MarginPolicy(expanding=False, method="conditional_pareto", confidence=0.99, lookback=200, tail_share=0.05)

    caught = []
    for n_jobs in (1, 2):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            make_frontier(assets={"BTC": returns["BTC"].iloc[:300]}, chosen={"a": policy}, n_jobs=n_jobs)
        caught.append([str(w.message) for w in found if issubclass(w.category, VolkitWarning)])

    assert caught[0] == caught[1] and caught[0] and all(text.startswith("BTC: ") for text in caught[0])


def test_frontier_says_what_it_is(frontier):
    assert repr(frontier).startswith("<PolicyFrontier: 8 policies on BTC, ETH, ")
    assert frontier.summary()["cost"].is_monotonic_increasing
    assert frontier.as_of == pd.Timestamp("2023-08-23", tz="UTC")
    assert len(frontier.to_frame()) == 8 * 4
    with pytest.raises(ValueError, match="read-only"):
        frontier.draws["cost"][0, 0] = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chosen": []}, None),
        ({"confidence": 0.01}, "confidence must be a fraction from 0.5 to below 1; got 0.01; pass the confidence"),
        ({"layer": "value_at_risk"}, "layer must be one of maintenance_margin, initial_margin"),
        ({"n_draws": 10}, "n_draws must be a whole number of at least 100 draws"),
        ({"mean_block": 0.5}, "mean_block must be at least 1 period"),
        ({"rise_periods": 0}, "rise_periods must be a whole number of at least 1"),
        (
            {"chosen": [MarginPolicy(), MarginPolicy(expanding=False, margin_period_of_risk=2)]},
            r"policies must have one margin period of risk; got \[1, 2\] periods; make one frontier for each",
        ),
        (
            {"chosen": [MarginPolicy(expanding=False, method="historical", lookback=50)]},
            "policies must leave at least one scenario in the tail .*; got 50 scenarios in historical; pass more",
        ),
    ],
)
def test_unusable_argument_is_refused(arguments, message, make_frontier, returns):
    if message is None:
        from volkit.margin.frontier import policy_frontier

        with pytest.raises(ArgumentError, match="policies must have at least one policy; got none; make some with"):
            policy_frontier(returns, [], periods_per_year=365, rng=np.random.default_rng(1))
        return
    with pytest.raises(ArgumentError, match=message):
        make_frontier(**arguments)


def test_short_or_missing_history_is_refused(returns, make_frontier, policies):
    with pytest.raises(DataError, match=r"returns of BTC must leave at least 50 tested .* \(350 returns\); got 340"):
        make_frontier(assets={"BTC": returns["BTC"].iloc[:340]})
    with pytest.raises(DataError, match="returns of BTC must be finite"):
        make_frontier(assets={"BTC": returns["BTC"].where(returns["BTC"] > -0.05)})


def test_histories_that_hardly_meet_are_refused(returns, make_frontier):
    long = returns["BTC"]
    index = pd.date_range("2000-01-01", periods=8000, tz="UTC", name="time")
    tiled = pd.Series(np.tile(long.to_numpy(), 14)[:8000], index=index)
    one = {"p": replace(MarginPolicy(expanding=False, method="historical"), confidence=0.95, lookback=200)}

    with pytest.raises(DataError, match="returns of B must meet the other histories often enough"):
        make_frontier(assets={"A": tiled, "B": tiled.iloc[-251:]}, chosen=one, mean_block=2000.0)
