"""Black-76 in 60-digit decimal arithmetic, written from the formula and sharing nothing with the package."""

from collections.abc import Callable
from decimal import Decimal, getcontext, localcontext

import numpy as np
import pytest

DIGITS = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def lower_tail(x: Decimal) -> Decimal:
    """Return N(-x): a series of positive terms near zero, Laplace's continued fraction beyond 3."""
    if x < 0:
        return 1 - lower_tail(-x)
    density = (-x * x / 2).exp() / (2 * PI).sqrt()
    if x > 3:
        fraction = x
        for n in range(400, 0, -1):
            fraction = x + n / fraction
        return density / fraction
    term = total = x
    n = 1
    while abs(term) > Decimal(10) ** (-getcontext().prec):
        term = term * x * x / (2 * n + 1)
        total += term
        n += 1
    return Decimal("0.5") - density * total


def decimal_price(forward, strike, time, volatility, is_call, discount=1) -> Decimal:
    """Return the Black-76 price; arguments are taken as they are, floats with all their bits."""
    with localcontext() as context:
        context.prec = DIGITS
        f, k, t, v, df = (Decimal(a) for a in (forward, strike, time, volatility, discount))
        s = v * t.sqrt()
        d = (f / k).ln() / s + s / 2
        if is_call:
            return df * (f * lower_tail(-d) - k * lower_tail(s - d))
        return df * (k * lower_tail(d - s) - f * lower_tail(d))


@pytest.fixture(scope="session")
def exact_price() -> Callable[..., Decimal]:
    """Return the price of one option to 60 digits."""
    return decimal_price


@pytest.fixture(scope="session")
def crypto_grid() -> tuple[np.ndarray, ...]:
    """Return forward, strike, time, volatility and side: simulated, a fifth to five forwards, an hour to two years."""
    rng = np.random.default_rng(7)
    n = 240
    forward = rng.choice([60_000.0, 3_000.0, 0.5], n) * np.exp(0.1 * rng.standard_normal(n))
    moneyness = np.exp(rng.uniform(np.log(0.2), np.log(5.0), n))
    moneyness[:80] = np.exp(0.003 * rng.standard_normal(80))
    moneyness[:4] = 1.0
    time = np.exp(rng.uniform(np.log(1 / 8760), np.log(2.0), n))
    return forward, forward * moneyness, time, rng.uniform(0.1, 3.0, n), rng.random(n) < 0.5
