"""Tables by account and asset, of which accounts on a shared margin are made."""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

import numpy as np
import pandas as pd

from volkit.checks import real_floats
from volkit.errors import DataError
from volkit.margin.tiers import TierTable

__all__ = [
    "MaintenanceRule",
    "as_numbers",
    "check_finite",
    "named_once",
    "priced_assets",
    "rates_by_asset",
    "read_columns",
    "refuse_values",
    "wide_table",
]

# One rate, rates by asset, or tier tables by asset.
MaintenanceRule: TypeAlias = float | pd.Series | Mapping[str, float | TierTable]
_COLUMNS = ("account", "asset", "quantity")
_Table = TypeVar("_Table", pd.DataFrame, pd.Series)


def as_numbers(held: _Table, name: str) -> _Table:
    """Return a table as floats.

    Raises
    ------
    DataError
        For what is no number.
    """
    try:
        real_floats(held)  # numpy would drop an imaginary part with a mere warning
        return held.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(name, "must be numbers", str(error), "convert the text, e.g. with pandas.to_numeric") from None


def named_once(values: pd.Series, name: str) -> pd.Series:
    """Return a series of numbers whose labels come once.

    Raises
    ------
    DataError
        For what is no Series, a label that comes twice, or what is no number.
    """
    if not isinstance(values, pd.Series):
        raise DataError(name, "must be a Series by label", type(values).__name__, "pass pandas.Series({...})")
    if values.index.has_duplicates:
        first = values.index[values.index.duplicated()][0]
        raise DataError(name, "must name every label once", f"{first!r} twice", "add up or drop the second")
    return as_numbers(values, name)


def read_columns(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the table when it has account, asset, a finite quantity and a price that can be on every row.

    Raises
    ------
    DataError
        For a missing column, name or quantity, what is no number, or an entry price that is told and not positive.
    """
    missing = [c for c in _COLUMNS if c not in frame.columns]
    if missing:
        raise DataError(f"columns of {name}", f"must be {', '.join(_COLUMNS)}", f"no {', '.join(missing)}", "add them")
    if frame[["account", "asset"]].isna().to_numpy().any():
        raise DataError(name, "must name account and asset on every row", "rows without", "drop or name them")
    read = frame.assign(quantity=check_finite(frame["quantity"], f"quantity of {name}"))
    if "entry_price" in frame:
        entry = as_numbers(frame["entry_price"], f"entry_price of {name}")
        bad = entry.notna() & ~((entry > 0.0) & np.isfinite(entry))
        refuse_values(bad, entry, f"entry_price of {name}", "must be positive and finite (USD), or missing")
        read = read.assign(entry_price=entry)
    return read


def priced_assets(assets: list[str], price: pd.Series) -> pd.Index:
    """Return the assets in order of first appearance, each with a positive price (USD).

    Raises
    ------
    DataError
        For an asset without one.
    """
    names = list(dict.fromkeys(assets))
    missing = [str(a) for a in names if a not in price.index or not price[a] > 0.0]
    if missing:
        got = f"none of {', '.join(missing)}"
        raise DataError("price", "must be known and positive for every asset held", got, "add it to price")
    return pd.Index(names, name="asset")


def wide_table(
    account: pd.Series, asset: pd.Series, values: pd.Series, accounts: pd.Index, assets: pd.Index
) -> pd.DataFrame:
    """Return values added up by account and asset, shape (n_accounts, n_assets); 0 where there are none."""
    table = np.zeros((len(accounts), len(assets)))
    np.add.at(table, (accounts.get_indexer(account), assets.get_indexer(asset)), values.to_numpy(dtype=np.float64))
    return pd.DataFrame(table, index=accounts, columns=assets)


def rates_by_asset(rule: MaintenanceRule, quantity: pd.DataFrame, price: pd.Series) -> pd.DataFrame:
    """Return the maintenance rate (decimal of the notional now) by account and asset, shape of quantity.

    Raises
    ------
    DataError
        For an asset without a rule, or told twice.
    """
    if isinstance(rule, pd.Series):
        rule = named_once(rule, "maintenance_rate")
    if isinstance(rule, pd.Series | Mapping):
        missing = [str(a) for a in quantity.columns if a not in rule]
        if missing:
            got = f"none of {', '.join(missing)}"
            raise DataError("maintenance_rate", "must be told for every asset", got, "add it")
        by_asset = {a: rule[a] for a in quantity.columns}
    else:
        by_asset = dict.fromkeys(quantity.columns, rule)
    rates = {}
    for a, held in by_asset.items():
        if isinstance(held, TierTable):
            rates[a] = [held.maintenance_rate(n) for n in (quantity[a].abs() * price[a]).tolist()]
        else:
            rates[a] = [float(held)] * len(quantity)
    return pd.DataFrame(rates, index=quantity.index, columns=quantity.columns, dtype=np.float64)


def check_finite(held: _Table, name: str) -> _Table:
    """Return a table of finite numbers as floats.

    Raises
    ------
    DataError
        For a number that is missing or infinite, or what is none.
    """
    numbers = as_numbers(held, name)
    values = numbers.to_numpy()
    refuse_values(~np.isfinite(values), values, name, "must be finite")
    return numbers


def refuse_values(bad: np.ndarray | pd.Series, values: np.ndarray | pd.Series, name: str, rule: str) -> None:
    """Refuse the values that are marked, with their count and the first of them.

    Raises
    ------
    DataError
        When a value is marked, shapes alike.
    """
    marked = np.asarray(bad)
    if marked.any():
        got = f"{int(marked.sum())} others, first {np.asarray(values)[marked][0]:g}"
        raise DataError(name, rule, got, "correct or drop them")
