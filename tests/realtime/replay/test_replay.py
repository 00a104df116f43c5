import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.realtime.online import QuantileTracker
from volkit.realtime.replay import (
    LiveMargin,
    LivePolicy,
    policy_from_history,
    policy_from_law,
    replay,
    shortfall_episodes,
    start_live,
)
from volkit.realtime.state import LiveBar, LiveVolatility
from volkit.volatility import Ewma, Har


def market(n=3000, seed=2, size=0.01):
    """Hourly closes with slowly moving volatility and fat tails, simulated."""
    rng = np.random.default_rng(seed)
    wave = np.exp(0.8 * np.sin(np.arange(n) / 300.0))
    moves = size * wave * rng.standard_t(4, n) * 0.5**0.5
    times = pd.date_range("2024-01-01", periods=n, freq="1h", tz="UTC", name="time")
    return pd.DataFrame({"close": 100.0 * np.exp(np.cumsum(moves))}, index=times)


@pytest.fixture(scope="module")
def start():
    return start_live(market(), n_train=1000, target=0.02, model=Ewma(half_life=72), asset="SIM")


@pytest.fixture(scope="module")
def tracker():
    return QuantileTracker(confidence=0.98)


def bar_by_bar(start, bars, tracker):
    """The same replay, one bar at a time, with accounts in plain Python."""
    live = LiveMargin(start.state, start.policy, calibrator=tracker)
    rows, cash = [], {}
    for time, close in bars["close"].items():
        try:
            now = live.update(LiveBar(time, close))
        except DataError:
            continue
        row = now._asdict()
        price = close / (rows[0]["close"] if rows else close)
        for side, sign in (("long", 1.0), ("short", -1.0)):
            rate = row[f"margin_{side}"]
            cash.setdefault(side, rate)
            equity = cash[side] + sign * (price - 1.0)
            call = rate * price - equity if equity < 0.8 * rate * price else 0.0
            cash[side] += call
            row |= {f"equity_{side}": equity, f"call_{side}": call}
        rows.append(row)
    return pd.DataFrame(rows).set_index("time")


@pytest.mark.parametrize("with_tracker", [True, False])
def test_replay_equals_bar_by_bar(start, tracker, with_tracker):
    bars = start.later.copy()
    bars.iloc[100] = 0.0
    # A fall within the hole belongs to no block: it must not reach the calibrator.
    bars.iloc[210:] *= 0.6
    bars = bars.drop(bars.index[200:220]).drop(bars.index[503])
    chosen = tracker if with_tracker else None
    run = replay(bars, start.state, start.policy, calibrator=chosen)
    slow = bar_by_bar(start, bars, chosen)

    assert run.frame.index.equals(slow.index)
    for column in slow.columns:
        np.testing.assert_allclose(run.frame[column], slow[column], rtol=1e-12, atol=1e-15, err_msg=column)
    assert run.skipped["reason"].tolist() == ["price not above zero", "first after a hole"]


def test_the_states_given_are_left_alone(start, tracker):
    before = start.state.variance_next
    bars = start.later.copy()
    bars.iloc[5] = 0.0
    run = replay(bars, start.state, start.policy, calibrator=tracker)

    assert (start.state.variance_next, start.state.n_obs, tracker.n_updates) == (before, 0, 0)
    assert start.state.skipped.empty
    assert run.state.n_obs == len(bars) - 1


def test_blocks_begin_at_midnight_and_meet_the_close_at_their_end(start):
    run = replay(start.later, start.state, start.policy)
    close = start.later["close"].set_axis(start.later.index + pd.Timedelta("1h"))
    row = run.blocks.iloc[10]

    assert set(run.blocks.index.hour) == {0, 8, 16}
    assert (
        row["loss_long"] == -row["loss_short"] == pytest.approx(1.0 - close[row["end"]] / close[run.blocks.index[10]])
    )


def test_a_block_without_its_last_bar_has_no_score(start):
    bars = start.later.drop(start.later.index[start.later.index.hour == 7][3])
    run = replay(bars, start.state, start.policy)
    whole = replay(start.later, start.state, start.policy)

    assert whole.n_blocks - run.n_blocks == 2
    assert run.coverage("long").loc["all", "n_obs"] == run.n_blocks


@settings(max_examples=8)
@given(cut=st.integers(40, 500))
def test_no_number_knows_later_bars(start, tracker, cut):
    changed = start.later.copy()
    changed.iloc[cut:] *= 1.7
    whole = replay(start.later, start.state, start.policy, calibrator=tracker).frame.iloc[:cut]
    part = replay(changed, start.state, start.policy, calibrator=tracker).frame.iloc[:cut]

    pd.testing.assert_frame_equal(whole, part)


def test_static_margin_is_the_share_of_the_window(start):
    close = market().iloc[:1000]["close"]
    moves = close.shift(-8).div(close).sub(1.0).dropna()

    assert (-moves > start.static_long).mean() <= 0.02 < (-moves > 0.98 * start.static_long).mean() + 0.01
    assert start.static_short == pytest.approx(np.quantile(moves, 0.98, method="weibull"))


def test_policy_from_history_covers_the_past_it_saw(start):
    policy = policy_from_history(start.state, start.later, target=0.02)
    run = replay(start.later, start.state, policy)

    assert 0.0 <= run.coverage("long").loc["all", "rate"] <= 0.05
    with pytest.raises(ArgumentError, match="losses beyond the margin"):
        policy_from_history(start.state, start.later.iloc[:300], target=0.02)


