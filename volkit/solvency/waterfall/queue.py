"""Who stands first in the queue for auto-deleveraging: unrealised profit times effective leverage.

Positions of one linear perpetual (USD per coin) and a mark price enter; scores and ranks by account leave.
"""

import numpy as np
import pandas as pd

from volkit.checks import check_positive, check_table, real_floats
from volkit.errors import DataError
from volkit.results import freeze

__all__ = ["POSITION_COLUMNS", "adl_queue_scores", "check_positions"]

POSITION_COLUMNS = ("quantity", "entry_price", "collateral")
_SHOWN = 5


def check_positions(positions: pd.DataFrame) -> pd.DataFrame:
    """Return positions by account, as float64, refusing what no venue can rank.

    Parameters
    ----------
    positions : DataFrame
        Columns quantity (signed coins, no zeros, all of one side), entry_price (USD) and collateral (USD, without the
        unrealised profit), and account, unless the accounts are the index. Other columns are kept.

    Returns
    -------
    DataFrame
        Indexed by account.

    Raises
    ------
    DataError
        For a missing column, no position, an account twice, a number that is missing, an entry price that is not
        positive, a position of zero, or positions of both sides.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": ["A"], "quantity": [-2], "entry_price": [100], "collateral": [40]})
    >>> check_positions(frame).loc["A"].to_dict()
    {'quantity': -2.0, 'entry_price': 100.0, 'collateral': 40.0}
    """
    check_table(positions, argument="positions")
    table = positions.set_index("account") if "account" in positions.columns else positions.rename_axis("account")
    missing = [name for name in POSITION_COLUMNS if name not in table.columns]
    if missing or not len(table):
        got = f"no {', '.join(missing)}" if missing else "no position"
        raise DataError("positions", f"must have {', '.join(POSITION_COLUMNS)}", got, "pass one row an account")
    if table.index.has_duplicates:
        got = f"{table.index[table.index.duplicated()][0]} twice"
        raise DataError("positions", "must have one row an account", got, "add up its positions first")
    try:
        real_floats(table[list(POSITION_COLUMNS)])  # numpy would drop an imaginary part with a mere warning
        table = table.astype(dict.fromkeys(POSITION_COLUMNS, np.float64))
    except (TypeError, ValueError) as error:
        raise DataError("positions", "must hold numbers", str(error), "convert the columns to numbers first") from error
    quantity = table["quantity"]
    _refuse(~np.isfinite(table[list(POSITION_COLUMNS)]).all(axis=1), "must have finite numbers", table)
    _refuse(table["entry_price"] <= 0.0, "must have entry prices above 0", table)
    _refuse(quantity == 0.0, "must hold open positions alone", table)
    if (quantity > 0.0).any() and (quantity < 0.0).any():
        got = f"{int((quantity > 0.0).sum())} long and {int((quantity < 0.0).sum())} short"
        remedy = "pass the side opposite to the bankrupt position, e.g. positions[positions['quantity'] < 0]"
        raise DataError("positions", "must be of one side", got, remedy)
    return table


def _refuse(bad: "pd.Series[bool]", rule: str, table: pd.DataFrame) -> None:
    if bad.any():
        names = ", ".join(str(name) for name in table.index[bad][:_SHOWN])
        raise DataError("positions", rule, f"others for {int(bad.sum())} accounts: {names}", "repair or drop them")


def adl_queue_scores(positions: pd.DataFrame, *, mark: float) -> pd.DataFrame:
    """Return unrealised profit, effective leverage, score and rank of each position.

    Parameters
    ----------
    positions : DataFrame
        See `check_positions`.
    mark : float
        Mark price, USD.

    Returns
    -------
    DataFrame
        By account in the order given: quantity, entry_price, collateral, profit (USD), equity (USD),
        effective_leverage, score and rank (1 is closed first).

    Raises
    ------
    DataError
        For positions that cannot be ranked, or an account without equity, which is bankrupt itself.

    Notes
    -----
    Effective leverage is notional at the mark over equity, equity being collateral and profit; the profit is taken as a
    fraction of the notional at entry. A winner's score is profit times leverage, a loser's profit over leverage [1]_.
    Equal scores rank the larger notional first, and then the earlier row.

    References
    ----------
    .. [1] BitMEX, Auto-Deleveraging, priority ranking calculation (support page, read in 2025).

    Examples
    --------
    >>> shorts = pd.DataFrame({"account": ["A", "B", "C", "D"], "quantity": [-10, -20, -5, -40],
    ...     "entry_price": [100, 90, 80, 120], "collateral": [200, 1000, 50, 800]})
    >>> adl_queue_scores(shorts, mark=60.0)[["effective_leverage", "score", "rank"]].T
    account               A     B    C      D
    effective_leverage  1.0  0.75  2.0  0.750
    score               0.4  0.25  0.5  0.375
    rank                2.0  4.00  1.0  3.000
    """
    price = check_positive(mark, argument="mark", unit="USD")
    table = check_positions(positions)
    notional = table["quantity"].abs() * price
    profit = table["quantity"] * (price - table["entry_price"])
    equity = table["collateral"] + profit
    _refuse(equity <= 0.0, "must have equity above 0 at the mark", table)
    leverage = notional / equity
    share = profit / (table["quantity"].abs() * table["entry_price"])
    score = share.where(share < 0.0, share * leverage).where(share >= 0.0, share / leverage)
    rank = np.empty(len(table), dtype=np.int64)
    rank[np.lexsort((-notional.to_numpy(), -score.to_numpy()))] = np.arange(1, len(table) + 1)
    return freeze(table.assign(profit=profit, equity=equity, effective_leverage=leverage, score=score, rank=rank))
