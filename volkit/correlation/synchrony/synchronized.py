"""Synchronised returns: each series as if it had closed when the last one did, after Burns, Engle and Mezrich.

A market that closed early will move tomorrow on news that the others show today. The expected part of that move is
added to today's change and taken out of tomorrow's. What leaves is a table of changes that any model can use, where
lead-lag sums give one number.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_confidence
from volkit.correlation.estimates import CorrelationInterval, interval_of
from volkit.correlation.inputs import PairedChanges, check_frame, warn_small
from volkit.correlation.intervals import ON_A_LINE, standardize
from volkit.correlation.synchrony.dynamics import NewsModel, fit_dynamics, synchronized_of
from volkit.correlation.synchrony.influence import band_from_influence
from volkit.errors import ArgumentError, DataError
from volkit.prices.synchrony import Synchrony
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["SynchronizedReturns", "synchronize_returns"]

_ROWS_A_COEFFICIENT = 10
_MINIMUM = 100
_STEP = 1e-4
# Least eigenvalue of the correlation matrix of the changes: below it one series is a combination of others.
_SINGULAR = 1e-9
_WORDS = {"vma": "VMA(1)", "var": "VAR(1)"}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class SynchronizedReturns(ResultDisplay):
    """Changes of several series, moved to one clock.

    The coefficients and means are of the whole sample; given them, row t rests on rows up to t only.

    Attributes
    ----------
    returns : DataFrame, shape (n_obs, n_assets)
        Synchronised changes, in the units that came, by time (UTC); the first row that came has none.
    expected_news : DataFrame, shape (n_obs, n_assets)
        Part of each series' next change that the closes of this row already tell, less its mean.
    observed : DataFrame, shape (n_obs + 1, n_assets)
        What came.
    coefficients : DataFrame, shape (n_assets, n_assets)
        What a unit of the column's news (VMA) or change (VAR) adds to the row's next change.
    coefficient_errors : DataFrame, shape (n_assets, n_assets)
        Their standard errors, robust to changing variances.
    means : Series, shape (n_assets,)
        Of the changes, whole sample.
    influence : ndarray, shape (n_obs + 1, n_assets ** 2)
        What each row does to the coefficients, row by row; read-only.
    model : {"vma", "var"}
        Of the news.
    log_likelihood : float
        Normal, given zeros before the first row.
    remaining : float
        Log-likelihood that a further step promises: the certificate.
    as_of : Timestamp
        Last time (UTC) used, by rows and coefficients.
    provenance : Provenance
        Series behind it.
    """

    returns: pd.DataFrame
    expected_news: pd.DataFrame
    observed: pd.DataFrame
    coefficients: pd.DataFrame
    coefficient_errors: pd.DataFrame
    means: pd.Series
    influence: np.ndarray
    model: NewsModel
    log_likelihood: float
    remaining: float
    as_of: pd.Timestamp
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the series."""
        return tuple(str(name) for name in self.returns.columns)

    @property
    def n_obs(self) -> int:
        """Rows with a synchronised change."""
        return len(self.returns)

    def filter(self, changes: pd.DataFrame) -> pd.DataFrame:
        """Return synchronised changes of other rows under these coefficients, first row left out.

        Parameters
        ----------
        changes : DataFrame, shape (n, n_assets)
            Changes of the same series in the same units, no NaN, UTC times. Row t of what leaves rests on rows up to
            t: changes after `as_of` make it out of sample.

        Returns
        -------
        DataFrame, shape (n - 1, n_assets)
            In the units that came.

        Raises
        ------
        DataError
            For a series that is missing, missing values, or what `correlation.inputs.check_frame` refuses.
        """
        if missing := [name for name in self.returns.columns if name not in changes.columns]:
            got = f"none for {', '.join(map(str, missing))}"
            raise DataError("changes", "must have every series", got, "add them")
        frame = _complete(changes[list(self.returns.columns)])
        moved, _ = synchronized_of((frame - self.means).to_numpy(), self.coefficients.to_numpy(), self.model)
        out = pd.DataFrame(moved + self.means.to_numpy(), index=frame.index, columns=frame.columns)
        return freeze(out.iloc[1:])

    def correlation(
        self, first: str, second: str, *, confidence: float = 0.95, synchrony: Synchrony | None = None
    ) -> CorrelationInterval:
        """Return the correlation of two synchronised series, with an interval that knows the coefficients' error.

        Parameters
        ----------
        first, second : str
            Names of two series.
        confidence : float
            Of the two-sided interval, fraction.
        synchrony : Synchrony, optional
            Of the changes that came; carried on the result, not used.

        Raises
        ------
        ArgumentError
            For a name that is not among the series, the same name twice, a bad confidence.

        Notes
        -----
        As `lead_lag_correlation`: atanh(r) +- t se by equal-weighted cosines on the influence of each row, here the
        one on the correlation at given coefficients plus its slope in the coefficients times the influence on them.
        """
        level, names = check_confidence(confidence), list(self.assets)
        if first == second or not {first, second} <= set(names):
            got = f"{first!r} and {second!r}"
            raise ArgumentError("first and second", f"must be two of {', '.join(names)}", got, "choose two of these")
        i, j = names.index(first), names.index(second)
        r, influence = self._correlation_and_influence(i, j)
        u, v = (self.returns.to_numpy()[:, c] for c in (i, j))
        pair = PairedChanges(pd.DatetimeIndex(self.returns.index), u, v, (first, second))
        return interval_of(
            band_from_influence(r, influence, confidence=level),
            pair,
            confidence=level,
            method=f"Pearson of synchronised changes, {_WORDS[self.model]}, EWC-HAR interval",
            synchrony=synchrony,
            provenance=self.provenance,
        )

    def _correlation_and_influence(self, i: int, j: int) -> tuple[float, np.ndarray]:
        r = _pearson(self.returns.to_numpy(), i, j)
        if 1.0 - r**2 < ON_A_LINE:
            return r, np.zeros(self.n_obs)
        u, v = (standardize(self.returns.to_numpy()[:, c]) for c in (i, j))
        own = (u * v - 0.5 * r * (u**2 + v**2)) / (1.0 - r**2)
        deviations, M = (self.observed - self.means).to_numpy(), self.coefficients.to_numpy()
        # Changes of different units have coefficients of different size; steps follow the units.
        unit = np.outer(deviations.std(axis=0), 1.0 / deviations.std(axis=0)).ravel()
        slopes = np.empty(M.size)
        for p, size in enumerate(_STEP * unit):
            step = np.zeros(M.size)
            step[p] = size
            ends = (
                _pearson(synchronized_of(deviations, M + side * step.reshape(M.shape), self.model)[0][1:], i, j)
                for side in (1.0, -1.0)
            )
            above, below = np.arctanh(list(ends))
            slopes[p] = (above - below) / (2.0 * size)
        return r, own + self.influence[1:] @ slopes

    @property
    def headline(self) -> str:
        """Series, model, first pair's correlation before and after in one line."""
        before, after = (_pearson(table.to_numpy(), 0, 1) for table in (self.observed, self.returns))
        return (
            f"{', '.join(self.assets)}, {_WORDS[self.model]} of the whole sample, {self.assets[0]} and "
            f"{self.assets[1]} {before:.2f} as observed, {after:.2f} synchronised, {self.n_obs} rows to "
            f"{self.as_of.date()}"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a series: volatility before and after (units that came) and share known a row before."""
        observed, news = self.observed.iloc[1:], self.expected_news
        columns = {
            "standard deviation, observed": observed.std(ddof=0),
            "standard deviation, synchronised": self.returns.std(ddof=0),
            "share of variance known a row before": news.var(ddof=0) / observed.var(ddof=0),
        }
        return pd.DataFrame(columns).rename_axis(f"{_WORDS[self.model]}, coefficients of the whole sample")

    def to_frame(self) -> pd.DataFrame:
        """Return the synchronised changes, one column a series, by time (UTC)."""
        return self.returns.copy()


def synchronize_returns(
    changes: pd.DataFrame, *, model: NewsModel = "vma", provenance: Provenance | None = None
) -> SynchronizedReturns:
    """Return changes as if every series had closed at one instant.

    Parameters
    ----------
    changes : DataFrame, shape (n_rows, n_assets)
        Changes that add up over time (log returns, basis points), each column in its own unit, on one clock of rows
        (`volkit.align`), no NaN: a hole would be a row whose news nobody knows.
    model : {"vma", "var"}
        Of what is expected next: a moving average of one lag, as the source has it, or an autoregression.
    provenance : Provenance, optional
        Handed on.

    Raises
    ------
    ArgumentError
        For an unknown model.
    DataError
        For what `correlation.inputs.check_frame` refuses, missing values, a series that is constant or a combination
        of others, and fewer than 100 rows or ten rows a coefficient.
    ConvergenceError
        When the moving average cannot be certified.

    Notes
    -----
    r_t = e_t + M e_{t-1} with cov e = S; the synchronised change is r_t + E_t r_{t+1} - E_{t-1} r_t = (I + M) e_t
    [1]_, of covariance (I + M) S (I + M)', which is Gamma_0 + Gamma_1 + Gamma_1' of a moving average: what
    `lead_lag_correlation` adds up with ``own_lags=1``. A VAR(1) expects A r_t; closes that lie apart make a moving
    average, of which it is an approximation.

    When it helps: where a model (DCC, regimes, a rolling line) needs rows rather than one number. For one correlation
    it is as good as the sums with ``own_lags=1`` and no better. In simulation (closes 15 or 50 % of a day apart,
    r = 0.5, n = 1,000) it finds 0.50 with a standard deviation of 0.04 on normal changes, these sums too, sums with
    ``own_lags=0`` 0.05 (0.06 and 0.07 on GARCH-t5), and the changes as they came find 0.43 or 0.25; 95 % intervals
    cover 94 to 97 % on normal and GARCH-t5 changes, n of
    250 and 1,000. When it does not: with synchronous closes, where it only adds noise (the changes as they came have a
    standard deviation of 0.02 to 0.03); with hourly prices at hand, which need no model; where clocks and holidays
    change the hours between closes, since coefficients are constant. Synchronised changes are no returns that anybody
    could earn. Of a true 0.50 between markets whose closes lie hours apart (sixty years of simulated hours, weekends
    between some rows), 0.49 comes back, of a Tokyo close beside the UTC day 0.49, where the changes as they came have
    0.44 and 0.23, and lead-lag sums with ``own_lags=0`` 0.50.

    Coefficients are free: setting those of the last market to zero, as closing times suggest, leaves a bias.

    References
    ----------
    .. [1] Burns, Engle and Mezrich (1998), "Correlations and volatilities of asynchronous data", Journal of
       Derivatives 5(4), 7-18.

    Examples
    --------
    >>> halves = np.random.default_rng(1).standard_normal((2, 1501, 2))  # news of half days
    >>> halves[1] = 0.6 * halves[0] + 0.8 * halves[1]
    >>> times = pd.date_range("2022-01-01", periods=1500, tz="UTC")
    >>> early = halves[1, 1:, 0] + halves[1, :-1, 1]  # closes half a day earlier
    >>> moves = pd.DataFrame({"SPX": halves[0, 1:].sum(axis=1), "NKY": early}, times)
    >>> moved = synchronize_returns(moves)
    >>> round(float(moves["SPX"].corr(moves["NKY"])), 2), moved.correlation("SPX", "NKY")
    (0.32, <CorrelationInterval: SPX and NKY, 0.57 (0.50 to 0.62), 1499 pairs 2022-01-02..2026-02-08>)
    """
    check_choice(model, argument="model", choices=tuple(_WORDS))
    frame = _complete(changes)
    n, N = frame.shape
    needed = max(_MINIMUM, _ROWS_A_COEFFICIENT * N * N)
    if n < needed:
        got = f"{n} of {N} series"
        raise DataError("changes", f"must have at least {needed} rows", got, "pass a longer history or fewer series")
    for name in frame.columns:
        if np.ptp(frame[name].to_numpy()) == 0.0:
            raise DataError("changes", "must vary", f"{n} times one value in {name}", "leave it out")
    warn_small(n, what="the synchronisation")
    means = frame.mean()
    # In standard deviations, so that steps and certificate do not depend on units.
    scale = frame.std(ddof=0)
    standard = ((frame - means) / scale).to_numpy()
    if np.linalg.eigvalsh(standard.T @ standard / n)[0] < _SINGULAR:
        got, remedy = f"a combination of others among {', '.join(map(str, frame.columns))}", "leave it out"
        raise DataError("changes", "must be linearly independent", got, remedy)
    found = fit_dynamics(standard, model)
    units = np.outer(scale, 1.0 / scale)
    M = found.matrix * units
    influence = found.influence * units.ravel()
    influence.flags.writeable = False
    moved, expected = synchronized_of((frame - means).to_numpy(), M, model)
    names = list(frame.columns)
    errors = np.sqrt((influence**2).mean(axis=0) / n).reshape(N, N)
    table = pd.DataFrame(moved + means.to_numpy(), index=frame.index, columns=names)
    return SynchronizedReturns(
        returns=freeze(table.iloc[1:]),
        expected_news=freeze(pd.DataFrame(expected, index=frame.index, columns=names).iloc[1:]),
        observed=freeze(frame),
        coefficients=freeze(pd.DataFrame(M, index=names, columns=names)),
        coefficient_errors=freeze(pd.DataFrame(errors, index=names, columns=names)),
        means=freeze(means.rename("mean")),
        influence=influence,
        model=model,
        log_likelihood=found.log_likelihood - n * float(np.log(scale).sum()),
        remaining=found.remaining,
        as_of=frame.index[-1],
        provenance=provenance or Provenance(()),
    )


def _complete(changes: pd.DataFrame) -> pd.DataFrame:
    frame = pd.concat(check_frame(changes), axis=1)
    incomplete = frame.isna().any(axis=1)
    if incomplete.any():
        got = f"{int(incomplete.sum())} of {len(frame)} rows with a missing value, first {frame.index[incomplete][0]}"
        remedy = "drop and count them with volkit.returns.complete_rows, or put the prices on one clock"
        raise DataError("changes", "must have every series on every row", got, remedy)
    return frame


def _pearson(values: np.ndarray, i: int, j: int) -> float:
    return float(np.clip((standardize(values[:, i]) * standardize(values[:, j])).mean(), -1.0, 1.0))
