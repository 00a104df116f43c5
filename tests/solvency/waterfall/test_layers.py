from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, SeriesProvenance
from volkit.solvency.waterfall import Layer, absorbed_amounts, loss_waterfall, observed_waterfall, venue_layers
from volkit.validation.proportion import exact_interval

AMOUNTS = st.one_of(st.just(0.0), st.floats(1e-8, 1e15), st.integers(0, 1000).map(float))


@settings(max_examples=200, deadline=None)
@given(st.lists(AMOUNTS, min_size=1, max_size=6), st.lists(AMOUNTS, min_size=1, max_size=7))
def test_layers_sum_to_the_loss_to_the_last_bit_in_any_order(losses, capacities):
    values = np.array(losses)
    amounts = absorbed_amounts(values, np.array(capacities))

    for row, loss in zip(amounts.tolist(), losses, strict=True):
        assert sum(row) == loss and sum(reversed(row)) == loss
        assert sum(sorted(row)) == loss and sum(map(Fraction, row)) == Fraction(loss)
    assert (amounts >= 0.0).all()


@settings(max_examples=100, deadline=None)
@given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=7))
def test_layers_pay_what_one_after_another_would_in_exact_arithmetic(loss, capacities):
    left, wanted = Fraction(loss), []
    for capacity in capacities:
        paid = min(left, Fraction(capacity))
        wanted.append(paid)
        left -= paid
    amounts = absorbed_amounts(np.array([loss]), np.array(capacities))[0]

    assert amounts == pytest.approx([float(x) for x in (*wanted, left)], rel=0.0, abs=2e-15 * max(loss, 1e-300))


def test_a_layer_is_not_reached_by_the_rounding_of_those_before_it():
    # 0.1 + 0.2 is one rounding above 0.3, and 0.7 + 0.1 one below 0.8.
    for loss, capacities in ((0.3, (0.1, 0.2)), (0.8, (0.7, 0.1)), (0.6, (0.1, 0.2, 0.3))):
        assert absorbed_amounts(np.array([loss]), np.array(capacities))[0, -1] == 0.0


def test_worked_example_of_a_venue():
    layers = venue_layers(margin=10.0, skin_in_the_game=5.0, fund=20.0, adl=15.0)
    fall = loss_waterfall(pd.Series([0.0, 8.0, 25.0, 60.0], index=["a", "b", "c", "d"]), layers)

    assert fall.amounts.loc["c"].tolist() == [10.0, 5.0, 10.0, 0.0, 0.0]
    assert fall.amounts.loc["d"].tolist() == [10.0, 5.0, 20.0, 15.0, 10.0]
    assert fall.table["worst"].tolist() == [10.0, 5.0, 20.0, 15.0, 10.0]
    assert fall.table["exhausted"].tolist() == [0.5, 0.5, 0.25, 0.25, 0.0]
    assert fall.adl_probability == pytest.approx((0.25, *exact_interval(1, 4, coverage=0.95)))
    assert fall.reached("margin")[0] == 0.75


def test_layers_with_an_end_leave_the_rest_uncovered():
    fall = loss_waterfall([5.0, 30.0], [Layer(kind="margin", capacity=10.0), Layer(kind="fund", capacity=5.0)])

    assert fall.amounts["uncovered"].tolist() == [0.0, 15.0]
    assert fall.table.loc["uncovered", "reached"] == 0.5


def test_capacities_may_differ_by_scenario():
    margin = np.array([1.0, 50.0])
    fall = loss_waterfall([30.0, 30.0], venue_layers(margin=margin, fund=20.0))

    assert fall.amounts.to_numpy().tolist() == [[1.0, 20.0, 9.0], [30.0, 0.0, 0.0]]


def test_adl_counts_as_reached_where_it_has_nothing_to_take():
    fall = loss_waterfall([10.0, 0.0], venue_layers(fund=1.0, adl=np.array([0.0, 5.0])))

    assert fall.table["reached"].to_dict() == {"fund": 0.5, "adl": 0.0, "socialised": 0.5}
    assert fall.adl_probability == fall.reached("socialised")


