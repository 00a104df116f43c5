"""Position files with a market of their own: columns, chains, and rows that cannot be used."""

import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.options.black76 import black76_price
from volkit.portfolio.venues import margin_under_rules, read_valued_book

NOW = pd.Timestamp("2026-11-28", tz="UTC")
HEAD = "instrument,quantity,spot,forward,volatility,mark\n"
YEARS = (pd.Timestamp("2027-03-26 08:00", tz="UTC") - NOW).total_seconds() / 31_536_000


@pytest.fixture
def write(tmp_path):
    def put(text, name="positions.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return put


def test_a_file_brings_its_own_market(write):
    path = write(HEAD + "BTC_USDC-PERPETUAL,1,90000,90050,,\nBTC-26MAR27-100000-C,-1,,92000,0.5,\n")

    book, market = read_valued_book(path, as_of=NOW)

    assert book.accounts.tolist() == ["main"]
    assert market.spot.to_dict() == {"BTC": 90_000.0}
    assert market.marks.to_dict() == {"BTC_USDC-PERPETUAL": 90_050.0}
    assert market.forwards.tolist() == [92_000.0]
    assert market.volatility.tolist() == [0.5]
    assert market.filled == ()


def test_a_parquet_file_is_read_alike(tmp_path):
    path = tmp_path / "positions.parquet"
    frame = pd.DataFrame({"instrument": ["BTC_USDC-PERPETUAL"], "quantity": [1.0], "spot": [90_000.0]})
    frame.to_parquet(path)

    assert read_valued_book(path, as_of=NOW).book.n_positions == 1


def test_a_mark_implies_the_volatility(write):
    price = float(black76_price(92_000.0, 100_000.0, YEARS, 0.55, True))
    path = write(HEAD + f"BTC-26MAR27-100000-C,-1,90000,92000,,{price!r}\n")

    market = read_valued_book(path, as_of=NOW).market

    assert market.volatility.tolist() == pytest.approx([0.55], rel=1e-10)


def test_a_forward_that_nothing_tells_is_the_spot_and_told(write):
    path = write(HEAD + "BTC-26MAR27-100000-C,-1,90000,,0.5,\n")

    market = read_valued_book(path, as_of=NOW).market

    assert market.forwards.tolist() == [90_000.0]
    assert market.filled == ("forward of BTC 2027-03-26 taken at the spot, 90,000 USD: none is given",)


def test_a_call_and_a_put_of_one_strike_share_the_mean_volatility(write):
    path = write(HEAD + "BTC-26MAR27-100000-C,-1,90000,,0.5,\nBTC-26MAR27-100000-P,-1,,,0.52,\n")

    market = read_valued_book(path, as_of=NOW).market

    assert market.volatility.tolist() == pytest.approx([0.51])
    assert any("is the mean of 0.5 and 0.52" in note for note in market.filled)


def test_a_spot_given_goes_before_the_column(write):
    path = write(HEAD + "BTC_USDC-PERPETUAL,1,90000,,,\n")

    assert read_valued_book(path, as_of=NOW, spot={"BTC": 80_000.0}).market.spot.to_dict() == {"BTC": 80_000.0}


def test_cash_and_coins_are_read_beside_positions(write):
    text = "instrument,quantity,kind,spot\nBTC_USDC-PERPETUAL,1,,90000\nUSD,500,cash,\nBTC,0.5,collateral,\n"

    book = read_valued_book(write(text), as_of=NOW).book

    assert book.cash.to_dict() == {"main": 500.0}
    assert book.collateral["quantity"].tolist() == [0.5]


CHAIN = (
    "timestamp,instrument_name,bid_price,ask_price,mark_price,futures_price,implied_volatility\n"
    "2026-11-27T12:00:00Z,BTC-26MAR27-100000-C,0.0310,0.0320,0.0314,92000,0.48\n"
    "2026-11-27T12:00:00Z,ETH-26MAR27-4000-C,0.0310,0.0320,0.0314,3100,0.7\n"
)


def test_a_chain_tells_time_forwards_and_volatilities(write):
    positions = write("instrument,quantity\nBTC-26MAR27-100000-C,-1\nETH-26MAR27-4000-C,2\n")
    chain = write(CHAIN, "chain.csv")

    market = read_valued_book(positions, chains=[chain], spot={"BTC": 90_000.0, "ETH": 3_000.0}).market

    assert market.as_of == pd.Timestamp("2026-11-27 12:00", tz="UTC")
    assert sorted(market.volatility.tolist()) == [0.48, 0.7]
    assert market.spot.to_dict() == {"BTC": 90_000.0, "ETH": 3_000.0}


def test_columns_complete_what_a_chain_does_not_quote(write):
    positions = write(
        HEAD + "BTC-26MAR27-100000-C,-1,90000,,,\nBTC-26MAR27-120000-C,2,,,0.6,\nSOL_USDC-PERPETUAL,3,150,,,\n"
    )

    book, market = read_valued_book(positions, chains=[write(CHAIN, "chain.csv")])

    assert sorted(market.volatility.tolist()) == [0.48, 0.6]
    assert market.spot["SOL"] == 150.0
    assert margin_under_rules(book, market, rules="paradex-portfolio").n_applied == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("BTC-PERP,1,x,,,\n", r"spot in positions.csv must be a number; got row 1 \(BTC-PERP\): 'x'"),
        (
            "BTC-PERP,1,1,,,\n\nBTC-26MAR27,1,,-5,,\n",
            r"forward in positions.csv must be positive; got row 3 \(BTC-26MAR27\)",
        ),
        (
            "BTC-26MAR27-9-C,1,1,1,50,\n",
            r"volatility in positions.csv must be a decimal .* row 1 .*'50'; divide by 100",
        ),
        (
            "BTC-26MAR27-9-C,1,1,1,,\n",
            r"volatility of row 1 \(BTC-26MAR27-9-C\) in positions.csv must be known.*fill the",
        ),
        ("BTC-26MAR27-9-C,1,1,1,,7\n", r"row 1 .* must follow from its mark; got a mark of 7 with a forward of 1"),
        (
            "BTC-PERP,1,1,,,\nBTC-26MAR27,1,2,,,\n",
            "spot of BTC in positions.csv must be the same.*1 in row 1, 2 in row 2",
        ),
        (
            "BTC-26MAR27,1,1,5,,\nBTC-26MAR27-9-C,1,,6,.5,\n",
            "forward of BTC 2027-03-26 in positions.csv must be the same on every row; got 5 in row 1, 6 in row 2",
        ),
        ("BTC-PERP,1,,,,\n", "spot of BTC must be known; got none; add a column spot, or pass --spot BTC=PRICE"),
        (
            "BTC-27MAR20-9-C,1,1,1,.5,\n",
            r"must expire after 2026-11-28 00:00 UTC; got row 1 \(main\): 'BTC-27MAR20-9-C'",
        ),
        ("BITCOIN,1,1,,,\n", r"must be a venue's name of a contract; got row 1 \(main\): 'BITCOIN'"),
        ("BTC-PERP,one,1,,,\n", r"quantity in positions.csv must be a finite number; got row 1 .*'one'"),
        ("BTC-PERP,1,1,,,\nBTC-PERP,2,1,,,\n", "must stand once by account; got row 2"),
    ],
)
def test_rows_that_cannot_be_used_are_named(write, rows, message):
    with pytest.raises(DataError, match=message):
        read_valued_book(write(HEAD + rows), as_of=NOW)


