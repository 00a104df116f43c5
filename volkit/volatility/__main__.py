"""Compile the kernels of the engine: ``python -m volkit.volatility``, once after an installation.

They are compiled when first used otherwise. Two processes that do so at the same time make code that may add in another
order, so whatever runs in parallel and compares bits begins with this.
"""

import warnings

import numpy as np
import pandas as pd

from volkit.errors import VolkitWarning
from volkit.volatility.forecasts import simulate_paths
from volkit.volatility.garch import Garch
from volkit.volatility.rolling import rolling_forecast

__all__ = ["compile_kernels"]


def compile_kernels() -> None:
    """Fit small models that together use every kernel.

    Examples
    --------
    >>> compile_kernels()
    """
    rng = np.random.default_rng(1)
    times = pd.date_range("2024-01-01", periods=160, tz="UTC", name="time")
    returns = pd.Series(rng.standard_normal(160) * 0.01, index=times, name="noise")
    with warnings.catch_warnings():
        # Their numbers do not matter.
        warnings.simplefilter("ignore", VolkitWarning)
        fit = Garch().fit(returns, periods_per_year=365)
        Garch(family="egarch").fit(returns, periods_per_year=365)
        simulate_paths(fit, horizon=2, n_paths=2, rng=rng)
        rolling_forecast(Garch(), returns, window=150, refit_every=5, periods_per_year=365)


if __name__ == "__main__":
    compile_kernels()
