"""Merton's jump diffusion: log-normal prices with log-normal jumps at Poisson times."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_positive
from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.results import Provenance
from volkit.scenarios.paths.brownian import KERNELS, correlated_loads
from volkit.scenarios.paths.engine import Block, by_asset, check_step, periods_in_year
from volkit.scenarios.paths.tilt import Tilt

__all__ = ["JumpDiffusion", "Jumps", "refuse_tilt"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jumps:
    """Diffusion and jumps of one asset.

    Parameters
    ----------
    volatility : float
        Of the diffusion, annualised, decimal.
    intensity : float
        Expected jumps a year, 0 or more.
    mean, deviation : float
        Of the log of the price after a jump over the price before it, decimal.

    Raises
    ------
    ArgumentError
        For a volatility that is not positive, or an intensity or deviation below 0.

    Examples
    --------
    >>> round(Jumps(volatility=0.5, intensity=20.0, mean=-0.02, deviation=0.05).total_volatility, 4)
    0.555
    """

    volatility: float
    intensity: float
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        check_positive(self.volatility, argument="volatility", unit="per year, decimal")
        sizes = (self.intensity, self.deviation)
        if not np.isfinite([*sizes, self.mean]).all() or min(sizes) < 0.0:
            raise ArgumentError(
                "intensity, mean and deviation",
                "must be finite, intensity and deviation at least 0",
                f"{self.intensity:g}, {self.mean:g} and {self.deviation:g}",
                "pass jumps a year and log sizes in decimals",
            )

    @property
    def compensator(self) -> float:
        """Expected growth of the price by jumps, per year: intensity (E exp(jump) - 1)."""
        return self.intensity * float(np.expm1(self.mean + 0.5 * self.deviation**2))

    @property
    def total_volatility(self) -> float:
        """Annualised volatility of the log price, jumps included, decimal."""
        return float(np.sqrt(self.volatility**2 + self.intensity * (self.mean**2 + self.deviation**2)))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class JumpDiffusion:
    """Log-normal prices with log-normal jumps; their drift is compensated for the jumps.

    Parameters
    ----------
    jumps : mapping of str to Jumps
        By asset.
    step : Timedelta
        Length of a step.
    drift : mapping of str to float, or float
        Expected growth of the price, jumps included: E S(t) = exp(drift t), per year.
    correlation : DataFrame, optional
        Of the diffusions and, at common jumps, of the jumps' logs; labelled by asset; independent by default.
    common : bool
        Whether all assets jump at the same times; they then have one intensity.
    as_of, provenance
        Handed on.

    Raises
    ------
    ArgumentError
        For a bad step, correlation or drift, and for common jumps of different intensities.

    Notes
    -----
    The law of a step is exact: given n jumps their logs sum to a normal of mean n mean and variance n deviation^2
    (Merton 1976, Option pricing when underlying stock returns are discontinuous, section 3). The volatility that
    stands on the paths is the total one.

    Examples
    --------
    >>> jumps = Jumps(volatility=0.5, intensity=20.0, mean=-0.02, deviation=0.05)
    >>> JumpDiffusion(jumps={"BTC": jumps}, step=pd.Timedelta("1h")).words
    'jump diffusion'
    """

    jumps: Mapping[str, Jumps]
    step: pd.Timedelta
    drift: Mapping[str, float] | float = 0.0
    correlation: pd.DataFrame | None = None
    common: bool = False
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))
    _of_step: tuple[Floats, Floats, Floats] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_step(self.step)
        each, years = list(self.jumps.values()), 1.0 / periods_in_year(self.step)
        sigma, gone = np.array([j.volatility for j in each]), np.array([j.compensator for j in each])
        drift = (by_asset(self.drift, self.assets, argument="drift") - 0.5 * sigma**2 - gone) * years
        root = correlated_loads(dict.fromkeys(self.assets, 1.0), self.correlation)
        # Labels are looked up once, not in every block.
        object.__setattr__(self, "_of_step", (drift, sigma[:, None] * root * np.sqrt(years), root))
        rates = {jump.intensity for jump in self.jumps.values()}
        if self.common and len(rates) > 1:
            raise ArgumentError(
                "jumps", "must have one intensity when they are common", str(sorted(rates)), "pass common=False"
            )

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the last axis."""
        return tuple(self.jumps)

    @property
    def words(self) -> str:
        """The model in words."""
        return "jump diffusion" + (" with common jumps" if self.common else "")

    def fill(self, block: Block, *, rng: np.random.Generator, tilt: Tilt | None) -> None:
        """Fill the buffers with paths; see `simulate_path_set`.

        Raises
        ------
        ArgumentError
            For a tilt.
        """
        refuse_tilt(tilt, self.words)
        drift, loads, root = self._of_step
        z = rng.standard_normal(out=block.values)
        load_kernels(KERNELS).brownian(z, self._summed_jumps(z.shape, root, rng), drift, loads, block.values)
        block.volatility[:] = [j.total_volatility for j in self.jumps.values()]

    def _summed_jumps(self, shape: tuple[int, ...], root: Floats, rng: np.random.Generator) -> Floats:
        """Logs of the jumps of each step, summed, of the shape of the shocks."""
        each = list(self.jumps.values())
        rates = np.array([j.intensity for j in each]) / periods_in_year(self.step)
        count = rng.poisson(rates[:1], (*shape[:2], 1)) if self.common else rng.poisson(rates, shape)
        sizes = rng.standard_normal(shape)
        if self.common:
            # Sums of few terms, so that the bits do not hang on how a library multiplies matrices.
            sizes = np.stack([(sizes * row).sum(axis=-1) for row in root], axis=-1)
        mean, deviation = np.array([j.mean for j in each]), np.array([j.deviation for j in each])
        return np.ascontiguousarray(count * mean + np.sqrt(count) * deviation * sizes)


def refuse_tilt(tilt: Tilt | None, words: str) -> None:
    """Refuse importance sampling where an engine has none.

    Raises
    ------
    ArgumentError
        For a tilt.

    Examples
    --------
    >>> refuse_tilt(None, "jump diffusion")
    """
    if tilt is not None:
        raise ArgumentError(
            "tilt",
            "must be left out for this engine",
            f"a tilt of {words}",
            "pass more paths, or use GeometricBrownian, ConditionalVolatility or FilteredHistory",
        )