def test_probabilities_of_later_layers_never_exceed_those_of_earlier_ones():
    losses = np.random.default_rng(1).pareto(1.5, 3000)
    table = loss_waterfall(losses, venue_layers(margin=0.2, fund=1.0, mutual_fund=2.0, assessments=4.0, adl=9.0)).table

    assert table["reached"].is_monotonic_decreasing
    assert ((table["lower"] <= table["reached"]) & (table["reached"] <= table["upper"])).all()
    assert table["share"].sum() == pytest.approx(1.0) and table["expected"].sum() == pytest.approx(losses.mean())


def test_weights_count_scenarios():
    fall = loss_waterfall([0.0, 20.0], venue_layers(fund=10.0), weights=[3.0, 1.0])

    assert fall.table.loc["fund", "expected"] == 2.5
    assert fall.table.loc["fund", "reached"] == pytest.approx(0.25)


def test_amounts_that_were_split_already_give_the_same_table():
    losses = np.random.default_rng(1).pareto(1.5, 500)
    made = loss_waterfall(losses, venue_layers(margin=0.2, fund=1.0, adl=2.0))
    found = observed_waterfall(made.amounts, losses=losses)

    for column in ("kind", "expected", "share", "worst", "largest", "reached", "lower", "upper", "exhausted"):
        assert found.table[column].tolist() == pytest.approx(made.table[column].tolist())
    assert found.adl_probability == made.adl_probability


def test_amounts_that_do_not_sum_to_the_losses_are_refused():
    paid = pd.DataFrame({"venue's own": [1.0, 2.0], "fund": [0.0, 3.0]})
    kinds = {"venue's own": "skin in the game"}

    assert observed_waterfall(paid, kinds=kinds, losses=[1.0, 5.0]).losses.tolist() == [1.0, 5.0]
    with pytest.raises(DataError, match="amounts must sum to the losses; got 1 that differ, first 5 of 6 USD"):
        observed_waterfall(paid, kinds=kinds, losses=[1.0, 6.0])
    with pytest.raises(DataError, match="losses must be one a scenario"):
        observed_waterfall(paid, kinds=kinds, losses=[1.0])
    with pytest.raises(ArgumentError, match="kinds"):
        observed_waterfall(paid)
    with pytest.raises(DataError, match="amounts of fund must be at least 0"):
        observed_waterfall(pd.DataFrame({"fund": [-1.0]}))
    with pytest.raises(DataError, match="table of layers"):
        observed_waterfall(pd.DataFrame([[1.0, 2.0]], columns=["fund", "fund"]))


def test_what_is_no_waterfall_is_refused():
    with pytest.raises(ArgumentError, match="layers must be at least one"):
        loss_waterfall([1.0], [])
    with pytest.raises(ArgumentError, match="names of their own"):
        loss_waterfall([1.0], [Layer(kind="fund", capacity=1.0), Layer(kind="fund", capacity=2.0)])
    with pytest.raises(ArgumentError, match="capacity of fund must be at least 0"):
        Layer(kind="fund", capacity=-1.0)
    with pytest.raises(ArgumentError, match="capacity of fund"):
        Layer(kind="fund", capacity=float("nan"))
    with pytest.raises(ArgumentError, match="kind"):
        Layer(kind="luck", capacity=1.0)
    with pytest.raises(DataError, match="capacity of margin must fit the losses"):
        loss_waterfall([1.0], venue_layers(margin=np.array([1.0, 2.0])))
    with pytest.raises(DataError, match="losses must be at least 0"):
        loss_waterfall([-1.0], venue_layers(fund=1.0))
    with pytest.raises(ArgumentError, match="'adl'"):
        _ = loss_waterfall([1.0], venue_layers(fund=1.0)).adl_probability
    with pytest.raises(ArgumentError, match="name must be one of fund, socialised"):
        loss_waterfall([1.0], venue_layers(fund=1.0)).reached("adl")


def test_a_result_says_what_it_found_and_cannot_be_changed():
    made = SeriesProvenance(name="S", source="s", sha256="0", unit="USD", close_rule="r", simulated=True)
    fall = loss_waterfall([0.0, 4.0], venue_layers(fund=3.0), provenance=Provenance((made,)))

    assert repr(fall).startswith("<LossWaterfall: SIMULATED expected loss 2 USD over 2 layers, socialised reached in")
    assert fall.to_frame()["loss"].tolist() == [0.0, 4.0] and "worst (USD)" in fall.summary()
    with pytest.raises(ValueError):
        fall.amounts.iloc[0, 0] = 1.0
    assert "no layer is reached" in loss_waterfall([0.0], venue_layers(fund=3.0)).headline
