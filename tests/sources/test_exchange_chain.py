"""Option chains through the real ccxt: units, missing sides, what is dropped and counted, faults."""

import numpy as np
import pandas as pd
import pytest
from loopback import Answer
from venues_crypto import Binance, DeribitOptions, option_row

from volkit.errors import ArgumentError, DataError, SourceError
from volkit.sources.exchange import ExchangeClient, OptionChain

NOW = pd.Timestamp("2024-06-01 05:30", tz="UTC")
JUNE, DECEMBER = pd.Timestamp("2024-06-28 08:00", tz="UTC"), pd.Timestamp("2024-12-27 08:00", tz="UTC")
CALL, PUT, LATE = "BTC-28JUN24-60000-C", "BTC-28JUN24-60000-P", "BTC-27DEC24-80000-C"
LINEAR, OTHER = "BTC_USDC-28JUN24-60000-C", "XRP_USDC-28JUN24-0d55-P"
NUMBERS = ["bid", "ask", "mid", "mark", "implied_volatility", "underlying_price", "open_interest", "volume"]


def ms(time):
    return int(time.timestamp() * 1000)


LISTED = [(CALL, ms(JUNE)), (PUT, ms(JUNE)), (LATE, ms(DECEMBER)), (LINEAR, ms(JUNE)), (OTHER, ms(JUNE))]


class Bench:
    """A client of a scripted venue on a clock that only its waits move."""

    def __init__(self, loopback, script, venue="deribit", now=NOW):
        loopback.script = script
        self.loopback, self.script, self.waits = loopback, script, []
        self.client = ExchangeClient(
            venue,
            session=loopback.session(),
            now=lambda: now,
            sleep=self.waits.append,
            clock=lambda: sum(self.waits),
            rate_limit=False,
        )

    def chain(self, underlying="BTC", **words) -> OptionChain:
        return self.client.fetch_option_chain(underlying, **words)

    @property
    def currencies(self):
        return [r.query["currency"] for r in self.loopback.requests if "book_summary" in r.path]


@pytest.fixture
def bench(loopback):
    """Gives a bench of rows; the instruments of `LISTED` unless told otherwise."""
    return lambda *rows, listed=LISTED, **words: Bench(loopback, DeribitOptions(listed, list(rows)), **words)


def test_chain_is_in_coin_with_decimal_volatility_and_the_instant_of_expiry(bench):
    chain = bench(option_row(CALL)).chain()

    row = chain.quotes.iloc[0]
    assert (row["instrument"], row["expiry"], row["strike"], row["is_call"]) == (CALL, JUNE, 60_000.0, True)
    assert row[NUMBERS].tolist() == pytest.approx([0.04, 0.042, 0.041, 0.0408, 0.525, 68_000.0, 12.5, 3.0])
    assert row["quoted_at"] == pd.Timestamp("2024-06-01 05:29:59.250", tz="UTC")
    assert (chain.venue, chain.underlying, chain.settlement, chain.quote_unit) == ("deribit", "BTC", "coin", "BTC")
    assert (chain.as_of, chain.n_dropped) == (NOW, 0)


def test_rows_are_ordered_by_expiry_strike_and_side_with_fixed_types(bench):
    quotes = bench(option_row(LATE), option_row(CALL), option_row(PUT)).chain().quotes

    assert quotes["instrument"].tolist() == [PUT, CALL, LATE]
    assert quotes["is_call"].tolist() == [False, True, True]
    assert {str(quotes[c].dtype) for c in ("expiry", "quoted_at")} == {"datetime64[us, UTC]"}
    assert {str(quotes[c].dtype) for c in ["strike", *NUMBERS]} == {"float64"}
    assert [str(quotes[c].dtype) for c in ("is_call", "is_synthetic_forward")] == ["bool", "boolean"]


def test_options_settled_in_dollars_are_asked_for_by_their_currency(bench):
    venue = bench(option_row(CALL), option_row(LINEAR, bid_price=9_000.0, ask_price=9_100.0), option_row(OTHER))

    chain = venue.chain(settlement="usd")

    assert venue.currencies == ["USDC"]
    assert (chain.settlement, chain.quote_unit) == ("usd", "USDC")
    assert chain.quotes[["instrument", "mid"]].to_numpy().tolist() == [[LINEAR, 9_050.0]]
    assert chain.dropped == {"another underlying or settlement": 1}


def test_coin_with_dollar_options_only_needs_no_word(bench):
    chain = bench(option_row(OTHER)).chain("XRP")

    assert (chain.settlement, chain.quotes["strike"].tolist()) == ("usd", [0.55])


