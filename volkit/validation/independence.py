"""Tests of independence: does an exception make the next one more likely?

Hits enter in order of time (True where the loss was strictly above the margin), or the counts of their
transitions; a `CoverageTest` leaves. A missing hit is never joined across: the observation before a hole
and the one after it are not neighbours, and neither makes a transition with the hole.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from volkit.checks import check_count
from volkit.errors import ArgumentError
from volkit.validation.coverage import CoverageTest, Hits, check_hits, kupiec_from_counts

__all__ = [
    "TransitionCounts",
    "christoffersen_from_counts",
    "christoffersen_independence_test",
    "christoffersen_test",
    "independence_from_counts",
    "transition_counts",
]


class TransitionCounts(NamedTuple):
    """Counts of neighbouring pairs; ``n01`` is from no exception to an exception.

    Attributes
    ----------
    n00, n01, n10, n11 : int
        Pairs by (first is an exception, second is an exception).
    """

    n00: int
    n01: int
    n10: int
    n11: int


def transition_counts(hits: Hits) -> TransitionCounts:
    """Return how often each kind of observation is followed by each kind.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time.

    Returns
    -------
    TransitionCounts
        Counts of pairs; n - 1 in all without missing values. A pair with a missing member is not counted.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.

    Examples
    --------
    >>> transition_counts([False, True, True, None, True, False])
    TransitionCounts(n00=0, n01=1, n10=1, n11=1)
    """
    return _transitions(check_hits(hits))


def christoffersen_independence_test(hits: Hits) -> CoverageTest:
    """Return Christoffersen's test that a hit does not depend on the one before.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time; pairs with a missing member are
        not counted.

    Returns
    -------
    CoverageTest
        See `independence_from_counts`.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.

    Examples
    --------
    >>> christoffersen_independence_test([False] * 95 + [True] * 5)
    <CoverageTest: Christoffersen independence: p = 9.36e-08, 5 exceptions in 99 (rate 0.0505)>
    """
    values = check_hits(hits)
    test = independence_from_counts(**_transitions(values)._asdict())
    return replace(test, n_missing=int(np.isnan(values).sum()))


def independence_from_counts(*, n00: int, n01: int, n10: int, n11: int) -> CoverageTest:
    """Return Christoffersen's test of independence from the counts of transitions.

    Parameters
    ----------
    n00, n01, n10, n11 : int
        Numbers of pairs; ``n01`` is from no exception to an exception.

    Returns
    -------
    CoverageTest
        Chi-squared with one degree of freedom. `n_obs` counts pairs and `n_exceptions` is n01 + n11, because
        the first observation only conditions; no target, size or power. When a row or column of the table
        is empty the ratio says nothing: statistic and p-value are NaN and `reason` says why.

    Raises
    ------
    ArgumentError
        For a count that is negative or not whole.

    Notes
    -----
    With pi_i = n_i1 / (n_i0 + n_i1) and pi = (n01 + n11) / n ([1]_, section 3.2),

    .. math:: LR = 2 \\sum_{ij} n_{ij} \\ln(\\hat\\pi_{ij} / \\hat\\pi_j), \\quad 0 \\ln 0 = 0,

    which is the log-likelihood ratio of a 2 x 2 table. It sees dependence at lag one only.

    References
    ----------
    .. [1] Christoffersen, P. (1998), Evaluating interval forecasts, International Economic Review 39(4), 841-862.

    Examples
    --------
    >>> test = independence_from_counts(n00=932, n01=53, n10=53, n11=4)
    >>> round(test.statistic, 5), round(test.p_value, 5)
    (0.25866, 0.61104)
    """
    counts = TransitionCounts(n00=n00, n01=n01, n10=n10, n11=n11)
    for argument, count in counts._asdict().items():
        check_count(count, argument=argument, minimum=0, unit="pairs")
    reason = _degenerate(counts)
    statistic = np.nan if reason else _log_likelihood_ratio(counts)
    return CoverageTest(
        name="Christoffersen independence",
        statistic=statistic,
        p_value=float(stats.chi2.sf(statistic, 1)),
        degrees_of_freedom=1,
        n_obs=sum(counts),
        n_exceptions=n01 + n11,
        confidence=None,
        reason=reason,
    )


def christoffersen_test(hits: Hits, *, confidence: float) -> CoverageTest:
    """Return Christoffersen's test of conditional coverage: the right rate, and independence.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time. Missing values are left out of
        the rate, and pairs with a missing member out of the transitions.
    confidence : float
        Target of the margin.

    Returns
    -------
    CoverageTest
        See `christoffersen_from_counts`.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.
    ArgumentError
        For a confidence outside 0.5 to 1.

    Examples
    --------
    >>> christoffersen_test([False] * 95 + [True] * 5, confidence=0.95)
    <CoverageTest: Christoffersen conditional coverage: p = 6.47e-07, 5 exceptions in 100 (rate 0.05, target 0.05)>
    """
    values = check_hits(hits)
    missing = np.isnan(values)
    test = christoffersen_from_counts(
        int(np.nansum(values)), int((~missing).sum()), confidence=confidence, transitions=_transitions(values)
    )
    return replace(test, n_missing=int(missing.sum()))


def christoffersen_from_counts(
    n_exceptions: int, n_obs: int, *, confidence: float, transitions: TransitionCounts
) -> CoverageTest:
    """Return Christoffersen's test of conditional coverage from counts.

    Parameters
    ----------
    n_exceptions, n_obs : int
        Numbers of exceptions and of observations.
    confidence : float
        Target of the margin.
    transitions : TransitionCounts
        Numbers of pairs among the same observations, at most n_obs - 1 in all.

    Returns
    -------
    CoverageTest
        Chi-squared with two degrees of freedom; no size or power. NaN with a reason when the part of
        independence is degenerate: read `kupiec_from_counts` alone then.

    Raises
    ------
    ArgumentError
        For impossible counts, transitions that cannot belong to them, or a confidence outside 0.5 to 1.

    Notes
    -----
    LR_cc = LR_pof on all n observations + LR_ind on the n - 1 pairs, the convention of MathWorks' toolbox and
    of rugarch; Christoffersen (1998) conditions both on the first observation.

    Examples
    --------
    >>> pairs = TransitionCounts(n00=932, n01=53, n10=53, n11=4)
    >>> round(christoffersen_from_counts(57, 1043, confidence=0.95, transitions=pairs).p_value, 4)
    0.6976
    """
    rate = kupiec_from_counts(n_exceptions, n_obs, confidence=confidence)
    order = independence_from_counts(**transitions._asdict())
    if order.n_obs >= rate.n_obs or order.n_exceptions > rate.n_exceptions:
        raise ArgumentError(
            "transitions",
            f"must be pairs among n_obs={rate.n_obs} observations with n_exceptions={rate.n_exceptions}",
            f"{order.n_obs} pairs, {order.n_exceptions} of them into an exception",
            "count both from the same hits, e.g. transition_counts(hits)",
        )
    statistic = rate.statistic + order.statistic
    return CoverageTest(
        name="Christoffersen conditional coverage",
        statistic=statistic,
        p_value=float(stats.chi2.sf(statistic, 2)),
        degrees_of_freedom=2,
        n_obs=rate.n_obs,
        n_exceptions=rate.n_exceptions,
        confidence=rate.confidence,
        reason=order.reason,
    )


def _transitions(values: npt.NDArray[np.float64]) -> TransitionCounts:
    kind = 2.0 * values[:-1] + values[1:]  # NaN on either side of the pair makes NaN, and the pair drops out
    n00, n01, n10, n11 = np.bincount(kind[~np.isnan(kind)].astype(np.intp), minlength=4).tolist()
    return TransitionCounts(n00=n00, n01=n01, n10=n10, n11=n11)


def _log_likelihood_ratio(counts: TransitionCounts) -> float:
    observed = np.array(counts, dtype=np.float64).reshape(2, 2)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    return max(float(2.0 * special.rel_entr(observed, expected).sum()), 0.0)


def _degenerate(counts: TransitionCounts) -> str:
    """Return why the table has no ratio, or nothing: an empty row or column leaves nothing to compare."""
    n00, n01, n10, n11 = counts
    cases = {
        "no two known observations are neighbours": sum(counts),
        "no exceptions among the pairs": n01 + n10 + n11,
        "nothing but exceptions among the pairs": n00 + n01 + n10,
        "no exception is followed by a known observation": n10 + n11,
        "no exception follows a known observation": n01 + n11,
        "every known observation without exception is the last of its run": n00 + n01,
        "every known observation without exception is the first of its run": n00 + n10,
    }
    return next((reason for reason, pairs in cases.items() if pairs == 0), "")
