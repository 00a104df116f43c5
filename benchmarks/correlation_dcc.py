"""Times of DCC estimation beside other packages: ``python -m benchmarks.correlation_dcc [--json FILE] [--rounds N]``.

Simulated DCC(1,1), 2,000 periods, zero mean, a = .03, b = .95. Two rows a size: the correlation step alone, on the same
standardised residuals (multigarch is handed its margins ready made, low memory), and the whole fit, margins included,
ours with all standard errors, multigarch's without any. Ours also looks for a second hill, the peers climb one.
Processor seconds of one thread, in turns; the median of the rounds. The gap is the log-likelihood, ours less theirs,
of theirs evaluated with our likelihood on the same residuals.
"""

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks.peers import find_package
from benchmarks.timing import alternate
from volkit.correlation.dcc import Dcc, simulate_dcc
from volkit.correlation.dcc.estimation import find_optimum, pair_numbers
from volkit.correlation.dcc.likelihood import CorrelationProblem
from volkit.parallel import one_blas_thread
from volkit.volatility import Garch

__all__ = ["main"]

N_OBS, A, B = 2000, 0.03, 0.95
SIZES = (2, 10, 50)
# Accepted and aimed at, by size, over the fastest peer; composite over multigarch.
FULL = {2: (2.0, 4.0), 10: (2.0, 4.0), 50: (1.0, 2.0)}
COMPOSITE = {50: (3.0, 5.0)}


@dataclass(frozen=True)
class Row:
    """One line: ours and theirs in seconds, their ratio by round, and the gap in log-likelihood."""

    task: str
    peer: str
    ours: float
    theirs: float
    ratios: tuple[float, ...]
    gap: float
    floor: float | None = None
    aim: float | None = None

    @property
    def ratio(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.ratios)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 when a row is below its floor or a peer's optimum is higher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    rows = []
    with warnings.catch_warnings(), one_blas_thread():
        warnings.simplefilter("ignore")
        for n in SIZES:
            for row in _rows(n, chosen.rounds):
                rows.append(row)
                print(_line(row), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(r) | {"ratio": r.ratio} for r in rows], indent=1))
    return int(any((r.floor and max(r.ratios) < r.floor) or r.gap < -1e-4 for r in rows))


def _line(row: Row) -> str:
    goal = "" if row.floor is None else f"  accepted {row.floor:g}, aimed at {row.aim:g}"
    times = f"{row.ours * 1e3:9.1f} ms {row.theirs * 1e3:10.1f} ms {row.ratio:7.1f}x"
    return f"{row.task:34} {row.peer:11}{times}  gap {row.gap:9.1e}{goal}"


def _rows(n: int, rounds: int) -> list[Row]:
    returns = _returns(n)
    spec = Dcc(margins=Garch(distribution="normal", mean="zero"), convention="tsmarch")
    fit = spec.fit(returns, periods_per_year=252)
    z = fit.standardized.to_numpy().copy()
    rows = []
    for kind, goals in (("full", FULL), ("composite", COMPOSITE)):
        pairs = pair_numbers(n, "adjacent") if kind == "composite" else None

        def ours(pairs: np.ndarray | None = pairs) -> Any:
            return find_optimum(_problem(z, pairs))[0]

        for peer, work in _peers(z, returns, kind):
            theirs = work()
            problem = _problem(z, pairs)
            found = problem.evaluate(np.array(theirs))
            gap = ours().evaluation.value - (found.value if found else -np.inf)
            took = alternate(ours, work, rounds=rounds, calls=3 if n < 50 else 1)
            rows.append(_row(f"{kind}, N = {n}, correlation step", peer, took, gap, goals.get(n, (None, None))))
    if find_package("multigarch"):
        for kind in ("full", "composite"):
            own = Dcc(margins=spec.margins, convention="tsmarch", estimation=kind, pairs="adjacent")
            took = alternate(
                lambda own=own: own.fit(returns, periods_per_year=252),
                lambda kind=kind: _multigarch(kind).fit(returns.to_numpy() * 100),
                rounds=rounds,
                calls=1,
            )
            rows.append(_row(f"{kind}, N = {n}, with margins", "multigarch", took, 0.0, (None, None)))
    return rows


def _row(
    task: str, peer: str, took: list[tuple[float, float]], gap: float, goals: tuple[float | None, float | None]
) -> Row:
    ours, theirs = (statistics.median(t[k] for t in took) for k in (0, 1))
    return Row(task, peer, ours, theirs, tuple(b / a for a, b in took), float(gap), *goals)


def _problem(z: np.ndarray, pairs: np.ndarray | None) -> CorrelationProblem:
    return CorrelationProblem(z, False, "normal", False, "tsmarch", pairs)


def _returns(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    loading = rng.uniform(0.4, 0.8, size=n)
    target = np.outer(loading, loading)
    np.fill_diagonal(target, 1.0)
    x, _ = simulate_dcc(target, a=A, b=B, n_obs=N_OBS, rng=rng)
    recursion = Garch(distribution="normal", mean="zero").recursion_of(np.array([2e-6, 0.08, 0.90]))
    values = recursion.simulate(1e-4, np.ascontiguousarray(x.T))[0].T
    times = pd.date_range("2015-01-01", periods=N_OBS, tz="UTC", name="time")
    return pd.DataFrame(values, index=times, columns=[f"S{i}" for i in range(n)])


def _multigarch(kind: str) -> Any:
    package = find_package("multigarch")
    assert package is not None
    return package.DCC(n_jobs=1, low_memory=True, method="cl" if kind == "composite" else "full")


def _peers(z: np.ndarray, returns: pd.DataFrame, kind: str) -> list[tuple[str, Callable[[], tuple[float, float]]]]:
    """The correlation steps of the peers that are installed, each of which gives a and b."""
    out: list[tuple[str, Callable[[], tuple[float, float]]]] = []
    if find_package("multigarch"):
        from multigarch import models

        ready = [mock.Mock(sigma2=np.ones(len(z)), resid=np.ascontiguousarray(column)) for column in z.T]

        def multigarch() -> tuple[float, float]:
            with mock.patch.object(models, "_fit_garch_columns", mock.Mock(return_value=ready)):
                fit = _multigarch(kind).fit(z)
            return fit.a, fit.b

        out.append(("multigarch", multigarch))
    if find_package("multiarch"):
        from multiarch.dcc import DCC

        model = DCC(returns, mean="zero", convention="tsmarch", estimator=kind, pairs="adjacent")
        out.append(("multiarch", lambda: tuple(model._fit_corr(z)[0])))
    if find_package("pymgarch"):
        from pymgarch.estimation import ParamLayout, fit_stage2

        layout = ParamLayout(asymmetric=False, studentt=False)
        out.append(("pymgarch", lambda: tuple(fit_stage2(z, layout, method=kind).params)))
    return out


if __name__ == "__main__":
    sys.exit(main())
