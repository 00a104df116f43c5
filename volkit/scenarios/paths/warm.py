"""Compile the kernels of this package, for every kind of array that they meet."""

import numpy as np
import pandas as pd

from volkit.scenarios.paths.brownian import GeometricBrownian
from volkit.scenarios.paths.conditional import ConditionalVolatility
from volkit.scenarios.paths.engine import simulate_path_set
from volkit.volatility import Ewma

__all__ = ["compile_paths"]


def compile_paths() -> None:
    """Draw one log-normal path and one of a variance recursion.

    Examples
    --------
    >>> compile_paths()
    """
    times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    for engine in (
        GeometricBrownian(volatility={"BTC": 0.6}, step=pd.Timedelta("1h")),
        ConditionalVolatility.of_fits({"BTC": fit}),
    ):
        simulate_path_set(engine, horizon=1, n_paths=1, rng=np.random.default_rng(1))
