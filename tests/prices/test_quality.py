"""Nothing is repaired, everything is counted; what would spoil every number is refused."""

import re

import numpy as np
import pandas as pd
import pytest

from volkit.errors import DataError
from volkit.prices import inspect_bars
from volkit.results import SeriesProvenance
from volkit.sources import Bars, FilesSource, load_catalogue, make_bars

CATALOGUE = load_catalogue()
DAYS = pd.date_range("2024-01-01", periods=40, tz="UTC", unit="us", name="time")
WALK = 100.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0.0, 0.02, len(DAYS))))


def bars(frame=None, name="BTC", interval="1d"):
    frame = pd.DataFrame({"close": WALK}, index=DAYS) if frame is None else frame
    return make_bars(frame, CATALOGUE[name], interval=interval, source="typed in")


def raw_bars(index):
    """Return bars as a careless source might build them, past the checks of `make_bars`."""
    frame = pd.DataFrame({"close": WALK[: len(index)], "close_time": index}, index=index)
    provenance = SeriesProvenance(name="BTC", source="typed in", sha256="", unit="USD", close_rule="end of the bar")
    return Bars(frame=frame, spec=CATALOGUE["BTC"], interval="1d", provenance=provenance)


def of_kind(report, kind):
    return report.findings.loc[report.findings["kind"] == kind, ["series", "first", "last", "count", "detail"]]


def only(report, kind):
    rows = of_kind(report, kind)
    assert len(rows) == 1
    return rows.iloc[0].to_dict()


def exactly(message):
    return f"^{re.escape(message)}$"


def test_clean_bars_have_no_findings():
    report = inspect_bars([bars()])

    assert report.findings.empty
    assert report.headline == "1 series, 40 bars, 0 findings"
    assert report.table.loc["BTC", ["bars", "expected bars", "missing bars"]].tolist() == [40, 40, 0]


def test_gap_is_one_run_with_first_last_and_count():
    report = inspect_bars([bars(pd.DataFrame({"close": WALK}, index=DAYS).drop(DAYS[10:13]))])

    assert only(report, "missing bars") == {
        "series": "BTC",
        "first": DAYS[10],
        "last": DAYS[12],
        "count": 3,
        "detail": "no bar where the calendar expects one",
    }
    assert report.table.loc["BTC", ["bars", "expected bars", "missing bars"]].tolist() == [37, 40, 3]


def test_two_gaps_are_two_runs():
    report = inspect_bars([bars(pd.DataFrame({"close": WALK}, index=DAYS).drop([DAYS[3], DAYS[20]]))])

    assert of_kind(report, "missing bars")["first"].tolist() == [DAYS[3], DAYS[20]]


def test_hours_missing_from_a_day_are_found():
    hours = pd.date_range("2024-01-01", periods=40, freq="h", tz="UTC")
    report = inspect_bars([bars(pd.DataFrame({"close": WALK}, index=hours).drop(hours[[7, 8]]), interval="1h")])

    assert only(report, "missing bars")["count"] == 2
    assert list(report.table.index) == ["BTC 1h"]


def test_weekends_and_holidays_are_no_gaps_of_a_share_index():
    week = pd.DatetimeIndex(["2024-01-11", "2024-01-12", "2024-01-16", "2024-01-17"], tz="UTC")

    report = inspect_bars([bars(pd.DataFrame({"close": WALK[:4]}, index=week), name="SPX")])

    assert report.findings.empty


def test_missing_session_of_a_share_index_is_a_gap():
    week = pd.DatetimeIndex(["2024-01-10", "2024-01-12", "2024-01-16"], tz="UTC")

    report = inspect_bars([bars(pd.DataFrame({"close": WALK[:3]}, index=week), name="SPX")])

    assert only(report, "missing bars")["first"] == pd.Timestamp("2024-01-11", tz="UTC")


