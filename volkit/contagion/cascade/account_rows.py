"""Rows of a table of leveraged accounts: numbers as read, and those that no account can have, refused by name."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import floats_or_nan
from volkit.errors import DataError

__all__ = ["read_numbers", "refuse_rows", "refuse_unusable"]

Floats = npt.NDArray[np.float64]
_SHOWN = 5
# Collateral is often worked out as notional over leverage: a leverage of one must survive the division.
_ROUNDING = 1e-9


def read_numbers(frame: pd.DataFrame, name: str, source: str) -> Floats:
    """Return a column of finite numbers, shape (n_accounts,).

    Raises
    ------
    DataError
        For rows (named) without a finite number.
    """
    values: Floats = floats_or_nan(frame[name]).to_numpy()
    refuse_rows(frame, ~np.isfinite(values), name, "must be a finite number", source, "correct or drop the row")
    return values


def refuse_unusable(table: pd.DataFrame, source: str) -> None:
    """Refuse rows (named) that no account can have.

    Raises
    ------
    DataError
        For an account without a name or named twice, a quantity of zero, no price, no collateral, a rate out of range,
        or a leverage below one.
    """
    blank = table["account"].str.strip().isin(["", "nan", "None"]).to_numpy()
    refuse_rows(table, blank, "account", "must be named on every row", source, "name it")
    refuse_rows(table, table.duplicated("account"), "account", "must stand once", source, "add its quantities up")
    refuse_rows(
        table, table["quantity"] == 0.0, "quantity", "must not be zero", source, "drop accounts without a position"
    )
    refuse_rows(table, table["entry_price"] <= 0.0, "entry_price", "must be positive", source, "write USD per coin")
    refuse_rows(
        table, table["collateral"] <= 0.0, "collateral", "must be positive", source, "write USD, without profit"
    )
    rate = table["maintenance_rate"]
    refuse_rows(table, (rate <= 0.0) | (rate >= 1.0), "maintenance_rate", "must be a fraction above 0 and below 1",
                source, "pass a decimal such as 0.005")  # fmt: skip
    leverage = table["quantity"].abs() * table["entry_price"] / table["collateral"]
    refuse_rows(table.assign(leverage=leverage), leverage < 1.0 - _ROUNDING, "leverage", "must be at least 1", source,
                "count only the collateral behind this position, or drop the row")  # fmt: skip


def refuse_rows(
    table: pd.DataFrame, bad: npt.NDArray[np.bool_] | pd.Series, column: str, rule: str, source: str, remedy: str
) -> None:
    """Refuse the rows that are marked, naming the first few with their value in the column.

    Raises
    ------
    DataError
        When a row is marked, shape of `bad` (n_accounts,).
    """
    rows = np.flatnonzero(np.asarray(bad, dtype=bool))
    if not rows.size:
        return
    names, values = table["account"].to_numpy(), table[column].to_numpy()
    told = [
        f"row {i + 1}" + (f" ({names[i]})" if column != "account" else "") + f": {values[i]!s}" for i in rows[:_SHOWN]
    ]
    more = f" and {rows.size - _SHOWN} more rows" if rows.size > _SHOWN else ""
    raise DataError(f"{column} in {source}", rule, ", ".join(told) + more, remedy)
