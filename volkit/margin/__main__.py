"""Compile the kernels of margins and of their back-tests: ``python -m volkit.margin``, as for `volkit.volatility`."""

import warnings

import numpy as np
import pandas as pd

from volkit.errors import VolkitWarning
from volkit.margin.horizon import simulate_touch
from volkit.margin.policy import MarginPolicy
from volkit.margin.schedule import margin_schedule
from volkit.validation import berkowitz_tail_test, exception_law
from volkit.validation.shortfall import acerbi_szekely_draws, normal_law, strict_es_regression_test

__all__ = ["compile_kernels"]


def compile_kernels() -> None:
    """Make a small schedule, touch probability, and one of each kind of back-test.

    Examples
    --------
    >>> compile_kernels()
    """
    rng = np.random.default_rng(1)
    times = pd.date_range("2024-01-01", periods=160, tz="UTC", name="time")
    returns = pd.Series(0.02 * rng.standard_normal(160), index=times, name="asset")
    law = normal_law()
    shortfall = 0.02 * law.expected_shortfall(0.95) * (1.0 + 0.1 * rng.random(160))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VolkitWarning)
        policy = MarginPolicy(method="historical", confidence=0.95, lookback=100)
        margin_schedule(returns, policy=policy, periods_per_year=365)
        simulate_touch(0.05, side="long", volatility=0.04, horizon=1, interval=pd.Timedelta("1D"), rng=rng, n_paths=100)
        exception_law(50, confidence=0.95, n_draws=100)
        berkowitz_tail_test(np.array([0.01, 0.5]), confidence=0.95, n_draws=100)
        for statistic in ("Z1", "Z2", "Z3"):
            acerbi_szekely_draws(50, statistic=statistic, confidence=0.95, law=law, rng=rng, n_draws=1000)
        strict_es_regression_test(-returns.to_numpy(), shortfall, confidence=0.95)


if __name__ == "__main__":
    compile_kernels()
