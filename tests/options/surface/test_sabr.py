import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.options.surface import SABR, fit_sabr, sabr_volatility, sabr_volatility_obloj

MODELS = st.builds(
    SABR, alpha=st.floats(0.05, 1.5), beta=st.floats(0.0, 1.0), rho=st.floats(-0.9, 0.9), nu=st.floats(0.0, 3.0)
)


# Known values of JQuantLib's test of Hagan's formula (SabrTest.testAgainstKnownValues), printed to 1e-6.
@pytest.mark.parametrize(("strike", "expected"), [(0.0398, 0.16), (0.0598, 0.15755519), (0.0198, 0.2373848)])
def test_hagan_formula_has_known_values(strike, expected):
    smile = SABR(alpha=0.0305473, beta=0.5, rho=-0.11, nu=0.34)

    got = sabr_volatility(smile, forward=0.0398, strike=strike, time=5.0)

    assert float(got) == pytest.approx(expected, abs=1e-6)


@given(model=MODELS, forward=st.floats(0.5, 2.0))
def test_smile_has_no_step_at_the_forward(model, forward):
    strikes = forward * np.exp([-1e-6, 0.0, 1e-6])

    for formula in (sabr_volatility, sabr_volatility_obloj):
        low, middle, high = formula(model, forward=forward, strike=strikes, time=0.1)

        assert middle == pytest.approx(0.5 * (low + high), rel=1e-7)


@given(model=MODELS, k=st.floats(-1.0, 1.0))
def test_leading_orders_agree_without_volatility_of_volatility_at_beta_one(model, k):
    plain = SABR(alpha=model.alpha, beta=1.0, rho=model.rho, nu=model.nu)

    one, other = (
        float(f(plain, forward=1.0, strike=np.exp(k), time=0.1)) for f in (sabr_volatility, sabr_volatility_obloj)
    )

    assert one == pytest.approx(other, rel=1e-12)


@given(beta=st.floats(0.0, 0.99), k=st.floats(-1.5, 1.5))
def test_obloj_is_exact_for_short_times_of_a_power_law(beta, k):
    # Berestycki, Busca and Florent (2002): volatility tends to ln(F/K) over the integral of 1 / local volatility.
    model = SABR(alpha=0.4, beta=beta, rho=0.0, nu=0.0)
    strike, flat = np.exp(k), 1.0 - beta
    expected = 0.4 if abs(k) < 1e-12 else 0.4 * k * flat / np.expm1(flat * k)

    obloj, hagan = (
        float(f(model, forward=1.0, strike=strike, time=0.0)) for f in (sabr_volatility_obloj, sabr_volatility)
    )

    assert obloj == pytest.approx(expected, rel=1e-9)
    assert hagan == pytest.approx(expected, rel=2e-3)


def test_both_formulas_carry_one_correction_in_time():
    model = SABR(alpha=0.4, beta=0.5, rho=-0.3, nu=0.8)

    ratios = [
        float(f(model, forward=1.0, strike=0.7, time=0.5) / f(model, forward=1.0, strike=0.7, time=0.0))
        for f in (sabr_volatility, sabr_volatility_obloj)
    ]

    assert ratios[0] == pytest.approx(ratios[1], rel=1e-12)
    assert ratios[0] != 1.0


@given(alpha=st.floats(0.2, 1.2), rho=st.floats(-0.7, 0.7), nu=st.floats(0.3, 3.0), beta=st.sampled_from([0.5, 1.0]))
@settings(max_examples=20)
def test_smile_is_recovered_from_its_own_volatilities(alpha, rho, nu, beta):
    truth = SABR(alpha=alpha, beta=beta, rho=rho, nu=nu)
    k = alpha * np.linspace(-0.8, 0.8, 15)
    v = sabr_volatility(truth, forward=1.0, strike=np.exp(k), time=0.1)

    fit = fit_sabr(k, v, time=0.1, forward=1.0, beta=beta)

    assert np.abs(fit.residuals).max() < 1e-6
    assert fit.parameters.rho == pytest.approx(rho, abs=1e-3)
    assert fit.n_obs == 15


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"alpha": 0.0}, "alpha"), ({"beta": 1.5}, "beta"), ({"rho": -1.0}, "rho"), ({"nu": -1.0}, "nu")],
)
def test_impossible_parameters_are_refused(changes, words):
    with pytest.raises(ArgumentError, match=f"{words} must"):
        SABR(**({"alpha": 0.5, "beta": 1.0, "rho": 0.0, "nu": 1.0} | changes))


def test_bad_input_is_named():
    with pytest.raises(ArgumentError, match="forward and strike must be positive"):
        sabr_volatility(SABR(alpha=0.5, beta=1.0, rho=0.0, nu=1.0), forward=1.0, strike=-1.0, time=0.1)
    with pytest.raises(DataError, match="at least 4 strikes"):
        fit_sabr(np.array([0.0, 0.1, 0.2]), np.full(3, 0.5), time=0.1, forward=1.0)
    with pytest.raises(DataError, match="positive and finite"):
        fit_sabr(np.linspace(0.0, 1.0, 5), np.full(5, -0.5), time=0.1, forward=1.0)
