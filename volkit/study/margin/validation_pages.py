"""The report's section on exceptions by regime and side, and on what the stress windows did."""

from itertools import pairwise

import numpy as np
import pandas as pd

from volkit.formatting import percent_to
from volkit.report import (
    Block,
    ColumnKind,
    FigureSpec,
    Section,
    TextBlock,
    plot_exception_cells,
    plot_stress_replay,
)
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.words import dated
from volkit.study.run import StudyRun
from volkit.validation import CoverageBattery

__all__ = ["regime_section", "replay_section"]

_READING = (
    "A margin may have the right number of exceptions over all days and still too many on the days that count. Each "
    "cell is one asset, one side and one regime; an exception is a loss strictly above the maintenance margin. The "
    "verdict is that of Kupiec's test with its exact binomial law, adjusted by Holm over all cells: too many "
    "exceptions would mean that margins are too low, too few that they are dearer than promised. Where a cell has no "
    "exception, tests of their spacing have nothing to work on; they are undefined and no pass.",
)
_REPLAY = (
    "The recommended policy as it would have stood through dated stress windows, with the prices at hand: the worst "
    "loss over a margin period of risk beside the margin that stood before it, and the calls on an account that opened "
    "with the initial margin and met every call.",
)
_WRITTEN = ("n_obs", "n_exceptions", "expected", "exception_rate", "accept_from", "accept_to", "zone", "verdict")
_CELLS = ["instrument", "side", "regime", "n_obs", "n_exceptions", "exception_rate", "accept_from", "accept_to",
          "verdict", "Christoffersen (p, Holm)"]  # fmt: skip
_WINDOWS = ["asset", "window", "side", "price_move", "worst_loss", "margin_at_worst", "worst_excess", "exceptions",
            "calls", "call_total"]  # fmt: skip
_KINDS: dict[str, ColumnKind] = {"exception_rate": "percent", "expected": "number"}
_TESTS = {"kupiec": "Kupiec", "independence": "independence", "conditional_coverage": "Christoffersen"}
_REPLAY_KINDS: dict[str, ColumnKind] = dict.fromkeys(
    ("price_move", "profit_and_loss", "worst_loss", "margin_at_worst", "worst_excess", "margin_at_start",
     "peak_margin", "margin_rise", "call_total", "largest_call", "lowest_equity"),
    "percent",
)  # fmt: skip


def regime_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on exceptions by regime, or None where the study did not ask for it."""
    batteries = run.margin.batteries
    if not batteries:
        return None
    blocks: list[Block] = [TextBlock((*_READING, _cutoff_words(run)))]
    for number, battery in enumerate(batteries):
        name = "exception_cells" + (f"_{number + 1}" if number else "")
        if battery.horizon == 1:
            blocks.append(files.figure(_cells_figure(name, battery, run.spec.margin.regimes.names)))
        cells = _in_order(battery.cells[list(_WRITTEN)].join(_adjusted(battery)).reset_index(), run)
        kinds: dict[str, ColumnKind] = {
            **_KINDS,
            **{str(c): "p_value" for c in cells.columns if str(c).endswith("(p, Holm)")},
        }
        caption = "Exceptions by asset, side and regime; accept_from and accept_to are the counts of Kupiec's 5 % test."
        blocks.append(files.table(name, cells, caption, kinds=kinds, shown=_CELLS))
        blocks.append(
            files.table(
                f"{name}_tests",
                battery.to_frame(),
                "Every test of every cell: law for long samples, exact or simulated p-value, size and power, and the "
                "reason where a test is undefined.",
                is_folded=True,
            )
        )
    return Section(title="Exceptions by regime and side", lead=_verdict_words(batteries), blocks=tuple(blocks))


def replay_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on stress windows, or None where the study did not ask for it."""
    replays = {name: parts.replay for name, parts in run.margin.assets.items() if parts.replay is not None}
    if not replays:
        return None
    blocks: list[Block] = [TextBlock(_REPLAY)]
    for name, replay in replays.items():
        n = len(replay.table) // 2
        figure = FigureSpec(
            name=f"stress_{name.lower()}",
            draw=lambda ax, r=replay: plot_stress_replay(r, ax=ax),  # type: ignore[misc]
            alt=f"Worst loss of {name} in each stress window beside the margin that stood before it.",
            caption=dated(f"{replay.headline}.", replay),
            height_ratio=0.18 + 0.075 * n,
            narrow_height_ratio=0.5 + 0.2 * n,
        )
        blocks.append(files.figure(figure))
    table = pd.concat({n: r.table for n, r in replays.items()}, names=["asset"]).reset_index()
    calls = pd.concat({n: r.calls for n, r in replays.items()}, names=["asset"]).reset_index()
    left: dict[str, list[str]] = {}
    for replay in replays.values():
        for window, why in replay.left_out.items():
            left.setdefault(str(why), []).append(str(window))
    blocks += [
        files.table(
            "stress_windows", table, "Stress windows, fractions of the notional at entry.", kinds=_REPLAY_KINDS
        ),
        files.table("margin_calls", calls, "Every margin call in a stress window.", is_folded=True),
    ]
    if left:
        told = tuple(f"Left out, {why}: {', '.join(dict.fromkeys(names))}." for why, names in left.items())
        blocks.append(TextBlock(told, is_note=True))
    worst = {n: r.table["worst_excess"].idxmax() for n, r in replays.items()}
    lead = " ".join(
        f"{n}: {int(r.table['exceptions'].sum())} losses above the margin in {len(r.table) // 2} windows; the largest "
        f"part not covered was {percent_to(max(r.table['worst_excess'].max(), 0.0))} ({worst[n][0]}, {worst[n][1]})."
        for n, r in replays.items()
    )
    return Section(title="Stress windows", lead=lead, blocks=tuple(blocks))


