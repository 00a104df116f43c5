"""A small market of one coin with a smile, and option books in it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from volkit.instruments import MarketState, PositionBook

NOW = pd.Timestamp("2026-01-01", tz="UTC")
EXPIRIES = [pd.Timestamp(day, tz="UTC") + pd.Timedelta("8h") for day in ("2026-01-30", "2026-03-27")]


def smile(_coin, _expiry, strikes):
    return 0.5 + 0.4 * np.log(np.asarray(strikes) / 100.0) ** 2


def market():
    forwards = pd.Series({("BTC", expiry): 100.0 + i for i, expiry in enumerate(EXPIRIES)})
    return MarketState(as_of=NOW, spot=pd.Series({"BTC": 100.0}), forwards=forwards, volatility=smile)


def book(rows):
    return PositionBook.from_frame(pd.DataFrame(rows, columns=["account", "instrument", "quantity", "kind"]))


@pytest.fixture(scope="session")
def world():
    return SimpleNamespace(now=NOW, expiries=EXPIRIES, market=market(), smile=smile, book=book)
