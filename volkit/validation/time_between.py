"""Tests of the time until the first exception, and of the times between exceptions: Kupiec's TUFF, Haas's TBFI and TBF.

Hits enter in order of time (True where the loss was strictly above the margin); a `MarginTest` leaves. A time across a
missing hit is not formed: the first exception after a hole has no time before it, and the counts say so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from volkit.checks import check_confidence, check_count
from volkit.errors import DataError
from volkit.validation.coverage import Hits, check_hits, kupiec_from_counts
from volkit.validation.exact import exception_law, with_law
from volkit.validation.outcome import MarginTest, known_runs
from volkit.validation.power import SIGNIFICANCE

__all__ = [
    "TimeBetweenTest",
    "time_between_from_ratio",
    "time_between_test",
    "times_between",
    "tuff_from_first_failure",
    "tuff_statistic",
    "tuff_test",
]

_CRITICAL = float(stats.chi2.isf(SIGNIFICANCE, 1))
_TIE = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TimeBetweenTest(MarginTest):
    """Outcome of a test of times between exceptions; what `MarginTest` has, and the times.

    Attributes
    ----------
    times : ndarray of int, shape (n_times,)
        Times between exceptions that were tested, in periods, read-only.
    """

    times: npt.NDArray[np.int64]

    def _details(self) -> dict[str, tuple[float, float, str]]:
        missing = self.n_exceptions - len(self.times)
        words = f"{missing} exceptions open a run after a hole" if missing and len(self.times) else ""
        mean = float(self.times.mean()) if len(self.times) else np.nan
        return {
            "times between exceptions (count)": (len(self.times), np.nan, words),
            "mean time (periods)": (mean, 1.0 / (1.0 - self.confidence), ""),
        }


def tuff_statistic(time: int | npt.NDArray[np.integer], *, confidence: float) -> npt.NDArray[np.float64]:
    """Return the likelihood ratio of the time until a failure, for one or many times.

    Parameters
    ----------
    time : int or ndarray of int, any shape
        Periods up to and with the failure, at least 1.
    confidence : float
        Target of the margin.

    Returns
    -------
    ndarray of float64, shape of `time`
        Without unit, at least 0 (0 at 1 / (1 - confidence)); about chi-squared with one degree of freedom.

    Raises
    ------
    DataError
        For a time below 1 or not whole.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Notes
    -----
    LR = -2 [ln p + (n - 1) ln(1 - p) + n ln n - (n - 1) ln(n - 1)] with p = 1 - confidence and 0 ln 0 = 0 [1]_.

    References
    ----------
    .. [1] Kupiec, P. (1995), Techniques for verifying the accuracy of risk measurement models, Journal of Derivatives
       3(2), 73-84, the test of the time until first failure.

    Examples
    --------
    >>> tuff_statistic(np.array([1, 20, 58]), confidence=0.95).round(4).tolist()
    [5.9915, 0.0, 1.7354]
    """
    p = 1.0 - check_confidence(confidence)
    n = np.asarray(time)
    if n.dtype.kind not in "iu" or (n < 1).any():
        raise DataError("time", "must be whole periods from 1", repr(time), "count the period of the failure too")
    ratio = 2.0 * (special.rel_entr(1.0, n * p) + special.rel_entr(n - 1.0, n * (1.0 - p)))
    return np.maximum(np.asarray(ratio, dtype=np.float64), 0.0)


def tuff_from_first_failure(time: int, *, confidence: float, n_obs: int | None = None) -> MarginTest:
    """Return Kupiec's test of the time until the first failure, with its exact law.

    Parameters
    ----------
    time : int
        Periods up to and with the first failure.
    confidence : float
        Target of the margin.
    n_obs : int, optional
        Periods that were watched, at least `time`; default as many as it took. Size and power depend on it.

    Returns
    -------
    MarginTest
        Chi-squared with one degree of freedom; `exact_p_value`, `size` and `power` are sums of geometric
        probabilities, `power_clustered` is NaN.

    Raises
    ------
    DataError
        For a time below 1 or not whole.
    ArgumentError
        For fewer observations than `time`, or a confidence outside 0.5 to 1.

    Notes
    -----
    Formula and source: `tuff_statistic`. One time says little: a 99 % margin that is exceeded twice too often is
    rejected in 11 % of all samples of 1,000. Prefer Kupiec's proportion of failures when the sample is complete.

    Examples
    --------
    >>> test = tuff_from_first_failure(58, confidence=0.95)
    >>> round(test.statistic, 4), round(test.p_value, 5)
    (1.7354, 0.18773)
    """
    statistic = float(tuff_statistic(time, confidence=confidence))
    n = check_count(time if n_obs is None else n_obs, argument="n_obs", minimum=int(time), unit="observations")
    return _tuff(statistic, n, n_exceptions=1, confidence=float(confidence))


def tuff_test(hits: Hits, *, confidence: float) -> MarginTest:
    """Return Kupiec's test of the time until the first failure, from hits.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time. What is missing at the start is passed
        over; the test ends at the next hole, since a failure may lie in it.
    confidence : float
        Target of the margin.

    Returns
    -------
    MarginTest
        As `tuff_from_first_failure`; `n_obs` counts the periods before the first hole. Without a failure in N periods
        there are three cases. N below 1 / (1 - confidence): nothing can be said, NaN with the reason. Above, and a
        failure in the very next period would reject at 5 %: every later one would too, so the statistic is that of
        N + 1, a lower bound, and the p-value an upper one (`note` says so). Otherwise NaN with the reason.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Examples
    --------
    >>> tuff_test([False] * 57 + [True], confidence=0.95)
    <MarginTest: TUFF: p = 0.188 (exact 0.239), 1 exceptions in 58 (rate 0.0172, target 0.05)>
    >>> tuff_test([False] * 10, confidence=0.95).reason
    'no exception in 10 periods, and none is due before 20'
    """
    values = check_hits(hits)
    p = 1.0 - check_confidence(confidence)
    run = known_runs(values)[0]
    n, failures = len(run), np.flatnonzero(run)
    time = int(failures[0]) + 1 if len(failures) else n + 1
    statistic = float(tuff_statistic(time, confidence=confidence))
    reason = note = ""
    if not len(failures):
        if n <= 1.0 / p:
            reason = f"no exception in {n} periods, and none is due before {1.0 / p:.4g}"
        elif statistic <= _CRITICAL:
            reason = f"no exception in {n} periods, which is not yet long enough to reject"
        else:
            note = f"no exception in {n} periods: the statistic is a lower bound"
    test = _tuff(statistic, n, n_exceptions=int(run.sum()), confidence=float(confidence), reason=reason)
    return replace(test, note=note, n_missing=int(np.isnan(values).sum()))


def times_between(hits: Hits) -> npt.NDArray[np.int64]:
    """Return the times between exceptions that no hole interrupts.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time.

    Returns
    -------
    ndarray of int, shape (n_times,)
        In periods. The first is the time from the start of the sample to its first exception, as in MathWorks'
        toolbox; an exception that opens a run after a hole has none. The open time at the end is left out.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.

    Examples
    --------
    >>> times_between([False, True, False, True, None, True, True]).tolist()
    [2, 2, 1]
    """
    times = []
    for i, run in enumerate(known_runs(check_hits(hits))):
        at = np.flatnonzero(run) + 1
        times.append(np.diff(at, prepend=0) if i == 0 else np.diff(at))
    return np.concatenate(times).astype(np.int64)


def time_between_from_ratio(
    ratio: float, n_times: int, *, coverage_ratio: float | None = None
) -> tuple[float, int, float]:
    """Return statistic, degrees of freedom and p-value of Haas's tests from their likelihood ratios.

    Parameters
    ----------
    ratio : float
        Sum of `tuff_statistic` over the times between exceptions.
    n_times : int
        Number of them.
    coverage_ratio : float, optional
        Kupiec's ratio of the proportion of failures; with it the mixed test of rate and independence, without it
        the test of independence.

    Returns
    -------
    tuple of float, int, float
        The statistic and its degrees of freedom have no unit; the p-value is chi-squared.

    Raises
    ------
    ArgumentError
        For no times.

    Examples
    --------
    >>> statistic, freedom, p_value = time_between_from_ratio(88.491, 57, coverage_ratio=0.46147)
    >>> round(statistic, 3), freedom, round(p_value, 7)
    (88.952, 58, 0.0055563)
    """
    freedom = check_count(n_times, argument="n_times", unit="times") + (coverage_ratio is not None)
    statistic = float(ratio) + float(coverage_ratio or 0.0)
    return statistic, freedom, float(stats.chi2.sf(statistic, freedom))


def time_between_test(
    hits: Hits, *, confidence: float, mixed: bool = True, n_draws: int = 0, seed: int = 0
) -> TimeBetweenTest:
    """Return Haas's test of the times between exceptions, alone or mixed with the proportion of failures.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time; no time is formed across a missing one.
    confidence : float
        Target of the margin.
    mixed : bool
        True for the mixed test (TBF: right rate and independent), False for the times alone (TBFI).
    n_draws : int
        Simulated samples of the same length and holes behind `exact_p_value`, size and power; 0 for none.
    seed : int
        Of the draws.

    Returns
    -------
    TimeBetweenTest
        Chi-squared with as many degrees of freedom as times, one more when mixed. NaN with the reason without a time.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.
    ArgumentError
        For a confidence outside 0.5 to 1, or from 1 to 99 draws.

    Notes
    -----
    LR = sum of `tuff_statistic` over the times (+ `kupiec_statistic`) [1]_. The chi-squared law is poor when the margin
    is high: at 0.99 and 1,000 days the nominal 5 % test rejects 10 % of right margins, so ask for draws. Where holes
    cut the sample into runs shorter than 1 / (1 - confidence), only short times can be seen and the chi-squared law
    does not hold at all.

    References
    ----------
    .. [1] Haas, M. (2001), New methods in backtesting, Financial Engineering, Research Center Caesar, Bonn.

    Examples
    --------
    >>> hits = np.arange(1, 301) % 20 == 0
    >>> test = time_between_test(hits, confidence=0.95, mixed=False)
    >>> test.statistic, test.degrees_of_freedom, test.p_value
    (0.0, 15, 1.0)
    """
    values = check_hits(hits)
    known = values[~np.isnan(values)]
    rate = kupiec_from_counts(int(known.sum()), len(known), confidence=confidence)
    times = times_between(hits)
    times.flags.writeable = False
    statistic, freedom, p_value, reason = np.nan, int(mixed), np.nan, "no time between exceptions without a hole"
    if len(times):
        ratio = float(tuff_statistic(times, confidence=confidence).sum())
        coverage = rate.statistic if mixed else None
        statistic, freedom, p_value = time_between_from_ratio(ratio, len(times), coverage_ratio=coverage)
        reason = ""
    test = TimeBetweenTest(
        name="Haas time between failures, mixed" if mixed else "Haas time between failures",
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=p_value,
        n_obs=len(known),
        n_exceptions=rate.n_exceptions,
        confidence=float(confidence),
        n_missing=len(values) - len(known),
        reason=reason,
        times=times,
    )
    if not n_draws:
        return test
    law = exception_law([len(run) for run in known_runs(values)], confidence=confidence, n_draws=n_draws, seed=seed)
    return with_law(test, "time_between_mixed" if mixed else "time_between", law)


def _tuff(statistic: float, n: int, *, n_exceptions: int, confidence: float, reason: str = "") -> MarginTest:
    p = 1.0 - confidence
    if reason:
        statistic = np.nan
        exact = np.nan
    else:
        early, late = _rejected(statistic, confidence)
        exact = min(float(stats.geom.cdf(early, p) + stats.geom.sf(late - 1, p)), 1.0)
    return MarginTest(
        name="TUFF",
        statistic=statistic,
        degrees_of_freedom=1,
        p_value=float(stats.chi2.sf(statistic, 1)),
        n_obs=n,
        n_exceptions=n_exceptions,
        confidence=confidence,
        exact_p_value=exact,
        size=_rejection_rate(n, p, confidence),
        power=_rejection_rate(n, min(2.0 * p, 1.0), confidence),
        reason=reason,
    )


def _rejection_rate(n: int, rate: float, confidence: float) -> float:
    """Probability that the 5 % test rejects within n periods when failures come at the rate."""
    early, late = _rejected(_CRITICAL, confidence)
    # Without a failure in n periods the test rejects once the next period would: from late - 1 on.
    long = stats.geom.sf(late - 1, rate) if n + 1 >= late else 0.0
    return float(stats.geom.cdf(min(early, n), rate) + long)


def _rejected(critical: float, confidence: float) -> tuple[int, int]:
    """Return the last early and the first late time whose ratio is at least `critical` (0 when none is early)."""

    def below(time: int) -> bool:
        return float(tuff_statistic(time, confidence=confidence)) < critical * (1.0 - _TIE)

    # The ratio falls before the period in which a failure is due, and rises from it on.
    due = ceil(1.0 / (1.0 - confidence))
    early = _first(lambda time: below(time) or time >= due, 1, due) - 1
    far = 2 * due
    while below(far):
        far *= 2
    return early, _first(lambda time: not below(time), due, far)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the smallest whole number from low to high for which a condition holds that then holds for ever."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
