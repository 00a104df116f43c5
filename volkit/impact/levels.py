"""The levels of an order book as a law of impact reads them: distances from a reference, and coins up to each."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import DataError

__all__ = ["Book", "check_levels", "check_slope", "levels_from", "packed"]

Floats = npt.NDArray[np.float64]


class Book(Protocol):
    """What is asked of an order book: `volkit.sources.exchange.book.OrderBook`."""

    @property
    def bids(self) -> pd.DataFrame:
        """Columns price and amount, best price first."""
        ...

    @property
    def asks(self) -> pd.DataFrame:
        """Columns price and amount, best price first."""
        ...

    @property
    def mid(self) -> float:
        """Middle of best bid and best ask."""
        ...


def packed(levels: Floats, sign: float) -> Floats:
    """Return a side as the kernels read it: coins, worth and displacement of its levels, counted from the best one."""
    moved, coins = levels[:, 0] - levels[0, 0], levels[:, 1]
    worth = np.cumsum(np.diff(coins, prepend=0.0) * np.exp(sign * moved))
    return np.concatenate([coins, worth, moved])


def levels_from(book: Book, side: str, reference: float) -> Floats:
    """Return log distances of the levels of a side from a reference, 0 or more, rising, and coins up to each.

    Raises
    ------
    DataError
        For a side without levels, or prices or amounts that are not positive.
    """
    levels: pd.DataFrame = getattr(book, side)
    prices, amounts = (levels[name].to_numpy(dtype=np.float64) for name in ("price", "amount"))
    if not len(prices) or not ((prices > 0.0) & (amounts > 0.0) & np.isfinite(prices * amounts)).all():
        got = "others" if len(prices) else "no level"
        raise DataError(f"book.{side}", "must have positive prices and amounts", got, "clean the levels")
    away = np.maximum(np.log(prices / reference) * (-1.0 if side == "bids" else 1.0), 0.0)
    order = np.argsort(away, kind="stable")
    return np.column_stack([away[order], np.cumsum(amounts[order])])


def check_levels(levels: Floats, name: str) -> None:
    """Refuse what is no table of rising distances and coins.

    Raises
    ------
    DataError
        For another shape, numbers that are not finite, or a table out of order.
    """
    fits = levels.ndim == 2 and levels.shape[1] == 2 and len(levels) > 0 and bool(np.isfinite(levels).all())
    rises = (
        fits and (np.diff(levels[:, 0], prepend=0.0) >= 0.0).all() and (np.diff(levels[:, 1], prepend=0.0) > 0.0).all()
    )
    if not rises:
        raise DataError(
            name,
            "must be levels of a rising displacement of at least 0 and rising positive coins",
            f"an array of shape {levels.shape}",
            "use BookImpact.from_book",
        )


def check_slope(levels: Floats, name: str) -> None:
    """Refuse a side whose levels all lie at the reference.

    Raises
    ------
    DataError
        When they do.
    """
    if not levels[-1, 0] > 0.0:
        rule = "must have a level beyond the reference, or its depth has no end"
        raise DataError(name, rule, f"all {len(levels)} at it", "pass more levels, or the middle as the reference")
