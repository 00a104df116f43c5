"""Rebuild the frozen simulated venue: its tables, ``fund.toml`` and ``manifest.toml``.

Usage, from the top of a checkout, into this folder or another one::

    python data/demo/stress/rebuild.py [FOLDER]
"""

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))  # the checkout that this script belongs to, installed or not

import pandas as pd  # noqa: E402
import tomli_w  # noqa: E402

from volkit.sources.venue import (  # noqa: E402
    DEMO_VENUE_SEED,
    VENUE_FILES,
    VENUE_GENERATOR_VERSION,
    SimulatedVenue,
    simulate_venue,
)

COMMAND = "python data/demo/stress/rebuild.py"


def write_table(table: pd.DataFrame, path: Path) -> dict[str, object]:
    """Write one table and return the file's entry of the manifest."""
    if path.suffix == ".parquet":
        table.to_parquet(
            path, index=False, engine="pyarrow", compression="zstd", compression_level=19, write_page_checksum=True
        )
    else:
        table.to_csv(path, index=False, lineterminator="\n")
    return {"rows": len(table)} | entry(path)


def write_settings(venue: SimulatedVenue, path: Path) -> dict[str, object]:
    """Write the fund and the terms of the venue and return the file's entry of the manifest."""
    head = "# Terms of the SIMULATED venue: USD, coins, log move per coin, minutes.\n"
    path.write_text(head + tomli_w.dumps(dict(venue.terms)), encoding="utf-8", newline="\n")
    return entry(path)


def entry(path: Path) -> dict[str, object]:
    """Return size and checksum of a file."""
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def main(folder: Path) -> None:
    venue = simulate_venue()
    folder.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, object] = {
        "simulated": True,
        "rebuild": COMMAND,
        "generator": {"name": "volkit.sources.venue", "version": VENUE_GENERATOR_VERSION, "seed": DEMO_VENUE_SEED},
    }
    manifest |= {file: write_table(getattr(venue, name), folder / file) for name, file in VENUE_FILES.items()}
    manifest["fund.toml"] = write_settings(venue, folder / "fund.toml")
    text = f"# Checksums of the frozen SIMULATED venue. Written by {COMMAND}; not by hand.\n" + tomli_w.dumps(manifest)
    (folder / "manifest.toml").write_text(text, encoding="utf-8", newline="\n")
    print(venue)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
