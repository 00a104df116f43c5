"""Books from files: units, names, what is left out and counted, refusals by line."""

import gzip

import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.options.chain import prepare_chain, read_option_chain
from volkit.sources.exchange import OptionChain

CALL, PUT, OTHER = "BTC-30JAN26-90000-C", "BTC-30JAN26-90000-P", "ETH-30JAN26-3000-C"


def read(path, **words):
    return read_option_chain(path, **{"underlying": "BTC", **words})


def test_a_row_becomes_a_quote_of_the_exchanges_own_type(book, row):
    chain = read(book(row(), row(OTHER)))

    quote = chain.quotes.iloc[0]
    assert isinstance(chain, OptionChain)
    assert (quote["instrument"], quote["strike"], quote["is_call"]) == (CALL, 90_000.0, True)
    assert quote["expiry"] == pd.Timestamp("2026-01-30 08:00", tz="UTC")
    assert quote[["bid", "ask", "mid", "mark", "implied_volatility", "underlying_price"]].tolist() == pytest.approx(
        [0.031, 0.033, 0.032, 0.032, 0.45, 91_000.0]
    )
    assert quote[["delta", "vega_per_point", "index_price"]].tolist() == [0.56, 93.1, 90_500.0]
    assert (chain.settlement, chain.quote_unit, chain.as_of) == ("coin", "BTC", pd.Timestamp("2026-01-05 12:00Z"))
    assert chain.dropped == {"another underlying or settlement": 1}


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_the_three_kinds_of_file_say_the_same(book, row, tmp_path, ending):
    csv = book(row(), row(PUT))
    path = tmp_path / f"other{ending}"
    if ending == ".parquet":
        pd.read_csv(csv).assign(timestamp=lambda t: pd.to_datetime(t["timestamp"])).to_parquet(path)
    else:
        path.write_bytes(gzip.compress(csv.read_bytes()) if ending.endswith("gz") else csv.read_bytes())

    pd.testing.assert_frame_equal(read(path).quotes, read(csv).quotes)


@pytest.mark.parametrize(
    ("name", "synthetic"), [("BTC-30JAN26", False), ("SYN.BTC-30JAN26", True), ("", None), ("BTC-PERPETUAL", False)]
)
def test_a_forward_is_synthetic_when_no_listed_future_is_named(book, row, name, synthetic):
    flag = read(book(row(futures_instrument_name=name))).quotes["is_synthetic_forward"].iloc[0]

    assert flag is pd.NA if synthetic is None else flag == synthetic


def test_an_empty_side_is_missing_and_a_zero_stays_zero(book, row):
    quotes = read(book(row(bid_price=""), row(PUT, bid_price="0"))).quotes.set_index("instrument")

    assert pd.isna(quotes.at[CALL, "bid"]) and pd.isna(quotes.at[CALL, "mid"])
    assert quotes.at[PUT, "bid"] == 0.0 and pd.isna(quotes.at[PUT, "mid"])


def test_rows_left_out_are_counted_and_the_first_is_named(book, row):
    lines = [
        row(), row("BTC-31JUN26-90000-C"), row("SOMETHING"), row("BTC-2JAN26-90000-C", expiry_datetime=""),
        row(PUT, bid_price="-0.1"), row(OTHER), row("BTC_USDC-30JAN26-90000-C"),
    ]  # fmt: skip

    chain = read(book(*lines))

    assert chain.dropped == {
        "unreadable instrument name": 2, "expired": 1, "negative, infinite or garbled number": 1,
        "another underlying or settlement": 2,
    }  # fmt: skip
    assert chain.n_quotes + chain.n_dropped == len(lines)
    assert chain.metadata["first unreadable instrument name"] == "line 3: 'BTC-31JUN26-90000-C'"


def test_rows_after_as_of_change_nothing(book, row):
    early, late = "2026-01-05T12:00:00Z", "2026-01-05T12:00:01Z"
    lines = [row(timestamp=early), row(timestamp=late, bid_price="0.02"), row(PUT, timestamp=late)]
    moment = pd.Timestamp(early)

    chain = read(book(*lines), as_of=moment)

    assert chain.as_of == moment
    assert chain.dropped == {"quoted after as_of": 2}
    pd.testing.assert_frame_equal(chain.quotes, read(book(lines[0])).quotes)


