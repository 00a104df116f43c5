"""Times of DCC estimation beside other packages: ``python -m benchmarks.correlation_dcc [--json FILE]``.

Simulated DCC(1,1), 2,000 periods, zero mean, a = .03, b = .95. Two rows a size: the correlation step alone, on the same
standardised residuals (multigarch is handed its margins ready made, low memory), and the whole fit, margins included,
ours with all standard errors, multigarch's without any. Ours also looks for a second hill, the peers climb one.
Processor seconds of one thread, in turns; the median of the rounds. The gap is the log-likelihood, ours less theirs,
of theirs evaluated with our likelihood on the same residuals.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks.peers import find_package
from benchmarks.table import Line, compare, run_table
from volkit.correlation.dcc import Dcc, simulate_dcc
from volkit.correlation.dcc.estimation import find_optimum, pair_numbers
from volkit.correlation.dcc.likelihood import CorrelationProblem
from volkit.volatility import Garch

__all__ = ["lines"]

N_OBS, A, B = 2000, 0.03, 0.95
SIZES = (2, 10, 50)
# Accepted and aimed at, by size, over the fastest peer; composite over multigarch.
FULL = {2: (2.0, 4.0), 10: (2.0, 4.0), 50: (1.0, 2.0)}
COMPOSITE = {50: (3.0, 5.0)}
# Below it a peer has found the better optimum, and its time is not comparable.
LEAST_GAP = -1e-4


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    for n in SIZES:
        yield from _rows(n)


def _rows(n: int) -> Iterator[Line]:
    returns = _returns(n)
    spec = Dcc(margins=Garch(distribution="normal", mean="zero"), convention="tsmarch")
    fit = spec.fit(returns, periods_per_year=252)
    z = fit.standardized.to_numpy().copy()
    for kind, goals in (("full", FULL), ("composite", COMPOSITE)):
        pairs = pair_numbers(n, "adjacent") if kind == "composite" else None
        floor, aim = goals.get(n, (None, None))
        for peer, work in _peers(z, returns, kind):
            problem = _problem(z, pairs)
            gap = _gap(problem, work())
            if gap < LEAST_GAP:
                raise SystemExit(f"{peer}, {kind}, N = {n}: its optimum is higher by {-gap:.1e}")
            yield compare(
                f"DCC {kind}, N = {n}, correlation step (log-likelihood {gap:+.0e})",
                lambda pairs=pairs: find_optimum(_problem(z, pairs))[0],
                work,
                peer=peer,
                floor=floor,
                aim=aim,
                calls=3 if n < 50 else 1,
            )
    if find_package("multigarch") is None:
        yield f"DCC with margins, N = {n}, over multigarch: left out, the package is not installed"
        return
    for kind in ("full", "composite"):
        own = Dcc(margins=spec.margins, convention="tsmarch", estimation=kind, pairs="adjacent")
        yield compare(
            f"DCC {kind}, N = {n}, with margins",
            lambda own=own: own.fit(returns, periods_per_year=252),
            lambda kind=kind: _multigarch(kind).fit(returns.to_numpy() * 100),
            peer="multigarch",
            calls=1,
        )


def _gap(problem: CorrelationProblem, theirs: tuple[float, float]) -> float:
    found = problem.evaluate(np.array(theirs))
    ours = find_optimum(problem)[0].evaluation.value
    return float(ours - (found.value if found else -np.inf))


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
    sys.exit(run_table("benchmarks.correlation_dcc", lines))
