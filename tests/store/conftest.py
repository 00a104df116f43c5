"""Pulls as a venue would hand them over, and a store whose clock stands still."""

import numpy as np
import pandas as pd
import pytest

from volkit.sources.pulling.coverage import Coverage, Pulled
from volkit.store import SeriesKey, Store, path_of_key

NOW = pd.Timestamp("2024-06-01", tz="UTC")
METADATA = {"source": "ccxt", "venue": "binance", "symbol": "BTC/USDT", "interval": "1d", "unit": "USDT"}


def make_pull(close, *, start="2024-01-01", as_of=NOW, asked=None, missing=(), index=None, **metadata):
    """Return a pull of daily closes from `start`, or of the columns of a dict, asked for exactly its span."""
    columns = close if isinstance(close, dict) else {"close": close}
    values = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    if index is None:
        index = pd.date_range(start, periods=len(next(iter(values.values()))), tz="UTC", name="time", unit="us")
    frame = pd.DataFrame(values, index=index)
    first = pd.Timestamp(start, tz="UTC")
    asked_first, asked_last = asked or (first, first + pd.Timedelta(days=len(frame)))
    coverage = Coverage(
        asked_first=asked_first,
        asked_last=asked_last,
        got_first=frame.index[0] if len(frame) else None,
        got_last=frame.index[-1] if len(frame) else None,
        n_expected=len(frame),
        n_got=len(frame),
        missing=pd.DataFrame(list(missing), columns=["first", "last", "count"]),
        pages=2,
        retries=1,
        as_of=as_of,
        remarks=("listed after the start",),
    )
    return Pulled(frame=frame, coverage=coverage, metadata={**METADATA, **metadata})


@pytest.fixture(scope="session")
def pull():
    return make_pull


@pytest.fixture(scope="session")
def key():
    return SeriesKey("ccxt", "binance", "BTC/USDT", "1d")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store", now=lambda: NOW, lock_timeout=5.0)


@pytest.fixture
def path_of(store):
    return lambda key: store.root / path_of_key(key)
