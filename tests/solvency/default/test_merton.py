import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from volkit.errors import ArgumentError
from volkit.solvency.default import merton_default

# Both equations solved by nested bisection with 60 digits in mpmath 1.4 (debt 10, rate 0.05, one year): equity, its
# volatility; asset value, asset volatility, d2, default probability, expected loss (0.0 where below 1e-30).
MPMATH = [
    (1e-06, 0.01, 9.51229524500714, 1.051270985858944e-09, 100.00000525582966, 0.0, 0.0),
    (
        1e-06,
        0.8,
        9.51229515459451,
        1.017879306629004e-07,
        0.9394265186194051,
        0.17375590149349304,
        9.504818545278086e-09,
    ),
    (1e-06, 5.0, 3.2171309304042937, 0.24179899466710716, -4.604355466713446, 0.9999979312737861, 0.6617924290879756),
    (0.001, 0.01, 9.51329424500714, 1.0511605909013377e-06, 100.00525564571612, 0.0, 0.0),
    (
        0.001,
        0.8,
        9.51320386360673,
        0.00010177249750010181,
        0.9395055240055521,
        0.1737356287095636,
        9.501535390020538e-06,
    ),
    (0.001, 5.0, 0.0024321794491188676, 4.077727255288201, -4.0673349073804115, 0.9999762230620444, 0.9998494391140318),
    (0.3, 0.01, 9.81229424500714, 0.00030573889501188893, 101.56043277908603, 0.0, 0.0),
    (0.3, 0.8, 9.787778680023631, 0.029212530114527804, 0.9626949430330659, 0.16785031762473898, 0.002577250487849154),
    (0.3, 5.0, 0.3216342998492915, 4.864499271677261, -3.128503247452482, 0.9991215046527833, 0.9977256485878108),
    (3.0, 0.01, 12.51229424500714, 0.0023976418243177974, 114.33056031688736, 0.0, 0.0),
    (3.0, 0.8, 12.395387188639658, 0.21230471342320786, 1.1408256553288199, 0.1269712410627966, 0.012290100932153556),
    (3.0, 5.0, 3.0709220803484873, 4.945880648408257, -2.701536059717957, 0.9965490002209422, 0.9925441666834777),
    (1000.0, 0.01, 1009.5122942450072, 0.009905773368989814, 470.8959399033935, 0.0, 0.0),
    (
        1000.0,
        0.8,
        1009.512294222053,
        0.7924618696692234,
        5.490030223898214,
        2.00932485020692e-08,
        2.4130970507747892e-09,
    ),
    (1000.0, 5.0, 1000.8588243064385, 4.997215829314293, -1.5668833702812357, 0.94142902229495, 0.9097142829776107),
    (1000000.0, 0.01, 1000009.512294245, 0.009999904877962379, 1156.299496773468, 0.0, 0.0),
    (1000000.0, 0.8, 1000009.512294245, 0.7999923902369903, 14.053810013955344, 0.0, 0.0),
    (
        1000000.0,
        5.0,
        1000004.7941071749,
        4.999979754320256,
        -0.18739446133371224,
        0.5743243175500458,
        0.4960093694114059,
    ),
]


@pytest.mark.parametrize(("equity", "volatility", "assets", "deviation", "distance", "probability", "loss"), MPMATH)
def test_solves_any_leverage_as_sixty_digits_do(equity, volatility, assets, deviation, distance, probability, loss):
    found = merton_default(equity, equity_volatility=volatility, debt=10.0, rate=0.05)

    # At an equity of 1e-7 of the debt the equations lose seven digits of sixteen.
    assert found.asset_value == pytest.approx(assets, rel=1e-11)
    assert found.asset_volatility == pytest.approx(deviation, rel=1e-11)
    assert found.distance_to_default == pytest.approx(distance, rel=1e-12)
    assert found.default_probability == pytest.approx(probability, rel=1e-12, abs=1e-30)
    assert found.expected_loss == pytest.approx(loss, rel=1e-10, abs=1e-30)
    assert found.residual < 1e-12


def test_reproduces_the_worked_example_of_hull():
    found = merton_default(3.0, equity_volatility=0.8, debt=10.0, rate=0.05)

    assert round(found.asset_value, 1) == 12.4 and round(found.asset_volatility, 4) == 0.2123
    assert round(found.default_probability, 3) == 0.127 and round(found.debt_value, 1) == 9.4
    assert round(found.riskless_debt, 2) == 9.51 and round(found.expected_loss, 3) == 0.012


