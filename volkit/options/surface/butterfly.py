"""Butterfly arbitrage of SVI smiles, found exactly, and the repair of a smile by its jump-wings.

On the bend k = m + sigma (u - 1/u) / 2 every part of g is a ratio of polynomials in u > 0: the places where the density
changes its sign are the positive roots of one polynomial of degree ten, and its lowest point is among those of another.
No grid can step over them.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import polynomial as poly

from volkit.errors import ArgumentError
from volkit.options.surface.svi import JumpWings, RawSVI

__all__ = ["ButterflyCheck", "check_butterfly", "repair_smile"]

_BISECTIONS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ButterflyCheck:
    """Where the implied density of a smile is negative.

    Attributes
    ----------
    min_g, argmin_g : float
        Lowest g and its log-moneyness (infinite where g is lowest far out).
    intervals : tuple of (float, float)
        Log-moneyness between which g is negative; infinite ends where a wing is steeper than 2.
    """

    min_g: float
    argmin_g: float
    intervals: tuple[tuple[float, float], ...]

    @property
    def is_free(self) -> bool:
        """Whether no butterfly has a negative price."""
        return not self.intervals


def check_butterfly(smile: RawSVI) -> ButterflyCheck:
    """Return where butterflies have negative prices, by roots of polynomials rather than on a grid.

    Parameters
    ----------
    smile : RawSVI
        Of one expiry.

    Returns
    -------
    ButterflyCheck
        Intervals and lowest g over all log-moneyness.

    Notes
    -----
    g = (1 - k w'/2w)^2 - w'^2/4 (1/w + 1/4) + w''/2 tends to 1/4 - s^2/16 on a wing of slope s.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), equation 2.1 and section 5.1.

    Examples
    --------
    >>> vogt = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
    >>> found = check_butterfly(vogt)
    >>> [round(end, 5) for end in found.intervals[0]], round(found.min_g, 8), round(found.argmin_g, 5)
    ([0.64241, 1.25691], -0.03286357, 0.87926)
    """
    down, up = (0.25 - slope**2 / 16.0 for slope in smile.wing_slopes)
    numerator, denominator, square = _density_polynomials(smile)
    crossings = _places(smile, numerator)
    # d/du of numerator / (D^3 P^2), without the factors that have no positive root.
    turning = poly.polysub(
        poly.polymul(poly.polyder(numerator), poly.polymul(denominator, square)),
        poly.polymul(
            numerator,
            poly.polyadd(
                3.0 * poly.polymul(poly.polyder(denominator), square),
                2.0 * poly.polymul(poly.polyder(square), denominator),
            ),
        ),
    )
    places = np.concatenate([[-np.inf], _places(smile, turning), crossings, [smile.m, 0.0], [np.inf]])
    values = np.concatenate([[down], np.atleast_1d(smile.density_factor(places[1:-1])), [up]])
    lowest = int(np.argmin(values))
    signs = _negative_between(smile, crossings, down=down, up=up)
    return ButterflyCheck(min_g=float(values[lowest]), argmin_g=float(places[lowest]), intervals=signs)


def _density_polynomials(smile: RawSVI) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 16 g D^3 P^2, D and P as polynomials in u, lowest power first, with w = P / u."""
    a, b, rho, m, sigma = smile.a, smile.b, smile.rho, smile.m, smile.sigma
    value = np.array([0.5 * b * sigma * (1.0 - rho), a, 0.5 * b * sigma * (1.0 + rho)])
    slope = np.array([-b * (1.0 - rho), 0.0, b * (1.0 + rho)])  # w' = slope / D
    place = np.array([-sigma, 2.0 * m, sigma])  # k = place / 2u
    denominator = np.array([1.0, 0.0, 1.0])
    lean = poly.polysub(4.0 * poly.polymul(denominator, value), poly.polymul(place, slope))
    first = poly.polymul(denominator, poly.polymul(lean, lean))
    steep = poly.polymul(poly.polymul(slope, slope), poly.polymul(denominator, value))
    second = poly.polymul(steep, poly.polyadd([0.0, 4.0], value))
    third = poly.polymul([0.0, 0.0, 0.0, 64.0 * b / sigma], poly.polymul(value, value))
    return poly.polyadd(poly.polysub(first, second), third), denominator, value


