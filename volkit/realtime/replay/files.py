"""Bar files in, replay files out: CSV or Parquet with a time and a close; tables, a record and the state afterwards."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from volkit.checks import floats_or_nan
from volkit.errors import SourceError
from volkit.realtime.replay.compare import StaticDynamicComparison
from volkit.realtime.replay.start import LiveStart
from volkit.results import Provenance, SeriesProvenance, content_hash
from volkit.sources.opening import open_text, read_parquet_table, refuse_surplus

__all__ = ["load_bar_file", "replay_record", "write_replay"]


def load_bar_file(path: Path, *, asset: str) -> tuple[pd.DataFrame, Provenance]:
    """Return the bars of one file, in its order, and where they came from.

    Parameters
    ----------
    path : Path
        CSV (also gzipped) or Parquet with `time` (the bars' opens, with their zone) and `close`.
    asset : str
        Name for the provenance.

    Returns
    -------
    tuple of DataFrame and Provenance
        Index time (UTC), column close.

    Raises
    ------
    SourceError
        For a file that cannot be read, lacks a column, or has a time without its zone or a close that is no number.
    """
    try:
        table = read_parquet_table(path) if path.suffix == ".parquet" else pd.read_csv(open_text(path))
        if path.suffix != ".parquet":
            refuse_surplus(table, path)
    except SourceError:
        raise
    except Exception as error:  # parsers raise a dozen unrelated types for a damaged file
        fault = f"{type(error).__name__}: {str(error).rstrip('.')}"
        raise SourceError(f"file {path} cannot be read: {fault}; fetch it again.") from error
    table = table.reset_index() if table.index.name == "time" else table
    if missing := [c for c in ("time", "close") if c not in table.columns]:
        has = ", ".join(map(str, table.columns))
        raise SourceError(f"file {path} has no column {' and no '.join(missing)}, only {has:.200}; rename the columns.")
    try:
        times = (
            pd.to_datetime(table["time"], format="ISO8601", errors="coerce")
            if table["time"].dtype == "str"
            else table["time"]
        )
    except ValueError as error:  # some with a zone, some without
        raise SourceError(
            f"file {path}, column 'time': must be instants of one zone; write them all with Z."
        ) from error
    if not isinstance(times.dtype, pd.DatetimeTZDtype) or times.isna().any():
        raise SourceError(f"file {path}, column 'time': must be instants with their zone; write 2024-01-31T16:00:00Z.")
    close = floats_or_nan(table["close"])
    if (unreadable := close.isna() & table["close"].notna()).any():
        row = int(unreadable.to_numpy().argmax())
        raise SourceError(
            f"file {path}, row {row + 1}: close {table['close'].iloc[row]!r} is not a number; correct it."
        )
    index = pd.DatetimeIndex(times).tz_convert("UTC").as_unit("us").rename("time")
    bars = pd.DataFrame({"close": close.to_numpy(dtype="float64")}, index=index)
    note = SeriesProvenance(
        name=asset, source=f"file: {path.name}", sha256=content_hash(bars), unit="price", close_rule="end of the bar"
    )
    return bars, Provenance((note,))


def replay_record(start: LiveStart, comparison: StaticDynamicComparison) -> dict[str, Any]:
    """Return what was run and found, as values that JSON can hold."""
    run = comparison.replay
    return {
        "asset": run.asset,
        "simulated": run.provenance.simulated,
        "source": [s.source for s in run.provenance.series],
        "sha256": run.provenance.sha256,
        "training": {"model": start.fit.spec, "bars": start.n_obs, "as_of": str(start.as_of)},
        "policy": run.policy.words,
        "target": run.policy.target,
        "horizon": str(run.policy.horizon),
        "static": {
            "long": comparison.blocks["static_long"].iloc[0],
            "short": comparison.blocks["static_short"].iloc[0],
        },
        "bars": run.n_obs,
        "blocks": run.n_blocks,
        "as_of": str(run.as_of),
        "calls": len(run.calls),
        "skipped": {str(k): int(v) for k, v in run.skipped["reason"].value_counts().items()},
        "replay": json.loads(run.summary().to_json()),
        "comparison": json.loads(comparison.to_frame().to_json(orient="records")),
        "years": json.loads(comparison.years.reset_index().to_json(orient="records")),
        "regimes": json.loads(comparison.regimes.reset_index().to_json(orient="records")),
        "sentence": comparison.sentence,
    }


def write_replay(start: LiveStart, comparison: StaticDynamicComparison, folder: Path) -> tuple[Path, ...]:
    """Write bars (Parquet), blocks, calls, skipped bars and the comparison (CSV), a record (JSON) and the last state.

    Returns
    -------
    tuple of Path
        What was written; files of the same name are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = comparison.replay
    paths = {name: folder / name for name in ("margin.parquet", "replay.json", "state.json")}
    run.frame.to_parquet(paths["margin.parquet"])
    tables = {
        "blocks": run.blocks,
        "calls": run.calls,
        "skipped": run.skipped.set_index("time"),
        "comparison": comparison.table,
        "episodes": comparison.episodes.set_index("margin"),
    }
    for name, table in tables.items():
        paths[name] = folder / f"{name}.csv"
        table.to_csv(paths[name])
    record = json.dumps(replay_record(start, comparison), indent=2, allow_nan=False)
    paths["replay.json"].write_text(record + "\n", encoding="utf-8")
    run.state.save(paths["state.json"])
    return tuple(paths.values())
