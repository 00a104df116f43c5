"""Filtered historical simulation of whole paths: past shocks of all assets drawn together, at today's volatility."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.errors import DataError
from volkit.results import Provenance
from volkit.scenarios.filtered import FilterState
from volkit.scenarios.paths.conditional import check_states, empty_shocks, fit_facts, walk_states
from volkit.scenarios.paths.engine import Block, check_step, periods_in_year
from volkit.scenarios.paths.tilt import Tilt, push_rows
from volkit.volatility import VolatilityFit

__all__ = ["FilteredHistory"]

Floats = npt.NDArray[np.float64]
_LEAST_ROWS = 20


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FilteredHistory:
    """Paths of volatility models whose shocks are standardised returns of the past, drawn with replacement.

    Parameters
    ----------
    states : mapping of str to FilterState
        Parameters and next variance by asset, of simple returns per step.
    pool : ndarray, shape (n_pool, n_assets)
        Standardised returns in the order of the states; a row holds those of one time and is drawn as a whole, so
        that dependence is kept. At least 20 rows.
    step : Timedelta
        Length of a step, the period of the returns.
    periods_per_year : float, optional
        That annualises the volatility on the paths; by default a year of 365 days over the step.
    as_of, provenance
        Handed on.

    Raises
    ------
    ArgumentError, ConvergenceError
        As `ConditionalVolatility`.
    DataError
        For a pool that has another shape, too few rows, or values that are not finite.

    References
    ----------
    .. [1] Barone-Adesi, Giannopoulos and Vosper (1999), VaR without correlations for portfolios of derivative
       securities.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> FilteredHistory.of_fits({"BTC": fit}).words
    'filtered historical, 60 past shocks'
    """

    states: Mapping[str, FilterState]
    pool: Floats
    step: pd.Timedelta
    periods_per_year: float | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    def __post_init__(self) -> None:
        check_step(self.step)
        check_states(self.states)
        pool = self.pool
        fits = pool.ndim == 2 and pool.shape[1] == len(self.states) and len(pool) >= _LEAST_ROWS
        if not fits or not np.isfinite(pool).all():
            raise DataError(
                "pool",
                f"must have at least {_LEAST_ROWS} rows by {len(self.states)} assets, all finite",
                f"shape {pool.shape} with {int((~np.isfinite(pool)).sum())} not finite",
                "pass the standardised returns of fits on common times",
            )

    @classmethod
    def of_fits(cls, fits: Mapping[str, VolatilityFit]) -> "FilteredHistory":
        """Return the engine of converged fits on the same times.

        Raises
        ------
        ArgumentError, ConvergenceError, DataError
            As the class and `volkit.scenarios.filtered_historical_scenarios`.
        """
        step, periods, as_of, provenance = fit_facts(fits)
        pool = np.column_stack([fit.standardized.to_numpy() for fit in fits.values()])
        return cls(
            states=dict(fits), pool=pool, step=step, periods_per_year=periods, as_of=as_of, provenance=provenance
        )

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the last axis."""
        return tuple(self.states)

    @property
    def words(self) -> str:
        """The model in words."""
        return f"filtered historical, {len(self.pool):,} past shocks"

    def fill(self, block: Block, *, rng: np.random.Generator, tilt: Tilt | None) -> None:
        """Fill the buffers with paths; see `simulate_path_set`."""
        rows = rng.integers(len(self.pool), size=block.values.shape[:2])
        if tilt is not None:
            deviation = np.sqrt([state.next_variance for state in self.states.values()])
            earned = (self.pool * (tilt.exposures(self.assets) * deviation)).sum(axis=1)
            block.log_weights[:] = push_rows(rows, earned, tilt, rng=rng)
        shocks = empty_shocks(block)
        for x, column in zip(shocks, self.pool.T, strict=True):
            x[:, :-1] = column[rows]
        walk_states(self.states, shocks, block, self.periods_per_year or periods_in_year(self.step))
