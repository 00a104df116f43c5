"""Paths of several assets whose correlations move: a fitted DCC as a path engine."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.correlation.dcc import DccFit
from volkit.kernels import load_kernels
from volkit.results import Provenance
from volkit.scenarios.paths.brownian import KERNELS
from volkit.scenarios.paths.engine import Block
from volkit.scenarios.paths.jumps import refuse_tilt
from volkit.scenarios.paths.tilt import Tilt

__all__ = ["DynamicCorrelation"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DynamicCorrelation:
    """Paths of a DCC fitted to simple returns, by its own `simulate`.

    Parameters
    ----------
    fit : DccFit
        Converged, of simple returns (decimal) per step.

    Examples
    --------
    >>> from volkit.correlation.dcc import Dcc, simulate_dcc
    >>> x, _ = simulate_dcc(np.eye(2), a=0.05, b=0.9, n_obs=500, rng=np.random.default_rng(1))
    >>> times = pd.date_range("2023-01-01", periods=500, tz="UTC")
    >>> returns = pd.DataFrame(0.02 * x, index=times, columns=["BTC", "ETH"])
    >>> fit = Dcc().fit(returns, periods_per_year=365)
    >>> DynamicCorrelation(fit=fit).assets
    ('BTC', 'ETH')
    """

    fit: DccFit

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the last axis."""
        return self.fit.assets

    @property
    def step(self) -> pd.Timedelta:
        """Length of a step: the usual distance of the fit's times."""
        return pd.Timedelta(self.fit.driver.index.to_series().diff().median())

    @property
    def words(self) -> str:
        """The model in words."""
        return self.fit.spec

    @property
    def as_of(self) -> pd.Timestamp | None:
        """Label (UTC) of the fit's last period."""
        return self.fit.as_of

    @property
    def provenance(self) -> Provenance:
        """Sources and hashes of the fit."""
        return self.fit.provenance

    def fill(self, block: Block, *, rng: np.random.Generator, tilt: Tilt | None) -> None:
        """Fill the buffers with paths; see `simulate_path_set`.

        Raises
        ------
        ArgumentError
            For a tilt.
        ConvergenceError
            When the fit did not converge.
        """
        refuse_tilt(tilt, self.words)
        n_paths, n_steps, _ = block.values.shape
        drawn = self.fit.simulate(n_steps, n_paths=n_paths, rng=rng).returns
        scale = float(np.sqrt(self.fit.periods_per_year))
        variances = np.empty((n_paths, n_steps + 1))
        for asset, margin in enumerate(self.fit.margins):
            returns, earlier = np.ascontiguousarray(drawn[:, :, asset]), margin.returns.to_numpy()
            for i, row in enumerate(returns):
                variances[i] = margin.recursion.follow(row, margin.next_variance, earlier=earlier)
            load_kernels(KERNELS).compound(returns, variances, scale, asset, block.values, block.volatility)
