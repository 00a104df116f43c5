"""Margin when correlations fail, by law or by scenarios: bounds and stressed matrices, netting benefit lost."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence, check_table
from volkit.correlation.bounds import CorrelationBounds, adverse_correlation
from volkit.correlation.bounds.rows import check_weights
from volkit.correlation.bounds.shocks import check_correlation
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.portfolio.netting.contributions import NormalMeasure, normal_multiplier
from volkit.portfolio.netting.inputs import Labels, check_labels, check_pnl
from volkit.portfolio.netting.measure import MarginMeasure, check_measure, measure_words
from volkit.portfolio.netting.recorrelation import recorrelate
from volkit.portfolio.netting.sets import margins_of_sets
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["StressedMargin", "scenario_stressed_margin", "stressed_margin"]

BASE = "estimate"
AS_GIVEN = "as given"
# What a matrix must keep to be called positive definite.
_LEAST = 1e-10


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StressedMargin(ResultDisplay):
    """Margin of one portfolio under several correlation matrices.

    Attributes
    ----------
    table : DataFrame, shape (n_matrices, 5)
        By `matrix`, the unstressed one first: `margin`, money; `benefit`, share of the gross that netting removes;
        `benefit_lost`, of the first row's benefit in money (margin less the first row's); `lost_share`, that as a share
        of the first row's benefit (NaN where there is none); `smallest_eigenvalue` of the matrix.
    gross : float
        Sum of the groups' standalone margins, money.
    method : str
        Measure and law in words.
    confidence : float
        Fraction.
    as_of : Timestamp or None
        Last time (UTC) behind the numbers, as handed on.
    provenance : Provenance
        Series behind them, as handed on.
    """

    table: pd.DataFrame
    gross: float
    method: str
    confidence: float
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def worst(self) -> str:
        """Name of the matrix with the largest margin."""
        return str(self.table["margin"].idxmax())

    @property
    def headline(self) -> str:
        """Margin first and at worst, and how much of the benefit goes, in one line."""
        first, worst = self.table.iloc[0], self.table.loc[self.worst]
        lost = (
            f", {percent_to(worst['lost_share'], 0)} of the netting benefit lost" if worst["lost_share"] > 0.0 else ""
        )
        return (
            f"margin {first['margin']:,.6g} {self.table.index[0]}, {worst['margin']:,.6g} at worst ({self.worst}) of "
            f"{self.gross:,.6g} gross{lost}; {self.method}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table with units in its labels."""
        units = {
            "margin": "margin (money)", "benefit": "benefit (share of gross)", "benefit_lost": "benefit lost (money)",
            "lost_share": "benefit lost (share)", "smallest_eigenvalue": "smallest eigenvalue",
        }  # fmt: skip
        return self.table.rename(columns=units)

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the name of the matrix as a column."""
        return self.table.reset_index()


def stressed_margin(
    correlation: CorrelationBounds | pd.DataFrame,
    *,
    positions: pd.Series,
    volatilities: pd.Series,
    confidence: float,
    stressed: Mapping[str, pd.DataFrame] | None = None,
    measure: NormalMeasure = "expected_shortfall",
    degrees_of_freedom: float | None = None,
) -> StressedMargin:
    """Return margin and netting benefit under a correlation matrix, its bounds and stressed ones (elliptical law).

    Parameters
    ----------
    correlation : CorrelationBounds or DataFrame, shape (n_assets, n_assets)
        The estimate; with bounds also their lower, upper and adverse matrix (each pair moved against the positions).
    positions : Series, shape (n_assets,)
        Signed, in money, by name.
    volatilities : Series, shape (n_assets,)
        Positive decimals over the horizon, by name.
    confidence : float
        For example 0.99.
    stressed : mapping of str to DataFrame, optional
        Other positive definite matrices of the same names, e.g. from `stressed_correlation`.
    measure : {"expected_shortfall", "value_at_risk"}
        Of the loss.
    degrees_of_freedom : float, optional
        Of a joint t law, above 2; normal by default.

    Returns
    -------
    StressedMargin
        One row a matrix.

    Raises
    ------
    ArgumentError
        For a confidence outside 0.5 to 1, or another measure.
    DataError
        For names that differ, values that are not finite, a volatility that is not positive, or a matrix that is not
        a positive definite correlation matrix.

    Notes
    -----
    m = k sqrt(e' R e) with e position times volatility and k of the law (`normal_multiplier`), gross = k sum abs(e).
    Only R changes between rows; volatilities rise in stress too, and are the caller's to raise.

    Examples
    --------
    >>> from volkit.correlation.bounds import stressed_correlation
    >>> now = pd.DataFrame([[1.0, 0.8], [0.8, 1.0]], index=["BTC", "ETH"], columns=["BTC", "ETH"])
    >>> broken = {"hedge fails": stressed_correlation(now, severity=0.5, towards=-1.0)}
    >>> hedge, volatility = pd.Series({"BTC": 100.0, "ETH": -90.0}), pd.Series({"BTC": 0.05, "ETH": 0.06})
    >>> stressed_margin(now, positions=hedge, volatilities=volatility, confidence=0.99, stressed=broken)
    <StressedMargin: margin 8.82343 estimate, 20.5688 at worst (hedge fails) of 27.7182 gross, 62 % of the netting \
benefit lost; 99 % expected shortfall, normal>
    """
    level = check_confidence(confidence)
    base = correlation.estimate if isinstance(correlation, CorrelationBounds) else correlation
    check_table(base, argument="correlation")
    matrices = {BASE: base}
    if isinstance(correlation, CorrelationBounds):
        adverse, _ = adverse_correlation(correlation, positions=positions)
        matrices |= {"lower": correlation.lower, "upper": correlation.upper, "adverse": adverse}
    matrices |= _own_names(stressed, matrices)
    checked = _same_names(matrices, base.index)
    held = check_weights(positions, base.index, argument="positions")
    volatility = check_weights(volatilities, base.index, argument="volatilities")
    if (volatility <= 0.0).any():
        got = f"{volatility.min():g} for {base.index[int(volatility.argmin())]}"
        raise DataError("volatilities", "must be positive", got, "pass decimals over the horizon, also if not held")
    k = normal_multiplier(level, measure, degrees_of_freedom=degrees_of_freedom)
    e = held * volatility
    margins = {name: k * float(np.sqrt(max(e @ R @ e, 0.0))) for name, R in checked.items()}
    law = "normal" if degrees_of_freedom is None else f"t with {degrees_of_freedom:g} degrees"
    return StressedMargin(
        table=_table(margins, checked, k * float(np.abs(e).sum())),
        gross=k * float(np.abs(e).sum()),
        method=f"{measure_words(measure, level)}, {law}",
        confidence=level,
        as_of=correlation.as_of if isinstance(correlation, CorrelationBounds) else None,
        provenance=correlation.provenance if isinstance(correlation, CorrelationBounds) else Provenance(()),
    )


def scenario_stressed_margin(
    pnl: npt.ArrayLike | pd.DataFrame,
    *,
    group: Labels,
    stressed: Mapping[str, pd.DataFrame],
    confidence: float,
    measure: MarginMeasure = "expected_shortfall",
    drivers: pd.DataFrame | None = None,
    names: Sequence[Hashable] | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> StressedMargin:
    """Return margin and netting benefit of scenarios whose groups are put into another dependence.

    Parameters
    ----------
    pnl : array or DataFrame, shape (n_positions, n_scenarios)
        Profits and losses in money, scenarios equally likely.
    group : str, sequence, Series or mapping
        Underlying of each position; dependence within a group stays as it is.
    stressed : mapping of str to DataFrame
        Positive definite correlation matrices of the groups' drivers, by name.
    confidence, measure
        As in `net_and_gross`.
    drivers : DataFrame, shape (n_groups, n_scenarios), optional
        As in `recorrelate`: give the underlyings' returns when a group is not simply long.
    names : sequence, optional
        Of the positions.
    as_of : Timestamp, optional
        Last time (UTC) behind the numbers; handed on.
    provenance : Provenance, optional
        Series behind them; handed on.

    Returns
    -------
    StressedMargin
        One row a matrix and the first for the scenarios as given; gross is the sum of the groups' net margins, which no
        reordering changes.

    Raises
    ------
    ArgumentError, DataError
        As `net_and_gross` and `recorrelate`.

    Examples
    --------
    >>> x = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 5_000).T
    >>> moves = pd.DataFrame(x, index=["BTC", "ETH"])
    >>> hedge = pd.DataFrame([x[0], -x[1]], index=["BTC long", "ETH short"])
    >>> half = pd.DataFrame([[1.0, 0.5], [0.5, 1.0]], index=["BTC", "ETH"], columns=["BTC", "ETH"])
    >>> found = scenario_stressed_margin(
    ...     hedge, group=["BTC", "ETH"], stressed={"half": half}, confidence=0.99, drivers=moves
    ... )
    >>> found.table["margin"].round(2).tolist()
    [1.2, 2.75]
    """
    book = check_pnl(pnl, names=names)
    level = check_measure(measure, confidence=confidence, n_scenarios=book.n_scenarios)
    labels = check_labels(group, book.names, argument="group")
    if labels is None or not stressed:
        raise DataError("stressed", "must hold a matrix, and group the positions", "none", "pass {name: matrix}")
    sets, groups = pd.factorize(labels)
    checked = _same_names(dict(stressed), pd.Index(groups))
    gross = float(margins_of_sets(book.values, sets, level, measure).sum())
    one = np.zeros(len(book.values), dtype=np.intp)
    margins = {AS_GIVEN: float(margins_of_sets(book.values, one, level, measure)[0])}
    for name, matrix in _own_names(stressed, {AS_GIVEN: None}).items():
        frame = pd.DataFrame(book.values, index=book.names, columns=book.scenarios)
        moved = recorrelate(frame, group=labels, correlation=matrix, drivers=drivers)
        margins[name] = float(margins_of_sets(moved.to_numpy(), one, level, measure)[0])
    return StressedMargin(
        table=_table(margins, checked, gross),
        gross=gross,
        method=f"{measure_words(measure, level)} of {book.n_scenarios:,} scenarios reordered",
        confidence=level,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def _own_names(stressed: Mapping[str, pd.DataFrame] | None, taken: Mapping[str, object]) -> dict[str, pd.DataFrame]:
    clash = [name for name in stressed or {} if name in taken]
    if clash:
        got = ", ".join(map(repr, clash))
        raise DataError("stressed", "must have names of its own", got, "call them for example 'stressed'")
    return dict(stressed or {})


def _same_names(matrices: Mapping[str, pd.DataFrame], names: pd.Index) -> dict[str, npt.NDArray[np.float64]]:
    checked = {}
    for key, matrix in matrices.items():
        values = check_correlation(matrix, argument=key)
        if set(matrix.index) != set(names) or matrix.index.has_duplicates:
            got, remedy = ", ".join(map(str, matrix.index)), f"name it by {', '.join(map(str, names))}"
            raise DataError(f"matrix {key!r}", "must have the names of the portfolio", got, remedy)
        smallest = float(np.linalg.eigvalsh(values)[0])
        if smallest < _LEAST:
            got, remedy = f"a smallest eigenvalue of {smallest:.2g}", "stress it by a severity below 1"
            raise DataError(f"matrix {key!r}", "must be positive definite", got, remedy)
        order = matrix.index.get_indexer(names)
        checked[key] = values[np.ix_(order, order)]
    return checked


def _table(margins: Mapping[str, float], matrices: Mapping[str, npt.NDArray[np.float64]], gross: float) -> pd.DataFrame:
    first = next(iter(margins.values()))
    table = pd.DataFrame({"margin": pd.Series(margins, dtype=np.float64)})
    table["benefit"] = 1.0 - table["margin"] / gross if gross > 0.0 else np.nan
    table["benefit_lost"] = table["margin"] - first
    table["lost_share"] = table["benefit_lost"] / (gross - first) if gross > first else np.nan
    table["smallest_eigenvalue"] = [
        float(np.linalg.eigvalsh(matrices[name])[0]) if name in matrices else np.nan for name in margins
    ]
    return freeze(table.rename_axis("matrix"))