def test_missing_month_of_a_monthly_level_is_a_gap():
    months = pd.DatetimeIndex(["2024-01-01", "2024-02-01", "2024-04-01"], tz="UTC")

    report = inspect_bars([bars(pd.DataFrame({"close": WALK[:3]}, index=months), name="M2")])

    assert only(report, "missing bars")["first"] == pd.Timestamp("2024-03-01", tz="UTC")


@pytest.mark.parametrize(("name", "date"), [("SPX", "2024-01-15"), ("SPX", "2024-01-13"), ("GOLD", "2024-01-13")])
def test_bar_on_a_holiday_or_weekend_is_off_calendar(name, date):
    days = pd.DatetimeIndex(["2024-01-12", date, "2024-01-16"], tz="UTC")

    report = inspect_bars([bars(pd.DataFrame({"close": WALK[:3]}, index=days), name=name)])

    assert only(report, "off calendar")["first"] == pd.Timestamp(date, tz="UTC")


def test_bar_without_a_close_is_a_missing_value():
    frame = pd.DataFrame({"close": WALK}, index=DAYS)
    frame.loc[DAYS[4:6], "close"] = np.nan

    assert only(inspect_bars([bars(frame)]), "missing values")["count"] == 2


def test_settlement_outside_the_range_is_reported_and_left():
    frame = pd.DataFrame({"open": WALK, "high": WALK + 1, "low": WALK - 1, "close": WALK}, index=DAYS)
    frame.loc[DAYS[7], "close"] = WALK[7] + 1.5
    one = bars(frame)

    assert only(inspect_bars([one]), "price order")["first"] == DAYS[7]
    assert one.frame["close"].iloc[7] == WALK[7] + 1.5


def test_negative_price_of_a_log_series_is_reported_with_its_value():
    frame = pd.DataFrame({"close": WALK}, index=DAYS)
    frame.loc[DAYS[7], "close"] = -37.63

    assert only(inspect_bars([bars(frame, name="BTC")]), "not positive")["detail"] == (
        "a price of zero or less: no log return there: -37.63"
    )


def test_negative_yield_is_nothing_odd():
    frame = pd.DataFrame({"close": -WALK / 100}, index=DAYS)

    assert of_kind(inspect_bars([bars(frame, name="REAL10Y")]), "not positive").empty


def test_four_equal_closes_are_stale_and_three_are_not():
    close = WALK.copy()
    close[5:9], close[20:23] = 101.0, 102.0

    found = only(inspect_bars([bars(pd.DataFrame({"close": close}, index=DAYS))]), "stale")

    assert (found["first"], found["last"], found["count"]) == (DAYS[5], DAYS[8], 4)
    assert found["detail"] == "the same close again and again: 101"


def test_stale_runs_that_touch_are_told_apart():
    close = WALK.copy()
    close[5:9], close[9:14] = 101.0, 102.0

    found = of_kind(inspect_bars([bars(pd.DataFrame({"close": close}, index=DAYS))]), "stale")

    assert found["count"].tolist() == [4, 5]


def test_missing_closes_are_not_stale():
    frame = pd.DataFrame({"close": WALK}, index=DAYS)
    frame.loc[DAYS[5:12], "close"] = np.nan

    assert of_kind(inspect_bars([bars(frame)]), "stale").empty


def test_slipped_decimal_is_an_outlier_on_the_way_in_and_out():
    close = WALK.copy()
    close[20] *= 10

    found = of_kind(inspect_bars([bars(pd.DataFrame({"close": close}, index=DAYS))]), "outlier")

    assert found["first"].tolist() == [DAYS[20], DAYS[21]]
    assert found["detail"].str.contains("log return").all()


def test_outlier_bound_can_be_chosen():
    assert not of_kind(inspect_bars([bars()], outlier_mads=2.0), "outlier").empty


def test_empty_bars_are_counted_as_none():
    report = inspect_bars([bars(pd.DataFrame({"close": WALK}, index=DAYS).iloc[:0])])

    assert report.table.loc["BTC", "bars"] == 0 and report.findings.empty


