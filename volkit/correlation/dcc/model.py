"""Dynamic conditional correlations by two-step maximum likelihood: margins first, then the correlations.

Decimal returns go in. The optimum of each step comes with a certificate; what cannot be certified says so in its
status, and a warning is given.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_positive, check_returns
from volkit.correlation.dcc.errors import Influence, covariances
from volkit.correlation.dcc.estimation import Estimation, estimate, pair_numbers
from volkit.correlation.dcc.fit import DccFit
from volkit.correlation.dcc.likelihood import CONVENTIONS, Convention, CorrelationProblem, copula_quantiles
from volkit.correlation.dcc.margins import MarginView, signed_tail
from volkit.errors import ArgumentError, ConvergenceWarning, DataError
from volkit.results import Provenance, freeze, frozen_series
from volkit.volatility.fit import Certificate, VolatilityFit
from volkit.volatility.garch import Garch

__all__ = ["Dcc"]

# Least eigenvalue of the correlation matrix of the residuals: below it one series is a combination of others.
_SINGULAR = 1e-9
# rmgarch's limits of probabilities.
_CLIP = 2.220446049250313e-16, 1e-5
_TURN = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Dcc:
    """A model of dynamic conditional correlations with one lag of each kind.

    Attributes
    ----------
    family : {"dcc", "adcc"}
        Engle's (2002), or the asymmetric one of Cappiello, Engle and Sheppard (2006), where joint falls weigh more.
    distribution : {"normal", "t"}
        Law of the standardised residuals, or of the copula.
    copula : bool
        Whether the correlations are those of a copula: residuals then go through the distribution functions of
        their margins first (Patton 2006; Jondeau and Rockinger 2006).
    estimation : {"full", "composite"}
        The whole likelihood, or the sum of those of pairs (Engle, Shephard and Sheppard 2008): for many series.
    pairs : {"all", "adjacent"}
        Of the composite likelihood.
    margins : Garch, optional
        Of every series; by default GARCH(1,1) with a constant, normal (t for a copula), with the convention's start.
    convention : {"volkit", "rmgarch", "tsmarch"}
        Start and target: volkit has second moments as target and starts there; the R packages have covariances, and
        rmgarch a shock of ones (zeros for a copula) before the sample.

    Notes
    -----
    With x the standardised residuals, n = min(x, 0) and their mean products Qbar and Nbar,
    Q_t = (1 - a - b) Qbar - g Nbar + a x x' + g n n' + b Q_{t-1} at x, n of t - 1, and R_t is Q_t over the roots of
    its diagonal. a, b, g >= 0 and a + b + delta g < 1, with delta the largest eigenvalue of
    Qbar^-1/2 Nbar Qbar^-1/2. Derivatives are exact, but for nu of a t copula (whose quantiles have none in closed
    form) and the curvature (differences of exact gradients).

    Not for more series than periods, and with care for returns of markets that close at different times: every
    correlation is then too small.

    References
    ----------
    .. [1] Engle (2002), "Dynamic conditional correlation", J. Business & Economic Statistics 20(3), 339-350.
    .. [2] Cappiello, Engle and Sheppard (2006), J. Financial Econometrics 4(4), 537-572, equation 8.

    Examples
    --------
    >>> from volkit.prices import load_prices
    >>> from volkit.returns import changes
    >>> from volkit.sources.bundled import BundledSource
    >>> returns = changes(load_prices(BundledSource(), ["SPX", "NASDAQ"])).iloc[-1000:]
    >>> fit = Dcc().fit(returns, periods_per_year=252)
    >>> fit.certificate.gain < 1e-6
    True
    """

    family: Literal["dcc", "adcc"] = "dcc"
    distribution: Literal["normal", "t"] = "normal"
    copula: bool = False
    estimation: Literal["full", "composite"] = "full"
    pairs: Literal["all", "adjacent"] = "all"
    margins: Garch | None = None
    convention: Convention = "volkit"

    def __post_init__(self) -> None:
        check_choice(self.family, argument="family", choices=("dcc", "adcc"))
        check_choice(self.distribution, argument="distribution", choices=("normal", "t"))
        check_choice(self.estimation, argument="estimation", choices=("full", "composite"))
        check_choice(self.pairs, argument="pairs", choices=("all", "adjacent"))
        check_choice(self.convention, argument="convention", choices=CONVENTIONS)
        if self.margins is not None and self.margins.regressors:
            got = f"regressors {', '.join(self.margins.regressors)}"
            raise ArgumentError("margins", "must be without regressors", got, "leave them out")

    @property
    def margin_model(self) -> Garch:
        """The model of every margin."""
        if self.margins is not None:
            return self.margins
        return Garch(
            distribution="t" if self.copula else "normal",
            start_up="rugarch" if self.convention == "rmgarch" else "backcast",
        )

    @property
    def words(self) -> str:
        """The model in words."""
        name = {"dcc": "DCC", "adcc": "ADCC"}[self.family]
        law = f"{self.distribution} copula {name}" if self.copula else f"{name}-{self.distribution}"
        how = f", composite over {self.pairs} pairs" if self.estimation == "composite" else ""
        return f"{law}{how}, {self.margin_model.words} margins"

    def fit(self, returns: pd.DataFrame, *, periods_per_year: float, provenance: Provenance | None = None) -> DccFit:
        """Return the model fitted to decimal returns, shape (n_obs, n_assets), on UTC times.

        Parameters
        ----------
        returns : DataFrame, shape (n_obs, n_assets)
            Decimal returns on one clock, no NaN (`volkit.returns.complete_rows` drops and counts rows).
        periods_per_year : float
            365 for UTC days, 252 for exchange sessions.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For fewer than two series, names twice, missing values, fewer than 100 rows, as many series as rows, a
            constant series, and series of which one follows from the others.

        Warns
        -----
        ConvergenceWarning
            When an optimum could not be certified; the status says so too.
        NearIntegratedWarning, SmallSampleWarning
            As the margins.
        """
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        columns = _check_returns(returns)
        model = self.margin_model
        margins = tuple(model.fit(c, periods_per_year=periods_per_year) for c in columns)
        problem = self.problem_of(margins)
        _require_definite(problem, tuple(returns.columns))
        estimation = estimate(problem)
        views = [MarginView(model, m) for m in margins]
        influence = _influence(self, problem, estimation, views)
        fit = self._result(problem, estimation, influence, margins, periods_per_year, provenance or Provenance(()))
        if fit.status == "not converged":
            _warn(fit)
        return fit

    def problem_of(self, margins: tuple[VolatilityFit, ...]) -> CorrelationProblem:
        """Return the correlation step, n_obs rows and a column a margin, after margins that were fitted."""
        z = np.column_stack([self._driver(m.standardized.to_numpy(), m.parameters.to_numpy()) for m in margins])
        return CorrelationProblem(
            z,
            self.family == "adcc",
            self.distribution,
            self.copula,
            self.convention,
            pair_numbers(len(margins), self.pairs) if self.estimation == "composite" else None,
        )

    def _driver(self, z: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Residuals, or for a copula their signed tail probabilities, under a margin's parameters."""
        if not self.copula:
            return z
        tail = signed_tail(self.margin_model.law_of(theta), z)
        if self.convention == "rmgarch":
            low, high = _CLIP
            return np.asarray(np.where(tail < 0.0, np.minimum(tail, -low), np.maximum(tail, high)))
        return tail

    def _slopes(self, views: list[MarginView], inverse_nu: float) -> list[np.ndarray]:
        """Derivatives of each driving series by the parameters of its margin, each of shape (T, K_i)."""
        out = []
        for view in views:
            slope = np.zeros((view.fit.n_obs, len(view.theta)))
            for k, below, above, distance in view.nearby():
                ends = [self._driver(view.residuals(theta)[0], theta) for theta in (below, above)]
                if self.copula:
                    ends = [copula_quantiles(end, inverse_nu) for end in ends]
                slope[:, k] = (ends[1] - ends[0]) / distance
            out.append(slope)
        return out

    def _result(
        self,
        problem: CorrelationProblem,
        estimation: Estimation,
        influence: Influence,
        margins: tuple[VolatilityFit, ...],
        periods_per_year: float,
        provenance: Provenance,
    ) -> DccFit:
        optimum, names = estimation.optimum, [m.asset for m in margins]
        theta = optimum.theta.copy()
        inverse_nu = problem.split(theta)[3]
        if self.distribution == "t":
            theta[-1] = 1.0 / inverse_nu
        series, index = problem.series(inverse_nu), margins[0].variance.index
        own = sum(m.log_likelihood for m in margins)
        volatility = sum(0.5 * float(np.log(m.variance).sum()) for m in margins)
        whole = problem.whole().evaluate(optimum.theta)
        joint = whole.value if whole is not None else float("nan")
        certified = optimum.converged and all(m.status == "converged" for m in margins)
        for values in (influence.covariances, influence.by_period):
            values.flags.writeable = False
        return DccFit(
            assets=tuple(names),
            spec=self.words,
            parameters=frozen_series(theta, pd.Index(problem.names)),
            covariances=influence.covariances,
            margins=margins,
            margin_model=self.margin_model,
            driver=freeze(pd.DataFrame(series.x, index=index, columns=names)),
            target=freeze(pd.DataFrame(series.target, index=names, columns=names)),
            asymmetry_target=freeze(pd.DataFrame(series.lean, index=names, columns=names)),
            influence=influence.by_period,
            shock=problem.shock,
            copula=self.distribution if self.copula else None,
            objective=optimum.evaluation.value,
            margin_log_likelihood=own,
            log_likelihood=own + joint if self.copula else joint - volatility,
            certificate=Certificate(
                gain=optimum.gain,
                kkt_residual=optimum.kkt,
                active=optimum.active,
                n_modes=estimation.n_modes,
                n_passes=estimation.n_passes,
            ),
            status="converged" if certified else "not converged",
            as_of=index[-1],
            periods_per_year=periods_per_year,
            provenance=provenance,
        )


