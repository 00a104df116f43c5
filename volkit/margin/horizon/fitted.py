"""Touch probabilities and losses over a horizon under a fitted volatility model: its paths, with bridges between.

Shocks come from the fitted law, or from the standardised returns with replacement (filtered historical simulation);
the variance recursion runs along every path. Within a period the log price is taken as Brownian with the variance of
that period, so that the worst price on the way is seen and not only the ends of periods.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from volkit.checks import check_choice
from volkit.conventions import Side
from volkit.errors import ConvergenceError, DataError
from volkit.kernels import load_kernels
from volkit.margin.horizon.clock import Horizon, read_horizon, usual_interval
from volkit.margin.horizon.contracts import Contract, check_contract, exhausting_move, losses_of_moves
from volkit.margin.horizon.losses import HorizonLosses
from volkit.margin.horizon.passage import Passage
from volkit.margin.horizon.shocks import shocks_with_sums, stratified_error, stratified_normals
from volkit.margin.horizon.simulation import check_paths
from volkit.margin.horizon.touch import TouchProbability
from volkit.results import freeze
from volkit.volatility import VolatilityFit, simulate_paths

__all__ = ["check_fit_horizon", "path_losses", "simulate_touch_of_fit", "simulated_losses"]

Floats = npt.NDArray[np.float64]
Within = Literal["bridge", "ends"]
WITHIN: tuple[Within, Within] = ("bridge", "ends")
_KERNELS = "volkit.margin.horizon._bridge"
# Standard deviations of the sum of shocks by which paths may be pushed, and the paths of the trial that chooses.
_TILTS = (0.0, 1.0, 2.0)
_TRIAL = 2_000


def simulate_touch_of_fit(
    fit: VolatilityFit,
    margin: float,
    *,
    side: Side,
    horizon: int | pd.Timedelta,
    rng: np.random.Generator,
    n_paths: int = 10_000,
    contract: Contract = "linear",
    within: Within = "bridge",
    tilt: float | None = None,
) -> TouchProbability:
    """Return the touch probability of a margin over paths of a fitted model, with its Monte Carlo error.

    Parameters
    ----------
    fit : VolatilityFit
        Converged, fitted to simple returns (decimal) per period.
    margin : float
        Fraction of the notional, above 0.
    side : {"long", "short"}
        Side of the position.
    horizon : int or Timedelta
        Periods of the fit's clock, or a whole number of them as a length.
    rng : Generator
        Randomness.
    n_paths : int
        At least 100, even; half the number of strata.
    contract : {"linear", "inverse"}
        How the position settles.
    within : {"bridge", "ends"}
        Whether the price is watched within periods or looked at where they end.
    tilt : float, optional
        Standard deviations of the sum of shocks by which paths are pushed towards the barrier (importance sampling);
        by default the one of 0, 1 and, under a normal law, 2 with the least error in a trial of 2,000 paths.

    Returns
    -------
    TouchProbability
        Touch and end with their standard errors.

    Raises
    ------
    ArgumentError
        For a bad margin, side, contract, horizon, number of paths, or generator.
    ConvergenceError
        When the fit did not converge.

    Notes
    -----
    The sum of each path's normal shocks is stratified, two paths a stratum; a t law is a normal shock over an
    independent root of chi-squared, other laws are quantiles of the normal shock. Touches within periods are taken at
    their conditional probability, and the touch of the same normal shocks at a constant variance, known in closed
    form, serves as control variate (Glasserman 2004, sections 4.1, 4.3.2 and 6.4).

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, freq="1h", tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=8760)
    >>> found = simulate_touch_of_fit(fit, 0.05, side="long", horizon=24, rng=np.random.default_rng(1))
    >>> bool(found.probability > found.end_probability), str(found.horizon)
    (True, '24 periods of 1 h')
    """
    check_contract(side, contract)
    check_choice(within, argument="within", choices=WITHIN)
    distance = abs(exhausting_move(margin, side=side, contract=contract))
    count, over = check_paths(n_paths, rng), check_fit_horizon(fit, horizon)
    setting = _Setting(fit, over.periods, distance, side, within)
    push = _best_tilt(setting, rng) if tilt is None else float(tilt)
    touched, ended = setting.values(count, tilt=push, rng=rng)
    return TouchProbability(
        probability=float(touched.mean()),
        end_probability=float(ended.mean()),
        margin=float(margin),
        side=side,
        contract=contract,
        horizon=over,
        volatility=float("nan"),
        method=f"{fit.spec}, stratified paths" + (f" pushed by {push:g} sd" if push else ""),
        monitoring=None if within == "bridge" else over.interval,
        n_paths=count,
        standard_error=stratified_error(touched),
        end_standard_error=stratified_error(ended),
        as_of=fit.as_of,
    )


def simulated_losses(
    fit: VolatilityFit,
    *,
    side: Side,
    horizon: int | pd.Timedelta,
    rng: np.random.Generator,
    n_paths: int = 10_000,
    method: Literal["simulation", "bootstrap"] = "bootstrap",
    contract: Contract = "linear",
    within: Within = "bridge",
) -> HorizonLosses:
    """Return touch and end losses over simulated paths of a fitted model.

    Parameters
    ----------
    fit, side, horizon, rng, n_paths, contract, within
        As in `simulate_touch_of_fit`.
    method : {"bootstrap", "simulation"}
        Past shocks redrawn (filtered historical simulation) or shocks from the fitted law.

    Returns
    -------
    HorizonLosses
        One row a path.

    Raises
    ------
    ArgumentError, ConvergenceError
        As `simulate_touch_of_fit` and `simulate_paths`.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> lost = simulated_losses(fit, side="long", horizon=5, rng=np.random.default_rng(1))
    >>> bool((lost.losses["touch"] >= lost.losses["end"]).all())
    True
    """
    count, over = check_paths(n_paths, rng), check_fit_horizon(fit, horizon)
    paths = simulate_paths(fit, horizon=over.periods, rng=rng, n_paths=count, method=method)
    check_choice(within, argument="within", choices=WITHIN)
    found = path_losses(
        paths.returns,
        side=side,
        interval=over.interval,
        contract=contract,
        variances=paths.variances if within == "bridge" else None,
        rng=rng,
        asset=fit.asset,
    )
    return HorizonLosses(
        asset=fit.asset,
        losses=found.losses,
        side=side,
        contract=contract,
        horizon=over,
        source="paths",
        method=f"{fit.spec}, {method}, {found.method}",
        n_dropped=0,
        as_of=fit.as_of,
        provenance=fit.provenance,
    )


def path_losses(
    simple_returns: Floats,
    *,
    side: Side,
    interval: pd.Timedelta,
    contract: Contract = "linear",
    variances: Floats | None = None,
    rng: np.random.Generator | None = None,
    asset: str = "asset",
) -> HorizonLosses:
    """Return touch and end losses of paths of returns.

    Parameters
    ----------
    simple_returns : ndarray, shape (n_paths, periods)
        Decimal, per period; below -1 counts as -1.
    side : {"long", "short"}
        Side of the position.
    interval : Timedelta
        Length of a period.
    contract : {"linear", "inverse"}
        How the position settles.
    variances : ndarray, shape (n_paths, periods), optional
        Of each period (decimal squared). With them the worst price within each period is drawn from a Brownian
        bridge; without them only the ends of periods are seen, which understates a touch.
    rng : Generator, optional
        Needed with variances.
    asset : str
        Name for display.

    Returns
    -------
    HorizonLosses
        One row a path; no `as_of`.

    Raises
    ------
    ArgumentError
        For a bad side, contract or interval, and for variances without a generator.
    DataError
        For paths that are no table of finite numbers, or variances of another shape or below zero.

    Examples
    --------
    >>> paths = np.array([[-0.10, 0.20], [0.05, 0.05]])
    >>> lost = path_losses(paths, side="long", interval=pd.Timedelta("1D"))
    >>> lost.losses.round(4).to_numpy().tolist()
    [[0.1, -0.08], [0.0, -0.1025]]
    """
    check_contract(side, contract)
    returns = _check_table(simple_returns, "simple_returns")
    over = read_horizon(returns.shape[1], interval=interval)
    sign = 1.0 if side == "long" else -1.0
    widths = np.zeros_like(returns)
    if variances is not None:
        check_paths(100, rng)
        widths = _check_table(variances, "variances", shape=returns.shape)
    uniforms = 1.0 - rng.random(returns.shape) if variances is not None and rng is not None else widths
    lowest, end = np.empty(len(returns)), np.empty(len(returns))
    load_kernels(_KERNELS).worst_moves(sign * _log_steps(returns), widths, uniforms, lowest, end)
    touch, last = (losses_of_moves(sign * move, side=side, contract=contract) for move in (lowest, end))
    return HorizonLosses(
        asset=asset,
        losses=freeze(pd.DataFrame({"touch": touch, "end": last}, index=pd.RangeIndex(len(returns), name="path"))),
        side=side,
        contract=contract,
        horizon=over,
        source="paths",
        method="ends of periods" if variances is None else "bridges within periods",
        n_dropped=0,
        as_of=None,
    )


def check_fit_horizon(fit: VolatilityFit, horizon: int | pd.Timedelta) -> Horizon:
    """Return a horizon on the clock of a fit's returns, and refuse a fit that did not converge.

    Raises
    ------
    ArgumentError, DataError
        As `read_horizon` and `usual_interval`.
    ConvergenceError
        When the fit did not converge.

    Examples
    --------
    >>> from volkit.volatility import Ewma
    >>> times = pd.date_range("2024-01-01", periods=60, tz="UTC")
    >>> fit = Ewma().fit(pd.Series([0.01, -0.01] * 30, index=times, name="BTC"), periods_per_year=365)
    >>> print(check_fit_horizon(fit, pd.Timedelta("5D")))
    5 periods of 1 d
    """
    if fit.status == "not converged":
        raise ConvergenceError(
            f"{fit.spec} on {fit.asset} did not converge; it says nothing of a horizon. Use a longer history or Ewma()."
        )
    # A count needs no clock of its own: sessions with weekends between them are periods like others.
    step = pd.Timedelta(fit.returns.index.to_series().diff().median())
    if isinstance(horizon, pd.Timedelta):
        step = usual_interval(pd.DatetimeIndex(fit.returns.index), argument=f"returns of {fit.asset}")
    return read_horizon(horizon, interval=step)


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the paths of a touch are drawn for; the barrier lies `distance` (log) away on the losing side."""

    fit: VolatilityFit
    steps: int
    distance: float
    side: Side
    within: Within

    @property
    def sign(self) -> float:
        return 1.0 if self.side == "long" else -1.0

    def values(self, n_paths: int, *, tilt: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return each path's weighted touch probability and its weighted end, in order of strata."""
        pushed = stratified_normals(n_paths, rng=rng) - self.sign * tilt
        normals = shocks_with_sums(pushed, self.steps, rng=rng)
        # N(0, 1) over N(-sign tilt, 1) at the pushed normal.
        weight = np.exp(tilt * (self.sign * pushed + 0.5 * tilt))
        fit = self.fit
        shocks = _of_law(normals, fit, rng)
        returns, variances = fit.recursion.simulate(fit.next_variance, shocks, earlier=fit.returns.to_numpy())
        widths = variances if self.within == "bridge" else np.zeros_like(variances)
        survival, end = self.survivals(_log_steps(returns), widths)
        control = weight * (1.0 - self.survivals(*self.twin(normals))[0])
        touched = weight * (1.0 - survival)
        # The coefficient with the least variance within strata.
        da, dc = (each[0::2] - each[1::2] for each in (touched, control))
        slope = float(da @ dc) / max(float(dc @ dc), 1e-300)
        return touched - slope * (control - self.twin_probability), weight * (end <= -self.distance)

    def survivals(self, log_steps: Floats, widths: Floats) -> tuple[Floats, Floats]:
        survival, end = np.empty(len(log_steps)), np.empty(len(log_steps))
        load_kernels(_KERNELS).survivals(self.sign * log_steps, widths, self.distance, survival, end)
        return survival, end

    def twin(self, normals: Floats) -> tuple[Floats, Floats]:
        """Return the same normal shocks at the next variance for ever: paths whose touch is known in closed form."""
        v = self.fit.next_variance
        return np.sqrt(v) * normals, np.full_like(normals, v)

    @property
    def twin_probability(self) -> float:
        return Passage(0.0, float(np.sqrt(self.steps * self.fit.next_variance))).probability(self.distance)


def _best_tilt(setting: _Setting, rng: np.random.Generator) -> float:
    errors = {}
    # Single shocks of a fat-tailed law touch without their sum: pushed far, such paths weigh much and are rarely met.
    for tilt in _TILTS if setting.fit.distribution.name == "normal" else _TILTS[:2]:
        touched, _ = setting.values(_TRIAL, tilt=tilt, rng=rng)
        # A trial that met no touch knows no error.
        errors[tilt] = stratified_error(touched) or np.inf
    return min(errors, key=errors.__getitem__)


def _of_law(normals: Floats, fit: VolatilityFit, rng: np.random.Generator) -> Floats:
    """Return shocks of the fit's law, each a function of its normal shock and of chance."""
    law = fit.distribution
    if law.name == "normal":
        return normals
    if law.name == "t":
        nu = law.degrees_of_freedom
        return np.asarray(normals * np.sqrt((nu - 2.0) / rng.chisquare(nu, normals.shape)))
    return np.asarray(law.quantiles(special.ndtr(normals)))


def _log_steps(simple_returns: Floats) -> Floats:
    # A linear price cannot fall below zero, whatever a fat-tailed draw says: it ends at -inf.
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(np.maximum(simple_returns, -1.0)))


def _check_table(values: Floats, argument: str, *, shape: tuple[int, ...] | None = None) -> Floats:
    table = np.ascontiguousarray(values, dtype=np.float64)
    wanted = "a table of paths by periods" if shape is None else f"a table of shape {shape}"
    if table.ndim != 2 or not table.size or (shape is not None and table.shape != shape):
        raise DataError(argument, f"must be {wanted}", f"shape {table.shape}", "pass one row a path")
    bad = ~np.isfinite(table) if shape is None else ~(np.isfinite(table) & (table >= 0.0))
    if bad.any():
        what = "NaN or infinite" if shape is None else "negative, NaN or infinite"
        raise DataError(argument, "must be finite", f"{int(bad.sum())} {what} values", "simulate these paths again")
    return table
