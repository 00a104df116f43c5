import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.realtime.state import LiveBar, LiveFactors, LiveVolatility, fit_season
from volkit.returns import simple_returns
from volkit.sources.simulated import SimulatedSource
from volkit.volatility import CRYPTO_LAGS, Ewma, Garch, Har


@pytest.fixture(scope="module")
def close():
    return SimulatedSource().load_bars("BTC", interval="1h").frame["close"].rename("BTC")


@pytest.fixture(scope="module")
def gjr():
    """Hourly prices of a known GJR-t, simulated."""
    rng = np.random.default_rng(7)
    z = rng.standard_t(5, 6000) * (3 / 5) ** 0.5
    v, r = 1e-4, np.empty(6000)
    for t in range(6000):
        r[t] = v**0.5 * z[t]
        v = 4e-6 + (0.05 + (0.06 if r[t] < 0 else 0.0)) * r[t] ** 2 + 0.88 * v
    times = pd.date_range("2023-01-01", periods=6001, freq="1h", tz="UTC", name="time")
    return pd.Series(100.0 * np.cumprod(np.append(1.0, 1.0 + r)), index=times, name="BTC")


@pytest.fixture(scope="module")
def fit(gjr):
    returns = simple_returns(gjr.iloc[:3001])
    return Garch(family="gjr", distribution="t").fit(returns, periods_per_year=8760)


@pytest.fixture
def live(fit, gjr):
    return LiveVolatility.from_fit(fit, last_close=float(gjr.iloc[3000]))


def slow_twin(fit, returns):
    """Variances after each return, by the textbook recursion in plain Python."""
    r, v, out = fit.recursion, fit.next_variance, []
    for value in returns:
        e = value - r.mu
        v = r.omega + r.alpha * e**2 + (r.gamma * e**2 if e < 0 else 0.0) + r.beta * v
        out.append(v)
    return np.array(out)


def hourly(n, start="2024-01-01", seed=1, size=0.01):
    rng = np.random.default_rng(seed)
    times = pd.date_range(start, periods=n, freq="1h", tz="UTC", name="time")
    return pd.Series(100.0 * np.exp(np.cumsum(size * rng.standard_normal(n))), index=times, name="BTC")


def after_ewma(close, n_fit=100, **kwargs):
    fit = Ewma().fit(simple_returns(close.iloc[: n_fit + 1]), periods_per_year=8760)
    return LiveVolatility.from_fit(fit, last_close=float(close.iloc[n_fit]), **kwargs)


def test_stream_and_table_equal_filtering_the_whole_series_again(fit, live, gjr):
    later = gjr.iloc[3001:5001]
    table = live.copy().follow(later.to_frame("close"))
    streamed = [live.update(LiveBar(t, c)) for t, c in later.items()]
    again = fit.recursion.follow(simple_returns(gjr.iloc[:5001]).to_numpy(), float(fit.variance.iloc[0]))

    np.testing.assert_array_equal(streamed, table.frame["level"])
    np.testing.assert_allclose(streamed, again[3001:], rtol=1e-12)


def test_recursion_equals_a_slow_loop(fit, live, gjr):
    later = gjr.iloc[3001:3201]
    expected = slow_twin(fit, simple_returns(gjr.iloc[3000:3201]))

    np.testing.assert_allclose(live.follow(later.to_frame("close")).frame["level"], expected, rtol=1e-12)


def test_ewma_equals_its_own_batch(close):
    live = after_ewma(close)
    live.follow(close.iloc[101:900].to_frame("close"))
    whole = Ewma().fit(simple_returns(close.iloc[:900]), periods_per_year=8760)

    assert live.variance_next == pytest.approx(whole.next_variance, rel=1e-12)


def test_volatility_over_a_horizon_equals_the_fits_forecast(fit, live):
    assert live.volatility("8h") == pytest.approx(fit.forecast(8).horizon_volatility, rel=1e-12)


@pytest.mark.parametrize("form", ["variance", "log", "root"])
def test_har_equals_fitting_rows_by_hand(close, form):
    squares = np.log(close).diff().dropna() ** 2
    daily = squares.groupby(squares.index.floor("1D")).sum().iloc[1:-1].rename("BTC")
    model = Har(lags=CRYPTO_LAGS, form=form)
    fit = model.fit(daily.iloc[:290], periods_per_year=365)
    end = daily.index[290]
    live = LiveVolatility.from_har(fit, last_close=float(close[: end - pd.Timedelta("1h")].iloc[-1]), step="1h")
    later = close[end : daily.index[340] - pd.Timedelta("1h")]
    path = live.copy().follow(later.to_frame("close"))
    streamed = [live.update(LiveBar(t, c)) for t, c in later.items()]
    v, e = daily.iloc[:340].to_numpy(), fit.residuals.to_numpy()
    expected, _ = model.one_ahead(v, 0.0 * v, coefficients=fit.coefficients.to_numpy(), residuals=e, asset="BTC")

    np.testing.assert_array_equal(streamed, path.frame["level"])
    assert 24 * streamed[-1] == pytest.approx(expected, rel=1e-9)
    assert 24 * streamed[0] == pytest.approx(fit.next_variance, rel=1e-12)


