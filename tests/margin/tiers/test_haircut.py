import numpy as np
import pytest
from scipy import stats

from volkit.errors import ArgumentError, DataError
from volkit.margin.tiers import collateral_haircut, haircut_of_losses

TERMS = {"volatility": 0.04, "correlation": 0.8, "horizon": 2.0, "confidence": 0.99}
SIGMA = 0.04 * np.sqrt(2.0)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.95])
def test_quantile_given_any_loss_is_that_of_the_skew_normal(rho):
    found = collateral_haircut(**{**TERMS, "correlation": rho})

    x = stats.skewnorm.ppf(0.99, rho / np.sqrt(1 - rho**2))
    assert found.value_at_risk == pytest.approx(-np.expm1(-SIGMA * x), rel=1e-8)


def test_without_correlation_a_normal_has_no_wrong_way_part():
    found = collateral_haircut(**{**TERMS, "correlation": 0.0})

    assert found.wrong_way_add_on == pytest.approx(0.0, abs=1e-12)
    assert found.value_at_risk == pytest.approx(-np.expm1(-SIGMA * stats.norm.ppf(0.99)), rel=1e-10)


def test_unconditional_shortfall_is_the_closed_form_of_a_lognormal():
    found = collateral_haircut(**TERMS)

    # E[exp(-s X) given X > z] = exp(s^2/2) Phi(-z - s) / (1 - c).
    kept = np.exp(SIGMA**2 / 2) * stats.norm.cdf(-stats.norm.ppf(0.99) - SIGMA) / 0.01
    assert found.unconditional_expected_shortfall == pytest.approx(1 - kept, rel=1e-7)


@pytest.mark.parametrize(("nu", "trigger"), [(None, 0.95), (4.0, 0.5), (4.0, 0.95)])
def test_tails_agree_with_simulation(nu, trigger):
    rng, n, rho = np.random.default_rng(5), 2_000_000, 0.6
    z = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n)
    if nu is not None:
        z *= np.sqrt((nu - 2) / rng.chisquare(nu, n))[:, None]
    loss = -np.expm1(-SIGMA * z[:, 0])
    level = float(np.quantile(z[:, 1], trigger))
    given = np.sort(loss[z[:, 1] > level])

    found = collateral_haircut(**{**TERMS, "correlation": rho}, trigger=trigger, degrees_of_freedom=nu)

    # The share beyond the formula's quantile is 1 % within four binomial standard errors.
    assert np.mean(given > found.value_at_risk) == pytest.approx(0.01, abs=4 * np.sqrt(0.01 * 0.99 / len(given)))
    tail = given[given > found.value_at_risk]
    error = tail.std() / np.sqrt(len(tail))
    assert found.expected_shortfall == pytest.approx(tail.mean(), abs=4 * error)


def test_t_without_correlation_still_falls_with_its_position():
    found = collateral_haircut(**{**TERMS, "correlation": 0.0}, trigger=0.99, degrees_of_freedom=3.0)

    assert found.wrong_way_add_on > 0.05


def test_haircut_rises_with_correlation_trigger_horizon_and_cost():
    def haircut(**changes):
        return collateral_haircut(**{**TERMS, **changes}).haircut

    assert haircut(correlation=-0.3) < haircut(correlation=0.3) < haircut() < haircut(trigger=0.99)
    assert haircut(horizon=1.0) < haircut() < haircut(measure="expected_shortfall") < 1.0
    assert haircut(cost=0.1) == pytest.approx(1 - 0.9 * (1 - haircut()))


def test_losses_and_law_give_the_same_haircut():
    rng = np.random.default_rng(7)
    z = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 400_000)

    found = haircut_of_losses(-np.expm1(-SIGMA * z[:, 0]), z[:, 1], confidence=0.99, trigger=0.9)

    law = collateral_haircut(**TERMS, trigger=0.9)
    # Standard error of a 99 % quantile of 40,000: root(.01 .99 / n) over the density, about 0.002 in loss.
    assert found.value_at_risk == pytest.approx(law.value_at_risk, abs=0.003)
    assert found.n_obs == pytest.approx(40_000, abs=5)
    assert found.unconditional_value_at_risk == pytest.approx(law.unconditional_value_at_risk, abs=0.002)


def test_condition_is_a_strict_loss():
    collateral = np.r_[np.full(100, 0.5), np.linspace(0.0, 0.1, 200)]
    position = np.r_[np.zeros(100), np.ones(200)]

    found = haircut_of_losses(collateral, position, confidence=0.95)

    assert found.n_obs == 200 and found.value_at_risk < 0.1


@pytest.mark.parametrize("confidence", [99, 0.01, 0, 1])
def test_confidence_is_checked(confidence):
    with pytest.raises(ArgumentError, match="confidence"):
        collateral_haircut(**{**TERMS, "confidence": confidence})


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"volatility": 0.0}, "volatility"),
        ({"correlation": 1.0}, "correlation"),
        ({"horizon": 0}, "horizon"),
        ({"trigger": 0.3}, "trigger"),
        ({"cost": 1.0}, "cost"),
        ({"degrees_of_freedom": 2.0}, "degrees_of_freedom"),
        ({"measure": "var"}, "measure"),
    ],
)
def test_laws_out_of_range_are_refused(changes, argument):
    with pytest.raises(ArgumentError) as caught:
        collateral_haircut(**{**TERMS, **changes})

    assert caught.value.argument == argument


def test_too_few_losses_in_the_condition_are_refused():
    draws = np.random.default_rng(1).normal(size=(2, 500)) * 0.01

    with pytest.raises(ArgumentError, match="at least one scenario in the tail"):
        haircut_of_losses(*draws, confidence=0.99, trigger=0.9)


@pytest.mark.parametrize("pair", [([0.1], [0.1, 0.2]), ([0.1, np.nan], [0.1, 0.2]), ([5.0] * 200, [1.0] * 200)])
def test_losses_that_do_not_pair_are_refused(pair):
    with pytest.raises(DataError, match="collateral_losses"):
        haircut_of_losses(*pair, confidence=0.9)
