import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.margin import MarginPolicy, TailRisk

RISKS = st.tuples(st.floats(-0.1, 2.0), st.floats(0.0, 1.0)).map(lambda pair: TailRisk(pair[0], pair[0] + pair[1]))


@given(risk=RISKS, floor=st.floats(0.0, 1.0), buffer=st.floats(0.0, 2.0), side=st.sampled_from(["long", "short"]))
def test_margins_stand_on_floor_and_buffer_and_long_stops_at_the_notional(risk, floor, buffer, side):
    maintenance, initial = MarginPolicy(floor=floor, buffer=buffer).margins(risk, side=side)

    assert floor <= maintenance <= initial
    if side == "long":
        assert initial == pytest.approx(min(1.0, max(floor, risk.value_at_risk) * (1 + buffer)))
    else:
        assert initial == pytest.approx(maintenance * (1 + buffer))


def test_measure_says_which_of_both_is_margin():
    risk = TailRisk(0.10, 0.14)

    assert MarginPolicy(buffer=0.0).margins(risk, side="long") == (0.10, 0.10)
    assert MarginPolicy(measure="expected_shortfall", buffer=0.0).margins(risk, side="long") == (0.14, 0.14)


def test_short_position_can_lose_more_than_its_notional():
    risk = TailRisk(1.2, 1.5)

    assert MarginPolicy(buffer=0.5).margins(risk, side="short") == pytest.approx((1.2, 1.8))
    assert MarginPolicy(buffer=0.5).margins(risk, side="long") == (1.0, 1.0)


def test_policy_says_itself_in_words():
    words = MarginPolicy(method="fitted_law", floor=0.02, margin_period_of_risk=2).words

    assert words == "fitted law, value at risk 0.99, 2 periods, look-back from 365, floor 0.02, buffer 0.25"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"method": "magic"},
            "method must be one of historical, weighted_historical, .*stressed_historical; got 'magic'",
        ),
        ({"measure": "worst"}, "measure must be one of value_at_risk, expected_shortfall"),
        ({"confidence": 99}, "confidence must be a fraction from 0.5 to below 1; got 99; pass a fraction"),
        ({"margin_period_of_risk": 0}, "margin_period_of_risk must be a whole number of at least 1 periods; got 0"),
        ({"lookback": 10}, "lookback must be a whole number of at least 20 periods; got 10"),
        (
            {"lookback": 30, "margin_period_of_risk": 40},
            "lookback must be a whole number of at least 40 periods; got 30",
        ),
        ({"stress_weight": 1.5}, "stress_weight must be a fraction"),
        ({"stress_weight": 0.25, "lookback": 200}, "stress_window must fit into the look-back; got 250 of 200"),
        ({"method": "stressed_historical", "lookback": 200}, "stress_window must fit into the look-back"),
        ({"refit_every": 0}, "refit_every must be a whole number of at least 1 periods"),
        ({"floor": 2.0}, "floor must be a fraction"),
        ({"buffer": -0.1}, "buffer must be"),
        ({"n_paths": 0}, "n_paths must be a whole number of at least 1 paths; got 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0 as a seed; got -1"),
        ({"half_life": 0.0}, "half_life must be"),
        ({"tail_share": 2.0}, "tail_share must be a fraction"),
        ({"method": "conditional_pareto", "confidence": 0.9}, "tail_share must reach further in than the confidence"),
        (
            {"method": "conditional_pareto", "margin_period_of_risk": 2},
            "margin_period_of_risk must be 1 for conditional_pareto; got 2; use filtered_historical",
        ),
    ],
)
def test_value_outside_its_range_is_refused_at_construction(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        MarginPolicy(**arguments)
