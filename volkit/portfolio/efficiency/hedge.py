"""The hedges that lower a book's margin most for their cost, within bounds, liquidity, lots and delta bands.

Scenario losses of the book and scenario profits of a menu of hedges enter; a `HedgeProgramme` leaves, with margin
before and after, what held it back, and how far from the optimum it can be at most.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_positive
from volkit.errors import DataError
from volkit.portfolio.efficiency.lots import LotMethod, whole_lots
from volkit.portfolio.efficiency.outcome import HedgeProgramme, hedge_outcome
from volkit.portfolio.efficiency.programme import TailProgramme, solve_programme
from volkit.portfolio.efficiency.terms import ByHedge, HedgeTerms, hedge_terms
from volkit.portfolio.netting.inputs import Floats, check_labels, check_pnl, check_probabilities
from volkit.portfolio.netting.measure import check_measure, measure_words
from volkit.results import Provenance

__all__ = ["hedge_programme", "scan_programme"]

_LOT_METHODS: tuple[LotMethod, ...] = ("search", "mixed-integer")


def hedge_programme(
    losses: npt.ArrayLike | pd.Series,
    hedges: npt.ArrayLike | pd.DataFrame,
    *,
    confidence: float,
    bounds: tuple[ByHedge, ByHedge] | pd.DataFrame,
    costs: ByHedge = 0.0,
    value_of_margin: float = 1.0,
    liquidity: ByHedge | None = None,
    lots: ByHedge | None = None,
    lot_method: LotMethod = "search",
    deltas: pd.DataFrame | None = None,
    book_delta: pd.Series | None = None,
    delta_bands: pd.DataFrame | None = None,
    probabilities: npt.ArrayLike | None = None,
    names: Sequence[Hashable] | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> HedgeProgramme:
    """Return the hedges of least expected shortfall and cost.

    Parameters
    ----------
    losses : array or Series, shape (n_scenarios,)
        Of the book over the horizon, money, positive for losses.
    hedges : array or DataFrame, shape (n_hedges, n_scenarios)
        Profit of one unit of each hedge in the same scenarios, money; a frame has hedges as its index.
    confidence : float
        Of the margin, e.g. 0.99.
    bounds : (low, high) or DataFrame
        Least and most quantity, in units, signed: numbers, arrays, Series by hedge, or a frame with these columns.
    costs : float, array or Series
        To buy or sell one unit, money.
    value_of_margin : float
        What one unit of margin less is worth, in the money of costs. 1 minimises margin plus cost; for a hedge held for
        a time, cost of capital per year times years is the economic one.
    liquidity : float, array or Series, optional
        Largest quantity of each hedge on either side, units.
    lots : float, array or Series, optional
        Size of one lot, units; any quantity by default.
    lot_method : {"search", "mixed-integer"}
        Nearest lots improved by local search, or branch and bound, which may take long with many hedges.
    deltas : DataFrame, shape (n_bands, n_hedges), optional
        What one unit of each hedge adds to each banded sum, e.g. delta by underlying.
    book_delta : Series, shape (n_bands,), optional
        The book's own sums.
    delta_bands : DataFrame, shape (n_bands, 2), optional
        `low` and `high` of the sums of book and hedges; infinite for an open side.
    probabilities : array, shape (n_scenarios,), optional
        Of the scenarios; equal by default.
    names : sequence, optional
        Of the hedges.
    as_of : Timestamp, optional
        Last time (UTC) behind the numbers; handed on.
    provenance : Provenance, optional
        Series behind them; handed on.

    Returns
    -------
    HedgeProgramme
        With before and after, constraints in force, and the gap to the best possible.

    Raises
    ------
    ArgumentError
        For a bad confidence, value of margin or lot method.
    DataError
        For what `hedge_terms` refuses, and losses that do not fit to the hedges.
    ConvergenceError
        When the solver fails.

    Notes
    -----
    min v CVaR_c(L - B' h) + sum c_j abs(h_j) (Rockafellar and Uryasev 2000), by a linear programme on the scenarios of
    the tail only; no scenario that it left out is violated, so that the optimum is that of all (`solve_programme`). The
    hedges are optimal for these scenarios: judge them on others, since the least of many tails flatters itself.

    Examples
    --------
    >>> hedge_programme([10, 4, -2, -6], [[6, 1, -1, -4]], confidence=0.5, bounds=(0, 3), costs=0.1)
    <HedgeProgramme: margin 7 before, 1.4 after 1 of 1 hedges at a cost of 0.16; no other quantities do better by more \
than 0 (50 % expected shortfall)>
    """
    lost, by_scenario = _losses(losses)
    terms = hedge_terms(
        hedges, bounds=bounds, costs=costs, liquidity=liquidity, lots=lots, deltas=deltas, book_delta=book_delta,
        delta_bands=delta_bands, names=names,
    )  # fmt: skip
    _same_scenarios(by_scenario, hedges, terms.pnl.shape[1])
    level = check_measure("expected_shortfall", confidence=confidence, n_scenarios=len(lost))
    p = check_probabilities(probabilities, len(lost))
    caps = (np.full(len(lost), 1.0 / len(lost)) if p is None else p) / (1.0 - level)
    group = np.zeros(len(lost), dtype=np.intp)
    programme = _programme(lost, terms.pnl, caps, group, terms, value_of_margin)
    words = measure_words("expected_shortfall", level)
    found = _solved(programme, terms, lot_method, value_of_margin, scenarios=by_scenario, words=words)
    return replace(found, as_of=as_of, provenance=provenance or Provenance(()))


def scan_programme(
    losses: npt.ArrayLike | pd.Series,
    hedges: npt.ArrayLike | pd.DataFrame,
    *,
    bounds: tuple[ByHedge, ByHedge] | pd.DataFrame,
    group: Sequence[Hashable] | pd.Series | None = None,
    add_on: float = 0.0,
    costs: ByHedge = 0.0,
    value_of_margin: float = 1.0,
    liquidity: ByHedge | None = None,
    lots: ByHedge | None = None,
    lot_method: LotMethod = "search",
    deltas: pd.DataFrame | None = None,
    book_delta: pd.Series | None = None,
    delta_bands: pd.DataFrame | None = None,
    names: Sequence[Hashable] | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> HedgeProgramme:
    """Return the hedges of least scan margin (worst scenario of each group, summed) and cost.

    Parameters
    ----------
    losses : array or Series, shape (n_rows,)
        Of the book in the rows of the scan, money, positive for losses.
    hedges : array or DataFrame, shape (n_hedges, n_rows)
        Profit of one unit of each hedge in the same rows; zero in the rows of groups that it does not belong to.
    group : sequence or Series, shape (n_rows,), optional
        Group of each row, e.g. its underlying: the worst row of each is charged, at least 0; one group by default.
    add_on : float
        Charged besides and not moved by the hedges (credits negative), money.
    bounds, costs, value_of_margin, liquidity, lots, lot_method, deltas, book_delta, delta_bands, names
    as_of, provenance
        As in `hedge_programme`.

    Returns
    -------
    HedgeProgramme
        As `hedge_programme`; the margins include the add-on.

    Raises
    ------
    ArgumentError, DataError, ConvergenceError
        As `hedge_programme`; for groups that do not label every row.

    Notes
    -----
    The epigraph form: margin = add_on + sum over groups of t_g, t_g >= 0 and t_g >= every row of the group.

    Examples
    --------
    >>> found = scan_programme([8.0, -8.0, 3.0, -1.0], [[4.0, -4.0, 0.0, 0.0]], bounds=(0, 5), group=list("aabb"))
    >>> found.before, found.after, found.hedges["quantity"].round(9).tolist()
    (11.0, 3.0, [2.0])
    """
    lost, rows = _losses(losses)
    terms = hedge_terms(
        hedges, bounds=bounds, costs=costs, liquidity=liquidity, lots=lots, deltas=deltas, book_delta=book_delta,
        delta_bands=delta_bands, names=names,
    )  # fmt: skip
    _same_scenarios(rows, hedges, terms.pnl.shape[1])
    extra = float(add_on)
    if not np.isfinite(extra):
        raise DataError("add_on", "must be finite", f"{add_on!r}", "pass 0 for none")
    labels = check_labels([0] * len(lost) if group is None else group, rows, argument="group")
    code, groups = pd.factorize(labels)
    # A row of zeros in each group: its charge is never negative.
    zeros = len(groups)
    programme = _programme(
        np.r_[lost, np.zeros(zeros)], np.hstack([terms.pnl, np.zeros((len(terms.pnl), zeros))]),
        np.ones(len(lost) + zeros), np.r_[code, np.arange(zeros)], terms, value_of_margin,
    )  # fmt: skip
    words = "worst row of the scan" if zeros == 1 else f"worst rows of {zeros} groups of the scan"
    found = _solved(programme, terms, lot_method, value_of_margin, scenarios=rows, words=words, add_on=extra)
    return replace(found, as_of=as_of, provenance=provenance or Provenance(()))


def _losses(losses: npt.ArrayLike | pd.Series) -> tuple[Floats, pd.Index]:
    values = losses if isinstance(losses, pd.Series) else np.asarray(losses)
    if values.ndim != 1:
        remedy = "sum the book over its positions first, e.g. -pnl.sum(axis=0)"
        raise DataError("losses", "must have shape (n_scenarios,)", f"shape {values.shape}", remedy)
    frame = values.to_frame("book").T if isinstance(values, pd.Series) else values[None, :]
    names = None if isinstance(losses, pd.Series) else ["book"]
    checked = check_pnl(frame, names=names, argument="losses")
    return np.array(checked.values[0]), checked.scenarios


def _same_scenarios(scenarios: pd.Index, hedges: npt.ArrayLike | pd.DataFrame, n_scenarios: int) -> None:
    if len(scenarios) != n_scenarios:
        got = f"{len(scenarios)} losses for {n_scenarios} scenarios of hedges"
        remedy = "use the same scenarios; rows of hedges are contracts"
        raise DataError("losses", "must have one number a scenario of the hedges", got, remedy)
    is_named = isinstance(hedges, pd.DataFrame) and not isinstance(scenarios, pd.RangeIndex)
    if is_named and not scenarios.equals(pd.DataFrame(hedges).columns):
        got, remedy = "other labels or another order", "reindex the losses by hedges.columns"
        raise DataError("losses", "must have the scenarios of the hedges", got, remedy)


def _programme(
    lost: Floats, pnl: Floats, caps: Floats, group: npt.NDArray[np.intp], terms: HedgeTerms, value: float
) -> TailProgramme:
    worth = check_positive(value, argument="value_of_margin", unit="money of costs for one unit of margin")
    before = terms.bands["before"].to_numpy()
    return TailProgramme(
        loss=lost,
        pnl=pnl,
        caps=caps,
        group=group,
        lower=terms.lower,
        upper=terms.upper,
        costs=terms.costs / worth,
        bands=terms.deltas,
        band_low=terms.bands["low"].to_numpy() - before,
        band_high=terms.bands["high"].to_numpy() - before,
    )


def _solved(
    programme: TailProgramme, terms: HedgeTerms, lot_method: LotMethod, value: float, *, scenarios: pd.Index,
    words: str, add_on: float = 0.0,
) -> HedgeProgramme:  # fmt: skip
    check_choice(lot_method, argument="lot_method", choices=_LOT_METHODS)
    solution = solve_programme(programme)
    lots = None if terms.lots is None else whole_lots(programme, solution, lots=terms.lots, method=lot_method)
    return hedge_outcome(
        programme, solution, lots, terms, value_of_margin=float(value), scenarios=scenarios, words=words, add_on=add_on
    )
