"""Laws of the tests in a sample of this length and with these holes: size, power, and p-values that hold.

Chi-squared laws are for long samples, and exceptions of a good margin are few. Where the law is a finite sum
(Kupiec, see `power`; time until the first failure, see `time_between`) it is summed; here it is drawn: many samples of
exceptions from a right margin, from one exceeded twice as often, and from one of the right rate whose exceptions
cluster. Draws are seeded and kept in memory, and every test shares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_choice, check_confidence, check_count, check_fraction
from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.results import ResultDisplay, freeze
from volkit.validation.outcome import MarginTest
from volkit.validation.power import SIGNIFICANCE, kupiec_statistic

__all__ = ["TESTS", "ExceptionLaw", "TestName", "exception_law", "kupiec_exact_p_value", "with_law"]

TestName: TypeAlias = Literal[
    "kupiec",
    "tuff",
    "independence",
    "conditional_coverage",
    "time_between",
    "time_between_mixed",
    "duration",
    "dynamic_quantile",
]
# In the order of the kernels' columns.
TESTS: tuple[TestName, ...] = (
    "kupiec",
    "tuff",
    "independence",
    "conditional_coverage",
    "time_between",
    "time_between_mixed",
    "duration",
    "dynamic_quantile",
)
_AnyTest = TypeVar("_AnyTest", bound=MarginTest)
# A statistic that differs by rounding only is the same one: counts are whole numbers and ties are common.
_TIE = 1e-9
# Correlation of an exception with the next one in the samples that cluster.
_CLUSTERING = 0.2
# With a regressor of its own a cell draws for itself; without one, cells of the same length share.
_KEPT = 64
# From here on a first exception is never followed by a day without one.
_MOST_CLUSTERING = 0.95


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ExceptionLaw(ResultDisplay):
    """Simulated laws of the tests of exceptions, for one length, one pattern of holes and one target.

    Attributes
    ----------
    table : DataFrame, shape (8, 4)
        Index the test; columns `size`, `power` (exceptions twice as often), `power_clustered` (right rate, clustered)
        and `undefined_share`, all probabilities. Size and power count a rejection at 5 % by the law for long samples;
        an undefined test does not reject.
    p_values : dict of test to ndarray
        Long-sample p-values of the draws from a right margin that leave the test defined, ascending.
    n_obs, n_runs : int
        Known observations, and runs of them without a hole.
    confidence : float
        Target of the margin.
    alternative : float
        Exception rate behind `power`, a fraction.
    clustering : float
        Correlation of neighbouring exceptions behind `power_clustered`.
    n_draws, seed : int
        Samples of each kind, and their seed.
    """

    table: pd.DataFrame
    p_values: dict[TestName, npt.NDArray[np.float64]]
    n_obs: int
    n_runs: int
    confidence: float
    alternative: float
    clustering: float
    n_draws: int
    seed: int

    def p_value(self, test: TestName, long_sample_p_value: float) -> float:
        """Return the share of right margins whose p-value is at most this one (a probability); NaN for NaN.

        Counted among the samples that leave the test defined, the sample at hand with them, so that the probability
        is never 0 and the test is valid with any number of draws.

        Raises
        ------
        ArgumentError
            For an unknown test.
        """
        drawn = self.p_values[check_test(test)]
        if np.isnan(long_sample_p_value):
            return np.nan
        as_small = int(np.searchsorted(drawn, long_sample_p_value * (1.0 + _TIE), side="right"))
        return (as_small + 1) / (len(drawn) + 1)

    def critical_value(self, test: TestName, degrees_of_freedom: float) -> float:
        """Return the statistic that 5 % of right margins exceed (without unit); NaN when no draw is defined.

        Raises
        ------
        ArgumentError
            For an unknown test.
        """
        drawn = self.p_values[check_test(test)]
        if not len(drawn):
            return np.nan
        return float(stats.chi2.isf(np.quantile(drawn, SIGNIFICANCE, method="inverted_cdf"), degrees_of_freedom))

    @property
    def headline(self) -> str:
        """Length, target and draws in one line."""
        holes = f" in {self.n_runs} runs" if self.n_runs > 1 else ""
        return f"{self.n_obs} observations{holes} at {self.confidence:g}, {self.n_draws} simulated samples"

    def summary(self) -> pd.DataFrame:
        """Return size, power and undefined share by test (probabilities)."""
        return self.table

    def to_frame(self) -> pd.DataFrame:
        """Return the same table, tidy: one row a test and quantity (probability)."""
        return self.table.rename_axis(columns="quantity").stack().rename("probability").reset_index()


def exception_law(
    run_lengths: int | Sequence[int],
    *,
    confidence: float,
    margins: npt.NDArray[np.float64] | None = None,
    lags: int = 4,
    clustering: float = _CLUSTERING,
    n_draws: int = 10_000,
    seed: int = 0,
) -> ExceptionLaw:
    """Return simulated laws of all tests of exceptions for samples of a given length.

    Parameters
    ----------
    run_lengths : int or sequence of int
        Observations of each run without a hole, in order of time; one number for a sample without holes.
    confidence : float
        Target of the margin.
    margins : ndarray, shape (n_obs,), optional
        Margin of each known observation, in any unit, the regressor of the dynamic quantile test; without it, or when
        constant, the test has a constant and lagged exceptions only.
    lags : int
        Of the dynamic quantile test, in periods.
    clustering : float
        Correlation of neighbouring exceptions in the samples that cluster, from 0 to 1: after an exception the next
        has probability p + clustering (1 - p).
    n_draws : int
        Samples of each kind, at least 100. The standard error of a probability of 0.05 from 10,000 is 0.002.
    seed : int
        Of the draws.

    Returns
    -------
    ExceptionLaw
        The same arguments give the same object, kept in memory.

    Raises
    ------
    ArgumentError
        For a length below 1, other margins than observations, a confidence outside 0.5 to 1, a clustering outside 0
        to 1, negative lags or fewer than 100 draws.

    Notes
    -----
    A Monte Carlo test in the sense of Dufour [1]_, as Christoffersen and Pelletier use it for durations [2]_. Draws
    are ranked by their long-sample p-value, so that tests whose degrees of freedom change with the sample compare.

    References
    ----------
    .. [1] Dufour, J.-M. (2006), Monte Carlo tests with nuisance parameters, Journal of Econometrics 133, 443-477.
    .. [2] Christoffersen, P. and Pelletier, D. (2004), Backtesting Value-at-Risk: a duration-based approach, Journal of
       Financial Econometrics 2(1), 84-108, section 4.

    Examples
    --------
    >>> law = exception_law(250, confidence=0.99, n_draws=2000)
    >>> law
    <ExceptionLaw: 250 observations at 0.99, 2000 simulated samples>
    >>> bool(0.08 < law.table.loc["kupiec", "size"] < 0.11)
    True
    """
    lengths = list(run_lengths) if isinstance(run_lengths, (Sequence, np.ndarray)) else [run_lengths]
    lengths = [check_count(length, argument="run_lengths", unit="observations") for length in lengths]
    if not lengths:
        raise ArgumentError("run_lengths", "must hold at least one run", "none", "pass the number of observations")
    values = np.zeros(0) if margins is None else np.asarray(margins, dtype=np.float64)
    if margins is not None and (values.shape != (sum(lengths),) or not np.isfinite(values).all()):
        remedy = "pass the margins of the known observations only"
        raise ArgumentError("margins", f"must be {sum(lengths)} finite numbers", f"shape {values.shape}", remedy)
    return _law(
        np.asarray(lengths, dtype=np.int64).tobytes(),
        values.tobytes(),
        check_confidence(confidence),
        check_count(lags, argument="lags", minimum=0),
        _check_clustering(clustering),
        check_count(n_draws, argument="n_draws", minimum=100, unit="draws"),
        check_count(seed, argument="seed", minimum=0, unit="(a seed)"),
    )


def with_law(test: _AnyTest, name: TestName, law: ExceptionLaw) -> _AnyTest:
    """Return the test with p-value, critical value, size and power (all probabilities but one) from a simulated law.

    Examples
    --------
    >>> law = exception_law(250, confidence=0.99, n_draws=2000)
    >>> bare = MarginTest(name="x", statistic=9.0, degrees_of_freedom=1, p_value=0.0027, n_obs=250, n_exceptions=7,
    ...                   confidence=0.99)
    >>> with_law(bare, "kupiec", law).n_draws
    2000
    """
    row = law.table.loc[name]
    critical = np.nan if test.reason else law.critical_value(name, test.degrees_of_freedom)
    return replace(
        test,
        exact_p_value=law.p_value(name, test.p_value),
        exact_critical_value=critical,
        size=float(row["size"]),
        power=float(row["power"]),
        power_clustered=float(row["power_clustered"]),
        undefined_share=float(row["undefined_share"]),
        n_draws=law.n_draws,
    )


def kupiec_exact_p_value(n_exceptions: int, n_obs: int, *, confidence: float) -> float:
    """Return the exact probability, under a right margin, of a Kupiec ratio at least as large as this count's.

    Parameters
    ----------
    n_exceptions, n_obs : int
        Numbers of exceptions and of observations.
    confidence : float
        Target of the margin.

    Returns
    -------
    float
        Probability, both sides.

    Raises
    ------
    ArgumentError
        For impossible counts, or a confidence outside 0.5 to 1.

    Notes
    -----
    A finite sum of binomial probabilities, for independent exceptions only.

    Examples
    --------
    >>> round(kupiec_exact_p_value(0, 250, confidence=0.99), 4), round(kupiec_exact_p_value(7, 250, confidence=0.99), 4)
    (0.0948, 0.0137)
    """
    ratio = kupiec_statistic(n_exceptions, n_obs, confidence=confidence)
    counts = np.arange(n_obs + 1)
    as_large = kupiec_statistic(counts, n_obs, confidence=confidence) >= ratio * (1.0 - _TIE)
    return float(min(stats.binom.pmf(counts[as_large], n_obs, 1.0 - confidence).sum(), 1.0))


def check_test(test: TestName) -> TestName:
    """Return the name of a test (a text) when its law is simulated here.

    Examples
    --------
    >>> check_test("duration")
    'duration'
    """
    check_choice(test, argument="test", choices=TESTS)
    return test


def _check_clustering(clustering: float) -> float:
    share = check_fraction(clustering, argument="clustering")
    if share > _MOST_CLUSTERING:
        remedy = "pass the chance that a further exception follows, e.g. 0.2"
        raise ArgumentError("clustering", f"must be at most {_MOST_CLUSTERING}", f"{clustering!r}", remedy)
    return share


@lru_cache(maxsize=_KEPT)
def _law(
    lengths: bytes, margins: bytes, confidence: float, lags: int, clustering: float, n_draws: int, seed: int
) -> ExceptionLaw:
    runs = np.frombuffer(lengths, dtype=np.int64)
    ends = np.cumsum(runs)
    starts = ends - runs
    regressor = centred_regressor(np.frombuffer(margins), starts, ends, lags)
    p = 1.0 - confidence
    rates = {"size": (p, p), "power": (2.0 * p, 2.0 * p), "power_clustered": (p, p + clustering * (1.0 - p))}
    kernels = load_kernels("volkit.validation._exceptions")
    drawn = {}
    for column, (rate, again) in rates.items():
        values, freedoms = np.empty((2, n_draws, len(TESTS)))
        rng = np.random.default_rng(seed)
        kernels.draw_statistics(rng, starts, ends, regressor, p, rate, again, lags, values, freedoms)
        drawn[column] = stats.chi2.sf(values, freedoms)
    table = pd.DataFrame({c: np.mean(v < SIGNIFICANCE, axis=0) for c, v in drawn.items()}, index=list(TESTS))
    table["undefined_share"] = np.isnan(drawn["size"]).mean(axis=0)
    right = [np.sort(column[~np.isnan(column)]) for column in drawn["size"].T]
    return ExceptionLaw(
        table=freeze(table.rename_axis("test")),
        p_values=dict(zip(TESTS, right, strict=True)),
        n_obs=int(ends[-1]),
        n_runs=len(runs),
        confidence=confidence,
        alternative=2.0 * p,
        clustering=clustering,
        n_draws=n_draws,
        seed=seed,
    )


def centred_regressor(
    margins: npt.NDArray[np.float64], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], lags: int
) -> npt.NDArray[np.float64]:
    """Return what the kernels know of the margins, shape (3 + n_obs,): 0, number of rows, squares, centred margins.

    A margin that does not move gives zeros, and the rank of the design is one lower.

    Examples
    --------
    >>> centred_regressor(np.array([1.0, 2.0, 3.0]), np.array([0]), np.array([3]), 1).tolist()
    [0.0, 2.0, 0.5, -1.5, -0.5, 0.5]
    """
    rows = np.concatenate([np.arange(start + lags, end) for start, end in zip(starts, ends, strict=True)])
    out = np.zeros(3 + int(ends[-1]))
    out[1] = len(rows)
    if len(margins) and len(rows):
        level = margins[rows].mean()
        if np.ptp(margins[rows]) > _TIE * abs(level):
            out[3:] = margins - level
            out[2] = np.sum(out[3:][rows] ** 2)
    return out
