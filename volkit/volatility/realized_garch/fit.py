"""What fitting a Realized GARCH gives, and the variances that it expects."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count
from volkit.conventions import annualize
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay
from volkit.volatility.distributions import Distribution
from volkit.volatility.expected import ExpectedVariance
from volkit.volatility.fit import FitStatus
from volkit.volatility.recursion import NEAR_INTEGRATED

__all__ = ["RealizedGarchFit", "RealizedGarchParameters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealizedGarchParameters:
    """Parameters of the log-linear Realized GARCH, of decimal returns and variances per period.

    Attributes
    ----------
    mu : float
        Mean return, decimal.
    omega, beta, gamma : float
        log h_t = omega + beta log h_{t-1} + gamma log x_{t-1}.
    xi, phi, tau1, tau2, sigma_u : float
        log x_t = xi + phi log h_t + tau1 z_t + tau2 (z_t^2 - 1) + u_t, u_t normal with deviation sigma_u.

    Examples
    --------
    >>> p = RealizedGarchParameters(
    ...     mu=0.0, omega=0.0, beta=0.6, gamma=0.4, xi=0.0, phi=1.0, tau1=-0.1, tau2=0.1, sigma_u=0.4
    ... )
    >>> round(p.next_variance(1e-4, 4e-4), 6)
    0.000174
    """

    mu: float
    omega: float
    beta: float
    gamma: float
    xi: float
    phi: float
    tau1: float
    tau2: float
    sigma_u: float

    @property
    def persistence(self) -> float:
        """beta + phi gamma (no unit)."""
        return self.beta + self.phi * self.gamma

    def next_variance(self, variance: float, realized_variance: float) -> float:
        """Return the next period's variance from this one's and its realised one (decimal squared)."""
        return float(np.exp(self.omega + self.beta * np.log(variance) + self.gamma * np.log(realized_variance)))

    def expected_log_variance(self, next_variance: float, horizon: int) -> np.ndarray:
        """Return E[log h] of the next periods, shape (horizon,), from the next variance (decimal squared)."""
        expected = np.empty(horizon)
        expected[0] = np.log(next_variance)
        for k in range(1, horizon):
            expected[k] = self.omega + self.gamma * self.xi + self.persistence * expected[k - 1]
        return expected


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RealizedGarchFit(ResultDisplay):
    """A Realized GARCH fitted to the returns and realised variances of one asset.

    Attributes
    ----------
    asset, spec : str
        Name of the series; the model in words.
    parameters : RealizedGarchParameters
        Estimates, decimal, per period.
    distribution : Distribution
        Law of the standardised returns.
    covariance : DataFrame, shape (k, k)
        Of the estimated parameters by name, robust (sandwich) form; NaN when the fit did not converge.
    hessian_covariance : DataFrame, shape (k, k)
        The same from the Hessian alone, right when the laws are.
    at_bound : tuple of str
        Parameters that ran to the edge of what they can be and were fixed there ("nu": the law is normal).
    variance : Series, shape (n_obs,)
        Of each period given the periods before it: decimal squared, index UTC.
    standardized : Series, shape (n_obs,)
        (return - mu) / sqrt(variance).
    measurement_errors : Series, shape (n_obs,)
        log x_t - xi - phi log h_t: the leverage terms and u_t together.
    next_variance : float
        Of the period after the last: decimal squared.
    log_likelihood : float
        Of decimal returns and log realised variances together.
    return_log_likelihood : float
        Its part for the returns, comparable with a GARCH of the same returns.
    decrement : float
        Half of Newton's decrement at the end: log-likelihood still to be had. Below 1e-10 when converged.
    n_agreeing : int
        How many of the searches ended within 1e-6 of the best log-likelihood.
    status : {"converged", "not converged"}
        Whether the end is a certified optimum.
    as_of : Timestamp
        Label (UTC) of the last period used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    spec: str
    parameters: RealizedGarchParameters
    distribution: Distribution
    covariance: pd.DataFrame
    hessian_covariance: pd.DataFrame
    at_bound: tuple[str, ...]
    variance: pd.Series
    standardized: pd.Series
    measurement_errors: pd.Series
    next_variance: float
    log_likelihood: float
    return_log_likelihood: float
    decrement: float
    n_agreeing: int
    status: FitStatus
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Periods used."""
        return len(self.variance)

    @property
    def standard_errors(self) -> pd.Series:
        """Robust standard errors by parameter."""
        return pd.Series(np.sqrt(np.diag(self.covariance)), index=self.covariance.index)

    @property
    def hessian_errors(self) -> pd.Series:
        """Standard errors from the Hessian alone, by parameter."""
        return pd.Series(np.sqrt(np.diag(self.hessian_covariance)), index=self.hessian_covariance.index)

    @property
    def annualized_volatility(self) -> pd.Series:
        """Conditional volatility by time, scaled to a year, decimal."""
        return annualize(np.sqrt(self.variance), periods_per_year=self.periods_per_year)

    @property
    def annualized_next_volatility(self) -> float:
        """Volatility of the period after the last, scaled to a year, decimal."""
        return float(annualize(float(np.sqrt(self.next_variance)), periods_per_year=self.periods_per_year))

    @property
    def long_run_log_variance(self) -> float:
        """E[log h], to which forecasts return; NaN when the persistence is at one."""
        p = self.parameters
        if p.persistence >= NEAR_INTEGRATED:
            return float("nan")
        return (p.omega + p.gamma * p.xi) / (1.0 - p.persistence)

    def forecast(self, horizon: int = 1, *, innovations: Literal["empirical", "law"] = "empirical") -> ExpectedVariance:
        """Return the expected variances of the next `horizon` periods, in closed form.

        Parameters
        ----------
        horizon : int
            Periods ahead.
        innovations : {"empirical", "law"}
            Over what the mean is taken: the measurement errors w_t of the sample, drawn with equal chance, or the
            normal laws of the model.

        Returns
        -------
        ExpectedVariance
            Decimal squared per period.

        Raises
        ------
        ArgumentError
            For a horizon below 1; for the law of a t, under which the expected variance is infinite whenever
            gamma tau2 > 0; and for a normal law with 2 gamma tau2 >= 1, where it is infinite too.

        Notes
        -----
        log h_{T+k} = m_k + gamma sum_j (beta + phi gamma)^j w_{T+k-1-j}, hence E[h_{T+k}] = exp(m_k) prod_j
        E[exp(c_j w)] with c_j = gamma (beta + phi gamma)^j, j = 0, ..., k - 2. For normal z and u, E[exp(c w)] =
        exp(c^2 sigma_u^2 / 2 - c tau2 + c^2 tau1^2 / (2 - 4 c tau2)) / sqrt(1 - 2 c tau2).
        """
        steps = check_count(horizon, argument="horizon")
        check_choice(innovations, argument="innovations", choices=("empirical", "law"))
        p = self.parameters
        c = p.gamma * p.persistence ** np.arange(steps - 1)
        growth = self._law_growth(c) if innovations == "law" else self._empirical_growth(c)
        log_mean = p.expected_log_variance(self.next_variance, steps)
        variance = np.exp(log_mean + np.concatenate([[0.0], np.cumsum(growth)]))
        variance.flags.writeable = False
        return ExpectedVariance(
            asset=self.asset,
            spec=self.spec,
            variance=variance,
            as_of=self.as_of,
            periods_per_year=self.periods_per_year,
            provenance=self.provenance,
        )

    def _empirical_growth(self, c: np.ndarray) -> np.ndarray:
        w = self.measurement_errors.to_numpy()
        return np.array([np.log(np.mean(np.exp(one * w))) for one in c])

    def _law_growth(self, c: np.ndarray) -> np.ndarray:
        p = self.parameters
        room = 1.0 - 2.0 * c * p.tau2
        if self.distribution.name != "normal" or (room <= 0.0).any():
            requirement = "must be empirical where the law leaves no expected variance"
            got = f"law with {self.distribution.name} returns, gamma tau2 {p.gamma * p.tau2:.3g}"
            raise ArgumentError("innovations", requirement, got, 'pass innovations="empirical"')
        leverage = -c * p.tau2 + 0.5 * (c * p.tau1) ** 2 / room - 0.5 * np.log(room)
        return np.asarray(0.5 * (c * p.sigma_u) ** 2 + leverage)

    def simulate_variance(self, horizon: int, *, n_paths: int, rng: np.random.Generator) -> np.ndarray:
        """Return variances of the next periods drawn from the model's laws, shape (n_paths, horizon).

        Raises
        ------
        ArgumentError
            When horizon or n_paths is not a whole number of at least 1.
        """
        shape = check_count(n_paths, argument="n_paths", unit="paths"), check_count(horizon, argument="horizon")
        p, log_h = self.parameters, np.empty(shape)
        nu = self.distribution.degrees_of_freedom
        is_normal = self.distribution.name == "normal"
        z = rng.standard_normal(shape) if is_normal else rng.standard_t(nu, shape) * np.sqrt((nu - 2.0) / nu)
        w = p.tau1 * z + p.tau2 * (z * z - 1.0) + p.sigma_u * rng.standard_normal(shape)
        log_h[:, 0] = np.log(self.next_variance)
        for k in range(1, shape[1]):
            log_x = p.xi + p.phi * log_h[:, k - 1] + w[:, k - 1]
            log_h[:, k] = p.omega + p.beta * log_h[:, k - 1] + p.gamma * log_x
        return np.asarray(np.exp(log_h))

    @property
    def headline(self) -> str:
        """Asset, model, status and next volatility in one line."""
        year = self.annualized_next_volatility
        return (
            f"{self.asset}, {self.spec}, {self.status}, next volatility {percent_to(year)} a year, as of "
            f"{self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return estimates with both standard errors, then what follows from them (units in the labels)."""
        p = self.parameters
        names = ("mu", "omega", "beta", "gamma", "xi", "phi", "tau1", "tau2", "sigma_u")
        estimates = {name: getattr(p, name) for name in names} | {"nu": self.distribution.degrees_of_freedom}
        table = pd.DataFrame({"estimate": estimates})
        table["standard error"] = self.standard_errors.reindex(table.index)
        table["standard error (Hessian)"] = self.hessian_errors.reindex(table.index)
        derived = {
            "persistence": p.persistence,
            "next volatility (per period, decimal)": float(np.sqrt(self.next_variance)),
            "next volatility (annualised, decimal)": self.annualized_next_volatility,
            "log-likelihood": self.log_likelihood,
            "log-likelihood of the returns": self.return_log_likelihood,
            "log-likelihood still to be had": self.decrement,
            "observations": self.n_obs,
        }
        title = f"{self.asset}, {self.spec}, {self.status}"
        return pd.concat([table, pd.DataFrame({"estimate": derived})]).rename_axis(title)

    def to_frame(self) -> pd.DataFrame:
        """Return variance, volatility (per period), standardised return and measurement error by time (UTC)."""
        columns = {"variance": self.variance, "volatility": np.sqrt(self.variance), "standardized": self.standardized}
        return pd.DataFrame({**columns, "measurement_error": self.measurement_errors})
