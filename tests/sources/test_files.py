"""A folder of the user's files: read as it is, and refused with file, line and column."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, SeriesNotFoundError, SourceError
from volkit.prices import align, inspect_bars
from volkit.sources import FilesSource

DAYS = pd.date_range("2024-01-01", periods=3, tz="UTC", unit="us", name="time")
CSV = "time,close\n2024-01-01,42000\n2024-01-02,43000\n2024-01-03,41000\n"
COIN = """
[DOGE]
title = "Dogecoin"
kind = "crypto"
unit = "USD"
transform = "log"
calendar = "24/7"
close = { rule = "step" }
ids = { files = { 1d = "coins/doge", 1h = "coins/doge_1h" } }
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def written(folder, text, name="BTC.csv"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(folder, name="BTC", **kwargs):
    return FilesSource(str(folder)).load_bars(name, **kwargs)


def refusal(folder, text, name="BTC.csv"):
    path = written(folder, text, name)
    with pytest.raises(SourceError) as error:
        load(folder)
    return str(error.value).replace(str(path), "FILE")


def test_date_is_a_session_label_at_midnight_utc(folder):
    written(folder, CSV)

    frame = load(folder).frame

    assert list(frame.index) == list(DAYS) and frame["close"].tolist() == [42000.0, 43000.0, 41000.0]
    assert frame["close_time"].iloc[0] == DAYS[1]


def test_instants_with_an_offset_become_utc(folder):
    written(folder, "time,close\n2024-01-01T00:00:00Z,1\n2024-01-02T02:00:00+02:00,2\n2024-01-03 00:00Z,3\n")

    assert list(load(folder).frame.index) == list(DAYS)


def test_value_column_is_the_close(folder):
    written(folder, CSV.replace("close", "value"))

    assert "close" in load(folder).frame


def test_other_columns_are_left_out(folder):
    written(folder, "time,trades,high,low,close,volume\n2024-01-01,7,3,1,2,10\n")

    assert list(load(folder).frame.columns) == ["high", "low", "close", "volume", "close_time"]


def test_empty_field_is_a_missing_value(folder):
    written(folder, "time,close\n2024-01-01,1\n2024-01-02,\n")

    assert np.isnan(load(folder).frame["close"].iloc[1])


def test_gzipped_file_is_read(folder):
    (folder / "BTC.csv.gz").write_bytes(gzip.compress(CSV.encode()))

    assert len(load(folder).frame) == 3


@pytest.mark.parametrize("as_index", [True, False])
def test_parquet_file_is_read_with_time_as_index_or_column(folder, as_index):
    frame = pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=DAYS.tz_convert("Asia/Tokyo"))
    (frame if as_index else frame.reset_index()).to_parquet(folder / "BTC.parquet")

    assert list(load(folder).frame.index) == list(DAYS)


def test_parquet_and_csv_of_the_same_values_have_the_same_hash(folder):
    written(folder, CSV, name="BTC.csv")
    pd.DataFrame({"time": DAYS.as_unit("ns"), "close": [42000, 43000, 41000]}).to_parquet(folder / "ETH.parquet")

    assert load(folder, "BTC").provenance.sha256 == load(folder, "ETH").provenance.sha256


def test_catalogue_of_the_folder_adds_a_coin(folder):
    written(folder, COIN, name="series.toml")
    written(folder, CSV, name="coins/doge.csv")

    source = FilesSource(str(folder))

    assert [(h.name, h.interval, h.note) for h in source.holdings()] == [("DOGE", "1d", "coins/doge.csv")]
    assert source.load_bars("DOGE").provenance.source == "files: coins/doge.csv"


def test_hourly_bars_say_that_they_close_at_their_end(folder):
    written(folder, "time,close\n2024-01-02T20:00Z,4700\n", name="coins/spx.csv")
    written(
        folder,
        COIN.replace("DOGE", "SPX").replace('"step"', '"session"').replace("24/7", "XNYS").replace("doge_1h", "spx"),
        name="series.toml",
    )

    bars = load(folder, "SPX", interval="1h")

    assert bars.provenance.close_rule == "end of the bar"
    assert bars.frame["close_time"].iloc[0] == pd.Timestamp("2024-01-02 21:00", tz="UTC")


def test_file_of_the_catalogue_comes_before_one_at_the_top(folder):
    written(folder, CSV, name="daily/SPX_1d.csv")
    written(folder, CSV, name="SPX.csv")

    assert load(folder, "SPX").provenance.source == "files: daily/SPX_1d.csv"


def test_hash_changes_with_the_file(folder):
    written(folder, CSV)
    before = load(folder).provenance.sha256
    written(folder, CSV.replace("43000", "43001"))

    assert load(folder).provenance.sha256 != before


def test_source_without_a_folder_is_refused():
    with pytest.raises(ArgumentError, match=r"^source must name a folder; got 'files'; write files:FOLDER\.$"):
        FilesSource()


def test_folder_that_is_not_there_is_refused(folder):
    missing = folder / "none"
    message = f"source 'files:{missing}': there is no folder {missing}; give the path of one."

    with pytest.raises(SourceError, match=f"^{re.escape(message)}$"):
        FilesSource(str(missing))


