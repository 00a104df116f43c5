from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from volkit.errors import ArgumentError, DataError
from volkit.options.black76 import black76_greeks, black76_price
from volkit.options.chain import prepare_chain, read_option_chain, simulate_chain
from volkit.options.index import chain_variance_index, chain_variance_strip, dollar_quotes

NOW = pd.Timestamp("2024-03-01 12:34:56", tz="UTC")
DAYS = (2.0, 20.0, 50.0)


def book(settlement="coin", *, volatility=0.6, forward=60_100.0, days=DAYS, spread=0.01, as_of=NOW):
    """A book on a flat smile, priced in coin or dollars."""
    parts = []
    for day in days:
        time = day / 365
        strike = np.round(forward * np.exp(np.linspace(-3.5, 3.5, 141) * volatility * np.sqrt(time)), 2)
        for is_call in (False, True):
            price = black76_price(forward, strike, time, volatility, is_call)
            price = price / forward if settlement == "coin" else price
            side = "C" if is_call else "P"
            parts.append(
                pd.DataFrame(
                    {
                        "instrument": [f"{day:g}-{k:g}-{side}" for k in strike],
                        "expiry": as_of + pd.Timedelta(days=day),
                        "strike": strike,
                        "is_call": is_call,
                        "bid": price * (1 - spread),
                        "ask": price * (1 + spread),
                        "mark": price,
                        "implied_volatility": volatility,
                        "underlying_price": forward,
                        "open_interest": 1.0,
                    }
                )
            )
    return SimpleNamespace(
        quotes=pd.concat(parts, ignore_index=True), settlement=settlement, underlying="BTC", as_of=as_of
    )


def changed(chain, rows, **values):
    quotes = chain.quotes.copy()
    for name, value in values.items():
        quotes.loc[rows, name] = value
    return SimpleNamespace(**{**vars(chain), "quotes": quotes})


@pytest.mark.parametrize("settlement", ["coin", "usd"])
def test_flat_smile_gives_its_volatility(settlement):
    index = chain_variance_index(book(settlement), minimum_delta=0.0)

    assert index.index == pytest.approx(60.0, abs=0.05)
    assert [s.minutes for s in (index.near, index.next)] == [20 * 1440, 50 * 1440]
    assert index.as_of == NOW


def test_coin_and_dollar_books_agree():
    coin, dollar = (chain_variance_index(book(s)) for s in ("coin", "usd"))

    assert coin.index == pytest.approx(dollar.index, rel=1e-12)


def test_wings_end_before_the_first_small_delta():
    strip = chain_variance_strip(book(), NOW + pd.Timedelta(days=20), minimum_delta=0.05)

    used = strip.strikes[strip.strikes["side"] != "both"]
    delta = np.abs(black76_greeks(60_100.0, used["strike"], 20 / 365, 0.6, (used["side"] == "call").to_numpy()).delta)
    assert (delta >= 0.05).all() and delta.min() < 0.055
    assert strip.dropped["put beyond the delta"] > 10 and strip.dropped["call beyond the delta"] > 10
    whole = chain_variance_strip(book(), NOW + pd.Timedelta(days=20), minimum_delta=0.0)
    missing = whole.variance - strip.variance
    assert missing == pytest.approx(strip.truncation.estimate, rel=0.02)
    assert missing < strip.truncation.bound


def test_nothing_beyond_the_first_small_delta_is_used_again():
    chain, expiry = book(), NOW + pd.Timedelta(days=20)
    strip = chain_variance_strip(chain, expiry)
    far = (chain.quotes["expiry"] == expiry) & (chain.quotes["strike"] > 1.2 * strip.strikes["strike"].max())

    ragged = chain_variance_strip(changed(chain, far, implied_volatility=5.0), expiry)

    assert ragged.strikes["strike"].tolist() == strip.strikes["strike"].tolist()
    assert ragged.dropped == strip.dropped


def test_known_prices_beyond_the_cut_narrow_the_bound():
    chain, expiry = book(), NOW + pd.Timedelta(days=20)
    strip = chain_variance_strip(chain, expiry)
    inside = strip.strikes["strike"]

    short = chain_variance_strip(
        SimpleNamespace(
            **{**vars(chain), "quotes": chain.quotes[chain.quotes["strike"].between(inside.min(), inside.max())]}
        ),
        expiry,
    )

    assert short.variance == strip.variance
    assert strip.truncation.bound < 0.2 * short.truncation.bound


@pytest.mark.parametrize("column", ["bid", "ask"])
def test_one_sided_quote_is_priced_at_the_mark_or_dropped(column):
    chain = book()
    row = chain.quotes.index[(chain.quotes["instrument"].str.startswith("20-")) & ~chain.quotes["is_call"]][60]
    lone = changed(chain, row, **{column: np.nan})

    filled, dropped = (chain_variance_index(lone, fallback=f) for f in ("mark", "drop"))

    whole = chain_variance_index(chain)
    assert filled.index == pytest.approx(whole.index, rel=1e-9)
    assert (filled.near.n_from_mark, whole.near.n_from_mark) == (1, 0)
    assert dropped.near.dropped["put without a price"] == 1
    assert dropped.near.n_strikes == whole.near.n_strikes - 1
    assert dropped.choices["one-sided or crossed quotes"] == "dropped"


def test_crossed_and_wide_quotes_count_as_none():
    chain = book()
    row = chain.quotes.index[chain.quotes["instrument"].str.startswith("20-")][60]
    crossed = changed(chain, row, bid=chain.quotes.loc[row, "ask"] * 1.5)
    wide = changed(chain, row, bid=chain.quotes.loc[row, "bid"] * 0.5)

    assert chain_variance_index(crossed).near.n_from_mark == 1
    assert chain_variance_index(wide).near.n_from_mark == 0
    assert chain_variance_index(wide, maximum_spread=0.3).near.n_from_mark == 1


