"""The report's section on who leads and what spills over."""

import pandas as pd

from volkit.report import (
    Block,
    FigureSpec,
    Section,
    TextBlock,
    plot_connectedness,
    plot_connectedness_path,
    plot_cross_correlogram,
    plot_granger_network,
    plot_net_connectedness,
)
from volkit.study.artefacts import Artefacts
from volkit.study.correlation.system import SystemParts
from volkit.study.correlation.words import dated
from volkit.study.run import StudyRun

__all__ = ["spillover_section"]

_READING = (
    "Connectedness is the share of each series' forecast error that comes from shocks to the others (Diebold and "
    "Yilmaz, generalised). Estimated on a finite window it is above zero even for series with nothing in common: "
    "the floor is what such series would show, and the adjusted index has that noise taken off. A best lag is "
    "picked from many, so its p-value counts all of them.",
)


def spillover_section(run: StudyRun, files: Artefacts) -> Section | None:
    """Return the section on leads and spillovers, or None where the study did not ask for them."""
    system = run.parts.system
    leads = {name: parts.leads for name, parts in run.parts.assets.items() if parts.leads is not None}
    if not leads and system.spillovers is None and system.granger is None:
        return None
    blocks: list[Block] = [TextBlock(_READING)]
    for name, correlogram in leads.items():
        spec = FigureSpec(
            name=f"leads_{name.lower()}",
            draw=lambda ax, c=correlogram: plot_cross_correlogram(c, ax=ax),  # type: ignore[misc]
            alt=f"Correlations of {' and '.join(correlogram.pair)} at leads and lags, with bands.",
            caption=dated(f"{correlogram.headline}.", correlogram),
        )
        blocks.append(files.figure(spec))
    blocks += [files.figure(f) for f in _system_figures(system)]
    blocks += _tables(system, files)
    return Section(title="Who leads, and what spills over", lead=_lead(system), blocks=tuple(blocks))


def _lead(system: SystemParts) -> str:
    words = []
    if system.spillovers is not None:
        s = system.spillovers
        words.append(
            f"Of the errors of {len(s.table)} series {s.adjusted_total:.0f} % ({s.lower:.0f} to {s.upper:.0f}) "
            f"come from each other's shocks; series with nothing in common would show {s.floor:.0f} %."
        )
    if system.granger is not None:
        g = system.granger
        edges = ", ".join(f"{e.causing} before {e.caused}" for e in g.edges.itertuples()) or "none"
        words.append(f"Granger tests that survive {g.n_hypotheses} hypotheses: {edges}.")
    return " ".join(words)


def _system_figures(system: SystemParts) -> list[FigureSpec]:
    figures = []
    if system.spillovers is not None:
        table = system.spillovers
        figures += [
            FigureSpec(
                name="spillovers",
                draw=lambda ax: plot_connectedness(table, ax=ax),
                alt="Table of connectedness: rows receive, columns send.",
                caption=dated("Per cent of the row's forecast-error variance that comes from the column.", table),
                height_ratio=0.7,
            ),
            FigureSpec(
                name="net_spillovers",
                draw=lambda ax: plot_net_connectedness(table, ax=ax),
                alt="Net connectedness of each series: what it sends less what it receives.",
                caption=dated(f"{table.net.idxmax()} sends most and {table.net.idxmin()} receives most.", table),
            ),
        ]
    if system.spillover_path is not None:
        path = system.spillover_path
        figures.append(
            FigureSpec(
                name="spillovers_through_time",
                draw=lambda ax: plot_connectedness_path(path, ax=ax),
                alt="Total connectedness through time with its band and its floor under independence.",
                caption=dated(
                    "Total connectedness, adjusted for noise, and what series with nothing in common would show.", path
                ),
            )
        )
    if system.granger is not None:
        network = system.granger
        figures.append(
            FigureSpec(
                name="granger",
                draw=lambda ax: plot_granger_network(network, ax=ax),
                alt="Adjusted p-values of Granger tests: rows receive, columns send.",
                caption=dated("Who comes before whom: adjusted p-values, rows receive, columns send.", network),
                height_ratio=0.7,
            )
        )
    return figures


def _tables(system: SystemParts, files: Artefacts) -> list[Block]:
    blocks: list[Block] = []
    if system.spillovers_by_era:
        rows = [
            {
                "era": era, "total": s.total, "adjusted": s.adjusted_total, "lower": s.lower, "upper": s.upper,
                "floor": s.floor, "n": s.n_obs, **{f"net {name}": value for name, value in s.net.items()},
            }
            for era, s in system.spillovers_by_era.items()
        ]  # fmt: skip
        caption = (
            "Connectedness by era, per cent: index, adjusted with limits, floor; net is what a series sends less gets."
        )
        blocks.append(files.table("spillovers_by_era", pd.DataFrame(rows), caption))
    if system.spillovers is not None:
        table = system.spillovers.table.rename_axis("receives")
        blocks.append(
            files.table("spillover_table", table, "Per cent of the row's variance from the column.", index=True)
        )
    if system.granger is not None and len(system.granger.edges):
        caption = "Granger tests with adjusted p-values up to the level."
        blocks.append(files.table("granger_edges", system.granger.edges, caption))
    return blocks
