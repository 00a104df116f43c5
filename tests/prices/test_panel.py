"""Closes of many series on one clock: paired, never filled, with the mismatch stated."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, AsynchronousWarning, DataError, SeriesNotFoundError
from volkit.prices import align, last_known, load_bars, load_prices
from volkit.returns import log_returns, simple_returns
from volkit.sources import BundledSource, FilesSource, SimulatedSource, load_catalogue, make_bars

CATALOGUE = load_catalogue()
HOUR = pd.Timedelta(hours=1)


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def bars(name, labels, close=None, interval="1d"):
    index = pd.DatetimeIndex(labels, tz="UTC") if not isinstance(labels, pd.DatetimeIndex) else labels
    values = np.arange(1.0, len(index) + 1) if close is None else close
    return make_bars(pd.DataFrame({"close": values}, index=index), CATALOGUE[name], interval=interval, source="typed")


def days(start, periods):
    return pd.date_range(start, periods=periods, tz="UTC")


def exactly(message):
    return f"^{re.escape(message)}$"


@pytest.fixture(scope="module")
def simulated():
    return SimulatedSource()


@pytest.fixture(scope="module")
def at_the_close(simulated):
    return load_prices(simulated, ["BTC", "SPX"], intervals={"BTC": "1h"}, start=utc("2024-01-01"))


def test_utc_day_pairs_with_the_session_of_the_same_date():
    panel = align([bars("BTC", days("2024-07-01", 5)), bars("SPX", ["2024-07-01", "2024-07-02"])])

    assert panel.clock == "SPX" and panel.periods_per_year == 252
    assert panel.close["BTC"].tolist() == [1.0, 2.0]
    assert panel.mismatch["BTC"].tolist() == [4.0, 4.0]


def test_july_early_close_still_pairs_with_its_own_date():
    panel = align([bars("BTC", days("2024-07-01", 5)), bars("SPX", ["2024-07-02", "2024-07-03", "2024-07-05"])])

    assert panel.close_time.loc["2024-07-03", "SPX"] == utc("2024-07-03 17:00")
    assert panel.close.loc["2024-07-03", "BTC"] == 3.0
    assert panel.mismatch.loc["2024-07-03", "BTC"] == 7.0


@pytest.mark.parametrize(("date", "close"), [("2024-01-16", "21:00"), ("2024-07-16", "20:00")])
def test_hourly_prices_are_taken_at_the_new_york_close(simulated, at_the_close, date, close):
    hours = simulated.load_bars("BTC", interval="1h").frame
    last_hour = hours.loc[hours["close_time"] == utc(f"{date} {close}"), "close"].item()

    assert at_the_close.close_time.loc[date, "BTC"] == utc(f"{date} {close}")
    assert at_the_close.close.loc[date, "BTC"] == last_hour


def test_hourly_prices_leave_no_mismatch(at_the_close):
    assert (at_the_close.mismatch["BTC"] == 0.0).all()
    assert at_the_close.overlap_share.to_dict() == {"BTC": 1.0, "SPX": 1.0}


def test_monday_return_of_bitcoin_covers_the_weekend():
    friday_to_monday = bars("BTC", days("2024-01-19", 4), [100.0, 90.0, 80.0, 88.0])

    panel = align([friday_to_monday, bars("SPX", ["2024-01-19", "2024-01-22"])])

    assert simple_returns(panel.close["BTC"]).tolist() == pytest.approx([-0.12], rel=1e-12)


def test_macro_is_missing_and_not_filled_on_a_clock_that_never_stops():
    panel = align(
        [bars("BTC", days("2024-01-11", 7)), bars("SPX", ["2024-01-11", "2024-01-12", "2024-01-16"])], clock="BTC"
    )

    assert panel.periods_per_year == 365
    # Friday's session, then a weekend and a holiday without one.
    assert panel.close["SPX"].isna().tolist() == [False, False, True, True, True, False, True]
    assert panel.summary()["missing"].to_dict() == {"BTC": 0, "SPX": 4}


def test_missing_price_is_not_replaced_by_its_neighbour():
    close = [1.0, np.nan, 3.0]
    panel = align([bars("BTC", days("2024-07-01", 3), close), bars("SPX", ["2024-07-01", "2024-07-02", "2024-07-03"])])

    np.testing.assert_array_equal(panel.close["BTC"], close)
    assert pd.isna(panel.close_time["BTC"].iloc[1])


def test_pair_at_the_tolerance_counts_and_one_beyond_does_not():
    pair = [bars("BTC", days("2024-07-02", 2)), bars("SPX", ["2024-07-02", "2024-07-03"])]  # mismatch 4 h and 7 h

    panel = align(pair, tolerance=4 * HOUR)

    assert panel.close["BTC"].isna().tolist() == [False, True]


def test_tolerance_that_uses_a_bar_twice_is_refused():
    message = (
        "tolerance must not let one bar stand for two periods; got 3 days 00:00:00, with which 2 bars of SPX are "
        "used more than once; pass less than half the distance of its closes, or choose SPX as the clock."
    )

    with pytest.raises(DataError, match=exactly(message)):
        align(
            [bars("BTC", days("2024-01-12", 5)), bars("SPX", ["2024-01-12", "2024-01-16", "2024-01-17"])],
            clock="BTC",
            tolerance=pd.Timedelta(days=3),
        )


def test_default_clock_is_the_first_of_sessions_or_weekdays():
    month, day = bars("M2", ["2024-01-01", "2024-02-01"]), bars("BTC", days("2024-01-01", 40))

    assert align([month, day], tolerance=HOUR).clock == "M2"
    assert align([day, month]).clock == "BTC"
    assert align([day, bars("DXY", ["2024-01-02"]), bars("SPX", ["2024-01-02"])]).clock == "DXY"


@pytest.mark.parametrize(
    ("name", "interval", "periods"),
    [
        ("BTC", "1d", 365),
        ("BTC", "1h", 8760),
        ("BTC", "1m", 525_600),
        ("SPX", "1d", 252),
        ("SPX", "1h", 1764),
        ("GOLD", "1d", 252),
        ("WALCL", "1d", 52),
        ("M2", "1d", 12),
    ],
)
def test_periods_per_year_belong_to_the_clock(name, interval, periods):
    assert align([bars(name, ["2024-01-03"], interval=interval)]).periods_per_year == periods


def test_crypto_on_sessions_has_the_periods_of_sessions(at_the_close):
    assert at_the_close.periods_per_year == 252


def test_span_takes_the_start_and_leaves_the_end_out():
    panel = align([bars("BTC", days("2024-01-01", 5))], start=utc("2024-01-02"), end=utc("2024-01-04"))

    assert [t.day for t in panel.close.index] == [2, 3]


def test_one_asset_is_its_own_clock():
    panel = align([bars("BTC", days("2024-01-01", 5))])

    assert panel.close["BTC"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert repr(panel) == "<PricePanel: 1 series, 5 rows 2024-01-01..2024-01-05 on the BTC clock>"


def test_panel_of_one_row_can_be_described():
    panel = align([bars("BTC", ["2024-01-01"])])

    assert panel.summary().loc["BTC", "prices"] == 1
    assert panel.as_of == utc("2024-01-02")


def test_no_bars_are_refused():
    with pytest.raises(
        ArgumentError,
        match=exactly("bars must hold each series once, and at least one; got []; pass one Bars a series."),
    ):
        align([])


def test_name_twice_is_refused():
    message = "bars must hold each series once, and at least one; got ['BTC', 'BTC']; pass one Bars a series."

    with pytest.raises(ArgumentError, match=exactly(message)):
        align([bars("BTC", days("2024-01-01", 3)), bars("BTC", days("2024-01-01", 3))])


def test_unknown_clock_lists_the_series():
    message = "clock must name one of BTC, SPX; got 'NYSE'; choose one of these."

    with pytest.raises(ArgumentError, match=exactly(message)):
        align([bars("BTC", ["2024-01-02"]), bars("SPX", ["2024-01-02"])], clock="NYSE")


def test_empty_span_says_what_there_is():
    message = (
        "start and end must leave bars of BTC; got 2030-01-01 00:00:00+00:00 to None; it has 2024-01-01..2024-01-03."
    )

    with pytest.raises(ArgumentError, match=exactly(message)):
        align([bars("BTC", days("2024-01-01", 3))], start=utc("2030-01-01"))


def test_bars_emptied_by_a_cut_are_refused_as_a_clock():
    empty = make_bars(
        pd.DataFrame({"close": []}, index=days("2024-01-01", 0)), CATALOGUE["BTC"], interval="1d", source=""
    )

    with pytest.raises(ArgumentError, match="must leave bars of BTC; got None to None; it has no bars"):
        align([empty])


@pytest.mark.parametrize("argument", ["start", "end"])
def test_naive_bound_is_refused(argument):
    message = (
        f"{argument} must be a time in UTC; got the naive 2024-01-02 00:00:00; "
        'pass pd.Timestamp("2024-01-02 00:00:00", tz="UTC").'
    )

    with pytest.raises(ArgumentError, match=exactly(message)):
        align([bars("BTC", days("2024-01-01", 3))], **{argument: pd.Timestamp("2024-01-02")})


def test_little_common_time_is_warned_of_with_its_share():
    gold, coins = bars("GOLD", ["2024-07-01", "2024-07-02"]), bars("BTC", days("2024-07-01", 2))
    message = (
        "BTC and the GOLD clock have 73 % of a period in common: a correlation is multiplied by about that share. "
        "Use hourly bars, or read it as a lower bound."
    )

    with pytest.warns(AsynchronousWarning, match=exactly(message)):
        panel = align([gold, coins])  # 13:30 New York to 24:00 UTC: six and a half hours

    assert panel.overlap_share["BTC"] == pytest.approx(1 - 6.5 / 24)


def test_column_without_a_single_pair_is_warned_of():
    message = (
        "BTC has no close within 8 hours of any on the SPX clock: its column is empty. Compare spans and close times, "
        "use hourly bars, or pass a larger tolerance."
    )

    with pytest.warns(AsynchronousWarning, match=exactly(message)):
        panel = align([bars("SPX", ["2024-07-01"]), bars("BTC", ["2023-07-01"])])

    assert panel.close["BTC"].isna().all() and panel.summary().loc["BTC", "prices"] == 0


def test_four_hours_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error", AsynchronousWarning)

        align([bars("BTC", days("2024-07-01", 2)), bars("SPX", ["2024-07-01", "2024-07-02"])])


def test_estimated_close_of_bundled_bitcoin_is_carried_to_summary_and_provenance():
    with pytest.warns(AsynchronousWarning, match="BTC and the SPX clock have 54 % of a period in common"):
        panel = load_prices(
            BundledSource(),
            ["BTC", "SPX"],
            start=utc("2016-07-05"),
            end=utc("2017-07-03"),
            tolerance=pd.Timedelta(hours=11),
        )

    assert panel.summary().loc["BTC", "closes"] == "07:00 UTC of the labelled date (estimated)"
    assert panel.provenance.series[0].close_estimated
    assert set(panel.close_time["BTC"].dt.hour) == {7}


def test_panel_cannot_be_changed_in_place():
    panel = align([bars("BTC", days("2024-01-01", 3))])

    with pytest.raises(ValueError, match="read-only"):
        panel.close.iloc[0, 0] = 9.0


def test_as_of_is_the_last_close_used():
    panel = align([bars("BTC", days("2024-07-01", 9)), bars("SPX", ["2024-07-01", "2024-07-02"])])

    assert panel.as_of == utc("2024-07-03")


@given(order=st.permutations(["BTC", "ETH", "SPX", "US10Y"]))
def test_columns_do_not_depend_on_their_order(order):
    labels = ["2024-07-01", "2024-07-02", "2024-07-03"]
    series = {n: bars(n, labels, close=np.arange(3.0) + i) for i, n in enumerate(["BTC", "ETH", "SPX", "US10Y"])}

    shuffled = align([series[n] for n in order], clock="SPX")

    pd.testing.assert_frame_equal(shuffled.close[list(series)], align(list(series.values()), clock="SPX").close)


@settings(max_examples=25)  # each example aligns twice
@given(cut=st.integers(2, 20), noise=st.lists(st.floats(1.0, 1e5), min_size=30, max_size=30))
def test_later_bars_leave_earlier_rows_alone(cut, noise):
    labels = days("2024-03-01", 30)
    sessions = labels[labels.day_of_week < 5].drop(utc("2024-03-29"))
    early = labels[cut]
    changed = np.where(labels <= early, np.arange(1.0, 31.0), noise)

    before = align([bars("BTC", labels[labels <= early]), bars("SPX", sessions[sessions <= early])])
    after = align([bars("BTC", labels, changed), bars("SPX", sessions)])

    rows = before.close.index
    pd.testing.assert_frame_equal(after.close.loc[rows], before.close, check_freq=False)
    pd.testing.assert_frame_equal(after.close_time.loc[rows], before.close_time, check_freq=False)


@pytest.fixture
def money():
    return bars("M2", pd.date_range("2023-01-01", periods=12, freq="MS", tz="UTC"))


def test_late_published_level_is_unknown_before_its_release(money):
    release = utc("2023-02-28 18:00")  # 13:00 New York in winter

    known = last_known(money, pd.DatetimeIndex([release - pd.Timedelta(microseconds=1), release]))

    assert np.isnan(known["value"].iloc[0]) and pd.isna(known["label"].iloc[0])
    assert known["value"].iloc[1] == 1.0 and known["label"].iloc[1] == utc("2023-01-01")


@given(hours=st.sets(st.integers(0, 24 * 400), min_size=1, max_size=20))
def test_no_value_is_seen_before_its_release(hours):
    level = bars("M2", pd.date_range("2023-01-01", periods=12, freq="MS", tz="UTC"))
    instants = pd.DatetimeIndex([utc("2023-01-01") + h * HOUR for h in sorted(hours)])

    known = last_known(level, instants)

    released = level.frame["release_time"].reindex(known["label"].dropna())
    assert (released.to_numpy() <= known.index[known["label"].notna()].to_numpy()).all()
    assert (known["age_days"].dropna() >= 0).all()


@settings(max_examples=25)
@given(cut=st.integers(0, 11), noise=st.lists(st.floats(1.0, 1e5), min_size=12, max_size=12))
def test_later_values_leave_earlier_knowledge_alone(cut, noise):
    labels = pd.date_range("2023-01-01", periods=12, freq="MS", tz="UTC")
    level = bars("M2", labels)
    instants = pd.date_range(utc("2023-01-15"), level.frame["release_time"].iloc[cut], freq="9D", inclusive="left")
    changed = np.where(np.arange(12) < cut, np.arange(1.0, 13.0), noise)

    pd.testing.assert_frame_equal(last_known(bars("M2", labels, changed), instants), last_known(level, instants))


def test_of_values_published_at_one_instant_the_latest_label_counts():
    rates = bars("FED_FUNDS", days("2024-01-01", 40))  # Friday, Saturday and Sunday all come out on Monday

    known = last_known(rates, pd.DatetimeIndex(["2024-01-22 15:00", "2024-01-29 15:00"], tz="UTC"))

    assert known["label"].tolist() == [utc("2024-01-21"), utc("2024-01-28")]


def test_value_without_a_release_rule_is_known_at_its_close():
    known = last_known(bars("BTC", ["2024-01-01"]), pd.DatetimeIndex(["2024-01-01 23:59", "2024-01-02"], tz="UTC"))

    assert known["value"].isna().tolist() == [True, False]
    assert known["age_days"].iloc[1] == 0.0


def test_missing_value_is_not_knowledge():
    rates = bars("US10Y", ["2024-01-02", "2024-01-03"], [4.0, np.nan])

    assert last_known(rates, pd.DatetimeIndex(["2024-01-05"], tz="UTC"))["value"].tolist() == [4.0]


def test_naive_instants_are_refused(money):
    message = (
        "at must have times in UTC (datetime64[us, UTC]); got naive times from 2024-01-01 00:00:00; "
        'say what zone they are in, e.g. data.tz_localize("UTC").'
    )

    with pytest.raises(DataError, match=exactly(message)):
        last_known(money, pd.DatetimeIndex(["2024-01-01"]))


def test_required_series_that_is_missing_lists_what_there_is():
    message = "source 'bundled' has no GOLD, ETH; it has BTC, SPX, NASDAQ, VIX, WTI_SPOT."

    with pytest.raises(SeriesNotFoundError, match=exactly(message)):
        load_bars(BundledSource(), ["GOLD", "ETH", "SPX"])


def test_interval_that_is_missing_is_named_with_the_series():
    with pytest.raises(SeriesNotFoundError, match="source 'bundled' has no BTC 1h; it has BTC, SPX,"):
        load_bars(BundledSource(), ["BTC"], intervals={"BTC": "1h"})


def test_optional_series_that_is_missing_is_named():
    loaded = load_bars(BundledSource(), ["SPX"], optional=["GOLD", "SPX"])

    assert list(loaded.bars) == ["SPX"] and loaded.missing_optional == ("GOLD",)


def test_text_in_place_of_a_list_of_names_is_refused():
    with pytest.raises(ArgumentError, match=exactly("required must be a list of names; got 'BTC'; pass ['BTC'].")):
        load_bars(BundledSource(), "BTC")


def test_interval_of_a_series_that_is_not_asked_for_is_refused():
    message = "intervals must be of SPX; got BTC; ask for the series too, or leave it out."

    with pytest.raises(ArgumentError, match=exactly(message)):
        load_bars(BundledSource(), ["SPX"], intervals={"BTC": "1h"})


@pytest.mark.real
@pytest.mark.parametrize(
    ("first", "end", "correlation", "n_obs"),
    [("2018", "2020", 0.016, 503), ("2020", "2022", 0.365, 505), ("2022", "2023", 0.562, 251)],
)
def test_correlation_of_bitcoin_and_shares_by_era(real_data, first, end, correlation, n_obs):
    panel = load_prices(FilesSource(str(real_data)), ["BTC", "SPX"])
    returns = log_returns(panel.close).loc[utc(first) : utc(end) - HOUR].dropna()

    assert len(returns) == n_obs
    # The published figures have three decimals and may cut their span one session apart.
    assert returns["BTC"].corr(returns["SPX"]) == pytest.approx(correlation, abs=0.005)


@pytest.mark.real
def test_bitcoin_at_the_new_york_close_correlates_differently_from_the_utc_day(real_data):
    source = FilesSource(str(real_data))
    correlations = {}
    for interval in ("1d", "1h"):
        panel = load_prices(source, ["BTC", "SPX"], intervals={"BTC": interval})
        returns = log_returns(panel.close).loc[utc("2020") : utc("2022") - HOUR].dropna()
        correlations[interval] = returns["BTC"].corr(returns["SPX"])

    # Two sample values of the same 505 sessions: the four hours to midnight, and another venue.
    assert correlations == pytest.approx({"1d": 0.364, "1h": 0.304}, abs=0.001)


@pytest.mark.real
def test_crash_day_of_bitcoin(real_data):
    close = load_prices(FilesSource(str(real_data)), ["BTC"]).close["BTC"]

    assert close["2020-03-12"] == 4800.0
    assert simple_returns(close)["2020-03-12"] == pytest.approx(-0.395, abs=0.0005)  # three decimals


@pytest.mark.real
def test_negative_oil_is_refused_with_its_day_and_remedy(real_data):
    panel = load_prices(FilesSource(str(real_data)), ["WTI_FUT"])
    message = (
        "close of WTI_FUT must be positive and finite; got 1 zero or negative prices, first -37.63 at "
        "2020-04-20 00:00:00+00:00; correct them, or set them to missing and count them (volkit.mask_not_positive)."
    )

    with pytest.raises(DataError, match=exactly(message)):
        log_returns(panel.close)
