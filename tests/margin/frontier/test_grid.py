import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError
from volkit.margin import METHODS, MarginPolicy, margin_schedule
from volkit.margin.frontier import policy_grid
from volkit.margin.frontier.grid import effective_parameters, name_policies, require_scenarios
from volkit.volatility import Ewma, Garch

NO_PART = "a parameter plays no part in its method: the same margins as another policy"


def test_grid_counts_every_combination_once():
    grid = policy_grid(
        method=["historical", "weighted_historical", "conditional_pareto"],
        confidence=[0.99, 0.999],
        lookback=[500],
        half_life=[60.0, 250.0],
        margin_period_of_risk=[1, 2],
    )

    refused = grid.refused["n_combinations"].to_dict()
    assert grid.n_combinations == 24 == len(grid.policies) + sum(refused.values())
    # historical: 0.99 over one and two periods, a half-life plays no part; 0.999 asks for 1,000 scenarios.
    assert [p.margin_period_of_risk for p in grid.policies if p.method == "historical"] == [1, 2]
    assert refused["margin_period_of_risk must be 1 for conditional_pareto"] == 4
    assert refused[NO_PART] == 4
    assert repr(grid) == "<PolicyGrid: 8 policies of 24 combinations, 16 refused>"


def test_grid_of_one_value_is_the_policy():
    assert policy_grid(floor=[0.05]).policies == (MarginPolicy(floor=0.05),)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (
            {"method": "historical"},
            r"method must be a list of values; got str; pass for example method=\['historical'\]",
        ),
        ({"quantile": [0.99]}, "quantile must be one of method, measure"),
        ({"floor": []}, "floor must have at least one value; got an empty list"),
        ({"confidence": [0.01]}, "lists must leave at least one policy; got confidence must be a fraction"),
    ],
)
def test_unusable_lists_are_refused(lists, message):
    with pytest.raises(ArgumentError, match=message):
        policy_grid(**lists)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("horizon", [1, 2])
def test_scenarios_are_refused_where_the_schedule_refuses_them(method, horizon):
    times = pd.date_range("2024-01-01", periods=140, tz="UTC")
    returns = pd.Series(np.random.default_rng(1).normal(0, 0.02, 140), index=times, name="A")
    for lookback in (99, 100, 101, 130):
        if method == "conditional_pareto":
            continue
        policy = MarginPolicy(
            method=method, confidence=0.99, lookback=lookback, margin_period_of_risk=horizon, half_life=1e6,
            stress_window=lookback, model=Ewma(half_life=20.0), n_paths=100 if lookback > 100 else 99,
        )  # fmt: skip
        outcome = []
        for check in (require_scenarios, lambda p: margin_schedule(returns, policy=p, periods_per_year=365)):
            try:
                check(policy)
                outcome.append("made")
            except ArgumentError as error:
                outcome.append(str(error))
        assert outcome[0] == outcome[1]


def test_parameters_without_a_part_are_left_out():
    plain, filtered = MarginPolicy(method="historical"), MarginPolicy(margin_period_of_risk=3)

    assert "model" not in effective_parameters(plain) and "n_paths" not in effective_parameters(plain)
    assert {"model", "refit_every", "n_paths", "seed"} <= set(effective_parameters(filtered))


def test_names_say_what_differs_and_nothing_else():
    policies = [
        MarginPolicy(expanding=False),
        MarginPolicy(model=Ewma(half_life=33.0)),
        MarginPolicy(expanding=False, method="historical", confidence=0.995, measure="expected_shortfall"),
    ]

    assert name_policies(policies) == [
        "filtered historical, value at risk, 0.99, rolling, GARCH-t",
        "filtered historical, value at risk, 0.99, expanding, EWMA half-life 33",
        "historical, expected shortfall, 0.995, rolling",
    ]


def test_policies_that_give_the_same_margins_are_refused():
    with pytest.raises(ArgumentError, match="policies must differ from one another; got historical twice"):
        name_policies([MarginPolicy(method="historical"), MarginPolicy(method="historical", model=Garch())])
