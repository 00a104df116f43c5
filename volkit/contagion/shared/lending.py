"""Loans against coins, lender by lender, with the terms on which collateral is seized."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_fraction
from volkit.errors import DataError
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["ProtocolLending"]

_POSITION_COLUMNS = ("protocol", "account", "collateral_asset", "collateral_quantity")
_TERM_COLUMNS = ("asset", "liquidation_threshold", "liquidation_bonus", "oracle")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ProtocolLending(ResultDisplay):
    """Who owes what to which protocol, against which coins.

    Attributes
    ----------
    coins : DataFrame, shape (n_loans, n_assets)
        Collateral, coins of at least 0; index (protocol, account).
    debt : Series, shape (n_loans,)
        USD, not negative.
    thresholds, bonuses : DataFrame, shape (n_protocols, n_assets)
        Share of collateral that counts; what a liquidator gets on top (decimals).
    oracles : DataFrame, shape (n_protocols, n_assets)
        Name of the feed by which the protocol prices the asset.
    reserve : Series, shape (n_protocols,)
        USD with which a protocol can bear bad debt; beyond it the protocol defaults.
    close_factor : float
        Share of the debt that one liquidation repays, above 0.
    full_close_below : float
        Health factor below which all of it is repaid.
    provenance : Provenance
        Series behind it.

    Examples
    --------
    >>> book = ProtocolLending.from_frames(
    ...     pd.DataFrame(
    ...         {"protocol": ["A"], "account": ["x"], "collateral_asset": ["ETH"], "collateral_quantity": [10.0],
    ...          "debt": [20_000.0]}
    ...     ),
    ...     pd.DataFrame(
    ...         {"asset": ["ETH"], "liquidation_threshold": [0.8], "liquidation_bonus": [0.05], "oracle": ["feed"]}
    ...     ),
    ... )
    >>> book, book.health_factors({"ETH": 3_000.0}).tolist()
    (<ProtocolLending: 1 protocols, 1 loans of 20,000 USD, 1 collaterals, 1 feeds>, [1.2])
    """

    coins: pd.DataFrame
    debt: pd.Series
    thresholds: pd.DataFrame
    bonuses: pd.DataFrame
    oracles: pd.DataFrame
    reserve: pd.Series
    close_factor: float
    full_close_below: float
    provenance: Provenance

    @classmethod
    def from_frames(
        cls,
        positions: pd.DataFrame,
        terms: pd.DataFrame,
        *,
        prices: Mapping[str, float] | None = None,
        reserve: Mapping[str, float] | pd.Series | None = None,
        close_factor: float = 0.5,
        full_close_below: float = 0.95,
        provenance: Provenance | None = None,
    ) -> "ProtocolLending":
        """Return the book of a table of positions and one of terms.

        Parameters
        ----------
        positions : DataFrame
            Columns protocol, account, collateral_asset, collateral_quantity (coins) and either debt (USD) or debt_asset
            and debt_quantity (coins, valued at `prices` and then held in USD); rows of one account add up.
        terms : DataFrame
            Columns asset, liquidation_threshold, liquidation_bonus (decimals), oracle (feed), and protocol where terms
            differ between protocols.
        prices : mapping of float, optional
            USD per coin of debts; needed with debt_asset.
        reserve : mapping or Series, optional
            USD by protocol; 0 by default.
        close_factor, full_close_below : float
            As in the class.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For missing columns, missing names, missing or negative numbers (the rows are told), a threshold above 1, an
            asset without terms or feed or with two, a debt without a positive price, a reserve of nobody.
        ArgumentError
            For a close factor outside 0 to 1.
        """
        _require(positions, _POSITION_COLUMNS, "positions")
        _require(terms, _TERM_COLUMNS, "terms")
        _require_names(positions, _POSITION_COLUMNS[:3], "positions")
        _require_names(terms, ["asset", *(["protocol"] if "protocol" in terms.columns else [])], "terms")
        owed = _debts(positions, prices)
        quantity = _not_negative(positions["collateral_quantity"], "positions.collateral_quantity", "coins")
        keys = [positions["protocol"].astype(str), positions["account"].astype(str)]
        coins = quantity.groupby([*keys, positions["collateral_asset"].astype(str)]).sum().unstack(fill_value=0.0)
        debt = owed.groupby(keys).sum().reindex(coins.index)
        protocols = coins.index.get_level_values(0).unique()
        tables = [_terms(terms, protocols, coins.columns, c) for c in _TERM_COLUMNS[1:]]
        _check_rates(tables[0], tables[1], coins)
        _check_oracles(tables[2], coins)
        kept = _reserves(reserve, protocols)
        if check_fraction(close_factor, argument="close_factor") == 0.0:
            raise DataError("close_factor", "must be above 0", "0", "pass 0.5 for half of the debt")
        return cls(
            coins=freeze(coins.rename_axis(index=["protocol", "account"], columns=None)),
            debt=freeze(debt.rename_axis(["protocol", "account"]).rename("debt")),
            thresholds=freeze(tables[0]),
            bonuses=freeze(tables[1]),
            oracles=tables[2],
            reserve=freeze(_not_negative(kept, "reserve", "USD").rename("reserve")),
            close_factor=float(close_factor),
            full_close_below=check_fraction(full_close_below, argument="full_close_below"),
            provenance=Provenance(()) if provenance is None else provenance,
        )

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols."""
        return tuple(map(str, self.thresholds.index))

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the collaterals."""
        return tuple(map(str, self.coins.columns))

    @property
    def feeds(self) -> tuple[tuple[str, str], ...]:
        """Pairs (feed, asset) by which somebody prices a collateral that is held there."""
        held = self.coins.groupby(level=0).sum().reindex(self.thresholds.index).to_numpy() > 0.0
        pairs = {(str(self.oracles.iloc[p, k]), self.assets[k]) for p, k in np.argwhere(held)}
        return tuple(sorted(pairs))

    def health_factors(self, prices: Mapping[str, float]) -> pd.Series:
        """Return collateral that counts over debt at the same prices (USD) for all; infinite without debt."""
        price = np.array([float(prices[a]) for a in self.assets])
        row = self.thresholds.index.get_indexer(self.coins.index.get_level_values(0))
        counted = (self.coins.to_numpy() * price * self.thresholds.to_numpy()[row]).sum(axis=1)
        owed = self.debt.to_numpy()
        values = np.divide(counted, owed, out=np.full(len(owed), np.inf), where=owed > 0.0)
        return pd.Series(values, index=self.debt.index, name="health_factor")

    @property
    def as_of(self) -> None:
        """None: a book has no clock."""
        return None

    @property
    def headline(self) -> str:
        """Size in one line."""
        n_feeds = len({name for name, _ in self.feeds})
        return (
            f"{len(self.protocols)} protocols, {len(self.debt):,} loans of {self.debt.sum():,.0f} USD, "
            f"{len(self.assets)} collaterals, {n_feeds} feeds"
        )

    def summary(self) -> pd.DataFrame:
        """Return loans, debt and reserve (USD) by protocol."""
        groups = self.debt.groupby(level=0)
        parts = {"loans": groups.size(), "debt (USD)": groups.sum(), "reserve (USD)": self.reserve}
        return pd.DataFrame(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a loan: debt (USD) and coins by asset."""
        return pd.concat([self.debt, self.coins], axis=1)


