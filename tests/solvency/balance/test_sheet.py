import numpy as np
import pandas as pd
import pytest
from drawn_sheets import sheet_of

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.solvency.balance import BalanceSheet, read_balance_sheet

HEAD = "entity,side,asset,quantity,price,own_token,liquid\n"


def refused(text, tmp_path):
    file = tmp_path / "sheet.csv"
    file.write_text(HEAD + text)
    with pytest.raises(DataError) as caught:
        read_balance_sheet(file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "V,liability,BTC,-1,80000,,",
            "quantity in sheet.csv must not be negative; got row 2 (V, liability, BTC): '-1'",
        ),
        ("V,asset,BTC,-1,80000,false,true", "quantity in sheet.csv must not be negative"),
        ("V,liability,BTC,,80000,,", "quantity in sheet.csv must be a finite number; got row 2 (V, liability, BTC)"),
        ("V,liability,BTC,nan,80000,,", "quantity in sheet.csv must be a finite number; got row 2"),
        ("V,liability,BTC,inf,80000,,", "quantity in sheet.csv must be a finite number; got row 2"),
        ("V,liability,BTC,1,,,", "price in sheet.csv must be a finite number; got row 2 (V, liability, BTC)"),
        ("V,liability,BTC,1,-5,,", "price in sheet.csv must not be negative; got row 2"),
        ("V,debt,BTC,1,80000,,", "side in sheet.csv must be asset or liability; got row 2 (V, BTC): 'debt'"),
        (",asset,BTC,1,80000,false,true", "entity in sheet.csv must be named on every row; got row 2"),
        ("V,asset,BTC,1,80000,,true", "own_token in sheet.csv must be told for every asset that is owned"),
        ("V,asset,BTC,1,80000,maybe,true", "own_token in sheet.csv must be true or false; got row 2"),
        ("V,liability,USD,1,1.01,,", "price in sheet.csv must be the same wherever an asset stands"),
        ("all,liability,USD,1,1,,", "entity in sheet.csv must not be 'all'"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_by_number(row, said, tmp_path):
    assert said in refused(f"V,asset,USD,10,1,false,true\n{row}\n", tmp_path)


def test_row_number_counts_blank_lines(tmp_path):
    assert "row 3 (V" in refused("V,asset,USD,10,1,false,true\n\nV,liability,BTC,-1,80000,,\n", tmp_path)


def test_missing_and_unknown_columns_are_told(tmp_path):
    with pytest.raises(DataError, match="got no price"):
        BalanceSheet.from_frame(
            pd.DataFrame({"entity": ["V"]}).reindex(columns=HEAD.strip().split(",")).drop(columns="price")
        )
    with pytest.raises(DataError, match="must have at least one row"):
        BalanceSheet.from_frame(pd.DataFrame(columns=HEAD.strip().split(",")))
    with pytest.raises(SourceError, match="there is no balance sheet"):
        read_balance_sheet(tmp_path / "none.csv")


def test_csv_and_parquet_give_the_same_sheet(tmp_path):
    sheet = sheet_of(("V", "asset", "BTC", 2.0), ("V", "asset", "VEN", 5e5), ("V", "liability", "USD", 1e5))
    sheet.to_frame().to_csv(tmp_path / "s.csv", index=False)
    sheet.to_frame().to_parquet(tmp_path / "s.parquet")

    for name in ("s.csv", "s.parquet"):
        pd.testing.assert_frame_equal(read_balance_sheet(tmp_path / name).rows, sheet.rows)


def test_rows_of_one_asset_add_up_and_stay_apart_by_kind():
    sheet = sheet_of(("V", "asset", "BTC", 1.0), ("V", "asset", "BTC", 2.0), ("V", "asset", "VEN", 10.0),
                     ("W", "liability", "BTC", 1.5))  # fmt: skip
    sums = sheet.values()

    assert sums.owned.tolist() == [[240_000.0, 0.0], [0.0, 0.0]]
    assert sums.own_tokens.tolist() == [[0.0, 2.0], [0.0, 0.0]]
    assert sums.owed.tolist() == [[0.0, 0.0], [120_000.0, 0.0]]


def test_other_prices_value_the_same_quantities_and_leave_the_sheet_alone():
    sheet = sheet_of(("V", "asset", "BTC", 1.0), ("V", "liability", "USD", 7.0))

    assert sheet.at_prices({"BTC": 50.0}).values().owned.sum() == 50.0
    assert sheet.values().owned.sum() == 80_000.0
    with pytest.raises(DataError, match="must name assets of the sheet"):
        sheet.at_prices({"SOL": 1.0})
    with pytest.raises(DataError, match="must be a finite number"):
        sheet.at_prices({"BTC": np.nan})


def test_sheet_of_one_entity():
    sheet = sheet_of(("V", "asset", "BTC", 1.0), ("W", "liability", "USD", 7.0))

    assert sheet.of("W").entities.tolist() == ["W"]
    with pytest.raises(ArgumentError, match="must be one of V, W"):
        sheet.of("X")


def test_repr_says_what_is_owned_and_owed():
    stamp = pd.Timestamp("2026-01-01", tz="UTC")
    sheet = sheet_of(("V", "asset", "BTC", 1.0), ("V", "liability", "USD", 7.0), as_of=stamp)

    assert repr(sheet) == "<BalanceSheet: 1 entity, 2 assets, 80,000 USD owned, 7 USD owed, 2026-01-01 00:00 UTC>"
    assert sheet.summary().loc["V", "owed (USD)"] == 7.0
    with pytest.raises(ValueError, match="read-only"):
        sheet.rows.loc[:, "quantity"].to_numpy()[0] = 1.0
