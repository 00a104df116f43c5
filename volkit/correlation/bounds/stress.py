"""The worst window that was: correlations of the part of the history where a stated rule finds the most stress."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count
from volkit.correlation.bounds.estimates import CorrelationBounds, bounds_of_rows
from volkit.correlation.bounds.rows import CLIP, ShockRows, check_weights, shock_rows
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE
from volkit.correlation.inputs import MINIMUM_PAIRS, warn_small
from volkit.correlation.intervals import standardize
from volkit.errors import ArgumentError, DataError
from volkit.results import Provenance, ResultDisplay, frozen_series

__all__ = ["StressRule", "StressedWindow", "check_window_rows", "stressed_window", "window_matrices"]

StressRule = Literal["highest", "lowest", "factor", "portfolio"]
_RULES: dict[str, str] = {
    "highest": "highest average correlation of all pairs",
    "lowest": "lowest average correlation of all pairs",
    "factor": "highest average correlation with {}",
    "portfolio": "largest variance of the given portfolio",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class StressedWindow(ResultDisplay):
    """The window of the history in which a stated rule finds the worst stress.

    Attributes
    ----------
    bounds : CorrelationBounds
        Of the window's own rows: matrix, bounds, `n_obs`, `start` and `as_of`. The bounds hold for a window chosen
        beforehand; the choice of the worst makes its values too extreme on average.
    score : float
        What the rule looked at: an average correlation (no unit) or a variance (unit squared, per period).
    scores : Series, shape (n_windows,)
        The same of every window, by its last `time` (UTC).
    rule : str
        In words.
    window : int
        Complete rows in a window.
    n_obs, n_missing : int
        Rows of the whole history that every series has, and rows left out.
    as_of : Timestamp
        Last time (UTC) of the history looked at.
    provenance : Provenance
        Series behind it.
    """

    bounds: CorrelationBounds
    score: float
    scores: pd.Series
    rule: str
    window: int
    n_obs: int
    n_missing: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def correlation(self) -> pd.DataFrame:
        """The window's correlation matrix (no unit), positive definite."""
        return self.bounds.estimate

    @property
    def span_words(self) -> str:
        """First and last day of the window."""
        return f"{self.bounds.start.date()}..{self.bounds.as_of.date()}"

    @property
    def headline(self) -> str:
        """Rule, score, span and count in one line."""
        return f"{self.rule}: {self.score:.3g}, {self.span_words}, {self.window} of {self.n_obs} rows"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        ordinary = self.scores.median()
        facts = {
            "rule": self.rule,
            "score of this window": f"{self.score:.4g}",
            "median score of all windows": f"{ordinary:.4g}",
            "first time (UTC)": f"{self.bounds.start:%Y-%m-%d %H:%M}",
            "last time (UTC)": f"{self.bounds.as_of:%Y-%m-%d %H:%M}",
            "window (complete rows)": str(self.window),
            "windows looked at": str(len(self.scores)),
            "history (complete rows)": str(self.n_obs),
            "left out, missing or without a volatility (rows)": str(self.n_missing),
        }
        return pd.Series(facts, name="value").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row a pair of the window, as `CorrelationBounds.to_frame`."""
        return self.bounds.to_frame()


def stressed_window(
    changes: pd.DataFrame,
    *,
    window: int,
    rule: StressRule = "highest",
    factor: str | None = None,
    weights: pd.Series | None = None,
    confidence: float = 0.95,
    half_life: float | None = DEFAULT_HALF_LIFE,
    clip: float = CLIP,
    provenance: Provenance | None = None,
) -> StressedWindow:
    """Return the window in which the stress was worst, with its correlation matrix and intervals.

    Parameters
    ----------
    changes : DataFrame, shape (n_rows, n_assets)
        Changes on one clock, UTC times. Only rows that every column has are used, taken as if adjacent, so that every
        window has one sample and a positive semi-definite matrix.
    window : int
        Complete rows in a window, at least 20 and more than there are series.
    rule : {"highest", "lowest", "factor", "portfolio"}
        Highest average correlation of all pairs (diversification fails), lowest (hedges fail), highest average with
        `factor`, or largest variance of a portfolio with `weights`. Of equals the earliest.
    factor : str, optional
        Column; for its rule only.
    weights : Series, shape (n_assets,), optional
        Signed, by column, on the changes as they are; for its rule only.
    confidence, half_life, clip, provenance
        As in `correlation_bounds`. Volatility is divided out before windows are cut, from earlier rows only.

    Returns
    -------
    StressedWindow
        The window's bounds, its score, and the scores of all windows.

    Raises
    ------
    ArgumentError
        For a bad window, rule, confidence or half-life, a factor or weights missing or not of the rule.
    DataError
        As `correlation_bounds`; for weights that do not name every column once.

    Warns
    -----
    SmallSampleWarning
        For a window below 60.

    Notes
    -----
    The score of a window is the mean of its correlations over the pairs in question, or w' C w with C the covariance of
    the changes as they are; the window's matrix is that of the shocks under every rule. Later rows change no score.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> moves = changes(load_prices(BundledSource(), ["SPX", "NASDAQ", "VIX"])).tail(1250)
    >>> stressed_window(moves, window=90, rule="factor", factor="VIX")
    <StressedWindow: highest average correlation with VIX: -0.499, 2016-11-08..2017-03-20, 90 of 1240 rows>
    """
    level = check_confidence(confidence)
    check_choice(rule, argument="rule", choices=_RULES)
    rows = shock_rows(changes, half_life=half_life, clip=clip)
    width = check_window_rows(window, rows)
    warn_small(width, what="the matrix of a stressed window")
    scores = _scores(rows, width, rule, factor, weights)
    worst = int(np.argmin(scores) if rule == "lowest" else np.argmax(scores))
    inside = rows.part(worst, worst + width)
    return StressedWindow(
        bounds=bounds_of_rows(inside, confidence=level, provenance=provenance),
        score=float(scores[worst]),
        scores=frozen_series(scores, rows.index[width - 1 :].rename("time"), "score"),
        rule=_RULES[rule].format(factor),
        window=width,
        n_obs=len(rows.index),
        n_missing=rows.n_missing,
        as_of=rows.index[-1],
        provenance=provenance or Provenance(()),
    )


def check_window_rows(window: int, rows: ShockRows) -> int:
    """Return a window that has more rows than there are series and fits into the history.

    Raises
    ------
    ArgumentError
        When it has not, has fewer than 20 rows, or is longer than the history.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=90, tz="UTC")
    >>> moves = pd.DataFrame(np.random.default_rng(1).standard_normal((90, 2)), index=times, columns=["BTC", "SPX"])
    >>> check_window_rows(60, shock_rows(moves, half_life=None))
    60
    """
    least = max(MINIMUM_PAIRS, 2 * len(rows.labels))
    width = check_count(window, argument="window", minimum=least, unit="complete rows, two for each series")
    if width > len(rows.index):
        remedy = f"pass window={len(rows.index)} or less, or a longer history"
        raise ArgumentError("window", f"must fit into {len(rows.index)} complete rows", str(width), remedy)
    return width


def window_matrices(rows: ShockRows, window: int) -> np.ndarray:
    """Return the correlation matrix of each window of complete rows, shape (n_windows, n_assets, n_assets).

    Every window is computed from its own rows, so that later rows change no bit of it.

    Raises
    ------
    DataError
        When a series is constant in a window.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=90, tz="UTC")
    >>> moves = pd.DataFrame(np.random.default_rng(1).standard_normal((90, 2)), index=times, columns=["BTC", "SPX"])
    >>> window_matrices(shock_rows(moves, half_life=None), 60).shape
    (31, 2, 2)
    """
    series = np.ascontiguousarray(rows.values.T)
    found = np.empty((len(rows.index) - window + 1, *2 * (len(series),)))
    for k in range(len(found)):
        unit = standardize(series[:, k : k + window])
        found[k] = unit @ unit.T / window
    missing = np.isnan(found).any(axis=(1, 2))
    if missing.any():
        last = rows.index[window - 1 + int(np.argmax(missing))]
        remedy = "leave out the series that stood still, or pass a longer window"
        raise DataError("changes", "must vary in every window", f"a constant series in the one to {last}", remedy)
    return found


def _scores(
    rows: ShockRows, window: int, rule: StressRule, factor: str | None, weights: pd.Series | None
) -> np.ndarray:
    for name, its_rule, value in (("factor", "factor", factor), ("weights", "portfolio", weights)):
        if (rule == its_rule) != (value is not None):
            requirement = f"must be given with rule={its_rule!r}, and with no other"
            remedy = f"pass {name}=..." if value is None else f"leave it out, or pass rule={its_rule!r}"
            raise ArgumentError(name, requirement, f"{'none' if value is None else 'it'} with rule={rule!r}", remedy)
    if weights is not None:
        return _variances(rows, window, check_weights(weights, rows.labels, argument="weights"))
    pairs = np.triu_indices(len(rows.labels), k=1)
    if rule == "factor":
        place = int(rows.labels.get_indexer([factor])[0])
        if place < 0:
            known = ", ".join(map(str, rows.labels))
            raise ArgumentError("factor", "must be a column of changes", repr(factor), f"choose one of {known}")
        others = np.delete(np.arange(len(rows.labels)), place)
        pairs = (np.full(len(others), place), others)
    return np.asarray(window_matrices(rows, window)[:, pairs[0], pairs[1]].mean(axis=1))


def _variances(rows: ShockRows, window: int, weights: np.ndarray) -> np.ndarray:
    profit = rows.changes @ weights
    return np.asarray(np.lib.stride_tricks.sliding_window_view(profit, window).var(axis=1))
