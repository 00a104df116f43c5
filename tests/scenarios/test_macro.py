import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.correlation import macro_betas
from volkit.errors import ArgumentError, DataError
from volkit.scenarios import macro_day_scenarios, worst_factor_move


@pytest.fixture(scope="module")
def changes():
    times = pd.date_range("2022-01-03", periods=400, tz="UTC")
    draws = np.random.default_rng(3).multivariate_normal([0, 0], [[1e-4, -0.02], [-0.02, 36.0]], 400)
    return pd.DataFrame(draws, index=times, columns=["SPX", "US10Y"])


@pytest.fixture(scope="module")
def betas(changes):
    noise = np.random.default_rng(4).normal(0, 0.01, 400)
    asset = (0.0005 + 1.5 * changes["SPX"] - 0.001 * changes["US10Y"] + noise).rename("BTC")
    return macro_betas(asset, changes, units={"SPX": "log return", "US10Y": "basis points"})


@pytest.mark.parametrize(("direction", "sign"), [("down", 1), ("up", -1)])
def test_worst_move_is_the_mean_of_the_slow_selection(changes, direction, sign):
    days = sorted(range(400), key=lambda i: sign * changes["SPX"].iloc[i])[:10]

    move = worst_factor_move(changes, factor="SPX", n_days=10, direction=direction)

    assert move.to_numpy() == pytest.approx(changes.to_numpy()[days].mean(axis=0), rel=1e-12)


@given(seed=st.integers(0, 1000), n_days=st.integers(1, 400))
def test_worst_move_does_not_depend_on_the_order_of_days(changes, seed, n_days):
    shuffled = changes.iloc[np.random.default_rng(seed).permutation(400)]

    one, two = (worst_factor_move(frame, factor="US10Y", n_days=n_days) for frame in (changes, shuffled))

    assert two.to_numpy() == pytest.approx(one.to_numpy(), rel=1e-10, abs=1e-15)


def test_move_says_where_it_comes_from(changes):
    move = worst_factor_move(changes, factor="SPX", n_days=5, direction="up")

    assert move.name == "mean of the 5 days with the highest SPX change"


def test_scenarios_are_the_conditional_mean_and_every_residual(betas):
    move = pd.Series({"SPX": -0.05, "US10Y": 25.0})
    joint = betas.joint["beta"]
    expected = np.exp(betas.intercept - 0.05 * joint["SPX"] + 25.0 * joint["US10Y"] + betas.residuals.to_numpy()) - 1

    scenarios = macro_day_scenarios(betas, move, periods_per_year=252)

    assert scenarios.returns["BTC"].to_numpy() == pytest.approx(expected, rel=1e-10)
    assert (scenarios.horizon, scenarios.n_obs, scenarios.as_of) == (1, 400, betas.as_of)


def test_stressed_day_finds_the_true_answer_of_the_market(betas):
    day = macro_day_scenarios(betas, pd.Series({"SPX": -0.05, "US10Y": 0.0}), periods_per_year=252)
    truth = 0.0005 - 0.05 * 1.5

    # The betas' standard error times the move, and that of the mean of 400 residuals of one per cent.
    error = np.hypot(0.05 * betas.joint["standard_error"]["SPX"], 0.01 / np.sqrt(400))
    assert np.log1p(day.returns["BTC"]).mean() == pytest.approx(truth, abs=4 * error)


def test_move_of_a_past_day_with_its_residual_gives_that_day_back(betas, changes):
    day = changes.iloc[17]
    at_day = macro_day_scenarios(betas, day, periods_per_year=252).returns["BTC"].iloc[17]

    noise = np.random.default_rng(4).normal(0, 0.01, 400)[17]
    asset = 0.0005 + 1.5 * day["SPX"] - 0.001 * day["US10Y"] + noise
    assert np.log1p(at_day) == pytest.approx(asset, rel=1e-9)


def test_move_must_name_every_factor(betas):
    with pytest.raises(
        ArgumentError, match="factor_move must name SPX, US10Y; got SPX; pass 0 for a factor that stays"
    ):
        macro_day_scenarios(betas, pd.Series({"SPX": -0.05}), periods_per_year=252)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": "DXY"}, "factor must be one of SPX, US10Y; got 'DXY'"),
        ({"factor": "SPX", "direction": "left"}, "direction must be one of down, up; got 'left'"),
        ({"factor": "SPX", "n_days": 0}, "n_days must be a whole number of at least 1 days; got 0"),
    ],
)
def test_unknown_choice_is_refused(arguments, message, changes):
    with pytest.raises(ArgumentError, match=message):
        worst_factor_move(changes, **arguments)


def test_too_few_or_incomplete_days_are_refused(changes):
    broken = changes.copy()
    broken.iloc[3, 0] = np.nan

    with pytest.raises(DataError, match="must have at least 10 rows, all complete; got 400 rows with 1 missing"):
        worst_factor_move(broken, factor="SPX")
    with pytest.raises(DataError, match="must have at least 10 rows, all complete; got 5 rows with 0 missing"):
        worst_factor_move(changes.iloc[:5], factor="SPX")
