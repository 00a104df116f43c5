"""Tier tables designed from what a liquidation loses: the path of the price and the impact of closing out the size.

Path losses (an array) and an impact (a function of the notional) enter; a `TierDesign` with its table leaves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_confidence, check_count, check_floats, real_number
from volkit.errors import ArgumentError, DataError
from volkit.margin.rates import require_tail, tail_of_losses
from volkit.margin.tiers.table import TierTable
from volkit.results import ResultDisplay, freeze
from volkit.validation.blocks import block_indices

__all__ = ["TierDesign", "design_tiers"]

Measure = Literal["value_at_risk", "expected_shortfall"]
Impact = Callable[[float], float | npt.NDArray[np.float64]]
Floats = npt.NDArray[np.float64]

_MEASURES = ("value_at_risk", "expected_shortfall")
# Sizes within a tier at which the margin is held against what is needed; its upper bound is one of them.
_SIZES = 12
_REPLICATIONS = 500


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class TierDesign(ResultDisplay):
    """A tier table and what it was designed to cover.

    Attributes
    ----------
    table : TierTable
        Designed rates.
    requirements : DataFrame, shape (n_sizes,)
        Index notional; columns required_rate, low, high (interval of the path loss, same impact) and
        maintenance_rate of the table at that size, fractions of the notional.
    confidence : float
        Of the measure.
    interval_coverage : float
        Of low and high, decimal; they are NaN when no generator was given.
    measure : {"value_at_risk", "expected_shortfall"}
        Of path loss plus impact.
    buffer : float
        Initial less maintenance rate before rounding, fraction of the notional.
    n_obs, n_independent : int
        Path losses, and those that do not overlap.
    """

    table: TierTable
    requirements: pd.DataFrame
    confidence: float
    interval_coverage: float
    measure: Measure
    buffer: float
    n_obs: int
    n_independent: int

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Date of the table (UTC), when given."""
        return self.table.as_of

    @property
    def headroom(self) -> float:
        """Smallest excess of the table's rate over the required one, fraction of the notional; never negative."""
        return float((self.requirements["maintenance_rate"] - self.requirements["required_rate"]).min())

    @property
    def headline(self) -> str:
        """Rates, leverage, confidence and number of losses in one line."""
        return f"{self.table.headline}; {self.measure.replace('_', ' ')} {self.confidence:.4g} of {self.n_obs:,} losses"

    def summary(self) -> pd.DataFrame:
        """Return the table, one row a tier, with the required rate at the tier's cap."""
        table = self.table.summary()
        return table.assign(required_rate_at_cap=self.requirements["required_rate"].loc[table["cap"]].to_numpy())

    def to_frame(self) -> pd.DataFrame:
        """Return required rate, its interval and the table's rate, by notional."""
        return self.requirements


