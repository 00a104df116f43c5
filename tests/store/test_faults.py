"""Killed writers, flipped bits, writers at once, full disks, closed folders: never a lie, never a loss."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from volkit.store import DamagedFileError, Store, read_series, write_series

NOW = pd.Timestamp("2024-06-01", tz="UTC")

# What every child process begins with: a pull of closes, and the store in the folder of its first argument.
PREAMBLE = """
import sys
from pathlib import Path
import numpy as np, pandas as pd
from volkit.errors import SourceError
from volkit.sources.pulling.coverage import Coverage, Pulled
from volkit.store import SeriesKey, Store

NOW = pd.Timestamp("2024-06-01", tz="UTC")
KEY = SeriesKey("ccxt", "binance", "BTC/USDT", "1d")
store = Store(Path(sys.argv[1]), now=lambda: NOW, lock_timeout=30)

def pull(close, start="2023-01-01"):
    index = pd.date_range(start, periods=len(close), tz="UTC", name="time", unit="us")
    none = pd.DataFrame(columns=["first", "last", "count"])
    coverage = Coverage(asked_first=index[0], asked_last=index[-1] + pd.Timedelta(days=1), got_first=index[0],
        got_last=index[-1], n_expected=len(close), n_got=len(close), missing=none, pages=1, retries=0, as_of=NOW)
    return Pulled(frame=pd.DataFrame({"close": close}, index=index), coverage=coverage, metadata={"unit": "USDT"})
"""


def start(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PREAMBLE + script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    return out


def files_below(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


# One process loads the libraries and forks the writers, twelve times faster than twelve processes that load them.
ENDLESS = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
folder = store.root
for attempt in range(int(sys.argv[2])):
    writer = os.fork()
    if not writer:
        print("writer", os.getpid(), flush=True)
        store.root = folder / str(attempt)
        for version in range(1, 10_000):
            store.update(KEY, pull(np.full(100 + version, float(version))))
            print(version, flush=True)
    os.waitpid(writer, 0)
    print("dead", flush=True)
"""


def kill_a_writer(lines, *, after):
    """Return the last version that a writer reported before it was killed, some seconds after its first."""
    writer, first = int(next(lines).split()[1]), next(lines)
    time.sleep(after)
    os.kill(writer, signal.SIGKILL)
    return max(map(int, [first, *iter(lambda: next(lines), "dead\n")]))


@pytest.mark.skipif(os.name == "nt", reason="no fork")
@pytest.mark.parametrize("n_kills", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_writer_killed_at_any_moment_leaves_one_complete_version(store, key, pull, n_kills, record_property):
    moments = random.Random(7)
    with start(ENDLESS, store.root, n_kills) as parent:
        for attempt in range(n_kills):
            survivor = Store(store.root / str(attempt), now=lambda: NOW, lock_timeout=1.0)

            seen = kill_a_writer(iter(parent.stdout), after=moments.uniform(0.0, 0.1))

            held = survivor.read(key)
            version = held.frame["close"].iloc[0]
            # What was reported as written is there; one more may have been on its way to the report.
            assert version in (seen, seen + 1)
            assert (held.frame["close"] == version).all() and held.n_obs == 100 + version
            assert len(held.revisions) == sum(100 + v for v in range(1, int(version)))
            survivor.update(key, pull([1.0], start="2022-12-31"))
            assert survivor.read(key).n_obs == held.n_obs + 1
            assert not [name for name in files_below(survivor.root) if name.endswith(".tmp")]
    record_property("measured", f"{n_kills} of {n_kills} kills left one complete version")


def test_what_a_killed_writer_had_begun_is_removed_by_the_next(store, key, pull, path_of):
    store.update(key, pull([1.0]))
    begun = path_of(key).with_name(f"{path_of(key).name}.0123456789abcdef.tmp")
    stranger = path_of(key).with_name("notes.tmp")
    begun.write_bytes(b"PAR1")
    stranger.write_bytes(b"mine")

    store.update(key, pull([1.0, 2.0]))

    assert not begun.exists() and stranger.exists()


def test_any_flipped_bit_is_found_out(tmp_path, record_property):
    times = pd.date_range("2024-01-01", periods=400, tz="UTC", name="time", unit="us")
    close = np.random.default_rng(1).lognormal(10, 1, len(times))
    frame = pd.DataFrame({"close": close, "first_seen": times}, index=times)
    path = tmp_path / "series.parquet"
    write_series(path, frame, metadata={"unit": "USDT", "missing": [["2024-01-03", "2024-01-04", 2]]})
    sound = path.read_bytes()
    positions = random.Random(2).sample(range(8 * len(sound)), 200)
    # The last 1,200 bytes are the footer: schema, metadata, seal.
    positions += random.Random(3).sample(range(8 * (len(sound) - 1_200), 8 * len(sound)), 200)

    for position in positions:
        damaged = bytearray(sound)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)

        with pytest.raises(DamagedFileError):
            read_series(path)

    path.write_bytes(sound)
    pd.testing.assert_frame_equal(read_series(path)[0], frame, check_freq=False)
    record_property("measured", f"{len(positions)} of {len(positions)} flipped bits found")


