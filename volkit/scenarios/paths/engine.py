"""What a path engine is, and how its paths are drawn: in blocks whose random numbers depend on nothing else.

A block is a fixed number of paths with a generator of its own. Hence paths drawn on one core, on several, or in
chunks are the same to the bit, and fewer paths are the first of more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count, check_kind
from volkit.conventions import CRYPTO_DAYS_PER_YEAR
from volkit.errors import ArgumentError
from volkit.parallel import map_tasks
from volkit.results import Provenance
from volkit.scenarios.paths.path_set import PathSet
from volkit.scenarios.paths.tilt import Tilt

__all__ = [
    "BLOCK_PATHS",
    "Block",
    "PathEngine",
    "by_asset",
    "check_step",
    "periods_in_year",
    "simulate_path_set",
    "stream_path_sets",
]

Floats = npt.NDArray[np.float64]
BLOCK_PATHS = 1024
_YEAR = pd.Timedelta(days=CRYPTO_DAYS_PER_YEAR)


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Buffers of the paths that an engine fills; the caller owns them.

    Attributes
    ----------
    values, volatility : ndarray, shape (n_paths, n_steps, n_assets)
        As in `PathSet`, C-contiguous.
    log_weights : ndarray, shape (n_paths,)
        Zero when the engine gets it.
    """

    values: Floats
    volatility: Floats
    log_weights: Floats

    @classmethod
    def empty(cls, n_paths: int, n_steps: int, n_assets: int) -> "Block":
        """Return buffers of a shape."""
        shape = (n_paths, n_steps, n_assets)
        return cls(np.empty(shape), np.empty(shape), np.zeros(n_paths))

    def part(self, rows: slice) -> "Block":
        """Return views of some paths."""
        return Block(self.values[rows], self.volatility[rows], self.log_weights[rows])


@runtime_checkable
class PathEngine(Protocol):
    """A model that can fill a block with paths: one of this package, or a user's own."""

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the last axis."""
        ...

    @property
    def step(self) -> pd.Timedelta:
        """Length of a step."""
        ...

    @property
    def words(self) -> str:
        """The model in words."""
        ...

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Label (UTC) of the last observation used."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Sources and hashes."""
        ...

    def fill(self, block: Block, *, rng: np.random.Generator, tilt: Tilt | None) -> None:
        """Fill the buffers with paths, drawn with nothing but the generator."""
        ...


def simulate_path_set(
    engine: PathEngine,
    *,
    horizon: int,
    n_paths: int,
    rng: np.random.Generator,
    tilt: Tilt | None = None,
    n_jobs: int = 1,
) -> PathSet:
    """Return joint price paths of an engine.

    Parameters
    ----------
    engine : PathEngine
        The model.
    horizon : int
        Steps.
    n_paths : int
        Paths.
    rng : Generator
        Asked once, for the key of all random numbers.
    tilt : Tilt, optional
        Importance sampling towards losses; the paths then carry weights.
    n_jobs : int
        Threads; the paths are the same whatever their number.

    Returns
    -------
    PathSet
        Shape (n_paths, horizon, n_assets).

    Raises
    ------
    ArgumentError
        For a bad horizon or count, no generator, and a tilt that the engine cannot take.
    DataError
        When a path is not finite.

    Examples
    --------
    >>> from volkit.scenarios.paths import GeometricBrownian
    >>> engine = GeometricBrownian(volatility={"BTC": 0.6}, step=pd.Timedelta("1h"))
    >>> paths = simulate_path_set(engine, horizon=24, n_paths=1000, rng=np.random.default_rng(1))
    >>> paths.values.shape, bool(abs(paths.terminal().mean() - 1.0) < 0.01)
    ((1000, 24, 1), True)
    """
    check_kind(engine, PathEngine, argument="engine", remedy="pass an engine, e.g. GeometricBrownian(...)")
    steps, count = (
        check_count(horizon, argument="horizon", unit="steps"),
        check_count(n_paths, argument="n_paths", unit="paths"),
    )
    return _drawn(engine, steps, range(count), _key(rng), tilt, n_jobs)


