import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_price
from volkit.options.surface import (
    Heston,
    fit_heston,
    heston_characteristic,
    heston_price,
    heston_volatility,
    simulate_heston,
)

LEWIS = Heston(v0=0.04, kappa=4.0, theta=0.25, sigma=1.0, rho=-0.5)
MODELS = st.builds(
    Heston,
    v0=st.floats(0.02, 1.0),
    kappa=st.floats(0.2, 8.0),
    theta=st.floats(0.02, 1.0),
    sigma=st.floats(0.1, 3.0),
    rho=st.floats(-0.9, 0.9),
)


# Alan Lewis, "Heston model reference prices" (2019): S = 100, T = 1, rate 1 %, dividend 2 %; put, call by strike.
@pytest.mark.parametrize(
    ("strike", "put", "call"),
    [
        (80.0, 7.958878113256768, 26.774758743998854),
        (90.0, 12.017966707346305, 20.933349000596710),
        (100.0, 17.055270961270109, 16.070154917028834),
        (110.0, 23.017825898442801, 12.132211516709845),
        (120.0, 29.811026202682472, 9.024913483457836),
    ],
)
def test_prices_are_those_of_lewis(strike, put, call):
    terms = {"forward": 100.0 * np.exp(-0.01), "strike": strike, "time": 1.0, "discount": np.exp(-0.01)}

    assert float(heston_price(LEWIS, is_call=False, **terms)) == pytest.approx(put, abs=1e-11)
    assert float(heston_price(LEWIS, is_call=True, **terms)) == pytest.approx(call, abs=1e-11)


# Fang and Oosterlee (2008), A novel pricing method based on Fourier-cosine series, tables 4 and 5. The paper prints
# ten digits for one year, of which two integrals here (Lewis', and Heston's two probabilities) confirm eight.
@pytest.mark.parametrize(("time", "expected", "off"), [(1.0, 5.785155450, 1.7e-8), (10.0, 22.318945791474590, 1e-8)])
def test_prices_are_those_of_fang_and_oosterlee(time, expected, off):
    model = Heston(v0=0.0175, kappa=1.5768, theta=0.0398, sigma=0.5751, rho=-0.5711)

    got = heston_price(model, forward=100.0, strike=100.0, time=time, is_call=True)

    assert float(got) == pytest.approx(expected, abs=off)


@given(model=MODELS, u=st.floats(-30.0, 30.0), time=st.floats(0.01, 3.0))
@settings(max_examples=30)
def test_characteristic_function_solves_its_equations(model, u, time):
    # The equations of Heston (1993), stepped in time: phi = exp(C + D v0), C' = kappa theta D.
    def change(_, x):
        d = x[1]
        pull = 1j * model.rho * model.sigma * u - model.kappa
        return [model.kappa * model.theta * d, -0.5 * (u * u + 1j * u) + pull * d + 0.5 * model.sigma**2 * d * d]

    c, d = solve_ivp(change, (0.0, time), np.zeros(2, dtype=complex), rtol=1e-9, atol=1e-11).y[:, -1]

    got = complex(heston_characteristic(model, np.array(u + 0j), time=time))

    assert got == pytest.approx(complex(np.exp(c + d * model.v0)), abs=1e-7)


@given(model=MODELS, k=st.floats(-1.0, 1.0), time=st.floats(0.1, 3.0))
@example(model=Heston(v0=0.03125, kappa=1.0, theta=0.125, sigma=3.0, rho=0.875), k=1.0, time=0.25)  # fades slowly
@settings(max_examples=12)
def test_prices_agree_with_a_slow_integral(model, k, time):
    # Heston's two probabilities, by adaptive quadrature.
    def probability(shift):
        def integrand(u):
            phi = heston_characteristic(model, np.array(u - 1j * shift), time=time)
            return float((np.exp(-1j * u * k) * phi / (1j * u)).real)

        total = sum(quad(integrand, a, b, limit=400)[0] for a, b in ((1e-9, 10.0), (10.0, 100.0), (100.0, 1500.0)))
        return 0.5 + total / np.pi

    expected = probability(1.0) - np.exp(k) * probability(0.0)

    got = heston_price(model, forward=1.0, strike=np.exp(k), time=time, is_call=True)

    assert float(got) == pytest.approx(expected, abs=2e-6)


@given(model=MODELS, time=st.floats(0.003, 3.0))
def test_prices_keep_parity_bounds_and_convexity(model, time):
    unit = np.sqrt(model.mean_variance(time) * time)
    strikes = np.linspace(np.exp(-3.0 * unit), np.exp(3.0 * unit), 61)

    calls, puts = (heston_price(model, forward=1.0, strike=strikes, time=time, is_call=side) for side in (True, False))

    np.testing.assert_allclose(calls - puts, 1.0 - strikes, atol=1e-13)
    assert (calls >= np.maximum(1.0 - strikes, 0.0) - 1e-9).all()
    assert (np.diff(calls) <= 1e-9).all()
    assert (np.diff(calls, 2) >= -1e-8).all()


