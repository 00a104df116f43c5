"""What one policy did on one side of one asset: exceptions, cost, loss, and how far its margins moved."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from volkit.conventions import SIDES
from volkit.margin.frontier.walking import WalkedPolicies
from volkit.validation import SIGNIFICANCE, binomial_from_counts
from volkit.validation.multiplicity import holm
from volkit.validation.proportion import exact_interval

__all__ = ["holm_verdicts", "largest_rise", "measure_cells", "measured_series", "peak_to_trough"]

_INTERVAL = 0.95
MEASURES = ("exceedance", "cost", "quantile_loss")


def peak_to_trough(margins: np.ndarray) -> np.ndarray:
    """Return the highest over the lowest margin along the last axis, without unit; infinite where that is not positive.

    Examples
    --------
    >>> peak_to_trough(np.array([[0.10, 0.18, 0.12], [0.0, 0.1, 0.1]])).round(6).tolist()
    [1.8, inf]
    """
    lowest = margins.min(axis=-1)
    return np.where(lowest > 0.0, margins.max(axis=-1) / np.where(lowest > 0.0, lowest, 1.0), np.inf)


def largest_rise(margins: np.ndarray, *, periods: int) -> np.ndarray:
    """Return the largest relative rise over exactly so many periods along the last axis, decimal.

    Negative where the margin only fell; infinite where it rose from nothing or less.

    Examples
    --------
    >>> float(largest_rise(np.array([0.25, 0.5, 0.4]), periods=1))
    1.0
    """
    before, after = margins[..., :-periods], margins[..., periods:]
    has_base = before > 0.0
    grown = np.where(after > before, np.inf, 0.0)
    return np.asarray(np.where(has_base, after / np.where(has_base, before, 1.0) - 1.0, grown).max(axis=-1))


def measured_series(walked: WalkedPolicies, *, layer: str, confidence: float, step: int) -> np.ndarray:
    """Return exceptions, margins and quantile losses of the tested periods, shape (3, n_policies, 2, n_tested)."""
    lost = walked.losses[:, ~np.isnan(walked.losses[0])][:, ::step]
    margins = _layer(walked, layer)[:, :, : walked.losses.shape[1]][:, :, ~np.isnan(walked.losses[0])][:, :, ::step]
    hits = (lost > margins).astype(np.float64)
    return np.stack([hits, margins, (hits - (1.0 - confidence)) * (lost - margins)])


def measure_cells(
    asset: str,
    names: Sequence[str],
    walked: WalkedPolicies,
    measured: np.ndarray,
    *,
    layer: str,
    confidence: float,
    rise_periods: int,
) -> pd.DataFrame:
    """Return one row a policy and side of an asset (see `PolicyFrontier.cells`), without the bands."""
    counts = measured[0].sum(axis=2).astype(np.int64)
    n = measured.shape[3]
    margins = _layer(walked, layer)
    moved = peak_to_trough(margins), largest_rise(margins, periods=rise_periods)
    rows = {}
    for i, name in enumerate(names):
        for j, side in enumerate(SIDES):
            x = int(counts[i, j])
            lower, upper, p_value = _exact(x, n, confidence)
            rows[(name, asset, side)] = {
                "n_obs": n,
                "n_exceptions": x,
                "exceedance": x / n,
                "rate_lower": lower,
                "rate_upper": upper,
                "p_value": p_value,
                "verdict": _verdict(x / n, p_value, confidence),
                "mean_maintenance": float(walked.maintenance[i, j].mean()),
                "mean_initial": float(walked.initial[i, j].mean()),
                "cost": float(measured[1, i, j].mean()),
                "quantile_loss": float(measured[2, i, j].mean()),
                "peak_to_trough": float(moved[0][i, j]),
                "largest_rise": float(moved[1][i, j]),
                "median": float(np.median(margins[i, j])),
                "latest_maintenance": float(walked.maintenance[i, j, -1]),
                "latest_initial": float(walked.initial[i, j, -1]),
            }
    return pd.DataFrame.from_dict(rows, orient="index")


def holm_verdicts(cells: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return the smallest Holm-corrected probability of each policy's cells, and how many cells it rejects which way.

    Parameters
    ----------
    cells : DataFrame
        Index (policy, asset, side); columns exceedance (fraction) and p_value.
    confidence : float
        What the margins promise.

    Returns
    -------
    DataFrame
        Index policy, in order of appearance; columns p_holm (probability), n_too_many and n_too_few (counts).

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a"], ["BTC"], ["long", "short"]], names=["policy", "asset", "side"])
    >>> cells = pd.DataFrame({"exceedance": [0.03, 0.01], "p_value": [0.001, 1.0]}, index=index)
    >>> holm_verdicts(cells, 0.99).loc["a"].tolist()
    [0.002, 1.0, 0.0]
    """
    adjusted = cells.groupby(level="policy", sort=False)["p_value"].transform(lambda p: holm(p.to_numpy()))
    rejected = adjusted < SIGNIFICANCE
    above = cells["exceedance"] > 1.0 - confidence
    table = pd.DataFrame({"p_holm": adjusted, "n_too_many": rejected & above, "n_too_few": rejected & ~above})
    return table.groupby(level="policy", sort=False).agg({"p_holm": "min", "n_too_many": "sum", "n_too_few": "sum"})


def _layer(walked: WalkedPolicies, layer: str) -> np.ndarray:
    return walked.maintenance if layer == "maintenance_margin" else walked.initial


@cache
def _exact(x: int, n: int, confidence: float) -> tuple[float, float, float]:
    """The exact interval of a rate, and the probability of its target."""
    lower, upper = exact_interval(x, n, coverage=_INTERVAL)
    return lower, upper, binomial_from_counts(x, n, confidence=confidence).exact_p_value


def _verdict(rate: float, p_value: float, confidence: float) -> str:
    if p_value >= SIGNIFICANCE:
        return "not rejected"
    return "too many" if rate > 1.0 - confidence else "too few"
