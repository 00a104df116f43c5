"""A position closed out in stages: what its loss varies by when a part of it is sold every period."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_count
from volkit.conventions import Side
from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.margin.horizon.clock import Horizon, check_interval
from volkit.margin.horizon.contracts import Contract, check_contract
from volkit.margin.horizon.losses import HorizonLosses
from volkit.results import ResultDisplay, freeze

__all__ = ["CloseOut", "closeout_losses", "linear_inventory", "staged_closeout"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class CloseOut(ResultDisplay):
    """A schedule of inventory and the volatility of the loss until all is sold.

    Attributes
    ----------
    inventory : ndarray, shape (n_steps,)
        Share of the position held during each step, from 1 down.
    step_volatility : ndarray, shape (n_steps,)
        Of the price in each step, decimal.
    horizon : Horizon
        Steps and their length.
    """

    inventory: Floats
    step_volatility: Floats
    horizon: Horizon

    @property
    def volatility(self) -> float:
        """Standard deviation of the loss, fraction of the notional at the start."""
        return float(np.sqrt(((self.inventory * self.step_volatility) ** 2).sum()))

    @property
    def factor(self) -> float:
        """`volatility` over that of the whole position in the first step (no unit)."""
        return self.volatility / float(self.step_volatility[0])

    @property
    def whole_volatility(self) -> float:
        """Standard deviation of the loss if nothing were sold before the end, fraction of the notional."""
        return float(np.sqrt((self.step_volatility**2).sum()))

    @property
    def headline(self) -> str:
        """Steps, factor and volatility in one line."""
        return (
            f"closed out over {self.horizon}: volatility {self.volatility:.4g} of the notional, {self.factor:.4g} x "
            f"the first step's, {percent_to(self.volatility / self.whole_volatility)} of holding it all"
        )

    def summary(self) -> pd.DataFrame:
        """Return inventory (share), volatility (decimal) and share of the variance by step."""
        variance = (self.inventory * self.step_volatility) ** 2
        return pd.DataFrame(
            {
                "inventory (share)": self.inventory,
                "volatility of the price (decimal)": self.step_volatility,
                "share of the variance": variance / variance.sum(),
            },
            index=pd.RangeIndex(1, len(variance) + 1, name="step"),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the summary."""
        return self.summary()


