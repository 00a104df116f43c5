"""Rebuild the frozen simulated market: ``daily.parquet``, ``hourly.parquet`` and ``manifest.toml``.

Usage, from the top of a checkout, into this folder or another one::

    python data/demo/rebuild.py [FOLDER]
"""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))  # the checkout that this script belongs to, installed or not

import pandas as pd
import tomli_w

from volkit.sources.market import DEMO_SEED, GENERATOR_VERSION, simulate_market

COMMAND = "python data/demo/rebuild.py"
COLUMNS = ["name", "open", "high", "low", "close", "volume"]


def write_bars(bars: Mapping[str, pd.DataFrame], path: Path) -> dict[str, object]:
    """Write bars of all series in long form and return the file's entry of the manifest."""
    frames = [frame.assign(name=name) for name, frame in bars.items()]
    long = pd.concat(frames).reindex(columns=COLUMNS).reset_index()
    long.to_parquet(
        path, index=False, engine="pyarrow", compression="zstd", compression_level=19, write_page_checksum=True
    )
    return {
        "rows": len(long),
        "series": len(bars),
        "span": [f"{long['time'].min():%Y-%m-%d}", f"{long['time'].max():%Y-%m-%d}"],
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def main(folder: Path) -> None:
    market = simulate_market()
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "simulated": True,
        "rebuild": COMMAND,
        "generator": {"name": "volkit.sources.market", "version": GENERATOR_VERSION, "seed": DEMO_SEED},
        "daily.parquet": write_bars(market.daily, folder / "daily.parquet"),
        "hourly.parquet": write_bars(market.hourly, folder / "hourly.parquet"),
    }
    text = f"# Checksums of the frozen SIMULATED market. Written by {COMMAND}; not by hand.\n" + tomli_w.dumps(manifest)
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
    print(market)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
