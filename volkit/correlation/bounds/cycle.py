"""Correlations through the cycle: no more offset in calm times than the whole history allows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_confidence, check_count, real_number
from volkit.correlation.bounds.estimates import CorrelationBounds, bounds_of_rows
from volkit.correlation.bounds.path import furthest_share
from volkit.correlation.bounds.rows import CLIP, ShockRows, shock_rows
from volkit.correlation.bounds.stress import check_window_rows, window_matrices
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE
from volkit.correlation.inputs import warn_small
from volkit.correlation.intervals import standardize
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.parallel import progress
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["LEAST_STRESS_WEIGHT", "ThroughTheCycle", "through_the_cycle"]

# Commission Delegated Regulation (EU) 153/2013, Article 28(1)(b).
LEAST_STRESS_WEIGHT = 0.25


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ThroughTheCycle(ResultDisplay):
    """Lower and upper correlations that calm times do not loosen.

    Attributes
    ----------
    lower, upper : DataFrame, shape (n_assets, n_assets)
        No unit, positive definite: the floor and ceiling, moved on to the current bounds where these are worse.
    floor, ceiling : DataFrame, shape (n_assets, n_assets)
        Of the long run, no unit, positive definite; each review can only lower the one and raise the other.
    current : CorrelationBounds
        Of the last `recent` complete rows.
    reviews : DataFrame, shape (n_reviews, 5)
        By `time` (UTC, last row used): `n` complete rows, first time of the lowest and of the highest window so far
        (`lowest_window`, `highest_window`), and the shares of the move asked for that were possible (`floor_share`,
        `ceiling_share`; 1 unless the worst values of all pairs do not fit together).
    shortfall : float
        Largest amount by which an entry of `lower` or `upper` falls short of the worse of long run and current bound,
        no unit; 0 when all fit together.
    stress_weight : float
        Of the stressed window in the long run, fraction.
    window, recent, review : int
        Of a stressed window, the current bounds and the steps between reviews, in complete rows.
    lookback : int or None
        Complete rows after which a row no longer counts; None for never.
    confidence : float
        Of the current bounds, fraction.
    n_obs, n_missing : int
        Complete rows of the history, and rows left out.
    start, as_of : Timestamp
        First and last time (UTC) used.
    provenance : Provenance
        Series behind it.
    """

    lower: pd.DataFrame
    upper: pd.DataFrame
    floor: pd.DataFrame
    ceiling: pd.DataFrame
    current: CorrelationBounds
    reviews: pd.DataFrame
    shortfall: float
    stress_weight: float
    window: int
    recent: int
    review: int
    lookback: int | None
    confidence: float
    n_obs: int
    n_missing: int
    start: pd.Timestamp
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Size, reviews, weight of stress and span in one line."""
        size = (
            f"{len(self.lower)} series, {len(self.reviews)} reviews, stressed windows at "
            f"{percent_to(self.stress_weight, 0)}"
        )
        return f"{size}, {self.n_obs} rows {self.start.date()}..{self.as_of.date()}"

    def summary(self) -> pd.DataFrame:
        """Return by pair (no units): current bounds, floor and ceiling, and the lower and upper correlation to use."""
        tidy = self.to_frame()
        table = tidy.drop(columns=["first", "second"]).round(3)
        return table.set_axis(pd.Index(tidy["first"] + " and " + tidy["second"], name="pair"), axis=0)

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a pair: first, second, current bounds, floor, ceiling, lower, upper."""
        names = list(self.lower.columns)
        matrices = {
            "current_lower": self.current.lower,
            "current_upper": self.current.upper,
            "floor": self.floor,
            "ceiling": self.ceiling,
            "lower": self.lower,
            "upper": self.upper,
        }
        rows = [
            (names[i], names[j], *(float(m.iat[i, j]) for m in matrices.values()))
            for i, j in zip(*np.triu_indices(len(names), k=1), strict=True)
        ]
        return pd.DataFrame(rows, columns=["first", "second", *matrices])


@dataclass(frozen=True, eq=False, slots=True)
class _Ratchet:
    """A matrix that moves one way only, the worst values asked of it so far, and the share of the last move made."""

    matrix: np.ndarray
    worst: np.ndarray
    share: float
    sign: float

    def towards(self, asked: np.ndarray) -> "_Ratchet":
        """Return the ratchet moved as far as possible towards the entries of `asked` that are worse."""
        target = self._worse(self.matrix, asked)
        share = furthest_share(self.matrix, target)
        moved = self.matrix + share * (target - self.matrix)
        return _Ratchet(self._worse(self.matrix, moved), self._worse(self.worst, asked), share, self.sign)

    @property
    def shortfall(self) -> float:
        return float(np.max(np.maximum(self.sign * (self.worst - self.matrix), 0.0)))

    def _worse(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.asarray(np.minimum(one, other) if self.sign < 0.0 else np.maximum(one, other))


def through_the_cycle(
    changes: pd.DataFrame,
    *,
    window: int = 90,
    recent: int = 250,
    review: int = 60,
    stress_weight: float = LEAST_STRESS_WEIGHT,
    lookback: int | None = None,
    confidence: float = 0.95,
    half_life: float | None = DEFAULT_HALF_LIFE,
    clip: float = CLIP,
    provenance: Provenance | None = None,
) -> ThroughTheCycle:
    """Return lower and upper correlation matrices that do not loosen in calm times.

    Parameters
    ----------
    changes : DataFrame, shape (n_rows, n_assets)
        Changes on one clock, UTC times. Only rows that every column has are used, taken as if adjacent.
    window : int
        Of the stressed windows, complete rows.
    recent : int
        Last complete rows of the current bounds.
    review : int
        Complete rows between reviews, counted from the first; the first review has at least `recent` rows, and the last
        rows wait for the next.
    stress_weight : float
        Of the stressed window in the long run, fraction, at least 0.25.
    lookback : int, optional
        Complete rows that a review looks back, and that it counts for: after so many rows what it asked for lapses. At
        least `recent`. None for the whole history, always. Ten years are 3,653 UTC days or about 2,520 sessions.
    confidence, half_life, clip, provenance
        As in `correlation_bounds`.

    Returns
    -------
    ThroughTheCycle
        Matrices of shape (n_assets, n_assets), no unit.

    Raises
    ------
    ArgumentError
        For a stress weight below 0.25 or above 1, windows, reviews or a lookback that do not fit, a bad confidence.
    DataError
        As `correlation_bounds`.

    Warns
    -----
    SmallSampleWarning
        For stressed windows or current bounds on fewer than 60 rows.

    Notes
    -----
    At each review the long run is (1 - w) R_all + w R_worst, R_all being the correlation of all complete rows in the
    lookback and R_worst that of its window with the lowest average correlation (for the floor: hedges fail) or the
    highest (for the ceiling: diversification fails). The floor begins with the first review and takes at each later one
    the largest step on the straight line to the entry-by-entry minimum of itself and the long run that leaves it
    positive definite; the ceiling likewise with the maximum. Last, the current bounds are taken in the same way. So,
    for all data,

    (a) every matrix is positive definite;
    (b) lower <= floor and upper >= ceiling in every entry: the current bounds can only make the result worse;
    (c) whatever rows are appended, no entry of `floor` rises and none of `ceiling` falls until a review is older than
        `lookback`, and never without one;
    (d) `lower` is at most the current lower bound but for `shortfall`, which is 0 as long as all values fit together;
        then a higher confidence never raises an entry of `lower` nor reduces one of `upper`.

    Article 28(1) of Commission Delegated Regulation (EU) No 153/2013 names three measures against procyclicality: a
    buffer of 25 %, a weight of 25 % on stressed observations, and a ten-year floor; this is the second with the third's
    lookback, made for correlations (ESMA's review of the same article: final report ESMA91-1505572268-3217, 2023).
    Whether it satisfies a supervisor is not for a program to say.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])).tail(1250)
    >>> cycle = through_the_cycle(moves)
    >>> cycle
    <ThroughTheCycle: 3 series, 16 reviews, stressed windows at 25 %, 1240 rows 2014-01-29..2018-12-31>
    """
    level = check_confidence(confidence)
    rows = shock_rows(changes, half_life=half_life, clip=clip)
    width = check_window_rows(window, rows)
    last, step, memory = _check_spans(rows, width, recent, review, lookback)
    weight = _check_stress_weight(stress_weight)
    warn_small(min(width, last), what="the matrix of a stressed window or of the current bounds")
    current = bounds_of_rows(
        rows.part(len(rows.index) - last, len(rows.index)), confidence=level, provenance=provenance
    )
    floor, ceiling, reviews = _reviewed(rows, (width, last, step), memory, weight)
    lower, upper = floor.towards(current.lower.to_numpy()), ceiling.towards(current.upper.to_numpy())
    matrices = [
        freeze(pd.DataFrame(r.matrix, index=rows.labels, columns=rows.labels)) for r in (lower, upper, floor, ceiling)
    ]
    return ThroughTheCycle(
        lower=matrices[0],
        upper=matrices[1],
        floor=matrices[2],
        ceiling=matrices[3],
        current=current,
        reviews=freeze(reviews),
        shortfall=max(lower.shortfall, upper.shortfall),
        stress_weight=weight,
        window=width,
        recent=last,
        review=step,
        lookback=memory,
        confidence=level,
        n_obs=len(rows.index),
        n_missing=rows.n_missing,
        start=rows.index[0],
        as_of=rows.index[-1],
        provenance=provenance or Provenance(()),
    )


def _check_spans(
    rows: ShockRows, window: int, recent: int, review: int, lookback: int | None
) -> tuple[int, int, int | None]:
    n = len(rows.index)
    last = check_count(recent, argument="recent", minimum=window, unit="complete rows, those of a stressed window")
    step = check_count(review, argument="review", unit="complete rows")
    if last > n:
        remedy = "pass a smaller recent, or a longer history"
        raise ArgumentError("recent", f"must fit into {n} complete rows", str(last), remedy)
    if lookback is None:
        return last, step, None
    return last, step, check_count(lookback, argument="lookback", minimum=last + step, unit="complete rows")


def _check_stress_weight(stress_weight: float) -> float:
    weight = real_number(stress_weight, argument="stress_weight")
    if not LEAST_STRESS_WEIGHT <= weight <= 1.0:
        requirement = "must be a fraction from 0.25 (Regulation (EU) 153/2013, Article 28(1)(b)) to 1"
        raise ArgumentError("stress_weight", requirement, f"{stress_weight!r}", "pass for example stress_weight=0.25")
    return weight


def _reviewed(
    rows: ShockRows, spans: tuple[int, int, int], lookback: int | None, weight: float
) -> tuple[_Ratchet, _Ratchet, pd.DataFrame]:
    window, recent, step = spans
    n, size = len(rows.index), len(rows.labels)
    windows = window_matrices(rows, window)
    average = windows[:, *np.triu_indices(size, k=1)].mean(axis=1)
    # On a grid that begins with the first row, so that rows to come leave every review as it was.
    ends = range(-(-recent // step) * step, n + 1, step)
    if not ends:
        got = f"{step}, the first after {recent} of {n} complete rows"
        raise ArgumentError("review", "must come round once", got, f"pass review={max(1, n - recent)} or less")
    counted = [end for end in ends if lookback is None or end > n - lookback]
    ratchets: list[_Ratchet] = []
    table = []
    for end in progress(counted, label="reviews"):
        begin = 0 if lookback is None else max(0, end - lookback)
        own = slice(begin, end - window + 1)
        lowest, highest = begin + int(np.argmin(average[own])), begin + int(np.argmax(average[own]))
        unit = standardize(np.ascontiguousarray(rows.values[begin:end].T))
        overall = _with_unit_diagonal(unit @ unit.T / (end - begin))
        asked = [_with_unit_diagonal((1.0 - weight) * overall + weight * windows[k]) for k in (lowest, highest)]
        if not ratchets:
            ratchets = [_Ratchet(a, a, 1.0, sign) for a, sign in zip(asked, (-1.0, 1.0), strict=True)]
        ratchets = [r.towards(a) for r, a in zip(ratchets, asked, strict=True)]
        shares = [r.share for r in ratchets]
        table.append((end - begin, rows.index[lowest], rows.index[highest], *shares))
    index = pd.DatetimeIndex([rows.index[end - 1] for end in counted], name="time")
    names = ["n", "lowest_window", "highest_window", "floor_share", "ceiling_share"]
    return ratchets[0], ratchets[1], pd.DataFrame(table, index=index, columns=names)


def _with_unit_diagonal(matrix: np.ndarray) -> np.ndarray:
    exact = 0.5 * (matrix + matrix.T)
    np.fill_diagonal(exact, 1.0)
    return np.asarray(exact)
