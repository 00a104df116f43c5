"""Liquidatable and bad debt of a lending book against price shocks: a curve, a map over assets, or joint scenarios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.scenarios import ScenarioSet
from volkit.solvency.balance.ratios import DOLLARS
from volkit.solvency.balance.stress import shock_matrix
from volkit.solvency.lending.book import LendingBook, LendingValues

__all__ = ["LendingResponse", "LiquidationMap", "lending_response", "liquidation_curve", "liquidation_map"]

Floats = npt.NDArray[np.float64]
# Accounts times scenarios at once: about 30 MB a matrix.
_AT_ONCE = 4_000_000
_FEW = 30


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LendingResponse(ResultDisplay):
    """What price shocks do to a lending book before anybody reacts.

    Attributes
    ----------
    table : DataFrame, shape (n_scenarios, 5)
        Index: scenario or shock. liquidatable_debt (USD of accounts with a health factor below 1), n_liquidatable
        (accounts), bad_debt (USD that their collateral does not pay for once sold with the bonus), underwater (USD by
        which debts exceed collateral, bonus or not) and debt (USD of all accounts, at the shocked prices).
    unshocked : tuple of str
        Assets of the book that no scenario moves.
    as_of : Timestamp or None
        Of the book (UTC).
    provenance : Provenance
        Of the book and the scenarios.
    """

    table: pd.DataFrame
    unshocked: tuple[str, ...]
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Most liquidatable and most bad debt and their scenarios in one line."""
        t = self.table
        most, worst = t["liquidatable_debt"].idxmax(), t["bad_debt"].idxmax()
        return (
            f"{len(t):,} scenarios, at most {t['liquidatable_debt'].max():,.0f} USD liquidatable "
            f"({_words(most)}) and {t['bad_debt'].max():,.0f} USD bad debt ({_words(worst)})"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table, as quantiles where there are many scenarios (USD)."""
        if len(self.table) <= _FEW:
            return self.table
        return self.table.quantile([0.5, 0.95, 0.99, 1.0]).rename_axis("quantile over scenarios")

    def to_frame(self) -> pd.DataFrame:
        """Return the table as tidy rows."""
        return self.table.reset_index()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiquidationMap(ResultDisplay):
    """Liquidatable and bad debt by asset and shock, each asset falling alone.

    Attributes
    ----------
    liquidatable_debt, bad_debt : DataFrame, shape (n_assets, n_shocks)
        USD; rows assets, columns shocks (fall of the price, fraction). Levels, not changes: what is liquidatable
        without any shock is in every cell.
    total_debt : float
        USD, without shock.
    as_of : Timestamp or None
        Of the book (UTC).
    provenance : Provenance
        Of the book.
    """

    liquidatable_debt: pd.DataFrame
    bad_debt: pd.DataFrame
    total_debt: float
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Asset whose fall makes the most debt liquidatable and the most bad debt in one line."""
        last = self.liquidatable_debt.columns[-1]
        most, worst = self.liquidatable_debt[last], self.bad_debt[last]
        return (
            f"a fall by {percent_to(last, 0)}: most liquidatable debt with {most.idxmax()} ({most.max():,.0f} USD, "
            f"{percent_to(most.max() / self.total_debt, 0)} of all), most bad debt with {worst.idxmax()} "
            f"({worst.max():,.0f} USD)"
        )

    def summary(self) -> pd.DataFrame:
        """Return liquidatable debt (USD) by asset and shock."""
        return self.liquidatable_debt

    def to_frame(self) -> pd.DataFrame:
        """Return one row an asset and shock: liquidatable_debt and bad_debt (USD)."""
        parts = {"liquidatable_debt": self.liquidatable_debt.stack(), "bad_debt": self.bad_debt.stack()}
        return pd.DataFrame(parts).reset_index()


def lending_response(book: LendingBook, shocks: pd.DataFrame | ScenarioSet) -> LendingResponse:
    """Return liquidatable and bad debt under price shocks, all accounts at once.

    Parameters
    ----------
    book : LendingBook
        Positions and terms.
    shocks : DataFrame, shape (n_scenarios, n_assets), or ScenarioSet
        Simple returns of oracle prices, decimals, at least -1; the index names the scenarios. Debts in a shocked asset
        move with it. Assets without a column stay, and `unshocked` names them.

    Returns
    -------
    LendingResponse

    Raises
    ------
    DataError
        For a shock that is missing or below -1, columns of other assets, and a scenario or column that stands twice.

    Notes
    -----
    The first round only: nobody sells, repays or adds collateral, and prices do not react to liquidations.

    Examples
    --------
    >>> positions = pd.DataFrame({"account": ["A", "B"], "collateral_asset": "ETH", "collateral_quantity": 10.0,
    ...     "debt_asset": "USDC", "debt_quantity": [10_000.0, 14_000.0]})
    >>> terms = pd.DataFrame({"asset": ["ETH", "USDC"], "price": [2000.0, 1.0], "liquidation_threshold": [0.8, 0.78],
    ...     "liquidation_bonus": 0.05, "oracle": ["eth-usd", "usdc-usd"]})
    >>> book = LendingBook.from_frames(positions, terms)
    >>> shocks = pd.DataFrame({"ETH": [-0.1, -0.2, -0.4]}, index=["dip", "fall", "crash"])
    >>> lending_response(book, shocks).table[["liquidatable_debt", "bad_debt"]].round(0).values.tolist()
    [[0.0, 0.0], [14000.0, 0.0], [24000.0, 2571.0]]
    """
    moves, names, unshocked = shock_matrix(book.assets, shocks)
    index = names if isinstance(names, pd.MultiIndex) else names.rename(names.name or "scenario")
    own = shocks.provenance.series if isinstance(shocks, ScenarioSet) else ()
    return LendingResponse(
        table=freeze(pd.DataFrame(_respond(book.values(), 1.0 + moves), index=index)),
        unshocked=unshocked,
        as_of=book.as_of,
        provenance=Provenance(tuple({s.name: s for s in (*book.provenance.series, *own)}.values())),
    )


def liquidation_curve(
    book: LendingBook,
    shocks: Sequence[float],
    *,
    betas: Mapping[str, float] | None = None,
    fixed: Sequence[str] = DOLLARS,
) -> LendingResponse:
    """Return liquidatable and bad debt against a fall of the market.

    Parameters
    ----------
    book : LendingBook
        Positions and terms.
    shocks : sequence of float
        Falls of the market from 0 to 1, rising.
    betas : mapping, optional
        Fall of an asset over that of the market; assets that are not named stay. By default all but `fixed` ones fall
        alike. No price falls below zero.
    fixed : sequence of str
        Assets that keep their price where no betas are given.

    Returns
    -------
    LendingResponse
        Index shock.

    Raises
    ------
    ArgumentError
        For shocks outside 0 to 1 or that do not rise.
    DataError
        For a beta that is not finite or of an asset that the book does not have.

    Examples
    --------
    >>> positions = pd.DataFrame({"account": ["A"], "collateral_asset": "ETH", "collateral_quantity": 10.0,
    ...     "debt_asset": "USDC", "debt_quantity": 12_000.0})
    >>> terms = pd.DataFrame({"asset": ["ETH", "USDC"], "price": [2000.0, 1.0], "liquidation_threshold": [0.8, 0.78],
    ...     "liquidation_bonus": 0.05, "oracle": ["eth-usd", "usdc-usd"]})
    >>> curve = liquidation_curve(LendingBook.from_frames(positions, terms), [0.0, 0.2, 0.3])
    >>> curve.table["n_liquidatable"].tolist()
    [0, 0, 1]
    """
    steps = _checked(shocks)
    given = betas if betas is not None else {a: 1.0 for a in book.assets if a not in fixed}
    unknown = [a for a in given if a not in book.assets]
    if unknown or not np.isfinite(list(given.values())).all():
        got = ", ".join(unknown) or repr(dict(given))
        raise DataError(
            "betas", f"must be finite, of assets of the book ({', '.join(book.assets)})", got, "correct them"
        )
    loads = np.array([given.get(a, 0.0) for a in book.assets])
    moves = np.maximum(-1.0, -np.outer(steps, loads))
    return lending_response(book, pd.DataFrame(moves[:, loads != 0.0], columns=book.assets[loads != 0.0],
                                               index=pd.Index(steps, name="shock")))  # fmt: skip


def liquidation_map(
    book: LendingBook, shocks: Sequence[float], *, assets: Sequence[str] | None = None
) -> LiquidationMap:
    """Return liquidatable and bad debt by asset and shock, each asset falling alone.

    Parameters
    ----------
    book : LendingBook
        Positions and terms.
    shocks : sequence of float
        Falls from 0 to 1, rising.
    assets : sequence of str, optional
        Rows of the map; by default every asset that is held as collateral.

    Returns
    -------
    LiquidationMap

    Raises
    ------
    ArgumentError
        For shocks outside 0 to 1 or that do not rise.
    DataError
        For assets that the book does not have, and a book without debt.
    """
    steps = _checked(shocks)
    held = book.collateral_values
    chosen = list(held.index[held > 0.0]) if assets is None else list(assets)
    unknown = [a for a in chosen if a not in book.assets]
    if unknown or not chosen:
        raise DataError("assets", f"must be of {', '.join(book.assets)}", ", ".join(unknown) or "none", "correct them")
    sums = book.values()
    if not sums.debt.sum() > 0.0:
        raise DataError("book", "must have debt", "none", "pass positions with a debt_quantity above 0")
    factors = np.ones((len(chosen), len(steps), len(book.assets)))
    for row, asset in enumerate(chosen):
        factors[row, :, book.assets.get_loc(asset)] = 1.0 - steps
    found = _respond(sums, factors.reshape(-1, len(book.assets)))
    labels = {"index": pd.Index(chosen, name="asset"), "columns": pd.Index(steps, name="shock")}
    shape = (len(chosen), len(steps))
    return LiquidationMap(
        liquidatable_debt=freeze(pd.DataFrame(found["liquidatable_debt"].reshape(shape), **labels)),
        bad_debt=freeze(pd.DataFrame(found["bad_debt"].reshape(shape), **labels)),
        total_debt=float(sums.debt.sum()),
        as_of=book.as_of,
        provenance=book.provenance,
    )


def _checked(shocks: Sequence[float]) -> Floats:
    steps = np.asarray(shocks, dtype=np.float64)
    inside = steps.ndim == 1 and len(steps) > 0 and bool(((steps >= 0.0) & (steps <= 1.0)).all())
    if not inside or not (np.diff(steps) > 0.0).all():
        raise ArgumentError(
            "shocks", "must be falls from 0 to 1 that rise", repr(shocks), "write 0.3 for a fall by 30 %"
        )
    return steps


def _respond(sums: LendingValues, factors: Floats) -> dict[str, npt.NDArray[np.generic]]:
    """Sums over accounts at prices times factors, shape (n_scenarios, n_assets)."""
    counted, sold = sums.collateral * sums.thresholds, sums.collateral / (1.0 + sums.bonuses)
    out = np.zeros((4, len(factors)))
    n = np.zeros(len(factors), dtype=np.int64)
    step = max(1, _AT_ONCE // max(1, len(sums.accounts)))
    for at in range(0, len(factors), step):
        part, here = factors[at : at + step].T, slice(at, at + step)
        debt = sums.debt @ part
        hit = counted @ part < debt
        n[here] = hit.sum(axis=0)
        out[0, here] = np.where(hit, debt, 0.0).sum(axis=0)
        out[1, here] = np.where(hit, np.maximum(0.0, debt - sold @ part), 0.0).sum(axis=0)
        out[2, here] = np.maximum(0.0, debt - sums.collateral @ part).sum(axis=0)
        out[3, here] = debt.sum(axis=0)
    names = ("liquidatable_debt", "bad_debt", "underwater", "debt")
    found: dict[str, npt.NDArray[np.generic]] = dict(zip(names, out, strict=True))
    order = ("liquidatable_debt", "n_liquidatable", "bad_debt", "underwater", "debt")
    found["n_liquidatable"] = n
    return {name: found[name] for name in order}


def _words(label: object) -> str:
    return f"shock {label:.3g}" if isinstance(label, float) else str(label)
