"""Run the commands that the guides show and keep what they print: ``python docs/record_outputs.py [NAME...]``.

Each runs in a new folder, offline, with what a fresh clone holds. The output goes to `docs/measured/outputs`, with
the command on the first line; the guides include these files.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["COMMANDS", "main"]

DOCS = Path(__file__).parent
OUTPUTS = DOCS / "measured" / "outputs"
PROGRAMS = {"volkit": str(Path(sys.executable).with_name("volkit"))}
COMMANDS = {
    "demo": "volkit demo -o runs",
    "studies": "volkit studies",
    "sources-bundled": "volkit sources bundled",
    "sources-files": "volkit sources files:prices",
    "run-own": "volkit run my-margin.toml --source files:prices -o runs/own",
    "own-parameters": "cut -d, -f1-4,5,7-8 runs/own/parameters.csv",
    "own-files": "ls runs/own",
    "verify": "volkit verify runs/own",
    "run-macro": "volkit run macro-correlation --source simulated -o runs/macro",
    "margin": "volkit margin book.csv --as-of 2025-01-03",
    "replay": "volkit replay simulated --interval 1h -o runs/replay",
    "stress": "volkit stress -o runs/stress",
    "status": "volkit status --store store",
}


def main(names: list[str]) -> int:
    """Record the named commands, or all; return the exit status."""
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copy(DOCS.parent / "studies" / "books" / "example.csv", folder / "book.csv")
        shutil.copy(DOCS / "guides" / "my-margin.toml", folder)
        _write_own_prices(folder / "prices")
        for name in names or COMMANDS:
            program, *words = COMMANDS[name].split()
            done = subprocess.run(
                [PROGRAMS.get(program, program), *words],
                cwd=folder,
                env=os.environ | {"COLUMNS": "96", "MPLBACKEND": "Agg", "NO_COLOR": "1", "TQDM_DISABLE": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            said = done.stdout if done.returncode == 0 else done.stdout + done.stderr
            lines = [line.rstrip() for line in said.replace(f"{folder}/", "").splitlines()]
            text = "\n".join([f"$ {COMMANDS[name]}", *lines]).rstrip() + "\n"
            (OUTPUTS / f"{name}.txt").write_text(text)
            print(f"{name}: {len(lines)} lines, status {done.returncode}", flush=True)
    return 0


def _write_own_prices(folder: Path) -> None:
    import volkit

    folder.mkdir()
    close = volkit.load_prices(volkit.open_source("simulated"), ["BTC"]).close[["BTC"]].dropna()
    close.columns = ["close"]
    close.to_csv(folder / "BTC.csv", date_format="%Y-%m-%d", float_format="%.2f")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