def test_of_several_rows_of_an_instrument_the_last_counts(book, row):
    chain = read(book(row(timestamp="2026-01-05T12:00:00Z"), row(timestamp="2026-01-05T12:00:09Z", mark_price="0.03")))

    assert chain.quotes["mark"].tolist() == [0.03]
    assert chain.dropped == {"superseded by a later row": 1}


def test_an_instrument_twice_at_one_instant_is_refused_with_its_lines(book, row):
    with pytest.raises(DataError, match=rf"first {CALL} on lines 2, 4; decide which row is right"):
        read(book(row(), row(PUT), row(mark_price="0.03")))


def test_dollar_options_are_chosen_by_settlement(book, row):
    usd = row("BTC_USDC-30JAN26-90000-C", bid_price="2900", ask_price="2990", mark_price="2950")
    path = book(row(), usd)

    chain = read(path, settlement="usd")

    assert (chain.quote_unit, chain.quotes["bid"].tolist()) == ("USDC", [2900.0])
    assert read(path).quote_unit == "BTC"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"strike": 91000},
            r"line 2, column 'strike' must agree with the name; got '91000' beside the name BTC-30JAN26",
        ),
        ({"option_type": "put"}, "line 2, column 'option_type' must agree"),
        ({"expiry_datetime": "2026-02-27T08:00:00Z"}, "line 2, column 'expiry_datetime' must agree"),
        ({"implied_volatility": 45}, "looks like per cent; divide by 100"),
        ({"mark_price": 2950, "bid_price": 2900, "ask_price": 3000}, "which looks like dollars; divide"),
    ],
)
def test_a_row_that_contradicts_itself_or_its_unit_is_refused(book, row, changes, says):
    with pytest.raises(DataError, match=says):
        read(book(row(**changes)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bid_price": "n.a!"}, r"line 2, column 'bid_price': 'n.a!' is not a number; correct it, or leave"),
        ({"timestamp": "2026-01-05 12:00:00"}, "line 2, column 'timestamp': .* is not an instant; write it as"),
    ],
)
def test_a_garbled_field_is_refused_by_line_and_column(book, row, changes, says):
    with pytest.raises(SourceError, match=says):
        read(book(row(**changes)))


def test_a_file_without_a_needed_column_or_row_says_which(book, row, tmp_path):
    no_bid = pd.read_csv(book(row())).drop(columns="bid_price")
    no_bid.to_csv(tmp_path / "no_bid.csv", index=False)

    with pytest.raises(SourceError, match="has no column 'bid_price', only timestamp"):
        read(tmp_path / "no_bid.csv")
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "absent.csv")
    with pytest.raises(SourceError, match="a header and no rows"):
        read(book())
    no_time = pd.read_csv(book(row())).drop(columns="timestamp")
    no_time.to_csv(tmp_path / "no_time.csv", index=False)
    with pytest.raises(SourceError, match=r"'timestamp'.*or pass as_of"):
        read(tmp_path / "no_time.csv")
    assert read(tmp_path / "no_time.csv", as_of=pd.Timestamp("2026-01-05", tz="UTC")).n_quotes == 1


def test_a_coin_that_the_file_lacks_is_answered_with_those_it_has(book, row):
    with pytest.raises(DataError, match=r"must have live SOL options .*of BTC settled in coin, ETH settled in coin"):
        read(book(row(), row(OTHER)), underlying="SOL")


def test_choices_and_naive_times_are_refused(book, row):
    with pytest.raises(ArgumentError, match="settlement must be one of coin, usd"):
        read(book(row()), settlement="cash")
    with pytest.raises(DataError, match=r"as_of must be an instant in UTC.*tz_localize"):
        read(book(row()), as_of=pd.Timestamp("2026-01-05"))


def test_a_read_book_can_be_prepared(book, row):
    prepared = prepare_chain(read(book(row(), row(PUT, bid_price="", ask_price="0.0215", mark_price="0.021"))))

    assert prepared.quotes["sides"].tolist() == ["ask only", "two"]
    assert not prepared.provenance.simulated
