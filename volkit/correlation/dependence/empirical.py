"""How often two series are extreme together: empirical tail coefficients with intervals, over levels and time.

Two series of changes enter; no family of copulas is assumed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, real_number
from volkit.correlation.inputs import PairedChanges, check_pair, require_pairs
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, clock_words, warn_asynchronous
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.validation.blocks import block_indices

__all__ = ["TailDependence", "rolling_tail_dependence", "tail_dependence"]

Tail = Literal["lower", "upper"]
_TAILS = ("lower", "upper")
# Fewer joint places than this leave steps of more than a tenth between possible values.
_FEWEST_IN_TAIL = 10
_COLUMNS = ["chi", "lower", "upper", "chi_bar", "n_tail"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TailDependence(ResultDisplay):
    """Tail coefficients of one pair, by level or through time.

    Attributes
    ----------
    table : DataFrame
        By `level` (share of the rows in each tail) or `time` (UTC, last row of a window): `chi`, the chance that one
        is in its tail given that the other is, with limits `lower`, `upper`; `chi_bar`, 2 ln p / ln(p chi) - 1, which
        tells how fast chi falls further out (1: it does not), -1 where nothing is joint; `n_tail`, rows in each tail.
        No unit. NaN where a window has too few pairs.
    tail : str
        ``lower`` or ``upper``.
    level : float
        Share asked for; its row of a table by level.
    pair : tuple of str
        Names of the two series.
    confidence : float
        Of the intervals, fraction.
    n_obs, n_missing : int
        Complete pairs, and rows left out.
    method : str
        In words.
    as_of : Timestamp
        Last time (UTC).
    synchrony : Synchrony or None
        What the two clocks have in common.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    tail: str
    level: float
    pair: tuple[str, str]
    confidence: float
    n_obs: int
    n_missing: int
    method: str
    as_of: pd.Timestamp
    synchrony: Synchrony | None
    provenance: Provenance

    @property
    def latest(self) -> pd.Series:
        """The coefficient at the level asked for, or of the last window that has one."""
        if isinstance(self.table.index, pd.DatetimeIndex):
            return self.table.dropna().iloc[-1]
        return self.table.loc[self.level]

    @property
    def coefficient(self) -> float:
        """Chance that one is in its tail given that the other is, no unit."""
        return float(self.latest["chi"])

    @property
    def headline(self) -> str:
        """Tail, level, coefficient and interval."""
        row = self.latest
        words = f"{row['chi']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"
        return f"{self.pair[0]} and {self.pair[1]}, {self.tail} {percent_to(self.level)} tail, {words}, n {self.n_obs}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        row = self.latest
        facts = {
            f"chance of a joint {self.tail} tail of {percent_to(self.level)} (no unit)": f"{row['chi']:.4f}",
            f"{percent_to(self.confidence, 0)} interval": f"{row['lower']:.4f} to {row['upper']:.4f}",
            "chi-bar (no unit)": f"{row['chi_bar']:.4f}",
            "rows in each tail": f"{row['n_tail']:.0f}",
            "if independent": f"{self.level:.4f}",
            "method": self.method,
            "complete pairs (rows)": str(self.n_obs),
            "left out, a value missing (rows)": str(self.n_missing),
            "clocks": clock_words(self.synchrony),
            "last time (UTC)": f"{self.as_of:%Y-%m-%d %H:%M}",
        }
        return pd.Series(facts, name=f"{self.pair[0]} and {self.pair[1]}").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a tidy frame."""
        return self.table.reset_index()


def tail_dependence(
    x: pd.Series,
    y: pd.Series,
    *,
    rng: np.random.Generator,
    level: float = 0.05,
    tail: Tail = "lower",
    other_levels: tuple[float, ...] = (),
    confidence: float = 0.95,
    block: int | None = None,
    n_draws: int = 999,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> TailDependence:
    """Return how often two series are in the same tail, with an interval.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; rows with a NaN on either side are left out and counted.
    rng : Generator
        For the bootstrap.
    level : float
        Share of the rows in each tail, fraction up to 0.5.
    tail : {"lower", "upper"}
        Falls or rises.
    other_levels : tuple of float
        Further levels, for a plot of chi and chi-bar.
    confidence : float
        Of the intervals, fraction.
    block : int, optional
        Rows that are drawn together; n^(1/3) by default.
    n_draws : int
        Draws, at least 99.
    synchrony : Synchrony, optional
        What the two clocks have in common.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    TailDependence
        Its table by level.

    Raises
    ------
    ArgumentError
        For a level that leaves fewer than 10 rows in a tail or is above 0.5, an unknown tail, a bad count.
    DataError
        As `pearson_correlation`.

    Warns
    -----
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    chi(p) = C(p, p) / p with k = round(p n) rows in each tail; chi-bar(p) = 2 ln p / ln C(p, p) - 1 (Coles, Heffernan
    and Tawn 1999, Extremes 2(4), 339-365, section 2). Interval: circular block bootstrap with each draw's own
    quantiles, the quantiles of the draws of arcsin sqrt(chi) reflected at the estimate. A coefficient at 5 % is not
    the limit further out: for a normal copula that is zero.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=1000, tz="UTC")
    >>> x = pd.Series(rng.standard_t(4, 1000), index=times, name="BTC")
    >>> y = (0.7 * x + 0.7 * rng.standard_t(4, 1000)).rename("SPX")
    >>> tail_dependence(x, y, rng=rng).headline
    'BTC and SPX, lower 5.0 % tail, 0.36 (0.25 to 0.49), n 1000'
    """
    pair, kept = _check(x, y, synchrony)
    n = len(kept.index)
    side = check_choice(tail, argument="tail", choices=_TAILS)
    percent = check_confidence(confidence)
    asked = _check_level(level, n)
    levels = sorted({asked, *(_check_level(other, n) for other in other_levels)})
    width = max(1, round(n ** (1.0 / 3.0))) if block is None else check_count(block, argument="block", unit="rows")
    draws = check_count(n_draws, argument="n_draws", minimum=99, unit="draws")
    a, b = _signed(kept, side)
    rows = block_indices(n, block=width, n_replications=draws, rng=rng)
    table = pd.DataFrame([_coefficient(a, b, rows, p, percent) for p in levels], columns=_COLUMNS)
    return TailDependence(
        table=freeze(table.set_index(pd.Index(levels, name="level"))),
        tail=side,
        level=asked,
        pair=pair.names,
        confidence=percent,
        n_obs=n,
        n_missing=len(pair.index) - n,
        method=f"empirical, block bootstrap of {draws} draws in blocks of {width}",
        as_of=pair.index[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def rolling_tail_dependence(
    x: pd.Series,
    y: pd.Series,
    *,
    window: int,
    rng: np.random.Generator,
    every: int = 21,
    level: float = 0.1,
    tail: Tail = "lower",
    confidence: float = 0.95,
    n_draws: int = 499,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> TailDependence:
    """Return the tail coefficient of moving windows of complete pairs, each with an interval.

    Parameters
    ----------
    x, y, level, tail, confidence, n_draws, synchrony, provenance
        As in `tail_dependence`.
    window : int
        Complete pairs in a window; 250 with a level of 10 % has 25 rows in a tail.
    rng : Generator
        For the bootstrap; all windows use the same draws, so that later rows do not change earlier intervals.
    every : int
        Pairs between the ends of windows.

    Returns
    -------
    TailDependence
        Its table by time, each row from that window only.

    Raises
    ------
    ArgumentError, DataError
        As `tail_dependence`, and for a window longer than the sample.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=600, tz="UTC")
    >>> x, y = (pd.Series(rng.standard_normal(600), index=times, name=name) for name in ("BTC", "SPX"))
    >>> len(rolling_tail_dependence(x, y, window=250, rng=rng).table)
    17
    """
    pair, kept = _check(x, y, synchrony)
    n = len(kept.index)
    width = check_count(window, argument="window", unit="pairs")
    step = check_count(every, argument="every", unit="pairs")
    if width > n:
        raise ArgumentError("window", f"must fit into the {n} complete pairs", str(width), f"pass window={n} or less")
    side = check_choice(tail, argument="tail", choices=_TAILS)
    percent = check_confidence(confidence)
    p = _check_level(level, width)
    draws = check_count(n_draws, argument="n_draws", minimum=99, unit="draws")
    length = max(1, round(width ** (1.0 / 3.0)))
    rows = block_indices(width, block=length, n_replications=draws, rng=rng)
    a, b = _signed(kept, side)
    ends = np.arange(width, n + 1, step)
    values = [_coefficient(a[end - width : end], b[end - width : end], rows, p, percent) for end in ends]
    return TailDependence(
        table=freeze(pd.DataFrame(values, columns=_COLUMNS, index=kept.index[ends - 1])),
        tail=side,
        level=p,
        pair=pair.names,
        confidence=percent,
        n_obs=n,
        n_missing=len(pair.index) - n,
        method=f"empirical, windows of {width} pairs, block bootstrap of {draws} draws in blocks of {length}",
        as_of=pair.index[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _check(x: pd.Series, y: pd.Series, synchrony: Synchrony | None) -> tuple[PairedChanges, PairedChanges]:
    pair = check_pair(x, y)
    warn_asynchronous(synchrony, what=f"the tail dependence of {pair.label}", stacklevel=4)
    return pair, require_pairs(pair, argument="x and y", remedy="pass a longer history")


def _check_level(level: float, n: int) -> float:
    p = real_number(level, argument="level")
    if not 0.0 < p <= 0.5:
        got = f"{level!r}"
        raise ArgumentError("level", "must be a share of the rows above 0 and up to 0.5", got, "pass for example 0.05")
    if round(p * n) < _FEWEST_IN_TAIL:
        got = f"{p:g} of {n} rows, {round(p * n)} in a tail"
        remedy = f"pass level={min(0.5, _FEWEST_IN_TAIL / n):.3g} or more, or a longer history"
        raise DataError("level", f"must leave at least {_FEWEST_IN_TAIL} rows in a tail", got, remedy)
    return p


def _signed(kept: PairedChanges, tail: str) -> tuple[np.ndarray, np.ndarray]:
    """Return both series with the tail in question at the low end."""
    return (kept.x, kept.y) if tail == "lower" else (-kept.x, -kept.y)


def _coefficient(a: np.ndarray, b: np.ndarray, rows: np.ndarray, p: float, confidence: float) -> tuple[float, ...]:
    k = round(p * len(a))
    chi = float(_joint(a[None], b[None], k)[0])
    drawn = np.arcsin(np.sqrt(_joint(a[rows], b[rows], k)))
    centre = np.arcsin(np.sqrt(chi))
    low, high = np.quantile(drawn, [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence])
    # Reflected: draws repeat rows, which ties the tails together and shifts them up.
    lower = np.sin(np.clip(2.0 * centre - high, 0.0, np.pi / 2)) ** 2
    upper = np.sin(np.clip(2.0 * centre - low, 0.0, np.pi / 2)) ** 2
    chi_bar = 2.0 * np.log(p) / np.log(p * chi) - 1.0 if chi > 0.0 else -1.0
    return chi, float(lower), float(upper), float(chi_bar), float(k)


def _joint(a: np.ndarray, b: np.ndarray, k: int) -> np.ndarray:
    """Return the share of joint tail rows among those in a tail, shape (n_draws,); ties count in."""
    in_a = a <= np.partition(a, k - 1, axis=1)[:, k - 1 : k]
    in_b = b <= np.partition(b, k - 1, axis=1)[:, k - 1 : k]
    return np.asarray(2.0 * (in_a & in_b).sum(axis=1) / (in_a.sum(axis=1) + in_b.sum(axis=1)))