def _influence(model: Dcc, problem: CorrelationProblem, estimation: Estimation, views: list[MarginView]) -> Influence:
    theta = estimation.optimum.theta
    inverse_nu = problem.split(theta)[3]
    slopes, turns = model._slopes(views, inverse_nu), None
    if model.copula and model.distribution == "t":
        # The quantiles' own slopes move with nu.
        low, high = (model._slopes(views, inverse_nu + s) for s in (-_TURN, _TURN))
        by_series = problem.reflect(theta).by_series
        turns = [by_series[:, i] @ (high[i] - low[i]) / (2.0 * _TURN) for i in range(len(views))]
    return covariances(problem, estimation, views, slopes, turns)


def _check_returns(returns: pd.DataFrame) -> list[pd.Series]:
    if not isinstance(returns, pd.DataFrame) or returns.shape[1] < 2:
        got = f"{returns.shape[1]} column" if isinstance(returns, pd.DataFrame) else type(returns).__name__
        raise DataError("returns", "must be a frame of at least two series", got, "pass two or more")
    if returns.columns.has_duplicates:
        twice = returns.columns[returns.columns.duplicated()][0]
        raise DataError("returns", "must name each series once", f"{twice} twice", "rename or drop one of them")
    incomplete = returns.isna().any(axis=1)
    if incomplete.any():
        got = (
            f"{int(incomplete.sum())} of {len(returns)} rows with a missing value, first {returns.index[incomplete][0]}"
        )
        remedy = "drop and count them with volkit.returns.complete_rows, or put the prices on one clock"
        raise DataError("returns", "must have every series on every row", got, remedy)
    if len(returns) <= returns.shape[1]:
        got = f"{len(returns)} rows of {returns.shape[1]} series"
        raise DataError("returns", "must have more rows than series", got, "pass a longer history or fewer series")
    return [check_returns(returns[name], minimum=100) for name in returns.columns]


def _require_definite(problem: CorrelationProblem, names: tuple[object, ...]) -> None:
    R = np.corrcoef(problem.residuals, rowvar=False)
    if np.linalg.eigvalsh(R)[0] > _SINGULAR:
        return
    off = np.abs(R - np.eye(len(R)))
    i, j = sorted(np.unravel_index(int(off.argmax()), off.shape))
    raise DataError(
        "returns",
        "must be series of which none follows from the others",
        f"a singular correlation matrix, nearest {names[i]} and {names[j]} with {R[i, j]:.6f}",
        "leave one of them out",
    )


def _warn(fit: DccFit) -> None:
    warnings.warn(
        f"{fit.spec} did not converge in {fit.at_fault} ({fit.certificate.gain:.2g} of log-likelihood still to gain in "
        "the correlation step); its numbers are not an optimum. Use a longer history, or composite estimation.",
        ConvergenceWarning,
        stacklevel=3,
    )
