"""What fitting correlation states gives: matrices with intervals, probabilities in real time, forecasts, a test."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_choice, check_confidence, check_count
from volkit.correlation.inputs import check_frame
from volkit.correlation.regimes.forecast import RegimeCorrelationForecast
from volkit.correlation.regimes.likelihood import pass_of
from volkit.correlation.regimes.one_state import OneStateTest, drawn_ratios
from volkit.correlation.regimes.values import CorrelationStates, pairs_of, unpack
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.volatility.fit import Certificate

__all__ = ["CorrelationRegimeFit"]

# Below this a transition probability stands at zero: it has an estimate, but no standard error.
_AT_ZERO = 1e-5
_STEP = 1e-6


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CorrelationRegimeFit(ResultDisplay):
    """Correlation states fitted to several series; labels run from low to high average correlation.

    All parameters are of the whole sample. Given them, `probabilities` look at no later row; those in hindsight have
    a name that says so.

    Attributes
    ----------
    assets : tuple of str
        Names of the series.
    spec : str
        The model in words.
    labels : tuple of str
        Names of the k states.
    theta : ndarray, shape (m,)
        Free parameters (`regimes.values`); read-only.
    theta_covariance : ndarray, shape (m, m)
        Of them, inverse observed information given the volatilities; read-only.
    shocks : DataFrame, shape (n_obs, n_assets)
        Changes over their volatility, of mean square one (no unit), by time (UTC).
    scales : Series, shape (n_assets,)
        What the changes over their volatility were divided by to be so.
    log_likelihood : float
        Of the shocks.
    single : CorrelationStates
        The model with one state.
    one_state_log_likelihood : float
        Of that.
    certificate : Certificate
        Of the optimum.
    n_agreeing, n_starts : int
        Starts that ended here, of how many.
    least_rows : int
        Expected periods that each state needed.
    n_left_out : int
        Rows before the first volatility.
    as_of : Timestamp
        Label (UTC) of the last period used.
    periods_per_year : float
        Of the clock.
    provenance : Provenance
        Series behind it.
    """

    assets: tuple[str, ...]
    spec: str
    labels: tuple[str, ...]
    theta: np.ndarray
    theta_covariance: np.ndarray
    shocks: pd.DataFrame
    scales: pd.Series
    log_likelihood: float
    single: CorrelationStates
    one_state_log_likelihood: float
    certificate: Certificate
    n_agreeing: int
    n_starts: int
    least_rows: int
    n_left_out: int
    as_of: pd.Timestamp
    periods_per_year: float
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def n_obs(self) -> int:
        """Periods used."""
        return len(self.shocks)

    @property
    def states(self) -> CorrelationStates:
        """The values of the model as arrays."""
        return unpack(self.theta, n_states=len(self.labels), n_assets=len(self.assets))

    @property
    def state_correlations(self) -> np.ndarray:
        """Correlation matrices of the states, shape (k, n_assets, n_assets), no unit."""
        return self.states.correlations

    def correlation_of(self, label: str) -> pd.DataFrame:
        """Return the correlation matrix of one state, shape (n_assets, n_assets), no unit.

        Raises
        ------
        ArgumentError
            For a label that is none of the states.
        """
        check_choice(label, argument="label", choices=self.labels)
        names = list(self.assets)
        return pd.DataFrame(self.state_correlations[self.labels.index(label)], index=names, columns=names)

    @property
    def degrees_of_freedom(self) -> float:
        """Of the t law of the shocks; infinite for the normal one."""
        nu = self.states.nu
        return float("inf") if nu is None else nu

    @property
    def transition(self) -> pd.DataFrame:
        """P(next state = column | state = row), shape (k, k)."""
        return pd.DataFrame(self.states.transition, index=list(self.labels), columns=list(self.labels))

    @property
    def expected_durations(self) -> pd.Series:
        """Mean length of a stay in each state, 1 / (1 - p_ii), periods."""
        P = self.states.transition
        return pd.Series(1.0 / (P.sum(axis=1) - np.diag(P)), index=list(self.labels))

    @property
    def stationary_shares(self) -> pd.Series:
        """Share of time spent in each state in the long run, fraction."""
        return pd.Series(self.states.shares, index=list(self.labels))

    @property
    def probabilities(self) -> pd.DataFrame:
        """Filtered probabilities, shape (n_obs, k): row t knows the shocks up to and including t."""
        return self._table(pass_of(self.shocks.to_numpy(), self.states).filtered)

    @property
    def hindsight_probabilities(self) -> pd.DataFrame:
        """Smoothed probabilities, shape (n_obs, k): every row knows all shocks, also later ones."""
        return self._table(pass_of(self.shocks.to_numpy(), self.states).smoothed)

    @property
    def path(self) -> pd.DataFrame:
        """Correlations expected for each period from the shocks before it, shape (n_obs, n_pairs), no unit.

        Columns (first, second); the states' correlations, weighted by their predicted probabilities.
        """
        i, j = pairs_of(len(self.assets))
        states = self.states
        values = pass_of(self.shocks.to_numpy(), states).predicted @ states.correlations[:, i, j]
        return freeze(pd.DataFrame(values, index=self.shocks.index, columns=self._pair_names))

    def filter(self, shocks: pd.DataFrame) -> pd.DataFrame:
        """Return filtered probabilities of other shocks under these parameters, shape (n, k).

        Parameters
        ----------
        shocks : DataFrame, shape (n, n_assets)
            Changes over their volatility, over `scales`, no NaN, UTC times:
            ``devolatilize(changes).dropna() / fit.scales`` for the default margins. The filter starts at the
            stationary shares: pass the fitted shocks with the new ones behind them to go on from `as_of`.

        Raises
        ------
        DataError
            For a series that is missing, a NaN, or what `correlation.inputs.check_frame` refuses.
        """
        if missing := [name for name in self.assets if name not in shocks.columns]:
            raise DataError("shocks", "must have every series of the fit", f"none for {', '.join(missing)}", "add them")
        frame = pd.concat(check_frame(shocks[list(self.assets)]), axis=1)
        if frame.isna().any(axis=None):
            got = f"{int(frame.isna().any(axis=1).sum())} rows with a missing value"
            raise DataError("shocks", "must have every series on every row", got, "drop them")
        found = pass_of(np.ascontiguousarray(frame.to_numpy()), self.states)
        return freeze(pd.DataFrame(found.filtered, index=frame.index, columns=list(self.labels)))

    def forecast(self, horizon: int = 1) -> RegimeCorrelationForecast:
        """Return the expected correlations of the next `horizon` periods.

        Raises
        ------
        ArgumentError
            When the horizon is not a whole number of at least 1.

        Notes
        -----
        With p the filtered probabilities of the last period, those h periods ahead are p' P^h (Hamilton 1994,
        section 22.2), and E z z' = sum_s p_s R_s: exact, since all states have unit variances.
        """
        steps, states = check_count(horizon, argument="horizon"), self.states
        ahead = [self.probabilities.to_numpy()[-1]]
        for _ in range(steps):
            ahead.append(ahead[-1] @ states.transition)
        weights = np.array(ahead[1:])
        correlation = np.einsum("hs,sij->hij", weights, states.correlations)
        correlation.flags.writeable = False
        index = pd.RangeIndex(1, steps + 1, name="periods ahead")
        return RegimeCorrelationForecast(
            assets=self.assets,
            correlation=correlation,
            probabilities=freeze(pd.DataFrame(weights, index=index, columns=list(self.labels))),
            spec=self.spec,
            as_of=self.as_of,
            n_obs=self.n_obs,
            periods_per_year=self.periods_per_year,
            provenance=self.provenance,
        )

    def correlation_table(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return one row a state and pair: correlation, standard_error, lower, upper (no unit).

        Raises
        ------
        ArgumentError
            For a bad confidence.

        Notes
        -----
        tanh(atanh rho +- q se) with the normal quantile q; the standard error of rho is (1 - rho^2) se.
        """
        q, k = _quantile(confidence), len(self.labels)
        start, (i, j) = k * (k - 1), pairs_of(len(self.assets))
        size = k * len(i)
        at = self.theta[start : start + size]
        error = np.sqrt(np.diag(self.theta_covariance)[start : start + size])
        names = np.array(self.assets, dtype=object)
        keys = {"state": np.repeat(self.labels, len(i)), "first": np.tile(names[i], k), "second": np.tile(names[j], k)}
        rho = np.tanh(at)
        values = {"correlation": rho, "standard_error": (1.0 - rho**2) * error}
        return pd.DataFrame(keys | values | {"lower": np.tanh(at - q * error), "upper": np.tanh(at + q * error)})

    def transition_table(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return one row a move: from, to, probability, standard_error, lower, upper.

        Raises
        ------
        ArgumentError
            For a bad confidence.

        Notes
        -----
        By the delta method; limits are symmetric in the logit of the probability. A probability at zero has none.
        """
        q, P = _quantile(confidence), self.states.transition.ravel()
        k = len(self.labels)
        steps = np.eye(len(self.theta))[: k * (k - 1)] * _STEP
        J = np.array([(self._moved(one) - self._moved(-one)) / (2.0 * _STEP) for one in steps]).T
        C = self.theta_covariance[: k * (k - 1), : k * (k - 1)]
        inside = (P > _AT_ZERO) & (P < 1.0 - _AT_ZERO)
        error = np.where(inside, np.sqrt(np.maximum(np.diag(J @ C @ J.T), 0.0)), np.nan)
        known = np.where(inside, P, 0.5)
        logit, wide = np.log(known / (1.0 - known)), q * error / (known * (1.0 - known))
        keys = {"from": np.repeat(self.labels, k), "to": np.tile(self.labels, k)}
        limits = {"lower": 1.0 / (1.0 + np.exp(wide - logit)), "upper": 1.0 / (1.0 + np.exp(-wide - logit))}
        return pd.DataFrame(keys | {"probability": P, "standard_error": error} | limits)

    @property
    def criteria(self) -> pd.DataFrame:
        """Log-likelihood, parameters, AIC, BIC and HQIC (lower is better) with one state and with these."""
        n, extra = self.n_obs, self.states.nu is not None
        n_pairs = len(self._pair_names)
        rows = {
            "1 state": (self.one_state_log_likelihood, n_pairs + extra),
            f"{len(self.labels)} states": (self.log_likelihood, len(self.theta)),
        }
        table = pd.DataFrame(rows, index=["log-likelihood", "parameters"]).T
        for name, price in (("AIC", 2.0), ("BIC", np.log(n)), ("HQIC", 2.0 * np.log(np.log(n)))):
            table[name] = price * table["parameters"] - 2.0 * table["log-likelihood"]
        return table

    def one_state_test(
        self, *, rng: np.random.Generator, n_draws: int = 199, confidence: float = 0.95, n_jobs: int = 1
    ) -> OneStateTest:
        """Return a test of these states against one correlation matrix throughout.

        Parameters
        ----------
        rng : Generator
            Draws the histories.
        n_draws : int
            Histories, at least 19; each is searched as the sample was.
        confidence : float
            One less the significance, fraction.
        n_jobs : int
            Processes.

        Raises
        ------
        ArgumentError
            For a bad number of draws or processes, or a bad confidence.

        Notes
        -----
        With one state the other's matrix and the moves do not exist, so that twice the gain of log-likelihood has no
        chi-squared law (Hansen 1992). Its law is that of the same ratio in histories drawn from the fitted model
        with one state, p = (1 + #{draws >= ratio}) / (n_draws + 1) (McLachlan 1987). The histories are of shocks:
        volatilities are taken as known. In simulation (one matrix, two series, 400 rows, 60 samples) a nominal 5 %
        test rejects in 5 % of samples on normal shocks, and with ``distribution="t"`` in 8 % on t5 shocks. With a
        normal law on t5 shocks it rejects in nearly nine of ten: fat tails alone look like states.
        """
        level = check_confidence(confidence)
        draws = check_count(n_draws, argument="n_draws", minimum=19, unit="histories")
        ratios = drawn_ratios(
            self.single,
            n_obs=self.n_obs,
            n_states=len(self.labels),
            least_rows=self.least_rows,
            n_starts=self.n_starts,
            n_draws=draws,
            n_jobs=n_jobs,
            rng=rng,
        )
        ratio = 2.0 * (self.log_likelihood - self.one_state_log_likelihood)
        ratios.flags.writeable = False
        return OneStateTest(
            assets=self.assets,
            spec=self.spec,
            ratio=ratio,
            p_value=float((1 + (ratios >= ratio).sum()) / (draws + 1)),
            draws=ratios,
            criteria=freeze(self.criteria),
            confidence=level,
            n_obs=self.n_obs,
            as_of=self.as_of,
            provenance=self.provenance,
        )

    @property
    def headline(self) -> str:
        """Series, model, averages of the states and the latest state in one line."""
        latest = self.probabilities.iloc[-1]
        levels = ", ".join(f"{label} {r:.2f}" for label, r in zip(self.labels, self.states.averages, strict=True))
        return (
            f"{', '.join(self.assets)}, {self.spec}, average correlation {levels}; {latest.idxmax()} with probability "
            f"{percent_to(latest.max(), 0)} as of {self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a state: average correlation, stay, duration, share of time and latest probability."""
        states, names = self.states, list(self.labels)
        columns = {
            "average correlation (no unit)": pd.Series(states.averages, index=names),
            "probability to stay": pd.Series(np.diag(states.transition), index=names),
            "expected duration (periods)": self.expected_durations,
            "share of time": self.stationary_shares,
            "probability now": self.probabilities.iloc[-1],
            "probability next": self.forecast(1).probabilities.iloc[0],
        }
        return pd.DataFrame(columns).rename_axis(f"{', '.join(self.assets)}, {self.spec}")

    def to_frame(self) -> pd.DataFrame:
        """Return filtered probabilities by time (UTC)."""
        return self.probabilities.copy()

    @property
    def _pair_names(self) -> pd.MultiIndex:
        i, j = pairs_of(len(self.assets))
        names = np.array(self.assets, dtype=object)
        return pd.MultiIndex.from_arrays([names[i], names[j]], names=["first", "second"])

    def _table(self, values: np.ndarray) -> pd.DataFrame:
        return freeze(pd.DataFrame(values, index=self.shocks.index, columns=list(self.labels)))

    def _moved(self, step: np.ndarray) -> np.ndarray:
        moved = unpack(self.theta + step, n_states=len(self.labels), n_assets=len(self.assets))
        return moved.transition.ravel()


def _quantile(confidence: float) -> float:
    return float(stats.norm.ppf(0.5 * (1.0 + check_confidence(confidence))))