@settings(max_examples=60, deadline=None)
@given(st.floats(0.3, 30.0), st.floats(0.05, 2.0), st.floats(-0.05, 0.2), st.floats(0.1, 5.0))
def test_recovers_assets_from_the_equity_that_they_price(assets, volatility, rate, horizon):
    K, s = np.exp(-rate * horizon), volatility * np.sqrt(horizon)
    d1 = np.log(assets / K) / s + 0.5 * s
    equity = assets * norm.cdf(d1) - K * norm.cdf(d1 - s)
    if equity < 1e-4:  # the price itself has then lost its digits
        return
    found = merton_default(
        equity, equity_volatility=norm.cdf(d1) * volatility * assets / equity, debt=1.0, rate=rate, horizon=horizon
    )

    assert found.asset_value == pytest.approx(assets, rel=1e-9)
    assert found.asset_volatility == pytest.approx(volatility, rel=1e-7)
    assert found.asset_value == pytest.approx(found.equity + found.debt_value, rel=1e-14)


@pytest.mark.parametrize("volatility", [0.3, 0.8, 2.0])
def test_interval_is_that_of_the_volatility_and_its_middle_has_the_stated_slope(volatility):
    firm = {"debt": 10.0, "rate": 0.05}
    found = merton_default(3.0, equity_volatility=volatility, volatility_error=1e-4, **firm)
    ends = [
        merton_default(3.0, equity_volatility=volatility * np.exp(z * 1e-4 / volatility), **firm).default_probability
        for z in norm.ppf([0.025, 0.975])
    ]

    assert [found.lower, found.upper] == pytest.approx(ends, rel=1e-12)
    # The delta method, for so small an error, gives the same width.
    assert found.upper - found.lower == pytest.approx(2 * 1.959964 * 1e-4 * found.slope, rel=1e-4)


def test_interval_holds_the_percentiles_of_resampled_volatilities():
    rng, error = np.random.default_rng(3), 0.1
    found = merton_default(3.0, equity_volatility=0.8, debt=10.0, rate=0.05, volatility_error=error)
    drawn = 0.8 * np.exp(rng.normal(0.0, error / 0.8, 1500))
    chances = [merton_default(3.0, equity_volatility=v, debt=10.0, rate=0.05).default_probability for v in drawn]

    # Standard errors of the two percentiles over 1,500 draws are about 0.003 and 0.005.
    assert [found.lower, found.upper] == pytest.approx(np.quantile(chances, [0.025, 0.975]), abs=0.012)


def test_default_probability_rises_with_volatility_and_falls_with_drift():
    found = [merton_default(3.0, equity_volatility=v, debt=10.0) for v in np.linspace(0.05, 3.0, 40)]
    chances = [one.default_probability for one in found]

    assert (np.diff(chances) > 0.0).all()
    assert found[20].probability_under(0.3) < found[20].default_probability < found[20].probability_under(-0.3)


@pytest.mark.parametrize(
    ("argument", "changed"),
    [
        ("equity", {"equity": -1.0}),
        ("equity", {"equity": 1e-13}),
        ("debt", {"debt": 0.0}),
        ("equity_volatility", {"equity_volatility": 80.0}),
        ("volatility_error must leave the volatility's interval within", {"volatility_error": 20.0}),
        ("volatility_error must leave the volatility's interval within", {"volatility_error": 1e9}),
        ("rate", {"rate": np.nan}),
        ("horizon", {"horizon": 0.0}),
    ],
)
def test_impossible_firms_are_refused(argument, changed):
    given_ = {"equity": 3.0, "equity_volatility": 0.8, "debt": 10.0, "rate": 0.05, **changed}

    with pytest.raises(ArgumentError, match=argument):
        merton_default(given_.pop("equity"), **given_)


def test_a_result_says_its_probability():
    found = merton_default(3.0, equity_volatility=0.8, debt=10.0, rate=0.05, volatility_error=0.1)

    assert "default probability 0.127 (0.04" in repr(found)
    assert found.summary().loc["default probability (risk-neutral)", "value"] == found.default_probability
    assert found.to_frame().shape == (1, 15)
