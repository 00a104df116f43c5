"""Margins of many accounts at once: contracts valued once on the grid, then one pass over every account's tail."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse

from volkit.checks import check_choice, check_kind
from volkit.errors import DataError
from volkit.instruments import MarketState, PositionBook, book_units
from volkit.kernels import load_kernels
from volkit.portfolio.scenarios.arrays import RiskArray
from volkit.portfolio.scenarios.tail import tail_of
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["AccountMargins", "AccountUnits", "account_units", "expected_shortfall_margin"]

Precision = Literal["double", "single"]
_KERNELS = "volkit.portfolio.scenarios._kernels"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AccountUnits:
    """Units of instruments by account, as a sparse matrix.

    Attributes
    ----------
    accounts, instruments : Index
        Rows and columns.
    units : csr_array, shape (n_accounts, n_instruments)
        Signed units of the underlying.

    Raises
    ------
    DataError
        For names that come twice, another shape, or units that are not finite.
    """

    accounts: pd.Index
    instruments: pd.Index
    units: sparse.csr_array

    def __post_init__(self) -> None:
        matrix = sparse.csr_array(self.units, dtype=np.float64)
        if not matrix.has_canonical_format:
            # The caller's own matrix stays as it is.
            matrix = matrix.copy()
            matrix.sum_duplicates()
        object.__setattr__(self, "units", matrix)
        for name, labels in (("accounts", self.accounts), ("instruments", self.instruments)):
            if labels.has_duplicates:
                first = labels[labels.duplicated()][0]
                raise DataError(name, "must be named once", f"{first} twice", "add their units up")
        if matrix.shape != (len(self.accounts), len(self.instruments)):
            got = f"{matrix.shape} for {len(self.accounts)} accounts and {len(self.instruments)} instruments"
            raise DataError("units", "must have a row an account and a column an instrument", got, "transpose them")
        if not np.isfinite(matrix.data).all():
            bad = int(np.flatnonzero(~np.isfinite(matrix.data))[0])
            row = int(np.searchsorted(matrix.indptr, bad, side="right")) - 1
            raise DataError("units", "must be finite", f"others, first of {self.accounts[row]}", "correct them")

    def __len__(self) -> int:
        return len(self.accounts)


def account_units(book: PositionBook, market: MarketState) -> AccountUnits:
    """Return the units at risk of a book's accounts, coins held as collateral included.

    Parameters
    ----------
    book : PositionBook
        Quantities in units of the underlying.
    market : MarketState
        For the faces of inverse futures; see `volkit.instruments.book_units`.

    Raises
    ------
    DataError
        For a contract without a price.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": ["A", "B"], "instrument": "BTCUSDT", "quantity": [1.0, -2.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 80_000.0}))
    >>> account_units(PositionBook.from_frame(frame), market).units.toarray().tolist()
    [[1.0], [-2.0]]
    """
    table = book_units(book, market)
    # Accounts that hold cash alone have a row too.
    rows = book.accounts.get_indexer(table["account"])
    names, columns = np.unique(table["instrument"].to_numpy(dtype=object), return_inverse=True)
    matrix = sparse.csr_array((table["units"], (rows, columns)), shape=(len(book.accounts), len(names)))
    return AccountUnits(accounts=book.accounts, instruments=pd.Index(names, name="instrument"), units=matrix)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class AccountMargins(ResultDisplay):
    """Tails of the loss by account.

    Attributes
    ----------
    margins : DataFrame, shape (n_accounts, 3)
        USD, losses positive: expected_shortfall, value_at_risk, worst_loss over the scenarios.
    confidence : float
        Of the first two.
    n_scenarios : int
        Behind them.
    as_of : Timestamp or None
        Of the market.
    provenance : Provenance
        Series behind the scenarios and the market.
    """

    margins: pd.DataFrame
    confidence: float
    n_scenarios: int
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Accounts, confidence and sum in one line."""
        total = self.margins["expected_shortfall"].sum()
        return (
            f"{len(self.margins)} accounts, expected shortfall {100.0 * self.confidence:g} % over {self.n_scenarios} "
            f"scenarios, {total:,.6g} USD in all"
        )

    def summary(self) -> pd.DataFrame:
        """Return sums and quantiles over the accounts, USD."""
        told = self.margins.quantile([0.05, 0.5, 0.95]).rename(index=lambda q: f"quantile {q:g} (USD)")
        return pd.concat([self.margins.sum().rename("sum (USD)").to_frame().T, told])

    def to_frame(self) -> pd.DataFrame:
        """Return the margins by account, USD."""
        return self.margins


