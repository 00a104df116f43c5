"""SVI smiles of one expiry: total variance by log-moneyness in its raw, natural and jump-wing parameters.

Total variance is volatility squared times time (years), so that it has no unit; log-moneyness is ln(strike / forward).
What enters are five numbers a smile, what leaves are values, slopes and the other two ways to write the same smile.
"""

from dataclasses import dataclass

import numpy as np

from volkit.checks import check_positive
from volkit.errors import ArgumentError

__all__ = ["JumpWings", "NaturalSVI", "RawSVI", "density_factor"]


def density_factor(
    log_moneyness: np.ndarray | float, value: np.ndarray, slope: np.ndarray, curvature: np.ndarray
) -> np.ndarray:
    """Return g: the implied density of the log price over a normal one; negative where a butterfly is.

    Parameters
    ----------
    log_moneyness : array
        ln(strike / forward), any shape.
    value, slope, curvature : array
        Total variance and its first two derivatives by log-moneyness, same shape.

    Returns
    -------
    array
        Same shape; the smile has no butterfly arbitrage where it is at least 0.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), Arbitrage-free SVI volatility surfaces, equation 2.1.

    Examples
    --------
    >>> float(density_factor(0.1, np.array(0.04), np.array(0.0), np.array(0.0)))  # a flat smile
    1.0
    """
    k = np.asarray(log_moneyness, dtype=np.float64)
    lean = 1.0 - 0.5 * k * slope / value
    return np.asarray(lean * lean - 0.25 * slope * slope * (1.0 / value + 0.25) + 0.5 * curvature)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSVI:
    """Raw SVI: w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)).

    Parameters
    ----------
    a : float
        Level of total variance; may be negative.
    b : float
        Steepness of the wings, at least 0.
    rho : float
        Lean, from -1 to 1 exclusive.
    m : float
        Log-moneyness of the bend.
    sigma : float
        Width of the bend in log-moneyness, above 0.

    Raises
    ------
    ArgumentError
        For parameters outside these ranges, or a minimum of total variance that is not positive.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), equation 3.1.

    Examples
    --------
    The smile of Axel Vogt [1]_, section 5.1, whose implied density is negative in places:

    >>> vogt = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
    >>> round(float(vogt.total_variance(0.0)), 12), round(vogt.minimum_variance, 12)
    (0.017426252555, 0.011624903235)
    """

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    def __post_init__(self) -> None:
        numbers = {"a": self.a, "b": self.b, "rho": self.rho, "m": self.m, "sigma": self.sigma}
        for name, value in numbers.items():
            if not np.isfinite(value):
                raise ArgumentError(name, "must be finite", f"{value!r}", "pass a fitted smile")
        check_positive(self.sigma, argument="sigma", unit="log-moneyness")
        if self.b < 0.0:
            raise ArgumentError("b", "must be at least 0", f"{self.b!r}", "a smile opens upwards; check the sign")
        if not -1.0 < self.rho < 1.0:
            raise ArgumentError("rho", "must lie between -1 and 1", f"{self.rho!r}", "pass for example rho=-0.3")
        if not self.minimum_variance > 0.0:
            got = f"a minimum of {self.minimum_variance:.6g}"
            raise ArgumentError("total variance", "must be positive everywhere", got, "raise a")

    @property
    def minimum_variance(self) -> float:
        """Lowest total variance over all log-moneyness: a + b sigma sqrt(1 - rho^2)."""
        return float(self.a + self.b * self.sigma * np.sqrt((1.0 - self.rho) * (1.0 + self.rho)))

    @property
    def minimum_at(self) -> float:
        """Log-moneyness of the lowest total variance."""
        return float(self.m - self.rho * self.sigma / np.sqrt((1.0 - self.rho) * (1.0 + self.rho)))

    @property
    def wing_slopes(self) -> tuple[float, float]:
        """Slopes of total variance far out, as (downside, upside), both at least 0."""
        return float(self.b * (1.0 - self.rho)), float(self.b * (1.0 + self.rho))

    @property
    def keeps_wing_bound(self) -> bool:
        """Whether no wing rises faster than 2, Lee's bound (2004): beyond it the price has no moment of that side."""
        return max(self.wing_slopes) <= 2.0

    def total_variance(self, log_moneyness: np.ndarray | float) -> np.ndarray:
        """Return total variance by log-moneyness, same shape.

        Examples
        --------
        >>> flat = RawSVI(a=0.04, b=0.0, rho=0.0, m=0.0, sigma=0.1)
        >>> flat.total_variance(np.array([-0.5, 0.5])).tolist()
        [0.04, 0.04]
        """
        y = np.asarray(log_moneyness, dtype=np.float64) - self.m
        return np.asarray(self.a + self.b * (self.rho * y + np.hypot(y, self.sigma)))

    def derivatives(self, log_moneyness: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return total variance and its first two derivatives by log-moneyness, same shape each.

        Examples
        --------
        >>> smile = RawSVI(a=0.01, b=0.1, rho=-0.5, m=0.0, sigma=0.2)
        >>> [round(float(x), 6) for x in smile.derivatives(0.0)]
        [0.03, -0.05, 0.5]
        """
        y = np.asarray(log_moneyness, dtype=np.float64) - self.m
        root = np.hypot(y, self.sigma)
        value = self.a + self.b * (self.rho * y + root)
        # Grouped so that nothing underflows where the bend is narrow.
        return value, self.b * (self.rho + y / root), self.b / root * (self.sigma / root) ** 2

    def density_factor(self, log_moneyness: np.ndarray | float) -> np.ndarray:
        """Return g by log-moneyness, same shape; see `volkit.options.surface.density_factor`.

        Examples
        --------
        >>> vogt = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
        >>> round(float(vogt.density_factor(0.87926)), 8)
        -0.03286357
        """
        return density_factor(log_moneyness, *self.derivatives(log_moneyness))

    def to_natural(self) -> "NaturalSVI":
        """Return the same smile in natural parameters.

        Raises
        ------
        ArgumentError
            For a flat smile, b = 0, which has no bend to describe.

        Examples
        --------
        >>> smile = RawSVI(a=0.01, b=0.1, rho=0.0, m=0.1, sigma=0.2)
        >>> [round(x, 6) for x in (smile.to_natural().omega, smile.to_natural().zeta)]
        [0.04, 5.0]
        """
        self._refuse_flat()
        across = float(np.sqrt((1.0 - self.rho) * (1.0 + self.rho)))
        omega = 2.0 * self.b * self.sigma / across
        return NaturalSVI(
            delta=self.a - self.b * self.sigma * across,
            mu=self.m + self.rho * self.sigma / across,
            rho=self.rho,
            omega=omega,
            zeta=across / self.sigma,
        )

    def to_jump_wings(self, time: float) -> "JumpWings":
        """Return the same smile as jump-wings at `time` (years).

        Raises
        ------
        ArgumentError
            For time that is not positive, or a flat smile, b = 0.

        Examples
        --------
        >>> vogt = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
        >>> wings = vogt.to_jump_wings(1.0)
        >>> [round(x, 8) for x in (wings.v, wings.psi, wings.p, wings.c, wings.v_tilde)]
        [0.01742625, -0.17521114, 0.6997381, 1.31679822, 0.0116249]
        """
        years = check_positive(time, argument="time", unit="years")
        self._refuse_flat()
        at_forward = float(self.total_variance(0.0))
        root = float(np.sqrt(at_forward))
        return JumpWings(
            v=at_forward / years,
            psi=0.5 * self.b / root * (self.rho - self.m / float(np.hypot(self.m, self.sigma))),
            p=self.b * (1.0 - self.rho) / root,
            c=self.b * (1.0 + self.rho) / root,
            v_tilde=self.minimum_variance / years,
            time=years,
        )

    def _refuse_flat(self) -> None:
        if self.b == 0.0:
            raise ArgumentError("b", "must be above 0 here", "a flat smile, b = 0", "keep the raw parameters")


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalSVI:
    """Natural SVI: w(k) = delta + omega/2 (1 + zeta rho (k - mu) + sqrt((zeta (k - mu) + rho)^2 + 1 - rho^2)).

    Parameters
    ----------
    delta : float
        Added level of total variance; 0 in the smiles of SSVI.
    mu : float
        Shift in log-moneyness; 0 in the smiles of SSVI.
    rho : float
        Lean, from -1 to 1 exclusive.
    omega : float
        Total variance at `mu` less `delta`, above 0.
    zeta : float
        Steepness, above 0.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), equation 3.2 and lemma 3.1.

    Examples
    --------
    >>> NaturalSVI(delta=0.0, mu=0.0, rho=0.0, omega=0.04, zeta=5.0).to_raw().sigma
    0.2
    """

    delta: float
    mu: float
    rho: float
    omega: float
    zeta: float

    def to_raw(self) -> RawSVI:
        """Return the same smile in raw parameters.

        Raises
        ------
        ArgumentError
            For parameters that make no smile.

        Examples
        --------
        >>> NaturalSVI(delta=0.0, mu=0.0, rho=0.0, omega=0.04, zeta=5.0).to_raw().a
        0.02
        """
        check_positive(self.omega, argument="omega", unit="total variance")
        check_positive(self.zeta, argument="zeta", unit="per log-moneyness")
        inside = (1.0 - self.rho) * (1.0 + self.rho)
        return RawSVI(
            a=self.delta + 0.5 * self.omega * inside,
            b=0.5 * self.omega * self.zeta,
            rho=self.rho,
            m=self.mu - self.rho / self.zeta,
            sigma=float(np.sqrt(inside)) / self.zeta,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpWings:
    """SVI by what a trader reads off: variance and skew at the forward, two wings, lowest variance.

    Parameters
    ----------
    v : float
        Variance at the forward, decimal squared per year.
    psi : float
        Skew at the forward: slope of volatility there, times the root of time.
    p, c : float
        Slopes of the put and the call wing over the root of total variance at the forward, at least 0.
    v_tilde : float
        Lowest variance, decimal squared per year.
    time : float
        To expiry, years.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), equation 3.5 and lemma 3.2.

    Examples
    --------
    >>> wings = JumpWings(v=0.01742625, psi=-0.17521114, p=0.6997381, c=0.34931582, v_tilde=0.01548182, time=1.0)
    >>> [round(x, 6) for x in (wings.to_raw().a, wings.to_raw().b, wings.to_raw().sigma)]
    [0.007741, 0.069242, 0.118608]
    """

    v: float
    psi: float
    p: float
    c: float
    v_tilde: float
    time: float

    def to_raw(self) -> RawSVI:
        """Return the same smile in raw parameters.

        Raises
        ------
        ArgumentError
            For wings that no smile has: variances not positive or out of order, wings both 0, a skew steeper than
            its wing, or a lowest point at the forward (psi = 0), where the width of the bend is not told.

        Examples
        --------
        >>> smile = RawSVI(a=0.01, b=0.1, rho=-0.5, m=0.05, sigma=0.2)
        >>> abs(smile.to_jump_wings(0.5).to_raw().m - smile.m) < 1e-15
        True
        """
        at_forward = check_positive(self.v, argument="v", unit="variance") * self.time
        check_positive(self.v_tilde, argument="v_tilde", unit="variance")
        root = float(np.sqrt(at_forward))
        b = 0.5 * root * (self.c + self.p)
        if min(self.p, self.c) <= 0.0:
            raise ArgumentError("p and c", "must be above 0", f"{self.p:.6g}, {self.c:.6g}", "give both wings a slope")
        rho = (self.c - self.p) / (self.c + self.p)
        apart = 2.0 * self.psi * root / b  # rho less the cosine of the forward's place on the bend
        beta = rho - apart
        if not abs(beta) < 1.0:
            got = f"psi = {self.psi:.6g} with p = {self.p:.6g}, c = {self.c:.6g}"
            raise ArgumentError("psi", "must lie between -p/2 and c/2", got, "lessen the skew or steepen the wing")
        if apart == 0.0 or self.v <= self.v_tilde:
            got = f"v - v_tilde = {self.v - self.v_tilde:.6g} with psi = {self.psi:.6g}"
            raise ArgumentError("v", "must exceed v_tilde, with psi not 0", got, "keep the raw parameters")
        across, away = (float(np.sqrt((1.0 - x) * (1.0 + x))) for x in (rho, beta))
        # 1 - cos of the angle between rho and beta, without the cancellation of the usual form.
        versine = 0.5 * apart**2 * (1.0 + ((rho + beta) / (across + away)) ** 2)
        radius = (self.v - self.v_tilde) * self.time / (b * versine)
        sigma = radius * away
        return RawSVI(a=self.v_tilde * self.time - b * sigma * across, b=b, rho=rho, m=radius * beta, sigma=sigma)