def _reserves(reserve: Mapping[str, float] | pd.Series | None, protocols: pd.Index) -> pd.Series:
    given = pd.Series(dict(reserve) if reserve is not None else {}, dtype=np.float64)
    strangers = [str(name) for name in given.index if name not in protocols]
    if strangers:
        got, remedy = f"{strangers[0]} beside {', '.join(map(str, protocols[:5]))}", "leave it out or correct its name"
        raise DataError("reserve", "must be of protocols of the book", got, remedy)
    return given.reindex(protocols, fill_value=0.0)


def _debts(positions: pd.DataFrame, prices: Mapping[str, float] | None) -> pd.Series:
    if "debt" in positions.columns:
        return _not_negative(positions["debt"], "positions.debt", "USD")
    _require(positions, ("debt_asset", "debt_quantity"), "positions")
    _require_names(positions, ("debt_asset",), "positions")
    known = dict(prices) if prices is not None else {}
    lacking = sorted({str(a) for a in positions["debt_asset"].unique()} - set(known))
    if lacking:
        raise DataError("prices", "must name every debt asset", f"nothing for {lacking[0]}", "pass prices=")
    price = positions["debt_asset"].map(known).astype(np.float64)
    if (bad := ~(np.isfinite(price) & (price > 0.0))).any():
        got = (
            f"{price[bad].iloc[0]:g} for {positions['debt_asset'][bad].iloc[0]}, owed in {_rows(positions.index[bad])}"
        )
        raise DataError("prices", "must be positive (USD per coin)", got, "pass what a coin of the debt is worth")
    coins = _not_negative(positions["debt_quantity"], "positions.debt_quantity", "coins")
    return coins * price


