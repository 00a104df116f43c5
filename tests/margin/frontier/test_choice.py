import pickle

import numpy as np
import pytest

from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.margin.frontier import NoPolicyError, choose_policy


def test_pick_is_the_cheapest_of_those_that_keep_the_constraints(frontier):
    table = frontier.table
    limit = float(table["worst_exceedance"].median())

    choice = choose_policy(frontier, max_exceedance=limit, max_cells_rejected=None)

    kept = table[table["worst_exceedance"] <= limit]
    assert choice.name == kept["cost"].idxmin() and choice.n_met == len(kept)
    assert choice.policy is frontier.policies[choice.name]
    assert f"of {len(kept)} of 8 policies that keep exceedance of the worst cell at most" in choice.reason
    assert "next is " in choice.reason and "90 % band" in choice.reason


@pytest.mark.parametrize(
    "minimise", ["cost", "exceedance", "worst_exceedance", "quantile_loss", "procyclicality", "rise"]
)
def test_pick_is_best_in_the_column_that_decides(minimise, frontier):
    choice = choose_policy(frontier, max_cells_rejected=None, minimise=minimise)

    assert frontier.table.loc[choice.name, minimise] == frontier.table[minimise].min()


def test_pick_of_an_objective_is_not_dominated(frontier):
    for minimise in ("cost", "exceedance", "procyclicality"):
        choice = choose_policy(frontier, max_cells_rejected=None, minimise=minimise)

        assert frontier.table.loc[choice.name, "is_efficient"]


def test_constraint_binds_when_the_pick_is_another_without_it(frontier):
    free = choose_policy(frontier, max_cells_rejected=None)
    limit = 0.9 * frontier.table.loc[free.name, "worst_exceedance"]

    choice = choose_policy(frontier, max_exceedance=limit, max_cost=1.0, max_cells_rejected=None)

    assert choice.constraints.loc["max_exceedance", "binds"] and not choice.constraints.loc["max_cost", "binds"]
    assert choice.constraints.loc["max_exceedance", "without"] == free.name
    assert (choice.constraints["slack"] >= 0.0).all()
    assert f"without the limit on exceedance of the worst cell it would be {free.name}" in choice.reason


def test_pick_with_every_limit_at_its_own_values_is_itself(frontier):
    row = frontier.table.loc["filtered"]

    choice = choose_policy(
        frontier, max_exceedance=row["worst_exceedance"], max_cost=row["cost"],
        max_procyclicality=row["procyclicality"], max_rise=row["rise"], max_cells_rejected=int(row["n_too_many"]),
        minimise="exceedance",
    )  # fmt: skip

    assert frontier.table.loc[choice.name, "worst_exceedance"] <= row["worst_exceedance"]
    assert choice.n_met >= 1


def test_error_says_which_constraint_binds_and_by_how_much(frontier):
    least = float(frontier.table["cost"].min())

    with pytest.raises(NoPolicyError) as caught:
        choose_policy(frontier, max_cost=least - 0.01, max_procyclicality=1000.0, max_cells_rejected=None)

    error = caught.value
    assert error.argument == "max_cost" and error.requirement == "must leave at least one of 8 policies"
    assert f"have at least {percent_to(least, 2)}, 1.00 % over the limit" in error.got
    assert error.remedy == f"raise max_cost to {percent_to(least, 2)}, or widen the grid"
    assert error.table.loc["max_cost", ["needed", "excess"]].tolist() == pytest.approx([least, 0.01])
    assert error.table["binds"].tolist() == [True, False]


def test_error_names_both_of_two_constraints_that_exclude_one_another(frontier):
    cheap, safe = frontier.table["cost"].idxmin(), frontier.table["worst_exceedance"].idxmin()
    assert cheap != safe
    limits = {
        "max_cost": float(frontier.table.loc[cheap, "cost"]),
        "max_exceedance": float(frontier.table.loc[safe, "worst_exceedance"]),
    }

    with pytest.raises(NoPolicyError) as caught:
        choose_policy(frontier, max_cells_rejected=None, **limits)

    assert set(caught.value.argument.split(" and ")) == set(limits)
    # Raising either one as far as it says is enough.
    for name, needed in caught.value.table["needed"].items():
        assert choose_policy(frontier, max_cells_rejected=None, **{**limits, name: needed}).n_met >= 1


def test_error_names_the_nearest_policy_when_no_single_constraint_is_to_blame(frontier):
    with pytest.raises(NoPolicyError, match=r"no single one: the nearest policy, .*, exceeds max_cost by") as caught:
        choose_policy(frontier, max_cost=0.001, max_procyclicality=1.0, max_cells_rejected=None)

    assert not caught.value.table["binds"].any() and caught.value.table["needed"].isna().all()
    assert caught.value.argument == "max_procyclicality and max_cost" or caught.value.argument.startswith("max_cost")


def test_error_survives_another_process(frontier):
    with pytest.raises(NoPolicyError) as caught:
        choose_policy(frontier, max_cost=0.0)

    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.table.equals(caught.value.table)


def test_sensitivity_changes_one_parameter_at_a_time(frontier):
    choice = choose_policy(frontier, max_cells_rejected=None, minimise="quantile_loss", max_cost=1.0)
    filtered = choose_policy(
        frontier, max_cells_rejected=None, minimise="cost",
        max_exceedance=float(frontier.table.loc["filtered", "worst_exceedance"]),
    )  # fmt: skip

    for one in (choice, filtered):
        for (parameter, _), row in one.sensitivity.iterrows():
            changed = frontier.policies[row["policy"]]
            assert getattr(changed, parameter) != getattr(one.policy, parameter)
            expected = frontier.table.loc[row["policy"], "cost"] - frontier.table.loc[one.name, "cost"]
            assert row["cost"] == pytest.approx(expected, abs=1e-15)
            assert row["cost_lower"] <= row["cost_upper"]


def test_sensitivity_lists_every_neighbour(frontier, make_frontier, policies):
    only = {name: policies[name] for name in ("filtered", "filtered, floor", "filtered, EWMA", "plain, long")}
    choice = choose_policy(make_frontier(chosen=only), max_cells_rejected=None, max_cost=1.0, minimise="cost")
    neighbours = {"filtered": {"floor", "model"}, "filtered, floor": {"floor"}, "filtered, EWMA": {"model"}}

    expected = neighbours.get(choice.name, set())
    assert set(choice.sensitivity.index.get_level_values(0)) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_cost": -0.1}, "max_cost must be a number of at least 0; got -0.1"),
        ({"max_rise": np.nan}, "max_rise must be a number of at least 0; got nan"),
        ({"minimise": "margin"}, "minimise must be one of cost, exceedance"),
    ],
)
def test_unusable_constraint_is_refused(arguments, message, frontier):
    with pytest.raises(ArgumentError, match=message):
        choose_policy(frontier, **arguments)
