import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.margin.bridge import CONDITIONAL_METHODS, conditional_tails
from volkit.margin.bridge.estimators import fit_quantile_plane
from volkit.margin.measures.sampled import tails_of_samples

TAILS = [f"{m}_{s}" for s in ("long", "short") for m in ("value_at_risk", "expected_shortfall")]


def simulated(n, *, strength=0.6, seed=1, memory=0.9):
    """Returns whose volatility follows a state of the day before, and that state beside one that says nothing."""
    rng = np.random.default_rng(seed)
    x = np.zeros(n)
    for t in range(1, n):
        x[t] = memory * x[t - 1] + np.sqrt(1 - memory**2) * rng.standard_normal()
    times = pd.date_range("2018-01-01", periods=n, tz="UTC", name="time")
    volatility = 0.02 * np.exp(strength * np.r_[0.0, x[:-1]])
    returns = pd.Series(volatility * rng.standard_normal(n), index=times, name="simulated").clip(lower=-0.9)
    return returns, pd.DataFrame({"x": x, "noise": rng.standard_normal(n)}, index=times)


def tails_of(returns, state, **changes):
    return conditional_tails(returns, state, **({"confidence": 0.95, "lookback": 300} | changes))


@pytest.mark.parametrize("method", CONDITIONAL_METHODS)
@pytest.mark.parametrize("cut", [421, 500, 651])
def test_rows_do_not_change_with_what_comes_later(method, cut):
    returns, state = simulated(700)
    full = tails_of(returns, state, method=method).frame

    later = pd.Series(np.where(np.arange(700) < cut, returns, -returns * 3), returns.index, name="simulated")
    changed = state.where(pd.Series(np.arange(700) < cut, state.index), -5.0 * state, axis=0)
    for other in (tails_of(returns[:cut], state[:cut], method=method), tails_of(later, changed, method=method)):
        shared = other.frame[TAILS].iloc[: cut - 300]
        np.testing.assert_array_equal(full[TAILS].loc[shared.index], shared)


@pytest.mark.parametrize("method", CONDITIONAL_METHODS)
def test_row_knows_the_state_of_its_own_close(method):
    returns, state = simulated(500)
    base = tails_of(returns, state, method=method).frame
    moved = state.copy()
    moved.iloc[450, 0] = 0.123

    found = tails_of(returns, moved, method=method).frame

    assert (found[TAILS].iloc[450 - 300] != base[TAILS].iloc[450 - 300]).any()
    np.testing.assert_array_equal(found[TAILS].iloc[:150], base[TAILS].iloc[:150])


def test_loss_of_a_row_is_that_of_the_period_after_it():
    returns, state = simulated(400)
    frame = tails_of(returns, state).frame

    assert frame.index[0] == returns.index[300] and len(frame) == 100
    assert frame["loss_long"].iloc[:-1].tolist() == (-returns.iloc[301:]).tolist()
    assert frame["until"].iloc[:-1].tolist() == returns.index[301:].tolist()
    assert np.isnan(frame["loss_short"].iloc[-1]) and pd.isna(frame["until"].iloc[-1])


def test_planes_are_those_of_a_plain_loop():
    returns, state = simulated(420)
    found = tails_of(returns, state, refit_every=50)
    r, x = returns.to_numpy(), state.to_numpy()
    level = 301 * 0.95 / 300

    for i in (300, 349, 350, 419):
        end = 300 + (i - 300) // 50 * 50
        X, y = x[end - 300 : end], r[end - 299 : end + 1]
        Z = np.column_stack([np.ones(300), (X - X.mean(0)) / X.std(0)])
        now = np.r_[1.0, (np.clip(x[i], X.min(0), X.max(0)) - X.mean(0)) / X.std(0)]
        for k, lost in enumerate((-y, y)):
            b = fit_quantile_plane(Z, lost, level=level)
            floor = 0.25 * np.quantile(lost, 0.95, method="weibull")
            V = np.maximum(Z @ b, floor)
            depth = (lost / V)[lost >= V * (1 - 1e-9)].mean()
            assert found.rows[i - 300, 2 * k : 2 * k + 2] == pytest.approx(
                max(now @ b, floor) * np.array([1.0, depth]), rel=1e-9
            )


def test_all_scenarios_alike_give_the_tails_without_state():
    returns, state = simulated(450)
    found = tails_of(returns, state, method="nearest_states", effective_share=1.0)

    plain = found.frame[[f"unconditional_{name}" for name in TAILS]].to_numpy()
    assert found.rows == pytest.approx(plain, rel=1e-9)
    windows = np.lib.stride_tricks.sliding_window_view(returns.to_numpy()[1:], 300)
    np.testing.assert_array_equal(plain, tails_of_samples(windows, confidence=0.95))


@pytest.mark.parametrize("method", CONDITIONAL_METHODS)
def test_units_of_the_state_play_no_part(method):
    returns, state = simulated(420)
    other = pd.DataFrame({"x": 100 * state["x"] - 7, "noise": 1e-4 * state["noise"]}, index=state.index)

    assert tails_of(returns, other, method=method).rows == pytest.approx(
        tails_of(returns, state, method=method).rows, rel=1e-6
    )


def test_nearness_does_not_depend_on_how_the_state_is_written():
    returns, state = simulated(420)
    mixed = pd.DataFrame({"a": state["x"] + state["noise"], "b": state["x"] - 2 * state["noise"]})

    mahalanobis = tails_of(returns, mixed, method="nearest_states").rows
    assert mahalanobis == pytest.approx(tails_of(returns, state, method="nearest_states").rows, rel=1e-6)


