"""The pages of the public names, one a room, made from the package itself: a new name needs no line here."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import volkit
from volkit.results import ResultDisplay

__all__ = ["ROOMS", "api_pages", "names_by_room", "results_by_room"]

# In the order of the road, with what each is for.
ROOMS = {
    "sources": "Where series come from, and the catalogue that knows their units and clocks.",
    "store": "A folder of verified files, one a series, with revisions.",
    "prices": "Bars checked into a gap report, and series put on one clock.",
    "returns": "Changes of prices and levels; nothing is filled before a change is taken.",
    "volatility": "Conditional, realised and range volatility, regimes, tails, and forecasts compared.",
    "correlation": "Correlation with its error, through time, between clocks, and what a margin may take of it.",
    "instruments": "Contracts, positions and the state of a market.",
    "options": "Black-76, chains, surfaces, variance indices and gamma.",
    "scenarios": "Scenario sets and joint price paths.",
    "validation": "Back-tests of Value at Risk and expected shortfall, with their size and power.",
    "margin": "Rates, schedules, tiers, horizons, frontiers, and what stands behind them.",
    "portfolio": "Whole books: scenario grids, netting, hedges, and the rules of venues.",
    "realtime": "Margins that follow every bar, and collateral at a target insolvency probability.",
    "impact": "What a trade does to the price, and how deep a market is.",
    "solvency": "Balance sheets, funds, reserves, default and the waterfall.",
    "contagion": "Liquidation cascades, fracture thresholds and networks of debts.",
    "study": "One file in, one folder out.",
    "report": "Parameter files and figures.",
    "desk": "What people hold in their hands: dashboard, lab and gallery.",
    "parallel": "Backends for independent work, and the bar of progress.",
    "conventions": "Units, signs and clocks, in one place.",
}


def names_by_room() -> dict[str, dict[str, list[str]]]:
    """Return every public name once: by room, then by the module that documents it."""
    grouped: dict[str, dict[str, list[str]]] = {room: {} for room in ROOMS}
    for name in sorted(volkit.__all__, key=str.lower):
        thing = getattr(volkit, name)
        home = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", "volkit.conventions")
        parts = home.split(".")
        room = parts[1] if len(parts) > 1 else "conventions"
        group = ".".join(parts[1:3]) if _is_package(parts[:3]) else room
        grouped.setdefault(room, {}).setdefault(group, []).append(name)
    return {room: groups for room, groups in grouped.items() if groups}


def results_by_room() -> dict[str, list[type]]:
    """Return the public result classes by room, in the order of the road."""
    found: dict[str, list[type]] = {room: [] for room in ROOMS}
    for module in _modules():
        for thing in vars(module).values():
            own = inspect.isclass(thing) and thing.__module__ == module.__name__ and not thing.__name__.startswith("_")
            if (
                own
                and issubclass(thing, ResultDisplay)
                and thing is not ResultDisplay
                and dataclasses.is_dataclass(thing)
            ):
                found.setdefault(module.__name__.split(".")[1], []).append(thing)
    return {room: sorted(things, key=lambda t: t.__name__) for room, things in found.items() if things}


def api_pages() -> dict[str, str]:
    """Return the text of every page of the folder `api`, by file name."""
    names, results = names_by_room(), results_by_room()
    pages = {
        f"{room}.md": _room_page(room, names.get(room, {}), results.get(room, []))
        for room in [*names, *(results.keys() - names.keys())]
    }
    pages |= {f"{room}-results.md": _results_page(room, classes) for room, classes in results.items()}
    rooms = [room for room in ROOMS if f"{room}.md" in pages]
    pages["index.md"] = _index(rooms, names, results)
    return pages


def _room_page(room: str, groups: dict[str, list[str]], results: list[type]) -> str:
    lines = [f"# {room.capitalize()}", "", ROOMS.get(room, ""), ""]
    for group, names in sorted(groups.items(), key=lambda item: (item[0] != room, item[0])):
        if len(groups) > 1:
            title = "Front door" if group == room else group.split(".")[-1].replace("_", " ").capitalize()
            lines += [f"## {title}", "", _first_sentence(f"volkit.{group}"), ""]
        lines += [*_autosummary("volkit", names), ""]
    if results:
        lines += [f"What comes back: [result objects of {room}]({room}-results.md).", ""]
        lines += ["```{toctree}", ":hidden:", "", f"{room}-results", "```"]
    return "\n".join(lines) + "\n"


def _results_page(room: str, classes: list[type]) -> str:
    lines = [f"# Results of {room}", "", "[What they share](../reference/results.md).", ""]
    for one in classes:
        lines += [f"## {one.__name__}", "", "```{eval-rst}", f".. autoclass:: {one.__module__}.{one.__name__}"]
        lines += ["   :no-members:", "   :no-index-entry:", "```", ""]
    return "\n".join(lines)


def _autosummary(module: str, names: list[str]) -> list[str]:
    head = [f".. currentmodule:: {module}", "", ".. autosummary::", "   :toctree: ../_api", "   :nosignatures:", ""]
    return ["```{eval-rst}", *head, *(f"   {name}" for name in names), "```"]


def _index(rooms: list[str], names: dict[str, dict[str, list[str]]], results: dict[str, list[type]]) -> str:
    total = sum(len(some) for groups in names.values() for some in groups.values())
    lines = [
        "# API",
        "",
        f"{total} public names, all in `volkit` itself, by the room they live in. A room knows those above it only.",
        "",
        "| room | what it is for | names | results |",
        "|---|---|---|---|",
    ]
    for room in rooms:
        count = sum(len(some) for some in names.get(room, {}).values())
        back = f"[{len(results[room])}]({room}-results.md)" if room in results else ""
        lines.append(f"| [{room}]({room}.md) | {ROOMS.get(room, '')} | {count} | {back} |")
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *rooms, "```", ""])


def _is_package(parts: list[str]) -> bool:
    return len(parts) == 3 and hasattr(importlib.import_module(".".join(parts)), "__path__")


def _first_sentence(module: str) -> str:
    text = " ".join((importlib.import_module(module).__doc__ or "").split("\n\n")[0].split())
    text = re.sub(r"`{1,2}([^`]+)`{1,2}", r"`\1`", text)
    return text if text.endswith(".") else f"{text}."


def _modules() -> Iterator[object]:
    for found in pkgutil.walk_packages(volkit.__path__, "volkit."):
        if found.name.split(".")[1] not in ("cli", "results") and not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            if not found.name.split(".")[-1].startswith("_"):
                yield module
