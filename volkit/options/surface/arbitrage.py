"""Arbitrage between the smiles of a surface: butterflies within each expiry, calendars between neighbours.

SVI curves are checked by the roots of polynomials over all log-moneyness. Where a smooth factor lies on the curve, a
fine grid with bisection checks between its ends, and beyond them, where the smile is the SVI curve, the roots do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.polynomial import polynomial as poly

from volkit.options.surface.butterfly import check_butterfly
from volkit.options.surface.smile import FittedSmile
from volkit.options.surface.svi import RawSVI
from volkit.results import ResultDisplay, freeze

__all__ = ["ArbitrageReport", "check_arbitrage", "check_calendar", "check_density", "svi_crossings"]

_GRID = 801
_BISECTIONS = 50
_SECTIONS = 40
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
# Differences of total variance below this share of it are rounding.
_ROUNDING = 1e-13

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ArbitrageReport(ResultDisplay):
    """What a surface gives away: negative densities within expiries, falling total variance between them.

    Attributes
    ----------
    butterfly : DataFrame, index expiry
        min_g and argmin_g over all log-moneyness, min_g_quoted between the outer quotes, n_intervals of negative
        density, and start and end of the first one (log-moneyness, NaN where there is none).
    calendar : DataFrame, index expiry (the earlier of each pair)
        next_expiry, worst (largest fall of total variance, 0 where none), worst_at (its log-moneyness), n_intervals,
        start, end, and whether a fall lies between quotes of both expiries (in_quotes).
    as_of : Timestamp
        UTC.
    """

    butterfly: pd.DataFrame
    calendar: pd.DataFrame
    as_of: pd.Timestamp

    @property
    def is_free(self) -> bool:
        """Whether nothing was found, at any log-moneyness."""
        return bool((self.butterfly["n_intervals"] == 0).all() and (self.calendar["n_intervals"] == 0).all())

    @property
    def is_free_in_quotes(self) -> bool:
        """Whether nothing was found between the outer quotes."""
        return bool((self.butterfly["min_g_quoted"] >= 0.0).all() and not self.calendar["in_quotes"].any())

    @property
    def headline(self) -> str:
        """How many expiries and pairs have arbitrage, and how many between their quotes."""
        smiles, pairs = self.butterfly, self.calendar
        return (
            f"negative density in {int((smiles['n_intervals'] > 0).sum())} of {len(smiles)} expiries "
            f"({int((smiles['min_g_quoted'] < 0.0).sum())} between quotes), falling total variance in "
            f"{int((pairs['n_intervals'] > 0).sum())} of {len(pairs)} pairs "
            f"({int(pairs['in_quotes'].sum())} between quotes)"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row an expiry: lowest g, and the largest fall of total variance to the next expiry."""
        columns = {"min_g": "lowest g", "argmin_g": "at log-moneyness", "min_g_quoted": "lowest g between quotes"}
        falls = self.calendar[["worst", "worst_at"]].set_axis(["largest fall to next expiry", "at"], axis=1)
        return self.butterfly[list(columns)].rename(columns=columns).join(falls)

    def to_frame(self) -> pd.DataFrame:
        """Return butterfly and calendar columns side by side, by expiry (UTC)."""
        return self.butterfly.add_prefix("butterfly_").join(self.calendar.add_prefix("calendar_"))


def check_arbitrage(slices: Sequence[FittedSmile], *, as_of: pd.Timestamp) -> ArbitrageReport:
    """Return the arbitrage within and between smiles.

    Parameters
    ----------
    slices : sequence of FittedSmile
        By rising expiry.
    as_of : Timestamp
        UTC.

    Returns
    -------
    ArbitrageReport
        Nothing is repaired.
    """
    smiles = pd.DataFrame([_butterfly_row(s) for s in slices]).set_index("expiry")
    pairs = pd.DataFrame([_calendar_row(*pair) for pair in pairwise(slices)], columns=_CALENDAR).set_index("expiry")
    return ArbitrageReport(butterfly=freeze(smiles), calendar=freeze(pairs), as_of=as_of)


_CALENDAR = ["expiry", "next_expiry", "worst", "worst_at", "n_intervals", "start", "end", "in_quotes"]


def _butterfly_row(smile: FittedSmile) -> dict[str, object]:
    lowest, place, intervals = check_density(smile)
    first = intervals[0] if intervals else (np.nan, np.nan)
    quoted = _with_hollows(smile, np.linspace(smile.low, smile.high, _GRID))[1].min()
    return {
        "expiry": smile.expiry,
        "min_g": lowest,
        "argmin_g": place,
        "min_g_quoted": float(quoted),
        "n_intervals": len(intervals),
        "start": first[0],
        "end": first[1],
    }


def check_density(smile: FittedSmile) -> tuple[float, float, tuple[Interval, ...]]:
    """Return the lowest g of a smile, its log-moneyness, and the intervals of negative g."""
    if smile.residual is None:
        found = check_butterfly(smile.svi)
        return found.min_g, found.argmin_g, found.intervals
    low, high = smile.residual.ends
    intervals: list[Interval] = []
    candidates: list[tuple[float, float]] = []
    found = check_butterfly(smile.svi)
    for start, end in ((-np.inf, low), (high, np.inf)):
        intervals += [(max(s, start), min(e, end)) for s, e in found.intervals if s < end and e > start]
        if start <= found.argmin_g <= end:
            candidates.append((found.min_g, found.argmin_g))
    grid, values = _with_hollows(smile, np.linspace(low, high, _GRID))
    candidates.append((float(values.min()), float(grid[np.argmin(values)])))
    intervals += _negative(lambda k: smile.density_factor(k), grid, values)
    lowest, place = min(candidates)
    return lowest, place, _joined(intervals)