@pytest.mark.parametrize("nothing", [None, 0.0])
def test_side_without_a_quote_is_missing_and_not_zero(bench, nothing):
    rows = [option_row(PUT, bid_price=nothing, mid_price=nothing), option_row(CALL, ask_price=nothing)]

    chain = bench(*rows).chain()

    assert chain.quotes["bid"].isna().tolist() == [True, False]
    assert chain.quotes["ask"].isna().tolist() == [False, True]
    assert chain.quotes["mid"].isna().all()
    assert chain.summary()[["without bid", "without ask"]].to_numpy().tolist() == [[1, 1]]


def test_what_the_summary_does_not_give_stays_unknown(bench):
    bare = {k: v for k, v in option_row(CALL).items() if k in ("instrument_name", "quote_currency", "mark_price")}

    row = bench(bare).chain().quotes.iloc[0]

    assert row[[c for c in NUMBERS if c != "mark"]].isna().all()
    assert row["mark"] == 0.0408
    assert row["is_synthetic_forward"] is pd.NA and row["quoted_at"] is pd.NaT


@pytest.mark.parametrize(
    ("forward", "synthetic"),
    [("BTC-28JUN24", False), ("BTC_USDC-7JUN24", False), ("SYN.BTC-28JUN24", True), ("index_price", True)],
)
def test_forward_without_a_listed_future_is_synthetic(bench, forward, synthetic):
    chain = bench(option_row(CALL, underlying_index=forward)).chain()

    assert chain.quotes["is_synthetic_forward"].tolist() == [synthetic]
    assert chain.summary()["synthetic forwards"].tolist() == [int(synthetic)]


def test_option_that_expires_now_is_dropped_and_counted(bench):
    rows = [option_row(CALL), option_row(PUT), option_row(LATE)]

    chain = bench(*rows, now=JUNE).chain()

    assert chain.quotes["instrument"].tolist() == [LATE]
    assert chain.dropped == {"expired": 2}
    assert (bench(*rows, now=JUNE - pd.Timedelta(microseconds=1)).chain().n_dropped) == 0


def test_crossed_quote_is_kept_and_counted(bench):
    chain = bench(option_row(CALL, bid_price=0.05), option_row(PUT, bid_price=0.042), option_row(LATE)).chain()

    assert chain.quotes["bid"].tolist() == [0.042, 0.05, 0.04]
    assert chain.is_crossed.tolist() == [False, True, False]  # equal is not crossed
    assert chain.summary()["crossed"].tolist() == [1, 0]


@pytest.mark.parametrize("name", ["", "BTC-C", "BTC-28JUN24-C", "BTC-28FOO24-60000-C", "BTC-31JUN24-60000-P", "x"])
def test_unreadable_name_is_counted(bench, name):
    odd = {**option_row(CALL), "instrument_name": name}

    chain = bench(odd, option_row(CALL)).chain()

    assert chain.quotes["instrument"].tolist() == [CALL]
    assert chain.dropped == {"unreadable instrument name": 1}
    assert (chain.metadata["rows_received"], chain.metadata["rows_dropped"]) == ("2", "1")
    assert "1 dropped (1 unreadable instrument name)" in repr(chain)


def test_option_listed_since_the_markets_were_read_is_known_by_its_name(bench):
    new = "BTC-7JUN24-60000-C"

    chain = bench(option_row(new), option_row(CALL)).chain()

    assert chain.quotes["instrument"].tolist() == [new, CALL]
    assert chain.quotes["expiry"].iloc[0] == pd.Timestamp("2024-06-07 08:00", tz="UTC")


@pytest.mark.parametrize(
    "change",
    [{"bid_price": -0.01}, {"open_interest": -1.0}, {"mark_iv": -5.0}, {"volume": "1e999"}, {"ask_price": "n/a"}],
)
def test_number_that_cannot_be_is_dropped_and_counted(bench, change):
    chain = bench(option_row(CALL, **change), option_row(PUT)).chain()

    assert chain.quotes["instrument"].tolist() == [PUT]
    assert chain.dropped == {"negative, infinite or garbled number": 1}


def test_instrument_that_comes_twice_is_refused(bench):
    with pytest.raises(DataError, match=rf"each instrument once; got 1 of 3 rows more than once, first {CALL}"):
        bench(option_row(CALL), option_row(PUT), option_row(CALL, bid_price=0.03)).chain()


