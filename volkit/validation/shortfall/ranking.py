"""Which of several tail forecasts is best: mean scores, Diebold-Mariano against a benchmark, model confidence set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import ArgumentError
from volkit.results import ResultDisplay, freeze
from volkit.validation.comparison import DieboldMarianoTest, diebold_mariano_test
from volkit.validation.confidence_set import ModelConfidenceSet, model_confidence_set
from volkit.validation.scoring import Values
from volkit.validation.shortfall.scores import fz0_score, quantile_score

__all__ = ["Score", "TailRanking", "rank_tail_forecasts"]

Score: TypeAlias = Literal["fz0", "quantile"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TailRanking(ResultDisplay):
    """Scores of several tail forecasts beside each other.

    Attributes
    ----------
    scores : DataFrame, shape (n_obs, n_models)
        Of the rows that all models share, lower is better.
    score : {"fz0", "quantile"}
        Which one; FZ0 has no unit, the quantile loss that of the losses.
    benchmark : str
        Model that the others are compared with.
    tests : dict of str to DieboldMarianoTest
        By model: its score less that of the benchmark, negative when the model is better.
    confidence_set : ModelConfidenceSet
        Models that cannot be told from the best.
    confidence : float
        Of the forecasts.
    n_obs, n_missing : int
        Rows that all models share, and rows left out.
    as_of : object
        Last label of the losses when they came as a Series; None otherwise.
    """

    scores: pd.DataFrame
    score: Score
    benchmark: str
    tests: dict[str, DieboldMarianoTest]
    confidence_set: ModelConfidenceSet
    confidence: float
    n_obs: int
    n_missing: int
    as_of: object

    @property
    def best(self) -> str:
        """Model with the lowest mean score."""
        return str(self.scores.mean().idxmin())

    @property
    def headline(self) -> str:
        """The best model, the set that cannot be told from it, and the count."""
        names = ", ".join(self.confidence_set.included)
        return f"{self.best} has the lowest {self.score}, {names} cannot be told from it, {self.n_obs} periods"

    def summary(self) -> pd.DataFrame:
        """Return by model: mean score, difference to the benchmark, its Diebold-Mariano t and p, and membership."""
        table = pd.DataFrame({f"mean {self.score}": self.scores.mean()})
        for label, field in (
            (f"less {self.benchmark}", "mean_difference"),
            ("Diebold-Mariano t", "statistic"),
            ("Diebold-Mariano p (probability)", "p_value"),
            ("note", "reason"),
        ):
            table[label] = pd.Series({name: getattr(test, field) for name, test in self.tests.items()})
        table["note"] = table["note"].fillna("benchmark")
        table["set p-value (probability)"] = self.confidence_set.p_values
        table[f"in the set at {self.confidence_set.confidence:g}"] = table.index.isin(self.confidence_set.included)
        return table.sort_values(f"mean {self.score}").rename_axis("model")

    def to_frame(self) -> pd.DataFrame:
        """Return the summary as a tidy frame, a row a model."""
        return freeze(self.summary().reset_index())


def rank_tail_forecasts(
    losses: Values,
    forecasts: Mapping[str, tuple[Values, Values]],
    *,
    benchmark: str,
    confidence: float,
    rng: np.random.Generator,
    score: Score = "fz0",
    horizon: int = 1,
    lags: int | None = None,
    set_confidence: float = 0.90,
    n_bootstrap: int = 1000,
) -> TailRanking:
    """Return scores of several tail forecasts, tests against a benchmark, and the model confidence set.

    Parameters
    ----------
    losses : sequence, ndarray or Series, shape (n_rows,)
        Positive when money is lost.
    forecasts : mapping of str to (value_at_risk, expected_shortfall)
        By model, each of shape (n_rows,), positive and in the unit of the losses. At least 2 models.
    benchmark : str
        Model that the others are compared with, one of them.
    confidence : float
        Of all forecasts.
    rng : Generator
        Of the bootstrap of the model confidence set.
    score : {"fz0", "quantile"}
        FZ0 judges both forecasts, the quantile loss the Value at Risk alone.
    horizon : int
        Periods that one forecast covers; losses over several periods overlap and the tests allow for it.
    lags : int, optional
        Of the Bartlett kernel; default `hac_lags`.
    set_confidence : float
        Of the model confidence set.
    n_bootstrap : int
        Samples, at least 100.

    Returns
    -------
    TailRanking
        Rows with a missing value in any model are left out of all and counted; scores on both sides of a hole then
        stand beside each other in the long-run variance.

    Raises
    ------
    DataError
        As `check_tail`, `diebold_mariano_test` and `model_confidence_set`.
    ArgumentError
        For another score, a benchmark that is not there, or terms that cannot be used.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scale = np.exp(0.5 * rng.standard_normal(2000))
    >>> forecasts = {"right": (1.645 * scale, 2.063 * scale), "flat": (np.full(2000, 2.1), np.full(2000, 3.0))}
    >>> losses = scale * rng.standard_normal(2000)
    >>> rank_tail_forecasts(losses, forecasts, benchmark="flat", confidence=0.95, rng=rng)
    <TailRanking: right has the lowest fz0, right cannot be told from it, 2000 periods>
    """
    check_choice(score, argument="score", choices=get_args(Score))
    if benchmark not in forecasts:
        remedy = "choose one of these"
        raise ArgumentError("benchmark", f"must be one of {', '.join(forecasts) or 'nothing'}", repr(benchmark), remedy)
    columns = {name: _scored(losses, pair, score, confidence) for name, pair in forecasts.items()}
    labels = losses.index if isinstance(losses, pd.Series) else None
    table = pd.DataFrame(columns, index=labels)
    complete = table.dropna()
    tests = {
        name: diebold_mariano_test(complete[name], complete[benchmark], horizon=horizon, lags=lags)
        for name in complete
        if name != benchmark
    }
    found = model_confidence_set(
        complete, rng=rng, confidence=set_confidence, n_bootstrap=n_bootstrap,
        block_length=max(int(np.sqrt(len(complete))), horizon),
    )  # fmt: skip
    return TailRanking(
        scores=freeze(complete),
        score=score,
        benchmark=benchmark,
        tests=tests,
        confidence_set=found,
        confidence=float(confidence),
        n_obs=len(complete),
        n_missing=len(table) - len(complete),
        as_of=None if labels is None else labels[-1],
    )


def _scored(losses: Values, pair: tuple[Values, Values], score: Score, confidence: float) -> npt.NDArray[np.float64]:
    value_at_risk, expected_shortfall = pair
    if score == "quantile":
        return quantile_score(losses, value_at_risk, confidence=confidence)
    return fz0_score(losses, value_at_risk, expected_shortfall, confidence=confidence)
