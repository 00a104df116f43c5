"""Structural breaks in a mean or a regression: number, dates with intervals, and tests (Bai and Perron).

A series, with regressors or without, enters; `StructuralBreaks` leaves. A break in a correlation is a break in the
mean of a product of devolatilised changes.
"""

from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, real_number
from volkit.correlation.change.break_date import break_date_quantile
from volkit.correlation.change.break_estimates import StructuralBreaks
from volkit.correlation.change.observations import Observations, check_observations
from volkit.correlation.change.partitions import best_partitions, segment_table, sup_f_draws
from volkit.errors import ArgumentError
from volkit.results import Provenance, freeze

__all__ = ["structural_breaks"]

_CHOICES = ("bic", "lwz", "sequential")
_STEPS = 200


def structural_breaks(
    values: pd.Series,
    regressors: pd.DataFrame | None = None,
    *,
    rng: np.random.Generator,
    max_breaks: int = 5,
    trim: float = 0.15,
    choose: Literal["bic", "lwz", "sequential"] | int = "bic",
    covariance: Literal["classical", "hac"] = "classical",
    confidence: float = 0.95,
    n_draws: int = 1999,
    provenance: Provenance | None = None,
) -> StructuralBreaks:
    """Return the breaks of a mean or of a regression's coefficients, with dates, intervals and tests.

    Parameters
    ----------
    values : Series, shape (n_obs,)
        Any unit, UTC times; rows with a NaN here or in a regressor are left out and counted.
    regressors : DataFrame, shape (n_obs, n_regressors), optional
        Beside the intercept; all coefficients may break. None searches the mean.
    rng : Generator
        For the law of the sup F statistics.
    max_breaks : int
        Largest number looked at.
    trim : float
        Shortest segment as a share of the sample, rounded down to rows.
    choose : {"bic", "lwz", "sequential"} or int
        How the number is chosen: the smallest criterion, tests of one more break at 1 - `confidence`, or as given.
    covariance : {"classical", "hac"}
        ``hac``: Newey-West within segments, in F and in the intervals of the dates; for errors that cluster.
    confidence : float
        Of the dates' intervals, fraction.
    n_draws : int
        Draws of that law.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    StructuralBreaks
        Positions count complete rows from 1; a break lies after its row.

    Raises
    ------
    ArgumentError
        For a trim that leaves too short or too few segments, an unknown choice, a bad count.
    DataError
        For what `check_observations` refuses: fewer than 20 or more than 5,000 complete rows among it.

    Notes
    -----
    Dates are the global least-squares partition, by dynamic programming [1]_. With S_m the residual sum of squares,
    BIC = n (ln(S_m / n) + 1 + ln 2 pi) + (k + 1)(m + 1) ln n, and LWZ uses 0.299 (ln n)^2.1 for ln n. sup F(m) has
    the law of `sup_f_draws`; the test of one more break is the largest sup F of all segments, with p-value
    1 - G^(m + 1), G being the law of sup F(1) [2]_. Intervals of dates are Bai's [3]_ with both sides' own errors
    and regressors. BIC takes volatility clusters for breaks now and then: look at the tests too. The whole sample is
    used, so a date found today could not have been known then.

    References
    ----------
    .. [1] Bai and Perron (2003), Journal of Applied Econometrics 18(1), 1-22.
    .. [2] Bai and Perron (1998), Econometrica 66(1), 47-78, propositions 6 and 7.
    .. [3] Bai (1997), Review of Economics and Statistics 79(4), 551-563.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=200, tz="UTC")
    >>> level = pd.Series(np.repeat([0.0, 1.0], 100) + rng.standard_normal(200), index=times, name="spread")
    >>> structural_breaks(level, rng=rng)
    <StructuralBreaks: spread, 1 break after 2020-04-10 by bic, UDmax p 0.001, n 200>
    """
    observed = check_observations(values, regressors)
    level = check_confidence(confidence)
    most = check_count(max_breaks, argument="max_breaks", unit="breaks")
    check_choice(covariance, argument="covariance", choices=("classical", "hac"))
    share, shortest, most = _check_trim(trim, observed, most)
    if not isinstance(choose, int):
        check_choice(choose, argument="choose", choices=_CHOICES)
    elif not 0 <= choose <= most:
        raise ArgumentError("choose", f"must be 0 to {most} breaks", str(choose), "pass a larger max_breaks or less")
    sums, found = best_partitions(segment_table(observed.y, observed.Z, shortest), max_breaks=most)
    law = sup_f_draws(
        n_coefficients=observed.Z.shape[1],
        max_breaks=most,
        trim=share,
        n_steps=min(_STEPS, len(observed.y)),
        n_draws=check_count(n_draws, argument="n_draws", minimum=99),
        rng=rng,
    )
    criteria = _criteria(observed, sums, found, law, shortest, covariance)
    chosen = choose if isinstance(choose, int) else _choose(criteria, choose, 1.0 - level)
    double = float(criteria["sup_f"].max())
    return StructuralBreaks(
        breaks=freeze(_dates(observed, found[chosen], level, covariance)),
        segments=freeze(_segments(observed, found[chosen])),
        criteria=freeze(criteria),
        double_maximum=double,
        double_maximum_p_value=_p_value(law.max(axis=1), double),
        n_breaks=chosen,
        chosen_by="the caller" if isinstance(choose, int) else choose,
        trim=share,
        covariance=covariance,
        confidence=level,
        label=observed.label,
        n_obs=len(observed.y),
        n_missing=observed.n_missing,
        start=observed.index[0],
        as_of=observed.index[-1],
        provenance=provenance or Provenance(()),
    )


