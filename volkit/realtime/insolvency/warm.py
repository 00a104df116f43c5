"""Compile the kernels of this package, for every kind of array that they meet."""

import numpy as np
import pandas as pd

from volkit.instruments import MarketState, PositionBook
from volkit.portfolio.scenarios.accounts import Precision
from volkit.realtime.insolvency.accounts import insolvency_margins
from volkit.realtime.insolvency.live import LiveInsolvencyMargin
from volkit.scenarios.paths.path_set import PathSet

__all__ = ["compile_insolvency"]


def compile_insolvency() -> None:
    """Margin one account in both precisions, and take one tick.

    Examples
    --------
    >>> compile_insolvency()
    """
    frame = pd.DataFrame({"account": ["A"], "instrument": "BTC_USDC-PERPETUAL", "quantity": [1.0]})
    book = PositionBook.from_frame(frame)
    market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    values = np.linspace(0.9, 1.1, 40).reshape(20, 2, 1)
    paths = PathSet(values=values, step=pd.Timedelta("1h"), assets=("BTC",), engine="given", seed="none")
    precisions: tuple[Precision, Precision] = ("double", "single")
    for precision in precisions:
        insolvency_margins(book, market, paths, target=0.5, precision=precision)
    LiveInsolvencyMargin(book, market, paths, target=0.5).tick("BTC", 101.0)
