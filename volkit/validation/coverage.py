"""Tests of coverage: do exceptions come as often as promised?

Hits enter (one flag an observation: the loss was strictly above the margin), or counts of them; a
`CoverageTest` leaves. Nothing here knows where the hits come from. Every test looks both ways: too few
exceptions (a margin that costs too much) count against it as well as too many.

A missing hit (NaN, None, NA) is left out of every count and reported in `n_missing`. Rows that are absent
altogether cannot be seen here; reindex to the full clock first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count, real_floats
from volkit.errors import ArgumentError, DataError
from volkit.results import ResultDisplay
from volkit.validation.power import SIGNIFICANCE, kupiec_power, kupiec_size, kupiec_statistic

__all__ = [
    "CoverageTest",
    "Hits",
    "binomial_from_counts",
    "binomial_test",
    "check_counts",
    "check_hits",
    "kupiec_from_counts",
    "kupiec_test",
]

Hits: TypeAlias = Sequence[bool | float | None] | npt.NDArray[np.generic] | pd.Series


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CoverageTest(ResultDisplay):
    """Outcome of one test on hits.

    Attributes
    ----------
    name : str
        Test in words, e.g. ``Kupiec POF``.
    statistic : float
        Likelihood ratio or z, without unit; NaN when the test is degenerate.
    p_value : float
        Probability under the law for long samples; NaN when the test is degenerate.
    degrees_of_freedom : int or None
        Of the chi-squared law; None for a normal law.
    n_obs : int
        Observations that were counted; for the independence test pairs of neighbours.
    n_exceptions : int
        Exceptions among them; for the independence test pairs whose second member is an exception.
    confidence : float or None
        Target of the margin; None for the independence test, which has no target.
    exact_p_value : float
        Two-sided binomial probability; NaN where there is none.
    size : float
        Exact probability of a rejection at 5 % when the margin is right; NaN except for Kupiec's test.
    power : float
        Exact probability of a rejection at 5 % when exceptions come at the rate `alternative`; NaN except
        for Kupiec's test.
    alternative : float
        Twice the promised exception rate, a fraction; NaN where there is no `power`.
    n_missing : int
        Missing hits that were left out; 0 when the test was made from counts.
    reason : str
        Why the statistic is NaN; empty otherwise.
    """

    name: str
    statistic: float
    p_value: float
    degrees_of_freedom: int | None
    n_obs: int
    n_exceptions: int
    confidence: float | None
    exact_p_value: float = np.nan
    size: float = np.nan
    power: float = np.nan
    alternative: float = np.nan
    n_missing: int = 0
    reason: str = ""

    @property
    def exception_rate(self) -> float:
        """Exceptions per observation, a fraction; NaN without observations."""
        return self.n_exceptions / self.n_obs if self.n_obs else np.nan

    @property
    def expected_exceptions(self) -> float:
        """Exceptions that the target promises on `n_obs` observations; NaN without a target."""
        return np.nan if self.confidence is None else self.n_obs * (1.0 - self.confidence)

    @property
    def headline(self) -> str:
        """Test, p-value or reason, and exceptions beside their target."""
        verdict = f"undefined ({self.reason})" if self.reason else f"p = {self.p_value:.3g}"
        target = "" if self.confidence is None else f", target {1.0 - self.confidence:.3g}"
        rate = f"{self.n_exceptions} exceptions in {self.n_obs} (rate {self.exception_rate:.3g}{target})"
        return f"{self.name}: {verdict}, {rate}"

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity that the test has, unit in the label: value, target (or NaN) and note."""
        law = "z" if self.degrees_of_freedom is None else f"chi-squared, {self.degrees_of_freedom} df"
        promised = np.nan if self.confidence is None else 1.0 - self.confidence
        rows = {
            "observations (count)": (self.n_obs, np.nan, ""),
            "missing (count)": (self.n_missing, 0, ""),
            "exceptions (count)": (self.n_exceptions, self.expected_exceptions, ""),
            "exception rate (fraction)": (self.exception_rate, promised, ""),
            f"statistic ({law})": (self.statistic, np.nan, self.reason),
            "p-value (probability)": (self.p_value, np.nan, ""),
        }
        if not np.isnan(self.exact_p_value):
            rows["exact p-value (probability)"] = (self.exact_p_value, np.nan, "")
        if not np.isnan(self.size):
            rows["size of the 5 % test (probability)"] = (self.size, SIGNIFICANCE, "")
            rows[f"power against a rate of {self.alternative:.3g} (probability)"] = (self.power, np.nan, "")
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "target", "note"])
        return table.astype({"value": float, "target": float}).rename_axis(self.name)


def check_hits(hits: Hits, *, argument: str = "hits") -> npt.NDArray[np.float64]:
    """Return hits as an array of 0, 1 and NaN.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True or 1 where the loss was strictly above the margin, False or 0 where not; NaN, None or NA where
        unknown. In order of time.
    argument : str
        Name of the argument for messages.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN stays where it came.

    Raises
    ------
    DataError
        When hits are not one-dimensional flags, or none is known.

    Examples
    --------
    >>> check_hits([False, None, True])
    array([ 0., nan,  1.])
    """
    remedy = "pass one flag an observation, e.g. losses > margin"
    try:
        values = real_floats(pd.Series(hits))
    except (TypeError, ValueError) as error:
        raise DataError(argument, "must be one-dimensional flags", str(error), remedy) from error
    known = values[~np.isnan(values)]
    if known.size == 0:
        raise DataError(argument, "must hold at least one known flag", f"{values.size} values, none known", remedy)
    strange = known[(known != 0.0) & (known != 1.0)]
    if strange.size:
        got = f"{strange.size} other values, first {strange[0]:g}"
        raise DataError(argument, "must be True, False or missing", got, remedy)
    return np.asarray(values, dtype=np.float64)


