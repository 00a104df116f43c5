"""Kernels of the live state with a model's parameters filled in."""

from typing import Any

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.realtime.state.model import LiveModel

__all__ = ["KERNELS", "runner", "steps_ahead", "variance_ahead"]

KERNELS = "volkit.realtime.state._kernels"


def steps_ahead(model: LiveModel, horizon: str | pd.Timedelta) -> int:
    """Return how many bars a horizon has.

    Raises
    ------
    ArgumentError
        For a horizon that is not whole bars.
    """
    length = pd.Timedelta(horizon)
    if length < model.step or length % model.step != pd.Timedelta(0):
        raise ArgumentError("horizon", f"must be whole bars of {model.step}", str(horizon), 'pass for example "8h"')
    return int(length / model.step)


def variance_ahead(model: LiveModel, times: np.ndarray, level: np.ndarray, horizon: str | pd.Timedelta) -> np.ndarray:
    """Return the expected variance over a horizon from each bar, shape (n,), decimal squared.

    Raises
    ------
    ArgumentError
        As `steps_ahead`.
    """
    out = np.empty(len(times))
    n = steps_ahead(model, horizon)
    load_kernels(KERNELS).sum_ahead(times, level, model.grid, model.omega, model.slope, model.factors, n, out)
    return out


def runner(model: LiveModel, numbers: np.ndarray, clock: np.ndarray, ring: np.ndarray) -> Any:
    """Return the kernel that moves the state, to be called with bars, grid and outputs."""
    kernels, core, factors = load_kernels(KERNELS), model.core, model.factors
    if model.kind == "recursion":
        return lambda times, values, grid, level, status: kernels.follow_recursion(
            times, values, grid, core, factors, numbers, clock, level, status
        )
    lags, form = np.array(model.lags, dtype=np.int64), model.form_code
    return lambda times, values, grid, level, status: kernels.follow_har(
        times, values, grid, form, core, lags, numbers, clock, ring, level, status
    )
