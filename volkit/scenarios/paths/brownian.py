"""Correlated geometric Brownian motions: log-normal prices, exact at every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_positive
from volkit.kernels import load_kernels
from volkit.results import Provenance
from volkit.scenarios.paths.copula import Copula
from volkit.scenarios.paths.engine import Block, by_asset, check_step, periods_in_year
from volkit.scenarios.paths.tilt import Tilt, push_shocks

__all__ = ["GeometricBrownian", "correlated_loads"]

Floats = npt.NDArray[np.float64]
KERNELS = "volkit.scenarios.paths._kernels"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GeometricBrownian:
    """Log-normal prices with constant volatilities and correlations.

    Parameters
    ----------
    volatility : mapping of str to float
        Annualised volatility (decimal, year of 365 days) by asset.
    step : Timedelta
        Length of a step.
    drift : mapping of str to float, or float
        Expected growth of the price: E S(t) = exp(drift t), per year, decimal.
    correlation : DataFrame, optional
        Of the log returns, labelled by asset; independent by default.
    as_of, provenance
        Handed on.

    Raises
    ------
    ArgumentError
        For a volatility that is not positive, a bad step or correlation, and a drift for other assets.

    Examples
    --------
    >>> GeometricBrownian(volatility={"BTC": 0.6}, step=pd.Timedelta("1h")).words
    'geometric Brownian motion'
    """

    volatility: Mapping[str, float]
    step: pd.Timedelta
    drift: Mapping[str, float] | float = 0.0
    correlation: pd.DataFrame | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))
    _of_step: tuple[Floats, Floats, Floats] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_step(self.step)
        for name, value in self.volatility.items():
            check_positive(value, argument=f"volatility of {name}", unit="per year, decimal")
        years = 1.0 / periods_in_year(self.step)
        sigma = by_asset(self.volatility, self.assets, argument="volatility")
        drift = (by_asset(self.drift, self.assets, argument="drift") - 0.5 * sigma**2) * years
        loads = correlated_loads(self.volatility, self.correlation) * np.sqrt(years)
        # Labels are looked up once, not in every block.
        object.__setattr__(self, "_of_step", (drift, loads, sigma))

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the last axis."""
        return tuple(self.volatility)

    @property
    def words(self) -> str:
        """The model in words."""
        return "geometric Brownian motion"

    def fill(self, block: Block, *, rng: np.random.Generator, tilt: Tilt | None) -> None:
        """Fill the buffers with paths; see `simulate_path_set`."""
        drift, loads, sigma = self._of_step
        z = rng.standard_normal(out=block.values)
        if tilt is not None:
            block.log_weights[:] = push_shocks(z, loads.T @ tilt.exposures(self.assets), tilt, rng=rng)
        load_kernels(KERNELS).brownian(z, np.empty((0, 1, 1)), drift, loads, block.values)
        block.volatility[:] = sigma


def correlated_loads(volatility: Mapping[str, float], correlation: pd.DataFrame | None) -> Floats:
    """Return the lower triangular loads of the log returns on independent normals, shape (n_assets, n_assets).

    Parameters
    ----------
    volatility : mapping of str to float
        By asset, any period.
    correlation : DataFrame, optional
        Labelled by asset; independent by default.

    Raises
    ------
    ArgumentError
        As `Copula`.

    Examples
    --------
    >>> names = ["BTC", "ETH"]
    >>> R = pd.DataFrame([[1.0, 0.6], [0.6, 1.0]], names, names)
    >>> correlated_loads({"BTC": 0.5, "ETH": 1.0}, R).round(2).tolist()
    [[0.5, 0.0], [0.6, 0.8]]
    """
    names = list(volatility)
    copula = Copula.independent(names) if correlation is None else Copula(correlation=correlation)
    return np.asarray(by_asset(volatility, names, argument="volatility")[:, None] * copula.root_of(names))