@pytest.mark.parametrize(("method", "least"), [("quantile_regression", 0.8), ("nearest_states", 0.8)])
def test_true_conditional_quantile_is_followed(method, least):
    returns, state = simulated(1_500, seed=3)
    found = tails_of(returns, state[["x"]], method=method)
    truth = 1.645 * 0.02 * np.exp(0.6 * state["x"].loc[found.frame.index])

    for side in ("long", "short"):
        given = found.frame[f"value_at_risk_{side}"]
        assert np.corrcoef(given, truth)[0, 1] > least
        error = np.abs(given - truth).mean()
        assert error < 0.7 * np.abs(found.frame[f"unconditional_value_at_risk_{side}"] - truth).mean()


@pytest.mark.parametrize("method", CONDITIONAL_METHODS)
def test_volatility_scales_what_the_state_says(method):
    returns, state = simulated(420)
    volatility = pd.Series(np.exp(np.sin(np.arange(420) / 9.0)), index=returns.index)
    base = tails_of(returns, state, method=method)

    scaled = tails_of(
        (returns * volatility.shift(1).fillna(1.0)).clip(lower=-0.99), state, volatility=volatility, method=method
    )

    # Returns over the volatility known before them are the same numbers, so shocks and planes are.
    now = volatility.loc[base.frame.index].to_numpy()[:, None]
    limit = [1.0, 1.0, np.inf, np.inf]
    assert scaled.rows == pytest.approx(np.minimum(base.rows * now, limit), rel=1e-7)
    assert scaled.scaled and not base.scaled


def test_rows_begin_a_look_back_after_the_first_complete_state():
    returns, state = simulated(500)
    late = state.where(pd.Series(np.arange(500) >= 80, state.index), np.nan, axis=0)

    frame = tails_of(returns, late).frame

    assert frame.index[0] == returns.index[380]
    np.testing.assert_array_equal(frame[TAILS], tails_of(returns[80:], state[80:]).frame[TAILS])


@pytest.mark.parametrize("method", CONDITIONAL_METHODS)
def test_shortfall_is_never_below_the_value_at_risk_and_longs_lose_at_most_all(method):
    returns, state = simulated(500, strength=1.5)
    rows = tails_of(returns, state, method=method, confidence=0.98).rows

    assert (rows[:, 1] >= rows[:, 0]).all() and (rows[:, 3] >= rows[:, 2]).all() and (rows[:, :2] <= 1.0).all()


def test_result_says_what_it_is():
    returns, state = simulated(400)
    found = tails_of(returns, state)

    assert found.n_obs == 99 and found.as_of == returns.index[-1]
    assert "simulated given x, noise" in repr(found)
    assert found.summary().loc["value_at_risk_long", "target"] == pytest.approx(0.05)
    with pytest.raises(ValueError, match="read-only"):
        found.frame["loss_long"].to_numpy()[0] = 1.0


RETURNS, STATE = simulated(400)
HOLE = STATE.where(pd.Series(np.arange(400) != 200, STATE.index), np.nan, axis=0)


@pytest.mark.parametrize(
    ("state", "changes", "error", "match"),
    [
        (STATE, {"confidence": 0.01}, ArgumentError, "confidence=0.99"),
        (STATE, {"confidence": 99}, ArgumentError, "confidence=0.99"),
        (STATE, {"confidence": 1.0}, ArgumentError, "from 0.5 to below 1"),
        (STATE, {"method": "tree"}, ArgumentError, "quantile_regression, nearest_states"),
        (STATE, {"lookback": 50, "confidence": 0.99}, ArgumentError, "100 scenarios"),
        (STATE, {"lookback": 150, "confidence": 0.99, "method": "nearest_states"}, ArgumentError, "75 scenarios"),
        (STATE, {"effective_share": 0.0}, ArgumentError, "effective_share"),
        (STATE, {"lookback": 400}, DataError, "at least 401"),
        (STATE[50:], {}, DataError, "350 rows, 350 of 400 in common"),
        (HOLE, {}, DataError, "nothing is joined across a hole"),
        (STATE * np.nan, {}, DataError, "complete"),
        (STATE.assign(x=STATE["x"].cumsum() * 10), {}, DataError, "stationary"),
        (STATE.assign(noise=1.0), {}, DataError, "a constant"),
        (STATE.assign(noise=2 * STATE["x"]), {}, DataError, "follows from the others"),
        (STATE.assign(noise=np.inf), {}, DataError, "finite"),
        (STATE, {"volatility": pd.Series(0.0, STATE.index)}, DataError, "volatilities positive"),
        (STATE["x"], {}, DataError, "frame of variables"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(state, changes, error, match):
    with pytest.raises(error, match=match):
        tails_of(RETURNS, state, **changes)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_plane_is_not_followed_beyond_the_states_of_its_window(sign):
    returns, state = simulated(301)
    edge, far = state[["x"]].copy(), state[["x"]].copy()
    edge.iloc[300] = state["x"].iloc[:300].max() if sign > 0 else state["x"].iloc[:300].min()
    far.iloc[300] = 40.0 * sign

    np.testing.assert_array_equal(tails_of(returns, far).rows, tails_of(returns, edge).rows)
