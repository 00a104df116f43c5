"""What the store keeps, revises, refuses and reports."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError, SeriesNotFoundError, SourceError
from volkit.store import (
    ContradictingUpdateError,
    DamagedFileError,
    NewerFormatError,
    OfflineError,
    SeriesKey,
    ShrinkingUpdateError,
    StalePullError,
    Store,
    StoreAccessError,
    StoreLockedError,
    read_series,
    write_series,
)

DAY = pd.Timedelta(days=1)


def later(days):
    return pd.Timestamp("2024-03-01", tz="UTC") + days * DAY


def test_update_gives_back_the_pulled_bars_bit_by_bit(store, key, pull):
    columns = {"open": [0.1 + 0.2, np.nan, -0.0], "close": [1e-320, 2.0, np.inf]}

    store.update(key, pull(columns))

    pulled, held = pull(columns).frame, store.read(key).frame
    assert held.to_numpy().tobytes() == pulled.to_numpy().tobytes()
    assert list(held.columns) == ["open", "close"]
    assert held.index.equals(pulled.index) and str(held.index.dtype) == "datetime64[us, UTC]"
    assert held.index.name == "time"


def test_served_numbers_cannot_be_changed_in_place(store, key, pull):
    store.update(key, pull([1.0, 2.0]))
    held = store.read(key).frame

    with pytest.raises(ValueError, match="read-only"):
        held.iloc[0, 0] = 9.0


def test_time_columns_survive_with_their_blanks(store, key, pull):
    pulled = pull([1.0, 2.0])
    pulled.frame["release_time"] = pd.DatetimeIndex(["2024-01-05", None], tz="America/New_York")

    store.update(key, pulled)

    release = store.read(key).frame["release_time"]
    assert release.iloc[0] == pd.Timestamp("2024-01-05 05:00", tz="UTC")
    assert pd.isna(release.iloc[1])


def test_metadata_and_coverage_of_the_pull_are_kept(store, key, pull):
    hole = (pd.Timestamp("2024-01-03", tz="UTC"), pd.Timestamp("2024-01-04", tz="UTC"), 2)

    store.update(key, pull([1.0, 2.0], asked=(later(-60), later(-50)), missing=[hole], ccxt_version="4.5.90"))

    held = store.read(key)
    assert held.metadata["unit"] == "USDT" and held.metadata["ccxt_version"] == "4.5.90"
    assert held.metadata["simulated"] == "false" and held.metadata["pyarrow_version"]
    assert (held.last_pull.pages, held.last_pull.retries) == (2, 1)
    assert held.last_pull.remarks == ("listed after the start",)
    assert held.last_pull.missing.iloc[0].tolist() == list(hole)
    assert held.asked.iloc[0].tolist() == [later(-60), later(-50)]
    assert held.n_missing == 2


def test_provenance_lies_in_the_parquet_file_for_any_reader(store, key, pull, path_of):
    import pyarrow.parquet as pq

    store.update(key, pull([1.0, 2.0]))

    schema = pq.read_schema(path_of(key))
    said = json.loads(schema.metadata[b"volkit"])
    assert str(schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert said["format"] == 1 and said["key"]["symbol"] == "BTC/USDT" and len(said["content_hash"]) == 64


def test_revised_value_is_served_and_the_old_one_stays_with_both_times(store, key, pull):
    store.update(key, pull([1.0, 2.0, 3.0], as_of=later(0)))

    report = store.update(key, pull([2.5, 3.0, 4.0], start="2024-01-02", as_of=later(1)))

    held = store.read(key)
    assert held.frame["close"].tolist() == [1.0, 2.5, 3.0, 4.0]
    assert (report.n_added, report.n_revised, report.n_repeated, report.n_obs) == (1, 1, 1, 4)
    (revision,) = held.revisions.to_dict("records")
    assert revision == {
        "time": pd.Timestamp("2024-01-02", tz="UTC"),
        "column": "close",
        "old": 2.0,
        "new": 2.5,
        "first_seen": later(0),
        "replaced": later(1),
    }
    assert held.first_seen.tolist() == [later(0), later(1), later(0), later(1)]
    pd.testing.assert_frame_equal(report.revisions, held.revisions)


def test_a_value_revised_twice_has_both_revisions_newest_first(store, key, pull):
    for days, value in enumerate([1.0, 2.0, 1.0]):
        store.update(key, pull([value, 5.0], as_of=later(days)))

    revisions = store.read(key).revisions
    assert revisions[["old", "new"]].to_numpy().tolist() == [[2.0, 1.0], [1.0, 2.0]]
    assert revisions["first_seen"].tolist() == [later(1), later(0)]
    assert revisions["replaced"].tolist() == [later(2), later(1)]


def test_backfilled_blank_is_a_revision(store, key, pull):
    store.update(key, pull([1.0, np.nan, 3.0], as_of=later(0)))
    store.update(key, pull([1.0, 2.0, 3.0], as_of=later(1)))

    held = store.read(key)
    assert held.frame["close"].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(held.revisions.at[0, "old"]) and held.revisions.at[0, "new"] == 2.0


def test_new_column_joins_and_a_lost_column_is_refused(store, key, pull):
    store.update(key, pull([1.0, 2.0], as_of=later(0)))
    store.update(key, pull({"close": [2.0, 3.0], "volume": [7.0, 8.0]}, start="2024-01-02", as_of=later(1)))

    with pytest.raises(ContradictingUpdateError, match="volume as nothing"):
        store.update(key, pull([4.0], start="2024-01-04", as_of=later(2)))
    held = store.read(key).frame
    assert held["volume"].tolist()[1:] == [7.0, 8.0] and np.isnan(held["volume"].iloc[0])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"unit": "USD"}, ContradictingUpdateError, "unit 'USDT'"),
        ({"symbol": "ETH/USDT"}, ContradictingUpdateError, "symbol 'BTC/USDT'"),
        ({"interval": "1h"}, ContradictingUpdateError, "interval '1d'"),
        ({"simulated": "true"}, ContradictingUpdateError, "simulated 'false'"),
    ],
)
def test_a_pull_of_something_else_is_refused(store, key, pull, change, error, words):
    store.update(key, pull([1.0, 2.0]))
    before = store.read(key).frame

    with pytest.raises(error, match=words):
        store.update(key, pull([1.0, 2.0, 3.0], **change))

    pd.testing.assert_frame_equal(store.read(key).frame, before)


def test_a_pull_without_a_unit_neither_contradicts_nor_erases_it(store, key, pull):
    for unit in ("", "USDT", ""):
        store.update(key, pull([1.0, 2.0], unit=unit))

    assert store.read(key).metadata["unit"] == "USDT"


def _times(*texts, tz="UTC"):
    return pd.DatetimeIndex(list(texts), tz=tz)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"index": _times("2024-01-01", "2024-01-01")}, "duplicate times"),
        ({"index": _times("2024-01-02", "2024-01-01")}, "sorted"),
        ({"index": _times("2024-01-01", "2024-01-02", tz=None)}, "naive"),
        ({"close": [np.nan, np.nan]}, "2 rows of NaN"),
        ({"close": []}, "got none"),
        ({"close": {"volume": [1.0, 2.0]}}, "must have a close"),
        ({"close": {"close": [1.0, 2.0], "replaced": [1.0, 2.0]}}, "none of time, first_seen, replaced"),
        ({"start": "2024-07-01", "as_of": pd.Timestamp("2024-06-01", tz="UTC")}, "after its own instant"),
        ({"as_of": pd.Timestamp("2025-06-01", tz="UTC")}, "check the clock"),
        ({"as_of": pd.Timestamp("2024-03-01")}, "with a zone"),
    ],
)
def test_unusable_pull_is_refused_and_the_old_content_kept(store, key, pull, bad, words):
    store.update(key, pull([1.0, 2.0]))
    before = store.read(key).frame

    with pytest.raises(DataError, match=words):
        store.update(key, pull(**{"close": [5.0, 6.0], **bad}))

    pd.testing.assert_frame_equal(store.read(key).frame, before)


def test_text_and_huge_whole_numbers_are_refused(store, key, pull):
    for values, words in ((["a", "b"], "numbers or UTC times"), ([2**60, 1], "float64 holds exactly")):
        pulled = pull([1.0, 2.0])
        pulled.frame["extra"] = values

        with pytest.raises(DataError, match=words):
            store.update(key, pulled)


@pytest.mark.parametrize("close", [[1.0, 3.0], [1.0, np.nan, 3.0]])
def test_a_pull_that_lacks_held_values_is_refused_unless_told_to_keep_them(store, key, pull, close):
    store.update(key, pull([1.0, 2.0, 3.0], as_of=later(0)))
    days = ["2024-01-01", "2024-01-03"] if len(close) == 2 else ["2024-01-01", "2024-01-02", "2024-01-03"]
    short = pull(close, index=_times(*days), as_of=later(1))

    with pytest.raises(ShrinkingUpdateError, match="keep_absent=True") as refused:
        store.update(key, short)
    assert refused.value.times.tolist() == [pd.Timestamp("2024-01-02", tz="UTC")]

    report = store.update(key, short, keep_absent=True)
    assert store.read(key).frame["close"].tolist() == [1.0, 2.0, 3.0]
    assert report.kept.tolist() == [pd.Timestamp("2024-01-02", tz="UTC")] and report.n_revised == 0


def test_a_venue_that_no_longer_serves_the_newest_bars_is_refused(store, key, pull):
    store.update(key, pull([1.0, 2.0, 3.0, 4.0], as_of=later(0)))
    span = (pd.Timestamp("2024-01-01", tz="UTC"), later(0))

    with pytest.raises(ShrinkingUpdateError, match="2 held bars"):
        store.update(key, pull([1.0, 2.0], asked=span, as_of=later(1)))


def test_a_venue_that_serves_only_its_newest_bars_takes_nothing_away(store, key, pull):
    store.update(key, pull([1.0, 2.0, 3.0], as_of=later(0)))
    span = (pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-05", tz="UTC"))

    store.update(key, pull([3.0, 4.0], start="2024-01-03", asked=span, as_of=later(1)))

    assert store.read(key).frame["close"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_an_older_pull_that_disagrees_is_refused_and_one_that_agrees_is_not(store, key, pull):
    store.update(key, pull([1.0, 2.0], as_of=later(5)))

    with pytest.raises(StalePullError, match="pull again"):
        store.update(key, pull([1.0, 9.0], as_of=later(4)))
    store.update(key, pull([0.5, 1.0], start="2023-12-31", as_of=later(4), price_kind="raw", pages="other"))

    held = store.read(key)
    assert held.frame["close"].tolist() == [0.5, 1.0, 2.0]
    assert held.as_of == later(5)


def test_spans_asked_apart_stay_apart_and_missing_runs_follow_the_newest_word(store, key, pull):
    day = "2024-01-0{}".format
    at = lambda n: pd.Timestamp(day(n), tz="UTC")  # noqa: E731
    wide = {"asked": (at(1), at(9)), "as_of": later(0), "missing": [(at(3), at(6), 4)]}
    store.update(key, pull([1.0, 2.0, 7.0, 8.0], index=_times(day(1), day(2), day(7), day(8)), **wide))
    filled = {"asked": (at(5), at(9)), "as_of": later(1)}
    store.update(key, pull([5.0, 6.0, 7.0, 8.0], start=day(5), **filled))
    store.update(key, pull([20.0], start="2024-01-20", as_of=later(2)))

    held = store.read(key)
    assert held.missing.to_numpy().tolist() == [[at(3), at(4), 2]]
    assert len(held.asked) == 2 and held.asked["first"].tolist() == [at(1), pd.Timestamp("2024-01-20", tz="UTC")]
    assert store.status().series.at[0, "spans"] == 2


def test_a_run_over_a_holiday_keeps_ends_and_count(store, key, pull):
    first, last = pd.Timestamp("2023-12-22", tz="UTC"), pd.Timestamp("2023-12-29", tz="UTC")
    asked = (pd.Timestamp("2023-12-20", tz="UTC"), pd.Timestamp("2024-01-03", tz="UTC"))
    store.update(key, pull([1.0, 2.0], asked=asked, missing=[(first, last, 5)], as_of=later(0)))
    store.update(key, pull([2.0, 3.0], start="2024-01-02", as_of=later(1)))

    assert store.read(key).missing.to_numpy().tolist() == [[first, last, 5]]


def test_a_run_that_a_later_pull_no_longer_calls_missing_is_dropped(store, key, pull):
    # A holiday that the first pull took for a session.
    days = _times("2024-01-01", "2024-01-03")
    hole = (pd.Timestamp("2024-01-02", tz="UTC"), pd.Timestamp("2024-01-02", tz="UTC"), 1)
    asked = (pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-04", tz="UTC"))
    store.update(key, pull([1.0, 3.0], index=days, asked=asked, missing=[hole], as_of=later(0)))
    assert store.read(key).n_missing == 1

    store.update(key, pull([1.0, 3.0], index=days, asked=asked, as_of=later(1)))

    assert store.read(key).n_missing == 0


def test_series_and_report_say_the_facts_that_one_asks_first(store, key, pull):
    store.update(key, pull([1.0, 2.0], as_of=later(0)))
    report = store.update(key, pull([1.5, 2.5, 3.0], as_of=later(1)))
    held = store.read(key)

    assert repr(report) == "<UpdateReport: ccxt binance BTC/USDT 1d bars, 1 added, 2 revised, 3 bars held>"
    assert "3 bars 2024-01-01..2024-01-03, as of 2024-03-02 00:00Z" in repr(held)
    facts = held.summary().iloc[:, 0]
    assert facts[["bars", "missing bars", "revised values", "unit"]].tolist() == [3, 0, 2, "USDT"]
    assert report.summary()["bars"].tolist() == [1, 2, 0, 0, 3]
    assert held.to_frame() is held.frame and report.to_frame() is report.revisions


def test_refetch_starts_ten_bars_back_or_at_the_first(store, key, pull):
    assert store.refetch_from(key) is None

    store.update(key, pull(np.arange(1.0, 31.0)))

    assert store.refetch_from(key) == pd.Timestamp("2024-01-21", tz="UTC")
    assert store.refetch_from(key, sessions=100) == pd.Timestamp("2024-01-01", tz="UTC")
    with pytest.raises(ArgumentError, match="sessions"):
        store.refetch_from(key, sessions=0)


def test_root_is_the_argument_then_the_environment_then_the_user_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VOLKIT_STORE", str(tmp_path / "environment"))
    assert Store(tmp_path / "argument").root == tmp_path / "argument"
    assert Store().root == tmp_path / "environment"

    monkeypatch.delenv("VOLKIT_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Store().root.name == "store" and "volkit" in Store().root.parts


def test_reading_what_is_not_held_names_it_and_makes_no_folder(store, key):
    with pytest.raises(SeriesNotFoundError, match="binance BTC/USDT 1d"):
        store.read(key)
    assert not store.root.exists() and store.keys() == () and len(store.status().series) == 0


def test_keys_lists_series_and_passes_over_strangers(store, key, pull):
    other = SeriesKey("ccxt", "binance", "btc/usdt", "1d")
    store.update(key, pull([1.0]))
    store.update(other, pull([2.0], symbol="btc/usdt"))
    (store.root / "notes.parquet").write_bytes(b"mine")

    assert store.keys() == (key, other)
    assert store.read(other).frame["close"].tolist() == [2.0]


def test_status_has_a_row_for_each_series_with_age_and_revisions(store, key, pull):
    store.update(key, pull([1.0, 2.0], as_of=pd.Timestamp("2024-05-30", tz="UTC")))
    store.update(key, pull([1.5, 2.0], as_of=pd.Timestamp("2024-05-31", tz="UTC")))

    status = store.status()

    row = status.series.iloc[0]
    assert row[["bars", "revisions", "missing_bars", "set_aside", "state"]].tolist() == [2, 1, 0, 0, "ok"]
    assert row["age"] == DAY and row["venue"] == "binance"
    assert "1 series, 2 bars, 0 not readable" in repr(status)
    assert status.summary().at[0, "age (days)"] == 1.0


def test_offline_check_names_missing_and_stale_series(store, key, pull):
    other = SeriesKey("yahoo", "", "^GSPC", "1d")
    store.update(key, pull([1.0], as_of=pd.Timestamp("2024-05-30", tz="UTC")))

    store.check_held([key])
    with pytest.raises(OfflineError) as refused:
        store.check_held([key, other], max_age=DAY)

    assert refused.value.missing == ("yahoo ^GSPC 1d bars",)
    assert "not in the store: yahoo ^GSPC 1d bars; too old in the store: ccxt binance" in str(refused.value)


def test_damaged_file_is_moved_aside_and_fetched_again(store, key, pull, path_of):
    for number in (1, 2):
        store.update(key, pull([1.0, 2.0]))
        path = path_of(key)
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(DamagedFileError, match=f"moved aside as .*damaged-{number}, and the next pull fetches"):
            store.read(key)
        assert path.with_name(f"{path.name}.damaged-{number}").exists() and not path.exists()

    assert store.refetch_from(key) is None
    row = store.status().series.iloc[0]
    assert (row["state"], row["set_aside"]) == ("damaged, fetch again", 2)
    store.update(key, pull([1.0, 2.0]))
    assert store.read(key).n_obs == 2


def test_update_onto_a_damaged_file_asks_for_the_whole_history(store, key, pull, path_of):
    store.update(key, pull(np.arange(1.0, 31.0), as_of=later(0)))
    path_of(key).write_bytes(b"")

    with pytest.raises(DamagedFileError, match="empty"):
        store.update(key, pull([30.0, 31.0], start="2024-01-30", as_of=later(1)))

    assert store.refetch_from(key) is None


def test_status_reports_damage_and_goes_on(store, key, pull, path_of):
    other = SeriesKey("ccxt", "binance", "ETH/USDT", "1d")
    store.update(key, pull([1.0]))
    store.update(other, pull([2.0], symbol="ETH/USDT"))
    path_of(key).write_bytes(b"PAR1")

    states = store.status().series.set_index("symbol")["state"]

    assert states["ETH/USDT"] == "ok" and states["BTC/USDT"].startswith("damaged, fetch again: ")


def test_file_in_the_place_of_another_series_is_not_served(store, key, pull, path_of):
    other = SeriesKey("ccxt", "binance", "ETH/USDT", "1d")
    store.update(key, pull([1.0]))
    path_of(other).parent.mkdir(parents=True)
    path_of(key).rename(path_of(other))

    with pytest.raises(DamagedFileError, match="ETH/USDT 1d bars belongs, and holds"):
        store.read(other)


def test_newer_format_is_refused_by_both_numbers_and_left_alone(store, key, pull, path_of, monkeypatch):
    with monkeypatch.context() as future:
        future.setattr("volkit.store.files.FORMAT", 7)
        store.update(key, pull([1.0]))
    before = path_of(key).read_bytes()

    with pytest.raises(NewerFormatError, match="format 7, this volkit reads up to format 1") as refused:
        store.read(key)
    with pytest.raises(NewerFormatError):
        store.update(key, pull([1.0, 2.0]))

    assert (refused.value.found, refused.value.known) == (7, 1)
    assert path_of(key).read_bytes() == before
    assert "format 7" in store.status().series.at[0, "state"]


def test_a_held_lock_is_waited_for_only_so_long(store, key, pull, path_of):
    from filelock import FileLock

    store.update(key, pull([1.0]))
    impatient = Store(store.root, now=store._now, lock_timeout=0.05)

    with FileLock(f"{path_of(key)}.lock"), pytest.raises(StoreLockedError, match=r"more than 0\.05 seconds"):
        impatient.update(key, pull([1.0, 2.0]))

    assert store.read(key).n_obs == 1


def test_a_lock_held_by_a_reader_of_damage_does_not_hide_the_damage(store, key, pull, path_of):
    from filelock import FileLock

    store.update(key, pull([1.0]))
    path_of(key).write_bytes(b"text")
    impatient = Store(store.root, lock_timeout=0.05)

    with FileLock(f"{path_of(key)}.lock"), pytest.raises(DamagedFileError, match="not a Parquet file; fetch") as told:
        impatient.read(key)

    assert told.value.moved_to is None and path_of(key).exists()


def test_a_file_in_place_of_the_folder_is_a_typed_error(tmp_path, key, pull):
    (tmp_path / "store").write_text("a file")

    with pytest.raises(StoreAccessError, match="make the folder"):
        Store(tmp_path / "store").update(key, pull([1.0]))


def test_written_file_needs_known_types_and_utc_times(tmp_path):
    times = pd.date_range("2024-01-01", periods=2, tz="UTC", unit="us")
    path = tmp_path / "x.parquet"

    for frame, words in (
        (pd.DataFrame({"close": [1, 2]}, index=times), "float64"),
        (pd.DataFrame({"close": [1.0, 2.0]}, index=times.tz_localize(None)), "naive"),
        (pd.DataFrame({"close": [1.0, 2.0]}, index=times.tz_convert("Asia/Tokyo")), "must be indexed by"),
        (pd.DataFrame({"time": [1.0, 2.0]}, index=times), "none of them time"),
    ):
        with pytest.raises(DataError, match=words):
            write_series(path, frame, metadata={})
    assert not list(tmp_path.iterdir())


def test_errors_of_the_store_are_errors_of_a_source():
    assert issubclass(DamagedFileError, SourceError) and issubclass(StoreLockedError, OSError)
    with pytest.raises(StoreAccessError, match="cannot read"):
        read_series(Path("nowhere.parquet"))


spans = st.lists(st.integers(1, 6), min_size=2, max_size=5)


@settings(max_examples=15)
@given(lengths=spans, order=st.randoms(use_true_random=False))
def test_updates_of_separate_spans_may_come_in_any_order(tmp_path_factory, pull, key, lengths, order):
    starts = np.cumsum([0, *lengths[:-1]])
    pulls = [
        pull(np.arange(1.0, n + 1) + 100 * s, start=f"{pd.Timestamp('2024-01-01') + s * DAY:%F}", as_of=later(int(s)))
        for s, n in zip(starts, lengths, strict=True)
    ]
    one, other = (Store(tmp_path_factory.mktemp("s"), now=lambda: later(90)) for _ in range(2))

    for pulled in pulls:
        one.update(key, pulled)
    order.shuffle(pulls)
    for pulled in pulls:
        other.update(key, pulled)

    a, b = one.read(key), other.read(key)
    pd.testing.assert_frame_equal(a.frame, b.frame)
    pd.testing.assert_frame_equal(a.asked, b.asked)
    pd.testing.assert_series_equal(a.first_seen, b.first_seen)
    assert a.as_of == b.as_of and len(a.frame) == sum(lengths) and a.metadata == b.metadata


@settings(max_examples=15)
@given(values=st.lists(st.floats(width=64) | st.none(), min_size=1, max_size=8).map(lambda v: [1.0, *v]))
def test_the_same_pull_again_changes_nothing(tmp_path_factory, pull, key, values):
    store = Store(tmp_path_factory.mktemp("s"), now=lambda: later(90))
    pulled = pull(np.array(values, dtype=float), as_of=later(0))
    store.update(key, pulled)
    before = store.read(key)

    report = store.update(key, pulled)

    after = store.read(key)
    assert (report.n_added, report.n_revised, report.n_repeated) == (0, 0, len(values))
    assert after.frame.to_numpy().tobytes() == before.frame.to_numpy().tobytes()
    assert len(after.revisions) == 0 and after.sha256 == before.sha256


@settings(max_examples=15)
@given(data=st.lists(st.tuples(st.integers(0, 20), st.lists(st.floats(1, 9), min_size=1, max_size=8)), max_size=5))
def test_no_series_of_updates_loses_a_bar_or_a_value(tmp_path_factory, pull, key, data):
    store = Store(tmp_path_factory.mktemp("s"), now=lambda: later(90))
    store.update(key, pull(np.arange(1.0, 11.0), as_of=later(0)))
    expected = dict(enumerate(np.arange(1.0, 11.0)))
    n_changes = 0

    for days, (start, close) in enumerate(data, start=1):
        first = pd.Timestamp("2024-01-01") + start * DAY
        store.update(key, pull(close, start=f"{first:%F}", as_of=later(days)))
        n_changes += sum(expected.get(start + i, v) != v for i, v in enumerate(close))
        expected |= {start + i: v for i, v in enumerate(close)}

    held = store.read(key)
    assert held.frame["close"].tolist() == [expected[i] for i in sorted(expected)]
    assert len(held.revisions) == n_changes
