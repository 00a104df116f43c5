"""Option books: dealers' hedging and liquidated accounts, beside pricing by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from volkit.contagion.options import (
    DealerHedging,
    MovedContracts,
    OptionLiquidations,
    split_by_dealer_sign,
    split_flows,
)
from volkit.errors import ArgumentError, DataError
from volkit.impact.laws import LinearImpact
from volkit.instruments import MarketState, instrument_of
from volkit.options.black76 import black76_price
from volkit.options.exposure import gamma_exposure, hedging_feedback
from volkit.portfolio.scenarios import VolatilityResponse

RESPONSE = VolatilityResponse(fall=2.0, rise=0.5)
NAMES = [
    "BTC_USDC-30JAN26-100-C", "BTC-30JAN26-90-P", "BTC_USDC-27MAR26-110-C", "BTC_USDC-27MAR26", "BTC-PERPETUAL",
    "BTC_USDC-PERPETUAL",
]  # fmt: skip


@pytest.mark.parametrize("response", [None, RESPONSE])
@pytest.mark.parametrize("price", [70.0, 96.0, 100.0, 125.0])
def test_delta_is_the_slope_of_full_revaluation(world, price, response):
    contracts = [instrument_of(name) for name in NAMES]
    moved = MovedContracts.of(contracts, world.market, response=response)
    # Volatility is held at what it is at the price: a market in which it is so already, without response.
    change = 1.0 + (float(response.changes(np.array([price / 100.0 - 1.0]))[0]) if response else 0.0)
    held = MovedContracts.of(
        contracts,
        MarketState(
            as_of=world.now, spot=world.market.spot, forwards=world.market.forwards,
            volatility=lambda *key: world.smile(*key) * change,
        ),
        response=None,
    )  # fmt: skip
    h = 1e-3
    slope = (held.profits(price + h) - held.profits(price - h)) / (2.0 * h)

    np.testing.assert_allclose(moved.deltas(price), slope, rtol=1e-6, atol=1e-7)


def test_profit_under_joint_shocks_is_black_76(world):
    moved = MovedContracts.of([instrument_of("BTC_USDC-30JAN26-90-P")], world.market, response=RESPONSE)
    years = moved.terms.time[0]
    sigma = float(world.smile(None, None, 90.0))
    expected = black76_price(80.0, 90.0, years, sigma * 1.4, False) - black76_price(100.0, 90.0, years, sigma, False)

    assert moved.profits(80.0)[0] == pytest.approx(float(expected))


def test_dealers_trade_the_difference_of_their_delta(world):
    units = pd.Series({"BTC_USDC-30JAN26-100-P": -1_000.0, "BTC_USDC-30JAN26-110-C": 0.0})
    dealers = DealerHedging.of_units(units, world.market)
    split = split_flows([], LinearImpact(0.0), price=100.0, shock=-0.05, dealers=dealers)
    other = split_flows([], LinearImpact(0.0), price=100.0, shock=-0.05, dealers=dealers.reversed())

    # Without impact there is one round, at the price of the shock.
    assert split.flows["dealer hedging"].tolist() == [pytest.approx(dealers.delta(95.0) - dealers.delta(100.0))]
    assert other.flows["dealer hedging"].tolist() == [pytest.approx(-split.flows["dealer hedging"].iloc[0])]
    assert dealers.delta(99.0) - dealers.delta(100.0) == pytest.approx(
        dealers.log_gamma(100.0) * np.log(0.99), rel=0.02
    )
    assert split.flows["dealer hedging"].iloc[0] > 0.0


def test_rehedging_to_first_order_is_the_gamma_of_the_exposure(world):
    chain = _chain(world)
    exposure = gamma_exposure(chain, spot=100.0, dealer="short_all")
    dealers = DealerHedging.of_exposure(exposure, world.market)
    split = split_flows([], LinearImpact(1e-6), price=100.0, shock=-1e-4, dealers=dealers, volatility=0.5)

    # The contracts settle in dollars, as the exposure takes them.
    assert split.dealer_gamma == pytest.approx(exposure.total, rel=1e-5)
    assert split.feedback == pytest.approx(hedging_feedback(exposure, depth=-split.critical_gamma), rel=1e-5)
    assert split.amplification == pytest.approx(1.0 / (1.0 - split.feedback), rel=1e-3)
    assert split.words == "dealers short all options"


def _chain(world):
    rows = []
    for expiry, forward in zip(world.expiries, (100.0, 101.0), strict=True):
        for strike in (80.0, 90.0, 100.0, 110.0, 120.0):
            for is_call in (True, False):
                name = f"BTC_USDC-{expiry:%d%b%y}-{strike:g}-{'C' if is_call else 'P'}".upper()
                rows.append(
                    {
                        "instrument": name, "expiry": expiry, "strike": strike, "is_call": is_call,
                        "forward": forward, "implied_volatility": float(world.smile(None, None, strike)),
                        "open_interest": 100.0 + strike,
                    }
                )  # fmt: skip
    return SimpleNamespace(quotes=pd.DataFrame(rows), settlement="usd", underlying="BTC", as_of=world.now)


def writer(world, cash):
    rows = [
        ("A", "BTC_USDC-30JAN26-100-P", -100.0, "position"),
        ("A", "BTC_USDC-PERPETUAL", 3.0, "position"),
        ("A", "USD", cash, "cash"),
        ("B", "BTC-30JAN26-90-P", 5.0, "position"),
        ("B", "BTC", 1.0, "collateral"),
    ]
    return world.book(rows)


def test_account_is_liquidated_where_equity_falls_below_its_margin(world):
    book = writer(world, 1_000.0)
    accounts = OptionLiquidations.from_book(book, world.market, margin=pd.Series({"A": 100.0, "B": 0.0}))
    prices = np.linspace(100.0, 80.0, 41)
    equity = np.array([accounts.equity(p)["A"] for p in prices])
    first = prices[np.argmax(equity < 100.0)]
    state = accounts.begin(100.0)
    sold = [state.sold(p) for p in prices]
    deltas = accounts.contracts.deltas(first)[accounts.units.instruments.get_indexer(NAMES_OF_A)]

    assert equity[0] == pytest.approx(1_000.0 - 100.0 * float(
        black76_price(100.0, 100.0, accounts.contracts.terms.time.max(), 0.5, False)))  # fmt: skip
    assert 80.0 < first < 100.0
    assert prices[np.flatnonzero(sold)].tolist() == [first]
    assert sum(sold) == pytest.approx(-100.0 * deltas[0] + 3.0 * deltas[1])
    assert state.accounts == 1


NAMES_OF_A = ["BTC_USDC-30JAN26-100-P", "BTC_USDC-PERPETUAL"]


def test_volatility_that_rises_liquidates_sooner(world):
    book = writer(world, 1_300.0)
    calm, wild = (
        OptionLiquidations.from_book(book, world.market, margin=0.0, response=response) for response in (None, RESPONSE)
    )
    between = 0.5 * (calm.equity(94.0)["A"] + wild.equity(94.0)["A"])
    margin = pd.Series({"A": between, "B": 0.0})
    calm, wild = (
        OptionLiquidations.from_book(book, world.market, margin=margin, response=response)
        for response in (None, RESPONSE)
    )

    assert wild.equity(94.0)["A"] < calm.equity(94.0)["A"] - 10.0
    assert calm.begin(100.0).sold(94.0) == 0.0
    assert wild.begin(100.0).sold(94.0) > 0.0


def test_what_an_account_cannot_pay_is_bad_debt(world):
    accounts = OptionLiquidations.from_book(writer(world, 700.0), world.market, margin=0.0)
    state = accounts.begin(100.0)
    state.sold(70.0)

    assert state.bad_debt == pytest.approx(-accounts.equity(70.0)["A"])
    assert state.bad_debt > 0.0


def test_margin_as_a_share_counts_futures_and_short_options(world):
    accounts = OptionLiquidations.from_book(writer(world, 700.0), world.market, margin=0.05)

    assert accounts.margins(90.0).to_dict() == {"A": pytest.approx(0.05 * 90.0 * 103.0), "B": 0.0}


def test_dealers_on_either_side_of_liquidated_writers(world):
    accounts = OptionLiquidations.from_book(writer(world, 1_000.0), world.market, margin=0.02, response=RESPONSE)
    dealers = DealerHedging.of_units(
        pd.Series({"BTC_USDC-30JAN26-95-P": -500.0, "BTC_USDC-30JAN26-105-C": -300.0}), world.market, response=RESPONSE
    )
    signs = split_by_dealer_sign([accounts], dealers, LinearImpact(2e-4), price=100.0, shock=-0.04, volatility=0.5)

    assert signs.assumed.move < signs.opposite.move < 0.0
    assert signs.assumed.accounts["option liquidations"] == 1
    assert signs.assumed.feedback_volatility > 0.5 > signs.opposite.feedback_volatility
    for split in (signs.assumed, signs.opposite):
        assert split.status == "settled"
        assert split.shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("margin", "words"),
    [(pd.Series({"A": 1.0}), "every account"), (pd.Series({"A": 1.0, "B": np.nan}), "every account"), (1.5, "margin")],
)
def test_margins_that_cannot_be(world, margin, words):
    with pytest.raises(ArgumentError, match=words):
        OptionLiquidations.from_book(writer(world, 700.0), world.market, margin=margin)


def test_other_starts_coins_and_units_are_refused(world):
    dealers = DealerHedging.of_units(pd.Series({"BTC_USDC-30JAN26-95-P": -5.0}), world.market)
    accounts = OptionLiquidations.from_book(writer(world, 700.0), world.market, margin=0.0)
    with pytest.raises(ArgumentError, match="must be the spot"):
        accounts.begin(99.0)
    with pytest.raises(ArgumentError, match="must be the spot"):
        dealers.begin(99.0)
    with pytest.raises(DataError, match="must be of one coin; got no contract"):
        DealerHedging.of_units(pd.Series({"BTC_USDC-30JAN26-95-P": 0.0}), world.market)
    with pytest.raises(DataError, match="must be of one coin; got BTC, ETH"):
        DealerHedging.of_units(pd.Series({"BTC_USDC-30JAN26-95-P": 1.0, "ETH_USDC-PERPETUAL": 1.0}), world.market)
    with pytest.raises(DataError, match="finite number a contract"):
        DealerHedging(contracts=dealers.contracts, units=np.array([np.nan]))
