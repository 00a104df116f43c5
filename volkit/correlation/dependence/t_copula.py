"""The t copula of a pair: how extremes go together when both have been brought to ranks.

Two series of changes enter; a `TCopulaFit` with certificate, errors and tail coefficient leaves.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from volkit.checks import check_confidence
from volkit.correlation.dependence.t_likelihood import (
    LARGEST_NU,
    certify,
    log_density,
    maximise,
    normal_fit,
    pseudo_observations,
)
from volkit.correlation.inputs import check_pair, require_pairs
from volkit.correlation.intervals import cosine_terms
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.prices.synchrony import Synchrony, clock_words, warn_asynchronous
from volkit.results import Provenance, ResultDisplay

__all__ = ["TCopulaFit", "fit_t_copula", "t_copula_tail_dependence"]


def t_copula_tail_dependence(nu: float | np.ndarray, rho: float | np.ndarray) -> np.ndarray:
    """Return the tail coefficient of t copulas, lower and upper alike, shape of the broadcast inputs.

    Parameters
    ----------
    nu : float or ndarray
        Degrees of freedom, above 0; infinite is the normal copula, 0 below a correlation of 1.
    rho : float or ndarray
        Correlation parameter, no unit.

    Raises
    ------
    ArgumentError
        For nu that is not positive or rho beyond 1.

    Notes
    -----
    2 t_(nu+1)(-sqrt((nu + 1)(1 - rho) / (1 + rho))), McNeil, Frey and Embrechts (2015), Quantitative Risk
    Management, equation 7.38.

    Examples
    --------
    >>> t_copula_tail_dependence(4, np.array([-0.5, 0.0, 0.5, 0.9])).round(4).tolist()
    [0.0117, 0.0756, 0.2532, 0.6298]
    """
    v, r = np.broadcast_arrays(np.asarray(nu, dtype=np.float64), np.asarray(rho, dtype=np.float64))
    if not (v > 0.0).all():
        raise ArgumentError("nu", "must be positive degrees of freedom", repr(nu), "pass for example nu=4")
    if not (np.abs(r) <= 1.0).all():
        raise ArgumentError("rho", "must be correlations from -1 to 1", repr(rho), "pass decimals")
    finite = np.where(np.isinf(v), 1.0, v)
    with np.errstate(divide="ignore"):
        distance = np.sqrt((finite + 1.0) * (1.0 - r) / (1.0 + r))
    coefficient = 2.0 * special.stdtr(finite + 1.0, -distance)
    return np.asarray(np.where(np.isinf(v), np.where(r == 1.0, 1.0, 0.0), coefficient))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TCopulaFit(ResultDisplay):
    """A t copula fitted to the ranks of a pair.

    Attributes
    ----------
    rho, nu : float
        Correlation parameter (no unit) and degrees of freedom; nu is infinite when the normal copula fits best.
    rho_error, nu_error : float
        Standard errors; they allow for ranks in place of the unknown margins and for dependence in time. NaN for
        an infinite nu.
    tail_coefficient, lower, upper : float
        Of both tails, with its interval; no unit. The interval is NaN for an infinite nu.
    log_likelihood, normal_log_likelihood : float
        Of the pseudo-observations, for the t and the normal copula.
    gain : float
        Log-likelihood that one more Newton step promises: the certificate.
    pair : tuple of str
        Names of the two series.
    confidence : float
        Of the interval, fraction.
    n_obs, n_missing : int
        Complete pairs, and rows left out.
    method : str
        In words.
    as_of : Timestamp
        Last time (UTC).
    synchrony : Synchrony or None
        What the two clocks have in common.
    provenance : Provenance
        Series behind it.
    """

    rho: float
    nu: float
    rho_error: float
    nu_error: float
    tail_coefficient: float
    lower: float
    upper: float
    log_likelihood: float
    normal_log_likelihood: float
    gain: float
    pair: tuple[str, str]
    confidence: float
    n_obs: int
    n_missing: int
    method: str
    as_of: pd.Timestamp
    synchrony: Synchrony | None
    provenance: Provenance

    @property
    def headline(self) -> str:
        """Parameters and the tail coefficient with its interval."""
        known = f"{self.lower:.2f} to {self.upper:.2f}" if np.isfinite(self.lower) else "no interval"
        words = f"{self.tail_coefficient:.2f} ({known})"
        return f"{self.pair[0]} and {self.pair[1]}, rho {self.rho:.2f}, nu {self.nu:.1f}, tail {words}, n {self.n_obs}"

    def summary(self) -> pd.DataFrame:
        """Return the facts, one a row."""
        # At the normal copula, which is the edge of what is estimated, there is neither error nor interval.
        limits = f"{self.lower:.4f} to {self.upper:.4f}" if np.isfinite(self.lower) else "not available"
        facts = {
            "rho (no unit)": f"{self.rho:.4f} ({_error_words(self.rho_error, 4)})",
            "nu (degrees of freedom)": f"{self.nu:.3f} ({_error_words(self.nu_error, 3)})",
            "tail coefficient (no unit)": f"{self.tail_coefficient:.4f}",
            f"{percent_to(self.confidence, 0)} interval": limits,
            "log-likelihood, t and normal copula": f"{self.log_likelihood:.3f} and {self.normal_log_likelihood:.3f}",
            "log-likelihood of a further step": f"{self.gain:.1e}",
            "method": self.method,
            "complete pairs (rows)": str(self.n_obs),
            "left out, a value missing (rows)": str(self.n_missing),
            "clocks": clock_words(self.synchrony),
            "last time (UTC)": f"{self.as_of:%Y-%m-%d %H:%M}",
        }
        return pd.Series(facts, name=f"{self.pair[0]} and {self.pair[1]}").to_frame()

    def to_frame(self) -> pd.DataFrame:
        """Return one tidy row: first, second, rho, nu, tail coefficient and limits, n."""
        columns = ["first", "second", "rho", "nu", "tail_coefficient", "lower", "upper", "n"]
        row = (*self.pair, self.rho, self.nu, self.tail_coefficient, self.lower, self.upper, self.n_obs)
        return pd.DataFrame([row], columns=columns)


def fit_t_copula(
    x: pd.Series,
    y: pd.Series,
    *,
    confidence: float = 0.95,
    synchrony: Synchrony | None = None,
    provenance: Provenance | None = None,
) -> TCopulaFit:
    """Return the t copula of the ranks of two series, by maximum pseudo-likelihood.

    Parameters
    ----------
    x, y : Series, shape (n_obs,)
        Changes in any unit on the same UTC times; rows with a NaN on either side are left out and counted.
    confidence : float
        Of the tail coefficient's interval, fraction.
    synchrony : Synchrony, optional
        What the two clocks have in common.
    provenance : Provenance, optional
        Handed on.

    Returns
    -------
    TCopulaFit
        With a certificate of its optimum.

    Raises
    ------
    ConvergenceError
        When the optimum cannot be certified.
    DataError
        As `pearson_correlation`.

    Warns
    -----
    AsynchronousWarning
        When the two clocks have less than 95 % of a period in common.

    Notes
    -----
    Maximises sum ln c(u_t, v_t; rho, nu), u and v ranks over n + 1, over atanh(rho) and ln(nu), nu from 1 to 200; at
    the upper end the normal copula is given. Errors: the influence of row t is its score plus what its ranks do to
    the scores of the others (Genest, Ghoudi and Rivest 1995, Biometrika 82(3), 543-552, proposition 2.1), its
    long-run variance by equal-weighted cosines as in `intervals.ewc_band`, with t quantiles; the interval is taken
    on the logit of the tail coefficient. One nu serves both tails: compare with `tail_dependence` of each.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = pd.date_range("2020-01-01", periods=1000, tz="UTC")
    >>> common = np.sqrt(4 / rng.chisquare(4, 1000))
    >>> z = rng.standard_normal((2, 1000))
    >>> x = pd.Series(common * z[0], index=times, name="BTC")
    >>> y = pd.Series(common * (0.5 * z[0] + np.sqrt(0.75) * z[1]), index=times, name="SPX")
    >>> fit_t_copula(x, y)
    <TCopulaFit: BTC and SPX, rho 0.44, nu 3.7, tail 0.24 (0.17 to 0.32), n 1000>
    """
    pair = check_pair(x, y)
    kept = require_pairs(pair, argument="x and y", remedy="pass a longer history")
    level = check_confidence(confidence)
    warn_asynchronous(synchrony, what=f"the t copula of {pair.label}")
    u, v = pseudo_observations(kept.x), pseudo_observations(kept.y)
    normal_rho, normal = normal_fit(u, v)
    theta = maximise(u, v)
    rho, nu = float(np.tanh(theta[0])), float(np.exp(theta[1]))
    top = float(log_density(theta, u, v).sum())
    is_normal = nu > 0.99 * LARGEST_NU
    if is_normal:
        rho, nu, gain = normal_rho, float("inf"), 0.0
        errors, limits = (float("nan"), float("nan")), (float("nan"), float("nan"))
        top = normal
    else:
        gain, covariance = certify(theta, u, v)
        errors = (float(np.sqrt(covariance[0, 0]) * (1.0 - rho**2)), float(np.sqrt(covariance[1, 1]) * nu))
        limits = _tail_limits(theta, covariance, cosine_terms(len(u)), level)
    return TCopulaFit(
        rho=rho,
        nu=nu,
        rho_error=errors[0],
        nu_error=errors[1],
        tail_coefficient=float(t_copula_tail_dependence(nu, rho)),
        lower=limits[0],
        upper=limits[1],
        log_likelihood=top,
        normal_log_likelihood=normal,
        gain=gain,
        pair=pair.names,
        confidence=level,
        n_obs=len(u),
        n_missing=len(pair.index) - len(u),
        method="normal copula, nu beyond 200" if is_normal else "maximum pseudo-likelihood, EWC-HAR errors",
        as_of=pair.index[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _tail_limits(theta: np.ndarray, covariance: np.ndarray, nu: int, confidence: float) -> tuple[float, float]:
    def logit_tail(at: np.ndarray) -> float:
        return float(special.logit(t_copula_tail_dependence(np.exp(at[1]), np.tanh(at[0]))))

    slope = np.array([logit_tail(theta + s) - logit_tail(theta - s) for s in 1e-5 * np.eye(2)]) / 2e-5
    half = stats.t.ppf(0.5 + 0.5 * confidence, nu) * np.sqrt(slope @ covariance @ slope)
    centre = logit_tail(theta)
    return float(special.expit(centre - half)), float(special.expit(centre + half))


def _error_words(error: float, digits: int) -> str:
    return f"standard error {error:.{digits}f}" if np.isfinite(error) else "no standard error"
