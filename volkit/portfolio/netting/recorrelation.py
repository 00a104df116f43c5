"""Scenarios with another dependence: each set of positions keeps its outcomes, and they meet in another order."""

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from volkit.correlation.bounds.shocks import check_correlation
from volkit.errors import DataError
from volkit.portfolio.netting.inputs import Floats, Labels, check_labels, check_pnl
from volkit.portfolio.netting.sets import set_rows

__all__ = ["recorrelate", "reordering"]

_LEAST = 1e-10


def recorrelate(
    pnl: npt.ArrayLike | pd.DataFrame,
    *,
    group: Labels,
    correlation: pd.DataFrame,
    drivers: pd.DataFrame | None = None,
    names: Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Return the scenarios of a book with the rank correlation between its groups moved to a matrix.

    Parameters
    ----------
    pnl : array or DataFrame, shape (n_positions, n_scenarios)
        Profits and losses in money, scenarios equally likely.
    group : str, sequence, Series or mapping
        Underlying of each position: positions of one group keep their joint outcomes.
    correlation : DataFrame, shape (n_groups, n_groups)
        Wanted correlation of the groups' drivers (of their normal scores), named by group; positive definite.
    drivers : DataFrame, shape (n_groups, n_scenarios), optional
        What stands for each group's move in each scenario, e.g. the underlying's return. Without it the group's own
        profit and loss: then the correlation is that of the groups' profits, not of the underlyings.
    names : sequence, optional
        Of the positions.

    Returns
    -------
    DataFrame, shape (n_positions, n_scenarios)
        Every position has the same outcomes as before; scenarios of a group are in another order.

    Raises
    ------
    DataError
        For what `check_pnl` refuses, groups, drivers and matrix that do not name the same, a driver that stands still
        or depends on others without error, or a matrix that is not positive definite.

    Notes
    -----
    Iman and Conover (1982): normal scores z of the drivers' ranks with correlation C = P P' become z P^-1' Q' with
    Q Q' the wanted matrix, and every group is reordered to the ranks of its new score. Marginal outcomes stay exactly;
    the correlation is met to the error of the ranks. The scores start from the sample's own, so that a matrix equal to
    the sample's moves nothing and dependence in the tails is kept as far as the matrix allows.

    References
    ----------
    .. [1] Iman and Conover (1982), A distribution-free approach to inducing rank correlation among input variables,
       Communications in Statistics - Simulation and Computation 11, 311-334.

    Examples
    --------
    >>> x = np.random.default_rng(1).standard_normal((2, 2_000))
    >>> book = pd.DataFrame([x[0], x[1], 2.0 * x[0]], index=["BTC spot", "ETH spot", "BTC future"])
    >>> wanted = pd.DataFrame([[1.0, 0.9], [0.9, 1.0]], index=["BTC", "ETH"], columns=["BTC", "ETH"])
    >>> moved = recorrelate(book, group=["BTC", "ETH", "BTC"], correlation=wanted)
    >>> np.corrcoef(moved).round(2).tolist()
    [[1.0, 0.9, 1.0], [0.9, 1.0, 0.9], [1.0, 0.9, 1.0]]
    """
    book = check_pnl(pnl, names=names)
    labels = check_labels(group, book.names, argument="group")
    if labels is None:
        raise DataError("group", "must label every position", "None", "pass the underlying of each position")
    sets, found = pd.factorize(labels)
    R = _wanted(correlation, pd.Index(found))
    factor = set_rows(book.values, sets) if drivers is None else _drivers(drivers, pd.Index(found), book.n_scenarios)
    order = reordering(factor, R, names=pd.Index(found))
    moved = np.take_along_axis(book.values, order[sets], axis=1)
    return pd.DataFrame(moved, index=book.names, columns=book.scenarios)


def reordering(drivers: Floats, correlation: Floats, *, names: pd.Index | None = None) -> npt.NDArray[np.intp]:
    """Return for each row which old scenario stands in each new one, shape (n_groups, n_scenarios).

    Parameters
    ----------
    drivers : ndarray, shape (n_groups, n_scenarios)
        Moves, any unit.
    correlation : ndarray, shape (n_groups, n_groups)
        Wanted, positive definite.
    names : Index, optional
        Of the rows, for messages.

    Raises
    ------
    DataError
        For a row that stands still, rows that depend on each other without error, or a matrix that is not definite.

    Examples
    --------
    >>> moves = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0]])
    >>> reordering(moves, np.array([[1.0, -0.99], [-0.99, 1.0]])).tolist()
    [[0, 1, 2, 3], [3, 1, 2, 0]]
    """
    labels = pd.RangeIndex(len(drivers)) if names is None else names
    still = [str(labels[i]) for i in np.flatnonzero(np.ptp(drivers, axis=1) == 0.0)]
    if still:
        got, remedy = f"one value in all scenarios for {', '.join(still)}", "leave that group out"
        raise DataError("drivers", "must vary over the scenarios", got, remedy)
    n = drivers.shape[1]
    z = special.ndtri(stats.rankdata(drivers, axis=1, method="ordinal") / (n + 1.0))
    have = np.corrcoef(z) if len(z) > 1 else np.ones((1, 1))
    for argument, matrix in (("drivers", have), ("correlation", correlation)):
        smallest = float(np.linalg.eigvalsh(matrix)[0])
        if smallest < _LEAST:
            got, remedy = f"a smallest eigenvalue of {smallest:.2g}", "leave out a group that follows from the others"
            raise DataError(argument, "must have a positive definite correlation", got, remedy)
    P, Q = np.linalg.cholesky(have), np.linalg.cholesky(correlation)
    target = Q @ np.linalg.solve(P, z)
    by_value = np.argsort(drivers, axis=1, kind="stable")
    # The scenario whose new score has rank r takes the old outcome of rank r.
    rank = stats.rankdata(target, axis=1, method="ordinal").astype(np.intp) - 1
    return np.asarray(np.take_along_axis(by_value, rank, axis=1))


def _wanted(correlation: pd.DataFrame, groups: pd.Index) -> Floats:
    R = check_correlation(correlation, argument="correlation")
    if set(correlation.index) != set(groups) or correlation.index.has_duplicates:
        got, remedy = ", ".join(map(str, correlation.index)), f"name it by {', '.join(map(str, groups))}"
        raise DataError("correlation", "must name every group once, and no other", got, remedy)
    order = correlation.index.get_indexer(groups)
    return np.asarray(R[np.ix_(order, order)])


def _drivers(drivers: pd.DataFrame, groups: pd.Index, n_scenarios: int) -> Floats:
    checked = check_pnl(drivers, argument="drivers")
    missing = [str(name) for name in groups if name not in checked.names]
    if missing or checked.n_scenarios != n_scenarios:
        got = f"none for {', '.join(missing)}" if missing else f"{checked.n_scenarios} scenarios for {n_scenarios}"
        remedy = "pass one row a group, with the scenarios of pnl as columns"
        raise DataError("drivers", "must have every group in every scenario", got, remedy)
    return np.asarray(checked.values[checked.names.get_indexer(groups)])
