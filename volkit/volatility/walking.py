"""What a walk through time asks of a model: its fits, window by window."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError, VolkitWarning
from volkit.parallel import map_tasks
from volkit.results import Provenance
from volkit.volatility.distributions import Distribution
from volkit.volatility.engine.problem import standardize_windows
from volkit.volatility.fit import FitStatus
from volkit.volatility.garch import Garch
from volkit.volatility.inputs import read_inputs
from volkit.volatility.recursion import RunningRecursion
from volkit.volatility.refits import Refits, parameter_frame, refit_windows

__all__ = ["FittedModel", "Refit", "RefitsThroughTime", "VolatilityModel", "refits_of"]

# Windows that are standardised in one go.
_TOGETHER = 100


class FittedModel(Protocol):
    """What a walk asks of a fit: a `VolatilityFit`, an `ArchFit`, or a user's own."""

    @property
    def recursion(self) -> RunningRecursion:
        """Parameters, decimal, per period."""
        ...

    @property
    def distribution(self) -> Distribution:
        """Law of the standardised returns."""
        ...

    @property
    def next_variance(self) -> float:
        """Of the period after the last, decimal squared."""
        ...

    @property
    def standardized(self) -> pd.Series:
        """Standardised returns, shape (n_obs,)."""
        ...

    @property
    def status(self) -> FitStatus:
        """How the estimation ended."""
        ...


@runtime_checkable
class VolatilityModel(Protocol):
    """A specification that can be fitted: `Garch`, `Ewma`, or a user's own."""

    @property
    def words(self) -> str:
        """The model in words."""
        ...

    @property
    def minimum_observations(self) -> int:
        """Least number of returns."""
        ...

    def fit(self, returns: pd.Series, *, periods_per_year: float, provenance: Provenance | None = None) -> FittedModel:
        """Return the model fitted to decimal returns of shape (n_obs,)."""
        ...


@dataclass(frozen=True, slots=True)
class Refit:
    """One fit of many, no more than a walk needs of it.

    Attributes
    ----------
    recursion : RunningRecursion
        Parameters.
    distribution : Distribution
        Law of the standardised returns.
    next_variance : float
        Of the period after the window, decimal squared.
    status : str
        How the estimation ended.
    standardize : callable
        Gives the window's standardised returns, shape (n,).
    """

    recursion: RunningRecursion
    distribution: Distribution
    next_variance: float
    status: FitStatus
    standardize: Callable[[], np.ndarray]


@dataclass(frozen=True, slots=True)
class RefitsThroughTime:
    """All fits of a walk, the table of their parameters where there is one, and the regressors, shape (n_x, n + 1)."""

    refits: Sequence[Refit]
    parameters: pd.DataFrame | None
    pushes: np.ndarray
    table: Refits | None = None


def refits_of(
    model: VolatilityModel,
    returns: pd.Series,
    *,
    window: int,
    every: int,
    expanding: bool,
    regressors: pd.DataFrame | None,
    n_jobs: int,
) -> RefitsThroughTime:
    """Return the fits of a model to windows of checked returns, shape (n,), that end every `every` periods.

    Raises
    ------
    ArgumentError
        When regressors come for a model that takes none.
    """
    label = model.words if returns.name is None else f"{model.words} {returns.name}"
    if isinstance(model, Garch):
        return _of_garch(model, returns, window, every, expanding, regressors, n_jobs, label)
    if regressors is not None:
        raise ArgumentError("regressors", "must be left out", f"a frame for {model.words}", "use Garch(regressors=...)")
    ends = range(window, len(returns) + 1, every)
    windows = [returns.iloc[(0 if expanding else end - window) : end] for end in ends]
    fits = map_tasks(partial(_quiet_fit, model), windows, n_jobs=n_jobs, label=label)
    refits = [Refit(f.recursion, f.distribution, f.next_variance, f.status, partial(_standardized_of, f)) for f in fits]
    return RefitsThroughTime(refits, None, np.zeros((0, len(returns) + 1)))


def _standardized_of(fit: FittedModel) -> np.ndarray:
    return np.asarray(fit.standardized.to_numpy())


def _quiet_fit(model: VolatilityModel, returns: pd.Series) -> FittedModel:
    with warnings.catch_warnings():
        # One warning a fit would be hundreds; statuses are counted and reported once.
        warnings.simplefilter("ignore", VolkitWarning)
        return model.fit(returns, periods_per_year=1.0)


def _of_garch(
    model: Garch,
    returns: pd.Series,
    window: int,
    every: int,
    expanding: bool,
    regressors: pd.DataFrame | None,
    n_jobs: int,
    label: str,
) -> RefitsThroughTime:
    inputs = read_inputs(returns, regressors, names=model.regressors, minimum=window)
    found = refit_windows(
        model.design,
        inputs.values,
        n_lags=model.n_mean_lags,
        pushes=inputs.pushes,
        window=window,
        every=every,
        expanding=expanding,
        n_jobs=n_jobs,
        label=label,
    )
    parameters = parameter_frame(found, model.parameter_names, returns.index)
    refits = _GarchRefits(model, found, inputs.values, inputs.pushes)
    return RefitsThroughTime(refits, parameters, inputs.pushes, found)


class _GarchRefits(Sequence[Refit]):
    """The rows of a table of fits, each made into a `Refit` when it is asked for."""

    def __init__(self, model: Garch, found: Refits, values: np.ndarray, pushes: np.ndarray) -> None:
        self._model, self._found, self._values, self._pushes = model, found, values, pushes
        self._first, self._pools = -1, list[np.ndarray]()

    def __len__(self) -> int:
        return len(self._found.ends)

    def __getitem__(self, i: Any) -> Any:
        model, found = self._model, self._found
        return Refit(
            recursion=model.recursion_of(found.estimates[i]),
            distribution=model.law_of(found.estimates[i]),
            next_variance=float(found.next_variance[i]),
            status="converged" if found.converged[i] else "not converged",
            standardize=partial(self._standardize, i),
        )

    def _standardize(self, i: int) -> np.ndarray:
        # A walk asks for one window after the other: they are made together, some hundred at a time.
        first = i - i % _TOGETHER
        if first != self._first:
            self._first, self._pools = first, self._together(slice(first, first + _TOGETHER))
        return self._pools[i - first]

    def _together(self, rows: slice) -> list[np.ndarray]:
        model, found = self._model, self._found
        return standardize_windows(
            model.design,
            self._values,
            found.estimates[rows],
            begins=found.starts[rows] - model.n_mean_lags,
            counts=found.ends[rows] - found.starts[rows],
            n_lags=model.n_mean_lags,
            pushes=self._pushes[:, model.n_mean_lags :],
        )