def test_series_without_a_file_lists_those_with_one(folder):
    written(folder, CSV)
    message = f"source 'files:{folder}' has no ETH 1h; it has BTC 1d."

    with pytest.raises(SeriesNotFoundError, match=f"^{re.escape(message)}$"):
        load(folder, "ETH", interval="1h")


def test_bad_number_is_named_by_line_and_column(folder):
    assert refusal(folder, CSV.replace("43000", "43,000").replace(",000", ".0.0")) == (
        "file FILE, line 3, column 'close': '43.0.0' is not a number; correct it, or leave the field empty for a "
        "missing value."
    )


def test_blank_lines_do_not_shift_the_line_number(folder):
    assert "file FILE, line 5, column 'close': 'n.a.' is not a number" in refusal(
        folder, "time,close\n\n2024-01-01,1\n\n2024-01-02,n.a.\n\n"
    )


def test_naive_instant_is_refused_with_the_way_to_write_it(folder):
    assert refusal(folder, "time,close\n2024-01-01T00:00:00Z,1\n2024-01-02T16:00:00,2\n") == (
        "file FILE, line 3, column 'time': '2024-01-02T16:00:00' is neither a date (2024-01-31) nor an instant with "
        "its zone (2024-01-31T16:00:00Z); add the zone, e.g. a Z for UTC."
    )


@pytest.mark.parametrize("date", ["2024-02-30", "01/02/2024", "20240102", "", "1704067200"])
def test_unreadable_date_is_refused(folder, date):
    assert "file FILE, line 2, column 'time': " in refusal(folder, f"time,close\n{date},1\n")


def test_missing_time_column_names_what_there_is(folder):
    assert refusal(folder, "date,close\n2024-01-01,1\n") == (
        "file FILE has no column 'time', only date, close; add one with the open of each bar."
    )


def test_missing_close_column_names_what_there_is(folder):
    assert refusal(folder, "time,price\n2024-01-01,1\n") == (
        "file FILE has neither 'close' nor 'value', only time, price; rename the column of prices."
    )


def test_truncated_gzip_is_refused(folder):
    path = folder / "BTC.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode())[:-12])
    message = (
        f"file {path} cannot be read: EOFError: Compressed file ended before the end-of-stream marker was reached; "
        "fetch it again, or remove it."
    )

    with pytest.raises(SourceError, match=f"^{re.escape(message)}$"):
        load(folder)


def test_empty_file_is_refused(folder):
    assert refusal(folder, "") == (
        "file FILE cannot be read: EmptyDataError: No columns to parse from file; fetch it again, or remove it."
    )


def test_header_without_rows_is_refused(folder):
    assert refusal(folder, "time,close\n") == "file FILE has a header and no rows; remove it or fill it."


def test_broken_parquet_is_refused(folder):
    path = folder / "BTC.parquet"
    pd.DataFrame({"time": DAYS, "close": [1.0, 2.0, 3.0]}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(SourceError, match=r"^file .*BTC\.parquet cannot be read: ArrowInvalid: .*; fetch it again, or"):
        load(folder)


def test_unknown_key_in_the_catalogue_of_the_folder_lists_the_known_ones(folder):
    path = written(folder, COIN.replace("unit =", "units ="), name="series.toml")

    with pytest.raises(SourceError) as error:
        FilesSource(str(folder))

    assert str(error.value).startswith(f"catalogue {path}, series DOGE: unit: Field required")


def test_key_that_the_catalogue_does_not_know_is_refused(folder):
    path = written(folder, COIN + 'colour = "red"\n', name="series.toml")
    message = (
        f"catalogue {path}, series DOGE: unknown key 'colour' (value 'red'); known are title, kind, unit, transform, "
        "calendar, close, release, ids, licence, note."
    )

    with pytest.raises(SourceError, match=f"^{re.escape(message)}$"):
        FilesSource(str(folder))


def test_daily_label_off_midnight_is_loaded_and_refused_by_the_check(folder):
    written(folder, "time,close\n2024-01-01T05:00Z,1\n2024-01-02T05:00Z,2\n")
    message = (
        "bars of BTC must be labelled by their open on the 1d grid (UTC); got 2 other labels, first "
        "2024-01-01 05:00:00+00:00; label a daily bar by its session date at 00:00 UTC."
    )

    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        inspect_bars([load(folder)])


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("2024-01-01,1\n2024-01-01,2\n", "unique times; got 1 duplicate times, first 2024-01-01 00:00:00"),
        ("2024-01-02,1\n2024-01-01,2\n", "be sorted by time; got a step back at 2024-01-01 00:00:00"),
    ],
)
def test_rows_out_of_order_are_refused_by_align(folder, rows, fault):
    written(folder, f"time,close\n{rows}")

    with pytest.raises(DataError, match=f"bars of BTC must .*{fault}"):
        align([load(folder)])


@pytest.mark.real
def test_every_file_of_a_real_folder_loads_and_passes_the_check(real_data):
    source = FilesSource(str(real_data))
    loaded = [source.load_bars(h.name, interval=h.interval) for h in source.holdings()]

    report = inspect_bars(loaded)

    assert len(report.table) == len(loaded) == 20
