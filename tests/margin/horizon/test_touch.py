import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, stats

from volkit.errors import ArgumentError
from volkit.margin.horizon import largest_leverage, simulate_touch, touch_margin, touch_probability
from volkit.margin.liquidation import inverse_liquidation_price, liquidation_price

DAY, HOUR = pd.Timedelta("1D"), pd.Timedelta("1h")
YEAR_80 = 0.8 / 365**0.5
SIDES = st.sampled_from(["long", "short"])
CONTRACTS = st.sampled_from(["linear", "inverse"])
TERMS = {"side": "long", "volatility": YEAR_80, "horizon": 1, "interval": DAY}


def density_of_first_passage(t, *, move, drift, deviation):
    """Inverse Gaussian density of the time at which a Brownian motion meets a level; Borodin and Salminen, 2.2.0.2."""
    return (
        abs(move)
        / np.sqrt(2 * np.pi * deviation**2 * t**3)
        * np.exp(-((move - drift * t) ** 2) / (2 * deviation**2 * t))
    )


def test_touch_and_end_match_the_reference_entry():
    found = touch_probability(0.05, **TERMS)

    # Reference entry touch_probability (reflection principle), origin: closed form computed elsewhere.
    assert found.probability == pytest.approx(0.226296816456, rel=1e-9)
    assert found.end_probability == pytest.approx(0.114292990134, rel=1e-9)
    assert found.n_paths == 0 and found.standard_error == 0.0


