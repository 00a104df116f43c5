import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, SmallSampleWarning
from volkit.realtime.online import full_years
from volkit.realtime.replay import MARGINS, block_regimes, compare_static_dynamic, start_live
from volkit.sources import open_source
from volkit.validation.multiplicity import holm
from volkit.volatility import Ewma


def regimes_market(n=9000, seed=4):
    """Hourly closes that are calm, then three times as wild, then calm again, simulated."""
    rng = np.random.default_rng(seed)
    size = np.where((np.arange(n) > 4000) & (np.arange(n) < 6000), 0.03, 0.01)
    times = pd.date_range("2023-01-01", periods=n, freq="1h", tz="UTC", name="time")
    return pd.DataFrame({"close": 100.0 * np.exp(np.cumsum(size * rng.standard_normal(n)))}, index=times)


@pytest.fixture(scope="module")
def comparison():
    start = start_live(regimes_market(), n_train=2000, target=0.01, model=Ewma(half_life=72), asset="SIM")
    return compare_static_dynamic(
        start.later, start.state, start.policy, static_long=start.static_long, static_short=start.static_short
    )


def test_table_equals_counts_by_hand(comparison):
    blocks = comparison.blocks
    for margin in MARGINS:
        for side in ("long", "short"):
            rates, loss = blocks[f"{margin}_{side}"], blocks[f"loss_{side}"]
            row = comparison.table.loc[(margin, side)]
            beyond = (loss - rates)[loss > rates]
            assert row["exceedances"] == len(beyond)
            assert row["shortfall"] == pytest.approx(beyond.sum())
            assert row["deepest"] == pytest.approx(beyond.max() if len(beyond) else 0.0)
            assert row["mean_margin"] == pytest.approx(rates.mean())
            assert row["peak_to_trough"] == pytest.approx(rates.max() / rates.min())
            assert row["largest_rise"] == pytest.approx((rates / rates.shift(1) - 1.0).max())
            assert row["exceedances_of_mean"] == (loss > rates.mean()).sum()


def test_static_fails_in_the_wild_and_the_live_margin_far_less(comparison):
    static, dynamic = comparison.regimes.loc["static"], comparison.regimes.loc["dynamic"]
    wild = [table["exceedances"].xs("wild", level="group").sum() for table in (static, dynamic)]

    assert (static["exceedances"] > static["allowed"]).xs("wild", level="group").all()
    assert wild[1] < 0.2 * wild[0]


def test_online_multiplier_never_shrinks_the_margin(comparison):
    blocks = comparison.blocks

    assert (blocks["online_long"] >= blocks["dynamic_long"] - 1e-15).all()


def test_sentence_says_what_is_worse_with_its_numbers(comparison):
    words, table = comparison.sentence, comparison.table

    assert f"{table.loc['dynamic', 'peak_to_trough'].max():.1f} times against 1.0 times" in words
    assert "is worse than the static one in" in words and "largest rise within a block" in words
    mean = table.loc["online", "exceedances_of_mean"].sum()
    assert f"in hindsight, would have had {mean:.0f} exceedances" in words
    assert "The static margin's exceedances lie above what the target allows in" in words and "wild blocks" in words


def test_regimes_are_thirds_known_at_the_start():
    close = regimes_market(3000)["close"]
    starts = close.index[200::8]
    table = block_regimes(close, starts, lookback=pd.Timedelta("7D"))

    assert table.value_counts().max() - table.value_counts().min() <= 1
    trailing = (close.pct_change() ** 2).rolling("7D").mean()[starts]
    assert trailing[table == "calm"].max() <= trailing[table == "wild"].min()
    assert block_regimes(close, close.index[:100:8], lookback=pd.Timedelta("7D")).isna().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 50}, "target must be a probability above 0 and below 0.5; got 50"),
        ({"horizon": "x"}, "horizon must be a length of time above zero; got 'x'"),
        ({"horizon": "8H"}, "horizon must be a length of time above zero; got '8H'"),
        ({"horizon": "30min"}, "horizon must hold at least one bar; got 30min for bars of 0 days 01:00:00"),
        ({"n_train": 5}, "n_train must last at least one horizon; got 5 bars"),
        ({"max_gap": "soon"}, "max_gap must be a length of time above zero"),
    ],
)
def test_start_refuses_what_no_window_can_answer(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        start_live(regimes_market(300), **{"n_train": 200, "model": Ewma(), "asset": "SIM"} | arguments)


def test_static_margin_of_few_horizons_is_warned_of():
    with pytest.warns(SmallSampleWarning, match="rests on 25 horizons of 8h"):
        start_live(regimes_market(300), n_train=200, model=Ewma(), asset="SIM")


def test_static_margin_above_the_notional_is_refused():
    start = start_live(regimes_market(3000), n_train=2000, model=Ewma(), asset="SIM")

    with pytest.raises(ArgumentError, match="static_long must be a fraction of the notional up to 1; got 6"):
        compare_static_dynamic(start.later, start.state, start.policy, static_long=6, static_short=0.06)


def test_a_static_margin_of_nothing_is_refused():
    start = start_live(regimes_market(3000), n_train=2000, model=Ewma(), asset="SIM")

    with pytest.raises(ArgumentError, match="static_long"):
        compare_static_dynamic(start.later, start.state, start.policy, static_long=0.0, static_short=0.1)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore::volkit.errors.NearIntegratedWarning")
def test_hourly_bitcoin_keeps_the_target_overall_and_in_each_full_year(real_data):
    bars = open_source(f"files:{real_data}").load_bars("BTC", interval="1h")
    start = start_live(bars, n_train=180 * 24)
    found = compare_static_dynamic(
        start.later, start.state, start.policy, static_long=start.static_long, static_short=start.static_short
    )

    for side in ("long", "short"):
        row = found.table.loc[("online", side)]
        years = found.years.loc[("online", side)].drop("all")
        assert years.index.tolist() == ["2019", "2020", "2021"]
        assert row["exceedances"] <= row["allowed"]
        assert (holm(years["p_above"].to_numpy()) > 0.05).all()
        assert (years["exceedances"] <= years["allowed"]).all()
        assert 0.0 <= row["p_below"] <= 1.0 and np.isfinite([row["gap_above"], row["gap_below"]]).all()
    assert full_years(found.blocks.index).nunique() == 3
    assert found.table.loc[("static", "short"), "exceedances"] > found.table.loc[("static", "short"), "allowed"]
    assert found.table.loc["online", "mean_margin"].mean() > found.table.loc["static", "mean_margin"].mean()


@pytest.mark.real
def test_minutes_of_january_2022_replay_without_a_skipped_bar(real_data):
    bars = open_source(f"files:{real_data}").load_bars("BTC_PERP", interval="1m")
    with pytest.warns(SmallSampleWarning, match="rests on 30 horizons"):
        start = start_live(bars, n_train=10 * 1440)
    found = compare_static_dynamic(
        start.later, start.state, start.policy, static_long=start.static_long, static_short=start.static_short
    )

    assert found.replay.skipped.empty
    assert found.replay.n_blocks == 63
    assert (found.table["exceedances"].loc["online"] <= found.table["allowed"].loc["online"]).all()
