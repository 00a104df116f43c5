"""What an optimum must obey: bounds met exactly, an honest certificate, kinks, units, signs and equations."""

import numpy as np
import pytest
from arch import arch_model
from arch.data import sp500
from compiled import Compiled, make_design, solution_of
from rivals import simulate

from volkit.volatility.engine.kernels import load_kernels

FAMILIES = ("garch", "gjr", "tarch", "egarch", "aparch")


@pytest.fixture(scope="module")
def spx():
    return 100.0 * sp500.load()["Adj Close"].pct_change().dropna().to_numpy()


@pytest.fixture(scope="module")
def weekly():
    """A GARCH whose variance is higher by 0.4 on two days of seven, and the dummy, one row longer."""
    rng, n = np.random.default_rng(4), 6000
    weekend = (np.arange(n + 1) % 7 >= 5) * 1.0
    variance, values = 1.0, []
    for t in range(n):
        values.append(np.sqrt(variance) * rng.standard_normal())
        variance = 0.05 + 0.08 * values[-1] ** 2 + 0.85 * variance + 0.4 * weekend[t + 1]
    return np.array(values) + 0.03, weekend[None, :]


def named(design, solution):
    return dict(zip(design.names, solution.theta.tolist(), strict=True))


@pytest.mark.parametrize("mean", ["zero", "constant"])
def test_bound_that_the_newton_step_points_across_is_held_in_few_passes(spx, mean):
    values = spx - (spx.mean() if mean == "zero" else 0.0)
    design = make_design("gjr", "t", mean=mean)

    found = solution_of(design, values)

    assert found.active == ("alpha >= 0",)
    assert named(design, found)["alpha"] == 0.0
    # A search that shortens every step at the bound instead of moving along it takes hundreds.
    assert found.optimum.converged and found.optimum.passes <= 80


@pytest.mark.parametrize("mean", ["zero", "constant"])
def test_persistence_of_one_is_met_exactly(spx, mean):
    design = make_design("garch", "t", mean=mean)

    found = solution_of(design, spx[-1000:] - (spx.mean() if mean == "zero" else 0.0))

    p = named(design, found)
    assert found.active == ("persistence <= 1",)
    assert p["alpha"] + p["beta"] == pytest.approx(1.0, abs=3e-16)
    # Some twenty starts are followed, and none of them creeps towards the bound.
    assert found.optimum.converged and found.optimum.passes < 300


def test_what_rounding_took_off_a_bound_of_its_own_is_put_back():
    # The equation and the last bound are of two and of one parameter; there are more rows than parameters.
    C = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    theta = np.array([0.2 - 1e-14, 0.3 + 1e-14])

    load_kernels("_climb")._to_bounds(theta, C, np.array([0.5, 0.2, 0.1, -0.3]), 1)

    assert theta.tolist() == [0.2, 0.3]


@pytest.mark.parametrize("law", ["normal", "t", "skewt", "ged"])
@pytest.mark.parametrize("family", FAMILIES)
def test_log_likelihood_falls_around_the_optimum_as_the_hessian_says(family, law):
    # Zero mean: no kinks, so that the curvature is the Hessian.
    truth = {
        "egarch": {"omega": 0.0, "alpha": 0.15, "gamma": -0.08, "beta": 0.95},
        "aparch": {"omega": 0.05, "alpha": 0.1, "gamma": 0.3, "beta": 0.85, "delta": 1.5},
    }.get(family, {"omega": 0.08, "alpha": 0.05, "gamma": 0.0 if family == "garch" else 0.08, "beta": 0.85})
    shape = {"normal": (), "t": (6.0,), "skewt": (6.0,), "ged": (1.4,)}[law]
    values = simulate(family, truth, 3000, 11, law=law, shape=shape)
    design = make_design(family, law, mean="zero")
    found, compiled = solution_of(design, values), Compiled(design, values)
    top = compiled.scaled(found.theta)[0]
    height, _, hessian = compiled.derivatives(top)

    sizes, directions = np.linalg.eigh(-hessian)

    assert found.active == () and found.optimum.gain < 1e-9
    for curvature, direction in zip(sizes, directions.T, strict=True):
        assert curvature > 0.0
        # A quadratic fall of 1e-4: the mean of both sides leaves only fourth-order terms.
        step = direction * np.sqrt(2e-4 / curvature)
        falls = [height - compiled.value(top + side * step) for side in (1.0, -1.0)]
        assert np.mean(falls) == pytest.approx(1e-4, rel=0.02)
        assert min(falls) > 0.0


