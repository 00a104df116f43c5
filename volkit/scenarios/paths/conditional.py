"""Paths of fitted volatility models, whose variance moves along each path, with joint shocks of their laws."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_positive
from volkit.correlation.dcc.margins import signed_tail, value_of_tail
from volkit.errors import ArgumentError, ConvergenceError
from volkit.kernels import load_kernels
from volkit.results import Provenance
from volkit.scenarios.filtered import FilterState, check_together
from volkit.scenarios.paths.brownian import KERNELS
from volkit.scenarios.paths.copula import Copula
from volkit.scenarios.paths.engine import Block, check_step, periods_in_year
from volkit.scenarios.paths.tilt import Tilt, push_shocks
from volkit.volatility import VolatilityFit
from volkit.volatility.distributions import Distribution

__all__ = ["ConditionalVolatility", "PathState", "check_states", "empty_shocks", "fit_facts", "walk_states"]

Floats = npt.NDArray[np.float64]


class PathState(FilterState, Protocol):
    """What paths need to know of one asset: a `VolatilityFit`, a `VolatilityState`, or a state of one's own."""

    @property
    def distribution(self) -> Distribution:
        """Law of the standardised returns."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ConditionalVolatility:
    """Paths of volatility models (GARCH, GJR, EGARCH, APARCH, EWMA) with shocks of their laws.

    Parameters
    ----------
    states : mapping of str to PathState
        Parameters, next variance and law by asset, of simple returns per step.
    step : Timedelta
        Length of a step, the period of the returns.
    copula : Copula, optional
        Dependence of the shocks of one time; independent by default for one asset, needed for several.
    periods_per_year : float, optional
        That annualises the volatility on the paths; by default a year of 365 days over the step.
    as_of, provenance
        Handed on.

    Raises
    ------
    ArgumentError
        For no state, several states without a copula, a copula of other assets, regressors in the variance.
    ConvergenceError
        For a fit that did not converge.

    Notes
    -----
    The copula's variables are turned into shocks by the quantiles of each law; a t law of the copula's own degrees
    of freedom is taken as it is. One asset with a t law has a t copula of the same degrees of freedom.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> ConditionalVolatility.of_fits({"BTC": fit}).step
    Timedelta('1 days 00:00:00')
    """

    states: Mapping[str, PathState]
    step: pd.Timedelta
    copula: Copula | None = None
    periods_per_year: float | None = None
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))
    _root: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_step(self.step)
        check_states(self.states)
        if self.copula is None and len(self.states) > 1:
            raise ArgumentError(
                "copula",
                "must be given for several assets",
                f"None for {', '.join(self.states)}",
                "pass Copula(correlation=...), Copula.of_fit(fit_t_copula(...)) or Copula.independent(names)",
            )
        # Labels are looked up once, not in every block.
        object.__setattr__(self, "_root", self._dependence.root_of(self.assets))

    @classmethod
    def of_fits(cls, fits: Mapping[str, VolatilityFit], *, copula: Copula | None = None) -> "ConditionalVolatility":
        """Return the engine of converged fits on the same times.

        Raises
        ------
        ArgumentError, ConvergenceError, DataError
            As the class and `volkit.scenarios.filtered_historical_scenarios`.
        """
        step, periods, as_of, provenance = fit_facts(fits)
        return cls(
            states=dict(fits), step=step, copula=copula, periods_per_year=periods, as_of=as_of, provenance=provenance
        )

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of the last axis."""
        return tuple(self.states)

    @property
    def words(self) -> str:
        """The model in words."""
        laws = "; ".join(dict.fromkeys(_state_words(state) for state in self.states.values()))
        return f"{laws}, {self._dependence.words}" if len(self.states) > 1 else laws

    def fill(self, block: Block, *, rng: np.random.Generator, tilt: Tilt | None) -> None:
        """Fill the buffers with paths; see `simulate_path_set`."""
        root, nu = self._root, self._degrees_of_freedom
        # The buffer of the prices holds the shocks until the walk.
        z, mixing = rng.standard_normal(out=block.values), None
        if np.isfinite(nu):
            mixing = np.sqrt(nu / rng.chisquare(nu, z.shape[:2]))
        if tilt is not None:
            deviation = np.sqrt([state.next_variance for state in self.states.values()])
            loads = root.T @ (tilt.exposures(self.assets) * deviation)
            block.log_weights[:] = push_shocks(z, loads, tilt, rng=rng, mixing=mixing, degrees_of_freedom=nu)
        own, unit = Distribution(), np.empty((0, 0))
        if mixing is not None:
            own, unit = Distribution("t", nu), mixing * np.sqrt((nu - 2.0) / nu)
        shocks = empty_shocks(block)
        load_kernels(KERNELS).correlate(z, root, unit, shocks)
        for x, state in zip(shocks[:, :, :-1], self.states.values(), strict=True):
            # The copula's variables become shocks of the asset's law.
            if state.distribution != own:
                x[:] = value_of_tail(state.distribution, signed_tail(own, x))
        walk_states(self.states, shocks, block, self.periods_per_year or periods_in_year(self.step))

    @property
    def _dependence(self) -> Copula:
        if self.copula is not None:
            return self.copula
        return Copula.independent(self.assets, degrees_of_freedom=self._degrees_of_freedom)

    @property
    def _degrees_of_freedom(self) -> float:
        if self.copula is not None:
            return self.copula.degrees_of_freedom
        law = next(iter(self.states.values())).distribution
        return law.degrees_of_freedom if law.name == "t" else float("inf")


