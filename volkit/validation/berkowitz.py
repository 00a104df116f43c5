"""Are losses beyond the margin as large as the model says? Berkowitz's test of the tail.

Probability integral transforms enter (near 0 for the worst loss, see `multinomial`); a `BerkowitzTest` leaves. The
order of time does not matter, and missing values are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from volkit.checks import check_confidence, check_count
from volkit.errors import ConvergenceError, DataError
from volkit.kernels import load_kernels
from volkit.validation.multinomial import check_pit
from volkit.validation.outcome import MarginTest
from volkit.validation.power import SIGNIFICANCE

__all__ = ["BerkowitzTest", "berkowitz_tail_test"]

_TIE = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class BerkowitzTest(MarginTest):
    """Outcome of Berkowitz's test of the tail; what `MarginTest` has, and the law that fits the tail best.

    Attributes
    ----------
    mean, standard_deviation : float
        Of the transformed losses, without unit; 0 and 1 when the model is right, a standard deviation above 1 for
        losses that are larger than it says. NaN when degenerate.
    power_heavy_tail : float
        Probability of a rejection at 5 % when losses are Student t with 3 degrees of freedom and the model normal of
        the same variance; NaN without draws.
    """

    mean: float
    standard_deviation: float
    power_heavy_tail: float = np.nan

    def _details(self) -> dict[str, tuple[float, float, str]]:
        rows = {
            "mean of the transformed losses": (self.mean, 0.0, ""),
            "standard deviation of the transformed losses": (self.standard_deviation, 1.0, ""),
        }
        if not np.isnan(self.power_heavy_tail):
            rows["power against Student t, 3 df (probability)"] = (self.power_heavy_tail, np.nan, "")
        return rows


def berkowitz_tail_test(pit: npt.ArrayLike, *, confidence: float, n_draws: int = 0, seed: int = 0) -> BerkowitzTest:
    """Return Berkowitz's likelihood-ratio test of the tail beyond a level.

    Parameters
    ----------
    pit : array, shape (n,)
        The model's probability of a loss of at least what came, near 0 for the worst, strictly above 0. Missing values
        are left out.
    confidence : float
        Level beyond which sizes count; what lies at or below it counts by number alone.
    n_draws : int
        Simulated samples behind `exact_p_value`, size and power; 0 for none.
    seed : int
        Of the draws.

    Returns
    -------
    BerkowitzTest
        Chi-squared with two degrees of freedom; `power` is against a volatility so low that exceptions come twice as
        often. NaN with the reason when nothing lies beyond the level: read Kupiec's test then.

    Raises
    ------
    DataError
        For values outside 0 to 1, of exactly 0 (an infinite transform), or none known.
    ArgumentError
        For a confidence outside 0.5 to 1, or from 1 to 99 draws.
    ConvergenceError
        When the likelihood has no maximum that can be found.

    Notes
    -----
    With z = Phi^{-1}(1 - pit), c = Phi^{-1}(confidence) and what is not above c censored ([1]_, section 3),

    .. math:: \\ln L(\\mu, \\sigma) = \\sum_{z > c} \\ln[\\phi((z - \\mu) / \\sigma) / \\sigma] +
       n_{z \\le c} \\ln \\Phi((c - \\mu) / \\sigma), \\quad LR = 2 (\\ln L(\\hat\\mu, \\hat\\sigma) - \\ln L(0, 1)).

    References
    ----------
    .. [1] Berkowitz, J. (2001), Testing density forecasts, with applications to risk management, Journal of Business &
       Economic Statistics 19(4), 465-474.

    Examples
    --------
    >>> test = berkowitz_tail_test(np.arange(1, 1001) / 1001, confidence=0.95)
    >>> round(test.statistic, 3), test.n_exceptions
    (0.195, 50)
    """
    check_count(seed, argument="seed", minimum=0, unit="(a seed)")
    values = check_pit(pit)
    level = check_confidence(confidence)
    known = values[~np.isnan(values)]
    if (known == 0.0).any():
        remedy = "take the survival function of the loss, not 1 - cdf, or a law with a tail that holds every loss"
        raise DataError("pit", "must be above 0", f"{int((known == 0.0).sum())} values of 0", remedy)
    z = stats.norm.isf(known[known < 1.0 - level])
    mean, deviation, statistic, reason = np.nan, np.nan, np.nan, ""
    if not len(z):
        reason = "no loss lies beyond the level"
    elif len(z) == len(known) and np.ptp(z) == 0.0:
        reason = "all losses are beyond the level and the same"
    else:
        mean, deviation, statistic = _fitted(z, len(known) - len(z), float(stats.norm.ppf(level)))
    test = BerkowitzTest(
        name="Berkowitz tail",
        statistic=statistic,
        degrees_of_freedom=2,
        p_value=float(stats.chi2.sf(statistic, 2)),
        n_obs=len(known),
        n_exceptions=len(z),
        confidence=level,
        n_missing=len(values) - len(known),
        reason=reason,
        mean=mean,
        standard_deviation=deviation,
    )
    return _with_law(test, n_draws, seed) if n_draws else test


def _fitted(z: npt.NDArray[np.float64], n_below: int, c: float) -> tuple[float, float, float]:
    kernels = load_kernels("volkit.validation._exceptions")
    mean, deviation, ratio = kernels.censored_normal(float(len(z)), z.sum(), z @ z, float(n_below), c)
    if np.isnan(ratio):
        raise ConvergenceError(f"the censored normal likelihood of {len(z)} losses beyond the level has no maximum")
    return mean, deviation, max(ratio, 0.0)


def _with_law(test: BerkowitzTest, n_draws: int, seed: int) -> BerkowitzTest:
    draws = check_count(n_draws, argument="n_draws", minimum=100, unit="draws")
    ratios = _draws(test.n_obs, test.confidence, draws, seed)
    drawn = {key: stats.chi2.sf(values, 2) for key, values in ratios.items()}
    right = np.sort(drawn["size"][~np.isnan(drawn["size"])])
    as_small = int(np.searchsorted(right, test.p_value * (1.0 + _TIE), side="right"))
    at = np.nan if test.reason or not len(right) else np.quantile(right, SIGNIFICANCE, method="inverted_cdf")
    share = {key: float(np.mean(values < SIGNIFICANCE)) for key, values in drawn.items()}
    return replace(
        test,
        exact_p_value=np.nan if test.reason else (as_small + 1) / (len(right) + 1),
        exact_critical_value=float(stats.chi2.isf(at, 2)),
        size=share["size"],
        power=share.get("power", np.nan),
        power_heavy_tail=share["power_heavy_tail"],
        undefined_share=float(np.isnan(drawn["size"]).mean()),
        n_draws=draws,
    )


@lru_cache(maxsize=64)
def _draws(n: int, confidence: float, n_draws: int, seed: int) -> dict[str, npt.NDArray[np.float64]]:
    """Likelihood ratios of drawn samples, shape (n_draws,), by what the losses are."""
    c = float(stats.norm.ppf(confidence))
    tail = 1.0 - confidence
    # Probability beyond c, and the transformed loss that leaves a share of the tail beyond it.
    laws: dict[str, tuple[float, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]]] = {
        "size": (tail, lambda u: stats.norm.isf(u)),
        "power_heavy_tail": (stats.t.sf(c * np.sqrt(3.0), 3), lambda u: stats.t.isf(u, 3) / np.sqrt(3.0)),
    }
    if confidence > 0.75:  # twice the tail must stay below one half for a volatility to be behind it
        scale = c / stats.norm.isf(2.0 * tail)
        laws["power"] = (2.0 * tail, lambda u: scale * stats.norm.isf(u))
    kernels = load_kernels("volkit.validation._exceptions")
    found = {}
    for key, (probability, quantile) in laws.items():
        rng = np.random.default_rng(seed)
        counts = rng.binomial(n, probability, size=n_draws)
        z = np.append(quantile(probability * (1.0 - rng.random(int(counts.sum())))), 0.0)
        starts = np.cumsum(counts) - counts
        sums, squares = (np.where(counts > 0, np.add.reduceat(v, starts), 0.0) for v in (z, z**2))
        found[key] = np.empty(n_draws)
        kernels.censored_normals(counts, sums, squares, n, c, found[key])
    return found
