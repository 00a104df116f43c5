"""Times of volatility models beside other packages: ``python -m benchmarks.volatility [--json FILE] [--only WORD]``.

Processor seconds of one thread, ours and theirs in turns; the median of three rounds. A row below its floor says
so, and the exit status is 1 when it was below in every round. "zero mean" is on returns less their mean, for both.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import arch
import numpy as np
import pandas as pd

import volkit
from benchmarks.peers import arch_fit, arch_loop, find_package, scivol_rolling
from benchmarks.timing import alternate, median_seconds
from volkit.parallel import one_blas_thread
from volkit.volatility import Garch, Recursion, fit_panel, rolling_forecast, simulate_paths

__all__ = ["main"]

ROUNDS = 3
WINDOW, DAYS = 1000, 1000
# Windows of a peer's loop that are timed, evenly over the span; the rest is multiplied.
SAMPLE = 40
N_SERIES, N_OBS, N_SAMPLED_SERIES = 200, 1500, 20
N_PATHS, HORIZON = 10_000, 10
FRESH_RUNS = 5

_FRESH_FIT = """
import numpy as np, pandas as pd
from volkit.volatility import Garch
times = pd.date_range("2020-01-01", periods=1000, tz="UTC")
returns = pd.Series(np.random.default_rng(1).standard_t(5, 1000) * 0.01, index=times)
Garch(distribution="t").fit(returns, periods_per_year=365).standard_errors
"""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    task, peer : str
        What is done, and by whom besides.
    ours, theirs : float
        Seconds; NaN where there is no peer.
    values : tuple of float
        Per round: theirs over ours, or our seconds where there is no peer.
    floor, aim : float or None
        Accepted and wished: least ratios, or most seconds where there is no peer.
    """

    task: str
    peer: str
    ours: float
    theirs: float
    values: tuple[float, ...]
    floor: float | None = None
    aim: float | None = None

    @property
    def value(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.values)

    @property
    def has_peer(self) -> bool:
        """Whether the value is a ratio."""
        return not np.isnan(self.theirs)

    def misses(self, value: float, bound: float | None) -> bool:
        """Whether a value is on the wrong side of a bound."""
        return bound is not None and (value < bound if self.has_peer else value > bound)

    @property
    def is_below(self) -> bool:
        """Whether every round misses the floor."""
        return all(self.misses(value, self.floor) for value in self.values)

    def __str__(self) -> str:
        late = self.misses(self.value, self.aim)
        mark = "below" if self.misses(self.value, self.floor) else "short of aim" if late else ""
        unit, theirs = ("x", f"{self.theirs:.3f}") if self.has_peer else ("s", "")
        floor, aim = ("" if bound is None else f"{bound:g}{unit}" for bound in (self.floor, self.aim))
        numbers = f"{self.ours:>10.4f}{theirs:>10}{self.value:>8.1f}{unit}{floor:>8}{aim:>8}"
        return f"{self.task:<70}{numbers}  {self.peer:<26}{mark}".rstrip()


def compare(
    task: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    peer: str,
    scale: float = 1.0,
    floor: float | None = None,
    aim: float | None = None,
    calls: int = 3,
) -> Row:
    """Return the row of a task, `scale` times the peer's sample being the whole."""
    rounds = [(a, b * scale) for a, b in alternate(ours, theirs, rounds=ROUNDS, calls=calls)]
    a, b = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Row(task, peer, a, b, tuple(theirs / ours for ours, theirs in rounds), floor, aim)


