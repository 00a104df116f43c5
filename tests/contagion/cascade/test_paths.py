"""Totals of paths: depletion beside independent losses, measures, weights, series, refusals, repr and frames."""

import numpy as np
import pandas as pd
import pytest

from tests.contagion.cascade.conftest import simulated_book, simulated_values
from volkit.contagion.cascade import (
    LeveragedAccounts,
    Venue,
    cascade_paths,
    linear_cascade,
    run_cascade,
    square_root_cascade,
)
from volkit.errors import ArgumentError
from volkit.impact.laws import LinearImpact
from volkit.results import Provenance, SeriesProvenance
from volkit.scenarios.paths import PathSet
from volkit.validation.proportion import exact_interval


def venue_for(book, **terms):
    return Venue(price=100.0, impact=LinearImpact(0.3 / float(np.abs(book.quantity).sum())), half_life=6.0, **terms)


def test_depletion_counts_paths_on_which_others_pay(book):
    venue = venue_for(book, fund=1_500.0, leftover="returned")
    found = cascade_paths(book, venue, simulated_values(400, 24, volatility=0.01))
    t, told = found.totals, found.depletion()
    hit = int((t["deleveraged"] + t["socialised"] > 0.0).sum())
    assert 0 < hit < 400
    assert told.probability == hit / 400
    assert (told.low, told.high) == pytest.approx(exact_interval(hit, 400, coverage=0.95))
    assert ((t["fund_low"] == 0.0) | (t["deleveraged"] + t["socialised"] == 0.0)).all()


def test_independent_losses_are_drawn_step_by_step(book):
    """Where every path loses in the same step or not at all, drawing that step alone changes nothing."""
    values = np.where(np.arange(200)[:, None] < 20, [[1.0, 0.8, 0.8]], [[1.0, 1.0, 1.0]])
    told = cascade_paths(book, venue_for(book), values).depletion()
    assert told.probability > 0.09 and told.independent == pytest.approx(told.probability, abs=0.06)


def three_longs():
    """Round by round they owe first and leave something afterwards."""
    frame = pd.DataFrame({"account": list("ABC"), "quantity": 10.0, "entry_price": 100.0})
    return LeveragedAccounts.from_frame(frame.assign(collateral=[30.0, 100.0, 102.0]), maintenance_rate=0.02)


@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 3.0, 40)])
@pytest.mark.parametrize("skin", [0.0, 20.0])
def test_one_step_alone_has_no_tie_to_break(weights, skin):
    values = np.linspace(0.90, 0.97, 40)[:, None]
    paths = PathSet(
        values=values[:, :, None], step=pd.Timedelta("1h"), assets=("BTC",), engine="given", seed="2",
        log_weights=None if weights is None else np.log(weights / weights.mean()),
    )  # fmt: skip
    nets = []
    for fund in (10.0, 30.0, 40.0, 52.0, 54.0, 80.0):
        venue = Venue(price=100.0, impact=LinearImpact(1e-3), fund=fund, skin_in_the_game=skin)
        found = cascade_paths(three_longs(), venue, paths)
        told = found.depletion()
        assert told.independent == pytest.approx(told.probability, rel=1e-12)
        lost = found.totals["bad_debt"] - found.totals["fund_income"]
        nets.append((lost > fund + skin).mean() < found.is_depleted.mean())
    # Somewhere a loss comes due before the income of the same step.
    assert any(nets)


def test_drawdown_is_the_worst_of_the_rounds():
    venue = Venue(price=100.0, impact=LinearImpact(1e-3), fund=52.0)
    run = run_cascade(three_longs(), venue, shock=-0.08)
    owed = (run.rounds["bad_debt"] - run.rounds["fund_income"]).cumsum()
    assert run.steps["drawdown"].tolist() == pytest.approx([owed.max()])
    assert owed.max() > owed.iloc[-1] + 1.0


def test_independent_losses_are_those_of_all_pairs_of_first_and_second_steps(book):
    values = simulated_values(30, 2, volatility=0.08)
    venue = venue_for(book, fund=4_000.0)
    found = cascade_paths(book, venue, values)
    lost, gained, owed = (found.by_step(x).to_numpy() for x in ("bad_debt", "fund_income", "drawdown"))
    pairs = [
        owed[i, 0] > 4_000.0 or lost[i, 0] - gained[i, 0] + owed[j, 1] > 4_000.0 for i in range(30) for j in range(30)
    ]
    drawn = [found.depletion(seed=seed).independent for seed in range(200)]
    assert 0.1 < np.mean(pairs) < 0.9 and len(set(drawn)) > 1
    assert np.mean(drawn) == pytest.approx(np.mean(pairs), abs=0.02)


def test_the_headline_counts_by_weight():
    weights = np.array([1e-6, 1.0, 1.0, 1.0])
    paths = PathSet(
        values=np.array([0.5, 1.0, 1.0, 1.0])[:, None, None], step=pd.Timedelta("1min"), assets=("BTC",),
        engine="given", seed="1", log_weights=np.log(weights / weights.mean()),
    )  # fmt: skip
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1e6, leverage=10.0, side="long", maintenance_rate=0.005
    )
    found = cascade_paths(book, Venue(price=100.0, impact=LinearImpact(1e-9)), paths)
    assert "0.1667 USD liquidated on average, bad debt 0.1333 USD on average" in found.headline
    assert found.headline.endswith("fund depleted on 0.00 % of the paths by weight")