def test_har_leaves_out_a_period_with_too_few_bars(close):
    squares = np.log(close).diff().dropna() ** 2
    daily = squares.groupby(squares.index.floor("1D")).sum().iloc[1:-1].rename("BTC")
    fit = Har(lags=CRYPTO_LAGS, form="log").fit(daily.iloc[:290], periods_per_year=365)
    end = daily.index[290]
    live = LiveVolatility.from_har(fit, last_close=float(close[: end - pd.Timedelta("1h")].iloc[-1]), step="1h")
    before = live.variance_next
    day = close[end : end + pd.Timedelta("47h")]
    live.follow(day.drop(day.index[2:10]).iloc[:20].to_frame("close"))

    assert live.variance_next == before
    assert live.skipped["reason"].tolist() == ["first after a hole", "period with too few bars"]


BAD = {
    "repeated": (lambda t: t, 100.0, "must come after the last bar"),
    "out of order": (lambda t: t - pd.Timedelta("5h"), 100.0, "out of order"),
    "price not above zero": (lambda t: t + pd.Timedelta("1h"), 0.0, "must have a finite price above zero"),
    "off the clock": (lambda t: t + pd.Timedelta("90min"), 100.0, "whole steps"),
    "no price": (lambda t: t + pd.Timedelta("1h"), float("nan"), "must have a price"),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_bars_are_refused_by_name_and_leave_the_last_good_state(reason):
    close = hourly(140)
    live, clean = after_ewma(close), after_ewma(close)
    move, price, words = BAD[reason]
    for state in (live, clean):
        state.follow(close.iloc[101:120].to_frame("close"))

    with pytest.raises(DataError, match=words) as caught:
        live.update(LiveBar(move(close.index[119]), price))
    for state in (live, clean):
        state.follow(close.iloc[120:].to_frame("close"))

    assert "bar of BTC at" in str(caught.value)
    assert live.variance_next == clean.variance_next
    assert live.skipped[["reason", "last"]].values.tolist() == [[reason, close.index[119]]]


def test_a_naive_time_is_refused():
    with pytest.raises(DataError, match="tz_localize"):
        after_ewma(hourly(120)).update(LiveBar(pd.Timestamp("2024-01-05 10:00"), 100.0))


def test_a_long_hole_keeps_the_state_and_takes_the_next_price_as_reference():
    close = hourly(140)
    live = after_ewma(close, max_gap="3h")
    live.follow(close.iloc[101:110].to_frame("close"))
    before = live.variance_next
    live.update(LiveBar(close.index[130], 3.0 * float(close.iloc[109])))

    assert live.variance_next == before
    assert live.last_close == 3.0 * close.iloc[109]
    assert live.skipped["reason"].tolist() == ["first after a hole"]


def test_a_short_hole_counts_as_equal_returns():
    close = hourly(140)
    live, twin = after_ewma(close, max_gap="3h"), after_ewma(close)
    price = float(close.iloc[100])
    live.update(LiveBar(close.index[103], 1.03 * price))
    for i in range(3):
        twin.update_return(close.index[101 + i], 0.03 / 3**0.5)

    assert live.variance_next == pytest.approx(twin.variance_next, rel=1e-12)


def test_table_and_stream_skip_the_same_bars():
    close = hourly(160)
    rows = close.iloc[101:].copy()
    rows.iloc[5] = 0.0
    table = pd.concat([rows.iloc[:20], rows.iloc[18:25], rows.iloc[[3]], rows.iloc[40:]]).to_frame("close")
    live, streamed = after_ewma(close), after_ewma(close)
    path = live.follow(table)
    for row in table.itertuples():
        try:
            streamed.update(LiveBar(row.Index, row.close))
        except DataError:
            continue

    pd.testing.assert_frame_equal(live.skipped, streamed.skipped)
    assert path.skipped["reason"].value_counts().to_dict() == {
        "price not above zero": 1, "out of order": 2, "repeated": 1, "first after a hole": 1,
    }  # fmt: skip
    assert live.variance_next == streamed.variance_next


@pytest.fixture(scope="module")
def season():
    return fit_season(simple_returns(hourly(24 * 40)), slot="6h")


@settings(max_examples=25)
@given(cut=st.integers(0, 58))
def test_resuming_from_a_file_changes_nothing(tmp_path_factory, season, cut):
    close = hourly(160)
    live = after_ewma(close, season=season)
    whole = live.copy().follow(close.iloc[101:].to_frame("close")).frame["level"].to_numpy()
    if cut:
        live.follow(close.iloc[101 : 101 + cut].to_frame("close"))
    path = tmp_path_factory.mktemp("state") / "btc.json"
    live.save(path)
    resumed = LiveVolatility.load(path, asset="BTC")
    rest = resumed.follow(close.iloc[101 + cut :].to_frame("close"))

    np.testing.assert_array_equal(rest.frame["level"], whole[cut:])
    assert rest.frame.index.equals(close.index[101 + cut :])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "must be of version 1; got version 2"),
        ({"format": "else"}, "must be of the format"),
        ({"asset": "ETH"}, "must be of BTC; got ETH"),
        ({"sha256": "0"}, "must match its hash"),
    ],
)
def test_a_wrong_state_file_is_refused_by_name(tmp_path, change, words):
    path = tmp_path / "btc.json"
    after_ewma(hourly(120)).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(DataError, match=words) as caught:
        LiveVolatility.load(path, asset="BTC")
    assert "state file btc.json" in str(caught.value)


