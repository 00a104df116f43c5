"""What fitting volatility regimes gives: probabilities, transitions, durations, and the variances ahead."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_returns
from volkit.conventions import annualize
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay
from volkit.volatility.expected import ExpectedVariance
from volkit.volatility.fit import FitStatus
from volkit.volatility.regimes._values import RegimeValues, stationary

__all__ = ["RegimeFit", "markov_model"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class RegimeFit(ResultDisplay):
    """Volatility regimes fitted to the returns of one asset; labels run from calm to turbulent.

    Attributes
    ----------
    asset, spec : str
        Name of the series; the model in words.
    transition : DataFrame, shape (k, k)
        P(next regime = column | regime = row); rows sum to one.
    transition_errors : DataFrame, shape (k, k)
        Standard errors; NaN at a probability of zero or one.
    means, mean_errors : Series, shape (k,)
        Mean return in each regime and its standard error, decimal; errors are NaN for a zero mean.
    variances : Series, shape (k,)
        Variance in each regime, decimal squared, per period.
    volatility_errors : Series, shape (k,)
        Standard errors of `volatilities`.
    probabilities : DataFrame, shape (n_obs, k)
        Real time: of the regime of each period from returns up to and including it (Hamilton's filter). The
        parameters are those of the whole sample; see `filter` for returns after it.
    hindsight_probabilities : DataFrame, shape (n_obs, k)
        Of the regime of each period from all returns, later ones too (Kim's smoother). For describing the past
        only: a decision back-tested with them looks ahead.
    next_probabilities : Series, shape (k,)
        Of the regime of the period after the last.
    log_likelihood, one_regime_log_likelihood : float
        Of the decimal returns, with these regimes and with one.
    n_parameters, n_parameters_of_one : int
        Estimated in either.
    remaining : float
        Log-likelihood that may still be had at the end of the search; below 1e-8 when converged.
    n_agreeing : int
        Starts that ended in this optimum.
    status : {"converged", "not converged"}
        Whether the end is a certified optimum with regimes that occur.
    trouble : str
        Why not converged; empty otherwise.
    as_of : Timestamp
        Label (UTC) of the last return used.
    periods_per_year : float
        Of the returns' clock.
    provenance : Provenance
        Sources and hashes, when given.
    """

    asset: str
    spec: str
    transition: pd.DataFrame
    transition_errors: pd.DataFrame
    means: pd.Series
    mean_errors: pd.Series
    variances: pd.Series
    volatility_errors: pd.Series
    probabilities: pd.DataFrame
    hindsight_probabilities: pd.DataFrame
    next_probabilities: pd.Series
    log_likelihood: float
    one_regime_log_likelihood: float
    n_parameters: int
    n_parameters_of_one: int
    remaining: float
    n_agreeing: int
    status: FitStatus
    trouble: str
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Returns used."""
        return len(self.probabilities)

    @property
    def labels(self) -> list[str]:
        """Names of the regimes from the lowest volatility to the highest."""
        return [str(label) for label in self.transition.index]

    @property
    def volatilities(self) -> pd.Series:
        """Volatility in each regime, decimal, per period."""
        return np.sqrt(self.variances)

    @property
    def annualized_volatilities(self) -> pd.Series:
        """Volatility in each regime, scaled to a year, decimal."""
        return annualize(self.volatilities, periods_per_year=self.periods_per_year)

    @property
    def expected_durations(self) -> pd.Series:
        """Mean length of a stay in each regime, 1 / (1 - p_ii), periods."""
        stay = np.diag(self.transition)
        leave = self.transition.to_numpy().sum(axis=1) - stay
        with np.errstate(divide="ignore"):
            return pd.Series(1.0 / leave, index=self.transition.index)

    @property
    def unconditional_probabilities(self) -> pd.Series:
        """Share of time spent in each regime in the long run."""
        return pd.Series(stationary(self.transition.to_numpy()), index=self.transition.index)

    @property
    def next_variance(self) -> float:
        """Variance of the period after the last over all regimes, decimal squared."""
        return float(self._mixed(self.next_probabilities.to_numpy()[None, :])[0])

    @property
    def annualized_next_volatility(self) -> float:
        """Root of `next_variance`, scaled to a year, decimal."""
        return float(annualize(float(np.sqrt(self.next_variance)), periods_per_year=self.periods_per_year))

    @property
    def variance(self) -> pd.Series:
        """Variance of each period given the returns before it (full-sample parameters), decimal squared."""
        before = self.probabilities.to_numpy()[:-1] @ self.transition.to_numpy()
        known = np.vstack([self.unconditional_probabilities.to_numpy(), before])
        return pd.Series(self._mixed(known), index=self.probabilities.index, name=self.asset)

    def _mixed(self, probabilities: np.ndarray) -> np.ndarray:
        """Variance of a mixture: within the regimes, and between their means."""
        means = self.means.to_numpy()
        within = probabilities @ self.variances.to_numpy()
        return np.asarray(within + probabilities @ means**2 - (probabilities @ means) ** 2)

    def forecast(self, horizon: int = 1) -> ExpectedVariance:
        """Return the expected variances of the next `horizon` periods.

        Raises
        ------
        ArgumentError
            When the horizon is not a whole number of at least 1.

        Notes
        -----
        Regime probabilities k periods ahead are P'^(k-1) times `next_probabilities` (Hamilton 1994, section 22.2);
        the variance of a period is that of the mixture of regimes.
        """
        steps = check_count(horizon, argument="horizon")
        ahead, P = [self.next_probabilities.to_numpy()], self.transition.to_numpy()
        for _ in range(1, steps):
            ahead.append(ahead[-1] @ P)
        variance = self._mixed(np.array(ahead))
        variance.flags.writeable = False
        return ExpectedVariance(
            asset=self.asset,
            spec=self.spec,
            variance=variance,
            as_of=self.as_of,
            periods_per_year=self.periods_per_year,
            provenance=self.provenance,
        )

    def filter(self, returns: pd.Series) -> pd.DataFrame:
        """Return real-time regime probabilities of other returns under these parameters.

        Parameters
        ----------
        returns : Series, shape (n,)
            Decimal, on UTC times, no NaN. The filter starts at the unconditional probabilities: pass the fitted
            history with the new returns behind it to go on from where the fit ended.

        Returns
        -------
        DataFrame, shape (n, k)
            Row t knows the returns up to and including t; returns after `as_of` make it out of sample.

        Raises
        ------
        DataError
            For what `volkit.checks.check_returns` refuses; two returns are enough.
        """
        checked = check_returns(returns, minimum=2)
        model, params = markov_model(checked.to_numpy(), self._values)
        filtered = np.asarray(model.filter(params).filtered_marginal_probabilities)
        return pd.DataFrame(filtered, index=checked.index, columns=self.transition.columns)

    @property
    def _values(self) -> RegimeValues:
        return RegimeValues(self.transition.to_numpy(), self.means.to_numpy(), self.variances.to_numpy())

    def compare_one_regime(self) -> pd.DataFrame:
        """Return likelihood and information criteria with these regimes and with one.

        There is no p-value on purpose: without a second regime its probabilities and variance do not exist, so that
        twice the difference of the log-likelihoods has no chi-squared law (Hansen 1992; Davies 1987), and one read
        from the usual table finds regimes too often. The lower BIC is a usable guide.
        """
        rows = {
            "one regime": (self.one_regime_log_likelihood, self.n_parameters_of_one),
            f"{len(self.variances)} regimes": (self.log_likelihood, self.n_parameters),
        }
        table = pd.DataFrame(rows, index=["log-likelihood", "parameters"]).T
        table["AIC (lower is better)"] = 2.0 * table["parameters"] - 2.0 * table["log-likelihood"]
        table["BIC (lower is better)"] = np.log(self.n_obs) * table["parameters"] - 2.0 * table["log-likelihood"]
        return table.rename_axis(f"{self.asset}, ratio of likelihoods is not chi-squared")

    @property
    def headline(self) -> str:
        """Asset, model, status and the latest regime in one line."""
        latest = self.probabilities.iloc[-1]
        return (
            f"{self.asset}, {self.spec}, {self.status}, {latest.idxmax()} with probability "
            f"{percent_to(latest.max(), 0)}, next "
            f"volatility {percent_to(self.annualized_next_volatility)} a year, as of {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a regime: volatility, mean, stay, share of time and latest probability."""
        columns = {
            "volatility (annualised, decimal)": self.annualized_volatilities,
            "volatility (per period, decimal)": self.volatilities,
            "its standard error": self.volatility_errors,
            "mean (per period, decimal)": self.means,
            "probability to stay": pd.Series(np.diag(self.transition), index=self.transition.index),
            "its error": pd.Series(np.diag(self.transition_errors), index=self.transition.index),
            "expected duration (periods)": self.expected_durations,
            "share of time": self.unconditional_probabilities,
            "probability now": self.probabilities.iloc[-1],
            "probability next": self.next_probabilities,
        }
        return pd.DataFrame(columns).rename_axis(f"{self.asset}, {self.spec}, {self.status}")

    def to_frame(self) -> pd.DataFrame:
        """Return real-time probabilities by time (UTC), with the variance expected before each period."""
        return self.probabilities.assign(variance=self.variance)


def markov_model(values: np.ndarray, regimes: RegimeValues) -> tuple[Any, np.ndarray]:
    """Return statsmodels' model of returns, shape (n,), and the parameters that stand for the regimes."""
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression  # a second and a half

    model = MarkovRegression(values, len(regimes.means), trend="c", switching_trend=True, switching_variance=True)
    # statsmodels takes the probabilities column by column of the matrix, all but the last.
    return model, np.concatenate([regimes.transition[:, :-1].T.ravel(), regimes.means, regimes.variances])
