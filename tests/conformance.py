"""Compute reference numbers with volkit and compare: ``python tests/conformance.py [--record RECORD] FILE...``.

A file is JSON with `entries`; each has an `id`, a `method`, `inputs`, `expected` and a `tolerance`. One line an entry
is printed, then the counts; the exit status is 1 when an entry failed. Paths in a file are relative to it. With
`--record` the outcome of every entry is written to a JSON file, from which the documentation makes a page.
"""

import json
import math
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# pytest imports this file by its path and leaves sys.path alone.
sys.path.insert(0, str(Path(__file__).parent))

from conformance_balance import BALANCE_METHODS
from conformance_cascade import CASCADE_METHODS
from conformance_correlation import CORRELATION_METHODS
from conformance_exceptions import EXCEPTION_METHODS
from conformance_horizon import HORIZON_METHODS
from conformance_impact import IMPACT_METHODS
from conformance_index import INDEX_METHODS
from conformance_margin import MARGIN_METHODS
from conformance_networks import NETWORK_METHODS
from conformance_options import OPTION_METHODS
from conformance_portfolio import PORTFOLIO_METHODS
from conformance_realtime_insolvency import INSOLVENCY_METHODS
from conformance_realtime_online import ONLINE_METHODS
from conformance_realtime_paths import PATH_METHODS
from conformance_series import Case
from conformance_shortfall import SHORTFALL_METHODS
from conformance_spillover import SPILLOVER_METHODS
from conformance_surface import SURFACE_METHODS
from conformance_tiers import TIER_METHODS
from conformance_venues import VENUE_METHODS
from conformance_volatility import VOLATILITY_METHODS
from conformance_waterfall import WATERFALL_METHODS

__all__ = ["main"]

METHODS = VOLATILITY_METHODS | CORRELATION_METHODS | MARGIN_METHODS | TIER_METHODS
METHODS |= OPTION_METHODS | SURFACE_METHODS | INDEX_METHODS | PORTFOLIO_METHODS | VENUE_METHODS
METHODS |= PATH_METHODS | ONLINE_METHODS | INSOLVENCY_METHODS
METHODS |= BALANCE_METHODS | CASCADE_METHODS | IMPACT_METHODS | NETWORK_METHODS | SPILLOVER_METHODS | WATERFALL_METHODS
METHODS |= EXCEPTION_METHODS | SHORTFALL_METHODS | HORIZON_METHODS
NOT_NUMBERS = ("context", "definition")
STAGES = ("prices", "returns", "options", "volatility", "correlation", "scenarios", "margin", "portfolio")
# Where a tolerance names no bound for a key: what double precision leaves after a long sum.
_ROUNDING = 1e-9
_SUFFIXES = {"absolute": "absolute", "abs": "absolute", "relative": "relative", "rel": "relative"}


def main(paths: list[str]) -> int:
    """Print a line for every entry of the files and the counts; return the exit status."""
    record = Path(paths[1]) if paths[:1] == ["--record"] else None
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    files = []
    for path in map(Path, paths if record is None else paths[2:]):
        document = json.loads(path.read_text())
        entries = document["entries"] if isinstance(document, dict) else document
        others = {entry["id"]: entry for entry in entries}
        rows = []
        for entry in entries:
            outcome, line, difference = judge(entry, folder=path.parent, others=others)
            counts[outcome] += 1
            rows.append({"id": entry["id"], "method": entry.get("method", ""), "status": outcome})
            rows[-1] |= {} if difference is None else {"difference": difference}
            print(line, flush=True)
        files.append({"file": path.name, "entries": rows})
    print(f"{counts['passed']} passed, {counts['failed']} failed", end="")
    print(f", {counts['skipped']} skipped" if counts["skipped"] else "")
    if record is not None:
        document = {"date": datetime.now(UTC).date().isoformat(), **counts, "files": files}
        record.write_text(json.dumps(document, indent=1) + "\n")
    return int(counts["failed"] > 0)


def judge(entry: dict[str, Any], *, folder: Path, others: dict[str, dict]) -> tuple[str, str, float | None]:
    """Return passed, failed or skipped, the line that says so, and the largest relative difference."""
    name, method = entry["id"], entry.get("method", "")
    if method in NOT_NUMBERS or entry.get("stage", STAGES[0]) not in STAGES:
        return "skipped", f"skipped {name}", None
    if method not in METHODS:
        return "failed", f"unknown method {name} {method}", None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # near-integrated fits and small samples are what the entries ask for
            got = METHODS[method](Case(entry["inputs"], entry["expected"], folder, others))
        largest = max(relative_differences(got, entry["expected"]), default=None)
        failures = list(differences(got, entry["expected"], entry["tolerance"]))
    except Exception as error:
        message = " ".join(str(error).split())
        return "failed", f"FAIL {name} {type(error).__name__}: {message}", None
    if failures:
        return "failed", f"FAIL {name} {failures[0]}", largest
    return "passed", f"ok {name}", largest


