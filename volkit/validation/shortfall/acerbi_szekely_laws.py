"""Simulated laws of the three statistics of Acerbi and Szekely, and their critical values."""

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from volkit.checks import check_choice, check_confidence, check_count
from volkit.errors import ArgumentError
from volkit.validation.power import SIGNIFICANCE
from volkit.validation.shortfall.inputs import TailRows, check_rng, check_significance
from volkit.validation.shortfall.laws import Law, TailLaw
from volkit.validation.shortfall.simulation import (
    N_DRAWS,
    check_simulation,
    draw_exceptions,
    draw_tail_means,
    tail_count,
)

__all__ = ["AcerbiSzekely", "acerbi_szekely_critical", "acerbi_szekely_draws", "drawn_by", "from_sums"]

Floats = npt.NDArray[np.float64]
AcerbiSzekely: TypeAlias = Literal["Z1", "Z2", "Z3"]


def acerbi_szekely_draws(
    n_obs: int,
    *,
    statistic: AcerbiSzekely,
    confidence: float,
    law: TailLaw,
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    inflation: float = 1.0,
) -> Floats:
    """Return simulated statistics under a law, in the order they were drawn.

    Parameters
    ----------
    n_obs : int
        Periods of a sample.
    statistic : {"Z1", "Z2", "Z3"}
        Which one.
    confidence, rng, n_draws
        As in `acerbi_szekely_z1_test`.
    law : TailLaw
        Of standardised losses.
    inflation : float
        Factor of the losses; 1 when the forecasts are right.

    Returns
    -------
    ndarray, shape (n_draws,)
        No unit; NaN for a Z1 without exceptions.

    Raises
    ------
    ArgumentError
        For terms that cannot be used, scenarios (they belong to data), or a Z3 whose tail holds less than one period.

    Examples
    --------
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> rng = np.random.default_rng(1)
    >>> acerbi_szekely_draws(250, statistic="Z2", confidence=0.975, law=normal_law(), rng=rng).shape
    (100000,)
    """
    n = check_count(n_obs, argument="n_obs")
    check_choice(statistic, argument="statistic", choices=get_args(AcerbiSzekely))
    check_confidence(confidence)
    check_simulation(n_draws, SIGNIFICANCE, inflation, rng)
    if not isinstance(law, TailLaw):
        remedy = "use the test itself with scenarios"
        raise ArgumentError("law", "must be a law of standardised losses", type(law).__name__, remedy)
    if statistic == "Z3" and not tail_count(n, confidence):
        got = f"{n * (1.0 - confidence):.3g} of {n}"
        raise ArgumentError("n_obs", "must put a whole period into the tail", got, "pass a longer sample")
    return drawn_by(statistic, law, n, None, confidence, n_draws, rng)(inflation)


def acerbi_szekely_critical(
    n_obs: int,
    *,
    statistic: AcerbiSzekely,
    confidence: float,
    law: TailLaw,
    rng: np.random.Generator,
    significance: float = SIGNIFICANCE,
    n_draws: int = N_DRAWS,
) -> float:
    """Return the statistic below which forecasts are rejected, no unit.

    Parameters
    ----------
    n_obs, statistic, confidence, law, rng, n_draws
        As in `acerbi_szekely_draws`.
    significance : float
        Probability of a false alarm.

    Returns
    -------
    float
        Simulated quantile; with 100,000 draws the 5 % one is good to about 0.01.

    Raises
    ------
    ArgumentError
        As `acerbi_szekely_draws`, or for a significance that cannot be used.

    Examples
    --------
    >>> from volkit.validation.shortfall.laws import normal_law
    >>> rng = np.random.default_rng(1)
    >>> round(acerbi_szekely_critical(250, statistic="Z2", confidence=0.975, law=normal_law(), rng=rng), 2)
    -0.7
    """
    level = check_significance(significance)
    found = acerbi_szekely_draws(
        n_obs, statistic=statistic, confidence=confidence, law=law, rng=check_rng(rng), n_draws=n_draws
    )
    return float(np.quantile(found[~np.isnan(found)], level))


def drawn_by(
    statistic: AcerbiSzekely,
    law: Law,
    n: int,
    rows: TailRows | None,
    confidence: float,
    n_draws: int,
    rng: np.random.Generator,
) -> Callable[[float], Floats]:
    """Return the function that draws statistics of losses inflated by its argument."""

    def draw(inflation: float) -> Floats:
        if statistic == "Z3":
            return 1.0 - draw_tail_means(
                law, n_obs=n, confidence=confidence, n_draws=n_draws, rng=rng, inflation=inflation
            )
        sums = draw_exceptions(
            law, np.ones(n), confidence=confidence, n_draws=n_draws, rng=rng, inflation=inflation, rows=rows
        )
        return from_sums(statistic, sums.loss, sums.counts, n * (1.0 - confidence))

    return draw


def from_sums(statistic: AcerbiSzekely, total: Floats, counts: npt.NDArray[np.int64], promised: float) -> Floats:
    """Return Z1 or Z2 from sums of L / E over exceptions, their counts and the promised count."""
    if statistic == "Z2":
        return np.asarray(1.0 - total / promised)
    return np.asarray(1.0 - np.divide(total, counts, where=counts > 0, out=np.full(len(total), np.nan)))