def design_tiers(
    path_losses: npt.ArrayLike,
    impact: Impact,
    *,
    bounds: Sequence[float],
    confidence: float,
    buffer: float,
    rounding: float | Literal["leverage"] = "leverage",
    measure: Measure = "value_at_risk",
    overlap: int = 1,
    interval_coverage: float = 0.90,
    rng: np.random.Generator | None = None,
    asset: str = "",
    currency: str = "USD",
    as_of: pd.Timestamp | None = None,
) -> TierDesign:
    """Return the lowest tier table whose maintenance margin covers path loss plus impact at every size.

    Parameters
    ----------
    path_losses : array, shape (n_obs,)
        Worst loss between the trigger and the end of the close-out, fractions of the notional, positive when money is
        lost; the side is the caller's.
    impact : callable
        Cost of closing out a notional (currency of the bounds), fraction of it: a float, or one a loss (shape
        (n_obs,)) when it moves with the market.
    bounds : sequence of float, shape (n_tiers + 1,)
        0, the floors of the tiers and the cap of the last, rising, finite.
    confidence : float
        That loss and impact do not exceed the margin, e.g. 0.99.
    buffer : float
        Initial less maintenance rate, fraction of the notional above 0: what the price may move before the trigger.
    rounding : float or "leverage"
        Rates are rounded up to this step (decimal), or by default to one over a whole number.
    measure : {"value_at_risk", "expected_shortfall"}
        Of loss plus impact.
    overlap : int
        Periods of the window of each loss when windows start every period: neighbours that overlap are no further
        evidence, and are resampled together.
    interval_coverage : float
        Of the interval of the required rate.
    rng : Generator, optional
        For the interval (circular block bootstrap, 500 samples); without it there is none.
    asset, currency, as_of
        Of the table.

    Returns
    -------
    TierDesign
        Its table covers the required rate at 12 sizes a tier, upper bounds among them.

    Raises
    ------
    ArgumentError
        For a bad confidence, buffer, rounding, measure or overlap, or too few losses for the confidence.
    DataError
        For losses or impacts that are missing, bounds that do not rise from 0, or a rate that would reach 1.

    Notes
    -----
    With R(N) the measure of loss + impact(N), tier k gets the least rate m_k >= m_{k-1} with
    MM(L_k) + m_k (N - L_k) >= N R(N) for all its N, rounded up; MM is continuous and convex by construction. A rate
    m_k = R(N_k) put into a table with deductions would not do: the deductions lower the margin below N R(N). Where
    N R(N) is convex (square-root impact) the upper bound of the tier decides.

    Examples
    --------
    >>> lost = np.abs(np.random.default_rng(1).standard_t(4, 5_000)) * 0.005
    >>> design = design_tiers(
    ...     lost, lambda N: 0.04 * (N / 1e9) ** 0.5, bounds=(0, 1e5, 1e6, 1e7), confidence=0.99, buffer=0.01
    ... )
    >>> [round(1 / m) for m in design.table.maintenance_rates], [round(x) for x in design.table.max_leverages]
    ([40, 38, 34], [28, 27, 25])
    """
    lost = _check_losses(path_losses)
    level = check_confidence(confidence)
    check_choice(measure, argument="measure", choices=_MEASURES)
    step = _check_rounding(rounding)
    slack = _check_buffer(buffer)
    check_count(overlap, argument="overlap")
    width = check_confidence(interval_coverage, argument="interval_coverage")
    edges = _check_bounds(bounds)
    require_tail(len(lost) // overlap, level)
    # No size of exactly zero: a rate has no meaning there.
    sizes = [np.geomspace(low or high / 100.0, high, _SIZES + 1)[1:] for low, high in pairwise(edges)]
    sizes = [np.r_[tier[:-1], high] for tier, high in zip(sizes, edges[1:], strict=True)]
    plain = _tail(lost, level, measure)
    costs = [[_cost(impact, N, len(lost)) for N in tier] for tier in sizes]
    # One cost for all losses moves their tail by itself.
    needed = [np.array([_tail(lost + c, level, measure) if c.ndim else plain + c for c in tier]) for tier in costs]
    rates = _lowest_rates(edges, sizes, needed, step)
    table = TierTable(
        asset=asset,
        floors=tuple(edges[:-1]),
        maintenance_rates=tuple(rates),
        initial_rates=tuple(min(_round_up(m + slack, step), 1.0) for m in rates),
        cap=edges[-1],
        currency=currency,
        as_of=as_of,
    )
    notionals, required = np.concatenate(sizes), np.concatenate(needed)
    low, high = _spread(lost, level, measure, overlap, width, rng)
    frame = pd.DataFrame(
        {
            "required_rate": required,
            "low": required + low,
            "high": required + high,
            "maintenance_rate": [table.maintenance_rate(N) for N in notionals],
        },
        index=pd.Index(notionals, name="notional"),
    )
    return TierDesign(
        table=table,
        requirements=freeze(frame),
        confidence=level,
        interval_coverage=width,
        measure=measure,
        buffer=slack,
        n_obs=len(lost),
        n_independent=len(lost) // overlap,
    )


def _lowest_rates(
    edges: Sequence[float], sizes: Sequence[Floats], needed: Sequence[Floats], step: float | None
) -> list[float]:
    rates: list[float] = []
    margin, before = 0.0, 0.0
    for floor, cap, N, R in zip(edges, edges[1:], sizes, needed, strict=False):
        m = _round_up(max(before, float(np.max((N * R - margin) / (N - floor)))), step)
        if not m < 1.0:
            raise DataError(
                "path_losses and impact", "must leave a maintenance rate below 1",
                f"{m:.4g} from {floor:g} to {cap:g}", "lower the cap or the confidence, or close out more slowly",
            )  # fmt: skip
        rates.append(m)
        margin, before = margin + m * (cap - floor), m
    return rates


def _round_up(rate: float, step: float | None) -> float:
    """Return the rate rounded up to one over a whole number, or to a step; a rate on the grid stays."""
    if rate <= 0.0:
        raise DataError(
            "path_losses and impact",
            "must need some margin",
            f"a rate of {rate:g}",
            "check the sign: losses are positive",
        )
    if step is None:
        return 1.0 / max(float(np.floor(1.0 / rate * (1.0 + 1e-12))), 1.0)
    return float(np.ceil(rate / step * (1.0 - 1e-12)) * step)


def _tail(lost: Floats, confidence: float, measure: Measure) -> float:
    at_risk, shortfall = tail_of_losses(lost, confidence=confidence)
    return float(at_risk if measure == "value_at_risk" else shortfall)


def _spread(
    lost: Floats, confidence: float, measure: Measure, overlap: int, width: float, rng: np.random.Generator | None
) -> tuple[float, float]:
    """Return how far below and above the measure of the path loss its interval reaches."""
    if rng is None:
        return float("nan"), float("nan")
    block = max(overlap, round(len(lost) ** (1 / 3)))
    samples = [
        _tail(lost[block_indices(len(lost), block=block, n_replications=1, rng=rng)[0]], confidence, measure)
        for _ in range(_REPLICATIONS)
    ]
    low, high = np.quantile(samples, [(1.0 - width) / 2.0, (1.0 + width) / 2.0]) - _tail(lost, confidence, measure)
    return float(low), float(high)


def _check_losses(path_losses: npt.ArrayLike) -> Floats:
    lost = check_floats(path_losses, argument="path_losses")
    if lost.ndim != 1 or not np.isfinite(lost).all():
        got = f"shape {lost.shape}, {int((~np.isfinite(lost)).sum())} missing or infinite"
        raise DataError("path_losses", "must be one row of finite numbers", got, "drop missing windows and count them")
    return lost


def _cost(impact: Impact, notional: float, n_obs: int) -> Floats:
    cost = np.asarray(impact(float(notional)), dtype=np.float64)
    if cost.shape not in ((), (n_obs,)) or not np.isfinite(cost).all() or (cost < 0.0).any():
        got = f"shape {cost.shape} at a notional of {notional:g}" if cost.ndim else f"{cost} at {notional:g}"
        raise DataError("impact", "must be a finite fraction of at least 0, one or one a loss", got, "check its unit")
    return cost


def _check_bounds(bounds: Sequence[float]) -> list[float]:
    edges = [real_number(b, argument="bounds") for b in bounds]
    if len(edges) < 2 or edges[0] != 0.0 or not np.isfinite(edges).all() or not (np.diff(edges) > 0.0).all():
        got = ", ".join(f"{b:g}" for b in edges) or "none"
        raise DataError("bounds", "must be finite and rise from 0 to the cap", got, "pass for example (0, 1e5, 1e6)")
    return edges


def _check_rounding(rounding: float | str) -> float | None:
    if rounding == "leverage":
        return None
    if not isinstance(rounding, (int, float)) or not 0.0 < rounding < 1.0:
        raise ArgumentError("rounding", "must be leverage or a step below 1", repr(rounding), "pass for example 0.0005")
    return float(rounding)


def _check_buffer(buffer: float) -> float:
    value = real_number(buffer, argument="buffer")
    if not 0.0 < value < 1.0:
        remedy = f"pass a decimal: buffer={value / 100:g}" if 1.0 <= value < 100.0 else "pass a decimal such as 0.005"
        raise ArgumentError("buffer", "must be a fraction above 0 and below 1", f"{buffer!r}", remedy)
    return value
