import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.margin.rates import tail_of_losses
from volkit.margin.tiers import design_tiers

BOUNDS = (0.0, 1e5, 1e6, 1e7, 5e7)


def losses_of(n=4_000, seed=1, scale=0.005):
    return np.abs(np.random.default_rng(seed).standard_t(4, n)) * scale


def root_impact(constant=0.04, volume=1e9):
    return lambda notional: constant * (notional / volume) ** 0.5


def design(lost=None, impact=None, **changes):
    terms = {"bounds": BOUNDS, "confidence": 0.99, "buffer": 0.005}
    return design_tiers(
        losses_of() if lost is None else lost, root_impact() if impact is None else impact, **(terms | changes)
    )


@given(
    seed=st.integers(0, 50),
    constant=st.floats(0.0, 0.3),
    confidence=st.sampled_from([0.95, 0.99, 0.995]),
    rounding=st.sampled_from(["leverage", 0.0005, 0.001]),
    bounds=st.lists(st.floats(1e3, 1e8), min_size=1, max_size=6, unique=True).map(lambda b: (0.0, *sorted(b))),
)
def test_design_covers_every_size_is_monotone_convex_and_on_its_grid(seed, constant, confidence, rounding, bounds):
    lost, impact = losses_of(seed=seed), root_impact(constant)

    found = design(lost, impact, bounds=bounds, confidence=confidence, rounding=rounding)

    at_risk = tail_of_losses(lost, confidence=confidence)[0]
    for notional in np.geomspace(1.0, bounds[-1], 40):
        assert found.table.maintenance_rate(notional) >= (at_risk + impact(notional)) * (1 - 1e-9)
    rates = np.array(found.table.maintenance_rates)
    assert (np.diff(rates) >= 0).all()
    steps = 1 / rates if rounding == "leverage" else rates / rounding
    np.testing.assert_allclose(steps, np.round(steps), rtol=1e-9)


@given(rounding=st.sampled_from(["leverage", 0.0005]), k=st.integers(0, 3))
def test_no_rate_can_be_lowered_by_a_step(rounding, k):
    lost, impact = losses_of(), root_impact()

    table = design(lost, impact, rounding=rounding).table

    m = table.maintenance_rates[k]
    lower = 1 / (round(1 / m) + 1) if rounding == "leverage" else m - rounding
    floor, cap = BOUNDS[k], BOUNDS[k + 1]
    covered = table.maintenance_margin(floor) + lower * (cap - floor)
    needed = (tail_of_losses(lost, confidence=0.99)[0] + impact(cap)) * cap
    assert covered < needed or (k > 0 and lower < table.maintenance_rates[k - 1])


def test_first_tier_without_impact_is_the_quantile_of_the_losses():
    lost = np.arange(1, 1_000) / 1e5

    table = design(lost, lambda _: 0.0, rounding=1e-5).table

    # The 99 % quantile (Weibull) of 1..999 is 990.
    assert table.maintenance_rates == pytest.approx((0.0099,) * 4)
    assert table.initial_rates == pytest.approx((0.0149,) * 4)


def test_impact_may_move_with_the_losses():
    lost = losses_of()

    with_scenarios = design(lost, lambda _: lost)

    assert with_scenarios.requirements["required_rate"].iloc[0] == pytest.approx(
        2 * float(tail_of_losses(lost, confidence=0.99)[0])
    )


def test_expected_shortfall_needs_more():
    assert design(measure="expected_shortfall").table.maintenance_rates[0] > design().table.maintenance_rates[0]


def test_interval_holds_the_true_quantile_and_is_the_same_on_every_run():
    found = design(rng=np.random.default_rng(3))

    first = found.requirements.iloc[0]
    assert first["low"] < first["required_rate"] < first["high"]
    again = design(rng=np.random.default_rng(3)).requirements
    assert again.equals(found.requirements)
    assert design().requirements["low"].isna().all()


def test_summary_names_the_required_rate_of_each_tier():
    found = design()

    summary = found.summary()
    assert (
        summary["required_rate_at_cap"].tolist() == found.requirements["required_rate"].loc[list(BOUNDS[1:])].tolist()
    )
    assert found.headroom >= -1e-12
    assert "99" in found.headline and found.n_obs == 4_000


@pytest.mark.parametrize("confidence", [99, 0.01, 0, 1])
def test_confidence_is_checked(confidence):
    with pytest.raises(ArgumentError, match="confidence"):
        design(confidence=confidence)


@pytest.mark.parametrize(
    ("changes", "error", "argument"),
    [
        ({"lost": [0.1] * 50}, ArgumentError, "confidence"),
        ({"overlap": 100}, ArgumentError, "confidence"),
        ({"lost": [0.1, np.nan]}, DataError, "path_losses"),
        ({"lost": -losses_of() - 0.1, "impact": lambda _: 0.0}, DataError, "path_losses and impact"),
        ({"impact": lambda _: 2.0}, DataError, "path_losses and impact"),
        ({"impact": lambda _: -0.1}, DataError, "impact"),
        ({"impact": lambda _: np.zeros(3)}, DataError, "impact"),
        ({"bounds": (1.0, 2.0)}, DataError, "bounds"),
        ({"bounds": (0.0,)}, DataError, "bounds"),
        ({"bounds": (0.0, np.inf)}, DataError, "bounds"),
        ({"buffer": 0.0}, ArgumentError, "buffer"),
        ({"buffer": 5.0}, ArgumentError, "buffer"),
        ({"rounding": "nearest"}, ArgumentError, "rounding"),
        ({"rounding": 2.0}, ArgumentError, "rounding"),
        ({"measure": "var"}, ArgumentError, "measure"),
        ({"overlap": 0}, ArgumentError, "overlap"),
    ],
)
def test_what_cannot_be_designed_from_is_refused(changes, error, argument):
    with pytest.raises(error) as caught:
        design(**changes)

    assert caught.value.argument == argument
