import gzip
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from volkit.errors import ArgumentError
from volkit.margin.tiers import TierTable, from_leverage_tiers, implied_margin

TIERS = TierTable(
    floors=(0.0, 1e6, 1e7),
    maintenance_rates=(0.004, 0.01, 0.03),
    initial_rates=(0.008, 0.02, 0.06),
    cap=5e7,
    asset="BTC",
)
HOURS = [1, 4]


def bars_of(n=4_001, seed=1, volatility=0.004):
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, volatility, n)))
    times = pd.date_range("2024-01-01", periods=n, freq="1h", tz="UTC")
    return pd.DataFrame({"open": close, "high": 1.0005 * close, "low": 0.9995 * close, "close": close}, index=times)


def test_confidence_is_that_of_the_law_behind_the_bars():
    found = implied_margin(TIERS, bars_of(20_001), horizons=[1], event="end")

    first = found.frame.loc[("long", 1, pd.Timedelta("1h"))]
    truth = stats.norm.sf(np.log(1 - 0.004) / 0.004)
    assert first["confidence"] == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / 20_000))
    assert first["low"] < truth < first["high"]
    assert first["rate"] == 0.004 and first["notional"] == 0.0


def test_confidence_is_the_share_of_losses_not_above_the_rate():
    bars = bars_of(500)

    found = implied_margin(TIERS, bars, horizons=[3])

    # An independent slow loop over windows: the lowest low against the close before.
    close, low = bars["close"].to_numpy(), bars["low"].to_numpy()
    lost = [1 - min(low[t + 1 : t + 4]) / close[t] for t in range(497)]
    for k, rate in ((1, 0.004), (2, 0.004), (3, (0.004 * 1e6 + 0.01 * 9e6) / 1e7)):
        row = found.frame.loc[("long", k, pd.Timedelta("3h"))]
        assert row["rate"] == pytest.approx(rate)
        assert row["n_hits"] == sum(x > rate for x in lost) and row["n_obs"] == 497


def test_higher_tiers_are_safer_and_longer_horizons_are_not():
    found = implied_margin(TIERS, bars_of(), horizons=HOURS).summary()

    assert (found.groupby("side").diff().dropna() >= 0).all(axis=None)
    assert (found[pd.Timedelta("4h")] <= found[pd.Timedelta("1h")]).all()


def test_impact_takes_from_the_margin_at_the_weakest_size():
    found = implied_margin(TIERS, bars_of(), horizons=[1], impact=lambda n: 0.0005 + 0.02 * (n / 5e7) ** 0.5)

    third = found.frame.loc[("long", 3, pd.Timedelta("1h"))]
    assert third["rate"] < TIERS.maintenance_rate(1e7) - 0.0005
    last = implied_margin(TIERS, bars_of(), horizons=[1], impact=lambda _: 0.5).frame.iloc[0]
    assert last["confidence"] == 0.0 and "impact" in last["reason"] and np.isnan(last["low"])


def test_weakest_size_is_the_cap_where_only_the_impact_rises():
    found = implied_margin(TIERS, bars_of(), horizons=[1], impact=lambda n: 0.001 * (n / 1e6) ** 0.5)

    first = found.frame.loc[("long", 1, pd.Timedelta("1h"))]
    assert first["notional"] == 1e6 and first["rate"] == pytest.approx(0.003)


def test_interval_of_single_bars_is_that_of_clopper_and_pearson():
    found = implied_margin(TIERS, bars_of(1_001), horizons=[1], event="end").frame.loc[("short", 1)].iloc[0]

    n, x = int(found["n_obs"]), int(found["n_hits"])
    assert n == 1_000 and found["effective_size"] == pytest.approx(n)
    assert found["low"] == pytest.approx(1 - stats.beta.ppf(0.975, x + 1, n - x), rel=1e-9)
    assert found["high"] == pytest.approx(1 - stats.beta.ppf(0.025, x, n - x + 1), rel=1e-9)


def test_horizon_beyond_one_that_falls_short_is_not_implied():
    # Back and forth: every second bar loses 2 %, two bars in a row nothing.
    bars = bars_of(400)
    zigzag = pd.Series(np.where(np.arange(400) % 2, 102.0, 100.0), index=bars.index)
    bars = pd.DataFrame(dict.fromkeys(bars.columns, zigzag))

    found = implied_margin(TIERS, bars, horizons=[1, 2], event="end")

    assert found.summary().loc[("long", 1)].tolist() == pytest.approx([0.5, 1.0], abs=0.01)
    assert pd.isna(found.horizons.loc[("long", 1), "implied_horizon"])


def test_implied_horizon_is_the_longest_at_which_the_target_is_met():
    found = implied_margin(TIERS, bars_of(), horizons=[1, 2, 4, 8, 16], target=0.95, layer="initial_margin")

    horizons = found.horizons
    for (side, tier), row in horizons.iterrows():
        by_horizon = found.frame["confidence"].xs((side, tier), level=("side", "tier"))
        met = by_horizon[by_horizon >= 0.95]
        assert row["implied_horizon"] == met.index.max() if len(met) else pd.isna(row["implied_horizon"])
    assert (
        horizons["sure_horizon"].fillna(pd.Timedelta(0)) <= horizons["implied_horizon"].fillna(pd.Timedelta(0))
    ).all()
    assert horizons.loc[("long", 3), "implied_horizon"] == pd.Timedelta("16h")


def test_missing_bars_are_not_bridged():
    bars = bars_of(1_000)
    found = implied_margin(TIERS, bars.drop(bars.index[500]), horizons=[4])

    assert found.n_dropped == 5 and found.frame["n_obs"].iloc[0] == 996 - 5


def test_later_bars_do_not_reach_back():
    bars = bars_of(1_000)

    early = implied_margin(TIERS, bars.iloc[:600], horizons=HOURS)
    changed = bars.copy()
    changed.iloc[700:] *= 2.0

    pd.testing.assert_frame_equal(early.frame, implied_margin(TIERS, changed.iloc[:600], horizons=HOURS).frame)
    assert early.as_of == bars.index[599]


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"horizons": []}, "horizons"),
        ({"horizons": [1, pd.Timedelta("1h")]}, "horizons"),
        ({"horizons": [0]}, "horizon"),
        ({"layer": "margin"}, "layer"),
        ({"event": "close"}, "event"),
        ({"target": 0.01}, "target"),
        ({"interval_confidence": 95}, "interval_confidence"),
    ],
)
def test_bad_questions_are_refused(changes, argument):
    with pytest.raises(ArgumentError) as caught:
        implied_margin(TIERS, bars_of(100), **{"horizons": [1], **changes})

    assert caught.value.argument == argument


@pytest.mark.real
def test_first_tier_of_bitcoin_covers_minutes_and_not_hours(real_data):
    with gzip.open(real_data / "derivatives/binance_leverage_tiers_2024-10.json.gz") as file:
        btc = from_leverage_tiers(json.load(file)["BTC/USDT:USDT"], asset="BTC")
    bars = pd.read_csv(real_data / "hourly/BTC-USD_1h.csv.gz")
    bars.index = pd.to_datetime(bars.iloc[:, 0], utc=True)

    found = implied_margin(
        btc, bars[["open", "high", "low", "close"]].iloc[-8_760:], horizons=[1, 8], interval=pd.Timedelta("1h")
    )

    # A margin of 0.4 % against an hour of bitcoin: far below any 99 % standard.
    assert found.table.maintenance_rates[0] == 0.004
    assert (found.frame.xs(1, level="tier")["high"] < 0.95).all()
    assert found.horizons.loc[("long", 1), "implied_horizon"] is pd.NaT
