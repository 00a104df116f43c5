"""Every benchmark in one go: ``python -m benchmarks [--record FILE] [WORD ...]``.

Each module runs in a process of its own, so that no compiled code or memory of one weighs on the next. The table ends
with the rows that missed their accepted bound in every round, and the exit status is 1 when there is one.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import volkit

__all__ = ["MODULES", "PEERS", "main"]

MODULES = (
    "foundation",
    "volatility",
    "correlation_rolling",
    "correlation_inference",
    "correlation_connectedness",
    "correlation_dcc",
    "margin_validation",
    "margin_horizon",
    "margin_frontier",
    "options_black76",
    "portfolio_margin",
    "portfolio_efficiency",
    "realtime_paths",
    "realtime_state",
    "realtime_online",
    "realtime_insolvency",
    "contagion_cascade",
    "contagion_cross",
    "contagion_networks",
)

# Distributions whose versions stand beside the table.
PEERS = (
    "arch", "statsmodels", "pandas", "numpy", "scipy", "numba", "polars", "bottleneck", "scivol", "multigarch",
    "multiarch", "pymgarch", "pyconnectedness", "diebold-yilmaz", "fast-vollib", "QuantLib", "pyvolr", "lbriv",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run the modules whose name holds one of the words; write the record; return 1 when a row was below."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("words", nargs="*", help="run the modules whose names hold one of these")
    parser.add_argument(
        "--record", type=Path, help="write the table there as JSON; modules that are not run keep theirs"
    )
    options = parser.parse_args(arguments)
    chosen = [m for m in MODULES if not options.words or any(word in m for word in options.words)]
    rows: list[dict[str, Any]] = []
    failed = []
    held = json.loads(options.record.read_text())["rows"] if options.record and options.record.is_file() else []
    kept = {module: [row for row in held if row["command"] == _command(module)] for module in MODULES}
    for module in chosen:
        print(f"\n{module}", flush=True)
        status, found = _run(module)
        rows += found
        kept[module] = found
        failed += [module] if status else []
        if options.record:  # after each module, so that a run that is cut short leaves what it has
            text = json.dumps(_record([row for part in kept.values() for row in part]), indent=1, ensure_ascii=False)
            options.record.write_text(text + "\n", encoding="utf-8")
    below = [row for row in rows if row["is_below"]]
    for row in below:
        print(f"below in every round: {row['name']} over {row['peer_name'] or 'the clock'}")
    met = sum(row["accepted"] is not None and not row["is_below"] for row in rows)
    print(f"\n{len(rows)} rows, {met} accepted, {len(below)} below, {len(failed)} modules with status 1 {failed or ''}")
    return int(bool(failed))


def _run(module: str) -> tuple[int, list[dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        words = [sys.executable, "-m", f"benchmarks.{module}", "--json", str(path)]
        status = subprocess.run(words, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode
        found = json.loads(path.read_text()) if path.is_file() else []
    group = module.partition("_")[0]
    return status, [_public(row, group, _command(module)) for row in found]


def _command(module: str) -> str:
    return f"python -m benchmarks.{module}"


def _public(row: dict[str, Any], group: str, command: str) -> dict[str, Any]:
    return {
        "name": row["task"],
        "group": group,
        "ours": row["ours"],
        "peer": row["theirs"],
        "peer_name": row["peer"],
        "ratio": row["value"] if row["unit"] == "times" else None,
        "low": min(row["values"]),
        "high": max(row["values"]),
        "accepted": row["floor"],
        "aimed": row["aim"],
        "unit": row["unit"],
        "is_below": row["is_below"],
        "is_short": row["is_short"],
        "command": command,
    }


def _record(rows: list[dict[str, Any]]) -> dict[str, Any]:
    versions = {}
    for name in PEERS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    machine = {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "volkit": volkit.__version__,
        "versions": versions,
    }
    return {"machine": machine, "date": datetime.now(UTC).date().isoformat(), "rows": rows}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
