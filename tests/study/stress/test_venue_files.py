import shutil

import numpy as np
import pandas as pd
import pytest

from volkit.errors import DataError, SourceError
from volkit.resources import data_folder
from volkit.study.venue_files import open_venue, read_venue, venue_files

NEEDED = ("accounts.parquet", "order_books.csv", "fund.toml")


@pytest.fixture
def folder(tmp_path):
    """A copy of the simulated venue's files."""
    return shutil.copytree(data_folder() / "demo" / "stress", tmp_path / "venue")


def test_copied_folder_is_the_frozen_venue(folder):
    copy, frozen = read_venue(folder), open_venue("demo")

    assert copy.headline == frozen.headline
    assert set(copy.tables) == set(frozen.tables)
    assert copy.as_of == frozen.as_of
    assert (copy.fund, copy.half_life, copy.permanent_share) == (9e6, 6.0, 0.4)
    assert copy.provenance.simulated
    for name, table in frozen.tables.items():
        pd.testing.assert_frame_equal(copy.tables[name], table)


def test_order_books_are_one_a_venue(folder):
    books = read_venue(folder).order_books()

    assert [book.venues for book in books] == [("alpha",), ("beta",)]
    assert all(book.best_bid < 60_000.0 < book.best_ask for book in books)


def test_venue_of_accounts_and_books_alone_is_enough(folder):
    for path in folder.iterdir():
        if path.name not in NEEDED:
            path.unlink()

    assert set(read_venue(folder).tables) == {"accounts", "books"}
    assert {path.name for path in venue_files(folder)} == set(NEEDED)


def test_csv_does_for_parquet(folder):
    table = pd.read_parquet(folder / "accounts.parquet")
    (folder / "accounts.parquet").unlink()
    table.to_csv(folder / "accounts.csv", index=False)

    read = read_venue(folder).tables["accounts"]

    np.testing.assert_allclose(read["collateral"], table["collateral"], rtol=1e-15)


def test_rate_of_the_terms_serves_accounts_without_one(folder):
    path = folder / "accounts.parquet"
    pd.read_parquet(path).drop(columns="maintenance_rate").to_parquet(path)

    assert set(read_venue(folder).tables["accounts"]["maintenance_rate"]) == {0.005}


def _edit(folder, old, new):
    path = folder / "fund.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _cell(folder, row, column, value):
    path = folder / "order_books.csv"
    table = pd.read_csv(path).astype("object")
    table.loc[row, column] = value
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "accounts.parquet").unlink(), "there is no accounts.csv or accounts.parquet in .*venue"),
        (
            lambda f: (f / "fund.toml").unlink(),
            "there are no terms of the venue, .*; write one with asset, price, fund",
        ),
        (lambda f: (f / "accounts.parquet").write_bytes(b"PAR1 no"), "accounts.parquet cannot be read"),
    ],
)
def test_missing_or_damaged_file_is_named(folder, spoil, message):
    spoil(folder)

    with pytest.raises(SourceError, match=message):
        read_venue(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: _edit(f, "fund = 9000000.0", "fnud = 9000000.0"), "fund.toml must hold .* got no fund"),
        (lambda f: _edit(f, "half_life = 6.0", "halflife = 6.0"), "fund.toml .* got also halflife"),
        (
            lambda f: _edit(f, "fund = 9000000.0", "fund = -1"),
            "fund in fund.toml must be a number of at least 0; got -1",
        ),
        (lambda f: _edit(f, "price = 60000.0", 'price = "60k"'), "price in fund.toml must be a number .* got '60k'"),
        (lambda f: _edit(f, "simulated = true", 'simulated = "false"'), "simulated in fund.toml must be true or false"),
        (lambda f: _edit(f, "fixed = [", 'fixed = "USD"\nunused = ['), "fund.toml must hold .* got also unused"),
        (lambda f: _edit(f, "2024-12-31T00:00:00Z", "yesterday"), "as_of in fund.toml must be an instant in UTC"),
        (lambda f: _cell(f, 4, "side", "Bid"), "side in order_books.csv must be bid or ask; got row 5: 'Bid'"),
        (lambda f: _cell(f, 0, "venue", None), "venue in order_books.csv must be named on every row; got row 1: nan"),
        (lambda f: _cell(f, 2, "amount", "n/a x"), "amount in order_books.csv must be a finite number; got row 3"),
        (lambda f: (f / "lending_terms.csv").unlink(), "lending_positions and lending_terms together"),
        (lambda f: (f / "exposures.csv").write_text("a,b\n1,2\n"), "exposures.csv must have rows, .* got no debtor"),
        (
            lambda f: (f / "external.csv").write_text("node,assets,liabilities\n"),
            "external.csv must have rows, .* got no rows",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(folder, spoil, message):
    spoil(folder)

    with pytest.raises(DataError, match=message):
        read_venue(folder)


def test_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"there is no folder .*nowhere; give a folder with accounts, order_books"):
        open_venue(tmp_path / "nowhere")
