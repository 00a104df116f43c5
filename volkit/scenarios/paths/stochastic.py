"""Heston's stochastic volatility as a path engine."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from volkit.checks import check_count
from volkit.options.surface import Heston, simulate_heston
from volkit.results import Provenance
from volkit.scenarios.paths.engine import Block, by_asset, check_step, periods_in_year
from volkit.scenarios.paths.jumps import refuse_tilt
from volkit.scenarios.paths.tilt import Tilt

__all__ = ["HestonDiffusion"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HestonDiffusion:
    """Paths of one asset under Heston's model, by `volkit.options.surface.simulate_heston`.

    Parameters
    ----------
    asset : str
        Name.
    parameters : Heston
        The model, per year.
    step : Timedelta
        Length of a step.
    drift : float
        Expected growth of the price: E S(t) = exp(drift t), per year.
    substeps : int
        Steps of the scheme in one step; about 32 a year are enough.
    as_of, provenance
        Handed on.

    Raises
    ------
    ArgumentError
        For a bad step, drift or number of substeps.

    Examples
    --------
    >>> model = Heston(v0=0.36, kappa=4.0, theta=0.5, sigma=1.0, rho=-0.5)
    >>> HestonDiffusion(asset="BTC", parameters=model, step=pd.Timedelta("1D")).words
    'Heston'
    """

    asset: str
    parameters: Heston
    step: pd.Timedelta
    drift: float = 0.0
    substeps: int = 1
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def __post_init__(self) -> None:
        check_step(self.step)
        check_count(self.substeps, argument="substeps", unit="steps")
        by_asset(self.drift, self.assets, argument="drift")

    @property
    def assets(self) -> tuple[str, ...]:
        """The one name."""
        return (self.asset,)

    @property
    def words(self) -> str:
        """The model in words."""
        return "Heston"

    def fill(self, block: Block, *, rng: np.random.Generator, tilt: Tilt | None) -> None:
        """Fill the buffers with paths; see `simulate_path_set`.

        Raises
        ------
        ArgumentError
            For a tilt, and steps so long that the price has no mean.
        """
        refuse_tilt(tilt, self.words)
        n_paths, n_steps, _ = block.values.shape
        years, every = n_steps / periods_in_year(self.step), slice(self.substeps, None, self.substeps)
        paths = simulate_heston(self.parameters, time=years, n_steps=n_steps * self.substeps, n_paths=n_paths, rng=rng)
        growth = np.exp(self.drift * paths.times[every])
        block.values[:, :, 0] = paths.price[:, every] * growth
        block.volatility[:, :, 0] = np.sqrt(paths.variance[:, every])
