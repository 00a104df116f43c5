"""The dashboard's figures: drawings of `volkit.report` with the words for those who cannot see them."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from volkit.conventions import SIDES, spoken_periods
from volkit.correlation import CorrelationEstimate
from volkit.desk.dashboard.comparison import beaten_by, nearest
from volkit.desk.dashboard.crises import worst_days
from volkit.desk.dashboard.words import stem, two_digits
from volkit.formatting import percent_to
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
from volkit.report.style import is_narrow, set_label

__all__ = ["correlation_figure", "draw", "draw_svg", "frontier_figure", "schedule_figure", "stress_figure"]

# Names of policies stand one below another where there are no points: cheap ones are exceeded often, dear ones seldom.
_LABEL_HEIGHTS = (0.88, 0.77, 0.66)


def schedule_figure(schedule: MarginSchedule) -> FigureSpec:
    """Return the drawing of the margins against the losses."""
    done = schedule.frame[schedule.frame["loss_long"].notna()]
    counts = {s: int((done[f"loss_{s}"] > done[f"maintenance_margin_{s}"]).sum()) for s in SIDES}
    words = " and ".join(f"{counts[s]} {s}" for s in SIDES)
    low, high = (done["maintenance_margin_long"].agg(what) for what in ("min", "max"))
    span = f"{done.index[0].date()} to {done.index[-1].date()}"
    horizon = schedule.policy.margin_period_of_risk
    overlap = "" if horizon == 1 else (
        f"Losses over {spoken_periods(horizon)} overlap, so one fall counts several times here; the tests take one "
        f"period in {horizon}. "
    )  # fmt: skip
    return FigureSpec(
        name=f"margins_{stem(schedule.asset)}",
        draw=lambda ax: plot_margin_schedule(schedule, ax=ax),
        alt=(
            f"Losses of {schedule.asset} from {span}, long upward and short downward, with the maintenance and initial "
            f"margins held against them. {words} losses lie above the maintenance margin and are marked. The long "
            f"maintenance margin lies between {percent_to(low)} and {percent_to(high)}."
        ),
        caption=(
            f"{words} losses above the maintenance margin in {len(done):,} periods, {span}. {overlap}"
            f"The long maintenance margin moved between {percent_to(low)} and {percent_to(high)}. "
            f"Source: {_source(schedule)}."
        ),
        height_ratio=0.5,
        narrow_height_ratio=0.95,
    )


def stress_figure(replay: StressReplay) -> FigureSpec:
    """Return the drawing of the worst loss of each window against its margin."""
    worst = worst_days(replay)
    beyond = worst[worst["excess"] > 0.0]
    parts = [
        f"{window}, {side}: loss {percent_to(row['loss'])} against a margin of {percent_to(row['margin'])}"
        for (window, side), row in worst.sort_values("excess", ascending=False).head(4).iterrows()
    ]
    caption = (
        f"{len(beyond)} of {len(worst)} positions (a window and a side each) lost more than their margin over one "
        "margin period of risk."
        if len(beyond)
        else f"Each of {len(worst)} positions (a window and a side each) was covered."
    )
    return FigureSpec(
        name=f"stress_{stem(replay.asset)}",
        draw=lambda ax: plot_stress_replay(replay, ax=ax),
        alt=f"{replay.asset} in each stress window, the loss least covered beside its margin. {'; '.join(parts)}.",
        caption=f"{caption} Dates of the windows are fixed; every magnitude is computed from the prices.",
        height_ratio=0.24 + 0.05 * (len(worst) // 2),
        narrow_height_ratio=0.55 + 0.13 * (len(worst) // 2),
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
        caption=_dated(estimate),
        height_ratio=0.42,
        narrow_height_ratio=0.85,
    )


def frontier_figure(frontier: PolicyFrontier, current: str) -> FigureSpec:
    """Return the drawing of what each policy costs against how often its worse side was exceeded.

    Parameters
    ----------
    frontier : PolicyFrontier
        From `worse_side`.
    current : str
        Name of the chosen policy.
    """
    row = frontier.table.loc[current]
    rivals = dict.fromkeys(name for name in (*beaten_by(frontier, current)[:1], nearest(frontier, current)) if name)

    def draw_named(ax: Any) -> None:
        plot_frontier(frontier, chosen=current, ax=ax)
        # One line on a phone: the key stands where a second one would.
        wide = "losses above the margin on the worse side (per cent, left is safer)"
        set_label(ax, "losses above, worse side (left is safer)" if is_narrow(ax) else wide)
        _name_points(ax, frontier.table, (current, *rivals))

    return FigureSpec(
        name=f"frontier_{stem(frontier.assets[0])}",
        draw=draw_named,
        alt=(
            f"{len(frontier.table)} margin policies for {frontier.assets[0]}: mean maintenance margin against the "
            f"share of losses above it on the worse side. The chosen one, {current}, has {percent_to(row['cost'])} and "
            f"{format_value(row['exceedance'], kind='percent')}; named beside it: {' and '.join(rivals) or 'none'}. "
            f"{len(frontier.efficient)} policies are not beaten."
        ),
        caption=(
            f"{len(frontier.efficient)} of {len(frontier.table)} policies are not beaten in exceptions of the worse "
            f"side, cost and peak-to-trough at once. Diamond: the chosen one. Source: {_source(frontier)}."
        ),
        height_ratio=0.52,
        narrow_height_ratio=1.0,
    )


def draw(spec: FigureSpec, *, simulated: bool) -> FigureFiles:
    """Return a figure as drawn, for the page."""
    with tempfile.TemporaryDirectory() as folder:
        return save_figure(spec, Path(folder), simulated=simulated, formats=("png",))


def draw_svg(spec: FigureSpec, *, simulated: bool) -> bytes:
    """Return the bytes of a figure's SVG, for a file."""
    with tempfile.TemporaryDirectory() as folder:
        return save_figure(spec, Path(folder), simulated=simulated, formats=("svg",)).svg_path.read_bytes()


def _name_points(ax: Any, table: pd.DataFrame, names: tuple[str, ...]) -> None:
    # A phone's figure has room for the chosen one's name alone. By cost, so that the lines to the points do not cross.
    shown = table.loc[list(names[:1] if is_narrow(ax) else names)].sort_values("cost", ascending=False)
    line = {"arrowstyle": "-", "color": "#3A3A3A", "linewidth": 0.7, "relpos": (0.0, 0.5), "shrinkA": 0.0}
    for (name, row), height in zip(shown.iterrows(), _LABEL_HEIGHTS, strict=False):
        ax.annotate(
            str(name),
            (float(row["exceedance"]), float(row["cost"])),
            xytext=(0.42, height),
            textcoords="axes fraction",
            va="center",
            fontsize="small",
            weight="bold" if name == names[0] else "normal",
            zorder=8,
            arrowprops=line,
        )


def _dated(estimate: CorrelationEstimate) -> str:
    """The caption of a correlation, with its last word explained."""
    code = estimate.provenance.sha256[:8]
    words = f". Fingerprint of the prices (start of their SHA-256): {code}."
    return correlation_caption(estimate).replace(f"; data {code}.", words)


def _source(result: MarginSchedule | PolicyFrontier) -> str:
    names = dict.fromkeys(series.source for series in result.provenance.series)
    return f"{', '.join(names) or 'not named'}, to {result.as_of.date()}"
