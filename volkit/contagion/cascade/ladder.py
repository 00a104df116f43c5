"""Accounts sorted by liquidation price with running sums, so that a round costs the same whoever it closes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.contagion.cascade.accounts import LeveragedAccounts
from volkit.conventions import SIDES
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay

__all__ = ["BLOCK", "Book", "LadderSide", "LiquidationLadder", "provenance_of"]

Floats = npt.NDArray[np.float64]
# Accounts that are passed over together when all of them lie on one side of a price.
BLOCK = 64


class LadderSide(NamedTuple):
    """One side of a ladder, first to be liquidated first; prices of shorts carry a minus, as if they were longs.

    Attributes
    ----------
    keys : ndarray, shape (4, n)
        Liquidation price (never rising), bankruptcy price, entry price, all signed, and coins (positive).
    sums : ndarray, shape (n + 1, 5)
        Running sums of coins, coins x bankruptcy, coins x entry, and collateral; and the least entry of the first k.
    bounds : ndarray, shape (n_blocks, 4)
        Least and largest bankruptcy price, least and largest entry of each block of 64.
    by_entry : ndarray, shape (n + 1, 3)
        Signed entries, rising, with coins and coins x entry of those before; last an infinite one with the sums of all.
    order : ndarray of int, shape (n,)
        Row of each account in the table.
    """

    keys: Floats
    sums: Floats
    bounds: Floats
    by_entry: Floats
    order: npt.NDArray[np.int64]

    @property
    def level(self) -> Floats:
        """Signed liquidation prices, shape (n,)."""
        return np.asarray(self.keys[0])

    @property
    def bankruptcy(self) -> Floats:
        """Signed bankruptcy prices, shape (n,)."""
        return np.asarray(self.keys[1])

    @property
    def entry(self) -> Floats:
        """Signed entry prices, shape (n,)."""
        return np.asarray(self.keys[2])

    @property
    def size(self) -> Floats:
        """Coins, positive, shape (n,)."""
        return np.asarray(self.keys[3])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiquidationLadder(ResultDisplay):
    """Both sides of a book, sorted by liquidation price.

    Attributes
    ----------
    long, short : LadderSide
        Longs from the highest price down, shorts from the lowest up.

    Examples
    --------
    >>> ladder = LiquidationLadder.from_levels(liquidation_price=[90.0, 95.0], bankruptcy_price=[89.0, 94.0],
    ...                                        quantity=[1.0, 2.0])
    >>> ladder.long.level.tolist(), ladder.long.sums[:, 0].tolist()
    ([95.0, 90.0], [0.0, 2.0, 3.0])
    """

    long: LadderSide
    short: LadderSide

    @classmethod
    def from_accounts(cls, accounts: LeveragedAccounts) -> "LiquidationLadder":
        """Return the ladder of accounts."""
        return cls._sorted(
            accounts.quantity,
            accounts.liquidation_price,
            accounts.bankruptcy_price,
            accounts.entry_price,
            collateral=accounts.collateral,
        )

    @classmethod
    def from_levels(
        cls,
        *,
        liquidation_price: npt.ArrayLike,
        bankruptcy_price: npt.ArrayLike,
        quantity: npt.ArrayLike,
        entry_price: npt.ArrayLike | None = None,
    ) -> "LiquidationLadder":
        """Return the ladder of prices that are known without the accounts.

        Parameters
        ----------
        liquidation_price, bankruptcy_price : array-like, shape (n_accounts,)
            USD per coin; 0 or less where a long is never liquidated.
        quantity : array-like, shape (n_accounts,)
            Coins, above zero for longs.
        entry_price : array-like, shape (n_accounts,), optional
            USD per coin, from which profits and collateral count; the liquidation price by default, so that nobody
            has more to lose than what lies between the two.

        Raises
        ------
        DataError
            For unequal lengths, numbers that are not finite, a quantity of zero, or a bankruptcy price before the
            liquidation price.
        """
        L, B, q = (
            np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (liquidation_price, bankruptcy_price, quantity)
        )
        E = L if entry_price is None else np.atleast_1d(np.asarray(entry_price, dtype=np.float64))
        if L.ndim != 1 or len({L.shape, B.shape, q.shape, E.shape}) > 1 or not L.size:
            shapes = ", ".join(str(x.shape) for x in (L, B, q, E))
            raise DataError("levels", "must be one number an account, of one account at least", shapes, "align them")
        wrong = ~(np.isfinite(L) & np.isfinite(B) & np.isfinite(E) & np.isfinite(q)) | (q == 0.0) | (q * (L - B) < 0.0)
        if wrong.any():
            raise DataError(
                "levels", "must be finite, of a quantity other than zero, with bankruptcy beyond liquidation",
                f"{int(wrong.sum())} others, first in row {int(np.argmax(wrong)) + 1}", "correct or drop the rows",
            )  # fmt: skip
        return cls._sorted(q, L, B, E, collateral=q * (E - B))

    @classmethod
    def _sorted(cls, quantity: Floats, *prices: Floats, collateral: Floats) -> "LiquidationLadder":
        sides = [_side(quantity, sign, *prices, collateral=collateral) for sign in (1.0, -1.0)]
        return cls(long=sides[0], short=sides[1])

    @property
    def headline(self) -> str:
        """Accounts and nearest levels of both sides in one line."""
        words = []
        for name, sign, side in zip(SIDES, (1.0, -1.0), (self.long, self.short), strict=True):
            first = f", first at {sign * side.level[0]:,.6g}" if side.level.size else ""
            words.append(f"{side.level.size:,} {name}s of {side.sums[-1, 0]:,.4g} coins{first}")
        return "; ".join(words)

    def summary(self) -> pd.DataFrame:
        """Return accounts, coins and quantiles of the liquidation price (USD per coin) by side."""
        rows = {}
        for name, sign, side in zip(SIDES, (1.0, -1.0), (self.long, self.short), strict=True):
            levels = sign * side.level
            quantiles = {
                percent_to(p, 0): float(np.quantile(levels, p)) if levels.size else np.nan for p in (0.05, 0.5, 0.95)
            }
            rows[name] = {"accounts": levels.size, "coins": float(side.sums[-1, 0]), **quantiles}
        return pd.DataFrame(rows).T.rename_axis("side")

    def to_frame(self) -> pd.DataFrame:
        """Return side, row, quantity (coins), liquidation, bankruptcy and entry price (USD) in order of liquidation."""
        parts = []
        for name, sign, side in zip(SIDES, (1.0, -1.0), (self.long, self.short), strict=True):
            prices = {"liquidation_price": side.level, "bankruptcy_price": side.bankruptcy, "entry_price": side.entry}
            signed = {key: sign * values for key, values in prices.items()}
            parts.append(pd.DataFrame({"side": name, "row": side.order, "quantity": sign * side.size, **signed}))
        return pd.concat(parts, ignore_index=True)


Book = LeveragedAccounts | LiquidationLadder


def provenance_of(accounts: Book) -> Provenance:
    """Return the provenance of accounts; a ladder has none."""
    return accounts.provenance if isinstance(accounts, LeveragedAccounts) else Provenance(())


def _side(quantity: Floats, sign: float, *prices: Floats, collateral: Floats) -> LadderSide:
    """Return one side, of liquidation, bankruptcy and entry prices."""
    rows = np.flatnonzero(quantity * sign > 0.0)
    rows = rows[np.argsort(-sign * prices[0][rows])]
    keys = np.array([*(sign * values[rows] for values in prices), np.abs(quantity[rows])])
    _, bankruptcy, entry, size = keys
    sums = np.empty((rows.size + 1, 5))
    sums[:, :4] = _running(size, size * bankruptcy, size * entry, collateral[rows])
    sums[0, 4], sums[1:, 4] = np.inf, np.minimum.accumulate(entry)
    order = np.argsort(entry)
    by_entry = np.empty((rows.size + 1, 3))
    by_entry[:-1, 0], by_entry[-1, 0] = entry[order], np.inf
    by_entry[:, 1:] = _running(size[order], (size * entry)[order])
    return LadderSide(
        keys=keys, sums=sums, bounds=_bounds(bankruptcy, entry), by_entry=by_entry, order=rows.astype(np.int64)
    )


def _running(*columns: Floats) -> Floats:
    """Return running sums, shape (n + 1, n_columns): added up with more digits, as differences of them are taken."""
    sums = np.zeros((len(columns[0]) + 1, len(columns)))
    for k, column in enumerate(columns):
        sums[1:, k] = np.cumsum(column, dtype=np.longdouble)
    return sums


def _bounds(*keys: Floats) -> Floats:
    """Return least and largest of each block of each array of keys."""
    starts = np.arange(0, len(keys[0]), BLOCK)
    if not starts.size:
        return np.zeros((0, 2 * len(keys)))
    ends = (np.minimum, np.maximum)
    return np.column_stack([end.reduceat(values, starts) for values in keys for end in ends])
