"""How cost and memory grow, and a universe on two workers of which one is killed: ``python -m benchmarks.scaling``.

Parts, all of them unless some are named: ``growth`` (processor seconds of one thread at several sizes and the exponent
fitted to them), ``memory`` (highest resident memory of a new process at 100 and at 1,000 assets) and ``universe``
(500 simulated assets by ten policies on a cluster of two local workers; one is killed in the middle, and the result is
compared with that of processes). The first two take about three minutes, the last one about five on two free cores.
All data are simulated.
"""

import argparse
import json
import math
import os
import platform
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.contagion_cascade import PRICE, VOLATILITY
from benchmarks.timing import cpu_seconds
from volkit.contagion.cascade import LeveragedAccounts, Venue, cascade_paths
from volkit.impact.laws import LinearImpact
from volkit.margin import MarginPolicy, margin_schedule
from volkit.parallel import one_blas_thread, parallel_backend, show_progress
from volkit.results import content_hash
from volkit.study.universe import UniverseAsset, UniverseStudy, simulated_universe, universe_study

__all__ = ["fitted_exponent", "main"]

REPEATS = 2
CHUNK = 64
SEED = 20240601


def fitted_exponent(sizes: list[int], seconds: list[float]) -> tuple[float, float, float]:
    """Return the slope of log seconds on log size with its 95 % interval (Student t of the residuals).

    Examples
    --------
    >>> slope, low, high = fitted_exponent([1, 2, 4, 8], [1.0, 4.1, 15.9, 64.0])
    >>> round(slope, 2), low < 2 < high
    (2.0, True)
    """
    fit = stats.linregress(np.log(sizes), np.log(seconds))
    half = float(stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr)
    return float(fit.slope), float(fit.slope) - half, float(fit.slope) + half


# --- growth

QUICK = {
    "historical, 250 days": MarginPolicy(method="historical", lookback=250, expanding=False),
    "filtered, GARCH-t": MarginPolicy(lookback=250),
}


def _universe(n_assets: int, n_days: int = 500) -> Callable[[], object]:
    return lambda: universe_study(simulated_universe(n_assets, n_days=n_days), policies=QUICK)


def _policies(n: int) -> Callable[[], object]:
    policies = {str(k): MarginPolicy(method="historical", lookback=200 + k, expanding=False) for k in range(n)}
    return lambda: universe_study(simulated_universe(1, n_days=600), policies=policies)


def _days(policy: MarginPolicy) -> Callable[[int], Callable[[], object]]:
    def at(n_days: int) -> Callable[[], object]:
        [asset] = simulated_universe(1, n_days=n_days)
        return lambda: margin_schedule(asset.returns, policy=policy, periods_per_year=365)

    return at


def _cascade(n_accounts: int, n_paths: int) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    entry = PRICE * np.exp(0.03 * rng.standard_normal(n_accounts))
    accounts = LeveragedAccounts.from_leverage(
        price=entry,
        notional=entry * rng.lognormal(0.0, 1.0, n_accounts),
        leverage=np.exp(rng.uniform(np.log(2.0), np.log(50.0), n_accounts)),
        side=np.where(rng.random(n_accounts) < 0.55, "long", "short"),
        maintenance_rate=0.005,
    )
    coins = float(np.abs(accounts.quantity).sum())
    venue = Venue(price=PRICE, impact=LinearImpact(0.2 / coins), fund=0.02 * coins)
    values = np.exp(np.cumsum(VOLATILITY * rng.standard_normal((n_paths, 96)), axis=1))
    return lambda: cascade_paths(accounts, venue, values)


GROWTH: dict[str, tuple[str, list[int], Callable[[int], Callable[[], object]]]] = {
    "assets": ("a universe by 2 policies, 500 days", [2, 4, 8, 16], _universe),
    "policies": ("one asset, 600 days, historical look-backs", [32, 64, 128, 256], _policies),
    "days, rolling": (
        "margins of one asset, GARCH-t on rolling 500 days",
        [750, 1500, 3000, 6000],
        _days(MarginPolicy(lookback=500, expanding=False)),
    ),
    "days, expanding": (
        "margins of one asset, GARCH-t on all days so far",
        [750, 1500, 3000, 6000],
        _days(MarginPolicy(lookback=500)),
    ),
    "scenarios": (
        "cascades of 5,000 accounts along paths of 96 steps",
        [500, 1000, 2000, 4000],
        lambda n: _cascade(5_000, n),
    ),
    "accounts": (
        "cascades along 200 paths of 96 steps",
        [25_000, 50_000, 100_000, 200_000],
        lambda n: _cascade(n, 200),
    ),
}


def growth() -> Iterator[dict[str, Any]]:
    """Yield one row a dimension: sizes, processor seconds (least of some), exponent with interval."""
    for name, (what, sizes, work) in GROWTH.items():
        jobs = [work(size) for size in sizes]
        jobs[0]()
        rounds = [[cpu_seconds(job) for job in jobs] for _ in range(REPEATS)]
        seconds = [min(column) for column in zip(*rounds, strict=True)]
        slope, low, high = fitted_exponent(sizes, seconds)
        print(f"{name:<18}{what:<52}exponent {slope:.2f} ({low:.2f} to {high:.2f})", flush=True)
        yield {
            "name": name,
            "what": what,
            "sizes": sizes,
            "seconds": seconds,
            "exponent": slope,
            "low": low,
            "high": high,
        }