def test_law_quantiles_are_those_of_the_law(start):
    assert policy_from_law(start.state, target=0.01).quantile_long == pytest.approx(2.326348, rel=1e-6)


def test_calls_bring_equity_back_to_the_margin(start):
    run = replay(start.later, start.state, start.policy)

    assert len(run.calls) > 0
    np.testing.assert_allclose(run.calls["equity"] + run.calls["call"], run.calls["margin"], rtol=1e-12)
    assert (run.calls["equity"] < 0.8 * run.calls["margin"]).all()


def test_bad_arguments_are_refused(start, tracker):
    with pytest.raises(ArgumentError, match=r"must aim at 0\.02"):
        replay(start.later, start.state, start.policy, calibrator=QuantileTracker(confidence=0.99))
    with pytest.raises(ArgumentError, match="divide a day"):
        LivePolicy(target=0.01, horizon=pd.Timedelta("7h"), quantile_long=2.0, quantile_short=2.0)
    with pytest.raises(DataError, match="whole block"):
        replay(start.later.iloc[:5], start.state, start.policy)
    with pytest.raises(DataError, match="one that can be taken"):
        replay(market().iloc[:900], start.state, start.policy)
    with pytest.raises(DataError, match="UTC times"):
        replay(start.later.tz_localize(None), start.state, start.policy)
    with pytest.raises(DataError, match="column close"):
        replay(start.later.rename(columns={"close": "price"}), start.state, start.policy)


def test_episodes_are_runs_of_exceedances():
    times = pd.date_range("2024-01-01", periods=7, freq="8h", tz="UTC")
    loss = pd.Series([0.2, 0.3, np.nan, 0.15, 0.0, 0.05, 0.4], index=times)
    table = shortfall_episodes(pd.Series(0.1, index=times), loss)

    assert table["n_blocks"].tolist() == [2, 1, 1]
    np.testing.assert_allclose(table["depth"], [0.2, 0.05, 0.3])
    np.testing.assert_allclose(table["shortfall"], [0.3, 0.05, 0.3])
    assert table["first"].tolist() == [times[0], times[3], times[6]]


@pytest.mark.parametrize("cut", [3, 300, 700])
def test_a_margin_resumed_from_its_folder_goes_on_with_the_same_numbers(start, tracker, tmp_path, cut):
    bars = [LiveBar(t, c) for t, c in start.later["close"].items()]
    whole = LiveMargin(start.state, start.policy, calibrator=tracker)
    expected = [whole.update(bar) for bar in bars[:900]]
    first = LiveMargin(start.state, start.policy, calibrator=tracker)
    for bar in bars[:cut]:
        first.update(bar)
    first.save(tmp_path)
    resumed = LiveMargin.load(tmp_path, asset="SIM")

    assert [resumed.update(bar) for bar in bars[cut:900]] == expected[cut:]


def test_a_folder_of_another_asset_or_of_two_moments_is_refused(start, tracker, tmp_path):
    margin = LiveMargin(start.state, start.policy, calibrator=tracker)
    margin.save(tmp_path)
    margin.update(LiveBar(start.later.index[0], float(start.later["close"].iloc[0])))

    with pytest.raises(DataError, match="must be of ETH; got SIM"):
        LiveMargin.load(tmp_path, asset="ETH")
    margin.state.save(tmp_path / "state.json")
    with pytest.raises(DataError, match="files of one moment"):
        LiveMargin.load(tmp_path, asset="SIM")


def test_a_har_state_replays_like_its_stream():
    close = market(24 * 400)["close"]
    squares = np.log(close).diff().fillna(0.0) ** 2
    daily = squares.groupby(close.index.floor("1D")).sum().iloc[1:331].rename("SIM")
    fit = Har(lags=(1, 7, 30), form="log").fit(daily, periods_per_year=365)
    later = close[daily.index[-1] + pd.Timedelta("1D") :].to_frame("close")
    state = LiveVolatility.from_har(fit, last_close=float(close[: later.index[0]].iloc[-2]), step="1h")
    policy = policy_from_law(state, target=0.02)
    live = LiveMargin(state, policy)
    run = replay(later, state, policy)

    streamed = [live.update(LiveBar(t, c)).margin_long for t, c in later["close"].items()]
    np.testing.assert_allclose(run.frame["margin_long"], streamed, rtol=1e-12)
    assert run.frame["volatility"].iloc[-1] ** 2 == pytest.approx(run.state.variance_next * 8, rel=1e-12)


def test_season_of_the_day_moves_the_margin():
    n = 24 * 200
    rng = np.random.default_rng(9)
    times = pd.date_range("2024-01-01", periods=n, freq="1h", tz="UTC", name="time")
    size = np.where(times.hour < 8, 0.004, 0.012)
    close = pd.DataFrame({"close": 100.0 * np.exp(np.cumsum(size * rng.standard_normal(n)))}, index=times)
    start = start_live(close, n_train=24 * 100, target=0.02, model=Ewma(half_life=200), season="8h", asset="SIM")
    margins = replay(start.later, start.state, start.policy).blocks["model_margin_long"]
    by_hour = margins.groupby(margins.index.hour).mean()

    assert by_hour[8] / by_hour[0] == pytest.approx(3.0, rel=0.1)
    assert by_hour[16] / by_hour[8] == pytest.approx(1.0, rel=0.1)
    fitted = start.fit.returns.groupby(start.fit.returns.index.hour < 8).std()
    assert fitted[True] / fitted[False] == pytest.approx(1.0, rel=0.1)