def test_little_volatility_of_variance_gives_black_prices():
    model = Heston(v0=0.3, kappa=2.0, theta=0.5, sigma=1e-4, rho=-0.5)
    strikes = np.array([0.6, 1.0, 1.5])

    got = heston_price(model, forward=1.0, strike=strikes, time=0.5, is_call=True)

    level = np.sqrt(model.mean_variance(0.5))
    np.testing.assert_allclose(got, black76_price(1.0, strikes, 0.5, level, True), atol=1e-5)


def test_model_is_recovered_from_its_own_volatilities():
    truth = Heston(v0=0.35, kappa=3.0, theta=0.45, sigma=1.4, rho=-0.35)
    times = (0.1, 0.4, 1.0)
    k = np.linspace(-0.3, 0.3, 9)
    v = np.concatenate([heston_volatility(truth, k, time=t) for t in times])

    fit = fit_heston(np.tile(k, 3), v, time=np.repeat(times, 9))

    for name, rel in (("v0", 1e-3), ("kappa", 0.02), ("theta", 0.01), ("sigma", 0.01), ("rho", 0.01)):
        assert getattr(fit.parameters, name) == pytest.approx(getattr(truth, name), rel=rel)
    assert fit.error.max() < 1e-5
    assert list(fit.error.index) == list(times)


@pytest.mark.parametrize("model", [LEWIS, Heston(v0=0.3, kappa=0.5, theta=0.3, sigma=1.5, rho=0.6)])
def test_paths_price_options_and_keep_the_forward(model):
    paths = simulate_heston(model, time=1.0, n_steps=64, n_paths=60_000, rng=np.random.default_rng(5))

    end = paths.price[:, -1]
    assert abs(end.mean() - 1.0) < 4.0 * end.std() / np.sqrt(len(end))
    mean = model.theta + (model.v0 - model.theta) * np.exp(-model.kappa)
    last = paths.variance[:, -1]
    assert abs(last.mean() - mean) < 4.0 * last.std() / np.sqrt(len(last))
    assert last.min() >= 0.0
    for strike in (0.8, 1.0, 1.2):
        payoff = np.maximum(strike - end, 0.0)
        expected = float(heston_price(model, forward=1.0, strike=strike, time=1.0, is_call=False))
        assert abs(payoff.mean() - expected) < 4.0 * payoff.std() / np.sqrt(len(end)) + 1e-3


def test_paths_repeat_with_the_seed():
    one, other = (
        simulate_heston(LEWIS, time=0.5, n_steps=4, n_paths=10, rng=np.random.default_rng(3)) for _ in range(2)
    )

    assert np.array_equal(one.price, other.price)
    assert one.times.tolist() == [0.0, 0.125, 0.25, 0.375, 0.5]


@pytest.mark.parametrize("name", ["v0", "kappa", "theta", "sigma"])
def test_impossible_parameters_are_refused(name):
    with pytest.raises(ArgumentError, match=f"{name} must be a positive number"):
        Heston(**({"v0": 0.04, "kappa": 4.0, "theta": 0.25, "sigma": 1.0, "rho": -0.5} | {name: 0.0}))


def test_bad_input_is_named():
    with pytest.raises(ArgumentError, match="strike must be positive"):
        heston_price(LEWIS, forward=1.0, strike=0.0, time=1.0, is_call=True)
    with pytest.raises(ArgumentError, match="time must be a positive number"):
        heston_price(LEWIS, forward=1.0, strike=1.0, time=0.0, is_call=True)
    with pytest.raises(DataError, match="6 or more"):
        fit_heston(np.zeros(3), np.full(3, 0.5), time=np.full(3, 0.1))
    wild = Heston(v0=1.0, kappa=10.0, theta=1.0, sigma=5.0, rho=0.9)
    with pytest.raises(ArgumentError, match="n_steps must be large enough"):
        simulate_heston(wild, time=3.0, n_steps=1, n_paths=10, rng=np.random.default_rng(0))


def test_two_integrals_agree_on_the_year_of_fang_and_oosterlee():
    model = Heston(v0=0.0175, kappa=1.5768, theta=0.0398, sigma=0.5751, rho=-0.5711)

    def probability(shift):
        def integrand(u):
            return float((heston_characteristic(model, np.array(u - 1j * shift), time=1.0) / (1j * u)).real)

        total = sum(quad(integrand, a, b, limit=400, epsabs=1e-13)[0] for a, b in ((1e-9, 20.0), (20.0, 2000.0)))
        return 0.5 + total / np.pi

    got = heston_price(model, forward=100.0, strike=100.0, time=1.0, is_call=True)

    assert float(got) == pytest.approx(100.0 * (probability(1.0) - probability(0.0)), abs=1e-9)
