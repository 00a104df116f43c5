"""The parts of the page on scaling, from the last measurement."""

from typing import Any

from volkit.formatting import percent_to

__all__ = ["scaling_parts"]


def scaling_parts(record: dict[str, Any]) -> dict[str, str]:
    """Return the text of each part of the page, by file name."""
    machine = ", ".join(f"{key} {value}" for key, value in record["machine"].items())
    parts = {"scaling-measured.md": f"Last measured: {record['date']}; {machine}.\n"}
    for name, lines in (("growth", _growth), ("memory", _memory), ("universe", _universe)):
        # Each part is measured by itself.
        told = lines(record[name]) if name in record else ["Not measured yet."]
        parts[f"scaling-{name}.md"] = "\n".join(told) + "\n"
    return parts


def _growth(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| grows | what is worked out | sizes | processor seconds | exponent | 95 % interval |"]
    lines += ["|---|---|---|---|---|---|"]
    for row in rows:
        sizes = f"{row['sizes'][0]:,} to {row['sizes'][-1]:,}"
        seconds = f"{row['seconds'][0]:.2g} to {row['seconds'][-1]:.2g}"
        lines.append(
            f"| {row['name']} | {row['what']} | {sizes} | {seconds} | **{row['exponent']:.2f}** "
            f"| {row['low']:.2f} to {row['high']:.2f} |"
        )
    return lines


def _memory(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| assets | days | policies | assets held at a time | highest resident memory |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['assets']:,} | {row['days']:,} | {row['policies']} | {row['chunk']} | **{row['peak_mib']:.0f} MiB** |"
        for row in rows
    ]
    return lines


def _universe(found: dict[str, Any]) -> list[str]:
    bits = "the same bits" if found["same_bits"] else "other numbers"
    lines = [
        f"{found['assets']:,} simulated assets by {found['policies']} policies, {found['days']:,} days each, on "
        f"{found['workers']} local workers, of which {found['killed']} was killed in the middle: "
        f"{found['wall_seconds']:,.0f} seconds of wall clock, **{bits}** as the same study in two processes "
        f"({found['wall_seconds_processes']:,.0f} seconds). The machine was shared: its load was "
        f"{found['load_per_core']:.1f} processes a core. {found['without_policy']} assets got no policy, "
        f"{found['left_out']} were left out.",
        "",
        "| policy | recommended for | assets with too many exceptions | exceptions | expected | exceedance | cost |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['policy']} | {row['n_recommended']} | {percent_to(row['share_too_many'])} | {row['n_exceptions']:,} "
        f"| {row['expected']:,.0f} | {percent_to(row['exceedance'], 2)} | {percent_to(row['cost'])} |"
        for row in found["table"]
    ]
    return lines
