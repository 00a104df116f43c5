"""Tables as files for other programs: nothing computes, nothing is lost unsaid, the same bytes on every run."""

import csv
import io
import sys
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError
from volkit.report import TableBlock
from volkit.report.export import export_tables
from volkit.report.export_content import as_export_table, file_stems, guard_text, is_formula
from volkit.report.export_xlsx import sheet_names

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")

# OWASP's characters, their full-width twins, and what programs skip before them.
DANGEROUS = [
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://example.com")',
    "+1+1",
    "-1+cmd",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    '"=1+1',
]
HARMLESS = ["BTC", "a=b", "5 - 3", "\u22120.5", "<img src=x onerror=alert(1)>", "http://example.com", "001", "'quoted"]


def sheet_of(path, name=None):
    book = openpyxl.load_workbook(path)
    return book[name or book.sheetnames[1]]


@pytest.mark.parametrize("text", DANGEROUS)
def test_texts_that_spreadsheets_compute_stay_texts(tmp_path, text):
    frame = pd.DataFrame({text: [text, "x"], "value": [1.0, 2.0]})

    sheet = sheet_of(export_tables({text: frame}, tmp_path / "t.xlsx"))
    rows = list(csv.reader(io.StringIO(export_tables(frame, tmp_path / "t.csv").read_text("utf-8-sig"))))

    cells = [sheet["A1"], sheet["A2"]]
    assert [cell.data_type for cell in cells] == ["s", "s"]
    assert all(cell.quotePrefix for cell in cells)
    assert all(cell[0] == "'" for cell in (rows[0][0], rows[1][0]))


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_are_written_as_they_are(tmp_path, text):
    frame = pd.DataFrame({"name": [text]})

    cell = sheet_of(export_tables(frame, tmp_path / "t.xlsx"))["A2"]
    read = pd.read_csv(export_tables(frame, tmp_path / "t.csv"), dtype=str)

    assert (cell.value, cell.data_type, cell.quotePrefix, cell.hyperlink) == (text, "s", False, None)
    assert read["name"].tolist() == [text]


def test_no_cell_of_a_workbook_is_a_formula(tmp_path):
    frame = pd.DataFrame({"name": DANGEROUS, "value": np.arange(len(DANGEROUS))})

    book = openpyxl.load_workbook(export_tables(dict.fromkeys(DANGEROUS, frame), tmp_path / "t.xlsx", title="=1+1"))

    types = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert types == {"s", "n"}


@given(st.text())
def test_guarded_text_is_no_formula_in_either_locale(text):
    guarded = guard_text(text)

    assert not is_formula(guarded)
    assert not any(is_formula(part) for part in guarded.split(";")[1:] if part)
    assert guarded.replace("'", "") == text.replace("'", "")


def test_a_semicolon_opens_no_formula_where_it_separates_cells():
    assert guard_text("BTC;=cmd|' /C calc'!A0") == "BTC;'=cmd|' /C calc'!A0"


def test_numbers_come_back(tmp_path):
    values = [0.1, 1 / 3, -2.5e-300, 9.9e307, 0.0, 123456789.125]

    sheet = sheet_of(export_tables(pd.DataFrame({"value": values}), tmp_path / "t.xlsx"))

    got = [row[0].value for row in sheet.iter_rows(min_row=2)]
    assert all(cell[0].data_type == "n" for cell in sheet.iter_rows(min_row=2))
    assert got == pytest.approx(values, rel=1e-15)


def test_missing_cells_are_blank_and_infinite_ones_are_texts(tmp_path):
    frame = pd.DataFrame(
        {
            "number": [np.nan, np.inf, -np.inf],
            "huge": [1.7e308, 1.0, 2.0],
            "text": [None, "", "x"],
            "whole": [2**53, 2**53 + 1, -(2**60)],
        }
    )

    sheet = sheet_of(export_tables(frame, tmp_path / "t.xlsx"))

    assert [c.value for c in sheet["A"][1:]] == [None, "inf", "-inf"]
    assert [c.value for c in sheet["B"][1:]] == ["1.7e+308", 1, 2]
    assert [c.value for c in sheet["C"][1:]] == [None, None, "x"]
    assert [c.value for c in sheet["D"][1:]] == [9007199254740992, "9007199254740993", "-1152921504606846976"]
    assert sheet["D3"].data_type == "s"


