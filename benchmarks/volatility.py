"""Times of volatility models beside other packages: ``python -m benchmarks.volatility [--json FILE]``.

Processor seconds of one thread, ours and theirs in turns; the median of three rounds. A row below its floor says
so, and the exit status is 1 when it was below in every round. "zero mean" is on returns less their mean, for both.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import volkit
from benchmarks.peers import arch_fit, arch_loop, find_package, scivol_rolling
from benchmarks.table import ROUNDS, Line, Row, compare, run_table, timed
from benchmarks.timing import median_seconds
from volkit.volatility import Garch, Recursion, fit_panel, rolling_forecast, simulate_paths

__all__ = ["lines"]

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


def scivol_row(returns: pd.Series) -> Line:
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


def crypto_rows() -> Iterator[Line]:
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
    return timed(task, seconds, most=1.5, aim=1.0)


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    close = volkit.load_prices(volkit.open_source("bundled"), ["SPX"]).close["SPX"]
    spx = volkit.simple_returns(close)
    rolled = partial(rolling_row, "S&P 500", spx)
    yield rolled("garch", "t", floor=200, aim=400, errors=True)
    yield rolled("garch", "t")
    yield scivol_row(spx)
    yield rolled("gjr", "t", floor=250, aim=500, errors=True)
    yield rolled("egarch", "normal", floor=120, aim=200, errors=True)
    yield rolled("garch", "t", mean="constant")
    yield from crypto_rows()
    yield panel_row()
    yield single_row(spx, "zero", floor=25, aim=40)
    yield single_row(spx, "constant")
    yield paths_row(spx)
    yield fresh_row()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.volatility", lines))
