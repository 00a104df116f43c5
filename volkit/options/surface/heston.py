"""Heston's model: characteristic function, option prices by Fourier inversion, and simulated paths.

The log of the forward over its start is driven by dS/S = sqrt(v) dW, dv = kappa (theta - v) dt + sigma sqrt(v) dZ. All
is undiscounted and per unit of the forward unless a forward is given.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from volkit.checks import check_positive
from volkit.errors import ArgumentError

__all__ = ["Heston", "heston_characteristic", "heston_price"]

_NODES = 16
_FEWEST_PANELS, _MOST_PANELS = 32, 512
# A panel of sixteen nodes resolves about two turns of the phase.
_RADIANS_PER_PANEL = 12.0
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True, slots=True, kw_only=True)
class Heston:
    """Parameters of Heston's model.

    Parameters
    ----------
    v0 : float
        Variance at the start, decimal squared per year, above 0.
    kappa : float
        Speed of reversion, per year, above 0.
    theta : float
        Variance in the long run, decimal squared per year, above 0.
    sigma : float
        Volatility of variance, above 0.
    rho : float
        Correlation of price and variance, between -1 and 1.

    Raises
    ------
    ArgumentError
        For parameters outside their ranges.

    Examples
    --------
    >>> Heston(v0=0.04, kappa=4.0, theta=0.25, sigma=1.0, rho=-0.5).keeps_feller
    True
    """

    v0: float
    kappa: float
    theta: float
    sigma: float
    rho: float

    def __post_init__(self) -> None:
        for name in ("v0", "kappa", "theta", "sigma"):
            check_positive(getattr(self, name), argument=name, unit="per year")
        if not -1.0 < self.rho < 1.0:
            raise ArgumentError("rho", "must lie between -1 and 1", f"{self.rho!r}", "pass for example rho=-0.5")

    @property
    def keeps_feller(self) -> bool:
        """Whether variance never reaches 0: 2 kappa theta >= sigma^2."""
        return 2.0 * self.kappa * self.theta >= self.sigma**2

    def mean_variance(self, time: float) -> float:
        """Return the mean of variance over a time (years), decimal squared per year."""
        decay = -np.expm1(-self.kappa * time) / (self.kappa * time)
        return float(self.theta + (self.v0 - self.theta) * decay)


def heston_characteristic(parameters: Heston, u: np.ndarray, *, time: float) -> np.ndarray:
    """Return E exp(i u ln(S_t / F)) in the form that stays on one branch of the logarithm.

    Parameters
    ----------
    parameters : Heston
        The model.
    u : array of complex
        Any shape.
    time : float
        Years.

    References
    ----------
    .. [1] Albrecher, Mayer, Schoutens and Tistaert (2007), The little Heston trap, equation 2.

    Examples
    --------
    >>> model = Heston(v0=0.04, kappa=4.0, theta=0.25, sigma=1.0, rho=-0.5)
    >>> bool(abs(heston_characteristic(model, np.array(-1j), time=1.0) - 1.0) < 1e-14)  # the forward is a martingale
    True
    """
    kappa, theta, sigma, rho = parameters.kappa, parameters.theta, parameters.sigma, parameters.rho
    z = np.asarray(u, dtype=np.complex128)
    lean = kappa - 1j * rho * sigma * z
    d = np.sqrt(lean * lean + sigma**2 * (z * z + 1j * z))
    # lean - d without cancellation, and g = (lean - d) / (lean + d).
    difference = -(sigma**2) * (z * z + 1j * z) / (lean + d)
    g = difference / (lean + d)
    decay = np.exp(-d * time)
    level = kappa * theta / sigma**2 * (difference * time - 2.0 * np.log((1.0 - g * decay) / (1.0 - g)))
    start = parameters.v0 / sigma**2 * difference * (1.0 - decay) / (1.0 - g * decay)
    return np.asarray(np.exp(level + start))


def heston_price(
    parameters: Heston,
    *,
    forward: float,
    strike: np.ndarray | float,
    time: float,
    is_call: np.ndarray | bool,
    discount: float = 1.0,
) -> np.ndarray:
    """Return option prices, by Lewis' integral of the difference to a Black-76 price of the same mean variance.

    Parameters
    ----------
    parameters : Heston
        The model.
    forward : float
        Quote currency, above 0.
    strike : array
        Quote currency, above 0.
    time : float
        Years, above 0.
    is_call : array of bool
        Broadcasts with strike.
    discount : float
        Factor on the undiscounted price.

    Returns
    -------
    array
        Quote currency, broadcast shape.

    Raises
    ------
    ArgumentError
        For forward, strike or time that are not positive.

    Notes
    -----
    C = C_76 + sqrt(F K) / pi * int_0^U Re(e^(iux) (phi_76 - phi)(u - i/2)) / (u^2 + 1/4) du, x = ln(F / K), on 32
    or more panels of 16 Gauss-Legendre nodes; U is where both characteristic functions have faded.

    References
    ----------
    .. [1] Lewis (2000), Option valuation under stochastic volatility, chapter 2.
    .. [2] Andersen and Andreasen (2002), Volatile volatilities, Risk, for the difference to a known price.

    Examples
    --------
    Alan Lewis' reference price (2019) with rate 1 % and dividend 2 %:

    >>> model = Heston(v0=0.04, kappa=4.0, theta=0.25, sigma=1.0, rho=-0.5)
    >>> terms = {"forward": 100.0 * np.exp(-0.01), "strike": 100.0, "time": 1.0, "discount": np.exp(-0.01)}
    >>> round(float(heston_price(model, is_call=True, **terms)), 11)
    16.07015491703
    """
    f = check_positive(forward, argument="forward", unit="quote currency")
    years = check_positive(time, argument="time", unit="years")
    strikes = np.asarray(strike, dtype=np.float64)
    if not (strikes > 0.0).all():
        raise ArgumentError("strike", "must be positive", f"lowest {strikes.min():.6g}", "pass quote currency")
    calls = f * _call_per_forward(parameters, np.log(strikes / f).ravel(), years).reshape(strikes.shape)
    return np.asarray(discount * np.where(is_call, calls, calls - (f - strikes)))


def _call_per_forward(parameters: Heston, k: np.ndarray, time: float) -> np.ndarray:
    variance = parameters.mean_variance(time) * time
    u, weights = _nodes(_end_of_integral(parameters, variance, time), float(np.abs(k).max()))
    shifted = u - 0.5j
    known = np.exp(-0.5 * variance * (shifted * shifted + 1j * shifted))
    gap = (known - heston_characteristic(parameters, shifted, time=time)) * (weights / (u * u + 0.25))
    phase = np.outer(k, u)
    integral = np.cos(phase) @ gap.real + np.sin(phase) @ gap.imag
    root = np.sqrt(variance)
    d1 = -k / root + 0.5 * root
    plain = ndtr(d1) - np.exp(k) * ndtr(d1 - root)
    return np.asarray(plain + np.exp(0.5 * k) / np.pi * integral)


def _end_of_integral(parameters: Heston, variance: float, time: float) -> float:
    unit = 1.0 / np.sqrt(variance)
    u = unit * np.geomspace(1.0, 1e5, 120)
    size = np.abs(heston_characteristic(parameters, u - 0.5j, time=time)) + np.exp(-0.5 * variance * u * u)
    large = np.flatnonzero(size / (1.0 + u * u / unit**2) > _NEGLIGIBLE)
    return float(u[min(large[-1] + 1, len(u) - 1)]) if len(large) else float(u[0])


def _nodes(end: float, fastest: float) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights on panels that widen from 0 to the end, enough of them for the fastest phase."""
    n_panels = int(np.clip(np.ceil(2.0 * end * fastest / _RADIANS_PER_PANEL), _FEWEST_PANELS, _MOST_PANELS))
    x, w = np.polynomial.legendre.leggauss(_NODES)
    edges = end * np.linspace(0.0, 1.0, n_panels + 1) ** 2
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()
