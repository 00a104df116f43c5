"""What alignment does to a true correlation of 0.50: simulated hours of sixty years, through bars and `align`."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from volkit.correlation.estimators import pearson_correlation
from volkit.correlation.synchrony import lead_lag_correlation, overlapping_correlation
from volkit.errors import AsynchronousWarning, DataError
from volkit.prices import align
from volkit.returns import changes
from volkit.sources import load_catalogue, make_bars
from volkit.sources.catalogue import CloseRule

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue()
# The table was measured on weekdays without holidays or early closes.
EQUITY = CATALOGUE["SPX"].model_copy(
    update={"calendar": "weekdays", "close": CloseRule(rule="local", time="16:00", zone="America/New_York")}
)
FIRST, LAST = pd.Timestamp("1961-01-02", tz="UTC"), pd.Timestamp("2020-12-31", tz="UTC")
RHO = 0.5

# One draw of about sixty years. A correlation of 15,000 daily changes has a standard error of 0.006 to 0.007 there and
# here: 0.02 are two standard errors of a difference.
TABLE = json.loads((Path(__file__).parents[1] / "reference" / "matrix.json").read_text())["alignment"]


class World:
    """Two latent log prices by the hour, and what a notebook would load of them."""

    def __init__(self, kind, seed):
        rng = np.random.default_rng(seed)
        self.hours = pd.date_range(FIRST, LAST + pd.Timedelta(days=2), freq="h", unit="us")
        coin, own = rng.standard_normal((2, len(self.hours)))
        stock = RHO * coin + np.sqrt(1 - RHO**2) * own
        if kind == "B":
            stock = stock * np.sqrt(self._news())
        # The shock of an hour is known at its end.
        ends = self.hours + pd.Timedelta(hours=1)
        self.coin, self.stock = (pd.Series(0.002 * s.cumsum(), index=ends) for s in (coin, stock))
        self.sessions = pd.bdate_range(FIRST, LAST, unit="us")

    def _news(self):
        """Return the variance of an hour of equity news: 70 % of a weekday's in seven hours, a tenth at weekends."""
        local = self.hours.tz_convert("America/New_York")
        in_session = (local.hour >= 9) & (local.hour < 16)
        weekday = np.where(in_session, 0.7 * 24 / 7, 0.3 * 24 / 17)
        return np.where(local.day_of_week < 5, weekday, 0.1)

    def bars(self, spec, labels, log_price, interval):
        frame = pd.DataFrame({"close": np.exp(log_price.to_numpy())}, index=labels)
        return make_bars(frame, spec, interval=interval, source="simulated", simulated=True)

    def equity(self):
        return self.bars(EQUITY, self.sessions, self.stock.reindex(EQUITY.close_times(self.sessions)), "1d")

    def hourly(self):
        return self.bars(CATALOGUE["BTC"], self.hours, self.coin, "1h")

    def daily(self):
        days = pd.date_range(FIRST, LAST, unit="us")
        return self.bars(CATALOGUE["BTC"], days, self.coin.reindex(days + pd.Timedelta(days=1)), "1d")


@pytest.fixture(scope="module", params=["A", "B"])
def constructions(request):
    world = World(request.param, seed=7)
    coin = np.log(world.daily().frame["close"])
    stock = np.log(world.equity().frame["close"])
    tokyo = world.stock.reindex(world.sessions + pd.Timedelta(hours=6)).set_axis(world.sessions)
    return request.param, {
        "hourly": align([world.hourly(), world.equity()]),
        "daily": align([world.daily(), world.equity()]),
        "filled": pd.DataFrame({"BTC": coin, "SPX": stock.reindex(coin.index).ffill()}).diff().iloc[1:],
        "joined": pd.concat({"BTC": coin.diff(), "SPX": stock.diff()}, axis=1).dropna(),
        "same date": pd.DataFrame({"NKY": tokyo, "BTC": coin.reindex(tokyo.index)}).diff().iloc[1:],
    }


def test_each_construction_gives_its_share_of_the_truth(constructions, capsys):
    kind, made = constructions
    at_close, utc_days = changes(made["hourly"]), changes(made["daily"])
    clocks = made["daily"].synchrony("BTC", "SPX")
    with pytest.warns(AsynchronousWarning, match=r"attenuation 0\.89"):
        aligned = pearson_correlation(utc_days["BTC"], utc_days["SPX"], synchrony=clocks)
    with pytest.warns(AsynchronousWarning):
        two_days = overlapping_correlation(utc_days["BTC"], utc_days["SPX"], synchrony=clocks)
    found = {
        "hourly at the New York close": pearson_correlation(at_close["BTC"], at_close["SPX"]).correlation,
        "UTC days, prices aligned": aligned.correlation,
        "UTC days, returns joined": made["joined"].corr().iloc[0, 1],
        "equity carried forward to 7 days": made["filled"].corr().iloc[0, 1],
        "Tokyo close, same UTC date": made["same date"].corr().iloc[0, 1],
        "Tokyo close, lead-lag": lead_lag_correlation(made["same date"]["NKY"], made["same date"]["BTC"]).correlation,
    }
    repaired = lead_lag_correlation(utc_days["BTC"], utc_days["SPX"], synchrony=clocks).correlation

    with capsys.disabled():
        rows = {**found, "UTC days, lead-lag": repaired, "UTC days, two-day sums": two_days.correlation}
        print(
            f"\nsimulation {kind}, true correlation of synchronous shocks 0.50, {len(utc_days)} rows; beside: the table"
        )
        for name, value in rows.items():
            print(f"  {name:36s} {value:.3f}   {TABLE[kind].get(name, float('nan')):.3f}")

    assert found == pytest.approx(TABLE[kind], abs=0.02)
    if kind == "A":
        synchronous = found["hourly at the New York close"]
        assert 0.49 <= synchronous <= 0.51
        assert 0.48 <= repaired <= 0.52
        assert aligned.correlation / synchronous == pytest.approx(clocks.attenuation, abs=0.02)
        assert two_days.correlation / synchronous == pytest.approx(clocks.over(2).attenuation, abs=0.02)


def test_hourly_prices_at_the_close_share_the_whole_period(constructions):
    _, made = constructions

    clocks = made["hourly"].synchrony("BTC", "SPX")

    assert (clocks.overlap_share, clocks.attenuation, clocks.mismatch) == (1.0, 1.0, 0.0)
    assert clocks.clocks == ("BTC at the close of SPX", "SPX at 16:00 America/New_York")


def test_equity_carried_forward_is_refused(constructions):
    _, made = constructions

    with pytest.raises(DataError, match=r"SPX\) must not carry a price forward.*do not forward-fill"):
        pearson_correlation(made["filled"]["BTC"], made["filled"]["SPX"])
