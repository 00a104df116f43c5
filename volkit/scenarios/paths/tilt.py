"""Importance sampling of paths towards losses: what is pushed, and what the pushed paths then weigh.

A path is drawn from a mixture: as the model has it, with the sum of its shocks pushed, or with a single shock from
its far tail. A log-normal price falls by many small shocks, a fat-tailed one by one large shock; the share drawn as
the model has it bounds every weight (defensive mixture; Hesterberg 1995; Owen and Zhou 2000).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from volkit.checks import check_positive
from volkit.errors import ArgumentError
from volkit.formatting import percent_to

__all__ = ["Tilt", "push_rows", "push_shocks"]

Floats = npt.NDArray[np.float64]
_LEAST_PLAIN = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Tilt:
    """A push of paths towards the losses of a book.

    Parameters
    ----------
    direction : mapping of str to float
        Exposure by asset: what the book earns per unit of simple return, any currency; assets left out have none.
    size : float
        Standard deviations by which the sum of the shocks is pushed.
    sum_share, single_share : float
        Shares of paths whose sum is pushed, and of those with one shock from the tail; what is left, at least a
        hundredth, is drawn as the model has it. No weight exceeds one over that share.
    tail : float
        Probability of the tail that the single shock comes from.

    Raises
    ------
    ArgumentError
        For shares that leave nothing, a tail outside 0 to 0.5, or no exposure.

    Notes
    -----
    The weight of a path is f / g, with

        g / f = plain + sum_share exp(size S - size^2 / 2) + single_share K / (n tail),

    where S is the standardised sum of the n shocks along the direction of the loss and K counts those in the tail
    (Glasserman 2004, Monte Carlo Methods in Financial Engineering, section 4.6; the exponential tilt of a finite
    pool of shocks has its own normalisation in place of size^2 / 2).

    Examples
    --------
    >>> Tilt(direction={"BTC": 1.0}).words
    'pushed towards losses (40 % in the sum by 2 sd, 40 % in one shock beyond its 0.003 tail)'
    """

    direction: Mapping[str, float]
    size: float = 2.0
    sum_share: float = 0.4
    single_share: float = 0.4
    tail: float = 0.003

    def __post_init__(self) -> None:
        check_positive(self.size, argument="size", unit="standard deviations")
        plain = self.plain_share
        if min(self.sum_share, self.single_share) < 0.0 or not plain >= _LEAST_PLAIN:
            raise ArgumentError(
                "sum_share and single_share",
                f"must be at least 0 and leave {_LEAST_PLAIN:g}",
                f"{self.sum_share:g} and {self.single_share:g}",
                "pass for example 0.4 and 0.4",
            )
        if not 0.0 < self.tail < 0.5:
            raise ArgumentError("tail", "must be between 0 and 0.5", f"{self.tail:g}", "pass for example tail=0.003")

    @property
    def plain_share(self) -> float:
        """Share of the paths drawn as the model has it."""
        return 1.0 - self.sum_share - self.single_share

    @property
    def words(self) -> str:
        """The push in words."""
        parts = (
            f"{percent_to(self.sum_share, 0)} in the sum by {self.size:g} sd, {percent_to(self.single_share, 0)} in "
            "one shock"
        )
        return f"pushed towards losses ({parts} beyond its {self.tail:g} tail)"

    def exposures(self, assets: Sequence[str]) -> Floats:
        """Return the exposures in the order of the assets, shape (n_assets,).

        Raises
        ------
        ArgumentError
            For names that are not among the assets, and when all exposures are zero.
        """
        if unknown := [name for name in self.direction if name not in assets]:
            raise ArgumentError(
                "direction", f"must name assets among {', '.join(assets)}", ", ".join(unknown), "leave the others out"
            )
        found = np.array([float(self.direction.get(name, 0.0)) for name in assets])
        if not np.isfinite(found).all() or not found.any():
            raise ArgumentError(
                "direction", "must be finite and not zero", str(found.tolist()), 'pass for example {"BTC": 1.0}'
            )
        return found

    def log_weights(self, pushed: Floats, single: Floats) -> Floats:
        """Return log f / g, shape (n_paths,), from the two densities over f of the pushed paths."""
        return np.asarray(-np.log(self.plain_share + self.sum_share * pushed + self.single_share * single))


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which paths are pushed how, and where the single shock falls."""

    summed: npt.NDArray[np.intp]
    single: npt.NDArray[np.intp]
    place: npt.NDArray[np.int64]
    depth: Floats

    @classmethod
    def drawn(cls, tilt: Tilt, n_paths: int, n_steps: int, rng: np.random.Generator) -> "_Choice":
        u, place, depth = rng.random(n_paths), rng.integers(n_steps, size=n_paths), 1.0 - rng.random(n_paths)
        single = np.flatnonzero((u >= tilt.sum_share) & (u < tilt.sum_share + tilt.single_share))
        return cls(np.flatnonzero(u < tilt.sum_share), single, place[single], depth[single])