def test_times_with_a_zone_are_written_in_utc_and_come_back(tmp_path):
    times = pd.DatetimeIndex(["2024-03-31 03:30:15.250", "2024-07-01 23:59:59.999"], tz="Europe/Berlin", name="time")
    frame = pd.DataFrame({"price": [1.0, 2.0], "known": [t.to_pydatetime() for t in times]}, index=times)
    frame["known"] = frame["known"].astype("object")

    sheet = sheet_of(export_tables(frame, tmp_path / "t.xlsx"))

    assert [cell.value for cell in sheet[1]] == ["time (UTC)", "price", "known (UTC)"]
    for column in ("A", "C"):
        read = pd.DatetimeIndex([c.value for c in sheet[column][1:]]).tz_localize("UTC")
        assert list(read.round("ms")) == list(times.tz_convert("UTC"))
    assert sheet["A2"].number_format == "yyyy-mm-dd hh:mm:ss.000"


def test_days_are_days_and_those_before_excel_are_texts(tmp_path):
    frame = pd.DataFrame({"day": [date(2024, 2, 29), date(1900, 3, 1), date(1850, 1, 1)]})

    sheet = sheet_of(export_tables(frame, tmp_path / "t.xlsx"))

    assert [c.value for c in sheet["A"][1:]] == [datetime(2024, 2, 29), datetime(1900, 3, 1), "1850-01-01"]
    assert sheet["A2"].number_format == "yyyy-mm-dd"


def test_columns_have_the_format_of_their_kind(tmp_path):
    block = TableBlock(
        frame=pd.DataFrame(
            {"rate": [0.05], "rate_upper": [0.06], "p": [0.0001], "n": [12345], "rho": [0.5], "notional": [2.5]}
        ),
        caption="Kinds.",
        kinds={"rate": "percent", "rho": "correlation"},
        units={"notional": "USD"},
        index=False,
    )

    sheet = sheet_of(export_tables({"kinds": block}, tmp_path / "t.xlsx"))

    assert [c.value for c in sheet[1]] == ["rate", "rate upper", "p", "n", "rho", "notional (USD)"]
    assert [c.number_format for c in sheet[2]] == [
        "0.00%", "0.00%", '[<0.0005]"<0.001";0.000', "#,##0", "0.00", "#,##0.0",
    ]  # fmt: skip


def test_a_column_of_units_sets_the_format_of_its_row(tmp_path):
    frame = pd.DataFrame(
        {"parameter": ["a", "b", "c"], "value": [0.128, 8.0, 9e6], "unit": ["fraction of notional", "times", "USD"]}
    )

    sheet = sheet_of(export_tables({"p": frame}, tmp_path / "t.xlsx"))

    assert [c.number_format for c in sheet["B"][1:]] == ["0.00%", '0.00"\u00d7"', "#,##0"]


def test_sheets_are_ready_to_be_read(tmp_path):
    frame = pd.DataFrame({"loss": [0.1, 0.2]}, index=pd.Index(["BTC", "ETH"], name="asset"))

    path = export_tables({"losses": frame}, tmp_path / "t.xlsx", title="Run", source="bundled")

    book = openpyxl.load_workbook(path)
    contents, sheet = book["Contents"], book["losses"]
    assert sheet.freeze_panes == "B2" and sheet.auto_filter.ref == "A1:B3"
    assert contents["A6"].hyperlink.location == "'losses'!A1"
    assert [c.value for c in contents[6]] == ["losses", "losses", 2, 2]
    assert "SIMULATED" not in str(list(contents.iter_rows(values_only=True)))


def test_simulated_results_say_so(tmp_path, simulated_calibration):
    book = openpyxl.load_workbook(export_tables({"margins": simulated_calibration}, tmp_path / "t.xlsx"))

    assert any("SIMULATED" in str(row[0]) for row in book["Contents"].iter_rows(values_only=True))
    assert book["margins"].oddHeader.right.text == "SIMULATED"
    tex = export_tables(simulated_calibration, tmp_path / "t.tex").read_text()
    assert "\\caption{Simulated prices." in tex


@pytest.mark.parametrize("ending", ["xlsx", "csv", "parquet", "tex"])
def test_same_tables_give_the_same_bytes(tmp_path, ending, monkeypatch):
    frame = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=3, tz="UTC"), "x": [1.5, np.nan, np.inf]})

    first = export_tables({"a": frame}, tmp_path / f"one.{ending}").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    second = export_tables({"a": frame}, tmp_path / f"two.{ending}").read_bytes()

    assert first == second


@given(st.lists(st.text(max_size=50), max_size=30))
def test_sheet_names_are_those_that_excel_takes(names):
    found = sheet_names(names)

    assert len({name.lower() for name in found} | {"contents", "history"}) == len(names) + 2
    for name in found:
        assert 0 < len(name.encode("utf-16-le")) <= 62
        assert not set(name) & set("[]:*?/\\") and name.strip("'") == name


