"""Round trip of every engine and closed forms of log-normal prices, options included."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.realtime.insolvency.conftest import FAR, HOUR, NOW, POSITIONS, SPOT, book_of
from tests.realtime.insolvency.twin import black, smile
from volkit.margin.horizon import touch_margin
from volkit.options.surface import Heston
from volkit.realtime.insolvency import (
    insolvency_margin,
    insolvency_probabilities,
    linear_insolvency_margin,
)
from volkit.scenarios.paths import (
    ConditionalVolatility,
    Copula,
    FilteredHistory,
    GeometricBrownian,
    HestonDiffusion,
    JumpDiffusion,
    Jumps,
    Tilt,
    simulate_path_set,
)
from volkit.volatility import Distribution, Recursion

NAMES = ["BTC", "ETH"]
R = pd.DataFrame([[1.0, 0.7], [0.7, 1.0]], NAMES, NAMES)
T4 = Distribution("t", 4.0)


class State:
    """What an engine asks of a state and nothing else."""

    earlier = np.empty(0)
    recursion, next_variance, distribution = Recursion(0.0, 2e-6, 0.08, 0.02, 0.88), 1e-4, T4


STATES = {name: State() for name in NAMES}
POOL = np.random.default_rng(5).standard_t(4, (600, 2)) / np.sqrt(2)
JUMPS = Jumps(volatility=0.5, intensity=50.0, mean=-0.02, deviation=0.05)
ENGINES = {
    "brownian": GeometricBrownian(volatility={"BTC": 0.6, "ETH": 0.9}, correlation=R, step=HOUR),
    "garch": ConditionalVolatility(states=STATES, copula=Copula(correlation=R, degrees_of_freedom=4.0), step=HOUR),
    "history": FilteredHistory(states=STATES, pool=POOL, step=HOUR),
    "jumps": JumpDiffusion(jumps=dict.fromkeys(NAMES, JUMPS), correlation=R, step=HOUR),
    "heston": HestonDiffusion(
        asset="BTC", parameters=Heston(v0=0.36, kappa=4.0, theta=0.5, sigma=1.0, rho=-0.5), step=HOUR
    ),
}
TILTED = ("brownian", "garch", "history")


def drawn(engine, *, n_paths, seed, horizon=8, tilt=None):
    return simulate_path_set(engine, horizon=horizon, n_paths=n_paths, rng=np.random.default_rng(seed), tilt=tilt)


def mixed_book(engine):
    """Return the mixed account in the coins that an engine has."""
    rows = [
        row for row in POSITIONS if row[0] == "A" and (row[1].split("_")[0].split("-")[0] in (*engine.assets, "USD"))
    ]
    return book_of(rows)


def assert_round_trip(book, market, paths, fresh, target, event):
    """The probability of the margin on paths that it has not seen is the target within both Monte Carlo errors."""
    found = insolvency_margin(book, market, paths, target=target, event=event)
    seen = {
        name: insolvency_probabilities(book, market, fresh, equity=getattr(found, name), event=event).insolvency
        for name in ("lower", "margin", "upper")
    }
    error = (target * (1 - target) / fresh.n_paths) ** 0.5
    assert seen["upper"] - 3 * error <= target <= seen["lower"] + 3 * error
    own = (target * (1 - target) / found.events * target) ** 0.5
    assert abs(seen["margin"] - target) < 4 * np.hypot(error, own)
    assert found.probabilities.insolvency <= target * (1 + 1e-9)


@pytest.mark.parametrize("event", ["path minimum", "terminal"])
@pytest.mark.parametrize("name", ENGINES)
def test_the_margin_of_a_mixed_book_keeps_its_target(market, name, event):
    engine = ENGINES[name]
    paths, fresh = drawn(engine, n_paths=4000, seed=1), drawn(engine, n_paths=6000, seed=2)

    assert_round_trip(mixed_book(engine), market, paths, fresh, 0.01, event)


@pytest.mark.parametrize("name", TILTED)
def test_the_margin_of_pushed_paths_keeps_its_target(market, name):
    engine = ENGINES[name]
    paths = drawn(engine, n_paths=4000, seed=3, tilt=Tilt(direction={"BTC": 1.0, "ETH": 0.2}))
    fresh = drawn(engine, n_paths=8000, seed=4)

    assert_round_trip(mixed_book(engine), market, paths, fresh, 0.005, "path minimum")


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_intervals_hold_the_target_over_many_samples(market, name):
    """60 samples of 1,000 paths; at 95 % fewer than 51 held would come once in 1,350 times."""
    engine, held = ENGINES[name], 0
    book = mixed_book(engine)
    law = insolvency_margin(book, market, drawn(engine, n_paths=100_000, seed=5), target=0.02).margin
    for seed in range(60):
        found = insolvency_margin(book, market, drawn(engine, n_paths=1000, seed=100 + seed), target=0.02)
        held += found.lower <= law <= found.upper

    assert held >= 51


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("monitoring", ["steps", "continuous"])
def test_log_normal_touch_margins_are_met_within_four_standard_errors(side, monitoring):
    sigma, n, target, steps = 0.6, 30_000, 0.01, 48
    engine = GeometricBrownian(volatility={"BTC": sigma}, step=pd.Timedelta("30min"))
    paths = drawn(engine, n_paths=n, seed=6, horizon=steps)
    sign = 1.0 if side == "long" else -1.0
    closed = touch_margin(
        target, side=side, volatility=sigma / 365**0.5, horizon=1, interval=pd.Timedelta("1D"),
        monitoring=paths.step if monitoring == "steps" else None,
    )  # fmt: skip

    found = linear_insolvency_margin(sign, paths, target=target, monitoring=monitoring)

    z, s = -stats.norm.ppf(target / 2), sigma / 365**0.5
    error = (target * (1 - target) / n) ** 0.5 / (2 * stats.norm.pdf(z) / s)
    assert abs(found.margin - closed.margin) < 4 * error


@pytest.mark.parametrize("tilted", [False, True])
def test_a_short_put_needs_what_black_says_of_the_quantile(market, tilted):
    """At the end its loss falls in the price, whose quantile is known."""
    sigma, target, strike = 0.6, 0.002 if tilted else 0.01, 70_000.0
    engine = GeometricBrownian(volatility={"BTC": sigma}, step=HOUR)
    tilt = Tilt(direction={"BTC": 1.0}, size=3.0) if tilted else None
    paths = drawn(engine, n_paths=60_000, seed=7, horizon=24, tilt=tilt)
    book = book_of([("A", "BTC_USDC-27MAR26-70000-P", -2.0, 900.0, "position")])

    # Four standard errors.
    found = insolvency_margin(book, market, paths, target=target, event="terminal", probabilities=[], coverage=0.99994)

    s = sigma / 365**0.5
    low = SPOT["BTC"] * np.exp(-0.5 * s**2 + s * stats.norm.ppf(target))
    whole = (FAR - NOW) / pd.Timedelta(days=365)
    left = whole - 1 / 365
    vol = smile("BTC", FAR, np.array([strike]))[0]
    value = [
        black(price * 1.02 ** (t / whole), strike, t * 1.0, vol, False)
        for price, t in ((SPOT["BTC"], whole), (low, left))
    ]
    assert found.lower < 2.0 * (value[1] - value[0]) < found.upper
    assert found.upper - found.lower < 0.1 * found.margin