@pytest.mark.parametrize(
    ("result", "came"), [([], r"\[\]"), (None, "null"), ({}, r"\{\}"), ([option_row(CALL, volume=np.inf)], r"\[\{")]
)
def test_answer_without_a_quote_is_an_error(bench, result, came):
    venue = bench()
    venue.script.fault_for_ever = Answer({"jsonrpc": "2.0", "result": result})

    # ccxt hands on a body with Infinity as text, which holds no quote to it.
    with pytest.raises(SourceError, match=rf'BTC option chain: answered with no quote at all, .*"result": {came}'):
        venue.chain()


@pytest.mark.parametrize("rows", [[1, "two", None], [{"instrument_name": None}]])
def test_answer_of_rows_that_are_no_quotes_is_an_error(bench, rows):
    venue = bench()
    venue.script.fault_for_ever = Answer({"jsonrpc": "2.0", "result": rows})

    with pytest.raises(SourceError, match=rf"{len(rows)} rows without one usable quote .*unreadable instrument name"):
        venue.chain()


def test_chain_of_expired_options_alone_says_so(bench):
    with pytest.raises(SourceError, match=r"without one usable quote \(1 expired\), the first named 'BTC-28JUN24"):
        bench(option_row(CALL), now=JUNE).chain()


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (Answer(status=429, headers={"Retry-After": "7"}), 1),
        (Answer("down", status=503), 1),
        (Answer('{"jsonrpc": "2.0", "result": [{"instr'), 1),
    ],
)
def test_passing_fault_is_waited_for(bench, fault, waits):
    venue = bench(option_row(CALL))
    venue.script.faults = [fault]

    chain = venue.chain()

    assert (chain.n_quotes, len(venue.waits)) == (1, waits)
    assert venue.waits == [7.0] or fault.status != 429


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Answer(status=429), r"5 times: answered 429, too many requests"),
        (Answer("<html>down</html>", status=503), r"5 times: answered 503 \('<html>down</html>'\)"),
        (Answer("<html>log in</html>"), r"BTC option chain: answered 200 with no JSON but '<html>log in</html>'"),
        (Answer('{"result": [{"instr'), r"5 times: answered 200 with truncated or broken JSON, 19 characters"),
        (Answer({"error": {"code": 11_029, "message": "invalid"}}, status=400), r"refused the request, status 400"),
    ],
)
def test_lasting_fault_says_what_came(bench, fault, said):
    venue = bench()
    venue.script.fault_for_ever = fault

    with pytest.raises(SourceError, match=said):
        venue.chain()


def test_venue_without_chains_names_one_that_has_them(loopback):
    with pytest.raises(SourceError, match=r"binance does not offer option chains .* ExchangeClient\('deribit'\)"):
        Bench(loopback, Binance(), venue="binance").chain()
    assert loopback.requests == []


def test_unknown_coin_names_those_there_are(bench):
    with pytest.raises(SourceError, match=r"no options on 'BTC/USD'; it has them on BTC, XRP; write the coin alone"):
        bench().chain("BTC/USD")


def test_settlement_that_is_not_there_says_which_is(bench):
    with pytest.raises(SourceError, match=r"no options on XRP settled in coin; they settle in USDC; pass .*'usd'"):
        bench().chain("XRP", settlement="coin")
    with pytest.raises(ArgumentError, match="settlement must be"):
        bench().chain(settlement="euro")


def test_chain_is_frozen_and_shows_itself(bench):
    chain = bench(option_row(CALL), option_row(PUT), option_row(LATE, underlying_price=70_000.0)).chain()

    with pytest.raises(ValueError, match="read-only"):
        chain.quotes["bid"].to_numpy()[0] = 1.0
    assert repr(chain) == (
        "<OptionChain: BTC deribit, 3 quotes over 2 expiries in BTC, none dropped, 2024-06-01 05:30:00 UTC>"
    )
    summary = chain.summary()
    assert summary.index.tolist() == [JUNE, DECEMBER]
    assert summary["quotes"].tolist() == [2, 1]
    assert summary["forward (USD)"].tolist() == [68_000.0, 70_000.0]
    np.testing.assert_allclose(summary["open interest (BTC)"], [25.0, 12.5])
    np.testing.assert_allclose(summary["days to expiry"], [27 + 2.5 / 24, 209 + 2.5 / 24])
    assert "without bid" in chain._repr_html_()
    assert set(chain.metadata) >= {"source", "venue", "unit", "ccxt", "pandas"}
    assert chain.to_frame().loc[0, ["underlying", "quote_unit"]].tolist() == ["BTC", "BTC"]
    assert chain.to_frame()["as_of"].eq(NOW).all()
