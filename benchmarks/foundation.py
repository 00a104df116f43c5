"""Measured times of the main steps beside their peers, in one process: ``python -m benchmarks.foundation``.

Medians of repeated calls, one BLAS thread. Machines are shared and noisy: read the ratios.
"""

import platform
import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm

import volkit
from benchmarks.peers import arch_fit, arch_loop
from benchmarks.timing import median_seconds
from volkit.parallel import one_blas_thread
from volkit.volatility import walk_forward


def statsmodels_windows(x: pd.Series, y: pd.Series, window: int, n_windows: int) -> None:
    for start in range(n_windows):
        a, b = x.iloc[start : start + window], y.iloc[start : start + window]
        design = sm.add_constant(((a - a.mean()) / a.std()).to_numpy())
        fit = sm.OLS(((b - b.mean()) / b.std()).to_numpy(), design).fit(cov_type="HAC", cov_kwds={"maxlags": 12})
        fit.conf_int()


def main() -> None:
    panel = volkit.load_prices(volkit.open_source("bundled"), ["SPX", "NASDAQ"])
    moves = volkit.changes(panel)
    x, y = moves["SPX"], moves["NASDAQ"]
    recent = volkit.simple_returns(panel.close["SPX"]).iloc[-2000:]
    model = volkit.Garch(distribution="t")
    arch_terms = {"family": "garch", "distribution": "t", "mean": "constant", "errors": True}
    rows = [
        (
            "one GARCH-t fit, 5,030 returns, with standard errors",
            lambda: model.fit(x, periods_per_year=252),
            lambda: arch_fit(x, **arch_terms),
            "arch",
            5,
            1.0,
        ),
        (
            "walk forward on 1,000, re-fit every 21, a state each day, with errors",
            lambda: list(walk_forward(model, recent, window=1000, refit_every=21)),
            lambda: arch_loop(recent, window=1000, every=21, **arch_terms),
            "arch loop, a forecast every 21 days, with errors",
            3,
            1.0,
        ),
        (
            "rolling correlation, 90 of 5,030, HAR interval",
            lambda: volkit.rolling_correlation(x, y, window=90, periods_per_year=252, n_draws=0),
            lambda: statsmodels_windows(x, y, 90, 50),
            "statsmodels OLS with HAC errors, 50 windows scaled",
            3,
            (len(x) - 89) / 50,
        ),
    ]
    print(f"Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}")
    print(f"{'task':<72}{'volkit':>10}{'peer':>10}{'peer / volkit':>15}  peer")
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for task, ours, theirs, peer, repeats, scale in rows:
            a, b = median_seconds(ours, repeats=repeats), scale * median_seconds(theirs, repeats=repeats)
            print(f"{task:<72}{a:>9.4f}s{b:>9.4f}s{b / a:>15.2f}  {peer}")


if __name__ == "__main__":
    main()