def test_short_is_touched_at_the_high():
    # 0.238 is printed in the specification of the short side.
    assert touch_probability(0.05, **(TERMS | {"side": "short"})).probability == pytest.approx(0.238, abs=5e-4)


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("drift", [-0.05, 0.0, 0.02])
@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_probability_is_the_integral_of_the_first_passage_density(side, drift, contract):
    m, sigma = 0.08, 0.04
    ratio = {("long", "linear"): 1 - m, ("short", "linear"): 1 + m, ("long", "inverse"): 1 / (1 + m),
             ("short", "inverse"): 1 / (1 - m)}[side, contract]  # fmt: skip
    terms = {"move": np.log(ratio), "drift": drift - sigma**2 / 2, "deviation": sigma}
    slow = integrate.quad(lambda t: density_of_first_passage(t, **terms), 0.0, 3.0, epsabs=1e-13, limit=200)[0]

    found = touch_probability(m, side=side, volatility=sigma, horizon=3, interval=DAY, drift=drift, contract=contract)

    assert found.probability == pytest.approx(slow, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("drift", [-30.0, 30.0])
def test_strong_drifts_neither_overflow_nor_leave_the_unit_interval(drift):
    found = touch_probability(0.5, **(TERMS | {"drift": drift, "volatility": 1e-2}))

    assert found.probability == pytest.approx(float(drift < 0), abs=1e-12)


@given(
    side=SIDES, contract=CONTRACTS, probability=st.floats(1e-8, 0.999), sigma=st.floats(1e-3, 0.5),
    drift=st.floats(-0.1, 0.1), periods=st.integers(1, 400),
)  # fmt: skip
def test_margin_at_a_probability_makes_the_round_trip(side, contract, probability, sigma, drift, periods):
    market = {
        "side": side,
        "contract": contract,
        "volatility": sigma,
        "drift": drift,
        "horizon": periods,
        "interval": HOUR,
    }

    # Margins within 1e-4 of everything that can be lost: one last digit of them moves the barrier far.
    assume((contract == "linear") != (side == "long") or sigma * periods**0.5 < 1.0)
    found = touch_margin(probability, **market)

    assert found.probability == pytest.approx(probability, rel=1e-8)


@given(
    side=SIDES, contract=CONTRACTS, m=st.floats(0.005, 0.8), sigma=st.floats(0.002, 0.2), drift=st.floats(-0.05, 0.05)
)
def test_touch_is_no_rarer_than_the_end_and_falls_in_the_margin(side, contract, m, sigma, drift):
    market = {"side": side, "contract": contract, "volatility": sigma, "drift": drift, "horizon": 5, "interval": DAY}
    near, far = touch_probability(m, **market), touch_probability(1.1 * m, **market)
    hourly = touch_probability(m, monitoring=HOUR, **market)

    assert near.end_probability <= near.probability * (1 + 1e-12) <= 1 + 1e-12
    assert far.probability <= near.probability
    assert hourly.probability <= near.probability


def test_clock_does_not_matter():
    daily = touch_probability(0.05, **TERMS).probability
    hourly = touch_probability(0.05, side="long", volatility=YEAR_80 / 24**0.5, horizon=DAY, interval=HOUR).probability
    third = touch_probability(0.05, **(TERMS | {"horizon": pd.Timedelta("8h")}))

    assert hourly == pytest.approx(daily, rel=1e-12)
    assert third.probability < daily and third.horizon.length == pd.Timedelta("8h")


def watched_by_quadrature(margin, *, side, drift, looks):
    """Probability of a touch at one of the looks: the density of the survivors carried on, look by look."""
    sign, deviation = (1 if side == "long" else -1), YEAR_80 / looks**0.5
    mean, low = sign * (drift - 0.5 * YEAR_80**2) / looks, -abs(np.log1p(-sign * margin))
    nodes, weights = np.polynomial.legendre.leggauss(400)
    x = low + (8 * YEAR_80 - low) * (nodes + 1) / 2
    w = weights * (8 * YEAR_80 - low) / 2
    density = stats.norm.pdf(x, mean, deviation)
    step = stats.norm.pdf(x[:, None] - x[None, :], mean, deviation) * w
    for _ in range(looks - 1):
        density = step @ density
    return 1 - w @ density


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("drift", [-0.02, 0.01])
def test_discrete_watch_agrees_with_quadrature(side, drift):
    terms = TERMS | {"side": side, "drift": drift}
    gaps = []
    for looks in (24, 96):
        exact = watched_by_quadrature(0.05, side=side, drift=drift, looks=looks)
        found = touch_probability(0.05, monitoring=DAY / looks, **terms).probability
        gaps.append(exact / found - 1)
        # What the correction leaves is small beside what it mends.
        assert abs(exact - found) < 0.1 * (touch_probability(0.05, **terms).probability - exact)

    # It falls like one over the number of looks.
    assert gaps[0] < 0.015 and gaps[1] == pytest.approx(gaps[0] / 4, rel=0.15)


@pytest.mark.parametrize("side", ["long", "short"])
def test_walked_paths_agree_with_quadrature(side):
    walked = simulate_touch(
        0.05, **(TERMS | {"side": side}), drift=0.01, rng=np.random.default_rng(6), n_paths=100_000, method="plain",
        monitoring=HOUR,
    )  # fmt: skip

    exact = watched_by_quadrature(0.05, side=side, drift=0.01, looks=24)
    assert walked.probability == pytest.approx(exact, abs=4 * walked.standard_error)
    assert walked.standard_error == pytest.approx((exact * (1 - exact) / 100_000) ** 0.5, rel=0.05)


@pytest.mark.parametrize("method", ["bridge", "stratified", "importance"])
@pytest.mark.parametrize("margin", [0.05, 0.20])
@pytest.mark.parametrize("side", ["long", "short"])
def test_simulations_agree_with_the_closed_form_within_their_error(method, margin, side):
    terms = TERMS | {"side": side, "drift": -0.02}
    exact = touch_probability(margin, **terms)
    rng = np.random.default_rng(11)

    runs = [simulate_touch(margin, rng=rng, n_paths=2_000, method=method, **terms) for _ in range(60)]

    z = np.array([(r.probability - exact.probability) / r.standard_error for r in runs])
    if margin == 0.05 or method == "importance":  # a rare touch is skewed for the others
        assert stats.chi2.ppf(1e-4, 60) < (z**2).sum() < stats.chi2.ppf(1 - 1e-4, 60)
    assert np.mean([r.probability for r in runs]) == pytest.approx(
        exact.probability, abs=5 * np.std([r.probability for r in runs]) / 60**0.5
    )


def test_importance_sampling_sees_a_touch_in_a_million():
    terms = TERMS | {"horizon": pd.Timedelta("1h")}
    exact = touch_probability(0.045, **terms).probability
    found = simulate_touch(0.045, rng=np.random.default_rng(1), n_paths=1_000, method="importance", **terms)

    assert exact < 1e-6
    assert found.probability == pytest.approx(exact, abs=5 * found.standard_error)
    assert found.standard_error < 0.01 * exact


@pytest.mark.parametrize("contract", ["linear", "inverse"])
@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("rate", [0.0, 0.005, 0.05])
def test_leverage_is_liquidated_with_the_probability_asked_for(contract, side, rate):
    market = {"side": side, "volatility": 0.04, "horizon": 3, "interval": DAY}

    found = largest_leverage(0.02, margin_rate=rate, contract=contract, **market)

    if contract == "linear":
        price = liquidation_price(
            side=side, entry_price=100.0, size=1.0, wallet=100.0 / found.leverage, maintenance_margin_rate=rate
        )
    else:
        price = inverse_liquidation_price(
            side=side, entry_price=100.0, face_value=100.0, wallet=1.0 / found.leverage, maintenance_margin_rate=rate
        )
    assert price / 100.0 == pytest.approx(found.price_ratio, rel=1e-12)
    ratio = price / 100.0
    touched = touch_probability(abs(1.0 - ratio), **market)
    assert touched.probability == pytest.approx(0.02, rel=1e-9)


def test_call_allows_less_leverage_than_liquidation():
    market = {"side": "long", "volatility": 0.04, "horizon": 1, "interval": DAY}

    called = largest_leverage(0.01, margin_rate=0.05, event="call", **market)

    assert called.leverage < largest_leverage(0.01, margin_rate=0.005, **market).leverage
    assert "call" in called.headline and called.to_frame().loc["leverage (times)", "value"] == called.leverage


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"horizon": 0}, "horizon must be a whole number of at least 1"),
        ({"horizon": pd.Timedelta(0)}, "horizon must be"),
        ({"horizon": -1}, "horizon must be"),
        ({"horizon": 1.5}, "horizon must be a whole number"),
        ({"interval": "1D"}, "interval must be a positive pandas Timedelta"),
        ({"volatility": 0.0}, "volatility must be a positive number"),
        ({"side": "buy"}, "side must be one of long, short"),
        ({"contract": "quanto"}, "contract must be one of linear, inverse"),
        ({"drift": float("nan")}, "drift must be a finite"),
        ({"monitoring": pd.Timedelta("2D")}, "monitoring must be at most the horizon"),
        ({"monitoring": pd.Timedelta(0)}, "monitoring must be a positive"),
    ],
)
def test_bad_arguments_are_named(change, words):
    with pytest.raises(ArgumentError, match=words):
        touch_probability(0.05, **(TERMS | change))


