import numpy as np
import pandas as pd
import pytest

from volkit.correlation.dcc import Dcc, simulate_dcc
from volkit.errors import ArgumentError
from volkit.options.surface import Heston
from volkit.scenarios.paths import (
    ConditionalVolatility,
    Copula,
    DynamicCorrelation,
    FilteredHistory,
    GeometricBrownian,
    HestonDiffusion,
    JumpDiffusion,
    Jumps,
    Tilt,
    simulate_path_set,
    stream_path_sets,
)
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


STATES = {
    "BTC": State(Recursion(0.0, 2e-6, 0.05, 0.06, 0.88), 9e-5, Distribution("t", 5.0)),
    "ETH": State(Recursion(0.0, -0.3, 0.12, -0.04, 0.97, kind="egarch"), 2e-4, Distribution("skewt", 6.0, -0.1)),
}
POOL = np.random.default_rng(5).standard_t(5, (700, 2)) * np.sqrt(3 / 5)


def dcc_fit():
    x, _ = simulate_dcc(R.to_numpy(), a=0.05, b=0.9, n_obs=600, rng=np.random.default_rng(1))
    times = pd.date_range("2023-01-01", periods=600, freq="1h", tz="UTC")
    return Dcc().fit(pd.DataFrame(0.01 * x, index=times, columns=NAMES), periods_per_year=8760)


@pytest.fixture(scope="module")
def engines():
    jumps = {name: Jumps(volatility=0.6, intensity=50.0, mean=-0.02, deviation=0.04) for name in NAMES}
    return {
        "brownian": GeometricBrownian(volatility={"BTC": 0.6, "ETH": 0.8}, correlation=R, step=HOUR),
        "jumps": JumpDiffusion(jumps=jumps, correlation=R, common=True, step=HOUR),
        "heston": HestonDiffusion(
            asset="BTC", parameters=Heston(v0=0.3, kappa=4.0, theta=0.4, sigma=1.0, rho=-0.5), step=HOUR, substeps=2
        ),
        "conditional": ConditionalVolatility(
            states=STATES, step=HOUR, copula=Copula(correlation=R, degrees_of_freedom=4.0)
        ),
        "history": FilteredHistory(states=STATES, pool=POOL, step=HOUR),
        "dynamic": DynamicCorrelation(fit=dcc_fit()),
    }


NAMES_OF_ENGINES = ("brownian", "jumps", "heston", "conditional", "history", "dynamic")
TILT = Tilt(direction={"BTC": 1.0, "ETH": -0.5})


def drawn(engine, seed=3, n_paths=2500, **arguments):
    return simulate_path_set(engine, horizon=6, n_paths=n_paths, rng=np.random.default_rng(seed), **arguments)


def same(a, b):
    weights = (a.log_weights is None) is (b.log_weights is None) and (
        a.log_weights is None or a.log_weights.tobytes() == b.log_weights.tobytes()
    )
    return weights and a.values.tobytes() == b.values.tobytes() and a.volatility.tobytes() == b.volatility.tobytes()


@pytest.mark.parametrize("name", NAMES_OF_ENGINES)
def test_threads_give_the_bits_of_one(engines, name):
    tilt = TILT if name in ("brownian", "conditional", "history") else None

    assert same(drawn(engines[name], tilt=tilt), drawn(engines[name], tilt=tilt, n_jobs=3))


@pytest.mark.parametrize("name", NAMES_OF_ENGINES)
def test_chunks_give_the_bits_of_one_call(engines, name):
    engine, whole = engines[name], drawn(engines[name])

    chunks = list(stream_path_sets(engine, horizon=6, n_paths=2500, chunk=1024, rng=np.random.default_rng(3)))

    assert [chunk.n_paths for chunk in chunks] == [1024, 1024, 452]
    assert np.concatenate([chunk.values for chunk in chunks]).tobytes() == whole.values.tobytes()
    assert np.concatenate([chunk.volatility for chunk in chunks]).tobytes() == whole.volatility.tobytes()


@pytest.mark.parametrize("name", NAMES_OF_ENGINES)
def test_fewer_paths_are_the_first_of_more(engines, name):
    few, many = drawn(engines[name], n_paths=1100), drawn(engines[name])

    assert few.values.tobytes() == many.values[:1100].tobytes()


@pytest.mark.parametrize("name", NAMES_OF_ENGINES)
def test_paths_hang_on_the_seed_and_have_no_drift(engines, name):
    first = drawn(engines[name], n_paths=6000)
    end = first.terminal()

    assert not same(drawn(engines[name]), drawn(engines[name], seed=4))
    if name not in ("history", "dynamic"):
        assert (np.abs(end.mean(axis=0) - 1.0) < 4.0 * end.std(axis=0) / np.sqrt(len(end))).all()
    assert (first.volatility > 0.0).all()
    assert "6,000 paths of 6 steps of 1 h" in first.headline


@pytest.mark.parametrize("name", ["jumps", "heston", "dynamic"])
def test_engines_without_a_tilt_say_so(engines, name):
    with pytest.raises(ArgumentError, match=r"tilt must be left out for this engine; got a tilt of"):
        drawn(engines[name], tilt=Tilt(direction={"BTC": 1.0}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "horizon must be a whole number of at least 1 steps"),
        ({"n_paths": 0}, "n_paths must be a whole number"),
        ({"rng": 7}, r"rng must be a numpy Generator; got 7; pass numpy.random.default_rng\(seed\)"),
        ({"chunk": 300}, "chunk must be a multiple of 1024 paths; got 300; pass chunk=1024"),
    ],
)
def test_bad_arguments_are_named(engines, arguments, message):
    given = {"horizon": 2, "n_paths": 10, "chunk": 1024, "rng": np.random.default_rng(1)} | arguments

    with pytest.raises(ArgumentError, match=message):
        next(stream_path_sets(engines["brownian"], **given))


def test_bad_specifications_are_named():
    with pytest.raises(ArgumentError, match="step must be a positive Timedelta"):
        GeometricBrownian(volatility={"BTC": 0.6}, step=pd.Timedelta(0))
    with pytest.raises(ArgumentError, match="volatility of BTC must be a positive number"):
        GeometricBrownian(volatility={"BTC": -0.6}, step=HOUR)
    with pytest.raises(ArgumentError, match="drift must name BTC; got ETH"):
        GeometricBrownian(volatility={"BTC": 0.6}, drift={"ETH": 0.1}, step=HOUR)
    with pytest.raises(ArgumentError, match="drift must be finite"):
        GeometricBrownian(volatility={"BTC": 0.6}, drift=np.nan, step=HOUR)
    with pytest.raises(ArgumentError, match="correlation must be symmetric and positive definite"):
        GeometricBrownian(volatility={"BTC": 0.6, "ETH": 0.6}, correlation=R + 0.4 * (1 - np.eye(2)), step=HOUR)
    with pytest.raises(ArgumentError, match="correlation must have BTC, SOL in rows and columns"):
        GeometricBrownian(volatility={"BTC": 0.6, "SOL": 0.6}, correlation=R, step=HOUR)
    each = {n: Jumps(volatility=0.5, intensity=i, mean=0.0, deviation=0.1) for n, i in (("BTC", 1.0), ("ETH", 2.0))}
    with pytest.raises(ArgumentError, match="jumps must have one intensity when they are common"):
        JumpDiffusion(jumps=each, common=True, step=HOUR)
    with pytest.raises(ArgumentError, match="intensity, mean and deviation must be finite"):
        Jumps(volatility=0.5, intensity=-1.0, mean=0.0, deviation=0.1)
