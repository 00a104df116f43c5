"""What each position adds to the portfolio's margin: Euler parts, incremental, standalone; closed form and scenarios.

Covariances and positions, or profits and losses in scenarios, enter; a `MarginContributions` leaves.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, real_number
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.portfolio.netting.inputs import Floats, check_pnl, check_probabilities
from volkit.portfolio.netting.measure import check_measure, measure_words, tail_measure, tail_weights
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility import Distribution

__all__ = ["MarginContributions", "check_covariance", "gaussian_offset", "normal_multiplier", "shortfall_contributions"]

NormalMeasure = Literal["expected_shortfall", "value_at_risk"]
_NORMAL: tuple[NormalMeasure, ...] = ("expected_shortfall", "value_at_risk")
# Scenarios times positions looked at at once when positions are taken out one by one.
_BLOCK = 4_000_000


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginContributions(ResultDisplay):
    """Margin of a portfolio and what its positions add to it, in the money of the positions.

    Attributes
    ----------
    table : DataFrame, shape (n_positions, 3)
        By position: `euler`, parts that sum to the portfolio's margin; `incremental`, the margin less that of the
        portfolio without the position; `standalone`, the margin of the position alone. Negative where a position
        takes margin away.
    margin : float
        Of the portfolio.
    method : str
        Measure and law in words.
    confidence : float
        Fraction.
    n_scenarios : int
        Behind it; 0 for a closed form.
    as_of : Timestamp or None
        Last time (UTC) behind the numbers, as handed on.
    provenance : Provenance
        Series behind them, as handed on.
    """

    table: pd.DataFrame
    margin: float
    method: str
    confidence: float
    n_scenarios: int
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def gross(self) -> float:
        """Sum of the standalone margins."""
        return float(self.table["standalone"].sum())

    @property
    def offset(self) -> float:
        """1 - margin / gross: share of the gross margin that netting removes."""
        return 1.0 - self.margin / self.gross if self.gross > 0.0 else 0.0

    @property
    def headline(self) -> str:
        """Margin, gross, offset and the largest part in one line."""
        largest = self.table["euler"].idxmax()
        return (
            f"margin {self.margin:,.6g} of {self.gross:,.6g} gross, offset {percent_to(self.offset)}; largest part "
            f"{largest} with {self.table['euler'].max():,.6g}; {self.method}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table (money) with the sums below it."""
        sums = self.table.sum().to_frame("sum").T
        shown = pd.concat([self.table.reset_index(drop=True), sums])
        shown.index = pd.Index([*map(str, self.table.index), "sum"], name="position (money)")
        return shown

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, positions as its index."""
        return self.table.copy()


def gaussian_offset(
    covariance: npt.ArrayLike | pd.DataFrame,
    positions: npt.ArrayLike | pd.Series,
    *,
    confidence: float,
    measure: NormalMeasure = "expected_shortfall",
    mean: npt.ArrayLike | pd.Series | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> MarginContributions:
    """Return margin, offset and contributions under jointly normal returns, in closed form.

    Parameters
    ----------
    covariance : array or DataFrame, shape (n_positions, n_positions)
        Of returns over the horizon, decimal squared; positive semi-definite.
    positions : array or Series, shape (n_positions,)
        Signed, in money.
    confidence : float
        For example 0.99.
    measure : {"expected_shortfall", "value_at_risk"}
        Of the loss.
    mean : array or Series, shape (n_positions,), optional
        Expected returns over the horizon, decimals; zero by default.
    as_of : Timestamp, optional
        Last time (UTC) behind the numbers; handed on.
    provenance : Provenance, optional
        Series behind them; handed on.

    Returns
    -------
    MarginContributions
        In the money of the positions.

    Raises
    ------
    ArgumentError
        For a confidence outside 0.5 to 1 or an unknown measure.
    DataError
        For a covariance that is none, positions that do not fit to it, or a portfolio without variance.

    Notes
    -----
    With k the measure of a standard normal, m = k sqrt(x'Cx) - mu'x. Euler parts x_i (k (Cx)_i / sqrt(x'Cx) - mu_i)
    sum to m (Tasche 1999). Incremental is m(x) - m(x without i). For another elliptical law only k differs.

    References
    ----------
    .. [1] Tasche (1999), Risk contributions and performance measurement, Technische Universitaet Muenchen.

    Examples
    --------
    >>> found = gaussian_offset([[0.04, 0.03], [0.03, 0.04]], [1.0, -1.0], confidence=0.99)
    >>> round(found.margin, 4), round(found.offset, 3), found.table["euler"].round(4).tolist()
    (0.3769, 0.646, [0.1885, 0.1885])
    """
    level = check_confidence(confidence)
    check_choice(measure, argument="measure", choices=_NORMAL)
    C, names = check_covariance(covariance, positions)
    x = _vector(positions, names, "positions")
    mu = np.zeros(len(x)) if mean is None else _vector(mean, names, "mean")
    k = normal_multiplier(level, measure)
    volatility = float(np.sqrt(max(float(x @ C @ x), 0.0)))
    if volatility <= 1e-12 * float(np.abs(x) @ np.sqrt(np.diag(C))):
        got, remedy = f"{volatility:g} for these positions", "leave out a position that another one cancels"
        raise DataError("covariance", "must give the portfolio a variance above zero", got, remedy)
    margin = k * volatility - float(mu @ x)
    euler = x * (k * (C @ x) / volatility - mu)
    standalone = k * np.abs(x) * np.sqrt(np.diag(C)) - mu * x
    # Variance without position i: x'Cx - 2 x_i (Cx)_i + x_i^2 C_ii.
    rest = np.maximum(volatility**2 - 2.0 * x * (C @ x) + x * x * np.diag(C), 0.0)
    without = k * np.sqrt(rest) - (mu @ x - mu * x)
    return MarginContributions(
        table=_table(euler, margin - without, standalone, names),
        margin=margin,
        method=f"{measure_words(measure, level)}, normal",
        confidence=level,
        n_scenarios=0,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def shortfall_contributions(
    pnl: npt.ArrayLike | pd.DataFrame,
    *,
    confidence: float,
    names: Sequence[Hashable] | None = None,
    probabilities: npt.ArrayLike | None = None,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> MarginContributions:
    """Return contributions to the expected shortfall of a book in scenarios.

    Parameters
    ----------
    pnl : array or DataFrame, shape (n_positions, n_scenarios)
        Profits (positive) and losses in money; a frame has positions as its index.
    confidence : float
        For example 0.99.
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
    MarginContributions
        In the money of `pnl`; not floored at zero, so that parts add up.

    Raises
    ------
    ArgumentError
        For a confidence that leaves no scenario in the tail.
    DataError
        For what `check_pnl` and `check_probabilities` refuse.

    Notes
    -----
    The Euler part of a position is its mean loss over the worst scenarios of the whole book, weighted as in the
    book's own expected shortfall (`tail_weights`): the parts sum to the margin in every sample. They move between
    scenarios that nearly tie, so that a part rests on n (1 - c) scenarios only; see that number before trusting one.

    Examples
    --------
    >>> found = shortfall_contributions([[-4.0, -1.0, 2.0, 3.0], [1.0, -2.0, 0.0, 1.0]], confidence=0.5)
    >>> found.margin, found.table["euler"].tolist(), found.table["standalone"].tolist()
    (3.0, [2.5, 0.5], [2.5, 1.0])
    """
    book = check_pnl(pnl, names=names)
    p = check_probabilities(probabilities, book.n_scenarios)
    level = check_measure("expected_shortfall", confidence=confidence, n_scenarios=book.n_scenarios)
    lost = -book.values
    total = lost.sum(axis=0)
    euler = lost @ tail_weights(total, confidence=level, probabilities=p)
    margin = float(tail_measure(total, confidence=level, probabilities=p))
    without, standalone = np.empty(len(lost)), np.empty(len(lost))
    rows = max(1, _BLOCK // book.n_scenarios)
    for start in range(0, len(lost), rows):
        part = lost[start : start + rows]
        without[start : start + rows] = tail_measure(total - part, confidence=level, probabilities=p)
        standalone[start : start + rows] = tail_measure(part, confidence=level, probabilities=p)
    return MarginContributions(
        table=_table(euler, margin - without, standalone, book.names),
        margin=margin,
        method=f"{measure_words('expected_shortfall', level)} of {book.n_scenarios:,} scenarios",
        confidence=level,
        n_scenarios=book.n_scenarios,
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


def normal_multiplier(
    confidence: float, measure: NormalMeasure = "expected_shortfall", *, degrees_of_freedom: float | None = None
) -> float:
    """Return the measure of a standardised law: standard deviations of margin.

    Parameters
    ----------
    confidence : float
        Fraction.
    measure : {"expected_shortfall", "value_at_risk"}
        Of the loss.
    degrees_of_freedom : float, optional
        Of a t law scaled to variance one, above 2; normal by default.

    Raises
    ------
    ArgumentError
        For another measure, or degrees of freedom that are no number.
    DataError
        For degrees of freedom of 2 or less.

    Examples
    --------
    >>> round(normal_multiplier(0.99), 4), round(normal_multiplier(0.99, degrees_of_freedom=4.0), 4)
    (2.6652, 3.6915)
    """
    check_choice(measure, argument="measure", choices=_NORMAL)
    if degrees_of_freedom is not None and not (
        2.0 < real_number(degrees_of_freedom, argument="degrees_of_freedom") < np.inf
    ):
        got, remedy = f"{degrees_of_freedom!r}", "pass for example 4, or None for the normal"
        raise DataError("degrees_of_freedom", "must be above 2", got, remedy)
    law = Distribution("normal") if degrees_of_freedom is None else Distribution("t", float(degrees_of_freedom))
    tail = 1.0 - confidence
    return float(-(law.quantile(tail) if measure == "value_at_risk" else law.tail_mean(tail)))


def check_covariance(covariance: npt.ArrayLike | pd.DataFrame, like: object = None) -> tuple[Floats, pd.Index]:
    """Return a covariance matrix and the names of its rows, those of `like` when the matrix has none.

    Raises
    ------
    DataError
        For anything that is not square, finite, symmetric and positive semi-definite to rounding, or has other names on
        its columns than on its index.

    Examples
    --------
    >>> check_covariance([[1.0, 2.0], [2.0, 1.0]])
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: covariance must be positive semi-definite; got a smallest eigenvalue of -1; estimate it \
from complete rows, or repair its correlations with nearest_correlation.
    """
    C = np.array(covariance, dtype=np.float64)
    if C.ndim != 2 or C.shape[0] != C.shape[1] or not len(C) or not np.isfinite(C).all():
        got = f"shape {C.shape}" if C.ndim != 2 or len(set(C.shape)) > 1 else "missing values, or none"
        raise DataError("covariance", "must be square and finite", got, "pass one row and column a position")
    scale = float(np.abs(C).max())
    if float(np.abs(C - C.T).max()) > 1e-10 * scale:
        i, j = np.unravel_index(int(np.abs(C - C.T).argmax()), C.shape)
        got = f"{C[i, j]:g} at ({i}, {j}) and {C[j, i]:g} at ({j}, {i})"
        raise DataError("covariance", "must be symmetric", got, "take the mean of both sides if it is rounding")
    C = 0.5 * (C + C.T)
    smallest = float(np.linalg.eigvalsh(C)[0])
    if smallest < -1e-10 * scale * len(C):
        remedy = "estimate it from complete rows, or repair its correlations with nearest_correlation"
        raise DataError(
            "covariance", "must be positive semi-definite", f"a smallest eigenvalue of {smallest:.3g}", remedy
        )
    if isinstance(covariance, pd.DataFrame):
        if not covariance.index.equals(covariance.columns):
            got = f"{list(covariance.index)} and {list(covariance.columns)}"
            raise DataError("covariance", "must have the same names on both sides", got, "reindex its columns")
        return C, covariance.index
    if isinstance(like, pd.Series) and len(like) == len(C):
        return C, like.index
    return C, pd.Index([f"position {i}" for i in range(len(C))], name="position")


def _vector(values: npt.ArrayLike | pd.Series, names: pd.Index, argument: str) -> Floats:
    if isinstance(values, pd.Series):
        if values.index.has_duplicates or set(values.index) != set(names):
            got, wanted = ", ".join(map(str, values.index)), ", ".join(map(str, names))
            raise DataError(argument, "must name every row of covariance once", got, f"index it by {wanted}")
        values = values.reindex(names)
    x = np.array(values, dtype=np.float64)
    if x.shape != (len(names),) or not np.isfinite(x).all():
        got = f"shape {x.shape}" if x.shape != (len(names),) else f"missing values for {list(names[~np.isfinite(x)])}"
        raise DataError(argument, f"must be {len(names)} finite numbers", got, "pass one for each row of covariance")
    return x


def _table(euler: Floats, incremental: Floats, standalone: Floats, names: pd.Index) -> pd.DataFrame:
    columns = {"euler": euler, "incremental": incremental, "standalone": standalone}
    return freeze(pd.DataFrame(columns, index=names))
