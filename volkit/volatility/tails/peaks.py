"""Peaks over threshold: a generalised Pareto tail fitted to the losses beyond a threshold.

Losses in any unit enter (fire claims in millions, returns through `fit_pareto_tail_of_returns`); a
`ParetoTail` leaves.
"""

import warnings

import numpy as np
import pandas as pd

from volkit import conventions
from volkit.checks import check_returns, real_number
from volkit.conventions import Side
from volkit.errors import ArgumentError, ConvergenceWarning, DataError, SmallSampleWarning
from volkit.results import Provenance, freeze
from volkit.volatility.tails.exceedances import Losses, check_losses, decluster, tail_threshold
from volkit.volatility.tails.pareto import fit_excesses
from volkit.volatility.tails.pareto_tail import ParetoTail

__all__ = ["fit_pareto_tail", "fit_pareto_tail_of_returns"]

# Two parameters from fewer peaks say nothing; below the second number intervals are wide and too short.
_LEAST_PEAKS = 10
_FEW_PEAKS = 30


def fit_pareto_tail(
    losses: Losses,
    *,
    threshold: float | None = None,
    tail_share: float = 0.05,
    run_length: int | None = None,
    unit: str = "unit of the losses",
    provenance: Provenance | None = None,
) -> ParetoTail:
    """Return the generalised Pareto distribution fitted to the losses above a threshold.

    Parameters
    ----------
    losses : array_like or Series, shape (n_obs,)
        Positive where money is lost, any unit; gains, as negative losses, count in n_obs.
    threshold : float, optional
        In that unit; losses strictly above it are fitted.
    tail_share : float
        Used when there is no threshold: fraction of the losses above it (`tail_threshold`).
    run_length : int, optional
        Observations at or below the threshold that end a cluster; only the largest loss of each cluster is fitted.
        None fits every exceedance.
    unit : str
        For tables and axes.
    provenance : Provenance, optional
        Sources and hashes to keep with the result.

    Returns
    -------
    ParetoTail
        Status "at the boundary" where the best shape is -1.

    Raises
    ------
    ArgumentError, DataError
        For a threshold above all losses, fewer than 10 peaks, peaks all equal, and for what `check_losses`
        refuses.

    Warns
    -----
    SmallSampleWarning, ConvergenceWarning
        Below 30 peaks; and when Newton's method did not certify an optimum.

    Notes
    -----
    For a high threshold u excesses follow F(y) = 1 - (1 + xi y / beta)^(-1/xi) [1]_; see `fit_excesses` for how the
    maximum is found and `threshold_diagnostics` for where u may lie. Not for losses whose level of risk moves with
    time when tomorrow's tail is wanted: fit standardised residuals instead [2]_.

    References
    ----------
    .. [1] McNeil, A. J., Frey, R. and Embrechts, P. (2015). Quantitative Risk Management, 2nd ed., section 5.2.
    .. [2] McNeil, A. J. and Frey, R. (2000). Estimation of tail-related risk measures for heteroscedastic
       financial time series. Journal of Empirical Finance 7, 271-300.

    Examples
    --------
    >>> claims = 5.0 * np.random.default_rng(1).pareto(2.0, 2000)
    >>> tail = fit_pareto_tail(claims, threshold=10.0)
    >>> tail
    <ParetoTail: losses, generalised Pareto above 10, 214 peaks of 2,000, shape 0.623 (s.e. 0.113), converged>
    """
    checked = check_losses(losses)
    u = (
        tail_threshold(checked, tail_share=tail_share)
        if threshold is None
        else real_number(threshold, argument="threshold")
    )
    above = checked[checked.to_numpy() > u]
    peaks = above if run_length is None else decluster(checked, threshold=u, run_length=run_length).peaks
    _check_peaks(peaks, u, largest=float(checked.max()))
    estimate = fit_excesses(peaks.to_numpy() - u)
    if estimate.status == "not converged":
        message = f"the Pareto tail above {u:g} was not certified (decrement {estimate.decrement:.1g})"
        warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return ParetoTail(
        asset=str(checked.name) if checked.name is not None else "losses",
        unit=unit,
        threshold=u,
        estimate=estimate,
        peaks=freeze(peaks),
        n_exceedances=len(above),
        n_obs=len(checked),
        run_length=run_length,
        as_of=checked.index[-1] if isinstance(checked.index, pd.DatetimeIndex) else None,
        provenance=provenance or Provenance(()),
    )


def fit_pareto_tail_of_returns(
    returns: pd.Series,
    *,
    side: Side,
    threshold: float | None = None,
    tail_share: float = 0.05,
    run_length: int | None = None,
    provenance: Provenance | None = None,
) -> ParetoTail:
    """Return the Pareto tail of the losses that one side of a position makes.

    Parameters
    ----------
    returns : Series, shape (n_obs,)
        Simple returns per period, decimal, on UTC times.
    side : {"long", "short"}
        Of the position.
    threshold : float, optional
        A loss, positive decimal.
    tail_share, run_length, provenance
        As in `fit_pareto_tail`.

    Returns
    -------
    ParetoTail
        Named after the series and the side; losses are positive decimals.

    Raises
    ------
    ArgumentError, DataError
        As `fit_pareto_tail`, and for what `volkit.checks.check_returns` refuses.

    Examples
    --------
    >>> from volkit.returns import simple_returns
    >>> from volkit.sources.bundled import BundledSource
    >>> returns = simple_returns(BundledSource().load_bars("SPX").frame["close"].rename("SPX"))
    >>> tail = fit_pareto_tail_of_returns(returns, side="long", tail_share=0.05)
    >>> round(tail.shape, 3), round(tail.value_at_risk(0.999), 4)
    (0.153, 0.064)
    """
    lost = conventions.losses(check_returns(returns), side=side)
    name = f"{returns.name} {side}" if returns.name is not None else side
    return fit_pareto_tail(
        lost.rename(name),
        threshold=threshold,
        tail_share=tail_share,
        run_length=run_length,
        unit="decimal",
        provenance=provenance,
    )


def _check_peaks(peaks: pd.Series, threshold: float, *, largest: float) -> None:
    if len(peaks) < _LEAST_PEAKS:
        raise ArgumentError(
            "threshold",
            f"must leave at least {_LEAST_PEAKS} peaks",
            f"{threshold:g} with {len(peaks)} (largest loss {largest:g})",
            "pass a lower threshold or a longer history",
        )
    if np.ptp(peaks.to_numpy()) == 0.0:
        got = f"{len(peaks)} times the value {peaks.iloc[0]:g}"
        raise DataError("losses", "must vary above the threshold", got, "check how they were rounded")
    if len(peaks) < _FEW_PEAKS:
        message = f"{len(peaks)} peaks above {threshold:g}: below {_FEW_PEAKS} the intervals are too short"
        warnings.warn(message, SmallSampleWarning, stacklevel=3)