def test_file_cut_anywhere_is_found_out(tmp_path, record_property):
    times = pd.date_range("2024-01-01", periods=20, tz="UTC", unit="us")
    path = tmp_path / "series.parquet"
    write_series(path, pd.DataFrame({"close": np.arange(20.0)}, index=times), metadata={})
    sound = path.read_bytes()

    lengths = range(0, len(sound), 37)
    for length in lengths:
        path.write_bytes(sound[:length])
        with pytest.raises(DamagedFileError):
            read_series(path)
    record_property("measured", f"{len(lengths)} of {len(lengths)} truncations found")


def test_sound_parquet_of_another_program_is_not_taken_for_ours(tmp_path):
    path = tmp_path / "series.parquet"
    times = pd.date_range("2024-01-01", periods=3, tz="UTC", name="time", unit="us")
    pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=times).to_parquet(path)

    with pytest.raises(DamagedFileError, match="it has no seal"):
        read_series(path)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (lambda table, said: (table.rename_columns(["when", "close"]), said), "no time column"),
        (lambda table, said: (table.set_column(1, "close", [[1, 2, 3]]), said), "column close is of type int64"),
        (lambda table, said: (table.set_column(1, "close", [[1.0, 2.0, 4.0]]), said), "do not match their hash"),
        (lambda table, said: (table, {**said, "format": "first"}), "cannot be parsed"),
    ],
)
def test_a_seal_alone_does_not_make_a_file_sound(tmp_path, tamper, words):
    # A program that knows the seal but not the rules: the file is whole, and still not what it says it is.
    import pyarrow.parquet as pq

    from volkit.store.files import _sealed

    times = pd.date_range("2024-01-01", periods=3, tz="UTC", unit="us")
    path = tmp_path / "series.parquet"
    write_series(path, pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=times), metadata={})
    table = pq.read_table(path)
    said = json.loads(table.schema.metadata[b"volkit"])

    table, said = tamper(table.replace_schema_metadata(None), said)
    path.write_bytes(_sealed(table, json.dumps(said)))

    with pytest.raises(DamagedFileError, match=words):
        read_series(path)


TWO = """
first = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(sys.argv[2]))
for step in range(20):
    day = first + pd.Timedelta(days=2 * step)
    store.update(KEY, pull([float(day.day_of_year)], start=str(day.date())))
"""


def test_two_writers_at_once_lose_nothing(store, key, record_property):
    writers = [start(TWO, store.root, offset) for offset in (0, 1)]

    for writer in writers:
        finish(writer)

    held = store.read(key)
    assert held.frame["close"].tolist() == [float(day) for day in range(1, 41)]
    assert len(held.revisions) == 0
    record_property("measured", f"{held.n_obs} of 40 bars of two writers are there")


REFUSED = """
try:
    store.update(KEY, pull(np.random.default_rng(1).normal(size=20_000), start="1950-01-01"))
except SourceError as error:
    print(type(error).__name__, error)
"""

FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""


@pytest.mark.skipif(os.name == "nt", reason="no limits of file size")
def test_full_disk_is_a_typed_error_that_keeps_the_old_content(store, key, pull):
    # A limit on the size of files stops the write half way, as a full disk does, without filling one.
    store.update(key, pull([1.0, 2.0]))
    before = files_below(store.root)

    told = finish(start(FULL + REFUSED, store.root))

    assert told.startswith("StoreAccessError the store cannot write") and "File too large" in told
    assert store.read(key).frame["close"].tolist() == [1.0, 2.0]
    assert files_below(store.root) == before


# An administrator may write anywhere, so that the child becomes nobody first. It starts in the folder and names
# it ".", because nobody may not walk through the folders above.
CLOSED = """
import os
os.chdir(sys.argv[1])
store.root = Path(".")
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
print(store.read(KEY).n_obs)
"""


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_read_only_folder_is_a_typed_error_that_keeps_the_old_content(store, key, pull):
    store.update(key, pull([1.0, 2.0]))
    before = files_below(store.root)
    folders = [store.root, *(p for p in store.root.rglob("*") if p.is_dir())]
    for path in store.root.rglob("*.lock"):
        path.unlink()
    for folder in folders:
        folder.chmod(0o555)

    try:
        told = finish(start(CLOSED + REFUSED, store.root))
    finally:
        for folder in folders:
            folder.chmod(0o755)

    assert told.startswith("2\nStoreAccessError the store cannot lock") and "Permission denied" in told
    assert store.read(key).frame["close"].tolist() == [1.0, 2.0]
    assert set(files_below(store.root)) <= set(before)


def test_failure_after_the_bytes_were_written_leaves_no_temporary_file(tmp_path):
    # A folder in the place of the file lets everything succeed but the last step.
    path = tmp_path / "series.parquet"
    path.mkdir()
    times = pd.date_range("2024-01-01", periods=2, tz="UTC", unit="us")

    with pytest.raises(OSError, match="the store cannot write"):
        write_series(path, pd.DataFrame({"close": [1.0, 2.0]}, index=times), metadata={})

    assert [p.name for p in tmp_path.iterdir()] == ["series.parquet"]
