"""Are losses beyond several levels as many as promised? The multinomial tests of Kratz, Lok and McNeil.

Probability integral transforms enter (the model's probability of a loss of at least what came, near 0 for the worst,
where numbers have the most digits; for a long position that of the return), or counts of cells; a `MultinomialTest`
leaves. With several levels the shape of the tail is tested, which is a test of expected shortfall by quantiles. The
order of time does not matter.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from volkit.checks import check_confidence, check_count, check_floats
from volkit.errors import DataError
from volkit.results import ResultDisplay, freeze
from volkit.validation.power import SIGNIFICANCE

__all__ = ["MultinomialTest", "check_pit", "multinomial_from_counts", "multinomial_test", "tail_probabilities"]

_METHODS = ("Pearson", "Nass", "likelihood ratio")
_TIE = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MultinomialTest(ResultDisplay):
    """Outcome of the multinomial tests.

    Attributes
    ----------
    table : DataFrame, shape (3, 10)
        Index the method: Pearson, Nass, likelihood ratio. Columns statistic, degrees_of_freedom, p_value and
        critical_value (law for long samples), exact_p_value and exact_critical_value (simulated, NaN without draws),
        size, power (exceptions twice as often: a volatility too low) and power_heavy_tail (the law of the losses is
        Student t with 3 degrees of freedom and the model normal), all at 5 %, and n_draws.
    cells : DataFrame, shape (n_levels + 1, 3)
        Index the level (a probability) where a cell begins, 0 for losses within the margin; columns observed and
        expected (counts) and probability.
    confidence : float
        Target of the margin, where the first cell of the tail begins.
    n_obs, n_exceptions, n_missing : int
        Known observations, those above `confidence`, and missing ones.
    n_draws : int
        Simulated samples behind exact values; 0 for none.
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    confidence: float
    n_obs: int
    n_exceptions: int
    n_missing: int = 0
    n_draws: int = 0

    @property
    def headline(self) -> str:
        """Nass's p-value, exceptions and levels in one line."""
        p = self.table.loc["Nass", "p_value"]
        simulated = f" (simulated {self.table.loc['Nass', 'exact_p_value']:.3g})" if self.n_draws else ""
        counts = f"{self.n_exceptions} exceptions in {self.n_obs} over {len(self.cells) - 1} levels"
        return f"multinomial, Nass: p = {p:.3g}{simulated}, {counts} from {self.confidence:g}"

    def summary(self) -> pd.DataFrame:
        """Return statistic, degrees of freedom, p-values and power by method (probabilities)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the cells (counts, probabilities)."""
        return self.cells


def check_pit(pit: npt.ArrayLike, *, argument: str = "pit") -> npt.NDArray[np.float64]:
    """Return probability integral transforms of losses as an array of probabilities and NaN.

    Parameters
    ----------
    pit : array, shape (n,)
        Model's probability of a loss of at least what came; NaN where missing.
    argument : str
        Name of the argument for messages.

    Returns
    -------
    ndarray, shape (n,)
        From 0 to 1, NaN stays.

    Raises
    ------
    DataError
        For another shape, values outside 0 to 1, or none known.

    Examples
    --------
    >>> check_pit([0.8, None, 0.005]).tolist()
    [0.8, nan, 0.005]
    """
    remedy = "pass the probability of a larger loss, e.g. norm.sf(losses / volatility)"
    values = check_floats(pit, argument="pit")
    known = values[~np.isnan(values)]
    if values.ndim != 1 or not known.size:
        raise DataError(argument, "must be one row with a known value", f"shape {values.shape}", remedy)
    if known.min() < 0.0 or known.max() > 1.0:
        raise DataError(argument, "must be probabilities", f"{known.min():g} to {known.max():g}", remedy)
    return values


def tail_probabilities(confidence: float, *, n_levels: int = 4) -> npt.NDArray[np.float64]:
    """Return the probabilities of the cells: within the margin, then equal parts of the tail, the worst last.

    Parameters
    ----------
    confidence : float
        Target of the margin.
    n_levels : int
        Parts of the tail.

    Returns
    -------
    ndarray, shape (n_levels + 1,)
        Probabilities that sum to 1.

    Raises
    ------
    ArgumentError
        For a confidence outside 0.5 to 1, or no levels.

    Examples
    --------
    >>> tail_probabilities(0.96).round(6).tolist()
    [0.96, 0.01, 0.01, 0.01, 0.01]
    """
    level = check_confidence(confidence)
    parts = check_count(n_levels, argument="n_levels", unit="levels")
    return np.concatenate([[level], np.full(parts, (1.0 - level) / parts)])