def empty_shocks(block: Block) -> Floats:
    """Return a buffer for the shocks of a walk, shape (n_assets, n_paths, n_steps + 1).

    The last period has no shock: its variance is the one that stands at the end of the path.

    Examples
    --------
    >>> empty_shocks(Block.empty(5, 2, 1)).shape
    (1, 5, 3)
    """
    n_paths, n_steps, n_assets = block.values.shape
    shocks = np.empty((n_assets, n_paths, n_steps + 1))
    shocks[:, :, -1] = 0.0
    return shocks


def walk_states(states: Mapping[str, FilterState], shocks: Floats, block: Block, periods_per_year: float) -> None:
    """Fill prices and volatilities from standardised shocks in a buffer of `empty_shocks`.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> block = Block.empty(1, 2, 1)
    >>> walk_states({"BTC": fit}, np.array([[[-2.0, 0.0, 0.0]]]), block, 365.0)
    >>> block.values.round(4).ravel().tolist()
    [0.98, 0.98]
    """
    scale = float(np.sqrt(periods_per_year))
    for asset, (state, z) in enumerate(zip(states.values(), shocks, strict=True)):
        returns, variances = state.recursion.simulate(state.next_variance, z, earlier=state.earlier)
        load_kernels(KERNELS).compound(returns, variances, scale, asset, block.values, block.volatility)


def check_states(states: Mapping[str, FilterState]) -> None:
    """Refuse states that cannot be walked.

    Raises
    ------
    ArgumentError
        For no state, a next variance that is not positive, or regressors in the variance.
    ConvergenceError
        For a fit that did not converge.

    Examples
    --------
    >>> check_states({})
    Traceback (most recent call last):
        ...
    volkit.errors.ArgumentError: states must hold at least one asset; got none; fit a model to each asset first.
    """
    if not states:
        raise ArgumentError("states", "must hold at least one asset", "none", "fit a model to each asset first")
    for name, state in states.items():
        if getattr(state, "status", "") == "not converged":
            raise ConvergenceError(f"the fit of {name} did not converge; its paths are not to be used.")
        check_positive(state.next_variance, argument=f"next variance of {name}", unit="decimal squared")
        if state.recursion.weights:
            raise ArgumentError(
                "states",
                "must have no regressors in the variance, whose later values paths would need",
                f"{len(state.recursion.weights)} of {name}",
                "fit the model without regressors",
            )


def fit_facts(fits: Mapping[str, VolatilityFit]) -> tuple[pd.Timedelta, float, pd.Timestamp, Provenance]:
    """Return step, periods of a year, last time and sources of fits on the same times.

    Raises
    ------
    ArgumentError, ConvergenceError, DataError
        For no fit, one that did not converge, and fits on different times.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> fit_facts({"BTC": fit})[:2]
    (Timedelta('1 days 00:00:00'), 365)
    """
    first = check_together(fits)
    step = pd.Timedelta(first.returns.index.to_series().diff().median())
    series = {s.name: s for fit in fits.values() for s in fit.provenance.series}
    return step, first.periods_per_year, first.as_of, Provenance(tuple(series.values()))


def _state_words(state: PathState) -> str:
    return str(getattr(state, "spec", f"variance recursion, {state.distribution.name} shocks"))