def check_counts(n_exceptions: int, n_obs: int) -> tuple[int, int]:
    """Return exceptions and observations (both counts) when the first can be part of the second.

    Raises
    ------
    ArgumentError
        For counts that are negative or not whole, no observations, or more exceptions than observations.

    Examples
    --------
    >>> check_counts(17, 1043)
    (17, 1043)
    """
    n = check_count(n_obs, argument="n_obs", unit="observations")
    x = check_count(n_exceptions, argument="n_exceptions", minimum=0, unit="exceptions")
    if x > n:
        remedy = "pass the number of exceptions first, then the number of observations"
        raise ArgumentError("n_exceptions", f"must be at most n_obs={n}", str(x), remedy)
    return x, n


def kupiec_test(hits: Hits, *, confidence: float) -> CoverageTest:
    """Return Kupiec's proportion-of-failures test of hits.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin; missing values are left out.
    confidence : float
        Target of the margin, 0.99 for an exception rate of 1 %.

    Returns
    -------
    CoverageTest
        See `kupiec_from_counts`. The order of hits does not matter.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Examples
    --------
    >>> kupiec_test([False] * 240 + [True] * 10, confidence=0.99)
    <CoverageTest: Kupiec POF: p = 0.000319, 10 exceptions in 250 (rate 0.04, target 0.01)>
    """
    values = check_hits(hits)
    x, n, n_missing = _counted(values)
    return replace(kupiec_from_counts(x, n, confidence=confidence), n_missing=n_missing)


def kupiec_from_counts(n_exceptions: int, n_obs: int, *, confidence: float) -> CoverageTest:
    """Return Kupiec's proportion-of-failures test, with its exact size and power.

    Parameters
    ----------
    n_exceptions, n_obs : int
        Numbers of exceptions and of observations.
    confidence : float
        Target of the margin.

    Returns
    -------
    CoverageTest
        Chi-squared with one degree of freedom; `power` is against twice the promised exception rate.

    Raises
    ------
    ArgumentError
        For impossible counts, or a confidence outside 0.5 to 1.

    Notes
    -----
    Formula and source: `volkit.validation.power.kupiec_statistic`. Without exceptions the ratio is
    -2 n ln(confidence) and well defined. Do not read the p-value of a short sample without `size`.

    Examples
    --------
    >>> test = kupiec_from_counts(17, 1043, confidence=0.99)
    >>> round(test.statistic, 4), round(test.p_value, 4), round(test.size, 3), round(test.power, 3)
    (3.5118, 0.0609, 0.042, 0.767)
    """
    x, n = check_counts(n_exceptions, n_obs)
    statistic = float(kupiec_statistic(x, n, confidence=confidence))
    alternative = 2.0 * (1.0 - confidence)
    return CoverageTest(
        name="Kupiec POF",
        statistic=statistic,
        p_value=float(stats.chi2.sf(statistic, 1)),
        degrees_of_freedom=1,
        n_obs=n,
        n_exceptions=x,
        confidence=float(confidence),
        size=kupiec_size(n, confidence=confidence),
        power=kupiec_power(n, confidence=confidence, alternative=alternative),
        alternative=alternative,
    )


def binomial_test(hits: Hits, *, confidence: float) -> CoverageTest:
    """Return the binomial test of hits: z and the exact two-sided probability.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin; missing values are left out.
    confidence : float
        Target of the margin.

    Returns
    -------
    CoverageTest
        See `binomial_from_counts`.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Examples
    --------
    >>> round(binomial_test([False] * 240 + [True] * 10, confidence=0.99).exact_p_value, 6)
    0.00025
    """
    values = check_hits(hits)
    x, n, n_missing = _counted(values)
    return replace(binomial_from_counts(x, n, confidence=confidence), n_missing=n_missing)


def binomial_from_counts(n_exceptions: int, n_obs: int, *, confidence: float) -> CoverageTest:
    """Return the binomial test: z with its normal p-value, and the exact two-sided probability.

    Parameters
    ----------
    n_exceptions, n_obs : int
        Numbers of exceptions and of observations.
    confidence : float
        Target of the margin.

    Returns
    -------
    CoverageTest
        `statistic` is z, `p_value` two-sided normal, `exact_p_value` two-sided binomial; no size or power.

    Raises
    ------
    ArgumentError
        For impossible counts, or a confidence outside 0.5 to 1.

    Notes
    -----
    z = (x - n p) / sqrt(n p (1 - p)) with p = 1 - confidence. The exact probability sums all counts that are
    at most as likely as x. Prefer it to z while n p is small: below about 10 the normal law is a poor one.

    Examples
    --------
    >>> test = binomial_from_counts(57, 1043, confidence=0.95)
    >>> round(test.statistic, 4), round(test.p_value, 4), round(test.exact_p_value, 4)
    (0.6891, 0.4908, 0.4772)
    """
    x, n = check_counts(n_exceptions, n_obs)
    p = 1.0 - check_confidence(confidence)
    z = (x - n * p) / np.sqrt(n * p * (1.0 - p))
    return CoverageTest(
        name="binomial",
        statistic=float(z),
        p_value=float(2.0 * stats.norm.sf(abs(z))),
        degrees_of_freedom=None,
        n_obs=n,
        n_exceptions=x,
        confidence=float(confidence),
        exact_p_value=float(stats.binomtest(x, n, p).pvalue),
    )


def _counted(values: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    known = ~np.isnan(values)
    return int(values[known].sum()), int(known.sum()), int((~known).sum())
