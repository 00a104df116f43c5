"""How procyclical rates are: from peak to trough, and how far they rose within days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_confidence, check_count
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.margin.procyclicality.recursions import check_rates
from volkit.margin.rates import tail_of_losses
from volkit.results import ResultDisplay, freeze

__all__ = ["CONFIDENCES", "HORIZONS", "ProcyclicalityMetrics", "procyclicality_metrics"]

HORIZONS = (1, 5, 20)
CONFIDENCES = (0.95, 0.99)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class ProcyclicalityMetrics(ResultDisplay):
    """Metrics of one series of rates.

    Attributes
    ----------
    peak_to_trough : float
        Highest over lowest rate.
    rises : DataFrame, shape (n_horizons, 2 + 2 n_confidences)
        Index ``periods``; columns ``pairs`` (of rates so far apart), ``largest``, and for each confidence ``quantile``
        and ``shortfall`` (mean from the quantile on) of the relative change over so many periods, decimals; a fall is
        negative. NaN where fewer than one pair lies beyond the confidence.
    n_obs : int
        Rates that are there.
    n_missing : int
        Rates that are NaN; no change reaches over them.
    reason : str
        Why a quantile is NaN, or empty.
    """

    peak_to_trough: float
    rises: pd.DataFrame
    n_obs: int
    n_missing: int
    reason: str

    @property
    def headline(self) -> str:
        """Ratio and largest rises in one line."""
        largest = ", ".join(f"{percent_to(x, signed=True)} in {n}" for n, x in self.rises["largest"].items())
        return f"peak {self.peak_to_trough:.2f} times trough, largest rises {largest} periods, {self.n_obs} rates"

    def summary(self) -> pd.DataFrame:
        """Return the rises (decimals)."""
        return self.rises

    def to_frame(self) -> pd.DataFrame:
        """Return the rises (decimals)."""
        return self.rises


def procyclicality_metrics(
    rates: npt.ArrayLike, *, horizons: Sequence[int] = HORIZONS, confidences: Sequence[float] = CONFIDENCES
) -> ProcyclicalityMetrics:
    """Return peak-to-trough ratio and largest rises of margin rates.

    Parameters
    ----------
    rates : array_like, shape (n,)
        Margin of one side through time, above zero, any unit. NaN marks a hole.
    horizons : sequence of int
        Periods over which a rise is taken.
    confidences : sequence of float
        Of the quantile and the shortfall of the rises.

    Returns
    -------
    ProcyclicalityMetrics
        Decimals.

    Raises
    ------
    ArgumentError
        For no horizon, one that leaves no pair of rates, or a confidence outside 0.5 to 1.
    DataError
        For no rates, infinite ones, or rates that are not above zero.

    Notes
    -----
    Peak-to-trough is max(m) / min(m); the rise over n periods is m_{t+n} / m_t - 1, its largest the n-day
    procyclicality of Murphy, Vasios and Vause (2014, "An investigation into the procyclicality of risk-based initial
    margin models", Bank of England Financial Stability Paper 29). Rises overlap: their quantiles describe this path and
    are no test.

    Examples
    --------
    >>> procyclicality_metrics([100, 110, 105, 150, 180, 120, 100], horizons=(1, 2), confidences=(0.75,))
    <ProcyclicalityMetrics: peak 1.80 times trough, largest rises +42.9 % in 1, +71.4 % in 2 periods, 7 rates>
    """
    values = check_rates(rates, positive=True, allow_missing=True)
    levels = [check_confidence(c, argument="confidences") for c in confidences]
    if not len(horizons):
        raise ArgumentError("horizons", "must name at least one number of periods", "none", "pass for example (1, 5)")
    rows = {n: _rises(values, check_count(n, argument="horizons"), levels) for n in horizons}
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"pairs": "int64"}).rename_axis("periods")
    thin = table.index[table.isna().any(axis=1)].tolist()
    words = ", ".join(str(n) for n in thin)
    return ProcyclicalityMetrics(
        peak_to_trough=float(np.nanmax(values) / np.nanmin(values)),
        rises=freeze(table),
        n_obs=int(np.isfinite(values).sum()),
        n_missing=int(np.isnan(values).sum()),
        reason=f"too few pairs for a quantile over {words} periods" if thin else "",
    )


def _rises(values: npt.NDArray[np.float64], periods: int, confidences: list[float]) -> dict[str, float]:
    changes = values[periods:] / values[:-periods] - 1.0
    changes = changes[np.isfinite(changes)]
    if not len(changes):
        got, remedy = f"{periods} for {len(values)} rates", "pass fewer periods or a longer schedule"
        raise ArgumentError("horizons", "must leave a pair of rates without a hole at its ends", got, remedy)
    row: dict[str, float] = {"pairs": len(changes), "largest": float(changes.max())}
    for confidence in confidences:
        # A rise is what is lost to whoever pays margin: the same quantile as for losses.
        is_thin = len(changes) * (1.0 - confidence) < 1.0 - 1e-9
        at, beyond = (np.nan, np.nan) if is_thin else map(float, tail_of_losses(changes, confidence=confidence))
        row[f"quantile {100 * confidence:.4g} %"], row[f"shortfall {100 * confidence:.4g} %"] = at, beyond
    return row
