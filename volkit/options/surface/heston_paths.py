"""Simulated paths of Heston's model by Andersen's quadratic-exponential scheme, with the forward kept a martingale."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from volkit.checks import check_count, check_positive
from volkit.errors import ArgumentError
from volkit.options.surface.heston import Heston

__all__ = ["HestonPaths", "simulate_heston"]

# Switch between the two laws of the next variance; anything from 1 to 2 works (Andersen, section 3.2.3).
_SWITCH = 1.5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HestonPaths:
    """Simulated paths.

    Attributes
    ----------
    times : array, shape (n_steps + 1,)
        Years, from 0.
    price : array, shape (n_paths, n_steps + 1)
        Over the forward at the start: begins at 1.
    variance : array, shape (n_paths, n_steps + 1)
        Decimal squared per year.
    """

    times: np.ndarray
    price: np.ndarray
    variance: np.ndarray


def simulate_heston(
    parameters: Heston, *, time: float, n_steps: int, n_paths: int, rng: np.random.Generator
) -> HestonPaths:
    """Return paths of price and variance.

    Parameters
    ----------
    parameters : Heston
        The model.
    time : float
        Years from start to end.
    n_steps, n_paths : int
        At least 1; the scheme needs few steps, about 32 a year.
    rng : Generator
        Source of randomness.

    Returns
    -------
    HestonPaths
        Simulated.

    Raises
    ------
    ArgumentError
        For time or counts that are not positive, or steps so long that the price has no mean.

    References
    ----------
    .. [1] Andersen (2008), Simple and efficient simulation of the Heston model, sections 3.2.4, 4.2 and 4.3.2.

    Examples
    --------
    >>> model = Heston(v0=0.04, kappa=4.0, theta=0.25, sigma=1.0, rho=-0.5)
    >>> paths = simulate_heston(model, time=1.0, n_steps=16, n_paths=2000, rng=np.random.default_rng(0))
    >>> paths.price.shape, bool(abs(paths.price[:, -1].mean() - 1.0) < 0.05), bool((paths.variance >= 0.0).all())
    ((2000, 17), True, True)
    """
    years = check_positive(time, argument="time", unit="years")
    steps = check_count(n_steps, argument="n_steps", unit="steps")
    paths = check_count(n_paths, argument="n_paths", unit="paths")
    step = years / steps
    variance = np.full((paths, steps + 1), parameters.v0)
    log_price = np.zeros((paths, steps + 1))
    for i in range(steps):
        variance[:, i + 1], adjustment = _next_variance(parameters, variance[:, i], step, rng.random(paths))
        log_price[:, i + 1] = log_price[:, i] + _log_return(
            parameters, variance[:, i], variance[:, i + 1], step, adjustment, rng.standard_normal(paths)
        )
    return HestonPaths(times=np.linspace(0.0, years, steps + 1), price=np.exp(log_price), variance=variance)


def _loadings(parameters: Heston, step: float) -> tuple[float, float, float]:
    """Return K1, K2 and K3 = K4 of [1], equation 33, with both weights a half."""
    pull = 0.5 * step * (parameters.kappa * parameters.rho / parameters.sigma - 0.5)
    lean = parameters.rho / parameters.sigma
    return pull - lean, pull + lean, 0.5 * step * (1.0 - parameters.rho**2)


def _next_variance(
    parameters: Heston, v: np.ndarray, step: float, uniform: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next variance, and ln E exp(A v') that keeps the price a martingale ([1], proposition 9)."""
    kappa, theta, sigma = parameters.kappa, parameters.theta, parameters.sigma
    decay = np.exp(-kappa * step)
    mean = theta + (v - theta) * decay
    spread = v * sigma**2 * decay / kappa * (1.0 - decay) + theta * sigma**2 / (2.0 * kappa) * (1.0 - decay) ** 2
    psi = spread / mean**2
    _, k2, k3 = _loadings(parameters, step)
    pull = k2 + 0.5 * k3
    result, adjustment = np.empty_like(v), np.empty_like(v)

    quadratic = psi <= _SWITCH
    inverse = 2.0 / psi[quadratic]
    b2 = inverse - 1.0 + np.sqrt(inverse) * np.sqrt(inverse - 1.0)
    a = mean[quadratic] / (1.0 + b2)
    result[quadratic] = a * (np.sqrt(b2) + ndtri(uniform[quadratic])) ** 2
    room = 1.0 - 2.0 * pull * a

    p = (psi[~quadratic] - 1.0) / (psi[~quadratic] + 1.0)
    rate = (1.0 - p) / mean[~quadratic]
    u = uniform[~quadratic]
    result[~quadratic] = np.where(u <= p, 0.0, np.log((1.0 - p) / np.maximum(1.0 - u, 1e-300)) / rate)
    if (room <= 0.0).any() or (pull >= rate).any():
        got = f"steps of {step:.6g} years"
        raise ArgumentError("n_steps", "must be large enough for the price to have a mean", got, "pass more steps")
    adjustment[quadratic] = pull * b2 * a / room - 0.5 * np.log(room)
    adjustment[~quadratic] = np.log(p + rate * (1.0 - p) / (rate - pull))
    return result, adjustment


def _log_return(
    parameters: Heston, v: np.ndarray, v_next: np.ndarray, step: float, adjustment: np.ndarray, normal: np.ndarray
) -> np.ndarray:
    k1, k2, k3 = _loadings(parameters, step)
    drift = -adjustment - (k1 + 0.5 * k3) * v
    return np.asarray(drift + k1 * v + k2 * v_next + np.sqrt(k3 * (v + v_next)) * normal)
