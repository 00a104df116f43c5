"""What two clocks have in common: any two series of a panel, daylight saving, early closes, the factor that is left."""

import warnings

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, AsynchronousWarning, DataError
from volkit.prices import Synchrony, align, warn_asynchronous
from volkit.prices.synchrony import clock_words, synchrony_of
from volkit.sources import load_catalogue, make_bars

CATALOGUE = load_catalogue()
HOUR = pd.Timedelta(hours=1)


def bars(name, labels, interval="1d"):
    values = 100.0 + np.arange(len(labels)) % 7
    return make_bars(pd.DataFrame({"close": values}, index=labels), CATALOGUE[name], interval=interval, source="typed")


def hours(first, n_days):
    return pd.date_range(first, periods=24 * n_days, freq="h", tz="UTC")


def days(first, n_days):
    return pd.date_range(first, periods=n_days, tz="UTC")


def closes(start, offsets):
    """Return close instants (hours after midnight of successive days)."""
    return pd.Series([pd.Timestamp(start, tz="UTC") + (24 * i + o) * HOUR for i, o in enumerate(offsets)])


@pytest.mark.parametrize(("monday", "close"), [("2024-03-04", 21), ("2024-03-11", 20), ("2024-11-04", 21)])
def test_hourly_coin_meets_new_york_in_every_season(monday, close):
    panel = align([bars("BTC", hours(monday, 5), "1h"), bars("SPX", days(monday, 5))])

    assert panel.close_time["BTC"].dt.hour.tolist() == [close] * 5
    assert panel.synchrony("BTC", "SPX").overlap_share == 1.0
    assert panel.synchrony("BTC", "SPX").attenuation == 1.0


def test_utc_day_lies_three_hours_off_in_winter_and_four_in_summer():
    winter = align([bars("BTC", days("2024-03-04", 5)), bars("SPX", days("2024-03-04", 5))]).synchrony("SPX", "BTC")
    summer = align([bars("BTC", days("2024-03-11", 5)), bars("SPX", days("2024-03-11", 5))]).synchrony("SPX", "BTC")

    assert (winter.mismatch, summer.mismatch) == (3.0, 4.0)
    assert (winter.overlap_share, summer.overlap_share) == pytest.approx((21 / 24, 20 / 24))


def test_week_of_the_clock_change_has_one_longer_day():
    # Friday 2024-03-08 closes at 21:00 UTC, Monday 2024-03-11 at 20:00: 71 hours, of which the UTC days share 68.
    panel = align(
        [bars("BTC", days("2024-03-08", 4)), bars("SPX", pd.DatetimeIndex(["2024-03-08", "2024-03-11"], tz="UTC"))]
    )

    assert panel.synchrony("SPX", "BTC").attenuation == pytest.approx(68 / np.sqrt(71 * 72))


def test_early_close_shortens_what_is_shared():
    # Closes at 20:00, 17:00 (3 July) and 20:00 UTC two days on; UTC days end at 24:00.
    labels = pd.DatetimeIndex(["2024-07-02", "2024-07-03", "2024-07-05"], tz="UTC")
    panel = align([bars("BTC", days("2024-07-01", 6)), bars("SPX", labels)])

    found = panel.synchrony("BTC", "SPX")

    assert found.attenuation == pytest.approx((17 + (24 + 20)) / np.sqrt(72 * 72))
    assert found.mismatch == -4.0


def test_any_two_series_have_a_synchrony_of_their_own():
    # Both UTC-day series end at 24:00, so that they share everything, whatever the clock of the panel.
    panel = align(
        [bars("BTC", days("2024-07-08", 5)), bars("ETH", days("2024-07-08", 5)), bars("SPX", days("2024-07-08", 3))]
    )

    assert panel.synchrony("BTC", "ETH").overlap_share == 1.0
    assert panel.synchrony("BTC", "SPX").overlap_share == pytest.approx(20 / 24)
    assert panel.overlap_share["BTC"] == pytest.approx(panel.synchrony("SPX", "BTC").overlap_share)