def relative_differences(got: Any, wanted: Any) -> Iterator[float]:
    """Yield the distance of every number from the number wanted, over the larger of that number and 1e-6."""
    if isinstance(wanted, dict):
        for key in wanted.keys() & got.keys():
            if not key.endswith(("_at_least", "_at_most")):  # a bound may be far from the number
                yield from relative_differences(got[key], wanted[key])
    elif isinstance(wanted, list):
        for one, value in zip(got, wanted, strict=False):
            yield from relative_differences(one, value)
    elif not any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in (got, wanted)):
        distance = abs(float(got) - float(wanted)) / max(abs(float(wanted)), 1e-6)
        yield from [distance] if math.isfinite(distance) else []


def differences(got: Any, wanted: Any, tolerance: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield `key got ... wanted ...` for every number that lies outside its tolerance."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            if key not in got:
                yield f"{'.'.join((*path, key))} got nothing wanted {value}"
            else:
                yield from differences(got[key], value, tolerance, (*path, key))
    elif isinstance(wanted, list):
        if len(got) != len(wanted):
            yield f"{'.'.join(path)} got {len(got)} values wanted {len(wanted)}"
        for i, (one, value) in enumerate(zip(got, wanted, strict=False)):
            yield from differences(one, value, tolerance, (*path, str(i)))
    elif wanted is not None and not _agrees(got, wanted, tolerance, path):  # null states nothing
        yield f"{'.'.join(path)} got {_printed(got)} wanted {_printed(wanted)}"


def _agrees(got: Any, wanted: Any, tolerance: dict[str, Any], path: tuple[str, ...]) -> bool:
    if isinstance(wanted, (str, bool)) or got is None:
        return got == wanted
    if math.isnan(wanted):
        return math.isnan(got)
    bound = _bound(float(wanted), tolerance, path)
    shortfall = float(wanted) - float(got)
    if any(key.endswith("_at_least") for key in path):
        return shortfall <= bound
    if any(key.endswith("_at_most") for key in path):
        return -shortfall <= bound
    return abs(shortfall) <= bound or float(got) == float(wanted)


def _bound(wanted: float, tolerance: dict[str, Any], path: tuple[str, ...]) -> float:
    """The allowed distance: the bound of the innermost key that has one, else that of the entry."""
    if "abs_published" in tolerance:
        return float(tolerance["abs_exact" if any(key.endswith("_exact") for key in path) else "abs_published"])
    if "abs_bp_rounded" in tolerance:
        return float(tolerance["abs_bp_unrounded" if any(k.endswith("_unrounded") for k in path) else "abs_bp_rounded"])
    for key in reversed(path):
        own = {kind: tolerance[f"{key}_{s}"] for s, kind in _SUFFIXES.items() if f"{key}_{s}" in tolerance}
        if own:
            return max(own.get("absolute", 0.0), own.get("relative", 0.0) * abs(wanted))
        if isinstance(tolerance.get(key), dict):
            return _bound(wanted, tolerance[key], ())
    if tolerance.get("exact"):
        return 0.0
    stated = {kind: tolerance[s] for s, kind in _SUFFIXES.items() if s in tolerance}
    if isinstance(tolerance.get("mc_abs"), float):  # words state the bound of a simulation
        stated["absolute"] = tolerance["mc_abs"]
    if tolerance.get("type") in ("absolute", "relative"):
        stated[tolerance["type"]] = tolerance["value"]
    if tolerance.get("type") == "mixed" and not stated:
        # What names no bound of its own is a parameter, or follows from parameters.
        stated = {kind: tolerance[f"params_{s}"] for s, kind in _SUFFIXES.items() if f"params_{s}" in tolerance}
    stated = stated or {"relative": _ROUNDING}
    allowed = max(stated.get("absolute", 0.0), stated.get("relative", 0.0) * abs(wanted))
    return allowed + tolerance.get("absolute_floor", 0.0)


def _printed(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:.12g}" if math.isfinite(value) else str(value)
    return str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
