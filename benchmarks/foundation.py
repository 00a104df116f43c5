"""Times of the main steps beside their peers: ``python -m benchmarks.foundation``.

Processor seconds of one thread, ours and the peer's in turns; the median of three rounds.
"""

import sys
from collections.abc import Iterator

import pandas as pd
import statsmodels.api as sm

import volkit
from benchmarks.peers import arch_fit, arch_loop
from benchmarks.table import Line, compare, run_table
from volkit.volatility import walk_forward

__all__ = ["lines"]


def statsmodels_windows(x: pd.Series, y: pd.Series, window: int, n_windows: int) -> None:
    for start in range(n_windows):
        a, b = x.iloc[start : start + window], y.iloc[start : start + window]
        design = sm.add_constant(((a - a.mean()) / a.std()).to_numpy())
        fit = sm.OLS(((b - b.mean()) / b.std()).to_numpy(), design).fit(cov_type="HAC", cov_kwds={"maxlags": 12})
        fit.conf_int()


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    panel = volkit.load_prices(volkit.open_source("bundled"), ["SPX", "NASDAQ"])
    moves = volkit.changes(panel)
    x, y = moves["SPX"], moves["NASDAQ"]
    recent = volkit.simple_returns(panel.close["SPX"]).iloc[-2000:]
    model = volkit.Garch(distribution="t")
    arch_terms = {"family": "garch", "distribution": "t", "mean": "constant", "errors": True}
    yield compare(
        "one GARCH-t fit, 5,030 returns, with standard errors",
        lambda: model.fit(x, periods_per_year=252),
        lambda: arch_fit(x, **arch_terms),
        peer="arch",
        calls=5,
    )
    yield compare(
        "walk forward on 1,000, re-fit every 21, a state each day, with errors",
        lambda: list(walk_forward(model, recent, window=1000, refit_every=21)),
        lambda: arch_loop(recent, window=1000, every=21, **arch_terms),
        peer="arch loop, a forecast every 21 days, with errors",
    )
    yield compare(
        "rolling correlation, 90 of 5,030, HAR interval",
        lambda: volkit.rolling_correlation(x, y, window=90, periods_per_year=252, n_draws=0),
        lambda: statsmodels_windows(x, y, 90, 50),
        peer="statsmodels OLS with HAC errors",
        scale=(len(x) - 89) / 50,
    )


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.foundation", lines))
