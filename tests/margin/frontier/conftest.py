import numpy as np
import pandas as pd
import pytest

from volkit.margin import MarginPolicy
from volkit.margin.frontier import policy_frontier
from volkit.volatility import Ewma


def simulated(name, seed, n=600):
    """Returns of a GARCH process with t shocks."""
    rng, variance, values = np.random.default_rng(seed), 6e-4, []
    for z in rng.standard_t(5, n) * np.sqrt(3 / 5):
        values.append(np.sqrt(variance) * z)
        variance = 1.2e-5 + 0.08 * values[-1] ** 2 + 0.90 * variance
    return pd.Series(values, index=pd.date_range("2022-01-01", periods=n, tz="UTC", name="time"), name=name)


BASE = {"confidence": 0.95, "lookback": 200, "expanding": False, "refit_every": 60}
POLICIES = {
    "plain": MarginPolicy(method="historical", **BASE),
    "plain, long": MarginPolicy(method="historical", **{**BASE, "lookback": 300}),
    "shortfall": MarginPolicy(method="historical", measure="expected_shortfall", **BASE),
    "filtered": MarginPolicy(**BASE),
    "filtered, floor": MarginPolicy(floor=0.05, **BASE),
    "filtered, EWMA": MarginPolicy(model=Ewma(half_life=15.0), **BASE),
    "law": MarginPolicy(method="fitted_law", **BASE),
    "weighted": MarginPolicy(method="weighted_historical", half_life=100.0, **BASE),
}


@pytest.fixture(scope="session")
def returns():
    return {"BTC": simulated("BTC", 1), "ETH": simulated("ETH", 2)}


@pytest.fixture(scope="session")
def policies():
    return POLICIES


@pytest.fixture(scope="session")
def make_frontier(returns, policies):
    def make(assets=None, chosen=None, **arguments):
        terms = {"periods_per_year": 365, "rng": np.random.default_rng(7), "confidence": 0.95, "n_draws": 200}
        return policy_frontier(assets or returns, chosen or policies, **{**terms, **arguments})

    return make


@pytest.fixture(scope="session")
def frontier(make_frontier):
    return make_frontier()
