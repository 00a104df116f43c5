import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.options.surface import JumpWings, NaturalSVI, RawSVI

# Gatheral and Jacquier (2014), section 5.1: the example of Axel Vogt.
VOGT = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)

SMILES = st.builds(
    lambda lowest, b, rho, m, sigma: RawSVI(
        a=lowest - b * sigma * float(np.sqrt((1.0 - rho) * (1.0 + rho))), b=b, rho=rho, m=m, sigma=sigma
    ),
    lowest=st.floats(1e-3, 1.0),
    b=st.floats(1e-2, 2.0),
    rho=st.floats(-0.95, 0.95),
    m=st.floats(-1.0, 1.0),
    sigma=st.floats(1e-2, 2.0),
)


def test_vogt_example_has_published_values():
    wings = VOGT.to_jump_wings(1.0)

    assert float(VOGT.total_variance(0.0)) == pytest.approx(0.017426252555, rel=1e-10)
    assert VOGT.minimum_variance == pytest.approx(0.011624903235, rel=1e-10)
    # Section 5.1 prints (0.01742625, -0.1752111, 0.6997381, 1.316798, 0.0116249).
    assert wings.v == pytest.approx(0.01742625, rel=1e-6)
    assert wings.psi == pytest.approx(-0.1752111, rel=1e-6)
    assert wings.p == pytest.approx(0.6997381, rel=1e-6)
    assert wings.c == pytest.approx(1.316798, rel=1e-6)
    assert wings.v_tilde == pytest.approx(0.0116249, rel=1e-6)


def test_vogt_example_returns_from_jump_wings_to_1e_15():
    back = VOGT.to_jump_wings(1.0).to_raw()

    for name in ("a", "b", "rho", "m", "sigma"):
        assert getattr(back, name) == pytest.approx(getattr(VOGT, name), abs=2e-15)


@given(smile=SMILES, time=st.floats(1e-3, 3.0))
def test_jump_wings_return_the_smile(smile, time):
    beta = smile.m / np.hypot(smile.m, smile.sigma)
    # At beta = rho the lowest point is at the forward and the width is not told.
    assume(abs(beta - smile.rho) > 1e-2)

    back = smile.to_jump_wings(time).to_raw()

    k = np.linspace(-2.0, 2.0, 41)
    np.testing.assert_allclose(back.total_variance(k), smile.total_variance(k), rtol=1e-9)


@given(smile=SMILES)
def test_natural_parameters_return_the_smile(smile):
    back = smile.to_natural().to_raw()

    k = np.linspace(-2.0, 2.0, 41)
    np.testing.assert_allclose(back.total_variance(k), smile.total_variance(k), rtol=1e-11)


@given(smile=SMILES, k=st.floats(-2.0, 2.0))
def test_derivatives_agree_with_differences(smile, k):
    step = 1e-4 * smile.sigma
    w = smile.total_variance(np.array([k - step, k, k + step]))

    value, slope, curvature = smile.derivatives(k)

    second = (w[2] - 2.0 * w[1] + w[0]) / step**2
    assert float(value) == w[1]
    assert float(slope) == pytest.approx((w[2] - w[0]) / (2.0 * step), abs=1e-6 * smile.b + 1e-10 / step)
    assert float(curvature) == pytest.approx(second, abs=1e-5 * smile.b / smile.sigma + 1e-14 / step**2)


@given(smile=SMILES)
def test_minimum_is_the_lowest_of_the_curve(smile):
    grid = smile.minimum_at + np.linspace(-3.0, 3.0, 601)

    lowest = float(smile.total_variance(smile.minimum_at))

    assert lowest == pytest.approx(smile.minimum_variance, rel=1e-9)
    assert smile.total_variance(grid).min() >= smile.minimum_variance * (1.0 - 1e-9)


def test_wing_slopes_are_those_far_out():
    far = 1e6

    down, up = VOGT.wing_slopes

    assert down == pytest.approx(float(VOGT.total_variance(-far)) / far, rel=1e-5)
    assert up == pytest.approx(float(VOGT.total_variance(far)) / far, rel=1e-5)
    assert VOGT.keeps_wing_bound
    assert not RawSVI(a=0.1, b=1.5, rho=0.5, m=0.0, sigma=0.1).keeps_wing_bound


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sigma": 0.0}, "sigma must be a positive number"),
        ({"b": -0.1}, "b must be at least 0"),
        ({"rho": 1.0}, "rho must lie between -1 and 1"),
        ({"a": float("nan")}, "a must be finite"),
        ({"a": -1.0}, "total variance must be positive everywhere"),
    ],
)
def test_impossible_parameters_are_refused(changes, words):
    parameters = {"a": 0.01, "b": 0.1, "rho": -0.3, "m": 0.0, "sigma": 0.2} | changes

    with pytest.raises(ArgumentError, match=words):
        RawSVI(**parameters)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"psi": -0.4}, "psi must lie between"),
        ({"psi": 0.0}, "v must exceed v_tilde"),
        ({"v_tilde": 0.05}, "v must exceed v_tilde"),
        ({"c": 0.0}, "p and c must be above 0"),
    ],
)
def test_wings_that_no_smile_has_are_refused(changes, words):
    wings = {"v": 0.04, "psi": -0.1, "p": 0.5, "c": 0.3, "v_tilde": 0.03, "time": 1.0} | changes

    with pytest.raises(ArgumentError, match=words):
        JumpWings(**wings).to_raw()


def test_flat_smile_has_no_other_parameters():
    flat = RawSVI(a=0.04, b=0.0, rho=0.0, m=0.0, sigma=0.1)

    with pytest.raises(ArgumentError, match="b must be above 0 here"):
        flat.to_jump_wings(1.0)
    with pytest.raises(ArgumentError, match="zeta must be a positive"):
        NaturalSVI(delta=0.0, mu=0.0, rho=0.0, omega=0.04, zeta=0.0).to_raw()
