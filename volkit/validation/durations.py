"""Do exceptions come out of the blue? The duration test of Christoffersen and Pelletier.

Hits enter in order of time (True where the loss was strictly above the margin); a `DurationTest` leaves. Durations at
the ends of a run of known observations are censored, and none is formed across a missing hit.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats

from volkit.checks import check_confidence
from volkit.kernels import load_kernels
from volkit.validation.coverage import Hits, check_hits
from volkit.validation.exact import exception_law, with_law
from volkit.validation.outcome import MarginTest, known_runs

__all__ = ["DurationTest", "duration_test", "durations"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class DurationTest(MarginTest):
    """Outcome of the duration test; what `MarginTest` has, and the Weibull law.

    Attributes
    ----------
    shape : float
        Of the Weibull law, without unit: 1 for exceptions without memory, below 1 when they cluster; NaN when
        degenerate.
    log_likelihood, restricted_log_likelihood : float
        With the shape estimated and with shape 1; NaN when degenerate.
    n_complete, n_censored : int
        Durations between two exceptions, and those cut off by the ends of a run.
    """

    shape: float
    log_likelihood: float
    restricted_log_likelihood: float
    n_complete: int
    n_censored: int

    def _details(self) -> dict[str, tuple[float, float, str]]:
        return {
            "complete durations (count)": (self.n_complete, np.nan, ""),
            "censored durations (count)": (self.n_censored, np.nan, ""),
            "Weibull shape (below 1: clusters)": (self.shape, 1.0, ""),
        }


def durations(hits: Hits) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the durations between exceptions and which of them are censored.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time.

    Returns
    -------
    tuple of ndarray, both of shape (n_durations,)
        Periods, and True where the duration is cut off. In each run of known observations: the time to the first
        exception (censored; none when the run begins with one), the times between exceptions, and the time after the
        last (censored; none when the run ends with one). A run without exceptions is one censored duration.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.

    Examples
    --------
    >>> lengths, censored = durations([False, True, False, False, True, False, None, False])
    >>> lengths.tolist(), censored.tolist()
    ([2, 3, 1, 1], [True, False, True, True])
    """
    lengths: list[int] = []
    censored: list[bool] = []
    for run in known_runs(check_hits(hits)):
        at = np.flatnonzero(run).tolist()
        if not at:
            ends = [(len(run), True)]
        else:
            ends = [(at[0] + 1, True)] if at[0] else []
            ends += [(after - before, False) for before, after in pairwise(at)]
            ends += [(len(run) - 1 - at[-1], True)] if at[-1] < len(run) - 1 else []
        lengths += [length for length, _ in ends]
        censored += [cut for _, cut in ends]
    return np.array(lengths, dtype=np.int64), np.array(censored, dtype=np.bool_)


def duration_test(hits: Hits, *, confidence: float, n_draws: int = 0, seed: int = 0) -> DurationTest:
    """Return Christoffersen and Pelletier's test that exceptions have no memory.

    Parameters
    ----------
    hits : sequence, ndarray or Series, shape (n,)
        True where the loss was strictly above the margin, in order of time; no duration crosses a missing one.
    confidence : float
        Target of the margin: only draws and the summary need it, the test itself is of independence.
    n_draws : int
        Simulated samples of the same length and holes behind `exact_p_value`, size and power; 0 for none.
    seed : int
        Of the draws.

    Returns
    -------
    DurationTest
        Chi-squared with one degree of freedom. NaN with the reason when no duration is complete, or when every
        complete one is as long as the longest, which leaves the shape without an estimate.

    Raises
    ------
    DataError
        When hits are not flags, or none is known.
    ArgumentError
        For a confidence outside 0.5 to 1, or from 1 to 99 draws.

    Notes
    -----
    With f(d) = a^b b d^(b-1) exp(-(a d)^b) and its survival function S ([1]_, section 2), C_i marking what is censored,

    .. math:: \\ln L = \\sum_i C_i \\ln S(D_i) + (1 - C_i) \\ln f(D_i), \\quad LR = 2 (\\ln L(\\hat b) - \\ln L(1)).

    For a given b the best a is known, a^b = (complete durations) / sum D^b, and what remains is concave in b. Every
    duration is counted once, however few there are. With few exceptions the law is far from chi-squared: ask for draws.

    References
    ----------
    .. [1] Christoffersen, P. and Pelletier, D. (2004), Backtesting Value-at-Risk: a duration-based approach, Journal of
       Financial Econometrics 2(1), 84-108.

    Examples
    --------
    >>> hits = np.zeros(500, dtype=bool)
    >>> hits[[40, 41, 43, 200, 202, 203, 390, 391]] = True
    >>> test = duration_test(hits, confidence=0.99)
    >>> round(test.shape, 3), round(test.statistic, 3)
    (0.417, 11.568)
    """
    values = check_hits(hits)
    level = check_confidence(confidence)
    lengths, censored = durations(values)
    kernels = load_kernels("volkit.validation._exceptions")
    room = np.empty(len(lengths))
    shape, free, restricted = kernels.weibull_shape(lengths.astype(np.float64), censored, len(lengths), room)
    statistic = max(2.0 * (free - restricted), 0.0) if np.isfinite(shape) else np.nan
    known = values[~np.isnan(values)]
    test = DurationTest(
        name="Christoffersen-Pelletier duration",
        statistic=statistic,
        degrees_of_freedom=1,
        p_value=float(stats.chi2.sf(statistic, 1)),
        n_obs=len(known),
        n_exceptions=int(known.sum()),
        confidence=level,
        n_missing=len(values) - len(known),
        reason=_degenerate(lengths, censored),
        shape=shape,
        log_likelihood=free,
        restricted_log_likelihood=restricted,
        n_complete=int((~censored).sum()),
        n_censored=int(censored.sum()),
    )
    if not n_draws:
        return test
    law = exception_law([len(run) for run in known_runs(values)], confidence=level, n_draws=n_draws, seed=seed)
    return with_law(test, "duration", law)


def _degenerate(lengths: npt.NDArray[np.int64], censored: npt.NDArray[np.bool_]) -> str:
    if censored.all():
        return "no two exceptions without a hole between them"
    if (lengths[~censored] == lengths.max()).all():
        return "every complete duration is as long as the longest, and the shape has no estimate"
    return ""