def test_weights_count(book):
    values = simulated_values(300, 12, volatility=0.015)
    weights = np.random.default_rng(3).uniform(0.2, 1.8, 300)
    logs = np.log(weights / weights.mean())
    provenance = Provenance(
        (SeriesProvenance(name="x", source="s", sha256="0", unit="1", close_rule="r", simulated=True),)
    )
    paths = PathSet(
        values=values[:, :, None], step=pd.Timedelta("5min"), assets=("BTC",), engine="given", seed="2",
        log_weights=logs, provenance=provenance, as_of=pd.Timestamp("2026-01-01", tz="UTC"),
    )  # fmt: skip
    found = cascade_paths(book, venue_for(book, fund=2_000.0), paths)
    hit = found.is_depleted.to_numpy()
    assert found.depletion().probability == pytest.approx(np.average(hit, weights=np.exp(logs)))
    bad = found.totals["bad_debt"]
    assert found.summary().loc["bad_debt", "mean"] == pytest.approx(np.average(bad, weights=np.exp(logs)))
    assert found.step == pd.Timedelta("5min") and found.as_of == paths.as_of
    assert repr(found).startswith("<CascadePaths: SIMULATED 300 paths")


def test_measures_are_those_of_the_solvency_stage(book):
    found = cascade_paths(book, venue_for(book), simulated_values(400, 24, volatility=0.01))
    measures = found.bad_debt_measures(confidence=0.9, extreme=0.95)
    bad = np.sort(found.totals["bad_debt"].to_numpy())
    assert measures.value_of("ES") >= measures.value_of("VaR") > 0.0
    assert bad[355] <= measures.value_of("VaR") <= bad[365]
    assert measures.mean == pytest.approx(bad.mean())


def test_steps_add_up_to_totals(book):
    found = cascade_paths(book, venue_for(book, fund=1e3), simulated_values(10, 24, volatility=0.02))
    for name, total in (("bad_debt", "bad_debt"), ("fund_income", "fund_income")):
        np.testing.assert_allclose(found.by_step(name).sum(axis=1), found.totals[total], rtol=1e-9)
    np.testing.assert_array_equal(found.by_step("price").iloc[:, -1], found.totals["end_price"])
    np.testing.assert_array_equal(found.by_step("fund").iloc[:, -1], found.totals["fund_end"])
    assert found.to_frame()["amplification"].dropna().gt(0.0).all()
    bare = cascade_paths(book, venue_for(book, fund=1e3), simulated_values(10, 24, volatility=0.02), series=False)
    pd.testing.assert_frame_equal(bare.totals, found.totals)
    with pytest.raises(ArgumentError, match="series must have been kept"):
        bare.depletion()
    with pytest.raises(ArgumentError, match="name must be one of price, fund"):
        found.by_step("profit")


def test_an_asset_is_chosen_by_name(book):
    values = np.stack([simulated_values(3, 5, volatility=0.01), simulated_values(3, 5, volatility=0.2, seed=9)], axis=2)
    paths = PathSet(values=values, step=pd.Timedelta("1h"), assets=("BTC", "ETH"), engine="given", seed="2")
    eth = cascade_paths(book, venue_for(book), paths, asset="ETH").totals
    pd.testing.assert_frame_equal(eth, cascade_paths(book, venue_for(book), values[:, :, 1]).totals)
    with pytest.raises(ArgumentError, match="asset must be one of the paths; got None; choose from BTC, ETH"):
        cascade_paths(book, venue_for(book), paths)


def test_results_say_what_they_hold():
    book = simulated_book(200)
    run = run_cascade(book, venue_for(book, fund=100.0), shock=-0.2)
    assert repr(run).startswith("<CascadeRun: shock \u221220.00 % ends at \u2212")
    assert run.summary().loc["amplification", "value"] == run.amplification
    assert run.price_path.iloc[0] == 100.0 and run.price_path.iloc[-1] == run.rounds["price"].iloc[-1]
    with pytest.raises(ValueError, match="read-only"):
        run.rounds["price"].to_numpy()[0] = 1.0


def test_simulated_accounts_are_called_so():
    told = Provenance((SeriesProvenance(name="x", source="s", sha256="0", unit="1", close_rule="r", simulated=True),))
    book = LeveragedAccounts.from_leverage(
        price=100.0, notional=1.0, leverage=5.0, side="long", maintenance_rate=0.005, provenance=told
    )
    run = run_cascade(book, Venue(price=100.0, impact=LinearImpact(0.01)), shock=-0.3)
    assert repr(run).startswith("<CascadeRun: SIMULATED shock")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: linear_cascade(0.0, feedback=0.5), "shock must be a positive number"),
        (lambda: linear_cascade(0.1, feedback=-0.5), "feedback must be a finite number of at least 0"),
        (lambda: linear_cascade(0.1, feedback=0.5, span=0.0), "span must be a positive log distance"),
        (lambda: square_root_cascade(0.1, coefficient=np.nan, density=1.0), "coefficient must be a finite number"),
        (lambda: square_root_cascade(0.1, coefficient=1.0, density=0.0), "density must be a positive number"),
    ],
)
def test_closed_forms_refuse_what_they_cannot_answer(made, words):
    with pytest.raises(ArgumentError, match=words):
        made()


def test_closed_forms_at_their_ends():
    assert linear_cascade(0.1, feedback=1.0).drop == np.inf
    assert linear_cascade(0.1, feedback=0.95, span=1.0).drop == pytest.approx(1.05)
    assert linear_cascade(0.1, feedback=0.95, span=1.0).liquidated_share == 1.0
    assert square_root_cascade(0.1, coefficient=2.0, density=1.0, span=0.5).drop == pytest.approx(0.1 + 2.0 * 0.5**0.5)
