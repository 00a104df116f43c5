"""Importance sampling: weights of mean one, and small probabilities with less error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from volkit.errors import ArgumentError
from volkit.scenarios.paths import (
    ConditionalVolatility,
    Copula,
    FilteredHistory,
    GeometricBrownian,
    Tilt,
    simulate_path_set,
)
from volkit.scenarios.paths.tilt import push_rows, push_shocks
from volkit.volatility import Distribution, Recursion

HOUR = pd.Timedelta("1h")
NAMES = ["BTC", "ETH"]
R = pd.DataFrame([[1.0, 0.7], [0.7, 1.0]], NAMES, NAMES)


class State:
    """What an engine asks of a state and nothing else."""

    earlier = np.empty(0)

    def __init__(self, recursion, next_variance, distribution=None):
        self.recursion, self.next_variance = recursion, next_variance
        self.distribution = distribution or Distribution()


T4 = Distribution("t", 4.0)
CALM = Recursion(0.0, 1e-4, 0.0, 0.0, 0.0)
GARCH = Recursion(0.0, 2e-6, 0.08, 0.02, 0.88)


def drawn(engine, tilt, *, horizon=12, n_paths=20_000, seed=31):
    return simulate_path_set(engine, horizon=horizon, n_paths=n_paths, rng=np.random.default_rng(seed), tilt=tilt)


def weighted(paths, event):
    """Weighted probability of an event and its standard error."""
    values = paths.weights * event
    return values.mean(), values.std() / np.sqrt(len(values))


def states(law=T4):
    return {name: State(GARCH, 1e-4, law) for name in NAMES}


POOL = np.random.default_rng(5).standard_t(4, (600, 2)) / np.sqrt(2)
ENGINES = {
    "brownian": GeometricBrownian(volatility={"BTC": 0.6, "ETH": 0.9}, correlation=R, step=HOUR),
    "normal": ConditionalVolatility(states=states(Distribution()), copula=Copula(correlation=R), step=HOUR),
    "t": ConditionalVolatility(states=states(), copula=Copula(correlation=R, degrees_of_freedom=4.0), step=HOUR),
    "history": FilteredHistory(states=states(), pool=POOL, step=HOUR),
}


@pytest.mark.parametrize("direction", [{"BTC": 1.0}, {"BTC": 1.0, "ETH": -2.0}, {"ETH": -1.0}])
@pytest.mark.parametrize("name", ENGINES)
def test_weights_have_mean_one_and_bring_back_the_model(name, direction):
    paths, plain = drawn(ENGINES[name], Tilt(direction=direction)), drawn(ENGINES[name], None, seed=32)

    mean, error = weighted(paths, 1.0)
    assert abs(mean - 1.0) < 4.0 * error
    assert paths.log_weights.max() <= -np.log(0.2) + 1e-12
    for asset in (0, 1):
        values, known = (np.minimum(np.abs(each.terminal()[:, asset] - 1.0), 0.1) for each in (paths, plain))
        found, error = weighted(paths, values)
        assert abs(found - known.mean()) < 4.0 * np.hypot(error, known.std() / np.sqrt(len(known)))


@pytest.mark.parametrize("name", ENGINES)
def test_tilt_moves_the_book_towards_its_losses(name):
    pushed, plain = (drawn(ENGINES[name], tilt, n_paths=3000) for tilt in (Tilt(direction={"BTC": -1.0}), None))

    assert pushed.terminal()[:, 0].mean() > plain.terminal()[:, 0].mean() + 0.3 * plain.terminal()[:, 0].std()


def test_small_probability_of_a_log_normal_end_needs_far_fewer_paths():
    engine, years = GeometricBrownian(volatility={"BTC": 0.6}, step=HOUR), 24 / 8760
    law = stats.norm(-0.18 * years, 0.6 * np.sqrt(years))
    margin = 1.0 - np.exp(law.ppf(1e-4))

    paths = drawn(engine, Tilt(direction={"BTC": 1.0}, size=3.5, sum_share=0.9, single_share=0.0), horizon=24)
    found, error = weighted(paths, paths.terminal()[:, 0] <= 1.0 - margin)

    assert abs(found - 1e-4) < 4.0 * error
    assert error < np.sqrt(1e-4 / len(paths.values)) / 20.0


def test_small_probability_of_a_single_t_shock_needs_far_fewer_paths():
    engine = ConditionalVolatility(states={"BTC": State(CALM, 1e-4, T4)}, step=HOUR)

    paths = drawn(engine, Tilt(direction={"BTC": 1.0}, tail=0.001), horizon=1)
    found, error = weighted(paths, paths.terminal()[:, 0] - 1.0 <= 0.01 * T4.quantile(1e-4))

    assert abs(found - 1e-4) < 4.0 * error
    assert error < np.sqrt(1e-4 / len(paths.values)) / 12.0


@pytest.mark.parametrize("name", ["t", "history"])
def test_rare_touches_agree_with_many_plain_paths(name):
    paths = drawn(ENGINES[name], Tilt(direction={"BTC": 1.0, "ETH": 1.0}))
    plain = drawn(ENGINES[name], None, n_paths=100_000, seed=33)
    level = np.quantile(plain.minimum().sum(axis=1), 0.001)

    found, error = weighted(paths, paths.minimum().sum(axis=1) <= level)

    assert abs(found - 1e-3) < 4.0 * np.hypot(error, np.sqrt(1e-3 / 100_000))
    assert error < np.sqrt(1e-3 / len(paths.values)) / 2.5


class Still(np.random.Generator):
    """Pushes no path."""

    def random(self, shape):
        return np.full(shape, 0.999999)


def still():
    return Still(np.random.PCG64(1))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.floats(0.2, 4.0), steps=st.integers(1, 3), single=st.floats(0.0, 0.5))
def test_density_of_a_small_pool_sums_to_one_over_every_path(seed, size, steps, single):
    earned = np.random.default_rng(seed).normal(size=4)
    tilt = Tilt(direction={"BTC": 1.0}, size=size, sum_share=0.4, single_share=single, tail=0.3)
    every = np.stack(np.meshgrid(*[np.arange(4)] * steps), axis=-1).reshape(-1, steps)

    log_weights = push_rows(every.copy(), earned, tilt, rng=still())

    assert np.exp(-log_weights).mean() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("nu", [np.inf, 4.0])
def test_density_of_one_step_integrates_to_one(nu):
    share = (np.arange(1000) + 0.5) / 1000
    z, root = np.meshgrid(stats.norm.ppf(share), np.sqrt(nu / stats.chi2(nu).ppf(share)) if nu < 9 else share)
    mixing = root.reshape(-1, 1).copy() if nu < 9 else None

    log_weights = push_shocks(
        z.reshape(-1, 1, 1).copy(),
        np.ones(1),
        Tilt(direction={"BTC": 1.0}, size=0.5, tail=0.05),
        rng=still(),
        mixing=mixing,
        degrees_of_freedom=nu,
    )

    assert np.exp(-log_weights).mean() == pytest.approx(1.0, abs=0.003)


def test_single_t_shock_has_the_mixing_of_shocks_in_the_tail():
    rng, n = np.random.default_rng(7), 200_000
    tilt = Tilt(direction={"BTC": 1.0}, sum_share=0.0, single_share=0.99, tail=0.05)

    def sample(n):
        return rng.standard_normal((n, 1, 1)), np.sqrt(4.0 / rng.chisquare(4.0, (n, 1)))

    z, mixing = sample(n)
    plain = mixing[z[:, :, 0] * mixing < stats.t(4).ppf(0.05)]
    z, mixing = sample(5000)
    push_shocks(z, np.ones(1), tilt, rng=rng, mixing=mixing, degrees_of_freedom=4.0)
    pushed = mixing[z[:, :, 0] * mixing < stats.t(4).ppf(0.05)]

    assert len(pushed) > 4900
    assert stats.ks_2samp(plain, pushed).pvalue > 0.01


def test_single_row_is_one_of_the_worst():
    rng, earned = np.random.default_rng(7), np.arange(100.0)
    rows = rng.integers(100, size=(2000, 2))

    push_rows(rows, earned, Tilt(direction={"BTC": 1.0}, sum_share=0.0, single_share=0.9, tail=0.05), rng=rng)

    assert (earned[rows].min(axis=1) < 5).mean() > 0.85


@pytest.mark.parametrize("kind", ["t", "history"])
def test_tilt_pushes_the_asset_that_moves_the_book(kind):
    # Equal exposures, the second asset ten times as volatile.
    by_name = {"BTC": State(CALM, 1e-6, T4), "ETH": State(CALM, 1e-4, T4)}
    engine = (
        ConditionalVolatility(states=by_name, copula=Copula.independent(NAMES, degrees_of_freedom=4.0), step=HOUR)
        if kind == "t"
        else FilteredHistory(states=by_name, pool=POOL, step=HOUR)
    )

    paths = drawn(engine, Tilt(direction={"BTC": 1.0, "ETH": 1.0}), horizon=1, n_paths=5000)

    moved = (paths.terminal().mean(axis=0) - 1.0) / [1e-3, 1e-2]
    assert moved[1] < -0.7
    assert abs(moved[0]) < 0.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0.0}, "size must be a positive number"),
        ({"sum_share": 0.6}, "sum_share and single_share must be at least 0 and leave 0.01; got 0.6 and 0.4"),
        ({"sum_share": -0.1}, "sum_share and single_share must be at least 0"),
        ({"tail": 0.5}, "tail must be between 0 and 0.5"),
        ({"direction": {"SOL": 1.0}}, "direction must name assets among BTC, ETH; got SOL"),
        ({"direction": {"BTC": 0.0}}, "direction must be finite and not zero"),
    ],
)
def test_bad_tilts_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        drawn(ENGINES["brownian"], Tilt(**{"direction": {"BTC": 1.0}} | arguments), n_paths=10)


def test_a_book_that_earns_the_same_on_every_row_is_refused():
    with pytest.raises(ArgumentError, match="direction must meet a pool whose rows differ"):
        push_rows(
            np.zeros((2, 2), dtype=np.int64), np.ones(5), Tilt(direction={"BTC": 1.0}), rng=np.random.default_rng()
        )