def test_an_unknown_column_names_the_known_ones(write):
    with pytest.raises(DataError, match=r"columns of positions.csv must be .*; got also price"):
        read_valued_book(write("instrument,quantity,price\nBTC-PERP,1,2\n"), as_of=NOW)


def test_a_missing_file_column_or_time_is_refused(write, tmp_path):
    with pytest.raises(SourceError, match=r"there is no position file .*none\.csv"):
        read_valued_book(tmp_path / "none.csv", as_of=NOW)
    with pytest.raises(SourceError, match="has no column 'quantity'"):
        read_valued_book(write("instrument\nBTC-PERP\n"), as_of=NOW)
    with pytest.raises(ArgumentError, match="as_of must be told without a chain"):
        read_valued_book(write("instrument,quantity,spot\nBTC-PERP,1,2\n"))


def test_a_chain_of_other_coins_is_refused(write):
    positions = write("instrument,quantity,spot\nSOL_USDC-PERPETUAL,1,150\n")

    with pytest.raises(DataError, match=r"chain chain.csv must quote options on SOL; got BTC, ETH; leave the file out"):
        read_valued_book(positions, chains=[write(CHAIN, "chain.csv")])


@pytest.mark.real
def test_a_book_on_a_real_chain_is_margined_under_every_rule_of_options(write, real_data):
    path = write("instrument,quantity\nBTC-26JUN26-80000-C,-5\nBTC-26JUN26-60000-P,-5\nBTC-PERPETUAL,0.5\n")
    chain = real_data / "deribit" / "deribit_options_snapshot_20260326T213149Z.csv.gz"

    book, market = read_valued_book(path, chains=[chain])
    table = margin_under_rules(book, market).table

    applied = table.dropna(subset="initial_margin")
    assert len(applied) == 8
    # Ten short options on some 69,000 USD: none asks for less than a twentieth, none for more than a third.
    assert applied["initial_rate"].between(0.02, 0.33).all()


def test_prices_that_cannot_be_of_one_market_are_refused(write):
    path = write(HEAD + "BTC_USDC-PERPETUAL,1,60000,600,,\n")

    with pytest.raises(DataError, match=r"forward in row 1 of positions\.csv must lie within 3 times the spot"):
        read_valued_book(path, as_of=NOW)


def test_a_file_of_cash_alone_is_read(write):
    path = write("instrument,quantity,kind\nUSD,1000,cash\n")

    assert read_valued_book(path, as_of=NOW).book.n_positions == 0
