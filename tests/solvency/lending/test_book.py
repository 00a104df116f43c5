import numpy as np
import pandas as pd
import pytest

from volkit.errors import DataError, SourceError
from volkit.solvency.lending import LendingBook, read_lending_book

TERMS = pd.DataFrame({"asset": ["ETH", "USDC"], "price": [2000.0, 1.0], "liquidation_threshold": [0.8, 0.78],
                      "liquidation_bonus": [0.05, 0.045], "oracle": ["eth-usd", "usdc-usd"]})  # fmt: skip


def positions(**changes):
    row = {"account": "A", "collateral_asset": "ETH", "collateral_quantity": 1.0, "debt_asset": "USDC",
           "debt_quantity": 100.0}  # fmt: skip
    return pd.DataFrame([row, row | {"account": "B"} | changes])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"debt_quantity": -1.0}, "debt_quantity in positions must not be negative; got row 2 (B): -1.0"),
        ({"debt_quantity": np.nan}, "debt_quantity in positions must be a finite number; got row 2 (B): nan"),
        ({"collateral_quantity": np.inf}, "collateral_quantity in positions must be a finite number; got row 2 (B)"),
        (
            {"collateral_asset": "SOL"},
            "collateral_asset in positions must have terms (ETH, USDC); got row 2 (B): 'SOL'",
        ),
        ({"debt_asset": "DAI"}, "debt_asset in positions must have terms (ETH, USDC); got row 2 (B): 'DAI'"),
        ({"account": ""}, "account in positions must be named on every row; got row 2: ''"),
    ],
)
def test_positions_that_cannot_be_used_are_refused_by_row(changes, said):
    with pytest.raises(DataError) as caught:
        LendingBook.from_frames(positions(**changes), TERMS)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"price": np.nan}, "price in terms must be a finite number; got row 2 (USDC): nan"),
        ({"price": 0.0}, "price in terms must be a number above zero; got row 2 (USDC)"),
        ({"liquidation_threshold": 78.0}, "liquidation_threshold in terms must be a fraction from 0 to 1"),
        ({"liquidation_bonus": -0.01}, "liquidation_bonus in terms must not be negative"),
        ({"liquidation_bonus": 5.0}, "liquidation_bonus in terms must be a fraction below 1"),
        ({"asset": "ETH"}, "asset in terms must stand once in the terms; got row 2: 'ETH'"),
    ],
)
def test_terms_that_cannot_be_used_are_refused_by_row(changes, said):
    terms = TERMS.copy()
    for name, value in changes.items():
        terms.loc[1, name] = value
    with pytest.raises(DataError) as caught:
        LendingBook.from_frames(positions(), terms)

    assert said in str(caught.value)


def test_files_give_the_same_book(tmp_path):
    book = LendingBook.from_frames(positions(), TERMS)
    positions().to_csv(tmp_path / "p.csv", index=False)
    TERMS.to_parquet(tmp_path / "t.parquet")
    read = read_lending_book(tmp_path / "p.csv", tmp_path / "t.parquet")

    pd.testing.assert_frame_equal(read.positions, book.positions)
    pd.testing.assert_frame_equal(read.terms, book.terms)
    with pytest.raises(SourceError, match="there is no table of terms"):
        read_lending_book(tmp_path / "p.csv", tmp_path / "none.csv")


def test_rows_of_an_account_add_up():
    rows = pd.concat([positions(), positions(debt_quantity=7.0).iloc[1:]], ignore_index=True)
    sums = LendingBook.from_frames(rows, TERMS).values()

    assert sums.accounts.tolist() == ["A", "B"]
    assert sums.collateral.tolist() == [[2000.0, 0.0], [4000.0, 0.0]]
    assert sums.debt.tolist() == [[0.0, 100.0], [0.0, 107.0]]


def test_sums_by_asset_and_repr():
    book = LendingBook.from_frames(positions(), TERMS, as_of=pd.Timestamp("2026-01-01", tz="UTC"))

    assert book.collateral_values.tolist() == [4000.0, 0.0]
    assert book.debt_values.tolist() == [0.0, 200.0]
    assert repr(book) == ("<LendingBook: 2 accounts, 4,000 USD collateral in 1 asset, 200 USD debt, 2 oracles, "
                          "2026-01-01 00:00 UTC>")  # fmt: skip
    assert book.summary().loc["ETH", "collateral (USD)"] == 4000.0