def _in_order(cells: pd.DataFrame, run: StudyRun) -> pd.DataFrame:
    """All periods first, then regimes from calm to crisis."""
    order = ["all", *run.spec.margin.regimes.names]
    keys = ["instrument", "side", "regime"]
    ranked = cells.assign(regime=pd.Categorical(cells["regime"], categories=order, ordered=True)).sort_values(keys)
    return ranked.assign(regime=ranked["regime"].astype(str))


def _cells_figure(name: str, battery: CoverageBattery, regimes: list[str]) -> FigureSpec:
    n = len(battery.cells)
    return FigureSpec(
        name=name,
        draw=lambda ax: plot_exception_cells(battery, regimes=regimes, ax=ax),
        alt="Rate of exceptions of every asset, side and regime with its exact interval, beside the target.",
        caption=f"{battery.headline}.",
        height_ratio=0.14 + 0.034 * n,
        narrow_height_ratio=0.35 + 0.07 * n,
    )


def _adjusted(battery: CoverageBattery) -> pd.DataFrame:
    table = battery.table["holm"].unstack("test")
    return table[list(_TESTS)].set_axis([f"{words} (p, Holm)" for words in _TESTS.values()], axis=1)


def _cutoff_words(run: StudyRun) -> str:
    section = run.spec.margin.regimes
    edges = [f"{100 * cut:g} %" for cut in section.cutoffs]
    spans = [f"below {edges[0]}", *(f"{a} to {b}" for a, b in pairwise(edges)), f"from {edges[-1]}"]
    said = ", ".join(f"{name} {span}" for name, span in zip(section.names, spans, strict=True))
    return (
        f"Regimes follow the {run.spec.margin.model} forecast of the period's volatility, known when it begins: "
        f"{said}. The cut-offs are fixed in the study file and were not fitted to the data."
    )


def _verdict_words(batteries: tuple[CoverageBattery, ...]) -> str:
    cells = pd.concat([b.cells for b in batteries])
    tests = pd.concat([b.table.xs("conditional_coverage", level="test") for b in batteries])
    counts = {words: int((cells["verdict"] == words).sum()) for words in ("too many", "too few")}
    if not any(counts.values()):
        words = f"In none of {len(cells)} cells are there significantly too many or too few exceptions"
    else:
        words = f"Of {len(cells)} cells {counts['too many']} have too many exceptions and {counts['too few']} too few"
    least, undefined = tests["holm"].min(), int(tests["holm"].isna().sum())
    spacing = (
        "none has enough exceptions to test their spacing"
        if np.isnan(least)
        else f"Christoffersen's test has a least adjusted p of {least:.2f}, undefined in {undefined} cells"
    )
    return f"{words}; {spacing}."
