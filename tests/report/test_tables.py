import re

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError
from volkit.report import format_value, to_html_table

SCRIPT = "<script>alert(1)</script>"


def test_every_text_is_escaped():
    frame = pd.DataFrame({SCRIPT: [SCRIPT]}, index=pd.Index([SCRIPT], name=SCRIPT))

    html = to_html_table(frame, caption=f'{SCRIPT}" onload="x', units={SCRIPT: SCRIPT})

    assert "<script" not in html
    assert '" onload' not in html
    assert html.count("&lt;script&gt;") == 8


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT, pd.NA])
def test_a_missing_value_is_a_dash_that_says_so(missing):
    html = to_html_table(pd.DataFrame({"a": pd.Series([missing], dtype=object)}))

    assert '<span class="missing" title="not available" aria-label="not available">\u2013</span>' in html
    assert "nan" not in html.lower()


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (0.4567, "percent", "45.67 %"),
        (0.05, "percent", "5.00 %"),
        (0.0004, "percent", "0.040 %"),
        (-0.012, "percent", "\u22121.20 %"),
        (0.0, "percent", "0.00 %"),
        (0.125, "change", "+12.5 %"),
        (-0.125, "change", "\u221212.5 %"),
        (0.0321, "p_value", "0.032"),
        (0.0001, "p_value", "<0.001"),
        (1234567, "count", "1,234,567"),
        (0.123456, "number", "0.1235"),
        (123456.7, "number", "123,457"),
        (1.5e-7, "number", "1.500e\u221207"),
        (float("inf"), "number", "\u221e"),
        (-0.834, "correlation", "\u22120.83"),
        (pd.Timestamp("2024-03-01", tz="UTC"), "date", "2024-03-01"),
        (pd.Timestamp("2024-03-01 20:00", tz="UTC"), "time", "2024-03-01 20:00 UTC"),
        ("ab" * 32, "hash", "abababababab"),
        (True, "text", "yes"),
    ],
)
def test_values_are_written_by_kind(value, kind, words):
    assert format_value(value, kind=kind) == words


def test_kinds_are_guessed_from_dtype_and_name():
    frame = pd.DataFrame(
        {
            "first": pd.to_datetime(["2024-01-01"], utc=True),
            "close time": pd.to_datetime(["2024-01-01 20:00"], utc=True),
            "bars": [5031],
            "Kupiec p": [0.04321],
            "value": [0.5],
        }
    )

    html = to_html_table(frame, index=False)

    for words in ("2024-01-01<", "2024-01-01 20:00 UTC", "5,031", "0.043", ">0.5<"):
        assert words in html
    assert "00:00:00" not in html


def test_numbers_of_a_column_share_their_decimals():
    html = to_html_table(pd.DataFrame({"hours": [11.0, 0.25, -1.5]}))

    assert all(f">{words}<" in html for words in ("11.00", "0.25", "\u22121.50"))


def test_by_unit_follows_the_rows_unit(calibrated):
    kinds = dict.fromkeys(("current", "recommended", "low", "mid", "high"), "by_unit")

    html = to_html_table(calibrated[0].table, kinds=kinds)

    row = calibrated[0].table.loc["max_leverage_long"]
    assert f"{row['recommended']:.2f}\u00d7" in html
    assert ">10.00 %<" in html
    assert "maintenance margin long" in html


def test_catalogue_names_keep_their_underscore():
    assert "WTI_SPOT" in to_html_table(pd.DataFrame({"n": [1]}, index=["WTI_SPOT"]))


def test_numbers_and_times_carry_what_they_are_sorted_by():
    frame = pd.DataFrame(
        {
            "rate": [0.1, np.nan, -0.025, np.inf],
            "day": pd.to_datetime(["2024-01-02", None, "2023-12-31", "2024-01-01"], utc=True),
            "word": ["b", "a", None, "c"],
        }
    )

    html = to_html_table(frame, kinds={"rate": "percent"}, index=False)

    keys = re.findall(r'data-value="([^"]*)"', html)
    assert keys == ["0.1", "2024-01-02", "", "", "-0.025", "2023-12-31", "", "Infinity", "2024-01-01"]


def test_a_strong_column_is_marked_in_head_and_cells():
    html = to_html_table(pd.DataFrame({"a": [1.5], "b": ["x"]}), strong="a", index=False)

    assert html.count('class="number strong"') == 2


def test_units_stand_in_the_head():
    html = to_html_table(pd.DataFrame({"mismatch": [1.5]}), units={"mismatch": "hours"})

    assert '<span class="unit">hours</span>' in html


def test_notes_stand_once_below_the_table():
    frame = pd.DataFrame({"rate": [0.1, 0.2, 0.3, 0.4], "reason": [SCRIPT, "floor", SCRIPT, None]})

    html = to_html_table(frame, notes="reason")

    assert html.endswith('<ol class="notes"><li>&lt;script&gt;alert(1)&lt;/script&gt;</li><li>floor</li></ol>')
    assert html.count("floor") == 1
    assert [html.count(f">{letter}<") for letter in "ab"] == [2, 1]
    assert html.count("not available") == 2  # title and label of one cell


def test_a_table_without_rows_is_still_a_table():
    assert "<tbody>" in to_html_table(pd.DataFrame({"a": pd.Series(dtype=float)}))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kinds": {"b": "percent"}}, "kinds may name"),
        ({"kinds": {"a": "currency"}}, "must be one of text"),
        ({"kinds": {"a": "by_unit"}}, "column named unit"),
        ({"units": {"b": "USD"}}, "units may name"),
        ({"notes": "b"}, "notes must be one of a"),
    ],
)
def test_wrong_columns_and_kinds_are_refused(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        to_html_table(pd.DataFrame({"a": [1.0]}), **arguments)
