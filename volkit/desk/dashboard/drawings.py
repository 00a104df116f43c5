"""The dashboard's figures: drawings of `volkit.report` with the words for those who cannot see them."""

import tempfile
from pathlib import Path

from volkit.conventions import SIDES
from volkit.correlation import CorrelationEstimate
from volkit.desk.dashboard.words import percent, stem, two_digits
from volkit.margin import MarginSchedule
from volkit.margin.bridge import StressReplay
from volkit.margin.frontier import PolicyFrontier
from volkit.report import (
    FigureFiles,
    FigureSpec,
    correlation_caption,
    format_value,
    plot_frontier,
    plot_margin_schedule,
    plot_rolling_correlation,
    plot_stress_replay,
    save_figure,
)

__all__ = ["correlation_figure", "draw", "frontier_figure", "schedule_figure", "stress_figure"]


def schedule_figure(schedule: MarginSchedule) -> FigureSpec:
    """Return the drawing of the margins against the losses."""
    done = schedule.frame[schedule.frame["loss_long"].notna()]
    counts = {s: int((done[f"loss_{s}"] > done[f"maintenance_margin_{s}"]).sum()) for s in SIDES}
    words = " and ".join(f"{counts[s]} {s}" for s in SIDES)
    low, high = (done["maintenance_margin_long"].agg(what) for what in ("min", "max"))
    span = f"{done.index[0].date()} to {done.index[-1].date()}"
    return FigureSpec(
        name=f"margins_{stem(schedule.asset)}",
        draw=lambda ax: plot_margin_schedule(schedule, ax=ax),
        alt=(
            f"Losses of {schedule.asset} from {span}, long upward and short downward, with the maintenance and initial "
            f"margins held against them. {words} losses lie above the maintenance margin and are marked. The long "
            f"maintenance margin lies between {percent(low)} and {percent(high)}."
        ),
        caption=(
            f"{words} losses above the maintenance margin in {len(done):,} periods, {span}. "
            f"The long maintenance margin moved between {percent(low)} and {percent(high)}. "
            f"Source: {_source(schedule)}."
        ),
        height_ratio=0.5,
        narrow_height_ratio=0.95,
    )


def stress_figure(replay: StressReplay) -> FigureSpec:
    """Return the drawing of the worst loss of each window against its margin."""
    table = replay.table
    beyond = table[table["worst_excess"] > 0.0]
    parts = [
        f"{window}, {side}: worst loss {percent(row['worst_loss'])} against {percent(row['margin_at_worst'])}"
        for (window, side), row in table.sort_values("worst_excess", ascending=False).head(4).iterrows()
    ]
    caption = (
        f"{len(beyond)} of {len(table)} positions lost more than their margin over one margin period of risk."
        if len(beyond)
        else f"Each of {len(table)} positions was covered."
    )
    return FigureSpec(
        name=f"stress_{stem(replay.asset)}",
        draw=lambda ax: plot_stress_replay(replay, ax=ax),
        alt=f"Worst loss of {replay.asset} in each stress window beside the margin held. {'; '.join(parts)}.",
        caption=f"{caption} Dates of the windows are fixed; every magnitude is computed from the prices.",
        height_ratio=0.24 + 0.05 * (len(table) // 2),
        narrow_height_ratio=0.55 + 0.13 * (len(table) // 2),
    )


def correlation_figure(estimate: CorrelationEstimate) -> FigureSpec:
    """Return the drawing of the rolling correlation with its band."""
    path = estimate.path.dropna(subset=["correlation"])
    pair = " and ".join(estimate.pair)
    low, high = path["correlation"].idxmin(), path["correlation"].idxmax()
    last = path.iloc[-1]
    return FigureSpec(
        name=f"correlation_{'_'.join(map(stem, estimate.pair))}",
        draw=lambda ax: plot_rolling_correlation(estimate, ax=ax),
        alt=(
            f"Correlation of {pair} in windows of 90 periods with a shaded band, {path.index[0].date()} to "
            f"{path.index[-1].date()}: lowest {two_digits(path.loc[low, 'correlation'])} at {low.date()}, highest "
            f"{two_digits(path.loc[high, 'correlation'])} at {high.date()}, last {two_digits(last['correlation'])} "
            f"({two_digits(last['lower'])} to {two_digits(last['upper'])})."
        ),
        caption=correlation_caption(estimate),
        height_ratio=0.42,
        narrow_height_ratio=0.85,
    )


def frontier_figure(frontier: PolicyFrontier, current: str) -> FigureSpec:
    """Return the drawing of what each policy costs against how often it was exceeded."""
    row = frontier.table.loc[current]
    return FigureSpec(
        name=f"frontier_{stem(frontier.assets[0])}",
        draw=lambda ax: plot_frontier(frontier, current=current, ax=ax),
        alt=(
            f"{len(frontier.table)} margin policies for {frontier.assets[0]}: mean maintenance margin against the "
            f"share of losses above it. The chosen one, {current}, has {percent(row['cost'])} and "
            f"{format_value(row['exceedance'], kind='percent')}; {len(frontier.efficient)} policies are not dominated."
        ),
        caption=(
            f"{len(frontier.efficient)} of {len(frontier.table)} policies are not beaten in exceptions, cost and "
            f"peak-to-trough at once. Square: the chosen one. Source: {_source(frontier)}."
        ),
        height_ratio=0.52,
        narrow_height_ratio=1.0,
    )


def draw(spec: FigureSpec, *, simulated: bool) -> tuple[FigureFiles, bytes]:
    """Return a figure as drawn, and the bytes of its SVG."""
    with tempfile.TemporaryDirectory() as folder:
        figure = save_figure(spec, Path(folder), simulated=simulated)
        return figure, figure.svg_path.read_bytes()


def _source(result: MarginSchedule | PolicyFrontier) -> str:
    names = dict.fromkeys(series.source for series in result.provenance.series)
    return f"{', '.join(names) or 'not named'}, to {result.as_of.date()}"