@given(st.lists(st.text(max_size=40), max_size=20))
def test_file_stems_are_plain_and_distinct(names):
    found = file_stems(names)

    assert len({stem.lower() for stem in found}) == len(names)
    assert all(stem and not stem.startswith(".") for stem in found)
    assert all(c.isascii() and (c.isalnum() or c in "_.-") for s in found for c in s)


def test_several_tables_go_into_a_folder(tmp_path):
    frame = pd.DataFrame({"a": [1]})

    folder = export_tables({"../x": frame, "X": frame}, tmp_path / "out", format="csv")

    assert sorted(p.name for p in folder.iterdir()) == ["X_2.csv", "x.csv"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_parquet_keeps_every_bit(tmp_path):
    frame = pd.DataFrame(
        {
            "t": pd.date_range("2024", periods=2, tz="UTC"),
            "x": [np.nextafter(0.1, 1), -0.0],
            "s": ["=1", None],
            "b": [True, False],
        }
    )

    read = pd.read_parquet(export_tables(frame, tmp_path / "t.parquet"))

    pd.testing.assert_frame_equal(read, frame, check_exact=True)


@pytest.mark.parametrize(
    ("tables", "name", "options", "message"),
    [
        ({}, "t.xlsx", {}, "must hold at least one table"),
        (pd.DataFrame({"a": [1]}), "t", {}, "format must be told"),
        (pd.DataFrame({"a": [1]}), "t.csv", {"format": "xlsx"}, "format must be csv for t.csv"),
        (pd.DataFrame({"a": [1]}), "t", {"format": "ods"}, "must be one of xlsx, csv, parquet, latex"),
        ({"a": pd.DataFrame({"a": [1]}), "b": pd.DataFrame({"a": [1]})}, "t.csv", {}, "holds one table"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "t.csv", {}, "distinct names; got a twice"),
        ({"x": 3.0}, "t.csv", {}, "x must be a table or a result; got float"),
        (pd.DataFrame({"a": ["x" * 40_000]}), "t.xlsx", {}, "32,767 characters"),
        (pd.DataFrame({"a": np.zeros(1_048_576)}), "t.xlsx", {}, "1,048,575 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_with_a_remedy(tmp_path, tables, name, options, message):
    with pytest.raises(ArgumentError, match=message):
        export_tables(tables, tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_too_many_columns_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("volkit.report.export_xlsx.MAX_COLUMNS", 2)

    with pytest.raises(ArgumentError, match="got 1 rows and 3 columns; export it as parquet"):
        export_tables(pd.DataFrame([[1, 2, 3]]), tmp_path / "t.xlsx")


def test_a_missing_xlsxwriter_is_said_with_the_line_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)

    with pytest.raises(ArgumentError, match=r"pip install volkit-lab\[export\]"):
        export_tables(pd.DataFrame({"a": [1]}), tmp_path / "t.xlsx")


def test_results_and_series_give_their_frames(calibrated):
    series = as_export_table("s", pd.Series([1.0], index=pd.Index(["BTC"], name="asset"), name="rate"))
    result = as_export_table("r", calibrated[0])

    assert list(series.frame.columns) == ["asset", "rate"] and series.n_labels == 1
    assert result.frame.shape[0] == calibrated[0].to_frame().shape[0]


def test_times_of_csv_are_in_utc(tmp_path):
    times = pd.DatetimeIndex(["2024-07-01 12:00"], tz="Europe/Berlin", name="time")

    text = export_tables(pd.Series([1.0], index=times, name="x"), tmp_path / "t.csv").read_text("utf-8-sig")

    assert text == '"time","x"\n"2024-07-01 10:00:00+00:00",1.0\n'


@pytest.mark.parametrize("ending", ["xlsx", "csv", "parquet", "tex"])
def test_a_table_without_rows_is_written_with_its_heads(tmp_path, ending):
    path = export_tables(
        pd.DataFrame({"name": pd.Series(dtype=str), "x": pd.Series(dtype=float)}), tmp_path / f"t.{ending}"
    )

    assert path.stat().st_size > 10


def test_cells_that_hold_lists_are_written_as_text(tmp_path):
    frame = pd.DataFrame({"parts": [[1, 2], np.array([3.0])]})

    sheet = sheet_of(export_tables(frame, tmp_path / "t.xlsx"))

    assert [c.value for c in sheet["A"][1:]] == ["[1, 2]", "[3.]"]
