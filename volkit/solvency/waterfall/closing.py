"""How many coins of each winner are closed: three policies on plain arrays.

Sizes, worths per coin and an amount to reach enter; coins to close leave.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from volkit.solvency.default.inputs import Floats

__all__ = ["ADL_POLICIES", "AdlPolicy", "cheapest_order", "close_in_order", "close_pro_rata", "in_lots"]

AdlPolicy = Literal["queue", "pro_rata", "least_cost"]
ADL_POLICIES = ("queue", "pro_rata", "least_cost")
# A whole number of lots is often one rounding above itself.
_ROUNDING = 1e-9


def close_in_order(sizes: Floats, worth: Floats, order: npt.NDArray[np.int64], amount: float) -> Floats:
    """Return coins to close when positions are closed one after another until an amount is reached.

    Parameters
    ----------
    sizes : ndarray, shape (n_accounts,)
        Coins held, above 0.
    worth : ndarray, shape (n_accounts,)
        What a closed coin counts, at least 0: 1 to reach a quantity, its haircut (USD) to reach a shortfall.
    order : ndarray of int, shape (n_accounts,)
        Positions, the first to be closed first. One of no worth is passed over.
    amount : float
        To be reached, in the unit of size times worth; all is closed where it cannot be.

    Returns
    -------
    ndarray, shape (n_accounts,)
        Coins, at most the sizes.

    Examples
    --------
    >>> close_in_order(np.array([4.0, 6.0]), np.array([1.0, 2.0]), np.array([1, 0]), 13.0)
    array([1., 6.])
    """
    available = (sizes * worth)[order]
    before = np.concatenate([[0.0], np.cumsum(available)[:-1]])
    taken = np.clip(amount - before, 0.0, available)
    closed = np.zeros_like(sizes)
    paying = available > 0.0
    closed[order[paying]] = np.minimum(taken[paying] / worth[order[paying]], sizes[order[paying]])
    return closed


def close_pro_rata(sizes: Floats, worth: Floats, amount: float) -> Floats:
    """Return coins to close when every position gives the same fraction of its coins.

    Parameters are those of `close_in_order`; a coin of no worth is left alone.

    Examples
    --------
    >>> close_pro_rata(np.array([10.0, 20.0, 5.0, 40.0]), np.ones(4), 30.0)
    array([ 4.,  8.,  2., 16.])
    """
    available = float((sizes * worth).sum())
    share = min(amount / available, 1.0) if available > 0.0 else 0.0
    return np.where(worth > 0.0, sizes * share, 0.0)


def cheapest_order(cost: Floats, worth: Floats, sizes: Floats) -> npt.NDArray[np.int64]:
    """Return positions in the order in which closing them until an amount is reached costs least.

    Parameters
    ----------
    cost : ndarray, shape (n_accounts,)
        USD a coin, at least 0.
    worth, sizes : ndarray, shape (n_accounts,)
        As in `close_in_order`.

    Notes
    -----
    The linear programme min c'q subject to w'q = A, 0 <= q <= s has one constraint beside the bounds. Were a coin of a
    dearer ratio c/w closed while a cheaper one is not, moving a little worth from the first to the second would keep
    w'q and lower c'q; so an optimum closes in rising order of c/w, with at most one position closed in part. Equal
    ratios close the larger position first, which touches fewest accounts.

    Examples
    --------
    >>> cheapest_order(np.array([1.0, 1.0, 3.0]), np.array([1.0, 2.0, 2.0]), np.ones(3))
    array([1, 0, 2])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(worth > 0.0, cost / worth, np.inf)
    return np.lexsort((-sizes * worth, ratio)).astype(np.int64)


def in_lots(
    closed: Floats, sizes: Floats, lot: float, *, keep_total: bool, order: npt.NDArray[np.int64] | None = None
) -> Floats:
    """Return closed coins in whole lots, or whole positions where these end between two.

    Parameters
    ----------
    closed, sizes : ndarray, shape (n_accounts,)
        Coins; a size of 0 is never closed.
    lot : float
        Smallest quantity that trades, coins; 0 leaves the coins as they are.
    keep_total : bool
        Whether the total stays, or all are rounded up.
    order : ndarray of int, shape (n_accounts,), optional
        Who gives first among equals; the first row by default.

    Notes
    -----
    To keep the total, lots are rounded down and the rest is given out: a lot each by largest remainder, further whole
    lots in the order, and then what ends positions between two lots. So the sizes bound the total and nothing else
    does; at most one account is closed in less than that.

    Examples
    --------
    >>> in_lots(np.array([1.4, 1.4, 0.2]), np.array([9.0, 9.0, 9.0]), 1.0, keep_total=True)
    array([2., 1., 0.])
    >>> in_lots(np.array([1.4, 1.4, 0.2]), np.array([1.4, 1.4, 9.0]), 1.0, keep_total=True)
    array([1., 1., 1.])
    >>> in_lots(np.array([1.4, 1.4, 0.2]), np.array([9.0, 9.0, 9.0]), 1.0, keep_total=False)
    array([2., 2., 1.])
    """
    if lot == 0.0:
        return closed
    lots = closed / lot
    if not keep_total:
        return np.minimum(np.ceil(lots - _ROUNDING) * lot, sizes)
    total, n = float(closed.sum()), len(closed)
    place = np.arange(n) if order is None else np.argsort(order, kind="stable")
    whole, most = np.floor(lots + _ROUNDING), np.floor(sizes / lot + _ROUNDING)
    spare = int(np.floor(total / lot - whole.sum() + _ROUNDING))
    by_remainder = np.lexsort((place, -np.maximum(lots - whole, 0.0)))
    with_room = by_remainder[(most > whole)[by_remainder]]
    whole[with_room[:spare]] += 1.0
    whole += _given_out(most - whole, max(spare - len(with_room), 0), place)
    done = np.minimum(whole * lot, sizes)
    # What is no whole lot, or finds none: the ends of positions first.
    for least in (lot, np.inf):
        room = sizes - done
        missing = total - float(done.sum())
        if missing > _ROUNDING * lot:
            done = np.minimum(done + _given_out(np.where(room < least, room, 0.0), missing, place), sizes)
    return done


def _given_out(room: Floats, amount: float, place: npt.NDArray[np.int64]) -> Floats:
    """Return an amount filled into rooms, one after another by their places."""
    first = np.argsort(place, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(room[first])[:-1]])
    given = np.zeros_like(room)
    given[first] = np.clip(amount - before, 0.0, room[first])
    return given
