"""From events on their rows to a study: matching, measures, intervals and p-values by kind of event."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from volkit.checks import check_confidence, check_count, check_times
from volkit.correlation.macro.event_results import MEASURE_COLUMNS, EventStudy
from volkit.correlation.macro.event_tests import (
    EventValues,
    bootstrap_errors,
    error_freedom,
    measure,
    permutation_p_values,
)
from volkit.correlation.macro.matching import Matched, match_rows, require_events, volatility_before, volatility_states
from volkit.correlation.macro.placing import PlacedEvents, bar_closes, check_events, place_events, require_kinds
from volkit.errors import DataError
from volkit.prices.synchrony import Synchrony
from volkit.results import Provenance, freeze
from volkit.validation.multiplicity import holm

__all__ = ["EventDesign", "event_design", "study_design"]

# Length of the blocks of time that the bootstrap draws: volatility clusters last about as long.
_BLOCK = pd.Timedelta(days=30)
# Rows that a stratum of the baseline needs.
_LEAST_CONTROLS = 5
# Blocks that must hold an event: fewer say nothing of an error.
_LEAST_BLOCKS = 4
# Places of the measures that are not simple differences, and of the move among the columns.
_RATIO, _MOVE, _CORRELATION = 1, 2, 3


@dataclass(frozen=True, eq=False, slots=True)
class EventDesign:
    """What both studies share: values by row, events on their rows, and the choices.

    Attributes
    ----------
    index : DatetimeIndex, shape (n_rows,)
        Labels, UTC.
    values : EventValues
        What is measured.
    shown : ndarray, shape (n_rows,)
        What the user passed, in its unit.
    placed : PlacedEvents
        All events.
    kinds : list of str
        Kinds to study.
    window, n_states, half_life, confidence, n_boot, rng
        As in `event_study`.
    """

    index: pd.DatetimeIndex
    values: EventValues
    shown: np.ndarray
    placed: PlacedEvents
    kinds: list[str]
    window: tuple[int, int]
    n_states: int
    half_life: float
    confidence: float
    n_boot: int
    rng: np.random.Generator

    @property
    def usable(self) -> np.ndarray:
        """Rows whose whole window has values, shape (n_rows,)."""
        pair = [] if self.values.y is None else [self.values.y]
        known = np.asarray(np.isfinite(np.stack([self.values.square, *pair])).all(axis=0))
        first, last = self.window
        whole = np.zeros(len(self.index), dtype=bool)
        spans = np.asarray(np.lib.stride_tricks.sliding_window_view(known, last - first + 1).all(axis=1))
        whole[-first : -first + len(spans)] = spans
        return whole

    @property
    def blocks(self) -> np.ndarray:
        """Stretch of 30 days that each row lies in, shape (n_rows,)."""
        return np.asarray((self.index - self.index[0]) // _BLOCK)

    def before(self, values: np.ndarray) -> np.ndarray:
        """Return the volatility before each row's window, shape (n_rows,), in the unit of the values."""
        return volatility_before(values, half_life=self.half_life, lead=-self.window[0])


def event_design(
    values: EventValues,
    shown: np.ndarray,
    index: pd.DatetimeIndex,
    events: pd.DataFrame,
    *,
    close_times: pd.Series | None,
    kinds: Sequence[str] | None,
    window: tuple[int, int],
    n_states: int,
    half_life: float,
    confidence: float,
    n_boot: int,
    rng: np.random.Generator,
) -> EventDesign:
    """Return the checked design of a study; parameters as in `event_study.event_study`.

    Raises
    ------
    ArgumentError, DataError
        As there.
    """
    labels = check_times(index, argument="changes")
    dated = check_events(events)
    placed = place_events(dated, labels, bar_closes(labels, close_times), window=window)
    return EventDesign(
        index=labels,
        values=values,
        shown=shown,
        placed=placed,
        kinds=require_kinds(placed, kinds),
        window=window,
        n_states=check_count(n_states, argument="n_states", unit="states"),
        half_life=half_life,
        confidence=check_confidence(confidence),
        n_boot=check_count(n_boot, argument="n_boot", minimum=99, unit="draws"),
        rng=rng,
    )


def study_design(
    design: EventDesign, names: tuple[str, str], synchrony: Synchrony | None, provenance: Provenance | None
) -> EventStudy:
    """Return the study of a design, with the names of the asset and of the other series.

    Raises
    ------
    DataError
        For a kind with fewer than 8 usable events, with events in fewer than 4 stretches of 30 days, or with one value
        on all their rows.

    Warns
    -----
    SmallSampleWarning
        For a kind with fewer than 20.
    """
    placed = design.placed
    before = design.before(np.sqrt(design.values.square))
    other_before = before if design.values.y is None else design.before(design.values.y)
    usable = design.usable
    known = np.where(np.isfinite(other_before), before, np.nan)
    states = volatility_states(known, n_states=design.n_states, usable=usable)
    even = design.values.over(before, other_before)
    tables, profiles, counts, used, excluded = {}, {}, {}, [], []
    for kind in design.kinds:
        matched, reasons = match_rows(
            placed,
            kind,
            index=design.index,
            usable=usable,
            states=states,
            window=design.window,
            minimum_controls=_LEAST_CONTROLS,
        )
        mine = placed.kinds == kind
        sample = require_events(placed, kind, matched, reasons)
        _require_blocks(design, kind, sample)
        tables[kind], profiles[kind] = _measured(design, even, sample), _profile(design, sample)
        given, left = int(mine.sum()), mine & (reasons != "")
        overlapping = sum(reason.startswith("overlaps") for reason in reasons[left])
        counts[kind] = {"given": given, "used": given - int(left.sum()), "overlapping": overlapping}
        counts[kind] |= {"left_out": int(left.sum()), "controls": len(sample.controls)}
        excluded.append(pd.DataFrame({"kind": kind, "time": placed.times[left], "reason": reasons[left]}))
        rows = placed.rows[mine & (reasons == "")]
        held = {"time": placed.times[mine & (reasons == "")], "row": design.index[rows], "value": design.shown[rows]}
        used.append(pd.DataFrame({"kind": kind, **held}))
    table = pd.concat(tables, names=["kind", "measure"])
    adjusted = table["p_value"].groupby(level="measure").transform(lambda p: holm(p.to_numpy()))
    return EventStudy(
        asset=names[0],
        other=names[1],
        table=freeze(table.assign(adjusted_p_value=adjusted)[MEASURE_COLUMNS]),
        counts=freeze(pd.DataFrame(counts).T.rename_axis("kind")),
        profile=freeze(pd.concat(profiles, names=["kind", "offset"])),
        used=freeze(pd.concat(used, ignore_index=True)),
        excluded=freeze(pd.concat(excluded, ignore_index=True)),
        method=f"matched on weekday and {design.n_states} volatility states, block bootstrap and permutation",
        window=design.window,
        confidence=design.confidence,
        n_boot=design.n_boot,
        n_obs=int(np.isfinite(design.values.square).sum()),
        n_missing=int((~np.isfinite(design.values.square)).sum()),
        as_of=design.index[-1],
        synchrony=synchrony,
        provenance=provenance or Provenance(()),
    )


