"""Feed a reader with changed files: `python tests/fuzz/run.py TARGET --seconds 60`, guided by coverage with atheris.

Without atheris, or with `--seeded`, the changes come from a seeded generator. The first crash of each place is
printed with the bytes that caused it; the exit status is 1 when there was one.
"""

import argparse
import faulthandler
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def place_of(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/volkit/" in f.filename]
    where = f"{frames[-1].filename.rpartition('/volkit/')[2]}:{frames[-1].lineno}" if frames else "outside volkit"
    return f"{where} {type(error).__name__}"


class Watch:
    """Counts the runs and keeps the first input of each crash."""

    def __init__(self, target, folder, *, longest):
        self.target, self.folder, self.longest = target, folder, longest
        self.runs = self.accepted = 0
        self.crashes = {}

    def feed(self, content):
        from targets import feed

        began = time.process_time()
        self.runs += 1
        try:
            self.accepted += feed(self.target, content, self.folder)
            if time.process_time() - began > self.longest:
                raise TimeoutError(f"more than {self.longest} CPU-seconds")
        except Exception as error:
            if self.crashes.setdefault(place_of(error), (content, error))[0] is content:
                print(f"CRASH {place_of(error)}: {error!s:.200}\n  {content[:300]!r}", flush=True)

    def report(self, name, seconds):
        print(
            f"{name}: {self.runs} runs in {seconds:.0f} s, {self.accepted} accepted, {len(self.crashes)} crashes",
            flush=True,
        )


class Guided:
    """Choices read from the bytes of the fuzzer, so that it learns which of them reach new code."""

    def __init__(self, data):
        import atheris

        self._data = atheris.FuzzedDataProvider(data)

    def below(self, n):
        return self._data.ConsumeIntInRange(0, n - 1)


def compiled_modules():
    """Return the names of modules with compiled code, which cannot be watched."""
    package = Path(__file__).resolve().parents[2] / "volkit"
    files = [path for path in package.rglob("*.py") if "njit" in path.read_text(encoding="utf-8")]
    return [".".join(path.relative_to(package.parent).with_suffix("").parts) for path in files]


def seeded(name, seconds, first_seed):
    from changes import Seeded
    from targets import TARGETS, attack, scratch

    with scratch() as folder:
        watch = Watch(TARGETS[name], folder, longest=5.0)
        for seed in TARGETS[name].seeds():
            watch.feed(seed)
        began = time.monotonic()  # the first calls import half of the package
        number = first_seed
        while time.monotonic() - began < seconds:
            watch.feed(attack(watch.target, Seeded(number)))
            number += 1
    watch.report(name, time.monotonic() - began)
    return watch


def guided(name, seconds):
    import os
    import tempfile

    import atheris

    folder = Path(tempfile.mkdtemp())
    # Readers are imported at their first use, and only what is imported in here shows what it reaches.
    with atheris.instrument_imports(include=["volkit"], exclude=compiled_modules()):
        from targets import TARGETS, attack

        # The first one waits for half of the package to be rewritten.
        watch = Watch(TARGETS[name], folder, longest=60.0)
        for seed in watch.target.seeds():
            watch.feed(seed)
    watch.longest = 5.0
    began = time.monotonic()

    def one(data):
        if time.monotonic() - began > seconds:
            watch.report(name, time.monotonic() - began)
            os._exit(bool(watch.crashes))
        watch.feed(attack(watch.target, Guided(data)))

    atheris.Setup([sys.argv[0], "-max_len=512", "-verbosity=0", "-rss_limit_mb=4096"], one)
    atheris.Fuzz()


def several(names, seconds, is_seeded, record):
    """Run each reader in a process of its own, as libFuzzer ends the one that it runs in."""
    import json
    import re
    import subprocess
    from datetime import UTC, datetime

    from targets import TARGETS

    held = json.loads(record.read_text())["readers"] if record is not None and record.exists() else []
    rows, ran = {row["reader"]: row for row in held}, []
    for name in names:
        words = [sys.executable, __file__, name, "--seconds", str(seconds), *["--seeded"][: int(is_seeded)]]
        # libFuzzer talks on the other stream.
        said = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        print(said, end="", flush=True)
        found = re.search(r"(\d+) runs in (\d+) s, (\d+) accepted, (\d+) crashes", said)
        if found is None:
            raise RuntimeError(f"{name} ended without its counts")
        keys = ("runs", "seconds", "accepted", "crashes")
        rows[name] = {"reader": name} | {key: int(found[k + 1]) for k, key in enumerate(keys)}
        ran.append(rows[name])
        if record is not None:
            known = [rows[reader] for reader in TARGETS if reader in rows]
            document = {"date": datetime.now(UTC).date().isoformat(), "guided": not is_seeded, "readers": known}
            record.write_text(json.dumps(document, indent=1) + "\n")
    return int(any(row["crashes"] for row in ran))


def main():
    faulthandler.enable()
    from importlib.util import find_spec

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="+", help="readers, or all")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeded", action="store_true", help="without atheris")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--record", type=Path, help="JSON file for the counts; readers that are not run keep theirs")
    chosen = parser.parse_args()
    is_seeded = chosen.seeded or not find_spec("atheris")
    if len(chosen.targets) > 1 or chosen.targets == ["all"] or chosen.record is not None:
        from targets import TARGETS

        names = list(TARGETS) if chosen.targets == ["all"] else chosen.targets
        return several(names, chosen.seconds, is_seeded, chosen.record)
    [name] = chosen.targets
    if is_seeded:
        return int(bool(seeded(name, chosen.seconds, chosen.seed).crashes))
    return guided(name, chosen.seconds)


if __name__ == "__main__":
    sys.exit(main())
