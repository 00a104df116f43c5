"""Protocols with what they hold and what they owe, checked and put in one order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ProtocolBook", "check_holdings", "check_names", "named_numbers"]

_HOLDING_COLUMNS = ("protocol", "asset", "quantity")
_DEBT_COLUMNS = ("protocol", "debt")


@dataclass(frozen=True, eq=False, slots=True, init=False, repr=False)
class ProtocolBook(ResultDisplay):
    """What protocols hold of each collateral, at today's prices, and what they owe.

    Attributes
    ----------
    holdings : DataFrame, shape (n_protocols, n_assets)
        Market value (USD), not negative; index the protocols, columns the assets.
    debt : Series, shape (n_protocols,)
        USD, not negative.
    other_assets : Series, shape (n_protocols,)
        What cannot be sold in a hurry (USD), not negative; no shock and no sale moves it.
    provenance : Provenance
        Series behind it.

    Raises
    ------
    DataError
        For a name twice, names that do not match, missing, infinite or negative numbers, and a protocol that owes at
        least what it has.

    Examples
    --------
    >>> book = ProtocolBook.from_frames(
    ...     pd.DataFrame({"protocol": ["A", "A", "B"], "asset": ["ETH", "BTC", "ETH"], "quantity": [10.0, 1.0, 5.0]}),
    ...     pd.DataFrame({"protocol": ["A", "B"], "debt": [60_000.0, 5_000.0]}),
    ...     prices={"ETH": 3_000.0, "BTC": 60_000.0},
    ... )
    >>> book
    <ProtocolBook: 2 protocols, 2 assets, 105,000 USD held, 65,000 owed, leverage up to 3>
    >>> book.leverage.to_dict()
    {'A': 3.0, 'B': 1.5}
    """

    holdings: pd.DataFrame
    debt: pd.Series
    other_assets: pd.Series
    provenance: Provenance

    def __init__(
        self,
        *,
        holdings: pd.DataFrame,
        debt: pd.Series,
        other_assets: pd.Series | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        values = check_holdings(holdings)
        names = values.index
        owed = named_numbers(debt, names, argument="debt", unit="USD")
        other = pd.Series(0.0, index=names) if other_assets is None else other_assets
        kept = named_numbers(other, names, argument="other_assets", unit="USD")
        left = values.sum(axis=1) + kept - owed
        if (left <= 0.0).any():
            worst = str(left.idxmin())
            got, remedy = f"equity of {left.min():,.6g} USD in {worst}", "leave out those who have failed already"
            raise DataError("debt", "must be below what the protocol has", got, remedy)
        object.__setattr__(self, "holdings", freeze(values))
        object.__setattr__(self, "debt", freeze(owed.rename("debt")))
        object.__setattr__(self, "other_assets", freeze(kept.rename("other_assets")))
        object.__setattr__(self, "provenance", Provenance(()) if provenance is None else provenance)

    @classmethod
    def from_frames(
        cls,
        holdings: pd.DataFrame,
        debts: pd.DataFrame,
        *,
        prices: Mapping[str, float] | pd.Series,
        other_assets: pd.Series | None = None,
        provenance: Provenance | None = None,
    ) -> "ProtocolBook":
        """Return the book of a table of coins and a table of debts.

        Parameters
        ----------
        holdings : DataFrame
            Columns protocol, asset, quantity (coins); rows of the same pair add up.
        debts : DataFrame
            Columns protocol, debt (USD); a protocol that is not listed owes nothing.
        prices : mapping of float
            USD per coin, positive, for every asset that is held.
        other_assets : Series, optional
            As in the class.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For missing columns, missing names, missing or negative numbers (the rows are told), a protocol that owes
            but holds nothing, and an asset without a price.
        """
        _require_columns(holdings, _HOLDING_COLUMNS, "holdings")
        _require_columns(debts, _DEBT_COLUMNS, "debts")
        _require_rows(holdings, "quantity", "holdings", "put what is owed among the debts")
        _require_rows(debts, "debt", "debts", "put what is lent among the holdings or other_assets")
        coins = holdings.pivot_table(
            index="protocol", columns="asset", values="quantity", aggfunc="sum", fill_value=0.0
        )
        price = named_numbers(pd.Series(dict(prices)), coins.columns, argument="prices", unit="USD", positive=True)
        owed = debts.groupby("protocol", sort=False)["debt"].sum()
        strangers = [name for name in owed.index if name not in coins.index]
        if strangers:
            raise DataError("debts", "must be of protocols that hold something", str(strangers[0]), "list its holdings")
        return cls(
            holdings=coins * price,
            debt=owed.reindex(coins.index, fill_value=0.0),
            other_assets=other_assets,
            provenance=provenance,
        )

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols."""
        return tuple(map(str, self.holdings.index))

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return tuple(map(str, self.holdings.columns))

    @property
    def total_assets(self) -> pd.Series:
        """What each protocol has (USD), with what cannot be sold."""
        return (self.holdings.sum(axis=1) + self.other_assets).rename("assets")

    @property
    def equity(self) -> pd.Series:
        """What each protocol has less what it owes (USD)."""
        return (self.total_assets - self.debt).rename("equity")

    @property
    def leverage(self) -> pd.Series:
        """Assets over equity, no unit."""
        return (self.total_assets / self.equity).rename("leverage")

    @property
    def weights(self) -> pd.DataFrame:
        """Share of each asset in all that a protocol has; rows add up to one less what cannot be sold."""
        return self.holdings.div(self.total_assets, axis=0)

    @property
    def debt_to_equity(self) -> pd.Series:
        """Debt over equity, no unit."""
        return (self.debt / self.equity).rename("debt_to_equity")

    @property
    def headline(self) -> str:
        """Size, debt and the highest leverage in one line."""
        n, k = self.holdings.shape
        held, owed = self.total_assets.sum(), self.debt.sum()
        return (
            f"{n} protocols, {k} assets, {held:,.0f} USD held, {owed:,.0f} owed, "
            f"leverage up to {self.leverage.max():.3g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return assets, debt, equity (USD) and leverage by protocol."""
        parts = {
            "assets (USD)": self.total_assets,
            "debt (USD)": self.debt,
            "equity (USD)": self.equity,
            "leverage": self.leverage,
        }
        return pd.DataFrame(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: protocol, asset, value (USD), share of what the protocol has."""
        long = self.holdings.rename_axis(index="protocol", columns="asset").stack().rename("value").reset_index()
        share = self.weights.to_numpy().ravel()
        return long.assign(share=share)


def named_numbers(
    values: pd.Series | Mapping[str, float],
    names: pd.Index,
    *,
    argument: str,
    unit: str,
    positive: bool = False,
    lowest: float = 0.0,
) -> pd.Series:
    """Return one finite number a name, in the order of the names.

    Parameters
    ----------
    values : Series or mapping
        By name; names beyond those asked for are left out.
    names : Index
        Whose numbers are wanted.
    argument, unit : str
        For messages.
    positive : bool
        Whether 0 is refused too.
    lowest : float
        Least value.

    Raises
    ------
    DataError
        For a name twice or without a number, a missing or infinite one, and one below the least value.
    """
    if not isinstance(values, (pd.Series, Mapping)):
        got, remedy = type(values).__name__, "pass a Series indexed by name"
        raise ArgumentError(argument, f"must be a Series or mapping of {unit} by name", got, remedy)
    given = values if isinstance(values, pd.Series) else pd.Series(dict(values), dtype=np.float64)
    check_names(given.index, argument=argument)
    lacking = [name for name in names if name not in given.index]
    if lacking:
        raise DataError(argument, f"must name every one ({unit})", f"nothing for {lacking[0]}", "add it")
    numbers = given.reindex(names).astype(np.float64)
    bad = ~np.isfinite(numbers) | (numbers < lowest) | ((numbers == 0.0) & positive)
    if bad.any():
        name = numbers.index[bad][0]
        rule = "positive" if positive else f"at least {lowest:g}"
        raise DataError(
            argument, f"must be finite and {rule} ({unit})", f"{numbers[name]} for {name}", "repair or leave out"
        )
    return numbers


def check_names(names: Iterable[object], *, argument: str) -> None:
    """Raise when a name comes twice.

    Raises
    ------
    DataError
        With the name.
    """
    index = pd.Index(names)
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise DataError(argument, "must name each once", f"{twice} twice", "add the rows up first")


def check_holdings(holdings: pd.DataFrame, *, argument: str = "holdings", unit: str = "USD") -> pd.DataFrame:
    """Return a frame of protocols by assets as float64, finite and at least 0.

    Raises
    ------
    DataError
        For an empty frame, a name twice, and a number that is missing, infinite or negative.
    """
    if not isinstance(holdings, pd.DataFrame) or holdings.empty:
        got = type(holdings).__name__ if not isinstance(holdings, pd.DataFrame) else "no rows or columns"
        raise DataError(argument, f"must be a frame of protocols by assets ({unit})", got, "pass at least one of each")
    check_names(holdings.index, argument=argument)
    check_names(holdings.columns, argument=argument)
    values = holdings.astype(np.float64)
    bad = ~np.isfinite(values.to_numpy()) | (values.to_numpy() < 0.0)
    if bad.any():
        i, k = np.argwhere(bad)[0]
        got = f"{values.iloc[i, k]} of {values.columns[k]} in {values.index[i]}"
        raise DataError(argument, f"must be finite and at least 0 ({unit})", got, "put what is owed among the debts")
    return values


def _require_columns(frame: pd.DataFrame, columns: tuple[str, ...], argument: str) -> None:
    lacking = [c for c in columns if c not in frame.columns]
    if lacking:
        got = f"{', '.join(map(str, frame.columns)) or 'none'}"
        raise DataError(argument, f"must have the columns {', '.join(columns)}", got, f"add {lacking[0]}")


def _require_rows(frame: pd.DataFrame, amount: str, argument: str, remedy: str) -> None:
    """Refuse rows without a name, and amounts that are missing, infinite or negative: sums would hide them."""
    names = [c for c in ("protocol", "asset") if c in frame.columns]
    for column in names:
        if (bad := frame[column].isna()).any():
            got = f"no {column} in {_rows(frame.index[bad])}"
            raise DataError(
                argument, f"must name {' and '.join(names)} in every row", got, "fill it in or drop the rows"
            )
    numbers = frame[amount].astype(np.float64)
    if (bad := ~(np.isfinite(numbers) & (numbers >= 0.0))).any():
        whose = " in ".join(map(str, frame.loc[bad, names[::-1]].iloc[0]))
        got = f"{numbers[bad].iloc[0]:g} for {whose}, {_rows(frame.index[bad])}"
        raise DataError(f"{argument}.{amount}", "must be finite and at least 0", got, remedy)


def _rows(labels: pd.Index) -> str:
    shown = ", ".join(map(str, labels[:5])) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
    return f"row{'s' if len(labels) > 1 else ''} {shown}"
