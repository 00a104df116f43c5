"""Fewer obligations for the same net positions: compression of a network, and of one owner's offsetting positions.

A matrix of who owes whom, or a table of positions by account, enters; the compressed one leaves with what was removed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from volkit.checks import check_choice, check_floats
from volkit.errors import ConvergenceError, DataError
from volkit.formatting import percent_to
from volkit.portfolio.netting.inputs import Floats
from volkit.results import ResultDisplay, freeze

__all__ = [
    "CompressedObligations",
    "CompressedPositions",
    "CompressionRule",
    "compress_obligations",
    "compress_positions",
]

CompressionRule = Literal["conservative", "non-conservative", "bilateral"]
_RULES: tuple[CompressionRule, ...] = ("conservative", "non-conservative", "bilateral")
# Of the largest obligation: what rounding leaves.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CompressedObligations(ResultDisplay):
    """Obligations before and after compression.

    Attributes
    ----------
    before, after : DataFrame, shape (n_nodes, n_nodes)
        Row owes column, money.
    rule : {"conservative", "non-conservative", "bilateral"}
        What may change.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    rule: CompressionRule

    @property
    def net(self) -> pd.Series:
        """What each node owes less what it is owed, money; the same before and after."""
        return (self.before.sum(axis=1) - self.before.sum(axis=0)).rename("net")

    @property
    def gross(self) -> float:
        """Sum of all obligations before, money."""
        return float(self.before.to_numpy().sum())

    @property
    def gross_after(self) -> float:
        """Sum of all obligations after, money."""
        return float(self.after.to_numpy().sum())

    @property
    def least_gross(self) -> float:
        """Least sum with which the net positions can be met, money."""
        return float(np.maximum(self.net.to_numpy(), 0.0).sum())

    @property
    def excess(self) -> float:
        """Gross less the least, money."""
        return self.gross - self.least_gross

    @property
    def efficiency(self) -> float:
        """Share of the excess that was removed, fraction; NaN without excess."""
        return (self.gross - self.gross_after) / self.excess if self.excess > 0.0 else np.nan

    @property
    def headline(self) -> str:
        """Gross before and after, and share of the excess removed, in one line."""
        return (
            f"{self.rule}: gross {self.gross:,.6g} to {self.gross_after:,.6g}, least {self.least_gross:,.6g} "
            f"({percent_to(self.efficiency)} of the excess removed)"
        )

    def summary(self) -> pd.DataFrame:
        """Return by node: net, owed and due before and after, money."""
        columns = {
            "net (money)": self.net,
            "owes before (money)": self.before.sum(axis=1), "owes after (money)": self.after.sum(axis=1),
            "is owed before (money)": self.before.sum(axis=0), "is owed after (money)": self.after.sum(axis=0),
        }  # fmt: skip
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an obligation: debtor, creditor, before, after, removed (money)."""
        both = (self.before.to_numpy() != 0.0) | (self.after.to_numpy() != 0.0)
        rows, columns = np.nonzero(both)
        old, new = self.before.to_numpy()[rows, columns], self.after.to_numpy()[rows, columns]
        names = self.before.index
        return pd.DataFrame(
            {"debtor": names[rows], "creditor": names[columns], "before": old, "after": new, "removed": old - new}
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CompressedPositions(ResultDisplay):
    """Positions of one owner's accounts before and after those that offset each other were closed.

    Attributes
    ----------
    positions : DataFrame, shape (n_positions, 5)
        `account`, `instrument`, `before`, `after`, `closed` (signed quantities, units of the book).
    instruments : DataFrame, shape (n_instruments, 4)
        By instrument: `net`, `gross`, `gross_after`, quantities; `released`, gross removed, in money where prices are
        given, else NaN.
    """

    positions: pd.DataFrame
    instruments: pd.DataFrame

    @property
    def headline(self) -> str:
        """Positions, instruments and what was closed in one line."""
        closed = int((self.positions["closed"] != 0.0).sum())
        gone = int(((self.positions["after"] == 0.0) & (self.positions["before"] != 0.0)).sum())
        money = self.instruments["released"].sum(min_count=1)
        words = "" if np.isnan(money) else f", {money:,.6g} of notional released"
        return f"{closed} of {len(self.positions)} positions reduced, {gone} of them closed{words}"

    def summary(self) -> pd.DataFrame:
        """Return by instrument: net, gross before and after (quantities), and notional released (money)."""
        units = {"net": "net (quantity)", "gross": "gross before (quantity)", "gross_after": "gross after (quantity)",
                 "released": "released (money)"}  # fmt: skip
        return self.instruments.rename(columns=units)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table of positions."""
        return self.positions.copy()