def linear_inventory(steps: int) -> Floats:
    """Return the shares held while a position is sold in equal parts, shape (steps,): 1, 1 - 1/n, ..., 1/n.

    Raises
    ------
    ArgumentError
        For fewer than one step.

    Examples
    --------
    >>> linear_inventory(4).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    n = check_count(steps, argument="steps", unit="steps")
    return np.arange(n, 0, -1) / n


def staged_closeout(
    inventory: int | Floats, *, volatility: float | Floats, interval: pd.Timedelta, delay: int = 0
) -> CloseOut:
    """Return the volatility of the loss of a position that is closed out in stages.

    Parameters
    ----------
    inventory : int or ndarray, shape (n_steps,)
        A number of equal parts, one sold at the end of every step; or the share held during each step, beginning
        with 1 and never rising.
    volatility : float or ndarray, shape (delay + n_steps,)
        Of the price in a step, decimal: one, or one a step (`VolatilityFit.forecast(...).volatility`).
    interval : Timedelta
        Length of a step.
    delay : int
        Steps before the first in which the whole position is held and nothing is done (reaction time).

    Returns
    -------
    CloseOut
        Its factor is sqrt((n + 1)(2 n + 1) / (6 n)) for n equal parts, constant volatility and no delay.

    Raises
    ------
    ArgumentError
        For fewer than one step, a negative delay, or a bad interval.
    DataError
        For an inventory that does not begin with 1, rises or is not positive, or volatilities of another length.

    Notes
    -----
    The loss is -sum x_k dP_k with uncorrelated price changes, so that its variance is sum (x_k sigma_k)^2. Market
    impact comes on top: `ImpactModel`.

    Examples
    --------
    >>> day = pd.Timedelta("1D")
    >>> [round(staged_closeout(n, volatility=0.04, interval=day).factor, 6) for n in (1, 2)]
    [1.0, 1.118034]
    """
    wait = check_count(delay, argument="delay", minimum=0, unit="steps")
    sold = linear_inventory(int(inventory)) if np.ndim(inventory) == 0 and not isinstance(inventory, float) else (
        _check_inventory(inventory)
    )  # fmt: skip
    held = np.concatenate([np.ones(wait), sold])
    sigma = np.array(np.broadcast_to(volatility, held.shape) if np.ndim(volatility) == 0 else volatility, dtype=float)
    if sigma.shape != held.shape or not (np.isfinite(sigma) & (sigma > 0.0)).all():
        raise DataError(
            "volatility",
            f"must be positive, one or {len(held)} (delay and steps)",
            f"{np.size(sigma)} values, smallest {np.min(sigma):g}",
            "pass the volatility of each step",
        )
    for array in (held, sigma):
        array.flags.writeable = False
    return CloseOut(inventory=held, step_volatility=sigma, horizon=Horizon(len(held), check_interval(interval)))


def closeout_losses(
    simple_returns: Floats,
    inventory: Floats,
    *,
    side: Side,
    interval: pd.Timedelta,
    contract: Contract = "linear",
    asset: str = "asset",
) -> HorizonLosses:
    """Return losses of a position that is closed out in stages along paths of returns.

    Parameters
    ----------
    simple_returns : ndarray, shape (n_paths, n_steps)
        Decimal, per step, above -1.
    inventory : ndarray, shape (n_steps,)
        Share held during each step, beginning with 1 and never rising.
    side : {"long", "short"}
        Side of the position.
    interval : Timedelta
        Length of a step.
    contract : {"linear", "inverse"}
        How the position settles.
    asset : str
        Name for display.

    Returns
    -------
    HorizonLosses
        One row a path: the worst running loss at the ends of steps (touch), and the final one (end).

    Raises
    ------
    ArgumentError
        For a bad side, contract or interval.
    DataError
        For paths that are no table of finite numbers above -1, or an inventory of another length or shape.

    Examples
    --------
    >>> paths = np.array([[-0.10, -0.10], [-0.10, 0.20]])
    >>> lost = closeout_losses(paths, np.array([1.0, 0.5]), side="long", interval=pd.Timedelta("1h"))
    >>> lost.losses.round(4).to_numpy().tolist()
    [[0.145, 0.145], [0.1, 0.01]]
    """
    check_contract(side, contract)
    step, held = check_interval(interval), _check_inventory(inventory)
    returns = np.asarray(simple_returns, dtype=np.float64)
    if returns.ndim != 2 or not returns.size or returns.shape[1] != len(held):
        remedy = "pass one row a path and one column a step"
        raise DataError("simple_returns", f"must have {len(held)} columns", f"shape {returns.shape}", remedy)
    bad = ~(np.isfinite(returns) & (returns > -1.0))
    if bad.any():
        got = f"{int(bad.sum())} NaN, infinite or at most -1"
        raise DataError("simple_returns", "must be finite and above -1", got, "simulate these paths again")
    prices = np.cumprod(1.0 + returns, axis=1)
    # In units of settlement: the price itself, or minus the coins that a dollar buys.
    worth = np.insert(prices if contract == "linear" else -1.0 / prices, 0, 1.0 if contract == "linear" else -1.0, 1)
    running = np.cumsum((-1.0 if side == "long" else 1.0) * held * np.diff(worth, axis=1), axis=1)
    lost = {"touch": np.maximum(running.max(axis=1), 0.0), "end": running[:, -1]}
    return HorizonLosses(
        asset=asset,
        losses=freeze(pd.DataFrame(lost, index=pd.RangeIndex(len(returns), name="path"))),
        side=side,
        contract=contract,
        horizon=Horizon(len(held), step),
        source="paths",
        method=f"closed out over {len(held)} steps, ends of steps",
        n_dropped=0,
        as_of=None,
    )


def _check_inventory(inventory: object) -> Floats:
    if isinstance(inventory, float):
        raise ArgumentError(
            "inventory", "must be a whole number of parts or shares by step", f"{inventory!r}", "pass 4"
        )
    held = np.asarray(inventory, dtype=np.float64)
    falls = held.ndim == 1 and len(held) > 0 and held[0] == 1.0 and (np.diff(held) <= 0.0).all() and (held > 0.0).all()
    if not falls:
        raise DataError(
            "inventory",
            "must begin with 1, never rise and stay positive",
            np.array2string(held, threshold=6, precision=4),
            "pass the share of the position held during each step, e.g. [1, 0.5]",
        )
    return held
