"""Parts of pages made from what the package says of itself and from the last measurements."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import typer
from cells import cell
from reliability import reliability_parts
from scaling import scaling_parts
from trials import trial_parts

import volkit
from volkit.cli import app
from volkit.study.methods import METHODS

__all__ = ["STAGES", "generated_parts"]

ROOT = Path(volkit.__file__).parents[1]
STAGES = ("volatility", "correlation", "margin", "validation", "realtime", "portfolio", "contagion", "solvency")


def generated_parts(docs: Path) -> dict[str, str]:
    """Return the text of every part, by file name."""
    parts = {f"methods-{stage}.md": _methods(stage) for stage in STAGES}
    parts["study-keys.md"] = "\n".join(_study_keys(json.loads(volkit.study_schema())))
    parts["commands.md"] = "\n".join(_commands())
    parts["venue-files.md"] = _venue_files()
    parts["conformance.md"] = _conformance(json.loads((docs / "measured" / "conformance.json").read_text()))
    parts |= reliability_parts(json.loads((docs / "measured" / "reliability.json").read_text()))
    parts["benchmarks.md"] = _benchmarks(json.loads((docs / "measured" / "benchmarks.json").read_text()))
    parts |= scaling_parts(json.loads((docs / "measured" / "scaling.json").read_text()))
    parts |= trial_parts(*(json.loads((docs / "measured" / f"{n}.json").read_text()) for n in ("mutation", "fuzz")))
    for name, source in INCLUDED.items():
        parts[name] = _included(ROOT / source)
    return parts


INCLUDED = {
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "venues-readme.md": "data/venues/README.md",
    "demo-readme.md": "data/demo/README.md",
    "stress-readme.md": "data/demo/stress/README.md",
    "data-readme.md": "data/README.md",
}


def _methods(stage: str) -> str:
    lines: list[str] = []
    for method in METHODS:
        if method.stage != stage:
            continue
        lines += [f"({method.key})=", f"## {method.title}", "", "```{math}", method.latex, "```", ""]
        lines += ["| symbol | meaning |", "|---|---|"]
        lines += [f"| ${cell(symbol)}$ | {cell(meaning)} |" for symbol, meaning in method.where.items()]
        lines += ["", f"Source: {method.source}", ""]
        if method.note:
            lines += [method.note, ""]
        lines += ["Functions: " + ", ".join(_function(name) for name in method.functions), ""]
    return "\n".join(lines) + "\n"


def _function(path: str) -> str:
    name = path.split(".")[-1]
    return f"{{py:obj}}`{name} <volkit.{name}>`" if name in volkit.__all__ else f"`{path}`"


# --- the study file


def _study_keys(schema: dict[str, Any]) -> Iterator[str]:
    top = {key: value for key, value in schema["properties"].items() if _reference(value) is None}
    yield from _section("The file itself", "", top, schema.get("required", []))
    for key, value in schema["properties"].items():
        if (name := _reference(value)) is not None:
            yield from _definition(schema, f"[{key}]", name, seen=set())


def _definition(schema: dict[str, Any], heading: str, name: str, seen: set[str]) -> Iterator[str]:
    section = schema["$defs"][name]
    yield from _section(
        f"`{heading}`", section.get("description", ""), section["properties"], section.get("required", [])
    )
    for key, value in section["properties"].items():
        inner = _reference(value)
        if inner is not None and inner not in seen:
            text = json.dumps(value)
            path = f"{heading[1:-1]}.{key}"
            shape = (
                f"[[{path}]]"
                if '"items"' in text
                else f"[{path}.NAME]"
                if "additionalProperties" in text
                else f"[{path}]"
            )
            yield from _definition(schema, shape, inner, seen | {inner})


def _section(title: str, description: str, properties: dict[str, Any], required: list[str]) -> Iterator[str]:
    yield from (f"## {title}", "", description, "", "| key | kind | default | meaning |", "|---|---|---|---|")
    for key, value in properties.items():
        default = (
            "needed" if key in required else f"`{cell(_toml(value.get('default')))}`" if "default" in value else ""
        )
        default = default.replace("`none`", "none")
        yield f"| `{key}` | {cell(_kind(value))} | {default} | {cell(value.get('description', ''))} |"
    yield ""


def _reference(value: Any) -> str | None:
    found = re.search(r'"#/\$defs/(\w+)"', json.dumps(value))
    return found.group(1) if found else None


def _kind(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " or ".join(kind for kind in map(_kind, value["anyOf"]) if kind != "null")
    if "$ref" in value:
        return "table"
    if "enum" in value or "const" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        if "prefixItems" in value:
            return "list of " + ", ".join(_kind(one) for one in value["prefixItems"])
        return "list of " + _kind(value.get("items", {"type": "values"}))
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"table: name = {_kind(inner)}" if isinstance(inner, dict) else "table"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return words.get(value.get("type", ""), value.get("type", "")) + _limits(value)


def _limits(value: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    stated = [f"{sign} {value[key]:g}" for key, sign in signs.items() if key in value]
    return f", {' and '.join(stated)}" if stated else ""


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    return json.dumps(value, ensure_ascii=False)


# --- the command line


def _commands() -> Iterator[str]:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        about = (command.help or "").replace("\f", "")
        paragraphs = about.split("\n\n")
        yield from (f"(volkit-{name})=", f"## volkit {name}", "")
        for paragraph in paragraphs:
            if paragraph.startswith("\b"):
                yield from ("```text", paragraph.removeprefix("\b").strip("\n"), "```", "")
            else:
                yield from (" ".join(paragraph.split()), "")
        yield from ("```text", _usage(name, command), "```", "")
        options = [p for p in command.params if p.name != "help"]
        if options:
            yield from ("| argument or option | default | meaning |", "|---|---|---|")
            yield from (_parameter(option) for option in options)
            yield ""


def _usage(name: str, command: Any) -> str:
    pieces = [f"volkit {name}"]
    for parameter in command.params:
        if isinstance(parameter, click.Argument) or getattr(parameter, "param_type_name", "") == "argument":
            word = (parameter.metavar or parameter.name.upper()).strip("[]{}").upper()
            pieces.append(word if parameter.required else f"[{word}]")
    return " ".join([*pieces, "[OPTIONS]"])


def _parameter(parameter: Any) -> str:
    is_argument = getattr(parameter, "param_type_name", "") == "argument"
    names = (parameter.metavar or parameter.name).strip("[]{}").upper() if is_argument else ", ".join(parameter.opts)
    default = parameter.default
    plain = default is not None and not callable(default) and default is not False and default not in ((), [], "")
    plain = plain and "UNSET" not in repr(default).upper()
    shown = "needed" if parameter.required else f"`{default}`" if plain else ""
    return f"| `{names}` | {shown} | {cell(getattr(parameter, 'help', '') or '')} |"


# --- files


def _venue_files() -> str:
    lines = ["| rule set | what it is | engine | date | margins | illustrative |", "|---|---|---|---|---|---|"]
    for path in sorted((ROOT / "data" / "venues").glob("*.toml")):
        rules = tomllib.loads(path.read_text())
        marked = len(rules.get("illustrative", []))
        lines.append(
            f"| `{path.stem}` | {cell(rules['title'])} | `{rules['engine']}` | {rules['date']} "
            f"| {', '.join(rules['instruments'])} | {marked or 'none'} |"
        )
    return "\n".join(lines) + "\n"


def _included(path: Path) -> str:
    """The text of a file without its title; links to files become their names, as the site has no such pages."""
    text = path.read_text().split("\n", 1)[1]
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text)


# --- what was measured


def _conformance(record: dict[str, Any]) -> str:
    lines = [
        f"Last run: {record['date']}. **{record['passed']} passed, {record['failed']} failed, "
        f"{record['skipped']} skipped** "
        "(definitions without a number, and stages that volkit does not have).",
        "",
        "| file | entries | passed | failed | skipped | largest relative difference, median entry |",
        "|---|---|---|---|---|---|",
    ]
    for file in record["files"]:
        counts = [sum(e["status"] == status for e in file["entries"]) for status in ("passed", "failed", "skipped")]
        gaps = sorted(e["difference"] for e in file["entries"] if "difference" in e)
        median = f"{gaps[len(gaps) // 2]:.1g}" if gaps else ""
        lines.append(f"| `{file['file']}` | {len(file['entries'])} | {' | '.join(map(str, counts))} | {median} |")
    for file in record["files"]:
        lines += ["", f"## {Path(file['file']).stem.capitalize()}", ""]
        lines += ["| entry | method | outcome | largest relative difference |", "|---|---|---|---|"]
        for entry in file["entries"]:
            gap = f"{entry['difference']:.1e}" if "difference" in entry else ""
            lines.append(
                f"| `{entry['id']}` | `{entry['method']}` | {entry['status']} | {gap.replace('0.0e+00', '0')} |"
            )
    return "\n".join(lines) + "\n"


def _benchmarks(record: dict[str, Any]) -> str:
    facts = dict(record["machine"])
    versions = {name: found for name, found in facts.pop("versions", {}).items() if found}
    machine = ", ".join(f"{key} {value}" for key, value in facts.items())
    lines = [f"Last run: {record['date']}; {machine}.", ""]
    if versions:
        lines += ["Versions: " + ", ".join(f"{name} {found}" for name, found in versions.items()) + ".", ""]
    for group in dict.fromkeys(row["group"] for row in record["rows"]):
        lines += [f"## {group}", "", "| task | volkit | peer | ratio | accepted from | aimed at | command |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [_benchmark(row) for row in record["rows"] if row["group"] == group]
        lines += [""]
    return "\n".join(lines) + "\n"


def _benchmark(row: dict[str, Any]) -> str:
    unit = f" {row['unit']}" if row.get("unit") else ""
    ours = "" if row.get("ours") is None else f"{row['ours']:.3g}{unit}"
    peer = row.get("peer_name") or ""
    peer += "" if row.get("peer") is None else f": {row['peer']:.3g}{unit}"
    ratio = "" if row.get("ratio") is None else f"**{row['ratio']:,.3g}**"
    if row.get("low") is not None and row.get("high") is not None:
        ratio = (
            f"{ratio} ({row['low']:,.3g} to {row['high']:,.3g})"
            if ratio
            else f"{row['low']:,.3g} to {row['high']:,.3g}"
        )
    bounds = ["" if row.get(key) is None else f"{row[key]:,.3g}" for key in ("accepted", "aimed")]
    command = f"`{row['command']}`" if row.get("command") else ""
    return f"| {cell(row['name'])} | {ours} | {cell(peer)} | {ratio} | {bounds[0]} | {bounds[1]} | {command} |"
