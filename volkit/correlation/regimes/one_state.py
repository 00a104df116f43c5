"""The test whether there is more than one correlation: a likelihood ratio whose law is drawn from one state."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from volkit.correlation.regimes.search import SearchEnd, find_states
from volkit.correlation.regimes.simulation import draw_shocks
from volkit.correlation.regimes.values import CorrelationStates
from volkit.formatting import percent_to
from volkit.parallel import map_tasks, one_blas_thread
from volkit.results import Provenance, ResultDisplay

__all__ = ["OneStateTest", "drawn_ratios", "ratio_of"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OneStateTest(ResultDisplay):
    """A parametric-bootstrap test of several correlation states against one.

    Attributes
    ----------
    assets : tuple of str
        Names of the series.
    spec : str
        The model in words.
    ratio : float
        Twice the gain in log-likelihood over one state.
    p_value : float
        Share of histories drawn from one state whose ratio is as large, with the sample counted as one of them.
    draws : ndarray, shape (n_draws,)
        Ratios of these histories; read-only.
    criteria : DataFrame
        Log-likelihood, parameters, AIC, BIC and HQIC by number of states.
    confidence : float
        One less the significance, fraction.
    n_obs : int
        Periods.
    as_of : Timestamp
        Label (UTC) of the last period used.
    provenance : Provenance
        Series behind it.
    """

    assets: tuple[str, ...]
    spec: str
    ratio: float
    p_value: float
    draws: np.ndarray
    criteria: pd.DataFrame
    confidence: float
    n_obs: int
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def critical_value(self) -> float:
        """Ratio that only the significance's share of the drawn histories reaches."""
        return float(np.quantile(self.draws, self.confidence, method="higher"))

    @property
    def verdict(self) -> str:
        """What the p-value says, in words."""
        if self.p_value <= 1.0 - self.confidence:
            return "one correlation matrix is not enough"
        return "one correlation matrix cannot be ruled out"

    @property
    def headline(self) -> str:
        """Series, ratio, p-value and verdict in one line."""
        names = ", ".join(self.assets)
        return f"{names}, {self.spec} against one, ratio {self.ratio:.1f}, p = {self.p_value:.3f}: {self.verdict}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        facts = {
            "likelihood ratio": f"{self.ratio:.3f}",
            f"{percent_to(self.confidence, 0)} of histories of one state stay below": f"{self.critical_value:.3f}",
            "p-value (bootstrap)": f"{self.p_value:.4f}",
            "verdict": self.verdict,
            "histories drawn": str(len(self.draws)),
            "lower BIC": str(self.criteria["BIC"].idxmin()),
            "periods": str(self.n_obs),
        }
        return pd.Series(facts, name=f"{', '.join(self.assets)}, {self.spec}").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return one row a drawn history: its ratio."""
        return pd.DataFrame({"ratio": self.draws})


def ratio_of(one: SearchEnd, several: SearchEnd, *, least_rows: float) -> float:
    """Return the likelihood ratio of two ends; 0 where no certified end has enough rows in each state.

    The model with equal matrices is admissible always and has the likelihood of one state, so that such histories
    belong to the law of the ratio at 0 (or above, at an edge that the search does not walk).

    Examples
    --------
    >>> end = SearchEnd(np.zeros(1), -10.0, 0.0, 0.0, True, np.array([50.0, 50.0]))
    >>> ratio_of(end, end, least_rows=30.0)
    0.0
    """
    if not several.certified or several.rows.min() < least_rows:
        return 0.0
    return max(0.0, 2.0 * (several.log_likelihood - one.log_likelihood))


def drawn_ratios(
    null: CorrelationStates,
    *,
    n_obs: int,
    n_states: int,
    least_rows: float,
    n_starts: int,
    n_draws: int,
    n_jobs: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the ratios of histories of n_obs rows drawn from one state, shape (n_draws,)."""
    one = partial(_drawn_ratio, null=null, n_obs=n_obs, n_states=n_states, least_rows=least_rows, n_starts=n_starts)
    seeds = [int(seed) for seed in rng.integers(2**63, size=n_draws)]
    return np.array(map_tasks(one, seeds, n_jobs=n_jobs, label="histories of one state"))


def _drawn_ratio(
    seed: int, *, null: CorrelationStates, n_obs: int, n_states: int, least_rows: float, n_starts: int
) -> float:
    rng = np.random.default_rng(seed)
    z, _ = draw_shocks(n_obs, null, rng)
    # As the data were: shocks of mean square one.
    z /= np.sqrt(np.mean(z**2, axis=0))
    law = "normal" if null.nu is None else "t"
    with one_blas_thread():
        one, several = find_states(z, n_states=n_states, law=law, least_rows=least_rows, n_starts=n_starts, rng=rng)
    return ratio_of(one, several, least_rows=least_rows)
