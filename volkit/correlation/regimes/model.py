"""Regimes of correlation: each state has its own matrix, and states follow each other as a Markov chain.

Changes go in and are divided by their volatility first; a frozen `CorrelationRegimeFit` comes out, or an error: an
end that is no certified optimum, or that rests on a state of a few days, gives no numbers.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice, check_count, check_positive
from volkit.correlation.inference.devolatilize import DEFAULT_HALF_LIFE, devolatilize
from volkit.correlation.inputs import check_frame
from volkit.correlation.regimes.fit import CorrelationRegimeFit
from volkit.correlation.regimes.search import SearchEnd, find_states, information
from volkit.correlation.regimes.values import unpack
from volkit.errors import ArgumentError, ConvergenceError, DataError, SmallSampleWarning
from volkit.parallel import one_blas_thread
from volkit.results import Provenance, freeze
from volkit.volatility.fit import Certificate, VolatilityFit
from volkit.volatility.garch import Garch

__all__ = ["CorrelationRegimes"]

_MINIMUM = 200
_COMFORTABLE = 500
# Least eigenvalue of the correlation matrix of the shocks: below it one series is a combination of others.
_SINGULAR = 1e-6
LABELS = {2: ["low", "high"], 3: ["low", "middle", "high"], 4: ["lowest", "low", "high", "highest"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationRegimes:
    """Markov-switching correlation matrices.

    Attributes
    ----------
    n_states : {2, 3, 4}
        Named from low to high by average correlation.
    distribution : {"normal", "t"}
        Law of the shocks; t has one number of degrees of freedom for all states. Fat tails make a normal model find
        states that are not there: t is the one to test with.
    margins : Garch, optional
        Volatility model of every series; by default none is fitted, and changes are divided by the exponentially
        weighted volatility of the rows before them (`devolatilize`).
    half_life : float
        Of that volatility, periods.
    n_starts : int
        Searches; the first from the usual picture, the others from random ones.
    least_rows : int, optional
        Expected periods that each state needs; by default 30, or twice the number of pairs if that is more.

    Notes
    -----
    z_t given S_t = s has mean zero, unit variances and correlation matrix R_s; P(S_{t+1} = j | S_t = i) = p_ij [1]_.
    The chain starts at its unconditional probabilities. Shocks are scaled to a mean square of one over the sample,
    so that results do not depend on the unit of the changes. Each start is improved by expectation maximisation,
    whose likelihood never falls, then by Newton's method on the exact score, until the log-likelihood that may still
    be had is below 1e-8. Standard errors are those of the correlation step (observed information): they take the
    volatilities as known, and in simulation (three series, 2,500 rows, 100 samples) their 95 % intervals cover 95 %.
    Not for more than some ten series, where each state has 45 correlations; and closes that lie hours apart make
    every state's correlation too small (`synchronize_returns`).

    References
    ----------
    .. [1] Pelletier (2006), "Regime switching for dynamic correlations", Journal of Econometrics 131, 445-473;
       each state's matrix is free here.

    Examples
    --------
    >>> from volkit.correlation.regimes.simulation import simulate_correlation_regimes
    >>> R = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.8], [0.8, 1.0]]])
    >>> P = np.array([[0.98, 0.02], [0.04, 0.96]])
    >>> z, _ = simulate_correlation_regimes(1500, correlations=R, transition=P, rng=np.random.default_rng(1))
    >>> times = pd.date_range("2020-01-01", periods=1500, tz="UTC")
    >>> fit = CorrelationRegimes().fit(pd.DataFrame(0.01 * z, times, ["BTC", "SPX"]), periods_per_year=365)
    >>> (fit.states.averages + 0.04).round(1).tolist(), fit.transition.round(2).to_numpy().tolist()
    ([0.0, 0.8], [[0.99, 0.01], [0.03, 0.97]])
    """

    n_states: Literal[2, 3, 4] = 2
    distribution: Literal["normal", "t"] = "normal"
    margins: Garch | None = None
    half_life: float = DEFAULT_HALF_LIFE
    n_starts: int = 8
    least_rows: int | None = None

    def __post_init__(self) -> None:
        if self.n_states not in LABELS:
            got, remedy = repr(self.n_states), "more states are not identified in daily changes"
            raise ArgumentError("n_states", "must be 2, 3 or 4", got, remedy)
        check_choice(self.distribution, argument="distribution", choices=("normal", "t"))
        check_positive(self.half_life, argument="half_life", unit="periods")
        check_count(self.n_starts, argument="n_starts", unit="starts")
        if self.least_rows is not None:
            check_count(self.least_rows, argument="least_rows", minimum=10, unit="periods")
        if self.margins is not None and self.margins.regressors:
            got = f"regressors {', '.join(self.margins.regressors)}"
            raise ArgumentError("margins", "must be without regressors", got, "leave them out")

    @property
    def words(self) -> str:
        """The model in words."""
        return f"{self.n_states} correlation states, {self.distribution}"

    @property
    def labels(self) -> list[str]:
        """Names of the states from the lowest average correlation to the highest."""
        return LABELS[self.n_states]

    def rows_needed(self, n_assets: int) -> int:
        """Return the expected periods that each state needs."""
        return self.least_rows or max(30, n_assets * (n_assets - 1))

    def fit(
        self,
        returns: pd.DataFrame,
        *,
        periods_per_year: float,
        rng: np.random.Generator | None = None,
        provenance: Provenance | None = None,
    ) -> CorrelationRegimeFit:
        """Return the states fitted to changes, shape (n_rows, n_assets), on UTC times.

        Parameters
        ----------
        returns : DataFrame, shape (n_rows, n_assets)
            Changes on one clock, no NaN; in any unit without `margins`, else decimal returns. The first ten rows have
            no volatility before them and are left out.
        periods_per_year : float
            365 for UTC days, 252 for exchange sessions.
        rng : Generator, optional
            For the random starts; by default one of seed 0, so that a fit repeats itself.
        provenance : Provenance, optional
            Handed on.

        Raises
        ------
        DataError
            For what `correlation.inputs.check_frame` refuses (levels among it), missing values, fewer than 200
            shocks, series of which one follows from the others, and margins that did not converge.
        ConvergenceError
            When no start ends at a certified optimum, or every such end has a state of too few periods.

        Warns
        -----
        SmallSampleWarning
            Below 500 shocks.
        """
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        frame = _complete(returns)
        if self.margins is None:
            shocks = devolatilize(frame, half_life=self.half_life).dropna()
            words = f"EWMA margins of half-life {self.half_life:g}"
        else:
            shocks = _standardized(self.margins, frame, periods_per_year)
            words = f"{self.margins.words} margins"
        return self._fitted(shocks, words, len(frame) - len(shocks), periods_per_year, rng, provenance)

    def fit_margins(
        self,
        margins: tuple[VolatilityFit, ...],
        *,
        rng: np.random.Generator | None = None,
        provenance: Provenance | None = None,
    ) -> CorrelationRegimeFit:
        """Return the states fitted to the standardised residuals of volatility models that were fitted before.

        Parameters
        ----------
        margins : tuple of VolatilityFit
            One a series, on the same periods; their families may differ.
        rng, provenance
            As in `fit`.

        Raises
        ------
        DataError, ConvergenceError
            As `fit`; and when the margins' periods differ.
        """
        words = " and ".join(dict.fromkeys(m.spec for m in margins))
        shocks = _shocks_of(margins)
        return self._fitted(shocks, f"{words} margins", 0, margins[0].periods_per_year, rng, provenance)

    def fit_shocks(
        self,
        shocks: pd.DataFrame,
        *,
        periods_per_year: float,
        rng: np.random.Generator | None = None,
        provenance: Provenance | None = None,
    ) -> CorrelationRegimeFit:
        """Return the states fitted to shocks of margins of one's own, shape (n_obs, n_assets), on UTC times.

        Parameters
        ----------
        shocks : DataFrame, shape (n_obs, n_assets)
            Changes over their volatility (no unit), no NaN; each is scaled to a mean square of one.
        periods_per_year, rng, provenance
            As in `fit`.

        Raises
        ------
        DataError, ConvergenceError
            As `fit`.
        """
        check_positive(periods_per_year, argument="periods_per_year", unit="periods")
        return self._fitted(_complete(shocks), "margins as given", 0, periods_per_year, rng, provenance)

    def _fitted(
        self,
        shocks: pd.DataFrame,
        margin_words: str,
        n_left_out: int,
        periods_per_year: float,
        rng: np.random.Generator | None,
        provenance: Provenance | None,
    ) -> CorrelationRegimeFit:
        scales = np.sqrt((shocks**2).mean())
        scaled = shocks / scales
        z, k = np.ascontiguousarray(scaled.to_numpy()), self.n_states
        _require_enough(scaled)
        least = self.rows_needed(z.shape[1])
        with one_blas_thread():
            one, end = find_states(
                z,
                n_states=k,
                law=self.distribution,
                least_rows=least,
                n_starts=self.n_starts,
                rng=np.random.default_rng(0) if rng is None else rng,
            )
            _require_certified(self, one, end, least)
            matrix = information(end.theta, z, n_states=k)
        matrix.flags.writeable = False
        end.theta.flags.writeable = False
        single = unpack(one.theta, n_states=1, n_assets=z.shape[1])
        for values in (single.correlations, single.transition):
            values.flags.writeable = False
        return CorrelationRegimeFit(
            assets=tuple(str(name) for name in scaled.columns),
            spec=f"{self.words}, {margin_words}",
            labels=tuple(self.labels),
            theta=end.theta,
            theta_covariance=matrix,
            shocks=freeze(scaled),
            scales=freeze(scales.rename("scale")),
            log_likelihood=end.log_likelihood,
            single=single,
            one_state_log_likelihood=one.log_likelihood,
            certificate=Certificate(
                gain=end.remaining, kkt_residual=end.slope, n_modes=end.n_modes, n_passes=end.n_passes
            ),
            n_agreeing=end.n_agreeing,
            n_starts=self.n_starts,
            least_rows=least,
            n_left_out=n_left_out,
            as_of=scaled.index[-1],
            periods_per_year=float(periods_per_year),
            provenance=provenance or Provenance(()),
        )


def _complete(returns: pd.DataFrame) -> pd.DataFrame:
    frame = pd.concat(check_frame(returns), axis=1)
    incomplete = frame.isna().any(axis=1)
    if incomplete.any():
        got = f"{int(incomplete.sum())} of {len(frame)} rows with a missing value, first {frame.index[incomplete][0]}"
        remedy = "drop and count them with volkit.returns.complete_rows, or put the prices on one clock"
        raise DataError("returns", "must have every series on every row", got, remedy)
    for name in frame.columns:
        if len(frame) and np.ptp(frame[name].to_numpy()) == 0.0:
            got = f"{len(frame)} times one value in {name}"
            raise DataError("returns", "must vary", got, "check that it was traded at all, or leave it out")
    return frame


def _standardized(model: Garch, frame: pd.DataFrame, periods_per_year: float) -> pd.DataFrame:
    return _shocks_of(tuple(model.fit(frame[name], periods_per_year=periods_per_year) for name in frame.columns))


def _shocks_of(margins: tuple[VolatilityFit, ...]) -> pd.DataFrame:
    failed = [m.asset for m in margins if m.status != "converged"]
    if failed:
        remedy = "use a longer history, or the default margins"
        raise DataError("margins", "must have converged", f"none for {', '.join(failed)}", remedy)
    if len(margins) < 2 or not all(m.standardized.index.equals(margins[0].standardized.index) for m in margins):
        got = f"{len(margins)} of {', '.join(str(len(m.standardized)) for m in margins)} periods"
        raise DataError("margins", "must be of two or more series on the same periods", got, "fit them on one frame")
    return pd.concat([m.standardized for m in margins], axis=1).set_axis([m.asset for m in margins], axis=1)


def _require_enough(shocks: pd.DataFrame) -> None:
    if len(shocks) < _MINIMUM:
        got = f"{len(shocks)} after the start of the volatilities"
        raise DataError("returns", f"must leave at least {_MINIMUM} shocks", got, "pass a longer history")
    R = np.corrcoef(shocks.to_numpy(), rowvar=False)
    if np.linalg.eigvalsh(R)[0] < _SINGULAR:
        off = np.abs(R - np.eye(len(R)))
        i, j = sorted(np.unravel_index(int(off.argmax()), off.shape))
        got = f"a singular matrix, nearest {shocks.columns[i]} and {shocks.columns[j]} with {R[i, j]:.6f}"
        raise DataError("returns", "must be series of which none follows from the others", got, "leave one out")
    if len(shocks) < _COMFORTABLE:
        warnings.warn(
            f"correlation states rest on {len(shocks)} shocks; below {_COMFORTABLE} they are rough.",
            SmallSampleWarning,
            stacklevel=4,
        )


def _require_certified(model: CorrelationRegimes, one: SearchEnd, end: SearchEnd, least: float) -> None:
    advice = "Use a longer history, fewer states, or more starts (n_starts)."
    if not (end.certified and one.certified):
        raise ConvergenceError(
            f"{model.words} did not converge from {model.n_starts} starts: the best end has a log-likelihood of "
            f"{end.log_likelihood:.4f} with {end.remaining:.2g} still to gain. {advice}"
        )
    if end.rows.min() < least:
        raise ConvergenceError(
            f"{model.words} end in a state of {end.rows.min():.1f} periods, where {least:g} are needed: such a state "
            f"describes a few days, not a regime, and one state serves these data better. {advice}"
        )
