"""Expected loss beyond the margin: what a default fund or an insurance fund pays on average."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.checks import check_count, check_positive
from volkit.errors import ArgumentError, DataError
from volkit.margin.horizon.clock import Horizon
from volkit.margin.horizon.losses import Event, HorizonLosses
from volkit.margin.horizon.overlap import overlap_variance
from volkit.results import ResultDisplay
from volkit.volatility.tails.pareto import pareto_survival

__all__ = ["ExpectedExcess", "expected_excess", "tail_expected_excess"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ExpectedExcess(ResultDisplay):
    """Mean of the part of a loss that lies above the margin.

    Attributes
    ----------
    expected_excess : float
        E[(L - m)+], fraction of the notional.
    standard_error : float
        Of it, overlap of windows allowed for; NaN without a loss above the margin.
    mean_excess : float
        Of the losses above the margin, fraction of the notional; NaN where there is none.
    largest_excess : float
        Fraction of the notional, 0 where there is none.
    margin : float
        Fraction of the notional.
    n_obs, n_hits : int
        Windows, and those with a loss strictly above the margin.
    n_independent : int
        Windows that do not overlap.
    event : {"touch", "end"}
        Which loss.
    horizon : Horizon
        Periods and their length.
    as_of : Timestamp or None
        Label (UTC) of the last window.
    """

    expected_excess: float
    standard_error: float
    mean_excess: float
    largest_excess: float
    margin: float
    n_obs: int
    n_hits: int
    n_independent: int
    event: Event
    horizon: Horizon
    as_of: pd.Timestamp | None

    @property
    def headline(self) -> str:
        """Margin, expected excess and hits in one line."""
        return (
            f"{self.event}, {self.horizon}: {self.expected_excess:.3g} of the notional expected beyond a margin of "
            f"{self.margin:.4g} (+- {self.standard_error:.2g}), {self.n_hits} of {self.n_obs} windows above it"
        )

    def summary(self) -> pd.DataFrame:
        """Return the excesses (fractions of the notional) and counts."""
        rows = {
            "expected beyond the margin (fraction)": self.expected_excess,
            "standard error (fraction)": self.standard_error,
            "mean of those above (fraction)": self.mean_excess,
            "largest (fraction)": self.largest_excess,
            "windows": float(self.n_obs),
            "windows that do not overlap": float(self.n_independent),
            "windows above the margin": float(self.n_hits),
        }
        return pd.DataFrame({self.event: rows})

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def expected_excess(losses: HorizonLosses, margin: float, *, event: Event = "touch") -> ExpectedExcess:
    """Return the mean loss beyond a margin over windows or paths.

    Parameters
    ----------
    losses : HorizonLosses
        Of bars or of paths.
    margin : float
        Fraction of the notional, 0 or more.
    event : {"touch", "end"}
        Which loss.

    Returns
    -------
    ExpectedExcess
        Its expected excess falls in the margin.

    Raises
    ------
    ArgumentError
        For a negative or infinite margin, or an unknown event.

    Examples
    --------
    >>> from volkit.margin.horizon.fitted import path_losses
    >>> paths = path_losses(np.array([[-0.10], [-0.04], [0.02], [0.05]]), side="long", interval=pd.Timedelta("1D"))
    >>> found = expected_excess(paths, 0.05)
    >>> round(found.expected_excess, 4), found.n_hits
    (0.0125, 1)
    """
    m = float(margin)
    if not 0.0 <= m < np.inf:
        raise ArgumentError("margin", "must be a finite fraction of at least 0", f"{margin!r}", "pass a decimal")
    values = losses.values(event)
    beyond = np.maximum(losses.losses[event].to_numpy() - m, 0.0)
    above = values[values > m] - m
    h = losses.horizon.periods if losses.source == "bars" else 1
    return ExpectedExcess(
        expected_excess=float(np.nanmean(beyond)),
        standard_error=float(np.sqrt(overlap_variance(beyond, horizon=h))) if len(above) else float("nan"),
        mean_excess=float(above.mean()) if len(above) else float("nan"),
        largest_excess=float(above.max()) if len(above) else 0.0,
        margin=m,
        n_obs=len(values),
        n_hits=len(above),
        n_independent=losses.n_independent,
        event=event,
        horizon=losses.horizon,
        as_of=losses.as_of,
    )


def tail_expected_excess(
    margin: float, *, threshold: float, shape: float, scale: float, n_exceedances: int, n_obs: int
) -> float:
    """Return the expected loss beyond a margin in a generalised Pareto tail.

    Parameters
    ----------
    margin : float
        At least the threshold, in the unit of the losses.
    threshold, shape, scale : float
        Of the tail (`volkit.volatility.tails`): u, xi below 1, and beta, in the unit of the losses.
    n_exceedances, n_obs : int
        Losses above the threshold, and all.

    Returns
    -------
    float
        E[(L - m)+], unit of the losses.

    Raises
    ------
    ArgumentError
        For xi of 1 or more (the mean is infinite), a scale that is not positive, or
        more exceedances than losses.
    DataError
        For a margin below the threshold.

    Notes
    -----
    (N_u / n) beta / (1 - xi) (1 + xi (m - u) / beta)^(1 - 1/xi), which is (1 - q)(ES_q - VaR_q) for the confidence q
    at which the margin is the Value at Risk.

    Examples
    --------
    >>> danish = {"threshold": 10.0, "shape": 0.4968062, "scale": 6.9745523, "n_exceedances": 109, "n_obs": 2167}
    >>> round(tail_expected_excess(27.28487856, **danish), 7)
    0.3092603
    """
    xi, beta = float(shape), check_positive(scale, argument="scale", unit="as the losses")
    n = check_count(n_obs, argument="n_obs", unit="losses")
    share = check_count(n_exceedances, argument="n_exceedances", unit="losses") / n
    if share > 1.0:
        raise ArgumentError("n_exceedances", f"must be at most n_obs, {n}", str(n_exceedances), "swap the two")
    if not xi < 1.0:
        remedy = "use a quantile instead: no expected shortfall exists in such a tail"
        raise ArgumentError("shape", "must be below 1, or the mean is infinite", f"{shape!r}", remedy)
    y = float(margin) - float(threshold)
    if not 0.0 <= y < np.inf:
        raise DataError(
            "margin", f"must be at least the threshold, {threshold:g}", f"{margin!r}", "use expected_excess below it"
        )
    survival = float(pareto_survival(np.array(y), shape=xi, scale=beta))
    return share * survival * max(beta + xi * y, 0.0) / (1.0 - xi)