def expected_shortfall_margin(
    accounts: AccountUnits | sparse.csr_array,
    array: RiskArray,
    *,
    confidence: float,
    precision: Precision = "double",
) -> AccountMargins:
    """Return expected shortfall, Value at Risk and worst loss of every account.

    Parameters
    ----------
    accounts : AccountUnits or csr_array, shape (n_accounts, n_instruments)
        Units; the columns of a bare matrix are the risk array's instruments, its accounts are numbered.
    array : RiskArray
        In equally likely scenarios.
    confidence : float
        For example 0.99.
    precision : {"double", "single"}
        Numbers that the profits are added in. "single" is faster and leaves about seven digits of the gross profits.

    Returns
    -------
    AccountMargins
        In the order of the accounts.

    Raises
    ------
    DataError
        For an instrument that the array does not have, or a weighted grid.
    ArgumentError
        For a confidence with less than one scenario beyond it.

    Notes
    -----
    Every account is one sparse row times the array; its sums stay in the nearest cache, and only those below the
    worst so far are looked at. Definitions: `volkit.portfolio.scenarios.tail.tail_of`.

    Examples
    --------
    >>> from volkit.portfolio.scenarios import risk_array_of_profits
    >>> array = risk_array_of_profits(pd.DataFrame([np.arange(-50.0, 50.0)], index=["BTC"]), equally_likely=True)
    >>> expected_shortfall_margin(sparse.csr_array([[1.0], [-2.0]]), array, confidence=0.95).margins
       expected_shortfall  value_at_risk  worst_loss
    0                48.0          45.95        50.0
    1                94.0          89.90        98.0
    """
    check_kind(array, RiskArray, argument="array", remedy="pass what risk_array returns")
    check_choice(precision, argument="precision", choices=("double", "single"))
    tail = tail_of(array, confidence)
    names, matrix = _aligned(accounts, array)
    kind: type[np.float64] | type[np.float32] = np.float64 if precision == "double" else np.float32
    profits = np.ascontiguousarray(array.profits.to_numpy(), dtype=kind)
    kernels = load_kernels(_KERNELS)
    worst = np.empty((len(names), tail.kept), dtype=kind)
    total = np.empty(kernels.SPAN, dtype=kind)
    units = matrix.data.astype(kind, copy=False)
    kernels.worst_profits(profits, matrix.indptr, matrix.indices, units, total, worst)
    losses = -worst.astype(np.float64)
    margins = pd.DataFrame(
        {
            "expected_shortfall": _row_sums(losses, tail.shares),
            "value_at_risk": _row_sums(losses, tail.quantile_shares),
            "worst_loss": losses[:, 0],
        },
        index=names,
    )
    return AccountMargins(
        margins=freeze(margins),
        confidence=confidence,
        n_scenarios=array.n_scenarios,
        as_of=array.as_of,
        provenance=array.provenance,
    )


def _row_sums(losses: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    # A matrix product adds in another order for another number of accounts: an account must not depend on others.
    total = np.zeros(len(losses))
    for k, share in enumerate(shares):
        total += share * losses[:, k]
    return total


def _aligned(accounts: AccountUnits | sparse.csr_array, array: RiskArray) -> tuple[pd.Index, sparse.csr_array]:
    """Return names and units with the array's instruments as columns."""
    if not isinstance(accounts, AccountUnits):
        n = accounts.shape[0]
        accounts = AccountUnits(accounts=pd.RangeIndex(n), instruments=array.instruments, units=accounts)
    if accounts.instruments.equals(array.instruments):
        return accounts.accounts, accounts.units
    columns = array.instruments.get_indexer(accounts.instruments)
    if (columns < 0).any():
        name = accounts.instruments[columns < 0][0]
        raise DataError("accounts", "must hold instruments of the risk array", f"{name!r}", "value it in the array too")
    matrix = accounts.units
    shape = (matrix.shape[0], len(array.instruments))
    moved = sparse.csr_array((matrix.data, columns[matrix.indices].astype(matrix.indices.dtype), matrix.indptr), shape)
    return accounts.accounts, moved