# --- memory

PLAIN = {"historical, 250 days": QUICK["historical, 250 days"]}


def peak_of(n_assets: int, chunk: int) -> float:
    """Return the highest resident memory of this process, MiB, after a universe of so many assets."""
    universe_study(simulated_universe(n_assets, n_days=500), policies=PLAIN, chunk=chunk)
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest / (2**20 if sys.platform == "darwin" else 2**10)


def memory() -> Iterator[dict[str, Any]]:
    """Yield one row a size, each measured in a new process."""
    for n_assets in (100, 1000):
        words = [sys.executable, "-m", "benchmarks.scaling", "--peak", str(n_assets)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        row = {"assets": n_assets, "days": 500, "policies": len(PLAIN), "chunk": CHUNK, "peak_mib": float(done.stdout)}
        print(f"{n_assets:>6,} assets: highest resident memory {row['peak_mib']:.0f} MiB", flush=True)
        yield row


# --- a universe on two workers


@contextmanager
def local_cluster(n_workers: int = 2) -> Iterator[Any]:
    """Hand out a cluster of local workers with one thread each, without a dashboard."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50, memory_limit=0
    ) as cluster:
        yield cluster


def kill_one(address: str) -> int:
    """Kill a worker of a cluster as a crash would, and return its process number."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        victim = min(client.run(os.getpid).values())
    os.kill(victim, signal.SIGKILL)
    return victim


def killing(assets: Iterator[UniverseAsset], *, at: int, after: float, address: str) -> Iterator[UniverseAsset]:
    """Yield the assets; some seconds after one of them was handed out, kill a worker."""
    for number, asset in enumerate(assets):
        if number == at:
            threading.Timer(after, kill_one, (address,)).start()
        yield asset


def hash_of(study: UniverseStudy) -> str:
    """Return one hash over the rates, counts and choices of a universe study."""
    cells = study.cells.reset_index()
    numbers = cells.select_dtypes("number").set_axis(pd.date_range("2020", periods=len(cells), tz="UTC"))
    return content_hash(numbers)


def universe(n_assets: int, n_days: int) -> dict[str, Any]:
    """Return what a universe took on two workers, one of which is killed, and whether processes give the same bits."""
    with local_cluster() as cluster:
        address = cluster.scheduler_address
        start = time.perf_counter()
        with parallel_backend("dask", scheduler=address):
            made = simulated_universe(n_assets, n_days=n_days, seed=SEED)
            disturbed = killing(made, at=n_assets // 2, after=2.0, address=address)
            found = universe_study(disturbed, chunk=CHUNK)
        wall = time.perf_counter() - start
    print(f"on two workers, one killed: {wall:.0f} s of wall clock; SIMULATED, {found.headline}", flush=True)
    start = time.perf_counter()
    with parallel_backend("processes", n_jobs=2):
        again = universe_study(simulated_universe(n_assets, n_days=n_days, seed=SEED), chunk=CHUNK)
    undisturbed = time.perf_counter() - start
    same = hash_of(found) == hash_of(again) and found.assets.equals(again.assets)
    print(f"in two processes: {undisturbed:.0f} s; {'the same bits' if same else 'OTHER NUMBERS'}", flush=True)
    table = found.policies.reset_index().to_dict("records")
    return {
        "assets": n_assets, "days": n_days, "policies": len(found.policies), "chunk": CHUNK, "seed": SEED,
        "workers": 2, "killed": 1, "wall_seconds": wall, "wall_seconds_processes": undisturbed, "same_bits": same,
        "without_policy": int(found.assets["recommended"].isna().sum()), "left_out": len(found.left_out),
        "table": table, "load_per_core": os.getloadavg()[0] / (os.cpu_count() or 1),
    }  # fmt: skip


# --- the record


def main(arguments: list[str]) -> int:
    """Measure the parts named, write the record; return 1 when a universe came out with other numbers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("parts", nargs="*", choices=["growth", "memory", "universe", []], help="default: all")
    parser.add_argument("--record", type=Path, help="write, or bring up to date, the JSON there")
    parser.add_argument("--assets", type=int, default=500, help="of the universe")
    parser.add_argument("--days", type=int, default=1000, help="of the universe")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    with one_blas_thread(), show_progress(False):
        if options.peak:
            print(peak_of(options.peak, CHUNK))
            return 0
        parts: dict[str, Any] = {}
        chosen = options.parts or ["growth", "memory", "universe"]
        if "growth" in chosen:
            parts["growth"] = list(growth())
        if "memory" in chosen:
            parts["memory"] = list(memory())
        if "universe" in chosen:
            parts["universe"] = universe(options.assets, options.days)
    if options.record:
        before = json.loads(options.record.read_text()) if options.record.is_file() else {}
        record = before | _machine() | parts
        options.record.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return int(not parts.get("universe", {"same_bits": True})["same_bits"])


def _machine() -> dict[str, Any]:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = {
        "system": platform.system(), "cores": os.cpu_count(), "memory": f"{math.floor(gib)} GiB",
        "Python": platform.python_version(),
    }  # fmt: skip
    return {"date": datetime.now(UTC).date().isoformat(), "machine": machine}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