def compress_obligations(
    obligations: npt.ArrayLike | pd.DataFrame, *, rule: CompressionRule = "conservative"
) -> CompressedObligations:
    """Return obligations with the least sum that keeps every node's net position.

    Parameters
    ----------
    obligations : array or DataFrame, shape (n_nodes, n_nodes)
        Row owes column, money, not negative, zero diagonal.
    rule : {"conservative", "non-conservative", "bilateral"}
        Conservative: no obligation grows and none is new (counterparties stay those that were chosen).
        Non-conservative: any obligations with these net positions; each node then only owes or is only owed. Bilateral:
        each pair nets with itself.

    Returns
    -------
    CompressedObligations
        Same names.

    Raises
    ------
    ArgumentError
        For an unknown rule.
    DataError
        For a matrix that is not square, named otherwise on its sides, missing, negative, or owed to oneself.
    ConvergenceError
        When the linear programme fails, or its multipliers do not prove its optimum.

    Notes
    -----
    Conservative: min sum X subject to X 1 - X' 1 = net, 0 <= X <= W, a linear programme on the obligations there are;
    its multipliers are checked. Non-conservative reaches the lower bound, the sum of positive net positions [1]_, by
    matching debtors and creditors in order, with fewer than n_nodes obligations.

    References
    ----------
    .. [1] D'Errico and Roukny (2021), Compressing over-the-counter markets, Operations Research 69, 1660-1679.

    Examples
    --------
    >>> compress_obligations([[0, 100, 0], [0, 0, 80], [60, 0, 0]])
    <CompressedObligations: conservative: gross 240 to 60, least 40 (90.0 % of the excess removed)>
    """
    check_choice(rule, argument="rule", choices=_RULES)
    W, names = _check_obligations(obligations)
    if rule == "bilateral":
        after = np.maximum(W - W.T, 0.0)
    else:
        after = _conservative(W) if rule == "conservative" else _matched(W.sum(axis=1) - W.sum(axis=0))
    frames = [freeze(pd.DataFrame(m, index=names, columns=names)) for m in (W, after)]
    return CompressedObligations(before=frames[0], after=frames[1], rule=rule)


def compress_positions(book: pd.DataFrame, *, prices: pd.Series | None = None) -> CompressedPositions:
    """Return the positions of one owner's accounts with those that offset each other closed.

    Parameters
    ----------
    book : DataFrame, shape (n_positions, >= 3)
        Columns `account`, `instrument`, `quantity` (signed).
    prices : Series, optional
        Money for one unit, by instrument, for the notional released.

    Returns
    -------
    CompressedPositions
        Net quantity of each instrument as before; no position grows or changes its side.

    Raises
    ------
    DataError
        For missing columns, a quantity that is not finite, an account with an instrument twice (rows are named), or an
        instrument without a price.

    Notes
    -----
    In each instrument the smaller side is closed and the larger one reduced by the same quantity, in proportion. It
    presumes that one owner stands behind the accounts, and that a transfer or a trade between them is allowed.

    Examples
    --------
    >>> book = pd.DataFrame({"account": ["a", "b", "c"], "instrument": "BTC-PERP", "quantity": [6.0, -3.0, 2.0]})
    >>> compress_positions(book).positions["after"].tolist()
    [3.75, 0.0, 1.25]
    """
    _check_book(book)
    q, instrument = book["quantity"].astype(np.float64), book["instrument"]
    sides = pd.DataFrame({"long": q.clip(lower=0.0), "short": -q.clip(upper=0.0)}).groupby(instrument)
    long, short = (sides[side].transform("sum") for side in ("long", "short"))
    own, other = np.where(q > 0.0, long, short), np.where(q > 0.0, short, long)
    closed = q * np.minimum(other / np.where(own > 0.0, own, 1.0), 1.0)
    table = book[["account", "instrument"]].assign(before=q, after=q - closed, closed=closed)
    totals = sides.sum()
    sums = pd.DataFrame({"net": totals["long"] - totals["short"], "gross": totals.sum(axis=1)})
    sums["gross_after"] = sums["net"].abs()
    priced = pd.Series(np.nan, index=sums.index) if prices is None else _prices(prices, sums.index)
    sums["released"] = (sums["gross"] - sums["gross_after"]) * priced
    return CompressedPositions(positions=freeze(table), instruments=freeze(sums.rename_axis("instrument")))


