import numpy as np
import pandas as pd
import pytest

from volkit.margin import MarginPolicy, margin_schedule

POLICY = MarginPolicy(expanding=False, method="historical", confidence=0.95, lookback=60, floor=0.01)


@pytest.fixture(scope="session")
def make_returns():
    """Return simulated returns whose volatility moves in waves, on UTC days."""

    def make(n=400, seed=1):
        rng = np.random.default_rng(seed)
        waves = 0.03 * np.exp(0.8 * np.sin(np.arange(n) / 25.0))
        times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time")
        return pd.Series(waves * rng.standard_t(5, n) * np.sqrt(3 / 5), index=times, name="BTC").clip(lower=-0.9)

    return make


@pytest.fixture(scope="session")
def make_schedule():
    """Return the historical schedule of returns, at 95 % on 60 returns."""

    def make(returns, policy=POLICY):
        return margin_schedule(returns, policy=policy, periods_per_year=365)

    return make


@pytest.fixture(scope="session")
def returns(make_returns):
    return make_returns()


@pytest.fixture(scope="session")
def schedule(returns, make_schedule):
    return make_schedule(returns)