def _measured(design: EventDesign, even: EventValues, sample: Matched) -> pd.DataFrame:
    events, controls = (design.values.columns(rows, 0) for rows in (sample.events, sample.controls))
    found = measure(events.mean(axis=0), sample.weights @ controls)
    error, half = _error_and_half_width(design, sample, events, controls)
    effect, lower, upper = found.contrast.copy(), found.contrast - half, found.contrast + half
    for ends in (effect, lower, upper):
        ends[_RATIO] = np.exp(ends[_RATIO])
    if len(effect) > _CORRELATION:
        # The slope of tanh between the two correlations turns a difference of atanh into one of correlations.
        i = _CORRELATION
        slope = (found.event[i] - found.baseline[i]) / effect[i] if effect[i] else 1.0 - found.event[i] ** 2
        effect[i], lower[i], upper[i] = (slope * ends[i] for ends in (effect, lower, upper))
    events, controls = (even.columns(rows, 0) for rows in (sample.events, sample.controls))
    p = permutation_p_values(events, controls, sample, n_permutations=design.n_boot, rng=design.rng)
    columns = (found.event, found.baseline, effect, lower, upper, error, found.contrast / error, p)
    index = pd.Index(design.values.names, name="measure")
    return pd.DataFrame(dict(zip(MEASURE_COLUMNS[:-1], columns, strict=True)), index=index)


def _require_blocks(design: EventDesign, kind: str, sample: Matched) -> None:
    held = len(np.unique(design.blocks[sample.events]))
    if held < _LEAST_BLOCKS:
        requirement = f"must lie in at least {_LEAST_BLOCKS} stretches of {_BLOCK.days} days"
        remedy = "pass a longer history, or more kinds of events under one name"
        raise DataError("events", requirement, f"{len(sample.events)} {kind} in {held}", remedy)


def _profile(design: EventDesign, sample: Matched) -> pd.DataFrame:
    rows, sums = {}, [np.zeros(len(at)) for at in (sample.events, sample.controls)]
    for offset in range(design.window[0], design.window[1] + 1):
        events, controls = (
            design.values.columns(at, offset)[:, :_CORRELATION] for at in (sample.events, sample.controls)
        )
        found = measure(events.mean(axis=0), sample.weights @ controls)
        half = _error_and_half_width(design, sample, events, controls)[1]
        log_ratio, width = found.contrast[_RATIO], half[_RATIO]
        ends = {"lower": np.exp(log_ratio - width), "upper": np.exp(log_ratio + width)}
        row = {"event": found.event[_RATIO], "baseline": found.baseline[_RATIO], "ratio": np.exp(log_ratio), **ends}
        if events.shape[1] > _MOVE:
            row |= _limits("abnormal", found.contrast[_MOVE], half[_MOVE])
            sums = [total + side[:, _MOVE] for total, side in zip(sums, (events, controls), strict=True)]
            events, controls = (
                np.column_stack([side[:, :_MOVE], total]) for side, total in zip((events, controls), sums, strict=True)
            )
            half = _error_and_half_width(design, sample, events, controls)[1]
            row |= _limits("cumulative", float(sums[0].mean() - sample.weights @ sums[1]), half[_MOVE])
        rows[offset] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("offset")


def _limits(name: str, value: float, half: float) -> dict[str, float]:
    return {name: value, f"{name}_lower": value - half, f"{name}_upper": value + half}


def _error_and_half_width(
    design: EventDesign, sample: Matched, events: np.ndarray, controls: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the standard error of each contrast and half the width of its interval, each of shape (n_measures,)."""
    if (np.ptp(events, axis=0) == 0.0).any():
        got, remedy = f"{len(events)} rows with one value", "check that the market was open, or pass other events"
        raise DataError("events", "must fall on, or beside, rows whose values differ", got, remedy)
    drawn = (design.blocks[sample.events], design.blocks[sample.controls])
    errors = bootstrap_errors(events, controls, sample, drawn, n_boot=design.n_boot, rng=design.rng)
    freedom = error_freedom(events, len(np.unique(drawn[0])))
    return errors, np.asarray(stats.t.ppf(0.5 * (1.0 + design.confidence), freedom) * errors)
