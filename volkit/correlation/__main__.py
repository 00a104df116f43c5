"""Compile the kernels of rolling and synchronised correlations: ``python -m volkit.correlation``."""

import warnings

import numpy as np
import pandas as pd

from volkit.correlation.rolling import rolling_correlation
from volkit.correlation.synchrony import synchronize_returns
from volkit.errors import VolkitWarning

__all__ = ["compile_kernels"]


def compile_kernels() -> None:
    """Make a small rolling correlation with band and test, and synchronise two series.

    Examples
    --------
    >>> compile_kernels()
    """
    times = pd.date_range("2024-01-01", periods=160, tz="UTC", name="time")
    x, y = (pd.Series(v, index=times) for v in np.random.default_rng(1).standard_normal((2, 160)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VolkitWarning)
        rolling_correlation(x.rename("x"), y.rename("y"), window=30, periods_per_year=365)
        synchronize_returns(pd.DataFrame({"x": x, "y": y}))


if __name__ == "__main__":
    compile_kernels()