def _places(smile: RawSVI, coefficients: np.ndarray) -> np.ndarray:
    """Return the log-moneyness of the positive roots, in order."""
    scale = np.max(np.abs(coefficients))
    if smile.b == 0.0 or not scale > 0.0:
        return np.empty(0)
    roots = poly.polyroots(poly.polytrim(coefficients / scale, tol=0.0))
    # A pair of complex roots beside the axis may be a double root: kept as a place to look at.
    near = roots[(roots.real > 0.0) & (np.abs(roots.imag) < 1e-5 * np.abs(roots))].real
    return np.asarray(np.sort(smile.m + 0.5 * smile.sigma * (near - 1.0 / near)))


def _negative_between(
    smile: RawSVI, crossings: np.ndarray, *, down: float, up: float
) -> tuple[tuple[float, float], ...]:
    """Return the stretches of negative g between neighbouring crossings, the ends polished by bisection."""
    if len(crossings) == 0:
        whole = float(smile.density_factor(smile.m)) < 0.0
        return ((-np.inf, np.inf),) if whole else ()
    middles = 0.5 * (crossings[1:] + crossings[:-1])
    negative = np.concatenate([[down < 0.0], np.atleast_1d(smile.density_factor(middles)) < 0.0, [up < 0.0]])
    intervals: list[tuple[float, float]] = []
    edges = np.concatenate([[-np.inf], crossings, [np.inf]])
    for i in np.flatnonzero(negative):
        start, end = float(edges[i]), float(edges[i + 1])
        if intervals and intervals[-1][1] == start:
            intervals[-1] = (intervals[-1][0], end)
        else:
            intervals.append((start, end))
    return tuple((_polish(smile, start), _polish(smile, end)) for start, end in intervals)


def _polish(smile: RawSVI, crossing: float) -> float:
    if not np.isfinite(crossing):
        return crossing
    reach = 1e-6 * float(np.hypot(crossing - smile.m, smile.sigma))
    low, high = crossing - reach, crossing + reach
    below = float(smile.density_factor(low)) < 0.0
    if below == (float(smile.density_factor(high)) < 0.0):
        return crossing
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if (float(smile.density_factor(middle)) < 0.0) == below else (low, middle)
    return 0.5 * (low + high)


def repair_smile(smile: RawSVI, *, time: float, closest: bool = True) -> RawSVI:
    """Return a smile without butterfly arbitrage that keeps variance, skew and put wing at the forward.

    Parameters
    ----------
    smile : RawSVI
        Of one expiry; one without arbitrage is returned as it is.
    time : float
        To expiry, years.
    closest : bool
        Whether to stop at the first smile without arbitrage on the way from the given call wing and lowest variance to
        those of [1]_; False goes all the way.

    Returns
    -------
    RawSVI
        With c and v_tilde of its jump-wings changed, v, psi and p kept.

    Raises
    ------
    ArgumentError
        When even the full step leaves arbitrage (steep smiles of long expiries), or jump-wings do not describe the
        smile.

    Notes
    -----
    The target is c' = p + 2 psi and v_tilde' = 4 v p c' / (p + c')^2, a smile of SSVI.

    References
    ----------
    .. [1] Gatheral and Jacquier (2014), section 5.1.

    Examples
    --------
    >>> vogt = RawSVI(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
    >>> full = repair_smile(vogt, time=1.0, closest=False)
    >>> round(full.to_jump_wings(1.0).c, 8), check_butterfly(full).is_free
    (0.34931582, True)
    """
    if check_butterfly(smile).is_free:
        return smile
    wings = smile.to_jump_wings(time)
    target = _repaired_wings(wings)
    if not check_butterfly(target.to_raw()).is_free:
        got = f"lowest g {check_butterfly(target.to_raw()).min_g:.6g} after the full step"
        raise ArgumentError("smile", "must have a repair by jump-wings", got, "fit it with butterfly='refuse'")
    if not closest:
        return target.to_raw()
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if check_butterfly(_between(wings, target, middle)).is_free else (middle, high)
    return _between(wings, target, high)


def _repaired_wings(wings: JumpWings) -> JumpWings:
    call = wings.p + 2.0 * wings.psi
    if call <= 0.0:
        got = f"p + 2 psi = {call:.6g}"
        raise ArgumentError("smile", "must have a put wing steeper than its skew", got, "fit it anew")
    return replace(wings, c=call, v_tilde=4.0 * wings.v * wings.p * call / (wings.p + call) ** 2)


def _between(wings: JumpWings, target: JumpWings, share: float) -> RawSVI:
    c, v_tilde = (
        start + share * (end - start) for start, end in ((wings.c, target.c), (wings.v_tilde, target.v_tilde))
    )
    return replace(wings, c=c, v_tilde=v_tilde).to_raw()