def _check_obligations(obligations: npt.ArrayLike | pd.DataFrame) -> tuple[Floats, pd.Index]:
    W = check_floats(obligations, argument="obligations").copy()
    if W.ndim != 2 or W.shape[0] != W.shape[1] or not len(W):
        raise DataError("obligations", "must be square", f"shape {W.shape}", "pass one row and column a node")
    names = pd.RangeIndex(len(W))
    if isinstance(obligations, pd.DataFrame):
        if not obligations.index.equals(obligations.columns) or obligations.index.has_duplicates:
            got, remedy = "other names, or one twice", "reindex columns by the index"
            raise DataError("obligations", "must have the same unique names on both sides", got, remedy)
        names = obligations.index
    bad = ~(np.isfinite(W) & (W >= 0.0)) | (np.eye(len(W), dtype=bool) & (W != 0.0))
    if bad.any():
        i, j = np.argwhere(bad)[0]
        got, remedy = f"{W[i, j]:g} from {names[i]} to {names[j]}", "enter a negative one the other way round"
        raise DataError("obligations", "must be finite, not negative, and owed to others", got, remedy)
    return W, names


def _conservative(obligations: Floats) -> Floats:
    W = obligations
    size = float(W.max())
    debtor, creditor = np.nonzero(W)
    n, k = len(W), len(debtor)
    if not k:
        return W.copy()
    places = (np.r_[debtor, creditor], np.tile(np.arange(k), 2))
    incidence = sparse.csr_matrix((np.r_[np.ones(k), -np.ones(k)], places), shape=(n, k))
    most = W[debtor, creditor] / size
    net = incidence @ most
    solved = linprog(np.ones(k), A_eq=incidence, b_eq=net, bounds=np.column_stack([np.zeros(k), most]), method="highs")
    if solved.status != 0:
        raise ConvergenceError(f"the compression ended without an optimum: {solved.message}")
    # Any potentials give a bound: sum of net times potential, less what obligations could still gain.
    potential = np.asarray(solved.eqlin.marginals)
    bound = float(potential @ net + np.minimum(1.0 - incidence.T @ potential, 0.0) @ most)
    if solved.fun - bound > _ROUNDING * max(1.0, float(most.sum())):
        raise ConvergenceError(f"the compression may be {solved.fun - bound:.2g} of its gross from the optimum")
    after = np.zeros_like(W)
    kept = np.clip(solved.x, 0.0, most)
    # What rounding left at an end is put on it.
    kept = np.where(kept < _ROUNDING, 0.0, np.where(most - kept < _ROUNDING, most, kept))
    after[debtor, creditor] = np.where(kept == most, W[debtor, creditor], kept * size)
    return after


def _matched(net: Floats) -> Floats:
    after = np.zeros((len(net), len(net)))
    left = net.copy()
    owing, owed = [int(i) for i in np.flatnonzero(net > 0.0)], [int(i) for i in np.flatnonzero(net < 0.0)]
    while owing and owed:
        i, j = owing[0], owed[0]
        after[i, j] = min(left[i], -left[j])
        closes_debtor = left[i] <= -left[j]
        left[i], left[j] = left[i] - after[i, j], left[j] + after[i, j]
        (owing if closes_debtor else owed).pop(0)
    return after


def _check_book(book: pd.DataFrame) -> None:
    missing = [c for c in ("account", "instrument", "quantity") if c not in book]
    if missing:
        got, remedy = f"no {', '.join(missing)}", "pass one row a position of an account"
        raise DataError("book", "must have the columns account, instrument, quantity", got, remedy)
    bad = ~np.isfinite(book["quantity"].to_numpy(dtype=np.float64, na_value=np.nan))
    if bad.any():
        got = ", ".join(f"row {i}" for i in book.index[bad][:5])
        raise DataError(
            "book", "must have a finite quantity in every row", f"none in {got}", "enter or drop these rows"
        )
    twice = book.duplicated(["account", "instrument"], keep=False)
    if twice.any():
        row = book[twice].iloc[0]
        rows = book.index[(book["account"] == row["account"]) & (book["instrument"] == row["instrument"])]
        got = f"{row['account']} with {row['instrument']} in rows {', '.join(map(str, rows))}"
        raise DataError("book", "must have an instrument once an account", got, "add these rows up")


def _prices(prices: pd.Series, instruments: pd.Index) -> pd.Series:
    found = prices.reindex(instruments).astype(np.float64)
    missing = [str(name) for name in instruments[~np.isfinite(found.to_numpy())]]
    if missing:
        raise DataError("prices", "must price every instrument", f"none for {', '.join(missing)}", "add them")
    return found