@pytest.mark.parametrize("family", ["garch", "gjr", "egarch"])
def test_certificate_promises_the_gain_that_is_there(family):
    values = simulate("garch", {"omega": 0.08, "alpha": 0.07, "beta": 0.85}, 3000, 2)
    design = make_design(family, "normal", mean="zero")
    found, compiled = solution_of(design, values), Compiled(design, values)
    beside = compiled.scaled(found.theta)[0] * (1.0 + 0.002 * np.cos(np.arange(len(found.theta))))

    height = compiled.value(beside)
    compiled.problem.climb(beside.copy(), limit=1, enough=np.inf)

    assert compiled.problem.gain == pytest.approx(found.log_likelihood - height, rel=0.15)


@pytest.mark.parametrize(
    ("family", "law", "first"), [("tarch", "normal", 4030), ("tarch", "t", 4030), ("egarch", "normal", 4030),
                                 ("egarch", "t", 1200), ("garch", "ged", 2500)]
)  # fmt: skip
def test_mean_beats_a_fine_scan_of_means(spx, family, law, first):
    # With the start-up at the current mean, a zero-mean fit of values less m is the profile likelihood at m.
    values = spx[first : first + 600]
    design = make_design(family, law, start_up="fcp")
    found = solution_of(design, values)
    mean, spread = found.theta[0], np.std(values) / np.sqrt(len(values))

    beside = np.concatenate(
        [mean + spread * np.linspace(-3.0, 3.0, 61), values[np.argsort(np.abs(values - mean))[:60]]]
    )
    without = make_design(family, law, start_up="fcp", mean="zero")
    profile = [solution_of(without, values - m).log_likelihood for m in beside]

    assert found.optimum.converged
    assert found.log_likelihood >= max(profile) - 1e-8


@pytest.mark.parametrize("family", ["tarch", "aparch"])
def test_pinned_mean_equals_a_return(spx, family):
    design, pinned = make_design(family, "t"), 0

    for first in range(0, 4000, 500):
        values = spx[first : first + 500]
        found = solution_of(design, values)
        distance = np.min(np.abs(values - found.theta[0]))
        if found.optimum.pins[0] != 0.0:
            pinned += 1
            assert distance <= 1e-15
            assert values[int(abs(found.optimum.pins[0])) - 1] == pytest.approx(found.theta[0], abs=1e-15)

    # Kinks are about as far apart as the mean's optimum is blurred: some optima sit on one.
    assert pinned >= 1


@pytest.mark.parametrize("law", ["normal", "t", "skewt", "ged"])
@pytest.mark.parametrize("family", [*FAMILIES, "igarch", "ewma"])
def test_power_of_two_changes_no_digit(spx, family, law):
    design, values = make_design(family, law), spx[3000:3700]

    plain, scaled = solution_of(design, values), solution_of(design, values * 2.0**-9)

    for name, before, after in zip(design.names, plain.theta, scaled.theta, strict=True):
        if name != "omega":
            assert after == (before * 2.0**-9 if name == "mu" else before), name
    assert scaled.log_likelihood == pytest.approx(plain.log_likelihood + 700 * 9 * np.log(2.0), rel=1e-13)
    assert scaled.variance == pytest.approx(plain.variance * 2.0**-18, rel=1e-14)


@pytest.mark.parametrize("law", ["normal", "t", "skewt"])
@pytest.mark.parametrize("family", ["garch", "gjr", "igarch"])
@pytest.mark.parametrize("factor", [0.37, 113.0])
def test_factor_moves_only_scales(spx, family, law, factor):
    design, values = make_design(family, law), spx[3000:3700]

    plain, scaled = solution_of(design, values), solution_of(design, values * factor)

    units = {"mu": factor, "omega": factor**2}
    for name, before, after in zip(design.names, plain.theta, scaled.theta, strict=True):
        # A parameter that the data hardly tell from its bound moves further than the log-likelihood.
        assert after == pytest.approx(before * units.get(name, 1.0), rel=1e-6 if name == "eta" else 1e-7, abs=1e-9), (
            name
        )
    assert scaled.log_likelihood == pytest.approx(plain.log_likelihood - 700 * np.log(factor), rel=1e-12)


@pytest.mark.parametrize("family", ["tarch", "egarch", "aparch"])
@pytest.mark.parametrize("factor", [0.37, 113.0, -1.0])
def test_factor_and_sign_find_the_same_height_among_kinks(spx, family, factor):
    design = make_design(family, "t")

    for first in (1000, 3000):
        values = spx[first : first + 1000]
        plain, scaled = solution_of(design, values), solution_of(design, values * factor)
        assert scaled.log_likelihood + 1000 * np.log(abs(factor)) == pytest.approx(
            plain.log_likelihood, rel=0, abs=1e-6
        )