def _check_trim(trim: float, observed: Observations, most: int) -> tuple[float, int, int]:
    """Return the share and the rows of the shortest segment, and how many breaks that leaves room for."""
    n, k = observed.Z.shape
    share = real_number(trim, argument="trim")
    shortest = int(share * n + 1e-9) if 0.0 < share <= 0.3 else 0
    if shortest < k + 4:
        got = f"{trim!r}, {shortest} rows" if shortest else f"{trim!r}"
        requirement = f"must be a share up to 0.3 that holds at least {k + 4} of {n} rows"
        raise ArgumentError("trim", requirement, got, f"pass for example trim={max(0.15, (k + 5) / n):.2f}")
    return share, shortest, min(most, n // shortest - 1)


def _criteria(
    observed: Observations,
    sums: np.ndarray,
    found: list[list[int]],
    law: np.ndarray,
    shortest: int,
    covariance: str,
) -> pd.DataFrame:
    n, k = observed.Z.shape
    m = np.arange(len(sums))
    parameters = (k + 1) * (m + 1)
    likelihood = n * (np.log(sums / n) + 1.0 + np.log(2.0 * np.pi))
    table = pd.DataFrame(
        {
            "rss": sums,
            "bic": likelihood + parameters * np.log(n),
            "lwz": likelihood + parameters * 0.299 * np.log(n) ** 2.1,
        },
        index=pd.Index(m, name="n_breaks"),
    )
    sup_f = [np.nan, *(_f(observed.y, observed.Z, breaks, covariance) for breaks in found[1:])]
    table["sup_f"] = sup_f
    table["p_value"] = [np.nan, *(_p_value(law[:, i], sup_f[i + 1]) for i in range(len(found) - 1))]
    one_more = [np.nan, *(_one_more(observed, breaks, shortest, covariance) for breaks in found[:-1])]
    table["sequential"] = one_more
    # A statistic of NaN: no segment is long enough for another break.
    alone = [_p_value(law[:, 0], f) for f in one_more]
    table["sequential_p_value"] = [1.0 - (1.0 - p) ** max(i, 1) for i, p in enumerate(alone)]
    table["positions"] = [", ".join(map(str, breaks)) for breaks in found]
    return table


def _choose(criteria: pd.DataFrame, choose: str, significance: float) -> int:
    if choose != "sequential":
        return int(criteria[choose].idxmin())
    chosen = 0
    while chosen + 1 < len(criteria) and criteria.loc[chosen + 1, "sequential_p_value"] <= significance:
        chosen += 1
    return chosen


def _one_more(observed: Observations, breaks: list[int], shortest: int, covariance: str) -> float:
    """Return the largest sup F of one break inside a segment; NaN when no segment is long enough."""
    largest = np.nan
    for a, b in _spans(breaks, len(observed.y)):
        if b - a >= 2 * shortest:
            y, design = observed.y[a:b], observed.Z[a:b]
            inside = best_partitions(segment_table(y, design, shortest), max_breaks=1)[1][1]
            largest = np.fmax(largest, _f(y, design, inside, covariance))
    return float(largest)


def _f(y: np.ndarray, design: np.ndarray, breaks: list[int], covariance: str) -> float:
    """Return F of no change of any coefficient at the given breaks."""
    n, k = design.shape
    spans = _spans(breaks, n)
    fits = [_fit(y[a:b], design[a:b]) for a, b in spans]
    freedom = n - k * len(spans)
    if covariance == "classical":
        common = sum(float(residual @ residual) for _, residual in fits) / freedom
        covariances = [common * np.linalg.inv(design[a:b].T @ design[a:b]) for a, b in spans]
    else:
        covariances = [_sandwich(design[a:b], fit[1]) for (a, b), fit in zip(spans, fits, strict=True)]
    precision = [np.linalg.inv(V) for V in covariances]
    # Wald distance of the segments' coefficients from their best common value.
    total = np.sum(precision, axis=0)
    centre = np.linalg.solve(total, np.sum([P @ b for P, (b, _) in zip(precision, fits, strict=True)], axis=0))
    distance = sum(float((b - centre) @ P @ (b - centre)) for P, (b, _) in zip(precision, fits, strict=True))
    return float(distance / (k * len(breaks)))


def _fit(y: np.ndarray, design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    b = np.linalg.lstsq(design, y, rcond=None)[0]
    return b, y - design @ b


def _long_run(design: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Return the long-run variance of z_t e_t, Bartlett weights over 4 (n / 100)^(2/9) rows, times n / (n - k)."""
    n, k = design.shape
    moments = design * residual[:, None]
    omega = moments.T @ moments
    depth = int(4.0 * (n / 100.0) ** (2.0 / 9.0))
    for lag in range(1, depth + 1):
        cross = moments[lag:].T @ moments[:-lag]
        omega += (1.0 - lag / (depth + 1.0)) * (cross + cross.T)
    return np.asarray(omega / (n - k))


def _sandwich(design: np.ndarray, residual: np.ndarray) -> np.ndarray:
    inverse = np.linalg.inv(design.T @ design)
    return np.asarray(inverse @ (_long_run(design, residual) * len(design)) @ inverse)


def _dates(observed: Observations, breaks: list[int], confidence: float, covariance: str) -> pd.DataFrame:
    y, design, index = observed.y, observed.Z, observed.index
    n, k = design.shape
    spans = _spans(breaks, n)
    rows = []
    for (a, b), (_, c) in pairwise(spans):
        sides = []
        fits = [_fit(y[i:j], design[i:j]) for i, j in ((a, b), (b, c))]
        d = fits[1][0] - fits[0][0]
        for (i, j), (_, e) in zip(((a, b), (b, c)), fits, strict=True):
            Q = design[i:j].T @ design[i:j] / (j - i)
            omega = _long_run(design[i:j], e) if covariance == "hac" else (e @ e) / (j - i - k) * Q
            sides.append((float(d @ Q @ d), float(d @ omega @ d)))
        (q1, o1), (q2, o2) = sides
        ratios = {"slope_ratio": q2 / q1, "scale_ratio": (o2 / q2) / (o1 / q1)}
        low, high = (break_date_quantile(p, **ratios) for p in (0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence))
        # From scaled rows to rows; the interval is widened to whole rows.
        unit = o1 / q1**2
        lower = max(int(np.floor(b - high * unit)), a + 1)
        upper = min(int(np.ceil(b - low * unit)), c - 1)
        rows.append((b, index[b - 1], lower, upper, index[lower - 1], index[upper - 1]))
    columns = ["position", "time", "lower", "upper", "lower_time", "upper_time"]
    return pd.DataFrame(rows, columns=columns)


def _segments(observed: Observations, breaks: list[int]) -> pd.DataFrame:
    rows = []
    for a, b in _spans(breaks, len(observed.y)):
        coefficients, residual = _fit(observed.y[a:b], observed.Z[a:b])
        volatility = float(np.sqrt(residual @ residual / (b - a - len(coefficients))))
        rows.append((observed.index[a], observed.index[b - 1], b - a, *coefficients, volatility))
    columns = ["start", "end", "n", *observed.names, "residual_volatility"]
    return pd.DataFrame(rows, columns=columns).rename_axis(index="segment")


def _spans(breaks: list[int], n: int) -> list[tuple[int, int]]:
    return list(pairwise([0, *breaks, n]))


def _p_value(law: np.ndarray, statistic: float) -> float:
    if np.isnan(statistic):
        return float("nan")
    return float((1.0 + (law >= statistic).sum()) / (len(law) + 1.0))