@pytest.mark.parametrize(("margin", "words"), [(0.0, "above 0"), (5.0, "margin=0.05"), (float("nan"), "above 0")])
def test_margins_no_price_exhausts_are_refused(margin, words):
    with pytest.raises(ArgumentError, match=words):
        touch_probability(margin, **TERMS)


def test_bad_simulations_are_named():
    rng = np.random.default_rng(1)
    for change, words in (
        ({"n_paths": 10}, "n_paths must be a whole number of at least 100"),
        ({"n_paths": 101}, "n_paths must be even"),
        ({"rng": None}, "rng must be a random generator"),
        ({"method": "sobol"}, "method must be one of"),
        ({"method": "plain"}, "monitoring must divide the horizon"),
        ({"method": "plain", "monitoring": pd.Timedelta("7h")}, "monitoring must divide the horizon"),
        ({"monitoring": HOUR}, "monitoring must be None for stratified"),
    ):
        with pytest.raises(ArgumentError, match=words):
            simulate_touch(0.05, **(TERMS | {"rng": rng} | change))


@pytest.mark.parametrize("probability", [0.0, 1.0, 1, -0.1, 5.0])
def test_bad_probabilities_are_refused(probability):
    with pytest.raises(ArgumentError, match="probability must be above 0 and below 1"):
        touch_margin(probability, **TERMS)


def test_a_probability_that_discrete_watch_never_reaches_is_refused():
    with pytest.raises(ArgumentError, match=r"probability must be below .* at the smallest margin"):
        touch_margin(0.9, monitoring=DAY, **TERMS)


@pytest.mark.parametrize(
    ("rate", "words"), [(1.0, "margin_rate must"), (-0.1, "margin_rate must"), (5.0, "margin_rate=0.05")]
)
def test_bad_rates_are_refused(rate, words):
    with pytest.raises(ArgumentError, match=words):
        largest_leverage(0.01, side="long", margin_rate=rate, volatility=0.04, horizon=1, interval=DAY)


def test_results_show_what_they_are():
    found = touch_probability(0.05, monitoring=HOUR, **TERMS)

    assert "watched every 1 h" in repr(found) and "1 period of 1 d" in repr(found)
    assert found.summary().shape == (2, 3) and found.to_frame().loc[0, "interval"] == DAY
    assert "<table" in found._repr_html_()
