"""Books and venues for tests of cascades."""

import numpy as np
import pytest

from volkit.contagion.cascade import LeveragedAccounts


def simulated_book(n: int, seed: int = 1, *, mixed: bool = True) -> LeveragedAccounts:
    """Return simulated accounts of both sides around 100 USD; sizes add up without rounding."""
    rng = np.random.default_rng(seed)
    price = 100.0 * np.exp(0.05 * rng.standard_normal(n))
    leverage = np.exp(rng.uniform(np.log(2.0), np.log(50.0), n))
    quantity = np.maximum(np.round(64.0 * rng.lognormal(0.0, 1.0, n)), 1.0) / 64.0
    return LeveragedAccounts.from_leverage(
        price=price,
        notional=quantity * price,
        leverage=leverage,
        side=np.where(rng.random(n) < 0.55, "long", "short"),
        maintenance_rate=rng.choice([0.004, 0.005, 0.01], n) if mixed else 0.005,
    )


def simulated_values(n_paths: int, n_steps: int, *, volatility: float, seed: int = 2) -> np.ndarray:
    """Return simulated prices over the start."""
    rng = np.random.default_rng(seed)
    return np.exp(np.cumsum(volatility * rng.standard_normal((n_paths, n_steps)), axis=1))


@pytest.fixture(name="book")
def _book() -> LeveragedAccounts:
    return simulated_book(2_000)