def _with_hollows(smile: FittedSmile, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a grid with the lowest point of every hollow of g added (golden section), and g on it."""
    values = smile.density_factor(grid)
    at = 1 + np.flatnonzero((values[1:-1] <= values[:-2]) & (values[1:-1] <= values[2:]))
    low, high = grid[at - 1].copy(), grid[at + 1].copy()
    for _ in range(_SECTIONS if len(at) else 0):
        first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        left = smile.density_factor(first) < smile.density_factor(second)
        low, high = np.where(left, low, first), np.where(left, second, high)
    more = 0.5 * (low + high)
    places = np.concatenate([grid, more])
    order = np.argsort(places)
    return places[order], np.concatenate([values, smile.density_factor(more)])[order]


def _calendar_row(early: FittedSmile, late: FittedSmile) -> dict[str, object]:
    worst, place, intervals = check_calendar(early, late)
    first = intervals[0] if intervals else (np.nan, np.nan)
    low, high = max(early.low, late.low), min(early.high, late.high)
    return {
        "expiry": early.expiry,
        "next_expiry": late.expiry,
        "worst": worst,
        "worst_at": place,
        "n_intervals": len(intervals),
        "start": first[0],
        "end": first[1],
        "in_quotes": any(s < high and e > low for s, e in intervals),
    }


def check_calendar(early: FittedSmile, late: FittedSmile) -> tuple[float, float, tuple[Interval, ...]]:
    """Return the largest fall of total variance between two expiries, its log-moneyness, and where it falls.

    The fall is 0 at NaN where it never falls, and infinite where a wing of the later smile is the flatter.
    """

    def rise(k: np.ndarray) -> np.ndarray:
        w = early.total_variance(k)
        gap = late.total_variance(k) - w
        return np.where(np.abs(gap) <= _ROUNDING * w, 0.0, gap)

    ends = [e for s in (early, late) for e in ((s.low, s.high) if s.residual is None else s.residual.ends)]
    reach = max(ends) - min(ends)
    grid = np.linspace(min(ends) - 0.5 * reach, max(ends) + 0.5 * reach, _GRID)
    beyond = [r for r in svi_crossings(early.svi, late.svi) if not grid[0] <= r <= grid[-1]]
    far = 2.0 * max([abs(x) for x in (*beyond, grid[0], grid[-1])])
    # A point on each side of every far crossing tells the sign between them.
    marks = np.sort([-far, *beyond, far])
    middles = 0.5 * (marks[1:] + marks[:-1])
    grid = np.unique(np.concatenate([grid, marks[[0, -1]], middles]))
    values = rise(grid)
    intervals = _negative(rise, grid, values)
    if not intervals:
        return 0.0, np.nan, ()
    stretched = tuple((-np.inf if s == grid[0] else s, np.inf if e == grid[-1] else e) for s, e in intervals)
    if np.isinf(stretched[0][0]) or np.isinf(stretched[-1][1]):
        return np.inf, -np.inf if np.isinf(stretched[0][0]) else np.inf, stretched
    return float(-values.min()), float(grid[np.argmin(values)]), stretched


def svi_crossings(first: RawSVI, second: RawSVI) -> np.ndarray:
    """Return the log-moneyness where two SVI curves cross, in order: at most four, the roots of a quartic.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), section 3.1 (calendar spread arbitrage between two slices).

    Examples
    --------
    >>> low = RawSVI(a=0.02, b=0.1, rho=0.0, m=0.0, sigma=0.1)
    >>> high = RawSVI(a=0.03, b=0.05, rho=0.0, m=0.0, sigma=0.1)
    >>> [round(float(k), 6) for k in svi_crossings(low, high)]
    [-0.173205, 0.173205]
    """
    # c + d k + b2 root2 = b1 root1, squared twice.
    c = second.a - first.a - second.b * second.rho * second.m + first.b * first.rho * first.m
    d = second.b * second.rho - first.b * first.rho
    line = np.array([c, d])
    one, two = (s.b**2 * np.array([s.m**2 + s.sigma**2, -2.0 * s.m, 1.0]) for s in (first, second))
    middle = poly.polysub(poly.polysub(one, two), poly.polymul(line, line))
    quartic = poly.polysub(poly.polymul(middle, middle), 4.0 * poly.polymul(poly.polymul(line, line), two))
    scale = float(np.abs(quartic).max())
    if scale == 0.0:
        return np.empty(0)
    trimmed = poly.polytrim(quartic / scale, tol=1e-15)
    roots = poly.polyroots(trimmed) if len(trimmed) > 1 else np.empty(0, dtype=complex)
    real = np.sort(roots[np.abs(roots.imag) < 1e-6 * (1.0 + np.abs(roots))].real)
    gap = np.abs(second.total_variance(real) - first.total_variance(real))
    return np.asarray(real[gap < 1e-5 * first.total_variance(real)])


def _negative(f: Callable[[np.ndarray], np.ndarray], grid: np.ndarray, values: np.ndarray) -> list[Interval]:
    """Return the stretches of a grid where f is negative, ends found by bisection."""
    below = values < 0.0
    if not below.any():
        return []
    edges = np.flatnonzero(below[1:] != below[:-1])
    low, high = grid[edges].copy(), grid[edges + 1].copy()
    start_below = below[edges]
    for _ in range(_BISECTIONS if len(edges) else 0):
        middle = 0.5 * (low + high)
        same = (f(middle) < 0.0) == start_below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    ends = [float(x) for x in 0.5 * (low + high)]
    if below[0]:
        ends = [float(grid[0]), *ends]
    if below[-1]:
        ends = [*ends, float(grid[-1])]
    return list(zip(ends[::2], ends[1::2], strict=True))


def _joined(intervals: list[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1] + 1e-12:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
