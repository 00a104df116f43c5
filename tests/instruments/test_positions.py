"""Position books: files, what is kept, and rows that cannot be used."""

import pandas as pd
import pytest

from volkit.errors import DataError, SourceError
from volkit.instruments import PositionBook, read_position_book

NOW = pd.Timestamp("2026-01-01", tz="UTC")
GOOD = """account,instrument,quantity,entry_price,kind
A,BTC-PERPETUAL,-1.5,88000,
A,BTC-27MAR26-90000-C,2,0.05,position

A,USDC,25000,,cash
A,USD,5000,,cash
B,BTC/USDT:USDT,0.5,,
B,BTC,1.25,,collateral
"""


def write(tmp_path, text, name="book.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_book_is_read_with_cash_and_coins(tmp_path):
    book = read_position_book(write(tmp_path, GOOD), as_of=NOW)

    assert book.positions["instrument"].tolist() == ["BTC-PERPETUAL", "BTC-27MAR26-90000-C", "BTC_USDC-PERPETUAL"]
    assert book.positions["quantity"].tolist() == [-1.5, 2.0, 0.5]
    assert book.positions["entry_price"].isna().tolist() == [False, False, True]
    assert book.cash.to_dict() == {"A": 30_000.0}
    assert book.collateral.to_dict("records") == [{"account": "B", "coin": "BTC", "quantity": 1.25}]
    assert list(book.accounts) == ["A", "B"]
    assert "3 positions in 3 instruments of 2 accounts" in repr(book)
    assert book.summary().loc[("BTC", "perpetual"), "gross quantity"] == 2.0


def test_parquet_and_csv_give_the_same_book(tmp_path):
    book = read_position_book(write(tmp_path, GOOD))
    book.to_frame().to_parquet(tmp_path / "book.parquet")

    again = read_position_book(tmp_path / "book.parquet")

    pd.testing.assert_frame_equal(again.positions, book.positions)
    pd.testing.assert_series_equal(again.cash, book.cash)
    pd.testing.assert_frame_equal(again.collateral, book.collateral)


HEAD = "account,instrument,quantity,entry_price,kind\nA,BTC-PERPETUAL,1,88000,\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A,DOGECOIN-FOREVER,1,,", r"instrument in book.csv must be a venue's name .* row 2 \(A\): 'DOGECOIN-FOREVER'"),
        ("A,BTC,1,,", r"row 2 \(A\): 'BTC'; .* coins need a column kind"),
        ("A,BTC/USD:BTC,1,,", r"must stand once by account; got row 2 \(A\): 'BTC-PERPETUAL'; add the quantities up"),
        ("B,BTC-PERPETUAL,one,,", r"quantity in book.csv must be a finite number; got row 2 \(B, .*\): 'one'"),
        ("B,BTC-PERPETUAL,,,", r"quantity in book.csv must be a finite number; got row 2"),
        ("B,BTC-PERPETUAL,inf,,", r"quantity in book.csv must be a finite number; got row 2"),
        ("B,BTC-PERPETUAL,1,abc,", r"entry_price in book.csv must be a finite number; got row 2"),
        ("B,BTC-PERPETUAL,1,-5,", r"entry_price in book.csv must be positive; got row 2"),
        ("B,BTC-26DEC25-90000-C,1,,", r"must expire after 2026-01-01 00:00 UTC; got row 2 .* settle it to cash"),
        (",BTC-PERPETUAL,1,,", "account in book.csv must be named on every row; got row 2"),
        ("B,BTC-PERPETUAL,1,,loan", "kind in book.csv must be one of position, cash, collateral; got row 2"),
        ("B,EUR,1,,cash", "must be in USD, USDC or USDT on rows of cash; got row 2"),
        ("B,BTC-PERPETUAL,1,,collateral", "must name a coin on rows of collateral; got row 2"),
        ("B,BTC,1,,collateral\nB,BTC,2,,collateral", r"must stand once by account; got row 3 \(B\): 'BTC'"),
    ],
)
def test_a_bad_row_is_named_with_a_remedy(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        read_position_book(write(tmp_path, HEAD + row + "\n"), as_of=NOW)


def test_many_bad_rows_are_counted():
    frame = pd.DataFrame({"account": "A", "instrument": [f"X{i}" for i in range(9)], "quantity": 1.0})

    with pytest.raises(DataError, match="and 4 more rows"):
        PositionBook.from_frame(frame)


def test_columns_rows_and_files_are_checked(tmp_path):
    with pytest.raises(DataError, match=r"columns of book.csv must be account, instrument, quantity .* no quantity"):
        read_position_book(write(tmp_path, "account,instrument,size\nA,BTC-PERPETUAL,1\n"))
    with pytest.raises(DataError, match="also colour"):
        read_position_book(write(tmp_path, "account,instrument,quantity,colour\nA,BTC-PERPETUAL,1,red\n"))
    with pytest.raises(DataError, match=r"book.csv must have at least one row"):
        read_position_book(write(tmp_path, "account,instrument,quantity\n"))
    with pytest.raises(SourceError, match="there is no position book"):
        read_position_book(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="cannot be read"):
        read_position_book(write(tmp_path, "not parquet", "book.parquet"))


def test_a_contract_that_expires_at_the_instant_has_expired():
    frame = pd.DataFrame({"account": ["A"], "instrument": "BTC-30JAN26", "quantity": 1.0})
    expiry = pd.Timestamp("2026-01-30 08:00", tz="UTC")

    assert PositionBook.from_frame(frame, as_of=expiry - pd.Timedelta("1s")).n_positions == 1
    with pytest.raises(DataError, match=r"row 1 \(A\): 'BTC-30JAN26'; settle it to cash"):
        PositionBook.from_frame(frame, as_of=expiry)
