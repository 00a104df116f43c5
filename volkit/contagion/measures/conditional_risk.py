"""CoVaR after Adrian and Brunnermeier: the system's Value at Risk when one institution is in distress."""

import warnings
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from volkit.checks import check_confidence, check_count, check_positive
from volkit.contagion.measures.samples import check_panel, default_block, percentile_limits
from volkit.errors import ArgumentError, ConvergenceError, DataError
from volkit.margin.bridge.estimators import fit_quantile_plane
from volkit.margin.frontier.bands import stationary_weights
from volkit.margin.rates import require_tail
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["CovarEstimate", "GaussianCovar", "covar", "gaussian_covar"]

Floats = npt.NDArray[np.float64]
IntervalKind = Literal["bootstrap", "standard_error"]
# The exact linear program takes 0.1 s for ten thousand rows and a second for fifty thousand.
_EXACT_UP_TO = 20_000
_ITERATIONS = 5_000


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
    rho = float(correlation)
    if not -1.0 <= rho <= 1.0:
        raise ArgumentError("correlation", "must be from -1 to 1", f"{correlation!r}", "pass a correlation")
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
            f"{self.institution} in distress adds {self.delta_covar:.2%} [{self.lower:.2%}, {self.upper:.2%}] to the "
            f"{self.confidence:.4g} loss of {self.system} (CoVaR {self.covar:.2%}), {self.n_obs:,} periods to "
            f"{self.as_of.date()}"
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
        Bootstrap draws, with `rng`.
    mean_block : float, optional
        Mean length of a block (rows); the cube root of the rows by default.
    rng : Generator, optional
        For the bootstrap; without it the interval is one of standard errors.
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
    quantiles were independent; they know nothing of dependence in time.

    At 99 % a year of days has two or three rows beyond the institution's quantile: trust the interval, not the digit.

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
    sample = _Sample(rows[system].to_numpy(), rows[institution].to_numpy(), lagged, latest, level)
    point = sample.estimate()
    if rng is None:
        half = float(special.ndtri(0.5 + 0.5 * wide)) * sample.standard_error(point)
        lower, upper = point.delta - half, point.delta + half
    else:
        count = check_count(n_draws, argument="n_draws", unit="draws")
        block = default_block(len(rows)) if mean_block is None else max(1.0, float(mean_block))
        draws = sample.bootstrap(count, block, rng)
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
        interval="standard_error" if rng is None else "bootstrap",
        method=f"quantile regression, {'exact' if len(rows) <= _EXACT_UP_TO else 'iterated least squares'}",
        as_of=losses.index[-1],
        n_obs=len(rows),
        provenance=Provenance(()) if provenance is None else provenance,
    )


class _Point(NamedTuple):
    """Planes and what follows from them at the latest state."""

    tail: Floats
    middle: Floats
    plane: Floats
    at_risk: float
    median: float
    distressed: float
    delta: float
    beta: float


@dataclass(frozen=True, slots=True)
class _Sample:
    """Losses of system (y) and institution (x), lagged state with a column of ones, the latest state, and weights."""

    y: Floats
    x: Floats
    lagged: Floats
    latest: Floats
    level: float
    weights: Floats | None = None

    def estimate(self) -> _Point:
        tail = _plane(self.lagged, self.x, self.level, self.weights)
        middle = _plane(self.lagged, self.x, 0.5, self.weights)
        plane = _plane(np.column_stack([self.lagged, self.x]), self.y, self.level, self.weights)
        at_risk, median, beta = float(self.latest @ tail), float(self.latest @ middle), float(plane[-1])
        distressed = float(self.latest @ plane[:-1]) + beta * at_risk
        return _Point(tail, middle, plane, at_risk, median, distressed, beta * (at_risk - median), beta)

    def path(self, point: _Point, times: pd.Index) -> pd.DataFrame:
        at_risk, median = self.lagged @ point.tail, self.lagged @ point.middle
        base = self.lagged @ point.plane[:-1]
        columns = {
            "value_at_risk": at_risk,
            "covar": base + point.beta * at_risk,
            "covar_median": base + point.beta * median,
            "delta_covar": point.beta * (at_risk - median),
        }
        return pd.DataFrame(columns, index=times)

    def bootstrap(self, n_draws: int, mean_block: float, rng: np.random.Generator) -> Floats:
        weights = stationary_weights(len(self.y), mean_block=mean_block, n_draws=n_draws, rng=rng)
        draws = []
        for count in weights:
            drawn = count > 0.0
            again = _Sample(
                self.y[drawn], self.x[drawn], self.lagged[drawn], self.latest, self.level, count[drawn]
            )  # fmt: skip
            draws.append(again.estimate().delta)
        return np.array(draws)

    def standard_error(self, point: _Point) -> float:
        slope = _covariance(np.column_stack([self.lagged, self.x]), self.y, self.level)[-1, -1]
        tail = self.latest @ _covariance(self.lagged, self.x, self.level) @ self.latest
        middle = self.latest @ _covariance(self.lagged, self.x, 0.5) @ self.latest
        reach = point.at_risk - point.median
        return float(np.sqrt(reach**2 * slope + point.beta**2 * (tail + middle)))


def _plane(design: Floats, losses: Floats, level: float, weights: Floats | None) -> Floats:
    if design.shape[1] == 1:
        return _quantile(losses, level, np.ones(len(losses)) if weights is None else weights)
    # The loss function grows in proportion, so that a weight is a factor of its row.
    w = 1.0 if weights is None else weights[:, None]
    X, y = design * w, losses if weights is None else losses * weights
    if len(losses) <= _EXACT_UP_TO:
        return fit_quantile_plane(X, y, level=level)
    return np.asarray(_regression(X, y, level).params, dtype=np.float64)


def _quantile(losses: Floats, level: float, weights: Floats) -> Floats:
    """Return the plane of a constant alone: the lowest loss up to which the weights reach the level."""
    order = np.argsort(losses, kind="stable")
    reached = np.cumsum(weights[order])
    at = int(np.searchsorted(reached, level * reached[-1] * (1.0 - 1e-12)))
    return np.array([losses[order[min(at, len(losses) - 1)]]])


def _covariance(design: Floats, losses: Floats, level: float) -> Floats:
    return np.asarray(_regression(design, losses, level).cov_params(), dtype=np.float64)


def _regression(design: Floats, losses: Floats, level: float):  # type: ignore[no-untyped-def]  # statsmodels has no types
    # Imported here: statsmodels takes a second to load.
    from statsmodels.regression.quantile_regression import QuantReg
    from statsmodels.tools.sm_exceptions import IterationLimitWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", IterationLimitWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return QuantReg(losses, design).fit(q=level, max_iter=_ITERATIONS)
        except IterationLimitWarning as warning:
            raise ConvergenceError(f"a quantile regression of {len(losses):,} losses did not settle") from warning


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