@pytest.mark.parametrize("law", ["normal", "t", "skewt"])
@pytest.mark.parametrize("family", ["garch", "gjr", "egarch"])
def test_sign_of_the_returns_changes_the_side_of_the_leverage(spx, family, law):
    design, values = make_design(family, law), spx[2000:4000]

    plain, turned = (named(design, solution_of(design, side * values)) for side in (1.0, -1.0))

    expected = plain | {"mu": -plain["mu"]}
    if family == "gjr":
        expected |= {"alpha": plain["alpha"] + plain["gamma"], "gamma": -plain["gamma"]}
    elif family == "egarch":
        expected["gamma"] = -plain["gamma"]
    if law == "skewt":
        expected["lambda"] = -plain["lambda"]
    for name, value in expected.items():
        assert turned[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("law", ["normal", "t", "skewt", "ged"])
def test_equations_of_the_families_hold_exactly(spx, law):
    integrated, smoothed = (
        named(d, solution_of(d, spx)) for d in (make_design("igarch", law), make_design("ewma", law))
    )

    assert integrated["alpha"] + integrated["beta"] == pytest.approx(1.0, abs=3e-16)
    assert smoothed["alpha"] + smoothed["beta"] == pytest.approx(1.0, abs=3e-16)
    assert smoothed["omega"] == 0.0


@pytest.mark.parametrize("mean", ["zero", "constant"])
@pytest.mark.parametrize("family", ["garch", "gjr"])
def test_variance_targeting_puts_the_long_run_level_on_the_sample_variance(spx, family, mean):
    design = make_design(family, "t", mean=mean, targeting=True)
    values = spx[1000:3000]

    found = solution_of(design, values)

    p = named(design, found)
    level = p["omega"] / (1.0 - p["alpha"] - p.get("gamma", 0.0) / 2.0 - p["beta"])
    assert level == pytest.approx(np.mean((values - (values.mean() if mean == "constant" else 0.0)) ** 2), rel=1e-10)
    assert found.active[0] == "variance targeting"
    free = solution_of(make_design(family, "t", mean=mean), values)
    assert found.log_likelihood < free.log_likelihood + 1e-9


def test_weight_of_a_weekend_is_recovered(weekly):
    values, weekend = weekly
    design = make_design("garch", "normal", n_x=1)

    found = solution_of(design, values, regressors=weekend)

    error = np.sqrt(found.covariances[0, -1, -1])
    weight = found.theta[design.place("x[0]")]
    assert weight == pytest.approx(0.4, abs=3.0 * error)
    assert weight > 3.0 * error
    assert found.log_likelihood > solution_of(make_design("garch", "normal"), values).log_likelihood + 4.0


def test_weight_that_lowers_the_variance_needs_a_free_sign(weekly):
    values, weekend = weekly
    weekdays = 1.0 - weekend

    held, free = (
        solution_of(make_design("garch", "normal", n_x=1, nonnegative=closed), values, regressors=weekdays)
        for closed in (True, False)
    )

    assert held.theta[-1] == 0.0 and "x[0] >= 0" in held.active
    assert free.theta[-1] < 0.0
    assert free.log_likelihood > held.log_likelihood + 4.0
    assert (free.variance > 0.0).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", ["garch", "gjr", "egarch", "tarch"])
def test_regressors_never_lower_the_log_likelihood(spx, family, seed):
    values = spx[800 * seed : 800 * seed + 800]
    noise = np.random.default_rng(seed).random((2, len(values) + 1))

    without = solution_of(make_design(family, "t", mean="zero"), values)
    found = solution_of(make_design(family, "t", mean="zero", n_x=2), values, regressors=noise)

    assert found.log_likelihood >= without.log_likelihood - 1e-9


@pytest.mark.parametrize("law", ["normal", "t"])
@pytest.mark.parametrize("n_lags", [1, 2])
def test_autoregressive_mean_is_archs_or_better(spx, n_lags, law):
    values = spx[:2500]
    arch = arch_model(values, mean="AR", lags=n_lags, dist=law, rescale=False).fit(disp="off")
    design = make_design("garch", law, n_lags=n_lags)

    found = solution_of(design, values, n_lags=n_lags)

    assert found.log_likelihood >= arch.loglikelihood - 1e-8
    assert found.theta == pytest.approx(arch.params.to_numpy(), rel=5e-3, abs=1e-4)


def test_start_near_the_optimum_ends_on_it(spx):
    design, values = make_design("gjr", "t"), spx[1000:2500]
    cold = solution_of(design, values)

    warm = solution_of(design, values, start=cold.theta * 1.0005)

    assert warm.theta == pytest.approx(cold.theta, rel=1e-7)
    assert warm.optimum.passes <= 8


def test_start_far_away_still_ends_on_the_optimum(spx):
    design, values = make_design("gjr", "t"), spx[1000:2500]

    cold, warm = (solution_of(design, values, start=s) for s in (None, np.array([0.3, 0.4, 0.3, 0.1, 0.3, 40.0])))

    assert warm.log_likelihood == pytest.approx(cold.log_likelihood, rel=0, abs=1e-9)
