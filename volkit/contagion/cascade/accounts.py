"""Leveraged accounts in one linear perpetual: what each holds, and the prices at which it is liquidated and broke."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_positive
from volkit.contagion.cascade.account_rows import read_numbers, refuse_rows, refuse_unusable
from volkit.contagion.cascade.tier_terms import tier_margins, tier_terms
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError, DataError
from volkit.instruments.contracts import Perpetual, utc_instant
from volkit.instruments.positions import PositionBook
from volkit.margin.tiers.table import TierTable
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["LeveragedAccounts"]

Floats = npt.NDArray[np.float64]
_REQUIRED = ("account", "quantity", "entry_price", "collateral")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LeveragedAccounts(ResultDisplay):
    """Accounts with one position each in the same linear perpetual.

    Attributes
    ----------
    table : DataFrame, shape (n_accounts, 6)
        account; quantity (coins, above zero for longs); entry_price (USD per coin); collateral (USD, without
        unrealised profit); maintenance_rate (decimal of the notional) and maintenance_amount (USD, the deduction of
        its tier) as they hold at the liquidation price.
    tiers : TierTable or None
        Of which the rates came.
    as_of : Timestamp or None
        Instant (UTC) that the table shows.
    provenance : Provenance
        Sources and hashes, when given.

    Notes
    -----
    With quantity q, size s = abs(q), entry E, collateral C, rate m and deduction a the equity at a price P is
    C + q (P - E) and the maintenance margin m s P - a. Equity is nil at the bankruptcy price B = E - C / q and equals
    the margin at the liquidation price L = (E - (C + a) / q) / (1 - m) of a long, (E + (C + a) / s) / (1 + m) of a
    short.

    Examples
    --------
    >>> book = LeveragedAccounts.from_leverage(price=100.0, notional=1_000.0, leverage=[10, 20], side="long",
    ...                                        maintenance_rate=0.005)
    >>> book.liquidation_price.round(3).tolist(), book.bankruptcy_price.tolist()
    ([90.452, 95.477], [90.0, 95.0])
    """

    table: pd.DataFrame
    tiers: TierTable | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        maintenance_rate: float | None = None,
        tiers: TierTable | None = None,
        as_of: pd.Timestamp | None = None,
        provenance: Provenance | None = None,
        source: str = "accounts",
    ) -> "LeveragedAccounts":
        """Return the accounts of a table.

        Parameters
        ----------
        frame : DataFrame
            Columns account, quantity, entry_price, collateral, and maintenance_rate where neither of the next two is
            given; others are ignored. Leverage is the quantity without sign x
            entry_price / collateral.
        maintenance_rate : float, optional
            Of all accounts, decimal of the notional.
        tiers : TierTable, optional
            From which each account's rate is taken, in the tier that holds at its liquidation price.
        as_of : Timestamp, optional
            Instant (UTC) that the table shows.
        provenance : Provenance, optional
            Of the table.
        source : str
            Named in messages.

        Raises
        ------
        ArgumentError
            When the rate is given in none or in several ways.
        DataError
            For missing columns, no rows, an account named twice, or rows (named) with a number that is missing, a
            quantity of zero, no price, no collateral, a rate out of range, or a leverage below one.
        """
        rate_given = "maintenance_rate" in frame.columns and maintenance_rate is None and tiers is None
        if not rate_given and (maintenance_rate is None) == (tiers is None):
            got = "none" if tiers is None else "both a rate and tiers"
            rule, remedy = "must be told in one way", "pass maintenance_rate=0.005, tiers=..., or a column"
            raise ArgumentError("maintenance_rate", rule, got, remedy)
        missing = [c for c in _REQUIRED if c not in frame.columns]
        if missing or not len(frame):
            got = f"no {', '.join(missing)}" if missing else "no rows"
            rule = f"must have rows, and the columns {', '.join(_REQUIRED)}"
            raise DataError(source, rule, got, "rename columns, or pass the table that holds them")
        columns = {name: read_numbers(frame, name, source) for name in _REQUIRED[1:]}
        rates = frame["maintenance_rate"] if rate_given else maintenance_rate
        columns["maintenance_rate"] = (
            np.full(len(frame), tiers.maintenance_rates[0])
            if tiers is not None
            else read_numbers(frame.assign(maintenance_rate=rates), "maintenance_rate", source)
        )
        names = frame["account"].astype("str")
        table = pd.DataFrame({"account": names.to_numpy(), **columns, "maintenance_amount": 0.0})
        refuse_unusable(table, source)
        if tiers is not None:
            table["maintenance_rate"], table["maintenance_amount"] = tier_terms(table, tiers)
        stamp = None if as_of is None else utc_instant(as_of, argument="as_of")
        return cls(table=freeze(table), tiers=tiers, as_of=stamp, provenance=provenance or Provenance(()))

    @classmethod
    def from_leverage(
        cls,
        *,
        price: npt.ArrayLike,
        notional: npt.ArrayLike,
        leverage: npt.ArrayLike,
        side: Side | npt.ArrayLike,
        maintenance_rate: npt.ArrayLike | None = None,
        tiers: TierTable | None = None,
        as_of: pd.Timestamp | None = None,
        provenance: Provenance | None = None,
    ) -> "LeveragedAccounts":
        """Return accounts that opened at a price with a notional and a leverage; arguments are broadcast.

        Parameters
        ----------
        price : float or array-like
            Entry price, USD per coin.
        notional : float or array-like
            Size at entry without sign, USD.
        leverage : float or array-like
            Notional over collateral, at least 1.
        side : {"long", "short"} or array-like of them
            Side of each.
        maintenance_rate, tiers, as_of, provenance
            As in `from_frame`; rates may differ by account.

        Raises
        ------
        ArgumentError
            For an unknown side, or a rate given in no or in two ways.
        DataError
            As `from_frame`; also for accounts that would be liquidated at their entry price.
        """
        one = 1.0 if maintenance_rate is None else np.asarray(maintenance_rate, dtype=np.float64)
        P, N, x, sides, rates = np.broadcast_arrays(
            np.asarray(price, dtype=np.float64),
            np.asarray(notional, dtype=np.float64),
            np.asarray(leverage, dtype=np.float64),
            np.atleast_1d(np.asarray(side)),
            one,
        )
        for word in np.unique(sides):
            check_choice(str(word), argument="side", choices=SIDES)
        with np.errstate(divide="ignore", invalid="ignore"):
            quantity = np.where(sides == "long", 1.0, -1.0) * N / P
            frame = pd.DataFrame(
                {
                    "account": [f"A{i + 1}" for i in range(P.size)],
                    "quantity": quantity,
                    "entry_price": P,
                    "collateral": N / x,
                }
            )
        low = ~(x >= 1.0)
        refuse_rows(
            frame.assign(leverage=x), low, "leverage", "must be at least 1", "accounts", "pass notional over margin"
        )
        if maintenance_rate is not None:
            frame["maintenance_rate"] = rates
        book = cls.from_frame(frame, tiers=tiers, as_of=as_of, provenance=provenance)
        margin = book.maintenance_margin(P)
        refuse_rows(
            frame.assign(leverage=x), margin >= book.collateral, "leverage",
            "must leave more collateral than the maintenance margin at entry", "accounts", "lower it, or the rate",
        )  # fmt: skip
        return book

    @classmethod
    def from_book(
        cls,
        book: PositionBook,
        instrument: str,
        *,
        maintenance_rate: float | None = None,
        tiers: TierTable | None = None,
        price: float | None = None,
        provenance: Provenance | None = None,
    ) -> "LeveragedAccounts":
        """Return the accounts of a position book that hold one linear perpetual, their cash as collateral.

        Parameters
        ----------
        book : PositionBook
            Accounts with cash in dollars. Those that hold another contract or coins as collateral are refused: their
            liquidation hangs on several prices.
        instrument : str
            Name of the perpetual in the book.
        maintenance_rate, tiers, provenance
            As in `from_frame`.
        price : float, optional
            Entry price (USD per coin) of positions whose own is not told.

        Raises
        ------
        ArgumentError
            For an instrument that is not in the book, or no linear perpetual.
        DataError
            For accounts with other contracts or coins, and as `from_frame`.
        """
        contract = book.instruments.get(instrument)
        if not isinstance(contract, Perpetual) or contract.settlement != "linear":
            known = [n for n, c in book.instruments.items() if isinstance(c, Perpetual) and c.settlement == "linear"]
            raise ArgumentError(
                "instrument", "must be a linear perpetual of the book", repr(instrument),
                f"choose from {', '.join(known) or 'none: the book holds no linear perpetual'}",
            )  # fmt: skip
        held = book.positions[book.positions["instrument"] == instrument].reset_index(drop=True)
        others = set(book.positions.loc[book.positions["instrument"] != instrument, "account"])
        others |= set(book.collateral["account"])
        mixed = held["account"].isin(others).to_numpy()
        refuse_rows(held, mixed, "account", f"must hold {instrument} and cash only", book.source,
                    "use the cross-margin cascade for accounts of several contracts or coins")  # fmt: skip
        entry = held["entry_price"]
        if price is not None:
            entry = entry.fillna(check_positive(price, argument="price", unit="USD per coin"))
        cash = book.cash.reindex(held["account"]).to_numpy(dtype=np.float64)
        return cls.from_frame(
            held.assign(entry_price=entry, collateral=cash),
            maintenance_rate=maintenance_rate,
            tiers=tiers,
            as_of=book.as_of,
            provenance=provenance,
            source=book.source,
        )

    def _column(self, name: str) -> Floats:
        return np.asarray(self.table[name])

    @property
    def quantity(self) -> Floats:
        """Signed coins, shape (n_accounts,)."""
        return self._column("quantity")

    @property
    def entry_price(self) -> Floats:
        """USD per coin, shape (n_accounts,)."""
        return self._column("entry_price")

    @property
    def collateral(self) -> Floats:
        """USD, shape (n_accounts,)."""
        return self._column("collateral")

    @property
    def liquidation_price(self) -> Floats:
        """Price at which equity equals the maintenance margin, USD, shape (n_accounts,); at most 0: none does."""
        q, m, a = self.quantity, self._column("maintenance_rate"), self._column("maintenance_amount")
        return np.asarray((self.entry_price - (self.collateral + a) / q) / (1.0 - np.sign(q) * m))

    @property
    def bankruptcy_price(self) -> Floats:
        """Price at which equity is nil, USD, shape (n_accounts,); at most 0: none is."""
        return np.asarray(self.entry_price - self.collateral / self.quantity)

    @property
    def leverage(self) -> Floats:
        """Notional at entry over collateral, shape (n_accounts,)."""
        return np.asarray(np.abs(self.quantity) * self.entry_price / self.collateral)

    def equity(self, price: npt.ArrayLike) -> Floats:
        """Return the equity at a price (USD per coin; one, or one an account), USD, shape (n_accounts,)."""
        return np.asarray(self.collateral + self.quantity * (np.asarray(price) - self.entry_price))

    def maintenance_margin(self, price: npt.ArrayLike) -> Floats:
        """Return the maintenance margin at a price, USD, by the tiers where there are any, shape (n_accounts,)."""
        notional = np.abs(self.quantity) * np.asarray(price, dtype=np.float64)
        if self.tiers is None:
            return np.asarray(self._column("maintenance_rate") * notional - self._column("maintenance_amount"))
        return tier_margins(notional, self.tiers)

    @property
    def headline(self) -> str:
        """Accounts, sides and leverage in one line."""
        q, x = self.quantity, self.leverage
        return (
            f"{len(q):,} accounts, {q[q > 0].sum():,.4g} coins long and {np.abs(q[q < 0]).sum():,.4g} short, "
            f"median leverage {np.median(x):.3g}x, {self.collateral.sum():,.0f} USD collateral"
        )

    def summary(self) -> pd.DataFrame:
        """Return count, coins, USD and quantiles of leverage and liquidation distance by side."""
        rows = {}
        for side, chosen in zip(SIDES, (self.quantity > 0.0, self.quantity < 0.0), strict=True):
            x = self.leverage[chosen]
            distance = np.abs(self.liquidation_price[chosen] / self.entry_price[chosen] - 1.0)
            rows[side] = {
                "accounts": int(chosen.sum()),
                "quantity (coins)": float(np.abs(self.quantity[chosen]).sum()),
                "notional at entry (USD)": float(np.abs(self.quantity * self.entry_price)[chosen].sum()),
                "collateral (USD)": float(self.collateral[chosen].sum()),
                "median leverage": float(np.median(x)) if x.size else np.nan,
                "95 % leverage": float(np.quantile(x, 0.95)) if x.size else np.nan,
                "median distance to liquidation": float(np.median(distance)) if x.size else np.nan,
            }
        return pd.DataFrame(rows).T.rename_axis("side")

    def to_frame(self) -> pd.DataFrame:
        """Return the table with leverage, liquidation and bankruptcy price (USD) of each account."""
        return self.table.assign(
            leverage=self.leverage, liquidation_price=self.liquidation_price, bankruptcy_price=self.bankruptcy_price
        )
