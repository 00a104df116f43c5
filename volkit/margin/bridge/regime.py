"""The probability of the high-correlation state as it stood at each close, re-fitted walking forward."""

import warnings

import pandas as pd

from volkit.checks import check_count, check_positive, check_series
from volkit.correlation import CorrelationRegimes
from volkit.correlation.inference.devolatilize import devolatilize
from volkit.correlation.inputs import check_frame
from volkit.correlation.regimes.fit import CorrelationRegimeFit
from volkit.errors import ArgumentError, ConvergenceError, ConvergenceWarning, DataError
from volkit.margin.bridge.state import StateVariable
from volkit.parallel import progress

__all__ = ["regime_variable"]


def regime_variable(
    changes: pd.DataFrame,
    *,
    known: pd.Series,
    periods_per_year: float,
    model: CorrelationRegimes | None = None,
    first_fit: int = 500,
    refit_every: int = 126,
) -> StateVariable:
    """Return the filtered probability of the state with the highest correlation, without look-ahead.

    Parameters
    ----------
    changes : DataFrame, shape (n_rows, n_series)
        Of the asset and macro series on one clock, no NaN (`volkit.complete_rows`).
    known : Series of Timestamp, shape (n_rows,)
        Instant (UTC) at which each row had been published, e.g. ``panel.close_time.max(axis=1)`` on those rows.
    periods_per_year : float
        252 for exchange sessions.
    model : CorrelationRegimes, optional
        Two states by default; with volatilities from `devolatilize` only, which never look ahead.
    first_fit : int
        Shocks behind the first fit, periods; later ones rest on all shocks so far.
    refit_every : int
        Periods between fits.

    Returns
    -------
    StateVariable
        Fractions from 0 to 1; NaN before the first fit.

    Raises
    ------
    ArgumentError
        For counts out of range, or a model with fitted volatilities.
    DataError
        For what `CorrelationRegimes.fit` refuses, publications on other rows, or fewer rows than `first_fit`.
    ConvergenceError
        When the first fit does not converge.

    Warns
    -----
    ConvergenceWarning
        When later fits did not converge and older parameters are carried.

    Notes
    -----
    Row t is P(S_t = high) given shocks up to t, under parameters fitted at the last re-fit at or before t.

    Examples
    --------
    >>> import numpy as np
    >>> from volkit.correlation.regimes.simulation import simulate_correlation_regimes
    >>> R = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.9], [0.9, 1.0]]])
    >>> P = np.array([[0.98, 0.02], [0.04, 0.96]])
    >>> z, states = simulate_correlation_regimes(900, correlations=R, transition=P, rng=np.random.default_rng(1))
    >>> times = pd.date_range("2020-01-01", periods=900, tz="UTC")
    >>> moves = pd.DataFrame(0.01 * z, times, ["BTC", "SPX"])
    >>> high = regime_variable(moves, known=pd.Series(times.shift(1), times), periods_per_year=365, refit_every=400)
    >>> int(high.values.isna().sum()), bool(np.corrcoef(high.values.dropna(), states[509:])[0, 1] > 0.7)
    (509, True)
    """
    check_positive(periods_per_year, argument="periods_per_year", unit="periods")
    chosen = model or CorrelationRegimes()
    first, step = check_count(first_fit, argument="first_fit"), check_count(refit_every, argument="refit_every")
    if chosen.margins is not None:
        remedy = "leave margins out: volatilities are then those of the rows before"
        raise ArgumentError("model", "must take volatilities from earlier rows only", chosen.margins.words, remedy)
    frame = pd.concat(check_frame(changes), axis=1)
    if frame.isna().any(axis=None):
        got = f"{int(frame.isna().any(axis=1).sum())} rows with a missing value"
        raise DataError("changes", "must have every series on every row", got, "pass volkit.complete_rows(...).data")
    if not check_series(known, argument="known").index.equals(changes.index):
        raise DataError("known", "must be on the rows of the changes", "other rows", "use known.loc[changes.index]")
    shocks = devolatilize(frame, half_life=chosen.half_life).dropna()
    if len(shocks) < first:
        raise DataError("changes", f"must give {first} shocks", str(len(shocks)), "pass a longer history")
    high = _walk(shocks, chosen, first, step, periods_per_year)
    return StateVariable(
        name="high-correlation probability",
        unit="fraction",
        values=high.reindex(frame.index),
        known=known.set_axis(frame.index),
    )


def _walk(shocks: pd.DataFrame, model: CorrelationRegimes, first: int, step: int, periods_per_year: float) -> pd.Series:
    fit: CorrelationRegimeFit | None = None
    parts, carried = [], []
    for end in progress(range(first, len(shocks) + 1, step), label="fits of the correlation regimes"):
        try:
            fit = model.fit_shocks(shocks.iloc[:end], periods_per_year=periods_per_year)
        except ConvergenceError:
            if fit is None:
                raise
            carried.append(shocks.index[end - 1])
        until = min(end + step - 1, len(shocks))
        filtered = fit.filter(shocks.iloc[:until] / fit.scales)
        parts.append(filtered[fit.labels[-1]].iloc[end - 1 :])
    if carried:
        warnings.warn(
            f"{len(carried)} of {len(parts)} fits of {model.words} did not converge, the first at {carried[0]}; older "
            "parameters are carried.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return pd.concat(parts)
