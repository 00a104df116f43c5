"""A history of scores through an online calibrator: what it charged, what it promised, and what came of it."""

from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

from volkit.checks import check_floats, check_kind, check_series, check_times
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.kernels import load_kernels
from volkit.margin.procyclicality import ProcyclicalityMetrics, procyclicality_metrics
from volkit.realtime.online.calibrator import KERNELS, OnlineCalibrator
from volkit.realtime.online.coverage import ALL, LocalGap, coverage_by_group, full_years, local_gap
from volkit.realtime.online.guarantee import Guarantee
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["OnlineCalibration", "calibrate_online"]

AnyCalibrator = TypeVar("AnyCalibrator", bound=OnlineCalibrator)
# Periods over which the multiplier's rises are taken; those that fit in the history are used.
_HORIZONS = (1, 5, 20)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OnlineCalibration(ResultDisplay, Generic[AnyCalibrator]):
    """Multipliers of a calibrator along a history of scores, each known before its score.

    Attributes
    ----------
    path : DataFrame, shape (n, 3) or (n, 4)
        By time: `score` (loss over the model's margin), `multiplier` in force, `exceeded` (1, 0; NaN without a score),
        and `level` (probability) for rules on levels.
    coverage : DataFrame
        Exceedance rates overall and by group beside the target; see `coverage_by_group`.
    gap : LocalGap
        Windows in which the rate lay farthest from its target.
    guarantee : Guarantee
        What held for any scores in the range that was seen, up to `largest`, given before the first.
    procyclicality : ProcyclicalityMetrics or None
        Peak to trough and rises of the multiplier; None where it reached zero.
    n_obs, n_skipped, n_above_largest : int
        Scores taken, missing ones, and exceedances above the largest multiplier, which no bound covers.
    confidence : float
        Coverage aimed at.
    calibrator : OnlineCalibrator
        With its state after the last score, to go on with.
    spec : str
        The calibrator as it started, in words.
    as_of : Timestamp
        Label of the last score (UTC).
    provenance : Provenance
        Of the scores.
    """

    path: pd.DataFrame
    coverage: pd.DataFrame
    gap: LocalGap
    guarantee: Guarantee
    procyclicality: ProcyclicalityMetrics | None
    n_obs: int
    n_skipped: int
    n_above_largest: int
    confidence: float
    calibrator: AnyCalibrator
    spec: str
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def multipliers(self) -> pd.Series:
        """Multiplier that each score met."""
        return self.path["multiplier"]

    @property
    def exceeded(self) -> pd.Series:
        """1 where the score was above the multiplier, 0 where not, NaN without a score."""
        return self.path["exceeded"]

    @property
    def n_exceedances(self) -> int:
        """Scores above their multiplier."""
        return int(self.coverage.loc[ALL, "exceedances"])

    @property
    def rate(self) -> float:
        """Realised exceedance rate, decimal."""
        return self.n_exceedances / self.n_obs

    @property
    def largest_rate(self) -> float:
        """Largest rate that the guarantee leaves, with the scores above `largest` on top; decimal, at most 1."""
        return min(self.guarantee.largest_rate + self.n_above_largest / self.n_obs, 1.0)

    @property
    def headline(self) -> str:
        """Rate, target and multiplier in one line."""
        now = self.calibrator.multiplier
        return (
            f"{type(self.calibrator).__name__}, {self.n_exceedances} exceedances in {self.n_obs:,} scores "
            f"({percent_to(self.rate, 2)}, target {percent_to(1.0 - self.confidence, 2)}), multiplier now {now:.3g}"
        )

    def summary(self) -> pd.DataFrame:
        """Return rate, interval, tests, gaps, multiplier and guarantee, one row each, in words and decimals."""
        overall, target = self.coverage.loc[ALL], 1.0 - self.confidence
        multiplier = self.multipliers
        rows = {
            "exceedance rate (decimal)": (self.rate, target),
            "its exact 95 % interval (decimal)": (f"{overall['lower']:.4f} to {overall['upper']:.4f}", target),
            "exceedances (count)": (self.n_exceedances, f"at most {overall['allowed']:.0f}"),
            "p-value, too many": (overall["p_above"], None),
            "p-value, too few": (overall["p_below"], None),
            f"largest excess over {self.gap.window} scores (decimal)": (self.gap.above, None),
            f"largest shortfall over {self.gap.window} scores (decimal)": (self.gap.below, None),
            "multiplier, mean": (multiplier.mean(), None),
            "multiplier, largest": (multiplier.max(), None),
            "scores missing (count)": (self.n_skipped, None),
            "scores above the largest multiplier (count)": (self.n_above_largest, None),
            "guarantee": (self.guarantee.words, None),
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "target"])

    def to_frame(self) -> pd.DataFrame:
        """Return the path by time."""
        return self.path


