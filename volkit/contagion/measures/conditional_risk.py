"""CoVaR after Adrian and Brunnermeier: the system's Value at Risk when one institution is in distress."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from volkit.checks import check_confidence, check_correlation, check_count, check_positive
from volkit.contagion.measures.covar_planes import EXACT_UP_TO, CovarSample
from volkit.contagion.measures.samples import check_panel, default_block, percentile_limits
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.rates import require_tail
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CovarEstimate", "GaussianCovar", "covar", "gaussian_covar"]

Floats = npt.NDArray[np.float64]
IntervalKind = Literal["bootstrap", "standard_error"]
# With fewer rows expected in the tail than this, standard errors are too small: see the notes of `covar`.
_LEAST_TAIL = 100.0


class GaussianCovar(NamedTuple):
    """CoVaR of normal returns, positive losses, decimals."""

    covar: float
    covar_median: float
    delta_covar: float


def gaussian_covar(
    *, correlation: float, system_volatility: float, institution_volatility: float, confidence: float = 0.99
) -> GaussianCovar:
    """Return CoVaR and DeltaCoVaR of two normal returns without mean.

    Parameters
    ----------
    correlation : float
        -1 to 1.
    system_volatility, institution_volatility : float
        Decimal per period, positive. The institution's own drops out of both numbers.
    confidence : float
        Of both tails.

    Returns
    -------
    GaussianCovar
        Positive losses.

    Raises
    ------
    ArgumentError
        For a number out of range.

    Notes
    -----
    With z the normal quantile, CoVaR = z sigma_s (sqrt(1 - rho^2) + rho) given the institution at its Value at Risk,
    z sigma_s sqrt(1 - rho^2) given it at its median; the difference is z rho sigma_s [1]_.

    References
    ----------
    .. [1] Adrian and Brunnermeier (2016), CoVaR, American Economic Review 106(7), 1705-1741.

    Examples
    --------
    >>> found = gaussian_covar(correlation=0.6, system_volatility=0.02, institution_volatility=0.03)
    >>> [round(value, 6) for value in found]
    [0.065138, 0.037222, 0.027916]
    """
    rho = check_correlation(correlation)
    sigma = check_positive(system_volatility, argument="system_volatility", unit="decimal per period")
    check_positive(institution_volatility, argument="institution_volatility", unit="decimal per period")
    z = float(special.ndtri(check_confidence(confidence)))
    median = z * sigma * float(np.sqrt(1.0 - rho**2))
    return GaussianCovar(median + z * rho * sigma, median, z * rho * sigma)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CovarEstimate(ResultDisplay):
    """The system's tail given an institution's, with an interval. Losses positive, decimals per period.

    Attributes
    ----------
    system, institution : str
        Names of the two series.
    value_at_risk : float
        Of the institution.
    system_value_at_risk : float
        Of the system, unconditional.
    covar, covar_median : float
        Value at Risk of the system when the institution is at its own, and when it is at its median.
    delta_covar : float
        Their difference: what the institution's distress adds.
    lower, upper : float
        Of the interval of `delta_covar`.
    beta : float
        Slope of the system's quantile on the institution's loss.
    path : DataFrame, shape (n_obs, 4)
        value_at_risk, covar, covar_median, delta_covar by time (UTC) given the state of the row before; constant
        without state variables.
    state : tuple of str
        Names of the state variables. With any, the numbers above are for the period after the last, given its state.
    confidence, interval_confidence : float
        Of the tails and of the interval.
    interval : {"bootstrap", "standard_error"}
        How the interval was made.
    method : str
        Solver in words.
    as_of : Timestamp
        Label (UTC) of the last row used.
    n_obs : int
        Rows used.
    provenance : Provenance
        Series behind it.
    """

    system: str
    institution: str
    value_at_risk: float
    system_value_at_risk: float
    covar: float
    covar_median: float
    delta_covar: float
    lower: float
    upper: float
    beta: float
    path: pd.DataFrame
    state: tuple[str, ...]
    confidence: float
    interval_confidence: float
    interval: IntervalKind
    method: str
    as_of: pd.Timestamp
    n_obs: int
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Names, DeltaCoVaR and its interval in one line."""
        return (
            f"{self.institution} in distress adds {percent_to(self.delta_covar, 2)} [{percent_to(self.lower, 2)}, "
            f"{percent_to(self.upper, 2)}] to the "
            f"{self.confidence:.4g} loss of {self.system} (CoVaR {percent_to(self.covar, 2)}), {self.n_obs:,} "
            f"periods to {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return the measures (decimals) in rows, with the interval of DeltaCoVaR."""
        rows = {
            f"Value at Risk of {self.institution} (decimal)": (self.value_at_risk, np.nan, np.nan),
            f"Value at Risk of {self.system} (decimal)": (self.system_value_at_risk, np.nan, np.nan),
            "CoVaR (decimal)": (self.covar, np.nan, np.nan),
            "CoVaR at the median (decimal)": (self.covar_median, np.nan, np.nan),
            "DeltaCoVaR (decimal)": (self.delta_covar, self.lower, self.upper),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "lower", "upper"])

    def to_frame(self) -> pd.DataFrame:
        """Return the path."""
        return self.path.copy()