def multinomial_test(
    pit: npt.ArrayLike, *, confidence: float, n_levels: int = 4, n_draws: int = 0, seed: int = 0
) -> MultinomialTest:
    """Return the multinomial tests of losses beyond several levels.

    Parameters
    ----------
    pit : array, shape (n,)
        Probability of a loss of at least what came, near 0 for the worst; missing values are left out.
    confidence : float
        Target of the margin: the lowest level.
    n_levels : int
        Levels, which cut the tail into parts of equal probability; 4 is the authors' choice.
    n_draws : int
        Simulated samples behind exact values, size and power; 0 for none.
    seed : int
        Of the draws.

    Returns
    -------
    MultinomialTest
        See `multinomial_from_counts`. A value at a level belongs to the cell below it.

    Raises
    ------
    DataError
        For values outside 0 to 1, or none known.
    ArgumentError
        For a confidence outside 0.5 to 1, no levels, or from 1 to 99 draws.

    Examples
    --------
    >>> multinomial_test(np.arange(1, 1001) / 1001, confidence=0.95)
    <MultinomialTest: multinomial, Nass: p = 0.999, 50 exceptions in 1000 over 4 levels from 0.95>
    """
    values = check_pit(pit)
    probabilities = tail_probabilities(confidence, n_levels=n_levels)
    tails = np.cumsum(probabilities[:0:-1])  # probabilities beyond the levels, from the worst down
    known = values[~np.isnan(values)]
    # Strict, as every exception: what equals a level has not exceeded it.
    counts = np.bincount(np.searchsorted(tails, known, side="right"), minlength=n_levels + 1)[::-1]
    return _tested(counts, confidence=confidence, n_missing=len(values) - len(known), n_draws=n_draws, seed=seed)


def multinomial_from_counts(
    counts: npt.ArrayLike, *, confidence: float, n_draws: int = 0, seed: int = 0
) -> MultinomialTest:
    """Return the multinomial tests from the counts of cells.

    Parameters
    ----------
    counts : array of int, shape (n_levels + 1,)
        Losses within the margin, then in each part of the tail, the worst last; parts have equal probability.
    confidence : float
        Target of the margin.
    n_draws : int
        Simulated samples behind exact values, size and power; 0 for none.
    seed : int
        Of the draws.

    Returns
    -------
    MultinomialTest
        Statistics without unit, probabilities, counts.

    Raises
    ------
    DataError
        For counts that are negative, not whole, fewer than two, or all zero.
    ArgumentError
        For a confidence outside 0.5 to 1, or from 1 to 99 draws.

    Notes
    -----
    With counts O_i, n in all, and probabilities p_i of k + 1 cells ([1]_, section 2):
    Pearson, sum (O_i - n p_i)^2 / (n p_i), chi-squared with k degrees of freedom;
    Nass, c times Pearson, chi-squared with nu = c k, c = 2 k / V, V = 2 k - (k^2 + 4 k + 1) / n + sum (1 / p_i) / n;
    likelihood ratio, 2 sum O_i ln(O_i / (n p_i)) with 0 ln 0 = 0, chi-squared with k. Cells without losses are usual
    and not degenerate. Nass's keeps its size best of the three: with 250 losses at
    0.99 a nominal 5 % test rejects 4 % of right models by Nass's, 10 % by Pearson's and 2 % by the ratio.

    References
    ----------
    .. [1] Kratz, M., Lok, Y. and McNeil, A. (2018), Multinomial VaR backtests: a simple implicit approach to
       backtesting expected shortfall, Journal of Banking & Finance 88, 393-407.

    Examples
    --------
    >>> test = multinomial_from_counts([959, 5, 8, 12, 16], confidence=0.95)
    >>> test.table["p_value"].round(4).to_dict()
    {'Pearson': 0.1254, 'Nass': 0.1279, 'likelihood ratio': 0.069}
    """
    return _tested(np.asarray(counts), confidence=confidence, n_missing=0, n_draws=n_draws, seed=seed)