def test_single_bar_has_no_findings():
    assert inspect_bars([bars(pd.DataFrame({"close": WALK}, index=DAYS).iloc[:1])]).findings.empty


def test_series_without_any_close_is_one_run_of_missing_values():
    report = inspect_bars([bars(pd.DataFrame({"close": np.nan}, index=DAYS))])

    assert only(report, "missing values")["count"] == len(DAYS)
    assert len(report.findings) == 1


def test_constant_series_is_stale_and_has_no_outlier():
    report = inspect_bars([bars(pd.DataFrame({"close": 1.0}, index=DAYS))])

    assert report.findings["kind"].tolist() == ["stale"]


def test_naive_times_are_refused():
    message = (
        "bars of BTC must have times in UTC (datetime64[us, UTC]); got naive times from 2024-01-01 00:00:00; "
        'say what zone they are in, e.g. data.tz_localize("UTC").'
    )

    with pytest.raises(DataError, match=exactly(message)):
        inspect_bars([raw_bars(DAYS.tz_localize(None))])


def test_duplicate_times_are_refused():
    message = (
        "bars of BTC must have unique times; got 1 duplicate times, first 2024-01-02 00:00:00+00:00; "
        "decide which row is right, e.g. data[~data.index.duplicated(keep='last')]."
    )

    with pytest.raises(DataError, match=exactly(message)):
        inspect_bars([raw_bars(DAYS[[0, 1, 1, 2]])])


def test_unsorted_times_are_refused():
    message = (
        "bars of BTC must be sorted by time; got a step back at 2024-01-02 00:00:00+00:00; "
        "call data.sort_index() first."
    )

    with pytest.raises(DataError, match=exactly(message)):
        inspect_bars([raw_bars(DAYS[[0, 2, 1]])])


def test_daily_label_off_midnight_is_refused():
    message = (
        "bars of BTC must be labelled by their open on the 1d grid (UTC); got 40 other labels, first "
        "2024-01-01 05:00:00+00:00; label a daily bar by its session date at 00:00 UTC."
    )

    with pytest.raises(DataError, match=exactly(message)):
        inspect_bars([bars(pd.DataFrame({"close": WALK}, index=DAYS + pd.Timedelta(hours=5)))])


def test_infinite_price_is_refused():
    frame = pd.DataFrame({"close": WALK}, index=DAYS)
    frame.loc[DAYS[4], "close"] = np.inf
    message = "bars of BTC must be finite; got 1 infinite rows, first 2024-01-05 00:00:00+00:00; leave them empty."

    with pytest.raises(DataError, match=exactly(message)):
        inspect_bars([bars(frame)])


@pytest.mark.real
def test_oil_below_zero_is_found_on_its_day(real_data):
    report = inspect_bars([FilesSource(str(real_data)).load_bars("WTI_FUT")])

    found = only(report, "not positive")
    assert found["first"] == pd.Timestamp("2020-04-20", tz="UTC") and found["detail"].endswith(": -37.63")


@pytest.mark.real
def test_gold_settlements_outside_the_range_are_all_counted(real_data):
    gold = FilesSource(str(real_data)).load_bars("GOLD")
    frame = gold.frame
    outside = (frame["close"] > frame["high"]) | (frame["close"] < frame["low"])

    assert inspect_bars([gold]).table.loc["GOLD", "price order"] == outside.sum() == 25


@pytest.mark.real
@pytest.mark.parametrize("name", ["BTC", "ETH"])
def test_flat_hours_of_an_outage_are_one_stale_run(real_data, name):
    report = inspect_bars([FilesSource(str(real_data)).load_bars(name, interval="1h")])

    # Four flat hours, and the hour before them, whose close they repeat. A lone flat hour is no run.
    found = only(report, "stale")
    assert (str(found["first"]), str(found["last"])) == ("2020-04-25 19:00:00+00:00", "2020-04-25 23:00:00+00:00")
    assert found["count"] == 5
