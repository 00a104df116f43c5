"""What correlations do to a portfolio: its standard deviation and netting under each matrix, and the worst of them.

A lower correlation is worse for a hedge and better for a long-only book, so neither bound is the safe one for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_fraction, check_kind
from volkit.correlation.bounds.estimates import CorrelationBounds, bound_along
from volkit.correlation.bounds.rows import check_weights
from volkit.correlation.bounds.shocks import check_correlation
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["MOST_REDUCTION", "NettingBenefit", "adverse_correlation", "netting_benefit"]

# Commission Delegated Regulation (EU) 153/2013, Article 27(4).
MOST_REDUCTION = 0.8
_BOX = "pairs' own box"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class NettingBenefit(ResultDisplay):
    """Standard deviation of one portfolio under several correlation matrices.

    Attributes
    ----------
    table : DataFrame, shape (n_matrices, 2)
        By `matrix`: `standard_deviation` (unit of position times volatility, per period) and `benefit`, the share of
        the gross sum that netting removes. "adverse" is the matrix between the bounds that moves each pair against
        these positions, "pairs' own box" the value with each pair at the worse end of its own interval: no correlation
        matrix within the intervals gives more, and the box itself need not hold one that gives as much.
    gross : float
        Sum of the absolute stand-alone standard deviations, same unit.
    allowed : float
        Standard deviation to charge: the worst of the table, or what `most_reduction` leaves of the gross, if more.
    most_reduction : float
        Largest share of gross less the combined figure that may be granted, fraction.
    adverse : DataFrame, shape (n_assets, n_assets)
        The adverse correlation matrix, no unit, positive definite.
    adverse_level : float
        Two-sided level at which it stands, fraction.
    confidence : float
        Level asked for, fraction.
    as_of : Timestamp
        Last time (UTC) used by the bounds.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    gross: float
    allowed: float
    most_reduction: float
    adverse: pd.DataFrame
    adverse_level: float
    confidence: float
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def worst(self) -> str:
        """Name of the matrix with the largest standard deviation."""
        return str(self.table["standard_deviation"].idxmax())

    @property
    def headline(self) -> str:
        """Benefit under the estimate and under the worst matrix in one line."""
        benefit = self.table["benefit"]
        return (
            f"netting benefit {percent_to(benefit['estimate'], 0)} of gross under the estimate, "
            f"{percent_to(benefit[self.worst], 0)} at "
            f"worst ({self.worst}); charge {self.allowed:.4g} of {self.gross:.4g} gross"
        )

    def summary(self) -> pd.DataFrame:
        """Return by matrix: standard deviation (unit of position times volatility) and benefit (share of gross)."""
        labels = {"standard_deviation": "standard deviation (position unit)", "benefit": "benefit (share of gross)"}
        return self.table.rename(columns=labels)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table with the name of the matrix as a column."""
        return self.table.reset_index()


def netting_benefit(
    bounds: CorrelationBounds,
    *,
    positions: pd.Series,
    volatilities: pd.Series,
    others: Mapping[str, pd.DataFrame] | None = None,
    most_reduction: float = MOST_REDUCTION,
) -> NettingBenefit:
    """Return what netting takes off a portfolio's risk under the estimate, the bounds, and the worst of them.

    Parameters
    ----------
    bounds : CorrelationBounds
        Of the series held.
    positions : Series, shape (n_assets,)
        Signed, in money, by name; 0 for none.
    volatilities : Series, shape (n_assets,)
        Positive decimals per period, by name.
    others : mapping of str to DataFrame, optional
        More correlation matrices of the same names: a stressed window, a shock, the floor of `through_the_cycle`.
    most_reduction : float
        Share of the difference between gross and combined figure that may be granted, fraction.

    Returns
    -------
    NettingBenefit
        One row a matrix.

    Raises
    ------
    ArgumentError
        For a reduction outside 0 to 1.
    DataError
        For names that differ, values that are not finite, only zeros, a volatility that is not positive, and matrices
        that are no correlation matrices.

    Notes
    -----
    With e = position times volatility, the figures are sqrt(e' R e) and sum abs(e). `allowed` is
    gross - most_reduction (gross - worst), at most 80 % by default: the limit of Article 27(4) of Commission Delegated
    Regulation (EU) No 153/2013 between different instruments (ESMA's opinion of 10 April 2017 says which are the same).

    Examples
    --------
    >>> from volkit.correlation.bounds import correlation_bounds
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> bounds = correlation_bounds(changes(load_prices(BundledSource(), ["SPX", "NASDAQ"])).tail(1250))
    >>> hedge = pd.Series({"SPX": 100.0, "NASDAQ": -80.0})
    >>> netting_benefit(bounds, positions=hedge, volatilities=pd.Series({"SPX": 0.01, "NASDAQ": 0.012})).headline
    "netting benefit 81 % of gross under the estimate, 79 % at worst (pairs' own box); charge 0.7241 of 1.96 gross"
    """
    check_kind(bounds, CorrelationBounds, argument="bounds", remedy="pass what correlation_bounds returns")
    labels = bounds.estimate.columns
    share = check_fraction(most_reduction, argument="most_reduction")
    held = check_weights(positions, labels, argument="positions")
    volatility = check_weights(volatilities, labels, argument="volatilities")
    if (volatility <= 0.0).any():
        got = f"{volatility.min():g} for {labels[int(volatility.argmin())]}"
        raise DataError("volatilities", "must be positive", got, "pass decimals per period, also for a series not held")
    exposure = held * volatility
    adverse, level = adverse_correlation(bounds, positions=positions)
    matrices = {"estimate": bounds.estimate, "lower": bounds.lower, "upper": bounds.upper, "adverse": adverse}
    figures = {name: _deviation(exposure, matrix.to_numpy()) for name, matrix in matrices.items()}
    same_side = np.outer(exposure, exposure) > 0.0
    corner = np.where(same_side, bounds.pairwise_upper.to_numpy(), bounds.pairwise_lower.to_numpy())
    figures[_BOX] = _deviation(exposure, corner)
    for name, matrix in (others or {}).items():
        figures[name] = _deviation(exposure, _same_names(matrix, labels, name))
    gross = float(np.abs(exposure).sum())
    table = pd.DataFrame({"standard_deviation": figures, "benefit": {n: 1.0 - v / gross for n, v in figures.items()}})
    return NettingBenefit(
        table=freeze(table.rename_axis("matrix")),
        gross=gross,
        allowed=gross - share * (gross - max(figures.values())),
        most_reduction=share,
        adverse=freeze(adverse),
        adverse_level=level,
        confidence=bounds.confidence,
        as_of=bounds.as_of,
        provenance=bounds.provenance,
    )


def adverse_correlation(bounds: CorrelationBounds, *, positions: pd.Series) -> tuple[pd.DataFrame, float]:
    """Return the correlation matrix that moves every pair against given positions, and the level at which it stands.

    Parameters
    ----------
    bounds : CorrelationBounds
        Of the series held.
    positions : Series, shape (n_assets,)
        Signed, by name: pairs on the same side move up, on opposite sides down, with a zero not at all.

    Returns
    -------
    matrix : DataFrame, shape (n_assets, n_assets)
        No unit, positive definite; on the path of all pairs at one level, as `CorrelationBounds.lower`.
    level : float
        The one reached, at most that of the bounds, fraction.

    Raises
    ------
    DataError
        For names that differ, values that are not finite, only zeros.

    Examples
    --------
    >>> from volkit.correlation.bounds import correlation_bounds
    >>> times = pd.date_range("2024-01-01", periods=90, tz="UTC")
    >>> moves = pd.DataFrame(np.random.default_rng(1).standard_normal((90, 2)), index=times, columns=["BTC", "SPX"])
    >>> bounds = correlation_bounds(moves)
    >>> matrix, level = adverse_correlation(bounds, positions=pd.Series({"BTC": 1.0, "SPX": -2.0}))
    >>> bool(np.allclose(matrix, bounds.lower)), level
    (True, 0.95)
    """
    signs = np.sign(check_weights(positions, bounds.estimate.columns, argument="positions"))
    return bound_along(
        bounds.estimate,
        bounds.standard_error,
        bounds.degrees_of_freedom,
        direction=np.outer(signs, signs),
        confidence=bounds.confidence,
    )


def _deviation(exposure: np.ndarray, matrix: np.ndarray) -> float:
    # A perfect hedge has a variance of zero, which rounding may put below it.
    return float(np.sqrt(max(exposure @ matrix @ exposure, 0.0)))


def _same_names(matrix: pd.DataFrame, labels: pd.Index, name: str) -> np.ndarray:
    argument = f"others[{name!r}]"
    if name in ("estimate", "lower", "upper", "adverse", _BOX):
        raise DataError(argument, "must have a name of its own", "one of the bounds'", "call it for example stressed")
    if not isinstance(matrix, pd.DataFrame) or set(matrix.index) != set(labels) or matrix.index.has_duplicates:
        got = ", ".join(map(str, matrix.index)) if isinstance(matrix, pd.DataFrame) else type(matrix).__name__
        raise DataError(argument, "must have the names of the bounds", got, f"name it by {', '.join(map(str, labels))}")
    checked = check_correlation(matrix, argument=argument)
    order = matrix.index.get_indexer(labels)
    return checked[np.ix_(order, order)]