def _terms(terms: pd.DataFrame, protocols: pd.Index, assets: pd.Index, column: str) -> pd.DataFrame:
    keys = [c for c in ("protocol", "asset") if c in terms.columns]
    if (twice := terms.duplicated(keys, keep=False)).any():
        got = f"{' in '.join(map(str, terms.loc[twice, keys[::-1]].iloc[0]))} in {_rows(terms.index[twice])}"
        raise DataError("terms", "must name each asset once", got, "keep one row, or add a column protocol")
    if "protocol" in terms.columns:
        table = terms.pivot(index="protocol", columns="asset", values=column).reindex(index=protocols, columns=assets)
    else:
        by_asset = terms.set_index("asset")[column].reindex(assets)
        table = pd.DataFrame([by_asset.tolist()] * len(protocols), index=protocols, columns=assets)
    return table.rename_axis(index="protocol", columns=None)


def _check_oracles(oracles: pd.DataFrame, coins: pd.DataFrame) -> None:
    held = coins.groupby(level=0).sum().reindex(oracles.index) > 0.0
    nameless = (oracles.isna() & held).to_numpy()
    if nameless.any():
        p, k = np.argwhere(nameless)[0]
        got = f"none for {oracles.columns[k]} in {oracles.index[p]}"
        raise DataError("terms.oracle", "must name a feed for every collateral", got, "complete the terms")


def _check_rates(thresholds: pd.DataFrame, bonuses: pd.DataFrame, coins: pd.DataFrame) -> None:
    held = coins.groupby(level=0).sum().reindex(thresholds.index) > 0.0
    for name, table, top in (("liquidation_threshold", thresholds, 1.0), ("liquidation_bonus", bonuses, np.inf)):
        values = table.astype(np.float64)
        bad = (~((values >= 0.0) & (values <= top)) & held).to_numpy()
        if bad.any():
            p, k = np.argwhere(bad)[0]
            got = f"{values.iloc[p, k]} for {table.columns[k]} in {table.index[p]}"
            rule = "must be known for every collateral, a decimal of at least 0"
            raise DataError(f"terms.{name}", rule + (" and at most 1" if top == 1.0 else ""), got, "complete the terms")


def _require(frame: pd.DataFrame, columns: tuple[str, ...], argument: str) -> None:
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise DataError(argument, "must be a frame with rows", type(frame).__name__, "pass at least one row")
    lacking = [c for c in columns if c not in frame.columns]
    if lacking:
        raise DataError(argument, f"must have the columns {', '.join(columns)}", f"no {lacking[0]}", "add it")


def _require_names(frame: pd.DataFrame, columns: Sequence[str], argument: str) -> None:
    for column in columns:
        if (bad := frame[column].isna()).any():
            got = f"no {column} in {_rows(frame.index[bad])}"
            raise DataError(
                argument, f"must name {', '.join(columns)} in every row", got, "fill it in or drop the rows"
            )


def _rows(labels: pd.Index) -> str:
    shown = ", ".join(map(str, labels[:5])) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
    return f"row{'s' if len(labels) > 1 else ''} {shown}"


def _not_negative(values: pd.Series, argument: str, unit: str) -> pd.Series:
    numbers = values.astype(np.float64)
    bad = ~(np.isfinite(numbers) & (numbers >= 0.0))
    if bad.any():
        got = f"{numbers[bad].iloc[0]} in {_rows(numbers.index[bad])}"
        raise DataError(argument, f"must be finite and at least 0 ({unit})", got, "repair or leave out these rows")
    return numbers
