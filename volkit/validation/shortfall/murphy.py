"""Murphy diagrams of two tail forecasts: is one better whatever the score?

Every consistent score is a weighted sum of elementary ones. A forecast whose mean elementary score is lower at every
threshold is better under all of them; where the curves cross the choice of the score decides.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import ResultDisplay, freeze
from volkit.validation.blocks import block_indices
from volkit.validation.scoring import Values
from volkit.validation.shortfall.inputs import TailRows, check_rng, check_tail
from volkit.validation.shortfall.scores import elementary_quantile_scores, elementary_shortfall_scores

__all__ = ["Functional", "MurphyDiagram", "murphy_diagram"]

Floats = npt.NDArray[np.float64]
Functional: TypeAlias = Literal["quantile", "expected shortfall"]
Forecasts: TypeAlias = Values | tuple[Values, Values]

_MINIMUM = 10
# Beyond these quantiles of the forecasts a handful of rows would decide.
_TRIM = 0.01
_FEWEST_DRAWS = 100


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MurphyDiagram(ResultDisplay):
    """Mean elementary scores of two forecasts and their difference.

    Attributes
    ----------
    frame : DataFrame, shape (n_theta, 5)
        Index `theta` (unit of the losses): mean score of the first and of the second forecast, their difference
        (first - second: negative where the first is better) and the ends of its bootstrap band, pointwise.
    functional : {"quantile", "expected shortfall"}
        What was forecast; quantile scores have no unit, the others that of the losses.
    names : tuple of str
        Of the forecasts.
    confidence : float
        Of the forecasts.
    band_confidence : float
        Of the band, at each threshold by itself.
    block_length, n_bootstrap : int
        Periods in a block of the circular bootstrap, and samples.
    n_obs, n_missing : int
        Complete rows, and rows left out.
    as_of : object
        Last label of the losses when they came as a Series; None otherwise.
    """

    frame: pd.DataFrame
    functional: Functional
    names: tuple[str, str]
    confidence: float
    band_confidence: float
    block_length: int
    n_bootstrap: int
    n_obs: int
    n_missing: int
    as_of: object

    @property
    def first_better(self) -> float:
        """Share of the thresholds at which the band lies below zero: the first forecast is better there."""
        return float((self.frame["upper"] < 0.0).mean())

    @property
    def second_better(self) -> float:
        """Share of the thresholds at which the band lies above zero: the second forecast is better there."""
        return float((self.frame["lower"] > 0.0).mean())

    @property
    def headline(self) -> str:
        """Names, and the shares of thresholds at which one is better."""
        a, b = self.names
        shares = (
            f"{a} better at {percent_to(self.first_better, 0)} and {b} at {percent_to(self.second_better, 0)} of the "
            "thresholds"
        )
        return f"{self.functional}, {shares}, {self.n_obs} periods"

    def summary(self) -> pd.DataFrame:
        """Return one row a quantity, unit in the label."""
        d = self.frame["difference"]
        rows = {
            "observations (count)": self.n_obs,
            "missing (count)": self.n_missing,
            f"{self.names[0]} lower (share of thresholds)": (d < 0.0).mean(),
            f"{self.names[0]} better, band below zero (share)": self.first_better,
            f"{self.names[1]} better, band above zero (share)": self.second_better,
            "confidence of the band (fraction)": self.band_confidence,
            "block (periods)": self.block_length,
        }
        return pd.Series(rows, name="value", dtype=float).to_frame().rename_axis(f"Murphy diagram, {self.functional}")

    def to_frame(self) -> pd.DataFrame:
        """Return thresholds, mean scores, difference and band, tidy."""
        return freeze(self.frame.reset_index())


def murphy_diagram(
    losses: Values,
    first: Forecasts,
    second: Forecasts,
    *,
    functional: Functional,
    confidence: float,
    rng: np.random.Generator,
    names: tuple[str, str] = ("first", "second"),
    thresholds: npt.ArrayLike | None = None,
    band_confidence: float = 0.95,
    block_length: int | None = None,
    n_bootstrap: int = 1000,
) -> MurphyDiagram:
    """Return mean elementary scores of two forecasts by threshold, with a bootstrap band of their difference.

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost; rows with a missing value on any side are left out.
    first, second : sequence, ndarray or Series, shape (n_rows,), or a tuple of two
        Value at Risk, or (Value at Risk, expected shortfall), positive and in the unit of the losses.
    functional : {"quantile", "expected shortfall"}
        Which elementary scores; the second needs tuples.
    confidence : float
        Of the forecasts.
    rng : Generator
        Of the bootstrap.
    names : tuple of str
        Of the forecasts.
    thresholds : sequence of float, shape (n_theta,), optional
        In the unit of the losses, rising; by default 200 between the 1 % and the 99 %
        quantile of the forecasts (the outer ones of both).
    band_confidence : float
        Of the band at each threshold.
    block_length : int, optional
        Periods that stay together; default the root of the rows.
    n_bootstrap : int
        Samples, at least 100.

    Returns
    -------
    MurphyDiagram
        Curves by threshold.

    Raises
    ------
    DataError
        As `check_tail`, or for fewer than 10 complete rows.
    ArgumentError
        For another functional, forecasts of another form, thresholds that do not rise, or terms of the bootstrap that
        cannot be used.

    Notes
    -----
    Scores and sources: `elementary_quantile_scores` [1]_, `elementary_shortfall_scores` [2]_. The band is pointwise:
    at a twentieth of the thresholds it may miss zero by chance. Where few losses or forecasts pass a threshold it is
    too narrow: a decision there rests on the exceptions that did not come.

    References
    ----------
    .. [1] Ehm, Gneiting, Jordan and Krueger (2016), Of quantiles and expectiles, Journal of the Royal Statistical
       Society B 78.
    .. [2] Ziegel, Krueger, Jordan and Fasciati (2020), Robust forecast evaluation of expected shortfall, Journal of
       Financial Econometrics 18.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scale = np.exp(0.5 * rng.standard_normal(2000))
    >>> losses, flat = scale * rng.standard_normal(2000), np.full(2000, 2.1)
    >>> murphy_diagram(losses, 1.645 * scale, flat, functional="quantile", confidence=0.95, rng=rng)
    <MurphyDiagram: quantile, first better at 48 % and second at 0 % of the thresholds, 2000 periods>
    """
    if len(names) != 2:
        raise ArgumentError("names", "must be two names", f"{len(names)} of them", 'pass ("first", "second")')
    check_choice(functional, argument="functional", choices=get_args(Functional))
    check_rng(rng)
    level = check_confidence(band_confidence, argument="band_confidence")
    B = check_count(n_bootstrap, argument="n_bootstrap", minimum=_FEWEST_DRAWS, unit="samples")
    pair = [_rows(losses, f, functional, confidence, n) for f, n in ((first, "first"), (second, "second"))]
    known = pair[0].known & pair[1].known
    n = int(known.sum())
    if n < _MINIMUM:
        raise DataError(
            "losses", f"must have {_MINIMUM} rows that both forecasts share", str(n), "pass a longer history"
        )
    block = int(np.sqrt(n)) if block_length is None else check_count(block_length, argument="block_length")
    if block >= n:
        raise ArgumentError("block_length", f"must be below the {n} periods", str(block), "pass a longer history")
    kept = [_within(rows, known) for rows in pair]
    theta = _thresholds(thresholds, kept, functional)
    scores = [_scores(rows, theta, functional, confidence) for rows in kept]
    low, high = _band(scores[0] - scores[1], level, block, B, rng)
    a, b = (s.mean(axis=0) for s in scores)
    frame = pd.DataFrame(
        {names[0]: a, names[1]: b, "difference": a - b, "lower": low, "upper": high},
        index=pd.Index(theta, name="theta"),
    )
    return MurphyDiagram(
        frame=freeze(frame),
        functional=functional,
        names=names,
        confidence=float(confidence),
        band_confidence=level,
        block_length=block,
        n_bootstrap=B,
        n_obs=n,
        n_missing=int((~known).sum()),
        as_of=pair[0].as_of,
    )


def _rows(losses: Values, forecasts: Forecasts, functional: Functional, confidence: float, argument: str) -> TailRows:
    if functional == "quantile":
        margin = forecasts[0] if isinstance(forecasts, tuple) and len(forecasts) == 2 else forecasts
        return check_tail(losses, margin, confidence=confidence)
    if not isinstance(forecasts, tuple) or len(forecasts) != 2:
        remedy = "pass (value_at_risk, expected_shortfall)"
        raise ArgumentError(argument, "must be a tuple of two forecasts", type(forecasts).__name__, remedy)
    return check_tail(losses, *forecasts, confidence=confidence)


def _within(rows: TailRows, known: npt.NDArray[np.bool_]) -> TailRows:
    inside = known[rows.known]
    return TailRows(rows.loss[inside], rows.value_at_risk[inside], rows.expected_shortfall[inside], known, rows.as_of)


def _thresholds(thresholds: npt.ArrayLike | None, pair: list[TailRows], functional: Functional) -> Floats:
    if thresholds is None:
        which = "value_at_risk" if functional == "quantile" else "expected_shortfall"
        ends = np.array([np.quantile(getattr(rows, which), [_TRIM, 1.0 - _TRIM]) for rows in pair])
        low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
        return np.linspace(low, high, 200) if low < high else np.array([low])
    theta = np.asarray(thresholds, dtype=np.float64)
    if theta.ndim != 1 or not len(theta) or not np.isfinite(theta).all() or (np.diff(theta) <= 0.0).any():
        raise ArgumentError(
            "thresholds", "must be finite and rise", f"shape {theta.shape}", "pass np.linspace(a, b, 200)"
        )
    return theta


def _scores(rows: TailRows, theta: Floats, functional: Functional, confidence: float) -> Floats:
    if functional == "quantile":
        return elementary_quantile_scores(rows.loss, rows.value_at_risk, theta, confidence=confidence)
    return elementary_shortfall_scores(
        rows.loss, rows.value_at_risk, rows.expected_shortfall, theta, confidence=confidence
    )


def _band(
    difference: Floats, level: float, block: int, n_bootstrap: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the basic bootstrap interval of the mean difference at every threshold."""
    n = len(difference)
    mean = difference.mean(axis=0)
    means = np.empty((n_bootstrap, difference.shape[1]))
    for i, rows in enumerate(block_indices(n, block=block, n_replications=n_bootstrap, rng=rng)):
        means[i] = np.bincount(rows, minlength=n) @ difference / n
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return 2.0 * mean - high, 2.0 * mean - low