def covar(
    returns: pd.DataFrame,
    *,
    system: str,
    institution: str,
    confidence: float = 0.99,
    state: pd.DataFrame | None = None,
    interval_confidence: float = 0.95,
    n_draws: int = 200,
    mean_block: float | None = None,
    rng: np.random.Generator | None = None,
    provenance: Provenance | None = None,
) -> CovarEstimate:
    """Return CoVaR and DeltaCoVaR of a system given an institution, by quantile regression.

    Parameters
    ----------
    returns : DataFrame, shape (n_obs, n_series)
        Decimal returns on UTC times without NaN, among them the two; at least 100 rows.
    system, institution : str
        Columns. A system that contains the institution moves with it by construction: leave it out of the index.
    confidence : float
        Of both tails.
    state : DataFrame, optional
        State variables on the index of the returns, as known at each row; each row is explained by the row before.
    interval_confidence : float
        Of the interval of DeltaCoVaR, two-sided.
    n_draws : int
        Bootstrap draws.
    mean_block : float, optional
        Mean length of a block (rows); the cube root of the rows by default.
    rng : Generator, optional
        For the bootstrap. Without it the interval is one of standard errors where at least 100 rows are expected in the
        tail, (1 - confidence) times the rows, and a bootstrap from seed 0 where they are fewer.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    CovarEstimate
        Positive losses.

    Raises
    ------
    DataError
        For missing names or values, and a state on other rows.
    ArgumentError
        For the same name twice, a number out of range, or a confidence that leaves no row in the tail.
    ConvergenceError
        When a quantile regression found no optimum.

    Notes
    -----
    With losses L, state M and quantile q: VaR^i is the q-plane of L^i on M_(t-1), CoVaR that of L^s on L^i and M_(t-1)
    at L^i = VaR^i, DeltaCoVaR = beta (VaR^i_q - VaR^i_0.5) [1]_. Up to 20,000 rows each plane is an exact linear
    program, beyond that statsmodels' `QuantReg`. The bootstrap draws blocks of rows (Politis and Romano) and takes
    percentiles. Standard errors are those of `QuantReg` (kernel, robust), joined by the delta method as if slope and
    quantiles were independent; they know nothing of dependence in time, and with few rows in the tail they are too
    small: of 300 samples of independent normal returns, nominal 95 % intervals of standard errors held the truth in 66
    % with 4 rows in the tail (a year of days at 99 %), 88 % with 10, 92 % with 25 and 93 % with 126, those of the
    bootstrap in 93 to 96 % of them all. Few rows stay few: the interval of a year at 99 % is as wide as the number.

    References
    ----------
    .. [1] Adrian and Brunnermeier (2016), CoVaR, American Economic Review 106(7), 1705-1741.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> draws = rng.multivariate_normal([0, 0], [[4e-4, 3.6e-4], [3.6e-4, 9e-4]], 2_000)
    >>> times = pd.date_range("2020-01-01", periods=2_000, tz="UTC")
    >>> found = covar(pd.DataFrame(draws, index=times, columns=["SYS", "X"]), system="SYS", institution="X")
    >>> exact = gaussian_covar(correlation=0.6, system_volatility=0.02, institution_volatility=0.03)
    >>> found.lower < exact.delta_covar < found.upper
    True
    """
    if system == institution:
        raise ArgumentError("institution", "must be another series", repr(system), "pass two different names")
    level, wide = check_confidence(confidence), check_confidence(interval_confidence, argument="interval_confidence")
    losses = -check_panel(returns, [system, institution], minimum=100)
    require_tail(len(losses), level)
    names, lagged, latest = _lagged(state, losses.index)
    rows = losses.iloc[1:] if names else losses
    sample = CovarSample(rows[system].to_numpy(), rows[institution].to_numpy(), lagged, latest, level)
    point = sample.estimate()
    kind: IntervalKind = "bootstrap"
    if rng is None and (1.0 - level) * len(rows) >= _LEAST_TAIL:
        kind = "standard_error"
        half = float(special.ndtri(0.5 + 0.5 * wide)) * sample.standard_error(point)
        lower, upper = point.delta - half, point.delta + half
    else:
        count = check_count(n_draws, argument="n_draws", unit="draws")
        block = default_block(len(rows)) if mean_block is None else max(1.0, float(mean_block))
        draws = sample.bootstrap(count, block, np.random.default_rng(0) if rng is None else rng)
        lower, upper = (float(limit) for limit in percentile_limits(draws, wide))
    return CovarEstimate(
        system=system,
        institution=institution,
        value_at_risk=point.at_risk,
        system_value_at_risk=float(np.quantile(sample.y, level, method="weibull")),
        covar=point.distressed,
        covar_median=point.distressed - point.delta,
        delta_covar=point.delta,
        lower=lower,
        upper=upper,
        beta=point.beta,
        path=freeze(sample.path(point, rows.index)),
        state=names,
        confidence=level,
        interval_confidence=wide,
        interval=kind,
        method=f"quantile regression, {'exact' if len(rows) <= EXACT_UP_TO else 'iterated least squares'}",
        as_of=losses.index[-1],
        n_obs=len(rows),
        provenance=Provenance(()) if provenance is None else provenance,
    )


def _lagged(state: pd.DataFrame | None, times: pd.Index) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return names, the design of each row from the row before, and the latest state, each with a one in front."""
    if state is None:
        return (), np.ones((len(times), 1)), np.ones(1)
    if not isinstance(state, pd.DataFrame) or len(state) != len(times) or not (state.index == times).all():
        got, remedy = f"{len(state)} rows", "reindex it to the returns"
        raise DataError("state", "must be a frame on the index of the returns", got, remedy)
    values = state.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise DataError("state", "must be finite", f"{int((~np.isfinite(values)).sum())} missing values", "drop rows")
    design = np.column_stack([np.ones(len(values)), values])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError("state", "must be variables of which none follows from the others", "others", "leave one out")
    return tuple(map(str, state.columns)), design[:-1], design[-1]
