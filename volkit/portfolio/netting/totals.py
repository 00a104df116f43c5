"""Net against gross margin of a book, by account and group, and the three modes isolated, cross and portfolio."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.portfolio.netting.inputs import (
    Labels,
    check_cost_of_capital,
    check_labels,
    check_pnl,
    check_probabilities,
)
from volkit.portfolio.netting.measure import MarginMeasure, check_measure, measure_words
from volkit.portfolio.netting.sets import margins_of_sets
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["MODES", "MarginModes", "NetMargin", "margin_modes", "net_and_gross"]

MODES = ("isolated", "cross", "portfolio")
_NO_LABEL = "all"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class NetMargin(ResultDisplay):
    """Net margin of sets of positions against the sum of their standalone margins.

    Attributes
    ----------
    table : DataFrame, shape (n_sets, 8)
        Index (scope, name): the whole book, each account, each group. `n_positions`; `gross`, `net`, `released` (gross
        less net), money; `netting_ratio` (net / gross) and `offset` (1 less it), fractions, NaN where the gross is
        zero; `annual_drag` of the net margin and `annual_saving` against the gross, money a year.
    standalone : Series, shape (n_positions,)
        Margin of each position alone, money, at least 0.
    method : str
        Measure in words.
    confidence, cost_of_capital : float
        Fractions, the latter per year.
    n_scenarios : int
        Behind it.
    as_of : Timestamp or None
        Last time (UTC) behind the numbers, as handed on.
    provenance : Provenance
        Series behind them, as handed on.
    """

    table: pd.DataFrame
    standalone: pd.Series
    method: str
    confidence: float
    cost_of_capital: float
    n_scenarios: int
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def book(self) -> pd.Series:
        """The row of the whole book."""
        return self.table.loc[("book", _NO_LABEL)]

    @property
    def headline(self) -> str:
        """Net, gross, offset and drag of the book in one line."""
        row = self.book
        return (
            f"net {row['net']:,.6g} of {row['gross']:,.6g} gross, netting ratio {percent_to(row['netting_ratio'])}; "
            f"drag {row['annual_drag']:,.6g} a year at {self.cost_of_capital:.4g}, {row['annual_saving']:,.6g} less"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table with units in its labels."""
        units = {
            "gross": "gross (money)", "net": "net (money)", "released": "released (money)",
            "netting_ratio": "netting ratio (net / gross)", "offset": "offset (share of gross)",
            "annual_drag": f"drag (money a year at {self.cost_of_capital:.4g})",
            "annual_saving": "saved against gross (money a year)", "n_positions": "positions",
        }  # fmt: skip
        return self.table.rename(columns=units)

    def to_frame(self) -> pd.DataFrame:
        """Return the table with scope and name as columns."""
        return self.table.reset_index()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginModes(ResultDisplay):
    """One book under three ways to margin it.

    Attributes
    ----------
    table : DataFrame, shape (3 (n_accounts + 1), 6)
        Index (account, mode), the sum over accounts last as "all accounts". `margin`, money; `n_sets`, in how many
        separate sets; `share_of_isolated` and `offset` (1 less it), fractions, NaN where the isolated margin is zero;
        `released`, money; `annual_drag`, money a year.
    grouped_by : str
        What cross margin nets within, in words.
    method : str
        Measure in words.
    confidence, cost_of_capital : float
        Fractions, the latter per year.
    n_scenarios : int
        Behind it.
    as_of : Timestamp or None
        Last time (UTC) behind the numbers, as handed on.
    provenance : Provenance
        Series behind them, as handed on.
    """

    table: pd.DataFrame
    grouped_by: str
    method: str
    confidence: float
    cost_of_capital: float
    n_scenarios: int
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def total(self) -> pd.DataFrame:
        """The three modes summed over accounts, shape (3, 6)."""
        return self.table.loc["all accounts"]

    @property
    def headline(self) -> str:
        """The three margins and what portfolio mode releases, in one line."""
        margins = self.total["margin"]
        words = ", ".join(f"{mode} {margins[mode]:,.6g}" for mode in MODES)
        return (
            f"{words}; portfolio mode releases {percent_to(self.total['offset']['portfolio'])} of isolated; "
            f"{self.method}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table with units in its labels."""
        units = {
            "margin": "margin (money)", "n_sets": "netting sets", "share_of_isolated": "share of isolated (fraction)",
            "offset": "offset (share of isolated)", "released": "released (money)",
            "annual_drag": f"drag (money a year at {self.cost_of_capital:.4g})",
        }  # fmt: skip
        return self.table.rename(columns=units)

    def to_frame(self) -> pd.DataFrame:
        """Return the table with account and mode as columns."""
        return self.table.reset_index()


def net_and_gross(
    pnl: npt.ArrayLike | pd.DataFrame,
    *,
    confidence: float,
    cost_of_capital: float,
    measure: MarginMeasure = "expected_shortfall",
    account: Labels | None = None,
    group: Labels | None = None,
    names: Sequence[Hashable] | None = None,
    probabilities: npt.ArrayLike | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> NetMargin:
    """Return the net margin of a book, its accounts and its groups beside the sum of standalone margins.

    Parameters
    ----------
    pnl : array or DataFrame, shape (n_positions, n_scenarios)
        Profits (positive) and losses over the horizon in money; a frame has positions as its index.
    confidence : float
        For example 0.99; not used by "worst".
    cost_of_capital : float
        Per year, decimal: what capital held as margin would earn elsewhere.
    measure : {"expected_shortfall", "value_at_risk", "worst"}
        As `tail_measure`. Value at Risk may charge more for a net book than for its parts.
    account, group : str, sequence, Series or mapping, optional
        Label of each position; the book as a whole is always there.
    names : sequence, optional
        Of the positions.
    probabilities : array, shape (n_scenarios,), optional
        Of the scenarios; equal by default.
    as_of : Timestamp, optional
        Last time (UTC) behind the numbers; handed on.
    provenance : Provenance, optional
        Series behind them; handed on.

    Returns
    -------
    NetMargin
        One row for the book, each account and each group.

    Raises
    ------
    ArgumentError
        For a bad measure or confidence, or too few scenarios.
    DataError
        For what `check_pnl`, `check_labels`, `check_probabilities` refuse, or a cost of capital outside 0 to 1.

    Notes
    -----
    Every margin is max(measure of the loss, 0): a set that gains even in its tail needs none, and gives no credit to
    another set. The row of the book nets across accounts, which a venue does only where one owner stands behind them.

    Examples
    --------
    >>> moves = np.linspace(-0.1, 0.1, 201)
    >>> book = pd.DataFrame([1e6 * moves, -8e5 * moves], index=["BTC spot", "BTC perpetual"])
    >>> net_and_gross(book, confidence=0.99, cost_of_capital=0.08)
    <NetMargin: net 19,898.5 of 179,087 gross, netting ratio 11.1 %; drag 1,591.88 a year at 0.08, 12,735 less>
    """
    book = check_pnl(pnl, names=names)
    level = check_measure(measure, confidence=confidence, n_scenarios=book.n_scenarios)
    p = check_probabilities(probabilities, book.n_scenarios)
    rate = check_cost_of_capital(cost_of_capital)
    alone = margins_of_sets(book.values, np.arange(len(book.values)), level, measure, p)
    sets: dict[tuple[str, Hashable], np.ndarray] = {("book", _NO_LABEL): np.ones(len(alone), dtype=bool)}
    for scope, labels in (("account", account), ("group", group)):
        found = check_labels(labels, book.names, argument=scope)
        if found is not None:
            sets |= {(scope, name): (found == name).to_numpy() for name in dict.fromkeys(found)}
    rows = []
    for inside in sets.values():
        net = float(margins_of_sets(book.values[inside], np.zeros(inside.sum(), dtype=np.intp), level, measure, p)[0])
        rows.append((int(inside.sum()), float(alone[inside].sum()), net))
    table = pd.DataFrame(rows, columns=["n_positions", "gross", "net"], index=pd.MultiIndex.from_tuples(sets))
    table["released"] = table["gross"] - table["net"]
    table["netting_ratio"] = table["net"] / table["gross"].where(table["gross"] > 0.0)
    table["offset"] = 1.0 - table["netting_ratio"]
    table["annual_drag"], table["annual_saving"] = rate * table["net"], rate * table["released"]
    return NetMargin(
        table=freeze(table.rename_axis(["scope", "name"])),
        standalone=freeze(pd.Series(alone, index=book.names, name="standalone")),
        method=measure_words(measure, level),
        confidence=level,
        cost_of_capital=rate,
        n_scenarios=book.n_scenarios,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def margin_modes(
    pnl: npt.ArrayLike | pd.DataFrame,
    *,
    group: Labels,
    confidence: float,
    cost_of_capital: float,
    account: Labels | None = None,
    measure: MarginMeasure = "expected_shortfall",
    names: Sequence[Hashable] | None = None,
    probabilities: npt.ArrayLike | None = None,
    grouped_by: str = "underlying",
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> MarginModes:
    """Return isolated, cross and portfolio margin of one book in one table.

    Parameters
    ----------
    group : str, sequence, Series or mapping
        What cross margin nets within an account: the underlying, or the settlement currency, of each position.
    account : str, sequence, Series or mapping, optional
        Owner of each position; one account by default. Nothing nets between accounts.
    grouped_by : str
        What `group` is, in a word.
    pnl, confidence, cost_of_capital, measure, names, probabilities
        As in `net_and_gross`.
    as_of : Timestamp, optional
        Last time (UTC) behind the numbers; handed on.
    provenance : Provenance, optional
        Series behind them; handed on.

    Returns
    -------
    MarginModes
        Three rows an account and three for the sum.

    Raises
    ------
    ArgumentError, DataError
        As `net_and_gross`.

    Notes
    -----
    Isolated: each position alone. Cross: one net margin for each group of an account. Portfolio: one for the account.
    With expected shortfall or the worst scenario, portfolio <= cross <= isolated in every sample.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> btc, eth = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 5_000).T * 0.04
    >>> book = pd.DataFrame([1e6 * btc, -5e5 * btc, -4e5 * eth], index=["BTC spot", "BTC short", "ETH short"])
    >>> modes = margin_modes(book, group=["BTC", "BTC", "ETH"], confidence=0.99, cost_of_capital=0.1)
    >>> modes.total["margin"].round(-2).tolist()
    [206100.0, 96900.0, 32400.0]
    """
    book = check_pnl(pnl, names=names)
    level = check_measure(measure, confidence=confidence, n_scenarios=book.n_scenarios)
    p = check_probabilities(probabilities, book.n_scenarios)
    rate = check_cost_of_capital(cost_of_capital)
    owners = check_labels([_NO_LABEL] * len(book.names) if account is None else account, book.names, argument="account")
    groups = check_labels(group, book.names, argument="group")
    if owners is None or groups is None:
        remedy = "pass the underlying of each position"
        raise DataError("group", "must label every position", "None", remedy)
    owner, accounts = pd.factorize(owners)
    rows: dict[tuple[Hashable, str], tuple[float, int]] = {}
    for k, name in enumerate(accounts):
        inside = owner == k
        inner = {
            "isolated": np.arange(inside.sum()),
            "cross": pd.factorize(groups[inside])[0],
            "portfolio": np.zeros(inside.sum(), dtype=np.intp),
        }
        for mode, sets in inner.items():
            margins = margins_of_sets(book.values[inside], sets, level, measure, p)
            rows[(name, mode)] = (float(margins.sum()), len(margins))
    for mode in MODES:
        of_mode = [rows[(name, mode)] for name in accounts]
        rows[("all accounts", mode)] = (sum(m for m, _ in of_mode), sum(n for _, n in of_mode))
    return MarginModes(
        table=freeze(_modes_table(rows, rate)),
        grouped_by=grouped_by,
        method=measure_words(measure, level),
        confidence=level,
        cost_of_capital=rate,
        n_scenarios=book.n_scenarios,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def _modes_table(rows: dict[tuple[Hashable, str], tuple[float, int]], rate: float) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["account", "mode"])
    table = pd.DataFrame(list(rows.values()), index=index, columns=["margin", "n_sets"])
    isolated = table["margin"].xs("isolated", level="mode").reindex(index.get_level_values("account")).to_numpy()
    table["share_of_isolated"] = table["margin"] / np.where(isolated > 0.0, isolated, np.nan)
    table["offset"] = 1.0 - table["share_of_isolated"]
    table["released"] = isolated - table["margin"]
    table["annual_drag"] = rate * table["margin"]
    return table
