"""Where liquidations wait: coins and notional by bucket of price and side, for heat maps."""

from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_positive
from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.contagion.cascade.ladder import LiquidationLadder
from volkit.conventions import SIDES
from volkit.errors import ArgumentError

__all__ = ["liquidation_levels"]

_SIGNS: dict[Literal["long", "short"], float] = {"long": 1.0, "short": -1.0}


def liquidation_levels(
    accounts: LeveragedAccounts | LiquidationLadder, *, price: float, width: float = 0.01, reach: float = 0.5
) -> pd.DataFrame:
    """Return what is liquidated by bucket of price and side.

    Parameters
    ----------
    accounts : LeveragedAccounts or LiquidationLadder
        The book.
    price : float
        From which distances count, USD per coin.
    width : float
        Of a bucket, log price.
    reach : float
        Log distance up to which buckets go on both sides.

    Returns
    -------
    DataFrame, shape (2 x n_buckets, 6)
        Index side and bucket (from the price on outwards, from 1); near and far (log distance from the price, positive
        the way that hurts the side: down for longs), price_near and price_far (USD per coin), accounts, coins,
        notional (USD, coins at their liquidation prices). Accounts that are already beyond their level stand in the
        first bucket, those out of reach in none.

    Raises
    ------
    ArgumentError
        For a price, width or reach that is not positive, or more than 100,000 buckets.

    Examples
    --------
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1_000.0, leverage=[20, 25, 50], side="long",
    ...                                        maintenance_rate=0.005)
    >>> liquidation_levels(book, price=100.0, width=0.02, reach=0.06).loc["long", "coins"].tolist()
    [10.0, 10.0, 10.0]
    """
    P = check_positive(price, argument="price", unit="USD per coin")
    h = check_positive(width, argument="width", unit="log price")
    n = check_count(round(check_positive(reach, argument="reach", unit="log distance") / h), argument="reach / width")
    if n > 100_000:
        raise ArgumentError("reach / width", "must be at most 100,000 buckets", f"{n:,}", "widen the buckets")
    ladder = accounts if isinstance(accounts, LiquidationLadder) else LiquidationLadder.from_accounts(accounts)
    edges = h * np.arange(n + 1)
    parts = []
    for name, side in zip(SIDES, (ladder.long, ladder.short), strict=True):
        sign = _SIGNS[name]
        levels = sign * side.level
        away = np.full(levels.shape, np.inf)
        np.log(P / levels, out=away, where=levels > 0.0)
        place = np.floor(np.maximum(sign * away, 0.0) / h)
        inside = place < n
        bucket, size = place[inside].astype(np.int64), side.size[inside]
        parts.append(
            pd.DataFrame(
                {
                    "near": edges[:-1],
                    "far": edges[1:],
                    "price_near": P * np.exp(-sign * edges[:-1]),
                    "price_far": P * np.exp(-sign * edges[1:]),
                    "accounts": np.bincount(bucket, minlength=n),
                    "coins": np.bincount(bucket, weights=size, minlength=n),
                    "notional": np.bincount(bucket, weights=size * levels[inside], minlength=n),
                },
                index=pd.MultiIndex.from_product([[name], range(1, n + 1)], names=["side", "bucket"]),
            )
        )
    return pd.concat(parts)