def calibrate_online(
    scores: pd.Series,
    calibrator: AnyCalibrator,
    *,
    groups: pd.Series | None = None,
    window: int = 500,
    provenance: Provenance | None = None,
) -> OnlineCalibration[AnyCalibrator]:
    """Return the multipliers of a calibrator along scores, with coverage, worst window and guarantee.

    Parameters
    ----------
    scores : Series, shape (n,)
        Loss over the model's margin (no unit) by time (UTC), losses positive; NaN where there is none.
    calibrator : OnlineCalibrator
        Taken on from its present state and left as it is; the result holds the one that went through the scores.
    groups : Series, shape (n,), optional
        A regime for each score; by default the full calendar years (UTC).
    window : int
        Scores of the windows in which the rate is looked at.
    provenance : Provenance, optional
        Of the scores.

    Returns
    -------
    OnlineCalibration
        The same bits as `update`, score by score.

    Raises
    ------
    DataError
        For a bad index, infinite scores, none at all, or groups on another index.

    Examples
    --------
    >>> from volkit.realtime.online import QuantileTracker
    >>> times = pd.date_range("2024-01-01", periods=2000, freq="8h", tz="UTC")
    >>> simulated = pd.Series(np.random.default_rng(1).standard_t(4, 2000) / 3.0, index=times)
    >>> calibrate_online(simulated, QuantileTracker(confidence=0.99))
    <OnlineCalibration: QuantileTracker, 21 exceedances in 2,000 scores (1.05 %, target 1.00 %), multiplier now 1.46>
    """
    check_kind(calibrator, OnlineCalibrator, argument="calibrator", remedy="pass one, e.g. QuantileTracker(...)")
    index = check_times(check_series(scores, argument="scores").index, argument="scores")
    values = np.ascontiguousarray(check_floats(scores, argument="scores"))
    known = values[~np.isnan(values)]
    if not len(known) or not np.isfinite(known).all():
        got = f"{int(np.isinf(known).sum())} infinite of {len(values)}, first where the model's margin was zero"
        got = got if len(known) else f"{len(values)} missing of {len(values)}"
        raise DataError("scores", "must be finite or missing, not all missing", got, "look at the model's margin")
    if groups is not None and not groups.index.equals(scores.index):
        raise DataError("groups", "must have the index of the scores", "another", "pass groups.reindex(scores.index)")
    labels = full_years(index) if groups is None else groups.set_axis(index)
    after = calibrator.copy()
    path = _path(values, index, after)
    k = load_kernels(KERNELS)
    gone = after._head - calibrator._head
    seen = (min(float(known.min()), calibrator.largest), min(float(known.max()), calibrator.largest))
    is_positive = bool((path["multiplier"] > 0.0).all())
    return OnlineCalibration(
        path=freeze(path),
        coverage=freeze(coverage_by_group(path["exceeded"], labels, confidence=after.confidence)),
        gap=local_gap(path["exceeded"], confidence=after.confidence, window=window),
        guarantee=calibrator.guarantee(len(known), scores_within=seen),
        procyclicality=_procyclicality(path["multiplier"].to_numpy()) if is_positive else None,
        n_obs=len(known),
        n_skipped=int(gone[k.SKIPPED]),
        n_above_largest=int(gone[k.ABOVE]),
        confidence=after.confidence,
        calibrator=after,
        spec=_spec_words(calibrator),
        as_of=index[-1],
        provenance=Provenance(()) if provenance is None else provenance,
    )


def _path(values: np.ndarray, index: pd.DatetimeIndex, after: OnlineCalibrator) -> pd.DataFrame:
    """Run the scores through the calibrator's own kernel, which moves its state."""
    run = getattr(load_kernels(KERNELS), f"{after.kernel}_run")
    arrays = (after._settings, after._curve, after._head, after._experts, after._history)
    out, levels = np.empty(len(values)), np.empty(len(values))
    run(*arrays, values, out, *((levels,) if after.kernel == "level" else ()))
    exceeded = np.where(np.isnan(values), np.nan, (values > out).astype(np.float64))
    columns = {"score": values, "multiplier": out, "exceeded": exceeded}
    return pd.DataFrame(columns | ({"level": levels} if after.kernel == "level" else {}), index=index)


def _procyclicality(multipliers: np.ndarray) -> ProcyclicalityMetrics | None:
    horizons = [n for n in _HORIZONS if n < len(multipliers)]
    return procyclicality_metrics(multipliers, horizons=horizons) if horizons else None


def _spec_words(calibrator: OnlineCalibrator) -> str:
    plain = {f.name: getattr(calibrator, f.name) for f in fields(calibrator) if f.init}
    words = {name: value for name, value in plain.items() if isinstance(value, (bool, int, float, str, tuple))}
    words |= {name: "given" for name in plain.keys() & {"curve", "past_scores"} if plain[name] is not None}
    return f"{type(calibrator).__name__}({', '.join(f'{name}={value!r}' for name, value in words.items())})"