def _tested(
    counts: npt.NDArray[np.generic], *, confidence: float, n_missing: int, n_draws: int, seed: int
) -> MultinomialTest:
    if counts.ndim != 1 or len(counts) < 2 or counts.dtype.kind not in "iu" or np.min(counts) < 0 or not counts.any():
        remedy = "pass losses within the margin first, then each part of the tail"
        raise DataError("counts", "must be at least two whole numbers", f"{counts.tolist()}", remedy)
    n = int(np.sum(counts))
    p = tail_probabilities(confidence, n_levels=len(counts) - 1)
    statistic, freedom = _statistics(counts[None, :].astype(np.float64), p)
    p_value = stats.chi2.sf(statistic[0], freedom)
    columns = {
        "statistic": statistic[0],
        "degrees_of_freedom": freedom,
        "p_value": p_value,
        "critical_value": stats.chi2.isf(SIGNIFICANCE, freedom),
    }
    exact = dict.fromkeys(["exact_p_value", "exact_critical_value", "size", "power", "power_heavy_tail"], np.nan)
    table = pd.DataFrame({**columns, **exact, "n_draws": n_draws}, index=pd.Index(_METHODS, name="method"))
    if n_draws:
        draws = check_count(n_draws, argument="n_draws", minimum=100, unit="draws")
        drawn = _draws(n, float(confidence), len(p) - 1, draws, seed)
        right = np.sort(drawn["size"], axis=0)
        small = [np.searchsorted(c, v * (1.0 + _TIE), side="right") for c, v in zip(right.T, p_value, strict=True)]
        table["exact_p_value"] = (np.array(small) + 1.0) / (draws + 1.0)
        at = np.quantile(right, SIGNIFICANCE, axis=0, method="inverted_cdf")
        table["exact_critical_value"] = stats.chi2.isf(at, freedom)
        for column, values in drawn.items():
            table[column] = (values < SIGNIFICANCE).mean(axis=0)
    starts = np.concatenate([[0.0], 1.0 - np.cumsum(p[:0:-1])[::-1]])
    cells = pd.DataFrame(
        {"observed": counts, "expected": n * p, "probability": p}, index=pd.Index(starts, name="level")
    )
    return MultinomialTest(
        table=freeze(table),
        cells=freeze(cells),
        confidence=float(confidence),
        n_obs=n,
        n_exceptions=n - int(counts[0]),
        n_missing=n_missing,
        n_draws=n_draws,
    )


def _statistics(
    counts: npt.NDArray[np.float64], p: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return Pearson's, Nass's and the likelihood-ratio statistic of each row, and their degrees of freedom."""
    n, k = counts[0].sum(), len(p) - 1
    expected = n * p
    pearson = np.sum((counts - expected) ** 2 / expected, axis=1)
    c = 2.0 * k / (2.0 * k - (k**2 + 4.0 * k + 1.0) / n + np.sum(1.0 / p) / n)
    ratio = 2.0 * special.rel_entr(counts, expected).sum(axis=1)
    return np.column_stack([pearson, c * pearson, np.maximum(ratio, 0.0)]), np.array([k, c * k, k])


@lru_cache(maxsize=64)
def _draws(n: int, confidence: float, k: int, n_draws: int, seed: int) -> dict[str, npt.NDArray[np.float64]]:
    """Long-sample p-values of drawn samples, shape (n_draws, 3), by what the losses are."""
    p = tail_probabilities(confidence, n_levels=k)
    bounds = stats.norm.isf(np.cumsum(p[:0:-1])[::-1])
    laws = {"size": bounds, "power_heavy_tail": bounds * np.sqrt(3.0)}
    if confidence > 0.75:  # twice the tail must stay below one half for a volatility to be behind it
        laws["power"] = bounds * stats.norm.isf(2.0 * (1.0 - confidence)) / bounds[0]
    drawn = {}
    for column, at in laws.items():
        tail = stats.t.sf(at, 3) if column == "power_heavy_tail" else stats.norm.sf(at)
        cells = np.concatenate([[1.0 - tail[0]], -np.diff(tail, append=0.0)])
        counts = np.random.default_rng(seed).multinomial(n, cells, size=n_draws)
        drawn[column] = stats.chi2.sf(*_statistics(counts.astype(np.float64), p))
    return drawn
