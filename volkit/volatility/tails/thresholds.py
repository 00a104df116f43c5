"""Where may the threshold of a Pareto tail lie? Mean excess, stability of the parameters and fit, by threshold.

Losses in any unit enter; a `ThresholdDiagnostics` leaves, whose rule suggests a threshold and is stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count, check_floats
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.results import ResultDisplay, freeze
from volkit.volatility.tails.exceedances import Losses, check_losses
from volkit.volatility.tails.goodness import anderson_darling
from volkit.volatility.tails.pareto import fit_excesses

__all__ = ["ThresholdDiagnostics", "threshold_diagnostics"]

_LEAST_PEAKS = 10
_DEFAULT_SHARES = np.linspace(0.20, 0.01, 20)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ThresholdDiagnostics(ResultDisplay):
    """Pareto tails of the same losses by threshold.

    Attributes
    ----------
    asset : str
        Name of the losses.
    unit : str
        Of the losses.
    table : DataFrame, shape (n_thresholds, 12)
        By threshold, ascending: n_exceedances, share; mean_excess, shape, modified_scale, each with _lower and
        _upper; p_value of the Anderson-Darling test. Mean excess and modified scale in the unit of the losses.
        Ends are NaN for a shape at or below -0.5, and the p-value too.
    confidence : float
        Of the intervals.
    n_obs : int
        All losses.
    as_of : Timestamp, optional
        Last label (UTC), None where the losses have no times.
    """

    asset: str
    unit: str
    table: pd.DataFrame
    confidence: float
    n_obs: int
    as_of: pd.Timestamp | None = None

    def find_threshold(self, *, significance: float = 0.10, n_exceedances: int = 50) -> float | None:
        """Return the suggested threshold, in the unit of the losses, None where no threshold qualifies.

        Parameters
        ----------
        significance : float
            p-value of the Anderson-Darling test below which a fit is rejected, fraction.
        n_exceedances : int
            Fewest exceedances that a suggestion may rest on.

        Raises
        ------
        ArgumentError
            For a significance outside 0 to 0.5, or a count below 10.

        Notes
        -----
        The rule: the lowest threshold whose fit is not rejected, nor that of any higher threshold with enough
        exceedances. It is a rule, not a test: the p-values are not corrected for their number. Look at the
        stability of the shape too; a lower threshold is biased, a higher one noisy.
        """
        if not 0.0 < significance <= 0.5:
            got = f"{significance!r}"
            raise ArgumentError("significance", "must be a fraction above 0 and at most 0.5", got, "pass 0.10")
        check_count(n_exceedances, argument="n_exceedances", minimum=_LEAST_PEAKS, unit="losses")
        enough = self.table[self.table["n_exceedances"] >= n_exceedances]
        kept = enough["p_value"] >= significance
        # From the highest threshold down, as long as nothing is rejected.
        run = kept[::-1].cumprod()[::-1].astype(bool)
        return float(enough.index[run][0]) if run.any() else None

    @property
    def headline(self) -> str:
        """Name, span of thresholds and the suggestion in one line."""
        found = self.find_threshold()
        words = "no threshold suggested" if found is None else f"suggested {found:g}"
        low, high = self.table.index[0], self.table.index[-1]
        return f"{self.asset}, {len(self.table)} thresholds from {low:g} to {high:g}, {words}, n = {self.n_obs:,}"

    def summary(self) -> pd.DataFrame:
        """Return counts, mean excess, shape with interval and p-value by threshold (units in the labels)."""
        level = percent_to(self.confidence, 0)
        names = {
            "n_exceedances": "exceedances",
            "mean_excess": f"mean excess ({self.unit})",
            "shape": "shape",
            "shape_lower": f"shape, {level} lower",
            "shape_upper": f"shape, {level} upper",
            "modified_scale": f"modified scale ({self.unit})",
            "p_value": "Anderson-Darling p",
        }
        table = self.table[list(names)].rename(columns=names)
        return table.rename_axis(f"threshold ({self.unit})")

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def threshold_diagnostics(
    losses: Losses,
    thresholds: Sequence[float] | None = None,
    *,
    confidence: float = 0.95,
    unit: str = "unit of the losses",
) -> ThresholdDiagnostics:
    """Return mean excess, Pareto parameters and goodness of fit by threshold.

    Parameters
    ----------
    losses : array_like or Series, shape (n_obs,)
        Positive where money is lost, any unit. Clusters make every interval too short and every p-value too small:
        pass the peaks of `decluster` to look at those.
    thresholds : sequence of float, optional
        In the unit of the losses; by default those that 20, 19, ..., 1 per cent of the losses exceed and at least 10
        losses.
    confidence : float
        Of the intervals, fraction.
    unit : str
        For tables and axes.

    Returns
    -------
    ThresholdDiagnostics
        Sorted, without doubles.

    Raises
    ------
    ArgumentError, DataError
        For no threshold, one that is no finite number or leaves fewer than 10 losses or equal ones, a bad confidence,
        and for what `check_losses` refuses.

    Notes
    -----
    Above the right threshold u0 the shape is constant, so is the modified scale beta - xi u, and the mean excess is a
    line with slope xi / (1 - xi) [1]_. Intervals are normal: of a mean, of xi, and of beta - xi u by the delta
    method. That of the mean excess does not hold for xi of 0.5 or more, where excesses have no variance.

    References
    ----------
    .. [1] Davison, A. C. and Smith, R. L. (1990). Models for exceedances over high thresholds. Journal of the
       Royal Statistical Society B 52, 393-442; Coles (2001), sections 4.3.1 and 4.3.4.

    Examples
    --------
    >>> losses = np.random.default_rng(2).standard_t(4, 4000)
    >>> found = threshold_diagnostics(losses, [0.5, 1.0, 1.5, 2.0]).table
    >>> found["shape"].round(2).tolist(), found["n_exceedances"].tolist()
    ([0.07, 0.15, 0.23, 0.21], [1310, 775, 437, 238])
    """
    level = check_confidence(confidence)
    checked = check_losses(losses)
    values = checked.to_numpy()
    if thresholds is None:
        counts = np.floor(_DEFAULT_SHARES * len(values)).astype(int)
        thresholds = np.sort(values)[len(values) - 1 - counts[counts >= _LEAST_PEAKS]].tolist()
        thresholds = [u for u in thresholds if (values > u).sum() >= _LEAST_PEAKS]
    asked = check_floats(thresholds, argument="thresholds")
    if asked.ndim != 1 or not np.isfinite(asked).all():
        got = f"{asked.ndim} dimensions" if asked.ndim != 1 else f"{asked[~np.isfinite(asked)][0]:g}"
        raise DataError("thresholds", "must be a list of finite numbers", got, "pass losses, e.g. [0.02, 0.03]")
    chosen = sorted(set(asked.tolist()))
    if not chosen:
        raise ArgumentError("thresholds", "must hold at least one threshold", "none", "pass some, or a longer history")
    rows = [_row(values, u, z=float(stats.norm.ppf(0.5 + 0.5 * level))) for u in chosen]
    return ThresholdDiagnostics(
        asset=str(checked.name) if checked.name is not None else "losses",
        unit=unit,
        table=freeze(pd.DataFrame(rows, index=pd.Index(chosen, name="threshold"))),
        confidence=level,
        n_obs=len(values),
        as_of=checked.index[-1] if isinstance(checked.index, pd.DatetimeIndex) else None,
    )


def _row(values: np.ndarray, u: float, *, z: float) -> dict[str, float]:
    excesses = values[values > u] - u
    n = len(excesses)
    if n < _LEAST_PEAKS or np.ptp(excesses) == 0.0:
        got = f"{u:g} with {n} losses above it (largest {values.max():g})"
        requirement = f"must each leave at least {_LEAST_PEAKS} losses that differ"
        raise ArgumentError("thresholds", requirement, got, "pass lower thresholds")
    fit = fit_excesses(excesses)
    # Of beta - xi u: gradient (-u, 1) on (xi, beta).
    gradient = np.array([-u, 1.0])
    estimates = {
        "mean_excess": (float(excesses.mean()), float(excesses.std(ddof=1) / np.sqrt(n))),
        "shape": (fit.shape, float(np.sqrt(fit.covariance[0, 0]))),
        "modified_scale": (fit.scale - fit.shape * u, float(np.sqrt(gradient @ fit.covariance @ gradient))),
    }
    row: dict[str, float] = {"n_exceedances": n, "share": n / len(values)}
    for name, (value, error) in estimates.items():
        row |= {name: value, f"{name}_lower": value - z * error, f"{name}_upper": value + z * error}
    return row | {"p_value": anderson_darling(excesses, shape=fit.shape, scale=fit.scale).p_value}
