"""The catalogue: when each bar was known, when each value was published, and faults named by file, entry and key."""

import re
import warnings

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from volkit.errors import SourceError
from volkit.sources import load_catalogue
from volkit.sources.calendars import session_closes, sessions_between

COIN = """
[DOGE]
title = "Dogecoin"
kind = "crypto"
unit = "USD"
transform = "log"
calendar = "24/7"
close = { rule = "step" }
"""


def labels(*dates):
    return pd.DatetimeIndex(dates, tz="UTC").as_unit("us")


def utc(*texts):
    return [pd.Timestamp(t, tz="UTC") for t in texts]


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


@pytest.fixture(scope="module")
def new_york():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)  # of the library's own code
        return exchange_calendars.get_calendar("XNYS", start="2016-01-01", end="2024-12-31")


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "series.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_session_closes_equal_those_of_the_exchange_calendar(new_york):
    sessions = new_york.sessions.tz_localize("UTC").as_unit("us")

    np.testing.assert_array_equal(session_closes(sessions).asi8, pd.DatetimeIndex(new_york.closes).as_unit("us").asi8)


def test_sessions_equal_those_of_the_exchange_calendar(new_york):
    first, last = utc("2018-12-01", "2019-01-31")

    expected = new_york.sessions_in_range("2018-12-01", "2019-01-31")

    assert list(sessions_between(first, last).tz_localize(None)) == list(expected)


def test_date_without_a_session_closes_at_the_usual_hour():
    assert list(session_closes(labels("2024-01-15", "2024-07-04"))) == utc("2024-01-15 21:00", "2024-07-04 20:00")


def test_no_labels_have_no_closes():
    assert len(session_closes(labels())) == 0


def test_session_closes_follow_daylight_saving(catalogue):
    closes = catalogue["SPX"].close_times(labels("2024-03-08", "2024-03-11", "2024-11-29"))

    assert list(closes) == utc("2024-03-08 21:00", "2024-03-11 20:00", "2024-11-29 18:00")  # the last closes early


def test_index_of_volatility_closes_a_quarter_of_an_hour_later(catalogue):
    assert list(catalogue["VIX"].close_times(labels("2024-01-16"))) == utc("2024-01-16 21:15")


def test_settlement_instants_are_local(catalogue):
    dates = labels("2024-01-16", "2024-07-16")

    assert list(catalogue["GOLD"].close_times(dates)) == utc("2024-01-16 18:30", "2024-07-16 17:30")
    assert list(catalogue["WTI_FUT"].close_times(dates)) == utc("2024-01-16 19:30", "2024-07-16 18:30")


def test_crypto_day_closes_at_its_end(catalogue):
    assert list(catalogue["BTC"].close_times(labels("2024-01-16"))) == utc("2024-01-17")


def test_every_hourly_bar_closes_after_an_hour(catalogue):
    hour = pd.DatetimeIndex(["2024-01-16 20:00"], tz="UTC")

    assert list(catalogue["SPX"].close_times(hour, "1h")) == utc("2024-01-16 21:00")


@pytest.mark.parametrize(
    ("name", "label", "published"),
    [
        ("M2", "2024-01-01", "2024-02-28 18:00"),
        ("WALCL", "2024-01-17", "2024-01-18 21:30"),
        ("BROAD_DOLLAR", "2024-07-01", "2024-07-08 20:15"),
        ("FED_FUNDS", "2024-01-12", "2024-01-15 14:00"),
        ("US10Y", "2024-07-01", "2024-07-01 22:00"),
    ],
)
def test_values_are_published_after_their_lag_at_a_local_time(catalogue, name, label, published):
    assert list(catalogue[name].release_times(labels(label))) == utc(published)


def test_nothing_is_published_before_it_closes(catalogue):
    dates = pd.date_range("2020-01-01", "2024-12-31", tz="UTC", unit="us")
    for spec in catalogue:
        released = spec.release_times(dates)
        if released is not None:
            assert (released >= spec.close_times(dates)).all(), spec.name


def test_traded_prices_are_known_at_their_close(catalogue):
    assert catalogue["BTC"].release_times(labels("2024-01-16")) is None


def test_changes_have_the_unit_of_their_transform(catalogue):
    units = [catalogue[n].change_unit for n in ("BTC", "US10Y", "FEAR_GREED")]

    assert units == ["log return", "basis points", "index 0-100"]


def test_unknown_series_lists_the_known_ones(catalogue):
    with pytest.raises(
        SourceError, match=r"^the catalogue has no series 'BTX'; it has BROAD_DOLLAR, BTC, .*, WTI_SPOT\.$"
    ):
        catalogue["BTX"]


def test_entries_of_another_catalogue_are_added_or_put_in_place(catalogue, written):
    other = load_catalogue(written(COIN + COIN.replace("DOGE", "BTC").replace("Dogecoin", "My bitcoin")))

    both = catalogue.updated(other)

    assert both["DOGE"].title == "Dogecoin" and both["BTC"].title == "My bitcoin" and both["ETH"] is catalogue["ETH"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            COIN + 'colour = "red"\n',
            "unknown key 'colour' (value 'red'); known are title, kind, unit, transform, calendar, close, release, "
            "ids, licence, note",
        ),
        (
            COIN.replace("rule =", "rool ="),
            "close.rule: Field required (got {'rool': 'step'})",
        ),
        (
            COIN.replace('rule = "step"', 'rule = "step", hours = 2'),
            "unknown key 'hours' (value 2); known are rule, minutes, time, zone",
        ),
        (
            COIN.replace('kind = "crypto"', 'kind = "coin"'),
            "kind: Input should be 'crypto', 'index', 'fund', 'future', 'yield', 'rate' or 'level' (got 'coin')",
        ),
        (
            COIN.replace('rule = "step"', 'rule = "local", time = "17:00", zone = "Mars/Base"'),
            "close.zone: Value error, must name a time zone such as America/New_York (got 'Mars/Base')",
        ),
        (
            COIN.replace('rule = "step"', 'rule = "local", time = "25:00"'),
            r"close.time: String should match pattern '^([01]\d|2[0-3]):[0-5]\d$' (got '25:00')",
        ),
        ("DOGE = 3\n", "must be a table of keys"),
    ],
)
def test_faulty_entry_is_named_by_file_series_and_key(written, text, fault):
    path = written(text)

    with pytest.raises(SourceError, match=f"^{re.escape(f'catalogue {path}, series DOGE: {fault}.')}$"):
        load_catalogue(path)


def test_file_that_is_not_toml_is_named(written):
    path = written("[DOGE\n")

    with pytest.raises(SourceError, match=re.escape(f"catalogue {path} cannot be read: ")):
        load_catalogue(path)


def test_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"catalogue .*none\.toml cannot be read: .*No such file"):
        load_catalogue(tmp_path / "none.toml")
