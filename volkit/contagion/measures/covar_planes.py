"""Quantile planes behind CoVaR: the measures that follow from them, their bootstrap and their standard error."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.contagion.measures.quantile_lines import fit_quantile_line
from volkit.errors import ConvergenceError
from volkit.margin.bridge.estimators import fit_quantile_plane
from volkit.margin.frontier.bands import stationary_weights
from volkit.parallel import progress

__all__ = ["EXACT_UP_TO", "CovarPoint", "CovarSample"]

Floats = npt.NDArray[np.float64]
# The exact linear program takes 0.1 s for ten thousand rows and a second for fifty thousand.
EXACT_UP_TO = 20_000
_ITERATIONS = 5_000
# Counts of rows that are held at a time.
_CELLS = 20_000_000


class CovarPoint(NamedTuple):
    """Planes and what follows from them at the latest state."""

    tail: Floats
    middle: Floats
    plane: Floats
    at_risk: float
    median: float
    distressed: float
    delta: float
    beta: float


@dataclass(frozen=True, slots=True)
class CovarSample:
    """Losses of system (y) and institution (x), lagged state with a column of ones, the latest state, and weights."""

    y: Floats
    x: Floats
    lagged: Floats
    latest: Floats
    level: float
    weights: Floats | None = None

    @property
    def has_state(self) -> bool:
        """Whether anything but the constant explains the rows."""
        return bool(self.lagged.shape[1] > 1)

    def estimate(self) -> CovarPoint:
        """Return the planes of the sample and what follows from them."""
        tail = _plane(self.lagged, self.x, self.level, self.weights)
        middle = _plane(self.lagged, self.x, 0.5, self.weights)
        plane = _plane(np.column_stack([self.lagged, self.x]), self.y, self.level, self.weights)
        at_risk, median, beta = float(self.latest @ tail), float(self.latest @ middle), float(plane[-1])
        distressed = float(self.latest @ plane[:-1]) + beta * at_risk
        return CovarPoint(tail, middle, plane, at_risk, median, distressed, beta * (at_risk - median), beta)

    def path(self, point: CovarPoint, times: pd.Index) -> pd.DataFrame:
        """Return value_at_risk, covar, covar_median and delta_covar (decimals) by row, shape (n_rows, 4)."""
        at_risk, median = self.lagged @ point.tail, self.lagged @ point.middle
        base = self.lagged @ point.plane[:-1]
        columns = {
            "value_at_risk": at_risk,
            "covar": base + point.beta * at_risk,
            "covar_median": base + point.beta * median,
            "delta_covar": point.beta * (at_risk - median),
        }
        return pd.DataFrame(columns, index=times)

    def bootstrap(self, n_draws: int, mean_block: float, rng: np.random.Generator) -> Floats:
        """Return DeltaCoVaR of samples drawn by blocks of rows, shape (n_draws,)."""
        n, draws = len(self.y), list[float]()
        near = int(np.argmin(np.abs(self.y - np.column_stack([self.lagged, self.x]) @ self.estimate().plane)))
        most = max(1, _CELLS // n)
        for first in progress(range(0, n_draws, most), label="resampled histories"):
            weights = stationary_weights(n, mean_block=mean_block, n_draws=min(most, n_draws - first), rng=rng)
            draws += [self._delta_of(count, near) for count in weights]
        return np.array(draws)

    def _delta_of(self, count: Floats, near: int) -> float:
        """Return DeltaCoVaR where each row counts so often; `near` is a row on the plane of the sample."""
        if not self.has_state:
            line = fit_quantile_line(self.x, self.y, count, level=self.level, start=near)
            if line is not None:
                tail, middle = (float(_quantile(self.x, level, count)[0]) for level in (self.level, 0.5))
                return float(line[1]) * (tail - middle)
        drawn = count > 0.0
        again = CovarSample(self.y[drawn], self.x[drawn], self.lagged[drawn], self.latest, self.level, count[drawn])
        return again.estimate().delta

    def standard_error(self, point: CovarPoint) -> float:
        """Return the standard error of DeltaCoVaR (decimal), by the delta method."""
        slope = _covariance(np.column_stack([self.lagged, self.x]), self.y, self.level)[-1, -1]
        tail = self.latest @ _covariance(self.lagged, self.x, self.level) @ self.latest
        middle = self.latest @ _covariance(self.lagged, self.x, 0.5) @ self.latest
        reach = point.at_risk - point.median
        return float(np.sqrt(reach**2 * slope + point.beta**2 * (tail + middle)))


def _plane(design: Floats, losses: Floats, level: float, weights: Floats | None) -> Floats:
    if design.shape[1] == 1:
        return _quantile(losses, level, np.ones(len(losses)) if weights is None else weights)
    # The loss function grows in proportion, so that a weight is a factor of its row.
    w = 1.0 if weights is None else weights[:, None]
    X, y = design * w, losses if weights is None else losses * weights
    if len(losses) <= EXACT_UP_TO:
        return fit_quantile_plane(X, y, level=level)
    return np.asarray(_regression(X, y, level).params, dtype=np.float64)


def _quantile(losses: Floats, level: float, weights: Floats) -> Floats:
    """Return the plane of a constant alone: the lowest loss up to which the weights reach the level."""
    order = np.argsort(losses, kind="stable")
    reached = np.cumsum(weights[order])
    at = int(np.searchsorted(reached, level * reached[-1] * (1.0 - 1e-12)))
    return np.array([losses[order[min(at, len(losses) - 1)]]])


def _covariance(design: Floats, losses: Floats, level: float) -> Floats:
    return np.asarray(_regression(design, losses, level).cov_params(), dtype=np.float64)


def _regression(design: Floats, losses: Floats, level: float):  # type: ignore[no-untyped-def]  # statsmodels has no types
    # Imported here: statsmodels takes a second to load.
    from statsmodels.regression.quantile_regression import QuantReg
    from statsmodels.tools.sm_exceptions import IterationLimitWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", IterationLimitWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return QuantReg(losses, design).fit(q=level, max_iter=_ITERATIONS)
        except IterationLimitWarning as warning:
            raise ConvergenceError(f"a quantile regression of {len(losses):,} losses did not settle") from warning