def stream_path_sets(
    engine: PathEngine,
    *,
    horizon: int,
    n_paths: int,
    chunk: int,
    rng: np.random.Generator,
    tilt: Tilt | None = None,
    n_jobs: int = 1,
) -> Iterator[PathSet]:
    """Return the paths of `simulate_path_set` chunk after chunk, for more paths than memory holds.

    Parameters
    ----------
    engine, horizon, n_paths, rng, tilt, n_jobs
        As there.
    chunk : int
        Paths of a chunk, a whole number of blocks of 1,024.

    Returns
    -------
    iterator of PathSet
        Joined, they are the paths of one call to the bit.

    Raises
    ------
    ArgumentError, DataError
        As there, and for a chunk that is no multiple of 1,024.

    Examples
    --------
    >>> from volkit.scenarios.paths import GeometricBrownian
    >>> engine = GeometricBrownian(volatility={"BTC": 0.6}, step=pd.Timedelta("1h"))
    >>> chunks = stream_path_sets(engine, horizon=24, n_paths=2500, chunk=2048, rng=np.random.default_rng(1))
    >>> [chunk.n_paths for chunk in chunks]
    [2048, 452]
    """
    check_kind(engine, PathEngine, argument="engine", remedy="pass an engine, e.g. GeometricBrownian(...)")
    steps, count = (
        check_count(horizon, argument="horizon", unit="steps"),
        check_count(n_paths, argument="n_paths", unit="paths"),
    )
    size = check_count(chunk, argument="chunk", unit="paths")
    if size % BLOCK_PATHS:
        near = BLOCK_PATHS * max(1, round(size / BLOCK_PATHS))
        raise ArgumentError("chunk", f"must be a multiple of {BLOCK_PATHS} paths", str(size), f"pass chunk={near}")
    key = _key(rng)
    return (
        _drawn(engine, steps, range(first, min(first + size, count)), key, tilt, n_jobs)
        for first in range(0, count, size)
    )


def _key(rng: np.random.Generator) -> tuple[int, int]:
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError("rng", "must be a numpy Generator", repr(rng), "pass numpy.random.default_rng(seed)")
    first, second = rng.integers(2**63, size=2)
    return int(first), int(second)


def _drawn(
    engine: PathEngine, steps: int, paths: range, key: tuple[int, int], tilt: Tilt | None, n_jobs: int
) -> PathSet:
    """Return a range of paths, which begins where a block begins."""
    buffers = Block.empty(len(paths), steps, len(engine.assets))
    first = paths.start // BLOCK_PATHS
    numbers = range(first, -(-paths.stop // BLOCK_PATHS))
    map_tasks(
        partial(_fill_block, engine, buffers, first, key, tilt), numbers, n_jobs=n_jobs, label="paths", threads=True
    )
    return PathSet(
        values=buffers.values,
        volatility=buffers.volatility,
        log_weights=None if tilt is None else buffers.log_weights,
        step=engine.step,
        assets=engine.assets,
        engine=engine.words + ("" if tilt is None else f", {tilt.words}"),
        seed=f"key {key[0]}-{key[1]}, blocks of {BLOCK_PATHS} paths",
        as_of=engine.as_of,
        provenance=engine.provenance,
    )


def _fill_block(
    engine: PathEngine, buffers: Block, first: int, key: tuple[int, int], tilt: Tilt | None, number: int
) -> None:
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(key, spawn_key=(number,))))
    begin = (number - first) * BLOCK_PATHS
    wanted = buffers.part(slice(begin, begin + BLOCK_PATHS))
    n, steps, n_assets = wanted.values.shape
    if n == BLOCK_PATHS:
        engine.fill(wanted, rng=rng, tilt=tilt)
        return
    # The last block is drawn whole and cut: fewer paths are the first of more.
    whole = Block.empty(BLOCK_PATHS, steps, n_assets)
    engine.fill(whole, rng=rng, tilt=tilt)
    cut = whole.part(slice(n))
    wanted.values[:], wanted.volatility[:], wanted.log_weights[:] = cut.values, cut.volatility, cut.log_weights


def check_step(step: pd.Timedelta) -> pd.Timedelta:
    """Return the length of a step, which must be positive.

    Raises
    ------
    ArgumentError
        When it is no positive Timedelta.

    Examples
    --------
    >>> check_step(pd.Timedelta("1h"))
    Timedelta('0 days 01:00:00')
    """
    if not isinstance(step, pd.Timedelta) or not step > pd.Timedelta(0):
        raise ArgumentError("step", "must be a positive Timedelta", repr(step), 'pass for example pd.Timedelta("1h")')
    return step


def periods_in_year(step: pd.Timedelta) -> float:
    """Return how many steps a year of 365 days has.

    Examples
    --------
    >>> periods_in_year(pd.Timedelta("1h"))
    8760.0
    """
    return float(_YEAR / step)


def by_asset(values: float | Mapping[str, float], assets: Sequence[str], *, argument: str) -> Floats:
    """Return one finite number an asset, shape (n_assets,), from a mapping or from one number for all.

    Raises
    ------
    ArgumentError
        When a mapping does not name the assets, and for numbers that are not finite.

    Examples
    --------
    >>> by_asset(0.1, ("BTC", "ETH"), argument="drift").tolist()
    [0.1, 0.1]
    """
    given = values if isinstance(values, Mapping) else dict.fromkeys(assets, values)
    if set(given) != set(assets):
        raise ArgumentError(
            argument, f"must name {', '.join(assets)}", ", ".join(map(str, given)), "name each asset once"
        )
    numbers = np.array([float(given[name]) for name in assets])
    if not np.isfinite(numbers).all():
        raise ArgumentError(argument, "must be finite", str(numbers.tolist()), "pass decimal numbers")
    return numbers