def test_strike_with_one_side_only_is_counted():
    chain = book()
    row = chain.quotes.index[(chain.quotes["instrument"].str.startswith("20-")) & ~chain.quotes["is_call"]][60]
    short = SimpleNamespace(**{**vars(chain), "quotes": chain.quotes.drop(index=row)})

    assert chain_variance_index(short).near.dropped["put not listed at a strike"] == 1


def test_forward_can_come_from_parity():
    whole = chain_variance_index(book())
    blank = book()
    blank.quotes["underlying_price"] = np.nan

    with pytest.raises(DataError, match="must have a forward"):
        chain_variance_index(blank)
    index = chain_variance_index(blank, forward="parity")

    assert index.near.forward == pytest.approx(60_100.0, rel=1e-9)
    assert index.index == pytest.approx(whole.index, rel=1e-6)


def test_expiries_too_near_are_not_used():
    chain = book(days=(0.5, 2.0, 20.0))

    assert chain_variance_index(chain, days=1, minimum_days=0.1).near.minutes == pytest.approx(720)
    with pytest.raises(ArgumentError, match=r"between two expiries.*got 1 days, expiries in 2.00, 20.00 days"):
        chain_variance_index(chain, days=1)
    assert chain_variance_index(chain, days=1, extrapolate=True).index == pytest.approx(60, abs=5)


def test_smile_without_arbitrage_lies_above_its_volatility_at_the_money():
    chain = simulate_chain(days=(20.0, 50.0), n_strikes=61)

    index = chain_variance_index(chain, minimum_delta=0.0)

    at_the_money = [
        rows.loc[(rows["strike"] - rows["forward"]).abs().idxmin(), "volatility"]
        for _, rows in dollar_quotes(chain).groupby("expiry")
    ]
    assert max(at_the_money) < index.annualized_volatility < max(at_the_money) + 0.1
    assert "SIMULATED" in repr(index)


def test_prepared_chain_gives_the_same_index():
    chain = simulate_chain(days=(20.0, 50.0))

    assert chain_variance_index(prepare_chain(chain)).index == pytest.approx(
        chain_variance_index(chain).index, rel=1e-6
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: changed(c, 3, expiry=NOW), "options that live; got 1 rows that break this, first 2-"),
        (lambda c: changed(c, 3, strike=0.0), "positive strikes"),
        (lambda c: changed(c, 3, bid=-1.0), "not be negative"),
        (lambda c: changed(c, 3, implied_volatility=0.0), "positive strikes, forwards and volatilities"),
        (lambda c: changed(c, 4, strike=c.quotes.loc[3, "strike"]), "each option once"),
        (lambda c: SimpleNamespace(**{**vars(c), "quotes": c.quotes.drop(columns="strike")}), "none named strike"),
    ],
)
def test_unusable_row_is_named(change, words):
    with pytest.raises(DataError, match=words):
        chain_variance_index(change(book()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"fallback": "guess"}, "fallback"), ({"forward": "spot"}, "forward"), ({"minimum_delta": 5}, "minimum_delta"),
     ({"maximum_spread": 0.0}, "maximum_spread"), ({"days": 0}, "days")],
)  # fmt: skip
def test_argument_out_of_range_is_refused(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        chain_variance_index(book(), **arguments)


def test_unknown_expiry_lists_the_known_ones():
    with pytest.raises(ArgumentError, match="2024-03-03 12:34, 2024-03-21 12:34"):
        chain_variance_strip(book(), NOW)


BOOKS = ("deribit_options_snapshot_20251230T173115Z.csv.gz", "deribit_options_snapshot_20260326T213149Z.csv.gz")


@pytest.mark.real
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
@pytest.mark.parametrize("name", BOOKS)
def test_index_of_a_real_book_lies_a_little_above_the_money(real_data, name, coin):
    chain = read_option_chain(real_data / "deribit" / name, underlying=coin)

    index = chain_variance_index(chain)

    quotes = dollar_quotes(chain)
    for strip in (index.near, index.next):
        rows = quotes[quotes["expiry"] == strip.expiry]
        at_the_money = rows.loc[(rows["strike"] - strip.forward).abs().idxmin(), "volatility"]
        # The premium of the wings over the middle, with 5-delta wings cut: 2 to 4 points in these books.
        assert 0.01 < strip.annualized_volatility - at_the_money < 0.06
        assert strip.n_strikes >= 15
    for other in ({"fallback": "drop"}, {"forward": "parity"}):
        assert chain_variance_index(chain, **other).index == pytest.approx(index.index, abs=0.05)
    # What the cut wings hold lies within the bound, and volatility rises into them: above the flat estimate.
    whole = chain_variance_index(chain, minimum_delta=0.0)
    assert index.truncation_estimate < whole.index - index.index < index.truncation_bound


@pytest.mark.real
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_translating_a_real_book_to_dollars_changes_nothing(real_data, coin):
    chain = read_option_chain(real_data / "deribit" / BOOKS[1], underlying=coin)
    forward = chain.quotes.groupby("expiry")["underlying_price"].transform("median")
    dollars = chain.quotes.assign(**{c: chain.quotes[c] * forward for c in ("bid", "ask", "mid", "mark")})

    other = replace(chain, quotes=dollars, settlement="usd")

    assert chain_variance_index(other).index == pytest.approx(chain_variance_index(chain).index, rel=1e-12)
