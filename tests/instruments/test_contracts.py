"""Names of contracts: venues' spellings, and refusals."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volkit.errors import ArgumentError, DataError
from volkit.instruments import Coin, Future, Option, Perpetual, instrument_of

MARCH = pd.Timestamp("2026-03-27 08:00", tz="UTC")


@pytest.mark.parametrize(
    ("name", "contract"),
    [
        ("BTC-PERPETUAL", Perpetual("BTC", "inverse")),
        ("BTC_USDC-PERPETUAL", Perpetual("BTC")),
        ("BTC-27MAR26", Future("BTC", MARCH, "inverse")),
        ("ETH_USDC-27MAR26", Future("ETH", MARCH)),
        ("BTC-27MAR26-90000-C", Option("BTC", MARCH, 90_000.0, True, "inverse")),
        ("XRP_USDC-27MAR26-0d55-P", Option("XRP", MARCH, 0.55, False)),
        ("BTC/USDT:USDT", Perpetual("BTC")),
        ("BTC/USD:BTC", Perpetual("BTC", "inverse")),
        ("BTC/USDT:USDT-260327", Future("BTC", MARCH)),
        ("BTC/USD:BTC-260327-90000-C", Option("BTC", MARCH, 90_000.0, True, "inverse")),
        ("BTC-USDT-SWAP", Perpetual("BTC")),
        ("BTC-USD-SWAP", Perpetual("BTC", "inverse")),
        ("BTC-USD-260327-90000-P", Option("BTC", MARCH, 90_000.0, False, "inverse")),
        ("ETH-PERP", Perpetual("ETH")),
        ("ETH-20260327-3000-P", Option("ETH", MARCH, 3_000.0, False)),
        ("BTC-260327-90000-C", Option("BTC", MARCH, 90_000.0, True)),
        ("BTCUSDT", Perpetual("BTC")),
        ("1000PEPEUSDT", Perpetual("1000PEPE")),
    ],
)
def test_venues_names_are_read(name, contract):
    assert instrument_of(name) == contract


@pytest.mark.parametrize(
    "name",
    [
        "",
        "BTC",
        "USDT",
        "BTC-31FEB26",
        "BTC-27MAR26-0-C",
        "BTC-27MAR26-90000-X",
        "btc-perpetual",
        "BTC/USDT",
        "SPX 500",
    ],
)
def test_other_names_are_refused_with_the_name(name):
    with pytest.raises(DataError, match=r"instrument must be a venue's name .* write it as"):
        instrument_of(name)


@given(
    coin=st.sampled_from(["BTC", "ETH", "SOL", "1000PEPE"]),
    day=st.dates(pd.Timestamp("2024-01-01").date(), pd.Timestamp("2099-12-31").date()),
    strike=st.integers(1, 10**9).map(lambda n: n / 1000),
    is_call=st.booleans(),
    settlement=st.sampled_from(["linear", "inverse"]),
)
def test_own_names_are_read_back(coin, day, strike, is_call, settlement):
    expiry = pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=8)

    for contract in (
        Option(coin, expiry, strike, is_call, settlement),
        Future(coin, expiry, settlement),
        Perpetual(coin, settlement),
    ):
        assert instrument_of(contract.name) == contract


def test_expiries_are_kept_in_utc():
    berlin = pd.Timestamp("2026-03-27 09:00", tz="Europe/Berlin")

    assert Future("BTC", berlin) == Future("BTC", MARCH)
    assert Coin("BTC").name == "BTC"


def test_bad_terms_are_refused():
    with pytest.raises(ArgumentError, match="settlement must be one of"):
        Perpetual("BTC", "quanto")
    with pytest.raises(ArgumentError, match="expiry must be an instant in UTC"):
        Future("BTC", pd.Timestamp("2026-03-27"))
    with pytest.raises(ArgumentError, match="strike must be"):
        Option("BTC", MARCH, 0.0, True)
