"""Laws of test statistics by simulation: what exceptions of samples from a predictive law add up to.

Only the exceptions of a sample matter to most statistics, so only they are drawn: gaps between them and depths. A
hundred thousand samples of 250 periods take hundredths of a second.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
from scipy import special

from volkit.checks import check_count, check_positive
from volkit.errors import ArgumentError, DataQualityWarning
from volkit.kernels import load_kernels
from volkit.validation.shortfall.inputs import TailRows, check_rng, check_significance
from volkit.validation.shortfall.laws import Law, ScenarioLaw, TailLaw
from volkit.validation.shortfall.outcome import ShortfallTest

__all__ = [
    "INFLATION",
    "N_DRAWS",
    "ExceptionSums",
    "check_law",
    "check_simulation",
    "draw_exceptions",
    "draw_tail_means",
    "simulated_test",
    "tail_count",
    "tail_mean_ratio",
]

Floats = npt.NDArray[np.float64]

N_DRAWS = 100_000
# Losses a quarter larger than stated: a normal 99 % margin is then exceeded three times as often.
INFLATION = 1.25
_FEWEST_DRAWS = 1000
# Depths -ln(tail probability) at which quantiles are tabulated; a draw beyond the last comes once in 1e21.
_NODES, _DEEPEST = 8192, 50.0
_STEP = _DEEPEST / _NODES
_DEPTHS = _STEP * np.arange(_NODES + 1)
# Forecasts whose ratio differs by more from that of the law were not made by it.
_RATIO_TOLERANCE = 0.05


class ExceptionSums(NamedTuple):
    """Sums over the exceptions of each sample, shape (n_draws,) each.

    Attributes
    ----------
    counts : ndarray of int
        Exceptions.
    value_at_risk, loss : ndarray of float
        Weight times Value at Risk over expected shortfall, and weight times loss over expected shortfall, added.
    """

    counts: npt.NDArray[np.int64]
    value_at_risk: Floats
    loss: Floats


def check_law(law: Law, rows: TailRows, *, confidence: float) -> Law:
    """Return the law for the complete rows, and warn of forecasts that it cannot have made.

    Raises
    ------
    ArgumentError
        For what is no law, or scenarios for other rows.

    Warns
    -----
    DataQualityWarning
        When Value at Risk over expected shortfall differs by more than 5 % from that of a `TailLaw`.
    """
    if isinstance(law, ScenarioLaw):
        if len(law.scenarios) != len(rows.known):
            got = f"{len(law.scenarios)} rows beside {len(rows.known)} losses"
            raise ArgumentError("law", "must have the rows of the losses", got, "align the scenarios first")
        kept = np.ascontiguousarray(law.scenarios[rows.known])
        if not np.isfinite(kept).all():
            remedy = "leave the loss of such a row missing too"
            raise ArgumentError("law", "must have finite scenarios", "NaN or infinities in a complete row", remedy)
        return ScenarioLaw(name=law.name, scenarios=kept)
    if not isinstance(law, TailLaw):
        remedy = "pass for example normal_law() or student_law(4)"
        raise ArgumentError("law", "must be a predictive law", type(law).__name__, remedy)
    wanted = law.value_at_risk(confidence) / law.expected_shortfall(confidence)
    got_ratio = float(np.median(rows.value_at_risk / rows.expected_shortfall))
    if abs(got_ratio / wanted - 1.0) > _RATIO_TOLERANCE:
        text = f"Value at Risk is {got_ratio:.3f} of the expected shortfall, under the {law.name} law {wanted:.3f}"
        warnings.warn(f"{text}; pass the law that made the forecasts.", DataQualityWarning, stacklevel=3)
    return law


def draw_exceptions(
    law: Law,
    weights: Floats,
    *,
    confidence: float,
    n_draws: int,
    rng: np.random.Generator,
    inflation: float = 1.0,
    rows: TailRows | None = None,
) -> ExceptionSums:
    """Return sums over the exceptions of samples from a law.

    Parameters
    ----------
    law : TailLaw or ScenarioLaw
        Of the losses; scenarios need `rows`, whose forecasts they are held against.
    weights : ndarray, shape (n_obs,)
        Weight of each period in the sums.
    confidence : float
        Of the forecasts.
    n_draws : int
        Samples.
    rng : Generator
        Moves on.
    inflation : float
        Factor of the losses; the forecasts stay.
    rows : TailRows, optional
        Forecasts of the periods.

    Returns
    -------
    ExceptionSums
        One entry a sample.

    Examples
    --------
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> rng = np.random.default_rng(1)
    >>> sums = draw_exceptions(normal_law(), np.ones(250), confidence=0.975, n_draws=1000, rng=rng)
    >>> round(float(sums.counts.mean()), 2), round(float(sums.loss.mean()) / 6.25, 2)
    (6.32, 1.01)
    """
    kernels = load_kernels("volkit.validation.shortfall._kernels")
    counts, shares, totals = np.empty(n_draws, dtype=np.int64), np.empty(n_draws), np.empty(n_draws)
    w = np.ascontiguousarray(weights, dtype=np.float64)
    if isinstance(law, ScenarioLaw):
        known = cast("TailRows", rows)  # only data come with scenarios
        V, E = known.value_at_risk, known.expected_shortfall
        kernels.draw_scenarios(rng, law.scenarios, V, w * V / E, w / E, inflation, counts, shares, totals)
        return ExceptionSums(counts, shares, totals)
    v, e = law.value_at_risk(confidence), law.expected_shortfall(confidence)
    p = float(law.exceedance(np.array([v / inflation]))[0])
    if not p > 0.0:
        remedy = "pass the factor of losses under the alternative, e.g. 1.25"
        raise ArgumentError("inflation", "must leave losses beyond the Value at Risk", f"{inflation!r}", remedy)
    table = inflation * law.upper_quantile(p * np.exp(-_DEPTHS)) / e
    kernels.draw_tails(rng, -1.0 / np.log1p(-p), table, _STEP, w, counts, shares, totals)
    return ExceptionSums(counts, shares * (v / e), totals)


def tail_count(n_obs: int, confidence: float) -> int:
    """Return how many of the largest losses make the tail: (1 - confidence) n_obs, rounded down (a count).

    Examples
    --------
    >>> tail_count(250, 0.975), tail_count(100, 0.9)
    (6, 10)
    """
    return int(np.floor(n_obs * (1.0 - confidence) + 1e-9))


def draw_tail_means(
    law: Law,
    *,
    n_obs: int,
    confidence: float,
    n_draws: int,
    rng: np.random.Generator,
    inflation: float = 1.0,
) -> Floats:
    """Return means of the largest losses of samples over their expected value, shape (n_draws,); no unit.

    Parameters
    ----------
    law, confidence, n_draws, rng, inflation
        As in `draw_exceptions`.
    n_obs : int
        Periods of a sample.

    Examples
    --------
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> rng = np.random.default_rng(1)
    >>> means = draw_tail_means(normal_law(), n_obs=250, confidence=0.975, n_draws=20_000, rng=rng)
    >>> round(float(means.mean()), 3)
    1.001
    """
    kernels = load_kernels("volkit.validation.shortfall._kernels")
    k, out = tail_count(n_obs, confidence), np.empty(n_draws)
    if isinstance(law, ScenarioLaw):
        scale = 1.0 / _scenario_tail_means(law, k)
        kernels.draw_top_scenarios(rng, law.scenarios, k, scale, inflation, np.empty(n_obs, dtype=np.int64), out)
        return out
    table = _whole_table(law)
    kernels.draw_top(rng, n_obs, k, inflation * table / _tail_mean(table, n_obs, k), _STEP, out)
    return out


def tail_mean_ratio(law: Law, rows: TailRows, *, confidence: float) -> float:
    """Return the mean of the largest losses at the ranks that were seen, over its expected value; no unit."""
    k, n = tail_count(len(rows.loss), confidence), len(rows.loss)
    if isinstance(law, ScenarioLaw):
        m = law.scenarios.shape[1]
        ranks = np.sort((law.scenarios > rows.loss[:, None]).sum(axis=1))[:k]
        return float((law.scenarios[:, np.minimum(ranks, m - 1)].mean(axis=1) / _scenario_tail_means(law, k)).mean())
    largest = np.sort(rows.loss / rows.expected_shortfall)[n - k :]
    return float(largest.mean() * law.expected_shortfall(confidence) / _tail_mean(_whole_table(law), n, k))


def simulated_test(
    name: str,
    value: float,
    draw: Callable[[float], Floats],
    *,
    n_draws: int,
    significance: float,
    law: str,
    facts: dict[str, object],
    reason: str = "",
    inflation: float = INFLATION,
) -> ShortfallTest:
    """Return a test that rejects for small values, with p-value, acceptance, size and power from draws.

    Parameters
    ----------
    name, law, reason : str
        As in `ShortfallTest`.
    value : float
        The statistic of the data.
    draw : callable
        Takes a factor of the losses and returns statistics of samples, NaN for samples without one.
    n_draws, significance, inflation
        Samples, probability of a false alarm, factor of the losses for the power.
    facts : dict
        Counts.

    Returns
    -------
    ShortfallTest
        Its p-value is (1 + number of draws at or below the statistic) / (1 + draws).
    """
    null, other = (np.sort(found[~np.isnan(found)]) for found in (draw(1.0), draw(inflation)))
    critical = float(np.quantile(null, significance))
    return ShortfallTest(
        name=name,
        statistic=np.nan if reason else value,
        p_value=np.nan if reason else float((1 + np.searchsorted(null, value, side="right")) / (1 + len(null))),
        expected=0.0,
        acceptance=(critical, np.inf),
        alternative="less",
        law=f"simulated, {law}",
        significance=significance,
        standard_error=float(null.std()),
        n_draws=n_draws,
        size=float(np.searchsorted(null, critical) / len(null)),
        power=float(np.searchsorted(other, critical) / len(other)),
        inflation=inflation,
        reason=reason,
        **facts,  # type: ignore[arg-type]
    )


def check_simulation(
    n_draws: int, significance: float, inflation: float, rng: np.random.Generator
) -> tuple[int, float, float, np.random.Generator]:
    """Return the terms of a simulation when all are usable (counts, probabilities, factors).

    Raises
    ------
    ArgumentError
        For fewer than 1,000 draws, a significance above 0.2 or not above 0, a factor not above 0, or no Generator.
    """
    return (
        check_count(n_draws, argument="n_draws", minimum=_FEWEST_DRAWS, unit="draws"),
        check_significance(significance),
        check_positive(inflation, argument="inflation", unit="times the losses"),
        check_rng(rng),
    )


def _whole_table(law: TailLaw) -> Floats:
    """Return the law's quantiles at all depths; the lowest loss of all is replaced by its neighbour in probability."""
    probability = np.exp(-_DEPTHS)
    probability[0] = 1.0 - 0.25 * _STEP
    return np.asarray(law.upper_quantile(probability), dtype=np.float64)


def _tail_mean(table: Floats, n: int, k: int) -> float:
    """Return the expected mean of the k largest of n draws (Acerbi and Szekely 2014, below equation 8)."""
    W = np.exp(-_DEPTHS)
    # The number of draws above the quantile at W, but one, is binomial: the density of the k smallest W together.
    density = n / k * special.bdtr(k - 1, n - 1, W)
    density[0] = 0.0
    return float(np.trapezoid(table * density * W, dx=_STEP))


def _scenario_tail_means(law: ScenarioLaw, k: int) -> Floats:
    """Return the same for every period; the ranks of n losses among m scenarios are uniform on m + 1 places."""
    n, m = law.scenarios.shape
    edges = np.arange(m + 2) / (m + 1.0)
    inner = special.bdtr(k - 2, n - 1, edges) if k > 1 else np.zeros(m + 2)
    reached = (n * edges * inner + k * (1.0 - special.bdtr(k - 1, n, edges))) / k  # E[min(k, Binomial(n, edge))] / k
    mass = np.diff(reached)
    mass[m - 1] += mass[m]
    return np.asarray(law.scenarios @ mass[:m])
