"""Bad debt over simulated scenarios: its quantiles as risk managers of protocols quote them, and the missing tail mean.

Bad debt and liquidated amounts of scenarios (USD) enter; measures with intervals leave.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence
from volkit.errors import DataError, SmallSampleWarning
from volkit.formatting import percent_to
from volkit.parallel import progress
from volkit.realtime.insolvency.tail import LEAST_EVENTS, probability_interval, ranks_around
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.default.inputs import Floats, LossSample, check_losses, check_scenario_weights

__all__ = ["BadDebtMeasures", "bad_debt_measures", "sample_quantile", "sample_tail_mean"]

# What is measured, the confidence, and how it follows from rising values and their weights.
Measure: TypeAlias = tuple[str, float, Callable[[Floats, Floats, float], float]]
Ranks: TypeAlias = npt.NDArray[np.intp]
_REPLICATIONS = 400
_SEED = 9
_LEAST_WEIGHTED = 2
# n c is a whole number more often than its floating point shows.
_ROUNDING = 1e-9


def sample_quantile(values: Floats, level: float, weights: Floats | None = None) -> float:
    """Return a quantile with linear interpolation, of weighted values too.

    Parameters
    ----------
    values : ndarray, shape (n,)
        In any unit.
    level : float
        From 0 to 1.
    weights : ndarray, shape (n,), optional
        At least 0; equal ones by default.

    Notes
    -----
    A value stands at the middle of its weight, and the levels of the least and the largest are 0 and 1: with equal
    weights the usual (k - 1) / (n - 1), numpy's "linear".

    Examples
    --------
    >>> sample_quantile(np.arange(20.0), 0.95), sample_quantile(np.arange(20.0), 0.95, np.ones(20))
    (18.05, 18.05)
    """
    if weights is None:
        return float(np.quantile(values, level))
    order = np.argsort(values, kind="stable")
    return _quantile_of_rising(values[order], weights[order], level)


def sample_tail_mean(values: Floats, level: float, weights: Floats | None = None) -> float:
    """Return the mean of the worst share 1 - level of a sample, the value at its edge counted in part.

    Parameters are those of `sample_quantile`.

    Notes
    -----
    The coherent form of Acerbi and Tasche (2002), definition 3.1: ties and samples of any size included.

    Examples
    --------
    >>> sample_tail_mean(np.arange(20.0), 0.90), sample_tail_mean(np.arange(20.0), 0.925)
    (18.5, 18.666666666666668)
    """
    order = np.argsort(values, kind="stable")
    w = np.ones(len(values)) if weights is None else weights[order]
    return _tail_mean_of_rising(values[order], w, level)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class BadDebtMeasures(ResultDisplay):
    """Quantiles and tail means of bad debt and liquidations.

    Attributes
    ----------
    table : DataFrame
        By measure ("VaR", "ES", "EVaR", "ES beyond EVaR", and "LaR" where liquidations were given): of, confidence,
        value, lower, upper (USD) and interval ("order statistics" or "bootstrap").
    probability, lower, upper : float
        Of any bad debt, with the ends of its exact interval.
    mean : float
        Expected bad debt, USD.
    losses : Series, shape (n_scenarios,)
        Bad debt, USD.
    coverage : float
        Of the intervals, decimal.
    weights : ndarray, shape (n_scenarios,), or None
        Mean 1.
    as_of : Timestamp or None
        Of the positions, UTC.
    provenance : Provenance
        Of the scenarios.
    """

    table: pd.DataFrame
    probability: float
    lower: float
    upper: float
    mean: float
    losses: pd.Series
    coverage: float
    weights: Floats | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.losses)

    def value_of(self, measure: str) -> float:
        """Return a measure of the table, USD."""
        return float(self.table.loc[measure, "value"])

    @property
    def headline(self) -> str:
        """VaR, ES and the probability of any bad debt in one line."""
        var, es = self.table.loc["VaR"], self.table.loc["ES"]
        return (
            f"bad debt VaR {var['confidence']:.4g} {var['value']:,.6g} USD ({var['lower']:,.6g} to "
            f"{var['upper']:,.6g}), ES {es['value']:,.6g}; any bad debt in {percent_to(self.probability, 3)} "
            f"({percent_to(self.lower, 3)} to {percent_to(self.upper, 3)}) of {self.n_scenarios:,} scenarios"
        )

    def summary(self) -> pd.DataFrame:
        """Return the table, units in the labels."""
        return self.table.rename(columns={name: f"{name} (USD)" for name in ("value", "lower", "upper")})

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table


def bad_debt_measures(
    losses: LossSample,
    weights: npt.ArrayLike | None = None,
    *,
    liquidated: LossSample | None = None,
    confidence: float = 0.95,
    extreme: float = 0.99,
    coverage: float = 0.95,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> BadDebtMeasures:
    """Return quantiles and tail means of bad debt over scenarios, each with an interval.

    Parameters
    ----------
    losses : array-like or Series, shape (n_scenarios,)
        Bad debt of each scenario, sum over accounts of max(debt - collateral, 0), USD; by custom over 24 hours.
    weights : array-like, shape (n_scenarios,), optional
        Likelihood ratios of scenarios.
    liquidated : array-like or Series, shape (n_scenarios,), optional
        Amount liquidated in each, USD, for "LaR".
    confidence : float
        Of VaR, LaR and ES.
    extreme : float
        Of "EVaR".
    coverage : float
        Of the intervals, decimal.
    as_of : Timestamp, optional
        Of the positions, UTC.
    provenance : Provenance, optional
        Of the scenarios.

    Returns
    -------
    BadDebtMeasures

    Raises
    ------
    DataError
        For losses that are negative or missing, liquidations of other scenarios, or weights of 0 for all scenarios but
        one.
    ArgumentError
        For a confidence out of range.

    Warns
    -----
    SmallSampleWarning
        When fewer than ten scenarios lie beyond a level.

    Notes
    -----
    VaR is the 95th percentile of bad debt and LaR that of liquidations [1]_. EVaR is what Chaos Labs calls so, the 99th
    percentile over 24 hours [2]_: a quantile, not the entropic Value at Risk of the literature. No quantile sees how
    large the losses beyond it are; ES, their mean, does. Intervals of quantiles are order statistics around a binomial
    count, exact for any law (an end is infinite, or 0, where the sample has none that far out); those of means, and of
    weighted scenarios, are percentiles of 400 resamples with a fixed seed (one without any weight is drawn
    again).

    References
    ----------
    .. [1] Gauntlet, risk dashboard, frequently asked questions.
    .. [2] Chaos Labs, risk parameter proposals on the Aave governance forum.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     few = bad_debt_measures(np.arange(20.0))
    >>> few.value_of("VaR"), few.value_of("ES"), round(few.probability, 2)
    (18.05, 19.0, 0.95)
    """
    values, labels = check_losses(losses)
    w = check_scenario_weights(weights, len(values))
    if w is not None and int((w > 0.0).sum()) < _LEAST_WEIGHTED:
        rule = f"must be above 0 for at least {_LEAST_WEIGHTED} scenarios"
        raise DataError("weights", rule, f"{int((w > 0.0).sum())} of {len(w)}", "nothing can be told of one scenario")
    level, far = check_confidence(confidence), check_confidence(extreme, argument="extreme")
    share = check_confidence(coverage, argument="coverage")
    _warn_of_few(len(values), w, max(level, far))
    measures: dict[str, Measure] = {
        "VaR": ("bad debt", level, _quantile_of_rising),
        "ES": ("bad debt", level, _tail_mean_of_rising),
        "EVaR": ("bad debt", far, _quantile_of_rising),
        "ES beyond EVaR": ("bad debt", far, _tail_mean_of_rising),
    }
    samples = {"bad debt": values}
    if liquidated is not None:
        samples["liquidations"], _ = check_losses(liquidated, argument="liquidated")
        if len(samples["liquidations"]) != len(values):
            got = f"{len(samples['liquidations'])} for {len(values)} losses"
            raise DataError("liquidated", "must be one a scenario", got, "pass both of the same scenarios")
        measures["LaR"] = ("liquidations", level, _quantile_of_rising)
    rows = _measured(samples, measures, w, share)
    p, low, high = probability_interval(values > 0.0, w, coverage=share)
    return BadDebtMeasures(
        table=freeze(pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")),
        probability=p, lower=low, upper=high, mean=float(np.average(values, weights=w)),
        losses=freeze(pd.Series(values, index=labels, name="bad debt")), coverage=share, weights=w, as_of=as_of,
        provenance=provenance or Provenance(()),
    )  # fmt: skip


def _warn_of_few(n: int, weights: Floats | None, level: float) -> None:
    effective = n if weights is None else float(weights.sum() ** 2 / (weights @ weights))
    beyond = effective * (1.0 - level)
    if beyond < LEAST_EVENTS * (1.0 - _ROUNDING):
        text = f"about {beyond:.3g} of {n:,} scenarios lie beyond {level:g}; {LEAST_EVENTS} would tell its size"
        warnings.warn(text, SmallSampleWarning, stacklevel=3)


def _quantile_of_rising(x: Floats, w: Floats, level: float) -> float:
    kept = w > 0.0
    x, w = x[kept], w[kept]
    if len(x) == 1:
        return float(x[0])
    middle = np.cumsum(w) - 0.5 * w
    return float(np.interp(level, (middle - middle[0]) / (middle[-1] - middle[0]), x))


def _tail_mean_of_rising(x: Floats, w: Floats, level: float) -> float:
    total = np.cumsum(w)
    taken = np.clip(total - level * total[-1], 0.0, w)
    # No product of BLAS: its threads cost more than they save on so little.
    return float((taken * x).sum() / taken.sum())


def _measured(
    samples: dict[str, Floats], measures: dict[str, Measure], weights: Floats | None, coverage: float
) -> dict[str, dict[str, object]]:
    order = {name: np.argsort(values, kind="stable") for name, values in samples.items()}
    rising = {name: values[order[name]] for name, values in samples.items()}
    w = np.ones(len(samples["bad debt"])) if weights is None else weights
    # Quantiles of equally likely scenarios have exact intervals; the others are resampled.
    exact = {n: weights is None and measure is _quantile_of_rising for n, (_, _, measure) in measures.items()}
    draws = _resampled({name: m for name, m in measures.items() if not exact[name]}, rising, order, w)
    tail, rows = 0.5 * (1.0 - coverage), {}
    for name, (of, level, measure) in measures.items():
        if exact[name]:
            value, (low, high) = float(np.quantile(rising[of], level)), _ends_by_ranks(rising[of], level, coverage)
        else:
            value = measure(rising[of], w[order[of]], level)
            low, high = (float(end) for end in np.quantile(draws[name], [tail, 1.0 - tail]))
        way = "order statistics" if exact[name] else "bootstrap"
        rows[name] = {"of": of, "confidence": level, "value": value, "lower": low, "upper": high, "interval": way}
    return rows


def _ends_by_ranks(rising: Floats, level: float, coverage: float) -> tuple[float, float]:
    n = len(rising)
    few, many = ranks_around(n, 1.0 - level, coverage=coverage)
    # Above the largest loss seen nothing is known; below the least, losses are at least 0.
    return (float(rising[n - 1 - many]) if many < n else 0.0), (float(rising[n - few]) if few > 0 else float("inf"))


def _resampled(
    measures: dict[str, Measure], rising: dict[str, Floats], order: dict[str, Ranks], weights: Floats
) -> dict[str, Floats]:
    """Return measures of resampled scenarios by name, the same for the same scenarios."""
    rng, n = np.random.default_rng(_SEED), len(weights)
    draws = {name: np.empty(_REPLICATIONS) for name in measures}
    for b in progress(range(_REPLICATIONS), label="resampled scenarios"):
        drawn = np.zeros(n)
        while not drawn.any():
            drawn = weights * np.bincount(rng.integers(n, size=n), minlength=n)
        by_sample = {of: drawn[ranks] for of, ranks in order.items()}
        for name, (of, level, measure) in measures.items():
            draws[name][b] = measure(rising[of], by_sample[of], level)
    return draws
