"""Does velocity tell who breaks: scores against other packages, and a claim that may go either way."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.contagion.fracture import VenuePopulation, velocity_claim
from volkit.contagion.fracture.claim import MODELS, RIVALS
from volkit.contagion.fracture.discrimination import area_under_curve, fit_logistic, log_loss, roc_curve
from volkit.contagion.fracture.population import CAPITAL, DEPTH, FRACTURES, VELOCITY, simulate_population
from volkit.errors import ArgumentError, DataError


@given(seed=st.integers(0, 10_000), n=st.integers(3, 40))
@settings(max_examples=60, deadline=None)
def test_area_under_the_curve_is_the_mann_whitney_statistic(seed, n):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 6, n).astype(float)
    trials = rng.integers(1, 5, n).astype(float)
    events = np.floor(rng.random(n) * (trials + 1.0))
    hit, miss = np.repeat(score, events.astype(int)), np.repeat(score, (trials - events).astype(int))

    found = area_under_curve(score, events, trials)

    if not len(hit) or not len(miss):
        assert np.isnan(found)
    else:
        expected = stats.mannwhitneyu(hit, miss).statistic / (len(hit) * len(miss))
        assert found == pytest.approx(expected, abs=1e-12)
        false, caught = roc_curve(score, events, trials)
        assert np.trapezoid(caught, false) == pytest.approx(found, abs=1e-12)


def test_logistic_regression_is_that_of_statsmodels():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((300, 2)) * [1.0, 4.0] + [2.0, 0.0]
    trials = np.full(300, 50.0)
    events = rng.binomial(50, 1.0 / (1.0 + np.exp(-(x @ [0.7, -0.2] - 1.0)))).astype(float)

    fit = fit_logistic(x, events, trials)
    theirs = sm.GLM(np.column_stack([events, trials - events]), sm.add_constant(x), family=sm.families.Binomial()).fit()

    # The ridge is a thousandth of one observation.
    np.testing.assert_allclose(fit.coefficients[1:] / fit.scale, theirs.params[1:], rtol=1e-5)
    np.testing.assert_allclose(fit.probability(x), theirs.fittedvalues, rtol=1e-4)
    p = theirs.fittedvalues
    assert log_loss(fit.probability(x), events, trials) == pytest.approx(
        -(events * np.log(p) + (trials - events) * np.log1p(-p)).sum() / trials.sum(),
        rel=1e-8,
    )


def test_constant_predictor_is_refused():
    with pytest.raises(DataError, match="predictors must vary; got 1 constant"):
        fit_logistic(np.ones((10, 1)), np.ones(10), np.full(10, 2.0))


def test_separable_events_still_settle():
    x = np.linspace(-1.0, 1.0, 40)[:, None]

    fit = fit_logistic(x, (x[:, 0] > 0.0).astype(float), np.ones(40))

    assert np.isfinite(fit.coefficients).all()
    assert area_under_curve(fit.score(x), (x[:, 0] > 0.0).astype(float), np.ones(40)) == 1.0


@pytest.fixture(scope="module")
def claim():
    return velocity_claim(n_venues=80, n_paths=30, n_replications=60)


def test_what_is_known_beforehand_does_not_hang_on_the_shocks():
    shape = {"n_venues": 6, "dislocation": 0.03, "seed": 3}
    few, many = (simulate_population(VenuePopulation(), n_paths=n, **shape) for n in (2, 20))

    known = [*CAPITAL, DEPTH, VELOCITY]
    assert few[known].equals(many[known])


def test_velocity_is_depth_times_refilling_over_the_same_flow(claim):
    venues = claim.venues
    refill = np.log(2.0) / venues["half_life"] * 360.0

    # A half-life is kept in whole nanoseconds.
    np.testing.assert_allclose(venues[VELOCITY], venues[DEPTH] * refill, rtol=1e-10)
    np.testing.assert_allclose(venues["fund_to_open_interest"], venues["fund_share"])


def test_scores_are_those_of_venues_not_fitted_on(claim):
    train, test = claim.venues[~claim.venues["is_test"]], claim.venues[claim.venues["is_test"]]
    for fracture in FRACTURES:
        fit = fit_logistic(np.log(train[[VELOCITY]].to_numpy()), train[fracture].to_numpy(), train["paths"].to_numpy())
        score = fit.score(np.log(test[[VELOCITY]].to_numpy()))
        auc = area_under_curve(score, test[fracture].to_numpy(), test["paths"].to_numpy())

        assert claim.scores.loc[(fracture, VELOCITY), "auc"] == pytest.approx(auc)


def test_coefficients_are_log_odds_a_standard_deviation(claim):
    train = claim.venues[~claim.venues["is_test"]]
    for fracture in FRACTURES:
        names = list(MODELS["capital and velocity"])
        x = np.log(train[names].to_numpy())
        hits = train[fracture].to_numpy()
        counts = np.column_stack([hits, train["paths"].to_numpy() - hits])
        theirs = sm.GLM(counts, sm.add_constant(stats.zscore(x)), family=sm.families.Binomial()).fit()

        told = claim.coefficients.loc[(fracture, "capital and velocity"), names].to_numpy()
        np.testing.assert_allclose(told, theirs.params[1:], rtol=2e-3, atol=1e-3)


def test_intervals_hold_the_scores_and_verdicts_follow_them(claim):
    scores, gaps = claim.scores, claim.differences
    for name in ("auc", "log_loss"):
        assert ((scores[f"{name}_low"] <= scores[name]) & (scores[name] <= scores[f"{name}_high"])).all()
    better = (gaps["auc_low"] > 0.0) & (gaps["log_loss"] < 0.0)
    worse = (gaps["auc_high"] < 0.0) & (gaps["log_loss"] > 0.0)
    assert ((gaps["verdict"] == "velocity") == better).all()
    assert ((gaps["verdict"] == "measure") == worse).all()
    assert set(gaps.index.get_level_values("measure")) == set(RIVALS)
    for (fracture, measure), row in gaps.iterrows():
        less = scores.loc[(fracture, VELOCITY), "auc"] - scores.loc[(fracture, measure), "auc"]
        assert row["auc"] == pytest.approx(less)


def test_roc_curve_has_the_area_that_is_told(claim):
    for fracture in FRACTURES:
        for model in MODELS:
            curve = claim.curve(fracture, model)
            area = np.trapezoid(curve["caught"], curve["false"])

            assert area == pytest.approx(claim.scores.loc[(fracture, model), "auc"], abs=1e-9)


def test_same_seed_same_numbers_and_all_say_simulated(claim):
    again = velocity_claim(n_venues=80, n_paths=30, n_replications=60)

    assert again.scores.equals(claim.scores)
    assert again.provenance == claim.provenance
    assert claim.provenance.simulated
    assert repr(claim).startswith("<VelocityClaim: SIMULATED 80 venues x 30 paths; price dislocation: ")
    assert "exhaustion of the fund: " in claim.verdict


@pytest.mark.slow
def test_velocity_tells_dislocation_better_than_capital_but_depth_alone_tells_more():
    claim = velocity_claim()

    gaps = claim.differences.loc["dislocated"]
    assert (gaps.loc[["fund_to_open_interest", "fund_to_expected_shortfall"], "verdict"] == "velocity").all()
    assert gaps.loc[DEPTH, "verdict"] == "measure"


@pytest.mark.slow
def test_stressed_loss_tells_exhaustion_better_where_depth_is_alike():
    claim = velocity_claim(population=replace(VenuePopulation(), feedback=(0.3, 0.301)))

    assert claim.differences.loc[("exhausted", "fund_to_stressed_loss"), "verdict"] == "measure"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_venues": 10}, ArgumentError, "n_venues must be a whole number of at least 40"),
        ({"n_paths": 1}, ArgumentError, "n_paths must be a whole number of at least 10"),
        ({"dislocation": 0.0}, ArgumentError, "dislocation must be a positive number"),
        ({"confidence": 0.05}, ArgumentError, "confidence must be a fraction"),
        (
            {"n_venues": 40, "n_paths": 10, "dislocation": 5.0},
            DataError,
            "dislocated must happen and not happen on 20 paths",
        ),
    ],
)
def test_what_tells_nothing_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        velocity_claim(**arguments)


def test_ranges_that_cannot_be_are_refused():
    with pytest.raises(ArgumentError, match="half_life must be a lowest and a highest positive number"):
        VenuePopulation(half_life=(10.0, 5.0))