def test_a_changed_number_in_a_file_is_noticed(tmp_path):
    path = tmp_path / "btc.json"
    after_ewma(hourly(120)).save(path)
    document = json.loads(path.read_text())
    document["state"]["numbers"][0] *= 1.000001
    path.write_text(json.dumps(document))

    with pytest.raises(DataError, match="hash"):
        LiveVolatility.load(path)


def test_many_factors_equal_each_by_itself(fit, gjr):
    season = fit_season(simple_returns(gjr.iloc[:3001]), slot="1h")
    eth = hourly(6000, seed=3).set_axis(gjr.index[:6000]).rename("ETH")
    other = Ewma().fit(simple_returns(eth.iloc[:3001]), periods_per_year=8760)
    states = [
        LiveVolatility.from_fit(fit, last_close=float(gjr.iloc[3000]), season=season),
        LiveVolatility.from_fit(other, last_close=float(eth.iloc[3000])),
    ]
    panel = pd.DataFrame({"BTC": gjr, "ETH": eth}).iloc[3001:3500]
    panel.iloc[7, 1] = np.nan
    panel.iloc[9, 0] = -1.0
    factors, many = LiveFactors(states), LiveFactors(states)
    table = factors.follow(panel)
    for time, row in panel.iterrows():
        many.update(time, row.to_numpy())

    for state in states:
        own = state.follow(panel[[state.model.asset]].set_axis(["close"], axis=1))
        np.testing.assert_array_equal(table[state.model.asset], own.frame["level"])
    assert many.level.tolist() == factors.level.tolist()
    assert factors.skipped("BTC")["reason"].tolist() == ["price not above zero"]
    assert factors.skipped("ETH").empty


def test_season_is_recovered_and_scales_the_next_variance():
    rng = np.random.default_rng(5)
    times = pd.date_range("2024-01-01", periods=24 * 400, freq="1h", tz="UTC", name="time")
    true = np.where(times.hour < 8, 0.5, 1.5)
    returns = pd.Series(0.01 * true * rng.standard_normal(len(times)), index=times)
    season = fit_season(returns, slot="8h")
    level = (0.25 + 2.0 * 2.25) / 3.0

    np.testing.assert_allclose(season.factors, np.array([0.5, 1.5, 1.5]) / level**0.5, rtol=0.04)
    assert np.mean(season.values**2) == pytest.approx(1.0)
    assert season.remove(returns).std() == pytest.approx(0.01 * level**0.5, rel=0.05)


def test_seasonal_horizon_adds_the_slots_ahead():
    close = hourly(24 * 40)
    season = fit_season(simple_returns(close), slot="1h")
    live = after_ewma(close, season=season)
    ahead = [season.values[(live.as_of + pd.Timedelta(hours=k)).hour] ** 2 for k in range(1, 9)]

    assert live.volatility("8h") ** 2 == pytest.approx(live.level * sum(ahead), rel=1e-12)
    assert live.variance_next == pytest.approx(live.level * ahead[0], rel=1e-12)


def test_states_that_cannot_run_are_refused(close):
    returns = simple_returns(close.iloc[:1001])
    wrong = Garch(family="egarch", distribution="normal").fit(returns, periods_per_year=8760)

    with pytest.raises(ArgumentError, match="recursion in squares"):
        LiveVolatility.from_fit(wrong, last_close=1.0)
    with pytest.raises(ArgumentError, match="at least one step"):
        after_ewma(close, max_gap="1min")
    with pytest.raises(ArgumentError, match="whole bars"):
        after_ewma(close).volatility("90min")


@settings(max_examples=25)
@given(cut=st.integers(1, 39))
def test_later_bars_change_nothing_before(cut):
    close = hourly(160)
    whole = after_ewma(close).follow(close.iloc[101:141].to_frame("close")).frame["level"]
    changed = close.iloc[101:141].copy()
    changed.iloc[cut:] *= 1.5
    part = after_ewma(close).follow(changed.to_frame("close")).frame["level"]

    np.testing.assert_array_equal(part.iloc[:cut], whole.iloc[:cut])
