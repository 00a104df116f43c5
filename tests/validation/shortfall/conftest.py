import numpy as np
import pytest
from scipy import stats

from volkit.validation.shortfall import normal_law


@pytest.fixture(scope="session")
def oracle_market():
    """The fully specified series of the oracle runs: a Lehmer generator, t(4) shocks, GARCH(1,1) variance."""
    n, state = 1000, 20240601
    uniforms = np.empty(n)
    for k in range(n):
        state = 16807 * state % 2147483647
        uniforms[k] = state / 2147483647
    z = stats.t(4).ppf(uniforms) / np.sqrt(2)
    variance, r = np.ones(n), np.empty(n)
    for k in range(n):
        if k:
            variance[k] = 0.05 + 0.10 * r[k - 1] ** 2 + 0.85 * variance[k - 1]
        r[k] = np.sqrt(variance[k]) * z[k]
    return -r, {"garchN": np.sqrt(variance), "const": np.full(n, np.sqrt(np.mean(r**2)))}


@pytest.fixture(scope="session")
def sample():
    """Return a function that makes simulated normal losses and their right forecasts."""

    def make(n, *, confidence=0.975, inflation=1.0, seed=1):
        rng = np.random.default_rng(seed)
        scale = np.exp(0.5 * rng.standard_normal(n))
        law = normal_law()
        losses = inflation * scale * rng.standard_normal(n)
        return losses, scale * law.value_at_risk(confidence), scale * law.expected_shortfall(confidence)

    return make