def push_shocks(
    z: Floats,
    loads: Floats,
    tilt: Tilt,
    *,
    rng: np.random.Generator,
    mixing: Floats | None = None,
    degrees_of_freedom: float = np.inf,
) -> Floats:
    """Push independent normal shocks in place and return the log weights, shape (n_paths,).

    Parameters
    ----------
    z : ndarray, shape (n_paths, n_steps, n_assets)
        Independent standard normals; changed.
    loads : ndarray, shape (n_assets,)
        What the book earns per unit of each of them; only the direction counts.
    tilt : Tilt
        The push.
    rng : Generator
        Randomness.
    mixing : ndarray, shape (n_paths, n_steps), optional
        root(nu / chi-squared) by which the shocks of a step are multiplied under a t law; changed.
    degrees_of_freedom : float
        nu of that law.

    Notes
    -----
    Under a t law the tail is that of the product. Given its value x, chi-squared (1 + x^2 / nu) is chi-squared with
    nu + 1 degrees of freedom.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> z = rng.standard_normal((4000, 5, 1))
    >>> log_weights = push_shocks(z, np.ones(1), Tilt(direction={"BTC": 1.0}), rng=rng)
    >>> bool(z.mean() < -0.3), bool(abs(np.exp(log_weights).mean() - 1.0) < 0.1)
    (True, True)
    """
    n_paths, n_steps, _ = z.shape
    nu, root = degrees_of_freedom, np.sqrt(n_steps)
    towards = -loads / np.sqrt(loads @ loads)
    chosen = _Choice.drawn(tilt, n_paths, n_steps, rng)
    z[chosen.summed] += tilt.size / root * towards
    rows, place = chosen.single, chosen.place
    if mixing is None:
        normal, cut = -special.ndtri(tilt.tail * chosen.depth), -special.ndtri(tilt.tail)
    else:
        cut = -special.stdtrit(nu, tilt.tail)
        x = -special.stdtrit(nu, tilt.tail * chosen.depth)
        mixing[rows, place] = np.sqrt((nu + x * x) / rng.chisquare(nu + 1.0, len(rows)))
        normal = x / mixing[rows, place]
    z[rows, place] += (normal - (z[rows, place] * towards).sum(axis=-1))[:, None] * towards
    along = (z * towards).sum(axis=-1)
    far = along if mixing is None else along * mixing
    pushed = np.exp(tilt.size * along.sum(axis=1) / root - 0.5 * tilt.size**2)
    return tilt.log_weights(pushed, (far > cut).sum(axis=1) / (n_steps * tilt.tail))


def push_rows(rows: npt.NDArray[np.int64], earned: Floats, tilt: Tilt, *, rng: np.random.Generator) -> Floats:
    """Push draws from a pool in place and return the log weights, shape (n_paths,).

    Parameters
    ----------
    rows : ndarray of int, shape (n_paths, n_steps)
        Rows of the pool, drawn with equal probability; changed.
    earned : ndarray, shape (n_pool,)
        What the book earns on each row, any unit.
    tilt : Tilt
        The push; its tail holds at least one row.
    rng : Generator
        Randomness.

    Raises
    ------
    ArgumentError
        When the book earns the same on every row.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> pool = rng.standard_normal(500)
    >>> rows = rng.integers(500, size=(4000, 5))
    >>> log_weights = push_rows(rows, pool, Tilt(direction={"BTC": 1.0}), rng=rng)
    >>> bool(pool[rows].mean() < -0.3), bool(abs(np.exp(log_weights).mean() - 1.0) < 0.1)
    (True, True)
    """
    n_paths, n_steps = rows.shape
    n_pool, spread = len(earned), float(earned.std())
    if not spread > 0.0:
        raise ArgumentError("direction", "must meet a pool whose rows differ", f"{n_pool} alike", "pass more history")
    score = (earned.mean() - earned) / spread
    slope = tilt.size / np.sqrt(n_steps)
    growth = np.exp(slope * score)
    norm = float(growth.mean())
    chosen = _Choice.drawn(tilt, n_paths, n_steps, rng)
    ladder = np.cumsum(growth)
    draws = rng.random((n_paths, n_steps))[chosen.summed] * ladder[-1]
    rows[chosen.summed] = np.minimum(np.searchsorted(ladder, draws, side="right"), n_pool - 1)
    n_worst = max(1, round(tilt.tail * n_pool))
    worst = np.argsort(earned, kind="stable")[:n_worst]
    # A depth of 1 is the last row, never one beyond it.
    rows[chosen.single, chosen.place] = worst[np.minimum((chosen.depth * n_worst).astype(np.int64), n_worst - 1)]
    in_tail = np.zeros(n_pool, dtype=np.bool_)
    in_tail[worst] = True
    pushed = np.exp(slope * score[rows].sum(axis=1) - n_steps * np.log(norm))
    return tilt.log_weights(pushed, in_tail[rows].sum(axis=1) * (n_pool / (n_steps * n_worst)))