def rolling_row(
    name: str, returns: pd.Series, family: str, distribution: str, *, mean: str = "zero", errors: bool = False,
    floor: float | None = None, aim: float | None = None,
) -> Row:  # fmt: skip
    """Return the row of daily re-fits of one model on one series, over a plain loop."""
    span = returns.iloc[-(WINDOW + DAYS - 1) :]
    span = span - span.mean() if mean == "zero" else span
    terms = {"family": family, "distribution": distribution, "mean": mean}
    word = {"garch": "GARCH", "gjr": "GJR", "egarch": "EGARCH"}[family]
    return compare(
        f"daily re-fit, {word}-{distribution}, {name}, {mean} mean, forecast and errors",
        lambda: rolling_forecast(Garch(**terms), span, window=WINDOW, periods_per_year=252),
        partial(arch_loop, span, window=WINDOW, every=DAYS // SAMPLE, errors=errors, **terms),
        peer=f"arch loop, {'with' if errors else 'no'} errors",
        scale=DAYS / SAMPLE,
        floor=floor,
        aim=aim,
    )


def scivol_row(returns: pd.Series) -> Row | str:
    """Return the row of daily re-fits over scivol's rolling fits, or why there is none."""
    package = find_package("scivol")
    if package is None:
        return "daily re-fit over scivol: left out, the package is not installed"
    package.settings.show_progress = False
    span = returns.iloc[-(WINDOW + DAYS - 1) :]
    span = span - span.mean()
    return compare(
        "daily re-fit, GARCH-t, S&P 500, zero mean, forecast and errors",
        lambda: rolling_forecast(Garch(mean="zero"), span, window=WINDOW, periods_per_year=252),
        partial(scivol_rolling, span, window=WINDOW),
        peer="scivol fit_rolling",
        floor=25,
        aim=50,
    )


def crypto_rows() -> Iterator[Row | str]:
    """Yield the rows of daily re-fits on two coins, or why there are none."""
    folder = os.environ.get("VOLKIT_REAL_DATA")
    if not folder:
        yield "daily re-fit on BTC and ETH: left out, VOLKIT_REAL_DATA names no folder"
        return
    for asset in ("BTC", "ETH"):
        bars = pd.read_csv(Path(folder) / "daily" / f"{asset}-USDT_binance_1d.csv.gz", index_col="time")
        bars.index = pd.to_datetime(bars.index, utc=True)
        yield rolling_row(
            asset, volkit.simple_returns(bars["close"].rename(asset)), "garch", "t", errors=True, floor=150, aim=300
        )


def simulated_panel() -> pd.DataFrame:
    """Return returns of GJR processes with t shocks, each with its own parameters, shape (1500, 200)."""
    rng = np.random.default_rng(20240601)
    columns = {}
    for i in range(N_SERIES):
        alpha, gamma, persistence = rng.uniform(0.02, 0.08), rng.uniform(0.0, 0.12), rng.uniform(0.93, 0.99)
        omega = 1e-4 * (1.0 - persistence)
        recursion = Recursion(0.0, omega, alpha, gamma, persistence - alpha - gamma / 2.0)
        nu = rng.uniform(4.0, 10.0)
        shocks = rng.standard_t(nu, (1, N_OBS)) * np.sqrt((nu - 2.0) / nu)
        columns[f"S{i:03d}"] = recursion.simulate(1e-4, shocks)[0][0]
    return pd.DataFrame(columns, index=pd.date_range("2020-01-01", periods=N_OBS, tz="UTC"))


def panel_row() -> Row:
    """Return the row of one model on many series."""
    panel = simulated_panel()
    panel = panel - panel.mean()
    sample = panel.columns[:: N_SERIES // N_SAMPLED_SERIES]
    return compare(
        f"{N_SERIES} series of {N_OBS}, GARCH-t, zero mean, several starts, errors",
        lambda: fit_panel(Garch(mean="zero"), panel, periods_per_year=365),
        lambda: [arch_fit(panel[c], family="garch", distribution="t", mean="zero", errors=True) for c in sample],
        peer="arch, with errors",
        scale=N_SERIES / N_SAMPLED_SERIES,
        floor=60,
        aim=100,
    )


def single_row(returns: pd.Series, mean: str, *, floor: float | None = None, aim: float | None = None) -> Row:
    """Return the row of one fit to a long series."""
    span = returns - returns.mean() if mean == "zero" else returns
    return compare(
        f"one fit to {len(span):,} returns, GARCH-t, {mean} mean, errors",
        lambda: Garch(mean=mean).fit(span, periods_per_year=252).standard_errors,
        lambda: arch_fit(span, family="garch", distribution="t", mean=mean, errors=True),
        peer="arch, with errors",
        floor=floor,
        aim=aim,
        calls=15,
    )


def paths_row(returns: pd.Series) -> Row:
    """Return the row of filtered historical simulation."""
    fit = Garch(family="gjr").fit(returns, periods_per_year=252)
    theirs = arch_fit(returns, family="gjr", distribution="t", mean="constant")
    rng = np.random.default_rng(1)
    return compare(
        f"filtered historical simulation, GJR-t, {HORIZON} days, {N_PATHS:,} paths",
        lambda: simulate_paths(fit, horizon=HORIZON, n_paths=N_PATHS, rng=rng, method="bootstrap"),
        lambda: theirs.forecast(horizon=HORIZON, method="bootstrap", simulations=N_PATHS),
        peer="arch bootstrap forecast",
        floor=5,
        aim=8,
        calls=15,
    )


def fresh_row() -> Row:
    """Return the row of a first fit in a new process, imports and all, kernels compiled before."""
    run = partial(subprocess.run, [sys.executable, "-W", "ignore", "-c", _FRESH_FIT], check=True)
    run()
    seconds = tuple(median_seconds(run, repeats=FRESH_RUNS, warm_up=False) for _ in range(ROUNDS))
    task = "first fit in a new process, GARCH-t, wall seconds"
    return Row(task, "", statistics.median(seconds), float("nan"), seconds, floor=1.5, aim=1.0)


def rows() -> Iterator[tuple[str, Callable[[], Iterator[Row | str]]]]:
    """Yield a word for each group of rows and what measures it."""
    close = volkit.load_prices(volkit.open_source("bundled"), ["SPX"]).close["SPX"]
    spx = volkit.simple_returns(close)
    rolled = partial(rolling_row, "S&P 500", spx)
    yield "garch", lambda: iter([rolled("garch", "t", floor=200, aim=400, errors=True), rolled("garch", "t")])
    yield "scivol", lambda: iter([scivol_row(spx)])
    yield "gjr", lambda: iter([rolled("gjr", "t", floor=250, aim=500, errors=True)])
    yield "egarch", lambda: iter([rolled("egarch", "normal", floor=120, aim=200, errors=True)])
    yield "constant", lambda: iter([rolled("garch", "t", mean="constant")])
    yield "crypto", crypto_rows
    yield "panel", lambda: iter([panel_row()])
    yield "single", lambda: iter([single_row(spx, "zero", floor=25, aim=40), single_row(spx, "constant")])
    yield "paths", lambda: iter([paths_row(spx)])
    yield "fresh", lambda: iter([fresh_row()])


def main(arguments: list[str]) -> int:
    """Print the table; return 1 when a row was below its floor in every round."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.volatility")
    parser.add_argument("--json", type=Path, help="also write the rows there")
    parser.add_argument("--only", help="one group of rows")
    options = parser.parse_args(arguments)
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, arch {arch.__version__}"
    print(versions)
    print(f"{'task':<70}{'ours':>10}{'peer':>10}{'ratio':>9}{'floor':>8}{'aim':>8}")
    found = []
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for word, measure in rows():
            for row in measure() if options.only in (None, word) else ():
                print(row, flush=True)
                found += [row] if isinstance(row, Row) else []
    if options.json:
        table = [
            asdict(row) | {"theirs": row.theirs if row.has_peer else None, "value": row.value, "is_below": row.is_below}
            for row in found
        ]
        options.json.write_text(json.dumps({"versions": versions, "rows": table}, indent=1) + "\n")
    return int(any(row.is_below for row in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
