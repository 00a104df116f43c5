import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.surface import SSVI, check_butterfly, fit_ssvi
from volkit.options.surface.arbitrage import svi_crossings

FREE = st.one_of(
    st.builds(
        lambda rho, share, gamma: SSVI(rho=rho, curvature="power_law", eta=share * 2.0 / (1.0 + abs(rho)), gamma=gamma),
        rho=st.floats(-0.95, 0.95),
        share=st.floats(0.05, 1.0),
        gamma=st.floats(0.02, 0.5),
    ),
    st.builds(
        lambda rho, times: SSVI(rho=rho, curvature="heston", eta=times * 0.25 * (1.0 + abs(rho))),
        rho=st.floats(-0.95, 0.95),
        times=st.floats(1.0, 20.0),
    ),
)


@given(model=FREE, theta=st.floats(1e-4, 3.0))
def test_surfaces_called_free_have_no_butterfly(model, theta):
    assert model.is_free
    assert check_butterfly(model.smile(theta)).min_g >= -1e-9
    assert bool(model.butterfly_conditions(theta)["is_free"].iloc[0]) or model.eta > 1.999 / (1.0 + abs(model.rho))


@given(model=FREE, theta=st.floats(1e-3, 2.0), growth=st.floats(1.01, 2.0))
def test_surfaces_called_free_have_no_calendar(model, theta, growth):
    k = np.linspace(-5.0, 5.0, 401)

    early, late = (model.total_variance(k, x) for x in (theta, theta * growth))

    assert (late - early >= -1e-12).all()
    assert model.calendar_conditions([theta])["is_free"].all()


@given(model=FREE, theta=st.floats(1e-3, 2.0))
def test_smile_of_one_expiry_is_the_surface_there(model, theta):
    k = np.linspace(-2.0, 2.0, 41)

    np.testing.assert_allclose(model.smile(theta).total_variance(k), model.total_variance(k, theta), rtol=1e-10)


def test_calendar_slope_is_the_derivative():
    for model in (
        SSVI(rho=-0.3, curvature="power_law", eta=1.2, gamma=0.3),
        SSVI(rho=-0.3, curvature="heston", eta=2.0),
    ):
        theta, step = 0.4, 1e-5
        difference = ((theta + step) * model.phi(theta + step) - (theta - step) * model.phi(theta - step)) / (2 * step)

        slope = model.calendar_conditions([theta])["slope"].iloc[0]

        assert slope == pytest.approx(float(difference / model.phi(theta)), rel=1e-8)


def test_heston_form_has_no_jump_where_its_series_begins():
    model = SSVI(rho=0.0, curvature="heston", eta=1.0)

    below, above = model.phi(np.array([1e-3 * (1 - 1e-9), 1e-3 * (1 + 1e-9)]))

    assert below == pytest.approx(above, rel=1e-9)


def test_too_steep_surfaces_are_not_called_free():
    steep = SSVI(rho=-0.5, curvature="power_law", eta=3.0, gamma=0.5)

    assert not steep.is_free
    assert not steep.butterfly_conditions(0.5)["is_free"].all()
    assert not check_butterfly(SSVI(rho=-0.7, curvature="power_law", eta=8.0, gamma=0.5).smile(1.0)).is_free


@pytest.mark.parametrize(("curvature", "limit", "step"), [("power_law", 2.0 / 1.5, 1e-6), ("heston", 0.375, -1e-6)])
def test_freedom_ends_at_the_published_bound(curvature, limit, step):
    # Gatheral and Jacquier (2014): eta (1 + |rho|) <= 2 (remark 4.4), lambda >= (1 + |rho|) / 4 (section 4.2).
    at, beyond = (SSVI(rho=-0.5, curvature=curvature, eta=limit + x) for x in (-step, step))

    assert at.is_free
    assert not beyond.is_free


@pytest.mark.parametrize("curvature", ["power_law", "heston"])
def test_surface_is_recovered_from_its_own_volatilities(curvature):
    truth = SSVI(rho=-0.35, curvature=curvature, eta=1.1, gamma=0.35)
    times = np.array([0.02, 0.1, 0.5, 1.0])
    theta = np.array([0.006, 0.03, 0.18, 0.35])
    k = np.linspace(-0.6, 0.6, 15)
    rows = np.repeat(np.arange(4), 15)
    v = np.sqrt(truth.total_variance(np.tile(k, 4), theta[rows]) / times[rows])

    fit = fit_ssvi(np.tile(k, 4), v, time=times[rows], curvature=curvature)

    assert fit.parameters.rho == pytest.approx(-0.35, abs=1e-5)
    assert fit.parameters.eta == pytest.approx(1.1, rel=1e-3)
    np.testing.assert_allclose(fit.theta, theta, rtol=1e-5)
    assert fit.is_free


def test_theta_rises_even_where_quotes_fall():
    k = np.tile(np.linspace(-0.3, 0.3, 9), 2)
    t = np.repeat([0.1, 0.2], 9)
    v = np.where(t < 0.15, 0.8, 0.5) + 0.1 * k**2

    fit = fit_ssvi(k, v, time=t)

    assert fit.is_free
    assert np.abs(fit.residuals).max() > 0.02


def test_crossings_are_where_two_smiles_agree():
    rng = np.random.default_rng(3)
    for _ in range(200):
        one, other = (
            SSVI(rho=float(rng.uniform(-0.8, 0.8)), curvature="power_law", eta=float(rng.uniform(0.2, 1.0))).smile(
                float(rng.uniform(0.01, 0.2))
            )
            for _ in range(2)
        )

        places = svi_crossings(one, other)

        grid = np.linspace(-20.0, 20.0, 40001)
        signs = np.sign(other.total_variance(grid) - one.total_variance(grid))
        changes = int(np.sum(signs[1:] * signs[:-1] < 0))
        assert changes == int(np.sum(np.abs(places) < 20.0))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"rho": 1.0}, "rho"), ({"eta": 0.0}, "eta"), ({"gamma": 1.0}, "gamma"), ({"curvature": "root"}, "curvature")],
)
def test_impossible_parameters_are_refused(changes, words):
    with pytest.raises(ArgumentError, match=f"{words} must"):
        SSVI(**({"rho": -0.3, "curvature": "power_law", "eta": 1.0} | changes))


def test_too_few_quotes_are_refused():
    with pytest.raises(DataError, match="5 or more"):
        fit_ssvi([0.0, 0.1], [0.5, 0.5], time=[0.1, 0.1])