def test_clocks_are_named_by_their_rule():
    hourly = align([bars("BTC", hours("2024-07-01", 5), "1h"), bars("SPX", days("2024-07-01", 3))])
    daily = align([bars("BTC", days("2024-07-01", 5)), bars("SPX", days("2024-07-01", 3))])

    assert hourly.synchrony("BTC", "SPX").clocks == ("BTC at the close of SPX", "SPX at New York cash close")
    assert daily.synchrony("BTC", "SPX").clocks == ("BTC at 00:00 UTC", "SPX at New York cash close")


def test_attenuation_is_the_correlation_of_two_walks_over_the_true_one():
    # 40,000 days of two walks by the hour, observed six hours apart: a plain simulation of the definition.
    rng = np.random.default_rng(5)
    steps = rng.standard_normal((40_001, 24))
    first = steps[1:].sum(axis=1)
    second = steps[1:, :18].sum(axis=1) + steps[:-1, 18:].sum(axis=1)

    found = synchrony_of(closes("2024-01-01", [24] * 50), closes("2024-01-01", [18] * 50), clocks=("a", "b"))

    assert found.attenuation == pytest.approx(18 / 24)
    # Four standard errors, sqrt((1 - r^2)^2 / n).
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(found.attenuation, abs=4 * (1 - 0.75**2) / 200)


def test_order_and_time_shift_do_not_matter():
    rng = np.random.default_rng(2)
    for _ in range(20):
        a, b = (closes("2024-01-01", rng.integers(0, 24, 30)) for _ in range(2))
        one, other = synchrony_of(a, b, clocks=("a", "b")), synchrony_of(b, a, clocks=("b", "a"))
        late = synchrony_of(a + 999 * HOUR, b + 999 * HOUR, clocks=("a", "b"))

        assert (one.overlap_share, one.attenuation) == (other.overlap_share, other.attenuation)
        assert (late.attenuation, late.mismatch) == (one.attenuation, -other.mismatch)
        assert 0.0 <= one.overlap_share <= 1.0 and 0.0 <= one.attenuation <= 1.0


def test_missing_close_takes_both_of_its_periods_out():
    a, b = closes("2024-01-01", [24] * 6), closes("2024-01-01", [24, 24, 12, 24, 24, 24])
    gone = b.copy()
    gone.iloc[2] = pd.NaT

    assert synchrony_of(a, b, clocks=("a", "b")).attenuation < 1.0
    assert synchrony_of(a, gone, clocks=("a", "b")).attenuation == 1.0


def test_longer_changes_lose_the_same_hours_once():
    daily = Synchrony(clocks=("a", "b"), overlap_share=0.75, attenuation=0.8)

    weekly = daily.over(5)

    assert (weekly.overlap_share, weekly.attenuation) == pytest.approx((0.95, 0.96))
    assert daily.over(1).attenuation == pytest.approx(0.8)


def test_warning_names_clocks_share_and_remedy_below_the_threshold():
    apart = Synchrony(clocks=("16:00 New York", "24:00 UTC"), overlap_share=0.949, attenuation=0.97)

    with pytest.warns(
        AsynchronousWarning, match="BTC and SPX compares.*16:00 New York against 24:00 UTC: 95 %.*hourly bars"
    ):
        warn_asynchronous(apart, what="the correlation of BTC and SPX")


def test_ninety_five_per_cent_stay_silent_and_so_do_unstated_clocks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_asynchronous(Synchrony(clocks=("a", "b"), overlap_share=0.95, attenuation=0.9), what="it")
        warn_asynchronous(None, what="it")

    assert clock_words(None) == "clocks not stated"


def test_unknown_name_and_lonely_rows_are_refused():
    panel = align([bars("BTC", days("2024-07-01", 5)), bars("SPX", days("2024-07-01", 3))])

    with pytest.raises(ArgumentError, match="second must name one of BTC, SPX; got 'NDX'"):
        panel.synchrony("BTC", "NDX")
    with pytest.raises(DataError, match="two rows in succession; got 1 rows with both"):
        synchrony_of(closes("2024-01-01", [24]), closes("2024-01-01", [24]), clocks=("a", "b"))
