"""Accounts that margin several assets together: positions, cash and coins, with what must be left of them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from volkit.contagion.cross.tables import (
    MaintenanceRule,
    check_finite,
    named_once,
    priced_assets,
    rates_by_asset,
    read_columns,
    refuse_values,
    wide_table,
)
from volkit.errors import ArgumentError, DataError
from volkit.instruments import Future, Option, PositionBook
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CrossAccounts"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CrossAccounts(ResultDisplay):
    """Accounts with linear perpetuals of several assets on one margin.

    Attributes
    ----------
    quantity, cost : DataFrame, shape (n_accounts, n_assets)
        Signed coins, and signed coins times entry price (USD).
    cash : Series, shape (n_accounts,)
        USD.
    coins : DataFrame, shape (n_accounts, n_assets)
        Coins held as collateral, 0 or more: their price moves too.
    maintenance_rate : DataFrame, shape (n_accounts, n_assets)
        Maintenance margin over the notional, from 0 to below 1.
    haircut : Series, shape (n_assets,)
        Share of coins that does not count as equity, from 0 to 1.
    price : Series, shape (n_assets,)
        USD now.
    as_of : Timestamp or None
        Instant (UTC), when told.
    provenance : Provenance
        Sources and hashes, when given.

    Raises
    ------
    DataError
        For no account, names that come twice, other labels, NaN, an asset without price, coins below 0, rates or
        haircuts out of range.

    Notes
    -----
    Equity is cash + sum q (P - E) + sum (1 - h) c P, the margin sum m abs(q) P: what is left between them is linear in
    prices. A rate of a tier table is that of the notional now and stays through a cascade.

    Examples
    --------
    >>> table = pd.DataFrame({"account": "A", "asset": ["BTC", "ETH"], "quantity": [1.0, -10.0]})
    >>> price = pd.Series({"BTC": 80_000.0, "ETH": 3_000.0})
    >>> CrossAccounts.from_frame(table, price=price, cash=pd.Series({"A": 9_000.0}), maintenance_rate=0.02)
    <CrossAccounts: 1 account in BTC, ETH: 110,000 USD open, equity 9,000 USD, margin 2,200 USD, 0 below>
    """

    quantity: pd.DataFrame
    cost: pd.DataFrame
    cash: pd.Series
    coins: pd.DataFrame
    maintenance_rate: pd.DataFrame
    haircut: pd.Series
    price: pd.Series
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def __post_init__(self) -> None:
        accounts, assets = self.quantity.index, self.quantity.columns
        if not len(accounts) or not len(assets):
            raise DataError("accounts", "must have a row and an asset", f"{self.quantity.shape}", "pass positions")
        for name, labels in (("accounts", accounts), ("assets", assets)):
            if labels.has_duplicates:
                first = labels[labels.duplicated()][0]
                raise DataError(name, "must be named once", f"{first!r} twice", "add their positions up")
        frames = dict.fromkeys(("quantity", "cost", "coins", "maintenance_rate"), (accounts, assets))
        shapes = {**frames, "cash": (accounts,), "haircut": (assets,), "price": (assets,)}
        for name, axes in shapes.items():
            held = getattr(self, name)
            if not all(axis.equals(label) for axis, label in zip(held.axes, axes, strict=True)):
                raise DataError(name, "must have the labels of quantity", f"shape {held.shape}", "reindex it")
            object.__setattr__(self, name, freeze(check_finite(held, name)))
        rate = self.maintenance_rate.to_numpy()
        refuse_values((rate < 0.0) | (rate >= 1.0), rate, "maintenance_rate", "must be from 0 to below 1")
        refuse_values(self.coins.to_numpy() < 0.0, self.coins.to_numpy(), "coins", "must be at least 0 (collateral)")
        refuse_values(
            (self.haircut < 0.0) | (self.haircut > 1.0), self.haircut, "haircut", "must be a share from 0 to 1"
        )
        refuse_values(self.price <= 0.0, self.price, "price", "must be above zero")

    @classmethod
    def from_frame(
        cls,
        positions: pd.DataFrame,
        *,
        price: pd.Series,
        maintenance_rate: MaintenanceRule,
        cash: pd.Series | None = None,
        collateral: pd.DataFrame | None = None,
        haircut: float | pd.Series = 0.0,
        as_of: pd.Timestamp | None = None,
        provenance: Provenance | None = None,
    ) -> "CrossAccounts":
        """Return the accounts of a table of positions.

        Parameters
        ----------
        positions : DataFrame
            account, asset, quantity (signed coins) and optionally entry_price (USD, positive; the price now where it
            is not told). Positions of an account in one asset are added up.
        price : Series
            USD by asset.
        maintenance_rate : float, Series, or mapping
            Of the notional: for all, by asset, or a `TierTable` by asset.
        cash : Series, optional
            USD by account; none by default.
        collateral : DataFrame, optional
            account, asset, quantity (coins).
        haircut : float or Series
            Share of coins that does not count, for all or by asset.
        as_of : Timestamp, optional
            Instant (UTC).
        provenance : Provenance, optional
            Of the table.

        Raises
        ------
        DataError
            For missing columns, NaN, text where numbers belong, labels that come twice, an entry price that is not
            positive, an asset without price, or whatever `CrossAccounts` refuses.

        Notes
        -----
        Accounts may hold more than their positions are worth: spare cash is not refused, however far below one that
        takes their leverage, since positions and cash of a shared margin come from different tables. `from_leverage`,
        where leverage is what is told, refuses less than one.
        """
        price = named_once(price, "price")
        held = read_columns(positions, "positions")
        if not len(held):
            raise DataError("positions", "must have a row", "none", "pass the positions of at least one account")
        coins = read_columns(collateral, "collateral") if collateral is not None else held.iloc[:0]
        assets = priced_assets([*held["asset"], *coins["asset"]], price)
        prices = price.reindex(assets).astype(np.float64)
        entry = held["entry_price"].fillna(held["asset"].map(prices)) if "entry_price" in held else held["asset"].map(
            prices
        )  # fmt: skip
        funds = named_once(cash, "cash") if cash is not None else pd.Series(dtype=np.float64)
        accounts = _names({*held["account"], *coins["account"], *funds.index})
        quantity = wide_table(held["account"], held["asset"], held["quantity"], accounts, assets)
        return cls(
            quantity=quantity,
            cost=wide_table(held["account"], held["asset"], held["quantity"] * entry, accounts, assets),
            cash=funds.reindex(accounts, fill_value=0.0),
            coins=wide_table(coins["account"], coins["asset"], coins["quantity"], accounts, assets),
            maintenance_rate=rates_by_asset(maintenance_rate, quantity, prices),
            haircut=_by_asset(haircut, assets),
            price=prices,
            as_of=as_of,
            provenance=provenance or Provenance(()),
        )

    @classmethod
    def from_leverage(
        cls, quantity: pd.DataFrame, *, leverage: pd.Series | float, price: pd.Series, maintenance_rate: MaintenanceRule
    ) -> "CrossAccounts":
        """Return accounts that entered at today's prices with so much leverage in all.

        Parameters
        ----------
        quantity : DataFrame, shape (n_accounts, n_assets)
            Signed coins.
        leverage : Series or float
            Sum of notionals over cash, by account or for all; at least 1.
        price : Series
            USD by asset.
        maintenance_rate : float, Series, or mapping
            As in `from_frame`.

        Raises
        ------
        ArgumentError
            For leverage below one, or NaN.
        DataError
            For an asset without price, or whatever `CrossAccounts` refuses.

        Examples
        --------
        >>> quantity = pd.DataFrame({"BTC": [1.0], "ETH": [20.0]}, index=["A"])
        >>> price = pd.Series({"BTC": 60_000.0, "ETH": 2_000.0})
        >>> CrossAccounts.from_leverage(quantity, leverage=10, price=price, maintenance_rate=0.02).cash.tolist()
        [10000.0]
        """
        price = named_once(price, "price")
        told = named_once(leverage, "leverage") if isinstance(leverage, pd.Series) else leverage
        times = pd.Series(told, index=quantity.index).astype(np.float64)
        if not (np.isfinite(times) & (times >= 1.0)).all():
            bad = times[~(np.isfinite(times) & (times >= 1.0))]
            got = f"{bad.iloc[0]:g} of {bad.index[0]}"
            raise ArgumentError("leverage", "must be at least 1", got, "coins without debt are no leveraged account")
        prices = price.reindex(priced_assets(list(quantity.columns), price)).astype(np.float64)
        held = check_finite(quantity, "quantity").reindex(columns=prices.index)
        return cls(
            quantity=held,
            cost=held * prices,
            cash=((held.abs() * prices).sum(axis=1) / times).rename("cash"),
            coins=held * 0.0,
            maintenance_rate=rates_by_asset(maintenance_rate, held, prices),
            haircut=prices * 0.0,
            price=prices,
        )

    @classmethod
    def from_book(
        cls,
        book: PositionBook,
        *,
        price: pd.Series,
        maintenance_rate: MaintenanceRule,
        haircut: float | pd.Series = 0.0,
    ) -> "CrossAccounts":
        """Return the accounts of a position book in perpetuals, by coin.

        Parameters
        ----------
        book : PositionBook
            Perpetuals, cash and coins; an inverse perpetual earns in dollars what a linear one does.
        price : Series
            USD by coin.
        maintenance_rate, haircut
            As in `from_frame`.

        Raises
        ------
        DataError
            For options and dated futures, or a coin without price.
        """
        dated = [name for name, c in book.instruments.items() if isinstance(c, Option | Future)]
        if dated:
            remedy = "take options to volkit.contagion.options, and close or drop dated futures"
            raise DataError(f"instruments of {book.source}", "must be perpetuals", ", ".join(dated[:5]), remedy)
        names = book.positions["instrument"]
        held = book.positions.assign(asset=[book.instruments[name].underlying for name in names])
        return cls.from_frame(
            held[["account", "asset", "quantity", "entry_price"]],
            price=price,
            maintenance_rate=maintenance_rate,
            cash=book.cash,
            collateral=book.collateral.rename(columns={"coin": "asset"}),
            haircut=haircut,
            as_of=book.as_of,
        )

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return tuple(map(str, self.quantity.columns))

    @property
    def base(self) -> np.ndarray:
        """Equity were all prices zero, shape (n_accounts,), USD: cash less what positions cost."""
        return np.asarray(self.cash.to_numpy() - self.cost.to_numpy().sum(axis=1))

    @property
    def edge(self) -> np.ndarray:
        """What equity less margin gains per USD of a price, shape (n_accounts, n_assets), coins."""
        q, c = self.quantity.to_numpy(), self.coins.to_numpy()
        return np.asarray(q + c * (1.0 - self.haircut.to_numpy()) - self.maintenance_rate.to_numpy() * np.abs(q))

    def equity(self, price: pd.Series | None = None) -> pd.Series:
        """Return equity by account (USD), coins after their haircut, at given prices or those now."""
        p = self._prices(price)
        counted = self.quantity.to_numpy() + self.coins.to_numpy() * (1.0 - self.haircut.to_numpy())
        return pd.Series(self.base + counted @ p, index=self.quantity.index, name="equity")

    def maintenance_margin(self, price: pd.Series | None = None) -> pd.Series:
        """Return the maintenance margin by account (USD), at given prices or those now."""
        margin = (self.maintenance_rate.to_numpy() * self.quantity.abs().to_numpy()) @ self._prices(price)
        return pd.Series(margin, index=self.quantity.index, name="maintenance_margin")

    def _prices(self, price: pd.Series | None) -> np.ndarray:
        if price is None:
            return np.asarray(self.price.to_numpy())
        return np.asarray(check_finite(named_once(price, "price").reindex(self.price.index), "price").to_numpy())

    @property
    def headline(self) -> str:
        """Accounts, open notional, equity and margin in one line."""
        n = len(self.quantity)
        below = int((self.equity() < self.maintenance_margin()).sum())
        return (
            f"{n:,} account{'s' * (n != 1)} in {', '.join(self.assets)}: "
            f"{(self.quantity.abs() * self.price).to_numpy().sum():,.0f} USD open, equity {self.equity().sum():,.0f} "
            f"USD, margin {self.maintenance_margin().sum():,.0f} USD, {below:,} below"
        )

    def summary(self) -> pd.DataFrame:
        """Return price, long and short notional and collateral (USD) by asset."""
        notional = self.quantity * self.price
        return pd.DataFrame(
            {
                "price (USD)": self.price,
                "long (USD)": notional.clip(lower=0.0).sum(),
                "short (USD)": -notional.clip(upper=0.0).sum(),
                "coins as collateral (USD)": (self.coins * self.price).sum(),
                "haircut": self.haircut,
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row an account: cash, equity, maintenance margin (USD) and quantities (coins) by asset."""
        parts = [self.cash.rename("cash"), self.equity(), self.maintenance_margin()]
        return pd.concat([*parts, self.quantity.add_prefix("quantity of ")], axis=1)


def _by_asset(haircut: float | pd.Series, assets: pd.Index) -> pd.Series:
    if isinstance(haircut, pd.Series):
        return named_once(haircut, "haircut").reindex(assets)
    return named_once(pd.Series(haircut, index=assets), "haircut")


def _names(accounts: set[Any]) -> pd.Index:
    try:
        return pd.Index(sorted(accounts), name="account")
    except TypeError as error:
        remedy = "name accounts by text everywhere, or by numbers everywhere"
        raise DataError(
            "account", "must be names of one kind in positions, collateral and cash", str(error), remedy
        ) from None
