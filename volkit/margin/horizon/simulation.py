"""Touch probabilities by simulation, with their Monte Carlo errors: log-normal prices.

`touch_probability` has the same numbers in closed form for continuous watch; the simulation is there for discrete
watch without its approximation, and shows what the estimators that `fitted` uses on fitted models are worth.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_choice, check_count
from volkit.conventions import Side
from volkit.errors import ArgumentError
from volkit.margin.horizon.clock import check_interval
from volkit.margin.horizon.contracts import Contract, exhausting_move
from volkit.margin.horizon.passage import Passage
from volkit.margin.horizon.shocks import stratified_error, stratified_normals
from volkit.margin.horizon.touch import TouchProbability, read_passage

__all__ = ["LEAST_PATHS", "TouchEstimator", "check_paths", "simulate_touch"]

TouchEstimator = Literal["plain", "bridge", "stratified", "importance"]
ESTIMATORS: tuple[TouchEstimator, ...] = ("plain", "bridge", "stratified", "importance")
LEAST_PATHS = 100
# Numbers drawn at a time: small enough for the cache of a core.
_CHUNK = 200_000

Floats = npt.NDArray[np.float64]


def simulate_touch(
    margin: float,
    *,
    side: Side,
    volatility: float,
    horizon: int | pd.Timedelta,
    interval: pd.Timedelta,
    rng: np.random.Generator,
    n_paths: int = 10_000,
    method: TouchEstimator = "stratified",
    drift: float = 0.0,
    contract: Contract = "linear",
    monitoring: pd.Timedelta | None = None,
) -> TouchProbability:
    """Return a simulated touch probability of a log-normal price with its Monte Carlo error.

    Parameters
    ----------
    margin, side, volatility, horizon, interval, drift, contract
        As in `touch_probability`.
    rng : Generator
        Randomness.
    n_paths : int
        At least 100, even.
    method : {"stratified", "importance", "bridge", "plain"}
        "plain" walks every path from look to look and counts. The others watch continuously and draw the last price
        only: given it, a Brownian bridge touches with a known probability. "stratified" draws two last prices in each
        of n_paths / 2 strata; "importance" also moves their mean to the barrier, for rare touches.
    monitoring : Timedelta, optional
        Time between two looks, for "plain" only; a divisor of the horizon.

    Returns
    -------
    TouchProbability
        With n_paths and standard errors.

    Raises
    ------
    ArgumentError
        As `touch_probability`; for an unknown method, too few or an odd number of paths, no generator, "plain"
        without monitoring or another method with it.

    Notes
    -----
    Given the last log price x, all mirrored so that the barrier is at -d, the bridge touches with probability
    exp(-2 d (x + d) / (sigma^2 T)) for x > -d and with 1 below (Glasserman 2004, section 6.4). Errors of the
    stratified estimators come from the two draws in each stratum.

    Examples
    --------
    >>> terms = {"side": "long", "volatility": 0.8 / 365**0.5, "horizon": 1, "interval": pd.Timedelta("1D")}
    >>> found = simulate_touch(0.05, rng=np.random.default_rng(1), **terms)
    >>> round(found.probability, 4), found.standard_error < 1e-4
    (0.2263, True)
    """
    check_choice(method, argument="method", choices=ESTIMATORS)
    count = check_paths(n_paths, rng)
    over, passage = read_passage(
        side=side, volatility=volatility, horizon=horizon, interval=interval, drift=drift, monitoring=None
    )
    distance = abs(exhausting_move(margin, side=side, contract=contract))
    looks = _looks(method, monitoring, over.length)
    touched, ended = (
        _plain(passage, distance, looks, count, rng) if looks else _bridged(passage, distance, method, count, rng)
    )
    return TouchProbability(
        probability=touched[0],
        end_probability=ended[0],
        margin=float(margin),
        side=side,
        contract=contract,
        horizon=over,
        volatility=passage.deviation,
        method={"plain": "plain simulation", "importance": "stratified bridge, mean at the barrier"}.get(
            method, "bridge" if method == "bridge" else "stratified bridge"
        ),
        monitoring=monitoring,
        n_paths=count,
        standard_error=touched[1],
        end_standard_error=ended[1],
    )


def check_paths(n_paths: int, rng: object) -> int:
    """Return an even number of paths of at least 100, and refuse what is no generator.

    Raises
    ------
    ArgumentError
        For either.

    Examples
    --------
    >>> check_paths(1000, np.random.default_rng(1))
    1000
    """
    count = check_count(n_paths, argument="n_paths", minimum=LEAST_PATHS, unit="paths")
    if count % 2:
        raise ArgumentError("n_paths", "must be even (two paths a stratum)", str(count), f"pass n_paths={count + 1}")
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError(
            "rng", "must be a random generator", type(rng).__name__, "pass numpy.random.default_rng(seed)"
        )
    return count


def _looks(method: str, monitoring: pd.Timedelta | None, length: pd.Timedelta) -> int:
    """Return how often the price is looked at, 0 for continuous watch."""
    if method != "plain":
        if monitoring is not None:
            raise ArgumentError(
                "monitoring",
                f"must be None for {method}, which watches continuously",
                str(monitoring),
                'pass method="plain", or use touch_probability with monitoring',
            )
        return 0
    if monitoring is None or length % check_interval(monitoring, argument="monitoring") != pd.Timedelta(0):
        raise ArgumentError(
            "monitoring",
            f'must divide the horizon of {length} for method="plain"',
            str(monitoring),
            'pass the time between two looks, or method="stratified" for continuous watch',
        )
    return int(length // monitoring)


def _plain(
    passage: Passage, distance: float, looks: int, n_paths: int, rng: np.random.Generator
) -> tuple[tuple[float, float], tuple[float, float]]:
    mean, deviation = passage.drift / looks, passage.deviation / looks**0.5
    touches = ends = 0
    for first in range(0, n_paths, size := max(1, _CHUNK // looks)):
        steps = rng.standard_normal((min(size, n_paths - first), looks))
        steps *= deviation
        steps += mean
        paths = np.cumsum(steps, axis=1, out=steps)
        touches += int((paths.min(axis=1) <= -distance).sum())
        ends += int((paths[:, -1] <= -distance).sum())
    share, last = touches / n_paths, ends / n_paths
    return (share, (share * (1 - share) / n_paths) ** 0.5), (last, (last * (1 - last) / n_paths) ** 0.5)


def _bridged(
    passage: Passage, distance: float, method: str, n_paths: int, rng: np.random.Generator
) -> tuple[tuple[float, float], tuple[float, float]]:
    s = passage.deviation
    z = rng.standard_normal(n_paths) if method == "bridge" else stratified_normals(n_paths, rng=rng)
    # The mean moves to the barrier, and the likelihood ratio takes it back.
    tilt = (-distance - passage.drift) / s if method == "importance" else 0.0
    weight = np.exp(-tilt * (z + 0.5 * tilt))
    above = passage.drift + s * (z + tilt) + distance
    touched = weight * np.exp(np.minimum(-2.0 * distance * above / s**2, 0.0))
    ended = weight * (above <= 0.0)
    error = _iid_error if method == "bridge" else stratified_error
    return (float(touched.mean()), error(touched)), (float(ended.mean()), error(ended))


def _iid_error(values: Floats) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)
