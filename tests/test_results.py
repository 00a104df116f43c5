"""Results cannot be changed, say where they come from, and hash by content."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.results import Provenance, ResultDisplay, SeriesProvenance, content_hash, freeze

BTC = SeriesProvenance(name="BTC", source="typed in", sha256="aa", unit="USD", close_rule="end of the bar")
SPX = replace(BTC, name="SPX", sha256="bb", close_rule="07:00 UTC", close_estimated=True, simulated=True)

values = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=2, max_size=8)


def closes(numbers):
    times = pd.date_range("2024-01-01", periods=len(numbers), tz="UTC", unit="us", name="time")
    return pd.DataFrame({"close": numbers, "volume": 1.0}, index=times)


class Fact(ResultDisplay):
    headline = "1 < 2 & so on"

    def summary(self):
        return pd.DataFrame({"<b>": ["<i>"]})


def test_frozen_frame_of_one_dtype_refuses_changes():
    frozen = freeze(closes([1.0, 2.0]))

    with pytest.raises(ValueError, match="read-only"):
        frozen.iloc[0, 0] = 9.0


def test_frozen_frame_of_several_dtypes_refuses_changes_of_numbers():
    frozen = freeze(closes([1.0, 2.0]).assign(count=[1, 2], close_time=closes([1.0, 2.0]).index))

    with pytest.raises(ValueError, match="read-only"):
        frozen.iloc[0, 0] = 9.0


def test_frozen_series_is_independent_of_the_original():
    original = pd.Series([1.0, 2.0])
    frozen = freeze(original)

    original.iloc[0] = 9.0

    assert frozen.iloc[0] == 1.0


def test_freezing_keeps_labels_dtypes_and_repeated_column_names():
    frame = closes([1.0, 2.0]).assign(count=[1, 2], close_time=closes([1.0, 2.0]).index)
    frame.columns = ["close", "close", "count", "close_time"]

    pd.testing.assert_frame_equal(freeze(frame), frame, check_freq=False)


def test_frozen_empty_frame_stays_empty():
    assert freeze(pd.DataFrame(index=closes([1.0, 2.0]).index)).shape == (2, 0)


def test_hash_is_the_sha256_of_names_times_and_values():
    frame = closes([1.0, 2.0])[["close"]]
    microseconds = np.array([1704067200, 1704153600], dtype="<i8") * 10**6
    expected = hashlib.sha256(b"|(2, 1)|close" + microseconds.tobytes() + np.array([1.0, 2.0], dtype="<f8").tobytes())

    assert content_hash(frame) == expected.hexdigest()


@given(values, st.data())
def test_hash_changes_with_any_value(numbers, data):
    frame = closes(numbers)
    row = data.draw(st.integers(0, len(numbers) - 1))
    changed = frame.copy()
    changed.iloc[row, 0] = np.nextafter(changed.iloc[row, 0], np.inf)

    assert content_hash(changed) != content_hash(frame)


@given(values, st.data())
def test_hash_changes_with_any_time(numbers, data):
    frame = closes(numbers)
    row = data.draw(st.integers(0, len(numbers) - 1))
    times = list(frame.index)
    times[row] += pd.Timedelta(microseconds=1)

    assert content_hash(frame.set_axis(pd.DatetimeIndex(times, name="time"))) != content_hash(frame)


@pytest.mark.parametrize(("one", "other"), [("close", "value"), ("a,b", "a"), ("a\\,b", "a,b")])
def test_hash_changes_with_a_column_name(one, other):
    frame = closes([1.0, 2.0])

    assert content_hash(frame.rename(columns={"close": one})) != content_hash(frame.rename(columns={"close": other}))


def test_hash_tells_apart_names_that_join_to_the_same_text():
    frame = closes([1.0, 2.0])

    assert content_hash(frame.set_axis(["a,b", "c"], axis=1)) != content_hash(frame.set_axis(["a", "b,c"], axis=1))


def test_hash_changes_with_the_order_of_columns():
    frame = closes([1.0, 1.0])

    assert content_hash(frame) != content_hash(frame[["volume", "close"]])


@given(values)
def test_hash_does_not_depend_on_the_resolution_of_times(numbers):
    frame = closes(numbers)
    finer = frame.set_axis(frame.index.as_unit("ns"))

    assert content_hash(finer) == content_hash(frame)


@pytest.mark.parametrize("dtype", ["float32", "Float64", "int64"])
def test_hash_does_not_depend_on_the_storage_of_numbers(dtype):
    frame = closes([1.0, 2.0])

    assert content_hash(frame.astype(dtype)) == content_hash(frame)


def test_hash_sees_one_zero_and_one_missing_value():
    negative_nan = np.array([0xFFF8000000000001], dtype="uint64").view("float64")[0]

    assert content_hash(closes([-0.0, 1.0])) == content_hash(closes([0.0, 1.0]))
    assert content_hash(closes([negative_nan, 1.0])) == content_hash(closes([np.nan, 1.0]))
    assert content_hash(closes([np.nan, 1.0])) != content_hash(closes([0.0, 1.0]))


def test_hash_of_several_frames_depends_on_their_names():
    frame = closes([1.0, 2.0])

    assert content_hash({"BTC": frame}) != content_hash({"ETH": frame})


def test_provenance_is_simulated_when_any_series_is():
    assert Provenance((BTC, SPX)).simulated
    assert not Provenance((BTC,)).simulated


def test_provenance_hash_does_not_depend_on_the_order_of_series():
    assert Provenance((BTC, SPX)).sha256 == Provenance((SPX, BTC)).sha256
    assert Provenance((BTC, SPX)).sha256 != Provenance((BTC,)).sha256


def test_provenance_of_some_series_keeps_their_order():
    assert [s.name for s in Provenance((BTC, SPX)).of(["SPX", "BTC"]).series] == ["SPX", "BTC"]


def test_provenance_table_marks_estimated_close_times():
    assert Provenance((BTC, SPX)).to_frame()["closes"].tolist() == ["end of the bar", "07:00 UTC (estimated)"]


def test_html_of_a_result_is_escaped():
    html = Fact()._repr_html_()

    assert "1 &lt; 2 &amp; so on" in html
    assert "<i>" not in html and "<b>" not in html
